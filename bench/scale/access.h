/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * access.h - each atomic access is reported to the simulated machine before it
 * is done: included before all else in every file of the simulation.
 */
#ifndef SCALE_ACCESS_H
#define SCALE_ACCESS_H

#include <stdbool.h>

enum scale_kind {
	SCALE_LOAD,
	SCALE_STORE,
	SCALE_CHANGE, /* a read-modify-write */
};

/* The simulated CPU is about to access a word: it may have to wait. */
void scale_access(const volatile void *word, enum scale_kind kind);

/* How a compare-and-swap came out; returns @done. */
bool scale_swapped(bool done);

#define hooked_before(p, kind) scale_access(p, SCALE_##kind)
#define hooked_swapped(done) scale_swapped(done)

#include "../../tests/hooked.h"

#endif
