/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_sg.c - bounce_map_sg() and bounce_unmap_sg(): all segments of a request
 * or none. Segments that are joined are in test_sg_join.c.
 */
#include "calls.h"
#include "model.h"

#define SEGMENTS 6u

/* A segment of private bytes at @offset. */
static struct bounce_segment segment_at(const struct bench *bench,
					uint64_t offset, uint64_t len,
					uint32_t how)
{
	return (struct bounce_segment) {
		.buf = bench_buf(bench, offset, len),
		.how = how,
		.joined = 77,
	};
}

/* A request of all sizes: readable segments first, as virtio has them. */
static void request(const struct bench *bench, struct bounce_segment *segment)
{
	static const struct {
		uint64_t len;
		uint32_t how;
	} parts[SEGMENTS] = {
		{ 16, BOUNCE_TO_DEVICE },      { 5000, BOUNCE_TO_DEVICE },
		{ 100, BOUNCE_FROM_DEVICE },   { 4096, BOUNCE_FROM_DEVICE },
		{ 300, BOUNCE_BIDIRECTIONAL }, { 1, BOUNCE_FROM_DEVICE },
	};

	for (uint32_t i = 0; i < SEGMENTS; i++)
		segment[i] = segment_at(bench, i * 8192 + 8, parts[i].len,
					parts[i].how);
}

static unsigned char *private_of(const struct bench *bench,
				 const struct bounce_segment *segment)
{
	return fake_machine_pointer(&bench->machine, segment->buf.gpa.v,
				    segment->buf.len);
}

static unsigned char *shared_of(const struct bench *bench,
				const struct bounce_segment *segment)
{
	return bench_at_bus(bench, segment->mapping.bus, segment->mapping.len);
}

/* ---- bounce_map_sg() ---- */

Test(map_sg, maps_every_segment_by_its_own_length_and_direction)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[SEGMENTS];

	bench_init(&bench, &knobs);
	request(&bench, segment);
	for (uint32_t i = 0; i < SEGMENTS; i++)
		write_bytes(private_of(&bench, &segment[i]), i,
			    segment[i].buf.len);
	cr_assert_eq(bounce_map_sg(bench.queue[0], segment, SEGMENTS, 0),
		     BOUNCE_OK);
	for (uint32_t i = 0; i < SEGMENTS; i++) {
		const struct bounce_segment *s = &segment[i];
		const unsigned char *shared = shared_of(&bench, s);

		cr_expect_eq(s->joined, 0);
		cr_assert_eq(s->mapping.len, s->buf.len);
		cr_expect(bounce_mapping_valid(bench.queue[0], &s->mapping));
		if ((s->how & BOUNCE_TO_DEVICE) != 0)
			cr_expect_eq(count_bytes(shared, i, s->buf.len),
				     s->buf.len);
		else
			cr_expect(all_bytes_are(shared, 0, s->buf.len));
	}
	cr_expect_eq(stats_of(bench.device[0]).maps, SEGMENTS);
	cr_expect_eq(stats_of(bench.device[0]).bytes_to, 16 + 5000 + 300);
	cr_expect_eq(bounce_unmap_sg(bench.queue[0], segment, SEGMENTS, 0),
		     BOUNCE_OK);
	cr_expect_eq(slots_free(&bench), 256);
	bench_fini(&bench);
}

