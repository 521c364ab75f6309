/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * stand.h - a pool with one client and nothing around it, for test_pool.c and
 * others like it. Included once by each.
 */
#ifndef TESTS_STAND_H
#define TESTS_STAND_H

#include <criterion/criterion.h>

#include "oracle.h"

static const struct pool_hint no_hint = {
	.chunk = { NO_CHUNK, NO_CHUNK, NO_CHUNK, NO_CHUNK },
	.block = NO_BLOCK,
};

/* A bench and one client of it. */
struct stand {
	struct bench bench;
	struct pool_hint hint;
	struct pool_client client;
};

static inline void stand_init(struct stand *stand, uint16_t slabs,
			      uint16_t chunks, uint32_t blocks)
{
	struct bench_knobs knobs = bench_usual();

	knobs.slabs = slabs;
	knobs.grown = slabs;
	knobs.chunks = chunks;
	knobs.blocks = blocks;
	bench_init(&stand->bench, &knobs);
	stand->hint = no_hint;
	stand->client = (struct pool_client) {
		.hint = &stand->hint,
		.bus = stand->bench.space->bus[BOUNCE_PATH_BUS],
		.tenant = 1,
	};
}

/* Two pools, of @slabs slabs and of @more, both in the client's reach: the
 * bench's own, which is returned, and one behind it, which claim() uses from
 * here on. */
static inline struct bounce_pool *two_pools(struct stand *stand, uint16_t slabs,
					    uint16_t more, uint64_t *bus)
{
	const struct bounce_pool_info info = { .slabs = more };
	struct bench_knobs knobs = bench_usual();
	struct bench *bench = &stand->bench;
	struct bounce_pool *first;

	knobs.slabs = slabs;
	knobs.grown = slabs;
	knobs.chunks = 8;
	knobs.more_pools = 1;
	knobs.more_slabs = more;
	knobs.private_bytes = more * 8 * BOUNCE_CHUNK_BYTES;
	bench_init(bench, &knobs);
	first = bench->pool;
	cr_assert_eq(bounce_pool_init(bench->bounce, &info, &bench->pool),
		     BOUNCE_OK);
	for (uint32_t i = 0; i < slabs + more; i++) {
		bus[i] = bench_slab_gpa(bench, i).v;
		if (i >= slabs)
			cr_assert_eq(bounce_pool_grow(bench->pool,
						      (bounce_gpa_t) { bus[i] },
						      bench->slab_bytes),
				     BOUNCE_OK);
	}
	stand->hint = no_hint;
	stand->client = (struct pool_client) {
		.hint = &stand->hint,
		.bus = bus,
		.tenant = 1,
	};
	return first;
}

static inline enum bounce_err claim(struct stand *stand,
				    const struct oracle_wish *wish,
				    struct bounce_run *run)
{
	struct bounce_place place;

	cr_assert(bounce_window_place(&wish->limits, wish->p, wish->len,
				      wish->shift, &place));
	return bounce_pool_claim(stand->bench.pool, &place, &stand->client,
				 run);
}

static inline enum bounce_err claim_slots(struct stand *stand, uint32_t slots,
					  struct bounce_run *run)
{
	struct oracle_wish wish = oracle_slots(slots);

	return claim(stand, &wish, run);
}

static inline enum bounce_err claim_granules(struct stand *stand,
					     uint32_t granules, uint32_t tenant,
					     struct bounce_run *run)
{
	struct oracle_wish wish = oracle_granules(granules);

	stand->client.tenant = tenant;
	return claim(stand, &wish, run);
}

static inline void release(struct stand *stand, const struct bounce_run *run)
{
	bounce_pool_release(stand->bench.pool, run);
}

static inline struct bounce_slab *slab_of(struct stand *stand, uint32_t slab)
{
	return &stand->bench.bounce->slab[slab];
}

static inline uint64_t word_of(struct stand *stand, uint32_t slab,
			       uint32_t chunk)
{
	return atomic_load_explicit(&slab_of(stand, slab)->chunk[chunk].bits,
				    memory_order_relaxed);
}

static inline uint64_t free_chunks(struct stand *stand, uint32_t slab)
{
	return atomic_load_explicit(&slab_of(stand, slab)->free_chunks,
				    memory_order_relaxed);
}

#endif
