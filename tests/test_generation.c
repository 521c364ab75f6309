/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_generation.c - the generation of a record never comes round: the last
 * one retires the record, and its run with it (R5; attack B10).
 *
 * Generations are put near the end by hand.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "instance.h"
#include "support.h"

/* One live mapping of each kind. */
enum kind {
	KIND_SLOTS, /* bounced through slots */
	KIND_GRANULES, /* bounced through granules */
	KIND_SHARED, /* memory of bounce_alloc() */
	KIND_BORN, /* a mapping inside such memory */
	KIND_DIRECT, /* the caller's own pages */
	KINDS,
};

struct lives {
	struct bench bench;
	struct bounce_device *open; /* its verdict is DIRECT */
	struct bounce_queue *queue[KINDS];
	struct bounce_mapping handle[KINDS];
};

static enum bounce_err end_one(struct bounce_queue *queue, enum kind kind,
			       const struct bounce_mapping *handle)
{
	return kind == KIND_SHARED ? bounce_free(queue, handle) :
				     bounce_unmap(queue, handle, 0);
}

/* An attested device is let at the caller's own pages. */
static struct bounce_device *attach_open(struct bench *bench)
{
	struct bounce_device_info info = bench->knobs.info;
	struct bounce_device *device = NULL;

	info.space = bench->space;
	info.flags |= BOUNCE_DEVICE_ATTESTED;
	cr_assert_eq(bounce_device_attach(bench->bounce, &info, &device, NULL),
		     BOUNCE_OK);
	return device;
}

static void map_all(struct lives *lives)
{
	const struct bounce_buf large = bench_buf(&lives->bench, 0, 9000);
	const struct bounce_buf small = bench_buf(&lives->bench, 16384, 100);
	const struct bounce_buf direct = bench_buf(&lives->bench, 20480, 4096);
	struct bounce_buf born;

	cr_assert_eq(bounce_map(lives->queue[KIND_SLOTS], &large,
				BOUNCE_BIDIRECTIONAL,
				&lives->handle[KIND_SLOTS]),
		     BOUNCE_OK);
	cr_assert_eq(bounce_map(lives->queue[KIND_GRANULES], &small,
				BOUNCE_BIDIRECTIONAL,
				&lives->handle[KIND_GRANULES]),
		     BOUNCE_OK);
	cr_assert_eq(bounce_alloc(lives->queue[KIND_SHARED], 8192, 0, 0, &born,
				  &lives->handle[KIND_SHARED]),
		     BOUNCE_OK);
	born.gpa.v += 64;
	born.ptr = (unsigned char *)born.ptr + 64;
	born.len = 500;
	cr_assert_eq(bounce_map(lives->queue[KIND_BORN], &born,
				BOUNCE_BIDIRECTIONAL,
				&lives->handle[KIND_BORN]),
		     BOUNCE_OK);
	cr_assert_eq(bounce_map(lives->queue[KIND_DIRECT], &direct,
				BOUNCE_BIDIRECTIONAL,
				&lives->handle[KIND_DIRECT]),
		     BOUNCE_OK);
}

static void lives_begin(struct lives *lives)
{
	struct bench_knobs knobs = bench_usual();

	knobs.devices = 2;
	knobs.queues = 2;
	knobs.more_devices = 1;
	bench_init(&lives->bench, &knobs);
	lives->open = attach_open(&lives->bench);
	for (int i = 0; i < KINDS; i++)
		lives->queue[i] = lives->bench.queue[0];
	lives->queue[KIND_DIRECT] = bounce_device_queue(lives->open, 0);
	map_all(lives);
	for (int i = 0; i < KINDS; i++)
		cr_assert(bounce_mapping_valid(lives->queue[i],
					       &lives->handle[i]));
	cr_assert_geq(lives->handle[KIND_GRANULES].record,
		      lives->bench.bounce->first_block_record);
	cr_assert_geq(lives->handle[KIND_DIRECT].record,
		      lives->bench.bounce->first_direct_record);
}

