/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_edges.c - one mapping at each edge of what map.c decides: the longest,
 * the nearest to what is shared, the least protected; and what is counted.
 */
#include "behind.h"
#include "calls.h"

#define PLATFORM (BOUNCE_VIRTIO_F_VERSION_1 | BOUNCE_VIRTIO_F_ACCESS_PLATFORM)

/* ---- counters ---- */

/* A mapping all of whose bytes are reported; how many were counted. */
static void expect_counted(struct bench *bench, uint64_t len, uint32_t how,
			   uint64_t to)
{
	struct bounce_device_stats before = stats_of(bench->device[0]);
	uint64_t from = (how & BOUNCE_FROM_DEVICE) != 0 ? len : 0;
	struct bounce_mapping mapping;
	struct bounce_device_stats now;

	mapping = map_ok(bench->queue[0], bench_buf(bench, 0, len), how);
	now = stats_of(bench->device[0]);
	cr_expect_eq(now.bytes_to - before.bytes_to, to, "%lu, how %#x", len,
		     how);
	cr_expect_eq(now.bytes_from, before.bytes_from);
	unmap_ok(bench->queue[0], &mapping, from);
	now = stats_of(bench->device[0]);
	cr_expect_eq(now.bytes_to - before.bytes_to, to, "%lu, how %#x", len,
		     how);
	cr_expect_eq(now.bytes_from - before.bytes_from, from, "%lu, how %#x",
		     len, how);
	cr_expect_eq(now.maps - before.maps, 1);
	cr_expect_eq(now.unmaps - before.unmaps, 1);
	cr_expect_eq(now.other + now.full + now.fragmented + now.stale +
			     now.refused_lengths,
		     0);
}

/* Twice, for the short way is not the same as the long one. */
Test(edges, each_mapping_counts_its_bytes_each_way_and_no_failure)
{
	static const uint64_t lengths[] = { 1, 100, 4096, 9000 };
	const struct bench_knobs knobs = bench_usual();
	struct bench bench;

	bench_init(&bench, &knobs);
	for (size_t i = 0; i < 2 * COUNT_OF(lengths); i++) {
		uint64_t len = lengths[i / 2];

		expect_counted(&bench, len, BOUNCE_TO_DEVICE, len);
		expect_counted(&bench, len, BOUNCE_FROM_DEVICE, 0);
		expect_counted(&bench, len, BOUNCE_BIDIRECTIONAL, len);
		expect_counted(&bench, len, BOUNCE_FROM_DEVICE | BOUNCE_ZERO,
			       0);
		expect_counted(&bench, len,
			       BOUNCE_FROM_DEVICE | BOUNCE_PRESERVE, len);
		expect_counted(&bench, len,
			       BOUNCE_BIDIRECTIONAL | BOUNCE_URGENT, len);
	}
	bench_fini(&bench);
}

/* ---- how long, and where ---- */

Test(edges, all_of_a_slabs_length_can_be_mapped_and_a_byte_more_cannot)
{
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct bench bench;

	knobs.protection = BOUNCE_PROTECTION_NO;
	knobs.private_bytes = 2 * BOUNCE_SLAB_BYTES;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, BOUNCE_SLAB_BYTES);
	mapping = map_ok(bench.queue[0], buf, BOUNCE_TO_DEVICE);
	cr_expect_eq(mapping.bus.v, buf.gpa.v);
	unmap_ok(bench.queue[0], &mapping, 0);
	buf.len++;
	cr_expect_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE,
				&mapping),
		     BOUNCE_ERR_RANGE);
	bench_fini(&bench);
}

/* Between the lowest and the highest shared byte, and private all the same. */
Test(edges, a_buffer_between_two_slabs_is_bounced_like_any_other)
{
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct bench bench;

	knobs.slabs = 3;
	bench_init(&bench, &knobs);
	cr_assert_eq(bench_grow(&bench, 2), BOUNCE_OK);
	buf = (struct bounce_buf) {
		.gpa = bench_slab_gpa(&bench, 1),
		.len = bench.slab_bytes,
	};
	for (uint32_t i = 0; i < 2; i++) {
		buf.len = i == 0 ? 4096 : 200000;
		mapping = map_ok(bench.queue[0], buf, BOUNCE_TO_DEVICE);
		cr_expect_eq(*bench_at_bus(&bench, mapping.bus, 1),
			     FAKE_SECRET);
		unmap_ok(bench.queue[0], &mapping, 0);
	}
	bench_fini(&bench);
}

/* ---- what is spared ---- */

/* Within an owner what is left over is unspecified; that it is left costs
 * nothing. */
Test(edges, a_run_of_ones_own_is_not_scrubbed_again_for_what_the_device_writes)
{
	const struct bench_knobs knobs = bench_usual();
	struct bench bench;

	bench_init(&bench, &knobs);
	for (uint32_t turn = 0; turn < 3; turn++) {
		struct bounce_mapping mapping =
			map_ok(bench.queue[0], bench_buf(&bench, 0, 4096),
			       BOUNCE_FROM_DEVICE);
		unsigned char *shared = bench_at_bus(&bench, mapping.bus, 1);

		cr_expect_eq(*shared, turn == 0 ? 0 : 0x77);
		*shared = 0x77;
		unmap_ok(bench.queue[0], &mapping, 0);
	}
	bench_fini(&bench);
}

/* ---- verdicts ---- */

