/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * tree.c - sealing, whole chunks, release, and how slabs come and go.
 *
 * Owns free_chunks and the chunk words of every slab, with tree.h.
 */
#include "quick.h"

/* ---- counting chunks in use: advice and statistics, all relaxed (P7) ---- */

/* Room is scarce, or no longer: stored only when it changes, since every claim
 * reads it. */
static void judge_room(struct bounce_pool *pool, uint32_t used)
{
	/* relaxed: advice. */
	uint32_t now = used >= atomic_load_explicit(&pool->scarce_chunks,
						    memory_order_relaxed);

	if (atomic_load_explicit(&pool->scarce, memory_order_relaxed) != now)
		atomic_store_explicit(&pool->scarce, now, memory_order_relaxed);
}

static void add_used(struct bounce_pool *pool, uint32_t chunks)
{
	/* relaxed: see above. */
	uint32_t used = atomic_fetch_add_explicit(&pool->used_chunks, chunks,
						  memory_order_relaxed) +
			chunks;
	uint32_t high = atomic_load_explicit(&pool->used_chunks_high,
					     memory_order_relaxed);

	/* relaxed: see above. A difference may make it negative meanwhile. */
	while ((int32_t)used > 0 && high < used &&
	       !atomic_compare_exchange_weak_explicit(
		       &pool->used_chunks_high, &high, used,
		       memory_order_relaxed, memory_order_relaxed))
		;
	judge_room(pool, used);
}

/*
 * Chunks have come or gone, and @free is what free_chunks became. The slab's
 * own number is on the line that was just taken for that; the pool's, which all
 * CPUs share, follows when the two are an eighth of the slab apart.
 */
static void recount(struct bounce_slab *slab, uint64_t free)
{
	uint32_t used = slab->chunks - bounce_count(free);
	/* relaxed: see above. */
	uint32_t counted = atomic_load_explicit(&slab->counted,
						memory_order_relaxed);
	uint32_t apart = used > counted ? used - counted : counted - used;

	/* relaxed: see above. Who loses leaves it to the next one. */
	if (apart > slab->chunks / 8 &&
	    atomic_compare_exchange_strong_explicit(&slab->counted, &counted,
						    used, memory_order_relaxed,
						    memory_order_relaxed))
		add_used(slab->pool, used - counted);
}

/* A slab begins or ends, with @chunks that make room scarce. */
static void count_slab(struct bounce_slab *slab, uint32_t chunks)
{
	struct bounce_pool *pool = slab->pool;

	/* relaxed: see above. */
	atomic_fetch_add_explicit(&pool->scarce_chunks, chunks,
				  memory_order_relaxed);
	add_used(pool, 0 - atomic_exchange_explicit(&slab->counted, 0,
						    memory_order_relaxed));
}

/* ---- advice: where there may be room; relaxed throughout (P7) ---- */

static void advise(struct bounce_slab *slab, uint32_t chunk, unsigned levels)
{
	for (; levels != 0; levels &= levels - 1)
		/* relaxed: advice. */
		atomic_fetch_or_explicit(&slab->avail[bounce_lowest(levels)],
					 UINT64_C(1) << chunk,
					 memory_order_relaxed);
}

static void advise_against(struct bounce_slab *slab, uint32_t chunk,
			   unsigned levels)
{
	for (; levels != 0; levels &= levels - 1)
		/* relaxed: advice. */
		atomic_fetch_and_explicit(&slab->avail[bounce_lowest(levels)],
					  ~(UINT64_C(1) << chunk),
					  memory_order_relaxed);
}

static unsigned levels_of(const struct pool_chunk *chunk)
{
	/* relaxed: advice. */
	return tree_levels((enum pool_class)atomic_load_explicit(
		&chunk->class, memory_order_relaxed));
}

void bounce_tree_reopen(struct bounce_slab *slab, uint32_t chunk)
{
	struct pool_chunk *c = &slab->chunk[chunk];
	/* relaxed: advice. */
	unsigned missed = atomic_load_explicit(&c->missed,
					       memory_order_relaxed);

	atomic_store_explicit(&c->missed, 0, memory_order_relaxed);
	advise(slab, chunk, missed & levels_of(c));
}

void bounce_tree_miss(struct bounce_slab *slab, uint32_t chunk, uint32_t units)
{
	struct pool_chunk *c = &slab->chunk[chunk];
	unsigned levels = levels_of(c) & ~0u << tree_level(units);
	/* relaxed: advice. */
	unsigned missed = atomic_load_explicit(&c->missed,
					       memory_order_relaxed);
	uint64_t busy = atomic_load_explicit(&c->bits, memory_order_relaxed);

	/* For want of room, or only of a start that the device allows? */
	if (bounce_pool_runs(~busy, units) != 0)
		return;
	advise_against(slab, chunk, levels);
	/* relaxed: advice. Last, so that a release from here on undoes it. */
	atomic_store_explicit(&c->missed, (uint8_t)(missed | levels),
			      memory_order_relaxed);
}

/* ---- sealing: a chunk of zeros becomes a bit of free_chunks ---- */

