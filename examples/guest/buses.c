/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * buses.c - see buses.h.
 */
#include "buses.h"
#include "mapped.h"
#include "viommu.h"
#include "virtio_pci.h"
#include "vring.h"

#include <cpu.h>

#define FAULT_MILLISECONDS 2000u

/* ---- what stands where ---- */

enum bridge {
	PCIE_PCI,
	PCI,
	PORT,
	NESTED,
	BRIDGES,
};
_Static_assert(BRIDGES == BUS_BRIDGES, "buses.h");

static const struct {
	uint8_t kind; /* enum bounce_function_kind */
	uint8_t slot;
	enum bridge parent; /* BRIDGES: the root bus */
} bridge_facts[BRIDGES] = {
	[PCIE_PCI] = { BOUNCE_FUNCTION_PCIE_TO_PCI, 13, BRIDGES },
	[PCI] = { BOUNCE_FUNCTION_PCI_TO_PCI, 14, BRIDGES },
	[PORT] = { BOUNCE_FUNCTION_PORT, 15, BRIDGES },
	[NESTED] = { BOUNCE_FUNCTION_PCI_TO_PCI, 3, PCIE_PCI },
};

static const struct {
	const char *name;
	enum bridge parent;
	uint8_t slot;
} disk_facts[BUS_DISKS] = {
	[BUS_PCIE_PCI_1] = { "pcie-pci-1", PCIE_PCI, 1 },
	[BUS_PCIE_PCI_2] = { "pcie-pci-2", PCIE_PCI, 2 },
	[BUS_NESTED] = { "nested", NESTED, 1 },
	[BUS_PCI] = { "pci", PCI, 1 },
	[BUS_PORT] = { "root-port", PORT, 0 },
};

/* The buses beneath a bridge. */
struct numbers {
	uint8_t secondary;
	uint8_t subordinate;
};

static const struct numbers numberings[2][BRIDGES] = {
	[BUS_FIRST] = {
		[PCIE_PCI] = { 1, 2 },
		[NESTED] = { 2, 2 },
		[PCI] = { 3, 3 },
		[PORT] = { 4, 4 },
	},
	[BUS_SECOND] = {
		[PCIE_PCI] = { 4, 5 },
		[NESTED] = { 5, 5 },
		[PCI] = { 3, 3 },
		[PORT] = { 1, 1 },
	},
};
#define BUS_ASIDE 6u /* free in both */

static struct bounce_function *bridge_functions[BRIDGES];
static struct bounce_function *disk_functions[BUS_DISKS];

const char *bus_disk_name(enum bus_disk disk)
{
	return disk_facts[disk].name;
}

struct bounce_function *bus_function(enum bus_disk disk)
{
	return disk_functions[disk];
}

static void must(enum bounce_err err, const char *text)
{
	if (err != BOUNCE_OK)
		guest_fail(text);
}

/* ---- registers ---- */

static uint16_t place_of(const struct numbers numbers[BRIDGES],
			 enum bridge parent, uint8_t slot)
{
	unsigned bus = parent == BRIDGES ? 0 : numbers[parent].secondary;

	return (uint16_t)(bus << PCI_BUS_SHIFT | (unsigned)slot
							 << PCI_SLOT_SHIFT);
}

static uint16_t bridge_place(const struct numbers numbers[BRIDGES],
			     enum bridge bridge)
{
	return place_of(numbers, bridge_facts[bridge].parent,
			bridge_facts[bridge].slot);
}

static void number(const struct numbers numbers[BRIDGES], enum bridge bridge)
{
	pci_bridge_number(bridge_place(numbers, bridge),
			  numbers[bridge].secondary,
			  numbers[bridge].subordinate);
}

/* No two bridges have the same number at any time. */
void bus_number(enum bus_numbering numbering)
{
	const struct numbers *numbers = numberings[numbering];

	pci_bridge_number(bridge_place(numbers, PORT), BUS_ASIDE, BUS_ASIDE);
	number(numbers, PCIE_PCI);
	number(numbers, NESTED);
	number(numbers, PCI);
	number(numbers, PORT);
	for (enum bus_disk disk = 0; disk < BUS_DISKS; disk++)
		virtio_place(bus_role(disk),
			     place_of(numbers, disk_facts[disk].parent,
				      disk_facts[disk].slot));
}

/* ---- the library's topology ---- */

