/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_fdt_windows.c - dma-ranges: through which windows a device sees memory.
 */
#include "fdt_trees.h"

static void expect_window(const struct bounce_window *window, uint64_t bus,
			  uint64_t gpa, uint64_t len)
{
	cr_expect_eq(window->bus.v, bus, "bus %#lx", window->bus.v);
	cr_expect_eq(window->gpa.v, gpa, "gpa %#lx", window->gpa.v);
	cr_expect_eq(window->len, len, "len %#lx", window->len);
	cr_expect_eq(window->flags, 0);
	cr_expect(bounce_window_valid(window));
}

static void expect_windows(const struct tree *tree, int32_t node,
			   uint32_t count, struct bounce_window *window)
{
	uint32_t got = 8;

	cr_assert_eq(bounce_fdt_windows(&tree->fdt, node, window, &got),
		     BOUNCE_OK);
	cr_assert_eq(got, count, "%u windows", got);
}

static void expect_error(const struct tree *tree, int32_t node,
			 enum bounce_err err, uint32_t room)
{
	struct bounce_window window[8];
	uint32_t count = room;

	cr_expect_eq(bounce_fdt_windows(&tree->fdt, node, window, &count), err);
	cr_expect_eq(count, room);
}

/* ---- dma-ranges ---- */

Test(fdt_windows, without_dma_ranges_or_with_empty_ones_all_memory_is_seen)
{
	struct bounce_window window[8];
	struct tree tree;

	begin(&tree);
	bus(&tree, "soc", 1);
	bus(&tree, "bus", 2);
	blob_flag(&tree.maker, "dma-ranges");
	blob_node(&tree.maker, "dev");
	expect_windows(&tree, end(&tree, 3, "/soc/bus/dev"), 1, window);
	expect_window(&window[0], 0, 0, 0);
}

Test(fdt_windows, offsets_may_be_positive_and_negative_and_banks_have_holes)
{
	struct bounce_window window[8];
	struct tree tree;

	begin(&tree);
	bus(&tree, "soc", 1);
	blob_cells(&tree.maker, "dma-ranges", 12,
		   /* bus, gpa (two cells), len */
		   0xc0000000, 0, 0x00000000, 0x20000000, /* above it */
		   0x00000000, 0, 0x80000000, 0x10000000, /* below it */
		   0x20000000, 8, 0x00000000, 0x10000000); /* far away */
	blob_node(&tree.maker, "dev");
	expect_windows(&tree, end(&tree, 2, "/soc/dev"), 3, window);
	expect_window(&window[0], 3 * GIB, 0, GIB / 2);
	expect_window(&window[1], 0, 2 * GIB, GIB / 4);
	expect_window(&window[2], GIB / 2, 32 * GIB, GIB / 4);
}

Test(fdt_windows, of_buses_behind_each_other_what_gets_through_all_is_left)
{
	struct bounce_window window[8];
	struct tree tree;

	begin(&tree);
	bus(&tree, "soc", 1);
	/* 1 GiB up; a hole; 1 GiB more. */
	blob_cells(&tree.maker, "dma-ranges", 8, 0x00000000, 0, 0x40000000,
		   0x10000000, 0x20000000, 1, 0x00000000, 0x10000000);
	bus(&tree, "inner", 1);
	/* Over both banks, and the hole. */
	blob_cells(&tree.maker, "dma-ranges", 3, 0x80000000, 0x08000000,
		   0x20000000);
	blob_node(&tree.maker, "dev");
	expect_windows(&tree, end(&tree, 3, "/soc/inner/dev"), 2, window);
	expect_window(&window[0], 2 * GIB, GIB + 128 * MIB, 128 * MIB);
	expect_window(&window[1], 2 * GIB + 384 * MIB, 4 * GIB, 128 * MIB);
}

Test(fdt_windows, may_end_at_2_to_the_64_less_1_on_either_side)
{
	struct bounce_window window[8];
	struct tree tree;

	begin(&tree);
	bus(&tree, "soc", 2);
	blob_cells(&tree.maker, "dma-ranges", 12, 0xffffffff, 0xfff00000, 0, 0,
		   0, 0x100000, /* bus */
		   0, 0, 0xffffffff, 0xfff00000, 0, 0x100000); /* gpa */
	blob_node(&tree.maker, "dev");
	expect_windows(&tree, end(&tree, 2, "/soc/dev"), 2, window);
	expect_window(&window[0], UINT64_MAX - MIB + 1, 0, MIB);
	expect_window(&window[1], 0, UINT64_MAX - MIB + 1, MIB);
}

