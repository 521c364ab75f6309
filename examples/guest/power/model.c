/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * model.c - the ultravisor, as far as sharing goes: what `sc 2` does on a CPU
 * with the Protected Execution Facility, played at the guest's own 0xC00.
 *
 * It alone knows which pages are shared, and it alone writes the host bridge's
 * TCE table, so that QEMU lets a device with ACCESS_PLATFORM reach exactly the
 * shared pages:
 *
 *   U1  A page is in the table if and only if its word in `shared` says so, or
 *       the guest is not a secure one (`open`): then every page is.
 *   U2  A page is zeroed before it enters the table, and after it left: what
 *       was secret does not get out, and what a device wrote does not get in.
 *   U3  A call does all of its pages or none.
 *   U4  Becoming secure leaves every page as it was, but out of the table.
 *
 * What it is not: memory encryption, MSR[S], or the hypervisor's part.
 *
 * Source: Linux Documentation/arch/powerpc/ultravisor.rst, UV_SHARE_PAGE,
 * UV_UNSHARE_PAGE and UV_ESM. Where that text and the published firmware part,
 * the model follows the text, but for r3: model_awkward().
 */
#include "../stage.h"
#include "power.h"

#define GRANULES (POWER_RAM_BYTES >> UV_PAGE_SHIFT)
#define TCE_BOTH (TCE_DEVICE_READS | TCE_DEVICE_WRITES)

static bool shared[GRANULES];
static uint64_t shared_count;
static uint64_t calls;
static uint64_t refused_gfn = MODEL_NO_PAGE;
static bool awkward;
static enum model_lie lie;
static bool open;
static struct tce window; /* the host bridge's, and the library's view of it */
static struct bounce_tce *table;

bool model_start(void)
{
	struct bounce_iommu_info info;

	table = tce_open(&window, 0);
	bounce_iommu_tce.info(table, &info);
	return info.first.v == 0 &&
	       info.last.v == guest_cpu.window[0].len - 1 &&
	       info.last.v >= POWER_RAM_BYTES - 1;
}

/* Pages of the window, by the library's backend; 0 takes them out. */
static bool put(uint64_t gpa, uint64_t len, uint32_t access)
{
	const struct bounce_iommu_run run = {
		.bus = { gpa },
		.gpa = { gpa },
		.len = len,
		.access = access != 0 ? access : TCE_BOTH,
	};
	uint64_t done;

	if ((access != 0 ? bounce_iommu_tce.map : bounce_iommu_tce.unmap)(
		    table, &run, 1, &done) != BOUNCE_STEP_DONE)
		return false;
	/* Do not believe it: ask the table (U1). */
	for (uint64_t at = gpa; at < gpa + len; at += TCE_PAGE_BYTES)
		if (!tce_holds(&window, at, access != 0 ? at | access : 0))
			return false;
	return true;
}

/* A table that does not do as told would make every result here void. */
static void set_granule(uint64_t gfn, bool share)
{
	uint64_t gpa = gfn << UV_PAGE_SHIFT;

	if (!share && !put(gpa, UV_PAGE_BYTES, 0))
		guest_fail("a TCE could not be removed");
	memset((void *)(uintptr_t)gpa, 0, UV_PAGE_BYTES);
	if (share && !put(gpa, UV_PAGE_BYTES, TCE_BOTH))
		guest_fail("a TCE could not be set");
	if (shared[gfn] != share)
		shared_count += share ? 1 : UINT64_MAX;
	shared[gfn] = share;
}

/* UV_ESM (U4). Its arguments name a kernel to be verified: not this model's. */
static int64_t enter_secure(void)
{
	if (!open)
		return U_FUNCTION;
	if (!put(0, POWER_RAM_BYTES, 0))
		guest_fail("a TCE could not be removed");
	open = false;
	return U_SUCCESS;
}

static int64_t set_granules(uint64_t gfn, uint64_t count, bool share)
{
	if (gfn >= GRANULES)
		return U_P2;
	if (count == 0 || count > GRANULES - gfn)
		return U_P3;
	if (share && refused_gfn - gfn < count)
		return U_P2;
	for (uint64_t i = 0; i < count; i++)
		set_granule(gfn + i, share);
	return U_SUCCESS;
}

static int64_t lie_about(uint64_t gfn, uint64_t count, bool share)
{
	if (lie == MODEL_NEVER_DONE)
		return U_BUSY;
	if (lie == MODEL_LIES_DONE)
		return share ? U_SUCCESS : set_granules(gfn, count, false);
	if (share)
		(void)set_granules(gfn, count, true);
	return U_NONSENSE;
}

uint64_t model_answer(uint64_t function, uint64_t gfn, uint64_t count)
{
	int64_t result;

	if (function == UV_ESM)
		return (uint64_t)enter_secure();
	if (function != UV_SHARE_PAGE && function != UV_UNSHARE_PAGE)
		return (uint64_t)(int64_t)U_FUNCTION;
	calls++;
	if (open)
		return (uint64_t)(int64_t)U_FUNCTION;
	if (lie == MODEL_HONEST)
		result = set_granules(gfn, count, function == UV_SHARE_PAGE);
	else
		result = lie_about(gfn, count, function == UV_SHARE_PAGE);
	return awkward ? function : (uint64_t)result;
}

/* ---- guest.h ---- */

void model_open(void)
{
	open = true;
	if (!put(0, POWER_RAM_BYTES, TCE_BOTH))
		guest_fail("a TCE could not be set");
}

void model_watch(const struct bounce *bounce)
{
	(void)bounce;
}

void model_refuse(uint64_t gpa)
{
	refused_gfn = gpa == MODEL_NO_PAGE ? gpa : gpa >> UV_PAGE_SHIFT;
}

void model_awkward(bool on)
{
	awkward = on;
}

void model_lie(enum model_lie how)
{
	lie = how;
}

uint64_t model_shared_granules(void)
{
	return shared_count;
}

uint64_t model_calls(void)
{
	return calls;
}

bool model_allows(uint64_t gpa, uint64_t len)
{
	uint64_t last = gpa + len - 1;

	if (len == 0 || last < gpa || last >= POWER_RAM_BYTES)
		return false;
	for (uint64_t gfn = gpa >> UV_PAGE_SHIFT; gfn <= last >> UV_PAGE_SHIFT;
	     gfn++)
		if (!shared[gfn] && !open)
			return false;
	return true;
}

bool cpu_share(uint64_t gpa)
{
	return power_ultracall(UV_SHARE_PAGE, gpa >> UV_PAGE_SHIFT, 1) ==
	       U_SUCCESS;
}

bool cpu_unshare(uint64_t gpa)
{
	return power_ultracall(UV_UNSHARE_PAGE, gpa >> UV_PAGE_SHIFT, 1) ==
	       U_SUCCESS;
}

bool cpu_enter_secure(void)
{
	return power_ultracall(UV_ESM, 0, 0) == U_SUCCESS;
}

/*
 * The one hook that is not the library's: QEMU's CPU has no MSR[S], so the real
 * one would say, rightly, that nothing protects this guest. The model says
 * whether it is protected, and everything behind that is the real code.
 */
static enum bounce_protection detect(void *ctx)
{
	(void)ctx;
	return open ? BOUNCE_PROTECTION_NO : BOUNCE_PROTECTION_YES;
}

void cpu_arch(struct bounce_arch *arch)
{
	*arch = bounce_arch_power_ultravisor;
	arch->detect = detect;
}

const struct guest_monitor guest_monitor = {
	.allows = model_allows,
	.shared_granules = model_shared_granules,
	.calls = model_calls,
};
