/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * one_slab.h - an instance with one slab of one chunk, one device and one lane,
 * for the proofs: static objects, as bounce_init() and the others lay them out.
 * The slab's memory is a volatile object. Included once by each harness.
 */
#ifndef TESTS_PROVE_ONE_SLAB_H
#define TESTS_PROVE_ONE_SLAB_H

#include "prove.h"

#include "instance.h"

enum {
	SLOTS = 64,
	RECORDS = SLOTS + 1 /* and a direct one */
};

#define BASE UINT64_C(0x40000000)

static volatile unsigned char arena[BOUNCE_CHUNK_BYTES];

static struct bounce bounce;
static struct bounce_pool pool;
static struct bounce_slab slab;
static struct pool_chunk chunk;
static struct bounce_record record[RECORDS];
static struct bounce_queue queue;
static struct bounce_device device;
static struct bounce_space space;
static struct pool_word direct;
static uint64_t bus[2][1];
static _Atomic uint16_t owner[SLOTS];
static uint8_t page[SLOTS];

static void set_up(void)
{
	bounce.config.slabs = 1;
	bounce.config.slab_chunks = 1;
	bounce.config.direct = 1;
	bounce.pool = &pool;
	bounce.slab = &slab;
	bounce.space = &space;
	bounce.device = &device;
	bounce.queue = &queue;
	bounce.record = record;
	bounce.records = RECORDS;
	bounce.first_block_record = SLOTS;
	bounce.first_direct_record = SLOTS;
	bounce.direct_busy = &direct;
	bounce.chunk = &chunk;
	bounce.chunks = 1;
	bounce.owner = owner;
	bounce.page = page;
	bounce.slots_per_slab = SLOTS;
	bounce.slabs_used = 1;
	pool.bounce = &bounce;
	pool.slab_count = 1;
	pool.used_chunks = 1;
	slab.base.v = BASE;
	slab.memory = (unsigned char *)(uintptr_t)arena;
	slab.all_chunks = 1;
	slab.chunks = 1;
	slab.pool = &pool;
	slab.chunk = &chunk;
	slab.record = record;
	slab.owner = owner;
	slab.page = page;
	slab.phase = SLAB_READY;
	slab.ready = 1;
	bus[0][0] = BASE;
	bus[1][0] = BASE;
	space.bounce = &bounce;
	space.pool = &pool;
	space.bus[0] = bus[0];
	space.bus[1] = bus[1];
	device.bounce = &bounce;
	device.space = &space;
	device.queues = 1;
	device.limits.last = UINT64_MAX;
	device.limits.boundary = UINT64_MAX;
	device.limits.segment = UINT64_MAX;
	queue.device = &device;
}

#endif
