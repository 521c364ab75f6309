/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_judged.c - conditions of checks that must decide by themselves, where
 * no other test is about them: each differs from what is accepted in one thing.
 */
#include "blobs.h"
#include "calls.h"
#include "viommu.h"

/* ---- windows ---- */

Test(window_gpa, holds_what_lies_in_a_window_of_the_path_and_nothing_else)
{
	struct bounce_window window[] = {
		{
			.bus = { 0x10000 },
			.gpa = { 0x90000 },
			.len = 0x4000,
		},
		{
			.bus = { 0x20000 },
			.gpa = { 0x20000 },
			.len = 0x4000,
			.flags = BOUNCE_WINDOW_BYPASS,
		},
	};
	const struct bounce_windows windows = { window, 2 };
	const struct {
		uint32_t path;
		uint64_t bus, len;
		uint64_t gpa; /* 0: in no window */
	} row[] = {
		{ BOUNCE_PATH_BUS, 0x10000, 0x4000, 0x90000 },
		{ BOUNCE_PATH_BUS, 0x13fff, 1, 0x93fff },
		{ BOUNCE_PATH_BUS, 0x13fff, 2, 0 },
		{ BOUNCE_PATH_BUS, 0x14000, 1, 0 },
		{ BOUNCE_PATH_BUS, 0xffff, 1, 0 },
		{ BOUNCE_PATH_BUS, 0x10000, 0, 0 },
		{ BOUNCE_PATH_BUS, 0x20000, 1, 0 },
		{ BOUNCE_PATH_BYPASS, 0x20000, 1, 0x20000 },
		{ BOUNCE_PATH_BYPASS, 0x10000, 1, 0 },
		{ BOUNCE_PATH_BUS, UINT64_MAX, 1, 0 },
	};

	for (size_t i = 0; i < COUNT_OF(row); i++) {
		bounce_gpa_t gpa = { 77 };

		cr_expect_eq(bounce_window_gpa(&windows, row[i].path,
					       row[i].bus, row[i].len, &gpa),
			     row[i].gpa != 0, "row %zu", i);
		cr_expect_eq(gpa.v, row[i].gpa == 0 ? 77 : row[i].gpa,
			     "row %zu", i);
	}
}

Test(window_whole, ends_before_a_slot_that_is_not_whole)
{
	/* To the next slot there are more bytes than there are. */
	struct bounce_window window = {
		.bus = { 0x10001 },
		.gpa = { 0x20001 },
		.len = 0xffe,
	};

	cr_expect_eq(bounce_window_whole(&window), BOUNCE_ERR_UNREACHABLE);
	/* Up to it, and then no whole one. */
	window.len = 0xfff + 0xfff;
	cr_expect_eq(bounce_window_whole(&window), BOUNCE_ERR_UNREACHABLE);
	window.len++;
	cr_expect_eq(bounce_window_whole(&window), BOUNCE_OK);
	cr_expect_eq(window.bus.v, 0x11000);
	cr_expect_eq(window.len, 0x1000);
}

/* ---- structures ---- */

Test(space_valid, its_pool_is_of_its_class)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_space *alone;

	knobs.more_spaces = 1;
	bench_init(&bench, &knobs);
	cr_assert_eq(bounce_space_init(bench.bounce, NULL, &alone), BOUNCE_OK);
	cr_expect(bounce_space_valid(alone), "without a pool");
	cr_expect(bounce_space_valid(bench.space));
	bench.space->coherency ^= 1;
	cr_expect_not(bounce_space_valid(bench.space));
	bench.space->coherency ^= 1;
	cr_assert_eq(bounce_space_fini(alone), BOUNCE_OK);
	bench_fini(&bench);
}

Test(pool_valid, only_a_slab_that_is_ready_has_free_chunks)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_slab *slab;

	knobs.slabs = 2;
	bench_init(&bench, &knobs);
	slab = &bench.bounce->slab[0];
	cr_assert(bounce_pool_valid(bench.pool));
	slab->phase = SLAB_RETIRED;
	cr_expect_not(bounce_pool_valid(bench.pool));
	slab->phase = SLAB_READY;
	/* Nor has one that was never grown a chunk to claim from. */
	slab[1].chunk[0].bits = 0;
	cr_expect_not(bounce_pool_valid(bench.pool));
	slab[1].chunk[0].bits = UINT64_MAX;
	cr_expect(bounce_pool_valid(bench.pool));
	bench_fini(&bench);
}

