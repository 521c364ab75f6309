/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * grow.c - ranges of pages become slabs and stop being slabs.
 *
 * Owns phase, ready and extent of every slab. A slab index has one holder at a
 * time: whoever moved its phase to GROWING or RETIRING. Nobody waits for a
 * holder, so one that stops for ever holds up its own slab only.
 *
 *   UNUSED --> GROWING --> READY --> RETIRING --> RETIRED --> GROWING ...
 *     ^          | |         ^          | |
 *     '- clean --' '-> LOST  '-- busy --' '-> LOST
 *
 *   G1  extent is non-zero exactly while the range is the library's: from
 *       before its first page is touched until after its last scrub, and for
 *       ever when it ends in LOST. One word, so that nobody sees half.
 *   G2  Of two growers of overlapping ranges at least one sees the other's
 *       extent and gives up before it touched a page; perhaps both do.
 *   G3  An index that was ever ready keeps base, memory and chunks (P6): it is
 *       grown again with the same range only. One that was not is UNUSED
 *       again after a clean failure.
 */
#include "instance.h"
#include "iommu.h"
#include "poison.h"
#include "share.h"
#include "tree.h"

/* Base is a multiple of a chunk's bytes, so the low bits hold the chunks. */
static uint64_t extent_of(bounce_gpa_t gpa, uint64_t len)
{
	return gpa.v | len >> BOUNCE_CHUNK_SHIFT;
}

static uint64_t extent_base(uint64_t extent)
{
	return extent & ~(uint64_t)(BOUNCE_CHUNK_BYTES - 1);
}

static uint64_t extent_bytes(uint64_t extent)
{
	return (extent & (BOUNCE_CHUNK_BYTES - 1)) << BOUNCE_CHUNK_SHIFT;
}

/* ---- is the range fit to be a slab? ---- */

static bool meets(uint64_t extent, bounce_gpa_t gpa, uint64_t len)
{
	return extent != 0 && bounce_overlaps(gpa.v, len, extent_base(extent),
					      extent_bytes(extent));
}

/* Does a range meet the library's, @own (or NULL) left out? */
static bool is_taken(const struct bounce *bounce, bounce_gpa_t gpa,
		     uint64_t len, const struct bounce_slab *own)
{
	for (uint32_t i = 0; i < bounce->config.slabs; i++) {
		const struct bounce_slab *slab = &bounce->slab[i];
		/*
		 * seq_cst: pairs with the store in announce(): store mine, load
		 * the others' (store buffering). With acquire both of two
		 * racers could miss each other (G2). It is an acquire as well:
		 * pairs with the store of 0 in settle(), so that the former
		 * holder's scrub precedes whatever the caller does next.
		 */
		uint64_t extent = atomic_load_explicit(&slab->extent,
						       memory_order_seq_cst);

		if (slab != own && meets(extent, gpa, len))
			return true;
	}
	return false;
}

bool bounce_pool_overlaps(const struct bounce *bounce, bounce_gpa_t gpa,
			  uint64_t len)
{
	for (uint32_t i = 0; i < bounce->config.slabs; i++) {
		/* relaxed: who maps a slab's memory had it from the library
		 * after it was announced, and nobody grows over a buffer that
		 * is being mapped. */
		uint64_t extent = atomic_load_explicit(&bounce->slab[i].extent,
						       memory_order_relaxed);

		if (meets(extent, gpa, len))
			return true;
	}
	return false;
}

/* Whole chunks and whole share granules, not too many, no wrap. */
static bool is_whole(const struct bounce *bounce, bounce_gpa_t gpa,
		     uint64_t len)
{
	uint64_t granule = UINT64_C(1) << bounce->arch.arch->granule_shift;
	uint64_t unit = granule > BOUNCE_CHUNK_BYTES ? granule :
						       BOUNCE_CHUNK_BYTES;
	uint64_t most = (uint64_t)bounce->config.slab_chunks
			<< BOUNCE_CHUNK_SHIFT;

	return len != 0 && len <= most && ((gpa.v | len) & (unit - 1)) == 0 &&
	       !bounce_wraps(gpa.v, len);
}

