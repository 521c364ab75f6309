/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * ours.c - an instance of libbounce for the benchmark; see ours.h.
 */
#include "ours.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "instance.h"

/* Slots that may be split: as many as 1.1 % of metadata leave room for, less
 * a little for what does not grow with the pool. */
#define META_PERCENT 1.1
#define MONITOR_BATCH 64u

static uint64_t monitor_calls;

_Noreturn void ours_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	exit(1);
}

/* ---- a monitor that counts ---- */

static enum bounce_protection detect(void *ctx)
{
	(void)ctx;
	return BOUNCE_PROTECTION_YES;
}

static enum bounce_step share(void *ctx, bounce_gpa_t gpa, uint32_t count,
			      uint32_t *done)
{
	(void)ctx;
	(void)gpa;
	monitor_calls++;
	*done = count;
	return BOUNCE_STEP_DONE;
}

static const struct bounce_arch monitor = {
	.name = "counting",
	.granule_shift = BOUNCE_SLOT_SHIFT,
	.contents = BOUNCE_CONTENTS_KEPT,
	.batch = MONITOR_BATCH,
	.detect = detect,
	.share = share,
	.unshare = share,
};

/* ---- the instance ---- */

static void *memory(size_t bytes, size_t align)
{
	size_t huge = (size_t)2 << 20;
	size_t whole = (bytes + huge - 1) / huge * huge + huge;
	char *p = mmap(NULL, whole, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	ours_check(p != MAP_FAILED && align <= huge);
	p += (huge - (uintptr_t)p % huge) % huge;
	madvise(p, whole - huge, MADV_HUGEPAGE);
	return p;
}

static struct bounce_config config_of(const struct setup *setup)
{
	uint32_t pools = setup->layout == LAYOUT_OWN ? setup->lanes : 1;
	uint64_t bytes = setup->pool_bytes / pools;
	uint64_t slab = bytes < BOUNCE_SLAB_BYTES ? bytes : BOUNCE_SLAB_BYTES;
	struct bounce_config config = {
		.pools = (uint16_t)pools,
		.spaces = (uint16_t)pools,
		.devices = (uint16_t)setup->lanes,
		.queues = (uint16_t)setup->lanes,
		.slabs = (uint16_t)(pools * (bytes / slab)),
		.slab_chunks = (uint16_t)(slab >> BOUNCE_CHUNK_SHIFT),
		.direct = 64,
	};
	struct bounce_config more = config;

	/* As many blocks as fit, in steps of a word of them. */
	for (;;) {
		more.blocks += 8;
		if ((double)bounce_meta_size(&more) >
		    (double)setup->pool_bytes * META_PERCENT / 100)
			return config;
		config.blocks = more.blocks;
	}
}

static void make_instance(struct ours *ours, const struct setup *setup,
			  const struct bounce_config *config,
			  unsigned char *arena)
{
	const struct bounce_env env = {
		.linear = { { { (uintptr_t)arena },
			      arena,
			      setup->pool_bytes } },
	};
	const struct bounce_monitor how = {
		.arch = setup->monitored ? &monitor : &bounce_arch_none,
	};

	ours->meta_bytes = bounce_meta_size(config);
	ours_check(bounce_init(memory(ours->meta_bytes, BOUNCE_META_ALIGN),
			       ours->meta_bytes, config, &env, &how,
			       &ours->bounce) == BOUNCE_OK);
}

static void make_pool(struct ours *ours, const struct bounce_config *config,
		      uint32_t index, uintptr_t base)
{
	const struct bounce_pool_info info = {
		.slabs = (uint16_t)(config->slabs / config->pools),
	};
	uint64_t slab = (uint64_t)config->slab_chunks << BOUNCE_CHUNK_SHIFT;

	ours_check(bounce_pool_init(ours->bounce, &info, &ours->pool[index]) ==
		   BOUNCE_OK);
	for (uint32_t i = 0; i < info.slabs; i++)
		ours_check(bounce_pool_grow(
				   ours->pool[index],
				   (bounce_gpa_t) { base + (index * info.slabs +
							    i) * slab },
				   slab) == BOUNCE_OK);
}

static struct bounce_space *make_space(const struct ours *ours, uint32_t pool)
{
	const struct bounce_window identity = { .len = 0 };
	struct bounce_space *space;

	ours_check(bounce_space_init(ours->bounce, ours->pool[pool], &space) ==
		   BOUNCE_OK);
	ours_check(bounce_space_add_window(space, &identity) == BOUNCE_OK);
	return space;
}

static struct bounce_device *attach(const struct ours *ours,
				    const struct setup *setup,
				    struct bounce_space *space, uint16_t queues)
{
	const struct bounce_device_info info = {
		.space = space,
		.features = BOUNCE_VIRTIO_F_VERSION_1 |
			    BOUNCE_VIRTIO_F_ACCESS_PLATFORM,
		.min_align_mask = setup->align,
		.flags = BOUNCE_DEVICE_FORCE,
		.queues = queues,
	};
	struct bounce_device *device;

	ours_check(bounce_device_attach(ours->bounce, &info, &device, NULL) ==
		   BOUNCE_OK);
	return device;
}

/* Devices and queues, as the layout says; see peer.h. */
static void make_queues(struct ours *ours, const struct setup *setup)
{
	struct bounce_space *space = NULL;
	struct bounce_device *device = NULL;

	for (uint32_t lane = 0; lane < setup->lanes; lane++) {
		bool one = setup->layout >= LAYOUT_QUEUES;

		if (lane == 0 || setup->layout == LAYOUT_OWN)
			space = make_space(ours, lane);
		if (lane == 0 || !one)
			device = attach(ours, setup, space,
					one ? (uint16_t)setup->lanes : 1);
		ours->queue[lane] = bounce_device_queue(
			device,
			one && setup->layout != LAYOUT_QUEUE ? lane : 0);
		ours_check(ours->queue[lane] != NULL);
	}
}

const struct ours *ours_start(const struct setup *setup)
{
	const struct bounce_config config = config_of(setup);
	unsigned char *arena = memory(setup->pool_bytes, BOUNCE_CHUNK_BYTES);
	struct ours *ours = calloc(1, sizeof(*ours));

	ours_check(ours != NULL);
	make_instance(ours, setup, &config, arena);
	ours->pools = config.pools;
	for (uint32_t i = 0; i < ours->pools; i++)
		make_pool(ours, &config, i, (uintptr_t)arena);
	make_queues(ours, setup);
	return ours;
}

/* ---- questions ---- */

uint64_t ours_used(const struct ours *ours)
{
	uint64_t slots = 0;

	for (uint32_t i = 0; i < ours->pools; i++) {
		struct bounce_pool_stats stats;

		bounce_pool_stats(ours->pool[i], &stats);
		slots += stats.slots - stats.slots_free;
	}
	return slots << BOUNCE_SLOT_SHIFT;
}

uint64_t ours_share_calls(void)
{
	return monitor_calls;
}

uint64_t ours_footprint(const struct ours *ours, uint32_t record, uint64_t bus,
			uint32_t len)
{
	bool granules = record >= ours->bounce->first_block_record;
	uint64_t mask = granules ? BOUNCE_GRANULE_BYTES - 1 :
				   BOUNCE_SLOT_BYTES - 1;

	return bounce_round_up((bus & mask) + len, mask);
}

/* A run of @slots free slots in one chunk of the slab? */
static bool chunk_has_run(const struct bounce_slab *slab, uint32_t slots)
{
	for (uint32_t i = 0; i < slab->chunks; i++) {
		bool sealed = (slab->free_chunks >> i & 1) != 0;
		uint64_t free = sealed ? UINT64_MAX : ~slab->chunk[i].bits;

		if (bounce_pool_runs(free, slots) != 0)
			return true;
	}
	return false;
}

/* A run of @chunks wholly free chunks? */
static bool slab_has_run(const struct bounce_slab *slab, uint32_t chunks)
{
	uint64_t free = slab->free_chunks;

	for (uint32_t i = 0; i < slab->chunks; i++)
		if (slab->chunk[i].bits == 0)
			free |= UINT64_C(1) << i;
	return bounce_pool_runs(free, chunks) != 0;
}

bool ours_overlooked(const struct ours *ours, const struct request *request)
{
	uint32_t slots = (request->len + BOUNCE_SLOT_BYTES - 1) >>
			 BOUNCE_SLOT_SHIFT;

	for (uint32_t i = 0; i < ours->bounce->config.slabs; i++) {
		const struct bounce_slab *slab = &ours->bounce->slab[i];

		if (slots <= SLOTS_PER_CHUNK ?
			    chunk_has_run(slab, slots) :
			    slab_has_run(slab, (slots + SLOTS_PER_CHUNK - 1) /
						       SLOTS_PER_CHUNK))
			return true;
	}
	return false;
}
