/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * hooked.h - C11's atomics, each with a hook before it: for headers that are
 * included before all else in every file of a program, so that what runs is
 * the library's own code (lib/atomic.h is the one way in). They define
 *
 *	hooked_before(p, kind)  what is done before it; kind is LOAD, STORE, or
 *	                        CHANGE, a read-modify-write
 *	hooked_swapped(done)    how a compare-and-swap came out: its value
 *
 * The accesses themselves are the compiler's, with the orders that were asked
 * for. Clang's builtins; no other compiler is used for it.
 */
#ifndef TESTS_HOOKED_H
#define TESTS_HOOKED_H

#include <stdatomic.h>

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
	(hooked_before(p, LOAD), __c11_atomic_load(p, o))
#define atomic_store_explicit(p, v, o) \
	(hooked_before(p, STORE), __c11_atomic_store(p, v, o))
#define atomic_exchange_explicit(p, v, o) \
	(hooked_before(p, CHANGE), __c11_atomic_exchange(p, v, o))
#define atomic_fetch_or_explicit(p, v, o) \
	(hooked_before(p, CHANGE), __c11_atomic_fetch_or(p, v, o))
#define atomic_fetch_and_explicit(p, v, o) \
	(hooked_before(p, CHANGE), __c11_atomic_fetch_and(p, v, o))
#define atomic_fetch_add_explicit(p, v, o) \
	(hooked_before(p, CHANGE), __c11_atomic_fetch_add(p, v, o))
#define atomic_fetch_sub_explicit(p, v, o) \
	(hooked_before(p, CHANGE), __c11_atomic_fetch_sub(p, v, o))
#define atomic_compare_exchange_weak_explicit(p, e, v, s, f) \
	(hooked_before(p, CHANGE),                           \
	 hooked_swapped(__c11_atomic_compare_exchange_weak(p, e, v, s, f)))
#define atomic_compare_exchange_strong_explicit(p, e, v, s, f) \
	(hooked_before(p, CHANGE),                             \
	 hooked_swapped(__c11_atomic_compare_exchange_strong(p, e, v, s, f)))

#endif
