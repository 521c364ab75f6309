/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_alias.c - devices behind bridges: who shares a requester ID shares a
 * space, or is refused; and a device gets its ID late.
 */
#include "calls.h"

/* Two spaces on one pool, and functions: a bridge with two endpoints. */
struct yard {
	struct bench bench;
	struct bounce_space *other;
	struct bounce_function *bridge;
	struct bounce_function *leaf[2];
	struct bounce_device *device[2];
};

static struct bounce_function *add_ok(struct yard *yard,
				      struct bounce_function_info info)
{
	struct bounce_function *function;

	cr_assert_eq(bounce_function_add(yard->bench.bounce, &info, &function),
		     BOUNCE_OK);
	return function;
}

/* The bridge has @buses, and does @kind to IDs. */
static void begin(struct yard *yard, enum bounce_function_kind kind,
		  uint8_t buses)
{
	struct bench_knobs knobs = bench_usual();
	const struct bounce_window all = { .flags = 0 };

	knobs.devices = 0;
	knobs.more_spaces = 1;
	knobs.functions = 8;
	bench_init(&yard->bench, &knobs);
	cr_assert_eq(bounce_space_init(yard->bench.bounce, yard->bench.pool,
				       &yard->other),
		     BOUNCE_OK);
	cr_assert_eq(bounce_space_add_window(yard->other, &all), BOUNCE_OK);
	yard->bridge = add_ok(yard, (struct bounce_function_info) {
					    .kind = (uint8_t)kind,
					    .devfn = 0x18,
					    .secondary = buses,
					    .subordinate = buses,
				    });
	for (uint32_t i = 0; i < 2; i++) {
		yard->device[i] = NULL;
		yard->leaf[i] = add_ok(yard, (struct bounce_function_info) {
						     .parent = yard->bridge,
						     .devfn = (uint8_t)(8 + i),
					     });
	}
}

static enum bounce_err attach(struct yard *yard, uint32_t i,
			      struct bounce_space *space, uint32_t flags,
			      struct bounce_negotiation *answer)
{
	struct bounce_device_info info = yard->bench.knobs.info;

	info.space = space;
	info.flags = flags;
	info.function = yard->leaf[i];
	return bounce_device_attach(yard->bench.bounce, &info, &yard->device[i],
				    answer);
}

static void attach_ok(struct yard *yard, uint32_t i, struct bounce_space *space)
{
	struct bounce_negotiation answer;

	cr_assert_eq(attach(yard, i, space, 0, &answer), BOUNCE_OK, "%s",
		     answer.why);
}

static void detach_ok(struct yard *yard, uint32_t i)
{
	cr_assert_eq(bounce_device_detach(yard->device[i]), BOUNCE_OK);
	yard->device[i] = NULL;
}

static void end(struct yard *yard)
{
	for (uint32_t i = 0; i < 2; i++)
		if (yard->device[i] != NULL)
			detach_ok(yard, i);
	cr_assert_eq(bounce_space_fini(yard->other), BOUNCE_OK);
	bench_fini(&yard->bench);
}

static unsigned why(const struct bounce_device *device)
{
	struct bounce_verdict verdict;

	bounce_device_verdict(device, &verdict);
	return verdict.reason;
}

static enum bounce_err map(struct yard *yard, uint32_t i,
			   struct bounce_mapping *mapping)
{
	struct bounce_buf buf = bench_buf(&yard->bench, 0, 100);

	return bounce_map(bounce_device_queue(yard->device[i], 0), &buf,
			  BOUNCE_BIDIRECTIONAL, mapping);
}

static void expect_maps(struct yard *yard, uint32_t i)
{
	struct bounce_mapping mapping;

	cr_assert_eq(map(yard, i, &mapping), BOUNCE_OK);
	unmap_ok(bounce_device_queue(yard->device[i], 0), &mapping, 0);
}

/* ---- who shares an ID (C1) ---- */

