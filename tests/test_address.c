/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_address.c - the addresses that a device is given: masks, boundaries,
 * windows, and the longest mapping (map.h, "Result"; attacks B23 to B26).
 */
#include <criterion/criterion.h>
#include <string.h>

#include "instance.h"
#include "support.h"

#define FROM BOUNCE_FROM_DEVICE
#define TO BOUNCE_TO_DEVICE
#define BOTH BOUNCE_BIDIRECTIONAL

static struct bounce_mapping map_ok(struct bounce_queue *queue,
				    const struct bounce_buf *buf, uint32_t how)
{
	struct bounce_mapping handle;

	memset(&handle, 0xcc, sizeof(handle));
	cr_assert_eq(bounce_map(queue, buf, how, &handle), BOUNCE_OK,
		     "%lu bytes", buf->len);
	cr_assert_eq(handle.len, buf->len);
	cr_assert_eq(handle.reserved, 0);
	return handle;
}

static bool all_bytes(const unsigned char *at, uint64_t len, unsigned char byte)
{
	for (uint64_t i = 0; i < len; i++)
		if (at[i] != byte)
			return false;
	return true;
}

/* The bus address of the first byte of a mapping's run. */
static uint64_t run_start(const struct bench *bench,
			  const struct bounce_mapping *handle)
{
	struct record_about about = record_unpack(atomic_load_explicit(
		&bench->bounce->record[handle->record].about,
		memory_order_relaxed));

	return handle->bus.v - about.offset;
}

/* ---- addresses: map.h's Result ---- */

/* The predicates; @start is the bus address of the run's first byte. */
static void check_address(const struct bench *bench,
			  const struct bounce_buf *buf,
			  const struct bounce_mapping *handle)
{
	const struct bounce_device_info *info = &bench->knobs.info;
	uint64_t last = handle->bus.v + (buf->len - 1);
	uint64_t start = run_start(bench, handle);
	uint64_t base = bench_slab_gpa(bench, 0).v + bench->knobs.shift;

	cr_assert_geq(handle->bus.v, base);
	cr_assert_leq(last, base + bench->slab_bytes * bench->knobs.slabs - 1);
	if (info->dma_mask != 0)
		cr_assert_leq(last, info->dma_mask);
	if (info->boundary_mask != 0)
		cr_assert_eq(handle->bus.v & ~info->boundary_mask,
			     last & ~info->boundary_mask,
			     "%lu bytes at %#lx cross", buf->len,
			     handle->bus.v);
	cr_assert_eq((handle->bus.v ^ buf->gpa.v) & info->min_align_mask, 0,
		     "%#lx for %#lx", handle->bus.v, buf->gpa.v);
	cr_assert_eq(start & info->alloc_align_mask, 0, "run at %#lx", start);
	if (info->min_align_mask == 0 && info->alloc_align_mask == 0 &&
	    buf->len >= BOUNCE_SLOT_BYTES)
		cr_assert_eq(handle->bus.v % BOUNCE_SLOT_BYTES, 0);
}

/*
 * A device without masks holds an odd run of each size class, so that the next
 * free place is a bad one.
 */
struct neighbour {
	struct bounce_device *device;
	struct bounce_mapping held[3];
};

static const uint64_t odd_slots[] = { 1, 3, 11 };

static void neighbour_begin(struct bench *bench, struct neighbour *neighbour)
{
	const struct bounce_device_info info = {
		.space = bench->space,
		.features = bench->knobs.info.features,
	};

	cr_assert_eq(bounce_device_attach(bench->bounce, &info,
					  &neighbour->device, NULL),
		     BOUNCE_OK);
	for (int i = 0; i < 3; i++) {
		const struct bounce_buf buf =
			bench_buf(bench, 0, odd_slots[i] * BOUNCE_SLOT_BYTES);

		neighbour->held[i] = map_ok(
			bounce_device_queue(neighbour->device, 0), &buf, FROM);
	}
}

static void neighbour_end(struct neighbour *neighbour)
{
	for (int i = 0; i < 3; i++)
		cr_assert_eq(
			bounce_unmap(bounce_device_queue(neighbour->device, 0),
				     &neighbour->held[i], 0),
			BOUNCE_OK);
	cr_assert_eq(bounce_device_detach(neighbour->device), BOUNCE_OK);
}

