/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * cpu.c - the q35 machine under the portable program: start, exceptions,
 * console, clock, the end.
 *
 * Sources: Intel, 3 Series Express Chipset Family datasheet, 5.1.16
 * (PCIEXBAR); I/O Controller Hub 9 datasheet, 13.1.13 (PMBASE), 13.8.3.3
 * (PM1_CNT); IA-PC HPET Specification 1.0a, 2.3; National Semiconductor
 * PC16550D (serial port); Xen, docs/misc/pvh.pandoc (start info).
 */
#include "../virtio_pci.h"
#include "x86.h"

/* ---- ports ---- */

static void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static void out16(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static void out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static uint32_t in32(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

uint32_t pci_port_load(uint64_t address)
{
	return in32((uint16_t)address);
}

/* ---- console ---- */

#define SERIAL 0x3f8
#define SERIAL_STATUS (SERIAL + 5)
#define SERIAL_EMPTY 0x20u

static void put(char c)
{
	while ((in8(SERIAL_STATUS) & SERIAL_EMPTY) == 0)
		;
	out8(SERIAL, (uint8_t)c);
}

void cpu_console(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			put('\r');
		put(text[i]);
	}
}

/* ---- clock: the HPET's counter ---- */

#define HPET UINT64_C(0xfed00000)
#define HPET_PERIOD 0x004 /* femtoseconds of a tick */
#define HPET_CONTROL 0x010
#define HPET_CONTROL_RUN 1u
#define HPET_COUNTER 0x0f0
#define FEMTOSECONDS UINT64_C(1000000000000) /* of a millisecond */

static uint64_t period;

static uint64_t counter(void)
{
	uint32_t high;
	uint32_t low;

	/* In halves; again when the low one has wrapped in between. */
	do {
		high = pci_load(HPET + HPET_COUNTER + 4, 4);
		low = pci_load(HPET + HPET_COUNTER, 4);
	} while (high != pci_load(HPET + HPET_COUNTER + 4, 4));
	return (uint64_t)high << 32 | low;
}

static bool start_clock(void)
{
	period = pci_load(HPET + HPET_PERIOD, 4);
	pci_store(HPET + HPET_CONTROL, 4, HPET_CONTROL_RUN);
	return period != 0 && period <= UINT64_C(100000000); /* 2.3.4 */
}

uint64_t cpu_ticks(void)
{
	uint32_t low;
	uint32_t high;

	__asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

uint64_t cpu_milliseconds(void)
{
	return counter() / (FEMTOSECONDS / period);
}

/* ---- PCI, by the old ports, for what has to be known first ---- */

#define CONFIGURATION_ADDRESS 0xcf8
#define CONFIGURATION_DATA 0xcfc
#define CONFIGURATION_ENABLE 0x80000000u

static uint32_t old_read(uint16_t requester, uint32_t offset)
{
	out32(CONFIGURATION_ADDRESS,
	      CONFIGURATION_ENABLE | (uint32_t)requester << 8 | offset);
	return in32(CONFIGURATION_DATA);
}

#define HOST_BRIDGE 0x00
#define HOST_PCIEXBAR 0x60
#define PCIEXBAR_ON 1u
#define PCIEXBAR_MASK 0xf0000000u /* of 256 MiB */

/* QEMU's firmware has left this free for us: below the I/O APIC. */
#define DEVICES UINT64_C(0xe0000000)
#define DEVICES_END UINT64_C(0xfec00000)
#define PORTS UINT64_C(0x2000)
#define PORTS_END UINT64_C(0x10000)

/* Addresses on the bus are the CPU's. Ports are those behind what the machine
 * itself has. */
struct pci_host pci_hosts[PCI_SEGMENTS] = { {
	.memory = {
		.pci = DEVICES,
		.cpu = (unsigned char *)DEVICES,
		.len = DEVICES_END - DEVICES,
	},
	.io = {
		.pci = PORTS,
		.cpu = (unsigned char *)PORTS,
		.len = PORTS_END - PORTS,
	},
} };

static bool find_bridge(void)
{
	uint32_t place = old_read(HOST_BRIDGE, HOST_PCIEXBAR);

	pci_configuration = (unsigned char *)(uintptr_t)(place & PCIEXBAR_MASK);
	return (place & PCIEXBAR_ON) != 0;
}

/* ---- the end ---- */

#define SOUTH_BRIDGE 0xf8 /* 00:1f.0 */
#define SOUTH_PMBASE 0x40
#define PMBASE_MASK 0xff80u
#define PM_CONTROL 4
#define PM_SLEEP 0x2000u /* sleep enable; type 0 is QEMU's off */

/* QEMU's isa-debug-exit, where tools/guests.py puts it: odd codes only. */
#define DEBUG_EXIT 0xf4

_Noreturn void cpu_exit(bool ok)
{
	uint16_t pm = (uint16_t)(old_read(SOUTH_BRIDGE, SOUTH_PMBASE) &
				 PMBASE_MASK);

	if (ok)
		out16((uint16_t)(pm + PM_CONTROL), PM_SLEEP);
	else
		out8(DEBUG_EXIT, 1);
	for (;;)
		;
}

/* ---- exceptions ---- */

/* Intel SDM vol. 3, 6.14.1. */
struct gate {
	uint16_t low;
	uint16_t selector;
	uint16_t flags;
	uint16_t middle;
	uint32_t high;
	uint32_t reserved;
};
_Static_assert(sizeof(struct gate) == 16, "a 64-bit gate");

#define SELECTOR_CODE 8u /* start.S */
#define GATE_INTERRUPT 0x8e00u /* present */

static struct gate gates[X86_VECTORS];

static void make_gates(void)
{
	for (uint32_t i = 0; i < X86_VECTORS; i++) {
		uint64_t at = (uintptr_t)x86_vectors + i * X86_VECTOR_BYTES;

		gates[i] = (struct gate) {
			.low = (uint16_t)at,
			.selector = SELECTOR_CODE,
			.flags = GATE_INTERRUPT,
			.middle = (uint16_t)(at >> 16),
			.high = (uint32_t)(at >> 32),
		};
	}
}

void x86_take_exceptions(void)
{
	const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed))
	place = { sizeof(gates) - 1, (uintptr_t)gates };

	__asm__ volatile("lidt %0" : : "m"(place));
}

