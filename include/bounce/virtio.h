/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * virtio.h - feature negotiation, and the one door for what a device reports.
 */
#ifndef BOUNCE_VIRTIO_H
#define BOUNCE_VIRTIO_H

#include <bounce/policy.h>

#ifdef __cplusplus
extern "C" {
#endif

/* VIRTIO 1.2 section 6: reserved feature bits. */
#define BOUNCE_VIRTIO_F_VERSION_1 (UINT64_C(1) << 32)
#define BOUNCE_VIRTIO_F_ACCESS_PLATFORM (UINT64_C(1) << 33)

/* What to answer a device, and why. */
struct bounce_negotiation {
	uint64_t accept; /* VERSION_1 and ACCESS_PLATFORM bits to accept; the
			  * driver adds the bits that are its own business */
	struct bounce_verdict verdict;
	uint32_t reserved; /* zero */
	const char *why; /* a sentence, never NULL; constant text */
};

/**
 * bounce_virtio_negotiate() - features offered to features accepted.
 *
 * @offered: the device's feature bits, as read.
 * @facts: enum bounce_fact bits; VERSION_1 and ACCESS_PLATFORM are taken from
 *         @offered, whatever stands here.
 * @answer: written always. On a REFUSE verdict accept is 0.
 *
 * Context: any; pure.
 *
 * Return:
 *   BOUNCE_OK           go on with @answer->accept.
 *   BOUNCE_ERR_REFUSED  set FAILED; @answer->why says why.
 *   BOUNCE_ERR_ARG      @answer is NULL.
 *
 * Source: VIRTIO 1.2 sections 2.2, 6.1, 6.2; docs/design.md 7.
 */
enum bounce_err bounce_virtio_negotiate(uint64_t offered, uint32_t facts,
					struct bounce_negotiation *answer)
	BOUNCE_MUST_CHECK;

/*
 * The used-element check of one ring, split or packed. Opaque; lives in
 * caller-given private memory; one caller at a time (the driver's queue lock).
 */
struct bounce_used;

/* Alignment of the memory given to bounce_used_init(), bytes. */
#define BOUNCE_USED_ALIGN 8u

/* A completion that passed the check. */
struct bounce_completion {
	uint16_t head; /* head or buffer ID that was posted */
	uint16_t reserved; /* zero */
	uint32_t written; /* bytes the device reports; at most those posted */
	uint64_t cookie; /* as it was posted */
};

/**
 * bounce_used_size() - private memory for a ring's check.
 *
 * @entries: ring size, a power of two, 1 .. 32768 (VIRTIO 1.2 section 2.7).
 *
 * Context: any; pure.
 *
 * Return: bytes, or 0 when @entries is not a ring size.
 */
size_t bounce_used_size(uint32_t entries) BOUNCE_MUST_CHECK;

/**
 * bounce_used_init() - begin to check a used ring; again after a device reset.
 *
 * @memory: private, aligned to BOUNCE_USED_ALIGN; the caller's, lent.
 * @bytes: its size, at least bounce_used_size(@entries).
 * @entries: ring size.
 * @ring: the CPU's address of the used ring (flags, idx, ring[], 4 + 8 *
 *        @entries bytes) in shared memory; only ever read.
 * @used: written on success only; points into @memory.
 *
 * Context: any; the ring must not be live yet. The ring's idx is taken to be 0.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG  NULL, misaligned, too small, or not a ring size.
 */
enum bounce_err bounce_used_init(void *memory, size_t bytes, uint32_t entries,
				 const void *ring, struct bounce_used **used)
	BOUNCE_MUST_CHECK;

/**
 * bounce_used_init_packed() - begin to check a packed ring; again after reset.
 *
 * @memory: as bounce_used_init().
 * @bytes: its size, at least bounce_used_size() of @entries rounded up to a
 *         power of two.
 * @entries: ring size, 1 .. 32768; any number (VIRTIO 1.2 section 2.8.10.1).
 * @ring: the CPU's address of the descriptor ring, 16 * @entries bytes in
 *        shared memory; only ever read.
 * @used: written on success only; points into @memory.
 *
 * Context: as bounce_used_init(). Both wrap counters are taken to be 1.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG  NULL, misaligned, too small, or not a ring size.
 */
enum bounce_err bounce_used_init_packed(void *memory, size_t bytes,
					uint32_t entries, const void *ring,
					struct bounce_used **used)
	BOUNCE_MUST_CHECK;

/**
 * bounce_used_in_order() - VIRTIO_F_IN_ORDER was negotiated.
 *
 * The device uses buffers in the order in which they were posted, and may
 * report a batch by its last one. Those that it passed over count as used
 * completely: bounce_virtio_used() hands them out one by one, first to last,
 * with all their writable bytes.
 *
 * @used: the check, before the first post.
 *
 * Context: the queue's owner.
 *
 * Source: VIRTIO 1.2 sections 2.7.9 and 2.8.8.
 */
void bounce_used_in_order(struct bounce_used *used);

/**
 * bounce_used_post() - a chain is about to be made available.
 *
 * @used: the check.
 * @head: index of the chain's first descriptor, below the ring size.
 * @writable: sum of the chain's device-writable bytes.
 * @cookie: anything; comes back with the completion.
 *
 * Context: the queue's owner; wait-free.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG   @head is out of range, or a packed ring.
 *   BOUNCE_ERR_BUSY  @head is outstanding already; nothing changed.
 */
enum bounce_err bounce_used_post(struct bounce_used *used, uint32_t head,
				 uint32_t writable, uint64_t cookie)
	BOUNCE_MUST_CHECK;

/**
 * bounce_used_post_packed() - a packed ring's buffer is to be made available.
 *
 * @used: the check of a packed ring.
 * @id: the buffer ID in its last descriptor, below the ring size.
 * @descriptors: that the buffer takes in the ring, 1 .. ring size.
 * @writable: sum of its device-writable bytes.
 * @cookie: anything; comes back with the completion.
 *
 * Context: the queue's owner; wait-free.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG   @id or @descriptors is out of range, or a split ring.
 *   BOUNCE_ERR_BUSY  @id is outstanding already; nothing changed.
 *   BOUNCE_ERR_FULL  the ring has not that many free descriptors.
 */
enum bounce_err bounce_used_post_packed(struct bounce_used *used, uint32_t id,
					uint32_t descriptors, uint32_t writable,
					uint64_t cookie) BOUNCE_MUST_CHECK;

/**
 * bounce_virtio_used() - take the next completion that the device reports.
 *
 * Index and element are each copied out of the ring once, judged in private
 * memory in their full width, and masked against speculation. After a lie the
 * ring is broken: every later call gives the same error until
 * bounce_used_init(). The driver then resets the device and unmaps what is
 * outstanding with 0 bytes written.
 *
 * @used: the check.
 * @done: written on success only.
 *
 * Context: the queue's owner; any interrupt level; wait-free.
 *
 * Ordering: what the device wrote before it moved idx is read after it.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_BUSY    nothing is completed that was not taken before.
 *   BOUNCE_ERR_RANGE   a lie: idx ran ahead of what is outstanding, or of the
 *                      batch that the id ends; or the id is not below the
 *                      ring size.
 *   BOUNCE_ERR_STALE   a lie: the id is no outstanding head (never posted, or
 *                      completed before).
 *   BOUNCE_ERR_LENGTH  a lie: more bytes than the chain's writable ones.
 *
 * Source: VIRTIO 1.2 sections 2.7.8 (split) and 2.8 (packed).
 */
enum bounce_err bounce_virtio_used(struct bounce_used *used,
				   struct bounce_completion *done)
	BOUNCE_MUST_CHECK;

/**
 * bounce_used_outstanding() - heads posted and not completed.
 *
 * @used: the check.
 *
 * Context: the queue's owner.
 *
 * Return: 0 .. ring size.
 */
uint32_t bounce_used_outstanding(const struct bounce_used *used)
	BOUNCE_MUST_CHECK;

/**
 * bounce_used_valid() - check the invariants.
 *
 * @used: the check.
 *
 * Context: the queue's owner.
 *
 * Return: true when the outstanding heads add up.
 */
bool bounce_used_valid(const struct bounce_used *used) BOUNCE_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
