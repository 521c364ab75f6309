/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_dynamic.c - dynamic windows, with what bounces: in the IOMMU while it is
 * mapped, and no longer; all or nothing; and what cannot be taken back is
 * buried with its pages. N1 to N3; own pages are test_own.c's.
 */
#include "behind.h"

static const struct behind_knobs usual = { .open = false };

/* ---- N1 ---- */

Test(dynamic, a_mapping_is_in_the_iommu_while_it_lives)
{
	struct bounce_mapping mapping;
	struct behind b;
	uint64_t gpa;

	behind_init(&b, &usual);
	cr_expect_eq(fake_iommu_mapped(&b.iommu), 0, "no slab is");
	mapping = behind_map(&b, 5, 5000, BOUNCE_BIDIRECTIONAL);
	cr_expect_eq(fake_iommu_mapped(&b.iommu), 2 * BEHIND_PAGE);
	cr_expect(fake_iommu_reach(&b.iommu, mapping.bus.v, 5000, 3, &gpa));
	cr_expect_eq(gpa, mapping.bus.v - BEHIND_SHIFT);
	cr_assert_eq(bounce_unmap(b.queue, &mapping, 5000), BOUNCE_OK);
	/* What is not flushed counts as mapped. */
	cr_expect_eq(fake_iommu_mapped(&b.iommu), 0);
	cr_expect_eq(b.iommu.calls[FAKE_IOMMU_MAP], 1);
	cr_expect_eq(b.iommu.calls[FAKE_IOMMU_UNMAP], 1);
	cr_expect_eq(b.iommu.calls[FAKE_IOMMU_FLUSH], 1);
	behind_fini(&b);
}

Test(dynamic, a_device_may_do_what_the_mapping_is_for)
{
	static const struct {
		uint32_t how;
		uint32_t access;
	} ways[] = {
		{ BOUNCE_TO_DEVICE, BOUNCE_ACCESS_READ },
		{ BOUNCE_FROM_DEVICE, BOUNCE_ACCESS_WRITE },
		{ BOUNCE_FROM_DEVICE | BOUNCE_PRESERVE, BOUNCE_ACCESS_WRITE },
		{ BOUNCE_BIDIRECTIONAL, 3 },
	};
	struct behind b;

	behind_init(&b, &usual);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct bounce_buf buf = bench_buf(&b.bench, 0, 100);
		struct bounce_mapping mapping;
		uint64_t gpa;

		cr_assert_eq(bounce_map(b.queue, &buf, ways[i].how, &mapping),
			     BOUNCE_OK);
		for (uint32_t access = 1; access <= 3; access++)
			cr_expect_eq(fake_iommu_reach(&b.iommu, mapping.bus.v,
						      100, access, &gpa),
				     (access & ~ways[i].access) == 0);
		cr_assert_eq(bounce_unmap(b.queue, &mapping, 0), BOUNCE_OK);
	}
	behind_fini(&b);
}

/* N2 */
Test(dynamic, small_buffers_do_not_share_a_page)
{
	struct bounce_mapping a;
	struct bounce_mapping c;
	struct bounce_buf buf;
	struct behind b;
	uint64_t gpa;

	behind_init(&b, &usual);
	buf = bench_buf(&b.bench, 0, 16);
	cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE, &a),
		     BOUNCE_OK);
	cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE, &c),
		     BOUNCE_OK);
	cr_expect_neq(a.bus.v / BEHIND_PAGE, c.bus.v / BEHIND_PAGE);
	cr_assert_eq(bounce_unmap(b.queue, &a, 0), BOUNCE_OK);
	cr_expect_not(fake_iommu_reach(&b.iommu, a.bus.v, 16, 1, &gpa));
	cr_expect(fake_iommu_reach(&b.iommu, c.bus.v, 16, 1, &gpa));
	cr_assert_eq(bounce_unmap(b.queue, &c, 0), BOUNCE_OK);
	behind_fini(&b);
}

