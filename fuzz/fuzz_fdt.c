/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz_fdt.c - device trees from a host that means ill: an error, never an
 * access outside of the blob; and dma-ranges held to a walk of the buses, one
 * address at a time, in 128 bits.
 */
#include <string.h>

#include <bounce/bounce.h>

#include "base.h"
#include "blobs.h"
#include "input.h"
#include "window.h"

typedef unsigned __int128 wide;

#define ROOM 16u /* windows that are asked for */

/* A copy that ends where the blob ends, so that ASan sees the next byte. */
static void ask(const uint8_t *bytes, size_t size)
{
	uint8_t *exact = malloc(size == 0 ? 1 : size);

	fuzz_check(exact != NULL);
	memcpy(exact, bytes, size);
	(void)blob_ask(exact, size);
	free(exact);
}

/* ---- a tree of anything ---- */

static const char *const nodes[] = {
	"", "soc", "bus@1", "dev@2", "reserved-memory", "pool@3", "pci@4",
};

static const char *const properties[] = {
	"#address-cells",
	"#size-cells",
	"dma-ranges",
	"dma-coherent",
	"dma-noncoherent",
	"memory-region",
	"phandle",
	"linux,phandle",
	"reg",
	"size",
	"ibm,dma-window",
	"ibm,my-dma-window",
	"reusable",
	"no-map",
	"ibm,#dma-address-cells",
	"status",
	"ibm,#dma-size-cells",
};
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void any_property(struct fuzz_input *in, struct blob_maker *maker)
{
	const char *name = properties[fuzz_below(in, COUNT(properties))];
	uint8_t value[48];
	uint32_t len = (uint32_t)fuzz_below(in, sizeof(value) + 1);

	for (uint32_t i = 0; i < len; i++)
		value[i] = 0;
	/* Small big-endian cells are what properties are made of. */
	for (uint32_t i = 3; i < len; i += 4)
		value[i] = fuzz_byte(in);
	blob_bytes(maker, name, value, len);
}

static void any_part(struct fuzz_input *in, struct blob_maker *maker)
{
	switch (fuzz_below(in, 8)) {
	case 0:
	case 1:
		blob_node(maker, nodes[fuzz_below(in, COUNT(nodes))]);
		break;
	case 2:
		blob_close(maker);
		break;
	case 3:
		blob_text(maker, "compatible", "restricted-dma-pool");
		break;
	case 4:
		blob_raw(maker, (uint32_t)fuzz_below(in, 16));
		break;
	default:
		any_property(in, maker);
		break;
	}
}

static void ask_anything(struct fuzz_input *in)
{
	uint8_t bytes[BLOB_BYTES];
	struct blob_maker maker;
	uint32_t parts = 1 + (uint32_t)fuzz_below(in, 64);
	uint32_t size;

	blob_start(&maker);
	blob_node(&maker, "");
	for (uint32_t i = 0; i < parts; i++)
		any_part(in, &maker);
	/* As many ends as it takes, or not. */
	for (uint32_t i = (uint32_t)fuzz_below(in, 8); i > 0; i--)
		blob_close(&maker);
	size = blob_finish(&maker, bytes);
	/* And a few bytes that nobody wrote. */
	while (fuzz_more(in)) {
		uint32_t at = (uint32_t)fuzz_below(in, size);

		bytes[at] = fuzz_byte(in);
	}
	ask(bytes, size);
}

/* ---- buses behind each other ---- */

#define BUSES 3u
#define RANGES 3u

struct range {
	uint64_t below; /* address on the bus */
	uint64_t above; /* and on the one above it */
	uint64_t len;
};

struct chain {
	uint32_t buses;
	uint32_t ranges[BUSES]; /* 0: the bus changes nothing */
	struct range range[BUSES][RANGES]; /* [0] is the device's bus */
};

static void any_chain(struct fuzz_input *in, struct chain *chain)
{
	bool odd = fuzz_byte(in) == 0xff;
	uint64_t mask = odd ? 0 : BOUNCE_SLOT_BYTES - 1;

	*chain =
		(struct chain) { .buses = 1 + (uint32_t)fuzz_below(in, BUSES) };
	for (uint32_t bus = 0; bus < chain->buses; bus++) {
		chain->ranges[bus] = (uint32_t)fuzz_below(in, RANGES + 1);
		for (uint32_t i = 0; i < chain->ranges[bus]; i++)
			chain->range[bus][i] = (struct range) {
				.below = fuzz_wide(in) & ~mask,
				.above = fuzz_wide(in) & ~mask,
				.len = fuzz_wide(in) & ~mask,
			};
	}
}

static void put_ranges(struct blob_maker *maker, const struct range *range,
		       uint32_t count)
{
	uint8_t value[RANGES * 24];

	for (uint32_t i = 0; i < count; i++) {
		const uint64_t numbers[] = { range[i].below, range[i].above,
					     range[i].len };

		for (uint32_t byte = 0; byte < 24; byte++)
			value[24 * i + byte] = (uint8_t)(numbers[byte / 8] >>
							 (56 - 8 * (byte % 8)));
	}
	blob_bytes(maker, "dma-ranges", value, 24 * count);
}

static void put_cells(struct blob_maker *maker)
{
	blob_cells(maker, "#address-cells", 1, 2);
	blob_cells(maker, "#size-cells", 1, 2);
}

