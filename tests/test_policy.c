/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_policy.c - the table of rules against the words of docs/design.md 7,
 * written down a second time as plain questions, for all facts there are.
 */
#include <criterion/criterion.h>
#include <string.h>

#include <bounce/policy.h>

#define ALL_FACTS (UINT32_C(1) << BOUNCE_FACTS)

/* A fact by its short name. */
#define IS(name) ((facts & BOUNCE_FACT_##name) != 0)

/* ---- the design's words ---- */

static struct bounce_verdict refuse(enum bounce_reason reason)
{
	return (struct bounce_verdict) {
		.kind = BOUNCE_VERDICT_REFUSE,
		.reason = (uint8_t)reason,
	};
}

/* By the path that the answer to ACCESS_PLATFORM opens. */
static struct bounce_verdict use(enum bounce_verdict_kind kind,
				 enum bounce_reason reason, bool accepted)
{
	return (struct bounce_verdict) {
		.kind = (uint8_t)kind,
		.path = accepted ? BOUNCE_PATH_BUS : BOUNCE_PATH_BYPASS,
		.reason = (uint8_t)reason,
		.accept = accepted,
	};
}

static struct bounce_verdict when_protected(uint32_t facts)
{
	bool may_decline = IS(CCW) && IS(CCW_DECLINE) && !IS(STRICT);

	if (!IS(VERSION_1))
		return refuse(BOUNCE_WHY_LEGACY);
	if (!IS(ACCESS_PLATFORM)) {
		if (IS(STRICT))
			return refuse(BOUNCE_WHY_STRICT);
		if (!IS(POOL))
			return refuse(BOUNCE_WHY_NO_POOL);
		return use(BOUNCE_VERDICT_BOUNCE, BOUNCE_WHY_NOT_OFFERED,
			   false);
	}
	if (IS(ATTESTED) && IS(REACHABLE) && !IS(FORCE))
		return use(BOUNCE_VERDICT_DIRECT, BOUNCE_WHY_ATTESTED, true);
	if (!IS(POOL))
		return refuse(BOUNCE_WHY_NO_POOL);
	if (may_decline)
		return use(BOUNCE_VERDICT_BOUNCE, BOUNCE_WHY_DECLINED, false);
	return use(BOUNCE_VERDICT_BOUNCE, BOUNCE_WHY_PLATFORM, true);
}

static struct bounce_verdict when_open(uint32_t facts)
{
	bool offered = IS(ACCESS_PLATFORM);
	enum bounce_reason why = BOUNCE_WHY_UNREACHABLE;

	if (!IS(FORCE) && IS(REACHABLE)) {
		if (!offered)
			return use(BOUNCE_VERDICT_DIRECT, BOUNCE_WHY_OPEN,
				   false);
		if (!IS(UNTRUSTED) || !IS(SUBPAGE))
			return use(BOUNCE_VERDICT_DIRECT,
				   BOUNCE_WHY_OPEN_PLATFORM, true);
		why = BOUNCE_WHY_UNTRUSTED;
	}
	if (IS(FORCE))
		why = BOUNCE_WHY_FORCED;
	if (IS(POOL))
		return use(BOUNCE_VERDICT_BOUNCE, why, offered);
	return refuse(why == BOUNCE_WHY_UNREACHABLE ? BOUNCE_WHY_NOWHERE :
						      BOUNCE_WHY_NO_POOL);
}

static struct bounce_verdict design(uint32_t facts)
{
	if (IS(PAGE_NUMBERS) && IS(PROTECTED))
		return refuse(BOUNCE_WHY_PAGE_NUMBERS);
	if (IS(FEATURES_REJECTED))
		return refuse(BOUNCE_WHY_FEATURES_REJECTED);
	if (IS(UNNEGOTIATED))
		return refuse(BOUNCE_WHY_UNNEGOTIATED);
	if (IS(ALIASED))
		return refuse(BOUNCE_WHY_ALIASED);
	if (IS(UNNUMBERED))
		return refuse(BOUNCE_WHY_UNNUMBERED);
	if (IS(INCOHERENT))
		return refuse(BOUNCE_WHY_INCOHERENT);
	if (IS(POOL_FAILED))
		return refuse(BOUNCE_WHY_POOL_FAILED);
	return IS(PROTECTED) ? when_protected(facts) : when_open(facts);
}

Test(policy_decide, says_for_all_facts_what_the_design_says)
{
	for (uint32_t facts = 0; facts < ALL_FACTS; facts++) {
		struct bounce_verdict got = bounce_policy_decide(facts);
		struct bounce_verdict want = design(facts);

		cr_assert_eq(got.kind, want.kind, "facts %#x", facts);
		cr_assert_eq(got.path, want.path, "facts %#x", facts);
		cr_assert_eq(got.reason, want.reason, "facts %#x", facts);
		cr_assert_eq(got.accept, want.accept, "facts %#x", facts);
	}
}

Test(policy_decide, ignores_bits_that_are_no_facts)
{
	for (uint32_t facts = 0; facts < ALL_FACTS; facts += 7) {
		struct bounce_verdict got =
			bounce_policy_decide(facts | ~(ALL_FACTS - 1));
		struct bounce_verdict want = bounce_policy_decide(facts);

		cr_assert_eq(memcmp(&got, &want, sizeof(got)), 0, "facts %#x",
			     facts);
	}
}

