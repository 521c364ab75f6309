/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * zpci.h - what the files of the s390x guest with zPCI owe each other.
 *
 * zPCI is not in the Principles of Operation. Source of its numbers: Linux
 * arch/s390/include/asm/pci_clp.h, pci_insn.h and pci_dma.h.
 */
#ifndef ZPCI_H
#define ZPCI_H

#include "machine.h"

#define ZPCI_FUNCTIONS 8u /* at most; tools/demo.py gives each role one */

/*
 * Where devices find memory: a function's DMA range begins at 4 GiB (its start
 * is asked for and compared), so a bus address is never a guest-physical one.
 */
#define ZPCI_DMA_START (UINT64_C(4) << 30)

/* A request: the function's handle on the left, what is wanted on the right. */
static inline uint64_t zpci_request(uint32_t handle, uint32_t what)
{
	return (uint64_t)handle << 32 | what;
}

/* Address spaces of a request: a BAR's number, or the configuration. */
#define ZPCI_SPACE_SHIFT 16
#define ZPCI_CONFIGURATION (15u << ZPCI_SPACE_SHIFT)

/* ---- ioat.c: part of the model ---- */

/* ioat_start() - empty tables; before the first ioat_register(). */
void ioat_start(void);

/* ioat_register() - from now on the tables confine an enabled function. */
bool ioat_register(uint32_t handle);

/* ioat_is_stopped() - is a function in the error state, after a violation? */
bool ioat_is_stopped(uint32_t handle);

/*
 * ioat_recover() - take a function out of it. False when it is not: what the
 * device had begun may have failed once more; then it is to be tried again.
 */
bool ioat_recover(uint32_t handle);

/* ioat_recover_own() - as ioat_recover(), for the function that has tables of
 * its own (windows.h). */
#define ZPCI_OWN_FUNCTION GUEST_BRIDGED
bool ioat_recover_own(uint32_t handle);

/* zpci_handle() - of a function by its identifier; 0: none. */
uint32_t zpci_handle(uint32_t function);

#endif
