/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * stats.c - counting and checking: cold calls that read what others write.
 *
 * Loads of counters and words are relaxed: a number is exact when nobody else
 * works, and a snapshot otherwise.
 */
#include "queue.h"

#define READ(counter) atomic_load_explicit(&(counter), memory_order_relaxed)

uint64_t bounce_slab_free_in(const struct bounce_slab *slab, uint64_t chunks)
{
	uint64_t slots = (uint64_t)SLOTS_PER_CHUNK *
			 bounce_count(READ(slab->free_chunks) & chunks);

	for (; chunks != 0; chunks &= chunks - 1)
		slots += bounce_count(
			~READ(slab->chunk[bounce_lowest(chunks)].bits));
	return slots;
}

/* Chunks that are neither sealed nor as good as that: wholly free. */
static uint32_t chunks_in_use(const struct bounce_slab *slab)
{
	uint64_t left = slab->all_chunks & ~READ(slab->free_chunks);
	uint32_t count = 0;

	for (; left != 0; left &= left - 1)
		count += READ(slab->chunk[bounce_lowest(left)].bits) != 0;
	return count;
}

void bounce_pool_stats(const struct bounce_pool *pool,
		       struct bounce_pool_stats *stats)
{
	const struct bounce *bounce = pool->bounce;

	*stats = (struct bounce_pool_stats) { 0 };
	for (uint32_t i = 0; i < pool->slab_count; i++) {
		const struct bounce_slab *slab =
			&bounce->slab[pool->first_slab + i];

		/* acquire: pairs with put_back() in grow.c: `chunks` is set. */
		if (atomic_load_explicit(&slab->phase, memory_order_acquire) !=
		    SLAB_READY)
			continue;
		stats->slabs++;
		stats->chunks += slab->chunks;
		stats->slots += (uint64_t)slab->chunks * SLOTS_PER_CHUNK;
		stats->slots_free += bounce_slab_free_slots(slab);
		stats->chunks_in_use += chunks_in_use(slab);
	}
	stats->chunks_high_water = READ(pool->used_chunks_high);
	stats->blocks_free = bounce_block_free_count(bounce);
	stats->share_calls = READ(pool->share_calls);
	stats->share_retries = READ(pool->share_retries);
	stats->lost_bytes = READ(pool->lost_bytes);
}

/* ---- lanes: each counter is read in one place ---- */

/* Lanes and size classes that are counted together. */
struct lanes {
	const struct bounce *bounce;
	uint32_t first;
	uint32_t count;
	uint32_t sizes; /* 1 << enum bounce_size */
};

/* All of a lane and class but the mappings that are live. */
static void add(struct bounce_device_stats *stats,
		const struct bounce_queue *queue, uint32_t size)
{
	const struct queue_traffic *traffic = &queue->traffic[size];
	const struct queue_counters *counters = &queue->counters[size];
	uint64_t out = READ(traffic->turn[0]);
	uint64_t in = READ(traffic->turn[1]);
	uint64_t maps = READ(counters->maps) +
			((out & TURN_COUNTS) >> TURN_MAP_SHIFT) +
			((in & TURN_COUNTS) >> TURN_MAP_SHIFT);

	stats->maps += maps;
	stats->unmaps += maps - READ(counters->ended);
	stats->bytes_to += READ(counters->bytes_to) + (out & TURN_BYTES);
	stats->bytes_from += READ(traffic->bytes_from) + (in & TURN_BYTES);
	stats->refused_lengths += READ(counters->refused_lengths);
	stats->stale += READ(counters->stale);
	stats->full += READ(counters->full);
	stats->fragmented += READ(counters->fragmented);
	stats->other += READ(counters->other);
}

/* Take off the mappings that have not ended, or whose run is held back, and
 * what has not come of them yet (T4). */
static void take_live_off(const struct lanes *lanes,
			  struct bounce_device_stats *stats)
{
	const struct bounce *bounce = lanes->bounce;
	const unsigned states = 1u << RECORD_LIVE | 1u << RECORD_DYING |
				1u << RECORD_QUARANTINE;

	for (uint32_t i = 0; i < bounce->records; i++) {
		const struct bounce_record *record = &bounce->record[i];
		uint64_t state = READ(record->state) & RECORD_STATE_MASK;
		struct record_about about = record_unpack(READ(record->about));

		if ((states >> state & 1) == 0 || about.kind == RECORD_SHARED ||
		    about.queue - lanes->first >= lanes->count ||
		    (lanes->sizes >> bounce_size_of(about.len) & 1) == 0)
			continue;
		stats->unmaps--;
		if (queue_counts_in(&about))
			stats->bytes_from -= about.len;
	}
}

/* A snapshot may have seen a mapping, and its count not yet. */
static uint64_t not_negative(uint64_t count)
{
	return (int64_t)count < 0 ? 0 : count;
}

static void sum(const struct lanes *lanes, struct bounce_device_stats *stats)
{
	*stats = (struct bounce_device_stats) { 0 };
	take_live_off(lanes, stats);
	for (uint32_t i = 0; i < lanes->count; i++)
		for (uint32_t size = 0; size < BOUNCE_SIZES; size++)
			if ((lanes->sizes >> size & 1) != 0)
				add(stats,
				    &lanes->bounce->queue[lanes->first + i],
				    size);
	stats->unmaps = not_negative(stats->unmaps);
	stats->bytes_from = not_negative(stats->bytes_from);
}

