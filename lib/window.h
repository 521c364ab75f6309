/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * window.h - which bus addresses will do, and gpa to bus. Pure arithmetic.
 *
 * Names as in swiotlb: M = min_align_mask, A = alloc_align_mask, B = boundary
 * mask, P = the buffer's gpa. The address predicates of a run that starts at
 * bus address X and hands out X + offset:
 *
 *   W1  (X + offset) & M == P & M
 *   W2  X & A == 0, and X is a multiple of the unit
 *   W3  [X, X + span) crosses no multiple of B + 1
 *   W4  X + span - 1 <= last, without wrap
 *
 * The unit is 2^shift bytes: a granule, a slot, or a chunk for runs of more
 * than 64 slots.
 */
#ifndef LIB_WINDOW_H
#define LIB_WINDOW_H

#include <bounce/space.h>

/* A device's limits, validated by bounce_window_limits_valid(). */
struct bounce_limits {
	uint64_t last; /* highest bus address */
	uint64_t boundary; /* B; UINT64_MAX: none */
	uint64_t match; /* M */
	uint64_t align; /* A, below a chunk's bytes */
	uint64_t segment; /* longest mapping, bytes */
};

/* Where a run may start: the predicates above, boiled down for one unit. */
struct bounce_place {
	uint64_t modulus; /* 2^n - 1: X & modulus == residue (W1, W2) */
	uint64_t residue;
	uint64_t boundary; /* B */
	uint64_t last;
	uint64_t span; /* bytes from X: offset + len, rounded up to A + 1 */
	uint32_t offset; /* from X to the byte handed out */
	uint32_t units; /* ceil(span / unit) */
	uint32_t shift; /* log2 of the unit */
	/* The unit alone decides: any start in a chunk (or slot) will do,
	 * unless @boundary or @last cuts it. */
	bool free;
};

/* The windows of a space, in the order in which they are tried. */
struct bounce_windows {
	struct bounce_window *window;
	uint32_t count;
};

/* Masks are 2^n - 1, A below a chunk, segment not 0. */
bool bounce_window_limits_valid(const struct bounce_limits *limits);

/*
 * Boil the limits down for a buffer of @len bytes at gpa bits @p and a unit of
 * 2^@shift bytes (6, 12 or 18). False when no address could ever do: longer
 * than a slab or B + 1, or (granules) when the unit is too small for M, A or
 * more than half a slot.
 */
bool bounce_window_place(const struct bounce_limits *limits, uint64_t p,
			 uint64_t len, uint32_t shift,
			 struct bounce_place *place);

/*
 * Of 64 adjacent units, the first at bus address @bus, those at which a run
 * may start: bit i stands for X = bus + (i << shift). Whether the run's units
 * are free, or even exist, is the pool's business. @bus is unit-aligned, and
 * for shifts 6 and 12 the 64 units do not wrap.
 */
uint64_t bounce_window_starts(const struct bounce_place *place, uint64_t bus);

/* Is [bus, bus + len) inside the device's limits where it is (DIRECT)? */
bool bounce_window_fits(const struct bounce_limits *limits, uint64_t bus,
			uint64_t len);

/* Bytes of the longest buffer that any P can have mapped in @slab_bytes. */
uint64_t bounce_window_max(const struct bounce_limits *limits,
			   uint64_t slab_bytes);

/* Aligned, no wrap on either side, no unknown flag. Length 0: see space.h. */
bool bounce_window_valid(const struct bounce_window *window);

/* Do two windows share a bus address on the same path? */
bool bounce_window_clash(const struct bounce_window *a,
			 const struct bounce_window *b);

/* The first window of @path that holds all of [gpa, +len), or NULL. */
const struct bounce_window *bounce_window_find(
	const struct bounce_windows *windows, uint32_t path, bounce_gpa_t gpa,
	uint64_t len);

/*
 * gpa to bus through the first window of @path that holds all of [gpa, +len).
 * False when there is none. The only place where one becomes the other.
 */
bool bounce_window_bus(const struct bounce_windows *windows, uint32_t path,
		       bounce_gpa_t gpa, uint64_t len, bounce_bus_t *bus);

/* And back: where [bus, +len) of @path leads. False when no window holds it. */
bool bounce_window_gpa(const struct bounce_windows *windows, uint32_t path,
		       uint64_t bus, uint64_t len, bounce_gpa_t *gpa);

/*
 * Two windows, one behind the other: what @inner leads to is a bus address of
 * @outer. Of any alignment; neither wraps. False when nothing gets through.
 */
bool bounce_window_through(const struct bounce_window *inner,
			   const struct bounce_window *outer,
			   struct bounce_window *both);

/*
 * Cut a window of any alignment down to whole slots. ERR_UNREACHABLE: there
 * are none; ERR_ARG: its two sides differ by a part of a slot.
 */
enum bounce_err bounce_window_whole(struct bounce_window *window);

#endif
