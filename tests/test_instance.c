/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_instance.c - bounce_init() and bounce_fini(), held to every sentence of
 * env.h; bounce_pool_init() and _fini() to pool.h.
 *
 * The monitor here only counts its calls: what sharing does is tested with the
 * fake machine elsewhere.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "instance.h"

struct counts {
	enum bounce_protection protection;
	uint32_t detects;
	uint32_t moves;
};

static enum bounce_protection count_detect(void *ctx)
{
	struct counts *counts = ctx;

	counts->detects++;
	return counts->protection;
}

static enum bounce_step count_move(void *ctx, bounce_gpa_t gpa, uint32_t count,
				   uint32_t *done)
{
	struct counts *counts = ctx;

	(void)gpa;
	counts->moves++;
	*done = count;
	return BOUNCE_STEP_DONE;
}

static const struct bounce_arch counting = {
	.name = "test/counting",
	.granule_shift = BOUNCE_SLOT_SHIFT,
	.contents = BOUNCE_CONTENTS_KEPT,
	.batch = 64,
	.detect = count_detect,
	.share = count_move,
	.unshare = count_move,
};

/* All that bounce_init() is given, correct. */
struct call {
	struct counts counts;
	struct bounce_arch arch;
	struct bounce_monitor monitor;
	struct bounce_config config;
	struct bounce_env env;
	size_t bytes;
	unsigned char *memory;
	unsigned char *pages; /* a chunk, whose gpa is its pointer */
};

static void call_with(struct call *call, const struct bounce_config *config)
{
	memset(call, 0, sizeof(*call));
	call->counts.protection = BOUNCE_PROTECTION_YES;
	call->arch = counting;
	call->monitor.arch = &call->arch;
	call->monitor.ctx = &call->counts;
	call->config = *config;
	call->bytes = bounce_meta_size(config);
	call->memory = aligned_alloc(BOUNCE_META_ALIGN, call->bytes);
	call->pages = aligned_alloc(BOUNCE_CHUNK_BYTES, BOUNCE_CHUNK_BYTES);
	call->env.linear[0] = (struct bounce_linear) {
		.gpa = { (uintptr_t)call->pages },
		.ptr = call->pages,
		.len = BOUNCE_CHUNK_BYTES,
	};
	/* Its old contents do not matter. */
	memset(call->memory, 0xa5, call->bytes);
}

static void call_begin(struct call *call)
{
	const struct bounce_config config = {
		.pools = 2,
		.slabs = 2,
		.slab_chunks = 2,
		.blocks = 4,
		.direct = 8,
	};

	call_with(call, &config);
}

static void call_end(struct call *call)
{
	free(call->memory);
	free(call->pages);
}

static enum bounce_err init(struct call *call, struct bounce **bounce)
{
	return bounce_init(call->memory, call->bytes, &call->config, &call->env,
			   &call->monitor, bounce);
}

static struct bounce *init_ok(struct call *call)
{
	struct bounce *bounce = NULL;

	cr_assert_eq(init(call, &bounce), BOUNCE_OK);
	cr_assert_not_null(bounce);
	return bounce;
}

static struct bounce_pool *pool_ok(struct bounce *bounce, uint16_t slabs)
{
	const struct bounce_pool_info info = { .slabs = slabs };
	struct bounce_pool *pool = NULL;

	cr_assert_eq(bounce_pool_init(bounce, &info, &pool), BOUNCE_OK);
	return pool;
}

/* ---- bounce_init() ---- */

