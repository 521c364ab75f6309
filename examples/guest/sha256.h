/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * sha256.h - SHA-256 of a range of private memory (FIPS 180-4).
 */
#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32

void sha256(const void *data, size_t len, unsigned char digest[SHA256_BYTES]);

#endif
