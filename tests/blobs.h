/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * blobs.h - flattened device trees, made byte by byte; and all that can be
 * asked of one. No test framework is used in here: the fuzzer has it, too.
 *
 *	struct blob_maker maker;
 *
 *	blob_start(&maker);
 *	blob_node(&maker, "");
 *	blob_cells(&maker, "#address-cells", 1, 2);
 *	blob_close(&maker);
 *	size = blob_finish(&maker, bytes);
 */
#ifndef TESTS_BLOBS_H
#define TESTS_BLOBS_H

#include <stddef.h>
#include <stdint.h>

#define BLOB_BYTES 8192u /* room for any tree that is made here */

struct blob_maker {
	unsigned char structure[BLOB_BYTES];
	uint32_t at;
	unsigned char strings[2048];
	uint32_t strings_bytes;
};

void blob_start(struct blob_maker *maker);
void blob_node(struct blob_maker *maker, const char *name);
void blob_close(struct blob_maker *maker);
void blob_bytes(struct blob_maker *maker, const char *name, const void *value,
		uint32_t len);
void blob_text(struct blob_maker *maker, const char *name, const char *text);
void blob_flag(struct blob_maker *maker, const char *name);
/* @count cells follow, as uint32_t. */
void blob_cells(struct blob_maker *maker, const char *name, uint32_t count,
		...);
/* A token, or anything else, as it is. */
void blob_raw(struct blob_maker *maker, uint32_t cell);

/* Write the tree to @bytes, BLOB_BYTES at most; returns its size. */
uint32_t blob_finish(struct blob_maker *maker, unsigned char *bytes);

/* A tree with some of everything; returns its size. */
uint32_t blob_sample(unsigned char *bytes);

/*
 * Open a tree and ask everything of every node, and of some that are none.
 * Ends the program when an answer is not what it may be; returns how many
 * nodes there were, 0 when it was not opened.
 */
uint32_t blob_ask(const void *bytes, size_t size);

#endif
