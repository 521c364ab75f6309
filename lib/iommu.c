/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * iommu.c - the only caller of an IOMMU's backend; slabs in and out of it. I1
 * to I4 are in iommu.h.
 *
 * Owns translation, iommu and the counters of a space, and `held` of a slab.
 *
 * Source: docs/design.md 6.
 */
#include "iommu.h"

#include "instance.h"

/* ---- one hook, until it is done or no use ---- */

enum verb {
	VERB_MAP,
	VERB_UNMAP,
	VERB_FLUSH,
};

/* What is asked of a hook, and how far it has come. */
struct asking {
	struct bounce_space *space;
	enum verb verb;
	const struct bounce_iommu_run *run; /* the first that is not done */
	uint32_t count; /* from there on */
	uint64_t offset; /* bytes of it that are done */
};

static void count_call(struct bounce_space *space, enum verb verb)
{
	_Atomic uint64_t *counter = &space->map_calls;

	if (verb == VERB_UNMAP)
		counter = &space->unmap_calls;
	else if (verb == VERB_FLUSH)
		counter = &space->flush_calls;
	/* relaxed: a counter. */
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static uint64_t bytes_of(const struct bounce_iommu_run *run, uint32_t count)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < count; i++)
		bytes += run[i].len;
	return bytes;
}

static enum bounce_step call_hook(const struct asking *asking,
				  const struct bounce_iommu_run *run,
				  uint32_t count, uint64_t *done)
{
	const struct bounce_translation *t = &asking->space->translation;

	count_call(asking->space, asking->verb);
	switch (asking->verb) {
	case VERB_MAP:
		return t->iommu->map(t->ctx, run, count, done);
	case VERB_UNMAP:
		return t->iommu->unmap(t->ctx, run, count, done);
	case VERB_FLUSH:
	default:
		return t->iommu->flush(t->ctx, run, count);
	}
}

/* One call, about the rest; *@done is what it says, checked (I3). */
static enum bounce_step call(const struct asking *asking, uint64_t *done)
{
	struct bounce_iommu_run part = *asking->run;
	const struct bounce_iommu_run *run = asking->run;
	uint32_t count = asking->count;
	enum bounce_step step;
	uint64_t asked;

	if (asking->offset != 0) {
		/* The middle of a run: alone, the others when it is done. */
		part.bus.v += asking->offset;
		part.gpa.v += asking->offset;
		part.len -= asking->offset;
		run = &part;
		count = 1;
	}
	asked = bytes_of(run, count);
	*done = 0;
	step = call_hook(asking, run, count, done);
	if (asking->verb == VERB_FLUSH)
		*done = step == BOUNCE_STEP_DONE ? asked : 0;
	if ((step == BOUNCE_STEP_DONE && *done != asked) || *done > asked ||
	    (*done & (asking->space->iommu.page_bytes - 1)) != 0 ||
	    step > BOUNCE_STEP_UNKNOWN)
		return BOUNCE_STEP_UNKNOWN;
	return step;
}

static void advance(struct asking *asking, uint64_t done)
{
	done += asking->offset;
	while (asking->count != 0 && done >= asking->run->len) {
		done -= asking->run->len;
		asking->run++;
		asking->count--;
	}
	asking->offset = done;
}

static void pause_retry(const struct bounce_space *space)
{
	const struct bounce_env *env = &space->bounce->env;

	if (env->relax != NULL)
		env->relax(env->ctx);
	else
		bounce_cpu_relax();
}

/* All of it, or the step that ended it. */
static enum bounce_step ask(struct bounce_space *space, enum verb verb,
			    const struct bounce_iommu_run *run, uint32_t count)
{
	struct asking asking = { space, verb, run, count, 0 };
	uint32_t idle = 0;

	while (asking.count != 0) {
		uint64_t done;
		enum bounce_step step = call(&asking, &done);

		if (step != BOUNCE_STEP_DONE && step != BOUNCE_STEP_RETRY)
			return step;
		advance(&asking, done);
		idle = done == 0 ? idle + 1 : 0;
		if (idle > IOMMU_RETRIES)
			return BOUNCE_STEP_RETRY;
		if (step == BOUNCE_STEP_RETRY && asking.count != 0)
			pause_retry(space);
	}
	return BOUNCE_STEP_DONE;
}

