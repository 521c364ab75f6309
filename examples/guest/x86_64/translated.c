/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * translated.c - facts of the x86-64 guest whose devices are behind a
 * virtio-iommu (mapped.c). One that does not offer ACCESS_PLATFORM goes past
 * it: QEMU gives it all of memory.
 */
#include "../bridges.h"
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
	.omit_flush = mapped_omit,
	.reported = mapped_reported,
	.aside = bridges_run,
};

const char *machine_start(void)
{
	static const enum guest_role confined[] = { GUEST_IN0, GUEST_OUT0,
						    GUEST_NET };

	bridges_start();
	return mapped_start(confined, sizeof(confined) / sizeof(confined[0]));
}
