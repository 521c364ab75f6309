/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_iommu.c - slabs in and out of an IOMMU: once, before their first slot is
 * claimed; all or nothing; and what cannot be taken back is LOST. I1 to I4.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "fake_iommu.h"
#include "instance.h"
#include "support.h"

#define SHIFT (UINT64_C(1) << 33)
#define CHUNK ((uint64_t)BOUNCE_CHUNK_BYTES)

/* A bench whose pool is also a second space's, behind an IOMMU. */
struct stand {
	struct bench bench;
	struct fake_iommu iommu;
	struct bounce_space *space;
	struct bounce_translation translation;
	struct bounce_device *device;
	struct bounce_queue *queue;
};

static void stand_init(struct stand *s, uint16_t slabs, uint16_t grown)
{
	struct bench_knobs knobs = bench_usual();

	knobs.slabs = slabs;
	knobs.chunks = 1;
	knobs.grown = grown;
	knobs.devices = 0;
	knobs.more_spaces = 2;
	bench_init(&s->bench, &knobs);
	fake_iommu_init(&s->iommu, knobs.gpa + SHIFT);
	s->space = bench_translated(&s->bench, knobs.gpa + SHIFT);
	s->translation = fake_iommu_translation(&s->iommu);
	s->device = NULL;
}

static enum bounce_err set(struct stand *s)
{
	return bounce_space_set_iommu(s->space, &s->translation, NULL);
}

static void attach(struct stand *s)
{
	struct bounce_device_info info = s->bench.knobs.info;

	info.space = s->space;
	cr_assert_eq(bounce_device_attach(s->bench.bounce, &info, &s->device,
					  NULL),
		     BOUNCE_OK);
	s->queue = bounce_device_queue(s->device, 0);
}

static void stand_fini(struct stand *s)
{
	cr_expect_eq(bounce_space_fini(s->space), BOUNCE_OK);
	cr_expect_eq(fake_iommu_mapped(&s->iommu), 0);
	cr_expect_eq(fake_iommu_wrongs(&s->iommu), 0);
	bench_fini(&s->bench);
}

static void plan(struct stand *s, enum fake_verb verb, uint32_t first,
		 enum bounce_step step, uint64_t truth)
{
	const struct fake_iommu_fault fault = { .verb = verb,
						.first = first,
						.times = 1,
						.step = step,
						.truth = truth };

	cr_assert(fake_iommu_fail(&s->iommu, &fault));
}

static void forget_plan(struct stand *s)
{
	memset(s->iommu.fault, 0, sizeof(s->iommu.fault));
}

static uint64_t lost_bytes(const struct stand *s)
{
	struct bounce_pool_stats stats;

	bounce_pool_stats(s->bench.pool, &stats);
	return stats.lost_bytes;
}

/* ---- I4 ---- */

Test(iommu_static, a_slab_is_mapped_once_when_it_grows_and_unmapped_at_its_end)
{
	struct stand s;

	stand_init(&s, 2, 1);
	cr_assert_eq(set(&s), BOUNCE_OK);
	cr_expect_eq(fake_iommu_mapped(&s.iommu), CHUNK);
	cr_assert_eq(bench_grow(&s.bench, 1), BOUNCE_OK);
	cr_expect_eq(fake_iommu_mapped(&s.iommu), 2 * CHUNK);
	cr_expect_eq(s.iommu.calls[FAKE_IOMMU_MAP], 2);
	cr_assert_eq(bench_retire(&s.bench, 1), BOUNCE_OK);
	cr_expect_eq(fake_iommu_mapped(&s.iommu), CHUNK);
	cr_assert_eq(bench_grow(&s.bench, 1), BOUNCE_OK);
	cr_expect_eq(fake_iommu_mapped(&s.iommu), 2 * CHUNK);
	stand_fini(&s);
}

