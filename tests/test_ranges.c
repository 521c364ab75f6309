/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_ranges.c - bounce_ranges(): the list of what the host can see, for the
 * next stage.
 */
#include "calls.h"

#define MOST 64u

/* Slabs of one chunk, of which some are grown; no devices. */
static struct bench_knobs slabs(uint16_t grown)
{
	struct bench_knobs knobs = bench_usual();

	knobs.slabs = 3;
	knobs.chunks = 1;
	knobs.grown = grown;
	knobs.devices = 0;
	return knobs;
}

static void expect_range(const struct bounce_range *range, uint64_t gpa,
			 uint64_t len, uint32_t state)
{
	cr_expect_eq(range_gpa(range), gpa, "%#lx", range_gpa(range));
	cr_expect_eq(range_len(range), len, "%#lx", range_len(range));
	cr_expect_eq(range_state(range), state);
	cr_expect_eq(range->reserved, 0);
}

/* Every page that the host sees is listed, once; SHARED ones are shared. */
static void expect_truth(const struct bench *bench)
{
	struct bounce_range range[MOST];
	uint32_t count = bounce_ranges(bench->bounce, range, MOST);

	cr_assert_leq(count, MOST);
	for (uint64_t at = 0; at < bench->machine.bytes; at += 4096) {
		uint64_t gpa = bench->machine.base + at;
		uint32_t listed = 0;
		uint32_t state = 0;

		for (uint32_t i = 0; i < count; i++)
			if (gpa - range_gpa(&range[i]) < range_len(&range[i])) {
				listed++;
				state = range_state(&range[i]);
			}
		cr_assert_leq(listed, 1);
		if (fake_machine_is_shared(&bench->machine, gpa))
			cr_assert_eq(listed, 1, "page %lu", at / 4096);
		else
			cr_assert_neq(state, BOUNCE_RANGE_SHARED);
	}
}

Test(ranges, lists_each_slab_as_one_shared_range)
{
	for (uint16_t grown = 0; grown <= 3; grown++) {
		struct bench bench;
		struct bench_knobs knobs = slabs(grown);
		struct bounce_range range[MOST];

		bench_init(&bench, &knobs);
		memset(range, 0xee, sizeof(range));
		cr_assert_eq(bounce_ranges(bench.bounce, range, MOST), grown);
		for (uint32_t i = 0; i < grown; i++)
			expect_range(&range[i], bench_slab_gpa(&bench, i).v,
				     BOUNCE_CHUNK_BYTES, BOUNCE_RANGE_SHARED);
		cr_expect_eq(((unsigned char *)&range[grown])[0], 0xee);
		expect_truth(&bench);
		bench_fini(&bench);
	}
}

Test(ranges, all_fields_are_little_endian)
{
	/* 1 GiB and 256 KiB; SHARED is 1. */
	static const unsigned char bytes[24] = {
		0, 0, 0, 0x40, 0, 0, 0, 0, /* gpa */
		0, 0, 4, 0,    0, 0, 0, 0, /* len */
		1, 0, 0, 0, /* state */
		0, 0, 0, 0, /* reserved */
	};
	struct bench bench;
	struct bench_knobs knobs = slabs(1);
	struct bounce_range range;

	bench_init(&bench, &knobs);
	cr_assert_eq(bounce_ranges(bench.bounce, &range, 1), 1);
	cr_expect_arr_eq(&range, bytes, sizeof(range));
	bench_fini(&bench);
}

Test(ranges, room_for_fewer_is_filled_and_the_count_is_of_all)
{
	struct bench bench;
	struct bench_knobs knobs = slabs(3);

	bench_init(&bench, &knobs);
	cr_expect_eq(bounce_ranges(bench.bounce, NULL, 0), 3);
	for (uint32_t max = 0; max <= 4; max++) {
		struct bounce_range range[4];

		memset(range, 0xee, sizeof(range));
		cr_expect_eq(bounce_ranges(bench.bounce, range, max), 3);
		for (uint32_t i = 0; i < 4; i++)
			if (i < max && i < 3)
				expect_range(&range[i],
					     bench_slab_gpa(&bench, i).v,
					     BOUNCE_CHUNK_BYTES,
					     BOUNCE_RANGE_SHARED);
			else
				cr_expect(all_bytes_are(
					(unsigned char *)&range[i], 0xee,
					sizeof(range[i])));
	}
	bench_fini(&bench);
}

Test(ranges, what_was_retired_or_never_grew_is_not_listed)
{
	struct bench bench;
	struct bench_knobs knobs = slabs(2);
	struct bounce_range range[MOST];

	bench_init(&bench, &knobs);
	cr_assert_eq(bench_retire(&bench, 0), BOUNCE_OK);
	cr_assert_eq(bounce_ranges(bench.bounce, range, MOST), 1);
	expect_range(&range[0], bench_slab_gpa(&bench, 1).v, BOUNCE_CHUNK_BYTES,
		     BOUNCE_RANGE_SHARED);
	/* A refusal leaves everything private. */
	bench.machine.refuse_gpa = bench_slab_gpa(&bench, 2).v + 40 * 4096;
	bench.machine.refuse_len = 4096;
	cr_assert_eq(bench_grow(&bench, 2), BOUNCE_ERR_HOST);
	cr_expect_eq(bounce_ranges(bench.bounce, range, MOST), 1);
	expect_truth(&bench);
	cr_assert_eq(bench_grow(&bench, 0), BOUNCE_OK);
	cr_expect_eq(bounce_ranges(bench.bounce, range, MOST), 2);
	bench_fini(&bench);
}

