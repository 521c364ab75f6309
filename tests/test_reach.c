/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_reach.c - shapes of spaces: each device either reaches the pool, and is
 * told addresses of its own windows, or attach fails and says why.
 */
#include "fdt_trees.h"

#define SLAB (4 * (uint64_t)BOUNCE_CHUNK_BYTES)
#define TOP (UINT64_MAX - SLAB + 1)
#define TO_BUS 0u
#define AROUND BOUNCE_WINDOW_BYPASS
#define MASK(bits) ((UINT64_C(1) << (bits)) - 1)

/* Two windows and a mask, with the pool's one slab at @gpa. */
struct shape {
	const char *name;
	uint64_t gpa;
	struct bounce_window window[2]; /* len 0 here: none */
	uint64_t dma_mask;
	bool offered; /* ACCESS_PLATFORM */
	enum bounce_err err;
	uint64_t bus; /* where the slab is seen */
	uint64_t most; /* bounce_map_max() */
};

#define WINDOW(b, g, l, f)                                           \
	{                                                            \
		.bus = { b }, .gpa = { g }, .len = (l), .flags = (f) \
	}

static const struct shape shapes[] = {
	{ "one to one",
	  GIB,
	  { WINDOW(0, 0, 2 * GIB, TO_BUS) },
	  0,
	  true,
	  BOUNCE_OK,
	  GIB,
	  SLAB },
	{ "a positive offset",
	  GIB,
	  { WINDOW(4 * GIB, 0, 2 * GIB, TO_BUS) },
	  0,
	  true,
	  BOUNCE_OK,
	  5 * GIB,
	  SLAB },
	{ "a negative offset",
	  GIB,
	  { WINDOW(0, GIB, GIB, TO_BUS) },
	  0,
	  true,
	  BOUNCE_OK,
	  0,
	  SLAB },
	{ "in the second of two banks",
	  8 * GIB,
	  { WINDOW(0, 0, GIB, TO_BUS), WINDOW(GIB, 8 * GIB, GIB, TO_BUS) },
	  0,
	  true,
	  BOUNCE_OK,
	  GIB,
	  SLAB },
	{ "in the hole between banks",
	  4 * GIB,
	  { WINDOW(0, 0, GIB, TO_BUS), WINDOW(GIB, 8 * GIB, GIB, TO_BUS) },
	  0,
	  true,
	  BOUNCE_ERR_UNREACHABLE,
	  0,
	  0 },
	{ "across two banks",
	  GIB,
	  { WINDOW(0, 0, GIB + SLAB / 2, TO_BUS),
	    WINDOW(GIB + SLAB / 2, GIB + SLAB / 2, GIB, TO_BUS) },
	  0,
	  true,
	  BOUNCE_ERR_UNREACHABLE,
	  0,
	  0 },
	{ "a window smaller than the pool",
	  GIB,
	  { WINDOW(0, GIB, SLAB - BOUNCE_SLOT_BYTES, TO_BUS) },
	  0,
	  true,
	  BOUNCE_ERR_UNREACHABLE,
	  0,
	  0 },
	{ "31 bits, below them",
	  GIB,
	  { WINDOW(0, 0, 8 * GIB, TO_BUS) },
	  MASK(31),
	  true,
	  BOUNCE_OK,
	  GIB,
	  SLAB },
	{ "31 bits, the slab's last slots above them",
	  2 * GIB - SLAB / 2,
	  { WINDOW(0, 0, 8 * GIB, TO_BUS) },
	  MASK(31),
	  true,
	  BOUNCE_OK,
	  2 * GIB - SLAB / 2,
	  SLAB / 2 },
	{ "31 bits, above them",
	  2 * GIB,
	  { WINDOW(0, 0, 8 * GIB, TO_BUS) },
	  MASK(31),
	  true,
	  BOUNCE_ERR_UNREACHABLE,
	  0,
	  0 },
	{ "32 bits, below them",
	  2 * GIB,
	  { WINDOW(0, 0, 8 * GIB, TO_BUS) },
	  MASK(32),
	  true,
	  BOUNCE_OK,
	  2 * GIB,
	  SLAB },
	{ "32 bits, above them",
	  4 * GIB,
	  { WINDOW(0, 0, 8 * GIB, TO_BUS) },
	  MASK(32),
	  true,
	  BOUNCE_ERR_UNREACHABLE,
	  0,
	  0 },
	{ "32 bits, above them in memory and below on the bus",
	  4 * GIB,
	  { WINDOW(0, 4 * GIB, GIB, TO_BUS) },
	  MASK(32),
	  true,
	  BOUNCE_OK,
	  0,
	  SLAB },
	{ "up to 2^64 - 1",
	  GIB,
	  { WINDOW(TOP, GIB, SLAB, TO_BUS) },
	  0,
	  true,
	  BOUNCE_OK,
	  TOP,
	  SLAB },
	{ "translated and bypass, by the bus",
	  GIB,
	  { WINDOW(4 * GIB, 0, 2 * GIB, BOUNCE_WINDOW_TRANSLATED),
	    WINDOW(0, 0, 2 * GIB, AROUND) },
	  0,
	  true,
	  BOUNCE_OK,
	  5 * GIB,
	  SLAB },
	{ "translated and bypass, by bypass",
	  GIB,
	  { WINDOW(4 * GIB, 0, 2 * GIB, BOUNCE_WINDOW_TRANSLATED),
	    WINDOW(0, 0, 2 * GIB, AROUND) },
	  0,
	  false,
	  BOUNCE_OK,
	  GIB,
	  SLAB },
	{ "translated only, and the device goes by bypass",
	  GIB,
	  { WINDOW(4 * GIB, 0, 2 * GIB, BOUNCE_WINDOW_TRANSLATED) },
	  0,
	  false,
	  BOUNCE_ERR_UNREACHABLE,
	  0,
	  0 },
};

