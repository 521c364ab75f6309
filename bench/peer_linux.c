/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * peer_linux.c - Linux's swiotlb as a peer. Compiled once for each build of
 * swiotlb.c, with PEER as the peer's name; all symbols but peer_NAME are made
 * local afterwards.
 *
 * The way in is dma_direct's: swiotlb_map() and swiotlb_tbl_unmap_single().
 * Without bytes (HOW_NOTHING) the buffer's address is one that swiotlb itself
 * takes for none, so that all of the allocator runs and nothing is copied.
 */
#include <linux/swiotlb.h>

#include <stdio.h>

#include "peer.h"
#include "shim.h"

#define GLUE(a, b) a##b
#define SYMBOL(name) GLUE(peer_, name)
#define QUOTE(name) #name
#define TEXT(name) QUOTE(name)

#define NO_ADDRESS (~(phys_addr_t)0)

static u64 all_addresses = ~0ull;
static struct device_dma_parameters limits;
static struct device device = {
	.dma_mask = &all_addresses,
	.dma_parms = &limits,
	.dma_coherent = true,
};

static bool start(const struct setup *setup)
{
	unsigned long areas = 1;
	char option[64];

	if (setup->layout < LAYOUT_ONE)
		while (areas < setup->lanes)
			areas *= 2;
	limits.min_align_mask = (unsigned int)setup->align;
	shim_cpus = setup->lanes;
	snprintf(option, sizeof(option), "%llu,%lu,force",
		 (unsigned long long)setup->pool_bytes / IO_TLB_SIZE, areas);
	shim_boot_option(option);
	swiotlb_init(true, 0);
	swiotlb_dev_init(&device);
	return device.dma_io_tlb_mem->nslabs * IO_TLB_SIZE == setup->pool_bytes;
}

static enum dma_data_direction direction(enum how how)
{
	return how == HOW_FROM ? DMA_FROM_DEVICE :
	       how == HOW_BOTH ? DMA_BIDIRECTIONAL :
				 DMA_TO_DEVICE;
}

static bool map(uint32_t lane, const struct request *request,
		struct handle *handle)
{
	phys_addr_t buffer = request->how == HOW_NOTHING ?
				     NO_ADDRESS :
				     virt_to_phys(request->buffer);

	shim_cpu = lane;
	handle->word[0] = swiotlb_map(&device, buffer, request->len,
				      direction(request->how), 0);
	return handle->word[0] != DMA_MAPPING_ERROR;
}

static void unmap(uint32_t lane, const struct request *request,
		  const struct handle *handle)
{
	shim_cpu = lane;
	swiotlb_tbl_unmap_single(&device, handle->word[0], request->len,
				 direction(request->how), 0);
}

static unsigned char *bytes(const struct handle *handle)
{
	return phys_to_virt(handle->word[0]);
}

static uint64_t footprint(const struct request *request,
			  const struct handle *handle)
{
	unsigned int offset = handle->word[0] & limits.min_align_mask &
			      (IO_TLB_SIZE - 1);

	return ALIGN((uint64_t)request->len + offset, IO_TLB_SIZE);
}

static uint64_t metadata(void)
{
	return shim_metadata_bytes + sizeof(struct io_tlb_mem);
}

static uint64_t share_calls(void)
{
	return shim_share_calls;
}

const struct peer SYMBOL(PEER) = {
	.name = TEXT(PEER),
	.start = start,
	.map = map,
	.unmap = unmap,
	.bytes = bytes,
	.footprint = footprint,
	.metadata = metadata,
	.share_calls = share_calls,
	.most = IO_TLB_SEGSIZE * IO_TLB_SIZE,
	.hows = HOW_SET(HOW_NOTHING) | HOW_COPIES,
};