/* Random buffers, several live at once so that places differ. */
static void addresses_of(const struct bench_knobs *knobs)
{
	enum {
		LIVE = 6
	};
	struct bench bench;
	struct neighbour neighbour;
	struct bounce_mapping handle[LIVE];
	uint64_t random = 3;
	uint64_t max;
	int ok = 0;

	bench_init(&bench, knobs);
	max = bounce_map_max(bench.device[0]);
	cr_assert_gt(max, 0);
	neighbour_begin(&bench, &neighbour);
	for (int i = 0; i < 300; i++) {
		uint64_t at = bench_below(&random, 70000);
		uint64_t len = 1 +
			       bench_below(&random, i % 3 == 0 ? 200 : 48000);
		struct bounce_buf buf;
		enum bounce_err err;

		buf = bench_buf(&bench, at, len < max ? len : max);
		if (i >= LIVE && handle[i % LIVE].len != 0)
			cr_assert_eq(bounce_unmap(bench.queue[0],
						  &handle[i % LIVE], 0),
				     BOUNCE_OK);
		handle[i % LIVE].len = 0;
		err = bounce_map(bench.queue[0], &buf, FROM, &handle[i % LIVE]);
		cr_assert(err == BOUNCE_OK || err == BOUNCE_ERR_FULL ||
				  err == BOUNCE_ERR_FRAGMENTED,
			  "%d", err);
		if (err != BOUNCE_OK)
			continue;
		ok++;
		check_address(&bench, &buf, &handle[i % LIVE]);
	}
	cr_assert_gt(ok, 150);
	for (int i = 0; i < LIVE; i++)
		if (handle[i].len != 0)
			cr_assert_eq(bounce_unmap(bench.queue[0], &handle[i],
						  0),
				     BOUNCE_OK);
	neighbour_end(&neighbour);
	bench_fini(&bench);
}

Test(address, obeys_every_alignment_and_boundary_mask)
{
	const uint64_t match[] = { 0, 0x3f, 0x1ff, 0xfff, 0x1fff, 0xffff };
	const uint64_t align[] = { 0, 0x7f, 0xfff, 0x3fff };
	const uint64_t boundary[] = { 0, 0xffff, 0xfffff };

	for (int i = 0; i < 6 * 4 * 3; i++) {
		struct bench_knobs knobs = bench_usual();

		knobs.info.min_align_mask = match[i % 6];
		knobs.info.alloc_align_mask = align[i / 6 % 4];
		knobs.info.boundary_mask = boundary[i / 24];
		/* Then not every buffer has a place. */
		if (knobs.info.boundary_mask == 0xffff &&
		    knobs.info.min_align_mask >= 0xffff)
			continue;
		addresses_of(&knobs);
	}
}

Test(address, obeys_the_masks_behind_a_window_with_an_offset)
{
	const uint64_t shift[] = {
		UINT64_C(1) << 40,
		UINT64_C(0) - (UINT64_C(1) << 29),
		0x1000,
		0x7000,
		UINT64_C(0) - 0x3000,
	};

	for (int i = 0; i < 5; i++) {
		struct bench_knobs knobs = bench_usual();

		knobs.shift = shift[i];
		knobs.info.min_align_mask = 0xfff;
		addresses_of(&knobs);
		knobs.info.min_align_mask = 0x3fff;
		knobs.info.alloc_align_mask = 0x1fff;
		addresses_of(&knobs);
		knobs.info.boundary_mask = 0x3ffff;
		addresses_of(&knobs);
	}
}

Test(address, obeys_a_mask_that_ends_inside_the_pool)
{
	enum {
		BELOW = 0x60000 / BOUNCE_SLOT_BYTES
	};
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle[BELOW];
	struct bounce_mapping more;
	struct bounce_buf buf;

	/* The first chunk and a half of the slab lie below 2^20. */
	knobs.shift = UINT64_C(0) - knobs.gpa + 0x100000 - 0x60000;
	knobs.info.dma_mask = 0xfffff;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, BOUNCE_SLOT_BYTES);
	for (int i = 0; i < BELOW; i++) {
		handle[i] = map_ok(bench.queue[0], &buf, FROM);
		check_address(&bench, &buf, &handle[i]);
	}
	cr_expect_neq(bounce_map(bench.queue[0], &buf, FROM, &more), BOUNCE_OK,
		      "what is left lies above");
	for (int i = 0; i < BELOW; i++)
		cr_assert_eq(bounce_unmap(bench.queue[0], &handle[i], 0),
			     BOUNCE_OK);
	bench_fini(&bench);
}

