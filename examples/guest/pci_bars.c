/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * pci_bars.c - registers of PCI functions, for CPUs that see PCI's memory among
 * their own addresses. No firmware ran, or what it did is not asked for: BARs
 * are placed here, each slot's at a place of its own in the host bridge's
 * windows, and all of a bus in one stretch.
 *
 * Source: PCI Local Bus Specification 3.0, 6.2.5.
 */
#include "virtio_pci.h"

/* Of I/O space a slot gets so much. */
#define IO_BAR_BYTES 4096u

static const struct pci_host *host_of(uint16_t requester)
{
	return &pci_hosts[requester >> PCI_SEGMENT_SHIFT];
}

/* Counted through all buses behind the host bridge. */
static uint64_t slot_of(uint16_t requester)
{
	return (requester & PCI_SEGMENT_MASK) >> PCI_SLOT_SHIFT;
}

static uint64_t open_io(uint16_t requester, uint32_t at)
{
	const struct pci_window *io = &host_of(requester)->io;
	uint64_t offset = slot_of(requester) * IO_BAR_BYTES;

	pci_write(requester, at, 4, (uint32_t)(io->pci + offset));
	pci_write(requester, PCI_COMMAND, 2, PCI_COMMAND_IO);
	return (uintptr_t)io->cpu + offset;
}

uint64_t pci_open_bar(uint16_t requester, uint32_t bar, bool io)
{
	uint32_t at = PCI_BAR + 4 * bar;
	const struct pci_window *memory = &host_of(requester)->memory;
	uint64_t offset = slot_of(requester) * PCI_BAR_BYTES;
	uint64_t pci = memory->pci + offset;

	if (io)
		return open_io(requester, at);
	pci_write(requester, PCI_COMMAND, 2, 0);
	pci_write(requester, at, 4, UINT32_MAX);
	if (~(pci_read(requester, at, 4) & ~PCI_BAR_FLAGS) >= PCI_BAR_BYTES)
		return 0;
	pci_write(requester, at, 4, (uint32_t)pci);
	pci_write(requester, at + 4, 4, (uint32_t)(pci >> 32));
	pci_write(requester, PCI_COMMAND, 2,
		  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	return (uintptr_t)memory->cpu + offset;
}

uint32_t pci_load(uint64_t address, uint32_t bytes)
{
	const volatile void *at = (const volatile void *)(uintptr_t)address;

	switch (bytes) {
	case 1:
		return *(const volatile uint8_t *)at;
	case 2:
		return *(const volatile uint16_t *)at;
	default:
		return *(const volatile uint32_t *)at;
	}
}

void pci_store(uint64_t address, uint32_t bytes, uint32_t value)
{
	volatile void *at = (volatile void *)(uintptr_t)address;

	switch (bytes) {
	case 1:
		*(volatile uint8_t *)at = (uint8_t)value;
		break;
	case 2:
		*(volatile uint16_t *)at = (uint16_t)value;
		break;
	default:
		*(volatile uint32_t *)at = value;
	}
}

/* These buses drop what is forbidden, and go on. */
bool pci_recover(uint16_t requester)
{
	(void)requester;
	return true;
}
