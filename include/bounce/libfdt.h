/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * libfdt.h - read device trees with libfdt, where a program links it anyway.
 *
 * For programs alone: the library knows nothing of it. What bounce/fdt.h says
 * holds for such a tree, too, as far as libfdt keeps it. libfdt wants a tree
 * that is aligned to 8 bytes.
 */
#ifndef BOUNCE_LIBFDT_H
#define BOUNCE_LIBFDT_H

#include <bounce/fdt.h>
#include <libfdt.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline const void *bounce_libfdt_property(const struct bounce_fdt *fdt,
						 int32_t node, const char *name,
						 uint32_t *len)
{
	int bytes = 0;
	const void *value = fdt_getprop(fdt->blob, node, name, &bytes);

	if (value != NULL)
		*len = (uint32_t)bytes;
	return value;
}

static inline const char *bounce_libfdt_name(const struct bounce_fdt *fdt,
					     int32_t node)
{
	return fdt_get_name(fdt->blob, node, NULL);
}

static inline int32_t bounce_libfdt_parent(const struct bounce_fdt *fdt,
					   int32_t node)
{
	int parent = fdt_parent_offset(fdt->blob, node);

	return parent < 0 ? BOUNCE_FDT_NONE : parent;
}

static inline int32_t bounce_libfdt_next(const struct bounce_fdt *fdt,
					 int32_t node)
{
	int next = fdt_next_node(fdt->blob, node, NULL);

	return next < 0 ? BOUNCE_FDT_NONE : next;
}

static inline int32_t bounce_libfdt_phandle(const struct bounce_fdt *fdt,
					    uint32_t phandle)
{
	int node = fdt_node_offset_by_phandle(fdt->blob, phandle);

	return node < 0 ? BOUNCE_FDT_NONE : node;
}

static inline int32_t bounce_libfdt_find(const struct bounce_fdt *fdt,
					 const char *path)
{
	int node = fdt_path_offset(fdt->blob, path);

	return node < 0 || *path != '/' ? BOUNCE_FDT_NONE : node;
}

/**
 * bounce_libfdt_open() - bounce_fdt_open(), with libfdt as the reader.
 *
 * @fdt: written on success only.
 * @blob: the tree; aligned to 8 bytes; outlives @fdt.
 * @size: bytes that may be read.
 *
 * Context: any; pure. Cost: one pass over the tree.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG  a pointer is NULL, or libfdt finds something wrong.
 */
static inline enum bounce_err bounce_libfdt_open(struct bounce_fdt *fdt,
						 const void *blob, size_t size)
{
	static const struct bounce_fdt_reader reader = {
		bounce_libfdt_property, bounce_libfdt_name,
		bounce_libfdt_parent,	bounce_libfdt_next,
		bounce_libfdt_phandle,	bounce_libfdt_find,
	};
	const struct bounce_fdt open = { &reader, blob, 0, 0, 0, 0 };

	if (fdt == NULL || blob == NULL || fdt_check_full(blob, size) != 0)
		return BOUNCE_ERR_ARG;
	*fdt = open;
	return BOUNCE_OK;
}

#ifdef __cplusplus
}
#endif

#endif