/* ---- all or nothing ---- */

bool bounce_iommu_take(struct bounce_space *space,
		       const struct bounce_iommu_run *run, uint32_t count)
{
	bool gone = ask(space, VERB_UNMAP, run, count) == BOUNCE_STEP_DONE;

	/* I2: the flush also when the unmap failed; some of it is better. */
	if (space->translation.iommu->flush != NULL)
		gone &= ask(space, VERB_FLUSH, run, count) == BOUNCE_STEP_DONE;
	return gone;
}

enum bounce_err bounce_iommu_unmap(struct bounce_space *space,
				   const struct bounce_iommu_run *run,
				   uint32_t count)
{
	if (bounce_iommu_take(space, run, count))
		return BOUNCE_OK;
	/* relaxed: a counter. */
	atomic_fetch_add_explicit(&space->lost_bytes, bytes_of(run, count),
				  memory_order_relaxed);
	return BOUNCE_ERR_LOST;
}

enum bounce_err bounce_iommu_put(struct bounce_space *space,
				 const struct bounce_iommu_run *run,
				 uint32_t count)
{
	enum bounce_step step = ask(space, VERB_MAP, run, count);

	if (step != BOUNCE_STEP_DONE)
		return step == BOUNCE_STEP_RETRY ? BOUNCE_ERR_BUSY :
						   BOUNCE_ERR_HOST;
	/* relaxed: a counter. */
	atomic_fetch_add_explicit(&space->mapped_bytes, bytes_of(run, count),
				  memory_order_relaxed);
	return BOUNCE_OK;
}

enum bounce_err bounce_iommu_map(struct bounce_space *space,
				 const struct bounce_iommu_run *run,
				 uint32_t count)
{
	enum bounce_err err = bounce_iommu_put(space, run, count);

	/* I1: which of them are mapped is not known; unmapping all is right. */
	if (err != BOUNCE_OK &&
	    bounce_iommu_unmap(space, run, count) != BOUNCE_OK)
		return BOUNCE_ERR_LOST;
	return err;
}

void bounce_iommu_ask(const struct bounce_space *space,
		      struct bounce_iommu_info *info)
{
	const struct bounce_translation *t = &space->translation;

	if (t->iommu != NULL)
		t->iommu->info(t->ctx, info);
}

bool bounce_iommu_holds(const struct bounce_space *space, uint32_t requester)
{
	const struct bounce_translation *t = &space->translation;

	return t->iommu != NULL && t->iommu->holds != NULL &&
	       t->iommu->holds(t->ctx, requester);
}

/* ---- slabs ---- */

bool bounce_iommu_translates(const struct bounce_iommu_info *iommu,
			     uint64_t bus, uint64_t len)
{
	if (bus < iommu->first.v || bus > iommu->last.v ||
	    len - 1 > iommu->last.v - bus)
		return false;
	for (uint32_t i = 0; i < iommu->ranges; i++)
		if (bus <= iommu->range[i].last.v &&
		    iommu->range[i].first.v <= bus + (len - 1))
			return false;
	return true;
}

bool bounce_iommu_reaches(const struct bounce_space *space, uint64_t bus,
			  uint64_t len)
{
	return space->translation.iommu == NULL ||
	       bounce_iommu_translates(&space->iommu, bus, len);
}

/* Is a slab in a translated window of the space? Then where. */
static bool slab_run(const struct bounce_space *space,
		     const struct bounce_slab *slab,
		     struct bounce_iommu_run *run)
{
	uint64_t len = (uint64_t)slab->chunks << BOUNCE_CHUNK_SHIFT;
	const struct bounce_window *window;

