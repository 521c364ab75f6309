/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_alloc.c - bounce_alloc() and bounce_free(): memory that is born shared;
 * mappings inside it are in test_shared.c.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "instance.h"
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

static uint64_t slots_free(const struct bench *bench)
{
	struct bounce_pool_stats stats;

	bounce_pool_stats(bench->pool, &stats);
	return stats.slots_free;
}

/* ---- bounce_alloc() ---- */

Test(alloc, gives_zeroed_shared_memory_by_all_three_addresses)
{
	const uint64_t sizes[] = { 1,	 64,   4095,  4096,
				   4097, 8192, 65536, 5 * 4096 + 1 };
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	knobs.shift = UINT64_C(1) << 40;
	bench_init(&bench, &knobs);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct born born;
		unsigned char *ptr;

		fake_device_scribble(&bench.host);
		born = alloc_ok(bench.queue[0], sizes[i], 0, 0);
		ptr = born.buf.ptr;
		cr_expect_eq(born.buf.len, sizes[i], "as was asked");
		cr_expect_eq(born.handle.len, sizes[i]);
		cr_expect_eq(born.handle.bus.v, born.buf.gpa.v + knobs.shift);
		cr_expect_eq(ptr,
			     fake_machine_pointer(&bench.machine,
						  born.buf.gpa.v, sizes[i]));
		cr_expect_eq(born.buf.gpa.v % BOUNCE_SLOT_BYTES, 0,
			     "whole slots");
		for (uint64_t at = 0; at < bounce_round_up(sizes[i], 4095);
		     at++) {
			cr_assert(fake_machine_is_shared(&bench.machine,
							 born.buf.gpa.v + at));
			cr_assert_eq(ptr[at], 0, "byte %lu of %lu", at,
				     sizes[i]);
		}
		cr_expect_eq(bounce_free(bench.queue[0], &born.handle),
			     BOUNCE_OK);
	}
	cr_expect_eq(slots_free(&bench), 256);
	bench_fini(&bench);
}

Test(alloc, every_bad_argument_is_refused_and_nothing_changes)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born born;
	struct bounce_queue *queue;
	struct picture before;
	const uint64_t aligns[] = { 3, 6, 4095, 4097, 0x180000, UINT64_MAX };

	bench_init(&bench, &knobs);
	queue = bench.queue[0];
	memset(&born, 0x11, sizeof(born));
	before = picture_take(&bench);
	cr_expect_eq(bounce_alloc(NULL, 1, 0, 0, &born.buf, &born.handle),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_alloc(queue, 1, 0, 0, NULL, &born.handle),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_alloc(queue, 1, 0, 0, &born.buf, NULL),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_alloc(queue, 0, 0, 0, &born.buf, &born.handle),
		     BOUNCE_ERR_ARG);
	for (size_t i = 0; i < sizeof(aligns) / sizeof(aligns[0]); i++)
		cr_expect_eq(bounce_alloc(queue, 1, aligns[i], 0, &born.buf,
					  &born.handle),
			     BOUNCE_ERR_ARG, "align %#lx", aligns[i]);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	for (size_t i = 0; i < sizeof(born); i++)
		cr_assert_eq(((unsigned char *)&born)[i], 0x11);
	bench_fini(&bench);
}

Test(alloc, what_no_slab_could_hold_is_out_of_range)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born born;
	const uint64_t sizes[] = {
		4 * BOUNCE_CHUNK_BYTES + 1, BOUNCE_SLAB_BYTES,
		BOUNCE_SLAB_BYTES + 1,	    (UINT64_C(1) << 32) + 1,
		UINT64_C(1) << 63,	    UINT64_MAX
	};

	bench_init(&bench, &knobs);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		cr_expect_eq(bounce_alloc(bench.queue[0], sizes[i], 0, 0,
					  &born.buf, &born.handle),
			     BOUNCE_ERR_RANGE, "%#lx", sizes[i]);
	for (uint64_t align = 2 * BOUNCE_CHUNK_BYTES; align != 0; align *= 2)
		cr_expect_eq(bounce_alloc(bench.queue[0], 1, align, 0,
					  &born.buf, &born.handle),
			     BOUNCE_ERR_RANGE, "align %#lx", align);
	born = alloc_ok(bench.queue[0], bounce_map_max(bench.device[0]), 0, 0);
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle), BOUNCE_OK);
	bench_fini(&bench);
}

