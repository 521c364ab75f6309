/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_epoch.c - bounce_epoch_advance(), bounce_mark_dead() and
 * bounce_unshare_all(): what concerns the whole guest, beside secure mode.
 */
#include <setjmp.h>

#include "calls.h"
#include "model.h"

static uint32_t calls(const struct bench *bench, enum fake_call call)
{
	return atomic_load_explicit(&bench->machine.calls[call],
				    memory_order_relaxed);
}

static enum bounce_verdict_kind kind_of(const struct bounce_device *device)
{
	struct bounce_verdict verdict;

	bounce_device_verdict(device, &verdict);
	return verdict.kind;
}

/* ---- bounce_epoch_advance() ---- */

Test(epoch, every_device_binds_its_verdict_anew_and_live_mappings_finish)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping direct;
	struct bounce_mapping mapping;

	knobs.protection = BOUNCE_PROTECTION_NO;
	knobs.devices = 2;
	bench_init(&bench, &knobs);
	direct = map_ok(bench.queue[0], bench_buf(&bench, 0, 4096),
			BOUNCE_FROM_DEVICE);
	cr_assert_eq(direct.bus.v, bench_private_gpa(&bench, 0).v);
	bench.machine.protection = BOUNCE_PROTECTION_YES;
	for (uint32_t i = 0; i < 2; i++) {
		/* The arch is not asked by a map. */
		mapping = map_ok(bench.queue[i], bench_buf(&bench, 0, 4096),
				 BOUNCE_FROM_DEVICE);
		cr_expect_eq(mapping.bus.v, direct.bus.v);
		unmap_ok(bench.queue[i], &mapping, 0);
	}
	bounce_epoch_advance(bench.bounce);
	for (uint32_t i = 0; i < 2; i++) {
		cr_expect_eq(kind_of(bench.device[i]), BOUNCE_VERDICT_BOUNCE);
		mapping = map_ok(bench.queue[i], bench_buf(&bench, 0, 4096),
				 BOUNCE_FROM_DEVICE);
		cr_expect_neq(mapping.bus.v, direct.bus.v, "device %u", i);
		unmap_ok(bench.queue[i], &mapping, 0);
	}
	unmap_ok(bench.queue[0], &direct, 4096);
	bench_fini(&bench);
}

/* A device that has mapped nothing yet is bound in epoch 0. */
Test(epoch, wraps_past_the_number_that_no_binding_has)
{
	struct bounce_mapping mapping;
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	bench_init(&bench, &knobs);
	atomic_store(&bench.bounce->epoch, UINT32_MAX);
	bounce_epoch_advance(bench.bounce);
	mapping = map_ok(bench.queue[0], bench_buf(&bench, 0, 4096),
			 BOUNCE_FROM_DEVICE);
	unmap_ok(bench.queue[0], &mapping, 0);
	bench_fini(&bench);
}

Test(epoch, asks_the_arch_once_more_and_protected_it_stays)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	uint32_t asked;

	bench_init(&bench, &knobs);
	bench.machine.protection = BOUNCE_PROTECTION_NO;
	for (uint32_t i = 1; i <= 3; i++) {
		uint32_t epoch = atomic_load_explicit(&bench.bounce->epoch,
						      memory_order_relaxed);

		asked = calls(&bench, FAKE_DETECT);
		bounce_epoch_advance(bench.bounce);
		cr_expect_eq(calls(&bench, FAKE_DETECT), asked + 1);
		cr_expect_eq(atomic_load_explicit(&bench.bounce->epoch,
						  memory_order_relaxed),
			     epoch + 2);
		cr_expect_eq(kind_of(bench.device[0]), BOUNCE_VERDICT_BOUNCE,
			     "once protected, always protected");
	}
	bench.machine.protection = BOUNCE_PROTECTION_YES;
	bench_fini(&bench);
}

/* ---- bounce_mark_dead() ---- */

