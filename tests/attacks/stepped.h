/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * stepped.h - a step before each atomic access: included before all else in
 * every file of the programs of STEPPED (configure.py), so that it can do
 * something between any two atomic steps of the library.
 */
#ifndef TESTS_ATTACKS_STEPPED_H
#define TESTS_ATTACKS_STEPPED_H

/* Called before each atomic access; race.h has it. */
void attack_step(void);

#define hooked_before(p, kind) attack_step()
#define hooked_swapped(done) (done)

#include "../hooked.h"

#endif
