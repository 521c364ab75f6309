/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * pool.c - where to claim: the search for a run, cheapest place first.
 *
 * Owns no word of the tree; tree.h claims. P1 to P7 are in pool.h. There is no
 * undo: each claim is one compare-and-swap of one word, and what a failed
 * search has moved (sealed an empty chunk) is as good as before.
 */
#include "pool.h"

#include "quick.h"

/* Chunks of other lanes that a search passes by before it takes a fresh one. */
#define LANE_PATIENCE 8

/* A search for slots of one size class. */
struct search {
	struct bounce_pool *pool;
	const struct bounce_place *place;
	const struct pool_client *client;
	enum pool_class class;
	uint32_t units;
	bool scarce;
};

uint64_t bounce_slab_bus(const struct bounce_pool *pool,
			 const struct pool_client *client, uint32_t slab)
{
	/*
	 * acquire: pairs with the store of `ready` in grow.c. Without it base,
	 * size and bus of a slab that another CPU has just grown could be read
	 * as they were before (P6).
	 */
	if (atomic_load_explicit(&pool->bounce->slab[slab].ready,
				 memory_order_acquire) == 0)
		return NO_BUS;
	return client->bus[slab];
}

/* Is a ready slab's memory of another node than the client's CPU? */
static bool is_far(const struct bounce_pool *pool,
		   const struct pool_client *client, uint32_t slab)
{
	uint32_t node;

	/* relaxed, all three: advice (P7). */
	if (atomic_load_explicit(&pool->homes, memory_order_relaxed) == 0)
		return false;
	node = atomic_load_explicit(&client->hint->node, memory_order_relaxed);
	return atomic_load_explicit(&pool->bounce->slab[slab].node,
				    memory_order_relaxed) != node;
}

/* Where in chunk @chunk a run may start, as far as addresses go. */
static uint64_t chunk_starts(const struct search *search, uint64_t bus,
			     uint32_t chunk)
{
	return bounce_window_starts(
		search->place, bus + ((uint64_t)chunk << BOUNCE_CHUNK_SHIFT));
}

/* ---- the search for slots, cheapest place first ---- */

/* Record where a run is, and look there first next time. */
static void found(const struct search *search, uint32_t slab, uint32_t chunk,
		  uint32_t bit, struct bounce_run *run)
{
	const struct bounce *bounce = search->pool->bounce;
	const struct pool_chunk *c = &bounce->slab[slab].chunk[chunk];

	/* A hint stays on its node. */
	if (!is_far(search->pool, search->client, slab))
		quick_prefer(&search->client->hint->chunk[search->class],
			     (uint32_t)(c - bounce->chunk));
	*run = (struct bounce_run) {
		.slab = slab,
		.slot = chunk * SLOTS_PER_CHUNK + bit,
		.slots = search->units,
		.block = NO_BLOCK,
	};
}

/* Try one active chunk. */
static bool try_chunk(const struct search *search, uint32_t slab, uint64_t bus,
		      uint32_t chunk, struct bounce_run *run)
{
	struct bounce_slab *s = &search->pool->bounce->slab[slab];
	int bit = tree_claim(&s->chunk[chunk].bits, search->units,
			     chunk_starts(search, bus, chunk));

	if (bit < 0)
		return false;
	found(search, slab, chunk, (uint32_t)bit, run);
	return true;
}

/* Where the last run of this class was, or was given back. */
static bool try_hint(const struct search *search, struct bounce_run *run)
{
	const struct bounce_pool *pool = search->pool;
	const struct bounce *bounce = pool->bounce;
	/* relaxed: advice (P7), checked against the pool's range below. */
	uint32_t hint = atomic_load_explicit(
		&search->client->hint->chunk[search->class],
		memory_order_relaxed);
	uint32_t chunk;
	uint32_t slab;
	uint64_t bus;

	if (hint >= bounce->chunks)
		return false;
	slab = bounce->chunk[hint].slab;
	chunk = bounce->chunk[hint].slot / SLOTS_PER_CHUNK;
	if (slab - pool->first_slab >= pool->slab_count)
		return false;
	bus = bounce_slab_bus(search->pool, search->client, slab);
	if (bus == NO_BUS ||
	    (bounce_slab_open(&bounce->slab[slab], search->client) >> chunk &
	     1) == 0)
		return false;
	return try_chunk(search, slab, bus, chunk, run);
}

