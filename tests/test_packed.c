/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_packed.c - the used-element check of packed rings, and of both kinds of
 * ring when the device keeps the order of its buffers (VIRTIO 1.2, 2.7.9, 2.8).
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#define ENTRIES 7u /* a packed ring's size need not be a power of two */
#define SPLIT 8u
#define WRITE 0x0002u
#define AVAIL 0x0080u
#define USED 0x8000u

/* A ring, and the device that writes it. */
struct rig {
	bool packed;
	bool wrap; /* the device's */
	bool driver_wrap;
	uint32_t driver_at; /* where the driver writes its next descriptor */
	uint32_t at; /* descriptors: where the device writes next */
	uint16_t idx;
	struct bounce_used *used;
	_Alignas(8) unsigned char memory[1024];
	_Alignas(16) unsigned char ring[256];
};

static void rig_init(struct rig *rig, bool packed, bool in_order)
{
	memset(rig, 0, sizeof(*rig));
	rig->packed = packed;
	rig->wrap = true;
	rig->driver_wrap = true;
	cr_assert_eq(packed ? bounce_used_init_packed(
				      rig->memory, sizeof(rig->memory), ENTRIES,
				      rig->ring, &rig->used) :
			      bounce_used_init(rig->memory, sizeof(rig->memory),
					       SPLIT, rig->ring, &rig->used),
		     BOUNCE_OK);
	if (in_order)
		bounce_used_in_order(rig->used);
}

static void put(unsigned char *at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (unsigned char)(value >> 8 * i);
}

static void skip(struct rig *rig, uint32_t descriptors)
{
	rig->at += descriptors;
	if (rig->packed && rig->at >= ENTRIES) {
		rig->at -= ENTRIES;
		rig->wrap = !rig->wrap;
	}
}

/* The device reports @id; the buffers that end there took @descriptors. */
static void report(struct rig *rig, uint32_t id, uint32_t len,
		   uint32_t descriptors)
{
	unsigned char *at = rig->ring + 16 * rig->at;

	put(at + 8, len, 4);
	put(at + 12, id, 2);
	put(at + 14, WRITE | (rig->wrap ? AVAIL | USED : 0), 2);
	skip(rig, descriptors);
}

/* The same in a split ring, for @count buffers. */
static void report_split(struct rig *rig, uint32_t id, uint32_t len,
			 uint16_t count)
{
	unsigned char *at = rig->ring + 4 + 8 * (rig->idx % SPLIT);

	put(at, id, 4);
	put(at + 4, len, 4);
	rig->idx = (uint16_t)(rig->idx + count);
	put(rig->ring + 2, rig->idx, 2);
}

/* The driver makes descriptors available: AVAIL as its counter, USED not. */
static void offer(struct rig *rig, uint32_t descriptors)
{
	while (descriptors-- > 0) {
		put(rig->ring + 16 * rig->driver_at + 14,
		    rig->driver_wrap ? AVAIL : USED, 2);
		if (++rig->driver_at == ENTRIES) {
			rig->driver_at = 0;
			rig->driver_wrap = !rig->driver_wrap;
		}
	}
}

static void post(struct rig *rig, uint32_t id, uint32_t descriptors,
		 uint32_t writable)
{
	if (rig->packed)
		offer(rig, descriptors);
	cr_assert_eq(rig->packed ?
			     bounce_used_post_packed(rig->used, id, descriptors,
						     writable, id + 100) :
			     bounce_used_post(rig->used, id, writable,
					      id + 100),
		     BOUNCE_OK, "id %u", id);
}

static enum bounce_err ask(struct rig *rig)
{
	struct bounce_completion done;

	return bounce_virtio_used(rig->used, &done);
}

static void expect(struct rig *rig, uint32_t id, uint32_t written)
{
	struct bounce_completion done;

	cr_assert_eq(bounce_virtio_used(rig->used, &done), BOUNCE_OK, "id %u",
		     id);
	cr_assert_eq(done.head, id);
	cr_assert_eq(done.written, written);
	cr_assert_eq(done.cookie, id + 100);
	cr_assert(bounce_used_valid(rig->used));
}

Test(packed, takes_buffers_in_any_order_round_and_round)
{
	struct rig rig;

	rig_init(&rig, true, false);
	for (uint32_t round = 0; round < 50; round++) {
		post(&rig, 3, 2, 64);
		post(&rig, 5, 3, 32);
		cr_assert_eq(ask(&rig), BOUNCE_ERR_BUSY);
		report(&rig, 5, 32, 3);
		report(&rig, 3, round % 65, 2);
		expect(&rig, 5, 32);
		expect(&rig, 3, round % 65);
		cr_assert_eq(ask(&rig), BOUNCE_ERR_BUSY);
		cr_assert_eq(bounce_used_outstanding(rig.used), 0);
	}
}

