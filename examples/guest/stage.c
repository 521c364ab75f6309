/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * stage.c - the program of a second image (stage.h): it takes the first one's
 * slabs over, goes on with its disks, and looks at what a wrong list does.
 *
 *   S1  Each listed page is shared again, by bounce_pool_grow(): nothing of
 *       what lay there is left.
 *   S2  Nothing is believed of the list but that the memory is free to use, and
 *       that not where this image can know better: is_ours().
 */
#include "stage.h"

#include "image.h"

#define META_BYTES (1u << 20)
#define SLABS 4u
#define IMAGE_SECTORS (GUEST_IMAGE_BYTES / GUEST_SECTOR_BYTES)
#define SEED UINT64_C(0x9e3779b97f4a7c15)
#define CANARY 0x5au
#define SECRET 0xa3u

static struct {
	struct bounce_arch arch;
	struct bounce *bounce;
	struct bounce_pool *pool;
	struct bounce_space *space;
	uint64_t granules; /* shared when this image was entered */
	uint64_t calls; /* so far, when it was */
} stage;

static unsigned char meta[META_BYTES]
	__attribute__((aligned(BOUNCE_CHUNK_BYTES)));
static struct blk in0;
static struct blk out0;

/* Of this image, and as good as any of it. */
static unsigned char ours[BOUNCE_CHUNK_BYTES]
	__attribute__((aligned(BOUNCE_CHUNK_BYTES)));

static void control(const char *name, bool ok, const char *text)
{
	report_control("handover", name, ok, text);
}

static void must(enum bounce_err err)
{
	if (err != BOUNCE_OK)
		guest_fail("the second image could not begin");
}

static enum bounce_err grow(uint64_t gpa, uint64_t len)
{
	return bounce_pool_grow(stage.pool, (bounce_gpa_t) { gpa }, len);
}

static enum bounce_err retire(uint64_t gpa)
{
	return bounce_pool_retire(stage.pool, (bounce_gpa_t) { gpa });
}

static bool all(uint64_t gpa, uint64_t len, unsigned char byte)
{
	const unsigned char *bytes = (const unsigned char *)(uintptr_t)gpa;

	for (uint64_t i = 0; i < len; i++)
		if (bytes[i] != byte)
			return false;
	return true;
}

/* ---- the record, and its list ---- */

static const struct stage_record *record(void)
{
	const struct stage_record *record = stage_record();

	if (record->magic != STAGE_MAGIC || record->version != STAGE_VERSION ||
	    record->bytes != sizeof(*record) || record->ranges > STAGE_RANGES)
		guest_fail("the record is not one that this image knows");
	return record;
}

/* A range in the CPU's byte order; the list's is little-endian. */
struct stretch {
	uint64_t gpa;
	uint64_t len;
};

static struct stretch stretch_of(const struct bounce_range *range)
{
	return (struct stretch) { guest_le64(range->gpa),
				  guest_le64(range->len) };
}

static bool meets(const struct stretch *a, uint64_t gpa, uint64_t len)
{
	return a->gpa - gpa < len || gpa - a->gpa < a->len;
}

/*
 * S2. This image, the record, and what of the first image stays. Everything
 * else it does not know yet: what is there may be free, or may be lost.
 */
static bool is_ours(const struct stretch *stretch)
{
	uint64_t begin = (uintptr_t)image_begin;

	return meets(stretch, begin, (uintptr_t)image_end - begin) ||
	       meets(stretch, (uintptr_t)record(), STAGE_RECORD_BYTES) ||
	       meets(stretch, record()->resident_gpa, record()->resident_bytes);
}

/* Why a range is left alone, or BOUNCE_OK: it is a slab of this image's now. */
static enum bounce_err take(const struct bounce_range *range)
{
	const struct stretch stretch = stretch_of(range);

	if (guest_le32(range->state) != BOUNCE_RANGE_SHARED)
		return BOUNCE_ERR_LOST; /* nobody's, for ever */
	if (is_ours(&stretch))
		return BOUNCE_ERR_ARG;
	return grow(stretch.gpa, stretch.len);
}