Test(alias, devices_behind_one_bridge_share_one_space)
{
	struct yard yard;

	begin(&yard, BOUNCE_FUNCTION_PCIE_TO_PCI, 1);
	attach_ok(&yard, 0, yard.bench.space);
	attach_ok(&yard, 1, yard.bench.space);
	expect_maps(&yard, 0);
	expect_maps(&yard, 1);
	end(&yard);
}

Test(alias, a_device_that_would_alias_into_anothers_space_is_refused)
{
	struct bounce_negotiation answer;
	struct yard yard;

	begin(&yard, BOUNCE_FUNCTION_PCIE_TO_PCI, 1);
	attach_ok(&yard, 0, yard.bench.space);
	cr_expect_eq(attach(&yard, 1, yard.other, 0, &answer),
		     BOUNCE_ERR_REFUSED);
	cr_expect_str_eq(answer.why, bounce_reason_text(BOUNCE_WHY_ALIASED));
	cr_expect_eq(answer.verdict.reason, BOUNCE_WHY_ALIASED);
	cr_expect_eq(answer.accept, 0);
	cr_expect_null(yard.device[1]);
	/* Refused, it holds nothing: the first may go, and it may come. */
	detach_ok(&yard, 0);
	attach_ok(&yard, 1, yard.other);
	expect_maps(&yard, 1);
	end(&yard);
}

Test(alias, ids_that_differ_have_spaces_of_their_own)
{
	struct yard yard;

	begin(&yard, BOUNCE_FUNCTION_PORT, 1);
	attach_ok(&yard, 0, yard.bench.space);
	attach_ok(&yard, 1, yard.other);
	expect_maps(&yard, 0);
	expect_maps(&yard, 1);
	end(&yard);
}

Test(alias, one_id_of_several_in_common_is_enough)
{
	struct yard yard;

	begin(&yard, BOUNCE_FUNCTION_PCIE_TO_PCIX, 1);
	attach_ok(&yard, 0, yard.bench.space);
	cr_expect_eq(attach(&yard, 1, yard.other, 0, NULL), BOUNCE_ERR_REFUSED);
	attach_ok(&yard, 1, yard.bench.space);
	end(&yard);
}

Test(alias, a_device_that_is_to_be_alone_shares_its_id_with_nobody)
{
	struct yard yard;

	begin(&yard, BOUNCE_FUNCTION_PCIE_TO_PCI, 1);
	cr_assert_eq(attach(&yard, 0, yard.bench.space, BOUNCE_DEVICE_ALONE,
			    NULL),
		     BOUNCE_OK);
	cr_expect_eq(attach(&yard, 1, yard.bench.space, 0, NULL),
		     BOUNCE_ERR_REFUSED, "it came first");
	detach_ok(&yard, 0);
	attach_ok(&yard, 1, yard.bench.space);
	cr_expect_eq(attach(&yard, 0, yard.bench.space, BOUNCE_DEVICE_ALONE,
			    NULL),
		     BOUNCE_ERR_REFUSED, "it comes last");
	end(&yard);
}

/* Private memory is mapped for its ID: whoever has the ID reaches it. */
Test(alias, an_attested_device_shares_its_id_with_attested_ones_only)
{
	struct yard yard;

	begin(&yard, BOUNCE_FUNCTION_PCIE_TO_PCI, 1);
	cr_assert_eq(attach(&yard, 0, yard.bench.space, BOUNCE_DEVICE_ATTESTED,
			    NULL),
		     BOUNCE_OK);
	cr_expect_eq(attach(&yard, 1, yard.bench.space, 0, NULL),
		     BOUNCE_ERR_REFUSED);
	cr_expect_eq(attach(&yard, 1, yard.bench.space, BOUNCE_DEVICE_ATTESTED,
			    NULL),
		     BOUNCE_OK);
	end(&yard);
}

/* ---- late ---- */

