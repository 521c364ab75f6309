/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * tce.c - a host bridge's DMA window, as the device tree has it, for the
 * library's backend; and what its table holds, asked of the hypervisor.
 *
 * Source: LoPAR 1.1, H_GET_TCE; "ibm,hypertas-functions".
 */
#include "power.h"

#define MULTI "hcall-multi-tce"

/* A list of strings, each with its zero. */
static bool has_multi(void)
{
	uint32_t len;
	const unsigned char *list =
		tree_property("rtas", "ibm,hypertas-functions", &len);
	const uint32_t bytes = sizeof(MULTI);

	for (uint32_t at = 0; list != NULL && at + bytes <= len; at++)
		if ((at == 0 || list[at - 1] == 0) &&
		    memcmp(list + at, MULTI, bytes) == 0)
			return true;
	return false;
}

struct bounce_tce *tce_open(struct tce *tce, uint32_t bridge)
{
	struct bounce_fdt_dma_window window;
	struct bounce_tce_info info = { .reserved0 = 0 };
	struct bounce_tce *opened;

	if (!tree_nth_dma_window("pci@", bridge, &window))
		guest_fail("a host bridge has no TCE window");
	tce->liobn = window.liobn;
	info.liobn = window.liobn;
	info.bus.v = window.bus;
	info.len = window.len;
	if (has_multi()) {
		info.flags = BOUNCE_TCE_MULTI;
		info.list = tce->list;
		info.list_gpa.v = (uintptr_t)tce->list;
	}
	if (bounce_tce_init(tce->memory, sizeof(tce->memory), &info, &opened) !=
	    BOUNCE_OK)
		guest_fail("bounce_tce_init()");
	return opened;
}

bool tce_holds(const struct tce *tce, uint64_t bus, uint64_t entry)
{
	uint64_t now = 0;

	return power_hcall_read(H_GET_TCE, tce->liobn, bus, 0, &now) ==
		       H_SUCCESS &&
	       now == entry;
}
