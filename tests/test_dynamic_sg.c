/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_dynamic_sg.c - lists behind a dynamic window: how many calls they take,
 * what they leave when one of those fails, and in what order. L1 to L3.
 */
#include "behind.h"
#include "calls.h"

#define PAGE BEHIND_PAGE
#define RUNS 6u /* of one call: L2 */
#define MOST 20u

static const struct behind_knobs usual = { .open = false };
static const struct behind_knobs open_guest = { .open = true };

/* @count segments of @len bytes, @gap apart, from @at on. */
static void fill_in(const struct behind *b, struct bounce_segment *segment,
		    uint32_t count, uint64_t at, uint64_t len)
{
	for (uint32_t i = 0; i < count; i++)
		segment[i] = (struct bounce_segment) {
			.buf = bench_buf(&b->bench, at + 4 * i * PAGE, len),
			.how = BOUNCE_BIDIRECTIONAL,
		};
}

static void expect_calls(const struct behind *b, uint32_t maps, uint32_t unmaps)
{
	cr_expect_eq(b->iommu.calls[FAKE_IOMMU_MAP], maps, "%u maps",
		     b->iommu.calls[FAKE_IOMMU_MAP]);
	cr_expect_eq(b->iommu.calls[FAKE_IOMMU_UNMAP], unmaps, "%u unmaps",
		     b->iommu.calls[FAKE_IOMMU_UNMAP]);
	cr_expect_eq(b->iommu.calls[FAKE_IOMMU_FLUSH], unmaps, "%u flushes",
		     b->iommu.calls[FAKE_IOMMU_FLUSH]);
}

static uint32_t round_up(uint32_t count, uint32_t unit)
{
	return (count + unit - 1) / unit;
}

/* ---- L2 ---- */

Test(dynamic_sg, a_list_takes_one_call_one_way_and_one_the_other)
{
	for (uint32_t count = 1; count <= MOST; count++) {
		struct bounce_segment segment[MOST];
		struct behind b;

		behind_init(&b, &usual);
		fill_in(&b, segment, count, 100, 4000);
		cr_assert_eq(bounce_map_sg(b.queue, segment, count, 0),
			     BOUNCE_OK);
		expect_calls(&b, round_up(count, RUNS), 0);
		cr_expect_eq(b.iommu.runs, count);
		cr_assert_eq(bounce_unmap_sg(b.queue, segment, count, 0),
			     BOUNCE_OK);
		expect_calls(&b, round_up(count, RUNS), round_up(count, RUNS));
		behind_fini(&b);
	}
}

/* Own pages: a head, pages and a tail each, and one unmap for the three. */
Test(dynamic_sg, three_runs_of_a_segment_go_in_one_call)
{
	for (uint32_t count = 1; count <= MOST; count++) {
		struct bounce_segment segment[MOST];
		struct behind b;

		behind_init(&b, &open_guest);
		fill_in(&b, segment, count, 100, 2 * PAGE);
		cr_assert_eq(bounce_map_sg(b.queue, segment, count, 0),
			     BOUNCE_OK);
		expect_calls(&b, round_up(3 * count, RUNS), 0);
		cr_expect_eq(b.iommu.runs, 3 * count);
		cr_assert_eq(bounce_unmap_sg(b.queue, segment, count, 0),
			     BOUNCE_OK);
		expect_calls(&b, round_up(3 * count, RUNS),
			     round_up(count, RUNS));
		behind_fini(&b);
	}
}

/* One buffer in pieces is a list, too. */
Test(dynamic_sg, so_does_a_buffer_in_pieces)
{
	struct behind_knobs knobs = usual;
	struct bounce_segment segment[MOST];
	uint32_t count = MOST;
	struct bounce_buf buf;
	struct behind b;

	knobs.info.segment_bytes = PAGE;
	behind_init(&b, &knobs);
	buf = bench_buf(&b.bench, 0, 10 * PAGE);
	cr_assert_eq(bounce_map_list(b.queue, &buf, BOUNCE_TO_DEVICE, segment,
				     &count),
		     BOUNCE_OK);
	cr_expect_eq(count, 10);
	expect_calls(&b, round_up(10, RUNS), 0);
	cr_assert_eq(bounce_unmap_sg(b.queue, segment, count, 0), BOUNCE_OK);
	expect_calls(&b, round_up(10, RUNS), round_up(10, RUNS));
	behind_fini(&b);
}

