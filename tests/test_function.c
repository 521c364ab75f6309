/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_function.c - functions and bridges come and go, and buses get other
 * numbers, in one order only.
 */
#include "trees.h"

/* ---- bounce_function_add() ---- */

Test(function_add, a_bad_argument_is_refused_and_takes_no_place)
{
	const struct bounce_function_info bad[] = {
		{ .kind = BOUNCE_FUNCTION_PCI_TO_PCIE + 1 },
		{ .kind = 255 },
		{ .flags = 4 },
		{ .flags = BOUNCE_FUNCTION_ALIAS | BOUNCE_FUNCTION_ALIAS_ONLY },
		{ .alias_devfn = 1 },
		{ .reserved = { 1 } },
		{ .reserved = { [6] = 1 } },
		/* An endpoint has no buses, a bridge has all or none. */
		{ .secondary = 1, .subordinate = 1 },
		{ .subordinate = 1 },
		{ .kind = BOUNCE_FUNCTION_PORT, .subordinate = 1 },
		{ .kind = BOUNCE_FUNCTION_PORT, .secondary = 1 },
		{ .kind = BOUNCE_FUNCTION_PORT,
		  .secondary = 3,
		  .subordinate = 2 },
		/* Above its own bus. */
		{ .kind = BOUNCE_FUNCTION_PORT,
		  .root_bus = 4,
		  .secondary = 4,
		  .subordinate = 9 },
	};
	struct tree tree;
	struct bounce_function *none = NULL;
	struct bounce_function_info good = { .devfn = 0 };

	tree_begin(&tree, 1);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		cr_expect_eq(bounce_function_add(tree.bounce, &bad[i], &none),
			     BOUNCE_ERR_ARG, "row %zu", i);
	cr_expect_eq(bounce_function_add(NULL, &good, &none), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_function_add(tree.bounce, NULL, &none),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_function_add(tree.bounce, &good, NULL),
		     BOUNCE_ERR_ARG);
	cr_expect_null(none);
	(void)add_ok(&tree, good);
	good.devfn = 1;
	cr_expect_eq(bounce_function_add(tree.bounce, &good, &none),
		     BOUNCE_ERR_FULL);
	tree_end(&tree);
}

Test(function_add, a_parent_is_a_bridge_of_the_same_instance)
{
	struct bounce_function_info info = { .devfn = 0 };
	struct bounce_function *none = NULL;
	struct bounce_function *gone;
	struct tree tree;
	struct tree other;

	tree_begin(&tree, FUNCTIONS);
	tree_begin(&other, FUNCTIONS);
	info.parent = endpoint(&tree, NULL, devfn(1, 0));
	cr_expect_eq(bounce_function_add(tree.bounce, &info, &none),
		     BOUNCE_ERR_ARG, "an endpoint");
	info.parent = bridge(&other, NULL, 0, BOUNCE_FUNCTION_PORT, 0x0101);
	cr_expect_eq(bounce_function_add(tree.bounce, &info, &none),
		     BOUNCE_ERR_ARG, "another instance's");
	gone = bridge(&tree, NULL, 0, BOUNCE_FUNCTION_PORT, 0x0101);
	cr_assert_eq(bounce_function_remove(gone), BOUNCE_OK);
	info.parent = gone;
	cr_expect_eq(bounce_function_add(tree.bounce, &info, &none),
		     BOUNCE_ERR_ARG, "removed");
	info.parent = bridge(&tree, NULL, 0, BOUNCE_FUNCTION_PORT, 0x0101);
	info.segment = 1;
	cr_expect_eq(bounce_function_add(tree.bounce, &info, &none),
		     BOUNCE_ERR_ARG, "the segment is the parent's");
	info.segment = 0;
	info.root_bus = 1;
	cr_expect_eq(bounce_function_add(tree.bounce, &info, &none),
		     BOUNCE_ERR_ARG, "it is on no root bus");
	tree_end(&other);
	tree_end(&tree);
}

