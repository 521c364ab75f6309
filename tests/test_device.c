/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_device.c - a device's life after attach: FEATURES_OK, protection,
 * counters, detach; held to every sentence of device.h.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "instance.h"
#include "model.h"
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

/* ---- FEATURES_OK ---- */

Test(features_rejected, every_mapping_is_refused_with_that_reason)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_verdict verdict;
	struct bounce_mapping live;
	struct bounce_mapping none;
	struct bounce_buf buf;

	knobs.devices = 2;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 100);
	cr_assert_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE, &live),
		     BOUNCE_OK);
	bounce_device_features_rejected(bench.device[0]);
	bounce_device_verdict(bench.device[0], &verdict);
	cr_expect_eq(verdict.kind, BOUNCE_VERDICT_REFUSE);
	cr_expect_eq(verdict.reason, BOUNCE_WHY_FEATURES_REJECTED);
	for (int i = 0; i < 3; i++)
		cr_expect_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE,
					&none),
			     BOUNCE_ERR_REFUSED);
	cr_expect_eq(bounce_map_max(bench.device[0]), 0);
	cr_expect_eq(bounce_map(bench.queue[1], &buf, BOUNCE_TO_DEVICE, &none),
		     BOUNCE_OK, "the other device is what it was");
	cr_expect_eq(bounce_unmap(bench.queue[1], &none, 0), BOUNCE_OK);
	cr_expect_eq(bounce_unmap(bench.queue[0], &live, 0), BOUNCE_OK,
		     "what is live can be ended");
	bench_fini(&bench);
}

Test(features_rejected, a_device_attached_again_starts_afresh)
{
	struct bench bench;
	struct bench_knobs knobs = knobs_without_devices();
	struct bounce_device_info info;
	struct bounce_device *device;
	struct bounce_mapping handle;
	struct bounce_buf buf;

	bench_init(&bench, &knobs);
	info = good_info(&bench);
	buf = bench_buf(&bench, 0, 100);
	device = attach_ok(&bench, &info);
	bounce_device_features_rejected(device);
	cr_assert_eq(bounce_device_detach(device), BOUNCE_OK);
	device = attach_ok(&bench, &info);
	cr_assert_eq(bounce_map(bounce_device_queue(device, 0), &buf,
				BOUNCE_TO_DEVICE, &handle),
		     BOUNCE_OK);
	cr_expect_eq(bounce_unmap(bounce_device_queue(device, 0), &handle, 0),
		     BOUNCE_OK);
	cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	bench_fini(&bench);
}

/* ---- protection ---- */

static void next_epoch(struct bench *bench, enum bounce_protection answer)
{
	bench->machine.protection = answer;
	bounce_epoch_advance(bench->bounce);
}

Test(protection, once_yes_it_stays_yes)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_verdict verdict;

	bench_init(&bench, &knobs);
	next_epoch(&bench, BOUNCE_PROTECTION_NO);
	bounce_device_verdict(bench.device[0], &verdict);
	cr_expect_eq(verdict.kind, BOUNCE_VERDICT_BOUNCE);
	next_epoch(&bench, BOUNCE_PROTECTION_UNKNOWN);
	bounce_device_verdict(bench.device[0], &verdict);
	cr_expect_eq(verdict.kind, BOUNCE_VERDICT_BOUNCE);
	bench.machine.protection = BOUNCE_PROTECTION_YES;
	bench_fini(&bench);
}

Test(protection, what_becomes_known_binds_the_next_mapping)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_verdict verdict;
	struct bounce_mapping handle;
	struct bounce_buf buf;

	knobs.protection = BOUNCE_PROTECTION_NO;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 4096);
	cr_assert_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE,
				&handle),
		     BOUNCE_OK);
	cr_expect_eq(handle.bus.v, buf.gpa.v, "direct");
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 0), BOUNCE_OK);
	next_epoch(&bench, BOUNCE_PROTECTION_UNKNOWN);
	bounce_device_verdict(bench.device[0], &verdict);
	cr_expect_neq(verdict.kind, BOUNCE_VERDICT_DIRECT,
		      "unknown forbids DIRECT");
	next_epoch(&bench, BOUNCE_PROTECTION_YES);
	bounce_device_verdict(bench.device[0], &verdict);
	cr_expect_eq(verdict.kind, BOUNCE_VERDICT_BOUNCE);
	cr_expect_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE,
				&handle),
		     BOUNCE_OK);
	cr_expect_neq(handle.bus.v, buf.gpa.v, "bounced");
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 0), BOUNCE_OK);
	bench_discard(&bench);
}

