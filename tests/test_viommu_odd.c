/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_viommu_odd.c - a virtio-iommu that offers less, that says odd things, or
 * that somebody else holds.
 */
#include "viommu_stand.h"

Test(viommu, who_has_no_clock_is_given_up_on_within_a_bound_of_our_own)
{
	struct stand s;

	attached(&s);
	s.viommu->info.wait = NULL;
	s.device.mood = FAKE_VIOMMU_SILENT;
	cr_expect_eq(bounce_viommu_attach(s.domain, ENDPOINT + 1),
		     BOUNCE_ERR_LOST);
	stand_fini(&s);
}

Test(viommu, nobody_waits_for_ever_for_who_holds_it)
{
	struct stand s;

	stand_init(&s);
	s.viommu->lock = 1;
	cr_expect_eq(bounce_viommu_attach(s.domain, ENDPOINT), BOUNCE_ERR_LOST);
	/* And not at all when it is broken. */
	s.viommu->broken = 1;
	cr_expect_eq(bounce_viommu_attach(s.domain, ENDPOINT), BOUNCE_ERR_LOST);
	s.viommu->broken = 0;
	s.viommu->lock = 0;
	cr_expect_eq(bounce_viommu_attach(s.domain, ENDPOINT), BOUNCE_OK);
	stand_fini(&s);
}

Test(viommu, a_device_that_names_no_input_range_takes_any_address)
{
	struct bounce_iommu_info info;
	struct stand s;

	stand_init(&s);
	s.viommu->info.features &= ~BOUNCE_VIOMMU_F_INPUT_RANGE;
	bounce_iommu_virtio.info(s.domain, &info);
	cr_expect_eq(info.first.v, 0);
	cr_expect_eq(info.last.v, UINT64_MAX);
	stand_fini(&s);
}

Test(viommu, an_endpoint_that_is_gone_at_its_detach_is_the_hosts_doing)
{
	struct stand s;

	attached(&s);
	s.device.fail_at = s.device.requests;
	s.device.fail_status = VIOMMU_S_NOENT;
	cr_expect_eq(bounce_viommu_detach(s.domain, ENDPOINT), BOUNCE_ERR_HOST);
	stand_fini(&s);
}

Test(viommu, a_device_that_cannot_be_probed_is_not)
{
	struct stand s;
	uint32_t requests;

	attached(&s);
	s.viommu->info.features &= ~BOUNCE_VIOMMU_F_PROBE;
	requests = s.device.requests;
	cr_expect_eq(bounce_viommu_probe(s.domain, ENDPOINT), BOUNCE_OK);
	cr_expect_eq(s.device.requests, requests);
	stand_fini(&s);
}

/* ---- what PROBE answers ---- */

Test(viommu, a_reserved_range_that_ends_before_it_begins_is_an_error)
{
	struct stand s;

	stand_init(&s);
	put_reserved(&s, 0, 0x2000, 0x1fff);
	cr_expect_eq(bounce_viommu_probe(s.domain, ENDPOINT), BOUNCE_ERR_HOST);
	put_reserved(&s, 0, 0x2000, 0x2000);
	cr_expect_eq(bounce_viommu_probe(s.domain, ENDPOINT), BOUNCE_OK);
	stand_fini(&s);
}

Test(viommu, properties_may_fill_the_answer_to_its_end)
{
	struct bounce_iommu_info info;
	uint32_t at = 0;
	struct stand s;

	stand_init(&s);
	at = put_reserved(&s, at, 0x2000, 0x2fff);
	/* Of a type that nobody knows, up to the end. */
	put(s.device.property + at, 7, 2);
	put(s.device.property + at + 2, PROBE_SIZE - at - 4, 2);
	cr_expect_eq(bounce_viommu_probe(s.domain, ENDPOINT), BOUNCE_OK);
	bounce_iommu_virtio.info(s.domain, &info);
	cr_expect_eq(info.ranges, 1);
	stand_fini(&s);
}

Test(viommu, a_reserved_range_inside_of_another_is_none_and_a_wider_one_is)
{
	static const struct {
		uint64_t first, last;
		uint32_t ranges;
	} rows[] = {
		{ 0x3000, 0x3fff, 1 }, /* inside */
		{ 0x2000, 0x5fff, 1 }, /* the same */
		{ 0x1000, 0x5fff, 2 }, /* begins before */
		{ 0x2000, 0x6fff, 2 }, /* ends behind */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bounce_iommu_info info;
		struct stand s;

		stand_init(&s);
		put_reserved(&s, put_reserved(&s, 0, 0x2000, 0x5fff),
			     rows[i].first, rows[i].last);
		cr_assert_eq(bounce_viommu_probe(s.domain, ENDPOINT),
			     BOUNCE_OK);
		bounce_iommu_virtio.info(s.domain, &info);
		cr_expect_eq(info.ranges, rows[i].ranges, "row %zu", i);
		stand_fini(&s);
	}
}

/* The last entry takes in what there is no room for, in both directions. */
Test(viommu, a_range_without_room_widens_the_last_one_as_far_as_it_must)
{
	struct bounce_iommu_info info;
	uint32_t at = 0;
	struct stand s;

	stand_init(&s);
	for (uint64_t i = 4; i > 0; i--)
		at = put_reserved(&s, at, i << 20, (i << 20) + 0xfff);
	/* It ends before the last one does. */
	put_reserved(&s, at, 0x1000, 0x1fff);
	cr_assert_eq(bounce_viommu_probe(s.domain, ENDPOINT), BOUNCE_OK);
	bounce_iommu_virtio.info(s.domain, &info);
	cr_expect_eq(info.ranges, 4);
	cr_expect_eq(info.range[3].first.v, 0x1000);
	cr_expect_eq(info.range[3].last.v, 0x100fff);
	stand_fini(&s);
}
