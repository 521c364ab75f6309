/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_pool_slabs.c - granules of split slots, slabs that come and go, and what
 * can be asked of a pool; held to lib/pool.h.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "stand.h"

/* ---- granules ---- */

Test(pool_granules, sixty_four_fill_one_slot)
{
	struct bounce_run run[65];
	struct stand stand;

	stand_init(&stand, 1, 1, 2);
	for (unsigned i = 0; i < 65; i++) {
		cr_assert_eq(claim_granules(&stand, 1, 1, &run[i]), BOUNCE_OK);
		cr_expect_eq(run[i].slot, i / 64);
		cr_expect_eq(run[i].granule, i % 64);
	}
	cr_expect_eq(word_of(&stand, 0, 0), 3, "two slots are split");
	for (unsigned i = 0; i < 65; i++)
		release(&stand, &run[i]);
	bench_fini(&stand.bench);
}

Test(pool_granules, tenants_never_share_a_slot)
{
	struct bounce_run run[3];
	struct stand stand;

	stand_init(&stand, 1, 1, 3);
	cr_assert_eq(claim_granules(&stand, 1, 0x10001, &run[0]), BOUNCE_OK);
	cr_assert_eq(claim_granules(&stand, 1, 0x10002, &run[1]), BOUNCE_OK);
	cr_assert_eq(claim_granules(&stand, 1, 0x20001, &run[2]), BOUNCE_OK);
	cr_expect_neq(run[0].slot, run[1].slot, "two owners of one space");
	cr_expect_neq(run[0].slot, run[2].slot, "one owner tag in two spaces");
	cr_expect_neq(run[1].slot, run[2].slot);
	for (unsigned i = 0; i < 3; i++)
		release(&stand, &run[i]);
	bench_fini(&stand.bench);
}

/* S1, A01: whoever had the slot before, nothing of it is there. */
Test(pool_granules, a_slot_is_zeroed_before_it_is_split)
{
	static const unsigned char zero[BOUNCE_SLOT_BYTES];
	struct bounce_run run;
	struct stand stand;
	unsigned char *memory;

	stand_init(&stand, 1, 1, 1);
	cr_assert_eq(claim_slots(&stand, 1, &run), BOUNCE_OK);
	memory = bounce_pool_memory(stand.bench.bounce, &run);
	memset(memory, 0x77, BOUNCE_SLOT_BYTES);
	release(&stand, &run);
	cr_assert_eq(claim_granules(&stand, 1, 5, &run), BOUNCE_OK);
	cr_expect_eq(memcmp(memory, zero, sizeof(zero)), 0);
	release(&stand, &run);
	bench_fini(&stand.bench);
}

Test(pool_granules, used_up_blocks_are_full_and_slots_are_still_there)
{
	struct bounce_run run[2];
	struct bounce_run extra;
	struct stand stand;

	stand_init(&stand, 1, 1, 2);
	cr_assert_eq(claim_granules(&stand, 32, 1, &run[0]), BOUNCE_OK);
	cr_assert_eq(claim_granules(&stand, 32, 2, &run[1]), BOUNCE_OK);
	cr_expect_eq(bounce_block_free_count(stand.bench.bounce), 0);
	cr_expect_eq(claim_granules(&stand, 1, 3, &extra), BOUNCE_ERR_FULL);
	cr_expect_eq(claim_slots(&stand, 1, &extra), BOUNCE_OK);
	release(&stand, &extra);
	release(&stand, &run[0]);
	cr_expect_eq(claim_granules(&stand, 1, 3, &run[0]), BOUNCE_OK,
		     "an empty block goes to who needs one");
	release(&stand, &run[0]);
	release(&stand, &run[1]);
	bench_fini(&stand.bench);
}

/* One level up: the device's small request takes a whole slot. */
Test(pool_granules, a_small_mapping_without_blocks_takes_a_slot)
{
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping mapping[3];
	struct bounce_pool_stats stats;
	struct bench bench;

	knobs.blocks = 0;
	bench_init(&bench, &knobs);
	for (unsigned i = 0; i < 3; i++) {
		struct bounce_buf buf = bench_buf(&bench, i * 64, 16);

		cr_assert_eq(bounce_map(bench.queue[0], &buf,
					BOUNCE_FROM_DEVICE, &mapping[i]),
			     BOUNCE_OK);
	}
	bounce_pool_stats(bench.pool, &stats);
	cr_expect_eq(stats.slots - stats.slots_free, 3);
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(bounce_unmap(bench.queue[0], &mapping[i], 0),
			     BOUNCE_OK);
	bench_fini(&bench);
}

