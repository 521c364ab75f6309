/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * quota.c - how much of the pool a device may hold, in granules.
 *
 *   Q1  device->credits, its queues' credits, and the granules of its live runs
 *       add up to device->quota.
 *   Q2  A queue takes credits in batches, so that queues of one device do not
 *       meet on one word for every mapping. Before a claim is refused, the
 *       credits of all queues are called back.
 *
 * A device without a quota touches no counter. All orders are relaxed: credits
 * are numbers that stand for themselves, the runs have orders of their own.
 */
#include "instance.h"

#define BATCH 1024 /* granules: 64 KiB */

static int64_t granules_of(const struct bounce_run *run)
{
	return (int64_t)(bounce_run_bytes(run) >> BOUNCE_GRANULE_SHIFT);
}

/* Take @want, or as much as there is if that is at least @need; or 0. */
static int64_t take(_Atomic int64_t *credits, int64_t need, int64_t want)
{
	int64_t have = atomic_load_explicit(credits, memory_order_relaxed);
	int64_t part;

	do {
		if (have < need)
			return 0;
		part = have < want ? have : want;
	} while (!atomic_compare_exchange_weak_explicit(
		credits, &have, have - part, memory_order_relaxed,
		memory_order_relaxed));
	return part;
}

static void give(_Atomic int64_t *credits, int64_t count)
{
	atomic_fetch_add_explicit(credits, count, memory_order_relaxed);
}

/* Call the credits of all queues back to the device. */
static void call_back(struct bounce_device *device)
{
	for (uint32_t i = 0; i < device->queues; i++) {
		struct bounce_queue *queue =
			&device->bounce->queue[device->first_queue + i];

		give(&device->credits,
		     atomic_exchange_explicit(&queue->credits, 0,
					      memory_order_relaxed));
	}
}

/* From the queue, else a batch from the device. */
static bool charge(struct bounce_queue *queue, int64_t need)
{
	int64_t batch = need > BATCH ? need : BATCH;
	int64_t got;

	if (take(&queue->credits, need, need) != 0)
		return true;
	got = take(&queue->device->credits, need, batch);
	if (got == 0)
		return false;
	give(&queue->credits, got - need);
	return true;
}

bool bounce_quota_take(struct bounce_queue *queue, const struct bounce_run *run)
{
	int64_t need = granules_of(run);

	if (bounce_likely(!queue->device->limited))
		return true;
	if (charge(queue, need))
		return true;
	call_back(queue->device);
	return charge(queue, need);
}

void bounce_quota_give(struct bounce_queue *queue, const struct bounce_run *run)
{
	if (bounce_unlikely(queue->device->limited))
		give(&queue->credits, granules_of(run));
}
