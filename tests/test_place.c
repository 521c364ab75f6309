/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_place.c - which bus addresses will do, held to the predicates W1 .. W4
 * of lib/window.h by an oracle that looks at one address at a time, in 128
 * bits. Every random case begins at a seed of its own, which a failure prints.
 */
#include <criterion/criterion.h>

#include "base.h"
#include "support.h"
#include "window.h"

#define CASES UINT64_C(30000)
#define CHUNKS 64u
#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)

static const uint32_t shifts[] = { BOUNCE_GRANULE_SHIFT, BOUNCE_SLOT_SHIFT,
				   BOUNCE_CHUNK_SHIFT };

static const struct bounce_limits no_limits = {
	.last = UINT64_MAX,
	.boundary = UINT64_MAX,
	.segment = UINT64_MAX,
};

/* ---- the oracle ---- */

/* One address: would a run of these limits do at @x? */
struct question {
	const struct bounce_limits *limits;
	uint64_t p;
	uint64_t len;
	uint64_t unit;
	unsigned __int128 x;
};

/* Offset and span from their definitions, the rest from W1 .. W4. */
static bool would_do(const struct question *q)
{
	const struct bounce_limits *limits = q->limits;
	unsigned __int128 block = (unsigned __int128)limits->boundary + 1;
	uint64_t step = limits->align + 1;
	uint64_t offset = q->p & limits->match &
			  (limits->align | (q->unit - 1));
	uint64_t span = (offset + q->len + step - 1) / step * step;
	unsigned __int128 end = q->x + span - 1;

	return (((uint64_t)q->x + offset) & limits->match) ==
		       (q->p & limits->match) &&
	       q->x % step == 0 && q->x % q->unit == 0 &&
	       q->x / block == end / block && end <= limits->last;
}

static uint64_t low_mask(uint64_t *seed, uint64_t bits)
{
	return bounce_low_bits((unsigned)bench_below(seed, bits + 1));
}

/* Masks of a few bits and of many; a last address that matters, or not. */
static struct bounce_limits some_limits(uint64_t *seed)
{
	struct bounce_limits limits = no_limits;

	if (bench_below(seed, 2) != 0)
		limits.match = low_mask(seed, bench_below(seed, 2) ? 64 : 22);
	if (bench_below(seed, 2) != 0)
		limits.align = low_mask(seed, BOUNCE_CHUNK_SHIFT);
	if (bench_below(seed, 4) != 0)
		limits.boundary = low_mask(seed,
					   bench_below(seed, 2) ? 64 : 26);
	if (bench_below(seed, 2) != 0)
		limits.last = bench_random(seed) >> bench_below(seed, 40);
	return limits;
}

static uint64_t some_length(uint64_t *seed)
{
	return 1 + (bench_random(seed) & low_mask(seed, BOUNCE_SLAB_SHIFT));
}

/* Near 0, 2^64, the limit, a boundary or what P wants; or anywhere. */
static uint64_t some_bus(uint64_t *seed, const struct bounce_limits *limits,
			 uint64_t p)
{
	uint64_t near = bench_below(seed, 80) << BOUNCE_SLAB_SHIFT >>
			bench_below(seed, 24);

	switch (bench_below(seed, 6)) {
	case 0:
		return near;
	case 1:
		return -near;
	case 2:
		return limits->last - near;
	case 3:
		return (bench_random(seed) | limits->boundary) - near;
	case 4:
		return (p & limits->match) - near;
	default:
		return bench_random(seed);
	}
}

/* The pattern, one address at a time. */
static uint64_t slow_starts(const struct bounce_limits *limits, uint64_t p,
			    uint64_t len, uint32_t shift, uint64_t bus)
{
	struct question q = { limits, p, len, UINT64_C(1) << shift, bus };
	uint64_t starts = 0;

	for (unsigned i = 0; i < 64; i++, q.x += q.unit)
		starts |= (uint64_t)would_do(&q) << i;
	return starts;
}

Test(window_starts, are_the_addresses_that_w1_to_w4_allow_and_no_others)
{
	uint64_t compared = 0;
	uint64_t some = 0;

	for (uint64_t nth = 0; compared < CASES; nth++) {
		uint64_t seed = nth;
		struct bounce_limits limits = some_limits(&seed);
		uint64_t p = bench_random(&seed);
		uint64_t len = some_length(&seed);
		uint32_t shift = shifts[bench_below(&seed, 3)];
		uint64_t bus = some_bus(&seed, &limits, p) >> shift << shift;
		struct bounce_place place;
		uint64_t want;

		if (!bounce_window_place(&limits, p, len, shift, &place))
			continue;
		/* Only 64 chunks may pass the end of the address space. */
		if (shift != BOUNCE_CHUNK_SHIFT)
			bus = bounce_min(bus, -(UINT64_C(64) << shift));
		want = slow_starts(&limits, p, len, shift, bus);
		cr_assert_eq(bounce_window_starts(&place, bus), want,
			     "seed %lu", nth);
		compared++;
		some += want != 0 && ~want != 0;
	}
	cr_expect_gt(some, CASES / 10, "only %lu cases say much", some);
}

