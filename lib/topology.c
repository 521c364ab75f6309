/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * topology.c - which requester ID an IOMMU sees: what each bridge on the way
 * up does to the IDs that come from beneath it.
 *
 * Owns the functions (T1 .. T3). What follows from it for devices is settled
 * in change.c.
 *
 * Source: PCI Express to PCI/PCI-X Bridge Specification 1.0, 2.3.
 * Source: drivers/pci/search.c.
 * Source: PCI-to-PCI Bridge Architecture Specification 1.2, 3.2.5.
 */
#include "topology.h"

#include "instance.h"

#define FUNCTION_FLAGS \
	((uint32_t)(BOUNCE_FUNCTION_ALIAS | BOUNCE_FUNCTION_ALIAS_ONLY))

/* ---- IDs: pure ---- */

/* The bus that a function stands on; 0 beneath a bridge: none yet. */
static uint32_t bus_of(const struct bounce_function_info *info)
{
	return info->parent == NULL ? info->root_bus :
				      info->parent->info.secondary;
}

static uint32_t id_of(const struct bounce_function_info *info, uint32_t devfn)
{
	return (uint32_t)info->segment << 16 | bus_of(info) << 8 | devfn;
}

static bool has_id(const struct bounce_requesters *set, uint32_t id)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (set->id[i] == id)
			return true;
	return false;
}

static void add_id(struct bounce_requesters *set, uint32_t id)
{
	if (!has_id(set, id)) {
		bounce_assert(set->count < BOUNCE_REQUESTERS); /* T1 */
		set->id[set->count++] = id;
	}
}

static struct bounce_requesters only(uint32_t id)
{
	return (struct bounce_requesters) { .count = 1, .id = { id } };
}

/* What comes out above a bridge of what goes in beneath it. */
static void pass(const struct bounce_function_info *bridge,
		 struct bounce_requesters *set)
{
	const struct bounce_requesters below = *set;
	uint32_t owned = (uint32_t)bridge->segment << 16 |
			 (uint32_t)bridge->secondary << 8;

	switch ((enum bounce_function_kind)bridge->kind) {
	case BOUNCE_FUNCTION_ENDPOINT:
	case BOUNCE_FUNCTION_PORT:
		break;
	case BOUNCE_FUNCTION_PCIE_TO_PCI:
		*set = only(owned);
		break;
	case BOUNCE_FUNCTION_PCIE_TO_PCIX:
		add_id(set, owned);
		break;
	case BOUNCE_FUNCTION_PCIX_MASK:
		set->count = 0;
		for (uint32_t i = 0; i < below.count; i++)
			add_id(set, below.id[i] & ~UINT32_C(0xff));
		break;
	case BOUNCE_FUNCTION_PCI_TO_PCI:
	case BOUNCE_FUNCTION_PCI_TO_PCIE:
		*set = only(id_of(bridge, bridge->devfn));
		break;
	}
}

static struct bounce_requesters compute(const struct bounce_function *function)
{
	const struct bounce_function_info *info = &function->info;
	const struct bounce_function *above;
	struct bounce_requesters set = { .count = 0 };

	/* T1: it ends. */
	for (above = info->parent; above != NULL; above = above->info.parent)
		if (above->info.secondary == 0)
			return set;
	if ((info->flags & BOUNCE_FUNCTION_ALIAS_ONLY) == 0)
		add_id(&set, id_of(info, info->devfn));
	if (info->flags != 0)
		add_id(&set, id_of(info, info->alias_devfn));
	for (above = info->parent; above != NULL; above = above->info.parent)
		pass(&above->info, &set);
	return set;
}

void bounce_topology_compute(struct bounce *bounce)
{
	for (uint32_t i = 0; i < bounce->config.functions; i++)
		if (bounce->function[i].in_use)
			bounce->function[i].requesters =
				compute(&bounce->function[i]);
}

bool bounce_function_alias(const struct bounce_function *a,
			   const struct bounce_function *b)
{
	for (uint32_t i = 0; i < a->requesters.count; i++)
		if (has_id(&b->requesters, a->requesters.id[i]))
			return true;
	return false;
}

