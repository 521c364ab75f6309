/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * epoch_map.c - CPUs map while another one renumbers buses, or finds that the
 * guest is protected now (D1, C3).
 *
 *   1. No map that starts after bounce_topology_settle() returned goes by an
 *      older binding: a device without a number is refused, one with a number
 *      is not, whatever it was before.
 *   2. No map that starts after bounce_epoch_advance() returned hands out a
 *      private page, once the arch said that memory is protected.
 *   3. A device that no change is about never notices.
 *
 * The one that changes things says so in a word, before it begins and after it
 * has returned. A map between two looks at the same word ran in one state.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "instance.h"
#include "support.h"

#define DEVICES 3u /* two behind bridges, and one that is not */
#ifdef SLOW_CPU /* an emulated one: tools/flags.py */
#define MAPPERS 1u
#define STEPS 300u
#else
#define MAPPERS DEVICES /* each has its own */
#define STEPS 2000u /* changes */
#endif
#define THREADS (MAPPERS + 1u)
#define SLABS 48u
#define ENTRIES 40u /* machines that become protected */

/* ---- the word: what holds, and how often it has changed ---- */

#define SETTLED 8u /* and bits 0 .. 2: device i may map */
#define TURN 16u

struct shared {
	struct bench bench;
	struct bounce_space *other;
	struct bounce_function *bridge[2];
	struct bounce_device *device[DEVICES];
	_Atomic uint64_t word;
	_Atomic uint64_t seen; /* maps that were judged */
	_Atomic bool refused; /* some map was */
	_Atomic uint32_t end;
};

struct thread {
	struct shared *shared;
	uint32_t index; /* MAPPERS: the one that changes things */
	uint64_t random;
	uint64_t maps;
	uint64_t judged;
	uint64_t refused;
	uint64_t wrong;
};

/* acquire: a map that comes after it began after what say() says returned. */
static uint64_t look(struct shared *shared)
{
	return atomic_load_explicit(&shared->word, memory_order_acquire);
}

/* seq_cst, a read-modify-write: not before the map that it comes after. */
static uint64_t look_again(struct shared *shared)
{
	return atomic_fetch_add_explicit(&shared->word, 0,
					 memory_order_seq_cst);
}

static void say(struct shared *shared, uint64_t bits)
{
	uint64_t turn = look(shared) / TURN + 1;

	/* seq_cst, a read-modify-write: the call that follows does not begin
	 * before it is said. */
	(void)atomic_exchange_explicit(&shared->word, turn * TURN | bits,
				       memory_order_seq_cst);
}

/* ---- mappers ---- */

/* One map; what it answered, and in which state all of it ran, or 0. */
static enum bounce_err map_once(struct thread *thread, bool *open,
				uint64_t *state)
{
	struct shared *shared = thread->shared;
	struct bounce_queue *queue =
		bounce_device_queue(shared->device[thread->index], 0);
	struct bounce_buf buf = bench_buf(&shared->bench,
					  4096 * (uint64_t)thread->index, 4096);
	struct bounce_mapping mapping = { .len = 0 };
	uint64_t before = look(shared);
	enum bounce_err err = bounce_map(queue, &buf, BOUNCE_TO_DEVICE,
					 &mapping);

	*state = look_again(shared) == before ? before : 0;
	*open = err == BOUNCE_OK && mapping.bus.v == buf.gpa.v;
	thread->maps++;
	if (err == BOUNCE_OK && bounce_unmap(queue, &mapping, 0) != BOUNCE_OK)
		thread->wrong++;
	return err;
}

static void judged(struct thread *thread)
{
	thread->judged++;
	atomic_fetch_add_explicit(&thread->shared->seen, 1,
				  memory_order_relaxed);
}

static void map_and_judge(struct thread *thread)
{
	uint64_t state;
	bool open;
	enum bounce_err err = map_once(thread, &open, &state);
	bool may = (state >> thread->index & 1) != 0;

	thread->refused += err == BOUNCE_ERR_REFUSED;
	if (err == BOUNCE_ERR_REFUSED)
		atomic_store_explicit(&thread->shared->refused, true,
				      memory_order_relaxed);
	if (err != BOUNCE_OK && err != BOUNCE_ERR_REFUSED)
		thread->wrong++;
	if (thread->index == DEVICES - 1 && err != BOUNCE_OK)
		thread->wrong++;
	if ((state & SETTLED) == 0)
		return;
	thread->wrong += (err == BOUNCE_OK) != may;
	judged(thread);
}

