/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * find_map.c - CPUs look for mappings by bus address while others make and end
 * them.
 *
 *   1. A mapping that stays is found at each of its addresses, always, however
 *      its neighbours come and go, in slots and in granules of one slot.
 *   2. What is found holds the address, and is as good as the handle that
 *      bounce_map() gave: it ends the mapping, or the mapping has ended.
 *   3. Each mapping ends once, and no slot is lost.
 *
 * Addresses are offered by relaxed atomics: all the order there is comes from
 * the records and the pool.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance.h"
#include "support.h"

#ifdef SLOW_CPU /* an emulated one: tools/flags.py */
#define MAPPERS 1u
#define FINDERS 1u
#define STEPS 3000u
#else
#define MAPPERS 2u
#define FINDERS 2u
#define STEPS 60000u /* mappings of each mapper */
#endif
#define THREADS (MAPPERS + FINDERS)
#define OFFERS 8u /* of one mapper */
#define STAYING 24u
#define BUFFER 65536u

struct shared {
	struct bench bench;
	_Atomic uint64_t offer[MAPPERS][OFFERS]; /* bus address, or 0 */
	struct bounce_mapping staying[STAYING];
	_Atomic uint32_t mappers; /* not done yet */
	_Atomic bool ended; /* a finder has ended what it found */
};

struct thread {
	struct shared *shared;
	uint32_t index;
	struct bounce_queue *queue;
	struct bounce_mapping held[OFFERS]; /* len 0: none */
	uint64_t random;
	uint64_t done;
	uint64_t ended;
	uint64_t wrong;
};

/* ---- mappers ---- */

static uint64_t random_len(uint64_t *random)
{
	static const uint64_t most[] = { 64, 640, 4096, 12000 };

	return 1 + bench_below(random, most[bench_below(random, 4)]);
}

static void end_held(struct thread *thread, uint64_t at)
{
	enum bounce_err err;

	if (thread->held[at].len == 0)
		return;
	err = bounce_unmap(thread->queue, &thread->held[at], 0);
	thread->ended += err == BOUNCE_OK;
	/* Unless a finder was first. */
	thread->wrong += err != BOUNCE_OK && err != BOUNCE_ERR_STALE;
	thread->held[at].len = 0;
}

static void *map_all(struct thread *thread)
{
	struct shared *shared = thread->shared;

	for (uint32_t i = 0;
	     i < STEPS ||
	     !atomic_load_explicit(&shared->ended, memory_order_relaxed);
	     i++) {
		uint64_t at = bench_below(&thread->random, OFFERS);
		struct bounce_buf buf = bench_buf(&shared->bench, 0,
						  random_len(&thread->random));

		end_held(thread, at);
		bench_check(bounce_map(thread->queue, &buf, BOUNCE_TO_DEVICE,
				       &thread->held[at]) == BOUNCE_OK);
		thread->done++;
		/* relaxed, here and below: must order nothing. */
		atomic_store_explicit(&shared->offer[thread->index][at],
				      thread->held[at].bus.v +
					      bench_below(&thread->random,
							  buf.len),
				      memory_order_relaxed);
	}
	for (uint32_t at = 0; at < OFFERS; at++)
		end_held(thread, at);
	atomic_fetch_sub_explicit(&shared->mappers, 1, memory_order_relaxed);
	return NULL;
}

/* ---- finders ---- */

static void find_staying(struct thread *thread)
{
	const struct bounce_mapping *want =
		&thread->shared->staying[bench_below(&thread->random, STAYING)];
	bounce_bus_t bus = { want->bus.v +
			     bench_below(&thread->random, want->len) };
	struct bounce_mapping found;

	if (bounce_mapping_find(thread->queue, bus, &found) != BOUNCE_OK ||
	    memcmp(&found, want, sizeof(found)) != 0)
		thread->wrong++;
}

static bool stays(const struct thread *thread,
		  const struct bounce_mapping *found)
{
	for (uint32_t i = 0; i < STAYING; i++)
		if (thread->shared->staying[i].key == found->key &&
		    thread->shared->staying[i].record == found->record)
			return true;
	return false;
}

