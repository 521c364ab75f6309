/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_revoke.c - bounce_device_revoke() and bounce_device_quiesced(): a device
 * is reset or gone, and may still write. bounce_device_negotiate() is in
 * test_negotiate.c.
 */
#include "calls.h"
#include "model.h"

/* One mapping of every kind, of device 0. */
enum kind {
	GRANULES,
	SLOT,
	SLOTS,
	LARGE, /* more than a chunk */
	BORN, /* born shared */
	INSIDE, /* a mapping of a part of that */
	COMMITTED,
	KINDS,
};

struct held {
	struct bench bench;
	struct bounce_mapping mapping[KINDS];
	struct born born;
	unsigned char *shared[KINDS];
};

#define PRIVATE (512 * 1024)

static struct bounce_mapping commit_ok(struct bounce_queue *queue)
{
	struct born born = reserve_ok(queue, 9000);

	cr_assert_eq(bounce_commit(queue, &born.handle, 5000), BOUNCE_OK);
	return born.handle;
}

static void hold(struct held *held)
{
	static const uint64_t lens[] = { 100, 4096, 20000, 300000 };
	struct bounce_queue *queue = held->bench.queue[0];
	struct bounce_buf part;

	for (uint32_t i = GRANULES; i <= LARGE; i++)
		held->mapping[i] = map_ok(queue,
					  bench_buf(&held->bench, 9, lens[i]),
					  BOUNCE_BIDIRECTIONAL);
	held->born = alloc_ok(queue, 8192);
	held->mapping[BORN] = held->born.handle;
	part = held->born.buf;
	part.len = 5000;
	held->mapping[INSIDE] = map_ok(queue, part, BOUNCE_BIDIRECTIONAL);
	held->mapping[COMMITTED] = commit_ok(queue);
	for (uint32_t i = 0; i < KINDS; i++)
		held->shared[i] = bench_at_bus(&held->bench,
					       held->mapping[i].bus,
					       held->mapping[i].len);
}

static void begin(struct held *held)
{
	struct bench_knobs knobs = bench_usual();

	knobs.devices = 2;
	knobs.private_bytes = PRIVATE;
	bench_init(&held->bench, &knobs);
	hold(held);
}

static void quiesce(struct held *held)
{
	cr_assert_eq(bounce_device_quiesced(held->bench.device[0]), BOUNCE_OK);
	cr_expect(bounce_valid(held->bench.bounce));
}

/* Whatever is done with a handle is STALE, and copies nothing. */
static void expect_stale(struct held *held, const struct bounce_mapping *handle)
{
	struct bounce_queue *queue = held->bench.queue[0];
	struct bounce_mapping copy = *handle;
	struct picture before = picture_take(&held->bench);

	cr_expect_eq(bounce_unmap(queue, handle, 0), BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_unmap(queue, handle, 1), BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_unmap(queue, handle, UINT64_MAX), BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_sync_for_cpu(queue, handle, 0, 1),
		     BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_sync_for_device(queue, handle, 0, 1),
		     BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_free(queue, handle), BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_commit(queue, &copy, 1), BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_mapping_find(queue, handle->bus, &copy),
		     BOUNCE_ERR_STALE);
	cr_expect_not(bounce_mapping_valid(queue, handle));
	cr_expect(picture_same(&before));
	picture_drop(&before);
}

/* ---- bounce_device_revoke() ---- */

Test(revoke, every_mapping_and_all_born_shared_memory_end_now)
{
	struct held held;

	begin(&held);
	for (uint32_t i = 0; i < KINDS; i++)
		cr_assert(bounce_mapping_valid(held.bench.queue[0],
					       &held.mapping[i]));
	bounce_device_revoke(held.bench.device[0]);
	for (uint32_t i = 0; i < KINDS; i++) {
		/* The device writes on. */
		memset(held.shared[i], 0x66, held.mapping[i].len);
		expect_stale(&held, &held.mapping[i]);
	}
	quiesce(&held);
	for (uint32_t i = 0; i < KINDS; i++)
		expect_stale(&held, &held.mapping[i]);
	cr_expect_eq(slots_free(&held.bench), 256);
	bench_fini(&held.bench);
}

Test(revoke, direct_mappings_end_too)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping mapping[16];
	struct bounce_buf buf;

	knobs.info.flags = BOUNCE_DEVICE_ATTESTED;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 5000);
	for (uint32_t i = 0; i < 16; i++)
		mapping[i] = map_ok(bench.queue[0], buf, BOUNCE_FROM_DEVICE);
	bounce_device_revoke(bench.device[0]);
	for (uint32_t i = 0; i < 16; i++)
		cr_expect_eq(bounce_unmap(bench.queue[0], &mapping[i], 1),
			     BOUNCE_ERR_STALE);
	cr_assert_eq(bounce_device_quiesced(bench.device[0]), BOUNCE_OK);
	/* Their records are free again: the table has no others. */
	for (uint32_t i = 0; i < 16; i++)
		mapping[i] = map_ok(bench.queue[0], buf, BOUNCE_FROM_DEVICE);
	for (uint32_t i = 0; i < 16; i++)
		unmap_ok(bench.queue[0], &mapping[i], 0);
	bench_fini(&bench);
}

