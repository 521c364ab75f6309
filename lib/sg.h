/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * sg.h - what lists have in common, in front of a dynamic window (sg_dynamic.c)
 * or none (sg.c). K1 and K2 are in sg.c.
 */
#ifndef LIB_SG_H
#define LIB_SG_H

#include "instance.h"

/* ---- K2: what is prepared, kept in a mapping that is not one yet ---- */

static inline void sg_keep(struct bounce_segment *segment,
			   const struct bounce_prepared *prepared,
			   const struct bounce_request *request)
{
	segment->mapping = (struct bounce_mapping) {
		.bus = { prepared->target },
		.key = record_pack(&prepared->about),
		.record = prepared->record,
		.len = request->path,
		.reserved = request->generation,
	};
}

/* No mapping: a private address is not left behind where a bus address goes. */
static inline void sg_forget(struct bounce_segment *segment)
{
	segment->mapping = (struct bounce_mapping) { .len = 0 };
}

static inline struct bounce_prepared sg_kept(
	const struct bounce_queue *queue, const struct bounce_segment *segment)
{
	struct bounce_prepared prepared = {
		.record = segment->mapping.record,
		.about = record_unpack(segment->mapping.key),
		.target = segment->mapping.bus.v,
	};

	bounce_prepared_locate(queue->device->bounce, &prepared);
	return prepared;
}

static inline struct bounce_request sg_request(
	struct bounce_queue *queue, const struct bounce_segment *segment)
{
	return (struct bounce_request) {
		.queue = queue,
		.buf = segment->buf,
		.how = segment->how,
		.path = segment->mapping.len,
		.generation = (uint32_t)segment->mapping.reserved,
	};
}

/* Give back what @count segments have prepared. */
void bounce_sg_cancel(struct bounce_queue *queue,
		      struct bounce_segment *segment, uint32_t count);

/* ---- what a device has written ---- */

static inline bool sg_is_writable(const struct bounce_segment *segment)
{
	return (segment->how & BOUNCE_FROM_DEVICE) != 0;
}

/* A segment's part of what is left of *@written. */
static inline uint64_t sg_part(const struct bounce_segment *segment,
			       uint64_t *written)
{
	uint64_t part = 0;

	if (!segment->joined && sg_is_writable(segment))
		part = bounce_min(*written, segment->mapping.len);
	*written -= part;
	return part;
}

/* ---- behind a dynamic window: sg_dynamic.c ---- */

/* Show all segments that are prepared, and map them. When that fails, nothing
 * of them is left, or (ERR_LOST) some are buried. */
enum bounce_err bounce_sg_open(struct bounce_queue *queue,
			       struct bounce_segment *segment, uint32_t count);

/* The way back, where none was published. OK, or ERR_LOST: some are buried. */
enum bounce_err bounce_sg_withdraw(struct bounce_queue *queue,
				   struct bounce_segment *segment,
				   uint32_t count);

/* End all: bounce_unmap_sg() of a length that is no lie. */
enum bounce_err bounce_sg_close(struct bounce_queue *queue,
				const struct bounce_segment *segment,
				uint32_t count, uint64_t written);

#endif