/* S1. No page of it is handed out yet. */
static bool is_fresh(const struct stretch *stretch)
{
	return all(stretch->gpa, stretch->len, 0) &&
	       model_allows(stretch->gpa, stretch->len);
}

static void take_over(void)
{
	bool good = record()->ranges != 0;

	for (uint32_t i = 0; i < record()->ranges; i++) {
		const struct bounce_range *range = &record()->range[i];
		const struct stretch stretch = stretch_of(range);

		good = good && take(range) == BOUNCE_OK && is_fresh(&stretch);
	}
	control("handed_over",
		good && model_shared_granules() == stage.granules,
		"each listed page was shared once more by the second image, "
		"and holds nothing of the first one's");
}

static void begin(void)
{
	const struct bounce_config config = {
		.slabs = SLABS,
		.devices = 3, /* two disks, and the transport's own */
		.slab_chunks = GUEST_POOL_BYTES / BOUNCE_CHUNK_BYTES,
		.blocks = 64,
	};
	const struct bounce_pool_info info = { .slabs = SLABS };
	const struct bounce_env env = guest_env();
	const struct bounce_monitor monitor = { .arch = &stage.arch };

	cpu_arch(&stage.arch);
	must(bounce_init(meta, sizeof(meta), &config, &env, &monitor,
			 &stage.bounce));
	must(bounce_pool_init(stage.bounce, &info, &stage.pool));
	stage.granules = model_shared_granules();
	stage.calls = model_calls();
}

/* ---- the disks ---- */

static void open_disks(void)
{
	struct driver_open open = { .bounce = stage.bounce };

	must(bounce_space_init(stage.bounce, stage.pool, &stage.space));
	for (unsigned i = 0; i < guest_windows(); i++)
		must(bounce_space_add_window(stage.space,
					     &guest_cpu.window[i]));
	report_space("handover", stage.space);
	if (!transport_start(stage.bounce, stage.space))
		guest_fail("the second image's transport does not work");
	open.space = stage.space;
	open.role = GUEST_IN0;
	must(blk_open(&in0, &open));
	open.role = GUEST_OUT0;
	must(blk_open(&out0, &open));
}

/* A text over GUEST_CONTROL_BYTES of the output disk: write it, or find it. */
static bool text_on_disk(bool write, uint64_t sector, const char *text)
{
	static unsigned char bytes[GUEST_CONTROL_BYTES];
	const struct blk_io io = {
		.write = write,
		.sector = sector,
		.segments = 1,
		.segment = { guest_buffer(bytes, sizeof(bytes)) },
	};
	bool good = true;

	for (uint32_t i = 0; write && i < sizeof(bytes); i += GUEST_TEXT_BYTES)
		memcpy(bytes + i, text, GUEST_TEXT_BYTES);
	if (blk_transfer(&out0, &io) != BLK_DONE)
		return false;
	for (uint32_t i = 0; i < sizeof(bytes); i += GUEST_TEXT_BYTES)
		good = good && memcmp(bytes + i, text, GUEST_TEXT_BYTES) == 0;
	return good;
}

/* The whole image, as any other row; and what each image wrote. */
static void go_on(void)
{
	const struct image_pass pass = { .to = IMAGE_SECTORS, .seed = SEED };
	unsigned char digest[SHA256_BYTES];
	struct report_use use = {
		.pool = stage.pool,
		.pool_bytes = GUEST_POOL_BYTES,
		.share_calls_start = model_calls() - stage.calls,
		.digest = digest,
	};
	uint64_t calls;
	bool good;

	open_disks();
	calls = model_calls();
	good = image_pass(&in0, &pass);
	good = good &&
	       text_on_disk(false, GUEST_FIRST_SECTOR, GUEST_FIRST_TEXT) &&
	       text_on_disk(true, GUEST_NEXT_SECTOR, GUEST_NEXT_TEXT);
	use.share_calls_io = model_calls() - calls;
	image_digest(digest);
	report_row("handover", &in0.driver, &use);
	control("handed_goes_on", good,
		"through these slabs the second image read the same disk, and "
		"what the first one had written on the other, and wrote there");
}

