/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * liar.c - two reads from a device that lies, and a judgement. Invariants:
 * liar.h.
 */
#include "liar.h"

#include "pattern.h"
#include "twin.h"

#include <stdio.h>

#define SEGMENTS 2u
#define FIRST_BYTES 300u
#define BYTES 1024u
#define SECTOR 5u /* of the first request */
#define GUARD_BYTES 64u
#define CANARY 0x5au

static const char *const outcome_name[] = {
	"unanswered", "refused", "done", "status", "lie", "silence"
};

/* One request, and its private memory. */
struct act {
	bool ended; /* its buffer is the driver's again */
	unsigned char before[GUARD_BYTES];
	unsigned char buffer[BYTES];
	unsigned char behind[GUARD_BYTES];
	unsigned char at_end[BYTES]; /* L2 */
};

static struct act act[LIAR_REQUESTS];
static struct blk twin_disk;

/* ---- one run ---- */

static bool all_are(const unsigned char *bytes, uint32_t from, uint32_t to,
		    unsigned char value)
{
	for (uint32_t i = from; i < to; i++)
		if (bytes[i] != value)
			return false;
	return true;
}

void liar_submit(struct blk *blk, uint32_t index)
{
	struct act *a = &act[index];
	const struct blk_io io = {
		.sector = SECTOR + index * (BYTES / GUEST_SECTOR_BYTES),
		.segments = SEGMENTS,
		.segment = { guest_buffer(a->buffer, FIRST_BYTES),
			     guest_buffer(a->buffer + FIRST_BYTES,
					  BYTES - FIRST_BYTES) },
		.cookie = index,
	};

	memset(a, CANARY, sizeof(*a));
	a->ended = false;
	if (blk_submit(blk, &io) != BOUNCE_OK)
		guest_fail("the pool is large enough for all requests");
}

static enum outcome reap(struct blk *blk)
{
	static const enum outcome as[] = {
		[BLK_DONE] = DONE,
		[BLK_STATUS] = STATUS,
		[BLK_LIE] = LIE,
		[BLK_SILENCE] = SILENCE,
	};
	uint64_t index;
	enum outcome outcome = as[blk_reap(blk, &index)];

	if (outcome == DONE || outcome == STATUS) {
		act[index].ended = true;
		memcpy(act[index].at_end, act[index].buffer, BYTES);
	}
	return outcome;
}

enum outcome liar_work(struct blk *blk)
{
	enum outcome outcome = DONE;

	for (uint32_t i = 0; i < LIAR_REQUESTS; i++)
		liar_submit(blk, i);
	while (outcome == DONE && blk->in_flight > 0)
		outcome = reap(blk);
	return outcome;
}

void liar_drain(struct blk *blk)
{
	enum outcome outcome = DONE;

	while (blk->in_flight > 0 && (outcome == DONE || outcome == STATUS))
		outcome = reap(blk);
}

bool liar_start(enum guest_role role, const char *program, const char *lie,
		uint64_t number)
{
	char text[24];
	char *command[] = { (char *)(uintptr_t)program, (char *)(uintptr_t)lie,
			    text, NULL };

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	return frontend_open(role, command);
}

bool liar_open(const struct world *world, const char *program,
	       const struct liar *liar, struct blk *blk)
{
	return liar_start(GUEST_IN0, program, liar->lie, liar->number) &&
	       world_open(world, GUEST_IN0, blk) == BOUNCE_OK;
}

/* The ring's check, once broken, gives its reason again and again. */
static enum bounce_err ring_error(struct blk *blk)
{
	struct bounce_completion done;

	return bounce_virtio_used(blk->ring.used, &done);
}

/* ---- judgement ---- */

static bool served(const struct act *a, uint32_t index)
{
	uint32_t sector = SECTOR + index * (BYTES / GUEST_SECTOR_BYTES);

	for (uint32_t at = 0; at < BYTES; at += GUEST_SECTOR_BYTES)
		if (!pattern_holds(a->buffer + at, GUEST_SECTOR_BYTES,
				   TWIN_SEED(sector++)))
			return false;
	return true;
}

static bool content_is(const struct act *a, uint32_t index,
		       const struct liar *liar)
{
	uint32_t some = (uint32_t)liar->number;

	if (liar->content == SOME) /* of the first alone, nothing of others */
		return index > 0 ||
		       (all_are(a->buffer, some, BYTES, CANARY) &&
			(some == 0 || a->buffer[some - 1] != CANARY));
	if (!a->ended || liar->content == NOTHING)
		return all_are(a->buffer, 0, BYTES, CANARY);
	if (liar->content == ZEROS)
		return all_are(a->buffer, 0, BYTES, 0);
	return liar->content == WHATEVER || served(a, index);
}

/* L1 and L2. */
bool liar_left_intact(const struct liar *liar)
{
	bool good = true;

	for (uint32_t i = 0; i < LIAR_REQUESTS; i++) {
		const struct act *a = &act[i];

		good &= all_are(a->before, 0, GUARD_BYTES, CANARY);
		good &= all_are(a->behind, 0, GUARD_BYTES, CANARY);
		good &= content_is(a, i, liar);
		good &= !a->ended || memcmp(a->buffer, a->at_end, BYTES) == 0;
	}
	return good;
}

bool liar_was(const struct liar *liar, enum outcome outcome,
	      enum bounce_err err)
{
	if (liar->outcome == ANY)
		return outcome >= DONE;
	return outcome == liar->outcome && (outcome != LIE || liar->err == err);
}

const char *liar_name(enum outcome outcome, enum bounce_err err)
{
	if (outcome != LIE)
		return outcome_name[outcome];
	switch ((int)err) {
	case BOUNCE_ERR_RANGE:
		return "RANGE";
	case BOUNCE_ERR_STALE:
		return "STALE";
	case BOUNCE_ERR_LENGTH:
		return "LENGTH";
	default:
		return "a lie without a name";
	}
}

enum outcome liar_meet(const struct world *world, const char *program,
		       const struct liar *liar, enum bounce_err *err)
{
	enum outcome outcome;

	*err = BOUNCE_OK;
	for (uint32_t i = 0; i < LIAR_REQUESTS; i++) {
		memset(&act[i], CANARY, sizeof(act[i]));
		act[i].ended = false;
	}
	if (!liar_start(GUEST_IN0, program, liar->lie, liar->number))
		return UNANSWERED;
	if (world_open(world, GUEST_IN0, &twin_disk) != BOUNCE_OK) {
		(void)virtio_reset(&twin_disk.driver.device);
		return REFUSED;
	}
	outcome = liar_work(&twin_disk);
	if (outcome == LIE)
		*err = ring_error(&twin_disk);
	if (!blk_close(&twin_disk))
		guest_fail("a mapping did not end");
	return outcome;
}
