/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * map.c - the I/O path, top to bottom: decide, place, claim, copy, answer.
 *
 * No lock, no hook, no call to the monitor.
 *
 *   S1  Private bytes go to shared memory in fill() and in
 *       bounce_sync_for_device(), inside [0, len) of a mapping that the device
 *       may read (or that PRESERVE names); nowhere else.
 *   S2  Shared bytes come to private memory in copy_back() and in
 *       bounce_sync_for_cpu(), inside [0, len) of a mapping that the device
 *       may write, and at most what it reports.
 */
#include "copy.h"
#include "instance.h"

#define HOW_BITS \
	(BOUNCE_BIDIRECTIONAL | BOUNCE_ZERO | BOUNCE_PRESERVE | BOUNCE_URGENT)

static struct bounce *instance_of(const struct bounce_queue *queue)
{
	return queue->device->bounce;
}

/* ---- checks ---- */

static bool how_valid(uint32_t how)
{
	uint32_t wish = how & (BOUNCE_ZERO | BOUNCE_PRESERVE);

	if ((how & ~(uint32_t)HOW_BITS) != 0 ||
	    (how & BOUNCE_BIDIRECTIONAL) == 0)
		return false;
	/* A wish is for what the device only writes, and there is one. */
	return wish == 0 || ((how & BOUNCE_TO_DEVICE) == 0 &&
			     wish != (BOUNCE_ZERO | BOUNCE_PRESERVE));
}

static bool buf_valid(const struct bounce_buf *buf)
{
	return buf->len != 0 && !bounce_wraps(buf->gpa.v, buf->len);
}

/* The CPU's address of a private buffer, or NULL. */
static void *pointer_of(const struct bounce *bounce,
			const struct bounce_buf *buf)
{
	if (buf->ptr == NULL)
		return bounce_linear_pointer(bounce, buf->gpa, buf->len);
	return bounce_wraps((uintptr_t)buf->ptr, buf->len) ? NULL : buf->ptr;
}

static uint8_t record_how(const struct bounce_request *request)
{
	uint32_t how = request->how & BOUNCE_BIDIRECTIONAL;

	if ((request->how & (BOUNCE_ZERO | BOUNCE_PRESERVE)) != 0)
		how |= RECORD_FULL;
	if (request->path == BOUNCE_PATH_BYPASS)
		how |= RECORD_BYPASS;
	return (uint8_t)how;
}

/* ---- bouncing ---- */

/* Do all slots of a run hold bytes of @owner alone? */
static bool run_is_own(const struct bounce_slab *slab,
		       const struct bounce_run *run, uint16_t owner)
{
	for (uint32_t i = 0; i < run->slots; i++)
		/* relaxed: the run is ours (P3). */
		if (atomic_load_explicit(&slab->owner[run->slot + i],
					 memory_order_relaxed) != owner)
			return false;
	return true;
}

static void run_set_owner(struct bounce_slab *slab,
			  const struct bounce_run *run, uint16_t owner)
{
	for (uint32_t i = 0; i < run->slots; i++)
		/* relaxed: the run is ours (P3). */
		atomic_store_explicit(&slab->owner[run->slot + i], owner,
				      memory_order_relaxed);
}

void bounce_map_fill(const struct bounce_request *request,
		     const struct bounce_run *run, uint32_t offset,
		     const void *private, size_t len)
{
	struct bounce *bounce = instance_of(request->queue);
	uint16_t owner = request->queue->device->owner;
	struct bounce_slab *slab = &bounce->slab[run->slab];
	unsigned char *shared = bounce_pool_memory(bounce, run);
	bool own = run_is_own(slab, run, owner);

	bounce_copy_zero(shared, offset);
	if ((request->how & (BOUNCE_TO_DEVICE | BOUNCE_PRESERVE)) != 0)
		bounce_copy_in(shared + offset, private, len);
	else if ((request->how & BOUNCE_ZERO) != 0 || !own)
		bounce_copy_zero(shared + offset, len);
	bounce_copy_zero(shared + offset + len,
			 bounce_run_bytes(run) - offset - len);
	/* Granules: their slot was scrubbed when it was split (B2). */
	if (!own)
		run_set_owner(slab, run, owner);
}

