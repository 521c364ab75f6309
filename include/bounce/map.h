/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * map.h - the I/O path: map, unmap, sync, and memory that is born shared.
 *
 * All calls here: any CPU, any interrupt level, also from a nested NMI;
 * lock-free; bounded in steps whatever a device does; no embedder hook, no
 * call to the monitor. A CPU that stops inside one is waited for by nobody.
 *
 * In a space with a dynamic window (BOUNCE_TRANSLATION_DYNAMIC) calls that make
 * or end a mapping call the IOMMU's backend, whose contexts are theirs then;
 * and besides what is said below they return
 *   BOUNCE_ERR_HOST  making: the IOMMU refused; nothing is mapped.
 *   BOUNCE_ERR_BUSY  making: its bounded retries are used up; the same.
 *   BOUNCE_ERR_LOST  making, or ending, which has happened all the same (what
 *                    the device wrote was copied): the IOMMU may still
 *                    translate. Slots and bus addresses are never used again;
 *                    and a buffer of whole pages that was mapped where it is
 *                    must never be used again by the caller either.
 * What ends a mapping returns after the IOMMU's flush.
 */
#ifndef BOUNCE_MAP_H
#define BOUNCE_MAP_H

#include <bounce/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One live mapping: the handle. Plain data that the caller keeps in private
 * memory, copies as it likes, never edits, and hands to exactly one
 * bounce_unmap() (or bounce_free()). Every bit of it is checked there.
 */
struct bounce_mapping {
	bounce_bus_t bus; /* what the device is told */
	uint64_t key; /* queue, and generation of the record */
	uint32_t record; /* index of the private record */
	uint32_t len; /* bytes */
	uint64_t reserved; /* zero */
};
BOUNCE_STATIC_ASSERT(sizeof(struct bounce_mapping) == 32, "part of the ABI");

/**
 * bounce_map() - let a device reach a private buffer.
 *
 * If the verdict is DIRECT, the buffer's address is translated and nothing is
 * copied. If it is BOUNCE, a run of shared slots is claimed. A device that
 * reads gets the buffer copied in; a device that only writes gets no private
 * byte, whatever the buffer held. Every other byte of the run is zero, or was
 * left there by a device of the same owner where it may be written anyway. A
 * buffer inside memory of bounce_alloc() is used where it is. Where the window
 * is dynamic and has bus addresses for own pages, DIRECT maps whole pages of
 * the buffer where they are and bounces the rest of it; without a whole page,
 * with ZERO, and without bus addresses left, all of it is bounced.
 *
 * @queue: the lane of the device that will do the access.
 * @buf: the buffer; readable (and writable, unless TO_DEVICE) until unmap.
 * @how: enum bounce_how bits; at least one direction.
 * @mapping: written on success only.
 *
 * Result: [bus, bus + len) is inside the device's window and mask, crosses no
 * multiple of boundary_mask + 1, and has the bits of @buf->gpa that
 * min_align_mask selects; the run begins at a multiple of alloc_align_mask + 1,
 * or of a slot's bytes when no mask says otherwise and @buf->len is a slot or
 * more.
 *
 * Context: see the head of this file. Cost: usually one compare-and-swap, two
 * atomic stores, and the copy.
 *
 * Ordering: the copy is done before any store that the caller orders after
 * this call with the CPU's write barrier, such as the ring's index.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG          NULL, length 0, wraps, bad @how, no pointer and not
 *                           in the linear map, or a buffer that lies partly in
 *                           a pool or in pool memory that nobody allocated.
 *   BOUNCE_ERR_RANGE        no run could ever hold it: above bounce_map_max().
 *   BOUNCE_ERR_FULL         not enough free slots now; or the device's quota
 *                           is used up, or config.direct is.
 *   BOUNCE_ERR_FRAGMENTED   enough free slots, but no run of them.
 *   BOUNCE_ERR_UNREACHABLE  no window reaches it; it must bounce, and no slab
 *                           of the pool is in reach (one that grows may be);
 *                           born-shared memory of another space's pool.
 *   BOUNCE_ERR_REFUSED      the verdict; bounce_device_verdict() says why.
 *   BOUNCE_ERR_STALE        the device is revoked, or was meanwhile.
 *   BOUNCE_ERR_DEAD         after bounce_mark_dead().
 *
 * Source: VIRTIO 1.2 section 6.1, VIRTIO_F_ACCESS_PLATFORM (why a copy is due).
 */