static void find_offered(struct thread *thread)
{
	bounce_bus_t bus = { atomic_load_explicit(
		&thread->shared->offer[bench_below(&thread->random, MAPPERS)]
				      [bench_below(&thread->random, OFFERS)],
		memory_order_relaxed) };
	struct bounce_mapping found;
	enum bounce_err err;

	err = bounce_mapping_find(thread->queue, bus, &found);
	if (err != BOUNCE_OK) {
		thread->wrong += err != BOUNCE_ERR_STALE;
		sched_yield();
		return;
	}
	thread->done++;
	thread->wrong += bus.v - found.bus.v >= found.len;
	/* One that stays would be found there only if it held the address. */
	if (stays(thread, &found) || bench_below(&thread->random, 4) != 0)
		return;
	err = bounce_unmap(thread->queue, &found, 0);
	thread->ended += err == BOUNCE_OK;
	if (err == BOUNCE_OK)
		atomic_store_explicit(&thread->shared->ended, true,
				      memory_order_relaxed);
	thread->wrong += err != BOUNCE_OK && err != BOUNCE_ERR_STALE;
}

static void *work(void *arg)
{
	struct thread *thread = arg;

	if (thread->index < MAPPERS)
		return map_all(thread);
	while (atomic_load_explicit(&thread->shared->mappers,
				    memory_order_relaxed) != 0) {
		find_staying(thread);
		find_offered(thread);
	}
	return NULL;
}

/* ---- all of it ---- */

static void begin(struct shared *shared, struct thread *thread)
{
	struct bench_knobs knobs = bench_usual();
	uint64_t random = 99;

	knobs.chunks = 4;
	knobs.blocks = 8;
	knobs.queues = THREADS;
	knobs.private_bytes = BUFFER;
	bench_init(&shared->bench, &knobs);
	atomic_init(&shared->mappers, MAPPERS);
	for (uint32_t i = 0; i < STAYING; i++) {
		struct bounce_buf buf = bench_buf(&shared->bench, 0,
						  random_len(&random));

		bench_check(bounce_map(shared->bench.queue[0], &buf,
				       BOUNCE_TO_DEVICE,
				       &shared->staying[i]) == BOUNCE_OK);
	}
	for (uint32_t i = 0; i < THREADS; i++)
		thread[i] = (struct thread) {
			.shared = shared,
			.index = i,
			.queue = bounce_device_queue(shared->bench.device[0],
						     i),
			.random = i,
		};
}

static uint64_t lost_slots(struct bench *bench)
{
	struct bounce_pool_stats stats;

	bench_check(bounce_block_reclaim(bench->bounce) <= bench->knobs.blocks);
	bounce_pool_stats(bench->pool, &stats);
	return stats.slots - stats.slots_free;
}

int main(void)
{
	static struct shared shared;
	static struct thread thread[THREADS];
	uint64_t mapped = 0;
	uint64_t found = 0;
	uint64_t ended = 0;
	uint64_t by_find = 0;
	uint64_t wrong = 0;

	begin(&shared, thread);
	bench_threads(THREADS, work, thread, sizeof(thread[0]));
	for (uint32_t i = 0; i < STAYING; i++)
		bench_check(bounce_unmap(shared.bench.queue[0],
					 &shared.staying[i], 0) == BOUNCE_OK);
	for (uint32_t i = 0; i < THREADS; i++) {
		wrong += thread[i].wrong;
		ended += thread[i].ended;
		mapped += i < MAPPERS ? thread[i].done : 0;
		found += i < MAPPERS ? 0 : thread[i].done;
		by_find += i < MAPPERS ? 0 : thread[i].ended;
	}
	wrong += ended != mapped;
	wrong += lost_slots(&shared.bench);
	printf("find_map: %llu mappings, %llu found, %llu ended by what was "
	       "found, %llu wrong\n",
	       (unsigned long long)mapped, (unsigned long long)found,
	       (unsigned long long)by_find, (unsigned long long)wrong);
	bench_fini(&shared.bench);
	return wrong == 0 && by_find != 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
