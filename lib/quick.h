/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * quick.h - the short way of a claim: the hint, one compare-and-swap, done.
 *
 * What is usual, inline, on as few cache lines as can be: a device whose limits
 * leave no choice below a chunk, a queue that claims where it claimed or gave
 * back last, and room enough. Everything else is pool.c's and block.c's.
 *
 *   Q1  A hint is believed in nothing: its index is checked, and that the
 *       chunk (or block) is of the client's own lane is asked again by who
 *       holds a part of it (P8). If not, the part goes back by an ordinary
 *       release.
 *   Q2  A lane is of one queue and path while a device is attached to it: at
 *       attach no chunk or block has the queue's lanes yet.
 */
#ifndef LIB_QUICK_H
#define LIB_QUICK_H

#include "instance.h"
#include "tree.h"

/* The lane of a queue and path; never NO_LANE. */
static inline uint32_t quick_lane(const struct bounce_queue *queue,
				  uint32_t path)
{
	return queue->index * 2 + path + 1;
}

/* So much of the pool is in use that runs are packed, not kept hot. */
static inline bool quick_scarce(const struct bounce_pool *pool)
{
	/* relaxed: advice (P7). */
	return atomic_load_explicit(&pool->scarce, memory_order_relaxed) != 0;
}

/* relaxed: advice, or settled (P8) for who holds a slot. */
static inline bool quick_is_lane(const _Atomic uint32_t *lane, uint32_t own)
{
	return own != NO_LANE &&
	       atomic_load_explicit(lane, memory_order_relaxed) == own;
}

/* @units slots, which may start anywhere in a chunk of the client's lane. */
static bounce_inline bool quick_slots(const struct bounce_pool *pool,
				      const struct pool_client *client,
				      uint32_t units, struct bounce_run *run)
{
	const struct bounce *bounce = pool->bounce;
	/* relaxed: advice (P7, Q1). */
	uint32_t hint = atomic_load_explicit(
		&client->hint->chunk[tree_class(units)], memory_order_relaxed);
	struct pool_chunk *chunk;
	int bit;

	if (hint >= bounce->chunks || quick_scarce(pool))
		return false;
	chunk = &bounce->chunk[hint];
	if (!quick_is_lane(&chunk->lane, client->lane))
		return false;
	bit = tree_claim(&chunk->bits, units, UINT64_MAX);
	if (bounce_unlikely(bit < 0))
		return false;
	*run = (struct bounce_run) {
		.slab = chunk->slab,
		.slot = chunk->slot + (uint32_t)bit,
		.slots = units,
		.block = NO_BLOCK,
	};
	if (bounce_likely(quick_is_lane(&chunk->lane, client->lane)))
		return true;
	tree_release(&chunk->bits, (uint32_t)bit, units);
	return false;
}

/* ---- granules of a split slot ---- */

#define QUICK_TAG_SLOT_BITS 12
#define QUICK_TAG_SLAB_BITS 12
#define QUICK_TAG_TENANT_SHIFT 32

/*
 * relaxed: a holder of a granule reads what was stored before the word he
 * claimed from (acquire there); anybody else's reading is checked again (B2).
 */
static inline uint64_t quick_tag(const struct bounce_block *block)
{
	return atomic_load_explicit(&block->tag, memory_order_relaxed);
}

static inline uint32_t quick_tag_slab(uint64_t tag)
{
	return (uint32_t)(tag >> QUICK_TAG_SLOT_BITS) &
	       ((1u << QUICK_TAG_SLAB_BITS) - 1);
}

static inline uint32_t quick_tag_slot(uint64_t tag)
{
	return (uint32_t)tag & ((1u << QUICK_TAG_SLOT_BITS) - 1);
}

/*
 * release: pairs with the acquire in quick_claim_granules() and
 * reclaim_block(). Without it our last accesses to the granules could come
 * after the next owner's (P3).
 */
static inline void quick_release_granules(struct bounce_block *block,
					  uint32_t first, uint32_t count)
{
	atomic_fetch_and_explicit(&block->word, ~tree_mask(first, count),
				  memory_order_release);
}

/* Claim from @block, whose tag was @tag. The first granule, or -1. */
static bounce_inline int quick_claim_granules(struct bounce_block *block,
					      uint32_t count, uint64_t starts,
					      uint64_t tag)
{
	/* relaxed: a stale guess costs a retry. */
	uint64_t busy = atomic_load_explicit(&block->word,
					     memory_order_relaxed);

	for (;;) {
		uint64_t fit = bounce_pool_runs(~busy, count) & starts;
		unsigned bit;

		if (fit == 0)
			return -1;
		bit = bounce_lowest(fit);
		/*
		 * acquire: pairs with the release in quick_release_granules()
		 * (P3) and of the store in split(): the tag read next is the
		 * one that belongs to this word (B2).
		 */
		if (!atomic_compare_exchange_weak_explicit(
			    &block->word, &busy, busy | tree_mask(bit, count),
			    memory_order_acquire, memory_order_relaxed))
			continue;
		if (bounce_likely(quick_tag(block) == tag))
			return (int)bit;
		/* Split anew in between, for somebody else or elsewhere. */
		quick_release_granules(block, bit, count);
		return -1;
	}
}

/*
 * @units granules of the hinted block, if it is of the client's own lane and
 * any start in it will do; asked again when we hold a part of it (Q1).
 */
