/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * sg_dynamic.c - a list behind a dynamic window: one call of the IOMMU for many
 * segments, and one flush.
 *
 *   L1  All segments are filled and mapped before the first one is published,
 *       and all are unmapped and flushed before the first byte is copied back:
 *       N1, for all of them at once.
 *   L2  A call is about as many runs as a frame has room for, LIST_RUNS.
 *   L3  What is not confirmed together is asked for one by one, so that a page
 *       that is lost takes nobody else's with it.
 */
#include "iommu.h"
#include "sg.h"

#define LIST_RUNS 6u

/* ---- out of reach ---- */

/* Mappings on their way out, and the bus addresses of those that have some. */
struct leaving {
	struct bounce_iommu_run run[LIST_RUNS];
	uint32_t runs;
	uint32_t count;
	uint64_t about[LIST_RUNS];
	uint32_t record[LIST_RUNS];
	uint32_t segment[LIST_RUNS]; /* of those that are looked at */
	uint32_t lost; /* a bit each */
};

/* The arrays count as far as they are filled: nothing zeroes them. */
static void begin(struct leaving *leaving)
{
	leaving->runs = 0;
	leaving->count = 0;
	leaving->lost = 0;
}

static void leave(struct leaving *leaving, const struct bounce_device *device,
		  uint32_t record, const struct record_about *about)
{
	leaving->record[leaving->count] = record;
	leaving->about[leaving->count] = record_pack(about);
	leaving->count++;
	if (bounce_dynamic_run(device, record, about,
			       &leaving->run[leaving->runs]))
		leaving->runs++;
}

/* Take them out of reach: N3 for those where that is not certain (L3). */
static bounce_noinline void close_all(const struct bounce_device *device,
				      struct leaving *leaving)
{
	if (leaving->runs == 0 ||
	    bounce_iommu_take(device->space, leaving->run, leaving->runs))
		return;
	for (uint32_t i = 0; i < leaving->count; i++) {
		const struct record_about about =
			record_unpack(leaving->about[i]);

		if (bounce_dynamic_close(device, leaving->record[i], &about) !=
		    BOUNCE_OK)
			leaving->lost |= 1u << i;
	}
}

/* ---- the beginning ---- */

/* What is to be mapped, and room for the last segment's pieces. */
struct opening {
	struct bounce_iommu_run run[LIST_RUNS + OWN_PARTS - 1];
	uint32_t count;
};

static bounce_noinline void show(struct bounce_queue *queue,
				 const struct bounce_segment *segment,
				 struct opening *opening)
{
	struct bounce_request request = sg_request(queue, segment);
	struct bounce_prepared prepared = sg_kept(queue, segment);

	bounce_map_show(&request, &prepared);
	opening->count += bounce_dynamic_runs(&request, &prepared,
					      &opening->run[opening->count]);
}

/* Show segments and map them; how many were shown, the last of which may not be
 * mapped: *@shown. */
static bounce_noinline enum bounce_err show_all(
	struct bounce_queue *queue, const struct bounce_segment *segment,
	uint32_t count, uint32_t *shown)
{
	enum bounce_err err = BOUNCE_OK;
	struct opening opening;
	uint32_t at = 0;

	opening.count = 0;
	while (err == BOUNCE_OK && at < count) {
		if (!segment[at].joined)
			show(queue, &segment[at], &opening);
		at++;
		if (opening.count == 0 ||
		    (opening.count < LIST_RUNS && at < count))
			continue;
		err = bounce_iommu_put(queue->device->space, opening.run,
				       opening.count);
		opening.count = 0;
	}
	*shown = at;
	return err;
}

/* ---- the way back ---- */

static void withdraw(struct bounce_queue *queue, struct bounce_segment *segment,
		     bool lost)
{
	const struct record_about about = record_unpack(segment->mapping.key);

	if (lost)
		bounce_mapping_bury(queue->device->bounce,
				    segment->mapping.record, &about);
	else
		bounce_sg_cancel(queue, segment, 1);
	sg_forget(segment);
}

/* As many as one call is about. */
static bounce_noinline uint32_t add_some(const struct bounce_queue *queue,
					 const struct bounce_segment *segment,
					 uint32_t count,
					 struct leaving *leaving)
{
	uint32_t end;

	for (end = 0; end < count && leaving->count < LIST_RUNS; end++) {
		const struct record_about about =
			record_unpack(segment[end].mapping.key);

		if (!segment[end].joined)
			leave(leaving, queue->device,
			      segment[end].mapping.record, &about);
	}
	return end;
}

