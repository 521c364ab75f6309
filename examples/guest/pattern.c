/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * pattern.c - bytes that a seed and their place determine, eight at a time.
 */
#include "pattern.h"

/* Eight bytes at any address, of any type. */
struct word {
	uint64_t value;
} __attribute__((packed, may_alias));

#define WORD ((uint32_t)sizeof(struct word))

/* Of the eight bytes that hold byte @at. A complement differs in every byte. */
static struct word word_at(uint64_t seed, uint32_t at)
{
	return (struct word) { seed ^
			       at / WORD * UINT64_C(0x9e3779b97f4a7c15) };
}

static unsigned char byte_at(uint64_t seed, uint32_t at)
{
	struct word word = word_at(seed, at);

	return ((unsigned char *)&word)[at % WORD];
}

void pattern_fill_part(unsigned char *bytes, uint32_t from, uint32_t to,
		       uint64_t seed)
{
	uint32_t at = from;

	for (; at < to && at % WORD != 0; at++)
		bytes[at] = byte_at(seed, at);
	for (; to - at >= WORD; at += WORD)
		*(struct word *)(bytes + at) = word_at(seed, at);
	for (; at < to; at++)
		bytes[at] = byte_at(seed, at);
}

bool pattern_part_holds(const unsigned char *bytes, uint32_t from, uint32_t to,
			uint64_t seed)
{
	uint32_t at = from;

	for (; at < to && at % WORD != 0; at++)
		if (bytes[at] != byte_at(seed, at))
			return false;
	for (; to - at >= WORD; at += WORD)
		if (((const struct word *)(bytes + at))->value !=
		    word_at(seed, at).value)
			return false;
	for (; at < to; at++)
		if (bytes[at] != byte_at(seed, at))
			return false;
	return true;
}

void pattern_fill(unsigned char *bytes, uint32_t len, uint64_t seed)
{
	pattern_fill_part(bytes, 0, len, seed);
}

bool pattern_holds(const unsigned char *bytes, uint32_t len, uint64_t seed)
{
	return pattern_part_holds(bytes, 0, len, seed);
}
