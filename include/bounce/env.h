/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * env.h - what the embedder supplies, and how much of everything there is.
 */
#ifndef BOUNCE_ENV_H
#define BOUNCE_ENV_H

#include <bounce/arch.h>
#include <bounce/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Alignment of the memory given to bounce_init(), bytes: Z's cache line. */
#define BOUNCE_META_ALIGN 256u
#define BOUNCE_LINEAR_RANGES 4 /* in env.linear, at most */

/*
 * One stretch of the embedder's linear map: gpa <-> pointer is arithmetic.
 * [gpa, gpa + len) is at [ptr, ptr + len); ptr is not NULL, so an identity map
 * leaves out its first page. An entry with len 0 ends the list.
 */
struct bounce_linear {
	bounce_gpa_t gpa;
	unsigned char *ptr;
	uint64_t len; /* bytes */
};

/*
 * Cache maintenance, for spaces that are not SNOOPED. Called by lib/cache.c
 * alone, from map, unmap, sync, alloc and commit of such a space, in their
 * contexts, on several CPUs at once; never for a SNOOPED space. Constant data.
 * [@cpu, +@len) need not be whole lines: all that have a byte in it count.
 */
struct bounce_cache {
	uint32_t line_bytes; /* longest line: a power of two, at most a slot */
	uint32_t reserved; /* zero */
	/* clean() - when it returns, memory holds what the CPUs stored. */
	void (*clean)(void *ctx, const void *cpu, uint64_t len);
	/*
	 * invalidate() - clean, and drop the lines: when it returns, the next
	 * load comes from memory. A line is written back before it is dropped,
	 * or the zeroes that hide old bytes could be lost: DC CIVAC and not DC
	 * IVAC, CBO.FLUSH and not CBO.INVAL, DCBF, CLFLUSH.
	 */
	void (*invalidate)(void *ctx, const void *cpu, uint64_t len);
};

/*
 * The embedder. Copied by bounce_init(); what it points to must outlive the
 * instance. No hook is called by the I/O path (map, unmap, sync, alloc, free),
 * but those of `cache`, where a space is not SNOOPED, and relax(), where its
 * window is dynamic.
 */
struct bounce_env {
	void *ctx; /* handed to each hook, never looked at */

	/* The linear map. A pool's memory must be in one range of it. */
	struct bounce_linear linear[BOUNCE_LINEAR_RANGES];

	/*
	 * set_shared() - change the guest's own page tables, for monitors that
	 * need it (SNP, TDX, CCA); NULL where the arch does not.
	 * [@gpa, @gpa + @len) are whole share granules, seen by the CPU at
	 * @cpu. Called by share.c alone, where it shares and unshares, at the
	 * exact point of the arch's order; in the contexts of struct
	 * bounce_arch.
	 * Return: true when done; false counts as "failed, nothing changed".
	 */
	bool (*set_shared)(void *ctx, bounce_gpa_t gpa, void *cpu, uint64_t len,
			   bool shared);

	/* relax() - pause between retries of a busy monitor or IOMMU; may be
	 * NULL. */
	void (*relax)(void *ctx);

	/*
	 * pressure() - a pool's use has crossed a watermark; may be NULL.
	 * Called by bounce_pool_pressure() alone, in its caller's context; it
	 * may call bounce_pool_grow().
	 */
	void (*pressure)(void *ctx, struct bounce_pool *pool, bool on);

	/* NULL: every space is SNOOPED. */
	const struct bounce_cache *cache;

	uint64_t reserved[2]; /* zero */
};

/*
 * How much of everything. Each count is a limit for the instance's life and
 * costs memory: bounce_meta_size() tells. Zero where 0 is not in the range
 * stands for the default.
 */
struct bounce_config {
	uint16_t pools; /* 1 .. 64; default 1 */
	uint16_t spaces; /* 1 .. 1024; default 1 */
	uint16_t windows; /* per space, 1 .. 16; default 2 */
	uint16_t devices; /* 1 .. 4096; default 1 */
	uint16_t queues; /* of all devices, 1 .. 16384; default: devices */
	uint16_t slabs; /* of all pools, 1 .. 4096 */
	uint16_t slab_chunks; /* chunks in the largest slab, 1 .. 64 */
	uint16_t functions; /* of the topology, bridges too, 0 .. 4096 */
	uint32_t blocks; /* slots that may be split for small requests at the
			  * same time, 0 .. 65536 */
	uint32_t direct; /* mappings without a run at the same time: DIRECT
			  * verdicts and born-shared memory, 0 .. 65536. One
			  * for each such memory makes mapping it again cheap */
	uint32_t reserved[6]; /* zero */
};
BOUNCE_STATIC_ASSERT(sizeof(struct bounce_config) == 48, "part of the ABI");

/**
 * bounce_meta_size() - how much private memory an instance needs.
 *
 * @config: the counts; read only.
 *
 * Context: any; pure.
 *
 * Return: bytes, or 0 when a count is out of range or a reserved word is set.
 */
size_t bounce_meta_size(const struct bounce_config *config) BOUNCE_MUST_CHECK;

