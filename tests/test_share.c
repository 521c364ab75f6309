/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_share.c - sharing pages with a monitor that fails, lies and is late.
 *
 * The oracle of each test is the machine's truth: believed() holds the state
 * that the library keeps of every page against what the host really sees.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "instance.h"
#include "share.h"
#include "support.h"

/* What one call of a sweep answers, and what it should come to. */
struct lie {
	const char *name;
	struct {
		uint32_t times;
		enum bounce_step step;
		uint32_t done;
		uint32_t truth;
	} fault; /* of struct fake_fault; call and first are the sweep's */
	enum bounce_err result; /* of a share, or of an unshare */
};

#define ONCE 1
#define FOR_EVER FAKE_ALWAYS
#define ALL FAKE_ALWAYS
#define DONE BOUNCE_STEP_DONE
#define AGAIN BOUNCE_STEP_RETRY
#define REFUSED BOUNCE_STEP_UNCHANGED
#define UNKNOWN BOUNCE_STEP_UNKNOWN
#define NO_STEP ((enum bounce_step)77)
#define LOST BOUNCE_ERR_LOST

static const struct lie share_lies[] = {
	{ "busy for ever", { FOR_EVER, AGAIN, 0, 0 }, BOUNCE_ERR_BUSY },
	{ "refused", { ONCE, REFUSED, 0, 0 }, BOUNCE_ERR_HOST },
	{ "refused for ever", { FOR_EVER, REFUSED, 0, 0 }, BOUNCE_ERR_HOST },
	{ "unknown, and nothing happened", { ONCE, UNKNOWN, 0, 0 }, LOST },
	{ "unknown, and one is shared", { ONCE, UNKNOWN, 0, 1 }, LOST },
	{ "unknown, and all are shared", { ONCE, UNKNOWN, 0, ALL }, LOST },
	{ "done with more than was asked for", { ONCE, DONE, 17, ALL }, LOST },
	{ "done with 2^32 - 1", { ONCE, DONE, UINT32_MAX, 1 }, LOST },
	{ "done with none", { ONCE, DONE, 0, ALL }, LOST },
	{ "again with more than asked for", { ONCE, AGAIN, 17, ALL }, LOST },
	{ "refused, but one done", { ONCE, REFUSED, 1, 1 }, LOST },
	{ "no such result", { ONCE, NO_STEP, 1, ALL }, LOST },
	{ "done, a part", { ONCE, DONE, 1, 1 }, BOUNCE_OK },
	{ "again, a part done", { ONCE, AGAIN, 1, 1 }, BOUNCE_OK },
	{ "busy for a while", { SHARE_RETRIES, AGAIN, 0, 0 }, BOUNCE_OK },
	{ "done, but nothing happened", { ONCE, DONE, 1, 0 }, BOUNCE_OK },
};

