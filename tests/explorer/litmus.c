/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * litmus.c - the explorer's own test: shapes whose outcome is known. Each is
 * searched for an outcome, which RC11 allows (it must be found) or forbids (it
 * must not be).
 *
 * Source: Repairing Sequential Consistency in C/C++11, whose RC11 this is; the
 * shapes' names are those of the literature.
 */
#include <stdio.h>

#include "groups.h"

#define RLX memory_order_relaxed
#define ACQ memory_order_acquire
#define REL memory_order_release
#define AR memory_order_acq_rel
#define SC memory_order_seq_cst

static struct {
	_Atomic uint64_t x;
	_Atomic uint64_t y;
	_Atomic uint64_t z;
	uint64_t plain;
	uint64_t r[4];
	bool (*outcome)(void);
	int w; /* orders of the shape's stores and loads */
	int l;
} t;

static void set(_Atomic uint64_t *p, uint64_t v, int order)
{
	struct explorer_site site = { .access = EXPLORER_STORE,
				      .order = order };

	explorer_store(&site, p, sizeof(*p), v);
}

static uint64_t get(const _Atomic uint64_t *p, int order)
{
	struct explorer_site site = { .access = EXPLORER_LOAD, .order = order };

	return explorer_load(&site, p, sizeof(*p));
}

static uint64_t add(_Atomic uint64_t *p, uint64_t v, int order)
{
	struct explorer_site site = { .access = EXPLORER_ADD, .order = order };

	return explorer_change(&site, p, sizeof(*p), v);
}

static bool swap(_Atomic uint64_t *p, uint64_t from, uint64_t to, int order)
{
	struct explorer_site site = { .access = EXPLORER_SWAP,
				      .order = order,
				      .failure = RLX };

	return explorer_swap(&site, p, sizeof(*p), &from, to);
}

static void fence(int order)
{
	struct explorer_site site = { .access = EXPLORER_FENCE,
				      .order = order };

	explorer_fence(&site);
}

static void plain(bool writes)
{
	litmus_plain(&t.plain, writes);
}

/* ---- shapes: two to four threads, and an outcome ---- */

/* Message passing. */
static void mp0(void)
{
	set(&t.x, 1, RLX);
	set(&t.y, 1, t.w);
}

static void mp1(void)
{
	t.r[0] = get(&t.y, t.l);
	t.r[1] = get(&t.x, RLX);
}

static bool mp(void)
{
	return t.r[0] == 1 && t.r[1] == 0;
}

static void mp_fence0(void)
{
	set(&t.x, 1, RLX);
	fence(t.w);
	set(&t.y, 1, RLX);
}

static void mp_fence1(void)
{
	t.r[0] = get(&t.y, RLX);
	fence(t.l);
	t.r[1] = get(&t.x, RLX);
}

/* Message passing through an exchange of a third thread. */
static void mp_rmw2(void)
{
	add(&t.y, 1, RLX);
}

static void mp_rmw1(void)
{
	t.r[0] = get(&t.y, t.l);
	t.r[1] = get(&t.x, RLX);
}

static bool mp_rmw(void)
{
	return t.r[0] == 2 && t.r[1] == 0;
}

/* The same of plain data: a race. */
static void mp_plain0(void)
{
	plain(true);
	set(&t.y, 1, t.w);
}

static void mp_plain1(void)
{
	if (get(&t.y, t.l) == 1)
		plain(false);
}

static bool never(void)
{
	return false;
}

/* Store buffering. */
static void sb0(void)
{
	set(&t.x, 1, t.w);
	t.r[0] = get(&t.y, t.l);
}

static void sb1(void)
{
	set(&t.y, 1, t.w);
	t.r[1] = get(&t.x, t.l);
}

static bool sb(void)
{
	return t.r[0] == 0 && t.r[1] == 0;
}

static void sb_fence0(void)
{
	set(&t.x, 1, RLX);
	fence(t.w);
	t.r[0] = get(&t.y, RLX);
}

static void sb_fence1(void)
{
	set(&t.y, 1, RLX);
	fence(t.w);
	t.r[1] = get(&t.x, RLX);
}

/* One side by seq_cst accesses, the other by a fence: as revoke and map. */
static void sb_mixed1(void)
{
	swap(&t.y, 0, 1, SC);
	fence(SC);
	t.r[1] = get(&t.x, RLX);
}

static void sb_rmw0(void)
{
	add(&t.x, 1, AR);
	t.r[0] = get(&t.y, ACQ);
}

