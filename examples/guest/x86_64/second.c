/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * second.c - the second CPU of a q35 machine: started by its local APIC.
 *
 * It comes in by a copy of the trampoline (start.S), runs what it was given,
 * says that it is done, and halts with interrupts off. Nothing wakes it then
 * but the next INIT, which also takes it off its stack.
 *
 * Source: Intel SDM vol. 3, 8.4.4 (starting a CPU), 10.6 (interrupt commands).
 */
#include <stdatomic.h>

#include "../virtio_pci.h"
#include "x86.h"

/* The local APIC: table 10-1. */
#define APIC UINT64_C(0xfee00000)
#define APIC_SPURIOUS 0x0f0
#define APIC_SPURIOUS_ON 0x1ffu
#define APIC_COMMAND 0x300
#define APIC_TARGET 0x310
#define APIC_TARGET_SHIFT 24

#define COMMAND_INIT 0x4500u
#define COMMAND_START 0x4600u /* and the page's number */
#define COMMAND_PENDING 0x1000u

#define TRAMPOLINE UINT64_C(0x8000) /* start.S */
#define PAGE_SHIFT 12

#define SECOND 1u /* QEMU boots on 0 */

#define INIT_MILLISECONDS 10u
#define COMMAND_MILLISECONDS 1000u
#define JOIN_MILLISECONDS 10000u

/* What it runs; NULL while it does nothing. */
static _Atomic(void (*)(void)) second_run;

static bool command(uint32_t what)
{
	uint64_t until = cpu_milliseconds() + COMMAND_MILLISECONDS;

	pci_store(APIC + APIC_TARGET, 4, SECOND << APIC_TARGET_SHIFT);
	pci_store(APIC + APIC_COMMAND, 4, what);
	while ((pci_load(APIC + APIC_COMMAND, 4) & COMMAND_PENDING) != 0)
		if (cpu_milliseconds() > until)
			return false;
	return true;
}

static void wait(uint64_t milliseconds)
{
	uint64_t until = cpu_milliseconds() + milliseconds;

	while (cpu_milliseconds() <= until)
		;
}

bool cpu_start_second(void (*run)(void))
{
	memcpy((void *)(uintptr_t)TRAMPOLINE, x86_trampoline,
	       (size_t)(x86_trampoline_end - x86_trampoline));
	pci_store(APIC + APIC_SPURIOUS, 4, APIC_SPURIOUS_ON);
	if (!command(COMMAND_INIT))
		return false;
	wait(INIT_MILLISECONDS);
	/* release: pairs with the acquire in x86_second(); @run sees all that
	 * was written before it was started. */
	atomic_store_explicit(&second_run, run, memory_order_release);
	return command(COMMAND_START | (uint32_t)(TRAMPOLINE >> PAGE_SHIFT));
}

void x86_second(void)
{
	void (*run)(void);

	x86_take_exceptions();
	/* acquire: pairs with the release in cpu_start_second(). */
	run = atomic_load_explicit(&second_run, memory_order_acquire);
	run();
	/* release: pairs with the acquire in cpu_join_second(), which must see
	 * all that @run wrote. */
	atomic_store_explicit(&second_run, NULL, memory_order_release);
}

bool cpu_join_second(void)
{
	uint64_t until = cpu_milliseconds() + JOIN_MILLISECONDS;

	/* acquire: pairs with the release in x86_second(). */
	while (atomic_load_explicit(&second_run, memory_order_acquire) != NULL)
		if (cpu_milliseconds() > until)
			return false;
	return true;
}