Test(late, a_device_without_an_id_is_refused_until_its_bus_has_a_number)
{
	struct bounce_mapping mapping;
	struct yard yard;

	begin(&yard, BOUNCE_FUNCTION_PORT, 0);
	attach_ok(&yard, 0, yard.bench.space);
	cr_expect_eq(map(&yard, 0, &mapping), BOUNCE_ERR_REFUSED);
	cr_expect_eq(why(yard.device[0]), BOUNCE_WHY_UNNUMBERED);
	bounce_device_stop(yard.device[0]);
	cr_expect_eq(bounce_device_start(yard.device[0]), BOUNCE_ERR_REFUSED);
	cr_assert_eq(bounce_topology_change(yard.bridge), BOUNCE_OK);
	cr_assert_eq(bounce_topology_number(yard.bridge, 7, 7), BOUNCE_OK);
	cr_expect_eq(map(&yard, 0, &mapping), BOUNCE_ERR_REFUSED);
	cr_assert_eq(bounce_topology_settle(yard.bench.bounce), BOUNCE_OK);
	cr_expect_eq(bounce_device_start(yard.device[0]), BOUNCE_OK);
	expect_maps(&yard, 0);
	end(&yard);
}

Test(late, of_two_that_turn_out_to_share_an_id_the_second_is_refused)
{
	struct bounce_mapping mapping;
	struct yard yard;

	begin(&yard, BOUNCE_FUNCTION_PCIE_TO_PCI, 0);
	attach_ok(&yard, 0, yard.bench.space);
	attach_ok(&yard, 1, yard.other);
	bounce_device_stop(yard.device[0]);
	bounce_device_stop(yard.device[1]);
	cr_assert_eq(bounce_topology_change(yard.bridge), BOUNCE_OK);
	cr_assert_eq(bounce_topology_number(yard.bridge, 7, 7), BOUNCE_OK);
	cr_assert_eq(bounce_topology_settle(yard.bench.bounce), BOUNCE_OK);
	cr_expect_eq(bounce_device_start(yard.device[0]), BOUNCE_OK);
	cr_expect_eq(bounce_device_start(yard.device[1]), BOUNCE_ERR_REFUSED);
	expect_maps(&yard, 0);
	cr_expect_eq(map(&yard, 1, &mapping), BOUNCE_ERR_REFUSED);
	cr_expect_eq(why(yard.device[1]), BOUNCE_WHY_ALIASED);
	/* Hot-unplug of the first gives the ID to the second. */
	detach_ok(&yard, 0);
	cr_expect_eq(bounce_device_start(yard.device[1]), BOUNCE_OK);
	expect_maps(&yard, 1);
	end(&yard);
}

Test(late, who_had_its_place_keeps_it_when_all_are_looked_at_again)
{
	struct yard yard;

	begin(&yard, BOUNCE_FUNCTION_PCIE_TO_PCI, 0);
	/* The second has the lower entry of the table. */
	attach_ok(&yard, 0, yard.other);
	attach_ok(&yard, 1, yard.other);
	detach_ok(&yard, 0);
	bounce_device_stop(yard.device[1]);
	cr_assert_eq(bounce_topology_change(yard.bridge), BOUNCE_OK);
	cr_assert_eq(bounce_topology_number(yard.bridge, 7, 7), BOUNCE_OK);
	cr_assert_eq(bounce_topology_settle(yard.bench.bounce), BOUNCE_OK);
	cr_expect_eq(attach(&yard, 0, yard.bench.space, 0, NULL),
		     BOUNCE_ERR_REFUSED);
	cr_assert_eq(bounce_topology_settle(yard.bench.bounce), BOUNCE_OK);
	expect_maps(&yard, 1);
	end(&yard);
}

/* ---- the order of a change (C2) ---- */