/* What is born shared is mapped already, and a joined segment is no run. */
Test(dynamic_sg, segments_without_a_translation_of_their_own_take_none)
{
	struct bounce_segment segment[MOST];
	struct behind b;
	struct born born;

	behind_init(&b, &usual);
	born = alloc_ok(b.queue, MOST * 64);
	for (uint32_t i = 0; i < MOST; i++) {
		segment[i] = (struct bounce_segment) {
			.buf = { .gpa = { born.buf.gpa.v + i * 64 },
				 .ptr = (unsigned char *)born.buf.ptr + i * 64,
				 .len = 32 },
			.how = BOUNCE_TO_DEVICE,
		};
	}
	segment[3].buf = bench_buf(&b.bench, 0, PAGE);
	segment[4].buf = bench_buf(&b.bench, PAGE, PAGE);
	cr_assert_eq(bounce_map_sg(b.queue, segment, 16, BOUNCE_SG_JOIN),
		     BOUNCE_OK);
	cr_expect_eq(segment[4].joined, 1);
	expect_calls(&b, 1 + 1, 0);
	cr_expect_eq(b.iommu.runs, 1 + 1);
	cr_assert_eq(bounce_unmap_sg(b.queue, segment, 16, 0), BOUNCE_OK);
	expect_calls(&b, 1 + 1, 1);
	cr_assert_eq(bounce_map_sg(b.queue, segment, 3, 0), BOUNCE_OK);
	cr_assert_eq(bounce_unmap_sg(b.queue, segment, 3, 0), BOUNCE_OK);
	expect_calls(&b, 1 + 1, 1);
	free_ok(b.queue, &born);
	behind_fini(&b);
}

/* ---- L1 ---- */

/* When the first call opens, nothing can be ended or synced yet. */
static void expect_unpublished(void *ctx)
{
	const struct behind *b = ctx;

	cr_expect_not(bounce_device_has(b->device, 1u << RECORD_LIVE));
}

static void write_all(void *ctx)
{
	struct behind *b = ctx;

	for (uint64_t i = 0; i < FAKE_IOMMU_PAGES; i++) {
		unsigned char *at = behind_at(b, b->iommu.base + i * PAGE,
					      BOUNCE_ACCESS_WRITE);

		if (at != NULL)
			memset(at, 0x77, PAGE);
	}
}

Test(dynamic_sg,
     all_are_open_before_any_is_a_mapping_and_closed_before_any_comes)
{
	for (uint32_t open = 0; open < 2; open++) {
		struct bounce_segment segment[MOST];
		struct behind b;

		behind_init(&b, open ? &open_guest : &usual);
		fill_in(&b, segment, 9, 100, 2 * PAGE);
		b.iommu.at_map = expect_unpublished;
		b.iommu.at_map_ctx = &b;
		cr_assert_eq(bounce_map_sg(b.queue, segment, 9, 0), BOUNCE_OK);
		b.iommu.at_flush = write_all;
		b.iommu.at_flush_ctx = &b;
		cr_assert_eq(bounce_unmap_sg(b.queue, segment, 9, 9 * 2 * PAGE),
			     BOUNCE_OK);
		for (uint32_t i = 0; i < 9; i++)
			for (uint64_t at = 0; at < 2 * PAGE; at++)
				cr_assert_eq(
					bench_private(&b.bench,
						      100 + 4 * i * PAGE)[at],
					0x77, "segment %u, byte %lu", i, at);
		behind_fini(&b);
	}
}

/* ---- whichever call fails ---- */

static const enum bounce_step no[] = { BOUNCE_STEP_UNCHANGED,
				       BOUNCE_STEP_UNKNOWN };