Test(alloc, the_bus_address_is_aligned_as_asked)
{
	/* The bus addresses are a slot off, so that it matters whose bits. */
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	knobs.shift = 0x7000;
	bench_init(&bench, &knobs);
	for (uint64_t align = 1; align <= 0x10000; align *= 2) {
		struct born first = alloc_ok(bench.queue[0], 100, align, 0);
		struct born second = alloc_ok(bench.queue[0], 5000, align, 0);

		cr_expect_eq(first.handle.bus.v % align, 0, "%lu", align);
		cr_expect_eq(second.handle.bus.v % align, 0, "%lu", align);
		cr_expect_eq(bounce_free(bench.queue[0], &first.handle),
			     BOUNCE_OK);
		cr_expect_eq(bounce_free(bench.queue[0], &second.handle),
			     BOUNCE_OK);
	}
	bench_fini(&bench);
}

Test(alloc, alignment_goes_up_to_a_chunk)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born born[4];
	struct born more;

	bench_init(&bench, &knobs);
	for (int i = 0; i < 4; i++) {
		born[i] = alloc_ok(bench.queue[0], 1, BOUNCE_CHUNK_BYTES, 0);
		cr_expect_eq(born[i].handle.bus.v % BOUNCE_CHUNK_BYTES, 0);
	}
	cr_expect_eq(bounce_alloc(bench.queue[0], 1, BOUNCE_CHUNK_BYTES, 0,
				  &more.buf, &more.handle),
		     BOUNCE_ERR_FRAGMENTED, "there is room, but not there");
	for (int i = 0; i < 4; i++)
		cr_expect_eq(bounce_free(bench.queue[0], &born[i].handle),
			     BOUNCE_OK);
	cr_expect_eq(slots_free(&bench), 256);
	bench_fini(&bench);
}

Test(alloc, the_limit_is_the_highest_bus_address)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born born;
	uint64_t base;

	bench_init(&bench, &knobs);
	base = bench_slab_gpa(&bench, 0).v;
	for (uint64_t slots = 1; slots < 4; slots++) {
		uint64_t limit = base + slots * 4096 - 1;

		cr_expect_eq(bounce_alloc(bench.queue[0], slots * 4096 + 1, 0,
					  limit, &born.buf, &born.handle),
			     BOUNCE_ERR_UNREACHABLE, "%lu slots", slots);
		born = alloc_ok(bench.queue[0], slots * 4096, 0, limit);
		cr_expect_eq(born.handle.bus.v, base);
		cr_expect_eq(bounce_free(bench.queue[0], &born.handle),
			     BOUNCE_OK);
	}
	cr_expect_eq(bounce_alloc(bench.queue[0], 1, 0, base - 1, &born.buf,
				  &born.handle),
		     BOUNCE_ERR_UNREACHABLE);
	cr_expect_eq(slots_free(&bench), 256);
	bench_fini(&bench);
}

/* A ccw device's structures lie below 2 GiB; the pool does so only in part. */
Test(alloc, a_limit_of_2_GiB_splits_a_pool_that_straddles_it)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born born[65];
	struct born high;
	int count = 0;

	knobs.gpa = 0x80000000 - BOUNCE_CHUNK_BYTES;
	bench_init(&bench, &knobs);
	while (count < 65 &&
	       bounce_alloc(bench.queue[0], 4096, 0, 0x7fffffff,
			    &born[count].buf, &born[count].handle) == BOUNCE_OK)
		count++;
	cr_expect_eq(count, 64, "one chunk lies below");
	for (int i = 0; i < count; i++)
		cr_expect_leq(born[i].handle.bus.v + 4095, 0x7fffffff);
	high = alloc_ok(bench.queue[0], 4096, 0, 0);
	cr_expect_geq(high.handle.bus.v, 0x80000000);
	cr_expect_eq(bounce_free(bench.queue[0], &high.handle), BOUNCE_OK);
	for (int i = 0; i < count; i++)
		cr_expect_eq(bounce_free(bench.queue[0], &born[i].handle),
			     BOUNCE_OK);
	bench_fini(&bench);
}

