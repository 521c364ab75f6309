/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * ultravisor.c - IBM POWER Protected Execution Facility: share pages by
 * ultracall.
 *
 * Sources, by letter:
 *   [D] Linux, Documentation/arch/powerpc/ultravisor.rst: the calls.
 *   [H] Linux, arch/powerpc/include/asm/hvcall.h and ultravisor-api.h: numbers.
 *   [U] open-power/ultravisor: the published firmware.
 *   [M] Linux, arch/powerpc/include/asm/reg.h: MSR_S_LG is 22.
 *
 *   V1  The unit is a frame of 64 KiB, whatever the guest's page size [U].
 *   V2  The firmware as published forgets to store the result of a share or
 *       unshare that it really began: r3 comes back as the function number,
 *       for success and for failure [U, by reading]. So that number is no
 *       answer: after a share lib/share.c looks at the page, which the ABI
 *       zeroes [D]; after an unshare nobody can tell, since the host could
 *       have written the zeros, and the page is lost.
 *   V3  Codes that come before the firmware begins are real, and nothing has
 *       changed then.
 */
#include <bounce/arch.h>

#include "ultravisor.h"

#define UV_SHARE_PAGE UINT64_C(0xf130) /* [D, H] r4 frame, r5 frames */
#define UV_UNSHARE_PAGE UINT64_C(0xf134) /* [D, H] same */

#define U_SUCCESS 0 /* [H] */
#define U_BUSY 1 /* [H] as H_BUSY */
#define U_FUNCTION (-2) /* [H]; also: no context is free just now [U] */
#define U_PARAMETER (-4) /* [H] the frame is not valid [D] */
#define U_RETRY (-5) /* [U] no memory just now */
#define U_PERMISSION (-11) /* [H] not a secure VM, or wrong state [U] */
#define U_P2 (-55) /* [H] the second argument; see step_of() */

#define FRAME_SHIFT 16 /* V1 */
/* Frames a call. The firmware's undo and unshare loops mix up the frames of
 * longer calls [U]; few at a time leave little to go wrong. */
#define FRAMES 4
#define MSR_S (UINT64_C(1) << 22) /* [M] the VM is secure */

static enum bounce_protection detect(void *ctx)
{
	(void)ctx;
	return (bounce_power_msr() & MSR_S) != 0 ? BOUNCE_PROTECTION_YES :
						   BOUNCE_PROTECTION_NO;
}

/*
 * What r3 means, the two functions' own number left out (V2).
 *
 * U_FUNCTION is retried: for want of a context it passes; where ultracalls do
 * not exist it stays, and the bound in lib/share.c ends it.
 * U_P2: frames outside of the VM's memory, or in a state that does not allow
 * it; or the hypervisor failed, and the firmware has put back what it had begun
 * (when it cannot, the VM is killed) [U]. A call has one outcome for all its
 * frames, so nothing has changed.
 * U_P3 and up name arguments that these calls do not have. They, U_INVALID
 * (which [D] names and nobody numbers) and all else: no idea.
 */
static enum bounce_step step_of(int64_t r3)
{
	switch (r3) {
	case U_SUCCESS:
		return BOUNCE_STEP_DONE;
	case U_BUSY:
	case U_RETRY:
	case U_FUNCTION:
		return BOUNCE_STEP_RETRY;
	case U_PARAMETER:
	case U_PERMISSION:
	case U_P2:
		return BOUNCE_STEP_UNCHANGED;
	default:
		return BOUNCE_STEP_UNKNOWN;
	}
}

static enum bounce_step share(void *ctx, bounce_gpa_t gpa, uint32_t count,
			      uint32_t *done)
{
	int64_t r3 = bounce_power_ucall(UV_SHARE_PAGE, gpa.v >> FRAME_SHIFT,
					count);
	enum bounce_step step = step_of(r3);

	(void)ctx;
	if (r3 == (int64_t)UV_SHARE_PAGE)
		step = BOUNCE_STEP_DONE; /* perhaps: verify_share says (V2) */
	*done = step == BOUNCE_STEP_DONE ? count : 0;
	return step;
}

static enum bounce_step unshare(void *ctx, bounce_gpa_t gpa, uint32_t count,
				uint32_t *done)
{
	enum bounce_step step = step_of(bounce_power_ucall(
		UV_UNSHARE_PAGE, gpa.v >> FRAME_SHIFT, count));

	(void)ctx;
	*done = step == BOUNCE_STEP_DONE ? count : 0;
	return step;
}

const struct bounce_arch bounce_arch_power_ultravisor = {
	.name = "power/ultravisor",
	.granule_shift = FRAME_SHIFT,
	.contents = BOUNCE_CONTENTS_ZERO,
	.verify_share = true,
	.batch = FRAMES,
	.detect = detect,
	.share = share,
	.unshare = unshare,
};
