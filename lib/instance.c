/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * instance.c - lay struct bounce and its tables out in the caller's memory;
 * make and end instances and pools.
 *
 *   L1  The layout is a function of the configuration alone: the same walk
 *       tells the size and places the tables.
 *   L2  After init every word of the tree is busy and no chunk is free (P5).
 */
#include "instance.h"

#include "copy.h"
#include "share.h"

/* The walk: offsets from `base`, or just sizes while `base` is NULL. */
struct layout {
	unsigned char *base;
	size_t at;
};

/* Where everything is; the members of struct bounce of the same names. */
struct tables {
	struct bounce_pool *pool;
	struct bounce_slab *slab;
	struct bounce_space *space;
	struct bounce_device *device;
	struct bounce_queue *queue;
	struct bounce_function *function;
	struct pool_chunk *chunk;
	struct bounce_record *record;
	_Atomic uint16_t *owner;
	uint8_t *page;
	struct bounce_block *block;
	struct pool_group *block_busy;
	struct pool_word *direct_busy;
	struct bounce_window *window;
	uint64_t *bus;
};

static void *carve(struct layout *layout, size_t count, size_t size)
{
	void *place = layout->base == NULL ? NULL : layout->base + layout->at;

	layout->at += bounce_round_up(count * size, BOUNCE_META_ALIGN - 1);
	return place;
}

static void lay_out(struct layout *layout, struct tables *t,
		    const struct bounce_config *c)
{
	size_t chunks = (size_t)c->slabs * c->slab_chunks;
	size_t slots = chunks * SLOTS_PER_CHUNK;
	size_t records = slots + (size_t)c->blocks * GRANULES_PER_SLOT +
			 c->direct;

	carve(layout, 1, sizeof(struct bounce));
	t->pool = carve(layout, c->pools, sizeof(struct bounce_pool));
	t->slab = carve(layout, c->slabs, sizeof(struct bounce_slab));
	t->space = carve(layout, c->spaces, sizeof(struct bounce_space));
	t->device = carve(layout, c->devices, sizeof(struct bounce_device));
	t->queue = carve(layout, c->queues, sizeof(struct bounce_queue));
	t->function = carve(layout, c->functions,
			    sizeof(struct bounce_function));
	t->chunk = carve(layout, chunks, sizeof(struct pool_chunk));
	t->record = carve(layout, records, sizeof(struct bounce_record));
	t->owner = carve(layout, slots, sizeof(uint16_t));
	t->page = carve(layout, slots, sizeof(uint8_t));
	t->block = carve(layout, c->blocks, sizeof(struct bounce_block));
	t->block_busy = carve(layout, bounce_words(c->blocks),
			      sizeof(struct pool_group));
	t->direct_busy = carve(layout, bounce_words(c->direct),
			       sizeof(struct pool_word));
	t->window = carve(layout, (size_t)c->spaces * c->windows,
			  sizeof(struct bounce_window));
	t->bus = carve(layout, (size_t)c->spaces * 2 * c->slabs,
		       sizeof(uint64_t));
}

static void adopt(struct bounce *b, const struct tables *t)
{
	b->pool = t->pool;
	b->slab = t->slab;
	b->space = t->space;
	b->device = t->device;
	b->queue = t->queue;
	b->function = t->function;
	b->chunk = t->chunk;
	b->record = t->record;
	b->owner = t->owner;
	b->page = t->page;
	b->block = t->block;
	b->block_busy = t->block_busy;
	b->direct_busy = t->direct_busy;
	b->window = t->window;
	b->bus = t->bus;
}

/* A count of the configuration: 0 may stand for a default. */
struct count {
	uint32_t value;
	uint32_t least;
	uint32_t most;
};

