/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_pressure.c - bounce_pool_pressure() and env.pressure: said once at each
 * crossing of a watermark.
 */
#include <stddef.h>

#include "calls.h"

#define CHUNKS 8u

/* A bench, and a pool of its memory with watermarks. */
struct gauge {
	struct bench bench;
	struct bench_side side;
	struct bounce_mapping mapping[CHUNKS];
	uint32_t mapped; /* each takes a chunk */
	/* What env.pressure was told. */
	uint32_t calls;
	bool on;
	bool grow; /* and it grows slab 1 */
};

/* The hook's ctx is that of all hooks of the bench: its machine. */
static void pressure(void *ctx, struct bounce_pool *pool, bool on)
{
	struct gauge *gauge =
		(struct gauge *)(void *)((char *)ctx -
					 offsetof(struct gauge, bench.machine));

	cr_assert_eq(pool, gauge->side.pool);
	gauge->calls++;
	gauge->on = on;
	if (on && gauge->grow)
		cr_assert_eq(bounce_pool_grow(pool,
					      bench_slab_gpa(&gauge->bench, 1),
					      gauge->bench.slab_bytes),
			     BOUNCE_OK);
}

static void begin(struct gauge *gauge, uint16_t chunks, uint8_t high,
		  uint8_t low)
{
	const struct bounce_pool_info info = {
		.slabs = 2,
		.high = high,
		.low = low,
	};
	struct bench_knobs knobs = bench_usual();

	memset(gauge, 0, sizeof(*gauge));
	knobs.slabs = 2;
	knobs.chunks = chunks;
	knobs.grown = 0;
	knobs.more_pools = 1;
	knobs.more_slabs = 2;
	knobs.more_spaces = 1;
	knobs.private_bytes = 512 * 1024;
	bench_init(&gauge->bench, &knobs);
	gauge->bench.bounce->env.pressure = pressure;
	bench_side_init(&gauge->bench, &info, bench_slab_gpa(&gauge->bench, 0),
			&gauge->side);
}

/* Let @chunks chunks be in use, and no more. */
static void use(struct gauge *gauge, uint32_t chunks)
{
	struct bounce_buf buf = bench_buf(&gauge->bench, 0, BOUNCE_CHUNK_BYTES);

	while (gauge->mapped < chunks)
		gauge->mapping[gauge->mapped++] = map_ok(gauge->side.queue, buf,
							 BOUNCE_FROM_DEVICE);
	while (gauge->mapped > chunks)
		unmap_ok(gauge->side.queue, &gauge->mapping[--gauge->mapped],
			 0);
}

static void end(struct gauge *gauge)
{
	use(gauge, 0);
	bench_side_fini(&gauge->side);
	bench_fini(&gauge->bench);
}

/* With so much in use it says @on, after so many calls of the hook. */
static void expect(struct gauge *gauge, uint32_t chunks, bool on,
		   uint32_t calls)
{
	use(gauge, chunks);
	for (int again = 0; again < 2; again++) {
		cr_assert_eq(bounce_pool_pressure(gauge->side.pool), on,
			     "%u chunks", chunks);
		cr_assert_eq(gauge->calls, calls, "%u chunks", chunks);
		if (calls != 0)
			cr_assert_eq(gauge->on, on);
	}
}

Test(pressure, is_said_exactly_when_a_watermark_is_crossed)
{
	struct gauge gauge;

	begin(&gauge, 8, 75, 25); /* 6 chunks, 2 chunks */
	for (uint32_t round = 0; round < 3; round++) {
		uint32_t calls = round * 2;

		expect(&gauge, 0, false, calls);
		expect(&gauge, 5, false, calls);
		expect(&gauge, 6, true, calls + 1);
		expect(&gauge, 8, true, calls + 1);
		expect(&gauge, 3, true, calls + 1);
		expect(&gauge, 7, true, calls + 1);
		expect(&gauge, 3, true, calls + 1);
		expect(&gauge, 2, false, calls + 2);
		expect(&gauge, 5, false, calls + 2);
		expect(&gauge, 1, false, calls + 2);
	}
	end(&gauge);
}

