/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_pool.c - what the slot allocator promises, case by case. Whether it
 * finds every run that fits is test_pool_search.c's business.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "stand.h"

/* ---- the pure half ---- */

Test(pool_runs, agree_with_the_obvious_loop)
{
	uint64_t random = 64;

	for (unsigned i = 0; i < 20000; i++) {
		uint64_t word = bench_random(&random);
		unsigned count = 1 + i % 64;
		uint64_t expected = 0;

		/* Long runs are rare in random bits: make some. */
		for (unsigned dense = i / 64 % 5; dense > 0; dense--)
			word |= bench_random(&random);
		if (i % 7 == 0)
			word |= bounce_low_bits(count) << i % (65 - count);
		for (unsigned bit = 0; bit + count <= 64; bit++) {
			uint64_t run = bounce_low_bits(count) << bit;

			if ((word & run) == run)
				expected |= UINT64_C(1) << bit;
		}
		cr_assert_eq(bounce_pool_runs(word, count), expected,
			     "word %llx, count %u", (unsigned long long)word,
			     count);
	}
}

Test(pool_runs, of_an_empty_and_a_full_word_are_right_for_every_count)
{
	for (unsigned count = 1; count <= 64; count++) {
		cr_expect_eq(bounce_pool_runs(UINT64_MAX, count),
			     bounce_low_bits(65 - count), "count %u", count);
		cr_expect_eq(bounce_pool_runs(0, count), 0, "count %u", count);
	}
}

/* ---- errors ---- */

/* D01: at once, nothing changed, and one release is enough. */
Test(pool_claim, a_full_pool_says_so_and_one_release_is_enough)
{
	struct bounce_run run[128];
	struct bounce_run extra;
	struct stand stand;

	stand_init(&stand, 1, 2, 4);
	for (unsigned i = 0; i < 128; i++)
		cr_assert_eq(claim_slots(&stand, 1, &run[i]), BOUNCE_OK);
	cr_expect_eq(claim_slots(&stand, 1, &extra), BOUNCE_ERR_FULL);
	cr_expect_eq(claim_slots(&stand, 65, &extra), BOUNCE_ERR_FULL);
	cr_expect_eq(claim_granules(&stand, 1, 1, &extra), BOUNCE_ERR_FULL);
	cr_expect_eq(word_of(&stand, 0, 0) & word_of(&stand, 0, 1), UINT64_MAX);
	cr_expect_eq(bounce_block_free_count(stand.bench.bounce), 4,
		     "a block is kept without a slot");
	release(&stand, &run[77]);
	cr_expect_eq(claim_slots(&stand, 1, &extra), BOUNCE_OK);
	cr_expect_eq(memcmp(&extra, &run[77], sizeof(extra)), 0);
	for (unsigned i = 0; i < 128; i++)
		release(&stand, &run[i]);
	bench_fini(&stand.bench);
}

/* D04 */
Test(pool_claim, a_checkerboard_is_fragmented_for_two_and_free_for_one)
{
	struct bounce_run run[128];
	struct bounce_run extra;
	struct stand stand;

	stand_init(&stand, 1, 2, 0);
	for (unsigned i = 0; i < 128; i++)
		cr_assert_eq(claim_slots(&stand, 1, &run[i]), BOUNCE_OK);
	for (unsigned i = 0; i < 128; i += 2)
		release(&stand, &run[i]);
	cr_expect_eq(claim_slots(&stand, 2, &extra), BOUNCE_ERR_FRAGMENTED);
	cr_expect_eq(claim_slots(&stand, 64, &extra), BOUNCE_ERR_FRAGMENTED);
	cr_expect_eq(claim_slots(&stand, 65, &extra), BOUNCE_ERR_FULL,
		     "64 are free");
	cr_expect_eq(claim_slots(&stand, 1, &run[0]), BOUNCE_OK);
	release(&stand, &run[0]);
	for (unsigned i = 1; i < 128; i += 2)
		release(&stand, &run[i]);
	cr_expect_eq(claim_slots(&stand, 128, &extra), BOUNCE_OK,
		     "all is free again, and one run");
	release(&stand, &extra);
	bench_fini(&stand.bench);
}

