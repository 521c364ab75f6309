/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * mapped.c - guest.h's model for a guest whose memory is kept from devices by a
 * virtio-iommu. The IOMMU is the monitor: to share a page is to map it, and
 * only what is mapped is within a device's reach. QEMU sees to that.
 *
 *   M1  A page is mapped, at MAPPED_BUS + gpa, if and only if `pages` says so;
 *       or all of them are, as one, when the guest is open.
 *   M2  All endpoints are in one domain.
 *   M3  mapped_omit() breaks M1 on purpose: `pages` then says PAGE_LEFT.
 */
#include "mapped.h"
#include "stage.h"
#include "viommu.h"

#define PAGE_SHIFT 12
#define PAGE_BYTES (UINT64_C(1) << PAGE_SHIFT)
#define PAGES_MOST (UINT64_C(1) << 16)
#define QUIET_POLLS 20000u /* no fault for so long: there are no more */

enum page {
	PAGE_PRIVATE = 0,
	PAGE_SHARED = 1,
	PAGE_LEFT = 2, /* private for us, but still mapped */
};

static struct bounce_viommu_domain *domain; /* M2 */
static uint8_t pages[PAGES_MOST];
static uint64_t shared_count;
static uint64_t calls;
static uint64_t refused = MODEL_NO_PAGE;
static bool awkward;
static enum model_lie lie;
static uint32_t delays; /* of the page that is being asked for */
static bool open;
static bool omitted;

/* How often an awkward monitor wants to be asked for a page. */
#define DELAYS 2u

static uint8_t *page_of(uint64_t gpa)
{
	return &pages[(gpa - guest_cpu.ram_gpa) >> PAGE_SHIFT];
}

static bool is_memory(uint64_t gpa, uint64_t len)
{
	return gpa >= guest_cpu.ram_gpa && len <= guest_cpu.ram_bytes &&
	       gpa - guest_cpu.ram_gpa <= guest_cpu.ram_bytes - len;
}

const char *mapped_start(const enum guest_role *roles, uint32_t count)
{
	const char *why = viommu_start();

	if (guest_cpu.ram_bytes > PAGES_MOST << PAGE_SHIFT)
		return "more memory than the model has pages";
	if (why != NULL)
		return why;
	domain = viommu_domain();
	for (uint32_t i = 0; i < count && why == NULL; i++)
		if (viommu_attach(domain, virtio_requester(roles[i])) !=
		    BOUNCE_OK)
			why = "an endpoint could not be attached";
	return why;
}

static bool set_mapped(uint64_t gpa, uint64_t len, bool mapped)
{
	const struct bounce_iommu *iommu = &bounce_iommu_virtio;
	const struct bounce_iommu_run run = {
		.bus = { MAPPED_BUS + gpa },
		.gpa = { gpa },
		.len = len,
		.access = BOUNCE_ACCESS_READ | BOUNCE_ACCESS_WRITE,
	};
	uint64_t done;

	return (mapped ? iommu->map : iommu->unmap)(domain, &run, 1, &done) ==
	       BOUNCE_STEP_DONE;
}

static bool share_page(uint64_t gpa)
{
	uint8_t *page = page_of(gpa);

	if (*page == PAGE_PRIVATE && !set_mapped(gpa, PAGE_BYTES, true))
		return false;
	shared_count += *page != PAGE_SHARED;
	*page = PAGE_SHARED;
	return true;
}

static bool unshare_page(uint64_t gpa)
{
	uint8_t *page = page_of(gpa);

	if (*page != PAGE_SHARED ||
	    (!omitted && !set_mapped(gpa, PAGE_BYTES, false)))
		return false;
	shared_count--;
	*page = omitted ? PAGE_LEFT : PAGE_PRIVATE;
	return true;
}

/* ---- the backend: what the library asks ---- */

static enum bounce_protection detect(void *ctx)
{
	(void)ctx;
	return open ? BOUNCE_PROTECTION_NO : BOUNCE_PROTECTION_YES;
}

/* Is this page to be asked for once more, before it is answered? */
static bool delayed(void)
{
	if (!awkward || delays == DELAYS) {
		delays = 0;
		return false;
	}
	delays++;
	return true;
}

