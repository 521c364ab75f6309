/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * duel.c - two CPUs end the same mapping.
 *
 * CPU 0 makes it and plays the device; both meet, and both end it, each by a
 * lane of its own: any lane of the device will do. The winner's copy must be
 * whole, whoever it was.
 */
#include "duel.h"

#include "churn.h"
#include "pattern.h"
#include "report.h"

#define ROUNDS 1000u
#define BYTES 3000u
#define NOBODY PAIR_CPUS

/* The duel that is on; written by CPU 0, but for `end` of the other. */
static struct {
	struct duel_open what;
	struct duel_count count;
	bool born; /* bounce_alloc(): ended by bounce_free() */
	struct bounce_mapping mapping;
	enum bounce_err end[PAIR_CPUS]; /* what each was told */
	uint32_t handicap[PAIR_CPUS]; /* turns for which each waits */
} duel;

static unsigned char bytes[BYTES];

/* A mapping of bytes that the device has written: seed @round, for ~@round. */
static bool prepare(uint32_t round, bool born)
{
	struct bounce_buf buf = { { (uintptr_t)bytes }, bytes, BYTES };
	struct bounce_buf memory;
	enum bounce_err err;

	duel.born = born;
	pattern_fill(bytes, BYTES, ~(uint64_t)round);
	if (born)
		err = bounce_alloc(duel.what.lane[0], BYTES, 0, 0, &memory,
				   &duel.mapping);
	else
		err = bounce_map(duel.what.lane[0], &buf, BOUNCE_FROM_DEVICE,
				 &duel.mapping);
	if (err != BOUNCE_OK)
		return pair_fail(0, "a duel's mapping failed");
	duel.count.maps += !born;
	pattern_fill(churn_view(&duel.mapping), BYTES, round);
	return true;
}

static void end(unsigned me, struct bounce_queue *lane)
{
	duel.end[me] = duel.born ? bounce_free(lane, &duel.mapping) :
				   bounce_unmap(lane, &duel.mapping, BYTES);
}

/* Did exactly one end it, and was the other told so? */
static unsigned winner(void)
{
	unsigned cpu = duel.end[0] == BOUNCE_OK ? 0 : 1;

	return duel.end[cpu] == BOUNCE_OK &&
			       duel.end[1 - cpu] == BOUNCE_ERR_STALE ?
		       cpu :
		       NOBODY;
}

/* The winner is held back, until both win as often: so it stays close. */
static void even_out(unsigned cpu)
{
	if (duel.handicap[1 - cpu] > 0)
		duel.handicap[1 - cpu]--;
	else
		duel.handicap[cpu]++;
}

static bool judge(uint32_t round)
{
	uint64_t seed = duel.born ? ~(uint64_t)round : round;
	unsigned cpu = winner();

	if (cpu == NOBODY)
		return pair_fail(0, "not exactly one CPU ended a mapping");
	if (!pattern_holds(bytes, BYTES, seed))
		return pair_fail(0, "a mapping that both CPUs ended lost "
				    "bytes");
	duel.count.won[cpu]++;
	even_out(cpu);
	return true;
}

static bool fight(unsigned me)
{
	uint32_t turns;

	if (!pair_meet(me))
		return false;
	turns = duel.handicap[me];
	if (!pair_meet(me))
		return false;
	while (turns-- > 0)
		__asm__ volatile("");
	end(me, duel.what.lane[me]);
	return pair_meet(me);
}

static void first_fights(void)
{
	for (uint32_t round = 0; round < ROUNDS; round++)
		if (!prepare(round, round % 2 == 1) || !fight(0) ||
		    !judge(round))
			return;
}

static void second_fights(void)
{
	for (uint32_t round = 0; round < ROUNDS; round++)
		if (!fight(1))
			return;
}

/* ---- a lane of another device ---- */

static void try_wrong(unsigned me)
{
	if (!pair_meet(me))
		return;
	end(me, duel.what.wrong);
	(void)pair_meet(me);
}

static void first_tries(void)
{
	if (prepare(0, false))
		try_wrong(0);
}

static void second_tries(void)
{
	try_wrong(1);
}

static void check_wrong(void)
{
	if (duel.end[0] != BOUNCE_ERR_STALE || duel.end[1] != BOUNCE_ERR_STALE)
		(void)pair_fail(0, "another device's lane ended a mapping");
	end(0, duel.what.lane[1]);
	if (duel.end[0] != BOUNCE_OK || !pattern_holds(bytes, BYTES, 0))
		(void)pair_fail(0, "a refused unmap changed something");
}

/* ---- the control of all checks of bytes ---- */

static bool notices_spoilt_byte(void)
{
	if (!prepare(0, false))
		return false;
	churn_view(&duel.mapping)[BYTES / 2] ^= 1;
	end(0, duel.what.lane[0]);
	return duel.end[0] == BOUNCE_OK && !pattern_holds(bytes, BYTES, 0);
}

void duel_run(const struct duel_open *what, struct duel_count *count)
{
	duel.what = *what;
	pair_scene("unmapping on two CPUs", first_fights, second_fights);
	pair_report("ended_once", "of 1000 mappings that both CPUs ended at "
				  "once, exactly one CPU ended each");
	pair_scene("unmapping by a wrong lane", first_tries, second_tries);
	check_wrong();
	pair_report("wrong_device",
		    "a lane of another device ended no mapping, on either CPU; "
		    "any lane of the right one did");
	report_control("smp", "spoilt_byte", notices_spoilt_byte(),
		       "one bit changed behind a live mapping was noticed: the "
		       "check of the bytes can fail");
	*count = duel.count;
}
