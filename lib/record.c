/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * record.c - the life of a mapping's record. R1 to R5 are in record.h.
 */
#include "record.h"

static uint64_t make_state(uint64_t generation, enum record_state state)
{
	return generation << RECORD_GENERATION_SHIFT | (uint64_t)state;
}

void bounce_record_init(struct bounce_record *record, uint64_t generation)
{
	atomic_init(&record->state, make_state(generation, RECORD_FREE));
	atomic_init(&record->about, 0);
	atomic_init(&record->target, 0);
}

uint64_t bounce_record_publish(struct bounce_record *record, uint64_t about,
			       uint64_t target)
{
	/* relaxed: ours alone since the claim of the run (R1). */
	uint64_t state = atomic_load_explicit(&record->state,
					      memory_order_relaxed);
	uint64_t generation = record_generation(state) + 1;

	bounce_assert((state & RECORD_STATE_MASK) == RECORD_FREE);
	/*
	 * release: pairs with the acquire fence in bounce_record_same(): who
	 * sees these fields sees that the generation before them has ended,
	 * and takes them for nobody else's.
	 */
	atomic_store_explicit(&record->about, about, memory_order_release);
	atomic_store_explicit(&record->target, target, memory_order_release);
	/*
	 * release: pairs with the acquire in bounce_record_peek(). Without it
	 * a CPU that was handed the mapping could read the fields, or the
	 * slots, as the last owner left them.
	 * seq_cst: pairs with the fence in bounce_device_revoke(). Each side
	 * stores its word and loads the other's; with less both could miss
	 * each other, and a live mapping would survive the revoke (R6).
	 */
	atomic_store_explicit(&record->state,
			      make_state(generation, RECORD_LIVE),
			      memory_order_seq_cst);
	return generation;
}

uint64_t bounce_record_live(const struct bounce_record *record)
{
	/* relaxed: bounce_record_peek() looks again, in order. */
	uint64_t state = atomic_load_explicit(&record->state,
					      memory_order_relaxed);

	if ((state & RECORD_STATE_MASK) != RECORD_LIVE)
		return 0;
	return record_generation(state);
}

bool bounce_record_peek(const struct bounce_record *record, uint64_t generation,
			uint64_t *about, uint64_t *target)
{
	/* acquire: pairs with the release in bounce_record_publish() (R4). */
	uint64_t state = atomic_load_explicit(&record->state,
					      memory_order_acquire);

	if (!record_is_live(state, generation))
		return false;
	/* relaxed: a later CAS from this generation proves them (R4). */
	*about = atomic_load_explicit(&record->about, memory_order_relaxed);
	*target = atomic_load_explicit(&record->target, memory_order_relaxed);
	return true;
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

bool bounce_record_unpin(struct bounce_record *record)
{
	/*
	 * acquire: pairs with the release below of those who left before us.
	 * In DYING busy only falls, so a count of one is ours: nobody else is
	 * inside, and the subtraction can be spared.
	 */
	uint64_t state = atomic_load_explicit(&record->state,
					      memory_order_acquire);

	if ((state & RECORD_STATE_MASK) == RECORD_DYING &&
	    record_busy(state) == 1)
		return true;
	/*
	 * release: pairs with the acquire of the last one out, here or above:
	 * our copies precede the release of the run. acquire: for when that is
	 * us. Without them the next owner's bytes could be ours.
	 */
	state = atomic_fetch_sub_explicit(&record->state, RECORD_BUSY_ONE,
					  memory_order_acq_rel);
	return (state & RECORD_STATE_MASK) == RECORD_DYING &&
	       record_busy(state) == 1;
}

enum bounce_err bounce_record_end(struct bounce_record *record,
				  uint64_t generation, bool idle)
{
	/* relaxed: the CAS decides. */
	uint64_t state = atomic_load_explicit(&record->state,
					      memory_order_relaxed);
	uint64_t next;

	do {
		if (!record_is_live(state, generation))
			return BOUNCE_ERR_STALE;
		if (idle && record_busy(state) != 0)
			return BOUNCE_ERR_BUSY;
		next = (state & ~RECORD_STATE_MASK) + RECORD_BUSY_ONE +
		       RECORD_DYING;
		/*
		 * acquire: pairs with the release in bounce_record_publish()
		 * and bounce_record_unpin(): what was done in the run before
		 * precedes our copy-out and its release.
		 */
	} while (!atomic_compare_exchange_weak_explicit(
		&record->state, &state, next, memory_order_acquire,
		memory_order_relaxed));
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

bool bounce_record_retire(struct bounce_record *record)
{
	/* relaxed: nobody but us changes a DYING record without holders. */
	uint64_t generation = record_generation(
		atomic_load_explicit(&record->state, memory_order_relaxed));
	bool exhausted = generation == RECORD_GENERATION_MAX;

	/* relaxed: the release of the run publishes it to the next owner. */
	atomic_store_explicit(&record->state,
			      make_state(generation, exhausted ?
							     RECORD_EXHAUSTED :
							     RECORD_FREE),
			      memory_order_relaxed);
	return !exhausted;
}

void bounce_record_hold(struct bounce_record *record, uint64_t about)
{
	/* relaxed, all of it: ours alone since the claim of the run (R1), and
	 * whoever meets it later only sees that it is in use. */
	uint64_t generation = record_generation(
		atomic_load_explicit(&record->state, memory_order_relaxed));

	atomic_store_explicit(&record->about, about, memory_order_relaxed);
	atomic_store_explicit(&record->state,
			      make_state(generation, RECORD_DYING) +
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
			      make_state(RECORD_GENERATION_MAX,
					 RECORD_EXHAUSTED),
			      memory_order_relaxed);
}
