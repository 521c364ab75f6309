/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fixed.c - one size, one direction, so many mappings outstanding; peers take
 * turns in slices of a few milliseconds, so that what disturbs the machine
 * disturbs all of them.
 *
 * Each lane holds a ring of live mappings; an operation ends the oldest and
 * makes a new one. Short operations are timed in batches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "plan.h"
#include "sample.h"

#define CACHE_LINE 64u
#define BATCH 16u
#define HOPELESS 1000000
#define LONG_NS 4000 /* operations longer than this are timed one by one */

/* What a lane counts: on lines of its own, or lanes would slow one another. */
struct tally {
	_Alignas(CACHE_LINE) struct histogram calls;
	uint64_t ticks;
	uint64_t operations;
	uint64_t refused;
};

/* What every lane of a slice does; nobody writes it meanwhile. */
struct slice {
	const struct peer *peer;
	struct request **request; /* of each lane: depth of them */
	uint32_t depth;
	uint32_t batch;
	double ns;
	struct tally *tally; /* of each lane */
};

static void must_map(const struct slice *slice, uint32_t lane,
		     const struct request *request, struct handle *handle)
{
	uint64_t refused = 0;

	/* No room: only where lanes compete for the last slots. */
	while (__builtin_expect(!slice->peer->map(lane, request, handle), 0))
		if (++refused == HOPELESS) {
			fprintf(stderr, "bounce-bench: %s never maps %u B\n",
				slice->peer->name, request->len);
			exit(1);
		}
	if (refused != 0)
		slice->tally[lane].refused += refused;
}

/* Make @depth mappings; and at the end, unmap them. */
static void fill(const struct slice *slice, uint32_t lane, struct handle *ring)
{
	for (uint32_t i = 0; i < slice->depth; i++) {
		ring[i].number = i;
		must_map(slice, lane, &slice->request[lane][i], &ring[i]);
	}
}

static void drain(const struct slice *slice, uint32_t lane, struct handle *ring)
{
	for (uint32_t i = 0; i < slice->depth; i++)
		slice->peer->unmap(lane, &slice->request[lane][i], &ring[i]);
}

/* One operation: the oldest ends, a new one begins. */
static inline void turn(const struct slice *slice, uint32_t lane,
			struct handle *ring, uint32_t *at)
{
	struct request *request = &slice->request[lane][*at];

	slice->peer->unmap(lane, request, &ring[*at]);
	must_map(slice, lane, request, &ring[*at]);
	if (++*at == slice->depth)
		*at = 0;
}

static void warm(const struct slice *slice, uint32_t lane, struct handle *ring)
{
	uint64_t end = ticks() + ns_to_ticks(slice->ns / 8);
	uint32_t at = 0;

	do
		for (uint32_t i = 0; i < slice->depth; i++)
			turn(slice, lane, ring, &at);
	while (ticks() < end);
}

static void work(void *arg, uint32_t lane)
{
	const struct slice *slice = arg;
	struct handle *ring = calloc(slice->depth, sizeof(*ring));
	struct tally *tally = &slice->tally[lane];
	uint64_t length = ns_to_ticks(slice->ns);
	uint64_t operations = 0;
	uint32_t at = 0;
	uint64_t first;
	uint64_t now;

	if (ring == NULL)
		exit(1);
	fill(slice, lane, ring);
	warm(slice, lane, ring);
	first = now = ticks();
	do {
		uint64_t before = now;

		for (uint32_t i = 0; i < slice->batch; i++)
			turn(slice, lane, ring, &at);
		now = ticks();
		histogram_add(&tally->calls, now - before);
		operations += slice->batch;
	} while (now - first < length);
	tally->ticks = now - first;
	tally->operations = operations;
	drain(slice, lane, ring);
	free(ring);
}

/* ---- one cell of the table ---- */

struct cell {
	const struct plan *plan;
	struct request like;
	uint32_t depth;
	struct sample sample[PEERS];
	struct request *request[PEERS][LANES];
	uint64_t refused[PEERS];
};

