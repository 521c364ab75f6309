/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * endian.c - the big-endian guest: its name. A machine starts in this byte
 * order, and its interrupts are in it.
 */
#include "../power/power.h"

const char power_name[] = "ppc64";

bool power_set_endian(void)
{
	return true;
}
