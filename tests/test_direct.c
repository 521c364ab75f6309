/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_direct.c - DIRECT verdicts where memory is open: nothing is copied, the
 * bus address is the window's, and what cannot be had so bounces.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "instance.h"
#include "support.h"

#define PLATFORM (BOUNCE_VIRTIO_F_VERSION_1 | BOUNCE_VIRTIO_F_ACCESS_PLATFORM)

static struct bench_knobs knobs_without_devices(void)
{
	struct bench_knobs knobs = bench_usual();

	knobs.devices = 0;
	knobs.shift = UINT64_C(1) << 40;
	return knobs;
}

static struct bounce_device_info good_info(const struct bench *bench)
{
	return (struct bounce_device_info) {
		.space = bench->space,
		.features = PLATFORM,
	};
}

static struct bounce_device *attach_ok(struct bench *bench,
				       const struct bounce_device_info *info)
{
	struct bounce_device *device = NULL;

	cr_assert_eq(bounce_device_attach(bench->bounce, info, &device, NULL),
		     BOUNCE_OK);
	cr_assert(bounce_device_valid(device));
	return device;
}

/* ---- DIRECT, where memory is open ---- */

static struct bench_knobs open_knobs(void)
{
	struct bench_knobs knobs = knobs_without_devices();

	knobs.protection = BOUNCE_PROTECTION_NO;
	return knobs;
}

Test(direct, nothing_is_copied_and_the_bus_address_is_the_windows)
{
	const uint32_t hows[] = {
		BOUNCE_TO_DEVICE,
		BOUNCE_FROM_DEVICE,
		BOUNCE_BIDIRECTIONAL,
		BOUNCE_FROM_DEVICE | BOUNCE_ZERO,
		BOUNCE_FROM_DEVICE | BOUNCE_PRESERVE,
	};
	const uint64_t lens[] = { 1, 100, 4096, 10000, 100000 };
	struct bench bench;
	struct bench_knobs knobs = open_knobs();
	struct bounce_device_info info;
	struct bounce_device *device;
	struct bounce_queue *queue;
	struct bounce_device_stats stats;
	unsigned char *arena;

	bench_init(&bench, &knobs);
	info = good_info(&bench);
	device = attach_ok(&bench, &info);
	queue = bounce_device_queue(device, 0);
	arena = malloc(bench.machine.bytes);
	memcpy(arena, bench.machine.memory, bench.machine.bytes);
	for (int i = 0; i < 25; i++) {
		const struct bounce_buf buf = bench_buf(&bench, 77,
							lens[i % 5]);
		uint32_t how = hows[i / 5];
		struct bounce_mapping handle;

		cr_assert_eq(bounce_map(queue, &buf, how, &handle), BOUNCE_OK);
		cr_expect_eq(handle.bus.v, buf.gpa.v + knobs.shift);
		cr_expect_eq(handle.len, buf.len);
		cr_expect_eq(bounce_unmap(queue, &handle,
					  how == BOUNCE_TO_DEVICE ? 0 :
								    buf.len),
			     BOUNCE_OK);
	}
	cr_expect_arr_eq(arena, bench.machine.memory, bench.machine.bytes);
	bounce_device_stats(device, &stats);
	cr_expect_eq(stats.maps, 25);
	cr_expect_eq(stats.unmaps, 25);
	cr_expect_eq(stats.bytes_to, 0);
	cr_expect_eq(stats.bytes_from, 0);
	free(arena);
	cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	bench_fini(&bench);
}

