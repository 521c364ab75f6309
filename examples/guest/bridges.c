/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * bridges.c - the bridges scenario: five disks behind four bridges, and a
 * virtio-iommu that knows them by requester IDs (buses.h).
 *
 * The library computes who is seen with which ID; the IOMMU's own fault events
 * are asked the same. Devices with one ID are in one space, which has a pool
 * and a domain of its own. Between two rounds of I/O the first bridge and the
 * root port exchange their bus numbers, and so their IDs:
 *
 *   R1  Quiesce, detach the old IDs, renumber, attach the new ones: no device
 *       ever reaches what was mapped for another.
 *   R2  In the wrong order it does, for a domain belongs to an ID. The last
 *       control shows it, so that the others can be believed.
 */
#include "buses.h"
#include "bypass.h"
#include "handover.h"
#include "island.h"
#include "mapped.h"
#include "report.h"
#include "viommu.h"
#include "virtio_pci.h"
#include "windows.h"

#define READ_BYTES (512u << 10) /* by each device, in each round */
#define INTRUDER_MILLISECONDS 200u

/* Each has an ID of its own. */
enum space {
	SPACE_PCIE_PCI, /* of three disks */
	SPACE_PCI,
	SPACE_PORT,
	SPACES,
};

static const enum space space_of[BUS_DISKS] = {
	[BUS_PCIE_PCI_1] = SPACE_PCIE_PCI, [BUS_PCIE_PCI_2] = SPACE_PCIE_PCI,
	[BUS_NESTED] = SPACE_PCIE_PCI,	   [BUS_PCI] = SPACE_PCI,
	[BUS_PORT] = SPACE_PORT,
};

static unsigned char pools[SPACES][ISLAND_BYTES]
	__attribute__((aligned(ISLAND_BYTES)));

static struct bounce_viommu_domain *domains[SPACES];

static struct {
	struct bounce *bounce;
	struct island island[SPACES];
	struct blk blk[BUS_DISKS];
	uint64_t requests; /* of the IOMMU, before the first I/O */
	uint64_t requests_io;
} bridges;

static void must(enum bounce_err err, const char *text)
{
	if (err != BOUNCE_OK)
		guest_fail(text);
}

/* ---- requester IDs: computed, and seen ---- */

static uint16_t id_of(enum space space)
{
	static const enum bus_disk first[SPACES] = { BUS_PCIE_PCI_1, BUS_PCI,
						     BUS_PORT };

	return bus_computed(first[space]);
}

static void compare_ids(unsigned round)
{
	for (enum bus_disk disk = 0; disk < BUS_DISKS; disk++) {
		uint16_t by_library = bus_computed(disk);
		uint16_t by_iommu = bus_seen(disk);

		guest_print("requester device=%s round=%u own=%x computed=%x "
			    "seen=%x\n",
			    bus_disk_name(disk), round,
			    (unsigned)virtio_requester(bus_role(disk)),
			    (unsigned)by_library, (unsigned)by_iommu);
		report_control(bus_disk_name(disk), "requester",
			       by_library == by_iommu,
			       "the IOMMU's event has the requester ID that "
			       "was computed");
	}
}

static void attach_ids(void)
{
	for (enum space space = 0; space < SPACES; space++)
		must(viommu_attach(domains[space], id_of(space)),
		     "an ID was not attached");
}

/* Each pool, and nothing else, in a domain of its own. */
static void make_spaces(void)
{
	for (enum space space = 0; space < SPACES; space++) {
		const struct bounce_translation translation = {
			.iommu = &bounce_iommu_virtio,
			.ctx = domains[space],
		};

		island_make(bridges.bounce, pools[space], &translation,
			    &bridges.island[space]);
	}
}

static void detach_ids(void)
{
	for (enum space space = 0; space < SPACES; space++)
		must(bounce_viommu_detach(domains[space], id_of(space)),
		     "an ID was not detached");
}

/* ---- I/O ---- */

static struct driver_open open_of(enum bus_disk disk)
{
	return (struct driver_open) {
		.bounce = bridges.bounce,
		.space = bridges.island[space_of[disk]].space,
		.role = bus_role(disk),
		.flags = BOUNCE_DEVICE_FORCE,
		.function = bus_function(disk),
	};
}

