/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * iommu_zpci.c - the backend for I/O address translation of PCI functions on
 * IBM Z. In the archive of s390x alone.
 *
 * Sources, by letter. IBM publishes no document of it.
 *   [I] Linux, arch/s390/include/asm/pci_insn.h: MPCIFC, RPCIT, the function
 *       information block, condition codes, status.
 *   [D] Linux, arch/s390/include/asm/pci_dma.h: tables.
 *   [R] Observed of QEMU 7.2; on a real machine nobody has looked.
 *
 *   Z1  An entry is written by one store, through copy.c, and never read back:
 *       where it stands is arithmetic. Above the page tables nothing changes
 *       after init.
 *   Z2  A change counts for a function when RPCIT of it was done, both ways:
 *       until then it goes on as it was [R].
 *   Z3  A function whose RPCIT is refused is in the error state. It reaches
 *       nothing, but what it remembers survives the end of that state [R]. So
 *       its translation is taken from it there and then, and it is STOPPED:
 *       bounce_zpci_recover() gives it the translation anew, and with that the
 *       tables as they are.
 *   Z4  Who changes a table looks at a function's state after that, and who
 *       registers a function sets its state before the host looks at the
 *       tables: one of the two sees the other.
 */
#include "zpci.h"

#include "base.h"
#include "copy.h"

/* Three levels: what an entry spans, and entries of a table [D]. */
#define REGION_SHIFT 31
#define SEGMENT_SHIFT 20
#define PAGE_SHIFT 12
#define REGIONS 2048u
#define SEGMENTS 2048u
#define PAGES 256u
#define ENTRY_BYTES 8u
#define TABLE_BYTES (REGIONS * ENTRY_BYTES) /* of the upper two */
#define PAGE_TABLE_BYTES (PAGES * ENTRY_BYTES)
_Static_assert(TABLE_BYTES == BOUNCE_ZPCI_TABLES_ALIGN, "[D]");
_Static_assert(BOUNCE_ZPCI_WINDOW_END == (uint64_t)REGIONS << REGION_SHIFT,
	       "[D]");

/* An entry of a region-third table: its type, and full length [D]. */
#define REGION_VALID UINT64_C(0x7)
#define REGION_INVALID UINT64_C(0x24)
#define SEGMENT_INVALID UINT64_C(0x20)
#define PAGE_INVALID UINT64_C(0x400)
#define PAGE_PROTECTED UINT64_C(0x200) /* the function only reads */

/* MPCIFC: what is wanted [I]. */
#define REGISTER_IOAT 4u
#define UNREGISTER_IOAT 5u
#define RESET_ERROR 7u

/* Condition codes, and a status of code 1 [I]. */
#define CC_DONE 0u
#define CC_ERROR 1u
#define CC_BUSY 2u
#define CC_NO_HANDLE 3u
#define STATUS_SHIFT 24
#define STATUS_RESOURCES 16u /* not now */

/* How often a busy host is asked again in calls that do not answer RETRY. */
#define BUSY_MAX 256u

/* Looks at a function that another CPU attaches or recovers: it asks the host,
 * about the whole window, and a page must not be lost for that. */
#define CHANGE_LOOKS (UINT32_C(1) << 20)

/* The function information block; its translation parameters only [I]. */
struct fib {
	uint64_t reserved00[2];
	uint64_t first; /* bus addresses, both inclusive */
	uint64_t last;
	uint64_t table;
	uint64_t rest[11];
};
_Static_assert(sizeof(struct fib) == 128, "no shorter than any version of it");
_Static_assert(offsetof(struct fib, table) == 32, "[I] zpci_fib.iota");

#define TABLE_REGION_THIRD UINT64_C(0x804) /* translation is on; its type [D] */

/* ---- the tables: Z1 ---- */

static uint64_t last_bus(const struct bounce_zpci_info *info)
{
	return info->bus.v + (info->len - 1);
}

/* Tables of a level that the window needs, of which an entry spans 2^@shift. */
static uint64_t spans(const struct bounce_zpci_info *info, unsigned shift)
{
	return (last_bus(info) >> shift) - (info->bus.v >> shift) + 1;
}

/* Offsets of the first segment table and of the first page table. */
#define SEGMENTS_AT TABLE_BYTES
static uint64_t pages_at(const struct bounce_zpci_info *info)
{
	return SEGMENTS_AT + spans(info, REGION_SHIFT) * TABLE_BYTES;
}

