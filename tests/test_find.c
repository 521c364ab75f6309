/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_find.c - bounce_mapping_find(): from a bus address to the live mapping
 * that holds it.
 */
#include "calls.h"
#include "model.h"

#define MOST 48u

/* The handle that holds @bus, or no handle. */
static bool find(struct bounce_queue *queue, uint64_t bus,
		 struct bounce_mapping *mapping)
{
	enum bounce_err err = bounce_mapping_find(queue, (bounce_bus_t) { bus },
						  mapping);

	cr_assert(err == BOUNCE_OK || err == BOUNCE_ERR_STALE);
	return err == BOUNCE_OK;
}

/* Every address of a mapping leads to it, for either lane. */
static void expect_found(const struct bench *bench, uint32_t device,
			 const struct bounce_mapping *mapping)
{
	/* All of a short one; of a long one, some near every slot's edge. */
	for (uint64_t at = 0; at < mapping->len;
	     at += at % 4096 < 70 || at % 4096 > 4020 ? 1 : 39) {
		struct bounce_mapping found;

		cr_assert(
			find(bounce_device_queue(bench->device[device], at % 2),
			     mapping->bus.v + at, &found),
			"byte %lu of %u", at, mapping->len);
		cr_assert(same_handle(&found, mapping), "byte %lu of %u", at,
			  mapping->len);
	}
}

static void expect_none(struct bounce_queue *queue, uint64_t bus)
{
	struct bounce_mapping found;
	struct bounce_mapping old;

	memset(&found, 0x11, sizeof(found));
	old = found;
	cr_assert_not(find(queue, bus, &found), "%#lx", bus);
	cr_assert(same_handle(&found, &old), "written on success only");
}

static struct bench_knobs two_devices(void)
{
	struct bench_knobs knobs = bench_usual();

	knobs.devices = 2;
	knobs.queues = 2;
	knobs.shift = UINT64_C(1) << 40;
	return knobs;
}

/* One bounced mapping: found by its bytes, and by no others. */
static void bounced(struct bench *bench, uint64_t offset, uint64_t len)
{
	struct bounce_mapping mapping = map_ok(bench->queue[0],
					       bench_buf(bench, offset, len),
					       BOUNCE_BIDIRECTIONAL);
	struct bounce_mapping found;

	expect_found(bench, 0, &mapping);
	for (uint64_t at = 1; at < 200; at++) {
		expect_none(bench->queue[0], mapping.bus.v - at);
		expect_none(bench->queue[0], mapping.bus.v + len - 1 + at);
		expect_none(bench->queue[1], mapping.bus.v + at % len);
	}
	/* What was found is as good as what was kept. */
	cr_assert(find(bench->queue[0], mapping.bus.v, &found));
	unmap_ok(bench->queue[0], &found, len);
	for (uint64_t at = 0; at < len; at += 31)
		expect_none(bench->queue[0], mapping.bus.v + at);
}

Test(find, any_address_inside_a_bounced_mapping_of_any_size)
{
	const uint64_t lens[] = { 1,	63,   64,   65,	   500,	   2048,  2049,
				  4096, 4097, 9000, 65536, 262144, 300001 };
	struct bench bench;
	struct bench_knobs knobs = two_devices();

	knobs.private_bytes = 512 * 1024;
	bench_init(&bench, &knobs);
	for (size_t i = 0; i < COUNT_OF(lens); i++)
		bounced(&bench, 5, lens[i]);
	bench_fini(&bench);
}

Test(find, the_head_and_tail_of_a_run_are_in_no_mapping)
{
	struct bench bench;
	struct bench_knobs knobs = two_devices();

	knobs.info.min_align_mask = 0xfff;
	bench_init(&bench, &knobs);
	for (uint64_t offset = 250; offset < 4096; offset += 701)
		bounced(&bench, offset, 5000);
	bench_fini(&bench);
}

