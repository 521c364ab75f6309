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
#include "mapping.h"

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

/* ---- bouncing ---- */

/* Make every byte of the run what the device may see (S1). */
static bounce_inline void fill(const struct bounce_request *request,
			       const struct bounce_run *run, size_t offset,
			       const void *private, size_t len)
{
	struct bounce *bounce = instance_of(request->queue);
	uint16_t owner = request->queue->device->owner;
	struct bounce_slab *slab = &bounce->slab[run->slab];
	unsigned char *shared = quick_memory(bounce, run);
	size_t bytes = bounce_run_bytes(run);
	size_t end = offset + len;
	bool own = tree_is_owned(slab, run->slot, run->slots, owner);

	if (offset != 0)
		bounce_copy_zero(shared, offset);
	if ((request->how & (BOUNCE_TO_DEVICE | BOUNCE_PRESERVE)) != 0)
		bounce_copy_in(shared + offset, private, len);
	else if ((request->how & BOUNCE_ZERO) != 0 || !own)
		bounce_copy_zero(shared + offset, len);
	if (end != bytes)
		bounce_copy_zero(shared + end, bytes - end);
	/* Granules: their slot was scrubbed when it was split (B2). */
	if (bounce_unlikely(!own))
		bounce_tree_own(slab, run->slot, run->slots, owner);
}

void bounce_map_fill(const struct bounce_request *request,
		     const struct bounce_run *run, uint32_t offset,
		     const void *private, size_t len)
{
	fill(request, run, offset, private, len);
}

/*
 * The usual case of bounce_mapping_claim(), by the same arithmetic: alignment
 * bits that leave any start in a chunk (or slot) open, which a chunk of the
 * queue's own lane then is for boundary and mask, too (P8).
 */
static bounce_inline bool claim_quickly(const struct bounce_request *request,
					struct bounce_prepared *prepared)
{
	struct bounce_queue *queue = request->queue;
	const struct bounce_device *device = queue->device;
	const struct bounce *bounce = device->bounce;
	const struct bounce_limits *limits = &device->limits;
	const struct pool_client client = mapping_client(queue, request->path);
	uint64_t bits = limits->match | limits->align;
	uint64_t offset = request->buf.gpa.v & limits->match;
	uint64_t span = bounce_round_up(offset + request->buf.len,
					limits->align);
	bool small = span <= BOUNCE_SLOT_BYTES / 2;

	if (bits > (small ? BOUNCE_GRANULE_BYTES - 1 : BOUNCE_SLOT_BYTES - 1) ||
	    span > BOUNCE_CHUNK_BYTES || request->buf.len > limits->segment ||
	    device->limited || device->dynamic || device->space->pool == NULL)
		return false;
	prepared->about.offset = (uint32_t)offset;
	if (small)
		return quick_granules(
			bounce, &client,
			(uint32_t)(span + BOUNCE_GRANULE_BYTES - 1) >>
				BOUNCE_GRANULE_SHIFT,
			&prepared->run);
	return quick_slots(device->space->pool, &client,
			   (uint32_t)(span + BOUNCE_SLOT_BYTES - 1) >>
				   BOUNCE_SLOT_SHIFT,
			   &prepared->run);
}

/* The rest of what is known of a run that was claimed: field by field, for a
 * store of four bytes is slow to read back in a copy of sixteen. */
static bounce_inline void bounced(const struct bounce_request *request,
				  const void *private,
				  struct bounce_prepared *prepared)
{
	struct bounce_queue *queue = request->queue;
	const struct bounce *bounce = instance_of(queue);
	struct record_about *about = &prepared->about;

	bounce_unpoison(quick_memory(bounce, &prepared->run),
			bounce_run_bytes(&prepared->run));
	about->len = (uint32_t)request->buf.len;
	about->how = mapping_how(request);
	about->kind = RECORD_RUN;
	about->queue = (uint16_t)queue->index;
	prepared->record = quick_record(bounce, &prepared->run);
	/* Written after the copy, while which its line can come. */
	__builtin_prefetch(&bounce->record[prepared->record], 1);
	prepared->target = (uintptr_t) private;
	prepared->bus = mapping_bus(queue->device, request->path,
				    &prepared->run, about->offset);
}

enum bounce_err bounce_map_bounced(const struct bounce_request *request,
				   struct bounce_prepared *prepared)
{
	const struct bounce_device *device = request->queue->device;
	void *private = mapping_pointer(device->bounce, &request->buf);

	if (private == NULL)
		return BOUNCE_ERR_ARG;
	if (!claim_quickly(request, prepared)) {
		enum bounce_err err = bounce_mapping_claim(
			request, &device->limits, prepared);

		if (err != BOUNCE_OK)
			return err;
	}
	bounced(request, private, prepared);
	return BOUNCE_OK;
}