Test(init, every_bad_argument_is_refused_and_nothing_is_written)
{
	struct call call;
	struct bounce *none = NULL;
	struct bounce_config config;
	struct bounce_env env;

	call_begin(&call);
	config = call.config;
	env = call.env;
	cr_expect_eq(bounce_init(NULL, call.bytes, &config, &env, &call.monitor,
				 &none),
		     BOUNCE_ERR_ARG, "no memory");
	cr_expect_eq(bounce_init(call.memory + BOUNCE_META_ALIGN / 2,
				 call.bytes, &config, &env, &call.monitor,
				 &none),
		     BOUNCE_ERR_ARG, "misaligned memory");
	cr_expect_eq(bounce_init(call.memory, call.bytes, NULL, &env,
				 &call.monitor, &none),
		     BOUNCE_ERR_ARG, "no config");
	cr_expect_eq(bounce_init(call.memory, call.bytes, &config, NULL,
				 &call.monitor, &none),
		     BOUNCE_ERR_ARG, "no env");
	cr_expect_eq(bounce_init(call.memory, call.bytes, &config, &env, NULL,
				 &none),
		     BOUNCE_ERR_ARG, "no monitor");
	cr_expect_eq(bounce_init(call.memory, call.bytes, &config, &env,
				 &call.monitor, NULL),
		     BOUNCE_ERR_ARG, "nowhere to write");
	config.slabs = 0;
	cr_expect_eq(bounce_init(call.memory, call.bytes, &config, &env,
				 &call.monitor, &none),
		     BOUNCE_ERR_ARG, "a count out of range");
	cr_expect_null(none);
	for (size_t i = 0; i < call.bytes; i++)
		cr_assert_eq(call.memory[i], 0xa5, "byte %zu was written", i);
	cr_expect_eq(call.counts.detects, 0);
	call_end(&call);
}

Test(init, a_linear_range_that_wraps_is_refused)
{
	struct call call;
	struct bounce *none = NULL;

	call_begin(&call);
	call.env.linear[1] = (struct bounce_linear) {
		.gpa = { UINT64_MAX - 4095 },
		.ptr = call.pages,
		.len = 4097,
	};
	cr_expect_eq(init(&call, &none), BOUNCE_ERR_ARG, "gpa wraps");
	call.env.linear[1] = (struct bounce_linear) {
		.gpa = { 0 },
		.ptr = call.pages,
		.len = UINT64_MAX,
	};
	cr_expect_eq(init(&call, &none), BOUNCE_ERR_ARG, "pointer wraps");
	/* The last byte of the address space is a byte like any other. */
	call.env.linear[0] = (struct bounce_linear) {
		.gpa = { UINT64_MAX - 4095 },
		.ptr = call.pages,
		.len = 4096,
	};
	call.env.linear[1].len = 0;
	cr_expect_eq(init(&call, &none), BOUNCE_OK);
	call_end(&call);
}

Test(init, linear_ranges_that_overlap_are_refused)
{
	struct call call;
	struct bounce *none = NULL;

	call_begin(&call);
	call.env.linear[0].len = 8192;
	call.env.linear[1] = (struct bounce_linear) {
		.gpa = { call.env.linear[0].gpa.v + 4096 },
		.ptr = call.env.linear[0].ptr + 8192,
		.len = 8192,
	};
	cr_expect_eq(init(&call, &none), BOUNCE_ERR_ARG, "one gpa, two bytes");
	call.env.linear[1].gpa.v += 4096;
	call.env.linear[1].ptr -= 4096;
	cr_expect_eq(init(&call, &none), BOUNCE_ERR_ARG, "one byte, two gpas");
	call.env.linear[1].ptr += 4096;
	cr_expect_eq(init(&call, &none), BOUNCE_OK, "side by side");
	call_end(&call);
}

Test(init, an_entry_of_length_0_ends_the_linear_list)
{
	struct call call;
	struct bounce *bounce;

	call_begin(&call);
	call.env.linear[2] = call.env.linear[0];
	call.env.linear[2].gpa.v = 0x1000;
	bounce = init_ok(&call);
	cr_expect_null(
		bounce_linear_pointer(bounce, (bounce_gpa_t) { 0x1000 }, 1));
	cr_expect_eq(bounce_linear_pointer(bounce, call.env.linear[0].gpa, 1),
		     call.pages);
	call_end(&call);
}