static void refuse_map(bool open, uint32_t n, uint32_t way)
{
	struct bounce_segment segment[MOST];
	struct behind b;

	behind_init(&b, open ? &open_guest : &usual);
	fill_in(&b, segment, MOST, 100, 2 * PAGE);
	behind_plan(&b, FAKE_IOMMU_MAP, n, no[way % 2], way / 2 * 3 * PAGE);
	cr_expect_eq(bounce_map_sg(b.queue, segment, MOST, 0), BOUNCE_ERR_HOST,
		     "call %u, way %u", n, way);
	behind_expect_nothing(&b);
	cr_expect_eq(b.iommu.calls[FAKE_IOMMU_MAP], n + 1, "no further one");
	for (uint32_t i = 0; i < MOST; i++)
		cr_expect_eq(segment[i].mapping.bus.v, 0, "no address is left");
	/* And now it works, in the same places. */
	cr_assert_eq(bounce_map_sg(b.queue, segment, MOST, 0), BOUNCE_OK);
	cr_assert_eq(bounce_unmap_sg(b.queue, segment, MOST, 0), BOUNCE_OK);
	behind_fini(&b);
}

Test(dynamic_sg, whichever_map_fails_nothing_is_left)
{
	for (uint32_t way = 0; way < 4; way++) {
		for (uint32_t n = 0; n < round_up(MOST, RUNS); n++)
			refuse_map(false, n, way);
		for (uint32_t n = 0; n < round_up(3 * MOST, RUNS); n++)
			refuse_map(true, n, way);
	}
}

/* Everything else is used again, and nothing of it is still reached: that would
 * be a wrong call. */
static void use_all(const struct behind *b)
{
	struct bounce_mapping mapping[256];
	struct bounce_buf buf = bench_buf(&b->bench, 0, PAGE);
	uint32_t count = 0;

	while (count < COUNT_OF(mapping) &&
	       bounce_map(b->queue, &buf, BOUNCE_FROM_DEVICE,
			  &mapping[count]) == BOUNCE_OK)
		count++;
	cr_expect_gt(count, 50);
	while (count-- > 0)
		unmap_ok(b->queue, &mapping[count], 0);
}

/* What no call has confirmed: exactly those pages are kept for ever. */
static void expect_kept(struct behind *b, uint64_t pages)
{
	struct bounce_space_info info;

	bounce_space_info(b->space, &info);
	cr_expect_eq(info.lost_bytes, pages * PAGE);
	cr_expect_leq(fake_iommu_mapped(&b->iommu), info.lost_bytes);
	use_all(b);
	cr_expect_eq(fake_iommu_wrongs(&b->iommu), 0);
	cr_expect(bounce_valid(b->bench.bounce));
	cr_expect_eq(bounce_device_detach(b->device), BOUNCE_OK);
	bench_discard(&b->bench);
}

/* L3: asked for by itself, each of them went but one. */
static void lose_one(bool open, enum fake_verb verb, uint32_t which,
		     bool mapped)
{
	struct bounce_segment segment[4];
	struct fake_iommu_fault fault = {
		.verb = verb,
		.times = 1,
		.step = BOUNCE_STEP_UNKNOWN,
	};
	struct behind b;

	behind_init(&b, open ? &open_guest : &usual);
	fill_in(&b, segment, 4, 100, 2 * PAGE);
	cr_assert(fake_iommu_fail(&b.iommu, &fault)); /* all together */
	fault.first = 1 + which;
	cr_assert(fake_iommu_fail(&b.iommu, &fault));
	if (mapped) {
		cr_assert_eq(bounce_map_sg(b.queue, segment, 4, 0), BOUNCE_OK);
		write_all(&b);
		cr_expect_eq(bounce_unmap_sg(b.queue, segment, 4, 4 * 2 * PAGE),
			     BOUNCE_ERR_LOST);
		for (uint32_t i = 0; i < 4; i++)
			cr_expect_eq(bench_private(&b.bench,
						   100 + 4 * i * PAGE)[0],
				     0x77, "the bytes of all came");
	} else {
		fault = (struct fake_iommu_fault) {
			.verb = FAKE_IOMMU_MAP,
			/* Of own pages the second call, and not the last. */
			.first = open,
			.times = 1,
			.step = BOUNCE_STEP_UNCHANGED,
		};
		cr_assert(fake_iommu_fail(&b.iommu, &fault));
		cr_expect_eq(bounce_map_sg(b.queue, segment, 4, 0),
			     BOUNCE_ERR_LOST);
	}
	/* All of it, or the ends of three pages. */
	cr_expect_eq(behind_free_slots(&b), b.free - 2);
	expect_kept(&b, open ? 3 : 2);
}