static struct bench_knobs open_knobs(void)
{
	struct bench_knobs knobs = knobs_without_devices();

	knobs.protection = BOUNCE_PROTECTION_NO;
	return knobs;
}

/* A legacy device may be used while memory is open, and not afterwards. */
Test(protection, what_the_policy_refuses_now_is_refused_though_it_was_mapped)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct bounce_buf buf;

	knobs.protection = BOUNCE_PROTECTION_NO;
	knobs.info.features = 0;
	knobs.info.flags = BOUNCE_DEVICE_FORCE;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 4096);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE,
					&handle),
			     BOUNCE_OK);
		cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 0),
			     BOUNCE_OK);
	}
	next_epoch(&bench, BOUNCE_PROTECTION_YES);
	cr_expect_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE,
				&handle),
		     BOUNCE_ERR_REFUSED);
	bench_discard(&bench);
}

/* ---- queues ---- */

Test(queue, each_index_below_the_count_has_a_lane_of_its_own)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	knobs.queues = 4;
	knobs.devices = 2;
	bench_init(&bench, &knobs);
	for (uint32_t i = 0; i < 4; i++) {
		cr_expect_not_null(bounce_device_queue(bench.device[0], i));
		for (uint32_t j = 0; j < 4; j++) {
			cr_expect_eq(
				bounce_device_queue(bench.device[0], i) ==
					bounce_device_queue(bench.device[0], j),
				i == j);
			cr_expect_neq(bounce_device_queue(bench.device[0], i),
				      bounce_device_queue(bench.device[1], j));
		}
	}
	cr_expect_null(bounce_device_queue(bench.device[0], 4));
	cr_expect_null(bounce_device_queue(bench.device[0], UINT32_MAX));
	bench_fini(&bench);
}

Test(queue, none_asked_for_is_one)
{
	struct bench bench;
	struct bench_knobs knobs = knobs_without_devices();
	struct bounce_device_info info;
	struct bounce_device *device;

	bench_init(&bench, &knobs);
	info = good_info(&bench);
	device = attach_ok(&bench, &info);
	cr_expect_not_null(bounce_device_queue(device, 0));
	cr_expect_null(bounce_device_queue(device, 1));
	cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	bench_fini(&bench);
}

/* ---- counters ---- */

Test(stats, every_counter_is_exact_over_all_queues)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_device_stats stats;
	struct bounce_device_stats want;
	struct bounce_queue *queue[2];
	struct bounce_mapping handle;
	struct bounce_mapping held[300];
	struct bounce_buf buf;
	int held_count = 0;

	knobs.queues = 2;
	knobs.chunks = 1;
	knobs.blocks = 0;
	bench_init(&bench, &knobs);
	memset(&want, 0, sizeof(want));
	queue[0] = bench.queue[0];
	queue[1] = bounce_device_queue(bench.device[0], 1);
	for (int i = 0; i < 2; i++) {
		buf = bench_buf(&bench, 0, 1000);
		cr_assert_eq(bounce_map(queue[i], &buf, BOUNCE_BIDIRECTIONAL,
					&handle),
			     BOUNCE_OK);
		cr_assert_eq(bounce_unmap(queue[i], &handle, 300), BOUNCE_OK);
		cr_assert_eq(bounce_unmap(queue[i], &handle, 300),
			     BOUNCE_ERR_STALE);
		cr_assert_eq(bounce_map(queue[i], &buf, BOUNCE_FROM_DEVICE,
					&handle),
			     BOUNCE_OK);
		cr_assert_eq(bounce_unmap(queue[i], &handle, 1001),
			     BOUNCE_ERR_LENGTH);
		cr_assert_eq(bounce_map(queue[i], &buf, 0, &handle),
			     BOUNCE_ERR_ARG);
		want.maps += 2;
		want.unmaps += 2;
		want.bytes_to += 1000;
		want.bytes_from += 300;
		want.stale += 1;
		want.refused_lengths += 1;
		want.other += 1;
	}
	buf = bench_buf(&bench, 0, 4096);
	while (bounce_map(queue[0], &buf, BOUNCE_FROM_DEVICE,
			  &held[held_count]) == BOUNCE_OK)
		held_count++;
	cr_assert_eq(held_count, 64);
	want.maps += 64;
	want.full += 1;
	for (int i = 0; i < 64; i += 2)
		cr_assert_eq(bounce_unmap(queue[1], &held[i], 0), BOUNCE_OK);
	buf = bench_buf(&bench, 0, 8192);
	cr_assert_eq(bounce_map(queue[1], &buf, BOUNCE_FROM_DEVICE, &handle),
		     BOUNCE_ERR_FRAGMENTED);
	want.unmaps += 32;
	want.fragmented += 1;
	memset(&stats, 0xff, sizeof(stats));
	bounce_device_stats(bench.device[0], &stats);
	cr_expect_eq(memcmp(&stats, &want, sizeof(want)), 0,
		     "maps %lu unmaps %lu to %lu from %lu lengths %lu stale "
		     "%lu full %lu fragmented %lu other %lu",
		     stats.maps, stats.unmaps, stats.bytes_to, stats.bytes_from,
		     stats.refused_lengths, stats.stale, stats.full,
		     stats.fragmented, stats.other);
	for (int i = 1; i < 64; i += 2)
		cr_assert_eq(bounce_unmap(queue[0], &held[i], 0), BOUNCE_OK);
	bench_fini(&bench);
}

