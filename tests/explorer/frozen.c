/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * frozen.c - a thread stops for ever at any of its steps, and nobody waits for
 * it: the others end, and what it hides is at most a chunk and what it owns
 * (design.md 4). And: what is free is found (P7), and who sleeps is woken.
 */
#include "groups.h"
#include "stand.h"
#include "tree.h"

#define RELAXED memory_order_relaxed
#define SLOTS (2 * SLOTS_PER_CHUNK) /* of two chunks */

/* Thread 0 stops; thread 1 goes on and ends. */
#define FIRST 1u

/* How many slots, one by one, a CPU that comes later can still claim. */
static uint32_t claimable(void)
{
	uint32_t count = 0;

	while (stand_claim(3, 1))
		count++;
	return count;
}

/* ---- slots ---- */

static void setup_two_chunks(void)
{
	stand_make(&(struct stand_knobs) { .chunks = 2 });
	stand_claim(2, 2);
}

static void cycle_0(void)
{
	stand_cycle(0, 1);
}

static void cycle_and_seal_0(void)
{
	stand_cycle(0, 1);
	bounce_tree_seal_all(&stand.bounce->slab[0]);
}

static void cycle_large_0(void)
{
	stand_cycle(0, 65);
}

static void cycle_1(void)
{
	explorer_check(stand_cycle(1, 1));
}

static void try_large_1(void)
{
	stand_cycle(1, 64);
}

/* Thread 2's two slots are in use. */
static void a_chunk_is_hidden(unsigned frozen)
{
	uint32_t least = SLOTS - 2 - (frozen == 0 ? 0 : SLOTS_PER_CHUNK);

	explorer_check(claimable() >= least);
}

/* The two chunks of the run that it was claiming, or gives back. */
static void a_large_run_is_hidden(unsigned frozen)
{
	explorer_check(claimable() >= (frozen == 0 ? 2 * SLOTS : SLOTS));
}

static void setup_four_chunks(void)
{
	stand_make(&(struct stand_knobs) { .chunks = 4 });
}

static void setup_two_empty(void)
{
	stand_make(&(struct stand_knobs) { .chunks = 2 });
}

/* ---- granules ---- */

static void setup_blocks(void)
{
	stand_make(&(struct stand_knobs) { .chunks = 2, .blocks = 2 });
	stand_fill(4, 10);
	for (unsigned i = 0; i < EXPLORER_THREADS; i++) {
		stand.client[i].tenant = 7;
		stand.hint[i].chunk[POOL_CLASS_SINGLE] = 0;
	}
}

static void cycle_granule(unsigned thread)
{
	if (!stand_claim_bytes(thread, 64, BOUNCE_GRANULE_SHIFT))
		return;
	stand_use(thread);
	stand_release(thread);
}

static void granule_0(void)
{
	cycle_granule(0);
	bounce_block_reclaim(stand.bounce);
}

static void granule_1(void)
{
	cycle_granule(1);
	explorer_check(stand_cycle(1, 1));
}

/* One block, and with it one slot, at most. */
static void a_block_is_hidden(unsigned frozen)
{
	(void)frozen;
	bounce_block_reclaim(stand.bounce);
	explorer_check(bounce_block_free_count(stand.bounce) >= 1);
	explorer_check(claimable() >= 4 - 1);
}

/* ---- mappings ---- */

static void setup_device(void)
{
	stand_make(&(struct stand_knobs) {
		.chunks = 2, .devices = 2, .queues = 1 });
}

static void map_and_unmap(unsigned thread)
{
	struct bounce_buf buf = stand_buf(thread, 4096);
	enum bounce_err err = bounce_map(stand.queue[thread], &buf,
					 BOUNCE_BIDIRECTIONAL,
					 &stand.mapping[thread]);

	explorer_check(err == BOUNCE_OK);
	explorer_check(bounce_unmap(stand.queue[thread], &stand.mapping[thread],
				    10) == BOUNCE_OK);
}

static void map_and_unmap_0(void)
{
	map_and_unmap(0);
}

static void map_and_unmap_1(void)
{
	map_and_unmap(1);
}

static void maps_go_on(unsigned frozen)
{
	explorer_check(claimable() >=
		       SLOTS - (frozen == 0 ? 0 : SLOTS_PER_CHUNK));
}

/* ---- growth and retirement ---- */

static void setup_two_slabs(void)
{
	stand_make(&(struct stand_knobs) { .slabs = 2, .grown = 1 });
}

static void grow_and_retire_0(void)
{
	if (bounce_pool_grow(stand.pool, stand_slab(1), stand_slab_bytes()) ==
	    BOUNCE_OK)
		(void)bounce_pool_retire(stand.pool, stand_slab(1));
}

/* All of the other slab, whatever became of this one. */
static void a_slab_is_hidden(unsigned frozen)
{
	(void)frozen;
	explorer_check(claimable() >= SLOTS_PER_CHUNK);
}

