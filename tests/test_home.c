/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_home.c - where a queue's runs come from: each queue has its part of the
 * pool's slabs, or of those of its node, and leaves it only when there is
 * nothing left in it.
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

/* ---- nodes ---- */

/* Slab i is of node i % 2; queue i of node 1 when it is even, else 0. */
static void begin_on_nodes(struct bench *bench, uint16_t chunks)
{
	struct bench_knobs knobs = bench_usual();

	knobs.slabs = SLABS;
	knobs.grown = 0;
	knobs.chunks = chunks;
	knobs.blocks = 4;
	bench_init(bench, &knobs);
	for (uint32_t i = 0; i < SLABS; i++)
		cr_assert_eq(bounce_pool_grow_home(
				     bench->pool, bench_slab_gpa(bench, i),
				     bench->slab_bytes, (uint8_t)(i % 2)),
			     BOUNCE_OK);
	for (uint32_t i = 0; i < QUEUES; i++) {
		struct bounce_device_info info = knobs.info;

		info.space = bench->space;
		cr_assert_eq(bounce_device_attach(bench->bounce, &info,
						  &bench->device[i], NULL),
			     BOUNCE_OK);
		bench->queue[i] = bounce_device_queue(bench->device[i], 0);
		bounce_queue_set_home(bench->queue[i], (i + 1) % 2);
	}
}

static uint32_t node_of(const struct bench *bench,
			const struct bounce_mapping *mapping)
{
	return slab_of(bench, mapping) % 2;
}

Test(home_node, is_where_a_queue_claims_whatever_the_length)
{
	static const uint64_t lengths[] = { 64, 4096, 40000, 100000, 500000 };
	struct bench bench;

	begin_on_nodes(&bench, 16);
	for (uint32_t turn = 0; turn < 3; turn++)
		for (uint32_t i = 0; i < QUEUES; i++)
			for (size_t j = 0; j < COUNT_OF(lengths); j++) {
				struct bounce_buf buf = bench_buf(&bench, 0,
								  64);
				struct bounce_mapping mapping;

				buf.ptr = bench.machine.memory;
				buf.len = lengths[j];
				mapping = map_ok(bench.queue[i], buf,
						 BOUNCE_FROM_DEVICE);
				cr_expect_eq(node_of(&bench, &mapping),
					     (i + 1) % 2, "queue %u, %lu bytes",
					     i, lengths[j]);
				unmap_ok(bench.queue[i], &mapping, 0);
			}
	bench_fini(&bench);
}

Test(home_node, has_a_part_for_each_of_its_queues)
{
	struct bounce_mapping first;
	struct bounce_mapping last;
	struct bench bench;

	/* Queues 1 and 7 are of node 0: slabs 0 and 2. */
	begin_on_nodes(&bench, 2);
	first = map_ok(bench.queue[1], bench_buf(&bench, 0, 4096),
		       BOUNCE_TO_DEVICE);
	last = map_ok(bench.queue[7], bench_buf(&bench, 0, 4096),
		      BOUNCE_TO_DEVICE);
	cr_expect_eq(slab_of(&bench, &first), 0);
	cr_expect_eq(slab_of(&bench, &last), 2);
	unmap_ok(bench.queue[1], &first, 0);
	unmap_ok(bench.queue[7], &last, 0);
	bench_fini(&bench);
}

/* Fill the near half, and @more of the far one; and give all of it back. */
static void overflow(struct bench *bench, uint32_t more)
{
	enum {
		MOST = SLABS * 8 * 64
	};
	static struct bounce_mapping mapping[MOST];
	uint32_t half = SLABS / 2 * bench->knobs.chunks * 64u;

	for (uint32_t i = 0; i < half + more; i++) {
		mapping[i] = map_ok(bench->queue[0], bench_buf(bench, 0, 4096),
				    BOUNCE_TO_DEVICE);
		cr_assert_eq(node_of(bench, &mapping[i]), i < half ? 1 : 0,
			     "mapping %u", i);
	}
	for (uint32_t i = 0; i < half + more; i++)
		unmap_ok(bench->queue[0], &mapping[i], 0);
}

Test(home_node, is_left_when_it_is_full_and_the_far_half_is_used_up_too)
{
	struct bench bench;

	begin_on_nodes(&bench, 2);
	overflow(&bench, SLABS / 2 * 2 * 64);
	bench_fini(&bench);
}

/* What came from afar is no hint, while there is plenty or not. */
Test(home_node, is_come_back_to)
{
	static const uint16_t chunks[] = { 2, 8 };

	for (size_t i = 0; i < COUNT_OF(chunks); i++) {
		struct bounce_mapping mapping;
		struct bench bench;

		begin_on_nodes(&bench, chunks[i]);
		overflow(&bench, 8);
		mapping = map_ok(bench.queue[0], bench_buf(&bench, 0, 4096),
				 BOUNCE_TO_DEVICE);
		cr_expect_eq(node_of(&bench, &mapping), 1, "%u", chunks[i]);
		unmap_ok(bench.queue[0], &mapping, 0);
		bench_fini(&bench);
	}
}

Test(home_node, without_a_slab_is_served_by_the_others)
{
	struct bounce_mapping mapping;
	struct bench bench;

	begin_on_nodes(&bench, 2);
	bounce_queue_set_home(bench.queue[0], 9);
	mapping = map_ok(bench.queue[0], bench_buf(&bench, 0, 4096),
			 BOUNCE_TO_DEVICE);
	cr_expect_eq(slab_of(&bench, &mapping), 0);
	unmap_ok(bench.queue[0], &mapping, 0);
	bench_fini(&bench);
}
