/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_handle.c - the handle of a mapping: whatever is wrong with it, the
 * answer is STALE and nothing has changed (S4; attacks B05 to B13).
 *
 * "Nothing" is the instance's whole memory (counters and hints of the queues
 * left out), the whole arena, and so every private buffer.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "instance.h"
#include "model.h"
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

/* The true handles still end their mappings. */
static void lives_end(struct lives *lives)
{
	const enum kind order[] = { KIND_BORN, KIND_SHARED, KIND_SLOTS,
				    KIND_GRANULES, KIND_DIRECT };

	for (int i = 0; i < KINDS; i++)
		cr_expect_eq(end_one(lives->queue[order[i]], order[i],
				     &lives->handle[order[i]]),
			     BOUNCE_OK, "kind %d", order[i]);
	cr_expect_eq(bounce_device_detach(lives->open), BOUNCE_OK);
	bench_fini(&lives->bench);
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

Test(handle, every_single_bit_is_checked)
{
	struct lives lives;
	struct picture before;

	lives_begin(&lives);
	before = picture_take(&lives.bench);
	for (int kind = 0; kind < KINDS; kind++) {
		for (unsigned bit = 0; bit < 256; bit++) {
			struct bounce_mapping bad = lives.handle[kind];

			((unsigned char *)&bad)[bit / 8] ^=
				(unsigned char)(1u << bit % 8);
			cr_assert(refused(lives.queue[kind], &bad),
				  "kind %d, bit %u", kind, bit);
			cr_assert(picture_same(&before), "kind %d, bit %u",
				  kind, bit);
		}
	}
	picture_drop(&before);
	lives_end(&lives);
}

Test(handle, a_random_forgery_is_refused)
{
	struct lives lives;
	struct picture before;
	uint64_t random = 1;

	lives_begin(&lives);
	before = picture_take(&lives.bench);
	for (uint32_t i = 0; i < 20000; i++) {
		struct bounce_mapping bad = lives.handle[i % KINDS];

		/* Some fields stay true, so that others must be looked at. */
		if (i & 1)
			bad.record = (uint32_t)bench_below(
				&random, lives.bench.bounce->records + 8);
		if (i & 2)
			bad.bus.v = bench_random(&random);
		if (i & 4)
			bad.len = (uint32_t)bench_random(&random);
		if (i & 8)
			bad.key = bench_random(&random);
		if (i & 16)
			bad.reserved = bench_random(&random);
		if (memcmp(&bad, &lives.handle[i % KINDS], sizeof(bad)) == 0)
			continue;
		cr_assert(refused(lives.queue[i % KINDS], &bad), "round %u", i);
	}
	cr_expect(picture_same(&before));
	picture_drop(&before);
	lives_end(&lives);
}

Test(handle, fields_of_two_live_handles_do_not_mix)
{
	struct lives lives;
	struct picture before;

	lives_begin(&lives);
	before = picture_take(&lives.bench);
	for (int a = 0; a < KINDS; a++) {
		for (int b = 0; b < KINDS; b++) {
			struct bounce_mapping mixed = lives.handle[a];

			if (a == b)
				continue;
			mixed.record = lives.handle[b].record;
			cr_expect(refused(lives.queue[a], &mixed));
			mixed.key = lives.handle[b].key;
			cr_expect(refused(lives.queue[a], &mixed));
			mixed.len = lives.handle[b].len;
			cr_expect(refused(lives.queue[a], &mixed));
		}
	}
	cr_expect(picture_same(&before));
	picture_drop(&before);
	lives_end(&lives);
}

static uint64_t swapped(uint64_t x)
{
	return __builtin_bswap64(x);
}

Test(handle, byte_swapped_or_truncated_it_is_refused)
{
	struct lives lives;
	struct picture before;

	lives_begin(&lives);
	before = picture_take(&lives.bench);
	for (int kind = 0; kind < KINDS; kind++) {
		const struct bounce_mapping good = lives.handle[kind];
		struct bounce_mapping bad[9];

		for (int i = 0; i < 9; i++)
			bad[i] = good;
		bad[0].bus.v = swapped(good.bus.v);
		bad[1].key = swapped(good.key);
		bad[2].record = __builtin_bswap32(good.record);
		bad[3].len = __builtin_bswap32(good.len);
		bad[4] = (struct bounce_mapping) {
			.bus = { swapped(good.bus.v) },
			.key = swapped(good.key),
			.record = __builtin_bswap32(good.record),
			.len = __builtin_bswap32(good.len),
		};
		/* Cut off: only so many bytes of it were kept. */
		memset((unsigned char *)&bad[5] + 8, 0, 24);
		memset((unsigned char *)&bad[6] + 16, 0, 16);
		bad[7].bus.v += UINT64_C(1) << 32;
		bad[8].key &= UINT32_MAX;
		for (int i = 0; i < 9; i++)
			if (memcmp(&bad[i], &good, sizeof(good)) != 0)
				cr_expect(refused(lives.queue[kind], &bad[i]),
					  "kind %d, row %d", kind, i);
	}
	cr_expect(picture_same(&before));
	picture_drop(&before);
	lives_end(&lives);
}

Test(handle, of_all_zeros_or_all_ones_is_refused)
{
	struct lives lives;
	struct picture before;
	struct bounce_mapping zeros;
	struct bounce_mapping ones;

	lives_begin(&lives);
	memset(&zeros, 0, sizeof(zeros));
	memset(&ones, 0xff, sizeof(ones));
	before = picture_take(&lives.bench);
	cr_expect(refused(lives.queue[0], &zeros));
	cr_expect(refused(lives.queue[0], &ones));
	cr_expect(picture_same(&before));
	picture_drop(&before);
	lives_end(&lives);
}

Test(handle, ending_a_mapping_twice_is_refused)
{
	const enum kind order[] = { KIND_BORN, KIND_SHARED, KIND_SLOTS,
				    KIND_GRANULES, KIND_DIRECT };
	struct lives lives;

	lives_begin(&lives);
	for (int i = 0; i < KINDS; i++) {
		enum kind kind = order[i];
		struct picture before;

		cr_assert_eq(end_one(lives.queue[kind], kind,
				     &lives.handle[kind]),
			     BOUNCE_OK);
		before = picture_take(&lives.bench);
		cr_expect(refused(lives.queue[kind], &lives.handle[kind]),
			  "kind %d", kind);
		cr_expect(picture_same(&before), "kind %d", kind);
		picture_drop(&before);
	}
	map_all(&lives);
	lives_end(&lives);
}

/* B09: the slot and its record are the same, the generation is not. */
Test(handle, a_stale_handle_stays_stale_when_its_slot_is_used_again)
{
	enum {
		ROUNDS = 64
	};
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping old[ROUNDS];

	bench_init(&bench, &knobs);
	for (int i = 0; i < ROUNDS; i++) {
		const struct bounce_buf buf = bench_buf(&bench, 0, 4096);
		struct picture before;

		cr_assert_eq(bounce_map(bench.queue[0], &buf,
					BOUNCE_FROM_DEVICE, &old[i]),
			     BOUNCE_OK);
		cr_assert_eq(old[i].record, old[0].record, "the hot slot");
		cr_assert_eq(old[i].bus.v, old[0].bus.v);
		before = picture_take(&bench);
		for (int j = 0; j < i; j++)
			cr_assert(refused(bench.queue[0], &old[j]),
				  "handle %d in round %d", j, i);
		cr_assert(picture_same(&before));
		picture_drop(&before);
		cr_assert_eq(bounce_unmap(bench.queue[0], &old[i], 0),
			     BOUNCE_OK);
	}
	bench_fini(&bench);
}

Test(handle, another_lane_of_the_same_device_may_end_it)
{
	struct lives lives;
	struct bounce_queue *lane;

	lives_begin(&lives);
	lane = bounce_device_queue(lives.bench.device[0], 1);
	cr_assert_neq(lane, lives.queue[0]);
	for (int kind = 0; kind < KIND_DIRECT; kind++) {
		cr_expect(bounce_mapping_valid(lane, &lives.handle[kind]));
		lives.queue[kind] = lane;
	}
	cr_expect_eq(bounce_sync_for_cpu(lane, &lives.handle[KIND_SLOTS], 0, 1),
		     BOUNCE_OK);
	lives_end(&lives);
}

/* B07. */
Test(handle, another_device_cannot_use_it)
{
	struct lives lives;
	struct picture before;

	lives_begin(&lives);
	before = picture_take(&lives.bench);
	for (int kind = 0; kind < KINDS; kind++) {
		cr_expect(refused(lives.bench.queue[1], &lives.handle[kind]),
			  "kind %d", kind);
		if (kind != KIND_DIRECT)
			cr_expect(refused(lives.queue[KIND_DIRECT],
					  &lives.handle[kind]),
				  "kind %d", kind);
	}
	cr_expect(picture_same(&before));
	picture_drop(&before);
	lives_end(&lives);
}

/* Two instances with the same history, so that all indices are the same. */
Test(handle, another_instance_cannot_use_it)
{
	struct lives one;
	struct lives two;
	struct picture before;

	lives_begin(&one);
	lives_begin(&two);
	before = picture_take(&two.bench);
	for (int kind = 0; kind < KINDS; kind++)
		cr_expect(refused(two.queue[kind], &one.handle[kind]),
			  "kind %d", kind);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	lives_end(&one);
	lives_end(&two);
}

Test(handle, of_a_detached_device_is_refused_by_the_next_one_in_its_place)
{
	struct lives lives;
	struct bounce_mapping old[KINDS];
	const enum kind order[] = { KIND_BORN, KIND_SHARED, KIND_SLOTS,
				    KIND_GRANULES, KIND_DIRECT };
	struct picture before;

	lives_begin(&lives);
	memcpy(old, lives.handle, sizeof(old));
	for (int i = 0; i < KINDS; i++)
		cr_assert_eq(end_one(lives.queue[order[i]], order[i],
				     &lives.handle[order[i]]),
			     BOUNCE_OK);
	cr_assert_eq(bounce_device_detach(lives.open), BOUNCE_OK);
	lives.open = attach_open(&lives.bench);
	lives.queue[KIND_DIRECT] = bounce_device_queue(lives.open, 0);
	map_all(&lives);
	before = picture_take(&lives.bench);
	for (int kind = 0; kind < KINDS; kind++)
		cr_expect(refused(lives.queue[kind], &old[kind]), "kind %d",
			  kind);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	lives_end(&lives);
}

Test(handle, born_shared_memory_is_not_unmapped_and_a_mapping_not_freed)
{
	struct lives lives;
	struct picture before;

	lives_begin(&lives);
	before = picture_take(&lives.bench);
	cr_expect_eq(bounce_unmap(lives.queue[KIND_SHARED],
				  &lives.handle[KIND_SHARED], 0),
		     BOUNCE_ERR_STALE);
	for (int kind = 0; kind < KINDS; kind++)
		if (kind != KIND_SHARED)
			cr_expect_eq(bounce_free(lives.queue[kind],
						 &lives.handle[kind]),
				     BOUNCE_ERR_STALE, "kind %d", kind);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	lives_end(&lives);
}

Test(handle, a_null_pointer_is_the_callers_bug)
{
	struct lives lives;
	struct bounce_mapping *handle;
	struct picture before;

	lives_begin(&lives);
	handle = &lives.handle[KIND_SLOTS];
	before = picture_take(&lives.bench);
	cr_expect_eq(bounce_unmap(NULL, handle, 0), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_unmap(lives.queue[0], NULL, 0), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_free(NULL, handle), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_free(lives.queue[0], NULL), BOUNCE_ERR_ARG);
	cr_expect_not(bounce_mapping_valid(NULL, handle));
	cr_expect_not(bounce_mapping_valid(lives.queue[0], NULL));
	cr_expect(picture_same(&before));
	picture_drop(&before);
	lives_end(&lives);
}

/* ---- counting ---- */

Test(handle, each_refusal_is_counted_as_stale)
{
	struct lives lives;
	struct bounce_device_stats stats;
	struct bounce_mapping bad;

	lives_begin(&lives);
	bad = lives.handle[KIND_SLOTS];
	bad.reserved = 1;
	cr_expect_eq(bounce_unmap(lives.queue[0], &bad, 0), BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_free(lives.queue[0], &bad), BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_sync_for_cpu(lives.queue[0], &bad, 0, 1),
		     BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_sync_for_device(lives.queue[0], &bad, 0, 1),
		     BOUNCE_ERR_STALE);
	bounce_device_stats(lives.bench.device[0], &stats);
	cr_expect_eq(stats.stale, 4);
	cr_expect_eq(stats.unmaps, 0);
	cr_expect_eq(stats.other, 0);
	lives_end(&lives);
}
