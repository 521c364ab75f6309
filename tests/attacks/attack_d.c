/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * attack_d.c - D: devices that use everything up, never answer, answer without
 * end, or go away. Each suite is an attack of docs/threats.md. (D06 and D07
 * are in attack_steps.c; D04's bound is in tests/test_pool_steps.c.)
 */
#include "calls.h"
#include "scene.h"

enum {
	SLOTS = 64,
	SLOT = 4096
};

/* Map slots until the pool says no; returns how many. */
static uint32_t hog(struct bench *bench, uint32_t device, uint32_t how,
		    struct bounce_mapping *handle)
{
	struct bounce_buf buf = bench_buf(bench, 0, SLOT);
	uint32_t made = 0;

	while (made < SLOTS && bounce_map(bench->queue[device], &buf, how,
					  &handle[made]) == BOUNCE_OK)
		made++;
	return made;
}

static void end_all(struct bench *bench, uint32_t device,
		    const struct bounce_mapping *handle, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		unmap_ok(bench->queue[device], &handle[i], 0);
}

Test(d01, a_full_pool_says_so_at_once_and_one_unmap_makes_room)
{
	struct bench_knobs knobs = scene_usual();
	struct bounce_mapping handle[SLOTS];
	struct bounce_mapping none;
	struct scene scene;

	scene_init(&scene, &knobs);
	cr_assert_eq(hog(&scene.bench, 0, BOUNCE_FROM_DEVICE, handle), SLOTS);
	for (uint64_t len = 1; len < 200000; len = 3 * len + 1) {
		struct bounce_buf buf = bench_buf(&scene.bench, 0, 1);

		buf.ptr = scene.bench.machine.memory + scene.bench.slab_bytes;
		buf.len = len;
		cr_expect_eq(bounce_map(scene.bench.queue[0], &buf,
					BOUNCE_TO_DEVICE, &none),
			     BOUNCE_ERR_FULL, "%lu bytes", len);
		scene_look(&scene);
	}
	unmap_ok(scene.bench.queue[0], &handle[31], 0);
	(void)scene_unmap(
		&scene,
		scene_map(&scene,
			  &(struct scene_wish) { .how = BOUNCE_TO_DEVICE,
						 .len = SLOT }),
		0);
	end_all(&scene.bench, 0, handle, 31);
	end_all(&scene.bench, 0, handle + 32, SLOTS - 32);
	scene_fini(&scene);
}

Test(d02, a_device_that_never_completes_holds_no_more_than_its_quota)
{
	struct bench_knobs knobs = scene_usual();
	struct bounce_mapping stuck[SLOTS];
	struct bounce_mapping handle[SLOTS];
	struct bench bench;

	knobs.devices = 2;
	knobs.info.quota = 40 * SLOT;
	bench_init(&bench, &knobs);
	cr_expect_eq(hog(&bench, 0, BOUNCE_FROM_DEVICE, stuck), 40);
	for (int round = 0; round < 5; round++) {
		uint32_t made = hog(&bench, 1, BOUNCE_TO_DEVICE, handle);

		cr_expect_eq(made, SLOTS - 40);
		end_all(&bench, 1, handle, made);
	}
	end_all(&bench, 0, stuck, 40);
	bench_fini(&bench);
}

/* A pool of its own that keeps a chunk for paging out. */
Test(d03, what_is_kept_for_urgent_mappings_no_other_mapping_uses_up)
{
	struct bench_knobs knobs = bench_usual();
	const struct bounce_pool_info info = { .slabs = 1, .urgent_chunks = 1 };
	struct bounce_mapping urgent;
	static struct bounce_mapping handle[4 * SLOTS];
	struct bench_side side;
	struct bounce_buf buf;
	struct bench bench;
	uint32_t made = 0;

	knobs.slabs = 1;
	knobs.grown = 0;
	knobs.more_pools = knobs.more_slabs = knobs.more_spaces = 1;
	bench_init(&bench, &knobs);
	bench_side_init(&bench, &info, bench_slab_gpa(&bench, 0), &side);
	buf = bench_buf(&bench, 0, SLOT);
	while (made < COUNT_OF(handle) &&
	       bounce_map(side.queue, &buf, BOUNCE_TO_DEVICE, &handle[made]) ==
		       BOUNCE_OK)
		made++;
	cr_expect_eq(made, 3 * SLOTS);
	for (uint32_t i = 0; i < SLOTS; i++) {
		urgent = map_ok(side.queue, buf,
				BOUNCE_TO_DEVICE | BOUNCE_URGENT);
		unmap_ok(side.queue, &urgent, 0);
	}
	for (uint32_t i = 0; i < made; i++)
		unmap_ok(side.queue, &handle[i], 0);
	bench_side_fini(&side);
	bench_fini(&bench);
}

Test(d04, in_a_checkerboard_long_requests_fail_short_ones_do_not_and_it_heals)
{
	struct bench_knobs knobs = scene_usual();
	struct bounce_mapping handle[SLOTS];
	struct bounce_mapping other;
	struct bounce_buf buf;
	struct bench bench;

	bench_init(&bench, &knobs);
	cr_assert_eq(hog(&bench, 0, BOUNCE_TO_DEVICE, handle), SLOTS);
	for (uint32_t i = 0; i < SLOTS; i += 2)
		unmap_ok(bench.queue[0], &handle[i], 0);
	for (uint64_t len = SLOT + 1; len <= 32 * SLOT; len *= 2) {
		buf = bench_buf(&bench, 0, SLOT);
		buf.ptr = bench_private(&bench, 0);
		buf.len = len;
		cr_expect_eq(bounce_map(bench.queue[0], &buf,
					BOUNCE_FROM_DEVICE, &other),
			     BOUNCE_ERR_FRAGMENTED, "%lu", len);
	}
	for (uint64_t len = 1; len <= SLOT; len *= 2) {
		other = map_ok(bench.queue[0], bench_buf(&bench, 0, len),
			       BOUNCE_TO_DEVICE);
		unmap_ok(bench.queue[0], &other, 0);
	}
	for (uint32_t i = 1; i < SLOTS; i += 2)
		unmap_ok(bench.queue[0], &handle[i], 0);
	bounce_block_reclaim(bench.bounce);
	buf.len = SLOTS * SLOT;
	other = map_ok(bench.queue[0], buf, BOUNCE_FROM_DEVICE);
	unmap_ok(bench.queue[0], &other, 0);
	bench_fini(&bench);
}

Test(d05, a_flood_of_bogus_completions_changes_nothing_but_a_counter)
{
	enum {
		FLOOD = 100000
	};
	struct bench_knobs knobs = scene_usual();
	struct bounce_mapping handle;
	struct bounce_mapping bogus;
	struct picture picture;
	struct bench bench;

	bench_init(&bench, &knobs);
	handle = map_ok(bench.queue[0], bench_buf(&bench, 0, 100),
			BOUNCE_FROM_DEVICE);
	picture = picture_take(&bench);
	for (uint32_t i = 0; i < FLOOD; i++) {
		bogus = handle;
		bogus.key += 1 + i;
		cr_assert_eq(bounce_unmap(bench.queue[0], &bogus, 100),
			     BOUNCE_ERR_STALE);
	}
	cr_expect(picture_same(&picture));
	picture_drop(&picture);
	cr_expect_eq(stats_of(bench.device[0]).stale, FLOOD);
	unmap_ok(bench.queue[0], &handle, 0);
	bench_fini(&bench);
}

Test(d08, after_a_reset_nothing_late_counts_and_every_slot_comes_back)
{
	struct bench_knobs knobs = scene_usual();
	struct model_mapping *mapping[6];
	struct bounce_mapping late[6];
	struct scene scene;

	knobs.devices = 2;
	scene_init(&scene, &knobs);
	for (int round = 0; round < 4; round++) {
		for (uint32_t i = 0; i < 6; i++) {
			mapping[i] = scene_map(
				&scene, &(struct scene_wish) {
						.how = BOUNCE_BIDIRECTIONAL,
						.at = 8192 * i,
						.len = 1 + 1500 * i });
			late[i] = mapping[i]->handle;
		}
		bounce_device_revoke(scene.bench.device[0]);
		cr_assert_null(model_revoke(&scene.model, &scene.device[0]));
		for (uint32_t i = 0; i < 6; i++)
			scene_forged(&scene, 0, &late[i]);
		cr_expect_eq(bounce_device_quiesced(scene.bench.device[0]),
			     BOUNCE_OK);
		cr_assert_null(model_quiesced(&scene.model, &scene.device[0]));
		for (uint32_t i = 0; i < 6; i++)
			scene_forged(&scene, 0, &late[i]);
	}
	scene_fini(&scene);
}

Test(d09, a_device_that_is_unplugged_leaves_no_handle_and_no_lane_that_works)
{
	struct bench_knobs knobs = scene_usual();
	struct bounce_device_info info;
	struct bounce_device *next;
	struct bounce_mapping old;
	struct bounce_queue *lane;
	struct bounce_buf buf;
	struct bench bench;

	bench_init(&bench, &knobs);
	lane = bench.queue[0];
	buf = bench_buf(&bench, 0, 3000);
	old = map_ok(lane, buf, BOUNCE_FROM_DEVICE);
	cr_expect_eq(bounce_device_detach(bench.device[0]), BOUNCE_ERR_BUSY);
	bounce_device_revoke(bench.device[0]);
	cr_expect_eq(bounce_device_quiesced(bench.device[0]), BOUNCE_OK);
	cr_expect_eq(bounce_device_detach(bench.device[0]), BOUNCE_OK);
	bench.device[0] = NULL;
	cr_expect_eq(bounce_map(lane, &buf, BOUNCE_TO_DEVICE, &old),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_unmap(lane, &old, 1), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_sync_for_cpu(lane, &old, 0, 1), BOUNCE_ERR_ARG);
	/* The next one may sit in the same place. */
	info = knobs.info;
	info.space = bench.space;
	cr_assert_eq(bounce_device_attach(bench.bounce, &info, &next, NULL),
		     BOUNCE_OK);
	cr_expect_eq(bounce_unmap(bounce_device_queue(next, 0), &old, 1),
		     BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_device_detach(next), BOUNCE_OK);
	bench_fini(&bench);
}

/* Counters are 64 bits wide: one past 2^32 is 2^32 + 1. */
Test(d10, counters_go_on_past_2_to_the_32)
{
	struct bench_knobs knobs = scene_usual();
	struct bounce_mapping handle;
	struct bounce_device_stats stats;
	struct bench bench;
	uint64_t before = UINT32_MAX;

	bench_init(&bench, &knobs);
	handle = map_ok(bench.queue[0], bench_buf(&bench, 0, 100),
			BOUNCE_FROM_DEVICE);
	atomic_store(&bench.queue[0]->counters[0].maps, before);
	atomic_store(&bench.queue[0]->counters[0].stale, before);
	atomic_store(&bench.queue[0]->traffic[0].bytes_from, before);
	unmap_ok(bench.queue[0], &handle, 100);
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 1),
		     BOUNCE_ERR_STALE);
	stats = stats_of(bench.device[0]);
	cr_expect_eq(stats.unmaps, before + 1);
	cr_expect_eq(stats.stale, before + 1);
	cr_expect_eq(stats.bytes_from, before + 100);
	bench_fini(&bench);
}

