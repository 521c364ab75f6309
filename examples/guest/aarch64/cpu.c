/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * cpu.c - the virt machine under the portable program: start, exceptions,
 * console, clock, the end.
 *
 * Sources: PrimeCell UART (PL011), DDI 0183G; Arm ARM DDI 0487, issue H.a,
 * D11.1 (the generic timer), B2.2.5 (modified instructions).
 */
#include "../tree.h"
#include "../virtio_pci.h"
#include "arm.h"

#define BRIDGE "pcie@"

/* PL011: 3.2. */
#define SERIAL_DATA 0x00
#define SERIAL_FLAGS 0x18
#define SERIAL_FULL 0x20u

/* Semihosting, 6.5: SYS_EXIT, whose block is a reason and a code. */
#define SEMIHOSTING_EXIT 0x18u
#define STOPPED_APPLICATION_EXIT UINT64_C(0x20026)

/* CTR_EL0.DminLine: words of a line, as a power of two. */
#define CACHE_LINE_SHIFT 16
#define CACHE_LINE_MASK 0xfu

static uint64_t ticks_per_millisecond;
static uint64_t serial; /* 0: not found yet */

static void put(char c)
{
	while ((pci_load(serial + SERIAL_FLAGS, 4) & SERIAL_FULL) != 0)
		;
	pci_store(serial + SERIAL_DATA, 4, (unsigned char)c);
}

void cpu_console(const char *text, size_t len)
{
	for (size_t i = 0; serial != 0 && i < len; i++) {
		if (text[i] == '\n')
			put('\r');
		put(text[i]);
	}
}

uint64_t cpu_ticks(void)
{
	uint64_t ticks;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
}

uint64_t cpu_milliseconds(void)
{
	return cpu_ticks() / ticks_per_millisecond;
}

_Noreturn void cpu_exit(bool ok)
{
	const uint64_t block[2] = { STOPPED_APPLICATION_EXIT, ok ? 0 : 1 };

	(void)arm_semihosting(SEMIHOSTING_EXIT, block);
	for (;;)
		;
}

/* Bytes that were stored become instructions: B2.2.5. */
_Noreturn void cpu_enter(const struct guest_image *image)
{
	void (*entry)(void) = (void (*)(void))(uintptr_t)image->entry;
	uint64_t type;
	uint64_t line;

	__asm__("mrs %0, ctr_el0" : "=r"(type));
	line = UINT64_C(4) << (type >> CACHE_LINE_SHIFT & CACHE_LINE_MASK);
	for (uint64_t at = 0; at < image->len; at += line)
		__asm__ volatile("dc cvau, %0"
				 :
				 : "r"(image->gpa + at)
				 : "memory");
	__asm__ volatile("dsb ish\n\tic ialluis\n\tdsb ish\n\tisb"
			 :
			 :
			 : "memory");
	entry();
	for (;;)
		;
}

_Noreturn void arm_exception(uint64_t syndrome, uint64_t link, uint64_t fault)
{
	guest_print("exception %lx at %lx, address %lx\n", syndrome, link,
		    fault);
	guest_fail("an exception that nobody asked for");
}

/* ---- what the device tree says ---- */

/* `reg` of a node: its first address; 0 when there is none. */
static uint64_t place_of(const char *node)
{
	uint32_t len;
	const unsigned char *value = tree_property(node, "reg", &len);

	return value != NULL && len >= 8 ? tree_cells(value) : 0;
}

static bool has_memory(void)
{
	uint32_t len;
	const unsigned char *value = tree_property("memory@", "reg", &len);

	return value != NULL && len >= 16 && tree_cells(value) == ARM_RAM &&
	       tree_cells(value + 8) >= ARM_RAM_BYTES;
}

static bool find_bridge(void)
{
	pci_configuration = (unsigned char *)(uintptr_t)place_of(BRIDGE);
	return pci_configuration != NULL && pci_take_windows(BRIDGE, 0);
}

static void find_clock(void)
{
	uint64_t hertz;

	__asm__("mrs %0, cntfrq_el0" : "=r"(hertz));
	ticks_per_millisecond = hertz < 1000 ? 1 : hertz / 1000;
}

_Noreturn void arm_start(void)
{
	const char *why;

	find_clock();
	if (!tree_use((const unsigned char *)(uintptr_t)ARM_RAM))
		cpu_exit(false);
	serial = place_of("pl011@");
	if (!has_memory())
		guest_fail("not enough memory for the pools");
	if (!find_bridge())
		guest_fail("no PCI host bridge in the device tree");
	why = machine_start();
	if (why != NULL)
		guest_fail(why);
	guest_main();
}
