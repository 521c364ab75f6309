/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * stage_mapped.c - in a second image, what mapped.c is in the first, which
 * keeps the virtio-iommu: its backend is the monitor's, by no instruction.
 */
#include "mapped.h"
#include "stage.h"

const char *machine_start(void)
{
	return NULL;
}

void cpu_arch(struct bounce_arch *arch)
{
	stage_record()->monitor->arch(arch);
}
