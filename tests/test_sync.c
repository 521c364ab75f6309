/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_sync.c - bounce_sync_for_device() and bounce_sync_for_cpu(): exactly the
 * bytes that are named, in the direction that is named (S1, S2; attacks A09 to
 * A11, A17, B22).
 *
 * The model compares the whole arena after each call.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "instance.h"
#include "model.h"
#include "support.h"

struct synced {
	struct bench bench;
	struct model model;
	struct model_device device;
};

static void synced_begin(struct synced *synced)
{
	struct bench_knobs knobs = bench_usual();

	knobs.chunks = 1;
	knobs.private_bytes = 65536;
	bench_init(&synced->bench, &knobs);
	model_init(&synced->model, &synced->bench, 7);
	synced->device = (struct model_device) {
		.queue = synced->bench.queue[0],
		.owner = 1,
	};
}

static void synced_end(struct synced *synced)
{
	model_fini(&synced->model);
	bench_fini(&synced->bench);
}

static struct model_mapping *map(struct synced *synced, uint64_t at,
				 uint64_t len, uint32_t how)
{
	struct model *model = &synced->model;
	struct model_mapping *entry = &model->mapping[model_slot(model)];
	const struct bounce_buf buf = bench_buf(&synced->bench, at, len);
	const char *wrong;

	*entry = (struct model_mapping) {
		.kind = MODEL_BOUNCED,
		.how = how,
		.device = &synced->device,
		.private_at = model_private(model) + at,
		.len = len,
	};
	cr_assert_eq(bounce_map(synced->device.queue, &buf, how,
				&entry->handle),
		     BOUNCE_OK);
	wrong = model_map(model, entry);
	cr_assert_null(wrong, "%s", wrong);
	return entry;
}

static void unmap(struct synced *synced, struct model_mapping *entry,
		  uint64_t written)
{
	enum bounce_err err = bounce_unmap(synced->device.queue, &entry->handle,
					   written);
	const char *wrong = model_unmap(&synced->model, entry, written, err);

	cr_assert_null(wrong, "%s", wrong);
}

static enum bounce_err sync_one(struct synced *synced, bool for_cpu,
				const struct model_mapping *entry,
				uint64_t offset, uint64_t len)
{
	struct bounce_queue *queue = synced->device.queue;

	return for_cpu ?
		       bounce_sync_for_cpu(queue, &entry->handle, offset, len) :
		       bounce_sync_for_device(queue, &entry->handle, offset,
					      len);
}

/* Both sides have other bytes now; one part is synced, and nothing else. */
static void sync_part(struct synced *synced, struct model_mapping *entry,
		      uint64_t offset, uint64_t len)
{
	for (int for_cpu = 0; for_cpu < 2; for_cpu++) {
		const char *wrong;

		model_scribble(&synced->model);
		model_secret(&synced->model, entry->private_at, entry->len);
		cr_assert_eq(sync_one(synced, for_cpu, entry, offset, len),
			     BOUNCE_OK, "%s %lu +%lu",
			     for_cpu ? "for cpu" : "for device", offset, len);
		wrong = model_sync(&synced->model, entry, offset, len, for_cpu);
		cr_assert_null(wrong, "%lu +%lu: %s", offset, len, wrong);
	}
}

/* Every part whose ends are among the edges of this length. */
static void sync_all_parts(struct synced *synced, uint64_t len)
{
	const uint64_t edge[] = { 0,	1,    2,    63,	     64,   65,
				  127,	128,  129,  4095,    4096, 4097,
				  8191, 8192, 8193, len - 1, len };
	const size_t edges = sizeof(edge) / sizeof(edge[0]);
	struct model_mapping *entry = map(synced, 129, len,
					  BOUNCE_BIDIRECTIONAL);

	for (size_t from = 0; from < edges; from++)
		for (size_t to = 0; to < edges; to++)
			if (edge[from] < edge[to] && edge[to] <= len)
				sync_part(synced, entry, edge[from],
					  edge[to] - edge[from]);
	unmap(synced, entry, 0);
}