Test(revoke, every_map_is_stale_until_the_device_is_quiesced)
{
	struct held held;
	struct bounce_segment segment;
	struct bounce_queue *queue;
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct picture before;
	uint32_t count = 1;

	begin(&held);
	queue = held.bench.queue[0];
	bounce_device_revoke(held.bench.device[0]);
	before = picture_take(&held.bench);
	buf = bench_buf(&held.bench, 0, 100);
	segment = (struct bounce_segment) { .buf = buf, .how = 1 };
	cr_expect_eq(bounce_map(queue, &buf, 1, &mapping), BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_map(queue, &held.born.buf, 1, &mapping),
		     BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_map_sg(queue, &segment, 1, 0), BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_map_list(queue, &buf, 1, &segment, &count),
		     BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_alloc(queue, 1, 0, 0, &buf, &mapping),
		     BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_reserve(queue, 1, &buf, &mapping),
		     BOUNCE_ERR_STALE);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	quiesce(&held);
	bench_fini(&held.bench);
}

Test(revoke, twice_is_harmless)
{
	struct held held;
	struct picture before;

	begin(&held);
	bounce_device_revoke(held.bench.device[0]);
	before = picture_take(&held.bench);
	bounce_device_revoke(held.bench.device[0]);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	quiesce(&held);
	cr_expect_eq(slots_free(&held.bench), 256);
	bench_fini(&held.bench);
}

Test(revoke, no_other_device_is_touched)
{
	struct held held;
	struct bounce_queue *queue;
	struct bounce_mapping mapping[2];
	struct born born;

	begin(&held);
	queue = held.bench.queue[1];
	mapping[0] = map_ok(queue, bench_buf(&held.bench, 400000, 100),
			    BOUNCE_BIDIRECTIONAL);
	mapping[1] = map_ok(queue, bench_buf(&held.bench, 410000, 5000),
			    BOUNCE_BIDIRECTIONAL);
	born = alloc_ok(queue, 100);
	bounce_device_revoke(held.bench.device[0]);
	cr_expect_eq(bounce_sync_for_cpu(queue, &mapping[0], 0, 100),
		     BOUNCE_OK);
	quiesce(&held);
	cr_expect(bounce_mapping_valid(queue, &born.handle));
	unmap_ok(queue, &mapping[0], 100);
	unmap_ok(queue, &mapping[1], 5000);
	free_ok(queue, &born);
	bench_fini(&held.bench);
}

/* ---- the quarantine ---- */

static bool overlaps(const struct bounce_mapping *a,
		     const struct bounce_mapping *b)
{
	return bounce_overlaps(a->bus.v, a->len, b->bus.v, b->len);
}

Test(revoke, no_run_is_used_again_before_the_device_is_quiesced)
{
	struct held held;
	struct bounce_mapping mapping[256];
	uint64_t free;
	uint32_t count = 0;

	begin(&held);
	free = slots_free(&held.bench);
	bounce_device_revoke(held.bench.device[0]);
	cr_expect_eq(slots_free(&held.bench), free);
	while (count < 256) {
		struct bounce_buf buf = bench_buf(&held.bench, 0, 4096);

		if (bounce_map(held.bench.queue[1], &buf, BOUNCE_FROM_DEVICE,
			       &mapping[count]) != BOUNCE_OK)
			break;
		for (uint32_t i = 0; i < KINDS; i++)
			cr_assert_not(
				overlaps(&mapping[count], &held.mapping[i]));
		count++;
	}
	cr_expect_eq(count, free);
	/* The device that was revoked does no harm to them. */
	for (uint32_t i = 0; i < KINDS; i++)
		memset(held.shared[i], 0x66, held.mapping[i].len);
	quiesce(&held);
	for (uint32_t i = 0; i < count; i++)
		unmap_ok(held.bench.queue[1], &mapping[i], 4096);
	cr_expect(all_bytes_are(bench_private(&held.bench, 0), 0, 4096));
	cr_expect_eq(slots_free(&held.bench), 256);
	bench_fini(&held.bench);
}

