/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * monitor_lies.c - the lying ultravisor.
 *
 * The library cannot know what a monitor did that lies well; it promises what
 * it can keep nevertheless, and that is looked at behind every lie:
 *
 *   L1  A page that the host can see is SHARED or LOST in bounce_ranges():
 *       none is called private (S5).
 *   L2  What lay in the pages before they were shared is in none that the host
 *       can see (S1).
 *   L3  It ends, after a bounded number of calls (S6).
 *
 * The first one is honest, which is the control's own control.
 */
#include "monitor_lies.h"
#include "driver.h"
#include "report.h"

#define META_BYTES (1u << 20)
#define CALLS_MAX (UINT64_C(1) << 16) /* of any one lie */
#define RANGES 256u /* Z may lose every second page */
#define SECRET 0xa3u

static unsigned char meta[META_BYTES]
	__attribute__((aligned(BOUNCE_META_ALIGN)));

struct lie {
	const char *name;
	enum model_lie lie; /* while it grows */
	enum model_lie later; /* while it is retired */
	enum bounce_err grown;
	enum bounce_err ended;
	const char *text;
};

static const struct lie lies[] = {
	{ "monitor_honest", MODEL_HONEST, MODEL_HONEST, BOUNCE_OK, BOUNCE_OK,
	  "an honest monitor shared a slab and took it back" },
	{ "monitor_never", MODEL_NEVER_DONE, MODEL_HONEST, BOUNCE_ERR_BUSY,
	  BOUNCE_OK,
	  "a monitor that said 'not yet' for ever: growth gave up, and no "
	  "page was shared" },
	{ "monitor_share", MODEL_GARBLES, MODEL_HONEST, BOUNCE_ERR_LOST,
	  BOUNCE_ERR_LOST,
	  "a monitor that shared, and said what means nothing: the pages are "
	  "LOST, none is called private" },
	{ "monitor_unshare", MODEL_HONEST, MODEL_GARBLES, BOUNCE_OK,
	  BOUNCE_ERR_LOST,
	  "a monitor that took nothing back, and said what means nothing: the "
	  "pages are LOST, none is called private" },
};

/* Where the content shows it, it is refused; elsewhere no device gets in. */
static const struct lie seen = {
	"monitor_nothing",
	MODEL_LIES_DONE,
	MODEL_HONEST,
	BOUNCE_ERR_LOST,
	BOUNCE_ERR_LOST,
	"a monitor that said it had shared, and had not: the pages' bytes gave "
	"it away, and growth failed",
};
static const struct lie unseen = {
	"monitor_nothing",
	MODEL_LIES_DONE,
	MODEL_LIES_DONE,
	BOUNCE_OK,
	BOUNCE_OK,
	"a monitor that said it had shared, and had not: nothing of the guest "
	"was within the host's reach",
};

struct victim {
	struct bounce_arch arch;
	struct bounce *bounce;
	struct bounce_pool *pool;
};

static unsigned char *slab(void)
{
	return (unsigned char *)(uintptr_t)guest_cpu.refused_gpa;
}

static void make_victim(struct victim *victim)
{
	const struct bounce_config config = {
		.slabs = 1,
		.slab_chunks = GUEST_REFUSED_BYTES / BOUNCE_CHUNK_BYTES,
	};
	const struct bounce_pool_info info = { .slabs = 1 };
	const struct bounce_env env = guest_env();
	const struct bounce_monitor monitor = { .arch = &victim->arch };

	cpu_arch(&victim->arch);
	if (bounce_init(meta, sizeof(meta), &config, &env, &monitor,
			&victim->bounce) != BOUNCE_OK ||
	    bounce_pool_init(victim->bounce, &info, &victim->pool) != BOUNCE_OK)
		guest_fail("no instance for the lying monitor");
}

/* Does the library own up to the granule at @gpa? */
static bool is_named(const struct bounce *bounce, uint64_t gpa, uint64_t len)
{
	static struct bounce_range range[RANGES];
	uint32_t count = bounce_ranges(bounce, range, RANGES);

	for (uint32_t i = 0; i < count && i < RANGES; i++) {
		uint64_t first = guest_le64(range[i].gpa);

		if (gpa >= first && gpa - first < guest_le64(range[i].len) &&
		    len <= guest_le64(range[i].len) - (gpa - first))
			return true;
	}
	return false;
}

/* L1 and L2, of every granule that is shared in truth. */
static bool holds(const struct victim *victim)
{
	uint64_t granule = UINT64_C(1) << victim->arch.granule_shift;

	for (uint64_t at = 0; at < GUEST_REFUSED_BYTES; at += granule) {
		uint64_t gpa = guest_cpu.refused_gpa + at;

		if (!model_allows(gpa, granule))
			continue;
		if (!is_named(victim->bounce, gpa, granule))
			return false;
		for (uint64_t i = 0; i < granule; i++)
			if (slab()[at + i] == SECRET)
				return false;
	}
	return true;
}

/* The truth is put right, past the library, for what comes next. */
static void take_back(const struct victim *victim)
{
	uint64_t granule = UINT64_C(1) << victim->arch.granule_shift;

	for (uint64_t at = 0; at < GUEST_REFUSED_BYTES; at += granule)
		if (model_allows(guest_cpu.refused_gpa + at, granule) &&
		    !cpu_unshare(guest_cpu.refused_gpa + at))
			guest_fail("a page could not be taken back");
	if (model_shared_granules() != 0)
		guest_fail("the lying monitor left a page shared");
}

static void tell(const struct lie *lie)
{
	const bounce_gpa_t gpa = { guest_cpu.refused_gpa };
	uint64_t calls = model_calls();
	struct victim victim;
	enum bounce_err grown;
	enum bounce_err ended;
	bool good;

	make_victim(&victim);
	memset(slab(), SECRET, GUEST_REFUSED_BYTES);
	model_lie(lie->lie);
	grown = bounce_pool_grow(victim.pool, gpa, GUEST_REFUSED_BYTES);
	good = holds(&victim) && bounce_valid(victim.bounce);
	model_lie(lie->later);
	ended = bounce_pool_fini(victim.pool);
	model_lie(MODEL_HONEST);
	good &= holds(&victim) && grown == lie->grown && ended == lie->ended &&
		model_calls() - calls < CALLS_MAX &&
		bounce_fini(victim.bounce) == BOUNCE_OK;
	if (grown != lie->grown || ended != lie->ended)
		guest_print("%s: growth -%u, end -%u\n", lie->name,
			    (unsigned)-grown, (unsigned)-ended);
	take_back(&victim);
	report_control("pool", lie->name, good, lie->text);
}

void monitor_lies_run(void)
{
	struct bounce_arch arch;

	report_stage("the monitor lies");
	for (uint32_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		tell(&lies[i]);
	cpu_arch(&arch);
	tell(arch.verify_share ? &seen : &unseen);
}
