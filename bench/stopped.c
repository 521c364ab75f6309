/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * stopped.c - lane 0 is stopped at a random instruction for 100 ms, as a CPU
 * is that the hypervisor does not run; do the other lanes go on?
 *
 * A timer sends lane 0 a signal, whose handler sleeps. The others count their
 * operations while it sleeps and while it does not, and the longest.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "plan.h"
#include "sample.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define STOP_NS 100000000
#define RUN_NS 10000000 /* before it, and as much again at random */
#define REST_US 20000 /* between two runs: real-time threads must rest */
#define WAITED_NS (STOP_NS / 2) /* it waited for lane 0 to go on */
#define STOPS 256u

/* Lane 0 runs, sleeps, and has slept. */
enum state {
	STATE_RUNS,
	STATE_STOPPED,
	STATE_OVER,
	STATES
};

/* Of the lane that goes on; one writer. */
struct other {
	_Alignas(64) uint64_t operations[STATES];
	uint64_t ticks[STATES];
	uint64_t longest; /* while lane 0 was stopped */
};

static struct {
	const struct peer *peer;
	struct request *request[LANES];
	uint32_t depth;
	uint64_t random;
	timer_t timer;
	_Alignas(64) _Atomic uint32_t state;
	_Atomic uint32_t done;
	struct other other[LANES];
} run;

static void set_timer(void)
{
	const struct itimerspec when = {
		.it_value.tv_nsec = RUN_NS +
				    (long)(next_random(&run.random) % RUN_NS),
	};

	timer_settime(run.timer, 0, &when, NULL);
}

/* On lane 0, wherever it was. */
static void stop(int signal)
{
	const struct timespec length = { .tv_nsec = STOP_NS };

	(void)signal;
	run.state = STATE_STOPPED;
	nanosleep(&length, NULL);
	run.state = STATE_OVER;
	run.done = 1;
}

static void make_timer(void)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGUSR1,
	};

	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &event, &run.timer) != 0)
		exit(1);
}

static void turn(uint32_t lane, struct handle *ring, uint32_t at)
{
	const struct request *request = &run.request[lane][at];

	run.peer->unmap(lane, request, &ring[at]);
	while (!run.peer->map(lane, request, &ring[at]))
		;
}

static void be_stopped(struct handle *ring)
{
	uint32_t at = 0;

	make_timer();
	set_timer();
	while (run.done == 0) {
		turn(0, ring, at);
		at = at + 1 == run.depth ? 0 : at + 1;
	}
	timer_delete(run.timer);
}

static void note(struct other *other, uint64_t gone, uint32_t state)
{
	other->operations[state]++;
	other->ticks[state] += gone;
	if (state == STATE_STOPPED && gone > other->longest)
		other->longest = gone;
}

static void go_on(struct other *other, uint32_t lane, struct handle *ring)
{
	uint64_t now = ticks();
	uint32_t at = 0;

	while (run.done == 0) {
		uint64_t before = now;
		uint32_t state = run.state;

		turn(lane, ring, at);
		at = at + 1 == run.depth ? 0 : at + 1;
		now = ticks();
		/* What began before the stop and ends after it has waited. */
		if (state == STATE_RUNS && run.state != STATE_RUNS)
			state = STATE_STOPPED;
		note(other, now - before, state);
	}
}

static void work(void *arg, uint32_t lane)
{
	struct handle *ring = calloc(run.depth, sizeof(*ring));

	(void)arg;
	if (ring == NULL)
		exit(1);
	for (uint32_t i = 0; i < run.depth; i++) {
		ring[i].number = i;
		while (!run.peer->map(lane, &run.request[lane][i], &ring[i]))
			;
	}
	if (lane == 0)
		be_stopped(ring);
	else
		go_on(&run.other[lane], lane, ring);
	for (uint32_t i = 0; i < run.depth; i++)
		run.peer->unmap(lane, &run.request[lane][i], &ring[i]);
	free(ring);
}

/* ---- all stops of a peer ---- */

struct result {
	double ran[STOPS]; /* operations a microsecond, before the stop */
	double kept[STOPS]; /* in it, as a part of that */
	double longest; /* ns */
	uint32_t waits; /* stops in which somebody waited */
	uint32_t stops;
};

static double rate_of(const struct plan *plan, uint32_t state)
{
	double rate = 0;

	for (uint32_t lane = 1; lane < plan->setup.lanes; lane++) {
		const struct other *other = &run.other[lane];

		if (other->ticks[state] != 0)
			rate += 1e3 * (double)other->operations[state] /
				ticks_to_ns((double)other->ticks[state]);
	}
	return rate;
}

static void one_stop(const struct plan *plan, struct result *result)
{
	double longest = 0;

	run.done = 0;
	run.state = STATE_RUNS;
	for (uint32_t lane = 0; lane < plan->setup.lanes; lane++)
		run.other[lane] = (struct other) { 0 };
	usleep(REST_US);
	run_lanes(plan->setup.lanes, work, NULL);
	for (uint32_t lane = 1; lane < plan->setup.lanes; lane++)
		if (ticks_to_ns((double)run.other[lane].longest) > longest)
			longest = ticks_to_ns((double)run.other[lane].longest);
	result->ran[result->stops] = rate_of(plan, STATE_RUNS);
	result->kept[result->stops] = rate_of(plan, STATE_STOPPED) /
				      rate_of(plan, STATE_RUNS);
	result->waits += longest > WAITED_NS;
	if (longest > result->longest)
		result->longest = longest;
	result->stops++;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a;
	double right = *(const double *)b;

	return (left > right) - (left < right);
}

static void print(const struct plan *plan, const struct request *like,
		  struct result *result)
{
	uint32_t n = result->stops;

	qsort(result->ran, n, sizeof(double), compare);
	qsort(result->kept, n, sizeof(double), compare);
	print_key(plan, "stopped", run.peer);
	printf("size=%u how=%s depth=%u stops=%u waits=%u longest_us=%.1f "
	       "mops=%.3f kept=%.3f kept_least=%.3f\n",
	       like->len, how_name(like->how), run.depth, n, result->waits,
	       result->longest / 1e3, result->ran[n / 2], result->kept[n / 2],
	       result->kept[0]);
}

void run_stopped(const struct plan *plan)
{
	const struct request like = {
		.len = plan->size[0],
		.how = plan->how[0],
	};

	if (plan->setup.lanes < 2 || plan->sizes != 1 || plan->hows != 1 ||
	    plan->depths != 1 || plan->count == 0 || plan->count > STOPS) {
		fprintf(stderr, "bounce-bench: stopped wants lanes=2.., one "
				"size, how and depth, and count=1..256\n");
		exit(2);
	}
	signal(SIGUSR1, stop);
	for (uint32_t i = 0; i < plan->peers; i++) {
		struct result result = { .stops = 0 };

		run.peer = plan->peer[i];
		run.depth = plan->depth[0];
		run.random = i + 1;
		for (uint32_t lane = 0; lane < plan->setup.lanes; lane++)
			run.request[lane] = make_requests(plan, run.peer, lane,
							  &like, run.depth);
		while (result.stops < plan->count)
			one_stop(plan, &result);
		print(plan, &like, &result);
	}
}