Test(sync, a_part_of_granules_is_exact_in_both_directions)
{
	struct synced synced;

	synced_begin(&synced);
	sync_all_parts(&synced, 1);
	sync_all_parts(&synced, 130);
	synced_end(&synced);
}

Test(sync, a_part_of_slots_is_exact_in_both_directions)
{
	struct synced synced;

	synced_begin(&synced);
	sync_all_parts(&synced, 12289);
	synced_end(&synced);
}

/* Neither call may touch the neighbours of the same slot. */
Test(sync, neighbours_in_one_slot_are_left_alone)
{
	struct synced synced;
	struct model_mapping *entry[5];

	synced_begin(&synced);
	for (int i = 0; i < 5; i++)
		entry[i] = map(&synced, (uint64_t)i * 300, 100,
			       BOUNCE_BIDIRECTIONAL);
	for (uint64_t offset = 0; offset < 100; offset++)
		sync_part(&synced, entry[2], offset, 100 - offset);
	for (int i = 0; i < 5; i++)
		unmap(&synced, entry[i], 100);
	synced_end(&synced);
}

struct part {
	uint64_t offset;
	uint64_t len;
};

/* Parts that are not inside a mapping of @len bytes: empty, beyond, wrap. */
static size_t bad_parts(uint64_t len, struct part *part)
{
	const struct part bad[] = {
		{ 0, 0 },
		{ len, 0 },
		{ UINT64_MAX, 0 },
		{ 0, len + 1 },
		{ 1, len },
		{ len - 1, 2 },
		{ len, 1 },
		{ len + 1, 1 },
		{ 0, UINT32_MAX },
		{ 0, UINT64_C(1) << 32 },
		{ 0, (UINT64_C(1) << 32) + len },
		{ UINT64_C(1) << 32, 1 },
		{ 0, UINT64_C(1) << 63 },
		{ 0, UINT64_MAX },
		{ 1, UINT64_MAX },
		{ len, UINT64_MAX },
		{ UINT64_MAX, 1 },
		{ UINT64_MAX, 2 },
		{ UINT64_MAX, len },
		{ UINT64_MAX, UINT64_MAX },
		{ UINT64_C(1) << 63, UINT64_C(1) << 63 },
		{ UINT64_MAX - len + 1, len },
		{ UINT64_MAX - len, len + 2 },
	};

	memcpy(part, bad, sizeof(bad));
	return sizeof(bad) / sizeof(bad[0]);
}

Test(sync, a_part_outside_the_mapping_is_refused_and_nothing_is_copied)
{
	const uint64_t lens[] = { 1, 100, 4096, 10000 };
	struct synced synced;
	struct part bad[32];

	synced_begin(&synced);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct model_mapping *entry = map(&synced, 64, lens[i],
						  BOUNCE_BIDIRECTIONAL);
		size_t count = bad_parts(lens[i], bad);
		struct picture before;

		model_scribble(&synced.model);
		before = picture_take(&synced.bench);
		for (size_t j = 0; j < count; j++) {
			cr_expect_eq(sync_one(&synced, true, entry,
					      bad[j].offset, bad[j].len),
				     BOUNCE_ERR_ARG, "len %lu, row %zu",
				     lens[i], j);
			cr_expect_eq(sync_one(&synced, false, entry,
					      bad[j].offset, bad[j].len),
				     BOUNCE_ERR_ARG, "len %lu, row %zu",
				     lens[i], j);
		}
		cr_expect(picture_same(&before), "len %lu", lens[i]);
		picture_drop(&before);
		unmap(&synced, entry, 0);
	}
	synced_end(&synced);
}

