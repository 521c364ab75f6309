/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_quota.c - device_info.quota: how much of the pool a device may hold, and
 * that it comes back. Q1 is in lib/quota.c.
 */
#include "calls.h"
#include "model.h"

#define LANES 4u

static struct bench_knobs with_quota(uint32_t bytes)
{
	struct bench_knobs knobs = bench_usual();

	knobs.queues = LANES;
	knobs.info.quota = bytes;
	return knobs;
}

static struct bounce_queue *lane(const struct bench *bench, uint64_t index)
{
	return bounce_device_queue(bench->device[0], (uint32_t)index);
}

static int64_t load(_Atomic int64_t *credits)
{
	return atomic_load_explicit(credits, memory_order_relaxed);
}

/* Granules that the device has left, wherever they are. */
static int64_t credits(const struct bench *bench, uint32_t device)
{
	int64_t sum = load(&bench->device[device]->credits);

	for (uint32_t i = 0; i < bench->knobs.queues; i++)
		sum += load(&bounce_device_queue(bench->device[device], i)
				     ->credits);
	return sum;
}

/* Q1: so many granules are held, and all others are credits. */
static void expect_held(const struct bench *bench, int64_t granules)
{
	cr_assert_eq(credits(bench, 0) + granules, bench->device[0]->quota,
		     "%ld are held", granules);
}

static enum bounce_err try_map(const struct bench *bench, uint64_t index,
			       uint64_t len, struct bounce_mapping *mapping)
{
	struct bounce_buf buf = bench_buf(bench, 0, len);

	return bounce_map(lane(bench, index), &buf, BOUNCE_TO_DEVICE, mapping);
}

/* ---- the limit ---- */

Test(quota, is_reached_exactly_and_then_it_is_full_until_an_unmap)
{
	struct bench bench;
	struct bench_knobs knobs = with_quota(10 * 4096);
	struct bounce_mapping mapping[11];

	bench_init(&bench, &knobs);
	/* Each lane takes its share from the others' credits. */
	for (uint32_t i = 0; i < 10; i++)
		cr_assert_eq(try_map(&bench, i % LANES, 4096, &mapping[i]),
			     BOUNCE_OK, "slot %u", i);
	expect_held(&bench, 640);
	for (uint32_t i = 0; i < LANES; i++) {
		cr_expect_eq(try_map(&bench, i, 4096, &mapping[10]),
			     BOUNCE_ERR_FULL);
		cr_expect_eq(try_map(&bench, i, 1, &mapping[10]),
			     BOUNCE_ERR_FULL);
	}
	expect_held(&bench, 640);
	cr_expect_eq(slots_free(&bench), 246, "nothing is held of a failure");
	for (uint32_t i = 0; i < 10; i++) {
		unmap_ok(lane(&bench, (i + 1) % LANES), &mapping[i], 0);
		cr_assert_eq(try_map(&bench, (i + 2) % LANES, 4096,
				     &mapping[i]),
			     BOUNCE_OK);
		cr_expect_eq(try_map(&bench, (i + 3) % LANES, 4096,
				     &mapping[10]),
			     BOUNCE_ERR_FULL);
	}
	for (uint32_t i = 0; i < 10; i++)
		unmap_ok(lane(&bench, i % LANES), &mapping[i], 0);
	expect_held(&bench, 0);
	cr_expect_eq(stats_of(bench.device[0]).full, 2 * LANES + 10);
	bench_fini(&bench);
}

Test(quota, counts_granules_slots_and_whole_runs)
{
	static const struct {
		uint64_t len;
		int64_t granules;
	} cases[] = {
		{ 1, 1 },	  { 64, 1 },
		{ 65, 2 },	  { 2048, 32 },
		{ 2049, 64 },	  { 4096, 64 },
		{ 4097, 128 },	  { 5 * 4096, 320 },
		{ 262144, 4096 }, { 262145, 65 * 64 },
	};
	struct bench bench;
	struct bench_knobs knobs = with_quota(512 * 1024);

	knobs.private_bytes = 512 * 1024;
	bench_init(&bench, &knobs);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct bounce_mapping mapping;

		cr_assert_eq(try_map(&bench, i % LANES, cases[i].len, &mapping),
			     BOUNCE_OK);
		expect_held(&bench, cases[i].granules);
		unmap_ok(lane(&bench, (i + 1) % LANES), &mapping, 0);
		expect_held(&bench, 0);
	}
	bench_fini(&bench);
}

Test(quota, one_that_no_mapping_fits_into_lets_none_through)
{
	const uint32_t quotas[] = { 1, 63, 64, 127, 4095 };

	for (size_t i = 0; i < COUNT_OF(quotas); i++) {
		struct bench bench;
		struct bench_knobs knobs = with_quota(quotas[i]);
		struct bounce_mapping mapping;
		uint64_t fits = quotas[i] / 64;

		bench_init(&bench, &knobs);
		cr_expect_eq(try_map(&bench, 0, 4096, &mapping),
			     BOUNCE_ERR_FULL, "quota %u", quotas[i]);
		for (uint64_t n = 0; n <= fits; n++) {
			struct bounce_mapping granule;

			cr_expect_eq(try_map(&bench, n % LANES, 64, &granule),
				     n < fits ? BOUNCE_OK : BOUNCE_ERR_FULL,
				     "quota %u, granule %lu", quotas[i], n);
		}
		bounce_device_revoke(bench.device[0]);
		cr_assert_eq(bounce_device_quiesced(bench.device[0]),
			     BOUNCE_OK);
		bench_fini(&bench);
	}
}