static void map_until_end(struct thread *thread)
{
	while (atomic_load_explicit(&thread->shared->end,
				    memory_order_relaxed) == 0)
		map_and_judge(thread);
}

/* ---- who renumbers ---- */

/* Until somebody has mapped in this state, or has had the time to. */
static void wait(struct shared *shared)
{
	uint64_t seen = atomic_load_explicit(&shared->seen,
					     memory_order_relaxed);

	for (uint32_t i = 0; i < 20; i++) {
		sched_yield();
		if (atomic_load_explicit(&shared->seen, memory_order_relaxed) !=
		    seen)
			return;
	}
}

/* The order of topology.h; the numbers of both bridges change, or go. */
static void renumber(struct thread *thread, uint32_t may)
{
	struct shared *shared = thread->shared;
	struct bounce *bounce = shared->bench.bounce;
	/* They are exchanged each time: the other's ID of a moment ago. */
	uint8_t first = (uint8_t)(1 + thread->maps++ % 2);

	say(shared, 0);
	for (uint32_t i = 0; i < 2; i++) {
		bounce_device_stop(shared->device[i]);
		bench_check(bounce_topology_change(shared->bridge[i]) ==
			    BOUNCE_OK);
	}
	for (uint32_t i = 0; i < 2; i++) {
		uint8_t bus = (may >> i & 1) == 0 ? 0 :
			      i == 0		  ? first :
						    (uint8_t)(3 - first);

		bench_check(bounce_topology_number(shared->bridge[i], bus,
						   bus) == BOUNCE_OK);
	}
	bench_check(bounce_topology_settle(bounce) == BOUNCE_OK);
	say(shared, SETTLED | 4 | may);
	for (uint32_t i = 0; i < 2; i++)
		thread->wrong += bounce_device_start(shared->device[i]) !=
				 ((may >> i & 1) != 0 ? BOUNCE_OK :
							BOUNCE_ERR_REFUSED);
	wait(shared);
}

static void *renumber_or_map(void *arg)
{
	struct thread *thread = arg;

	if (thread->index < MAPPERS) {
		map_until_end(thread);
		return NULL;
	}
	/* At least: a slow CPU's mappers may not have had a turn. */
	for (uint32_t i = 0;
	     i < STEPS || !atomic_load_explicit(&thread->shared->refused,
						memory_order_relaxed);
	     i++)
		renumber(thread, (uint32_t)bench_below(&thread->random, 4));
	atomic_store_explicit(&thread->shared->end, 1, memory_order_relaxed);
	return NULL;
}

/* ---- who finds the guest protected ---- */

static void *protect_or_map(void *arg)
{
	struct thread *thread = arg;
	struct shared *shared = thread->shared;
	uint64_t state = 0;
	bool open;

	if (thread->index == MAPPERS) {
		wait(shared);
		shared->bench.machine.protection = BOUNCE_PROTECTION_YES;
		bounce_epoch_advance(shared->bench.bounce);
		say(shared, SETTLED);
		return NULL;
	}
	for (uint32_t after = 0; after < 20; after += state != 0) {
		thread->wrong += map_once(thread, &open, &state) != BOUNCE_OK;
		thread->refused += open;
		if (state == 0)
			judged(thread); /* only that it has begun */
		thread->wrong += open && state != 0;
	}
	return NULL;
}

/* ---- both ---- */

static void attach(struct shared *shared, uint32_t i,
		   struct bounce_function *function)
{
	struct bounce_device_info info = shared->bench.knobs.info;

	info.space = i == 1 ? shared->other : shared->bench.space;
	info.function = function;
	bench_check(bounce_device_attach(shared->bench.bounce, &info,
					 &shared->device[i],
					 NULL) == BOUNCE_OK);
}