Test(iommu_static, no_call_is_made_on_the_way_of_a_mapping)
{
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct stand s;
	uint64_t gpa;

	stand_init(&s, 1, 1);
	cr_assert_eq(set(&s), BOUNCE_OK);
	attach(&s);
	s.iommu.off = true;
	buf = bench_buf(&s.bench, 5, 5000);
	cr_assert_eq(bounce_map(s.queue, &buf, BOUNCE_BIDIRECTIONAL, &mapping),
		     BOUNCE_OK);
	cr_expect(fake_iommu_reach(&s.iommu, mapping.bus.v, 5000, 3, &gpa));
	cr_expect_eq(gpa, mapping.bus.v - SHIFT);
	cr_assert_eq(bounce_unmap(s.queue, &mapping, 5000), BOUNCE_OK);
	s.iommu.off = false;
	cr_assert_eq(bounce_device_detach(s.device), BOUNCE_OK);
	stand_fini(&s);
}

/* The order: zero, share, verify, map; and back: unmap, flush, unshare. */
Test(iommu_static, nothing_is_reached_that_is_not_shared)
{
	const struct fake_fault refuse = { .call = FAKE_SHARE,
					   .first = 1,
					   .times = 1,
					   .step = BOUNCE_STEP_UNCHANGED };
	struct stand s;

	stand_init(&s, 1, 0);
	cr_assert_eq(set(&s), BOUNCE_OK);
	cr_assert(fake_machine_fail(&s.bench.machine, &refuse));
	cr_expect_eq(bench_grow(&s.bench, 0), BOUNCE_ERR_HOST);
	cr_expect_eq(s.iommu.calls[FAKE_IOMMU_MAP], 0);
	stand_fini(&s);
}

Test(iommu_static, pages_are_flushed_before_they_are_unshared)
{
	struct stand s;

	stand_init(&s, 1, 1);
	cr_assert_eq(set(&s), BOUNCE_OK);
	/* The unmap that is not flushed: were it the other way round, the
	 * monitor would have been asked already. */
	plan(&s, FAKE_IOMMU_FLUSH, 0, BOUNCE_STEP_UNKNOWN, 0);
	cr_expect_eq(bench_retire(&s.bench, 0), BOUNCE_ERR_LOST);
	cr_expect_eq(s.bench.machine.calls[FAKE_UNSHARE], 0);
	cr_expect_eq(lost_bytes(&s), CHUNK);
	bench_discard(&s.bench);
}

/* ---- I1 ---- */

/* Two IOMMUs; the n-th map call fails, with a part of it done. */
Test(iommu_static, whichever_map_fails_growth_leaves_nothing_behind)
{
	static const enum bounce_step steps[] = { BOUNCE_STEP_UNCHANGED,
						  BOUNCE_STEP_UNKNOWN };

	for (uint32_t i = 0; i < 4; i++) {
		struct fake_iommu other;
		struct bounce_space *space;
		struct bounce_translation translation;
		struct stand s;

		stand_init(&s, 1, 0);
		fake_iommu_init(&other, s.iommu.base);
		translation = fake_iommu_translation(&other);
		cr_assert_eq(set(&s), BOUNCE_OK);
		space = bench_translated(&s.bench, s.iommu.base);
		cr_assert_eq(bounce_space_set_iommu(space, &translation, NULL),
			     BOUNCE_OK);
		if (i / 2 == 0) {
			plan(&s, FAKE_IOMMU_MAP, 0, steps[i % 2], 8192);
		} else {
			const struct fake_iommu_fault fault = {
				.verb = FAKE_IOMMU_MAP,
				.times = 1,
				.step = steps[i % 2],
				.truth = 8192,
			};

			cr_assert(fake_iommu_fail(&other, &fault));
		}
		cr_expect_eq(bench_grow(&s.bench, 0), BOUNCE_ERR_HOST,
			     "case %u", i);
		cr_expect_eq(fake_iommu_mapped(&s.iommu), 0, "case %u", i);
		cr_expect_eq(fake_iommu_mapped(&other), 0, "case %u", i);
		cr_expect_eq(fake_machine_shared_bytes(&s.bench.machine), 0);
		cr_expect_eq(lost_bytes(&s), 0);
		cr_assert_eq(bounce_space_fini(space), BOUNCE_OK);
		stand_fini(&s);
	}
}

