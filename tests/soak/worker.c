/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * worker.c - the I/O path: single mappings. K1 to K5 are in soak.h.
 *
 * A buffer is full of one odd byte, the device writes another, even one: so a
 * look tells who wrote which byte.
 */
#include <sched.h>

#include "soak.h"

#define DEVICE_BYTE 0x42u

uint64_t soak_below(struct soak_worker *worker, uint64_t limit)
{
	return bench_below(&worker->random, limit);
}

bool soak_is_steady(uint32_t device)
{
	return device < SOAK_STEADY;
}

bool soak_all_are(const unsigned char *bytes, unsigned char byte, uint64_t len)
{
	return len == 0 ||
	       (bytes[0] == byte && memcmp(bytes, bytes + 1, len - 1) == 0);
}

/* Usually its own; a wrong one costs speed only. */
struct bounce_queue *soak_lane(struct soak_worker *worker, uint32_t device)
{
	uint32_t lane = soak_below(worker, 8) == 0 ?
				(uint32_t)soak_below(worker, SOAK_WORKERS) :
				worker->index;

	return bounce_device_queue(worker->soak->bench.device[device], lane);
}

unsigned char *soak_run(struct soak_worker *worker, uint32_t device,
			const struct bounce_mapping *mapping)
{
	const struct soak *soak = worker->soak;
	uint64_t gpa = mapping->bus.v - soak->shift[device];

	/* The IOMMU tells, where it can be asked beside others. */
	if (soak->shift[device] == SOAK_BEHIND &&
	    (soak->backend == SOAK_STATIC || soak->backend == SOAK_DYNAMIC) &&
	    !soak_reaches(soak, mapping->bus.v, mapping->len, &gpa))
		return NULL;
	return fake_machine_pointer(&soak->bench.machine, gpa, mapping->len);
}

uint32_t soak_how(struct soak_worker *worker)
{
	return bench_hows[soak_below(worker, BENCH_HOWS)];
}

/* ---- books ---- */

void soak_error(struct soak_worker *worker, uint32_t device,
		enum bounce_err err)
{
	struct soak_ledger *ledger = &worker->ledger[device];

	switch ((int)err) {
	case BOUNCE_OK:
		break;
	case BOUNCE_ERR_LENGTH:
		soak_book(ledger, SOAK_LENGTHS, 1);
		break;
	case BOUNCE_ERR_STALE:
		soak_book(ledger, SOAK_STALE, 1);
		break;
	case BOUNCE_ERR_FULL:
		soak_book(ledger, SOAK_FULL, 1);
		break;
	case BOUNCE_ERR_FRAGMENTED:
		soak_book(ledger, SOAK_FRAGMENTED, 1);
		break;
	default:
		soak_book(ledger, SOAK_OTHER, 1);
		break;
	}
}

void soak_no_room(struct soak_worker *worker, uint32_t device,
		  enum bounce_err err)
{
	soak_error(worker, device, err);
	soak_check(worker, err == BOUNCE_ERR_FULL ||
				   err == BOUNCE_ERR_FRAGMENTED ||
				   err == BOUNCE_ERR_UNREACHABLE ||
				   err == BOUNCE_ERR_RANGE ||
				   (err == BOUNCE_ERR_STALE &&
				    !soak_is_steady(device)));
}

uint64_t soak_back(const struct soak_entry *entry, uint64_t written)
{
	if (entry->direct || (entry->how & BOUNCE_FROM_DEVICE) == 0 ||
	    written == 0)
		return 0;
	return (entry->how & (BOUNCE_ZERO | BOUNCE_PRESERVE)) != 0 ?
		       entry->len :
		       written;
}

/* ---- map ---- */

static uint64_t any_len(struct soak_worker *worker)
{
	switch (soak_below(worker, 8)) {
	case 0:
		return 1 + soak_below(worker, SOAK_LONGEST);
	case 1:
	case 2:
		return (UINT64_C(64) << soak_below(worker, 9)) +
		       soak_below(worker, 3) - 1;
	default:
		return 1 + soak_below(worker, 4096);
	}
}