Test(direct, a_reported_length_is_checked_there_too)
{
	struct bench bench;
	struct bench_knobs knobs = open_knobs();
	struct bounce_device_info info;
	struct bounce_device *device;
	struct bounce_queue *queue;
	struct bounce_mapping handle;
	struct bounce_buf buf;

	bench_init(&bench, &knobs);
	info = good_info(&bench);
	device = attach_ok(&bench, &info);
	queue = bounce_device_queue(device, 0);
	buf = bench_buf(&bench, 0, 4096);
	cr_assert_eq(bounce_map(queue, &buf, BOUNCE_FROM_DEVICE, &handle),
		     BOUNCE_OK);
	cr_expect_eq(bounce_unmap(queue, &handle, 4097), BOUNCE_ERR_LENGTH);
	cr_expect_eq(bounce_unmap(queue, &handle, 0), BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	bench_fini(&bench);
}

/* A buffer that the window, the mask or the boundary does not allow. */
Test(direct, what_is_out_of_reach_bounces)
{
	struct bench bench;
	struct bench_knobs knobs = open_knobs();
	struct bounce_device_info info;
	struct bounce_device *device;
	struct bounce_queue *queue;
	struct bounce_mapping handle;
	struct bounce_buf buf;
	unsigned char elsewhere[200];

	knobs.shift = 0;
	knobs.bypass = false;
	bench_init(&bench, &knobs);
	info = good_info(&bench);
	/* The pool lies below the mask, the private bytes above it. */
	cr_assert_eq(bench.knobs.gpa, UINT64_C(1) << 30);
	info.boundary_mask = 0xfff;
	device = attach_ok(&bench, &info);
	queue = bounce_device_queue(device, 0);

	buf = bench_buf(&bench, 4000, 96);
	cr_assert_eq(bounce_map(queue, &buf, BOUNCE_TO_DEVICE, &handle),
		     BOUNCE_OK);
	cr_expect_eq(handle.bus.v, buf.gpa.v, "just inside the boundary");
	cr_expect_eq(bounce_unmap(queue, &handle, 0), BOUNCE_OK);

	buf = bench_buf(&bench, 4000, 97);
	cr_assert_eq(bounce_map(queue, &buf, BOUNCE_TO_DEVICE, &handle),
		     BOUNCE_OK);
	cr_expect_neq(handle.bus.v, buf.gpa.v, "across the boundary");
	cr_expect_eq(handle.bus.v / 4096, (handle.bus.v + 96) / 4096);
	cr_expect_eq(bounce_unmap(queue, &handle, 0), BOUNCE_OK);

	memset(elsewhere, 0x44, sizeof(elsewhere));
	buf = (struct bounce_buf) { .gpa = { 0x10000 },
				    .ptr = elsewhere,
				    .len = 200 };
	cr_assert_eq(bounce_map(queue, &buf, BOUNCE_TO_DEVICE, &handle),
		     BOUNCE_OK);
	cr_expect_neq(handle.bus.v, buf.gpa.v, "outside the window");
	cr_expect_arr_eq(bench_at_bus(&bench, handle.bus, 200), elsewhere, 200);
	cr_expect_eq(bounce_unmap(queue, &handle, 0), BOUNCE_OK);
	cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	bench_fini(&bench);
}

Test(direct, a_mask_that_ends_below_the_buffer_makes_it_bounce)
{
	struct bench bench;
	struct bench_knobs knobs = open_knobs();
	struct bounce_device_info info;
	struct bounce_device *device;
	struct bounce_queue *queue;
	struct bounce_mapping handle;
	struct bounce_buf buf;

	/* The slab ends at 2^30, where the private bytes begin. */
	knobs.shift = 0;
	knobs.gpa = (UINT64_C(1) << 30) - 4 * BOUNCE_CHUNK_BYTES;
	bench_init(&bench, &knobs);
	info = good_info(&bench);
	info.dma_mask = (UINT64_C(1) << 30) - 1;
	device = attach_ok(&bench, &info);
	queue = bounce_device_queue(device, 0);
	buf = bench_buf(&bench, 0, 4096);
	cr_assert_eq(bounce_map(queue, &buf, BOUNCE_BIDIRECTIONAL, &handle),
		     BOUNCE_OK);
	cr_expect_leq(handle.bus.v + 4095, info.dma_mask);
	cr_expect_eq(bounce_unmap(queue, &handle, 0), BOUNCE_OK);
	cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	bench_fini(&bench);
}

Test(direct, an_untrusted_device_gets_whole_pages_only)
{
	const struct {
		uint64_t at;
		uint64_t len;
		bool direct;
	} rows[] = {
		{ 0, 4096, true },  { 4096, 8192, true }, { 0, 4095, false },
		{ 0, 4097, false }, { 1, 4096, false },	  { 64, 4032, false },
		{ 4096, 1, false },
	};
	struct bench bench;
	struct bench_knobs knobs = open_knobs();
	struct bounce_device_info info;
	struct bounce_device *device;
	struct bounce_queue *queue;

	bench_init(&bench, &knobs);
	info = good_info(&bench);
	info.flags = BOUNCE_DEVICE_UNTRUSTED;
	device = attach_ok(&bench, &info);
	queue = bounce_device_queue(device, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct bounce_buf buf = bench_buf(&bench, rows[i].at,
							rows[i].len);
		struct bounce_mapping handle;

		cr_assert_eq(bounce_map(queue, &buf, BOUNCE_TO_DEVICE, &handle),
			     BOUNCE_OK);
		cr_expect_eq(handle.bus.v == buf.gpa.v + knobs.shift,
			     rows[i].direct, "row %zu", i);
		cr_expect_eq(bounce_unmap(queue, &handle, 0), BOUNCE_OK);
	}
	cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	bench_fini(&bench);
}

Test(direct, out_of_reach_without_a_pool_is_unreachable)
{
	struct bench bench;
	struct bench_knobs knobs = open_knobs();
	struct bounce_device_info info;
	struct bounce_device *device;
	struct bounce_space *space;
	struct bounce_mapping handle;
	struct bounce_buf buf;
	struct bounce_window window = { .len = 0x10000 };

	knobs.more_spaces = 1;
	bench_init(&bench, &knobs);
	cr_assert_eq(bounce_space_init(bench.bounce, NULL, &space), BOUNCE_OK);
	window.gpa = bench_private_gpa(&bench, 0);
	window.bus.v = window.gpa.v;
	cr_assert_eq(bounce_space_add_window(space, &window), BOUNCE_OK);
	info = good_info(&bench);
	info.space = space;
	device = attach_ok(&bench, &info);
	buf = bench_buf(&bench, 0xf000, 4096);
	cr_expect_eq(bounce_map(bounce_device_queue(device, 0), &buf,
				BOUNCE_TO_DEVICE, &handle),
		     BOUNCE_OK);
	cr_expect_eq(bounce_unmap(bounce_device_queue(device, 0), &handle, 0),
		     BOUNCE_OK);
	buf = bench_buf(&bench, 0xf000, 4097);
	cr_expect_eq(bounce_map(bounce_device_queue(device, 0), &buf,
				BOUNCE_TO_DEVICE, &handle),
		     BOUNCE_ERR_UNREACHABLE);
	cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	cr_expect_eq(bounce_space_fini(space), BOUNCE_OK);
	bench_fini(&bench);
}

Test(direct, the_table_bounds_the_mappings)
{
	enum {
		DIRECT = 5
	};
	struct bench bench;
	struct bench_knobs knobs = open_knobs();
	struct bounce_device_info info;
	struct bounce_device *device;
	struct bounce_queue *queue;
	struct bounce_mapping handle[DIRECT];
	struct bounce_mapping more;
	struct bounce_buf buf;

	knobs.direct = DIRECT;
	bench_init(&bench, &knobs);
	info = good_info(&bench);
	device = attach_ok(&bench, &info);
	queue = bounce_device_queue(device, 0);
	buf = bench_buf(&bench, 0, 4096);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < DIRECT; i++)
			cr_assert_eq(bounce_map(queue, &buf, BOUNCE_TO_DEVICE,
						&handle[i]),
				     BOUNCE_OK);
		cr_expect_eq(bounce_map(queue, &buf, BOUNCE_TO_DEVICE, &more),
			     BOUNCE_ERR_FULL);
		for (int i = 0; i < DIRECT; i++)
			cr_assert_eq(bounce_unmap(queue, &handle[i], 0),
				     BOUNCE_OK);
	}
	cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	bench_fini(&bench);
}
