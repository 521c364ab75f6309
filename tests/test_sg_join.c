/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_sg_join.c - BOUNCE_SG_JOIN: segments that follow each other share a run.
 */
#include "calls.h"
#include "model.h"

#define PARTS 4u

/* @count parts of @len bytes each, one behind the other from @offset. */
static void parts(const struct bench *bench, struct bounce_segment *segment,
		  uint32_t count, uint64_t len)
{
	for (uint32_t i = 0; i < count; i++)
		segment[i] = (struct bounce_segment) {
			.buf = bench_buf(bench, 40 + i * len, len),
			.how = BOUNCE_BIDIRECTIONAL,
			.joined = 99,
		};
}

static enum bounce_err join(struct bench *bench, struct bounce_segment *segment,
			    uint32_t count)
{
	return bounce_map_sg(bench->queue[0], segment, count, BOUNCE_SG_JOIN);
}

static void end(struct bench *bench, const struct bounce_segment *segment,
		uint32_t count, uint64_t written)
{
	cr_expect_eq(bounce_unmap_sg(bench->queue[0], segment, count, written),
		     BOUNCE_OK);
	cr_expect_eq(slots_free(bench), 256);
}

static void expect_joined(const struct bounce_segment *segment, uint32_t count,
			  const char *pattern)
{
	for (uint32_t i = 0; i < count; i++)
		cr_expect_eq(segment[i].joined, (uint32_t)(pattern[i] - '0'),
			     "segment %u of %s", i, pattern);
}

Test(sg_join, segments_that_follow_each_other_share_one_run)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[PARTS];
	const unsigned char *shared;

	bench_init(&bench, &knobs);
	parts(&bench, segment, PARTS, 1000);
	write_bytes(bench_private(&bench, 40), 5, PARTS * 1000);
	cr_assert_eq(join(&bench, segment, PARTS), BOUNCE_OK);
	expect_joined(segment, PARTS, "0111");
	cr_expect_eq(segment[0].mapping.len, PARTS * 1000,
		     "its len covers the joined ones");
	cr_expect_eq(stats_of(bench.device[0]).maps, 1);
	cr_expect_eq(slots_free(&bench), 255);
	shared = bench_at_bus(&bench, segment[0].mapping.bus, PARTS * 1000);
	cr_expect_eq(count_bytes(shared, 5, PARTS * 1000), PARTS * 1000,
		     "one bus range");
	end(&bench, segment, PARTS, 0);
	bench_fini(&bench);
}

Test(sg_join, by_pointer_or_by_the_linear_map_but_not_by_both)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[PARTS];

	bench_init(&bench, &knobs);
	for (uint32_t with = 0; with < 16; with++) {
		char pattern[] = "0000";

		parts(&bench, segment, PARTS, 500);
		for (uint32_t i = 0; i < PARTS; i++) {
			if ((with >> i & 1) != 0)
				segment[i].buf.ptr =
					bench_private(&bench, 40 + i * 500);
			if (i > 0 && (with >> i & 1) == (with >> (i - 1) & 1))
				pattern[i] = '1';
		}
		cr_assert_eq(join(&bench, segment, PARTS), BOUNCE_OK);
		expect_joined(segment, PARTS, pattern);
		end(&bench, segment, PARTS, 0);
	}
	bench_fini(&bench);
}

Test(sg_join, only_what_is_adjacent_and_used_alike_is_joined)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[PARTS];

	bench_init(&bench, &knobs);
	for (uint32_t i = 1; i < PARTS; i++) {
		static const char *const patterns[] = { "", "0011", "0101",
							"0110" };

		parts(&bench, segment, PARTS, 100);
		segment[i].buf.gpa.v++; /* a gap; the next one overlaps */
		segment[i].buf.len--;
		cr_assert_eq(join(&bench, segment, PARTS), BOUNCE_OK);
		expect_joined(segment, PARTS, patterns[i]);
		end(&bench, segment, PARTS, 0);
		parts(&bench, segment, PARTS, 100);
		for (uint32_t j = i; j < PARTS; j++)
			segment[j].how = BOUNCE_FROM_DEVICE;
		cr_assert_eq(join(&bench, segment, PARTS), BOUNCE_OK);
		expect_joined(segment, PARTS, patterns[i]);
		end(&bench, segment, PARTS, 0);
		/* Adjacent by gpa, but elsewhere for the CPU. */
		parts(&bench, segment, PARTS, 100);
		for (uint32_t j = 0; j < PARTS; j++)
			segment[j].buf.ptr = bench_private(
				&bench, 40 + j * 100 + (j >= i ? 1000 : 0));
		cr_assert_eq(join(&bench, segment, PARTS), BOUNCE_OK);
		expect_joined(segment, PARTS, patterns[i]);
		end(&bench, segment, PARTS, 0);
	}
	bench_fini(&bench);
}