/* The limits of the device hold, whatever they are. */
static bool address_is_good(const struct bounce_device_info *info,
			    const struct soak_entry *entry,
			    const struct bounce_buf *buf)
{
	uint64_t first = entry->handle.bus.v;
	uint64_t last = first + entry->len - 1;

	return (info->dma_mask == 0 || last <= info->dma_mask) &&
	       (info->boundary_mask == 0 ||
		(first & ~info->boundary_mask) ==
			(last & ~info->boundary_mask)) &&
	       ((first ^ buf->gpa.v) & info->min_align_mask) == 0;
}

static struct bounce_buf fill(struct soak_worker *worker,
			      struct soak_entry *entry)
{
	const struct soak *soak = worker->soak;
	uint64_t slack = SOAK_AREA - 2 * SOAK_GUARD - entry->len;

	entry->fill = (unsigned char)(soak_below(worker, 256) | 1);
	entry->bytes = entry->area + SOAK_GUARD + soak_below(worker, slack);
	memset(entry->bytes - SOAK_GUARD, ~entry->fill, SOAK_GUARD);
	memset(entry->bytes, entry->fill, entry->len);
	memset(entry->bytes + entry->len, ~entry->fill, SOAK_GUARD);
	return (struct bounce_buf) {
		.gpa = { soak->bench.machine.base +
			 (uint64_t)(entry->bytes -
				    soak->bench.machine.memory) },
		.ptr = soak_below(worker, 2) != 0 ? entry->bytes : NULL,
		.len = entry->len,
	};
}

static bool guards_hold(const struct soak_entry *entry)
{
	unsigned char guard = (unsigned char)~entry->fill;

	return soak_all_are(entry->bytes - SOAK_GUARD, guard, SOAK_GUARD) &&
	       soak_all_are(entry->bytes + entry->len, guard, SOAK_GUARD);
}

static void mapped(struct soak_worker *worker, struct soak_entry *entry,
		   const struct bounce_buf *buf)
{
	struct soak_ledger *ledger = &worker->ledger[entry->device];
	bool out = (entry->how & (BOUNCE_TO_DEVICE | BOUNCE_PRESERVE)) != 0;

	entry->live = true;
	entry->run = soak_run(worker, entry->device, &entry->handle);
	entry->direct = entry->run == entry->bytes;
	soak_book(ledger, SOAK_MAPS, 1);
	if (out && !entry->direct)
		soak_book(ledger, SOAK_TO, entry->len);
	soak_check(worker,
		   entry->run != NULL || !soak_is_steady(entry->device));
	soak_check(worker, !entry->direct || !worker->soak->secure);
	soak_check(worker, address_is_good(&worker->soak->info[entry->device],
					   entry, buf));
	if (soak_is_steady(entry->device) && out)
		soak_check(worker,
			   soak_all_are(entry->run, entry->fill, entry->len));
	if (soak_is_steady(entry->device) && (entry->how & BOUNCE_ZERO) != 0 &&
	    !entry->direct)
		soak_check(worker, soak_all_are(entry->run, 0, entry->len));
}

static void map(struct soak_worker *worker, struct soak_entry *entry)
{
	struct bounce_buf buf;
	enum bounce_err err;

	*entry = (struct soak_entry) {
		.area = entry->area,
		.device = (uint32_t)soak_below(worker, SOAK_DEVICES),
		.how = soak_how(worker),
		.len = any_len(worker),
	};
	buf = fill(worker, entry);
	err = bounce_map(soak_lane(worker, entry->device), &buf, entry->how,
			 &entry->handle);
	if (err == BOUNCE_OK)
		mapped(worker, entry, &buf);
	else
		soak_no_room(worker, entry->device, err);
}