enum bounce_err bounce_map(struct bounce_queue *queue,
			   const struct bounce_buf *buf, uint32_t how,
			   struct bounce_mapping *mapping) BOUNCE_MUST_CHECK;

/**
 * bounce_unmap() - end a mapping; take what the device wrote.
 *
 * Copies the first @written bytes of a FROM_DEVICE or BIDIRECTIONAL mapping
 * back (all of it with ZERO or PRESERVE, unless @written is 0); bytes beyond
 * stay as they were. Then the run is released.
 *
 * @queue: a lane of the device that mapped it.
 * @mapping: as bounce_map() wrote it.
 * @written: bytes the device reports to have written, of this mapping; 0 ends
 *           it without a copy. 0 for TO_DEVICE.
 *
 * Context: see the head of this file; any CPU. If another CPU is inside a sync
 * of this mapping, that CPU releases the run when it leaves.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_LENGTH  @written is above the mapping's length (or not 0 for
 *                      TO_DEVICE): a lie. The mapping has ended, nothing was
 *                      copied, the run is released.
 *   BOUNCE_ERR_STALE   not a live mapping of this device: ended, forged,
 *                      foreign or damaged. Nothing changed.
 *   BOUNCE_ERR_ARG     a pointer is NULL.
 */
enum bounce_err bounce_unmap(struct bounce_queue *queue,
			     const struct bounce_mapping *mapping,
			     uint64_t written) BOUNCE_MUST_CHECK;

/**
 * bounce_sync_for_device() - give bytes that the CPU changed to the device.
 *
 * @queue: a lane of the device that mapped it.
 * @mapping: a live TO_DEVICE or BIDIRECTIONAL mapping.
 * @offset: first byte, from the mapping's start.
 * @len: bytes, 1 or more; @offset + @len is at most the mapping's length.
 *
 * Context: see the head of this file.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG    NULL, @len 0, outside the mapping, or a direction in
 *                     which the device does not read. Nothing copied.
 *   BOUNCE_ERR_STALE  as bounce_unmap().
 *   BOUNCE_ERR_BUSY   too many syncs of this mapping at once (8190).
 */
enum bounce_err bounce_sync_for_device(struct bounce_queue *queue,
				       const struct bounce_mapping *mapping,
				       uint64_t offset, uint64_t len)
	BOUNCE_MUST_CHECK;

/**
 * bounce_sync_for_cpu() - take bytes that the device wrote; it stays mapped.
 *
 * Name only bytes that the device reports to have written: others hold what a
 * device of the same owner left there.
 *
 * @queue: a lane of the device that mapped it.
 * @mapping: a live FROM_DEVICE or BIDIRECTIONAL mapping.
 * @offset: first byte, from the mapping's start.
 * @len: bytes, 1 or more; @offset + @len is at most the mapping's length.
 *
 * Context: see the head of this file.
 *
 * Return: as bounce_sync_for_device(), with the other direction.
 */
enum bounce_err bounce_sync_for_cpu(struct bounce_queue *queue,
				    const struct bounce_mapping *mapping,
				    uint64_t offset, uint64_t len)
	BOUNCE_MUST_CHECK;

/**
 * bounce_map_max() - the longest buffer that a device can map, bytes.
 *
 * Whatever the address of the buffer, this many bytes fit an empty pool. Where
 * the verdict is DIRECT: as many as can be mapped where they are; what the
 * device must not reach so bounces, and the pool decides.
 *
 * @device: the device.
 *
 * Context: any; lock-free.
 *
 * Return: bytes, at most a slab's; 0 when nothing can be mapped.
 */
uint64_t bounce_map_max(const struct bounce_device *device) BOUNCE_MUST_CHECK;

