/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_bytes.c - what the device sees after bounce_map(), and what comes back
 * after bounce_unmap(): every byte of the run, and of the buffer (S1, S2;
 * A01 to A05, A12, A14, B03).
 */
#include <criterion/criterion.h>
#include <string.h>

#include "instance.h"
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

/* Bytes that differ from place to place. */
static void write_pattern(unsigned char *to, uint64_t len, uint64_t seed)
{
	for (uint64_t i = 0; i < len; i++)
		to[i] = (unsigned char)((i + seed) * 0x9e3779b1u >> 13);
}

static bool has_pattern(const unsigned char *at, uint64_t len, uint64_t seed)
{
	for (uint64_t i = 0; i < len; i++)
		if (at[i] != (unsigned char)((i + seed) * 0x9e3779b1u >> 13))
			return false;
	return true;
}

static bool all_bytes(const unsigned char *at, uint64_t len, unsigned char byte)
{
	for (uint64_t i = 0; i < len; i++)
		if (at[i] != byte)
			return false;
	return true;
}

/* ---- what the device sees, what comes back ---- */

struct run_bytes {
	unsigned char *data;
	uint64_t head; /* bytes of the run before the data */
	uint64_t tail; /* and behind */
};

static struct run_bytes run_of(const struct bench *bench,
			       const struct bounce_mapping *handle,
			       uint64_t align)
{
	const struct bounce *bounce = bench->bounce;
	struct record_about about = record_unpack(atomic_load_explicit(
		&bounce->record[handle->record].about, memory_order_relaxed));
	uint64_t unit = handle->record < bounce->first_block_record ?
				BOUNCE_SLOT_BYTES :
				BOUNCE_GRANULE_BYTES;
	uint64_t span = bounce_round_up(about.offset + handle->len, align);

	return (struct run_bytes) {
		.data = bench_at_bus(bench, handle->bus, handle->len),
		.head = about.offset,
		.tail = bounce_round_up(span, unit - 1) - about.offset -
			handle->len,
	};
}

static const uint32_t all_hows[] = { TO, FROM, BOTH, FROM | BOUNCE_ZERO,
				     FROM | BOUNCE_PRESERVE };

#define HOWS (sizeof(all_hows) / sizeof(all_hows[0]))

/* What the device sees at once: S1 in one line per direction. */
static bool sees_right(const struct run_bytes *run, uint64_t len, uint32_t how)
{
	if ((how & (TO | BOUNCE_PRESERVE)) != 0)
		return has_pattern(run->data, len, 1);
	if ((how & BOUNCE_ZERO) != 0)
		return all_bytes(run->data, len, 0);
	/* One owner, and the device wrote 0xd1 everywhere before. */
	for (uint64_t i = 0; i < len; i++)
		if (run->data[i] != 0xd1 && run->data[i] != 0)
			return false;
	return true;
}

/* One buffer's life in one direction; the whole pool held 0xd1 before. */
static void one_life(struct bench *bench, uint64_t at, uint64_t len,
		     uint32_t how)
{
	const struct bounce_buf buf = bench_buf(bench, at, len);
	unsigned char *private = bench_private(bench, at);
	bool writes = (how & FROM) != 0;
	struct bounce_mapping handle;
	struct run_bytes run;

	memset(bench->machine.memory, 0xd1,
	       bench->slab_bytes * bench->knobs.slabs);
	write_pattern(private, len, 1);
	handle = map_ok(bench->queue[0], &buf, how);
	run = run_of(bench, &handle, bench->knobs.info.alloc_align_mask);
	cr_assert(sees_right(&run, len, how), "%lu bytes, how %u", len, how);
	cr_assert(all_bytes(run.data - run.head, run.head, 0), "head of %lu",
		  len);
	cr_assert(all_bytes(run.data + len, run.tail, 0), "tail of %lu", len);
	cr_assert(has_pattern(private, len, 1), "map changes no buffer");
	write_pattern(run.data, len, 77);
	cr_assert_eq(bounce_unmap(bench->queue[0], &handle, writes ? len : 0),
		     BOUNCE_OK);
	cr_assert(has_pattern(private, len, writes ? 77 : 1),
		  "%lu bytes, how %u", len, how);
}

static void lives_of_lengths(struct bench *bench, const uint64_t *len,
			     size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t how = 0; how < HOWS; how++)
			one_life(bench, i % 64, len[i], all_hows[how]);
}