Test(find, neighbours_are_told_apart)
{
	struct bench bench;
	struct bench_knobs knobs = two_devices();
	struct bounce_mapping mapping[MOST];

	bench_init(&bench, &knobs);
	for (uint32_t i = 0; i < MOST; i++)
		mapping[i] = map_ok(bench.queue[i % 2],
				    bench_buf(&bench, i * 5000,
					      1 + i * i * 13 % 4999),
				    BOUNCE_BIDIRECTIONAL);
	for (uint32_t i = 0; i < MOST; i++)
		expect_found(&bench, i % 2, &mapping[i]);
	for (uint32_t i = 0; i < MOST; i++) {
		expect_none(bench.queue[1 - i % 2], mapping[i].bus.v);
		unmap_ok(bench.queue[i % 2], &mapping[i], 0);
		expect_none(bench.queue[i % 2], mapping[i].bus.v);
		for (uint32_t j = i + 1; j < MOST && j < i + 4; j++)
			expect_found(&bench, j % 2, &mapping[j]);
	}
	bench_fini(&bench);
}

Test(find, a_direct_mapping_by_the_buffers_own_bus_address)
{
	struct bench bench;
	struct bench_knobs knobs = two_devices();
	struct bounce_mapping mapping[3];

	knobs.info.flags = BOUNCE_DEVICE_ATTESTED;
	bench_init(&bench, &knobs);
	for (uint32_t i = 0; i < 3; i++)
		mapping[i] = map_ok(bench.queue[0],
				    bench_buf(&bench, i * 50000 + 7, 9000),
				    BOUNCE_FROM_DEVICE);
	for (uint32_t i = 0; i < 3; i++) {
		expect_found(&bench, 0, &mapping[i]);
		expect_none(bench.queue[0], mapping[i].bus.v - 1);
		expect_none(bench.queue[0], mapping[i].bus.v + 9000);
		expect_none(bench.queue[1], mapping[i].bus.v);
		unmap_ok(bench.queue[0], &mapping[i], 9000);
		expect_none(bench.queue[0], mapping[i].bus.v);
	}
	bench_fini(&bench);
}

Test(find, born_shared_memory_and_the_mappings_inside_it)
{
	struct bench bench;
	struct bench_knobs knobs = two_devices();
	struct bounce_mapping inside;
	struct bounce_buf part;
	struct born born;

	bench_init(&bench, &knobs);
	born = alloc_ok(bench.queue[0], 10000);
	expect_found(&bench, 0, &born.handle);
	expect_none(bench.queue[0], born.handle.bus.v + 10000);
	part = born.buf;
	part.gpa.v += 3000;
	part.ptr = (unsigned char *)part.ptr + 3000;
	part.len = 2000;
	inside = map_ok(bench.queue[0], part, BOUNCE_TO_DEVICE);
	expect_found(&bench, 0, &inside);
	for (uint64_t at = 0; at < 10000; at += 17) {
		const struct bounce_mapping *want = &born.handle;
		struct bounce_mapping found;

		if (at >= 3000 && at < 5000)
			want = &inside;
		cr_assert(find(bench.queue[0], born.handle.bus.v + at, &found));
		cr_assert(same_handle(&found, want), "byte %lu", at);
	}
	unmap_ok(bench.queue[0], &inside, 0);
	expect_found(&bench, 0, &born.handle);
	free_ok(bench.queue[0], &born);
	expect_none(bench.queue[0], born.handle.bus.v);
	bench_fini(&bench);
}

Test(find, what_was_committed_but_not_what_was_given_back)
{
	struct bench bench;
	struct bench_knobs knobs = two_devices();
	struct bounce_mapping mapping;
	struct born born;

	bench_init(&bench, &knobs);
	born = reserve_ok(bench.queue[0], 100 * 4096);
	expect_found(&bench, 0, &born.handle);
	mapping = born.handle;
	cr_assert_eq(bounce_commit(bench.queue[0], &mapping, 70 * 4096 - 5),
		     BOUNCE_OK);
	expect_found(&bench, 0, &mapping);
	for (uint64_t at = mapping.len; at < born.handle.len; at += 97)
		expect_none(bench.queue[0], mapping.bus.v + at);
	unmap_ok(bench.queue[0], &mapping, 0);
	expect_none(bench.queue[0], mapping.bus.v);
	bench_fini(&bench);
}

