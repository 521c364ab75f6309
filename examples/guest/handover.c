/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * handover.c - from one stage to the next. Both are this image; what the second
 * one has of the first is the list, and what the monitor remembers.
 *
 *   H1  The first stage ends without retiring its pool: its devices are reset,
 *       its pages stay shared, and its instance is not looked at again.
 *   H2  The second one shares each listed page again, by bounce_pool_grow():
 *       nothing of what lay there is left, and nothing is believed of the list
 *       but that the memory is its own to use.
 */
#include "handover.h"

#include "blk.h"
#include "report.h"

#define META_BYTES (1u << 20)
#define RANGES 4u
#define SLABS 4u
#define READ_BYTES (2u << 20) /* by each stage */
#define PIECE_BYTES (1u << 20) /* several chunks: the high water shows them */
#define SECRET 0xa3u

/* Of the two stages; the chunk around the second one's is all its own. */
static unsigned char first_meta[META_BYTES]
	__attribute__((aligned(BOUNCE_META_ALIGN)));
static unsigned char second_meta[META_BYTES]
	__attribute__((aligned(BOUNCE_CHUNK_BYTES)));

static unsigned char first_read[READ_BYTES];
static unsigned char second_read[READ_BYTES];
static struct blk disk;

struct stage {
	struct bounce_arch arch;
	struct bounce *bounce;
	struct bounce_pool *pool;
	struct bounce_space *space;
};

/* What is handed over, in private memory that both agree upon. */
struct list {
	uint32_t count;
	struct bounce_range range[RANGES];
};

static void control(const char *name, bool ok, const char *text)
{
	report_control("handover", name, ok, text);
}

static void must(enum bounce_err err)
{
	if (err != BOUNCE_OK)
		guest_fail("a stage of the hand-over could not begin");
}

static enum bounce_err grow(const struct stage *stage, uint64_t gpa,
			    uint64_t len)
{
	const bounce_gpa_t at = { gpa };

	return bounce_pool_grow(stage->pool, at, len);
}

static enum bounce_err retire(const struct stage *stage, uint64_t gpa)
{
	const bounce_gpa_t at = { gpa };

	return bounce_pool_retire(stage->pool, at);
}

static void begin(struct stage *stage, void *meta)
{
	const struct bounce_config config = {
		.slabs = SLABS,
		.devices = 2, /* the disk, and the transport's own */
		.slab_chunks = GUEST_POOL_BYTES / BOUNCE_CHUNK_BYTES,
		.blocks = 64,
	};
	const struct bounce_pool_info info = { .slabs = SLABS };
	const struct bounce_env env = guest_env();
	const struct bounce_monitor monitor = { .arch = &stage->arch };

	cpu_arch(&stage->arch);
	must(bounce_init(meta, META_BYTES, &config, &env, &monitor,
			 &stage->bounce));
	must(bounce_pool_init(stage->bounce, &info, &stage->pool));
	model_watch(stage->bounce);
}

/* The pool has slabs: devices may come. */
static void open_disk(struct stage *stage)
{
	struct driver_open open = { .bounce = stage->bounce,
				    .role = GUEST_IN0 };

	must(bounce_space_init(stage->bounce, stage->pool, &stage->space));
	for (unsigned i = 0; i < guest_windows(); i++)
		must(bounce_space_add_window(stage->space,
					     &guest_cpu.window[i]));
	if (!transport_start(stage->bounce, stage->space))
		guest_fail("the transport of a stage does not work");
	open.space = stage->space;
	must(blk_open(&disk, &open));
}

static bool close_disk(const struct stage *stage)
{
	bool good = blk_close(&disk);

	good &= transport_stop();
	return bounce_space_fini(stage->space) == BOUNCE_OK && good;
}

static bool read_disk(unsigned char *to)
{
	for (uint32_t at = 0; at < READ_BYTES; at += PIECE_BYTES) {
		const struct blk_io io = {
			.sector = at / GUEST_SECTOR_BYTES,
			.segments = 1,
			.segment = { guest_buffer(to + at, PIECE_BYTES) },
		};

		if (blk_transfer(&disk, &io) != BLK_DONE)
			return false;
	}
	return true;
}

/* ---- the first stage ---- */

static void run_first(struct list *list)
{
	static struct stage first;

	begin(&first, first_meta);
	must(grow(&first, guest_cpu.pool_gpa, GUEST_POOL_BYTES));
	must(grow(&first, guest_cpu.control_gpa, GUEST_CONTROL_POOL_BYTES));
	open_disk(&first);
	report_demand(read_disk(first_read) && close_disk(&first),
		      "the first stage read the disk, and reset it");
	list->count = bounce_ranges(first.bounce, list->range, RANGES);
	report_demand(list->count == 2, "each slab is one range");
}

