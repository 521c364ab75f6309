/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_reserve.c - bounce_reserve() and bounce_commit(): a producer writes
 * straight into the run; and bounce_pool_trim(), which gives back the rest.
 */
#include "calls.h"
#include "model.h"

static struct bounce_mapping commit_ok(struct bounce_queue *queue,
				       const struct born *born, uint64_t len)
{
	struct bounce_mapping mapping = born->handle;

	cr_assert_eq(bounce_commit(queue, &mapping, len), BOUNCE_OK, "%lu",
		     len);
	return mapping;
}

static uint64_t slots_of(uint64_t len)
{
	return (len + 4095) / 4096;
}

/* ---- bounce_reserve() ---- */

Test(reserve, gives_a_scrubbed_run_that_the_host_sees_while_it_is_written)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	const uint64_t lens[] = { 1, 4096, 10000, 300000 };

	knobs.shift = UINT64_C(1) << 40;
	bench_init(&bench, &knobs);
	for (size_t i = 0; i < COUNT_OF(lens); i++) {
		unsigned char byte;
		struct born born;

		fake_device_scribble(&bench.host);
		born = reserve_ok(bench.queue[0], lens[i]);
		cr_expect_eq(born.buf.len, lens[i]);
		cr_expect(all_bytes_are(born.buf.ptr, 0,
					slots_of(lens[i]) * 4096));
		((unsigned char *)born.buf.ptr)[lens[i] - 1] = 0x42;
		cr_assert(fake_device_read(&bench.host,
					   born.handle.bus.v + lens[i] - 1,
					   &byte, 1));
		cr_expect_eq(byte, 0x42);
		free_ok(bench.queue[0], &born);
	}
	cr_expect_eq(slots_free(&bench), 256);
	bench_fini(&bench);
}

Test(reserve, is_given_up_by_free)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct born born;

	bench_init(&bench, &knobs);
	born = reserve_ok(bench.queue[0], 100000);
	free_ok(bench.queue[0], &born);
	cr_expect_eq(slots_free(&bench), 256);
	handle = born.handle;
	cr_expect_eq(bounce_commit(bench.queue[0], &handle, 1),
		     BOUNCE_ERR_STALE);
	cr_expect(same_handle(&handle, &born.handle));
	bench_fini(&bench);
}

Test(reserve, answers_as_bounce_alloc)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born all;
	struct born born;
	struct bounce_queue *queue;

	bench_init(&bench, &knobs);
	queue = bench.queue[0];
	cr_expect_eq(bounce_reserve(NULL, 1, &born.buf, &born.handle),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_reserve(queue, 1, NULL, &born.handle),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_reserve(queue, 1, &born.buf, NULL), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_reserve(queue, 0, &born.buf, &born.handle),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_reserve(queue, bounce_map_max(bench.device[0]) + 1,
				    &born.buf, &born.handle),
		     BOUNCE_ERR_RANGE);
	all = reserve_ok(queue, 255 * 4096);
	cr_expect_eq(bounce_reserve(queue, 8192, &born.buf, &born.handle),
		     BOUNCE_ERR_FULL);
	free_ok(queue, &all);
	bounce_device_revoke(bench.device[0]);
	cr_expect_eq(bounce_reserve(queue, 1, &born.buf, &born.handle),
		     BOUNCE_ERR_STALE);
	cr_assert_eq(bounce_device_quiesced(bench.device[0]), BOUNCE_OK);
	bounce_device_features_rejected(bench.device[0]);
	cr_expect_eq(bounce_reserve(queue, 1, &born.buf, &born.handle),
		     BOUNCE_ERR_REFUSED);
	bounce_mark_dead(bench.bounce);
	cr_expect_eq(bounce_reserve(queue, 1, &born.buf, &born.handle),
		     BOUNCE_ERR_DEAD);
	bench_fini(&bench);
}

/* ---- bounce_commit() ---- */

