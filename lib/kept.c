/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * kept.c - a record that stays with born-shared memory, so that mapping it
 * again takes neither the direct table nor another hold of the memory.
 *
 *   R7  A mapping inside born-shared memory (BORN) ends as KEPT: still in the
 *       direct table, still holding the memory, and nobody's. The memory's own
 *       record (SHARED) names it in `target`. KEPT -> TAKEN by one CAS; whoever
 *       wins it maps anew, or lets go of the memory.
 *   R8  A KEPT record has the fields of the mapping that ended so, and these
 *       name the memory that it holds. So whoever takes it learns afterwards
 *       whose it is, and need not know before.
 *   R9  A memory keeps one record, and names it only while it is held by it:
 *       `target` of a SHARED record is changed from 0 by who holds the memory,
 *       and back to 0 by who has TAKEN the record.
 */
#include "mapping.h"

/* The record of the memory that a BORN record lies in. */
static uint32_t home_of(const struct bounce_record *record)
{
	/* relaxed: the record is ours. */
	return (uint32_t)atomic_load_explicit(&record->target,
					      memory_order_relaxed);
}

/* R9: does a memory that we hold name @record? */
static bool names(const struct bounce_record *home, uint32_t record)
{
	/* relaxed: R9. */
	return atomic_load_explicit(&home->target, memory_order_relaxed) ==
	       (uint64_t)record + 1;
}

static void forget(struct bounce_record *home)
{
	/* relaxed: what comes next releases the hold, or the record. */
	atomic_store_explicit(&home->target, 0, memory_order_relaxed);
}

/* Take what @home names. It may be another memory's by now, and is KEPT again
 * then: nobody else's business (R8). UINT32_MAX: nothing there to take. */
static uint32_t take_of(struct bounce *bounce, uint32_t home)
{
	/* relaxed: a guess. */
	uint64_t index = atomic_load_explicit(&bounce->record[home].target,
					      memory_order_relaxed) -
			 1;
	struct bounce_record *record;

	if (index - bounce->first_direct_record >= bounce->config.direct)
		return UINT32_MAX;
	record = &bounce->record[index];
	if (!bounce_record_take(record))
		return UINT32_MAX;
	if (home_of(record) == home)
		return (uint32_t)index;
	bounce_record_put(record, RECORD_KEPT);
	return UINT32_MAX;
}

uint32_t bounce_kept_take(struct bounce *bounce, uint32_t home,
			  uint64_t generation)
{
	uint32_t record = take_of(bounce, home);

	/* It holds the memory: what that is now, it stays. */
	if (record == UINT32_MAX ||
	    bounce_record_live(&bounce->record[home]) == generation)
		return record;
	bounce_record_put(&bounce->record[record], RECORD_KEPT);
	return UINT32_MAX;
}

bool bounce_kept_put(struct bounce *bounce, uint32_t index, uint64_t target)
{
	struct bounce_record *record = &bounce->record[index];
	struct bounce_record *home = &bounce->record[(uint32_t)target];
	bool named = names(home, index);
	uint64_t none = 0;

	if (bounce_unlikely(record_is_worn(record))) {
		if (named)
			forget(home);
		return false;
	}
	/* relaxed: R9; the state below tells others. */
	if (!named && !atomic_compare_exchange_strong_explicit(
			      &home->target, &none, (uint64_t)index + 1,
			      memory_order_relaxed, memory_order_relaxed))
		return false;
	bounce_record_put(record, RECORD_KEPT);
	return true;
}

bool bounce_kept_return(struct bounce *bounce, uint32_t index, uint64_t target)
{
	struct bounce_record *record = &bounce->record[index];

	/* What nobody names may not be KEPT: its fields are of another time
	 * (R8). */
	if (names(&bounce->record[(uint32_t)target], index)) {
		bounce_record_put(record, RECORD_KEPT);
		return true;
	}
	bounce_record_put(record, RECORD_FREE);
	return false;
}

/* R9: a TAKEN record lets go of its memory. That goes with bounce_free(), or
 * with bounce_device_quiesced(), not with us (M1). */
static void let_go(struct bounce *bounce, struct bounce_record *record)
{
	struct bounce_record *home = &bounce->record[home_of(record)];

	forget(home);
	(void)bounce_record_unpin(home);
}

void bounce_kept_drop(struct bounce *bounce, uint32_t home)
{
	uint32_t record = UINT32_MAX;

	/* Held by more, it stays as it is: its end is BUSY. */
	if (bounce_record_holds(&bounce->record[home]) == 1)
		record = take_of(bounce, home);
	if (record == UINT32_MAX)
		return;
	let_go(bounce, &bounce->record[record]);
	bounce_record_put(&bounce->record[record], RECORD_FREE);
	bounce_direct_give(bounce, record);
}

uint32_t bounce_kept_seize(struct bounce *bounce)
{
	for (uint32_t i = bounce->first_direct_record; i < bounce->records; i++)
		if (bounce_record_take(&bounce->record[i])) {
			let_go(bounce, &bounce->record[i]);
			return i;
		}
	return UINT32_MAX;
}
