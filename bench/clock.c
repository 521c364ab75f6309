/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * clock.c - time, pinned threads, and the machine's noise; see clock.h.
 */
#include "clock.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "peer.h"

#define PRIORITY 50
#define STEPS 2000u

static double ticks_per_ns;
static uint64_t overhead;
static cpu_set_t allowed;

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

void clock_init(void)
{
	double from = now_ns();
	uint64_t first = ticks();
	double to;

	sched_getaffinity(0, sizeof(allowed), &allowed);
	do
		to = now_ns();
	while (to - from < 2e7);
	ticks_per_ns = (double)(ticks() - first) / (to - from);
	overhead = UINT64_MAX;
	for (int i = 0; i < 10000; i++) {
		uint64_t begin = ticks();
		uint64_t gone = ticks() - begin;

		if (gone < overhead)
			overhead = gone;
	}
}

double ticks_to_ns(double count)
{
	return count / ticks_per_ns;
}

uint64_t ns_to_ticks(double ns)
{
	return (uint64_t)(ns * ticks_per_ns);
}

uint64_t ticks_overhead(void)
{
	return overhead;
}

uint32_t cpus(void)
{
	return (uint32_t)CPU_COUNT(&allowed);
}

/* The CPU with number @index among those that we may use. */
static uint32_t cpu_at(uint32_t index)
{
	index %= cpus();
	for (uint32_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && index-- == 0)
			return cpu;
	return 0;
}

static void pin(uint32_t lane)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu_at(lane), &one);
	pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
}

/* True when the calling thread is now a real-time one. */
static bool hurry(void)
{
	const struct sched_param urgent = { .sched_priority = PRIORITY };

	return pthread_setschedparam(pthread_self(), SCHED_FIFO, &urgent) == 0;
}

static void *try_to_hurry(void *arg)
{
	*(bool *)arg = hurry();
	return NULL;
}

bool real_time(void)
{
	bool could = false;
	pthread_t thread;

	if (pthread_create(&thread, NULL, try_to_hurry, &could) == 0)
		pthread_join(thread, NULL);
	return could;
}

struct start {
	void (*work)(void *arg, uint32_t lane);
	void *arg;
	uint32_t lanes;
	uint32_t lane;
	_Atomic uint32_t *ready;
};

static void *begin(void *arg)
{
	const struct start *start = arg;

	pin(start->lane);
	__atomic_fetch_add((uint32_t *)start->ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n((uint32_t *)start->ready, __ATOMIC_SEQ_CST) <
	       start->lanes)
		sched_yield();
	if (start->lanes <= cpus())
		hurry();
	start->work(start->arg, start->lane);
	return NULL;
}

void run_lanes(uint32_t lanes, void (*work)(void *arg, uint32_t lane),
	       void *arg)
{
	_Atomic uint32_t ready = 0;
	struct start start[LANES];
	pthread_t thread[LANES];

	for (uint32_t i = 0; i < lanes; i++) {
		start[i] = (struct start) { work, arg, lanes, i, &ready };
		if (pthread_create(&thread[i], NULL, begin, &start[i]) != 0) {
			fprintf(stderr, "bench: no thread to be had\n");
			exit(1);
		}
	}
	for (uint32_t i = 0; i < lanes; i++)
		pthread_join(thread[i], NULL);
}

uint64_t spin(void)
{
	uint64_t x = 1;
	uint64_t from = ticks();

	for (uint32_t i = 0; i < STEPS; i++) {
		x = x * 3 + 1;
		__asm__ volatile("" : "+r"(x));
	}
	return ticks() - from;
}
