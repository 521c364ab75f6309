/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * regions.h - the memory that a run may change, and how it comes back.
 */
#ifndef EXPLORER_REGIONS_H
#define EXPLORER_REGIONS_H

#include "explorer.h"

/* No region; what there is now is what each run begins with; put it back. */
void regions_forget(void);
void regions_save(void);
void regions_restore(void);

/* Is the address in a region? Then *@shift: cells of 1 << *shift bytes. */
bool regions_find(const void *p, unsigned *shift);

/* Bytes of an arena are about to change. */
void regions_dirty(const void *p, size_t len);

#endif
