/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_fdt_guard.c - trees that are cut off, torn or hostile (F1), behind which
 * a page lies that nobody may touch: one byte read too many is a crash.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "blobs.h"
#include "calls.h"

/* A copy that ends where the next page must not be read. */
struct guarded {
	unsigned char *pages;
	size_t bytes;
	unsigned char *blob;
};

static struct guarded guard(const void *blob, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct guarded g = { .bytes = BLOB_BYTES + page };

	g.pages = mmap(NULL, g.bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq((void *)g.pages, MAP_FAILED);
	cr_assert_eq(mprotect(g.pages + BLOB_BYTES, page, PROT_NONE), 0);
	g.blob = g.pages + BLOB_BYTES - size;
	memcpy(g.blob, blob, size);
	return g;
}

static void unguard(struct guarded *g)
{
	cr_assert_eq(munmap(g->pages, g->bytes), 0);
}

Test(fdt_open, a_tree_that_is_cut_off_anywhere_is_refused)
{
	unsigned char blob[BLOB_BYTES];
	uint32_t size = blob_sample(blob);
	struct bounce_fdt fdt;

	for (uint32_t cut = 0; cut < size; cut++) {
		struct guarded g = guard(blob, cut);

		cr_expect_eq(bounce_fdt_open(&fdt, g.blob, cut), BOUNCE_ERR_ARG,
			     "%u", cut);
		/* The header agrees: then its blocks do not. */
		if (cut >= 8) {
			for (uint32_t b = 0; b < 4; b++)
				g.blob[4 + b] = (unsigned char)(cut >>
								(24 - 8 * b));
			cr_expect_eq(bounce_fdt_open(&fdt, g.blob, cut),
				     BOUNCE_ERR_ARG, "%u", cut);
		}
		unguard(&g);
	}
}

/* Rows of raw cells, ended by END where they do not say otherwise. */
Test(fdt_open, tokens_that_do_not_nest_are_refused)
{
	static const struct {
		const char *what;
		uint32_t count;
		uint32_t cells[10];
		enum bounce_err err;
	} rows[] = {
		{ "one node", 3, { 1, 0, 2 }, BOUNCE_OK },
		{ "NOPs", 6, { 4, 1, 0, 4, 2, 4 }, BOUNCE_OK },
		{ "no node", 0, { 0 }, BOUNCE_ERR_ARG },
		{ "only NOPs", 2, { 4, 4 }, BOUNCE_ERR_ARG },
		{ "not closed", 2, { 1, 0 }, BOUNCE_ERR_ARG },
		{ "closed twice", 4, { 1, 0, 2, 2 }, BOUNCE_ERR_ARG },
		{ "closed first", 3, { 2, 1, 0 }, BOUNCE_ERR_ARG },
		{ "two roots", 6, { 1, 0, 2, 1, 0, 2 }, BOUNCE_ERR_ARG },
		{ "unknown", 4, { 1, 0, 5, 2 }, BOUNCE_ERR_ARG },
		{ "zero", 4, { 1, 0, 0, 2 }, BOUNCE_ERR_ARG },
		{ "property", 6, { 1, 0, 3, 0, 0, 2 }, BOUNCE_OK },
		{ "before the root", 6, { 3, 0, 0, 1, 0, 2 }, BOUNCE_ERR_ARG },
		{ "after the root", 6, { 1, 0, 2, 3, 0, 0 }, BOUNCE_ERR_ARG },
		{ "after a child",
		  9,
		  { 1, 0, 1, 0, 2, 3, 0, 0, 2 },
		  BOUNCE_ERR_ARG },
		{ "its name outside", 6, { 1, 0, 3, 0, 2, 2 }, BOUNCE_ERR_ARG },
		{ "its name far outside",
		  6,
		  { 1, 0, 3, 0, UINT32_MAX, 2 },
		  BOUNCE_ERR_ARG },
		{ "a value to the end",
		  6,
		  { 1, 0, 3, 12, 0, 2 },
		  BOUNCE_ERR_ARG },
		{ "a value over it",
		  6,
		  { 1, 0, 3, UINT32_MAX, 0, 2 },
		  BOUNCE_ERR_ARG },
		{ "a value that wraps",
		  6,
		  { 1, 0, 3, UINT32_MAX - 7, 0, 2 },
		  BOUNCE_ERR_ARG },
		{ "END inside", 4, { 1, 0, 9, 2 }, BOUNCE_ERR_ARG },
		{ "a node without a name's end",
		  3,
		  { 1, 0x61616161, 0x61616161 },
		  BOUNCE_ERR_ARG },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct blob_maker maker;
		unsigned char blob[BLOB_BYTES];
		struct bounce_fdt fdt;
		struct guarded g;
		uint32_t size;

		blob_start(&maker);
		maker.strings[0] = 'x';
		maker.strings[1] = 0;
		maker.strings_bytes = 2;
		for (uint32_t c = 0; c < rows[i].count; c++)
			blob_raw(&maker, rows[i].cells[c]);
		size = blob_finish(&maker, blob);
		g = guard(blob, size);
		cr_expect_eq(bounce_fdt_open(&fdt, g.blob, size), rows[i].err,
			     "%s", rows[i].what);
		unguard(&g);
	}
}

/* ---- hostile (F1): each byte of a good tree, several values ---- */

Test(fdt_hostile, no_byte_that_is_changed_makes_anything_read_outside)
{
	static const unsigned char values[] = { 0, 1, 3, 9, 0x7f, 0x80, 0xff };
	unsigned char blob[BLOB_BYTES];
	uint32_t size = blob_sample(blob);
	struct guarded g = guard(blob, size);
	uint32_t opened = 0;

	cr_assert_eq(blob_ask(g.blob, size), 12);
	for (uint32_t at = 0; at < size; at++) {
		unsigned char was = g.blob[at];

		for (size_t i = 0; i < sizeof(values); i++) {
			g.blob[at] = values[i];
			opened += blob_ask(g.blob, size) != 0;
		}
		g.blob[at] = was ^ 1;
		opened += blob_ask(g.blob, size) != 0;
		g.blob[at] = was;
	}
	/* Most of a tree is values and names: it stays one. */
	cr_expect_gt(opened, 4 * size);
	cr_expect_lt(opened, 8 * size);
	unguard(&g);
}

/* F1 does not lean on open: what changes afterwards is not believed either. */
Test(fdt_hostile, a_tree_that_changes_after_it_was_opened_is_read_inside_only)
{
	unsigned char blob[BLOB_BYTES];
	uint32_t size = blob_sample(blob);
	struct guarded g = guard(blob, size);
	struct bounce_fdt fdt;

	cr_assert_eq(bounce_fdt_open(&fdt, g.blob, size), BOUNCE_OK);
	for (uint32_t at = 0; at < size; at++)
		for (uint32_t i = 0; i < 3; i++) {
			static const unsigned char values[] = { 0, 3, 0xff };
			struct bounce_fdt_region region;
			int32_t node = BOUNCE_FDT_NONE;
			struct bounce_window window[4];

			g.blob[at] = values[i];
			while ((node = bounce_fdt_next(&fdt, node)) >= 0) {
				uint32_t count = 4;

				(void)!bounce_fdt_windows(&fdt, node, window,
							  &count);
				(void)!bounce_fdt_pool(&fdt, node, &region);
			}
			g.blob[at] = blob[at];
		}
	unguard(&g);
}
