/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * pci_tree.c - a host bridge's windows, as a device tree describes them: both
 * are memory.
 *
 * Source: PCI Bus Binding to IEEE 1275, 2.2.1.1 (addresses); Devicetree
 * Specification 0.4, 2.3.8 (ranges).
 */
#include "tree.h"
#include "virtio_pci.h"

/* A `ranges` entry: 3 cells of PCI address, 2 of the CPU's, 2 of size. */
#define RANGE_BYTES 28u
#define RANGE_PCI 4u
#define RANGE_CPU 12u
#define RANGE_SIZE 20u
#define RANGE_SPACE_MASK 0x03000000u
#define RANGE_SPACE_IO 0x01000000u
#define RANGE_SPACE_MEMORY 0x02000000u /* 32 bits */

struct pci_host pci_hosts[PCI_SEGMENTS];

static void take_range(struct pci_host *host, const unsigned char *range)
{
	uint32_t space = tree_cell(range) & RANGE_SPACE_MASK;
	struct pci_window window = {
		.pci = tree_cells(range + RANGE_PCI),
		.cpu = (unsigned char *)(uintptr_t)tree_cells(range +
							      RANGE_CPU),
		.len = tree_cells(range + RANGE_SIZE),
	};

	if (space == RANGE_SPACE_IO)
		host->io = window;
	if (space == RANGE_SPACE_MEMORY)
		host->memory = window;
}

uint32_t pci_port_load(uint64_t address)
{
	return pci_load(address, 4);
}

bool pci_take_windows(const char *node, unsigned segment)
{
	struct pci_host *host = &pci_hosts[segment];
	uint32_t len;
	const unsigned char *value = tree_nth_property(node, segment, "ranges",
						       &len);

	if (value == NULL)
		return false;
	for (uint32_t at = 0; at + RANGE_BYTES <= len; at += RANGE_BYTES)
		take_range(host, value + at);
	return host->memory.len != 0 && host->io.len != 0;
}
