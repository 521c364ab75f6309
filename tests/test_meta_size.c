/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_meta_size.c - bounce_meta_size(): which configurations there are, and
 * what they cost.
 */
#include <criterion/criterion.h>

#include <bounce/bounce.h>
#include <cpu.h>

Test(meta_size, a_count_out_of_range_or_a_reserved_word_gives_0)
{
	const struct bounce_config bad[] = {
		{ .slabs = 0, .slab_chunks = 1 },
		{ .slabs = 1, .slab_chunks = 0 },
		{ .slabs = 4097, .slab_chunks = 1 },
		{ .slabs = 1, .slab_chunks = 65 },
		{ .slabs = 1, .slab_chunks = 1, .pools = 65 },
		{ .slabs = 1, .slab_chunks = 1, .spaces = 1025 },
		{ .slabs = 1, .slab_chunks = 1, .windows = 17 },
		{ .slabs = 1, .slab_chunks = 1, .devices = 4097 },
		{ .slabs = 1, .slab_chunks = 1, .queues = 16385 },
		{ .slabs = 1, .slab_chunks = 1, .blocks = 65537 },
		{ .slabs = 1, .slab_chunks = 1, .direct = 65537 },
		{ .slabs = 1, .slab_chunks = 1, .functions = 4097 },
		{ .slabs = 1, .slab_chunks = 1, .reserved = { 1 } },
		{ .slabs = 1, .slab_chunks = 1, .reserved = { [5] = 1 } },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(bounce_meta_size(&bad[i]), 0, "row %zu", i);
}

Test(meta_size, every_count_may_have_its_greatest_value)
{
	const struct bounce_config most = {
		.pools = 64,
		.spaces = 1024,
		.windows = 16,
		.devices = 4096,
		.queues = 16384,
		.slabs = 4096,
		.slab_chunks = 64,
		.functions = 4096,
		.blocks = 65536,
		.direct = 65536,
	};
	size_t size = bounce_meta_size(&most);

	/* 16 M slots have a record of 24 bytes each. */
	cr_expect_gt(size, (size_t)16777216 * 24);
}

Test(meta_size, zero_stands_for_the_default)
{
	const struct bounce_config zero = { .slabs = 3, .slab_chunks = 2 };
	const struct bounce_config named = {
		.pools = 1,
		.spaces = 1,
		.windows = 2,
		.devices = 1,
		.queues = 1,
		.slabs = 3,
		.slab_chunks = 2,
	};
	const struct bounce_config many = { .devices = 9,
					    .slabs = 3,
					    .slab_chunks = 2 };
	struct bounce_config queues = many;

	queues.queues = 9;
	cr_expect_eq(bounce_meta_size(&zero), bounce_meta_size(&named));
	cr_expect_eq(bounce_meta_size(&many), bounce_meta_size(&queues));
}

Test(meta_size, every_count_costs_memory)
{
	const struct bounce_config base = {
		.pools = 1,
		.spaces = 1,
		.windows = 2,
		.devices = 1,
		.queues = 1,
		.slabs = 1,
		.slab_chunks = 1,
		.blocks = 1,
		.direct = 1,
	};
	/* Far enough that rounding to a cache line cannot hide it. */
	struct bounce_config more[10];
	size_t size = bounce_meta_size(&base);

	for (size_t i = 0; i < 10; i++)
		more[i] = base;
	more[0].pools = 60;
	more[1].spaces = 60;
	more[2].windows = 16;
	more[3].devices = 60;
	more[4].queues = 60;
	more[5].slabs = 60;
	more[6].slab_chunks = 60;
	more[7].blocks = 60;
	more[8].direct = 6000;
	more[9].functions = 60;
	for (size_t i = 0; i < 10; i++)
		cr_expect_gt(bounce_meta_size(&more[i]), size, "count %zu", i);
}

Test(meta_size, metadata_is_at_most_1_1_percent_of_a_full_pool)
{
	const struct bounce_config config = {
		.slabs = 8, .slab_chunks = 64, .blocks = 256, .direct = 1024
	};
	/* Z's cache lines, of 256 bytes, make it a little more there. */
	size_t most = BOUNCE_CACHE_LINE <= 128 ? 110 : 113;
	size_t pool = (size_t)8 * BOUNCE_SLAB_BYTES;

	cr_expect_leq(bounce_meta_size(&config) * 10000, pool * most);
}
