/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * share.c - sharing state of pages; the only caller of the arch and of
 * env.set_shared. H1 to H4 are in share.h.
 *
 * Whoever holds a slab in phase GROWING or RETIRING (grow.c) owns its page[]
 * and is alone in here with it.
 *
 * The order at growth, for a whole slab:
 *
 *   1. Zero every page while it is private; where the share is verified, the
 *      pattern instead. Whatever the arch does to contents, the host finds no
 *      secret (S1).
 *   2. The guest's page tables, then the monitor; or the other way round:
 *      contents UNDEFINED (SNP, TDX, CCA): set_shared(true) for the whole slab
 *      first, since a private mapping of a page that is shared already can be
 *      fatal to the guest (TDX), and a shared one of a private page is not, as
 *      long as nobody touches it; nobody does. A backend whose monitor wants
 *      the private mapping (PVALIDATE) keeps one of its own.
 *      KEPT and ZERO (POWER, Z, pKVM): the monitor first, set_shared(true)
 *      last: such a guest has nothing to change but its own attributes.
 *   3. Contents UNDEFINED: zero again. Verified: see that it became zero.
 *
 * The way back, at failure and at retirement alike, is the same for all: the
 * monitor, then set_shared(false), then the scrub, then PRIVATE (H2). It runs
 * from the last page to the first, and goes on past pages that it loses.
 *
 * Source: docs/design.md 8; per monitor, the arch's own file.
 */
#include "share.h"

#include "copy.h"
#include "instance.h"

/* One slab on its way, and what is the same for all steps of the way. */
struct sharing {
	struct bounce *bounce;
	struct bounce_pool *pool;
	struct bounce_slab *slab;
	const struct bounce_arch *arch;
	uint32_t granules; /* of the slab */
	bool tables; /* set_shared(true) was done, for the whole slab */
};

/* What a request for [first, end) came to. Ranges have ends, not lengths:
 * then each index is checked against a bound of its own. */
struct outcome {
	enum bounce_step step;
	uint32_t next; /* granule after the last that is done; first .. end */
};

static struct sharing sharing_of(struct bounce_pool *pool,
				 struct bounce_slab *slab)
{
	const struct bounce_arch *arch = pool->bounce->arch.arch;
	uint64_t bytes = (uint64_t)slab->chunks << BOUNCE_CHUNK_SHIFT;

	return (struct sharing) {
		.bounce = pool->bounce,
		.pool = pool,
		.slab = slab,
		.arch = arch,
		.granules = (uint32_t)(bytes >> arch->granule_shift),
	};
}

/* ---- a granule: where it is, and its state ---- */

static uint64_t bytes_of(const struct sharing *s, uint32_t granules)
{
	return (uint64_t)granules << s->arch->granule_shift;
}

static bounce_gpa_t gpa_at(const struct sharing *s, uint32_t granule)
{
	return (bounce_gpa_t) { s->slab->base.v + bytes_of(s, granule) };
}

static unsigned char *memory_at(const struct sharing *s, uint32_t granule)
{
	return s->slab->memory + bytes_of(s, granule);
}

static enum share_state state_of(const struct sharing *s, uint32_t granule)
{
	return (enum share_state)
		s->slab->page[bytes_of(s, granule) >> BOUNCE_SLOT_SHIFT];
}

/* Granules [first, end), all in one state, take another (H1). */
static void become(const struct sharing *s, uint32_t first, uint32_t end,
		   enum share_state state)
{
	uint64_t last = bytes_of(s, end) >> BOUNCE_SLOT_SHIFT;

	for (uint64_t slot = bytes_of(s, first) >> BOUNCE_SLOT_SHIFT;
	     slot < last; slot++) {
		bounce_assert(s->slab->page[slot] != SHARE_LOST);
		s->slab->page[slot] = (uint8_t)state;
	}
	if (state == SHARE_LOST)
		/* relaxed: a counter. */
		atomic_fetch_add_explicit(&s->pool->lost_bytes,
					  bytes_of(s, end - first),
					  memory_order_relaxed);
}

