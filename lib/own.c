/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * own.c - the caller's own pages in a dynamic window: whole pages are mapped
 * where they are, and the parts of pages at a buffer's ends are bounced.
 *
 *	bus     |  first page  |  ...  |  last page  |  slots of an own slab
 *	memory  |  a slot      | pages |  a slot     |
 *
 *   O1  Such a mapping has a record of kind DIRECT, that of its first slot of
 *       bus addresses; `offset` is the buffer's in its first page, and `target`
 *       its CPU address. A page of the buffer at least is whole.
 *   O2  The slots at the ends, one or two, are a run of the space's pool. Their
 *       record is held, DYING, so that nothing can be done with it; its index
 *       is the target of the mapping's second record, which it has then.
 *   O3  No byte beside the buffer is in a page that is mapped: the rest of the
 *       slots at the ends is zero (S1), and all of a page between them is the
 *       buffer's (S2). A cache line is no longer than a page, so each line that
 *       is written back or dropped is the buffer's alone, or a slot's.
 */
#include "copy.h"
#include "instance.h"
#include "poison.h"

#define PAGE ((uint64_t)BOUNCE_SLOT_BYTES)

/* How a buffer lies in pages. */
struct shape {
	uint64_t len; /* bytes of the buffer */
	uint32_t offset; /* in its first page */
	uint32_t pages;
	bool head; /* the first page is not all of it the buffer's */
	bool tail; /* nor the last one */
};

static struct shape shape_of(uint64_t offset, uint64_t len)
{
	uint64_t end = offset + len;

	return (struct shape) {
		.len = len,
		.offset = (uint32_t)offset,
		.pages = (uint32_t)((end + PAGE - 1) >> BOUNCE_SLOT_SHIFT),
		.head = offset != 0,
		.tail = end % PAGE != 0,
	};
}

static uint32_t ends_of(const struct shape *shape)
{
	return (uint32_t)shape->head + (uint32_t)shape->tail;
}

/* Bytes of the buffer in front of the first whole page, and behind the last. */
static uint64_t head_bytes(const struct shape *shape)
{
	return shape->head ? PAGE - shape->offset : 0;
}

static uint64_t tail_bytes(const struct shape *shape)
{
	return (shape->offset + shape->len) % PAGE;
}

/* ---- O2 ---- */

static _Atomic uint64_t *link_of(const struct bounce *bounce, uint32_t record)
{
	return &bounce->record[record + 1].target;
}

bool bounce_own_ends(const struct bounce *bounce, uint32_t record,
		     const struct record_about *about, struct bounce_run *ends)
{
	struct shape shape = shape_of(about->offset, about->len);

	if (ends_of(&shape) == 0)
		return false;
	/* relaxed: ours since the claim, or published with the mapping. */
	bounce_pool_run_of(
		bounce,
		(uint32_t)atomic_load_explicit(link_of(bounce, record),
					       memory_order_relaxed),
		ends_of(&shape) << BOUNCE_SLOT_SHIFT, ends);
	return true;
}

static enum bounce_err claim_ends(const struct bounce_request *request,
				  uint32_t record, uint32_t slots)
{
	static const struct bounce_limits any = {
		.last = UINT64_MAX,
		.boundary = UINT64_MAX,
		.segment = UINT64_MAX,
	};
	struct bounce *bounce = request->queue->device->bounce;
	const struct record_about about = {
		.len = slots << BOUNCE_SLOT_SHIFT,
		.kind = RECORD_SHARED,
		.queue = (uint16_t)request->queue->index,
	};
	struct bounce_place place;
	struct bounce_run run;
	enum bounce_err err;
	uint32_t ends;

	if (!bounce_window_place(&any, 0, about.len, BOUNCE_SLOT_SHIFT, &place))
		return BOUNCE_ERR_RANGE;
	err = bounce_mapping_claim_at(request, &place, &run);
	if (err != BOUNCE_OK)
		return err;
	ends = bounce_pool_record_of(bounce, &run);
	bounce_record_hold(&bounce->record[ends], record_pack(&about));
	/* relaxed: the second record of the run is ours; published with it. */
	atomic_store_explicit(link_of(bounce, record), ends,
			      memory_order_relaxed);
	return BOUNCE_OK;
}

static void give_ends(struct bounce *bounce, struct bounce_queue *queue,
		      const struct bounce_run *ends)
{
	(void)bounce_record_retire(
		&bounce->record[bounce_pool_record_of(bounce, ends)]);
	bounce_quota_give(queue, ends);
	bounce_poison(bounce_pool_memory(bounce, ends), bounce_run_bytes(ends));
	bounce_pool_release(bounce->slab[ends->slab].pool, ends);
}

/* ---- claim, and give back ---- */

