/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * viommu.c - a virtio-iommu's queues: requests out, answers and faults in. Y1
 * to Y4 are in viommu.h.
 *
 * The memory that the device reaches, in this order:
 *
 *	ring 0 | ring 1 | an entry each: request, tail | PROBE's answer | events
 *
 * Source: VIRTIO 1.2, 2.7 (rings), 5.13 (the device).
 */
#include "viommu.h"

#include "base.h"
#include "copy.h"

#define ENTRIES_LEAST 4u
#define ENTRIES_MOST 256u
#define PROBE_MOST 65536u

/* Bytes of an entry, and where its tail stands in it; of an event. */
#define ENTRY_BYTES 128u
#define ENTRY_TAIL 80u
#define EVENT_STRIDE 32u
_Static_assert(ENTRY_TAIL >= VIOMMU_REQUEST_BYTES &&
		       ENTRY_TAIL + VIOMMU_TAIL_BYTES <= ENTRY_BYTES &&
		       EVENT_STRIDE >= VIOMMU_EVENT_BYTES,
	       "apart");

/* VIRTIO 1.2, 2.7.5: le64 addr, le32 len, le16 flags, le16 next. */
#define DESCRIPTOR_BYTES 16u
#define DESCRIPTOR_NEXT 1u
#define DESCRIPTOR_WRITE 2u
/* 2.7.6: le16 flags, le16 idx, le16 ring[]. */
#define AVAILABLE_IDX 2u
#define AVAILABLE_RING 4u

/* Looks at a queue, or at the lock, before it is given up in any case. */
#define LOOKS (UINT64_C(1) << 24)

/* ---- bytes ---- */

void bounce_viommu_put32(unsigned char *to, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (unsigned char)(value >> 8 * i);
}

void bounce_viommu_put64(unsigned char *to, uint64_t value)
{
	bounce_viommu_put32(to, (uint32_t)value);
	bounce_viommu_put32(to + 4, (uint32_t)(value >> 32));
}

