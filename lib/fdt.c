/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fdt.c - the library's own reader of flattened device trees. Owns nothing.
 *
 *   F1  Bytes of the tree are read in cell_at() and text_ends() alone, after
 *       the place was held against the block that it must be in. This does not
 *       lean on bounce_fdt_open(): the checks there say early and once what
 *       the others would find.
 *   F2  Every walk goes forward, by at least a cell a step, and a name is
 *       looked at for a bounded number of bytes: no tree makes a call take
 *       longer than its size does.
 *
 * Source: Devicetree Specification 0.4, chapter 5.
 */
#include <bounce/fdt.h>

#include "base.h"

/* Header, byte offsets: 5.2. */
#define HEADER_MAGIC 0u
#define HEADER_TOTAL 4u
#define HEADER_STRUCT 8u
#define HEADER_STRINGS 12u
#define HEADER_VERSION 20u
#define HEADER_LAST_COMPATIBLE 24u
#define HEADER_BOOT_CPU 28u
#define HEADER_STRINGS_BYTES 32u
#define HEADER_STRUCT_BYTES 36u
#define HEADER_BYTES 40u
#define MAGIC 0xd00dfeedu
#define VERSION 17u
#define CELL 4u

/* Tokens of the structure block: 5.4.1. */
enum token_kind {
	TOKEN_BEGIN_NODE = 1,
	TOKEN_END_NODE = 2,
	TOKEN_PROPERTY = 3,
	TOKEN_NOP = 4,
	TOKEN_END = 9,
};

/* A token, with what belongs to it; offsets into the structure block. */
struct token {
	uint32_t kind;
	uint32_t at; /* of a node's name, or of a property's value */
	uint32_t len; /* bytes of the value */
	uint32_t name; /* of a property: offset into the strings block */
	uint32_t next; /* token */
};

static const unsigned char *bytes_of(const struct bounce_fdt *fdt)
{
	return fdt->blob;
}

uint32_t bounce_fdt_cell(const void *value)
{
	const unsigned char *byte = value;

	return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 |
	       (uint32_t)byte[2] << 8 | byte[3];
}

/* ---- the only reads (F1) ---- */

/* A cell of the structure block. */
static bool cell_at(const struct bounce_fdt *fdt, uint32_t at, uint32_t *cell)
{
	if (fdt->structure_bytes < CELL || at > fdt->structure_bytes - CELL)
		return false;
	*cell = bounce_fdt_cell(bytes_of(fdt) + fdt->structure + at);
	return true;
}

/* Does a text end inside its block, after at most @most bytes? */
static bool text_ends(const unsigned char *block, uint32_t block_bytes,
		      uint32_t at, uint32_t most, uint32_t *len)
{
	for (uint32_t i = 0; i < most && at < block_bytes; i++, at++)
		if (block[at] == 0) {
			*len = i;
			return true;
		}
	return false;
}

/* ---- tokens ---- */

/* Up to the next cell; false when that is outside of the block. */
static bool align(const struct bounce_fdt *fdt, uint32_t at, uint32_t len,
		  uint32_t *next)
{
	if (!bounce_inside(at, len, 0, fdt->structure_bytes))
		return false;
	/* No wrap: a block of a tree is below 2^31 bytes. */
	*next = (at + len + CELL - 1) & ~(CELL - 1);
	return *next <= fdt->structure_bytes;
}

static bool read_node(const struct bounce_fdt *fdt, struct token *token)
{
	uint32_t len;

	return text_ends(bytes_of(fdt) + fdt->structure, fdt->structure_bytes,
			 token->at, BOUNCE_FDT_NAME, &len) &&
	       align(fdt, token->at, len + 1, &token->next);
}

static bool read_property(const struct bounce_fdt *fdt, struct token *token)
{
	uint32_t len;

	if (!cell_at(fdt, token->at, &token->len) ||
	    !cell_at(fdt, token->at + CELL, &token->name))
		return false;
	token->at += 2 * CELL;
	return align(fdt, token->at, token->len, &token->next) &&
	       text_ends(bytes_of(fdt) + fdt->strings, fdt->strings_bytes,
			 token->name, BOUNCE_FDT_NAME, &len);
}

static bool read_token(const struct bounce_fdt *fdt, uint32_t at,
		       struct token *token)
{
	if (!cell_at(fdt, at, &token->kind))
		return false;
	token->at = token->next = at + CELL;
	token->len = token->name = 0;
	switch (token->kind) {
	case TOKEN_BEGIN_NODE:
		return read_node(fdt, token);
	case TOKEN_PROPERTY:
		return read_property(fdt, token);
	case TOKEN_END_NODE:
	case TOKEN_NOP:
	case TOKEN_END:
		return true;
	default:
		return false;
	}
}

