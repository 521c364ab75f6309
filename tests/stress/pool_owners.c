/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * pool_owners.c - several CPUs claim, use and release runs of every size.
 *
 * Each writes its own mark all over its run, as plain bytes, and finds it
 * unchanged before it releases (S4, P3, E01, E02). A run that two of them have
 * shows as a wrong mark; an order that is too weak shows as a data race on the
 * run's bytes, or on what its claimant must see of a split slot.
 */
#include <stdio.h>
#include <stdlib.h>

#include "instance.h"
#include "support.h"

#ifdef SLOW_CPU /* an emulated one: tools/flags.py */
#define THREADS 2u
#define STEPS 10000u
#else
#define THREADS 4u
#define STEPS 300000u
#endif
#define HELD 4u

/* What one CPU holds. */
struct held {
	struct bounce_run run;
	bool claimed;
};

struct owner {
	struct bench *bench;
	struct pool_hint hint;
	struct pool_client client;
	uint64_t mark;
	struct held held[HELD];
	uint64_t random;
	uint64_t claims;
	uint64_t failures;
	uint64_t wrong;
};

/* Bytes from one mark to the next: dense in short runs. */
static size_t stride_of(const struct bounce_run *run)
{
	return run->slots <= 2 ? BOUNCE_GRANULE_BYTES : BOUNCE_SLOT_BYTES;
}

static size_t bytes_of(const struct bounce_run *run)
{
	return run->block == NO_BLOCK ? (size_t)run->slots * BOUNCE_SLOT_BYTES :
					run->granules * BOUNCE_GRANULE_BYTES;
}

/* Eight bytes: TSan remembers but the last few accesses to a word. */
static uint64_t *mark_at(unsigned char *memory, size_t offset)
{
	return (uint64_t *)(void *)(memory + offset);
}

static void claim(struct owner *owner, struct held *held)
{
	static const struct bounce_limits limits = {
		.last = UINT64_MAX,
		.boundary = UINT64_MAX,
		.segment = UINT64_MAX,
	};
	static const struct {
		uint64_t len;
		uint32_t shift;
	} sizes[] = {
		{ 16, 6 },	   { 64, 6 },	      { 1500, 6 },
		{ 2048, 6 },	   { 100, 6 },	      { 4096, 12 },
		{ 4096, 12 },	   { 3 * 4096, 12 },  { 9 * 4096, 12 },
		{ 64 * 4096, 12 }, { 65 * 4096, 18 }, { 130 * 4096, 18 },
	};
	uint64_t pick = bench_below(&owner->random,
				    sizeof(sizes) / sizeof(sizes[0]));
	struct bounce_place place;
	unsigned char *memory;

	bench_check(bounce_window_place(&limits, 0, sizes[pick].len,
					sizes[pick].shift, &place));
	if (bounce_pool_claim(owner->bench->pool, &place, &owner->client,
			      &held->run) != BOUNCE_OK) {
		owner->failures++;
		return;
	}
	owner->claims++;
	held->claimed = true;
	memory = bounce_pool_memory(owner->bench->bounce, &held->run);
	for (size_t i = 0; i < bytes_of(&held->run); i += stride_of(&held->run))
		*mark_at(memory, i) = owner->mark;
}

static void release(struct owner *owner, struct held *held)
{
	unsigned char *memory = bounce_pool_memory(owner->bench->bounce,
						   &held->run);

	for (size_t i = 0; i < bytes_of(&held->run); i += stride_of(&held->run))
		owner->wrong += *mark_at(memory, i) != owner->mark;
	bounce_pool_release(owner->bench->pool, &held->run);
	held->claimed = false;
}

static void *work(void *arg)
{
	struct owner *owner = arg;

	for (uint32_t step = 0; step < STEPS; step++) {
		struct held *held =
			&owner->held[bench_below(&owner->random, HELD)];

		if (held->claimed)
			release(owner, held);
		else
			claim(owner, held);
	}
	for (uint32_t i = 0; i < HELD; i++)
		if (owner->held[i].claimed)
			release(owner, &owner->held[i]);
	return NULL;
}

int main(void)
{
	struct bench_knobs knobs = bench_usual();
	static struct owner owner[THREADS];
	struct bench bench;
	uint64_t claims = 0;
	uint64_t failures = 0;
	uint64_t wrong = 0;

	/* Small: they get in each other's way, and split slots come and go. */
	knobs.slabs = knobs.grown = 2;
	knobs.chunks = 3;
	knobs.blocks = 5;
	bench_init(&bench, &knobs);
	for (uint32_t i = 0; i < THREADS; i++)
		owner[i] = (struct owner) {
			.bench = &bench,
			.mark = i + 1,
			.random = i,
			.client = {
				.hint = &owner[i].hint,
				.bus = bench.space->bus[BOUNCE_PATH_BUS],
				.tenant = 1 + i / 2,
			},
		};
	bench_threads(THREADS, work, owner, sizeof(owner[0]));
	for (uint32_t i = 0; i < THREADS; i++) {
		claims += owner[i].claims;
		failures += owner[i].failures;
		wrong += owner[i].wrong;
	}
	bench_fini(&bench);
	printf("pool_owners: %u threads, %llu runs, %llu times none, "
	       "%llu wrong marks\n",
	       THREADS, (unsigned long long)claims,
	       (unsigned long long)failures, (unsigned long long)wrong);
	return wrong == 0 && claims != 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
