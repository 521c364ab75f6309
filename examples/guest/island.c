/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * island.c - see island.h.
 */
#include "island.h"
#include "image.h"
#include "report.h"

#define META_BYTES (256u << 10)
#define CANARY 0x5au

static unsigned char meta[META_BYTES]
	__attribute__((aligned(BOUNCE_META_ALIGN)));

static void must(enum bounce_err err, const char *text)
{
	if (err != BOUNCE_OK)
		guest_fail(text);
}

struct bounce *island_instance(const struct island_config *wanted)
{
	const struct bounce_config config = {
		.pools = wanted->islands,
		.spaces = wanted->islands,
		.windows = 1,
		.devices = wanted->devices,
		.slabs = wanted->islands,
		.slab_chunks = 1,
		.blocks = 64,
		.functions = wanted->functions,
	};
	const struct bounce_monitor monitor = { .arch = &bounce_arch_none };
	const struct bounce_env env = guest_env();
	struct bounce *bounce;

	must(bounce_init(meta, sizeof(meta), &config, &env, &monitor, &bounce),
	     "an instance for spaces of their own");
	return bounce;
}

void island_make(struct bounce *bounce, unsigned char *memory,
		 const struct bounce_translation *translation,
		 struct island *island)
{
	const struct bounce_pool_info info = { .slabs = 1 };

	island->gpa = (bounce_gpa_t) { (uintptr_t)memory };
	must(bounce_pool_init(bounce, &info, &island->pool), "a pool");
	island_rise(island);
	must(bounce_space_init(bounce, island->pool, &island->space),
	     "a space of its own");
	must(bounce_space_add_window(island->space, &guest_cpu.window[0]),
	     "a window of a space of its own");
	must(bounce_space_set_iommu(island->space, translation, NULL),
	     "an IOMMU did not map a pool");
	report_space("island", island->space);
}

bool island_end(const struct island *island)
{
	return bounce_space_fini(island->space) == BOUNCE_OK &&
	       bounce_pool_fini(island->pool) == BOUNCE_OK;
}

void island_sink(const struct island *island)
{
	must(bounce_pool_retire(island->pool, island->gpa),
	     "a pool of its own was not retired");
}

void island_rise(const struct island *island)
{
	must(bounce_pool_grow(island->pool, island->gpa, ISLAND_BYTES),
	     "a pool of its own did not grow");
}

bool island_read(struct blk *blk, uint64_t sector, uint32_t bytes)
{
	static unsigned char buffer[ISLAND_PART_BYTES];
	struct blk_io io = {
		.sector = sector,
		.segments = 1,
		.segment = { guest_buffer(buffer, bytes) },
	};

	memset(buffer, CANARY, bytes);
	return blk_transfer(blk, &io) == BLK_DONE &&
	       image_equals(sector, buffer, bytes);
}

void island_lend(struct blk *owner, struct island_page *page)
{
	must(bounce_alloc(owner->driver.queue, BOUNCE_SLOT_BYTES,
			  BOUNCE_SLOT_BYTES, 0, &page->buf, &page->mapping),
	     "no page for the control");
	memset(page->buf.ptr, CANARY, BOUNCE_SLOT_BYTES);
}

bool island_reached(struct blk *stranger, const struct island_page *page)
{
	const unsigned char *bytes = page->buf.ptr;
	const struct blk_raw raw = {
		.bus = page->mapping.bus,
		.len = BOUNCE_SLOT_BYTES,
	};

	/* What the device says of it is no matter. */
	(void)blk_raw(stranger, &raw);
	for (uint32_t i = 0; i < BOUNCE_SLOT_BYTES; i++)
		if (bytes[i] != CANARY)
			return true;
	return false;
}

void island_give_back(struct blk *owner, const struct island_page *page)
{
	must(bounce_free(owner->driver.queue, &page->mapping),
	     "a page of the control was not given back");
}
