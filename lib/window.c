/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * window.c - which bus addresses will do, and gpa to bus: pure arithmetic.
 *
 * Owns nothing. The only file that turns a bounce_gpa_t into a bounce_bus_t.
 * W1 .. W4 are the address predicates of window.h.
 *
 *   N1  A range is judged by its last byte, or by how much lies between two
 *       addresses; base + length, which is 0 for a range that ends at 2^64 - 1,
 *       is never formed.
 *   N2  All masks are 2^n - 1, so that "less" is "and", and periods are shifts:
 *       nothing here divides, and nothing loops over units.
 */
#include "window.h"

#include <bounce/policy.h>

#include "base.h"

#define UNITS 64u /* of a place: bits of the pattern word */
#define SLOT_MASK ((uint64_t)BOUNCE_SLOT_BYTES - 1)
#define CHUNK_MASK ((uint64_t)BOUNCE_CHUNK_BYTES - 1)
#define WINDOW_FLAGS \
	((uint32_t)(BOUNCE_WINDOW_BYPASS | BOUNCE_WINDOW_TRANSLATED))

/* Longest run of granules: what is longer takes a slot. */
#define GRANULE_RUN_BYTES (BOUNCE_SLOT_BYTES / 2)

/* Bit i is set when i is a multiple of 2^n, n = 0 .. 6. */
static const uint64_t multiples[] = {
	UINT64_C(0xffffffffffffffff), UINT64_C(0x5555555555555555),
	UINT64_C(0x1111111111111111), UINT64_C(0x0101010101010101),
	UINT64_C(0x0001000100010001), UINT64_C(0x0000000100000001),
	UINT64_C(0x0000000000000001),
};

/* ---- where a run may start ---- */

bool bounce_window_limits_valid(const struct bounce_limits *limits)
{
	return bounce_is_low_mask(limits->boundary) &&
	       bounce_is_low_mask(limits->match) &&
	       bounce_is_low_mask(limits->align) &&
	       limits->align <= CHUNK_MASK && limits->segment != 0;
}

/*
 * Has every free slot a start for these granules, inside the slot? A slot is
 * split before its granules are looked at, so there must be no bad luck.
 */
static bool granules_fit_slot(const struct bounce_limits *limits,
			      uint64_t residue, uint64_t span)
{
	return limits->match <= SLOT_MASK && span <= GRANULE_RUN_BYTES &&
	       residue + span <= BOUNCE_SLOT_BYTES;
}

/*@ requires \valid_read(limits) && \valid(place);
    requires shift == 6 || shift == 12 || shift == 18;
    requires (limits->boundary & (limits->boundary + 1)) == 0;
    requires (limits->match & (limits->match + 1)) == 0;
    requires (limits->align & (limits->align + 1)) == 0;
    requires limits->align < BOUNCE_CHUNK_BYTES && limits->segment != 0;
    assigns *place;
    ensures \result != 0 ==>
            place->shift == shift && place->boundary == limits->boundary &&
            place->last == limits->last;
    ensures \result != 0 ==>
            (place->modulus & (place->modulus + 1)) == 0 &&
            place->residue <= place->modulus;
    ensures \result != 0 ==>
            1 <= len <= limits->segment &&
            place->offset + len <= place->span &&
            place->span <= place->offset + len + limits->align &&
            (place->span & limits->align) == 0;
    ensures \result != 0 ==>
            place->span - 1 <= place->boundary &&
            place->span <= place->units << shift &&
            (place->units - 1 << shift) < place->span && place->units <= 64;
    ensures \result != 0 ==>
            (\forall integer x; 0 <= x <= 0xffffffffffffffff ==>
             ((x & place->modulus) == place->residue <==>
              (x + place->offset & limits->match) == (p & limits->match) &&
              (x & limits->align) == 0 &&
              (x & (1 << shift) - 1 & BOUNCE_SLOT_BYTES - 1) == 0)); */
bool bounce_window_place(const struct bounce_limits *limits, uint64_t p,
			 uint64_t len, uint32_t shift,
			 struct bounce_place *place)
{
	uint64_t unit_mask = bounce_low_bits(shift);
	/* What a start cannot have, the offset must (W1, W2). */
	uint64_t below = limits->align | unit_mask;
	uint64_t offset = p & limits->match & below;
	uint64_t residue = p & limits->match & ~below;
	uint64_t span;

