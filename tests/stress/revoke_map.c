/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * revoke_map.c - CPUs map, sync and unmap for a device that another CPU
 * revokes and quiesces all the time (R6).
 *
 *   1. After bounce_device_revoke() has returned, no mapping that was handed
 *      out before is live.
 *   2. An unmap or sync is either OK, and brings the mapping's own bytes, or
 *      STALE, and touches nothing.
 *   3. A device that nobody revokes never notices.
 *   4. At the end no slot, no record and no credit of a quota is lost.
 *
 * A mapping goes both ways: its bytes go to the run and the buffer is changed,
 * so that what comes back tells whose run it was. Handles are offered to the
 * revoker by relaxed atomics, so that all the order there is comes from the
 * records and the pool.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance.h"
#include "support.h"

#ifdef SLOW_CPU /* an emulated one: tools/flags.py */
#define WORKERS 1u
#define OTHERS 0u
#define STEPS 3000u
#else
#define WORKERS 3u /* of the device that is revoked */
#define OTHERS 1u /* of the device that is not */
#define STEPS 30000u /* of each worker */
#endif
#define STALES 20u /* at least, however seldom the revoker gets a turn */
#define THREADS (WORKERS + OTHERS + 1u) /* and the revoker */
#define BUFFER 65536u
#define CHUNKS 2u

/* A handle, word by word; a mixture of two is a forged one, and not live. */
struct offer {
	_Atomic uint64_t bus;
	_Atomic uint64_t record; /* and len in the high half */
	_Atomic uint64_t key;
};

struct shared {
	struct bench bench;
	struct offer offer[WORKERS];
	_Atomic uint32_t workers; /* not done yet */
	_Atomic uint32_t stales;
};

struct thread {
	struct shared *shared;
	uint32_t index;
	uint32_t device;
	struct bounce_queue *queue;
	unsigned char *buffer; /* BUFFER bytes of its own */
	uint64_t random;
	uint64_t done;
	uint64_t stale;
	uint64_t wrong;
};

static void offer(struct offer *offer, const struct bounce_mapping *mapping)
{
	/* relaxed, here and below: must order nothing for the library. */
	atomic_store_explicit(&offer->bus, mapping->bus.v,
			      memory_order_relaxed);
	atomic_store_explicit(&offer->record,
			      (uint64_t)mapping->len << 32 | mapping->record,
			      memory_order_relaxed);
	atomic_store_explicit(&offer->key, mapping->key, memory_order_relaxed);
}

static struct bounce_mapping take(const struct offer *offer)
{
	uint64_t key = atomic_load_explicit(&offer->key, memory_order_relaxed);
	uint64_t record = atomic_load_explicit(&offer->record,
					       memory_order_relaxed);

	return (struct bounce_mapping) {
		.bus = { atomic_load_explicit(&offer->bus,
					      memory_order_relaxed) },
		.key = key,
		.record = (uint32_t)record,
		.len = (uint32_t)(record >> 32),
	};
}

/* ---- workers ---- */

static bool all_are(const unsigned char *bytes, unsigned char byte,
		    uint64_t len)
{
	for (uint64_t i = 0; i < len; i++)
		if (bytes[i] != byte)
			return false;
	return true;
}

/* OK or STALE; the other device knows only OK. */
static bool judge(struct thread *thread, enum bounce_err err)
{
	if (err == BOUNCE_OK)
		return true;
	thread->stale++;
	atomic_fetch_add_explicit(&thread->shared->stales, 1,
				  memory_order_relaxed);
	thread->wrong += err != BOUNCE_ERR_STALE || thread->device != 0;
	return false;
}

/* The same for what wants a run: there may be none, or no credits. */
static bool judge_map(struct thread *thread, enum bounce_err err)
{
	if (err != BOUNCE_OK)
		sched_yield(); /* on few CPUs: to whom can change it */
	return err != BOUNCE_ERR_FULL && err != BOUNCE_ERR_FRAGMENTED &&
	       judge(thread, err);
}

