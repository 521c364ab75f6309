/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * image_run.c - a whole disk image in, from one process, and out, to another;
 * then each is told of a page that it was not given.
 */
#include "image.h"
#include "world.h"

#define SECTORS (GUEST_IMAGE_BYTES / GUEST_SECTOR_BYTES)
#define CANARY 0x5au

static struct blk in;
static struct blk out;
static unsigned char page[GUEST_CONTROL_BYTES];

static void open_disk(struct world *world, enum guest_role role,
		      struct blk *blk, const char *image)
{
	struct world_daemon daemon;

	world_daemon(&daemon, image, role == GUEST_OUT0);
	if (!frontend_open(role, daemon.command))
		guest_fail("qemu-storage-daemon does not answer");
	if (world_open(world, role, blk) != BOUNCE_OK)
		guest_fail("a disk was refused");
}

static void pass(struct world *world, const char *name, struct blk *blk,
		 bool write)
{
	const struct image_pass pass = {
		.write = write,
		.to = SECTORS,
		.seed = UINT64_C(0x9e3779b97f4a7c15) + write,
	};
	uint64_t calls = model_calls();
	unsigned char digest[SHA256_BYTES];
	struct report_use use = {
		.pool = world->pool,
		.pool_bytes = HOST_POOL_BYTES,
		.share_calls_start = world->share_calls,
		.digest = digest,
	};

	report_demand(blk->sectors >= SECTORS, "the disk holds the image");
	report_demand(image_pass(blk, &pass), "moving the image");
	use.share_calls_io = model_calls() - calls;
	image_digest(digest);
	report_row(name, &blk->driver, &use);
}

/* The address that a driver without libbounce would give. */
static enum blk_result raw(struct blk *blk, bool write)
{
	const struct blk_raw raw = {
		.write = write,
		.unchecked = true,
		.sector = write ? GUEST_CONTROL_SECTOR : 0,
		.bus = { (uintptr_t)page },
		.len = sizeof(page),
	};

	return blk_raw(blk, &raw);
}

static void reach_for_private(void)
{
	bool good;

	memset(page, CANARY, sizeof(page));
	good = raw(&in, false) == BLK_SILENCE;
	for (uint32_t i = 0; i < sizeof(page); i++)
		good = good && page[i] == CANARY;
	report_control("in0", "private_write", good,
		       "told to write to a private page: it has none at that "
		       "address, and its ring stops");
	for (uint32_t i = 0; i < sizeof(page); i += GUEST_TEXT_BYTES)
		memcpy(page + i, GUEST_SECRET_TEXT, GUEST_TEXT_BYTES);
	report_control("out0", "private_read", raw(&out, true) == BLK_SILENCE,
		       "told to read one: the same; the secret is not on the "
		       "disk");
}

void image_run(struct world *world, const char *from, const char *to)
{
	report_total(2 * (uint64_t)GUEST_IMAGE_BYTES);
	report_stage("copying an image");
	open_disk(world, GUEST_IN0, &in, from);
	open_disk(world, GUEST_OUT0, &out, to);
	pass(world, "in0", &in, false);
	pass(world, "out0", &out, true);
	reach_for_private();
	report_demand(blk_close(&in) && blk_close(&out), "the disks ended");
}