/* Make every byte of the run what the device may see (S1). */
static void fill(const struct bounce_request *request,
		 const struct bounce_prepared *prepared)
{
	struct bounce_run run;

	bounce_record_run(instance_of(request->queue), prepared->record,
			  &prepared->about, &run);
	bounce_map_fill(request, &run, prepared->about.offset,
			(const void *)(uintptr_t)prepared->target,
			prepared->about.len);
}

static enum bounce_err prepare_bounced(const struct bounce_request *request,
				       struct bounce_prepared *prepared)
{
	struct bounce_queue *queue = request->queue;
	struct bounce *bounce = instance_of(queue);
	void *private = pointer_of(bounce, &request->buf);
	struct bounce_claimed claimed;
	enum bounce_err err;

	if (private == NULL)
		return BOUNCE_ERR_ARG;
	err = bounce_mapping_claim(request, &queue->device->limits, &claimed);
	if (err != BOUNCE_OK)
		return err;
	*prepared = (struct bounce_prepared) {
		.record = bounce_pool_record_of(bounce, &claimed.run),
		.target = (uintptr_t)private,
		.about = {
			.len = (uint32_t)request->buf.len,
			.offset = claimed.offset,
			.how = record_how(request),
			.kind = RECORD_RUN,
			.queue = (uint16_t)queue->index,
		},
	};
	return BOUNCE_OK;
}

/* ---- the caller's own pages ---- */

static enum bounce_err prepare_direct(const struct bounce_request *request,
				      uint64_t bus,
				      struct bounce_prepared *prepared)
{
	uint32_t record = bounce_direct_take(request->queue);

	if (record == UINT32_MAX)
		return BOUNCE_ERR_FULL;
	*prepared = (struct bounce_prepared) {
		.record = record,
		.target = bus,
		.about = {
			.len = (uint32_t)request->buf.len,
			.how = record_how(request),
			.kind = RECORD_DIRECT,
			.queue = (uint16_t)request->queue->index,
		},
	};
	return BOUNCE_OK;
}

static bool fills_pages(const struct bounce_buf *buf)
{
	return (buf->gpa.v | buf->len) % BOUNCE_SLOT_BYTES == 0;
}

/* Does the device see the buffer where it is, with nobody's doing? */
static bool is_open(const struct bounce_request *request, bounce_bus_t *bus)
{
	const struct bounce_device *device = request->queue->device;
	const struct bounce_space *space = device->space;
	const struct bounce_buf *buf = &request->buf;
	const struct bounce_window *window = bounce_window_find(
		&space->windows, request->path, buf->gpa, buf->len);

	/* What the library drives an IOMMU for, it maps, and nobody else. */
	if (window == NULL || (space->translation.iommu != NULL &&
			       (window->flags & BOUNCE_WINDOW_TRANSLATED) != 0))
		return false;
	return bounce_window_bus(&space->windows, request->path, buf->gpa,
				 buf->len, bus) &&
	       bounce_window_fits(&device->limits, bus->v, buf->len) &&
	       (!device->maintained || bounce_cache_reaches(device, buf));
}

/* The verdict was DIRECT for a whole, reachable page; is it for this buffer? */
static enum bounce_err prepare_open(struct bounce_request *request,
				    struct bounce_prepared *prepared)
{
	const struct bounce_device *device = request->queue->device;
	const struct bounce_buf *buf = &request->buf;
	struct bounce_verdict verdict;
	bounce_bus_t bus;
	bool reached = is_open(request, &bus);

	if (device->dynamic && request->path == BOUNCE_PATH_BUS &&
	    bounce_own_prepare(request, pointer_of(device->bounce, buf),
			       record_how(request), prepared) == BOUNCE_OK)
		return BOUNCE_OK;
	verdict = bounce_device_judge(
		device, fills_pages(buf) ? 0 : BOUNCE_FACT_SUBPAGE,
		reached ? 0 : BOUNCE_FACT_REACHABLE);
	if (verdict.kind == BOUNCE_VERDICT_DIRECT)
		return prepare_direct(request, bus.v, prepared);
	if (verdict.kind == BOUNCE_VERDICT_REFUSE)
		return BOUNCE_ERR_UNREACHABLE;
	request->path = verdict.path;
	return prepare_bounced(request, prepared);
}

