/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * tree.h - the words of the tree: the only code that changes free_chunks and
 * chunk words. P1 to P5 are in pool.h. What every mapping needs is inline.
 */
#ifndef LIB_TREE_H
#define LIB_TREE_H

#include "pool.h"

/* Bits [first, first + count) of a word. */
/*@ requires first < 64;
    assigns \nothing;
    ensures first + count <= 64 ==>
            \result == ((1 << count) - 1) << first; */
static inline uint64_t tree_mask(unsigned first, unsigned count)
{
	return bounce_low_bits(count) << first;
}

/* The octave of a run's length, 1 .. 64 units. */
/*@ assigns \nothing;
    ensures 1 <= units <= 64 ==>
            (units <= 1 << \result && 1 << \result < 2 * units); */
static inline unsigned tree_level(uint32_t units)
{
	return (units > 1 ? 1u : 0u) + (units > 2 ? 1u : 0u) +
	       (units > 4 ? 1u : 0u) + (units > 8 ? 1u : 0u) +
	       (units > 16 ? 1u : 0u) + (units > 32 ? 1u : 0u);
}

static inline enum pool_class tree_class(uint32_t slots)
{
	return (enum pool_class)((slots > 1 ? 1u : 0u) + (slots > 8 ? 1u : 0u) +
				 (slots > 32 ? 1u : 0u));
}

/* The set of levels that belong to a class. */
static inline unsigned tree_levels(enum pool_class class)
{
	static const uint8_t levels[POOL_CLASSES] = { 0x01, 0x0e, 0x30, 0x40 };

	return levels[class];
}

/* Claim @units slots of one chunk at a start in @starts. The first, or -1. */
static bounce_inline int tree_claim(_Atomic uint64_t *word, uint32_t units,
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

/* Say again that a chunk has room, at all levels where it was missed (P7). */
void bounce_tree_reopen(struct bounce_slab *slab, uint32_t chunk);

/* Release slots of one chunk; claimants may look there again. */
static bounce_inline void tree_give(struct bounce_slab *slab, uint32_t slot,
				    uint32_t count)
{
	struct pool_chunk *chunk = &slab->chunk[slot / SLOTS_PER_CHUNK];

	tree_release(&chunk->bits, slot % SLOTS_PER_CHUNK, count);
	/* relaxed: advice (P7). */
	if (bounce_unlikely(atomic_load_explicit(&chunk->missed,
						 memory_order_relaxed) != 0))
		bounce_tree_reopen(slab, slot / SLOTS_PER_CHUNK);
}

/*
 * Whose bytes slots hold, by whoever holds the slots: all orders are those of
 * the words. A chunk's own tag spares the look at each slot of a long run; it
 * is 0 before any of its slots gets another tag, and the owner when the whole
 * chunk is held by one.
 */
void bounce_tree_own(struct bounce_slab *slab, uint32_t first, uint32_t count,
		     uint16_t owner);

/* Do all of them hold bytes of @owner alone? */
bool bounce_tree_is_owned(const struct bounce_slab *slab, uint32_t first,
			  uint32_t count, uint16_t owner);

static inline bool tree_is_owned(const struct bounce_slab *slab, uint32_t first,
				 uint32_t count, uint16_t owner)
{
	if (bounce_unlikely(count != 1))
		return bounce_tree_is_owned(slab, first, count, owner);
	/* relaxed: the slot is ours (P3). */
	return atomic_load_explicit(&slab->owner[first],
				    memory_order_relaxed) == owner;
}

/* No run of @units slots in a chunk: none of this level or above until a
 * release says otherwise (P7). */
void bounce_tree_miss(struct bounce_slab *slab, uint32_t chunk, uint32_t units);

/* Take @count adjacent free chunks of @open, starting in @starts; count them
 * as used. The first, or -1. */
int bounce_tree_take(struct bounce_slab *slab, uint32_t count, uint64_t starts,
		     uint64_t open);

/* How a chunk that we took is to be used. */
struct tree_use {
	uint64_t busy; /* slots claimed by us */
	enum pool_class class;
	uint32_t lane; /* P8 */
};

/* It becomes active. */
void bounce_tree_activate(struct bounce_slab *slab, uint32_t chunk,
			  const struct tree_use *use);

/* Seal every wholly free chunk of a slab (P4); how many. */
uint32_t bounce_tree_seal_all(struct bounce_slab *slab);

#endif
