/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * soak.h - many operations at random, and books that must balance.
 *
 *   K1  Each worker books what it was told by each call, a ledger a device.
 *       When nobody works, the library's counters are the sum of the ledgers.
 *   K2  Steady devices are never revoked: nothing of theirs is STALE but what
 *       should be, and each byte that comes back is the device's or the
 *       buffer's own. The workers play these devices.
 *   K3  Troubled devices are revoked at any time. Nobody writes to their runs,
 *       which may be in quarantine, and their lists are not told how many of
 *       their pieces a revoke has ended: those books have a low and a high end.
 *   K4  When nobody works, nothing is left: no mapping, slot, block or page,
 *       but for pages that the monitor took, which are counted.
 *   K5  Slab 0 is never retired, so that a device always has a pool.
 *   K6  An IOMMU reaches no page that is private, and nothing after the end; a
 *       static window's each page of a slab, at its place. Of the library's own
 *       backends the truth is looked at by the warden, and when nobody works.
 *   K7  Caches are kept for a space that is not snooped, and for no other.
 */
#ifndef TESTS_SOAK_H
#define TESTS_SOAK_H

#include <stdlib.h>
#include <string.h>

#include "fake_iommu.h"
#include "fake_viommu.h"
#include "instance.h"
#include "support.h"

#define SOAK_WORKERS 4u
#define SOAK_STEADY 2u /* devices 0 .. */
#define SOAK_DEVICES 4u /* then the troubled ones */
#define SOAK_NUMBERED 2u /* behind a bridge, whose bus is numbered anew */
#define SOAK_DEVFN 0x18u /* its place there */
#define SOAK_BRIDGE_DEVFN 0x08u /* the bridge's, on bus 0 */
#define SOAK_TRANSIENT SOAK_DEVICES /* the warden's own, who comes and goes */
#define SOAK_SLABS 4u
#define SOAK_NODES 3u
#define SOAK_DIRECT 64u

/* What a worker holds at the same time, and the private bytes for each. */
#define SOAK_ENTRIES 12u
#define SOAK_GUARD 64u
#define SOAK_LONGEST 40000u
#define SOAK_AREA 65536u
#define SOAK_PRIVATE (SOAK_WORKERS * SOAK_ENTRIES * SOAK_AREA)

/* Operations of a worker for each step of the warden, at most. */
#define SOAK_PACE 200u

/* From a gpa to the bus address behind the IOMMU. */
#define SOAK_BEHIND (UINT64_C(1) << 32)

/* What translates for the odd devices. */
enum soak_backend {
	SOAK_NONE, /* they are in the other space, too */
	SOAK_STATIC,
	SOAK_DYNAMIC,
	SOAK_TCE,
	SOAK_ZPCI,
	SOAK_VIOMMU,
	SOAK_BACKENDS,
};

/* Counters, as in struct bounce_device_stats. */
enum soak_counter {
	SOAK_MAPS,
	SOAK_UNMAPS,
	SOAK_TO,
	SOAK_FROM,
	SOAK_LENGTHS,
	SOAK_STALE,
	SOAK_FULL,
	SOAK_FRAGMENTED,
	SOAK_OTHER,
	SOAK_COUNTERS,
};

struct soak_ledger {
	uint64_t low[SOAK_COUNTERS];
	uint64_t high[SOAK_COUNTERS]; /* equal, but for K3 */
};

/* Everything of a turn. */
struct soak {
	struct bench bench;
	struct bounce_device_info info[SOAK_DEVICES + 1];
	uint64_t shift[SOAK_DEVICES + 1]; /* bus address less gpa */
	bool revoked[SOAK_DEVICES]; /* the warden's word */
	bool secure; /* memory is protected */
	struct bounce_space *behind; /* an IOMMU; the odd devices are there */
	enum soak_backend backend;
	struct fake_iommu iommu;
	struct fake_viommu viommu;
	void *memory[2]; /* of the backend */
	struct bounce_function *bridge;
	struct bounce_function *endpoint;
	uint8_t bridge_kind;
	uint64_t random;
	_Atomic uint32_t workers; /* not done yet */
	_Atomic uint64_t steps; /* of the warden */
};

