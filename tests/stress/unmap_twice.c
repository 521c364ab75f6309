/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * unmap_twice.c - several CPUs end the same mapping at once: exactly one wins.
 *
 * Each round makes a batch of mappings of every kind; then all threads end all
 * of them, each from a place of its own, some with a lie about the length
 * (S4, R2, E03). The others must hear STALE. The winner's copy must be there
 * when all have returned, and nothing may be left in the pool.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#ifdef SLOW_CPU /* an emulated one: tools/flags.py */
#define THREADS 2u
#define ROUNDS 300u
#else
#define THREADS 4u
#define ROUNDS 7000u
#endif
#define BATCH 32u
#define BUFFER 16384u /* bytes set apart for each of the batch */

/* One round's mappings; written by thread 0 between two barriers. */
struct shared {
	struct bench bench;
	pthread_barrier_t barrier;
	struct bounce_mapping mapping[BATCH];
	_Atomic uint32_t wins[BATCH];
	uint64_t mapped;
	uint64_t wrong;
};

struct thread {
	struct shared *shared;
	uint32_t index;
	uint64_t stale;
	uint64_t other;
};

static const uint64_t sizes[] = { 16, 2048, 4096, 12000 };

/* Every fourth is born-shared memory, the rest are device-written buffers. */
static bool is_born(uint32_t i)
{
	return i % 4 == 3;
}

static uint64_t size_of(uint32_t i)
{
	return sizes[i / 4 % 4];
}

static void make_batch(struct shared *shared, uint32_t round)
{
	struct bench *bench = &shared->bench;

	for (uint32_t i = 0; i < BATCH; i++) {
		struct bounce_buf buf = bench_buf(bench, (uint64_t)i * BUFFER,
						  size_of(i));
		enum bounce_err err;

		err = is_born(i) ? bounce_alloc(bench->queue[0], size_of(i), 0,
						0, &buf, &shared->mapping[i]) :
				   bounce_map(bench->queue[0], &buf,
					      BOUNCE_FROM_DEVICE,
					      &shared->mapping[i]);
		bench_check(err == BOUNCE_OK);
		memset(bench_at_bus(bench, shared->mapping[i].bus, size_of(i)),
		       (int)(round + i) & 0xff, size_of(i));
		atomic_store_explicit(&shared->wins[i], 0,
				      memory_order_relaxed);
	}
	shared->mapped += BATCH;
}

static void check_batch(struct shared *shared, uint32_t round)
{
	for (uint32_t i = 0; i < BATCH; i++) {
		const unsigned char *buf = bench_private(&shared->bench,
							 (uint64_t)i * BUFFER);
		unsigned char byte = (unsigned char)(round + i);

		shared->wrong += atomic_load_explicit(&shared->wins[i],
						      memory_order_relaxed) !=
				 1;
		if (!is_born(i))
			shared->wrong += buf[0] != byte ||
					 buf[size_of(i) - 1] != byte;
	}
}

/* Thread 1 walks down, the others up from different places. */
static void end_batch(struct thread *thread)
{
	struct shared *shared = thread->shared;
	struct bounce_queue *queue = shared->bench.queue[0];

	for (uint32_t i = 0; i < BATCH; i++) {
		uint32_t at = thread->index == 1 ?
				      BATCH - 1 - i :
				      (i + thread->index * 3) % BATCH;
		const struct bounce_mapping *mapping = &shared->mapping[at];
		enum bounce_err err =
			is_born(at) ? bounce_free(queue, mapping) :
				      bounce_unmap(queue, mapping, size_of(at));

		if (err == BOUNCE_OK)
			atomic_fetch_add_explicit(&shared->wins[at], 1,
						  memory_order_relaxed);
		else if (err == BOUNCE_ERR_STALE)
			thread->stale++;
		else
			thread->other++;
	}
}

static void *work(void *arg)
{
	struct thread *thread = arg;
	struct shared *shared = thread->shared;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		if (thread->index == 0)
			make_batch(shared, round);
		pthread_barrier_wait(&shared->barrier);
		end_batch(thread);
		pthread_barrier_wait(&shared->barrier);
		if (thread->index == 0)
			check_batch(shared, round);
	}
	return NULL;
}

int main(void)
{
	struct bench_knobs knobs = bench_usual();
	static struct shared shared;
	static struct thread thread[THREADS];
	uint64_t stale = 0;

	knobs.private_bytes = BATCH * BUFFER;
	bench_init(&shared.bench, &knobs);
	bench_check(pthread_barrier_init(&shared.barrier, NULL, THREADS) == 0);
	for (uint32_t i = 0; i < THREADS; i++)
		thread[i] = (struct thread) { .shared = &shared, .index = i };
	bench_threads(THREADS, work, thread, sizeof(thread[0]));
	for (uint32_t i = 0; i < THREADS; i++) {
		stale += thread[i].stale;
		shared.wrong += thread[i].other;
	}
	shared.wrong += stale != shared.mapped * (THREADS - 1);
	pthread_barrier_destroy(&shared.barrier);
	bench_fini(&shared.bench);
	printf("unmap_twice: %llu mappings, %u threads at each, %llu stale, "
	       "%llu wrong\n",
	       (unsigned long long)shared.mapped, THREADS,
	       (unsigned long long)stale, (unsigned long long)shared.wrong);
	return shared.wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
