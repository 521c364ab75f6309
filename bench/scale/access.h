/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * access.h - C11's atomics, each reported to the simulated machine before it
 * is done: included before all else in every file of the simulation, so that
 * what runs is the library's own code (lib/atomic.h is the one way in).
 *
 * Clang's builtins; no other compiler is used for it.
 */
#ifndef SCALE_ACCESS_H
#define SCALE_ACCESS_H

#include <stdatomic.h>
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

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_exchange_explicit
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and_explicit
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub_explicit
#undef atomic_compare_exchange_weak_explicit
#undef atomic_compare_exchange_strong_explicit

#define atomic_load_explicit(p, o) \
	(scale_access(p, SCALE_LOAD), __c11_atomic_load(p, o))
#define atomic_store_explicit(p, v, o) \
	(scale_access(p, SCALE_STORE), __c11_atomic_store(p, v, o))
#define atomic_exchange_explicit(p, v, o) \
	(scale_access(p, SCALE_CHANGE), __c11_atomic_exchange(p, v, o))
#define atomic_fetch_or_explicit(p, v, o) \
	(scale_access(p, SCALE_CHANGE), __c11_atomic_fetch_or(p, v, o))
#define atomic_fetch_and_explicit(p, v, o) \
	(scale_access(p, SCALE_CHANGE), __c11_atomic_fetch_and(p, v, o))
#define atomic_fetch_add_explicit(p, v, o) \
	(scale_access(p, SCALE_CHANGE), __c11_atomic_fetch_add(p, v, o))
#define atomic_fetch_sub_explicit(p, v, o) \
	(scale_access(p, SCALE_CHANGE), __c11_atomic_fetch_sub(p, v, o))
#define atomic_compare_exchange_strong_explicit(p, e, v, s, f) \
	(scale_access(p, SCALE_CHANGE),                        \
	 scale_swapped(__c11_atomic_compare_exchange_strong(p, e, v, s, f)))
#define atomic_compare_exchange_weak_explicit(p, e, v, s, f) \
	(scale_access(p, SCALE_CHANGE),                      \
	 scale_swapped(__c11_atomic_compare_exchange_weak(p, e, v, s, f)))

#endif