/* Change the guest's page tables, where the embedder says how. */
static bool set_tables(const struct sharing *s, uint32_t first, uint32_t end,
		       bool shared)
{
	const struct bounce_env *env = &s->bounce->env;

	return env->set_shared == NULL ||
	       env->set_shared(env->ctx, gpa_at(s, first), memory_at(s, first),
			       bytes_of(s, end - first), shared);
}

/*
 * Granules that the monitor is known to hold private: the last steps to
 * PRIVATE (H2). A page whose tables did not change back is not certain.
 */
static void make_private(const struct sharing *s, uint32_t first, uint32_t end)
{
	if (s->tables && !set_tables(s, first, end, false)) {
		become(s, first, end, SHARE_LOST);
		return;
	}
	/* After the unshare: until then the host could write (S5). */
	bounce_copy_zero(memory_at(s, first), bytes_of(s, end - first));
	become(s, first, end, SHARE_PRIVATE);
}

/* ---- the monitor ---- */

/*
 * What an answer is worth (H4). Any contradiction in it makes all of the call
 * uncertain, for then nothing that it says can be believed.
 */
static struct outcome judge(enum bounce_step step, uint32_t done,
			    uint32_t first, uint32_t end)
{
	struct outcome unknown = { .step = BOUNCE_STEP_UNKNOWN, .next = first };
	uint64_t next = (uint64_t)first + done;

	if (next > end)
		return unknown;
	switch (step) {
	case BOUNCE_STEP_DONE:
		if (done == 0)
			return unknown;
		break;
	case BOUNCE_STEP_RETRY:
		break;
	case BOUNCE_STEP_UNCHANGED:
		if (done != 0)
			return unknown;
		break;
	case BOUNCE_STEP_UNKNOWN:
	default:
		return unknown;
	}
	return (struct outcome) { .step = step, .next = (uint32_t)next };
}

static struct outcome call(const struct sharing *s, bool share, uint32_t first,
			   uint32_t end)
{
	void *ctx = s->bounce->arch.ctx;
	uint32_t done = 0;
	enum bounce_step step;

	/* relaxed: a counter. */
	atomic_fetch_add_explicit(&s->pool->share_calls, 1,
				  memory_order_relaxed);
	if (share)
		step = s->arch->share(ctx, gpa_at(s, first), end - first,
				      &done);
	else
		step = s->arch->unshare(ctx, gpa_at(s, first), end - first,
					&done);
	return judge(step, done, first, end);
}

static void pause_retry(const struct sharing *s)
{
	const struct bounce_env *env = &s->bounce->env;

	/* relaxed: a counter. */
	atomic_fetch_add_explicit(&s->pool->share_retries, 1,
				  memory_order_relaxed);
	if (env->relax != NULL)
		env->relax(env->ctx);
	else
		bounce_cpu_relax();
}

/*
 * Ask until all of [first, end) is done or it is no use. At most
 * SHARE_RETRIES + 1 calls for each granule (S6): `idle` counts those in a row
 * that brought nothing. On RETRY and UNCHANGED the granules from `next` on are
 * as they were; on UNKNOWN they are anything.
 */
static struct outcome ask(const struct sharing *s, bool share, uint32_t first,
			  uint32_t end)
{
	struct outcome all = { .step = BOUNCE_STEP_DONE, .next = first };
	uint32_t idle = 0;

	while (all.next < end) {
		struct outcome one = call(s, share, all.next, end);

		idle = one.next == all.next ? idle + 1 : 0;
		all = one;
		if (one.step == BOUNCE_STEP_DONE)
			continue;
		if (one.step != BOUNCE_STEP_RETRY || idle > SHARE_RETRIES)
			return all;
		if (all.next < end)
			pause_retry(s);
	}
	all.step = BOUNCE_STEP_DONE;
	return all;
}

