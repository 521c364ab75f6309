/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * dynamic.c - dynamic windows: each mapping is in the IOMMU as long as it
 * lives, and no longer.
 *
 *   N1  A mapping is mapped in the IOMMU before it is published. Whoever ends
 *       it, unmaps and flushes before it copies back and leaves; so a call that
 *       ends a mapping returns after the flush.
 *   N2  What is mapped are whole slots of one mapping, or whole pages of its
 *       own buffer: in a dynamic space no slot is split.
 *   N3  What is not out of reach for certain, is never given back: its record
 *       is doomed (R5), and whoever is last out buries it with all it holds.
 *   N4  The bus addresses for callers' own pages are slots, too: of slabs in
 *       phase SLAB_OWN, that have no memory. Nobody looks for any.
 */
#include "instance.h"
#include "iommu.h"

static uint32_t access_of(const struct record_about *about)
{
	uint32_t access = 0;

	if (about->kind == RECORD_SHARED)
		return IOMMU_BOTH;
	if ((about->how & RECORD_TO) != 0)
		access |= BOUNCE_ACCESS_READ;
	if ((about->how & RECORD_FROM) != 0)
		access |= BOUNCE_ACCESS_WRITE;
	return access;
}

/* Is there a translation that is a mapping's own? Then which: its slots. */
static bool slots_of(const struct bounce_device *device, uint32_t record,
		     const struct record_about *about, struct bounce_run *slots)
{
	if ((about->how & RECORD_BYPASS) != 0 || about->kind == RECORD_BORN ||
	    (about->kind == RECORD_DIRECT &&
	     !bounce_is_own(device->bounce, record)))
		return false;
	bounce_record_run(device->bounce, record, about, slots);
	return true;
}

/* Slots as the IOMMU wants them. False: no IOMMU is in the way. */
static bool run_of(const struct bounce_space *space,
		   const struct bounce_run *slots, uint32_t access,
		   struct bounce_iommu_run *run)
{
	const struct bounce_slab *slab = &space->bounce->slab[slots->slab];
	uint64_t at = (uint64_t)slots->slot << BOUNCE_SLOT_SHIFT;
	const struct bounce_window *window;

	*run = (struct bounce_iommu_run) {
		.gpa = { slab->base.v + at },
		.len = (uint64_t)slots->slots << BOUNCE_SLOT_SHIFT,
		.access = access,
	};
	run->bus.v = space->bus[BOUNCE_PATH_BUS][slots->slab] + at;
	if (slab->memory == NULL)
		return true;
	/* Of all windows the one that the slab has its bus address from. */
	window = bounce_window_find(
		&space->windows, BOUNCE_PATH_BUS, slab->base,
		(uint64_t)slab->chunks << BOUNCE_CHUNK_SHIFT);
	return window != NULL &&
	       (window->flags & BOUNCE_WINDOW_TRANSLATED) != 0;
}

bool bounce_dynamic_run(const struct bounce_device *device, uint32_t record,
			const struct record_about *about,
			struct bounce_iommu_run *run)
{
	struct bounce_run slots;

	return slots_of(device, record, about, &slots) &&
	       run_of(device->space, &slots, access_of(about), run);
}

uint32_t bounce_dynamic_runs(const struct bounce_request *request,
			     const struct bounce_prepared *prepared,
			     struct bounce_iommu_run run[OWN_PARTS])
{
	if (!bounce_dynamic_run(request->queue->device, prepared->record,
				&prepared->about, run))
		return 0;
	if (prepared->about.kind == RECORD_DIRECT)
		return bounce_own_runs(request, prepared, run);
	return 1;
}

/* N3: the pages of a slab may be reached for ever. */
static void hold(const struct bounce_device *device, uint32_t record,
		 const struct record_about *about)
{
	struct bounce_run slots;

	if (about->kind == RECORD_DIRECT) {
		if (!bounce_own_ends(device->bounce, record, about, &slots))
			return;
	} else {
		bounce_record_run(device->bounce, record, about, &slots);
	}
	/* relaxed: retirement is far from here, and its order its own. */
	atomic_store_explicit(&device->bounce->slab[slots.slab].held, 1,
			      memory_order_relaxed);
}

enum bounce_err bounce_dynamic_open(const struct bounce_request *request,
				    const struct bounce_prepared *prepared)
{
	const struct bounce_device *device = request->queue->device;
	struct bounce_iommu_run run[OWN_PARTS];
	uint32_t count = bounce_dynamic_runs(request, prepared, run);
	enum bounce_err err;

	if (count == 0)
		return BOUNCE_OK;
	err = bounce_iommu_map(device->space, run, count);
	if (err == BOUNCE_ERR_LOST) {
		hold(device, prepared->record, &prepared->about);
		bounce_mapping_bury(device->bounce, prepared->record,
				    &prepared->about);
	} else if (err != BOUNCE_OK) {
		bounce_map_cancel(request, prepared);
	}
	return err;
}

