/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * areas.c - locked areas, as Linux 6.12 has them in kernel/dma/swiotlb.c: the
 * idea in small, written anew, without its alignment masks and debugging
 * counters.
 *
 * The pool is parted into areas, as many as CPUs rounded up to a power of two;
 * each has a lock, an index where the last search ended, and for each slot of
 * 2 KiB the number of free slots that begin there and go on to the end of its
 * segment of 128 at most. A search goes from a CPU's own area to the others;
 * claim and release write all the numbers that have changed.
 */
#include <stdlib.h>

#include "design.h"
#include "machine.h"

#define SLOT_SHIFT 11
#define SEGMENT 128u /* slots */
#define PAGE_STRIDE 2u /* requests of a page or more begin at pages */

/* As large as the kernel's: so many share a cache line. */
struct slot {
	_Atomic uint32_t free; /* slots from here on */
	uint32_t unused[5];
};

struct area {
	struct scale_lock lock;
	_Atomic uint32_t used;
	_Atomic uint32_t index;
};

static struct {
	struct area *area;
	struct slot *slot;
	uint32_t areas;
	uint32_t slots; /* of an area */
	void *memory;
} pool;

static uint32_t get(const _Atomic uint32_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static void put(_Atomic uint32_t *word, uint32_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
}

static void start(const struct scale_setup *setup)
{
	uint64_t slots = setup->pool_bytes >> SLOT_SHIFT;
	size_t bytes;

	pool.areas = 1;
	while (pool.areas < setup->cpus)
		pool.areas *= 2;
	pool.slots = (uint32_t)(slots / pool.areas);
	bytes = pool.areas * sizeof(struct area) + slots * sizeof(struct slot);
	pool.memory = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
	if (pool.memory == NULL)
		exit(EXIT_FAILURE);
	pool.area = pool.memory;
	pool.slot = (struct slot *)(pool.area + pool.areas);
	for (uint32_t i = 0; i < pool.areas; i++)
		pool.area[i] = (struct area) { .used = 0 };
	for (uint64_t i = 0; i < slots; i++)
		atomic_init(&pool.slot[i].free,
			    SEGMENT - (uint32_t)i % SEGMENT);
	machine_init(setup->cpus, setup->nodes, pool.memory, bytes);
}

/* Slots before @at, in its segment, that are free: they go on further now. */
static void count_back(uint64_t at, uint32_t count)
{
	while (at % SEGMENT != 0 && get(&pool.slot[at - 1].free) != 0)
		put(&pool.slot[--at].free, ++count);
}

/* Under the area's lock: a place, or the number of slots that it has. */
static uint32_t search(struct area *area, uint64_t base, uint32_t want)
{
	uint32_t index = get(&area->index);
	uint32_t stride = want >= PAGE_STRIDE ? PAGE_STRIDE : 1;

	if (want > pool.slots - get(&area->used))
		return pool.slots;
	for (uint32_t seen = 0; seen < pool.slots; seen += stride) {
		if (index >= pool.slots)
			index = 0;
		if (get(&pool.slot[base + index].free) >= want)
			return index;
		index += stride;
	}
	return pool.slots;
}

static bool claim_in(uint32_t number, uint32_t want, uint64_t *at)
{
	struct area *area = &pool.area[number];
	uint64_t base = (uint64_t)number * pool.slots;
	uint32_t index;

	machine_lock(&area->lock);
	index = search(area, base, want);
	if (index < pool.slots) {
		for (uint32_t i = 0; i < want; i++)
			put(&pool.slot[base + index + i].free, 0);
		count_back(base + index, 0);
		put(&area->index, index + want);
		put(&area->used, get(&area->used) + want);
	}
	machine_unlock(&area->lock);
	*at = base + index;
	return index < pool.slots;
}

static bool claim(uint32_t cpu, uint32_t len, struct scale_run *run)
{
	uint32_t want = (len + (1u << SLOT_SHIFT) - 1) >> SLOT_SHIFT;

	for (uint32_t i = 0; i < pool.areas; i++) {
		uint64_t at;

		if (!claim_in((cpu + i) % pool.areas, want, &at))
			continue;
		run->offset = at << SLOT_SHIFT;
		run->bytes = want << SLOT_SHIFT;
		run->len = len;
		return true;
	}
	return false;
}

static void release(uint32_t cpu, const struct scale_run *run)
{
	uint64_t first = run->offset >> SLOT_SHIFT;
	uint32_t count = run->bytes >> SLOT_SHIFT;
	struct area *area = &pool.area[first / pool.slots];
	uint64_t end = first + count;
	uint32_t free = 0;

	(void)cpu;
	machine_lock(&area->lock);
	if (end % SEGMENT != 0)
		free = get(&pool.slot[end].free);
	for (uint64_t i = end; i > first; i--)
		put(&pool.slot[i - 1].free, ++free);
	count_back(first, free);
	put(&area->used, get(&area->used) - count);
	machine_unlock(&area->lock);
}

static void stop(void)
{
	machine_fini();
	free(pool.memory);
}

const struct scale_design scale_areas = {
	.name = "areas",
	.most = SEGMENT << SLOT_SHIFT,
	.start = start,
	.claim = claim,
	.release = release,
	.stop = stop,
};
