/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * clock.h - time in ticks of the CPU's counter, threads that stay on a CPU,
 * and how quiet the machine is.
 */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Once, first: how many ticks a nanosecond has, and what a reading costs. */
void clock_init(void);

/* Now; what comes before it in the program is done. */
static inline uint64_t ticks(void)
{
	__builtin_ia32_lfence();
	return __builtin_ia32_rdtsc();
}

double ticks_to_ns(double count);
uint64_t ns_to_ticks(double ns);

/* The same, once all stores have left the CPU: they are posted otherwise. */
static inline uint64_t ticks_settled(void)
{
	__builtin_ia32_mfence();
	return ticks();
}

/* What two readings in a row differ by: to be taken off a single call. */
uint64_t ticks_overhead(void);

/* CPUs that this program may use. */
uint32_t cpus(void);

/*
 * Run @work(@arg, lane) on @lanes threads, lane i on CPU i of ours, all let go
 * at once; returns when the last is done. As many threads as CPUs or fewer
 * run at real-time priority where that is allowed.
 */
void run_lanes(uint32_t lanes, void (*work)(void *arg, uint32_t lane),
	       void *arg);

/* May they? Written to the report. */
bool real_time(void);

/* A piece of work that is always the same, about 2 us: its ticks. */
uint64_t spin(void);

#endif
