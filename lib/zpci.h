/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * zpci.h - tables of zPCI, the functions that go by them, and the instructions
 * that this takes.
 */
#ifndef LIB_ZPCI_H
#define LIB_ZPCI_H

#include <bounce/zpci.h>

#include "atomic.h"

/* Where a function stands; Z3 of iommu_zpci.c. */
enum zpci_state {
	ZPCI_FREE = 0, /* no function */
	ZPCI_REGISTERED = 1, /* it goes by the tables, as last refreshed */
	ZPCI_CHANGING = 2, /* somebody gives it its translation, or takes it */
	ZPCI_STOPPED = 3, /* it has no translation, and reaches nothing */
};

struct zpci_function {
	_Atomic uint64_t word; /* handle << 32 | state */
};

struct bounce_zpci {
	struct bounce_zpci_info info;
	_Atomic uint64_t requests;
	struct zpci_function function[]; /* info.functions */
};

/*
 * MPCIFC and RPCIT: arch/s390/uvc.S, or a test's own. *@request is the handle
 * on the left, and what is wanted on the right; a status comes back in it.
 * Return: the condition code, 0 .. 3.
 */
unsigned bounce_s390_mpcifc(uint64_t *request, const void *fib);
unsigned bounce_s390_rpcit(uint64_t *request, uint64_t bus, uint64_t len);

#endif
