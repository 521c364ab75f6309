/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * cache.c - the caches, where they do not see a device's DMA. The only caller
 * of the hooks of env.cache; nothing of it is reached for a SNOOPED space.
 *
 *   H1  Before a device is told of a mapping, what it may read is in memory,
 *       and no line of what it may write is in a cache: one that is dirty
 *       would be written over the device's bytes, at any later time.
 *   H2  A run is whole lines (device.c adds the line to the alignment), and a
 *       buffer that is used where it is, is too, or its whole pages are (O3 of
 *       own.c): no line is shared with bytes that the CPU uses meanwhile.
 *   H3  Before the CPU reads what a device wrote, no line of it is in a cache:
 *       speculation may have loaded one since H1.
 *   H4  No line is dropped that was not written back first: old private bytes
 *       in memory stay hidden by the zeroes that were stored over them (S1).
 */
#include "instance.h"

bool bounce_cache_serves(const struct bounce *bounce, uint32_t coherency)
{
	return coherency == BOUNCE_SNOOPED ||
	       (coherency <= BOUNCE_NO_SNOOP && bounce->env.cache != NULL);
}

static void clean(const struct bounce *bounce, const void *memory, uint64_t len)
{
	bounce->env.cache->clean(bounce->env.ctx, memory, len);
}

void bounce_cache_drop(const struct bounce *bounce, const void *memory,
		       uint64_t len)
{
	bounce->env.cache->invalidate(bounce->env.ctx, memory, len);
}

/* For who is next: RECORD_FROM, and what a device may write, are dropped. */
static void maintain(const struct bounce *bounce, const void *memory,
		     uint64_t len, uint8_t direction)
{
	if (direction == RECORD_FROM)
		bounce_cache_drop(bounce, memory, len);
	else
		clean(bounce, memory, len);
}

/* H1: before a device is told of a mapping. */
static uint8_t direction_of(const struct record_about *about)
{
	return (about->how & RECORD_FROM) != 0 ? RECORD_FROM : RECORD_TO;
}

static bool is_own(const struct bounce_device *device, uint32_t record,
		   const struct record_about *about)
{
	return about->kind == RECORD_DIRECT &&
	       bounce_is_own(device->bounce, record);
}

bool bounce_cache_reaches(const struct bounce_device *device,
			  const struct bounce_buf *buf)
{
	uint64_t line = device->bounce->env.cache->line_bytes;

	return ((buf->gpa.v | buf->len) & (line - 1)) == 0 &&
	       bounce_linear_pointer(device->bounce, buf->gpa, buf->len) !=
		       NULL;
}

/* ---- where a mapping's bytes are ---- */

/* Of a buffer that is used where it is: bounce_cache_reaches() it. */
static const unsigned char *open_memory(const struct bounce_device *device,
					const struct record_about *about,
					uint64_t bus)
{
	uint32_t path = (about->how & RECORD_BYPASS) != 0 ? BOUNCE_PATH_BYPASS :
							    BOUNCE_PATH_BUS;
	bounce_gpa_t gpa;

	if (!bounce_window_gpa(&device->space->windows, path, bus, about->len,
			       &gpa))
		return NULL;
	return bounce_linear_pointer(device->bounce, gpa, about->len);
}

/* Own pages: what is wanted of each piece, where its bytes are. */
static void maintain_own(const struct bounce_device *device, uint32_t record,
			 const struct record_about *about, uint64_t target,
			 const struct bounce_part *wanted)
{
	const struct bounce *bounce = device->bounce;

	for (uint32_t i = 0; i < OWN_PARTS; i++) {
		const unsigned char *memory =
			(const unsigned char *)(uintptr_t)target;
		struct bounce_piece piece;
		uint64_t first;
		uint64_t len;

		if (!bounce_own_piece(bounce, record, about, (enum own_piece)i,
				      &piece))
			continue;
		len = bounce_piece_cut(&piece, wanted, &first);
		if (piece.slot != NULL)
			memory = piece.slot + piece.offset;
		else
			memory += piece.at;
		if (len != 0)
			maintain(bounce, memory + first, len,
				 wanted->direction);
	}
}

/* What own pages show the device: all of the slots, and what is between. */
static void show_own(const struct bounce_device *device, uint32_t record,
		     const struct record_about *about, uint64_t target)
{
	const struct bounce *bounce = device->bounce;
	uint8_t direction = direction_of(about);
	struct bounce_part pages = { .direction = direction };
	struct bounce_piece piece;
	struct bounce_run ends;

	if (bounce_own_ends(bounce, record, about, &ends))
		maintain(bounce, bounce_pool_memory(bounce, &ends),
			 bounce_run_bytes(&ends), direction);
	(void)bounce_own_piece(bounce, record, about, OWN_PAGES, &piece);
	pages.offset = piece.at;
	pages.len = piece.len;
	maintain_own(device, record, about, target, &pages);
}

static const unsigned char *memory_of(const struct bounce_device *device,
				      uint32_t record,
				      const struct record_about *about,
				      uint64_t target)
{
	const struct bounce *bounce = device->bounce;
	struct bounce_run run;

	if (about->kind == RECORD_DIRECT)
		return open_memory(device, about, target);
	if (about->kind != RECORD_BORN)
		return bounce_mapping_shared(bounce, record, about);
	bounce_pool_run_of(bounce, (uint32_t)target, 1, &run);
	return bounce_pool_memory(bounce, &run) + (target >> 32);
}

/* ---- who is next ---- */

void bounce_cache_for_device(const struct bounce_request *request,
			     const struct bounce_prepared *prepared)
{
	const struct bounce_device *device = request->queue->device;
	const struct record_about *about = &prepared->about;
	const unsigned char *memory;
	uint64_t len = about->len;
	struct bounce_run run;

	if (is_own(device, prepared->record, about)) {
		show_own(device, prepared->record, about, prepared->target);
		return;
	}
	memory = memory_of(device, prepared->record, about, prepared->target);
	if (about->kind == RECORD_RUN) {
		/* All of it: what is around the bytes was zeroed. */
		bounce_record_run(device->bounce, prepared->record, about,
				  &run);
		memory -= about->offset;
		len = bounce_run_bytes(&run);
	}
	bounce_assert(memory != NULL);
	maintain(device->bounce, memory, len, direction_of(about));
}

void bounce_cache_sync(const struct bounce_device *device, uint32_t record,
		       const struct record_about *about, uint64_t target,
		       const struct bounce_part *part)
{
	const unsigned char *memory;

	if (is_own(device, record, about)) {
		maintain_own(device, record, about, target, part);
		return;
	}
	memory = memory_of(device, record, about, target);
	bounce_assert(memory != NULL);
	maintain(device->bounce, memory + part->offset, part->len,
		 part->direction);
}
