/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * uvc.S - UVC, STFLE, and two instructions of zPCI. As numbers where older
 * assemblers do not have the name.
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

/*
 * unsigned bounce_s390_mpcifc(uint64_t *request, const void *fib)
 * RXY, 0xe3d0: R1 holds the request, and takes the status; the second operand
 * is the block (Linux, arch/s390/pci/pci_insn.c).
 */
	.globl bounce_s390_mpcifc
	.type bounce_s390_mpcifc, @function
	.balign 8
bounce_s390_mpcifc:
	lg	%r1, 0(%r2)
	.insn	rxy, 0xe300000000d0, %r1, 0(%r3)
	stg	%r1, 0(%r2)
	ipm	%r2
	srl	%r2, 28
	llgfr	%r2, %r2
	br	%r14
	.size bounce_s390_mpcifc, . - bounce_s390_mpcifc

/*
 * unsigned bounce_s390_rpcit(uint64_t *request, uint64_t bus, uint64_t len)
 * RRE, 0xb9d3: R1 as above; R2 and R2 + 1, an even-odd pair, hold address and
 * length (Linux, as above).
 */
	.globl bounce_s390_rpcit
	.type bounce_s390_rpcit, @function
	.balign 8
bounce_s390_rpcit:
	lgr	%r5, %r2
	lg	%r1, 0(%r5)
	lgr	%r2, %r3
	lgr	%r3, %r4
	.insn	rre, 0xb9d30000, %r1, %r2
	stg	%r1, 0(%r5)
	ipm	%r2
	srl	%r2, 28
	llgfr	%r2, %r2
	br	%r14
	.size bounce_s390_rpcit, . - bounce_s390_rpcit

	.section .note.GNU-stack, "", @progbits