/* ---- map ---- */

/* Does a buffer share a byte with a slab? *@slab: where it begins, or NULL. */
static bool meets_slab(const struct bounce *bounce,
		       const struct bounce_buf *buf,
		       const struct bounce_slab **slab)
{
	*slab = bounce_pool_find(bounce, buf->gpa);
	return *slab != NULL ||
	       bounce_pool_overlaps(bounce, buf->gpa, buf->len);
}

enum bounce_err bounce_map_prepare(struct bounce_request *request,
				   struct bounce_prepared *prepared)
{
	struct bounce *bounce = instance_of(request->queue);
	const struct bounce_buf *buf = &request->buf;
	const struct bounce_slab *slab;
	struct bounce_verdict verdict;

	/* relaxed: see bounce_mark_dead(). */
	if (atomic_load_explicit(&bounce->dead, memory_order_relaxed) != 0)
		return BOUNCE_ERR_DEAD;
	if (!buf_valid(buf) || !how_valid(request->how))
		return BOUNCE_ERR_ARG;
	if (buf->len > BOUNCE_SLAB_BYTES)
		return BOUNCE_ERR_RANGE;
	if (!queue_usable(request->queue, buf->len, &request->generation))
		return BOUNCE_ERR_STALE;
	verdict = bounce_device_bind(bounce, request->queue->device);
	request->path = verdict.path;
	if (verdict.kind == BOUNCE_VERDICT_REFUSE)
		return bounce_device_refusal(request->queue->device, verdict);
	if (bounce_unlikely(bounce_pool_near(bounce, buf->gpa, buf->len)) &&
	    meets_slab(bounce, buf, &slab))
		return bounce_shared_prepare(request, slab,
					     mapping_how(request), prepared);
	if (bounce_likely(verdict.kind == BOUNCE_VERDICT_BOUNCE))
		return bounce_map_bounced(request, prepared);
	return bounce_open_prepare(request, prepared);
}

/* Copy, publish, answer; of a device with no wishes of its own, and a mapping
 * all of whose bytes go one way or the other. */
static bounce_inline bool finish(const struct bounce_request *request,
				 const struct bounce_prepared *prepared,
				 struct bounce_mapping *mapping)
{
	const struct record_about *about = &prepared->about;

	fill(request, &prepared->run, about->offset,
	     (const void *)(uintptr_t)prepared->target, about->len);
	return mapping_publish(request, prepared, TURN_MAP + about->len,
			       mapping) == BOUNCE_OK;
}

void bounce_map_show(const struct bounce_request *request,
		     const struct bounce_prepared *prepared)
{
	const struct bounce_device *device = request->queue->device;
	const struct record_about *about = &prepared->about;

	if (about->kind == RECORD_RUN)
		fill(request, &prepared->run, about->offset,
		     (const void *)(uintptr_t)prepared->target, about->len);
	else if (about->kind == RECORD_DIRECT &&
		 bounce_is_own(device->bounce, prepared->record))
		bounce_own_fill(request, prepared);
	if (device->maintained)
		bounce_cache_for_device(request, prepared);
}

enum bounce_err bounce_map_publish(const struct bounce_request *request,
				   const struct bounce_prepared *prepared,
				   struct bounce_mapping *mapping)
{
	uint64_t count = TURN_MAP;

	/* Out, or in later; zeroes do not count. */
	if (prepared->about.kind == RECORD_RUN &&
	    (request->how & BOUNCE_ZERO) == 0)
		count += prepared->about.len;
	return mapping_publish(request, prepared, count, mapping);
}

enum bounce_err bounce_map_finish(const struct bounce_request *request,
				  const struct bounce_prepared *prepared,
				  struct bounce_mapping *mapping)
{
	enum bounce_err err = BOUNCE_OK;

	bounce_map_show(request, prepared);
	if (request->queue->device->dynamic)
		err = bounce_dynamic_open(request, prepared);
	return err == BOUNCE_OK ?
		       bounce_map_publish(request, prepared, mapping) :
		       err;
}

static enum bounce_err map(struct bounce_queue *queue,
			   const struct bounce_buf *buf, uint32_t how,
			   struct bounce_mapping *mapping)
{
	struct bounce_request request = { .queue = queue, .how = how };
	struct bounce_prepared prepared;
	enum bounce_err err = BOUNCE_ERR_ARG;

	if (buf != NULL) {
		request.buf = *buf;
		err = bounce_map_prepare(&request, &prepared);
	}
	if (err == BOUNCE_OK)
		err = bounce_map_finish(&request, &prepared, mapping);
	return err == BOUNCE_OK ?
		       err :
		       bounce_count_error(queue, err, request.buf.len);
}

/* A buffer that needs no second look: some bytes, a chunk's at most, nowhere
 * near what is shared. */
