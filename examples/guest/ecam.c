/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * ecam.c - configuration cycles where each function's space is 4 KiB of memory.
 *
 * Source: PCI Express Base Specification 3.0, 7.2.2 (ECAM).
 */
#include "virtio_pci.h"

#define FUNCTION_SHIFT 12

unsigned char *pci_configuration;

static uint64_t address_of(uint16_t requester, uint32_t offset)
{
	return (uintptr_t)pci_configuration +
	       ((uint64_t)requester << FUNCTION_SHIFT) + offset;
}

uint32_t pci_read(uint16_t requester, uint32_t offset, uint32_t bytes)
{
	return pci_load(address_of(requester, offset), bytes);
}

void pci_write(uint16_t requester, uint32_t offset, uint32_t bytes,
	       uint32_t value)
{
	pci_store(address_of(requester, offset), bytes, value);
}

void pci_tell(uint16_t requester)
{
	guest_print("%02x:%02x.%x", requester >> PCI_BUS_SHIFT,
		    requester >> PCI_SLOT_SHIFT & PCI_SLOT_MASK,
		    requester & PCI_FUNCTION_MASK);
}
