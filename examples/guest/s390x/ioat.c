/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * ioat.c - I/O address translation of zPCI, as far as the ultravisor's model
 * has it in hand: the library's backend, called by the model alone.
 *
 * One set of tables serves all functions, so that each reaches exactly the
 * shared pages, at ZPCI_DMA_START + gpa:
 *
 *   I1  Only bus_share() and bus_open() map after ioat_start(), and only the
 *       model calls them: nobody else opens a page.
 *   I2  A page is mapped if and only if it is shared, or the guest is not a
 *       secure one.
 *   I3  Every change is flushed, before the share call is answered. Without
 *       that a device goes on with the old entry: omit_flush() breaks I3
 *       on purpose.
 *
 * On a real machine the tables lie in memory that the guest shares, the guest's
 * own code writes them, and it is the hypervisor that walks them.
 */
#include "../handover.h"
#include "../virtio_pci.h"
#include "../windows.h"

#include "zpci.h"

#define PAGE_BYTES UINT64_C(4096)

/* WINDOWS_OWN_BYTES, as a window is counted. */
#define WINDOWS_ALIGNED_BYTES BOUNCE_ZPCI_WINDOW_ALIGN

/* Two KiB for each MiB of memory, and the two levels above. */
#define TABLES_BYTES (MACHINE_RAM_BYTES / 512 + (32u << 10))

static unsigned char tables[TABLES_BYTES]
	__attribute__((aligned(BOUNCE_ZPCI_TABLES_ALIGN)));
static unsigned char memory[1024] __attribute__((aligned(BOUNCE_ZPCI_ALIGN)));
static struct bounce_zpci *zpci;
static bool omitted;

void ioat_start(void)
{
	const struct bounce_zpci_info info = {
		.tables = tables,
		.tables_gpa = { (uintptr_t)tables },
		.bus = { ZPCI_DMA_START },
		.len = MACHINE_RAM_BYTES,
		.functions = ZPCI_FUNCTIONS,
	};

	if (bounce_zpci_tables_size(&info) > sizeof(tables) ||
	    bounce_zpci_init(memory, sizeof(memory), &info, &zpci) != BOUNCE_OK)
		guest_fail("bounce_zpci_init()");
}

bool ioat_register(uint32_t handle)
{
	return bounce_zpci_attach(zpci, handle) == BOUNCE_OK;
}

bool ioat_is_stopped(uint32_t handle)
{
	uint64_t value;

	return cpu_pci_load(zpci_request(handle, ZPCI_CONFIGURATION | 2), 0,
			    &value) != 0;
}

bool bus_recover(uint32_t handle)
{
	return ioat_recover(handle);
}

bool ioat_recover(uint32_t handle)
{
	return bounce_zpci_recover(zpci, handle) == BOUNCE_OK;
}

/* I3 */
static void change(uint64_t gpa, uint64_t len, bool map, bool flush)
{
	const struct bounce_iommu *iommu = &bounce_iommu_zpci;
	const struct bounce_iommu_run run = {
		.bus = { ZPCI_DMA_START + gpa },
		.gpa = { gpa },
		.len = len,
		.access = BOUNCE_ACCESS_READ | BOUNCE_ACCESS_WRITE,
	};
	uint64_t done;

	if ((map ? iommu->map : iommu->unmap)(zpci, &run, 1, &done) !=
		    BOUNCE_STEP_DONE ||
	    (flush && iommu->flush(zpci, &run, 1) != BOUNCE_STEP_DONE))
		guest_fail("I/O address translation was refused");
}

void bus_share(uint64_t gpa, bool shared)
{
	change(gpa, PAGE_BYTES, shared, !shared && !omitted);
}

/* QEMU takes an entry for page 0 for a broken table: its address is zero. */
void bus_open(bool open)
{
	change(PAGE_BYTES, MACHINE_RAM_BYTES - PAGE_BYTES, open, !open);
}

static void omit_flush(bool omit)
{
	omitted = omit;
}

/* ---- tables of one function's own ---- */

#define OWN_TABLES_BYTES \
	((MACHINE_RAM_BYTES + WINDOWS_ALIGNED_BYTES) / 512 + (32u << 10))

static unsigned char own_tables[OWN_TABLES_BYTES]
	__attribute__((aligned(BOUNCE_ZPCI_TABLES_ALIGN)));
static unsigned char own_memory[256]
	__attribute__((aligned(BOUNCE_ZPCI_ALIGN)));
static struct bounce_zpci *own;

bool ioat_recover_own(uint32_t handle)
{
	return bounce_zpci_recover(own, handle) == BOUNCE_OK;
}

static void run_windows(void)
{
	const struct bounce_zpci_info info = {
		.tables = own_tables,
		.tables_gpa = { (uintptr_t)own_tables },
		.bus = { ZPCI_DMA_START },
		.len = MACHINE_RAM_BYTES + WINDOWS_ALIGNED_BYTES,
		.functions = 1,
	};
	struct windows_place place = {
		.role = ZPCI_OWN_FUNCTION,
		.iommu = &bounce_iommu_zpci,
		.window = guest_cpu.window[0],
		.own = { ZPCI_DMA_START + MACHINE_RAM_BYTES },
	};
	uint32_t handle = zpci_handle(ZPCI_OWN_FUNCTION);

	if (bounce_zpci_tables_size(&info) > sizeof(own_tables) ||
	    bounce_zpci_init(own_memory, sizeof(own_memory), &info, &own) !=
		    BOUNCE_OK ||
	    bounce_zpci_attach(own, handle) != BOUNCE_OK)
		guest_fail("a function did not get tables of its own");
	place.ctx = own;
	windows_run(&place);
	if (bounce_zpci_detach(own, handle) != BOUNCE_OK)
		guest_fail("a function did not give its tables back");
}

/* ---- what the first image of this guest does ---- */

/* Not where: only that a function of ours did what it may not. */
static uint32_t refused(bounce_bus_t bus, uint64_t len)
{
	uint32_t stopped = GUEST_NOBODY;
	bool several = false;

	(void)bus;
	(void)len;
	for (uint32_t function = 0; function < ZPCI_FUNCTIONS; function++) {
		uint32_t handle = zpci_handle(function);

		if (handle == 0 || !ioat_is_stopped(handle))
			continue;
		several |= stopped != GUEST_NOBODY;
		stopped = function << PCI_SLOT_SHIFT;
	}
	return several ? GUEST_NOBODY : stopped;
}

const struct guest_extras guest_extras = {
	.omit_flush = omit_flush,
	.refused = refused,
	.refused_by = "error state",
	.aside = run_windows,
	.next = handover_run,
};