#define ALL_SIZES ((1u << BOUNCE_SIZES) - 1)

void bounce_queue_stats(const struct bounce_queue *queue,
			struct bounce_device_stats *stats)
{
	const struct lanes lanes = {
		queue->device->bounce,
		queue->index,
		1,
		ALL_SIZES,
	};

	sum(&lanes, stats);
}

void bounce_device_stats(const struct bounce_device *device,
			 struct bounce_device_stats *stats)
{
	const struct lanes lanes = {
		device->bounce,
		device->first_queue,
		device->queues,
		ALL_SIZES,
	};

	sum(&lanes, stats);
}

void bounce_device_size_stats(const struct bounce_device *device,
			      enum bounce_size size,
			      struct bounce_device_stats *stats)
{
	const struct lanes lanes = {
		device->bounce,
		device->first_queue,
		device->queues,
		size < BOUNCE_SIZES ? 1u << size : 0,
	};

	sum(&lanes, stats);
}

/* ---- invariants ---- */

/* Are slots claimed from it? */
static bool is_open(const struct bounce_slab *slab)
{
	uint32_t phase = READ(slab->phase);

	return phase == SLAB_READY || phase == SLAB_OWN;
}

/* P1, P4, P5: words and bits of one slab agree. */
static bool slab_valid(const struct bounce *bounce,
		       const struct bounce_slab *slab)
{
	uint64_t free = READ(slab->free_chunks);

	if ((free & ~slab->all_chunks) != 0)
		return false;
	if (!is_open(slab) && free != 0)
		return false;
	for (uint32_t i = 0; i < bounce->config.slab_chunks; i++) {
		bool there = (slab->all_chunks >> i & 1) != 0;
		bool sealed = (free >> i & 1) != 0;

		if ((sealed || !there) &&
		    READ(slab->chunk[i].bits) != UINT64_MAX)
			return false;
	}
	return true;
}

/* Slots of a pool's slabs that live records speak for. */
static uint64_t slots_on_record(const struct bounce *bounce,
				const struct bounce_slab *slab)
{
	uint64_t slots = 0;

	for (uint32_t i = 0; i < bounce->slots_per_slab; i++) {
		const struct bounce_record *record = &slab->record[i];
		uint64_t state = READ(record->state) & RECORD_STATE_MASK;
		struct record_about about = record_unpack(READ(record->about));
		struct bounce_run run;

		if (state == RECORD_FREE)
			continue;
		bounce_pool_run_of(bounce, slab->first_record + i,
				   (uint32_t)bounce_record_span(bounce, &about),
				   &run);
		slots += run.slots;
	}
	return slots;
}

/* Slots of a slab that are split. */
static uint64_t slots_split(const struct bounce *bounce, uint32_t slab)
{
	uint64_t slots = 0;

	for (uint32_t i = 0; i < bounce->config.blocks; i++) {
		struct bounce_run run = { .block = i };

		if ((READ(bounce->block_busy[i / 64].bits) >> i % 64 & 1) == 0)
			continue;
		bounce_block_locate(bounce, &run);
		slots += run.slab == slab;
	}
	return slots;
}

bool bounce_pool_valid(const struct bounce_pool *pool)
{
	const struct bounce *bounce = pool->bounce;

	for (uint32_t i = 0; i < pool->slab_count; i++) {
		uint32_t index = pool->first_slab + i;
		const struct bounce_slab *slab = &bounce->slab[index];
		uint64_t all = (uint64_t)slab->chunks * SLOTS_PER_CHUNK;

		if (!slab_valid(bounce, slab))
			return false;
		if (is_open(slab) && all - bounce_slab_free_slots(slab) !=
					     slots_on_record(bounce, slab) +
						     slots_split(bounce, index))
			return false;
	}
	return true;
}

/* B1: a block's word is all ones unless its bit is set. */
static bool blocks_valid(const struct bounce *bounce)
{
	for (uint32_t i = 0; i < bounce->config.blocks; i++)
		if ((READ(bounce->block_busy[i / 64].bits) >> i % 64 & 1) ==
			    0 &&
		    READ(bounce->block[i].word) != UINT64_MAX)
			return false;
	return true;
}

static bool pools_valid(const struct bounce *bounce)
{
	for (uint32_t i = 0; i < bounce->config.pools; i++)
		if (bounce->pool[i].in_use &&
		    !bounce_pool_valid(&bounce->pool[i]))
			return false;
	return true;
}

static bool spaces_valid(const struct bounce *bounce)
{
	for (uint32_t i = 0; i < bounce->config.spaces; i++)
		if (bounce->space[i].in_use &&
		    !bounce_space_valid(&bounce->space[i]))
			return false;
	return true;
}

static bool devices_valid(const struct bounce *bounce)
{
	for (uint32_t i = 0; i < bounce->config.devices; i++)
		if (bounce->device[i].in_use &&
		    !bounce_device_valid(&bounce->device[i]))
			return false;
	return true;
}

bool bounce_valid(const struct bounce *bounce)
{
	return pools_valid(bounce) && spaces_valid(bounce) &&
	       devices_valid(bounce) && blocks_valid(bounce) &&
	       bounce_topology_valid(bounce);
}