/* Though there is a run at hand. */
Test(edges, a_device_that_is_refused_from_now_on_maps_nothing_more)
{
	const struct bench_knobs knobs = bench_usual();
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct bench bench;

	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 4096);
	for (uint32_t turn = 0; turn < 2; turn++) {
		mapping = map_ok(bench.queue[0], buf, BOUNCE_TO_DEVICE);
		unmap_ok(bench.queue[0], &mapping, 0);
	}
	bounce_device_features_rejected(bench.device[0]);
	cr_expect_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE,
				&mapping),
		     BOUNCE_ERR_REFUSED);
	bench_fini(&bench);
}

/* That the guest is protected counts for each buffer: only where it is not,
 * has an attested device's page to be its own. */
Test(edges, an_attested_device_is_let_at_parts_of_pages_though_untrusted)
{
	struct bench_knobs knobs = bench_usual();
	struct bounce_device_info info;
	struct bounce_mapping mapping;
	struct bounce_device *device;
	struct bounce_queue *queue;
	struct bounce_buf buf;
	struct bench bench;

	knobs.devices = 0;
	bench_init(&bench, &knobs);
	info = (struct bounce_device_info) {
		.space = bench.space,
		.features = PLATFORM,
		.flags = BOUNCE_DEVICE_ATTESTED | BOUNCE_DEVICE_UNTRUSTED,
	};
	cr_assert_eq(bounce_device_attach(bench.bounce, &info, &device, NULL),
		     BOUNCE_OK);
	queue = bounce_device_queue(device, 0);
	buf = bench_buf(&bench, 100, 1000);
	mapping = map_ok(queue, buf, BOUNCE_TO_DEVICE);
	cr_expect_eq(mapping.bus.v, buf.gpa.v);
	unmap_ok(queue, &mapping, 0);
	cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	bench_fini(&bench);
}

/* A space with a dynamic window, and one past the IOMMU. */
static void behind_or_past(struct behind *b)
{
	struct bench_knobs knobs = bench_usual();
	const struct bounce_window past = {
		.bus = { knobs.gpa },
		.gpa = { knobs.gpa },
		.len = UINT64_C(1) << 30,
		.flags = BOUNCE_WINDOW_BYPASS,
	};

	knobs.devices = 0;
	knobs.more_devices = 1;
	knobs.more_spaces = 1;
	knobs.more_pools = 1;
	knobs.more_slabs = 2;
	knobs.protection = BOUNCE_PROTECTION_NO;
	*b = (struct behind) { .device = NULL };
	bench_init(&b->bench, &knobs);
	fake_iommu_init(&b->iommu, knobs.gpa + BEHIND_SHIFT);
	b->space = bench_translated(&b->bench, knobs.gpa + BEHIND_SHIFT);
	cr_assert_eq(bounce_space_add_window(b->space, &past), BOUNCE_OK);
	b->translation = fake_iommu_translation(&b->iommu);
	b->translation.flags = BOUNCE_TRANSLATION_DYNAMIC;
	b->translation.own_bus.v = b->iommu.base + BEHIND_OWN_AT;
	b->translation.own_len = BEHIND_OWN_LEN;
	cr_assert_eq(bounce_space_set_iommu(b->space, &b->translation, NULL),
		     BOUNCE_OK);
}

Test(edges, a_device_that_bypasses_the_iommu_is_let_at_open_memory)
{
	const struct bounce_device_info info = {
		.features = BOUNCE_VIRTIO_F_VERSION_1,
	};
	struct bounce_mapping mapping;
	struct behind b;

	behind_or_past(&b);
	behind_attach(&b, &info);
	b.free = behind_free_slots(&b);
	mapping = behind_map(&b, 0, 8192, BOUNCE_TO_DEVICE);
	cr_expect_eq(mapping.bus.v, bench_private_gpa(&b.bench, 0).v);
	behind_expect_nothing(&b);
	cr_expect_eq(bounce_unmap(b.queue, &mapping, 0), BOUNCE_OK);
	behind_fini(&b);
}

/* ---- a list behind a dynamic window, whose segments end by themselves ---- */

/* The host has written 0x77 all over a segment of 100 bytes, mapped @how, and
 * the caller says that the device was to write it: the first two bytes. */
static enum bounce_err end_of_segment(uint32_t how, uint64_t written,
				      unsigned char first[2])
{
	const struct behind_knobs knobs = { .open = false };
	struct bounce_segment segment = { .how = how };
	enum bounce_err err;
	struct behind b;

	behind_init(&b, &knobs);
	segment.buf = bench_buf(&b.bench, 0, 100);
	cr_assert_eq(bounce_map_sg(b.queue, &segment, 1, 0), BOUNCE_OK);
	memset(behind_at(&b, segment.mapping.bus.v,
			 how == BOUNCE_TO_DEVICE ? BOUNCE_ACCESS_READ :
						   BOUNCE_ACCESS_WRITE),
	       0x77, 100);
	segment.how = BOUNCE_FROM_DEVICE;
	err = bounce_unmap_sg(b.queue, &segment, 1, written);
	memcpy(first, bench_private(&b.bench, 0), 2);
	behind_expect_nothing(&b);
	behind_fini(&b);
	return err;
}

Test(edges, of_a_segment_as_many_bytes_come_back_as_are_its_and_of_a_lie_none)
{
	unsigned char first[2];

	cr_expect_eq(end_of_segment(BOUNCE_FROM_DEVICE, 1, first), BOUNCE_OK);
	cr_expect_eq(first[0], 0x77);
	cr_expect_eq(first[1], FAKE_SECRET);
	cr_expect_eq(end_of_segment(BOUNCE_FROM_DEVICE, 2, first), BOUNCE_OK);
	cr_expect_eq(first[1], 0x77);
	cr_expect_neq(end_of_segment(BOUNCE_TO_DEVICE, 100, first), BOUNCE_OK);
	cr_expect_eq(first[0], FAKE_SECRET);
}
