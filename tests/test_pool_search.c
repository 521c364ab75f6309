/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_pool_search.c - the allocator held against the slow oracle: every
 * sequence of claims and releases of small pools, then long random ones.
 *
 * All sequences up to a depth are walked depth first. A step is undone by
 * putting the instance's memory and the oracle back as they were.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"

#define DEPTH 8u

/* ---- every sequence ---- */

struct walk {
	struct bench bench;
	struct oracle oracle;
	struct pool_hint hint[2];
	struct pool_client client[2];
	const struct oracle_wish *wish;
	uint32_t wishes;
	uint32_t clients;
	uint64_t steps;
	/* One saved state a level. */
	unsigned char *meta[DEPTH];
	struct oracle *saved[DEPTH];
	struct pool_hint saved_hint[DEPTH][2];
	/* What was done so far, for the message. */
	char path[DEPTH * 16];
};

static void save(struct walk *walk, uint32_t level)
{
	memcpy(walk->meta[level], walk->bench.meta, walk->bench.meta_bytes);
	memcpy(walk->saved[level], &walk->oracle, sizeof(walk->oracle));
	memcpy(walk->saved_hint[level], walk->hint, sizeof(walk->hint));
}

static void restore(struct walk *walk, uint32_t level)
{
	memcpy(walk->bench.meta, walk->meta[level], walk->bench.meta_bytes);
	memcpy(&walk->oracle, walk->saved[level], sizeof(walk->oracle));
	memcpy(walk->hint, walk->saved_hint[level], sizeof(walk->hint));
}

static void judge(struct walk *walk, const char *wrong)
{
	if (wrong == NULL)
		wrong = oracle_check(&walk->oracle);
	cr_assert_null(wrong, "%s, after%s", wrong, walk->path);
	walk->steps++;
}

/* When all is released, the slab is one large run again. */
static void coalesces(struct walk *walk)
{
	struct oracle_wish all =
		oracle_slots(walk->bench.knobs.chunks * SLOTS_PER_CHUNK);
	enum bounce_err err;

	all.shift = BOUNCE_CHUNK_SHIFT;
	judge(walk, oracle_release_all(&walk->oracle));
	judge(walk,
	      oracle_claim(&walk->oracle, &all, &walk->client[0], &err, NULL));
	cr_assert_eq(err, BOUNCE_OK, "after%s, all released", walk->path);
}

static void walk_from(struct walk *walk, uint32_t level, uint32_t depth);

static void walk_claims(struct walk *walk, uint32_t level, uint32_t depth)
{
	size_t end = strlen(walk->path);

	for (uint32_t i = 0; i < walk->wishes * walk->clients; i++) {
		const struct oracle_wish *wish = &walk->wish[i % walk->wishes];
		uint32_t client = i / walk->wishes;

		snprintf(walk->path + end, sizeof(walk->path) - end, " +%u/%u",
			 (unsigned)(wish->len >> wish->shift), client);
		judge(walk, oracle_claim(&walk->oracle, wish,
					 &walk->client[client], NULL, NULL));
		walk_from(walk, level + 1, depth);
		restore(walk, level);
	}
	walk->path[end] = '\0';
}

static void walk_releases(struct walk *walk, uint32_t level, uint32_t depth)
{
	size_t end = strlen(walk->path);

	for (uint32_t i = 0; i < DEPTH; i++) {
		if (!walk->oracle.run[i].live)
			continue;
		snprintf(walk->path + end, sizeof(walk->path) - end, " -%u", i);
		judge(walk, oracle_release(&walk->oracle, i));
		walk_from(walk, level + 1, depth);
		restore(walk, level);
	}
	walk->path[end] = '\0';
}

static void walk_from(struct walk *walk, uint32_t level, uint32_t depth)
{
	save(walk, level);
	if (level == depth) {
		coalesces(walk);
		restore(walk, level);
		return;
	}
	walk_claims(walk, level, depth);
	walk_releases(walk, level, depth);
}