Test(window_starts, of_chunks_that_a_window_moved_by_slots_hold_w1_w3_and_w4)
{
	uint64_t found = 0;

	for (uint64_t nth = 0; nth < CASES; nth++) {
		uint64_t seed = nth;
		struct bounce_limits limits = some_limits(&seed);
		uint64_t p = bench_random(&seed);
		uint64_t len = some_length(&seed);
		uint64_t bus = some_bus(&seed, &limits, p) & ~UINT64_C(0xfff);
		struct bounce_place place;

		if (!bounce_window_place(&limits, p, len, BOUNCE_CHUNK_SHIFT,
					 &place))
			continue;
		for (uint64_t starts = bounce_window_starts(&place, bus);
		     starts != 0; starts &= starts - 1, found++) {
			uint64_t x = bus + ((uint64_t)bounce_lowest(starts)
					    << BOUNCE_CHUNK_SHIFT);
			uint64_t end = x + place.span - 1;

			cr_assert_eq((x + place.offset) & limits.match,
				     p & limits.match, "seed %lu", nth);
			cr_assert_eq(x & limits.align, 0, "seed %lu", nth);
			cr_assert_eq(x & ~limits.boundary,
				     end & ~limits.boundary, "seed %lu", nth);
			cr_assert(end >= x && end <= limits.last, "seed %lu",
				  nth);
		}
	}
	cr_expect_gt(found, CASES);
}

Test(window_starts, are_none_where_granules_or_slots_are_off_their_unit)
{
	for (unsigned i = 0; i < 2; i++) {
		struct bounce_place place;

		cr_assert(bounce_window_place(&no_limits, 0, 1, shifts[i],
					      &place));
		cr_expect_eq(bounce_window_starts(&place, 0x10000), UINT64_MAX);
		for (uint64_t off = 1; off < UINT64_C(1) << shifts[i];
		     off <<= 1)
			cr_expect_eq(
				bounce_window_starts(&place, 0x10000 + off), 0);
	}
}

/* ---- place ---- */

/* Offset and bytes, rounded up to A + 1. */
static uint64_t span_of(const struct bounce_limits *limits, uint64_t p,
			uint64_t len, uint32_t shift)
{
	uint64_t below = limits->align | bounce_low_bits(shift);

	return bounce_round_up((p & limits->match & below) + len,
			       limits->align);
}

/* Does some address below 2^24 do, for a run of at most 64 units? */
static bool somewhere(const struct bounce_limits *limits, uint64_t p,
		      uint64_t len, uint32_t shift)
{
	struct question q = { limits, p, len, UINT64_C(1) << shift, 0 };

	if (span_of(limits, p, len, shift) > 64 * q.unit)
		return false;
	for (; q.x < BOUNCE_SLAB_BYTES; q.x += q.unit)
		if (would_do(&q))
			return true;
	return false;
}

Test(window_place, refuses_only_what_no_address_could_ever_do)
{
	uint64_t refused = 0;

	for (uint64_t nth = 0; nth < CASES; nth++) {
		uint64_t seed = nth;
		struct bounce_limits limits = some_limits(&seed);
		uint64_t p = bench_random(&seed);
		uint64_t len = 1 + bench_below(&seed, 260 * KIB);
		uint32_t shift = shifts[1 + bench_below(&seed, 2)];
		struct bounce_place place;
		bool can;

		/* So that one of 2^24 addresses must do, if any. */
		limits.match &= BOUNCE_SLAB_BYTES - 1;
		limits.last = UINT64_MAX;
		can = bounce_window_place(&limits, p, len, shift, &place);
		refused += !can;
		cr_assert_eq(can, somewhere(&limits, p, len, shift), "seed %lu",
			     nth);
	}
	cr_expect_gt(refused, CASES / 10);
}

