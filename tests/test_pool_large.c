/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_pool_large.c - runs of several chunks: where they come from, and what
 * they leave as it is; and why a search fails.
 */
#include "stand.h"

/* ---- why not ---- */

/* One slab of one chunk, of which every @step-th slot is free, @count of them
 * at most; the chunk is not of the class of what is asked for. */
static void scatter(struct stand *stand, unsigned step, unsigned count)
{
	struct bounce_run run[SLOTS_PER_CHUNK];

	stand_init(stand, 1, 1, 0);
	for (unsigned i = 0; i < SLOTS_PER_CHUNK; i++)
		cr_assert_eq(claim_slots(stand, 1, &run[i]), BOUNCE_OK);
	for (unsigned i = 0; i < count; i++)
		release(stand, &run[i * step]);
}

Test(pool_why, as_many_slots_as_are_wanted_are_fragmented_and_one_less_full)
{
	struct oracle_wish wish = oracle_slots(4);
	struct bounce_run run;

	for (unsigned less = 0; less < 2; less++) {
		struct stand stand;

		scatter(&stand, 2, 4 - less);
		/* With a part of the last slot, too. */
		for (uint64_t cut = 0; cut < 2; cut++) {
			wish.len = 4 * BOUNCE_SLOT_BYTES - cut * 4095;
			cr_expect_eq(claim(&stand, &wish, &run),
				     less == 0 ? BOUNCE_ERR_FRAGMENTED :
						 BOUNCE_ERR_FULL,
				     "%u less, %lu cut off", less, cut);
		}
		bench_discard(&stand.bench);
	}
}

/* All of the client's pool is taken; what there is in the next one is not
 * counted, and not given. */
Test(pool_why, what_is_free_in_the_next_pool_is_not)
{
	struct bounce_run run = { 0 };
	struct stand stand;
	uint64_t bus[2];
	struct bounce_pool *first = two_pools(&stand, 1, 1, bus);

	stand.bench.pool = first;
	cr_assert_eq(claim_slots(&stand, 8 * 64, &run), BOUNCE_OK);
	cr_expect_eq(claim_slots(&stand, 1, &run), BOUNCE_ERR_FULL);
	cr_expect_eq(claim_slots(&stand, 65, &run), BOUNCE_ERR_FULL);
	bench_discard(&stand.bench);
}

Test(pool_why, what_is_free_out_of_reach_is_not)
{
	struct bounce_run run = { 0 };
	struct stand stand;
	uint64_t bus[2];

	stand_init(&stand, 2, 8, 0);
	bus[0] = bench_slab_gpa(&stand.bench, 0).v;
	bus[1] = NO_BUS;
	stand.client.bus = bus;
	cr_assert_eq(claim_slots(&stand, 8 * 64, &run), BOUNCE_OK);
	cr_expect_eq(claim_slots(&stand, 1, &run), BOUNCE_ERR_FULL);
	cr_expect_eq(claim_slots(&stand, 65, &run), BOUNCE_ERR_FULL);
	bench_discard(&stand.bench);
}

/* Only in every second chunk is there a start with these low bits. */
Test(pool_why, a_full_pool_is_reachable_where_any_chunk_of_it_would_do)
{
	struct oracle_wish wish = oracle_slots(1);
	struct bounce_run run = { 0 };
	struct stand stand;

	stand_init(&stand, 1, 4, 0);
	wish.limits.match = 2 * BOUNCE_CHUNK_BYTES - 1;
	wish.p = BOUNCE_CHUNK_BYTES;
	cr_assert_eq(claim_slots(&stand, 4 * 64, &run), BOUNCE_OK);
	cr_expect_eq(claim(&stand, &wish, &run), BOUNCE_ERR_FULL);
	wish.limits.last = bench_slab_gpa(&stand.bench, 0).v;
	cr_expect_eq(claim(&stand, &wish, &run), BOUNCE_ERR_UNREACHABLE);
	bench_discard(&stand.bench);
}

/* ---- large runs ---- */

Test(pool_large, a_run_is_of_as_many_slots_as_its_bytes_begin)
{
	static const struct {
		uint64_t bytes;
		uint32_t slots;
	} at[] = {
		{ 65 * BOUNCE_SLOT_BYTES - 4095, 65 },
		{ 65 * BOUNCE_SLOT_BYTES - 1, 65 },
		{ 65 * BOUNCE_SLOT_BYTES, 65 },
		{ 65 * BOUNCE_SLOT_BYTES + 1, 66 },
	};

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct oracle_wish wish = oracle_slots(65);
		struct bounce_run run = { 0 };
		struct stand stand;

		stand_init(&stand, 1, 2, 0);
		wish.len = at[i].bytes;
		cr_assert_eq(claim(&stand, &wish, &run), BOUNCE_OK);
		cr_expect_eq(run.slots, at[i].slots, "%lu bytes: %u",
			     at[i].bytes, run.slots);
		release(&stand, &run);
		bench_fini(&stand.bench);
	}
}