/* Every sequence of @depth claims and releases; how many steps that were. */
static uint64_t walk_all(const struct bench_knobs *knobs,
			 const struct oracle_wish *wish, uint32_t wishes,
			 uint32_t clients, uint32_t depth)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	uint64_t steps;

	bench_init(&walk->bench, knobs);
	oracle_init(&walk->oracle, &walk->bench);
	walk->wish = wish;
	walk->wishes = wishes;
	walk->clients = clients;
	for (uint32_t i = 0; i < 2; i++)
		walk->client[i] = (struct pool_client) {
			.hint = &walk->hint[i],
			.bus = walk->bench.space->bus[BOUNCE_PATH_BUS],
			.tenant = 1 + i,
		};
	for (uint32_t i = 0; i <= depth; i++) {
		walk->meta[i] = malloc(walk->bench.meta_bytes);
		walk->saved[i] = malloc(sizeof(walk->oracle));
	}
	walk_from(walk, 0, depth);
	for (uint32_t i = 0; i <= depth; i++) {
		free(walk->meta[i]);
		free(walk->saved[i]);
	}
	bench_fini(&walk->bench);
	steps = walk->steps;
	free(walk);
	return steps;
}

static uint64_t walk_slots(uint16_t chunks, const uint32_t *slots,
			   uint32_t sizes, uint32_t depth)
{
	struct bench_knobs knobs = bench_usual();
	struct oracle_wish wish[8];

	knobs.chunks = chunks;
	knobs.blocks = 0;
	knobs.direct = 0;
	knobs.private_bytes = 0;
	for (uint32_t i = 0; i < sizes; i++)
		wish[i] = oracle_slots(slots[i]);
	return walk_all(&knobs, wish, sizes, 1, depth);
}

Test(pool_claim, every_sequence_in_one_chunk_agrees_with_the_byte_map)
{
	static const uint32_t slots[] = { 1, 2, 3, 63, 64, 65, 100, 128 };

	cr_expect_gt(walk_slots(1, slots, 8, 6), 500000);
}

Test(pool_claim, every_sequence_in_two_chunks_agrees_with_the_byte_map)
{
	static const uint32_t slots[] = { 1, 2, 3, 63, 64, 65, 100, 128 };

	cr_expect_gt(walk_slots(2, slots, 8, 5), 50000);
}

Test(pool_claim, every_sequence_in_three_chunks_agrees_with_the_byte_map)
{
	static const uint32_t slots[] = { 1, 63, 64, 65, 100, 128 };

	cr_expect_gt(walk_slots(3, slots, 6, 5), 20000);
}

/* Halves of a chunk: more steps, fewer sizes. */
Test(pool_claim, long_sequences_of_half_chunks_agree_with_the_byte_map)
{
	static const uint32_t slots[] = { 32, 33, 65 };

	cr_expect_gt(walk_slots(2, slots, 3, 7), 50000);
}

/* Two tenants, one or two blocks, and slots that want what is split. */
Test(pool_claim, every_sequence_of_granules_agrees_with_the_byte_map)
{
	const struct oracle_wish wish[] = {
		oracle_granules(1),  oracle_granules(2), oracle_granules(31),
		oracle_granules(32), oracle_slots(1),	 oracle_slots(64),
	};
	struct bench_knobs knobs = bench_usual();

	knobs.chunks = 1;
	knobs.direct = 0;
	knobs.private_bytes = 0;
	for (uint32_t blocks = 1; blocks <= 2; blocks++) {
		knobs.blocks = blocks;
		cr_expect_gt(walk_all(&knobs, wish, 6, 2, 4), 20000);
	}
}

/* ---- random sequences ---- */

#define CLIENTS 3u

struct party {
	struct bench bench;
	struct oracle oracle;
	struct pool_hint hint[CLIENTS];
	struct pool_client client[CLIENTS];
	uint64_t bus[CLIENTS][8];
	uint64_t random;
	uint64_t failed; /* claims that had to fail */
	uint64_t claimed;
};

