/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * iommu_tce.c - the backend for the DMA windows of POWER. In the archives of
 * POWER alone.
 *
 * Sources, by letter:
 *   [P] LoPAR 1.1, "TCE Access Hypervisor Calls"; PAPR has the same.
 *   [H] Linux, arch/powerpc/include/asm/hvcall.h: numbers.
 *   [Q] QEMU, hw/ppc/spapr_iommu.c: at most 512 entries a call.
 *
 *   E1  An entry is stored whole by the hypervisor, and storing it once more
 *       changes nothing. So a call that was not finished is made again, and
 *       after one that failed all that it was about is cleared.
 *   E2  The list is written by who holds `list_taken`, through copy.c, and
 *       never read back. Nobody waits for it.
 *   E3  No flush: when a call that clears returns H_SUCCESS, the hypervisor has
 *       made the bridge forget the entry [P]. What it says is all that can be
 *       known: to ask for the entry is to ask the same party again.
 */
#include "tce.h"

#include "base.h"
#include "copy.h"

#define H_PUT_TCE UINT64_C(0x20) /* [H] liobn, bus, entry */
#define H_STUFF_TCE UINT64_C(0x138) /* [H] liobn, bus, entry, count */
#define H_PUT_TCE_INDIRECT UINT64_C(0x13c) /* [H] liobn, bus, list, count */

#define H_SUCCESS 0 /* [H] and so on */
#define H_BUSY 1
#define H_FUNCTION (-2)
#define H_PARAMETER (-4)
#define H_PERMISSION (-11)
#define H_RESOURCE (-16) /* not now */
#define H_LONG_BUSY_FIRST 9900 /* "in 1 ms" .. "in 100 s" */
#define H_LONG_BUSY_LAST 9905

#define ENTRIES_MOST 512u /* of one call [P, Q] */
#define ENTRY_BYTES 8u
_Static_assert(ENTRIES_MOST *ENTRY_BYTES == BOUNCE_TCE_LIST_BYTES, "[P]");
/* The low bits of an entry: what the device may do [P]. */
_Static_assert(BOUNCE_ACCESS_READ == 1 && BOUNCE_ACCESS_WRITE == 2,
	       "access is what an entry calls it");

size_t bounce_tce_size(void)
{
	return sizeof(struct bounce_tce);
}

static uint64_t page_bytes(const struct bounce_tce *tce)
{
	return UINT64_C(1) << tce->info.page_shift;
}

static bool list_valid(const struct bounce_tce_info *info)
{
	if (info->list == NULL)
		return info->list_gpa.v == 0;
	return ((uintptr_t)info->list | info->list_gpa.v) %
		       BOUNCE_TCE_LIST_BYTES ==
	       0;
}

static bool info_valid(const struct bounce_tce_info *info)
{
	uint32_t shift = info->page_shift == 0 ? 12 : info->page_shift;

	return shift >= 12 && shift <= BOUNCE_CHUNK_SHIFT && info->len != 0 &&
	       ((info->bus.v | info->len) & ((UINT64_C(1) << shift) - 1)) ==
		       0 &&
	       !bounce_wraps(info->bus.v, info->len) &&
	       (info->flags & ~(uint32_t)BOUNCE_TCE_MULTI) == 0 &&
	       info->reserved0 == 0 &&
	       (info->reserved[0] | info->reserved[1]) == 0 && list_valid(info);
}

enum bounce_err bounce_tce_init(void *memory, size_t bytes,
				const struct bounce_tce_info *info,
				struct bounce_tce **tce)
{
	struct bounce_tce *t = memory;

	if (memory == NULL || info == NULL || tce == NULL ||
	    (uintptr_t)memory % BOUNCE_TCE_ALIGN != 0 || !info_valid(info))
		return BOUNCE_ERR_ARG;
	if (bytes < sizeof(*t))
		return BOUNCE_ERR_RANGE;
	t->info = *info;
	if (t->info.page_shift == 0)
		t->info.page_shift = 12;
	atomic_init(&t->multi, (info->flags & BOUNCE_TCE_MULTI) != 0);
	atomic_init(&t->list_taken, 0);
	atomic_init(&t->requests, 0);
	*tce = t;
	return BOUNCE_OK;
}

bool bounce_tce_valid(const struct bounce_tce *tce)
{
	/* relaxed: no other call is in progress. */
	return info_valid(&tce->info) && tce->info.page_shift != 0 &&
	       atomic_load_explicit(&tce->list_taken, memory_order_relaxed) ==
		       0;
}

/* ---- calls ---- */

static enum bounce_step step_of(int64_t r3)
{
	if (r3 >= H_LONG_BUSY_FIRST && r3 <= H_LONG_BUSY_LAST)
		return BOUNCE_STEP_RETRY;
	switch (r3) {
	case H_SUCCESS:
		return BOUNCE_STEP_DONE;
	case H_BUSY:
	case H_RESOURCE:
		return BOUNCE_STEP_RETRY;
	case H_FUNCTION:
	case H_PARAMETER:
	case H_PERMISSION:
		return BOUNCE_STEP_UNCHANGED;
	default:
		return BOUNCE_STEP_UNKNOWN;
	}
}

/* What a call is about, behind its window. */
struct call {
	uint64_t function;
	uint64_t bus;
	uint64_t value; /* an entry, or where the list is */
	uint64_t count;
};

static int64_t make(struct bounce_tce *tce, const struct call *call)
{
	/* relaxed: a counter. */
	atomic_fetch_add_explicit(&tce->requests, 1, memory_order_relaxed);
	return bounce_power_hcall(call->function, tce->info.liobn, call->bus,
				  call->value, call->count);
}

static bool has_multi(const struct bounce_tce *tce)
{
	/* relaxed: who sees it too late makes one call too many. */
	return atomic_load_explicit(&tce->multi, memory_order_relaxed) != 0;
}

