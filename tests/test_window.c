/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_window.c - windows, what is valid in them and in limits, and gpa to bus.
 * Where runs may start is in test_place.c.
 */
#include <criterion/criterion.h>

#include <bounce/policy.h>

#include "window.h"

static const struct bounce_limits no_limits = {
	.last = UINT64_MAX,
	.boundary = UINT64_MAX,
	.segment = UINT64_MAX,
};

/* ---- limits, and buffers where they are ---- */

Test(window_limits, want_low_masks_an_alignment_below_a_chunk_and_a_segment)
{
	struct bounce_limits limits = no_limits;

	cr_expect(bounce_window_limits_valid(&limits));
	limits.align = 0x3ffff;
	cr_expect(bounce_window_limits_valid(&limits));
	limits.align = 0x7ffff;
	cr_expect_not(bounce_window_limits_valid(&limits));
	limits.align = 0xffe;
	cr_expect_not(bounce_window_limits_valid(&limits));
	limits = no_limits;
	limits.match = 0x1000;
	cr_expect_not(bounce_window_limits_valid(&limits));
	limits = no_limits;
	limits.boundary = 0xffff0000;
	cr_expect_not(bounce_window_limits_valid(&limits));
	limits = no_limits;
	limits.segment = 0;
	cr_expect_not(bounce_window_limits_valid(&limits));
}

Test(window_fits, is_inside_last_boundary_and_segment_without_wrapping)
{
	struct bounce_limits limits = no_limits;

	cr_expect(bounce_window_fits(&limits, 0, UINT64_MAX));
	cr_expect(bounce_window_fits(&limits, UINT64_MAX, 1));
	cr_expect_not(bounce_window_fits(&limits, UINT64_MAX, 2));
	cr_expect_not(bounce_window_fits(&limits, 2, UINT64_MAX));
	cr_expect_not(bounce_window_fits(&limits, 0, 0));
	limits.last = 0xffffffff;
	cr_expect(bounce_window_fits(&limits, 0xfffff000, 0x1000));
	cr_expect_not(bounce_window_fits(&limits, 0xfffff000, 0x1001));
	cr_expect_not(bounce_window_fits(&limits, 0x100000000, 1));
	limits = no_limits;
	limits.boundary = 0xffff;
	cr_expect(bounce_window_fits(&limits, 0x10001, 0xffff));
	cr_expect_not(bounce_window_fits(&limits, 0x10001, 0x10000));
	cr_expect_not(bounce_window_fits(&limits, 0x10000, 0x10001));
	limits = no_limits;
	limits.segment = 512;
	cr_expect(bounce_window_fits(&limits, 0x10001, 512));
	cr_expect_not(bounce_window_fits(&limits, 0x10001, 513));
}

/* ---- windows ---- */

static struct bounce_window window(uint64_t bus, uint64_t gpa, uint64_t len,
				   uint32_t flags)
{
	return (struct bounce_window) {
		.bus = { bus },
		.gpa = { gpa },
		.len = len,
		.flags = flags,
	};
}

static bool valid(uint64_t bus, uint64_t gpa, uint64_t len, uint32_t flags)
{
	struct bounce_window w = window(bus, gpa, len, flags);

	return bounce_window_valid(&w);
}

#define TOP UINT64_C(0xfffffffffffff000) /* the last slot there is */

Test(window_valid, is_aligned_wraps_on_no_side_and_has_known_flags)
{
	struct bounce_window w = window(0, 0, 0x1000, 0);

	cr_expect(valid(0, 0, 0, 0));
	cr_expect(valid(0x1000, 0x2000, 0x3000, 3));
	cr_expect(valid(TOP, TOP, 0x1000, 0));
	cr_expect(valid(TOP, 0, 0, 0));
	cr_expect(valid(0, TOP, 0, 0));
	cr_expect_not(valid(0x1800, 0x2000, 0x3000, 0));
	cr_expect_not(valid(0x1000, 0x2001, 0x3000, 0));
	cr_expect_not(valid(0x1000, 0x2000, 0x3800, 0));
	cr_expect_not(valid(TOP, 0, 0x2000, 0));
	cr_expect_not(valid(0, TOP, 0x2000, 0));
	cr_expect_not(valid(0x2000, 0x2000, TOP, 0));
	cr_expect_not(valid(0, 0, 0x1000, 4));
	w.reserved = 1;
	cr_expect_not(bounce_window_valid(&w));
}

