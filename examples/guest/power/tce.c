/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * tce.c - a host bridge's table of translation control entries, as the library
 * asks for it: one hypervisor call for a page of 4 KiB.
 *
 * Source: LoPAR 1.1, H_PUT_TCE and H_GET_TCE.
 */
#include "hosts.h"
#include "power.h"

static void info(void *ctx, struct bounce_iommu_info *info)
{
	const struct hosts_table *table = ctx;

	*info = (struct bounce_iommu_info) {
		.page_bytes = TCE_PAGE_BYTES,
		.first = { table->first },
		.last = { table->first + table->len - 1 },
		.attributes = BOUNCE_IOMMU_READ_ONLY | BOUNCE_IOMMU_WRITE_ONLY,
		.requests = table->requests,
	};
}

/* What the table has now is asked for, not believed. */
static bool put(struct hosts_table *table, uint64_t bus, uint64_t entry)
{
	uint64_t now = 0;

	table->requests++;
	return power_hcall(H_PUT_TCE, table->liobn, bus, entry, 0) ==
		       H_SUCCESS &&
	       power_hcall_read(H_GET_TCE, table->liobn, bus, 0, &now) ==
		       H_SUCCESS &&
	       now == entry;
}

static enum bounce_step put_all(struct hosts_table *table,
				const struct bounce_iommu_run *run,
				uint32_t count, bool map, uint64_t *done)
{
	*done = 0;
	for (uint32_t i = 0; i < count; i++)
		for (uint64_t at = 0; at < run[i].len; at += TCE_PAGE_BYTES) {
			/* The bits of enum bounce_access are the table's. */
			uint64_t entry =
				map ? (run[i].gpa.v + at) | run[i].access : 0;

			if (!put(table, run[i].bus.v + at, entry))
				return BOUNCE_STEP_UNKNOWN;
			*done += TCE_PAGE_BYTES;
		}
	return BOUNCE_STEP_DONE;
}

static enum bounce_step map(void *ctx, const struct bounce_iommu_run *run,
			    uint32_t count, uint64_t *done)
{
	return put_all(ctx, run, count, true, done);
}

static enum bounce_step unmap(void *ctx, const struct bounce_iommu_run *run,
			      uint32_t count, uint64_t *done)
{
	return put_all(ctx, run, count, false, done);
}

/* No flush: an entry that was removed counts from the call's return. */
const struct bounce_iommu hosts_backend = {
	.name = "guest/tce",
	.info = info,
	.map = map,
	.unmap = unmap,
};