/**
 * bounce_alloc() - memory that is born shared: rings, descriptors, commands.
 *
 * Whole slots, zeroed. The device reads and writes it at any time: copy a
 * header out with bounce_snapshot() before judging it.
 *
 * @queue: a lane of the device.
 * @size: bytes, 1 .. bounce_map_max().
 * @align: of the bus address; a power of two up to a chunk; 0 stands for 1.
 * @limit: highest bus address allowed; 0: the device's mask alone. A ccw
 *         device's structures want 0x7fffffff.
 * @buf: written on success only: gpa, the CPU's address, length.
 * @mapping: written on success only: bus address, and the handle that
 *           bounce_free() wants.
 *
 * Context: see the head of this file.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG          NULL, size 0, or @align is no power of two.
 *   BOUNCE_ERR_RANGE        no slab could ever hold it, or @align is above a
 *                           chunk's bytes.
 *   BOUNCE_ERR_FULL, BOUNCE_ERR_FRAGMENTED, BOUNCE_ERR_UNREACHABLE,
 *   BOUNCE_ERR_REFUSED, BOUNCE_ERR_STALE, BOUNCE_ERR_DEAD  as bounce_map().
 */
enum bounce_err bounce_alloc(struct bounce_queue *queue, uint64_t size,
			     uint64_t align, uint64_t limit,
			     struct bounce_buf *buf,
			     struct bounce_mapping *mapping) BOUNCE_MUST_CHECK;

/**
 * bounce_free() - give born-shared memory back.
 *
 * @queue: a lane of the device that allocated it.
 * @mapping: as bounce_alloc() wrote it.
 *
 * Context: see the head of this file.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_BUSY   a mapping of it is live; or another CPU, which has found
 *                     config.direct used up, is just taking over the record
 *                     that stayed with it: again. Nothing changed.
 *   BOUNCE_ERR_STALE  not born-shared memory of this device; nothing changed.
 *   BOUNCE_ERR_ARG    a pointer is NULL.
 */
enum bounce_err bounce_free(struct bounce_queue *queue,
			    const struct bounce_mapping *mapping)
	BOUNCE_MUST_CHECK;

/* ---- lists ---- */

/* One segment of a request: a virtio chain has readable ones first. */
struct bounce_segment {
	struct bounce_buf buf;
	uint32_t how; /* enum bounce_how */
	/*
	 * Written by bounce_map_sg(): 1 when this segment was joined to the one
	 * before it: one run, one bus range, no mapping of its own.
	 */
	uint32_t joined;
	struct bounce_mapping mapping; /* written; its len covers joined ones */
};

/* Wishes for bounce_map_sg(). */
enum bounce_sg_flags {
	/* Segments that follow each other in memory, with the same `how`, share
	 * one run, as far as the device's limits allow. */
	BOUNCE_SG_JOIN = 1,
};

/**
 * bounce_map_sg() - map all segments of a request, or none.
 *
 * All runs are claimed before the first byte is copied, so that a failure
 * touches no shared byte.
 *
 * @queue: the lane of the device.
 * @segment: the segments; `mapping` and `joined` are written.
 * @count: how many, 1 ..
 * @flags: enum bounce_sg_flags.
 *
 * Context: see the head of this file. Bounded by @count times bounce_map(), or
 * twice that with BOUNCE_SG_JOIN: what fits only apart is mapped apart.
 *
 * Return: as bounce_map() of the first segment that fails; ERR_ARG also when
 * @count is 0 or a flag is unknown. Nothing is mapped then.
 */
enum bounce_err bounce_map_sg(struct bounce_queue *queue,
			      struct bounce_segment *segment, uint32_t count,
			      uint32_t flags) BOUNCE_MUST_CHECK;

/**
 * bounce_unmap_sg() - end all segments of a request.
 *
 * @written fills the device-writable segments in order, as virtio's used
 * length does.
 *
 * @queue: a lane of the device.
 * @segment: as bounce_map_sg() wrote them.
 * @count: how many.
 * @written: bytes the device reports, of all its writable segments.
 *
 * Context: see the head of this file.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_LENGTH  @written is above the sum of the writable segments: all
 *                      have ended, nothing was copied.
 *   BOUNCE_ERR_STALE   some were not live; the others have ended.
 *   BOUNCE_ERR_LOST    all have ended; see the head of this file.
 *   BOUNCE_ERR_ARG     a pointer is NULL or @count is 0; nothing changed.
 */
enum bounce_err bounce_unmap_sg(struct bounce_queue *queue,
				const struct bounce_segment *segment,
				uint32_t count, uint64_t written)
	BOUNCE_MUST_CHECK;

