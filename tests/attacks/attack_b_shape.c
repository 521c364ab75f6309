/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * attack_b_shape.c - B: what a device writes where it should not, and numbers
 * of a shape that nobody expects: lists, limits, masks, addresses; B18 to B27.
 * Each suite is an attack of docs/threats.md. (B16, B17: attack_copy.c.)
 */
#include "calls.h"
#include "scene.h"

enum {
	STEPS = 3000,
	HANDLES = 24,
	TWIN_BYTES = 32768,
	SEGMENTS = 4
};

/* The first mapping binds the device's verdict: no change from then on. */
static void bind_first(struct bounce_queue *queue, struct bounce_buf buf)
{
	struct bounce_mapping handle = map_ok(queue, buf, BOUNCE_FROM_DEVICE);

	unmap_ok(queue, &handle, 0);
}

/* ---- B18 and B19: a device that writes everywhere ---- */

Test(b18,
     neighbours_paddings_and_free_slots_that_are_overwritten_change_nothing)
{
	struct bench_knobs knobs = scene_usual();
	struct model_mapping *mapping[8];
	struct picture picture;
	struct scene scene;

	knobs.devices = 2;
	knobs.info.min_align_mask = 0xfff;
	scene_init(&scene, &knobs);
	for (uint32_t i = 0; i < 8; i++)
		mapping[i] = scene_map(&scene,
				       &(struct scene_wish) {
					       .device = i % 2,
					       .how = BOUNCE_BIDIRECTIONAL,
					       .at = 8000 * i + 100,
					       .len = 1 + 700 * i,
				       });
	for (int round = 0; round < 50; round++) {
		picture = picture_take(&scene.bench);
		model_scribble(&scene.model);
		memcpy(picture.arena, scene.bench.machine.memory,
		       scene.bench.machine.bytes);
		cr_expect(bounce_valid(scene.bench.bounce));
		cr_expect(picture_same(&picture));
		picture_drop(&picture);
		scene_look(&scene);
	}
	for (uint32_t i = 0; i < 8; i++)
		cr_expect_eq(scene_unmap(&scene, mapping[i], mapping[i]->len),
			     BOUNCE_OK);
	scene_fini(&scene);
}

/* One of two machines that live the same life; the second is scribbled. */
struct twin {
	struct bench bench;
	struct bounce_mapping handle[HANDLES];
	bool live[HANDLES];
};

/* What a call came to: all that may differ. */
struct outcome {
	enum bounce_err err;
	struct bounce_mapping handle;
};

static struct outcome step(struct twin *twin, uint64_t random)
{
	static const uint32_t hows[] = { BOUNCE_TO_DEVICE, BOUNCE_FROM_DEVICE,
					 BOUNCE_BIDIRECTIONAL,
					 BOUNCE_FROM_DEVICE | BOUNCE_ZERO };
	struct outcome outcome = { BOUNCE_OK, { .record = 0 } };
	uint32_t i = (uint32_t)(random % HANDLES);
	struct bounce_queue *queue = twin->bench.queue[i % 2];
	struct bounce_buf buf = bench_buf(&twin->bench, i * TWIN_BYTES,
					  1 + (random >> 32) % TWIN_BYTES);

	if ((random >> 8 & 0xff) < 100) {
		outcome.err = bounce_sync_for_cpu(queue, &twin->handle[i],
						  random >> 50, 5);
	} else if (twin->live[i]) {
		outcome.err = bounce_unmap(queue, &twin->handle[i],
					   random >> 48);
		twin->live[i] = false;
	} else {
		outcome.err = bounce_map(queue, &buf, hows[random >> 16 & 3],
					 &twin->handle[i]);
		twin->live[i] = outcome.err == BOUNCE_OK;
		outcome.handle = twin->handle[i];
	}
	return outcome;
}

static void twin_init(struct twin *twin)
{
	struct bench_knobs knobs = bench_usual();

	memset(twin, 0, sizeof(*twin));
	knobs.chunks = 1;
	knobs.devices = 2;
	knobs.private_bytes = HANDLES * TWIN_BYTES;
	bench_init(&twin->bench, &knobs);
}

