/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * shared.c - memory that is born shared: bounce_alloc(), bounce_free(), and
 * mappings inside it, which copy nothing.
 *
 *   M1  A born-shared run has a record of kind SHARED; each mapping inside it
 *       has a record of its own (kind BORN) and holds the SHARED one busy, so
 *       that it cannot be freed under a live mapping. One record stays with
 *       the run, hold and all, for the next mapping: kept.c.
 */
#include "copy.h"
#include "mapping.h"
#include "poison.h"

/* ---- alloc ---- */

/* What is asked for, apart from the device. */
struct wish {
	uint64_t size; /* bytes */
	uint64_t align; /* mask, 2^n - 1 */
	uint64_t last; /* highest bus address */
};

/* Whole slots, or chunks when they are many; the start is aligned as asked. */
static enum bounce_err claim(const struct bounce_request *request,
			     const struct wish *wish, struct bounce_run *run)
{
	const struct bounce_device *device = request->queue->device;
	struct bounce_limits limits = device->limits;
	struct bounce_place place;
	enum bounce_err err = BOUNCE_ERR_RANGE;

	/* There is no buffer to agree with, and the length is not rounded. */
	limits.match = 0;
	limits.align = 0;
	limits.last = bounce_min(limits.last, wish->last);
	for (uint32_t shift = BOUNCE_SLOT_SHIFT; shift <= BOUNCE_CHUNK_SHIFT;
	     shift += BOUNCE_CHUNK_SHIFT - BOUNCE_SLOT_SHIFT) {
		if (!bounce_window_place(&limits, 0, wish->size, shift, &place))
			continue;
		place.modulus |= wish->align | device->limits.align;
		place.free = false; /* of @align and @last, too */
		err = bounce_mapping_claim_at(request, &place, run);
		if (err != BOUNCE_ERR_UNREACHABLE)
			break;
	}
	if (err == BOUNCE_ERR_UNREACHABLE && wish->last == UINT64_MAX &&
	    device->space->pool != NULL && wish->size > bounce_map_max(device))
		return BOUNCE_ERR_RANGE;
	return err;
}

/* Zero a run and make it the device's, whoever had it before. */
static void clean(const struct bounce_queue *queue,
		  const struct bounce_run *run)
{
	struct bounce *bounce = queue->device->bounce;
	struct bounce_slab *slab = &bounce->slab[run->slab];

	bounce_copy_zero(bounce_pool_memory(bounce, run),
			 (size_t)run->slots << BOUNCE_SLOT_SHIFT);
	if (bounce_unlikely(queue->device->maintained))
		bounce_cache_drop(bounce, bounce_pool_memory(bounce, run),
				  bounce_run_bytes(run));
	bounce_tree_own(slab, run->slot, run->slots, queue->device->owner);
}

/* Show the device a run whose bytes are as they should be. */
static enum bounce_err show(const struct bounce_request *request,
			    const struct bounce_prepared *prepared,
			    uint64_t count, struct bounce_mapping *mapping)
{
	const struct bounce_device *device = request->queue->device;

	if (bounce_unlikely(device->dynamic)) {
		enum bounce_err err = bounce_dynamic_open(request, prepared);

		if (err != BOUNCE_OK)
			return err;
	}
	return bounce_mapping_publish(request, prepared, count, mapping);
}

/* Publish a clean run as born-shared memory. */
static enum bounce_err publish(const struct bounce_request *request,
			       const struct bounce_run *run,
			       struct bounce_buf *buf,
			       struct bounce_mapping *mapping)
{
	struct bounce *bounce = request->queue->device->bounce;
	const struct bounce_slab *slab = &bounce->slab[run->slab];
	const struct bounce_prepared prepared = {
		.record = bounce_pool_record_of(bounce, run),
		.about = {
			.len = (uint32_t)request->buf.len,
			.how = request->path == BOUNCE_PATH_BYPASS ?
				       RECORD_BYPASS :
				       0,
			.kind = RECORD_SHARED,
			.queue = (uint16_t)request->queue->index,
		},
		.bus = mapping_bus(request->queue->device, request->path, run,
				   0),
		.run = *run,
	};
	enum bounce_err err = show(request, &prepared, 0, mapping);