/* Chunks that are said to have room, the lowest first; @own: of our lane. */
static bool try_avail(const struct search *search, uint32_t slab, uint64_t bus,
		      bool own, struct bounce_run *run)
{
	struct bounce_slab *s = &search->pool->bounce->slab[slab];
	/* relaxed: advice (P7). */
	uint64_t avail = atomic_load_explicit(
		&s->avail[tree_level(search->units)], memory_order_relaxed);
	unsigned patience = LANE_PATIENCE;

	for (avail &= bounce_slab_open(s, search->client); avail != 0;
	     avail &= avail - 1) {
		uint32_t chunk = bounce_lowest(avail);

		/* relaxed: advice; lanes that do not meet do not wait for one
		 * another's cache lines. */
		if (own && atomic_load_explicit(&s->chunk[chunk].lane,
						memory_order_relaxed) !=
				   search->client->lane) {
			if (--patience == 0)
				return false;
			continue;
		}
		if (try_chunk(search, slab, bus, chunk, run))
			return true;
		bounce_tree_miss(s, chunk, search->units);
	}
	return false;
}

/* P8: would any start in the chunk do for whatever the device may ask? */
static uint32_t lane_for(const struct search *search, uint32_t slab,
			 uint64_t bus, uint32_t chunk)
{
	const struct bounce_place *place = search->place;
	uint64_t first = bus + ((uint64_t)chunk << BOUNCE_CHUNK_SHIFT);
	uint64_t last = first + (BOUNCE_CHUNK_BYTES - 1);

	if (search->client->urgent ||
	    is_far(search->pool, search->client, slab) || last < first ||
	    last > place->last ||
	    (first & ~place->boundary) != (last & ~place->boundary))
		return NO_LANE;
	return search->client->lane;
}

/* A fresh chunk; its fit is known before it is taken, so nothing is undone. */
static bool try_fresh(const struct search *search, uint32_t slab, uint64_t bus,
		      struct bounce_run *run)
{
	struct bounce_slab *s = &search->pool->bounce->slab[slab];
	/* relaxed: a guess; bounce_tree_take() decides. */
	uint64_t left = atomic_load_explicit(&s->free_chunks,
					     memory_order_relaxed);

	for (left &= bounce_slab_open(s, search->client); left != 0;
	     left &= left - 1) {
		uint32_t chunk = bounce_lowest(left);
		uint64_t fit = bounce_pool_runs(UINT64_MAX, search->units) &
			       chunk_starts(search, bus, chunk);
		struct tree_use use;

		if (fit == 0 || bounce_tree_take(s, 1, UINT64_C(1) << chunk,
						 UINT64_MAX) < 0)
			continue;
		use = (struct tree_use) {
			.busy = tree_mask(bounce_lowest(fit), search->units),
			.class = search->class,
			.lane = lane_for(search, slab, bus, chunk),
		};
		bounce_tree_activate(s, chunk, &use);
		found(search, slab, chunk, bounce_lowest(fit), run);
		return true;
	}
	return false;
}

/* Every active chunk, whatever its class. */
static bool try_all(const struct search *search, uint32_t slab, uint64_t bus,
		    struct bounce_run *run)
{
	uint64_t chunks = bounce_slab_open(&search->pool->bounce->slab[slab],
					   search->client);

	for (; chunks != 0; chunks &= chunks - 1)
		if (try_chunk(search, slab, bus, bounce_lowest(chunks), run))
			return true;
	return false;
}

/* The passes over a slab, from the cheapest to the complete one. */
enum pass {
	PASS_PLENTY, /* chunks of our lane, or a fresh one */
	PASS_AVAIL,
	PASS_FRESH,
	PASS_ALL, /* seals first, then fresh chunks and every word */
};

static bool try_slab(const struct search *search, enum pass pass, uint32_t slab,
		     struct bounce_run *run)
{
	uint64_t bus = bounce_slab_bus(search->pool, search->client, slab);