/* What the device wrote until the flush is what the caller gets. */
static void write_late(void *ctx)
{
	struct behind *b = ctx;
	uint64_t bus = b->bench.knobs.gpa + BEHIND_SHIFT;
	unsigned char *at;

	for (uint64_t i = 0; i < b->bench.slab_bytes; i += BEHIND_PAGE) {
		at = behind_at(b, bus + i, BOUNCE_ACCESS_WRITE);
		if (at != NULL)
			*at = 0x77;
	}
}

Test(dynamic, bytes_are_taken_after_the_flush)
{
	struct bounce_mapping mapping;
	struct behind b;

	behind_init(&b, &usual);
	mapping = behind_map(&b, 0, 8, BOUNCE_FROM_DEVICE);
	b.iommu.at_flush = write_late;
	b.iommu.at_flush_ctx = &b;
	cr_assert_eq(bounce_unmap(b.queue, &mapping, 8), BOUNCE_OK);
	b.iommu.at_flush = NULL;
	cr_expect_eq(bench_private(&b.bench, 0)[0], 0x77);
	behind_fini(&b);
}

/* ---- born-shared memory ---- */

Test(dynamic, memory_that_is_born_shared_is_mapped_until_it_is_freed)
{
	struct bounce_mapping memory;
	struct bounce_mapping inside;
	struct bounce_buf buf;
	struct behind b;
	uint64_t gpa;

	behind_init(&b, &usual);
	cr_assert_eq(bounce_alloc(b.queue, 5000, 0, 0, &buf, &memory),
		     BOUNCE_OK);
	cr_expect(fake_iommu_reach(&b.iommu, memory.bus.v, 5000, 3, &gpa));
	buf.len = 100;
	cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE, &inside),
		     BOUNCE_OK);
	cr_expect_eq(b.iommu.calls[FAKE_IOMMU_MAP], 1, "it is mapped already");
	cr_assert_eq(bounce_unmap(b.queue, &inside, 0), BOUNCE_OK);
	cr_expect_eq(b.iommu.calls[FAKE_IOMMU_UNMAP], 0);
	cr_assert_eq(bounce_free(b.queue, &memory), BOUNCE_OK);
	cr_expect_eq(fake_iommu_mapped(&b.iommu), 0);
	behind_fini(&b);
}

Test(dynamic, what_a_commit_does_not_keep_is_out_of_reach)
{
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct behind b;
	uint64_t gpa;

	behind_init(&b, &usual);
	cr_assert_eq(bounce_reserve(b.queue, 3 * BEHIND_PAGE, &buf, &mapping),
		     BOUNCE_OK);
	memset(buf.ptr, 0x33, 100);
	cr_assert_eq(bounce_commit(b.queue, &mapping, 100), BOUNCE_OK);
	cr_expect_eq(fake_iommu_mapped(&b.iommu), BEHIND_PAGE);
	cr_expect(fake_iommu_reach(&b.iommu, mapping.bus.v, 100, 1, &gpa));
	cr_expect_not(fake_iommu_reach(&b.iommu, mapping.bus.v, 100, 2, &gpa),
		      "the device only reads it");
	cr_assert_eq(bounce_unmap(b.queue, &mapping, 0), BOUNCE_OK);
	behind_fini(&b);
}

/* ---- S6: whichever call fails ---- */

static const enum bounce_step no[] = { BOUNCE_STEP_UNCHANGED,
				       BOUNCE_STEP_UNKNOWN };

Test(dynamic, a_map_that_the_iommu_refuses_leaves_nothing)
{
	for (uint32_t i = 0; i < 4; i++) {
		struct bounce_mapping mapping;
		struct bounce_buf buf;
		struct behind b;

		behind_init(&b, &usual);
		buf = bench_buf(&b.bench, 0, 10000);
		behind_plan(&b, FAKE_IOMMU_MAP, 0, no[i % 2],
			    i / 2 * BEHIND_PAGE);
		cr_expect_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE,
					&mapping),
			     BOUNCE_ERR_HOST);
		behind_expect_nothing(&b);
		cr_expect_eq(bounce_alloc(b.queue, 100, 0, 0, &buf, &mapping),
			     BOUNCE_OK);
		cr_assert_eq(bounce_free(b.queue, &mapping), BOUNCE_OK);
		behind_plan(&b, FAKE_IOMMU_MAP, 0, no[i % 2],
			    i / 2 * BEHIND_PAGE);
		cr_expect_eq(bounce_alloc(b.queue, 9000, 0, 0, &buf, &mapping),
			     BOUNCE_ERR_HOST);
		cr_expect_eq(behind_free_slots(&b), b.free);
		behind_fini(&b);
	}
}