static const struct lie unshare_lies[] = {
	{ "none", { 0, DONE, 0, 0 }, BOUNCE_OK },
	{ "busy for ever", { FOR_EVER, AGAIN, 0, 0 }, LOST },
	{ "refused", { ONCE, REFUSED, 0, 0 }, LOST },
	{ "unknown, and nothing happened", { ONCE, UNKNOWN, 0, 0 }, LOST },
	{ "unknown for ever", { FOR_EVER, UNKNOWN, 0, ALL }, LOST },
	{ "done with more than was asked for", { ONCE, DONE, 17, 0 }, LOST },
	{ "done with none", { ONCE, DONE, 0, 0 }, LOST },
	{ "no such result", { ONCE, NO_STEP, 1, 0 }, LOST },
	{ "again, a part done", { ONCE, AGAIN, 1, 1 }, BOUNCE_OK },
	{ "busy for a while", { SHARE_RETRIES, AGAIN, 0, 0 }, BOUNCE_OK },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- a slab that nobody has shared yet ---- */

static void power_on(struct bench *bench)
{
	struct bench_knobs knobs = bench_usual();

	knobs.chunks = 1;
	knobs.grown = 0;
	knobs.blocks = 0;
	knobs.direct = 0;
	knobs.private_bytes = BOUNCE_SLOT_BYTES;
	bench_power_on(bench, &knobs);
}

static struct bounce_slab *set_up(struct bench *bench)
{
	struct bounce_slab *slab;

	bench_set_up(bench);
	slab = &bench->bounce->slab[0];
	slab->base = bench_slab_gpa(bench, 0);
	slab->memory = bench->machine.memory;
	slab->chunks = 1;
	slab->all_chunks = 1;
	return slab;
}

static uint32_t count_state(const struct bounce_slab *slab,
			    enum share_state state)
{
	uint32_t slots = 0;

	for (uint32_t i = 0; i < SLOTS_PER_CHUNK; i++)
		slots += slab->page[i] == state;
	return slots;
}

static bool all_zero(const unsigned char *bytes, uint64_t len)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

/* Is a page of this state what the state says? */
static bool state_is_true(const struct bench *bench, uint32_t slot)
{
	const struct fake_machine *machine = &bench->machine;
	const struct bounce_slab *slab = &bench->bounce->slab[0];
	uint64_t offset = (uint64_t)slot << BOUNCE_SLOT_SHIFT;
	/* H1: the first slot of the granule speaks for it. */
	uint32_t first = slot & ~((1u << (machine->arch.granule_shift -
					  BOUNCE_SLOT_SHIFT)) -
				  1);

	if (slab->page[slot] != slab->page[first])
		return false;
	if (slab->page[slot] == SHARE_PRIVATE)
		return machine->page[slot] == 0 &&
		       all_zero(slab->memory + offset, BOUNCE_SLOT_BYTES);
	return slab->page[slot] == SHARE_SHARED ||
	       slab->page[slot] == SHARE_LOST;
}

/* The truth, the counters and the result fit what is kept of every page. */
static bool believed(const struct bench *bench, enum bounce_err err)
{
	const struct bounce_slab *slab = &bench->bounce->slab[0];
	const struct fake_machine *machine = &bench->machine;
	uint32_t lost = count_state(slab, SHARE_LOST);
	struct bounce_pool_stats stats;

	bounce_pool_stats(bench->pool, &stats);
	for (uint32_t i = 0; i < SLOTS_PER_CHUNK; i++)
		if (!state_is_true(bench, i))
			return false;
	return (err == BOUNCE_ERR_LOST) == (lost != 0) &&
	       stats.lost_bytes == (uint64_t)lost << BOUNCE_SLOT_SHIFT &&
	       stats.share_calls == machine->calls[FAKE_SHARE] +
					    machine->calls[FAKE_UNSHARE] &&
	       stats.share_retries == machine->relaxed &&
	       machine->wrong.secrets == 0 && machine->wrong.calls == 0 &&
	       machine->wrong.shared_again == 0 && machine->wrong.tables == 0 &&
	       machine->wrong.unprotected == 0;
}

static void plan(struct bench *bench, enum fake_call call, uint32_t nth,
		 const struct lie *lie)
{
	const struct fake_fault fault = {
		.call = call,
		.first = nth,
		.times = lie->fault.times,
		.step = lie->fault.step,
		.done = lie->fault.done,
		.truth = lie->fault.truth,
	};

	cr_assert(fake_machine_fail(&bench->machine, &fault));
}

/* ---- sweeps: the n-th call fails in every way ---- */

/* A share with a fault at one call, and a fault on the way back. */
struct sweep {
	uint8_t shift; /* share granule */
	uint32_t batch;
	uint32_t nth; /* share call that fails */
	uint32_t mth; /* unshare call that fails */
	const struct lie *lie;
	const struct lie *back;
};

static void try_share(const struct sweep *sweep)
{
	enum bounce_err want = sweep->lie->result;
	struct bench bench;
	struct bounce_slab *slab;
	enum bounce_err err;

	power_on(&bench);
	bench.machine.arch.granule_shift = sweep->shift;
	bench.machine.arch.batch = sweep->batch;
	plan(&bench, FAKE_SHARE, sweep->nth, sweep->lie);
	plan(&bench, FAKE_UNSHARE, sweep->mth, sweep->back);
	slab = set_up(&bench);
	err = bounce_share(bench.pool, slab);
	cr_expect(believed(&bench, err) &&
			  count_state(slab, SHARE_SHARED) ==
				  (err == BOUNCE_OK ? SLOTS_PER_CHUNK : 0),
		  "call %u: %s; back, call %u: %s", sweep->nth,
		  sweep->lie->name, sweep->mth, sweep->back->name);
	/* On the way back it can only become worse. */
	cr_expect(err == want || (err == BOUNCE_ERR_LOST && want != BOUNCE_OK &&
				  sweep->back->result != BOUNCE_OK),
		  "call %u: %s; back, call %u: %s; result %d", sweep->nth,
		  sweep->lie->name, sweep->mth, sweep->back->name, err);
	bench_discard(&bench);
}

/* Every lie at share call @nth with every one at unshare call @mth. */
static void try_all(struct sweep sweep)
{
	for (size_t i = 0; i < COUNT(share_lies); i++) {
		for (size_t j = 0; j < COUNT(unshare_lies); j++) {
			sweep.lie = &share_lies[i];
			sweep.back = &unshare_lies[j];
			try_share(&sweep);
		}
	}
}

/* C01, C03, C05, C06 */
Test(share, whichever_call_fails_no_page_called_private_is_shared)
{
	for (uint32_t nth = 0; nth < 4; nth++)
		for (size_t i = 0; i < COUNT(share_lies); i++)
			try_share(&(struct sweep) { 12, 16, nth, 0,
						    &share_lies[i],
						    &unshare_lies[0] });
}

/* C02: whatever fails on the way there, then on the way back. */
Test(share, whatever_fails_on_the_way_back_is_lost_and_counted)
{
	for (uint32_t nth = 0; nth < 4; nth++)
		for (uint32_t mth = 0; mth < 3; mth++)
			try_all((struct sweep) { 16, 1, nth, mth, NULL, NULL });
}

/* The same with calls of more than one granule, the last one shorter. */
Test(share, a_batch_that_fails_is_judged_as_a_whole)
{
	for (uint32_t nth = 0; nth < 2; nth++)
		try_all((struct sweep) { 16, 3, nth, 0, NULL, NULL });
}

/* C11 and S5: retirement, whichever call fails. */
Test(unshare, only_a_plain_done_makes_a_page_private)
{
	for (uint32_t nth = 0; nth < 4; nth++) {
		for (size_t i = 0; i < COUNT(unshare_lies); i++) {
			const struct lie *lie = &unshare_lies[i];
			struct bench bench;
			struct bounce_slab *slab;
			enum bounce_err err;

			power_on(&bench);
			plan(&bench, FAKE_UNSHARE, nth, lie);
			slab = set_up(&bench);
			cr_assert_eq(bounce_share(bench.pool, slab), BOUNCE_OK);
			err = bounce_unshare(bench.pool, slab);
			cr_expect_eq(err, lie->result, "call %u: %s: %d", nth,
				     lie->name, err);
			cr_expect(believed(&bench, err), "call %u: %s", nth,
				  lie->name);
			cr_expect_eq(count_state(slab, SHARE_SHARED), 0);
			bench_discard(&bench);
		}
	}
}

/* ---- bounds ---- */

Test(share, retries_without_progress_end)
{
	struct bench bench;
	struct bounce_slab *slab;

	power_on(&bench);
	plan(&bench, FAKE_SHARE, 0, &share_lies[0]); /* busy for ever */
	slab = set_up(&bench);
	cr_expect_eq(bounce_share(bench.pool, slab), BOUNCE_ERR_BUSY);
	cr_expect_eq(bench.machine.calls[FAKE_SHARE], SHARE_RETRIES + 1);
	cr_expect_eq(bench.machine.relaxed, SHARE_RETRIES);
	cr_expect_eq(bench.machine.calls[FAKE_UNSHARE], 0);
	bench_discard(&bench);
}

/* A monitor that does one granule a call is slow, not broken. */
Test(share, retries_with_progress_do_not_count)
{
	const struct lie slow = { "", { FOR_EVER, AGAIN, 1, 1 }, BOUNCE_OK };
	const struct lie busy = { "", { SHARE_RETRIES, AGAIN, 0, 0 }, 0 };
	struct bench bench;
	struct bounce_slab *slab;

	power_on(&bench);
	bench.machine.arch.batch = 64;
	/* Busy, one granule, busy again, then one by one. */
	plan(&bench, FAKE_SHARE, 0, &busy);
	plan(&bench, FAKE_SHARE, SHARE_RETRIES + 1, &busy);
	plan(&bench, FAKE_SHARE, 0, &slow);
	plan(&bench, FAKE_UNSHARE, 0, &slow);
	slab = set_up(&bench);
	cr_expect_eq(bounce_share(bench.pool, slab), BOUNCE_OK);
	cr_expect_eq(bench.machine.calls[FAKE_SHARE],
		     2 * SHARE_RETRIES + SLOTS_PER_CHUNK);
	cr_expect_eq(bounce_unshare(bench.pool, slab), BOUNCE_OK);
	cr_expect_eq(bench.machine.calls[FAKE_UNSHARE], SLOTS_PER_CHUNK);
	cr_expect(believed(&bench, BOUNCE_OK));
	bench_discard(&bench);
}

Test(share, calls_cover_at_most_a_batch_and_come_in_order)
{
	struct bench bench;
	struct bounce_slab *slab;

	power_on(&bench);
	bench.machine.arch.batch = 24;
	slab = set_up(&bench);
	cr_assert_eq(bounce_share(bench.pool, slab), BOUNCE_OK);
	cr_assert_eq(bench.machine.events, 3);
	for (uint32_t i = 0; i < 3; i++) {
		const struct fake_event *event = &bench.machine.event[i];

		cr_expect_eq(event->call, FAKE_SHARE);
		cr_expect_eq(event->gpa, slab->base.v + i * 24 * 4096);
		cr_expect_eq(event->count, i < 2 ? 24 : 16);
	}
	bench_discard(&bench);
}

/* ---- contents ---- */

/* A06: the machine looks for secrets at share entry. */
Test(share, no_old_byte_of_a_page_is_ever_shown)
{
	for (uint8_t contents = 0; contents <= BOUNCE_CONTENTS_UNDEFINED;
	     contents++) {
		struct bench bench;
		struct bounce_slab *slab;

		power_on(&bench);
		bench.machine.arch.contents = contents;
		slab = set_up(&bench);
		cr_expect_eq(bounce_share(bench.pool, slab), BOUNCE_OK);
		cr_expect_eq(bench.machine.wrong.secrets, 0);
		cr_expect(!fake_device_sees_secret(&bench.host));
		cr_expect(all_zero(slab->memory, BOUNCE_CHUNK_BYTES),
			  "contents %u", contents);
		bench_discard(&bench);
	}
}

/* C07, C08: the machine writes hostile bytes at unshare entry. */
Test(unshare, hostile_bytes_are_scrubbed_after_not_before)
{
	struct bench bench;
	struct bounce_slab *slab;

	power_on(&bench);
	slab = set_up(&bench);
	cr_assert_eq(bounce_share(bench.pool, slab), BOUNCE_OK);
	fake_device_scribble(&bench.host);
	cr_expect_eq(bounce_unshare(bench.pool, slab), BOUNCE_OK);
	cr_expect(all_zero(slab->memory, BOUNCE_CHUNK_BYTES));
	cr_expect_eq(fake_machine_shared_bytes(&bench.machine), 0);
	bench_discard(&bench);
}

/* A backend as POWER's. */
static void zero_and_verify(struct bench *bench, uint32_t batch)
{
	bench->machine.arch.granule_shift = 16;
	bench->machine.arch.batch = batch;
	bench->machine.arch.contents = BOUNCE_CONTENTS_ZERO;
	bench->machine.arch.verify_share = true;
}

/* C04 on POWER: "done" is not believed, the page is looked at. */
Test(share, a_share_that_did_not_happen_is_refused_where_it_can_be_seen)
{
	for (uint32_t nth = 0; nth < 4; nth++) {
		const struct lie nothing = { "", { ONCE, DONE, 1, 0 }, LOST };
		struct bench bench;
		struct bounce_slab *slab;

		power_on(&bench);
		zero_and_verify(&bench, 1);
		plan(&bench, FAKE_SHARE, nth, &nothing);
		slab = set_up(&bench);
		cr_expect_eq(bounce_share(bench.pool, slab), BOUNCE_ERR_LOST);
		cr_expect(believed(&bench, BOUNCE_ERR_LOST));
		cr_expect_eq(count_state(slab, SHARE_LOST), 16);
		cr_expect_eq(slab->page[nth * 16], SHARE_LOST);
		bench_discard(&bench);
	}
}

Test(share, a_verified_share_of_an_honest_monitor_succeeds)
{
	struct bench bench;
	struct bounce_slab *slab;

	power_on(&bench);
	zero_and_verify(&bench, 3);
	slab = set_up(&bench);
	cr_expect_eq(bounce_share(bench.pool, slab), BOUNCE_OK);
	cr_expect(believed(&bench, BOUNCE_OK));
	cr_expect_eq(fake_machine_shared_bytes(&bench.machine),
		     BOUNCE_CHUNK_BYTES);
	bench_discard(&bench);
}

/* A verify that fails beside an unknown rest: neither hides the other. */
Test(share, what_follows_an_unseen_granule_of_a_batch_is_lost_too)
{
	const struct lie part = { "", { ONCE, DONE, 1, 0 }, LOST };
	const struct lie rest = { "", { ONCE, UNKNOWN, 0, ALL }, LOST };
	struct bench bench;
	struct bounce_slab *slab;

	power_on(&bench);
	zero_and_verify(&bench, 4);
	plan(&bench, FAKE_SHARE, 0, &part);
	plan(&bench, FAKE_SHARE, 1, &rest);
	slab = set_up(&bench);
	cr_expect_eq(bounce_share(bench.pool, slab), BOUNCE_ERR_LOST);
	cr_expect(believed(&bench, BOUNCE_ERR_LOST));
	cr_expect_eq(count_state(slab, SHARE_LOST), SLOTS_PER_CHUNK);
	bench_discard(&bench);
}

/* ---- the guest's own page tables ---- */

/* When a call was first made. */
static uint32_t when(const struct fake_machine *machine, enum fake_call call)
{
	uint32_t i = 0;

	while (i < machine->events && machine->event[i].call != call)
		i++;
	return i;
}

Test(share, page_tables_come_first_where_contents_are_undefined)
{
	for (uint8_t contents = 0; contents <= BOUNCE_CONTENTS_UNDEFINED;
	     contents++) {
		bool first = contents == BOUNCE_CONTENTS_UNDEFINED;
		struct fake_machine *machine;
		struct bench bench;
		struct bounce_slab *slab;

		power_on(&bench);
		machine = &bench.machine;
		machine->arch.contents = contents;
		machine->tables = true;
		slab = set_up(&bench);
		cr_assert_eq(bounce_share(bench.pool, slab), BOUNCE_OK);
		cr_expect_eq(machine->calls[FAKE_SET_SHARED], 1);
		cr_expect_eq(when(machine, FAKE_SET_SHARED),
			     first ? 0 : machine->events - 1);
		cr_assert_eq(bounce_unshare(bench.pool, slab), BOUNCE_OK);
		cr_expect_lt(when(machine, FAKE_UNSHARE),
			     when(machine, FAKE_SET_PRIVATE));
		cr_expect(believed(&bench, BOUNCE_OK));
		bench_discard(&bench);
	}
}

Test(share, page_tables_that_do_not_change_are_a_clean_failure)
{
	for (uint8_t contents = 0; contents <= BOUNCE_CONTENTS_UNDEFINED;
	     contents++) {
		const struct lie refusal = { "",
					     { ONCE, REFUSED, 0, 0 },
					     BOUNCE_ERR_HOST };
		struct bench bench;
		struct bounce_slab *slab;

		power_on(&bench);
		bench.machine.arch.contents = contents;
		bench.machine.tables = true;
		plan(&bench, FAKE_SET_SHARED, 0, &refusal);
		slab = set_up(&bench);
		cr_expect_eq(bounce_share(bench.pool, slab), BOUNCE_ERR_HOST);
		cr_expect(believed(&bench, BOUNCE_ERR_HOST));
		cr_expect_eq(count_state(slab, SHARE_PRIVATE), SLOTS_PER_CHUNK);
		bench_discard(&bench);
	}
}

Test(unshare, page_tables_that_do_not_change_back_lose_the_pages)
{
	const struct lie refusal = { "", { ONCE, UNKNOWN, 0, 0 }, LOST };
	struct bench bench;
	struct bounce_slab *slab;

	power_on(&bench);
	bench.machine.arch.contents = BOUNCE_CONTENTS_UNDEFINED;
	bench.machine.tables = true;
	plan(&bench, FAKE_SET_PRIVATE, 1, &refusal);
	slab = set_up(&bench);
	cr_assert_eq(bounce_share(bench.pool, slab), BOUNCE_OK);
	cr_expect_eq(bounce_unshare(bench.pool, slab), BOUNCE_ERR_LOST);
	cr_expect(believed(&bench, BOUNCE_ERR_LOST));
	cr_expect_eq(count_state(slab, SHARE_LOST), bench.machine.arch.batch);
	bench_discard(&bench);
}

/* ---- is memory protected? ---- */

/* C13 */
Test(share, an_unprotected_guest_never_calls_the_monitor)
{
	struct bench bench;
	struct bounce_slab *slab;

	power_on(&bench);
	bench.machine.protection = BOUNCE_PROTECTION_NO;
	slab = set_up(&bench);
	cr_expect_eq(bounce_share(bench.pool, slab), BOUNCE_OK);
	cr_expect_eq(count_state(slab, SHARE_SHARED), SLOTS_PER_CHUNK);
	cr_expect(all_zero(slab->memory, BOUNCE_CHUNK_BYTES));
	memset(slab->memory, FAKE_HOSTILE, BOUNCE_CHUNK_BYTES);
	cr_expect_eq(bounce_unshare(bench.pool, slab), BOUNCE_OK);
	cr_expect(believed(&bench, BOUNCE_OK));
	cr_expect_eq(bench.machine.events, 0);
	bench_discard(&bench);
}

Test(share, nobody_is_asked_while_protection_is_unknown)
{
	struct bench bench;
	struct bounce_slab *slab;

	power_on(&bench);
	bench.machine.protection = BOUNCE_PROTECTION_UNKNOWN;
	slab = set_up(&bench);
	cr_expect_eq(bounce_share(bench.pool, slab), BOUNCE_ERR_HOST);
	cr_expect(believed(&bench, BOUNCE_ERR_HOST));
	cr_expect_eq(bench.machine.events, 0);
	bench_discard(&bench);
}

/* What was never shared by a call is not unshared by one. */
Test(unshare, pages_from_before_protection_need_no_monitor)
{
	struct bench bench;
	struct bounce_slab *slab;

	power_on(&bench);
	bench.machine.protection = BOUNCE_PROTECTION_NO;
	slab = set_up(&bench);
	cr_assert_eq(bounce_share(bench.pool, slab), BOUNCE_OK);
	bench.machine.protection = BOUNCE_PROTECTION_YES;
	cr_expect_eq(bounce_share_detect(bench.bounce), BOUNCE_PROTECTION_YES);
	cr_expect_eq(bounce_unshare(bench.pool, slab), BOUNCE_OK);
	cr_expect(believed(&bench, BOUNCE_OK));
	cr_expect_eq(bench.machine.calls[FAKE_UNSHARE], 0);
	cr_expect_eq(bounce_share(bench.pool, slab), BOUNCE_OK);
	cr_expect_eq(fake_machine_shared_bytes(&bench.machine),
		     BOUNCE_CHUNK_BYTES);
	bench_discard(&bench);
}

Test(share_detect, protection_once_seen_never_ends)
{
	struct bench bench;

	power_on(&bench);
	bench.machine.protection = BOUNCE_PROTECTION_NO;
	set_up(&bench);
	cr_expect_eq(bounce_share_detect(bench.bounce), BOUNCE_PROTECTION_NO);
	bench.machine.protection = BOUNCE_PROTECTION_UNKNOWN;
	cr_expect_eq(bounce_share_detect(bench.bounce),
		     BOUNCE_PROTECTION_UNKNOWN);
	bench.machine.protection = BOUNCE_PROTECTION_YES;
	cr_expect_eq(bounce_share_detect(bench.bounce), BOUNCE_PROTECTION_YES);
	bench.machine.protection = BOUNCE_PROTECTION_NO;
	cr_expect_eq(bounce_share_detect(bench.bounce), BOUNCE_PROTECTION_YES);
	bench_discard(&bench);
}

Test(share_detect, a_strange_answer_is_unknown)
{
	struct bench bench;

	power_on(&bench);
	bench.machine.protection = (enum bounce_protection)3;
	set_up(&bench);
	cr_expect_eq(bounce_share_detect(bench.bounce),
		     BOUNCE_PROTECTION_UNKNOWN);
	bench_discard(&bench);
}
