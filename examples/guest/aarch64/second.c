/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * second.c - the second CPU of a virt machine: started and stopped by PSCI.
 *
 * It comes in at arm_second_entry (start.S), runs what it was given, says that
 * it is done, and turns itself off. It has not left its stack until PSCI says
 * that it is off.
 *
 * Source: Arm Power State Coordination Interface, DEN 0022D, 5.1.4 (CPU_ON),
 * 5.1.3 (CPU_OFF), 5.1.5 (AFFINITY_INFO).
 */
#include <stdatomic.h>

#include "arm.h"

#define PSCI_CPU_OFF UINT64_C(0x84000002)
#define PSCI_CPU_ON UINT64_C(0xc4000003)
#define PSCI_AFFINITY_INFO UINT64_C(0xc4000004)
#define PSCI_SUCCESS 0
#define PSCI_OFF 1

/* QEMU boots on 0; the number is an affinity. */
#define SECOND UINT64_C(1)

#define JOIN_MILLISECONDS 10000u

/* What it runs; NULL while it does nothing. */
static _Atomic(void (*)(void)) second_run;

static bool is_off(void)
{
	return arm_firmware(PSCI_AFFINITY_INFO, SECOND, 0, 0) == PSCI_OFF;
}

bool cpu_start_second(void (*run)(void))
{
	if (!is_off())
		return false;
	/* release: pairs with the acquire in arm_second(); @run sees all that
	 * was written before it was started. */
	atomic_store_explicit(&second_run, run, memory_order_release);
	return arm_firmware(PSCI_CPU_ON, SECOND, (uintptr_t)arm_second_entry,
			    0) == PSCI_SUCCESS;
}

_Noreturn void arm_second(void)
{
	void (*run)(void);

	/* acquire: pairs with the release in cpu_start_second(). */
	run = atomic_load_explicit(&second_run, memory_order_acquire);
	run();
	/* release: pairs with the acquire in cpu_join_second(), which must see
	 * all that @run wrote. */
	atomic_store_explicit(&second_run, NULL, memory_order_release);
	(void)arm_firmware(PSCI_CPU_OFF, 0, 0, 0);
	for (;;)
		;
}

bool cpu_join_second(void)
{
	uint64_t until = cpu_milliseconds() + JOIN_MILLISECONDS;

	/* acquire: pairs with the release in arm_second(). */
	while (atomic_load_explicit(&second_run, memory_order_acquire) !=
		       NULL ||
	       !is_off())
		if (cpu_milliseconds() > until)
			return false;
	return true;
}
