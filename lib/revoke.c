/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * revoke.c - a device is reset or gone: end all it has, and keep its runs until
 * it can reach nothing any more. R6 is in record.h.
 *
 *   V1  device->generation is even while the device may map, odd from revoke
 *       to quiesced. A mapping keeps the one that its request began with, and
 *       ends at once when it has moved.
 *   V2  Mappings look at their queue's copy of it (queue.h), which follows
 *       before a revoke looks for records, and after the runs are released.
 */
#include "queue.h"

/* V2: the queues follow; also when another call was here first. */
static void move_queues(struct bounce_device *device, uint32_t generation)
{
	for (uint32_t i = 0; i < device->queues; i++)
		bounce_queue_move(
			&device->bounce->queue[device->first_queue + i],
			generation);
}

/* The generation of a record of the device that is LIVE, or 0. */
static uint64_t live_of(const struct bounce_device *device,
			const struct bounce_record *record)
{
	uint64_t generation = bounce_record_live(record);
	uint64_t about;
	uint64_t target;

	if (generation == 0 ||
	    !bounce_record_peek(record, generation, &about, &target) ||
	    record_unpack(about).queue - device->first_queue >= device->queues)
		return 0;
	return generation;
}

void bounce_device_revoke(struct bounce_device *device)
{
	struct bounce *bounce = device->bounce;
	/* relaxed: a revoked device stays so until bounce_device_quiesced(). */
	uint32_t generation = atomic_load_explicit(&device->generation,
						   memory_order_relaxed);

	/* relaxed: mappings look at the queues. Two revokes at once move it
	 * once; on failure it is what the other one made of it. */
	if (generation % 2 == 0 &&
	    atomic_compare_exchange_strong_explicit(
		    &device->generation, &generation, generation + 1,
		    memory_order_relaxed, memory_order_relaxed))
		generation++;
	/* Either a map comes before this on its queue, and we see its record;
	 * or after, and it sees that the device is revoked (R6, T3). */
	move_queues(device, generation);
	for (uint32_t i = 0; i < bounce->records; i++) {
		uint64_t live = live_of(device, &bounce->record[i]);

		if (live != 0)
			(void)bounce_record_quarantine(&bounce->record[i],
						       live);
	}
}

/* Release a quarantined record of the device; ERR_BUSY while one is inside. */
static enum bounce_err let_go(const struct bounce_device *device,
			      uint32_t index, bool shared)
{
	struct bounce *bounce = device->bounce;
	struct bounce_record *record = &bounce->record[index];
	struct record_about about;
	enum bounce_err err;

	/*
	 * acquire: pairs with the release in bounce_record_publish(). It may
	 * be another CPU's revoke that sent the record here; without the order
	 * the fields of the mapping before could be read, and a run of another
	 * length be released.
	 */
	if ((atomic_load_explicit(&record->state, memory_order_acquire) &
	     RECORD_STATE_MASK) != RECORD_QUARANTINE)
		return BOUNCE_OK;
	/* relaxed: a quarantined record has no writer but this call. */
	about = record_unpack(
		atomic_load_explicit(&record->about, memory_order_relaxed));
	if (about.queue - device->first_queue >= device->queues ||
	    (about.kind == RECORD_SHARED) != shared)
		return BOUNCE_OK;
	if (shared)
		bounce_kept_drop(bounce, index);
	err = bounce_record_reclaim(record);
	if (err != BOUNCE_OK)
		return err == BOUNCE_ERR_BUSY ? err : BOUNCE_OK;
	if (!shared)
		bounce_queue_ended(&bounce->queue[about.queue], &about, 1);
	err = bounce_dynamic_leave(device, index, &about);
	/* relaxed: as above. */
	bounce_mapping_leave(bounce, index, &about,
			     atomic_load_explicit(&record->target,
						  memory_order_relaxed));
	return err;
}

enum bounce_err bounce_device_quiesced(struct bounce_device *device)
{
	enum bounce_err result = BOUNCE_OK;
	bool lost = false;
	/* relaxed: revoke came before, in this caller's order. */
	uint32_t generation = atomic_load_explicit(&device->generation,
						   memory_order_relaxed);

	if (generation % 2 == 0)
		return BOUNCE_ERR_ARG;
	/* Mappings inside born-shared runs hold those: they go first (M1). */
	for (uint32_t pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < device->bounce->records; i++) {
			enum bounce_err err = let_go(device, i, pass == 1);

			lost |= err == BOUNCE_ERR_LOST;
			if (err == BOUNCE_ERR_BUSY)
				result = err;
		}
	if (result == BOUNCE_OK &&
	    bounce_device_has(device, 1u << RECORD_DYING))
		result = BOUNCE_ERR_BUSY;
	if (result != BOUNCE_OK)
		return result;
	/* relaxed: mappings look at the queues. First, so that a revoke from
	 * here on moves these further on, and we do not (T1). */
	atomic_store_explicit(&device->generation, generation + 1,
			      memory_order_relaxed);
	move_queues(device, generation + 1);
	return lost ? BOUNCE_ERR_LOST : BOUNCE_OK;
}

bool bounce_device_has(const struct bounce_device *device, uint32_t states)
{
	const struct bounce *bounce = device->bounce;

	/* Cold: reads all records. */
	for (uint32_t i = 0; i < bounce->records; i++) {
		/* acquire: pairs with the release in bounce_record_publish():
		 * whose mapping is DYING, is said by its own fields. */
		uint64_t state = atomic_load_explicit(&bounce->record[i].state,
						      memory_order_acquire) &
				 RECORD_STATE_MASK;
		/* relaxed: of a mapping that is on its way, or of none. */
		uint64_t about = atomic_load_explicit(&bounce->record[i].about,
						      memory_order_relaxed);

		if ((states >> state & 1) != 0 &&
		    record_unpack(about).queue - device->first_queue <
			    device->queues)
			return true;
	}
	return false;
}
