/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * device.c - requesters: attach, the verdict and its binding, queues, detach.
 *
 *   D1  binding holds {verdict, epoch} in one word: whoever reads it reads both
 *       as they belong together. It is made at the first mapping, and again
 *       when the system's epoch has moved, by one CAS.
 *   D2  Limits, facts, space and queues are constant while attached.
 *   D3  A device's queues are a range of bounce->queue[]; a queue's device is
 *       set before its first use and cleared at detach.
 */
#include "instance.h"

/* Tags of devices that have no owner of their own: above those of embedders. */
#define OWN_TAGS 0xf000u

#define DEVICE_FLAGS 0x3ffu
#define CACHE_FLAGS (BOUNCE_DEVICE_NON_COHERENT | BOUNCE_DEVICE_NO_SNOOP)

/* ---- the binding word: the epoch below, the verdict in the high half ---- */

static uint64_t pack(uint32_t epoch, struct bounce_verdict verdict)
{
	return epoch | (uint64_t)verdict.kind << 56 |
	       (uint64_t)verdict.path << 48 | (uint64_t)verdict.reason << 40 |
	       (uint64_t)verdict.accept << 32;
}

/* ---- facts ---- */

/* Longest stretch of a ready slab that the device reaches, bytes. */
static uint64_t reach(const struct bounce_device *device, uint32_t path)
{
	const struct bounce_space *space = device->space;
	uint64_t most = 0;

	if (space->pool == NULL)
		return 0;
	for (uint32_t i = 0; i < space->pool->slab_count; i++) {
		uint32_t index = space->pool->first_slab + i;
		const struct bounce_slab *slab = &space->bounce->slab[index];
		uint64_t len;
		uint64_t bus;

		/* acquire: pairs with the store of `ready` in grow.c (P6).
		 * relaxed: a slab that retires meanwhile is an empty one. */
		if (!atomic_load_explicit(&slab->ready, memory_order_acquire) ||
		    atomic_load_explicit(&slab->phase, memory_order_relaxed) !=
			    SLAB_READY)
			continue;
		bus = space->bus[path][index];
		if (bus == NO_BUS || bus > device->limits.last)
			continue;
		/* The chunks for URGENT mappings are the last ones. */
		len = (uint64_t)bounce_count(slab->all_chunks &
					     ~slab->urgent_chunks)
		      << BOUNCE_CHUNK_SHIFT;
		len = bounce_min(len - 1, device->limits.last - bus) + 1;
		if (len > most)
			most = len;
	}
	return most;
}

/* All facts but those of a buffer and of the pool. */
static uint32_t facts_now(const struct bounce_device *device)
{
	uint32_t facts = device->facts;

	/* relaxed: YES never becomes NO; the epoch orders the change. */
	if (atomic_load_explicit(&device->bounce->protection,
				 memory_order_relaxed) != BOUNCE_PROTECTION_NO)
		facts |= BOUNCE_FACT_PROTECTED;
	/* acquire: pairs with bounce_device_features_rejected(). */
	if (atomic_load_explicit(&device->rejected, memory_order_acquire) != 0)
		facts |= BOUNCE_FACT_FEATURES_REJECTED;
	if (device->unnegotiated)
		facts |= BOUNCE_FACT_UNNEGOTIATED;
	/* relaxed: the epoch orders the change (C3). */
	facts |= atomic_load_explicit(&device->misplaced, memory_order_relaxed);
	return facts;
}

/* The policy's word, with the pool counted only where it is reached. */
static struct bounce_verdict judge(const struct bounce_device *device,
				   uint32_t facts)
{
	struct bounce_verdict verdict = bounce_policy_decide(facts |
							     BOUNCE_FACT_POOL);

	if (verdict.kind == BOUNCE_VERDICT_BOUNCE &&
	    reach(device, verdict.path) < BOUNCE_SLOT_BYTES)
		verdict = bounce_policy_decide(facts);
	return verdict;
}

struct bounce_verdict bounce_device_judge(const struct bounce_device *device,
					  uint32_t extra, uint32_t missing)
{
	return judge(device,
		     (facts_now(device) | BOUNCE_FACT_REACHABLE | extra) &
			     ~missing);
}

/* ---- binding ---- */

