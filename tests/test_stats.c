/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_stats.c - counters by lane and by size class, held to device.h: exact
 * when nobody works, and the classes add up.
 */
#include "calls.h"

#define MOST (UINT64_C(1) << 20) /* the longest buffer of these tests */

/* A bench with room for one mapping of MOST bytes and some more. */
static void roomy(struct bench *bench)
{
	struct bench_knobs knobs = bench_usual();

	knobs.chunks = 12;
	knobs.queues = 2;
	knobs.private_bytes = MOST;
	bench_init(bench, &knobs);
}

static struct bounce_device_stats of_size(const struct bounce_device *device,
					  enum bounce_size size)
{
	struct bounce_device_stats stats;

	memset(&stats, 0xff, sizeof(stats));
	bounce_device_size_stats(device, size, &stats);
	return stats;
}

static struct bounce_device_stats of_queue(const struct bounce_queue *queue)
{
	struct bounce_device_stats stats;

	memset(&stats, 0xff, sizeof(stats));
	bounce_queue_stats(queue, &stats);
	return stats;
}

/* Is each counter of @device the sum of those of its classes? */
static bool add_up(const struct bounce_device *device)
{
	const struct bounce_device_stats all = stats_of(device);
	uint64_t sum[sizeof(all) / sizeof(uint64_t)] = { 0 };

	for (uint32_t size = 0; size < BOUNCE_SIZES; size++) {
		const struct bounce_device_stats one =
			of_size(device, (enum bounce_size)size);
		const uint64_t *counter = &one.maps;

		for (size_t i = 0; i < COUNT_OF(sum); i++)
			sum[i] += counter[i];
	}
	return memcmp(sum, &all, sizeof(all)) == 0;
}

/* The least and the most bytes of each class. */
static const struct {
	enum bounce_size size;
	uint64_t least;
	uint64_t most;
} classes[BOUNCE_SIZES] = {
	{ BOUNCE_SIZE_SMALL, 1, 2048 },
	{ BOUNCE_SIZE_SLOT, 2049, 4096 },
	{ BOUNCE_SIZE_SHORT, 4097, 32768 },
	{ BOUNCE_SIZE_LONG, 32769, 131072 },
	{ BOUNCE_SIZE_WHOLE, 131073, 262144 },
	{ BOUNCE_SIZE_LARGE, 262145, MOST },
};

Test(size_stats, a_mapping_counts_in_the_class_of_its_length_alone)
{
	struct bench bench;

	roomy(&bench);
	for (size_t i = 0; i < COUNT_OF(classes); i++) {
		const uint64_t lens[] = { classes[i].least, classes[i].most };
		struct bounce_device_stats want = { .maps = 2, .unmaps = 2 };
		struct bounce_device_stats got;

		for (size_t j = 0; j < COUNT_OF(lens); j++) {
			struct bounce_mapping handle = map_ok(
				bench.queue[0], bench_buf(&bench, 0, lens[j]),
				BOUNCE_BIDIRECTIONAL);

			/* 1 byte each way more, by sync. */
			cr_assert_eq(bounce_sync_for_device(bench.queue[0],
							    &handle, 0, 1),
				     BOUNCE_OK);
			cr_assert_eq(bounce_sync_for_cpu(bench.queue[0],
							 &handle, 0, 1),
				     BOUNCE_OK);
			unmap_ok(bench.queue[0], &handle, lens[j] / 2);
			want.bytes_to += lens[j] + 1;
			want.bytes_from += lens[j] / 2 + 1;
		}
		got = of_size(bench.device[0], classes[i].size);
		cr_expect_eq(memcmp(&got, &want, sizeof(want)), 0,
			     "class %zu: maps %lu unmaps %lu to %lu from %lu",
			     i, got.maps, got.unmaps, got.bytes_to,
			     got.bytes_from);
		cr_expect(add_up(bench.device[0]), "class %zu", i);
	}
	bench_fini(&bench);
}