Test(fdt_windows, parts_of_slots_at_the_ends_are_left_out)
{
	struct bounce_window window[8];
	struct tree tree;

	begin(&tree);
	bus(&tree, "soc", 1);
	blob_cells(&tree.maker, "dma-ranges", 12, 0x00000800, 0, 0x80000800,
		   0x00003000, /* two whole ones inside */
		   0x00100800, 0, 0x90000800, 0x00001000, /* none */
		   0x00200000, 0, 0xa0000000, 0x00001fff); /* one */
	blob_node(&tree.maker, "dev");
	expect_windows(&tree, end(&tree, 2, "/soc/dev"), 2, window);
	expect_window(&window[0], 0x1000, 0x80001000, 0x2000);
	expect_window(&window[1], 0x200000, 0xa0000000, 0x1000);
}

Test(fdt_windows, sides_that_differ_by_a_part_of_a_slot_are_wrong)
{
	struct tree tree;

	begin(&tree);
	bus(&tree, "soc", 1);
	blob_cells(&tree.maker, "dma-ranges", 4, 0x800, 0, 0, 0x10000);
	blob_node(&tree.maker, "dev");
	expect_error(&tree, end(&tree, 2, "/soc/dev"), BOUNCE_ERR_ARG, 8);
}

Test(fdt_windows, of_pci_are_those_for_memory)
{
	struct bounce_window window[8];
	struct tree tree;

	begin(&tree);
	bus(&tree, "pcie", 3);
	blob_cells(&tree.maker, "dma-ranges", 14, 0x02000000, 0, 0x80000000, 0,
		   0, 0, 0x80000000, /* 32-bit */
		   0x43000000, 4, 0, 1, 0, 1, 0); /* 64-bit, prefetchable */
	blob_node(&tree.maker, "dev");
	expect_windows(&tree, end(&tree, 2, "/pcie/dev"), 2, window);
	expect_window(&window[0], 2 * GIB, 0, 2 * GIB);
	expect_window(&window[1], 16 * GIB, 4 * GIB, 4 * GIB);
	/* Not for I/O, nor configuration. */
	for (uint32_t space = 0; space < 2; space++) {
		begin(&tree);
		bus(&tree, "pcie", 3);
		blob_cells(&tree.maker, "dma-ranges", 7, space << 24, 0, 0, 0,
			   0, 0, 0x10000);
		blob_node(&tree.maker, "dev");
		expect_error(&tree, end(&tree, 2, "/pcie/dev"), BOUNCE_ERR_ARG,
			     8);
	}
}

Test(fdt_windows, there_must_be_room_and_something_left)
{
	struct tree tree;
	int32_t node;

	begin(&tree);
	bus(&tree, "soc", 1);
	blob_cells(&tree.maker, "dma-ranges", 8, 0, 0, 0, 0x1000, 0x2000, 0, 0,
		   0x1000);
	blob_node(&tree.maker, "dev");
	node = end(&tree, 2, "/soc/dev");
	expect_error(&tree, node, BOUNCE_ERR_ARG, 0);
	expect_error(&tree, node, BOUNCE_ERR_RANGE, 1);
	begin(&tree);
	bus(&tree, "soc", 1);
	blob_cells(&tree.maker, "dma-ranges", 4, 0x8000, 0, 0, 0x1000);
	bus(&tree, "inner", 1);
	blob_cells(&tree.maker, "dma-ranges", 3, 0, 0, 0x8000);
	blob_node(&tree.maker, "dev");
	expect_error(&tree, end(&tree, 3, "/soc/inner/dev"),
		     BOUNCE_ERR_UNREACHABLE, 8);
	begin(&tree);
	bus(&tree, "soc", 1);
	blob_cells(&tree.maker, "dma-ranges", 4, 0, 0, 0, 0xfff);
	blob_node(&tree.maker, "dev");
	expect_error(&tree, end(&tree, 2, "/soc/dev"), BOUNCE_ERR_UNREACHABLE,
		     8);
}