Test(d11, growth_that_fails_part_way_leaves_live_mappings_and_the_pool_alone)
{
	for (uint32_t k = 0; k < 4; k++) {
		struct bench_knobs knobs = scene_usual();
		const struct fake_fault fault = {
			.call = FAKE_SHARE,
			.first = 4 + k,
			.times = 1,
			.step = k % 2 == 0 ? BOUNCE_STEP_UNCHANGED :
					     BOUNCE_STEP_RETRY,
		};
		struct model_mapping *mapping;
		struct scene scene;

		knobs.slabs = 2;
		scene_init(&scene, &knobs);
		mapping = scene_map(&scene, &(struct scene_wish) {
						    .how = BOUNCE_BIDIRECTIONAL,
						    .len = 5000 });
		cr_assert(fake_machine_fail(&scene.bench.machine, &fault));
		cr_expect_eq(bench_grow(&scene.bench, 1),
			     k % 2 == 0 ? BOUNCE_ERR_HOST : BOUNCE_OK);
		/* The second slab is scrubbed, or shared; no secret in it. */
		memset(scene.model.expect + scene.bench.slab_bytes, 0,
		       scene.bench.slab_bytes);
		model_learn(&scene.model);
		scene_look(&scene);
		cr_expect_eq(scene_unmap(&scene, mapping, 5000), BOUNCE_OK);
		scene_fini(&scene);
	}
}

