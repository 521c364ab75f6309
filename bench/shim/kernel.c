/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * kernel.c - what swiotlb.c calls and a header cannot hold: memory and two
 * counters. Linked into each of the Linux peers.
 */
#include <kernel.h>

#include <sys/mman.h>

#include "shim.h"

__thread unsigned int shim_cpu;
unsigned int shim_cpus = 1;
size_t shim_metadata_bytes;
unsigned long shim_share_calls;

/* Huge pages where there are any: swiotlb lies in the kernel's linear map. */
static void *pages(size_t bytes, size_t align)
{
	size_t huge = (size_t)2 << 20;
	size_t whole = ALIGN(bytes, huge) + huge;
	char *p = mmap(NULL, whole, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED || align > huge)
		return NULL;
	p = (char *)ALIGN((uintptr_t)p, huge);
	madvise(p, ALIGN(bytes, huge), MADV_HUGEPAGE);
	memset(p, 0, bytes);
	return p;
}

void *memblock_alloc_low(size_t bytes, size_t align)
{
	return pages(bytes, align);
}

void *memblock_alloc(size_t bytes, size_t align)
{
	shim_metadata_bytes += bytes;
	return pages(bytes, align);
}

/* Only after a failure, and at the end: the process gives all of it back. */
void memblock_free(void *p, size_t bytes)
{
	(void)p;
	(void)bytes;
}

void memblock_free_late(phys_addr_t p, size_t bytes)
{
	(void)p;
	(void)bytes;
}

unsigned long __get_free_pages(gfp_t flags, unsigned int order)
{
	(void)flags;
	return (unsigned long)pages(PAGE_SIZE << order, PAGE_SIZE);
}

void free_pages(unsigned long p, unsigned int order)
{
	(void)p;
	(void)order;
}

int set_memory_decrypted(unsigned long p, int pages)
{
	(void)p;
	(void)pages;
	shim_share_calls++;
	return 0;
}

int set_memory_encrypted(unsigned long p, int pages)
{
	return set_memory_decrypted(p, pages);
}

bool cc_platform_has(enum cc_attr attribute)
{
	(void)attribute;
	return false;
}