enum bounce_err bounce_dynamic_close(const struct bounce_device *device,
				     uint32_t record,
				     const struct record_about *about)
{
	struct bounce_iommu_run run;
	enum bounce_err err;

	if (!bounce_dynamic_run(device, record, about, &run))
		return BOUNCE_OK;
	err = bounce_iommu_unmap(device->space, &run, 1);
	if (err == BOUNCE_OK)
		return err;
	hold(device, record, about);
	bounce_record_doom(&device->bounce->record[record]);
	return err;
}

/* ---- bus addresses for own pages: N4 ---- */

static uint64_t slab_most(const struct bounce *bounce)
{
	return (uint64_t)bounce->config.slab_chunks << BOUNCE_CHUNK_SHIFT;
}

bool bounce_own_valid(const struct bounce_space *space,
		      const struct bounce_iommu_info *iommu,
		      const struct bounce_translation *t)
{
	const struct bounce_window own = { .bus = t->own_bus,
					   .len = t->own_len };

	if (t->own_len == 0)
		return t->own_bus.v == 0;
	if ((t->flags & BOUNCE_TRANSLATION_DYNAMIC) == 0 ||
	    ((t->own_bus.v | t->own_len) & (BOUNCE_CHUNK_BYTES - 1)) != 0 ||
	    !bounce_window_valid(&own) ||
	    !bounce_iommu_translates(iommu, t->own_bus.v, t->own_len))
		return false;
	for (uint32_t i = 0; i < space->windows.count; i++)
		if (bounce_window_clash(&space->windows.window[i], &own))
			return false;
	return true;
}

/* The slab of the own pool that begins @at bytes into its bus addresses. */
static void open_slab(struct bounce_space *space, struct bounce_slab *slab,
		      uint64_t at)
{
	uint64_t len = bounce_min(space->translation.own_len - at,
				  slab_most(space->bounce));

	slab->base = (bounce_gpa_t) { 0 };
	slab->memory = NULL;
	slab->chunks = (uint32_t)(len >> BOUNCE_CHUNK_SHIFT);
	slab->all_chunks = bounce_low_bits(slab->chunks);
	slab->urgent_chunks = 0;
	space->bus[BOUNCE_PATH_BUS][slab->index] =
		space->translation.own_bus.v + at;
	/* relaxed: no device is attached yet, and none was since. */
	atomic_store_explicit(&slab->phase, SLAB_OWN, memory_order_relaxed);
	atomic_store_explicit(&slab->ready, 1, memory_order_relaxed);
	bounce_pool_publish(slab);
}

enum bounce_err bounce_own_open(struct bounce_space *space)
{
	struct bounce *bounce = space->bounce;
	uint64_t most = slab_most(bounce);
	uint64_t len = space->translation.own_len;
	uint64_t slabs = len / most + (len % most != 0);
	struct bounce_pool_info info = {
		.slabs = (uint16_t)slabs, .coherency = (uint8_t)space->coherency
	};
	enum bounce_err err;

	space->own = NULL;
	if (len == 0)
		return BOUNCE_OK;
	if (slabs > bounce->config.slabs)
		return BOUNCE_ERR_FULL;
	err = bounce_pool_init(bounce, &info, &space->own);
	if (err != BOUNCE_OK)
		return err;
	for (uint32_t i = 0; i < slabs; i++)
		open_slab(space, &bounce->slab[space->own->first_slab + i],
			  i * most);
	return BOUNCE_OK;
}

enum bounce_err bounce_own_abandon(struct bounce_space *space)
{
	const struct bounce_iommu_run all = {
		.bus = space->translation.own_bus,
		.len = space->translation.own_len,
		.access = IOMMU_BOTH,
	};

	return space->own == NULL ? BOUNCE_OK :
				    bounce_iommu_unmap(space, &all, 1);
}

void bounce_own_close(struct bounce_space *space)
{
	struct bounce_pool *own = space->own;

	if (own == NULL)
		return;
	for (uint32_t i = 0; i < own->slab_count; i++) {
		struct bounce_slab *slab =
			&space->bounce->slab[own->first_slab + i];

		/* No device is attached: what is claimed was lost (N3). */
		(void)bounce_pool_withdraw(own, slab);
		space->bus[BOUNCE_PATH_BUS][slab->index] = NO_BUS;
		slab->pool = NULL; /* nobody's, for good */
	}
	own->in_use = 0;
	space->own = NULL;
}