_Noreturn void x86_exception(uint64_t vector, uint64_t error, uint64_t rip)
{
	guest_print("exception %lu, error %lx, at %lx\n", vector, error, rip);
	guest_fail("an exception that nobody asked for");
}

/* ---- start ---- */

/* struct hvm_start_info and its memory map, of version 1. */
#define INFO_MAGIC 0x336ec578u
struct info {
	uint32_t magic;
	uint32_t version;
	uint32_t rest[8];
	uint64_t map;
	uint32_t map_entries;
	uint32_t reserved;
};
_Static_assert(offsetof(struct info, map) == 40, "hvm_start_info.memmap_paddr");

struct map_entry {
	uint64_t gpa;
	uint64_t len;
	uint32_t type;
	uint32_t reserved;
};
#define MAP_RAM 1u

/* Is all of the image, and of the pools behind it, in one piece of RAM? */
static bool has_memory(const unsigned char *bytes)
{
	struct info info;
	struct map_entry entry;

	memcpy(&info, bytes, sizeof(info));
	if (info.magic != INFO_MAGIC || info.version < 1)
		return false;
	for (uint32_t i = 0; i < info.map_entries; i++) {
		memcpy(&entry,
		       (const unsigned char *)(uintptr_t)info.map +
			       i * sizeof(entry),
		       sizeof(entry));
		if (entry.type == MAP_RAM && entry.gpa <= X86_IMAGE &&
		    entry.gpa + entry.len >= X86_REFUSED + (2u << 20))
			return true;
	}
	return false;
}

static const unsigned char *boot_info;

/* For bytes that were stored, a jump is all that it takes: Intel SDM vol. 3,
 * 8.1.3. */
_Noreturn void cpu_enter(const struct guest_image *image)
{
	void (*entry)(const unsigned char *) =
		(void (*)(const unsigned char *))(uintptr_t)image->entry;

	entry(boot_info);
	for (;;)
		;
}

_Noreturn void x86_start(const unsigned char *info)
{
	const char *why;

	boot_info = info;
	make_gates();
	x86_take_exceptions();
	guest_print("\n"); /* behind what the firmware left there */
	if (!has_memory(info))
		guest_fail("not enough memory for the pools");
	if (!start_clock())
		guest_fail("no HPET");
	if (!find_bridge())
		guest_fail("no memory-mapped PCI configuration space");
	why = machine_start();
	if (why != NULL)
		guest_fail(why);
	guest_main();
}
