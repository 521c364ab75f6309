/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * pattern.h - bytes that a seed and their place determine, so that a buffer can
 * be checked without a copy of it. A seed and its complement differ everywhere.
 */
#ifndef PATTERN_H
#define PATTERN_H

#include "guest.h"

/* pattern_fill() - all of a buffer; _part: bytes [@from, @to) of it. */
void pattern_fill(unsigned char *bytes, uint32_t len, uint64_t seed);
void pattern_fill_part(unsigned char *bytes, uint32_t from, uint32_t to,
		       uint64_t seed);

/* pattern_holds() - does a buffer, or that part of it, hold these bytes? */
bool pattern_holds(const unsigned char *bytes, uint32_t len, uint64_t seed);
bool pattern_part_holds(const unsigned char *bytes, uint32_t from, uint32_t to,
			uint64_t seed);

#endif
