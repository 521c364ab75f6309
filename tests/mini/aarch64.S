/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * aarch64.S - translation and exception vectors for tests on QEMU's virt
 * machine; then the C library's own start.
 *
 * That start leaves the MMU off. All memory is Device memory then: no exclusive
 * or unaligned access is promised to work, and so no atomic, not the library's
 * memset(), and not the code of tests, which are compiled without
 * -mstrict-align. So the MMU is turned on before anything else: an identity
 * map, in which RAM is cacheable.
 *
 * Source: Arm ARM DDI 0487, issue H.a: D5.2 and D5.3 (translation,
 * descriptors), D13.2 (registers), B2.9.2 (exclusives and memory types).
 */

/* MAIR_EL1: attribute 0 is Device-nGnRE, 1 is Normal, write-back. */
#define ATTRIBUTES 0xff04

/*
 * TCR_EL1: 39 bits of addresses by TTBR0 (T0SZ 25: tables begin at level 1),
 * granule 4 KiB, walks cacheable and inner shareable; no TTBR1 (EPD1); 40 bits
 * of physical addresses (IPS 2).
 */
#define CONTROL 0x200803519

#define SYSTEM_ON 0x1005		/* SCTLR_EL1: M, C, I */

/* A block of 1 GiB: level 1; access flag set. */
#define BLOCK 0x401
#define BLOCK_DEVICE (BLOCK | 0 << 2 | 3 << 53)	/* never executed */
#define BLOCK_NORMAL (BLOCK | 1 << 2 | 3 << 8)	/* inner shareable */

	.text
	.globl	mini_start
mini_start:
	ldr	x0, =vectors
	msr	vbar_el1, x0
	mov	x0, #ATTRIBUTES
	msr	mair_el1, x0
	ldr	x0, =CONTROL
	msr	tcr_el1, x0
	ldr	x0, =blocks
	msr	ttbr0_el1, x0
	tlbi	vmalle1
	dsb	ish
	isb
	mrs	x0, sctlr_el1
	mov	x1, #SYSTEM_ON
	orr	x0, x0, x1
	msr	sctlr_el1, x0
	isb
	b	_start
	.ltorg

	/* No exception is asked for: each is the end (metal.c). */
	.balign	2048
vectors:
	.rept	16
	mrs	x0, esr_el1
	mrs	x1, elr_el1
	mrs	x2, far_el1
	b	mini_exception
	.balign	128
	.endr

	/* Level 1: devices below RAM, and RAM. */
	.section .rodata
	.balign	4096
blocks:
	.quad	BLOCK_DEVICE
	.quad	0x40000000 | BLOCK_NORMAL
	.fill	510, 8, 0

	.section .note.GNU-stack, "", @progbits