/* ---- private to shared ---- */

/*
 * The monitor says that a granule is shared. Where its word is not enough,
 * look: the ABI zeroes what it shares. The host can make this fail, not pass
 * in a way that harms: the page holds no secret either way (S3).
 */
static bool confirm(const struct sharing *s, uint32_t granule)
{
	if (s->arch->verify_share &&
	    !bounce_copy_is_zero(memory_at(s, granule), bytes_of(s, 1))) {
		become(s, granule, granule + 1, SHARE_LOST);
		return false;
	}
	become(s, granule, granule + 1, SHARE_SHARED);
	return true;
}

/* Step 1 of the order: no secret, and SHARING. */
static void prepare(const struct sharing *s)
{
	for (uint32_t i = 0; i < s->granules; i++) {
		if (s->slab->by_monitor && s->arch->verify_share)
			bounce_copy_pattern(memory_at(s, i), bytes_of(s, 1));
		else
			bounce_copy_zero(memory_at(s, i), bytes_of(s, 1));
	}
	become(s, 0, s->granules, SHARE_SHARING);
}

/* One call's worth of granules. UNCHANGED ones stay SHARING. */
static enum bounce_err share_batch(const struct sharing *s, uint32_t first,
				   uint32_t end)
{
	struct outcome outcome = ask(s, true, first, end);
	bool sure = outcome.step != BOUNCE_STEP_UNKNOWN;

	if (!sure)
		become(s, outcome.next, end, SHARE_LOST);
	for (uint32_t i = first; i < outcome.next; i++)
		sure &= confirm(s, i);
	if (!sure)
		return BOUNCE_ERR_LOST;
	if (outcome.step == BOUNCE_STEP_DONE)
		return BOUNCE_OK;
	return outcome.step == BOUNCE_STEP_RETRY ? BOUNCE_ERR_BUSY :
						   BOUNCE_ERR_HOST;
}

static enum bounce_err share_granules(const struct sharing *s)
{
	uint32_t first = 0;

	while (first < s->granules) {
		uint32_t end = (uint32_t)bounce_min(
			s->granules, (uint64_t)first + s->arch->batch);
		enum bounce_err err = share_batch(s, first, end);

		if (err != BOUNCE_OK)
			return err;
		first = end;
	}
	return BOUNCE_OK;
}

/* Steps 2 and 3 of the order. */
static enum bounce_err share_all(struct sharing *s)
{
	bool tables_first = s->arch->contents == BOUNCE_CONTENTS_UNDEFINED;
	enum bounce_err err;

	if (tables_first) {
		if (!set_tables(s, 0, s->granules, true))
			return BOUNCE_ERR_HOST;
		s->tables = true;
	}
	err = share_granules(s);
	if (err != BOUNCE_OK)
		return err;
	if (!tables_first) {
		if (!set_tables(s, 0, s->granules, true))
			return BOUNCE_ERR_HOST;
		s->tables = true;
	}
	if (tables_first)
		bounce_copy_zero(s->slab->memory, bytes_of(s, s->granules));
	return BOUNCE_OK;
}

/* ---- shared to private ---- */

/* Unshare [first, end): PRIVATE on a plain "done", else LOST. */
static void unshare_batch(const struct sharing *s, uint32_t first, uint32_t end)
{
	struct outcome outcome = { BOUNCE_STEP_DONE, end };

	become(s, first, end, SHARE_UNSHARING);
	if (s->slab->by_monitor)
		outcome = ask(s, false, first, end);
	if (outcome.next != first)
		make_private(s, first, outcome.next);
	if (outcome.next != end)
		become(s, outcome.next, end, SHARE_LOST);
}

/* The first of those before @end, at most @limit, that are in one state. */
static uint32_t alike_from(const struct sharing *s, uint32_t end,
			   uint32_t limit)
{
	enum share_state state = state_of(s, end - 1);
	uint32_t first = end - 1;

	while (first > 0 && end - first < limit &&
	       state_of(s, first - 1) == state)
		first--;
	return first;
}

