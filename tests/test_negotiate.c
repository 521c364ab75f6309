/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_negotiate.c - bounce_device_negotiate(): after a reset, or in a new
 * epoch.
 */
#include "calls.h"
#include "model.h"

#define MODERN BOUNCE_VIRTIO_F_VERSION_1
#define PLATFORM (BOUNCE_VIRTIO_F_VERSION_1 | BOUNCE_VIRTIO_F_ACCESS_PLATFORM)

static enum bounce_err try_map(struct bench *bench,
			       struct bounce_mapping *mapping)
{
	struct bounce_buf buf = bench_buf(bench, 0, 100);

	return bounce_map(bench->queue[0], &buf, BOUNCE_TO_DEVICE, mapping);
}

Test(negotiate, what_is_offered_now_counts)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_negotiation answer;
	struct bounce_mapping mapping;

	knobs.shift = UINT64_C(1) << 40;
	bench_init(&bench, &knobs);
	for (int round = 0; round < 3; round++) {
		cr_assert_eq(bounce_device_negotiate(bench.device[0], MODERN,
						     &answer),
			     BOUNCE_OK);
		cr_expect_eq(answer.verdict.reason, BOUNCE_WHY_NOT_OFFERED);
		cr_expect_eq(answer.accept, MODERN);
		cr_assert_eq(try_map(&bench, &mapping), BOUNCE_OK);
		cr_expect_eq(mapping.bus.v >> 40, 0, "by the bypass");
		unmap_ok(bench.queue[0], &mapping, 0);
		cr_assert_eq(bounce_device_negotiate(bench.device[0], PLATFORM,
						     &answer),
			     BOUNCE_OK);
		cr_expect_eq(answer.verdict.reason, BOUNCE_WHY_PLATFORM);
		cr_expect_eq(answer.accept, PLATFORM);
		cr_assert_eq(try_map(&bench, &mapping), BOUNCE_OK);
		cr_expect_eq(mapping.bus.v >> 40, 1, "by the bus");
		unmap_ok(bench.queue[0], &mapping, 0);
	}
	bench_fini(&bench);
}

Test(negotiate, a_refused_device_has_every_map_refused_until_it_offers_more)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_negotiation answer;
	struct bounce_mapping mapping;

	bench_init(&bench, &knobs);
	cr_expect_eq(bounce_device_negotiate(bench.device[0], 0, &answer),
		     BOUNCE_ERR_REFUSED);
	cr_expect_eq(answer.verdict.kind, BOUNCE_VERDICT_REFUSE);
	cr_expect_eq(answer.verdict.reason, BOUNCE_WHY_LEGACY);
	for (int i = 0; i < 3; i++)
		cr_expect_eq(try_map(&bench, &mapping), BOUNCE_ERR_REFUSED);
	cr_expect_eq(bounce_device_negotiate(bench.device[0], PLATFORM, NULL),
		     BOUNCE_OK, "the answer is not wanted");
	cr_assert_eq(try_map(&bench, &mapping), BOUNCE_OK);
	unmap_ok(bench.queue[0], &mapping, 0);
	bench_fini(&bench);
}

Test(negotiate, after_features_were_rejected_begins_anew)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping mapping;

	bench_init(&bench, &knobs);
	bounce_device_features_rejected(bench.device[0]);
	cr_expect_eq(try_map(&bench, &mapping), BOUNCE_ERR_REFUSED);
	cr_assert_eq(bounce_device_negotiate(bench.device[0], PLATFORM, NULL),
		     BOUNCE_OK);
	cr_assert_eq(try_map(&bench, &mapping), BOUNCE_OK);
	unmap_ok(bench.queue[0], &mapping, 0);
	bench_fini(&bench);
}

Test(negotiate, with_a_live_mapping_or_born_shared_memory_is_busy)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping mapping;
	struct picture before;
	struct born born;

	knobs.devices = 2;
	bench_init(&bench, &knobs);
	cr_assert_eq(try_map(&bench, &mapping), BOUNCE_OK);
	before = picture_take(&bench);
	cr_expect_eq(bounce_device_negotiate(bench.device[0], 0, NULL),
		     BOUNCE_ERR_BUSY);
	cr_expect(picture_same(&before), "nothing changed");
	picture_drop(&before);
	cr_expect_eq(bounce_device_negotiate(bench.device[1], PLATFORM, NULL),
		     BOUNCE_OK, "of another device");
	unmap_ok(bench.queue[0], &mapping, 0);
	born = alloc_ok(bench.queue[0], 1);
	cr_expect_eq(bounce_device_negotiate(bench.device[0], PLATFORM, NULL),
		     BOUNCE_ERR_BUSY);
	free_ok(bench.queue[0], &born);
	cr_expect_eq(bounce_device_negotiate(bench.device[0], PLATFORM, NULL),
		     BOUNCE_OK);
	bench_fini(&bench);
}

Test(negotiate, is_unreachable_when_the_pool_is_out_of_its_new_windows_reach)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping mapping;

	knobs.bypass = false;
	bench_init(&bench, &knobs);
	/* Without ACCESS_PLATFORM it would need a window that is not there. */
	cr_expect_eq(bounce_device_negotiate(bench.device[0], MODERN, NULL),
		     BOUNCE_ERR_UNREACHABLE);
	cr_expect_neq(try_map(&bench, &mapping), BOUNCE_OK);
	cr_assert_eq(bounce_device_negotiate(bench.device[0], PLATFORM, NULL),
		     BOUNCE_OK);
	cr_assert_eq(try_map(&bench, &mapping), BOUNCE_OK);
	unmap_ok(bench.queue[0], &mapping, 0);
	bench_fini(&bench);
}

Test(negotiate, of_a_revoked_device_does_not_quiesce_it)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping mapping;

	bench_init(&bench, &knobs);
	bounce_device_revoke(bench.device[0]);
	cr_expect_eq(bounce_device_negotiate(bench.device[0], PLATFORM, NULL),
		     BOUNCE_OK);
	cr_expect_eq(try_map(&bench, &mapping), BOUNCE_ERR_STALE);
	cr_assert_eq(bounce_device_quiesced(bench.device[0]), BOUNCE_OK);
	cr_assert_eq(try_map(&bench, &mapping), BOUNCE_OK);
	unmap_ok(bench.queue[0], &mapping, 0);
	bench_fini(&bench);
}
