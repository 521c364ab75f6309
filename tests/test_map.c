/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_map.c - bounce_map(): every error of map.h, and how small requests share
 * slots.
 *
 * What the device sees and what comes back is in test_bytes.c, unmap's lengths
 * in test_unmap.c, addresses in test_address.c, handles in test_handle.c, syncs
 * in test_sync.c, born-shared memory in test_shared.c, DIRECT verdicts in
 * test_direct.c.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "instance.h"
#include "model.h"
#include "support.h"

#define FROM BOUNCE_FROM_DEVICE
#define TO BOUNCE_TO_DEVICE
#define BOTH BOUNCE_BIDIRECTIONAL

static uint64_t slots_free(const struct bench *bench)
{
	struct bounce_pool_stats stats;

	bounce_pool_stats(bench->pool, &stats);
	return stats.slots_free;
}

static struct bounce_mapping map_ok(struct bounce_queue *queue,
				    const struct bounce_buf *buf, uint32_t how)
{
	struct bounce_mapping handle;

	memset(&handle, 0xcc, sizeof(handle));
	cr_assert_eq(bounce_map(queue, buf, how, &handle), BOUNCE_OK,
		     "%lu bytes", buf->len);
	cr_assert_eq(handle.len, buf->len);
	cr_assert_eq(handle.reserved, 0);
	return handle;
}

/* A device is bound at its first mapping: get that over with. */
static void bind(const struct bench *bench)
{
	const struct bounce_buf buf = bench_buf(bench, 0, 4096);
	struct bounce_mapping handle = map_ok(bench->queue[0], &buf, FROM);

	cr_assert_eq(bounce_unmap(bench->queue[0], &handle, 0), BOUNCE_OK);
}

static bool all_bytes(const unsigned char *at, uint64_t len, unsigned char byte)
{
	for (uint64_t i = 0; i < len; i++)
		if (at[i] != byte)
			return false;
	return true;
}

/* ---- bounce_map(): errors ---- */

Test(map, every_bad_argument_is_refused_and_nothing_changes)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct bounce_buf buf;
	struct bounce_buf bad;
	struct picture before;
	unsigned char own[64];

	bench_init(&bench, &knobs);
	bind(&bench);
	buf = bench_buf(&bench, 0, 64);
	memset(&handle, 0xcc, sizeof(handle));
	before = picture_take(&bench);
	cr_expect_eq(bounce_map(NULL, &buf, TO, &handle), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_map(bench.queue[0], NULL, TO, &handle),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_map(bench.queue[0], &buf, TO, NULL),
		     BOUNCE_ERR_ARG);
	bad = buf;
	bad.len = 0;
	cr_expect_eq(bounce_map(bench.queue[0], &bad, TO, &handle),
		     BOUNCE_ERR_ARG, "no bytes");
	bad = buf;
	bad.gpa.v = UINT64_MAX;
	bad.ptr = own;
	cr_expect_eq(bounce_map(bench.queue[0], &bad, TO, &handle),
		     BOUNCE_ERR_ARG, "gpa wraps");
	bad = buf;
	bad.ptr = (unsigned char *)UINTPTR_MAX - 10;
	cr_expect_eq(bounce_map(bench.queue[0], &bad, TO, &handle),
		     BOUNCE_ERR_ARG, "pointer wraps");
	bad = buf;
	bad.gpa.v = 0x1000;
	cr_expect_eq(bounce_map(bench.queue[0], &bad, TO, &handle),
		     BOUNCE_ERR_ARG, "no pointer, not in the linear map");
	bad = bench_buf(&bench, knobs.private_bytes - 63, 64);
	cr_expect_eq(bounce_map(bench.queue[0], &bad, TO, &handle),
		     BOUNCE_ERR_ARG, "its last byte is not in the linear map");
	cr_expect(picture_same(&before));
	picture_drop(&before);
	cr_expect(all_bytes((unsigned char *)&handle, sizeof(handle), 0xcc));
	bench_fini(&bench);
}

