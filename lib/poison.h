/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * poison.h - free slots trap the CPU, for an embedder's tests.
 *
 * Compiled with -fsanitize=address and -DBOUNCE_POISON, the library poisons
 * every slot and granule that nobody has mapped. With BOUNCE_DEVICE_FORCE and
 * bounce_arch_none, an ordinary test run on an ordinary machine then catches
 * the driver that writes to a run after it was unmapped, or past its end, or
 * that found itself an address in the pool. Without the macro it is nothing.
 */
#ifndef LIB_POISON_H
#define LIB_POISON_H

#include <bounce/types.h>

#ifdef BOUNCE_POISON

/* Of compiler-rt and libasan: sanitizer/asan_interface.h. */
void __asan_poison_memory_region(const volatile void *memory, size_t bytes);
void __asan_unpoison_memory_region(const volatile void *memory, size_t bytes);

static inline void bounce_poison(const void *memory, size_t bytes)
{
	__asan_poison_memory_region(memory, bytes);
}

static inline void bounce_unpoison(const void *memory, size_t bytes)
{
	__asan_unpoison_memory_region(memory, bytes);
}

#else

static inline void bounce_poison(const void *memory, size_t bytes)
{
	(void)memory;
	(void)bytes;
}

static inline void bounce_unpoison(const void *memory, size_t bytes)
{
	(void)memory;
	(void)bytes;
}

#endif

#endif
