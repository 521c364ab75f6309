/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * zpci.c - facts of the s390x guest whose devices are PCI functions, and the
 * way to their registers: functions are listed and enabled by CLP, and reached
 * by instructions that name a function and an address space. No BAR is placed:
 * zPCI has done that, and there is no I/O space.
 *
 * A function's identifier is the slot that virtio_pci.c knows it by
 * (tools/demo.py: fid). Functions that are not virtio's are not expected.
 */
#include "../virtio_pci.h"
#include "zpci.h"

const struct guest_cpu guest_cpu = {
	.name = "s390x",
	.transport_name = "zpci",
	.awkward_text = MACHINE_AWKWARD,
	.iommu_name = "IOAT",
	.transport = BOUNCE_TRANSPORT_PCI,
	.iommu_stops = true,
	.ram_bytes = MACHINE_RAM_BYTES,
	.pool_gpa = MACHINE_POOL,
	.control_gpa = MACHINE_CONTROL,
	.refused_gpa = MACHINE_REFUSED,
	/*
	 * No bypass: zPCI has none. QEMU gives one to a device that does not
	 * offer ACCESS_PLATFORM, which no table would confine.
	 */
	.window = { {
		.bus = { ZPCI_DMA_START },
		.len = MACHINE_RAM_BYTES,
		.flags = BOUNCE_WINDOW_TRANSLATED,
	} },
};

/* ---- CLP: pci_clp.h; a request, and behind it in one page its answer ---- */

#define CLP_LIST 0x0002u
#define CLP_QUERY 0x0003u
#define CLP_SET 0x0005u
#define CLP_DONE 0x0010u /* response code */
#define CLP_SET_ENABLE 0x0001u /* operation 0, one DMA address space */

#define CLP_HANDLE_ENABLED 0x80000000u

struct clp_request {
	uint16_t length;
	uint16_t command;
	uint32_t format;
	uint64_t reserved08;
	uint32_t handle; /* QUERY, SET; LIST: 0 */
	uint16_t reserved14;
	uint16_t operation; /* SET: operation, address spaces */
	uint64_t reserved18;
};
_Static_assert(sizeof(struct clp_request) == 32, "clp_req_*");

struct clp_head {
	uint16_t length; /* set by who asks */
	uint16_t response;
	uint32_t format;
	uint64_t reserved08;
};

struct clp_entry {
	uint16_t device;
	uint16_t vendor;
	uint32_t configured; /* leftmost bit */
	uint32_t function;
	uint32_t handle;
};
_Static_assert(sizeof(struct clp_entry) == 16, "clp_fh_list_entry");

struct clp_list {
	struct clp_head head;
	uint64_t resume; /* 0: there are no more */
	uint32_t modes;
	uint16_t functions;
	uint8_t flags;
	uint8_t entry_bytes;
	struct clp_entry entry[2 * ZPCI_FUNCTIONS];
};
_Static_assert(offsetof(struct clp_list, entry) == 32, "clp_rsp_list_pci");

struct clp_query {
	struct clp_head head;
	uint16_t virtual_function;
	uint16_t flags;
	uint32_t function;
	uint32_t bars[10];
	uint64_t dma_first;
	uint64_t dma_last;
	uint32_t rest[16];
};
_Static_assert(sizeof(struct clp_query) == 0x90, "clp_rsp_query_pci");
_Static_assert(offsetof(struct clp_query, dma_first) == 64, "sdma");

struct clp_set {
	struct clp_head head;
	uint32_t handle; /* a new one */
	uint32_t reserved14[3];
};
_Static_assert(sizeof(struct clp_set) == 32, "clp_rsp_set_pci");

static struct {
	struct clp_request request;
	union {
		struct clp_head head;
		struct clp_list list;
		struct clp_query query;
		struct clp_set set;
	} answer;
} clp __attribute__((aligned(4096)));

static uint32_t handles[ZPCI_FUNCTIONS]; /* by function identifier; 0: none */

static bool ask(uint16_t command, uint32_t handle, size_t len)
{
	memset(&clp, 0, sizeof(clp));
	clp.request.length = sizeof(clp.request);
	clp.request.command = command;
	clp.request.handle = handle;
	if (command == CLP_SET)
		clp.request.operation = CLP_SET_ENABLE;
	clp.answer.head.length = (uint16_t)len;
	return cpu_clp(&clp) == 0 && clp.answer.head.response == CLP_DONE;
}

/*
 * Its DMA range must hold the window; then it is enabled, if the image before
 * has not done that, and confined.
 */