static void cycle_in_first_1(void)
{
	explorer_check(stand_cycle(1, 1));
}

/* ---- what is free is found ---- */

static _Atomic uint32_t flag[2];

static void keep_flags(void)
{
	memset(flag, 0, sizeof(flag));
	explorer_keep(flag, sizeof(flag));
}

/* Chunk 0 is full; chunk 1 is active, and empty. */
static void setup_full_and_empty(void)
{
	setup_two_empty();
	stand_fill(0, 0);
	stand_claim(0, 1);
	stand_release(0);
	keep_flags();
}

static void seal_0(void)
{
	bounce_tree_seal_all(&stand.bounce->slab[0]);
	atomic_store_explicit(&flag[0], 1, memory_order_release);
}

/* Sealed or not: a move that is over before the claim begins hides nothing. */
static void claim_after_1(void)
{
	bool over = atomic_load_explicit(&flag[0], memory_order_acquire) != 0;

	explorer_check(stand_cycle(1, 1) || !over);
}

static void setup_one_free(void)
{
	stand_make(&(struct stand_knobs) { 0 });
	stand_fill(1, 10);
	stand_claim(0, 1);
	keep_flags();
}

static void release_0(void)
{
	stand_release(0);
}

static void try_1(void)
{
	stand_cycle(1, 1);
}

/* Whatever the advice has come to. */
static void the_free_one_is_found(unsigned frozen)
{
	(void)frozen;
	explorer_check(claimable() == 1);
}

/* ---- an embedder's wait: say so, look again, sleep ---- */

static void wait_1(void)
{
	if (stand_cycle(1, 1))
		return;
	atomic_store_explicit(&flag[0], 1, RELAXED);
	atomic_thread_fence(memory_order_seq_cst);
	stand.seen[1] = !stand_cycle(1, 1);
}

static void release_and_wake_0(void)
{
	stand_release(0);
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&flag[0], RELAXED) != 0)
		atomic_store_explicit(&flag[1], 1, RELAXED);
}

static void is_woken(unsigned frozen)
{
	(void)frozen;
	explorer_check(stand.seen[1] == 0 || flag[1] == 1);
}

static const struct control of_a_wait[] = {
	{ "wait_1", EXPLORER_FENCE, 0, memory_order_acq_rel },
	{ "release_and_wake_0", EXPLORER_FENCE, 0, memory_order_acq_rel },
	{ NULL, 0, 0, 0 },
};

const struct scenario frozen_scenarios[] = {
	{ .name = "a claim that stops for ever hides a chunk",
	  .setup = setup_two_chunks,
	  .thread = { cycle_0, cycle_1 },
	  .check = a_chunk_is_hidden,
	  .freeze = FIRST,
	  .stale = 2 },
	{ .name = "a seal that stops for ever hides a chunk",
	  .setup = setup_two_chunks,
	  .thread = { cycle_and_seal_0, cycle_1 },
	  .check = a_chunk_is_hidden,
	  .freeze = FIRST,
	  .switches = 3,
	  .stale = 1 },
	{ .name = "a large claim that stops for ever hides its run",
	  .setup = setup_four_chunks,
	  .thread = { cycle_large_0, try_large_1 },
	  .check = a_large_run_is_hidden,
	  .freeze = FIRST,
	  .switches = 3,
	  .stale = 1 },
	{ .name = "a small claim that stops for ever hides a block",
	  .setup = setup_blocks,
	  .thread = { granule_0, granule_1 },
	  .check = a_block_is_hidden,
	  .freeze = FIRST,
	  .switches = 1,
	  .stale = 1 },
	{ .name = "a mapper that stops for ever hides a chunk",
	  .setup = setup_device,
	  .thread = { map_and_unmap_0, map_and_unmap_1 },
	  .check = maps_go_on,
	  .freeze = FIRST,
	  .switches = 3,
	  .stale = 1 },
	{ .name = "a grower that stops for ever hides its slab",
	  .setup = setup_two_slabs,
	  .thread = { grow_and_retire_0, cycle_in_first_1 },
	  .check = a_slab_is_hidden,
	  .freeze = FIRST,
	  .switches = 3,
	  .stale = 1 },
	{ .name = "what was free before a claim began is found",
	  .setup = setup_full_and_empty,
	  .thread = { seal_0, claim_after_1 },
	  .stale = 3 },
	{ .name = "advice that was lost costs no slot",
	  .setup = setup_one_free,
	  .thread = { release_0, try_1 },
	  .check = the_free_one_is_found },
	{ .name = "who waits for room with a fence is woken",
	  .setup = setup_one_free,
	  .thread = { release_and_wake_0, wait_1 },
	  .check = is_woken,
	  .stale = 3,
	  .controls = of_a_wait },
	{ .name = NULL },
};
