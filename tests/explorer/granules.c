/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * granules.c - slots that are split for small requests, and the blocks that
 * split them (B1, B2 of pool.h).
 */
#include "groups.h"
#include "stand.h"
#include "tree.h"

#define RELAXED memory_order_relaxed

/* Slots: two of chunk 0, and chunk 1. */
#define FREE (2 + SLOTS_PER_CHUNK)

static bool claim_granule(unsigned thread)
{
	return stand_claim_bytes(thread, 64, BOUNCE_GRANULE_SHIFT);
}

static void cycle(unsigned thread)
{
	if (!claim_granule(thread))
		return;
	stand_use(thread);
	stand_release(thread);
}

/* One tenant, whose clients share split slots, and look in chunk 0 first. */
static void make(uint32_t blocks)
{
	stand_make(&(struct stand_knobs) { .chunks = 2, .blocks = blocks });
	stand_fill(2, 10);
	for (unsigned i = 0; i < EXPLORER_THREADS; i++) {
		stand.client[i].tenant = 7;
		stand.hint[i].chunk[POOL_CLASS_SINGLE] = 0;
	}
}

/* A split slot with one granule in use, thread 0's. */
static void setup_split(void)
{
	make(2);
	claim_granule(0);
	stand.hint[1].block = stand.hint[2].block = stand.run[0].block;
}

static void use_and_release_0(void)
{
	stand_use(0);
	stand_release(0);
}

static void cycle_1(void)
{
	cycle(1);
}

static void cycle_2(void)
{
	cycle(2);
}

static void reclaim_2(void)
{
	bounce_block_reclaim(stand.bounce);
}

/* A whole slot, as it is given back. */
static void cycle_slot_2(void)
{
	stand_cycle(2, 1);
}

static void reclaim_and_cycle_slot_2(void)
{
	bounce_block_reclaim(stand.bounce);
	stand_cycle(2, 1);
}

static void two_are_free(unsigned frozen)
{
	(void)frozen;
	bounce_block_reclaim(stand.bounce);
	explorer_check(bounce_block_free_count(stand.bounce) == 2);
	explorer_check(stand_free() == FREE);
}

static const struct control of_granules[] = {
	{ "quick_claim_granules", EXPLORER_SWAP, 0, RELAXED },
	{ "quick_release_granules", EXPLORER_AND, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

static const struct control of_a_reclaim[] = {
	{ "reclaim_block", EXPLORER_SWAP, 0, RELAXED },
	{ "quick_release_granules", EXPLORER_AND, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

/* Nothing is split yet, and there is one block: who splits is found by the
 * others. */
static void setup_whole(void)
{
	make(1);
	stand.hint[1].block = stand.hint[2].block = 0;
}

static void cycle_and_reclaim_0(void)
{
	cycle(0);
	bounce_block_reclaim(stand.bounce);
}

static void one_block_is_free(unsigned frozen)
{
	(void)frozen;
	bounce_block_reclaim(stand.bounce);
	explorer_check(bounce_block_free_count(stand.bounce) == 1);
	explorer_check(stand_free() == FREE);
}

static const struct control of_a_split[] = {
	{ "split", EXPLORER_STORE, 0, RELAXED },
	{ "quick_claim_granules", EXPLORER_SWAP, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

/* Thread 1 takes the block that thread 0 gave, for a slot of another chunk: so
 * nothing but the block itself brings order. It keeps its granule. */
static void setup_elsewhere(void)
{
	make(1);
	stand.hint[1].chunk[POOL_CLASS_SINGLE] = NO_CHUNK;
}

static void claim_1(void)
{
	claim_granule(1);
}

static void the_block_is_its_own(unsigned frozen)
{
	const struct bounce_run *run = &stand.run[1];

	(void)frozen;
	if (stand.has[1])
		explorer_check(stand.bounce->block[0].word ==
			       UINT64_C(1) << run->granule);
}

static const struct control of_a_block[] = {
	{ "take_block", EXPLORER_SWAP, 0, RELAXED },
	{ "give_block", EXPLORER_AND, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

const struct scenario granules_scenarios[] = {
	{ .name = "a granule has one owner at a time",
	  .setup = setup_split,
	  .thread = { use_and_release_0, cycle_1, cycle_2 },
	  .check = two_are_free,
	  .switches = 3,
	  .controls = of_granules },
	{ .name = "a slot is whole again when its last granule is free",
	  .setup = setup_split,
	  .thread = { use_and_release_0, reclaim_and_cycle_slot_2 },
	  .check = two_are_free,
	  .controls = of_a_reclaim },
	{ .name = "a slot is split, and another CPU claims from it",
	  .setup = setup_whole,
	  .thread = { cycle_and_reclaim_0, cycle_1 },
	  .check = one_block_is_free,
	  .switches = 3,
	  .stale = 2,
	  .controls = of_a_split },
	{ .name = "a block is its next user's when its last is through",
	  .setup = setup_elsewhere,
	  .thread = { cycle_and_reclaim_0, claim_1 },
	  .check = the_block_is_its_own,
	  .switches = 1,
	  .stale = 2,
	  .controls = of_a_block },
	{ .name = "a block goes from slot to slot",
	  .setup = setup_whole,
	  .thread = { cycle_and_reclaim_0, cycle_1, reclaim_2 },
	  .check = one_block_is_free,
	  .switches = 2,
	  .stale = 2 },
	{ .name = "a slot is split, made whole, and used as one",
	  .setup = setup_whole,
	  .thread = { cycle_and_reclaim_0, cycle_1, cycle_slot_2 },
	  .check = one_block_is_free,
	  .switches = 2,
	  .stale = 2 },
	{ .name = NULL },
};