Test(bytes, from_1_to_130_are_right_in_every_direction)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	knobs.chunks = 1;
	bench_init(&bench, &knobs);
	for (uint64_t len = 1; len <= 130; len++)
		lives_of_lengths(&bench, &len, 1);
	bench_fini(&bench);
}

Test(bytes, from_1_to_130_are_right_without_granules)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	knobs.chunks = 1;
	knobs.blocks = 0;
	bench_init(&bench, &knobs);
	for (uint64_t len = 1; len <= 130; len++)
		lives_of_lengths(&bench, &len, 1);
	bench_fini(&bench);
}

Test(bytes, around_every_edge_of_the_tree_are_right)
{
	const uint64_t lens[] = {
		2047,	2048,	2049,	4095,	4096,	4097,
		8191,	8192,	8193,	262143, 262144, 262145,
		266239, 266240, 266241, 524287, 524288, 524289,
	};
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	knobs.private_bytes = 1024 * 1024;
	bench_init(&bench, &knobs);
	lives_of_lengths(&bench, lens, sizeof(lens) / sizeof(lens[0]));
	bounce_block_reclaim(bench.bounce);
	cr_expect_eq(slots_free(&bench), 256);
	bench_fini(&bench);
}

Test(bytes, of_a_whole_slab_are_right)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	knobs.chunks = 64;
	knobs.private_bytes = BOUNCE_SLAB_BYTES;
	bench_init(&bench, &knobs);
	one_life(&bench, 0, 1 << 20, BOTH);
	one_life(&bench, 0, BOUNCE_SLAB_BYTES - 1, BOTH);
	one_life(&bench, 0, BOUNCE_SLAB_BYTES, FROM);
	cr_expect_eq(slots_free(&bench), 4096);
	bench_fini(&bench);
}

Test(bytes, with_alignment_masks_are_right)
{
	const uint64_t lens[] = {
		1, 63, 64, 65, 1000, 4095, 4096, 5000, 70000
	};
	const uint64_t match[] = { 0xff, 0xfff, 0xffff };
	const uint64_t align[] = { 0, 0x3ff, 0x1fff };

	for (int i = 0; i < 9; i++) {
		struct bench bench;
		struct bench_knobs knobs = bench_usual();

		knobs.info.min_align_mask = match[i / 3];
		knobs.info.alloc_align_mask = align[i % 3];
		bench_init(&bench, &knobs);
		for (size_t j = 0; j < sizeof(lens) / sizeof(lens[0]); j++) {
			one_life(&bench, 0x1234, lens[j], BOTH);
			one_life(&bench, 0xfff, lens[j], FROM);
		}
		bench_fini(&bench);
	}
}

/* ---- secrets and owners (A01 to A05, B03) ---- */

Test(secrets, a_buffer_to_be_written_is_not_published)
{
	const uint64_t lens[] = { 1, 16, 64, 100, 2048, 4096, 10000 };
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	bench_init(&bench, &knobs);
	for (int i = 0; i < 14; i++) {
		const struct bounce_buf buf = bench_buf(&bench, 0, lens[i / 2]);
		/* All private bytes are FAKE_SECRET. */
		struct bounce_mapping handle =
			map_ok(bench.queue[0], &buf,
			       i % 2 == 0 ? FROM : FROM | BOUNCE_ZERO);

		cr_expect_not(fake_device_sees_secret(&bench.host), "%lu",
			      lens[i / 2]);
		cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 0),
			     BOUNCE_OK);
	}
	bench_fini(&bench);
}

Test(secrets, only_the_bytes_of_the_buffer_are_published)
{
	const uint64_t lens[] = { 1, 16, 64, 100, 2048, 4096, 10000 };

	for (int i = 0; i < 7; i++) {
		struct bench bench;
		struct bench_knobs knobs = bench_usual();
		struct bounce_mapping handle;
		struct bounce_buf buf;

		bench_init(&bench, &knobs);
		buf = bench_buf(&bench, 100, lens[i]);
		handle = map_ok(bench.queue[0], &buf, TO);
		cr_expect_eq(fake_device_count(&bench.host, FAKE_SECRET),
			     lens[i]);
		cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 0),
			     BOUNCE_OK);
		bench_fini(&bench);
	}
}