/* The CPU's address of a range that may become a slab, or NULL. */
static unsigned char *fit_memory(const struct bounce *bounce, bounce_gpa_t gpa,
				 uint64_t len)
{
	unsigned char *memory;

	if (!is_whole(bounce, gpa, len))
		return NULL;
	memory = bounce_linear_pointer(bounce, gpa, len);
	/* The instance itself must never be shared: compared by the CPU's
	 * address, for its gpa is not known. */
	if (memory == NULL ||
	    bounce_overlaps((uintptr_t)memory, len, (uintptr_t)bounce->memory,
			    bounce->bytes) ||
	    is_taken(bounce, gpa, len, NULL))
		return NULL;
	return memory;
}

/* ---- who holds an index ---- */

/*
 * True when the caller now holds the slab.
 * acquire: pairs with the release in settle() and put_back(): the last holder's
 * accesses to page[], base and the memory precede ours.
 * relaxed on failure: nothing was taken; retire judges what was there.
 */
static bool hold(struct bounce_slab *slab, uint32_t *from, uint32_t to)
{
	return atomic_compare_exchange_strong_explicit(&slab->phase, from, to,
						       memory_order_acquire,
						       memory_order_relaxed);
}

/*
 * release: pairs with the acquire in hold() and in is_retired_as(). Without it
 * the next holder, or who looks at base, could see less than what we did.
 */
static void put_back(struct bounce_slab *slab, uint32_t phase)
{
	atomic_store_explicit(&slab->phase, phase, memory_order_release);
}

/*
 * The range is no longer the library's, and the index has phase @phase.
 * release: pairs with the load in is_taken(); our scrub is over before
 * anybody may have the range. The phase comes last: the next holder announces
 * an extent of its own, which must not be wiped out by ours.
 */
static void settle(struct bounce_slab *slab, uint32_t phase)
{
	atomic_store_explicit(&slab->extent, 0, memory_order_release);
	put_back(slab, phase);
}

/* Was the index ready before, with just this range (G3)? */
static bool is_retired_as(const struct bounce_slab *slab, bounce_gpa_t gpa,
			  uint64_t len)
{
	/* acquire: pairs with put_back(); base and chunks are constant since
	 * the slab was ready, and written before it. */
	return atomic_load_explicit(&slab->phase, memory_order_acquire) ==
		       SLAB_RETIRED &&
	       slab->base.v == gpa.v &&
	       (uint64_t)slab->chunks << BOUNCE_CHUNK_SHIFT == len;
}

/* An index to grow @gpa in, held; or NULL. *@from is the phase it had. */
static struct bounce_slab *hold_index(struct bounce_pool *pool,
				      bounce_gpa_t gpa, uint64_t len,
				      uint32_t *from)
{
	struct bounce_slab *first = &pool->bounce->slab[pool->first_slab];

	for (uint32_t i = 0; i < pool->slab_count; i++) {
		*from = SLAB_RETIRED;
		if (is_retired_as(&first[i], gpa, len) &&
		    hold(&first[i], from, SLAB_GROWING))
			return &first[i];
	}
	for (uint32_t i = 0; i < pool->slab_count; i++) {
		*from = SLAB_UNUSED;
		if (hold(&first[i], from, SLAB_GROWING))
			return &first[i];
	}
	return NULL;
}

/* ---- growth ---- */

static size_t slab_bytes(const struct bounce_slab *slab)
{
	return (size_t)slab->chunks << BOUNCE_CHUNK_SHIFT;
}

/*
 * Say which range we are about to take; false when somebody else has, or is
 * about to take, a part of it (G2).
 * seq_cst: pairs with the load in is_taken(), which says why.
 */