Test(size_stats, a_producer_counts_in_the_class_of_what_he_commits)
{
	struct bench bench;
	struct born born;
	struct bounce_device_stats want = { .maps = 1,
					    .unmaps = 1,
					    .bytes_to = 5000 };
	struct bounce_device_stats got;

	roomy(&bench);
	born = reserve_ok(bench.queue[0], 50000);
	cr_assert_eq(bounce_commit(bench.queue[0], &born.handle, 5000),
		     BOUNCE_OK);
	unmap_ok(bench.queue[0], &born.handle, 0);
	got = of_size(bench.device[0], BOUNCE_SIZE_SHORT);
	cr_expect_eq(memcmp(&got, &want, sizeof(want)), 0);
	cr_expect(add_up(bench.device[0]));
	bench_fini(&bench);
}

/* ---- failures ---- */

Test(size_stats, a_failure_counts_in_the_class_of_what_was_asked_for)
{
	struct bench bench;
	struct bounce_mapping handle;
	struct bounce_mapping forged;
	struct bounce_buf buf;
	struct bounce_segment pair[2];
	uint32_t count = 1;

	roomy(&bench);
	buf = bench_buf(&bench, 0, 5000);
	handle = map_ok(bench.queue[0], buf, BOUNCE_FROM_DEVICE);
	cr_assert_eq(bounce_unmap(bench.queue[0], &handle, 5001),
		     BOUNCE_ERR_LENGTH);
	cr_assert_eq(bounce_unmap(bench.queue[0], &handle, 0),
		     BOUNCE_ERR_STALE);
	forged = handle;
	forged.len = 200000;
	cr_assert_eq(bounce_sync_for_cpu(bench.queue[0], &forged, 0, 1),
		     BOUNCE_ERR_STALE);
	cr_assert_eq(bounce_free(bench.queue[0], &forged), BOUNCE_ERR_STALE);
	cr_assert_eq(bounce_map(bench.queue[0], &buf, 0, &handle),
		     BOUNCE_ERR_ARG);
	cr_assert_eq(bounce_map(bench.queue[0], NULL, BOUNCE_TO_DEVICE,
				&handle),
		     BOUNCE_ERR_ARG);
	cr_assert_eq(bounce_mapping_find(bench.queue[0], (bounce_bus_t) { 1 },
					 &handle),
		     BOUNCE_ERR_STALE);
	/* A list: all of its bytes. */
	for (int i = 0; i < 2; i++)
		pair[i] = (struct bounce_segment) {
			.buf = bench_buf(&bench, 0, 3000),
			.how = i == 0 ? BOUNCE_TO_DEVICE : 0,
		};
	cr_assert_eq(bounce_map_sg(bench.queue[0], pair, 2, 0), BOUNCE_ERR_ARG);
	buf.len = 40000;
	cr_assert_eq(bounce_map_list(bench.queue[0], &buf, 0, pair, &count),
		     BOUNCE_ERR_ARG);
	cr_assert_eq(bounce_map_list(bench.queue[0], NULL, 0, pair, &count),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(
		of_size(bench.device[0], BOUNCE_SIZE_SHORT).refused_lengths, 1);
	cr_expect_eq(of_size(bench.device[0], BOUNCE_SIZE_SHORT).stale, 1);
	cr_expect_eq(of_size(bench.device[0], BOUNCE_SIZE_WHOLE).stale, 2);
	cr_expect_eq(of_size(bench.device[0], BOUNCE_SIZE_SMALL).stale, 1);
	cr_expect_eq(of_size(bench.device[0], BOUNCE_SIZE_SHORT).other, 2);
	cr_expect_eq(of_size(bench.device[0], BOUNCE_SIZE_SMALL).other, 2);
	cr_expect_eq(of_size(bench.device[0], BOUNCE_SIZE_LONG).other, 1);
	cr_expect(add_up(bench.device[0]));
	bench_fini(&bench);
}

Test(size_stats, want_of_room_counts_in_the_class_that_found_none)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping held[64];
	struct bounce_mapping handle;
	struct bounce_buf buf;

	knobs.chunks = 1;
	knobs.blocks = 0;
	bench_init(&bench, &knobs);
	for (size_t i = 0; i < COUNT_OF(held); i++)
		held[i] = map_ok(bench.queue[0], bench_buf(&bench, 0, 4096),
				 BOUNCE_FROM_DEVICE);
	buf = bench_buf(&bench, 0, 100);
	cr_assert_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE,
				&handle),
		     BOUNCE_ERR_FULL);
	for (size_t i = 0; i < COUNT_OF(held); i += 2)
		unmap_ok(bench.queue[0], &held[i], 0);
	buf = bench_buf(&bench, 0, 40000);
	cr_assert_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE,
				&handle),
		     BOUNCE_ERR_FRAGMENTED);
	cr_expect_eq(of_size(bench.device[0], BOUNCE_SIZE_SMALL).full, 1);
	cr_expect_eq(of_size(bench.device[0], BOUNCE_SIZE_LONG).fragmented, 1);
	cr_expect(add_up(bench.device[0]));
	for (size_t i = 1; i < COUNT_OF(held); i += 2)
		unmap_ok(bench.queue[0], &held[i], 0);
	bench_fini(&bench);
}