static void sb_rmw1(void)
{
	add(&t.y, 1, AR);
	t.r[1] = get(&t.x, ACQ);
}

/* Independent reads of independent writes. */
static void iriw0(void)
{
	set(&t.x, 1, t.w);
}

static void iriw1(void)
{
	set(&t.y, 1, t.w);
}

static void iriw2(void)
{
	t.r[0] = get(&t.x, t.l);
	t.r[1] = get(&t.y, t.l);
}

static void iriw3(void)
{
	t.r[2] = get(&t.y, t.l);
	t.r[3] = get(&t.x, t.l);
}

static bool iriw(void)
{
	return t.r[0] == 1 && t.r[1] == 0 && t.r[2] == 1 && t.r[3] == 0;
}

/* Two stores each, crosswise: what ends up in memory. */
static void w22_0(void)
{
	set(&t.x, 1, t.w);
	set(&t.y, 2, t.w);
}

static void w22_1(void)
{
	set(&t.y, 1, t.w);
	set(&t.x, 2, t.w);
}

static bool w22(void)
{
	return t.x == 1 && t.y == 1;
}

/* S: a store that comes, by coherence, before one that it happens after. */
static void s0(void)
{
	set(&t.x, 2, RLX);
	set(&t.y, 1, t.w);
}

static void s1(void)
{
	t.r[0] = get(&t.y, t.l);
	set(&t.x, 1, RLX);
}

static bool s(void)
{
	return t.r[0] == 1 && t.x == 2;
}

/* R: store buffering with one load less. */
static void r0(void)
{
	set(&t.x, 1, t.w);
	set(&t.y, 1, t.w);
}

static void r1(void)
{
	set(&t.y, 2, t.w);
	t.r[0] = get(&t.x, t.l);
}

static bool r(void)
{
	return t.y == 2 && t.r[0] == 0;
}

/* Write to read causality, over three threads. */
static void wrc0(void)
{
	set(&t.x, 1, RLX);
}

static void wrc1(void)
{
	t.r[0] = get(&t.x, t.l);
	set(&t.y, 1, t.w);
}

static void wrc2(void)
{
	t.r[1] = get(&t.y, t.l);
	t.r[2] = get(&t.x, RLX);
}

static bool wrc(void)
{
	return t.r[0] == 1 && t.r[1] == 1 && t.r[2] == 0;
}

/* Coherence. */
static void corr0(void)
{
	set(&t.x, 1, RLX);
}

static void corr1(void)
{
	t.r[0] = get(&t.x, RLX);
	t.r[1] = get(&t.x, RLX);
}

static bool corr(void)
{
	return t.r[0] == 1 && t.r[1] == 0;
}

/* Load buffering: RC11 forbids it. */
static void lb0(void)
{
	t.r[0] = get(&t.x, RLX);
	set(&t.y, 1, RLX);
}

static void lb1(void)
{
	t.r[1] = get(&t.y, RLX);
	set(&t.x, 1, RLX);
}

static bool lb(void)
{
	return t.r[0] == 1 && t.r[1] == 1;
}

/* Exchanges lose nothing, and nothing comes between. */
static void inc(void)
{
	add(&t.x, 1, RLX);
}

static void store_ten(void)
{
	set(&t.x, 10, RLX);
}

static bool lost(void)
{
	return t.x != 3;
}

static bool eleven(void)
{
	return t.x == 11;
}

static bool ten(void)
{
	return t.x == 10;
}

static void once(void)
{
	t.r[0] += swap(&t.x, 0, 1, RLX);
}

static void twice(void)
{
	t.r[1] += swap(&t.x, 0, 1, RLX);
}

static bool both(void)
{
	return t.r[0] + t.r[1] != 1;
}

struct shape {
	const char *name;
	void (*thread[EXPLORER_THREADS])(void);
	bool (*outcome)(void);
	int w;
	int l;
	bool allowed;
};

