/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * blobs.c - see blobs.h.
 */
#include "blobs.h"

#include <stdarg.h>
#include <string.h>

#include <bounce/bounce.h>

#include "support.h"
#include "window.h"

#define HEADER 40u
#define RESERVED 16u /* the empty list of reserved memory */

/* ---- made ---- */

static void put_cell(unsigned char *to, uint32_t cell)
{
	for (uint32_t i = 0; i < 4; i++)
		to[i] = (unsigned char)(cell >> (24 - 8 * i));
}

void blob_raw(struct blob_maker *maker, uint32_t cell)
{
	bench_check(maker->at + 4 <= sizeof(maker->structure));
	put_cell(maker->structure + maker->at, cell);
	maker->at += 4;
}

static void put_bytes(struct blob_maker *maker, const void *bytes, uint32_t len)
{
	uint32_t padded = (len + 3) & ~3u;

	bench_check(maker->at + padded <= sizeof(maker->structure));
	memset(maker->structure + maker->at, 0, padded);
	if (len != 0)
		memcpy(maker->structure + maker->at, bytes, len);
	maker->at += padded;
}

/* Where a name is in the strings block; each stands there once. */
static uint32_t string_of(struct blob_maker *maker, const char *name)
{
	uint32_t len = (uint32_t)strlen(name) + 1;
	uint32_t at = 0;

	while (at < maker->strings_bytes) {
		const char *there = (const char *)maker->strings + at;

		if (strcmp(there, name) == 0)
			return at;
		at += (uint32_t)strlen(there) + 1;
	}
	bench_check(at + len <= sizeof(maker->strings));
	memcpy(maker->strings + at, name, len);
	maker->strings_bytes += len;
	return at;
}

void blob_start(struct blob_maker *maker)
{
	maker->at = 0;
	maker->strings_bytes = 0;
}

void blob_node(struct blob_maker *maker, const char *name)
{
	blob_raw(maker, 1);
	put_bytes(maker, name, (uint32_t)strlen(name) + 1);
}

void blob_close(struct blob_maker *maker)
{
	blob_raw(maker, 2);
}

void blob_bytes(struct blob_maker *maker, const char *name, const void *value,
		uint32_t len)
{
	blob_raw(maker, 3);
	blob_raw(maker, len);
	blob_raw(maker, string_of(maker, name));
	put_bytes(maker, value, len);
}

void blob_text(struct blob_maker *maker, const char *name, const char *text)
{
	blob_bytes(maker, name, text, (uint32_t)strlen(text) + 1);
}

void blob_flag(struct blob_maker *maker, const char *name)
{
	blob_bytes(maker, name, NULL, 0);
}

void blob_cells(struct blob_maker *maker, const char *name, uint32_t count, ...)
{
	unsigned char value[256];
	va_list list;

	bench_check(count <= sizeof(value) / 4);
	va_start(list, count);
	for (uint32_t i = 0; i < count; i++)
		put_cell(value + 4 * i, va_arg(list, uint32_t));
	va_end(list);
	blob_bytes(maker, name, value, 4 * count);
}

uint32_t blob_finish(struct blob_maker *maker, unsigned char *bytes)
{
	uint32_t structure = HEADER + RESERVED;
	uint32_t strings;
	uint32_t header[10];

	blob_raw(maker, 9);
	strings = structure + maker->at;
	header[0] = 0xd00dfeed;
	header[1] = strings + maker->strings_bytes;
	header[2] = structure;
	header[3] = strings;
	header[4] = HEADER;
	header[5] = 17;
	header[6] = 16;
	header[7] = 3; /* the processor that boots */
	header[8] = maker->strings_bytes;
	header[9] = maker->at;
	bench_check(header[1] <= BLOB_BYTES);
	for (uint32_t i = 0; i < 10; i++)
		put_cell(bytes + 4 * i, header[i]);
	memset(bytes + HEADER, 0, RESERVED);
	memcpy(bytes + structure, maker->structure, maker->at);
	memcpy(bytes + strings, maker->strings, maker->strings_bytes);
	return header[1];
}

/* ---- a sample ---- */

static void sample_memory(struct blob_maker *maker)
{
	blob_node(maker, "reserved-memory");
	blob_cells(maker, "#address-cells", 1, 2);
	blob_cells(maker, "#size-cells", 1, 1);
	blob_flag(maker, "ranges");
	blob_node(maker, "pool@90000000");
	blob_text(maker, "compatible", "restricted-dma-pool");
	blob_cells(maker, "reg", 3, 0, 0x90000000, 0x400000);
	blob_cells(maker, "phandle", 1, 7);
	blob_close(maker);
	blob_node(maker, "later");
	blob_text(maker, "compatible", "restricted-dma-pool");
	blob_cells(maker, "size", 1, 0x400000);
	blob_cells(maker, "phandle", 1, 8);
	blob_close(maker);
	blob_close(maker);
}

