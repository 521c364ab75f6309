/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * image.h - the disk image in private memory, and its way from and to a disk.
 */
#ifndef IMAGE_H
#define IMAGE_H

#include "blk.h"
#include "sha256.h"

/* A part of a pass over the image: sectors [from, to). */
struct image_pass {
	bool write; /* to the disk */
	uint64_t from;
	uint64_t to;
	uint64_t seed; /* of the generator of sizes and places */
};

/*
 * image_pass() - move the sectors, several requests in flight, in requests of
 * one sector to 1 MiB, into or out of scattered private buffers.
 * Return: false when a request failed, or a byte beside a buffer changed.
 */
bool image_pass(struct blk *blk, const struct image_pass *pass);

/* image_clear() - forget it, so that the next pass must read it. */
void image_clear(void);

/* image_digest() - of all GUEST_IMAGE_BYTES. */
void image_digest(unsigned char digest[SHA256_BYTES]);

/* image_equals() - does the image hold these bytes at @sector? */
bool image_equals(uint64_t sector, const void *bytes, size_t len);

#endif