Test(pool_claim, a_large_run_in_a_pool_with_room_but_no_chunks_is_fragmented)
{
	struct bounce_run run[2];
	struct bounce_run extra;
	struct stand stand;

	stand_init(&stand, 1, 3, 0);
	/* One slot of each of two chunks: 190 are free, and one chunk. */
	cr_assert_eq(claim_slots(&stand, 1, &run[0]), BOUNCE_OK);
	cr_assert_eq(claim_slots(&stand, 2, &run[1]), BOUNCE_OK);
	cr_expect_eq(claim_slots(&stand, 65, &extra), BOUNCE_ERR_FRAGMENTED);
	cr_expect_eq(claim_slots(&stand, 192, &extra), BOUNCE_ERR_FULL);
	release(&stand, &run[0]);
	cr_expect_eq(claim_slots(&stand, 65, &extra), BOUNCE_ERR_FRAGMENTED,
		     "the free chunks are not adjacent");
	release(&stand, &run[1]);
	cr_expect_eq(claim_slots(&stand, 65, &extra), BOUNCE_OK);
	release(&stand, &extra);
	bench_fini(&stand.bench);
}

Test(pool_claim, a_pool_without_slabs_is_unreachable)
{
	struct bench_knobs knobs = bench_usual();
	struct stand stand = { .hint = no_hint };
	struct bounce_run run;

	knobs.grown = 0;
	bench_init(&stand.bench, &knobs);
	stand.client = (struct pool_client) {
		.hint = &stand.hint,
		.bus = stand.bench.space->bus[BOUNCE_PATH_BUS],
		.tenant = 1,
	};
	cr_expect_eq(claim_slots(&stand, 1, &run), BOUNCE_ERR_UNREACHABLE);
	cr_expect_eq(claim_slots(&stand, 65, &run), BOUNCE_ERR_UNREACHABLE);
	cr_expect_eq(claim_granules(&stand, 1, 1, &run),
		     BOUNCE_ERR_UNREACHABLE);
	bench_fini(&stand.bench);
}

Test(pool_claim, slabs_that_the_client_does_not_reach_are_skipped)
{
	uint64_t bus[2] = { NO_BUS, 0 };
	struct bounce_run run[64];
	struct bounce_run extra;
	struct stand stand;

	stand_init(&stand, 2, 1, 2);
	bus[1] = bench_slab_gpa(&stand.bench, 1).v;
	stand.client.bus = bus;
	for (unsigned i = 0; i < 64; i++) {
		cr_assert_eq(claim_slots(&stand, 1, &run[i]), BOUNCE_OK);
		cr_expect_eq(run[i].slab, 1, "run %u", i);
	}
	cr_expect_eq(claim_slots(&stand, 1, &extra), BOUNCE_ERR_FULL,
		     "64 slots are free, out of reach");
	for (unsigned i = 0; i < 64; i++)
		release(&stand, &run[i]);
	bus[1] = NO_BUS;
	cr_expect_eq(claim_slots(&stand, 1, &extra), BOUNCE_ERR_UNREACHABLE);
	cr_expect_eq(claim_slots(&stand, 64, &extra), BOUNCE_ERR_UNREACHABLE);
	cr_expect_eq(claim_slots(&stand, 65, &extra), BOUNCE_ERR_UNREACHABLE);
	cr_expect_eq(claim_granules(&stand, 1, 1, &extra),
		     BOUNCE_ERR_UNREACHABLE);
	bench_fini(&stand.bench);
}

Test(pool_claim, an_address_that_no_slab_has_is_unreachable)
{
	struct oracle_wish wish = oracle_slots(4);
	struct bounce_run run;
	struct stand stand;

	stand_init(&stand, 1, 2, 0);
	wish.limits.last = stand.bench.knobs.gpa + 4 * 4096 - 2;
	cr_expect_eq(claim(&stand, &wish, &run), BOUNCE_ERR_UNREACHABLE);
	wish.limits.last++;
	cr_expect_eq(claim(&stand, &wish, &run), BOUNCE_OK);
	cr_expect_eq(run.slot, 0);
	release(&stand, &run);
	bench_fini(&stand.bench);
}

