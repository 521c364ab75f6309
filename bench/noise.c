/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * noise.c - the machine itself: how much a piece of work that is always the
 * same varies while nothing of ours runs beside it, and how long a cache line
 * takes from one CPU to the other, which a hypervisor may change at any time.
 */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "plan.h"
#include "sample.h"

#define HANDOVERS 20000u

static struct histogram spins[LANES];
static struct histogram handovers;
static struct {
	_Alignas(64) _Atomic uint32_t turn;
} ball;

static void work(void *arg, uint32_t lane)
{
	uint64_t end = ticks() + ns_to_ticks(*(const double *)arg);

	do
		histogram_add(&spins[lane], spin());
	while (ticks() < end);
}

/* Two lanes hand a word to and fro; a handover is half of a round. */
static void hand_over(void *arg, uint32_t lane)
{
	uint64_t before = ticks();

	(void)arg;
	for (uint32_t i = 0; i < HANDOVERS; i++) {
		while (ball.turn % 2 != lane)
			__builtin_ia32_pause();
		ball.turn++;
		if (lane == 0) {
			uint64_t now = ticks();

			histogram_add(&handovers, (now - before) / 2);
			before = now;
		}
	}
}

void run_noise(const struct plan *plan)
{
	double ns = plan->ms * 1e6;

	run_lanes(plan->setup.lanes, work, &ns);
	if (plan->setup.lanes == 2 && cpus() >= 2)
		run_lanes(2, hand_over, NULL);
	for (uint32_t lane = 0; lane < plan->setup.lanes; lane++) {
		const struct histogram *h = &spins[lane];
		double best = histogram_part(h, 0);

		printf("kind=noise lane=%u cpus=%u realtime=%d clock_ns=%.1f ",
		       lane, cpus(), real_time(),
		       ticks_to_ns((double)ticks_overhead()));
		printf("handover_ns=%.0f ",
		       ticks_to_ns(histogram_part(&handovers, 0.5)));
		printf("spin_ns=%.0f p50=%.3f p90=%.3f p99=%.3f p999=%.3f "
		       "worst=%.1f\n",
		       ticks_to_ns(best), histogram_part(h, 0.5) / best,
		       histogram_part(h, 0.9) / best,
		       histogram_part(h, 0.99) / best,
		       histogram_part(h, 0.999) / best, (double)h->most / best);
	}
}