Test(map, the_last_byte_of_the_address_space_is_no_wrap)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	unsigned char own[64] = { 1 };
	const struct bounce_buf buf = { .gpa = { UINT64_MAX - 63 },
					.ptr = own,
					.len = 64 };

	bench_init(&bench, &knobs);
	handle = map_ok(bench.queue[0], &buf, TO);
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 0), BOUNCE_OK);
	bench_fini(&bench);
}

Test(map, only_the_named_bits_and_combinations_of_how_are_taken)
{
	const uint32_t good[] = { TO, FROM, BOTH, FROM | BOUNCE_ZERO,
				  FROM | BOUNCE_PRESERVE };
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct bounce_buf buf;

	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 64);
	for (uint32_t how = 0; how < 64; how++) {
		bool ok = false;
		enum bounce_err err = bounce_map(bench.queue[0], &buf, how,
						 &handle);

		for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
			ok |= (how & ~(uint32_t)BOUNCE_URGENT) == good[i];
		cr_expect_eq(err, ok ? BOUNCE_OK : BOUNCE_ERR_ARG, "how %u",
			     how);
		if (err == BOUNCE_OK)
			cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 0),
				     BOUNCE_OK);
	}
	for (unsigned bit = 5; bit < 32; bit++)
		cr_expect_eq(bounce_map(bench.queue[0], &buf,
					TO | UINT32_C(1) << bit, &handle),
			     BOUNCE_ERR_ARG, "bit %u", bit);
	bench_fini(&bench);
}

Test(map, above_map_max_it_never_will_fit)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	uint64_t max;

	bench_init(&bench, &knobs);
	max = bounce_map_max(bench.device[0]);
	cr_assert_eq(max, bench.slab_bytes);
	/* The buffers begin behind the arena, where nobody looks. */
	for (unsigned bit = 0; bit < 46; bit++) {
		const struct bounce_buf buf = {
			.gpa = { UINT64_C(1) << 50 },
			.ptr = bench_private(&bench, 0),
			.len = max + (UINT64_C(1) << bit),
		};

		cr_expect_eq(bounce_map(bench.queue[0], &buf, TO, &handle),
			     BOUNCE_ERR_RANGE, "max + 2^%u", bit);
	}
	cr_expect_eq(slots_free(&bench), 256);
	bench_fini(&bench);
}

Test(map, a_full_pool_says_full_until_something_is_unmapped)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle[64];
	struct bounce_mapping more;
	struct bounce_buf buf;

	knobs.chunks = 1;
	knobs.blocks = 0;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 4096);
	for (int i = 0; i < 64; i++)
		handle[i] = map_ok(bench.queue[0], &buf, TO);
	memset(&more, 0xcc, sizeof(more));
	for (int i = 0; i < 3; i++)
		cr_expect_eq(bounce_map(bench.queue[0], &buf, TO, &more),
			     BOUNCE_ERR_FULL);
	cr_expect(all_bytes((unsigned char *)&more, sizeof(more), 0xcc));
	cr_expect(bounce_valid(bench.bounce));
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle[31], 0), BOUNCE_OK);
	handle[31] = map_ok(bench.queue[0], &buf, TO);
	for (int i = 0; i < 64; i++)
		cr_expect_eq(bounce_unmap(bench.queue[0], &handle[i], 0),
			     BOUNCE_OK);
	cr_expect_eq(slots_free(&bench), 64);
	bench_fini(&bench);
}

Test(map, room_without_a_run_is_fragmented)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle[64];
	struct bounce_mapping more;
	struct bounce_buf buf;

	knobs.chunks = 1;
	knobs.blocks = 0;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 4096);
	for (int i = 0; i < 64; i++)
		handle[i] = map_ok(bench.queue[0], &buf, TO);
	for (int i = 0; i < 64; i += 2)
		cr_assert_eq(bounce_unmap(bench.queue[0], &handle[i], 0),
			     BOUNCE_OK);
	buf = bench_buf(&bench, 0, 8192);
	cr_expect_eq(bounce_map(bench.queue[0], &buf, TO, &more),
		     BOUNCE_ERR_FRAGMENTED);
	buf = bench_buf(&bench, 0, 33 * 4096);
	cr_expect_eq(bounce_map(bench.queue[0], &buf, TO, &more),
		     BOUNCE_ERR_FULL, "33 of 32 slots");
	for (int i = 1; i < 64; i += 2)
		cr_assert_eq(bounce_unmap(bench.queue[0], &handle[i], 0),
			     BOUNCE_OK);
	bench_fini(&bench);
}

