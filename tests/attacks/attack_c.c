/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * attack_c.c - C: a monitor, or a host behind it, that fails and lies when
 * pages are shared. Each suite is an attack of docs/threats.md. (C15 is in
 * attack_copy.c; tests/test_share.c has the sweeps below the public calls.)
 *
 * After each call the library's belief is held against the truth: judge().
 */
#include "calls.h"
#include "scene.h"

#define ALL FAKE_ALWAYS
#define GRANULE 65536u /* four to a slab, one a call */

enum {
	CALLS = 4
};

/* ---- a pool of two slabs, of which none has grown ---- */

static void power_on(struct bench *bench)
{
	struct bench_knobs knobs = scene_usual();

	knobs.slabs = 2;
	knobs.grown = 0;
	knobs.devices = 0;
	bench_power_on(bench, &knobs);
	bench->machine.arch.granule_shift = 16;
	bench->machine.arch.batch = 1;
}

static void plan(struct bench *bench, enum fake_call call, uint32_t first,
		 struct fake_fault fault)
{
	fault.call = call;
	fault.first = first;
	if (fault.times == 0)
		fault.times = 1;
	cr_assert(fake_machine_fail(&bench->machine, &fault));
}

static void repair(struct bench *bench)
{
	memset(bench->machine.fault, 0, sizeof(bench->machine.fault));
}

/* bounce_ranges() is little-endian everywhere. */
static uint64_t le64(uint64_t v)
{
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(v) :
							v;
}

/* Is a page in the list of what is not private? */
static bool is_listed(const struct bench *bench, uint64_t gpa)
{
	struct bounce_range range[64];
	uint32_t count = bounce_ranges(bench->bounce, range, COUNT_OF(range));

	for (uint32_t i = 0; i < count; i++)
		if (gpa >= le64(range[i].gpa) &&
		    gpa - le64(range[i].gpa) < le64(range[i].len))
			return true;
	return false;
}

static uint64_t lost_bytes(const struct bench *bench)
{
	struct bounce_pool_stats stats;

	bounce_pool_stats(bench->pool, &stats);
	return stats.lost_bytes;
}

/* What @err says of slab 0, after a growth or a retirement, is true. */
static bool judge(const struct bench *bench, enum bounce_err err)
{
	const struct fake_wrong *wrong = &bench->machine.wrong;

	for (uint64_t at = 0; at < bench->slab_bytes; at += 4096) {
		uint64_t gpa = bench->knobs.gpa + at;
		bool shared = fake_machine_is_shared(&bench->machine, gpa);

		/* What the host may see, is never called private. */
		if (shared && !is_listed(bench, gpa))
			return false;
		/* What is given back, is private in truth, and zero. */
		if (err != BOUNCE_OK && err != BOUNCE_ERR_LOST &&
		    (shared || is_listed(bench, gpa) ||
		     !all_bytes_are(bench->machine.memory + at, 0, 4096)))
			return false;
	}
	return (err == BOUNCE_ERR_LOST) == (lost_bytes(bench) != 0) &&
	       wrong->secrets == 0 && wrong->calls == 0 &&
	       wrong->shared_again == 0 && bounce_valid(bench->bounce);
}

static enum bounce_err grow(struct bench *bench)
{
	enum bounce_err err = bench_grow(bench, 0);

	cr_expect(judge(bench, err), "grow said %d", err);
	return err;
}

/* A range that was lost is never the caller's again, whatever he tries. */
static void expect_gone(struct bench *bench)
{
	uint64_t lost = lost_bytes(bench);

	repair(bench);
	cr_expect_eq(bench_grow(bench, 0), BOUNCE_ERR_ARG);
	cr_expect_eq(bench_retire(bench, 0), BOUNCE_ERR_LOST);
	cr_expect_eq(lost_bytes(bench), lost);
	/* Another range is none the worse. */
	cr_expect_eq(bench_grow(bench, 1), BOUNCE_OK);
}

/* ---- C01 to C06: share ---- */