Test(function_add, a_place_is_taken_once)
{
	struct tree tree;
	struct bounce_function *port;
	struct bounce_function *none;
	struct bounce_function_info info = { .devfn = devfn(1, 0) };

	tree_begin(&tree, FUNCTIONS);
	(void)add_ok(&tree, info);
	cr_expect_eq(bounce_function_add(tree.bounce, &info, &none),
		     BOUNCE_ERR_ARG);
	info.root_bus = 0x40;
	(void)add_ok(&tree, info);
	info.segment = 1;
	(void)add_ok(&tree, info);
	port = bridge(&tree, NULL, devfn(2, 0), BOUNCE_FUNCTION_PORT, 0x0101);
	(void)endpoint(&tree, port, devfn(1, 0));
	tree_end(&tree);
}

/* { parent's buses, other bridge's buses, ours, may it be } */
Test(function_add, a_bridges_buses_are_inside_its_parents_and_no_others)
{
	static const struct {
		uint32_t ours;
		enum bounce_err err;
	} rows[] = {
		{ 0x1220, BOUNCE_ERR_ARG }, /* the other's, and more */
		{ 0x1415, BOUNCE_ERR_ARG }, /* inside the other's */
		{ 0x1318, BOUNCE_ERR_ARG }, /* its begin */
		{ 0x1018, BOUNCE_ERR_ARG }, /* the parent's own bus */
		{ 0x191f, BOUNCE_ERR_ARG }, /* beyond the parent's */
		{ 0x2020, BOUNCE_ERR_ARG }, /* outside */
		{ 0x0909, BOUNCE_ERR_ARG }, /* below */
		{ 0x1112, BOUNCE_OK }, /* before the other */
		{ 0x191e, BOUNCE_OK }, /* after it */
		{ 0x0000, BOUNCE_OK }, /* none yet */
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct bounce_function *port;
		struct bounce_function *got;
		struct bounce_function_info info = {
			.devfn = devfn(2, 0),
			.kind = BOUNCE_FUNCTION_PCI_TO_PCI,
			.secondary = (uint8_t)(rows[i].ours >> 8),
			.subordinate = (uint8_t)rows[i].ours,
		};
		struct tree tree;

		tree_begin(&tree, FUNCTIONS);
		port = bridge(&tree, NULL, 0, BOUNCE_FUNCTION_PORT, 0x101e);
		(void)bridge(&tree, port, 0, BOUNCE_FUNCTION_PORT, 0x1318);
		info.parent = port;
		cr_expect_eq(bounce_function_add(tree.bounce, &info, &got),
			     rows[i].err, "%#x", rows[i].ours);
		tree_end(&tree);
	}
}

Test(function_add, root_buses_of_a_segment_have_buses_apart)
{
	struct bounce_function_info info = {
		.devfn = 0,
		.kind = BOUNCE_FUNCTION_PORT,
		.root_bus = 0x40,
		.secondary = 0x41,
		.subordinate = 0x50,
	};
	struct bounce_function *none;
	struct tree tree;

	tree_begin(&tree, FUNCTIONS);
	(void)bridge(&tree, NULL, 0, BOUNCE_FUNCTION_PORT, 0x0148);
	cr_expect_eq(bounce_function_add(tree.bounce, &info, &none),
		     BOUNCE_ERR_ARG, "the root bus itself, and some more");
	info.root_bus = 0x49;
	info.secondary = info.subordinate = 0x50;
	(void)add_ok(&tree, info);
	/* The other way round: a bridge that takes a root bus. */
	info.devfn = 8;
	info.root_bus = 0;
	info.secondary = 0x49;
	info.subordinate = 0x4f;
	cr_expect_eq(bounce_function_add(tree.bounce, &info, &none),
		     BOUNCE_ERR_ARG);
	info.segment = 1;
	(void)add_ok(&tree, info);
	/* A root bus that a bridge has already, whoever would be on it. */
	info = (struct bounce_function_info) { .devfn = 16, .root_bus = 0x48 };
	cr_expect_eq(bounce_function_add(tree.bounce, &info, &none),
		     BOUNCE_ERR_ARG);
	tree_end(&tree);
}

