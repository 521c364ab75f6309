/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_ways.c - all ways of a claim at once: queues of two nodes and of none,
 * devices that reach half of the slabs, every size, and a pool that is filled
 * and drained again and again.
 */
#include "calls.h"

#define SLABS 6u
#define REACHED 3u /* slabs, of devices 4 .. 7 */
#define QUEUES 8u
#define HELD 400u
#define STEPS 60000u

struct ways {
	struct bench bench;
	struct bounce_space *part;
	struct bounce_device *device[QUEUES];
	struct bounce_queue *queue[QUEUES];
	struct bounce_mapping held[HELD]; /* len 0: none */
	uint32_t holder[HELD];
	uint64_t random;
	uint64_t claimed;
	uint64_t refused;
};

/* Nodes of slabs: 0, 1, none, 0, 1, none. Of queues: the same. */
static void grow_at_home(struct ways *ways, uint32_t slab)
{
	struct bench *bench = &ways->bench;

	if (slab % 3 == 2)
		cr_assert_eq(bench_grow(bench, slab), BOUNCE_OK);
	else
		cr_assert_eq(bounce_pool_grow_home(
				     bench->pool, bench_slab_gpa(bench, slab),
				     bench->slab_bytes, (uint8_t)(slab % 3)),
			     BOUNCE_OK);
}

static void add_part(struct ways *ways)
{
	struct bench *bench = &ways->bench;
	const struct bounce_window window = {
		.bus = { bench_slab_gpa(bench, 0).v },
		.gpa = bench_slab_gpa(bench, 0),
		.len = REACHED * bench->slab_bytes,
	};

	cr_assert_eq(bounce_space_init(bench->bounce, bench->pool, &ways->part),
		     BOUNCE_OK);
	cr_assert_eq(bounce_space_add_window(ways->part, &window), BOUNCE_OK);
}

static void begin(struct ways *ways)
{
	struct bench *bench = &ways->bench;
	struct bench_knobs knobs = bench_usual();

	*ways = (struct ways) { .random = 1 };
	knobs.slabs = SLABS;
	knobs.grown = 0;
	knobs.chunks = 4;
	knobs.private_bytes = 1 << 20;
	knobs.more_spaces = 1;
	knobs.more_devices = QUEUES;
	knobs.devices = 0;
	bench_init(bench, &knobs);
	for (uint32_t i = 0; i < SLABS; i++)
		grow_at_home(ways, i);
	add_part(ways);
	for (uint32_t i = 0; i < QUEUES; i++) {
		struct bounce_device_info info = knobs.info;

		info.space = i < QUEUES / 2 ? bench->space : ways->part;
		cr_assert_eq(bounce_device_attach(bench->bounce, &info,
						  &ways->device[i], NULL),
			     BOUNCE_OK);
		ways->queue[i] = bounce_device_queue(ways->device[i], 0);
		if (i % 3 != 2)
			bounce_queue_set_home(ways->queue[i], (uint8_t)(i % 3));
	}
}

static void end(struct ways *ways)
{
	for (uint32_t i = 0; i < QUEUES; i++)
		cr_assert_eq(bounce_device_detach(ways->device[i]), BOUNCE_OK);
	cr_assert_eq(bounce_space_fini(ways->part), BOUNCE_OK);
	bench_fini(&ways->bench);
}

/* It is reached, and no byte of it is another's. */
static void judge(const struct ways *ways, uint32_t at)
{
	const struct bounce_mapping *m = &ways->held[at];
	uint64_t base = bench_slab_gpa(&ways->bench, 0).v;
	uint32_t slabs = ways->holder[at] < QUEUES / 2 ? SLABS : REACHED;

	cr_assert(m->bus.v - base <= slabs * ways->bench.slab_bytes - m->len);
	for (uint32_t i = 0; i < HELD; i++) {
		const struct bounce_mapping *other = &ways->held[i];

		if (i == at || other->len == 0)
			continue;
		cr_assert(m->bus.v + m->len <= other->bus.v ||
			  other->bus.v + other->len <= m->bus.v);
	}
}

