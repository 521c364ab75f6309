/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * oracle.h - the pool as it should be: a byte map, searched position by
 * position, that judges every claim and release of the real one.
 *
 *   O1  What was claimed overlaps nothing that is claimed, lies in one chunk
 *       or begins one, and satisfies W1 to W4 as they are written in window.h.
 *   O2  A claim fails only when no position of the byte map would do, and with
 *       the right error: UNREACHABLE when none would in an empty pool, FULL
 *       when fewer slots are free than it takes, FRAGMENTED otherwise.
 *   O3  After every step the pool's words are the byte map, and
 *       bounce_pool_valid() holds.
 *   O4  Tenants do not share a split slot.
 *
 * One thread. Every call returns NULL, or the sentence that is not true. An
 * oracle has no pointer into itself: it may be copied and put back, together
 * with the instance's memory.
 */
#ifndef TESTS_ORACLE_H
#define TESTS_ORACLE_H

#include "instance.h"
#include "support.h"

#define ORACLE_SLOTS 1024u /* of the whole instance */
#define ORACLE_RUNS 256u
#define ORACLE_BLOCKS 16u

/* What to claim: a buffer of @len bytes at gpa bits @p. */
struct oracle_wish {
	struct bounce_limits limits;
	uint64_t p;
	uint64_t len;
	uint32_t shift;
};

struct oracle_run {
	struct bounce_run run;
	uint64_t generation;
	bool live;
};

/* A slot that the pool has split; empty ones may go back at any claim. */
struct oracle_split {
	uint64_t busy; /* granules */
	uint32_t slot; /* of the instance */
	uint32_t tenant;
	bool there;
};

struct oracle {
	struct bounce *bounce;
	struct bounce_pool *pool;
	uint16_t queue; /* in whose name records are published */
	uint32_t live;
	uint16_t user[ORACLE_SLOTS]; /* 0: free; else run or split, plus one */
	struct oracle_split split[ORACLE_BLOCKS];
	struct oracle_run run[ORACLE_RUNS];
};

/* No limits, slot-sized: @slots slots, or more than 64 as whole chunks. */
struct oracle_wish oracle_slots(uint32_t slots);
struct oracle_wish oracle_granules(uint32_t granules);

/* The bench's pool, in which nothing is claimed. */
void oracle_init(struct oracle *oracle, const struct bench *bench);

/* Claim and judge. @err: what the pool said; ERR_RANGE when no place could
 * ever do. @index: in run[], on OK. Either may be NULL. */
const char *oracle_claim(struct oracle *oracle, const struct oracle_wish *wish,
			 const struct pool_client *client, enum bounce_err *err,
			 uint32_t *index);

/* Release a live run, and judge. */
const char *oracle_release(struct oracle *oracle, uint32_t index);

/* Release all live runs. */
const char *oracle_release_all(struct oracle *oracle);

/* O3. */
const char *oracle_check(struct oracle *oracle);

/* Is no slot of a slab claimed? */
bool oracle_is_empty(const struct oracle *oracle, uint32_t slab);

#endif