Test(revoke, what_the_device_wrote_late_is_scrubbed_for_another_owner)
{
	struct held held;
	struct born all;

	begin(&held);
	bounce_device_revoke(held.bench.device[0]);
	for (uint32_t i = 0; i < KINDS; i++)
		memset(held.shared[i], 0x66, held.mapping[i].len);
	quiesce(&held);
	slots_free(&held.bench); /* empty split slots go back */
	all = alloc_ok(held.bench.queue[1], 256 * 4096);
	cr_expect(all_bytes_are(all.buf.ptr, 0, 256 * 4096));
	free_ok(held.bench.queue[1], &all);
	bench_fini(&held.bench);
}

Test(revoke, the_device_is_usable_again_after_it_was_quiesced)
{
	struct held held;

	begin(&held);
	for (int round = 0; round < 5; round++) {
		struct bounce_mapping old[KINDS];

		memcpy(old, held.mapping, sizeof(old));
		bounce_device_revoke(held.bench.device[0]);
		quiesce(&held);
		cr_expect_eq(slots_free(&held.bench), 256);
		hold(&held);
		for (uint32_t i = 0; i < KINDS; i++) {
			cr_expect(bounce_mapping_valid(held.bench.queue[0],
						       &held.mapping[i]));
			cr_expect_not(bounce_mapping_valid(held.bench.queue[0],
							   &old[i]));
		}
	}
	bounce_device_revoke(held.bench.device[0]);
	quiesce(&held);
	bench_fini(&held.bench);
}

/* ---- bounce_device_quiesced() ---- */

Test(quiesced, of_a_device_that_was_not_revoked_is_refused)
{
	struct held held;
	struct picture before;

	begin(&held);
	before = picture_take(&held.bench);
	cr_expect_eq(bounce_device_quiesced(held.bench.device[0]),
		     BOUNCE_ERR_ARG);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	bounce_device_revoke(held.bench.device[0]);
	cr_expect_eq(bounce_device_quiesced(held.bench.device[1]),
		     BOUNCE_ERR_ARG);
	quiesce(&held);
	cr_expect_eq(bounce_device_quiesced(held.bench.device[0]),
		     BOUNCE_ERR_ARG, "twice");
	bench_fini(&held.bench);
}

static struct bounce_record *record_of(struct held *held, uint32_t kind)
{
	return &held->bench.bounce->record[held->mapping[kind].record];
}

Test(quiesced, while_a_cpu_is_inside_a_sync_is_busy)
{
	static const uint64_t slots[KINDS] = { 1, 1, 5, 74, 2, 2, 2 };
	struct held held;

	/* INSIDE is held by no sync: there is nothing to copy. */
	for (uint32_t kind = 0; kind < KINDS; kind++) {
		struct bounce_record *record;
		uint64_t generation;

		begin(&held);
		record = record_of(&held, kind);
		generation = held.mapping[kind].key & RECORD_GENERATION_MAX;
		cr_assert_eq(bounce_record_pin(record, generation), BOUNCE_OK);
		bounce_device_revoke(held.bench.device[0]);
		for (int again = 0; again < 2; again++) {
			cr_expect_eq(
				bounce_device_quiesced(held.bench.device[0]),
				BOUNCE_ERR_BUSY, "kind %u", kind);
			/* What was released stays so; it holds its own. */
			cr_expect_eq(slots_free(&held.bench), 256 - slots[kind],
				     "kind %u", kind);
			expect_stale(&held, &held.mapping[kind]);
		}
		cr_expect_not(bounce_record_unpin(record));
		quiesce(&held);
		cr_expect_eq(slots_free(&held.bench), 256);
		bench_fini(&held.bench);
	}
}

Test(quiesced, while_a_cpu_is_inside_an_unmap_is_busy)
{
	struct held held;
	struct bounce_record *record;
	struct record_about about;

	begin(&held);
	record = record_of(&held, SLOTS);
	about = record_unpack(
		atomic_load_explicit(&record->about, memory_order_relaxed));
	/* It has won the mapping, and copies. */
	cr_assert_eq(bounce_record_end(record,
				       held.mapping[SLOTS].key &
					       RECORD_GENERATION_MAX,
				       false),
		     BOUNCE_OK);
	bounce_device_revoke(held.bench.device[0]);
	cr_expect_eq(bounce_device_quiesced(held.bench.device[0]),
		     BOUNCE_ERR_BUSY);
	cr_expect_eq(slots_free(&held.bench), 251);
	bounce_mapping_leave(held.bench.bounce, held.mapping[SLOTS].record,
			     &about, 0);
	quiesce(&held);
	cr_expect_eq(slots_free(&held.bench), 256);
	bench_fini(&held.bench);
}

