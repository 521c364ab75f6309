/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * stand.c - see stand.h.
 */
#include "stand.h"

#include <stdlib.h>
#include <string.h>

#define GPA (UINT64_C(1) << 30)
#define META (256u << 10)
#define MARKED 4u /* slots or granules of a run, at most */

struct stand stand;

static struct stand_knobs knobs;
static _Alignas(BOUNCE_META_ALIGN) unsigned char meta[META];
static _Alignas(
	BOUNCE_CHUNK_BYTES) unsigned char arena[STAND_SLABS * STAND_CHUNKS *
						BOUNCE_CHUNK_BYTES];
static _Alignas(4096) unsigned char buffers[EXPLORER_THREADS * STAND_BUFFER];

static void must(bool x)
{
	if (!x)
		abort();
}

/* ---- the monitor ---- */

static enum bounce_protection detect(void *ctx)
{
	(void)ctx;
	return stand.protection;
}

static uint32_t chunk_of(bounce_gpa_t gpa)
{
	return (uint32_t)((gpa.v - GPA) >> BOUNCE_CHUNK_SHIFT);
}

static enum bounce_step change(bounce_gpa_t gpa, uint32_t count, bool shared)
{
	for (uint32_t i = 0; i < count; i++) {
		uint8_t *page = &stand.shared[chunk_of(gpa) + i];

		if (*page == shared)
			explorer_wrong(shared ? "shared twice" :
						"made private twice");
		*page = shared;
	}
	return BOUNCE_STEP_DONE;
}

static enum bounce_step share(void *ctx, bounce_gpa_t gpa, uint32_t count,
			      uint32_t *done)
{
	(void)ctx;
	*done = 0;
	if (stand.refused != 0) {
		stand.refused--;
		return BOUNCE_STEP_UNCHANGED;
	}
	*done = count;
	return change(gpa, count, true);
}

static enum bounce_step unshare(void *ctx, bounce_gpa_t gpa, uint32_t count,
				uint32_t *done)
{
	(void)ctx;
	*done = count;
	return change(gpa, count, false);
}

static const struct bounce_arch arch = {
	.name = "explorer",
	.granule_shift = BOUNCE_CHUNK_SHIFT,
	.contents = BOUNCE_CONTENTS_KEPT,
	.batch = 16,
	.detect = detect,
	.share = share,
	.unshare = unshare,
};

/* ---- the instance ---- */

uint64_t stand_slab_bytes(void)
{
	return (uint64_t)knobs.chunks << BOUNCE_CHUNK_SHIFT;
}

bounce_gpa_t stand_slab(uint32_t index)
{
	return (bounce_gpa_t) { GPA + index * stand_slab_bytes() };
}

static void make_instance(void)
{
	const struct bounce_config config = {
		.devices = EXPLORER_THREADS,
		.queues = EXPLORER_THREADS * 2,
		.slabs = knobs.slabs,
		.slab_chunks = knobs.chunks,
		.blocks = knobs.blocks,
		.direct = knobs.direct,
		.functions = knobs.functions,
	};
	const struct bounce_env env = {
		.linear = {
			{ { GPA }, arena, sizeof(arena) },
			{ { GPA + sizeof(arena) }, buffers, sizeof(buffers) },
		},
	};
	const struct bounce_monitor monitor = { .arch = &arch };
	size_t bytes = bounce_meta_size(&config);

	must(bytes != 0 && bytes <= sizeof(meta));
	must(bounce_init(meta, bytes, &config, &env, &monitor, &stand.bounce) ==
	     BOUNCE_OK);
	explorer_keep(meta, bytes);
}

static void make_space(void)
{
	const struct bounce_pool_info pool = { .slabs = knobs.slabs };
	const struct bounce_window window = {
		.bus = { GPA },
		.gpa = { GPA },
		.len = sizeof(arena) + sizeof(buffers),
	};

	must(bounce_pool_init(stand.bounce, &pool, &stand.pool) == BOUNCE_OK);
	must(bounce_space_init(stand.bounce, stand.pool, &stand.space) ==
	     BOUNCE_OK);
	must(bounce_space_add_window(stand.space, &window) == BOUNCE_OK);
	for (uint32_t i = 0; i < knobs.grown; i++)
		must(bounce_pool_grow(stand.pool, stand_slab(i),
				      stand_slab_bytes()) == BOUNCE_OK);
}

static void attach(uint32_t index, struct bounce_function *function)
{
	uint32_t queues = knobs.queues == 0 ? 1 : knobs.queues;
	const struct bounce_device_info info = {
		.space = stand.space,
		.features = BOUNCE_VIRTIO_F_VERSION_1 |
			    BOUNCE_VIRTIO_F_ACCESS_PLATFORM,
		.queues = (uint16_t)queues,
		.owner = knobs.owner,
		.quota = knobs.quota,
		.function = function,
	};

	must(bounce_device_attach(stand.bounce, &info, &stand.device[index],
				  NULL) == BOUNCE_OK);
	for (uint32_t i = 0; i < queues; i++)
		stand.queue[index * queues + i] =
			bounce_device_queue(stand.device[index], i);
}