/* ---- unmap ---- */

/* What the buffer holds, when the device said and wrote @written bytes. */
static void judge_bytes(struct soak_worker *worker,
			const struct soak_entry *entry, uint64_t written)
{
	const unsigned char *rest = entry->bytes + written;
	uint64_t len = entry->len - written;
	bool full = soak_back(entry, written) > written;
	unsigned char want = full && (entry->how & BOUNCE_ZERO) != 0 ?
				     0 :
				     entry->fill;

	if (soak_is_steady(entry->device))
		soak_check(worker,
			   soak_all_are(entry->bytes, DEVICE_BYTE, written));
	if (!full || (soak_is_steady(entry->device) && !entry->synced))
		soak_check(worker, soak_all_are(rest, want, len));
}

static uint64_t any_written(struct soak_worker *worker,
			    const struct soak_entry *entry)
{
	if ((entry->how & BOUNCE_FROM_DEVICE) == 0)
		return soak_below(worker, 16) == 0 ? 1 : 0;
	switch (soak_below(worker, 8)) {
	case 0:
		return entry->len + 1 + soak_below(worker, 1000);
	case 1:
		return soak_below(worker, 8) == 0 ? UINT64_MAX : 0;
	case 2:
	case 3:
		return soak_below(worker, entry->len + 1);
	default:
		return entry->len;
	}
}

/* A handle that has ended is no handle, whoever comes with it. */
static void unmap_again(struct soak_worker *worker,
			const struct soak_entry *entry)
{
	enum bounce_err err;

	if (soak_below(worker, 4) != 0)
		return;
	err = bounce_unmap(soak_lane(worker, entry->device), &entry->handle,
			   entry->len);
	soak_error(worker, entry->device, err);
	soak_check(worker, err == BOUNCE_ERR_STALE);
	soak_check(worker,
		   !bounce_mapping_valid(soak_lane(worker, entry->device),
					 &entry->handle));
	worker->done++;
}

static void unmap(struct soak_worker *worker, struct soak_entry *entry)
{
	struct soak_ledger *ledger = &worker->ledger[entry->device];
	uint64_t written = any_written(worker, entry);
	bool lie = written >
		   ((entry->how & BOUNCE_FROM_DEVICE) != 0 ? entry->len : 0);
	enum bounce_err err;

	if (soak_is_steady(entry->device) && !lie)
		memset(entry->run, DEVICE_BYTE, written);
	err = bounce_unmap(soak_lane(worker, entry->device), &entry->handle,
			   written);
	soak_error(worker, entry->device, err);
	if (err != BOUNCE_ERR_STALE) {
		soak_book(ledger, SOAK_UNMAPS, 1);
		soak_check(worker,
			   err == (lie ? BOUNCE_ERR_LENGTH : BOUNCE_OK));
	}
	if (err == BOUNCE_OK) {
		soak_book(ledger, SOAK_FROM, soak_back(entry, written));
		judge_bytes(worker, entry, written);
	} else {
		judge_bytes(worker, entry, 0);
		soak_check(worker, lie || !soak_is_steady(entry->device));
	}
	soak_check(worker, guards_hold(entry));
	entry->live = false;
	unmap_again(worker, entry);
}

/* ---- born shared, for a while ---- */

static void alloc(struct soak_worker *worker, struct soak_entry *entry)
{
	struct bounce_buf buf;
	enum bounce_err err;

	*entry = (struct soak_entry) {
		.area = entry->area,
		.shared = true,
		.device = (uint32_t)soak_below(worker, SOAK_DEVICES),
		.len = any_len(worker),
	};
	err = bounce_alloc(soak_lane(worker, entry->device), entry->len,
			   UINT64_C(1) << soak_below(worker, 14), 0, &buf,
			   &entry->handle);
	if (err != BOUNCE_OK) {
		soak_no_room(worker, entry->device, err);
		return;
	}
	entry->live = true;
	entry->run = buf.ptr;
	if (soak_is_steady(entry->device)) {
		soak_check(worker, soak_all_are(entry->run, 0, entry->len));
		memset(entry->run, DEVICE_BYTE, entry->len);
	}
}