	if (bus == NO_BUS)
		return false;
	switch (pass) {
	case PASS_PLENTY:
		return try_avail(search, slab, bus, true, run) ||
		       try_fresh(search, slab, bus, run);
	case PASS_AVAIL:
		return try_avail(search, slab, bus, false, run);
	case PASS_FRESH:
		return try_fresh(search, slab, bus, run);
	case PASS_ALL:
		break;
	}
	bounce_tree_seal_all(&search->pool->bounce->slab[slab]);
	return try_fresh(search, slab, bus, run) ||
	       try_all(search, slab, bus, run);
}

static bool is_near(const struct search *search, uint32_t slab)
{
	return bounce_slab_bus(search->pool, search->client, slab) != NO_BUS &&
	       !is_far(search->pool, search->client, slab);
}

/* The slab that is as far into those of the client's node as @part of @parts;
 * 0 where there is none. Counted from the pool's first. */
static uint32_t near_start(const struct search *search, uint32_t part,
			   uint32_t parts)
{
	const struct bounce_pool *pool = search->pool;
	uint32_t count = 0;
	uint32_t skip;

	for (uint32_t i = 0; i < pool->slab_count; i++)
		count += is_near(search, pool->first_slab + i);
	skip = (uint32_t)((uint64_t)part * count / parts);
	for (uint32_t i = 0; i < pool->slab_count; i++)
		if (is_near(search, pool->first_slab + i) && skip-- == 0)
			return i;
	return 0;
}

/* Where a lane begins that has no better place, counted from the pool's first
 * slab. Each queue has its part of them, or all would meet in the lowest. */
static uint32_t start_of(const struct search *search)
{
	const struct bounce_pool *pool = search->pool;
	uint32_t lane = search->client->lane;
	uint32_t queue = lane == NO_LANE ? 0 : (lane - 1) / 2;
	uint32_t queues = pool->bounce->config.queues;
	uint32_t start =
		(uint32_t)((uint64_t)queue * pool->slab_count / queues);

	/* Queues that are numbered as nodes are, are near already. */
	return is_far(pool, search->client, pool->first_slab + start) ?
		       near_start(search, queue, queues) :
		       start;
}

/* The slab, counted from the pool's first, where a search begins: where the
 * hint points; or the lane's own, so that what is packed is packed there. */
static uint32_t home_of(const struct search *search)
{
	const struct bounce_pool *pool = search->pool;
	const struct bounce *bounce = pool->bounce;
	/* relaxed: advice (P7). */
	uint32_t hint = atomic_load_explicit(
		&search->client->hint->chunk[search->class],
		memory_order_relaxed);
	uint32_t home;

	if (search->scarce || hint >= bounce->chunks)
		return start_of(search);
	home = bounce->chunk[hint].slab - pool->first_slab;
	return home < pool->slab_count ? home : start_of(search);
}

/* The slabs of the client's node, or all others. */
static bool try_slabs(const struct search *search, enum pass pass, bool far,
		      struct bounce_run *run)
{
	const struct bounce_pool *pool = search->pool;
	uint32_t home = home_of(search);

	for (uint32_t i = 0; i < pool->slab_count; i++) {
		uint32_t slab = home + i;

		if (slab >= pool->slab_count)
			slab -= pool->slab_count;
		slab += pool->first_slab;
		if (is_far(pool, search->client, slab) == far &&
		    try_slab(search, pass, slab, run))
			return true;
	}
	return false;
}

/* All slabs of the pool. */
static bool try_pass(const struct search *search, enum pass pass,
		     struct bounce_run *run)
{
	/* relaxed: advice (P7). */
	return try_slabs(search, pass, false, run) ||
	       (atomic_load_explicit(&search->pool->homes,
				     memory_order_relaxed) != 0 &&
		try_slabs(search, pass, true, run));
}

/* ---- why a search failed ---- */

/* Could a run start in this slab if all of it were free? */
static bool admits(const struct search *search, uint32_t slab, uint64_t bus)
{
	const struct bounce_slab *s = &search->pool->bounce->slab[slab];
	const struct bounce_place *place = search->place;
	uint64_t within = bounce_pool_runs(UINT64_MAX, search->units);
	uint64_t left = bounce_slab_open(s, search->client);

	if (place->shift == BOUNCE_CHUNK_SHIFT)
		return (bounce_pool_runs(left, place->units) &
			bounce_window_starts(place, bus)) != 0;
	for (; left != 0; left &= left - 1)
		if ((within & chunk_starts(search, bus, bounce_lowest(left))) !=
		    0)
			return true;
	return false;
}

