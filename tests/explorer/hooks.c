/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * hooks.c - what the compiler's -fsanitize=thread calls before each plain
 * access, and the library's own copies: the explorer stands where TSan's
 * library would.
 */
#include <string.h>

#include "regions.h"
#include "search.h"

void *explorer_memcpy(void *restrict to, const void *restrict from, size_t len)
{
	regions_dirty(to, len);
	explorer_plain(from, len, false);
	explorer_plain(to, len, true);
	return memcpy(to, from, len);
}

void *explorer_memset(void *to, int byte, size_t len)
{
	regions_dirty(to, len);
	explorer_plain(to, len, true);
	return memset(to, byte, len);
}

static void touched(void *p, size_t len, bool writes)
{
	if (writes)
		regions_dirty(p, len);
	explorer_plain(p, len, writes);
}

/* Compiler runtime: the names and types are LLVM's (ThreadSanitizer.cpp). */
#define HOOK(name, len, writes)          \
	void __tsan_##name(void *p);     \
	void __tsan_##name(void *p)      \
	{                                \
		touched(p, len, writes); \
	}

HOOK(read1, 1, false)
HOOK(read2, 2, false)
HOOK(read4, 4, false)
HOOK(read8, 8, false)
HOOK(read16, 16, false)
HOOK(write1, 1, true)
HOOK(write2, 2, true)
HOOK(write4, 4, true)
HOOK(write8, 8, true)
HOOK(write16, 16, true)
HOOK(unaligned_read2, 2, false)
HOOK(unaligned_read4, 4, false)
HOOK(unaligned_read8, 8, false)
HOOK(unaligned_read16, 16, false)
HOOK(unaligned_write2, 2, true)
HOOK(unaligned_write4, 4, true)
HOOK(unaligned_write8, 8, true)
HOOK(unaligned_write16, 16, true)

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller);
void __tsan_func_entry(void *caller)
{
	(void)caller;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

void litmus_plain(const void *p, bool writes)
{
	explorer_plain(p, 8, writes);
}

void explorer_trap(void);
void explorer_trap(void)
{
	explorer_wrong("a trap");
}
