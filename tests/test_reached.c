/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_reached.c - corners of the I/O path that no other test is about.
 */
#include "calls.h"

/* Whole chunks, since where the buffer begins is kept. */
Test(map, a_chunk_of_bytes_at_an_offset_takes_more_than_one)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;

	knobs.info.min_align_mask = 0xfff;
	knobs.private_bytes = 2 * BOUNCE_CHUNK_BYTES;
	bench_init(&bench, &knobs);
	handle = map_ok(bench.queue[0],
			bench_buf(&bench, 100, BOUNCE_CHUNK_BYTES),
			BOUNCE_TO_DEVICE);
	cr_expect_eq(handle.bus.v & 0xfff, 100);
	cr_expect_eq(slots_free(&bench), 4 * 64 - 65);
	unmap_ok(bench.queue[0], &handle, 0);
	bench_fini(&bench);
}

/*
 * Of split slots that are said to have room, a search looks at a few; when
 * there is no slot either, it looks at all of them before it gives up.
 */
Test(map, a_small_buffer_finds_the_last_granule_behind_those_of_others)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping split[9];
	struct bounce_device_info info;
	struct bounce_device *ninth;
	struct bounce_mapping rest;
	struct bounce_mapping last;
	uint32_t held = 0;
	static struct bounce_mapping slot[64];

	knobs.devices = BENCH_DEVICES;
	knobs.more_devices = 1;
	knobs.queues = 2;
	knobs.chunks = 1;
	knobs.blocks = 1024;
	bench_init(&bench, &knobs);
	info = knobs.info;
	info.space = bench.space;
	info.queues = 1;
	cr_assert_eq(bounce_device_attach(bench.bounce, &info, &ninth, NULL),
		     BOUNCE_OK);
	/* A slot is split for each owner; the first device's is the last. */
	for (uint32_t i = 1; i < BENCH_DEVICES; i++)
		split[i] = map_ok(bench.queue[i], bench_buf(&bench, 0, 64),
				  BOUNCE_TO_DEVICE);
	split[8] = map_ok(bounce_device_queue(ninth, 0),
			  bench_buf(&bench, 0, 64), BOUNCE_TO_DEVICE);
	split[0] = map_ok(bench.queue[0], bench_buf(&bench, 0, 64),
			  BOUNCE_TO_DEVICE);
	for (struct bounce_buf buf = bench_buf(&bench, 0, 4096);
	     bounce_map(bench.queue[0], &buf, BOUNCE_FROM_DEVICE,
			&slot[held]) == BOUNCE_OK;)
		held++;
	cr_assert_eq(held, 64 - 9);
	/* Its other lane knows nothing of where that was. */
	last = map_ok(bounce_device_queue(bench.device[0], 1),
		      bench_buf(&bench, 0, 64), BOUNCE_TO_DEVICE);
	rest = map_ok(bench.queue[0], bench_buf(&bench, 0, 64),
		      BOUNCE_TO_DEVICE);
	cr_expect_eq(stats_of(bench.device[0]).full, 1);
	unmap_ok(bench.queue[0], &last, 0);
	unmap_ok(bench.queue[0], &rest, 0);
	for (uint32_t i = 0; i < held; i++)
		unmap_ok(bench.queue[0], &slot[i], 0);
	unmap_ok(bench.queue[0], &split[0], 0);
	for (uint32_t i = 1; i < BENCH_DEVICES; i++)
		unmap_ok(bench.queue[i], &split[i], 0);
	unmap_ok(bounce_device_queue(ninth, 0), &split[8], 0);
	cr_expect_eq(bounce_device_detach(ninth), BOUNCE_OK);
	bench_fini(&bench);
}

Test(unshare_all, a_space_that_nobody_has_is_passed_by)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	knobs.more_spaces = 1;
	bench_init(&bench, &knobs);
	cr_expect_eq(bounce_unshare_all(bench.bounce), BOUNCE_OK);
	cr_expect_eq(fake_machine_shared_bytes(&bench.machine), 0);
	bench_discard(&bench);
}