/* The low quarter is full, the rest is free, and the mask ends between. */
Test(pool_claim, full_below_the_mask_is_fragmented_when_slots_above_are_free)
{
	struct oracle_wish low = oracle_slots(1);
	struct bounce_run run[16];
	struct bounce_run extra;
	struct stand stand;

	stand_init(&stand, 1, 1, 0);
	low.limits.last = stand.bench.knobs.gpa + 16 * 4096 - 1;
	for (unsigned i = 0; i < 16; i++)
		cr_assert_eq(claim(&stand, &low, &run[i]), BOUNCE_OK);
	cr_expect_eq(claim(&stand, &low, &extra), BOUNCE_ERR_FRAGMENTED);
	for (unsigned i = 0; i < 16; i++)
		release(&stand, &run[i]);
	bench_fini(&stand.bench);
}

/* ---- addresses ---- */

Test(pool_claim, no_run_crosses_a_boundary)
{
	struct oracle_wish wish = oracle_slots(9);
	struct bounce_run run[8];
	struct bounce_run extra;
	struct stand stand;

	stand_init(&stand, 1, 2, 0);
	wish.limits.boundary = 0xffff; /* 16 slots: room for one run of 9 */
	for (unsigned i = 0; i < 8; i++) {
		uint64_t bus;

		cr_assert_eq(claim(&stand, &wish, &run[i]), BOUNCE_OK);
		bus = stand.client.bus[run[i].slab] + run[i].slot * 4096;
		cr_expect_eq(bus >> 16, (bus + 9 * 4096 - 1) >> 16, "run %u",
			     i);
	}
	cr_expect_eq(claim(&stand, &wish, &extra), BOUNCE_ERR_FRAGMENTED);
	cr_expect_eq(claim_slots(&stand, 7, &extra), BOUNCE_OK);
	release(&stand, &extra);
	for (unsigned i = 0; i < 8; i++)
		release(&stand, &run[i]);
	bench_fini(&stand.bench);
}

/* What the device sees decides, not where the slab lies. */
Test(pool_claim, alignment_is_that_of_the_bus_address)
{
	struct oracle_wish wish = oracle_slots(1);
	struct bounce_run run;
	struct stand stand;
	uint64_t bus[1];

	stand_init(&stand, 1, 1, 0);
	stand.client.bus = bus;
	wish.limits.align = 0xffff;
	for (uint64_t slot = 0; slot < 16; slot++) {
		bus[0] = 0x80000000 + slot * 4096;
		cr_assert_eq(claim(&stand, &wish, &run), BOUNCE_OK);
		cr_expect_eq((bus[0] + run.slot * 4096) & 0xffff, 0, "bus %llx",
			     (unsigned long long)bus[0]);
		release(&stand, &run);
	}
	bench_fini(&stand.bench);
}

/* ---- large runs ---- */

Test(pool_claim, the_slots_behind_a_large_run_are_free_at_once)
{
	struct bounce_run large;
	struct bounce_run rest;
	struct bounce_run extra;
	struct stand stand;

	stand_init(&stand, 1, 2, 0);
	cr_assert_eq(claim_slots(&stand, 65, &large), BOUNCE_OK);
	cr_expect_eq(large.slot, 0);
	cr_expect_eq(large.slots, 65);
	cr_expect_eq(free_chunks(&stand, 0), 0);
	cr_expect_eq(word_of(&stand, 0, 0), UINT64_MAX);
	cr_expect_eq(word_of(&stand, 0, 1), 1);
	cr_assert_eq(claim_slots(&stand, 63, &rest), BOUNCE_OK);
	cr_expect_eq(rest.slot, 65);
	cr_expect_eq(claim_slots(&stand, 1, &extra), BOUNCE_ERR_FULL);
	/* In either order: the rest outlives the large run. */
	release(&stand, &large);
	cr_expect_eq(free_chunks(&stand, 0), 1);
	cr_expect_eq(word_of(&stand, 0, 1), UINT64_MAX << 1);
	release(&stand, &rest);
	cr_assert_eq(claim_slots(&stand, 128, &large), BOUNCE_OK);
	release(&stand, &large);
	cr_expect_eq(free_chunks(&stand, 0), 3);
	bench_fini(&stand.bench);
}