/* A call for many entries; false when there is none, from now on. */
static bool make_many(struct bounce_tce *tce, const struct call *call,
		      enum bounce_step *step)
{
	int64_t r3 = make(tce, call);

	*step = step_of(r3);
	if (r3 != H_FUNCTION)
		return true;
	/* relaxed: as above. */
	atomic_store_explicit(&tce->multi, 0, memory_order_relaxed);
	return false;
}

/* ---- a walk through the pages of some runs ---- */

struct walk {
	const struct bounce_iommu_run *run; /* where the next page is */
	uint32_t count; /* runs from there on */
	uint64_t offset; /* in it */
	uint64_t page; /* bytes of one */
};

static uint64_t walk_bus(const struct walk *walk)
{
	return walk->run->bus.v + walk->offset;
}

static uint64_t walk_entry(const struct walk *walk)
{
	return (walk->run->gpa.v + walk->offset) | walk->run->access;
}

static void walk_on(struct walk *walk)
{
	walk->offset += walk->page;
	if (walk->offset != walk->run->len)
		return;
	walk->run++;
	walk->count--;
	walk->offset = 0;
}

/*
 * Pages that follow each other on the bus, from here on, as many as one call
 * takes; their entries go to @list, unless it is NULL. The walk moves behind.
 */
static uint32_t gather(struct walk *walk, unsigned char *list)
{
	uint64_t bus = walk_bus(walk);
	uint32_t pages = 0;

	while (walk->count != 0 && pages < ENTRIES_MOST &&
	       walk_bus(walk) == bus + pages * walk->page) {
		/* Big-endian for either kind of guest [P]. */
		if (list != NULL)
			bounce_copy_put_be64(list + pages * ENTRY_BYTES,
					     walk_entry(walk));
		walk_on(walk);
		pages++;
	}
	return pages;
}

/* One entry by itself: always possible. */
static enum bounce_step put_one(struct bounce_tce *tce, struct walk *walk,
				bool map, uint32_t *pages)
{
	const struct call call = {
		.function = H_PUT_TCE,
		.bus = walk_bus(walk),
		.value = map ? walk_entry(walk) : 0,
	};

	walk_on(walk);
	*pages = 1;
	return step_of(make(tce, &call));
}

/* H_PUT_TCE_INDIRECT; the caller holds the list (E2). */
static enum bounce_step put_list(struct bounce_tce *tce, struct walk *walk,
				 uint32_t *pages)
{
	struct walk before = *walk;
	struct call call = {
		.function = H_PUT_TCE_INDIRECT,
		.bus = walk_bus(walk),
		.value = tce->info.list_gpa.v,
	};
	enum bounce_step step;

	call.count = *pages = gather(walk, tce->info.list);
	if (make_many(tce, &call, &step))
		return step;
	*walk = before;
	return put_one(tce, walk, true, pages);
}

static enum bounce_step put_some(struct bounce_tce *tce, struct walk *walk,
				 uint32_t *pages)
{
	enum bounce_step step;

	/* acquire: pairs with the release below: the last list was read. */
	if (tce->info.list == NULL || !has_multi(tce) ||
	    atomic_exchange_explicit(&tce->list_taken, 1,
				     memory_order_acquire) != 0)
		return put_one(tce, walk, true, pages);
	step = put_list(tce, walk, pages);
	/* release: pairs with the acquire above. */
	atomic_store_explicit(&tce->list_taken, 0, memory_order_release);
	return step;
}

static enum bounce_step clear_some(struct bounce_tce *tce, struct walk *walk,
				   uint32_t *pages)
{
	struct walk before = *walk;
	struct call call = { .function = H_STUFF_TCE, .bus = walk_bus(walk) };
	enum bounce_step step;

	if (!has_multi(tce))
		return put_one(tce, walk, false, pages);
	call.count = *pages = gather(walk, NULL);
	if (make_many(tce, &call, &step))
		return step;
	*walk = before;
	return put_one(tce, walk, false, pages);
}

/* ---- the hooks ---- */

static enum bounce_step all(struct bounce_tce *tce,
			    const struct bounce_iommu_run *run, uint32_t count,
			    bool map, uint64_t *done)
{
	struct walk walk = { run, count, 0, page_bytes(tce) };

	*done = 0;
	while (walk.count != 0) {
		uint32_t pages;
		enum bounce_step step = map ? put_some(tce, &walk, &pages) :
					      clear_some(tce, &walk, &pages);

		if (step != BOUNCE_STEP_DONE)
			return step; /* E1 */
		*done += pages * walk.page;
	}
	return BOUNCE_STEP_DONE;
}

static enum bounce_step map(void *ctx, const struct bounce_iommu_run *run,
			    uint32_t count, uint64_t *done)
{
	return all(ctx, run, count, true, done);
}

static enum bounce_step unmap(void *ctx, const struct bounce_iommu_run *run,
			      uint32_t count, uint64_t *done)
{
	return all(ctx, run, count, false, done);
}

static void info(void *ctx, struct bounce_iommu_info *info)
{
	const struct bounce_tce *tce = ctx;

	*info = (struct bounce_iommu_info) {
		.page_bytes = page_bytes(tce),
		.first = tce->info.bus,
		.last = tce->info.bus,
		.attributes = BOUNCE_IOMMU_READ_ONLY | BOUNCE_IOMMU_WRITE_ONLY,
		/* relaxed: a counter. */
		.requests = atomic_load_explicit(&tce->requests,
						 memory_order_relaxed),
	};
	info->last.v += tce->info.len - 1;
}

const struct bounce_iommu bounce_iommu_tce = {
	.name = "power/tce",
	.info = info,
	.map = map,
	.unmap = unmap,
};
