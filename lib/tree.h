/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * tree.h - the words of the tree: the only code that changes free_chunks and
 * chunk words. P1 to P5 are in pool.h. The two that every mapping needs are
 * inline.
 */
#ifndef LIB_TREE_H
#define LIB_TREE_H

#include "pool.h"

/* Bits [first, first + count) of a word. */
static inline uint64_t tree_mask(unsigned first, unsigned count)
{
	return bounce_low_bits(count) << first;
}

/* Claim @units slots of one chunk at a start in @starts. The first, or -1. */
static inline int tree_claim(_Atomic uint64_t *word, uint32_t units,
			     uint64_t starts)
{
	/* relaxed: a stale guess costs a retry, never a grant. */
	uint64_t busy = atomic_load_explicit(word, memory_order_relaxed);

	for (;;) {
		uint64_t fit = bounce_pool_runs(~busy, units) & starts;
		unsigned bit;

		if (fit == 0)
			return -1;
		bit = bounce_lowest(fit);
		/*
		 * acquire: pairs with the release of the AND in tree_release()
		 * and of the store in bounce_tree_activate(): the last owner's
		 * accesses precede ours (P3). Claims in between are
		 * read-modify-writes and keep that release sequence whole (C11
		 * 5.1.2.4).
		 * relaxed on failure: nothing was taken.
		 */
		if (atomic_compare_exchange_weak_explicit(
			    word, &busy, busy | tree_mask(bit, units),
			    memory_order_acquire, memory_order_relaxed))
			return (int)bit;
	}
}

/*
 * release: pairs with the acquire in tree_claim() and in seal(). Without it our
 * last reads of the slots could come after the next owner's writes (P3).
 */
static inline void tree_release(_Atomic uint64_t *word, unsigned first,
				unsigned count)
{
	atomic_fetch_and_explicit(word, ~tree_mask(first, count),
				  memory_order_release);
}

/* Take @count adjacent free chunks of @open, starting in @starts; count them
 * as used. The first, or -1. */
int bounce_tree_take(struct bounce_slab *slab, uint32_t count, uint64_t starts,
		     uint64_t open);

/* A chunk that we took becomes active, with @busy slots claimed by us. */
void bounce_tree_activate(struct bounce_slab *slab, uint32_t chunk,
			  uint64_t busy, enum pool_class class);

/* Seal every wholly free chunk of a slab (P4); how many. */
uint32_t bounce_tree_seal_all(struct bounce_slab *slab);

#endif
