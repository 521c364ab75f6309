/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * vring.h - a split virtqueue whose driver trusts its own memory only.
 *
 *   V1  The ring lies in born-shared memory, and the driver never reads it:
 *       what it needs to know (descriptors, free list, avail index) it keeps
 *       in a private shadow, and copies out of that.
 *   V2  What the device reports comes through bounce_virtio_used(), which holds
 *       the record of what is outstanding.
 *   V3  A descriptor is free, or in exactly one chain; a chain is freed along
 *       the shadow's links, when its completion has passed the check.
 */
#ifndef VRING_H
#define VRING_H

#include "guest.h"

#define VRING_ENTRIES 64u

/* Room for the used check; vring_init() compares it with the library's word. */
#define VRING_CHECK_BYTES 4096u

/* One descriptor: VIRTIO 1.2, 2.7.5. Native in the shadow, LE in the ring. */
struct vring_descriptor {
	uint64_t address;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};
_Static_assert(sizeof(struct vring_descriptor) == 16, "VIRTIO 1.2, 2.7.5");

/* One piece of a request, in the order in which the device is to see them:
 * those that it reads first. */
struct vring_part {
	bounce_bus_t bus;
	uint32_t len; /* bytes */
	bool device_writes;
};

/* Private memory; the caller's; not to be moved while it is live. */
struct vring {
	struct bounce_buf memory; /* the ring itself, shared */
	struct bounce_mapping mapping;
	struct vring_descriptor shadow[VRING_ENTRIES];
	uint16_t free_head;
	uint16_t free_count;
	uint16_t available; /* next avail index */
	struct bounce_used *used;
	uint64_t check[VRING_CHECK_BYTES / sizeof(uint64_t)];
};

/* vring_init() - take shared memory for a ring and empty it. */
enum bounce_err vring_init(struct vring *ring, struct bounce_queue *queue);

/* vring_place() - where the device finds it. */
void vring_place(const struct vring *ring, struct virtio_ring *place);

/*
 * vring_add() - make a chain of @count parts available; the caller notifies.
 * @cookie: comes back with the completion.
 * Return: false when there are not enough free descriptors; nothing changed.
 */
bool vring_add(struct vring *ring, const struct vring_part *part,
	       uint32_t count, uint64_t cookie);

/* vring_take() - the next completion, as bounce_virtio_used(). */
enum bounce_err vring_take(struct vring *ring, struct bounce_completion *done);

/* vring_fini() - give the memory back; the device was reset. */
enum bounce_err vring_fini(struct vring *ring, struct bounce_queue *queue);

#endif
