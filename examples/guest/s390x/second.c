/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * second.c - the second CPU of an s390x machine: started and stopped by SIGP.
 *
 * It has a lowcore and stacks of its own: its prefix register moves real
 * addresses 0 .. 8 KiB to second_lowcore, so its program checks save their
 * registers there, and find their stack there. It runs what it was given, says
 * that it is done, and stops itself.
 *
 * Source: z/Architecture Principles of Operation, SA22-7832-13, chapter 4,
 * "CPU Signaling and Response", and chapter 3, "Prefixing".
 */
#include <stdatomic.h>

#include "machine.h"

#include <cpu.h>

#define CPUS 2u
#define SECOND 1u /* addresses; QEMU boots on 0 */

#define ORDER_SENSE 0x01u
#define ORDER_STOP 0x05u
#define ORDER_RESTART 0x06u
#define ORDER_INITIAL_RESET 0x0bu
#define ORDER_SET_PREFIX 0x0du

#define ACCEPTED 0u /* condition codes */
#define STATUS_STORED 1u
#define BUSY 2u
#define STATUS_STOPPED 0x40u

#define ORDER_MILLISECONDS 1000u
#define JOIN_MILLISECONDS 10000u

#define LOWCORE_BYTES 8192u
#define STACK_BYTES 65536u
#define PROGRAM_STACK_BYTES 16384u

static unsigned char second_lowcore[LOWCORE_BYTES]
	__attribute__((aligned(LOWCORE_BYTES)));
static unsigned char second_stack[STACK_BYTES] __attribute__((aligned(16)));
static unsigned char second_program_stack[PROGRAM_STACK_BYTES]
	__attribute__((aligned(16)));

/* What it runs; NULL while it does nothing. */
static _Atomic(void (*)(void)) second_run;

/* One order, again while the other CPU is busy; the condition code. */
static unsigned signal(uint32_t address, uint64_t order, uint64_t *word)
{
	uint64_t until = cpu_milliseconds() + ORDER_MILLISECONDS;
	uint64_t parameter = *word;
	unsigned condition;

	do {
		*word = parameter;
		condition = cpu_signal(address, order, word);
	} while (condition == BUSY && cpu_milliseconds() <= until);
	return condition;
}

static bool accepts(uint32_t address, uint64_t order, uint64_t parameter)
{
	return signal(address, order, &parameter) == ACCEPTED;
}

static bool is_stopped(uint32_t address)
{
	uint64_t status = 0;

	return signal(address, ORDER_SENSE, &status) == STATUS_STORED &&
	       (status & STATUS_STOPPED) != 0;
}

/* ---- its lowcore, written from outside ---- */

static void set_word(uint32_t at, uint64_t value)
{
	memcpy(second_lowcore + at, &value, sizeof(value));
}

static void set_entry(uint32_t at, void (*entry)(void))
{
	set_word(at, PSW_64BIT);
	set_word(at + sizeof(uint64_t), (uintptr_t)entry);
}

static void set_stack(uint32_t at, unsigned char *stack, uint32_t bytes)
{
	set_word(at, (uintptr_t)stack + bytes - STACK_FRAME);
}

static void fill_lowcore(void)
{
	memset(second_lowcore, 0, sizeof(second_lowcore));
	set_entry(LOWCORE_RESTART_NEW_PSW, second_entry);
	set_entry(LOWCORE_PROGRAM_NEW_PSW, program_entry);
	set_stack(LOWCORE_SECOND_STACK, second_stack, STACK_BYTES);
	set_stack(LOWCORE_PROGRAM_STACK, second_program_stack,
		  PROGRAM_STACK_BYTES);
}

/* ---- guest.h ---- */

bool cpu_start_second(void (*run)(void))
{
	if (!is_stopped(SECOND))
		return false;
	fill_lowcore();
	/* release: pairs with the acquire in cpu_second(); @run sees all that
	 * was written before it was started. */
	atomic_store_explicit(&second_run, run, memory_order_release);
	return accepts(SECOND, ORDER_INITIAL_RESET, 0) &&
	       accepts(SECOND, ORDER_SET_PREFIX, (uintptr_t)second_lowcore) &&
	       accepts(SECOND, ORDER_RESTART, 0);
}

_Noreturn void cpu_second(void)
{
	void (*run)(void);

	/* acquire: pairs with the release in cpu_start_second(). */
	run = atomic_load_explicit(&second_run, memory_order_acquire);
	run();
	/* release: pairs with the acquire in cpu_join_second(), which must see
	 * all that @run wrote. */
	atomic_store_explicit(&second_run, NULL, memory_order_release);
	for (;;)
		(void)accepts(SECOND, ORDER_STOP, 0);
}

bool cpu_join_second(void)
{
	uint64_t until = cpu_milliseconds() + JOIN_MILLISECONDS;

	/* acquire: pairs with the release in cpu_second(). */
	while (atomic_load_explicit(&second_run, memory_order_acquire) !=
		       NULL ||
	       !is_stopped(SECOND)) {
		if (cpu_milliseconds() > until)
			return false;
		bounce_cpu_relax();
	}
	return true;
}

void second_stop_others(void)
{
	uint64_t until = cpu_milliseconds() + ORDER_MILLISECONDS;
	uint16_t own;

	__asm__ volatile("stap %0" : "=Q"(own));
	for (uint32_t address = 0; address < CPUS; address++) {
		if (address == own || !accepts(address, ORDER_STOP, 0))
			continue; /* also: there is no such CPU */
		while (!is_stopped(address) && cpu_milliseconds() <= until)
			bounce_cpu_relax();
	}
}