static uint64_t pick(struct party *party, const uint64_t *from, uint32_t count)
{
	return from[bench_below(&party->random, count)];
}

/* Where a device might have it, most often anywhere. */
static struct bounce_limits random_limits(struct party *party)
{
	static const uint64_t match[] = {
		0, 0, 0, 0, 0x3f, 0x1ff, 0xfff, 0x3fff, 0xffff, 0x7ffff
	};
	static const uint64_t align[] = { 0,	 0,	 0,	 0,	 0x3f,
					  0xfff, 0x1fff, 0xffff, 0x3ffff };
	static const uint64_t boundary[] = { UINT64_MAX, UINT64_MAX, UINT64_MAX,
					     0xfff,	 0x1fff,     0xffff,
					     0x3ffff,	 0x1ffffff };
	uint64_t all = party->bench.knobs.slabs * party->bench.slab_bytes;
	struct bounce_limits limits = {
		.last = UINT64_MAX,
		.boundary = pick(party, boundary, 8),
		.match = pick(party, match, 10),
		.align = pick(party, align, 9),
		.segment = UINT64_MAX,
	};

	if (bench_below(&party->random, 8) == 0)
		limits.last = party->bench.knobs.gpa +
			      bench_below(&party->random, all);
	return limits;
}

static uint64_t random_len(struct party *party)
{
	switch (bench_below(&party->random, 8)) {
	case 0:
		return 1 + bench_below(&party->random, 64);
	case 1:
	case 2:
		return 1 + bench_below(&party->random, 2048);
	case 3:
		return 1 + bench_below(&party->random, 160 * 4096);
	case 4:
		return 1 + bench_below(&party->random, 32 * 4096);
	default:
		return 1 + bench_below(&party->random, 3 * 4096);
	}
}

/* A buffer of some length, at the smallest unit that holds it. */
static struct oracle_wish random_wish(struct party *party)
{
	static const uint32_t shifts[] = { BOUNCE_GRANULE_SHIFT,
					   BOUNCE_SLOT_SHIFT,
					   BOUNCE_CHUNK_SHIFT };
	struct bounce_place place;
	struct oracle_wish wish = {
		.limits = random_limits(party),
		.p = bench_random(&party->random),
		.len = random_len(party),
	};

	for (uint32_t i = 0; i < 3; i++) {
		wish.shift = shifts[i];
		if (bounce_window_place(&wish.limits, wish.p, wish.len,
					wish.shift, &place) &&
		    bench_below(&party->random, 16) != 0)
			break;
	}
	return wish;
}

static void claim_one(struct party *party, uint64_t step)
{
	struct oracle_wish wish = random_wish(party);
	uint64_t client = bench_below(&party->random, CLIENTS);
	enum bounce_err err;
	const char *wrong = oracle_claim(&party->oracle, &wish,
					 &party->client[client], &err, NULL);

	cr_assert_null(wrong,
		       "%s: step %llu, err %d, client %u, M %llx A %llx "
		       "B %llx last %llx p %llx len %llx shift %u",
		       wrong, (unsigned long long)step, (int)err,
		       (unsigned)client, (unsigned long long)wish.limits.match,
		       (unsigned long long)wish.limits.align,
		       (unsigned long long)wish.limits.boundary,
		       (unsigned long long)wish.limits.last,
		       (unsigned long long)wish.p, (unsigned long long)wish.len,
		       wish.shift);
	party->claimed += err == BOUNCE_OK;
	party->failed += err == BOUNCE_ERR_FULL || err == BOUNCE_ERR_FRAGMENTED;
}

static void release_one(struct party *party, uint64_t step)
{
	uint32_t index = (uint32_t)bench_below(&party->random, ORACLE_RUNS);
	const char *wrong;

	while (!party->oracle.run[index].live)
		index = (index + 1) % ORACLE_RUNS;
	wrong = oracle_release(&party->oracle, index);
	cr_assert_null(wrong, "%s: step %llu", wrong, (unsigned long long)step);
}

