/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * kernel.h - just enough of a kernel, in user space, for Linux 6.12's
 * swiotlb.c to compile unmodified; every <linux/...> header that the project
 * does not take from the Debian package is this file.
 *
 * Wording and code are our own; names and meanings are those that swiotlb.c
 * asks for. Physical, virtual and bus addresses are the same numbers. What a
 * kernel adds is left out in swiotlb's favour: no interrupt flag is saved, no
 * preemption counted, no indirect branch guarded, no page attribute changed.
 */
#ifndef SHIM_KERNEL_H
#define SHIM_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;
typedef u64 phys_addr_t;
typedef u64 dma_addr_t;
typedef unsigned int gfp_t;

#define __init
#define __ref
#define __packed __attribute__((packed))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define container_of(p, type, member) \
	((type *)((char *)(p)-offsetof(type, member)))
#define IS_ENABLED(option) 0

/* A bug of the peer ends the program; a warning would be lost. */
#define BUG_ON(x) ((x) ? abort() : (void)0)

/* Never called, or never compiled in: only the names are wanted. */
#define early_param(name, function)      \
	int shim_boot_option(char *text) \
	{                                \
		return function(text);   \
	}
#define late_initcall(function)    \
	int shim_late_init(void)   \
	{                          \
		return function(); \
	}
#define EXPORT_SYMBOL_GPL(name)

/* What a kernel would print is nobody's business here. */
#define pr_info(...) ((void)0)
#define pr_warn(...) ((void)0)
#define pr_warn_once(...) ((void)0)
#define pr_warn_ratelimited(...) ((void)0)
#define dev_err(...) ((void)0)
#define dev_warn_ratelimited(...) ((void)0)
#define dev_WARN_ONCE(device, what, ...) ((void)(what))

#define EINVAL 22
#define ENOMEM 12
#define EAGAIN 11
#define IS_ERR(p) ((uintptr_t)(p) >= (uintptr_t)-4095)
#define ERR_PTR(n) ((void *)(intptr_t)(n))

/* ---- arithmetic ---- */

#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define min_t(type, a, b) min((type)(a), (type)(b))
#define min_not_zero(a, b) ((a) == 0 ? (b) : (b) == 0 ? (a) : min((a), (b)))
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))
#define ALIGN(x, a) (((x) + (a)-1) & ~((__typeof__(x))(a)-1))
#define roundup(x, y) (DIV_ROUND_UP(x, y) * (y))
#define is_power_of_2(n) ((n) != 0 && ((n) & ((n)-1)) == 0)
#define array_size(count, bytes) ((size_t)(count) * (size_t)(bytes))

static inline unsigned long roundup_pow_of_two(unsigned long n)
{
	return n <= 1 ? 1 : 1ul << (64 - __builtin_clzl(n - 1));
}

#define isdigit(c) ((c) >= '0' && (c) <= '9')
#define simple_strtoul strtoul

/* ---- pages ---- */

#define PAGE_SHIFT 12
#define PAGE_SIZE (1ul << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x) ALIGN(x, PAGE_SIZE)
#define PFN_DOWN(x) ((unsigned long)(x) >> PAGE_SHIFT)
#define PFN_UP(x) (((unsigned long)(x) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define SMP_CACHE_BYTES 64

struct page;

#define __pa(p) ((phys_addr_t)(uintptr_t)(p))
#define virt_to_phys(p) __pa(p)
#define phys_to_virt(p) ((void *)(uintptr_t)(p))
#define pfn_to_page(pfn) ((struct page *)(uintptr_t)((pfn) << PAGE_SHIFT))
#define PageHighMem(page) ((void)(page), false)
#define memcpy_from_page(to, page, offset, bytes) \
	memcpy(to, (char *)(page) + (offset), bytes)
#define memcpy_to_page(page, offset, from, bytes) \
	memcpy((char *)(page) + (offset), from, bytes)
#define kmsan_unpoison_memory(p, bytes) ((void)(p))
#define local_irq_save(flags) ((void)((flags) = 0))
#define local_irq_restore(flags) ((void)(flags))

#define GFP_KERNEL 0u
#define __GFP_NOWARN 0u
#define __GFP_ZERO 0u

static inline unsigned int get_order(unsigned long bytes)
{
	unsigned int order = 0;

	while ((PAGE_SIZE << order) < bytes)
		order++;
	return order;
}

/* kernel.c: memory, counted as the pool's or as metadata. */
void *memblock_alloc_low(size_t bytes, size_t align);
void *memblock_alloc(size_t bytes, size_t align);
void memblock_free(void *p, size_t bytes);
void memblock_free_late(phys_addr_t p, size_t bytes);
unsigned long __get_free_pages(gfp_t flags, unsigned int order);
void free_pages(unsigned long p, unsigned int order);

/* kernel.c: counted; the I/O path must not come here. */
int set_memory_decrypted(unsigned long p, int pages);
int set_memory_encrypted(unsigned long p, int pages);

/* ---- CPUs ---- */

/* The lane of the calling thread: set by the adaptor. */
extern __thread unsigned int shim_cpu;
extern unsigned int shim_cpus;

#define raw_smp_processor_id() shim_cpu
#define num_possible_cpus() shim_cpus

