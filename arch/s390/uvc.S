/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * uvc.S - UVC and STFLE. Instructions as numbers where older assemblers do not
 * have the name.
 */
	.text

/*
 * unsigned bounce_s390_uvc(void *block)
 * RRF, 0xb9a4: R1 holds 0, R2 the block's address (Linux,
 * arch/s390/include/asm/uv.h, __uv_call). IPM puts the condition code in bits
 * 34 and 35 of the register, that is bits 28 and 29 from the right.
 */
	.globl bounce_s390_uvc
	.type bounce_s390_uvc, @function
	.balign 8
bounce_s390_uvc:
	lghi	%r3, 0
	.long	0xb9a40032	/* uvc %r3, %r2 */
	ipm	%r2
	srl	%r2, 28
	llgfr	%r2, %r2
	br	%r14
	.size bounce_s390_uvc, . - bounce_s390_uvc

/*
 * void bounce_s390_stfle(uint64_t *list, uint32_t count)
 * STFLE takes the number of doublewords less one in the low byte of r0
 * (Principles of Operation, chapter 7, STORE FACILITY LIST EXTENDED).
 */
	.globl bounce_s390_stfle
	.type bounce_s390_stfle, @function
	.balign 8
bounce_s390_stfle:
	lgr	%r0, %r3
	aghi	%r0, -1
	.insn	s, 0xb2b00000, 0(%r2)	/* stfle 0(%r2) */
	br	%r14
	.size bounce_s390_stfle, . - bounce_s390_stfle

	.section .note.GNU-stack, "", @progbits
