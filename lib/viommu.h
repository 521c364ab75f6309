/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * viommu.h - a virtio-iommu's private side: queues, and requests through them.
 *
 *   Y1  What the device reads is written from here, by copy.c, and never read
 *       back. What it writes (used rings, tails, events) is copied out once,
 *       and judged on the copy (S3, S7).
 *   Y2  Entry i of the request queue always is descriptors 2i and 2i + 1: a
 *       request, and what the device answers. No entry is posted again before
 *       it was completed.
 *   Y3  After a lie, or no answer in time, the queue is broken: nothing is
 *       posted any more, for what is outstanding could still be done.
 *   Y4  `lock` is held by who works on the request queue. Who does not get it
 *       within bounds gives up.
 */
#ifndef LIB_VIOMMU_H
#define LIB_VIOMMU_H

#include <bounce/viommu.h>

#include <bounce/virtio.h>

#include "atomic.h"

#define VIOMMU_REQUEST_BYTES 72u /* the longest, PROBE */
#define VIOMMU_TAIL_BYTES 4u
#define VIOMMU_EVENT_BYTES 24u

/* Requests: VIRTIO 1.2, 5.13.6.1. */
enum viommu_type {
	VIOMMU_ATTACH = 1,
	VIOMMU_DETACH = 2,
	VIOMMU_MAP = 3,
	VIOMMU_UNMAP = 4,
	VIOMMU_PROBE = 5,
};

/* How a request ended: VIRTIO 1.2, 5.13.6.2; and what is no status. */
enum viommu_status {
	VIOMMU_S_OK = 0,
	VIOMMU_S_NOENT = 6,
	VIOMMU_S_BROKEN = 256,
};

/* A split ring, and where it is: VIRTIO 1.2, 2.7. */
struct viommu_ring {
	unsigned char *shared; /* descriptors; then available, then used */
	bounce_bus_t bus;
	unsigned char *buffer; /* what the descriptors are about */
	bounce_bus_t buffer_bus;
	struct bounce_used *used;
	uint16_t available; /* its index, as we last wrote it */
};

struct bounce_viommu_domain {
	struct bounce_viommu *viommu;
	uint32_t id;
	uint32_t ranges;
	struct bounce_iommu_range range[BOUNCE_IOMMU_RANGES];
};

struct viommu_endpoint {
	uint32_t id;
	const struct bounce_viommu_domain *domain; /* NULL: a free entry */
};

struct bounce_viommu {
	struct bounce_viommu_info info;
	_Atomic uint32_t lock; /* Y4 */
	_Atomic uint32_t broken; /* Y3 */
	_Atomic uint64_t requests;
	struct viommu_ring ring[2]; /* enum bounce_viommu_queue */
	uint32_t domains;
	struct bounce_viommu_domain *domain;
	struct viommu_endpoint *endpoint;
};

/* A request as the device reads it, in the making. */
struct viommu_request {
	unsigned char byte[VIOMMU_REQUEST_BYTES];
	uint32_t len;
	uint32_t answer; /* bytes that the device may write, tail included */
};

void bounce_viommu_put32(unsigned char *to, uint32_t value);
void bounce_viommu_put64(unsigned char *to, uint64_t value);
uint32_t bounce_viommu_get32(const unsigned char *from);
uint64_t bounce_viommu_get64(const unsigned char *from);

/* Entries of the request queue, all of which may be posted at once. */
static inline uint32_t viommu_entries(const struct bounce_viommu *viommu)
{
	return viommu->info.entries / 2u;
}

/* Where the answer of @bytes to entry @index stands. Longer ones than a tail
 * are entry 0's. */
unsigned char *bounce_viommu_answer(const struct bounce_viommu *viommu,
				    uint32_t index, uint32_t bytes);

/* Y4. False: it was not to be had, or the queue is broken. */
bool bounce_viommu_lock(struct bounce_viommu *viommu);
void bounce_viommu_unlock(struct bounce_viommu *viommu);

/* Put a request into entry @index; bounce_viommu_submit() shows it. */
void bounce_viommu_prepare(struct bounce_viommu *viommu, uint32_t index,
			   const struct viommu_request *request);

/* Post entries 0 .. @count - 1 with one notification, and wait for all of
 * them. False: broken (Y3). */
bool bounce_viommu_submit(struct bounce_viommu *viommu, uint32_t count);

/* The status of a completed entry with @answer writable bytes. */
enum viommu_status bounce_viommu_status(const struct bounce_viommu *viommu,
					uint32_t index, uint32_t answer);

#endif