static bool clash(const struct bounce_window *a, const struct bounce_window *b)
{
	bool answer = bounce_window_clash(a, b);

	cr_expect_eq(answer, bounce_window_clash(b, a), "not symmetric");
	return answer;
}

Test(window_clash, is_a_shared_bus_address_on_the_same_path)
{
	struct bounce_window a = window(0x10000, 0, 0x10000, 0);
	struct bounce_window next = window(0x20000, 0, 0x10000, 0);
	struct bounce_window inside = window(0x1f000, 0, 0x1000, 2);
	struct bounce_window other = window(0x10000, 0, 0x10000, 1);
	struct bounce_window all = window(0, 0, 0, 0);
	struct bounce_window top = window(TOP, 0, 0, 0);
	struct bounce_window half = window(0, UINT64_C(1) << 63, 0, 0);

	cr_expect(clash(&a, &a));
	cr_expect_not(clash(&a, &next));
	cr_expect(clash(&a, &inside));
	cr_expect_not(clash(&a, &other));
	cr_expect(clash(&all, &a));
	cr_expect(clash(&all, &top));
	/* Its gpa side is the shorter one: it ends at bus 2^63 - 1. */
	cr_expect_not(clash(&half, &top));
}

Test(window_clash, is_one_shared_byte_already)
{
	struct bounce_window a = window(0x1000, 0, 0x1001, 0);
	struct bounce_window b = window(0x2000, 0, 1, 0);

	cr_expect(clash(&a, &b));
	cr_expect(clash(&b, &a));
	a.len--;
	cr_expect_not(clash(&a, &b));
	cr_expect_not(clash(&b, &a));
}

/* Bus address or NOWHERE through three windows of the bus and one bypass. */
#define NOWHERE UINT64_C(0xdead)
static uint64_t to_bus(uint32_t path, uint64_t gpa, uint64_t len)
{
	struct bounce_window list[] = {
		window(0x80000000, 0x40000000, 0x10000, 0),
		window(0x90000000, 0x40000000, 0x20000, 2),
		window(0, 0, 0, BOUNCE_WINDOW_BYPASS),
		window(TOP - 0x1000, 0x7000, 0x2000, 0),
		window(0, 0, 0, 0), /* not of the list */
	};
	const struct bounce_windows windows = { list, 4 };
	bounce_bus_t bus = { NOWHERE };
	bool found = bounce_window_bus(&windows, path, (bounce_gpa_t) { gpa },
				       len, &bus);

	cr_expect(found || bus.v == NOWHERE, "written on failure");
	return bus.v;
}

Test(window_bus, is_by_the_first_window_of_the_path_that_holds_all_of_it)
{
	const uint32_t bus = BOUNCE_PATH_BUS;

	cr_expect_eq(to_bus(bus, 0x40000000, 1), 0x80000000);
	cr_expect_eq(to_bus(bus, 0x4000ffff, 1), 0x8000ffff);
	cr_expect_eq(to_bus(bus, 0x4000ffff, 2), 0x9000ffff);
	cr_expect_eq(to_bus(bus, 0x4001ffff, 1), 0x9001ffff);
	cr_expect_eq(to_bus(bus, 0x4001ffff, 2), NOWHERE);
	cr_expect_eq(to_bus(bus, 0x3fffffff, 2), NOWHERE);
	cr_expect_eq(to_bus(bus, 0x40000000, UINT64_MAX), NOWHERE);
	cr_expect_eq(to_bus(bus, 0x8fff, 1), UINT64_MAX);
	cr_expect_eq(to_bus(bus, 0x8fff, 2), NOWHERE);
	cr_expect_eq(to_bus(bus, 0x40000000, 0), NOWHERE);
	cr_expect_eq(to_bus(2, 0x40000000, 1), NOWHERE);
}