/* ---- wrong lists ---- */

/*
 * Told to write the image's first bytes to this page, does the device? One that
 * the bus stopped is started again.
 */
static bool reaches(uint64_t gpa)
{
	unsigned char *page = (unsigned char *)(uintptr_t)gpa;
	const struct blk_raw raw = {
		.bus = driver_bus_of(&in0.driver, page),
		.len = GUEST_CONTROL_BYTES,
	};

	memset(page, CANARY, GUEST_CONTROL_BYTES);
	if (blk_raw(&in0, &raw) == BLK_SILENCE &&
	    (!blk_stop(&in0) || blk_again(&in0) != BOUNCE_OK))
		guest_fail("a disk that was stopped did not start again");
	return !all(gpa, GUEST_CONTROL_BYTES, CANARY);
}

/* A slab that the first image kept back. */
static void find_left_out(void)
{
	const struct stretch out = stretch_of(&record()->left_out);
	bool open = reaches(out.gpa);
	bool private;

	control("handed_unlisted", open,
		"a page that the list leaves out is private memory for the "
		"second image, and a device still writes it: no call tells");
	private = grow(out.gpa, out.len) == BOUNCE_OK &&
		  retire(out.gpa) == BOUNCE_OK && all(out.gpa, out.len, 0);
	control("handed_left_out", private && !reaches(out.gpa),
		"grown and retired, as a range that is doubted, it was "
		"out of the device's reach");
}

static struct bounce_range naming(const void *memory)
{
	return (struct bounce_range) {
		.gpa = guest_le64((uintptr_t)memory),
		.len = guest_le64(BOUNCE_CHUNK_BYTES),
		.state = guest_le32(BOUNCE_RANGE_SHARED),
	};
}

/* A list that names this image's memory, or its library's. */
static void find_private(void)
{
	const uint64_t gpa = (uintptr_t)ours;
	const struct bounce_range named = naming(ours);
	uint64_t calls = model_calls();
	bool kept;

	memset(ours, SECRET, sizeof(ours));
	kept = take(&named) == BOUNCE_ERR_ARG &&
	       grow((uintptr_t)meta, BOUNCE_CHUNK_BYTES) == BOUNCE_ERR_ARG &&
	       all(gpa, sizeof(ours), SECRET) && model_calls() == calls;
	control("handed_private", kept && !reaches(gpa),
		"of a list that names the second image's own memory nothing "
		"was done, and the library refuses its own by itself");
}

/* Its control: the same, believed. */
static void believe_private(void)
{
	const uint64_t gpa = (uintptr_t)ours;
	bool lost;

	memset(ours, SECRET, sizeof(ours));
	lost = grow(gpa, sizeof(ours)) == BOUNCE_OK &&
	       all(gpa, sizeof(ours), 0);
	control("handed_believed",
		lost && reaches(gpa) && retire(gpa) == BOUNCE_OK,
		"without that look the page was lost, and a device's to "
		"write; but of what it held nothing was shown");
}

/* ---- the end ---- */

static void tear_down(void)
{
	bool good = blk_close(&in0);

	good &= blk_close(&out0);
	good &= transport_stop();
	good &= bounce_space_fini(stage.space) == BOUNCE_OK;
	good &= bounce_valid(stage.bounce);
	good &= bounce_pool_fini(stage.pool) == BOUNCE_OK;
	good &= bounce_fini(stage.bounce) == BOUNCE_OK;
	control("handed_returned", good && model_shared_granules() == 0,
		"the second image has ended: no page of either is shared");
}

_Noreturn void guest_main(void)
{
	report_go_on(&record()->report);
	report_stage("in the second image");
	begin();
	take_over();
	go_on();
	find_left_out();
	find_private();
	believe_private();
	tear_down();
	report_stage("finished");
	cpu_exit(report_done());
}