Test(pool_claim, a_slab_can_be_one_run)
{
	struct bounce_run run;
	struct stand stand;

	stand_init(&stand, 1, 64, 0);
	cr_assert_eq(claim_slots(&stand, 4096, &run), BOUNCE_OK);
	cr_expect_eq(run.slot, 0);
	cr_expect_eq(run.slots, 4096);
	cr_expect_eq(free_chunks(&stand, 0), 0);
	release(&stand, &run);
	cr_expect_eq(free_chunks(&stand, 0), UINT64_MAX);
	bench_fini(&stand.bench);
}

/* A chunk's alignment is asked for by slots, and by less than a chunk. */
Test(pool_claim, a_run_at_a_chunks_start_may_be_short)
{
	struct oracle_wish wish = oracle_slots(64);
	struct bounce_run run[2];
	struct stand stand;

	stand_init(&stand, 1, 2, 0);
	wish.shift = BOUNCE_CHUNK_SHIFT;
	for (unsigned i = 0; i < 2; i++) {
		wish.len = (64 - 60 * i) * 4096;
		cr_assert_eq(claim(&stand, &wish, &run[i]), BOUNCE_OK);
		cr_expect_eq(run[i].slot, 64 * i);
		cr_expect_eq(run[i].slots, 64 - 60 * i);
	}
	cr_expect_eq(word_of(&stand, 0, 1), 0xf);
	release(&stand, &run[0]);
	release(&stand, &run[1]);
	cr_assert_eq(claim_slots(&stand, 128, &run[0]), BOUNCE_OK);
	release(&stand, &run[0]);
	bench_fini(&stand.bench);
}

/* ---- where the next run is ---- */

Test(pool_claim, the_slot_that_was_released_is_the_next_one)
{
	struct bounce_run first;
	struct bounce_run again;
	struct stand stand;

	stand_init(&stand, 2, 4, 0);
	for (uint32_t slots = 1; slots <= 64; slots++) {
		cr_assert_eq(claim_slots(&stand, slots, &first), BOUNCE_OK);
		release(&stand, &first);
		cr_assert_eq(claim_slots(&stand, slots, &again), BOUNCE_OK);
		cr_expect_eq(memcmp(&first, &again, sizeof(first)), 0,
			     "%u slots", slots);
		release(&stand, &again);
	}
	bench_fini(&stand.bench);
}

Test(pool_claim, the_lowest_free_run_of_the_chunk_is_taken)
{
	struct bounce_run run[10];
	struct bounce_run again;
	struct stand stand;

	stand_init(&stand, 1, 1, 0);
	for (unsigned i = 0; i < 10; i++) {
		cr_assert_eq(claim_slots(&stand, 1, &run[i]), BOUNCE_OK);
		cr_expect_eq(run[i].slot, i);
	}
	release(&stand, &run[7]);
	release(&stand, &run[3]);
	release(&stand, &run[4]);
	cr_assert_eq(claim_slots(&stand, 2, &again), BOUNCE_OK);
	cr_expect_eq(again.slot, 3);
	release(&stand, &again);
	cr_assert_eq(claim_slots(&stand, 1, &run[3]), BOUNCE_OK);
	cr_expect_eq(run[3].slot, 3);
	cr_assert_eq(claim_slots(&stand, 1, &run[4]), BOUNCE_OK);
	cr_assert_eq(claim_slots(&stand, 1, &run[7]), BOUNCE_OK);
	cr_expect_eq(run[7].slot, 7);
	for (unsigned i = 0; i < 10; i++)
		release(&stand, &run[i]);
	bench_fini(&stand.bench);
}

