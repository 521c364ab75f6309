/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * start.S - where QEMU's pseries machine enters the image, and the interrupt
 * vectors. The image lies at physical 0 and runs there, without translation.
 *
 * With -bios the CPU starts at 0x100, big-endian and in 32-bit mode (MSR is 0),
 * with the flattened device tree's address in r3. The rest of the image is
 * little-endian; H_SET_MODE makes interrupts so, too (cpu.c).
 *
 * Interrupts save everything in one frame (struct power_frame of power.h) and
 * call power_interrupt() on a stack of their own. Only `sc 2` comes back.
 *
 * Source: Power ISA 3.0B book III, chapters 3 (sc, rfid, MSR) and 6 (vectors);
 * 64-bit ELF V2 ABI, 2.2 (stack, TOC, r12 at entry).
 */
#define ENTRY_LITTLE 0x120
#define FRAME_SRR0 256
#define FRAME_SRR1 264
#define FRAME_LR 272
#define FRAME_CTR 280
#define FRAME_CR 288
#define FRAME_XER 296
#define STACK_BYTES 65536
#define STACK_FRAME 128 /* ELFv2 ABI: room for a callee's header */

	/* An instruction word in the byte order of a big-endian CPU. */
	.macro	big word
	.byte	((\word) >> 24) & 0xff, ((\word) >> 16) & 0xff
	.byte	((\word) >> 8) & 0xff, (\word) & 0xff
	.endm

	.macro	address register, symbol
	lis	\register, \symbol@h
	ori	\register, \register, \symbol@l
	.endm

	.macro	vector offset
	.org	\offset
	mtsprg	0, 0
	li	0, \offset
	b	interrupt
	.endm

	.section .vectors, "ax"
	/* The words are what an assembler makes of their comments. */
	.globl	_start
	.org	0x100
_start:
	big	0x39400000 | ENTRY_LITTLE	/* li    r10, ENTRY_LITTLE */
	big	0x7d5a03a6			/* mtsrr0 r10 */
	big	0x39400001			/* li    r10, 1 */
	big	0x794af806			/* sldi  r10, r10, 63: SF */
	big	0x614a1001			/* ori   r10, r10, ME | LE */
	big	0x7d5b03a6			/* mtsrr1 r10 */
	big	0x4c000024			/* rfid */

	.org	ENTRY_LITTLE
	b	start

	.irp	offset, 0x200, 0x300, 0x380, 0x400, 0x480, 0x500, 0x600, 0x700
	vector	\offset
	.endr
	.irp	offset, 0x800, 0x900, 0xa00, 0xc00, 0xd00, 0xe40, 0xf00, 0xf20
	vector	\offset
	.endr
	.irp	offset, 0xf40, 0xf60, 0xf80
	vector	\offset
	.endr
	.org	0x1000

	.text
start:
	address	1, (power_stack_end - STACK_FRAME)
	address	2, .TOC.
	address	12, power_start
	mtctr	12
	bctrl				/* power_start(device tree in r3) */
0:	b	0b

interrupt:
	mtsprg	1, 1
	address	1, power_frame
	.irp	n, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
	std	\n, 8 * \n(1)
	.endr
	.irp	n, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	std	\n, 8 * \n(1)
	.endr
	mr	4, 0			/* the vector */
	mfsprg	5, 0
	std	5, 0(1)
	mfsprg	5, 1
	std	5, 8(1)
	mfsrr0	5
	std	5, FRAME_SRR0(1)
	mfsrr1	5
	std	5, FRAME_SRR1(1)
	mflr	5
	std	5, FRAME_LR(1)
	mfctr	5
	std	5, FRAME_CTR(1)
	mfcr	5
	std	5, FRAME_CR(1)
	mfxer	5
	std	5, FRAME_XER(1)

	mr	3, 1
	address	1, (power_interrupt_stack_end - STACK_FRAME)
	address	2, .TOC.
	address	12, power_interrupt
	mtctr	12
	bctrl				/* power_interrupt(frame, vector) */

	address	1, power_frame
	ld	5, FRAME_SRR0(1)
	mtsrr0	5
	ld	5, FRAME_SRR1(1)
	mtsrr1	5
	ld	5, FRAME_LR(1)
	mtlr	5
	ld	5, FRAME_CTR(1)
	mtctr	5
	ld	5, FRAME_CR(1)
	mtcr	5
	ld	5, FRAME_XER(1)
	mtxer	5
	ld	0, 0(1)
	.irp	n, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
	ld	\n, 8 * \n(1)
	.endr
	.irp	n, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ld	\n, 8 * \n(1)
	.endr
	ld	1, 8(1)
	rfid

	/* int64_t power_hcall(op, a, b, c, d): the registers are C's own. */
	.globl	power_hcall
power_hcall:
	sc	1
	blr

	/* int64_t power_hcall_read(op, a, b, c, uint64_t *r4): keeps r4. */
	.globl	power_hcall_read
power_hcall_read:
	mr	11, 7
	std	11, -8(1)
	sc	1
	ld	11, -8(1)
	std	4, 0(11)
	blr

	/* int64_t power_ultracall(function, gfn, count): `sc 2`. */
	.globl	power_ultracall
power_ultracall:
	.long	0x44000042		/* older assemblers know no LEV 2 */
	blr

	/* Not in .bss, which power_start() clears. */
	.section .stack, "aw", @nobits
	.balign	16
	.space	STACK_BYTES
power_stack_end:
	.space	STACK_BYTES
power_interrupt_stack_end:

	.section .note.GNU-stack, "", @progbits
