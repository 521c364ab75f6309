/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * pci.c - the pseries host bridge: configuration cycles by RTAS. No firmware
 * ran: pci_bars.c places the BARs.
 *
 * Source: LoPAR 1.1, ibm,read-pci-config and ibm,write-pci-config.
 */
#include "../virtio_pci.h"
#include "power.h"

#define BRIDGE "pci@"

static uint64_t bridge_id; /* BUID, the bridge's name in RTAS calls */
static uint32_t token_read;
static uint32_t token_write;

bool pci_start(void)
{
	uint32_t len;
	const unsigned char *value = tree_property(BRIDGE, "reg", &len);

	if (value == NULL || len < 8)
		return false;
	bridge_id = tree_cells(value);
	token_read = rtas_token("ibm,read-pci-config");
	token_write = rtas_token("ibm,write-pci-config");
	return pci_take_windows(BRIDGE) && token_read != RTAS_NO_TOKEN &&
	       token_write != RTAS_NO_TOKEN;
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
