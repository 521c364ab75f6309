/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_quick.c - the short way of a mapping is taken where it may be, and only
 * there. lib/map.c is compiled in here with what the long ways do counted: what
 * is slower only, no other test sees.
 */
#include "calls.h"
#include "mapping.h"

/* Each test is a process of its own. */
static uint32_t long_claims;
static uint32_t long_releases;
static uint32_t looks; /* for the buffer: one, and one more the long way */

#define bounce_mapping_claim(...) \
	(long_claims++, (bounce_mapping_claim)(__VA_ARGS__))
#define bounce_mapping_release(...) \
	(long_releases++, (bounce_mapping_release)(__VA_ARGS__))
#define mapping_pointer(...) (looks++, (mapping_pointer)(__VA_ARGS__))
#include "map.c"
#undef bounce_mapping_claim
#undef bounce_mapping_release
#undef mapping_pointer

#define KIB UINT64_C(1024)

/* A bench with one device of these wishes. */
static void begin(struct bench *bench, const struct bounce_device_info *info)
{
	struct bench_knobs knobs = bench_usual();

	knobs.chunks = 32;
	knobs.private_bytes = 1024 * KIB;
	knobs.info.min_align_mask = info->min_align_mask;
	knobs.info.alloc_align_mask = info->alloc_align_mask;
	knobs.info.segment_bytes = info->segment_bytes;
	knobs.info.quota = info->quota;
	bench_init(bench, &knobs);
}

/* Does the second mapping of its kind take the short way? The first one has
 * opened a chunk, or split a slot, that has room for it. */
static bool is_short(struct bench *bench, struct bounce_buf buf, uint32_t how)
{
	struct bounce_mapping mapping = map_ok(bench->queue[0], buf, how);

	unmap_ok(bench->queue[0], &mapping, 0);
	long_claims = looks = 0;
	mapping = map_ok(bench->queue[0], buf, how);
	unmap_ok(bench->queue[0], &mapping, 0);
	cr_expect_leq(long_claims, 1);
	cr_expect_leq(looks, 2);
	return long_claims == 0 && looks == 1;
}

static const struct bounce_device_info usual;

Test(quick, the_second_mapping_of_a_length_takes_the_short_way)
{
	static const uint64_t lengths[] = {
		1,    2,	63,	   64,	      65,	2047,
		2048, 2049,	4095,	   4096,      4097,	8 * KIB,
		9000, 32 * KIB, 128 * KIB, 255 * KIB, 256 * KIB
	};
	struct bench bench;

	begin(&bench, &usual);
	for (size_t i = 0; i < COUNT_OF(lengths); i++)
		cr_expect(is_short(&bench, bench_buf(&bench, 0, lengths[i]),
				   BOUNCE_TO_DEVICE),
			  "%lu bytes", lengths[i]);
	cr_expect_not(is_short(&bench, bench_buf(&bench, 0, 256 * KIB + 1),
			       BOUNCE_TO_DEVICE));
	bench_fini(&bench);
}

/* And back again: a mapping's end looks nothing up that it need not. */
Test(quick, no_end_of_a_mapping_takes_the_long_way)
{
	struct bench bench;

	begin(&bench, &usual);
	for (uint64_t len = 1; len <= 256 * KIB; len *= 2)
		(void)is_short(&bench, bench_buf(&bench, 0, len),
			       BOUNCE_FROM_DEVICE);
	cr_expect_eq(long_releases, 0);
	bench_fini(&bench);
}

Test(quick, one_that_goes_one_way_or_both_takes_the_short_way_and_wishes_do_not)
{
	static const struct {
		uint32_t how;
		bool is_short;
	} at[] = {
		{ BOUNCE_TO_DEVICE, true },
		{ BOUNCE_FROM_DEVICE, true },
		{ BOUNCE_BIDIRECTIONAL, true },
		{ BOUNCE_FROM_DEVICE | BOUNCE_ZERO, false },
		{ BOUNCE_FROM_DEVICE | BOUNCE_PRESERVE, false },
		{ BOUNCE_TO_DEVICE | BOUNCE_URGENT, false },
	};
	struct bench bench;

	begin(&bench, &usual);
	for (size_t i = 0; i < COUNT_OF(at); i++)
		cr_expect_eq(is_short(&bench, bench_buf(&bench, 0, 4096),
				      at[i].how),
			     at[i].is_short, "%#x", at[i].how);
	bench_fini(&bench);
}

/* Bits that leave any start in the unit open, and one bit more. */
Test(quick, a_mask_below_the_unit_takes_the_short_way)
{
	static const struct {
		uint64_t mask;
		uint64_t len;
		bool is_short;
	} at[] = {
		{ 63, 100, true },     { 127, 100, false },
		{ 4095, 100, false },  { 63, 5000, true },
		{ 4095, 3000, true },  { 4095, 5000, true },
		{ 8191, 5000, false },
	};

	for (size_t i = 0; i < COUNT_OF(at); i++)
		for (uint32_t which = 0; which < 2; which++) {
			const struct bounce_device_info info = {
				.min_align_mask = which == 0 ? at[i].mask : 0,
				.alloc_align_mask = which == 0 ? 0 : at[i].mask,
			};
			struct bench bench;

			begin(&bench, &info);
			cr_expect_eq(is_short(&bench,
					      bench_buf(&bench, 0, at[i].len),
					      BOUNCE_TO_DEVICE),
				     at[i].is_short ||
					     /* Rounded up to a slot. */
					     (which == 1 && at[i].mask == 4095),
				     "mask %u %#lx, %lu bytes", which,
				     at[i].mask, at[i].len);
			bench_fini(&bench);
		}
}