Test(dynamic_sg, one_that_is_lost_takes_no_other_with_it)
{
	for (uint32_t which = 0; which < 4; which++)
		for (uint32_t open = 0; open < 2; open++)
			for (uint32_t mapped = 0; mapped < 2; mapped++) {
				lose_one(open != 0, FAKE_IOMMU_UNMAP, which,
					 mapped != 0);
				lose_one(open != 0, FAKE_IOMMU_FLUSH, which,
					 mapped != 0);
			}
}

/* Together it was not certain; one by one it is. */
Test(dynamic_sg, what_goes_when_it_is_asked_for_again_is_not_lost)
{
	for (uint32_t n = 0; n < round_up(MOST, RUNS); n++)
		for (uint32_t way = 0; way < 4; way++) {
			struct bounce_segment segment[MOST];
			struct behind b;

			behind_init(&b, &usual);
			fill_in(&b, segment, MOST, 100, 4000);
			cr_assert_eq(bounce_map_sg(b.queue, segment, MOST, 0),
				     BOUNCE_OK);
			behind_plan(&b,
				    way / 2 == 0 ? FAKE_IOMMU_UNMAP :
						   FAKE_IOMMU_FLUSH,
				    n, no[way % 2], 0);
			cr_expect_eq(bounce_unmap_sg(b.queue, segment, MOST, 0),
				     BOUNCE_OK);
			behind_fini(&b);
		}
}

/* ---- some have ended already ---- */

Test(dynamic_sg, what_ended_before_is_told_and_keeps_its_part_of_the_length)
{
	for (uint32_t gone = 0; gone < 9; gone++) {
		struct bounce_segment segment[9];
		struct behind b;

		behind_init(&b, &usual);
		fill_in(&b, segment, 9, 0, PAGE);
		cr_assert_eq(bounce_map_sg(b.queue, segment, 9, 0), BOUNCE_OK);
		write_all(&b);
		unmap_ok(b.queue, &segment[gone].mapping, 0);
		cr_expect_eq(bounce_unmap_sg(b.queue, segment, 9, 5 * PAGE),
			     BOUNCE_ERR_STALE);
		for (uint32_t i = 0; i < 9; i++)
			cr_expect_eq(bench_private(&b.bench,
						   4 * i * PAGE)[PAGE - 1],
				     i == gone || i >= 5 ? FAKE_SECRET : 0x77,
				     "%u of %u", i, gone);
		cr_expect_eq(bounce_unmap_sg(b.queue, segment, 9, 0),
			     BOUNCE_ERR_STALE);
		behind_fini(&b);
	}
}

