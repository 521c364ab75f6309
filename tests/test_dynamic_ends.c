/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_dynamic_ends.c - two things go wrong at once behind an IOMMU: which of
 * them is told, and that nothing is held by the other.
 */
#include "behind.h"
#include "iommu.h"

#define CHUNK ((uint64_t)BOUNCE_CHUNK_BYTES)

static const struct behind_knobs usual = { .open = false };
static const struct behind_knobs open_guest = { .open = true };

/* What is buried stays; only the memory is given back. */
static void leave(struct behind *b)
{
	cr_expect(bounce_valid(b->bench.bounce));
	bench_discard(&b->bench);
}

/* Of a list also when it is asked for one by one. */
static void refuse_unmap(struct behind *b)
{
	behind_plan(b, FAKE_IOMMU_UNMAP, 0, BOUNCE_STEP_UNKNOWN, 0);
	behind_plan(b, FAKE_IOMMU_UNMAP, 1, BOUNCE_STEP_UNKNOWN, 0);
}

/* ---- a lie, and an unmap that is lost ---- */

Test(dynamic, a_lie_is_told_unless_the_pages_are_lost)
{
	for (int lost = 0; lost < 2; lost++) {
		struct bounce_mapping mapping;
		struct behind b;

		behind_init(&b, &usual);
		mapping = behind_map(&b, 0, 5000, BOUNCE_FROM_DEVICE);
		if (lost)
			refuse_unmap(&b);
		cr_expect_eq(bounce_unmap(b.queue, &mapping, 5001),
			     lost ? BOUNCE_ERR_LOST : BOUNCE_ERR_LENGTH);
		if (lost)
			leave(&b);
		else
			behind_fini(&b);
	}
}

Test(dynamic, a_lie_about_a_list_is_told_unless_pages_are_lost)
{
	for (int lost = 0; lost < 2; lost++) {
		struct bounce_segment segment[2] = { 0 };
		struct behind b;

		behind_init(&b, &usual);
		for (int i = 0; i < 2; i++) {
			segment[i].buf = bench_buf(&b.bench, i * 8192, 5000);
			segment[i].how = BOUNCE_FROM_DEVICE;
		}
		cr_assert_eq(bounce_map_sg(b.queue, segment, 2, 0), BOUNCE_OK);
		if (lost)
			refuse_unmap(&b);
		cr_expect_eq(bounce_unmap_sg(b.queue, segment, 2, 10001),
			     lost ? BOUNCE_ERR_LOST : BOUNCE_ERR_LENGTH);
		if (lost)
			leave(&b);
		else
			behind_fini(&b);
	}
}

Test(dynamic, joined_segments_end_with_the_one_they_are_joined_to)
{
	for (int lost = 0; lost < 2; lost++) {
		struct bounce_segment segment[3] = { 0 };
		struct behind b;

		behind_init(&b, &usual);
		for (int i = 0; i < 3; i++) {
			segment[i].buf = bench_buf(
				&b.bench, i < 2 ? i * 4096 : 40960, 4096);
			segment[i].how = BOUNCE_TO_DEVICE;
		}
		behind_plan(&b, FAKE_IOMMU_MAP, 0, BOUNCE_STEP_UNCHANGED, 0);
		if (lost)
			refuse_unmap(&b);
		cr_expect_eq(bounce_map_sg(b.queue, segment, 3, BOUNCE_SG_JOIN),
			     lost ? BOUNCE_ERR_LOST : BOUNCE_ERR_HOST);
		cr_expect_eq(segment[1].joined, 1);
		cr_expect_eq(behind_free_slots(&b), lost ? b.free - 2 : b.free);
		if (lost)
			leave(&b);
		else
			behind_fini(&b);
	}
}

/* ---- a revoke, and an unmap that is lost ---- */

static void revoke(void *ctx)
{
	struct behind *b = ctx;

	bounce_device_revoke(b->device);
}

/* The caller's own pages may be among what is still reached. */
Test(dynamic, a_map_that_loses_against_a_revoke_tells_what_is_lost)
{
	for (int way = 0; way < 6; way++) {
		struct bounce_segment segment = { .how = BOUNCE_TO_DEVICE };
		enum bounce_err want = way % 2 != 0 ? BOUNCE_ERR_LOST :
						      BOUNCE_ERR_STALE;
		struct bounce_mapping mapping;
		struct bounce_buf buf;
		struct behind b;

		behind_init(&b, &open_guest);
		buf = bench_buf(&b.bench, 0, 2 * BEHIND_PAGE);
		b.iommu.at_map = revoke;
		b.iommu.at_map_ctx = &b;
		if (way % 2 != 0)
			behind_plan(&b, FAKE_IOMMU_FLUSH, 0,
				    BOUNCE_STEP_UNKNOWN, 0);
		segment.buf = buf;
		if (way / 2 == 0)
			cr_expect_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE,
						&mapping),
				     want);
		else if (way / 2 == 1)
			cr_expect_eq(bounce_map_sg(b.queue, &segment, 1, 0),
				     want);
		else
			cr_expect_eq(bounce_alloc(b.queue, 100, 0, 0, &buf,
						  &mapping),
				     want);
		cr_expect_eq(bounce_device_quiesced(b.device), BOUNCE_OK);
		if (way % 2 != 0)
			leave(&b);
		else
			behind_fini(&b);
	}
}