static bool counts_valid(const struct bounce_config *c)
{
	const struct count counts[] = {
		{ c->pools, 1, 64 },
		{ c->spaces, 1, 1024 },
		{ c->windows, 1, 16 },
		{ c->devices, 1, 4096 },
		{ c->queues, 1, 16384 },
		{ c->slabs, 1, 4096 },
		{ c->slab_chunks, 1, CHUNKS_PER_SLAB },
		{ c->blocks, 0, 65536 },
		{ c->direct, 0, 65536 },
		{ c->functions, 0, 4096 },
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		if (counts[i].value < counts[i].least ||
		    counts[i].value > counts[i].most)
			return false;
	for (size_t i = 0; i < sizeof(c->reserved) / sizeof(c->reserved[0]);
	     i++)
		if (c->reserved[i] != 0)
			return false;
	return true;
}

static void set_default(uint16_t *count, uint16_t value)
{
	if (*count == 0)
		*count = value;
}

/* Fill in the defaults; false when a count is out of range. */
static bool complete(const struct bounce_config *config,
		     struct bounce_config *c)
{
	*c = *config;
	set_default(&c->pools, 1);
	set_default(&c->spaces, 1);
	set_default(&c->windows, 2);
	set_default(&c->devices, 1);
	set_default(&c->queues, c->devices);
	return counts_valid(c);
}

size_t bounce_meta_size(const struct bounce_config *config)
{
	struct layout layout = { .base = NULL };
	struct tables tables;
	struct bounce_config c;

	if (config == NULL || !complete(config, &c))
		return 0;
	lay_out(&layout, &tables, &c);
	return layout.at;
}

/* A range of the linear map by itself. */
static bool linear_valid(const struct bounce_linear *range)
{
	return range->ptr != NULL && !bounce_wraps(range->gpa.v, range->len) &&
	       !bounce_wraps((uintptr_t)range->ptr, range->len);
}

/* Ranges do not overlap, or one page would have two addresses. */
static bool linear_apart(const struct bounce_linear *a,
			 const struct bounce_linear *b)
{
	return !bounce_overlaps(a->gpa.v, a->len, b->gpa.v, b->len) &&
	       !bounce_overlaps((uintptr_t)a->ptr, a->len, (uintptr_t)b->ptr,
				b->len);
}

static bool cache_valid(const struct bounce_cache *cache)
{
	return cache == NULL ||
	       (cache->clean != NULL && cache->invalidate != NULL &&
		cache->reserved == 0 && cache->line_bytes != 0 &&
		cache->line_bytes <= BOUNCE_SLOT_BYTES &&
		bounce_is_low_mask(cache->line_bytes - 1));
}

static bool env_valid(const struct bounce_env *env)
{
	const struct bounce_linear *linear = env->linear;

	for (size_t i = 0; i < BOUNCE_LINEAR_RANGES && linear[i].len != 0;
	     i++) {
		if (!linear_valid(&linear[i]))
			return false;
		for (size_t j = 0; j < i; j++)
			if (!linear_apart(&linear[i], &linear[j]))
				return false;
	}
	for (size_t i = 0; i < sizeof(env->reserved) / sizeof(env->reserved[0]);
	     i++)
		if (env->reserved[i] != 0)
			return false;
	return cache_valid(env->cache);
}

static bool arch_valid(const struct bounce_arch *arch)
{
	return arch != NULL && arch->detect != NULL && arch->share != NULL &&
	       arch->unshare != NULL && arch->batch != 0 &&
	       arch->granule_shift >= BOUNCE_SLOT_SHIFT &&
	       arch->granule_shift <= BOUNCE_SLAB_SHIFT &&
	       arch->contents <= BOUNCE_CONTENTS_UNDEFINED &&
	       (!arch->verify_share || arch->contents == BOUNCE_CONTENTS_ZERO);
}

static void init_slab(struct bounce *b, uint32_t index)
{
	struct bounce_slab *slab = &b->slab[index];
	size_t first_chunk = (size_t)index * b->config.slab_chunks;
	size_t first_slot = first_chunk * SLOTS_PER_CHUNK;

	slab->index = index;
	slab->first_record = (uint32_t)first_slot;
	slab->chunk = &b->chunk[first_chunk];
	slab->record = &b->record[first_slot];
	slab->owner = &b->owner[first_slot];
	slab->page = &b->page[first_slot];
	for (uint32_t i = 0; i < b->config.slab_chunks; i++) {
		struct pool_chunk *chunk = &slab->chunk[i];

		atomic_init(&chunk->bits, UINT64_MAX); /* L2 */
		chunk->slab = index;
		chunk->slot = i * SLOTS_PER_CHUNK;
	}
}

static void init_records(struct bounce *b)
{
	/*
	 * Generations begin at a number of this instance's own, so that a
	 * handle of another instance is almost surely stale here; what is left
	 * is caught by the bus address.
	 */
	uint64_t seed = ((uintptr_t)b >> 8) & 0xffffff;

	b->first_block_record = b->config.slabs * b->slots_per_slab;
	b->first_direct_record = b->first_block_record +
				 b->config.blocks * GRANULES_PER_SLOT;
	b->records = b->first_direct_record + b->config.direct;
	for (uint32_t i = 0; i < b->records; i++)
		bounce_record_init(&b->record[i], seed);
}

static void init_tables(struct bounce *b)
{
	const struct bounce_config *c = &b->config;

	b->slots_per_slab = (uint32_t)c->slab_chunks * SLOTS_PER_CHUNK;
	b->chunks = (uint32_t)c->slabs * c->slab_chunks;
	for (uint32_t i = 0; i < c->slabs; i++)
		init_slab(b, i);
	for (uint32_t i = 0; i < c->blocks; i++)
		atomic_init(&b->block[i].word, UINT64_MAX); /* L2 */
	for (uint32_t i = 0; i < c->pools; i++)
		b->pool[i].bounce = b;
	for (uint32_t i = 0; i < c->devices; i++)
		b->device[i].bounce = b;
	for (uint32_t i = 0; i < c->functions; i++)
		b->function[i].bounce = b;
	for (uint32_t i = 0; i < c->queues; i++)
		b->queue[i].index = i;
	for (uint32_t i = 0; i < c->spaces; i++) {
		struct bounce_space *space = &b->space[i];
		size_t row = (size_t)i * 2 * c->slabs;

		space->bounce = b;
		space->index = i;
		space->windows.window = &b->window[(size_t)i * c->windows];
		space->bus[BOUNCE_PATH_BUS] = &b->bus[row];
		space->bus[BOUNCE_PATH_BYPASS] = &b->bus[row + c->slabs];
	}
	init_records(b);
}

enum bounce_err bounce_init(void *memory, size_t bytes,
			    const struct bounce_config *config,
			    const struct bounce_env *env,
			    const struct bounce_monitor *arch,
			    struct bounce **bounce)
{
	struct layout layout = { .base = memory };
	size_t need = bounce_meta_size(config);
	struct bounce *b = memory;
	struct tables tables;

	if (memory == NULL || env == NULL || arch == NULL || bounce == NULL ||
	    need == 0 || (uintptr_t)memory % BOUNCE_META_ALIGN != 0 ||
	    !env_valid(env) || !arch_valid(arch->arch))
		return BOUNCE_ERR_ARG;
	if (bytes < need)
		return BOUNCE_ERR_RANGE;
	bounce_copy_zero(memory, need);
	(void)complete(config, &b->config);
	b->env = *env;
	b->arch = *arch;
	b->memory = memory;
	b->bytes = need;
	lay_out(&layout, &tables, &b->config);
	adopt(b, &tables);
	init_tables(b);
	atomic_init(&b->epoch, 1);
	atomic_init(&b->slab_low, UINT64_MAX);
	bounce_share_detect(b);
	*bounce = b;
	return BOUNCE_OK;
}

enum bounce_err bounce_fini(struct bounce *bounce)
{
	for (uint32_t i = 0; i < bounce->config.pools; i++)
		if (bounce->pool[i].in_use)
			return BOUNCE_ERR_BUSY;
	for (uint32_t i = 0; i < bounce->config.devices; i++)
		if (bounce->device[i].in_use)
			return BOUNCE_ERR_BUSY;
	return BOUNCE_OK;
}

void bounce_mark_dead(struct bounce *bounce)
{
	/* relaxed: it binds the maps that start after it, by whatever order
	 * the caller has between the two. */
	atomic_store_explicit(&bounce->dead, 1, memory_order_relaxed);
}

unsigned char *bounce_linear_pointer(const struct bounce *bounce,
				     bounce_gpa_t gpa, uint64_t len)
{
	for (size_t i = 0; i < BOUNCE_LINEAR_RANGES; i++) {
		const struct bounce_linear *range = &bounce->env.linear[i];

		if (range->len == 0)
			break;
		if (bounce_inside(gpa.v, len, range->gpa.v, range->len))
			return range->ptr + (gpa.v - range->gpa.v);
	}
	return NULL;
}

/* ---- pools ---- */

static struct bounce_pool *free_pool(struct bounce *bounce)
{
	for (uint32_t i = 0; i < bounce->config.pools; i++)
		if (!bounce->pool[i].in_use)
			return &bounce->pool[i];
	return NULL;
}

static bool pool_valid(const struct bounce *bounce,
		       const struct bounce_pool_info *info)
{
	return info->slabs != 0 && info->flags == 0 && info->reserved == 0 &&
	       bounce_cache_serves(bounce, info->coherency) &&
	       info->urgent_chunks < CHUNKS_PER_SLAB && info->high <= 100 &&
	       info->low <= info->high;
}

enum bounce_err bounce_pool_init(struct bounce *bounce,
				 const struct bounce_pool_info *info,
				 struct bounce_pool **pool)
{
	struct bounce_pool *p;
	uint32_t first;

	if (bounce == NULL || info == NULL || pool == NULL ||
	    !pool_valid(bounce, info))
		return BOUNCE_ERR_ARG;
	/* relaxed: init calls are serialised; see bounce_pool_find(). */
	first = atomic_load_explicit(&bounce->slabs_used, memory_order_relaxed);
	p = free_pool(bounce);
	if (p == NULL || info->slabs > bounce->config.slabs - first)
		return BOUNCE_ERR_FULL;
	*p = (struct bounce_pool) {
		.bounce = bounce,
		.in_use = 1,
		.first_slab = first,
		.slab_count = info->slabs,
		.urgent_chunks = info->urgent_chunks,
		.high = info->high,
		.low = info->low,
		.coherency = info->coherency,
	};
	for (uint32_t i = 0; i < info->slabs; i++)
		bounce->slab[first + i].pool = p;
	/* relaxed: as above. */
	atomic_store_explicit(&bounce->slabs_used, first + info->slabs,
			      memory_order_relaxed);
	*pool = p;
	return BOUNCE_OK;
}

enum bounce_err bounce_pool_fini(struct bounce_pool *pool)
{
	enum bounce_err result = BOUNCE_OK;

	if (pool == NULL || !pool->in_use)
		return BOUNCE_ERR_ARG;
	if (pool->spaces != 0)
		return BOUNCE_ERR_BUSY;
	for (uint32_t i = 0; i < pool->slab_count; i++) {
		struct bounce_slab *slab =
			&pool->bounce->slab[pool->first_slab + i];
		enum bounce_err err = BOUNCE_OK;
		/* relaxed: no call on this pool is in progress. */
		uint32_t phase = atomic_load_explicit(&slab->phase,
						      memory_order_relaxed);

		if (phase == SLAB_READY)
			err = bounce_pool_retire(pool, slab->base);
		if (err == BOUNCE_ERR_BUSY)
			return err;
		if (err != BOUNCE_OK || phase == SLAB_LOST)
			result = BOUNCE_ERR_LOST;
	}
	pool->in_use = 0;
	return result;
}
