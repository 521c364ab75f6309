/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * image.c - the input image, moved in requests of every size.
 *
 * Sizes, cuts and places come from a seeded generator: every run does the same.
 * Each request in flight has a private buffer of its own; its segments lie
 * there at odd addresses, with guard bytes before, between and behind them that
 * must come back as they were.
 */
#include "image.h"
#include "report.h"

#define REQUEST_BYTES_SHIFT 20 /* at most 1 MiB a request */
#define REQUEST_SIZES 12u /* 2^0 .. 2^11 sectors */
#define REQUEST_MAX (1u << (REQUEST_SIZES - 1))
_Static_assert(REQUEST_MAX *GUEST_SECTOR_BYTES == 1u << REQUEST_BYTES_SHIFT,
	       "one sector to 1 MiB");

/* Another CPU may hold the pool; it lets go sooner than this. */
#define ROOM_MILLISECONDS 5000u

#define GUARD_BYTES 64u
#define GUARD 0xa5u
#define GAP_BYTES 4096u /* guard and at most so much before a segment */
#define BUFFER_BYTES                   \
	((1u << REQUEST_BYTES_SHIFT) + \
	 BLK_SEGMENTS * (GUARD_BYTES + GAP_BYTES) + GUARD_BYTES)

static unsigned char image[GUEST_IMAGE_BYTES];
static unsigned char buffer[BLK_IN_FLIGHT][BUFFER_BYTES];

/* One request: where its segments lie in its buffer. */
struct piece {
	bool in_use;
	uint64_t sector;
	uint32_t bytes;
	uint32_t segments;
	uint32_t at[BLK_SEGMENTS]; /* offset in the buffer */
	uint32_t len[BLK_SEGMENTS];
};

struct pass {
	struct blk *blk;
	const struct image_pass *what;
	uint64_t random;
	uint64_t next; /* sector that the next request begins with */
	uint64_t planned; /* requests so far */
	uint64_t moved; /* sectors done */
	struct piece piece[BLK_IN_FLIGHT];
};

/* xorshift64 (Marsaglia, Xorshift RNGs, 2003); the state is never 0. */
static uint64_t draw(struct pass *pass, uint64_t below)
{
	pass->random ^= pass->random << 13;
	pass->random ^= pass->random >> 7;
	pass->random ^= pass->random << 17;
	return pass->random % below;
}

/* All sizes are equally likely by order of magnitude; both ends occur. */
static uint64_t draw_sectors(struct pass *pass)
{
	uint64_t most = UINT64_C(1) << draw(pass, REQUEST_SIZES);
	uint64_t sectors = 1 + draw(pass, most);
	uint64_t left = pass->what->to - pass->next;

	if (pass->planned == 0)
		sectors = 1;
	if (pass->planned == 1 || draw(pass, 16) == 0)
		sectors = REQUEST_MAX;
	return sectors < left ? sectors : left;
}

/* Cut the request in segments of at least a byte, at places of their own. */
static void plan(struct pass *pass, struct piece *piece)
{
	uint32_t left;
	uint32_t at = 0;

	*piece = (struct piece) { .in_use = true, .sector = pass->next };
	piece->bytes = (uint32_t)draw_sectors(pass) * GUEST_SECTOR_BYTES;
	/* The largest go whole: one mapping, one descriptor. */
	piece->segments = piece->bytes == 1u << REQUEST_BYTES_SHIFT ?
				  1 :
				  1 + (uint32_t)draw(pass, BLK_SEGMENTS);
	left = piece->bytes;
	for (uint32_t i = 0; i < piece->segments; i++) {
		uint32_t rest = piece->segments - 1 - i; /* a byte for each */

		at += GUARD_BYTES + (uint32_t)draw(pass, GAP_BYTES);
		piece->at[i] = at;
		piece->len[i] = rest == 0 ?
					left :
					1 + (uint32_t)draw(pass, left - rest);
		at += piece->len[i];
		left -= piece->len[i];
	}
	pass->next += piece->bytes / GUEST_SECTOR_BYTES;
	pass->planned++;
}