uint64_t bounce_device_rebind(struct bounce_device *device, uint32_t epoch,
			      uint64_t word)
{
	do {
		struct bounce_verdict verdict = bounce_device_judge(device, 0,
								    0);
		uint64_t next = pack(epoch, verdict);

		/* Not kept: the pool may grow, and no epoch says so. */
		if (verdict.kind == BOUNCE_VERDICT_REFUSE &&
		    verdict.reason == BOUNCE_WHY_NO_POOL)
			return next;
		/*
		 * release: pairs with the acquire in bounce_device_bind().
		 * acquire on failure: somebody else's binding is as good.
		 */
		if (atomic_compare_exchange_strong_explicit(
			    &device->binding, &word, next, memory_order_acq_rel,
			    memory_order_acquire))
			return next;
	} while ((uint32_t)word != epoch);
	return word;
}

/*
 * The next mapping judges anew. Epoch 0 is never current; above it stands
 * another number each time, so that bounce_device_rebind() never takes this
 * word for the one that it began with, and puts in its place what it judged
 * before.
 */
static void unbind(struct bounce_device *device)
{
	/* relaxed: only that it is another one counts. */
	uint64_t turn = (uint64_t)atomic_fetch_add_explicit(
				&device->unbound, 1, memory_order_relaxed) +
			1;

	/* release: pairs with the acquire in bounce_device_bind(): who sees it
	 * judges by what was stored before. */
	atomic_store_explicit(&device->binding, turn << 32,
			      memory_order_release);
}

void bounce_device_features_rejected(struct bounce_device *device)
{
	/* release: pairs with the acquire in facts_now(). */
	atomic_store_explicit(&device->rejected, 1, memory_order_release);
	unbind(device);
}

void bounce_device_verdict(const struct bounce_device *device,
			   struct bounce_verdict *verdict)
{
	*verdict = bounce_device_judge(device, 0, 0);
}

/* ---- attach ---- */

/* Only what a space was asked for and its IOMMU honours is a promise. */
static bool forces_snoop(const struct bounce_space *space)
{
	return (space->translation.attributes & ~space->unhonoured &
		BOUNCE_IOMMU_SNOOP) != 0;
}

/* Is a device of the space's class? */
static bool coheres(const struct bounce_space *space, uint32_t flags)
{
	if ((flags & BOUNCE_DEVICE_NON_COHERENT) != 0)
		return space->coherency == BOUNCE_NON_COHERENT;
	if ((flags & BOUNCE_DEVICE_NO_SNOOP) != 0)
		return space->coherency == BOUNCE_NO_SNOOP ||
		       (space->coherency == BOUNCE_SNOOPED &&
			forces_snoop(space));
	return space->coherency == BOUNCE_SNOOPED;
}

static bool info_valid(const struct bounce_device_info *info)
{
	for (size_t i = 0;
	     i < sizeof(info->reserved) / sizeof(info->reserved[0]); i++)
		if (info->reserved[i] != 0)
			return false;
	return info->space != NULL && info->reserved0 == 0 &&
	       bounce_is_low_mask(info->dma_mask) &&
	       (info->flags & ~DEVICE_FLAGS) == 0 &&
	       (info->flags & CACHE_FLAGS) != CACHE_FLAGS &&
	       info->transport <= BOUNCE_TRANSPORT_MMIO &&
	       info->owner < OWN_TAGS;
}

static struct bounce_limits limits_of(const struct bounce_device_info *info)
{
	const struct bounce_space *space = info->space;
	uint64_t line = space->coherency == BOUNCE_SNOOPED ?
				1 :
				space->bounce->env.cache->line_bytes;

	return (struct bounce_limits) {
		.last = info->dma_mask == 0 ? UINT64_MAX : info->dma_mask,
		.boundary = info->boundary_mask == 0 ? UINT64_MAX :
						       info->boundary_mask,
		.match = info->min_align_mask,
		/* Runs are whole lines: H2 of cache.c. */
		.align = info->alloc_align_mask | (line - 1),
		.segment = info->segment_bytes == 0 ? UINT64_MAX :
						      info->segment_bytes,
	};
}

static uint32_t feature_facts(uint64_t features)
{
	uint32_t facts = 0;

	if ((features & BOUNCE_VIRTIO_F_VERSION_1) != 0)
		facts |= BOUNCE_FACT_VERSION_1;
	if ((features & BOUNCE_VIRTIO_F_ACCESS_PLATFORM) != 0)
		facts |= BOUNCE_FACT_ACCESS_PLATFORM;
	return facts;
}

