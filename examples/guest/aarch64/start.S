/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * start.S - where QEMU's virt machine enters the image, translation, and the
 * exception vectors.
 *
 * Each CPU comes in at EL1 with its MMU off, when all memory is Device memory:
 * no exclusive or unaligned access is promised to work then, and so no atomic.
 * Hence the MMU is turned on before any C: an identity map, in which RAM is
 * cacheable. The image was loaded into zeroed memory: .bss is so.
 *
 * Source: Arm ARM DDI 0487, issue H.a: D5.2 and D5.3 (translation,
 * descriptors), D13.2 (registers), B2.9.2 (exclusives and memory types).
 */
#define STACK_BYTES 65536

/* MAIR_EL1: attribute 0 is Device-nGnRE, 1 is Normal, write-back. */
#define ATTRIBUTES 0xff04

/*
 * TCR_EL1: 39 bits of addresses by TTBR0 (T0SZ 25: tables begin at level 1),
 * granule 4 KiB, walks cacheable and inner shareable; no TTBR1 (EPD1); 40 bits
 * of physical addresses (IPS 2).
 */
#define CONTROL_LOW 0x00803519
#define CONTROL_HIGH 0x2

#define SYSTEM_ON 0x1005		/* SCTLR_EL1: M, C, I */
#define FLOATING_POINT 0x300000		/* CPACR_EL1.FPEN: no trap */

/* A block of 1 GiB: level 1; access flag set. */
#define BLOCK 0x401
#define BLOCK_DEVICE (BLOCK | 0 << 2 | 3 << 53)	/* never executed */
#define BLOCK_NORMAL (BLOCK | 1 << 2 | 3 << 8)	/* inner shareable */

	.section .text.start, "ax"
	.globl	_start
_start:
	/* A second image is entered there, too; the map is the same then. */
	.globl	stage_entry
stage_entry:
	bl	translate
	adrp	x0, first_stack_end
	add	x0, x0, :lo12:first_stack_end
	mov	sp, x0
	bl	arm_start
0:	b	0b

	/* The second CPU comes in here (second.c). */
	.globl	arm_second_entry
arm_second_entry:
	bl	translate
	adrp	x0, second_stack_end
	add	x0, x0, :lo12:second_stack_end
	mov	sp, x0
	bl	arm_second
0:	b	0b

	/* Vectors, registers of the C library, and translation. */
translate:
	adrp	x0, vectors
	add	x0, x0, :lo12:vectors
	msr	vbar_el1, x0
	mov	x0, #FLOATING_POINT
	msr	cpacr_el1, x0
	mov	x0, #ATTRIBUTES
	msr	mair_el1, x0
	ldr	x0, =(CONTROL_HIGH << 32 | CONTROL_LOW)
	msr	tcr_el1, x0
	adrp	x0, blocks
	msr	ttbr0_el1, x0
	tlbi	vmalle1
	dsb	ish
	isb
	mrs	x0, sctlr_el1
	mov	x1, #SYSTEM_ON
	orr	x0, x0, x1
	msr	sctlr_el1, x0
	isb
	ret
	.ltorg

	/* No exception is asked for: each is the end. */
	.text
	.balign	2048
vectors:
	.rept	16
	mrs	x0, esr_el1
	mrs	x1, elr_el1
	mrs	x2, far_el1
	b	arm_exception
	.balign	128
	.endr

	/* int64_t arm_firmware(function, a, b, c): a call by SMCCC. */
	.globl	arm_firmware
arm_firmware:
	hvc	#0
	ret

	/* arm_semihosting(operation, block) */
	.globl	arm_semihosting
arm_semihosting:
	hlt	#0xf000
	ret

	/* Level 1: devices below RAM, RAM, and PCI's configuration space. */
	.section .rodata
	.balign	4096
blocks:
	.quad	BLOCK_DEVICE
	.quad	0x40000000 | BLOCK_NORMAL
	.fill	254, 8, 0
	.quad	0x4000000000 | BLOCK_DEVICE
	.fill	255, 8, 0

	.bss
	.balign	16
	.skip	STACK_BYTES
first_stack_end:
	.skip	STACK_BYTES
second_stack_end:

	.section .note.GNU-stack, "", @progbits
