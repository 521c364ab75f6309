/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * machine.h - a machine of up to 256 CPUs in one thread: each is a coroutine
 * with a clock, and whoever is the furthest behind runs.
 *
 *   N1  An access is done when its CPU's clock is the lowest of all, so that
 *       accesses happen in the order of their times. Same seed, same run.
 *   N2  A cache line is owned by the CPU that wrote it last, and read by any
 *       number. Who needs it and has it not waits for a transfer; transfers of
 *       ownership of one line are one after the other.
 *   N3  What is not atomic costs nothing: it is written by nobody while CPUs
 *       run. Memory is as large as caches: there are no other misses.
 *
 * The costs are in machine.c, with where they come from.
 */
#ifndef SCALE_MACHINE_H
#define SCALE_MACHINE_H

#include <stddef.h>
#include <stdint.h>

#define SCALE_CPUS 256u /* at most */

/* What a CPU has done since machine_count(). */
struct scale_counts {
	uint64_t accesses; /* atomic ones */
	uint64_t loads; /* of those; the words that a search looks at */
	uint64_t transfers; /* of cache lines, to this CPU */
	uint64_t far; /* of those, from another node */
	uint64_t retries; /* compare-and-swaps that failed */
	uint64_t waited_ps; /* for a lock, or behind others for a line */
};

/* Make a machine; lines of [@base, +@bytes) are those that are watched. */
void machine_init(uint32_t cpus, uint32_t nodes, const void *base,
		  size_t bytes);
void machine_fini(void);

/* Run @body on every CPU until all have returned. */
void machine_run(void (*body)(uint32_t cpu));

/* The CPU that runs; and which node it is on. */
uint32_t machine_cpu(void);
uint32_t machine_node(uint32_t cpu);

/* Its clock, picoseconds; and let it pass without an access. */
uint64_t machine_now(void);
void machine_think(uint64_t ps);

/* Its counts, to be read at any time. */
const struct scale_counts *machine_counts(uint32_t cpu);

/* Outside of machine_run() nothing costs or is counted, as this CPU. */
void machine_pretend(uint32_t cpu);

/* ---- a queued lock (MCS): who waits, waits for one transfer ---- */

struct scale_lock {
	_Alignas(64) uint32_t holder; /* CPU + 1; 0: free */
	uint32_t first; /* who waits, CPU + 1 */
	uint32_t last;
};

void machine_lock(struct scale_lock *lock);
void machine_unlock(struct scale_lock *lock);

#endif
