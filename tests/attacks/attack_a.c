/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * attack_a.c - A: private bytes that a hostile host would like to see. Each
 * suite is an attack of docs/threats.md. (A15 is in attack_copy.c.)
 *
 * Every private byte is odd, so that the scene's scan of all shared pages finds
 * a single one that nobody was asked to show.
 */
#include <sys/mman.h>

#include "calls.h"
#include "scene.h"

enum {
	LONGEST = 130,
	PAGE = 4096
};

static const uint64_t lens[] = { 1,    16,   63,   64,	 65,   100,
				 2048, 2049, 4095, 4096, 4097, 10000 };

/* Around all edges, and at some alignment. */
static void each_length(struct scene *scene, uint32_t how, bool report)
{
	for (size_t i = 0; i < COUNT_OF(lens); i++) {
		struct model_mapping *mapping = scene_map(
			scene, &(struct scene_wish) { .how = how,
						      .at = 17 * i,
						      .len = lens[i] });

		(void)scene_unmap(scene, mapping, report ? lens[i] : 0);
	}
}

Test(a01, a_device_reads_the_slot_of_a_receive_buffer_full_of_secrets)
{
	struct bench_knobs knobs = scene_usual();
	struct scene scene;

	scene_init(&scene, &knobs);
	each_length(&scene, BOUNCE_FROM_DEVICE, false);
	each_length(&scene, BOUNCE_FROM_DEVICE | BOUNCE_ZERO, false);
	each_length(&scene, BOUNCE_FROM_DEVICE, true);
	scene_fini(&scene);
}

Test(a02, a_device_reads_the_tail_of_a_slot)
{
	struct bench_knobs knobs = scene_usual();
	struct scene scene;

	scene_init(&scene, &knobs);
	each_length(&scene, BOUNCE_TO_DEVICE, false);
	each_length(&scene, BOUNCE_BIDIRECTIONAL, true);
	scene_fini(&scene);
}

Test(a03, a_device_reads_the_head_that_an_alignment_needs)
{
	static const uint64_t match[] = { 0x3f, 0x1ff, 0xfff, 0x3fff };
	static const uint64_t align[] = { 0, 0x3ff, 0x1fff };

	for (unsigned i = 0; i < 12; i++) {
		struct bench_knobs knobs = scene_usual();
		struct scene scene;

		knobs.info.min_align_mask = match[i / 3];
		knobs.info.alloc_align_mask = align[i % 3];
		scene_init(&scene, &knobs);
		each_length(&scene, BOUNCE_TO_DEVICE, false);
		each_length(&scene, BOUNCE_FROM_DEVICE, true);
		scene_fini(&scene);
	}
}

/* Device 0 sends secrets, which stay in the slot; then device 1 is next. */
static void two_tenants(struct scene *scene, uint64_t first, uint64_t second,
			uint32_t how)
{
	struct scene_wish wish = { .how = BOUNCE_TO_DEVICE, .len = first };
	struct model_mapping *mapping = scene_map(scene, &wish);

	(void)scene_unmap(scene, mapping, 0);
	wish = (struct scene_wish) {
		.device = 1,
		.how = how,
		.at = 32 * 1024,
		.len = second,
	};
	mapping = scene_map(scene, &wish);
	(void)scene_unmap(scene, mapping,
			  (how & BOUNCE_FROM_DEVICE) != 0 ? second : 0);
}

Test(a04, a_device_reads_what_the_last_tenant_left_in_the_slot)
{
	static const uint32_t hows[] = { BOUNCE_TO_DEVICE, BOUNCE_FROM_DEVICE,
					 BOUNCE_BIDIRECTIONAL };
	struct bench_knobs knobs = scene_usual();
	struct scene scene;

	knobs.devices = 2;
	scene_init(&scene, &knobs);
	scene.calm = true; /* or the device would cover the traces */
	for (size_t i = 0; i < COUNT_OF(lens); i++)
		for (size_t j = 0; j < COUNT_OF(lens); j++)
			two_tenants(&scene, lens[i], lens[j],
				    hows[(i + j) % COUNT_OF(hows)]);
	scene_fini(&scene);
}

