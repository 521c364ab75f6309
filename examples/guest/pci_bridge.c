/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * pci_bridge.c - bus numbers and memory windows of PCI bridges.
 *
 * Source: PCI-to-PCI Bridge Architecture Specification 1.2, 3.2.5.
 */
#include "virtio_pci.h"

/* 3.2.5.3 .. 3.2.5.9. */
#define PRIMARY 0x18
#define SECONDARY 0x19
#define SUBORDINATE 0x1a
#define MEMORY_BASE 0x20
#define MEMORY_LIMIT 0x22
#define PREFETCH_BASE 0x24
#define PREFETCH_LIMIT 0x26
#define CLOSED_BASE 0xfff0u /* above its limit: no such window */
#define CLOSED_LIMIT 0u

/* Registers have address bits 31 .. 20 in bits 15 .. 4. */
static uint32_t window_register(uint64_t address)
{
	return (uint32_t)(address >> 16) & 0xfff0u;
}

void pci_bridge_number(uint16_t bridge, uint8_t secondary, uint8_t subordinate)
{
	const struct pci_window *memory =
		&pci_hosts[bridge >> PCI_SEGMENT_SHIFT].memory;
	uint64_t base = memory->pci + secondary * PCI_BUS_BYTES;
	uint64_t end = memory->pci + (subordinate + 1) * PCI_BUS_BYTES;

	pci_write(bridge, PRIMARY, 1, bridge >> PCI_BUS_SHIFT);
	pci_write(bridge, SECONDARY, 1, secondary);
	pci_write(bridge, SUBORDINATE, 1, subordinate);
	pci_write(bridge, MEMORY_BASE, 2, window_register(base));
	pci_write(bridge, MEMORY_LIMIT, 2, window_register(end - 1));
	pci_write(bridge, PREFETCH_BASE, 2, CLOSED_BASE);
	pci_write(bridge, PREFETCH_LIMIT, 2, CLOSED_LIMIT);
	pci_write(bridge, PCI_COMMAND, 2,
		  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}
