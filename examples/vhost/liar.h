/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * liar.h - one lie of the twin, and what must come of it.
 *
 *   L1  Every private buffer lies between guards. What a request that did not
 *       end would have filled, is as it was.
 *   L2  What has ended stays: a buffer does not change after its unmap.
 */
#ifndef LIAR_H
#define LIAR_H

#include "world.h"

#define LIAR_REQUESTS 2u /* in flight at once */

/* How it came out. */
enum outcome {
	UNANSWERED, /* the protocol was not kept: the device is not used */
	REFUSED, /* by the library's verdict */
	DONE,
	STATUS,
	LIE,
	SILENCE,
	ANY, /* of the four above: only L1 and L2 count */
};
/* What is in the buffer of a request, from the device. */
enum content {
	SERVED, /* the disk's sectors, if it ended, and nothing, if not */
	NOTHING,
	ZEROS, /* no byte of another owner, though all was reported */
	SOME, /* as many bytes as the lie's number says */
	WHATEVER, /* in those that ended; nothing in the others */
};

struct liar {
	const char *title;
	const char *lie;
	uint64_t number;
	enum outcome outcome;
	enum bounce_err err; /* of the ring's check */
	enum content content;
	const char *text;
};

/* liar_start() - run the twin as the device of a role. */
bool liar_start(enum guest_role role, const char *program, const char *lie,
		uint64_t number);

/* liar_open() - the same for in0, and attach it. */
bool liar_open(const struct world *world, const char *program,
	       const struct liar *liar, struct blk *blk);

/* liar_submit() - a read of two segments into the @index-th buffer. */
void liar_submit(struct blk *blk, uint32_t index);

/* liar_work() - a request for each buffer; until all are done, or one is not.
 * liar_drain(): until none is in flight, or the device is silent. */
enum outcome liar_work(struct blk *blk);
void liar_drain(struct blk *blk);

/* liar_meet() - all of it, as far as it comes; the device is gone afterwards.
 * @err: written: what the ring's check says. */
enum outcome liar_meet(const struct world *world, const char *program,
		       const struct liar *liar, enum bounce_err *err);

/* liar_was() - did it come out so? */
bool liar_was(const struct liar *liar, enum outcome outcome,
	      enum bounce_err err);

/* liar_left_intact() - L1 and L2, and what the buffers hold. */
bool liar_left_intact(const struct liar *liar);

/* liar_name() - an outcome in a word. */
const char *liar_name(enum outcome outcome, enum bounce_err err);

#endif
