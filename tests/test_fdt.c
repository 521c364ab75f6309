/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_fdt.c - reading a device tree: nodes, properties, paths; and what is no
 * tree. What it says of DMA: test_fdt_dma.c; hostile ones: test_fdt_guard.c.
 */
#include "blobs.h"
#include "calls.h"

static struct bounce_fdt open_ok(const unsigned char *blob, size_t size)
{
	struct bounce_fdt fdt;

	cr_assert_eq(bounce_fdt_open(&fdt, blob, size), BOUNCE_OK);
	return fdt;
}

static int32_t find_ok(const struct bounce_fdt *fdt, const char *path)
{
	int32_t node = bounce_fdt_find(fdt, path);

	cr_assert_geq(node, 0, "%s", path);
	return node;
}

/* ---- what is there ---- */

Test(fdt, all_nodes_are_met_once_parents_before_children)
{
	static const char *const names[] = {
		"",
		"reserved-memory",
		"pool@90000000",
		"later",
		"soc",
		"ethernet@1000",
		"pcie@2000",
		"virtio@1,0",
		"pci@800000020000000",
		"scsi@1",
		"vdevice",
		"v-scsi@71000002",
	};
	unsigned char blob[BLOB_BYTES];
	struct bounce_fdt fdt = open_ok(blob, blob_sample(blob));
	int32_t node = BOUNCE_FDT_NONE;

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		node = bounce_fdt_next(&fdt, node);
		cr_assert_geq(node, 0);
		cr_expect_str_eq(bounce_fdt_name(&fdt, node), names[i]);
	}
	cr_expect_eq(bounce_fdt_next(&fdt, node), BOUNCE_FDT_NONE);
	cr_expect_eq(bounce_fdt_boot_cpu(&fdt), 3);
}

Test(fdt, a_property_is_its_own_nodes_alone)
{
	unsigned char blob[BLOB_BYTES];
	struct bounce_fdt fdt = open_ok(blob, blob_sample(blob));
	int32_t soc = find_ok(&fdt, "/soc");
	const void *value;
	uint32_t len = 77;

	value = bounce_fdt_property(&fdt, soc, "#address-cells", &len);
	cr_assert_not_null(value);
	cr_expect_eq(len, 4);
	cr_expect_eq(bounce_fdt_cell(value), 1);
	cr_expect_not_null(
		bounce_fdt_property(&fdt, soc, "dma-coherent", &len));
	cr_expect_eq(len, 0);
	len = 77;
	cr_expect_null(bounce_fdt_property(&fdt, soc, "memory-region", &len),
		       "a child's");
	cr_expect_null(bounce_fdt_property(&fdt, soc, "dma-range", &len),
		       "a beginning");
	cr_expect_null(bounce_fdt_property(&fdt, soc, "dma-ranges2", &len),
		       "more than that");
	cr_expect_null(bounce_fdt_property(&fdt, soc, "", &len));
	cr_expect_eq(len, 77);
}

Test(fdt, a_path_finds_a_node_with_or_without_its_address)
{
	unsigned char blob[BLOB_BYTES];
	struct bounce_fdt fdt = open_ok(blob, blob_sample(blob));
	int32_t virtio = find_ok(&fdt, "/soc/pcie@2000/virtio@1,0");

	cr_expect_str_eq(bounce_fdt_name(&fdt, virtio), "virtio@1,0");
	cr_expect_eq(find_ok(&fdt, "/soc/pcie/virtio"), virtio);
	cr_expect_str_eq(bounce_fdt_name(&fdt, find_ok(&fdt, "/")), "");
	cr_expect_eq(bounce_fdt_find(&fdt, "/soc/pcie@2/virtio"), -1);
	cr_expect_eq(bounce_fdt_find(&fdt, "/soc/pcie@/virtio"), -1);
	cr_expect_eq(bounce_fdt_find(&fdt, "/soc/virtio"), -1, "a grandchild");
	cr_expect_eq(bounce_fdt_find(&fdt, "/pcie@2000"), -1);
	cr_expect_eq(bounce_fdt_find(&fdt, "/so"), -1);
	cr_expect_eq(bounce_fdt_find(&fdt, "/soc2"), -1);
	cr_expect_eq(bounce_fdt_find(&fdt, "soc"), -1);
	cr_expect_eq(bounce_fdt_find(&fdt, ""), -1);
	/* Not behind a sibling that has it. */
	cr_expect_eq(bounce_fdt_find(&fdt, "/reserved-memory/scsi@1"), -1);
}

