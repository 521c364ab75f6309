/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * base.h - small words that every module uses: bits, powers of two, overflow,
 * the wrapped compiler extensions.
 */
#ifndef LIB_BASE_H
#define LIB_BASE_H

#include <bounce/types.h>
#include <cpu.h>

#define bounce_likely(x) __builtin_expect(!!(x), 1)
#define bounce_unlikely(x) __builtin_expect(!!(x), 0)

/*
 * For the few functions that every mapping runs through: part of their caller
 * also where the compiler finds it large, so that what they hand one another
 * stays in registers. What they hand to others beside the usual case goes as a
 * copy, or its address would keep it in memory for all.
 */
#define bounce_inline inline __attribute__((always_inline))
/* In a frame of its own, so that its caller's is not too large. */
#define bounce_noinline __attribute__((noinline))

/* For what cannot be; never for anything that the host or a caller says. */
#ifdef BOUNCE_DEBUG
#define bounce_assert(x) ((x) ? (void)0 : __builtin_trap())
#else
#define bounce_assert(x) ((void)sizeof(x))
#endif

/* Lowest set bit of @word; @word is not 0. cpu.h: not every CPU has a ctz. */
/*@ requires word != 0;
    assigns \nothing;
    ensures \result < 64 && (word >> \result & 1) == 1;
    ensures (word & (1 << \result) - 1) == 0; */
static inline unsigned bounce_lowest(uint64_t word)
{
	return bounce_cpu_ctz(word);
}

/* The low @count bits, 0 .. 64. */
/*@ assigns \nothing;
    ensures count <= 64 ==> \result == (1 << count) - 1; */
static inline uint64_t bounce_low_bits(unsigned count)
{
	return count >= 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
}

/* Set bits of @word; without the library call that popcount may become. */
/*@ assigns \nothing;
    ensures \result == \sum(0, 63, \lambda integer i; word >> i & 1); */
static inline unsigned bounce_count(uint64_t word)
{
	word -= (word >> 1) & UINT64_C(0x5555555555555555);
	word = (word & UINT64_C(0x3333333333333333)) +
	       ((word >> 2) & UINT64_C(0x3333333333333333));
	word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (unsigned)((word * UINT64_C(0x0101010101010101)) >> 56);
}

/* Is @mask 2^n - 1, n = 0 .. 64? */
/*@ assigns \nothing;
    ensures \result != 0 <==>
            (\exists integer n; 0 <= n <= 64 && mask == (1 << n) - 1); */
static inline bool bounce_is_low_mask(uint64_t mask)
{
	return (mask & (mask + 1)) == 0;
}

/*@ assigns \nothing;
    ensures \result != 0 <==>
            (\exists integer n; 0 <= n <= 63 && x == 1 << n); */
static inline bool bounce_is_power(uint64_t x)
{
	return x != 0 && (x & (x - 1)) == 0;
}

/* @x up to a multiple of @mask + 1, mask = 2^n - 1; no wrap: the caller's. */
/*@ requires (mask & (mask + 1)) == 0;
    requires x + mask <= 0xffffffffffffffff;
    assigns \nothing;
    ensures x <= \result <= x + mask && (\result & mask) == 0; */
static inline uint64_t bounce_round_up(uint64_t x, uint64_t mask)
{
	return (x + mask) & ~mask;
}

/* Does [base, base + len) pass the end of the address space? len is not 0. */
/*@ requires len != 0;
    assigns \nothing;
    ensures \result != 0 <==> base + len > 0x10000000000000000; */
static inline bool bounce_wraps(uint64_t base, uint64_t len)
{
	return len - 1 > UINT64_MAX - base;
}

/* Is [inner, +inner_len) inside [outer, +outer_len)? The outer one does not
 * wrap; an inner one that does is not inside. */
/*@ requires outer + outer_len <= 0x10000000000000000;
    assigns \nothing;
    ensures \result != 0 <==> (outer <= inner &&
                               inner + inner_len <= outer + outer_len); */
static inline bool bounce_inside(uint64_t inner, uint64_t inner_len,
				 uint64_t outer, uint64_t outer_len)
{
	return inner >= outer && inner - outer <= outer_len &&
	       inner_len <= outer_len - (inner - outer);
}

/* Do two ranges share a byte? Neither wraps nor is empty. */
/*@ requires a_len != 0 && a + a_len <= 0x10000000000000000;
    requires b_len != 0 && b + b_len <= 0x10000000000000000;
    assigns \nothing;
    ensures \result != 0 <==> (a < b + b_len && b < a + a_len); */
static inline bool bounce_overlaps(uint64_t a, uint64_t a_len, uint64_t b,
				   uint64_t b_len)
{
	return a <= b ? b - a < a_len : a - b < b_len;
}

/*@ assigns \nothing;
    ensures \result == \min(a, b); */
static inline uint64_t bounce_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * @index when it is below @limit, else 0, also under speculation (S7). Both
 * are hidden from the compiler: GCC folds the plain mask into nothing after a
 * bounds check. @limit is at most 2^63, so bit 63 tells which is the lower.
 */
/*@ requires 1 <= limit <= 0x8000000000000000;
    assigns \nothing;
    ensures \result < limit;
    ensures \result == (index < limit ? index : 0); */
static inline uint64_t bounce_index_nospec(uint64_t index, uint64_t limit)
{
	__asm__ volatile("" : "+r"(index), "+r"(limit));
	return index & (((index | (limit - 1 - index)) >> 63) - 1);
}

#endif