Test(init, an_arch_that_lacks_a_hook_is_refused)
{
	struct call call;
	struct bounce *none = NULL;

	call_begin(&call);
	call.arch.detect = NULL;
	cr_expect_eq(init(&call, &none), BOUNCE_ERR_ARG, "detect");
	call.arch = counting;
	call.arch.share = NULL;
	cr_expect_eq(init(&call, &none), BOUNCE_ERR_ARG, "share");
	call.arch = counting;
	call.arch.unshare = NULL;
	cr_expect_eq(init(&call, &none), BOUNCE_ERR_ARG, "unshare");
	call.arch = counting;
	call.arch.batch = 0;
	cr_expect_eq(init(&call, &none), BOUNCE_ERR_ARG, "batch");
	call.monitor.arch = NULL;
	cr_expect_eq(init(&call, &none), BOUNCE_ERR_ARG, "no arch");
	cr_expect_null(none);
	call_end(&call);
}

Test(init, a_byte_less_than_meta_size_is_too_small)
{
	struct call call;
	struct bounce *none = NULL;

	call_begin(&call);
	call.bytes--;
	cr_expect_eq(init(&call, &none), BOUNCE_ERR_RANGE);
	call.bytes = 0;
	cr_expect_eq(init(&call, &none), BOUNCE_ERR_RANGE);
	cr_expect_null(none);
	cr_expect_eq(call.memory[0], 0xa5);
	call_end(&call);
}

/* The memory is exactly meta_size() bytes: the sanitizer is the oracle. */
Test(init, meta_size_is_enough_for_every_shape_of_instance)
{
	const struct bounce_config shape[] = {
		{ .slabs = 1, .slab_chunks = 1 },
		{ .slabs = 1, .slab_chunks = 64, .direct = 65 },
		{ .slabs = 7, .slab_chunks = 3, .blocks = 65, .spaces = 5 },
		{ .slabs = 2, .slab_chunks = 2, .queues = 33, .devices = 3 },
		{ .slabs = 65, .slab_chunks = 1, .pools = 64, .windows = 16 },
	};

	for (size_t i = 0; i < sizeof(shape) / sizeof(shape[0]); i++) {
		struct call call;
		struct bounce *bounce;

		call_with(&call, &shape[i]);
		bounce = init_ok(&call);
		cr_expect(bounce_valid(bounce), "shape %zu", i);
		cr_expect_eq(bounce_fini(bounce), BOUNCE_OK);
		call_end(&call);
	}
}

Test(init, no_memory_is_shared_yet_and_the_arch_is_asked_once)
{
	struct call call;

	call_begin(&call);
	(void)init_ok(&call);
	cr_expect_eq(call.counts.detects, 1);
	cr_expect_eq(call.counts.moves, 0);
	call_end(&call);
}

Test(init, what_was_given_is_copied)
{
	struct call call;
	struct bounce *bounce;
	struct bounce_pool *pool;
	bounce_gpa_t gpa;

	call_begin(&call);
	gpa = call.env.linear[0].gpa;
	bounce = init_ok(&call);
	memset(&call.config, 0xff, sizeof(call.config));
	memset(&call.env, 0xff, sizeof(call.env));
	memset(&call.monitor, 0xff, sizeof(call.monitor));
	pool = pool_ok(bounce, 1);
	cr_expect_eq(bounce_pool_grow(pool, gpa, BOUNCE_CHUNK_BYTES),
		     BOUNCE_OK);
	cr_expect(bounce_valid(bounce));
	call_end(&call);
}

struct table {
	const void *at;
	size_t bytes;
};

static bool apart(const struct table *a, const struct table *b)
{
	return a->bytes == 0 || b->bytes == 0 ||
	       !bounce_overlaps((uintptr_t)a->at, a->bytes, (uintptr_t)b->at,
				b->bytes);
}