uint32_t bounce_viommu_get32(const unsigned char *from)
{
	return (uint32_t)from[0] | (uint32_t)from[1] << 8 |
	       (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

uint64_t bounce_viommu_get64(const unsigned char *from)
{
	return bounce_viommu_get32(from) |
	       (uint64_t)bounce_viommu_get32(from + 4) << 32;
}

/* ---- layout: offsets from info.shared ---- */

static uint32_t available_at(uint32_t entries)
{
	return entries * DESCRIPTOR_BYTES;
}

static uint32_t used_at(uint32_t entries)
{
	return (uint32_t)bounce_round_up(
		available_at(entries) + AVAILABLE_RING + 2 * entries + 2, 3);
}

static uint32_t ring_bytes(uint32_t entries)
{
	return (uint32_t)bounce_round_up(used_at(entries) + 6 + 8 * entries,
					 63);
}

static uint32_t probe_at(const struct bounce_viommu_info *info)
{
	return 2 * ring_bytes(info->entries) + info->entries / 2 * ENTRY_BYTES;
}

static uint32_t probe_bytes(const struct bounce_viommu_info *info)
{
	bool probed = (info->features & BOUNCE_VIOMMU_F_PROBE) != 0;

	return (probed ? info->probe_size : 0) + VIOMMU_TAIL_BYTES;
}

static uint32_t events_at(const struct bounce_viommu_info *info)
{
	return (uint32_t)bounce_round_up(probe_at(info) + probe_bytes(info),
					 63);
}

static bool info_valid(const struct bounce_viommu_info *info)
{
	return info != NULL && bounce_is_power(info->entries) &&
	       info->entries >= ENTRIES_LEAST &&
	       info->entries <= ENTRIES_MOST && info->domains != 0 &&
	       info->endpoints != 0 && info->reserved == 0 &&
	       info->probe_size <= PROBE_MOST;
}

size_t bounce_viommu_shared_size(const struct bounce_viommu_info *info)
{
	if (!info_valid(info))
		return 0;
	return bounce_round_up(events_at(info) + info->entries * EVENT_STRIDE,
			       BOUNCE_SLOT_BYTES - 1);
}

size_t bounce_viommu_size(const struct bounce_viommu_info *info)
{
	if (!info_valid(info))
		return 0;
	return bounce_round_up(sizeof(struct bounce_viommu), 7) +
	       2 * bounce_round_up(bounce_used_size(info->entries), 7) +
	       info->domains * sizeof(struct bounce_viommu_domain) +
	       info->endpoints * sizeof(struct viommu_endpoint);
}

/* ---- init ---- */

static bool init_ring(struct bounce_viommu *v, enum bounce_viommu_queue queue,
		      void *check)
{
	const struct bounce_viommu_info *info = &v->info;
	bool requests = queue == BOUNCE_VIOMMU_REQUESTS;
	uint32_t at = requests ? 0 : ring_bytes(info->entries);
	uint32_t buffer = requests ? 2 * ring_bytes(info->entries) :
				     events_at(info);
	struct viommu_ring *ring = &v->ring[queue];

	*ring = (struct viommu_ring) {
		.shared = info->shared + at,
		.bus = info->bus,
		.buffer = info->shared + buffer,
		.buffer_bus = info->bus,
	};
	ring->bus.v += at;
	ring->buffer_bus.v += buffer;
	return bounce_used_init(check, bounce_used_size(info->entries),
				info->entries,
				ring->shared + used_at(info->entries),
				&ring->used) == BOUNCE_OK;
}

/* Is there all that a device needs, and can it map? */
static bool usable(const struct bounce_viommu_info *info)
{
	return info->notify != NULL && info->shared != NULL &&
	       ((uintptr_t)info->shared | info->bus.v) % BOUNCE_SLOT_BYTES ==
		       0 &&
	       (info->features & BOUNCE_VIOMMU_F_MAP_UNMAP) != 0 &&
	       info->page_size_mask != 0;
}

enum bounce_err bounce_viommu_init(void *memory, size_t bytes,
				   const struct bounce_viommu_info *info,
				   struct bounce_viommu **viommu)
{
	struct bounce_viommu *v = memory;
	unsigned char *at = memory;
	size_t check;

	if (memory == NULL || viommu == NULL || !info_valid(info) ||
	    (uintptr_t)memory % BOUNCE_VIOMMU_ALIGN != 0 || !usable(info))
		return BOUNCE_ERR_ARG;
	if (bytes < bounce_viommu_size(info))
		return BOUNCE_ERR_RANGE;
	check = bounce_round_up(bounce_used_size(info->entries), 7);
	bounce_copy_zero(memory, bounce_viommu_size(info));
	bounce_copy_zero(info->shared, bounce_viommu_shared_size(info));
	v->info = *info;
	at += bounce_round_up(sizeof(*v), 7);
	if (!init_ring(v, BOUNCE_VIOMMU_REQUESTS, at) ||
	    !init_ring(v, BOUNCE_VIOMMU_EVENTS, at + check))
		return BOUNCE_ERR_ARG;
	v->domain = (void *)(at + 2 * check);
	v->endpoint = (void *)(v->domain + info->domains);
	*viommu = v;
	return BOUNCE_OK;
}

void bounce_viommu_ring(const struct bounce_viommu *viommu,
			enum bounce_viommu_queue queue,
			struct bounce_viommu_ring *ring)
{
	uint32_t entries = viommu->info.entries;
	bounce_bus_t bus = viommu->ring[queue].bus;

	*ring = (struct bounce_viommu_ring) {
		.entries = entries,
		.descriptors = bus,
		.available = bus,
		.used = bus,
	};
	ring->available.v += available_at(entries);
	ring->used.v += used_at(entries);
}

/* ---- posting: Y1 ---- */

/* What a descriptor says: the device may read, or write, @len bytes. */
struct piece {
	bounce_bus_t bus;
	uint32_t len;
	uint32_t flags;
	uint32_t next;
};

static void describe(struct viommu_ring *ring, uint32_t index,
		     const struct piece *piece)
{
	unsigned char byte[DESCRIPTOR_BYTES];

	bounce_viommu_put64(byte, piece->bus.v);
	bounce_viommu_put32(byte + 8, piece->len);
	bounce_viommu_put32(byte + 12, piece->flags | piece->next << 16);
	bounce_copy_in(ring->shared + index * DESCRIPTOR_BYTES, byte,
		       sizeof(byte));
}

/* Head @head is the next available one; not seen before publish(). */
static void make_available(const struct bounce_viommu *v,
			   struct viommu_ring *ring, uint32_t head)
{
	uint32_t slot = ring->available & (v->info.entries - 1u);

	bounce_copy_put_le16(ring->shared + available_at(v->info.entries) +
				     AVAILABLE_RING + 2 * slot,
			     (uint16_t)head);
	ring->available++;
}

static void publish(struct bounce_viommu *v, enum bounce_viommu_queue queue)
{
	struct viommu_ring *ring = &v->ring[queue];

	bounce_wmb_device();
	bounce_copy_put_le16(ring->shared + available_at(v->info.entries) +
				     AVAILABLE_IDX,
			     ring->available);
	bounce_mb_device();
	v->info.notify(v->info.ctx, queue);
}

/* ---- waiting ---- */

/* Once more? By the embedder's clock, and within a bound of our own (S6). */
static bool patient(const struct bounce_viommu *v, uint64_t turn)
{
	if (turn >= LOOKS)
		return false;
	if (v->info.wait != NULL)
		return v->info.wait(v->info.ctx, turn);
	bounce_cpu_relax();
	return true;
}

static bool is_broken(const struct bounce_viommu *v)
{
	/* relaxed: it never becomes false again; who misses it finds out. */
	return atomic_load_explicit(&v->broken, memory_order_relaxed) != 0;
}

static void break_down(struct bounce_viommu *v)
{
	/* relaxed: as above. */
	atomic_store_explicit(&v->broken, 1, memory_order_relaxed);
}

bool bounce_viommu_lock(struct bounce_viommu *v)
{
	/*
	 * acquire: pairs with bounce_viommu_unlock(): the ring's index and the
	 * check's records are as the last holder left them.
	 */
	for (uint64_t turn = 0;
	     atomic_exchange_explicit(&v->lock, 1, memory_order_acquire);
	     turn++)
		if (is_broken(v) || !patient(v, turn))
			return false;
	if (!is_broken(v))
		return true;
	bounce_viommu_unlock(v);
	return false;
}

void bounce_viommu_unlock(struct bounce_viommu *v)
{
	/* release: pairs with the acquire in bounce_viommu_lock(). */
	atomic_store_explicit(&v->lock, 0, memory_order_release);
}

/* ---- requests: Y2, Y3 ---- */

unsigned char *bounce_viommu_answer(const struct bounce_viommu *v,
				    uint32_t index, uint32_t bytes)
{
	if (bytes > VIOMMU_TAIL_BYTES)
		return v->info.shared + probe_at(&v->info);
	return v->ring[BOUNCE_VIOMMU_REQUESTS].buffer + index * ENTRY_BYTES +
	       ENTRY_TAIL;
}

void bounce_viommu_prepare(struct bounce_viommu *v, uint32_t index,
			   const struct viommu_request *request)
{
	struct viommu_ring *ring = &v->ring[BOUNCE_VIOMMU_REQUESTS];
	struct piece question = {
		.bus = ring->buffer_bus,
		.len = request->len,
		.flags = DESCRIPTOR_NEXT,
		.next = 2 * index + 1,
	};
	struct piece answer = {
		.bus = v->info.bus,
		.len = request->answer,
		.flags = DESCRIPTOR_WRITE,
	};

	question.bus.v += (uint64_t)index * ENTRY_BYTES;
	answer.bus.v +=
		(uint64_t)(bounce_viommu_answer(v, index, request->answer) -
			   v->info.shared);
	bounce_copy_in(ring->buffer + index * ENTRY_BYTES, request->byte,
		       request->len);
	describe(ring, 2 * index, &question);
	describe(ring, 2 * index + 1, &answer);
	make_available(v, ring, 2 * index);
	/* Y2: it was completed, or never posted; else used.c says so. */
	if (bounce_used_post(ring->used, 2 * index, request->answer, index) !=
	    BOUNCE_OK)
		break_down(v);
}

bool bounce_viommu_submit(struct bounce_viommu *v, uint32_t count)
{
	struct bounce_used *used = v->ring[BOUNCE_VIOMMU_REQUESTS].used;
	struct bounce_completion done;
	uint64_t turn = 0;

	if (is_broken(v))
		return false;
	/* relaxed: a counter. */
	atomic_fetch_add_explicit(&v->requests, count, memory_order_relaxed);
	publish(v, BOUNCE_VIOMMU_REQUESTS);
	while (count != 0) {
		enum bounce_err err = bounce_virtio_used(used, &done);

		if (err == BOUNCE_OK) {
			count--;
			turn = 0;
			continue;
		}
		if (err == BOUNCE_ERR_BUSY && patient(v, turn++))
			continue;
		break_down(v);
		return false;
	}
	return true;
}

enum viommu_status bounce_viommu_status(const struct bounce_viommu *v,
					uint32_t index, uint32_t answer)
{
	unsigned char tail[VIOMMU_TAIL_BYTES];

	bounce_copy_out(tail,
			bounce_viommu_answer(v, index, answer) + answer -
				sizeof(tail),
			sizeof(tail));
	return (enum viommu_status)tail[0];
}

/* ---- faults ---- */

static void post_event(struct bounce_viommu *v, uint32_t index)
{
	struct viommu_ring *ring = &v->ring[BOUNCE_VIOMMU_EVENTS];
	struct piece piece = {
		.bus = ring->buffer_bus,
		.len = VIOMMU_EVENT_BYTES,
		.flags = DESCRIPTOR_WRITE,
	};

	piece.bus.v += (uint64_t)index * EVENT_STRIDE;
	describe(ring, index, &piece);
	if (bounce_used_post(ring->used, index, VIOMMU_EVENT_BYTES, index) ==
	    BOUNCE_OK)
		make_available(v, ring, index);
}

void bounce_viommu_start(struct bounce_viommu *viommu)
{
	for (uint32_t i = 0; i < viommu->info.entries; i++)
		post_event(viommu, i);
	publish(viommu, BOUNCE_VIOMMU_EVENTS);
}

enum bounce_err bounce_viommu_take_fault(struct bounce_viommu *viommu,
					 struct bounce_viommu_fault *fault)
{
	struct viommu_ring *ring = &viommu->ring[BOUNCE_VIOMMU_EVENTS];
	unsigned char byte[VIOMMU_EVENT_BYTES];
	struct bounce_completion done;
	enum bounce_err err = bounce_virtio_used(ring->used, &done);

	if (err != BOUNCE_OK)
		return err == BOUNCE_ERR_BUSY ? err : BOUNCE_ERR_LOST;
	bounce_copy_out(byte, ring->buffer + done.head * EVENT_STRIDE,
			sizeof(byte));
	post_event(viommu, done.head);
	publish(viommu, BOUNCE_VIOMMU_EVENTS);
	if (done.written < sizeof(byte))
		return BOUNCE_ERR_HOST;
	*fault = (struct bounce_viommu_fault) {
		.reason = byte[0],
		.flags = bounce_viommu_get32(byte + 4),
		.endpoint = bounce_viommu_get32(byte + 8),
		.address = bounce_viommu_get64(byte + 16),
	};
	return BOUNCE_OK;
}
