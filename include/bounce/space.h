/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * space.h - I/O address spaces: through which windows a device sees memory,
 * and which pool its bounce slots come from.
 */
#ifndef BOUNCE_SPACE_H
#define BOUNCE_SPACE_H

#include <bounce/iommu.h>
#include <bounce/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Attributes of a window. */
enum bounce_window_flags {
	/*
	 * Untranslated access that bypasses the bus's DMA path: what a virtio
	 * device uses that did not offer ACCESS_PLATFORM. Without it the
	 * window is the bus's own path.
	 */
	BOUNCE_WINDOW_BYPASS = 1,
	/* An IOMMU stands in the way: only what it maps is reached. */
	BOUNCE_WINDOW_TRANSLATED = 2,
};

/*
 * A range of bus addresses through which a space reaches guest-physical ones:
 * bus.v .. bus.v + len - 1 reach gpa.v .. gpa.v + len - 1. All three are
 * multiples of a slot's bytes; len 0 stands for 2^64 less both bases' excess,
 * that is "to the end".
 */
struct bounce_window {
	bounce_bus_t bus;
	bounce_gpa_t gpa;
	uint64_t len; /* bytes */
	uint32_t flags; /* enum bounce_window_flags */
	uint32_t reserved; /* zero */
};

/**
 * bounce_space_init() - make a space without windows.
 *
 * @bounce: the instance.
 * @pool: where bounce slots come from, or NULL: no device of it can bounce. The
 *        space is of the pool's coherency class, or SNOOPED without a pool.
 * @space: written on success only.
 *
 * Context: not from interrupt level; serialised with the other init and fini
 * calls, and with bounce_pool_grow() of @pool, by the caller.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG   a pointer is NULL, or @pool is another instance's, or has
 *                    ended.
 *   BOUNCE_ERR_FULL  config.spaces are used up.
 */
enum bounce_err bounce_space_init(struct bounce *bounce,
				  struct bounce_pool *pool,
				  struct bounce_space **space)
	BOUNCE_MUST_CHECK;

/**
 * bounce_space_set_coherency() - say whether caches see the space's DMA.
 *
 * Classes never share a pool: where there is one, its class is the space's, and
 * this call only asks whether it is the one that was meant.
 *
 * @space: a space that no device is attached to yet.
 * @coherency: enum bounce_coherency.
 *
 * Context: as bounce_space_init().
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG      unknown, or not SNOOPED and there is no env.cache.
 *   BOUNCE_ERR_BUSY     a device is attached, or an IOMMU was set.
 *   BOUNCE_ERR_REFUSED  its pool is of another class.
 *
 * Source: docs/design.md 6.
 */
enum bounce_err bounce_space_set_coherency(struct bounce_space *space,
					   uint32_t coherency)
	BOUNCE_MUST_CHECK;

/**
 * bounce_space_add_window() - append a window; the first that fits is used.
 *
 * @space: a space that no device is attached to yet.
 * @window: copied.
 *
 * Context: as bounce_space_init().
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG   misaligned, wraps on either side, overlaps a window of
 *                    the same path on the bus side, or a reserved bit is set.
 *   BOUNCE_ERR_FULL  config.windows are used up.
 *   BOUNCE_ERR_BUSY  a device is attached, or an IOMMU was set.
 */
enum bounce_err bounce_space_add_window(struct bounce_space *space,
					const struct bounce_window *window)
	BOUNCE_MUST_CHECK;