Test(a05, small_requests_of_two_owners_never_share_a_slot)
{
	struct bench_knobs knobs = scene_usual();
	struct model_mapping *mapping[16];
	struct scene scene;

	knobs.devices = 2;
	scene_init(&scene, &knobs);
	scene.calm = true;
	for (uint32_t i = 0; i < 16; i++)
		mapping[i] = scene_map(
			&scene, &(struct scene_wish) { .device = i % 2,
						       .how = BOUNCE_TO_DEVICE,
						       .at = 64 * i,
						       .len = 16 });
	for (uint32_t i = 0; i < 256; i++)
		cr_expect(i / 16 % 2 == i % 2 ||
				  mapping[i / 16]->shared_at / PAGE !=
					  mapping[i % 16]->shared_at / PAGE,
			  "%u and %u", i / 16, i % 16);
	for (uint32_t i = 0; i < 16; i++)
		(void)scene_unmap(&scene, mapping[i], 0);
	scene_fini(&scene);
}

Test(a06, memory_that_is_given_to_a_pool_holds_secrets)
{
	static const uint8_t contents[] = { BOUNCE_CONTENTS_KEPT,
					    BOUNCE_CONTENTS_ZERO,
					    BOUNCE_CONTENTS_UNDEFINED };

	for (unsigned i = 0; i < 6; i++) {
		struct bench_knobs knobs = scene_usual();
		struct bench bench;

		knobs.devices = 0;
		bench_power_on(&bench, &knobs);
		bench.machine.arch.contents = contents[i % 3];
		bench.machine.arch.granule_shift = i < 3 ? 12 : 16;
		bench.machine.tables = contents[i % 3] ==
				       BOUNCE_CONTENTS_UNDEFINED;
		bench_set_up(&bench);
		cr_expect_eq(bench.machine.wrong.secrets, 0);
		cr_expect_not(fake_device_sees_secret(&bench.host));
		bench_fini(&bench);
	}
}

/* A neighbour would be shared with the pool's first or last granule. */
static void misaligned(uint8_t shift)
{
	struct bench_knobs knobs = scene_usual();
	uint64_t granule = UINT64_C(1) << shift;
	struct picture picture;
	struct bench bench;

	knobs.grown = 0;
	knobs.devices = 0;
	bench_power_on(&bench, &knobs);
	bench.machine.arch.granule_shift = shift;
	bench_set_up(&bench);
	picture = picture_take(&bench);
	for (uint64_t off = 1; off < granule; off += 1 + off / 3) {
		bounce_gpa_t gpa = { bench_slab_gpa(&bench, 0).v + off };

		cr_expect_eq(bounce_pool_grow(bench.pool, gpa,
					      bench.slab_bytes),
			     BOUNCE_ERR_ARG, "%lu", off);
		gpa = bench_slab_gpa(&bench, 0);
		cr_expect_eq(bounce_pool_grow(bench.pool, gpa,
					      bench.slab_bytes - off),
			     BOUNCE_ERR_ARG, "%lu", off);
	}
	cr_expect(picture_same(&picture));
	picture_drop(&picture);
	cr_expect_eq(bench.machine.calls[FAKE_SHARE], 0);
	bench_fini(&bench);
}

Test(a07, a_pool_that_is_not_whole_granules_would_share_its_neighbours)
{
	misaligned(12);
	misaligned(16);
}

Test(a08, of_a_granule_larger_than_a_slot_nothing_but_the_slab_is_shared)
{
	struct bench_knobs knobs = scene_usual();
	struct bench bench;

	knobs.slabs = 2;
	knobs.devices = 0;
	bench_power_on(&bench, &knobs);
	bench.machine.arch.granule_shift = 16;
	bench_set_up(&bench);
	cr_expect_eq(fake_machine_shared_bytes(&bench.machine),
		     bench.slab_bytes);
	for (uint64_t at = 0; at < bench.machine.bytes; at += PAGE)
		cr_expect_eq(fake_machine_is_shared(&bench.machine,
						    knobs.gpa + at),
			     at < bench.slab_bytes);
	cr_expect(all_bytes_are(bench.machine.memory + bench.slab_bytes,
				FAKE_SECRET,
				bench.machine.bytes - bench.slab_bytes));
	bench_fini(&bench);
}