Test(quota, without_one_no_counter_is_touched)
{
	struct bench bench;
	struct bench_knobs knobs = with_quota(0);
	struct bounce_mapping mapping[64];
	struct bounce_mapping committed;
	struct born born;

	bench_init(&bench, &knobs);
	for (uint32_t i = 0; i < 64; i++)
		cr_assert_eq(try_map(&bench, i % LANES, 1 + i * 300,
				     &mapping[i]),
			     i * 300 < 4096 * 64 ? BOUNCE_OK : BOUNCE_ERR_FULL);
	for (uint32_t i = 0; i < 64; i++)
		unmap_ok(lane(&bench, i % LANES), &mapping[i], 0);
	born = reserve_ok(bench.queue[0], 50000);
	committed = born.handle;
	cr_assert_eq(bounce_commit(bench.queue[0], &committed, 5), BOUNCE_OK);
	unmap_ok(bench.queue[0], &committed, 0);
	cr_expect_eq(load(&bench.device[0]->credits), 0);
	for (uint32_t i = 0; i < LANES; i++)
		cr_expect_eq(load(&lane(&bench, i)->credits), 0);
	bench_fini(&bench);
}

Test(quota, is_of_one_device_and_no_other)
{
	struct bench bench;
	struct bench_knobs knobs = with_quota(4096);
	struct bounce_mapping mapping[2];
	struct bounce_buf buf;

	knobs.devices = 2;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 4096);
	for (uint32_t i = 0; i < 2; i++)
		mapping[i] = map_ok(bench.queue[i], buf, BOUNCE_TO_DEVICE);
	cr_expect_eq(credits(&bench, 0), 0);
	cr_expect_eq(credits(&bench, 1), 0);
	unmap_ok(bench.queue[0], &mapping[0], 0);
	cr_expect_eq(credits(&bench, 0), 64);
	cr_expect_eq(credits(&bench, 1), 0);
	unmap_ok(bench.queue[1], &mapping[1], 0);
	bench_fini(&bench);
}

/* ---- whatever takes a run, and whatever gives it back ---- */

Test(quota, counts_born_shared_memory_but_no_mapping_without_a_run)
{
	struct bench bench;
	struct bench_knobs knobs = with_quota(4 * 4096);
	struct bounce_mapping inside;
	struct born more;
	struct born born;

	bench_init(&bench, &knobs);
	born = alloc_ok(bench.queue[0], 4 * 4096);
	expect_held(&bench, 256);
	cr_expect_eq(bounce_alloc(bench.queue[0], 1, 0, 0, &more.buf,
				  &more.handle),
		     BOUNCE_ERR_FULL);
	inside = map_ok(bench.queue[0], born.buf, BOUNCE_TO_DEVICE);
	expect_held(&bench, 256);
	unmap_ok(bench.queue[0], &inside, 0);
	expect_held(&bench, 256);
	free_ok(bench.queue[0], &born);
	expect_held(&bench, 0);
	bench_fini(&bench);
}

Test(quota, of_a_reservation_comes_back_with_its_surplus_slots)
{
	struct bench bench;
	struct bench_knobs knobs = with_quota(200 * 4096);

	bench_init(&bench, &knobs);
	for (uint64_t keep = 1; keep <= 200; keep += 9) {
		struct born born = reserve_ok(lane(&bench, 0), 200 * 4096);
		struct bounce_mapping mapping = born.handle;
		struct born rest;

		expect_held(&bench, 200 * 64);
		cr_assert_eq(bounce_commit(lane(&bench, 1), &mapping,
					   keep * 4096),
			     BOUNCE_OK);
		expect_held(&bench, (int64_t)keep * 64);
		if (keep < 200) {
			rest = reserve_ok(lane(&bench, 2), 4096);
			expect_held(&bench, (int64_t)keep * 64 + 64);
			free_ok(lane(&bench, 3), &rest);
		}
		unmap_ok(lane(&bench, 3), &mapping, 0);
		expect_held(&bench, 0);
	}
	bench_fini(&bench);
}