/* ---- map ---- */

enum bounce_err bounce_map_prepare(struct bounce_request *request,
				   struct bounce_prepared *prepared)
{
	struct bounce *bounce = instance_of(request->queue);
	const struct bounce_buf *buf = &request->buf;
	struct bounce_verdict verdict;

	/* relaxed: see bounce_mark_dead(). */
	if (atomic_load_explicit(&bounce->dead, memory_order_relaxed) != 0)
		return BOUNCE_ERR_DEAD;
	if (!buf_valid(buf) || !how_valid(request->how))
		return BOUNCE_ERR_ARG;
	if (buf->len > BOUNCE_SLAB_BYTES)
		return BOUNCE_ERR_RANGE;
	if (!bounce_device_usable(request->queue->device, &request->generation))
		return BOUNCE_ERR_STALE;
	verdict = bounce_device_bind(request->queue->device);
	request->path = verdict.path;
	if (verdict.kind == BOUNCE_VERDICT_REFUSE)
		return BOUNCE_ERR_REFUSED;
	if (bounce_pool_near(bounce, buf->gpa, buf->len) &&
	    bounce_pool_overlaps(bounce, buf->gpa, buf->len))
		return bounce_shared_prepare(request, record_how(request),
					     prepared);
	if (bounce_likely(verdict.kind == BOUNCE_VERDICT_BOUNCE))
		return prepare_bounced(request, prepared);
	return prepare_open(request, prepared);
}

enum bounce_err bounce_map_finish(const struct bounce_request *request,
				  const struct bounce_prepared *prepared,
				  struct bounce_mapping *mapping)
{
	struct queue_traffic *traffic = bounce_traffic(request->queue,
						       prepared->about.len);
	bool out = (request->how & (BOUNCE_TO_DEVICE | BOUNCE_PRESERVE)) != 0;

	if (prepared->about.kind == RECORD_RUN)
		fill(request, prepared);
	if (bounce_unlikely(request->queue->device->maintained))
		bounce_cache_for_device(request, prepared);
	if (bounce_unlikely(request->queue->device->dynamic)) {
		enum bounce_err err = bounce_dynamic_open(request, prepared);

		if (err != BOUNCE_OK)
			return err;
	}
	if (!bounce_mapping_publish(request, prepared, mapping))
		return BOUNCE_ERR_STALE;
	/* relaxed: counters. */
	if (out && prepared->about.kind == RECORD_RUN)
		atomic_fetch_add_explicit(&traffic->bytes_to,
					  prepared->about.len,
					  memory_order_relaxed);
	atomic_fetch_add_explicit(&traffic->maps, 1, memory_order_relaxed);
	return BOUNCE_OK;
}

enum bounce_err bounce_map(struct bounce_queue *queue,
			   const struct bounce_buf *buf, uint32_t how,
			   struct bounce_mapping *mapping)
{
	struct bounce_request request = { .queue = queue, .how = how };
	struct bounce_prepared prepared;
	enum bounce_err err;

	if (!bounce_queue_attached(queue) || mapping == NULL)
		return BOUNCE_ERR_ARG;
	err = BOUNCE_ERR_ARG;
	if (buf != NULL) {
		request.buf = *buf;
		err = bounce_map_prepare(&request, &prepared);
	}
	if (bounce_likely(err == BOUNCE_OK))
		err = bounce_map_finish(&request, &prepared, mapping);
	return bounce_likely(err == BOUNCE_OK) ?
		       err :
		       bounce_count_error(queue, err, request.buf.len);
}

/* ---- unmap ---- */

/* Bytes to take from the device; @written was checked already (S2, S7). */
static size_t bytes_back(const struct record_about *about, uint64_t written)
{
	if (about->kind != RECORD_RUN || (about->how & RECORD_FROM) == 0 ||
	    written == 0)
		return 0;
	if ((about->how & RECORD_FULL) != 0)
		return about->len;
	return bounce_index_nospec(written, (uint64_t)about->len + 1);
}

