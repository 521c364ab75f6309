/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * cache.c - the caches, where they do not see a device's DMA. The only caller
 * of the hooks of env.cache; nothing of it is reached for a SNOOPED space.
 *
 *   H1  Before a device is told of a mapping, what it may read is in memory,
 *       and no line of what it may write is in a cache: one that is dirty
 *       would be written over the device's bytes, at any later time.
 *   H2  A run is whole lines (device.c adds the line to the alignment), and a
 *       buffer that is used where it is, is too: no line is shared with bytes
 *       that the CPU uses meanwhile.
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
	const unsigned char *memory = memory_of(device, prepared->record, about,
						prepared->target);
	uint64_t len = about->len;
	struct bounce_run run;

	if (about->kind == RECORD_RUN) {
		/* All of it: what is around the bytes was zeroed. */
		bounce_record_run(device->bounce, prepared->record, about,
				  &run);
		memory -= about->offset;
		len = bounce_run_bytes(&run);
	}
	bounce_assert(memory != NULL);
	if ((about->how & RECORD_FROM) != 0)
		bounce_cache_drop(device->bounce, memory, len);
	else
		clean(device->bounce, memory, len);
}

void bounce_cache_sync(const struct bounce_device *device, uint32_t record,
		       const struct record_about *about, uint64_t target,
		       const struct bounce_part *part)
{
	const unsigned char *memory = memory_of(device, record, about, target);

	bounce_assert(memory != NULL);
	if (part->direction == RECORD_FROM)
		bounce_cache_drop(device->bounce, memory + part->offset,
				  part->len);
	else
		clean(device->bounce, memory + part->offset, part->len);
}