/* Does a run of granules fit each slot without leaving it? */
static bool fits_slot(const struct bounce_limits *limits, uint64_t p,
		      uint64_t len, uint32_t units)
{
	uint64_t starts = slow_starts(limits, p, len, BOUNCE_GRANULE_SHIFT,
				      UINT64_C(0xabcde) << BOUNCE_SLOT_SHIFT);

	return units <= 64 && (starts & bounce_low_bits(65 - units)) != 0;
}

Test(window_place, takes_granules_only_when_every_slot_has_room_inside_it)
{
	uint64_t taken = 0;

	for (uint64_t nth = 0; nth < CASES; nth++) {
		uint64_t seed = nth;
		struct bounce_limits limits = some_limits(&seed);
		uint64_t p = bench_random(&seed);
		uint64_t len = 1 + bench_below(&seed, 2100);
		uint64_t span;
		struct bounce_place place;
		bool can;

		limits.last = UINT64_MAX;
		can = bounce_window_place(&limits, p, len, BOUNCE_GRANULE_SHIFT,
					  &place);
		span = span_of(&limits, p, len, BOUNCE_GRANULE_SHIFT);
		cr_assert_eq(can,
			     limits.match <= 0xfff && span <= 2048 &&
				     fits_slot(&limits, p, len,
					       (uint32_t)(span + 63) / 64),
			     "seed %lu", nth);
		taken += can;
	}
	cr_expect_gt(taken, CASES / 10);
}

Test(window_place, refuses_no_bytes_and_more_than_a_slab_or_a_segment)
{
	struct bounce_limits limits = no_limits;
	struct bounce_place place;

	cr_expect_not(bounce_window_place(&limits, 0, 0, 12, &place));
	cr_expect_not(bounce_window_place(&limits, 0, 0, 18, &place));
	cr_expect_not(bounce_window_place(&limits, 0, 0, 6, &place));
	cr_expect(bounce_window_place(&limits, 0, 16 * MIB, 18, &place));
	cr_expect_eq(place.units, 64);
	cr_expect_not(
		bounce_window_place(&limits, 0, 16 * MIB + 1, 18, &place));
	cr_expect_not(bounce_window_place(&limits, 0, UINT64_MAX, 18, &place));
	cr_expect(bounce_window_place(&limits, 0, 256 * KIB, 12, &place));
	cr_expect_not(
		bounce_window_place(&limits, 0, 256 * KIB + 1, 12, &place));
	cr_expect(bounce_window_place(&limits, 0, 2048, 6, &place));
	cr_expect_not(bounce_window_place(&limits, 0, 2049, 6, &place));
	limits.segment = 8192;
	cr_expect(bounce_window_place(&limits, 0, 8192, 12, &place));
	cr_expect_not(bounce_window_place(&limits, 0, 8193, 12, &place));
}

/* ---- swiotlb's rule ---- */

/* A row of docs: M, A, P, length, the address bits under M, rounded length. */
struct vector {
	uint64_t match;
	uint64_t align;
	uint64_t p;
	uint64_t len;
	uint64_t bits;
	uint64_t total; /* 0: not rounded */
};

static const struct vector vectors[] = {
	{ 0, 0, 0x12345678, 1, 0, 0 },
	{ 0, 0, 0x12345678, 4095, 0, 0 },
	{ 0, 0, 0x12345678, 4096, 0, 0 },
	{ 0, 0, 0x12345678, 262144, 0, 0 },
	{ 0xfff, 0, 0x10000234, 512, 0x234, 0 },
	{ 0xfff, 0, 0x10000a34, 4096, 0xa34, 0 },
	{ 0xfff, 0, 0x10000fff, 258048, 0xfff, 0 },
	{ 0, 0xfff, 0x10000a34, 512, 0, 4096 },
	{ 0xfff, 0xfff, 0x10000a34, 512, 0xa34, 4096 },
	{ 0xfff, 0xfff, 0x10000a34, 4096, 0xa34, 8192 },
	{ 0xffff, 0, 0x1000a234, 8192, 0xa234, 0 },
	{ 0xffff, 0xfff, 0x1000a234, 100, 0xa234, 4096 },
	{ 0xffff, 0xffff, 0x1000a234, 100, 0xa234, 65536 },
};

static void hold(const struct vector *v, const struct bounce_place *place,
		 uint64_t bus)
{
	uint64_t starts = bounce_window_starts(place, bus);

	cr_expect_neq(starts, 0, "no start for P %lx", v->p);
	for (; starts != 0; starts &= starts - 1) {
		uint64_t x = bus +
			     ((uint64_t)bounce_lowest(starts) << place->shift);

		cr_expect_eq((x + place->offset) & v->match, v->bits);
		cr_expect_eq(x & v->align, 0);
		cr_expect_geq(place->span, v->len + place->offset);
		if (v->total != 0 && place->shift == BOUNCE_SLOT_SHIFT)
			cr_expect_eq(place->span, v->total);
		if (v->match == 0 && v->len >= 4096)
			cr_expect_eq(x & 0xfff, 0, "not slot-aligned");
	}
}

