/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * ccw.c - facts of the s390x guest whose devices are behind subchannels.
 */
#include "machine.h"

const struct guest_cpu guest_cpu = {
	.name = "s390x",
	.transport_name = "ccw",
	.awkward_text = MACHINE_AWKWARD,
	.transport = BOUNCE_TRANSPORT_CCW,
	.ram_bytes = MACHINE_RAM_BYTES,
	.pool_gpa = MACHINE_POOL,
	.control_gpa = MACHINE_CONTROL,
	.refused_gpa = MACHINE_REFUSED,
	/* A ccw device's addresses are absolute ones, whatever it offers. */
	.window = {
		{ .len = MACHINE_RAM_BYTES },
		{ .len = MACHINE_RAM_BYTES, .flags = BOUNCE_WINDOW_BYPASS },
	},
};

const char *bus_start(void)
{
	return NULL;
}
