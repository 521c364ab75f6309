/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_topology.c - which requester IDs an IOMMU sees behind bridges. How
 * functions come, change and go: test_function.c. What follows for devices:
 * test_alias.c.
 */
#include "trees.h"

/* ---- which IDs ---- */

Test(requesters, on_a_root_bus_and_behind_ports_are_bus_and_devfn)
{
	struct tree tree;
	struct bounce_function *port;
	struct bounce_function *up;

	tree_begin(&tree, FUNCTIONS);
	expect_ids(endpoint(&tree, NULL, devfn(2, 0)), 1, 0x0010, 0);
	port = bridge(&tree, NULL, devfn(5, 0), BOUNCE_FUNCTION_PORT, 0x0408);
	expect_ids(endpoint(&tree, port, devfn(0, 0)), 1, 0x0400, 0);
	/* A switch: one port up, two down. */
	up = bridge(&tree, port, devfn(0, 1), BOUNCE_FUNCTION_PORT, 0x0508);
	port = bridge(&tree, up, devfn(1, 0), BOUNCE_FUNCTION_PORT, 0x0606);
	expect_ids(endpoint(&tree, port, devfn(0, 0)), 1, 0x0600, 0);
	port = bridge(&tree, up, devfn(2, 0), BOUNCE_FUNCTION_PORT, 0x0707);
	expect_ids(endpoint(&tree, port, devfn(0, 0)), 1, 0x0700, 0);
	tree_end(&tree);
}

/* The bridges of QEMU, with the IDs that its IOMMU reports in fault events. */
Test(requesters, behind_pci_bridges_are_those_that_qemu_reports)
{
	struct tree tree;
	struct bounce_function *b1;
	struct bounce_function *b2;
	struct bounce_function *b3;

	tree_begin(&tree, FUNCTIONS);
	b1 = bridge(&tree, NULL, devfn(3, 0), BOUNCE_FUNCTION_PCIE_TO_PCI,
		    0x0102);
	b3 = bridge(&tree, b1, devfn(3, 0), BOUNCE_FUNCTION_PCI_TO_PCI, 0x0202);
	b2 = bridge(&tree, NULL, devfn(4, 0), BOUNCE_FUNCTION_PCI_TO_PCI,
		    0x0303);
	expect_ids(endpoint(&tree, b1, devfn(1, 0)), 1, 0x0100, 0);
	expect_ids(endpoint(&tree, b1, devfn(2, 0)), 1, 0x0100, 0);
	expect_ids(endpoint(&tree, b3, devfn(1, 0)), 1, 0x0100, 0);
	expect_ids(endpoint(&tree, b2, devfn(1, 0)), 1, 0x0020, 0);
	/* The bridges' own. */
	expect_ids(b1, 1, 0x0018, 0);
	expect_ids(b3, 1, 0x0100, 0);
	tree_end(&tree);
}

Test(requesters, behind_a_pcix_bridge_are_both_that_it_may_use)
{
	struct tree tree;
	struct bounce_function *b;

	tree_begin(&tree, FUNCTIONS);
	b = bridge(&tree, NULL, devfn(3, 0), BOUNCE_FUNCTION_PCIE_TO_PCIX,
		   0x0102);
	expect_ids(endpoint(&tree, b, devfn(1, 2)), 2, 0x010a, 0x0100);
	/* Device 0 has the bridge's ID anyway: no ID is named twice. */
	expect_ids(endpoint(&tree, b, devfn(0, 0)), 1, 0x0100, 0);
	tree_end(&tree);
}

Test(requesters, behind_a_masking_bridge_keep_the_bus_alone)
{
	struct tree tree;
	struct bounce_function *outer;
	struct bounce_function *inner;

	tree_begin(&tree, FUNCTIONS);
	outer = bridge(&tree, NULL, devfn(3, 0), BOUNCE_FUNCTION_PCIX_MASK,
		       0x0103);
	expect_ids(endpoint(&tree, outer, devfn(1, 2)), 1, 0x0100, 0);
	/* Two IDs that differ in the bus stay two. */
	inner = bridge(&tree, outer, devfn(4, 0), BOUNCE_FUNCTION_PCIE_TO_PCIX,
		       0x0203);
	expect_ids(endpoint(&tree, inner, devfn(7, 0)), 1, 0x0200, 0);
	inner = bridge(&tree, inner, devfn(1, 0), BOUNCE_FUNCTION_PCIE_TO_PCIX,
		       0x0303);
	expect_ids(endpoint(&tree, inner, devfn(7, 7)), 2, 0x0300, 0x0200);
	tree_end(&tree);
}

