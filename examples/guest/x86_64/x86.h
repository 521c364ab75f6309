/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * x86.h - what the files of this folder owe each other.
 */
#ifndef X86_H
#define X86_H

#include "../guest.h"

#define X86_RAM_BYTES (UINT64_C(256) << 20)

#define X86_IMAGE (UINT64_C(1) << 20) /* link.ld */

/* Pools: behind the image (link.ld), each at a multiple of 2 MiB. */
#define X86_POOL (UINT64_C(64) << 20)
#define X86_CONTROL (UINT64_C(72) << 20)
#define X86_REFUSED (UINT64_C(74) << 20)

/* ---- start.S ---- */

/* Vectors 0 .. 31, one every 16 bytes. */
#define X86_VECTORS 32u
#define X86_VECTOR_BYTES 16u
extern const unsigned char x86_vectors[];

/* The second CPU's first instructions, to be copied below 1 MiB. */
extern const unsigned char x86_trampoline[];
extern const unsigned char x86_trampoline_end[];

/* Called by start.S: on the first CPU, on the second, on either. */
_Noreturn void x86_start(const unsigned char *info);
void x86_second(void);
_Noreturn void x86_exception(uint64_t vector, uint64_t error, uint64_t rip);

/* ---- cpu.c ---- */

/* x86_take_exceptions() - each CPU, at its start. */
void x86_take_exceptions(void);

#endif