Test(packed, what_the_driver_made_available_is_not_taken_for_used)
{
	struct rig rig;

	rig_init(&rig, true, false);
	post(&rig, 1, 1, 8);
	put(rig.ring + 14, AVAIL, 2);
	cr_expect_eq(ask(&rig), BOUNCE_ERR_BUSY);
	put(rig.ring + 14, USED, 2);
	cr_expect_eq(ask(&rig), BOUNCE_ERR_BUSY);
	put(rig.ring + 14, 0, 2);
	cr_expect_eq(ask(&rig), BOUNCE_ERR_BUSY);
	report(&rig, 1, 8, 1);
	expect(&rig, 1, 8);
}

Test(packed, without_the_write_flag_there_is_no_length)
{
	struct rig rig;

	rig_init(&rig, true, false);
	post(&rig, 2, 1, 8);
	report(&rig, 2, 0xffffffff, 1);
	put(rig.ring + 14, AVAIL | USED, 2);
	expect(&rig, 2, 0);
}

Test(packed, posts_are_checked_and_change_nothing_when_refused)
{
	struct rig rig;

	rig_init(&rig, true, false);
	cr_expect_eq(bounce_used_post(rig.used, 0, 1, 0), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_used_post_packed(rig.used, ENTRIES, 1, 1, 0),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_used_post_packed(rig.used, 0, 0, 1, 0),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_used_post_packed(rig.used, 0, ENTRIES + 1, 1, 0),
		     BOUNCE_ERR_ARG);
	post(&rig, 0, 5, 1);
	cr_expect_eq(bounce_used_post_packed(rig.used, 0, 1, 1, 0),
		     BOUNCE_ERR_BUSY);
	cr_expect_eq(bounce_used_post_packed(rig.used, 1, 3, 1, 0),
		     BOUNCE_ERR_FULL);
	cr_expect_eq(bounce_used_outstanding(rig.used), 1);
	cr_expect(bounce_used_valid(rig.used));
	post(&rig, 1, 2, 1);
}

Test(packed, every_lie_breaks_the_ring_for_good)
{
	const struct {
		uint32_t id;
		uint32_t len;
		enum bounce_err err;
	} lies[] = {
		{ ENTRIES, 0, BOUNCE_ERR_RANGE },
		{ 0xffff, 0, BOUNCE_ERR_RANGE },
		{ 4, 0, BOUNCE_ERR_STALE },
		{ 1, 17, BOUNCE_ERR_LENGTH },
		{ 1, 0xffffffff, BOUNCE_ERR_LENGTH },
	};

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct rig rig;

		rig_init(&rig, true, false);
		post(&rig, 1, 1, 16);
		report(&rig, lies[i].id, lies[i].len, 1);
		cr_expect_eq(ask(&rig), lies[i].err, "lie %zu", i);
		rig.at = 0;
		report(&rig, 1, 16, 1);
		cr_expect_eq(ask(&rig), lies[i].err, "lie %zu again", i);
		cr_expect_eq(bounce_used_outstanding(rig.used), 1);
	}
}

Test(packed, init_refuses_what_is_no_ring)
{
	struct bounce_used *used;
	struct rig rig;

	rig_init(&rig, true, false);
	cr_expect_eq(bounce_used_init_packed(rig.memory, sizeof(rig.memory), 0,
					     rig.ring, &used),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_used_init_packed(rig.memory, SIZE_MAX, 32769,
					     rig.ring, &used),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_used_init_packed(rig.memory, 100, ENTRIES, rig.ring,
					     &used),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_used_init_packed(rig.memory, sizeof(rig.memory),
					     ENTRIES, rig.ring + 8, &used),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_used_init_packed(NULL, sizeof(rig.memory), ENTRIES,
					     rig.ring, &used),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_used_init_packed(rig.memory, sizeof(rig.memory),
					     ENTRIES, rig.ring, NULL),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_used_init_packed(rig.memory, sizeof(rig.memory),
					     ENTRIES, NULL, &used),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_used_init_packed(rig.memory + 4,
					     sizeof(rig.memory) - 4, ENTRIES,
					     rig.ring, &used),
		     BOUNCE_ERR_ARG);
	rig_init(&rig, false, false);
	cr_expect_eq(bounce_used_post_packed(rig.used, 0, 1, 1, 0),
		     BOUNCE_ERR_ARG);
}