/* ---- several windows ---- */

struct two_windows {
	struct bench bench;
	struct bounce_space *space;
	struct bounce_device *device;
};

/* Slab 0 by one window, slab 1 by the other, both on the bus's own path. */
static void two_windows_begin(struct two_windows *two, uint64_t first,
			      uint64_t second)
{
	struct bench_knobs knobs = bench_usual();
	struct bounce_device_info info;
	struct bounce_window window = { .len = BOUNCE_CHUNK_BYTES };

	knobs.slabs = 2;
	knobs.grown = 2;
	knobs.chunks = 1;
	knobs.blocks = 0;
	knobs.devices = 0;
	knobs.more_spaces = 1;
	bench_init(&two->bench, &knobs);
	cr_assert_eq(bounce_space_init(two->bench.bounce, two->bench.pool,
				       &two->space),
		     BOUNCE_OK);
	window.gpa = bench_slab_gpa(&two->bench, 0);
	window.bus.v = first;
	cr_assert_eq(bounce_space_add_window(two->space, &window), BOUNCE_OK);
	window.gpa = bench_slab_gpa(&two->bench, 1);
	window.bus.v = second;
	cr_assert_eq(bounce_space_add_window(two->space, &window), BOUNCE_OK);
	info = knobs.info;
	info.space = two->space;
	cr_assert_eq(bounce_device_attach(two->bench.bounce, &info,
					  &two->device, NULL),
		     BOUNCE_OK);
}

Test(windows, each_slab_is_seen_through_the_window_that_holds_it)
{
	struct two_windows two;
	struct bounce_mapping handle[128];
	struct bounce_queue *queue;
	struct bounce_buf buf;
	const uint64_t first = UINT64_MAX - BOUNCE_CHUNK_BYTES + 1;
	const uint64_t second = 0x10000000;
	int in_first = 0;

	two_windows_begin(&two, first, second);
	queue = bounce_device_queue(two.device, 0);
	buf = bench_buf(&two.bench, 0, 4096);
	for (int i = 0; i < 128; i++) {
		uint64_t gpa;

		memset(bench_private(&two.bench, 0), i, 4096);
		handle[i] = map_ok(queue, &buf, TO);
		if (handle[i].bus.v >= first) {
			gpa = handle[i].bus.v - first +
			      bench_slab_gpa(&two.bench, 0).v;
			in_first++;
		} else {
			cr_assert_geq(handle[i].bus.v, second);
			cr_assert_leq(handle[i].bus.v,
				      second + BOUNCE_CHUNK_BYTES - 4096);
			gpa = handle[i].bus.v - second +
			      bench_slab_gpa(&two.bench, 1).v;
		}
		cr_assert(all_bytes(fake_machine_pointer(&two.bench.machine,
							 gpa, 4096),
				    4096, (unsigned char)i));
	}
	cr_expect_eq(in_first, 64, "up to the last slot of 2^64");
	for (int i = 0; i < 128; i++)
		cr_expect_eq(bounce_unmap(queue, &handle[i], 0), BOUNCE_OK);
	cr_expect_eq(bounce_device_detach(two.device), BOUNCE_OK);
	cr_expect_eq(bounce_space_fini(two.space), BOUNCE_OK);
	bench_fini(&two.bench);
}

/* Adjacent windows do not make one: a run never leaves its slab. */
Test(windows, no_mapping_lies_in_two_of_them)
{
	struct two_windows two;
	struct bounce_mapping none;
	struct bounce_buf buf;

	two_windows_begin(&two, 0x10000000, 0x10000000 + BOUNCE_CHUNK_BYTES);
	buf = bench_buf(&two.bench, 0, 200000);
	cr_expect_eq(bounce_map_max(two.device), BOUNCE_CHUNK_BYTES);
	none = map_ok(bounce_device_queue(two.device, 0), &buf, FROM);
	buf.len = BOUNCE_CHUNK_BYTES + 1;
	buf.gpa.v = 0;
	buf.ptr = bench_private(&two.bench, 0);
	cr_expect_eq(bounce_unmap(bounce_device_queue(two.device, 0), &none, 0),
		     BOUNCE_OK);
	cr_expect_eq(bounce_map(bounce_device_queue(two.device, 0), &buf, FROM,
				&none),
		     BOUNCE_ERR_RANGE);
	cr_expect_eq(bounce_device_detach(two.device), BOUNCE_OK);
	cr_expect_eq(bounce_space_fini(two.space), BOUNCE_OK);
	bench_fini(&two.bench);
}