Test(mark_dead, what_starts_after_it_is_refused)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_device_info info = knobs.info;
	struct bounce_segment segment = { .how = BOUNCE_TO_DEVICE };
	struct bounce_device *device;
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct picture before;
	uint32_t count = 1;

	knobs.slabs = 2;
	bench_init(&bench, &knobs);
	bounce_mark_dead(bench.bounce);
	before = picture_take(&bench);
	buf = bench_buf(&bench, 0, 100);
	segment.buf = buf;
	info.space = bench.space;
	cr_expect_eq(bounce_map(bench.queue[0], &buf, 1, &mapping),
		     BOUNCE_ERR_DEAD);
	cr_expect_eq(bounce_map_sg(bench.queue[0], &segment, 1, 0),
		     BOUNCE_ERR_DEAD);
	cr_expect_eq(bounce_map_list(bench.queue[0], &buf, 1, &segment, &count),
		     BOUNCE_ERR_DEAD);
	cr_expect_eq(bounce_alloc(bench.queue[0], 1, 0, 0, &buf, &mapping),
		     BOUNCE_ERR_DEAD);
	cr_expect_eq(bounce_reserve(bench.queue[0], 1, &buf, &mapping),
		     BOUNCE_ERR_DEAD);
	cr_expect_eq(bench_grow(&bench, 1), BOUNCE_ERR_DEAD);
	cr_expect_eq(bounce_device_attach(bench.bounce, &info, &device, NULL),
		     BOUNCE_ERR_DEAD);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	bench_fini(&bench);
}

Test(mark_dead, what_was_made_before_it_still_ends_well)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping mapping;
	struct born born;

	bench_init(&bench, &knobs);
	mapping = map_ok(bench.queue[0], bench_buf(&bench, 0, 5000),
			 BOUNCE_BIDIRECTIONAL);
	born = alloc_ok(bench.queue[0], 100);
	bounce_mark_dead(bench.bounce);
	write_bytes(bench_at_bus(&bench, mapping.bus, 5000), 3, 5000);
	cr_expect_eq(bounce_sync_for_cpu(bench.queue[0], &mapping, 0, 10),
		     BOUNCE_OK);
	cr_expect_eq(bounce_sync_for_device(bench.queue[0], &mapping, 0, 10),
		     BOUNCE_OK);
	unmap_ok(bench.queue[0], &mapping, 5000);
	cr_expect_eq(count_bytes(bench_private(&bench, 0), 3, 5000), 5000);
	free_ok(bench.queue[0], &born);
	cr_expect_eq(slots_free(&bench), 256);
	bench_fini(&bench);
}

/* ---- bounce_unshare_all() ---- */

/* A pool in full use, of three slabs. */
static void begin(struct bench *bench)
{
	struct bench_knobs knobs = bench_usual();

	knobs.slabs = 3;
	knobs.grown = 3;
	knobs.chunks = 1;
	knobs.devices = 2;
	bench_init(bench, &knobs);
	(void)map_ok(bench->queue[0], bench_buf(bench, 0, 100),
		     BOUNCE_TO_DEVICE);
	(void)map_ok(bench->queue[0], bench_buf(bench, 0, 20000),
		     BOUNCE_FROM_DEVICE);
	(void)map_ok(bench->queue[1], bench_buf(bench, 0, 64 * 4096),
		     BOUNCE_BIDIRECTIONAL);
	(void)alloc_ok(bench->queue[1], 9000);
}

static bool slabs_are_zero(const struct bench *bench)
{
	return all_bytes_are(bench->machine.memory, 0, 3 * bench->slab_bytes);
}

Test(unshare_all, ends_with_live_mappings_and_every_slot_private_and_zero)
{
	struct bench bench;
	struct bounce_buf buf;
	struct bounce_mapping mapping;

	begin(&bench);
	for (int again = 0; again < 2; again++) {
		cr_expect_eq(bounce_unshare_all(bench.bounce), BOUNCE_OK);
		cr_expect_eq(fake_machine_shared_bytes(&bench.machine), 0);
		cr_expect(slabs_are_zero(&bench));
		cr_expect_eq(calls(&bench, FAKE_UNSHARE), 12);
	}
	cr_expect_eq(fake_machine_wrongs(&bench.machine), 0);
	/* It is dead. */
	buf = bench_buf(&bench, 0, 100);
	cr_expect_eq(bounce_map(bench.queue[0], &buf, 1, &mapping),
		     BOUNCE_ERR_DEAD);
	cr_expect_eq(bench_grow(&bench, 0), BOUNCE_ERR_DEAD);
	bench_discard(&bench);
}

Test(unshare_all, of_open_memory_makes_no_call)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	knobs.protection = BOUNCE_PROTECTION_NO;
	bench_init(&bench, &knobs);
	cr_expect_eq(bounce_unshare_all(bench.bounce), BOUNCE_OK);
	cr_expect_eq(calls(&bench, FAKE_UNSHARE), 0);
	bench_fini(&bench);
}

Test(unshare_all, without_a_slab_has_nothing_to_do)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	knobs.grown = 0;
	bench_init(&bench, &knobs);
	cr_expect_eq(bounce_unshare_all(bench.bounce), BOUNCE_OK);
	bench_fini(&bench);
}

