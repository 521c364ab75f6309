/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * peer_floor.c - what nothing can beat: the copy alone into as few slots as
 * there are mappings outstanding, two atomics on a word of one's own, both of
 * them, and none (the harness itself).
 */
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "peer.h"

#define CACHE_LINE 64u
#define MOST_TOUCHED (UINT64_C(64) << 20)

/* A lane's slots, handed out in order like a stack of one's own. */
struct lane {
	_Alignas(CACHE_LINE) _Atomic uint64_t word;
	_Alignas(CACHE_LINE) unsigned char *slots;
};

static struct lane lanes[LANES];

static bool start(const struct setup *setup)
{
	uint64_t bytes = setup->pool_bytes / setup->lanes;
	unsigned char *arena =
		mmap(NULL, setup->pool_bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (arena == MAP_FAILED)
		return false;
	madvise(arena, setup->pool_bytes, MADV_HUGEPAGE);
	if (setup->pool_bytes <= MOST_TOUCHED)
		memset(arena, 0, setup->pool_bytes);
	for (uint32_t i = 0; i < setup->lanes; i++)
		lanes[i].slots = arena + i * bytes;
	return true;
}

/*
 * The slot of a mapping is that of its buffer's number, which the harness puts
 * into the handle beforehand: with one outstanding it is always the same.
 */
static unsigned char *slot_of(uint32_t lane, const struct request *request,
			      const struct handle *handle)
{
	uint64_t slot = ((uint64_t)request->len + CACHE_LINE - 1) &
			~(uint64_t)(CACHE_LINE - 1);

	return lanes[lane].slots + handle->number * slot;
}

static void copy_in(uint32_t lane, const struct request *request,
		    struct handle *handle)
{
	unsigned char *slot = slot_of(lane, request, handle);

	handle->word[0] = (uintptr_t)slot;
	if (request->how == HOW_TO || request->how == HOW_BOTH)
		memcpy(slot, request->buffer, request->len);
	__asm__ volatile("" : : "r"(slot) : "memory");
}

static void copy_out(const struct request *request, const struct handle *handle)
{
	if (request->how == HOW_FROM || request->how == HOW_BOTH)
		memcpy(request->buffer, (void *)(uintptr_t)handle->word[0],
		       request->len);
	__asm__ volatile("" : : "r"(request->buffer) : "memory");
}

/* As a claim: look, find a free bit, take it. */
static void take(uint32_t lane, struct handle *handle)
{
	_Atomic uint64_t *word = &lanes[lane].word;
	uint64_t busy = atomic_load_explicit(word, memory_order_relaxed);

	while (!atomic_compare_exchange_weak_explicit(word, &busy, busy | 1,
						      memory_order_acquire,
						      memory_order_relaxed))
		;
	handle->word[1] = 1;
}

static void give(uint32_t lane, const struct handle *handle)
{
	atomic_fetch_and_explicit(&lanes[lane].word, ~handle->word[1],
				  memory_order_release);
}

static bool copy_map(uint32_t lane, const struct request *request,
		     struct handle *handle)
{
	copy_in(lane, request, handle);
	return true;
}

static void copy_unmap(uint32_t lane, const struct request *request,
		       const struct handle *handle)
{
	(void)lane;
	copy_out(request, handle);
}

static bool floor_map(uint32_t lane, const struct request *request,
		      struct handle *handle)
{
	take(lane, handle);
	copy_in(lane, request, handle);
	return true;
}

static void floor_unmap(uint32_t lane, const struct request *request,
			const struct handle *handle)
{
	copy_out(request, handle);
	give(lane, handle);
}

static bool atomics_map(uint32_t lane, const struct request *request,
			struct handle *handle)
{
	(void)request;
	take(lane, handle);
	return true;
}

static void atomics_unmap(uint32_t lane, const struct request *request,
			  const struct handle *handle)
{
	(void)request;
	give(lane, handle);
}

static bool empty_map(uint32_t lane, const struct request *request,
		      struct handle *handle)
{
	(void)lane;
	handle->word[0] = request->len;
	return true;
}

static void empty_unmap(uint32_t lane, const struct request *request,
			const struct handle *handle)
{
	(void)lane;
	(void)request;
	(void)handle;
}

static unsigned char *bytes(const struct handle *handle)
{
	return (unsigned char *)(uintptr_t)handle->word[0];
}

static uint64_t footprint(const struct request *request,
			  const struct handle *handle)
{
	(void)handle;
	return request->len;
}

const struct peer peer_copy = {
	.name = "copy",
	.start = start,
	.map = copy_map,
	.unmap = copy_unmap,
	.bytes = bytes,
	.footprint = footprint,
	.most = UINT32_MAX,
	.hows = HOW_COPIES,
};

const struct peer peer_floor = {
	.name = "floor",
	.start = start,
	.map = floor_map,
	.unmap = floor_unmap,
	.bytes = bytes,
	.footprint = footprint,
	.most = UINT32_MAX,
	.hows = HOW_COPIES,
};

const struct peer peer_atomics = {
	.name = "atomics",
	.start = start,
	.map = atomics_map,
	.unmap = atomics_unmap,
	.footprint = footprint,
	.most = UINT32_MAX,
	.hows = HOW_SET(HOW_NOTHING) | HOW_SET(HOW_BORN),
};

const struct peer peer_empty = {
	.name = "empty",
	.start = start,
	.map = empty_map,
	.unmap = empty_unmap,
	.footprint = footprint,
	.most = UINT32_MAX,
	.hows = HOW_SET(HOW_NOTHING) | HOW_COPIES | HOW_SET(HOW_BORN),
};