Test(pool_granules, an_empty_split_slot_goes_back_when_slots_run_out)
{
	struct bounce_run granule;
	struct bounce_run run[64];
	struct bounce_run extra;
	struct stand stand;

	stand_init(&stand, 1, 1, 1);
	cr_assert_eq(claim_granules(&stand, 1, 1, &granule), BOUNCE_OK);
	for (unsigned i = 0; i < 63; i++)
		cr_assert_eq(claim_slots(&stand, 1, &run[i]), BOUNCE_OK);
	cr_expect_eq(claim_slots(&stand, 1, &extra), BOUNCE_ERR_FULL);
	release(&stand, &granule);
	cr_expect_eq(word_of(&stand, 0, 0), UINT64_MAX, "kept: it is warm");
	cr_assert_eq(claim_slots(&stand, 1, &run[63]), BOUNCE_OK);
	cr_expect_eq(run[63].slot, granule.slot);
	cr_expect_eq(bounce_block_free_count(stand.bench.bounce), 1);
	for (unsigned i = 0; i < 64; i++)
		release(&stand, &run[i]);
	bench_fini(&stand.bench);
}

/* ---- growth and retirement ---- */

static void withdraw_is(struct stand *stand, bool expected, const char *when)
{
	struct bounce_slab *slab = slab_of(stand, 0);

	cr_assert_eq(bounce_pool_withdraw(stand->bench.pool, slab), expected,
		     "%s", when);
	if (!expected)
		return;
	cr_expect_eq(free_chunks(stand, 0), 0);
	bounce_pool_publish(slab);
	cr_expect_eq(free_chunks(stand, 0), slab->all_chunks);
}

Test(pool_withdraw, works_exactly_while_no_slot_is_claimed)
{
	struct bounce_run run;
	struct stand stand;

	stand_init(&stand, 1, 3, 1);
	withdraw_is(&stand, true, "never used");
	cr_assert_eq(claim_slots(&stand, 1, &run), BOUNCE_OK);
	withdraw_is(&stand, false, "one slot");
	release(&stand, &run);
	withdraw_is(&stand, true, "one slot, released");
	cr_assert_eq(claim_slots(&stand, 129, &run), BOUNCE_OK);
	withdraw_is(&stand, false, "a large run");
	release(&stand, &run);
	withdraw_is(&stand, true, "a large run, released");
	cr_assert_eq(claim_granules(&stand, 1, 1, &run), BOUNCE_OK);
	withdraw_is(&stand, false, "a granule");
	release(&stand, &run);
	withdraw_is(&stand, true, "an empty split slot");
	cr_expect_eq(bounce_block_free_count(stand.bench.bounce), 1);
	bench_fini(&stand.bench);
}

/* Nothing of a slab can be had between its withdrawal and its return. */
Test(pool_withdraw, leaves_nothing_to_claim)
{
	struct bounce_run run;
	struct stand stand;

	stand_init(&stand, 1, 2, 1);
	cr_assert_eq(claim_slots(&stand, 3, &run), BOUNCE_OK);
	release(&stand, &run);
	cr_assert(bounce_pool_withdraw(stand.bench.pool, slab_of(&stand, 0)));
	cr_expect_eq(claim_slots(&stand, 1, &run), BOUNCE_ERR_FULL);
	cr_expect_eq(claim_slots(&stand, 65, &run), BOUNCE_ERR_FULL);
	cr_expect_eq(claim_granules(&stand, 1, 1, &run), BOUNCE_ERR_FULL);
	cr_expect_eq(bounce_slab_free_slots(slab_of(&stand, 0)), 0);
	bounce_pool_publish(slab_of(&stand, 0));
	cr_expect_eq(claim_slots(&stand, 3, &run), BOUNCE_OK);
	release(&stand, &run);
	bench_fini(&stand.bench);
}

Test(pool_retire, a_slab_comes_back_with_its_index_and_its_place)
{
	struct bounce_run run;
	struct stand stand;

	stand_init(&stand, 2, 2, 0);
	for (unsigned i = 0; i < 4; i++) {
		cr_assert_eq(bench_retire(&stand.bench, 0), BOUNCE_OK);
		cr_assert_eq(claim_slots(&stand, 128, &run), BOUNCE_OK);
		cr_expect_eq(run.slab, 1);
		cr_expect_eq(bench_retire(&stand.bench, 1), BOUNCE_ERR_BUSY);
		cr_assert_eq(bench_grow(&stand.bench, 0), BOUNCE_OK);
		release(&stand, &run);
		stand.hint = no_hint; /* the last one was in slab 1 */
		cr_assert_eq(claim_slots(&stand, 128, &run), BOUNCE_OK);
		cr_expect_eq(run.slab, 0);
		cr_expect_eq(bounce_pool_memory(stand.bench.bounce, &run),
			     stand.bench.machine.memory);
		release(&stand, &run);
	}
	bench_fini(&stand.bench);
}

/* ---- looking ---- */