/* Every call that takes a handle calls this one stale. */
static bool refused(struct bounce_queue *queue,
		    const struct bounce_mapping *handle)
{
	return bounce_unmap(queue, handle, 0) == BOUNCE_ERR_STALE &&
	       bounce_unmap(queue, handle, 1) == BOUNCE_ERR_STALE &&
	       bounce_unmap(queue, handle, UINT64_MAX) == BOUNCE_ERR_STALE &&
	       bounce_free(queue, handle) == BOUNCE_ERR_STALE &&
	       bounce_sync_for_device(queue, handle, 0, 1) ==
		       BOUNCE_ERR_STALE &&
	       bounce_sync_for_cpu(queue, handle, 0, 1) == BOUNCE_ERR_STALE &&
	       !bounce_mapping_valid(queue, handle);
}

static void set_generation(struct bounce_record *record, uint64_t generation)
{
	atomic_store_explicit(&record->state,
			      generation << RECORD_GENERATION_SHIFT,
			      memory_order_relaxed);
}

static uint64_t slots_free(const struct bench *bench)
{
	struct bounce_pool_stats stats;

	bounce_pool_stats(bench->pool, &stats);
	return stats.slots_free;
}

Test(generation, the_last_one_is_a_good_one)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	const uint64_t last = RECORD_GENERATION_MAX;
	struct bounce_buf buf;
	struct bounce_mapping handle;

	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 4096);
	for (uint32_t i = 0; i < bench.bounce->records; i++)
		set_generation(&bench.bounce->record[i], last - 2);
	cr_assert_eq(bounce_map(bench.queue[0], &buf, BOUNCE_FROM_DEVICE,
				&handle),
		     BOUNCE_OK);
	cr_expect_eq(handle.key & last, last - 1);
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 0), BOUNCE_OK);
	cr_expect_eq(slots_free(&bench), 256, "not the last one yet");
	cr_assert_eq(bounce_map(bench.queue[0], &buf, BOUNCE_FROM_DEVICE,
				&handle),
		     BOUNCE_OK);
	cr_expect_eq(handle.key & last, last);
	cr_expect(bounce_mapping_valid(bench.queue[0], &handle));
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 0), BOUNCE_OK);
	cr_expect(refused(bench.queue[0], &handle));
	bench_discard(&bench);
}

Test(generation, a_record_that_would_wrap_retires_with_its_run)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_buf buf;
	struct bounce_mapping last;
	struct bounce_mapping next;

	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 3 * 4096);
	for (uint32_t i = 0; i < bench.bounce->records; i++)
		set_generation(&bench.bounce->record[i],
			       RECORD_GENERATION_MAX - 1);
	cr_assert_eq(bounce_map(bench.queue[0], &buf, BOUNCE_FROM_DEVICE,
				&last),
		     BOUNCE_OK);
	cr_assert_eq(bounce_unmap(bench.queue[0], &last, 0), BOUNCE_OK);
	cr_expect_eq(slots_free(&bench), 256 - 3, "the run is not free again");
	cr_assert_eq(bounce_map(bench.queue[0], &buf, BOUNCE_FROM_DEVICE,
				&next),
		     BOUNCE_OK);
	cr_expect(next.bus.v >= last.bus.v + 3 * 4096 ||
			  next.bus.v + 3 * 4096 <= last.bus.v,
		  "nor used again");
	cr_expect(refused(bench.queue[0], &last));
	cr_expect_eq(bounce_unmap(bench.queue[0], &next, 0), BOUNCE_OK);
	cr_expect(bounce_valid(bench.bounce));
	bench_discard(&bench);
}

/* Every run of the pool wears out; the pool says FULL, and never reuses one. */
Test(generation, a_pool_whose_records_are_used_up_is_full)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_buf buf;
	struct bounce_mapping handle;

	knobs.chunks = 1;
	knobs.blocks = 0;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 4096);
	for (uint32_t i = 0; i < bench.bounce->records; i++)
		set_generation(&bench.bounce->record[i],
			       RECORD_GENERATION_MAX - 1);
	for (int i = 0; i < 64; i++) {
		cr_assert_eq(bounce_map(bench.queue[0], &buf,
					BOUNCE_FROM_DEVICE, &handle),
			     BOUNCE_OK, "slot %d", i);
		cr_assert_eq(bounce_unmap(bench.queue[0], &handle, 0),
			     BOUNCE_OK);
	}
	cr_expect_eq(bounce_map(bench.queue[0], &buf, BOUNCE_FROM_DEVICE,
				&handle),
		     BOUNCE_ERR_FULL);
	cr_expect_eq(slots_free(&bench), 0);
	cr_expect(bounce_valid(bench.bounce));
	bench_discard(&bench);
}