static void show(struct thread *thread, const struct bounce_mapping *mapping)
{
	if (thread->device == 0)
		offer(&thread->shared->offer[thread->index], mapping);
}

static struct bounce_buf buf_of(const struct thread *thread, uint64_t len)
{
	return bench_buf(&thread->shared->bench,
			 (uint64_t)thread->index * BUFFER, len);
}

/* What comes back is what went out, or nothing has come. */
static void expect(struct thread *thread, enum bounce_err err,
		   unsigned char out, uint64_t len)
{
	unsigned char want = judge(thread, err) ? out : 0;

	thread->wrong += !all_are(thread->buffer, want, len);
	memset(thread->buffer, 0, len);
}

static void there_and_back(struct thread *thread, uint64_t len)
{
	unsigned char out =
		(unsigned char)(1 + bench_below(&thread->random, 200));
	struct bounce_buf buf = buf_of(thread, len);
	struct bounce_mapping mapping;

	memset(thread->buffer, out, len);
	if (!judge_map(thread, bounce_map(thread->queue, &buf,
					  BOUNCE_BIDIRECTIONAL, &mapping)))
		return;
	show(thread, &mapping);
	memset(thread->buffer, 0, len);
	expect(thread, bounce_sync_for_cpu(thread->queue, &mapping, 0, len),
	       out, len);
	expect(thread, bounce_unmap(thread->queue, &mapping, len), out, len);
	thread->done++;
}

static void request(struct thread *thread)
{
	struct bounce_segment segment[3];

	for (uint32_t i = 0; i < 3; i++)
		segment[i] = (struct bounce_segment) {
			.buf = buf_of(thread, 50 + i * 4000),
			.how = BOUNCE_TO_DEVICE,
		};
	if (!judge_map(thread, bounce_map_sg(thread->queue, segment, 3, 0)))
		return;
	show(thread, &segment[2].mapping);
	(void)judge(thread, bounce_unmap_sg(thread->queue, segment, 3, 0));
	thread->done++;
}

static void born(struct thread *thread)
{
	struct bounce_mapping inside;
	struct bounce_mapping home;
	struct bounce_buf buf;

	if (!judge_map(thread,
		       bounce_alloc(thread->queue, 5000, 0, 0, &buf, &home)))
		return;
	show(thread, &home);
	/* Once it is revoked, nobody has allocated the buffer. */
	if (bounce_map(thread->queue, &buf, BOUNCE_TO_DEVICE, &inside) ==
	    BOUNCE_OK) {
		show(thread, &inside);
		(void)judge(thread, bounce_unmap(thread->queue, &inside, 0));
	}
	(void)judge(thread, bounce_free(thread->queue, &home));
	thread->done++;
}

static void produce(struct thread *thread)
{
	struct bounce_mapping mapping;
	struct bounce_buf buf;

	if (!judge_map(thread,
		       bounce_reserve(thread->queue, 20000, &buf, &mapping)))
		return;
	show(thread, &mapping);
	if (judge(thread, bounce_commit(thread->queue, &mapping, 3000))) {
		show(thread, &mapping);
		(void)judge(thread, bounce_unmap(thread->queue, &mapping, 0));
	}
	thread->done++;
}

static void *map_all(struct thread *thread)
{
	static const uint64_t lens[] = { 64, 700, 4096, 20000 };

	for (uint32_t i = 0;
	     i < STEPS || atomic_load_explicit(&thread->shared->stales,
					       memory_order_relaxed) < STALES;
	     i++)
		switch (i % 8) {
		case 5:
			request(thread);
			break;
		case 6:
			born(thread);
			break;
		case 7:
			produce(thread);
			break;
		default:
			there_and_back(thread,
				       lens[bench_below(&thread->random, 4)]);
			break;
		}
	atomic_fetch_sub_explicit(&thread->shared->workers, 1,
				  memory_order_relaxed);
	return NULL;
}

/* ---- the revoker ---- */