/* Bus addresses for whole pages; ERR_RANGE where the limits admit none. */
static enum bounce_err claim_bus(const struct bounce_request *request,
				 const struct shape *shape,
				 struct bounce_run *run)
{
	const struct bounce_device *device = request->queue->device;
	struct bounce_space *space = device->space;
	/* Nobody comes back for them: no lane, and a hint that is forgotten. */
	struct pool_hint hint = {
		.chunk = { NO_CHUNK, NO_CHUNK, NO_CHUNK, NO_CHUNK },
		.block = NO_BLOCK,
	};
	const struct pool_client client = {
		.hint = &hint,
		.bus = space->bus[BOUNCE_PATH_BUS],
		.lane = NO_LANE,
	};
	uint64_t gpa = request->buf.gpa.v - shape->offset;
	uint64_t len = shape->pages * PAGE;
	enum bounce_err err = BOUNCE_ERR_RANGE;

	for (uint32_t shift = BOUNCE_SLOT_SHIFT;
	     err == BOUNCE_ERR_RANGE && shift <= BOUNCE_CHUNK_SHIFT;
	     shift += BOUNCE_CHUNK_SHIFT - BOUNCE_SLOT_SHIFT) {
		struct bounce_place place;

		if (bounce_window_place(&device->limits, gpa, len, shift,
					&place) &&
		    place.offset == 0)
			err = bounce_pool_claim(space->own, &place, &client,
						run);
	}
	return err;
}

/* Is there anything to gain, and nothing in the way? */
static bool is_worth(const struct bounce_request *request,
		     const struct shape *shape, const void *private)
{
	const struct bounce_device *device = request->queue->device;

	return device->space->own != NULL && shape->pages > ends_of(shape) &&
	       (private != NULL ||
		(ends_of(shape) == 0 && !device->maintained)) &&
	       /* The whole pages are not zeroed. */
	       (request->how & BOUNCE_ZERO) == 0 &&
	       /* Runs are rounded to whole pages, and to nothing more. */
	       device->limits.align < PAGE;
}

enum bounce_err bounce_own_prepare(const struct bounce_request *request,
				   const void *private, uint8_t how,
				   struct bounce_prepared *prepared)
{
	const struct bounce_buf *buf = &request->buf;
	struct bounce_device *device = request->queue->device;
	struct shape shape = shape_of(buf->gpa.v % PAGE, buf->len);
	struct bounce_run run;
	enum bounce_err err;
	uint32_t record;

	if (!is_worth(request, &shape, private))
		return BOUNCE_ERR_RANGE;
	err = claim_bus(request, &shape, &run);
	if (err != BOUNCE_OK)
		return err;
	record = bounce_pool_record_of(device->bounce, &run);
	if (ends_of(&shape) != 0)
		err = claim_ends(request, record, ends_of(&shape));
	if (err != BOUNCE_OK) {
		bounce_pool_release(device->space->own, &run);
		return err;
	}
	*prepared = (struct bounce_prepared) {
		.record = record,
		.target = (uintptr_t)private,
		.about = {
			.len = (uint32_t)buf->len,
			.offset = shape.offset,
			.how = how,
			.kind = RECORD_DIRECT,
			.queue = (uint16_t)request->queue->index,
		},
	};
	bounce_prepared_locate(device->bounce, prepared);
	return BOUNCE_OK;
}

void bounce_own_give(struct bounce *bounce, uint32_t record,
		     const struct record_about *about)
{
	struct bounce_run run;

	if (bounce_own_ends(bounce, record, about, &run))
		give_ends(bounce, &bounce->queue[about->queue], &run);
	bounce_record_run(bounce, record, about, &run);
	bounce_pool_release(bounce->slab[run.slab].pool, &run);
}

void bounce_own_bury(struct bounce *bounce, uint32_t record,
		     const struct record_about *about)
{
	struct bounce_run ends;

	if (bounce_own_ends(bounce, record, about, &ends))
		bounce_record_bury(
			&bounce->record[bounce_pool_record_of(bounce, &ends)]);
}

/* ---- the pieces of a buffer ---- */

/* The slot of the head (@tail false) or the tail; false when there is none. */
static bool slot_of(const struct bounce *bounce, uint32_t record,
		    const struct record_about *about, bool tail,
		    struct bounce_run *slot)
{
	struct shape shape = shape_of(about->offset, about->len);

	if (!(tail ? shape.tail : shape.head) ||
	    !bounce_own_ends(bounce, record, about, slot))
		return false;
	slot->slot += tail && shape.head;
	slot->slots = 1;
	return true;
}

bool bounce_own_piece(const struct bounce *bounce, uint32_t record,
		      const struct record_about *about, enum own_piece which,
		      struct bounce_piece *piece)
{
	struct shape shape = shape_of(about->offset, about->len);
	uint64_t head = head_bytes(&shape);
	uint64_t tail = tail_bytes(&shape);
	struct bounce_run slot;

