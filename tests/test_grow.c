/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_grow.c - slabs come and go: every error of the contract, and who holds
 * what when two CPUs meet.
 */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "instance.h"
#include "share.h"
#include "support.h"

#define CHUNK ((uint64_t)BOUNCE_CHUNK_BYTES)

/* Room for @slabs slabs of one or two chunks, none grown. */
static struct bench_knobs small(uint16_t slabs)
{
	struct bench_knobs knobs = bench_usual();

	knobs.slabs = slabs;
	knobs.chunks = 2;
	knobs.grown = 0;
	knobs.devices = 0;
	knobs.blocks = 4;
	return knobs;
}

static void init(struct bench *bench, uint16_t slabs)
{
	struct bench_knobs knobs = small(slabs);

	bench_init(bench, &knobs);
}

static bounce_gpa_t at(const struct bench *bench, uint64_t offset)
{
	return (bounce_gpa_t) { bench->knobs.gpa + offset };
}

static enum bounce_err grow(struct bench *bench, uint64_t offset, uint64_t len)
{
	return bounce_pool_grow(bench->pool, at(bench, offset), len);
}

static enum bounce_err retire(struct bench *bench, uint64_t offset)
{
	return bounce_pool_retire(bench->pool, at(bench, offset));
}

static uint32_t slabs_of(const struct bench *bench)
{
	struct bounce_pool_stats stats;

	bounce_pool_stats(bench->pool, &stats);
	return stats.slabs;
}

static uint64_t lost_bytes(const struct bench *bench)
{
	struct bounce_pool_stats stats;

	bounce_pool_stats(bench->pool, &stats);
	return stats.lost_bytes;
}

static void fail_always(struct bench *bench, enum fake_call call,
			enum bounce_step step)
{
	const struct fake_fault fault = { .call = call,
					  .times = FAKE_ALWAYS,
					  .step = step };

	cr_assert(fake_machine_fail(&bench->machine, &fault));
}

static void repair(struct bench *bench)
{
	memset(bench->machine.fault, 0, sizeof(bench->machine.fault));
}

/* One slot of the pool, without a device. */
static enum bounce_err claim(struct bench *bench, struct pool_hint *hint,
			     struct bounce_run *run)
{
	const struct bounce_limits limits = { .last = UINT64_MAX,
					      .boundary = UINT64_MAX,
					      .segment = UINT64_MAX };
	const struct pool_client client = {
		.hint = hint,
		.bus = bench->space->bus[0],
	};
	struct bounce_place place;

	cr_assert(bounce_window_place(&limits, 0, BOUNCE_SLOT_BYTES,
				      BOUNCE_SLOT_SHIFT, &place));
	return bounce_pool_claim(bench->pool, &place, &client, run);
}

/* ---- grow: what is refused ---- */

/* A07, C16, B22 */
Test(pool_grow, a_range_that_is_no_slab_is_refused_and_nothing_changes)
{
	static const struct {
		uint64_t offset;
		uint64_t len;
		const char *why;
	} bad[] = {
		{ 0, 0, "empty" },
		{ 0, CHUNK / 2, "half a chunk" },
		{ 0, CHUNK + 1, "a byte more" },
		{ 0, 3 * CHUNK, "more than slab_chunks" },
		{ 0, UINT64_MAX, "more than there is" },
		{ 1, CHUNK, "off by one" },
		{ BOUNCE_SLOT_BYTES, CHUNK, "off by a slot" },
		{ 4 * CHUNK, 2 * CHUNK, "past the linear range" },
		{ 8 * CHUNK, CHUNK, "outside of the linear range" },
		{ (uint64_t)0 - CHUNK, 2 * CHUNK, "before the linear range" },
	};
	struct bench bench;

	init(&bench, 2);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(grow(&bench, bad[i].offset, bad[i].len),
			     BOUNCE_ERR_ARG, "%s", bad[i].why);
	cr_expect_eq(bounce_pool_grow(bench.pool,
				      (bounce_gpa_t) { (uint64_t)0 - CHUNK },
				      2 * CHUNK),
		     BOUNCE_ERR_ARG, "wraps");
	cr_expect_eq(bounce_pool_grow(NULL, at(&bench, 0), CHUNK),
		     BOUNCE_ERR_ARG, "no pool");
	cr_expect_eq(bench.machine.events, 0);
	cr_expect_eq(bench.machine.memory[0], FAKE_SECRET);
	bench_fini(&bench);
}

