/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * pool.h - pools of shared slots: made, grown by slabs, retired, counted.
 *
 * These are the cold calls: they may take long and call the monitor. Calls on
 * different slabs may run at once on several CPUs, and beside the I/O path.
 */
#ifndef BOUNCE_POOL_H
#define BOUNCE_POOL_H

#include <bounce/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a pool is for its whole life. */
struct bounce_pool_info {
	/* Slab indices it takes from config.slabs, 1 ..; they do not come back
	 * when it ends, for an index keeps its range for life. */
	uint16_t slabs;
	uint16_t flags; /* zero */
	/* Chunks of each slab, the last ones, that only URGENT mappings use:
	 * fewer than the slab has, or the slab does not grow. */
	uint16_t urgent_chunks;
	/* Watermarks for env.pressure, percent of the chunks in use: on at
	 * `high`, off at `low` or below; 0 and 0: no pressure call. */
	uint8_t high;
	uint8_t low;
	uint32_t coherency; /* enum bounce_coherency, of all its spaces */
	uint32_t reserved; /* zero */
};

/* A snapshot; each number is exact when no call is in progress. */
struct bounce_pool_stats {
	uint32_t slabs; /* slabs that slots are claimed from */
	uint32_t chunks; /* in those slabs */
	uint32_t chunks_in_use; /* not wholly free */
	uint32_t chunks_high_water; /* most ever in use, within an eighth */
	uint64_t slots; /* in those slabs */
	uint64_t slots_free; /* unclaimed, splits not counted as free */
	uint32_t blocks_free; /* of the instance, for small requests */
	uint32_t reserved0;
	uint64_t share_calls; /* calls made to the monitor, both ways */
	uint64_t share_retries; /* of those, asked again */
	uint64_t lost_bytes; /* pages that are LOST: gone for ever */
	uint64_t reserved[4];
};

/**
 * bounce_pool_init() - make an empty pool.
 *
 * @bounce: the instance.
 * @info: its size; copied.
 * @pool: written on success only; lives in the instance's memory.
 *
 * Context: not from interrupt level; serialised with the other init and fini
 * calls of this instance by the caller.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG   a pointer is NULL, no slabs, a reserved word is set, or
 *                    a class that is unknown, or needs env.cache.
 *   BOUNCE_ERR_FULL  config.pools or config.slabs are used up.
 */
enum bounce_err bounce_pool_init(struct bounce *bounce,
				 const struct bounce_pool_info *info,
				 struct bounce_pool **pool) BOUNCE_MUST_CHECK;

/**
 * bounce_pool_grow() - share a range of pages and make slots of it.
 *
 * The order is: zero, share, verify where the ABI allows, publish. Whatever
 * request to the monitor fails, what came before is unshared again. A range
 * that was retired from this pool may be grown again; it keeps its index.
 *
 * @pool: the pool.
 * @gpa: first byte; aligned to a chunk's bytes or to the arch's share granule,
 *       whichever is more, and best to 2 MiB.
 * @len: bytes; whole chunks, 1 .. config.slab_chunks of them, and whole share
 *       granules. The range must be in one range of env's linear map, and is
 *       the library's until bounce_pool_retire().
 *
 * Context: not from interrupt level; may run beside the I/O path and beside
 * grow and retire of other ranges. Calls the monitor and env.set_shared.
 *
 * Ordering: every slot's first use happens after the whole range was shared.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG   no pool, or one that has ended; misaligned, empty, wraps,
 *                    too large or, with chunks kept for URGENT, too small; not
 *                    in the linear map, or overlaps a slab or the instance's
 *                    own memory.
 *   BOUNCE_ERR_FULL  the pool has no slab index left.
 *   BOUNCE_ERR_HOST  the monitor refused, or nobody knows whether memory is
 *                    protected; every page is private again, and the range is
 *                    the caller's.
 *   BOUNCE_ERR_BUSY  bounded retries used up; as ERR_HOST.
 *   BOUNCE_ERR_LOST  refused, and some pages could not be taken back: they
 *                    are counted, must never hold private data again, and the
 *                    whole range stays with the library.
 *   BOUNCE_ERR_DEAD  after bounce_mark_dead().
 *
 * Source: docs/design.md 8; the arch's own file for the ABI.
 */
