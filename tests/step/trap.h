/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * trap.h - the CPU's own traps, x86-64 under Linux: something happens before a
 * given instruction of a call, or around each access to some pages.
 */
#ifndef STEP_TRAP_H
#define STEP_TRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void trap_init(void);

/* Run @call(@arg), a step at a time: the instructions that it consists of, each
 * once, with those that it calls. At most @most; how many. */
size_t trap_record(void (*call)(void *arg), void *arg, uintptr_t *list,
		   size_t most);

/* Run @call(@arg), and @between once, before the instruction at @address is
 * reached for the first time. False: it was not reached. */
bool trap_at(uintptr_t address, void (*call)(void *arg),
	     void (*between)(void *arg), void *arg);

/*
 * Run @call(@arg) with whole pages [@memory, +@len) out of its reach: each
 * instruction that loads from them is let through alone, after @load was told
 * the address. Stores are let through. How many loads there were.
 */
uint64_t trap_loads(void *memory, size_t len, void (*call)(void *arg),
		    void (*load)(void *arg, uintptr_t address), void *arg);

#endif
