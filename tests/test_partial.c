/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_partial.c - a monitor that does a part of what it was asked, and then
 * does not know: what is LOST is the rest of that call, and no page beside it
 * (H1, S5). Calls have at most 16 granules, and unsharing begins at the end.
 */
#include <setjmp.h>

#include "calls.h"
#include "share.h"

#define BATCH 16u

static uint64_t lost_bytes(const struct bench *bench)
{
	struct bounce_pool_stats stats;

	bounce_pool_stats(bench->pool, &stats);
	return stats.lost_bytes;
}

/* The second call: @done granules and "again", then "unknown". */
Test(partial, unsharing_loses_the_rest_of_the_call_and_no_page_beside_it)
{
	for (uint32_t done = 0; done < BATCH; done++) {
		struct bench bench;
		struct bench_knobs knobs = bench_usual();
		const struct fake_fault fault[] = {
			{ FAKE_UNSHARE, 1, 1, BOUNCE_STEP_RETRY, done, done },
			{ FAKE_UNSHARE, 2, 1, BOUNCE_STEP_UNKNOWN, 0, 0 },
		};

		knobs.chunks = 1;
		knobs.devices = 0;
		bench_init(&bench, &knobs);
		cr_assert(fake_machine_fail(&bench.machine, &fault[0]));
		cr_assert(fake_machine_fail(&bench.machine, &fault[1]));
		cr_expect_eq(bench_retire(&bench, 0), BOUNCE_ERR_LOST);
		cr_expect_eq(lost_bytes(&bench), (BATCH - done) * 4096ull,
			     "%u of %u done", done, BATCH);
		for (uint32_t i = 0; i < 64; i++)
			cr_expect_eq(bench.bounce->slab[0].page[i] ==
					     SHARE_LOST,
				     fake_machine_is_shared(&bench.machine,
							    bench.knobs.gpa +
								    i * 4096),
				     "page %u, %u done", i, done);
		bench_discard(&bench);
	}
}

/* A CPU that is stopped for ever in a call of growth; calls until then. */
static const struct bounce_arch *whole;
static jmp_buf stopped;
static uint32_t left;

static enum bounce_step stop_in_share(void *ctx, bounce_gpa_t gpa,
				      uint32_t count, uint32_t *done)
{
	if (left-- == 0)
		longjmp(stopped, 1);
	return whole->share(ctx, gpa, count, done);
}

/* In a frame of its own: nothing that it holds changes after setjmp(). */
static void grow_until_stopped(struct bench *bench)
{
	if (setjmp(stopped) == 0)
		(void)bench_grow(bench, 1);
}

Test(partial, each_page_on_its_way_is_lost_once)
{
	enum {
		ODD = 5,
		PAGES = 64
	};

	for (uint32_t n = 1; n < PAGES / ODD; n++) {
		static struct bounce_arch torn;
		static struct bench bench;
		struct bench_knobs knobs = bench_usual();

		knobs.slabs = 2;
		knobs.chunks = 1;
		knobs.devices = 0;
		bench_init(&bench, &knobs);
		whole = bench.bounce->arch.arch;
		torn = *whole;
		torn.batch = ODD;
		torn.share = stop_in_share;
		left = n;
		bench.bounce->arch.arch = &torn;
		grow_until_stopped(&bench);
		bench.bounce->arch.arch = whole;
		cr_expect_eq(bounce_unshare_all(bench.bounce), BOUNCE_ERR_LOST);
		cr_expect_eq(lost_bytes(&bench), (PAGES - ODD * n) * 4096ull,
			     "stopped in call %u", n);
		bench_discard(&bench);
	}
}
