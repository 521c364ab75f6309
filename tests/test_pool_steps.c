/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_pool_steps.c - a claim or release takes a bounded number of steps (S6,
 * D04), whatever state the pool is in: every atomic access is counted.
 *
 * The allocator's own sources are compiled in here with counting accesses in
 * place of C11's; the rest of the library is as it is.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

static uint64_t steps; /* one thread; each test is a process of its own */

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and_explicit
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub_explicit
#undef atomic_compare_exchange_weak_explicit
#undef atomic_compare_exchange_strong_explicit

/* There is but one thread: plain operators, and each exchange succeeds. */
#define atomic_load_explicit(p, order) (steps++, *(p))
#define atomic_store_explicit(p, v, order) (steps++, *(p) = (v))
/* What it gives is the new value: whoever looks at it adds the bits. */
#define atomic_fetch_or_explicit(p, v, order) (steps++, (*(p) |= (v)) | (v))
#define atomic_fetch_and_explicit(p, v, order) (steps++, *(p) &= (v))
#define atomic_fetch_add_explicit(p, v, order) (steps++, (*(p) += (v)) - (v))
#define atomic_fetch_sub_explicit(p, v, order) (steps++, (*(p) -= (v)) + (v))
#define atomic_compare_exchange_strong_explicit(p, old, v, order, failure) \
	(steps++, *(p) == *(old) ? (*(p) = (v), true) : (*(old) = *(p), false))
#define atomic_compare_exchange_weak_explicit \
	atomic_compare_exchange_strong_explicit

/* Where the library has no use for what an access gives. */
#pragma GCC diagnostic ignored "-Wunused-value"

#include "../lib/tree.c"
#include "../lib/pool.c"
#include "../lib/block.c"

#include <criterion/criterion.h>

#include "support.h"

#define SLABS 2u
#define CHUNKS 16u
#define BLOCKS 70u
/* Accesses to each chunk and block, and the rest, of the worst claim. */
#define PER_CHUNK 8u
#define PER_BLOCK 16u /* a search, and a reclaim with its advice */
#define FIXED 100u
#define BOUND (SLABS * CHUNKS * PER_CHUNK + BLOCKS * PER_BLOCK + FIXED)

struct stand {
	struct bench bench;
	struct pool_hint hint;
	struct pool_client client;
	uint64_t worst; /* steps of a claim */
	uint64_t worst_release;
};

static void stand_init(struct stand *stand)
{
	struct bench_knobs knobs = bench_usual();

	knobs.slabs = knobs.grown = SLABS;
	knobs.chunks = CHUNKS;
	knobs.blocks = BLOCKS;
	bench_init(&stand->bench, &knobs);
	stand->hint = (struct pool_hint) {
		.chunk = { NO_CHUNK, NO_CHUNK, NO_CHUNK, NO_CHUNK },
		.block = NO_BLOCK,
	};
	stand->client = (struct pool_client) {
		.hint = &stand->hint,
		.bus = stand->bench.space->bus[BOUNCE_PATH_BUS],
		.tenant = 1,
	};
	stand->worst = stand->worst_release = 0;
}

static enum bounce_err claim(struct stand *stand, uint64_t len, uint32_t shift,
			     struct bounce_run *run)
{
	static const struct bounce_limits limits = {
		.last = UINT64_MAX,
		.boundary = UINT64_MAX,
		.segment = UINT64_MAX,
	};
	struct bounce_place place;
	enum bounce_err err;

	cr_assert(bounce_window_place(&limits, 0, len, shift, &place));
	steps = 0;
	err = bounce_pool_claim(stand->bench.pool, &place, &stand->client, run);
	if (steps > stand->worst)
		stand->worst = steps;
	return err;
}

static void release(struct stand *stand, const struct bounce_run *run)
{
	steps = 0;
	bounce_pool_release(stand->bench.pool, run);
	if (steps > stand->worst_release)
		stand->worst_release = steps;
}

/* Claims of each size, which may fail; what succeeds goes back. */
static void try_sizes(struct stand *stand)
{
	static const uint32_t slots[] = { 1, 2, 8, 9, 64, 65, 256, 1024 };
	struct bounce_run run;

	for (unsigned i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
		if (claim(stand, (uint64_t)slots[i] << BOUNCE_SLOT_SHIFT,
			  slots[i] > 64 ? BOUNCE_CHUNK_SHIFT :
					  BOUNCE_SLOT_SHIFT,
			  &run) == BOUNCE_OK)
			release(stand, &run);
	for (uint64_t len = 64; len <= 2048; len *= 2)
		if (claim(stand, len, BOUNCE_GRANULE_SHIFT, &run) == BOUNCE_OK)
			release(stand, &run);
}

Test(pool_steps, of_a_claim_in_a_pool_that_fills_up_are_bounded)
{
	static struct bounce_run run[SLABS * CHUNKS * SLOTS_PER_CHUNK];
	struct stand stand;
	uint32_t count = 0;

	stand_init(&stand);
	while (claim(&stand, 4096, BOUNCE_SLOT_SHIFT, &run[count]) ==
	       BOUNCE_OK) {
		if (++count % 61 == 0)
			try_sizes(&stand);
	}
	cr_assert_eq(count, SLABS * CHUNKS * SLOTS_PER_CHUNK);
	try_sizes(&stand);
	/* The checkerboard, coarse and fine. */
	for (uint32_t i = 0; i < count; i += 2) {
		release(&stand, &run[i]);
		if (i % 62 == 0)
			try_sizes(&stand);
	}
	for (uint32_t i = 1; i < count; i += 2) {
		release(&stand, &run[i]);
		if (i % 63 == 0)
			try_sizes(&stand);
	}
	cr_expect_leq(stand.worst, BOUND, "%llu steps",
		      (unsigned long long)stand.worst);
	cr_expect_leq(stand.worst_release, 8, "%llu steps",
		      (unsigned long long)stand.worst_release);
	bench_fini(&stand.bench);
}

/* Every block split and empty, each for a tenant of its own. */
Test(pool_steps, of_a_claim_among_empty_split_slots_are_bounded)
{
	static struct bounce_run run[BLOCKS];
	struct stand stand;

	stand_init(&stand);
	for (uint32_t i = 0; i < BLOCKS; i++) {
		stand.client.tenant = 1 + i;
		cr_assert_eq(claim(&stand, 64, BOUNCE_GRANULE_SHIFT, &run[i]),
			     BOUNCE_OK);
	}
	for (uint32_t i = 0; i < BLOCKS; i++)
		release(&stand, &run[i]);
	stand.client.tenant = 1 + BLOCKS;
	try_sizes(&stand);
	cr_expect_leq(stand.worst, BOUND, "%llu steps",
		      (unsigned long long)stand.worst);
	bench_fini(&stand.bench);
}

/* The usual case is the hint: one load and one compare-and-swap of a word. */
Test(pool_steps, of_a_claim_where_the_last_one_was_are_few)
{
	struct bounce_run run;
	struct stand stand;

	stand_init(&stand);
	stand.client.lane = 1;
	cr_assert_eq(claim(&stand, 4096, BOUNCE_SLOT_SHIFT, &run), BOUNCE_OK);
	release(&stand, &run);
	stand.worst = 0;
	cr_assert_eq(claim(&stand, 4096, BOUNCE_SLOT_SHIFT, &run), BOUNCE_OK);
	cr_expect_leq(stand.worst, 7,
		      "hint, how scarce (2), lane, word, swap, lane: %llu",
		      (unsigned long long)stand.worst);
	release(&stand, &run);
	bench_fini(&stand.bench);
}
