/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * races.h - plain accesses, and whether two of them race (X4).
 */
#ifndef EXPLORER_RACES_H
#define EXPLORER_RACES_H

#include "memory.h"

/* Before the first run; before each. */
void races_forget(void);
void races_reset(void);

enum race_word {
	RACE_NONE,
	RACE_FOUND, /* it is in *@wrong */
	RACE_AGAIN, /* memory changes that was thought constant: reads of it
		     * that did not count do, so the search starts anew */
};

/* The thread touches [memory, +len), told apart by 1 << shift bytes. */
enum race_word races_access(const void *memory, size_t len, unsigned shift,
			    bool writes, const char **wrong);

#endif
