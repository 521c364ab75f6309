/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * aside.c - what needs no device of the instance's: rings, device trees; and
 * caches that count.
 */
#include "soak.h"

#include "blobs.h"

static void put(unsigned char *at, uint64_t value, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		at[i] = (unsigned char)(value >> 8 * i);
}

/* ---- a ring, and a device that may lie ---- */

#define RING_ENTRIES 8u
#define RING_BYTES (16 * RING_ENTRIES) /* packed: VIRTIO 1.2, 2.8.13 */
#define PACKED_IS_USED 0x8082u /* both flags, as in round 1; written */
#define PACKED_IS_NOT 0x0002u

enum lie {
	NO_LIE,
	LONG, /* more was written than there is room for */
	FAR, /* no such head */
	OTHER, /* a head that was not posted */
	NOTHING, /* nothing is used */
	AHEAD, /* the index runs off; a packed ring has none */
	LIES,
};

static void report_split(unsigned char *ring, uint32_t head, enum lie lie)
{
	put(ring + 4,
	    lie == FAR	 ? RING_ENTRIES :
	    lie == OTHER ? head ^ 1 :
			   head,
	    4);
	put(ring + 8, lie == LONG ? 101 : 100, 4);
	put(ring + 2, lie == AHEAD ? 2 : lie != NOTHING, 2);
}

static void report_packed(unsigned char *ring, uint32_t head, enum lie lie)
{
	put(ring + 8, lie == LONG ? 101 : 100, 4);
	put(ring + 12,
	    lie == FAR	 ? RING_ENTRIES :
	    lie == OTHER ? head ^ 1 :
			   head,
	    2);
	put(ring + 14, lie == NOTHING ? PACKED_IS_NOT : PACKED_IS_USED, 2);
}

static enum bounce_err post(struct bounce_used *used, bool packed,
			    uint32_t head)
{
	return packed ? bounce_used_post_packed(used, head, 1, 100, 7) :
			bounce_used_post(used, head, 100, 7);
}

/* One buffer is posted, and the device says of it what it likes. */
static void judge(struct soak_worker *worker, struct bounce_used *used,
		  unsigned char *ring, bool packed)
{
	static const enum bounce_err wants[LIES] = {
		BOUNCE_OK,	  BOUNCE_ERR_LENGTH, BOUNCE_ERR_RANGE,
		BOUNCE_ERR_STALE, BOUNCE_ERR_BUSY,   BOUNCE_ERR_RANGE,
	};
	uint32_t head = (uint32_t)soak_below(worker, RING_ENTRIES);
	enum lie lie = (enum lie)soak_below(worker, packed ? AHEAD : LIES);
	struct bounce_completion done;

	soak_check(worker, post(used, packed, head) == BOUNCE_OK);
	soak_check(worker, post(used, packed, head) == BOUNCE_ERR_BUSY);
	(packed ? report_packed : report_split)(ring, head, lie);
	soak_check(worker, bounce_virtio_used(used, &done) == wants[lie]);
	soak_check(worker,
		   lie != NO_LIE || (done.cookie == 7 && done.written == 100 &&
				     bounce_used_outstanding(used) == 0));
	soak_check(worker, bounce_used_valid(used));
}

void soak_ring(struct soak_worker *worker, struct soak_entry *unused)
{
	uint64_t check[64];
	uint32_t ring[RING_BYTES / 4] = { 0 };
	bool packed = soak_below(worker, 2) != 0;
	struct bounce_used *used;
	enum bounce_err err;

	(void)unused;
	soak_check(worker, bounce_used_size(RING_ENTRIES) <= sizeof(check));
	err = packed ? bounce_used_init_packed(check, sizeof(check),
					       RING_ENTRIES, ring, &used) :
		       bounce_used_init(check, sizeof(check), RING_ENTRIES,
					ring, &used);
	soak_check(worker, err == BOUNCE_OK);
	if (err != BOUNCE_OK)
		return;
	if (soak_below(worker, 2) != 0)
		bounce_used_in_order(used);
	judge(worker, used, (unsigned char *)ring, packed);
	worker->done += 4;
}

/* ---- a device tree ---- */

#define BANKS 4u
#define BANK_CELLS 6u /* bus, gpa and length, two each */

static void put_cells(unsigned char *at, uint64_t value)
{
	for (uint32_t i = 0; i < 8; i++)
		at[i] = (unsigned char)(value >> (56 - 8 * i));
}

