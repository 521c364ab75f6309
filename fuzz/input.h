/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * input.h - a fuzzer's bytes, read as choices.
 *
 * Every target turns its bytes into a list of operations with numbers for
 * each, so that a changed byte is another choice and nothing behind it moves
 * unless it has to. Bytes that have run out are zeros, and end the list.
 */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

/* What a target is: any other result than 0 is not kept in the corpus. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The finding: prints the sentence, and libFuzzer keeps the input. */
#define fuzz_check(x) ((x) ? (void)0 : fuzz_failed(#x, __FILE__, __LINE__))

_Noreturn static inline void fuzz_failed(const char *what, const char *file,
					 int line)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

static inline bool fuzz_more(const struct fuzz_input *in)
{
	return in->left != 0;
}

static inline uint8_t fuzz_byte(struct fuzz_input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

/* A number of @bytes bytes, 1 .. 8. */
static inline uint64_t fuzz_number(struct fuzz_input *in, unsigned bytes)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < bytes; i++)
		number |= (uint64_t)fuzz_byte(in) << 8 * i;
	return number;
}

/* 0 .. @limit - 1, from no more bytes than it takes; @limit is not 0. */
static inline uint64_t fuzz_below(struct fuzz_input *in, uint64_t limit)
{
	unsigned bytes = limit <= 0x100 ? 1 : limit <= 0x10000 ? 2 : 4;

	return fuzz_number(in, bytes) % limit;
}

/* A 64-bit number whose interesting values are a byte or two away: small ones,
 * and those around a power of two. */
static inline uint64_t fuzz_wide(struct fuzz_input *in)
{
	uint8_t kind = fuzz_byte(in);

	if (kind < 0x40)
		return kind;
	if (kind < 0x80)
		return (UINT64_C(1) << kind % 64) + fuzz_byte(in) - 0x80;
	if (kind < 0xc0)
		return UINT64_MAX >> kind % 64;
	return fuzz_number(in, 8);
}

#endif
