/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * kills.c - the daemon dies in the middle of its work (SIGKILL), a new one is
 * started, and what was in flight is submitted again: no slot is lost, no
 * request, and no byte of the disk.
 *
 *   K1  Each lane has a stripe of the disk and one request in flight, so that
 *       a write that the dead daemon did, did in part, or did not do, comes to
 *       the same when it is done again.
 *   K2  `model` is the disk as it is once all lanes are idle.
 */
#include "pattern.h"
#include "world.h"

#include <time.h>

#define LANES BLK_IN_FLIGHT
#define STRIPE_SECTORS 1024u
#define STRIPE_BYTES (STRIPE_SECTORS * GUEST_SECTOR_BYTES)
#define REQUEST_SECTORS 512u /* at most */
#define REQUEST_BYTES (REQUEST_SECTORS * GUEST_SECTOR_BYTES)
#define COMPLETIONS 16u /* before a kill, fewer than this */
#define BUSY_PART 10u /* one kill of so many, at least, is in mid-flight */
#define DELAY_NANOSECONDS 100000u /* and then, in half of all, up to this */

struct lane {
	bool busy;
	struct blk_io io;
	unsigned char buffer[REQUEST_BYTES];
};

struct siege {
	struct world *world;
	struct world_daemon daemon;
	struct blk blk;
	struct lane lane[LANES];
	uint64_t random;
	uint64_t completed;
	uint64_t again; /* requests that were submitted again */
	uint64_t busy_kills; /* kills with a request in flight */
	uint64_t lost; /* kills after which a slot was missing */
	uint64_t wrong; /* bytes, or calls, not as they should be */
};

static unsigned char model[LANES * STRIPE_BYTES]; /* K2 */

/* xorshift64 (Marsaglia, Xorshift RNGs, 2003); the state is never 0. */
static uint64_t draw(struct siege *siege, uint64_t below)
{
	siege->random ^= siege->random << 13;
	siege->random ^= siege->random >> 7;
	siege->random ^= siege->random << 17;
	return siege->random % below;
}

/* ---- requests ---- */

static void plan(struct siege *siege, uint32_t index)
{
	struct lane *lane = &siege->lane[index];
	uint64_t sectors = 1 + draw(siege, REQUEST_SECTORS);
	uint64_t first = draw(siege, STRIPE_SECTORS - sectors + 1);
	uint64_t bytes = sectors * GUEST_SECTOR_BYTES;

	lane->io = (struct blk_io) {
		.write = draw(siege, 2) != 0,
		.sector = index * STRIPE_SECTORS + first,
		.segments = 1,
		.segment = { guest_buffer(lane->buffer, bytes) },
		.cookie = index,
	};
	pattern_fill(lane->buffer, (uint32_t)bytes, draw(siege, UINT64_MAX));
	if (lane->io.write)
		memcpy(model + lane->io.sector * GUEST_SECTOR_BYTES,
		       lane->buffer, bytes);
}

static void submit(struct siege *siege, uint32_t index)
{
	struct lane *lane = &siege->lane[index];

	if (blk_submit(&siege->blk, &lane->io) != BOUNCE_OK)
		guest_fail("the pool is large enough for all lanes");
	lane->busy = true;
}

static void finish(struct siege *siege, uint64_t index)
{
	struct lane *lane = &siege->lane[index];
	const unsigned char *should = model +
				      lane->io.sector * GUEST_SECTOR_BYTES;

	lane->busy = false;
	siege->completed++;
	if (memcmp(lane->buffer, should, lane->io.segment[0].len) != 0)
		siege->wrong++;
}

/* A request for each lane. */
static void fill(struct siege *siege)
{
	for (uint32_t i = 0; i < LANES; i++)
		if (!siege->lane[i].busy) {
			plan(siege, i);
			submit(siege, i);
		}
}

/* Until @count requests are done; false when the daemon is silent. */
static bool work(struct siege *siege, uint64_t count)
{
	while (count-- > 0) {
		uint64_t index;

		fill(siege);
		if (blk_reap(&siege->blk, &index) != BLK_DONE)
			return false;
		finish(siege, index);
	}
	return true;
}

/* What is in flight, to its end: of the requests, or of the daemon. */
static void drain(struct siege *siege)
{
	uint64_t index;

	while (siege->blk.in_flight > 0 &&
	       blk_reap(&siege->blk, &index) == BLK_DONE)
		finish(siege, index);
}

/* ---- death and return ---- */

