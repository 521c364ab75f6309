/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * support.c - benches for tests; see support.h.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void bench_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

struct bench_knobs bench_usual(void)
{
	return (struct bench_knobs) {
		.slabs = 1,
		.chunks = 4,
		.grown = 1,
		.devices = 1,
		.queues = 1,
		.blocks = 16,
		.direct = 16,
		.info = {
			.features = BOUNCE_VIRTIO_F_VERSION_1 |
				    BOUNCE_VIRTIO_F_ACCESS_PLATFORM,
		},
		.bypass = true,
		.gpa = UINT64_C(1) << 30,
		.private_bytes = 256 * 1024,
		.protection = BOUNCE_PROTECTION_YES,
	};
}

void bench_power_on(struct bench *bench, const struct bench_knobs *knobs)
{
	uint64_t slabs = (uint64_t)knobs->slabs * knobs->chunks
			 << BOUNCE_CHUNK_SHIFT;
	uint64_t bytes = slabs + knobs->private_bytes;
	void *memory = NULL;

	memset(bench, 0, sizeof(*bench));
	bench->knobs = *knobs;
	bench->slab_bytes = (uint64_t)knobs->chunks << BOUNCE_CHUNK_SHIFT;
	bench_check(knobs->devices <= BENCH_DEVICES);
	bench_check(posix_memalign(&memory, BOUNCE_CHUNK_BYTES, bytes) == 0);
	memset(memory, FAKE_SECRET, bytes);
	fake_machine_init(&bench->machine, memory, bytes, knobs->gpa);
	bench->machine.protection = knobs->protection;
	fake_device_init(&bench->host, &bench->machine, 1);
	bench->host.offset = knobs->shift;
}

/* The instance, in memory that no reader may think to be zero. */
static void make_instance(struct bench *bench)
{
	const struct bench_knobs *knobs = &bench->knobs;
	const struct bounce_config config = {
		.pools = (uint16_t)(1 + knobs->more_pools),
		.spaces = (uint16_t)(1 + knobs->more_spaces),
		.devices = (uint16_t)(BENCH_DEVICES + knobs->more_devices),
		.queues = (uint16_t)(BENCH_DEVICES * knobs->queues +
				     knobs->more_devices),
		.slabs = (uint16_t)(knobs->slabs + knobs->more_slabs),
		.slab_chunks = knobs->chunks,
		.functions = knobs->functions,
		.blocks = knobs->blocks,
		.direct = knobs->direct,
	};
	struct bounce_env env = fake_machine_env(&bench->machine);
	struct bounce_monitor monitor = fake_machine_monitor(&bench->machine);

	bench->meta_bytes = bounce_meta_size(&config);
	bench_check(bench->meta_bytes != 0);
	bench_check(posix_memalign(&bench->meta, BOUNCE_META_ALIGN,
				   bench->meta_bytes) == 0);
	memset(bench->meta, 0xa5, bench->meta_bytes);
	bench_check(bounce_init(bench->meta, bench->meta_bytes, &config, &env,
				&monitor, &bench->bounce) == BOUNCE_OK);
}

/* All of the arena at @bus. */
static void add_window(const struct bench *bench, struct bounce_space *space,
		       uint64_t bus, uint32_t flags)
{
	const struct bounce_window window = {
		.bus = { bus },
		.gpa = { bench->knobs.gpa },
		.len = bench->machine.bytes,
		.flags = flags,
	};

	bench_check(bounce_space_add_window(space, &window) == BOUNCE_OK);
}

static void attach(struct bench *bench, uint32_t index)
{
	struct bounce_device_info info = bench->knobs.info;
	struct bounce_negotiation answer;

	info.space = bench->space;
	info.queues = bench->knobs.queues;
	bench_check(bounce_device_attach(bench->bounce, &info,
					 &bench->device[index],
					 &answer) == BOUNCE_OK);
	bench->queue[index] = bounce_device_queue(bench->device[index], 0);
	bench_check(bench->queue[index] != NULL);
}

void bench_set_up(struct bench *bench)
{
	const struct bench_knobs *knobs = &bench->knobs;
	const struct bounce_pool_info info = { .slabs = knobs->slabs,
					       .coherency = knobs->coherency };

	make_instance(bench);
	bench_check(bounce_pool_init(bench->bounce, &info, &bench->pool) ==
		    BOUNCE_OK);
	bench_check(bounce_space_init(bench->bounce, bench->pool,
				      &bench->space) == BOUNCE_OK);
	add_window(bench, bench->space, knobs->gpa + knobs->shift, 0);
	if (knobs->bypass)
		add_window(bench, bench->space, knobs->gpa,
			   BOUNCE_WINDOW_BYPASS);
	for (uint32_t i = 0; i < knobs->grown; i++)
		bench_check(bench_grow(bench, i) == BOUNCE_OK);
	for (uint32_t i = 0; knobs->grown != 0 && i < knobs->devices; i++)
		attach(bench, i);
	bench_check(bounce_valid(bench->bounce));
}

