/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * iommu.h - the only door to an IOMMU's backend: all or nothing, in order,
 * within bounds.
 *
 *   I1  A call that fails in the middle takes back all that it had mapped,
 *       unmap and flush, before it says so. What could not be taken back for
 *       certain is LOST, and so are the pages behind it.
 *   I2  A run is out of reach only when unmap and flush both said so.
 *   I3  Retries are bounded: each call of a hook brings pages, or counts (S6).
 *       Numbers that come back are checked; a contradiction counts as UNKNOWN.
 *   I4  A slab that is READY is mapped in every space of its pool that has an
 *       IOMMU, a static window, and the slab in it: from before its first slot
 *       can be claimed until after its last was withdrawn.
 */
#ifndef LIB_IOMMU_H
#define LIB_IOMMU_H

#include <bounce/iommu.h>

struct bounce_pool;
struct bounce_slab;
struct bounce_space;

/* Calls without progress before a hook is given up. */
#define IOMMU_RETRIES 64u

/* Both ways. */
#define IOMMU_BOTH ((uint32_t)(BOUNCE_ACCESS_READ | BOUNCE_ACCESS_WRITE))

/*
 * bounce_iommu_map() - map @count disjoint runs, or none.
 *
 * Return: OK. ERR_HOST, ERR_BUSY: nothing is mapped. ERR_LOST: I1.
 */
enum bounce_err bounce_iommu_map(struct bounce_space *space,
				 const struct bounce_iommu_run *run,
				 uint32_t count);

/*
 * bounce_iommu_unmap() - unmap and flush; also what was mapped in part.
 *
 * Return: OK, or ERR_LOST: some of it may still be reached.
 */
enum bounce_err bounce_iommu_unmap(struct bounce_space *space,
				   const struct bounce_iommu_run *run,
				   uint32_t count);

/*
 * The same in steps. bounce_iommu_put(): OK; else some of it may be mapped.
 * bounce_iommu_take(): is all of it gone for certain (I2)? What may not be, is
 * not counted as lost: the caller asks for each by itself.
 */
enum bounce_err bounce_iommu_put(struct bounce_space *space,
				 const struct bounce_iommu_run *run,
				 uint32_t count);
bool bounce_iommu_take(struct bounce_space *space,
		       const struct bounce_iommu_run *run, uint32_t count);

/*
 * bounce_iommu_open() - map a slab, whose bus[] are set, in every space of its
 * pool (I4), or in none. bounce_iommu_close() - the way back.
 *
 * Return: as the two above.
 */
enum bounce_err bounce_iommu_open(struct bounce_pool *pool,
				  struct bounce_slab *slab);
enum bounce_err bounce_iommu_close(struct bounce_pool *pool,
				   struct bounce_slab *slab);

/* A space ends: its IOMMU forgets all slabs. OK, or ERR_LOST: those slabs are
 * never given back. */
enum bounce_err bounce_iommu_leave(struct bounce_space *space);

/* May a requester ID reach anything through a space's IOMMU, if that knows? */
bool bounce_iommu_holds(const struct bounce_space *space, uint32_t requester);

/* What info() says now; untouched without an IOMMU. */
void bounce_iommu_ask(const struct bounce_space *space,
		      struct bounce_iommu_info *info);

/* Does an IOMMU translate [@bus, +@len)? And a space's, if there is one? */
bool bounce_iommu_translates(const struct bounce_iommu_info *iommu,
			     uint64_t bus, uint64_t len);
bool bounce_iommu_reaches(const struct bounce_space *space, uint64_t bus,
			  uint64_t len);

#endif
