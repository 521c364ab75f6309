/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_pool_order.c - where a search looks, and in which order: what costs time
 * only (P7), held to what is meant; and what a hint must not lead to.
 */
#include "stand.h"

/* ---- hints ---- */

static void prefer(struct stand *stand, enum pool_class class, uint32_t chunk)
{
	atomic_store_explicit(&stand->hint.chunk[class], chunk,
			      memory_order_relaxed);
}

static uint32_t preferred(struct stand *stand, enum pool_class class)
{
	return atomic_load_explicit(&stand->hint.chunk[class],
				    memory_order_relaxed);
}

/* Chunks 0 and 1 of slab 0 are active, and in each only the first slot is
 * free. */
static void two_active(struct stand *stand)
{
	struct bounce_run run[2 * SLOTS_PER_CHUNK];

	for (unsigned i = 0; i < 2 * SLOTS_PER_CHUNK; i++)
		cr_assert_eq(claim_slots(stand, 1, &run[i]), BOUNCE_OK);
	release(stand, &run[0]);
	release(stand, &run[SLOTS_PER_CHUNK]);
	stand->hint = no_hint;
}

static void expect_slot(struct stand *stand, uint32_t slab, uint32_t slot)
{
	struct bounce_run run = { 0 };

	cr_assert_eq(claim_slots(stand, 1, &run), BOUNCE_OK);
	cr_expect_eq(run.slab, slab, "slab %u", run.slab);
	cr_expect_eq(run.slot, slot, "slot %u", run.slot);
}

Test(pool_order, without_a_hint_the_lowest_chunk_with_room_is_the_first)
{
	struct stand stand;

	stand_init(&stand, 1, 8, 0);
	two_active(&stand);
	expect_slot(&stand, 0, 0);
	bench_discard(&stand.bench);
}

Test(pool_order, a_search_begins_in_the_chunk_of_the_hint)
{
	struct stand stand;

	stand_init(&stand, 1, 8, 0);
	two_active(&stand);
	prefer(&stand, POOL_CLASS_SINGLE, 1);
	expect_slot(&stand, 0, SLOTS_PER_CHUNK);
	bench_discard(&stand.bench);
}

Test(pool_order, a_search_in_a_second_pool_begins_in_the_chunk_of_the_hint)
{
	struct stand stand;
	uint64_t bus[2];

	(void)two_pools(&stand, 1, 1, bus);
	two_active(&stand);
	prefer(&stand, POOL_CLASS_SINGLE, 8 + 1);
	expect_slot(&stand, 1, SLOTS_PER_CHUNK);
	bench_discard(&stand.bench);
}

/* Where a device was attached to another space before. */
Test(pool_order, a_hint_into_another_pool_is_not_followed)
{
	struct stand stand;
	uint64_t bus[2];
	struct bounce_pool *first = two_pools(&stand, 1, 1, bus);
	struct bounce_pool *second = stand.bench.pool;

	two_active(&stand);
	stand.bench.pool = first;
	two_active(&stand);
	prefer(&stand, POOL_CLASS_SINGLE, 8 + 1);
	expect_slot(&stand, 0, 0);
	stand.bench.pool = second;
	stand.hint = no_hint;
	prefer(&stand, POOL_CLASS_SINGLE, 1);
	expect_slot(&stand, 1, 0);
	bench_discard(&stand.bench);
}

/* What lies behind the chunks are records; here one that reads as chunk 1. */
Test(pool_order, a_hint_behind_the_last_chunk_is_not_followed)
{
	struct stand stand;
	struct bounce *bounce;

	stand_init(&stand, 2, 8, 0);
	bounce = stand.bench.bounce;
	two_active(&stand);
	cr_assert_eq((void *)&bounce->chunk[bounce->chunks],
		     (void *)bounce->record);
	((struct pool_chunk *)(void *)bounce->record)->slab = 0;
	((struct pool_chunk *)(void *)bounce->record)->slot = SLOTS_PER_CHUNK;
	prefer(&stand, POOL_CLASS_SINGLE, bounce->chunks);
	expect_slot(&stand, 0, 0);
	bench_discard(&stand.bench);
}

/* The same, where it would only say in which slab to begin. */
Test(pool_order, a_hint_behind_the_last_chunk_is_no_home)
{
	struct stand stand;
	struct bounce *bounce;

	stand_init(&stand, 2, 8, 0);
	bounce = stand.bench.bounce;
	((struct pool_chunk *)(void *)bounce->record)->slab = 1;
	prefer(&stand, POOL_CLASS_SINGLE, bounce->chunks);
	expect_slot(&stand, 0, 0);
	bench_discard(&stand.bench);
}