Test(iommu_static, a_failed_map_that_cannot_be_taken_back_loses_the_pages)
{
	struct bounce_space_info info;
	struct stand s;

	stand_init(&s, 1, 0);
	cr_assert_eq(set(&s), BOUNCE_OK);
	plan(&s, FAKE_IOMMU_MAP, 0, BOUNCE_STEP_UNKNOWN, 8192);
	plan(&s, FAKE_IOMMU_UNMAP, 0, BOUNCE_STEP_UNCHANGED, 0);
	cr_expect_eq(bench_grow(&s.bench, 0), BOUNCE_ERR_LOST);
	cr_expect_eq(lost_bytes(&s), CHUNK);
	bounce_space_info(s.space, &info);
	cr_expect_eq(info.lost_bytes, CHUNK);
	/* Never again, and never private. */
	forget_plan(&s);
	cr_expect_eq(bench_grow(&s.bench, 0), BOUNCE_ERR_ARG);
	cr_expect_eq(bench_retire(&s.bench, 0), BOUNCE_ERR_LOST);
	cr_expect_eq(s.bench.machine.calls[FAKE_UNSHARE], 0);
	cr_expect_eq(bounce_space_fini(s.space), BOUNCE_OK);
	bench_discard(&s.bench);
}

Test(iommu_static, a_space_that_cannot_be_undone_holds_the_slabs_for_ever)
{
	struct stand s;

	stand_init(&s, 2, 2);
	cr_assert_eq(set(&s), BOUNCE_OK);
	/* Slab 1 is forgotten first; its flush is in doubt. */
	plan(&s, FAKE_IOMMU_FLUSH, 0, BOUNCE_STEP_UNKNOWN, 0);
	cr_expect_eq(bounce_space_fini(s.space), BOUNCE_ERR_LOST);
	cr_expect_eq(bench_retire(&s.bench, 0), BOUNCE_OK);
	cr_expect_eq(bench_retire(&s.bench, 1), BOUNCE_ERR_LOST);
	cr_expect(fake_machine_is_shared(&s.bench.machine,
					 bench_slab_gpa(&s.bench, 1).v));
	bench_discard(&s.bench);
}

Test(iommu_static, whichever_slab_fails_an_iommu_is_not_set)
{
	for (uint32_t n = 0; n < 3; n++) {
		struct bounce_space_info info;
		struct stand s;

		stand_init(&s, 3, 3);
		plan(&s, FAKE_IOMMU_MAP, n, BOUNCE_STEP_UNCHANGED, 4096);
		cr_expect_eq(set(&s), BOUNCE_ERR_HOST, "slab %u", n);
		cr_expect_eq(fake_iommu_mapped(&s.iommu), 0, "slab %u", n);
		bounce_space_info(s.space, &info);
		cr_expect_eq(info.translated, 0);
		forget_plan(&s);
		cr_expect_eq(set(&s), BOUNCE_OK, "again");
		stand_fini(&s);
	}
}

/* ---- I3 ---- */

Test(iommu_door, progress_goes_on_where_it_stopped)
{
	const struct fake_iommu_fault slow = { .verb = FAKE_IOMMU_MAP,
					       .times = 10,
					       .step = BOUNCE_STEP_RETRY,
					       .done = 4096,
					       .truth = 4096 };
	struct stand s;

	stand_init(&s, 1, 0);
	cr_assert_eq(set(&s), BOUNCE_OK);
	cr_assert(fake_iommu_fail(&s.iommu, &slow));
	cr_expect_eq(bench_grow(&s.bench, 0), BOUNCE_OK);
	cr_expect_eq(s.iommu.calls[FAKE_IOMMU_MAP], 11);
	cr_expect_eq(fake_iommu_mapped(&s.iommu), CHUNK);
	stand_fini(&s);
}