Test(c01, a_share_that_fails_at_any_granule_gives_all_of_them_back)
{
	for (uint32_t k = 0; k < CALLS; k++) {
		struct bench bench;

		power_on(&bench);
		plan(&bench, FAKE_SHARE, k,
		     (struct fake_fault) { .step = BOUNCE_STEP_UNCHANGED });
		bench_set_up(&bench);
		cr_expect_eq(grow(&bench), BOUNCE_ERR_HOST, "call %u", k);
		cr_expect_eq(fake_machine_shared_bytes(&bench.machine), 0);
		repair(&bench);
		cr_expect_eq(grow(&bench), BOUNCE_OK);
		bench_fini(&bench);
	}
}

Test(c02, a_way_back_that_fails_too_loses_what_is_not_certain_and_counts_it)
{
	static const enum bounce_step steps[] = { BOUNCE_STEP_UNCHANGED,
						  BOUNCE_STEP_UNKNOWN };

	for (uint32_t i = 0; i < CALLS * CALLS * 4; i++) {
		uint32_t k = i / CALLS % CALLS;
		uint32_t j = i % CALLS;
		struct bench bench;

		power_on(&bench);
		plan(&bench, FAKE_SHARE, k,
		     (struct fake_fault) { .step = BOUNCE_STEP_UNCHANGED });
		plan(&bench, FAKE_UNSHARE, j,
		     (struct fake_fault) { .step = steps[i / 16 % 2],
					   .truth = i < 32 ? 0 : ALL });
		bench_set_up(&bench);
		cr_expect_eq(grow(&bench),
			     j < k ? BOUNCE_ERR_LOST : BOUNCE_ERR_HOST,
			     "share %u, unshare %u", k, j);
		cr_expect_eq(lost_bytes(&bench), j < k ? GRANULE : 0);
		if (j < k)
			expect_gone(&bench);
		bench_discard(&bench);
	}
}

Test(c03, a_share_that_says_no_and_did_it_is_taken_for_shared)
{
	for (uint32_t k = 0; k < CALLS; k++) {
		struct bench bench;

		power_on(&bench);
		plan(&bench, FAKE_SHARE, k,
		     (struct fake_fault) { .step = BOUNCE_STEP_UNKNOWN,
					   .truth = ALL });
		bench_set_up(&bench);
		cr_expect_eq(grow(&bench), BOUNCE_ERR_LOST, "call %u", k);
		expect_gone(&bench);
		bench_discard(&bench);
	}
}

Test(c04, a_share_that_says_yes_and_did_nothing_shows_nothing)
{
	for (uint32_t k = 0; k < CALLS; k++) {
		struct bench bench;

		power_on(&bench);
		plan(&bench, FAKE_SHARE, k,
		     (struct fake_fault) { .step = BOUNCE_STEP_DONE,
					   .done = 1 });
		bench_set_up(&bench);
		cr_expect_eq(grow(&bench), BOUNCE_OK, "call %u", k);
		cr_expect_not(fake_device_sees_secret(&bench.host));
		cr_expect_eq(bench_retire(&bench, 0), BOUNCE_OK);
		cr_expect_eq(fake_machine_shared_bytes(&bench.machine), 0);
		bench_discard(&bench); /* it unshared what was private */
	}
}

/* A monitor whose share is verified by content is found out. */
Test(c04, and_is_refused_where_the_contents_tell)
{
	struct bench bench;

	power_on(&bench);
	bench.machine.arch.contents = BOUNCE_CONTENTS_ZERO;
	bench.machine.arch.verify_share = true;
	plan(&bench, FAKE_SHARE, 2,
	     (struct fake_fault) { .step = BOUNCE_STEP_DONE, .done = 1 });
	bench_set_up(&bench);
	cr_expect_neq(grow(&bench), BOUNCE_OK);
	bench_discard(&bench);
}

Test(c05, no_status_but_the_documented_success_is_one)
{
	static const int steps[] = { 4, 5, 77, -1, INT32_MAX, INT32_MIN };
	static const uint32_t dones[] = { 0, 1, 2, INT32_MAX, UINT32_MAX };

	for (unsigned i = 0; i < CALLS * COUNT_OF(steps) * COUNT_OF(dones);
	     i++) {
		struct fake_fault lie = {
			.step = (enum bounce_step)
				steps[i / CALLS % COUNT_OF(steps)],
			.done = dones[i / CALLS / COUNT_OF(steps)],
			.truth = i % 2 != 0 ? ALL : 0,
		};
		struct bench bench;

		power_on(&bench);
		plan(&bench, FAKE_SHARE, i % CALLS, lie);
		bench_set_up(&bench);
		cr_expect_neq(grow(&bench), BOUNCE_OK, "%u", i);
		bench_discard(&bench);
	}
}

