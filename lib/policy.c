/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * policy.c - does it bounce? A table: the first rule that matches decides.
 *
 * Owns nothing and remembers nothing. The table is the truth table: what
 * `ninja explain` prints is what is run.
 *
 *   T1  The last rule matches everything, so every combination has a verdict.
 *   T2  PROTECTED without POOL never bounces, and PROTECTED is DIRECT only
 *       with ATTESTED and ACCESS_PLATFORM.
 *   T3  A device that accepted ACCESS_PLATFORM is told addresses of the bus's
 *       own path, any other those of the bypass: accept is 1 just where a
 *       rule that does not refuse has BOUNCE_PATH_BUS.
 */
#include <bounce/policy.h>

#include "base.h"

/* The facts by their short names: one rule fits a few lines. */
enum {
	PROTECTED = BOUNCE_FACT_PROTECTED,
	VERSION_1 = BOUNCE_FACT_VERSION_1,
	PLATFORM = BOUNCE_FACT_ACCESS_PLATFORM,
	CCW = BOUNCE_FACT_CCW,
	ATTESTED = BOUNCE_FACT_ATTESTED,
	REACHABLE = BOUNCE_FACT_REACHABLE,
	UNTRUSTED = BOUNCE_FACT_UNTRUSTED,
	SUBPAGE = BOUNCE_FACT_SUBPAGE,
	PAGE_NUMBERS = BOUNCE_FACT_PAGE_NUMBERS,
	POOL = BOUNCE_FACT_POOL,
	POOL_FAILED = BOUNCE_FACT_POOL_FAILED,
	REJECTED = BOUNCE_FACT_FEATURES_REJECTED,
	STRICT = BOUNCE_FACT_STRICT,
	CCW_DECLINE = BOUNCE_FACT_CCW_DECLINE,
	FORCE = BOUNCE_FACT_FORCE,
	UNNEGOTIATED = BOUNCE_FACT_UNNEGOTIATED,
	ALIASED = BOUNCE_FACT_ALIASED,
	UNNUMBERED = BOUNCE_FACT_UNNUMBERED,
	INCOHERENT = BOUNCE_FACT_INCOHERENT,
};

/* Facts that must be so, and facts that must not. */
#define WHEN(yes, no) .mask = (uint32_t)((yes) | (no)), .facts = (uint32_t)(yes)
#define VERDICT(k, p, why, yes)                  \
	.verdict = { .kind = BOUNCE_VERDICT_##k, \
		     .path = BOUNCE_PATH_##p,    \
		     .reason = BOUNCE_WHY_##why, \
		     .accept = (yes) }
/* T3 by construction. */
#define REFUSE(why) VERDICT(REFUSE, BUS, why, 0)
#define BY_BUS(kind, why) VERDICT(kind, BUS, why, 1)
#define BY_BYPASS(kind, why) VERDICT(kind, BYPASS, why, 0)

static const struct bounce_rule rules[] = {
	/* What no pool and no feature bit can mend. */
	{ WHEN(PROTECTED | PAGE_NUMBERS, 0), REFUSE(PAGE_NUMBERS) },
	{ WHEN(REJECTED, 0), REFUSE(FEATURES_REJECTED) },
	{ WHEN(UNNEGOTIATED, 0), REFUSE(UNNEGOTIATED) },
	{ WHEN(ALIASED, 0), REFUSE(ALIASED) },
	{ WHEN(UNNUMBERED, 0), REFUSE(UNNUMBERED) },
	{ WHEN(INCOHERENT, 0), REFUSE(INCOHERENT) },
	{ WHEN(POOL_FAILED, 0), REFUSE(POOL_FAILED) },
	{ WHEN(PROTECTED, VERSION_1), REFUSE(LEGACY) },

	/* Protected: only an attested device is let at private memory. */
	{ WHEN(PROTECTED | PLATFORM | ATTESTED | REACHABLE, FORCE),
	  BY_BUS(DIRECT, ATTESTED) },
	{ WHEN(PROTECTED | PLATFORM | CCW | CCW_DECLINE | POOL, STRICT),
	  BY_BYPASS(BOUNCE, DECLINED) },
	{ WHEN(PROTECTED | PLATFORM | POOL, 0), BY_BUS(BOUNCE, PLATFORM) },
	{ WHEN(PROTECTED | STRICT, PLATFORM), REFUSE(STRICT) },
	{ WHEN(PROTECTED | POOL, PLATFORM), BY_BYPASS(BOUNCE, NOT_OFFERED) },
	{ WHEN(PROTECTED, POOL), REFUSE(NO_POOL) },

	/* Not protected, from here on; but bounce all the same. */
	{ WHEN(FORCE | PLATFORM | POOL, 0), BY_BUS(BOUNCE, FORCED) },
	{ WHEN(FORCE | POOL, PLATFORM), BY_BYPASS(BOUNCE, FORCED) },
	{ WHEN(FORCE, POOL), REFUSE(NO_POOL) },

	/* The device reaches the buffer where it is. */
	{ WHEN(REACHABLE, PLATFORM), BY_BYPASS(DIRECT, OPEN) },
	{ WHEN(REACHABLE | PLATFORM | UNTRUSTED | SUBPAGE | POOL, 0),
	  BY_BUS(BOUNCE, UNTRUSTED) },
	{ WHEN(REACHABLE | PLATFORM | UNTRUSTED | SUBPAGE, POOL),
	  REFUSE(NO_POOL) },
	{ WHEN(REACHABLE | PLATFORM, 0), BY_BUS(DIRECT, OPEN_PLATFORM) },

	/* It does not. */
	{ WHEN(PLATFORM | POOL, REACHABLE), BY_BUS(BOUNCE, UNREACHABLE) },
	{ WHEN(POOL, PLATFORM | REACHABLE), BY_BYPASS(BOUNCE, UNREACHABLE) },
	{ WHEN(0, 0), REFUSE(NOWHERE) },
};
#define RULES ((uint32_t)(sizeof(rules) / sizeof(rules[0])))