/* One space, two paths: each device by its own, in the same pool. */
Test(windows, bypass_and_bus_path_live_in_one_space)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_device_info info;
	struct bounce_device *bypass;
	struct bounce_mapping by_bus;
	struct bounce_mapping by_bypass;
	struct bounce_buf buf;

	knobs.shift = UINT64_C(1) << 40;
	bench_init(&bench, &knobs);
	info = knobs.info;
	info.space = bench.space;
	info.features = BOUNCE_VIRTIO_F_VERSION_1;
	cr_assert_eq(bounce_device_attach(bench.bounce, &info, &bypass, NULL),
		     BOUNCE_OK);
	buf = bench_buf(&bench, 0, 4096);
	by_bus = map_ok(bench.queue[0], &buf, TO);
	by_bypass = map_ok(bounce_device_queue(bypass, 0), &buf, TO);
	cr_expect_eq(by_bus.bus.v >> 40, 1);
	cr_expect_eq(by_bypass.bus.v >> 40, 0);
	cr_expect(fake_machine_is_shared(&bench.machine, by_bypass.bus.v));
	cr_expect(fake_machine_is_shared(&bench.machine,
					 by_bus.bus.v - knobs.shift));
	cr_expect_neq(by_bus.bus.v - knobs.shift, by_bypass.bus.v);
	cr_expect_eq(bounce_unmap(bench.queue[0], &by_bypass, 0),
		     BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_unmap(bench.queue[0], &by_bus, 0), BOUNCE_OK);
	cr_expect_eq(bounce_unmap(bounce_device_queue(bypass, 0), &by_bypass,
				  0),
		     BOUNCE_OK);
	cr_expect_eq(bounce_device_detach(bypass), BOUNCE_OK);
	bench_fini(&bench);
}

Test(windows, a_slab_that_grows_later_is_seen_too)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle[128];
	struct bounce_mapping more;
	struct bounce_buf buf;

	knobs.slabs = 2;
	knobs.chunks = 1;
	knobs.blocks = 0;
	knobs.shift = 0x5000;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 4096);
	for (int i = 0; i < 64; i++)
		handle[i] = map_ok(bench.queue[0], &buf, TO);
	cr_expect_eq(bounce_map(bench.queue[0], &buf, TO, &more),
		     BOUNCE_ERR_FULL);
	cr_assert_eq(bench_grow(&bench, 1), BOUNCE_OK);
	for (int i = 64; i < 128; i++) {
		handle[i] = map_ok(bench.queue[0], &buf, TO);
		cr_assert(fake_machine_is_shared(
			&bench.machine, handle[i].bus.v - knobs.shift));
	}
	for (int i = 0; i < 128; i++)
		cr_expect_eq(bounce_unmap(bench.queue[0], &handle[i], 0),
			     BOUNCE_OK);
	bench_fini(&bench);
}

/* ---- bounce_map_max() ---- */

/*
 * Tight: the worst address takes so many bytes of an empty pool, and one byte
 * more fails for some address. Honoured: every address takes so many.
 */
static void max_of(const struct bench_knobs *knobs)
{
	struct bench bench;
	struct bounce_mapping handle;
	struct bounce_buf buf;
	uint64_t max;
	uint64_t bits = knobs->info.min_align_mask;
	const uint64_t places[] = { 0,	  1,	    63,	    64,
				    4095, 4096,	    0x5678, 0xffff,
				    bits, bits / 2, 0x3ffff };
	bool one_more_fails = false;

	bench_init(&bench, knobs);
	max = bounce_map_max(bench.device[0]);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		buf = (struct bounce_buf) {
			.gpa = { (UINT64_C(1) << 45) + places[i] },
			.ptr = bench_private(&bench, 0),
			.len = max,
		};
		handle = map_ok(bench.queue[0], &buf, FROM);
		cr_assert_eq(bounce_unmap(bench.queue[0], &handle, 0),
			     BOUNCE_OK);
		buf.len = max + 1;
		if (bounce_map(bench.queue[0], &buf, FROM, &handle) ==
		    BOUNCE_OK)
			cr_assert_eq(bounce_unmap(bench.queue[0], &handle, 0),
				     BOUNCE_OK);
		else
			one_more_fails = true;
	}
	cr_expect(one_more_fails, "M %#lx A %#lx B %#lx: %lu is not tight",
		  bits, knobs->info.alloc_align_mask, knobs->info.boundary_mask,
		  max);
	bench_fini(&bench);
}