/* From the first slot to the last, each inside the slab where it is seen. */
static void fill(struct bench *bench, struct bounce_queue *queue,
		 const struct shape *shape)
{
	static struct bounce_mapping mapping[256];
	uint32_t count = (uint32_t)(shape->most / BOUNCE_SLOT_BYTES);
	struct bounce_buf buf = bench_buf(bench, 0, BOUNCE_SLOT_BYTES);
	struct bounce_mapping more;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t offset;

		mapping[i] = map_ok(queue, buf, BOUNCE_TO_DEVICE);
		offset = mapping[i].bus.v - shape->bus;
		cr_assert_leq(offset, shape->most - BOUNCE_SLOT_BYTES, "%s",
			      shape->name);
		cr_assert(fake_machine_is_shared(&bench->machine,
						 shape->gpa + offset));
	}
	cr_expect_neq(bounce_map(queue, &buf, BOUNCE_TO_DEVICE, &more),
		      BOUNCE_OK, "%s: what is left is out of reach",
		      shape->name);
	for (uint32_t i = 0; i < count; i++)
		unmap_ok(queue, &mapping[i], 0);
}

static void try_shape(const struct shape *shape)
{
	struct bench_knobs knobs = bench_usual();
	struct bounce_negotiation answer;
	struct bounce_device_info info;
	struct bounce_device *device;
	struct bounce_space *space;
	struct bench bench;

	knobs.gpa = shape->gpa;
	knobs.devices = 0;
	knobs.blocks = 0;
	knobs.more_spaces = 1;
	bench_init(&bench, &knobs);
	cr_assert_eq(bounce_space_init(bench.bounce, bench.pool, &space),
		     BOUNCE_OK);
	for (uint32_t i = 0; i < 2 && shape->window[i].len != 0; i++)
		cr_assert_eq(bounce_space_add_window(space, &shape->window[i]),
			     BOUNCE_OK, "%s", shape->name);
	info = knobs.info;
	info.space = space;
	info.dma_mask = shape->dma_mask;
	if (!shape->offered)
		info.features &= ~BOUNCE_VIRTIO_F_ACCESS_PLATFORM;
	cr_expect_eq(bounce_device_attach(bench.bounce, &info, &device,
					  &answer),
		     shape->err, "%s: %s", shape->name, answer.why);
	if (shape->err == BOUNCE_OK) {
		cr_expect_eq(bounce_map_max(device), shape->most, "%s",
			     shape->name);
		fill(&bench, bounce_device_queue(device, 0), shape);
		cr_assert_eq(bounce_device_detach(device), BOUNCE_OK);
	} else {
		cr_expect_eq(answer.verdict.reason, BOUNCE_WHY_NO_POOL);
	}
	cr_assert_eq(bounce_space_fini(space), BOUNCE_OK);
	bench_fini(&bench);
}

Test(reach, is_the_pool_or_attach_says_why_not)
{
	for (size_t i = 0; i < COUNT_OF(shapes); i++)
		try_shape(&shapes[i]);
}

/* ---- devices of one pool with an offset each ---- */