/**
 * bounce_space_set_iommu() - an IOMMU translates; the library drives it.
 *
 * Without this call the space's TRANSLATED windows are the embedder's to fill.
 * With it, every slab of the pool that such a window holds is mapped now, and
 * each one that grows later is mapped before its first slot is claimed; no call
 * is made on the way of a mapping, and buffers that no other window reaches
 * bounce. With BOUNCE_TRANSLATION_DYNAMIC no slab is mapped, and each mapping
 * is, while it lives. One switch: nothing else of the space or its devices is
 * different.
 *
 * A domain of the IOMMU belongs to one space: two spaces of one pool that drive
 * the same tables would map each slab twice.
 *
 * @space: a space with its windows, and without a device.
 * @translation: the backend, and how to use it; copied.
 * @unhonoured: written on success: the wishes (enum bounce_iommu_attribute)
 *              that this IOMMU cannot honour. May be NULL when none is made.
 *
 * Context: as bounce_space_init(). Calls the backend.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG    NULL, a hook is missing, an unknown flag or reserved
 *                     word; the IOMMU's page is no power of two, or more than
 *                     a chunk (DYNAMIC: than a slot), or a TRANSLATED window
 *                     is not a multiple of it away from its memory.
 *   BOUNCE_ERR_BUSY   a device is attached, the space has one already, or the
 *                     backend's bounded retries are used up.
 *   BOUNCE_ERR_FULL   DYNAMIC: config.pools or config.slabs are used up.
 *   BOUNCE_ERR_HOST   the IOMMU refused; nothing is mapped.
 *   BOUNCE_ERR_LOST   it refused, and what was mapped before that may still
 *                     be: the slabs concerned are never given back.
 *
 * Source: docs/design.md 6.
 */
enum bounce_err bounce_space_set_iommu(
	struct bounce_space *space,
	const struct bounce_translation *translation, uint32_t *unhonoured)
	BOUNCE_MUST_CHECK;

/* What a space is. Counters are exact while no call is in progress. */
struct bounce_space_info {
	uint32_t windows; /* bounce_space_window() has them */
	uint32_t flags; /* enum bounce_translation_flags */
	uint32_t unhonoured; /* wishes that the IOMMU cannot honour */
	uint32_t translated; /* 1: an IOMMU was set, and `iommu` is written */
	struct bounce_iommu_info iommu;
	/* Calls of the backend's hooks, and bytes that they were about. */
	uint64_t map_calls;
	uint64_t unmap_calls;
	uint64_t flush_calls;
	uint64_t mapped_bytes; /* ever mapped */
	uint64_t lost_bytes; /* whose removal could not be confirmed */
	uint32_t coherency; /* enum bounce_coherency */
	uint32_t line_bytes; /* what runs are multiples of; 0: SNOOPED */
	uint64_t reserved[3];
};

/**
 * bounce_space_info() - what a space is, and what its IOMMU has done.
 *
 * @space: the space.
 * @info: written always.
 *
 * Context: any in which the backend's info() may be called; changes nothing.
 */
void bounce_space_info(const struct bounce_space *space,
		       struct bounce_space_info *info);

/**
 * bounce_space_window() - one of a space's windows, in the order of use.
 *
 * @space: the space.
 * @index: 0 .. info.windows - 1.
 * @window: written on success only.
 *
 * Context: any; pure.
 *
 * Return: false when there are not that many.
 */
bool bounce_space_window(const struct bounce_space *space, uint32_t index,
			 struct bounce_window *window) BOUNCE_MUST_CHECK;

/**
 * bounce_space_fini() - end a space; its IOMMU forgets the pool's slabs.
 *
 * @space: the space.
 *
 * Context: as bounce_space_init().
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG   NULL, or it has ended before.
 *   BOUNCE_ERR_BUSY  a device is attached; nothing changed.
 *   BOUNCE_ERR_LOST  ended, but the IOMMU may still translate some slabs,
 *                    which are never given back.
 */
enum bounce_err bounce_space_fini(struct bounce_space *space) BOUNCE_MUST_CHECK;

/**
 * bounce_space_valid() - check the space's invariants.
 *
 * @space: the space.
 *
 * Context: no other call in progress.
 *
 * Return: true when the windows are disjoint and aligned, and the pool is of
 * the space's class.
 */
bool bounce_space_valid(const struct bounce_space *space) BOUNCE_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
