/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * device.h - requesters: attached to a space, judged by the policy, queued.
 */
#ifndef BOUNCE_DEVICE_H
#define BOUNCE_DEVICE_H

#include <bounce/space.h>
#include <bounce/topology.h>
#include <bounce/virtio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a device is attached. */
enum bounce_transport {
	BOUNCE_TRANSPORT_PCI = 0,
	BOUNCE_TRANSPORT_CCW = 1,
	BOUNCE_TRANSPORT_MMIO = 2,
};

/* What the embedder says of a device; never taken from the device. */
enum bounce_device_flags {
	BOUNCE_DEVICE_ATTESTED = 1, /* may reach private memory */
	BOUNCE_DEVICE_UNTRUSTED = 2, /* never with a page's other bytes */
	BOUNCE_DEVICE_PAGE_NUMBERS = 4, /* balloon, page reporting */
	BOUNCE_DEVICE_STRICT = 8, /* refuse without ACCESS_PLATFORM */
	BOUNCE_DEVICE_CCW_DECLINE = 16, /* decline ACCESS_PLATFORM on ccw */
	BOUNCE_DEVICE_FORCE = 32, /* bounce in any case */
	BOUNCE_DEVICE_POOL_FAILED = 64, /* its restricted pool is not there */
	BOUNCE_DEVICE_ALONE = 128, /* shares its requester ID with nobody */
	/* How its DMA meets caches; neither: it always snoops. */
	BOUNCE_DEVICE_NON_COHERENT = 256, /* it never snoops */
	BOUNCE_DEVICE_NO_SNOOP = 512, /* it snoops or not, as it likes */
};

/*
 * A device's facts and limits. Each mask is 2^n - 1; 0 stands for "no limit"
 * in dma_mask and boundary_mask, and for "none" in the other two.
 */
struct bounce_device_info {
	struct bounce_space *space;
	uint64_t features; /* offered, as read from the device */
	uint64_t dma_mask; /* highest bus address it can send */
	uint64_t boundary_mask; /* no mapping crosses a multiple of this + 1 */
	uint64_t min_align_mask; /* bits in which bus and buffer agree */
	uint64_t alloc_align_mask; /* bits that are 0 at the run's start;
				    * at most a chunk less one */
	uint64_t segment_bytes; /* longest mapping; 0: no limit */
	uint32_t flags; /* enum bounce_device_flags */
	uint16_t requester; /* bus << 8 | devfn, or subchannel number; not
			     * looked at where there is a function */
	uint16_t owner; /* whose bytes, below 0xf000; 0: a tag of its own */
	uint8_t transport; /* enum bounce_transport */
	uint8_t reserved0; /* zero */
	uint16_t queues; /* lanes, 1 ..; 0 stands for 1 */
	uint32_t quota; /* most bytes of slots and granules it may hold; 0: no
			 * quota, and no counter is touched */
	struct bounce_function *function; /* where it stands, or NULL */
	uint32_t reserved[2]; /* zero */
};
BOUNCE_STATIC_ASSERT(sizeof(struct bounce_device_info) == 88,
		     "part of the ABI");

/*
 * Size classes of mappings, by the bytes that were asked for: they are what a
 * pool's units are (granules of a slot, slots of a chunk, whole chunks), and
 * do not tell how large a run was in the end.
 */
enum bounce_size {
	BOUNCE_SIZE_SMALL = 0, /* 1 .. 2048: granules, while blocks are left */
	BOUNCE_SIZE_SLOT = 1, /* .. 4096: one slot */
	BOUNCE_SIZE_SHORT = 2, /* .. 32 KiB: 2 to 8 slots */
	BOUNCE_SIZE_LONG = 3, /* .. 128 KiB: 9 to 32 slots */
	BOUNCE_SIZE_WHOLE = 4, /* .. 256 KiB: 33 to 64 slots */
	BOUNCE_SIZE_LARGE = 5, /* above: chunks of a slab */
	BOUNCE_SIZES = 6, /* how many there are */
};

/*
 * Counters; exact when no call of the device is in progress. Each failure
 * counts once, by its cause, and in the class of what was asked for: of a list
 * all its bytes, of a handle the length that it claims, and SMALL where nobody
 * said a length. bounce_map_list() asks for smaller pieces when it must, and
 * none of that counts.
 */
struct bounce_device_stats {
	uint64_t maps; /* mappings made */
	uint64_t unmaps; /* of those, ended by an unmap */
	uint64_t bytes_to; /* copied towards the device */
	uint64_t bytes_from; /* copied from the device */
	uint64_t refused_lengths; /* BOUNCE_ERR_LENGTH */
	uint64_t stale; /* BOUNCE_ERR_STALE */
	uint64_t full; /* BOUNCE_ERR_FULL */
	uint64_t fragmented; /* BOUNCE_ERR_FRAGMENTED */
	uint64_t other; /* every other error of the I/O path */
	uint64_t reserved[3];
};