/* ---- own pages ---- */

/* The whole pages have bus addresses; the ends find no slot. */
Test(own, without_a_slot_for_the_ends_nothing_is_held)
{
	struct bounce_mapping mapping;
	struct bounce_mapping handle[2];
	struct bounce_buf born;
	struct bounce_buf buf;
	struct bounce_pool_stats before;
	struct bounce_pool_stats after;
	struct behind b;

	behind_init(&b, &open_guest);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(bounce_alloc(b.queue, CHUNK, 0, 0, &born,
					  &handle[i]),
			     BOUNCE_OK);
	cr_assert_eq(behind_free_slots(&b), 0);
	bounce_pool_stats(b.space->own, &before);
	buf = bench_buf(&b.bench, 100, 3 * BEHIND_PAGE);
	cr_expect_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE, &mapping),
		     BOUNCE_ERR_FULL);
	bounce_pool_stats(b.space->own, &after);
	cr_expect_eq(after.slots_free, before.slots_free);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(bounce_free(b.queue, &handle[i]), BOUNCE_OK);
	behind_fini(&b);
}

/* The library has no pointer to its bytes: to map it whole, none is needed. */
Test(own, whole_pages_outside_of_the_linear_map_are_mapped_and_ends_are_not)
{
	struct bounce_mapping mapping;
	struct bounce_buf buf = { .gpa = { UINT64_C(1) << 40 } };
	struct behind b;

	behind_init(&b, &open_guest);
	buf.len = 2 * BEHIND_PAGE;
	cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE, &mapping),
		     BOUNCE_OK);
	cr_expect_eq(bounce_unmap(b.queue, &mapping, 0), BOUNCE_OK);
	buf.len++;
	cr_expect_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE, &mapping),
		     BOUNCE_ERR_ARG);
	behind_fini(&b);
}

Test(own, a_device_with_runs_of_whole_pages_bounces)
{
	struct behind_knobs knobs = open_guest;
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct behind b;
	uint64_t gpa;

	knobs.info.alloc_align_mask = 2 * BEHIND_PAGE - 1;
	behind_init(&b, &knobs);
	buf = bench_buf(&b.bench, 0, 2 * BEHIND_PAGE);
	cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE, &mapping),
		     BOUNCE_OK);
	cr_assert(fake_iommu_reach(&b.iommu, mapping.bus.v, 1,
				   BOUNCE_ACCESS_READ, &gpa));
	cr_expect_neq(gpa, buf.gpa.v);
	cr_assert_eq(bounce_unmap(b.queue, &mapping, 0), BOUNCE_OK);
	behind_fini(&b);
}

/* ---- other windows ---- */

/* The space anew, with one window, where its other one was, or none. */
static void space_anew(struct behind *b, uint64_t gpa, uint64_t len,
		       uint32_t flags)
{
	const struct bounce_window window = {
		.bus = { gpa + BEHIND_SHIFT },
		.gpa = { gpa },
		.len = len,
		.flags = flags,
	};

	cr_assert_eq(bounce_space_fini(b->space), BOUNCE_OK);
	cr_assert_eq(bounce_space_init(b->bench.bounce, b->bench.pool,
				       &b->space),
		     BOUNCE_OK);
	if (len != 0)
		cr_assert_eq(bounce_space_add_window(b->space, &window),
			     BOUNCE_OK);
}

static enum bounce_err set(struct behind *b)
{
	return bounce_space_set_iommu(b->space, &b->translation, NULL);
}