/* For people; at most 100 characters. */
static const char *const texts[BOUNCE_REASONS] = {
	[BOUNCE_WHY_PAGE_NUMBERS] =
		"it takes page numbers, not addresses: no bounce keeps "
		"private pages from it",
	[BOUNCE_WHY_LEGACY] =
		"memory is protected, and a legacy device (no VERSION_1) "
		"cannot say it can cope",
	[BOUNCE_WHY_FEATURES_REJECTED] =
		"the device refused the features that were accepted: "
		"FEATURES_OK did not stick",
	[BOUNCE_WHY_UNNEGOTIATED] =
		"the guest has become secure since: negotiate the features "
		"again",
	[BOUNCE_WHY_ALIASED] =
		"its requester ID is also that of a device that must not share "
		"its space",
	[BOUNCE_WHY_UNNUMBERED] =
		"a bridge above it has no bus number yet: nobody knows its "
		"requester ID",
	[BOUNCE_WHY_INCOHERENT] =
		"its DMA and the caches: it is of another coherency class "
		"than its space",
	[BOUNCE_WHY_POOL_FAILED] =
		"its own pool could not be set up, and another pool would not "
		"isolate it",
	[BOUNCE_WHY_ATTESTED] =
		"the device is attested: it may use private memory where it "
		"is",
	[BOUNCE_WHY_DECLINED] =
		"memory is protected; ACCESS_PLATFORM is declined on ccw, as "
		"the embedder asks",
	[BOUNCE_WHY_PLATFORM] =
		"memory is protected: the device sees shared slots only, by "
		"the bus's own path",
	[BOUNCE_WHY_STRICT] =
		"memory is protected, and the embedder refuses devices "
		"without ACCESS_PLATFORM",
	[BOUNCE_WHY_NOT_OFFERED] =
		"memory is protected; without ACCESS_PLATFORM it is given "
		"shared slots by bypass",
	[BOUNCE_WHY_NO_POOL] =
		"it would have to bounce, and there is no pool that it "
		"reaches",
	[BOUNCE_WHY_FORCED] =
		"nothing asks for it, but the embedder wants every device to "
		"bounce",
	[BOUNCE_WHY_OPEN] =
		"memory is open: without ACCESS_PLATFORM the device uses "
		"physical addresses",
	[BOUNCE_WHY_OPEN_PLATFORM] =
		"memory is open, and the bus's own path reaches the buffer "
		"where it is",
	[BOUNCE_WHY_UNTRUSTED] =
		"the device is not trusted with the other bytes of the "
		"buffer's pages",
	[BOUNCE_WHY_UNREACHABLE] =
		"the device does not reach the buffer where it is, but it "
		"reaches the pool",
	[BOUNCE_WHY_NOWHERE] =
		"the device reaches neither the buffer nor a pool",
};

#define DESIGN "design.md 7"
#define VIRTIO "VIRTIO 1.2, "

static const char *const sources[BOUNCE_REASONS] = {
	[BOUNCE_WHY_PAGE_NUMBERS] = DESIGN,
	[BOUNCE_WHY_LEGACY] = VIRTIO "6.1; " DESIGN,
	[BOUNCE_WHY_FEATURES_REJECTED] = VIRTIO "3.1.1; " DESIGN,
	[BOUNCE_WHY_UNNEGOTIATED] = "design.md 6",
	[BOUNCE_WHY_ALIASED] = "design.md 6",
	[BOUNCE_WHY_UNNUMBERED] = "design.md 6",
	[BOUNCE_WHY_INCOHERENT] = "design.md 6",
	[BOUNCE_WHY_POOL_FAILED] = DESIGN,
	[BOUNCE_WHY_ATTESTED] = DESIGN,
	[BOUNCE_WHY_DECLINED] = DESIGN,
	[BOUNCE_WHY_PLATFORM] = VIRTIO "6.1; " DESIGN,
	[BOUNCE_WHY_STRICT] = DESIGN,
	[BOUNCE_WHY_NOT_OFFERED] = VIRTIO "6.1; " DESIGN,
	[BOUNCE_WHY_NO_POOL] = DESIGN,
	[BOUNCE_WHY_FORCED] = "design.md 5",
	[BOUNCE_WHY_OPEN] = VIRTIO "6.1; " DESIGN,
	[BOUNCE_WHY_OPEN_PLATFORM] = VIRTIO "6.1; " DESIGN,
	[BOUNCE_WHY_UNTRUSTED] = DESIGN,
	[BOUNCE_WHY_UNREACHABLE] = DESIGN,
	[BOUNCE_WHY_NOWHERE] = DESIGN,
};

struct bounce_verdict bounce_policy_decide(uint32_t facts)
{
	uint32_t i = 0;

	/* T1: the last rule ends it at the latest. */
	while (i < RULES - 1 && (facts & rules[i].mask) != rules[i].facts)
		i++;
	return rules[i].verdict;
}

const struct bounce_rule *bounce_policy_rules(uint32_t *count)
{
	*count = RULES;
	return rules;
}

const char *bounce_reason_text(unsigned reason)
{
	return reason < BOUNCE_REASONS ? texts[reason] : "unknown reason";
}

const char *bounce_reason_source(unsigned reason)
{
	return reason < BOUNCE_REASONS ? sources[reason] : "";
}