	if (len == 0 || len > BOUNCE_SLAB_BYTES || len > limits->segment)
		return false;
	span = bounce_round_up(offset + len, limits->align);
	/* W3: whichever of M and B is the larger, the start nearest above a
	 * multiple of B + 1 is residue & B bytes above it. */
	if (span > (uint64_t)UNITS << shift ||
	    span - 1 > (limits->boundary & ~residue))
		return false;
	if (shift == BOUNCE_GRANULE_SHIFT &&
	    !granules_fit_slot(limits, residue, span))
		return false;
	/* A window may move a chunk by some slots: that harms only if M or A
	 * say so, hence a slot's mask at most for the unit. */
	*place = (struct bounce_place) {
		.modulus = limits->match | limits->align |
			   (unit_mask & SLOT_MASK),
		.residue = residue,
		.boundary = limits->boundary,
		.last = limits->last,
		.span = span,
		.offset = (uint32_t)offset,
		.units = (uint32_t)((span + unit_mask) >> shift),
		.shift = shift,
		.free = (limits->match | limits->align) <=
			(unit_mask & SLOT_MASK),
	};
	return true;
}

/* The low @count bits, however large @count is. */
/*@ assigns \nothing;
    ensures \result == (count < 64 ? (1 << count) - 1 :
                                     0xffffffffffffffff); */
static uint64_t first_units(uint64_t count)
{
	return bounce_low_bits((unsigned)bounce_min(count, UNITS));
}

/* W1, W2: every unit at which X & modulus == residue. */
/*@ requires \valid_read(place);
    requires place->shift == 6 || place->shift == 12 || place->shift == 18;
    requires (place->modulus & (place->modulus + 1)) == 0;
    requires place->residue <= place->modulus;
    assigns \nothing;
    ensures \forall integer i; 0 <= i <= 63 ==>
            ((\result >> i & 1) == 1 <==>
             (bus + (i << place->shift) & place->modulus) == place->residue);
 */
static uint64_t match_starts(const struct bounce_place *place, uint64_t bus)
{
	/* From @bus up to the next address that has the residue. */
	uint64_t way = (place->residue - bus) & place->modulus;
	uint64_t first = way >> place->shift;
	uint64_t period = place->modulus >> place->shift; /* units, less one */

	if (first >= UNITS || first << place->shift != way)
		return 0;
	return multiples[bounce_lowest((period & (UNITS - 1)) + 1)] << first;
}

/* W3: every unit at which X & B leaves room for the span. */
/*@ requires \valid_read(place);
    requires place->shift == 6 || place->shift == 12 || place->shift == 18;
    requires (place->boundary & (place->boundary + 1)) == 0;
    requires 1 <= place->span && place->span - 1 <= place->boundary;
    assigns \nothing;
    ensures \forall integer i; 0 <= i <= 63 ==>
            ((\result >> i & 1) == 1 <==>
             (bus + (i << place->shift) & place->boundary) <=
             place->boundary - (place->span - 1)); */
static uint64_t boundary_starts(const struct bounce_place *place, uint64_t bus)
{
	uint64_t room = place->boundary - (place->span - 1);
	uint64_t period = place->boundary >> place->shift; /* units, less one */
	uint64_t at = (bus & place->boundary) >> place->shift;
	uint64_t excess = bus & place->boundary & bounce_low_bits(place->shift);
	uint64_t good; /* units that may start after a boundary, less one */
	uint64_t starts = 0;

	if (excess > room)
		return 0;
	good = (room - excess) >> place->shift;
	if (period < UNITS) {
		starts = multiples[bounce_lowest(period + 1)] *
			 first_units(good + 1);
		return starts >> at | starts << ((UNITS - at) % UNITS);
	}
	/* At most one boundary lies inside 64 units. */
	if (at <= good)
		starts = first_units(good - at + 1);
	if (period - at + 1 < UNITS)
		starts |= first_units(good + 1) << (period - at + 1);
	return starts;
}

/* W4: every unit at which the span ends at or below the last address. */
/*@ requires \valid_read(place);
    requires place->shift == 6 || place->shift == 12 || place->shift == 18;
    requires 1 <= place->span;
    assigns \nothing;
    ensures \forall integer i; 0 <= i <= 63 ==>
            ((\result >> i & 1) == 1 <==>
             i << place->shift <= place->last - (place->span - 1) - bus); */
static uint64_t limit_starts(const struct bounce_place *place, uint64_t bus)
{
	uint64_t top = place->last - (place->span - 1);

	if (place->span - 1 > place->last || bus > top)
		return 0;
	return first_units(((top - bus) >> place->shift) + 1);
}