Test(dynamic, a_commit_that_is_refused_ends_the_reservation)
{
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct behind b;

	behind_init(&b, &usual);
	cr_assert_eq(bounce_reserve(b.queue, 9000, &buf, &mapping), BOUNCE_OK);
	behind_plan(&b, FAKE_IOMMU_MAP, 0, BOUNCE_STEP_UNKNOWN, 4096);
	cr_expect_eq(bounce_commit(b.queue, &mapping, 8000), BOUNCE_ERR_HOST);
	behind_expect_nothing(&b);
	cr_expect_eq(bounce_free(b.queue, &mapping), BOUNCE_ERR_STALE);
	behind_fini(&b);
}

Test(dynamic, one_that_never_answers_is_given_up_within_a_bound)
{
	struct fake_iommu_fault hung = {
		.verb = FAKE_IOMMU_MAP,
		.times = UINT32_MAX,
		.step = BOUNCE_STEP_RETRY,
	};
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct behind b;

	behind_init(&b, &usual);
	cr_assert(fake_iommu_fail(&b.iommu, &hung));
	buf = bench_buf(&b.bench, 0, 100);
	cr_expect_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE, &mapping),
		     BOUNCE_ERR_BUSY);
	cr_expect_leq(b.iommu.calls[FAKE_IOMMU_MAP], 66);
	behind_fini(&b);
}

/* ---- N3 ---- */

/* It has ended, and nobody gets its slots; everything else goes on. */
static void expect_buried(struct behind *b, uint64_t slots)
{
	struct bounce_space_info info;
	struct bounce_mapping mapping;
	struct bounce_buf buf = bench_buf(&b->bench, 0, 100);

	memset(b->iommu.fault, 0, sizeof(b->iommu.fault));
	cr_expect_eq(behind_free_slots(b), b->free - slots);
	bounce_space_info(b->space, &info);
	cr_expect_eq(info.lost_bytes, slots * BEHIND_PAGE);
	cr_expect(bounce_valid(b->bench.bounce));
	cr_expect_eq(bounce_map(b->queue, &buf, BOUNCE_TO_DEVICE, &mapping),
		     BOUNCE_OK);
	cr_expect_eq(bounce_unmap(b->queue, &mapping, 0), BOUNCE_OK);
	cr_expect_eq(behind_free_slots(b), b->free - slots);
	cr_expect_eq(bounce_device_detach(b->device), BOUNCE_OK);
	cr_expect_eq(bench_retire(&b->bench, 0), BOUNCE_ERR_BUSY);
	cr_expect_eq(b->bench.machine.calls[FAKE_UNSHARE], 0);
	/* Not even at the end of everything. */
	cr_expect_eq(bounce_unshare_all(b->bench.bounce), BOUNCE_ERR_LOST);
	cr_expect_eq(b->bench.machine.calls[FAKE_UNSHARE], 0);
	bench_discard(&b->bench);
}

Test(dynamic, what_is_not_out_of_reach_for_certain_is_buried)
{
	for (uint32_t i = 0; i < 4; i++) {
		enum fake_verb verb = i / 2 == 0 ? FAKE_IOMMU_UNMAP :
						   FAKE_IOMMU_FLUSH;
		struct bounce_mapping mapping;
		struct behind b;

		behind_init(&b, &usual);
		mapping = behind_map(&b, 0, 10000, BOUNCE_FROM_DEVICE);
		behind_write(&b, mapping.bus.v, (const unsigned char *)"hello",
			     5);
		behind_plan(&b, verb, 0, no[i % 2], 0);
		cr_expect_eq(bounce_unmap(b.queue, &mapping, 5),
			     BOUNCE_ERR_LOST, "case %u", i);
		cr_expect_eq(memcmp(bench_private(&b.bench, 0), "hello", 5), 0,
			     "the bytes came all the same");
		cr_expect_eq(bounce_unmap(b.queue, &mapping, 5),
			     BOUNCE_ERR_STALE);
		expect_buried(&b, 3);
	}
}