static enum bounce_step lie_about(uint64_t gpa, bool share, uint32_t *done)
{
	if (lie == MODEL_NEVER_DONE)
		return BOUNCE_STEP_RETRY;
	if (lie == MODEL_GARBLES) {
		if (share)
			(void)share_page(gpa);
		return BOUNCE_STEP_UNKNOWN;
	}
	if (!share && *page_of(gpa) == PAGE_SHARED)
		(void)unshare_page(gpa);
	*done = 1;
	return BOUNCE_STEP_DONE;
}

static enum bounce_step step(bounce_gpa_t gpa, bool share, uint32_t *done)
{
	calls++;
	*done = 0;
	if (open || !is_memory(gpa.v, PAGE_BYTES) ||
	    (share && gpa.v == refused))
		return BOUNCE_STEP_UNCHANGED;
	if (lie != MODEL_HONEST)
		return lie_about(gpa.v, share, done);
	if (delayed())
		return BOUNCE_STEP_RETRY;
	if (!(share ? share_page(gpa.v) : unshare_page(gpa.v)))
		return BOUNCE_STEP_UNKNOWN;
	*done = 1;
	return BOUNCE_STEP_DONE;
}

static enum bounce_step share(void *ctx, bounce_gpa_t gpa, uint32_t count,
			      uint32_t *done)
{
	(void)ctx;
	(void)count; /* 1 */
	return step(gpa, true, done);
}

static enum bounce_step unshare(void *ctx, bounce_gpa_t gpa, uint32_t count,
				uint32_t *done)
{
	(void)ctx;
	(void)count;
	return step(gpa, false, done);
}

void cpu_arch(struct bounce_arch *arch)
{
	*arch = (struct bounce_arch) {
		.name = "guest/mapped",
		.granule_shift = PAGE_SHIFT,
		.contents = BOUNCE_CONTENTS_KEPT,
		.batch = 1,
		.detect = detect,
		.share = share,
		.unshare = unshare,
	};
}

/* ---- guest.h ---- */

bool cpu_share(uint64_t gpa)
{
	return share_page(gpa);
}

bool cpu_unshare(uint64_t gpa)
{
	return unshare_page(gpa);
}

void mapped_omit(bool omit)
{
	omitted = omit;
}

/* All of them are taken, until none has come for a while. */
uint32_t mapped_refused(bounce_bus_t bus, uint64_t len)
{
	struct bounce_viommu_fault fault;
	uint32_t first = GUEST_NOBODY;
	bool several = false;

	for (uint32_t quiet = 0; quiet < QUIET_POLLS; quiet++) {
		if (!viommu_take_fault(&fault))
			continue;
		quiet = 0;
		if (fault.address < bus.v || fault.address - bus.v >= len)
			continue;
		several |= first != GUEST_NOBODY && first != fault.endpoint;
		first = fault.endpoint;
	}
	return several ? GUEST_NOBODY : first;
}

void mapped_forget_faults(void)
{
	(void)mapped_refused((bounce_bus_t) { 0 }, 0);
}

void model_open(void)
{
	open = true;
	if (!set_mapped(guest_cpu.ram_gpa, guest_cpu.ram_bytes, true))
		guest_fail("memory could not be mapped");
}

bool cpu_enter_secure(void)
{
	if (!open || !set_mapped(guest_cpu.ram_gpa, guest_cpu.ram_bytes, false))
		return false;
	open = false;
	return true;
}

void model_watch(const struct bounce *bounce)
{
	(void)bounce;
}

void model_refuse(uint64_t gpa)
{
	refused = gpa == MODEL_NO_PAGE ? gpa : gpa & ~(PAGE_BYTES - 1);
}

void model_awkward(bool on)
{
	awkward = on;
	delays = 0;
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
	if (len == 0 || !is_memory(gpa, len))
		return false;
	for (uint64_t at = gpa & ~(PAGE_BYTES - 1); at < gpa + len;
	     at += PAGE_BYTES)
		if (*page_of(at) != PAGE_SHARED && !open)
			return false;
	return true;
}

const struct guest_monitor guest_monitor = {
	.allows = model_allows,
	.shared_granules = model_shared_granules,
	.calls = model_calls,
	.arch = cpu_arch,
};
