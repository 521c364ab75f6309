/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * mapping.c - what map.c and shared.c have in common: handles and records, the
 * direct table, the claim of a run, and its release by the last one out.
 *
 *   G1  A handle is believed in nothing: the record is found by a checked
 *       index, its fields come from private memory, and every bit of the handle
 *       must agree with them.
 *   G2  Whoever retires a record releases its run, once, and touches neither
 *       afterwards (R4).
 */
#include "mapping.h"

/* ---- counters: relaxed, they order nothing ---- */

enum bounce_err bounce_count_error(struct bounce_queue *queue,
				   enum bounce_err err, uint64_t len)
{
	struct queue_counters *failures = &queue->counters[bounce_size_of(len)];
	_Atomic uint64_t *counter = &failures->other;

	if (err == BOUNCE_ERR_FULL)
		counter = &failures->full;
	else if (err == BOUNCE_ERR_FRAGMENTED)
		counter = &failures->fragmented;
	else if (err == BOUNCE_ERR_STALE)
		counter = &failures->stale;
	else if (err == BOUNCE_ERR_LENGTH)
		counter = &failures->refused_lengths;
	/* relaxed: a counter. */
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
	return err;
}

/* ---- the direct table: a bit each, from the queue's last word ---- */

uint32_t bounce_direct_take(struct bounce_queue *queue)
{
	struct bounce *bounce = queue->device->bounce;
	uint32_t words = bounce_words(bounce->config.direct);
	/* relaxed: advice. */
	uint32_t at = atomic_load_explicit(&queue->direct_hint,
					   memory_order_relaxed);

	for (uint32_t i = 0; i < words; i++, at = at + 1 < words ? at + 1 : 0) {
		_Atomic uint64_t *word = &bounce->direct_busy[at].bits;
		uint32_t left = bounce->config.direct - at * 64;
		uint64_t all = bounce_low_bits(left < 64 ? left : 64);
		/* relaxed: a stale guess costs a retry. */
		uint64_t busy = atomic_load_explicit(word,
						     memory_order_relaxed);

		while ((~busy & all) != 0) {
			unsigned bit = bounce_lowest(~busy & all);

			/* acquire: pairs with bounce_direct_give(): the record
			 * is FREE before it is ours (R1). */
			if (!atomic_compare_exchange_weak_explicit(
				    word, &busy, busy | UINT64_C(1) << bit,
				    memory_order_acquire, memory_order_relaxed))
				continue;
			/* relaxed: advice. */
			atomic_store_explicit(&queue->direct_hint, at,
					      memory_order_relaxed);
			return bounce->first_direct_record + at * 64 + bit;
		}
	}
	return bounce_kept_seize(bounce);
}

void bounce_direct_give(struct bounce *bounce, uint32_t record)
{
	uint32_t bit = record - bounce->first_direct_record;

	/* release: pairs with the acquire in bounce_direct_take(). */
	atomic_fetch_and_explicit(&bounce->direct_busy[bit / 64].bits,
				  ~(UINT64_C(1) << bit % 64),
				  memory_order_release);
}

/* ---- claiming a run ---- */

/* @content: see struct pool_client. */
static enum bounce_err claim_at(const struct bounce_request *request,
				const struct bounce_place *place, bool content,
				struct bounce_run *run)
{
	struct bounce_queue *queue = request->queue;
	const struct bounce_device *device = queue->device;
	struct bounce_pool *pool = device->space->pool;
	const struct pool_client client = {
		.hint = &queue->hint,
		.bus = device->space->bus[request->path],
		.tenant = bounce_device_tenant(device),
		.lane = quick_lane(queue, request->path),
		.content = content,
		.urgent = (request->how & BOUNCE_URGENT) != 0,
	};
	enum bounce_err err;

	if (pool == NULL)
		return BOUNCE_ERR_UNREACHABLE;
	err = bounce_pool_claim(pool, place, &client, run);
	if (err != BOUNCE_OK)
		return err;
	if (!bounce_quota_take(queue, run)) {
		bounce_pool_release(pool, run);
		return BOUNCE_ERR_FULL;
	}
	bounce_unpoison(bounce_pool_memory(pool->bounce, run),
			bounce_run_bytes(run));
	return BOUNCE_OK;
}

enum bounce_err bounce_mapping_claim_at(const struct bounce_request *request,
					const struct bounce_place *place,
					struct bounce_run *run)
{
	return claim_at(request, place, false, run);
}

/* At one unit; ERR_RANGE where its geometry does not admit the request. */
static enum bounce_err claim_unit(const struct bounce_request *request,
				  const struct bounce_limits *limits,
				  uint32_t shift, bool content,
				  struct bounce_prepared *prepared)
{
	struct bounce_place place;

