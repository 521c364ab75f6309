/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * memory.h - the memory of a run: stores in their modification order, what
 * each thread may still see of them, and who raced with whom. X1 and X4 of
 * explorer.h.
 */
#ifndef EXPLORER_MEMORY_H
#define EXPLORER_MEMORY_H

#include "explorer.h"

#define PLACES 192u /* shared atomics */
#define STORES 96u /* to one of them, in one run: 8 bits, and GAP of memory.c */

/* Of each place the earliest store that may still be seen; and how far each
 * thread had come that this one knows of. */
struct view {
	int16_t at[PLACES];
	uint16_t clock[EXPLORER_THREADS];
};

/* What the accesses need of the search. */
struct memory_host {
	unsigned (*choose)(unsigned count); /* 0 .. count - 1 */
	unsigned (*thread)(void);
};

/* Before the first run, and before each: @threads start at once. */
void memory_forget(void);
void memory_reset(void);

/* The place of an atomic, or NULL: X3. True in *@again: it has just become one,
 * and this run counts for nothing. */
struct place;
struct place *memory_place(const volatile void *p, size_t size, bool writes,
			   bool *again);
uint32_t memory_places(void);

/* One access to a place. */
uint64_t memory_load(struct place *place, int order);
void memory_store(struct place *place, uint64_t value, int order);
uint64_t memory_change(struct place *place, const struct explorer_site *site,
		       uint64_t value);
bool memory_swap(struct place *place, const struct explorer_site *site,
		 uint64_t *old, uint64_t value);
void memory_fence(int order);
/* The thread has made a step that is no access to a place. */
void memory_step(void);
/* A load that sees exactly @value, for an exchange that fails for no reason;
 * false when it cannot. */
bool memory_spurious(struct place *place, uint64_t value, int order);

/* How far each thread has come, as far as @thread knows: what another did until
 * his clock was that, happens before what @thread does next. */
const uint16_t *memory_clocks(unsigned thread);

/* Of a change, what will be there; all bits of a value of @size bytes. */
uint64_t memory_applied(enum explorer_access access, uint64_t a, uint64_t b);
uint64_t memory_bits(size_t size);

/* The state that memory and threads are in: equal numbers, equal states. */
uint64_t memory_state(void);

extern struct memory_host memory_host;

#endif