/*
 * release: pairs with the acquire in bounce_tree_take(): our accesses (P3), and
 * in seal() those that its acquire has received, precede the next claimant's.
 */
static void put_chunks(struct bounce_slab *slab, uint64_t chunks)
{
	uint64_t free = atomic_fetch_or_explicit(&slab->free_chunks, chunks,
						 memory_order_release);

	recount(slab, free | chunks);
}

/* True when @chunk was wholly free and active, and is now sealed (P4). */
static bool seal(struct bounce_slab *slab, uint32_t chunk)
{
	struct pool_chunk *c = &slab->chunk[chunk];
	_Atomic uint64_t *word = &c->bits;
	uint64_t empty = 0;

	/* relaxed: a look before the costly try; the CAS decides. */
	if (atomic_load_explicit(word, memory_order_relaxed) != 0)
		return false;
	/*
	 * acquire: pairs with tree_release(). All former owners' accesses
	 * precede the bit that is published next, and so its next claimant.
	 */
	if (!atomic_compare_exchange_strong_explicit(word, &empty, UINT64_MAX,
						     memory_order_acquire,
						     memory_order_relaxed))
		return false;
	/* Before the bit: its next class is another one, and who activates it
	 * must not be undercounted. */
	advise_against(slab, chunk, levels_of(c));
	put_chunks(slab, UINT64_C(1) << chunk);
	return true;
}

uint32_t bounce_tree_seal_all(struct bounce_slab *slab)
{
	uint32_t sealed = 0;

	for (uint32_t chunk = 0; chunk < slab->chunks; chunk++)
		sealed += seal(slab, chunk);
	return sealed;
}

/* ---- whole chunks ---- */

int bounce_tree_take(struct bounce_slab *slab, uint32_t count, uint64_t starts,
		     uint64_t open)
{
	/* relaxed: as in tree_claim(). */
	uint64_t free = atomic_load_explicit(&slab->free_chunks,
					     memory_order_relaxed);

	unsigned bit;

	for (;;) {
		uint64_t fit = bounce_pool_runs(free & open, count) & starts;

		if (fit == 0)
			return -1;
		bit = bounce_lowest(fit);
		/*
		 * acquire: pairs with the release in put_chunks() and in
		 * bounce_pool_publish(): what was done in these chunks (and,
		 * for a new slab, to share them) is over.
		 */
		if (atomic_compare_exchange_weak_explicit(
			    &slab->free_chunks, &free,
			    free & ~tree_mask(bit, count), memory_order_acquire,
			    memory_order_relaxed))
			break;
	}
	recount(slab, free & ~tree_mask(bit, count));
	return (int)bit;
}

void bounce_tree_activate(struct bounce_slab *slab, uint32_t chunk,
			  const struct tree_use *use)
{
	struct pool_chunk *c = &slab->chunk[chunk];

	/* relaxed: published by the word. */
	atomic_store_explicit(&c->lane, use->lane, memory_order_relaxed);
	atomic_store_explicit(&c->class, (uint8_t)use->class,
			      memory_order_relaxed);
	atomic_store_explicit(&c->missed, 0, memory_order_relaxed);
	/*
	 * release: pairs with the acquire in tree_claim(): others may claim the
	 * rest, and must see what bounce_tree_take() saw, and the lane (P8).
	 */
	atomic_store_explicit(&c->bits, use->busy, memory_order_release);
	advise(slab, chunk, tree_levels(use->class));
}

/* ---- release ---- */

void bounce_pool_release(struct bounce_pool *pool, const struct bounce_run *run)
{
	struct bounce_slab *slab = &pool->bounce->slab[run->slab];
	uint32_t chunk = run->slot / SLOTS_PER_CHUNK;
	uint32_t whole = run->slots / SLOTS_PER_CHUNK;
	uint32_t tail = run->slots % SLOTS_PER_CHUNK;

	if (run->block != NO_BLOCK) {
		quick_give_granules(pool->bounce, run);
		return;
	}
	if (run->slots <= SLOTS_PER_CHUNK) {
		tree_give(slab, run->slot, run->slots);
		return;
	}
	if (tail != 0)
		tree_give(slab, run->slot + run->slots - tail, tail);
	put_chunks(slab, tree_mask(chunk, whole));
}

/* Slots [first, last) of one chunk, counted from the chunk's start. */
static void release_part(struct bounce_slab *slab, uint32_t chunk,
			 uint32_t first, uint32_t last)
{
	if (first == 0 && last == SLOTS_PER_CHUNK) {
		put_chunks(slab, tree_mask(chunk, 1));
		return;
	}
	tree_give(slab, chunk * SLOTS_PER_CHUNK + first, last - first);
}

void bounce_pool_trim(struct bounce_pool *pool, const struct bounce_run *run,
		      uint32_t keep)
{
	struct bounce_slab *slab = &pool->bounce->slab[run->slab];
	uint32_t end = run->slot + run->slots;
	uint32_t slot = run->slot + keep;

	if (run->slots <= SLOTS_PER_CHUNK) {
		tree_give(slab, slot, end - slot);
		return;
	}
	/* A large run begins at a chunk; whole chunks of it are sealed. */
	while (slot < end) {
		uint32_t chunk = slot / SLOTS_PER_CHUNK;
		uint32_t start = chunk * SLOTS_PER_CHUNK;
		uint32_t last = end - start < SLOTS_PER_CHUNK ? end - start :
								SLOTS_PER_CHUNK;

		release_part(slab, chunk, slot - start, last);
		slot = start + SLOTS_PER_CHUNK;
	}
}