static bool window_valid(const struct bounce_zpci_info *info)
{
	return info != NULL && info->len != 0 &&
	       ((info->bus.v | info->len) & (BOUNCE_ZPCI_WINDOW_ALIGN - 1)) ==
		       0 &&
	       info->bus.v < BOUNCE_ZPCI_WINDOW_END &&
	       info->len <= BOUNCE_ZPCI_WINDOW_END - info->bus.v;
}

static bool info_valid(const struct bounce_zpci_info *info)
{
	return window_valid(info) && info->functions != 0 &&
	       (info->reserved0[0] | info->reserved0[1] | info->reserved0[2]) ==
		       0 &&
	       (info->reserved[0] | info->reserved[1]) == 0;
}

size_t bounce_zpci_tables_size(const struct bounce_zpci_info *info)
{
	if (!window_valid(info))
		return 0;
	return pages_at(info) + spans(info, SEGMENT_SHIFT) * PAGE_TABLE_BYTES;
}

size_t bounce_zpci_size(const struct bounce_zpci_info *info)
{
	if (!info_valid(info))
		return 0;
	return sizeof(struct bounce_zpci) +
	       info->functions * sizeof(struct zpci_function);
}

/* @count entries at @at: @first, and each @step more. */
struct entries {
	uint64_t at;
	uint64_t count;
	uint64_t first;
	uint64_t step;
};

static void write_entries(const struct bounce_zpci_info *info,
			  const struct entries *entries)
{
	for (uint64_t i = 0; i < entries->count; i++)
		bounce_copy_put_be64(info->tables + entries->at +
					     i * ENTRY_BYTES,
				     entries->first + i * entries->step);
}

