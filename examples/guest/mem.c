/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * mem.c - the four functions that a freestanding C compiler may call, for
 * guests without a C library. Build with -fno-tree-loop-distribute-patterns,
 * or the compiler turns each loop into a call of the function that it is in.
 */
#include "guest.h"

const char guest_libc[] = "none";

/* Eight bytes at any address, of any type. */
struct word {
	uint64_t value;
} __attribute__((packed, may_alias));

#define WORD sizeof(struct word)

void *memcpy(void *to, const void *from, size_t len)
{
	unsigned char *d = to;
	const unsigned char *s = from;

	for (; len >= WORD; len -= WORD, d += WORD, s += WORD)
		((struct word *)d)->value = ((const struct word *)s)->value;
	while (len-- > 0)
		*d++ = *s++;
	return to;
}

void *memmove(void *to, const void *from, size_t len)
{
	unsigned char *d = to;
	const unsigned char *s = from;

	if ((uintptr_t)d <= (uintptr_t)s || (uintptr_t)d - (uintptr_t)s >= len)
		return memcpy(to, from, len);
	while (len-- > 0)
		d[len] = s[len];
	return to;
}

void *memset(void *to, int byte, size_t len)
{
	unsigned char *d = to;
	uint64_t eight = (unsigned char)byte * UINT64_C(0x0101010101010101);

	for (; len >= WORD; len -= WORD, d += WORD)
		((struct word *)d)->value = eight;
	while (len-- > 0)
		*d++ = (unsigned char)byte;
	return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const unsigned char *x = a;
	const unsigned char *y = b;

	for (; len > 0; len--, x++, y++)
		if (*x != *y)
			return *x < *y ? -1 : 1;
	return 0;
}