static void strike(struct siege *siege)
{
	const struct timespec delay = {
		.tv_nsec = (long)draw(siege, DELAY_NANOSECONDS),
	};

	fill(siege);
	if (draw(siege, 2) != 0)
		(void)nanosleep(&delay, NULL);
	frontend_kill(GUEST_OUT0);
	drain(siege);
	if (siege->blk.in_flight > 0)
		siege->busy_kills++;
}

/* The driver ends each mapping, with nothing written; then it detaches. */
static bool end_by_driver(struct siege *siege)
{
	return blk_close(&siege->blk);
}

/*
 * The library ends them all at once. They are in quarantine until the process
 * is gone, and the driver's handles are stale.
 */
static bool end_by_revoke(struct siege *siege)
{
	struct bounce_device *device = siege->blk.driver.requester;
	struct bounce_device_stats before;
	struct bounce_device_stats after;
	uint64_t held = world_slots(siege->world);
	bool good;

	bounce_device_stats(device, &before);
	bounce_device_revoke(device);
	good = world_slots(siege->world) == held;
	(void)blk_stop(&siege->blk); /* virtio_reset() waits for the process */
	bounce_device_stats(device, &after);
	good &= after.stale > before.stale;
	good &= after.bytes_from == before.bytes_from;
	good &= bounce_device_quiesced(device) == BOUNCE_OK;
	return bounce_device_detach(device) == BOUNCE_OK && good;
}

static void open_disk(struct siege *siege)
{
	if (!frontend_open(GUEST_OUT0, siege->daemon.command))
		guest_fail("qemu-storage-daemon does not answer");
	if (world_open(siege->world, GUEST_OUT0, &siege->blk) != BOUNCE_OK)
		guest_fail("the disk was refused");
}

static void recover(struct siege *siege, bool revoke)
{
	if (!(revoke ? end_by_revoke(siege) : end_by_driver(siege)) ||
	    !bounce_valid(siege->world->bounce))
		siege->wrong++;
	if (world_slots(siege->world) != 0)
		siege->lost++;
	open_disk(siege);
	for (uint32_t i = 0; i < LANES; i++)
		if (siege->lane[i].busy) {
			submit(siege, i);
			siege->again++;
		}
}

/* ---- the whole ---- */

/* All of the disk, from the model, or to be compared with it. */
static void pass(struct siege *siege, bool write)
{
	static unsigned char disk[sizeof(model)];
	unsigned char *bytes = write ? model : disk;
	struct blk_io io = { .write = write, .segments = 1 };

	for (uint32_t at = 0; at < sizeof(disk); at += REQUEST_BYTES) {
		io.sector = at / GUEST_SECTOR_BYTES;
		io.segment[0] = guest_buffer(bytes + at, REQUEST_BYTES);
		if (blk_transfer(&siege->blk, &io) != BLK_DONE)
			siege->wrong++;
	}
	if (!write && memcmp(disk, model, sizeof(model)) != 0)
		siege->wrong++;
}

static void report(const struct siege *siege, uint32_t count)
{
	unsigned char digest[SHA256_BYTES];

	sha256(model, sizeof(model), digest);
	guest_print("siege kills=%u busy=%lu completed=%lu again=%lu lost=%lu "
		    "wrong=%lu digest=",
		    count, siege->busy_kills, siege->completed, siege->again,
		    siege->lost, siege->wrong);
	for (uint32_t i = 0; i < SHA256_BYTES; i++)
		guest_print("%02x", digest[i]);
	guest_print("\n");
	report_control("killed", "no_slot_lost", siege->lost == 0,
		       "after each kill no slot was in use");
	report_control("killed", "no_byte_lost", siege->wrong == 0,
		       "what was in flight was done by the successor: each "
		       "read, and the whole disk, are as the model has them");
	report_control("killed", "in_flight",
		       siege->busy_kills >= count / BUSY_PART,
		       "daemons died with requests in flight");
}

void kills_run(struct world *world, const char *disk, uint32_t count,
	       uint64_t seed)
{
	static struct siege siege;

	siege = (struct siege) {
		.world = world,
		.random = seed | 1,
	};
	world_daemon(&siege.daemon, disk, true);
	open_disk(&siege);
	pass(&siege, true);
	report_total(count);
	report_stage("killing the daemon");
	for (uint32_t i = 0; i < count; i++) {
		if (!work(&siege, draw(&siege, COMPLETIONS)))
			siege.wrong++;
		strike(&siege);
		recover(&siege, i % 2 != 0);
		report_moved(1);
	}
	drain(&siege);
	pass(&siege, false);
	report(&siege, count);
	report_demand(blk_close(&siege.blk), "the disk ended");
}