Test(map_sg, honours_the_wishes_of_each_segment)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[3];

	bench_init(&bench, &knobs);
	fake_device_scribble(&bench.host);
	segment[0] = segment_at(&bench, 0, 5000,
				BOUNCE_FROM_DEVICE | BOUNCE_ZERO);
	segment[1] = segment_at(&bench, 8192, 5000,
				BOUNCE_FROM_DEVICE | BOUNCE_PRESERVE);
	segment[2] = segment_at(&bench, 16384, 5000,
				BOUNCE_TO_DEVICE | BOUNCE_URGENT);
	for (uint32_t i = 0; i < 3; i++)
		write_bytes(private_of(&bench, &segment[i]), i, 5000);
	cr_assert_eq(bounce_map_sg(bench.queue[0], segment, 3, 0), BOUNCE_OK);
	cr_expect(all_bytes_are(shared_of(&bench, &segment[0]), 0, 5000));
	cr_expect_eq(count_bytes(shared_of(&bench, &segment[1]), 1, 5000),
		     5000);
	cr_expect_eq(count_bytes(shared_of(&bench, &segment[2]), 2, 5000),
		     5000);
	/* All of a wish comes back, as soon as a byte of it is reported. */
	cr_expect_eq(bounce_unmap_sg(bench.queue[0], segment, 3, 5001),
		     BOUNCE_OK);
	cr_expect(all_bytes_are(private_of(&bench, &segment[0]), 0, 5000));
	cr_expect_eq(count_bytes(private_of(&bench, &segment[1]), 1, 5000),
		     5000);
	bench_fini(&bench);
}

Test(map_sg, every_bad_argument_is_refused_and_nothing_changes)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[SEGMENTS];
	struct bounce_queue *queue;
	struct picture before;

	bench_init(&bench, &knobs);
	queue = bench.queue[0];
	request(&bench, segment);
	before = picture_take(&bench);
	cr_expect_eq(bounce_map_sg(NULL, segment, 1, 0), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_map_sg(queue, NULL, 1, 0), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_map_sg(queue, segment, 0, 0), BOUNCE_ERR_ARG);
	for (uint32_t flag = 2; flag != 0; flag <<= 1)
		cr_expect_eq(bounce_map_sg(queue, segment, 1,
					   BOUNCE_SG_JOIN | flag),
			     BOUNCE_ERR_ARG, "flag %#x", flag);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	cr_expect_eq(stats_of(bench.device[0]).other, 2 + 31);
	bench_fini(&bench);
}

/* ---- K1 ---- */

/* What takes what is left of the pool but @slots slots. */
static void leave_free(struct bench *bench, uint64_t slots, struct born *taken)
{
	uint64_t n = slots_free(bench);

	for (uint32_t i = 0; i < n - slots; i++)
		taken[i] = alloc_ok(bench->queue[0], 4096);
	cr_assert_eq(slots_free(bench), slots);
}

static void give_back(struct bench *bench, struct born *taken, uint64_t count)
{
	for (uint32_t i = 0; i < count; i++)
		free_ok(bench->queue[0], &taken[i]);
	cr_expect_eq(slots_free(bench), 64);
}

/* Is what the host sees as it was, but for bytes that became zero? */
static bool only_scrubbed(const struct bench *bench, unsigned char *before)
{
	unsigned char *now = host_picture(bench);
	bool scrubbed = true;

	for (uint64_t i = 0; i < bench->machine.bytes; i++)
		scrubbed &= now[i] == before[i] || now[i] == 0;
	free(now);
	free(before);
	return scrubbed;
}

/*
 * A request of @count equal segments fails; nothing is touched or held. Where
 * it splits slots for small segments, those are zeroed at once, since others
 * may be given granules of them.
 */
static void fails(struct bench *bench, const struct bounce_segment *like,
		  uint32_t count)
{
	struct bounce_segment segment[65];
	uint64_t had = slots_free(bench);
	bool small = like->buf.len <= BOUNCE_SLOT_BYTES / 2;
	unsigned char *before;

	for (uint32_t i = 0; i < count; i++)
		segment[i] = *like;
	fake_device_scribble(&bench->host);
	before = host_picture(bench);
	cr_assert_eq(bounce_map_sg(bench->queue[0], segment, count, 0),
		     BOUNCE_ERR_FULL, "segment %u of %lu bytes", count,
		     like->buf.len);
	cr_expect(small ? only_scrubbed(bench, before) :
			  host_sees_the_same(bench, before),
		  "segment %u of %lu bytes", count, like->buf.len);
	cr_expect_eq(slots_free(bench), had);
	cr_expect(bounce_valid(bench->bounce));
	/* Nor is there a mapping that could be ended. */
	cr_expect_eq(bounce_unmap_sg(bench->queue[0], segment, count, 0),
		     BOUNCE_ERR_STALE);
	cr_expect_eq(slots_free(bench), had);
}