static const struct shape shapes[] = {
	{ "MP, relaxed", { mp0, mp1 }, mp, RLX, RLX, true },
	{ "MP, release and acquire", { mp0, mp1 }, mp, REL, ACQ, false },
	{ "MP, release alone", { mp0, mp1 }, mp, REL, RLX, true },
	{ "MP, acquire alone", { mp0, mp1 }, mp, RLX, ACQ, true },
	{ "MP, fences", { mp_fence0, mp_fence1 }, mp, REL, ACQ, false },
	{ "MP, a release fence alone",
	  { mp_fence0, mp_fence1 },
	  mp,
	  REL,
	  RLX,
	  true },
	{ "MP, through an exchange",
	  { mp0, mp_rmw1, mp_rmw2 },
	  mp_rmw,
	  REL,
	  ACQ,
	  false },
	{ "MP, through an exchange, relaxed",
	  { mp0, mp_rmw1, mp_rmw2 },
	  mp_rmw,
	  RLX,
	  ACQ,
	  true },
	{ "MP of plain data",
	  { mp_plain0, mp_plain1 },
	  never,
	  REL,
	  ACQ,
	  false },
	{ "MP of plain data, relaxed: a race",
	  { mp_plain0, mp_plain1 },
	  never,
	  RLX,
	  ACQ,
	  true },
	{ "SB, release and acquire", { sb0, sb1 }, sb, REL, ACQ, true },
	{ "SB, seq_cst", { sb0, sb1 }, sb, SC, SC, false },
	{ "SB, seq_cst stores, acquire loads",
	  { sb0, sb1 },
	  sb,
	  SC,
	  ACQ,
	  true },
	{ "SB, seq_cst fences", { sb_fence0, sb_fence1 }, sb, SC, SC, false },
	{ "SB, acq_rel fences", { sb_fence0, sb_fence1 }, sb, AR, AR, true },
	{ "SB, accesses and a fence", { sb0, sb_mixed1 }, sb, SC, SC, false },
	{ "SB, a release and a fence", { sb0, sb_mixed1 }, sb, REL, SC, true },
	{ "SB, acq_rel exchanges", { sb_rmw0, sb_rmw1 }, sb, AR, ACQ, true },
	{ "IRIW, release and acquire",
	  { iriw0, iriw1, iriw2, iriw3 },
	  iriw,
	  REL,
	  ACQ,
	  true },
	{ "IRIW, seq_cst",
	  { iriw0, iriw1, iriw2, iriw3 },
	  iriw,
	  SC,
	  SC,
	  false },
	{ "2+2W, release", { w22_0, w22_1 }, w22, REL, ACQ, true },
	{ "2+2W, seq_cst", { w22_0, w22_1 }, w22, SC, SC, false },
	{ "S, release and acquire", { s0, s1 }, s, REL, ACQ, false },
	{ "S, relaxed", { s0, s1 }, s, RLX, RLX, true },
	{ "R, release and acquire", { r0, r1 }, r, REL, ACQ, true },
	{ "R, seq_cst", { r0, r1 }, r, SC, SC, false },
	{ "WRC, release and acquire",
	  { wrc0, wrc1, wrc2 },
	  wrc,
	  REL,
	  ACQ,
	  false },
	{ "WRC, relaxed", { wrc0, wrc1, wrc2 }, wrc, RLX, RLX, true },
	{ "CoRR", { corr0, corr1 }, corr, RLX, RLX, false },
	{ "LB, relaxed", { lb0, lb1 }, lb, RLX, RLX, false },
	{ "three additions", { inc, inc, inc }, lost, RLX, RLX, false },
	{ "a store before an addition",
	  { inc, store_ten },
	  eleven,
	  RLX,
	  RLX,
	  true },
	{ "a store after an addition",
	  { inc, store_ten },
	  ten,
	  RLX,
	  RLX,
	  true },
	{ "one of two exchanges wins", { once, twice }, both, RLX, RLX, false },
};

static const struct shape *shape;

static void setup(void)
{
	memset(&t, 0, sizeof(t));
	t.outcome = shape->outcome;
	t.w = shape->w;
	t.l = shape->l;
	explorer_keep(&t, sizeof(t));
}

static void check(unsigned frozen)
{
	(void)frozen;
	if (t.outcome())
		explorer_wrong("the outcome was seen");
}

bool litmus(void)
{
	bool good = true;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct scenario scenario = { .setup = setup, .check = check };
		struct explored result;
		bool fine;

		shape = &shapes[i];
		memcpy(scenario.thread, shape->thread, sizeof(shape->thread));
		result = explore(&scenario);
		fine = (result.wrong != NULL) == shape->allowed;
		report(fine, "%s: %s, %llu runs, %llu states", shape->name,
		       result.wrong != NULL ? "seen" : "never seen",
		       (unsigned long long)result.runs,
		       (unsigned long long)result.states);
		good = good && fine;
	}
	return good;
}