Test(reach, of_each_device_has_an_offset_of_its_own)
{
	static const uint64_t shift[] = { 0, UINT64_C(1) << 40, 0x123000 };
	struct bench_knobs knobs = bench_usual();
	struct bounce_device *device[3];
	struct bounce_space *space[3];
	struct bench bench;

	knobs.devices = 0;
	knobs.more_spaces = 3;
	bench_init(&bench, &knobs);
	for (uint32_t i = 0; i < 3; i++) {
		const struct bounce_window window = WINDOW(GIB + shift[i], GIB,
							   SLAB, TO_BUS);
		struct bounce_device_info info = knobs.info;
		struct bounce_mapping mapping;

		cr_assert_eq(bounce_space_init(bench.bounce, bench.pool,
					       &space[i]),
			     BOUNCE_OK);
		cr_assert_eq(bounce_space_add_window(space[i], &window),
			     BOUNCE_OK);
		info.space = space[i];
		cr_assert_eq(bounce_device_attach(bench.bounce, &info,
						  &device[i], NULL),
			     BOUNCE_OK);
		memset(bench_private(&bench, 0), (int)(i + 1), 4096);
		mapping = map_ok(bounce_device_queue(device[i], 0),
				 bench_buf(&bench, 0, 4096), BOUNCE_TO_DEVICE);
		cr_expect_eq(bench_at_bus(&bench,
					  (bounce_bus_t) { mapping.bus.v -
							   shift[i] },
					  4096)[4095],
			     i + 1);
		unmap_ok(bounce_device_queue(device[i], 0), &mapping, 0);
	}
	for (uint32_t i = 0; i < 3; i++) {
		cr_assert_eq(bounce_device_detach(device[i]), BOUNCE_OK);
		cr_assert_eq(bounce_space_fini(space[i]), BOUNCE_OK);
	}
	bench_fini(&bench);
}

/* ---- a region whose place the host dictates ---- */

/* The tree of a device that must use [@gpa, +SLAB). */
static struct bounce_fdt_region region_of(uint64_t gpa)
{
	struct bounce_fdt_region region;
	struct tree tree;
	int32_t node;

	begin(&tree);
	bus(&tree, "reserved-memory", 2);
	blob_node(&tree.maker, "pool");
	blob_text(&tree.maker, "compatible", "restricted-dma-pool");
	blob_cells(&tree.maker, "phandle", 1, 7);
	blob_cells(&tree.maker, "reg", 4, (uint32_t)(gpa >> 32), (uint32_t)gpa,
		   0, (uint32_t)SLAB);
	blob_close(&tree.maker);
	blob_close(&tree.maker);
	blob_node(&tree.maker, "dev");
	blob_cells(&tree.maker, "memory-region", 1, 7);
	node = end(&tree, 1, "/dev");
	cr_assert_eq(bounce_fdt_pool(&tree.fdt, node, &region), BOUNCE_OK);
	return region;
}

Test(reach, of_a_restricted_device_is_its_fixed_region_which_is_reported)
{
	const struct bounce_pool_info one = { .slabs = 1 };
	struct bench_knobs knobs = bench_usual();
	struct bounce_fdt_region region;
	struct bounce_mapping mapping;
	struct bounce_range range[4];
	struct bench_side side;
	struct bench bench;

	knobs.devices = 0;
	knobs.more_pools = 1;
	knobs.more_slabs = 1;
	knobs.more_spaces = 1;
	knobs.private_bytes = 2 * SLAB;
	bench_init(&bench, &knobs);
	region = region_of(bench_private_gpa(&bench, SLAB).v);
	cr_assert_eq(region.gpa.v, GIB + 2 * SLAB);
	cr_assert_eq(region.len, bench.slab_bytes);
	bench_side_init(&bench, &one, region.gpa, &side);
	mapping = map_ok(side.queue, bench_buf(&bench, 0, 4096),
			 BOUNCE_TO_DEVICE);
	cr_expect_leq(mapping.bus.v - region.gpa.v, region.len - 4096);
	unmap_ok(side.queue, &mapping, 0);
	/* The next stage must keep off it. */
	cr_expect_eq(bounce_ranges(bench.bounce, range, 4), 2);
	cr_expect_eq(little(&range[1].gpa, 8), region.gpa.v);
	cr_expect_eq(little(&range[1].len, 8), region.len);
	cr_expect_eq(little(&range[1].state, 4), BOUNCE_RANGE_SHARED);
	bench_side_fini(&side);
	bench_fini(&bench);
}