Test(iommu_door, one_that_never_answers_is_given_up_within_a_bound)
{
	for (uint32_t verb = 0; verb < FAKE_IOMMU_VERBS; verb++) {
		const struct fake_iommu_fault hung = {
			.verb = (enum fake_verb)verb,
			.times = UINT32_MAX,
			.step = BOUNCE_STEP_RETRY,
		};
		enum bounce_err due = verb == FAKE_IOMMU_MAP ? BOUNCE_ERR_BUSY :
							       BOUNCE_ERR_LOST;
		struct stand s;

		stand_init(&s, 1, 0);
		cr_assert_eq(set(&s), BOUNCE_OK);
		cr_assert(fake_iommu_fail(&s.iommu, &hung));
		if (verb == FAKE_IOMMU_MAP) {
			cr_expect_eq(bench_grow(&s.bench, 0), due);
		} else {
			cr_assert_eq(bench_grow(&s.bench, 0), BOUNCE_OK);
			cr_expect_eq(bench_retire(&s.bench, 0), due);
		}
		cr_expect_leq(s.iommu.calls[verb], 66);
		bench_discard(&s.bench);
	}
}

Test(iommu_door, an_answer_that_contradicts_itself_is_not_believed)
{
	static const struct {
		enum bounce_step step;
		uint64_t done;
	} lies[] = {
		{ BOUNCE_STEP_DONE, 0 },
		{ BOUNCE_STEP_DONE, CHUNK - 4096 },
		{ BOUNCE_STEP_DONE, CHUNK + 4096 },
		{ BOUNCE_STEP_RETRY, CHUNK + 4096 },
		{ BOUNCE_STEP_RETRY, UINT64_MAX },
		{ BOUNCE_STEP_RETRY, 100 },
		{ (enum bounce_step)7, 0 },
	};

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		const struct fake_iommu_fault lie = {
			.verb = FAKE_IOMMU_MAP,
			.times = 1,
			.step = lies[i].step,
			.done = lies[i].done,
			.truth = FAKE_IOMMU_ALL,
		};
		struct stand s;

		stand_init(&s, 1, 0);
		cr_assert_eq(set(&s), BOUNCE_OK);
		cr_assert(fake_iommu_fail(&s.iommu, &lie));
		cr_expect_eq(bench_grow(&s.bench, 0), BOUNCE_ERR_HOST,
			     "lie %zu", i);
		cr_expect_eq(fake_iommu_mapped(&s.iommu), 0, "lie %zu", i);
		stand_fini(&s);
	}
}

/* ---- what a space says and takes ---- */

Test(iommu_space, a_wish_that_cannot_be_honoured_comes_back)
{
	struct bounce_space_info info;
	uint32_t unhonoured = 99;
	struct stand s;

	stand_init(&s, 1, 1);
	s.iommu.attributes = BOUNCE_IOMMU_READ_ONLY;
	s.translation.attributes = BOUNCE_IOMMU_READ_ONLY | BOUNCE_IOMMU_SNOOP;
	cr_expect_eq(set(&s), BOUNCE_ERR_ARG, "nowhere to hand it to");
	cr_assert_eq(bounce_space_set_iommu(s.space, &s.translation,
					    &unhonoured),
		     BOUNCE_OK);
	cr_expect_eq(unhonoured, BOUNCE_IOMMU_SNOOP);
	bounce_space_info(s.space, &info);
	cr_expect_eq(info.unhonoured, BOUNCE_IOMMU_SNOOP);
	stand_fini(&s);
}

