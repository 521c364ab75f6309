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
#include "poison.h"
#include "quick.h"

/* Split slots, and groups of them, that a search looks at before it asks for a
 * slot of its own; only the last resort looks at all of them. */
#define BLOCK_PATIENCE 8u

static uint64_t make_tag(uint32_t tenant, const struct bounce_run *slot)
{
	return (uint64_t)tenant << QUICK_TAG_TENANT_SHIFT |
	       (uint64_t)slot->slab << QUICK_TAG_SLOT_BITS | slot->slot;
}

void bounce_block_locate(const struct bounce *bounce, struct bounce_run *run)
{
	uint64_t tag = quick_tag(&bounce->block[run->block]);

	run->slab = quick_tag_slab(tag);
	run->slot = quick_tag_slot(tag);
}

void bounce_block_reopen(struct bounce *bounce, uint32_t index)
{
	struct bounce_block *block = &bounce->block[index];
	struct pool_group *group = &bounce->block_busy[index / 64];
	/* relaxed throughout: advice (P7). */
	unsigned missed = atomic_load_explicit(&block->missed,
					       memory_order_relaxed);

	atomic_store_explicit(&block->missed, 0, memory_order_relaxed);
	for (; missed != 0; missed &= missed - 1)
		atomic_fetch_or_explicit(&group->room[bounce_lowest(missed)],
					 UINT64_C(1) << index % 64,
					 memory_order_relaxed);
}