static bool enable(const struct clp_entry *entry)
{
	if (entry->function >= ZPCI_FUNCTIONS ||
	    !ask(CLP_QUERY, entry->handle, sizeof(clp.answer.query)) ||
	    clp.answer.query.dma_first != ZPCI_DMA_START ||
	    clp.answer.query.dma_last < ZPCI_DMA_START + MACHINE_RAM_BYTES - 1)
		return false;
	handles[entry->function] = entry->handle;
	if ((entry->handle & CLP_HANDLE_ENABLED) == 0) {
		if (!ask(CLP_SET, entry->handle, sizeof(clp.answer.set)))
			return false;
		handles[entry->function] = clp.answer.set.handle;
	}
	/* This one waits for tables of its own. */
	return entry->function == ZPCI_OWN_FUNCTION ||
	       ioat_register(handles[entry->function]);
}

uint32_t zpci_handle(uint32_t function)
{
	return handles[function];
}

const char *bus_start(void)
{
	struct clp_list list;

	ioat_start();
	if (!ask(CLP_LIST, 0, sizeof(list)))
		return "the PCI functions cannot be listed";
	list = clp.answer.list;
	if (list.resume != 0 || list.entry_bytes != sizeof(list.entry[0]))
		return "too many PCI functions, or of another form";
	for (uint32_t at = offsetof(struct clp_list, entry), i = 0;
	     at < list.head.length; at += sizeof(list.entry[0]), i++)
		if (!enable(&list.entry[i]))
			return "a PCI function cannot be used";
	return NULL;
}

/* ---- registers ---- */

/* What pci_load() and pci_store() get: function + 1, BAR, offset. */
#define ADDRESS_FUNCTION_SHIFT 32
#define ADDRESS_BAR_SHIFT 24
#define ADDRESS_OFFSET_MASK 0xffffffu

static uint32_t handle_of(uint16_t requester)
{
	return handles[(requester >> PCI_SLOT_SHIFT) % ZPCI_FUNCTIONS];
}

/* A function that does not answer reads as ones, as on any PCI bus. */
static uint32_t load(uint64_t request, uint64_t offset)
{
	uint64_t value;

	return cpu_pci_load(request, offset, &value) == 0 ? (uint32_t)value :
							    UINT32_MAX;
}

/* Bytes as they lie in the little-endian space, to a number and back. */
static uint32_t swap(uint32_t value, uint32_t bytes)
{
	switch (bytes) {
	case 1:
		return value;
	case 2:
		return guest_le16((uint16_t)value);
	default:
		return guest_le32(value);
	}
}

uint32_t pci_read(uint16_t requester, uint32_t offset, uint32_t bytes)
{
	uint64_t request = zpci_request(handle_of(requester),
					ZPCI_CONFIGURATION | bytes);

	return swap(load(request, offset), bytes);
}

/* One that is not taken has no effect, as on any PCI bus. */
void pci_write(uint16_t requester, uint32_t offset, uint32_t bytes,
	       uint32_t value)
{
	(void)cpu_pci_store(zpci_request(handle_of(requester),
					 ZPCI_CONFIGURATION | bytes),
			    offset, swap(value, bytes));
}

uint64_t pci_open_bar(uint16_t requester, uint32_t bar, bool io)
{
	if (handle_of(requester) == 0)
		return 0;
	if (!io)
		pci_write(requester, PCI_COMMAND, 2,
			  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	return (uint64_t)((requester >> PCI_SLOT_SHIFT) + 1)
		       << ADDRESS_FUNCTION_SHIFT |
	       bar << ADDRESS_BAR_SHIFT;
}

static uint64_t register_request(uint64_t address, uint32_t bytes)
{
	uint64_t function = (address >> ADDRESS_FUNCTION_SHIFT) - 1;
	uint32_t bar = (uint32_t)address >> ADDRESS_BAR_SHIFT;

	return zpci_request(handles[function % ZPCI_FUNCTIONS],
			    bar << ZPCI_SPACE_SHIFT | bytes);
}

uint32_t pci_load(uint64_t address, uint32_t bytes)
{
	return load(register_request(address, bytes),
		    address & ADDRESS_OFFSET_MASK);
}

uint32_t pci_port_load(uint64_t address)
{
	return pci_load(address, 4);
}

void pci_store(uint64_t address, uint32_t bytes, uint32_t value)
{
	(void)cpu_pci_store(register_request(address, bytes),
			    address & ADDRESS_OFFSET_MASK, value);
}

bool pci_recover(uint16_t requester)
{
	uint32_t handle = handle_of(requester);

	/* Not "always": a function that has no error refuses the reset. */
	if (!ioat_is_stopped(handle))
		return true;
	return handle == handles[ZPCI_OWN_FUNCTION] ? ioat_recover_own(handle) :
						      ioat_recover(handle);
}

void pci_tell(uint16_t requester)
{
	guest_print("FID %x, handle %x", (unsigned)requester >> PCI_SLOT_SHIFT,
		    (unsigned)handle_of(requester));
}
