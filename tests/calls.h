/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * calls.h - calls that must succeed, and what a test asks of the pool and of
 * the bytes afterwards; for Criterion tests. Private data is made of bytes that
 * are neither zero, FAKE_SECRET nor FAKE_HOSTILE.
 */
#ifndef TESTS_CALLS_H
#define TESTS_CALLS_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "instance.h"
#include "support.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Memory that is born shared, or a reservation. */
struct born {
	struct bounce_buf buf;
	struct bounce_mapping handle;
};

static inline struct bounce_mapping map_ok(struct bounce_queue *queue,
					   struct bounce_buf buf, uint32_t how)
{
	struct bounce_mapping mapping;

	cr_assert_eq(bounce_map(queue, &buf, how, &mapping), BOUNCE_OK,
		     "%lu bytes", buf.len);
	return mapping;
}

static inline void unmap_ok(struct bounce_queue *queue,
			    const struct bounce_mapping *mapping,
			    uint64_t written)
{
	cr_assert_eq(bounce_unmap(queue, mapping, written), BOUNCE_OK);
}

static inline struct born alloc_ok(struct bounce_queue *queue, uint64_t size)
{
	struct born born;

	cr_assert_eq(bounce_alloc(queue, size, 0, 0, &born.buf, &born.handle),
		     BOUNCE_OK, "%lu bytes", size);
	return born;
}

static inline struct born reserve_ok(struct bounce_queue *queue, uint64_t len)
{
	struct born born;

	cr_assert_eq(bounce_reserve(queue, len, &born.buf, &born.handle),
		     BOUNCE_OK, "%lu bytes", len);
	return born;
}

static inline void free_ok(struct bounce_queue *queue, const struct born *born)
{
	cr_assert_eq(bounce_free(queue, &born->handle), BOUNCE_OK);
}

/* ---- what is there ---- */

/* Slots that nobody has; slots that are split and empty count as free. */
static inline uint64_t pool_free(struct bounce_pool *pool)
{
	struct bounce_pool_stats stats;

	bounce_block_reclaim(pool->bounce);
	bounce_pool_stats(pool, &stats);
	return stats.slots_free;
}

static inline uint64_t slots_free(const struct bench *bench)
{
	return pool_free(bench->pool);
}

static inline struct bounce_device_stats stats_of(
	const struct bounce_device *device)
{
	struct bounce_device_stats stats;

	bounce_device_stats(device, &stats);
	return stats;
}

static inline bool same_handle(const struct bounce_mapping *a,
			       const struct bounce_mapping *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* ---- bounce_ranges(), which is little-endian on any CPU ---- */

static inline uint64_t little(const void *from, uint32_t bytes)
{
	const unsigned char *byte = from;
	uint64_t x = 0;

	while (bytes-- > 0)
		x = x << 8 | byte[bytes];
	return x;
}

static inline uint64_t range_gpa(const struct bounce_range *range)
{
	return little(&range->gpa, 8);
}

static inline uint64_t range_len(const struct bounce_range *range)
{
	return little(&range->len, 8);
}

static inline uint32_t range_state(const struct bounce_range *range)
{
	return (uint32_t)little(&range->state, 4);
}

/* ---- bytes ---- */

/* Byte @i of what is called @name. */
static inline unsigned char byte_of(uint64_t name, uint64_t i)
{
	return (unsigned char)(1 + (name * 31 + i * 7 + i / 251) % 90);
}

static inline void write_bytes(unsigned char *to, uint64_t name, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++)
		to[i] = byte_of(name, i);
}

/* How many of @len bytes are the first of @name. */
static inline uint64_t count_bytes(const unsigned char *from, uint64_t name,
				   uint64_t len)
{
	uint64_t i = 0;

	while (i < len && from[i] == byte_of(name, i))
		i++;
	return i;
}

static inline bool all_bytes_are(const unsigned char *from, unsigned char byte,
				 uint64_t len)
{
	for (uint64_t i = 0; i < len; i++)
		if (from[i] != byte)
			return false;
	return true;
}

/* A copy of all that the host sees; free() it. */
static inline unsigned char *host_picture(const struct bench *bench)
{
	unsigned char *picture = malloc(bench->machine.bytes);

	fake_device_snapshot(&bench->host, picture);
	return picture;
}

/* Does the host see just what it saw? Frees @picture. */
static inline bool host_sees_the_same(const struct bench *bench,
				      unsigned char *picture)
{
	unsigned char *now = host_picture(bench);
	bool same = memcmp(now, picture, bench->machine.bytes) == 0;

	free(now);
	free(picture);
	return same;
}

#endif
