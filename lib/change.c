/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * change.c - devices in the topology: who shares a requester ID with whom, and
 * how that changes while CPUs map.
 *
 *   C1  Devices that share an ID have the same space; none of them wants to be
 *       alone, and either all are attested or none. Who would break that is
 *       ALIASED, and refused.
 *   C2  IDs change in one order only: the devices stop, the old IDs go out of
 *       use, the numbers are written, the new IDs hold, the epoch moves, the
 *       devices start.
 *   C3  `misplaced` is written before the epoch moves, and read after it (D1):
 *       no map that starts after bounce_topology_settle() goes by the old one.
 *   C4  An ID is out of the IOMMU, where that knows IDs, before a change of it
 *       begins: so it is when another device gets it.
 */
#include "instance.h"
#include "iommu.h"

/* ---- who shares an ID (C1) ---- */

static bool may_share(const struct bounce_device *a,
		      const struct bounce_device *b)
{
	return a->space == b->space && !a->alone && !b->alone &&
	       ((a->facts ^ b->facts) & BOUNCE_FACT_ATTESTED) == 0;
}

/* What the topology says of a device, beside those that have their place. */
static uint32_t look(const struct bounce_device *device)
{
	const struct bounce *bounce = device->bounce;

	if (device->function == NULL)
		return 0;
	if (device->function->requesters.count == 0)
		return BOUNCE_FACT_UNNUMBERED;
	for (uint32_t i = 0; i < bounce->config.devices; i++) {
		const struct bounce_device *other = &bounce->device[i];

		if (other != device && other->in_use && other->placed &&
		    bounce_function_alias(device->function, other->function) &&
		    !may_share(device, other))
			return BOUNCE_FACT_ALIASED;
	}
	return 0;
}

void bounce_topology_place(struct bounce_device *device)
{
	uint32_t misplaced = look(device);

	device->placed = device->function != NULL && misplaced == 0;
	/* relaxed: the epoch orders the change, or nobody knows the device. */
	atomic_store_explicit(&device->misplaced, misplaced,
			      memory_order_relaxed);
}

/* All devices anew: those that had their place keep it before the others. */
static void place_all(struct bounce *bounce)
{
	for (uint32_t turn = 0; turn < 2; turn++)
		for (uint32_t i = 0; i < bounce->config.devices; i++) {
			struct bounce_device *device = &bounce->device[i];
			/* relaxed: changes are serialised. */
			uint32_t was = atomic_load_explicit(
				&device->misplaced, memory_order_relaxed);

			if (turn == 0)
				device->placed = false;
			if (device->in_use && device->function != NULL &&
			    (was != 0) == (turn != 0))
				bounce_topology_place(device);
		}
}

void bounce_topology_leave(struct bounce_device *device)
{
	if (device->function == NULL)
		return;
	device->function->devices--;
	device->function = NULL;
	device->placed = false;
	place_all(device->bounce);
	bounce_epoch_advance(device->bounce);
}

/* ---- a change (C2) ---- */

void bounce_device_stop(struct bounce_device *device)
{
	device->stopped = true;
}

enum bounce_err bounce_device_start(struct bounce_device *device)
{
	/* relaxed: changes are serialised. */
	uint32_t misplaced = atomic_load_explicit(&device->misplaced,
						  memory_order_relaxed);

	if (bounce_function_changes(device->function))
		return BOUNCE_ERR_BUSY;
	if (misplaced != 0)
		return BOUNCE_ERR_REFUSED;
	device->stopped = false;
	return BOUNCE_OK;
}

/* Is @function @top, or beneath it? */
static bool is_beneath(const struct bounce_function *function,
		       const struct bounce_function *top)
{
	while (function != NULL && function != top)
		function = function->info.parent;
	return function == top;
}

static bool has_id(const struct bounce_function *function, uint32_t id)
{
	for (uint32_t i = 0; i < function->requesters.count; i++)
		if (function->requesters.id[i] == id)
			return true;
	return false;
}

/* Does a device that is not in a change go on with an ID? */
static bool goes_on(const struct bounce *bounce, uint32_t id)
{
	for (uint32_t i = 0; i < bounce->config.devices; i++) {
		const struct bounce_device *device = &bounce->device[i];

		if (device->in_use && device->placed &&
		    !bounce_function_changes(device->function) &&
		    has_id(device->function, id))
			return true;
	}
	return false;
}

/* Stopped, and out of its IOMMU (C4)? */
static bool is_ready(const struct bounce_device *device)
{
	const struct bounce_requesters *ids = &device->function->requesters;

	for (uint32_t i = 0; device->placed && i < ids->count; i++)
		if (bounce_iommu_holds(device->space, ids->id[i]) &&
		    !goes_on(device->bounce, ids->id[i]))
			return false;
	return device->stopped;
}

enum bounce_err bounce_topology_change(struct bounce_function *function)
{
	const struct bounce *bounce = function->bounce;
	bool was = function->changing;

	function->changing = true;
	for (uint32_t i = 0; i < bounce->config.devices; i++) {
		const struct bounce_device *device = &bounce->device[i];

		if (!device->in_use || device->function == NULL ||
		    !is_beneath(device->function, function) || is_ready(device))
			continue;
		function->changing = was;
		return BOUNCE_ERR_BUSY;
	}
	return BOUNCE_OK;
}

enum bounce_err bounce_topology_number(struct bounce_function *bridge,
				       uint8_t secondary, uint8_t subordinate)
{
	if (bridge->info.kind == BOUNCE_FUNCTION_ENDPOINT ||
	    subordinate < secondary || (secondary == 0 && subordinate != 0))
		return BOUNCE_ERR_ARG;
	if (!bounce_function_changes(bridge))
		return BOUNCE_ERR_BUSY;
	bridge->info.secondary = secondary;
	bridge->info.subordinate = subordinate;
	return BOUNCE_OK;
}

enum bounce_err bounce_topology_settle(struct bounce *bounce)
{
	if (!bounce_topology_nests(bounce))
		return BOUNCE_ERR_ARG;
	for (uint32_t i = 0; i < bounce->config.functions; i++)
		bounce->function[i].changing = false;
	bounce_topology_compute(bounce);
	place_all(bounce);
	/* C3: last. */
	bounce_epoch_advance(bounce);
	return BOUNCE_OK;
}
