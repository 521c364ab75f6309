/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * translated.c - facts of the aarch64 guest whose devices are behind a
 * virtio-iommu (mapped.c). One that does not offer ACCESS_PLATFORM goes past
 * it: QEMU gives it all of memory.
 */
#include "../mapped.h"
#include "arm.h"

const struct guest_cpu guest_cpu = {
	.name = "aarch64",
	.transport_name = "pci",
	.awkward_text = "each page had to be asked for three times",
	.iommu_name = "VIOMMU",
	.transport = BOUNCE_TRANSPORT_PCI,
	.ram_gpa = ARM_RAM,
	.ram_bytes = ARM_RAM_BYTES,
	.pool_gpa = ARM_POOL,
	.control_gpa = ARM_CONTROL,
	.refused_gpa = ARM_REFUSED,
	.window = {
		{
			.bus = { MAPPED_BUS + ARM_RAM },
			.gpa = { ARM_RAM },
			.len = ARM_RAM_BYTES,
			.flags = BOUNCE_WINDOW_TRANSLATED,
		},
		{
			.len = ARM_RAM + ARM_RAM_BYTES,
			.flags = BOUNCE_WINDOW_BYPASS,
		},
	},
};