void bench_init(struct bench *bench, const struct bench_knobs *knobs)
{
	bench_power_on(bench, knobs);
	bench_set_up(bench);
}

void bench_fini(struct bench *bench)
{
	bench_check(bounce_valid(bench->bounce));
	for (uint32_t i = 0; i < BENCH_DEVICES; i++)
		if (bench->device[i] != NULL)
			bench_check(bounce_device_detach(bench->device[i]) ==
				    BOUNCE_OK);
	bench_check(bounce_space_fini(bench->space) == BOUNCE_OK);
	bench_check(bounce_pool_fini(bench->pool) == BOUNCE_OK);
	bench_check(bounce_fini(bench->bounce) == BOUNCE_OK);
	bench_check(fake_machine_shared_bytes(&bench->machine) == 0);
	bench_check(fake_machine_wrongs(&bench->machine) == 0);
	bench_discard(bench);
}

void bench_discard(struct bench *bench)
{
	free(bench->meta);
	free(bench->machine.memory);
	bench->meta = NULL;
	bench->machine.memory = NULL;
}

bounce_gpa_t bench_slab_gpa(const struct bench *bench, uint32_t index)
{
	return (bounce_gpa_t) { bench->knobs.gpa + index * bench->slab_bytes };
}

enum bounce_err bench_grow(struct bench *bench, uint32_t index)
{
	return bounce_pool_grow(bench->pool, bench_slab_gpa(bench, index),
				bench->slab_bytes);
}

enum bounce_err bench_retire(struct bench *bench, uint32_t index)
{
	return bounce_pool_retire(bench->pool, bench_slab_gpa(bench, index));
}

struct bounce_space *bench_translated(struct bench *bench, uint64_t bus)
{
	struct bounce_space *space;

	bench_check(bounce_space_init(bench->bounce, bench->pool, &space) ==
		    BOUNCE_OK);
	add_window(bench, space, bus, BOUNCE_WINDOW_TRANSLATED);
	return space;
}

void bench_side_init(struct bench *bench, const struct bounce_pool_info *info,
		     bounce_gpa_t slab, struct bench_side *side)
{
	const struct bounce_window all = { .len = 0 };
	struct bounce_device_info device = bench->knobs.info;

	bench_check(bounce_pool_init(bench->bounce, info, &side->pool) ==
		    BOUNCE_OK);
	bench_check(bounce_pool_grow(side->pool, slab, bench->slab_bytes) ==
		    BOUNCE_OK);
	bench_check(bounce_space_init(bench->bounce, side->pool,
				      &side->space) == BOUNCE_OK);
	bench_check(bounce_space_add_window(side->space, &all) == BOUNCE_OK);
	device.space = side->space;
	bench_check(bounce_device_attach(bench->bounce, &device, &side->device,
					 NULL) == BOUNCE_OK);
	side->queue = bounce_device_queue(side->device, 0);
}

void bench_side_fini(struct bench_side *side)
{
	bench_check(bounce_device_detach(side->device) == BOUNCE_OK);
	bench_check(bounce_space_fini(side->space) == BOUNCE_OK);
	bench_check(bounce_pool_fini(side->pool) == BOUNCE_OK);
}

bounce_gpa_t bench_private_gpa(const struct bench *bench, uint64_t offset)
{
	bench_check(offset < bench->knobs.private_bytes);
	return (bounce_gpa_t) { bench_slab_gpa(bench, bench->knobs.slabs).v +
				offset };
}

unsigned char *bench_private(const struct bench *bench, uint64_t offset)
{
	return fake_machine_pointer(&bench->machine,
				    bench_private_gpa(bench, offset).v, 1);
}

struct bounce_buf bench_buf(const struct bench *bench, uint64_t offset,
			    uint64_t len)
{
	return (struct bounce_buf) {
		.gpa = bench_private_gpa(bench, offset),
		.len = len,
	};
}

unsigned char *bench_at_bus(const struct bench *bench, bounce_bus_t bus,
			    uint64_t len)
{
	return fake_machine_pointer(&bench->machine, bus.v - bench->knobs.shift,
				    len);
}

/* splitmix64 (Steele, Lea, Flood 2014): any seed will do. */
const uint32_t bench_hows[BENCH_HOWS] = {
	BOUNCE_TO_DEVICE,
	BOUNCE_FROM_DEVICE,
	BOUNCE_BIDIRECTIONAL,
	BOUNCE_FROM_DEVICE | BOUNCE_ZERO,
	BOUNCE_FROM_DEVICE | BOUNCE_PRESERVE,
	BOUNCE_TO_DEVICE | BOUNCE_URGENT,
};

uint64_t bench_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t bench_below(uint64_t *state, uint64_t limit)
{
	return bench_random(state) % limit;
}