static void say_nothing(void *ctx, uint32_t queue)
{
	(void)ctx;
	(void)queue;
}

Test(viommu_valid, every_damage_is_seen)
{
	static _Alignas(4096) unsigned char shared[16384];
	static uint64_t nothing[64];
	static _Alignas(BOUNCE_VIOMMU_ALIGN) unsigned char memory[4096];
	const struct bounce_viommu_info info = {
		.notify = say_nothing,
		.shared = shared,
		.features = BOUNCE_VIOMMU_F_MAP_UNMAP,
		.page_size_mask = ~UINT64_C(4095),
		.entries = 8,
		.domains = 2,
		.endpoints = 2,
	};
	struct bounce_viommu_domain *domain;
	struct bounce_viommu_domain damaged;
	struct bounce_viommu *viommu;

	cr_assert_leq(bounce_viommu_shared_size(&info), sizeof(shared));
	cr_assert_eq(bounce_viommu_init(memory, sizeof(memory), &info, &viommu),
		     BOUNCE_OK);
	cr_assert_eq(bounce_viommu_domain(viommu, 3, &domain), BOUNCE_OK);
	viommu->endpoint[0].domain = domain;
	cr_assert(bounce_viommu_valid(viommu));
	domain->ranges = 1;
	domain->range[0].first.v = 2;
	domain->range[0].last.v = 1;
	cr_expect_not(bounce_viommu_valid(viommu), "a range");
	domain->range[0].last.v = 2;
	cr_expect(bounce_viommu_valid(viommu));
	damaged = *domain;
	viommu->endpoint[0].domain = &damaged;
	cr_expect_not(bounce_viommu_valid(viommu), "no domain of it");
	domain->ranges = BOUNCE_IOMMU_RANGES + 1;
	cr_expect_not(bounce_viommu_domain_valid(domain), "too many ranges");
	domain->ranges = 0;
	domain[1].viommu = viommu;
	viommu->endpoint[0].domain = domain + 1;
	cr_expect_not(bounce_viommu_valid(viommu), "not given out");
	viommu->endpoint[0].domain = domain;
	viommu->domain++;
	cr_expect_not(bounce_viommu_domain_valid(domain), "before them");
	viommu->domain--;
	viommu->info.domains = 0;
	cr_expect_not(bounce_viommu_valid(viommu), "more than there are");
	viommu->info.domains = 2;
	viommu->ring[1].used = (void *)nothing;
	cr_expect_not(bounce_viommu_valid(viommu), "a ring's check");
}

/* ---- device trees ---- */

Test(fdt, of_two_gigabytes_or_more_is_none)
{
	unsigned char blob[BLOB_BYTES];
	uint32_t size = blob_sample(blob);
	struct bounce_fdt fdt;

	cr_assert_eq(bounce_fdt_open(&fdt, blob, size), BOUNCE_OK);
	blob[4] = 0x80; /* totalsize: offset 4, big-endian */
	cr_expect_eq(bounce_fdt_open(&fdt, blob, SIZE_MAX), BOUNCE_ERR_ARG);
}

/* Also where it ends between a name and the next cell. */
Test(fdt, whose_structure_ends_early_is_none)
{
	unsigned char blob[BLOB_BYTES];
	uint32_t size = blob_sample(blob);
	struct bounce_fdt fdt;

	cr_assert_eq(bounce_fdt_open(&fdt, blob, size), BOUNCE_OK);
	for (uint32_t bytes = 0; bytes < 256; bytes++) {
		blob[36] = 0; /* size_dt_struct: offset 36 */
		blob[37] = 0;
		blob[38] = 0;
		blob[39] = (unsigned char)bytes;
		cr_expect_eq(bounce_fdt_open(&fdt, blob, size), BOUNCE_ERR_ARG,
			     "%u bytes", bytes);
	}
}

