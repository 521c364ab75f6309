/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * forced.c - guest.h's model for a guest that nothing protects, and that
 * bounces all the same (BOUNCE_DEVICE_FORCE), as an embedder's ordinary tests
 * do: there is no monitor to ask, and the library makes no call.
 *
 *   F1  What a device may be told of is what bounce_ranges() says the host can
 *       see, less a page that a control has taken back. A driver that goes
 *       past the library is caught there.
 */
#include "guest.h"

#define PAGE_SHIFT 12
#define PAGE_BYTES (UINT64_C(1) << PAGE_SHIFT)
#define RANGES 16u

static const struct bounce *watched;
static uint64_t taken = MODEL_NO_PAGE; /* by a control */

void cpu_arch(struct bounce_arch *arch)
{
	*arch = bounce_arch_none;
}

void model_watch(const struct bounce *bounce)
{
	watched = bounce;
}

/* The ranges that are there now; how many. */
static uint32_t ranges(struct bounce_range range[RANGES])
{
	uint32_t count = watched == NULL ?
				 0 :
				 bounce_ranges(watched, range, RANGES);

	if (count > RANGES)
		guest_fail("more ranges than this guest has pools");
	return count;
}

static bool inside(const struct bounce_range *range, uint64_t gpa, uint64_t len)
{
	uint64_t first = guest_le64(range->gpa);
	uint64_t bytes = guest_le64(range->len);

	return gpa >= first && len <= bytes && gpa - first <= bytes - len;
}

bool model_allows(uint64_t gpa, uint64_t len)
{
	struct bounce_range range[RANGES];
	uint32_t count = ranges(range);

	if (len == 0 || (taken < gpa + len && gpa < taken + PAGE_BYTES))
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (inside(&range[i], gpa, len))
			return true;
	return false;
}

uint64_t model_shared_granules(void)
{
	struct bounce_range range[RANGES];
	uint32_t count = ranges(range);
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < count; i++)
		bytes += guest_le64(range[i].len);
	return bytes >> PAGE_SHIFT;
}

bool cpu_share(uint64_t gpa)
{
	if (taken != gpa)
		return false;
	taken = MODEL_NO_PAGE;
	return true;
}

bool cpu_unshare(uint64_t gpa)
{
	taken = gpa;
	return true;
}

/* ---- what only a monitor does ---- */

uint64_t model_calls(void)
{
	return 0;
}

void model_open(void)
{
}

bool cpu_enter_secure(void)
{
	return false;
}

void model_refuse(uint64_t gpa)
{
	(void)gpa;
}

void model_awkward(bool on)
{
	(void)on;
}

void model_lie(enum model_lie lie)
{
	(void)lie;
}