Test(quick,
     a_mapping_as_long_as_a_segment_takes_the_short_way_and_none_is_longer)
{
	const struct bounce_device_info info = { .segment_bytes = 5000 };
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct bench bench;

	begin(&bench, &info);
	buf = bench_buf(&bench, 0, 5000);
	cr_expect(is_short(&bench, buf, BOUNCE_TO_DEVICE));
	buf.len++;
	cr_expect_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE,
				&mapping),
		     BOUNCE_ERR_RANGE);
	bench_fini(&bench);
}

Test(quick, a_quota_is_counted_by_the_long_way)
{
	const struct bounce_device_info info = { .quota = 8192 };
	struct bench bench;

	begin(&bench, &info);
	cr_expect_not(
		is_short(&bench, bench_buf(&bench, 0, 4096), BOUNCE_TO_DEVICE));
	bench_fini(&bench);
}

/* 2048 bytes are granules still, and what is in front of them counts. */
Test(quick, half_a_slot_is_granules_and_a_byte_more_is_not)
{
	const struct bounce_device_info info = { .min_align_mask = 63 };
	static const struct {
		uint64_t offset;
		uint64_t len;
		bool granules;
	} at[] = {
		{ 0, 2048, true },
		{ 0, 2049, false },
		{ 10, 2038, true },
		{ 10, 2039, false },
	};
	struct bench bench;

	begin(&bench, &info);
	for (size_t i = 0; i < COUNT_OF(at); i++)
		/* The second time by the short way. */
		for (uint32_t turn = 0; turn < 2; turn++) {
			struct bounce_mapping mapping = map_ok(
				bench.queue[0],
				bench_buf(&bench, at[i].offset, at[i].len),
				BOUNCE_TO_DEVICE);

			cr_expect_eq(mapping.record >=
					     bench.bounce->first_block_record,
				     at[i].granules, "%lu + %lu", at[i].offset,
				     at[i].len);
			cr_expect_eq(mapping.bus.v & 63, at[i].offset);
			unmap_ok(bench.queue[0], &mapping, 0);
		}
	bench_fini(&bench);
}

/* ---- what the short way must not let pass ---- */

static void expect_error(struct bench *bench, struct bounce_buf buf,
			 enum bounce_err err)
{
	struct bounce_mapping mapping;

	cr_expect_eq(bounce_map(bench->queue[0], &buf, BOUNCE_TO_DEVICE,
				&mapping),
		     err, "%#lx + %#lx", buf.gpa.v, buf.len);
}

Test(quick, a_wish_without_a_direction_is_refused_where_the_last_one_was_mapped)
{
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct bench bench;

	begin(&bench, &usual);
	buf = bench_buf(&bench, 0, 4096);
	cr_expect(is_short(&bench, buf, BOUNCE_TO_DEVICE));
	for (uint32_t how = 0; how < 64; how++)
		if ((how & BOUNCE_BIDIRECTIONAL) == 0)
			cr_expect_eq(bounce_map(bench.queue[0], &buf, how,
						&mapping),
				     BOUNCE_ERR_ARG, "%#x", how);
	bench_fini(&bench);
}

Test(quick, a_buffer_that_is_none_is_refused_where_the_last_one_was_mapped)
{
	struct bounce_buf buf;
	struct bench bench;

	begin(&bench, &usual);
	buf = bench_buf(&bench, 0, 4096);
	cr_expect(is_short(&bench, buf, BOUNCE_TO_DEVICE));
	buf.len = 0;
	expect_error(&bench, buf, BOUNCE_ERR_ARG);
	/* Around the end of physical addresses, and of pointers. */
	buf = bench_buf(&bench, 0, 4096);
	buf.ptr = bench_private(&bench, 0);
	cr_expect(is_short(&bench, buf, BOUNCE_TO_DEVICE));
	buf.gpa.v = UINT64_MAX - 4094;
	expect_error(&bench, buf, BOUNCE_ERR_ARG);
	buf.gpa.v--;
	cr_expect(is_short(&bench, buf, BOUNCE_TO_DEVICE));
	buf.gpa = bench_private_gpa(&bench, 0);
	buf.ptr = (void *)(UINTPTR_MAX - 4094);
	expect_error(&bench, buf, BOUNCE_ERR_ARG);
	bench_fini(&bench);
}

Test(quick, nothing_is_mapped_after_the_end)
{
	struct bounce_buf buf;
	struct bench bench;

	begin(&bench, &usual);
	buf = bench_buf(&bench, 0, 4096);
	cr_expect(is_short(&bench, buf, BOUNCE_TO_DEVICE));
	bounce_mark_dead(bench.bounce);
	expect_error(&bench, buf, BOUNCE_ERR_DEAD);
	bench_discard(&bench);
}
