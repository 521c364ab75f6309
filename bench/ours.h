/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * ours.h - an instance of libbounce for the benchmark, as both of our peers
 * start it, and the questions that need lib/'s private headers.
 */
#ifndef BENCH_OURS_H
#define BENCH_OURS_H

#include <bounce/bounce.h>

#include "peer.h"

struct ours {
	struct bounce *bounce;
	struct bounce_queue *queue[LANES]; /* of each lane */
	uint64_t meta_bytes;
	uint32_t pools;
	struct bounce_pool *pool[LANES];
};

/* Ends the program when the library refuses. */
const struct ours *ours_start(const struct setup *setup);

/* Pool bytes that are not free for a whole slot. */
uint64_t ours_used(const struct ours *ours);

/* Calls to the monitor, of all instances. */
uint64_t ours_share_calls(void);

/* Pool bytes of a mapping, from its record and bus address. */
uint64_t ours_footprint(const struct ours *ours, uint32_t record, uint64_t bus,
			uint32_t len);

/* Is there a run of free slots or chunks that @request would fit? */
bool ours_overlooked(const struct ours *ours, const struct request *request);

/* Prints the sentence and ends the program. */
#define ours_check(x) ((x) ? (void)0 : ours_failed(#x, __FILE__, __LINE__))
_Noreturn void ours_failed(const char *what, const char *file, int line);

#endif
