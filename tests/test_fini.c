/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_fini.c - bounce_pool_fini() when not all comes back, and what is made of
 * something that has ended.
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

/* ---- what has ended ---- */

Test(fini, what_has_ended_does_not_end_again)
{
	const struct bounce_function_info where = { .root_bus = 1 };
	const struct bounce_pool_info info = { .slabs = 1 };
	struct bounce_function *function;
	struct bench_side side;
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	knobs.functions = 1;
	knobs.more_pools = 1;
	knobs.more_slabs = 1;
	knobs.more_spaces = 1;
	knobs.private_bytes = 2 << 20;
	bench_init(&bench, &knobs);
	bench_side_init(&bench, &info,
			bench_private_gpa(&bench, bench.slab_bytes), &side);
	cr_assert_eq(bounce_function_add(bench.bounce, &where, &function),
		     BOUNCE_OK);
	bench_side_fini(&side);
	cr_assert_eq(bounce_function_remove(function), BOUNCE_OK);
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(bounce_device_detach(side.device), BOUNCE_ERR_ARG);
		cr_expect_eq(bounce_space_fini(side.space), BOUNCE_ERR_ARG);
		cr_expect_eq(bounce_pool_fini(side.pool), BOUNCE_ERR_ARG);
		cr_expect_eq(bounce_function_remove(function), BOUNCE_ERR_ARG);
	}
	cr_expect_eq(bounce_device_detach(NULL), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_space_fini(NULL), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_pool_fini(NULL), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_function_remove(NULL), BOUNCE_ERR_ARG);
	bench_fini(&bench);
}

/* Its pages would be shared, and nobody would take them back. */
Test(fini, nothing_is_made_of_what_has_ended)
{
	const struct bounce_function_info where = { .root_bus = 1 };
	const struct bounce_pool_info info = { .slabs = 2 };
	struct bounce_device_info about;
	struct bounce_device *device;
	struct bounce_space *space;
	struct bench_side side;
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	bounce_gpa_t slab;

	knobs.functions = 1;
	knobs.more_pools = 1;
	knobs.more_slabs = 2;
	knobs.more_spaces = 1;
	knobs.private_bytes = 4 << 20;
	bench_init(&bench, &knobs);
	slab = bench_private_gpa(&bench, bench.slab_bytes);
	bench_side_init(&bench, &info, slab, &side);
	bench_side_fini(&side);
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(bounce_pool_grow(side.pool, slab,
					      bench.slab_bytes),
			     BOUNCE_ERR_ARG);
		slab.v += bench.slab_bytes;
	}
	cr_expect_eq(fake_machine_shared_bytes(&bench.machine),
		     bench.slab_bytes);
	cr_expect_eq(bounce_space_init(bench.bounce, side.pool, &space),
		     BOUNCE_ERR_ARG);
	about = knobs.info;
	about.space = side.space;
	cr_expect_eq(bounce_device_attach(bench.bounce, &about, &device, NULL),
		     BOUNCE_ERR_ARG);
	about.space = bench.space;
	cr_assert_eq(bounce_function_add(bench.bounce, &where, &about.function),
		     BOUNCE_OK);
	cr_assert_eq(bounce_function_remove(about.function), BOUNCE_OK);
	cr_expect_eq(bounce_device_attach(bench.bounce, &about, &device, NULL),
		     BOUNCE_ERR_ARG);
	bench_fini(&bench);
}