Test(ranges, open_memory_is_listed_as_a_device_sees_it)
{
	struct bench bench;
	struct bench_knobs knobs = slabs(1);
	struct bounce_range range[MOST];

	knobs.protection = BOUNCE_PROTECTION_NO;
	bench_init(&bench, &knobs);
	cr_assert_eq(bounce_ranges(bench.bounce, range, MOST), 1);
	expect_range(&range[0], bench_slab_gpa(&bench, 0).v, BOUNCE_CHUNK_BYTES,
		     BOUNCE_RANGE_SHARED);
	bench_fini(&bench);
}

/* One granule a call, and the @n-th and those at @step after it are lost. */
static void lose(struct bench *bench, enum fake_call call, uint32_t first,
		 uint32_t times)
{
	const struct fake_fault fault = {
		.call = call,
		.first = first,
		.times = times,
		.step = BOUNCE_STEP_UNKNOWN,
	};

	cr_assert(fake_machine_fail(&bench->machine, &fault));
}

Test(ranges, lost_parts_of_a_slab_are_listed_by_address)
{
	struct bench bench;
	struct bench_knobs knobs = slabs(2);
	struct bounce_range range[MOST];
	uint64_t gpa;

	bench_power_on(&bench, &knobs);
	bench.machine.arch.batch = 1;
	bench_set_up(&bench);
	gpa = bench_slab_gpa(&bench, 0).v;
	/* It goes from the last page, 63, to the first. */
	lose(&bench, FAKE_UNSHARE, 0, 1);
	lose(&bench, FAKE_UNSHARE, 10, 3);
	lose(&bench, FAKE_UNSHARE, 63, 1);
	cr_assert_eq(bench_retire(&bench, 0), BOUNCE_ERR_LOST);
	cr_assert_eq(bounce_ranges(bench.bounce, range, MOST), 4);
	expect_range(&range[0], gpa, 4096, BOUNCE_RANGE_LOST);
	expect_range(&range[1], gpa + 51 * 4096, 3 * 4096, BOUNCE_RANGE_LOST);
	expect_range(&range[2], gpa + 63 * 4096, 4096, BOUNCE_RANGE_LOST);
	expect_range(&range[3], gpa + 64 * 4096, BOUNCE_CHUNK_BYTES,
		     BOUNCE_RANGE_SHARED);
	expect_truth(&bench);
	/* In less room, the same ones first. */
	memset(range, 0, sizeof(range));
	cr_assert_eq(bounce_ranges(bench.bounce, range, 2), 4);
	expect_range(&range[1], gpa + 51 * 4096, 3 * 4096, BOUNCE_RANGE_LOST);
	cr_expect_eq(range_gpa(&range[2]), 0);
	bench_discard(&bench);
}

Test(ranges, a_page_lost_in_growth_is_listed_and_the_private_rest_is_not)
{
	for (uint32_t n = 0; n < 64; n += 9) {
		struct bench bench;
		struct bench_knobs knobs = slabs(0);
		struct bounce_range range[MOST];

		bench_power_on(&bench, &knobs);
		bench.machine.arch.batch = 1;
		bench_set_up(&bench);
		lose(&bench, FAKE_SHARE, n, 1);
		cr_assert_eq(bench_grow(&bench, 0), BOUNCE_ERR_LOST);
		cr_assert_eq(bounce_ranges(bench.bounce, range, MOST), 1);
		expect_range(&range[0], bench_slab_gpa(&bench, 0).v + n * 4096,
			     4096, BOUNCE_RANGE_LOST);
		expect_truth(&bench);
		bench_discard(&bench);
	}
}

Test(ranges, after_all_was_unshared_only_lost_pages_are_left)
{
	struct bench bench;
	struct bench_knobs knobs = slabs(3);
	struct bounce_range range[MOST];

	bench_power_on(&bench, &knobs);
	bench.machine.arch.granule_shift = 16;
	bench.machine.arch.batch = 1;
	bench_set_up(&bench);
	lose(&bench, FAKE_UNSHARE, 5, 1); /* slab 1, third granule from 0 */
	cr_assert_eq(bounce_unshare_all(bench.bounce), BOUNCE_ERR_LOST);
	cr_assert_eq(bounce_ranges(bench.bounce, range, MOST), 1);
	expect_range(&range[0], bench_slab_gpa(&bench, 1).v + (2 << 16),
		     1 << 16, BOUNCE_RANGE_LOST);
	expect_truth(&bench);
	bench_discard(&bench);
}
