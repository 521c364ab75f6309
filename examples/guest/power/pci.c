/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * pci.c - the pseries host bridges, of which this machine has two:
 * configuration cycles by RTAS. No firmware ran: pci_bars.c places the BARs.
 *
 * Source: LoPAR 1.1, ibm,read-pci-config and ibm,write-pci-config.
 */
#include "../virtio_pci.h"
#include "power.h"

#define BRIDGE "pci@"

static uint64_t bridge_ids[PCI_SEGMENTS]; /* BUID: names in RTAS calls */
static uint32_t token_read;
static uint32_t token_write;

static bool take_bridge(unsigned segment)
{
	uint32_t len;
	const unsigned char *value = tree_nth_property(BRIDGE, segment, "reg",
						       &len);

	if (value == NULL || len < 8)
		return false;
	bridge_ids[segment] = tree_cells(value);
	return pci_take_windows(BRIDGE, segment);
}

bool pci_start(void)
{
	token_read = rtas_token("ibm,read-pci-config");
	token_write = rtas_token("ibm,write-pci-config");
	return take_bridge(0) && take_bridge(1) &&
	       token_read != RTAS_NO_TOKEN && token_write != RTAS_NO_TOKEN;
}

/* A function's configuration, as RTAS wants it: bus, devfn, register. */
static uint32_t address_of(uint16_t requester, uint32_t offset)
{
	return (uint32_t)(requester & PCI_SEGMENT_MASK) << 8 | offset;
}

static uint64_t bridge_of(uint16_t requester)
{
	return bridge_ids[requester >> PCI_SEGMENT_SHIFT];
}

uint32_t pci_read(uint16_t requester, uint32_t offset, uint32_t bytes)
{
	struct rtas_call call = {
		.token = token_read,
		.arguments = 4,
		.results = 2,
		.argument = { address_of(requester, offset),
			      (uint32_t)(bridge_of(requester) >> 32),
			      (uint32_t)bridge_of(requester), bytes },
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
		.argument = { address_of(requester, offset),
			      (uint32_t)(bridge_of(requester) >> 32),
			      (uint32_t)bridge_of(requester), bytes, value },
	};

	rtas_call(&call);
}

void pci_tell(uint16_t requester)
{
	struct bounce_fdt_dma_window window = { .liobn = 0 };

	(void)tree_nth_dma_window(BRIDGE, requester >> PCI_SEGMENT_SHIFT,
				  &window);
	guest_print("config address %x, host bridge %lx, LIOBN %x",
		    (unsigned)address_of(requester, 0), bridge_of(requester),
		    (unsigned)window.liobn);
}
