/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_libfdt.c - libfdt and our own reader say the same of every node of a
 * tree, and of trees with one byte changed that both of them open.
 */
#include <bounce/libfdt.h>

#include "blobs.h"
#include "calls.h"

/* libfdt wants the blob aligned. */
struct pair {
	_Alignas(8) unsigned char blob[BLOB_BYTES];
	struct bounce_fdt own;
	struct bounce_fdt theirs;
};

static void expect_same_windows(const struct pair *pair, int32_t node)
{
	struct bounce_window own[8];
	struct bounce_window theirs[8];
	uint32_t own_count = 8;
	uint32_t their_count = 8;
	enum bounce_err err = bounce_fdt_windows(&pair->own, node, own,
						 &own_count);

	cr_assert_eq(bounce_fdt_windows(&pair->theirs, node, theirs,
					&their_count),
		     err);
	cr_assert_eq(own_count, their_count);
	if (err == BOUNCE_OK)
		cr_assert_eq(memcmp(own, theirs, own_count * sizeof(own[0])),
			     0);
}

static void expect_same_pool(const struct pair *pair, int32_t node)
{
	struct bounce_fdt_region own = { .len = 1 };
	struct bounce_fdt_region theirs = { .len = 1 };

	cr_assert_eq(bounce_fdt_pool(&pair->own, node, &own),
		     bounce_fdt_pool(&pair->theirs, node, &theirs));
	cr_assert_eq(own.gpa.v, theirs.gpa.v);
	cr_assert_eq(own.len, theirs.len);
}

static void expect_same_dma(const struct pair *pair, int32_t node)
{
	for (uint32_t n = 0; n < 3; n++) {
		struct bounce_fdt_dma_window own = { .len = 1 };
		struct bounce_fdt_dma_window theirs = { .len = 1 };

		cr_assert_eq(bounce_fdt_dma_window(&pair->own, node, n, &own),
			     bounce_fdt_dma_window(&pair->theirs, node, n,
						   &theirs));
		cr_assert_eq(memcmp(&own, &theirs, sizeof(own)), 0);
	}
}

/* Returns how many nodes there are. */
static uint32_t expect_same(const struct pair *pair)
{
	int32_t node = BOUNCE_FDT_NONE;
	uint32_t nodes = 0;

	while ((node = bounce_fdt_next(&pair->own, node)) >= 0) {
		cr_assert_str_eq(bounce_fdt_name(&pair->own, node),
				 bounce_fdt_name(&pair->theirs, node));
		cr_assert_eq(pair->own.reader->parent(&pair->own, node),
			     pair->theirs.reader->parent(&pair->theirs, node));
		cr_assert_eq(bounce_fdt_coherency(&pair->own, node),
			     bounce_fdt_coherency(&pair->theirs, node));
		expect_same_windows(pair, node);
		expect_same_pool(pair, node);
		expect_same_dma(pair, node);
		nodes++;
		cr_assert_eq(bounce_fdt_next(&pair->theirs, node),
			     bounce_fdt_next(&pair->own, node));
	}
	return nodes;
}

Test(libfdt, says_what_our_own_reader_says)
{
	static const char *const paths[] = {
		"/",	     "/soc/pcie@2000/virtio@1,0",
		"/soc/pcie", "/soc/no",
		"soc",	     "/vdevice/v-scsi"
	};
	struct pair pair;
	uint32_t size = blob_sample(pair.blob);

	cr_assert_eq(bounce_fdt_open(&pair.own, pair.blob, size), BOUNCE_OK);
	cr_assert_eq(bounce_libfdt_open(&pair.theirs, pair.blob, size),
		     BOUNCE_OK);
	cr_expect_eq(expect_same(&pair), 12);
	for (size_t i = 0; i < COUNT_OF(paths); i++)
		cr_expect_eq(bounce_fdt_find(&pair.own, paths[i]),
			     bounce_fdt_find(&pair.theirs, paths[i]), "%s",
			     paths[i]);
	cr_expect_eq(bounce_fdt_boot_cpu(&pair.theirs), 3);
}

Test(libfdt, agrees_on_every_tree_that_both_open)
{
	static const unsigned char values[] = { 0, 1, 3, 0x80, 0xff };
	struct pair pair;
	uint32_t size = blob_sample(pair.blob);
	uint32_t both = 0;

	for (uint32_t at = 0; at < size; at++) {
		unsigned char was = pair.blob[at];

		for (size_t i = 0; i < sizeof(values); i++) {
			pair.blob[at] = values[i];
			if (bounce_fdt_open(&pair.own, pair.blob, size) !=
				    BOUNCE_OK ||
			    bounce_libfdt_open(&pair.theirs, pair.blob, size) !=
				    BOUNCE_OK)
				continue;
			both++;
			(void)expect_same(&pair);
		}
		pair.blob[at] = was;
	}
	cr_expect_gt(both, 2 * size);
}

Test(libfdt, a_tree_that_is_none_is_refused)
{
	struct pair pair;
	uint32_t size = blob_sample(pair.blob);

	cr_expect_eq(bounce_libfdt_open(&pair.theirs, pair.blob, size - 1),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_libfdt_open(&pair.theirs, NULL, size),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_libfdt_open(NULL, pair.blob, size), BOUNCE_ERR_ARG);
}