Test(sg_join, not_when_it_was_not_asked_for)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[PARTS];

	bench_init(&bench, &knobs);
	parts(&bench, segment, PARTS, 1000);
	cr_assert_eq(bounce_map_sg(bench.queue[0], segment, PARTS, 0),
		     BOUNCE_OK);
	expect_joined(segment, PARTS, "0000");
	cr_expect_eq(stats_of(bench.device[0]).maps, PARTS);
	end(&bench, segment, PARTS, 0);
	bench_fini(&bench);
}

Test(sg_join, what_the_device_reports_fills_joined_segments_in_order)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[PARTS + 1];

	bench_init(&bench, &knobs);
	for (uint64_t written = 0; written <= PARTS * 1000 + 10;
	     written += 1001) {
		uint64_t first = bounce_min(written, PARTS * 1000);
		unsigned char *private = bench_private(&bench, 40);

		parts(&bench, segment, PARTS, 1000);
		segment[PARTS] = (struct bounce_segment) {
			.buf = bench_buf(&bench, 10000, 10),
			.how = BOUNCE_FROM_DEVICE,
		};
		memset(private, FAKE_SECRET, PARTS * 1000);
		cr_assert_eq(join(&bench, segment, PARTS + 1), BOUNCE_OK);
		write_bytes(bench_at_bus(&bench, segment[0].mapping.bus,
					 PARTS * 1000),
			    3, PARTS * 1000);
		end(&bench, segment, PARTS + 1, written);
		cr_expect_eq(count_bytes(private, 3, first), first);
		cr_expect(all_bytes_are(private + first, FAKE_SECRET,
					PARTS * 1000 - first));
	}
	bench_fini(&bench);
}

/* ---- as far as the device's limits allow ---- */

Test(sg_join, stops_where_a_mapping_would_be_too_long)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[PARTS];

	for (uint64_t limit = 1000; limit <= 4000; limit += 500) {
		static const char *const patterns[] = { "", "0000", "0101",
							"0110", "0111" };

		knobs.info.segment_bytes = limit;
		bench_init(&bench, &knobs);
		parts(&bench, segment, PARTS, 1000);
		cr_assert_eq(join(&bench, segment, PARTS), BOUNCE_OK);
		expect_joined(segment, PARTS,
			      limit >= 3000 && limit < 4000 ?
				      "0110" :
				      patterns[limit / 1000]);
		end(&bench, segment, PARTS, 0);
		bench_fini(&bench);
	}
}

/* Memory is open, and there is no pool to bounce through. */
static struct bounce_queue *poolless_queue(struct bench *bench,
					   struct bounce_device **device)
{
	const struct bounce_window window = { .flags = BOUNCE_WINDOW_BYPASS };
	struct bounce_device_info info = {
		.features = BOUNCE_VIRTIO_F_VERSION_1,
		.boundary_mask = 0xfff,
	};

	cr_assert_eq(bounce_space_init(bench->bounce, NULL, &info.space),
		     BOUNCE_OK);
	cr_assert_eq(bounce_space_add_window(info.space, &window), BOUNCE_OK);
	cr_assert_eq(bounce_device_attach(bench->bounce, &info, device, NULL),
		     BOUNCE_OK);
	return bounce_device_queue(*device, 0);
}

Test(sg_join, what_would_cross_a_direct_devices_boundary_is_mapped_apart)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[PARTS];
	struct bounce_device *device;
	struct bounce_queue *queue;

	knobs.protection = BOUNCE_PROTECTION_NO;
	knobs.more_spaces = 1;
	knobs.more_devices = 1;
	bench_init(&bench, &knobs);
	queue = poolless_queue(&bench, &device);
	for (uint32_t i = 0; i < PARTS; i++)
		segment[i] = (struct bounce_segment) {
			.buf = bench_buf(&bench, 2048 + i * 1024, 1024),
			.how = BOUNCE_BIDIRECTIONAL,
		};
	cr_assert_eq(bounce_map_sg(queue, segment, PARTS, BOUNCE_SG_JOIN),
		     BOUNCE_OK);
	cr_expect_eq(segment[2].joined, 0, "a new page begins");
	for (uint32_t i = 0; i < PARTS; i++)
		if (!segment[i].joined)
			cr_expect_eq(segment[i].mapping.bus.v,
				     segment[i].buf.gpa.v);
	cr_expect_eq(bounce_unmap_sg(queue, segment, PARTS, 0), BOUNCE_OK);
	cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	bench_fini(&bench);
}

