/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fetches.c - shared memory changes before every load of it but the first, as
 * the library is shipped (S3, S7): what a call decides, it decides on what it
 * read once.
 *
 * A ring's index (or flags) is read by one load. An element and the bytes of a
 * mapping are copied by the C library as it likes (a memcpy() of 8 bytes loads
 * them twice): an element is judged afterwards, bytes stay inside the buffer,
 * and calls that have nothing to read do not read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "support.h"
#include "trap.h"

enum {
	ENTRIES = 8,
	POSTED = 100,
	LEN = 5000,
	PAGE = 4096
};

#define DEVICE_BYTE 0x40
#define GUARD 0x11

static void fail(const char *call, const char *what)
{
	printf("fetches: %s: %s\n", call, what);
	exit(EXIT_FAILURE);
}

/* ---- rings ---- */

struct ring {
	unsigned char *memory; /* shared: a page */
	struct bounce_used *used;
	struct bounce_completion done;
	enum bounce_err err;
	uint32_t loads;
	uint32_t control; /* where the index or the flags are */
	uint32_t controls; /* loads of them */
	unsigned char later; /* what all bytes become after the first load */
};

/* The index may be seen, the element be changed before it is; or the like. */
static void change(void *arg, uintptr_t address)
{
	struct ring *ring = arg;

	ring->loads++;
	ring->controls += address == (uintptr_t)ring->memory + ring->control;
	if (ring->loads > 1)
		memset(ring->memory, ring->later, PAGE);
}

static void take(void *arg)
{
	struct ring *ring = arg;

	ring->err = bounce_virtio_used(ring->used, &ring->done);
}

static void put16(unsigned char *at, uint16_t v)
{
	at[0] = (unsigned char)v;
	at[1] = (unsigned char)(v >> 8);
}

static void put32(unsigned char *at, uint32_t v)
{
	put16(at, (uint16_t)v);
	put16(at + 2, (uint16_t)(v >> 16));
}

static void *must(void *memory)
{
	if (memory == NULL || memory == MAP_FAILED)
		fail("memory", "there is none");
	return memory;
}

static void check_ring(const struct ring *ring, const char *name)
{
	if (ring->controls != 1)
		fail(name, "its index or flags are not loaded once");
	if (ring->err == BOUNCE_OK &&
	    (ring->done.written > POSTED || ring->done.cookie != 7))
		fail(name, "a completion that was never possible");
	if (!bounce_used_valid(ring->used))
		fail(name, "the check is not valid any more");
}

static void try_split(struct ring *ring, void *memory, unsigned later)
{
	size_t bytes = bounce_used_size(ENTRIES);

	memset(ring->memory, 0, PAGE);
	ring->loads = ring->controls = 0;
	ring->control = 2;
	ring->later = (unsigned char)later;
	if (bounce_used_init(memory, bytes, ENTRIES, ring->memory,
			     &ring->used) != BOUNCE_OK ||
	    bounce_used_post(ring->used, 3, POSTED, 7) != BOUNCE_OK)
		fail("a split ring", "does not begin");
	put32(ring->memory + 4, 3);
	put32(ring->memory + 8, POSTED);
	put16(ring->memory + 2, 1);
	trap_loads(ring->memory, PAGE, take, change, ring);
	check_ring(ring, "a split ring");
}

static void try_packed(struct ring *ring, void *memory, unsigned later)
{
	size_t bytes = bounce_used_size(ENTRIES);

	memset(ring->memory, 0, PAGE);
	ring->loads = ring->controls = 0;
	ring->control = 14;
	ring->later = (unsigned char)later;
	if (bounce_used_init_packed(memory, bytes, ENTRIES, ring->memory,
				    &ring->used) != BOUNCE_OK ||
	    bounce_used_post_packed(ring->used, 3, 1, POSTED, 7) != BOUNCE_OK)
		fail("a packed ring", "does not begin");
	/* VIRTIO 1.2 2.8.1: used when both bits are the wrap counter, 1. */
	put32(ring->memory + 8, POSTED);
	put16(ring->memory + 12, 3);
	put16(ring->memory + 14, 1u << 7 | 1u << 15);
	trap_loads(ring->memory, PAGE, take, change, ring);
	check_ring(ring, "a packed ring");
}

