/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * queue.h - what every mapping changes of its queue: one word, that of its size
 * class, by one read-modify-write that counts it and tells whether the device
 * was revoked.
 *
 *   63          48 47    36 35             0
 *   | generation  | maps   | bytes         |
 *
 *   T1  `generation` is the low half of device->generation, and only moves on:
 *       bounce_queue_move(). Even while the device may map (V1).
 *   T2  maps and bytes are what is not yet carried to the queue's counters.
 *       There are two such words: turn[0] counts bytes that went to the device,
 *       turn[1] those that are to come from it, which usually are as many as
 *       were asked for. What came less is taken off at the unmap (T4).
 *       From the half of what fits on, every mapping carries them before it
 *       returns; the field runs over only if as many CPUs as the other half
 *       counts stop there at once.
 *   T3  All changes are read-modify-writes, so each sees all before it: a map
 *       that comes after a revoke sees it here, and a revoke that comes after
 *       a map sees its record, which was published before (R6).
 *   T4  Bytes of live mappings that count in turn[1] have not come yet: who
 *       adds up, takes them off.
 */
#ifndef LIB_QUEUE_H
#define LIB_QUEUE_H

#include "instance.h"

#define TURN_MAP_SHIFT 36
#define TURN_MAP (UINT64_C(1) << TURN_MAP_SHIFT)
#define TURN_BYTES (TURN_MAP - 1)
#define TURN_GENERATION_SHIFT 48
#define TURN_COUNTS ((UINT64_C(1) << TURN_GENERATION_SHIFT) - 1)
#define TURN_CARRY (UINT64_C(1) << (TURN_GENERATION_SHIFT - 1))

_Static_assert((TURN_COUNTS >> TURN_MAP_SHIFT) << BOUNCE_SLAB_SHIFT <
		       TURN_BYTES,
	       "bytes of as many mappings as can be counted");

/* May the device map @len bytes? Then *@generation is what to compare with at
 * the end. */
static inline bool queue_usable(const struct bounce_queue *queue, uint64_t len,
				uint32_t *generation)
{
	const struct queue_traffic *traffic =
		&queue->traffic[bounce_size_of(len)];

	/* acquire: pairs with the release in bounce_queue_move() (V2): the runs
	 * of the time before are released before we claim. */
	*generation = (uint32_t)(atomic_load_explicit(&traffic->turn[0],
						      memory_order_acquire) >>
				 TURN_GENERATION_SHIFT);
	return *generation % 2 == 0;
}

/* Do a mapping's bytes count in turn[1] (T2)? Only what a device writes, and is
 * asked how much it was. */
static inline bool queue_counts_in(const struct record_about *about)
{
	return about->kind == RECORD_RUN &&
	       (about->how & (RECORD_TO | RECORD_FROM | RECORD_FULL)) ==
		       RECORD_FROM;
}

/* T2: to the counters with them. */
void bounce_queue_carry(struct bounce_queue *queue, enum bounce_size size,
			bool in);

/*
 * Count a mapping that was just published: @count is TURN_MAP and the bytes
 * that count for it, or 0. False when the device was revoked since @generation
 * was read.
 */
static inline bool queue_count(struct bounce_queue *queue,
			       const struct record_about *about,
			       uint32_t generation, uint64_t count)
{
	enum bounce_size size = bounce_size_of(about->len);
	bool in = queue_counts_in(about);
	/*
	 * release: pairs with the acquire in bounce_queue_move(): the revoke
	 * that comes after us finds our record LIVE. Without it a live mapping
	 * would survive the revoke (R6). No acquire: a revoke that came before
	 * us is told by the value itself (T3), and whoever is told so ends his
	 * record by read-modify-writes of it.
	 */
	uint64_t before = atomic_fetch_add_explicit(
		&queue->traffic[size].turn[in], count, memory_order_release);

	if (bounce_unlikely((before & TURN_CARRY) != 0))
		bounce_queue_carry(queue, size, in);
	return before >> TURN_GENERATION_SHIFT == generation;
}

/* Take back what queue_count() counted of a mapping that was not to be. */
void bounce_queue_uncount(struct bounce_queue *queue,
			  const struct record_about *about, uint64_t counted);

/* A mapping ended otherwise than by an unmap on its own lane, and no byte came
 * of it; or (@by -1) that is taken back. */
void bounce_queue_ended(struct bounce_queue *queue,
			const struct record_about *about, int by);

/* What another lane has mapped was unmapped on @queue. */
void bounce_queue_moved(struct bounce_queue *queue,
			const struct record_about *about);

/* T1: on to @generation, if the queue is not there yet. */
void bounce_queue_move(struct bounce_queue *queue, uint32_t generation);

#endif
