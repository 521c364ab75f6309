/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * full.c - the tail of one lane's unmap while another lane asks a full pool for
 * more: whoever searches in vain must not hold up whoever gives back.
 *
 * The pool is filled with blocks until nothing fits. Then lane 0 asks for
 * 64 KiB again and again, and lane 1 ends a mapping and makes it anew. With
 * one lane there is lane 1's work only, for comparison.
 */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "mixes.h"
#include "sample.h"

#define VAINLY 300 /* failures in a row: the pool is full */
#define ASKED (UINT32_C(64) << 10)

struct full {
	const struct peer *peer;
	struct load *load;
	double ns;
	struct histogram unmap;
	struct histogram map;
	uint64_t turns;
	uint64_t lost; /* mappings whose room was taken in between */
	uint64_t ticks;
	_Alignas(64) uint64_t vain; /* lane 0's, on a line of its own */
	_Alignas(64) _Atomic uint32_t done;
};

static void fill(void *arg, uint32_t lane)
{
	struct load *load = arg;
	int failures = 0;

	(void)lane;
	while (failures < VAINLY && load->count < MOST_LIVE - 1)
		failures = load_map(load,
				    load->mix->size[load->next++ % SIZES]) ?
				   0 :
				   failures + 1;
	/* What is left over for the smallest size, too. */
	while (load->count < MOST_LIVE - 1 && load_map(load, 4096))
		;
}

static void ask_in_vain(struct full *full)
{
	const struct request request = {
		.buffer = full->load->buffer,
		.len = ASKED,
		.how = HOW_NOTHING,
	};
	struct handle handle;

	while (__atomic_load_n((uint32_t *)&full->done, __ATOMIC_RELAXED) ==
	       0) {
		if (full->peer->map(0, &request, &handle))
			full->peer->unmap(0, &request, &handle);
		else
			full->vain++;
	}
}

static void end_and_make(struct full *full, uint32_t lane)
{
	struct load *load = full->load;
	uint64_t first = ticks();
	uint64_t end = first + ns_to_ticks(full->ns);

	load->lane = lane;
	do {
		uint32_t index =
			(uint32_t)(next_random(&load->random) % load->count);
		uint32_t len = load->live[index].len;
		uint64_t from = ticks();

		load_unmap(load, index);
		histogram_add(&full->unmap, ticks() - from - ticks_overhead());
		from = ticks();
		full->lost += !load_map(load, len);
		histogram_add(&full->map, ticks() - from - ticks_overhead());
		full->turns++;
	} while (ticks() < end && load->count > 16);
	full->ticks = ticks() - first;
	__atomic_store_n((uint32_t *)&full->done, 1, __ATOMIC_RELAXED);
}

static void work(void *arg, uint32_t lane)
{
	struct full *full = arg;

	if (full->peer == NULL)
		return;
	/* With one lane there is nobody who asks. */
	if (lane == 0 && full->load->lane != 0)
		ask_in_vain(full);
	else
		end_and_make(full, full->load->lane);
}

static void print(const struct plan *plan, const struct peer *peer,
		  const struct sample *sample, const char *call)
{
	print_key(plan, "full", peer);
	printf("call=%s ", call);
	sample_print(sample);
}

static void run_peer(const struct plan *plan, const struct peer *peer,
		     const struct mix *mix)
{
	struct sample *sample = calloc(2, sizeof(*sample));
	struct full *full = aligned_alloc(64, sizeof(*full));
	struct load load;

	if (sample == NULL || full == NULL || !load_init(&load, peer, mix, 0))
		exit(1);
	run_lanes(1, fill, &load);
	load.lane = plan->setup.lanes - 1;
	sample[0].batch = sample[1].batch = 1;
	for (uint32_t round = 0; round < plan->rounds; round++) {
		*full = (struct full) {
			.peer = peer,
			.load = &load,
			.ns = plan->ms * 1e6,
		};
		run_lanes(plan->setup.lanes, work, full);
		histogram_merge(&sample[0].calls, &full->unmap);
		histogram_merge(&sample[1].calls, &full->map);
		sample_slice(&sample[0], full->ticks, full->turns, 1);
		sample_slice(&sample[1], full->ticks, full->turns, 1);
	}
	print(plan, peer, &sample[0], "unmap");
	printf(" live=%u vain_us=%.2f\n", load.count,
	       plan->setup.lanes == 1 || full->vain == 0 ?
		       0 :
		       ticks_to_ns((double)full->ticks) / 1e3 /
			       (double)full->vain);
	print(plan, peer, &sample[1], "map");
	printf(" lost=%llu\n", (unsigned long long)full->lost);
	load_fini(&load);
	free(full);
	free(sample);
}

void run_full(const struct plan *plan)
{
	struct mix *mix = malloc(sizeof(*mix));

	if (mix == NULL || plan->setup.lanes > 2 || !mix_make(mix, "blocks")) {
		fprintf(stderr, "bounce-bench: full wants lanes=1 or 2\n");
		exit(2);
	}
	for (uint32_t i = 0; i < plan->peers; i++)
		run_peer(plan, plan->peer[i], mix);
	free(mix);
}