static bounce_inline bool buf_usual(const struct bounce *bounce,
				    const struct bounce_buf *buf)
{
	return buf->len - 1 < BOUNCE_CHUNK_BYTES &&
	       !bounce_wraps(buf->gpa.v, buf->len) &&
	       !bounce_pool_near(bounce, buf->gpa, buf->len);
}

/*
 * The usual mapping, in one piece: everything that map() asks is asked here,
 * too, and where an answer is not the usual one nothing has happened yet, and
 * map() begins again. (Nothing is left either when the device was revoked in
 * between; so says map() then.)
 */
static bounce_inline bool map_quickly(struct bounce_queue *queue,
				      const struct bounce_buf *buf,
				      uint32_t how,
				      struct bounce_mapping *mapping)
{
	struct bounce_request request = {
		.queue = queue,
		.buf = *buf,
		.how = how,
	};
	struct bounce_device *device = queue->device;
	struct bounce *bounce = device->bounce;
	struct bounce_prepared prepared;
	struct bounce_verdict verdict;
	void *private = mapping_pointer(bounce, buf);

	/* relaxed: see bounce_mark_dead(). */
	if (atomic_load_explicit(&bounce->dead, memory_order_relaxed) != 0 ||
	    how - 1 >= BOUNCE_BIDIRECTIONAL || private == NULL ||
	    !buf_usual(bounce, &request.buf) ||
	    !queue_usable(queue, request.buf.len, &request.generation))
		return false;
	verdict = bounce_device_bind(bounce, device);
	request.path = verdict.path;
	if (verdict.kind != BOUNCE_VERDICT_BOUNCE || device->maintained ||
	    device->dynamic || !claim_quickly(&request, &prepared))
		return false;
	bounced(&request, private, &prepared);
	return finish(&request, &prepared, mapping);
}

enum bounce_err bounce_map(struct bounce_queue *queue,
			   const struct bounce_buf *buf, uint32_t how,
			   struct bounce_mapping *mapping)
{
	if (!bounce_queue_attached(queue) || mapping == NULL)
		return BOUNCE_ERR_ARG;
	if (bounce_likely(buf != NULL && map_quickly(queue, buf, how, mapping)))
		return BOUNCE_OK;
	return map(queue, buf, how, mapping);
}

/* ---- unmap ---- */

/* Bytes to take from the device; @written was checked already (S2, S7). */
static inline size_t bytes_back(const struct record_about *about,
				uint64_t written)
{
	if (about->kind != RECORD_RUN || (about->how & RECORD_FROM) == 0 ||
	    written == 0)
		return 0;
	if ((about->how & RECORD_FULL) != 0)
		return about->len;
	return bounce_index_nospec(written, (uint64_t)about->len + 1);
}

static bounce_inline void copy_back(struct bounce_queue *queue,
				    const struct mapping_found *found,
				    size_t len)
{
	bounce_copy_out((void *)(uintptr_t)found->target,
			quick_memory(instance_of(queue), &found->run) +
				found->about.offset,
			len);
}

/* That @len bytes came back: usually what was counted beforehand (T2). */
static bounce_inline void count_back(struct bounce_queue *queue,
				     const struct record_about *about,
				     uint64_t len)
{
	if (queue_counts_in(about) && about->queue == queue->index)
		len -= about->len;
	/* relaxed: a counter. */
	if (bounce_unlikely(len != 0))
		atomic_fetch_add_explicit(
			&bounce_traffic(queue, about->len)->bytes_from, len,
			memory_order_relaxed);
}

/* The CPU is about to read what the device wrote. */
static void drop_back(const struct bounce_device *device, uint32_t record,
		      const struct mapping_found *found, uint64_t written)
{
	const struct record_about *about = &found->about;
	const struct bounce_part part = {
		.len = about->kind == RECORD_RUN ? bytes_back(about, written) :
						   about->len,
		.direction = RECORD_FROM,
	};

	if ((about->how & RECORD_FROM) != 0 && part.len != 0)
		bounce_cache_sync(device, record, about, found->target, &part);
}

/* The ends of own pages: @written bytes have come. */
static void copy_ends(struct bounce_queue *queue, uint32_t record,
		      const struct mapping_found *found, uint64_t written)
{
	struct bounce_part part = { .direction = RECORD_FROM };
	struct record_about bounced = found->about;

	bounced.kind = RECORD_RUN;
	part.len = bytes_back(&bounced, written);
	if (found->about.kind == RECORD_DIRECT &&
	    bounce_is_own(queue->device->bounce, record))
		bounce_own_copy(queue, record, &found->about, found->target,
				&part);
}

/* Caches, and own pages, of a mapping that is out of reach: before its bytes
 * are read. */
