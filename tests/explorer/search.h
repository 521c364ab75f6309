/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * search.h - what hooks.c tells the search.
 */
#ifndef EXPLORER_SEARCH_H
#define EXPLORER_SEARCH_H

#include "explorer.h"

/* A plain access is about to be made. */
void explorer_plain(const void *p, size_t len, bool writes);

#endif