/* Where no base is refused for what lies before it. */
Test(pool_grow, guest_physical_address_0_is_an_address_like_others)
{
	struct bench_knobs knobs = small(2);
	struct bench bench;

	knobs.gpa = 0;
	bench_init(&bench, &knobs);
	cr_expect_eq(grow(&bench, 0, 0), BOUNCE_ERR_ARG);
	cr_expect_eq(retire(&bench, 0), BOUNCE_ERR_ARG);
	cr_expect_eq(grow(&bench, 0, CHUNK), BOUNCE_OK);
	cr_expect_eq(grow(&bench, 0, CHUNK), BOUNCE_ERR_ARG);
	cr_expect_eq(retire(&bench, 0), BOUNCE_OK);
	bench_fini(&bench);
}

Test(pool_grow, a_share_granule_larger_than_a_chunk_is_kept_whole)
{
	struct bench_knobs knobs = small(2);
	struct bench bench;

	bench_power_on(&bench, &knobs);
	bench.machine.arch.granule_shift = 19;
	bench_set_up(&bench);
	cr_expect_eq(grow(&bench, 0, CHUNK), BOUNCE_ERR_ARG);
	cr_expect_eq(grow(&bench, CHUNK, 2 * CHUNK), BOUNCE_ERR_ARG);
	cr_expect_eq(grow(&bench, 0, 2 * CHUNK), BOUNCE_OK);
	bench_fini(&bench);
}

Test(pool_grow, a_range_that_meets_another_slab_is_refused)
{
	struct bench bench;

	init(&bench, 4);
	cr_assert_eq(grow(&bench, 2 * CHUNK, 2 * CHUNK), BOUNCE_OK);
	cr_expect_eq(grow(&bench, 2 * CHUNK, 2 * CHUNK), BOUNCE_ERR_ARG);
	cr_expect_eq(grow(&bench, 2 * CHUNK, CHUNK), BOUNCE_ERR_ARG);
	cr_expect_eq(grow(&bench, 3 * CHUNK, CHUNK), BOUNCE_ERR_ARG);
	cr_expect_eq(grow(&bench, 3 * CHUNK, 2 * CHUNK), BOUNCE_ERR_ARG);
	cr_expect_eq(grow(&bench, CHUNK, 2 * CHUNK), BOUNCE_ERR_ARG);
	cr_expect_eq(grow(&bench, 0, 2 * CHUNK), BOUNCE_OK);
	cr_expect_eq(grow(&bench, 4 * CHUNK, CHUNK), BOUNCE_OK);
	cr_expect_eq(bench.machine.wrong.shared_again, 0);
	bench_fini(&bench);
}

Test(pool_grow, another_pool_s_slab_is_in_the_way_too)
{
	const struct bounce_pool_info info = { .slabs = 1 };
	struct bench_knobs knobs = small(1);
	struct bounce_pool *other;
	struct bench bench;

	knobs.more_pools = 1;
	knobs.more_slabs = 1;
	bench_init(&bench, &knobs);
	cr_assert_eq(bounce_pool_init(bench.bounce, &info, &other), BOUNCE_OK);
	cr_assert_eq(grow(&bench, 0, 2 * CHUNK), BOUNCE_OK);
	cr_expect_eq(bounce_pool_grow(other, at(&bench, CHUNK), CHUNK),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_pool_retire(other, at(&bench, 0)), BOUNCE_ERR_ARG);
	cr_assert_eq(bounce_pool_fini(other), BOUNCE_OK);
	bench_fini(&bench);
}

