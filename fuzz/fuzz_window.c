/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz_window.c - windows and masks: where a run may start, and gpa to bus,
 * held to the predicates as they are written (window.h: W1 to W4), computed
 * with 128 bits so that nothing wraps.
 */
#include <bounce/policy.h>

#include "base.h"
#include "input.h"
#include "window.h"

typedef unsigned __int128 wide;

static uint64_t low_mask(struct fuzz_input *in, unsigned most)
{
	unsigned bits = (unsigned)fuzz_below(in, most + 1);

	return bounce_low_bits(bits);
}

static struct bounce_limits any_limits(struct fuzz_input *in)
{
	bool odd = fuzz_byte(in) == 0xff;

	return (struct bounce_limits) {
		.last = fuzz_wide(in),
		.boundary = odd ? fuzz_wide(in) : low_mask(in, 64),
		.match = odd ? fuzz_wide(in) : low_mask(in, 20),
		.align = odd ? fuzz_wide(in) : low_mask(in, 18),
		.segment = fuzz_wide(in),
	};
}

static bool limits_good(const struct bounce_limits *limits)
{
	const uint64_t masks[] = { limits->boundary, limits->match,
				   limits->align };

	for (int i = 0; i < 3; i++)
		if (((wide)masks[i] & ((wide)masks[i] + 1)) != 0)
			return false;
	return limits->align < BOUNCE_CHUNK_BYTES && limits->segment != 0;
}

/* W1 to W4 of a run that starts at @x. */
static bool may_start(const struct bounce_limits *limits,
		      const struct bounce_place *place, uint64_t p, wide x)
{
	uint64_t start = (uint64_t)x;
	wide end = x + place->span - 1;

	return ((start + place->offset) & limits->match) ==
		       (p & limits->match) &&
	       (start & limits->align) == 0 &&
	       start % (UINT64_C(1) << place->shift) == 0 &&
	       (x | limits->boundary) == (end | limits->boundary) &&
	       end <= limits->last;
}

static void place_one(struct fuzz_input *in, const struct bounce_limits *limits)
{
	static const uint32_t shifts[] = { 6, 12, 18 };
	uint32_t shift = shifts[fuzz_below(in, 3)];
	uint64_t p = fuzz_wide(in);
	uint64_t len = fuzz_wide(in);
	uint64_t unit = UINT64_C(1) << shift;
	uint64_t bus = fuzz_wide(in) & ~(unit - 1);
	struct bounce_place place;
	uint64_t starts;

	if (!bounce_window_place(limits, p, len, shift, &place))
		return;
	fuzz_check(len != 0 && len <= BOUNCE_SLAB_BYTES);
	fuzz_check(len <= limits->segment && place.shift == shift);
	fuzz_check(place.span >= (uint64_t)place.offset + len);
	fuzz_check((uint64_t)place.units * unit >= place.span);
	fuzz_check(((uint64_t)place.units - 1) * unit < place.span);
	if (shift != 18 && bus > UINT64_MAX - 64 * unit + 1)
		return;
	starts = bounce_window_starts(&place, bus);
	for (unsigned i = 0; i < 64; i++) {
		wide x = (wide)bus + ((wide)i << shift);
		bool want = x <= UINT64_MAX && may_start(limits, &place, p, x);

		/* Chunks past the end of the address space are nobody's. */
		if (x <= UINT64_MAX)
			fuzz_check((starts >> i & 1) == want);
	}
}

/* So many bytes fit an empty slab, whatever P is: at its first address or a
 * later one, here in a slab at bus address 0. */
static void max_one(struct fuzz_input *in, const struct bounce_limits *limits)
{
	uint64_t chunks = 1 + fuzz_below(in, 64);
	uint64_t slab = chunks << BOUNCE_CHUNK_SHIFT;
	uint64_t max = bounce_window_max(limits, slab);

	fuzz_check(max <= slab && max <= limits->segment);
}

static bool fits(const struct bounce_limits *limits, uint64_t bus, uint64_t len)
{
	wide end = (wide)bus + len - 1;

	return end <= limits->last && len <= limits->segment &&
	       ((wide)bus | limits->boundary) == (end | limits->boundary);
}

static struct bounce_window any_window(struct fuzz_input *in)
{
	bool odd = fuzz_byte(in) == 0xff;
	uint64_t mask = odd ? 0 : BOUNCE_SLOT_BYTES - 1;

	return (struct bounce_window) {
		.bus = { fuzz_wide(in) & ~mask },
		.gpa = { fuzz_wide(in) & ~mask },
		.len = fuzz_wide(in) & ~mask,
		.flags = (uint32_t)fuzz_below(in, odd ? 256 : 4),
	};
}

static wide length_of(const struct bounce_window *window)
{
	const wide all = (wide)1 << 64;
	uint64_t base = window->bus.v > window->gpa.v ? window->bus.v :
							window->gpa.v;

	return window->len != 0 ? window->len : all - base;
}

static bool holds(const struct bounce_window *window, uint32_t path,
		  uint64_t gpa, uint64_t len)
{
	bool bypass = (window->flags & BOUNCE_WINDOW_BYPASS) != 0;

	return bypass == (path == BOUNCE_PATH_BYPASS) && gpa >= window->gpa.v &&
	       (wide)gpa + len <= (wide)window->gpa.v + length_of(window);
}

static void windows_one(struct fuzz_input *in)
{
	struct bounce_window window[4];
	struct bounce_windows windows = { .window = window };
	uint64_t gpa = fuzz_wide(in);
	uint64_t len = fuzz_wide(in);
	uint32_t path = (uint32_t)fuzz_below(in, 2);
	const struct bounce_window *want = NULL;
	bounce_bus_t bus = { 0 };
	bool found;

	for (uint64_t n = fuzz_below(in, 5); n != 0; n--) {
		window[windows.count] = any_window(in);
		if (bounce_window_valid(&window[windows.count]))
			windows.count++;
	}
	if (len == 0 || bounce_wraps(gpa, len))
		return;
	for (uint32_t i = 0; i < windows.count && want == NULL; i++)
		if (holds(&window[i], path, gpa, len))
			want = &window[i];
	found = bounce_window_bus(&windows, path, (bounce_gpa_t) { gpa }, len,
				  &bus);
	fuzz_check(found == (want != NULL));
	if (found) {
		fuzz_check(bus.v == want->bus.v + (gpa - want->gpa.v));
		fuzz_check(!bounce_wraps(bus.v, len));
	}
	if (windows.count == 2)
		fuzz_check(bounce_window_clash(&window[0], &window[1]) ==
			   bounce_window_clash(&window[1], &window[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };

	while (fuzz_more(&in)) {
		struct bounce_limits limits = any_limits(&in);
		uint64_t bus = fuzz_wide(&in);
		uint64_t len = fuzz_wide(&in);

		fuzz_check(bounce_window_limits_valid(&limits) ==
			   limits_good(&limits));
		if (limits_good(&limits)) {
			place_one(&in, &limits);
			max_one(&in, &limits);
			if (len != 0)
				fuzz_check(
					bounce_window_fits(&limits, bus, len) ==
					fits(&limits, bus, len));
		}
		windows_one(&in);
	}
	return 0;
}