/* T1: whatever is built, every walk ends and every set has room. */
Test(function_add, too_deep_and_too_many_ids_are_out_of_range)
{
	struct bounce_function_info info = {
		.kind = BOUNCE_FUNCTION_PORT,
		.subordinate = 200,
	};
	struct bounce_function *none;
	struct tree tree;

	tree_begin(&tree, FUNCTIONS);
	for (uint32_t depth = 0; depth <= BOUNCE_TOPOLOGY_DEPTH; depth++) {
		info.secondary++;
		info.parent = add_ok(&tree, info);
	}
	info.secondary++;
	cr_expect_eq(bounce_function_add(tree.bounce, &info, &none),
		     BOUNCE_ERR_RANGE);
	tree_end(&tree);

	tree_begin(&tree, FUNCTIONS);
	info.parent = NULL;
	info.secondary = 0;
	info.kind = BOUNCE_FUNCTION_PCIE_TO_PCIX;
	for (uint32_t i = 0; i + 1 < BOUNCE_REQUESTERS; i++) {
		info.secondary++;
		info.parent = add_ok(&tree, info);
	}
	(void)endpoint(&tree, info.parent, 9);
	info = (struct bounce_function_info) {
		.parent = info.parent,
		.flags = BOUNCE_FUNCTION_ALIAS,
		.alias_devfn = 1,
	};
	cr_expect_eq(bounce_function_add(tree.bounce, &info, &none),
		     BOUNCE_ERR_RANGE);
	tree_end(&tree);
}

/* ---- bounce_function_remove() ---- */

Test(function_remove, a_bridge_with_functions_beneath_is_busy)
{
	struct tree tree;
	struct bounce_function *port;
	struct bounce_function *leaf;

	tree_begin(&tree, FUNCTIONS);
	port = bridge(&tree, NULL, 0, BOUNCE_FUNCTION_PORT, 0x0101);
	leaf = endpoint(&tree, port, 0);
	cr_expect_eq(bounce_function_remove(port), BOUNCE_ERR_BUSY);
	cr_expect_eq(bounce_function_remove(leaf), BOUNCE_OK);
	cr_expect_eq(bounce_function_remove(port), BOUNCE_OK);
	/* Place and numbers are free again. */
	(void)bridge(&tree, NULL, 0, BOUNCE_FUNCTION_PORT, 0x0101);
	tree_end(&tree);
}

/* ---- the order of a change ---- */

Test(topology, numbers_change_only_inside_a_change)
{
	struct tree tree;
	struct bounce_function *outer;
	struct bounce_function *inner;
	struct bounce_function *leaf;

	tree_begin(&tree, FUNCTIONS);
	outer = bridge(&tree, NULL, 0, BOUNCE_FUNCTION_PORT, 0x0104);
	inner = bridge(&tree, outer, 0, BOUNCE_FUNCTION_PORT, 0x0202);
	leaf = endpoint(&tree, inner, 0);
	cr_expect_eq(bounce_topology_number(outer, 5, 8), BOUNCE_ERR_BUSY);
	cr_assert_eq(bounce_topology_change(inner), BOUNCE_OK);
	cr_expect_eq(bounce_topology_number(outer, 5, 8), BOUNCE_ERR_BUSY,
		     "above the change");
	cr_expect_eq(bounce_topology_number(leaf, 5, 8), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_topology_number(inner, 4, 3), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_topology_number(inner, 0, 3), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_topology_number(inner, 3, 3), BOUNCE_OK);
	cr_assert_eq(bounce_topology_settle(tree.bounce), BOUNCE_OK);
	expect_ids(leaf, 1, 0x0300, 0);
	cr_expect_eq(bounce_topology_number(inner, 2, 2), BOUNCE_ERR_BUSY);
	/* From above it is inside. */
	cr_assert_eq(bounce_topology_change(outer), BOUNCE_OK);
	cr_expect_eq(bounce_topology_number(inner, 2, 2), BOUNCE_OK);
	cr_assert_eq(bounce_topology_settle(tree.bounce), BOUNCE_OK);
	expect_ids(leaf, 1, 0x0200, 0);
	tree_end(&tree);
}