/* The instance lies across the border of the arena's chunks 2 and 3. */
Test(pool_grow, the_instance_s_own_memory_is_never_shared)
{
	const struct bounce_config config = { .slabs = 1, .slab_chunks = 1 };
	const struct bounce_pool_info info = { .slabs = 1 };
	struct fake_machine machine;
	struct bounce_monitor monitor;
	struct bounce_env env;
	struct bounce_pool *pool;
	struct bounce *bounce;
	void *memory = NULL;
	unsigned char *meta;

	cr_assert_eq(posix_memalign(&memory, CHUNK, 4 * CHUNK), 0);
	meta = (unsigned char *)memory + 3 * CHUNK - BOUNCE_META_ALIGN;
	fake_machine_init(&machine, memory, 4 * CHUNK, CHUNK);
	env = fake_machine_env(&machine);
	monitor = fake_machine_monitor(&machine);
	cr_assert_eq(bounce_init(meta, CHUNK, &config, &env, &monitor, &bounce),
		     BOUNCE_OK);
	cr_assert_eq(bounce_pool_init(bounce, &info, &pool), BOUNCE_OK);
	cr_expect_eq(bounce_pool_grow(pool, (bounce_gpa_t) { 3 * CHUNK },
				      CHUNK),
		     BOUNCE_ERR_ARG, "its first bytes");
	cr_expect_eq(bounce_pool_grow(pool, (bounce_gpa_t) { 4 * CHUNK },
				      CHUNK),
		     BOUNCE_ERR_ARG, "the others");
	cr_expect_eq(bounce_pool_grow(pool, (bounce_gpa_t) { 2 * CHUNK },
				      CHUNK),
		     BOUNCE_OK, "the chunk before");
	cr_expect_eq(fake_machine_shared_bytes(&machine), CHUNK);
	cr_expect_eq(bounce_pool_fini(pool), BOUNCE_OK);
	free(memory);
}

Test(pool_grow, indices_run_out)
{
	struct bench bench;

	init(&bench, 2);
	cr_assert_eq(grow(&bench, 0, CHUNK), BOUNCE_OK);
	cr_assert_eq(grow(&bench, CHUNK, CHUNK), BOUNCE_OK);
	cr_expect_eq(grow(&bench, 2 * CHUNK, CHUNK), BOUNCE_ERR_FULL);
	/* The caller's bug comes first. */
	cr_expect_eq(grow(&bench, CHUNK, CHUNK), BOUNCE_ERR_ARG);
	bench_fini(&bench);
}

Test(pool_grow, a_dead_instance_does_not_grow)
{
	struct bench bench;

	init(&bench, 1);
	bounce_mark_dead(bench.bounce);
	cr_expect_eq(grow(&bench, 0, CHUNK), BOUNCE_ERR_DEAD);
	cr_expect_eq(bench.machine.events, 0);
	bench_fini(&bench);
}

Test(pool_grow, a_guest_that_does_not_know_its_protection_does_not_grow)
{
	struct bench_knobs knobs = small(1);
	struct bench bench;

	knobs.protection = BOUNCE_PROTECTION_UNKNOWN;
	bench_init(&bench, &knobs);
	cr_expect_eq(grow(&bench, 0, CHUNK), BOUNCE_ERR_HOST);
	cr_expect_eq(bench.machine.events, 0);
	bench_fini(&bench);
}

/* ---- grow: what fails at the monitor ---- */

/* The index is as it was, even for another range. */
Test(pool_grow, after_a_clean_failure_range_and_index_are_free)
{
	static const struct {
		enum bounce_step step;
		enum bounce_err err;
	} clean[] = {
		{ BOUNCE_STEP_UNCHANGED, BOUNCE_ERR_HOST },
		{ BOUNCE_STEP_RETRY, BOUNCE_ERR_BUSY },
	};

	for (int i = 0; i < 2; i++) {
		struct bench bench;

		init(&bench, 1);
		fail_always(&bench, FAKE_SHARE, clean[i].step);
		cr_expect_eq(grow(&bench, 0, CHUNK), clean[i].err);
		cr_expect_eq(fake_machine_shared_bytes(&bench.machine), 0);
		repair(&bench);
		cr_expect_eq(retire(&bench, 0), BOUNCE_ERR_ARG);
		cr_expect_eq(grow(&bench, CHUNK, CHUNK), BOUNCE_OK);
		bench_fini(&bench);
	}
}

Test(pool_grow, a_lost_range_stays_with_the_library_for_ever)
{
	struct bench bench;

	init(&bench, 2);
	fail_always(&bench, FAKE_SHARE, BOUNCE_STEP_UNKNOWN);
	cr_expect_eq(grow(&bench, 0, 2 * CHUNK), BOUNCE_ERR_LOST);
	cr_expect_eq(lost_bytes(&bench), 16 * BOUNCE_SLOT_BYTES);
	repair(&bench);
	cr_expect_eq(grow(&bench, 0, 2 * CHUNK), BOUNCE_ERR_ARG);
	cr_expect_eq(grow(&bench, CHUNK, CHUNK), BOUNCE_ERR_ARG);
	cr_expect_eq(retire(&bench, 0), BOUNCE_ERR_LOST);
	cr_expect_eq(lost_bytes(&bench), 16 * BOUNCE_SLOT_BYTES);
	/* One index is gone with it. */
	cr_expect_eq(grow(&bench, 2 * CHUNK, CHUNK), BOUNCE_OK);
	cr_expect_eq(grow(&bench, 3 * CHUNK, CHUNK), BOUNCE_ERR_FULL);
	cr_expect(bounce_valid(bench.bounce));
	bench_discard(&bench);
}

