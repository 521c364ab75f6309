/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * none.c - no monitor: guest memory is not protected, every page is within the
 * host's reach already, and sharing changes nothing.
 *
 * lib/share.c does not call the monitor of an unprotected guest, so share and
 * unshare are here for completeness of the contract only.
 */
#include <bounce/arch.h>

static enum bounce_protection detect(void *ctx)
{
	(void)ctx;
	return BOUNCE_PROTECTION_NO;
}

static enum bounce_step all_done(void *ctx, bounce_gpa_t gpa, uint32_t count,
				 uint32_t *done)
{
	(void)ctx;
	(void)gpa;
	*done = count;
	return BOUNCE_STEP_DONE;
}

const struct bounce_arch bounce_arch_none = {
	.name = "none",
	.granule_shift = BOUNCE_SLOT_SHIFT,
	.contents = BOUNCE_CONTENTS_KEPT,
	.verify_share = false,
	.batch = UINT32_MAX,
	.detect = detect,
	.share = all_done,
	.unshare = all_done,
};
