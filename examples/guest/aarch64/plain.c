/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * plain.c - facts of the aarch64 guest that nothing protects: neither a monitor
 * nor an IOMMU. It bounces because it wants to (forced.c).
 */
#include "arm.h"

const struct guest_cpu guest_cpu = {
	.name = "aarch64",
	.transport_name = "pci",
	.transport = BOUNCE_TRANSPORT_PCI,
	.forced = true,
	.ram_gpa = ARM_RAM,
	.ram_bytes = ARM_RAM_BYTES,
	.pool_gpa = ARM_POOL,
	.control_gpa = ARM_CONTROL,
	.refused_gpa = ARM_REFUSED,
	/* Addresses on the bus are the CPU's, whatever a device offers. */
	.window = {
		{ .len = ARM_RAM + ARM_RAM_BYTES },
		{
			.len = ARM_RAM + ARM_RAM_BYTES,
			.flags = BOUNCE_WINDOW_BYPASS,
		},
	},
};

const struct guest_extras guest_extras = { NULL };

const char *machine_start(void)
{
	return NULL;
}