/* D11, A12 */
Test(pool_grow, a_failed_growth_leaves_the_pool_as_it_was)
{
	struct pool_hint hint = { 0 };
	struct bounce_run run;
	struct bench bench;
	unsigned char *slot;

	init(&bench, 2);
	cr_assert_eq(grow(&bench, 0, CHUNK), BOUNCE_OK);
	cr_assert_eq(claim(&bench, &hint, &run), BOUNCE_OK);
	slot = bounce_pool_memory(bench.bounce, &run);
	memset(slot, 0x33, BOUNCE_SLOT_BYTES);
	for (uint32_t nth = 4; nth < 8; nth++) {
		const struct fake_fault fault = {
			.call = FAKE_SHARE,
			.first = bench.machine.calls[FAKE_SHARE] + nth - 4,
			.times = 1,
			.step = BOUNCE_STEP_UNCHANGED,
		};

		cr_assert(fake_machine_fail(&bench.machine, &fault));
		cr_expect_eq(grow(&bench, CHUNK, CHUNK), BOUNCE_ERR_HOST);
		cr_expect_eq(fake_machine_shared_bytes(&bench.machine), CHUNK);
		repair(&bench);
	}
	cr_expect_eq(slot[0], 0x33);
	cr_expect_eq(memcmp(slot, slot + 1, BOUNCE_SLOT_BYTES - 1), 0);
	cr_expect_eq(grow(&bench, CHUNK, CHUNK), BOUNCE_OK);
	bounce_pool_release(bench.pool, &run);
	bench_fini(&bench);
}

/* ---- retire ---- */

Test(pool_retire, a_claimed_slot_keeps_the_slab)
{
	struct pool_hint hint = { 0 };
	struct bounce_run run;
	struct bench bench;

	init(&bench, 1);
	cr_assert_eq(grow(&bench, 0, 2 * CHUNK), BOUNCE_OK);
	cr_assert_eq(claim(&bench, &hint, &run), BOUNCE_OK);
	cr_expect_eq(retire(&bench, 0), BOUNCE_ERR_BUSY);
	cr_expect_eq(bench.machine.calls[FAKE_UNSHARE], 0);
	bounce_pool_release(bench.pool, &run);
	cr_expect_eq(claim(&bench, &hint, &run), BOUNCE_OK);
	bounce_pool_release(bench.pool, &run);
	cr_expect_eq(retire(&bench, 0), BOUNCE_OK);
	bench_fini(&bench);
}

Test(pool_retire, a_retired_range_is_private_zero_and_the_caller_s)
{
	struct pool_hint hint = { 0 };
	struct bounce_run run;
	struct bench bench;
	const unsigned char *memory;

	init(&bench, 1);
	memory = bench.machine.memory;
	cr_assert_eq(grow(&bench, 0, 2 * CHUNK), BOUNCE_OK);
	fake_device_scribble(&bench.host);
	cr_expect_eq(retire(&bench, 0), BOUNCE_OK);
	cr_expect_eq(fake_machine_shared_bytes(&bench.machine), 0);
	cr_expect_eq(memory[0], 0);
	cr_expect_eq(memcmp(memory, memory + 1, 2 * CHUNK - 1), 0);
	cr_expect_eq(slabs_of(&bench), 0);
	cr_expect_neq(claim(&bench, &hint, &run), BOUNCE_OK);
	cr_expect_null(bounce_pool_find(bench.bounce, at(&bench, 0)));
	cr_expect(!bounce_pool_overlaps(bench.bounce, at(&bench, 0), CHUNK));
	bench_fini(&bench);
}

Test(pool_retire, only_the_first_byte_names_a_slab)
{
	struct bench bench;

	init(&bench, 2);
	cr_assert_eq(grow(&bench, 0, 2 * CHUNK), BOUNCE_OK);
	cr_expect_eq(retire(&bench, 1), BOUNCE_ERR_ARG);
	cr_expect_eq(retire(&bench, CHUNK), BOUNCE_ERR_ARG);
	cr_expect_eq(retire(&bench, 2 * CHUNK), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_pool_retire(NULL, at(&bench, 0)), BOUNCE_ERR_ARG);
	cr_expect_eq(retire(&bench, 0), BOUNCE_OK);
	cr_expect_eq(retire(&bench, 0), BOUNCE_ERR_ARG, "twice");
	bench_fini(&bench);
}

