/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * secure.c - what concerns the whole guest: the epoch, the way into secure
 * mode, the way out of everything, and the list of what the host can see.
 *
 * All cold. But for the epoch, no other call is in progress.
 */
#include "queue.h"
#include "share.h"

void bounce_epoch_advance(struct bounce *bounce)
{
	(void)bounce_share_detect(bounce);
	/* release: pairs with the acquire in bounce_device_bind(): who sees the
	 * new epoch sees what moved it. It stays odd, also when it wraps: 0 is
	 * that of no binding. */
	(void)atomic_fetch_add_explicit(&bounce->epoch, 2,
					memory_order_release);
}

static uint32_t phase_of(const struct bounce_slab *slab)
{
	/* relaxed: no growth or retirement is in progress. */
	return atomic_load_explicit(&slab->phase, memory_order_relaxed);
}

/* ---- into secure mode ---- */

/* Is anything left that has a run? */
static bool has_runs(const struct bounce *bounce)
{
	for (uint32_t i = 0; i < bounce->records; i++) {
		const struct bounce_record *record = &bounce->record[i];
		/* relaxed: no other call is in progress. */
		uint64_t state = atomic_load_explicit(&record->state,
						      memory_order_relaxed) &
				 RECORD_STATE_MASK;
		struct record_about about = record_unpack(atomic_load_explicit(
			&record->about, memory_order_relaxed));

		if (state == RECORD_DYING || state == RECORD_QUARANTINE ||
		    (state == RECORD_LIVE &&
		     (about.kind != RECORD_DIRECT || bounce_is_own(bounce, i))))
			return true;
	}
	return false;
}

/* DIRECT mappings end: their devices are reset, their pages private now. */
static void end_direct(struct bounce *bounce)
{
	for (uint32_t i = bounce->first_direct_record; i < bounce->records;
	     i++) {
		struct bounce_record *record = &bounce->record[i];
		uint64_t generation = bounce_record_live(record);
		uint64_t about;
		uint64_t target;
		struct record_about fields;

		if (generation == 0 ||
		    !bounce_record_peek(record, generation, &about, &target) ||
		    bounce_record_end(record, generation, true) != BOUNCE_OK)
			continue;
		fields = record_unpack(about);
		bounce_queue_ended(&bounce->queue[fields.queue], &fields, 1);
		bounce_mapping_leave(bounce, i, &fields, target);
	}
}

/* Back to private and shared afresh, at the same place. */
static enum bounce_err share_afresh(struct bounce_slab *slab)
{
	uint64_t len = (uint64_t)slab->chunks << BOUNCE_CHUNK_SHIFT;
	bounce_gpa_t gpa = slab->base;
	enum bounce_err err = bounce_pool_retire(slab->pool, gpa);

	if (err == BOUNCE_ERR_BUSY) {
		/* Nothing lives: so a slot of it is kept for ever (N3, R5). */
		bounce_slab_lose(slab);
		return BOUNCE_ERR_LOST;
	}
	if (err != BOUNCE_OK)
		return err;
	return bounce_pool_grow(slab->pool, gpa, len);
}

enum bounce_err bounce_enter_secure(struct bounce *bounce)
{
	enum bounce_err result = BOUNCE_OK;

	/* relaxed: see bounce_mark_dead(). */
	if (atomic_load_explicit(&bounce->dead, memory_order_relaxed) != 0)
		return BOUNCE_ERR_DEAD;
	if (has_runs(bounce))
		return BOUNCE_ERR_BUSY;
	if (bounce_share_detect(bounce) != BOUNCE_PROTECTION_YES)
		return BOUNCE_ERR_HOST;
	end_direct(bounce);
	bounce_epoch_advance(bounce);
	for (uint32_t i = 0; i < bounce->config.devices; i++)
		bounce->device[i].unnegotiated = bounce->device[i].in_use;
	for (uint32_t i = 0; i < bounce->config.slabs; i++) {
		struct bounce_slab *slab = &bounce->slab[i];
		enum bounce_err err = BOUNCE_OK;

		if (phase_of(slab) == SLAB_READY)
			err = share_afresh(slab);
		if (err != BOUNCE_OK && result != BOUNCE_ERR_LOST)
			result = err == BOUNCE_ERR_BUSY ? BOUNCE_ERR_HOST : err;
	}
	return result;
}

