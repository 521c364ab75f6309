/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * churn.h - the traffic of one CPU: buffers of every size and kind, mapped,
 * synced and ended in no order, with every byte checked on the way.
 *
 * No device works on them: the same CPU plays it, at the address that the
 * device would be told. So each side of the library is seen, and a byte that
 * anybody else puts there is noticed.
 *
 *   C1  A piece belongs to one CPU, its private buffer and its shared bytes,
 *       from its map to its unmap. The pool belongs to all.
 *   C2  A full pool is no failure: the round is over, others go on.
 */
#ifndef CHURN_H
#define CHURN_H

#include "guest.h"

#define CHURN_PIECES 8u /* live at the same time */
#define CHURN_BYTES (1u << 20) /* the largest */
#define CHURN_SKEW 64u /* buffers begin at odd addresses */
#define CHURN_LANES 2u

/* What a piece is to the device. */
enum churn_kind {
	CHURN_TO = 0, /* it reads */
	CHURN_FROM = 1, /* it writes, and says how much */
	CHURN_BOTH = 2,
	CHURN_BORN = 3, /* memory of bounce_alloc(), a part of it mapped */
	CHURN_KINDS = 4,
};

struct churn_piece {
	bool live;
	enum churn_kind kind;
	uint64_t seed; /* of the bytes that the device sees */
	struct bounce_queue *queue;
	struct bounce_buf buf;
	struct bounce_mapping mapping;
	struct bounce_mapping inner; /* CHURN_BORN: of the part */
};

struct churn {
	struct bounce_queue *lane[CHURN_LANES];
	uint64_t random;
	uint64_t maps; /* mappings made */
	uint64_t full; /* maps that found no room (C2) */
	const char *failure; /* the first one, a sentence; NULL: none */
	struct churn_piece piece[CHURN_PIECES];
	unsigned char memory[CHURN_PIECES][CHURN_BYTES + CHURN_SKEW];
};

/*
 * churn_init() - forget all, and take two lanes of a device: one of the CPU's
 * own, and one that other CPUs use, too.
 */
void churn_init(struct churn *churn, struct bounce_queue *own,
		struct bounce_queue *common, uint64_t seed);

/* churn_round() - begin, sync or end a piece. False after a failure. */
bool churn_round(struct churn *churn);

/* churn_end() - end all pieces. False after a failure. */
bool churn_end(struct churn *churn);

/* ---- for scenarios with mappings of their own ---- */

/* churn_view() - where the CPU sees what the device sees. */
unsigned char *churn_view(const struct bounce_mapping *mapping);

#endif