static uint32_t facts_of(const struct bounce_device_info *info)
{
	static const struct {
		uint16_t flag;
		uint16_t fact;
	} said[] = {
		{ BOUNCE_DEVICE_ATTESTED, BOUNCE_FACT_ATTESTED },
		{ BOUNCE_DEVICE_UNTRUSTED, BOUNCE_FACT_UNTRUSTED },
		{ BOUNCE_DEVICE_PAGE_NUMBERS, BOUNCE_FACT_PAGE_NUMBERS },
		{ BOUNCE_DEVICE_STRICT, BOUNCE_FACT_STRICT },
		{ BOUNCE_DEVICE_CCW_DECLINE, BOUNCE_FACT_CCW_DECLINE },
		{ BOUNCE_DEVICE_FORCE, BOUNCE_FACT_FORCE },
		{ BOUNCE_DEVICE_POOL_FAILED, BOUNCE_FACT_POOL_FAILED },
	};
	uint32_t facts = 0;

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		if ((info->flags & said[i].flag) != 0)
			facts |= said[i].fact;
	facts |= feature_facts(info->features);
	if (info->transport == BOUNCE_TRANSPORT_CCW)
		facts |= BOUNCE_FACT_CCW;
	if (!coheres(info->space, info->flags))
		facts |= BOUNCE_FACT_INCOHERENT;
	return facts;
}

/* First of @count adjacent queues that no device has, or config.queues. */
static uint32_t free_queues(const struct bounce *bounce, uint32_t count)
{
	uint32_t run = 0;

	for (uint32_t i = 0; i < bounce->config.queues; i++) {
		run = bounce->queue[i].device == NULL ? run + 1 : 0;
		if (run == count)
			return i + 1 - count;
	}
	return bounce->config.queues;
}

static struct bounce_device *free_device(struct bounce *bounce)
{
	for (uint32_t i = 0; i < bounce->config.devices; i++)
		if (!bounce->device[i].in_use)
			return &bounce->device[i];
	return NULL;
}

void bounce_queue_set_home(struct bounce_queue *queue, uint8_t node)
{
	/* relaxed: advice (P7). */
	atomic_store_explicit(&queue->hint.node, node, memory_order_relaxed);
}

static void forget_lane(_Atomic uint32_t *lane, uint32_t first, uint32_t count)
{
	/* relaxed: only these queues store these lanes, and they are idle. */
	uint32_t queue =
		(atomic_load_explicit(lane, memory_order_relaxed) - 1) / 2;

	if (queue - first < count)
		atomic_store_explicit(lane, NO_LANE, memory_order_relaxed);
}

/* Q2: the last device of these queues may have had wider limits. */
static void forget_lanes(struct bounce *bounce, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < bounce->chunks; i++)
		forget_lane(&bounce->chunk[i].lane, first, count);
	for (uint32_t i = 0; i < bounce->config.blocks; i++)
		forget_lane(&bounce->block[i].lane, first, count);
}

static void take_queues(struct bounce_device *device, uint32_t first,
			uint32_t count)
{
	forget_lanes(device->bounce, first, count);
	for (uint32_t i = first; i < first + count; i++)
		device->bounce->queue[i] = (struct bounce_queue) {
			.device = device,
			.index = i,
			/* 0 would put every class in the first chunk. */
			.hint = {
				.chunk = { NO_CHUNK, NO_CHUNK, NO_CHUNK,
					   NO_CHUNK },
				.block = NO_BLOCK,
			},
		};
	device->first_queue = first;
	device->queues = count;
}

/* Everything about the device but its queues; not in use yet. */
static void fill_in(struct bounce_device *device,
		    const struct bounce_device_info *info, uint32_t index)
{
	device->space = info->space;
	device->limits = limits_of(info);
	device->facts = facts_of(info);
	device->owner = info->owner != 0 ? info->owner :
					   (uint16_t)(OWN_TAGS + index);
	device->maintained = info->space->coherency != BOUNCE_SNOOPED;
	device->dynamic = (info->space->translation.flags &
			   BOUNCE_TRANSLATION_DYNAMIC) != 0;
	device->requester = info->requester;
	device->unnegotiated = 0;
	device->function = info->function;
	device->alone = (info->flags & BOUNCE_DEVICE_ALONE) != 0;
	device->stopped = false;
	device->limited = info->quota != 0;
	device->quota = info->quota >> BOUNCE_GRANULE_SHIFT;
	/* relaxed: nobody else knows the device yet. */
	atomic_store_explicit(&device->credits, device->quota,
			      memory_order_relaxed);
	atomic_store_explicit(&device->generation, 0, memory_order_relaxed);
	atomic_store_explicit(&device->binding, 0, memory_order_relaxed);
	atomic_store_explicit(&device->rejected, 0, memory_order_relaxed);
}

