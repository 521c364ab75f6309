/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_list.c - bounce_map_list(): one buffer as a short list of bus segments.
 */
#include "calls.h"
#include "model.h"

#define MOST 64u

/* A buffer, and the pieces it was cut into. */
struct list {
	struct bounce_buf buf;
	struct bounce_segment piece[MOST];
	uint32_t count;
};

static enum bounce_err map_list(struct bench *bench, struct list *list,
				uint32_t how)
{
	list->count = MOST;
	return bounce_map_list(bench->queue[0], &list->buf, how, list->piece,
			       &list->count);
}

static unsigned char *private_of(const struct bench *bench,
				 const struct list *list)
{
	return fake_machine_pointer(&bench->machine, list->buf.gpa.v,
				    list->buf.len);
}

/* The pieces are the buffer, in order, each at its bus address. */
static void expect_whole(const struct bench *bench, const struct list *list,
			 uint64_t name)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		const struct bounce_segment *piece = &list->piece[i];
		const unsigned char *shared = bench_at_bus(
			bench, piece->mapping.bus, piece->mapping.len);

		cr_assert_eq(piece->joined, 0);
		cr_assert_eq(piece->mapping.len, piece->buf.len);
		cr_assert_eq(piece->buf.gpa.v, list->buf.gpa.v + at);
		for (uint64_t j = 0; j < piece->buf.len; j++)
			cr_assert_eq(shared[j], byte_of(name, at + j),
				     "piece %u, byte %lu", i, j);
		at += piece->buf.len;
	}
	cr_expect_eq(at, list->buf.len);
}

static void end(struct bench *bench, const struct list *list, uint64_t written)
{
	cr_expect_eq(bounce_unmap_sg(bench->queue[0], list->piece, list->count,
				     written),
		     BOUNCE_OK);
}

/* A device fills the pieces, as bytes of @name. */
static void device_fills(const struct bench *bench, const struct list *list,
			 uint64_t name)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		unsigned char *shared =
			bench_at_bus(bench, list->piece[i].mapping.bus,
				     list->piece[i].mapping.len);

		for (uint64_t j = 0; j < list->piece[i].mapping.len; j++)
			shared[j] = byte_of(name, at++);
	}
}

/* Single slots taken and every second one given back: no two together. */
static void tear(struct bench *bench, struct born *taken)
{
	for (uint32_t i = 0; i < 64; i++)
		taken[i] = alloc_ok(bench->queue[0], 4096);
	for (uint32_t i = 0; i < 64; i += 2)
		free_ok(bench->queue[0], &taken[i]);
}

static void mend(struct bench *bench, const struct born *taken)
{
	for (uint32_t i = 1; i < 64; i += 2)
		free_ok(bench->queue[0], &taken[i]);
}

/* ---- what it is for ---- */

Test(map_list, a_buffer_larger_than_the_largest_slab)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	const uint64_t len = 1500 * 1000;
	struct list list;

	knobs.slabs = 2;
	knobs.grown = 2;
	knobs.private_bytes = 2 << 20;
	bench_init(&bench, &knobs);
	list.buf = bench_buf(&bench, 1234, len);
	write_bytes(private_of(&bench, &list), 1, len);
	cr_assert_eq(map_list(&bench, &list, BOUNCE_BIDIRECTIONAL), BOUNCE_OK);
	cr_expect_eq(list.count, 2, "the largest slab, and the rest");
	cr_expect_eq(list.piece[0].buf.len, 1 << 20, "no cap of 256 KiB");
	expect_whole(&bench, &list, 1);
	device_fills(&bench, &list, 2);
	end(&bench, &list, len - 5);
	cr_expect_eq(count_bytes(private_of(&bench, &list), 2, len), len - 5,
		     "what was reported, in order");
	cr_expect_eq(slots_free(&bench), 512);
	bench_fini(&bench);
}

Test(map_list, a_buffer_that_fits_is_one_piece)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	const uint64_t lens[] = { 1, 63, 64, 4095, 4096, 4097, 100000, 262144 };
	struct list list;

	knobs.private_bytes = 512 * 1024;
	bench_init(&bench, &knobs);
	for (size_t i = 0; i < COUNT_OF(lens); i++) {
		list.buf = bench_buf(&bench, 99, lens[i]);
		write_bytes(private_of(&bench, &list), i, lens[i]);
		cr_assert_eq(map_list(&bench, &list, BOUNCE_TO_DEVICE),
			     BOUNCE_OK);
		cr_expect_eq(list.count, 1, "%lu bytes", lens[i]);
		expect_whole(&bench, &list, i);
		end(&bench, &list, 0);
	}
	cr_expect_eq(slots_free(&bench), 256);
	bench_fini(&bench);
}