/* ---- D12 ---- */

#ifndef SOAK_CALLS
#define SOAK_CALLS 400000
#endif

struct soak {
	struct bench bench;
	struct bounce_mapping handle[SLOTS];
	bool live[SLOTS];
	uint64_t seed;
};

static void soak_step(struct soak *soak)
{
	uint64_t random = bench_random(&soak->seed);
	uint32_t i = (uint32_t)(random % SLOTS);
	struct bounce_queue *queue = soak->bench.queue[i % 2];
	uint64_t len = 1 + (random >> 40) % (random >> 8 & 1 ? 100 : 9000);
	struct bounce_buf buf = bench_buf(&soak->bench, 0, len);
	enum bounce_err err;

	if (soak->live[i]) {
		err = bounce_unmap(queue, &soak->handle[i],
				   fake_device_lie(&soak->bench.host, len));
		cr_assert(err == BOUNCE_OK || err == BOUNCE_ERR_LENGTH);
		soak->live[i] = false;
	} else {
		soak->live[i] = bounce_map(queue, &buf, 1 + random / 64 % 3,
					   &soak->handle[i]) == BOUNCE_OK;
	}
	if ((random >> 20) % 512 == 0) {
		bounce_device_revoke(soak->bench.device[1]);
		cr_assert_eq(bounce_device_quiesced(soak->bench.device[1]),
			     BOUNCE_OK);
		for (i = 1; i < SLOTS; i += 2)
			soak->live[i] = false;
	}
}

Test(d12, of_a_long_random_life_no_slot_is_missing_at_the_end)
{
	struct bench_knobs knobs = scene_usual();
	static struct soak soak;

	soak.seed = 1;
	knobs.devices = 2;
	bench_init(&soak.bench, &knobs);
	for (uint32_t i = 0; i < SOAK_CALLS; i++)
		soak_step(&soak);
	for (uint32_t i = 0; i < SLOTS; i++)
		if (soak.live[i])
			unmap_ok(soak.bench.queue[i % 2], &soak.handle[i], 0);
	cr_expect_eq(slots_free(&soak.bench), SLOTS);
	cr_expect_gt(stats_of(soak.bench.device[0]).maps, SOAK_CALLS / 8);
	bench_fini(&soak.bench);
}