/**
 * bounce_map_list() - map one buffer as a short list of bus segments.
 *
 * For what is above bounce_map_max(), or when the pool is fragmented: the
 * buffer is cut into as few pieces as fit, each a segment; end them with
 * bounce_unmap_sg().
 *
 * @queue: the lane of the device.
 * @buf: the buffer; any length.
 * @how: as bounce_map().
 * @segment: written: the pieces, in order.
 * @count: in: entries at @segment, 1 ..; out: pieces used; unchanged on error.
 *
 * Context: see the head of this file.
 *
 * Return: as bounce_map(); ERR_RANGE also when @count pieces are too few.
 */
enum bounce_err bounce_map_list(struct bounce_queue *queue,
				const struct bounce_buf *buf, uint32_t how,
				struct bounce_segment *segment, uint32_t *count)
	BOUNCE_MUST_CHECK;

/* ---- producers that write in place ---- */

/**
 * bounce_reserve() - a scrubbed run that a producer writes straight into.
 *
 * For TLS, dm-crypt, checksums: what would be written to a private buffer and
 * copied, is written to the run. The host sees it while it is written.
 *
 * @queue: the lane of the device.
 * @len: bytes at most, 1 .. bounce_map_max().
 * @buf: written on success only: where to write.
 * @mapping: written on success only: for bounce_commit(), or bounce_free() to
 *           give it up. The device must not be told of it yet.
 *
 * Context: see the head of this file.
 *
 * Return: as bounce_alloc().
 */
enum bounce_err bounce_reserve(struct bounce_queue *queue, uint64_t len,
			       struct bounce_buf *buf,
			       struct bounce_mapping *mapping)
	BOUNCE_MUST_CHECK;

/**
 * bounce_commit() - what was written becomes a TO_DEVICE mapping.
 *
 * @queue: a lane of the device.
 * @mapping: of bounce_reserve(); rewritten on success: end it with
 *           bounce_unmap(@queue, @mapping, 0).
 * @len: bytes produced, 1 .. those reserved; what lies behind them is zeroed.
 *
 * Context: see the head of this file.
 *
 * Ordering: as bounce_map().
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG    a pointer is NULL, or @len is 0 or above the reserved.
 *   BOUNCE_ERR_STALE  not a reservation of this device, or it was revoked.
 *   BOUNCE_ERR_BUSY   as bounce_free().
 * In a dynamic window HOST, BUSY and LOST may also be the IOMMU's word. Then
 * the reservation has ended, which bounce_free() shows: it says STALE.
 */
enum bounce_err bounce_commit(struct bounce_queue *queue,
			      struct bounce_mapping *mapping, uint64_t len)
	BOUNCE_MUST_CHECK;

/**
 * bounce_mapping_find() - the live mapping that holds a bus address.
 *
 * For kernels that keep only a bus address. Read in private records. Where no
 * mapping holds it, but memory of bounce_alloc() does, that is found: its
 * handle is for bounce_free(), and STALE for an unmap.
 *
 * @queue: a lane of the device.
 * @bus: any address inside the mapping.
 * @mapping: written on success only.
 *
 * Context: any; lock-free. Cost: a look at each slab, then usually one record;
 * for a split slot or a DIRECT mapping, a look at the tables of those.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_STALE  no live mapping of this device holds it.
 *   BOUNCE_ERR_ARG    a pointer is NULL.
 */
enum bounce_err bounce_mapping_find(struct bounce_queue *queue,
				    bounce_bus_t bus,
				    struct bounce_mapping *mapping)
	BOUNCE_MUST_CHECK;

/**
 * bounce_snapshot() - copy from shared memory once, to judge the copy.
 *
 * @to: private memory.
 * @shared: in memory of bounce_alloc().
 * @len: bytes, may be 0.
 *
 * Context: any; wait-free.
 *
 * Ordering: the compiler neither repeats nor moves the reads past this call.
 */
void bounce_snapshot(void *to, const void *shared, size_t len);

/**
 * bounce_mapping_valid() - is this handle's mapping live?
 *
 * @queue: a lane of the device that mapped it.
 * @mapping: a handle.
 *
 * Context: any; lock-free; true may be out of date at once.
 *
 * Return: true when bounce_unmap(), or for memory of bounce_alloc()
 * bounce_free(), would not say STALE.
 */
bool bounce_mapping_valid(const struct bounce_queue *queue,
			  const struct bounce_mapping *mapping)
	BOUNCE_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