	if (space->translation.iommu == NULL ||
	    space->bus[BOUNCE_PATH_BUS][slab->index] == NO_BUS)
		return false;
	window = bounce_window_find(&space->windows, BOUNCE_PATH_BUS,
				    slab->base, len);
	if (window == NULL || (window->flags & BOUNCE_WINDOW_TRANSLATED) == 0)
		return false;
	*run = (struct bounce_iommu_run) {
		.gpa = slab->base,
		.len = len,
		.access = IOMMU_BOTH,
	};
	return bounce_window_bus(&space->windows, BOUNCE_PATH_BUS, slab->base,
				 len, &run->bus);
}

static bool is_static(const struct bounce_space *space)
{
	return (space->translation.flags & BOUNCE_TRANSLATION_DYNAMIC) == 0;
}

/* A slab in one space; OK also where there is nothing to do. In a dynamic one
 * mappings are what is mapped; they go, whatever there is. */
static enum bounce_err change_slab(struct bounce_space *space,
				   const struct bounce_slab *slab, bool map)
{
	struct bounce_iommu_run run;

	if (!space->in_use || space->pool != slab->pool ||
	    (map && !is_static(space)) || !slab_run(space, slab, &run))
		return BOUNCE_OK;
	return map ? bounce_iommu_map(space, &run, 1) :
		     bounce_iommu_unmap(space, &run, 1);
}

/* In the first @spaces of the instance; goes on past what is lost. */
static enum bounce_err close_in(struct bounce_slab *slab, uint32_t spaces)
{
	struct bounce *bounce = slab->pool->bounce;
	enum bounce_err result = BOUNCE_OK;

	while (spaces-- > 0)
		if (change_slab(&bounce->space[spaces], slab, false) !=
		    BOUNCE_OK)
			result = BOUNCE_ERR_LOST;
	return result;
}

enum bounce_err bounce_iommu_open(struct bounce_pool *pool,
				  struct bounce_slab *slab)
{
	struct bounce *bounce = pool->bounce;

	for (uint32_t i = 0; i < bounce->config.spaces; i++) {
		enum bounce_err err = change_slab(&bounce->space[i], slab,
						  true);

		if (err == BOUNCE_OK)
			continue;
		if (close_in(slab, i) != BOUNCE_OK)
			err = BOUNCE_ERR_LOST;
		return err;
	}
	return BOUNCE_OK;
}

enum bounce_err bounce_iommu_close(struct bounce_pool *pool,
				   struct bounce_slab *slab)
{
	enum bounce_err err = close_in(slab, pool->bounce->config.spaces);

	/* relaxed: no mapping of it is being ended. */
	return atomic_load_explicit(&slab->held, memory_order_relaxed) != 0 ?
		       BOUNCE_ERR_LOST :
		       err;
}

/* ---- a space gets an IOMMU, and loses it ---- */

/* A slab of the space's pool that slots are claimed from, or NULL. */
static struct bounce_slab *ready_slab(const struct bounce_space *space,
				      uint32_t index)
{
	struct bounce_slab *slab =
		&space->bounce->slab[space->pool->first_slab + index];

	/* acquire: pairs with put_back() in grow.c: base and chunks are set. */
	return atomic_load_explicit(&slab->phase, memory_order_acquire) ==
			       SLAB_READY ?
		       slab :
		       NULL;
}

static void hold(struct bounce_slab *slab)
{
	/* relaxed: whoever retires it comes later, by the caller's order. */
	atomic_store_explicit(&slab->held, 1, memory_order_relaxed);
}

/* The first @end slabs of the pool are to be forgotten. */
static enum bounce_err forget(struct bounce_space *space, uint32_t end)
{
	enum bounce_err result = BOUNCE_OK;

	while (end-- > 0) {
		struct bounce_slab *slab = ready_slab(space, end);

		if (slab == NULL ||
		    change_slab(space, slab, false) == BOUNCE_OK)
			continue;
		/* Never given back; its slots may be used on (I1). */
		hold(slab);
		result = BOUNCE_ERR_LOST;
	}
	return result;
}

static enum bounce_err learn(struct bounce_space *space)
{
	uint32_t slabs = space->pool == NULL ? 0 : space->pool->slab_count;