/* A11. */
Test(sync, the_wrong_direction_is_refused_and_nothing_is_copied)
{
	const uint32_t from[] = { BOUNCE_FROM_DEVICE,
				  BOUNCE_FROM_DEVICE | BOUNCE_ZERO,
				  BOUNCE_FROM_DEVICE | BOUNCE_PRESERVE };
	struct synced synced;
	struct model_mapping *entry;
	struct picture before;

	synced_begin(&synced);
	for (int i = 0; i < 3; i++) {
		entry = map(&synced, 0, 500, from[i]);
		model_scribble(&synced.model);
		before = picture_take(&synced.bench);
		cr_expect_eq(sync_one(&synced, false, entry, 0, 500),
			     BOUNCE_ERR_ARG, "row %d", i);
		cr_expect(picture_same(&before), "row %d", i);
		picture_drop(&before);
		unmap(&synced, entry, 0);
	}
	entry = map(&synced, 0, 500, BOUNCE_TO_DEVICE);
	model_scribble(&synced.model);
	before = picture_take(&synced.bench);
	cr_expect_eq(sync_one(&synced, true, entry, 0, 500), BOUNCE_ERR_ARG);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	unmap(&synced, entry, 0);
	synced_end(&synced);
}

Test(sync, a_null_pointer_is_refused)
{
	struct synced synced;
	struct model_mapping *entry;

	synced_begin(&synced);
	entry = map(&synced, 0, 500, BOUNCE_BIDIRECTIONAL);
	cr_expect_eq(bounce_sync_for_cpu(NULL, &entry->handle, 0, 1),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_sync_for_cpu(synced.device.queue, NULL, 0, 1),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_sync_for_device(NULL, &entry->handle, 0, 1),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_sync_for_device(synced.device.queue, NULL, 0, 1),
		     BOUNCE_ERR_ARG);
	unmap(&synced, entry, 0);
	synced_end(&synced);
}

Test(sync, after_unmap_it_is_stale_and_nothing_is_copied)
{
	struct synced synced;
	struct model_mapping *entry;
	struct picture before;

	synced_begin(&synced);
	entry = map(&synced, 0, 500, BOUNCE_BIDIRECTIONAL);
	unmap(&synced, entry, 500);
	model_scribble(&synced.model);
	before = picture_take(&synced.bench);
	cr_expect_eq(sync_one(&synced, true, entry, 0, 500), BOUNCE_ERR_STALE);
	cr_expect_eq(sync_one(&synced, false, entry, 0, 500), BOUNCE_ERR_STALE);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	synced_end(&synced);
}

/* What happens when 8191 CPUs are inside: the count is put there by hand. */
Test(sync, too_many_at_once_is_busy_and_nothing_is_copied)
{
	struct synced synced;
	struct model_mapping *entry;
	struct bounce_record *record;
	struct picture before;

	synced_begin(&synced);
	entry = map(&synced, 0, 500, BOUNCE_BIDIRECTIONAL);
	record = &synced.bench.bounce->record[entry->handle.record];
	atomic_fetch_add_explicit(&record->state,
				  RECORD_BUSY_MAX * RECORD_BUSY_ONE,
				  memory_order_relaxed);
	model_scribble(&synced.model);
	before = picture_take(&synced.bench);
	cr_expect_eq(sync_one(&synced, true, entry, 0, 500), BOUNCE_ERR_BUSY);
	cr_expect_eq(sync_one(&synced, false, entry, 0, 500), BOUNCE_ERR_BUSY);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	atomic_fetch_sub_explicit(&record->state,
				  RECORD_BUSY_MAX * RECORD_BUSY_ONE,
				  memory_order_relaxed);
	sync_part(&synced, entry, 0, 500);
	unmap(&synced, entry, 0);
	synced_end(&synced);
}

/* Whoever is inside a sync when the mapping ends releases the run. */
Test(sync, unmap_while_it_is_held_leaves_the_run_to_the_last_one_out)
{
	struct synced synced;
	struct model_mapping *entry;
	struct bounce_record *record;
	struct bounce_pool_stats stats;
	synced_begin(&synced);
	entry = map(&synced, 0, 5000, BOUNCE_BIDIRECTIONAL);
	record = &synced.bench.bounce->record[entry->handle.record];
	cr_assert_eq(bounce_record_pin(record, entry->handle.key &
						       RECORD_GENERATION_MAX),
		     BOUNCE_OK);
	cr_expect_eq(bounce_unmap(synced.device.queue, &entry->handle, 0),
		     BOUNCE_OK);
	bounce_pool_stats(synced.bench.pool, &stats);
	cr_expect_eq(stats.slots_free, 62, "somebody is still inside");
	cr_expect_eq(bounce_unmap(synced.device.queue, &entry->handle, 0),
		     BOUNCE_ERR_STALE);
	cr_expect_eq(sync_one(&synced, true, entry, 0, 1), BOUNCE_ERR_STALE);
	cr_expect(bounce_record_unpin(record), "the last one out");
	bench_discard(&synced.bench);
	model_fini(&synced.model);
}