Test(pool_order, a_hint_into_a_slab_out_of_reach_is_not_followed)
{
	struct stand stand;
	uint64_t bus[2];

	stand_init(&stand, 2, 8, 0);
	two_active(&stand);
	bus[0] = NO_BUS;
	bus[1] = bench_slab_gpa(&stand.bench, 1).v;
	stand.client.bus = bus;
	prefer(&stand, POOL_CLASS_SINGLE, 1);
	expect_slot(&stand, 1, 0);
	bench_discard(&stand.bench);
}

Test(pool_order, a_hint_to_a_chunk_for_urgent_mappings_is_not_followed)
{
	struct stand stand;

	stand_init(&stand, 1, 8, 0);
	two_active(&stand);
	slab_of(&stand, 0)->urgent_chunks = 2;
	prefer(&stand, POOL_CLASS_SINGLE, 1);
	expect_slot(&stand, 0, 0);
	bench_discard(&stand.bench);
}

/* ---- where a search begins without a hint ---- */

/* Slab 0 where nobody knows whose it is, else the queue's part of them. */
Test(pool_order, each_queue_begins_in_its_own_part_of_the_slabs)
{
	for (uint32_t queue = 0; queue < BENCH_DEVICES; queue++)
		for (uint32_t path = 0; path < 2; path++) {
			struct stand stand;

			stand_init(&stand, 8, 2, 0);
			stand.client.lane = queue * 2 + path + 1;
			expect_slot(&stand, queue, 0);
			stand.client.lane = NO_LANE;
			stand.hint = no_hint;
			expect_slot(&stand, 0, queue == 0 ? 64 : 0);
			bench_discard(&stand.bench);
		}
}

/* The hint's chunk has nothing for us; but others of its slab may. */
Test(pool_order, a_search_goes_on_in_the_slab_of_the_hint)
{
	struct stand stand;
	uint64_t bus[3];

	(void)two_pools(&stand, 1, 2, bus);
	prefer(&stand, POOL_CLASS_SINGLE, 2 * 8 + 7);
	expect_slot(&stand, 2, 0);
	bench_discard(&stand.bench);
}

/* Whatever is behind the pool's last slab. */
Test(pool_order, a_hint_into_the_next_pool_is_no_home)
{
	struct stand stand;
	uint64_t bus[9];
	struct bounce_pool *first = two_pools(&stand, 8, 1, bus);

	stand.bench.pool = first;
	stand.client.lane = 4 * 2 + 1;
	prefer(&stand, POOL_CLASS_SINGLE, 8 * 8);
	expect_slot(&stand, 4, 0);
	bench_discard(&stand.bench);
}

/* Slabs of the pool alone: of these five, queue 4 of 8 has the second of the
 * three that are near, and the near one behind them does not count. */
Test(pool_order, the_near_slabs_of_a_pool_are_parted_among_its_queues)
{
	static const uint32_t node[] = { 1, 1, 0, 1, 0, 1 };
	struct stand stand;
	uint64_t bus[6];
	struct bounce_pool *first = two_pools(&stand, 5, 1, bus);

	stand.bench.pool = first;
	for (uint32_t i = 0; i < 6; i++)
		atomic_store_explicit(&slab_of(&stand, i)->node, node[i],
				      memory_order_relaxed);
	atomic_store_explicit(&first->homes, 1, memory_order_relaxed);
	atomic_store_explicit(&stand.hint.node, 1, memory_order_relaxed);
	stand.client.lane = 4 * 2 + 1;
	expect_slot(&stand, 1, 0);
	bench_discard(&stand.bench);
}

/* ---- lanes ---- */

/* A claim of another queue, which has no hint yet. */
static uint32_t chunk_for_lane(struct stand *stand, uint32_t lane)
{
	struct bounce_run run = { 0 };

	stand->client.lane = lane;
	stand->hint = no_hint;
	cr_assert_eq(claim_slots(stand, 1, &run), BOUNCE_OK);
	return run.slot / SLOTS_PER_CHUNK;
}