/* A bus with @count banks, of which the device sees memory. */
static uint32_t make_tree(struct soak_worker *worker, unsigned char *blob,
			  struct bounce_window *window, uint32_t count,
			  bool coherent)
{
	unsigned char ranges[BANKS * BANK_CELLS * 4];
	struct blob_maker maker;

	for (uint32_t i = 0; i < count; i++) {
		unsigned char *at = ranges + i * sizeof(ranges) / BANKS;

		window[i] = (struct bounce_window) {
			.bus = { (uint64_t)i << 40 |
				 soak_below(worker, 1u << 20) << 12 },
			.gpa = { (uint64_t)(BANKS - i) << 48 |
				 soak_below(worker, 1u << 20) << 12 },
			.len = (1 + soak_below(worker, 1u << 16)) << 12,
		};
		put_cells(at, window[i].bus.v);
		put_cells(at + 8, window[i].gpa.v);
		put_cells(at + 16, window[i].len);
	}
	blob_start(&maker);
	blob_node(&maker, "");
	blob_cells(&maker, "#address-cells", 1, 2);
	blob_cells(&maker, "#size-cells", 1, 2);
	blob_node(&maker, "bus");
	blob_cells(&maker, "#address-cells", 1, 2);
	blob_cells(&maker, "#size-cells", 1, 2);
	blob_bytes(&maker, "dma-ranges", ranges, count * BANK_CELLS * 4);
	blob_node(&maker, "dev");
	if (coherent)
		blob_flag(&maker, "dma-coherent");
	blob_close(&maker);
	blob_close(&maker);
	blob_close(&maker);
	return blob_finish(&maker, blob);
}

void soak_tree(struct soak_worker *worker, struct soak_entry *unused)
{
	_Alignas(8) unsigned char blob[BLOB_BYTES];
	struct bounce_window made[BANKS];
	struct bounce_window found[BANKS];
	uint32_t count = 1 + (uint32_t)soak_below(worker, BANKS);
	uint32_t room = BANKS;
	bool coherent = soak_below(worker, 2) != 0;
	uint32_t size = make_tree(worker, blob, made, count, coherent);
	struct bounce_fdt fdt;
	int32_t node;

	(void)unused;
	soak_check(worker, bounce_fdt_open(&fdt, blob, size) == BOUNCE_OK);
	node = bounce_fdt_find(&fdt, "/bus/dev");
	soak_check(worker,
		   bounce_fdt_windows(&fdt, node, found, &room) == BOUNCE_OK &&
			   room == count);
	for (uint32_t i = 0; i < count; i++)
		soak_check(worker, found[i].bus.v == made[i].bus.v &&
					   found[i].gpa.v == made[i].gpa.v &&
					   found[i].len == made[i].len);
	soak_check(worker, bounce_fdt_coherency(&fdt, node) ==
				   (coherent ? BOUNCE_FDT_COHERENT :
					       BOUNCE_FDT_UNSAID));
	/* Anywhere, any byte: it opens, or not, and all that is asked ends. */
	blob[soak_below(worker, size)] ^=
		(unsigned char)(1 + soak_below(worker, 255));
	(void)blob_ask(blob, size);
	worker->done += 2;
}

/* ---- caches ---- */

static _Atomic uint64_t kept; /* lines that were cleaned or dropped */
static _Atomic uint32_t strays; /* that are none of the arena's */
static const struct fake_machine *machine; /* of this turn */

static void count_lines(void *ctx, const void *cpu, uint64_t len)
{
	uint64_t at = (uint64_t)((const unsigned char *)cpu - machine->memory);

	(void)ctx;
	/* relaxed: counters. */
	atomic_fetch_add_explicit(&kept, 1, memory_order_relaxed);
	if (len == 0 || at > machine->bytes || len > machine->bytes - at)
		atomic_fetch_add_explicit(&strays, 1, memory_order_relaxed);
}

void soak_caches(struct soak *soak)
{
	static const struct bounce_cache hooks = { .line_bytes = 64,
						   .clean = count_lines,
						   .invalidate = count_lines };

	machine = &soak->bench.machine;
	soak->bench.machine.hooks = &hooks;
	/* relaxed: one thread. */
	atomic_store_explicit(&kept, 0, memory_order_relaxed);
}

bool soak_caches_hold(const struct soak *soak)
{
	bool snooped = soak->bench.knobs.coherency == BOUNCE_SNOOPED;

	/* relaxed: one thread. */
	return (atomic_load_explicit(&kept, memory_order_relaxed) == 0) ==
		       snooped &&
	       atomic_load_explicit(&strays, memory_order_relaxed) == 0;
}