Test(stats, a_new_device_begins_at_zero)
{
	struct bench bench;
	struct bench_knobs knobs = knobs_without_devices();
	struct bounce_device_stats stats;
	struct bounce_device_info info;
	struct bounce_device *device;
	struct bounce_mapping handle;
	struct bounce_buf buf;

	bench_init(&bench, &knobs);
	info = good_info(&bench);
	buf = bench_buf(&bench, 0, 100);
	device = attach_ok(&bench, &info);
	cr_assert_eq(bounce_map(bounce_device_queue(device, 0), &buf,
				BOUNCE_TO_DEVICE, &handle),
		     BOUNCE_OK);
	cr_assert_eq(bounce_unmap(bounce_device_queue(device, 0), &handle, 0),
		     BOUNCE_OK);
	cr_assert_eq(bounce_device_detach(device), BOUNCE_OK);
	device = attach_ok(&bench, &info);
	bounce_device_stats(device, &stats);
	cr_expect_eq(stats.maps, 0);
	cr_expect_eq(stats.bytes_to, 0);
	cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	bench_fini(&bench);
}

/* ---- detach ---- */

Test(detach, a_device_with_a_live_mapping_is_busy)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct bounce_buf buf;

	knobs.queues = 2;
	knobs.devices = 2;
	bench_init(&bench, &knobs);
	for (uint32_t lane = 0; lane < 2; lane++) {
		for (uint64_t len = 1; len < 20000; len *= 17) {
			struct bounce_queue *queue =
				bounce_device_queue(bench.device[0], lane);
			struct picture before;

			buf = bench_buf(&bench, 0, len);
			cr_assert_eq(bounce_map(queue, &buf, BOUNCE_TO_DEVICE,
						&handle),
				     BOUNCE_OK);
			before = picture_take(&bench);
			cr_expect_eq(bounce_device_detach(bench.device[0]),
				     BOUNCE_ERR_BUSY);
			cr_expect(picture_same(&before));
			picture_drop(&before);
			cr_assert_eq(bounce_unmap(queue, &handle, 0),
				     BOUNCE_OK);
		}
	}
	bench_fini(&bench);
}

Test(detach, a_direct_mapping_keeps_it_too)
{
	struct bench bench;
	struct bench_knobs knobs = open_knobs();
	struct bounce_device_info info;
	struct bounce_device *device;
	struct bounce_mapping handle;
	struct bounce_buf buf;

	bench_init(&bench, &knobs);
	info = good_info(&bench);
	device = attach_ok(&bench, &info);
	buf = bench_buf(&bench, 0, 4096);
	cr_assert_eq(bounce_map(bounce_device_queue(device, 0), &buf,
				BOUNCE_TO_DEVICE, &handle),
		     BOUNCE_OK);
	cr_expect_eq(bounce_device_detach(device), BOUNCE_ERR_BUSY);
	cr_assert_eq(bounce_unmap(bounce_device_queue(device, 0), &handle, 0),
		     BOUNCE_OK);
	cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	bench_fini(&bench);
}