/* Upper levels lead to all page tables, whose entries are all invalid. */
static void write_tables(const struct bounce_zpci_info *info)
{
	uint64_t region = info->bus.v >> REGION_SHIFT;
	uint64_t regions = spans(info, REGION_SHIFT);
	uint64_t segment = info->bus.v >> SEGMENT_SHIFT;
	uint64_t segments = spans(info, SEGMENT_SHIFT);
	const struct entries table[] = {
		{ 0, REGIONS, REGION_INVALID, 0 },
		{ region * ENTRY_BYTES, regions,
		  (info->tables_gpa.v + SEGMENTS_AT) | REGION_VALID,
		  TABLE_BYTES },
		{ SEGMENTS_AT, regions * SEGMENTS, SEGMENT_INVALID, 0 },
		{ SEGMENTS_AT + segment % SEGMENTS * ENTRY_BYTES, segments,
		  info->tables_gpa.v + pages_at(info), PAGE_TABLE_BYTES },
		{ pages_at(info), segments * PAGES, PAGE_INVALID, 0 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		write_entries(info, &table[i]);
}

enum bounce_err bounce_zpci_init(void *memory, size_t bytes,
				 const struct bounce_zpci_info *info,
				 struct bounce_zpci **zpci)
{
	struct bounce_zpci *z = memory;

	if (memory == NULL || zpci == NULL || !info_valid(info) ||
	    (uintptr_t)memory % BOUNCE_ZPCI_ALIGN != 0 ||
	    info->tables == NULL ||
	    ((uintptr_t)info->tables | info->tables_gpa.v) %
			    BOUNCE_ZPCI_TABLES_ALIGN !=
		    0)
		return BOUNCE_ERR_ARG;
	if (bytes < bounce_zpci_size(info))
		return BOUNCE_ERR_RANGE;
	z->info = *info;
	atomic_init(&z->requests, 0);
	for (uint32_t i = 0; i < info->functions; i++)
		atomic_init(&z->function[i].word, ZPCI_FREE);
	write_tables(info);
	*zpci = z;
	return BOUNCE_OK;
}

/* The page tables of a window follow each other, and so do the entries. */
static void write_run(const struct bounce_zpci *zpci,
		      const struct bounce_iommu_run *run, bool map)
{
	const struct bounce_zpci_info *info = &zpci->info;
	uint64_t page = (run->bus.v - info->bus.v) >> PAGE_SHIFT;
	struct entries entries = {
		.at = pages_at(info) + page * ENTRY_BYTES,
		.count = run->len >> PAGE_SHIFT,
		.first = PAGE_INVALID,
	};

	if (map) {
		entries.first = run->gpa.v;
		entries.step = UINT64_C(1) << PAGE_SHIFT;
		if ((run->access & BOUNCE_ACCESS_WRITE) == 0)
			entries.first |= PAGE_PROTECTED;
	}
	write_entries(info, &entries);
}

/* ---- instructions ---- */

static void count_request(struct bounce_zpci *zpci)
{
	/* relaxed: a counter. */
	atomic_fetch_add_explicit(&zpci->requests, 1, memory_order_relaxed);
}

/* What became of it. ERR_REFUSED: no such function. */
static enum bounce_err error_of(unsigned cc, uint64_t request)
{
	uint64_t status = request >> STATUS_SHIFT & 0xff;

	if (cc == CC_DONE)
		return BOUNCE_OK;
	if (cc == CC_BUSY || (cc == CC_ERROR && status == STATUS_RESOURCES))
		return BOUNCE_ERR_BUSY;
	return cc == CC_NO_HANDLE ? BOUNCE_ERR_REFUSED : BOUNCE_ERR_HOST;
}

static enum bounce_err control(struct bounce_zpci *zpci, uint32_t handle,
			       uint32_t what)
{
	const struct fib fib = {
		.first = zpci->info.bus.v,
		.last = last_bus(&zpci->info),
		.table = zpci->info.tables_gpa.v | TABLE_REGION_THIRD,
	};
	enum bounce_err err = BOUNCE_ERR_BUSY;

	for (uint32_t i = 0; i < BUSY_MAX && err == BOUNCE_ERR_BUSY; i++) {
		uint64_t request = (uint64_t)handle << 32 | what;
		unsigned cc;

		count_request(zpci);
		cc = bounce_s390_mpcifc(&request, &fib);
		err = error_of(cc, request);
		if (err == BOUNCE_ERR_BUSY)
			bounce_cpu_relax();
	}
	return err;
}

static enum bounce_err refresh(struct bounce_zpci *zpci, uint32_t handle,
			       bounce_bus_t bus, uint64_t len)
{
	uint64_t request = (uint64_t)handle << 32;
	unsigned cc;

	count_request(zpci);
	cc = bounce_s390_rpcit(&request, bus.v, len);
	return error_of(cc, request);
}

static enum bounce_err refresh_all(struct bounce_zpci *zpci, uint32_t handle)
{
	enum bounce_err err = BOUNCE_ERR_BUSY;

	for (uint32_t i = 0; i < BUSY_MAX && err == BOUNCE_ERR_BUSY; i++) {
		err = refresh(zpci, handle, zpci->info.bus, zpci->info.len);
		if (err == BOUNCE_ERR_BUSY)
			bounce_cpu_relax();
	}
	return err;
}

/* ---- functions: Z3, Z4 ---- */

static uint64_t word_of(uint32_t handle, enum zpci_state state)
{
	return (uint64_t)handle << 32 | (uint64_t)state;
}

static uint32_t handle_of(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

static enum zpci_state state_of(uint64_t word)
{
	return (enum zpci_state)(uint32_t)word;
}

static uint64_t look(const struct zpci_function *function)
{
	/* acquire: pairs with set(): what a function does not reach any more
	 * was taken from it before. */
	return atomic_load_explicit(&function->word, memory_order_acquire);
}

static void set(struct zpci_function *function, uint32_t handle,
		enum zpci_state state)
{
	/* release: pairs with look(). */
	atomic_store_explicit(&function->word, word_of(handle, state),
			      memory_order_release);
}

/* From @word to CHANGING; whoever wins it changes the function's state. */
static bool seize(struct zpci_function *function, uint64_t word)
{
	/* acquire: pairs with set(). relaxed on failure: nothing was won. */
	return atomic_compare_exchange_strong_explicit(
		&function->word, &word, word_of(handle_of(word), ZPCI_CHANGING),
		memory_order_acquire, memory_order_relaxed);
}

/* The function of a handle, or a free one (@handle 0), or NULL. */
static struct zpci_function *find(struct bounce_zpci *zpci, uint32_t handle)
{
	for (uint32_t i = 0; i < zpci->info.functions; i++) {
		uint64_t word = look(&zpci->function[i]);
		bool free = state_of(word) == ZPCI_FREE;

		if (handle == 0 ? free : !free && handle_of(word) == handle)
			return &zpci->function[i];
	}
	return NULL;
}

/* Take its translation from a function. One that is not there has none. */
static enum bounce_err leave(struct bounce_zpci *zpci, uint32_t handle)
{
	enum bounce_err err = control(zpci, handle, UNREGISTER_IOAT);

	return err == BOUNCE_ERR_REFUSED ? BOUNCE_OK : err;
}

/*
 * Give a function that we hold the tables as they are. Whatever comes of it,
 * its state is settled: REGISTERED only where it has them, or may have.
 */
static enum bounce_err enter(struct bounce_zpci *zpci,
			     struct zpci_function *function, uint32_t handle)
{
	enum bounce_err err;

	/* Z4: CHANGING is seen by who changes a table, before this. */
	bounce_mb_device();
	err = control(zpci, handle, REGISTER_IOAT);
	if (err != BOUNCE_OK) {
		set(function, handle, ZPCI_STOPPED);
		return err;
	}
	err = refresh_all(zpci, handle);
	if (err != BOUNCE_OK && leave(zpci, handle) == BOUNCE_OK) {
		set(function, handle, ZPCI_STOPPED);
		return err == BOUNCE_ERR_BUSY ? err : BOUNCE_ERR_HOST;
	}
	set(function, handle, ZPCI_REGISTERED);
	return err == BOUNCE_OK ? err : BOUNCE_ERR_LOST;
}

enum bounce_err bounce_zpci_attach(struct bounce_zpci *zpci, uint32_t handle)
{
	struct zpci_function *function = find(zpci, 0);
	enum bounce_err err;

	/* No function has it: it marks a free entry. */
	if (handle == 0)
		return BOUNCE_ERR_REFUSED;
	if (find(zpci, handle) != NULL)
		return BOUNCE_ERR_BUSY;
	if (function == NULL)
		return BOUNCE_ERR_FULL;
	set(function, handle, ZPCI_CHANGING);
	err = enter(zpci, function, handle);
	if (state_of(look(function)) == ZPCI_STOPPED)
		set(function, 0, ZPCI_FREE);
	return err;
}

/* A function in the caller's hands, STOPPED or on its way there. */
static enum bounce_err stop(struct bounce_zpci *zpci,
			    struct zpci_function *function, uint64_t word)
{
	enum bounce_err err = BOUNCE_OK;

	if (state_of(word) == ZPCI_CHANGING || !seize(function, word))
		return BOUNCE_ERR_BUSY;
	if (state_of(word) == ZPCI_REGISTERED)
		err = leave(zpci, handle_of(word));
	if (err != BOUNCE_OK)
		set(function, handle_of(word), ZPCI_REGISTERED);
	return err;
}

enum bounce_err bounce_zpci_detach(struct bounce_zpci *zpci, uint32_t handle)
{
	struct zpci_function *function = find(zpci, handle);
	enum bounce_err err;

	if (handle == 0 || function == NULL)
		return BOUNCE_ERR_ARG;
	err = stop(zpci, function, look(function));
	if (err == BOUNCE_OK)
		set(function, 0, ZPCI_FREE);
	return err;
}

enum bounce_err bounce_zpci_recover(struct bounce_zpci *zpci, uint32_t handle)
{
	struct zpci_function *function = find(zpci, handle);
	enum bounce_err err;

	if (handle == 0 || function == NULL)
		return BOUNCE_ERR_ARG;
	err = stop(zpci, function, look(function));
	if (err != BOUNCE_OK)
		return err == BOUNCE_ERR_BUSY ? err : BOUNCE_ERR_LOST;
	/* Refused where there is no error, too: enter() finds out. */
	if (control(zpci, handle, RESET_ERROR) != BOUNCE_ERR_BUSY)
		return enter(zpci, function, handle);
	set(function, handle, ZPCI_STOPPED);
	return BOUNCE_ERR_BUSY;
}

bool bounce_zpci_valid(const struct bounce_zpci *zpci)
{
	for (uint32_t i = 0; i < zpci->info.functions; i++) {
		uint64_t word = look(&zpci->function[i]);

		if (state_of(word) == ZPCI_CHANGING ||
		    state_of(word) > ZPCI_STOPPED ||
		    (state_of(word) == ZPCI_FREE) != (handle_of(word) == 0))
			return false;
		for (uint32_t j = 0; j < i && handle_of(word) != 0; j++)
			if (handle_of(look(&zpci->function[j])) ==
			    handle_of(word))
				return false;
	}
	return info_valid(&zpci->info);
}

/* ---- telling the functions: Z2 ---- */

/* What it is when nobody changes it, or still CHANGING, after a while. */
static uint64_t look_settled(const struct zpci_function *function)
{
	uint64_t word = look(function);

	for (uint32_t i = 0;
	     state_of(word) == ZPCI_CHANGING && i < CHANGE_LOOKS; i++) {
		bounce_cpu_relax();
		word = look(function);
	}
	return word;
}

static enum bounce_step tell_one(struct bounce_zpci *zpci,
				 struct zpci_function *function,
				 bounce_bus_t bus, uint64_t len)
{
	uint64_t word = look_settled(function);
	enum bounce_err err;

	if (state_of(word) == ZPCI_FREE || state_of(word) == ZPCI_STOPPED)
		return BOUNCE_STEP_DONE;
	if (state_of(word) != ZPCI_REGISTERED)
		return BOUNCE_STEP_RETRY;
	err = refresh(zpci, handle_of(word), bus, len);
	if (err == BOUNCE_OK)
		return BOUNCE_STEP_DONE;
	if (err == BOUNCE_ERR_BUSY)
		return BOUNCE_STEP_RETRY;
	err = stop(zpci, function, word); /* Z3 */
	if (err == BOUNCE_OK)
		set(function, handle_of(word), ZPCI_STOPPED);
	if (err == BOUNCE_ERR_BUSY)
		return BOUNCE_STEP_RETRY;
	return err == BOUNCE_OK ? BOUNCE_STEP_DONE : BOUNCE_STEP_UNKNOWN;
}

/* All functions, of all runs; those that follow each other go together. */
static enum bounce_step tell(struct bounce_zpci *zpci,
			     const struct bounce_iommu_run *run, uint32_t count)
{
	/* The entries first; and Z4. */
	bounce_mb_device();
	for (uint32_t at = 0; at < count;) {
		bounce_bus_t bus = run[at].bus;
		uint64_t len = 0;

		for (; at < count && run[at].bus.v == bus.v + len; at++)
			len += run[at].len;
		for (uint32_t i = 0; i < zpci->info.functions; i++) {
			enum bounce_step step =
				tell_one(zpci, &zpci->function[i], bus, len);

			if (step != BOUNCE_STEP_DONE)
				return step;
		}
	}
	return BOUNCE_STEP_DONE;
}

/* ---- the hooks ---- */

static uint64_t write_runs(const struct bounce_zpci *zpci,
			   const struct bounce_iommu_run *run, uint32_t count,
			   bool map)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < count; i++) {
		write_run(zpci, &run[i], map);
		bytes += run[i].len;
	}
	return bytes;
}

/* All or nothing, so that asking again begins anew. */
static enum bounce_step map(void *ctx, const struct bounce_iommu_run *run,
			    uint32_t count, uint64_t *done)
{
	uint64_t bytes = write_runs(ctx, run, count, true);
	enum bounce_step step = tell(ctx, run, count);

	*done = step == BOUNCE_STEP_DONE ? bytes : 0;
	return step;
}

static enum bounce_step unmap(void *ctx, const struct bounce_iommu_run *run,
			      uint32_t count, uint64_t *done)
{
	*done = write_runs(ctx, run, count, false);
	return BOUNCE_STEP_DONE;
}

static enum bounce_step flush(void *ctx, const struct bounce_iommu_run *run,
			      uint32_t count)
{
	return tell(ctx, run, count);
}

static void info(void *ctx, struct bounce_iommu_info *info)
{
	const struct bounce_zpci *zpci = ctx;

	*info = (struct bounce_iommu_info) {
		.page_bytes = UINT64_C(1) << PAGE_SHIFT,
		.first = zpci->info.bus,
		.last = zpci->info.bus,
		.attributes = BOUNCE_IOMMU_READ_ONLY,
		/* relaxed: a counter. */
		.requests = atomic_load_explicit(&zpci->requests,
						 memory_order_relaxed),
	};
	info->last.v += zpci->info.len - 1;
}

const struct bounce_iommu bounce_iommu_zpci = {
	.name = "s390/zpci",
	.info = info,
	.map = map,
	.unmap = unmap,
	.flush = flush,
};
