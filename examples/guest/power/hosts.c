/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * hosts.c - the scenario of two host bridges. On POWER an address space is a
 * host bridge: one table of translation control entries for all devices behind
 * it, whatever their requester IDs.
 *
 * A disk behind each, and a pool for each that is in its own bridge's table
 * alone. Each reads the image through its own pool, and cannot reach the
 * other's, at the same bus address.
 *
 *   H1  What is mapped here, is so at its guest-physical address, so that a bus
 *       address means the same page behind both bridges.
 */
#include "../handover.h"
#include "../island.h"
#include "../report.h"
#include "../virtio_pci.h"
#include "../windows.h"
#include "power.h"

#define HOSTS PCI_SEGMENTS
#define READ_BYTES (1u << 20)

/* The first bridge has other devices, too; the roles are tools/guests.py's. */
static const struct {
	const char *name;
	uint16_t requester;
} disk_facts[HOSTS] = {
	{ "host-0", 13u << PCI_SLOT_SHIFT },
	{ "host-1", 1u << PCI_SEGMENT_SHIFT | 1u << PCI_SLOT_SHIFT },
};

static unsigned char pools[HOSTS][ISLAND_BYTES]
	__attribute__((aligned(ISLAND_BYTES)));

static struct {
	struct bounce *bounce;
	struct tce table[HOSTS];
	struct bounce_tce *window[HOSTS];
	struct island island[HOSTS];
	struct blk blk[HOSTS];
	uint64_t requests[HOSTS]; /* before the first I/O */
	uint64_t requests_io;
} hosts;

/* Calls of the hypervisor about a host bridge's table. */
static uint64_t requests(unsigned host)
{
	struct bounce_space_info info;

	bounce_space_info(hosts.island[host].space, &info);
	return info.iommu.requests;
}

static void make_host(unsigned host)
{
	enum guest_role role = (enum guest_role)(GUEST_BRIDGED + host);
	struct bounce_translation translation = { .iommu = &bounce_iommu_tce };
	struct driver_open open;

	hosts.window[host] = tce_open(&hosts.table[host], host);
	translation.ctx = hosts.window[host];
	island_make(hosts.bounce, pools[host], &translation,
		    &hosts.island[host]);
	hosts.requests[host] = requests(host);
	virtio_place(role, disk_facts[host].requester);
	open = (struct driver_open) {
		.bounce = hosts.bounce,
		.space = hosts.island[host].space,
		.role = role,
		.flags = BOUNCE_DEVICE_FORCE,
	};
	if (blk_open(&hosts.blk[host], &open) != BOUNCE_OK)
		guest_fail("a disk behind a host bridge was refused");
}

/* Both are live, and take turns. */
static bool read_both(void)
{
	uint64_t before = requests(0) + requests(1);
	bool good = true;

	for (uint32_t at = 0; at < READ_BYTES && good; at += ISLAND_PART_BYTES)
		for (unsigned host = 0; host < HOSTS && good; host++)
			good = island_read(&hosts.blk[host],
					   (host * READ_BYTES + at) /
						   GUEST_SECTOR_BYTES,
					   ISLAND_PART_BYTES);
	hosts.requests_io = requests(0) + requests(1) - before;
	return good;
}

/* H1: the address is right, the bridge is not. */
static void keep_out(unsigned host)
{
	struct blk *owner = &hosts.blk[host];
	struct island_page page;
	bool good;

	island_lend(owner, &page);
	good = page.mapping.bus.v == page.buf.gpa.v &&
	       !island_reached(&hosts.blk[1 - host], &page) &&
	       island_reached(owner, &page);
	island_give_back(owner, &page);
	report_control(disk_facts[host].name, "other_host", good,
		       "a disk behind the other host bridge did not reach its "
		       "pool, at the same bus address; its own disk did");
}

static void say_row(unsigned host)
{
	const struct report_use use = {
		.pool = hosts.island[host].pool,
		.pool_bytes = ISLAND_BYTES,
		.share_calls_start = hosts.requests[host],
		.share_calls_io = hosts.requests_io,
		.window = "static",
		.io_bytes = READ_BYTES,
		.window_calls_io = hosts.requests_io,
	};

	report_row(disk_facts[host].name, &hosts.blk[host].driver, &use);
}

/* The second bridge's disk, and its window beyond all of memory. */
static void run_windows(void)
{
	const struct windows_place place = {
		.role = (enum guest_role)(GUEST_BRIDGED + 1),
		.iommu = &bounce_iommu_tce,
		.ctx = hosts.window[1],
		.window = {
			.len = POWER_RAM_BYTES,
			.flags = BOUNCE_WINDOW_TRANSLATED,
		},
		.own = { POWER_RAM_BYTES },
	};

	windows_run(&place);
}

static void hosts_run(void)
{
	const struct island_config config = {
		.islands = HOSTS,
		.devices = HOSTS,
	};
	bool good = true;

	report_stage("behind two host bridges");
	hosts.bounce = island_instance(&config);
	for (unsigned host = 0; host < HOSTS; host++)
		make_host(host);
	report_demand(read_both(), "reading behind two host bridges");
	for (unsigned host = 0; host < HOSTS; host++) {
		keep_out(host);
		say_row(host);
		good &= blk_close(&hosts.blk[host]);
		good &= island_end(&hosts.island[host]);
	}
	good &= bounce_fini(hosts.bounce) == BOUNCE_OK;
	report_demand(good, "all that was behind two host bridges ended");
	run_windows();
}

const struct guest_extras guest_extras = {
	.aside = hosts_run,
	.next = handover_run,
};
