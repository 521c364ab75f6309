/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_own_life.c - the caller's own pages in a dynamic window: calls that
 * fail, handles that lie, and bus addresses that cannot be. O2, N3, N4.
 */
#include "behind.h"

static const struct behind_knobs usual = { .open = true };

#define PAGE BEHIND_PAGE

/* ---- whichever call fails ---- */

Test(own, a_map_that_the_iommu_refuses_leaves_nothing)
{
	for (uint64_t truth = 0; truth <= 3 * PAGE; truth += PAGE) {
		struct bounce_mapping mapping;
		struct bounce_buf buf;
		struct behind b;

		behind_init(&b, &usual);
		buf = bench_buf(&b.bench, PAGE - 8, PAGE + 16);
		behind_plan(&b, FAKE_IOMMU_MAP, 0, BOUNCE_STEP_UNKNOWN, truth);
		cr_expect_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE,
					&mapping),
			     BOUNCE_ERR_HOST);
		behind_expect_nothing(&b);
		behind_fini(&b);
	}
}

/* N3: bus addresses, slots at the ends, and the caller's pages: all of them. */
Test(own, what_is_not_out_of_reach_for_certain_is_buried)
{
	for (uint32_t ends = 0; ends < 2; ends++) {
		struct bounce_mapping mapping;
		struct bounce_mapping next;
		struct bounce_buf buf;
		struct behind b;

		behind_init(&b, &usual);
		buf = bench_buf(&b.bench, PAGE - ends * 8, PAGE + ends * 8);
		cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE,
					&mapping),
			     BOUNCE_OK);
		behind_plan(&b, FAKE_IOMMU_FLUSH, 0, BOUNCE_STEP_UNKNOWN, 0);
		cr_expect_eq(bounce_unmap(b.queue, &mapping, 0),
			     BOUNCE_ERR_LOST);
		memset(b.iommu.fault, 0, sizeof(b.iommu.fault));
		cr_expect_eq(behind_free_slots(&b), b.free - ends);
		cr_expect(bounce_valid(b.bench.bounce));
		cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE, &next),
			     BOUNCE_OK);
		cr_expect_neq(next.bus.v / PAGE, mapping.bus.v / PAGE);
		cr_expect_eq(fake_iommu_wrongs(&b.iommu), 0);
		cr_assert_eq(bounce_unmap(b.queue, &next, 0), BOUNCE_OK);
		cr_expect_eq(bounce_device_detach(b.device), BOUNCE_OK);
		cr_expect_eq(bounce_space_fini(b.space), BOUNCE_OK);
		bench_discard(&b.bench);
	}
}

Test(own, a_revoked_device_is_out_of_reach_when_it_is_quiesced)
{
	struct bounce_mapping mapping;
	struct behind b;

	behind_init(&b, &usual);
	mapping = behind_map(&b, PAGE - 8, PAGE + 16, BOUNCE_FROM_DEVICE);
	bounce_device_revoke(b.device);
	cr_expect_eq(bounce_unmap(b.queue, &mapping, 8), BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_device_quiesced(b.device), BOUNCE_OK);
	behind_expect_nothing(&b);
	behind_fini(&b);
}

Test(own, at_the_end_of_everything_nothing_is_mapped)
{
	struct behind b;

	behind_init(&b, &usual);
	(void)behind_map(&b, PAGE - 8, PAGE + 16, BOUNCE_FROM_DEVICE);
	cr_expect_eq(bounce_unshare_all(b.bench.bounce), BOUNCE_OK);
	cr_expect_eq(fake_iommu_mapped(&b.iommu), 0);
	behind_plan(&b, FAKE_IOMMU_FLUSH, 0, BOUNCE_STEP_UNKNOWN, 0);
	cr_expect_eq(bounce_unshare_all(b.bench.bounce), BOUNCE_ERR_LOST,
		     "in doubt");
	bench_discard(&b.bench);
}

/* ---- handles ---- */

Test(own, a_mapping_is_found_by_its_bus_address_and_ends_once)
{
	struct bounce_mapping mapping;
	struct bounce_mapping found;
	struct behind b;

	behind_init(&b, &usual);
	mapping = behind_map(&b, PAGE - 8, 3 * PAGE, BOUNCE_TO_DEVICE);
	for (uint64_t at = 0; at < mapping.len; at += 1000) {
		bounce_bus_t bus = { mapping.bus.v + at };

		cr_assert_eq(bounce_mapping_find(b.queue, bus, &found),
			     BOUNCE_OK);
		cr_expect_eq(memcmp(&found, &mapping, sizeof(found)), 0);
	}
	found.bus.v += PAGE;
	cr_expect_eq(bounce_unmap(b.queue, &found, 0), BOUNCE_ERR_STALE);
	cr_assert_eq(bounce_unmap(b.queue, &mapping, 0), BOUNCE_OK);
	cr_expect_eq(bounce_unmap(b.queue, &mapping, 0), BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_mapping_find(b.queue, mapping.bus, &found),
		     BOUNCE_ERR_STALE);
	behind_fini(&b);
}