static void release(struct soak_worker *worker, struct soak_entry *entry)
{
	enum bounce_err err;

	if (soak_is_steady(entry->device))
		soak_check(worker,
			   soak_all_are(entry->run, DEVICE_BYTE, entry->len));
	err = bounce_free(soak_lane(worker, entry->device), &entry->handle);
	soak_error(worker, entry->device, err);
	soak_check(worker,
		   err == BOUNCE_OK || (err == BOUNCE_ERR_STALE &&
					!soak_is_steady(entry->device)));
	entry->live = false;
}

static void end(struct soak_worker *worker, struct soak_entry *entry)
{
	if (entry->shared)
		release(worker, entry);
	else
		unmap(worker, entry);
}

/* ---- what is done to a live one ---- */

/* What a sync that was OK has done. */
static void synced(struct soak_worker *worker, struct soak_entry *entry,
		   bool for_cpu, uint64_t offset, uint64_t len)
{
	const unsigned char *to = for_cpu ? entry->bytes : entry->run;

	if (!entry->direct)
		soak_book(&worker->ledger[entry->device],
			  for_cpu ? SOAK_FROM : SOAK_TO, len);
	if (soak_is_steady(entry->device))
		soak_check(worker,
			   soak_all_are(to + offset,
					for_cpu ? DEVICE_BYTE : entry->fill,
					len));
	memset(entry->bytes + offset, entry->fill, len);
}

static void sync(struct soak_worker *worker, struct soak_entry *entry)
{
	struct bounce_queue *queue = soak_lane(worker, entry->device);
	bool steady = soak_is_steady(entry->device);
	uint64_t offset = soak_below(worker, entry->len);
	uint64_t len = soak_below(worker, entry->len - offset + 2);
	bool for_cpu = soak_below(worker, 2) != 0;
	uint32_t way = for_cpu ? BOUNCE_FROM_DEVICE : BOUNCE_TO_DEVICE;
	bool good = !entry->shared && (entry->how & way) != 0 && len != 0 &&
		    len <= entry->len - offset;
	enum bounce_err err;

	if (good && for_cpu && steady) {
		memset(entry->run + offset, DEVICE_BYTE, len);
		entry->synced = true;
	}
	err = for_cpu ?
		      bounce_sync_for_cpu(queue, &entry->handle, offset, len) :
		      bounce_sync_for_device(queue, &entry->handle, offset,
					     len);
	soak_error(worker, entry->device, err);
	if (err == BOUNCE_ERR_STALE)
		soak_check(worker, entry->shared || !steady);
	else
		soak_check(worker, err == (good ? BOUNCE_OK : BOUNCE_ERR_ARG));
	if (err == BOUNCE_OK)
		synced(worker, entry, for_cpu, offset, len);
}

/* One byte of a handle is another, or it is another device's. */
static void forge(struct soak_worker *worker, struct soak_entry *entry)
{
	uint32_t device = (uint32_t)soak_below(worker, SOAK_DEVICES);
	struct bounce_queue *queue = soak_lane(worker, device);
	struct bounce_mapping bad = entry->handle;
	enum bounce_err err;

	if (device == entry->device)
		((unsigned char *)&bad)[soak_below(worker, sizeof(bad))] ^=
			(unsigned char)(1 + soak_below(worker, 255));
	switch (soak_below(worker, 4)) {
	case 0:
		err = bounce_unmap(queue, &bad, 0);
		break;
	case 1:
		err = bounce_free(queue, &bad);
		break;
	case 2:
		err = bounce_commit(queue, &bad, 1);
		break;
	default:
		err = bounce_sync_for_cpu(queue, &bad, 0, 1);
		break;
	}
	soak_error(worker, device, err);
	soak_check(worker, err == BOUNCE_ERR_STALE);
}

