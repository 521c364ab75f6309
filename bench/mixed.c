/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * mixed.c - a pool that many sizes share and that is kept at a given load, in
 * pool bytes that the peer itself needs for them: how often a request fails,
 * what an attempt costs, and how many pool bytes a byte in flight takes.
 *
 * An attempt: random mappings end until the next request would fit the load;
 * then it is made. When it fails another mapping ends. No byte is copied.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mixes.h"
#include "sample.h"

#define WARM_UP 6 /* attempts for each mapping that is live, beforehand */
#define WARM_UP_NS 4e8 /* at most */

/* On lines of its own, or lanes would slow one another. */
struct tally {
	_Alignas(64) struct histogram calls;
	uint64_t ticks;
	uint64_t attempts;
};

struct mixed {
	struct load *load; /* of each lane */
	double ns;
	struct tally *tally; /* of each lane */
};

static void warm(void *arg, uint32_t lane)
{
	struct load *load = &((struct mixed *)arg)->load[lane];
	uint64_t end = ticks() + ns_to_ticks(WARM_UP_NS);
	uint64_t failures = 0;

	/* Up to the load, or to where nothing fits any more. */
	while (load->claimed + (64 << 10) < load->target && failures < 1000) {
		uint32_t len = load->mix->size[load->next++ % SIZES];

		if (load->claimed + len <= load->target && !load_map(load, len))
			failures++;
	}
	for (uint64_t i = (uint64_t)load->count * WARM_UP + 1000;
	     i != 0 && ticks() < end; i--)
		load_step(load, false);
	load->attempts = 0;
	load->failures = 0;
	load->overlooked = 0;
}

static void work(void *arg, uint32_t lane)
{
	struct mixed *mixed = arg;
	struct load *load = &mixed->load[lane];
	uint64_t before = load->attempts;
	uint64_t first = ticks();
	uint64_t end = first + ns_to_ticks(mixed->ns);

	do
		for (int i = 0; i < 16; i++)
			load_step(load, false);
	while (ticks() < end);
	mixed->tally[lane].ticks = ticks() - first;
	mixed->tally[lane].attempts = load->attempts - before;
}

/* The same, with a look into each failure: not timed. */
static void look(void *arg, uint32_t lane)
{
	struct load *load = &((struct mixed *)arg)->load[lane];

	for (int i = 0; i < 20000; i++)
		load_step(load, true);
}

/* The tail: each attempt timed alone. */
static void time_each(void *arg, uint32_t lane)
{
	const struct mixed *mixed = arg;
	struct load *load = &mixed->load[lane];
	uint64_t end = ticks() + ns_to_ticks(mixed->ns);
	uint64_t from;

	do {
		from = ticks();
		load_step(load, false);
		histogram_add(&mixed->tally[lane].calls,
			      ticks() - from - ticks_overhead());
	} while (ticks() < end);
}

/* ---- one cell: a mix, a load, all peers in turn ---- */

struct cell {
	const struct plan *plan;
	struct mix mix;
	const char *name;
	uint32_t percent;
	struct load load[PEERS][LANES];
	struct tally tally[LANES];
	struct sample sample[PEERS];
};

static void prepare(struct cell *cell)
{
	const struct setup *setup = &cell->plan->setup;

	for (uint32_t peer = 0; peer < cell->plan->peers; peer++) {
		struct mixed mixed = { .load = cell->load[peer] };

		cell->sample[peer].batch = 1;
		for (uint32_t lane = 0; lane < setup->lanes; lane++) {
			if (!load_init(&cell->load[peer][lane],
				       cell->plan->peer[peer], &cell->mix,
				       lane))
				exit(1);
			cell->load[peer][lane].target = setup->pool_bytes /
							100 * cell->percent /
							setup->lanes;
		}
		run_lanes(setup->lanes, warm, &mixed);
	}
}

static void run_slice(struct cell *cell, uint32_t peer)
{
	uint32_t lanes = cell->plan->setup.lanes;
	struct mixed mixed = {
		.load = cell->load[peer],
		.ns = cell->plan->ms * 1e6,
		.tally = cell->tally,
	};
	uint64_t ticks = 0;
	uint64_t attempts = 0;

	run_lanes(lanes, work, &mixed);
	for (uint32_t lane = 0; lane < lanes; lane++) {
		ticks += cell->tally[lane].ticks;
		attempts += cell->tally[lane].attempts;
		cell->tally[lane].calls = (struct histogram) { 0 };
	}
	sample_slice(&cell->sample[peer], ticks, attempts, lanes);
	mixed.ns /= 4;
	run_lanes(lanes, time_each, &mixed);
	for (uint32_t lane = 0; lane < lanes; lane++)
		histogram_merge(&cell->sample[peer].calls,
				&cell->tally[lane].calls);
}

static void print(const struct cell *cell, uint32_t peer)
{
	const struct plan *plan = cell->plan;
	struct load sum = { 0 };
	uint64_t used;

	for (uint32_t lane = 0; lane < plan->setup.lanes; lane++) {
		const struct load *load = &cell->load[peer][lane];

		sum.attempts += load->attempts;
		sum.failures += load->failures;
		sum.overlooked += load->overlooked;
		sum.claimed += load->claimed;
		sum.asked += load->asked;
	}
	used = plan->peer[peer]->used != NULL ? plan->peer[peer]->used() :
						sum.claimed;
	print_key(plan, "mixed", plan->peer[peer]);
	printf("mix=%s percent=%u ", cell->name, cell->percent);
	sample_print(&cell->sample[peer]);
	printf(" attempts=%llu failures=%llu failed=%.5f overlooked=%llu "
	       "claimed=%.3f used=%.3f per_byte=%.3f\n",
	       (unsigned long long)sum.attempts,
	       (unsigned long long)sum.failures,
	       100.0 * (double)sum.failures / (double)sum.attempts,
	       (unsigned long long)sum.overlooked,
	       (double)sum.claimed / (double)plan->setup.pool_bytes,
	       (double)used / (double)plan->setup.pool_bytes,
	       (double)used / (double)sum.asked);
}

static void run_cell(struct cell *cell)
{
	const struct plan *plan = cell->plan;

	prepare(cell);
	for (uint32_t round = 0; round < plan->rounds; round++)
		for (uint32_t peer = 0; peer < plan->peers; peer++)
			run_slice(cell, peer);
	for (uint32_t peer = 0; peer < plan->peers; peer++) {
		struct mixed mixed = { .load = cell->load[peer] };

		/* Only alone can it be said that there was a run. */
		if (plan->setup.lanes == 1 &&
		    plan->peer[peer]->overlooked != NULL)
			run_lanes(1, look, &mixed);
		print(cell, peer);
		for (uint32_t lane = 0; lane < plan->setup.lanes; lane++)
			load_fini(&cell->load[peer][lane]);
	}
}

void run_mixed(const struct plan *plan)
{
	for (uint32_t m = 0; m < plan->mixes; m++)
		for (uint32_t i = 0; i < plan->percents; i++) {
			struct cell *cell = aligned_alloc(64, sizeof(*cell));

			if (cell == NULL)
				exit(1);
			memset(cell, 0, sizeof(*cell));
			cell->plan = plan;
			cell->name = plan->mix[m];
			cell->percent = plan->percent[i];
			if (!mix_make(&cell->mix, cell->name)) {
				fprintf(stderr, "bounce-bench: no mix '%s'\n",
					cell->name);
				exit(2);
			}
			run_cell(cell);
			free(cell);
		}
}
