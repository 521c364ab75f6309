/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * cpu.h - RISC-V RV64 (ISA manual vol. I, 2.7: FENCE):
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
	__asm__ volatile(".insn i 0x0f, 0, x0, x0, 0x010" ::: "memory");
}

/* Reads before it are done before reads after it, device writes included. */
static inline void bounce_rmb_device(void)
{
	__asm__ volatile("fence ir, ir" ::: "memory");
}

/* Writes before it are seen by a device before writes after it. */
static inline void bounce_wmb_device(void)
{
	__asm__ volatile("fence ow, ow" ::: "memory");
}

/* Both, and writes before reads. */
static inline void bounce_mb_device(void)
{
	__asm__ volatile("fence iorw, iorw" ::: "memory");
}

/* Index of the lowest set bit; @word is not 0. */
static inline unsigned bounce_cpu_ctz(uint64_t word)
{
	/* Base RV64 has no bit scan, and the builtin becomes a library call:
	 * the lowest bit times a de Bruijn number names it in six bits. */
	static const uint8_t index[64] = {
		0,  1,	2,  53, 3,  7,	54, 27, 4,  38, 41, 8,	34, 55, 48, 28,
		62, 5,	39, 46, 44, 42, 22, 9,	24, 35, 59, 56, 49, 18, 29, 11,
		63, 52, 6,  26, 37, 40, 33, 47, 61, 45, 43, 21, 23, 58, 17, 10,
		51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
	};

	return index[((word & (~word + 1)) * UINT64_C(0x022fdd63cc95386d)) >>
		     58];
}

#endif