/* ---- open ---- */

/* What stands around a token, while the tree is checked. */
struct nesting {
	uint32_t depth;
	bool properties; /* may still come: before the first child */
	bool closed; /* the root is */
};

static enum bounce_err nest(struct nesting *nesting, uint32_t kind)
{
	switch (kind) {
	case TOKEN_BEGIN_NODE:
		if (nesting->closed)
			return BOUNCE_ERR_ARG;
		if (nesting->depth == BOUNCE_FDT_DEPTH)
			return BOUNCE_ERR_RANGE;
		nesting->depth++;
		nesting->properties = true;
		return BOUNCE_OK;
	case TOKEN_END_NODE:
		if (nesting->depth == 0)
			return BOUNCE_ERR_ARG;
		nesting->depth--;
		nesting->closed = nesting->depth == 0;
		nesting->properties = false;
		return BOUNCE_OK;
	case TOKEN_PROPERTY:
		return nesting->properties ? BOUNCE_OK : BOUNCE_ERR_ARG;
	default:
		return BOUNCE_OK;
	}
}

static enum bounce_err check_structure(const struct bounce_fdt *fdt)
{
	struct nesting nesting = { .depth = 0 };
	struct token token;
	enum bounce_err err;

	/* F2: each token is at least a cell. */
	for (uint32_t at = 0; read_token(fdt, at, &token); at = token.next) {
		if (token.kind == TOKEN_END)
			return nesting.closed ? BOUNCE_OK : BOUNCE_ERR_ARG;
		err = nest(&nesting, token.kind);
		if (err != BOUNCE_OK)
			return err;
	}
	return BOUNCE_ERR_ARG;
}

static const struct bounce_fdt_reader own_reader;

static bool version_fits(const unsigned char *header)
{
	return bounce_fdt_cell(header + HEADER_MAGIC) == MAGIC &&
	       bounce_fdt_cell(header + HEADER_VERSION) >= VERSION &&
	       bounce_fdt_cell(header + HEADER_LAST_COMPATIBLE) <= VERSION;
}

/* Where the two blocks are; false when that is outside of @size bytes. */
static bool take_blocks(struct bounce_fdt *fdt, const unsigned char *header,
			size_t size)
{
	uint32_t total = bounce_fdt_cell(header + HEADER_TOTAL);

	fdt->structure = bounce_fdt_cell(header + HEADER_STRUCT);
	fdt->structure_bytes = bounce_fdt_cell(header + HEADER_STRUCT_BYTES);
	fdt->strings = bounce_fdt_cell(header + HEADER_STRINGS);
	fdt->strings_bytes = bounce_fdt_cell(header + HEADER_STRINGS_BYTES);
	return total <= size && total <= INT32_MAX &&
	       fdt->structure % CELL == 0 &&
	       bounce_inside(fdt->structure, fdt->structure_bytes, 0, total) &&
	       bounce_inside(fdt->strings, fdt->strings_bytes, 0, total);
}

enum bounce_err bounce_fdt_open(struct bounce_fdt *fdt, const void *blob,
				size_t size)
{
	struct bounce_fdt open = { .reader = &own_reader, .blob = blob };
	enum bounce_err err;

	if (fdt == NULL || blob == NULL || size < HEADER_BYTES ||
	    !version_fits(blob) || !take_blocks(&open, blob, size))
		return BOUNCE_ERR_ARG;
	err = check_structure(&open);
	if (err == BOUNCE_OK)
		*fdt = open;
	return err;
}

uint32_t bounce_fdt_boot_cpu(const struct bounce_fdt *fdt)
{
	return bounce_fdt_cell(bytes_of(fdt) + HEADER_BOOT_CPU);
}

/* ---- the reader's hooks ---- */

/* The token of a node; false for what is none. */
static bool read_node_at(const struct bounce_fdt *fdt, int32_t node,
			 struct token *token)
{
	return node >= 0 && (uint32_t)node % CELL == 0 &&
	       read_token(fdt, (uint32_t)node, token) &&
	       token->kind == TOKEN_BEGIN_NODE;
}

/* @text is inside the strings block, and ends there. */
static bool equal(const unsigned char *text, const char *name)
{
	while (*text != 0 && *text == (unsigned char)*name) {
		text++;
		name++;
	}
	return *text == 0 && *name == '\0';
}

