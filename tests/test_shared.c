/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_shared.c - mappings inside memory of bounce_alloc(), which copy nothing,
 * and bounce_snapshot().
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "support.h"

struct born {
	struct bounce_buf buf;
	struct bounce_mapping handle;
};

static struct born alloc_ok(struct bounce_queue *queue, uint64_t size,
			    uint64_t align, uint64_t limit)
{
	struct born born;

	cr_assert_eq(bounce_alloc(queue, size, align, limit, &born.buf,
				  &born.handle),
		     BOUNCE_OK, "%lu bytes, align %lu", size, align);
	return born;
}

/* ---- mapping what is born shared ---- */

Test(born, a_mapping_inside_copies_nothing_and_is_used_where_it_is)
{
	const uint32_t hows[] = {
		BOUNCE_TO_DEVICE,
		BOUNCE_FROM_DEVICE,
		BOUNCE_BIDIRECTIONAL,
		BOUNCE_FROM_DEVICE | BOUNCE_ZERO,
		BOUNCE_FROM_DEVICE | BOUNCE_PRESERVE,
	};
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_device_stats stats;
	struct born born;
	unsigned char *arena;

	knobs.shift = UINT64_C(1) << 33;
	bench_init(&bench, &knobs);
	arena = malloc(bench.machine.bytes);
	born = alloc_ok(bench.queue[0], 3 * 4096, 0, 0);
	fake_device_scribble(&bench.host);
	memcpy(arena, bench.machine.memory, bench.machine.bytes);
	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		for (uint64_t offset = 0; offset < 3 * 4096; offset += 1021) {
			struct bounce_buf part = born.buf;
			struct bounce_mapping handle;

			part.gpa.v += offset;
			part.len -= offset;
			/* By pointer, and by the linear map. */
			part.ptr = offset & 1 ?
					   NULL :
					   (unsigned char *)part.ptr + offset;
			cr_assert_eq(bounce_map(bench.queue[0], &part, hows[i],
						&handle),
				     BOUNCE_OK);
			cr_assert_eq(handle.bus.v, part.gpa.v + knobs.shift);
			cr_assert_eq(handle.len, part.len);
			cr_assert_eq(bounce_unmap(bench.queue[0], &handle,
						  hows[i] == BOUNCE_TO_DEVICE ?
							  0 :
							  part.len),
				     BOUNCE_OK);
		}
	}
	cr_expect_arr_eq(arena, bench.machine.memory, bench.machine.bytes,
			 "no byte was copied");
	bounce_device_stats(bench.device[0], &stats);
	cr_expect_eq(stats.bytes_to, 0);
	cr_expect_eq(stats.bytes_from, 0);
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle), BOUNCE_OK);
	free(arena);
	bench_fini(&bench);
}

Test(born, a_length_above_the_mapping_is_a_lie_there_too)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct born born;

	bench_init(&bench, &knobs);
	born = alloc_ok(bench.queue[0], 100, 0, 0);
	cr_assert_eq(bounce_map(bench.queue[0], &born.buf, BOUNCE_FROM_DEVICE,
				&handle),
		     BOUNCE_OK);
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 101),
		     BOUNCE_ERR_LENGTH);
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 100),
		     BOUNCE_ERR_STALE, "it has ended");
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle), BOUNCE_OK);
	bench_fini(&bench);
}

