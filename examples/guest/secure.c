/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * secure.c - the entry scenario.
 *
 *   E1  Before the entry nothing is shared and nothing is copied: devices are
 *       told of the guest's own pages.
 *   E2  After it they reach what was shared since, and nothing else; whatever
 *       was agreed upon before is void until it is agreed upon again.
 */
#include "secure.h"
#include "control.h"
#include "image.h"
#include "report.h"

#define META_BYTES (1u << 20)
#define PAGE_BYTES 4096u
#define CANARY 0x5au
#define LEGACY_REQUESTER 0xe0u /* nobody's: slot 28 of PCI, no subchannel */

#define IMAGE_SECTORS (GUEST_IMAGE_BYTES / GUEST_SECTOR_BYTES)
#define PART_SECTORS (SECURE_PART_BYTES / GUEST_SECTOR_BYTES)

static unsigned char meta[META_BYTES]
	__attribute__((aligned(BOUNCE_META_ALIGN)));
static unsigned char page[PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));
static struct blk in0;
static struct blk in1;

struct entry {
	struct bounce_arch arch;
	struct bounce *bounce;
	struct bounce_pool *pool;
	struct bounce_space *space;
	struct bounce_mapping kept; /* made before the entry */
	uint64_t calls; /* of the model: to share the pool */
	uint64_t calls_io;
};

static void control(const char *name, bool ok, const char *text)
{
	report_control("entry", name, ok, text);
}

/* ---- an instance of its own ---- */

static enum bounce_err make_instance(struct entry *entry)
{
	const struct bounce_config config = {
		.devices = 4,
		.slabs = 1,
		.slab_chunks = GUEST_POOL_BYTES / BOUNCE_CHUNK_BYTES,
		.blocks = 64,
		.direct = 128, /* parts of all requests of a device, and one */
	};
	const struct bounce_env env = guest_env();
	const struct bounce_monitor monitor = { .arch = &entry->arch };

	cpu_arch(&entry->arch);
	return bounce_init(meta, sizeof(meta), &config, &env, &monitor,
			   &entry->bounce);
}

static enum bounce_err make_pool(struct entry *entry)
{
	const struct bounce_pool_info info = { .slabs = 1 };
	const bounce_gpa_t gpa = { guest_cpu.pool_gpa };
	enum bounce_err err;

	err = bounce_pool_init(entry->bounce, &info, &entry->pool);
	return err == BOUNCE_OK ?
		       bounce_pool_grow(entry->pool, gpa, GUEST_POOL_BYTES) :
		       err;
}

static enum bounce_err make_space(struct entry *entry)
{
	enum bounce_err err;

	err = bounce_space_init(entry->bounce, entry->pool, &entry->space);
	for (unsigned i = 0; i < guest_windows() && err == BOUNCE_OK; i++)
		err = bounce_space_add_window(entry->space,
					      &guest_cpu.window[i]);
	return err;
}

static void open_disk(const struct entry *entry, enum guest_role role,
		      struct blk *blk)
{
	const struct driver_open open = {
		.bounce = entry->bounce,
		.space = entry->space,
		.role = role,
	};

	if (blk_open(blk, &open) != BOUNCE_OK)
		guest_fail("a disk of the entry was refused");
}

static bool has_in1(void)
{
	return guest_windows() > 1;
}

/* ---- before ---- */

static void set_up(struct entry *entry)
{
	model_open();
	if (make_instance(entry) != BOUNCE_OK ||
	    make_pool(entry) != BOUNCE_OK || make_space(entry) != BOUNCE_OK ||
	    !transport_start(entry->bounce, entry->space))
		guest_fail("an unprotected guest could not begin");
	open_disk(entry, GUEST_IN0, &in0);
	if (has_in1())
		open_disk(entry, GUEST_IN1, &in1);
}

/* Sectors [@from, @to) by @blk, counted. */
static bool read_part(struct entry *entry, struct blk *blk, uint64_t from,
		      uint64_t to)
{
	const struct image_pass pass = {
		.from = from,
		.to = to,
		.seed = UINT64_C(0x2545f4914f6cdd1d) + from,
	};
	uint64_t calls = model_calls();
	bool good = image_pass(blk, &pass);

	entry->calls_io += model_calls() - calls;
	return good;
}

