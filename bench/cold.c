/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * cold.c - each call timed alone, and the slot out of the caches before each:
 * what a slot costs that a device has read or written in between.
 */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "plan.h"
#include "sample.h"

#define CACHE_LINE 64u
#define WARM_UP 200u

struct cold {
	const struct peer *peer;
	struct request *request;
	double ns;
	struct sample *sample;
};

static void flush(unsigned char *bytes, uint32_t len)
{
	for (uint32_t i = 0; i < len; i += CACHE_LINE)
		__builtin_ia32_clflush(bytes + i);
	__builtin_ia32_mfence();
}

static uint64_t readings; /* ticks of two readings */

static void learn_readings(void)
{
	readings = UINT64_MAX;
	for (int i = 0; i < 1000; i++) {
		uint64_t from = ticks_settled();
		uint64_t gone = ticks_settled() - from;

		if (gone < readings)
			readings = gone;
	}
}

/* The ticks of one map and one unmap, with the slot flushed behind each. */
static uint64_t one(const struct cold *cold)
{
	struct handle handle = { .number = 0 };
	unsigned char *bytes;
	uint64_t from = ticks_settled();
	uint64_t gone;

	if (!cold->peer->map(0, cold->request, &handle))
		exit(1);
	gone = ticks_settled() - from;
	bytes = cold->peer->bytes(&handle);
	flush(bytes, cold->request->len);
	from = ticks_settled();
	cold->peer->unmap(0, cold->request, &handle);
	gone += ticks_settled() - from;
	flush(bytes, cold->request->len);
	return gone < 2 * readings ? 0 : gone - 2 * readings;
}

static void work(void *arg, uint32_t lane)
{
	struct cold *cold = arg;
	uint64_t end;
	uint64_t sum = 0;
	uint64_t operations = 0;

	(void)lane;
	for (uint32_t i = 0; i < WARM_UP; i++)
		one(cold);
	end = ticks() + ns_to_ticks(cold->ns);
	do {
		uint64_t gone = one(cold);

		histogram_add(&cold->sample->calls, gone);
		sum += gone;
		operations++;
	} while (ticks() < end);
	sample_slice(cold->sample, sum, operations, 1);
}

static void run_cell(const struct plan *plan, const struct request *like)
{
	struct request *request = make_requests(plan, plan->peer[0], 0, like,
						1);
	struct sample *sample = calloc(plan->peers, sizeof(*sample));

	if (sample == NULL)
		exit(1);
	for (uint32_t round = 0; round < plan->rounds; round++)
		for (uint32_t i = 0; i < plan->peers; i++) {
			struct cold cold = {
				.peer = plan->peer[i],
				.request = request,
				.ns = plan->ms * 1e6,
				.sample = &sample[i],
			};

			sample[i].batch = 1;
			if (plan->peer[i]->bytes != NULL &&
			    like->len <= plan->peer[i]->most)
				run_lanes(1, work, &cold);
		}
	for (uint32_t i = 0; i < plan->peers; i++) {
		if (sample[i].slices == 0)
			continue;
		print_key(plan, "cold", plan->peer[i]);
		printf("size=%u how=%s depth=1 ", like->len,
		       how_name(like->how));
		sample_print(&sample[i]);
		printf("\n");
	}
	free(sample);
}

void run_cold(const struct plan *plan)
{
	learn_readings();
	for (uint32_t h = 0; h < plan->hows; h++)
		for (uint32_t s = 0; s < plan->sizes; s++) {
			const struct request like = {
				.len = plan->size[s],
				.how = plan->how[h],
			};

			run_cell(plan, &like);
		}
}
