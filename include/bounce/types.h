/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * types.h - the words every other header uses: addresses, errors, `how`.
 *
 * docs/design.md 2 has the vocabulary: granule < slot < chunk < slab < pool.
 */
#ifndef BOUNCE_TYPES_H
#define BOUNCE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* C++ spells it without the underscore. */
#ifdef __cplusplus
#define BOUNCE_STATIC_ASSERT(x, why) static_assert(x, why)
#else
#define BOUNCE_STATIC_ASSERT(x, why) _Static_assert(x, why)
#endif

BOUNCE_STATIC_ASSERT(__CHAR_BIT__ == 8 && sizeof(void *) == 8,
		     "64-bit CPUs only");

/* Of a call: its result is looked at. */
#define BOUNCE_MUST_CHECK __attribute__((warn_unused_result))

/* Sizes of the tree, in bytes; each is 64 of the one before. */
#define BOUNCE_GRANULE_SHIFT 6
#define BOUNCE_SLOT_SHIFT 12
#define BOUNCE_CHUNK_SHIFT 18
#define BOUNCE_SLAB_SHIFT 24
#define BOUNCE_GRANULE_BYTES (1u << BOUNCE_GRANULE_SHIFT)
#define BOUNCE_SLOT_BYTES (1u << BOUNCE_SLOT_SHIFT)
#define BOUNCE_CHUNK_BYTES (1u << BOUNCE_CHUNK_SHIFT)
#define BOUNCE_SLAB_BYTES (1u << BOUNCE_SLAB_SHIFT)

/*
 * Two kinds of address that must never be mixed: a one-member struct each, so
 * that the compiler refuses the classic bounce-buffer bug, a guest-physical
 * address in a descriptor. Only lib/window.c turns the first into the second.
 */
typedef struct bounce_gpa {
	uint64_t v; /* guest-physical address */
} bounce_gpa_t;

/* The other kind: the address that a device is told. */
typedef struct bounce_bus {
	uint64_t v; /* what the device is told */
} bounce_bus_t;

/*
 * Every call that can fail returns one of these. Numbers are the negated
 * errno of the same meaning, so that a kernel can hand them on. On an error
 * nothing has changed, unless it is ERR_LENGTH of an unmap, ERR_LOST, or the
 * call says what has.
 */
enum bounce_err {
	BOUNCE_OK = 0,
	BOUNCE_ERR_HOST = -5, /* EIO: the monitor said no; nothing changed */
	BOUNCE_ERR_FRAGMENTED = -12, /* ENOMEM: room enough, but no run */
	BOUNCE_ERR_REFUSED = -13, /* EACCES: policy; the verdict says why */
	BOUNCE_ERR_BUSY = -16, /* EBUSY: not now, still in use */
	BOUNCE_ERR_ARG = -22, /* EINVAL: the caller's bug */
	BOUNCE_ERR_FULL = -28, /* ENOSPC: retry after an unmap */
	BOUNCE_ERR_RANGE = -34, /* ERANGE: never will fit */
	BOUNCE_ERR_LENGTH = -90, /* EMSGSIZE: the device reported too much */
	BOUNCE_ERR_UNREACHABLE = -101, /* ENETUNREACH: no window reaches */
	BOUNCE_ERR_DEAD = -108, /* ESHUTDOWN: after bounce_mark_dead() */
	BOUNCE_ERR_STALE = -116, /* ESTALE: the handle's mapping has ended */
	BOUNCE_ERR_LOST = -131, /* ENOTRECOVERABLE: pages gone for ever */
};

/*
 * How a buffer is used while it is mapped: one direction, or both, and wishes.
 * A device that only receives needs neither ZERO nor PRESERVE as long as the
 * caller passes the length that the device reports to bounce_unmap().
 */
enum bounce_how {
	BOUNCE_TO_DEVICE = 1, /* the device reads */
	BOUNCE_FROM_DEVICE = 2, /* the device writes */
	BOUNCE_BIDIRECTIONAL = 3,
	/* FROM_DEVICE only: zero the run, and copy all of it back at unmap. */
	BOUNCE_ZERO = 4,
	/*
	 * FROM_DEVICE only: show the host the buffer's old bytes, as swiotlb
	 * does, so that what the device leaves unwritten comes back as it was.
	 */
	BOUNCE_PRESERVE = 8,
	/* May use the chunks that the pool keeps for such mappings. */
	BOUNCE_URGENT = 16,
};

/*
 * Do the CPUs' caches see a device's DMA? A space has one answer for all its
 * devices, and never another one because of who came or went.
 */
enum bounce_coherency {
	BOUNCE_SNOOPED = 0, /* all of it, always */
	BOUNCE_NON_COHERENT = 1, /* none of it: env.cache is called */
	/* A device may choose (PCIe's No Snoop): env.cache is called. */
	BOUNCE_NO_SNOOP = 2,
};

/* A private buffer. Plain data; the caller's, read during the call only. */
struct bounce_buf {
	bounce_gpa_t gpa; /* of the first byte; decides alignment bits */
	void *ptr; /* the CPU's address of it, or NULL: env's linear map */
	uint64_t len; /* bytes, 1 .. bounce_map_max() */
};

/* The objects that live inside bounce_meta_size() bytes: opaque. */
struct bounce;
struct bounce_pool;
struct bounce_space;
struct bounce_device;
struct bounce_queue;
struct bounce_function;

#endif
