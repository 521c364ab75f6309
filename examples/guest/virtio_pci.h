/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * virtio_pci.h - what virtio_pci.c demands of a CPU's folder: configuration
 * cycles and a way to the registers.
 *
 * Where the CPU sees PCI's memory and I/O space as its own, pci_bars.c supplies
 * all but the configuration cycles, and wants the host bridge's windows.
 */
#ifndef VIRTIO_PCI_H
#define VIRTIO_PCI_H

#include "guest.h"

/* A requester ID: the bus, the slot, the function. */
#define PCI_BUS_SHIFT 8
#define PCI_SLOT_SHIFT 3

/* Here the leftmost bit of a bus says which host bridge it is behind: one
 * machine has two, each with a bus 0. */
#define PCI_SEGMENTS 2u
#define PCI_SEGMENT_SHIFT 15
#define PCI_SEGMENT_MASK 0x7fffu

#define PCI_SLOT_MASK 0x1fu
#define PCI_FUNCTION_MASK 7u

/* Configuration space: PCI 3.0, 6.1 and 6.2.5. */
#define PCI_COMMAND 0x04
#define PCI_COMMAND_IO 1u
#define PCI_COMMAND_MEMORY 2u
#define PCI_COMMAND_MASTER 4u
#define PCI_BAR 0x10
#define PCI_BARS 6u
#define PCI_BAR_FLAGS 0xfu

/* What is used of a BAR; one that is larger is refused. */
#define PCI_BAR_BYTES (64u << 10)

/* pci_bars.c: each slot of a bus has one BAR in PCI's memory. */
#define PCI_BUS_BYTES ((uint64_t)PCI_BAR_BYTES << 5)

/* pci_read(), pci_write() - configuration space; @bytes is 1, 2 or 4. */
uint32_t pci_read(uint16_t requester, uint32_t offset, uint32_t bytes);
void pci_write(uint16_t requester, uint32_t offset, uint32_t bytes,
	       uint32_t value);

/* pci_tell() - print how the machine's interfaces name a function, and what
 * translates for it. */
void pci_tell(uint16_t requester);

/*
 * pci_open_bar() - make a 64-bit memory BAR, or one of I/O space, reachable,
 * and let the function be a bus master if it is of memory.
 * Return: its first address for the two below, or 0 when that cannot be.
 */
uint64_t pci_open_bar(uint16_t requester, uint32_t bar, bool io);

/* pci_load(), pci_store() - a register of @bytes, in the CPU's byte order: the
 * number that a load of that width sees. */
uint32_t pci_load(uint64_t address, uint32_t bytes);
void pci_store(uint64_t address, uint32_t bytes, uint32_t value);

/* pci_port_load() - four bytes of a BAR of I/O space, as pci_load(). */
uint32_t pci_port_load(uint64_t address);

/*
 * pci_recover() - let a function be reached again that the bus has stopped
 * after a forbidden access; nothing when it has not.
 * Return: false when that has to be tried again.
 */
bool pci_recover(uint16_t requester);

/* virtio_configure() - write a byte of a device's configuration, of guest.h's
 * virtio_config(). */
void virtio_configure(const struct virtio_device *device, uint32_t offset,
		      uint8_t value);

/* ---- for pci_bars.c ---- */

/* A stretch of PCI's memory or I/O space, and where the CPU sees it: ports on
 * x86, else memory. */
struct pci_window {
	uint64_t pci;
	unsigned char *cpu;
	uint64_t len; /* bytes */
};

/* A host bridge's windows; found before guest_main(). */
struct pci_host {
	struct pci_window memory;
	struct pci_window io;
};
extern struct pci_host pci_hosts[PCI_SEGMENTS];

/* ---- pci_tree.c ---- */

/*
 * pci_take_windows() - find both in the device tree.
 * @node: how the bridges' names begin.
 * @segment: which of them.
 * Return: false when there is no such bridge.
 */
bool pci_take_windows(const char *node, unsigned segment);

/* ---- pci_bridge.c ---- */

/*
 * pci_bridge_number() - buses @secondary .. @subordinate are behind a bridge
 * now, and so is the memory where pci_bars.c places their functions.
 */
void pci_bridge_number(uint16_t bridge, uint8_t secondary, uint8_t subordinate);

/* ---- ecam.c: configuration space that the CPU sees as memory ---- */

/* Where bus 0 begins; found before guest_main(). */
extern unsigned char *pci_configuration;

#endif
