/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * sync_unmap.c - CPUs sync mappings that others end and make anew.
 *
 * Each buffer has a byte of its own. A mapper maps a buffer, plays the device,
 * offers the handle, and soon ends it and maps the next; syncers use whatever
 * handle they find, and an ender ends it now and then (R2, R3, R4, E05). The
 * bytes of one mapping must never be seen in the buffer or in the run of
 * another, however late a syncer is.
 *
 * Handles change hands by relaxed atomics, so that all the order there is comes
 * from the records and the pool. What would be the test's own race is kept out:
 * each syncer has its part of a buffer, and unmap copies nothing.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "support.h"

#ifdef SLOW_CPU /* an emulated one: tools/flags.py */
#define MAPPERS 1u
#define SYNCERS 1u
#define ENDERS 0u /* the syncer is one, too */
#define STEPS 5000u
#else
#define MAPPERS 2u
#define SYNCERS 2u
#define ENDERS 1u
#define STEPS 150000u /* of each mapper; the others go on until all are done */
#endif
#define THREADS (MAPPERS + SYNCERS + ENDERS)
#define PAUSE 64u /* of the ender, so that there is something to sync */
#define BUFFERS 4u /* of one mapper, in one direction */
#define BUFFER 8192u

/*
 * A handle, word by word. It may be read while it is written: a mixture of two
 * handles is a forged one, which is refused.
 */
struct offer {
	_Atomic uint64_t bus;
	_Atomic uint64_t record; /* and len in the high half */
	_Atomic uint64_t key;
};

struct shared {
	struct bench bench;
	struct offer offer[MAPPERS][2]; /* by direction */
	_Atomic uint32_t mappers; /* not done yet */
	_Atomic bool synced; /* somebody found something to sync */
};

/* A mapping on offer, and its buffer. */
struct held {
	struct bounce_mapping mapping;
	uint64_t buffer;
};

struct thread {
	struct shared *shared;
	uint32_t index; /* mappers, syncers, the ender */
	struct held held[2]; /* a mapper's, by direction */
	uint64_t done;
	uint64_t ended;
	uint64_t stale;
	uint64_t wrong;
};

/* What one mapper gives to its device, the other takes from its own: so runs
 * change hands, and uses. */
static uint64_t size_of(uint32_t mapper, bool from)
{
	return (mapper == 0) == from ? 512 : 6000;
}