Test(requesters, behind_a_pci_to_pcie_bridge_are_the_bridges_own)
{
	struct tree tree;
	struct bounce_function *b;
	struct bounce_function *port;

	tree_begin(&tree, FUNCTIONS);
	b = bridge(&tree, NULL, devfn(6, 1), BOUNCE_FUNCTION_PCI_TO_PCIE,
		   0x0102);
	port = bridge(&tree, b, devfn(0, 0), BOUNCE_FUNCTION_PORT, 0x0202);
	expect_ids(endpoint(&tree, port, devfn(0, 0)), 1, 0x0031, 0);
	tree_end(&tree);
}

Test(requesters, of_a_device_of_several_functions_differ)
{
	struct tree tree;
	struct bounce_function *port;

	tree_begin(&tree, FUNCTIONS);
	port = bridge(&tree, NULL, devfn(5, 0), BOUNCE_FUNCTION_PORT, 0x0101);
	for (unsigned function = 0; function < 8; function++)
		expect_ids(endpoint(&tree, port, devfn(0, function)), 1,
			   0x0100 | function, 0);
	tree_end(&tree);
}

Test(requesters, of_a_quirky_function_are_also_or_only_its_alias)
{
	struct tree tree;
	struct bounce_function_info info = {
		.devfn = devfn(0, 0),
		.flags = BOUNCE_FUNCTION_ALIAS,
		.alias_devfn = devfn(0, 1),
	};

	tree_begin(&tree, FUNCTIONS);
	info.parent = bridge(&tree, NULL, devfn(5, 0), BOUNCE_FUNCTION_PORT,
			     0x0101);
	expect_ids(add_ok(&tree, info), 2, 0x0100, 0x0101);
	info.devfn = devfn(0, 2);
	info.flags = BOUNCE_FUNCTION_ALIAS_ONLY;
	expect_ids(add_ok(&tree, info), 1, 0x0101, 0);
	/* And a bridge above has the last word. */
	info.parent = bridge(&tree, NULL, devfn(6, 0),
			     BOUNCE_FUNCTION_PCIE_TO_PCI, 0x0202);
	expect_ids(add_ok(&tree, info), 1, 0x0200, 0);
	tree_end(&tree);
}

Test(requesters, carry_the_segment_which_is_the_root_buses)
{
	struct tree tree;
	struct bounce_function_info info = {
		.segment = 0xabcd,
		.root_bus = 0x80,
		.devfn = devfn(31, 7),
		.kind = BOUNCE_FUNCTION_PCIE_TO_PCI,
		.secondary = 0xff,
		.subordinate = 0xff,
	};
	struct bounce_function *b;

	tree_begin(&tree, FUNCTIONS);
	b = add_ok(&tree, info);
	expect_ids(b, 1, 0xabcd80ff, 0);
	expect_ids(endpoint(&tree, b, devfn(3, 0)), 1, 0xabcdff00, 0);
	/* The same numbers in another segment are other IDs. */
	info.segment = 1;
	expect_ids(endpoint(&tree, add_ok(&tree, info), devfn(3, 0)), 1,
		   0x0001ff00, 0);
	tree_end(&tree);
}

Test(requesters, are_none_while_a_bridge_above_has_no_number)
{
	struct tree tree;
	struct bounce_function *outer;
	struct bounce_function *inner;
	struct bounce_function *leaf;

	tree_begin(&tree, FUNCTIONS);
	outer = bridge(&tree, NULL, devfn(1, 0), BOUNCE_FUNCTION_PORT, 0);
	inner = bridge(&tree, outer, devfn(0, 0), BOUNCE_FUNCTION_PORT, 0x0202);
	leaf = endpoint(&tree, inner, devfn(0, 0));
	expect_ids(outer, 1, 0x0008, 0);
	expect_ids(inner, 0, 0, 0);
	expect_ids(leaf, 0, 0, 0);
	cr_assert_eq(bounce_topology_change(outer), BOUNCE_OK);
	cr_assert_eq(bounce_topology_number(outer, 1, 4), BOUNCE_OK);
	expect_ids(leaf, 0, 0, 0); /* not settled yet */
	cr_assert_eq(bounce_topology_settle(tree.bounce), BOUNCE_OK);
	expect_ids(inner, 1, 0x0100, 0);
	expect_ids(leaf, 1, 0x0200, 0);
	tree_end(&tree);
}

