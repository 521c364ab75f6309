/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fake_iommu.c - the fake IOMMU. T1 to T3 are in fake_iommu.h.
 *
 * All atomics are relaxed: pages and counters are independent facts.
 */
#include "fake_iommu.h"

#define PAGE ((uint64_t)FAKE_IOMMU_PAGE_BYTES)

static void count(_Atomic uint32_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static uint64_t get(const struct fake_iommu *iommu, uint64_t page)
{
	return atomic_load_explicit(&iommu->page[page], memory_order_relaxed);
}

static void set(struct fake_iommu *iommu, uint64_t page, uint64_t entry)
{
	atomic_store_explicit(&iommu->page[page], entry, memory_order_relaxed);
}

/* ---- the plan ---- */

static const struct fake_iommu_fault *next_fault(struct fake_iommu *iommu,
						 enum fake_verb verb)
{
	uint32_t n = atomic_fetch_add_explicit(&iommu->calls[verb], 1,
					       memory_order_relaxed);

	for (uint32_t i = 0; i < FAKE_IOMMU_FAULTS; i++) {
		const struct fake_iommu_fault *fault = &iommu->fault[i];

		if (fault->times != 0 && fault->verb == verb &&
		    n >= fault->first && n - fault->first < fault->times)
			return fault;
	}
	return NULL;
}

bool fake_iommu_fail(struct fake_iommu *iommu,
		     const struct fake_iommu_fault *fault)
{
	for (uint32_t i = 0; i < FAKE_IOMMU_FAULTS; i++) {
		if (iommu->fault[i].times != 0)
			continue;
		iommu->fault[i] = *fault;
		return true;
	}
	return false;
}

/* ---- pages ---- */

static void map_page(struct fake_iommu *iommu, uint64_t page, uint64_t gpa,
		     uint32_t access)
{
	if (get(iommu, page) != 0)
		count(&iommu->wrong.mapped_again);
	else
		set(iommu, page, gpa | access);
}

static void change_page(struct fake_iommu *iommu, enum fake_verb verb,
			const struct bounce_iommu_run *run, uint64_t offset)
{
	uint64_t page = (run->bus.v - iommu->base + offset) / PAGE;
	uint64_t old = get(iommu, page);

	if (verb == FAKE_IOMMU_MAP)
		map_page(iommu, page, run->gpa.v + offset, run->access);
	else if (verb == FAKE_IOMMU_UNMAP && old != 0)
		set(iommu, page, iommu->has_flush ? old | FAKE_IOMMU_STALE : 0);
	else if (verb == FAKE_IOMMU_FLUSH && (old & FAKE_IOMMU_STALE) != 0)
		set(iommu, page, 0);
}

static bool run_valid(const struct fake_iommu *iommu,
		      const struct bounce_iommu_run *run)
{
	uint64_t at = run->bus.v - iommu->base;
	uint64_t all = FAKE_IOMMU_PAGES * PAGE;

	return run->len != 0 && run->access != 0 && run->access <= 3 &&
	       run->reserved == 0 &&
	       ((run->bus.v | run->gpa.v | run->len) & (PAGE - 1)) == 0 &&
	       at < all && run->len <= all - at;
}

static enum bounce_step perform(struct fake_iommu *iommu, enum fake_verb verb,
				const struct bounce_iommu_run *run,
				uint32_t runs, uint64_t *done)
{
	const struct fake_iommu_fault *fault = next_fault(iommu, verb);
	uint64_t left = fault == NULL ? FAKE_IOMMU_ALL : fault->truth;
	uint64_t asked = 0;

	if (iommu->off)
		count(&iommu->wrong.calls_while_off);
	for (uint32_t i = 0; i < runs; i++) {
		if (!run_valid(iommu, &run[i])) {
			count(&iommu->wrong.calls);
			return BOUNCE_STEP_UNCHANGED;
		}
		asked += run[i].len;
		for (uint64_t at = 0; at < run[i].len && left >= PAGE;
		     at += PAGE, left -= PAGE)
			change_page(iommu, verb, &run[i], at);
	}
	*done = fault == NULL ? asked : fault->done;
	return fault == NULL ? BOUNCE_STEP_DONE : fault->step;
}

/* ---- hooks ---- */

static void info(void *ctx, struct bounce_iommu_info *info)
{
	const struct fake_iommu *iommu = ctx;

	*info = (struct bounce_iommu_info) {
		.page_bytes = PAGE,
		.first = { iommu->base },
		.last = { iommu->base + FAKE_IOMMU_PAGES * PAGE - 1 },
		.attributes = iommu->attributes,
		.ranges = iommu->ranges,
	};
	for (uint32_t i = 0; i < iommu->ranges; i++)
		info->range[i] = iommu->range[i];
	for (uint32_t i = 0; i < FAKE_IOMMU_VERBS; i++)
		info->requests += atomic_load_explicit(&iommu->calls[i],
						       memory_order_relaxed);
}

static enum bounce_step map(void *ctx, const struct bounce_iommu_run *run,
			    uint32_t runs, uint64_t *done)
{
	struct fake_iommu *iommu = ctx;
	enum bounce_step step;

	atomic_fetch_add_explicit(&iommu->runs, runs, memory_order_relaxed);
	step = perform(iommu, FAKE_IOMMU_MAP, run, runs, done);
	if (iommu->at_map != NULL)
		iommu->at_map(iommu->at_map_ctx);
	return step;
}

static enum bounce_step unmap(void *ctx, const struct bounce_iommu_run *run,
			      uint32_t runs, uint64_t *done)
{
	return perform(ctx, FAKE_IOMMU_UNMAP, run, runs, done);
}

static enum bounce_step flush(void *ctx, const struct bounce_iommu_run *run,
			      uint32_t runs)
{
	const struct fake_iommu *iommu = ctx;
	uint64_t done;

	if (iommu->at_flush != NULL)
		iommu->at_flush(iommu->at_flush_ctx);
	return perform(ctx, FAKE_IOMMU_FLUSH, run, runs, &done);
}

/* ---- for tests ---- */

void fake_iommu_init(struct fake_iommu *iommu, uint64_t base)
{
	for (uint32_t i = 0; i < FAKE_IOMMU_PAGES; i++)
		set(iommu, i, 0);
	*iommu = (struct fake_iommu) {
		.base = base,
		.attributes = BOUNCE_IOMMU_READ_ONLY | BOUNCE_IOMMU_WRITE_ONLY |
			      BOUNCE_IOMMU_SNOOP,
		.has_flush = true,
		.iommu = {
			.name = "fake",
			.info = info,
			.map = map,
			.unmap = unmap,
			.flush = flush,
		},
	};
}

struct bounce_translation fake_iommu_translation(struct fake_iommu *iommu)
{
	if (!iommu->has_flush)
		iommu->iommu.flush = NULL;
	return (struct bounce_translation) {
		.iommu = &iommu->iommu,
		.ctx = iommu,
	};
}

bool fake_iommu_reach(const struct fake_iommu *iommu, uint64_t bus,
		      uint64_t len, uint32_t access, uint64_t *gpa)
{
	for (uint64_t at = bus & ~(PAGE - 1); at - bus < len || at <= bus;
	     at += PAGE) {
		uint64_t page = (at - iommu->base) / PAGE;
		uint64_t entry = page < FAKE_IOMMU_PAGES ? get(iommu, page) : 0;

		if ((entry & access) != access)
			return false;
		if (at <= bus)
			*gpa = (entry & ~(PAGE - 1)) + (bus - at);
	}
	return true;
}

uint64_t fake_iommu_mapped(const struct fake_iommu *iommu)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < FAKE_IOMMU_PAGES; i++)
		bytes += get(iommu, i) != 0 ? PAGE : 0;
	return bytes;
}

bool fake_iommu_exposes(const struct fake_iommu *iommu, uint64_t gpa,
			uint64_t len)
{
	for (uint32_t i = 0; i < FAKE_IOMMU_PAGES; i++) {
		uint64_t entry = get(iommu, i);
		uint64_t page = entry & ~(PAGE - 1);

		if (entry != 0 && page < gpa + len && gpa < page + PAGE)
			return true;
	}
	return false;
}

uint32_t fake_iommu_wrongs(const struct fake_iommu *iommu)
{
	const struct fake_iommu_wrong *wrong = &iommu->wrong;

	return atomic_load_explicit(&wrong->calls, memory_order_relaxed) +
	       atomic_load_explicit(&wrong->mapped_again,
				    memory_order_relaxed) +
	       atomic_load_explicit(&wrong->calls_while_off,
				    memory_order_relaxed);
}
