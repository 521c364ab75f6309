/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * iommu.h - the contract of an IOMMU's backend, and the backends there are.
 *
 * A backend says what one call does; lib/iommu.c alone calls it and keeps the
 * order, the bounds, the retries and the way back. One interface serves static
 * windows, where a slab is mapped once, and dynamic ones, where each mapping is
 * (docs/design.md 6).
 */
#ifndef BOUNCE_IOMMU_H
#define BOUNCE_IOMMU_H

#include <bounce/arch.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a device may do through a translation. */
enum bounce_access {
	BOUNCE_ACCESS_READ = 1, /* the device reads memory */
	BOUNCE_ACCESS_WRITE = 2, /* the device writes memory */
};

/*
 * What may be wished of an IOMMU, beyond that it translates. One that cannot
 * honour a wish says so (info), and bounce_space_set_iommu() hands it back: a
 * wish never vanishes.
 */
enum bounce_iommu_attribute {
	/* What a device only reads, it cannot write. */
	BOUNCE_IOMMU_READ_ONLY = 1,
	/* What a device only writes, it cannot read. */
	BOUNCE_IOMMU_WRITE_ONLY = 2,
	/* Accesses snoop the CPUs' caches, whatever the device asks for. */
	BOUNCE_IOMMU_SNOOP = 4,
};

/*
 * One piece of a translation: bus.v .. bus.v + len - 1 reach gpa.v .. gpa.v +
 * len - 1. Whole I/O pages. Plain data, read during the call only.
 */
struct bounce_iommu_run {
	bounce_bus_t bus;
	bounce_gpa_t gpa;
	uint64_t len; /* bytes, not 0 */
	uint32_t access; /* enum bounce_access, not 0 */
	uint32_t reserved; /* zero */
};

/* Bus addresses that no translation may have: an interrupt window. */
struct bounce_iommu_range {
	bounce_bus_t first;
	bounce_bus_t last; /* inclusive */
};

#define BOUNCE_IOMMU_RANGES 4u /* at most */

/* What an IOMMU can do; constant while a space uses it, but for requests. */
struct bounce_iommu_info {
	uint64_t page_bytes; /* its smallest page: a power of two */
	bounce_bus_t first; /* the bus addresses that it translates */
	bounce_bus_t last; /* inclusive */
	uint32_t attributes; /* enum bounce_iommu_attribute that it honours */
	uint32_t ranges; /* entries of `range` that count */
	struct bounce_iommu_range range[BOUNCE_IOMMU_RANGES];
	uint64_t requests; /* made to the host since the backend's init */
	uint64_t reserved[3];
};

/*
 * A backend. Constant data, one per kind of IOMMU.
 *
 * Hooks are called by bounce_pool_grow/retire/fini, by the calls of a space and
 * by the end of everything; and by map, unmap, alloc and free where the window
 * is dynamic, then in those calls' contexts and on several CPUs at once. None
 * waits for the host without a bound: RETRY is the answer instead.
 *
 * @run: @count runs (1 ..), disjoint, whole pages inside info's bounds; often
 * adjacent on the bus. One request to the host serves many of them where the
 * interface allows it. Runs that were mapped in one call may be unmapped in
 * several, and the other way round.
 * @done: written always by map and unmap: bytes done, counted from the first
 * run's first byte through all of them; whole pages. It is checked: at most
 * what was asked for; DONE means all of it.
 */
struct bounce_iommu {
	const char *name; /* "power/tce" */

	/* info() - what it can do. Changes nothing. */
	void (*info)(void *ctx, struct bounce_iommu_info *info);

	/*
	 * map() - make runs reachable. DONE: all are. RETRY: ask again for what
	 * is behind @done. UNCHANGED and UNKNOWN: the runs may be mapped in
	 * part; lib/iommu.c unmaps all of them.
	 */
	enum bounce_step (*map)(void *ctx, const struct bounce_iommu_run *run,
				uint32_t count, uint64_t *done);

	/*
	 * unmap() - take runs out of reach: each is one or more that were
	 * mapped, whole, in part or not at all, which is no error. What counts
	 * is `bus` and `len`. DONE: each is known to be gone from the tables,
	 * the flush apart. RETRY as above. Else: it may still be there.
	 */
	enum bounce_step (*unmap)(void *ctx, const struct bounce_iommu_run *run,
				  uint32_t count, uint64_t *done);

	/*
	 * flush() - after unmap: nothing that the host remembers of the runs is
	 * left, and no access through them is on its way. DONE, RETRY (all of
	 * it), or anything else: not certain. NULL where unmap() means that.
	 */
	enum bounce_step (*flush)(void *ctx, const struct bounce_iommu_run *run,
				  uint32_t count);

	/*
	 * holds() - may a requester ID reach anything through these
	 * translations? bounce_topology_change() is BUSY while it may, so that
	 * an ID has left the IOMMU, what it remembers included, before another
	 * device has it. Changes nothing. NULL where IDs are not what it goes
	 * by.
	 */
	bool (*holds)(void *ctx, uint32_t requester);
};

/* How a space uses its IOMMU. */
enum bounce_translation_flags {
	/*
	 * Map and unmap with each mapping; an unprotected guest's own pages are
	 * mapped where they are, and only the parts of pages at a buffer's ends
	 * are bounced. So it is in bounce_map(), bounce_alloc() and what ends
	 * them that the IOMMU is called. Without it, slabs are mapped once, and
	 * nothing on the way of a mapping.
	 */
	BOUNCE_TRANSLATION_DYNAMIC = 1,
};

/* An IOMMU, and how a space is to use it: bounce_space_set_iommu(). */
struct bounce_translation {
	const struct bounce_iommu *iommu; /* outlives the space */
	void *ctx; /* handed to each hook, outlives the space */
	uint32_t flags; /* enum bounce_translation_flags */
	uint32_t attributes; /* wished for: enum bounce_iommu_attribute */
	/*
	 * DYNAMIC: bus addresses for the caller's own pages: whole chunks, not
	 * in a window of the space. Takes one of config.pools, and one of
	 * config.slabs for each config.slab_chunks chunks, for good. 0: none.
	 */
	bounce_bus_t own_bus;
	uint64_t own_len; /* bytes */
	uint64_t reserved[2]; /* zero */
};

#ifdef __cplusplus
}
#endif

#endif