/* Cells of #address-cells and #size-cells of the bus, then its ranges. */
Test(fdt_windows, ranges_that_are_not_what_the_cells_say_are_wrong)
{
	static const struct {
		const char *what;
		uint32_t address;
		uint32_t size;
		uint32_t count;
		uint32_t cells[8];
	} rows[] = {
		{ "one short", 1, 1, 3, { 0, 0, 0 } },
		{ "one too many", 1, 1, 5, { 0, 0, 0, 0x1000, 0 } },
		{ "no length", 1, 1, 4, { 0, 0, 0, 0 } },
		{ "wraps on the bus",
		  2,
		  1,
		  5,
		  { UINT32_MAX, 0xfffff000, 0, 0, 0x1001 } },
		{ "wraps in memory",
		  1,
		  1,
		  4,
		  { 0, UINT32_MAX, 0xfffff000, 0x1001 } },
		{ "address of no cell", 0, 1, 3, { 0, 0, 0x1000 } },
		{ "size of no cell", 1, 0, 3, { 0, 0, 0x1000 } },
		{ "address of four", 4, 1, 7, { 0, 0, 0, 0, 0, 0, 0x1000 } },
		{ "half an address of PCI", 3, 1, 2, { 0x02000000, 0 } },
		{ "of PCI nothing but the space", 3, 1, 1, { 0x02000000 } },
		{ "size of three", 1, 3, 6, { 0, 0, 0, 0, 0, 0x1000 } },
		{ "address of 2^32 - 1", UINT32_MAX, 1, 1, { 0 } },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		unsigned char value[32];
		struct tree tree;

		for (uint32_t c = 0; c < rows[i].count; c++)
			for (uint32_t b = 0; b < 4; b++)
				value[4 * c + b] =
					(unsigned char)(rows[i].cells[c] >>
							(24 - 8 * b));
		begin(&tree);
		blob_node(&tree.maker, "soc");
		blob_cells(&tree.maker, "#address-cells", 1, rows[i].address);
		blob_cells(&tree.maker, "#size-cells", 1, rows[i].size);
		blob_bytes(&tree.maker, "dma-ranges", value, 4 * rows[i].count);
		blob_node(&tree.maker, "dev");
		cr_log_info("%s", rows[i].what);
		expect_error(&tree, end(&tree, 2, "/soc/dev"), BOUNCE_ERR_ARG,
			     8);
	}
}

Test(fdt_windows, properties_that_are_not_whole_cells_are_wrong)
{
	static const char *const names[] = { "#address-cells", "#size-cells",
					     "dma-ranges" };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct tree tree;

		begin(&tree);
		blob_node(&tree.maker, "soc");
		blob_bytes(&tree.maker, names[i], "\0\0\0\1\0", 5);
		blob_cells(&tree.maker, "dma-ranges", 5, 0, 0, 0, 0, 0x1000);
		blob_node(&tree.maker, "dev");
		cr_log_info("%s", names[i]);
		expect_error(&tree, end(&tree, 2, "/soc/dev"), BOUNCE_ERR_ARG,
			     8);
	}
}

Test(fdt_windows, a_cell_count_is_one_cell)
{
	struct tree tree;

	begin(&tree);
	blob_node(&tree.maker, "soc");
	blob_cells(&tree.maker, "#address-cells", 2, 1, 1);
	blob_cells(&tree.maker, "dma-ranges", 5, 0, 0, 0, 0, 0x1000);
	blob_node(&tree.maker, "dev");
	expect_error(&tree, end(&tree, 2, "/soc/dev"), BOUNCE_ERR_ARG, 8);
}

/* The defaults are 2 and 1. */
Test(fdt_windows, cell_counts_that_are_absent_have_defaults)
{
	struct bounce_window window[8];
	struct tree tree;

	begin(&tree);
	blob_node(&tree.maker, "soc");
	blob_cells(&tree.maker, "dma-ranges", 5, 1, 0, 0, 0, 0x1000);
	blob_node(&tree.maker, "dev");
	expect_windows(&tree, end(&tree, 2, "/soc/dev"), 1, window);
	expect_window(&window[0], 4 * GIB, 0, 0x1000);
}
