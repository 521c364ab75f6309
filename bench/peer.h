/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * peer.h - one thing that is measured, behind one set of calls: libbounce, its
 * allocator alone, Linux's swiotlb in three builds, and the floors.
 *
 * A peer is started once in a process and never ended: a new layout is a new
 * process. Lanes are threads, 0 .. setup.lanes - 1; each lane is used by one
 * thread at a time, and a mapping may end on another lane than it began.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LANES 8u

/* Whose pool is it? */
enum layout {
	LAYOUT_OWN, /* each lane its own; swiotlb: an area each */
	LAYOUT_SHARED, /* one pool, a device each; swiotlb: an area each */
	LAYOUT_QUEUES, /* one pool, one device, a queue each; swiotlb: as above */
	LAYOUT_ONE, /* one restricted pool, a queue each; swiotlb: one area */
	LAYOUT_QUEUE, /* the same, but one queue for all lanes */
	LAYOUTS,
};

struct setup {
	uint64_t pool_bytes;
	uint32_t lanes;
	enum layout layout;
	uint64_t align; /* min_align_mask */
	bool monitored; /* the monitor counts calls (share.c) */
};

/* What is done with the bytes. */
enum how {
	HOW_NOTHING, /* claim and release: no byte is copied */
	HOW_TO,
	HOW_FROM, /* all of it is reported as written */
	HOW_BOTH,
	HOW_BORN, /* libbounce only: a buffer that is born shared */
	HOWS,
};

struct request {
	unsigned char *buffer;
	uint32_t len;
	enum how how;
};

/* A live mapping, as the peer remembers it. */
struct handle {
	uint64_t word[4];
	uint64_t number; /* 0 .. depth - 1: the harness's, set before map() */
};

struct peer {
	const char *name;
	bool (*start)(const struct setup *setup);
	/* False when there is no room now. */
	bool (*map)(uint32_t lane, const struct request *request,
		    struct handle *handle);
	void (*unmap)(uint32_t lane, const struct request *request,
		      const struct handle *handle);
	/* Where the device would find the bytes, or NULL. */
	unsigned char *(*bytes)(const struct handle *handle);
	/* Pool bytes that a mapping keeps from others. */
	uint64_t (*footprint)(const struct request *request,
			      const struct handle *handle);
	/* Pool bytes that are not free for a whole slot, splits included; NULL:
	 * the sum of the footprints. */
	uint64_t (*used)(void);
	/* Private bytes that the peer needs for its pool; 0: none. */
	uint64_t (*metadata)(void);
	/* Calls to the monitor until now. */
	uint64_t (*share_calls)(void);
	/* Was there a run for this request, though it was refused? For a
	 * moment when nobody else works; NULL: not asked. */
	bool (*overlooked)(const struct request *request);
	/* A born-shared buffer for HOW_BORN; NULL: it has none. */
	unsigned char *(*born)(uint32_t lane, uint32_t len);
	uint64_t most; /* longest request, bytes */
	uint32_t hows; /* set of enum how */
};

#define HOW_SET(how) (1u << (how))
#define HOW_COPIES (HOW_SET(HOW_TO) | HOW_SET(HOW_FROM) | HOW_SET(HOW_BOTH))

extern const struct peer peer_bounce; /* the public calls */
extern const struct peer peer_claim; /* lib/pool.h alone */
extern const struct peer peer_debian; /* swiotlb as Debian ships it */
extern const struct peer peer_plain; /* without DEBUG_FS */
extern const struct peer peer_repaired; /* plain, first fit, padded areas */
extern const struct peer peer_atomics; /* floor: two atomics */
extern const struct peer peer_copy; /* floor: the copy, hot slots */
extern const struct peer peer_floor; /* floor: both */
extern const struct peer peer_empty; /* the harness itself */

#endif
