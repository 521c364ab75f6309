/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * cpu.h - x86-64 (Intel SDM vol. 3, 9.2: loads and stores are ordered):
 * cache line, pause, order against devices, bit scan.
 *
 * Chosen by include path, so that no module has an #ifdef for a CPU. Order
 * against a device is not C's business: an atomic fence orders CPUs only.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <stdint.h>

/* Bytes between two words that two CPUs write at the same time. */
#define BOUNCE_CACHE_LINE 64

static inline void bounce_cpu_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}

/* Reads before it are done before reads after it, device writes included. */
static inline void bounce_rmb_device(void)
{
	__asm__ volatile("" ::: "memory");
}

/* Writes before it are seen by a device before writes after it. */
static inline void bounce_wmb_device(void)
{
	__asm__ volatile("" ::: "memory");
}

/* Both, and writes before reads. */
static inline void bounce_mb_device(void)
{
	__asm__ volatile("mfence" ::: "memory");
}

/* Index of the lowest set bit; @word is not 0. */
static inline unsigned bounce_cpu_ctz(uint64_t word)
{
	return (unsigned)__builtin_ctzll(word);
}

#endif
