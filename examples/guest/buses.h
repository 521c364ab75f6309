/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * buses.h - five disks behind four bridges: their places, their buses' numbers,
 * and the requester IDs that they are seen with.
 *
 *   root bus -+- PCIe-to-PCI bridge -+- pcie-pci-1
 *             |                      +- pcie-pci-2
 *             |                      '- PCI bridge - nested
 *             +- PCI bridge - pci
 *             '- root port - root-port
 *
 * tools/guests.py makes such a machine.
 */
#ifndef BUSES_H
#define BUSES_H

#include "guest.h"

enum bus_disk {
	BUS_PCIE_PCI_1,
	BUS_PCIE_PCI_2,
	BUS_NESTED,
	BUS_PCI,
	BUS_PORT,
	BUS_DISKS,
};
#define BUS_BRIDGES 4u
_Static_assert(GUEST_BRIDGED + BUS_DISKS == GUEST_ROLES, "guest.h");

/* In the second numbering, the first bridge and the root port have exchanged
 * their numbers. */
enum bus_numbering {
	BUS_FIRST,
	BUS_SECOND,
};

/* Nothing may ever be mapped from here on, for 1 GiB. */
#define BUS_NOWHERE (UINT64_C(3) << 30)

/* bus_disk_name() - of a row; bus_role() - as a device. */
const char *bus_disk_name(enum bus_disk disk);
static inline enum guest_role bus_role(enum bus_disk disk)
{
	return (enum guest_role)(GUEST_BRIDGED + (unsigned)disk);
}

/* bus_number() - write the bridges' registers; all disks move, and are reset
 * or idle. */
void bus_number(enum bus_numbering numbering);

/* bus_tell(), bus_forget() - the library's topology, in the first numbering.
 * The second is false when it does not forget. */
void bus_tell(struct bounce *bounce);
bool bus_forget(void);

/* bus_function() - where the disk stands, for the library. */
struct bounce_function *bus_function(enum bus_disk disk);

/* bus_change() - what is to be renumbered is about to change; as
 * bounce_topology_change(). */
enum bounce_err bus_change(void);

/* bus_renumber() - registers and topology; after bus_change(). */
void bus_renumber(struct bounce *bounce, enum bus_numbering numbering);

/* bus_computed() - the one ID that a disk is seen with, by the library. */
uint16_t bus_computed(enum bus_disk disk);

/*
 * bus_seen() - by the IOMMU: the ID in its event when the disk, which is
 * attached to nothing, looks for its ring. UINT16_MAX: there was none.
 */
uint16_t bus_seen(enum bus_disk disk);

#endif