	if (err != BOUNCE_OK)
		return err;
	*buf = (struct bounce_buf) {
		.gpa = { slab->base.v +
			 ((uint64_t)run->slot << BOUNCE_SLOT_SHIFT) },
		.ptr = bounce_pool_memory(bounce, run),
		.len = request->buf.len,
	};
	return BOUNCE_OK;
}

static enum bounce_err alloc(struct bounce_queue *queue,
			     const struct wish *wish, struct bounce_buf *buf,
			     struct bounce_mapping *mapping)
{
	struct bounce_request request = {
		.queue = queue,
		.buf = { .len = wish->size },
	};
	struct bounce_verdict verdict;
	struct bounce_run run;
	enum bounce_err err;

	/* relaxed: see bounce_mark_dead(). */
	if (atomic_load_explicit(&queue->device->bounce->dead,
				 memory_order_relaxed) != 0)
		return BOUNCE_ERR_DEAD;
	if (!queue_usable(queue, wish->size, &request.generation))
		return BOUNCE_ERR_STALE;
	verdict = bounce_device_bind(queue->device->bounce, queue->device);
	if (verdict.kind == BOUNCE_VERDICT_REFUSE)
		return bounce_device_refusal(queue->device, verdict);
	request.path = verdict.path;
	err = claim(&request, wish, &run);
	if (err != BOUNCE_OK)
		return err;
	clean(queue, &run);
	return publish(&request, &run, buf, mapping);
}

static enum bounce_err judge_wish(const struct wish *wish)
{
	if (wish->size == 0 || !bounce_is_low_mask(wish->align))
		return BOUNCE_ERR_ARG;
	return wish->align >= BOUNCE_CHUNK_BYTES ||
			       wish->size > BOUNCE_SLAB_BYTES ?
		       BOUNCE_ERR_RANGE :
		       BOUNCE_OK;
}

enum bounce_err bounce_alloc(struct bounce_queue *queue, uint64_t size,
			     uint64_t align, uint64_t limit,
			     struct bounce_buf *buf,
			     struct bounce_mapping *mapping)
{
	const struct wish wish = {
		.size = size,
		.align = align == 0 ? 0 : align - 1,
		.last = limit == 0 ? UINT64_MAX : limit,
	};
	enum bounce_err err = BOUNCE_ERR_ARG;

	if (!bounce_queue_attached(queue))
		return err;
	if (buf != NULL && mapping != NULL)
		err = judge_wish(&wish);
	if (err == BOUNCE_OK)
		err = alloc(queue, &wish, buf, mapping);
	return bounce_likely(err == BOUNCE_OK) ?
		       err :
		       bounce_count_error(queue, err, size);
}

/* ---- free ---- */

static enum bounce_err free_shared(struct bounce_queue *queue,
				   const struct bounce_mapping *mapping)
{
	const struct bounce_mapping handle = *mapping;
	struct record_about about;
	struct bounce_record *record;
	enum bounce_err err;
	uint64_t target;

	record = bounce_mapping_look_up(queue, &handle, &about, &target);
	if (record == NULL || about.kind != RECORD_SHARED)
		return BOUNCE_ERR_STALE;
	bounce_kept_drop(queue->device->bounce, handle.record);
	err = bounce_record_end(record, handle.key & RECORD_GENERATION_MAX,
				true);
	if (err != BOUNCE_OK)
		return err;
	err = bounce_dynamic_leave(queue->device, handle.record, &about);
	/* M1: it was idle when it ended, so we are the last one out. */
	(void)bounce_record_unpin(record);
	bounce_mapping_release(queue->device->bounce, handle.record, &about,
			       target);
	return err;
}

enum bounce_err bounce_free(struct bounce_queue *queue,
			    const struct bounce_mapping *mapping)
{
	enum bounce_err err;

	if (!bounce_queue_attached(queue) || mapping == NULL)
		return BOUNCE_ERR_ARG;
	err = free_shared(queue, mapping);
	return bounce_likely(err == BOUNCE_OK) ?
		       err :
		       bounce_count_error(queue, err, mapping->len);
}

/* ---- producers that write in place ---- */

enum bounce_err bounce_reserve(struct bounce_queue *queue, uint64_t len,
			       struct bounce_buf *buf,
			       struct bounce_mapping *mapping)
{
	return bounce_alloc(queue, len, 0, 0, buf, mapping);
}