/**
 * bounce_init() - make an instance in the caller's memory.
 *
 * No memory is shared yet: bounce_pool_init() and bounce_pool_grow() do that.
 * The arch is asked here, and again at each epoch, whether guest memory is
 * protected.
 *
 * @memory: private, cacheable memory, aligned to BOUNCE_META_ALIGN, not inside
 *          any range that will be a pool. Owned by the instance until
 *          bounce_fini(). Its old contents do not matter.
 * @bytes: its size, at least bounce_meta_size(@config).
 * @config: the counts; copied.
 * @env: the embedder; copied.
 * @arch: the monitor's backend; must outlive the instance.
 * @bounce: written on success only; it points into @memory.
 *
 * Context: once, before any other call; not from interrupt level.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG    a pointer is NULL, @memory is misaligned, a count is out
 *                     of range, a reserved word is set, a linear range wraps,
 *                     has no pointer or overlaps another, @arch or env.cache
 *                     lacks a hook, or has a number that will not do.
 *   BOUNCE_ERR_RANGE  @bytes is too small.
 */
enum bounce_err bounce_init(void *memory, size_t bytes,
			    const struct bounce_config *config,
			    const struct bounce_env *env,
			    const struct bounce_monitor *arch,
			    struct bounce **bounce) BOUNCE_MUST_CHECK;

/**
 * bounce_fini() - end an instance whose pools have all ended.
 *
 * @bounce: the instance. Its memory is the caller's again on BOUNCE_OK.
 *
 * Context: no other call in progress; not from interrupt level.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_BUSY  a pool or a device is still there; nothing changed.
 */
enum bounce_err bounce_fini(struct bounce *bounce) BOUNCE_MUST_CHECK;

/**
 * bounce_mark_dead() - no more maps: the guest is about to stop or to kexec.
 *
 * Maps, allocations, growth and attaches that start after it are refused.
 *
 * @bounce: the instance.
 *
 * Context: any, also a panic or NMI handler; one store.
 */
void bounce_mark_dead(struct bounce *bounce);

/* One entry of bounce_ranges(): all fields little-endian, on any CPU. */
struct bounce_range {
	uint64_t gpa;
	uint64_t len; /* bytes */
	uint32_t state; /* enum bounce_range_state */
	uint32_t reserved; /* zero */
};
BOUNCE_STATIC_ASSERT(sizeof(struct bounce_range) == 24, "a format");

/* What is known of a range of bounce_ranges(). */
enum bounce_range_state {
	BOUNCE_RANGE_SHARED = 1, /* shared, in use as a slab */
	BOUNCE_RANGE_LOST = 2, /* of unknown state: never private again */
};

/**
 * bounce_ranges() - list what the host can see, for the next stage.
 *
 * Firmware reports these ranges as reserved to the kernel it boots. A receiver
 * trusts the list as far as its own boot chain, and shares each page again.
 *
 * @bounce: the instance.
 * @range: written: up to @max entries, by address within each slab.
 * @max: entries at @range; may be 0.
 *
 * Context: no growth or retirement in progress.
 *
 * Return: entries that there are, which may be more than @max.
 */
uint32_t bounce_ranges(const struct bounce *bounce, struct bounce_range *range,
		       uint32_t max);

/**
 * bounce_epoch_advance() - something that verdicts depend on has changed.
 *
 * Asks the arch again, then moves the system's epoch: every device binds its
 * verdict anew at its next mapping. Live mappings finish as they were made.
 *
 * @bounce: the instance.
 *
 * Context: as bounce_init(); beside the I/O path.
 *
 * Ordering: no map that starts after it returned uses an old binding; one in
 * flight may.
 */
void bounce_epoch_advance(struct bounce *bounce);

/**
 * bounce_enter_secure() - the guest's memory is protected from now on.
 *
 * Call it when the monitor has made the guest secure, with every device reset.
 * DIRECT mappings end (their unmap is STALE). Every slab goes back to private
 * and is shared afresh; no page stays shared that is not. Every device is
 * refused until bounce_device_negotiate().
 *
 * @bounce: the instance.
 *
 * Context: no other call in progress; not from interrupt level.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_BUSY  a mapping that bounces, or has bus addresses in a dynamic
 *                    window, born-shared memory or a quarantine is left;
 *                    nothing changed.
 *   BOUNCE_ERR_HOST  the arch does not say that memory is protected (nothing
 *                    changed), or it refused to share a slab, which is then
 *                    retired; devices are refused all the same.
 *   BOUNCE_ERR_LOST  as ERR_HOST, and pages are LOST; or a slot was kept for
 *                    ever, and now all of its slab is: no range comes back.
 *   BOUNCE_ERR_DEAD  after bounce_mark_dead(); nothing changed.
 */
enum bounce_err bounce_enter_secure(struct bounce *bounce) BOUNCE_MUST_CHECK;

/**
 * bounce_unshare_all() - make everything private again: kexec, reset.
 *
 * Marks the instance dead. All mappings and born-shared memory are void, and
 * their slots are private and zero; what a dynamic window had mapped is not
 * mapped any more.
 *
 * @bounce: the instance.
 *
 * Context: all other CPUs stopped, all devices reset; takes no lock, so also
 * from a crash handler. May be called again after an error.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_LOST  some pages could not be unshared for certain, or an IOMMU
 *                    may still translate some.
 */
enum bounce_err bounce_unshare_all(struct bounce *bounce) BOUNCE_MUST_CHECK;

/**
 * bounce_valid() - check the instance's invariants; for tests and debug builds.
 *
 * @bounce: the instance.
 *
 * Context: no other call in progress. Cost: reads all metadata.
 *
 * Return: true when every invariant named in lib/ holds.
 */
bool bounce_valid(const struct bounce *bounce) BOUNCE_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