Test(dynamic, a_refused_map_that_cannot_be_taken_back_is_buried)
{
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct behind b;

	behind_init(&b, &usual);
	buf = bench_buf(&b.bench, 0, 10000);
	behind_plan(&b, FAKE_IOMMU_MAP, 0, BOUNCE_STEP_UNKNOWN, 4096);
	behind_plan(&b, FAKE_IOMMU_UNMAP, 0, BOUNCE_STEP_UNKNOWN, 0);
	cr_expect_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE, &mapping),
		     BOUNCE_ERR_LOST);
	expect_buried(&b, 3);
}

Test(dynamic, memory_that_is_not_freed_for_certain_is_buried)
{
	for (uint32_t commit = 0; commit < 2; commit++) {
		struct bounce_mapping mapping;
		struct bounce_buf buf;
		struct behind b;

		behind_init(&b, &usual);
		cr_assert_eq(bounce_alloc(b.queue, 5000, 0, 0, &buf, &mapping),
			     BOUNCE_OK);
		behind_plan(&b, FAKE_IOMMU_FLUSH, 0, BOUNCE_STEP_UNKNOWN, 0);
		cr_expect_eq(commit ? bounce_commit(b.queue, &mapping, 10) :
				      bounce_free(b.queue, &mapping),
			     BOUNCE_ERR_LOST);
		expect_buried(&b, 2);
	}
}

/* ---- revoke, and the end ---- */

Test(dynamic, a_revoked_device_is_out_of_reach_when_it_is_quiesced)
{
	struct bounce_mapping memory;
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct behind b;

	behind_init(&b, &usual);
	cr_assert_eq(bounce_alloc(b.queue, 100, 0, 0, &buf, &memory),
		     BOUNCE_OK);
	mapping = behind_map(&b, 0, 5000, BOUNCE_FROM_DEVICE);
	bounce_device_revoke(b.device);
	cr_expect_eq(fake_iommu_mapped(&b.iommu), 3 * BEHIND_PAGE);
	cr_expect_eq(bounce_unmap(b.queue, &mapping, 0), BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_device_quiesced(b.device), BOUNCE_OK);
	cr_expect_eq(fake_iommu_mapped(&b.iommu), 0);
	behind_fini(&b);
}

Test(dynamic, what_a_revoked_device_may_still_reach_is_buried)
{
	struct bounce_mapping mapping[2];
	struct bounce_buf buf;
	struct behind b;

	behind_init(&b, &usual);
	buf = bench_buf(&b.bench, 0, 100);
	for (uint32_t i = 0; i < 2; i++)
		cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE,
					&mapping[i]),
			     BOUNCE_OK);
	bounce_device_revoke(b.device);
	behind_plan(&b, FAKE_IOMMU_FLUSH, 0, BOUNCE_STEP_UNKNOWN, 0);
	cr_expect_eq(bounce_device_quiesced(b.device), BOUNCE_ERR_LOST);
	expect_buried(&b, 1);
}

Test(dynamic, at_the_end_of_everything_nothing_is_mapped)
{
	struct behind b;

	behind_init(&b, &usual);
	(void)behind_map(&b, 0, 100, BOUNCE_TO_DEVICE);
	cr_expect_eq(bounce_unshare_all(b.bench.bounce), BOUNCE_OK);
	cr_expect_eq(fake_iommu_mapped(&b.iommu), 0);
	cr_expect_eq(fake_machine_shared_bytes(&b.bench.machine), 0);
	bench_discard(&b.bench);
}
