/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_reissue.c - a requester ID goes from one device to another, each behind
 * a domain of its own: not before the old one's translations are gone from it.
 * C4 of lib/change.c.
 */
#include "viommu_stand.h"

/* Devices, with bridges 0 and 1 above them, that are in spaces 0 and 1. */
struct yard {
	struct stand stand;
	struct bench bench;
	const struct bounce_iommu *iommu;
	struct bounce_viommu_domain *domain[2];
	struct bounce_space *space[2];
	struct bounce_function *bridge[2];
	struct bounce_function *leaf[2];
	struct bounce_device *device[2];
};

static const uint32_t ids[] = { 0x108, 0x208 };

static struct bounce_function *add(struct yard *yard,
				   struct bounce_function_info info)
{
	struct bounce_function *function;

	cr_assert_eq(bounce_function_add(yard->bench.bounce, &info, &function),
		     BOUNCE_OK);
	return function;
}

static void plug(struct yard *yard, uint32_t i, struct bounce_space *space)
{
	struct bounce_device_info info = yard->bench.knobs.info;

	info.space = space;
	info.function = yard->leaf[i];
	cr_assert_eq(bounce_device_attach(yard->bench.bounce, &info,
					  &yard->device[i], NULL),
		     BOUNCE_OK);
}

static void set_iommu(struct yard *yard, uint32_t i)
{
	const struct bounce_translation translation = {
		.iommu = yard->iommu,
		.ctx = yard->domain[i],
		.flags = BOUNCE_TRANSLATION_DYNAMIC,
	};

	yard->space[i] = bench_translated(&yard->bench, UINT64_C(1) << 36);
	cr_assert_eq(bounce_space_set_iommu(yard->space[i], &translation, NULL),
		     BOUNCE_OK);
}

static void begin_behind(struct yard *yard, const struct bounce_iommu *iommu)
{
	struct bench_knobs knobs = bench_usual();

	yard->iommu = iommu;
	stand_init(&yard->stand);
	for (uint32_t i = 0; i < 2; i++)
		yard->stand.device.endpoint[i] = ids[i];
	knobs.devices = 0;
	knobs.more_spaces = 2;
	knobs.more_devices = 3;
	knobs.functions = 4;
	bench_init(&yard->bench, &knobs);
	yard->domain[0] = yard->stand.domain;
	cr_assert_eq(bounce_viommu_domain(yard->stand.viommu, DOMAIN + 1,
					  &yard->domain[1]),
		     BOUNCE_OK);
	for (uint32_t i = 0; i < 2; i++)
		set_iommu(yard, i);
}

static void begin(struct yard *yard)
{
	begin_behind(yard, &bounce_iommu_virtio);
}

/* A port above each device. */
static void plug_apart(struct yard *yard)
{
	for (uint32_t i = 0; i < 2; i++) {
		yard->bridge[i] = add(yard,
				      (struct bounce_function_info) {
					      .kind = BOUNCE_FUNCTION_PORT,
					      .devfn = (uint8_t)(0x18 + 8 * i),
					      .secondary = (uint8_t)(1 + i),
					      .subordinate = (uint8_t)(1 + i),
				      });
		yard->leaf[i] = add(yard, (struct bounce_function_info) {
						  .parent = yard->bridge[i],
						  .devfn = 8,
					  });
		plug(yard, i, yard->space[i]);
		cr_assert_eq(bounce_viommu_attach(yard->domain[i], ids[i]),
			     BOUNCE_OK);
	}
}

static void apart(struct yard *yard)
{
	begin(yard);
	plug_apart(yard);
}

static void end(struct yard *yard)
{
	for (uint32_t i = 0; i < 2; i++)
		cr_expect_eq(bounce_device_detach(yard->device[i]), BOUNCE_OK);
	for (uint32_t i = 0; i < 2; i++)
		cr_expect_eq(bounce_space_fini(yard->space[i]), BOUNCE_OK);
	bench_fini(&yard->bench);
	stand_fini(&yard->stand);
}

