/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * duel.h - two CPUs end the same mapping at the same moment: one succeeds, the
 * other is refused.
 */
#ifndef DUEL_H
#define DUEL_H

#include "pair.h"

/* Lanes of one device, one for each CPU, and one of another device. */
struct duel_open {
	struct bounce_queue *lane[PAIR_CPUS];
	struct bounce_queue *wrong;
};

/* What came of it. */
struct duel_count {
	uint64_t maps; /* mappings made, all by CPU 0 */
	uint64_t won[PAIR_CPUS];
};

/* duel_run() - the controls ended_once, wrong_device and spoilt_byte. */
void duel_run(const struct duel_open *what, struct duel_count *count);

#endif