/* A preference (P7): as long as there are chunks for all. */
Test(pool_claim, runs_of_different_classes_begin_in_different_chunks)
{
	struct bounce_run single;
	struct bounce_run brief;
	struct bounce_run lengthy;
	struct stand stand;

	stand_init(&stand, 1, 4, 0);
	cr_assert_eq(claim_slots(&stand, 1, &single), BOUNCE_OK);
	cr_assert_eq(claim_slots(&stand, 8, &brief), BOUNCE_OK);
	cr_assert_eq(claim_slots(&stand, 9, &lengthy), BOUNCE_OK);
	cr_expect_neq(single.slot / 64, brief.slot / 64);
	cr_expect_neq(single.slot / 64, lengthy.slot / 64);
	cr_expect_neq(brief.slot / 64, lengthy.slot / 64);
	release(&stand, &single);
	release(&stand, &brief);
	release(&stand, &lengthy);
	bench_fini(&stand.bench);
}

/* The same one level up: a new queue's hints lead nowhere. */
Test(pool_claim, the_first_mappings_of_a_device_keep_the_classes_apart)
{
	static const uint64_t len[] = { 4096, 8 * 4096, 9 * 4096 };
	struct bounce_mapping mapping[3];
	struct bench_knobs knobs = bench_usual();
	struct bench bench;

	bench_init(&bench, &knobs);
	for (unsigned i = 0; i < 3; i++) {
		struct bounce_buf buf = bench_buf(&bench, 0, len[i]);

		cr_assert_eq(bounce_map(bench.queue[0], &buf,
					BOUNCE_FROM_DEVICE, &mapping[i]),
			     BOUNCE_OK);
		for (unsigned j = 0; j < i; j++)
			cr_expect_neq(mapping[i].bus.v >> BOUNCE_CHUNK_SHIFT,
				      mapping[j].bus.v >> BOUNCE_CHUNK_SHIFT);
	}
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(bounce_unmap(bench.queue[0], &mapping[i], 0),
			     BOUNCE_OK);
	bench_fini(&bench);
}

/* Never a reason to fail: the only chunk is of another class. */
Test(pool_claim, a_run_takes_a_chunk_of_another_class_when_there_is_no_other)
{
	struct bounce_run run[3];
	struct stand stand;

	stand_init(&stand, 1, 1, 1);
	cr_assert_eq(claim_slots(&stand, 1, &run[0]), BOUNCE_OK);
	cr_expect_eq(claim_slots(&stand, 8, &run[1]), BOUNCE_OK);
	cr_expect_eq(claim_slots(&stand, 55, &run[2]), BOUNCE_OK);
	for (unsigned i = 0; i < 3; i++)
		release(&stand, &run[i]);
	bench_fini(&stand.bench);
}

/* P7: whatever a hint says, the claim is right. */
Test(pool_claim, a_wild_hint_costs_time_only)
{
	static const uint32_t wild[] = { 1,	  2,	      63,
					 64,	  127,	      128,
					 0x10000, 0x7fffffff, 0xffffffff };
	struct bounce_run run[4];
	struct stand stand;

	stand_init(&stand, 2, 2, 1);
	for (unsigned i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		for (unsigned class = 0; class < POOL_CLASSES; class ++)
			atomic_store_explicit(&stand.hint.chunk[class], wild[i],
					      memory_order_relaxed);
		atomic_store_explicit(&stand.hint.block, wild[i],
				      memory_order_relaxed);
		cr_expect_eq(claim_slots(&stand, 1, &run[0]), BOUNCE_OK);
		cr_expect_eq(claim_slots(&stand, 8, &run[1]), BOUNCE_OK);
		cr_expect_eq(claim_slots(&stand, 64, &run[2]), BOUNCE_OK);
		cr_expect_eq(claim_granules(&stand, 3, 1, &run[3]), BOUNCE_OK);
		for (unsigned j = 0; j < 4; j++)
			release(&stand, &run[j]);
	}
	bench_fini(&stand.bench);
}
