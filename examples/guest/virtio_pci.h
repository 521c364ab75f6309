/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * virtio_pci.h - what virtio_pci.c demands of a CPU's folder: configuration
 * cycles, and the windows through which the CPU sees PCI's other spaces.
 */
#ifndef VIRTIO_PCI_H
#define VIRTIO_PCI_H

#include "guest.h"

/* One function of bus 0: the slot; function 0. */
#define PCI_SLOT_SHIFT 3

/* A stretch of PCI's memory or I/O space, and where the CPU sees it. */
struct pci_window {
	uint64_t pci;
	unsigned char *cpu;
	uint64_t len; /* bytes */
};

/* pci_read(), pci_write() - configuration space; @bytes is 1, 2 or 4. */
uint32_t pci_read(uint16_t requester, uint32_t offset, uint32_t bytes);
void pci_write(uint16_t requester, uint32_t offset, uint32_t bytes,
	       uint32_t value);

/* The host bridge's windows; found before guest_main(). */
extern struct pci_window pci_memory;
extern struct pci_window pci_io;

#endif