Test(born, a_buffer_partly_inside_is_the_callers_bug)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct born first;
	struct born second;
	struct bounce_buf part;
	struct picture before;
	const struct {
		int64_t offset;
		uint64_t len;
	} bad[] = {
		{ -1, 2 },   { -4096, 4097 }, { 4096, 4097 }, { 8191, 2 },
		{ 8192, 1 }, { 0, 8193 },     { -1, 8194 },
	};

	bench_init(&bench, &knobs);
	/* A free slot before it, so that "before" is in the slab as well. */
	first = alloc_ok(bench.queue[0], 4096, 0, 0);
	second = alloc_ok(bench.queue[0], 8192, 0, 0);
	cr_assert_eq(bounce_free(bench.queue[0], &first.handle), BOUNCE_OK);
	before = picture_take(&bench);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		part = second.buf;
		part.ptr = NULL;
		part.gpa.v += (uint64_t)bad[i].offset;
		part.len = bad[i].len;
		cr_expect_eq(bounce_map(bench.queue[0], &part,
					BOUNCE_FROM_DEVICE, &handle),
			     BOUNCE_ERR_ARG, "row %zu", i);
	}
	/* The last private byte is beside the pool's first one. */
	part.gpa = bench_slab_gpa(&bench, 1);
	part.gpa.v -= 4096;
	part.len = 8192;
	cr_expect_eq(bounce_map(bench.queue[0], &part, BOUNCE_FROM_DEVICE,
				&handle),
		     BOUNCE_ERR_ARG, "out of the pool's end");
	cr_expect(picture_same(&before));
	picture_drop(&before);
	cr_expect_eq(bounce_free(bench.queue[0], &second.handle), BOUNCE_OK);
	bench_fini(&bench);
}

/* "Whole slots" belong to it, but only the bytes asked for can be mapped. */
Test(born, the_rest_of_its_last_slot_is_not_its_memory)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct born born;
	struct bounce_buf part;

	bench_init(&bench, &knobs);
	born = alloc_ok(bench.queue[0], 100, 0, 0);
	part = born.buf;
	part.len = 101;
	cr_expect_eq(bounce_map(bench.queue[0], &part, BOUNCE_FROM_DEVICE,
				&handle),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle), BOUNCE_OK);
	bench_fini(&bench);
}

Test(born, pool_memory_that_nobody_allocated_is_refused)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct bounce_mapping other;
	struct bounce_buf buf;
	struct bounce_buf inner;
	struct picture before;

	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 4096);
	cr_assert_eq(bounce_map(bench.queue[0], &buf, BOUNCE_FROM_DEVICE,
				&other),
		     BOUNCE_OK);
	before = picture_take(&bench);
	/* A free slot; the slot of a bounced mapping; the whole slab. */
	inner = (struct bounce_buf) {
		.gpa = { bench_slab_gpa(&bench, 0).v + 0x20000 },
		.len = 4096,
	};
	cr_expect_eq(bounce_map(bench.queue[0], &inner, BOUNCE_FROM_DEVICE,
				&handle),
		     BOUNCE_ERR_ARG);
	inner.gpa.v = other.bus.v;
	cr_expect_eq(bounce_map(bench.queue[0], &inner, BOUNCE_FROM_DEVICE,
				&handle),
		     BOUNCE_ERR_ARG);
	inner.gpa = bench_slab_gpa(&bench, 0);
	inner.len = bench.slab_bytes;
	cr_expect_eq(bounce_map(bench.queue[0], &inner, BOUNCE_FROM_DEVICE,
				&handle),
		     BOUNCE_ERR_ARG);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	cr_expect_eq(bounce_unmap(bench.queue[0], &other, 0), BOUNCE_OK);
	bench_fini(&bench);
}

Test(born, it_can_be_mapped_by_another_device_of_the_same_space)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct born born;

	knobs.devices = 2;
	bench_init(&bench, &knobs);
	born = alloc_ok(bench.queue[0], 4096, 0, 0);
	cr_assert_eq(bounce_map(bench.queue[1], &born.buf, BOUNCE_TO_DEVICE,
				&handle),
		     BOUNCE_OK);
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle),
		     BOUNCE_ERR_BUSY);
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 0), BOUNCE_ERR_STALE,
		     "it is the other's");
	cr_expect_eq(bounce_unmap(bench.queue[1], &handle, 0), BOUNCE_OK);
	cr_expect_eq(bounce_free(bench.queue[1], &born.handle),
		     BOUNCE_ERR_STALE, "it is the first one's");
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle), BOUNCE_OK);
	bench_fini(&bench);
}

