/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * space.c - I/O address spaces: windows, and where each slab is seen in them.
 *
 *   A1  bus[path][slab] is the bus address of a slab's first byte when one
 *       window of that path holds all of it, and NO_BUS otherwise. It is
 *       written before the slab is ready, or while no device is attached, so
 *       that the I/O path reads it as a constant.
 */
#include "instance.h"
#include "iommu.h"

static void place_slab(struct bounce_space *space,
		       const struct bounce_slab *slab)
{
	uint64_t len = (uint64_t)slab->chunks << BOUNCE_CHUNK_SHIFT;

	for (uint32_t path = 0; path < 2; path++) {
		bounce_bus_t bus;
		bool seen = bounce_window_bus(&space->windows, path, slab->base,
					      len, &bus);

		/* Only the bus's own path is translated, if any is. */
		seen = seen && (path == BOUNCE_PATH_BYPASS ||
				bounce_iommu_reaches(space, bus.v, len));
		space->bus[path][slab->index] = seen ? bus.v : NO_BUS;
	}
}

void bounce_space_place_slab(struct bounce *bounce, struct bounce_pool *pool,
			     struct bounce_slab *slab)
{
	for (uint32_t i = 0; i < bounce->config.spaces; i++) {
		struct bounce_space *space = &bounce->space[i];

		if (space->in_use && space->pool == pool)
			place_slab(space, slab);
	}
}

void bounce_space_place_all(struct bounce_space *space)
{
	const struct bounce *bounce = space->bounce;

	for (uint32_t i = 0; i < bounce->config.slabs; i++) {
		const struct bounce_slab *slab = &bounce->slab[i];

		/* acquire: pairs with the store of `ready` in grow.c (P6). */
		if (slab->pool == space->pool && space->pool != NULL &&
		    atomic_load_explicit(&slab->ready, memory_order_acquire))
			place_slab(space, slab);
		else
			space->bus[0][i] = space->bus[1][i] = NO_BUS;
	}
}

/* relaxed: nobody else knows the space yet. */
static void begin_counting(struct bounce_space *space)
{
	space->unhonoured = 0;
	atomic_store_explicit(&space->map_calls, 0, memory_order_relaxed);
	atomic_store_explicit(&space->unmap_calls, 0, memory_order_relaxed);
	atomic_store_explicit(&space->flush_calls, 0, memory_order_relaxed);
	atomic_store_explicit(&space->mapped_bytes, 0, memory_order_relaxed);
	atomic_store_explicit(&space->lost_bytes, 0, memory_order_relaxed);
}

enum bounce_err bounce_space_init(struct bounce *bounce,
				  struct bounce_pool *pool,
				  struct bounce_space **space)
{
	if (bounce == NULL || space == NULL ||
	    (pool != NULL && (pool->bounce != bounce || !pool->in_use)))
		return BOUNCE_ERR_ARG;
	for (uint32_t i = 0; i < bounce->config.spaces; i++) {
		struct bounce_space *s = &bounce->space[i];

		if (s->in_use)
			continue;
		s->in_use = 1;
		s->pool = pool;
		s->windows.count = 0;
		s->coherency = pool != NULL ? pool->coherency : BOUNCE_SNOOPED;
		s->devices = 0;
		begin_counting(s);
		if (pool != NULL)
			pool->spaces++;
		bounce_space_place_all(s);
		*space = s;
		return BOUNCE_OK;
	}
	return BOUNCE_ERR_FULL;
}

enum bounce_err bounce_space_set_coherency(struct bounce_space *space,
					   uint32_t coherency)
{
	if (space == NULL || !bounce_cache_serves(space->bounce, coherency))
		return BOUNCE_ERR_ARG;
	if (space->devices != 0 || space->translation.iommu != NULL)
		return BOUNCE_ERR_BUSY;
	if (space->pool != NULL && space->pool->coherency != coherency)
		return BOUNCE_ERR_REFUSED;
	space->coherency = coherency;
	return BOUNCE_OK;
}

enum bounce_err bounce_space_add_window(struct bounce_space *space,
					const struct bounce_window *window)
{
	if (space == NULL || window == NULL || !bounce_window_valid(window))
		return BOUNCE_ERR_ARG;
	for (uint32_t i = 0; i < space->windows.count; i++)
		if (bounce_window_clash(&space->windows.window[i], window))
			return BOUNCE_ERR_ARG;
	if (space->devices != 0 || space->translation.iommu != NULL)
		return BOUNCE_ERR_BUSY;
	if (space->windows.count == space->bounce->config.windows)
		return BOUNCE_ERR_FULL;
	space->windows.window[space->windows.count++] = *window;
	bounce_space_place_all(space);
	return BOUNCE_OK;
}

enum bounce_err bounce_space_fini(struct bounce_space *space)
{
	enum bounce_err err;

	if (space == NULL || !space->in_use)
		return BOUNCE_ERR_ARG;
	if (space->devices != 0)
		return BOUNCE_ERR_BUSY;
	err = bounce_iommu_leave(space);
	if (space->pool != NULL)
		space->pool->spaces--;
	space->in_use = 0;
	return err;
}

/* relaxed, all of it: counters. */
void bounce_space_info(const struct bounce_space *space,
		       struct bounce_space_info *info)
{
	*info = (struct bounce_space_info) {
		.windows = space->windows.count,
		.flags = space->translation.flags,
		.unhonoured = space->unhonoured,
		.translated = space->translation.iommu != NULL,
		.map_calls = atomic_load_explicit(&space->map_calls,
						  memory_order_relaxed),
		.unmap_calls = atomic_load_explicit(&space->unmap_calls,
						    memory_order_relaxed),
		.flush_calls = atomic_load_explicit(&space->flush_calls,
						    memory_order_relaxed),
		.mapped_bytes = atomic_load_explicit(&space->mapped_bytes,
						     memory_order_relaxed),
		.lost_bytes = atomic_load_explicit(&space->lost_bytes,
						   memory_order_relaxed),
		.coherency = space->coherency,
		.line_bytes = space->coherency == BOUNCE_SNOOPED ?
				      0 :
				      space->bounce->env.cache->line_bytes,
	};
	bounce_iommu_ask(space, &info->iommu);
}

bool bounce_space_window(const struct bounce_space *space, uint32_t index,
			 struct bounce_window *window)
{
	if (index >= space->windows.count)
		return false;
	*window = space->windows.window[index];
	return true;
}

bool bounce_space_valid(const struct bounce_space *space)
{
	if (space->pool != NULL && space->pool->coherency != space->coherency)
		return false;
	for (uint32_t i = 0; i < space->windows.count; i++) {
		if (!bounce_window_valid(&space->windows.window[i]))
			return false;
		for (uint32_t j = 0; j < i; j++)
			if (bounce_window_clash(&space->windows.window[i],
						&space->windows.window[j]))
				return false;
	}
	return space->windows.count <= space->bounce->config.windows;
}