Test(map_sg, one_that_fails_at_segment_n_touches_no_shared_byte)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born taken[64];

	knobs.chunks = 1;
	bench_init(&bench, &knobs);
	for (uint64_t n = 0; n <= 64; n++) {
		const struct bounce_segment like =
			segment_at(&bench, 8, 4096, BOUNCE_BIDIRECTIONAL);

		leave_free(&bench, n, taken);
		fails(&bench, &like, (uint32_t)n + 1);
		give_back(&bench, taken, 64 - n);
	}
	bench_fini(&bench);
}

Test(map_sg, one_of_small_segments_that_fails_at_most_zeroes_free_slots)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born taken[64];

	knobs.chunks = 1;
	bench_init(&bench, &knobs);
	/* 16 segments of 256 bytes are in a slot, and 16 slots are split. */
	for (uint64_t n = 0; n <= 3; n++) {
		const struct bounce_segment like = segment_at(&bench, 8, 256,
							      BOUNCE_TO_DEVICE);

		leave_free(&bench, n, taken);
		fails(&bench, &like, (uint32_t)n * 16 + 1);
		give_back(&bench, taken, 64 - n);
	}
	bench_fini(&bench);
}

Test(map_sg, one_of_long_segments_that_fails_touches_no_shared_byte)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born taken[64];

	knobs.chunks = 1;
	bench_init(&bench, &knobs);
	for (uint64_t n = 0; n <= 64; n++) {
		const struct bounce_segment like =
			segment_at(&bench, 8, 5 * 4096, BOUNCE_TO_DEVICE);

		leave_free(&bench, n, taken);
		fails(&bench, &like, (uint32_t)n / 5 + 1);
		give_back(&bench, taken, 64 - n);
	}
	bench_fini(&bench);
}

Test(map_sg, one_that_runs_out_of_records_for_born_shared_memory_holds_none)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment like = { .how = BOUNCE_BIDIRECTIONAL };
	struct bounce_mapping inside[5];
	struct born born;

	knobs.chunks = 1;
	knobs.direct = 5;
	bench_init(&bench, &knobs);
	born = alloc_ok(bench.queue[0], 4096);
	like.buf = born.buf;
	for (uint32_t left = 5;; left--) {
		fails(&bench, &like, left + 1);
		if (left == 0)
			break;
		inside[left - 1] = map_ok(bench.queue[0], born.buf,
					  BOUNCE_BIDIRECTIONAL);
	}
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle),
		     BOUNCE_ERR_BUSY);
	for (uint32_t i = 0; i < 5; i++)
		unmap_ok(bench.queue[0], &inside[i], 0);
	/* What failed holds it no longer. */
	free_ok(bench.queue[0], &born);
	bench_fini(&bench);
}

/* ---- the error of the first segment that fails ---- */