/* O2: the slots at the ends have a record, and nobody ends it. */
Test(own, no_handle_reaches_the_slots_at_the_ends)
{
	struct bounce_mapping mapping;
	struct bounce_mapping forged;
	struct behind b;
	uint64_t free;

	behind_init(&b, &usual);
	mapping = behind_map(&b, PAGE - 8, PAGE + 8, BOUNCE_TO_DEVICE);
	free = behind_free_slots(&b);
	for (uint32_t record = 0; record < 128; record++) {
		forged = mapping;
		forged.record = record;
		forged.bus.v = b.bench.knobs.gpa + BEHIND_SHIFT + record * PAGE;
		forged.len = PAGE;
		for (uint64_t back = 0; back < 3; back++) {
			forged.key = mapping.key - back;
			cr_assert_eq(bounce_unmap(b.queue, &forged, 0),
				     BOUNCE_ERR_STALE);
			cr_assert_eq(bounce_free(b.queue, &forged),
				     BOUNCE_ERR_STALE);
		}
	}
	cr_expect_eq(behind_free_slots(&b), free);
	cr_assert_eq(bounce_unmap(b.queue, &mapping, 0), BOUNCE_OK);
	behind_fini(&b);
}

Test(own, a_device_with_own_pages_mapped_cannot_become_secure)
{
	struct bounce_mapping mapping;
	struct behind b;

	behind_init(&b, &usual);
	mapping = behind_map(&b, 0, PAGE, BOUNCE_TO_DEVICE);
	b.bench.machine.protection = BOUNCE_PROTECTION_YES;
	cr_expect_eq(bounce_enter_secure(b.bench.bounce), BOUNCE_ERR_BUSY);
	cr_assert_eq(bounce_unmap(b.queue, &mapping, 0), BOUNCE_OK);
	cr_expect_eq(bounce_enter_secure(b.bench.bounce), BOUNCE_OK);
	behind_fini(&b);
}

/* ---- N4: what can be ---- */

static enum bounce_err set_with(struct behind *b, uint64_t at, uint64_t len,
				uint32_t flags)
{
	struct bounce_translation t = b->translation;

	t.own_bus.v = len == 0 && at == 0 ? 0 : b->iommu.base + at;
	t.own_len = len;
	t.flags = flags;
	cr_assert_eq(bounce_space_fini(b->space), BOUNCE_OK);
	cr_assert_eq(bounce_space_init(b->bench.bounce, b->bench.pool,
				       &b->space),
		     BOUNCE_OK);
	return bounce_space_set_iommu(b->space, &t, NULL);
}

Test(own, bus_addresses_that_cannot_be_are_refused)
{
	struct behind_knobs knobs = { .open = true };
	struct behind b;

	behind_make(&b, &knobs);
#define DYNAMIC BOUNCE_TRANSLATION_DYNAMIC
	cr_expect_eq(set_with(&b, BEHIND_OWN_AT, BEHIND_OWN_LEN, 0),
		     BOUNCE_ERR_ARG, "static");
	cr_expect_eq(set_with(&b, BEHIND_OWN_AT, 0, DYNAMIC), BOUNCE_ERR_ARG);
	cr_expect_eq(set_with(&b, BEHIND_OWN_AT + PAGE, BEHIND_OWN_LEN,
			      DYNAMIC),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(set_with(&b, BEHIND_OWN_AT, BEHIND_OWN_LEN + PAGE,
			      DYNAMIC),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(set_with(&b, UINT64_C(64) << 20, BEHIND_OWN_LEN, DYNAMIC),
		     BOUNCE_ERR_ARG, "behind the IOMMU's last address");
	cr_expect_eq(set_with(&b, BEHIND_OWN_AT, 30 * BEHIND_OWN_LEN, DYNAMIC),
		     BOUNCE_ERR_FULL, "more slabs than there are");
	cr_expect_eq(set_with(&b, 0, 0, DYNAMIC), BOUNCE_OK);
	/* Three chunks in slabs of two: the last one is short. */
	cr_expect_eq(set_with(&b, BEHIND_OWN_AT, 3 * BEHIND_OWN_LEN, DYNAMIC),
		     BOUNCE_OK);
	cr_expect(bounce_valid(b.bench.bounce));
	cr_expect_eq(set_with(&b, BEHIND_OWN_AT, BEHIND_OWN_LEN, DYNAMIC),
		     BOUNCE_ERR_FULL, "they are given for good");
	cr_expect_eq(bounce_space_fini(b.space), BOUNCE_OK);
	bench_fini(&b.bench);
}

Test(own, a_gpa_is_never_taken_for_a_bus_address)
{
	struct behind_knobs knobs = usual;
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct behind b;

	/* A slab without memory has base 0, and so would a buffer there. */
	behind_init(&b, &knobs);
	buf = (struct bounce_buf) {
		.gpa = { PAGE },
		.ptr = bench_private(&b.bench, 0),
		.len = PAGE,
	};
	cr_expect_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE, &mapping),
		     BOUNCE_OK);
	cr_assert_eq(bounce_unmap(b.queue, &mapping, 0), BOUNCE_OK);
	behind_fini(&b);
}
