/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_revoke_between.c - a device that is revoked between two steps of one
 * call. lib/sg.c and lib/shared.c are compiled in here with another way to
 * bounce_map_publish() and bounce_mapping_publish(), which revokes it first.
 */
#include "calls.h"

#include "queue.h"

static enum bounce_err watched_map(const struct bounce_request *request,
				   const struct bounce_prepared *prepared,
				   struct bounce_mapping *mapping);
static enum bounce_err watched_publish(const struct bounce_request *request,
				       const struct bounce_prepared *prepared,
				       uint64_t count,
				       struct bounce_mapping *mapping);
#define bounce_map_publish watched_map
#define bounce_mapping_publish watched_publish
#include "sg.c"
#include "shared.c"
#undef bounce_map_publish
#undef bounce_mapping_publish

#define SEGMENTS 4u

/* Steps until the revoke; each test is a process of its own. */
static uint32_t steps = UINT32_MAX;

static void step(const struct bounce_request *request)
{
	if (steps-- == 0)
		bounce_device_revoke(request->queue->device);
}

static enum bounce_err watched_map(const struct bounce_request *request,
				   const struct bounce_prepared *prepared,
				   struct bounce_mapping *mapping)
{
	step(request);
	return bounce_map_publish(request, prepared, mapping);
}

static enum bounce_err watched_publish(const struct bounce_request *request,
				       const struct bounce_prepared *prepared,
				       uint64_t count,
				       struct bounce_mapping *mapping)
{
	step(request);
	return bounce_mapping_publish(request, prepared, count, mapping);
}

/* Those before it are in quarantine, those from it on are free. */
Test(map_sg, a_device_revoked_at_segment_n_has_no_mapping)
{
	for (uint32_t n = 0; n < SEGMENTS; n++) {
		struct bench bench;
		struct bench_knobs knobs = bench_usual();
		struct bounce_segment segment[SEGMENTS];

		bench_init(&bench, &knobs);
		for (uint32_t i = 0; i < SEGMENTS; i++)
			segment[i] = (struct bounce_segment) {
				.buf = bench_buf(&bench, i * 8192, 8192),
				.how = BOUNCE_TO_DEVICE,
			};
		steps = n;
		cr_expect_eq(bounce_map_sg(bench.queue[0], segment, SEGMENTS,
					   0),
			     BOUNCE_ERR_STALE, "segment %u", n);
		for (uint32_t i = 0; i < SEGMENTS; i++)
			cr_expect_not(bounce_mapping_valid(
				bench.queue[0], &segment[i].mapping));
		cr_expect_eq(slots_free(&bench), 256 - 2 * n);
		cr_assert_eq(bounce_device_quiesced(bench.device[0]),
			     BOUNCE_OK);
		cr_expect_eq(slots_free(&bench), 256);
		bench_fini(&bench);
	}
}

/* bounce_device_quiesced() has moved the first word of each size on, and not
 * the second: a mapping that is counted there is STALE, and those of its list
 * that were published a moment ago end with it, since no revoke looks any more.
 */
Test(map_sg, that_fails_while_its_device_is_let_map_again_leaves_nothing_live)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[2] = { { .how = BOUNCE_TO_DEVICE },
					     { .how = BOUNCE_FROM_DEVICE } };
	const uint64_t one = UINT64_C(1) << TURN_GENERATION_SHIFT;
	_Atomic uint64_t *turn;

	bench_init(&bench, &knobs);
	for (uint32_t i = 0; i < 2; i++)
		segment[i].buf = bench_buf(&bench, i * 8192, 8192);
	bounce_device_revoke(bench.device[0]);
	cr_assert_eq(bounce_device_quiesced(bench.device[0]), BOUNCE_OK);
	turn = &bench.queue[0]->traffic[bounce_size_of(8192)].turn[1];
	/* relaxed: one thread. */
	atomic_fetch_sub_explicit(turn, one, memory_order_relaxed);
	cr_expect_eq(bounce_map_sg(bench.queue[0], segment, 2, 0),
		     BOUNCE_ERR_STALE);
	cr_expect_not(bounce_device_has(bench.device[0], 1u << RECORD_LIVE));
	cr_expect_eq(slots_free(&bench), 256);
	atomic_fetch_add_explicit(turn, one, memory_order_relaxed);
	cr_assert_eq(bounce_map_sg(bench.queue[0], segment, 2, 0), BOUNCE_OK);
	cr_assert_eq(bounce_unmap_sg(bench.queue[0], segment, 2, 0), BOUNCE_OK);
	bench_fini(&bench);
}

Test(commit, of_a_device_revoked_meanwhile_is_stale_and_its_run_free)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping old;
	struct born born;

	bench_init(&bench, &knobs);
	born = reserve_ok(bench.queue[0], 20000);
	old = born.handle;
	steps = 0;
	cr_expect_eq(bounce_commit(bench.queue[0], &born.handle, 9000),
		     BOUNCE_ERR_STALE);
	cr_expect(same_handle(&born.handle, &old), "written on success only");
	cr_expect_eq(slots_free(&bench), 256);
	cr_assert_eq(bounce_device_quiesced(bench.device[0]), BOUNCE_OK);
	bench_fini(&bench);
}