static void make_clients(void)
{
	for (uint32_t i = 0; i < EXPLORER_THREADS; i++) {
		stand.hint[i] = (struct pool_hint) {
			.chunk = { NO_CHUNK, NO_CHUNK, NO_CHUNK, NO_CHUNK },
			.block = NO_BLOCK,
		};
		stand.client[i] = (struct pool_client) {
			.hint = &stand.hint[i],
			.bus = stand.space->bus[BOUNCE_PATH_BUS],
			.tenant = 1 + i,
			.lane = 1 + i,
		};
	}
}

void stand_make(const struct stand_knobs *wanted)
{
	knobs = *wanted;
	if (knobs.slabs == 0)
		knobs.slabs = knobs.grown = 1;
	if (knobs.chunks == 0)
		knobs.chunks = 1;
	memset(&stand, 0, sizeof(stand));
	stand.protection = knobs.protection != 0 ? knobs.protection :
						   BOUNCE_PROTECTION_YES;
	memset(buffers, 1, sizeof(buffers));
	make_instance();
	make_space();
	for (uint32_t i = 0; i < knobs.devices; i++)
		attach(i, NULL);
	make_clients();
	explorer_keep(&stand, sizeof(stand));
	explorer_arena(arena, sizeof(arena));
	explorer_arena(buffers, sizeof(buffers));
}

void stand_attach(struct bounce_function *function)
{
	must(bounce_device_detach(stand.device[0]) == BOUNCE_OK);
	attach(0, function);
}

unsigned char *stand_private(unsigned thread)
{
	return &buffers[thread * STAND_BUFFER];
}

struct bounce_buf stand_buf(unsigned thread, uint64_t len)
{
	return (struct bounce_buf) {
		.gpa = { GPA + sizeof(arena) + thread * STAND_BUFFER },
		.len = len,
	};
}

/* ---- runs ---- */

bool stand_claim_bytes(unsigned thread, uint64_t len, uint32_t shift)
{
	static const struct bounce_limits limits = {
		.last = UINT64_MAX,
		.boundary = UINT64_MAX,
		.segment = UINT64_MAX,
	};
	struct bounce_place place;

	explorer_check(bounce_window_place(&limits, 0, len, shift, &place));
	stand.has[thread] = bounce_pool_claim(stand.pool, &place,
					      &stand.client[thread],
					      &stand.run[thread]) == BOUNCE_OK;
	return stand.has[thread];
}

bool stand_claim(unsigned thread, uint32_t slots)
{
	return stand_claim_bytes(thread, (uint64_t)slots << BOUNCE_SLOT_SHIFT,
				 slots > SLOTS_PER_CHUNK ? BOUNCE_CHUNK_SHIFT :
							   BOUNCE_SLOT_SHIFT);
}

static unsigned char *line(unsigned thread, uint32_t i)
{
	const struct bounce_run *run = &stand.run[thread];

	return bounce_pool_memory(stand.bounce, run) +
	       (run->block == NO_BLOCK ? (size_t)i << BOUNCE_SLOT_SHIFT :
					 (size_t)i << BOUNCE_GRANULE_SHIFT);
}

void stand_use(unsigned thread)
{
	const struct bounce_run *run = &stand.run[thread];
	uint32_t count = run->block == NO_BLOCK ? run->slots : run->granules;

	count = count < MARKED ? count : MARKED;
	for (uint32_t i = 0; i < count; i++)
		explorer_memset(line(thread, i), (int)thread + 1,
				BOUNCE_GRANULE_BYTES);
	for (uint32_t i = 0; i < count; i++)
		explorer_check(*line(thread, i) == thread + 1);
}

void stand_release(unsigned thread)
{
	stand.has[thread] = false;
	bounce_pool_give_back(stand.pool, &stand.client[thread],
			      &stand.run[thread]);
}

bool stand_cycle(unsigned thread, uint32_t slots)
{
	if (!stand_claim(thread, slots))
		return false;
	stand_use(thread);
	stand_release(thread);
	return true;
}

void stand_fill(uint32_t free, uint32_t first)
{
	struct bounce_run run;

	for (uint32_t i = 0; i < SLOTS_PER_CHUNK; i++)
		must(stand_claim(0, 1));
	for (uint32_t i = first; i < first + free; i++) {
		run = (struct bounce_run) {
			.slot = i,
			.slots = 1,
			.block = NO_BLOCK,
		};
		bounce_pool_release(stand.pool, &run);
	}
	stand.has[0] = false;
	make_clients();
}

uint64_t stand_free(void)
{
	uint64_t free = 0;

	for (uint32_t i = 0; i < knobs.slabs; i++)
		free += bounce_slab_free_slots(&stand.bounce->slab[i]);
	return free;
}