Test(topology, two_bridges_exchange_their_numbers_in_one_change)
{
	struct tree tree;
	struct bounce_function *b1;
	struct bounce_function *port;
	struct bounce_function *slow;
	struct bounce_function *fast;

	tree_begin(&tree, FUNCTIONS);
	b1 = bridge(&tree, NULL, devfn(3, 0), BOUNCE_FUNCTION_PCIE_TO_PCI,
		    0x0101);
	port = bridge(&tree, NULL, devfn(5, 0), BOUNCE_FUNCTION_PORT, 0x0404);
	slow = endpoint(&tree, b1, devfn(1, 0));
	fast = endpoint(&tree, port, devfn(0, 0));
	cr_assert_eq(bounce_topology_change(b1), BOUNCE_OK);
	cr_assert_eq(bounce_topology_change(port), BOUNCE_OK);
	cr_assert_eq(bounce_topology_number(b1, 4, 4), BOUNCE_OK);
	cr_expect_eq(bounce_topology_settle(tree.bounce), BOUNCE_ERR_ARG,
		     "two bridges with bus 4");
	expect_ids(slow, 1, 0x0100, 0);
	cr_assert_eq(bounce_topology_number(port, 1, 1), BOUNCE_OK);
	cr_assert_eq(bounce_topology_settle(tree.bounce), BOUNCE_OK);
	expect_ids(slow, 1, 0x0400, 0);
	expect_ids(fast, 1, 0x0100, 0);
	tree_end(&tree);
}

Test(topology, a_bridge_that_lost_its_number_gives_no_ids)
{
	struct tree tree;
	struct bounce_function *port;
	struct bounce_function *leaf;

	tree_begin(&tree, FUNCTIONS);
	port = bridge(&tree, NULL, 0, BOUNCE_FUNCTION_PORT, 0x0104);
	leaf = endpoint(&tree, port, 0);
	cr_assert_eq(bounce_topology_change(port), BOUNCE_OK);
	cr_expect_eq(bounce_topology_number(port, 0, 0), BOUNCE_OK);
	cr_assert_eq(bounce_topology_settle(tree.bounce), BOUNCE_OK);
	expect_ids(leaf, 0, 0, 0);
	tree_end(&tree);
}

Test(topology, nothing_is_added_or_removed_while_it_changes)
{
	struct tree tree;
	struct bounce_function *port;
	struct bounce_function *leaf;
	struct bounce_function *none;
	struct bounce_function_info info = { .devfn = 77 };

	tree_begin(&tree, FUNCTIONS);
	port = bridge(&tree, NULL, 0, BOUNCE_FUNCTION_PORT, 0x0101);
	leaf = endpoint(&tree, NULL, 8);
	cr_assert_eq(bounce_topology_change(port), BOUNCE_OK);
	cr_expect_eq(bounce_function_add(tree.bounce, &info, &none),
		     BOUNCE_ERR_BUSY);
	cr_expect_eq(bounce_function_remove(leaf), BOUNCE_ERR_BUSY);
	cr_expect(bounce_topology_valid(tree.bounce));
	cr_assert_eq(bounce_topology_settle(tree.bounce), BOUNCE_OK);
	cr_expect_eq(bounce_function_remove(leaf), BOUNCE_OK);
	(void)add_ok(&tree, info);
	tree_end(&tree);
}

/* ---- bounce_topology_valid() ---- */

Test(topology_valid, a_damaged_number_or_id_is_seen)
{
	struct tree tree;
	struct bounce_function *outer;
	struct bounce_function *inner;

	tree_begin(&tree, FUNCTIONS);
	outer = bridge(&tree, NULL, 0, BOUNCE_FUNCTION_PORT, 0x0104);
	inner = bridge(&tree, outer, 0, BOUNCE_FUNCTION_PORT, 0x0203);
	cr_assert(bounce_topology_valid(tree.bounce));
	inner->requesters.id[0]++;
	cr_expect_not(bounce_topology_valid(tree.bounce), "ID");
	inner->requesters.id[0]--;
	inner->requesters.count = 0;
	cr_expect_not(bounce_topology_valid(tree.bounce), "count");
	inner->requesters.count = 1;
	inner->info.subordinate = 5;
	cr_expect_not(bounce_topology_valid(tree.bounce), "numbers");
	inner->info.subordinate = 3;
	tree_end(&tree);
}