Test(iommu_space, info_says_what_the_iommu_is_and_has_done)
{
	struct bounce_space_info info;
	struct bounce_window window;
	struct stand s;

	stand_init(&s, 2, 2);
	cr_assert_eq(set(&s), BOUNCE_OK);
	bounce_space_info(s.space, &info);
	cr_expect_eq(info.windows, 1);
	cr_expect_eq(info.translated, 1);
	cr_expect_eq(info.iommu.page_bytes, 4096);
	cr_expect_eq(info.map_calls, 2);
	cr_expect_eq(info.mapped_bytes, 2 * CHUNK);
	cr_expect_eq(info.unmap_calls + info.flush_calls, 0);
	cr_expect(bounce_space_window(s.space, 0, &window));
	cr_expect_eq(window.bus.v, s.bench.knobs.gpa + SHIFT);
	cr_expect_not(bounce_space_window(s.space, 1, &window));
	stand_fini(&s);
}

Test(iommu_space, a_slab_in_an_interrupt_window_is_not_reached)
{
	struct bounce_device_info info;
	struct stand s;

	stand_init(&s, 1, 1);
	s.iommu.ranges = 1;
	s.iommu.range[0].first.v = s.iommu.base + CHUNK - 4096;
	s.iommu.range[0].last.v = s.iommu.base + CHUNK + 4095;
	cr_assert_eq(set(&s), BOUNCE_OK);
	cr_expect_eq(fake_iommu_mapped(&s.iommu), 0);
	info = s.bench.knobs.info;
	info.space = s.space;
	cr_expect_eq(bounce_device_attach(s.bench.bounce, &info, &s.device,
					  NULL),
		     BOUNCE_ERR_UNREACHABLE);
	stand_fini(&s);
}

Test(iommu_space, what_cannot_be_used_is_refused)
{
	struct bounce_iommu broken;
	struct bounce_window window;
	struct stand s;

	stand_init(&s, 1, 1);
	broken = s.iommu.iommu;
	cr_expect_eq(bounce_space_set_iommu(NULL, &s.translation, NULL),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_space_set_iommu(s.space, NULL, NULL),
		     BOUNCE_ERR_ARG);
	s.translation.iommu = &broken;
	broken.unmap = NULL;
	cr_expect_eq(set(&s), BOUNCE_ERR_ARG, "no unmap");
	broken = s.iommu.iommu;
	broken.map = NULL;
	cr_expect_eq(set(&s), BOUNCE_ERR_ARG, "no map");
	broken = s.iommu.iommu;
	broken.info = NULL;
	cr_expect_eq(set(&s), BOUNCE_ERR_ARG, "no info");
	s.translation.iommu = NULL;
	cr_expect_eq(set(&s), BOUNCE_ERR_ARG, "nothing at all");
	s.translation.iommu = &broken;
	broken = s.iommu.iommu;
	s.translation.flags = 0x80;
	cr_expect_eq(set(&s), BOUNCE_ERR_ARG, "a flag");
	s.translation.flags = 0;
	s.translation.attributes = 0x80;
	cr_expect_eq(bounce_space_set_iommu(s.space, &s.translation,
					    &(uint32_t) { 0 }),
		     BOUNCE_ERR_ARG, "an attribute that there is not");
	s.translation.attributes = 0;
	s.translation.reserved[1] = 1;
	cr_expect_eq(set(&s), BOUNCE_ERR_ARG, "a reserved word");
	s.translation.reserved[1] = 0;
	attach(&s);
	cr_expect_eq(set(&s), BOUNCE_ERR_BUSY, "a device");
	cr_assert_eq(bounce_device_detach(s.device), BOUNCE_OK);
	cr_assert_eq(set(&s), BOUNCE_OK);
	cr_expect_eq(set(&s), BOUNCE_ERR_BUSY, "twice");
	cr_expect_eq(bounce_space_set_coherency(s.space, BOUNCE_SNOOPED),
		     BOUNCE_ERR_BUSY);
	window = (struct bounce_window) { .len = 4096 };
	cr_expect_eq(bounce_space_add_window(s.space, &window),
		     BOUNCE_ERR_BUSY);
	stand_fini(&s);
}