static void begin(struct shared *shared, struct thread *thread,
		  enum bounce_protection protection)
{
	struct bench_knobs knobs = bench_usual();
	const struct bounce_window all = { .flags = 0 };

	/* Judging looks at all slabs: the more, the longer a binding is in the
	 * making while the epoch moves. */
	knobs.slabs = SLABS;
	knobs.grown = SLABS;
	knobs.chunks = 1;
	knobs.devices = 0;
	knobs.functions = 4;
	knobs.more_spaces = 1;
	knobs.protection = protection;
	bench_init(&shared->bench, &knobs);
	bench_check(bounce_space_init(shared->bench.bounce, shared->bench.pool,
				      &shared->other) == BOUNCE_OK);
	bench_check(bounce_space_add_window(shared->other, &all) == BOUNCE_OK);
	for (uint32_t i = 0; i < 2; i++) {
		struct bounce_function_info info = {
			.kind = BOUNCE_FUNCTION_PCIE_TO_PCI,
			.devfn = (uint8_t)(0x18 + 8 * i),
			.secondary = (uint8_t)(1 + i),
			.subordinate = (uint8_t)(1 + i),
		};
		struct bounce_function *leaf;

		bench_check(bounce_function_add(shared->bench.bounce, &info,
						&shared->bridge[i]) ==
			    BOUNCE_OK);
		info = (struct bounce_function_info) {
			.parent = shared->bridge[i],
			.devfn = 8,
		};
		bench_check(bounce_function_add(shared->bench.bounce, &info,
						&leaf) == BOUNCE_OK);
		attach(shared, i, leaf);
	}
	attach(shared, 2, NULL);
	atomic_init(&shared->word, 0);
	atomic_init(&shared->seen, 0);
	atomic_init(&shared->refused, false);
	atomic_init(&shared->end, 0);
	for (uint32_t i = 0; i < THREADS; i++)
		thread[i] = (struct thread) {
			.shared = shared,
			.index = i,
			.random = i,
		};
}

static void end(struct shared *shared)
{
	for (uint32_t i = 0; i < DEVICES; i++)
		bench_check(bounce_device_detach(shared->device[i]) ==
			    BOUNCE_OK);
	bench_check(bounce_space_fini(shared->other) == BOUNCE_OK);
	bench_fini(&shared->bench);
}

/* All the threads' numbers in the first's. */
static void add_up(struct thread *sum, const struct thread *thread)
{
	for (uint32_t i = 0; i < THREADS; i++) {
		sum->maps += i < MAPPERS ? thread[i].maps : 0;
		sum->judged += thread[i].judged;
		sum->refused += thread[i].refused;
		sum->wrong += thread[i].wrong;
	}
}

int main(void)
{
	static struct shared shared;
	static struct thread thread[THREADS];
	struct thread numbers = { .index = 0 };
	struct thread entries = { .index = 0 };

	begin(&shared, thread, BOUNCE_PROTECTION_YES);
	bench_threads(THREADS, renumber_or_map, thread, sizeof(thread[0]));
	add_up(&numbers, thread);
	end(&shared);
	for (uint32_t i = 0; i < ENTRIES; i++) {
		begin(&shared, thread, BOUNCE_PROTECTION_NO);
		bench_threads(THREADS, protect_or_map, thread,
			      sizeof(thread[0]));
		add_up(&entries, thread);
		end(&shared);
	}
	printf("epoch_map: %u changes or more, %llu maps, %llu judged, "
	       "%llu refused, %llu wrong; "
	       "%u entries, %llu maps, %llu open, %llu wrong\n",
	       STEPS, (unsigned long long)numbers.maps,
	       (unsigned long long)numbers.judged,
	       (unsigned long long)numbers.refused,
	       (unsigned long long)numbers.wrong, ENTRIES,
	       (unsigned long long)entries.maps,
	       (unsigned long long)entries.refused,
	       (unsigned long long)entries.wrong);
	/* It must have happened, or nothing was shown. */
	return numbers.wrong == 0 && entries.wrong == 0 &&
			       numbers.judged != 0 && numbers.refused != 0 &&
			       entries.refused != 0 ?
		       EXIT_SUCCESS :
		       EXIT_FAILURE;
}