Test(commit, what_was_written_becomes_a_mapping_to_the_device)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping mapping;
	struct born born;

	knobs.shift = UINT64_C(1) << 35;
	bench_init(&bench, &knobs);
	born = reserve_ok(bench.queue[0], 10000);
	write_bytes(born.buf.ptr, 1, 9000);
	mapping = commit_ok(bench.queue[0], &born, 9000);
	cr_expect_eq(mapping.bus.v, born.handle.bus.v);
	cr_expect_eq(mapping.len, 9000);
	cr_expect(bounce_mapping_valid(bench.queue[0], &mapping));
	cr_expect_eq(count_bytes(bench_at_bus(&bench, mapping.bus, 9000), 1,
				 9000),
		     9000);
	cr_expect_eq(stats_of(bench.device[0]).maps, 1);
	cr_expect_eq(stats_of(bench.device[0]).bytes_to, 9000);
	unmap_ok(bench.queue[0], &mapping, 0);
	cr_expect_eq(slots_free(&bench), 256);
	bench_fini(&bench);
}

Test(commit, goes_one_way_and_what_a_device_reports_is_a_lie)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping mapping;
	struct born born;
	unsigned char *private;

	bench_init(&bench, &knobs);
	private = malloc(knobs.private_bytes);
	memcpy(private, bench_private(&bench, 0), knobs.private_bytes);
	born = reserve_ok(bench.queue[0], 100);
	mapping = commit_ok(bench.queue[0], &born, 100);
	cr_expect_eq(bounce_sync_for_cpu(bench.queue[0], &mapping, 0, 1),
		     BOUNCE_ERR_ARG);
	/* It is there already: nothing has to be copied, as for DIRECT. */
	cr_expect_eq(bounce_sync_for_device(bench.queue[0], &mapping, 0, 100),
		     BOUNCE_OK);
	cr_expect_eq(bounce_sync_for_device(bench.queue[0], &mapping, 0, 101),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_free(bench.queue[0], &mapping), BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_unmap(bench.queue[0], &mapping, 1),
		     BOUNCE_ERR_LENGTH);
	cr_expect_eq(bounce_unmap(bench.queue[0], &mapping, 0),
		     BOUNCE_ERR_STALE);
	cr_expect_arr_eq(private, bench_private(&bench, 0),
			 knobs.private_bytes);
	cr_expect_eq(slots_free(&bench), 256);
	free(private);
	bench_fini(&bench);
}

Test(commit, what_lies_behind_the_bytes_produced_is_zeroed)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	bench_init(&bench, &knobs);
	for (uint64_t len = 1; len <= 12288; len += 509) {
		struct born born = reserve_ok(bench.queue[0], 12288);
		struct bounce_mapping mapping;
		unsigned char *run = born.buf.ptr;

		memset(run, 0x33, 12288);
		mapping = commit_ok(bench.queue[0], &born, len);
		cr_expect(all_bytes_are(run, 0x33, len));
		cr_expect(all_bytes_are(run + len, 0,
					slots_of(len) * 4096 - len),
			  "%lu bytes", len);
		unmap_ok(bench.queue[0], &mapping, 0);
	}
	bench_fini(&bench);
}

/* Reserve @slots, commit @keep, and look at the pool at every step. */
static void trim(struct bench *bench, uint64_t slots, uint64_t keep)
{
	struct born born = reserve_ok(bench->queue[0], slots * 4096);
	struct bounce_mapping mapping;
	/* A device with alignment of its own cannot have every slot. */
	uint64_t count = bench->knobs.info.alloc_align_mask == 0 ? 256 - keep :
								   0;
	struct born rest[256];

	cr_assert_eq(slots_free(bench), 256 - slots);
	memset(born.buf.ptr, 0x33, slots * 4096);
	mapping = commit_ok(bench->queue[0], &born, keep * 4096 - 100);
	cr_expect_eq(slots_free(bench), 256 - keep, "%lu of %lu", keep, slots);
	cr_assert(bounce_valid(bench->bounce), "%lu of %lu", keep, slots);
	/* Any of them can be had, and none is a part of what was kept. */
	for (uint64_t i = 0; i < count; i++)
		rest[i] = reserve_ok(bench->queue[0], 4096);
	cr_expect(all_bytes_are(born.buf.ptr, 0x33, keep * 4096 - 100));
	for (uint64_t i = 0; i < count; i++)
		free_ok(bench->queue[0], &rest[i]);
	unmap_ok(bench->queue[0], &mapping, 0);
	cr_expect_eq(slots_free(bench), 256);
	cr_assert(bounce_valid(bench->bounce), "%lu of %lu", keep, slots);
	/* And the whole pool is one run again. */
	born = reserve_ok(bench->queue[0], 256 * 4096);
	free_ok(bench->queue[0], &born);
}