/* All of each segment's length, also when it ends on another lane. */
Test(dynamic_sg, what_comes_is_counted_on_the_lane_that_it_comes_on)
{
	for (uint32_t lane = 0; lane < 2; lane++)
		for (uint64_t written = 0; written <= 9 * PAGE;
		     written += 9 * PAGE / 2) {
			struct behind_knobs knobs = usual;
			struct bounce_segment segment[9];
			struct bounce_device_stats stats;
			struct behind b;

			knobs.info.queues = 2;
			behind_init(&b, &knobs);
			fill_in(&b, segment, 9, 0, PAGE);
			for (uint32_t i = 0; i < 9; i++)
				segment[i].how = i % 2 == 0 ?
							 BOUNCE_FROM_DEVICE :
							 BOUNCE_BIDIRECTIONAL;
			cr_assert_eq(bounce_map_sg(b.queue, segment, 9, 0),
				     BOUNCE_OK);
			cr_assert_eq(bounce_unmap_sg(bounce_device_queue(
							     b.device, lane),
						     segment, 9, written),
				     BOUNCE_OK);
			bounce_device_stats(b.device, &stats);
			cr_expect_eq(stats.bytes_from, written, "lane %u",
				     lane);
			cr_expect_eq(stats.maps, 9);
			cr_expect_eq(stats.unmaps, 9);
			behind_fini(&b);
		}
}

/* A caller who says of a segment afterwards that it is one to be written. */
Test(dynamic_sg, what_was_not_mapped_to_be_written_gets_nothing)
{
	struct bounce_segment segment[2];
	struct behind b;

	behind_init(&b, &usual);
	fill_in(&b, segment, 2, 0, PAGE);
	segment[0].how = BOUNCE_TO_DEVICE;
	cr_assert_eq(bounce_map_sg(b.queue, segment, 2, 0), BOUNCE_OK);
	write_all(&b);
	segment[0].how = BOUNCE_FROM_DEVICE;
	cr_expect_eq(bounce_unmap_sg(b.queue, segment, 2, 2 * PAGE),
		     BOUNCE_ERR_STALE);
	cr_expect_eq(bench_private(&b.bench, 0)[0], FAKE_SECRET);
	cr_expect_eq(bench_private(&b.bench, 4 * PAGE)[0], 0x77);
	behind_fini(&b);
}

/* Nor is memory that is born shared ended so. */
Test(dynamic_sg, memory_that_was_allocated_is_no_segment)
{
	struct bounce_segment segment[2];
	struct behind b;
	struct born born;

	behind_init(&b, &usual);
	born = alloc_ok(b.queue, PAGE);
	fill_in(&b, segment, 2, 0, PAGE);
	cr_assert_eq(bounce_map_sg(b.queue, segment, 1, 0), BOUNCE_OK);
	segment[1].joined = 0;
	segment[1].mapping = born.handle;
	cr_expect_eq(bounce_unmap_sg(b.queue, segment, 2, 0), BOUNCE_ERR_STALE);
	free_ok(b.queue, &born);
	behind_fini(&b);
}

/* ---- a revoke in between ---- */

static void revoke(void *ctx)
{
	struct behind *b = ctx;

	bounce_device_revoke(b->device);
	b->iommu.at_map = NULL;
}

Test(dynamic_sg, a_revoke_while_it_opens_leaves_nothing)
{
	for (uint32_t lost = 0; lost < 2; lost++) {
		struct bounce_segment segment[MOST];
		struct behind b;

		behind_init(&b, &usual);
		fill_in(&b, segment, MOST, 100, 4000);
		b.iommu.at_map = revoke;
		b.iommu.at_map_ctx = &b;
		/* The first segment is withdrawn by itself; of the others the
		 * first call, and then its third segment. */
		if (lost) {
			behind_plan(&b, FAKE_IOMMU_FLUSH, 1,
				    BOUNCE_STEP_UNKNOWN, 0);
			behind_plan(&b, FAKE_IOMMU_FLUSH, 4,
				    BOUNCE_STEP_UNKNOWN, 0);
		}
		cr_expect_eq(bounce_map_sg(b.queue, segment, MOST, 0),
			     lost ? BOUNCE_ERR_LOST : BOUNCE_ERR_STALE);
		for (uint32_t i = 0; i < MOST; i++)
			cr_expect_eq(segment[i].mapping.bus.v, 0);
		cr_expect_eq(bounce_device_quiesced(b.device), BOUNCE_OK);
		if (lost) {
			cr_expect_eq(behind_free_slots(&b), b.free - 1);
			expect_kept(&b, 1);
		} else {
			behind_expect_nothing(&b);
			behind_fini(&b);
		}
	}
}