/* The IOMMU has no part in either window. */
Test(dynamic, what_is_not_translated_takes_no_call)
{
	for (int bypass = 0; bypass < 2; bypass++) {
		struct behind_knobs knobs = usual;
		struct bounce_mapping mapping;
		struct bounce_buf buf;
		struct behind b;

		if (bypass)
			knobs.info.features = BOUNCE_VIRTIO_F_VERSION_1;
		behind_make(&b, &knobs);
		space_anew(&b, b.bench.knobs.gpa, b.bench.machine.bytes,
			   bypass ? BOUNCE_WINDOW_BYPASS : 0);
		cr_assert_eq(set(&b), BOUNCE_OK);
		behind_attach(&b, &knobs.info);
		b.iommu.off = true;
		buf = bench_buf(&b.bench, 3, 5000);
		cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_BIDIRECTIONAL,
					&mapping),
			     BOUNCE_OK, "%d", bypass);
		cr_expect_eq(bounce_unmap(b.queue, &mapping, 0), BOUNCE_OK);
		behind_fini(&b);
	}
}

/* Nobody is protected: the caller's pages are reached as they are. */
Test(dynamic, a_direct_mapping_through_another_window_takes_no_call)
{
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct behind b;

	behind_make(&b, &open_guest);
	space_anew(&b, b.bench.knobs.gpa, b.bench.machine.bytes, 0);
	cr_assert_eq(set(&b), BOUNCE_OK);
	behind_attach(&b, &usual.info);
	b.iommu.off = true;
	buf = bench_buf(&b.bench, 0, 8192);
	cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_BIDIRECTIONAL, &mapping),
		     BOUNCE_OK);
	cr_expect_eq(mapping.bus.v, buf.gpa.v + BEHIND_SHIFT);
	cr_expect_eq(bounce_unmap(b.queue, &mapping, 0), BOUNCE_OK);
	behind_fini(&b);
}

/* Nobody is protected, and the device passes by the IOMMU that is there for
 * others: it is told where its buffer is. */
Test(dynamic, a_device_that_passes_by_takes_no_call)
{
	const struct bounce_window bypass = {
		.flags = BOUNCE_WINDOW_BYPASS, /* all of memory */
	};
	struct behind_knobs knobs = open_guest;
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct behind b;

	knobs.info.features = BOUNCE_VIRTIO_F_VERSION_1;
	behind_make(&b, &knobs);
	space_anew(&b, b.bench.knobs.gpa, b.bench.machine.bytes,
		   BOUNCE_WINDOW_TRANSLATED);
	cr_assert_eq(bounce_space_add_window(b.space, &bypass), BOUNCE_OK);
	b.translation.own_bus.v = b.iommu.base + BEHIND_OWN_AT;
	b.translation.own_len = CHUNK;
	cr_assert_eq(set(&b), BOUNCE_OK);
	behind_attach(&b, &knobs.info);
	b.iommu.off = true;
	buf = bench_buf(&b.bench, 3, 3 * BEHIND_PAGE);
	cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_BIDIRECTIONAL, &mapping),
		     BOUNCE_OK);
	cr_expect_eq(mapping.bus.v, buf.gpa.v);
	cr_expect_eq(bounce_unmap(b.queue, &mapping, 0), BOUNCE_OK);
	b.iommu.off = false;
	behind_fini(&b);
}

/* ---- what a space may be ---- */

Test(own, bus_addresses_are_apart_from_all_windows_and_do_not_wrap)
{
	struct behind b;

	behind_make(&b, &usual);
	space_anew(&b, b.iommu.base + BEHIND_OWN_AT - BEHIND_SHIFT, CHUNK, 0);
	b.translation.own_bus.v = b.iommu.base + BEHIND_OWN_AT;
	b.translation.own_len = CHUNK;
	cr_expect_eq(set(&b), BOUNCE_ERR_ARG, "in a window");
	b.translation.own_bus.v = UINT64_MAX - CHUNK + 1;
	b.translation.own_len = 2 * CHUNK;
	cr_expect_eq(set(&b), BOUNCE_ERR_ARG, "wraps");
	b.translation.own_bus.v = b.iommu.base + BEHIND_OWN_AT + CHUNK;
	b.translation.own_len = CHUNK;
	cr_expect_eq(set(&b), BOUNCE_OK);
	cr_assert_eq(bounce_space_fini(b.space), BOUNCE_OK);
	bench_fini(&b.bench);
}

Test(dynamic, a_space_without_a_pool_may_have_an_iommu)
{
	struct behind b;

	behind_make(&b, &usual);
	cr_assert_eq(bounce_space_fini(b.space), BOUNCE_OK);
	cr_assert_eq(bounce_space_init(b.bench.bounce, NULL, &b.space),
		     BOUNCE_OK);
	cr_assert_eq(set(&b), BOUNCE_OK);
	cr_expect_eq(bounce_space_fini(b.space), BOUNCE_OK);
	bench_fini(&b.bench);
}

/* ---- slabs of a static window ---- */

/* Two slabs, and spaces of two IOMMUs. */
struct pair {
	struct bench bench;
	struct fake_iommu iommu[2];
	struct bounce_space *space[2];
};

