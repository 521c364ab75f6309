/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * regions.c - put memory back; see regions.h. Kept memory is small and comes
 * back whole; an arena is large, and comes back by the pages that were written.
 */
#include "regions.h"

#include <stdlib.h>
#include <string.h>

#define REGIONS 8u
#define PAGE_SHIFT 12
#define PAGES 2048u /* of an arena */
#define WORD_SHIFT 3 /* cells of kept memory */
#define LINE_SHIFT 6 /* of an arena */

struct region {
	unsigned char *memory;
	size_t len;
	unsigned char *saved;
	bool arena;
	uint32_t dirty_count;
	uint16_t dirty[PAGES]; /* pages */
	bool is_dirty[PAGES];
};

static struct region region[REGIONS];
static unsigned regions;

static void add(void *memory, size_t len, bool arena)
{
	struct region *r = &region[regions];

	if (regions == REGIONS || (arena && len > PAGES << PAGE_SHIFT))
		abort();
	regions++;
	memset(r, 0, sizeof(*r));
	r->memory = memory;
	r->len = len;
	r->arena = arena;
}

void explorer_keep(void *memory, size_t len)
{
	add(memory, len, false);
}

void explorer_arena(void *memory, size_t len)
{
	add(memory, len, true);
}

void regions_forget(void)
{
	while (regions > 0)
		free(region[--regions].saved);
}

void regions_save(void)
{
	for (unsigned i = 0; i < regions; i++) {
		struct region *r = &region[i];

		r->saved = malloc(r->len);
		if (r->saved == NULL)
			abort();
		memcpy(r->saved, r->memory, r->len);
		memset(r->is_dirty, 0, sizeof(r->is_dirty));
		r->dirty_count = 0;
	}
}

static void restore_arena(struct region *r)
{
	for (uint32_t i = 0; i < r->dirty_count; i++) {
		size_t at = (size_t)r->dirty[i] << PAGE_SHIFT;

		memcpy(r->memory + at, r->saved + at, 1u << PAGE_SHIFT);
		r->is_dirty[r->dirty[i]] = false;
	}
	r->dirty_count = 0;
}

void regions_restore(void)
{
	for (unsigned i = 0; i < regions; i++) {
		if (region[i].arena)
			restore_arena(&region[i]);
		else
			memcpy(region[i].memory, region[i].saved,
			       region[i].len);
	}
}

static struct region *find(const void *p)
{
	for (unsigned i = 0; i < regions; i++)
		if ((uintptr_t)p - (uintptr_t)region[i].memory < region[i].len)
			return &region[i];
	return NULL;
}

bool regions_find(const void *p, unsigned *shift)
{
	const struct region *r = find(p);

	if (r == NULL)
		return false;
	*shift = r->arena ? LINE_SHIFT : WORD_SHIFT;
	return true;
}

void regions_dirty(const void *p, size_t len)
{
	struct region *r = find(p);
	size_t first;
	size_t last;

	if (r == NULL || !r->arena || len == 0)
		return;
	first = (size_t)((const unsigned char *)p - r->memory);
	last = (first + len - 1) >> PAGE_SHIFT;
	for (size_t page = first >> PAGE_SHIFT; page <= last; page++) {
		if (r->is_dirty[page])
			continue;
		r->is_dirty[page] = true;
		r->dirty[r->dirty_count++] = (uint16_t)page;
	}
}
