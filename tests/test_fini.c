/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_fini.c - bounce_pool_fini() when not all comes back.
 */
#include "calls.h"

static const struct fake_fault no_unshare = {
	.call = FAKE_UNSHARE,
	.times = FAKE_ALWAYS,
	.step = BOUNCE_STEP_UNCHANGED,
};

/* Lost by bounce_pool_fini() itself, or in part before it was called. */
Test(pool_fini, of_a_pool_that_lost_pages_says_so_and_ends_it)
{
	for (uint32_t before = 0; before < 2; before++) {
		struct bench bench;
		struct bench_knobs knobs = bench_usual();

		knobs.slabs = 2;
		knobs.grown = 2;
		knobs.devices = 0;
		bench_init(&bench, &knobs);
		cr_assert(fake_machine_fail(&bench.machine, &no_unshare));
		if (before != 0) {
			cr_assert_eq(bench_retire(&bench, 0), BOUNCE_ERR_LOST);
			bench.machine.fault[0].times = 0;
		}
		cr_assert_eq(bounce_space_fini(bench.space), BOUNCE_OK);
		cr_expect_eq(bounce_pool_fini(bench.pool), BOUNCE_ERR_LOST);
		cr_expect_eq(fake_machine_shared_bytes(&bench.machine),
			     (2 - before) * bench.slab_bytes);
		cr_expect_eq(bounce_fini(bench.bounce), BOUNCE_OK, "it ended");
		bench_discard(&bench);
	}
}

/* What is not busy is retired; what was done stays done. */
Test(pool_fini, with_a_claimed_slot_is_busy_and_may_be_called_again)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct pool_hint hint = { 0 };
	struct pool_client client = { .hint = &hint, .tenant = 1 };
	const struct bounce_limits limits = { .segment = UINT64_MAX,
					      .boundary = UINT64_MAX,
					      .last = UINT64_MAX };
	struct bounce_place place;
	struct bounce_run run;

	knobs.slabs = 2;
	knobs.grown = 2;
	knobs.devices = 0;
	bench_init(&bench, &knobs);
	client.bus = bench.space->bus[BOUNCE_PATH_BUS];
	cr_assert(bounce_window_place(&limits, 0, bench.slab_bytes,
				      BOUNCE_CHUNK_SHIFT, &place));
	cr_assert_eq(bounce_pool_claim(bench.pool, &place, &client, &run),
		     BOUNCE_OK);
	cr_assert_eq(bounce_space_fini(bench.space), BOUNCE_OK);
	cr_expect_eq(bounce_pool_fini(bench.pool), BOUNCE_ERR_BUSY);
	bounce_pool_release(bench.pool, &run);
	cr_expect_eq(bounce_pool_fini(bench.pool), BOUNCE_OK);
	cr_expect_eq(fake_machine_shared_bytes(&bench.machine), 0);
	cr_expect_eq(bounce_fini(bench.bounce), BOUNCE_OK);
	bench_discard(&bench);
}
