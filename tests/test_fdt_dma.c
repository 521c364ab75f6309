/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_fdt_dma.c - what a device tree says of coherency, restricted pools and
 * the windows of POWER; and what the library does with it all.
 */
#include "fdt_trees.h"

/* ---- coherency ---- */

Test(fdt_coherency, is_the_devices_or_the_nearest_bus_that_says)
{
	struct tree tree;
	int32_t node;

	begin(&tree);
	bus(&tree, "soc", 1);
	blob_flag(&tree.maker, "dma-coherent");
	bus(&tree, "inner", 1);
	blob_flag(&tree.maker, "dma-noncoherent");
	blob_node(&tree.maker, "dev");
	node = end(&tree, 3, "/soc/inner/dev");
	cr_expect_eq(bounce_fdt_coherency(&tree.fdt, node),
		     BOUNCE_FDT_NONCOHERENT);
	node = bounce_fdt_find(&tree.fdt, "/soc");
	cr_expect_eq(bounce_fdt_coherency(&tree.fdt, node),
		     BOUNCE_FDT_COHERENT);
	node = bounce_fdt_find(&tree.fdt, "/");
	cr_expect_eq(bounce_fdt_coherency(&tree.fdt, node), BOUNCE_FDT_UNSAID);
}

/* ---- restricted pools ---- */

/* /reserved-memory with one region, that a device names by phandle 1. */
static void region(struct tree *tree, const char *compatible)
{
	begin(tree);
	bus(tree, "reserved-memory", 2);
	blob_node(&tree->maker, "pool");
	blob_bytes(&tree->maker, "compatible", compatible,
		   (uint32_t)strlen(compatible) + 1);
	blob_cells(&tree->maker, "phandle", 1, 1);
}

static enum bounce_err pool_of(struct tree *tree, uint32_t open,
			       struct bounce_fdt_region *found)
{
	for (uint32_t i = 0; i < open; i++)
		blob_close(&tree->maker);
	blob_node(&tree->maker, "dev");
	blob_cells(&tree->maker, "memory-region", 1, 1);
	return bounce_fdt_pool(&tree->fdt, end(tree, 1, "/dev"), found);
}

Test(fdt_pool, is_the_region_that_the_device_names)
{
	unsigned char blob[BLOB_BYTES];
	struct bounce_fdt_region found = { .len = 5 };
	struct bounce_fdt fdt;
	uint32_t size = blob_sample(blob);

	cr_assert_eq(bounce_fdt_open(&fdt, blob, size), BOUNCE_OK);
	cr_assert_eq(bounce_fdt_pool(&fdt, bounce_fdt_find(&fdt, "/soc"),
				     &found),
		     BOUNCE_OK);
	cr_expect_eq(found.len, 0, "it names none");
	cr_assert_eq(bounce_fdt_pool(&fdt,
				     bounce_fdt_find(&fdt, "/soc/ethernet"),
				     &found),
		     BOUNCE_OK);
	cr_expect_eq(found.gpa.v, 0x90000000);
	cr_expect_eq(found.len, 4 * MIB);
	/* The first that is one decides: this has no address yet. */
	cr_expect_eq(bounce_fdt_pool(&fdt,
				     bounce_fdt_find(&fdt, "/soc/pcie/virtio"),
				     &found),
		     BOUNCE_ERR_UNREACHABLE);
	cr_expect_eq(found.len, 4 * MIB, "nothing is written");
}

Test(fdt_pool, of_another_kind_or_disabled_is_none)
{
	struct bounce_fdt_region found = { .len = 5 };
	struct tree tree;

	region(&tree, "shared-dma-pool");
	blob_cells(&tree.maker, "reg", 4, 0, 0x1000000, 0, 0x100000);
	cr_expect_eq(pool_of(&tree, 2, &found), BOUNCE_OK);
	cr_expect_eq(found.len, 0);
	region(&tree, "restricted-dma-pool2");
	blob_cells(&tree.maker, "reg", 4, 0, 0x1000000, 0, 0x100000);
	cr_expect_eq(pool_of(&tree, 2, &found), BOUNCE_OK);
	cr_expect_eq(found.len, 0);
	region(&tree, "restricted-dma-pool");
	blob_cells(&tree.maker, "reg", 4, 0, 0x1000000, 0, 0x100000);
	blob_text(&tree.maker, "status", "disabled");
	cr_expect_eq(pool_of(&tree, 2, &found), BOUNCE_OK);
	cr_expect_eq(found.len, 0);
	region(&tree, "restricted-dma-pool");
	blob_cells(&tree.maker, "reg", 4, 0, 0x1000000, 0, 0x100000);
	blob_text(&tree.maker, "status", "okay");
	cr_expect_eq(pool_of(&tree, 2, &found), BOUNCE_OK);
	cr_expect_eq(found.len, MIB);
	region(&tree, "restricted-dma-pool");
	blob_cells(&tree.maker, "reg", 4, 0, 0x1000000, 0, 0x200000);
	blob_text(&tree.maker, "status", "ok");
	cr_expect_eq(pool_of(&tree, 2, &found), BOUNCE_OK);
	cr_expect_eq(found.len, 2 * MIB);
}