Test(fdt, what_is_no_node_has_nothing)
{
	static const int32_t odd[] = { -1, -2,	       1,	  2,
				       3,  0x7ffffffc, INT32_MAX, INT32_MIN };
	unsigned char blob[BLOB_BYTES];
	struct bounce_fdt fdt = open_ok(blob, blob_sample(blob));
	uint32_t len;

	for (size_t i = 0; i < COUNT_OF(odd); i++) {
		cr_expect_null(bounce_fdt_name(&fdt, odd[i]), "%d", odd[i]);
		cr_expect_null(
			bounce_fdt_property(&fdt, odd[i], "#size-cells", &len));
		cr_expect_eq(fdt.reader->parent(&fdt, odd[i]), BOUNCE_FDT_NONE);
		cr_expect(odd[i] == -1 ||
			  bounce_fdt_next(&fdt, odd[i]) == BOUNCE_FDT_NONE);
	}
}

Test(fdt, the_blob_may_have_any_alignment)
{
	unsigned char blob[BLOB_BYTES];
	unsigned char moved[BLOB_BYTES + 8];
	uint32_t size = blob_sample(blob);

	for (uint32_t by = 0; by < 8; by++) {
		memcpy(moved + by, blob, size);
		cr_expect_eq(blob_ask(moved + by, size), 12, "by %u", by);
	}
}

/* ---- what is no tree ---- */

Test(fdt_open, a_wrong_header_is_refused)
{
	static const struct {
		uint32_t field; /* byte offset */
		uint32_t value;
	} bad[] = {
		{ 0, 0xedfe0dd0 },  { 4, 39 },		{ 4, BLOB_BYTES + 1 },
		{ 4, 0 },	    { 4, UINT32_MAX },	{ 8, 57 },
		{ 8, UINT32_MAX },  { 8, 0xfffffffc },	{ 8, BLOB_BYTES },
		{ 12, UINT32_MAX }, { 12, BLOB_BYTES }, { 20, 16 },
		{ 20, 0 },	    { 24, 18 },		{ 32, UINT32_MAX },
		{ 32, 0x80000000 }, { 36, UINT32_MAX }, { 36, 0x80000000 },
		{ 36, 0 },	    { 36, 3 },		{ 32, 0 },
	};
	unsigned char blob[BLOB_BYTES];
	struct bounce_fdt fdt = { .structure = 5 };

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		uint32_t size = blob_sample(blob);

		for (uint32_t b = 0; b < 4; b++)
			blob[bad[i].field + b] = (unsigned char)(bad[i].value >>
								 (24 - 8 * b));
		cr_expect_eq(bounce_fdt_open(&fdt, blob, size), BOUNCE_ERR_ARG,
			     "%u: %#x", bad[i].field, bad[i].value);
	}
	cr_expect_eq(bounce_fdt_open(NULL, blob, BLOB_BYTES), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_fdt_open(&fdt, NULL, BLOB_BYTES), BOUNCE_ERR_ARG);
	cr_expect_eq(fdt.structure, 5);
}

/* Nodes inside each other, and a name of a property of @name bytes. */
static enum bounce_err open_deep(uint32_t depth, uint32_t name)
{
	struct blob_maker maker;
	unsigned char blob[BLOB_BYTES];
	char text[2 * BOUNCE_FDT_NAME] = { 0 };
	struct bounce_fdt fdt;

	memset(text, 'n', name);
	blob_start(&maker);
	for (uint32_t i = 0; i < depth; i++) {
		blob_node(&maker, i == 0 ? "" : "n");
		blob_flag(&maker, text);
	}
	for (uint32_t i = 0; i < depth; i++)
		blob_close(&maker);
	return bounce_fdt_open(&fdt, blob, blob_finish(&maker, blob));
}

Test(fdt_open, too_deep_is_out_of_range_and_a_name_too_long_is_wrong)
{
	cr_expect_eq(open_deep(BOUNCE_FDT_DEPTH, 4), BOUNCE_OK);
	cr_expect_eq(open_deep(BOUNCE_FDT_DEPTH + 1, 4), BOUNCE_ERR_RANGE);
	cr_expect_eq(open_deep(2, BOUNCE_FDT_NAME - 1), BOUNCE_OK);
	cr_expect_eq(open_deep(2, BOUNCE_FDT_NAME), BOUNCE_ERR_ARG);
}