/* Offsets and lengths that are worth a try in a mapping of @len bytes. */
static const uint64_t parts[] = {
	0,
	1,
	2,
	63,
	64,
	99,
	100,
	101,
	4095,
	4096,
	4999,
	5000,
	5001,
	UINT32_MAX,
	UINT64_C(1) << 32,
	INT64_MAX,
	UINT64_MAX,
	UINT64_MAX - 99,
	UINT64_MAX - 4999,
};

static void sync_grid(uint64_t len, uint32_t how)
{
	struct bench_knobs knobs = scene_usual();
	struct model_mapping *mapping;
	struct scene scene;

	knobs.private_bytes = 16 * 1024;
	scene_init(&scene, &knobs);
	mapping = scene_map(&scene, &(struct scene_wish) {
					    .how = how, .at = 3, .len = len });
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		for (size_t j = 0; j < 2 * COUNT_OF(parts); j++) {
			uint64_t off = parts[i];
			uint64_t count = parts[j / 2];
			bool good =
				off < len && count != 0 && count <= len - off &&
				(how & (j % 2 != 0 ? BOUNCE_FROM_DEVICE :
						     BOUNCE_TO_DEVICE)) != 0;

			cr_expect_eq(scene_sync(&scene, mapping, off, count,
						j % 2 != 0) == BOUNCE_OK,
				     good, "%lu bytes at %lu", count, off);
		}
	(void)scene_unmap(&scene, mapping, 0);
	scene_fini(&scene);
}

Test(a09, a_partial_sync_shows_exactly_its_part)
{
	sync_grid(100, BOUNCE_TO_DEVICE);
	sync_grid(5000, BOUNCE_BIDIRECTIONAL);
}

Test(a10, a_sync_beyond_the_mapping_or_past_2_to_the_64_shows_nothing)
{
	sync_grid(1, BOUNCE_BIDIRECTIONAL);
	sync_grid(4096, BOUNCE_TO_DEVICE);
}

Test(a11, a_sync_or_unmap_in_the_wrong_direction_copies_nothing)
{
	struct bench_knobs knobs = scene_usual();
	struct model_mapping *mapping;
	struct scene scene;

	sync_grid(100, BOUNCE_FROM_DEVICE);
	sync_grid(5000, BOUNCE_FROM_DEVICE | BOUNCE_ZERO);
	scene_init(&scene, &knobs);
	mapping = scene_map(&scene,
			    &(struct scene_wish) { .how = BOUNCE_TO_DEVICE,
						   .len = 500 });
	cr_expect_eq(scene_unmap(&scene, mapping, 1), BOUNCE_ERR_LENGTH);
	scene_fini(&scene);
}

/* So many slots are left for a list of five. */
static void list_fails_at(uint32_t n)
{
	struct bench_knobs knobs = scene_usual();
	struct model_mapping *held;
	struct bounce_segment segment[5];
	struct scene scene;

	scene_init(&scene, &knobs);
	scene.calm = true;
	held = scene_alloc(&scene, 0, (64 - (uint64_t)n) * PAGE);
	for (uint32_t i = 0; i < 5; i++)
		segment[i] = (struct bounce_segment) {
			.buf = bench_buf(&scene.bench, i * PAGE, PAGE),
			.how = BOUNCE_TO_DEVICE,
		};
	cr_expect_eq(bounce_map_sg(scene.bench.queue[0], segment, 5, 0),
		     BOUNCE_ERR_FULL, "segment %u", n);
	scene_look(&scene); /* the model has been told of nothing */
	scene_free(&scene, held);
	scene_fini(&scene);
}

Test(a12, a_list_that_fails_at_any_segment_has_shown_nothing)
{
	for (uint32_t n = 0; n < 5; n++)
		list_fails_at(n);
}

/* ---- A13: pages that trap ---- */

struct guarded {
	unsigned char *all;
	unsigned char *page;
};

