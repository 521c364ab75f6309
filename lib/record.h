/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * record.h - what is known of a mapping, in private memory (S3, S4).
 *
 * Every run has one record, that of its first slot (or of its first granule,
 * in the block that splits the slot); a mapping without a run takes a record
 * of the direct table. A record is written by the owner of the run only, and
 * its state word is the only thing that others change:
 *
 *   63            16 15     3 2   0
 *   | generation    | busy   | state |
 *
 *   R1  FREE -> LIVE by the run's owner, with the generation one up.
 *   R2  LIVE -> DYING by one CAS; whoever wins it ends the mapping (S4).
 *   R3  busy counts those inside sync or copy-out, or mappings of a born-shared
 *       run; it goes up only in LIVE, and the last one out of DYING releases.
 *   R4  The fields are read only under a LIVE state with the right generation,
 *       read with acquire; and nothing is touched once the run is released.
 *   R6  LIVE -> QUARANTINE by bounce_device_revoke(), QUARANTINE -> DYING by
 *       bounce_device_quiesced(), alone. The device may still write into the
 *       run, so nobody else gets it.
 *   R5  A generation that would wrap retires the record: EXHAUSTED for ever,
 *       with its run.
 *   R7  KEPT and TAKEN are a BORN record's between two mappings: kept.c.
 */
#ifndef LIB_RECORD_H
#define LIB_RECORD_H

#include <bounce/types.h>

#include "atomic.h"
#include "base.h"

#define RECORD_STATE_MASK UINT64_C(7)
#define RECORD_BUSY_SHIFT 3
#define RECORD_BUSY_ONE (UINT64_C(1) << RECORD_BUSY_SHIFT)
#define RECORD_BUSY_MAX UINT64_C(0x1fff)
#define RECORD_GENERATION_SHIFT 16
#define RECORD_GENERATION_MAX ((UINT64_C(1) << 48) - 1)

enum record_state {
	RECORD_FREE = 0,
	RECORD_LIVE = 1,
	RECORD_DYING = 2,
	RECORD_EXHAUSTED = 3,
	RECORD_QUARANTINE = 4,
	RECORD_KEPT = 5,
	RECORD_TAKEN = 6,
};

/* What a record stands for. */
enum record_kind {
	RECORD_RUN = 0, /* a bounced buffer */
	RECORD_SHARED = 1, /* memory of bounce_alloc() */
	RECORD_DIRECT = 2, /* the caller's own pages */
	RECORD_BORN = 3, /* a mapping of born-shared memory */
};

/* How a mapping is used, in four bits. */
enum record_how {
	RECORD_TO = 1, /* the device reads */
	RECORD_FROM = 2, /* the device writes */
	RECORD_FULL = 4, /* all of it comes back at unmap: ZERO, PRESERVE */
	RECORD_BYPASS = 8, /* the path its bus address was made for */
	/* Nothing can come back of what only goes: a run that was written in
	 * place (bounce_commit()), and has no private buffer. */
	RECORD_IN_PLACE = RECORD_TO | RECORD_FULL,
};

struct bounce_record {
	_Atomic uint64_t state;
	/*
	 * struct record_about: len - 1 in bits 0-23, offset in 24-41, how in
	 * 42-45, kind in 46-47, queue in 48-63. Relaxed: R4.
	 */
	_Atomic uint64_t about;
	/*
	 * RUN: the buffer's CPU address. DIRECT: its bus address. BORN: the
	 * index of the SHARED record in the low half, the offset into it in
	 * the high half. SHARED: the BORN record that it keeps (R9), plus 1,
	 * or 0. Relaxed: R4.
	 */
	_Atomic uint64_t target;
};
_Static_assert(sizeof(struct bounce_record) == 24, "0.59 % of a slot");

/* The fields of `about`, unpacked. */
struct record_about {
	uint32_t len; /* 1 .. 2^24 */
	uint32_t offset; /* from the run's first byte; below a chunk */
	uint8_t how; /* enum record_how */
	uint8_t kind; /* enum record_kind */
	uint16_t queue;
};