/* What it says is done: none, none for ever, more than was asked, all. */
Test(c06, partial_counts_are_held_to_what_was_asked_and_must_move_forward)
{
	static const struct {
		struct fake_fault lie;
		enum bounce_err err;
	} tries[] = {
		{ { .times = ALL, .step = BOUNCE_STEP_RETRY },
		  BOUNCE_ERR_BUSY },
		{ { .step = BOUNCE_STEP_RETRY, .done = 5, .truth = ALL },
		  BOUNCE_ERR_LOST },
		{ { .step = BOUNCE_STEP_RETRY, .done = UINT32_MAX },
		  BOUNCE_ERR_LOST },
		{ { .step = BOUNCE_STEP_DONE, .done = 0, .truth = ALL },
		  BOUNCE_ERR_LOST },
		{ { .step = BOUNCE_STEP_DONE, .done = 5, .truth = ALL },
		  BOUNCE_ERR_LOST },
		{ { .step = BOUNCE_STEP_UNCHANGED, .done = 1, .truth = 1 },
		  BOUNCE_ERR_LOST },
		{ { .times = ALL,
		    .step = BOUNCE_STEP_RETRY,
		    .done = 1,
		    .truth = 1 },
		  BOUNCE_OK },
		{ { .times = ALL,
		    .step = BOUNCE_STEP_DONE,
		    .done = 2,
		    .truth = 2 },
		  BOUNCE_OK },
	};

	for (unsigned i = 0; i < COUNT_OF(tries); i++) {
		struct bench bench;

		power_on(&bench);
		bench.machine.arch.batch = 4;
		plan(&bench, FAKE_SHARE, 0, tries[i].lie);
		bench_set_up(&bench);
		cr_expect_eq(grow(&bench), tries[i].err, "lie %u", i);
		cr_expect_leq(bench.machine.calls[FAKE_SHARE], 1000);
		bench_discard(&bench);
	}
}

/* ---- C07, C08, C11: unshare ---- */

/* The machine fills pages with hostile bytes at the entry of unshare, when the
 * scrub that came too early would be over. */
Test(c07, what_a_page_holds_after_unshare_is_scrubbed)
{
	static const uint8_t contents[] = { BOUNCE_CONTENTS_KEPT,
					    BOUNCE_CONTENTS_ZERO,
					    BOUNCE_CONTENTS_UNDEFINED };

	for (unsigned i = 0; i < 3; i++) {
		struct bench bench;

		power_on(&bench);
		bench.machine.arch.contents = contents[i];
		bench_set_up(&bench);
		cr_assert_eq(grow(&bench), BOUNCE_OK);
		fake_device_scribble(&bench.host);
		cr_assert_eq(bench_retire(&bench, 0), BOUNCE_OK);
		cr_expect(all_bytes_are(bench.machine.memory, 0,
					bench.slab_bytes));
		bench_fini(&bench);
	}
}

Test(c08, the_scrub_comes_after_the_unshare_on_the_way_back_too)
{
	for (uint32_t k = 1; k < CALLS; k++) {
		struct bench bench;

		power_on(&bench);
		plan(&bench, FAKE_SHARE, k,
		     (struct fake_fault) { .step = BOUNCE_STEP_UNCHANGED });
		bench_set_up(&bench);
		cr_expect_eq(grow(&bench), BOUNCE_ERR_HOST);
		cr_expect_eq(bench.machine.calls[FAKE_UNSHARE], k);
		cr_expect(all_bytes_are(bench.machine.memory, 0,
					bench.slab_bytes));
		bench_fini(&bench);
	}
}