/* A17: what the device changed is not sent back, nor what the CPU changed. */
Test(sync, taking_a_part_exports_nothing)
{
	struct synced synced;
	struct model_mapping *entry;
	const char *wrong;

	synced_begin(&synced);
	entry = map(&synced, 0, 3000, BOUNCE_BIDIRECTIONAL);
	model_scribble(&synced.model);
	model_secret(&synced.model, entry->private_at, 3000);
	for (uint64_t offset = 0; offset < 3000; offset += 500) {
		cr_assert_eq(sync_one(&synced, true, entry, offset, 250),
			     BOUNCE_OK);
		wrong = model_sync(&synced.model, entry, offset, 250, true);
		cr_assert_null(wrong, "%s", wrong);
	}
	unmap(&synced, entry, 1);
	synced_end(&synced);
}

Test(sync, bytes_taken_early_are_not_taken_again_by_unmap_of_0)
{
	struct synced synced;
	struct model_mapping *entry;
	const char *wrong;

	synced_begin(&synced);
	entry = map(&synced, 0, 2000, BOUNCE_FROM_DEVICE);
	model_scribble(&synced.model);
	cr_assert_eq(sync_one(&synced, true, entry, 100, 50), BOUNCE_OK);
	wrong = model_sync(&synced.model, entry, 100, 50, true);
	cr_assert_null(wrong, "%s", wrong);
	model_scribble(&synced.model);
	unmap(&synced, entry, 0);
	synced_end(&synced);
}

/* A mapping of the caller's own pages has nothing to copy, but is checked. */
Test(sync, a_direct_mapping_copies_nothing_and_is_checked_all_the_same)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct bounce_buf buf;
	struct picture before;

	knobs.protection = BOUNCE_PROTECTION_NO;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 4096);
	cr_assert_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE,
				&handle),
		     BOUNCE_OK);
	cr_assert_eq(handle.bus.v, buf.gpa.v);
	before = picture_take(&bench);
	cr_expect_eq(bounce_sync_for_device(bench.queue[0], &handle, 0, 4096),
		     BOUNCE_OK);
	cr_expect_eq(bounce_sync_for_device(bench.queue[0], &handle, 4095, 1),
		     BOUNCE_OK);
	cr_expect_eq(bounce_sync_for_device(bench.queue[0], &handle, 0, 4097),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_sync_for_cpu(bench.queue[0], &handle, 0, 1),
		     BOUNCE_ERR_ARG);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 0), BOUNCE_OK);
	cr_expect_eq(bounce_sync_for_device(bench.queue[0], &handle, 0, 1),
		     BOUNCE_ERR_STALE);
	bench_fini(&bench);
}

Test(sync, its_bytes_are_counted)
{
	struct synced synced;
	struct model_mapping *entry;
	struct bounce_device_stats stats;

	synced_begin(&synced);
	entry = map(&synced, 0, 1000, BOUNCE_BIDIRECTIONAL);
	cr_assert_eq(sync_one(&synced, false, entry, 10, 20), BOUNCE_OK);
	cr_assert_eq(sync_one(&synced, true, entry, 10, 7), BOUNCE_OK);
	cr_assert_eq(sync_one(&synced, true, entry, 10, 0), BOUNCE_ERR_ARG);
	bounce_device_stats(synced.bench.device[0], &stats);
	cr_expect_eq(stats.bytes_to, 1000 + 20);
	cr_expect_eq(stats.bytes_from, 7);
	cr_expect_eq(stats.other, 1);
	cr_expect_eq(bounce_unmap(synced.device.queue, &entry->handle, 0),
		     BOUNCE_OK);
	synced_end(&synced);
}
