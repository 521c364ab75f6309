/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * stand.h - what the scenarios have in common: an instance of the library, as
 * small as the geometry allows, on a machine whose monitor remembers.
 */
#ifndef EXPLORER_STAND_H
#define EXPLORER_STAND_H

#include <bounce/bounce.h>

#include "explorer.h"
#include "instance.h"

#define STAND_SLABS 2u
#define STAND_CHUNKS 4u /* of a slab */
#define STAND_BUFFER 8192u /* private bytes of each thread */

struct stand_knobs {
	uint16_t slabs; /* 1 .. STAND_SLABS; those that are grown */
	uint16_t grown;
	uint16_t chunks; /* 1 .. STAND_CHUNKS */
	uint16_t devices; /* 0 .. EXPLORER_THREADS, a queue each */
	uint16_t queues; /* of each; 0: 1 */
	uint32_t blocks;
	uint32_t direct;
	uint16_t functions; /* of the topology */
	uint16_t owner; /* of all; 0: one each */
	uint64_t quota;
	enum bounce_protection protection;
};

/* Threads write it only where they own what they write. */
struct stand {
	struct bounce *bounce;
	struct bounce_pool *pool;
	struct bounce_space *space;
	struct bounce_device *device[EXPLORER_THREADS];
	struct bounce_queue *queue[EXPLORER_THREADS * 2];
	enum bounce_protection protection; /* the monitor's answer */
	uint8_t shared[STAND_SLABS * STAND_CHUNKS]; /* the truth, by chunk */
	uint32_t refused; /* so many share calls are refused first */
	/* For threads that claim from the pool themselves. */
	struct pool_hint hint[EXPLORER_THREADS];
	struct pool_client client[EXPLORER_THREADS];
	/* What each thread has. */
	struct bounce_run run[EXPLORER_THREADS];
	struct bounce_mapping mapping[EXPLORER_THREADS];
	bool has[EXPLORER_THREADS];
	uint32_t seen[EXPLORER_THREADS]; /* for check() */
};

extern struct stand stand;

/* All of it, kept. @knobs: 0 stands for none, but one slab and one chunk. */
void stand_make(const struct stand_knobs *knobs);

/* In place of device 0, one whose function that is. */
void stand_attach(struct bounce_function *function);

bounce_gpa_t stand_slab(uint32_t index);
uint64_t stand_slab_bytes(void);

/* Private bytes of a thread. */
unsigned char *stand_private(unsigned thread);
struct bounce_buf stand_buf(unsigned thread, uint64_t len);

/* Claim @slots as @thread, mark the first line of each, look at the marks, and
 * release; true when there was room. */
bool stand_claim(unsigned thread, uint32_t slots);
bool stand_claim_bytes(unsigned thread, uint64_t len, uint32_t shift);
void stand_use(unsigned thread);
void stand_release(unsigned thread);
bool stand_cycle(unsigned thread, uint32_t slots);

/* Claim all slots of chunk 0 but @first .. @first + @free - 1. */
void stand_fill(uint32_t free, uint32_t first);

/* Slots of all slabs that nobody has claimed. */
uint64_t stand_free(void);

#endif
