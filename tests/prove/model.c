/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * model.c - the embedder's memcpy() and memset(), for the proofs: each byte is
 * read through a volatile access, so that it is any value, whatever was there.
 * That is more than a device can do, since it is true of private bytes too.
 */
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
	const volatile unsigned char *bytes = from;
	unsigned char *at = to;

	for (size_t i = 0; i < len; i++)
		at[i] = bytes[i];
	return to;
}

/* In ascending order: the last byte is written, or some byte before it was
 * outside. */
void *memset(void *to, int byte, size_t len)
{
	unsigned char *at = to;

	for (size_t i = 0; i < len; i++)
		at[i] = (unsigned char)byte;
	return to;
}