static struct bounce_mapping map(struct yard *yard, uint32_t i)
{
	struct bounce_buf buf = bench_buf(&yard->bench, i * PAGE, PAGE);
	struct bounce_mapping mapping;

	cr_assert_eq(bounce_map(bounce_device_queue(yard->device[i], 0), &buf,
				BOUNCE_TO_DEVICE, &mapping),
		     BOUNCE_OK);
	return mapping;
}

static void unmap(struct yard *yard, uint32_t i,
		  const struct bounce_mapping *mapping)
{
	cr_expect_eq(bounce_unmap(bounce_device_queue(yard->device[i], 0),
				  mapping, 0),
		     BOUNCE_OK);
}

static bool reaches(const struct yard *yard, uint32_t id,
		    const struct bounce_mapping *mapping)
{
	uint64_t gpa;

	return fake_viommu_reach(&yard->stand.device, id, mapping->bus.v,
				 BOUNCE_ACCESS_READ, &gpa);
}

static void number(struct yard *yard, uint32_t i, uint8_t bus,
		   enum bounce_err want)
{
	cr_expect_eq(bounce_topology_number(yard->bridge[i], bus, bus), want);
}

/* Both change, and each gets what the other had. */
Test(reissue, no_id_is_anothers_before_its_translations_are_gone)
{
	struct bounce_mapping old[2];
	struct yard yard;

	apart(&yard);
	for (uint32_t i = 0; i < 2; i++)
		old[i] = map(&yard, i);
	cr_expect(reaches(&yard, ids[0], &old[0]));
	cr_expect_not(reaches(&yard, ids[1], &old[0]));
	for (uint32_t i = 0; i < 2; i++) {
		cr_expect_eq(bounce_viommu_attach(yard.domain[1 - i], ids[i]),
			     BOUNCE_ERR_BUSY, "it is in another domain");
		bounce_device_stop(yard.device[i]);
		cr_expect_eq(bounce_topology_change(yard.bridge[i]),
			     BOUNCE_ERR_BUSY, "it still reaches");
		number(&yard, i, (uint8_t)(2 - i), BOUNCE_ERR_BUSY);
		cr_assert_eq(bounce_viommu_detach(yard.domain[i], ids[i]),
			     BOUNCE_OK);
		cr_expect_not(reaches(&yard, ids[i], &old[i]));
		cr_expect_eq(bounce_topology_change(yard.bridge[i]), BOUNCE_OK);
	}
	for (uint32_t i = 0; i < 2; i++)
		number(&yard, i, (uint8_t)(2 - i), BOUNCE_OK);
	cr_assert_eq(bounce_topology_settle(yard.bench.bounce), BOUNCE_OK);
	for (uint32_t i = 0; i < 2; i++) {
		cr_assert_eq(bounce_viommu_attach(yard.domain[i], ids[1 - i]),
			     BOUNCE_OK);
		cr_assert_eq(bounce_device_start(yard.device[i]), BOUNCE_OK);
	}
	for (uint32_t i = 0; i < 2; i++) {
		struct bounce_mapping mapping = map(&yard, i);

		cr_expect(reaches(&yard, ids[1 - i], &mapping));
		cr_expect_not(reaches(&yard, ids[i], &mapping));
		/* What was mapped before ends where it was mapped. */
		unmap(&yard, i, &old[i]);
		cr_expect_not(reaches(&yard, ids[1 - i], &old[i]));
		unmap(&yard, i, &mapping);
	}
	end(&yard);
}

