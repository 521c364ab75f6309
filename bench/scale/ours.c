/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * ours.c - libbounce's allocator: its own sources, compiled with access.h. A
 * device with a queue for each CPU; slots and whole chunks, no granules.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "design.h"
#include "machine.h"
#include "quick.h"

#define GPA (UINT64_C(1) << 40)
#define SIZES 64u /* of which places are kept: multiples of 4 KiB */

static struct {
	void *meta;
	unsigned char *pool_memory;
	uint64_t pool_bytes;
	struct bounce *bounce;
	struct bounce_pool *pool;
	struct pool_client client[SCALE_CPUS];
	struct bounce_place place[SIZES + 1]; /* by slots */
} ours;

_Static_assert(sizeof(struct bounce_run) ==
		       sizeof(((struct scale_run *)NULL)->word),
	       "a run is kept in a run");

/* ---- what copy.c calls (-Dmemset=...): the pool is address space only ---- */

void *scale_memset(void *to, int byte, size_t len);

void *scale_memset(void *to, int byte, size_t len)
{
	if ((uintptr_t)to - (uintptr_t)ours.pool_memory >= ours.pool_bytes)
		memset(to, byte, len);
	return to;
}

/* ---- set-up ---- */

static void must(enum bounce_err err, const char *what)
{
	if (err == BOUNCE_OK)
		return;
	fprintf(stderr, "scale: %s: %d\n", what, (int)err);
	exit(EXIT_FAILURE);
}

static void make_instance(const struct scale_setup *setup)
{
	uint32_t slabs = (uint32_t)(setup->pool_bytes >> BOUNCE_SLAB_SHIFT);
	const struct bounce_config config = {
		.slabs = (uint16_t)slabs,
		.slab_chunks = CHUNKS_PER_SLAB,
		.queues = (uint16_t)setup->cpus,
	};
	const struct bounce_env env = {
		.linear = { { .gpa = { GPA },
			      .ptr = ours.pool_memory,
			      .len = setup->pool_bytes } },
	};
	const struct bounce_monitor monitor = { .arch = &bounce_arch_none };
	size_t bytes = bounce_meta_size(&config);

	ours.meta = aligned_alloc(BOUNCE_META_ALIGN,
				  (bytes + BOUNCE_META_ALIGN - 1) &
					  ~(size_t)(BOUNCE_META_ALIGN - 1));
	must(bounce_init(ours.meta, bytes, &config, &env, &monitor,
			 &ours.bounce),
	     "bounce_init()");
	machine_init(setup->cpus, setup->nodes, ours.meta, bytes);
}

static void make_pool(const struct scale_setup *setup)
{
	uint32_t slabs = (uint32_t)(setup->pool_bytes >> BOUNCE_SLAB_SHIFT);
	const struct bounce_pool_info info = { .slabs = (uint16_t)slabs };

	must(bounce_pool_init(ours.bounce, &info, &ours.pool),
	     "bounce_pool_init()");
	for (uint32_t i = 0; i < slabs; i++) {
		const bounce_gpa_t gpa = { GPA +
					   (uint64_t)i * BOUNCE_SLAB_BYTES };

		uint8_t node = (uint8_t)(i * setup->nodes / slabs);

		must(bounce_pool_grow_home(ours.pool, gpa, BOUNCE_SLAB_BYTES,
					   setup->aware ? node : 0),
		     "bounce_pool_grow_home()");
	}
}

static struct bounce_device *make_device(const struct scale_setup *setup)
{
	const struct bounce_window all = { .flags = 0 };
	struct bounce_device_info info = {
		.features = BOUNCE_VIRTIO_F_VERSION_1 |
			    BOUNCE_VIRTIO_F_ACCESS_PLATFORM,
		.flags = BOUNCE_DEVICE_FORCE,
		.queues = (uint16_t)setup->cpus,
	};
	struct bounce_device *device;

	must(bounce_space_init(ours.bounce, ours.pool, &info.space),
	     "bounce_space_init()");
	must(bounce_space_add_window(info.space, &all),
	     "bounce_space_add_window()");
	must(bounce_device_attach(ours.bounce, &info, &device, NULL),
	     "bounce_device_attach()");
	return device;
}

/* Where a run may start: what a caller works out beforehand. */
static void make_places(void)
{
	const struct bounce_limits limits = {
		.last = UINT64_MAX,
		.boundary = UINT64_MAX,
		.segment = UINT64_MAX,
	};

	for (uint32_t slots = 1; slots <= SIZES; slots++)
		if (!bounce_window_place(&limits, 0,
					 (uint64_t)slots << BOUNCE_SLOT_SHIFT,
					 BOUNCE_SLOT_SHIFT, &ours.place[slots]))
			must(BOUNCE_ERR_RANGE, "bounce_window_place()");
}

static void start(const struct scale_setup *setup)
{
	struct bounce_device *device;

	ours.pool_bytes = setup->pool_bytes;
	ours.pool_memory = scale_reserve(setup->pool_bytes);
	make_instance(setup);
	make_pool(setup);
	device = make_device(setup);
	make_places();
	for (uint32_t i = 0; i < setup->cpus; i++) {
		struct bounce_queue *queue = bounce_device_queue(device, i);

		if (setup->aware)
			bounce_queue_set_home(queue, (uint8_t)machine_node(i));
		ours.client[i] = (struct pool_client) {
			.hint = &queue->hint,
			.bus = device->space->bus[BOUNCE_PATH_BUS],
			.tenant = bounce_device_tenant(device),
			.lane = quick_lane(queue, BOUNCE_PATH_BUS),
		};
	}
}

static bool claim(uint32_t cpu, uint32_t len, struct scale_run *run)
{
	uint32_t slots = (len + BOUNCE_SLOT_BYTES - 1) >> BOUNCE_SLOT_SHIFT;
	struct bounce_run got;

	if (bounce_pool_claim(ours.pool, &ours.place[slots], &ours.client[cpu],
			      &got) != BOUNCE_OK)
		return false;
	memcpy(run->word, &got, sizeof(got));
	run->offset = (uint64_t)got.slab * BOUNCE_SLAB_BYTES +
		      ((uint64_t)got.slot << BOUNCE_SLOT_SHIFT);
	run->bytes = slots << BOUNCE_SLOT_SHIFT;
	run->len = len;
	return true;
}

static void release(uint32_t cpu, const struct scale_run *run)
{
	struct bounce_run got;

	memcpy(&got, run->word, sizeof(got));
	bounce_pool_give_back(ours.pool, &ours.client[cpu], &got);
}

static void stop(void)
{
	machine_fini();
	free(ours.meta);
	munmap(ours.pool_memory, ours.pool_bytes);
}

const struct scale_design scale_ours = {
	.name = "libbounce",
	.most = SIZES << BOUNCE_SLOT_SHIFT,
	.start = start,
	.claim = claim,
	.release = release,
	.stop = stop,
};