/* E1, by what the library counted and by what the model saw. */
static bool nothing_bounced(const struct blk *blk)
{
	struct bounce_device_stats stats;

	bounce_device_stats(blk->driver.requester, &stats);
	return blk->driver.answer.verdict.kind == BOUNCE_VERDICT_DIRECT &&
	       stats.maps != 0 && stats.bytes_to == 0 && stats.bytes_from == 0;
}

/* What private_read and legacy look for, where nothing is in the way. */
static void run_open(const struct entry *entry)
{
	static struct blk out0;
	struct bounce_device_info info = {
		.space = entry->space,
		.transport = guest_cpu.transport,
		.requester = LEGACY_REQUESTER,
	};
	struct bounce_negotiation answer;
	struct bounce_device *legacy;
	bool good;

	open_disk(entry, GUEST_OUT0, &out0);
	control_secret_leaks("entry", "entry_leak", &out0);
	if (!blk_close(&out0))
		guest_fail("the second disk was not closed");
	good = bounce_device_attach(entry->bounce, &info, &legacy, &answer) ==
		       BOUNCE_OK &&
	       answer.verdict.kind == BOUNCE_VERDICT_DIRECT &&
	       bounce_device_detach(legacy) == BOUNCE_OK;
	control("entry_legacy", good,
		"a legacy device was welcome, as nothing was protected");
}

static void run_before(struct entry *entry)
{
	struct blk_raw raw = { .bus = driver_bus_of(&in0.driver, page),
			       .len = PAGE_BYTES };
	uint64_t calls = model_calls();
	bool good;

	good = read_part(entry, &in0, 0, IMAGE_SECTORS / 2) &&
	       nothing_bounced(&in0);
	if (has_in1())
		good = good && read_part(entry, &in1, 0, PART_SECTORS) &&
		       nothing_bounced(&in1);
	control("entry_direct",
		good && model_calls() == calls && model_shared_granules() == 0,
		"before it was secure the guest let its devices at its own "
		"pages: no page was shared, no byte was copied");
	memset(page, CANARY, sizeof(page));
	control("entry_reach",
		blk_raw(&in0, &raw) == BLK_DONE &&
			image_equals(0, page, PAGE_BYTES),
		"then a device could write to any page: the canary can break");
	run_open(entry);
}

/* ---- the entry ---- */

/* A mapping that the guest still holds when it becomes secure. */
static void keep_mapping(struct entry *entry)
{
	struct bounce_buf buf = guest_buffer(page, sizeof(page));

	if (bounce_map(in0.driver.queue, &buf, BOUNCE_FROM_DEVICE,
		       &entry->kept) != BOUNCE_OK ||
	    entry->kept.bus.v != driver_bus_of(&in0.driver, page).v)
		guest_fail("a page of an unprotected guest was not direct");
	memset(page, CANARY, sizeof(page));
}

static void quiesce(void)
{
	if (!blk_stop(&in0) || (has_in1() && !blk_stop(&in1)) ||
	    !transport_stop())
		guest_fail("the devices could not be quiesced");
}

/* With rings in use, and before the monitor agrees, nothing must change. */
static void enter_too_early(const struct entry *entry)
{
	bool good = bounce_enter_secure(entry->bounce) == BOUNCE_ERR_BUSY;

	quiesce();
	good &= bounce_enter_secure(entry->bounce) == BOUNCE_ERR_HOST;
	control("entry_too_early",
		good && bounce_mapping_valid(in0.driver.queue, &entry->kept) &&
			model_shared_granules() == 0,
		"with rings in use, and while the monitor says no, entry was "
		"refused and changed nothing");
}

static bool pool_is_zero(void)
{
	const unsigned char *pool =
		(const unsigned char *)(uintptr_t)guest_cpu.pool_gpa;

	for (uint32_t i = 0; i < GUEST_POOL_BYTES; i++)
		if (pool[i] != 0)
			return false;
	return true;
}

/* Exactly the pool is shared: as many granules, and each of its own. */
static bool pool_is_shared(const struct entry *entry)
{
	return model_allows(guest_cpu.pool_gpa, GUEST_POOL_BYTES) &&
	       model_shared_granules() << entry->arch.granule_shift ==
		       GUEST_POOL_BYTES;
}

static void enter(struct entry *entry)
{
	uint64_t calls;
	bool good;

	if (!cpu_enter_secure())
		guest_fail("the monitor did not make the guest secure");
	good = model_shared_granules() == 0;
	calls = model_calls();
	good &= bounce_enter_secure(entry->bounce) == BOUNCE_OK;
	entry->calls = model_calls() - calls;
	control("entry_afresh", good && pool_is_shared(entry) && pool_is_zero(),
		"made secure, the guest shared its pool afresh, and no other "
		"page; all of it is zero");
}

