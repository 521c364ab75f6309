/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * monitor.c - the operating system as the monitor: a private page is anonymous
 * memory, which no other process has; to share it is to map the memfd there.
 *
 *   M1  A granule is a mapping of the memfd while its bit is set, else private
 *       and absent from the memfd.
 *
 * Source: Linux man-pages 6.03: memfd_create(2), "File sealing"; mmap(2).
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define GRANULE_SHIFT 16
#define GRANULES (HOST_POOL_BYTES >> GRANULE_SHIFT)
_Static_assert(GRANULES <= 64, "one word of bits");

static const struct bounce *watched;
static uint64_t shared_bits; /* M1 */
static uint64_t calls;
static int memory_fd = -1;

static void *page(uint64_t gpa)
{
	return (void *)(uintptr_t)gpa;
}

static bool map_private(uint64_t gpa, uint64_t bytes, int flags)
{
	return mmap(page(gpa), bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0) == page(gpa);
}

void host_memory(void)
{
	/* Who has no CAP_SYS_PTRACE cannot read our memory (prctl(2)). */
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		guest_fail("prctl(PR_SET_DUMPABLE)");
	memory_fd = memfd_create("slab", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory_fd < 0 || ftruncate(memory_fd, HOST_POOL_BYTES) != 0)
		guest_fail("memfd_create()");
	/* H3: who shrinks a mapped file kills those who touch its pages. */
	if (fcntl(memory_fd, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		guest_fail("the memfd takes no seals");
	if (!map_private(HOST_POOL_GPA, HOST_POOL_BYTES, MAP_FIXED_NOREPLACE))
		guest_fail("the pool's addresses are taken");
}

int host_memory_fd(void)
{
	return memory_fd;
}

/* ---- the library's backend ---- */

static uint64_t bits(bounce_gpa_t gpa, uint32_t count)
{
	uint64_t some = count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;

	return some << ((gpa.v - HOST_POOL_GPA) >> GRANULE_SHIFT);
}

static enum bounce_protection detect(void *ctx)
{
	(void)ctx;
	return BOUNCE_PROTECTION_YES;
}

static bool map_shared(uint64_t gpa, uint64_t bytes)
{
	return mmap(page(gpa), bytes, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, memory_fd,
		    (off_t)(gpa - HOST_POOL_GPA)) == page(gpa);
}

/* And what was shared is nowhere any more. */
static bool map_alone(uint64_t gpa, uint64_t bytes)
{
	return map_private(gpa, bytes, MAP_FIXED) &&
	       fallocate(memory_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 (off_t)(gpa - HOST_POOL_GPA), (off_t)bytes) == 0;
}

/* A mmap() over pages that fails may have taken them away: UNKNOWN. */
static enum bounce_step answer(bool good, uint32_t count, uint32_t *done)
{
	calls++;
	*done = good ? count : 0;
	return good ? BOUNCE_STEP_DONE : BOUNCE_STEP_UNKNOWN;
}

static enum bounce_step share(void *ctx, bounce_gpa_t gpa, uint32_t count,
			      uint32_t *done)
{
	bool good = map_shared(gpa.v, (uint64_t)count << GRANULE_SHIFT);

	(void)ctx;
	if (good)
		shared_bits |= bits(gpa, count);
	return answer(good, count, done);
}

static enum bounce_step unshare(void *ctx, bounce_gpa_t gpa, uint32_t count,
				uint32_t *done)
{
	bool good = map_alone(gpa.v, (uint64_t)count << GRANULE_SHIFT);

	(void)ctx;
	if (good)
		shared_bits &= ~bits(gpa, count);
	return answer(good, count, done);
}

void cpu_arch(struct bounce_arch *arch)
{
	*arch = (struct bounce_arch) {
		.name = "memfd",
		.granule_shift = GRANULE_SHIFT,
		.contents = BOUNCE_CONTENTS_ZERO,
		.verify_share = true,
		.batch = GRANULES,
		.detect = detect,
		.share = share,
		.unshare = unshare,
	};
}

/* ---- what the guests' drivers and reports ask ---- */

bool model_allows(uint64_t gpa, uint64_t len)
{
	uint64_t first;
	uint64_t last;

	if (gpa < HOST_POOL_GPA || len == 0 || len > HOST_POOL_BYTES ||
	    gpa - HOST_POOL_GPA > HOST_POOL_BYTES - len)
		return false;
	first = (gpa - HOST_POOL_GPA) >> GRANULE_SHIFT;
	last = (gpa - HOST_POOL_GPA + len - 1) >> GRANULE_SHIFT;
	for (uint64_t i = first; i <= last; i++)
		if ((shared_bits >> i & 1) == 0)
			return false;
	return true;
}

uint64_t model_shared_granules(void)
{
	return (uint64_t)__builtin_popcountll(shared_bits);
}

uint64_t model_calls(void)
{
	return calls;
}

void model_watch(const struct bounce *bounce)
{
	watched = bounce;
}

uint32_t host_ranges(struct bounce_range *range, uint32_t max)
{
	return watched == NULL ? 0 : bounce_ranges(watched, range, max);
}