/* C11 */
Test(pool_retire, pages_that_do_not_come_back_are_lost_once)
{
	struct pool_hint hint = { 0 };
	struct bounce_run run;
	struct bench bench;

	init(&bench, 1);
	cr_assert_eq(grow(&bench, 0, CHUNK), BOUNCE_OK);
	fail_always(&bench, FAKE_UNSHARE, BOUNCE_STEP_UNCHANGED);
	cr_expect_eq(retire(&bench, 0), BOUNCE_ERR_LOST);
	cr_expect_eq(lost_bytes(&bench), CHUNK);
	repair(&bench);
	cr_expect_eq(retire(&bench, 0), BOUNCE_ERR_LOST);
	cr_expect_eq(lost_bytes(&bench), CHUNK);
	cr_expect_eq(bench.machine.calls[FAKE_UNSHARE], 4);
	cr_expect_eq(grow(&bench, 0, CHUNK), BOUNCE_ERR_ARG);
	cr_expect_neq(claim(&bench, &hint, &run), BOUNCE_OK);
	cr_expect(bounce_pool_overlaps(bench.bounce, at(&bench, 0), 1));
	bench_discard(&bench);
}

/* ---- grow again ---- */

/* P6 */
Test(pool_grow, a_retired_range_grows_again_in_its_index)
{
	struct pool_hint hint = { 0 };
	struct bounce_run run;
	struct bench bench;

	init(&bench, 1);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(grow(&bench, CHUNK, 2 * CHUNK), BOUNCE_OK);
		cr_expect_eq(claim(&bench, &hint, &run), BOUNCE_OK);
		cr_expect_eq(run.slab, 0);
		bounce_pool_release(bench.pool, &run);
		cr_assert_eq(retire(&bench, CHUNK), BOUNCE_OK);
	}
	bench_fini(&bench);
}

Test(pool_grow, another_size_needs_another_index)
{
	struct bench bench;

	init(&bench, 2);
	cr_assert_eq(grow(&bench, 0, 2 * CHUNK), BOUNCE_OK);
	cr_assert_eq(retire(&bench, 0), BOUNCE_OK);
	cr_expect_eq(grow(&bench, 0, CHUNK), BOUNCE_OK);
	cr_expect_eq(bench.bounce->slab[0].chunks, 2);
	cr_expect_eq(bench.bounce->slab[1].chunks, 1);
	/* The old index may not come back over the new one. */
	cr_expect_eq(grow(&bench, 0, 2 * CHUNK), BOUNCE_ERR_ARG);
	cr_expect_eq(grow(&bench, 2 * CHUNK, CHUNK), BOUNCE_ERR_FULL);
	cr_assert_eq(retire(&bench, 0), BOUNCE_OK);
	cr_expect_eq(grow(&bench, 0, 2 * CHUNK), BOUNCE_OK);
	bench_fini(&bench);
}

Test(pool_grow, a_regrowth_that_fails_leaves_the_index_retired)
{
	struct bench bench;

	init(&bench, 1);
	cr_assert_eq(grow(&bench, 0, CHUNK), BOUNCE_OK);
	cr_assert_eq(retire(&bench, 0), BOUNCE_OK);
	fail_always(&bench, FAKE_SHARE, BOUNCE_STEP_UNCHANGED);
	cr_expect_eq(grow(&bench, 0, CHUNK), BOUNCE_ERR_HOST);
	repair(&bench);
	cr_expect_eq(grow(&bench, CHUNK, CHUNK), BOUNCE_ERR_FULL);
	cr_expect_eq(grow(&bench, 0, CHUNK), BOUNCE_OK);
	bench_fini(&bench);
}

Test(pool_grow, a_fresh_page_belongs_to_nobody)
{
	struct bench bench;
	struct bounce_slab *slab;

	init(&bench, 1);
	cr_assert_eq(grow(&bench, 0, CHUNK), BOUNCE_OK);
	slab = &bench.bounce->slab[0];
	for (uint32_t i = 0; i < SLOTS_PER_CHUNK; i++)
		atomic_store_explicit(&slab->owner[i], 7, memory_order_relaxed);
	cr_assert_eq(retire(&bench, 0), BOUNCE_OK);
	cr_assert_eq(grow(&bench, 0, CHUNK), BOUNCE_OK);
	for (uint32_t i = 0; i < SLOTS_PER_CHUNK; i++)
		cr_expect_eq(slab->owner[i], 0);
	bench_fini(&bench);
}