Test(renumbering, needs_the_devices_beneath_stopped_and_no_others)
{
	struct bounce_device_info info;
	struct bounce_device *device;
	struct yard yard;

	begin(&yard, BOUNCE_FUNCTION_PORT, 1);
	attach_ok(&yard, 0, yard.bench.space);
	attach_ok(&yard, 1, yard.bench.space);
	info = yard.bench.knobs.info;
	info.space = yard.bench.space;
	cr_assert_eq(bounce_device_attach(yard.bench.bounce, &info, &device,
					  NULL),
		     BOUNCE_OK, "elsewhere");
	bounce_device_stop(yard.device[0]);
	cr_expect_eq(bounce_topology_change(yard.bridge), BOUNCE_ERR_BUSY);
	cr_expect_eq(bounce_topology_number(yard.bridge, 2, 2),
		     BOUNCE_ERR_BUSY);
	/* Its own function alone may change. */
	cr_expect_eq(bounce_topology_change(yard.leaf[0]), BOUNCE_OK);
	cr_assert_eq(bounce_topology_settle(yard.bench.bounce), BOUNCE_OK);
	bounce_device_stop(yard.device[1]);
	cr_expect_eq(bounce_topology_change(yard.bridge), BOUNCE_OK);
	cr_assert_eq(bounce_topology_settle(yard.bench.bounce), BOUNCE_OK);
	cr_assert_eq(bounce_device_detach(device), BOUNCE_OK);
	end(&yard);
}

Test(renumbering, lets_no_device_start_or_attach_before_it_is_settled)
{
	struct yard yard;

	begin(&yard, BOUNCE_FUNCTION_PORT, 1);
	attach_ok(&yard, 0, yard.bench.space);
	bounce_device_stop(yard.device[0]);
	cr_assert_eq(bounce_topology_change(yard.bridge), BOUNCE_OK);
	cr_expect_eq(bounce_device_start(yard.device[0]), BOUNCE_ERR_BUSY);
	cr_expect_eq(attach(&yard, 1, yard.bench.space, 0, NULL),
		     BOUNCE_ERR_BUSY);
	cr_assert_eq(bounce_topology_settle(yard.bench.bounce), BOUNCE_OK);
	cr_expect_eq(bounce_device_start(yard.device[0]), BOUNCE_OK);
	attach_ok(&yard, 1, yard.bench.space);
	end(&yard);
}

Test(renumbering, moves_the_epoch_and_live_mappings_finish)
{
	struct bounce_mapping mapping;
	struct yard yard;
	uint32_t epoch;

	begin(&yard, BOUNCE_FUNCTION_PORT, 1);
	attach_ok(&yard, 0, yard.bench.space);
	cr_assert_eq(map(&yard, 0, &mapping), BOUNCE_OK);
	epoch = atomic_load(&yard.bench.bounce->epoch);
	bounce_device_stop(yard.device[0]);
	cr_assert_eq(bounce_topology_change(yard.bridge), BOUNCE_OK);
	cr_assert_eq(bounce_topology_number(yard.bridge, 9, 9), BOUNCE_OK);
	expect_maps(&yard, 0);
	cr_assert_eq(bounce_topology_settle(yard.bench.bounce), BOUNCE_OK);
	cr_expect_gt(atomic_load(&yard.bench.bounce->epoch), epoch);
	cr_expect_eq(bounce_device_start(yard.device[0]), BOUNCE_OK);
	write_bytes(bench_at_bus(&yard.bench, mapping.bus, 100), 5, 100);
	unmap_ok(bounce_device_queue(yard.device[0], 0), &mapping, 100);
	cr_expect_eq(count_bytes(bench_private(&yard.bench, 0), 5, 100), 100);
	end(&yard);
}

Test(renumbering, a_function_with_a_device_stays)
{
	struct yard yard;

	begin(&yard, BOUNCE_FUNCTION_PORT, 1);
	attach_ok(&yard, 0, yard.bench.space);
	cr_expect_eq(bounce_function_remove(yard.leaf[0]), BOUNCE_ERR_BUSY);
	detach_ok(&yard, 0);
	cr_expect_eq(bounce_function_remove(yard.leaf[0]), BOUNCE_OK);
	end(&yard);
}

Test(alias, a_function_of_another_instance_is_refused)
{
	struct yard yard;
	struct yard other;

	begin(&yard, BOUNCE_FUNCTION_PORT, 1);
	begin(&other, BOUNCE_FUNCTION_PORT, 1);
	yard.leaf[0] = other.leaf[0];
	cr_expect_eq(attach(&yard, 0, yard.bench.space, 0, NULL),
		     BOUNCE_ERR_ARG);
	end(&other);
	end(&yard);
}
