/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * endian.c - the little-endian guest: its name, and what it asks of the
 * hypervisor. start.S has brought the CPU into this byte order already.
 */
#include "../power/power.h"

/* LoPAR, H_SET_MODE: resource 4, value 1: interrupts are little-endian. */
#define SET_MODE_LITTLE 1
#define SET_MODE_RESOURCE_ENDIAN 4

const char power_name[] = "ppc64le";

/* For all CPUs: one that is started later does as the others do. */
bool power_set_endian(void)
{
	return power_hcall(H_SET_MODE, SET_MODE_LITTLE,
			   SET_MODE_RESOURCE_ENDIAN, 0, 0) == H_SUCCESS;
}