Test(quota, of_a_request_that_fails_comes_back)
{
	struct bench bench;
	struct bench_knobs knobs = with_quota(10 * 4096);
	struct bounce_segment segment[12];
	struct bounce_buf buf;
	uint32_t count;

	bench_init(&bench, &knobs);
	for (uint32_t n = 1; n <= 12; n++) {
		for (uint32_t i = 0; i < n; i++)
			segment[i] = (struct bounce_segment) {
				.buf = bench_buf(&bench, i * 8192, 4096),
				.how = BOUNCE_TO_DEVICE,
			};
		cr_expect_eq(bounce_map_sg(lane(&bench, n % LANES), segment, n,
					   0),
			     n <= 10 ? BOUNCE_OK : BOUNCE_ERR_FULL);
		expect_held(&bench, n <= 10 ? n * 64 : 0);
		if (n <= 10)
			cr_expect_eq(bounce_unmap_sg(lane(&bench, 0), segment,
						     n, 0),
				     BOUNCE_OK);
		expect_held(&bench, 0);
	}
	/* A list takes smaller pieces as long as they help. */
	buf = bench_buf(&bench, 0, 10 * 4096 + 1);
	count = 12;
	cr_expect_eq(bounce_map_list(lane(&bench, 0), &buf, BOUNCE_TO_DEVICE,
				     segment, &count),
		     BOUNCE_ERR_FULL);
	expect_held(&bench, 0);
	buf.len--;
	cr_expect_eq(bounce_map_list(lane(&bench, 0), &buf, BOUNCE_TO_DEVICE,
				     segment, &count),
		     BOUNCE_OK);
	expect_held(&bench, 640);
	cr_expect_eq(bounce_unmap_sg(lane(&bench, 0), segment, count, 0),
		     BOUNCE_OK);
	expect_held(&bench, 0);
	bench_fini(&bench);
}

Test(quota, of_a_run_in_quarantine_comes_back_when_the_device_is_quiesced)
{
	struct bench bench;
	struct bench_knobs knobs = with_quota(10 * 4096);
	struct bounce_mapping mapping[3];

	bench_init(&bench, &knobs);
	cr_assert_eq(try_map(&bench, 0, 100, &mapping[0]), BOUNCE_OK);
	cr_assert_eq(try_map(&bench, 1, 4096, &mapping[1]), BOUNCE_OK);
	cr_assert_eq(try_map(&bench, 2, 20000, &mapping[2]), BOUNCE_OK);
	expect_held(&bench, 2 + 64 + 320);
	bounce_device_revoke(bench.device[0]);
	expect_held(&bench, 2 + 64 + 320);
	cr_assert_eq(bounce_device_quiesced(bench.device[0]), BOUNCE_OK);
	expect_held(&bench, 0);
	bench_fini(&bench);
}

Test(quota, of_a_mapping_that_a_sync_outlives_comes_back_with_the_sync)
{
	struct bench bench;
	struct bench_knobs knobs = with_quota(10 * 4096);
	struct bounce_mapping mapping;
	struct bounce_record *record;
	struct record_about about;

	bench_init(&bench, &knobs);
	cr_assert_eq(try_map(&bench, 0, 4096, &mapping), BOUNCE_OK);
	record = &bench.bounce->record[mapping.record];
	about = record_unpack(
		atomic_load_explicit(&record->about, memory_order_relaxed));
	cr_assert_eq(bounce_record_pin(record,
				       mapping.key & RECORD_GENERATION_MAX),
		     BOUNCE_OK);
	unmap_ok(lane(&bench, 0), &mapping, 0);
	expect_held(&bench, 64);
	bounce_mapping_leave(bench.bounce, mapping.record, &about, 0);
	expect_held(&bench, 0);
	bench_fini(&bench);
}

/* ---- a long life on several lanes ---- */

Test(quota, is_never_exceeded_over_several_lanes)
{
	enum {
		MOST = 64
	};
	struct bench bench;
	struct bench_knobs knobs = with_quota(100 * 4096 + 640);
	struct bounce_mapping mapping[MOST];
	int64_t held[MOST] = { 0 };
	int64_t sum = 0;
	uint64_t random = 3;
	uint32_t full = 0;

	bench_init(&bench, &knobs);
	for (int step = 0; step < 20000; step++) {
		uint64_t i = bench_below(&random, MOST);
		uint64_t at = bench_below(&random, LANES);
		uint64_t len = bench_below(&random, 2) != 0 ?
				       1 + bench_below(&random, 600) :
				       1 + bench_below(&random, 40000);
		int64_t left = credits(&bench, 0);

		if (held[i] != 0) {
			unmap_ok(lane(&bench, at), &mapping[i], 0);
			sum -= held[i];
			held[i] = 0;
		} else if (try_map(&bench, at, len, &mapping[i]) == BOUNCE_OK) {
			held[i] = left - credits(&bench, 0);
			cr_assert_geq(held[i] * 64, (int64_t)len);
			sum += held[i];
		} else {
			full++;
			/* It would have taken more than was left anywhere. */
			cr_assert_lt(left * 64, (int64_t)len + 4095);
		}
		cr_assert_leq(sum * 64, knobs.info.quota);
		expect_held(&bench, sum);
	}
	cr_expect_gt(full, 100, "the limit was met");
	for (uint32_t i = 0; i < MOST; i++)
		if (held[i] != 0)
			unmap_ok(lane(&bench, 0), &mapping[i], 0);
	expect_held(&bench, 0);
	bench_fini(&bench);
}