/* A04, A05, B03: a device that lies about its length gets zeros of others. */
Test(secrets, a_short_write_never_delivers_another_owners_bytes)
{
	const uint64_t lens[] = { 16, 64, 100, 2048, 4096, 10000, 300000 };
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	knobs.devices = 2;
	knobs.private_bytes = 1024 * 1024;
	bench_init(&bench, &knobs);
	for (int i = 0; i < 49; i++) {
		uint64_t first = lens[i / 7];
		uint64_t second = lens[i % 7];
		struct bounce_buf buf = bench_buf(&bench, 0, first);
		struct bounce_mapping handle;

		/* The first owner's secrets go out, and stay in the slot. */
		memset(bench_private(&bench, 0), FAKE_SECRET, first);
		handle = map_ok(bench.queue[0], &buf, BOTH);
		cr_assert_eq(bounce_unmap(bench.queue[0], &handle, 0),
			     BOUNCE_OK);
		buf = bench_buf(&bench, 512 * 1024, second);
		memset(bench_private(&bench, 512 * 1024), 1, second);
		handle = map_ok(bench.queue[1], &buf, FROM);
		cr_assert(all_bytes(bench_at_bus(&bench, handle.bus, second),
				    second, 0),
			  "%lu after %lu", second, first);
		cr_assert_eq(bounce_unmap(bench.queue[1], &handle, second),
			     BOUNCE_OK);
		cr_assert(all_bytes(bench_private(&bench, 512 * 1024), second,
				    0),
			  "%lu after %lu", second, first);
	}
	bench_fini(&bench);
}

/* A named owner is shared on purpose; different ones are not. */
Test(secrets, devices_of_one_named_owner_may_see_each_others_bytes)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_device_info info;
	struct bounce_device *other;
	struct bounce_mapping handle;
	struct bounce_buf buf;

	knobs.devices = 2;
	knobs.info.owner = 9;
	bench_init(&bench, &knobs);
	info = knobs.info;
	info.space = bench.space;
	info.owner = 10;
	cr_assert_eq(bounce_device_attach(bench.bounce, &info, &other, NULL),
		     BOUNCE_OK);
	buf = bench_buf(&bench, 0, 4096);
	handle = map_ok(bench.queue[0], &buf, TO);
	cr_assert_eq(bounce_unmap(bench.queue[0], &handle, 0), BOUNCE_OK);
	handle = map_ok(bench.queue[1], &buf, FROM);
	cr_assert_eq(bounce_unmap(bench.queue[1], &handle, 0), BOUNCE_OK);
	handle = map_ok(bounce_device_queue(other, 0), &buf, FROM);
	cr_expect(all_bytes(bench_at_bus(&bench, handle.bus, 4096), 4096, 0));
	cr_assert_eq(bounce_unmap(bounce_device_queue(other, 0), &handle, 0),
		     BOUNCE_OK);
	cr_assert_eq(bounce_device_detach(other), BOUNCE_OK);
	bench_fini(&bench);
}

/* A14: no pointer, key or generation is in shared memory. */
Test(secrets, nothing_about_a_mapping_is_written_beside_it)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle[5];
	struct bounce_buf buf;

	bench_init(&bench, &knobs);
	for (int i = 0; i < 5; i++) {
		buf = bench_buf(&bench, 0, 1 + 2000 * (uint64_t)i);
		handle[i] = map_ok(bench.queue[0], &buf, FROM);
	}
	cr_expect_eq(fake_device_count(&bench.host, 0), bench.slab_bytes,
		     "every shared byte is still zero");
	for (int i = 0; i < 5; i++)
		cr_expect_eq(bounce_unmap(bench.queue[0], &handle[i], 0),
			     BOUNCE_OK);
	cr_expect_eq(fake_device_count(&bench.host, 0), bench.slab_bytes);
	bench_fini(&bench);
}

/* A12: a map that fails has published nothing. */
Test(secrets, a_map_that_fails_has_published_nothing)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle[64];
	struct bounce_mapping none;
	struct bounce_buf buf;

	knobs.chunks = 1;
	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 4096);
	for (int i = 0; i < 64; i++)
		handle[i] = map_ok(bench.queue[0], &buf, FROM);
	cr_expect_eq(bounce_map(bench.queue[0], &buf, TO, &none),
		     BOUNCE_ERR_FULL);
	buf = bench_buf(&bench, 0, 100);
	cr_expect_eq(bounce_map(bench.queue[0], &buf, TO, &none),
		     BOUNCE_ERR_FULL);
	buf = bench_buf(&bench, 0, 100000);
	cr_expect_eq(bounce_map(bench.queue[0], &buf, BOTH, &none),
		     BOUNCE_ERR_FULL);
	cr_expect_not(fake_device_sees_secret(&bench.host));
	for (int i = 0; i < 64; i++)
		cr_expect_eq(bounce_unmap(bench.queue[0], &handle[i], 0),
			     BOUNCE_OK);
	bench_fini(&bench);
}