Test(sg_join, what_fits_only_apart_is_mapped_apart)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[PARTS];
	struct born taken[64];

	knobs.chunks = 1;
	bench_init(&bench, &knobs);
	for (uint32_t i = 0; i < 64; i++)
		taken[i] = alloc_ok(bench.queue[0], 4096);
	for (uint32_t i = 0; i < 64; i += 2)
		free_ok(bench.queue[0], &taken[i]);
	parts(&bench, segment, PARTS, 4096);
	cr_assert_eq(join(&bench, segment, PARTS), BOUNCE_OK);
	expect_joined(segment, PARTS, "0000");
	cr_expect_eq(bounce_unmap_sg(bench.queue[0], segment, PARTS, 0),
		     BOUNCE_OK);
	for (uint32_t i = 1; i < 64; i += 2)
		free_ok(bench.queue[0], &taken[i]);
	bench_fini(&bench);
}

Test(sg_join, born_shared_memory_is_joined_only_within_one_allocation)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[PARTS] = { 0 };
	struct born born[2];

	bench_init(&bench, &knobs);
	born[0] = alloc_ok(bench.queue[0], 4096);
	born[1] = alloc_ok(bench.queue[0], 4096);
	cr_assert_eq(born[1].buf.gpa.v, born[0].buf.gpa.v + 4096);
	for (uint32_t i = 0; i < PARTS; i++) {
		segment[i].buf = born[0].buf;
		segment[i].buf.gpa.v += i * 2048;
		segment[i].buf.ptr = NULL;
		segment[i].buf.len = 2048;
		segment[i].how = BOUNCE_TO_DEVICE;
	}
	cr_assert_eq(join(&bench, segment, PARTS), BOUNCE_OK);
	/* Which are joined is not promised; that none lies in both is. */
	for (uint32_t i = 0; i < PARTS; i++)
		if (!segment[i].joined)
			cr_expect_eq(segment[i].mapping.bus.v,
				     segment[i].buf.gpa.v);
	cr_expect_eq(segment[2].joined, 0);
	cr_expect_eq(bounce_unmap_sg(bench.queue[0], segment, PARTS, 0),
		     BOUNCE_OK);
	free_ok(bench.queue[0], &born[0]);
	free_ok(bench.queue[0], &born[1]);
	bench_fini(&bench);
}

/* ---- a joined segment is checked like any other ---- */

Test(sg_join, a_bad_segment_is_refused_though_it_could_be_joined)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[PARTS];

	bench_init(&bench, &knobs);
	for (uint32_t i = 0; i < PARTS; i++) {
		parts(&bench, segment, PARTS, 100);
		segment[i].buf.len = 0;
		for (uint32_t j = i + 1; j < PARTS; j++)
			segment[j].buf.gpa.v -= 100;
		cr_expect_eq(join(&bench, segment, PARTS), BOUNCE_ERR_ARG,
			     "length 0 at %u", i);
	}
	for (uint32_t how = 0; how < 64; how++) {
		struct bounce_mapping alone;
		enum bounce_err err;

		parts(&bench, segment, PARTS, 100);
		for (uint32_t i = 0; i < PARTS; i++)
			segment[i].how = how;
		err = bounce_map(bench.queue[0], &segment[0].buf, how, &alone);
		if (err == BOUNCE_OK) {
			unmap_ok(bench.queue[0], &alone, 0);
			continue;
		}
		cr_expect_eq(join(&bench, segment, PARTS), err, "how %u", how);
	}
	cr_expect_eq(slots_free(&bench), 256);
	bench_fini(&bench);
}

Test(sg_join, the_last_byte_of_all_memory_is_followed_by_none)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[2];

	bench_init(&bench, &knobs);
	for (uint32_t i = 0; i < 2; i++)
		segment[i] = (struct bounce_segment) {
			.buf = { .gpa = { i == 0 ? UINT64_MAX - 99 : 0 },
				 .ptr = bench_private(&bench, i * 100),
				 .len = 100 },
			.how = BOUNCE_TO_DEVICE,
		};
	cr_assert_eq(join(&bench, segment, 2), BOUNCE_OK);
	expect_joined(segment, 2, "00");
	end(&bench, segment, 2, 0);
	bench_fini(&bench);
}

Test(sg_join, one_that_fails_touches_no_shared_byte_and_holds_nothing)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[PARTS * 2];
	unsigned char *before;

	bench_init(&bench, &knobs);
	fake_device_scribble(&bench.host);
	before = host_picture(&bench);
	for (uint32_t at = 0; at < PARTS * 2; at++) {
		parts(&bench, segment, PARTS, 4096);
		parts(&bench, segment + PARTS, PARTS, 5000);
		segment[at].buf.gpa = bench_slab_gpa(&bench, 0);
		cr_expect_eq(join(&bench, segment, PARTS * 2), BOUNCE_ERR_ARG);
		cr_expect_eq(slots_free(&bench), 256);
	}
	cr_expect(host_sees_the_same(&bench, before));
	bench_fini(&bench);
}