Test(find, in_every_slab_and_by_both_paths)
{
	struct bench bench;
	struct bench_knobs knobs = two_devices();
	struct bounce_mapping mapping[3];

	knobs.slabs = 3;
	knobs.grown = 3;
	knobs.chunks = 1;
	for (uint32_t bypass = 0; bypass < 2; bypass++) {
		knobs.info.features =
			BOUNCE_VIRTIO_F_VERSION_1 |
			(bypass != 0 ? 0 : BOUNCE_VIRTIO_F_ACCESS_PLATFORM);
		bench_init(&bench, &knobs);
		for (uint32_t i = 0; i < 3; i++)
			mapping[i] = map_ok(bench.queue[0],
					    bench_buf(&bench, 0, 40 * 4096),
					    BOUNCE_TO_DEVICE);
		for (uint32_t i = 0; i < 3; i++) {
			cr_expect_eq(mapping[i].bus.v >> 40, 1 - bypass);
			expect_found(&bench, 0, &mapping[i]);
		}
		for (uint32_t i = 0; i < 3; i++)
			unmap_ok(bench.queue[0], &mapping[i], 0);
		bench_fini(&bench);
	}
}

Test(find, nothing_of_a_revoked_device)
{
	struct bench bench;
	struct bench_knobs knobs = two_devices();
	struct bounce_mapping small;
	struct bounce_mapping large;
	struct bounce_mapping other;

	bench_init(&bench, &knobs);
	small = map_ok(bench.queue[0], bench_buf(&bench, 0, 64),
		       BOUNCE_TO_DEVICE);
	large = map_ok(bench.queue[0], bench_buf(&bench, 0, 100000),
		       BOUNCE_TO_DEVICE);
	other = map_ok(bench.queue[1], bench_buf(&bench, 0, 64),
		       BOUNCE_TO_DEVICE);
	bounce_device_revoke(bench.device[0]);
	expect_none(bench.queue[0], small.bus.v);
	expect_none(bench.queue[0], large.bus.v);
	expect_found(&bench, 1, &other);
	cr_assert_eq(bounce_device_quiesced(bench.device[0]), BOUNCE_OK);
	unmap_ok(bench.queue[1], &other, 0);
	bench_fini(&bench);
}

Test(find, addresses_that_are_nowhere_are_stale_and_a_null_is_refused)
{
	struct bench bench;
	struct bench_knobs knobs = two_devices();
	struct bounce_mapping found;
	const uint64_t bases[] = { 0, UINT64_C(1) << 30, UINT64_C(1) << 40,
				   (UINT64_C(1) << 40) + (UINT64_C(1) << 30),
				   UINT64_MAX };

	bench_init(&bench, &knobs);
	for (size_t i = 0; i < COUNT_OF(bases); i++)
		for (uint64_t at = 0; at < 64; at++)
			expect_none(bench.queue[0],
				    bases[i] + (at - 32) * 65536);
	cr_expect_eq(stats_of(bench.device[0]).stale, COUNT_OF(bases) * 64);
	cr_expect_eq(bounce_mapping_find(NULL, (bounce_bus_t) { 0 }, &found),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_mapping_find(bench.queue[0], (bounce_bus_t) { 0 },
					 NULL),
		     BOUNCE_ERR_ARG);
	bench_fini(&bench);
}