static inline uint64_t record_pack(const struct record_about *about)
{
	return (uint64_t)(about->len - 1) | (uint64_t)about->offset << 24 |
	       (uint64_t)about->how << 42 | (uint64_t)about->kind << 46 |
	       (uint64_t)about->queue << 48;
}

static inline struct record_about record_unpack(uint64_t word)
{
	return (struct record_about) {
		.len = (uint32_t)(word & 0xffffff) + 1,
		.offset = (uint32_t)(word >> 24) & 0x3ffff,
		.how = (uint8_t)((word >> 42) & 0xf),
		.kind = (uint8_t)((word >> 46) & 3),
		.queue = (uint16_t)(word >> 48),
	};
}

/* Born shared, or committed in place? Then its run is just its length. */
static inline bool record_is_plain(const struct record_about *about)
{
	return about->kind == RECORD_SHARED ||
	       (about->how & (RECORD_IN_PLACE | RECORD_FROM)) ==
		       RECORD_IN_PLACE;
}

/* ---- the pure half: what a state word becomes ---- */

static inline uint64_t record_generation(uint64_t state)
{
	return state >> RECORD_GENERATION_SHIFT;
}

static inline uint64_t record_busy(uint64_t state)
{
	return (state >> RECORD_BUSY_SHIFT) & RECORD_BUSY_MAX;
}

static inline bool record_is_live(uint64_t state, uint64_t generation)
{
	return (state & RECORD_STATE_MASK) == RECORD_LIVE &&
	       record_generation(state) == generation;
}

static inline uint64_t record_word(uint64_t generation, enum record_state state)
{
	return generation << RECORD_GENERATION_SHIFT | (uint64_t)state;
}

/* ---- the concurrent half: what every mapping needs is inline ---- */

/* Before first use: FREE, with the generation before the first one. */
void bounce_record_init(struct bounce_record *record, uint64_t generation);

/* R1: fill in and publish; returns the generation. The caller owns the run,
 * and the record is FREE (a run whose record is EXHAUSTED is never released),
 * or TAKEN by the caller (R7). */
static inline uint64_t bounce_record_publish(struct bounce_record *record,
					     uint64_t about, uint64_t target)
{
	/* relaxed: ours alone since the claim of the run (R1). */
	uint64_t state = atomic_load_explicit(&record->state,
					      memory_order_relaxed);
	uint64_t generation = record_generation(state) + 1;

	bounce_assert((state & RECORD_STATE_MASK) == RECORD_FREE ||
		      (state & RECORD_STATE_MASK) == RECORD_TAKEN);
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
	 * slots, as the last owner left them. That a revoke sees it is the
	 * business of queue_count(), which comes next (R6).
	 */
	atomic_store_explicit(&record->state,
			      record_word(generation, RECORD_LIVE),
			      memory_order_release);
	return generation;
}

/* The generation of a LIVE record, or 0: no generation is 0. */
static inline uint64_t bounce_record_live(const struct bounce_record *record)
{
	/* relaxed: bounce_record_peek() looks again, in order. */
	uint64_t state = atomic_load_explicit(&record->state,
					      memory_order_relaxed);

	if ((state & RECORD_STATE_MASK) != RECORD_LIVE)
		return 0;
	return record_generation(state);
}

/* R4: the fields of a live mapping, or false. */
static inline bool bounce_record_peek(const struct bounce_record *record,
				      uint64_t generation, uint64_t *about,
				      uint64_t *target)
{
	/* acquire: pairs with the release in bounce_record_publish() (R4). */
	uint64_t state = atomic_load_explicit(&record->state,
					      memory_order_acquire);

	if (bounce_unlikely(!record_is_live(state, generation)))
		return false;
	/* relaxed: a later CAS from this generation proves them (R4). */
	*about = atomic_load_explicit(&record->about, memory_order_relaxed);
	*target = atomic_load_explicit(&record->target, memory_order_relaxed);
	return true;
}

/* Between claim and publication, instead of it: nobody can do anything with the
 * record, until it retires, or is buried. */
void bounce_record_hold(struct bounce_record *record, uint64_t about);

/* A DYING record that the caller holds is to retire as EXHAUSTED (R5). */
void bounce_record_doom(struct bounce_record *record);

