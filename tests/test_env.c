/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_env.c - what an embedder gives bounce_init() and may have wrong: the
 * linear map, reserved words, a backend that contradicts itself. The other
 * arguments are in test_instance.c.
 */
#include "calls.h"

/* A good env and a good backend, of a machine that is switched on. */
struct given {
	struct bench bench;
	struct bounce_env env;
	struct bounce_monitor monitor;
};

static void given_begin(struct given *given)
{
	struct bench_knobs knobs = bench_usual();

	knobs.grown = 0;
	bench_power_on(&given->bench, &knobs);
	given->env = fake_machine_env(&given->bench.machine);
	given->monitor = fake_machine_monitor(&given->bench.machine);
}

/* Ask bounce_init(); it is over afterwards. */
static enum bounce_err asked(struct given *given)
{
	const struct bounce_config config = { .slabs = 1, .slab_chunks = 1 };
	size_t bytes = bounce_meta_size(&config);
	struct bounce *bounce = NULL;
	enum bounce_err err;
	void *memory;

	cr_assert_eq(posix_memalign(&memory, BOUNCE_META_ALIGN, bytes), 0);
	err = bounce_init(memory, bytes, &config, &given->env, &given->monitor,
			  &bounce);
	cr_expect_eq(bounce != NULL, err == BOUNCE_OK);
	free(memory);
	return err;
}

static void given_end(struct given *given)
{
	bench_discard(&given->bench);
}

/* ---- the linear map ---- */

Test(env, a_linear_range_without_an_address_is_refused)
{
	struct given given;

	given_begin(&given);
	cr_expect_eq(asked(&given), BOUNCE_OK);
	given.env.linear[0].ptr = NULL;
	cr_expect_eq(asked(&given), BOUNCE_ERR_ARG);
	given_end(&given);
}

Test(env, every_linear_range_can_be_used)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_linear *range;
	uint64_t len;

	knobs.grown = 0;
	bench_init(&bench, &knobs);
	/* As if it had been given: the other way round for the guest. */
	len = bench.machine.bytes / BOUNCE_LINEAR_RANGES;
	range = bench.bounce->env.linear;
	for (uint64_t i = 0; i < BOUNCE_LINEAR_RANGES; i++)
		range[i] = (struct bounce_linear) {
			.gpa = { (BOUNCE_LINEAR_RANGES - i) << 32 },
			.ptr = bench.machine.memory + i * len,
			.len = len,
		};
	for (uint64_t i = 0; i < BOUNCE_LINEAR_RANGES; i++)
		cr_expect_eq(bounce_linear_pointer(bench.bounce, range[i].gpa,
						   len),
			     range[i].ptr, "range %lu", i);
	cr_expect_null(
		bounce_linear_pointer(bench.bounce, (bounce_gpa_t) { 0 }, 1));
	bench_discard(&bench);
}

Test(env, as_many_linear_ranges_as_there_may_be_are_taken)
{
	struct given given;
	struct bounce_linear whole;

	given_begin(&given);
	whole = given.env.linear[0];
	for (uint64_t i = 0; i < BOUNCE_LINEAR_RANGES; i++)
		given.env.linear[i] = (struct bounce_linear) {
			.gpa = { whole.gpa.v + i * 4096 },
			.ptr = (unsigned char *)whole.ptr + i * 4096,
			.len = 4096,
		};
	cr_expect_eq(asked(&given), BOUNCE_OK);
	given.env.linear[BOUNCE_LINEAR_RANGES - 1].gpa = whole.gpa;
	cr_expect_eq(asked(&given), BOUNCE_ERR_ARG, "the last overlaps");
	given_end(&given);
}

Test(env, its_reserved_words_are_zero)
{
	struct given given;

	given_begin(&given);
	for (size_t i = 0; i < COUNT_OF(given.env.reserved); i++) {
		given.env.reserved[i] = 1;
		cr_expect_eq(asked(&given), BOUNCE_ERR_ARG, "word %zu", i);
		given.env.reserved[i] = 0;
	}
	cr_expect_eq(asked(&given), BOUNCE_OK);
	given_end(&given);
}

Test(env, without_a_relax_hook_the_cpu_waits_by_itself)
{
	/* Busy for the first three calls. */
	const struct fake_fault busy = { .call = FAKE_SHARE,
					 .times = 3,
					 .step = BOUNCE_STEP_RETRY };
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	knobs.grown = 0;
	bench_power_on(&bench, &knobs);
	cr_assert(fake_machine_fail(&bench.machine, &busy));
	bench_set_up(&bench);
	bench.bounce->env.relax = NULL;
	cr_expect_eq(bench_grow(&bench, 0), BOUNCE_OK);
	cr_expect_eq(bench.machine.relaxed, 0);
	cr_expect_gt(bench.machine.calls[FAKE_SHARE], 3);
	bench_fini(&bench);
}

/* ---- the backend ---- */

Test(arch, one_that_contradicts_itself_is_refused)
{
	struct given given;
	struct bounce_arch *arch;
	struct bounce_arch good;

	given_begin(&given);
	arch = &given.bench.machine.arch;
	good = *arch;
	arch->granule_shift = BOUNCE_SLOT_SHIFT - 1;
	cr_expect_eq(asked(&given), BOUNCE_ERR_ARG, "less than a slot");
	arch->granule_shift = BOUNCE_SLAB_SHIFT + 1;
	cr_expect_eq(asked(&given), BOUNCE_ERR_ARG, "more than a slab");
	*arch = good;
	arch->contents = BOUNCE_CONTENTS_UNDEFINED + 1;
	cr_expect_eq(asked(&given), BOUNCE_ERR_ARG, "contents");
	arch->contents = BOUNCE_CONTENTS_KEPT;
	arch->verify_share = true;
	cr_expect_eq(asked(&given), BOUNCE_ERR_ARG, "not verifiable");
	arch->contents = BOUNCE_CONTENTS_ZERO;
	cr_expect_eq(asked(&given), BOUNCE_OK);
	given_end(&given);
}
