/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * windows.c - see windows.h. An instance of its own, that is not protected, so
 * that the IOMMU alone counts:
 *
 *   W1  Static: the pool is mapped once, buffers bounce, and there is no call
 *       while the disk is read.
 *   W2  Dynamic: the same driver reads the same bytes; whole pages of its
 *       buffers are mapped where they are, and their neighbours never are.
 *
 * Calls are counted by the backend, and shown for each GB that was read.
 */
#include "windows.h"

#include "blk.h"
#include "control.h"
#include "image.h"
#include "report.h"

#define META_BYTES (256u << 10)
#define POOL_BYTES BOUNCE_CHUNK_BYTES
#define READ_BYTES (2u << 20) /* in each mode */
#define PART_BYTES (64u << 10) /* of a request */
#define PAGE_BYTES 4096u
#define SKEW 1000u /* of every other buffer, so that it has head and tail */
#define CANARY 0x5au

static unsigned char meta[META_BYTES]
	__attribute__((aligned(BOUNCE_META_ALIGN)));
static unsigned char pool_memory[POOL_BYTES]
	__attribute__((aligned(POOL_BYTES)));
static unsigned char buffer[PART_BYTES + 2 * PAGE_BYTES]
	__attribute__((aligned(PAGE_BYTES)));

static struct {
	const struct windows_place *place;
	const char *name; /* "static", "dynamic" */
	struct bounce *bounce;
	struct bounce_pool *pool;
	struct bounce_space *space;
	struct blk blk;
} windows;

static void must(enum bounce_err err, const char *text)
{
	if (err != BOUNCE_OK)
		guest_fail(text);
}

/* ---- one switch ---- */

static void set_up(uint32_t flags)
{
	const struct windows_place *place = windows.place;
	const struct bounce_config config = {
		.pools = 2,
		.windows = 1,
		.slabs = 2,
		.slab_chunks = 1,
		.blocks = 16,
		.direct = 8,
	};
	const struct bounce_monitor monitor = { .arch = &bounce_arch_none };
	const struct bounce_env env = guest_env();
	const struct bounce_pool_info info = { .slabs = 1 };
	const bounce_gpa_t gpa = { (uintptr_t)pool_memory };
	const struct bounce_translation translation = {
		.iommu = place->iommu,
		.ctx = place->ctx,
		.flags = flags,
		.own_bus = { flags != 0 ? place->own.v : 0 },
		.own_len = flags != 0 ? WINDOWS_OWN_BYTES : 0,
	};
	struct driver_open open = { .role = place->role };

	must(bounce_init(meta, sizeof(meta), &config, &env, &monitor,
			 &windows.bounce),
	     "an instance for two kinds of window");
	must(bounce_pool_init(windows.bounce, &info, &windows.pool), "a pool");
	must(bounce_pool_grow(windows.pool, gpa, POOL_BYTES), "growth");
	must(bounce_space_init(windows.bounce, windows.pool, &windows.space),
	     "a space");
	must(bounce_space_add_window(windows.space, &place->window),
	     "a window");
	must(bounce_space_set_iommu(windows.space, &translation, NULL),
	     "an IOMMU was not set");
	report_space(windows.name, windows.space);
	open.bounce = windows.bounce;
	open.space = windows.space;
	must(blk_open(&windows.blk, &open), "a disk behind a window");
}

static void tear_down(void)
{
	bool good = blk_close(&windows.blk) && bounce_valid(windows.bounce) &&
		    bounce_space_fini(windows.space) == BOUNCE_OK &&
		    bounce_pool_fini(windows.pool) == BOUNCE_OK &&
		    bounce_fini(windows.bounce) == BOUNCE_OK;

	report_demand(good, "what was behind a window ended");
}

static uint64_t calls(void)
{
	struct bounce_space_info info;

	bounce_space_info(windows.space, &info);
	return info.iommu.requests;
}

/* ---- reading ---- */

static bool read_part(uint64_t sector, uint32_t skew)
{
	struct blk_io io = {
		.sector = sector,
		.segments = 1,
		.segment = { guest_buffer(buffer + skew, PART_BYTES) },
	};

	memset(buffer, CANARY, sizeof(buffer));
	if (blk_transfer(&windows.blk, &io) != BLK_DONE ||
	    !image_equals(sector, buffer + skew, PART_BYTES))
		return false;
	for (uint32_t i = 0; i < sizeof(buffer); i++)
		if (i - skew >= PART_BYTES && buffer[i] != CANARY)
			return false;
	return true;
}