static bool announce(struct bounce *bounce, struct bounce_slab *slab,
		     bounce_gpa_t gpa, uint64_t len)
{
	atomic_store_explicit(&slab->extent, extent_of(gpa, len),
			      memory_order_seq_cst);
	return !is_taken(bounce, gpa, len, slab);
}

/* What is constant once the slab is ready (P6), so only before that. */
static void describe(struct bounce_slab *slab, bounce_gpa_t gpa,
		     unsigned char *memory, uint64_t len, uint8_t node)
{
	/* relaxed, both: advice (P7). */
	atomic_store_explicit(&slab->node, node, memory_order_relaxed);
	if (node != 0)
		atomic_store_explicit(&slab->pool->homes, 1,
				      memory_order_relaxed);
	slab->base = gpa;
	slab->memory = memory;
	slab->chunks = (uint32_t)(len >> BOUNCE_CHUNK_SHIFT);
	slab->all_chunks = bounce_low_bits(slab->chunks);
	slab->urgent_chunks =
		slab->all_chunks &
		~bounce_low_bits(slab->chunks - slab->pool->urgent_chunks);
}

/* The pages are shared and zero: let them be claimed. */
static void open_slab(struct bounce_slab *slab, bool again)
{
	/* A fresh page belongs to nobody. relaxed: claimed slots are read
	 * after the release in bounce_pool_publish(). */
	bounce_tree_own(slab, 0, slab->chunks * SLOTS_PER_CHUNK, 0);
	/*
	 * release: pairs with the acquire of `ready` in pool.c. Who sees it
	 * sees base, memory, chunks and bus[] (P6).
	 */
	if (!again)
		atomic_store_explicit(&slab->ready, 1, memory_order_release);
	bounce_poison(slab->memory, slab_bytes(slab));
	bounce_pool_publish(slab);
	put_back(slab, SLAB_READY);
}

/*
 * Shared: let the IOMMUs reach it, or make it private again. A page that one of
 * them may still reach is LOST, whatever the monitor would say.
 */
static enum bounce_err translate(struct bounce_pool *pool,
				 struct bounce_slab *slab, bool again)
{
	enum bounce_err err;

	if (!again)
		bounce_space_place_slab(pool->bounce, pool, slab);
	err = bounce_iommu_open(pool, slab);
	if (err == BOUNCE_OK)
		return err;
	if (err == BOUNCE_ERR_LOST)
		bounce_share_lose(pool, slab);
	else if (bounce_unshare(pool, slab) != BOUNCE_OK)
		err = BOUNCE_ERR_LOST;
	return err;
}

/* Out of the IOMMUs' reach first, then private: retirement's order. */
static enum bounce_err take_back(struct bounce_pool *pool,
				 struct bounce_slab *slab)
{
	if (bounce_iommu_close(pool, slab) == BOUNCE_OK)
		return bounce_unshare(pool, slab);
	bounce_share_lose(pool, slab);
	return BOUNCE_ERR_LOST;
}

/* Grow an index that we hold; it had phase @from. */
static enum bounce_err grow_held(struct bounce_pool *pool,
				 struct bounce_slab *slab, uint32_t from)
{
	bool again = from == SLAB_RETIRED;
	enum bounce_err err = bounce_share(pool, slab);

	if (err == BOUNCE_OK)
		err = translate(pool, slab, again);
	if (err == BOUNCE_OK)
		open_slab(slab, again);
	else if (err == BOUNCE_ERR_LOST)
		put_back(slab, SLAB_LOST);
	else
		settle(slab, from);
	return err;
}

enum bounce_err bounce_pool_grow(struct bounce_pool *pool, bounce_gpa_t gpa,
				 uint64_t len)
{
	return bounce_pool_grow_home(pool, gpa, len, 0);
}

