/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * pair.h - two CPUs at work on one thing: scenes, meetings, and failures.
 *
 *   A1  A scene begins when the second CPU is started, and ends when it has
 *       stopped: between two scenes nothing is in progress.
 *   A2  Nobody waits without a bound in time. Who fails gives up for both; the
 *       other notices at its next step.
 *   A3  The second CPU says nothing: the first speaks for both.
 */
#ifndef PAIR_H
#define PAIR_H

#include <stdatomic.h>

#include "guest.h"

#define PAIR_CPUS 2u

/* pair_scene() - run @second on the second CPU, @first here; wait for both. */
void pair_scene(const char *stage, void (*first)(void), void (*second)(void));

/* pair_report() - the control of a scene: ok as long as nobody has failed. */
void pair_report(const char *name, const char *text);

/* pair_fail() - CPU @me gives up for both; the first reason stays. False. */
bool pair_fail(unsigned me, const char *text);

/* pair_failed() - has anybody? */
bool pair_failed(void);

/*
 * pair_meet() - go on when both CPUs are here. What each wrote before, the
 * other sees then. Who waited long is slow to go on; at a second meeting, right
 * behind the first, both leave together. False when the other does not come.
 */
bool pair_meet(unsigned me);

/* A flag from one CPU to the other; what was written before it comes along. */
void pair_set(atomic_bool *flag, bool value);
bool pair_is_set(atomic_bool *flag);

#endif