/* ---- while another CPU is in the middle ---- */

/* What another CPU sees and does while one is inside of the monitor. */
struct meanwhile {
	struct bench bench; /* first: its machine's address leads here */
	enum bounce_step (*share)(void *, bounce_gpa_t, uint32_t, uint32_t *);
	enum bounce_step (*unshare)(void *, bounce_gpa_t, uint32_t, uint32_t *);
	bool inside;
};

static struct meanwhile *meanwhile_of(void *machine)
{
	return (struct meanwhile *)((char *)machine -
				    offsetof(struct bench, machine));
}

static enum bounce_step share_meanwhile(void *ctx, bounce_gpa_t gpa,
					uint32_t count, uint32_t *done)
{
	struct meanwhile *m = meanwhile_of(ctx);
	struct bench *bench = &m->bench;
	struct pool_hint hint = { 0 };
	struct bounce_run run;

	if (!m->inside) {
		m->inside = true;
		cr_expect_eq(grow(bench, 0, 2 * CHUNK), BOUNCE_ERR_ARG);
		cr_expect_eq(grow(bench, CHUNK, CHUNK), BOUNCE_ERR_ARG);
		cr_expect_eq(retire(bench, 0), BOUNCE_ERR_BUSY);
		cr_expect_eq(claim(bench, &hint, &run), BOUNCE_ERR_UNREACHABLE);
		cr_expect_eq(slabs_of(bench), 0);
		cr_expect_eq(grow(bench, 2 * CHUNK, CHUNK), BOUNCE_OK);
		cr_expect_eq(claim(bench, &hint, &run), BOUNCE_OK);
		cr_expect_eq(run.slab, 1);
		bounce_pool_release(bench->pool, &run);
		cr_expect_eq(retire(bench, 2 * CHUNK), BOUNCE_OK);
	}
	return m->share(ctx, gpa, count, done);
}

static enum bounce_step unshare_meanwhile(void *ctx, bounce_gpa_t gpa,
					  uint32_t count, uint32_t *done)
{
	struct meanwhile *m = meanwhile_of(ctx);
	struct bench *bench = &m->bench;

	if (!m->inside) {
		m->inside = true;
		cr_expect_eq(retire(bench, 0), BOUNCE_ERR_BUSY);
		cr_expect_eq(grow(bench, 0, 2 * CHUNK), BOUNCE_ERR_ARG);
		cr_expect_eq(grow(bench, CHUNK, CHUNK), BOUNCE_ERR_ARG);
		cr_expect_eq(slabs_of(bench), 0);
		cr_expect_eq(grow(bench, 2 * CHUNK, CHUNK), BOUNCE_OK);
		cr_expect_eq(retire(bench, 2 * CHUNK), BOUNCE_OK);
	}
	return m->unshare(ctx, gpa, count, done);
}

static void meanwhile_init(struct meanwhile *m)
{
	struct bench_knobs knobs = small(3);

	bench_power_on(&m->bench, &knobs);
	m->share = m->bench.machine.arch.share;
	m->unshare = m->bench.machine.arch.unshare;
	m->inside = true;
	m->bench.machine.arch.share = share_meanwhile;
	m->bench.machine.arch.unshare = unshare_meanwhile;
	bench_set_up(&m->bench);
}

/* D06: who stops in here for ever holds up one slab. */
Test(pool_grow, a_cpu_inside_growth_holds_up_its_own_slab_only)
{
	struct meanwhile m;

	meanwhile_init(&m);
	m.inside = false;
	cr_expect_eq(grow(&m.bench, 0, 2 * CHUNK), BOUNCE_OK);
	cr_expect_eq(slabs_of(&m.bench), 1);
	m.inside = true;
	bench_fini(&m.bench);
}

Test(pool_retire, a_cpu_inside_retirement_holds_up_its_own_slab_only)
{
	struct meanwhile m;

	meanwhile_init(&m);
	cr_assert_eq(grow(&m.bench, 0, 2 * CHUNK), BOUNCE_OK);
	m.inside = false;
	cr_expect_eq(retire(&m.bench, 0), BOUNCE_OK);
	m.inside = true;
	bench_fini(&m.bench);
}