Test(map, a_refused_device_and_a_dead_instance_map_nothing)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping live;
	struct bounce_mapping none;
	struct bounce_buf buf;
	struct picture before;

	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 64);
	live = map_ok(bench.queue[0], &buf, FROM);
	bounce_mark_dead(bench.bounce);
	before = picture_take(&bench);
	cr_expect_eq(bounce_map(bench.queue[0], &buf, TO, &none),
		     BOUNCE_ERR_DEAD);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	atomic_store_explicit(&bench.bounce->dead, 0, memory_order_relaxed);
	bounce_device_features_rejected(bench.device[0]);
	cr_expect_eq(bounce_map(bench.queue[0], &buf, TO, &none),
		     BOUNCE_ERR_REFUSED);
	cr_expect_eq(bounce_unmap(bench.queue[0], &live, 64), BOUNCE_OK);
	bench_fini(&bench);
}

/* No slab is left, or none where the device looks: nothing to retry. */
Test(map, a_pool_without_slabs_in_reach_is_unreachable)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_verdict verdict;
	struct bounce_mapping none;
	struct bounce_buf buf;

	knobs.slabs = 2;
	knobs.grown = 2;
	knobs.info.dma_mask = 0x7fffffff;
	knobs.gpa = 0x80000000 - 4 * BOUNCE_CHUNK_BYTES;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 64);
	cr_assert_eq(bench_retire(&bench, 0), BOUNCE_OK);
	/* Slab 1 lies above the mask. */
	cr_expect_eq(bounce_map(bench.queue[0], &buf, TO, &none),
		     BOUNCE_ERR_UNREACHABLE);
	cr_expect_eq(bounce_alloc(bench.queue[0], 64, 0, 0, &buf, &none),
		     BOUNCE_ERR_UNREACHABLE);
	bounce_device_verdict(bench.device[0], &verdict);
	cr_expect_eq(verdict.reason, BOUNCE_WHY_NO_POOL, "and that says why");
	cr_assert_eq(bench_grow(&bench, 0), BOUNCE_OK);
	none = map_ok(bench.queue[0], &buf, TO);
	cr_expect_lt(none.bus.v, 0x80000000);
	cr_expect_eq(bounce_unmap(bench.queue[0], &none, 0), BOUNCE_OK);
	bench_fini(&bench);
}

/* A buffer that is partly in a slab (the rest is in test_shared.c). */
Test(map, a_buffer_across_the_edge_of_a_pool_is_refused)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping none;
	struct bounce_buf buf;
	struct picture before;
	static unsigned char own[8192];

	bench_init(&bench, &knobs);
	bind(&bench);
	before = picture_take(&bench);
	buf = (struct bounce_buf) {
		.gpa = { bench_slab_gpa(&bench, 0).v - 1 },
		.ptr = own,
		.len = 2,
	};
	cr_expect_eq(bounce_map(bench.queue[0], &buf, FROM, &none),
		     BOUNCE_ERR_ARG, "into its first byte");
	buf.gpa.v = bench_private_gpa(&bench, 0).v - 1;
	cr_expect_eq(bounce_map(bench.queue[0], &buf, FROM, &none),
		     BOUNCE_ERR_ARG, "out of its last byte");
	cr_expect(picture_same(&before));
	picture_drop(&before);
	buf.gpa.v = bench_slab_gpa(&bench, 0).v - 2;
	none = map_ok(bench.queue[0], &buf, FROM);
	cr_expect_eq(bounce_unmap(bench.queue[0], &none, 0), BOUNCE_OK);
	buf.gpa.v = bench_private_gpa(&bench, 0).v;
	none = map_ok(bench.queue[0], &buf, FROM);
	cr_expect_eq(bounce_unmap(bench.queue[0], &none, 0), BOUNCE_OK);
	bench_fini(&bench);
}

/* ---- sharing of slots, and small requests ---- */