Test(map_list, a_fragmented_pool_is_used_slot_by_slot)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born taken[64];
	struct bounce_mapping one;
	struct list list;

	knobs.chunks = 1;
	bench_init(&bench, &knobs);
	tear(&bench, taken);
	for (uint64_t slots = 1; slots <= 32; slots++) {
		uint64_t len = slots * 4096 - 7;

		list.buf = bench_buf(&bench, 50, len);
		write_bytes(private_of(&bench, &list), slots, len);
		if (slots > 1)
			cr_assert_eq(bounce_map(bench.queue[0], &list.buf,
						BOUNCE_TO_DEVICE, &one),
				     BOUNCE_ERR_FRAGMENTED);
		cr_assert_eq(map_list(&bench, &list, BOUNCE_BIDIRECTIONAL),
			     BOUNCE_OK);
		cr_expect_eq(list.count, slots);
		expect_whole(&bench, &list, slots);
		device_fills(&bench, &list, slots + 50);
		end(&bench, &list, len);
		cr_expect_eq(count_bytes(private_of(&bench, &list), slots + 50,
					 len),
			     len);
		cr_expect_eq(slots_free(&bench), 32);
	}
	mend(&bench, taken);
	bench_fini(&bench);
}

Test(map_list, by_pointer_and_by_the_linear_map)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born taken[64];
	struct list list;

	knobs.chunks = 1;
	bench_init(&bench, &knobs);
	tear(&bench, taken);
	list.buf = bench_buf(&bench, 0, 20000);
	write_bytes(private_of(&bench, &list), 9, 20000);
	/* Here the CPU sees the buffer elsewhere than the linear map says. */
	list.buf.ptr = bench_private(&bench, 0);
	list.buf.gpa.v = 0x7000;
	cr_assert_eq(map_list(&bench, &list, BOUNCE_TO_DEVICE), BOUNCE_OK);
	cr_expect_eq(list.count, 5);
	expect_whole(&bench, &list, 9);
	end(&bench, &list, 0);
	mend(&bench, taken);
	bench_fini(&bench);
}

Test(map_list, pieces_keep_the_alignment_and_the_limits_of_the_device)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct list list;

	knobs.info.min_align_mask = 0xfff;
	knobs.info.boundary_mask = 0xffff;
	knobs.info.segment_bytes = 50000;
	bench_init(&bench, &knobs);
	for (uint64_t offset = 0; offset < 4096; offset += 777) {
		list.buf = bench_buf(&bench, offset, 200 * 1000);
		write_bytes(private_of(&bench, &list), 4, 200 * 1000);
		cr_assert_eq(map_list(&bench, &list, BOUNCE_TO_DEVICE),
			     BOUNCE_OK);
		for (uint32_t i = 0; i < list.count; i++) {
			const struct bounce_segment *piece = &list.piece[i];
			uint64_t bus = piece->mapping.bus.v;

			cr_expect_eq(bus % 4096, piece->buf.gpa.v % 4096);
			cr_expect_eq(bus >> 16,
				     (bus + piece->buf.len - 1) >> 16);
			cr_expect_leq(piece->buf.len, 50000);
		}
		expect_whole(&bench, &list, 4);
		end(&bench, &list, 0);
	}
	bench_fini(&bench);
}

Test(map_list, segments_shorter_than_a_slot_are_honoured)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct list list;

	knobs.info.segment_bytes = 512;
	bench_init(&bench, &knobs);
	list.buf = bench_buf(&bench, 3, 512 * 5 + 1);
	write_bytes(private_of(&bench, &list), 3, list.buf.len);
	cr_assert_eq(map_list(&bench, &list, BOUNCE_TO_DEVICE), BOUNCE_OK);
	cr_expect_eq(list.count, 6);
	expect_whole(&bench, &list, 3);
	end(&bench, &list, 0);
	cr_expect_eq(slots_free(&bench), 256);
	bench_fini(&bench);
}

Test(map_list, of_an_open_device_has_the_buffers_own_addresses)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct list list;
	uint64_t at = 0;

	knobs.info.flags = BOUNCE_DEVICE_ATTESTED;
	knobs.private_bytes = (20 << 20) + 4096;
	bench_init(&bench, &knobs);
	list.buf = bench_buf(&bench, 100, 20 << 20);
	cr_assert_eq(map_list(&bench, &list, BOUNCE_BIDIRECTIONAL), BOUNCE_OK);
	cr_expect_eq(list.count, 2);
	for (uint32_t i = 0; i < list.count; i++) {
		cr_expect_eq(list.piece[i].mapping.bus.v, list.buf.gpa.v + at);
		at += list.piece[i].mapping.len;
	}
	cr_expect_eq(at, 20 << 20);
	end(&bench, &list, 20 << 20);
	cr_expect_eq(slots_free(&bench), 256);
	bench_fini(&bench);
}

