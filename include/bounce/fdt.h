/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fdt.h - what a flattened device tree says of DMA: windows, coherency,
 * restricted pools.
 *
 * The tree may come from the host: nothing in it is believed. Every offset is
 * checked before it is followed, every call has a bound on its steps that the
 * tree's size sets, and a tree that is wrong gives an error, never an access
 * outside of it. It must be in private memory, and not change meanwhile.
 *
 * bounce_fdt_open() uses the library's own reader. A program that links libfdt
 * may use that: bounce/libfdt.h.
 */
#ifndef BOUNCE_FDT_H
#define BOUNCE_FDT_H

#include <bounce/space.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BOUNCE_FDT_DEPTH 32u /* nodes inside each other, at most */
#define BOUNCE_FDT_NAME 256u /* bytes of a property's name, with its end */
#define BOUNCE_FDT_REGIONS 16u /* entries of memory-region that are read */

/* No such node. */
#define BOUNCE_FDT_NONE (-1)

/* A node is a number that the reader gives it; the root's is 0 or above. */
struct bounce_fdt;

/*
 * A reader. Each hook is given a tree that was opened and a node that a hook
 * of the same reader returned. None of them may read outside of the tree.
 */
struct bounce_fdt_reader {
	/* The value of a property and its bytes, or NULL. */
	const void *(*property)(const struct bounce_fdt *fdt, int32_t node,
				const char *name, uint32_t *len);
	/* The name of a node, "" for the root; NULL: no such node. */
	const char *(*name)(const struct bounce_fdt *fdt, int32_t node);
	/* The node around it; BOUNCE_FDT_NONE for the root. */
	int32_t (*parent)(const struct bounce_fdt *fdt, int32_t node);
	/* The next node of all, parents before children; NONE begins. */
	int32_t (*next)(const struct bounce_fdt *fdt, int32_t node);
	/* The node that has this phandle. */
	int32_t (*phandle)(const struct bounce_fdt *fdt, uint32_t phandle);
	/* The node of a path: bounce_fdt_find(). */
	int32_t (*find)(const struct bounce_fdt *fdt, const char *path);
};

/* An open tree; the caller's, copied freely. Its fields are the reader's. */
struct bounce_fdt {
	const struct bounce_fdt_reader *reader;
	const void *blob;
	uint32_t structure; /* offset and bytes of the two blocks */
	uint32_t structure_bytes;
	uint32_t strings;
	uint32_t strings_bytes;
};

/* Is DMA snooped? */
enum bounce_fdt_coherency {
	BOUNCE_FDT_UNSAID = 0, /* the platform's default */
	BOUNCE_FDT_COHERENT = 1,
	BOUNCE_FDT_NONCOHERENT = 2,
};

/* A restricted pool; len 0: none was asked for. */
struct bounce_fdt_region {
	bounce_gpa_t gpa;
	uint64_t len; /* bytes */
};

/* A window of a POWER host bridge or virtual device. */
struct bounce_fdt_dma_window {
	uint64_t bus; /* first bus address */
	uint64_t len; /* bytes */
	uint32_t liobn; /* what the hypervisor calls it by */
	uint32_t reserved; /* zero */
};

/**
 * bounce_fdt_open() - check a tree once, all of it.
 *
 * @fdt: written on success only.
 * @blob: the tree; any alignment; outlives @fdt.
 * @size: bytes that may be read; the tree may be shorter.
 *
 * Context: any; pure. Cost: one pass over the tree.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG    a pointer is NULL, or this is no tree of version 17, or
 *                     a part of it lies outside, is not closed, or nests
 *                     wrongly.
 *   BOUNCE_ERR_RANGE  it nests deeper than BOUNCE_FDT_DEPTH.
 *
 * Source: Devicetree Specification 0.4, chapter 5.
 */
enum bounce_err bounce_fdt_open(struct bounce_fdt *fdt, const void *blob,
				size_t size) BOUNCE_MUST_CHECK;

/**
 * bounce_fdt_property() - the value of a property.
 *
 * @fdt: an open tree.
 * @node: the node.
 * @name: of the property.
 * @len: written on success only: bytes of the value, which may be 0.
 *
 * Context: any; pure.
 *
 * Return: the value, inside the tree, big-endian, of any alignment; NULL:
 * there is no such property.
 */
const void *bounce_fdt_property(const struct bounce_fdt *fdt, int32_t node,
				const char *name, uint32_t *len);

/**
 * bounce_fdt_cell() - a cell of a value.
 *
 * @value: 4 bytes, big-endian, of any alignment.
 *
 * Context: any; pure.
 *
 * Return: the number.
 */
uint32_t bounce_fdt_cell(const void *value);