Test(unshare_all, goes_on_past_pages_that_it_loses)
{
	for (uint32_t n = 0; n < 12; n++)
		for (uint32_t truth = 0; truth <= 16; truth += 16) {
			const struct fake_fault fault = {
				.call = FAKE_UNSHARE,
				.first = n,
				.times = 1,
				.step = BOUNCE_STEP_UNKNOWN,
				.truth = truth,
			};
			struct bounce_pool_stats stats;
			struct bench bench;

			begin(&bench);
			cr_assert(fake_machine_fail(&bench.machine, &fault));
			for (int again = 0; again < 2; again++) {
				cr_expect_eq(bounce_unshare_all(bench.bounce),
					     BOUNCE_ERR_LOST, "call %u", n);
				cr_expect_eq(calls(&bench, FAKE_UNSHARE), 12);
			}
			cr_expect_eq(fake_machine_shared_bytes(&bench.machine),
				     (16 - truth) * 4096);
			bounce_pool_stats(bench.pool, &stats);
			cr_expect_eq(stats.lost_bytes, 16 * 4096);
			cr_expect_eq(fake_machine_wrongs(&bench.machine), 0);
			bench_discard(&bench);
		}
}

/* ---- after another CPU was stopped in the middle of growth ---- */

/* The machine's own backend, and where it stops for ever. */
static const struct bounce_arch *whole;
static jmp_buf stopped;
static uint32_t left; /* calls until then */
static bool after; /* the monitor has done what it was asked */

static enum bounce_step stop_in(bool share, void *ctx, bounce_gpa_t gpa,
				uint32_t count, uint32_t *done)
{
	bool stop = left-- == 0;
	enum bounce_step step;

	if (stop && !after)
		longjmp(stopped, 1);
	step = share ? whole->share(ctx, gpa, count, done) :
		       whole->unshare(ctx, gpa, count, done);
	if (stop)
		longjmp(stopped, 1);
	return step;
}

static enum bounce_step share_some(void *ctx, bounce_gpa_t gpa, uint32_t count,
				   uint32_t *done)
{
	return stop_in(true, ctx, gpa, count, done);
}

static enum bounce_step unshare_some(void *ctx, bounce_gpa_t gpa,
				     uint32_t count, uint32_t *done)
{
	return stop_in(false, ctx, gpa, count, done);
}

/* Is a page that the host sees on the list of what the host sees? */
static void expect_all_listed(const struct bench *bench)
{
	struct bounce_range range[64];
	uint32_t count = bounce_ranges(bench->bounce, range, 64);

	cr_assert_leq(count, 64);
	for (uint64_t at = 0; at < bench->machine.bytes; at += 4096) {
		uint64_t gpa = bench->machine.base + at;
		bool listed = false;

		for (uint32_t i = 0; i < count; i++)
			listed |= gpa - range_gpa(&range[i]) <
				  range_len(&range[i]);
		if (fake_machine_is_shared(&bench->machine, gpa))
			cr_assert(listed, "page %lu", at / 4096);
	}
}

/* Stop a CPU in its @n-th call of growth or retirement of slab 1. */
static void stop_at(uint32_t n, bool grow, bool after_it)
{
	struct bench_knobs knobs = bench_usual();
	struct bounce_arch torn;
	struct bench bench;

	knobs.slabs = 2;
	knobs.chunks = 1;
	knobs.grown = grow ? 1 : 2;
	bench_init(&bench, &knobs);
	whole = bench.bounce->arch.arch;
	torn = *whole;
	torn.share = share_some;
	torn.unshare = unshare_some;
	left = n;
	after = after_it;
	bench.bounce->arch.arch = &torn;
	if (setjmp(stopped) == 0) {
		(void)(grow ? bench_grow(&bench, 1) : bench_retire(&bench, 1));
		cr_assert_fail("call %u was never made", n);
	}
	bench.bounce->arch.arch = whole;
	cr_expect_eq(bounce_unshare_all(bench.bounce), BOUNCE_ERR_LOST);
	expect_all_listed(&bench);
	/* At most the call in which it was stopped is left. */
	cr_expect_leq(fake_machine_shared_bytes(&bench.machine), 16 * 4096);
	cr_expect_eq(fake_machine_wrongs(&bench.machine), 0);
	cr_expect_eq(bounce_unshare_all(bench.bounce), BOUNCE_ERR_LOST);
	expect_all_listed(&bench);
	bench_discard(&bench);
}

Test(unshare_all, where_a_cpu_was_stopped_no_page_is_taken_for_private)
{
	for (uint32_t n = 0; n < 4; n++)
		for (uint32_t how = 0; how < 4; how++)
			stop_at(n, how % 2 != 0, how / 2 != 0);
}
