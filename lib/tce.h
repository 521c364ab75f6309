/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * tce.h - a DMA window of POWER, and the instruction that it takes.
 */
#ifndef LIB_TCE_H
#define LIB_TCE_H

#include <bounce/tce.h>

#include "atomic.h"

struct bounce_tce {
	struct bounce_tce_info info; /* constant, page_shift not 0 */
	_Atomic uint32_t multi; /* the calls for many entries are there */
	_Atomic uint32_t list_taken; /* who writes the list holds it */
	_Atomic uint64_t requests;
};

/*
 * One hypervisor call: `sc 1` with r3 = @function, r4 .. r7 = the rest.
 * arch/power/ucall.S, or a test's own.
 * Return: r3.
 */
int64_t bounce_power_hcall(uint64_t function, uint64_t liobn, uint64_t bus,
			   uint64_t value, uint64_t count);

#endif
