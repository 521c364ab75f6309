/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_copy.c - the door to shared bytes moves the bytes it is told to, and no
 * others. Buffers end where the sanitizer's red zone begins.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <bounce/map.h>

#include "copy.h"

#define LONGEST 130u /* two cache lines and a bit */
#define SKEWS 9u
#define MARGIN 16u
#define ROOM (LONGEST + SKEWS + 2 * MARGIN)

/* A byte that is never 0 and differs from its neighbours. */
static unsigned char tag(size_t i)
{
	return (unsigned char)(1 + i % 251);
}

static void fill(unsigned char *bytes, size_t len, size_t from)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = tag(from + i);
}

/* All of @to is 0xee, but [at, at + len), which is as tag(from ..). */
static void expect_only(const unsigned char *to, size_t at, size_t len,
			size_t from)
{
	for (size_t i = 0; i < ROOM; i++) {
		bool inside = i >= at && i - at < len;

		cr_assert_eq(to[i], inside ? tag(from + i - at) : 0xee,
			     "byte %zu of %zu at %zu", i, len, at);
	}
}

static void call_in(void *to, const void *from, size_t len)
{
	bounce_copy_in(to, from, len);
}

static void call_out(void *to, const void *from, size_t len)
{
	bounce_copy_out(to, from, len);
}

static void exactly(void (*call)(void *, const void *, size_t))
{
	unsigned char from[ROOM];
	unsigned char to[ROOM];

	fill(from, ROOM, 0);
	for (size_t len = 0; len <= LONGEST; len++)
		for (size_t skew = 0; skew < SKEWS * SKEWS; skew++) {
			size_t at = MARGIN + skew % SKEWS;
			size_t source = skew / SKEWS;

			memset(to, 0xee, ROOM);
			call(to + at, from + source, len);
			expect_only(to, at, len, source);
		}
}

/* The source ends where nothing may be read any more. */
static void within(void (*call)(void *, const void *, size_t))
{
	for (size_t len = 1; len <= LONGEST; len++) {
		unsigned char *from = malloc(len);
		unsigned char *to = malloc(len);

		fill(from, len, len);
		call(to, from, len);
		cr_assert_eq(memcmp(to, from, len), 0, "%zu bytes", len);
		free(from);
		free(to);
	}
}

Test(copy_in, writes_exactly_the_bytes_at_any_alignment)
{
	exactly(call_in);
	within(call_in);
}

Test(copy_out, writes_exactly_the_bytes_at_any_alignment)
{
	exactly(call_out);
	within(call_out);
}

Test(snapshot, writes_exactly_the_bytes_at_any_alignment)
{
	exactly(bounce_snapshot);
	within(bounce_snapshot);
}

Test(snapshot, is_not_changed_by_what_happens_to_the_original)
{
	unsigned char shared[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	const unsigned char want[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	unsigned char header[8];

	bounce_snapshot(header, shared, sizeof(header));
	memset(shared, 0xff, sizeof(shared));
	cr_expect_eq(memcmp(header, want, sizeof(want)), 0);
}

Test(copy, of_no_bytes_needs_no_pointers)
{
	unsigned char byte = 0xee;

	bounce_copy_in(NULL, NULL, 0);
	bounce_copy_out(NULL, NULL, 0);
	bounce_snapshot(&byte, NULL, 0);
	bounce_copy_zero(NULL, 0);
	cr_expect(bounce_copy_is_zero(NULL, 0));
	cr_expect_eq(byte, 0xee);
}

Test(copy_zero, zeroes_exactly_the_bytes)
{
	unsigned char to[ROOM];

	for (size_t len = 0; len <= LONGEST; len++)
		for (size_t at = MARGIN; at < MARGIN + SKEWS; at++) {
			memset(to, 0xee, ROOM);
			bounce_copy_zero(to + at, len);
			for (size_t i = 0; i < ROOM; i++)
				cr_assert_eq(to[i] == 0,
					     i >= at && i < at + len,
					     "byte %zu of %zu at %zu", i, len,
					     at);
		}
}

Test(copy_pattern, has_no_zero_byte_and_tells_nothing_of_its_address)
{
	unsigned char *page = malloc(4096);
	unsigned char *other = malloc(4096 + 24);

	memset(page, 0, 4096);
	memset(other, 0xee, 4096 + 24);
	bounce_copy_pattern(page, 4096);
	bounce_copy_pattern(other + 8, 4096);
	for (size_t i = 0; i < 4096; i++)
		cr_assert_neq(page[i], 0, "byte %zu", i);
	cr_expect_eq(memcmp(page, other + 8, 4096), 0);
	cr_expect_eq(other[7], 0xee);
	cr_expect_eq(other[8 + 4096], 0xee);
	free(page);
	free(other);
}

Test(copy_is_zero, sees_a_single_bit_anywhere_and_nothing_beside)
{
	for (size_t len = 0; len <= LONGEST; len++)
		for (size_t skew = 0; skew < SKEWS; skew++) {
			unsigned char *room = malloc(len + skew + 1);
			unsigned char *bytes = room + skew;

			memset(room, 0xff, len + skew + 1);
			memset(bytes, 0, len);
			cr_assert(bounce_copy_is_zero(bytes, len), "%zu bytes",
				  len);
			for (size_t bit = 0; bit < 8 * len; bit++) {
				bytes[bit / 8] = (unsigned char)(1 << bit % 8);
				cr_assert_not(bounce_copy_is_zero(bytes, len),
					      "bit %zu of %zu bytes", bit, len);
				bytes[bit / 8] = 0;
			}
			free(room);
		}
}

Test(copy_is_zero, is_false_for_a_pattern_of_any_length)
{
	unsigned char bytes[LONGEST];

	for (size_t len = 1; len <= LONGEST; len++) {
		bounce_copy_pattern(bytes, len);
		cr_assert_not(bounce_copy_is_zero(bytes, len));
		bounce_copy_zero(bytes, len);
		cr_assert(bounce_copy_is_zero(bytes, len));
	}
}

Test(copy_le16, is_little_endian_for_every_number)
{
	unsigned char *bytes = malloc(2);

	for (uint32_t v = 0; v < 65536; v++) {
		bytes[0] = (unsigned char)v;
		bytes[1] = (unsigned char)(v >> 8);
		cr_assert_eq(bounce_copy_le16(bytes), v);
	}
	free(bytes);
}