/**
 * bounce_device_attach() - a device is there; may it be used, and how?
 *
 * @bounce: the instance.
 * @info: facts and limits; copied.
 * @device: written on success only; lives in the instance's memory.
 * @answer: what to accept of the offered features, the verdict and the reason;
 *          written also on BOUNCE_ERR_REFUSED. May be NULL.
 *
 * A device of a function without a requester ID (a bridge above has no number
 * yet) is attached, and refused at each mapping until it has one.
 *
 * Context: not from interrupt level; serialised with the other init, attach
 * and detach calls of this instance, and with those of the topology, by the
 * caller.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG          NULL, a mask that is not 2^n - 1, an alignment
 *                           above a chunk, an unknown flag or transport,
 *                           NON_COHERENT and NO_SNOOP, an @info->owner that is
 *                           the library's to give, a space or function that
 *                           is another instance's or has ended, a reserved
 *                           word.
 *   BOUNCE_ERR_FULL         config.devices or config.queues are used up.
 *   BOUNCE_ERR_REFUSED      the policy's verdict; @answer->why says why: also
 *                           when its requester ID is that of a device in
 *                           another space, or its DMA does not meet caches as
 *                           the space's class says.
 *   BOUNCE_ERR_UNREACHABLE  it must bounce, and no slab of the pool is inside
 *                           its window and mask.
 *   BOUNCE_ERR_BUSY         its function is in a change.
 *   BOUNCE_ERR_DEAD         after bounce_mark_dead().
 *
 * Source: docs/design.md 7.
 */
enum bounce_err bounce_device_attach(struct bounce *bounce,
				     const struct bounce_device_info *info,
				     struct bounce_device **device,
				     struct bounce_negotiation *answer)
	BOUNCE_MUST_CHECK;

/**
 * bounce_space_accepts() - would a space take a device, and if not, why?
 *
 * What bounce_device_attach() would say now, but for BOUNCE_ERR_FULL; changes
 * nothing. A device that may choose not to snoop fits a SNOOPED space only
 * where the space's IOMMU was asked to force snooping, and honours it.
 *
 * @space: the space.
 * @info: facts and limits; its `space` is not looked at.
 * @why: as bounce_device_attach() writes it. May be NULL.
 *
 * Context: as bounce_device_attach().
 *
 * Return: as bounce_device_attach(), never BOUNCE_ERR_FULL.
 *
 * Source: docs/design.md 6.
 */
enum bounce_err bounce_space_accepts(const struct bounce_space *space,
				     const struct bounce_device_info *info,
				     struct bounce_negotiation *why)
	BOUNCE_MUST_CHECK;

/**
 * bounce_device_features_rejected() - FEATURES_OK did not stick.
 *
 * From now on the verdict is REFUSE with that reason, for every mapping, until
 * bounce_device_negotiate().
 *
 * @device: the device.
 *
 * Context: any; one store.
 */
void bounce_device_features_rejected(struct bounce_device *device);

/**
 * bounce_device_verdict() - what holds for a device now, and why.
 *
 * @device: the device.
 * @verdict: written always: the verdict for a whole, reachable page.
 *
 * Context: any; lock-free.
 */
void bounce_device_verdict(const struct bounce_device *device,
			   struct bounce_verdict *verdict);

/**
 * bounce_device_queue() - a lane of a device.
 *
 * A lane holds a hint and counters. A shared or wrong one costs speed only:
 * firmware with one CPU uses queue 0 for everything.
 *
 * @device: the device.
 * @index: 0 .. info.queues - 1.
 *
 * Context: any; pure.
 *
 * Return: the queue, or NULL when @index is out of range.
 */
struct bounce_queue *bounce_device_queue(struct bounce_device *device,
					 uint32_t index);

/**
 * bounce_queue_set_home() - which NUMA node a lane's CPU is on.
 *
 * It claims from slabs of that node while there is room in them. Node 0 until
 * it is said otherwise; a wrong one costs speed only.
 *
 * @queue: the lane.
 * @node: the embedder's number, as bounce_pool_grow_home() was told.
 *
 * Context: any; one store. Cheapest before the lane's first mapping.
 */
void bounce_queue_set_home(struct bounce_queue *queue, uint8_t node);

/**
 * bounce_device_stats() - sum the counters of a device's queues.
 *
 * @device: the device.
 * @stats: written always.
 *
 * Context: any; lock-free; a snapshot, exact while nothing is being mapped or
 * unmapped. Cost: reads all records.
 */
void bounce_device_stats(const struct bounce_device *device,
			 struct bounce_device_stats *stats);

/**
 * bounce_queue_stats() - the counters of one lane.
 *
 * @queue: the lane, of a device that is attached.
 * @stats: written always.
 *
 * Context: any; lock-free; a snapshot.
 */
