/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * groups.h - the scenarios by file, and how results are told.
 */
#ifndef EXPLORER_GROUPS_H
#define EXPLORER_GROUPS_H

#include <string.h>

#include "explorer.h"

/* One line of TAP. */
__attribute__((format(printf, 2, 3))) void report(bool good, const char *format,
						  ...);

/* The explorer's own test. */
bool litmus(void);
void litmus_plain(const void *p, bool writes);

/* Each ends with name NULL. */
extern const struct scenario slots_scenarios[];
extern const struct scenario slabs_scenarios[];
extern const struct scenario granules_scenarios[];
extern const struct scenario frozen_scenarios[];
extern const struct scenario devices_scenarios[];
extern const struct scenario records_scenarios[];
extern const struct scenario doors_scenarios[];

#endif