/* Refused by the IOMMU, and then the monitor does not take a page back. */
Test(iommu_static, a_slab_that_nobody_takes_back_is_lost)
{
	const struct fake_fault fault = {
		.call = FAKE_UNSHARE,
		.times = 1,
		.step = BOUNCE_STEP_UNKNOWN,
	};
	struct stand s;

	stand_init(&s, 1, 0);
	cr_assert_eq(set(&s), BOUNCE_OK);
	plan(&s, FAKE_IOMMU_MAP, 0, BOUNCE_STEP_UNCHANGED, 0);
	cr_assert(fake_machine_fail(&s.bench.machine, &fault));
	cr_expect_eq(bench_grow(&s.bench, 0), BOUNCE_ERR_LOST);
	cr_expect_neq(lost_bytes(&s), 0);
	cr_expect_eq(fake_iommu_mapped(&s.iommu), 0);
	cr_expect_eq(bounce_space_fini(s.space), BOUNCE_OK);
	bench_discard(&s.bench);
}

/* Its own pages have a pool, and slab indices, of the instance. */
Test(iommu_space, own_pages_need_a_pool_and_slabs_that_are_left)
{
	struct stand s;

	stand_init(&s, 1, 1);
	s.translation.flags = BOUNCE_TRANSLATION_DYNAMIC;
	s.translation.own_bus.v = s.iommu.base + (UINT64_C(32) << 20);
	s.translation.own_len = CHUNK;
	cr_expect_eq(set(&s), BOUNCE_ERR_FULL);
	cr_expect_eq(fake_iommu_mapped(&s.iommu), 0);
	s.translation.own_len = 0;
	s.translation.own_bus.v = 0;
	cr_expect_eq(set(&s), BOUNCE_OK, "nothing is held");
	stand_fini(&s);
}

/* What the next IOMMU says of itself. */
static struct bounce_iommu_info told;

static void tell(void *ctx, struct bounce_iommu_info *info)
{
	(void)ctx;
	*info = told;
}

Test(iommu_space, an_iommu_that_says_what_cannot_be_is_refused)
{
	struct bounce_iommu odd;
	struct stand s;

	stand_init(&s, 1, 1);
	odd = s.iommu.iommu;
	odd.info(&s.iommu, &told);
	odd.info = tell;
	s.translation.iommu = &odd;
#define REFUSED(change)                                         \
	do {                                                    \
		struct bounce_iommu_info kept = told;           \
                                                                \
		change;                                         \
		cr_expect_eq(set(&s), BOUNCE_ERR_ARG, #change); \
		told = kept;                                    \
	} while (0)
	REFUSED(told.page_bytes = 0);
	REFUSED(told.page_bytes = 4097);
	REFUSED(told.page_bytes = 2 * CHUNK);
	REFUSED(told.ranges = BOUNCE_IOMMU_RANGES + 1);
	REFUSED(told.first.v = told.last.v + 1);
	/* The window is at a slot's place in the page, not at its start. */
	s.space->windows.window[0].bus.v += BOUNCE_SLOT_BYTES;
	REFUSED(told.page_bytes = 2 * BOUNCE_SLOT_BYTES);
	s.space->windows.window[0].flags = 0;
	told.page_bytes = 2 * BOUNCE_SLOT_BYTES;
	cr_expect_eq(set(&s), BOUNCE_OK, "what it does not translate");
#undef REFUSED
	stand_fini(&s);
}

Test(iommu_door, without_a_hook_the_cpu_itself_relaxes)
{
	struct stand s;

	stand_init(&s, 1, 1);
	s.bench.bounce->env.relax = NULL;
	plan(&s, FAKE_IOMMU_MAP, 0, BOUNCE_STEP_RETRY, 0);
	cr_expect_eq(set(&s), BOUNCE_OK);
	cr_expect_eq(fake_iommu_mapped(&s.iommu), CHUNK);
	stand_fini(&s);
}