static enum bounce_err decide(const struct bounce_device *device,
			      uint64_t features,
			      struct bounce_negotiation *answer)
{
	struct bounce_verdict verdict;
	/* Who has no ID now may have one at the first mapping. */
	uint32_t facts = (facts_now(device) | BOUNCE_FACT_REACHABLE) &
			 ~(uint32_t)BOUNCE_FACT_UNNUMBERED;
	enum bounce_err err;

	verdict = judge(device, facts);
	if (verdict.kind == BOUNCE_VERDICT_BOUNCE)
		facts |= BOUNCE_FACT_POOL;
	err = bounce_virtio_negotiate(features, facts, answer);
	return err == BOUNCE_ERR_REFUSED ?
		       bounce_device_refusal(device, verdict) :
		       err;
}

/* Are its space and function there, and of this instance? */
static bool belongs(const struct bounce *bounce,
		    const struct bounce_device_info *info)
{
	const struct bounce_function *function = info->function;

	return info->space->in_use && info->space->bounce == bounce &&
	       (function == NULL ||
		(function->in_use && function->bounce == bounce));
}

/* May a device of @info be attached to @bounce at all? */
static enum bounce_err check(const struct bounce *bounce,
			     const struct bounce_device_info *info)
{
	struct bounce_limits limits;

	if (bounce == NULL || info == NULL || !info_valid(info) ||
	    !belongs(bounce, info))
		return BOUNCE_ERR_ARG;
	limits = limits_of(info);
	if (!bounce_window_limits_valid(&limits))
		return BOUNCE_ERR_ARG;
	/* relaxed: see bounce_mark_dead(). */
	if (atomic_load_explicit(&bounce->dead, memory_order_relaxed) != 0)
		return BOUNCE_ERR_DEAD;
	return bounce_function_changes(info->function) ? BOUNCE_ERR_BUSY :
							 BOUNCE_OK;
}

enum bounce_err bounce_device_attach(struct bounce *bounce,
				     const struct bounce_device_info *info,
				     struct bounce_device **device,
				     struct bounce_negotiation *answer)
{
	enum bounce_err err = check(bounce, info);
	struct bounce_negotiation unwanted;
	struct bounce_device *d;
	uint32_t queues;
	uint32_t first;

	if (device == NULL)
		return BOUNCE_ERR_ARG;
	if (err != BOUNCE_OK)
		return err;
	queues = info->queues == 0 ? 1 : info->queues;
	first = free_queues(bounce, queues);
	d = free_device(bounce);
	if (d == NULL || first == bounce->config.queues)
		return BOUNCE_ERR_FULL;
	fill_in(d, info, (uint32_t)(d - bounce->device));
	bounce_topology_place(d);
	err = decide(d, info->features, answer != NULL ? answer : &unwanted);
	if (err != BOUNCE_OK)
		return err;
	take_queues(d, first, queues);
	d->in_use = 1;
	d->space->devices++;
	if (d->function != NULL)
		d->function->devices++;
	*device = d;
	return BOUNCE_OK;
}

/* A device that never is: nobody but us sees it. */
enum bounce_err bounce_space_accepts(const struct bounce_space *space,
				     const struct bounce_device_info *info,
				     struct bounce_negotiation *why)
{
	struct bounce_device_info asked;
	struct bounce_negotiation unwanted;
	struct bounce_device device = { .queues = 0 };
	enum bounce_err err;

	if (space == NULL || info == NULL)
		return BOUNCE_ERR_ARG;
	asked = *info;
	/* The instance's own, of which this call changes nothing. */
	asked.space = &space->bounce->space[space->index];
	err = check(space->bounce, &asked);
	if (err != BOUNCE_OK)
		return err;
	device.bounce = space->bounce;
	fill_in(&device, &asked, 0);
	bounce_topology_place(&device);
	return decide(&device, info->features, why != NULL ? why : &unwanted);
}