Test(window_bus, reaches_the_end_of_the_address_space_by_bypass)
{
	const uint32_t bypass = BOUNCE_PATH_BYPASS;

	cr_expect_eq(to_bus(bypass, 0x40000000, 1), 0x40000000);
	cr_expect_eq(to_bus(bypass, UINT64_MAX, 1), UINT64_MAX);
	cr_expect_eq(to_bus(bypass, UINT64_MAX, 2), NOWHERE);
	cr_expect_eq(to_bus(bypass, 0, UINT64_MAX), 0);
	cr_expect_eq(to_bus(bypass, 2, UINT64_MAX), NOWHERE);
}

/* And back, through two windows of the bus and one bypass. */
static uint64_t to_gpa(uint32_t path, uint64_t bus, uint64_t len)
{
	struct bounce_window list[] = {
		window(0x80000000, 0x40000000, 0x10000, 0),
		window(0x90000000, 0x50000000, 0x20000, 2),
		window(0x1000, 0x3000, 0, BOUNCE_WINDOW_BYPASS),
		window(0, 0, 0, 0), /* not of the list */
	};
	const struct bounce_windows windows = { list, 3 };
	bounce_gpa_t gpa = { NOWHERE };
	bool found = bounce_window_gpa(&windows, path, bus, len, &gpa);

	cr_expect(found || gpa.v == NOWHERE, "written on failure");
	return gpa.v;
}

Test(window_gpa, is_by_the_window_of_the_path_that_holds_all_of_it)
{
	const uint32_t bus = BOUNCE_PATH_BUS;

	cr_expect_eq(to_gpa(bus, 0x80000000, 1), 0x40000000);
	cr_expect_eq(to_gpa(bus, 0x80000000, 0x10000), 0x40000000);
	cr_expect_eq(to_gpa(bus, 0x80000000, 0x10001), NOWHERE);
	cr_expect_eq(to_gpa(bus, 0x8000ffff, 1), 0x4000ffff);
	cr_expect_eq(to_gpa(bus, 0x8000ffff, 2), NOWHERE);
	cr_expect_eq(to_gpa(bus, 0x80010000, 1), NOWHERE);
	cr_expect_eq(to_gpa(bus, 0x7fffffff, 1), NOWHERE);
	cr_expect_eq(to_gpa(bus, 0x9001ffff, 1), 0x5001ffff);
	cr_expect_eq(to_gpa(bus, 0x80000000, 0), NOWHERE);
	cr_expect_eq(to_gpa(bus, 0x80000000, UINT64_MAX), NOWHERE);
	cr_expect_eq(to_gpa(BOUNCE_PATH_BYPASS, 0x80000000, 1), 0x80002000);
	cr_expect_eq(to_gpa(BOUNCE_PATH_BYPASS, 0xfff, 1), NOWHERE);
}

/* ---- one behind the other ---- */

Test(window_through, is_what_both_let_pass_to_the_last_byte)
{
	struct bounce_window inner = window(0x100, 0x5000, 0x1001, 0);
	struct bounce_window outer = window(0x6000, 0x9000, 0x1000, 0);
	struct bounce_window both;

	cr_assert(bounce_window_through(&inner, &outer, &both));
	cr_expect_eq(both.bus.v, 0x1100);
	cr_expect_eq(both.gpa.v, 0x9000);
	cr_expect_eq(both.len, 1);
	inner.len--;
	cr_expect_not(bounce_window_through(&inner, &outer, &both));
	/* The other way round. */
	inner = window(0x100, 0x6fff, 0x1000, 0);
	cr_assert(bounce_window_through(&inner, &outer, &both));
	cr_expect_eq(both.bus.v, 0x100);
	cr_expect_eq(both.gpa.v, 0x9fff);
	cr_expect_eq(both.len, 1);
	inner.gpa.v++;
	cr_expect_not(bounce_window_through(&inner, &outer, &both));
}
