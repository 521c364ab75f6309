/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * pair.c - two CPUs at work on one thing.
 */
#include "pair.h"

#include <cpu.h>

#include "report.h"

#define MEET_MILLISECONDS 10000u
#define CLOSE_TURNS 10000u

static const char
	*failure[PAIR_CPUS]; /* each CPU's own, until it has stopped */
static atomic_bool failed;
static _Atomic uint32_t arrived[PAIR_CPUS]; /* meetings that each came to */

bool pair_fail(unsigned me, const char *text)
{
	if (failure[me] == NULL)
		failure[me] = text;
	/* relaxed: the other is to see it some time (A2); the reason is read
	 * when both have stopped (A1). */
	atomic_store_explicit(&failed, true, memory_order_relaxed);
	return false;
}

bool pair_failed(void)
{
	/* relaxed: as in pair_fail(). */
	return atomic_load_explicit(&failed, memory_order_relaxed);
}

bool pair_is_set(atomic_bool *flag)
{
	/* acquire: pairs with the release in pair_set(). */
	return atomic_load_explicit(flag, memory_order_acquire);
}

void pair_set(atomic_bool *flag, bool value)
{
	/* release: pairs with the acquire in pair_is_set(). */
	atomic_store_explicit(flag, value, memory_order_release);
}

static bool is_there(unsigned cpu, uint32_t meeting)
{
	/* acquire: pairs with the release in pair_meet(). */
	uint32_t there = atomic_load_explicit(&arrived[cpu],
					      memory_order_acquire);

	return (int32_t)(there - meeting) >= 0;
}

bool pair_meet(unsigned me)
{
	uint64_t until = cpu_milliseconds() + MEET_MILLISECONDS;
	uint32_t meeting;
	uint32_t turns = 0;

	/* release: pairs with the acquire in is_there(), on the other CPU. */
	meeting = 1 + atomic_fetch_add_explicit(&arrived[me], 1,
						memory_order_release);
	while (!is_there(1 - me, meeting)) {
		/* Who looks at nothing else leaves at once. */
		if (++turns < CLOSE_TURNS)
			continue;
		if (pair_failed())
			return false;
		if (cpu_milliseconds() > until)
			return pair_fail(me, "one CPU waited in vain");
		bounce_cpu_relax();
	}
	return true;
}

void pair_scene(const char *stage, void (*first)(void), void (*second)(void))
{
	report_stage(stage);
	if (!cpu_start_second(second))
		guest_fail("the second CPU does not start");
	first();
	if (!cpu_join_second())
		guest_fail("the second CPU does not stop");
}

void pair_report(const char *name, const char *text)
{
	for (unsigned cpu = PAIR_CPUS; cpu-- > 0;)
		if (failure[cpu] != NULL)
			text = failure[cpu];
	report_control("smp", name, !pair_failed(), text);
}