static void offer(struct offer *offer, const struct bounce_mapping *mapping)
{
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

/* ---- mappers ---- */

static uint64_t buffer_of(uint32_t mapper, bool from, uint32_t n)
{
	return (uint64_t)BUFFER * ((mapper * 2 + from) * BUFFERS + n % BUFFERS);
}

static unsigned char byte_of(uint64_t buffer)
{
	return (unsigned char)(1 + buffer / BUFFER);
}

/*
 * The device works while syncers may be at the same bytes: it is not a CPU, and
 * no race of the program.
 */
__attribute__((no_sanitize("thread"))) static void device_fills(
	volatile unsigned char *run, uint64_t len, unsigned char byte)
{
	for (uint64_t i = 0; i < len; i++)
		run[i] = byte;
	bounce_wmb_device();
}

__attribute__((no_sanitize("thread"))) static uint64_t device_finds_other(
	const volatile unsigned char *run, uint64_t len, unsigned char byte)
{
	uint64_t other = 0;

	for (uint64_t i = 0; i < len; i++)
		other += run[i] != byte;
	return other;
}

/* End the mapping that has been on offer. */
static void end_held(struct thread *thread, bool from)
{
	struct bench *bench = &thread->shared->bench;
	const struct held *held = &thread->held[from];
	uint64_t other;
	enum bounce_err err;

	if (held->mapping.len == 0)
		return;
	other = device_finds_other(bench_at_bus(bench, held->mapping.bus,
						held->mapping.len),
				   held->mapping.len, byte_of(held->buffer));
	err = bounce_unmap(bench->queue[thread->index], &held->mapping, 0);
	/* Unless a syncer has ended it, the run was ours until here. */
	thread->wrong += err == BOUNCE_OK ? other : err != BOUNCE_ERR_STALE;
	thread->ended += err == BOUNCE_OK;
}

static void map_next(struct thread *thread, bool from, uint32_t n)
{
	struct bench *bench = &thread->shared->bench;
	uint64_t len = size_of(thread->index, from);
	uint64_t buffer = buffer_of(thread->index, from, n);
	struct bounce_buf buf = bench_buf(bench, buffer, len);
	struct held *held = &thread->held[from];

	end_held(thread, from);
	bench_check(bounce_map(bench->queue[thread->index], &buf,
			       from ? BOUNCE_FROM_DEVICE : BOUNCE_TO_DEVICE,
			       &held->mapping) == BOUNCE_OK);
	held->buffer = buffer;
	if (from)
		device_fills(bench_at_bus(bench, held->mapping.bus, len), len,
			     byte_of(buffer));
	offer(&thread->shared->offer[thread->index][from], &held->mapping);
	thread->done++;
}

/* ---- syncers ---- */

/* Mappers and directions take turns; @i counts them. */
static void sync_once(struct thread *thread, uint32_t i)
{
	uint32_t mapper = i % MAPPERS;
	bool from = i / MAPPERS % 2 != 0;
	struct bench *bench = &thread->shared->bench;
	struct bounce_mapping mapping =
		take(&thread->shared->offer[mapper][from]);
	uint64_t half = size_of(mapper, from) / 2;
	uint64_t offset = (thread->index - MAPPERS) * half;
	enum bounce_err err;

	err = from ? bounce_sync_for_cpu(bench->queue[mapper], &mapping, offset,
					 half) :
		     bounce_sync_for_device(bench->queue[mapper], &mapping,
					    offset, half);
	if (err == BOUNCE_OK) {
		thread->done++;
		atomic_store_explicit(&thread->shared->synced, true,
				      memory_order_relaxed);
	} else if (err != BOUNCE_ERR_STALE)
		thread->wrong++;
	else if (thread->stale++ % 8 == 0)
		/* On few CPUs: let a mapper make new ones. */
		sched_yield();
}

static void end_once(struct thread *thread, uint32_t i)
{
	uint32_t mapper = i % MAPPERS;
	bool from = i / MAPPERS % 2 != 0;
	struct bounce_mapping mapping =
		take(&thread->shared->offer[mapper][from]);
	enum bounce_err err = bounce_unmap(thread->shared->bench.queue[mapper],
					   &mapping, 0);

	thread->ended += err == BOUNCE_OK;
	thread->wrong += err != BOUNCE_OK && err != BOUNCE_ERR_STALE;
}

static void *map_all(struct thread *thread)
{
	for (uint32_t i = 0;
	     i < STEPS || !atomic_load_explicit(&thread->shared->synced,
						memory_order_relaxed);
	     i++)
		map_next(thread, i & 1, i >> 1);
	end_held(thread, false);
	end_held(thread, true);
	/* relaxed, here and below: must order nothing for the library. */
	atomic_fetch_sub_explicit(&thread->shared->mappers, 1,
				  memory_order_relaxed);
	return NULL;
}

static void *work(void *arg)
{
	struct thread *thread = arg;

	if (thread->index < MAPPERS)
		return map_all(thread);
	for (uint32_t i = 0; atomic_load_explicit(&thread->shared->mappers,
						  memory_order_relaxed) != 0;
	     i++) {
		if (thread->index == THREADS - 1 && i % PAUSE == 0)
			end_once(thread, i / PAUSE);
		else if (thread->index < MAPPERS + SYNCERS)
			sync_once(thread, i);
		else
			sched_yield();
	}
	return NULL;
}

/* ---- the buffers before and after ---- */

static void fill_buffers(const struct bench *bench, bool from)
{
	for (uint32_t mapper = 0; mapper < MAPPERS; mapper++)
		for (uint32_t n = 0; n < BUFFERS; n++) {
			uint64_t buffer = buffer_of(mapper, from, n);

			memset(bench_private(bench, buffer),
			       from ? 0 : byte_of(buffer), BUFFER);
		}
}

/* Bytes that are neither untouched nor the buffer's own. */
static uint64_t wrong_bytes(const struct bench *bench)
{
	uint64_t wrong = 0;

	for (uint64_t i = 0; i < MAPPERS * 2 * BUFFERS * BUFFER; i++) {
		unsigned char byte = *bench_private(bench, i);

		wrong += byte != 0 && byte != byte_of(i);
	}
	return wrong;
}

int main(void)
{
	struct bench_knobs knobs = bench_usual();
	static struct shared shared;
	static struct thread thread[THREADS];
	uint64_t mapped = 0;
	uint64_t ended = 0;
	uint64_t synced = 0;
	uint64_t stale = 0;
	uint64_t wrong = 0;

	knobs.devices = MAPPERS;
	knobs.info.owner = 7; /* one tenant: they share split slots */
	knobs.chunks = 1;
	knobs.private_bytes = MAPPERS * 2 * BUFFERS * BUFFER;
	bench_init(&shared.bench, &knobs);
	atomic_init(&shared.mappers, MAPPERS);
	fill_buffers(&shared.bench, false);
	fill_buffers(&shared.bench, true);
	for (uint32_t i = 0; i < THREADS; i++)
		thread[i] = (struct thread) { .shared = &shared, .index = i };
	bench_threads(THREADS, work, thread, sizeof(thread[0]));
	for (uint32_t i = 0; i < THREADS; i++) {
		mapped += i < MAPPERS ? thread[i].done : 0;
		synced += i < MAPPERS ? 0 : thread[i].done;
		stale += thread[i].stale;
		ended += thread[i].ended;
		wrong += thread[i].wrong;
	}
	wrong += ended != mapped;
	wrong += wrong_bytes(&shared.bench);
	bench_fini(&shared.bench);
	printf("sync_unmap: %llu mappings, %llu ended by others, %llu syncs, "
	       "%llu stale, %llu wrong\n",
	       (unsigned long long)mapped,
	       (unsigned long long)thread[THREADS - 1].ended,
	       (unsigned long long)synced, (unsigned long long)stale,
	       (unsigned long long)wrong);
	return wrong == 0 && synced != 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