Test(detach, the_other_devices_do_not_notice)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct bounce_buf buf;

	knobs.devices = 3;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 100);
	cr_assert_eq(bounce_map(bench.queue[1], &buf, BOUNCE_TO_DEVICE,
				&handle),
		     BOUNCE_OK);
	cr_expect_eq(bounce_device_detach(bench.device[0]), BOUNCE_OK);
	cr_expect_eq(bounce_device_detach(bench.device[2]), BOUNCE_OK);
	bench.device[0] = bench.device[2] = NULL;
	cr_expect(bounce_device_valid(bench.device[1]));
	cr_expect_eq(bounce_unmap(bench.queue[1], &handle, 0), BOUNCE_OK);
	bench_fini(&bench);
}

/*
 * A05: the next device in the place of one that was detached is another
 * device, whatever its index: it must not be given the first one's bytes.
 */
Test(detach, what_a_device_left_in_its_slots_is_not_for_its_successor)
{
	struct bench bench;
	struct bench_knobs knobs = knobs_without_devices();
	struct bounce_device_info info;
	struct bounce_device *device;
	struct bounce_mapping handle;
	const uint64_t lens[] = { 100, 4096, 9000 };

	bench_init(&bench, &knobs);
	info = good_info(&bench);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct bounce_buf buf = bench_buf(&bench, 0, lens[i]);
		unsigned char *seen;

		device = attach_ok(&bench, &info);
		cr_assert_eq(bounce_map(bounce_device_queue(device, 0), &buf,
					BOUNCE_TO_DEVICE, &handle),
			     BOUNCE_OK);
		cr_assert_eq(bounce_unmap(bounce_device_queue(device, 0),
					  &handle, 0),
			     BOUNCE_OK);
		cr_assert_eq(bounce_device_detach(device), BOUNCE_OK);
		device = attach_ok(&bench, &info);
		cr_assert_eq(bounce_map(bounce_device_queue(device, 0), &buf,
					BOUNCE_FROM_DEVICE, &handle),
			     BOUNCE_OK);
		seen = bench_at_bus(&bench, handle.bus, lens[i]);
		for (uint64_t at = 0; at < lens[i]; at++)
			cr_assert_eq(seen[at], 0, "byte %lu of %lu", at,
				     lens[i]);
		cr_assert_eq(bounce_unmap(bounce_device_queue(device, 0),
					  &handle, 0),
			     BOUNCE_OK);
		cr_assert_eq(bounce_device_detach(device), BOUNCE_OK);
	}
	bench_fini(&bench);
}

/* ---- bounce_device_valid() ---- */

Test(device_valid, damage_is_seen)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	uint64_t good;

	bench_init(&bench, &knobs);
	cr_assert(bounce_device_valid(bench.device[0]));
	good = bench.device[0]->limits.boundary;
	bench.device[0]->limits.boundary = 5;
	cr_expect_not(bounce_device_valid(bench.device[0]));
	bench.device[0]->limits.boundary = good;
	bench.queue[0]->index++;
	cr_expect_not(bounce_device_valid(bench.device[0]));
	bench.queue[0]->index--;
	bench.queue[0]->device = NULL;
	cr_expect_not(bounce_device_valid(bench.device[0]));
	bench.queue[0]->device = bench.device[0];
	cr_expect(bounce_device_valid(bench.device[0]));
	bench_fini(&bench);
}

/* ---- lanes ---- */

Test(detach, a_lane_of_a_device_that_is_gone_is_refused)
{
	struct bench bench;
	struct bench_knobs knobs = knobs_without_devices();
	struct bounce_device_info info;
	struct bounce_device *device;
	struct bounce_queue *lane;
	struct bounce_mapping handle;
	struct bounce_buf buf;

	bench_init(&bench, &knobs);
	info = good_info(&bench);
	buf = bench_buf(&bench, 0, 100);
	device = attach_ok(&bench, &info);
	lane = bounce_device_queue(device, 0);
	cr_assert_eq(bounce_device_detach(device), BOUNCE_OK);
	cr_expect_eq(bounce_map(lane, &buf, BOUNCE_TO_DEVICE, &handle),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_map(NULL, &buf, BOUNCE_TO_DEVICE, &handle),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_alloc(lane, 100, 0, 0, &buf, &handle),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_mapping_find(lane, (bounce_bus_t) { 0 }, &handle),
		     BOUNCE_ERR_ARG);
	bench_fini(&bench);
}