Test(c11, a_teardown_that_fails_loses_the_pages_once_and_can_be_repeated)
{
	for (uint32_t k = 0; k < CALLS; k++) {
		struct bench bench;

		power_on(&bench);
		plan(&bench, FAKE_UNSHARE, k,
		     (struct fake_fault) { .step = BOUNCE_STEP_UNKNOWN });
		bench_set_up(&bench);
		cr_assert_eq(grow(&bench), BOUNCE_OK);
		cr_expect_eq(bench_retire(&bench, 0), BOUNCE_ERR_LOST);
		cr_expect(judge(&bench, BOUNCE_ERR_LOST));
		cr_expect_eq(lost_bytes(&bench), GRANULE);
		for (int again = 0; again < 3; again++)
			expect_gone(&bench), (void)bench_retire(&bench, 1);
		cr_assert_eq(bounce_space_fini(bench.space), BOUNCE_OK);
		cr_expect_eq(bounce_pool_fini(bench.pool), BOUNCE_ERR_LOST);
		bench_discard(&bench);
	}
}

/* ---- C09, C10: pages that are in use ---- */

Test(c09, a_live_page_is_never_shared_again)
{
	struct bench_knobs knobs = scene_usual();
	struct model_mapping *mapping;
	struct scene scene;

	knobs.slabs = 2; /* an index is left to try with */
	scene_init(&scene, &knobs);
	scene.calm = true;
	scene.bench.machine.arch.contents = BOUNCE_CONTENTS_ZERO;
	mapping = scene_map(&scene,
			    &(struct scene_wish) { .how = BOUNCE_TO_DEVICE,
						   .len = 5000 });
	for (uint64_t len = 1; len <= 2; len++)
		cr_expect_eq(bounce_pool_grow(scene.bench.pool,
					      bench_slab_gpa(&scene.bench, 0),
					      len * scene.bench.slab_bytes),
			     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_enter_secure(scene.bench.bounce), BOUNCE_ERR_BUSY);
	scene_look(&scene);
	cr_expect_eq(scene.bench.machine.wrong.shared_again, 0);
	(void)scene_unmap(&scene, mapping, 0);
	scene_fini(&scene);
}

Test(c10, a_slab_under_a_live_mapping_is_not_unshared)
{
	struct bench_knobs knobs = scene_usual();
	struct scene scene;

	scene_init(&scene, &knobs);
	for (uint64_t len = 1; len < 20000; len = 5 * len + 1) {
		struct model_mapping *mapping = scene_map(
			&scene,
			&(struct scene_wish) { .how = BOUNCE_FROM_DEVICE,
					       .len = len });

		cr_expect_eq(bench_retire(&scene.bench, 0), BOUNCE_ERR_BUSY);
		cr_expect_eq(bounce_pool_fini(scene.bench.pool),
			     BOUNCE_ERR_BUSY);
		cr_expect_eq(scene.bench.machine.calls[FAKE_UNSHARE], 0);
		cr_expect_eq(scene_unmap(&scene, mapping, len), BOUNCE_OK);
	}
	scene_fini(&scene);
}

/* ---- C12: a hook that calls back ---- */

/* First the bench: the hook finds it by its machine. */
struct nested {
	struct bench bench;
	enum bounce_step (*share)(void *ctx, bounce_gpa_t gpa, uint32_t count,
				  uint32_t *done);
	uint32_t calls;
};

static enum bounce_step calling_share(void *ctx, bounce_gpa_t gpa,
				      uint32_t count, uint32_t *done)
{
	struct fake_machine *machine = ctx;
	struct nested *nested =
		(void *)((char *)machine - offsetof(struct bench, machine));
	struct bench *bench = &nested->bench;

	if (bench->queue[0] != NULL) {
		struct bounce_mapping handle = map_ok(bench->queue[0],
						      bench_buf(bench, 0, 3000),
						      BOUNCE_BIDIRECTIONAL);

		unmap_ok(bench->queue[0], &handle, 3000);
		/* The slab that is on its way belongs to who grows it. */
		cr_expect_neq(bench_grow(bench, 1), BOUNCE_OK);
		cr_expect_neq(bench_retire(bench, 1), BOUNCE_OK);
		nested->calls++;
	}
	return nested->share(ctx, gpa, count, done);
}