static bool takes_part(const struct cell *cell, const struct peer *peer)
{
	return cell->like.len <= peer->most &&
	       (peer->hows & HOW_SET(cell->like.how)) != 0;
}

/* A short slice first, to learn how long an operation is. */
static uint32_t batch_for(struct slice *slice, uint32_t lanes)
{
	double ns = slice->ns;

	slice->ns = 2e5;
	slice->batch = 1;
	run_lanes(lanes, work, slice);
	slice->ns = ns;
	return ticks_to_ns((double)slice->tally->ticks) >
			       LONG_NS * (double)slice->tally->operations ?
		       1 :
		       BATCH;
}

static void run_slice(struct cell *cell, uint32_t peer)
{
	static struct tally tally[LANES];
	uint32_t lanes = cell->plan->setup.lanes;
	struct sample *sample = &cell->sample[peer];
	struct slice slice = {
		.peer = cell->plan->peer[peer],
		.request = cell->request[peer],
		.depth = cell->depth,
		.batch = sample->batch,
		.ns = cell->plan->ms * 1e6,
		.tally = tally,
	};
	uint64_t ticks = 0;
	uint64_t operations = 0;

	if (sample->batch == 0) {
		sample->batch = batch_for(&slice, lanes);
		slice.batch = sample->batch;
	}
	memset(tally, 0, sizeof(tally));
	run_lanes(lanes, work, &slice);
	for (uint32_t lane = 0; lane < lanes; lane++) {
		histogram_merge(&sample->calls, &tally[lane].calls);
		ticks += tally[lane].ticks;
		operations += tally[lane].operations;
		cell->refused[peer] += tally[lane].refused;
	}
	sample_slice(sample, ticks, operations, lanes);
}

static void prepare(struct cell *cell)
{
	const struct plan *plan = cell->plan;

	for (uint32_t peer = 0; peer < plan->peers; peer++)
		for (uint32_t lane = 0; lane < plan->setup.lanes; lane++)
			/* The same buffers for all, but for born-shared. */
			cell->request[peer][lane] =
				peer != 0 ?
					cell->request[0][lane] :
					make_requests(plan, plan->peer[0], lane,
						      &cell->like, cell->depth);
}

static void run_cell(struct cell *cell)
{
	const struct plan *plan = cell->plan;

	prepare(cell);
	for (uint32_t round = 0; round < plan->rounds; round++)
		for (uint32_t peer = 0; peer < plan->peers; peer++)
			if (takes_part(cell, plan->peer[peer]))
				run_slice(cell, peer);
	for (uint32_t peer = 0; peer < plan->peers; peer++) {
		if (!takes_part(cell, plan->peer[peer]))
			continue;
		print_key(plan, "fixed", plan->peer[peer]);
		printf("size=%u how=%s depth=%u ", cell->like.len,
		       how_name(cell->like.how), cell->depth);
		sample_print(&cell->sample[peer]);
		printf(" refused=%llu\n",
		       (unsigned long long)cell->refused[peer]);
	}
}

/* Half of the pool at most, so that nobody's search runs long for room. */
static bool fits(const struct plan *plan, uint32_t size, uint32_t depth)
{
	uint64_t slot = size < 4096 ? 4096 : size;

	return slot * depth * plan->setup.lanes <=
	       plan->setup.pool_bytes * 3 / 4;
}

void run_fixed(const struct plan *plan)
{
	for (uint32_t h = 0; h < plan->hows; h++)
		for (uint32_t s = 0; s < plan->sizes; s++)
			for (uint32_t d = 0; d < plan->depths; d++) {
				struct cell *cell = calloc(1, sizeof(*cell));

				if (cell == NULL)
					exit(1);
				cell->plan = plan;
				cell->like.len = plan->size[s];
				cell->like.how = plan->how[h];
				cell->depth = plan->depth[d];
				if (fits(plan, plan->size[s], plan->depth[d]))
					run_cell(cell);
				free(cell);
			}
}