/* What was agreed upon before is void (E2). */
static void look_back(const struct entry *entry)
{
	struct bounce_buf buf = guest_buffer(page, sizeof(page));
	struct bounce_mapping mapping;
	struct bounce_verdict verdict;
	bool good = bounce_unmap(in0.driver.queue, &entry->kept, PAGE_BYTES) ==
		    BOUNCE_ERR_STALE;

	for (uint32_t i = 0; i < sizeof(page); i++)
		good &= page[i] == CANARY;
	control("entry_stale", good,
		"a mapping from before is stale, its unmap touched nothing");
	good = bounce_map(in0.driver.queue, &buf, BOUNCE_FROM_DEVICE,
			  &mapping) == BOUNCE_ERR_REFUSED;
	bounce_device_verdict(in0.driver.requester, &verdict);
	control("entry_refused",
		good && verdict.reason == BOUNCE_WHY_UNNEGOTIATED,
		bounce_reason_text(verdict.reason));
}

/* ---- after ---- */

static bool bounced(const struct blk *blk, uint64_t bytes)
{
	struct bounce_device_stats stats;

	bounce_device_stats(blk->driver.requester, &stats);
	return blk->driver.answer.verdict.kind == BOUNCE_VERDICT_BOUNCE &&
	       stats.bytes_from >= bytes;
}

static void run_after(struct entry *entry)
{
	uint64_t half = IMAGE_SECTORS / 2;
	bool good;

	if (!transport_start(entry->bounce, entry->space) ||
	    blk_again(&in0) != BOUNCE_OK ||
	    (has_in1() && blk_again(&in1) != BOUNCE_OK))
		guest_fail("a device was not taken back after the entry");
	good = read_part(entry, &in0, half, IMAGE_SECTORS) &&
	       bounced(&in0, half * GUEST_SECTOR_BYTES);
	if (has_in1())
		good = good &&
		       read_part(entry, &in1, half, half + PART_SECTORS) &&
		       bounced(&in1, SECURE_PART_BYTES);
	control("entry_bounced", good,
		"negotiated again, the same devices went on through the pool");
	control_private_write("entry", &in0);
}

static void report_entry(const struct entry *entry)
{
	unsigned char digest[SHA256_BYTES];
	const struct report_use use = {
		.pool = entry->pool,
		.pool_bytes = GUEST_POOL_BYTES,
		.share_calls_start = entry->calls,
		.share_calls_io = entry->calls_io,
		.digest = digest,
	};

	image_digest(digest);
	report_row("entry", &in0.driver, &use);
}

/* Once more, from secure to secure: pages that were shared until now. */
static void enter_again(const struct entry *entry)
{
	uint64_t calls;
	bool good;

	quiesce();
	memset((void *)(uintptr_t)guest_cpu.pool_gpa, CANARY, PAGE_BYTES);
	calls = model_calls();
	good = bounce_enter_secure(entry->bounce) == BOUNCE_OK;
	calls = model_calls() - calls;
	control("entry_again",
		good && calls == 2 * entry->calls && pool_is_shared(entry) &&
			pool_is_zero(),
		"entered once more, each page of the pool was taken back and "
		"shared afresh, and is zero");
}

static void tear_down(const struct entry *entry)
{
	bool good;

	good = bounce_device_detach(in0.driver.requester) == BOUNCE_OK;
	if (has_in1())
		good &= bounce_device_detach(in1.driver.requester) == BOUNCE_OK;
	good &= bounce_space_fini(entry->space) == BOUNCE_OK;
	good &= bounce_valid(entry->bounce);
	good &= bounce_pool_fini(entry->pool) == BOUNCE_OK;
	good &= bounce_fini(entry->bounce) == BOUNCE_OK;
	control("entry_returned", good && model_shared_granules() == 0,
		"everything ended, no page is shared any more");
}

void secure_run(void)
{
	static struct entry entry;

	report_stage("becoming secure");
	image_clear();
	set_up(&entry);
	run_before(&entry);
	keep_mapping(&entry);
	enter_too_early(&entry);
	enter(&entry);
	look_back(&entry);
	run_after(&entry);
	report_entry(&entry);
	enter_again(&entry);
	tear_down(&entry);
	image_clear();
}