/* A live mapping, or memory that is born shared. */
struct soak_entry {
	bool live;
	bool shared; /* of bounce_alloc() */
	bool direct; /* at the buffer itself */
	bool synced; /* the run may hold the device's bytes anywhere */
	uint32_t device;
	uint32_t how;
	uint64_t len;
	unsigned char fill; /* what the CPU put into the buffer; odd */
	unsigned char *area; /* SOAK_AREA private bytes */
	unsigned char *bytes; /* the buffer in it */
	unsigned char *run; /* where the device sees it */
	struct bounce_mapping handle;
};

struct soak_worker {
	struct soak *soak;
	uint32_t index;
	uint64_t random;
	uint64_t left; /* operations still to do */
	uint64_t done;
	const char *wrong; /* the first sentence that was false */
	struct soak_ledger ledger[SOAK_DEVICES];
	struct soak_entry entry[SOAK_ENTRIES];
};

struct soak_warden {
	struct soak *soak;
	uint64_t random;
	uint64_t done;
	uint64_t faults; /* planned */
	uint64_t grown;
	uint64_t retired;
	uint64_t revoked;
	const char *wrong;
};

/* The sentence @x is false: keep it, if it is the first. */
#define soak_check(who, x) \
	((x) || (who)->wrong != NULL ? (void)0 : (void)((who)->wrong = #x))

static inline void soak_book(struct soak_ledger *ledger,
			     enum soak_counter counter, uint64_t count)
{
	ledger->low[counter] += count;
	ledger->high[counter] += count;
}

/* ---- worker.c, lists.c ---- */

/* soak_work() - a thread: operations at random, then all is ended. */
void *soak_work(void *worker);

/* What the two files share. */
uint64_t soak_below(struct soak_worker *worker, uint64_t limit);
struct bounce_queue *soak_lane(struct soak_worker *worker, uint32_t device);
unsigned char *soak_run(struct soak_worker *worker, uint32_t device,
			const struct bounce_mapping *mapping);
uint32_t soak_how(struct soak_worker *worker);
bool soak_is_steady(uint32_t device);
/* Is every one of @len bytes @byte? */
bool soak_all_are(const unsigned char *bytes, unsigned char byte, uint64_t len);
/* An error of the I/O path: booked, and judged: is it one that this call of
 * this device may give? */
void soak_error(struct soak_worker *worker, uint32_t device,
		enum bounce_err err);
void soak_no_room(struct soak_worker *worker, uint32_t device,
		  enum bounce_err err);
/* Bytes that an unmap takes back. */
uint64_t soak_back(const struct soak_entry *entry, uint64_t written);

void soak_sg(struct soak_worker *worker, struct soak_entry *entry);
void soak_list(struct soak_worker *worker, struct soak_entry *entry);
void soak_reserve(struct soak_worker *worker, struct soak_entry *entry);
void soak_inside(struct soak_worker *worker, struct soak_entry *entry);

/* ---- aside.c: what has no device ---- */

/* A ring with one buffer, and a device that may lie; a device tree. */
void soak_ring(struct soak_worker *worker, struct soak_entry *entry);
void soak_tree(struct soak_worker *worker, struct soak_entry *entry);

/* Before the instance is made: hooks that count. Then: were caches kept? */
void soak_caches(struct soak *soak);
bool soak_caches_hold(const struct soak *soak);

/* ---- behind.c ---- */

/* Make soak->behind, or not. */
void soak_behind(struct soak *soak);
/* Where an access at @bus goes, if anywhere; more than a page only of the fake
 * one. Is any of a range reached? */
bool soak_reaches(const struct soak *soak, uint64_t bus, uint64_t len,
		  uint64_t *gpa);
bool soak_exposes(const struct soak *soak, uint64_t gpa, uint64_t len);
/* With a static window: all is where it should be. */
bool soak_behind_holds(const struct soak *soak);
/* End it; false when something is left, or was wrong (K6). */
bool soak_behind_ends(struct soak *soak);

/* ---- warden.c ---- */

/* soak_guard() - a thread: everything but the I/O path, until no worker is
 * left. */
void *soak_guard(void *warden);

/* soak_shift() - where its bus addresses are, after a verdict. */
void soak_shift(struct soak *soak, uint32_t device, uint32_t path);

/* soak_attach() - a device with limits at random. */
void soak_attach(struct soak *soak, uint64_t *random, uint32_t device);

#endif