struct bounce_queue *bounce_device_queue(struct bounce_device *device,
					 uint32_t index)
{
	if (index >= device->queues)
		return NULL;
	return &device->bounce->queue[device->first_queue + index];
}

/* ---- detach ---- */

/* Everything that keeps a run. */
#define IN_USE \
	(1u << RECORD_LIVE | 1u << RECORD_DYING | 1u << RECORD_QUARANTINE)

enum bounce_err bounce_device_negotiate(struct bounce_device *device,
					uint64_t features,
					struct bounce_negotiation *answer)
{
	struct bounce_negotiation unwanted;
	enum bounce_err err;

	if (bounce_device_has(device, IN_USE))
		return BOUNCE_ERR_BUSY;
	device->facts &= ~(uint32_t)(BOUNCE_FACT_VERSION_1 |
				     BOUNCE_FACT_ACCESS_PLATFORM);
	device->facts |= feature_facts(features);
	device->unnegotiated = 0;
	/* relaxed: ordered by unbind() below. */
	atomic_store_explicit(&device->rejected, 0, memory_order_relaxed);
	err = decide(device, features, answer != NULL ? answer : &unwanted);
	unbind(device);
	return err;
}

static void forget_owner(_Atomic uint16_t *tag, uint16_t owner)
{
	/* relaxed: whoever claims the slot meanwhile has another tag, and
	 * scrubs whatever tag he reads. If it is his that becomes 0 here, his
	 * next use of the slot scrubs once more. */
	if (atomic_load_explicit(tag, memory_order_relaxed) == owner)
		atomic_store_explicit(tag, 0, memory_order_relaxed);
}

/*
 * The tag of a device without an owner is its successor's as well, who must not
 * be given its bytes: from now on they are nobody's. Its split slots go back
 * first, or their granules would be claimed as they are; and where a claimant
 * of another tenant is just about to give a granule back, or a record is
 * EXHAUSTED, at least the slot is nobody's, too.
 */
static void disown(const struct bounce_device *device)
{
	struct bounce *bounce = device->bounce;
	uint32_t slots = bounce->config.slabs * bounce->slots_per_slab;

	if (device->owner < OWN_TAGS)
		return;
	bounce_block_disown(bounce, bounce_device_tenant(device));
	for (uint32_t i = 0; i < slots; i++)
		forget_owner(&bounce->owner[i], device->owner);
	for (uint32_t i = 0; i < bounce->chunks; i++)
		forget_owner(&bounce->chunk[i].owner, device->owner);
}

enum bounce_err bounce_device_detach(struct bounce_device *device)
{
	if (device == NULL || !device->in_use)
		return BOUNCE_ERR_ARG;
	if (bounce_device_has(device, IN_USE))
		return BOUNCE_ERR_BUSY;
	disown(device);
	for (uint32_t i = 0; i < device->queues; i++)
		device->bounce->queue[device->first_queue + i].device = NULL;
	device->queues = 0;
	device->space->devices--;
	device->in_use = 0;
	bounce_topology_leave(device);
	return BOUNCE_OK;
}

uint64_t bounce_map_max(const struct bounce_device *device)
{
	struct bounce_verdict verdict = bounce_device_judge(device, 0, 0);

	if (verdict.kind == BOUNCE_VERDICT_REFUSE)
		return 0;
	if (verdict.kind == BOUNCE_VERDICT_BOUNCE)
		return bounce_window_max(&device->limits,
					 reach(device, verdict.path));
	return bounce_min(bounce_min(device->limits.segment,
				     BOUNCE_SLAB_BYTES) -
				  1,
			  device->limits.boundary) +
	       1;
}

bool bounce_device_valid(const struct bounce_device *device)
{
	const struct bounce *bounce = device->bounce;

	if (!bounce_window_limits_valid(&device->limits) ||
	    device->queues == 0 || device->owner == 0 ||
	    device->first_queue + device->queues > bounce->config.queues)
		return false;
	for (uint32_t i = 0; i < device->queues; i++) {
		const struct bounce_queue *queue =
			&bounce->queue[device->first_queue + i];

		if (queue->device != device || !bounce_queue_valid(queue))
			return false;
	}
	return true;
}

bool bounce_queue_valid(const struct bounce_queue *queue)
{
	const struct bounce_device *device = queue->device;

	return device != NULL && queue->index < device->bounce->config.queues &&
	       queue == &device->bounce->queue[queue->index] &&
	       queue->index - device->first_queue < device->queues;
}