/* Slabs that nobody grew, that the window leaves out, or that are not there. */
Test(find, nothing_in_slabs_that_the_device_does_not_see)
{
	struct bench bench;
	struct bench_knobs knobs = two_devices();
	struct bounce_window first = { .len = 0 };
	struct bounce_device_info info = knobs.info;
	struct bounce_device *device;
	struct bounce_space *narrow;
	struct bounce_mapping mapping;

	knobs.slabs = 3;
	knobs.grown = 2;
	knobs.more_spaces = 1;
	knobs.more_devices = 1;
	bench_init(&bench, &knobs);
	first.gpa = bench_slab_gpa(&bench, 0);
	first.bus.v = first.gpa.v;
	first.len = bench.slab_bytes;
	cr_assert_eq(bounce_space_init(bench.bounce, bench.pool, &narrow),
		     BOUNCE_OK);
	cr_assert_eq(bounce_space_add_window(narrow, &first), BOUNCE_OK);
	info.space = narrow;
	cr_assert_eq(bounce_device_attach(bench.bounce, &info, &device, NULL),
		     BOUNCE_OK);
	mapping = map_ok(bounce_device_queue(device, 0),
			 bench_buf(&bench, 0, 5000), BOUNCE_TO_DEVICE);
	for (uint32_t i = 1; i < 3; i++) {
		expect_none(bounce_device_queue(device, 0),
			    bench_slab_gpa(&bench, i).v);
		expect_none(bench.queue[0],
			    bench_slab_gpa(&bench, i).v + knobs.shift);
	}
	cr_expect(find(bounce_device_queue(device, 0), mapping.bus.v + 4999,
		       &(struct bounce_mapping) { .key = 0 }));
	unmap_ok(bounce_device_queue(device, 0), &mapping, 0);
	cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	cr_expect_eq(bounce_space_fini(narrow), BOUNCE_OK);
	bench_fini(&bench);
}

/* ---- against a list that is searched from end to end ---- */

struct entry {
	struct bounce_mapping mapping;
	uint32_t device;
	bool live;
};

static void compare(const struct bench *bench, const struct entry *entry,
		    uint64_t bus, uint32_t device)
{
	struct bounce_mapping found;
	bool got = find(bench->queue[device], bus, &found);
	const struct entry *want = NULL;

	for (uint32_t i = 0; i < MOST; i++)
		if (entry[i].live && entry[i].device == device &&
		    bus - entry[i].mapping.bus.v < entry[i].mapping.len)
			want = &entry[i];
	cr_assert_eq(got, want != NULL, "%#lx", bus);
	if (got)
		cr_assert(same_handle(&found, &want->mapping));
}

static void toggle(const struct bench *bench, struct entry *entry,
		   uint64_t *random)
{
	static const uint64_t most[] = { 200, 4096, 40000 };
	uint64_t len = 1 + bench_below(random, most[bench_below(random, 3)]);
	struct bounce_buf buf = bench_buf(bench, bench_below(random, 64), len);

	if (entry->live) {
		unmap_ok(bench->queue[entry->device], &entry->mapping, 0);
		entry->live = false;
		return;
	}
	entry->device = (uint32_t)bench_below(random, 2);
	entry->live = bounce_map(bench->queue[entry->device], &buf,
				 BOUNCE_FROM_DEVICE,
				 &entry->mapping) == BOUNCE_OK;
}

Test(find, agrees_with_a_search_of_all_live_mappings)
{
	struct bench bench;
	struct bench_knobs knobs = two_devices();
	struct entry entry[MOST] = { 0 };
	uint64_t random = 5;

	knobs.slabs = 2;
	knobs.grown = 2;
	knobs.chunks = 1;
	bench_init(&bench, &knobs);
	for (int step = 0; step < 2000; step++) {
		struct entry *e = &entry[bench_below(&random, MOST)];
		uint64_t near = e->mapping.bus.v;

		toggle(&bench, e, &random);
		for (uint32_t device = 0; device < 2; device++) {
			compare(&bench, entry, near, device);
			compare(&bench, entry, e->mapping.bus.v - 1, device);
			compare(&bench, entry,
				e->mapping.bus.v + e->mapping.len, device);
			compare(&bench, entry,
				knobs.gpa + knobs.shift +
					bench_below(&random,
						    2 * bench.slab_bytes),
				device);
		}
	}
	for (uint32_t i = 0; i < MOST; i++)
		if (entry[i].live)
			toggle(&bench, &entry[i], &random);
	bench_fini(&bench);
}
