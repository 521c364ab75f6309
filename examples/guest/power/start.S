/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * start.S - where QEMU's pseries machine enters the image, and the interrupt
 * vectors. The image lies at physical 0 and runs there, without translation.
 *
 * With -bios the first CPU starts at 0x100, big-endian and in 32-bit mode (MSR
 * is 0), with the flattened device tree's address in r3; the second where
 * second.c says, big-endian, too. abi.inc, one for each byte order, brings them
 * to the rest of the image.
 *
 * Each CPU has two stacks, one for interrupts. At the top of that lies the
 * frame in which its interrupts save all registers (struct power_frame of
 * power.h), and SPRG2 has the frame's address. Only `sc 2` comes back.
 *
 * Source: Power ISA 3.0B book III, chapters 3 (sc, rfid, MSR), 4 (SPRG) and 6
 * (vectors).
 */
#define ENTRY_FIRST 0x120
#define ENTRY_SECOND 0x160
#define FRAME_SRR0 256
#define FRAME_SRR1 264
#define FRAME_LR 272
#define FRAME_CTR 280
#define FRAME_CR 288
#define FRAME_XER 296
#define FRAME_BYTES 304
#define STACK_BYTES 65536
#define STACK_FRAME 128 /* both ABIs: room for a callee's header */

#include "address.inc"
#include "abi.inc"

	.macro	vector offset
	.org	\offset
	mtsprg	0, 0
	li	0, \offset
	b	interrupt
	.endm

	.section .vectors, "ax"
	.globl	_start
	.org	0x100
_start:
	enter	ENTRY_FIRST
	.org	ENTRY_FIRST
	b	first

	.globl	power_second_entry
	.org	0x140
power_second_entry:
	enter	ENTRY_SECOND
	.org	ENTRY_SECOND
	b	second

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
first:
	address	1, first_frame
	mtsprg	2, 1
	address	1, first_stack_end - STACK_FRAME
	call_c	power_start		/* power_start(device tree in r3) */
0:	b	0b

second:
	address	1, second_frame
	mtsprg	2, 1
	address	1, second_stack_end - STACK_FRAME
	call_c	power_second
0:	b	0b

interrupt:
	mtsprg	1, 1
	mfsprg	1, 2
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
	addi	1, 1, -STACK_FRAME
	call_c	power_interrupt		/* power_interrupt(frame, vector) */

	mfsprg	1, 2
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

	/* Not in .bss, which power_start() clears. */
	.section .stack, "aw", @nobits
	.balign	16
	.space	STACK_BYTES
first_stack_end:
	.space	STACK_BYTES - FRAME_BYTES
first_frame:
	.space	FRAME_BYTES
	.space	STACK_BYTES
second_stack_end:
	.space	STACK_BYTES - FRAME_BYTES
second_frame:
	.space	FRAME_BYTES

	.section .note.GNU-stack, "", @progbits
