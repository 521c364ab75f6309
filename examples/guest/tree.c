/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * tree.c - reading the flattened device tree that QEMU hands over: only what
 * this guest asks for, one property at a time.
 *
 * Source: Devicetree Specification 0.4, chapter 5.
 */
#include "tree.h"

/* Header fields, byte offsets: section 5.2. */
#define HEADER_MAGIC 0
#define HEADER_STRUCT 8
#define HEADER_STRINGS 12
#define HEADER_BOOT_CPU 28
#define TREE_MAGIC 0xd00dfeedu

/* Tokens of the structure block: section 5.4.1. */
enum tree_token {
	TREE_BEGIN_NODE = 1,
	TREE_END_NODE = 2,
	TREE_PROPERTY = 3,
	TREE_NOP = 4,
	TREE_END = 9,
};

static const unsigned char *blob;

uint32_t tree_cell(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
	       (uint32_t)bytes[2] << 8 | bytes[3];
}

uint64_t tree_cells(const unsigned char *bytes)
{
	return (uint64_t)tree_cell(bytes) << 32 | tree_cell(bytes + 4);
}

bool tree_use(const unsigned char *tree)
{
	blob = tree;
	return tree_cell(blob + HEADER_MAGIC) == TREE_MAGIC;
}

static bool begins_with(const char *text, const char *with)
{
	while (*with != '\0' && *text == *with) {
		text++;
		with++;
	}
	return *with == '\0';
}

static bool equal(const char *a, const char *b)
{
	return begins_with(a, b) && begins_with(b, a);
}

/* Names and values are padded to a whole cell. */
static uint32_t padded(uint32_t len)
{
	return (len + 3) & ~3u;
}

static uint32_t name_bytes(const unsigned char *name)
{
	uint32_t len = 0;

	while (name[len] != '\0')
		len++;
	return padded(len + 1);
}

uint32_t tree_boot_cpu(void)
{
	return tree_cell(blob + HEADER_BOOT_CPU);
}

const unsigned char *tree_nth_property(const char *node, uint32_t n,
				       const char *name, uint32_t *len)
{
	const unsigned char *at = blob + tree_cell(blob + HEADER_STRUCT);
	const char *strings = (const char *)blob +
			      tree_cell(blob + HEADER_STRINGS);
	bool inside = false;

	for (;;) {
		uint32_t token = tree_cell(at);

		at += 4;
		switch (token) {
		case TREE_BEGIN_NODE:
			inside = begins_with((const char *)at, node);
			at += name_bytes(at);
			break;
		case TREE_PROPERTY:
			*len = tree_cell(at);
			if (inside && equal(strings + tree_cell(at + 4), name))
				if (n-- == 0)
					return at + 8;
			at += 8 + padded(*len);
			break;
		case TREE_END_NODE:
			inside = false; /* properties precede sub-nodes */
			break;
		case TREE_NOP:
			break;
		default:
			return NULL;
		}
	}
}

const unsigned char *tree_property(const char *node, const char *name,
				   uint32_t *len)
{
	return tree_nth_property(node, 0, name, len);
}
