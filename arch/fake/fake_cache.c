/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fake_cache.c - see fake_cache.h.
 */
#include "fake_cache.h"

#include <stdlib.h>
#include <string.h>

/* ---- lines ---- */

static void write_back(struct fake_cache *cache, uint64_t at)
{
	uint32_t line = cache->hooks.line_bytes;
	unsigned char *cpu = cache->machine->memory + at;

	if (memcmp(cpu, cache->last + at, line) == 0)
		return;
	memcpy(cache->memory + at, cpu, line);
	memcpy(cache->last + at, cpu, line);
}

/* Not of a dirty line. */
static void load(struct fake_cache *cache, uint64_t at)
{
	uint32_t line = cache->hooks.line_bytes;

	memcpy(cache->machine->memory + at, cache->memory + at, line);
	memcpy(cache->last + at, cache->memory + at, line);
}

void fake_cache_stir(struct fake_cache *cache)
{
	for (uint64_t at = 0; at < cache->machine->bytes;
	     at += cache->hooks.line_bytes) {
		write_back(cache, at);
		load(cache, at);
	}
}

/* ---- hooks ---- */

static void call(struct fake_cache *cache, enum fake_cache_verb verb,
		 const void *cpu, uint64_t len)
{
	const unsigned char *byte = cpu;
	uint64_t mask = cache->hooks.line_bytes - 1;
	uint64_t first = (uint64_t)(byte - cache->machine->memory);
	uint64_t last = (first + len - 1) & ~mask;

	/* A call that is not about the arena is a bug of the library's. */
	if (len == 0 || first >= cache->machine->bytes ||
	    len > cache->machine->bytes - first)
		abort();
	cache->log[cache->calls++ % FAKE_CACHE_LOG] = (struct fake_cache_call) {
		.verb = verb,
		.gpa = cache->machine->base + first,
		.len = len,
	};
	for (uint64_t at = first & ~mask; at <= last; at += mask + 1) {
		write_back(cache, at);
		if (verb == FAKE_CACHE_INVALIDATE)
			load(cache, at);
	}
}

static void clean(void *machine, const void *cpu, uint64_t len)
{
	const struct fake_machine *m = machine;

	call(m->cache, FAKE_CACHE_CLEAN, cpu, len);
}

static void invalidate(void *machine, const void *cpu, uint64_t len)
{
	const struct fake_machine *m = machine;

	call(m->cache, FAKE_CACHE_INVALIDATE, cpu, len);
}

/* ---- setup ---- */

static unsigned char *copy_of(const struct fake_machine *machine)
{
	unsigned char *copy = malloc(machine->bytes);

	if (copy == NULL)
		abort();
	memcpy(copy, machine->memory, machine->bytes);
	return copy;
}

void fake_cache_init(struct fake_cache *cache, struct fake_machine *machine,
		     uint32_t line_bytes)
{
	*cache = (struct fake_cache) {
		.hooks = { .line_bytes = line_bytes,
			   .clean = clean,
			   .invalidate = invalidate },
		.machine = machine,
		.memory = copy_of(machine),
		.last = copy_of(machine),
	};
	machine->cache = cache;
	machine->hooks = &cache->hooks;
}

void fake_cache_fini(struct fake_cache *cache)
{
	free(cache->memory);
	free(cache->last);
}

unsigned char *fake_cache_memory(const struct fake_cache *cache, uint64_t gpa)
{
	return cache->memory + (gpa - cache->machine->base);
}
