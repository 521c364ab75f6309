/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * slots.c - the words of the tree: claim, release, activation, sealing, large
 * runs (P1 to P5 of pool.h).
 */
#include "groups.h"
#include "stand.h"
#include "tree.h"

#define RELAXED memory_order_relaxed

/* ---- one word, a few free slots ---- */

static void setup_one_free(void)
{
	stand_make(&(struct stand_knobs) { 0 });
	stand_fill(1, 10);
}

static void setup_four_free(void)
{
	stand_make(&(struct stand_knobs) { 0 });
	stand_fill(4, 10);
}

static void cycle_0(void)
{
	stand_cycle(0, 1);
}

static void cycle_1(void)
{
	stand_cycle(1, 1);
}

static void cycle_pair_2(void)
{
	stand_cycle(2, 2);
}

static void one_is_free(unsigned frozen)
{
	(void)frozen;
	explorer_check(stand_free() == 1);
}

static void four_are_free(unsigned frozen)
{
	(void)frozen;
	explorer_check(stand_free() == 4);
}

static const struct control of_a_word[] = {
	{ "tree_claim", EXPLORER_SWAP, 0, RELAXED },
	{ "tree_release", EXPLORER_AND, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

/* ---- a chunk that becomes empty, is sealed, and is used anew ---- */

static struct bounce_slab *slab(void)
{
	return &stand.bounce->slab[0];
}

/* Thread 0 has the only run in use, the chunk's first two slots. */
static void setup_last_run(void)
{
	stand_make(&(struct stand_knobs) { 0 });
	stand_claim(0, 2);
}

static void use_release_and_seal_0(void)
{
	stand_use(0);
	stand_release(0);
	bounce_tree_seal_all(slab());
}

static void use_and_release_0(void)
{
	stand_use(0);
	stand_release(0);
}

static void cycle_whole_1(void)
{
	stand_cycle(1, 64);
}

/* One claim of a word, where a hint led us. */
static void stale_try(unsigned thread)
{
	int bit = tree_claim(&slab()->chunk[0].bits, 1, UINT64_MAX);

	if (bit < 0)
		return;
	stand.run[thread] = (struct bounce_run) {
		.slot = (uint32_t)bit,
		.slots = 1,
		.block = NO_BLOCK,
	};
	stand_use(thread);
	tree_release(&slab()->chunk[0].bits, (unsigned)bit, 1);
}

static void stale_try_2(void)
{
	stale_try(2);
}

/* Take the chunk and make it active, with its first slot ours. */
static void activate_1(void)
{
	const struct tree_use use = {
		.busy = 1,
		.class = POOL_CLASS_SINGLE,
		.lane = 2,
	};

	if (bounce_tree_take(slab(), 1, UINT64_MAX, UINT64_MAX) < 0)
		return;
	stand.run[1] = (struct bounce_run) { .slots = 1, .block = NO_BLOCK };
	bounce_tree_activate(slab(), 0, &use);
	stand_use(1);
	tree_release(&slab()->chunk[0].bits, 0, 1);
}

/* Take the chunk, use all of it, and give it back as it was. */
static void take_whole_1(void)
{
	if (bounce_tree_take(slab(), 1, UINT64_MAX, UINT64_MAX) < 0)
		return;
	stand.run[1] = (struct bounce_run) { .slots = 64, .block = NO_BLOCK };
	stand_use(1);
	tree_give(slab(), 0, 64);
}

static void seal_2(void)
{
	bounce_tree_seal_all(slab());
}

static void all_are_free(unsigned frozen)
{
	(void)frozen;
	bounce_tree_seal_all(slab());
	explorer_check(slab()->free_chunks == slab()->all_chunks);
}

static const struct control of_a_search[] = {
	{ "seal", EXPLORER_SWAP, 0, RELAXED },
	{ "tree_release", EXPLORER_AND, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

static const struct control of_a_seal[] = {
	{ "seal", EXPLORER_SWAP, 0, RELAXED },
	{ "put_chunks", EXPLORER_OR, 0, RELAXED },
	{ "bounce_tree_take", EXPLORER_SWAP, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

static const struct control of_an_activation[] = {
	{ "bounce_tree_activate", EXPLORER_STORE, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

/* ---- large runs ---- */

static void setup_two_chunks(void)
{
	stand_make(&(struct stand_knobs) { .chunks = 2 });
}

/* A chunk and a slot: the rest of the second chunk is free at once. */
static void cycle_large_0(void)
{
	stand_cycle(0, 65);
}

static void stale_try_tail_1(void)
{
	int bit = tree_claim(&slab()->chunk[1].bits, 1, UINT64_MAX);

	if (bit < 0)
		return;
	stand.run[1] = (struct bounce_run) {
		.slot = 64 + (uint32_t)bit,
		.slots = 1,
		.block = NO_BLOCK,
	};
	stand_use(1);
	stand_release(1);
}

/* Both chunks, or the one that the tail was in. */
static void seal_and_take_2(void)
{
	uint32_t count = 2;

	bounce_tree_seal_all(slab());
	if (bounce_tree_take(slab(), 2, UINT64_MAX, UINT64_MAX) < 0) {
		count = 1;
		if (bounce_tree_take(slab(), 1, 2, UINT64_MAX) < 0)
			return;
	}
	stand.run[2] = (struct bounce_run) {
		.slot = (2 - count) * SLOTS_PER_CHUNK,
		.slots = count * SLOTS_PER_CHUNK,
		.block = NO_BLOCK,
	};
	stand_use(2);
	if (count == 2)
		stand_release(2);
	else
		tree_give(slab(), SLOTS_PER_CHUNK, SLOTS_PER_CHUNK);
}

static const struct control of_a_large_run[] = {
	{ "put_chunks", EXPLORER_OR, 0, RELAXED },
	{ "bounce_tree_take", EXPLORER_SWAP, 0, RELAXED },
	{ "tree_release", EXPLORER_AND, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

const struct scenario slots_scenarios[] = {
	{ .name = "a slot has one owner at a time",
	  .setup = setup_one_free,
	  .thread = { cycle_0, cycle_1 },
	  .check = one_is_free,
	  .controls = of_a_word },
	{ .name = "three owners of four slots, one of two",
	  .setup = setup_four_free,
	  .thread = { cycle_0, cycle_1, cycle_pair_2 },
	  .check = four_are_free,
	  .spurious = 1,
	  .controls = of_a_word },
	{ .name = "a search finds the chunk that another has just emptied",
	  .setup = setup_last_run,
	  .thread = { use_and_release_0, cycle_whole_1 },
	  .check = all_are_free,
	  .controls = of_a_search },
	{ .name = "a chunk is sealed when its last owner is through",
	  .setup = setup_last_run,
	  .thread = { use_release_and_seal_0, take_whole_1, seal_2 },
	  .check = all_are_free,
	  .controls = of_a_seal },
	{ .name = "an active chunk brings all that its taker knew",
	  .setup = setup_last_run,
	  .thread = { use_release_and_seal_0, activate_1, stale_try_2 },
	  .check = all_are_free,
	  .controls = of_an_activation },
	{ .name = "a large run, its tail, and who takes both chunks",
	  .setup = setup_two_chunks,
	  .thread = { cycle_large_0, stale_try_tail_1, seal_and_take_2 },
	  .check = all_are_free,
	  .controls = of_a_large_run },
	{ .name = NULL },
};