	if (!bounce_window_place(limits, request->buf.gpa.v, request->buf.len,
				 shift, &place))
		return BOUNCE_ERR_RANGE;
	prepared->about.offset = place.offset;
	return claim_at(request, &place, content, &prepared->run);
}

/* N2: what is mapped in an IOMMU by itself is whole slots. */
static enum bounce_err claim_small(const struct bounce_request *request,
				   const struct bounce_limits *limits,
				   struct bounce_prepared *prepared)
{
	return bounce_unlikely(request->queue->device->dynamic) ?
		       BOUNCE_ERR_RANGE :
		       claim_unit(request, limits, BOUNCE_GRANULE_SHIFT, true,
				  prepared);
}

/*
 * Granules, then slots, then whole chunks: the first unit whose geometry admits
 * the request decides. Two ways lead to the next one: a small request takes a
 * slot when no granules are found at once (and looks for them everywhere when
 * there is no slot), and a run whose alignment bits fit into no single chunk is
 * padded from a chunk's start.
 */
enum bounce_err bounce_mapping_claim(const struct bounce_request *request,
				     const struct bounce_limits *limits,
				     struct bounce_prepared *prepared)
{
	const struct bounce_device *device = request->queue->device;
	enum bounce_err small;
	enum bounce_err err;

	small = claim_small(request, limits, prepared);
	if (small == BOUNCE_OK)
		return small;
	err = claim_unit(request, limits, BOUNCE_SLOT_SHIFT, false, prepared);
	if (err == BOUNCE_ERR_RANGE || err == BOUNCE_ERR_UNREACHABLE) {
		enum bounce_err padded = claim_unit(
			request, limits, BOUNCE_CHUNK_SHIFT, false, prepared);

		if (padded != BOUNCE_ERR_RANGE)
			err = padded;
	}
	if (err != BOUNCE_OK && small != BOUNCE_ERR_RANGE &&
	    claim_unit(request, limits, BOUNCE_GRANULE_SHIFT, false,
		       prepared) == BOUNCE_OK)
		return BOUNCE_OK;
	if (err == BOUNCE_ERR_UNREACHABLE &&
	    request->buf.len > bounce_map_max(device) &&
	    device->space->pool != NULL)
		return BOUNCE_ERR_RANGE;
	return err;
}

/* ---- handles ---- */

uint64_t bounce_record_span(const struct bounce *bounce,
			    const struct record_about *about)
{
	const struct bounce_device *device = bounce->queue[about->queue].device;

	if (device == NULL)
		return about->len;
	return mapping_span(about, device->limits.align);
}

void bounce_record_run(const struct bounce *bounce, uint32_t record,
		       const struct record_about *about, struct bounce_run *run)
{
	bounce_pool_run_of(bounce, record,
			   (uint32_t)bounce_record_span(bounce, about), run);
}

uint64_t bounce_mapping_bus(const struct bounce *bounce, uint32_t record,
			    const struct record_about *about, uint64_t target)
{
	const struct bounce_device *device = bounce->queue[about->queue].device;
	struct bounce_run run;

	if (about->kind == RECORD_DIRECT && !bounce_is_own(bounce, record))
		return target;
	if (about->kind == RECORD_BORN)
		return mapping_bus_inside(device, about, target);
	bounce_record_run(bounce, record, about, &run);
	return mapping_bus(device, mapping_path(about), &run, about->offset);
}

struct bounce_record *bounce_mapping_look_up(
	const struct bounce_queue *queue, const struct bounce_mapping *mapping,
	struct record_about *about, uint64_t *target)
{
	struct mapping_found found;
	struct bounce_record *record = mapping_look_up(queue, mapping, &found);

	if (record != NULL) {
		*about = found.about;
		*target = found.target;
	}
	return record;
}

void bounce_prepared_locate(const struct bounce *bounce,
			    struct bounce_prepared *prepared)
{
	const struct record_about *about = &prepared->about;
	const struct bounce_device *device = bounce->queue[about->queue].device;

	if (about->kind > RECORD_SHARED) {
		prepared->bus = bounce_mapping_bus(bounce, prepared->record,
						   about, prepared->target);
		return;
	}
	bounce_record_run(bounce, prepared->record, about, &prepared->run);
	prepared->bus = mapping_bus(device, mapping_path(about), &prepared->run,
				    about->offset);
}

unsigned char *bounce_mapping_shared(const struct bounce *bounce,
				     uint32_t record,
				     const struct record_about *about)
{
	struct bounce_run run;

	bounce_record_run(bounce, record, about, &run);
	return bounce_pool_memory(bounce, &run) + about->offset;
}

