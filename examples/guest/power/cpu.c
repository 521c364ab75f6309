/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * cpu.c - POWER's side of guest.h: start, console, clock, power-off, and the
 * way to another image.
 *
 * Source: Power ISA 3.0B book II, "Instruction Storage" (dcbst, icbi).
 */
#include "power.h"

/* The unit address that QEMU gives the first virtual terminal. */
#define TERMINAL 0x71000000u
#define TERMINAL_BYTES 16u /* of one H_PUT_TERM_CHAR */

extern unsigned char bss_start[];
extern unsigned char bss_end[];

#define CACHE_BLOCK_BYTES 128u /* POWER8 and POWER9; no CPU has smaller ones */

static uint64_t ticks_per_millisecond;
static const unsigned char *boot_tree;

const struct guest_cpu guest_cpu = {
	.name = power_name,
	.transport_name = "pci",
	.awkward_text = "r3 said nothing, as in the published firmware: "
			"each share was proved by content",
	.iommu_name = "TCE",
	.transport = BOUNCE_TRANSPORT_PCI,
	.ram_bytes = POWER_RAM_BYTES,
	.pool_gpa = UINT64_C(64) << 20,
	.control_gpa = UINT64_C(72) << 20,
	.refused_gpa = UINT64_C(74) << 20,
	.window = {
		/* model_start() checks it against the tree. */
		{ .len = UINT64_C(1) << 30, .flags = BOUNCE_WINDOW_TRANSLATED },
		{ .flags = BOUNCE_WINDOW_BYPASS },
	},
};

void cpu_console(const char *text, size_t len)
{
	while (len > 0) {
		size_t part = len < TERMINAL_BYTES ? len : TERMINAL_BYTES;
		unsigned char bytes[TERMINAL_BYTES] = { 0 };
		uint64_t first;
		uint64_t second;

		memcpy(bytes, text, part);
		first = tree_cells(bytes);
		second = tree_cells(bytes + 8);
		/* Busy is the only answer besides success. */
		while (power_hcall(H_PUT_TERM_CHAR, TERMINAL, part, first,
				   second) != H_SUCCESS)
			;
		text += part;
		len -= part;
	}
}

uint64_t cpu_ticks(void)
{
	uint64_t ticks;

	__asm__ volatile("mftb %0" : "=r"(ticks));
	return ticks;
}

uint64_t cpu_milliseconds(void)
{
	return cpu_ticks() / ticks_per_millisecond;
}

static void find_clock(void)
{
	uint32_t len;
	const unsigned char *value = tree_property("PowerPC,",
						   "timebase-frequency", &len);

	if (value == NULL || len != 4 || tree_cell(value) < 1000)
		guest_fail("no time base in the device tree");
	ticks_per_millisecond = tree_cell(value) / 1000;
}

static void check_memory(void)
{
	uint32_t len;
	const unsigned char *value = tree_property("memory@0", "reg", &len);

	/* QEMU may split memory in nodes; the first holds all pools. */
	if (value == NULL || len < 16 ||
	    tree_cells(value + 8) < guest_cpu.refused_gpa + (2u << 20))
		guest_fail("not enough memory for the pools");
}

/* LoPAR, ibm,os-term: QEMU takes it for a panic of the guest. */
static void rtas_terminate(void)
{
	static const char text[] = "guest failed";
	struct rtas_call call = {
		.token = rtas_token("ibm,os-term"),
		.arguments = 1,
		.results = 1,
		.argument = { (uint32_t)(uintptr_t)text },
	};

	rtas_call(&call);
}

/* LoPAR, power-off, with no power-on events. */
static void rtas_power_off(void)
{
	struct rtas_call call = {
		.token = rtas_token("power-off"),
		.arguments = 2,
		.results = 1,
		.argument = { UINT32_MAX, UINT32_MAX },
	};

	rtas_call(&call);
}

_Noreturn void cpu_exit(bool ok)
{
	if (!ok)
		rtas_terminate();
	rtas_power_off();
	for (;;)
		;
}

/* Bytes that were stored become instructions. */
_Noreturn void cpu_enter(const struct guest_image *image)
{
	for (uint64_t at = 0; at < image->len; at += CACHE_BLOCK_BYTES)
		__asm__ volatile("dcbst 0, %0\n\tsync\n\ticbi 0, %0"
				 :
				 : "r"(image->gpa + at)
				 : "memory");
	__asm__ volatile("sync\n\tisync" : : : "memory");
	power_jump(image->entry, boot_tree);
}

_Noreturn void power_start(const unsigned char *tree)
{
	memset(bss_start, 0, (size_t)(bss_end - bss_start));
	boot_tree = tree;
	if (!tree_use(tree))
		cpu_exit(false);
	if (!power_set_endian())
		guest_fail("interrupts stay in the other byte order");
	find_clock();
	check_memory();
	if (!pci_start())
		guest_fail("no PCI host bridge in the device tree");
	if (!model_start())
		guest_fail("no TCE window from 0 over all memory");
	guest_main();
}