/**
 * bounce_fdt_next() - go through all nodes, parents before children.
 *
 * @fdt: an open tree.
 * @node: the last one, or BOUNCE_FDT_NONE to begin.
 *
 * Context: any; pure.
 *
 * Return: the next one, or BOUNCE_FDT_NONE.
 */
int32_t bounce_fdt_next(const struct bounce_fdt *fdt, int32_t node);

/**
 * bounce_fdt_name() - the name of a node, with its address.
 *
 * @fdt: an open tree.
 * @node: the node.
 *
 * Context: any; pure.
 *
 * Return: text inside the tree, "" for the root; NULL: no such node.
 */
const char *bounce_fdt_name(const struct bounce_fdt *fdt, int32_t node);

/**
 * bounce_fdt_boot_cpu() - the processor that boots, of a tree's header.
 *
 * @fdt: an open tree.
 *
 * Context: any; pure.
 *
 * Return: its physical ID.
 */
uint32_t bounce_fdt_boot_cpu(const struct bounce_fdt *fdt);

/**
 * bounce_fdt_find() - a node by its path.
 *
 * @fdt: an open tree.
 * @path: begins with a slash; a part without an address finds the first node
 *        of that name, whatever its address.
 *
 * Context: any; pure. Cost: one pass over the tree.
 *
 * Return: the node, or BOUNCE_FDT_NONE.
 */
int32_t bounce_fdt_find(const struct bounce_fdt *fdt, const char *path);

/**
 * bounce_fdt_windows() - through which windows a device sees memory.
 *
 * Goes through the `dma-ranges` of all buses above the device. A bus without
 * the property, or with an empty one, changes nothing. Banks that follow one
 * another stay windows of their own; parts of slots at the ends are left out.
 *
 * @fdt: an open tree.
 * @node: the device.
 * @window: written: room for @count, none of them with a flag. Hand each to
 *          bounce_space_add_window(). On an error it holds nothing of use.
 * @count: room at @window, 1 ..; written on success only: how many there are.
 *
 * Context: any; pure.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG          no room, or a property is not what it should be.
 *   BOUNCE_ERR_RANGE        more windows than @count.
 *   BOUNCE_ERR_UNREACHABLE  the buses leave it no memory.
 *
 * Source: Devicetree Specification 0.4, 2.3.9.
 */
enum bounce_err bounce_fdt_windows(const struct bounce_fdt *fdt, int32_t node,
				   struct bounce_window *window,
				   uint32_t *count) BOUNCE_MUST_CHECK;

/**
 * bounce_fdt_coherency() - do caches see the device's DMA?
 *
 * `dma-coherent` or `dma-noncoherent` of the device, or of the nearest bus
 * above that has one.
 *
 * @fdt: an open tree.
 * @node: the device.
 *
 * Context: any; pure.
 *
 * Return: enum bounce_fdt_coherency.
 *
 * Source: Devicetree Specification 0.4, 2.3.10 and 2.3.11.
 */
enum bounce_fdt_coherency bounce_fdt_coherency(const struct bounce_fdt *fdt,
					       int32_t node) BOUNCE_MUST_CHECK;

/**
 * bounce_fdt_pool() - the restricted pool that a device must use.
 *
 * The first entry of its `memory-region` that is a `restricted-dma-pool` and
 * not disabled. On any error the device asked for a pool and cannot have it:
 * attach it with BOUNCE_DEVICE_POOL_FAILED, so that it is refused.
 *
 * @fdt: an open tree.
 * @node: the device.
 * @region: written on success only; len 0 when it asks for none.
 *
 * Context: any; pure.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG          a region that is not there or not below
 *                           /reserved-memory, a property that is wrong or may
 *                           not be with such a pool, more than
 *                           BOUNCE_FDT_REGIONS.
 *   BOUNCE_ERR_UNREACHABLE  it has a size, and no address yet.
 *
 * Source: restricted-dma-pool, swiotlb; docs/design.md 6.
 */
enum bounce_err bounce_fdt_pool(const struct bounce_fdt *fdt, int32_t node,
				struct bounce_fdt_region *region)
	BOUNCE_MUST_CHECK;

/**
 * bounce_fdt_dma_window() - the window of a POWER host bridge or device.
 *
 * The n-th entry of the node's `ibm,my-dma-window`; or, when it has none, the
 * `ibm,dma-window` of the node or the nearest one above.
 *
 * @fdt: an open tree.
 * @node: the host bridge, or a device.
 * @n: 0 ..; only `ibm,my-dma-window` has more than one.
 * @window: written on success only.
 *
 * Context: any; pure.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG          the property is not what it should be.
 *   BOUNCE_ERR_UNREACHABLE  there is none.
 *
 * Source: LoPAR 1.1.
 */
enum bounce_err bounce_fdt_dma_window(const struct bounce_fdt *fdt,
				      int32_t node, uint32_t n,
				      struct bounce_fdt_dma_window *window)
	BOUNCE_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
