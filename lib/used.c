/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * used.c - what a device reports in a ring, held to private records.
 *
 * Owns the records of outstanding buffers, in the caller's private memory; the
 * ring is only read, through copy.c. Split and packed rings differ in where a
 * report stands (find_split(), find_packed()); what it says is judged the same.
 *
 *   U1  Every number of the ring is copied once, judged in private memory in
 *       its full width, and masked before it is an index (S3, S7).
 *   U2  `outstanding` counts the heads whose flag is set. The flag goes up in
 *       post and down in the one completion that is handed out (S4).
 *   U3  The first lie breaks the ring: `broken` is what every later call says.
 *   U4  Posts and completions are numbered modulo 2^16, as the split ring's idx
 *       counts. In order, number `taken` is the next to complete, and order[]
 *       holds the outstanding heads as they were posted, from `first` on: by a
 *       place of its own, since 2^16 is no multiple of every packed ring.
 *
 * Source: VIRTIO 1.2, 2.7.8: le16 flags, le16 idx, {le32 id, le32 len} ring[];
 * 2.8.13: {le64 addr, le32 len, le16 id, le16 flags} ring[].
 */
#include <bounce/virtio.h>

#include "base.h"
#include "copy.h"

#define ENTRIES_MAX 32768u /* VIRTIO 1.2, 2.7 and 2.8.10.1: Queue Size */

#define SPLIT_ALIGN 4u /* VIRTIO 1.2, 2.7: of the used ring */
#define SPLIT_IDX 2u /* bytes from the ring's start */
#define SPLIT_ELEMENTS 4u
#define SPLIT_BYTES 8u /* of an element: id, len */

#define PACKED_ALIGN 16u /* VIRTIO 1.2, 2.8.10: of the descriptor ring */
#define PACKED_STRIDE 16u
#define PACKED_LEN 8u /* bytes from a descriptor's start; then id, flags */
#define PACKED_FLAGS 14u
#define PACKED_BYTES 8u /* of len, id and flags together */
#define PACKED_F_WRITE 0x0002u /* VIRTIO 1.2, 2.8.13; len is there */
#define PACKED_F_AVAIL 0x0080u
#define PACKED_F_USED 0x8000u

/* A buffer, named by its head or ID. */
struct used_head {
	uint64_t cookie;
	uint32_t writable; /* bytes */
	uint16_t number; /* of its post (U4) */
	uint16_t descriptors; /* 0: not outstanding (U2) */
};

/* What the device says of one buffer. */
struct used_report {
	uint32_t id;
	uint32_t written;
};

struct bounce_used {
	const unsigned char *ring;
	uint32_t entries;
	uint32_t outstanding; /* U2 */
	enum bounce_err broken; /* U3 */
	bool packed;
	bool in_order;
	bool wrap; /* packed: the device's wrap counter at `next` */
	uint16_t posted; /* U4 */
	uint16_t taken; /* U4 */
	uint16_t next; /* packed: where the next report stands */
	uint16_t free; /* packed: descriptors that no buffer takes */
	uint16_t first; /* in order: place in order[] of number `taken` (U4) */
	uint32_t batch; /* in order: completions still to be handed out */
	struct used_report last; /* in order: of the batch's last buffer */
	struct used_head head[]; /* then uint16_t order[entries] (U4) */
};
_Static_assert(_Alignof(struct bounce_used) == BOUNCE_USED_ALIGN &&
		       sizeof(struct bounce_used) % BOUNCE_USED_ALIGN == 0,
	       "part of bounce_used_init()'s contract");

static uint16_t *order_of(struct bounce_used *used)
{
	return (uint16_t *)(void *)&used->head[used->entries];
}