static void revoke(struct thread *thread)
{
	struct bench *bench = &thread->shared->bench;
	enum bounce_err err;

	bounce_device_revoke(bench->device[0]);
	for (uint32_t i = 0; i < WORKERS; i++) {
		struct bounce_mapping mapping = take(&thread->shared->offer[i]);

		thread->wrong += bounce_mapping_valid(bench->queue[0],
						      &mapping);
	}
	while ((err = bounce_device_quiesced(bench->device[0])) != BOUNCE_OK) {
		thread->wrong += err != BOUNCE_ERR_BUSY;
		thread->stale++;
		sched_yield();
	}
	thread->done++;
}

static void *work(void *arg)
{
	struct thread *thread = arg;

	if (thread->index < WORKERS + OTHERS)
		return map_all(thread);
	while (atomic_load_explicit(&thread->shared->workers,
				    memory_order_relaxed) != 0) {
		revoke(thread);
		for (uint64_t i = bench_below(&thread->random, 100); i > 0; i--)
			sched_yield();
	}
	return NULL;
}

/* ---- at the end ---- */

static uint64_t lost_slots(struct bench *bench)
{
	struct bounce_pool_stats stats;

	bench_check(bounce_block_reclaim(bench->bounce) <= bench->knobs.blocks);
	bounce_pool_stats(bench->pool, &stats);
	return stats.slots - stats.slots_free;
}

static int64_t lost_credits(const struct bench *bench, uint32_t index)
{
	struct bounce_device *device = bench->device[index];
	int64_t sum = atomic_load_explicit(&device->credits,
					   memory_order_relaxed);

	for (uint32_t i = 0; i < bench->knobs.queues; i++)
		sum += atomic_load_explicit(
			&bounce_device_queue(device, i)->credits,
			memory_order_relaxed);
	return (int64_t)device->quota - sum;
}

static void begin(struct shared *shared, struct thread *thread)
{
	struct bench_knobs knobs = bench_usual();

	knobs.chunks = CHUNKS;
	knobs.blocks = 4;
	knobs.devices = 2;
	knobs.queues = WORKERS;
	knobs.info.quota = 60 * 4096;
	knobs.private_bytes = (WORKERS + OTHERS) * BUFFER;
	bench_init(&shared->bench, &knobs);
	atomic_init(&shared->workers, WORKERS + OTHERS);
	for (uint32_t i = 0; i < THREADS; i++) {
		thread[i] = (struct thread) {
			.shared = shared,
			.index = i,
			.device = i < WORKERS ? 0 : 1,
			.random = i,
		};
		if (i >= WORKERS + OTHERS)
			continue;
		thread[i].queue = bounce_device_queue(
			shared->bench.device[thread[i].device], i % WORKERS);
		thread[i].buffer = bench_private(&shared->bench,
						 (uint64_t)i * BUFFER);
	}
}

int main(void)
{
	static struct shared shared;
	static struct thread thread[THREADS];
	uint64_t wrong = 0;
	uint64_t stale = 0;
	uint64_t done = 0;

	begin(&shared, thread);
	bench_threads(THREADS, work, thread, sizeof(thread[0]));
	for (uint32_t i = 0; i < THREADS; i++) {
		wrong += thread[i].wrong;
		done += i < WORKERS ? thread[i].done : 0;
		stale += i < WORKERS ? thread[i].stale : 0;
	}
	wrong += lost_slots(&shared.bench);
	for (uint32_t i = 0; i < 2; i++)
		wrong += lost_credits(&shared.bench, i) != 0;
	printf("revoke_map: %llu requests, %llu stale, %llu revokes, %llu "
	       "busy, %llu wrong\n",
	       (unsigned long long)done, (unsigned long long)stale,
	       (unsigned long long)thread[THREADS - 1].done,
	       (unsigned long long)thread[THREADS - 1].stale,
	       (unsigned long long)wrong);
	bench_fini(&shared.bench);
	return wrong == 0 && stale != 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