/* ---- numbers: pure ---- */

static bool is_bridge(const struct bounce_function_info *info)
{
	return info->kind != BOUNCE_FUNCTION_ENDPOINT;
}

/* Are a bridge's buses above its own, and inside its parent's? */
static bool numbers_fit(const struct bounce_function_info *info)
{
	const struct bounce_function *parent = info->parent;

	if (info->secondary == 0)
		return info->subordinate == 0;
	if (!is_bridge(info) || info->subordinate < info->secondary)
		return false;
	if (parent == NULL)
		return info->secondary > info->root_bus;
	/* Beneath a bridge without numbers nobody can reach it yet. */
	return parent->info.secondary == 0 ||
	       (info->secondary > parent->info.secondary &&
		info->subordinate <= parent->info.subordinate);
}

/* Side by side: beneath the same bridge, or on root buses of a segment. */
static bool are_peers(const struct bounce_function_info *a,
		      const struct bounce_function_info *b)
{
	return a->parent == b->parent && a->segment == b->segment;
}

static bool is_among(uint32_t bus, const struct bounce_function_info *bridge)
{
	return bus >= bridge->secondary && bus <= bridge->subordinate;
}

/* Does @a, a bridge with numbers, leave @b, a peer, its buses and its own? */
static bool are_apart(const struct bounce_function_info *a,
		      const struct bounce_function_info *b)
{
	if (a->parent == NULL && is_among(b->root_bus, a))
		return false;
	return b->secondary == 0 ||
	       (!is_among(b->secondary, a) && !is_among(a->secondary, b));
}

static bool numbers_clash(const struct bounce *bounce,
			  const struct bounce_function_info *info)
{
	for (uint32_t i = 0; i < bounce->config.functions; i++) {
		const struct bounce_function *peer = &bounce->function[i];

		if (!peer->in_use || &peer->info == info ||
		    !are_peers(&peer->info, info))
			continue;
		if (info->secondary != 0 && !are_apart(info, &peer->info))
			return true;
		if (peer->info.secondary != 0 && !are_apart(&peer->info, info))
			return true;
	}
	return false;
}

bool bounce_topology_nests(const struct bounce *bounce)
{
	for (uint32_t i = 0; i < bounce->config.functions; i++) {
		const struct bounce_function *function = &bounce->function[i];

		if (function->in_use &&
		    (!numbers_fit(&function->info) ||
		     numbers_clash(bounce, &function->info)))
			return false;
	}
	return true;
}

bool bounce_function_changes(const struct bounce_function *function)
{
	for (; function != NULL; function = function->info.parent)
		if (function->changing)
			return true;
	return false;
}

/* ---- add and remove ---- */

static bool parent_valid(const struct bounce *bounce,
			 const struct bounce_function_info *info)
{
	const struct bounce_function *parent = info->parent;

	return parent->bounce == bounce && parent->in_use &&
	       is_bridge(&parent->info) && info->segment == 0 &&
	       info->root_bus == 0;
}

static bool info_valid(const struct bounce *bounce,
		       const struct bounce_function_info *info)
{
	uint32_t flags = info->flags;

	for (size_t i = 0; i < sizeof(info->reserved); i++)
		if (info->reserved[i] != 0)
			return false;
	if (info->parent != NULL && !parent_valid(bounce, info))
		return false;
	return info->kind <= BOUNCE_FUNCTION_PCI_TO_PCIE &&
	       (flags & ~FUNCTION_FLAGS) == 0 && flags != FUNCTION_FLAGS &&
	       (flags != 0 || info->alias_devfn == 0);
}

static bool place_taken(const struct bounce *bounce,
			const struct bounce_function_info *info)
{
	for (uint32_t i = 0; i < bounce->config.functions; i++) {
		const struct bounce_function *other = &bounce->function[i];

		if (other->in_use && are_peers(&other->info, info) &&
		    other->info.root_bus == info->root_bus &&
		    other->info.devfn == info->devfn)
			return true;
	}
	return false;
}

