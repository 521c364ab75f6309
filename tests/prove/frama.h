/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * frama.h - what Frama-C 25 does not read of C11, said otherwise; included
 * before all else (tools/prove.py). The sources themselves are as they ship.
 *
 * One CPU is looked at: an atomic object is an ordinary one here, and what
 * other CPUs do is the business of tests/stress and tests/attacks/race.h. The
 * barriers of an empty asm statement say nothing to an analysis that has no
 * caches.
 */
#ifndef TESTS_PROVE_FRAMA_H
#define TESTS_PROVE_FRAMA_H

#define _Atomic
#define _Alignas(x)
#define _Alignof(x) 8
#define _Noreturn
#define _Static_assert(x, why)

/* asm volatile (...): a function-like macro does not touch the qualifier. */
#define __asm__
#define volatile(...) ((void)0)

/* Atomics; Frama-C's own <stdatomic.h> is for another purpose. */
#include <stdbool.h>
#include <stdint.h>
#define __FC_STDATOMIC
#define ATOMIC_LLONG_LOCK_FREE 2
#define ATOMIC_INT_LOCK_FREE 2

#define atomic_init(p, v) (*(p) = (v))
#define atomic_load_explicit(p, order) (*(p))
#define atomic_store_explicit(p, v, order) ((void)(*(p) = (v)))
/* What was there before. */
#define PROVE_CHANGE(p, change)              \
	({                                   \
		__typeof__(*(p)) was = *(p); \
		*(p)change;                  \
		was;                         \
	})
#define atomic_exchange_explicit(p, v, order) PROVE_CHANGE(p, = (v))
#define atomic_fetch_or_explicit(p, v, order) PROVE_CHANGE(p, |= (v))
#define atomic_fetch_and_explicit(p, v, order) PROVE_CHANGE(p, &= (v))
#define atomic_fetch_add_explicit(p, v, order) PROVE_CHANGE(p, += (v))
#define atomic_fetch_sub_explicit(p, v, order) PROVE_CHANGE(p, -= (v))
#define atomic_compare_exchange_strong_explicit(p, old, v, order, failure) \
	(*(p) == *(old) ? (*(p) = (v), true) : (*(old) = *(p), false))
#define atomic_compare_exchange_weak_explicit \
	atomic_compare_exchange_strong_explicit
#define atomic_thread_fence(order) ((void)0)

#define __attribute__(x)
#define __builtin_expect(x, y) (x)
#define __builtin_bswap16(x) ((uint16_t)((x) << 8 | (x) >> 8))
#define __builtin_ctzll(x) prove_ctz(x)

static inline int prove_ctz(unsigned long long word)
{
	int bit = 0;

	while (bit < 63 && (word & 1) == 0) {
		word >>= 1;
		bit++;
	}
	return bit;
}

#endif