/* Keep @len bytes of a reserved run, and clean the rest of it. */
static void shorten(struct bounce *bounce, struct bounce_prepared *prepared,
		    uint32_t len)
{
	struct bounce_queue *queue = &bounce->queue[prepared->about.queue];
	struct bounce_run run;
	struct bounce_run kept;
	struct bounce_run surplus;
	unsigned char *shared;

	bounce_record_run(bounce, prepared->record, &prepared->about, &run);
	prepared->about.len = len;
	prepared->about.how |= RECORD_IN_PLACE;
	prepared->about.kind = RECORD_RUN;
	bounce_record_run(bounce, prepared->record, &prepared->about, &kept);
	shared = bounce_pool_memory(bounce, &kept);
	/* Also what is given back: it was produced, and is not to be seen. */
	bounce_copy_zero(shared + len, bounce_run_bytes(&run) - len);
	if (kept.slots == run.slots)
		return;
	surplus = run;
	surplus.slots -= kept.slots;
	bounce_poison(shared + bounce_run_bytes(&kept),
		      bounce_run_bytes(&surplus));
	bounce_pool_trim(bounce->slab[run.slab].pool, &run, kept.slots);
	bounce_quota_give(queue, &surplus);
}

/* End a reservation, and keep its run, which nobody else can have meanwhile. */
static enum bounce_err end_reserved(const struct bounce_queue *queue,
				    const struct bounce_mapping *handle,
				    const struct bounce_prepared *prepared)
{
	struct bounce *bounce = queue->device->bounce;
	struct bounce_record *record = &bounce->record[prepared->record];
	enum bounce_err err;

	bounce_kept_drop(bounce, prepared->record);
	err = bounce_record_end(record, handle->key & RECORD_GENERATION_MAX,
				true);
	if (err != BOUNCE_OK)
		return err;
	err = bounce_dynamic_leave(queue->device, prepared->record,
				   &prepared->about);
	(void)bounce_record_unpin(record); /* M1: it was idle */
	if (err != BOUNCE_OK) {
		bounce_mapping_release(bounce, prepared->record,
				       &prepared->about, prepared->target);
		return err;
	}
	/* R5: else the run is gone with it. */
	return bounce_record_retire(record) ? BOUNCE_OK : BOUNCE_ERR_STALE;
}

/* The reservation ends, and its run is published anew as a bounced buffer. */
static enum bounce_err commit(struct bounce_queue *queue,
			      struct bounce_mapping *mapping, uint64_t len)
{
	struct bounce_request request = { .queue = queue };
	const struct bounce_mapping handle = *mapping;
	struct bounce *bounce = queue->device->bounce;
	struct bounce_prepared prepared = { .record = handle.record };
	struct bounce_record *record;
	enum bounce_err err;

	if (!queue_usable(queue, len, &request.generation))
		return BOUNCE_ERR_STALE;
	record = bounce_mapping_look_up(queue, &handle, &prepared.about,
					&prepared.target);
	if (record == NULL || prepared.about.kind != RECORD_SHARED)
		return BOUNCE_ERR_STALE;
	if (len == 0 || len > prepared.about.len)
		return BOUNCE_ERR_ARG;
	err = end_reserved(queue, &handle, &prepared);
	if (err != BOUNCE_OK)
		return err;
	shorten(bounce, &prepared, (uint32_t)len);
	prepared.target = 0; /* no private buffer */
	/* Counted, and so live, on the lane of the commit. */
	prepared.about.queue = (uint16_t)queue->index;
	bounce_prepared_locate(bounce, &prepared);
	if (bounce_unlikely(queue->device->maintained))
		bounce_cache_for_device(&request, &prepared);
	return show(&request, &prepared, TURN_MAP + len, mapping);
}

enum bounce_err bounce_commit(struct bounce_queue *queue,
			      struct bounce_mapping *mapping, uint64_t len)
{
	enum bounce_err err;

	if (!bounce_queue_attached(queue) || mapping == NULL)
		return BOUNCE_ERR_ARG;
	err = commit(queue, mapping, len);
	return bounce_likely(err == BOUNCE_OK) ?
		       err :
		       bounce_count_error(queue, err, len);
}

/* ---- mappings inside ---- */

/* A born-shared run that a buffer lies in. */
struct home {
	uint32_t record; /* of the run */
	uint64_t generation;
	uint64_t offset; /* of the buffer in it */
};