/* All disks are live, and take turns; each reads bytes of its own. */
static bool read_all(unsigned round)
{
	uint64_t requests = viommu_requests();
	bool good = true;

	for (uint32_t at = 0; at < READ_BYTES && good; at += ISLAND_PART_BYTES)
		for (enum bus_disk disk = 0; disk < BUS_DISKS && good; disk++) {
			uint64_t first = (round * BUS_DISKS + (unsigned)disk) *
						 (uint64_t)READ_BYTES +
					 at;

			good = island_read(&bridges.blk[disk],
					   first / GUEST_SECTOR_BYTES,
					   ISLAND_PART_BYTES);
		}
	bridges.requests_io += viommu_requests() - requests;
	return good;
}

/* A disk may not be in another space than those with its ID. */
static void refuse_alias(void)
{
	static struct blk blk;
	struct driver_open open = open_of(BUS_PCIE_PCI_2);
	enum bounce_err err;

	open.space = bridges.island[SPACE_PCI].space;
	err = blk_open(&blk, &open);
	report_control(bus_disk_name(BUS_PCIE_PCI_2), "alias_refused",
		       err == BOUNCE_ERR_REFUSED &&
			       blk.driver.answer.verdict.reason ==
				       BOUNCE_WHY_ALIASED,
		       blk.driver.answer.why);
}

/* A page that is mapped, but for others. */
static void reach_other(void)
{
	struct blk *owner = &bridges.blk[BUS_PCI];
	struct island_page page;
	bool good;

	island_lend(owner, &page);
	mapped_forget_faults();
	good = !island_reached(&bridges.blk[BUS_PORT], &page) &&
	       mapped_refused(page.mapping.bus, BOUNCE_SLOT_BYTES) ==
		       id_of(SPACE_PORT) &&
	       island_reached(owner, &page);
	island_give_back(owner, &page);
	report_control(bus_disk_name(BUS_PORT), "other_space", good,
		       "told to write to another space's pool, the device did "
		       "not reach it, and the IOMMU reported it");
}

/*
 * The root port's disk, as if it were of the first space: does it reach that
 * one's pool? Past the topology, which would refuse it. When it does not, it
 * does not find its ring, which the IOMMU reports, and would keep silent.
 */
static bool intrude(void)
{
	static struct blk blk;
	struct driver_open open = open_of(BUS_PORT);
	struct bounce_viommu_fault fault;
	bool reached;

	open.space = bridges.island[SPACE_PCIE_PCI].space;
	open.function = NULL;
	mapped_forget_faults();
	must(blk_open(&blk, &open), "the intruder");
	virtio_notify(&blk.driver.device, 0);
	reached = !viommu_wait_fault(INTRUDER_MILLISECONDS, &fault) &&
		  island_read(&blk, 0, GUEST_SECTOR_BYTES);
	if (!blk_close(&blk))
		guest_fail("the intruder did not end");
	return reached;
}

/* ---- the two rounds ---- */

static void quiesce(void)
{
	for (enum bus_disk disk = 0; disk < BUS_DISKS; disk++) {
		if (!blk_stop(&bridges.blk[disk]))
			guest_fail("a disk behind a bridge did not stop");
		bounce_device_stop(bridges.blk[disk].driver.requester);
	}
}

static void first_round(void)
{
	compare_ids(1);
	for (enum space space = 0; space < SPACES; space++)
		domains[space] = viommu_domain();
	attach_ids();
	make_spaces();
	bridges.requests = viommu_requests() - bridges.requests;
	for (enum bus_disk disk = 0; disk < BUS_DISKS; disk++) {
		struct driver_open open = open_of(disk);

		if (disk == BUS_PCIE_PCI_2)
			refuse_alias();
		must(blk_open(&bridges.blk[disk], &open),
		     "a disk behind a bridge was refused");
	}
	report_demand(read_all(0), "reading behind bridges");
	reach_other();
}

