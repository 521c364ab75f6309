/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * sg.c - several buffers of one request, or one buffer in several pieces.
 *
 *   K1  All runs are claimed before the first shared byte is touched; when one
 *       cannot be, the others go back, last first, as they came.
 *   K2  Between the two steps a segment's mapping holds what the first step
 *       prepared, in the caller's private memory: nothing is allocated.
 */
#include "sg.h"

/* ---- joining ---- */

/* Does @next go on in memory where @buf ends, for the same use? */
static bool follows(const struct bounce_buf *buf, uint32_t how,
		    const struct bounce_segment *next)
{
	const unsigned char *start = buf->ptr;

	/* An empty one is for bounce_map_prepare() to refuse. */
	if (buf->len == 0 || next->buf.len == 0)
		return false;
	if (next->how != how || next->buf.gpa.v != buf->gpa.v + buf->len ||
	    next->buf.gpa.v == 0)
		return false;
	return start == NULL ? next->buf.ptr == NULL :
			       next->buf.ptr == start + buf->len;
}

/* The buffer of segment @i with all that are joined to it, up to @max. */
static struct bounce_buf group(const struct bounce_segment *segment, uint32_t i,
			       uint32_t count)
{
	struct bounce_buf buf = segment[i].buf;

	while (++i < count && segment[i].joined)
		buf.len += segment[i].buf.len;
	return buf;
}

/* Mark the segments that can be joined to the one before. */
static void join(struct bounce_segment *segment, uint32_t count, uint64_t max)
{
	struct bounce_buf buf = segment[0].buf;

	for (uint32_t i = 1; i < count; i++) {
		bool fits = segment[i].buf.len <= max &&
			    buf.len <= max - segment[i].buf.len;

		if (fits && follows(&buf, segment[i - 1].how, &segment[i])) {
			segment[i].joined = 1;
			buf.len += segment[i].buf.len;
		} else {
			buf = segment[i].buf;
		}
	}
}

/* ---- map ---- */

void bounce_sg_cancel(struct bounce_queue *queue,
		      struct bounce_segment *segment, uint32_t count)
{
	while (count-- > 0) {
		if (!segment[count].joined) {
			struct bounce_request request =
				sg_request(queue, &segment[count]);
			struct bounce_prepared prepared =
				sg_kept(queue, &segment[count]);

			bounce_map_cancel(&request, &prepared);
		}
		sg_forget(&segment[count]);
	}
}

static enum bounce_err prepare(struct bounce_queue *queue,
			       struct bounce_segment *segment, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct bounce_request request = {
			.queue = queue,
			.buf = group(segment, i, count),
			.how = segment[i].how,
		};
		struct bounce_prepared prepared;
		enum bounce_err err;

		if (segment[i].joined)
			continue;
		err = bounce_map_prepare(&request, &prepared);
		if (err != BOUNCE_OK && i + 1 < count &&
		    segment[i + 1].joined) {
			/* Not together: then this one without the others. */
			segment[i + 1].joined = 0;
			request.buf = segment[i].buf;
			err = bounce_map_prepare(&request, &prepared);
		}
		if (err != BOUNCE_OK) {
			bounce_sg_cancel(queue, segment, i);
			return err;
		}
		sg_keep(&segment[i], &prepared, &request);
	}
	return BOUNCE_OK;
}

/*
 * What is published ends, and no byte comes back. A revoke has it in quarantine
 * already; but the words of a queue move one by one (T1), and when it was
 * bounce_device_quiesced() that had moved some of them only, nobody else would
 * end it. OK, or ERR_LOST.
 */
static enum bounce_err end_published(struct bounce_queue *queue,
				     const struct bounce_segment *segment,
				     uint32_t count)
{
	if (queue->device->dynamic)
		return bounce_sg_close(queue, segment, count, 0) ==
				       BOUNCE_ERR_LOST ?
			       BOUNCE_ERR_LOST :
			       BOUNCE_OK;
	for (uint32_t i = 0; i < count; i++) {
		struct record_about about;
		uint32_t record;

		if (!segment[i].joined &&
		    bounce_unmap_begin(queue, &segment[i].mapping, &record,
				       &about))
			(void)bounce_unmap_rest(queue, record, &about, 0);
	}
	return BOUNCE_OK;
}

