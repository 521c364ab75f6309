/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * ioat.c - I/O address translation of zPCI, as far as the ultravisor's model
 * has it in hand: the tables that QEMU walks when RPCIT tells it to.
 *
 * One set of tables serves all functions, so that each reaches exactly the
 * shared pages, at ZPCI_DMA_START + gpa:
 *
 *   I1  Only bus_share() and bus_open() write a table after ioat_start(), and
 *       only the model calls them: nobody else opens a page.
 *   I2  An entry is valid if and only if its page is shared, or the guest is
 *       not a secure one.
 *   I3  Every change is followed by RPCIT on every registered function, before
 *       the share call is answered. Without it a device goes on with the old
 *       entry: ioat_omit_flush() breaks I3 on purpose.
 *   I4  A stopped function refuses RPCIT, but reaches nothing; it goes on only
 *       by ioat_recover(), which makes it forget all and read the tables anew.
 *
 * On a real machine the tables lie in the guest's memory, the guest's own code
 * writes them, and it is the hypervisor that walks them.
 *
 * Source: Linux arch/s390/include/asm/pci_dma.h and pci_insn.h.
 */
#include "zpci.h"

/* Three levels: what an entry spans, and entries of a table. */
#define REGION_SHIFT 31
#define SEGMENT_SHIFT 20
#define PAGE_SHIFT 12
#define REGIONS 2048u
#define SEGMENTS 2048u
#define PAGES 256u
#define PAGE_BYTES (UINT64_C(1) << PAGE_SHIFT)

/* An invalid entry is not zero: QEMU takes that for a broken table. */
#define REGION_VALID UINT64_C(0x7) /* type region-third, full length */
#define REGION_INVALID UINT64_C(0x24)
#define SEGMENT_INVALID UINT64_C(0x20)
#define PAGE_INVALID UINT64_C(0x400)

/* Tables for all of memory, and a window that needs no second region. */
#define TABLES (MACHINE_RAM_BYTES >> SEGMENT_SHIFT)
_Static_assert(MACHINE_RAM_BYTES <= UINT64_C(1) << REGION_SHIFT &&
		       ZPCI_DMA_START % (UINT64_C(1) << REGION_SHIFT) == 0,
	       "one region");

static uint64_t regions[REGIONS] __attribute__((aligned(16384)));
static uint64_t segments[SEGMENTS] __attribute__((aligned(16384)));
static uint64_t pages[TABLES][PAGES] __attribute__((aligned(4096)));

/* MPCIFC: what is wanted, in the request's last byte. */
#define CONTROL_REGISTER_IOAT 4u
#define CONTROL_UNREGISTER_IOAT 5u
#define CONTROL_RESET_ERROR 7u

/* The function information block; its translation parameters only. */
struct fib {
	uint64_t reserved00[2];
	uint64_t first; /* bus addresses, both inclusive */
	uint64_t last;
	uint64_t table;
	uint64_t reserved28[3];
};
_Static_assert(sizeof(struct fib) == 64, "zpci_fib");
_Static_assert(offsetof(struct fib, table) == 32, "zpci_fib.iota");

#define TABLE_REGION_THIRD UINT64_C(0x804) /* translation on, from a RTT */

static uint32_t registered[ZPCI_FUNCTIONS]; /* handles */
static uint32_t registered_count;
static bool omitted;

void ioat_start(void)
{
	for (uint32_t i = 0; i < REGIONS; i++)
		regions[i] = REGION_INVALID;
	for (uint32_t i = 0; i < SEGMENTS; i++)
		segments[i] = i < TABLES ? (uintptr_t)pages[i] :
					   SEGMENT_INVALID;
	for (uint32_t i = 0; i < TABLES; i++)
		for (uint32_t j = 0; j < PAGES; j++)
			pages[i][j] = PAGE_INVALID;
	regions[ZPCI_DMA_START >> REGION_SHIFT] = (uintptr_t)segments |
						  REGION_VALID;
}

static bool control(uint32_t handle, uint32_t what)
{
	struct fib fib = {
		.first = ZPCI_DMA_START,
		.last = ZPCI_DMA_START + MACHINE_RAM_BYTES - 1,
		.table = (uintptr_t)regions | TABLE_REGION_THIRD,
	};

	return cpu_pci_control(zpci_request(handle, what), &fib) == 0;
}

static bool refresh(uint32_t handle, uint64_t gpa, uint64_t len)
{
	return cpu_pci_refresh(zpci_request(handle, 0), ZPCI_DMA_START + gpa,
			       len) == 0;
}

bool ioat_register(uint32_t handle)
{
	if (registered_count == ZPCI_FUNCTIONS ||
	    !control(handle, CONTROL_REGISTER_IOAT))
		return false;
	registered[registered_count++] = handle;
	return true;
}

bool ioat_is_stopped(uint32_t handle)
{
	uint64_t value;

	return cpu_pci_load(zpci_request(handle, ZPCI_CONFIGURATION | 2), 0,
			    &value) != 0;
}

/* I3, I4 */
static void refresh_all(uint64_t gpa, uint64_t len)
{
	for (uint32_t i = 0; i < registered_count; i++)
		if (!refresh(registered[i], gpa, len) &&
		    !ioat_is_stopped(registered[i]))
			guest_fail("RPCIT was refused");
}

void bus_share(uint64_t gpa, bool shared)
{
	uint64_t *entry =
		&pages[gpa >> SEGMENT_SHIFT][(gpa >> PAGE_SHIFT) % PAGES];

	/* volatile: QEMU reads it, from RPCIT on. */
	*(volatile uint64_t *)entry = shared ? gpa : PAGE_INVALID;
	if (shared || !omitted)
		refresh_all(gpa, PAGE_BYTES);
}

/* QEMU takes an entry for page 0 for a broken table: its address is zero. */
void bus_open(bool open)
{
	for (uint64_t gpa = PAGE_BYTES; gpa < MACHINE_RAM_BYTES;
	     gpa += PAGE_BYTES)
		*(volatile uint64_t *)&pages[gpa >> SEGMENT_SHIFT]
					    [(gpa >> PAGE_SHIFT) % PAGES] =
			open ? gpa : PAGE_INVALID;
	refresh_all(0, MACHINE_RAM_BYTES);
}

void ioat_omit_flush(bool omit)
{
	omitted = omit;
}

/* I4. In this order: when the error is gone, nothing old is left. */
bool ioat_recover(uint32_t handle)
{
	return control(handle, CONTROL_UNREGISTER_IOAT) &&
	       control(handle, CONTROL_RESET_ERROR) &&
	       control(handle, CONTROL_REGISTER_IOAT) &&
	       refresh(handle, 0, MACHINE_RAM_BYTES);
}
