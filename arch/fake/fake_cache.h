/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fake_cache.h - caches in a struct, for tests: two copies of a fake machine's
 * arena, one that the CPU sees and one that a device sees.
 *
 *   V1  machine->memory is what the CPU loads and stores; `memory` is what a
 *       device that does not snoop reads and writes. Only whole lines go from
 *       one to the other.
 *   V2  A line is dirty when the CPU's copy is not what came or went last.
 *       Whoever writes it back writes all of it, over whatever a device wrote.
 *   V3  Lines may be written back, and others loaded, at any time at all: the
 *       test says when (fake_cache_stir()).
 */
#ifndef FAKE_CACHE_H
#define FAKE_CACHE_H

#include "fake.h"

#define FAKE_CACHE_LOG 8u

enum fake_cache_verb {
	FAKE_CACHE_CLEAN = 1,
	FAKE_CACHE_INVALIDATE = 2,
};

/* One call of a hook, as it came. */
struct fake_cache_call {
	enum fake_cache_verb verb;
	uint64_t gpa;
	uint64_t len;
};

struct fake_cache {
	struct bounce_cache hooks; /* line_bytes is the test's [as given] */
	struct fake_machine *machine;
	unsigned char *memory; /* V1 */
	unsigned char *last; /* V2: each line as it came or went */
	uint32_t calls; /* of both hooks, ever */
	struct fake_cache_call log[FAKE_CACHE_LOG]; /* number n at n % LOG */
};

/* Caches before @machine's arena, as bytes are in it now: nothing is dirty. The
 * machine's env has the hooks from now on. */
void fake_cache_init(struct fake_cache *cache, struct fake_machine *machine,
		     uint32_t line_bytes);
void fake_cache_fini(struct fake_cache *cache);

/* V3: write back all that is dirty, and load everything else anew. */
void fake_cache_stir(struct fake_cache *cache);

/* What a device sees at a gpa of the arena. */
unsigned char *fake_cache_memory(const struct fake_cache *cache, uint64_t gpa);

#endif