Test(pool_find, knows_every_byte_of_a_slab_and_none_beside_it)
{
	struct stand stand;
	const struct bounce *bounce;
	uint64_t base;
	uint64_t end;

	stand_init(&stand, 2, 1, 0);
	bounce = stand.bench.bounce;
	base = stand.bench.knobs.gpa;
	end = base + 2 * BOUNCE_CHUNK_BYTES;
	cr_expect_null(bounce_pool_find(bounce, (bounce_gpa_t) { base - 1 }));
	cr_expect_eq(bounce_pool_find(bounce, (bounce_gpa_t) { base }),
		     slab_of(&stand, 0));
	cr_expect_eq(bounce_pool_find(
			     bounce,
			     (bounce_gpa_t) { base + BOUNCE_CHUNK_BYTES - 1 }),
		     slab_of(&stand, 0));
	cr_expect_eq(
		bounce_pool_find(bounce,
				 (bounce_gpa_t) { base + BOUNCE_CHUNK_BYTES }),
		slab_of(&stand, 1));
	cr_expect_eq(bounce_pool_find(bounce, (bounce_gpa_t) { end - 1 }),
		     slab_of(&stand, 1));
	cr_expect_null(bounce_pool_find(bounce, (bounce_gpa_t) { end }));
	cr_expect_null(bounce_pool_find(bounce, (bounce_gpa_t) { 0 }));
	cr_expect_null(bounce_pool_find(bounce, (bounce_gpa_t) { UINT64_MAX }));
	cr_assert_eq(bench_retire(&stand.bench, 0), BOUNCE_OK);
	cr_expect_null(bounce_pool_find(bounce, (bounce_gpa_t) { base }));
	bench_fini(&stand.bench);
}

Test(pool_stats, count_slots_and_chunks_exactly_at_rest)
{
	struct bounce_pool_stats stats;
	struct bounce_run run[3];
	struct stand stand;

	stand_init(&stand, 2, 3, 5);
	cr_assert_eq(claim_slots(&stand, 65, &run[0]), BOUNCE_OK);
	cr_assert_eq(claim_slots(&stand, 9, &run[1]), BOUNCE_OK);
	cr_assert_eq(claim_granules(&stand, 2, 1, &run[2]), BOUNCE_OK);
	bounce_pool_stats(stand.bench.pool, &stats);
	cr_expect_eq(stats.slabs, 2);
	cr_expect_eq(stats.chunks, 6);
	cr_expect_eq(stats.chunks_in_use, 3,
		     "the granules lie behind the large run");
	cr_expect_eq(stats.slots, 6 * 64);
	cr_expect_eq(stats.slots_free, 6 * 64 - 65 - 9 - 1);
	cr_expect_eq(stats.blocks_free, 4);
	for (unsigned i = 0; i < 3; i++)
		release(&stand, &run[i]);
	/* A claim of everything seals what is free. */
	cr_assert_eq(claim_slots(&stand, 192, &run[0]), BOUNCE_OK);
	release(&stand, &run[0]);
	cr_assert_eq(bench_retire(&stand.bench, 1), BOUNCE_OK);
	cr_assert_eq(bench_retire(&stand.bench, 0), BOUNCE_OK);
	bounce_pool_stats(stand.bench.pool, &stats);
	cr_expect_eq(stats.slabs, 0);
	cr_expect_eq(stats.slots_free, 0);
	cr_expect_eq(stats.chunks_in_use, 0);
	cr_expect_geq(stats.chunks_high_water, 3);
	cr_expect_leq(stats.chunks_high_water, 6);
	cr_expect_eq(stats.blocks_free, 5);
	bench_fini(&stand.bench);
}

/* A judge that never says no is no judge. */
Test(pool_valid, notices_each_kind_of_damage)
{
	struct bounce_slab *slab;
	struct stand stand;

	stand_init(&stand, 1, 2, 1);
	slab = slab_of(&stand, 0);
	cr_expect(bounce_pool_valid(stand.bench.pool));

	/* P4: a free chunk that is not sealed. */
	atomic_fetch_and_explicit(&slab->chunk[1].bits, ~UINT64_C(1),
				  memory_order_relaxed);
	cr_expect_not(bounce_pool_valid(stand.bench.pool));
	atomic_fetch_or_explicit(&slab->chunk[1].bits, 1, memory_order_relaxed);

	/* P5: a chunk that does not exist. */
	atomic_fetch_or_explicit(&slab->free_chunks, 4, memory_order_relaxed);
	cr_expect_not(bounce_pool_valid(stand.bench.pool));
	atomic_fetch_and_explicit(&slab->free_chunks, 3, memory_order_relaxed);

	/* A chunk that nobody has and that is not free: leaked. */
	atomic_fetch_and_explicit(&slab->free_chunks, 1, memory_order_relaxed);
	cr_expect_not(bounce_pool_valid(stand.bench.pool));
	atomic_fetch_or_explicit(&slab->free_chunks, 2, memory_order_relaxed);

	cr_expect(bounce_pool_valid(stand.bench.pool));
	bench_fini(&stand.bench);
}