Test(quiesced, while_a_sync_outlives_its_unmap_is_busy)
{
	struct held held;
	struct bounce_record *record;
	struct record_about about;

	begin(&held);
	record = record_of(&held, SLOT);
	about = record_unpack(
		atomic_load_explicit(&record->about, memory_order_relaxed));
	cr_assert_eq(bounce_record_pin(record, held.mapping[SLOT].key &
						       RECORD_GENERATION_MAX),
		     BOUNCE_OK);
	unmap_ok(held.bench.queue[0], &held.mapping[SLOT], 0);
	bounce_device_revoke(held.bench.device[0]);
	cr_expect_eq(bounce_device_quiesced(held.bench.device[0]),
		     BOUNCE_ERR_BUSY);
	bounce_mapping_leave(held.bench.bounce, held.mapping[SLOT].record,
			     &about, 0);
	quiesce(&held);
	cr_expect_eq(slots_free(&held.bench), 256);
	bench_fini(&held.bench);
}

/* M1: the other device uses it where it is, and need not be reset. */
Test(quiesced, while_another_device_has_a_mapping_of_its_memory_is_busy)
{
	struct bounce_mapping mapping;
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born born;
	uint64_t all;

	knobs.devices = 2;
	bench_init(&bench, &knobs);
	all = slots_free(&bench);
	born = alloc_ok(bench.queue[0], 5000);
	mapping = map_ok(bench.queue[1], born.buf, BOUNCE_TO_DEVICE);
	bounce_device_revoke(bench.device[0]);
	for (int i = 0; i < 2; i++)
		cr_expect_eq(bounce_device_quiesced(bench.device[0]),
			     BOUNCE_ERR_BUSY);
	cr_expect_eq(slots_free(&bench), all - 2);
	unmap_ok(bench.queue[1], &mapping, 0);
	cr_expect_eq(bounce_device_quiesced(bench.device[0]), BOUNCE_OK);
	cr_expect_eq(slots_free(&bench), all);
	bench_fini(&bench);
}

Test(quiesced, lets_nothing_of_another_revoked_device_go)
{
	struct held held;
	struct bounce_mapping mapping;

	begin(&held);
	mapping = map_ok(held.bench.queue[1], bench_buf(&held.bench, 0, 9000),
			 BOUNCE_BIDIRECTIONAL);
	bounce_device_revoke(held.bench.device[0]);
	bounce_device_revoke(held.bench.device[1]);
	quiesce(&held);
	cr_expect_eq(slots_free(&held.bench), 256 - 3,
		     "the other one is in quarantine still");
	cr_expect_not(bounce_mapping_valid(held.bench.queue[1], &mapping));
	cr_assert_eq(bounce_device_quiesced(held.bench.device[1]), BOUNCE_OK);
	cr_expect_eq(slots_free(&held.bench), 256);
	bench_fini(&held.bench);
}

Test(quiesced, a_revoked_device_is_detached_only_afterwards)
{
	struct held held;

	begin(&held);
	bounce_device_revoke(held.bench.device[0]);
	cr_expect_eq(bounce_device_detach(held.bench.device[0]),
		     BOUNCE_ERR_BUSY);
	cr_expect_eq(bounce_device_negotiate(held.bench.device[0],
					     held.bench.knobs.info.features,
					     NULL),
		     BOUNCE_ERR_BUSY);
	quiesce(&held);
	bench_fini(&held.bench); /* detaches */
}

/* The window in which a map has claimed its run, and published nothing. */
Test(revoke, a_map_that_is_being_made_loses_and_its_run_is_free)
{
	static const uint64_t lens[] = { 100, 4096, 20000, 150000 };
	struct held held;

	begin(&held);
	for (uint32_t i = 0; i < 4; i++)
		for (uint32_t quiesced = 0; quiesced < 2; quiesced++) {
			struct bounce_request request = {
				.queue = held.bench.queue[0],
				.buf = bench_buf(&held.bench, 0, lens[i]),
				.how = BOUNCE_FROM_DEVICE,
			};
			struct bounce_prepared prepared;
			struct bounce_mapping mapping;

			cr_assert_eq(bounce_map_prepare(&request, &prepared),
				     BOUNCE_OK);
			bounce_device_revoke(held.bench.device[0]);
			if (quiesced != 0)
				cr_assert_eq(bounce_device_quiesced(
						     held.bench.device[0]),
					     BOUNCE_OK);
			cr_expect_eq(bounce_map_finish(&request, &prepared,
						       &mapping),
				     BOUNCE_ERR_STALE, "%lu bytes", lens[i]);
			if (quiesced == 0)
				quiesce(&held);
			cr_expect_eq(slots_free(&held.bench), 256);
			hold(&held);
		}
	bounce_device_revoke(held.bench.device[0]);
	quiesce(&held);
	bench_fini(&held.bench);
}
