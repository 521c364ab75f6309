/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * translated.c - facts of the x86-64 guest whose devices are behind a
 * virtio-iommu (mapped.c). One that does not offer ACCESS_PLATFORM goes past
 * it: QEMU gives it all of memory.
 */
#include "../mapped.h"
#include "x86.h"

const struct guest_cpu guest_cpu = {
	.name = "x86_64",
	.transport_name = "pci",
	.awkward_text = "each page had to be asked for three times",
	.iommu_name = "VIOMMU",
	.transport = BOUNCE_TRANSPORT_PCI,
	.ram_bytes = X86_RAM_BYTES,
	.pool_gpa = X86_POOL,
	.control_gpa = X86_CONTROL,
	.refused_gpa = X86_REFUSED,
	.window = {
		{
			.bus = { MAPPED_BUS },
			.len = X86_RAM_BYTES,
			.flags = BOUNCE_WINDOW_TRANSLATED,
		},
		{
			.len = X86_RAM_BYTES,
			.flags = BOUNCE_WINDOW_BYPASS,
		},
	},
};