Test(granules, small_requests_of_one_owner_share_a_slot)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle[64];
	struct bounce_buf buf;

	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 16);
	for (int i = 0; i < 64; i++)
		handle[i] = map_ok(bench.queue[0], &buf, TO);
	cr_expect_eq(slots_free(&bench), 255, "64 of them in one slot");
	for (int i = 0; i < 64; i++)
		for (int j = 0; j < i; j++)
			cr_assert(handle[i].bus.v >= handle[j].bus.v + 64 ||
				  handle[j].bus.v >= handle[i].bus.v + 64);
	for (int i = 0; i < 64; i++)
		cr_expect_eq(bounce_unmap(bench.queue[0], &handle[i], 0),
			     BOUNCE_OK);
	bench_fini(&bench);
}

Test(granules, two_owners_never_share_a_slot)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle[2][32];
	struct bounce_buf buf;

	knobs.devices = 2;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 64);
	for (int i = 0; i < 32; i++)
		for (int j = 0; j < 2; j++)
			handle[j][i] = map_ok(bench.queue[j], &buf, TO);
	for (int i = 0; i < 32; i++)
		for (int j = 0; j < 32; j++)
			cr_assert_neq(handle[0][i].bus.v >> 12,
				      handle[1][j].bus.v >> 12);
	for (int i = 0; i < 32; i++)
		for (int j = 0; j < 2; j++)
			cr_expect_eq(bounce_unmap(bench.queue[j], &handle[j][i],
						  0),
				     BOUNCE_OK);
	bench_fini(&bench);
}

Test(granules, when_the_blocks_are_used_up_a_small_request_takes_a_slot)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle[66];
	struct bounce_buf buf;

	knobs.blocks = 1;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 64);
	for (int i = 0; i < 66; i++)
		handle[i] = map_ok(bench.queue[0], &buf, TO);
	cr_expect_eq(slots_free(&bench), 256 - 3);
	for (int i = 0; i < 66; i++)
		cr_expect_eq(bounce_unmap(bench.queue[0], &handle[i], 0),
			     BOUNCE_OK);
	bench_fini(&bench);
}

Test(granules, an_empty_split_slot_is_given_back_when_room_is_needed)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct bounce_buf buf;

	knobs.chunks = 1;
	knobs.private_bytes = 512 * 1024;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 64);
	handle = map_ok(bench.queue[0], &buf, TO);
	cr_assert_eq(bounce_unmap(bench.queue[0], &handle, 0), BOUNCE_OK);
	buf = bench_buf(&bench, 0, BOUNCE_CHUNK_BYTES);
	handle = map_ok(bench.queue[0], &buf, TO);
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 0), BOUNCE_OK);
	bench_fini(&bench);
}

Test(granules, an_empty_split_slot_of_another_owner_is_split_anew)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct bounce_buf buf;

	knobs.devices = 2;
	knobs.blocks = 1;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 64);
	for (int i = 0; i < 4; i++) {
		handle = map_ok(bench.queue[i % 2], &buf, FROM);
		cr_expect_geq(handle.record, bench.bounce->first_block_record,
			      "round %d took a whole slot", i);
		cr_assert_eq(bounce_unmap(bench.queue[i % 2], &handle, 0),
			     BOUNCE_OK);
	}
	bench_fini(&bench);
}

Test(map, a_buffer_between_two_slabs_is_a_buffer_like_others)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct bounce_buf buf;
	unsigned char *shared;

	knobs.slabs = 3;
	knobs.grown = 1;
	bench_init(&bench, &knobs);
	cr_assert_eq(bench_grow(&bench, 2), BOUNCE_OK);
	buf = (struct bounce_buf) { .gpa = bench_slab_gpa(&bench, 1),
				    .len = 3 };
	memset(fake_machine_pointer(&bench.machine, buf.gpa.v, 3), 0x42, 3);
	cr_assert_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE,
				&handle),
		     BOUNCE_OK);
	cr_expect_neq(handle.bus.v, buf.gpa.v);
	shared = bench_at_bus(&bench, handle.bus, 3);
	cr_expect_arr_eq(shared, "\x42\x42\x42", 3);
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 0), BOUNCE_OK);
	bench_fini(&bench);
}