enum bounce_err bounce_pool_grow(struct bounce_pool *pool, bounce_gpa_t gpa,
				 uint64_t len) BOUNCE_MUST_CHECK;

/**
 * bounce_pool_grow_home() - as bounce_pool_grow(), of memory of a NUMA node.
 *
 * Queues of that node (bounce_queue_set_home()) claim from the slab before they
 * claim from others: a preference, never a reason to fail.
 *
 * @pool: as there, and so are
 * @gpa: and
 * @len: and all the rest.
 * @node: the embedder's number of the node; bounce_pool_grow() says 0. A range
 *        that was retired and is grown again keeps the node that it had.
 *
 * Context: as bounce_pool_grow().
 *
 * Return: as bounce_pool_grow().
 */
enum bounce_err bounce_pool_grow_home(struct bounce_pool *pool,
				      bounce_gpa_t gpa, uint64_t len,
				      uint8_t node) BOUNCE_MUST_CHECK;

/**
 * bounce_pool_retire() - take a slab out of a pool and make its pages private.
 *
 * Works only while no slot of it is claimed. The order is: no more claims,
 * unshare, scrub, give back.
 *
 * @pool: the pool.
 * @gpa: the address it was grown with.
 *
 * Context: as bounce_pool_grow().
 *
 * Return:
 *   BOUNCE_OK        every page is private and zero; the range is the caller's.
 *   BOUNCE_ERR_ARG   no slab of this pool begins there.
 *   BOUNCE_ERR_BUSY  a slot is claimed, or another CPU is at this slab.
 *   BOUNCE_ERR_LOST  some pages could not be unshared for certain: they are
 *                    counted, and the whole range stays with the library.
 */
enum bounce_err bounce_pool_retire(struct bounce_pool *pool, bounce_gpa_t gpa)
	BOUNCE_MUST_CHECK;

/**
 * bounce_pool_fini() - retire all slabs and end a pool.
 *
 * May be called again after an error: what was done stays done.
 *
 * @pool: the pool; gone on BOUNCE_OK and on BOUNCE_ERR_LOST.
 *
 * Context: no call on this pool in progress; not from interrupt level.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG   NULL, or it has ended before.
 *   BOUNCE_ERR_BUSY  a slot is claimed or a space uses the pool.
 *   BOUNCE_ERR_LOST  ended, but pages stay shared: see bounce_pool_retire().
 */
enum bounce_err bounce_pool_fini(struct bounce_pool *pool) BOUNCE_MUST_CHECK;

/**
 * bounce_pool_stats() - count what is there.
 *
 * @pool: the pool.
 * @stats: written always.
 *
 * Context: any; lock-free; a snapshot while others work. Cost: one pass over
 * the pool's words.
 */
void bounce_pool_stats(const struct bounce_pool *pool,
		       struct bounce_pool_stats *stats);

/**
 * bounce_pool_pressure() - compare the pool with its watermarks.
 *
 * Calls env.pressure() when the pool has crossed a watermark since the last
 * call: for the embedder's own waiting or growth. From a timer, an idle loop,
 * or after BOUNCE_ERR_FULL, but not from inside the I/O path.
 *
 * @pool: the pool.
 *
 * Context: any in which env.pressure may be called; lock-free but for it.
 *
 * Return: true while the pool is under pressure.
 */
bool bounce_pool_pressure(struct bounce_pool *pool);

/**
 * bounce_pool_valid() - check the pool's invariants.
 *
 * @pool: the pool.
 *
 * Context: no other call in progress.
 *
 * Return: true when P1 .. of lib/pool.h hold.
 */
bool bounce_pool_valid(const struct bounce_pool *pool) BOUNCE_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