/* ---- the second stage ---- */

static bool all_zero(uint64_t gpa, uint64_t len)
{
	const unsigned char *bytes = (const unsigned char *)(uintptr_t)gpa;

	for (uint64_t i = 0; i < len; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* H2. The list's fields are little-endian. */
static bool take_over(const struct stage *stage, const struct list *list)
{
	bool good = true;

	for (uint32_t i = 0; i < list->count; i++) {
		uint64_t gpa = guest_le64(list->range[i].gpa);
		uint64_t len = guest_le64(list->range[i].len);

		if (guest_le32(list->range[i].state) != BOUNCE_RANGE_SHARED)
			continue; /* LOST: nobody's, for ever */
		good = good && grow(stage, gpa, len) == BOUNCE_OK &&
		       all_zero(gpa, len) && model_allows(gpa, len);
	}
	return good;
}

static void go_on(struct stage *second, uint64_t start_calls)
{
	struct report_use use = {
		.pool = second->pool,
		.pool_bytes = GUEST_POOL_BYTES,
		.share_calls_start = start_calls,
	};
	uint64_t calls;
	bool good;

	open_disk(second);
	calls = model_calls();
	good = read_disk(second_read);
	use.share_calls_io = model_calls() - calls;
	report_row("handover", &disk.driver, &use);
	control("handed_goes_on",
		good && memcmp(first_read, second_read, READ_BYTES) == 0,
		"the next stage read the same disk through the slabs that it "
		"took over");
}

/* A shared page that the list does not have. */
static void find_left_out(const struct stage *second)
{
	uint64_t gpa = guest_cpu.control_gpa;
	bool open = model_allows(gpa, GUEST_CONTROL_POOL_BYTES);
	bool good = grow(second, gpa, GUEST_CONTROL_POOL_BYTES) == BOUNCE_OK &&
		    retire(second, gpa) == BOUNCE_OK;

	control("handed_left_out",
		open && good && !model_allows(gpa, BOUNCE_SLOT_BYTES) &&
			all_zero(gpa, GUEST_CONTROL_POOL_BYTES),
		"a page that the list leaves out stays shared, and no call "
		"tells: a range that is doubted is grown and retired, and is "
		"private then");
}

/* Private memory that the list calls shared: free memory, or the stage's. */
static void find_private(const struct stage *second)
{
	unsigned char *page = (unsigned char *)(uintptr_t)guest_cpu.refused_gpa;
	uint64_t granules = model_shared_granules();
	uint64_t own = (uintptr_t)second_meta;
	bool good;

	memset(page, SECRET, GUEST_REFUSED_BYTES);
	good = grow(second, own, BOUNCE_CHUNK_BYTES) == BOUNCE_ERR_ARG &&
	       model_shared_granules() == granules;
	good = good &&
	       grow(second, guest_cpu.refused_gpa, GUEST_REFUSED_BYTES) ==
		       BOUNCE_OK &&
	       all_zero(guest_cpu.refused_gpa, GUEST_REFUSED_BYTES) &&
	       retire(second, guest_cpu.refused_gpa) == BOUNCE_OK;
	control("handed_private", good,
		"of a private page that the list names no byte is shown, and "
		"the library's own memory is refused");
}

static void run_second(const struct list *list)
{
	static struct stage second;
	struct list short_list = { .count = 1, .range = { list->range[0] } };
	uint64_t granules = model_shared_granules();
	uint64_t calls = model_calls();
	bool good;

	begin(&second, second_meta);
	good = take_over(&second, &short_list);
	control("handed_over", good && model_shared_granules() == granules,
		"each listed page was shared once more, and holds nothing of "
		"the stage before");
	go_on(&second, model_calls() - calls);
	find_left_out(&second);
	find_private(&second);
	good = close_disk(&second);
	good &= bounce_valid(second.bounce);
	good &= bounce_pool_fini(second.pool) == BOUNCE_OK;
	model_watch(NULL);
	good &= bounce_fini(second.bounce) == BOUNCE_OK;
	control("handed_returned", good && model_shared_granules() == 0,
		"the next stage has ended: no page of either is shared");
}

void handover_run(void)
{
	struct list list;

	report_stage("handing slabs over");
	run_first(&list);
	run_second(&list);
}
