/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * plan.h - what one run of the program measures: the words of its command
 * line. One process has one setup; bench/plan.py has the list of processes.
 */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include "peer.h"

#define PEERS 12u
#define VALUES 16u

struct plan {
	struct setup setup;
	const struct peer *peer[PEERS];
	uint32_t peers;
	uint32_t size[VALUES]; /* bytes */
	uint32_t sizes;
	uint32_t depth[VALUES]; /* mappings outstanding, a lane */
	uint32_t depths;
	enum how how[VALUES];
	uint32_t hows;
	uint32_t percent[VALUES]; /* of the pool that is claimed */
	uint32_t percents;
	const char *mix[VALUES]; /* names of mixes.h */
	uint32_t mixes;
	uint32_t rounds; /* slices for each peer, in turn */
	double ms; /* of a slice */
	uint64_t count; /* operations, where time does not matter */
};

const char *how_name(enum how how);
const char *layout_name(enum layout layout);

/* Prints the words that every result begins with. */
void print_key(const struct plan *plan, const char *what,
	       const struct peer *peer);

/* One kind of measurement each; main.c tells what they are for. */
void run_fixed(const struct plan *plan);
void run_cold(const struct plan *plan);
void run_cross(const struct plan *plan);
void run_mixed(const struct plan *plan);
void run_full(const struct plan *plan);
void run_stopped(const struct plan *plan);
void run_noise(const struct plan *plan);
void run_account(const struct plan *plan);
void run_count(const struct plan *plan);

/* Buffers of a lane: @count of @bytes each, touched unless @how copies
 * nothing. With min_align_mask they begin anywhere in a page. */
struct request *make_requests(const struct plan *plan, const struct peer *peer,
			      uint32_t lane, const struct request *like,
			      uint32_t count);

/* A small generator of numbers; any seed but 0. */
static inline uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

#endif