static void read_all(uint64_t calls_start)
{
	struct report_use use = {
		.pool = windows.pool,
		.pool_bytes = POOL_BYTES,
		.share_calls_start = calls_start,
		.window = windows.name,
		.io_bytes = READ_BYTES,
	};
	uint64_t before = calls();
	bool good = true;

	for (uint32_t at = 0; at < READ_BYTES && good; at += PART_BYTES)
		good = read_part(at / GUEST_SECTOR_BYTES,
				 at / PART_BYTES % 2 * SKEW);
	use.window_calls_io = calls() - before;
	report_row(windows.name, &windows.blk.driver, &use);
	report_demand(good, "reading through a window");
}

/* ---- what is reached ---- */

/*
 * Tell the disk to write a page there; one that is stopped goes on.
 * @name: of whom the IOMMU is asked whom it refused, or NULL.
 */
static void write_page(uint64_t bus, const char *name)
{
	const struct blk_raw raw = { .bus = { bus }, .len = PAGE_BYTES };

	enum blk_result result = blk_raw(&windows.blk, &raw);

	if (name != NULL)
		control_seen(name, &windows.blk.driver, raw.bus, raw.len);
	if (result == BLK_SILENCE &&
	    !(blk_stop(&windows.blk) && blk_again(&windows.blk) == BOUNCE_OK))
		guest_fail("a disk behind a window did not start again");
}

static bool is_intact(const unsigned char *page)
{
	for (uint32_t i = 0; i < PAGE_BYTES; i++)
		if (page[i] != CANARY)
			return false;
	return true;
}

/* W1: where a private page would be, if it were mapped. */
static void look_at_static(void)
{
	const struct bounce_window *window = &windows.place->window;

	memset(buffer, CANARY, sizeof(buffer));
	control_forget(&windows.blk.driver);
	write_page(window->bus.v + ((uintptr_t)buffer - window->gpa.v),
		   windows.name);
	report_control(windows.name, "static_private", is_intact(buffer),
		       "the pool was mapped, and nothing else: a private page "
		       "was not reached at its bus address");
}

/* W2: a buffer with a head, one whole page, and a tail. */
static void look_at_dynamic(void)
{
	struct bounce_queue *queue = windows.blk.driver.queue;
	const struct bounce_buf buf = guest_buffer(buffer + SKEW,
						   2 * PAGE_BYTES);
	struct bounce_mapping mapping;
	uint64_t bus;
	bool good;

	memset(buffer, CANARY, sizeof(buffer));
	must(bounce_map(queue, &buf, BOUNCE_FROM_DEVICE, &mapping),
	     "a buffer in three parts");
	bus = mapping.bus.v - SKEW;
	write_page(bus + PAGE_BYTES, NULL);
	report_control(windows.name, "own_whole",
		       image_equals(0, buffer + PAGE_BYTES, PAGE_BYTES),
		       "the whole page of a buffer was written where it is");
	write_page(bus, NULL);
	write_page(bus + 2 * PAGE_BYTES, NULL);
	report_control(
		windows.name, "own_neighbours",
		is_intact(buffer) && is_intact(buffer + 2 * PAGE_BYTES),
		"told to write to all of the pages at the buffer's ends, "
		"the device did not reach what is beside it");
	good = bounce_unmap(queue, &mapping, 0) == BOUNCE_OK;
	memset(buffer, CANARY, sizeof(buffer));
	write_page(bus + PAGE_BYTES, NULL);
	report_control(windows.name, "own_ended",
		       good && is_intact(buffer + PAGE_BYTES),
		       "and when the mapping had ended, not even that page");
}

/* ---- the whole ---- */

static void run(const char *name, uint32_t flags)
{
	struct bounce_iommu_info info;
	uint64_t before;

	windows.name = name;
	windows.place->iommu->info(windows.place->ctx, &info);
	before = info.requests;
	set_up(flags);
	read_all(calls() - before);
	if (flags == 0)
		look_at_static();
	else
		look_at_dynamic();
	tear_down();
}

void windows_run(const struct windows_place *place)
{
	report_stage("a static window, and a dynamic one");
	windows.place = place;
	run("static", 0);
	run("dynamic", BOUNCE_TRANSLATION_DYNAMIC);
}
