/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * used.c - what a device reports in a split ring, held to private records.
 *
 * Owns the records of outstanding heads, in the caller's private memory; the
 * ring is only read, through copy.c.
 *
 *   U1  Every number of the ring is copied once, judged in private memory in
 *       its full width, and masked before it is an index (S3, S7).
 *   U2  `outstanding` counts the heads whose flag is set. The flag goes up in
 *       post and down in the one completion that is handed out (S4).
 *   U3  The first lie breaks the ring: `broken` is what every later call says.
 *
 * Source: VIRTIO 1.2, 2.7.8: le16 flags, le16 idx, {le32 id, le32 len} ring[].
 */
#include <bounce/virtio.h>

#include "base.h"
#include "copy.h"

#define ENTRIES_MAX 32768u /* VIRTIO 1.2, 2.7: Queue Size */
#define RING_ALIGN 4u /* VIRTIO 1.2, 2.7: of the used ring */
#define RING_IDX 2u /* bytes from the ring's start */
#define RING_ELEMENTS 4u
#define ELEMENT_BYTES 8u

/* A chain, named by its first descriptor. */
struct used_head {
	uint64_t cookie;
	uint32_t writable; /* bytes */
	uint32_t outstanding; /* 1: posted and not completed (U2) */
};

struct bounce_used {
	const unsigned char *ring;
	uint32_t entries; /* a power of two */
	uint32_t outstanding; /* U2 */
	enum bounce_err broken; /* U3 */
	uint16_t taken; /* completions, modulo 2^16, as the ring's idx counts */
	uint16_t reserved;
	struct used_head head[];
};
_Static_assert(_Alignof(struct bounce_used) == BOUNCE_USED_ALIGN &&
		       sizeof(struct bounce_used) % BOUNCE_USED_ALIGN == 0,
	       "part of bounce_used_init()'s contract");

static uint32_t le32(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 |
	       (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

size_t bounce_used_size(uint32_t entries)
{
	if (!bounce_is_power(entries) || entries > ENTRIES_MAX)
		return 0;
	return sizeof(struct bounce_used) +
	       (size_t)entries * sizeof(struct used_head);
}

enum bounce_err bounce_used_init(void *memory, size_t bytes, uint32_t entries,
				 const void *ring, struct bounce_used **used)
{
	size_t need = bounce_used_size(entries);
	struct bounce_used *check = memory;

	if (need == 0 || bytes < need || memory == NULL || ring == NULL ||
	    used == NULL || (uintptr_t)memory % BOUNCE_USED_ALIGN != 0 ||
	    (uintptr_t)ring % RING_ALIGN != 0)
		return BOUNCE_ERR_ARG;
	*check = (struct bounce_used) {
		.ring = ring,
		.entries = entries,
		.broken = BOUNCE_OK,
	};
	for (uint32_t i = 0; i < entries; i++)
		check->head[i] = (struct used_head) { 0 };
	*used = check;
	return BOUNCE_OK;
}

enum bounce_err bounce_used_post(struct bounce_used *used, uint32_t head,
				 uint32_t writable, uint64_t cookie)
{
	if (head >= used->entries)
		return BOUNCE_ERR_ARG;
	if (used->head[head].outstanding != 0)
		return BOUNCE_ERR_BUSY;
	used->head[head] = (struct used_head) {
		.cookie = cookie,
		.writable = writable,
		.outstanding = 1,
	};
	used->outstanding++;
	return BOUNCE_OK;
}

/* Completions that the device claims and nobody took; ERR_RANGE: too many. */
static enum bounce_err look(const struct bounce_used *used)
{
	uint16_t idx = bounce_copy_le16(used->ring + RING_IDX);
	uint16_t ahead = (uint16_t)(idx - used->taken);

	if (ahead == 0)
		return BOUNCE_ERR_BUSY;
	return ahead > used->outstanding ? BOUNCE_ERR_RANGE : BOUNCE_OK;
}

/* Judge the next element; @done is written on success only. */
static enum bounce_err take(struct bounce_used *used,
			    struct bounce_completion *done)
{
	uint32_t place = used->taken & (used->entries - 1);
	unsigned char element[ELEMENT_BYTES];
	struct used_head *head;
	uint32_t id;
	uint32_t written;

	bounce_copy_out(element,
			used->ring + RING_ELEMENTS +
				(size_t)place * ELEMENT_BYTES,
			ELEMENT_BYTES);
	id = le32(element);
	written = le32(element + 4);
	if (id >= used->entries)
		return BOUNCE_ERR_RANGE;
	id = (uint32_t)bounce_index_nospec(id, used->entries);
	head = &used->head[id];
	if (head->outstanding == 0)
		return BOUNCE_ERR_STALE;
	if (written > head->writable)
		return BOUNCE_ERR_LENGTH;
	*done = (struct bounce_completion) {
		.head = (uint16_t)id,
		.written = written,
		.cookie = head->cookie,
	};
	head->outstanding = 0;
	used->outstanding--;
	used->taken++;
	return BOUNCE_OK;
}

enum bounce_err bounce_virtio_used(struct bounce_used *used,
				   struct bounce_completion *done)
{
	enum bounce_err err;

	if (used->broken != BOUNCE_OK)
		return used->broken;
	err = look(used);
	if (err == BOUNCE_ERR_BUSY)
		return err;
	if (err == BOUNCE_OK) {
		/* The element is read after the idx that announced it. */
		bounce_rmb_device();
		err = take(used, done);
	}
	used->broken = err;
	return err;
}

uint32_t bounce_used_outstanding(const struct bounce_used *used)
{
	return used->outstanding;
}

bool bounce_used_valid(const struct bounce_used *used)
{
	uint32_t flags = 0;

	if (bounce_used_size(used->entries) == 0 || used->ring == NULL)
		return false;
	for (uint32_t i = 0; i < used->entries; i++) {
		if (used->head[i].outstanding > 1)
			return false;
		flags += used->head[i].outstanding;
	}
	return flags == used->outstanding;
}