/* EXHAUSTED, with its run: a record that nobody else changes. */
void bounce_record_bury(struct bounce_record *record);

/* Is the state still what bounce_record_peek() saw? Then the fields read in
 * between belong to @generation. For callers that change nothing. */
bool bounce_record_same(const struct bounce_record *record,
			uint64_t generation);

/* R3: hold a live mapping. OK, ERR_STALE, or ERR_BUSY when busy is full. */
enum bounce_err bounce_record_pin(struct bounce_record *record,
				  uint64_t generation);

/* R3: let go. True when the caller is the last one out and must retire it. */
static inline bool bounce_record_unpin(struct bounce_record *record)
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

/*
 * R2: end it. On OK the caller holds one busy count of a DYING record, and
 * must leave by bounce_record_unpin(). ERR_STALE: somebody else did, or it
 * never was. With @idle: ERR_BUSY, and nothing changed, while it is held.
 */
static inline enum bounce_err bounce_record_end(struct bounce_record *record,
						uint64_t generation, bool idle)
{
	/* relaxed: the CAS decides. */
	uint64_t state = atomic_load_explicit(&record->state,
					      memory_order_relaxed);
	uint64_t next;

	do {
		if (bounce_unlikely(!record_is_live(state, generation)))
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

/*
 * R6: the mapping has ended, its run stays. False when it was not LIVE with
 * this generation.
 */
bool bounce_record_quarantine(struct bounce_record *record,
			      uint64_t generation);

/*
 * R6: back out of quarantine. On OK the caller holds the one busy count of a
 * DYING record. ERR_STALE: not in quarantine. ERR_BUSY: somebody is inside.
 */
enum bounce_err bounce_record_reclaim(struct bounce_record *record);

/* How many hold it (R3): a guess. */
static inline uint64_t bounce_record_holds(const struct bounce_record *record)
{
	/* relaxed: a guess. */
	return record_busy(
		atomic_load_explicit(&record->state, memory_order_relaxed));
}

/* R7: KEPT -> TAKEN; false when it was not KEPT, or is somebody else's. */
static inline bool bounce_record_take(struct bounce_record *record)
{
	/* relaxed: the CAS decides. */
	uint64_t state = atomic_load_explicit(&record->state,
					      memory_order_relaxed);

	if ((state & RECORD_STATE_MASK) != RECORD_KEPT)
		return false;
	/* acquire: pairs with the release in bounce_record_put(). Without it
	 * the fields could be those of the mapping before (R8). */
	return atomic_compare_exchange_strong_explicit(
		&record->state, &state,
		record_word(record_generation(state), RECORD_TAKEN),
		memory_order_acquire, memory_order_relaxed);
}

/* R7: a record that is the caller's becomes KEPT, or FREE. */
static inline void bounce_record_put(struct bounce_record *record,
				     enum record_state state)
{
	/* relaxed: ours alone. */
	uint64_t generation = record_generation(
		atomic_load_explicit(&record->state, memory_order_relaxed));

	/* release: pairs with the acquire in bounce_record_take(): our last use
	 * of it, and the fields, come before the next one's. */
	atomic_store_explicit(&record->state, record_word(generation, state),
			      memory_order_release);
}

/* R5: has a record that is ours no generation left after this one? */
static inline bool record_is_worn(const struct bounce_record *record)
{
	/* relaxed: nobody but us changes it. */
	return record_generation(atomic_load_explicit(&record->state,
						      memory_order_relaxed)) ==
	       RECORD_GENERATION_MAX;
}

/*
 * DYING -> FREE, the last touch before the run is released. False when the
 * record is now EXHAUSTED: then the run must not be released (R5).
 */
static inline bool bounce_record_retire(struct bounce_record *record)
{
	/* relaxed: nobody but us changes a DYING record without holders. */
	uint64_t generation = record_generation(
		atomic_load_explicit(&record->state, memory_order_relaxed));
	bool exhausted = record_is_worn(record);

	/* relaxed: the release of the run publishes it to the next owner. */
	atomic_store_explicit(&record->state,
			      record_word(generation, exhausted ?
							      RECORD_EXHAUSTED :
							      RECORD_FREE),
			      memory_order_relaxed);
	return !exhausted;
}

#endif