static void twin_fini(struct twin *twin)
{
	for (uint32_t i = 0; i < HANDLES; i++)
		if (twin->live[i])
			unmap_ok(twin->bench.queue[i % 2], &twin->handle[i], 0);
	bench_fini(&twin->bench);
}

static bool same_stats(const struct twin *a, const struct twin *b)
{
	struct bounce_device_stats of_a = stats_of(a->bench.device[1]);
	struct bounce_device_stats of_b = stats_of(b->bench.device[1]);

	return memcmp(&of_a, &of_b, sizeof(of_a)) == 0;
}

Test(b19, an_arena_of_random_bytes_between_all_calls_changes_no_answer)
{
	struct twin quiet;
	struct twin noisy;
	uint64_t seed = 1;

	twin_init(&quiet);
	twin_init(&noisy);
	for (int i = 0; i < STEPS; i++) {
		uint64_t random = bench_random(&seed);
		struct outcome want = step(&quiet, random);
		struct outcome got;

		fake_device_scribble(&noisy.bench.host);
		got = step(&noisy, random);
		cr_assert_eq(got.err, want.err, "step %d", i);
		cr_assert_eq(got.handle.bus.v, want.handle.bus.v, "step %d", i);
		cr_assert_eq(got.handle.len, want.handle.len, "step %d", i);
		cr_assert_eq(got.handle.record, want.handle.record);
		cr_assert(same_stats(&quiet, &noisy), "step %d", i);
	}
	cr_expect_gt(stats_of(quiet.bench.device[0]).maps, STEPS / 10);
	cr_expect_gt(stats_of(quiet.bench.device[0]).full, 0);
	twin_fini(&quiet);
	twin_fini(&noisy);
}

/* ---- B20, B21: lists ---- */

static const uint64_t sg_lens[SEGMENTS] = { 16, 100, 5000, 1 };
static const uint32_t sg_hows[SEGMENTS] = { BOUNCE_TO_DEVICE,
					    BOUNCE_FROM_DEVICE,
					    BOUNCE_FROM_DEVICE,
					    BOUNCE_FROM_DEVICE };
enum {
	SG_SUM = 5101
};

/* Of @written bytes, segment after segment, each has what falls to it. */
static void list_reports(uint64_t written)
{
	struct bench_knobs knobs = scene_usual();
	struct bounce_segment segment[SEGMENTS];
	uint64_t left = written > SG_SUM ? 0 : written;
	struct bench bench;

	bench_init(&bench, &knobs);
	for (uint32_t i = 0; i < SEGMENTS; i++)
		segment[i] = (struct bounce_segment) {
			.buf = bench_buf(&bench, 8192 * i, sg_lens[i]),
			.how = sg_hows[i],
		};
	cr_assert_eq(bounce_map_sg(bench.queue[0], segment, SEGMENTS, 0),
		     BOUNCE_OK);
	memset(bench.machine.memory, 0x33, bench.slab_bytes);
	cr_expect_eq(bounce_unmap_sg(bench.queue[0], segment, SEGMENTS,
				     written),
		     written > SG_SUM ? BOUNCE_ERR_LENGTH : BOUNCE_OK);
	for (uint32_t i = 0; i < SEGMENTS; i++) {
		unsigned char *at = bench_private(&bench, 8192 * i);
		uint64_t mine = i == 0 ? 0 : bounce_min(left, sg_lens[i]);

		cr_expect(all_bytes_are(at, 0x33, mine), "%lu", written);
		cr_expect(all_bytes_are(at + mine, FAKE_SECRET, 8192 - mine),
			  "%lu written, segment %u", written, i);
		left -= mine;
	}
	cr_expect_eq(slots_free(&bench), 64);
	bench_fini(&bench);
}

Test(b20, what_is_reported_of_a_list_fills_its_segments_in_order_and_no_more)
{
	static const uint64_t lies[] = { SG_SUM + 1, SG_SUM + 16, 65536,
					 UINT32_MAX, UINT64_MAX };

	for (uint64_t written = 0; written <= SG_SUM;
	     written += written < 130 ? 1 : 331)
		list_reports(written);
	list_reports(SG_SUM);
	for (size_t i = 0; i < COUNT_OF(lies); i++)
		list_reports(lies[i]);
}