Test(init, no_two_tables_share_a_byte)
{
	struct call call;
	struct bounce *b;
	size_t slots;

	call_begin(&call);
	b = init_ok(&call);
	slots = (size_t)2 * b->slots_per_slab;

	const struct table tables[] = {
		{ b, sizeof(*b) },
		{ b->pool, 2 * sizeof(*b->pool) },
		{ b->slab, 2 * sizeof(*b->slab) },
		{ b->space, sizeof(*b->space) },
		{ b->device, sizeof(*b->device) },
		{ b->queue, sizeof(*b->queue) },
		{ b->chunk, 4 * sizeof(*b->chunk) },
		{ b->record, b->records * sizeof(*b->record) },
		{ b->owner, slots * sizeof(*b->owner) },
		{ b->page, slots * sizeof(*b->page) },
		{ b->block, 4 * sizeof(*b->block) },
		{ b->block_busy, sizeof(*b->block_busy) },
		{ b->direct_busy, sizeof(*b->direct_busy) },
		{ b->window, 2 * sizeof(*b->window) },
		{ b->bus, (size_t)2 * 2 * sizeof(*b->bus) },
	};
	const size_t count = sizeof(tables) / sizeof(tables[0]);

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			cr_expect(apart(&tables[i], &tables[j]),
				  "tables %zu and %zu", i, j);
	cr_expect_eq(bounce_fini(b), BOUNCE_OK);
	call_end(&call);
}

/* ---- bounce_fini() ---- */

Test(fini, an_instance_with_a_pool_is_busy_and_unchanged)
{
	struct call call;
	struct bounce *bounce;
	struct bounce_pool *pool;
	unsigned char *before;

	call_begin(&call);
	bounce = init_ok(&call);
	pool = pool_ok(bounce, 1);
	before = malloc(call.bytes);
	memcpy(before, call.memory, call.bytes);
	cr_expect_eq(bounce_fini(bounce), BOUNCE_ERR_BUSY);
	cr_expect_arr_eq(before, call.memory, call.bytes);
	cr_expect_eq(bounce_pool_fini(pool), BOUNCE_OK);
	cr_expect_eq(bounce_fini(bounce), BOUNCE_OK);
	free(before);
	call_end(&call);
}

Test(fini, an_instance_with_a_device_is_busy)
{
	struct call call;
	struct bounce *bounce;
	struct bounce_space *space = NULL;
	struct bounce_device *device = NULL;
	const struct bounce_window identity = { .len = 0 };
	struct bounce_device_info info = {
		.features = BOUNCE_VIRTIO_F_VERSION_1 |
			    BOUNCE_VIRTIO_F_ACCESS_PLATFORM,
	};

	call_begin(&call);
	call.counts.protection = BOUNCE_PROTECTION_NO;
	bounce = init_ok(&call);
	cr_assert_eq(bounce_space_init(bounce, NULL, &space), BOUNCE_OK);
	cr_assert_eq(bounce_space_add_window(space, &identity), BOUNCE_OK);
	info.space = space;
	cr_assert_eq(bounce_device_attach(bounce, &info, &device, NULL),
		     BOUNCE_OK);
	cr_expect_eq(bounce_fini(bounce), BOUNCE_ERR_BUSY);
	cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	cr_expect_eq(bounce_space_fini(space), BOUNCE_OK);
	cr_expect_eq(bounce_fini(bounce), BOUNCE_OK);
	call_end(&call);
}

/* ---- bounce_valid() ---- */