static const void *own_property(const struct bounce_fdt *fdt, int32_t node,
				const char *name, uint32_t *len)
{
	struct token token;

	if (!read_node_at(fdt, node, &token))
		return NULL;
	while (read_token(fdt, token.next, &token)) {
		if (token.kind == TOKEN_NOP)
			continue;
		if (token.kind != TOKEN_PROPERTY)
			break;
		if (!equal(bytes_of(fdt) + fdt->strings + token.name, name))
			continue;
		*len = token.len;
		return bytes_of(fdt) + fdt->structure + token.at;
	}
	return NULL;
}

static const char *own_name(const struct bounce_fdt *fdt, int32_t node)
{
	struct token token;

	if (!read_node_at(fdt, node, &token))
		return NULL;
	return (const char *)bytes_of(fdt) + fdt->structure + token.at;
}

static int32_t own_next(const struct bounce_fdt *fdt, int32_t node)
{
	struct token token = { .next = 0 };
	uint32_t at;

	if (node != BOUNCE_FDT_NONE && !read_node_at(fdt, node, &token))
		return BOUNCE_FDT_NONE;
	for (at = token.next; read_token(fdt, at, &token); at = token.next) {
		if (token.kind == TOKEN_BEGIN_NODE)
			return (int32_t)at;
		if (token.kind == TOKEN_END)
			break;
	}
	return BOUNCE_FDT_NONE;
}

static int32_t own_parent(const struct bounce_fdt *fdt, int32_t node)
{
	int32_t around[BOUNCE_FDT_DEPTH];
	uint32_t depth = 0;
	struct token token;

	for (uint32_t at = 0; read_token(fdt, at, &token); at = token.next) {
		if (token.kind == TOKEN_BEGIN_NODE) {
			if ((int32_t)at == node && depth > 0)
				return around[depth - 1];
			if ((int32_t)at == node || depth == BOUNCE_FDT_DEPTH)
				break;
			around[depth++] = (int32_t)at;
		} else if (token.kind == TOKEN_END_NODE && depth > 0) {
			depth--;
		} else if (token.kind == TOKEN_END) {
			break;
		}
	}
	return BOUNCE_FDT_NONE;
}

static int32_t own_phandle(const struct bounce_fdt *fdt, uint32_t phandle)
{
	int32_t node = BOUNCE_FDT_NONE;

	while ((node = own_next(fdt, node)) != BOUNCE_FDT_NONE) {
		uint32_t len;
		const void *value = own_property(fdt, node, "phandle", &len);

		if (value != NULL && len == CELL &&
		    bounce_fdt_cell(value) == phandle)
			break;
	}
	return node;
}

/* Where a part of a path ends. */
static const char *end_of_part(const char *path)
{
	while (*path != '\0' && *path != '/')
		path++;
	return path;
}

/* Is @name the part [part, end)? Without an address it fits any. */
static bool is_part(const char *name, const char *part, const char *end)
{
	bool address = false;

	for (; part < end && *name == *part; part++, name++)
		address |= *part == '@';
	return part == end && (*name == '\0' || (*name == '@' && !address));
}

/* The first child of @node that is [part, end). */
static int32_t child(const struct bounce_fdt *fdt, int32_t node,
		     const char *part, const char *end)
{
	uint32_t depth = 0; /* nodes open inside of @node */
	struct token token;

	if (!read_node_at(fdt, node, &token))
		return BOUNCE_FDT_NONE;
	for (uint32_t at = token.next; read_token(fdt, at, &token);
	     at = token.next) {
		if (token.kind == TOKEN_BEGIN_NODE) {
			if (depth++ == 0 &&
			    is_part(own_name(fdt, (int32_t)at), part, end))
				return (int32_t)at;
		} else if (token.kind == TOKEN_END ||
			   (token.kind == TOKEN_END_NODE && depth-- == 0)) {
			break;
		}
	}
	return BOUNCE_FDT_NONE;
}

static int32_t own_find(const struct bounce_fdt *fdt, const char *path)
{
	int32_t node = own_next(fdt, BOUNCE_FDT_NONE);

	if (*path != '/')
		return BOUNCE_FDT_NONE;
	while (*path != '\0' && node != BOUNCE_FDT_NONE) {
		const char *part = path + 1;

		path = end_of_part(part);
		if (path != part)
			node = child(fdt, node, part, path);
	}
	return node;
}

static const struct bounce_fdt_reader own_reader = {
	.property = own_property,
	.name = own_name,
	.parent = own_parent,
	.next = own_next,
	.phandle = own_phandle,
	.find = own_find,
};
