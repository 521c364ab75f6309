/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * calls.S - calls of the hypervisor, the ultravisor, and of another image.
 *
 * Source: Power ISA 3.0B book III, chapter 3 (sc).
 */

#include "address.inc"
#include "abi.inc"

	.text
	/* int64_t power_hcall(op, a, b, c, d): the registers are C's own. */
	function power_hcall
	sc	1
	blr

	/* int64_t power_hcall_read(op, a, b, c, uint64_t *r4): keeps r4. */
	function power_hcall_read
	mr	11, 7
	std	11, -8(1)
	sc	1
	ld	11, -8(1)
	std	4, 0(11)
	blr

	/* int64_t power_ultracall(function, gfn, count): `sc 2`. */
	function power_ultracall
	.long	0x44000042		/* older assemblers know no LEV 2 */
	blr

	/* power_jump(entry, tree): the tree is handed over as QEMU did. */
	function power_jump
	mtctr	3
	mr	3, 4
	bctr

	.section .note.GNU-stack, "", @progbits
