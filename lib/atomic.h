/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * atomic.h - the one place that brings in C11 atomics, so that a checker can
 * put its own in their place. Only the _explicit forms are used.
 */
#ifndef LIB_ATOMIC_H
#define LIB_ATOMIC_H

#include <stdatomic.h>

/*
 * Narrower ones are only loaded and stored: GCC before 13 for RISC-V has no
 * read-modify-write of a byte, and says so for the whole type.
 */
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2,
	       "a lock behind an atomic would break every promise here");

#endif
