/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * trees.h - trees of bridges and functions, for Criterion tests.
 */
#ifndef TESTS_TREES_H
#define TESTS_TREES_H

#include "calls.h"

#define FUNCTIONS 64u

/* An instance with room for functions, and for nothing that has to do. */
struct tree {
	void *meta;
	struct bounce *bounce;
};

static inline void tree_begin(struct tree *tree, uint16_t functions)
{
	const struct bounce_config config = {
		.slabs = 1,
		.slab_chunks = 1,
		.functions = functions,
	};
	const struct bounce_env env = { .ctx = NULL };
	const struct bounce_monitor monitor = { .arch = &bounce_arch_none };
	size_t bytes = bounce_meta_size(&config);

	cr_assert_eq(posix_memalign(&tree->meta, BOUNCE_META_ALIGN, bytes), 0);
	cr_assert_eq(bounce_init(tree->meta, bytes, &config, &env, &monitor,
				 &tree->bounce),
		     BOUNCE_OK);
}

static inline void tree_end(struct tree *tree)
{
	cr_expect(bounce_topology_valid(tree->bounce));
	cr_expect(bounce_valid(tree->bounce));
	free(tree->meta);
}

static inline struct bounce_function *add_ok(struct tree *tree,
					     struct bounce_function_info info)
{
	struct bounce_function *function = NULL;

	cr_assert_eq(bounce_function_add(tree->bounce, &info, &function),
		     BOUNCE_OK, "devfn %#x", info.devfn);
	return function;
}

static inline uint8_t devfn(unsigned device, unsigned function)
{
	return (uint8_t)(device << 3 | function);
}

/* A bridge with one bus beneath it, or several. */
static inline struct bounce_function *bridge(struct tree *tree,
					     struct bounce_function *parent,
					     uint8_t place,
					     enum bounce_function_kind kind,
					     uint32_t buses)
{
	return add_ok(tree, (struct bounce_function_info) {
				    .parent = parent,
				    .devfn = place,
				    .kind = (uint8_t)kind,
				    .secondary = (uint8_t)(buses >> 8),
				    .subordinate = (uint8_t)buses,
			    });
}

static inline struct bounce_function *endpoint(struct tree *tree,
					       struct bounce_function *parent,
					       uint8_t place)
{
	return add_ok(tree, (struct bounce_function_info) {
				    .parent = parent,
				    .devfn = place,
			    });
}

static inline void expect_ids(const struct bounce_function *function,
			      uint32_t count, uint32_t first, uint32_t second)
{
	struct bounce_requesters got;

	bounce_function_requesters(function, &got);
	cr_expect_eq(got.count, count, "%u IDs", got.count);
	if (count > 0)
		cr_expect_eq(got.id[0], first, "%#x", got.id[0]);
	if (count > 1)
		cr_expect_eq(got.id[1], second, "%#x", got.id[1]);
}

#endif
