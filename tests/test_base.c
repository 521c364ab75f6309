/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_base.c - the small words, against their plain meaning: all small
 * arguments, and the edges.
 */
#include <criterion/criterion.h>

#include "base.h"

/* Where arithmetic goes wrong: around 0, 2^31, 2^32, 2^63 and 2^64. */
static const uint64_t edges[] = {
	0,
	1,
	2,
	3,
	UINT64_C(0x7fffffff),
	UINT64_C(0x80000000),
	UINT64_C(0xffffffff),
	UINT64_C(0x100000000),
	UINT64_C(0x7ffffffffffffffe),
	UINT64_C(0x7fffffffffffffff),
	UINT64_C(0x8000000000000000),
	UINT64_C(0x8000000000000001),
	UINT64_C(0xfffffffffffffffd),
	UINT64_C(0xfffffffffffffffe),
	UINT64_C(0xffffffffffffffff),
};
#define EDGES (sizeof(edges) / sizeof(edges[0]))

static unsigned slow_count(uint64_t word)
{
	unsigned count = 0;

	for (; word != 0; word &= word - 1)
		count++;
	return count;
}

Test(base_count, counts_the_set_bits)
{
	for (uint64_t word = 0; word < 65536; word++)
		for (unsigned shift = 0; shift <= 48; shift += 12)
			cr_assert_eq(bounce_count(word << shift),
				     slow_count(word));
	for (unsigned low = 0; low <= 64; low++)
		for (unsigned high = 0; high <= low; high++) {
			uint64_t word = bounce_low_bits(low) &
					~bounce_low_bits(high);

			cr_assert_eq(bounce_count(word), low - high);
			cr_assert_eq(bounce_count(~word), 64 - (low - high));
		}
}

Test(base_lowest, is_the_index_of_the_lowest_set_bit)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t one = UINT64_C(1) << bit;

		cr_assert_eq(bounce_lowest(one), bit);
		cr_assert_eq(bounce_lowest(~(one - 1)), bit);
		cr_assert_eq(bounce_lowest(one | UINT64_C(1) << 63), bit);
		for (unsigned more = bit; more < 64; more++)
			cr_assert_eq(bounce_lowest(one | UINT64_C(1) << more),
				     bit);
	}
}

Test(base_low_bits, are_as_many_as_asked_for)
{
	for (unsigned count = 0; count < 64; count++)
		cr_assert_eq(bounce_low_bits(count),
			     (UINT64_C(1) << count) - 1);
	cr_expect_eq(bounce_low_bits(64), UINT64_MAX);
}

Test(base_is_low_mask, holds_for_2_to_the_n_less_1_only)
{
	for (unsigned bits = 0; bits <= 64; bits++) {
		uint64_t mask = bounce_low_bits(bits);

		cr_assert(bounce_is_low_mask(mask));
		/* One bit more or less, which leaves a hole. */
		for (unsigned bit = 0; bit < 64; bit++) {
			uint64_t other = mask ^ UINT64_C(1) << bit;

			cr_assert_eq(bounce_is_low_mask(other),
				     bit == bits || bit + 1 == bits,
				     "bit %u of %u", bit, bits);
		}
	}
}

Test(base_is_power, holds_for_one_bit_only)
{
	cr_expect_not(bounce_is_power(0));
	for (uint64_t x = 1; x < 65536; x++)
		cr_assert_eq(bounce_is_power(x), slow_count(x) == 1);
	for (unsigned bit = 0; bit < 64; bit++)
		cr_assert(bounce_is_power(UINT64_C(1) << bit));
}

Test(base_round_up, gives_the_next_multiple)
{
	for (uint64_t x = 0; x < 600; x++)
		for (unsigned bits = 0; bits <= 9; bits++) {
			uint64_t step = UINT64_C(1) << bits;

			cr_assert_eq(bounce_round_up(x, step - 1),
				     (x + step - 1) / step * step);
		}
}

/* The last byte of a range, where 128 bits cannot wrap. */
static unsigned __int128 last_byte(uint64_t base, uint64_t len)
{
	return (unsigned __int128)base + len - 1;
}

Test(base_wraps, when_the_last_byte_is_past_2_to_the_64)
{
	for (unsigned i = 0; i < EDGES; i++)
		for (unsigned j = 1; j < EDGES; j++)
			cr_assert_eq(bounce_wraps(edges[i], edges[j]),
				     last_byte(edges[i], edges[j]) > UINT64_MAX,
				     "%lx + %lx", edges[i], edges[j]);
}

static void check_inside(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	bool want = a >= b && (unsigned __int128)a + a_len <=
				      (unsigned __int128)b + b_len;

	cr_assert_eq(bounce_inside(a, a_len, b, b_len), want,
		     "[%lx, +%lx) in [%lx, +%lx)", a, a_len, b, b_len);
}

static void check_overlap(uint64_t a, uint64_t a_len, uint64_t b,
			  uint64_t b_len)
{
	bool want = last_byte(a, a_len) >= b && last_byte(b, b_len) >= a;

	cr_assert_eq(bounce_overlaps(a, a_len, b, b_len), want,
		     "[%lx, +%lx) and [%lx, +%lx)", a, a_len, b, b_len);
}

/* Neither range wraps; ranges without bytes only where they are allowed. */
static void check_ranges(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	if ((a_len != 0 && bounce_wraps(a, a_len)) ||
	    (b_len != 0 && bounce_wraps(b, b_len)))
		return;
	check_inside(a, a_len, b, b_len);
	if (a_len != 0 && b_len != 0)
		check_overlap(a, a_len, b, b_len);
}

Test(base_ranges, lie_inside_each_other_and_overlap_as_their_bytes_do)
{
	for (uint64_t i = 0; i < 8 * 8 * 8 * 8; i++)
		check_ranges(i % 8, i / 8 % 8, i / 64 % 8, i / 512);
	for (unsigned i = 0; i < EDGES * EDGES; i++)
		for (unsigned j = 0; j < EDGES * EDGES; j++)
			check_ranges(edges[i % EDGES], edges[i / EDGES],
				     edges[j % EDGES], edges[j / EDGES]);
}

Test(base_min, is_the_smaller_one)
{
	for (unsigned i = 0; i < EDGES; i++)
		for (unsigned j = 0; j < EDGES; j++)
			cr_assert_eq(bounce_min(edges[i], edges[j]),
				     edges[i < j ? i : j]);
}

Test(base_index_nospec, is_the_index_below_the_limit_and_0_from_it_on)
{
	for (uint64_t limit = 0; limit < 300; limit++)
		for (uint64_t index = 0; index < 600; index++)
			cr_assert_eq(bounce_index_nospec(index, limit),
				     index < limit ? index : 0);
	for (unsigned i = 0; i < EDGES; i++)
		for (unsigned j = 0; j < EDGES; j++) {
			if ((edges[i] | edges[j]) >> 63 != 0)
				continue; /* beyond its contract */
			cr_assert_eq(bounce_index_nospec(edges[i], edges[j]),
				     edges[i] < edges[j] ? edges[i] : 0);
		}
}