/* Two functions behind a bridge that gives both its ID: one of them changes. */
Test(reissue, an_id_that_a_neighbour_goes_on_with_may_stay)
{
	struct yard yard;

	begin(&yard);
	yard.bridge[0] = add(&yard, (struct bounce_function_info) {
					    .kind = BOUNCE_FUNCTION_PCIE_TO_PCI,
					    .devfn = 0x18,
					    .secondary = 1,
					    .subordinate = 1,
				    });
	for (uint32_t i = 0; i < 2; i++) {
		yard.leaf[i] = add(&yard, (struct bounce_function_info) {
						  .parent = yard.bridge[0],
						  .devfn = (uint8_t)(8 + i),
					  });
		plug(&yard, i, yard.space[0]);
	}
	yard.stand.device.endpoint[0] = 0x100;
	cr_assert_eq(bounce_viommu_attach(yard.domain[0], 0x100), BOUNCE_OK);
	for (uint32_t i = 0; i < 2; i++)
		bounce_device_stop(yard.device[i]);
	cr_expect_eq(bounce_topology_change(yard.bridge[0]), BOUNCE_ERR_BUSY,
		     "of both");
	cr_expect_eq(bounce_topology_change(yard.leaf[0]), BOUNCE_OK);
	cr_expect_eq(bounce_topology_change(yard.leaf[1]), BOUNCE_ERR_BUSY,
		     "and now nobody goes on with it");
	cr_assert_eq(bounce_viommu_detach(yard.domain[0], 0x100), BOUNCE_OK);
	cr_expect_eq(bounce_topology_change(yard.leaf[1]), BOUNCE_OK);
	cr_assert_eq(bounce_topology_settle(yard.bench.bounce), BOUNCE_OK);
	end(&yard);
}

/* One in a domain of another space is not this device's. */
Test(reissue, an_id_in_another_domain_is_not_held)
{
	struct yard yard;

	apart(&yard);
	cr_assert_eq(bounce_viommu_detach(yard.domain[0], ids[0]), BOUNCE_OK);
	cr_assert_eq(bounce_viommu_attach(yard.domain[1], ids[0]), BOUNCE_OK);
	bounce_device_stop(yard.device[0]);
	cr_expect_eq(bounce_topology_change(yard.bridge[0]), BOUNCE_OK);
	cr_assert_eq(bounce_topology_settle(yard.bench.bounce), BOUNCE_OK);
	end(&yard);
}

/* A backend without holds() leaves the order to the embedder. */
Test(reissue, an_iommu_that_does_not_say_what_it_holds_holds_up_nobody)
{
	struct bounce_iommu silent = bounce_iommu_virtio;
	struct yard yard;

	silent.holds = NULL;
	begin_behind(&yard, &silent);
	plug_apart(&yard);
	bounce_device_stop(yard.device[0]);
	cr_expect_eq(bounce_topology_change(yard.bridge[0]), BOUNCE_OK);
	cr_assert_eq(bounce_topology_settle(yard.bench.bounce), BOUNCE_OK);
	end(&yard);
}

/* It has no requester ID that the library knows. */
Test(reissue, a_device_without_a_place_goes_on_with_no_id)
{
	struct bounce_device_info info;
	struct bounce_device *placeless;
	struct yard yard;

	apart(&yard);
	info = yard.bench.knobs.info;
	info.space = yard.space[0];
	cr_assert_eq(bounce_device_attach(yard.bench.bounce, &info, &placeless,
					  NULL),
		     BOUNCE_OK);
	bounce_device_stop(yard.device[0]);
	cr_expect_eq(bounce_topology_change(yard.bridge[0]), BOUNCE_ERR_BUSY);
	cr_assert_eq(bounce_viommu_detach(yard.domain[0], ids[0]), BOUNCE_OK);
	cr_expect_eq(bounce_topology_change(yard.bridge[0]), BOUNCE_OK);
	cr_assert_eq(bounce_topology_settle(yard.bench.bounce), BOUNCE_OK);
	cr_expect_eq(bounce_device_detach(placeless), BOUNCE_OK);
	end(&yard);
}

/* X4: its domain ends with its last endpoint, and the mapping ends all the
 * same; nothing is lost. */
Test(reissue, what_was_in_a_domain_that_is_gone_ends)
{
	struct bounce_mapping mapping;
	struct bounce_space_info info;
	struct yard yard;

	apart(&yard);
	mapping = map(&yard, 0);
	cr_assert_eq(bounce_viommu_detach(yard.domain[0], ids[0]), BOUNCE_OK);
	unmap(&yard, 0, &mapping);
	bounce_space_info(yard.space[0], &info);
	cr_expect_eq(info.lost_bytes, 0);
	end(&yard);
}
