/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_home.c - where a queue's runs come from: each queue has its part of the
 * pool's slabs, and leaves it only when there is nothing left in it.
 */
#include "calls.h"

#define SLABS 4u
#define QUEUES BENCH_DEVICES /* one of each device */

static void begin(struct bench *bench)
{
	struct bench_knobs knobs = bench_usual();

	knobs.slabs = SLABS;
	knobs.grown = SLABS;
	knobs.chunks = 2;
	knobs.blocks = 0;
	knobs.devices = QUEUES;
	bench_init(bench, &knobs);
}

static uint32_t slab_of(const struct bench *bench,
			const struct bounce_mapping *mapping)
{
	return (uint32_t)((mapping->bus.v - bench_slab_gpa(bench, 0).v) /
			  bench->slab_bytes);
}

Test(home, queues_spread_over_the_slabs)
{
	struct bounce_mapping mapping[QUEUES];
	struct bench bench;

	begin(&bench);
	for (uint32_t i = 0; i < QUEUES; i++) {
		mapping[i] = map_ok(bench.queue[i], bench_buf(&bench, 0, 4096),
				    BOUNCE_TO_DEVICE);
		cr_expect_eq(slab_of(&bench, &mapping[i]), i * SLABS / QUEUES,
			     "queue %u", i);
	}
	for (uint32_t i = 0; i < QUEUES; i++)
		unmap_ok(bench.queue[i], &mapping[i], 0);
	bench_fini(&bench);
}

/* Plenty or not: a home is where a search begins, never where it ends. */
Test(home, of_one_queue_is_left_when_it_is_full)
{
	enum {
		ALL = SLABS * 2 * 64
	};
	static struct bounce_mapping mapping[ALL];
	struct bounce_buf buf;
	struct bounce_mapping none;
	struct bench bench;

	begin(&bench);
	buf = bench_buf(&bench, 0, 4096);
	for (uint32_t i = 0; i < ALL; i++)
		mapping[i] = map_ok(bench.queue[5], buf, BOUNCE_TO_DEVICE);
	cr_expect_eq(slab_of(&bench, &mapping[0]), 5 * SLABS / QUEUES);
	cr_expect_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE, &none),
		     BOUNCE_ERR_FULL);
	for (uint32_t i = 0; i < ALL; i++)
		unmap_ok(bench.queue[5], &mapping[i], 0);
	bench_fini(&bench);
}

/* Room is scarce when five eighths of the chunks are in use, and again not. */
Test(home, of_a_queue_is_packed_from_its_beginning_when_room_is_scarce)
{
	enum {
		MOST = SLABS * 2
	};
	struct bounce_mapping chunk[MOST];
	struct bounce_mapping mapping;
	struct bounce_pool_stats stats;
	struct bench bench;

	begin(&bench);
	/* All chunks, and those of queue 7's home back again. */
	for (uint32_t i = 0; i < MOST; i++)
		chunk[i] = map_ok(bench.queue[0],
				  bench_buf(&bench, 0, BOUNCE_CHUNK_BYTES),
				  BOUNCE_TO_DEVICE);
	bounce_pool_stats(bench.pool, &stats);
	cr_expect_eq(stats.chunks_in_use, MOST);
	cr_expect_eq(stats.chunks_high_water, MOST);
	cr_expect(atomic_load_explicit(&bench.pool->scarce,
				       memory_order_relaxed) != 0);
	for (uint32_t i = 0; i < MOST; i++)
		if (slab_of(&bench, &chunk[i]) >= SLABS - 2)
			unmap_ok(bench.queue[0], &chunk[i], 0);
	mapping = map_ok(bench.queue[7], bench_buf(&bench, 0, 4096),
			 BOUNCE_TO_DEVICE);
	cr_expect_eq(slab_of(&bench, &mapping), 7 * SLABS / QUEUES);
	unmap_ok(bench.queue[7], &mapping, 0);
	for (uint32_t i = 0; i < MOST; i++)
		if (slab_of(&bench, &chunk[i]) < SLABS - 2)
			unmap_ok(bench.queue[0], &chunk[i], 0);
	bench_fini(&bench);
}