Test(alloc, a_full_pool_says_full_and_a_torn_one_fragmented)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born born[64];
	struct born more;

	knobs.chunks = 1;
	bench_init(&bench, &knobs);
	for (int i = 0; i < 64; i++)
		born[i] = alloc_ok(bench.queue[0], 4096, 0, 0);
	cr_expect_eq(bounce_alloc(bench.queue[0], 1, 0, 0, &more.buf,
				  &more.handle),
		     BOUNCE_ERR_FULL);
	for (int i = 0; i < 64; i += 2)
		cr_assert_eq(bounce_free(bench.queue[0], &born[i].handle),
			     BOUNCE_OK);
	cr_expect_eq(bounce_alloc(bench.queue[0], 8192, 0, 0, &more.buf,
				  &more.handle),
		     BOUNCE_ERR_FRAGMENTED);
	for (int i = 1; i < 64; i += 2)
		cr_assert_eq(bounce_free(bench.queue[0], &born[i].handle),
			     BOUNCE_OK);
	more = alloc_ok(bench.queue[0], BOUNCE_CHUNK_BYTES, 0, 0);
	cr_expect_eq(bounce_free(bench.queue[0], &more.handle), BOUNCE_OK);
	bench_fini(&bench);
}

Test(alloc, a_refused_device_and_a_dead_instance_get_none)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born born;

	bench_init(&bench, &knobs);
	bounce_device_features_rejected(bench.device[0]);
	cr_expect_eq(bounce_alloc(bench.queue[0], 1, 0, 0, &born.buf,
				  &born.handle),
		     BOUNCE_ERR_REFUSED);
	bounce_mark_dead(bench.bounce);
	cr_expect_eq(bounce_alloc(bench.queue[0], 1, 0, 0, &born.buf,
				  &born.handle),
		     BOUNCE_ERR_DEAD);
	bench_fini(&bench);
}

Test(alloc, freed_memory_is_scrubbed_before_another_device_gets_it)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born born;
	struct bounce_buf buf;
	struct bounce_mapping handle;

	knobs.devices = 2;
	knobs.chunks = 1; /* for both: each would rather have its own */
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 4096);
	/* The other device had the slot before: its tag must not stay. */
	cr_assert_eq(bounce_map(bench.queue[1], &buf, BOUNCE_FROM_DEVICE,
				&handle),
		     BOUNCE_OK);
	cr_assert_eq(bounce_unmap(bench.queue[1], &handle, 0), BOUNCE_OK);
	born = alloc_ok(bench.queue[0], 4096, 0, 0);
	cr_assert_eq(handle.bus.v, born.handle.bus.v, "the same slot");
	memset(born.buf.ptr, 0x77, 4096);
	cr_assert_eq(bounce_free(bench.queue[0], &born.handle), BOUNCE_OK);
	cr_assert_eq(bounce_map(bench.queue[1], &buf, BOUNCE_FROM_DEVICE,
				&handle),
		     BOUNCE_OK);
	cr_assert_eq(handle.bus.v, born.handle.bus.v, "the same slot");
	for (int i = 0; i < 4096; i++)
		cr_assert_eq(((unsigned char *)born.buf.ptr)[i], 0);
	cr_expect_eq(bounce_unmap(bench.queue[1], &handle, 0), BOUNCE_OK);
	bench_fini(&bench);
}

/* ---- bounce_free() ---- */

Test(free, twice_is_stale)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born born;
	struct picture before;

	bench_init(&bench, &knobs);
	born = alloc_ok(bench.queue[0], 4096, 0, 0);
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle), BOUNCE_OK);
	before = picture_take(&bench);
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle),
		     BOUNCE_ERR_STALE);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	bench_fini(&bench);
}

Test(free, under_a_live_mapping_is_busy_until_the_last_one_has_ended)
{
	enum {
		COUNT = 3
	};
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born born;
	struct bounce_mapping inside[COUNT];

	bench_init(&bench, &knobs);
	born = alloc_ok(bench.queue[0], 8192, 0, 0);
	for (int i = 0; i < COUNT; i++)
		cr_assert_eq(bounce_map(bench.queue[0], &born.buf,
					BOUNCE_BIDIRECTIONAL, &inside[i]),
			     BOUNCE_OK);
	for (int i = 0; i < COUNT; i++) {
		struct picture before = picture_take(&bench);

		cr_expect_eq(bounce_free(bench.queue[0], &born.handle),
			     BOUNCE_ERR_BUSY);
		cr_expect(picture_same(&before));
		picture_drop(&before);
		cr_expect(bounce_mapping_valid(bench.queue[0], &born.handle));
		cr_expect_eq(bounce_unmap(bench.queue[0], &inside[i], 0),
			     BOUNCE_OK);
	}
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle), BOUNCE_OK);
	cr_expect_eq(slots_free(&bench), 256);
	bench_fini(&bench);
}