	for (uint32_t i = 0; i < slabs; i++) {
		struct bounce_slab *slab = ready_slab(space, i);
		enum bounce_err err = BOUNCE_OK;

		if (slab != NULL)
			err = change_slab(space, slab, true);
		if (err == BOUNCE_OK)
			continue;
		if (err == BOUNCE_ERR_LOST)
			hold(slab);
		if (forget(space, i) != BOUNCE_OK)
			err = BOUNCE_ERR_LOST;
		return err;
	}
	return BOUNCE_OK;
}

enum bounce_err bounce_iommu_leave(struct bounce_space *space)
{
	enum bounce_err err = BOUNCE_OK;

	if (space->translation.iommu == NULL)
		return BOUNCE_OK;
	if (space->pool != NULL)
		err = forget(space, space->pool->slab_count);
	bounce_own_close(space);
	space->translation = (struct bounce_translation) { .iommu = NULL };
	return err;
}

static bool hooks_valid(const struct bounce_translation *t)
{
	return t->iommu != NULL && t->iommu->info != NULL &&
	       t->iommu->map != NULL && t->iommu->unmap != NULL &&
	       (t->flags & ~(uint32_t)BOUNCE_TRANSLATION_DYNAMIC) == 0 &&
	       (t->attributes &
		~(uint32_t)(BOUNCE_IOMMU_READ_ONLY | BOUNCE_IOMMU_WRITE_ONLY |
			    BOUNCE_IOMMU_SNOOP)) == 0 &&
	       (t->reserved[0] | t->reserved[1]) == 0;
}

/* Does a page of each translated window lie in one page of the guest? */
static bool windows_of_pages(const struct bounce_space *space,
			     uint64_t page_bytes)
{
	for (uint32_t i = 0; i < space->windows.count; i++) {
		const struct bounce_window *window = &space->windows.window[i];

		if ((window->flags & BOUNCE_WINDOW_TRANSLATED) != 0 &&
		    ((window->bus.v - window->gpa.v) & (page_bytes - 1)) != 0)
			return false;
	}
	return true;
}

/* Pages that slabs and slots are made of, at a place where they can be. */
static bool pages_valid(const struct bounce_space *space,
			const struct bounce_iommu_info *iommu,
			const struct bounce_translation *t)
{
	bool dynamic = (t->flags & BOUNCE_TRANSLATION_DYNAMIC) != 0;
	uint64_t most = dynamic ? BOUNCE_SLOT_BYTES : BOUNCE_CHUNK_BYTES;

	if (!bounce_is_power(iommu->page_bytes) || iommu->page_bytes > most ||
	    iommu->ranges > BOUNCE_IOMMU_RANGES ||
	    iommu->first.v > iommu->last.v ||
	    !bounce_own_valid(space, iommu, t))
		return false;
	return windows_of_pages(space, iommu->page_bytes);
}

/* An attribute that may not be honoured is not dropped in silence. */
static bool translation_valid(const struct bounce_translation *t,
			      const uint32_t *unhonoured)
{
	return t != NULL && hooks_valid(t) &&
	       (unhonoured != NULL || t->attributes == 0);
}

enum bounce_err bounce_space_set_iommu(struct bounce_space *space,
				       const struct bounce_translation *t,
				       uint32_t *unhonoured)
{
	struct bounce_iommu_info info = { .page_bytes = 0 };
	enum bounce_err err;

	if (space == NULL || !translation_valid(t, unhonoured))
		return BOUNCE_ERR_ARG;
	if (space->devices != 0 || space->translation.iommu != NULL)
		return BOUNCE_ERR_BUSY;
	t->iommu->info(t->ctx, &info);
	if (!pages_valid(space, &info, t))
		return BOUNCE_ERR_ARG;
	space->iommu = info;
	space->translation = *t;
	bounce_space_place_all(space);
	err = bounce_own_open(space);
	if (err == BOUNCE_OK)
		err = learn(space);
	if (err != BOUNCE_OK) {
		bounce_own_close(space);
		space->translation = (struct bounce_translation) {
			.iommu = NULL,
		};
		bounce_space_place_all(space);
		return err;
	}
	space->unhonoured = t->attributes & ~info.attributes;
	if (unhonoured != NULL)
		*unhonoured = space->unhonoured;
	return BOUNCE_OK;
}
