/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * bypass.c - the virtio-iommu's bypass byte: whether a device that is in no
 * domain reaches memory. A disk that nobody uses yet does I/O at
 * guest-physical addresses, while the byte and its domain change.
 *
 *   Y1  While the byte is 1, all of memory is open to every device that is in
 *       no domain: none of those is at work then but this one.
 *
 * Source: VIRTIO 1.2 sections 5.13.4, 5.13.5.
 */
#include "bypass.h"

#include "island.h"
#include "mapped.h"
#include "report.h"
#include "viommu.h"

#define QUIET_MILLISECONDS 200u
#define FAULT_MILLISECONDS 2000u

static unsigned char memory[ISLAND_BYTES]
	__attribute__((aligned(ISLAND_BYTES)));

static struct {
	const struct bypass_place *place;
	struct bounce *bounce;
	struct bounce_pool *pool;
	struct bounce_space *space;
} bypass;

static void must(enum bounce_err err, const char *text)
{
	if (err != BOUNCE_OK)
		guest_fail(text);
}

/* A space where a bus address is the guest-physical one. */
static void make(void)
{
	const struct island_config config = { .islands = 1, .devices = 1 };
	const struct bounce_pool_info info = { .slabs = 1 };
	const struct bounce_window window = {
		.bus = { guest_cpu.ram_gpa },
		.gpa = { guest_cpu.ram_gpa },
		.len = guest_cpu.ram_bytes,
	};

	bypass.bounce = island_instance(&config);
	must(bounce_pool_init(bypass.bounce, &info, &bypass.pool), "a pool");
	must(bounce_pool_grow(bypass.pool, (bounce_gpa_t) { (uintptr_t)memory },
			      sizeof(memory)),
	     "a pool that nothing translates did not grow");
	must(bounce_space_init(bypass.bounce, bypass.pool, &bypass.space),
	     "a space that nothing translates");
	must(bounce_space_add_window(bypass.space, &window),
	     "a window that nothing translates");
	report_space("bypass", bypass.space);
}

static void end(void)
{
	bool good = bounce_space_fini(bypass.space) == BOUNCE_OK;

	good &= bounce_pool_fini(bypass.pool) == BOUNCE_OK;
	good &= bounce_fini(bypass.bounce) == BOUNCE_OK;
	report_demand(good, "what was about the bypass ended");
}

/*
 * Does it find its ring, and read? When it does not, the IOMMU reports where it
 * looked first; it would say nothing else.
 * @fault: written when it does not, and that was reported.
 */
static bool passes(struct bounce_viommu_fault *fault)
{
	static struct blk blk;
	const struct driver_open open = {
		.bounce = bypass.bounce,
		.space = bypass.space,
		.role = bypass.place->role,
		.flags = BOUNCE_DEVICE_FORCE,
	};
	bool passed;

	*fault = (struct bounce_viommu_fault) { .endpoint = UINT32_MAX };
	mapped_forget_faults();
	must(blk_open(&blk, &open), "a disk that nothing translates for");
	virtio_notify(&blk.driver.device, 0);
	passed = !viommu_wait_fault(QUIET_MILLISECONDS, fault);
	if (passed && !island_read(&blk, 0, ISLAND_PART_BYTES)) {
		/* Or it was late. */
		(void)viommu_wait_fault(FAULT_MILLISECONDS, fault);
		passed = false;
	}
	if (!blk_close(&blk))
		guest_fail("a disk that nothing translates for did not end");
	return passed;
}

/* And for want of what: a mapping of its domain, or a domain. */
static bool refused(bool in_domain)
{
	struct bounce_viommu_fault fault;

	return !passes(&fault) && fault.endpoint == bypass.place->requester &&
	       (fault.reason == VIOMMU_REASON_MAPPING) == in_domain;
}

static void control(const char *name, bool ok, const char *text)
{
	report_control(bypass.place->name, name, ok, text);
}

/* In a domain that maps nothing. */
static bool held_by_domain(void)
{
	uint16_t requester = bypass.place->requester;
	struct bounce_viommu_domain *domain = viommu_domain();
	bool held;

	must(viommu_attach(domain, requester), "a disk was not attached");
	held = refused(true);
	must(bounce_viommu_detach(domain, requester),
	     "a disk was not detached");
	return held;
}

void bypass_run(const struct bypass_place *place)
{
	struct bounce_viommu_fault fault;
	bool held;

	bypass.place = place;
	make();
	control("bypass_off", viommu_bypass(false) && refused(false),
		"in no domain, with the bypass byte 0, the device reached "
		"nothing, and the IOMMU reported it");
	control("bypass_on", viommu_bypass(true) && passes(&fault),
		"with the byte 1, as it was read back, it did its I/O at "
		"guest-physical addresses");
	held = held_by_domain();
	control("bypass_domain", held && passes(&fault),
		"put in a domain it was held to that, whatever the byte says, "
		"and let out again");
	control("bypass_off_again", viommu_bypass(false) && refused(false),
		"with the byte 0 again, as it was read back, it reached "
		"nothing");
	end();
}