static enum bounce_err why_not(const struct search *search)
{
	const struct bounce_pool *pool = search->pool;
	uint64_t want = (search->place->span + BOUNCE_SLOT_BYTES - 1) >>
			BOUNCE_SLOT_SHIFT;
	uint64_t free = 0;
	bool admitted = false;

	for (uint32_t i = 0; i < pool->slab_count; i++) {
		uint32_t slab = pool->first_slab + i;
		uint64_t bus = bounce_slab_bus(search->pool, search->client,
					       slab);

		if (bus == NO_BUS || !admits(search, slab, bus))
			continue;
		admitted = true;
		free += bounce_slab_free_in(
			&pool->bounce->slab[slab],
			bounce_slab_open(&pool->bounce->slab[slab],
					 search->client));
	}
	if (!admitted)
		return BOUNCE_ERR_UNREACHABLE;
	return free < want ? BOUNCE_ERR_FULL : BOUNCE_ERR_FRAGMENTED;
}

/*
 * While there is plenty, a queue stays with chunks of its own lane, and what it
 * gave back last is what it gets next. When room is scarce, runs are packed:
 * the lowest chunk that will do.
 */
enum bounce_err bounce_pool_claim_slots(struct bounce_pool *pool,
					const struct bounce_place *place,
					const struct pool_client *client,
					struct bounce_run *run)
{
	struct search search = {
		.pool = pool,
		.place = place,
		.client = client,
		.class = tree_class(place->units),
		.units = place->units,
		.scarce = quick_scarce(pool),
	};

	if (!search.scarce &&
	    (try_hint(&search, run) || try_pass(&search, PASS_PLENTY, run)))
		return BOUNCE_OK;
	if (try_pass(&search, PASS_AVAIL, run) ||
	    try_pass(&search, PASS_FRESH, run))
		return BOUNCE_OK;
	bounce_block_reclaim(pool->bounce);
	if (try_pass(&search, PASS_ALL, run))
		return BOUNCE_OK;
	return why_not(&search);
}

/* ---- runs of more than a chunk's slots, or at a chunk's start ---- */

/* Take whole chunks of a slab; the last one's spare slots are free at once. */
static bool try_large(const struct search *search, uint32_t slab,
		      struct bounce_run *run)
{
	struct bounce_slab *s = &search->pool->bounce->slab[slab];
	const struct bounce_place *place = search->place;
	uint32_t slots = (uint32_t)((place->span + BOUNCE_SLOT_BYTES - 1) >>
				    BOUNCE_SLOT_SHIFT);
	uint32_t tail = slots % SLOTS_PER_CHUNK;
	uint64_t bus = bounce_slab_bus(search->pool, search->client, slab);
	const struct tree_use rest = {
		.busy = bounce_low_bits(tail),
		.class = POOL_CLASS_SINGLE,
	};
	int first;

	if (bus == NO_BUS)
		return false;
	first = bounce_tree_take(s, place->units,
				 bounce_window_starts(place, bus),
				 bounce_slab_open(s, search->client));
	if (first < 0)
		return false;
	if (tail != 0)
		bounce_tree_activate(s, (uint32_t)first + place->units - 1,
				     &rest);
	if (!is_far(search->pool, search->client, slab))
		quick_prefer(&search->client->hint->slab, slab);
	*run = (struct bounce_run) {
		.slab = slab,
		.slot = (uint32_t)first * SLOTS_PER_CHUNK,
		.slots = slots,
		.block = NO_BLOCK,
	};
	return true;
}

/* Which slabs, and whether what is free in them is sealed first. */
enum large_pass {
	LARGE_NEAR,
	LARGE_NEAR_SEALED,
	LARGE_FAR,
	LARGE_FAR_SEALED,
};

static bool large_in(const struct search *search, enum large_pass pass,
		     struct bounce_run *run)
{
	const struct bounce_pool *pool = search->pool;
	bool far = pass >= LARGE_FAR;

