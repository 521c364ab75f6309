/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * vring.c - a split virtqueue with a private shadow. Invariants: vring.h.
 *
 * Source: VIRTIO 1.2, section 2.7.
 */
#include "vring.h"

#include <cpu.h>

/* Descriptor flags: 2.7.5. */
#define DESCRIPTOR_NEXT 1u
#define DESCRIPTOR_WRITE 2u
/* The avail ring's flag of a driver that polls: 2.7.6. */
#define AVAILABLE_NO_INTERRUPT 1u

#define NO_DESCRIPTOR UINT16_MAX

/* The ring as the device sees it: 2.7, one stretch of memory. */
struct layout {
	struct vring_descriptor descriptor[VRING_ENTRIES];
	uint16_t available_flags;
	uint16_t available_index;
	uint16_t available[VRING_ENTRIES];
	uint16_t used_event;
	uint16_t pad;
	unsigned char used[4 + 8 * VRING_ENTRIES + 2]; /* used_of() */
};
_Static_assert(offsetof(struct layout, available_flags) % 2 == 0, "2.7");
_Static_assert(offsetof(struct layout, used) % 4 == 0, "2.7");

static volatile struct layout *layout_of(const struct vring *ring)
{
	return ring->memory.ptr;
}

/* Only its address: bounce_virtio_used() reads it. */
static const unsigned char *used_of(const struct vring *ring)
{
	return (const unsigned char *)ring->memory.ptr +
	       offsetof(struct layout, used);
}

enum bounce_err vring_init(struct vring *ring, struct bounce_queue *queue)
{
	enum bounce_err err;

	err = bounce_alloc(queue, sizeof(struct layout), 0, 0, &ring->memory,
			   &ring->mapping);
	if (err != BOUNCE_OK)
		return err;
	if (bounce_used_size(VRING_ENTRIES) > sizeof(ring->check))
		guest_fail("VRING_CHECK_BYTES is too small");
	err = bounce_used_init(ring->check, sizeof(ring->check), VRING_ENTRIES,
			       used_of(ring), &ring->used);
	if (err != BOUNCE_OK)
		return err;

	for (uint16_t i = 0; i < VRING_ENTRIES; i++)
		ring->shadow[i].next = (uint16_t)(i + 1);
	ring->shadow[VRING_ENTRIES - 1].next = NO_DESCRIPTOR;
	ring->free_head = 0;
	ring->free_count = VRING_ENTRIES;
	ring->available = 0;
	layout_of(ring)->available_flags = guest_le16(AVAILABLE_NO_INTERRUPT);
	return BOUNCE_OK;
}

void vring_place(const struct vring *ring, struct virtio_ring *place)
{
	uint64_t bus = ring->mapping.bus.v;

	place->entries = VRING_ENTRIES;
	place->descriptors.v = bus + offsetof(struct layout, descriptor);
	place->available.v = bus + offsetof(struct layout, available_flags);
	place->used.v = bus + offsetof(struct layout, used);
}

/* Shadow to ring (V1). */
static void publish(struct vring *ring, uint16_t index)
{
	const struct vring_descriptor *from = &ring->shadow[index];
	volatile struct vring_descriptor *to =
		&layout_of(ring)->descriptor[index];

	to->address = guest_le64(from->address);
	to->len = guest_le32(from->len);
	to->flags = guest_le16(from->flags);
	to->next = guest_le16(from->next);
}

/* Describe one part in the next free descriptor; the free list is the chain. */
static uint16_t describe(struct vring *ring, const struct vring_part *part,
			 bool last)
{
	uint16_t index = ring->free_head;
	struct vring_descriptor *shadow = &ring->shadow[index];

	ring->free_head = shadow->next;
	ring->free_count--;
	shadow->address = part->bus.v;
	shadow->len = part->len;
	shadow->flags =
		(uint16_t)((part->device_writes ? DESCRIPTOR_WRITE : 0) |
			   (last ? 0 : DESCRIPTOR_NEXT));
	publish(ring, index);
	return index;
}

bool vring_add(struct vring *ring, const struct vring_part *part,
	       uint32_t count, uint64_t cookie)
{
	volatile struct layout *layout = layout_of(ring);
	uint16_t head = ring->free_head;
	uint32_t writable = 0;

	if (count == 0 || count > ring->free_count)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (part[i].device_writes)
			writable += part[i].len;
		(void)describe(ring, &part[i], i + 1 == count);
	}
	if (bounce_used_post(ring->used, head, writable, cookie) != BOUNCE_OK)
		guest_fail("a free descriptor was outstanding (V3)");

	layout->available[ring->available % VRING_ENTRIES] = guest_le16(head);
	ring->available++;
	/* 2.7.13.3.1: the chain is there before the index that names it. */
	bounce_wmb_device();
	layout->available_index = guest_le16(ring->available);
	return true;
}

/* V3: along the shadow's links, whatever stands in the ring. */
static void free_chain(struct vring *ring, uint16_t head)
{
	uint16_t last = head;
	uint16_t count = 1;

	while ((ring->shadow[last].flags & DESCRIPTOR_NEXT) != 0) {
		last = ring->shadow[last].next;
		count++;
	}
	ring->shadow[last].next = ring->free_head;
	ring->free_head = head;
	ring->free_count = (uint16_t)(ring->free_count + count);
}

enum bounce_err vring_take(struct vring *ring, struct bounce_completion *done)
{
	enum bounce_err err = bounce_virtio_used(ring->used, done);

	if (err == BOUNCE_OK)
		free_chain(ring, done->head);
	return err;
}

enum bounce_err vring_fini(struct vring *ring, struct bounce_queue *queue)
{
	return bounce_free(queue, &ring->mapping);
}
