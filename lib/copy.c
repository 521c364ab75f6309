/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * copy.c - the only door to shared bytes, and the only user of mem*().
 *
 * Owns nothing. A byte of shared memory may change at any moment, and memcpy()
 * may read it twice. That does no harm:
 *
 *   C1  What is decided, is decided on the private copy. The fences keep the
 *       compiler from reading the shared byte again in its place.
 *   C2  Lengths come from private memory.
 *   C3  A number that is judged without a copy is read by one volatile load.
 *
 * Order against devices is the caller's business (cpu.h).
 */
#include "copy.h"

#include <bounce/map.h>

#include "base.h"

/* Freestanding: there is no <string.h>. The linker finds the embedder's. */
void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memset(void *to, int byte, size_t len);

/* Words of shared memory, whatever type its other users give it. */
struct shared_16 {
	uint16_t v;
} __attribute__((may_alias));
struct shared_64 {
	uint64_t v;
} __attribute__((may_alias));

/* No access moves past it, and no value is known after it (C1). */
static void fence(const void *bytes)
{
	__asm__ volatile("" : : "r"(bytes) : "memory");
}

static void copy(void *to, const void *from, size_t len)
{
	/* Both may be NULL then, which memcpy() does not allow. */
	if (len == 0)
		return;
	fence(from);
	memcpy(to, from, len);
	fence(to);
}

void bounce_copy_in(unsigned char *shared, const void *private, size_t len)
{
	copy(shared, private, len);
}

void bounce_copy_out(void *private, const unsigned char *shared, size_t len)
{
	copy(private, shared, len);
}

void bounce_snapshot(void *to, const void *shared, size_t len)
{
	copy(to, shared, len);
}

void bounce_copy_zero(unsigned char *shared, size_t len)
{
	if (len == 0)
		return;
	memset(shared, 0, len);
	/* Without it the zeroes of a dead buffer may be dropped. */
	fence(shared);
}

/* Bit 7 is set in each byte; nothing of the address or of any data is in it. */
void bounce_copy_pattern(unsigned char *page, size_t len)
{
	for (size_t i = 0; i < len; i++)
		page[i] = (unsigned char)(0x80 | (i & 0x7f));
	fence(page);
}

/* C3; words where they can be, as whole slabs are asked for. */
bool bounce_copy_is_zero(const unsigned char *shared, size_t len)
{
	const volatile unsigned char *byte = shared;
	const volatile struct shared_64 *word = (const void *)shared;
	size_t words = (uintptr_t)shared % sizeof(*word) == 0 ?
			       len / sizeof(*word) :
			       0;

	for (size_t i = 0; i < words; i++)
		if (word[i].v != 0)
			return false;
	for (size_t i = words * sizeof(*word); i < len; i++)
		if (byte[i] != 0)
			return false;
	return true;
}

/* C3: two loads of a byte would see half of a device's store. */
uint16_t bounce_copy_le16(const unsigned char *shared)
{
	const volatile struct shared_16 *word = (const void *)shared;
	uint16_t v;

	bounce_assert((uintptr_t)shared % sizeof(v) == 0);
	v = word->v;
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap16(v) :
							v;
}

/* One store: the host must not see half of an index. */
void bounce_copy_put_le16(unsigned char *shared, uint16_t value)
{
	volatile struct shared_16 *word = (void *)shared;

	bounce_assert((uintptr_t)shared % sizeof(value) == 0);
	word->v = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ?
			  __builtin_bswap16(value) :
			  value;
}

/* By hand: for __builtin_bswap64() GCC may call a function of its library. */
static uint64_t swapped(uint64_t value)
{
	value = (value & UINT64_C(0x00ff00ff00ff00ff)) << 8 |
		(value >> 8 & UINT64_C(0x00ff00ff00ff00ff));
	value = (value & UINT64_C(0x0000ffff0000ffff)) << 16 |
		(value >> 16 & UINT64_C(0x0000ffff0000ffff));
	return value << 32 | value >> 32;
}

/* One store: the host must not see half of an entry. */
void bounce_copy_put_be64(unsigned char *shared, uint64_t value)
{
	volatile struct shared_64 *word = (void *)shared;

	bounce_assert((uintptr_t)shared % sizeof(value) == 0);
	word->v = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? value :
							   swapped(value);
}