Test(in_order, a_batch_in_a_packed_ring_is_reported_by_its_last_buffer)
{
	struct rig rig;

	rig_init(&rig, true, true);
	for (uint32_t round = 0; round < 20; round++) {
		post(&rig, 6, 2, 10);
		post(&rig, 0, 1, 20);
		post(&rig, 2, 3, 30);
		report(&rig, 0, 5, 3);
		expect(&rig, 6, 10);
		expect(&rig, 0, 5);
		cr_assert_eq(ask(&rig), BOUNCE_ERR_BUSY);
		report(&rig, 2, 30, 3);
		expect(&rig, 2, 30);
	}
}

Test(in_order, a_batch_in_a_split_ring_is_reported_by_its_last_buffer)
{
	struct rig rig;

	rig_init(&rig, false, true);
	for (uint32_t round = 0; round < 70000 / 4; round++) {
		post(&rig, 7, 1, 10);
		post(&rig, 1, 1, 20);
		post(&rig, 3, 1, 30);
		post(&rig, 0, 1, 0);
		report_split(&rig, 3, 1, 3);
		expect(&rig, 7, 10);
		expect(&rig, 1, 20);
		expect(&rig, 3, 1);
		cr_assert_eq(ask(&rig), BOUNCE_ERR_BUSY);
		report_split(&rig, 0, 0, 1);
		expect(&rig, 0, 0);
	}
}

Test(in_order, a_batch_that_idx_does_not_cover_is_a_lie)
{
	struct rig rig;

	rig_init(&rig, false, true);
	post(&rig, 7, 1, 10);
	post(&rig, 1, 1, 20);
	report_split(&rig, 1, 1, 1);
	cr_expect_eq(ask(&rig), BOUNCE_ERR_RANGE);
	cr_expect_eq(ask(&rig), BOUNCE_ERR_RANGE);
	cr_expect_eq(bounce_used_outstanding(rig.used), 2);
}

Test(packed, a_buffer_may_take_the_whole_ring)
{
	struct rig rig;

	rig_init(&rig, true, false);
	for (uint32_t round = 0; round < 3; round++) {
		post(&rig, 1, ENTRIES, 10);
		cr_expect_eq(bounce_used_post_packed(rig.used, 2, 1, 10, 0),
			     BOUNCE_ERR_FULL);
		report(&rig, 1, 10, ENTRIES);
		expect(&rig, 1, 10);
	}
}

/* ---- the largest ring, and the smallest ---- */

#define BIG 32768u /* VIRTIO 1.2, 2.8.10.1 */

struct big {
	void *memory;
	void *ring;
	struct bounce_used *used;
};

/* In exactly as many bytes as it takes. */
static void big_begin(struct big *big, uint32_t entries)
{
	size_t bytes = bounce_used_size(entries);

	cr_assert_eq(posix_memalign(&big->memory, BOUNCE_USED_ALIGN, bytes), 0);
	cr_assert_eq(posix_memalign(&big->ring, 16, (size_t)entries * 16), 0);
	memset(big->ring, 0, (size_t)entries * 16);
	cr_assert_eq(bounce_used_init_packed(big->memory, bytes, entries,
					     big->ring, &big->used),
		     BOUNCE_OK);
}

static void big_end(struct big *big)
{
	free(big->memory);
	free(big->ring);
}

/* Buffer @id, by descriptor @at of a first round; each byte of id and length
 * counts. */
static void big_cycle(struct big *big, uint32_t at, uint32_t id)
{
	uint32_t len = 0x80604020u + at;
	struct bounce_completion done = { 0 };
	unsigned char *descriptor = (unsigned char *)big->ring +
				    (size_t)at * 16;

	cr_assert_eq(bounce_used_post_packed(big->used, id, 1, UINT32_MAX,
					     UINT64_MAX - id),
		     BOUNCE_OK);
	put(descriptor + 8, len, 4);
	put(descriptor + 12, id, 2);
	put(descriptor + 14, WRITE | AVAIL | USED, 2);
	cr_assert_eq(bounce_virtio_used(big->used, &done), BOUNCE_OK);
	cr_assert_eq(done.head, id, "%u for %u", done.head, id);
	cr_assert_eq(done.written, len);
	cr_assert_eq(done.cookie, UINT64_MAX - id);
}

Test(packed, the_largest_ring_has_each_id_and_each_place)
{
	struct big big;

	big_begin(&big, BIG);
	for (uint32_t at = 0; at < BIG; at++)
		big_cycle(&big, at, at * 12345 % BIG);
	big_end(&big);
}

Test(packed, the_smallest_ring_has_one_of_both)
{
	struct big big;

	big_begin(&big, 1);
	cr_expect_eq(bounce_used_post_packed(big.used, 1, 1, 0, 0),
		     BOUNCE_ERR_ARG);
	big_cycle(&big, 0, 0);
	big_end(&big);
}