Test(valid, damaged_metadata_is_seen)
{
	struct call call;
	struct bounce *bounce;
	struct bounce_pool *pool;

	call_begin(&call);
	bounce = init_ok(&call);
	pool = pool_ok(bounce, 1);
	cr_assert_eq(bounce_pool_grow(pool, call.env.linear[0].gpa,
				      BOUNCE_CHUNK_BYTES),
		     BOUNCE_OK);
	cr_assert(bounce_valid(bounce));
	/* A chunk that is not there, but free (P5). */
	atomic_fetch_or_explicit(&bounce->slab[0].free_chunks, 2,
				 memory_order_relaxed);
	cr_expect_not(bounce_valid(bounce));
	cr_expect_not(bounce_pool_valid(pool));
	atomic_fetch_and_explicit(&bounce->slab[0].free_chunks, ~UINT64_C(2),
				  memory_order_relaxed);
	/* A free chunk whose word is not sealed (P4). */
	atomic_store_explicit(&bounce->slab[0].chunk[0].bits, 1,
			      memory_order_relaxed);
	cr_expect_not(bounce_valid(bounce));
	call_end(&call);
}

/* ---- bounce_pool_init(), bounce_pool_fini(), bounce_pool_stats() ---- */

Test(pool_init, every_bad_argument_is_refused)
{
	struct call call;
	struct bounce *bounce;
	struct bounce_pool *none = NULL;
	const struct bounce_pool_info good = { .slabs = 1 };
	const struct bounce_pool_info bad[] = {
		{ .slabs = 0 },
		{ .slabs = 1, .flags = 1 },
		{ .slabs = 1, .reserved = 1 },
		{ .slabs = 1, .coherency = BOUNCE_NON_COHERENT },
	};

	call_begin(&call);
	bounce = init_ok(&call);
	cr_expect_eq(bounce_pool_init(NULL, &good, &none), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_pool_init(bounce, NULL, &none), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_pool_init(bounce, &good, NULL), BOUNCE_ERR_ARG);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(bounce_pool_init(bounce, &bad[i], &none),
			     BOUNCE_ERR_ARG, "row %zu", i);
	cr_expect_null(none);
	cr_expect_eq(bounce_fini(bounce), BOUNCE_OK, "nothing is held");
	call_end(&call);
}

Test(pool_init, pools_and_slabs_can_be_used_up)
{
	struct call call;
	struct bounce *bounce;
	struct bounce_pool *none = NULL;
	const struct bounce_pool_info one = { .slabs = 1 };
	const struct bounce_pool_info two = { .slabs = 2 };

	call_begin(&call);
	bounce = init_ok(&call);
	(void)pool_ok(bounce, 1);
	cr_expect_eq(bounce_pool_init(bounce, &two, &none), BOUNCE_ERR_FULL,
		     "2 of 1 slabs left");
	(void)pool_ok(bounce, 1);
	cr_expect_eq(bounce_pool_init(bounce, &one, &none), BOUNCE_ERR_FULL,
		     "no pool left");
	cr_expect_null(none);
	call_end(&call);
}

Test(pool_stats, an_empty_pool_and_a_grown_one_are_counted_exactly)
{
	struct call call;
	struct bounce *bounce;
	struct bounce_pool *pool;
	struct bounce_pool_stats stats;

	call_begin(&call);
	bounce = init_ok(&call);
	pool = pool_ok(bounce, 1);
	memset(&stats, 0xff, sizeof(stats));
	bounce_pool_stats(pool, &stats);
	cr_expect_eq(stats.slabs, 0);
	cr_expect_eq(stats.slots, 0);
	cr_expect_eq(stats.slots_free, 0);
	cr_expect_eq(stats.blocks_free, 4);
	cr_expect_eq(stats.share_calls, 0);
	cr_assert_eq(bounce_pool_grow(pool, call.env.linear[0].gpa,
				      BOUNCE_CHUNK_BYTES),
		     BOUNCE_OK);
	bounce_pool_stats(pool, &stats);
	cr_expect_eq(stats.slabs, 1);
	cr_expect_eq(stats.chunks, 1);
	cr_expect_eq(stats.chunks_in_use, 0);
	cr_expect_eq(stats.slots, 64);
	cr_expect_eq(stats.slots_free, 64);
	cr_expect_eq(stats.share_calls, call.counts.moves);
	cr_expect_eq(stats.share_retries, 0);
	cr_expect_eq(stats.lost_bytes, 0);
	call_end(&call);
}