static void copy_back(struct bounce_queue *queue, uint32_t record,
		      const struct record_about *about, void *private,
		      size_t len)
{
	if (len == 0)
		return;
	bounce_copy_out(
		private,
		bounce_mapping_shared(instance_of(queue), record, about), len);
	/* relaxed: a counter. */
	atomic_fetch_add_explicit(
		&bounce_traffic(queue, about->len)->bytes_from, len,
		memory_order_relaxed);
}

/* The CPU is about to read what the device wrote. */
static void drop_back(const struct bounce_device *device,
		      const struct bounce_mapping *handle,
		      const struct record_about *about, uint64_t target,
		      uint64_t written)
{
	const struct bounce_part part = {
		.len = about->kind == RECORD_RUN ? bytes_back(about, written) :
						   about->len,
		.direction = RECORD_FROM,
	};

	if ((about->how & RECORD_FROM) != 0 && part.len != 0)
		bounce_cache_sync(device, handle->record, about, target, &part);
}

/* N1: out of reach; then the ends of own pages: @written bytes have come. */
static enum bounce_err close_dynamic(struct bounce_queue *queue,
				     const struct bounce_mapping *handle,
				     const struct record_about *about,
				     uint64_t target, uint64_t written)
{
	enum bounce_err err = bounce_dynamic_close(queue->device,
						   handle->record, about);
	struct record_about bounced = *about;
	struct bounce_part part = { .direction = RECORD_FROM };

	bounced.kind = RECORD_RUN;
	part.len = bytes_back(&bounced, written);
	if (about->kind == RECORD_DIRECT &&
	    bounce_is_own(queue->device->bounce, handle->record))
		bounce_own_copy(queue, handle->record, about, target, &part);
	return err;
}

/* What the device wrote comes back; @written was checked (S2). */
static void take_back(struct bounce_queue *queue,
		      const struct bounce_mapping *handle,
		      const struct record_about *about, uint64_t target,
		      uint64_t written)
{
	if (bounce_unlikely(queue->device->maintained))
		drop_back(queue->device, handle, about, target, written);
	copy_back(queue, handle->record, about, (void *)(uintptr_t)target,
		  bytes_back(about, written));
}

static enum bounce_err unmap(struct bounce_queue *queue,
			     const struct bounce_mapping *mapping,
			     uint64_t written)
{
	/* The caller's handle is read once: it must not change under us. */
	const struct bounce_mapping handle = *mapping;
	struct record_about about;
	struct bounce_record *record;
	enum bounce_err err = BOUNCE_OK;
	uint64_t target;
	bool lie;

	record = bounce_mapping_look_up(queue, &handle, &about, &target);
	if (record == NULL || about.kind == RECORD_SHARED)
		return BOUNCE_ERR_STALE;
	if (bounce_record_end(record, handle.key & RECORD_GENERATION_MAX,
			      false) != BOUNCE_OK)
		return BOUNCE_ERR_STALE;
	lie = written > ((about.how & RECORD_FROM) != 0 ? about.len : 0);
	if (bounce_unlikely(queue->device->dynamic))
		err = close_dynamic(queue, &handle, &about, target,
				    lie ? 0 : written);
	if (!lie)
		take_back(queue, &handle, &about, target, written);
	bounce_mapping_leave(instance_of(queue), handle.record, &about, target);
	/* relaxed: a counter. */
	atomic_fetch_add_explicit(&bounce_traffic(queue, about.len)->unmaps, 1,
				  memory_order_relaxed);
	return lie && err == BOUNCE_OK ? BOUNCE_ERR_LENGTH : err;
}

enum bounce_err bounce_unmap(struct bounce_queue *queue,
			     const struct bounce_mapping *mapping,
			     uint64_t written)
{
	enum bounce_err err;

	if (!bounce_queue_attached(queue) || mapping == NULL)
		return BOUNCE_ERR_ARG;
	err = unmap(queue, mapping, written);
	return bounce_likely(err == BOUNCE_OK) ?
		       err :
		       bounce_count_error(queue, err, mapping->len);
}

bool bounce_mapping_valid(const struct bounce_queue *queue,
			  const struct bounce_mapping *mapping)
{
	struct record_about about;
	uint64_t target;

	return bounce_queue_attached(queue) && mapping != NULL &&
	       bounce_mapping_look_up(queue, mapping, &about, &target) != NULL;
}