/* Retire a slab: works exactly while nothing in it is claimed. */
static void retire_one(struct party *party, uint64_t step)
{
	uint32_t slab = (uint32_t)bench_below(&party->random,
					      party->bench.knobs.slabs);
	bool empty = oracle_is_empty(&party->oracle, slab);
	enum bounce_err err = bench_retire(&party->bench, slab);
	const char *wrong = oracle_check(&party->oracle);

	cr_assert_eq(err, empty ? BOUNCE_OK : BOUNCE_ERR_BUSY, "step %llu: %d",
		     (unsigned long long)step, (int)err);
	cr_assert_null(wrong, "%s: step %llu", wrong, (unsigned long long)step);
	if (err == BOUNCE_OK && bench_below(&party->random, 2) == 0)
		for (uint32_t i = 0; i < 20; i++)
			claim_one(party, step);
	if (err == BOUNCE_OK)
		cr_assert_eq(bench_grow(&party->bench, slab), BOUNCE_OK);
}

static void party_step(struct party *party, uint64_t step, uint64_t target)
{
	const char *wrong;

	if (bench_below(&party->random, 2000) == 0)
		retire_one(party, step);
	if (bench_below(&party->random, 3000) == 0)
		cr_assert_null(oracle_release_all(&party->oracle));
	if (party->oracle.live != 0 &&
	    (party->oracle.live + 24 > ORACLE_RUNS ||
	     bench_below(&party->random, 2 * target) < party->oracle.live))
		release_one(party, step);
	else
		claim_one(party, step);
	if (step % 8 == 0) {
		wrong = oracle_check(&party->oracle);
		cr_assert_null(wrong, "%s: step %llu", wrong,
			       (unsigned long long)step);
	}
}

/* Four slabs of three chunks, seen at odd places; client 2 misses a slab. */
static void party_init(struct party *party, uint64_t seed)
{
	static const uint64_t offset[CLIENTS][4] = {
		{ 0, 0x1000, 0x7f000, 0 },
		{ 0x40000000, 0x40003000, 0x12345000, 0xfffff000 },
		{ 0x1000, 0, 0, 0 },
	};
	struct bench_knobs knobs = bench_usual();

	memset(party, 0, sizeof(*party));
	party->random = seed;
	knobs.slabs = knobs.grown = 4;
	knobs.chunks = 3;
	knobs.blocks = 6;
	bench_init(&party->bench, &knobs);
	oracle_init(&party->oracle, &party->bench);
	for (uint32_t c = 0; c < CLIENTS; c++) {
		for (uint32_t s = 0; s < 4; s++)
			party->bus[c][s] = bench_slab_gpa(&party->bench, s).v +
					   offset[c][s];
		party->client[c] = (struct pool_client) {
			.hint = &party->hint[c],
			.bus = party->bus[c],
			.tenant = 0x10001 * c,
		};
	}
	party->bus[2][1] = NO_BUS;
}

static void party_run(uint64_t seed, uint64_t steps, uint64_t target)
{
	struct party *party = malloc(sizeof(*party));

	party_init(party, seed);
	for (uint64_t step = 0; step < steps; step++)
		party_step(party, step, target);
	cr_expect_gt(party->claimed, steps / 8);
	cr_expect_gt(party->failed, 0, "never full: not much of a test");
	cr_assert_null(oracle_release_all(&party->oracle));
	cr_assert_null(oracle_check(&party->oracle));
	bench_fini(&party->bench);
	free(party);
}

Test(pool_claim, random_sequences_of_a_busy_pool_agree_with_the_byte_map)
{
	party_run(1, 120000, 60);
}

Test(pool_claim, random_sequences_of_a_full_pool_agree_with_the_byte_map)
{
	party_run(2, 120000, 200);
}
