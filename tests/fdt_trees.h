/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fdt_trees.h - small device trees, for Criterion tests.
 */
#ifndef TESTS_FDT_TREES_H
#define TESTS_FDT_TREES_H

#include "blobs.h"
#include "calls.h"

#define MIB UINT64_C(0x100000)
#define GIB UINT64_C(0x40000000)

/* A tree under construction, and opened. */
struct tree {
	struct blob_maker maker;
	unsigned char blob[BLOB_BYTES];
	struct bounce_fdt fdt;
};

static inline void begin(struct tree *tree)
{
	blob_start(&tree->maker);
	blob_node(&tree->maker, "");
	blob_cells(&tree->maker, "#address-cells", 1, 2);
	blob_cells(&tree->maker, "#size-cells", 1, 2);
}

/* A bus with 1 or 2 cells for each address, and as many for a size. */
static inline void bus(struct tree *tree, const char *name, uint32_t cells)
{
	blob_node(&tree->maker, name);
	blob_cells(&tree->maker, "#address-cells", 1, cells);
	blob_cells(&tree->maker, "#size-cells", 1, cells < 2 ? cells : 2);
}

/* Close @open nodes and the root; returns the node of @path. */
static inline int32_t end(struct tree *tree, uint32_t open, const char *path)
{
	uint32_t size;
	int32_t node;

	for (uint32_t i = 0; i <= open; i++)
		blob_close(&tree->maker);
	size = blob_finish(&tree->maker, tree->blob);
	cr_assert_eq(bounce_fdt_open(&tree->fdt, tree->blob, size), BOUNCE_OK);
	node = bounce_fdt_find(&tree->fdt, path);
	cr_assert_geq(node, 0, "%s", path);
	return node;
}

#endif