Test(commit, surplus_slots_are_released_at_once_within_a_chunk)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	bench_init(&bench, &knobs);
	for (uint64_t slots = 1; slots <= 64; slots += 7)
		for (uint64_t keep = 1; keep <= slots; keep++)
			trim(&bench, slots, keep);
	bench_fini(&bench);
}

Test(commit, surplus_slots_are_released_at_once_of_more_than_a_chunk)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	const uint64_t sizes[] = { 65, 66, 127, 128, 129, 191, 192, 200, 256 };
	const uint64_t keeps[] = { 1,	2,   63,  64,  65,  100, 127, 128,
				   129, 130, 190, 191, 192, 193, 255, 256 };

	bench_init(&bench, &knobs);
	for (size_t i = 0; i < COUNT_OF(sizes); i++)
		for (size_t j = 0; j < COUNT_OF(keeps); j++)
			if (keeps[j] <= sizes[i])
				trim(&bench, sizes[i], keeps[j]);
	bench_fini(&bench);
}

Test(commit, of_an_aligned_device_keeps_no_more_than_the_length)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	knobs.info.alloc_align_mask = 0xffff;
	knobs.info.min_align_mask = 0xfff;
	bench_init(&bench, &knobs);
	for (uint64_t slots = 1; slots <= 130; slots += 43)
		for (uint64_t keep = 1; keep <= slots; keep += 14)
			trim(&bench, slots, keep);
	bench_fini(&bench);
}

Test(commit, another_owner_finds_nothing_in_released_slots)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping mapping;
	struct bounce_mapping other[63];
	struct born born;

	knobs.devices = 2;
	knobs.chunks = 1;
	bench_init(&bench, &knobs);
	/* The other device has had all of it before. */
	for (int i = 0; i < 63; i++)
		other[i] = map_ok(bench.queue[1], bench_buf(&bench, 0, 4096),
				  BOUNCE_FROM_DEVICE);
	for (int i = 0; i < 63; i++)
		unmap_ok(bench.queue[1], &other[i], 0);
	born = reserve_ok(bench.queue[0], 64 * 4096);
	memset(born.buf.ptr, 0x33, 64 * 4096);
	mapping = commit_ok(bench.queue[0], &born, 1);
	for (int i = 0; i < 63; i++) {
		other[i] = map_ok(bench.queue[1], bench_buf(&bench, 0, 4096),
				  BOUNCE_FROM_DEVICE);
		cr_expect(all_bytes_are(
			bench_at_bus(&bench, other[i].bus, 4096), 0, 4096));
	}
	for (int i = 0; i < 63; i++)
		unmap_ok(bench.queue[1], &other[i], 0);
	unmap_ok(bench.queue[0], &mapping, 0);
	bench_fini(&bench);
}

Test(commit, works_by_another_lane_and_by_the_bypass)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping mapping;
	struct bounce_queue *lane;
	struct born born;

	knobs.queues = 2;
	knobs.shift = UINT64_C(1) << 40;
	knobs.info.features = BOUNCE_VIRTIO_F_VERSION_1;
	bench_init(&bench, &knobs);
	lane = bounce_device_queue(bench.device[0], 1);
	born = reserve_ok(bench.queue[0], 5000);
	cr_expect_eq(born.handle.bus.v, born.buf.gpa.v);
	mapping = commit_ok(lane, &born, 100);
	cr_expect_eq(mapping.bus.v, born.buf.gpa.v);
	unmap_ok(lane, &mapping, 0);
	cr_expect_eq(slots_free(&bench), 256);
	bench_fini(&bench);
}

/* ---- errors of bounce_commit() ---- */

/* It fails, and neither the handle nor anything else has changed. */
static void refused(struct bench *bench, struct bounce_queue *queue,
		    const struct bounce_mapping *handle, uint64_t len,
		    enum bounce_err err)
{
	struct bounce_mapping mapping = *handle;
	struct picture before = picture_take(bench);