static void guarded_begin(struct guarded *guarded)
{
	guarded->all = mmap(NULL, 3 * PAGE, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(guarded->all, MAP_FAILED);
	guarded->page = guarded->all + PAGE;
	cr_assert_eq(mprotect(guarded->page, PAGE, PROT_READ | PROT_WRITE), 0);
}

/* One mapping; each part of it that ends with it, and that begins with it. */
static void each_part(struct bench *bench, unsigned char *ptr, uint64_t len)
{
	const struct bounce_buf buf = {
		.gpa = { (UINT64_C(1) << 45) + (uintptr_t)ptr % PAGE },
		.ptr = ptr,
		.len = len,
	};
	struct bounce_queue *queue = bench->queue[0];
	struct bounce_mapping handle = map_ok(queue, buf, BOUNCE_BIDIRECTIONAL);

	for (uint64_t i = 0; i < len; i++) {
		cr_assert_eq(bounce_sync_for_device(queue, &handle, i, len - i),
			     BOUNCE_OK);
		cr_assert_eq(bounce_sync_for_cpu(queue, &handle, i, len - i),
			     BOUNCE_OK);
		cr_assert_eq(bounce_sync_for_device(queue, &handle, 0, i + 1),
			     BOUNCE_OK);
		cr_assert_eq(bounce_sync_for_cpu(queue, &handle, 0, i + 1),
			     BOUNCE_OK);
	}
	unmap_ok(queue, &handle, len);
}

Test(a13, no_copy_reads_or_writes_a_byte_beside_its_own_at_any_alignment)
{
	struct bench_knobs knobs = scene_usual();
	struct bounce_mapping none;
	struct guarded guarded;
	struct bounce_buf buf;
	struct bench bench;

	bench_init(&bench, &knobs);
	guarded_begin(&guarded);
	buf = (struct bounce_buf) { .gpa = { PAGE },
				    .ptr = guarded.page + PAGE };
	cr_expect_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE, &none),
		     BOUNCE_ERR_ARG, "no bytes");
	for (uint64_t len = 1; len <= LONGEST; len++) {
		each_part(&bench, guarded.page + PAGE - len, len);
		each_part(&bench, guarded.page, len);
	}
	munmap(guarded.all, 3 * PAGE);
	bench_fini(&bench);
}

/* ---- A14, A16: what is, and what is not, in shared memory ---- */

/* Buffers of zeros: whatever is not zero then, is about something. */
static void every_kind_of_call(struct bench *bench)
{
	struct bounce_queue *queue = bench->queue[0];
	struct bounce_segment segment[4];
	struct bounce_mapping handle;
	struct born born;

	for (size_t i = 0; i < COUNT_OF(lens); i++) {
		handle = map_ok(queue, bench_buf(bench, 0, lens[i]),
				BOUNCE_BIDIRECTIONAL);
		cr_assert_eq(bounce_sync_for_device(queue, &handle, 0, 1),
			     BOUNCE_OK);
		unmap_ok(queue, &handle, lens[i]);
	}
	for (uint32_t i = 0; i < 4; i++)
		segment[i] = (struct bounce_segment) {
			.buf = bench_buf(bench, 3000 * i, 1 + 900 * i),
			.how = i < 2 ? BOUNCE_TO_DEVICE : BOUNCE_FROM_DEVICE,
		};
	cr_assert_eq(bounce_map_sg(queue, segment, 4, BOUNCE_SG_JOIN),
		     BOUNCE_OK);
	cr_assert_eq(bounce_unmap_sg(queue, segment, 4, 7), BOUNCE_OK);
	born = alloc_ok(queue, 5000);
	handle = map_ok(queue, born.buf, BOUNCE_TO_DEVICE);
	unmap_ok(queue, &handle, 0);
	free_ok(queue, &born);
	born = reserve_ok(queue, 9000);
	cr_assert_eq(bounce_commit(queue, &born.handle, 100), BOUNCE_OK);
	unmap_ok(queue, &born.handle, 0);
}

Test(a14, no_pointer_key_or_generation_is_ever_in_shared_memory)
{
	struct bench_knobs knobs = scene_usual();
	struct bench bench;

	bench_init(&bench, &knobs);
	memset(bench_private(&bench, 0), 0, knobs.private_bytes);
	for (int round = 0; round < 3; round++)
		every_kind_of_call(&bench);
	cr_expect_eq(fake_device_count(&bench.host, 0), bench.slab_bytes);
	bench_fini(&bench);
}