static uint32_t put_chain(const struct chain *chain, uint8_t *bytes)
{
	struct blob_maker maker;

	blob_start(&maker);
	blob_node(&maker, "");
	put_cells(&maker);
	for (uint32_t bus = chain->buses; bus-- > 0;) {
		blob_node(&maker, "bus");
		put_cells(&maker);
		put_ranges(&maker, chain->range[bus], chain->ranges[bus]);
	}
	blob_node(&maker, "dev");
	for (uint32_t i = 0; i < chain->buses + 2; i++)
		blob_close(&maker);
	return blob_finish(&maker, bytes);
}

/* Does the tree say something that no reader may take? */
static bool is_wrong(const struct chain *chain)
{
	for (uint32_t bus = 0; bus < chain->buses; bus++)
		for (uint32_t i = 0; i < chain->ranges[bus]; i++) {
			const struct range *range = &chain->range[bus][i];
			wide last = (wide)range->len - 1;

			if (range->len == 0 ||
			    range->below + last > UINT64_MAX ||
			    range->above + last > UINT64_MAX)
				return true;
		}
	return false;
}

/* Through one bus: is @address led to @to by a range of it? */
static bool leads(const struct chain *chain, uint32_t bus, uint64_t address,
		  uint64_t to)
{
	if (chain->ranges[bus] == 0)
		return address == to;
	for (uint32_t i = 0; i < chain->ranges[bus]; i++) {
		const struct range *range = &chain->range[bus][i];

		if (address >= range->below &&
		    address - range->below < range->len &&
		    address - range->below + range->above == to)
			return true;
	}
	return false;
}

/* Where the first range that holds it leads an address, bus by bus; ranges
 * may overlap, so that there may be other places: all are tried. */
static bool reaches(const struct chain *chain, uint64_t address, uint64_t gpa)
{
	uint64_t at[RANGES * RANGES * RANGES] = { address };
	uint32_t count = 1;

	for (uint32_t bus = 0; bus + 1 < chain->buses; bus++) {
		uint64_t next[RANGES * RANGES * RANGES];
		uint32_t found = 0;

		for (uint32_t i = 0; i < count; i++) {
			if (chain->ranges[bus] == 0)
				next[found++] = at[i];
			for (uint32_t j = 0; j < chain->ranges[bus]; j++) {
				const struct range *range =
					&chain->range[bus][j];
				uint64_t off = at[i] - range->below;

				if (at[i] >= range->below && off < range->len)
					next[found++] = range->above + off;
			}
		}
		memcpy(at, next, sizeof(at[0]) * found);
		count = found;
	}
	for (uint32_t i = 0; i < count; i++)
		if (leads(chain, chain->buses - 1, at[i], gpa))
			return true;
	return false;
}

/* The first, the last and a byte between them. */
static void hold(const struct chain *chain, const struct bounce_window *window)
{
	uint64_t last = window->len - 1;
	const uint64_t offsets[] = { 0, last / 2, last };

	fuzz_check(bounce_window_valid(window) && window->flags == 0);
	for (uint32_t i = 0; i < 3; i++)
		fuzz_check(reaches(chain, window->bus.v + offsets[i],
				   window->gpa.v + offsets[i]));
}

/* What a range of the device's bus leads to, is in a window; when one bus is
 * all that there is, and its ranges are whole slots. */
static void hold_back(const struct chain *chain,
		      const struct bounce_window *window, uint32_t count)
{
	for (uint32_t i = 0; i < chain->ranges[0]; i++) {
		const struct range *range = &chain->range[0][i];
		bool found = false;

		if (((range->below | range->above | range->len) &
		     (BOUNCE_SLOT_BYTES - 1)) != 0)
			continue;
		for (uint32_t j = 0; j < count; j++)
			found |= window[j].bus.v == range->below &&
				 window[j].gpa.v == range->above &&
				 window[j].len == range->len;
		fuzz_check(found);
	}
}

static void ask_chain(struct fuzz_input *in)
{
	struct bounce_window window[ROOM];
	uint8_t bytes[BLOB_BYTES];
	uint32_t count = 1 + (uint32_t)fuzz_below(in, ROOM);
	struct bounce_fdt fdt;
	struct chain chain;
	enum bounce_err err;
	int32_t node = BOUNCE_FDT_NONE;
	uint32_t size;

	any_chain(in, &chain);
	size = put_chain(&chain, bytes);
	fuzz_check(bounce_fdt_open(&fdt, bytes, size) == BOUNCE_OK);
	for (uint32_t i = 0; i < chain.buses + 2; i++)
		node = bounce_fdt_next(&fdt, node);
	fuzz_check(strcmp(bounce_fdt_name(&fdt, node), "dev") == 0);
	err = bounce_fdt_windows(&fdt, node, window, &count);
	if (err != BOUNCE_OK)
		return;
	fuzz_check(chain.buses > 1 || !is_wrong(&chain));
	fuzz_check(count >= 1);
	for (uint32_t i = 0; i < count; i++)
		hold(&chain, &window[i]);
	if (chain.buses == 1)
		hold_back(&chain, window, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };

	switch (fuzz_below(&in, 3)) {
	case 0:
		ask(in.at, in.left);
		break;
	case 1:
		ask_anything(&in);
		break;
	default:
		ask_chain(&in);
		break;
	}
	return 0;
}