/*
 * The nearest live record at or before a slot speaks for it, if any does: runs
 * are disjoint. Bounded by the slots of a slab; the first look usually hits.
 */
static bool find_head(const struct bounce_slab *slab, uint32_t slot,
		      uint32_t *head, uint64_t *generation)
{
	for (uint32_t i = slot + 1; i-- > 0;) {
		*generation = bounce_record_live(&slab->record[i]);
		*head = i;
		if (*generation != 0)
			return true;
	}
	return false;
}

static enum bounce_err find_home(const struct bounce_request *request,
				 const struct bounce_slab *slab,
				 struct home *home)
{
	const struct bounce_buf *buf = &request->buf;
	struct record_about about;
	uint64_t target;
	uint64_t start;
	uint64_t word;
	uint32_t head;

	if (slab == NULL)
		return BOUNCE_ERR_ARG;
	if (slab->pool != request->queue->device->space->pool)
		return BOUNCE_ERR_UNREACHABLE;
	if (!find_head(slab,
		       (uint32_t)((buf->gpa.v - slab->base.v) >>
				  BOUNCE_SLOT_SHIFT),
		       &head, &home->generation) ||
	    !bounce_record_peek(&slab->record[head], home->generation, &word,
				&target))
		return BOUNCE_ERR_ARG;
	about = record_unpack(word);
	start = slab->base.v + ((uint64_t)head << BOUNCE_SLOT_SHIFT);
	if (about.kind != RECORD_SHARED ||
	    !bounce_inside(buf->gpa.v, buf->len, start, about.len))
		return BOUNCE_ERR_ARG;
	home->record = slab->first_record + head;
	home->offset = buf->gpa.v - start;
	return BOUNCE_OK;
}

/* Does the device see the buffer where it is? Then at *@bus. */
static bool in_reach(const struct bounce_request *request,
		     const struct bounce_slab *slab, uint64_t *bus)
{
	const struct bounce_device *device = request->queue->device;
	uint64_t first = device->space->bus[request->path][slab->index];

	*bus = first + (request->buf.gpa.v - slab->base.v);
	return first != NO_BUS &&
	       bounce_window_fits(&device->limits, *bus, request->buf.len);
}

/* M1: a record for a mapping, which holds the run: that which stayed with it,
 * or one of the table. */
static enum bounce_err hold_home(struct bounce_queue *queue,
				 const struct home *home, uint32_t *record)
{
	struct bounce *bounce = queue->device->bounce;
	struct bounce_record *held = &bounce->record[home->record];
	enum bounce_err err;

	*record = bounce_kept_take(bounce, home->record, home->generation);
	if (bounce_likely(*record != UINT32_MAX))
		return BOUNCE_OK;
	err = bounce_record_pin(held, home->generation);
	if (err == BOUNCE_ERR_STALE)
		return BOUNCE_ERR_ARG;
	/* As many mappings inside as can be counted: one must end first. */
	if (err != BOUNCE_OK)
		return BOUNCE_ERR_FULL;
	*record = bounce_direct_take(queue);
	if (*record != UINT32_MAX)
		return BOUNCE_OK;
	/* Held, so it cannot be DYING, and we are not its last one out. */
	(void)bounce_record_unpin(held);
	return BOUNCE_ERR_FULL;
}

enum bounce_err bounce_shared_prepare(const struct bounce_request *request,
				      const struct bounce_slab *slab,
				      uint8_t how,
				      struct bounce_prepared *prepared)
{
	struct bounce_queue *queue = request->queue;
	enum bounce_err err;
	struct home home;
	uint32_t record;
	uint64_t bus;

	err = find_home(request, slab, &home);
	if (err != BOUNCE_OK)
		return err;
	if (!in_reach(request, slab, &bus))
		return BOUNCE_ERR_UNREACHABLE;
	err = hold_home(queue, &home, &record);
	if (err != BOUNCE_OK)
		return err;
	*prepared = (struct bounce_prepared) {
		.record = record,
		.target = home.offset << 32 | home.record,
		.about = {
			.len = (uint32_t)request->buf.len,
			.how = how,
			.kind = RECORD_BORN,
			.queue = (uint16_t)queue->index,
		},
		.bus = bus,
	};
	return BOUNCE_OK;
}