/* The slab cannot be touched: whoever reads a decision from it, dies. */
static void slab_access(const struct bench *bench, int access)
{
	cr_assert_eq(mprotect(bench->machine.memory, bench->slab_bytes, access),
		     0);
}

static void calls_that_decide(struct bench *bench,
			      const struct bounce_mapping *live)
{
	struct bounce_queue *queue = bench->queue[0];
	struct bounce_buf buf = bench_buf(bench, 0, bench->slab_bytes + 1);
	struct bounce_mapping other = *live;
	struct bounce_device_stats stats;
	struct bounce_range range[4];

	other.key ^= 1;
	cr_expect_eq(bounce_unmap(queue, &other, 1), BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_sync_for_cpu(queue, live, 4000, 4000),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_mapping_find(queue, live->bus, &other), BOUNCE_OK);
	cr_expect(same_handle(live, &other));
	cr_expect(bounce_mapping_valid(queue, live));
	cr_expect_eq(bounce_map(queue, &buf, BOUNCE_TO_DEVICE, &other),
		     BOUNCE_ERR_RANGE);
	cr_expect_eq(bounce_ranges(bench->bounce, range, 4), 1);
	bounce_device_stats(bench->device[0], &stats);
	cr_expect_eq(stats.maps, 3);
	cr_expect(bounce_valid(bench->bounce));
	cr_expect_eq(slots_free(bench), 61);
}

Test(a16, nothing_but_payload_is_read_or_written_in_shared_memory)
{
	struct bench_knobs knobs = scene_usual();
	struct bounce_mapping handle[3];
	struct bench bench;

	knobs.private_bytes = 512 * 1024;
	bench_init(&bench, &knobs);
	for (unsigned i = 0; i < 3; i++)
		handle[i] = map_ok(bench.queue[0],
				   bench_buf(&bench, 8192 * i, 4000),
				   BOUNCE_BIDIRECTIONAL);
	slab_access(&bench, PROT_NONE);
	calls_that_decide(&bench, &handle[1]);
	unmap_ok(bench.queue[0], &handle[0], 0);
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle[1], 4001),
		     BOUNCE_ERR_LENGTH);
	bounce_device_revoke(bench.device[0]);
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle[2], 4000),
		     BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_device_quiesced(bench.device[0]), BOUNCE_OK);
	slab_access(&bench, PROT_READ | PROT_WRITE);
	bench_fini(&bench);
}

Test(a17, a_part_that_comes_back_shows_no_byte_anew)
{
	struct bench_knobs knobs = scene_usual();
	struct model_mapping *mapping;
	struct scene scene;

	scene_init(&scene, &knobs);
	mapping = scene_map(&scene,
			    &(struct scene_wish) { .how = BOUNCE_BIDIRECTIONAL,
						   .len = 3000 });
	for (uint64_t off = 0; off < 2900; off += 97) {
		/* New secrets, which only the next part is to show. */
		model_secret(&scene.model, mapping->private_at, mapping->len);
		cr_expect_eq(scene_sync(&scene, mapping, off, 90, true),
			     BOUNCE_OK);
		cr_expect_eq(scene_sync(&scene, mapping, off + 10, 20, false),
			     BOUNCE_OK);
	}
	(void)scene_unmap(&scene, mapping, 1500);
	scene_fini(&scene);
}

/* What the CPU computes beyond the check is 0: hidden from the compiler, which
 * knows that the index was checked. */
Test(a18, an_index_past_its_bound_is_0_even_where_the_check_has_passed)
{
	for (uint64_t limit = 1; limit < 70; limit++)
		for (uint64_t i = 0; i < 200; i++) {
			volatile uint64_t speculated = i;
			uint64_t masked = bounce_index_nospec(speculated,
							      limit);

			cr_assert_eq(masked, i < limit ? i : 0);
		}
	for (unsigned bit = 0; bit < 63; bit++) {
		uint64_t power = UINT64_C(1) << bit;

		cr_expect_eq(bounce_index_nospec(power, power), 0);
		cr_expect_eq(bounce_index_nospec(power - 1, power), power - 1);
		cr_expect_eq(bounce_index_nospec(INT64_MAX, power), 0);
	}
}
