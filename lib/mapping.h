/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * mapping.h - what map and unmap have in common, inline: handles looked up, and
 * the end of a run that nobody else holds. G1 and G2 are in mapping.c.
 */
#ifndef LIB_MAPPING_H
#define LIB_MAPPING_H

#include "poison.h"
#include "queue.h"
#include "quick.h"

#define KEY_QUEUE_SHIFT 48

static inline uint32_t mapping_path(const struct record_about *about)
{
	return (about->how & RECORD_BYPASS) != 0 ? BOUNCE_PATH_BYPASS :
						   BOUNCE_PATH_BUS;
}

/* Bytes of a record's run, of a device that rounds up to @align + 1. */
static inline uint64_t mapping_span(const struct record_about *about,
				    uint64_t align)
{
	/* Memory of bounce_alloc() is not rounded up to A + 1. */
	if (record_is_plain(about))
		return about->len;
	return bounce_round_up((uint64_t)about->offset + about->len, align);
}

/* The bus address of byte @offset of a run. */
static inline uint64_t mapping_bus(const struct bounce_device *device,
				   uint32_t path, const struct bounce_run *run,
				   uint64_t offset)
{
	return device->space->bus[path][run->slab] + quick_offset(run) + offset;
}

/* The same of a mapping inside born-shared memory. NO_BUS: not yet proven (R4),
 * @target may be of the next mapping, a DIRECT one, whose bus address is no
 * index. */
static bounce_inline uint64_t
mapping_bus_inside(const struct bounce_device *device,
		   const struct record_about *about, uint64_t target)
{
	const struct bounce *bounce = device->bounce;
	uint32_t home = (uint32_t)target;
	struct bounce_run run;

	if (home >= bounce->first_block_record)
		return NO_BUS;
	quick_run(bounce, home, 1, &run);
	return mapping_bus(device, mapping_path(about), &run, target >> 32);
}

/* The same of a record that may have no run: mapping.c. */
uint64_t bounce_mapping_bus(const struct bounce *bounce, uint32_t record,
			    const struct record_about *about, uint64_t target);

/* The CPU's address of a private buffer, or NULL. */
static inline void *mapping_pointer(const struct bounce *bounce,
				    const struct bounce_buf *buf)
{
	if (buf->ptr == NULL)
		return bounce_linear_pointer(bounce, buf->gpa, buf->len);
	return bounce_wraps((uintptr_t)buf->ptr, buf->len) ? NULL : buf->ptr;
}

/* How it is used: enum record_how. */
static inline uint8_t mapping_how(const struct bounce_request *request)
{
	uint32_t how = request->how & BOUNCE_BIDIRECTIONAL;

	if ((request->how & (BOUNCE_ZERO | BOUNCE_PRESERVE)) != 0)
		how |= RECORD_FULL;
	if (request->path == BOUNCE_PATH_BYPASS)
		how |= RECORD_BYPASS;
	return (uint8_t)how;
}

/* What a handle was found to stand for. */
struct mapping_found {
	struct record_about about;
	uint64_t target;
	struct bounce_run run; /* of kind RUN and SHARED */
};

/* Is what was found of the record what the handle says (G1)? */
static bounce_inline bool mapping_agrees(const struct bounce_queue *queue,
					 const struct bounce_mapping *mapping,
					 struct mapping_found *found)
{
	const struct bounce_device *device = queue->device;
	const struct bounce *bounce = device->bounce;
	const struct record_about *about = &found->about;
	uint64_t bus;

	if (mapping->key >> KEY_QUEUE_SHIFT != about->queue ||
	    mapping->len != about->len ||
	    !bounce_device_has_lane(device, about->queue))
		return false;
	if (bounce_unlikely(about->kind == RECORD_BORN))
		return mapping->bus.v ==
		       mapping_bus_inside(device, about, found->target);
	if (bounce_unlikely(about->kind == RECORD_DIRECT)) {
		const struct record_about copy = *about;

		return mapping->bus.v ==
		       bounce_mapping_bus(bounce, mapping->record, &copy,
					  found->target);
	}
	quick_run(bounce, mapping->record,
		  (uint32_t)mapping_span(about, device->limits.align),
		  &found->run);
	bus = mapping_bus(device, mapping_path(about), &found->run,
			  about->offset);
	return mapping->bus.v == bus;
}

/*
 * Look a handle up, without trusting a bit of it: the record, and what it
 * stands for, when it names a live mapping of @queue's device; else NULL.
 */
static bounce_inline struct bounce_record *mapping_look_up(
	const struct bounce_queue *queue, const struct bounce_mapping *mapping,
	struct mapping_found *found)
{
	const struct bounce *bounce = queue->device->bounce;
	uint64_t generation = mapping->key & RECORD_GENERATION_MAX;
	struct bounce_record *record;
	uint64_t word;

	if (bounce_unlikely(mapping->record >= bounce->records ||
			    mapping->reserved != 0))
		return NULL;
	record = &bounce->record[mapping->record];
	if (!bounce_record_peek(record, generation, &word, &found->target))
		return NULL;
	found->about = record_unpack(word);
	return bounce_likely(mapping_agrees(queue, mapping, found)) ? record :
								      NULL;
}

/* The handle of a record. */
static inline void mapping_handle(const struct bounce_prepared *prepared,
				  uint64_t generation,
				  struct bounce_mapping *mapping)
{
	const struct record_about *about = &prepared->about;

	*mapping = (struct bounce_mapping) {
		.bus = { prepared->bus },
		.key = (uint64_t)about->queue << KEY_QUEUE_SHIFT | generation,
		.record = prepared->record,
		.len = about->len,
	};
}

/* Publish, and fill in the handle: bounce_mapping_publish(). */
static bounce_inline enum bounce_err mapping_publish(
	const struct bounce_request *request,
	const struct bounce_prepared *prepared, uint64_t count,
	struct bounce_mapping *mapping)
{
	struct bounce_queue *queue = request->queue;
	uint64_t generation = bounce_record_publish(
		&queue->device->bounce->record[prepared->record],
		record_pack(&prepared->about), prepared->target);

	/* R6: published first, looked at second; see bounce_queue_move(). */
	if (bounce_unlikely(!queue_count(queue, &prepared->about,
					 request->generation, count))) {
		const struct bounce_prepared copy = *prepared;

		return bounce_mapping_withdraw(queue, &copy, generation, count);
	}
	mapping_handle(prepared, generation, mapping);
	return BOUNCE_OK;
}

/* What claims and gives back for a queue, as far as the short ways ask. */
static inline struct pool_client mapping_client(struct bounce_queue *queue,
						uint32_t path)
{
	return (struct pool_client) {
		.hint = &queue->hint,
		.lane = quick_lane(queue, path),
	};
}

/* Give back the run of a record that was retired: G2. */
static bounce_inline void mapping_give(struct bounce_queue *queue,
				       const struct mapping_found *found)
{
	struct bounce *bounce = queue->device->bounce;
	const struct bounce_run *run = &found->run;
	const struct pool_client client =
		mapping_client(queue, mapping_path(&found->about));

	bounce_poison(quick_memory(bounce, run), bounce_run_bytes(run));
	if (bounce_unlikely(queue->device->limited)) {
		const struct bounce_run copy = *run;

		bounce_quota_give(&bounce->queue[found->about.queue], &copy);
	}
	if (bounce_unlikely(run->slots > SLOTS_PER_CHUNK)) {
		const struct bounce_run copy = *run;
		const struct pool_client same = client;

		bounce_pool_give_back(bounce->slab[run->slab].pool, &same,
				      &copy);
		return;
	}
	quick_give(bounce, &client, run);
}

#endif
