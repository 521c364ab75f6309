/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fdt_dma.c - what a device tree says of DMA, by whatever reader. Owns
 * nothing.
 *
 *   F3  A value is read by struct cells alone, which knows how many are left.
 *   F4  Numbers are held against overflow where they are read: a range does
 *       not pass the end of the address space.
 */
#include <bounce/fdt.h>

#include "base.h"
#include "window.h"

#define CELL 4u

/* A PCI address has three cells; the first says which space: IEEE 1275. */
#define PCI_CELLS 3u
#define PCI_SPACE(cell) ((cell) >> 24 & 3)
#define PCI_MEMORY 2u /* 32 bits; and above it 64 bits */

/* ---- through the reader ---- */

const void *bounce_fdt_property(const struct bounce_fdt *fdt, int32_t node,
				const char *name, uint32_t *len)
{
	return node < 0 ? NULL : fdt->reader->property(fdt, node, name, len);
}

const char *bounce_fdt_name(const struct bounce_fdt *fdt, int32_t node)
{
	return node < 0 ? NULL : fdt->reader->name(fdt, node);
}

int32_t bounce_fdt_next(const struct bounce_fdt *fdt, int32_t node)
{
	return fdt->reader->next(fdt, node);
}

int32_t bounce_fdt_find(const struct bounce_fdt *fdt, const char *path)
{
	return fdt->reader->find(fdt, path);
}

static int32_t parent_of(const struct bounce_fdt *fdt, int32_t node)
{
	return node < 0 ? BOUNCE_FDT_NONE : fdt->reader->parent(fdt, node);
}

static bool has(const struct bounce_fdt *fdt, int32_t node, const char *name)
{
	uint32_t len;

	return bounce_fdt_property(fdt, node, name, &len) != NULL;
}

/* ---- cells (F3) ---- */

struct cells {
	const unsigned char *at;
	uint32_t left; /* bytes */
};

/* A property as cells; false when it is there and is not whole cells. */
static bool open_cells(const struct bounce_fdt *fdt, int32_t node,
		       const char *name, struct cells *cells)
{
	cells->at = bounce_fdt_property(fdt, node, name, &cells->left);
	if (cells->at == NULL)
		cells->left = 0;
	return cells->left % CELL == 0;
}

/* A number of one or two cells. */
static bool take(struct cells *cells, uint32_t count, uint64_t *number)
{
	*number = 0;
	if (count < 1 || count > 2 || cells->left < count * CELL)
		return false;
	for (; count > 0; count--) {
		*number = *number << 32 | bounce_fdt_cell(cells->at);
		cells->at += CELL;
		cells->left -= CELL;
	}
	return true;
}

/* An address: a number, or PCI's three cells for memory. */
static bool take_address(struct cells *cells, uint32_t count, uint64_t *number)
{
	uint64_t space;

	if (count != PCI_CELLS)
		return take(cells, count, number);
	return take(cells, 1, &space) && PCI_SPACE(space) >= PCI_MEMORY &&
	       take(cells, 2, number);
}

/* Is [first, +len) there, without a wrap (F4)? */
static bool is_range(uint64_t first, uint64_t len)
{
	return len != 0 && !bounce_wraps(first, len);
}

/* #address-cells and the like; @usual when it is absent; 0: wrong. */
static uint32_t cells_of(const struct bounce_fdt *fdt, int32_t node,
			 const char *name, uint32_t usual)
{
	struct cells cells;
	uint64_t count;

	if (!has(fdt, node, name))
		return usual;
	if (!open_cells(fdt, node, name, &cells) || cells.left != CELL ||
	    !take(&cells, 1, &count) || count > PCI_CELLS)
		return 0;
	return (uint32_t)count;
}

/* Defaults: Devicetree Specification 0.4, 2.3.5. */
static uint32_t address_cells(const struct bounce_fdt *fdt, int32_t node)
{
	return cells_of(fdt, node, "#address-cells", 2);
}

static uint32_t size_cells(const struct bounce_fdt *fdt, int32_t node)
{
	return cells_of(fdt, node, "#size-cells", 1);
}

/* ---- dma-ranges ---- */

/* A bus: what it says, and how to read it. */
struct bus {
	struct cells ranges;
	uint32_t address; /* cells */
	uint32_t above;
	uint32_t size;
};

static bool take_range(struct bus *bus, struct bounce_window *range)
{
	*range = (struct bounce_window) { .flags = 0 };
	return take_address(&bus->ranges, bus->address, &range->bus.v) &&
	       take_address(&bus->ranges, bus->above, &range->gpa.v) &&
	       take(&bus->ranges, bus->size, &range->len) &&
	       is_range(range->bus.v, range->len) &&
	       is_range(range->gpa.v, range->len);
}

