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
static inline bool quick_slots(const struct bounce_pool *pool,
			       const struct pool_client *client, uint32_t units,
			       struct bounce_run *run)
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

/* What was just given back is hot: look there first. Advice (P7). */
static inline void quick_prefer(_Atomic uint32_t *hint, uint32_t here)
{
	/* relaxed: advice; stored only when it moves, to keep the line. */
	if (atomic_load_explicit(hint, memory_order_relaxed) != here)
		atomic_store_explicit(hint, here, memory_order_relaxed);
}

/* Give back slots of one chunk, and look there first next time. */
static inline void quick_give(const struct bounce_pool *pool,
			      const struct pool_client *client,
			      const struct bounce_run *run)
{
	const struct bounce *bounce = pool->bounce;
	struct bounce_slab *slab = &bounce->slab[run->slab];
	struct pool_chunk *chunk = &slab->chunk[run->slot / SLOTS_PER_CHUNK];

	/* Beforehand: afterwards it may be anything. */
	if (quick_is_lane(&chunk->lane, client->lane))
		quick_prefer(&client->hint->chunk[tree_class(run->slots)],
			     (uint32_t)(chunk - bounce->chunk));
	tree_give(slab, run->slot, run->slots);
}

#endif
