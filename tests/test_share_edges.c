/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_share_edges.c - slabs side by side, of one granule each: what becomes of
 * one leaves the pages of the next as they are.
 */
#include <criterion/criterion.h>

#include "instance.h"
#include "share.h"
#include "support.h"

/* Two slabs of a chunk, which is the monitor's granule. */
static void begin(struct bench *bench)
{
	struct bench_knobs knobs = bench_usual();

	knobs.slabs = 2;
	knobs.grown = 0;
	knobs.chunks = 1;
	bench_power_on(bench, &knobs);
	bench->machine.arch.granule_shift = BOUNCE_CHUNK_SHIFT;
	bench_set_up(bench);
}

static bool all_are(const struct bench *bench, uint32_t slab,
		    enum share_state state)
{
	for (uint32_t i = 0; i < SLOTS_PER_CHUNK; i++)
		if (bench->bounce->slab[slab].page[i] != state)
			return false;
	return true;
}

Test(share_edges, the_first_slab_grows_beside_one_that_is_shared)
{
	struct bench bench;

	begin(&bench);
	for (uint32_t turn = 0; turn < 2; turn++) {
		cr_assert_eq(bench_grow(&bench, 0), BOUNCE_OK);
		if (turn == 0)
			cr_assert_eq(bench_grow(&bench, 1), BOUNCE_OK);
		cr_assert_eq(bench_retire(&bench, 0), BOUNCE_OK);
		cr_expect(all_are(&bench, 0, SHARE_PRIVATE));
		cr_expect(all_are(&bench, 1, SHARE_SHARED));
	}
	bench_fini(&bench);
}

Test(share_edges, a_slab_that_is_lost_takes_no_page_of_the_next_with_it)
{
	struct bench bench;

	begin(&bench);
	cr_assert_eq(bench_grow(&bench, 0), BOUNCE_OK);
	cr_assert_eq(bench_grow(&bench, 1), BOUNCE_OK);
	bounce_share_lose(bench.pool, &bench.bounce->slab[0]);
	cr_expect(all_are(&bench, 0, SHARE_LOST));
	cr_expect(all_are(&bench, 1, SHARE_SHARED));
	bench_discard(&bench);
}

Test(share_edges, a_slab_in_doubt_leaves_the_next_one_on_its_way)
{
	struct bench bench;
	struct bounce_slab *slab;

	begin(&bench);
	slab = bench.bounce->slab;
	for (uint32_t i = 0; i < 2; i++) {
		cr_assert_eq(bench_grow(&bench, i), BOUNCE_OK);
		for (uint32_t j = 0; j < SLOTS_PER_CHUNK; j++)
			slab[i].page[j] = SHARE_UNSHARING;
	}
	bounce_share_doubt(bench.pool, &slab[0]);
	cr_expect(all_are(&bench, 0, SHARE_LOST));
	cr_expect(all_are(&bench, 1, SHARE_UNSHARING));
	bench_discard(&bench);
}

/* ---- what the hooks are given ---- */

/* The page tables of just the slab, in whatever order. */
Test(share_edges, the_embedder_changes_the_tables_of_the_slab_and_no_others)
{
	for (uint8_t contents = 0; contents <= BOUNCE_CONTENTS_UNDEFINED;
	     contents++) {
		struct bench_knobs knobs = bench_usual();
		const struct fake_event *event;
		struct bench bench;

		knobs.grown = 0;
		bench_power_on(&bench, &knobs);
		bench.machine.arch.contents = contents;
		bench.machine.tables = true;
		bench_set_up(&bench);
		cr_assert_eq(bench_grow(&bench, 0), BOUNCE_OK);
		event = bench.machine.event;
		while (event->call != FAKE_SET_SHARED)
			event++;
		cr_expect_eq(event->gpa, bench_slab_gpa(&bench, 0).v);
		cr_expect_eq((uint64_t)event->count << BOUNCE_SLOT_SHIFT,
			     bench.slab_bytes);
		bench_fini(&bench);
	}
}

/* Nobody waits for what is done. */
Test(share_edges, an_answer_to_ask_again_with_nothing_left_is_no_retry)
{
	const struct fake_fault again = {
		.call = FAKE_SHARE,
		.times = 1,
		.step = BOUNCE_STEP_RETRY,
		.done = 1,
		.truth = FAKE_ALWAYS,
	};
	struct bounce_pool_stats stats;
	struct bench bench;

	begin(&bench);
	cr_assert(fake_machine_fail(&bench.machine, &again));
	cr_assert_eq(bench_grow(&bench, 0), BOUNCE_OK);
	bounce_pool_stats(bench.pool, &stats);
	cr_expect_eq(stats.share_calls, 1);
	cr_expect_eq(stats.share_retries, 0);
	bench_fini(&bench);
}