/* T1: bridges above, and IDs when no two are the same. */
static bool is_bounded(const struct bounce_function_info *info)
{
	uint32_t ids = info->flags == BOUNCE_FUNCTION_ALIAS ? 2 : 1;
	uint32_t bridges = 0;

	for (const struct bounce_function *above = info->parent; above != NULL;
	     above = above->info.parent) {
		uint32_t kind = above->info.kind;

		if (++bridges > BOUNCE_TOPOLOGY_DEPTH)
			return false;
		if (kind == BOUNCE_FUNCTION_PCIE_TO_PCIX)
			ids++;
		else if (kind != BOUNCE_FUNCTION_PORT &&
			 kind != BOUNCE_FUNCTION_PCIX_MASK)
			ids = 1;
		if (ids > BOUNCE_REQUESTERS)
			return false;
	}
	return true;
}

static struct bounce_function *free_function(struct bounce *bounce)
{
	for (uint32_t i = 0; i < bounce->config.functions; i++)
		if (!bounce->function[i].in_use)
			return &bounce->function[i];
	return NULL;
}

static bool is_changing(const struct bounce *bounce)
{
	for (uint32_t i = 0; i < bounce->config.functions; i++)
		if (bounce->function[i].changing)
			return true;
	return false;
}

/* Is there such a place, with such numbers? */
static enum bounce_err judge(const struct bounce *bounce,
			     const struct bounce_function_info *info)
{
	if (place_taken(bounce, info) || !numbers_fit(info) ||
	    numbers_clash(bounce, info))
		return BOUNCE_ERR_ARG;
	return is_bounded(info) ? BOUNCE_OK : BOUNCE_ERR_RANGE;
}

enum bounce_err bounce_function_add(struct bounce *bounce,
				    const struct bounce_function_info *info,
				    struct bounce_function **function)
{
	struct bounce_function_info i;
	struct bounce_function *f;
	enum bounce_err err;

	if (bounce == NULL || info == NULL || function == NULL ||
	    !info_valid(bounce, info))
		return BOUNCE_ERR_ARG;
	if (is_changing(bounce))
		return BOUNCE_ERR_BUSY;
	i = *info;
	if (i.parent != NULL)
		i.segment = i.parent->info.segment;
	err = judge(bounce, &i);
	if (err != BOUNCE_OK)
		return err;
	f = free_function(bounce);
	if (f == NULL)
		return BOUNCE_ERR_FULL;
	*f = (struct bounce_function) {
		.bounce = bounce,
		.in_use = true,
		.info = i,
	};
	f->requesters = compute(f);
	if (i.parent != NULL)
		i.parent->children++;
	*function = f;
	return BOUNCE_OK;
}

enum bounce_err bounce_function_remove(struct bounce_function *function)
{
	if (function == NULL || !function->in_use)
		return BOUNCE_ERR_ARG;
	if (function->children != 0 || function->devices != 0 ||
	    is_changing(function->bounce))
		return BOUNCE_ERR_BUSY;
	if (function->info.parent != NULL)
		function->info.parent->children--;
	function->in_use = false;
	return BOUNCE_OK;
}

void bounce_function_requesters(const struct bounce_function *function,
				struct bounce_requesters *requesters)
{
	*requesters = function->requesters;
}

/* ---- checking ---- */

bool bounce_function_valid(const struct bounce_function *function)
{
	struct bounce_requesters now;

	/* Before anything is computed: the walk ends, and its set has room. */
	if (!is_bounded(&function->info))
		return false;
	if (bounce_function_changes(function))
		return true;
	now = compute(function);
	for (uint32_t i = 0; i < now.count; i++)
		if (now.id[i] != function->requesters.id[i])
			return false;
	return now.count == function->requesters.count;
}

bool bounce_topology_valid(const struct bounce *bounce)
{
	for (uint32_t i = 0; i < bounce->config.functions; i++)
		if (bounce->function[i].in_use &&
		    !bounce_function_valid(&bounce->function[i]))
			return false;
	return is_changing(bounce) || bounce_topology_nests(bounce);
}
