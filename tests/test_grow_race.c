/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_grow_race.c - two CPUs want the same pages.
 *
 * Needs the trap flag of an x86-64 CPU; elsewhere there is nothing in here.
 */
#ifdef __x86_64__

#include <criterion/criterion.h>

#include <signal.h>
#include <ucontext.h>

#include "instance.h"
#include "support.h"

#define CHUNK ((uint64_t)BOUNCE_CHUNK_BYTES)

static enum bounce_err grow(struct bench *bench, uint64_t offset, uint64_t len)
{
	return bounce_pool_grow(
		bench->pool, (bounce_gpa_t) { bench->knobs.gpa + offset }, len);
}

static enum bounce_err retire(struct bench *bench, uint64_t offset)
{
	return bounce_pool_retire(bench->pool,
				  (bounce_gpa_t) { bench->knobs.gpa + offset });
}

/*
 * The other CPU, at every fifth instruction: the trap flag stops the first
 * grower after each one, and at the n-th the second runs from end to end.
 */
static struct {
	struct bench *bench;
	uint32_t left; /* instructions until the second one runs */
	bool over; /* the first one is past what is looked at */
	enum bounce_err second;
} stepper;

#define TRAP_FLAG 0x100

static void on_trap(int number, siginfo_t *info, void *context)
{
	greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];

	(void)number;
	(void)info;
	*flags |= TRAP_FLAG;
	if (!stepper.over && --stepper.left != 0)
		return;
	*flags &= ~(greg_t)TRAP_FLAG;
	if (!stepper.over)
		stepper.second = grow(stepper.bench, CHUNK, CHUNK);
}

/* Called by bounce_share(): the range is announced, or given up, by now. */
static enum bounce_protection detect_and_stop(void *ctx)
{
	(void)ctx;
	stepper.over = true;
	return BOUNCE_PROTECTION_NO;
}

/* Both begin where nothing is in the way; false when the second came late. */
static bool try_instruction(struct bench *bench, uint32_t n)
{
	enum bounce_err first;

	stepper.left = n;
	stepper.over = false;
	stepper.second = BOUNCE_ERR_LOST;
	raise(SIGTRAP);
	first = grow(bench, 0, 2 * CHUNK);
	stepper.over = true;
	if (first == BOUNCE_OK)
		cr_assert_eq(retire(bench, 0), BOUNCE_OK);
	if (stepper.second == BOUNCE_OK)
		cr_assert_eq(retire(bench, CHUNK), BOUNCE_OK);
	cr_expect(first == BOUNCE_OK || first == BOUNCE_ERR_ARG);
	cr_expect(first != BOUNCE_OK || stepper.second != BOUNCE_OK,
		  "both got it, at instruction %u", n);
	return stepper.second != BOUNCE_ERR_LOST;
}

/* G2 */
Test(pool_grow, of_two_that_want_a_page_at_most_one_gets_it)
{
	const struct sigaction action = { .sa_sigaction = on_trap,
					  .sa_flags = SA_SIGINFO };
	struct bench_knobs knobs = bench_usual();
	struct bench bench;
	uint32_t n = 1;

	knobs.slabs = 2;
	knobs.chunks = 2;
	knobs.grown = 0;
	knobs.protection = BOUNCE_PROTECTION_NO;
	bench_power_on(&bench, &knobs);
	bench.machine.arch.detect = detect_and_stop;
	bench_set_up(&bench);
	stepper.bench = &bench;
	cr_assert_eq(sigaction(SIGTRAP, &action, NULL), 0);
	/* Between the look and the announcement lie more than these. */
	while (try_instruction(&bench, n))
		n += 5;
	cr_expect_gt(n, 100, "only %u instructions", n);
	bench_fini(&bench);
}

#endif