Test(fdt_pool, is_found_among_several_compatible_texts)
{
	static const char several[] = "vendor,x\0restricted-dma-pool\0y";
	struct bounce_fdt_region found;
	struct tree tree;

	begin(&tree);
	bus(&tree, "reserved-memory", 1);
	blob_node(&tree.maker, "pool");
	blob_bytes(&tree.maker, "compatible", several, sizeof(several));
	blob_cells(&tree.maker, "phandle", 1, 1);
	blob_cells(&tree.maker, "reg", 2, 0x1000000, 0x100000);
	cr_expect_eq(pool_of(&tree, 2, &found), BOUNCE_OK);
	cr_expect_eq(found.len, MIB);
	/* The end of a text belongs to it. */
	begin(&tree);
	bus(&tree, "reserved-memory", 1);
	blob_node(&tree.maker, "pool");
	blob_bytes(&tree.maker, "compatible", "restricted-dma-pool", 19);
	blob_cells(&tree.maker, "phandle", 1, 1);
	blob_cells(&tree.maker, "reg", 2, 0x1000000, 0x100000);
	cr_expect_eq(pool_of(&tree, 2, &found), BOUNCE_OK);
	cr_expect_eq(found.len, 0);
}

Test(fdt_pool, that_is_spoiled_is_an_error_never_none)
{
	static const char *const spoils[] = { "reusable", "no-map",
					      "linux,cma-default",
					      "linux,dma-default" };
	struct bounce_fdt_region found;
	struct tree tree;

	for (size_t i = 0; i < COUNT_OF(spoils); i++) {
		region(&tree, "restricted-dma-pool");
		blob_cells(&tree.maker, "reg", 4, 0, 0x1000000, 0, 0x100000);
		blob_flag(&tree.maker, spoils[i]);
		cr_expect_eq(pool_of(&tree, 2, &found), BOUNCE_ERR_ARG, "%s",
			     spoils[i]);
	}
	region(&tree, "restricted-dma-pool");
	cr_expect_eq(pool_of(&tree, 2, &found), BOUNCE_ERR_ARG, "no place");
	region(&tree, "restricted-dma-pool");
	blob_cells(&tree.maker, "reg", 3, 0, 0x1000000, 0);
	cr_expect_eq(pool_of(&tree, 2, &found), BOUNCE_ERR_ARG, "short");
	region(&tree, "restricted-dma-pool");
	blob_cells(&tree.maker, "reg", 8, 0, 0x1000000, 0, 0x1000, 0, 0x2000000,
		   0, 0x1000);
	cr_expect_eq(pool_of(&tree, 2, &found), BOUNCE_ERR_ARG, "two places");
	region(&tree, "restricted-dma-pool");
	blob_cells(&tree.maker, "reg", 4, 0, 0x1000000, 0, 0);
	cr_expect_eq(pool_of(&tree, 2, &found), BOUNCE_ERR_ARG, "empty");
	region(&tree, "restricted-dma-pool");
	blob_cells(&tree.maker, "reg", 4, UINT32_MAX, 0xfffff000, 0, 0x2000);
	cr_expect_eq(pool_of(&tree, 2, &found), BOUNCE_ERR_ARG, "wraps");
}

Test(fdt_pool, is_below_reserved_memory_and_nowhere_else)
{
	static const char *const paths[][2] = { { "reserved-memory2", NULL },
						{ "reserved", NULL },
						{ "soc", "reserved-memory" } };
	struct bounce_fdt_region found;

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		struct tree tree;

		begin(&tree);
		bus(&tree, paths[i][0], 1);
		if (paths[i][1] != NULL)
			bus(&tree, paths[i][1], 1);
		blob_node(&tree.maker, "pool");
		blob_text(&tree.maker, "compatible", "restricted-dma-pool");
		blob_cells(&tree.maker, "phandle", 1, 1);
		blob_cells(&tree.maker, "reg", 2, 0x1000000, 0x100000);
		cr_expect_eq(pool_of(&tree, paths[i][1] != NULL ? 3 : 2,
				     &found),
			     BOUNCE_ERR_ARG, "%s", paths[i][0]);
	}
}

