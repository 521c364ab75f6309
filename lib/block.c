/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * block.c - the lowest level of the tree: slots split into 64 granules.
 *
 * Owns the blocks (B1, B2 in pool.h) and block_busy. A block's word is all ones
 * while nobody may claim from it, exactly as a sealed chunk's is. The tag says
 * whose the slot is; a claimant reads it, claims, and reads it again: as long
 * as he holds a granule it cannot change, and if it changed in between, his
 * granules go back by an ordinary release (the one place where something that
 * was claimed is given back).
 */
#include "copy.h"
#include "instance.h"
#include "poison.h"
#include "pool.h"

#define TAG_SLOT_BITS 12
#define TAG_SLAB_BITS 12
#define TAG_TENANT_SHIFT 32

static uint64_t make_tag(uint32_t tenant, const struct bounce_run *slot)
{
	return (uint64_t)tenant << TAG_TENANT_SHIFT |
	       (uint64_t)slot->slab << TAG_SLOT_BITS | slot->slot;
}

static uint32_t tag_slab(uint64_t tag)
{
	return (uint32_t)(tag >> TAG_SLOT_BITS) & ((1u << TAG_SLAB_BITS) - 1);
}

static uint32_t tag_slot(uint64_t tag)
{
	return (uint32_t)tag & ((1u << TAG_SLOT_BITS) - 1);
}

static uint64_t granule_mask(uint32_t first, uint32_t count)
{
	return bounce_low_bits(count) << first;
}

/*
 * relaxed: a holder of a granule reads what was stored before the word he
 * claimed from (acquire there); anybody else's reading is checked again (B2).
 */
static uint64_t read_tag(const struct bounce_block *block)
{
	return atomic_load_explicit(&block->tag, memory_order_relaxed);
}

void bounce_block_locate(const struct bounce *bounce, struct bounce_run *run)
{
	uint64_t tag = read_tag(&bounce->block[run->block]);

	run->slab = tag_slab(tag);
	run->slot = tag_slot(tag);
}

/*
 * release: pairs with the acquire in claim_granules() and reclaim_block().
 * Without it our last accesses to the granules could come after the next
 * owner's (P3).
 */
static void release_granules(struct bounce_block *block, uint32_t first,
			     uint32_t count)
{
	atomic_fetch_and_explicit(&block->word, ~granule_mask(first, count),
				  memory_order_release);
}

void bounce_block_release(struct bounce *bounce, const struct bounce_run *run)
{
	release_granules(&bounce->block[run->block], run->granule,
			 run->granules);
}

/* ---- whole blocks: a bit each in block_busy ---- */

static uint64_t block_word_bits(const struct bounce *bounce, uint32_t word)
{
	uint32_t left = bounce->config.blocks - word * 64;

	return bounce_low_bits(left < 64 ? left : 64);
}

/* A free block, now ours; or NO_BLOCK. */
static uint32_t take_block(struct bounce *bounce)
{
	uint32_t words = bounce_words(bounce->config.blocks);

	for (uint32_t i = 0; i < words; i++) {
		_Atomic uint64_t *word = &bounce->block_busy[i].bits;
		uint64_t all = block_word_bits(bounce, i);
		/* relaxed: a stale guess costs a retry. */
		uint64_t busy = atomic_load_explicit(word,
						     memory_order_relaxed);

		while ((~busy & all) != 0) {
			unsigned bit = bounce_lowest(~busy & all);

			/*
			 * acquire: pairs with give_block(): the last user's
			 * stores to word and tag precede ours (B1).
			 */
			if (atomic_compare_exchange_weak_explicit(
				    word, &busy, busy | UINT64_C(1) << bit,
				    memory_order_acquire, memory_order_relaxed))
				return i * 64 + bit;
		}
	}
	return NO_BLOCK;
}

/* release: pairs with the acquire in take_block() (B1). */
static void give_block(struct bounce *bounce, uint32_t block)
{
	atomic_fetch_and_explicit(&bounce->block_busy[block / 64].bits,
				  ~(UINT64_C(1) << block % 64),
				  memory_order_release);
}

uint32_t bounce_block_free_count(const struct bounce *bounce)
{
	uint32_t count = bounce->config.blocks;

	for (uint32_t i = 0; i < bounce_words(bounce->config.blocks); i++)
		/* relaxed: a snapshot, for the stats. */
		count -= bounce_count(atomic_load_explicit(
			&bounce->block_busy[i].bits, memory_order_relaxed));
	return count;
}