Test(window_place, keeps_swiotlbs_meaning_of_the_masks)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *v = &vectors[i];
		struct bounce_limits limits = no_limits;
		struct bounce_place place;

		limits.match = v->match;
		limits.align = v->align;
		cr_expect(
			bounce_window_place(&limits, v->p, v->len, 12, &place));
		hold(v, &place, 0x40000000);
		cr_expect(
			bounce_window_place(&limits, v->p, v->len, 18, &place));
		hold(v, &place, 0xfffffffffc000000);
	}
}

/* ---- the longest buffer ---- */

/* A slab, whole chunks at a multiple of a slab's bytes. */
#define SLAB_BUS (UINT64_C(0x12) << BOUNCE_SLAB_SHIFT)

/* Does it hold the buffer when it is empty, at slots or at chunks? */
static bool held(const struct bounce_limits *limits, uint64_t p, uint64_t len,
		 uint32_t chunks)
{
	struct bounce_place place;

	if (bounce_window_place(limits, p, len, BOUNCE_CHUNK_SHIFT, &place) &&
	    place.units <= chunks &&
	    (bounce_window_starts(&place, SLAB_BUS) &
	     bounce_low_bits(chunks + 1 - place.units)) != 0)
		return true;
	if (!bounce_window_place(limits, p, len, BOUNCE_SLOT_SHIFT, &place))
		return false;
	for (uint64_t i = 0; i < chunks; i++)
		if ((bounce_window_starts(&place,
					  SLAB_BUS + i * BOUNCE_CHUNK_BYTES) &
		     bounce_low_bits(65 - place.units)) != 0)
			return true;
	return false;
}

Test(window_max, is_mapped_whatever_the_buffers_address_and_one_byte_more_not)
{
	uint64_t some = 0;

	for (uint64_t nth = 0; nth < CASES; nth++) {
		uint64_t seed = nth;
		struct bounce_limits limits = some_limits(&seed);
		uint32_t chunks = 1 + (uint32_t)bench_below(&seed, CHUNKS);
		uint64_t bytes = chunks * 256 * KIB;
		uint64_t max;

		/* The last address may cut the last chunk. */
		bytes -= bench_below(&seed, 256 * KIB) &
			 low_mask(&seed, BOUNCE_CHUNK_SHIFT);
		limits.last = SLAB_BUS + bytes - 1;
		max = bounce_window_max(&limits, bytes);
		some += max != 0;
		for (unsigned i = 0; i < 8 && max != 0; i++)
			cr_assert(held(&limits, bench_random(&seed), max,
				       chunks),
				  "seed %lu", nth);
		cr_assert(max == 0 || held(&limits, UINT64_MAX, max, chunks),
			  "seed %lu", nth);
		cr_assert_not(held(&limits, UINT64_MAX, max + 1, chunks),
			      "seed %lu", nth);
	}
	cr_expect_gt(some, CASES / 3);
}

Test(window_max, is_a_slab_without_masks_and_less_what_they_cost_with_them)
{
	struct bounce_limits limits = no_limits;

	cr_expect_eq(bounce_window_max(&limits, 16 * MIB), 16 * MIB);
	cr_expect_eq(bounce_window_max(&limits, 256 * KIB), 256 * KIB);
	cr_expect_eq(bounce_window_max(&limits, UINT64_MAX), 16 * MIB);
	/* What a device's last address leaves of a slab. */
	cr_expect_eq(bounce_window_max(&limits, 511 * KIB), 511 * KIB);
	cr_expect_eq(bounce_window_max(&limits, 1), 1);
	cr_expect_eq(bounce_window_max(&limits, 0), 0);
	limits.match = 0xfff;
	cr_expect_eq(bounce_window_max(&limits, 256 * KIB), 256 * KIB - 4095);
	limits.align = 0xfff;
	cr_expect_eq(bounce_window_max(&limits, 256 * KIB), 256 * KIB - 4095);
	limits.boundary = 0xffff;
	cr_expect_eq(bounce_window_max(&limits, 256 * KIB), 64 * KIB - 4095);
	cr_expect_eq(bounce_window_max(&limits, 0), 0);
	limits.segment = 512;
	cr_expect_eq(bounce_window_max(&limits, 256 * KIB), 512);
}
