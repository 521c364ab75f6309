/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * smp.h - two CPUs in one pool: the row `smp` of guest.h.
 */
#ifndef SMP_H
#define SMP_H

#include "blk.h"

/* Lanes of the scenario's requester: config.queues must have room for them. */
#define SMP_LANES 3u

/* What the scenario works with. */
struct smp_open {
	struct bounce *bounce;
	struct bounce_space *space;
	struct bounce_pool *pool; /* of @space; may grow at refused_gpa */
	struct blk *disk; /* an open input disk */
	uint64_t share_calls_start; /* for the row */
};

/* smp_run() - all of it: the row and its controls. Both CPUs rest behind it. */
void smp_run(const struct smp_open *what);

#endif