static bounce_inline bool quick_granules(const struct bounce *bounce,
					 const struct pool_client *client,
					 uint32_t units, struct bounce_run *run)
{
	/* relaxed: advice (P7, Q1). */
	uint32_t hint = atomic_load_explicit(&client->hint->block,
					     memory_order_relaxed);
	struct bounce_block *block;
	uint64_t tag;
	int granule;

	if (hint >= bounce->config.blocks)
		return false;
	block = &bounce->block[hint];
	if (!quick_is_lane(&block->lane, client->lane))
		return false;
	tag = quick_tag(block);
	granule = quick_claim_granules(block, units, UINT64_MAX, tag);
	if (bounce_unlikely(granule < 0))
		return false;
	*run = (struct bounce_run) {
		.slab = quick_tag_slab(tag),
		.slot = quick_tag_slot(tag),
		.slots = 1,
		.block = hint,
		.granule = (uint32_t)granule,
		.granules = units,
	};
	if (bounce_likely(quick_is_lane(&block->lane, client->lane)))
		return true;
	quick_release_granules(block, (uint32_t)granule, units);
	return false;
}

/* ---- the way back ---- */

/* What was just given back is hot: look there first. Advice (P7). */
static inline void quick_prefer(_Atomic uint32_t *hint, uint32_t here)
{
	/* relaxed: advice; stored only when it moves, to keep the line. */
	if (atomic_load_explicit(hint, memory_order_relaxed) != here)
		atomic_store_explicit(hint, here, memory_order_relaxed);
}

static bounce_inline void quick_give_granules(struct bounce *bounce,
					      const struct bounce_run *run)
{
	struct bounce_block *block = &bounce->block[run->block];

	quick_release_granules(block, run->granule, run->granules);
	/* relaxed: advice (P7). */
	if (bounce_unlikely(atomic_load_explicit(&block->missed,
						 memory_order_relaxed) != 0))
		bounce_block_reopen(bounce, run->block);
}

/* Give back granules, or slots of one chunk, and look there first next time:
 * told beforehand, for afterwards they may be anybody's. */
static bounce_inline void quick_give(struct bounce *bounce,
				     const struct pool_client *client,
				     const struct bounce_run *run)
{
	struct bounce_slab *slab = &bounce->slab[run->slab];
	struct pool_chunk *chunk;

	if (run->block != NO_BLOCK) {
		if (quick_is_lane(&bounce->block[run->block].lane,
				  client->lane))
			quick_prefer(&client->hint->block, run->block);
		quick_give_granules(bounce, run);
		return;
	}
	chunk = &slab->chunk[run->slot / SLOTS_PER_CHUNK];
	if (quick_is_lane(&chunk->lane, client->lane))
		quick_prefer(&client->hint->chunk[tree_class(run->slots)],
			     (uint32_t)(chunk - bounce->chunk));
	tree_give(slab, run->slot, run->slots);
}

/* ---- where a run is ---- */

/* The run of a record that speaks for @span bytes: bounce_pool_run_of(). */
static bounce_inline void quick_run(const struct bounce *bounce,
				    uint32_t record, uint32_t span,
				    struct bounce_run *run)
{
	uint32_t index = record - bounce->first_block_record;
	const struct pool_chunk *chunk;
	uint64_t tag;

	if (record < bounce->first_block_record) {
		chunk = &bounce->chunk[record / SLOTS_PER_CHUNK];
		*run = (struct bounce_run) {
			.slab = chunk->slab,
			.slot = chunk->slot + record % SLOTS_PER_CHUNK,
			.slots = (span + BOUNCE_SLOT_BYTES - 1) >>
				 BOUNCE_SLOT_SHIFT,
			.block = NO_BLOCK,
		};
		return;
	}
	tag = quick_tag(&bounce->block[index / GRANULES_PER_SLOT]);
	*run = (struct bounce_run) {
		.slab = quick_tag_slab(tag),
		.slot = quick_tag_slot(tag),
		.slots = 1,
		.block = index / GRANULES_PER_SLOT,
		.granule = index % GRANULES_PER_SLOT,
		.granules = (span + BOUNCE_GRANULE_BYTES - 1) >>
			    BOUNCE_GRANULE_SHIFT,
	};
}

/* The record that speaks for a run: bounce_pool_record_of(). */
static inline uint32_t quick_record(const struct bounce *bounce,
				    const struct bounce_run *run)
{
	const struct pool_chunk *chunk;

	if (run->block != NO_BLOCK)
		return bounce->first_block_record +
		       run->block * GRANULES_PER_SLOT + run->granule;
	chunk = bounce->slab[run->slab].chunk;
	return (uint32_t)(chunk - bounce->chunk) * SLOTS_PER_CHUNK + run->slot;
}

/* Bytes from the slab's start to the run's. */
static inline uint64_t quick_offset(const struct bounce_run *run)
{
	return ((uint64_t)run->slot << BOUNCE_SLOT_SHIFT) +
	       ((uint64_t)run->granule << BOUNCE_GRANULE_SHIFT);
}

/* The CPU's address of the run's first byte: bounce_pool_memory(). */
static inline unsigned char *quick_memory(const struct bounce *bounce,
					  const struct bounce_run *run)
{
	return bounce->slab[run->slab].memory + quick_offset(run);
}

#endif