/*@ requires \valid_read(place);
    requires place->shift == 6 || place->shift == 12 || place->shift == 18;
    requires (place->modulus & (place->modulus + 1)) == 0;
    requires place->residue <= place->modulus;
    requires (place->boundary & (place->boundary + 1)) == 0;
    requires 1 <= place->span && place->span - 1 <= place->boundary;
    requires place->span <= 64 << place->shift;
    assigns \nothing;
    ensures \forall integer i; 0 <= i <= 63 ==>
            ((\result >> i & 1) == 1 <==>
             (bus + (i << place->shift) & place->modulus) == place->residue &&
             (bus + (i << place->shift) & place->boundary) <=
             place->boundary - (place->span - 1) &&
             i << place->shift <= place->last - (place->span - 1) - bus);
 */
uint64_t bounce_window_starts(const struct bounce_place *place, uint64_t bus)
{
	/* From @bus to the last byte of a run that starts at the last unit. */
	uint64_t reach = ((uint64_t)(UNITS - 1) << place->shift) +
			 (place->span - 1);
	uint64_t starts = match_starts(place, bus);

	/* B & ~bus is what is left of the boundary's block above @bus. */
	if (bounce_likely(reach <= (place->boundary & ~bus) &&
			  reach <= place->last && bus <= place->last - reach))
		return starts;
	return starts & boundary_starts(place, bus) & limit_starts(place, bus);
}

/*@ requires \valid_read(limits);
    requires (limits->boundary & (limits->boundary + 1)) == 0;
    assigns \nothing;
    ensures \result != 0 <==>
            1 <= len <= limits->segment && bus + len - 1 <= limits->last &&
            (bus & limits->boundary) + len - 1 <= limits->boundary; */
bool bounce_window_fits(const struct bounce_limits *limits, uint64_t bus,
			uint64_t len)
{
	return len != 0 && len <= limits->segment && bus <= limits->last &&
	       len - 1 <= limits->last - bus &&
	       len - 1 <= (limits->boundary & ~bus);
}

/*
 * The worst buffer has all bits of M set. Its run starts M bytes above the
 * slab's base, chunks and offset together, and M & B above a boundary; below
 * a slot's bytes the start cannot move, so all of M & 4095 is lost there.
 * Rounding to A + 1 costs what the slab is not a multiple of; B + 1 is one,
 * unless nothing fits at all. The slab's bus address counts as a multiple of
 * its size; granules are not counted on, as they may be used up.
 */
uint64_t bounce_window_max(const struct bounce_limits *limits,
			   uint64_t slab_bytes)
{
	uint64_t lost = limits->match & (limits->boundary | SLOT_MASK);
	uint64_t room = bounce_min(slab_bytes, BOUNCE_SLAB_BYTES) &
			~limits->align;

	if (limits->match >= room || lost > limits->boundary ||
	    limits->align > limits->boundary)
		return 0;
	room -= limits->match;
	room = bounce_min(room - 1, limits->boundary - lost) + 1;
	return bounce_min(room, limits->segment);
}

/* ---- windows ---- */

/* Bytes of a window, less one: length 0 goes to the end of the shorter side. */
/*@ requires \valid_read(window);
    assigns \nothing;
    ensures window->len != 0 ==> \result == window->len - 1;
    ensures window->len == 0 ==>
            \result == \min(0xffffffffffffffff - window->bus.v,
                            0xffffffffffffffff - window->gpa.v); */
static uint64_t reach_of(const struct bounce_window *window)
{
	if (window->len != 0)
		return window->len - 1;
	return bounce_min(UINT64_MAX - window->bus.v,
			  UINT64_MAX - window->gpa.v);
}

bool bounce_window_valid(const struct bounce_window *window)
{
	uint64_t reach = reach_of(window);

	return ((window->bus.v | window->gpa.v | window->len) & SLOT_MASK) ==
		       0 &&
	       reach <= UINT64_MAX - window->bus.v &&
	       reach <= UINT64_MAX - window->gpa.v &&
	       (window->flags & ~WINDOW_FLAGS) == 0 && window->reserved == 0;
}

bool bounce_window_clash(const struct bounce_window *a,
			 const struct bounce_window *b)
{
	if (((a->flags ^ b->flags) & BOUNCE_WINDOW_BYPASS) != 0)
		return false;
	if (a->bus.v <= b->bus.v)
		return b->bus.v - a->bus.v <= reach_of(a);
	return a->bus.v - b->bus.v <= reach_of(b);
}