Test(born, memory_of_another_spaces_pool_is_unreachable)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	const struct bounce_pool_info info = { .slabs = 1 };
	struct bench_side side;
	struct bounce_mapping handle;
	struct born born;

	/* The second pool takes the second slab's place in the arena. */
	knobs.slabs = 2;
	knobs.more_pools = 1;
	knobs.more_slabs = 1;
	knobs.more_spaces = 1;
	knobs.more_devices = 1;
	bench_init(&bench, &knobs);
	bench_side_init(&bench, &info, bench_slab_gpa(&bench, 1), &side);
	born = alloc_ok(bench.queue[0], 4096, 0, 0);
	cr_expect_eq(bounce_map(side.queue, &born.buf, BOUNCE_TO_DEVICE,
				&handle),
		     BOUNCE_ERR_UNREACHABLE);
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle), BOUNCE_OK);
	bench_side_fini(&side);
	bench_fini(&bench);
}

Test(born, the_direct_table_bounds_the_mappings_inside)
{
	enum {
		DIRECT = 3
	};
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping inside[DIRECT];
	struct bounce_mapping more;
	struct born born;

	knobs.direct = DIRECT;
	bench_init(&bench, &knobs);
	born = alloc_ok(bench.queue[0], 4096, 0, 0);
	for (int i = 0; i < DIRECT; i++)
		cr_assert_eq(bounce_map(bench.queue[0], &born.buf,
					BOUNCE_TO_DEVICE, &inside[i]),
			     BOUNCE_OK);
	cr_expect_eq(bounce_map(bench.queue[0], &born.buf, BOUNCE_TO_DEVICE,
				&more),
		     BOUNCE_ERR_FULL);
	for (int i = 0; i < DIRECT; i++)
		cr_expect_eq(bounce_unmap(bench.queue[0], &inside[i], 0),
			     BOUNCE_OK);
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle), BOUNCE_OK,
		     "the failed one holds nothing");
	bench_fini(&bench);
}

Test(born, allocated_memory_keeps_a_device_attached)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born born;

	bench_init(&bench, &knobs);
	born = alloc_ok(bench.queue[0], 4096, 0, 0);
	cr_expect_eq(bounce_device_detach(bench.device[0]), BOUNCE_ERR_BUSY);
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle), BOUNCE_OK);
	bench_fini(&bench);
}

/* One pool, two spaces: the second one's window ends before the memory. */
Test(born, memory_beyond_the_devices_window_or_mask_is_unreachable)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_window first = { .len = 0 };
	struct bounce_device_info info = knobs.info;
	struct bounce_device *device[2];
	struct bounce_space *narrow;
	struct bounce_mapping handle;
	struct bounce_buf far;
	struct born born[2];

	knobs.slabs = 2;
	knobs.grown = 2;
	knobs.more_spaces = 1;
	knobs.more_devices = 2;
	bench_init(&bench, &knobs);
	first.gpa = bench_slab_gpa(&bench, 0);
	first.bus.v = first.gpa.v;
	first.len = bench.slab_bytes;
	cr_assert_eq(bounce_space_init(bench.bounce, bench.pool, &narrow),
		     BOUNCE_OK);
	cr_assert_eq(bounce_space_add_window(narrow, &first), BOUNCE_OK);
	info.space = narrow;
	cr_assert_eq(bounce_device_attach(bench.bounce, &info, &device[0],
					  NULL),
		     BOUNCE_OK);
	info.space = bench.space;
	info.boundary_mask = 4095; /* nothing across a page */
	cr_assert_eq(bounce_device_attach(bench.bounce, &info, &device[1],
					  NULL),
		     BOUNCE_OK);
	born[0] = alloc_ok(bench.queue[0], bench.slab_bytes, 0, 0);
	born[1] = alloc_ok(bench.queue[0], bench.slab_bytes, 0, 0);
	for (uint32_t i = 0; i < 2; i++) {
		bool is_far = born[i].buf.gpa.v != first.gpa.v;

		far = born[i].buf;
		far.len = 100;
		cr_expect_eq(bounce_map(bounce_device_queue(device[0], 0), &far,
					BOUNCE_TO_DEVICE, &handle),
			     is_far ? BOUNCE_ERR_UNREACHABLE : BOUNCE_OK);
		if (!is_far)
			cr_expect_eq(
				bounce_unmap(bounce_device_queue(device[0], 0),
					     &handle, 0),
				BOUNCE_OK);
		far.gpa.v += 4090;
		far.ptr = (unsigned char *)far.ptr + 4090;
		cr_expect_eq(bounce_map(bounce_device_queue(device[1], 0), &far,
					BOUNCE_TO_DEVICE, &handle),
			     BOUNCE_ERR_UNREACHABLE);
		cr_expect_eq(bounce_free(bench.queue[0], &born[i].handle),
			     BOUNCE_OK, "the refused ones hold nothing");
	}
	cr_expect_eq(bounce_device_detach(device[0]), BOUNCE_OK);
	cr_expect_eq(bounce_device_detach(device[1]), BOUNCE_OK);
	cr_expect_eq(bounce_space_fini(narrow), BOUNCE_OK);
	bench_fini(&bench);
}

