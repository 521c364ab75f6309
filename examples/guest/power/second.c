/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * second.c - the second CPU of a pseries machine: started and stopped by RTAS.
 *
 * It comes in at power_second_entry (start.S), runs what it was given, says
 * that it is done, and stops itself. It has not left its stack until RTAS says
 * that it is stopped.
 *
 * Source: LoPAR 1.1, start-cpu, stop-self, query-cpu-stopped-state.
 */
#include <stdatomic.h>

#include "power.h"

#define JOIN_MILLISECONDS 10000u
#define CPU_STOPPED 0u /* second result of query-cpu-stopped-state */

/* What it runs; NULL while it does nothing. */
static _Atomic(void (*)(void)) second_run;
static uint32_t second_id; /* as RTAS names it */

/* The first CPU of the tree that is not the one that booted. */
static bool find_second(uint32_t *id)
{
	const unsigned char *value;
	uint32_t len;

	for (uint32_t n = 0;; n++) {
		value = tree_nth_property("PowerPC,", n, "reg", &len);
		if (value == NULL || len != 4)
			return false;
		*id = tree_cell(value);
		if (*id != tree_boot_cpu())
			return true;
	}
}

static bool is_stopped(void)
{
	struct rtas_call call = {
		.token = rtas_token("query-cpu-stopped-state"),
		.arguments = 1,
		.results = 2,
		.argument = { second_id },
	};

	rtas_call(&call);
	return call.result[0] == 0 && call.result[1] == CPU_STOPPED;
}

bool cpu_start_second(void (*run)(void))
{
	struct rtas_call call = {
		.token = rtas_token("start-cpu"),
		.arguments = 3,
		.results = 1,
	};

	if (!find_second(&second_id) || !is_stopped())
		return false;
	/* release: pairs with the acquire in power_second(); @run sees all that
	 * was written before it was started. */
	atomic_store_explicit(&second_run, run, memory_order_release);
	call.argument[0] = second_id;
	call.argument[1] = (uint32_t)(uintptr_t)power_second_entry;
	rtas_call(&call);
	return call.result[0] == 0;
}

_Noreturn void power_second(void)
{
	struct rtas_call stop = {
		.token = rtas_token("stop-self"),
		.results = 1,
	};
	void (*run)(void);

	/* acquire: pairs with the release in cpu_start_second(). */
	run = atomic_load_explicit(&second_run, memory_order_acquire);
	run();
	/* release: pairs with the acquire in cpu_join_second(), which must see
	 * all that @run wrote. */
	atomic_store_explicit(&second_run, NULL, memory_order_release);
	rtas_call(&stop);
	for (;;)
		;
}

bool cpu_join_second(void)
{
	uint64_t until = cpu_milliseconds() + JOIN_MILLISECONDS;

	/* acquire: pairs with the release in power_second(). */
	while (atomic_load_explicit(&second_run, memory_order_acquire) !=
		       NULL ||
	       !is_stopped())
		if (cpu_milliseconds() > until)
			return false;
	return true;
}