/* ---- whose bytes ---- */

void bounce_tree_own(struct bounce_slab *slab, uint32_t first, uint32_t count,
		     uint16_t owner)
{
	uint32_t last = first + count;

	for (uint32_t at = first; at < last;) {
		struct pool_chunk *chunk = &slab->chunk[at / SLOTS_PER_CHUNK];
		uint32_t end = (at / SLOTS_PER_CHUNK + 1) * SLOTS_PER_CHUNK;
		bool whole = at % SLOTS_PER_CHUNK == 0 && last >= end;

		/* relaxed throughout: the slots are ours (P3). */
		if (atomic_load_explicit(&chunk->owner, memory_order_relaxed) !=
		    owner)
			atomic_store_explicit(&chunk->owner, whole ? owner : 0,
					      memory_order_relaxed);
		for (; at < last && at < end; at++)
			atomic_store_explicit(&slab->owner[at], owner,
					      memory_order_relaxed);
	}
}

bool bounce_tree_is_owned(const struct bounce_slab *slab, uint32_t first,
			  uint32_t count, uint16_t owner)
{
	uint32_t last = first + count;

	for (uint32_t at = first; at < last;) {
		const struct pool_chunk *chunk =
			&slab->chunk[at / SLOTS_PER_CHUNK];
		uint32_t end = (at / SLOTS_PER_CHUNK + 1) * SLOTS_PER_CHUNK;

		/* relaxed throughout: the slots are ours (P3). */
		if (atomic_load_explicit(&chunk->owner, memory_order_relaxed) ==
		    owner)
			at = end;
		for (; at < last && at < end; at++)
			if (atomic_load_explicit(&slab->owner[at],
						 memory_order_relaxed) != owner)
				return false;
	}
	return true;
}

/* ---- growth and retirement ---- */

void bounce_pool_widen(struct bounce *bounce, bounce_gpa_t gpa, uint64_t len)
{
	/* relaxed throughout: whoever may name the range got it after this, by
	 * an order of his own. */
	uint64_t low = atomic_load_explicit(&bounce->slab_low,
					    memory_order_relaxed);
	uint64_t high = atomic_load_explicit(&bounce->slab_high,
					     memory_order_relaxed);
	uint64_t last = gpa.v + (len - 1);

	/* relaxed: as above. */
	while (low > gpa.v &&
	       !atomic_compare_exchange_weak_explicit(
		       &bounce->slab_low, &low, gpa.v, memory_order_relaxed,
		       memory_order_relaxed))
		;
	while (high < last &&
	       !atomic_compare_exchange_weak_explicit(
		       &bounce->slab_high, &high, last, memory_order_relaxed,
		       memory_order_relaxed))
		;
}

bool bounce_pool_near(const struct bounce *bounce, bounce_gpa_t gpa,
		      uint64_t len)
{
	/* relaxed: as in bounce_pool_widen(). */
	return gpa.v <= atomic_load_explicit(&bounce->slab_high,
					     memory_order_relaxed) &&
	       gpa.v + (len - 1) >= atomic_load_explicit(&bounce->slab_low,
							 memory_order_relaxed);
}

/* Above five eighths, room is scarce: how much of that a slab brings. */
static uint32_t scarce(const struct bounce_slab *slab)
{
	return slab->chunks - slab->chunks * 3 / 8;
}

void bounce_pool_publish(struct bounce_slab *slab)
{
	count_slab(slab, scarce(slab));
	/*
	 * release: pairs with the acquire in bounce_tree_take(). All words are
	 * all ones already (P5); this one store makes every slot claimable,
	 * after its page was shared.
	 */
	atomic_store_explicit(&slab->free_chunks, slab->all_chunks,
			      memory_order_release);
}

bool bounce_pool_withdraw(struct bounce_pool *pool, struct bounce_slab *slab)
{
	uint64_t all = slab->all_chunks;

	bounce_block_reclaim(pool->bounce);
	bounce_tree_seal_all(slab);
	/*
	 * acquire: pairs with the release in put_chunks(): the
	 * last owners' accesses precede the unshare.
	 */
	if (!atomic_compare_exchange_strong_explicit(&slab->free_chunks, &all,
						     0, memory_order_acquire,
						     memory_order_relaxed))
		return false;
	count_slab(slab, 0 - scarce(slab));
	return true;
}

void bounce_pool_close(struct bounce_slab *slab)
{
	count_slab(slab, 0 - scarce(slab));
	/* relaxed: no other CPU runs. */
	atomic_store_explicit(&slab->free_chunks, 0, memory_order_relaxed);
	for (uint32_t i = 0; i < slab->chunks; i++)
		atomic_store_explicit(&slab->chunk[i].bits, UINT64_MAX,
				      memory_order_relaxed);
}
