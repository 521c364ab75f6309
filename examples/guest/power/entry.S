/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * entry.S - where a second image is entered, by power_jump() of the first: in
 * this image's byte order, 64-bit, without translation, the device tree's
 * address in r3. The vectors stay the first one's: that they are reached is
 * what stands for the ultravisor (T2 of stage.h).
 *
 * Source: Power ISA 3.0B book III, chapter 3.
 */
#define STACK_BYTES 65536
#define STACK_FRAME 128			/* as in start.S */

#include "address.inc"
#include "abi.inc"

	.section .text.start, "ax"
	.globl	stage_entry
stage_entry:
	address	1, stage_stack_end - STACK_FRAME
	call_c	power_start		/* power_start(device tree in r3) */
0:	b	0b

	/* Not in .bss, which power_start() clears. */
	.section .stack, "aw", @nobits
	.balign	16
	.space	STACK_BYTES
stage_stack_end:

	.section .note.GNU-stack, "", @progbits