static void drop(struct ways *ways, uint32_t at)
{
	if (ways->held[at].len == 0)
		return;
	unmap_ok(ways->queue[ways->holder[at]], &ways->held[at], 0);
	ways->held[at].len = 0;
}

static void take(struct ways *ways, uint32_t at)
{
	static const uint64_t most[] = { 64,	640,	4096,  12000,
					 40000, 140000, 400000 };
	uint64_t len = 1 + bench_below(&ways->random,
				       most[bench_below(&ways->random, 7)]);
	struct bounce_buf buf = bench_buf(&ways->bench, 0, len);
	enum bounce_err err;

	ways->holder[at] = (uint32_t)bench_below(&ways->random, QUEUES);
	err = bounce_map(ways->queue[ways->holder[at]], &buf, BOUNCE_TO_DEVICE,
			 &ways->held[at]);
	if (err == BOUNCE_OK) {
		ways->claimed++;
		judge(ways, at);
		return;
	}
	cr_assert(err == BOUNCE_ERR_FULL || err == BOUNCE_ERR_FRAGMENTED);
	ways->held[at].len = 0;
	ways->refused++;
}

Test(ways, lead_to_a_run_of_ones_own_or_to_an_error)
{
	static struct ways ways;

	begin(&ways);
	for (uint32_t i = 0; i < STEPS; i++) {
		/* Up and down: of 8 steps, 1 to 7 take. */
		uint32_t bias = 1 + i / 1000 % 7;
		uint32_t at = (uint32_t)bench_below(&ways.random, HELD);

		if (bench_below(&ways.random, 8) >= bias)
			drop(&ways, at);
		else if (ways.held[at].len == 0)
			take(&ways, at);
	}
	cr_expect(ways.claimed > STEPS / 10 && ways.refused > STEPS / 100,
		  "%llu claimed, %llu refused",
		  (unsigned long long)ways.claimed,
		  (unsigned long long)ways.refused);
	for (uint32_t i = 0; i < HELD; i++)
		drop(&ways, i);
	end(&ways);
}

/* Another queue's chunks have room, more of them than are looked at. */
Test(ways, stop_looking_for_a_chunk_of_ones_own_among_many)
{
	enum {
		OTHERS = 10,
		ALL = OTHERS * 64
	};
	static struct bounce_mapping other[ALL];
	struct bounce_mapping mine;
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	knobs.chunks = 40;
	knobs.devices = 2;
	bench_init(&bench, &knobs);
	for (uint32_t i = 0; i < ALL; i++)
		other[i] = map_ok(bench.queue[0], bench_buf(&bench, 0, 4096),
				  BOUNCE_TO_DEVICE);
	/* One slot of each chunk is free again. */
	for (uint32_t i = 0; i < ALL; i += 64)
		unmap_ok(bench.queue[0], &other[i], 0);
	mine = map_ok(bench.queue[1], bench_buf(&bench, 0, 4096),
		      BOUNCE_TO_DEVICE);
	for (uint32_t i = 1; i < ALL; i++)
		cr_assert(mine.bus.v / BOUNCE_CHUNK_BYTES !=
			  other[i].bus.v / BOUNCE_CHUNK_BYTES);
	unmap_ok(bench.queue[1], &mine, 0);
	for (uint32_t i = 0; i < ALL; i++)
		if (i % 64 != 0)
			unmap_ok(bench.queue[0], &other[i], 0);
	bench_fini(&bench);
}

/* Its device was attached when there was one: the verdict has changed. */
Test(ways, end_out_of_reach_where_no_slab_is_left)
{
	struct bounce_mapping none;
	struct bounce_buf buf;
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 4096);
	cr_assert_eq(bench_retire(&bench, 0), BOUNCE_OK);
	cr_expect_eq(bounce_map_max(bench.device[0]), 0);
	cr_expect_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE, &none),
		     BOUNCE_ERR_UNREACHABLE);
	cr_assert_eq(bench_grow(&bench, 0), BOUNCE_OK);
	none = map_ok(bench.queue[0], buf, BOUNCE_TO_DEVICE);
	unmap_ok(bench.queue[0], &none, 0);
	bench_fini(&bench);
}
