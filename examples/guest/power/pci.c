/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * pci.c - the pseries host bridge: configuration cycles by RTAS, and its
 * windows from the device tree. No firmware ran: virtio_pci.c places the BARs.
 *
 * Source: LoPAR 1.1, ibm,read-pci-config and ibm,write-pci-config; PCI Bus
 * Binding to IEEE 1275, 2.2.1.1 (addresses).
 */
#include "../virtio_pci.h"
#include "power.h"

#define BRIDGE "pci@"

/* A `ranges` entry: 3 cells of PCI address, 2 of the CPU's, 2 of size. */
#define RANGE_BYTES 28u
#define RANGE_PCI 4u
#define RANGE_CPU 12u
#define RANGE_SIZE 20u
#define RANGE_SPACE_MASK 0x03000000u
#define RANGE_SPACE_IO 0x01000000u
#define RANGE_SPACE_MEMORY 0x02000000u /* 32 bits */

struct pci_window pci_memory;
struct pci_window pci_io;

static uint64_t bridge_id; /* BUID, the bridge's name in RTAS calls */
static uint32_t token_read;
static uint32_t token_write;

static void take_range(const unsigned char *range)
{
	uint32_t space = tree_cell(range) & RANGE_SPACE_MASK;
	struct pci_window window = {
		.pci = tree_cells(range + RANGE_PCI),
		.cpu = (unsigned char *)(uintptr_t)tree_cells(range +
							      RANGE_CPU),
		.len = tree_cells(range + RANGE_SIZE),
	};

	if (space == RANGE_SPACE_IO)
		pci_io = window;
	if (space == RANGE_SPACE_MEMORY)
		pci_memory = window;
}

bool pci_start(void)
{
	uint32_t len;
	const unsigned char *value = tree_property(BRIDGE, "reg", &len);

	if (value == NULL || len < 8)
		return false;
	bridge_id = tree_cells(value);
	value = tree_property(BRIDGE, "ranges", &len);
	if (value == NULL)
		return false;
	for (uint32_t at = 0; at + RANGE_BYTES <= len; at += RANGE_BYTES)
		take_range(value + at);
	token_read = rtas_token("ibm,read-pci-config");
	token_write = rtas_token("ibm,write-pci-config");
	return pci_memory.len != 0 && pci_io.len != 0 &&
	       token_read != RTAS_NO_TOKEN && token_write != RTAS_NO_TOKEN;
}

uint32_t pci_read(uint16_t requester, uint32_t offset, uint32_t bytes)
{
	struct rtas_call call = {
		.token = token_read,
		.arguments = 4,
		.results = 2,
		.argument = { (uint32_t)requester << 8 | offset,
			      (uint32_t)(bridge_id >> 32), (uint32_t)bridge_id,
			      bytes },
	};

	rtas_call(&call);
	return call.result[0] == 0 ? call.result[1] : UINT32_MAX;
}

void pci_write(uint16_t requester, uint32_t offset, uint32_t bytes,
	       uint32_t value)
{
	struct rtas_call call = {
		.token = token_write,
		.arguments = 5,
		.results = 1,
		.argument = { (uint32_t)requester << 8 | offset,
			      (uint32_t)(bridge_id >> 32), (uint32_t)bridge_id,
			      bytes, value },
	};

	rtas_call(&call);
}