/* ---- granules of a split slot ---- */

/* Claim from @block, whose tag was @tag. The first granule, or -1. */
static int claim_granules(struct bounce_block *block, uint32_t count,
			  uint64_t starts, uint64_t tag)
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
		 * acquire: pairs with the release in release_granules() (P3)
		 * and of the store in split(): the tag read next is the one
		 * that belongs to this word (B2).
		 */
		if (!atomic_compare_exchange_weak_explicit(
			    &block->word, &busy,
			    busy | granule_mask(bit, count),
			    memory_order_acquire, memory_order_relaxed))
			continue;
		if (bounce_likely(read_tag(block) == tag))
			return (int)bit;
		/* Split anew in between, for somebody else or elsewhere. */
		release_granules(block, bit, count);
		return -1;
	}
}

static bool try_block(struct bounce_pool *pool,
		      const struct bounce_place *place,
		      const struct pool_client *client, uint32_t index,
		      struct bounce_run *run)
{
	struct bounce_block *block = &pool->bounce->block[index];
	uint64_t tag = read_tag(block);
	uint32_t slab = tag_slab(tag);
	uint64_t bus;
	int granule;

	if (tag >> TAG_TENANT_SHIFT != client->tenant ||
	    slab - pool->first_slab >= pool->slab_count)
		return false;
	bus = bounce_slab_bus(pool, client, slab);
	if (bus == NO_BUS)
		return false;
	/* Split for an URGENT mapping, in a chunk that is kept for those? */
	if ((bounce_slab_open(&pool->bounce->slab[slab], client) >>
		     tag_slot(tag) / SLOTS_PER_CHUNK &
	     1) == 0)
		return false;
	bus += (uint64_t)tag_slot(tag) << BOUNCE_SLOT_SHIFT;
	granule = claim_granules(block, place->units,
				 bounce_window_starts(place, bus), tag);
	if (granule < 0)
		return false;
	*run = (struct bounce_run) {
		.slab = slab,
		.slot = tag_slot(tag),
		.slots = 1,
		.block = index,
		.granule = (uint32_t)granule,
		.granules = place->units,
	};
	return true;
}

/* Every slot that is split for this tenant. */
static bool try_blocks(struct bounce_pool *pool,
		       const struct bounce_place *place,
		       const struct pool_client *client, struct bounce_run *run)
{
	struct bounce *bounce = pool->bounce;

	for (uint32_t i = 0; i < bounce_words(bounce->config.blocks); i++) {
		/* relaxed: a guess; try_block() checks. */
		uint64_t busy = atomic_load_explicit(
			&bounce->block_busy[i].bits, memory_order_relaxed);

		for (; busy != 0; busy &= busy - 1)
			if (try_block(pool, place, client,
				      i * 64 + bounce_lowest(busy), run))
				return true;
	}
	return false;
}

/* ---- splitting, and its reverse ---- */

/* Any slot that the client reaches will do: the place's M and A are smaller. */
static struct bounce_place whole_slot(const struct bounce_place *place)
{
	return (struct bounce_place) {
		.modulus = BOUNCE_SLOT_BYTES - 1,
		.boundary = UINT64_MAX,
		.last = place->last,
		.span = BOUNCE_SLOT_BYTES,
		.units = 1,
		.shift = BOUNCE_SLOT_SHIFT,
	};
}

/* Split a slot that we claimed with a block that we took, and keep @count. */
static void split(struct bounce *bounce, struct bounce_run *run,
		  uint32_t tenant)
{
	struct bounce_block *block = &bounce->block[run->block];
	struct bounce_slab *slab = &bounce->slab[run->slab];
	unsigned char *memory = slab->memory +
				((size_t)run->slot << BOUNCE_SLOT_SHIFT);

	/* Whoever had the slot before: nothing of it reaches this tenant. */
	bounce_unpoison(memory, BOUNCE_SLOT_BYTES);
	bounce_copy_zero(memory, BOUNCE_SLOT_BYTES);
	bounce_poison(memory, BOUNCE_SLOT_BYTES);
	/* relaxed: the slot is ours (P3), published by the word. */
	atomic_store_explicit(&slab->owner[run->slot], (uint16_t)tenant,
			      memory_order_relaxed);
	atomic_store_explicit(&block->tag, make_tag(tenant, run),
			      memory_order_relaxed);
	/* release: pairs with the acquire in claim_granules() (B2). */
	atomic_store_explicit(&block->word,
			      granule_mask(run->granule, run->granules),
			      memory_order_release);
}

