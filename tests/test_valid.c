/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_valid.c - bounce_*_valid(): every kind of damage is seen, by the object
 * it was done to and by the instance as a whole, and none is seen that is not
 * there. bounce_used_valid() is in test_used.c, windows in test_space.c.
 */
#include "trees.h"

static void bench_of(struct bench *bench)
{
	struct bench_knobs knobs = bench_usual();

	knobs.slabs = 2;
	knobs.devices = 2;
	knobs.queues = 2;
	bench_init(bench, &knobs);
	cr_assert(bounce_valid(bench->bounce));
}

/* Something of the instance is damaged: it knows. */
#define expect_seen(bench, ...) \
	cr_expect_not(bounce_valid((bench)->bounce), __VA_ARGS__)

Test(pool_valid, chunks_of_a_slab_that_is_not_grown_are_not_free)
{
	struct bench bench;

	bench_of(&bench);
	bench.bounce->slab[1].all_chunks = 1;
	bench.bounce->slab[1].free_chunks = 1;
	cr_expect_not(bounce_pool_valid(bench.pool));
	bench.bounce->slab[1].free_chunks = 0;
	bench.bounce->slab[1].all_chunks = 0;
	bench_fini(&bench);
}

Test(pool_valid, a_claimed_slot_has_a_record)
{
	struct bench bench;
	struct bounce_mapping mapping;
	_Atomic uint64_t *state;
	uint64_t old;

	bench_of(&bench);
	mapping = map_ok(bench.queue[0], bench_buf(&bench, 0, 8192),
			 BOUNCE_TO_DEVICE);
	state = &bench.bounce->record[mapping.record].state;
	old = *state;
	*state = old & ~RECORD_STATE_MASK; /* FREE */
	cr_expect_not(bounce_pool_valid(bench.pool));
	expect_seen(&bench, "the pool's damage is the instance's");
	*state = old;
	cr_expect(bounce_valid(bench.bounce));
	unmap_ok(bench.queue[0], &mapping, 0);
	bench_fini(&bench);
}

Test(valid, a_block_that_nobody_has_is_all_ones)
{
	struct bench bench;
	uint32_t last;

	bench_of(&bench);
	last = bench.bounce->config.blocks - 1;
	bench.bounce->block[last].word &= ~UINT64_C(1);
	expect_seen(&bench, "a granule of no slot is free");
	bench.bounce->block[last].word = UINT64_MAX;
	bench_fini(&bench);
}

Test(valid, a_spaces_damage_is_the_instances)
{
	struct bench bench;

	bench_of(&bench);
	bench.space->windows.window[0].bus.v++;
	expect_seen(&bench, "a misaligned window");
	bench.space->windows.window[0].bus.v--;
	bench_fini(&bench);
}

Test(device_valid, every_damage_is_seen)
{
	struct bench bench;
	struct bounce_device *device;
	struct bounce_device good;
	struct bounce_device bad[6];

	bench_of(&bench);
	device = bench.device[1];
	memcpy(&good, device, sizeof(good));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		memcpy(&bad[i], &good, sizeof(good));
	bad[0].limits.segment = 0;
	bad[1].queues = 0;
	bad[2].owner = 0;
	bad[3].first_queue = bench.bounce->config.queues - 1;
	bad[4].first_queue = bench.device[0]->first_queue;
	bad[5].queues++; /* a lane that nobody has */
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		memcpy(device, &bad[i], sizeof(good));
		cr_expect_not(bounce_device_valid(device), "row %zu", i);
		expect_seen(&bench, "row %zu", i);
	}
	memcpy(device, &good, sizeof(good));
	cr_expect(bounce_device_valid(device));
	bench_fini(&bench);
}

Test(queue_valid, a_lane_and_its_device_know_each_other)
{
	struct bench bench;
	struct bounce_queue *lane;
	struct bounce_queue copy;
	uint32_t index;

	bench_of(&bench);
	lane = bounce_device_queue(bench.device[0], 1);
	index = lane->index;
	cr_expect(bounce_queue_valid(lane));
	memcpy(&copy, lane, sizeof(copy));
	cr_expect_not(bounce_queue_valid(&copy), "a copy is no lane");
	lane->device = NULL;
	cr_expect_not(bounce_queue_valid(lane), "of no device");
	lane->device = bench.device[1];
	cr_expect_not(bounce_queue_valid(lane), "of another device");
	lane->device = bench.device[0];
	lane->index = bench.bounce->config.queues;
	cr_expect_not(bounce_queue_valid(lane), "out of range");
	lane->index = index - 1;
	cr_expect_not(bounce_queue_valid(lane), "its neighbour's number");
	cr_expect_not(bounce_device_valid(bench.device[0]));
	lane->index = index;
	bench_fini(&bench);
}

/* Even where it would not end, or its set would have no room (T1). */
Test(function_valid, a_bridge_that_may_not_be_there_is_seen)
{
	struct bounce_function *port[BOUNCE_TOPOLOGY_DEPTH];
	struct bounce_function *leaf = NULL;
	struct tree tree;

	tree_begin(&tree, FUNCTIONS);
	for (uint32_t i = 0; i < COUNT_OF(port); i++)
		port[i] = bridge(&tree, i == 0 ? NULL : port[i - 1], 0,
				 BOUNCE_FUNCTION_PORT, (i + 1) << 8 | 20);
	leaf = endpoint(&tree, port[COUNT_OF(port) - 1], 8);
	cr_expect(bounce_function_valid(leaf));
	port[0]->info.parent = leaf; /* round and round */
	cr_expect_not(bounce_function_valid(leaf));
	cr_expect_not(bounce_topology_valid(tree.bounce));
	cr_expect_not(bounce_valid(tree.bounce));
	port[0]->info.parent = NULL;
	tree_end(&tree);
}