	*piece = (struct bounce_piece) { .len = head };
	if (which == OWN_TAIL)
		*piece = (struct bounce_piece) { .at = about->len - tail,
						 .len = tail };
	if (which == OWN_PAGES) {
		*piece = (struct bounce_piece) {
			.at = head, .len = about->len - head - tail
		};
		return true;
	}
	if (!slot_of(bounce, record, about, which == OWN_TAIL, &slot))
		return false;
	piece->slot = bounce_pool_memory(bounce, &slot);
	piece->offset = which == OWN_TAIL ? 0 : shape.offset;
	return true;
}

static void count_bytes(struct bounce_queue *queue,
			const struct record_about *about, uint8_t direction,
			uint64_t len)
{
	enum bounce_size size = bounce_size_of(about->len);

	/* relaxed: counters. */
	atomic_fetch_add_explicit(direction == RECORD_FROM ?
					  &queue->traffic[size].bytes_from :
					  &queue->counters[size].bytes_to,
				  len, memory_order_relaxed);
}

/* ---- what is mapped ---- */

static void fill_end(const struct bounce_request *request,
		     const struct bounce_prepared *prepared, bool tail)
{
	const struct bounce *bounce = request->queue->device->bounce;
	const struct record_about *about = &prepared->about;
	const unsigned char *private =
		(const unsigned char *)(uintptr_t)prepared->target;
	struct bounce_piece piece;
	struct bounce_run slot;

	if (!slot_of(bounce, prepared->record, about, tail, &slot))
		return;
	(void)bounce_own_piece(bounce, prepared->record, about,
			       tail ? OWN_TAIL : OWN_HEAD, &piece);
	bounce_map_fill(request, &slot, piece.offset, private + piece.at,
			piece.len);
	if ((request->how & (BOUNCE_TO_DEVICE | BOUNCE_PRESERVE)) != 0)
		count_bytes(request->queue, about, RECORD_TO, piece.len);
}

void bounce_own_fill(const struct bounce_request *request,
		     const struct bounce_prepared *prepared)
{
	fill_end(request, prepared, false);
	fill_end(request, prepared, true);
}

/* The slot of an end in the place of its page, *@run; false: there is none. */
static bool end_run(const struct bounce *bounce,
		    const struct bounce_prepared *prepared, bool tail,
		    struct bounce_iommu_run *run)
{
	struct bounce_run slot;

	if (!slot_of(bounce, prepared->record, &prepared->about, tail, &slot))
		return false;
	run->gpa.v = bounce->slab[slot.slab].base.v +
		     ((uint64_t)slot.slot << BOUNCE_SLOT_SHIFT);
	run->len = PAGE;
	return true;
}

uint32_t bounce_own_runs(const struct bounce_request *request,
			 const struct bounce_prepared *prepared,
			 struct bounce_iommu_run run[OWN_PARTS])
{
	const struct bounce *bounce = request->queue->device->bounce;
	const struct bounce_iommu_run all = run[0];
	uint64_t page = request->buf.gpa.v - prepared->about.offset;
	uint64_t end = all.len;
	uint64_t at = 0;
	uint32_t count = 0;

	if (end_run(bounce, prepared, false, &run[count])) {
		count++;
		at = PAGE;
	}
	/* Room for the pages between; the tail is behind them. */
	run[count + 1] = all;
	if (end_run(bounce, prepared, true, &run[count + 1]))
		end -= PAGE;
	run[count] = all;
	run[count].bus.v += at;
	run[count].gpa.v = page + at;
	run[count].len = end - at;
	count++;
	if (end != all.len) {
		run[count].bus.v = all.bus.v + end;
		count++;
	}
	return count;
}

/* ---- parts come back, and go ---- */

static void copy_piece(struct bounce_queue *queue,
		       const struct bounce_piece *piece, unsigned char *private,
		       const struct record_about *about,
		       const struct bounce_part *wanted)
{
	uint64_t first;
	uint64_t len = bounce_piece_cut(piece, wanted, &first);
	unsigned char *shared = piece->slot + piece->offset;

	if (len == 0)
		return;
	private += piece->at + first;
	if (wanted->direction == RECORD_FROM)
		bounce_copy_out(private, shared + first, len);
	else
		bounce_copy_in(shared + first, private, len);
	count_bytes(queue, about, wanted->direction, len);
}

void bounce_own_copy(struct bounce_queue *queue, uint32_t record,
		     const struct record_about *about, uint64_t target,
		     const struct bounce_part *wanted)
{
	unsigned char *private = (unsigned char *)(uintptr_t)target;
	struct bounce_piece piece;

	for (uint32_t tail = 0; tail < 2; tail++)
		if (bounce_own_piece(queue->device->bounce, record, about,
				     tail != 0 ? OWN_TAIL : OWN_HEAD, &piece))
			copy_piece(queue, &piece, private, about, wanted);
}
