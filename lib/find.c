/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * find.c - from a bus address back to the live mapping that holds it, for
 * kernels that keep nothing else. Reads private records only (S3); what it
 * read of a record is used only if the record was still the same afterwards.
 */
#include "mapping.h"

/* A bus address inside the pool: which byte of which slab. */
struct spot {
	uint32_t slab;
	uint32_t path;
	uint64_t byte;
};

/* Fill in the handle of @record if it is live, the device's, and holds @bus. */
static bool take(const struct bounce_queue *queue, uint32_t record,
		 uint64_t bus, struct bounce_mapping *mapping)
{
	const struct bounce *bounce = queue->device->bounce;
	const struct bounce_record *r = &bounce->record[record];
	uint64_t generation = bounce_record_live(r);
	struct bounce_prepared found = { .record = record };
	uint64_t word;

	if (generation == 0 ||
	    !bounce_record_peek(r, generation, &word, &found.target) ||
	    !bounce_record_same(r, generation))
		return false;
	found.about = record_unpack(word);
	if (!bounce_device_has_lane(queue->device, found.about.queue))
		return false;
	bounce_prepared_locate(bounce, &found);
	mapping_handle(&found, generation, mapping);
	return bounce_inside(bus, 1, mapping->bus.v, found.about.len);
}

/* The split slot's granules: back from the one that holds the byte. */
static bool find_granule(const struct bounce_queue *queue,
			 const struct spot *spot, uint64_t bus,
			 struct bounce_mapping *mapping)
{
	const struct bounce *bounce = queue->device->bounce;
	uint32_t slot = (uint32_t)(spot->byte >> BOUNCE_SLOT_SHIFT);

	for (uint32_t block = 0; block < bounce->config.blocks; block++) {
		struct bounce_run run = { .block = block };

		bounce_block_locate(bounce, &run);
		if (run.slab != spot->slab || run.slot != slot)
			continue;
		for (uint32_t i =
			     (uint32_t)(spot->byte >> BOUNCE_GRANULE_SHIFT) %
				     GRANULES_PER_SLOT +
			     1;
		     i-- > 0;)
			if (take(queue,
				 bounce->first_block_record +
					 block * GRANULES_PER_SLOT + i,
				 bus, mapping))
				return true;
	}
	return false;
}

/* Slots: the nearest live record at or before the byte, if any, holds it. */
static bool find_slot(const struct bounce_queue *queue, const struct spot *spot,
		      uint64_t bus, struct bounce_mapping *mapping)
{
	const struct bounce_slab *slab =
		&queue->device->bounce->slab[spot->slab];

	for (uint32_t i = (uint32_t)(spot->byte >> BOUNCE_SLOT_SHIFT) + 1;
	     i-- > 0;) {
		if (bounce_record_live(&slab->record[i]) == 0)
			continue;
		return take(queue, slab->first_record + i, bus, mapping);
	}
	return false;
}

/* In which slab of a pool is the address, on @path? */
static bool locate_in(const struct bounce_pool *pool,
		      const struct bounce_space *space, uint64_t bus,
		      uint32_t path, struct spot *spot)
{
	const struct pool_client client = { .bus = space->bus[path] };

	for (uint32_t i = 0; pool != NULL && i < pool->slab_count; i++) {
		uint32_t index = pool->first_slab + i;
		uint64_t first = bounce_slab_bus(pool, &client, index);

		if (first == NO_BUS ||
		    bus - first >= (uint64_t)pool->bounce->slab[index].chunks
					   << BOUNCE_CHUNK_SHIFT)
			continue;
		*spot = (struct spot) {
			.slab = index,
			.path = path,
			.byte = bus - first,
		};
		return true;
	}
	return false;
}

static bool locate(const struct bounce_queue *queue, uint64_t bus,
		   uint32_t path, struct spot *spot)
{
	const struct bounce_space *space = queue->device->space;

	return locate_in(space->pool, space, bus, path, spot) ||
	       locate_in(space->own, space, bus, path, spot);
}

/* Mappings without a run of their own: all of the direct table. */
static bool find_direct(const struct bounce_queue *queue, uint64_t bus,
			struct bounce_mapping *mapping)
{
	const struct bounce *bounce = queue->device->bounce;

	for (uint32_t i = bounce->first_direct_record; i < bounce->records; i++)
		if (take(queue, i, bus, mapping))
			return true;
	return false;
}

enum bounce_err bounce_mapping_find(struct bounce_queue *queue,
				    bounce_bus_t bus,
				    struct bounce_mapping *mapping)
{
	struct bounce_mapping found;
	struct spot spot;

	if (!bounce_queue_attached(queue) || mapping == NULL)
		return BOUNCE_ERR_ARG;
	for (uint32_t path = 0; path < 2; path++) {
		/* A mapping inside born-shared memory before that memory. */
		if (!locate(queue, bus.v, path, &spot))
			continue;
		if (find_direct(queue, bus.v, &found) ||
		    find_slot(queue, &spot, bus.v, &found) ||
		    find_granule(queue, &spot, bus.v, &found)) {
			*mapping = found;
			return BOUNCE_OK;
		}
	}
	if (!find_direct(queue, bus.v, &found))
		return bounce_count_error(queue, BOUNCE_ERR_STALE, 0);
	*mapping = found;
	return BOUNCE_OK;
}