/* The device was revoked at segment @at; what comes after it is given back. OK,
 * or ERR_LOST. */
static enum bounce_err give_up(struct bounce_queue *queue,
			       struct bounce_segment *segment, uint32_t at,
			       uint32_t count)
{
	struct bounce_segment *rest = segment + at + 1;
	enum bounce_err err = end_published(queue, segment, at);

	if (!queue->device->dynamic)
		bounce_sg_cancel(queue, rest, count - at - 1);
	else if (bounce_sg_withdraw(queue, rest, count - at - 1) != BOUNCE_OK)
		err = BOUNCE_ERR_LOST;
	return err;
}

/* Show all, and publish. */
static enum bounce_err finish(struct bounce_queue *queue,
			      struct bounce_segment *segment, uint32_t count)
{
	bool dynamic = queue->device->dynamic;
	enum bounce_err err = BOUNCE_OK;

	if (dynamic)
		err = bounce_sg_open(queue, segment, count);
	for (uint32_t i = 0; err == BOUNCE_OK && i < count; i++) {
		struct bounce_request request = sg_request(queue, &segment[i]);
		struct bounce_prepared prepared;

		if (segment[i].joined)
			continue;
		prepared = sg_kept(queue, &segment[i]);
		if (!dynamic)
			bounce_map_show(&request, &prepared);
		err = bounce_map_publish(&request, &prepared,
					 &segment[i].mapping);
		if (err == BOUNCE_OK)
			continue;
		sg_forget(&segment[i]);
		if (give_up(queue, segment, i, count) != BOUNCE_OK)
			err = BOUNCE_ERR_LOST;
	}
	return err;
}

/* What was asked for, to be counted by; it may wrap. */
static uint64_t total_bytes(const struct bounce_segment *segment,
			    uint32_t count)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++)
		sum += segment[i].buf.len;
	return sum;
}

enum bounce_err bounce_map_sg(struct bounce_queue *queue,
			      struct bounce_segment *segment, uint32_t count,
			      uint32_t flags)
{
	enum bounce_err err;

	if (!bounce_queue_attached(queue))
		return BOUNCE_ERR_ARG;
	if (segment == NULL || count == 0 ||
	    (flags & ~(uint32_t)BOUNCE_SG_JOIN) != 0)
		return bounce_count_error(queue, BOUNCE_ERR_ARG, 0);
	for (uint32_t i = 0; i < count; i++)
		segment[i].joined = 0;
	if ((flags & BOUNCE_SG_JOIN) != 0)
		join(segment, count, bounce_map_max(queue->device));
	err = prepare(queue, segment, count);
	if (err == BOUNCE_OK)
		err = finish(queue, segment, count);
	return bounce_likely(err == BOUNCE_OK) ?
		       err :
		       bounce_count_error(queue, err,
					  total_bytes(segment, count));
}

/* ---- unmap ---- */

/* Sum of the device-writable bytes, of mappings as they were made. */
static uint64_t writable_bytes(const struct bounce_segment *segment,
			       uint32_t count)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++)
		if (!segment[i].joined && sg_is_writable(&segment[i]))
			sum += segment[i].mapping.len;
	return sum;
}

/* One after the other. */
static enum bounce_err unmap_each(struct bounce_queue *queue,
				  const struct bounce_segment *segment,
				  uint32_t count, uint64_t written)
{
	enum bounce_err result = BOUNCE_OK;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t part = sg_part(&segment[i], &written);

		if (!segment[i].joined &&
		    bounce_unmap(queue, &segment[i].mapping, part) != BOUNCE_OK)
			result = BOUNCE_ERR_STALE;
	}
	return result;
}