/* Windows in the making: as long as there are more buses, by any byte. */
struct list {
	struct bounce_window *window;
	uint32_t count;
	uint32_t room;
};

static void drop_first(struct list *list)
{
	list->count--;
	for (uint32_t i = 0; i < list->count; i++)
		list->window[i] = list->window[i + 1];
}

/* Put what is left of @below behind each range of the bus at the end. */
static enum bounce_err append_through(struct list *list,
				      const struct bounce_window *below,
				      struct bus bus)
{
	while (bus.ranges.left != 0) {
		struct bounce_window range;
		struct bounce_window both;

		if (!take_range(&bus, &range))
			return BOUNCE_ERR_ARG;
		if (!bounce_window_through(below, &range, &both))
			continue;
		if (list->count == list->room)
			return BOUNCE_ERR_RANGE;
		list->window[list->count++] = both;
	}
	return BOUNCE_OK;
}

/* All windows of the list, through one bus more. */
static enum bounce_err go_through(struct list *list, const struct bus *bus)
{
	enum bounce_err err = BOUNCE_OK;

	for (uint32_t i = list->count; i > 0 && err == BOUNCE_OK; i--) {
		struct bounce_window below = list->window[0];

		drop_first(list);
		err = append_through(list, &below, *bus);
	}
	if (err == BOUNCE_OK && list->count == 0)
		return BOUNCE_ERR_UNREACHABLE;
	return err;
}

/* Whole slots only; who has none is left out. */
static enum bounce_err make_whole(struct list *list)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		struct bounce_window whole = list->window[i];
		enum bounce_err err = bounce_window_whole(&whole);

		if (err == BOUNCE_ERR_ARG)
			return err;
		if (err == BOUNCE_OK)
			list->window[kept++] = whole;
	}
	list->count = kept;
	return kept == 0 ? BOUNCE_ERR_UNREACHABLE : BOUNCE_OK;
}

enum bounce_err bounce_fdt_windows(const struct bounce_fdt *fdt, int32_t node,
				   struct bounce_window *window,
				   uint32_t *count)
{
	struct list list = { .window = window, .count = 1, .room = *count };
	int32_t at = parent_of(fdt, node);
	enum bounce_err err;

	if (*count == 0)
		return BOUNCE_ERR_ARG;
	window[0] = (struct bounce_window) { .flags = 0 };
	for (uint32_t i = 0; at != BOUNCE_FDT_NONE; i++) {
		int32_t above = parent_of(fdt, at);
		struct bus bus;

		if (i == BOUNCE_FDT_DEPTH ||
		    !open_cells(fdt, at, "dma-ranges", &bus.ranges))
			return BOUNCE_ERR_ARG;
		bus.address = address_cells(fdt, at);
		bus.size = size_cells(fdt, at);
		bus.above = address_cells(fdt, above);
		err = bus.ranges.left == 0 || above == BOUNCE_FDT_NONE ?
			      BOUNCE_OK :
			      go_through(&list, &bus);
		if (err != BOUNCE_OK)
			return err;
		at = above;
	}
	err = make_whole(&list);
	if (err == BOUNCE_OK)
		*count = list.count;
	return err;
}

/* ---- coherency ---- */

enum bounce_fdt_coherency bounce_fdt_coherency(const struct bounce_fdt *fdt,
					       int32_t node)
{
	for (uint32_t i = 0; i <= BOUNCE_FDT_DEPTH && node >= 0; i++) {
		if (has(fdt, node, "dma-coherent"))
			return BOUNCE_FDT_COHERENT;
		if (has(fdt, node, "dma-noncoherent"))
			return BOUNCE_FDT_NONCOHERENT;
		node = parent_of(fdt, node);
	}
	return BOUNCE_FDT_UNSAID;
}

/* ---- restricted pools ---- */

/* Is @text one of the texts of a property? Each ends with a 0. */
static bool lists(const struct bounce_fdt *fdt, int32_t node, const char *name,
		  const char *text)
{
	uint32_t len = 0;
	const char *list = bounce_fdt_property(fdt, node, name, &len);
	uint32_t same = 0;
	bool so_far = true;

	for (uint32_t i = 0; i < len; i++) {
		so_far = so_far && list[i] == text[same];
		if (so_far && list[i] == '\0')
			return true;
		same = so_far ? same + 1 : 0;
		if (list[i] == '\0') {
			so_far = true;
			same = 0;
		}
	}
	return false;
}

