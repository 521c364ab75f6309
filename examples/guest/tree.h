/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * tree.h - the flattened device tree that QEMU hands to guests of POWER and
 * Arm: what they ask of it.
 */
#ifndef TREE_H
#define TREE_H

#include "guest.h"

/* tree_use() - check a tree, and use it; false when it is none. */
bool tree_use(const unsigned char *tree);

/*
 * tree_property() - the bytes of a property of the first node whose name
 * begins with @node and that has it; NULL when there is none.
 */
const unsigned char *tree_property(const char *node, const char *name,
				   uint32_t *len);

/* The same for the (@n + 1)-th of such nodes. */
const unsigned char *tree_nth_property(const char *node, uint32_t n,
				       const char *name, uint32_t *len);

/* tree_nth_dma_window() - `ibm,dma-window` of the (@n + 1)-th such node. */
bool tree_nth_dma_window(const char *node, uint32_t n,
			 struct bounce_fdt_dma_window *window);

/* tree_boot_cpu() - `reg` of the CPU that booted. */
uint32_t tree_boot_cpu(void);

/* Cells: big-endian words. */
uint32_t tree_cell(const unsigned char *bytes);
uint64_t tree_cells(const unsigned char *bytes);

#endif