/* ---- the end ---- */

/*
 * Let go of the born-shared run that a mapping lies in. The run itself goes
 * with bounce_free(), or with bounce_device_quiesced(), which waits for us.
 */
static void let_home_go(struct bounce *bounce, const struct record_about *about,
			uint64_t target)
{
	if (about->kind == RECORD_BORN)
		(void)bounce_record_unpin(&bounce->record[(uint32_t)target]);
}

/* Give back what is a mapping's own: its run, or its direct record. */
static void give_back(struct bounce *bounce, uint32_t record,
		      const struct record_about *about)
{
	struct bounce_run run;

	if (about->kind == RECORD_DIRECT && bounce_is_own(bounce, record)) {
		bounce_own_give(bounce, record, about);
		return;
	}
	if (about->kind == RECORD_BORN || about->kind == RECORD_DIRECT) {
		bounce_direct_give(bounce, record);
		return;
	}
	bounce_record_run(bounce, record, about, &run);
	bounce_quota_give(&bounce->queue[about->queue], &run);
	bounce_poison(bounce_pool_memory(bounce, &run), bounce_run_bytes(&run));
	bounce_pool_release(bounce->slab[run.slab].pool, &run);
}

void bounce_map_cancel(const struct bounce_request *request,
		       const struct bounce_prepared *prepared)
{
	struct bounce *bounce = request->queue->device->bounce;

	if (prepared->about.kind == RECORD_BORN &&
	    bounce_kept_return(bounce, prepared->record, prepared->target))
		return;
	let_home_go(bounce, &prepared->about, prepared->target);
	give_back(bounce, prepared->record, &prepared->about);
}

/*
 * G2, R5: an exhausted record keeps what is its own, for ever: also when its
 * device is gone, whose masks said how long the run is.
 */
static void entomb(struct bounce *bounce, uint32_t record,
		   const struct record_about *about)
{
	struct record_about kept = { .kind = RECORD_SHARED };
	struct bounce_run run;

	if (about->kind == RECORD_DIRECT && bounce_is_own(bounce, record))
		bounce_own_bury(bounce, record, about);
	else if (about->kind == RECORD_BORN || about->kind == RECORD_DIRECT)
		return;
	bounce_record_run(bounce, record, about, &run);
	kept.len = (uint32_t)bounce_run_bytes(&run);
	/* relaxed: nobody else looks at it but the checks of stats.c. */
	atomic_store_explicit(&bounce->record[record].about, record_pack(&kept),
			      memory_order_relaxed);
}

void bounce_mapping_bury(struct bounce *bounce, uint32_t record,
			 const struct record_about *about)
{
	entomb(bounce, record, about);
	bounce_record_bury(&bounce->record[record]);
}

void bounce_mapping_release(struct bounce *bounce, uint32_t record,
			    const struct record_about *about, uint64_t target)
{
	if (about->kind == RECORD_BORN &&
	    bounce_kept_put(bounce, record, target))
		return;
	let_home_go(bounce, about, target);
	if (bounce_record_retire(&bounce->record[record]))
		give_back(bounce, record, about);
	else
		entomb(bounce, record, about);
}

void bounce_mapping_leave(struct bounce *bounce, uint32_t record,
			  const struct record_about *about, uint64_t target)
{
	if (bounce_record_unpin(&bounce->record[record]))
		bounce_mapping_release(bounce, record, about, target);
}

/* ---- the beginning ---- */

enum bounce_err bounce_mapping_withdraw(struct bounce_queue *queue,
					const struct bounce_prepared *prepared,
					uint64_t generation, uint64_t count)
{
	struct bounce *bounce = queue->device->bounce;
	enum bounce_err err = BOUNCE_OK;

	bounce_queue_uncount(queue, &prepared->about, count);
	/* The device was never told of this run, so it needs no quarantine,
	 * unless the revoke has put it there already. */
	if (bounce_record_end(&bounce->record[prepared->record], generation,
			      false) == BOUNCE_OK) {
		err = bounce_dynamic_leave(queue->device, prepared->record,
					   &prepared->about);
		bounce_mapping_leave(bounce, prepared->record, &prepared->about,
				     prepared->target);
	} else if (count != 0) {
		/* It will end by quiesced(), and was none of those that were
		 * counted. */
		bounce_queue_ended(queue, &prepared->about, -1);
	}
	return err == BOUNCE_OK ? BOUNCE_ERR_STALE : err;
}

enum bounce_err bounce_mapping_publish(const struct bounce_request *request,
				       const struct bounce_prepared *prepared,
				       uint64_t count,
				       struct bounce_mapping *mapping)
{
	return mapping_publish(request, prepared, count, mapping);
}