/* R1 */
static void second_round(void)
{
	bool busy = bus_change() == BOUNCE_ERR_BUSY;

	report_control(bus_disk_name(BUS_PCIE_PCI_1), "change_too_early", busy,
		       "with a device still at work, its bus was not let "
		       "change");
	quiesce();
	/* A domain ends with its last endpoint: the library forgets it before,
	 * and maps it afresh. */
	for (enum space space = 0; space < SPACES; space++)
		island_sink(&bridges.island[space]);
	detach_ids();
	must(bus_change(), "the buses could not be changed");
	bus_renumber(bridges.bounce, BUS_SECOND);
	compare_ids(2);
	attach_ids();
	for (enum space space = 0; space < SPACES; space++)
		island_rise(&bridges.island[space]);
	report_control(bus_disk_name(BUS_PORT), "right_order", !intrude(),
		       "with its bridge's old ID detached before it came to "
		       "another, a device did not reach the old one's pool");
	for (enum bus_disk disk = 0; disk < BUS_DISKS; disk++) {
		must(bounce_device_start(bridges.blk[disk].driver.requester),
		     "a disk behind a bridge was not started");
		must(blk_again(&bridges.blk[disk]),
		     "a disk behind a bridge was not taken back");
	}
	report_demand(read_all(1), "reading behind renumbered bridges");
}

/* R2: the registers alone, as by firmware that knows of no IOMMU. */
static void wrong_order(void)
{
	quiesce();
	bus_number(BUS_FIRST);
	report_control(
		bus_disk_name(BUS_PORT), "wrong_order", intrude(),
		"with the numbers exchanged and nothing detached, it "
		"reached another's pool: what is looked for can be seen");
	bus_number(BUS_SECOND);
}

/* ---- the whole ---- */

static void say_row(enum bus_disk disk)
{
	const struct report_use use = {
		.pool = bridges.island[space_of[disk]].pool,
		.pool_bytes = ISLAND_BYTES,
		.share_calls_start = bridges.requests,
		.share_calls_io = bridges.requests_io,
		.window = "static",
		.io_bytes = 2 * READ_BYTES,
		.window_calls_io = bridges.requests_io,
	};

	report_row(bus_disk_name(disk), &bridges.blk[disk].driver, &use);
}

static void tear_down(void)
{
	bool good = bounce_valid(bridges.bounce);

	for (enum bus_disk disk = 0; disk < BUS_DISKS; disk++)
		good &= bounce_device_detach(
				bridges.blk[disk].driver.requester) ==
			BOUNCE_OK;
	for (enum space space = 0; space < SPACES; space++)
		good &= island_end(&bridges.island[space]);
	detach_ids();
	good &= bus_forget();
	good &= bounce_fini(bridges.bounce) == BOUNCE_OK;
	report_demand(good, "all that was behind bridges ended");
}

/* The root port's disk, in a domain of its own. */
static void run_windows(void)
{
	enum guest_role role = bus_role(BUS_PORT);
	const struct windows_place place = {
		.role = role,
		.iommu = &bounce_iommu_virtio,
		.ctx = viommu_domain(),
		.window = guest_cpu.window[0],
		.own = { MAPPED_OWN },
	};

	must(viommu_attach(place.ctx, virtio_requester(role)),
	     "a disk of its own was not attached");
	windows_run(&place);
	must(bounce_viommu_detach(place.ctx, virtio_requester(role)),
	     "a disk of its own was not detached");
}

static void bridges_run(void)
{
	const struct island_config config = {
		.islands = SPACES,
		.devices = BUS_DISKS + 1,
		.functions = BUS_BRIDGES + BUS_DISKS,
	};

	const struct bypass_place place = {
		.name = bus_disk_name(BUS_PORT),
		.role = bus_role(BUS_PORT),
		.requester = virtio_requester(bus_role(BUS_PORT)),
	};

	report_stage("past the IOMMU");
	bypass_run(&place);
	report_stage("behind bridges");
	bridges.requests = viommu_requests();
	bridges.bounce = island_instance(&config);
	bus_tell(bridges.bounce);
	first_round();
	second_round();
	for (enum bus_disk disk = 0; disk < BUS_DISKS; disk++)
		say_row(disk);
	wrong_order();
	tear_down();
	run_windows();
}

/* ---- what the first image of such a machine does ---- */

const struct guest_extras guest_extras = {
	.omit_flush = mapped_omit,
	.refused = mapped_refused,
	.refused_by = "fault event",
	.aside = bridges_run,
	.next = handover_run,
};

const char *machine_start(void)
{
	static const enum guest_role confined[] = { GUEST_IN0, GUEST_OUT0,
						    GUEST_NET };

	/* QEMU looks for an endpoint's bus by its number, and keeps what it
	 * found; buses that have none yet are all bus 0. */
	bus_number(BUS_FIRST);
	return mapped_start(confined, sizeof(confined) / sizeof(confined[0]));
}