Test(map_max, so_many_bytes_fit_an_empty_pool_whatever_the_address)
{
	const uint64_t match[] = { 0, 0x1ff, 0xfff, 0xffff };
	const uint64_t align[] = { 0, 0xfff, 0xffff };
	const uint64_t boundary[] = { 0, 0x1ffff, 0x7ffff };

	for (int i = 0; i < 36; i++) {
		struct bench_knobs knobs = bench_usual();

		/* No granules: they might be used up. */
		knobs.blocks = 0;
		knobs.private_bytes = 2 * 1024 * 1024;
		/* The slab's bus address a multiple of its size. */
		knobs.gpa = UINT64_C(1) << 32;
		knobs.info.min_align_mask = match[i % 4];
		knobs.info.alloc_align_mask = align[i / 4 % 3];
		knobs.info.boundary_mask = boundary[i / 12];
		max_of(&knobs);
	}
}

Test(map_max, is_the_segment_when_that_is_shorter)
{
	const uint64_t segments[] = { 1, 63, 4096, 65536, 65537 };

	for (int i = 0; i < 5; i++) {
		struct bench_knobs knobs = bench_usual();

		knobs.private_bytes = 2 * 1024 * 1024;
		knobs.info.segment_bytes = segments[i];
		max_of(&knobs);
	}
}

Test(map_max, is_a_slab_where_nothing_limits_it)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	knobs.chunks = 64;
	bench_init(&bench, &knobs);
	cr_expect_eq(bounce_map_max(bench.device[0]), BOUNCE_SLAB_BYTES);
	bench_fini(&bench);
}

Test(map_max, counts_only_what_the_mask_reaches)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct bounce_buf buf;
	uint64_t max;

	/* Two of four chunks lie below 2^20. */
	knobs.shift = UINT64_C(0) - knobs.gpa + 0x100000 -
		      2 * BOUNCE_CHUNK_BYTES;
	knobs.info.dma_mask = 0xfffff;
	knobs.private_bytes = 2 * 1024 * 1024;
	bench_init(&bench, &knobs);
	max = bounce_map_max(bench.device[0]);
	cr_assert_eq(max, 2 * BOUNCE_CHUNK_BYTES);
	buf = bench_buf(&bench, 0, max);
	handle = map_ok(bench.queue[0], &buf, FROM);
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 0), BOUNCE_OK);
	buf.len = max + 1;
	cr_expect_eq(bounce_map(bench.queue[0], &buf, FROM, &handle),
		     BOUNCE_ERR_RANGE);
	bench_fini(&bench);
}

/* Memory is open and nothing bounces: only the library's own bound is left. */
Test(map_max, of_a_direct_device_can_be_mapped)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct bounce_buf buf;
	uint64_t max;

	knobs.protection = BOUNCE_PROTECTION_NO;
	knobs.private_bytes = 17 * 1024 * 1024;
	bench_init(&bench, &knobs);
	max = bounce_map_max(bench.device[0]);
	cr_assert_gt(max, BOUNCE_CHUNK_BYTES);
	buf = bench_buf(&bench, 0,
			max < knobs.private_bytes ? max : knobs.private_bytes);
	handle = map_ok(bench.queue[0], &buf, FROM);
	cr_expect_eq(handle.bus.v, buf.gpa.v);
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 0), BOUNCE_OK);
	buf.len = max + 1;
	if (max < knobs.private_bytes)
		cr_expect_eq(bounce_map(bench.queue[0], &buf, FROM, &handle),
			     BOUNCE_ERR_RANGE, "above map_max");
	bench_fini(&bench);
}