/* ---- promises that hold whatever the table says ---- */

Test(policy_decide, lets_no_device_at_protected_memory_that_is_not_attested)
{
	for (uint32_t facts = 0; facts < ALL_FACTS; facts++) {
		struct bounce_verdict verdict = bounce_policy_decide(facts);

		if (IS(PROTECTED) && verdict.kind == BOUNCE_VERDICT_DIRECT)
			cr_assert(IS(ATTESTED) && IS(ACCESS_PLATFORM) &&
					  IS(VERSION_1) && IS(REACHABLE),
				  "facts %#x", facts);
	}
}

Test(policy_decide, opens_the_bypass_only_where_access_platform_is_not_accepted)
{
	for (uint32_t facts = 0; facts < ALL_FACTS; facts++) {
		struct bounce_verdict verdict = bounce_policy_decide(facts);
		bool used = verdict.kind != BOUNCE_VERDICT_REFUSE;

		cr_assert_eq(verdict.accept == 1,
			     used && verdict.path == BOUNCE_PATH_BUS,
			     "facts %#x", facts);
		cr_assert(verdict.accept == 0 || IS(ACCESS_PLATFORM),
			  "facts %#x", facts);
	}
}

Test(policy_decide, bounces_only_with_a_pool_and_never_past_one_that_failed)
{
	for (uint32_t facts = 0; facts < ALL_FACTS; facts++) {
		struct bounce_verdict verdict = bounce_policy_decide(facts);

		cr_assert(verdict.kind != BOUNCE_VERDICT_BOUNCE || IS(POOL),
			  "facts %#x", facts);
		cr_assert(verdict.kind == BOUNCE_VERDICT_REFUSE ||
				  !IS(POOL_FAILED),
			  "facts %#x", facts);
	}
}

Test(policy_decide, is_never_direct_when_forced_to_bounce)
{
	for (uint32_t facts = 0; facts < ALL_FACTS; facts++)
		cr_assert(!IS(FORCE) || bounce_policy_decide(facts).kind !=
						BOUNCE_VERDICT_DIRECT,
			  "facts %#x", facts);
}

Test(policy_decide, refuses_what_strict_refuses_when_protected)
{
	for (uint32_t facts = 0; facts < ALL_FACTS; facts++)
		cr_assert(!IS(STRICT) || !IS(PROTECTED) ||
				  IS(ACCESS_PLATFORM) ||
				  bounce_policy_decide(facts).kind ==
					  BOUNCE_VERDICT_REFUSE,
			  "facts %#x", facts);
}

/* ---- the table ---- */

Test(policy_rules, each_decides_something_and_the_last_matches_everything)
{
	uint32_t count;
	const struct bounce_rule *rules = bounce_policy_rules(&count);
	bool decides[64] = { false };

	cr_assert_leq(count, 64);
	cr_expect_eq(rules[count - 1].mask, 0);
	cr_expect_eq(rules[count - 1].facts, 0);
	for (uint32_t facts = 0; facts < ALL_FACTS; facts++) {
		struct bounce_verdict verdict = bounce_policy_decide(facts);
		uint32_t i = 0;

		while ((facts & rules[i].mask) != rules[i].facts)
			i++;
		decides[i] = true;
		cr_assert_eq(memcmp(&rules[i].verdict, &verdict,
				    sizeof(verdict)),
			     0, "facts %#x", facts);
	}
	for (uint32_t i = 0; i < count; i++) {
		cr_expect(decides[i], "rule %u is never reached", i);
		cr_expect_eq(rules[i].facts & ~rules[i].mask, 0, "rule %u", i);
		cr_expect_lt(rules[i].mask, ALL_FACTS, "rule %u", i);
	}
}

Test(policy_rules, use_every_reason)
{
	uint32_t count;
	const struct bounce_rule *rules = bounce_policy_rules(&count);
	uint32_t used = 0;

	for (uint32_t i = 0; i < count; i++)
		used |= UINT32_C(1) << rules[i].verdict.reason;
	cr_expect_eq(used, (UINT32_C(1) << BOUNCE_REASONS) - 1);
}

Test(reason_text, is_a_sentence_of_at_most_100_characters_with_a_source)
{
	for (unsigned i = 0; i < BOUNCE_REASONS; i++) {
		cr_expect_geq(strlen(bounce_reason_text(i)), 20, "reason %u",
			      i);
		cr_expect_leq(strlen(bounce_reason_text(i)), 100, "reason %u",
			      i);
		cr_expect_not_null(strstr(bounce_reason_source(i), "design.md"),
				   "reason %u", i);
		for (unsigned other = 0; other < i; other++)
			cr_expect_str_neq(bounce_reason_text(i),
					  bounce_reason_text(other));
	}
}

Test(reason_text, is_unknown_outside_the_range)
{
	cr_expect_str_eq(bounce_reason_text(BOUNCE_REASONS), "unknown reason");
	cr_expect_str_eq(bounce_reason_text(UINT32_MAX), "unknown reason");
	cr_expect_str_eq(bounce_reason_source(BOUNCE_REASONS), "");
	cr_expect_str_eq(bounce_reason_source(UINT32_MAX), "");
}