/* Their cache lines are others', so only so many are looked at. */
Test(pool_order, seven_chunks_of_other_lanes_are_passed_by_and_not_eight)
{
	struct stand stand;

	stand_init(&stand, 1, 64, 0);
	for (uint32_t lane = 1; lane <= 9; lane++)
		cr_expect_eq(chunk_for_lane(&stand, lane), lane - 1);
	cr_expect_eq(chunk_for_lane(&stand, 8), 7);
	cr_expect_eq(chunk_for_lane(&stand, 9), 9);
	bench_discard(&stand.bench);
}

/* The lane of the chunk that a claim of one slot by lane 1 has opened. */
static uint32_t lane_of(struct stand *stand, const struct oracle_wish *wish)
{
	struct bounce_run run = { 0 };

	stand->client.lane = 1;
	cr_assert_eq(claim(stand, wish, &run), BOUNCE_OK);
	return atomic_load_explicit(&slab_of(stand, run.slab)
					     ->chunk[run.slot / SLOTS_PER_CHUNK]
					     .lane,
				    memory_order_relaxed);
}

/* A pool in which the next chunk to be opened is chunk 1. */
static void open_one(struct stand *stand)
{
	struct bounce_run run = { 0 };

	stand_init(stand, 1, 16, 0);
	cr_assert_eq(claim_slots(stand, 64, &run), BOUNCE_OK);
	cr_assert_eq(run.slot, 0);
}

/* P8, at each of its borders. */
Test(pool_order, a_chunk_is_of_a_lane_when_all_of_it_is_within_the_limits)
{
	uint64_t last = bench_usual().gpa + 2 * BOUNCE_CHUNK_BYTES - 1;
	const struct {
		uint64_t last;
		uint64_t boundary;
		uint32_t lane;
	} at[] = {
		{ UINT64_MAX, UINT64_MAX, 1 },
		{ last, UINT64_MAX, 1 },
		{ last - 1, UINT64_MAX, NO_LANE },
		{ UINT64_MAX, 2 * BOUNCE_CHUNK_BYTES - 1, 1 },
		{ UINT64_MAX, BOUNCE_CHUNK_BYTES - 1, 1 },
		{ UINT64_MAX, BOUNCE_CHUNK_BYTES / 2 - 1, NO_LANE },
	};

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct oracle_wish wish = oracle_slots(1);
		struct stand stand;

		wish.limits.last = at[i].last;
		wish.limits.boundary = at[i].boundary;
		open_one(&stand);
		cr_expect_eq(lane_of(&stand, &wish), at[i].lane, "%zu", i);
		bench_discard(&stand.bench);
	}
}

Test(pool_order, a_chunk_that_an_urgent_claim_opens_is_of_no_lane)
{
	struct oracle_wish wish = oracle_slots(1);
	struct stand stand;

	open_one(&stand);
	stand.client.urgent = true;
	cr_expect_eq(lane_of(&stand, &wish), NO_LANE);
	bench_discard(&stand.bench);
}

/* ---- the way back ---- */

static void give_back(struct stand *stand, const struct bounce_run *run)
{
	bounce_pool_give_back(stand->bench.pool, &stand->client, run);
}

Test(pool_order, a_chunk_that_is_given_back_is_where_the_next_search_begins)
{
	struct bounce_run run = { 0 };
	struct stand stand;

	stand_init(&stand, 1, 8, 0);
	stand.client.lane = 1;
	cr_assert_eq(claim_slots(&stand, 64, &run), BOUNCE_OK);
	stand.hint = no_hint;
	give_back(&stand, &run);
	cr_expect_eq(preferred(&stand, POOL_CLASS_WHOLE), 0);
	cr_expect_eq(bounce_slab_free_slots(slab_of(&stand, 0)), 8 * 64);
	bench_fini(&stand.bench);
}

Test(pool_order, chunks_that_are_given_back_tell_the_slab)
{
	struct bounce_run run = { 0 };
	struct stand stand;

	stand_init(&stand, 2, 8, 0);
	atomic_store_explicit(&stand.hint.slab, 1, memory_order_relaxed);
	cr_assert_eq(claim_slots(&stand, 65, &run), BOUNCE_OK);
	cr_expect_eq(run.slab, 1);
	atomic_store_explicit(&stand.hint.slab, 0, memory_order_relaxed);
	give_back(&stand, &run);
	cr_expect_eq(atomic_load_explicit(&stand.hint.slab,
					  memory_order_relaxed),
		     1);
	cr_expect_eq(bounce_slab_free_slots(slab_of(&stand, 1)), 8 * 64);
	bench_fini(&stand.bench);
}