enum bounce_err bounce_unmap_sg(struct bounce_queue *queue,
				const struct bounce_segment *segment,
				uint32_t count, uint64_t written)
{
	enum bounce_err result;
	uint64_t room;
	bool lie;

	if (!bounce_queue_attached(queue))
		return BOUNCE_ERR_ARG;
	if (segment == NULL || count == 0)
		return bounce_count_error(queue, BOUNCE_ERR_ARG, 0);
	room = writable_bytes(segment, count);
	lie = written > room;
	if (lie)
		written = 0;
	result = queue->device->dynamic ?
			 bounce_sg_close(queue, segment, count, written) :
			 unmap_each(queue, segment, count, written);
	if (lie && result != BOUNCE_ERR_LOST)
		return bounce_count_error(queue, BOUNCE_ERR_LENGTH, room);
	return result;
}

/* ---- one buffer in pieces ---- */

/*
 * Claim a piece of at most @most bytes at @offset: as large as there is, by
 * halves. Pieces but the last are whole slots, so that the next one starts
 * where the device's alignment bits allow.
 */
static enum bounce_err claim_piece(struct bounce_queue *queue,
				   const struct bounce_buf *buf, uint64_t most,
				   struct bounce_segment *piece)
{
	struct bounce_request request = { .queue = queue, .how = piece->how };
	struct bounce_prepared prepared;
	enum bounce_err err;

	for (;;) {
		request.buf = *buf;
		request.buf.len = bounce_min(buf->len, most);
		err = bounce_map_prepare(&request, &prepared);
		if (err != BOUNCE_ERR_FULL && err != BOUNCE_ERR_FRAGMENTED)
			break;
		if (request.buf.len <= BOUNCE_SLOT_BYTES)
			break;
		/* Less than before: above a slot the half, rounded up, is. */
		most = (request.buf.len / 2 + BOUNCE_SLOT_BYTES - 1) &
		       ~(uint64_t)(BOUNCE_SLOT_BYTES - 1);
	}
	if (err != BOUNCE_OK)
		return err;
	piece->buf = request.buf;
	sg_keep(piece, &prepared, &request);
	return BOUNCE_OK;
}

static enum bounce_err claim_list(struct bounce_queue *queue,
				  const struct bounce_buf *buf, uint32_t how,
				  struct bounce_segment *segment,
				  uint32_t *count)
{
	uint64_t most = bounce_map_max(queue->device);
	struct bounce_buf rest = *buf;
	uint32_t used = 0;

	if (most == 0)
		most = BOUNCE_SLOT_BYTES; /* it fails, and says why */
	if (most > BOUNCE_SLOT_BYTES)
		most &= ~(uint64_t)(BOUNCE_SLOT_BYTES - 1);
	while (rest.len != 0) {
		enum bounce_err err = BOUNCE_ERR_RANGE;

		if (used < *count) {
			segment[used] = (struct bounce_segment) { .how = how };
			err = claim_piece(queue, &rest, most, &segment[used]);
		}
		if (err != BOUNCE_OK) {
			bounce_sg_cancel(queue, segment, used);
			return err;
		}
		rest.gpa.v += segment[used].buf.len;
		rest.len -= segment[used].buf.len;
		if (rest.ptr != NULL)
			rest.ptr = (unsigned char *)rest.ptr +
				   segment[used].buf.len;
		used++;
	}
	*count = used;
	return BOUNCE_OK;
}

static bool list_valid(const struct bounce_buf *buf,
		       const struct bounce_segment *segment,
		       const uint32_t *count)
{
	return buf != NULL && segment != NULL && count != NULL && *count != 0 &&
	       buf->len != 0 && !bounce_wraps(buf->gpa.v, buf->len);
}

enum bounce_err bounce_map_list(struct bounce_queue *queue,
				const struct bounce_buf *buf, uint32_t how,
				struct bounce_segment *segment, uint32_t *count)
{
	uint32_t used;
	enum bounce_err err = BOUNCE_ERR_ARG;

	if (!bounce_queue_attached(queue))
		return err;
	if (list_valid(buf, segment, count)) {
		used = *count;
		err = claim_list(queue, buf, how, segment, &used);
		if (err == BOUNCE_OK)
			err = finish(queue, segment, used);
		if (err == BOUNCE_OK)
			*count = used;
	}
	return bounce_likely(err == BOUNCE_OK) ?
		       err :
		       bounce_count_error(queue, err,
					  buf == NULL ? 0 : buf->len);
}