	cr_expect_eq(bounce_commit(queue, &mapping, len), err, "%lu bytes",
		     len);
	cr_expect(same_handle(&mapping, handle));
	cr_expect(picture_same(&before), "%lu bytes", len);
	picture_drop(&before);
}

Test(commit, every_bad_argument_is_refused_and_nothing_changes)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	const uint64_t lens[] = { 0,
				  5001,
				  8192,
				  UINT64_C(1) << 32,
				  (UINT64_C(1) << 32) + 1,
				  UINT64_MAX };
	struct bounce_mapping mapping;
	struct born born;

	bench_init(&bench, &knobs);
	born = reserve_ok(bench.queue[0], 5000);
	cr_expect_eq(bounce_commit(bench.queue[0], NULL, 1), BOUNCE_ERR_ARG);
	refused(&bench, NULL, &born.handle, 1, BOUNCE_ERR_ARG);
	for (size_t i = 0; i < COUNT_OF(lens); i++)
		refused(&bench, bench.queue[0], &born.handle, lens[i],
			BOUNCE_ERR_ARG);
	mapping = commit_ok(bench.queue[0], &born, 5000);
	unmap_ok(bench.queue[0], &mapping, 0);
	bench_fini(&bench);
}

Test(commit, twice_is_stale)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping mapping;
	struct born born;

	bench_init(&bench, &knobs);
	born = reserve_ok(bench.queue[0], 5000);
	mapping = commit_ok(bench.queue[0], &born, 4000);
	refused(&bench, bench.queue[0], &born.handle, 4000, BOUNCE_ERR_STALE);
	refused(&bench, bench.queue[0], &mapping, 4000, BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle),
		     BOUNCE_ERR_STALE, "the reservation has ended");
	unmap_ok(bench.queue[0], &mapping, 0);
	refused(&bench, bench.queue[0], &mapping, 4000, BOUNCE_ERR_STALE);
	bench_fini(&bench);
}

Test(commit, what_is_no_reservation_of_the_device_is_stale)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping mapping;
	struct bounce_mapping forged;
	struct born born;

	knobs.devices = 2;
	bench_init(&bench, &knobs);
	mapping = map_ok(bench.queue[0], bench_buf(&bench, 0, 5000),
			 BOUNCE_TO_DEVICE);
	refused(&bench, bench.queue[0], &mapping, 10, BOUNCE_ERR_STALE);
	unmap_ok(bench.queue[0], &mapping, 0);
	born = reserve_ok(bench.queue[0], 5000);
	refused(&bench, bench.queue[1], &born.handle, 10, BOUNCE_ERR_STALE);
	for (uint32_t bit = 0; bit < 8 * sizeof(forged); bit++) {
		unsigned char *bytes = (unsigned char *)&forged;

		forged = born.handle;
		bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
		refused(&bench, bench.queue[0], &forged, 10, BOUNCE_ERR_STALE);
	}
	free_ok(bench.queue[0], &born);
	bench_fini(&bench);
}

Test(commit, of_a_revoked_reservation_is_stale)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born born;

	bench_init(&bench, &knobs);
	born = reserve_ok(bench.queue[0], 5000);
	bounce_device_revoke(bench.device[0]);
	refused(&bench, bench.queue[0], &born.handle, 10, BOUNCE_ERR_STALE);
	cr_assert_eq(bounce_device_quiesced(bench.device[0]), BOUNCE_OK);
	refused(&bench, bench.queue[0], &born.handle, 10, BOUNCE_ERR_STALE);
	cr_expect_eq(slots_free(&bench), 256);
	bench_fini(&bench);
}

Test(commit, under_a_live_mapping_inside_is_busy)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping mapping;
	struct bounce_mapping inside;
	struct born born;

	bench_init(&bench, &knobs);
	born = reserve_ok(bench.queue[0], 5000);
	inside = map_ok(bench.queue[0], born.buf, BOUNCE_TO_DEVICE);
	refused(&bench, bench.queue[0], &born.handle, 10, BOUNCE_ERR_BUSY);
	unmap_ok(bench.queue[0], &inside, 0);
	mapping = commit_ok(bench.queue[0], &born, 10);
	unmap_ok(bench.queue[0], &mapping, 0);
	bench_fini(&bench);
}