static void set_guards(const struct piece *piece, unsigned char *bytes)
{
	for (uint32_t i = 0; i < piece->segments; i++) {
		memset(bytes + piece->at[i] - GUARD_BYTES, GUARD, GUARD_BYTES);
		memset(bytes + piece->at[i] + piece->len[i], GUARD,
		       GUARD_BYTES);
	}
}

static bool guard_holds(const unsigned char *bytes)
{
	for (uint32_t i = 0; i < GUARD_BYTES; i++)
		if (bytes[i] != GUARD)
			return false;
	return true;
}

static bool guards_hold(const struct piece *piece, const unsigned char *bytes)
{
	for (uint32_t i = 0; i < piece->segments; i++)
		if (!guard_holds(bytes + piece->at[i] - GUARD_BYTES) ||
		    !guard_holds(bytes + piece->at[i] + piece->len[i]))
			return false;
	return true;
}

/* Between the image and the segments: @out of the image. */
static void move(const struct piece *piece, unsigned char *bytes, bool out)
{
	unsigned char *from = image + piece->sector * GUEST_SECTOR_BYTES;

	for (uint32_t i = 0; i < piece->segments; i++) {
		if (out)
			memcpy(bytes + piece->at[i], from, piece->len[i]);
		else
			memcpy(from, bytes + piece->at[i], piece->len[i]);
		from += piece->len[i];
	}
}

/* Post a planned piece; ERR_FULL and the like: when others have ended. */
static enum bounce_err post(struct pass *pass, uint32_t index)
{
	const struct piece *piece = &pass->piece[index];
	struct blk_io io = {
		.write = pass->what->write,
		.sector = piece->sector,
		.segments = piece->segments,
		.cookie = index,
	};

	for (uint32_t i = 0; i < piece->segments; i++)
		io.segment[i] = guest_buffer(buffer[index] + piece->at[i],
					     piece->len[i]);
	return blk_submit(pass->blk, &io);
}

/* Wait for any request and take what it brought. */
static bool finish(struct pass *pass)
{
	struct piece *piece;
	uint64_t index;

	if (pass->blk->in_flight == 0 ||
	    blk_reap(pass->blk, &index) != BLK_DONE)
		return false;
	piece = &pass->piece[index];
	if (!guards_hold(piece, buffer[index]))
		return false;
	if (!pass->what->write)
		move(piece, buffer[index], false);
	piece->in_use = false;
	pass->moved += piece->bytes / GUEST_SECTOR_BYTES;
	report_moved(piece->bytes);
	return true;
}

static bool start(struct pass *pass, uint32_t index)
{
	uint64_t until = cpu_milliseconds() + ROOM_MILLISECONDS;
	struct piece *piece = &pass->piece[index];
	enum bounce_err err;

	plan(pass, piece);
	if (pass->what->write)
		move(piece, buffer[index], true);
	set_guards(piece, buffer[index]);
	/* A full pool is no error: an unmap makes room, here or elsewhere. */
	while ((err = post(pass, index)) == BOUNCE_ERR_FULL ||
	       err == BOUNCE_ERR_FRAGMENTED) {
		if (pass->blk->in_flight != 0 && !finish(pass))
			return false;
		if (cpu_milliseconds() > until)
			return false;
	}
	return err == BOUNCE_OK;
}

bool image_pass(struct blk *blk, const struct image_pass *what)
{
	struct pass pass = {
		.blk = blk,
		.what = what,
		.random = what->seed,
		.next = what->from,
	};

	while (pass.moved < what->to - what->from) {
		for (uint32_t i = 0; i < BLK_IN_FLIGHT; i++)
			if (!pass.piece[i].in_use && pass.next < what->to &&
			    !start(&pass, i))
				return false;
		if (!finish(&pass))
			return false;
	}
	return true;
}

void image_clear(void)
{
	memset(image, 0, sizeof(image));
}

void image_digest(unsigned char digest[SHA256_BYTES])
{
	sha256(image, sizeof(image), digest);
}

bool image_equals(uint64_t sector, const void *bytes, size_t len)
{
	return memcmp(image + sector * GUEST_SECTOR_BYTES, bytes, len) == 0;
}