Test(pressure, percents_between_two_chunks_are_not_rounded)
{
	/* One of 3 chunks is 33.3 percent: above 33, and not yet 34. */
	struct gauge gauge;

	begin(&gauge, 3, 67, 33);
	expect(&gauge, 2, false, 0);
	expect(&gauge, 3, true, 1);
	expect(&gauge, 1, true, 1);
	expect(&gauge, 0, false, 2);
	end(&gauge);
	begin(&gauge, 3, 66, 34);
	expect(&gauge, 2, true, 1);
	expect(&gauge, 1, false, 2);
	end(&gauge);
	begin(&gauge, 8, 100, 0);
	expect(&gauge, 7, false, 0);
	expect(&gauge, 8, true, 1);
	expect(&gauge, 1, true, 1);
	expect(&gauge, 0, false, 2);
	end(&gauge);
}

Test(pressure, chunks_are_free_again_when_their_small_mappings_have_ended)
{
	struct bounce_mapping mapping[256];
	struct gauge gauge;

	begin(&gauge, 4, 75, 0);
	for (uint32_t small = 0; small <= 16; small += 8) {
		struct bounce_pool_stats stats;
		uint32_t calls = gauge.calls;

		/* Some of the slots are split. */
		for (uint32_t i = 0; i < 256; i++)
			mapping[i] =
				map_ok(gauge.side.queue,
				       bench_buf(&gauge.bench, 0,
						 i < small * 2 ? 2048 : 4096),
				       BOUNCE_FROM_DEVICE);
		expect(&gauge, 0, true, calls + 1);
		for (uint32_t i = 0; i < 256; i++)
			unmap_ok(gauge.side.queue, &mapping[i], 0);
		expect(&gauge, 0, false, calls + 2);
		bounce_pool_stats(gauge.side.pool, &stats);
		cr_expect_eq(stats.chunks_in_use, 0, "all are wholly free");
		cr_expect_eq(stats.chunks_high_water, 4);
	}
	end(&gauge);
}

Test(pressure, the_hook_may_grow_the_pool)
{
	struct gauge gauge;

	begin(&gauge, 4, 75, 50);
	gauge.grow = true;
	use(&gauge, 3);
	cr_expect(bounce_pool_pressure(gauge.side.pool));
	cr_expect_eq(gauge.calls, 1);
	cr_expect(gauge.on);
	/* Now it is 3 of 8. */
	expect(&gauge, 3, false, 2);
	end(&gauge);
}

Test(pressure, without_watermarks_there_is_none)
{
	struct gauge gauge;

	begin(&gauge, 4, 0, 0);
	expect(&gauge, 4, false, 0);
	expect(&gauge, 0, false, 0);
	end(&gauge);
}

Test(pressure, without_a_hook_it_is_still_told)
{
	struct gauge gauge;

	begin(&gauge, 4, 75, 25);
	gauge.bench.bounce->env.pressure = NULL;
	expect(&gauge, 3, true, 0);
	expect(&gauge, 2, true, 0);
	expect(&gauge, 1, false, 0);
	end(&gauge);
}

Test(pressure, the_io_path_never_calls_the_hook)
{
	struct gauge gauge;

	begin(&gauge, 4, 1, 0);
	for (int i = 0; i < 10; i++) {
		use(&gauge, 4);
		use(&gauge, 0);
	}
	cr_expect_eq(gauge.calls, 0);
	end(&gauge);
}

Test(pressure, watermarks_that_make_no_sense_are_refused)
{
	struct gauge gauge;
	struct bounce_pool *pool;

	begin(&gauge, 4, 75, 25);
	for (uint32_t high = 0; high < 256; high += 5)
		for (uint32_t low = 0; low < 256; low += 5) {
			const struct bounce_pool_info info = {
				.slabs = 1000, /* FULL, when all is well */
				.high = (uint8_t)high,
				.low = (uint8_t)low,
			};

			cr_expect_eq(bounce_pool_init(gauge.bench.bounce, &info,
						      &pool),
				     high > 100 || low > high ?
					     BOUNCE_ERR_ARG :
					     BOUNCE_ERR_FULL);
		}
	end(&gauge);
}
