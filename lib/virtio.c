/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * virtio.c - feature bits to facts, and the verdict to feature bits.
 *
 * Owns nothing. The policy decides (policy.c); this file only translates.
 */
#include <bounce/virtio.h>

#include "base.h"

#define KNOWN_BITS (BOUNCE_VIRTIO_F_VERSION_1 | BOUNCE_VIRTIO_F_ACCESS_PLATFORM)

/* What a device offers is a fact, whatever the caller thinks it is. */
static uint32_t with_offered(uint32_t facts, uint64_t offered)
{
	facts &= ~(uint32_t)(BOUNCE_FACT_VERSION_1 |
			     BOUNCE_FACT_ACCESS_PLATFORM);
	if ((offered & BOUNCE_VIRTIO_F_VERSION_1) != 0)
		facts |= BOUNCE_FACT_VERSION_1;
	if ((offered & BOUNCE_VIRTIO_F_ACCESS_PLATFORM) != 0)
		facts |= BOUNCE_FACT_ACCESS_PLATFORM;
	return facts;
}

enum bounce_err bounce_virtio_negotiate(uint64_t offered, uint32_t facts,
					struct bounce_negotiation *answer)
{
	struct bounce_verdict verdict =
		bounce_policy_decide(with_offered(facts, offered));
	uint64_t accept = offered & KNOWN_BITS;

	if (answer == NULL)
		return BOUNCE_ERR_ARG;
	if (verdict.accept == 0)
		accept &= ~BOUNCE_VIRTIO_F_ACCESS_PLATFORM;
	if (verdict.kind == BOUNCE_VERDICT_REFUSE)
		accept = 0;
	*answer = (struct bounce_negotiation) {
		.accept = accept,
		.verdict = verdict,
		.why = bounce_reason_text(verdict.reason),
	};
	return verdict.kind == BOUNCE_VERDICT_REFUSE ? BOUNCE_ERR_REFUSED :
						       BOUNCE_OK;
}