/* ---- out of everything ---- */

enum bounce_err bounce_unshare_all(struct bounce *bounce)
{
	enum bounce_err result = BOUNCE_OK;

	bounce_mark_dead(bounce);
	for (uint32_t i = 0; i < bounce->config.slabs; i++) {
		struct bounce_slab *slab = &bounce->slab[i];

		if (phase_of(slab) == SLAB_LOST)
			result = BOUNCE_ERR_LOST;
		if ((phase_of(slab) == SLAB_READY ||
		     phase_of(slab) == SLAB_GROWING ||
		     phase_of(slab) == SLAB_RETIRING) &&
		    bounce_slab_abandon(slab) != BOUNCE_OK)
			result = BOUNCE_ERR_LOST;
	}
	for (uint32_t i = 0; i < bounce->config.spaces; i++)
		if (bounce->space[i].in_use &&
		    bounce_own_abandon(&bounce->space[i]) != BOUNCE_OK)
			result = BOUNCE_ERR_LOST;
	return result;
}

/* ---- what the host can see ---- */

static uint64_t to_le64(uint64_t x)
{
	union {
		uint8_t byte[8];
		uint64_t word;
	} le;

	/* Not by a builtin, which may become a call of the compiler's own. */
	for (uint32_t i = 0; i < 8; i++)
		le.byte[i] = (uint8_t)(x >> 8 * i);
	return le.word;
}

static uint32_t to_le32(uint32_t x)
{
	return (uint32_t)(to_le64((uint64_t)x << 32 | x) >> 32);
}

/* The state that a slot has for the next stage; 0: private. */
static uint32_t range_state(uint8_t page)
{
	if (page == SHARE_SHARED)
		return BOUNCE_RANGE_SHARED;
	return page == SHARE_PRIVATE ? 0 : BOUNCE_RANGE_LOST;
}

/* Append the ranges of a slab: slots of one state that follow each other. */
static uint32_t slab_ranges(const struct bounce_slab *slab,
			    struct bounce_range *range, uint32_t max,
			    uint32_t count)
{
	uint32_t slots = slab->chunks * SLOTS_PER_CHUNK;
	uint32_t last;

	for (uint32_t first = 0; first < slots; first = last) {
		uint32_t state = range_state(slab->page[first]);

		for (last = first + 1; last < slots; last++)
			if (range_state(slab->page[last]) != state)
				break;
		if (state == 0)
			continue;
		if (count < max)
			range[count] = (struct bounce_range) {
				.gpa = to_le64(
					slab->base.v +
					((uint64_t)first << BOUNCE_SLOT_SHIFT)),
				.len = to_le64((uint64_t)(last - first)
					       << BOUNCE_SLOT_SHIFT),
				.state = to_le32(state),
			};
		count++;
	}
	return count;
}

uint32_t bounce_ranges(const struct bounce *bounce, struct bounce_range *range,
		       uint32_t max)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < bounce->config.slabs; i++) {
		const struct bounce_slab *slab = &bounce->slab[i];

		if (phase_of(slab) != SLAB_UNUSED)
			count = slab_ranges(slab, range, max, count);
	}
	return count;
}

/* ---- pressure ---- */

bool bounce_pool_pressure(struct bounce_pool *pool)
{
	const struct bounce_env *env = &pool->bounce->env;
	struct bounce_pool_stats stats;
	uint64_t used;
	uint32_t on;
	bool now;

	if (pool->high == 0)
		return false;
	/* relaxed, all of it: a level, that orders nothing. */
	on = atomic_load_explicit(&pool->pressure, memory_order_relaxed);
	/* Slots that are split and empty hold nothing. */
	if (on)
		(void)bounce_block_reclaim(pool->bounce);
	bounce_pool_stats(pool, &stats);
	used = stats.chunks_in_use * UINT64_C(100);
	now = on ? used > (uint64_t)stats.chunks * pool->low :
		   used >= (uint64_t)stats.chunks * pool->high;
	if (now != on &&
	    atomic_compare_exchange_strong_explicit(&pool->pressure, &on, now,
						    memory_order_relaxed,
						    memory_order_relaxed) &&
	    env->pressure != NULL)
		env->pressure(env->ctx, pool, now);
	return now;
}