enum bounce_err bounce_pool_grow_home(struct bounce_pool *pool,
				      bounce_gpa_t gpa, uint64_t len,
				      uint8_t node)
{
	struct bounce_slab *slab;
	unsigned char *memory;
	uint32_t from;

	if (pool == NULL || !pool->in_use)
		return BOUNCE_ERR_ARG;
	/* relaxed: it binds growth that starts after it, as bounce_map(). */
	if (atomic_load_explicit(&pool->bounce->dead, memory_order_relaxed))
		return BOUNCE_ERR_DEAD;
	memory = fit_memory(pool->bounce, gpa, len);
	/* Some chunks must be left for mappings that are not URGENT. */
	if (memory == NULL || len >> BOUNCE_CHUNK_SHIFT <= pool->urgent_chunks)
		return BOUNCE_ERR_ARG;
	slab = hold_index(pool, gpa, len, &from);
	if (slab == NULL)
		return BOUNCE_ERR_FULL;
	if (!announce(pool->bounce, slab, gpa, len)) {
		settle(slab, from);
		return BOUNCE_ERR_ARG;
	}
	bounce_pool_widen(pool->bounce, gpa, len);
	if (from == SLAB_UNUSED)
		describe(slab, gpa, memory, len, node);
	return grow_held(pool, slab, from);
}

/* ---- retirement ---- */

/* The slab of a pool whose range begins at @gpa, or NULL. */
static struct bounce_slab *slab_at(const struct bounce_pool *pool,
				   bounce_gpa_t gpa)
{
	struct bounce_slab *first = &pool->bounce->slab[pool->first_slab];

	for (uint32_t i = 0; i < pool->slab_count; i++) {
		/* relaxed: hold() decides, and brings the order. */
		uint64_t extent = atomic_load_explicit(&first[i].extent,
						       memory_order_relaxed);

		if (extent != 0 && extent_base(extent) == gpa.v)
			return &first[i];
	}
	return NULL;
}

/* Nobody claims from a slab that we hold: @again, may it ever grow again? */
static enum bounce_err end_held(struct bounce_slab *slab, bool again)
{
	enum bounce_err err;

	bounce_unpoison(slab->memory, slab_bytes(slab));
	err = take_back(slab->pool, slab);
	if (err == BOUNCE_OK && again)
		settle(slab, SLAB_RETIRED);
	else
		put_back(slab, SLAB_LOST);
	return err;
}

enum bounce_err bounce_pool_retire(struct bounce_pool *pool, bounce_gpa_t gpa)
{
	struct bounce_slab *slab;
	uint32_t phase = SLAB_READY;

	if (pool == NULL)
		return BOUNCE_ERR_ARG;
	slab = slab_at(pool, gpa);
	if (slab == NULL)
		return BOUNCE_ERR_ARG;
	if (!hold(slab, &phase, SLAB_RETIRING))
		return phase == SLAB_LOST ? BOUNCE_ERR_LOST : BOUNCE_ERR_BUSY;
	/* The range may have changed hands since we looked. */
	if (slab->base.v != gpa.v) {
		put_back(slab, SLAB_READY);
		return BOUNCE_ERR_ARG;
	}
	if (!bounce_pool_withdraw(pool, slab)) {
		put_back(slab, SLAB_READY);
		return BOUNCE_ERR_BUSY;
	}
	return end_held(slab, true);
}

/* ---- the end of everything ---- */

enum bounce_err bounce_slab_abandon(struct bounce_slab *slab)
{
	uint32_t phase = SLAB_READY;

	if (!hold(slab, &phase, SLAB_RETIRING)) {
		/* A CPU was stopped inside growth or retirement, and nobody
		 * knows what its last call did (S5): take back what is shared
		 * for certain, and call the slab lost. */
		bounce_share_doubt(slab->pool, slab);
		(void)take_back(slab->pool, slab);
		put_back(slab, SLAB_LOST);
		return BOUNCE_ERR_LOST;
	}
	bounce_pool_close(slab);
	return end_held(slab, true);
}

void bounce_slab_lose(struct bounce_slab *slab)
{
	uint32_t phase = SLAB_READY;

	if (!hold(slab, &phase, SLAB_RETIRING))
		return;
	bounce_pool_close(slab);
	(void)end_held(slab, false);
}
