/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * stepped.h - C11's atomics with a step before each access: included before
 * all else in every file of the programs of STEPPED (configure.py),
 * so that it can do something between any two atomic steps of the library.
 *
 * The accesses themselves are the compiler's, with the orders that were asked
 * for. Clang's builtins; no other compiler is used for it.
 */
#ifndef TESTS_ATTACKS_STEPPED_H
#define TESTS_ATTACKS_STEPPED_H

#include <stdatomic.h>

/* Called before each atomic access; race.h has it. */
void attack_step(void);

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and_explicit
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub_explicit
#undef atomic_compare_exchange_weak_explicit
#undef atomic_compare_exchange_strong_explicit

#define atomic_load_explicit(p, o) (attack_step(), __c11_atomic_load(p, o))
#define atomic_store_explicit(p, v, o) \
	(attack_step(), __c11_atomic_store(p, v, o))
#define atomic_fetch_or_explicit(p, v, o) \
	(attack_step(), __c11_atomic_fetch_or(p, v, o))
#define atomic_fetch_and_explicit(p, v, o) \
	(attack_step(), __c11_atomic_fetch_and(p, v, o))
#define atomic_fetch_add_explicit(p, v, o) \
	(attack_step(), __c11_atomic_fetch_add(p, v, o))
#define atomic_fetch_sub_explicit(p, v, o) \
	(attack_step(), __c11_atomic_fetch_sub(p, v, o))
#define atomic_compare_exchange_weak_explicit(p, e, v, s, f) \
	(attack_step(), __c11_atomic_compare_exchange_weak(p, e, v, s, f))
#define atomic_compare_exchange_strong_explicit(p, e, v, s, f) \
	(attack_step(), __c11_atomic_compare_exchange_strong(p, e, v, s, f))

#endif
