/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_virtio.c - what a device is answered to the features it offers.
 */
#include <criterion/criterion.h>

#include <bounce/virtio.h>

#define V1 BOUNCE_VIRTIO_F_VERSION_1
#define PLATFORM BOUNCE_VIRTIO_F_ACCESS_PLATFORM
/* Bits that are the driver's business: net, transport, unknown. */
#define OTHERS (~(V1 | PLATFORM))

#define PROTECTED ((uint32_t)BOUNCE_FACT_PROTECTED)
#define POOL ((uint32_t)BOUNCE_FACT_POOL)
#define REACHABLE ((uint32_t)BOUNCE_FACT_REACHABLE)

Test(virtio_negotiate, accepts_access_platform_whenever_it_is_offered)
{
	const uint32_t cases[] = { PROTECTED | POOL, REACHABLE, POOL,
				   PROTECTED | REACHABLE |
					   (uint32_t)BOUNCE_FACT_ATTESTED };
	struct bounce_negotiation answer;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect_eq(bounce_virtio_negotiate(V1 | PLATFORM | OTHERS,
						     cases[i], &answer),
			     BOUNCE_OK, "case %u", i);
		cr_expect_eq(answer.accept, V1 | PLATFORM, "case %u", i);
		cr_expect_eq(answer.verdict.path, BOUNCE_PATH_BUS, "case %u",
			     i);
	}
}

Test(virtio_negotiate, accepts_nothing_that_is_not_offered)
{
	struct bounce_negotiation answer;

	cr_expect_eq(bounce_virtio_negotiate(V1 | OTHERS, PROTECTED | POOL,
					     &answer),
		     BOUNCE_OK);
	cr_expect_eq(answer.accept, V1);
	cr_expect_eq(answer.verdict.kind, BOUNCE_VERDICT_BOUNCE);
	cr_expect_eq(answer.verdict.path, BOUNCE_PATH_BYPASS);
	cr_expect_eq(bounce_virtio_negotiate(OTHERS, REACHABLE, &answer),
		     BOUNCE_OK);
	cr_expect_eq(answer.accept, 0);
	cr_expect_eq(answer.verdict.kind, BOUNCE_VERDICT_DIRECT);
}

Test(virtio_negotiate, declines_on_ccw_when_the_embedder_asks_for_it)
{
	const uint32_t facts = PROTECTED | POOL | (uint32_t)BOUNCE_FACT_CCW |
			       (uint32_t)BOUNCE_FACT_CCW_DECLINE;
	struct bounce_negotiation answer;

	cr_expect_eq(bounce_virtio_negotiate(V1 | PLATFORM, facts, &answer),
		     BOUNCE_OK);
	cr_expect_eq(answer.accept, V1);
	cr_expect_eq(answer.verdict.reason, BOUNCE_WHY_DECLINED);
	cr_expect_eq(bounce_virtio_negotiate(V1 | PLATFORM,
					     facts & ~(uint32_t)BOUNCE_FACT_CCW,
					     &answer),
		     BOUNCE_OK);
	cr_expect_eq(answer.accept, V1 | PLATFORM);
}

Test(virtio_negotiate, refuses_with_a_reason_and_accepts_nothing_then)
{
	struct bounce_negotiation answer;

	cr_expect_eq(bounce_virtio_negotiate(PLATFORM | OTHERS,
					     PROTECTED | POOL, &answer),
		     BOUNCE_ERR_REFUSED);
	cr_expect_eq(answer.accept, 0);
	cr_expect_eq(answer.verdict.reason, BOUNCE_WHY_LEGACY);
	cr_expect_str_eq(answer.why, bounce_reason_text(BOUNCE_WHY_LEGACY));
}

Test(virtio_negotiate, takes_both_bits_from_what_is_offered_and_not_from_facts)
{
	const uint32_t claims = (uint32_t)(BOUNCE_FACT_VERSION_1 |
					   BOUNCE_FACT_ACCESS_PLATFORM);
	struct bounce_negotiation answer;

	cr_expect_eq(bounce_virtio_negotiate(0, PROTECTED | POOL | claims,
					     &answer),
		     BOUNCE_ERR_REFUSED);
	cr_expect_eq(answer.verdict.reason, BOUNCE_WHY_LEGACY);
	cr_expect_eq(bounce_virtio_negotiate(V1, PROTECTED | POOL | claims,
					     &answer),
		     BOUNCE_OK);
	cr_expect_eq(answer.verdict.reason, BOUNCE_WHY_NOT_OFFERED);
}

Test(virtio_negotiate, answers_every_combination_as_the_policy_decides)
{
	struct bounce_negotiation answer;

	for (uint32_t facts = 0; facts < 1u << BOUNCE_FACTS; facts++) {
		uint64_t offered = 0;
		struct bounce_verdict want = bounce_policy_decide(facts);
		enum bounce_err err;

		if ((facts & BOUNCE_FACT_VERSION_1) != 0)
			offered |= V1;
		if ((facts & BOUNCE_FACT_ACCESS_PLATFORM) != 0)
			offered |= PLATFORM;
		answer.accept = ~UINT64_C(0);
		answer.reserved = 1;
		err = bounce_virtio_negotiate(offered, facts, &answer);
		cr_assert_eq(err == BOUNCE_ERR_REFUSED,
			     want.kind == BOUNCE_VERDICT_REFUSE, "facts %#x",
			     facts);
		cr_assert_eq(answer.verdict.reason, want.reason);
		cr_assert_eq(answer.accept & ~offered, 0, "facts %#x", facts);
		cr_assert_eq((answer.accept & PLATFORM) != 0, want.accept == 1,
			     "facts %#x", facts);
		cr_assert_eq((answer.accept & V1) != 0,
			     err == BOUNCE_OK && (offered & V1) != 0,
			     "facts %#x", facts);
		cr_assert_eq(answer.reserved, 0);
		cr_assert_not_null(answer.why);
	}
}

Test(virtio_negotiate, wants_room_for_the_answer)
{
	cr_expect_eq(bounce_virtio_negotiate(V1, POOL, NULL), BOUNCE_ERR_ARG);
}