static bounce_noinline void withdraw_some(struct bounce_queue *queue,
					  struct bounce_segment *segment,
					  uint32_t count,
					  const struct leaving *leaving)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < count; i++)
		if (!segment[i].joined)
			withdraw(queue, &segment[i],
				 (leaving->lost >> at++ & 1) != 0);
}

enum bounce_err bounce_sg_withdraw(struct bounce_queue *queue,
				   struct bounce_segment *segment,
				   uint32_t count)
{
	enum bounce_err err = BOUNCE_OK;

	while (count != 0) {
		struct leaving leaving;
		uint32_t end;

		begin(&leaving);
		end = add_some(queue, segment, count, &leaving);
		close_all(queue->device, &leaving);
		withdraw_some(queue, segment, end, &leaving);
		if (leaving.lost != 0)
			err = BOUNCE_ERR_LOST;
		segment += end;
		count -= end;
	}
	return err;
}

enum bounce_err bounce_sg_open(struct bounce_queue *queue,
			       struct bounce_segment *segment, uint32_t count)
{
	uint32_t shown;
	enum bounce_err err = show_all(queue, segment, count, &shown);

	if (err == BOUNCE_OK)
		return err;
	bounce_sg_cancel(queue, segment + shown, count - shown);
	return bounce_sg_withdraw(queue, segment, shown) == BOUNCE_OK ?
		       err :
		       BOUNCE_ERR_LOST;
}

/* ---- the end ---- */

/* What is left of a list. */
struct ending {
	struct bounce_queue *queue;
	const struct bounce_segment *segment;
	uint32_t count;
	uint64_t written; /* bytes, not yet in a segment */
	enum bounce_err result;
};

/* End those that are live, as many as one call is about. */
static bounce_noinline uint32_t end_some(const struct ending *ending,
					 struct leaving *leaving)
{
	struct bounce_queue *queue = ending->queue;
	uint32_t end;

	for (end = 0; end < ending->count && leaving->count < LIST_RUNS;
	     end++) {
		const struct bounce_segment *segment = &ending->segment[end];
		struct record_about about;
		uint32_t record;

		if (segment->joined ||
		    !bounce_unmap_begin(queue, &segment->mapping, &record,
					&about))
			continue;
		leaving->segment[leaving->count] = end;
		leave(leaving, queue->device, record, &about);
	}
	return end;
}

/* LOST before all, for the caller's pages may be. */
static enum bounce_err worse(enum bounce_err a, enum bounce_err b)
{
	if (a == BOUNCE_ERR_LOST || b == BOUNCE_OK)
		return a;
	return b == BOUNCE_ERR_LOST ? b : BOUNCE_ERR_STALE;
}

/* What is out of reach, or lost: @written bytes of it have come. */
static enum bounce_err settle(struct bounce_queue *queue,
			      const struct leaving *leaving, uint32_t i,
			      uint64_t written)
{
	const struct record_about about = record_unpack(leaving->about[i]);
	enum bounce_err err = bounce_unmap_rest(queue, leaving->record[i],
						&about, written);

	return (leaving->lost >> i & 1) != 0 ? BOUNCE_ERR_LOST : err;
}

/* The segments in front of @end: what is not in @leaving was not live. */
static bounce_noinline void settle_all(struct ending *ending,
				       const struct leaving *leaving,
				       uint32_t end)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < end; i++) {
		const struct bounce_segment *segment = &ending->segment[i];
		uint64_t part = sg_part(segment, &ending->written);
		enum bounce_err err = BOUNCE_ERR_STALE;

		if (segment->joined)
			continue;
		if (at < leaving->count && leaving->segment[at] == i)
			err = settle(ending->queue, leaving, at++, part);
		if (err != BOUNCE_OK)
			(void)bounce_count_error(ending->queue, err,
						 segment->mapping.len);
		ending->result = worse(ending->result, err);
	}
	ending->segment += end;
	ending->count -= end;
}

enum bounce_err bounce_sg_close(struct bounce_queue *queue,
				const struct bounce_segment *segment,
				uint32_t count, uint64_t written)
{
	struct ending ending = {
		.queue = queue,
		.segment = segment,
		.count = count,
		.written = written,
		.result = BOUNCE_OK,
	};

	while (ending.count != 0) {
		struct leaving leaving;
		uint32_t end;

		begin(&leaving);
		end = end_some(&ending, &leaving);
		close_all(queue->device, &leaving);
		settle_all(&ending, &leaving, end);
	}
	return ending.result;
}