static uint32_t rings(void)
{
	static struct ring ring;
	void *memory = must(aligned_alloc(256, PAGE));

	ring.memory = must(mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	for (unsigned later = 0; later < 256; later++) {
		try_split(&ring, memory, later);
		try_packed(&ring, memory, later);
	}
	free(memory);
	return 512;
}

/* ---- mappings ---- */

struct scene {
	struct bench bench;
	struct bounce_mapping mapping;
	uint32_t how;
	uint64_t written;
	enum bounce_err err;
	uint32_t loads;
};

/* All of the pool changes before every load but the first. */
static void change_all(void *arg, uintptr_t address)
{
	struct scene *scene = arg;

	(void)address;
	if (scene->loads++ != 0)
		memset(scene->bench.machine.memory,
		       (int)(DEVICE_BYTE + (scene->loads & 0x3e)),
		       scene->bench.slab_bytes);
}

static void map(void *arg)
{
	struct scene *scene = arg;
	struct bounce_buf buf = bench_buf(&scene->bench, PAGE, LEN);

	scene->err = bounce_map(scene->bench.queue[0], &buf, scene->how,
				&scene->mapping);
}

static void unmap(void *arg)
{
	struct scene *scene = arg;

	scene->err = bounce_unmap(scene->bench.queue[0], &scene->mapping,
				  scene->written);
}

static void sync_for_cpu(void *arg)
{
	struct scene *scene = arg;

	scene->err = bounce_sync_for_cpu(scene->bench.queue[0], &scene->mapping,
					 0, LEN);
}

static void sync_for_device(void *arg)
{
	struct scene *scene = arg;

	scene->err = bounce_sync_for_device(scene->bench.queue[0],
					    &scene->mapping, 0, LEN);
}

static uint64_t watched(struct scene *scene, void (*call)(void *arg))
{
	uint64_t loads;

	scene->loads = 0;
	loads = trap_loads(scene->bench.machine.memory, scene->bench.slab_bytes,
			   call, change_all, scene);
	if (scene->err != BOUNCE_OK)
		fail("a mapping", "a call failed");
	return loads;
}

/* Bytes [0, @len) of the buffer came from the device; those around did not. */
static void check_buffer(const struct scene *scene, uint64_t len)
{
	const unsigned char *page = bench_private(&scene->bench, 0);

	for (uint64_t i = 0; i < 4 * PAGE; i++) {
		bool inside = i - PAGE < len;

		if (inside && page[i] == GUARD)
			fail("a mapping", "a byte did not come");
		if (!inside && page[i] != GUARD)
			fail("a mapping", "a byte outside was written");
	}
}

static void reset(struct scene *scene)
{
	memset(bench_private(&scene->bench, 0), GUARD, 4 * PAGE);
}

static void mappings(void)
{
	static struct scene scene;
	struct bench_knobs knobs = bench_usual();

	bench_init(&scene.bench, &knobs);
	for (scene.how = 1; scene.how <= 3; scene.how++) {
		reset(&scene);
		if (watched(&scene, map) != 0)
			fail("map", "it reads shared memory");
		memset(scene.bench.machine.memory, DEVICE_BYTE,
		       scene.bench.slab_bytes);
		if ((scene.how & BOUNCE_TO_DEVICE) != 0 &&
		    watched(&scene, sync_for_device) != 0)
			fail("sync_for_device", "it reads shared memory");
		memset(scene.bench.machine.memory, DEVICE_BYTE,
		       scene.bench.slab_bytes);
		if ((scene.how & BOUNCE_FROM_DEVICE) != 0) {
			if (watched(&scene, sync_for_cpu) == 0)
				fail("sync_for_cpu", "it reads nothing");
			check_buffer(&scene, LEN);
		}
		reset(&scene);
		scene.written = (scene.how & BOUNCE_FROM_DEVICE) != 0 ? 4097 :
									0;
		if ((watched(&scene, unmap) != 0) != (scene.written != 0))
			fail("unmap", "it reads what it need not");
		check_buffer(&scene, scene.written);
	}
	bench_fini(&scene.bench);
}

int main(void)
{
	uint32_t tried;

	trap_init();
	tried = rings();
	mappings();
	printf("fetches: %u rings that change between two loads, each index "
	       "and flag loaded once; mappings in each direction\n",
	       tried);
	return EXIT_SUCCESS;
}