static void sample_devices(struct blob_maker *maker)
{
	blob_node(maker, "soc");
	blob_cells(maker, "#address-cells", 1, 1);
	blob_cells(maker, "#size-cells", 1, 1);
	blob_cells(maker, "dma-ranges", 8, 0x0, 0x0, 0x80000000, 0x40000000,
		   0x40000000, 0x1, 0x0, 0x40000000);
	blob_flag(maker, "dma-coherent");
	blob_node(maker, "ethernet@1000");
	blob_cells(maker, "memory-region", 1, 7);
	blob_close(maker);
	blob_node(maker, "pcie@2000");
	blob_cells(maker, "#address-cells", 1, 3);
	blob_cells(maker, "#size-cells", 1, 2);
	blob_cells(maker, "dma-ranges", 12, 0x02000000, 0, 0x10000000, 0x100000,
		   0, 0x7f000000, 0x43000000, 1, 0, 0x00000000, 0, 0x100000);
	blob_node(maker, "virtio@1,0");
	blob_flag(maker, "dma-noncoherent");
	blob_cells(maker, "memory-region", 2, 8, 7);
	blob_close(maker);
	blob_close(maker);
	blob_close(maker);
}

static void sample_power(struct blob_maker *maker)
{
	blob_node(maker, "pci@800000020000000");
	blob_cells(maker, "ibm,#dma-address-cells", 1, 2);
	blob_cells(maker, "ibm,#dma-size-cells", 1, 2);
	blob_cells(maker, "ibm,dma-window", 5, 0x80000000, 0, 0, 0, 0x40000000);
	blob_node(maker, "scsi@1");
	blob_close(maker);
	blob_close(maker);
	blob_node(maker, "vdevice");
	blob_cells(maker, "#address-cells", 1, 1);
	blob_cells(maker, "#size-cells", 1, 0);
	blob_node(maker, "v-scsi@71000002");
	blob_cells(maker, "ibm,#dma-address-cells", 1, 2);
	blob_cells(maker, "ibm,#dma-size-cells", 1, 2);
	blob_cells(maker, "ibm,my-dma-window", 10, 0x10000002, 0, 0, 0,
		   0x10000000, 0x10000003, 0, 0x20000000, 0, 0x8000000);
	blob_close(maker);
	blob_close(maker);
}

uint32_t blob_sample(unsigned char *bytes)
{
	struct blob_maker maker;

	blob_start(&maker);
	blob_node(&maker, "");
	blob_cells(&maker, "#address-cells", 1, 2);
	blob_cells(&maker, "#size-cells", 1, 2);
	sample_memory(&maker);
	sample_devices(&maker);
	sample_power(&maker);
	blob_close(&maker);
	return blob_finish(&maker, bytes);
}

/* ---- asked ---- */

static void ask_windows(const struct bounce_fdt *fdt, int32_t node)
{
	struct bounce_window window[8];
	uint32_t count = 8;

	if (bounce_fdt_windows(fdt, node, window, &count) != BOUNCE_OK)
		return;
	bench_check(count >= 1 && count <= 8);
	for (uint32_t i = 0; i < count; i++)
		bench_check(bounce_window_valid(&window[i]));
	count = 1;
	bench_check(bounce_fdt_windows(fdt, node, window, &count) ==
			    BOUNCE_OK ||
		    count == 1);
}

static void ask_node(const struct bounce_fdt *fdt, int32_t node)
{
	struct bounce_fdt_dma_window dma;
	struct bounce_fdt_region region;
	uint32_t len = 0;
	const char *name = bounce_fdt_name(fdt, node);

	bench_check(name == NULL || strlen(name) < BOUNCE_FDT_NAME);
	(void)bounce_fdt_property(fdt, node, "reg", &len);
	ask_windows(fdt, node);
	bench_check(bounce_fdt_coherency(fdt, node) <= BOUNCE_FDT_NONCOHERENT);
	if (bounce_fdt_pool(fdt, node, &region) == BOUNCE_OK && region.len != 0)
		bench_check(region.gpa.v + (region.len - 1) >= region.gpa.v);
	for (uint32_t n = 0; n < 3; n++)
		if (bounce_fdt_dma_window(fdt, node, n, &dma) == BOUNCE_OK)
			bench_check(dma.len != 0 &&
				    dma.bus + (dma.len - 1) >= dma.bus);
}

uint32_t blob_ask(const void *bytes, size_t size)
{
	static const int32_t odd[] = { -1,	   -2,	      1,	4,
				       0x7ffffffc, INT32_MAX, INT32_MIN };
	int32_t node = BOUNCE_FDT_NONE;
	uint32_t nodes = 0;
	struct bounce_fdt fdt;

	if (bounce_fdt_open(&fdt, bytes, size) != BOUNCE_OK)
		return 0;
	while ((node = bounce_fdt_next(&fdt, node)) != BOUNCE_FDT_NONE) {
		ask_node(&fdt, node);
		nodes++;
	}
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		ask_node(&fdt, odd[i]);
	(void)bounce_fdt_find(&fdt, "/soc/pcie@2000/virtio");
	(void)bounce_fdt_find(&fdt, "//reserved-memory/");
	(void)bounce_fdt_boot_cpu(&fdt);
	bench_check(nodes != 0);
	return nodes;
}