/* A chunk that is empty but in use stays so. */
Test(pool_large, a_run_takes_sealed_chunks_first)
{
	struct bounce_run one = { 0 };
	struct bounce_run run = { 0 };
	struct stand stand;

	stand_init(&stand, 1, 3, 0);
	cr_assert_eq(claim_slots(&stand, 1, &one), BOUNCE_OK);
	cr_expect_eq(one.slot, 0);
	release(&stand, &one);
	cr_assert_eq(claim_slots(&stand, 128, &run), BOUNCE_OK);
	cr_expect_eq(run.slot, 64);
	release(&stand, &run);
	bench_fini(&stand.bench);
}

static void prefer_slab(struct stand *stand, uint32_t slab)
{
	atomic_store_explicit(&stand->hint.slab, slab, memory_order_relaxed);
}

Test(pool_large, a_run_begins_in_the_slab_of_the_hint)
{
	struct bounce_run run = { 0 };
	struct stand stand;
	uint64_t bus[3];

	(void)two_pools(&stand, 1, 2, bus);
	prefer_slab(&stand, 2);
	cr_assert_eq(claim_slots(&stand, 65, &run), BOUNCE_OK);
	cr_expect_eq(run.slab, 2);
	bench_discard(&stand.bench);
}

Test(pool_large, a_run_does_not_follow_a_hint_into_another_pool)
{
	struct bounce_run run = { 0 };
	struct stand stand;
	uint64_t bus[2];

	stand.bench.pool = two_pools(&stand, 1, 1, bus);
	prefer_slab(&stand, 1);
	cr_assert_eq(claim_slots(&stand, 65, &run), BOUNCE_OK);
	cr_expect_eq(run.slab, 0);
	bench_discard(&stand.bench);
}

/* Whether a block's slot, in which no granule is claimed, is still split. */
static bool is_split(struct stand *stand, const struct bounce_run *granule)
{
	return (word_of(stand, granule->slab,
			granule->slot / SLOTS_PER_CHUNK) >>
			granule->slot % SLOTS_PER_CHUNK &
		1) != 0;
}

/* Where nothing is far, the one comes with the other. */
Test(pool_large, a_run_takes_split_slots_back_before_it_seals)
{
	struct bounce_run granule = { 0 };
	struct bounce_run one = { 0 };
	struct bounce_run run = { 0 };
	struct stand stand;

	stand_init(&stand, 1, 3, 1);
	cr_assert_eq(claim_granules(&stand, 1, 1, &granule), BOUNCE_OK);
	cr_assert_eq(claim_slots(&stand, 64, &one), BOUNCE_OK);
	release(&stand, &granule);
	release(&stand, &one);
	cr_assert_eq(claim_slots(&stand, 128, &run), BOUNCE_OK);
	cr_expect_not(is_split(&stand, &granule) && granule.slot != run.slot);
	release(&stand, &run);
	bench_fini(&stand.bench);
}

/* Split slots are taken back only where nothing else is left. */
Test(pool_large, a_run_from_afar_leaves_split_slots_alone)
{
	struct bounce_run granule = { 0 };
	struct bounce_run run = { 0 };
	struct stand stand;

	stand_init(&stand, 2, 2, 1);
	cr_assert_eq(claim_granules(&stand, 1, 1, &granule), BOUNCE_OK);
	cr_expect_eq(granule.slab, 0);
	release(&stand, &granule);
	atomic_store_explicit(&slab_of(&stand, 1)->node, 1,
			      memory_order_relaxed);
	atomic_store_explicit(&stand.bench.pool->homes, 1,
			      memory_order_relaxed);
	cr_assert_eq(claim_slots(&stand, 128, &run), BOUNCE_OK);
	cr_expect_eq(run.slab, 1);
	cr_expect(is_split(&stand, &granule));
	release(&stand, &run);
	bench_fini(&stand.bench);
}

/* ---- where things are ---- */

Test(pool_find, a_slab_index_that_no_pool_was_given_is_not_looked_at)
{
	struct stand stand;
	struct bounce *bounce;

	stand_init(&stand, 2, 1, 0);
	bounce = stand.bench.bounce;
	cr_expect_eq(bounce_pool_find(bounce, bench_slab_gpa(&stand.bench, 1)),
		     slab_of(&stand, 1));
	atomic_store_explicit(&bounce->slabs_used, 1, memory_order_relaxed);
	cr_expect_null(
		bounce_pool_find(bounce, bench_slab_gpa(&stand.bench, 1)));
	bench_discard(&stand.bench);
}