Test(fdt_pool, a_region_that_is_not_there_or_too_many_are_an_error)
{
	unsigned char many[(BOUNCE_FDT_REGIONS + 1) * 4] = { 0 };
	struct bounce_fdt_region found;
	struct tree tree;

	begin(&tree);
	cr_expect_eq(pool_of(&tree, 0, &found), BOUNCE_ERR_ARG, "no such");
	begin(&tree);
	blob_node(&tree.maker, "dev");
	blob_bytes(&tree.maker, "memory-region", many, sizeof(many));
	cr_expect_eq(bounce_fdt_pool(&tree.fdt, end(&tree, 1, "/dev"), &found),
		     BOUNCE_ERR_ARG, "too many");
	begin(&tree);
	blob_node(&tree.maker, "dev");
	blob_bytes(&tree.maker, "memory-region", many, 3);
	cr_expect_eq(bounce_fdt_pool(&tree.fdt, end(&tree, 1, "/dev"), &found),
		     BOUNCE_ERR_ARG, "not a cell");
}

/* ---- windows of POWER ---- */

Test(fdt_dma_window, is_the_nodes_own_or_the_host_bridges)
{
	struct bounce_fdt_dma_window window;
	unsigned char blob[BLOB_BYTES];
	struct bounce_fdt fdt;
	int32_t node;

	cr_assert_eq(bounce_fdt_open(&fdt, blob, blob_sample(blob)), BOUNCE_OK);
	node = bounce_fdt_find(&fdt, "/pci/scsi");
	cr_assert_eq(bounce_fdt_dma_window(&fdt, node, 0, &window), BOUNCE_OK);
	cr_expect_eq(window.liobn, 0x80000000);
	cr_expect_eq(window.bus, 0);
	cr_expect_eq(window.len, GIB);
	cr_expect_eq(bounce_fdt_dma_window(&fdt, node, 1, &window),
		     BOUNCE_ERR_UNREACHABLE);
	node = bounce_fdt_find(&fdt, "/vdevice/v-scsi");
	cr_assert_eq(bounce_fdt_dma_window(&fdt, node, 1, &window), BOUNCE_OK);
	cr_expect_eq(window.liobn, 0x10000003);
	cr_expect_eq(window.bus, 0x20000000);
	cr_expect_eq(window.len, 0x8000000);
	cr_expect_eq(bounce_fdt_dma_window(&fdt, node, 2, &window),
		     BOUNCE_ERR_UNREACHABLE);
	cr_expect_eq(bounce_fdt_dma_window(&fdt, node, UINT32_MAX, &window),
		     BOUNCE_ERR_UNREACHABLE);
	node = bounce_fdt_find(&fdt, "/soc/ethernet");
	cr_expect_eq(bounce_fdt_dma_window(&fdt, node, 0, &window),
		     BOUNCE_ERR_UNREACHABLE);
	cr_expect_eq(window.liobn, 0x10000003, "nothing is written");
}

Test(fdt_dma_window, that_is_short_empty_or_wraps_is_wrong)
{
	static const struct {
		uint32_t count;
		uint32_t cells[6];
	} rows[] = {
		{ 4, { 1, 0, 0, 0 } },
		{ 2, { 1, 0 } },
		{ 6, { 1, 0, 0, 0, 0x1000, 2 } }, /* a second, short */
		{ 5, { 1, 0, 0, 0, 0 } },
		{ 5, { 1, UINT32_MAX, 0xfffff000, 0, 0x1001 } },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct bounce_fdt_dma_window window;
		unsigned char value[24];
		struct tree tree;
		int32_t node;

		for (uint32_t c = 0; c < rows[i].count; c++)
			for (uint32_t b = 0; b < 4; b++)
				value[4 * c + b] =
					(unsigned char)(rows[i].cells[c] >>
							(24 - 8 * b));
		begin(&tree);
		bus(&tree, "pci", 2);
		blob_bytes(&tree.maker, "ibm,dma-window", value,
			   4 * rows[i].count);
		node = end(&tree, 1, "/pci");
		cr_expect_eq(bounce_fdt_dma_window(&tree.fdt, node, 1, &window),
			     BOUNCE_ERR_ARG, "row %zu", i);
	}
}