Test(generation, granules_and_direct_records_retire_too)
{
	struct lives lives;
	struct bounce_mapping old[KINDS];

	lives_begin(&lives);
	memcpy(old, lives.handle, sizeof(old));
	for (int i = KIND_BORN; i >= KIND_SLOTS; i--)
		cr_assert_eq(end_one(lives.queue[i], (enum kind)i, &old[i]),
			     BOUNCE_OK);
	cr_assert_eq(bounce_unmap(lives.queue[KIND_DIRECT], &old[KIND_DIRECT],
				  0),
		     BOUNCE_OK);
	for (uint32_t i = 0; i < lives.bench.bounce->records; i++)
		set_generation(&lives.bench.bounce->record[i],
			       RECORD_GENERATION_MAX - 1);
	map_all(&lives);
	memcpy(old, lives.handle, sizeof(old));
	for (int i = KIND_BORN; i >= KIND_SLOTS; i--)
		cr_assert_eq(end_one(lives.queue[i], (enum kind)i, &old[i]),
			     BOUNCE_OK);
	cr_assert_eq(bounce_unmap(lives.queue[KIND_DIRECT], &old[KIND_DIRECT],
				  0),
		     BOUNCE_OK);
	map_all(&lives);
	for (int kind = 0; kind < KINDS; kind++) {
		cr_expect_neq(old[kind].record, lives.handle[kind].record,
			      "kind %d", kind);
		cr_expect(refused(lives.queue[kind], &old[kind]), "kind %d",
			  kind);
	}
	bench_discard(&lives.bench);
}

/* The device may go, the run stays: with it the slab, and so the pool. */
Test(generation, a_worn_out_run_outlives_its_device_and_keeps_the_pool)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_buf buf;
	struct bounce_mapping last;

	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 3 * 4096);
	for (uint32_t i = 0; i < bench.bounce->records; i++)
		set_generation(&bench.bounce->record[i],
			       RECORD_GENERATION_MAX - 1);
	cr_assert_eq(bounce_map(bench.queue[0], &buf, BOUNCE_FROM_DEVICE,
				&last),
		     BOUNCE_OK);
	cr_assert_eq(bounce_unmap(bench.queue[0], &last, 0), BOUNCE_OK);
	cr_expect_eq(bounce_device_detach(bench.device[0]), BOUNCE_OK);
	cr_expect(bounce_valid(bench.bounce));
	cr_assert_eq(bounce_space_fini(bench.space), BOUNCE_OK);
	cr_expect_eq(bounce_pool_fini(bench.pool), BOUNCE_ERR_BUSY);
	cr_expect_eq(bounce_fini(bench.bounce), BOUNCE_ERR_BUSY);
	bench_discard(&bench);
}

/* R5: what was reserved is gone with its record, and is nobody's mapping. */
Test(generation, a_commit_by_the_last_one_is_stale)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct bounce_mapping old;
	struct bounce_buf buf;

	bench_init(&bench, &knobs);
	for (uint32_t i = 0; i < bench.bounce->records; i++)
		set_generation(&bench.bounce->record[i],
			       RECORD_GENERATION_MAX - 1);
	cr_assert_eq(bounce_reserve(bench.queue[0], 8192, &buf, &handle),
		     BOUNCE_OK);
	old = handle;
	cr_expect_eq(bounce_commit(bench.queue[0], &handle, 100),
		     BOUNCE_ERR_STALE);
	cr_expect_arr_eq(&handle, &old, sizeof(old), "written on success only");
	cr_expect(refused(bench.queue[0], &old));
	cr_expect_eq(slots_free(&bench), 256 - 2);
	cr_expect(bounce_valid(bench.bounce));
	bench_discard(&bench);
}