/* Its pages may be the host's: they are no buffer either. */
Test(born, memory_of_a_slab_that_was_lost_in_growth_is_refused)
{
	const struct fake_fault unknown = { .call = FAKE_SHARE,
					    .first = 4,
					    .times = 1,
					    .step = BOUNCE_STEP_UNKNOWN };
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct bounce_buf buf = { .len = 100 };

	knobs.slabs = 2;
	bench_power_on(&bench, &knobs);
	cr_assert(fake_machine_fail(&bench.machine, &unknown));
	bench.machine.arch.batch = 64;
	bench_set_up(&bench);
	cr_assert_eq(bench_grow(&bench, 1), BOUNCE_ERR_LOST);
	buf.gpa = bench_slab_gpa(&bench, 1);
	cr_expect_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE,
				&handle),
		     BOUNCE_ERR_ARG);
	bench_discard(&bench);
}

Test(born, a_sync_of_it_is_stale_since_it_is_no_mapping)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born born;

	bench_init(&bench, &knobs);
	born = alloc_ok(bench.queue[0], 4096, 0, 0);
	cr_expect_eq(bounce_sync_for_cpu(bench.queue[0], &born.handle, 0, 1),
		     BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_sync_for_device(bench.queue[0], &born.handle, 0, 1),
		     BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle), BOUNCE_OK);
	bench_fini(&bench);
}

/* An open guest lets its device at any page, but has none that is shared. */
Test(born, without_a_pool_there_is_none)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	const struct bounce_window all = { .len = 0 };
	struct bounce_device_info info = knobs.info;
	struct bounce_device *device;
	struct bounce_space *bare;
	struct bounce_mapping handle;
	struct bounce_buf buf;

	knobs.protection = BOUNCE_PROTECTION_NO;
	knobs.more_spaces = 1;
	knobs.more_devices = 1;
	bench_init(&bench, &knobs);
	cr_assert_eq(bounce_space_init(bench.bounce, NULL, &bare), BOUNCE_OK);
	cr_assert_eq(bounce_space_add_window(bare, &all), BOUNCE_OK);
	info.space = bare;
	cr_assert_eq(bounce_device_attach(bench.bounce, &info, &device, NULL),
		     BOUNCE_OK);
	for (uint64_t len = 1; len <= BOUNCE_SLAB_BYTES; len *= 64)
		cr_expect_eq(bounce_alloc(bounce_device_queue(device, 0), len,
					  0, 0, &buf, &handle),
			     BOUNCE_ERR_UNREACHABLE, "%lu bytes", len);
	cr_expect_eq(bounce_mapping_find(bounce_device_queue(device, 0),
					 (bounce_bus_t) { knobs.gpa }, &handle),
		     BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	cr_expect_eq(bounce_space_fini(bare), BOUNCE_OK);
	bench_fini(&bench);
}

/* ---- bounce_snapshot() ---- */

Test(snapshot, copies_exactly_what_is_asked)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born born;
	unsigned char copy[200];

	bench_init(&bench, &knobs);
	born = alloc_ok(bench.queue[0], 4096, 0, 0);
	fake_device_scribble(&bench.host);
	for (size_t len = 0; len <= 130; len++) {
		memset(copy, 0x33, sizeof(copy));
		bounce_snapshot(copy + 7, (unsigned char *)born.buf.ptr + len,
				len);
		cr_assert_arr_eq(copy + 7, (unsigned char *)born.buf.ptr + len,
				 len);
		cr_assert_eq(copy[6], 0x33);
		cr_assert_eq(copy[7 + len], 0x33);
	}
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle), BOUNCE_OK);
	bench_fini(&bench);
}