static void add_bridge(struct bounce *bounce, enum bridge bridge)
{
	const struct numbers *numbers = &numberings[BUS_FIRST][bridge];
	enum bridge parent = bridge_facts[bridge].parent;
	const struct bounce_function_info info = {
		.parent = parent == BRIDGES ? NULL : bridge_functions[parent],
		.devfn = (uint8_t)(bridge_facts[bridge].slot << PCI_SLOT_SHIFT),
		.kind = bridge_facts[bridge].kind,
		.secondary = numbers->secondary,
		.subordinate = numbers->subordinate,
	};

	must(bounce_function_add(bounce, &info, &bridge_functions[bridge]),
	     "a bridge was not taken");
}

static void add_disk(struct bounce *bounce, enum bus_disk disk)
{
	const struct bounce_function_info info = {
		.parent = bridge_functions[disk_facts[disk].parent],
		.devfn = (uint8_t)(disk_facts[disk].slot << PCI_SLOT_SHIFT),
		.kind = BOUNCE_FUNCTION_ENDPOINT,
	};

	must(bounce_function_add(bounce, &info, &disk_functions[disk]),
	     "a function was not taken");
}

void bus_tell(struct bounce *bounce)
{
	for (enum bridge bridge = 0; bridge < BRIDGES; bridge++)
		add_bridge(bounce, bridge);
	for (enum bus_disk disk = 0; disk < BUS_DISKS; disk++)
		add_disk(bounce, disk);
}

bool bus_forget(void)
{
	bool good = true;

	for (unsigned disk = 0; disk < BUS_DISKS; disk++)
		good &= bounce_function_remove(disk_functions[disk]) ==
			BOUNCE_OK;
	/* What is beneath another was added after it. */
	for (unsigned bridge = BRIDGES; bridge-- > 0;)
		good &= bounce_function_remove(bridge_functions[bridge]) ==
			BOUNCE_OK;
	return good;
}

enum bounce_err bus_change(void)
{
	enum bounce_err err;

	err = bounce_topology_change(bridge_functions[PCIE_PCI]);
	return err == BOUNCE_OK ?
		       bounce_topology_change(bridge_functions[PORT]) :
		       err;
}

void bus_renumber(struct bounce *bounce, enum bus_numbering numbering)
{
	static const enum bridge changed[] = { PCIE_PCI, NESTED, PORT };

	bus_number(numbering);
	for (unsigned i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
		const struct numbers *numbers =
			&numberings[numbering][changed[i]];

		must(bounce_topology_number(bridge_functions[changed[i]],
					    numbers->secondary,
					    numbers->subordinate),
		     "a bridge could not be renumbered");
	}
	must(bounce_topology_settle(bounce), "a renumbering did not settle");
}

/* ---- requester IDs ---- */

uint16_t bus_computed(enum bus_disk disk)
{
	struct bounce_requesters ids;

	bounce_function_requesters(disk_functions[disk], &ids);
	return ids.count == 1 ? (uint16_t)ids.id[0] : UINT16_MAX;
}

/* Let a device look for its ring where there is nothing. */
static void provoke(const struct virtio_device *device)
{
	const struct virtio_ring ring = {
		.entries = VRING_ENTRIES,
		.descriptors = { BUS_NOWHERE },
		.available = { BUS_NOWHERE + 4096 },
		.used = { BUS_NOWHERE + 8192 },
	};
	const uint64_t features = BOUNCE_VIRTIO_F_VERSION_1 |
				  BOUNCE_VIRTIO_F_ACCESS_PLATFORM;

	if (!virtio_accept(device, device->offered & features) ||
	    !virtio_queue(device, 0, &ring))
		guest_fail("a disk behind a bridge takes no ring");
	virtio_live(device);
	virtio_notify(device, 0);
}

uint16_t bus_seen(enum bus_disk disk)
{
	struct virtio_device device;
	struct bounce_viommu_fault fault;
	bool found;

	if (!virtio_find(bus_role(disk), &device))
		guest_fail("a disk behind a bridge is not there");
	mapped_forget_faults();
	provoke(&device);
	found = viommu_wait_fault(FAULT_MILLISECONDS, &fault);
	if (!virtio_reset(&device))
		guest_fail("a disk behind a bridge could not be reset");
	/* Of one that is attached it would be VIOMMU_REASON_MAPPING. */
	return found && fault.reason != VIOMMU_REASON_MAPPING ?
		       (uint16_t)fault.endpoint :
		       UINT16_MAX;
}
