/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * stage_ioat.c - in a second image, what ioat.c is in the first, whose tables
 * confine each function that is enabled, as long as it stays so.
 */
#include "../stage.h"
#include "zpci.h"

void ioat_start(void)
{
}

bool ioat_register(uint32_t handle)
{
	return handle != 0;
}

bool ioat_is_stopped(uint32_t handle)
{
	uint64_t value;

	return cpu_pci_load(zpci_request(handle, ZPCI_CONFIGURATION | 2), 0,
			    &value) != 0;
}

bool ioat_recover(uint32_t handle)
{
	return stage_record()->monitor->recover(handle);
}

/* Its scenario is over. */
bool ioat_recover_own(uint32_t handle)
{
	(void)handle;
	return false;
}