/* ---- errors: nothing is held, nothing was touched ---- */

/* Fails with @err; count, pool and shared bytes are as they were. */
static void fails(struct bench *bench, struct bounce_buf buf, uint32_t how,
		  uint32_t room, enum bounce_err err)
{
	struct bounce_segment piece[MOST];
	uint32_t count = room;
	uint64_t had = slots_free(bench);
	unsigned char *before;

	before = host_picture(bench);
	cr_expect_eq(bounce_map_list(bench->queue[0], &buf, how, piece, &count),
		     err, "%lu bytes in %u pieces", buf.len, room);
	cr_expect_eq(count, room, "unchanged on error");
	cr_expect(host_sees_the_same(bench, before));
	cr_expect_eq(slots_free(bench), had);
	cr_expect(bounce_valid(bench->bounce));
}

Test(map_list, too_few_pieces_are_out_of_range)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born taken[64];

	knobs.chunks = 1;
	bench_init(&bench, &knobs);
	tear(&bench, taken);
	fake_device_scribble(&bench.host);
	for (uint32_t pieces = 1; pieces < 32; pieces++)
		fails(&bench, bench_buf(&bench, 0, pieces * 4096 + 1),
		      BOUNCE_BIDIRECTIONAL, pieces, BOUNCE_ERR_RANGE);
	mend(&bench, taken);
	bench_fini(&bench);
}

Test(map_list, more_than_all_there_is_touches_no_shared_byte)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born taken[64];

	knobs.chunks = 1;
	knobs.blocks = 0;
	knobs.private_bytes = 512 * 1024;
	bench_init(&bench, &knobs);
	fake_device_scribble(&bench.host);
	fails(&bench, bench_buf(&bench, 0, 64 * 4096 + 1), BOUNCE_TO_DEVICE,
	      MOST, BOUNCE_ERR_FULL);
	tear(&bench, taken);
	/* It fails at piece n, for every n. */
	for (uint32_t n = 32;; n--) {
		fails(&bench, bench_buf(&bench, 0, n * 4096 + 1),
		      BOUNCE_TO_DEVICE, MOST, BOUNCE_ERR_FULL);
		if (n == 0)
			break;
		taken[(32 - n) * 2] = alloc_ok(bench.queue[0], 4096);
	}
	for (uint32_t i = 0; i < 64; i += 2)
		free_ok(bench.queue[0], &taken[i]);
	mend(&bench, taken);
	bench_fini(&bench);
}

Test(map_list, every_bad_argument_is_refused)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment piece[MOST];
	struct bounce_buf buf;
	struct bounce_buf wraps;
	uint32_t count = MOST;
	uint32_t none = 0;

	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 100);
	cr_expect_eq(bounce_map_list(NULL, &buf, 1, piece, &count),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_map_list(bench.queue[0], NULL, 1, piece, &count),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_map_list(bench.queue[0], &buf, 1, NULL, &count),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_map_list(bench.queue[0], &buf, 1, piece, NULL),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_map_list(bench.queue[0], &buf, 1, piece, &none),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(stats_of(bench.device[0]).other, 4);
	fails(&bench, bench_buf(&bench, 0, 0), BOUNCE_TO_DEVICE, MOST,
	      BOUNCE_ERR_ARG);
	for (uint32_t how = 0; how < 64; how += 4) /* without a direction */
		fails(&bench, buf, how, MOST, BOUNCE_ERR_ARG);
	wraps = buf;
	wraps.len = UINT64_MAX - buf.gpa.v + 2;
	fails(&bench, wraps, BOUNCE_TO_DEVICE, MOST, BOUNCE_ERR_ARG);
	/* Not all of it in the linear map, though its first pieces are. */
	wraps.len = knobs.private_bytes + 1;
	fails(&bench, wraps, BOUNCE_TO_DEVICE, MOST, BOUNCE_ERR_ARG);
	bench_fini(&bench);
}

Test(map_list, a_device_that_cannot_map_says_why)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	bench_init(&bench, &knobs);
	bounce_device_revoke(bench.device[0]);
	fails(&bench, bench_buf(&bench, 0, 100), BOUNCE_TO_DEVICE, MOST,
	      BOUNCE_ERR_STALE);
	cr_assert_eq(bounce_device_quiesced(bench.device[0]), BOUNCE_OK);
	bounce_device_features_rejected(bench.device[0]);
	fails(&bench, bench_buf(&bench, 0, 100), BOUNCE_TO_DEVICE, MOST,
	      BOUNCE_ERR_REFUSED);
	bounce_mark_dead(bench.bounce);
	fails(&bench, bench_buf(&bench, 0, 100), BOUNCE_TO_DEVICE, MOST,
	      BOUNCE_ERR_DEAD);
	bench_fini(&bench);
}