Test(fdt, a_name_with_two_addresses_is_found_by_all_of_it)
{
	struct blob_maker maker;
	unsigned char blob[BLOB_BYTES];
	struct bounce_fdt fdt;

	blob_start(&maker);
	blob_node(&maker, "");
	blob_node(&maker, "a@b@c");
	blob_close(&maker);
	blob_close(&maker);
	cr_assert_eq(bounce_fdt_open(&fdt, blob, blob_finish(&maker, blob)),
		     BOUNCE_OK);
	cr_expect_geq(bounce_fdt_find(&fdt, "/a@b@c"), 0);
	cr_expect_geq(bounce_fdt_find(&fdt, "/a"), 0);
	cr_expect_eq(bounce_fdt_find(&fdt, "/a@b"), BOUNCE_FDT_NONE);
}

/* The root names itself, and nothing is around it. */
Test(fdt_pool, that_is_the_root_is_an_error)
{
	struct blob_maker maker;
	unsigned char blob[BLOB_BYTES];
	struct bounce_fdt_region region;
	struct bounce_fdt fdt;

	blob_start(&maker);
	blob_node(&maker, "");
	blob_text(&maker, "compatible", "restricted-dma-pool");
	blob_cells(&maker, "phandle", 1, 1);
	blob_cells(&maker, "memory-region", 1, 1);
	blob_node(&maker, "pool");
	blob_text(&maker, "compatible", "restricted-dma-pool");
	blob_cells(&maker, "phandle", 1, 2);
	blob_cells(&maker, "memory-region", 1, 2);
	blob_close(&maker);
	blob_close(&maker);
	cr_assert_eq(bounce_fdt_open(&fdt, blob, blob_finish(&maker, blob)),
		     BOUNCE_OK);
	cr_expect_eq(bounce_fdt_pool(&fdt, bounce_fdt_find(&fdt, "/"), &region),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_fdt_pool(&fdt, bounce_fdt_find(&fdt, "/pool"),
				     &region),
		     BOUNCE_ERR_ARG, "a child of the root");
}

Test(fdt_dma_window, that_is_not_whole_cells_is_wrong)
{
	struct bounce_fdt_dma_window window;
	struct blob_maker maker;
	unsigned char blob[BLOB_BYTES];
	struct bounce_fdt fdt;

	blob_start(&maker);
	blob_node(&maker, "");
	blob_bytes(&maker, "ibm,dma-window", "\0\0\0\1\0", 5);
	blob_close(&maker);
	cr_assert_eq(bounce_fdt_open(&fdt, blob, blob_finish(&maker, blob)),
		     BOUNCE_OK);
	cr_expect_eq(bounce_fdt_dma_window(&fdt, bounce_fdt_find(&fdt, "/"), 0,
					   &window),
		     BOUNCE_ERR_ARG);
}

/*
 * A reader of somebody else's, whose nodes go up for ever: each is around
 * itself, and an even one has what is asked for.
 */
static const void *odd_property(const struct bounce_fdt *fdt, int32_t node,
				const char *name, uint32_t *len)
{
	static const unsigned char cells[4] = { 0, 0, 0, 1 };
	bool ranges = strcmp(name, "dma-ranges") == 0;

	(void)fdt;
	*len = ranges ? 0 : 4;
	if (strncmp(name, "dma-", 4) == 0 || strncmp(name, "ibm,", 4) == 0)
		return ranges && node % 2 == 0 ? cells : NULL;
	return cells;
}

static int32_t odd_parent(const struct bounce_fdt *fdt, int32_t node)
{
	(void)fdt;
	return node;
}

Test(fdt_dma, a_reader_that_goes_up_for_ever_is_left_within_a_bound)
{
	static const struct bounce_fdt_reader reader = {
		.property = odd_property,
		.parent = odd_parent,
	};
	const struct bounce_fdt fdt = { .reader = &reader };
	struct bounce_fdt_dma_window found = { .liobn = 7 };
	struct bounce_window window[4];
	uint32_t count = COUNT_OF(window);

	cr_expect_eq(bounce_fdt_windows(&fdt, 2, window, &count),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(count, COUNT_OF(window));
	cr_expect_eq(bounce_fdt_coherency(&fdt, 1), BOUNCE_FDT_UNSAID);
	cr_expect_eq(bounce_fdt_dma_window(&fdt, 1, 0, &found),
		     BOUNCE_ERR_UNREACHABLE);
	cr_expect_eq(found.liobn, 7);
}