Test(size_stats, a_list_cut_in_smaller_pieces_counts_no_failure)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment piece[64];
	struct bounce_mapping held[64];
	struct bounce_buf buf;
	uint32_t count = COUNT_OF(piece);

	knobs.chunks = 1;
	knobs.blocks = 0;
	bench_init(&bench, &knobs);
	for (size_t i = 0; i < COUNT_OF(held); i++)
		held[i] = map_ok(bench.queue[0], bench_buf(&bench, 0, 4096),
				 BOUNCE_FROM_DEVICE);
	for (size_t i = 0; i < COUNT_OF(held); i += 2)
		unmap_ok(bench.queue[0], &held[i], 0);
	buf = bench_buf(&bench, 0, 16384);
	cr_assert_eq(bounce_map_list(bench.queue[0], &buf, BOUNCE_TO_DEVICE,
				     piece, &count),
		     BOUNCE_OK);
	cr_assert_eq(count, 4);
	cr_expect_eq(stats_of(bench.device[0]).fragmented, 0);
	cr_expect_eq(of_size(bench.device[0], BOUNCE_SIZE_SLOT).maps, 64 + 4);
	cr_assert_eq(bounce_unmap_sg(bench.queue[0], piece, count, 0),
		     BOUNCE_OK);
	for (size_t i = 1; i < COUNT_OF(held); i += 2)
		unmap_ok(bench.queue[0], &held[i], 0);
	bench_fini(&bench);
}

Test(size_stats, of_a_class_that_is_none_are_zero)
{
	static const struct bounce_device_stats none;
	struct bounce_device_stats got;
	struct bounce_mapping handle;
	struct bench bench;

	roomy(&bench);
	handle = map_ok(bench.queue[0], bench_buf(&bench, 0, MOST),
			BOUNCE_TO_DEVICE);
	unmap_ok(bench.queue[0], &handle, 0);
	got = of_size(bench.device[0], BOUNCE_SIZES);
	cr_expect_eq(memcmp(&got, &none, sizeof(none)), 0);
	bench_fini(&bench);
}

/* ---- lanes ---- */

Test(queue_stats, a_lane_counts_its_own_calls_alone)
{
	struct bench bench;
	struct bounce_queue *other;
	struct bounce_mapping handle;

	roomy(&bench);
	other = bounce_device_queue(bench.device[0], 1);
	handle = map_ok(bench.queue[0], bench_buf(&bench, 0, 9000),
			BOUNCE_BIDIRECTIONAL);
	unmap_ok(other, &handle, 700);
	cr_assert_eq(bounce_unmap(other, &handle, 0), BOUNCE_ERR_STALE);
	cr_expect_eq(of_queue(bench.queue[0]).maps, 1);
	cr_expect_eq(of_queue(bench.queue[0]).bytes_to, 9000);
	cr_expect_eq(of_queue(bench.queue[0]).unmaps, 0);
	cr_expect_eq(of_queue(bench.queue[0]).stale, 0);
	cr_expect_eq(of_queue(other).maps, 0);
	cr_expect_eq(of_queue(other).unmaps, 1);
	cr_expect_eq(of_queue(other).bytes_from, 700);
	cr_expect_eq(of_queue(other).stale, 1);
	cr_expect_eq(stats_of(bench.device[0]).maps, 1);
	cr_expect_eq(stats_of(bench.device[0]).stale, 1);
	bench_fini(&bench);
}

