/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * explorer.h - run the library's own code in every order that C11 allows.
 *
 * A scenario is a setting and a few threads that call the library. explore()
 * runs it again and again: at each access to an atomic that threads share, any
 * thread may be next, a load may see any store that coherence leaves to it, a
 * store may come before ones that are already there in the modification order.
 * What is found wrong (a race of plain accesses, a false explorer_check(), a
 * trap, a thread that does not end) ends the search.
 *
 *   X1  The model is RC11 (Lahav et al., PLDI 2017): views for coherence and
 *       happens-before, one global view for seq_cst fences. A load never sees
 *       a store that has not been made yet: RC11 forbids that, and so does
 *       every CPU that the library runs on for code with these dependencies.
 *   X2  A state that was seen before is not searched again. Two histories
 *       count as one state when each thread has made the same accesses with
 *       the same results, and all stores stand in the same modification order.
 *   X3  An atomic that only one thread touches, or that nobody changes, is a
 *       plain variable. Which ones are shared is found out on the way; then
 *       the search starts anew.
 *   X4  Plain accesses are checked for races by happens-before, in each run;
 *       so it does not matter when exactly a thread makes them.
 */
#ifndef EXPLORER_EXPLORER_H
#define EXPLORER_EXPLORER_H

#include "atomics.h"

#define EXPLORER_THREADS 4u

/* An order that is made weaker: the library must then fail. */
struct control {
	const char *function; /* the access is its @nth ... */
	enum explorer_access access;
	unsigned nth; /* ... of this kind that is ordered at all, from 0 */
	int order; /* or EXPLORER_FAILURE: only that of failure, to relaxed */
};

#define EXPLORER_FAILURE (-1)

struct scenario {
	const char *name; /* the sentence that it proves */
	void (*setup)(void); /* once, before the search */
	void (*thread[EXPLORER_THREADS])(void);
	/* After each run; @frozen: a bit for each thread that never ended. */
	void (*check)(unsigned frozen);
	unsigned freeze; /* bits: these may stop for ever, one in a run */
	unsigned spurious; /* weak exchanges that fail for no reason, a run */
	unsigned switches; /* at most so many preemptions; 0: any number */
	unsigned stale; /* at most so many accesses that see, or come before,
			 * an older store than they might; 0: any number */
	uint64_t states; /* more are a failure; 0: any number */
	bool large; /* with both bounds wider it is more than can be kept */
	const struct control *controls; /* ends with function NULL */
};

/* What a search came to. */
struct explored {
	const char *wrong; /* NULL: nothing */
	uint64_t runs;
	uint64_t states;
	uint32_t places; /* atomics that threads share */
	uint32_t steps; /* of the longest run */
};

struct explored explore(const struct scenario *scenario);

/* Memory that setup() leaves in a state from which each run begins. */
void explorer_keep(void *memory, size_t len);
/* The same for memory that only copy.c touches: told by cache line. */
void explorer_arena(void *memory, size_t len);

/* In a thread or in check(): what must hold. */
#define explorer_check(x) ((x) ? (void)0 : explorer_wrong(#x))
void explorer_wrong(const char *what);

/* ---- sites: sites.c ---- */

/* Weaken an order; how many sites that was (one in a header has many). */
unsigned explorer_weaken(const struct control *control);
void explorer_restore(void);
/* Print the ordered accesses that threads have made to an atomic that others
 * share, since explorer_touch_none(). */
void explorer_tell_touched(void);
void explorer_touch_none(void);
/* The next weaker order of an access, or -1. */
int explorer_weaker(enum explorer_access access, int order);
const char *explorer_access_name(enum explorer_access access);
const char *explorer_order_name(int order);

#endif