Test(map_sg, answers_as_bounce_map_of_the_first_segment_that_fails)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment bad[6];

	bench_init(&bench, &knobs);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		bad[i] = segment_at(&bench, 0, 100, BOUNCE_TO_DEVICE);
	bad[0].buf.len = 0;
	bad[1].how = 0;
	bad[2].how = BOUNCE_TO_DEVICE | BOUNCE_ZERO;
	bad[3].buf.len = bounce_map_max(bench.device[0]) + 1;
	bad[3].buf.ptr = bench_private(&bench, 0);
	bad[4].buf.gpa = bench_slab_gpa(&bench, 0); /* nobody allocated it */
	bad[5].buf.gpa.v = UINT64_MAX - 50;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		for (uint32_t at = 0; at < SEGMENTS; at++) {
			struct bounce_segment segment[SEGMENTS];
			struct bounce_mapping alone;
			enum bounce_err err;
			unsigned char *before = host_picture(&bench);

			request(&bench, segment);
			segment[at] = bad[i];
			err = bounce_map(bench.queue[0], &bad[i].buf,
					 bad[i].how, &alone);
			cr_expect(err == BOUNCE_ERR_ARG ||
				  err == BOUNCE_ERR_RANGE);
			cr_expect_eq(bounce_map_sg(bench.queue[0], segment,
						   SEGMENTS, BOUNCE_SG_JOIN),
				     err, "bad %zu at %u", i, at);
			cr_expect(host_sees_the_same(&bench, before));
			cr_expect_eq(slots_free(&bench), 256);
		}
	bench_fini(&bench);
}

Test(map_sg, of_a_revoked_a_refused_device_or_a_dead_instance_says_so)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[SEGMENTS];

	knobs.devices = 2;
	bench_init(&bench, &knobs);
	request(&bench, segment);
	bounce_device_revoke(bench.device[0]);
	cr_expect_eq(bounce_map_sg(bench.queue[0], segment, SEGMENTS, 0),
		     BOUNCE_ERR_STALE);
	cr_assert_eq(bounce_device_quiesced(bench.device[0]), BOUNCE_OK);
	bounce_device_features_rejected(bench.device[1]);
	cr_expect_eq(bounce_map_sg(bench.queue[1], segment, SEGMENTS, 0),
		     BOUNCE_ERR_REFUSED);
	bounce_mark_dead(bench.bounce);
	cr_expect_eq(bounce_map_sg(bench.queue[0], segment, SEGMENTS, 0),
		     BOUNCE_ERR_DEAD);
	cr_expect_eq(slots_free(&bench), 256);
	bench_fini(&bench);
}

/* ---- bounce_unmap_sg() ---- */

/* Map the request, let the device fill all it may, and end it. */
static enum bounce_err round_trip(struct bench *bench, uint64_t written,
				  struct bounce_segment *segment)
{
	request(bench, segment);
	for (uint32_t i = 0; i < SEGMENTS; i++)
		memset(private_of(bench, &segment[i]), FAKE_SECRET,
		       segment[i].buf.len);
	cr_assert_eq(bounce_map_sg(bench->queue[0], segment, SEGMENTS, 0),
		     BOUNCE_OK);
	for (uint32_t i = 0; i < SEGMENTS; i++)
		write_bytes(shared_of(bench, &segment[i]), i,
			    segment[i].buf.len);
	return bounce_unmap_sg(bench->queue[0], segment, SEGMENTS, written);
}

Test(unmap_sg, written_fills_the_device_writable_segments_in_order)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	const uint64_t all = 100 + 4096 + 300 + 1;
	const uint64_t some[] = { 0,	1,    99,      100,	101, 4195,
				  4196, 4197, all - 2, all - 1, all };

	bench_init(&bench, &knobs);
	for (size_t n = 0; n < COUNT_OF(some); n++) {
		struct bounce_segment segment[SEGMENTS];
		uint64_t left = some[n];

		cr_assert_eq(round_trip(&bench, left, segment), BOUNCE_OK);
		for (uint32_t i = 0; i < SEGMENTS; i++) {
			const unsigned char *p = private_of(&bench,
							    &segment[i]);
			uint64_t len = segment[i].buf.len;
			uint64_t part = 0;

			if ((segment[i].how & BOUNCE_FROM_DEVICE) != 0)
				part = bounce_min(left, len);
			left -= part;
			cr_expect_eq(count_bytes(p, i, part), part,
				     "%lu written, segment %u", some[n], i);
			cr_expect(all_bytes_are(p + part, FAKE_SECRET,
						len - part),
				  "%lu written, segment %u", some[n], i);
		}
		cr_expect_eq(slots_free(&bench), 256);
	}
	bench_fini(&bench);
}

