/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * sha256.c - SHA-256, so that the host can compare what the guest read with its
 * own tools. Plain, of whole messages only.
 *
 * Source: FIPS 180-4, sections 4.1.2 (functions), 4.2.2 (constants), 5.1.1
 * (padding), 5.3.3 (initial value), 6.2.2 (computation).
 */
#include "sha256.h"
#include "guest.h"

#define BLOCK_BYTES 64
#define LENGTH_BYTES 8
#define ROUNDS 64

static const uint32_t constant[ROUNDS] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, unsigned count)
{
	return x >> count | x << (32 - count);
}

static uint32_t load(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
	       (uint32_t)bytes[2] << 8 | bytes[3];
}

static void store(unsigned char *bytes, uint32_t x)
{
	bytes[0] = (unsigned char)(x >> 24);
	bytes[1] = (unsigned char)(x >> 16);
	bytes[2] = (unsigned char)(x >> 8);
	bytes[3] = (unsigned char)x;
}

/* Section 6.2.2, step 1. */
static void schedule(uint32_t w[ROUNDS], const unsigned char *block)
{
	for (unsigned t = 0; t < 16; t++)
		w[t] = load(block + 4 * t);
	for (unsigned t = 16; t < ROUNDS; t++) {
		uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^
			      w[t - 15] >> 3;
		uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^
			      w[t - 2] >> 10;

		w[t] = s1 + w[t - 7] + s0 + w[t - 16];
	}
}

/* Section 6.2.2, step 3: v is a .. h. */
static void round(uint32_t v[8], uint32_t k, uint32_t w)
{
	uint32_t s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
	uint32_t choose = (v[4] & v[5]) ^ (~v[4] & v[6]);
	uint32_t t1 = v[7] + s1 + choose + k + w;
	uint32_t s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
	uint32_t most = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);

	for (unsigned i = 7; i > 0; i--)
		v[i] = v[i - 1];
	v[4] += t1;
	v[0] = t1 + s0 + most;
}

static void take_block(uint32_t hash[8], const unsigned char *block)
{
	uint32_t w[ROUNDS];
	uint32_t v[8];

	schedule(w, block);
	memcpy(v, hash, sizeof(v));
	for (unsigned t = 0; t < ROUNDS; t++)
		round(v, constant[t], w[t]);
	for (unsigned i = 0; i < 8; i++)
		hash[i] += v[i];
}

void sha256(const void *data, size_t len, unsigned char digest[SHA256_BYTES])
{
	uint32_t hash[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};
	const unsigned char *at = data;
	unsigned char tail[2 * BLOCK_BYTES] = { 0 };
	size_t rest = len % BLOCK_BYTES;
	size_t padded = rest + 1 + LENGTH_BYTES <= BLOCK_BYTES ?
				BLOCK_BYTES :
				2 * BLOCK_BYTES;

	for (size_t left = len; left >= BLOCK_BYTES; left -= BLOCK_BYTES) {
		take_block(hash, at);
		at += BLOCK_BYTES;
	}
	memcpy(tail, at, rest);
	tail[rest] = 0x80;
	store(tail + padded - 8, (uint32_t)((uint64_t)len >> 29));
	store(tail + padded - 4, (uint32_t)((uint64_t)len << 3));
	for (size_t i = 0; i < padded; i += BLOCK_BYTES)
		take_block(hash, tail + i);
	for (unsigned i = 0; i < 8; i++)
		store(digest + 4 * i, hash[i]);
}