Test(c12, a_hook_of_the_monitors_may_map_but_not_grow_the_same_slab)
{
	struct bench_knobs knobs = scene_usual();
	static struct nested nested;

	knobs.slabs = 2;
	bench_power_on(&nested.bench, &knobs);
	nested.share = nested.bench.machine.arch.share;
	nested.bench.machine.arch.share = calling_share;
	bench_set_up(&nested.bench);
	cr_expect_eq(bench_grow(&nested.bench, 1), BOUNCE_OK);
	cr_expect_eq(nested.calls, nested.bench.slab_bytes >> 16);
	cr_expect(bounce_valid(nested.bench.bounce));
	bench_fini(&nested.bench);
}

/* ---- C13, C14, C16 ---- */

Test(c13, without_proof_of_protection_the_monitor_is_never_called)
{
	static const enum bounce_protection says[] = {
		BOUNCE_PROTECTION_NO,
		BOUNCE_PROTECTION_UNKNOWN,
		(enum bounce_protection)77,
	};

	for (unsigned i = 0; i < COUNT_OF(says); i++) {
		struct bench bench;

		power_on(&bench);
		bench.machine.protection = says[i];
		bench_set_up(&bench);
		cr_expect_eq(bench_grow(&bench, 0),
			     i == 0 ? BOUNCE_OK : BOUNCE_ERR_HOST);
		cr_expect_eq(bench.machine.calls[FAKE_SHARE], 0);
		if (i == 0)
			cr_expect_eq(bench_retire(&bench, 0), BOUNCE_OK);
		cr_expect_eq(bench.machine.calls[FAKE_UNSHARE], 0);
		bench_fini(&bench);
	}
}

Test(c14, what_starts_after_the_instance_was_marked_dead_fails)
{
	struct bench_knobs knobs = scene_usual();
	struct bounce_mapping handle[2];
	struct bounce_mapping none;
	struct bounce_buf buf;
	struct bench bench;

	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 4096);
	for (int i = 0; i < 2; i++)
		handle[i] = map_ok(bench.queue[0], buf, BOUNCE_BIDIRECTIONAL);
	bounce_mark_dead(bench.bounce);
	cr_expect_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE, &none),
		     BOUNCE_ERR_DEAD);
	cr_expect_eq(bench_grow(&bench, 0), BOUNCE_ERR_DEAD);
	unmap_ok(bench.queue[0], &handle[0], 0);
	cr_expect_eq(bounce_unshare_all(bench.bounce), BOUNCE_OK);
	cr_expect_eq(fake_machine_shared_bytes(&bench.machine), 0);
	cr_expect(all_bytes_are(bench.machine.memory, 0, bench.slab_bytes));
	cr_expect_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE, &none),
		     BOUNCE_ERR_DEAD);
	cr_expect_eq(bounce_unshare_all(bench.bounce), BOUNCE_OK, "again");
	bench_discard(&bench);
}

static enum bounce_err init_with(struct bench *bench, uint8_t shift)
{
	static _Alignas(BOUNCE_META_ALIGN) unsigned char memory[1 << 16];
	const struct bounce_config config = { .slabs = 1, .slab_chunks = 1 };
	struct bounce_env env = fake_machine_env(&bench->machine);
	struct bounce_monitor monitor = fake_machine_monitor(&bench->machine);
	struct bounce *bounce;
	enum bounce_err err;

	bench->machine.arch.granule_shift = shift;
	cr_assert_leq(bounce_meta_size(&config), sizeof(memory));
	err = bounce_init(memory, sizeof(memory), &config, &env, &monitor,
			  &bounce);
	if (err == BOUNCE_OK)
		cr_expect_eq(bounce_fini(bounce), BOUNCE_OK);
	return err;
}

Test(c16, a_share_granule_that_is_no_whole_number_of_slots_is_refused)
{
	struct bench bench;

	power_on(&bench);
	for (unsigned shift = 0; shift < 256; shift++)
		cr_expect_eq(init_with(&bench, (uint8_t)shift) == BOUNCE_OK,
			     shift >= BOUNCE_SLOT_SHIFT &&
				     shift <= BOUNCE_SLAB_SHIFT,
			     "granules of 2^%u", shift);
	bench_discard(&bench);
}