static bool is_enabled(const struct bounce_fdt *fdt, int32_t node)
{
	return !has(fdt, node, "status") ||
	       lists(fdt, node, "status", "okay") ||
	       lists(fdt, node, "status", "ok");
}

/* What a restricted pool may not be besides. */
static bool is_spoiled(const struct bounce_fdt *fdt, int32_t node)
{
	return has(fdt, node, "reusable") || has(fdt, node, "no-map") ||
	       has(fdt, node, "linux,cma-default") ||
	       has(fdt, node, "linux,dma-default");
}

/* Is it that child of the root? */
static bool is_reserved_memory(const struct bounce_fdt *fdt, int32_t node)
{
	static const char called[] = "reserved-memory";
	const char *name = bounce_fdt_name(fdt, node);
	uint32_t i = 0;

	if (name == NULL || parent_of(fdt, parent_of(fdt, node)) >= 0 ||
	    parent_of(fdt, node) < 0)
		return false;
	while (called[i] != '\0' && name[i] == called[i])
		i++;
	return called[i] == name[i];
}

static enum bounce_err read_region(const struct bounce_fdt *fdt, int32_t node,
				   struct bounce_fdt_region *region)
{
	int32_t above = parent_of(fdt, node);
	struct bounce_fdt_region found;
	struct cells cells;

	if (!is_reserved_memory(fdt, above) || is_spoiled(fdt, node) ||
	    !open_cells(fdt, node, "reg", &cells))
		return BOUNCE_ERR_ARG;
	if (cells.left == 0)
		return has(fdt, node, "size") ? BOUNCE_ERR_UNREACHABLE :
						BOUNCE_ERR_ARG;
	if (!take(&cells, address_cells(fdt, above), &found.gpa.v) ||
	    !take(&cells, size_cells(fdt, above), &found.len) ||
	    cells.left != 0 || !is_range(found.gpa.v, found.len))
		return BOUNCE_ERR_ARG;
	*region = found;
	return BOUNCE_OK;
}

enum bounce_err bounce_fdt_pool(const struct bounce_fdt *fdt, int32_t node,
				struct bounce_fdt_region *region)
{
	struct cells cells;
	uint64_t phandle;

	if (!open_cells(fdt, node, "memory-region", &cells) ||
	    cells.left > BOUNCE_FDT_REGIONS * CELL)
		return BOUNCE_ERR_ARG;
	while (take(&cells, 1, &phandle)) {
		int32_t at = fdt->reader->phandle(fdt, (uint32_t)phandle);

		if (at < 0)
			return BOUNCE_ERR_ARG;
		if (lists(fdt, at, "compatible", "restricted-dma-pool") &&
		    is_enabled(fdt, at))
			return read_region(fdt, at, region);
	}
	*region = (struct bounce_fdt_region) { .len = 0 };
	return BOUNCE_OK;
}

/* ---- windows of POWER ---- */

static enum bounce_err read_dma_window(const struct bounce_fdt *fdt,
				       int32_t node, struct cells cells,
				       uint32_t n,
				       struct bounce_fdt_dma_window *window)
{
	uint32_t address = cells_of(fdt, node, "ibm,#dma-address-cells",
				    address_cells(fdt, node));
	uint32_t size = cells_of(fdt, node, "ibm,#dma-size-cells",
				 size_cells(fdt, node));
	struct bounce_fdt_dma_window found = { .reserved = 0 };
	uint64_t liobn;

	do {
		if (cells.left == 0)
			return BOUNCE_ERR_UNREACHABLE;
		if (!take(&cells, 1, &liobn) ||
		    !take(&cells, address, &found.bus) ||
		    !take(&cells, size, &found.len) ||
		    !is_range(found.bus, found.len))
			return BOUNCE_ERR_ARG;
	} while (n-- > 0);
	found.liobn = (uint32_t)liobn;
	*window = found;
	return BOUNCE_OK;
}

enum bounce_err bounce_fdt_dma_window(const struct bounce_fdt *fdt,
				      int32_t node, uint32_t n,
				      struct bounce_fdt_dma_window *window)
{
	const char *name = "ibm,my-dma-window";
	struct cells cells;

	if (!has(fdt, node, name)) {
		name = "ibm,dma-window";
		for (uint32_t i = 0; i <= BOUNCE_FDT_DEPTH && node >= 0 &&
				     !has(fdt, node, name);
		     i++)
			node = parent_of(fdt, node);
		if (node < 0)
			return BOUNCE_ERR_UNREACHABLE;
	}
	if (!open_cells(fdt, node, name, &cells))
		return BOUNCE_ERR_ARG;
	return read_dma_window(fdt, node, cells, n, window);
}