static void take_back(struct bounce_queue *queue, uint32_t record,
		      const struct mapping_found *found, uint64_t written,
		      bool lie)
{
	if (queue->device->maintained && !lie)
		drop_back(queue->device, record, found, written);
	if (queue->device->dynamic)
		copy_ends(queue, record, found, lie ? 0 : written);
}

/* N1, and what comes next; @found by value, so that it stays in registers for
 * all others. */
static enum bounce_err hide(struct bounce_queue *queue, uint32_t record,
			    struct mapping_found found, uint64_t written,
			    bool lie)
{
	enum bounce_err err = bounce_dynamic_leave(queue->device, record,
						   &found.about);

	take_back(queue, record, &found, written, lie);
	return err;
}

/* Out of a record that we have ended: usually we are the last, and it had a run
 * and is not worn out (R5). */
static bounce_inline void leave(struct bounce_queue *queue, uint32_t index,
				struct bounce_record *record,
				const struct mapping_found *found)
{
	if (bounce_unlikely(found->about.queue != queue->index)) {
		const struct record_about copy = found->about;

		bounce_queue_moved(queue, &copy);
	}
	if (bounce_unlikely(!bounce_record_unpin(record)))
		return;
	if (bounce_likely(found->about.kind == RECORD_RUN &&
			  bounce_record_retire(record))) {
		mapping_give(queue, found);
	} else {
		const struct record_about copy = found->about;

		bounce_mapping_release(instance_of(queue), index, &copy,
				       found->target);
	}
}

/* The most that the device may report. */
static bounce_inline uint64_t writable(const struct record_about *about)
{
	return (about->how & RECORD_FROM) != 0 ? about->len : 0;
}

static bounce_inline enum bounce_err unmap(struct bounce_queue *queue,
					   const struct bounce_mapping *mapping,
					   uint64_t written)
{
	/* The caller's handle is read once: it must not change under us. */
	const struct bounce_mapping handle = *mapping;
	enum bounce_err err = BOUNCE_OK;
	struct mapping_found found;
	struct bounce_record *record;
	size_t back;
	bool lie;

	record = mapping_look_up(queue, &handle, &found);
	if (record == NULL || found.about.kind == RECORD_SHARED)
		return BOUNCE_ERR_STALE;
	if (bounce_record_end(record, handle.key & RECORD_GENERATION_MAX,
			      false) != BOUNCE_OK)
		return BOUNCE_ERR_STALE;
	lie = written > writable(&found.about);
	if (bounce_unlikely(queue->device->maintained ||
			    queue->device->dynamic))
		err = hide(queue, handle.record, found, written, lie);
	back = lie ? 0 : bytes_back(&found.about, written);
	if (back != 0)
		copy_back(queue, &found, back);
	count_back(queue, &found.about, back);
	leave(queue, handle.record, record, &found);
	if (bounce_unlikely(err != BOUNCE_OK))
		return err;
	return bounce_unlikely(lie) ? BOUNCE_ERR_LENGTH : BOUNCE_OK;
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

/* ---- unmap in two steps: not for speed ---- */

bool bounce_unmap_begin(const struct bounce_queue *queue,
			const struct bounce_mapping *mapping, uint32_t *record,
			struct record_about *about)
{
	const struct bounce_mapping handle = *mapping; /* once, as above */
	struct bounce_record *found;
	uint64_t target;

	found = bounce_mapping_look_up(queue, &handle, about, &target);
	*record = handle.record;
	return found != NULL && about->kind != RECORD_SHARED &&
	       bounce_record_end(found, handle.key & RECORD_GENERATION_MAX,
				 false) == BOUNCE_OK;
}

enum bounce_err bounce_unmap_rest(struct bounce_queue *queue, uint32_t record,
				  const struct record_about *about,
				  uint64_t written)
{
	struct bounce *bounce = instance_of(queue);
	struct mapping_found found = { .about = *about };
	bool lie = written > writable(about);
	size_t back = lie ? 0 : bytes_back(about, written);

	/* relaxed: DYING, and ours (R4). */
	found.target = atomic_load_explicit(&bounce->record[record].target,
					    memory_order_relaxed);
	take_back(queue, record, &found, written, lie);
	if (back != 0)
		bounce_copy_out((void *)(uintptr_t)found.target,
				bounce_mapping_shared(bounce, record, about),
				back);
	count_back(queue, about, back);
	if (about->queue != queue->index)
		bounce_queue_moved(queue, about);
	bounce_mapping_leave(bounce, record, about, found.target);
	return lie ? BOUNCE_ERR_LENGTH : BOUNCE_OK;
}

bool bounce_mapping_valid(const struct bounce_queue *queue,
			  const struct bounce_mapping *mapping)
{
	struct mapping_found found;

	return bounce_queue_attached(queue) && mapping != NULL &&
	       mapping_look_up(queue, mapping, &found) != NULL;
}
