/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_starts.c - where a run may start, at the last byte that decides it: each
 * of these was a change of window.c that no other test saw.
 */
#include "calls.h"
#include "window.h"

static struct bounce_place place_of(const struct bounce_limits *limits,
				    uint64_t len)
{
	struct bounce_place place;

	cr_assert(
		bounce_window_place(limits, 0, len, BOUNCE_SLOT_SHIFT, &place));
	return place;
}

/* A run at bus address 0 that ends with the last byte which is reached. */
Test(starts, the_last_byte_that_a_device_reaches_is_reached)
{
	struct bounce_limits limits = {
		.last = 4095,
		.boundary = UINT64_MAX,
		.segment = UINT64_MAX,
	};
	struct bounce_place place = place_of(&limits, 4096);

	cr_expect_eq(bounce_window_starts(&place, 0), 1);
	limits.last = 4094;
	if (bounce_window_place(&limits, 0, 4096, BOUNCE_SLOT_SHIFT, &place))
		cr_expect_eq(bounce_window_starts(&place, 0), 0);
}

/* All 64 starts, but the last if it is one byte too long. */
Test(starts, the_last_slot_of_a_chunk_counts_to_its_last_byte)
{
	const uint64_t bus = UINT64_C(1) << 20;

	for (uint64_t len = 4090; len <= 4096; len++) {
		struct bounce_limits limits = {
			.last = bus + UINT64_C(63) * 4096 + len - 1,
			.boundary = UINT64_MAX,
			.segment = UINT64_MAX,
		};
		struct bounce_place place = place_of(&limits, len);

		cr_expect_eq(bounce_window_starts(&place, bus), UINT64_MAX,
			     "%lu bytes", len);
		limits.last--;
		place = place_of(&limits, len);
		cr_expect_eq(bounce_window_starts(&place, bus), UINT64_MAX >> 1,
			     "%lu bytes", len);
	}
}

/* The short way of a claim must not forget what the device asks for. */
Test(starts, where_the_last_run_was_the_next_one_is_aligned_as_well)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping mapping[8];

	knobs.info.min_align_mask = 0x3fff;
	bench_init(&bench, &knobs);
	for (uint32_t i = 0; i < 8; i++) {
		struct bounce_buf buf = bench_buf(&bench, i * 0x4000, 4096);

		mapping[i] = map_ok(bench.queue[0], buf, BOUNCE_TO_DEVICE);
		cr_expect_eq(mapping[i].bus.v & 0x3fff, buf.gpa.v & 0x3fff,
			     "mapping %u", i);
	}
	for (uint32_t i = 0; i < 8; i++)
		unmap_ok(bench.queue[0], &mapping[i], 0);
	bench_fini(&bench);
}