static enum bounce_err refused_list(struct bench *bench,
				    struct bounce_segment *segment,
				    uint32_t count)
{
	struct picture picture = picture_take(bench);
	enum bounce_err err = bounce_map_sg(bench->queue[0], segment, count, 0);

	cr_expect(picture_same(&picture));
	picture_drop(&picture);
	return err;
}

Test(b21, lists_of_no_segments_empty_ones_or_overlapping_ones_are_defined)
{
	struct bench_knobs knobs = scene_usual();
	struct bounce_segment segment[3];
	struct bench bench;

	bench_init(&bench, &knobs);
	bind_first(bench.queue[0], bench_buf(&bench, 0, 1));
	for (uint32_t i = 0; i < 3; i++)
		segment[i] = (struct bounce_segment) {
			.buf = bench_buf(&bench, 50 * i, 100),
			.how = BOUNCE_FROM_DEVICE,
		};
	cr_expect_eq(refused_list(&bench, segment, 0), BOUNCE_ERR_ARG);
	cr_expect_eq(refused_list(&bench, NULL, 1), BOUNCE_ERR_ARG);
	segment[1].buf.len = 0;
	cr_expect_eq(refused_list(&bench, segment, 3), BOUNCE_ERR_ARG);
	segment[1].buf.len = UINT64_MAX;
	cr_expect_eq(refused_list(&bench, segment, 3), BOUNCE_ERR_ARG);
	/* Overlapping ones have runs of their own; who ends later, wins. */
	segment[1].buf.len = 100;
	cr_assert_eq(bounce_map_sg(bench.queue[0], segment, 3, 0), BOUNCE_OK);
	for (uint32_t i = 0; i < 3; i++)
		memset(bench_at_bus(&bench, segment[i].mapping.bus, 100),
		       (int)i + 1, 100);
	cr_assert_eq(bounce_unmap_sg(bench.queue[0], segment, 3, 300),
		     BOUNCE_OK);
	cr_expect(all_bytes_are(bench_private(&bench, 0), 1, 50));
	cr_expect(all_bytes_are(bench_private(&bench, 50), 2, 50));
	cr_expect(all_bytes_are(bench_private(&bench, 100), 3, 100));
	cr_expect(all_bytes_are(bench_private(&bench, 200), FAKE_SECRET, 800));
	bench_fini(&bench);
}

/* ---- B22 to B25: numbers of a device or a caller ---- */

static const uint64_t edges[] = {
	0,
	1,
	4095,
	4096,
	INT32_MAX,
	UINT32_MAX,
	UINT64_C(1) << 32,
	(UINT64_C(1) << 32) + 1,
	INT64_MAX,
	UINT64_C(1) << 63,
	UINT64_MAX - 4096,
	UINT64_MAX - 1,
	UINT64_MAX,
};

Test(b22, a_buffer_whose_end_wraps_is_refused_and_changes_nothing)
{
	struct bench_knobs knobs = scene_usual();
	struct scene scene;

	knobs.private_bytes = 8192;
	scene_init(&scene, &knobs);
	bind_first(scene.bench.queue[0], bench_buf(&scene.bench, 0, 1));
	for (size_t i = 0; i < COUNT_OF(edges); i++)
		for (size_t j = 0; j < COUNT_OF(edges); j++) {
			struct bounce_buf buf = {
				.gpa = { edges[i] },
				.len = edges[j],
			};
			enum bounce_err err = scene_refused(&scene, 0, &buf,
							    BOUNCE_TO_DEVICE);

			cr_expect(err == BOUNCE_ERR_ARG ||
					  err == BOUNCE_ERR_RANGE,
				  "%lu bytes at %lx", edges[j], edges[i]);
		}
	scene_fini(&scene);
}

Test(b23, a_segment_size_of_the_devices_is_a_limit_that_can_be_asked)
{
	static const uint64_t segment[] = { 1,		63,	   64,
					    4095,	4096,	   4097,
					    65536,	262144,	   262145,
					    UINT32_MAX, UINT64_MAX };

	for (size_t i = 0; i < COUNT_OF(segment); i++) {
		struct bench_knobs knobs = bench_usual();
		struct bounce_mapping handle;
		struct bounce_buf buf;
		struct bench bench;
		uint64_t most;

		knobs.private_bytes = 2 * 1024 * 1024;
		knobs.info.segment_bytes = segment[i];
		bench_init(&bench, &knobs);
		most = bounce_map_max(bench.device[0]);
		cr_expect_eq(most, bounce_min(segment[i], bench.slab_bytes));
		handle = map_ok(bench.queue[0], bench_buf(&bench, 0, most),
				BOUNCE_FROM_DEVICE);
		unmap_ok(bench.queue[0], &handle, 0);
		buf = bench_buf(&bench, 0, most + 1);
		cr_expect_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE,
					&handle),
			     BOUNCE_ERR_RANGE, "%lu", segment[i]);
		bench_fini(&bench);
	}
}

