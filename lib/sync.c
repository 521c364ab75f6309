/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * sync.c - part of a live mapping goes to the device, or comes from it.
 *
 * The record is held while bytes are copied (R3), so that the run cannot go to
 * somebody else under our hands; if the mapping ends meanwhile, we release it
 * on our way out. S1 and S2 as in map.c.
 */
#include "copy.h"
#include "instance.h"

/* Used where it is, or written there: nothing to copy. */
static bool is_in_place(const struct bounce *bounce, uint32_t record,
			const struct record_about *about)
{
	if (about->kind == RECORD_DIRECT)
		return !bounce_is_own(bounce, record);
	return about->kind != RECORD_RUN || record_is_plain(about);
}

static void sync_copy(struct bounce_queue *queue, uint32_t record,
		      const struct record_about *about, uint64_t target,
		      const struct bounce_part *part)
{
	unsigned char *private = (unsigned char *)(uintptr_t)target;
	unsigned char *shared = bounce_mapping_shared(queue->device->bounce,
						      record, about);
	enum bounce_size size = bounce_size_of(about->len);
	_Atomic uint64_t *counter = &queue->counters[size].bytes_to;

	if (part->direction == RECORD_FROM) {
		bounce_copy_out(private + part->offset, shared + part->offset,
				part->len);
		counter = &queue->traffic[size].bytes_from;
	} else {
		bounce_copy_in(shared + part->offset, private + part->offset,
			       part->len);
	}
	/* relaxed: a counter. */
	atomic_fetch_add_explicit(counter, part->len, memory_order_relaxed);
}

/* Of own pages the ends alone are bounced. */
static void sync_any_copy(struct bounce_queue *queue, uint32_t record,
			  const struct record_about *about, uint64_t target,
			  const struct bounce_part *part)
{
	if (bounce_unlikely(about->kind == RECORD_DIRECT))
		bounce_own_copy(queue, record, about, target, part);
	else
		sync_copy(queue, record, about, target, part);
}

/* Where caches do not see the DMA: first out of them, then copied; and back. */
static void sync_maintained(struct bounce_queue *queue, uint32_t record,
			    const struct record_about *about, uint64_t target,
			    const struct bounce_part *part)
{
	if (part->direction == RECORD_FROM)
		bounce_cache_sync(queue->device, record, about, target, part);
	if (!is_in_place(queue->device->bounce, record, about))
		sync_any_copy(queue, record, about, target, part);
	if (part->direction == RECORD_TO)
		bounce_cache_sync(queue->device, record, about, target, part);
}

/* A part of the mapping, in a direction that it has? */
static bool part_valid(const struct record_about *about,
		       const struct bounce_part *part)
{
	return (about->how & part->direction) != 0 && part->len != 0 &&
	       bounce_inside(part->offset, part->len, 0, about->len);
}

static enum bounce_err sync_held(struct bounce_queue *queue,
				 const struct bounce_mapping *mapping,
				 const struct bounce_part *part)
{
	const struct bounce_mapping handle = *mapping;
	uint64_t generation = handle.key & RECORD_GENERATION_MAX;
	struct record_about about;
	struct bounce_record *record;
	enum bounce_err err;
	uint64_t target;

	record = bounce_mapping_look_up(queue, &handle, &about, &target);
	if (record == NULL || about.kind == RECORD_SHARED)
		return BOUNCE_ERR_STALE;
	if (!part_valid(&about, part))
		/* What we judged may be the next mapping of this record. */
		return bounce_record_same(record, generation) ?
			       BOUNCE_ERR_ARG :
			       BOUNCE_ERR_STALE;
	if (is_in_place(queue->device->bounce, handle.record, &about) &&
	    !queue->device->maintained)
		return BOUNCE_OK;
	err = bounce_record_pin(record, generation);
	if (err != BOUNCE_OK)
		return err;
	if (bounce_unlikely(queue->device->maintained))
		sync_maintained(queue, handle.record, &about, target, part);
	else
		sync_any_copy(queue, handle.record, &about, target, part);
	bounce_mapping_leave(queue->device->bounce, handle.record, &about,
			     target);
	return BOUNCE_OK;
}

static enum bounce_err sync_any(struct bounce_queue *queue,
				const struct bounce_mapping *mapping,
				const struct bounce_part *part)
{
	enum bounce_err err;

	if (!bounce_queue_attached(queue) || mapping == NULL)
		return BOUNCE_ERR_ARG;
	err = sync_held(queue, mapping, part);
	return bounce_likely(err == BOUNCE_OK) ?
		       err :
		       bounce_count_error(queue, err, mapping->len);
}

enum bounce_err bounce_sync_for_device(struct bounce_queue *queue,
				       const struct bounce_mapping *mapping,
				       uint64_t offset, uint64_t len)
{
	const struct bounce_part part = { offset, len, RECORD_TO };

	return sync_any(queue, mapping, &part);
}

enum bounce_err bounce_sync_for_cpu(struct bounce_queue *queue,
				    const struct bounce_mapping *mapping,
				    uint64_t offset, uint64_t len)
{
	const struct bounce_part part = { offset, len, RECORD_FROM };

	return sync_any(queue, mapping, &part);
}