/*
 * A guest's lock: test, and test and set, with a pause; that is what Linux
 * falls back to in a guest without a monitor that wakes waiters. Four bytes,
 * so that an area is as small as in a kernel without lock debugging.
 */
typedef struct {
	_Atomic u32 taken;
} spinlock_t;

#define spin_lock_init(lock) \
	__atomic_store_n((u32 *)&(lock)->taken, 0, __ATOMIC_RELAXED)

static inline void shim_lock(spinlock_t *lock)
{
	u32 *taken = (u32 *)&lock->taken;
	u32 free = 0;

	while (unlikely(!__atomic_compare_exchange_n(
		taken, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))) {
		while (__atomic_load_n(taken, __ATOMIC_RELAXED) != 0)
			__builtin_ia32_pause();
		free = 0;
	}
}

static inline void shim_unlock(spinlock_t *lock)
{
	__atomic_store_n((u32 *)&lock->taken, 0, __ATOMIC_RELEASE);
}

#define spin_lock(lock) shim_lock(lock)
#define spin_unlock(lock) shim_unlock(lock)
#define spin_lock_irqsave(lock, flags) ((flags) = 0, shim_lock(lock))
#define spin_unlock_irqrestore(lock, flags) ((void)(flags), shim_unlock(lock))

typedef struct {
	long v;
} atomic_long_t;

#define atomic_long_read(a) __atomic_load_n(&(a)->v, __ATOMIC_RELAXED)
#define atomic_long_set(a, n) __atomic_store_n(&(a)->v, n, __ATOMIC_RELAXED)
#define atomic_long_add_return(n, a) \
	__atomic_add_fetch(&(a)->v, (long)(n), __ATOMIC_SEQ_CST)
#define atomic_long_sub(n, a) \
	((void)__atomic_fetch_sub(&(a)->v, (long)(n), __ATOMIC_SEQ_CST))
#define atomic_long_try_cmpxchg(a, old, next)                             \
	__atomic_compare_exchange_n(&(a)->v, (long *)(old), (long)(next), \
				    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/* ---- devices and DMA ---- */

#define DMA_MAPPING_ERROR (~(dma_addr_t)0)
#define DMA_BIT_MASK(n) ((n) == 64 ? ~0ull : (1ull << (n)) - 1)
#define DMA_ATTR_SKIP_CPU_SYNC (1ul << 5)
#define DMA_ATTR_NO_WARN (1ul << 8)

struct io_tlb_mem;

struct device_dma_parameters {
	unsigned int max_segment_size;
	unsigned int min_align_mask;
	unsigned long segment_boundary_mask;
};

/* The part of it that has to do with DMA. */
struct device {
	u64 *dma_mask;
	u64 coherent_dma_mask;
	u64 bus_dma_limit;
	const void *dma_range_map;
	struct device_dma_parameters *dma_parms;
	struct io_tlb_mem *dma_io_tlb_mem;
	bool dma_coherent;
	bool dma_skip_sync;
};

static inline unsigned int dma_get_min_align_mask(struct device *device)
{
	return device->dma_parms == NULL ? 0 :
					   device->dma_parms->min_align_mask;
}

static inline unsigned long dma_get_seg_boundary(struct device *device)
{
	if (device->dma_parms != NULL &&
	    device->dma_parms->segment_boundary_mask != 0)
		return device->dma_parms->segment_boundary_mask;
	return ~0ul;
}

static inline dma_addr_t phys_to_dma_unencrypted(struct device *device,
						 phys_addr_t p)
{
	return unlikely(device->dma_range_map != NULL) ? DMA_MAPPING_ERROR : p;
}

#define phys_to_dma(device, p) phys_to_dma_unencrypted(device, p)

static inline bool dma_capable(struct device *device, dma_addr_t bus,
			       size_t bytes, bool ram)
{
	u64 last = min_not_zero(*device->dma_mask, device->bus_dma_limit);

	(void)ram;
	return bus != DMA_MAPPING_ERROR && bus + bytes - 1 <= last;
}

static inline void dma_reset_need_sync(struct device *device)
{
	if (unlikely(device->dma_skip_sync))
		device->dma_skip_sync = false;
}

#define dev_is_dma_coherent(device) ((device)->dma_coherent)
#define arch_sync_dma_for_device(p, bytes, way) ((void)(p))
#define trace_swiotlb_bounced(device, bus, bytes) ((void)(bus))

enum cc_attr {
	CC_ATTR_MEM_ENCRYPT
};
bool cc_platform_has(enum cc_attr attribute);

/* ---- debugfs: the files are never made, the counters are kept ---- */

struct dentry;

#define DEFINE_DEBUGFS_ATTRIBUTE(name, get, set, format) \
	static const struct shim_attribute name = { get, (void *)(set) }

struct shim_attribute {
	int (*get)(void *data, u64 *value);
	void *set;
};

static inline struct dentry *debugfs_create_dir(const char *name,
						struct dentry *parent)
{
	(void)name;
	return parent;
}

#define debugfs_create_ulong(name, mode, parent, value) ((void)(value))
#define debugfs_create_file(name, mode, parent, data, attribute) \
	((void)(data), (void)(attribute))

#endif