void bounce_queue_stats(const struct bounce_queue *queue,
			struct bounce_device_stats *stats);

/**
 * bounce_device_size_stats() - a device's counters of one size class.
 *
 * Those of all classes add up to what bounce_device_stats() says.
 *
 * @device: the device.
 * @size: enum bounce_size; anything else counts nothing.
 * @stats: written always.
 *
 * Context: any; lock-free; a snapshot.
 */
void bounce_device_size_stats(const struct bounce_device *device,
			      enum bounce_size size,
			      struct bounce_device_stats *stats);

/**
 * bounce_device_revoke() - the device is to be reset or is gone: end it all.
 *
 * Every mapping and all born-shared memory of the device end now; their runs
 * go into quarantine, since the device may still write there. Every later
 * unmap, sync and free of them is STALE and copies nothing, and so is every
 * map until bounce_device_quiesced(). A buffer that the device uses where it is
 * (DIRECT) is within its reach until then, and not to be used for anything
 * else.
 *
 * @device: the device. Calling it twice is harmless.
 *
 * Context: any CPU, beside the I/O path; lock-free. Cost: reads all records.
 *
 * Ordering: no mapping that was made before, or that is being made now,
 * survives: the map that loses returns BOUNCE_ERR_STALE.
 */
void bounce_device_revoke(struct bounce_device *device);

/**
 * bounce_device_quiesced() - the device can no longer reach anything.
 *
 * Call it when the reset is confirmed, or when the IOMMU has unmapped and
 * flushed. The quarantined runs are released; the device may map again.
 *
 * @device: a revoked device.
 *
 * Context: as bounce_device_attach(); beside the I/O path of other devices.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG   the device was not revoked.
 *   BOUNCE_ERR_BUSY  a CPU is inside a sync or unmap of one of the mappings,
 *                    or another device's mapping of its born-shared memory is
 *                    live; what was released stays released: call again.
 *   BOUNCE_ERR_LOST  quiesced; but a dynamic window's IOMMU may still translate
 *                    some of it, which is never used again.
 */
enum bounce_err bounce_device_quiesced(struct bounce_device *device)
	BOUNCE_MUST_CHECK;

/**
 * bounce_device_stop() - the device sends nothing until it is started.
 *
 * The caller's word, for bounce_topology_change(). Mappings may be made, used
 * and ended meanwhile.
 *
 * @device: the device, reset or idle, with nothing left that it may begin.
 *
 * Context: as bounce_device_attach().
 */
void bounce_device_stop(struct bounce_device *device);

/**
 * bounce_device_start() - may the device send again?
 *
 * @device: a stopped device.
 *
 * Context: as bounce_device_attach().
 *
 * Return:
 *   BOUNCE_OK           it may.
 *   BOUNCE_ERR_BUSY     its function is in a change: it stays stopped.
 *   BOUNCE_ERR_REFUSED  it has no requester ID, or that of a device in another
 *                       space: bounce_device_verdict() says which.
 */
enum bounce_err bounce_device_start(struct bounce_device *device)
	BOUNCE_MUST_CHECK;

/**
 * bounce_device_negotiate() - negotiate again, after a reset or a new epoch.
 *
 * @device: the device, reset, without live mappings.
 * @features: offered now, as read.
 * @answer: as in bounce_device_attach(); may be NULL.
 *
 * Context: as bounce_device_attach().
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_BUSY         a mapping or born-shared memory is live, or still
 *                           in quarantine.
 *   BOUNCE_ERR_REFUSED      the verdict; every map is refused.
 *   BOUNCE_ERR_UNREACHABLE  as bounce_device_attach().
 */
enum bounce_err bounce_device_negotiate(struct bounce_device *device,
					uint64_t features,
					struct bounce_negotiation *answer)
	BOUNCE_MUST_CHECK;

/**
 * bounce_device_detach() - a device is gone; it was reset before.
 *
 * @device: the device; gone on success.
 *
 * Context: as bounce_device_attach(); no map of this device in progress.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG   NULL, or not attached.
 *   BOUNCE_ERR_BUSY  it has live mappings or born-shared memory (unmap, free),
 *                    or some in quarantine (bounce_device_quiesced()).
 */
enum bounce_err bounce_device_detach(struct bounce_device *device)
	BOUNCE_MUST_CHECK;

/**
 * bounce_device_valid() - check the device's invariants.
 *
 * @device: the device.
 *
 * Context: no other call in progress.
 *
 * Return: true when limits, queues and counters agree.
 */
bool bounce_device_valid(const struct bounce_device *device) BOUNCE_MUST_CHECK;

/**
 * bounce_queue_valid() - check a lane's invariants.
 *
 * @queue: the lane, of a device that is attached.
 *
 * Context: no other call in progress.
 *
 * Return: true when the lane and its device know each other.
 */
bool bounce_queue_valid(const struct bounce_queue *queue) BOUNCE_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
