/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * copy.h - the only door to shared bytes. Nothing is decided in here, and
 * nothing outside reads or writes memory that the host can see.
 */
#ifndef LIB_COPY_H
#define LIB_COPY_H

#include <bounce/types.h>

/* Private to shared, exactly @len bytes. */
void bounce_copy_in(unsigned char *shared, const void *private, size_t len);

/* Shared to private, exactly @len bytes; the bytes are whatever they were. */
void bounce_copy_out(void *private, const unsigned char *shared, size_t len);

/* Zero shared bytes; never dropped by the compiler. */
void bounce_copy_zero(unsigned char *shared, size_t len);

/*
 * For the share check of an arch that zeroes (share.c): write a non-zero,
 * non-secret pattern into a page that is still private, and ask afterwards
 * whether all of it became zero. The answer can only refuse (S3).
 */
void bounce_copy_pattern(unsigned char *page, size_t len);
bool bounce_copy_is_zero(const unsigned char *shared, size_t len);

/* One little-endian number into memory that the host reads, by one store. */
void bounce_copy_put_le16(unsigned char *shared, uint16_t value);

/* A big-endian one: an entry of a table. */
void bounce_copy_put_be64(unsigned char *shared, uint64_t value);

/* One little-endian number out of shared memory, read exactly once. */
uint16_t bounce_copy_le16(const unsigned char *shared);

#endif