static uint16_t le16(const unsigned char *bytes)
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t le32(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 |
	       (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* ---- init ---- */

static size_t size_of(uint32_t entries)
{
	return sizeof(struct bounce_used) +
	       (size_t)entries * (sizeof(struct used_head) + sizeof(uint16_t));
}

size_t bounce_used_size(uint32_t entries)
{
	if (!bounce_is_power(entries) || entries > ENTRIES_MAX)
		return 0;
	return size_of(entries);
}

static enum bounce_err init(void *memory, uint32_t entries, const void *ring,
			    bool packed, struct bounce_used **used)
{
	struct bounce_used *check = memory;

	*check = (struct bounce_used) {
		.ring = ring,
		.entries = entries,
		.broken = BOUNCE_OK,
		.packed = packed,
		.wrap = true,
		.free = (uint16_t)entries,
	};
	for (uint32_t i = 0; i < entries; i++) {
		check->head[i] = (struct used_head) { 0 };
		order_of(check)[i] = 0;
	}
	*used = check;
	return BOUNCE_OK;
}

enum bounce_err bounce_used_init(void *memory, size_t bytes, uint32_t entries,
				 const void *ring, struct bounce_used **used)
{
	size_t need = bounce_used_size(entries);

	if (need == 0 || bytes < need || memory == NULL || ring == NULL ||
	    used == NULL || (uintptr_t)memory % BOUNCE_USED_ALIGN != 0 ||
	    (uintptr_t)ring % SPLIT_ALIGN != 0)
		return BOUNCE_ERR_ARG;
	return init(memory, entries, ring, false, used);
}

enum bounce_err bounce_used_init_packed(void *memory, size_t bytes,
					uint32_t entries, const void *ring,
					struct bounce_used **used)
{
	if (entries == 0 || entries > ENTRIES_MAX || bytes < size_of(entries) ||
	    memory == NULL || ring == NULL || used == NULL ||
	    (uintptr_t)memory % BOUNCE_USED_ALIGN != 0 ||
	    (uintptr_t)ring % PACKED_ALIGN != 0)
		return BOUNCE_ERR_ARG;
	return init(memory, entries, ring, true, used);
}

void bounce_used_in_order(struct bounce_used *used)
{
	used->in_order = true;
}

/* ---- post ---- */

static void add(struct bounce_used *used, uint32_t id, struct used_head head)
{
	uint32_t place = (used->first + used->outstanding) % used->entries;

	head.number = used->posted;
	used->head[id] = head;
	/* Free: fewer than `entries` are outstanding, as @id is not. */
	order_of(used)[place] = (uint16_t)id;
	used->posted++;
	used->outstanding++;
}

enum bounce_err bounce_used_post(struct bounce_used *used, uint32_t head,
				 uint32_t writable, uint64_t cookie)
{
	if (head >= used->entries || used->packed)
		return BOUNCE_ERR_ARG;
	if (used->head[head].descriptors != 0)
		return BOUNCE_ERR_BUSY;
	add(used, head,
	    (struct used_head) {
		    .cookie = cookie,
		    .writable = writable,
		    .descriptors = 1,
	    });
	return BOUNCE_OK;
}

enum bounce_err bounce_used_post_packed(struct bounce_used *used, uint32_t id,
					uint32_t descriptors, uint32_t writable,
					uint64_t cookie)
{
	if (id >= used->entries || !used->packed || descriptors == 0 ||
	    descriptors > used->entries)
		return BOUNCE_ERR_ARG;
	if (used->head[id].descriptors != 0)
		return BOUNCE_ERR_BUSY;
	if (descriptors > used->free)
		return BOUNCE_ERR_FULL;
	used->free = (uint16_t)(used->free - descriptors);
	add(used, id,
	    (struct used_head) {
		    .cookie = cookie,
		    .writable = writable,
		    .descriptors = (uint16_t)descriptors,
	    });
	return BOUNCE_OK;
}

/* ---- where the next report stands ---- */

/*
 * Copy the next element out of a split ring. @ahead: completions that idx
 * claims and nobody took. ERR_BUSY: none; ERR_RANGE: more than there can be.
 */
static enum bounce_err find_split(const struct bounce_used *used,
				  uint32_t *ahead, struct used_report *report)
{
	uint32_t place = used->taken & (used->entries - 1);
	unsigned char element[SPLIT_BYTES];

	*ahead = (uint16_t)(bounce_copy_le16(used->ring + SPLIT_IDX) -
			    used->taken);
	if (*ahead == 0)
		return BOUNCE_ERR_BUSY;
	if (*ahead > used->outstanding)
		return BOUNCE_ERR_RANGE;
	/* The element is read after the idx that announced it. */
	bounce_rmb_device();
	bounce_copy_out(element,
			used->ring + SPLIT_ELEMENTS +
				(size_t)place * SPLIT_BYTES,
			SPLIT_BYTES);
	*report = (struct used_report) { le32(element), le32(element + 4) };
	return BOUNCE_OK;
}

/* Do a descriptor's flags say that the device has used it (2.8.1)? */
static bool is_used(const struct bounce_used *used, uint16_t flags)
{
	uint16_t both = PACKED_F_AVAIL | PACKED_F_USED;

	return (flags & both) == (used->wrap ? both : 0);
}

/* The same for a packed ring, which does not say how far ahead it is. */
static enum bounce_err find_packed(const struct bounce_used *used,
				   uint32_t *ahead, struct used_report *report)
{
	const unsigned char *at = used->ring +
				  (size_t)used->next * PACKED_STRIDE;
	unsigned char element[PACKED_BYTES];

	*ahead = used->outstanding;
	if (*ahead == 0 || !is_used(used, bounce_copy_le16(at + PACKED_FLAGS)))
		return BOUNCE_ERR_BUSY;
	/* Length and ID are read after the flags that announced them. */
	bounce_rmb_device();
	bounce_copy_out(element, at + PACKED_LEN, PACKED_BYTES);
	/* 2.8.13: without WRITE there is no length. */
	*report = (struct used_report) {
		.id = le16(element + 4),
		.written = (le16(element + 6) & PACKED_F_WRITE) != 0 ?
				   le32(element) :
				   0,
	};
	return BOUNCE_OK;
}

/* ---- what it says ---- */

/* U1: is this report true of an outstanding buffer? Masks the id. */
static enum bounce_err judge(const struct bounce_used *used,
			     struct used_report *report)
{
	if (report->id >= used->entries)
		return BOUNCE_ERR_RANGE;
	report->id = (uint32_t)bounce_index_nospec(report->id, used->entries);
	if (used->head[report->id].descriptors == 0)
		return BOUNCE_ERR_STALE;
	if (report->written > used->head[report->id].writable)
		return BOUNCE_ERR_LENGTH;
	return BOUNCE_OK;
}

/* Hand out one completion, and move on. */
static void complete(struct bounce_used *used, struct used_report report,
		     struct bounce_completion *done)
{
	struct used_head *head = &used->head[report.id];
	uint32_t next = used->next + (uint32_t)head->descriptors;

	*done = (struct bounce_completion) {
		.head = (uint16_t)report.id,
		.written = report.written,
		.cookie = head->cookie,
	};
	if (used->packed) {
		used->wrap ^= next >= used->entries;
		used->next = (uint16_t)(next % used->entries);
		used->free = (uint16_t)(used->free + head->descriptors);
	}
	head->descriptors = 0;
	used->outstanding--;
	used->taken++;
}

/* The next buffer of a batch: the last one as reported, the others whole. */
static void complete_batch(struct bounce_used *used,
			   struct bounce_completion *done)
{
	struct used_report report = used->last;

	if (used->batch > 1) {
		report.id = order_of(used)[used->first];
		report.written = used->head[report.id].writable;
	}
	used->batch--;
	used->first = (uint16_t)((used->first + 1u) % used->entries);
	complete(used, report, done);
}

static enum bounce_err take(struct bounce_used *used,
			    struct bounce_completion *done)
{
	struct used_report report;
	enum bounce_err err;
	uint32_t ahead;

	if (used->batch != 0) {
		complete_batch(used, done);
		return BOUNCE_OK;
	}
	err = used->packed ? find_packed(used, &ahead, &report) :
			     find_split(used, &ahead, &report);
	if (err == BOUNCE_OK)
		err = judge(used, &report);
	if (err != BOUNCE_OK)
		return err;
	if (!used->in_order) {
		complete(used, report, done);
		return BOUNCE_OK;
	}
	/* U4: everything up to the reported one is done. */
	used->batch = (uint16_t)(used->head[report.id].number - used->taken) +
		      1u;
	if (used->batch > ahead)
		return BOUNCE_ERR_RANGE;
	used->last = report;
	complete_batch(used, done);
	return BOUNCE_OK;
}

enum bounce_err bounce_virtio_used(struct bounce_used *used,
				   struct bounce_completion *done)
{
	enum bounce_err err;

	if (used->broken != BOUNCE_OK)
		return used->broken;
	err = take(used, done);
	if (err != BOUNCE_ERR_BUSY)
		used->broken = err;
	return err;
}

/* ---- looking ---- */

uint32_t bounce_used_outstanding(const struct bounce_used *used)
{
	return used->outstanding;
}

bool bounce_used_valid(const struct bounce_used *used)
{
	uint32_t heads = 0;
	uint32_t descriptors = 0;

	if (used->entries == 0 || used->entries > ENTRIES_MAX ||
	    used->ring == NULL)
		return false;
	for (uint32_t i = 0; i < used->entries; i++) {
		heads += used->head[i].descriptors != 0;
		descriptors += used->head[i].descriptors;
	}
	return heads == used->outstanding &&
	       (used->in_order ? used->batch <= heads : used->batch == 0) &&
	       (!used->packed || descriptors + used->free == used->entries);
}