/* They are counted when they are asked for, and taken off until they came. */
Test(queue_stats, bytes_that_are_yet_to_come_do_not_count)
{
	struct bench bench;
	struct bounce_queue *other;
	struct bounce_mapping handle;

	roomy(&bench);
	other = bounce_device_queue(bench.device[0], 1);
	handle = map_ok(bench.queue[0], bench_buf(&bench, 0, 9000),
			BOUNCE_FROM_DEVICE);
	cr_expect_eq(stats_of(bench.device[0]).maps, 1);
	cr_expect_eq(stats_of(bench.device[0]).unmaps, 0);
	cr_expect_eq(stats_of(bench.device[0]).bytes_from, 0);
	unmap_ok(other, &handle, 9000);
	cr_expect_eq(of_queue(bench.queue[0]).bytes_from, 0);
	cr_expect_eq(of_queue(other).bytes_from, 9000);
	cr_expect_eq(of_queue(other).unmaps, 1);
	handle = map_ok(bench.queue[0], bench_buf(&bench, 0, 9000),
			BOUNCE_FROM_DEVICE);
	bounce_device_revoke(bench.device[0]);
	cr_expect_eq(stats_of(bench.device[0]).unmaps, 1);
	cr_assert_eq(bounce_device_quiesced(bench.device[0]), BOUNCE_OK);
	cr_expect_eq(stats_of(bench.device[0]).maps, 2);
	cr_expect_eq(stats_of(bench.device[0]).unmaps, 1);
	cr_expect_eq(stats_of(bench.device[0]).bytes_from, 9000);
	cr_expect(add_up(bench.device[0]));
	bench_fini(&bench);
}

/* ---- several CPUs on one lane ---- */

#define THREADS 4
#define ROUNDS 1200 /* in all, more than a word of queue.h holds */

struct worker {
	struct bench *bench;
	uint64_t offset; /* of its own buffer */
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct bounce_queue *queue = worker->bench->queue[0];
	struct bounce_buf small = bench_buf(worker->bench, worker->offset, 100);
	struct bounce_buf large = bench_buf(worker->bench, worker->offset,
					    8192);

	for (int i = 0; i < ROUNDS; i++) {
		struct bounce_mapping a;
		struct bounce_mapping b;

		bench_check(bounce_map(queue, &small, BOUNCE_TO_DEVICE, &a) ==
			    BOUNCE_OK);
		bench_check(bounce_map(queue, &large, BOUNCE_FROM_DEVICE, &b) ==
			    BOUNCE_OK);
		bench_check(bounce_unmap(queue, &b, 1000) == BOUNCE_OK);
		bench_check(bounce_unmap(queue, &a, 1) == BOUNCE_ERR_LENGTH);
	}
	return NULL;
}

Test(size_stats, no_count_is_lost_when_cpus_share_a_lane)
{
	struct bounce_device_stats small = {
		.maps = THREADS * ROUNDS,
		.unmaps = THREADS * ROUNDS,
		.bytes_to = THREADS * ROUNDS * 100,
		.refused_lengths = THREADS * ROUNDS,
	};
	struct bounce_device_stats large = {
		.maps = THREADS * ROUNDS,
		.unmaps = THREADS * ROUNDS,
		.bytes_from = THREADS * ROUNDS * 1000,
	};
	struct worker worker[THREADS];
	struct bounce_device_stats got;
	struct bench bench;

	roomy(&bench);
	for (uint32_t i = 0; i < THREADS; i++)
		worker[i] = (struct worker) { &bench, i * 8192 };
	bench_threads(THREADS, work, worker, sizeof(worker[0]));
	got = of_size(bench.device[0], BOUNCE_SIZE_SMALL);
	cr_expect_eq(memcmp(&got, &small, sizeof(got)), 0);
	got = of_size(bench.device[0], BOUNCE_SIZE_SHORT);
	cr_expect_eq(memcmp(&got, &large, sizeof(got)), 0);
	cr_expect(add_up(bench.device[0]));
	bench_fini(&bench);
}