_Static_assert((uint32_t)BOUNCE_WINDOW_BYPASS == (uint32_t)BOUNCE_PATH_BYPASS &&
		       BOUNCE_PATH_BUS == 0,
	       "a path is the value of its windows' bypass flag");

/*@ requires \valid_read(windows);
    requires \valid_read(windows->window + (0 .. windows->count - 1));
    assigns \nothing;
    ensures \result != \null ==> \valid_read(\result);
    ensures \result != \null && \result->len != 0 ==>
            len != 0 && \result->gpa.v <= gpa.v &&
            gpa.v + len <= \result->gpa.v + \result->len; */
const struct bounce_window *bounce_window_find(
	const struct bounce_windows *windows, uint32_t path, bounce_gpa_t gpa,
	uint64_t len)
{
	/*@ loop invariant i <= windows->count;
	    loop assigns i;
	    loop variant windows->count - i; */
	for (uint32_t i = 0; len != 0 && i < windows->count; i++) {
		const struct bounce_window *window = &windows->window[i];
		uint64_t reach = reach_of(window);
		uint64_t offset = gpa.v - window->gpa.v;

		if ((window->flags & BOUNCE_WINDOW_BYPASS) == path &&
		    gpa.v >= window->gpa.v && offset <= reach &&
		    len - 1 <= reach - offset)
			return window;
	}
	return NULL;
}

bool bounce_window_bus(const struct bounce_windows *windows, uint32_t path,
		       bounce_gpa_t gpa, uint64_t len, bounce_bus_t *bus)
{
	const struct bounce_window *window = bounce_window_find(windows, path,
								gpa, len);

	if (window == NULL)
		return false;
	*bus = (bounce_bus_t) { window->bus.v + (gpa.v - window->gpa.v) };
	return true;
}

/* Windows of a path do not overlap on the bus, so one holds it, if any does. */
bool bounce_window_gpa(const struct bounce_windows *windows, uint32_t path,
		       uint64_t bus, uint64_t len, bounce_gpa_t *gpa)
{
	/*@ loop invariant i <= windows->count;
	    loop assigns i;
	    loop variant windows->count - i; */
	for (uint32_t i = 0; len != 0 && i < windows->count; i++) {
		const struct bounce_window *window = &windows->window[i];
		uint64_t reach = reach_of(window);
		uint64_t offset = bus - window->bus.v;

		if ((window->flags & BOUNCE_WINDOW_BYPASS) == path &&
		    bus >= window->bus.v && offset <= reach &&
		    len - 1 <= reach - offset) {
			gpa->v = window->gpa.v + offset;
			return true;
		}
	}
	return false;
}

/* ---- windows of any alignment: of a bus behind a bus ---- */

/* Bytes, less one, as a length; all 2^64 are 0: to the end. */
static uint64_t len_of(uint64_t reach)
{
	return reach + 1;
}

bool bounce_window_through(const struct bounce_window *inner,
			   const struct bounce_window *outer,
			   struct bounce_window *both)
{
	uint64_t inner_last = inner->gpa.v + reach_of(inner);
	uint64_t outer_last = outer->bus.v + reach_of(outer);
	uint64_t first = inner->gpa.v > outer->bus.v ? inner->gpa.v :
						       outer->bus.v;
	uint64_t last = bounce_min(inner_last, outer_last);

	if (first > last)
		return false;
	*both = (struct bounce_window) {
		.bus = { inner->bus.v + (first - inner->gpa.v) },
		.gpa = { outer->gpa.v + (first - outer->bus.v) },
		.len = len_of(last - first),
	};
	return true;
}

enum bounce_err bounce_window_whole(struct bounce_window *window)
{
	uint64_t reach = reach_of(window);
	uint64_t skip = (UINT64_C(0) - window->bus.v) & SLOT_MASK;

	if (((window->bus.v - window->gpa.v) & SLOT_MASK) != 0)
		return BOUNCE_ERR_ARG;
	/* What is left, less one, must have all bits of a slot. */
	if (skip > reach || reach - skip < SLOT_MASK)
		return BOUNCE_ERR_UNREACHABLE;
	reach -= skip;
	reach -= (reach + 1) & SLOT_MASK;
	window->bus.v += skip;
	window->gpa.v += skip;
	window->len = len_of(reach);
	return BOUNCE_OK;
}