/* No room for @units: nor for more, until a release says otherwise. */
static void miss(struct bounce *bounce, uint32_t index, uint32_t units)
{
	struct bounce_block *block = &bounce->block[index];
	struct pool_group *group = &bounce->block_busy[index / 64];
	unsigned levels = ((1u << (POOL_LEVELS - 1)) - 1) &
			  ~0u << tree_level(units);
	/* relaxed throughout: advice (P7). */
	unsigned missed = atomic_load_explicit(&block->missed,
					       memory_order_relaxed) |
			  levels;

	for (; levels != 0; levels &= levels - 1)
		atomic_fetch_and_explicit(&group->room[bounce_lowest(levels)],
					  ~(UINT64_C(1) << index % 64),
					  memory_order_relaxed);
	atomic_store_explicit(&block->missed, (uint8_t)missed,
			      memory_order_relaxed);
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

static bool try_block(struct bounce_pool *pool,
		      const struct bounce_place *place,
		      const struct pool_client *client, uint32_t index,
		      struct bounce_run *run)
{
	struct bounce_block *block = &pool->bounce->block[index];
	uint64_t tag = quick_tag(block);
	uint32_t slab = quick_tag_slab(tag);
	uint64_t bus;
	int granule;

	if (tag >> QUICK_TAG_TENANT_SHIFT != client->tenant ||
	    slab - pool->first_slab >= pool->slab_count)
		return false;
	bus = bounce_slab_bus(pool, client, slab);
	if (bus == NO_BUS)
		return false;
	/* Split for an URGENT mapping, in a chunk that is kept for those? */
	if ((bounce_slab_open(&pool->bounce->slab[slab], client) >>
		     quick_tag_slot(tag) / SLOTS_PER_CHUNK &
	     1) == 0)
		return false;
	bus += (uint64_t)quick_tag_slot(tag) << BOUNCE_SLOT_SHIFT;
	granule = quick_claim_granules(block, place->units,
				       bounce_window_starts(place, bus), tag);
	if (granule < 0) {
		/* relaxed: advice (P7): for want of room, or of a start? */
		if (bounce_pool_runs(
			    ~atomic_load_explicit(&block->word,
						  memory_order_relaxed),
			    place->units) == 0)
			miss(pool->bounce, index, place->units);
		return false;
	}
	*run = (struct bounce_run) {
		.slab = slab,
		.slot = quick_tag_slot(tag),
		.slots = 1,
		.block = index,
		.granule = (uint32_t)granule,
		.granules = place->units,
	};
	return true;
}

/* Split slots that are said to have room, the lowest first; not for long. */
static bool try_room(struct bounce_pool *pool, const struct bounce_place *place,
		     const struct pool_client *client, struct bounce_run *run)
{
	struct bounce *bounce = pool->bounce;
	uint32_t groups = bounce_words(bounce->config.blocks);
	unsigned level = tree_level(place->units);
	unsigned patience = BLOCK_PATIENCE;

	for (uint32_t i = 0; i < groups && i < BLOCK_PATIENCE; i++) {
		struct pool_group *group = &bounce->block_busy[i];
		/* relaxed: advice (P7); try_block() checks. */
		uint64_t room = atomic_load_explicit(&group->room[level],
						     memory_order_relaxed);

		for (; room != 0; room &= room - 1) {
			uint32_t index = i * 64 + bounce_lowest(room);

			if (try_block(pool, place, client, index, run))
				return true;
			if (--patience == 0)
				return false;
		}
	}
	return false;
}

/* Every slot that is split for this tenant. */
static bool search(struct bounce_pool *pool, const struct bounce_place *place,
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

/*
 * Any slot that the client reaches will do: the place's M and A are smaller,
 * and a boundary divides no slot that matters. The chunk it is in, one may: it
 * must not become the client's lane then (P8).
 */
static struct bounce_place whole_slot(const struct bounce_place *place)
{
	return (struct bounce_place) {
		.modulus = BOUNCE_SLOT_BYTES - 1,
		.boundary = place->boundary | (BOUNCE_SLOT_BYTES - 1),
		.last = place->last,
		.span = BOUNCE_SLOT_BYTES,
		.units = 1,
		.shift = BOUNCE_SLOT_SHIFT,
	};
}

/* Split a slot that we claimed with a block that we took, and keep @count. */
static void split(struct bounce *bounce, const struct bounce_run *run,
		  const struct pool_client *client)
{
	struct bounce_block *block = &bounce->block[run->block];
	struct bounce_slab *slab = &bounce->slab[run->slab];
	const struct pool_chunk *chunk =
		&slab->chunk[run->slot / SLOTS_PER_CHUNK];
	unsigned char *memory = slab->memory +
				((size_t)run->slot << BOUNCE_SLOT_SHIFT);

	/* Whoever had the slot before: nothing of it reaches this tenant. */
	bounce_unpoison(memory, BOUNCE_SLOT_BYTES);
	bounce_copy_zero(memory, BOUNCE_SLOT_BYTES);
	bounce_poison(memory, BOUNCE_SLOT_BYTES);
	bounce_tree_own(slab, run->slot, 1, (uint16_t)client->tenant);
	/* relaxed: the slot is ours (P3), published by the word. */
	atomic_store_explicit(&block->tag, make_tag(client->tenant, run),
			      memory_order_relaxed);
	/* What a whole chunk is good for, a slot of it is (P8). */
	atomic_store_explicit(&block->lane,
			      quick_is_lane(&chunk->lane, client->lane) ?
				      client->lane :
				      NO_LANE,
			      memory_order_relaxed);
	/* release: pairs with the acquire in quick_claim_granules() (B2). */
	atomic_store_explicit(&block->word,
			      tree_mask(run->granule, run->granules),
			      memory_order_release);
	/* relaxed: advice (P7). All levels; whoever misses one says so. */
	atomic_store_explicit(&block->missed, (1u << (POOL_LEVELS - 1)) - 1,
			      memory_order_relaxed);
	bounce_block_reopen(bounce, run->block);
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
	split(pool->bounce, &slot, client);
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
	 * acquire: pairs with quick_release_granules(): all owners' accesses
	 * precede the slot's release below, and with split(): the tag is this
	 * word's.
	 */
	if (!atomic_compare_exchange_strong_explicit(
		    &block->word, &empty, UINT64_MAX, memory_order_acquire,
		    memory_order_relaxed))
		return false;
	tag = quick_tag(block);
	slot.slab = quick_tag_slab(tag);
	slot.slot = quick_tag_slot(tag);
	miss(bounce, index, 1);
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

/*
 * All of them, or a few in turn for a client that is content with a slot: when
 * blocks are used up, each of his requests comes here.
 */
static bool reclaim(struct bounce *bounce, const struct pool_client *client)
{
	/* relaxed: advice (P7). */
	uint32_t at = atomic_load_explicit(&client->hint->reclaim,
					   memory_order_relaxed);
	uint32_t count = 0;

	if (!client->content)
		return bounce_block_reclaim(bounce) != 0;
	for (uint32_t i = 0; i < BLOCK_PATIENCE && i < bounce->config.blocks;
	     i++) {
		at = at + 1 < bounce->config.blocks ? at + 1 : 0;
		count += reclaim_block(bounce, at);
	}
	/* relaxed: advice. */
	atomic_store_explicit(&client->hint->reclaim, at, memory_order_relaxed);
	return count != 0;
}

void bounce_block_disown(struct bounce *bounce, uint32_t tenant)
{
	(void)bounce_block_reclaim(bounce);
	for (uint32_t i = 0; i < bounce->config.blocks; i++) {
		_Atomic uint64_t *tag = &bounce->block[i].tag;
		uint64_t word = quick_tag(&bounce->block[i]);

		/* relaxed: who claims for the tenant's successor does so after
		 * this call, by the order of detach and attach. A tag that was
		 * stored meanwhile is of another tenant, and stays. */
		if (word >> QUICK_TAG_TENANT_SHIFT == tenant)
			(void)atomic_compare_exchange_strong_explicit(
				tag, &word, (uint32_t)word,
				memory_order_relaxed, memory_order_relaxed);
	}
}

/* Where the last granules were, or were given back. */
static bool try_hinted_block(struct bounce_pool *pool,
			     const struct bounce_place *place,
			     const struct pool_client *client,
			     struct bounce_run *run)
{
	/* relaxed: advice (P7), checked against the table's size. */
	uint32_t hint = atomic_load_explicit(&client->hint->block,
					     memory_order_relaxed);

	return hint < pool->bounce->config.blocks &&
	       try_block(pool, place, client, hint, run);
}

enum bounce_err bounce_block_claim(struct bounce_pool *pool,
				   const struct bounce_place *place,
				   const struct pool_client *client,
				   struct bounce_run *run)
{
	enum bounce_err err = BOUNCE_ERR_FULL;

	if (bounce_likely(place->free && quick_granules(pool->bounce, client,
							place->units, run)))
		return BOUNCE_OK;
	if (try_hinted_block(pool, place, client, run) ||
	    try_room(pool, place, client, run)) {
		err = BOUNCE_OK;
	} else {
		err = claim_fresh(pool, place, client, run);
		if (err == BOUNCE_ERR_FULL && reclaim(pool->bounce, client))
			err = claim_fresh(pool, place, client, run);
		if (err != BOUNCE_OK && !client->content &&
		    search(pool, place, client, run))
			err = BOUNCE_OK;
	}
	if (err == BOUNCE_OK)
		quick_prefer(&client->hint->block, run->block);
	return err;
}