static void find(struct soak_worker *worker, struct soak_entry *entry)
{
	struct bounce_queue *queue = soak_lane(worker, entry->device);
	bounce_bus_t bus = { entry->handle.bus.v +
			     soak_below(worker, entry->len) };
	struct bounce_mapping found;
	enum bounce_err err = bounce_mapping_find(queue, bus, &found);

	soak_error(worker, entry->device, err);
	/* After a revoke the place may be another mapping's. */
	if (soak_is_steady(entry->device))
		soak_check(worker,
			   err == BOUNCE_OK && memcmp(&found, &entry->handle,
						      sizeof(found)) == 0);
}

/* Questions, whose answers are snapshots: they are asked beside the others. */
static void ask(struct soak_worker *worker, struct soak_entry *unused)
{
	uint32_t number = (uint32_t)soak_below(worker, SOAK_DEVICES);
	const struct bounce_device *device = worker->soak->bench.device[number];
	struct bounce_device_stats stats;
	struct bounce_pool_stats pool;
	struct bounce_verdict verdict;
	unsigned char bytes[64];

	(void)unused;
	bounce_device_stats(device, &stats);
	bounce_queue_stats(soak_lane(worker, number), &stats);
	bounce_device_size_stats(device, BOUNCE_SIZE_SLOT, &stats);
	bounce_device_verdict(device, &verdict);
	bounce_pool_stats(worker->soak->bench.pool, &pool);
	bounce_snapshot(bytes, &stats, sizeof(bytes));
	soak_check(worker, verdict.kind != BOUNCE_VERDICT_REFUSE);
	soak_check(worker, bounce_map_max(device) != 0);
	soak_check(worker, pool.slabs >= 1);
}

/* ---- the thread ---- */

/* The warden has a turn for so many operations of each worker, whatever the
 * scheduler thinks of it. */
static void keep_pace(const struct soak_worker *worker)
{
	/* relaxed: must order nothing for the library. */
	while (worker->done / SOAK_PACE >
	       atomic_load_explicit(&worker->soak->steps, memory_order_relaxed))
		sched_yield();
}

static struct soak_entry *any_entry(struct soak_worker *worker)
{
	return &worker->entry[soak_below(worker, SOAK_ENTRIES)];
}

/* What may be done next, and how often in 32. */
struct step {
	uint32_t weight;
	void (*run)(struct soak_worker *worker, struct soak_entry *entry);
};

/* With a live entry; and without. */
static const struct step uses[] = {
	{ 16, end },
	{ 8, sync },
	{ 4, forge },
	{ 4, find },
};
static const struct step begins[] = {
	{ 19, map },	  { 2, alloc },	       { 2, soak_sg },
	{ 2, soak_list }, { 2, soak_reserve }, { 1, soak_inside },
	{ 2, soak_ring }, { 1, soak_tree },    { 1, ask },
};

static void any_step(struct soak_worker *worker, struct soak_entry *entry)
{
	const struct step *step = entry->live ? uses : begins;
	uint64_t at = soak_below(worker, 32);

	for (; at >= step->weight; step++)
		at -= step->weight;
	step->run(worker, entry);
}

void *soak_work(void *arg)
{
	struct soak_worker *worker = arg;

	while (worker->done < worker->left && worker->wrong == NULL) {
		struct soak_entry *entry = any_entry(worker);

		keep_pace(worker);
		worker->done++;
		any_step(worker, entry);
	}
	for (uint32_t i = 0; i < SOAK_ENTRIES; i++)
		if (worker->entry[i].live)
			end(worker, &worker->entry[i]);
	/* relaxed: must order nothing for the library. */
	atomic_fetch_sub_explicit(&worker->soak->workers, 1,
				  memory_order_relaxed);
	return NULL;
}