/* ---- what the library does with it ---- */

static struct bounce_device_info info_of(const struct bench *bench,
					 struct bounce_space *space)
{
	struct bounce_device_info info = bench->knobs.info;

	info.space = space;
	return info;
}

/* The tree's windows in a space, and a device that bounces through them. */
Test(fdt, windows_of_a_tree_carry_a_device_to_its_pool)
{
	struct bench_knobs knobs = bench_usual();
	struct bounce_window window[8];
	struct bounce_negotiation answer;
	struct bounce_mapping mapping;
	uint32_t count = 8;
	struct bounce_device_info info;
	struct bounce_device *device;
	struct bounce_space *space;
	struct bench bench;
	struct tree tree;

	knobs.devices = 0;
	knobs.more_spaces = 1;
	bench_init(&bench, &knobs);
	begin(&tree);
	bus(&tree, "soc", 1);
	/* A bank elsewhere; the arena, at 1 GiB, is at 0x10000000. */
	blob_cells(&tree.maker, "dma-ranges", 8, 0, 0, 0xc0000000, 0x1000000,
		   0x10000000, 0, 0x40000000, 0x2000000);
	blob_node(&tree.maker, "dev");
	cr_assert_eq(bounce_fdt_windows(&tree.fdt, end(&tree, 2, "/soc/dev"),
					window, &count),
		     BOUNCE_OK);
	cr_assert_eq(count, 2);
	cr_assert_eq(bounce_space_init(bench.bounce, bench.pool, &space),
		     BOUNCE_OK);
	for (uint32_t i = 0; i < 2; i++)
		cr_assert_eq(bounce_space_add_window(space, &window[i]),
			     BOUNCE_OK);
	info = info_of(&bench, space);
	info.dma_mask = 0x7fffffff;
	cr_assert_eq(bounce_device_attach(bench.bounce, &info, &device,
					  &answer),
		     BOUNCE_OK, "%s", answer.why);
	mapping = map_ok(bounce_device_queue(device, 0),
			 bench_buf(&bench, 0, 4096), BOUNCE_TO_DEVICE);
	cr_expect_geq(mapping.bus.v, 0x10000000);
	cr_expect_leq(mapping.bus.v, 0x10000000 + bench.slab_bytes - 4096);
	unmap_ok(bounce_device_queue(device, 0), &mapping, 0);
	cr_assert_eq(bounce_device_detach(device), BOUNCE_OK);
	cr_assert_eq(bounce_space_fini(space), BOUNCE_OK);
	bench_fini(&bench);
}

/* Linux goes on with the default pool; here the device is refused. */
Test(fdt, a_restricted_pool_that_cannot_be_set_up_refuses_its_device)
{
	struct bench_knobs knobs = bench_usual();
	struct bounce_negotiation answer;
	struct bounce_fdt_region found;
	struct bounce_device_info info;
	struct bounce_device *device;
	struct bench bench;
	struct tree tree;

	knobs.devices = 0;
	bench_init(&bench, &knobs);
	info = info_of(&bench, bench.space);
	/* The tree says nonsense; */
	region(&tree, "restricted-dma-pool");
	if (pool_of(&tree, 2, &found) != BOUNCE_OK)
		info.flags |= BOUNCE_DEVICE_POOL_FAILED;
	cr_expect_eq(bounce_device_attach(bench.bounce, &info, &device,
					  &answer),
		     BOUNCE_ERR_REFUSED);
	cr_expect_eq(answer.verdict.reason, BOUNCE_WHY_POOL_FAILED);
	/* or what it says is no memory that can be shared. */
	info.flags = 0;
	region(&tree, "restricted-dma-pool");
	blob_cells(&tree.maker, "reg", 4, 0x100, 0, 0, 0x40000);
	cr_assert_eq(pool_of(&tree, 2, &found), BOUNCE_OK);
	if (bounce_pool_grow(bench.pool, found.gpa, found.len) != BOUNCE_OK)
		info.flags |= BOUNCE_DEVICE_POOL_FAILED;
	cr_expect_eq(bounce_device_attach(bench.bounce, &info, &device,
					  &answer),
		     BOUNCE_ERR_REFUSED);
	bench_fini(&bench);
}