	for (uint32_t i = 0; i < pool->slab_count; i++) {
		uint32_t slab = pool->first_slab + i;

		if (is_far(pool, search->client, slab) != far ||
		    bounce_slab_bus(pool, search->client, slab) == NO_BUS)
			continue;
		if (pass == LARGE_NEAR_SEALED || pass == LARGE_FAR_SEALED)
			bounce_tree_seal_all(&pool->bounce->slab[slab]);
		if (try_large(search, slab, run))
			return true;
	}
	return false;
}

static enum bounce_err claim_large(struct bounce_pool *pool,
				   const struct bounce_place *place,
				   const struct pool_client *client,
				   struct bounce_run *run)
{
	const struct search search = {
		.pool = pool,
		.place = place,
		.client = client,
	};
	/* relaxed, both: advice (P7). */
	uint32_t home = atomic_load_explicit(&client->hint->slab,
					     memory_order_relaxed);
	bool homes = atomic_load_explicit(&pool->homes, memory_order_relaxed) !=
		     0;

	/* Also where room is scarce: chunks are packed in any slab, and those
	 * that are empty but not sealed count as used. */
	if (home - pool->first_slab < pool->slab_count &&
	    !is_far(pool, client, home) && try_large(&search, home, run))
		return BOUNCE_OK;
	/* So much is copied that a look at each near chunk costs less than a
	 * run that is far. */
	if (large_in(&search, LARGE_NEAR, run) ||
	    (homes && (large_in(&search, LARGE_NEAR_SEALED, run) ||
		       large_in(&search, LARGE_FAR, run))))
		return BOUNCE_OK;
	bounce_block_reclaim(pool->bounce);
	if (large_in(&search, LARGE_NEAR_SEALED, run) ||
	    large_in(&search, LARGE_FAR_SEALED, run))
		return BOUNCE_OK;
	return why_not(&search);
}

enum bounce_err bounce_pool_claim(struct bounce_pool *pool,
				  const struct bounce_place *place,
				  const struct pool_client *client,
				  struct bounce_run *run)
{
	if (place->shift == BOUNCE_GRANULE_SHIFT)
		return bounce_block_claim(pool, place, client, run);
	if (place->shift != BOUNCE_SLOT_SHIFT)
		return claim_large(pool, place, client, run);
	if (bounce_likely(place->free &&
			  quick_slots(pool, client, place->units, run)))
		return BOUNCE_OK;
	return bounce_pool_claim_slots(pool, place, client, run);
}

void bounce_pool_give_back(struct bounce_pool *pool,
			   const struct pool_client *client,
			   const struct bounce_run *run)
{
	if (bounce_likely(run->slots <= SLOTS_PER_CHUNK)) {
		quick_give(pool->bounce, client, run);
		return;
	}
	if (!is_far(pool, client, run->slab))
		quick_prefer(&client->hint->slab, run->slab);
	bounce_pool_release(pool, run);
}

/* ---- where things are ---- */

struct bounce_slab *bounce_pool_find(const struct bounce *bounce,
				     bounce_gpa_t gpa)
{
	/* relaxed: whoever holds memory of a slab got it after it was given. */
	uint32_t slabs = atomic_load_explicit(&bounce->slabs_used,
					      memory_order_relaxed);

	for (uint32_t i = 0; i < slabs; i++) {
		struct bounce_slab *slab = &bounce->slab[i];
		uint32_t phase;

		/* acquire: pairs with the store of `ready` in grow.c (P6). */
		if (atomic_load_explicit(&slab->ready, memory_order_acquire) ==
		    0)
			continue;
		/* relaxed: whoever retires a slab has no use for it. */
		phase = atomic_load_explicit(&slab->phase,
					     memory_order_relaxed);
		if (phase == SLAB_RETIRED || phase == SLAB_OWN)
			continue;
		if (gpa.v - slab->base.v < (uint64_t)slab->chunks
						   << BOUNCE_CHUNK_SHIFT)
			return slab;
	}
	return NULL;
}

void bounce_pool_run_of(const struct bounce *bounce, uint32_t record,
			uint32_t span, struct bounce_run *run)
{
	quick_run(bounce, record, span, run);
}

uint32_t bounce_pool_record_of(const struct bounce *bounce,
			       const struct bounce_run *run)
{
	return quick_record(bounce, run);
}

unsigned char *bounce_pool_memory(const struct bounce *bounce,
				  const struct bounce_run *run)
{
	return quick_memory(bounce, run);
}
