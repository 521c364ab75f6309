/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * handover.c - the first image's part of a boot in two stages, which stage.h
 * describes: I/O through a pool, the second image read by that, the list.
 *
 *   H1  This image ends without retiring its pool: its pages stay shared, and
 *       its instance is not looked at again.
 *   H2  Every device is reset before the second image is entered, and no CPU
 *       but this one runs: nobody else writes memory from then on.
 */
#include "handover.h"

#include "loader.h"
#include "stage.h"

#define META_BYTES (1u << 20)
#define SLABS 2u
#define LEFT 0xc3u

static unsigned char meta[META_BYTES]
	__attribute__((aligned(BOUNCE_META_ALIGN)));
static struct blk disk;

static void must(enum bounce_err err)
{
	if (err != BOUNCE_OK)
		guest_fail("the hand-over could not begin");
}

static struct bounce *begin(struct bounce_pool **pool)
{
	static struct bounce_arch arch;
	const struct bounce_config config = {
		.slabs = SLABS,
		.devices = 2, /* the disk, and the transport's own */
		.slab_chunks = GUEST_POOL_BYTES / BOUNCE_CHUNK_BYTES,
		.blocks = 64,
	};
	const struct bounce_pool_info info = { .slabs = SLABS };
	const struct bounce_env env = guest_env();
	const struct bounce_monitor monitor = { .arch = &arch };
	struct bounce *bounce;

	cpu_arch(&arch);
	must(bounce_init(meta, sizeof(meta), &config, &env, &monitor, &bounce));
	must(bounce_pool_init(bounce, &info, pool));
	must(bounce_pool_grow(*pool, (bounce_gpa_t) { guest_cpu.pool_gpa },
			      GUEST_POOL_BYTES));
	must(bounce_pool_grow(*pool, (bounce_gpa_t) { guest_cpu.control_gpa },
			      GUEST_CONTROL_POOL_BYTES));
	return bounce;
}

static struct bounce_space *open_disk(struct bounce *bounce,
				      struct bounce_pool *pool)
{
	struct driver_open open = { .bounce = bounce, .role = GUEST_OUT0 };

	must(bounce_space_init(bounce, pool, &open.space));
	for (unsigned i = 0; i < guest_windows(); i++)
		must(bounce_space_add_window(open.space, &guest_cpu.window[i]));
	if (!transport_start(bounce, open.space))
		guest_fail("the transport does not work once more");
	must(blk_open(&disk, &open));
	return open.space;
}

/* What the second image must find on the disk, and the host afterwards. */
static bool leave_text(void)
{
	static unsigned char text[GUEST_CONTROL_BYTES];
	struct blk_io io = {
		.write = true,
		.sector = GUEST_FIRST_SECTOR,
		.segments = 1,
		.segment = { guest_buffer(text, sizeof(text)) },
	};

	for (uint32_t i = 0; i < sizeof(text); i += GUEST_TEXT_BYTES)
		memcpy(text + i, GUEST_FIRST_TEXT, GUEST_TEXT_BYTES);
	return blk_transfer(&disk, &io) == BLK_DONE;
}

static void read_image(void)
{
	bool spoilt;

	if (!leave_text() || !loader_read(&disk))
		guest_fail("the first image's own I/O");
	loader_spoil();
	spoilt = !loader_trusts();
	loader_spoil();
	report_control("handover", "handed_spoilt", spoilt,
		       "a second image with one bit changed was not entered: "
		       "the disk is the host's, the digest is not");
	if (!loader_trusts())
		guest_fail("the second image is not the one that was built");
}

/* H1. Of two slabs, the list that is handed over has one. */
static void fill_record(const struct bounce *bounce)
{
	struct stage_record *record = stage_record();

	if (model_allows((uintptr_t)record, 1))
		guest_fail("the record would not be private");
	*record = (struct stage_record) {
		.magic = STAGE_MAGIC,
		.version = STAGE_VERSION,
		.bytes = sizeof(*record),
		.resident_gpa = (uintptr_t)image_begin,
		.resident_bytes = (uintptr_t)image_end - (uintptr_t)image_begin,
		.monitor = &guest_monitor,
	};
	record->ranges = bounce_ranges(bounce, record->range, STAGE_RANGES);
	report_demand(record->ranges == SLABS, "each slab is one range");
	record->left_out = record->range[--record->ranges];
	memset(&record->range[record->ranges], 0, sizeof(record->range[0]));
	report_pass_on(&record->report);
}

/* As if every slot had been used: bytes that must be gone afterwards. */
static void leave_bytes(void)
{
	memset((void *)(uintptr_t)guest_cpu.pool_gpa, LEFT, GUEST_POOL_BYTES);
	memset((void *)(uintptr_t)guest_cpu.control_gpa, LEFT,
	       GUEST_CONTROL_POOL_BYTES);
}

_Noreturn void handover_run(void)
{
	struct guest_image image;
	struct bounce *bounce;
	struct bounce_pool *pool;
	struct bounce_space *space;
	const char *why;

	report_stage("handing over to a second image");
	bounce = begin(&pool);
	space = open_disk(bounce, pool);
	read_image();
	why = loader_place(&image);
	if (why != NULL)
		guest_fail(why);
	if (!blk_close(&disk) || !transport_stop() ||
	    bounce_space_fini(space) != BOUNCE_OK)
		guest_fail("a device did not become quiet");
	leave_bytes();
	fill_record(bounce);
	cpu_enter(&image);
}