/*
 * All that can be made private, is: the way back, from the end. A page that is
 * SHARING here is unchanged, or was never asked for. True when none is LOST.
 */
static bool make_all_private(const struct sharing *s)
{
	bool all = true;

	for (uint32_t end = s->granules; end > 0;) {
		enum share_state state = state_of(s, end - 1);
		uint32_t first = alike_from(s, end, s->arch->batch);

		if (state == SHARE_SHARED)
			unshare_batch(s, first, end);
		else if (state == SHARE_SHARING)
			make_private(s, first, end);
		for (uint32_t i = first; i < end; i++)
			all &= state_of(s, i) == SHARE_PRIVATE;
		end = first;
	}
	return all;
}

/* ---- the contract ---- */

enum bounce_err bounce_share(struct bounce_pool *pool, struct bounce_slab *slab)
{
	struct sharing s = sharing_of(pool, slab);
	enum bounce_protection protection = bounce_share_detect(s.bounce);
	enum bounce_err err = BOUNCE_OK;

	bounce_assert(alike_from(&s, s.granules, s.granules) == 0 &&
		      state_of(&s, 0) == SHARE_PRIVATE); /* H3 */
	slab->by_monitor = protection == BOUNCE_PROTECTION_YES;
	prepare(&s);
	if (protection == BOUNCE_PROTECTION_UNKNOWN)
		err = BOUNCE_ERR_HOST; /* nobody to ask: do not guess */
	else if (slab->by_monitor)
		err = share_all(&s);
	else
		become(&s, 0, s.granules, SHARE_SHARED);
	if (err == BOUNCE_OK)
		return BOUNCE_OK;
	return make_all_private(&s) ? err : BOUNCE_ERR_LOST;
}

enum bounce_err bounce_unshare(struct bounce_pool *pool,
			       struct bounce_slab *slab)
{
	struct sharing s = sharing_of(pool, slab);

	s.tables = slab->by_monitor;
	return make_all_private(&s) ? BOUNCE_OK : BOUNCE_ERR_LOST;
}

void bounce_share_doubt(struct bounce_pool *pool, struct bounce_slab *slab)
{
	struct sharing s = sharing_of(pool, slab);

	/* Without a monitor nothing was asked, and nothing is in doubt. */
	for (uint32_t i = 0; slab->by_monitor && i < s.granules; i++) {
		enum share_state state = state_of(&s, i);

		if (state == SHARE_SHARING || state == SHARE_UNSHARING)
			become(&s, i, i + 1, SHARE_LOST);
	}
}

void bounce_share_lose(struct bounce_pool *pool, struct bounce_slab *slab)
{
	struct sharing s = sharing_of(pool, slab);

	for (uint32_t i = 0; i < s.granules; i++)
		if (state_of(&s, i) == SHARE_SHARED)
			become(&s, i, i + 1, SHARE_LOST);
}

enum bounce_protection bounce_share_detect(struct bounce *bounce)
{
	enum bounce_protection now =
		bounce->arch.arch->detect(bounce->arch.ctx);
	/* relaxed, all of it: the word stands for itself, and a decision made
	 * from an older one is made again when the epoch moves. */
	uint32_t known = atomic_load_explicit(&bounce->protection,
					      memory_order_relaxed);

	if (now != BOUNCE_PROTECTION_YES && now != BOUNCE_PROTECTION_NO)
		now = BOUNCE_PROTECTION_UNKNOWN;
	while (known != BOUNCE_PROTECTION_YES) {
		if (atomic_compare_exchange_weak_explicit(
			    &bounce->protection, &known, now,
			    memory_order_relaxed, memory_order_relaxed))
			return now;
	}
	return BOUNCE_PROTECTION_YES;
}