static enum bounce_err claim_fresh(struct bounce_pool *pool,
				   const struct bounce_place *place,
				   const struct pool_client *client,
				   struct bounce_run *run)
{
	struct bounce_place slot_place = whole_slot(place);
	uint32_t block = take_block(pool->bounce);
	struct bounce_run slot;
	enum bounce_err err;
	uint64_t starts;

	if (block == NO_BLOCK)
		return BOUNCE_ERR_FULL;
	err = bounce_pool_claim_slots(pool, &slot_place, client, &slot);
	if (err != BOUNCE_OK) {
		give_block(pool->bounce, block);
		return err;
	}
	starts = bounce_window_starts(place, client->bus[slot.slab] +
						     ((uint64_t)slot.slot
						      << BOUNCE_SLOT_SHIFT));
	starts &= bounce_pool_runs(UINT64_MAX, place->units);
	if (starts == 0) {
		bounce_pool_release(pool, &slot);
		give_block(pool->bounce, block);
		return BOUNCE_ERR_UNREACHABLE;
	}
	slot.block = block;
	slot.granule = bounce_lowest(starts);
	slot.granules = place->units;
	split(pool->bounce, &slot, client->tenant);
	*run = slot;
	return BOUNCE_OK;
}

/* Give an empty split slot back to its pool. */
static bool reclaim_block(struct bounce *bounce, uint32_t index)
{
	struct bounce_block *block = &bounce->block[index];
	struct bounce_run slot = { .slots = 1, .block = NO_BLOCK };
	uint64_t empty = 0;
	uint64_t tag;

	/* relaxed: a look before the costly try. */
	if (atomic_load_explicit(&block->word, memory_order_relaxed) != 0)
		return false;
	/*
	 * acquire: pairs with release_granules(): all owners' accesses precede
	 * the slot's release below, and with split(): the tag is this word's.
	 */
	if (!atomic_compare_exchange_strong_explicit(
		    &block->word, &empty, UINT64_MAX, memory_order_acquire,
		    memory_order_relaxed))
		return false;
	tag = read_tag(block);
	slot.slab = tag_slab(tag);
	slot.slot = tag_slot(tag);
	bounce_pool_release(bounce->slab[slot.slab].pool, &slot);
	give_block(bounce, index);
	return true;
}

uint32_t bounce_block_reclaim(struct bounce *bounce)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < bounce->config.blocks; i++)
		count += reclaim_block(bounce, i);
	return count;
}

void bounce_block_disown(struct bounce *bounce, uint32_t tenant)
{
	(void)bounce_block_reclaim(bounce);
	for (uint32_t i = 0; i < bounce->config.blocks; i++) {
		_Atomic uint64_t *tag = &bounce->block[i].tag;
		uint64_t word = read_tag(&bounce->block[i]);

		/* relaxed: who claims for the tenant's successor does so after
		 * this call, by the order of detach and attach. A tag that was
		 * stored meanwhile is of another tenant, and stays. */
		if (word >> TAG_TENANT_SHIFT == tenant)
			(void)atomic_compare_exchange_strong_explicit(
				tag, &word, (uint32_t)word,
				memory_order_relaxed, memory_order_relaxed);
	}
}

enum bounce_err bounce_block_claim(struct bounce_pool *pool,
				   const struct bounce_place *place,
				   const struct pool_client *client,
				   struct bounce_run *run)
{
	/* relaxed: advice (P7), checked against the table's size. */
	uint32_t hint = atomic_load_explicit(&client->hint->block,
					     memory_order_relaxed);
	enum bounce_err err = BOUNCE_OK;

	if (hint < pool->bounce->config.blocks &&
	    bounce_likely(try_block(pool, place, client, hint, run)))
		return BOUNCE_OK;
	if (!try_blocks(pool, place, client, run))
		err = claim_fresh(pool, place, client, run);
	if (err == BOUNCE_ERR_FULL && bounce_block_reclaim(pool->bounce) != 0)
		err = claim_fresh(pool, place, client, run);
	if (err == BOUNCE_OK)
		/* relaxed: advice (P7). */
		atomic_store_explicit(&client->hint->block, run->block,
				      memory_order_relaxed);
	return err;
}
