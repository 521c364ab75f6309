/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * tree.c - what this guest asks of the flattened device tree that QEMU hands
 * over, through the library's reader.
 */
#include "tree.h"

/* More than QEMU's trees have, less than there is behind where it puts them. */
#define TREE_MOST (1u << 20)

static struct bounce_fdt tree;

uint32_t tree_cell(const unsigned char *bytes)
{
	return bounce_fdt_cell(bytes);
}

uint64_t tree_cells(const unsigned char *bytes)
{
	return (uint64_t)tree_cell(bytes) << 32 | tree_cell(bytes + 4);
}

bool tree_use(const unsigned char *blob)
{
	return bounce_fdt_open(&tree, blob, TREE_MOST) == BOUNCE_OK;
}

static bool begins_with(const char *text, const char *with)
{
	while (*with != '\0' && *text == *with) {
		text++;
		with++;
	}
	return *with == '\0';
}

uint32_t tree_boot_cpu(void)
{
	return bounce_fdt_boot_cpu(&tree);
}

/* The next node whose name begins with @name. */
static int32_t next_named(int32_t node, const char *name)
{
	do
		node = bounce_fdt_next(&tree, node);
	while (node != BOUNCE_FDT_NONE &&
	       !begins_with(bounce_fdt_name(&tree, node), name));
	return node;
}

const unsigned char *tree_nth_property(const char *node, uint32_t n,
				       const char *name, uint32_t *len)
{
	int32_t at = BOUNCE_FDT_NONE;

	while ((at = next_named(at, node)) != BOUNCE_FDT_NONE) {
		const void *value = bounce_fdt_property(&tree, at, name, len);

		if (value != NULL && n-- == 0)
			return value;
	}
	return NULL;
}

const unsigned char *tree_property(const char *node, const char *name,
				   uint32_t *len)
{
	return tree_nth_property(node, 0, name, len);
}

bool tree_nth_dma_window(const char *node, uint32_t n,
			 struct bounce_fdt_dma_window *window)
{
	int32_t at = next_named(BOUNCE_FDT_NONE, node);

	while (n-- > 0 && at != BOUNCE_FDT_NONE)
		at = next_named(at, node);
	return bounce_fdt_dma_window(&tree, at, 0, window) == BOUNCE_OK;
}
