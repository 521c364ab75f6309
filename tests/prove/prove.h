/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * prove.h - what every harness of the proofs has: numbers that may be anything,
 * and a memcpy() that reads each byte as a device may have just written it.
 */
#ifndef TESTS_PROVE_PROVE_H
#define TESTS_PROVE_PROVE_H

#include <bounce/types.h>

/* Each read is any value. */
static volatile uint32_t prove_u32;
static volatile uint64_t prove_u64;

static inline uint32_t any_u32(void)
{
	return prove_u32;
}

static inline uint64_t any_u64(void)
{
	return prove_u64;
}

/* Below @limit. */
static inline uint64_t any_below(uint64_t limit)
{
	uint64_t x = prove_u64;

	return x < limit ? x : 0;
}

#endif