Test(unmap_sg, more_than_the_sum_ends_all_and_copies_nothing)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	const uint64_t lies[] = { 4498, 4499 + 5016, UINT32_MAX,
				  UINT64_C(1) << 32, UINT64_MAX };

	bench_init(&bench, &knobs);
	for (size_t n = 0; n < COUNT_OF(lies); n++) {
		struct bounce_segment segment[SEGMENTS];

		cr_expect_eq(round_trip(&bench, lies[n], segment),
			     BOUNCE_ERR_LENGTH);
		for (uint32_t i = 0; i < SEGMENTS; i++) {
			cr_expect(all_bytes_are(private_of(&bench, &segment[i]),
						FAKE_SECRET,
						segment[i].buf.len));
			cr_expect_not(bounce_mapping_valid(
				bench.queue[0], &segment[i].mapping));
		}
		cr_expect_eq(slots_free(&bench), 256);
	}
	cr_expect_eq(stats_of(bench.device[0]).refused_lengths, COUNT_OF(lies));
	cr_expect_eq(stats_of(bench.device[0]).unmaps,
		     COUNT_OF(lies) * SEGMENTS);
	cr_expect_eq(stats_of(bench.device[0]).bytes_from, 0);
	bench_fini(&bench);
}

Test(unmap_sg, when_some_were_not_live_the_others_have_ended)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	bench_init(&bench, &knobs);
	for (uint32_t gone = 0; gone < SEGMENTS; gone++) {
		struct bounce_segment segment[SEGMENTS];

		request(&bench, segment);
		cr_assert_eq(bounce_map_sg(bench.queue[0], segment, SEGMENTS,
					   0),
			     BOUNCE_OK);
		unmap_ok(bench.queue[0], &segment[gone].mapping, 0);
		cr_expect_eq(bounce_unmap_sg(bench.queue[0], segment, SEGMENTS,
					     0),
			     BOUNCE_ERR_STALE);
		cr_expect_eq(slots_free(&bench), 256);
		cr_expect_eq(bounce_unmap_sg(bench.queue[0], segment, SEGMENTS,
					     0),
			     BOUNCE_ERR_STALE, "twice");
	}
	bench_fini(&bench);
}

Test(unmap_sg, by_another_lane_of_the_device_but_by_no_other_device)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[SEGMENTS];
	struct picture before;

	knobs.devices = 2;
	knobs.queues = 2;
	bench_init(&bench, &knobs);
	request(&bench, segment);
	cr_assert_eq(bounce_map_sg(bench.queue[0], segment, SEGMENTS, 0),
		     BOUNCE_OK);
	before = picture_take(&bench);
	cr_expect_eq(bounce_unmap_sg(bench.queue[1], segment, SEGMENTS, 0),
		     BOUNCE_ERR_STALE);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	cr_expect_eq(bounce_unmap_sg(bounce_device_queue(bench.device[0], 1),
				     segment, SEGMENTS, 0),
		     BOUNCE_OK);
	bench_fini(&bench);
}

Test(unmap_sg, every_bad_argument_is_refused_and_nothing_changes)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[SEGMENTS];
	struct picture before;

	bench_init(&bench, &knobs);
	request(&bench, segment);
	cr_assert_eq(bounce_map_sg(bench.queue[0], segment, SEGMENTS, 0),
		     BOUNCE_OK);
	before = picture_take(&bench);
	cr_expect_eq(bounce_unmap_sg(NULL, segment, SEGMENTS, 0),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_unmap_sg(bench.queue[0], NULL, SEGMENTS, 0),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_unmap_sg(bench.queue[0], segment, 0, 0),
		     BOUNCE_ERR_ARG);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	cr_expect_eq(bounce_unmap_sg(bench.queue[0], segment, SEGMENTS, 0),
		     BOUNCE_OK);
	bench_fini(&bench);
}