/* ---- the same by another way: a set of all 2^16 IDs, from the top ---- */

/* Is @id what the bus of @at's bridge may send upwards? Tail by tail. */
static bool seen_above(const struct bounce_function_info *at, uint32_t id,
		       uint32_t goal)
{
	const struct bounce_function *b = at->parent;
	uint32_t own;

	if (b == NULL)
		return id == goal;
	own = (b->info.parent == NULL ? 0 : b->info.parent->info.secondary)
		      << 8 |
	      b->info.devfn;
	switch (b->info.kind) {
	case BOUNCE_FUNCTION_PORT:
		return seen_above(&b->info, id, goal);
	case BOUNCE_FUNCTION_PCIE_TO_PCI:
		return seen_above(&b->info, b->info.secondary << 8, goal);
	case BOUNCE_FUNCTION_PCIE_TO_PCIX:
		return seen_above(&b->info, id, goal) ||
		       seen_above(&b->info, b->info.secondary << 8, goal);
	case BOUNCE_FUNCTION_PCIX_MASK:
		return seen_above(&b->info, id & 0xff00, goal);
	default:
		return seen_above(&b->info, own, goal);
	}
}

static void expect_just_these(const struct bounce_function *function)
{
	const struct bounce_function_info *info = &function->info;
	uint32_t bus = info->parent == NULL ? 0 : info->parent->info.secondary;
	struct bounce_requesters got;
	uint32_t found = 0;

	bounce_function_requesters(function, &got);
	for (uint32_t goal = 0; goal < 65536; goal++)
		found += ((info->flags & BOUNCE_FUNCTION_ALIAS_ONLY) == 0 &&
			  seen_above(info, bus << 8 | info->devfn, goal)) ||
			 (info->flags != 0 &&
			  seen_above(info, bus << 8 | info->alias_devfn, goal));
	cr_assert_eq(found, got.count);
	for (uint32_t i = 0; i < got.count; i++)
		cr_assert(seen_above(info, bus << 8 | info->devfn, got.id[i]) ||
			  seen_above(info, bus << 8 | info->alias_devfn,
				     got.id[i]));
}

Test(requesters, of_random_trees_are_what_goes_up_bridge_by_bridge)
{
	uint64_t random = 4;

	for (uint32_t round = 0; round < 20; round++) {
		struct bounce_function *at = NULL;
		struct tree tree;

		tree_begin(&tree, FUNCTIONS);
		for (uint32_t bus = 1; bus <= 12; bus++) {
			struct bounce_function_info info = {
				.parent = at,
				.devfn = (uint8_t)bench_below(&random, 256),
				.kind = (uint8_t)(1 + bench_below(&random, 6)),
				.secondary = (uint8_t)bus,
				.subordinate = 12,
			};
			struct bounce_function_info leaf = {
				.devfn = (uint8_t)(info.devfn ^ 1),
				.parent = at,
				.flags = (uint8_t)bench_below(&random, 3),
			};
			struct bounce_function *function;
			enum bounce_err err;

			if (leaf.flags != 0)
				leaf.alias_devfn = (uint8_t)bench_below(&random,
									256);
			err = bounce_function_add(tree.bounce, &leaf,
						  &function);
			cr_assert(err == BOUNCE_OK || err == BOUNCE_ERR_RANGE);
			if (err == BOUNCE_OK)
				expect_just_these(function);
			err = bounce_function_add(tree.bounce, &info,
						  &function);
			if (err != BOUNCE_OK)
				break; /* too many PCI-X bridges */
			at = function;
		}
		tree_end(&tree);
	}
}