static enum bounce_err pair_set(struct pair *p, int i)
{
	const struct bounce_translation t =
		fake_iommu_translation(&p->iommu[i]);

	return bounce_space_set_iommu(p->space[i], &t, NULL);
}

static void pair_init(struct pair *p, uint16_t grown)
{
	struct bench_knobs knobs = bench_usual();

	knobs.slabs = 2;
	knobs.chunks = 1;
	knobs.grown = grown;
	knobs.devices = 0;
	knobs.more_spaces = 2;
	bench_init(&p->bench, &knobs);
	for (int i = 0; i < 2; i++) {
		fake_iommu_init(&p->iommu[i], knobs.gpa + BEHIND_SHIFT);
		p->space[i] = bench_translated(&p->bench,
					       knobs.gpa + BEHIND_SHIFT);
	}
}

static void fail(struct fake_iommu *iommu, enum fake_verb verb, uint32_t first,
		 enum bounce_step step)
{
	const struct fake_iommu_fault fault = {
		.verb = verb,
		.first = first,
		.times = 1,
		.step = step,
	};

	cr_assert(fake_iommu_fail(iommu, &fault));
}

static uint64_t lost_bytes(const struct pair *p)
{
	struct bounce_pool_stats stats;

	bounce_pool_stats(p->bench.pool, &stats);
	return stats.lost_bytes;
}

Test(iommu_static, refused_by_one_space_and_not_taken_back_by_another_is_lost)
{
	struct pair p;

	pair_init(&p, 0);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(pair_set(&p, i), BOUNCE_OK);
	fail(&p.iommu[1], FAKE_IOMMU_MAP, 0, BOUNCE_STEP_UNCHANGED);
	fail(&p.iommu[0], FAKE_IOMMU_UNMAP, 0, BOUNCE_STEP_UNKNOWN);
	cr_expect_eq(bench_grow(&p.bench, 0), BOUNCE_ERR_LOST);
	cr_expect_eq(lost_bytes(&p), CHUNK);
	bench_discard(&p.bench);
}

Test(iommu_static, an_iommu_that_fails_to_be_set_may_hold_slabs_for_ever)
{
	/* The slab that failed, and the one before it. */
	for (uint32_t which = 0; which < 2; which++) {
		struct pair p;

		pair_init(&p, 2);
		fail(&p.iommu[0], FAKE_IOMMU_MAP, which,
		     which == 0 ? BOUNCE_STEP_UNKNOWN : BOUNCE_STEP_UNCHANGED);
		fail(&p.iommu[0], FAKE_IOMMU_UNMAP, which, BOUNCE_STEP_UNKNOWN);
		cr_expect_eq(pair_set(&p, 0), BOUNCE_ERR_LOST, "%u", which);
		cr_expect_eq(bench_retire(&p.bench, 0), BOUNCE_ERR_LOST, "%u",
			     which);
		bench_discard(&p.bench);
	}
}

Test(iommu_static, all_of_it_done_is_done_also_when_it_asks_to_be_asked_again)
{
	const struct fake_iommu_fault fault = {
		.verb = FAKE_IOMMU_MAP,
		.times = 1,
		.step = BOUNCE_STEP_RETRY,
		.done = CHUNK,
		.truth = FAKE_IOMMU_ALL,
	};
	struct pair p;

	pair_init(&p, 1);
	cr_assert(fake_iommu_fail(&p.iommu[0], &fault));
	cr_expect_eq(pair_set(&p, 0), BOUNCE_OK);
	cr_expect_eq(p.iommu[0].calls[FAKE_IOMMU_MAP], 1);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(bounce_space_fini(p.space[i]), BOUNCE_OK);
	bench_fini(&p.bench);
}

/* ---- where an IOMMU translates ---- */

Test(iommu_translates, inside_its_aperture_and_outside_of_what_is_reserved)
{
	const struct bounce_iommu_info info = {
		.first = { 0x1000 },
		.last = { 0xffff },
		.ranges = 1,
		.range = { { .first = { 0x5000 }, .last = { 0x5fff } } },
	};
	const struct {
		uint64_t bus, len;
		bool good;
	} row[] = {
		{ 0x1000, 0x4000, true },      { 0x1000, 0x4001, false },
		{ 0xfff, 1, false },	       { 0x10000, 1, false },
		{ 0x6000, 0xa000, true },      { 0x6000, 0xa001, false },
		{ 0x5fff, 1, false },	       { 0x5fff, 0x10, false },
		{ 0x6000, UINT64_MAX, false },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		cr_expect_eq(bounce_iommu_translates(&info, row[i].bus,
						     row[i].len),
			     row[i].good, "row %zu", i);
}