/* Attach, and map what it then says it can. Refused, or within all limits. */
static bool advertise(struct bench *bench,
		      const struct bounce_device_info *info)
{
	struct bounce_device *device = NULL;
	enum bounce_err err = bounce_device_attach(bench->bounce, info, &device,
						   NULL);
	struct bounce_mapping handle;
	struct bounce_queue *queue;
	uint64_t len;
	uint64_t last = info->dma_mask == 0 ? UINT64_MAX : info->dma_mask;

	if (err != BOUNCE_OK) {
		cr_expect(err == BOUNCE_ERR_ARG || err == BOUNCE_ERR_FULL ||
			  err == BOUNCE_ERR_UNREACHABLE);
		cr_expect_null(device);
		cr_expect(bounce_valid(bench->bounce));
		return false;
	}
	queue = bounce_device_queue(device, 0);
	len = bounce_map_max(device);
	if (len != 0) {
		handle = map_ok(queue, bench_buf(bench, 0, len),
				BOUNCE_FROM_DEVICE);
		cr_expect(handle.bus.v <= last &&
			  len - 1 <= last - handle.bus.v);
		cr_expect(info->segment_bytes == 0 ||
			  len <= info->segment_bytes);
		cr_expect_not_null(bench_at_bus(bench, handle.bus, len));
		unmap_ok(queue, &handle, 0);
	}
	cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	return true;
}

Test(b24, whatever_a_device_advertises_is_refused_or_kept)
{
	struct bench_knobs knobs = bench_usual();
	struct bench bench;
	uint32_t kept = 0;

	knobs.more_devices = 1;
	knobs.private_bytes = 2 * 1024 * 1024;
	bench_init(&bench, &knobs);
	for (size_t i = 0; i < COUNT_OF(edges) * COUNT_OF(edges); i++) {
		struct bounce_device_info info = knobs.info;
		uint64_t a = edges[i / COUNT_OF(edges)];
		uint64_t b = edges[i % COUNT_OF(edges)];

		info.space = bench.space;
		info.segment_bytes = a;
		info.boundary_mask = b;
		kept += advertise(&bench, &info);
		info.boundary_mask = 0;
		info.min_align_mask = b;
		kept += advertise(&bench, &info);
		info.alloc_align_mask = a;
		info.segment_bytes = 0;
		kept += advertise(&bench, &info);
		info.min_align_mask = 0;
		info.alloc_align_mask = b;
		info.dma_mask = a;
		kept += advertise(&bench, &info);
		info.alloc_align_mask = 0;
		info.queues = (uint16_t)b;
		info.quota = (uint32_t)a;
		if (info.quota == 0)
			kept += advertise(&bench, &info);
	}
	cr_expect_gt(kept, 100);
	cr_expect_lt(kept, 500);
	bench_fini(&bench);
}

Test(b25, a_device_that_cannot_reach_the_pool_is_told_no_address)
{
	struct bench_knobs knobs = bench_usual();
	struct bounce_device *device = NULL;
	struct bounce_device_info info;
	struct bench bench;

	bench_init(&bench, &knobs);
	info = knobs.info;
	info.space = bench.space;
	for (unsigned bits = 1; bits < 64; bits++) {
		info.dma_mask = (UINT64_C(1) << bits) - 1;
		cr_expect_eq(bounce_device_attach(bench.bounce, &info, &device,
						  NULL),
			     info.dma_mask < knobs.gpa + 4095 ?
				     BOUNCE_ERR_UNREACHABLE :
				     BOUNCE_OK,
			     "%u bits", bits);
		if (device != NULL)
			cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
		device = NULL;
	}
	bench_fini(&bench);
}

