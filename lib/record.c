/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * record.c - the life of a mapping's record. R1 to R5 are in record.h.
 */
#include "record.h"

void bounce_record_init(struct bounce_record *record, uint64_t generation)
{
	atomic_init(&record->state, record_word(generation, RECORD_FREE));
	atomic_init(&record->about, 0);
	atomic_init(&record->target, 0);
}

enum bounce_err bounce_record_pin(struct bounce_record *record,
				  uint64_t generation)
{
	/* relaxed: the CAS decides. */
	uint64_t state = atomic_load_explicit(&record->state,
					      memory_order_relaxed);

	do {
		if (!record_is_live(state, generation))
			return BOUNCE_ERR_STALE;
		/* One is kept for bounce_record_end(). */
		if (record_busy(state) >= RECORD_BUSY_MAX - 1)
			return BOUNCE_ERR_BUSY;
		/*
		 * acquire: pairs with the release in bounce_record_publish():
		 * our copies come after the mapping was made.
		 */
	} while (!atomic_compare_exchange_weak_explicit(
		&record->state, &state, state + RECORD_BUSY_ONE,
		memory_order_acquire, memory_order_relaxed));
	return BOUNCE_OK;
}

bool bounce_record_quarantine(struct bounce_record *record, uint64_t generation)
{
	/* relaxed: the CAS decides. */
	uint64_t state = atomic_load_explicit(&record->state,
					      memory_order_relaxed);
	uint64_t next;

	do {
		if (!record_is_live(state, generation))
			return false;
		next = (state & ~RECORD_STATE_MASK) + RECORD_QUARANTINE;
		/* relaxed: nothing of the run is touched before
		 * bounce_record_reclaim(), which has the order. */
	} while (!atomic_compare_exchange_weak_explicit(
		&record->state, &state, next, memory_order_relaxed,
		memory_order_relaxed));
	return true;
}

enum bounce_err bounce_record_reclaim(struct bounce_record *record)
{
	/* relaxed: the CAS decides. */
	uint64_t state = atomic_load_explicit(&record->state,
					      memory_order_relaxed);
	uint64_t next;

	do {
		if ((state & RECORD_STATE_MASK) != RECORD_QUARANTINE)
			return BOUNCE_ERR_STALE;
		if (record_busy(state) != 0)
			return BOUNCE_ERR_BUSY;
		next = (state & ~RECORD_STATE_MASK) + RECORD_BUSY_ONE +
		       RECORD_DYING;
		/*
		 * acquire: pairs with the release in bounce_record_publish()
		 * and bounce_record_unpin(): what was done in the run before
		 * precedes its release.
		 */
	} while (!atomic_compare_exchange_weak_explicit(
		&record->state, &state, next, memory_order_acquire,
		memory_order_relaxed));
	return BOUNCE_OK;
}

bool bounce_record_same(const struct bounce_record *record, uint64_t generation)
{
	/*
	 * acquire fence: pairs with the release of the fields in
	 * bounce_record_publish(). If a field that was just read is of a later
	 * mapping, the state read here is too.
	 */
	atomic_thread_fence(memory_order_acquire);
	/* relaxed: ordered by the fence. */
	return record_is_live(atomic_load_explicit(&record->state,
						   memory_order_relaxed),
			      generation);
}

void bounce_record_hold(struct bounce_record *record, uint64_t about)
{
	/* relaxed, all of it: ours alone since the claim of the run (R1), and
	 * whoever meets it later only sees that it is in use. */
	uint64_t generation = record_generation(
		atomic_load_explicit(&record->state, memory_order_relaxed));

	atomic_store_explicit(&record->about, about, memory_order_relaxed);
	atomic_store_explicit(&record->state,
			      record_word(generation, RECORD_DYING) +
				      RECORD_BUSY_ONE,
			      memory_order_relaxed);
}

void bounce_record_doom(struct bounce_record *record)
{
	/* relaxed: our own unpin, which comes next, has the order. */
	atomic_fetch_or_explicit(&record->state,
				 RECORD_GENERATION_MAX
					 << RECORD_GENERATION_SHIFT,
				 memory_order_relaxed);
}

void bounce_record_bury(struct bounce_record *record)
{
	/* relaxed: nobody but us changes it. */
	atomic_store_explicit(&record->state,
			      record_word(RECORD_GENERATION_MAX,
					  RECORD_EXHAUSTED),
			      memory_order_relaxed);
}
