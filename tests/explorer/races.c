/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * races.c - of each cell of plain memory, when which thread touched it last;
 * see races.h.
 *
 * A cell is in the table from its first use on; what it says counts for the run
 * that wrote it only.
 */
#include "races.h"

#include <string.h>

#define CELLS 65536u /* a power of two */

struct cell {
	uintptr_t key;
	uint64_t run;
	bool changes; /* somebody writes it: else reads do not count */
	uint16_t wrote[EXPLORER_THREADS];
	uint16_t read[EXPLORER_THREADS];
};

static struct cell cell[CELLS];
static uint64_t run = 1;

void races_forget(void)
{
	memset(cell, 0, sizeof(cell));
}

void races_reset(void)
{
	run++;
}

static struct cell *find_cell(uintptr_t key)
{
	uint64_t slot = key * UINT64_C(0x9e3779b97f4a7c15) >> 40;

	while (cell[slot % CELLS].key != key && cell[slot % CELLS].key != 0)
		slot++;
	cell[slot % CELLS].key = key;
	return &cell[slot % CELLS];
}

static void refresh(struct cell *c)
{
	memset(c->wrote, 0, sizeof(c->wrote));
	memset(c->read, 0, sizeof(c->read));
	c->run = run;
}

/* Does an access of @me race with what is in the cell? */
static const char *race(const struct cell *c, unsigned me, bool writes)
{
	const uint16_t *seen = memory_clocks(me);

	for (unsigned i = 0; i < EXPLORER_THREADS; i++) {
		if (i == me)
			continue;
		if (c->wrote[i] > seen[i])
			return writes ? "two plain writes race" :
					"a plain read races with a write";
		if (writes && c->read[i] > seen[i])
			return "a plain write races with a read";
	}
	return NULL;
}

static enum race_word touch(struct cell *c, unsigned me, bool writes,
			    const char **wrong)
{
	uint16_t now = (uint16_t)(memory_clocks(me)[me] + 1);
	uint16_t *mine = writes ? &c->wrote[me] : &c->read[me];
	bool news = writes && !c->changes;

	c->changes = c->changes || writes;
	if (!c->changes)
		return RACE_NONE;
	if (c->run != run)
		refresh(c);
	if (*mine == now)
		return RACE_NONE;
	*mine = now;
	*wrong = race(c, me, writes);
	if (*wrong != NULL)
		return RACE_FOUND;
	return news ? RACE_AGAIN : RACE_NONE;
}

enum race_word races_access(const void *memory, size_t len, unsigned shift,
			    bool writes, const char **wrong)
{
	uintptr_t first = (uintptr_t)memory >> shift;
	uintptr_t last = ((uintptr_t)memory + len - 1) >> shift;
	unsigned me = memory_host.thread();
	enum race_word word = RACE_NONE;

	/* Keys of different shifts must not meet: the top bits tell. */
	for (uintptr_t i = first; i <= last && word != RACE_FOUND; i++) {
		enum race_word one =
			touch(find_cell(i | (uintptr_t)shift << 57), me, writes,
			      wrong);

		word = one != RACE_NONE ? one : word;
	}
	return word;
}