/* The slab's first chunk lies across the last address that the device has, the
 * second above it. */
Test(b25, of_a_pool_that_is_reached_in_part_only_that_part_is_handed_out)
{
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle[128];
	struct bounce_buf buf;
	struct bench bench;
	uint32_t made = 0;

	knobs.chunks = 2;
	knobs.shift = (uint64_t)0 - 20 * BOUNCE_SLOT_BYTES;
	knobs.info.dma_mask = knobs.gpa - 1;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 3000);
	while (made < 128 && bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE,
					&handle[made]) == BOUNCE_OK) {
		cr_expect_leq(handle[made].bus.v + 2999, knobs.info.dma_mask);
		made++;
	}
	cr_expect_eq(made, 20);
	while (made-- > 0)
		unmap_ok(bench.queue[0], &handle[made], 0);
	bench_fini(&bench);
}

/* ---- B26: overlap (CVE-2024-35814) ---- */

/* Fill the pool: the model finds two live mappings with a byte in common. */
static void fill_up(uint64_t match, uint64_t align, uint64_t len)
{
	struct bench_knobs knobs = scene_usual();
	struct scene_wish wish = { .how = BOUNCE_BIDIRECTIONAL, .len = len };
	struct scene scene;
	uint32_t made = 0;

	knobs.private_bytes = 16 * 1024;
	knobs.info.min_align_mask = match;
	knobs.info.alloc_align_mask = align;
	knobs.info.owner = 3;
	scene_init(&scene, &knobs);
	while (model_slot(&scene.model) < MODEL_MAPPINGS) {
		struct model_mapping *mapping;

		wish.at = made * 371 % 8192;
		mapping = scene_try(&scene, &wish);
		if (mapping == NULL)
			break;
		made++;
		wish.at += scene.bench.knobs.gpa + scene.model.bytes -
			   knobs.private_bytes;
		cr_expect_eq((mapping->handle.bus.v ^ wish.at) & match, 0);
		cr_expect_eq((mapping->run_at + scene.model.base) & align, 0);
	}
	for (uint32_t i = 0; i < MODEL_MAPPINGS; i++)
		if (scene.model.mapping[i].kind != MODEL_ENDED)
			cr_expect_eq(scene_unmap(&scene,
						 &scene.model.mapping[i], 0),
				     BOUNCE_OK);
	cr_expect_gt(made, 3);
	scene_fini(&scene);
}

Test(b26, live_runs_never_overlap_whatever_masks_and_lengths_meet)
{
	static const uint64_t lens[] = { 1, 64, 500, 2049, 4096, 5000 };

	for (uint64_t match = 0; match <= 0x3fff; match = match * 4 + 3)
		for (uint64_t align = 0; align <= 0x3fff; align = align * 8 + 7)
			for (size_t i = 0; i < COUNT_OF(lens); i++)
				fill_up(match, align, lens[i]);
}

/* ---- B27 ---- */

Test(b27, no_object_of_the_librarys_can_come_to_lie_in_shared_memory)
{
	struct bench_knobs knobs = scene_usual();
	struct bounce_linear *linear;
	struct picture picture;
	struct bench bench;
	uint64_t first;

	knobs.slabs = 2;
	bench_init(&bench, &knobs);
	/* The instance's own memory, as if it were for a second slab. */
	first = (uintptr_t)bench.meta & ~(uint64_t)(BOUNCE_CHUNK_BYTES - 1);
	linear = &bench.bounce->env.linear[1];
	*linear = (struct bounce_linear) {
		.gpa = { UINT64_C(1) << 40 },
		.ptr = (unsigned char *)(uintptr_t)first,
		.len = 2 * BOUNCE_CHUNK_BYTES,
	};
	picture = picture_take(&bench);
	cr_expect_eq(bounce_pool_grow(bench.pool, linear->gpa,
				      BOUNCE_CHUNK_BYTES),
		     BOUNCE_ERR_ARG);
	cr_expect(picture_same(&picture));
	picture_drop(&picture);
	cr_expect_eq(bench.machine.calls[FAKE_SHARE], bench.slab_bytes >> 16,
		     "the first slab's only");
	*linear = (struct bounce_linear) { .len = 0 };
	bench_fini(&bench);
}
