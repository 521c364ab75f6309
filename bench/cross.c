/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * cross.c - mapped on one CPU, unmapped on another: two lanes, each of which
 * maps, hands the mapping to the other, and ends what the other has handed it.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "plan.h"
#include "sample.h"

#define CACHE_LINE 64u

/* From one lane to the other; of `depth` places. */
struct box {
	_Alignas(CACHE_LINE) _Atomic uint64_t sent;
	_Alignas(CACHE_LINE) _Atomic uint64_t taken;
	_Alignas(CACHE_LINE) struct handle *handle;
	struct request *request;
};

struct cross {
	const struct peer *peer;
	struct box box[2]; /* filled by the lane with this number */
	uint32_t depth;
	double ns;
	/* Of each lane, on lines of its own. */
	struct {
		_Alignas(CACHE_LINE) struct histogram map;
		struct histogram unmap;
		uint64_t ticks;
		uint64_t unmapped;
	} tally[2];
	_Alignas(
		CACHE_LINE) _Atomic uint32_t ended; /* lanes that map no more */
};

static void send(struct cross *cross, uint32_t lane)
{
	struct box *box = &cross->box[lane];
	uint64_t sent = atomic_load_explicit(&box->sent, memory_order_relaxed);
	uint64_t at = sent % cross->depth;
	uint64_t from;

	if (sent - atomic_load_explicit(&box->taken, memory_order_acquire) ==
	    cross->depth)
		return;
	from = ticks();
	if (!cross->peer->map(lane, &box->request[at], &box->handle[at]))
		return;
	histogram_add(&cross->tally[lane].map,
		      ticks() - from - ticks_overhead());
	atomic_store_explicit(&box->sent, sent + 1, memory_order_release);
}

/* False when there is nothing. */
static bool take(struct cross *cross, uint32_t lane)
{
	struct box *box = &cross->box[1 - lane];
	uint64_t taken = atomic_load_explicit(&box->taken,
					      memory_order_relaxed);
	uint64_t at = taken % cross->depth;
	uint64_t from;

	if (taken == atomic_load_explicit(&box->sent, memory_order_acquire))
		return false;
	from = ticks();
	cross->peer->unmap(lane, &box->request[at], &box->handle[at]);
	histogram_add(&cross->tally[lane].unmap,
		      ticks() - from - ticks_overhead());
	atomic_store_explicit(&box->taken, taken + 1, memory_order_release);
	cross->tally[lane].unmapped++;
	return true;
}

static void work(void *arg, uint32_t lane)
{
	struct cross *cross = arg;
	uint64_t first = ticks();
	uint64_t end = first + ns_to_ticks(cross->ns);

	do {
		send(cross, lane);
		take(cross, lane);
	} while (ticks() < end);
	cross->tally[lane].ticks = ticks() - first;
	atomic_fetch_add_explicit(&cross->ended, 1, memory_order_acq_rel);
	while (atomic_load_explicit(&cross->ended, memory_order_acquire) < 2 ||
	       take(cross, lane))
		take(cross, lane);
}

/* ---- one cell ---- */

struct cell {
	const struct plan *plan;
	struct request like;
	uint32_t depth;
	struct request *request[2];
	struct {
		struct sample map;
		struct sample unmap;
	} result[PEERS];
};

static void run_slice(struct cell *cell, uint32_t peer)
{
	struct cross *cross = aligned_alloc(CACHE_LINE, sizeof(*cross));
	struct sample *map = &cell->result[peer].map;
	struct sample *unmap = &cell->result[peer].unmap;

	if (cross == NULL)
		exit(1);
	memset(cross, 0, sizeof(*cross));
	cross->peer = cell->plan->peer[peer];
	cross->depth = cell->depth;
	cross->ns = cell->plan->ms * 1e6;
	for (uint32_t lane = 0; lane < 2; lane++) {
		cross->box[lane].request = cell->request[lane];
		cross->box[lane].handle = calloc(cell->depth,
						 sizeof(struct handle));
		for (uint32_t i = 0; i < cell->depth; i++)
			cross->box[lane].handle[i].number = i;
	}
	run_lanes(2, work, cross);
	map->batch = unmap->batch = 1;
	for (uint32_t lane = 0; lane < 2; lane++) {
		histogram_merge(&map->calls, &cross->tally[lane].map);
		histogram_merge(&unmap->calls, &cross->tally[lane].unmap);
		free(cross->box[lane].handle);
	}
	/* An operation is a map and an unmap: the throughput of both lanes. */
	for (int i = 0; i < 2; i++)
		sample_slice(
			i == 0 ? map : unmap,
			cross->tally[0].ticks + cross->tally[1].ticks,
			cross->tally[0].unmapped + cross->tally[1].unmapped, 2);
	free(cross);
}

static void print_half(const struct cell *cell, uint32_t peer, const char *call,
		       const struct sample *sample)
{
	print_key(cell->plan, "cross", cell->plan->peer[peer]);
	printf("size=%u how=%s depth=%u call=%s ", cell->like.len,
	       how_name(cell->like.how), cell->depth, call);
	sample_print(sample);
	printf("\n");
}

static void run_cell(struct cell *cell)
{
	const struct plan *plan = cell->plan;

	for (uint32_t lane = 0; lane < 2; lane++)
		cell->request[lane] = make_requests(plan, plan->peer[0], lane,
						    &cell->like, cell->depth);
	for (uint32_t round = 0; round < plan->rounds; round++)
		for (uint32_t peer = 0; peer < plan->peers; peer++)
			if (cell->like.len <= plan->peer[peer]->most)
				run_slice(cell, peer);
	for (uint32_t peer = 0; peer < plan->peers; peer++) {
		if (cell->like.len > plan->peer[peer]->most)
			continue;
		print_half(cell, peer, "map", &cell->result[peer].map);
		print_half(cell, peer, "unmap", &cell->result[peer].unmap);
	}
}

void run_cross(const struct plan *plan)
{
	if (plan->setup.lanes != 2) {
		fprintf(stderr, "bounce-bench: cross wants lanes=2\n");
		exit(2);
	}
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
				run_cell(cell);
				free(cell);
			}
}
