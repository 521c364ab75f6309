/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * queue.c - the words of a queue that mappings change: what is not done for
 * each of them. T1 to T3 are in queue.h.
 */
#include "queue.h"

/* relaxed throughout: counters, which order nothing. They may wrap until they
 * are added up. */
static void count(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

void bounce_queue_carry(struct bounce_queue *queue, enum bounce_size size,
			bool in)
{
	struct queue_traffic *traffic = &queue->traffic[size];
	struct queue_counters *counters = &queue->counters[size];
	/* relaxed: a read-modify-write takes no order from those before it
	 * (T3). */
	uint64_t turn = atomic_load_explicit(&traffic->turn[in],
					     memory_order_relaxed);

	while ((turn & TURN_CARRY) != 0) {
		if (!atomic_compare_exchange_weak_explicit(
			    &traffic->turn[in], &turn, turn & ~TURN_COUNTS,
			    memory_order_relaxed, memory_order_relaxed))
			continue;
		count(&counters->maps, (turn & TURN_COUNTS) >> TURN_MAP_SHIFT);
		count(in ? &traffic->bytes_from : &counters->bytes_to,
		      turn & TURN_BYTES);
		return;
	}
}

void bounce_queue_uncount(struct bounce_queue *queue,
			  const struct record_about *about, uint64_t counted)
{
	enum bounce_size size = bounce_size_of(about->len);
	struct queue_counters *counters = &queue->counters[size];

	count(&counters->maps, -(counted >> TURN_MAP_SHIFT));
	count(queue_counts_in(about) ? &queue->traffic[size].bytes_from :
				       &counters->bytes_to,
	      -(counted & TURN_BYTES));
}

void bounce_queue_ended(struct bounce_queue *queue,
			const struct record_about *about, int by)
{
	enum bounce_size size = bounce_size_of(about->len);

	count(&queue->counters[size].ended, (uint64_t)by);
	if (queue_counts_in(about))
		count(&queue->traffic[size].bytes_from,
		      -(uint64_t)by * about->len);
}

void bounce_queue_moved(struct bounce_queue *queue,
			const struct record_about *about)
{
	struct bounce *bounce = queue->device->bounce;

	bounce_queue_ended(&bounce->queue[about->queue], about, 1);
	count(&queue->counters[bounce_size_of(about->len)].ended, UINT64_MAX);
}

static void move_on(_Atomic uint64_t *word, uint32_t generation)
{
	/*
	 * acquire: pairs with the release in queue_count(), also when another
	 * call has moved it already (T3).
	 */
	uint64_t turn = atomic_load_explicit(word, memory_order_acquire);
	uint64_t next;

	/* Behind, on a circle of 65536: two calls may meet here. */
	while ((uint16_t)((turn >> TURN_GENERATION_SHIFT) - generation) >=
	       0x8000) {
		next = (turn & TURN_COUNTS) | (uint64_t)generation
						      << TURN_GENERATION_SHIFT;
		/*
		 * acquire: as above. release: pairs with the acquire in
		 * queue_usable().
		 */
		if (atomic_compare_exchange_weak_explicit(word, &turn, next,
							  memory_order_acq_rel,
							  memory_order_acquire))
			return;
	}
}

void bounce_queue_move(struct bounce_queue *queue, uint32_t generation)
{
	for (uint32_t size = 0; size < BOUNCE_SIZES; size++)
		for (uint32_t in = 0; in < 2; in++)
			move_on(&queue->traffic[size].turn[in], generation);
}
