/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * monitor.c - the ultravisor as the guest asks it: the library's backend with
 * one hook replaced, and two questions past the library for the controls (G2).
 *
 * Only half of detect() is not the library's own. That wants facility 158 and
 * then the query's word that the guest may share; QEMU's emulated CPUs have no
 * facility 158. Here the query alone decides: the library's own, with the real
 * instruction, answered by the model.
 */
#include "machine.h"

#include <uv.h>

/* More than the model ever delays an answer. */
#define UVC_TRIES 16u

/* Ask until the answer is more than "not yet". */
static unsigned ask(void *block)
{
	unsigned condition = UVC_BUSY;

	for (unsigned i = 0; i < UVC_TRIES && condition > UVC_ERROR; i++)
		condition = cpu_uvc(block);
	return condition;
}

/* ---- the library's backend ---- */

static enum bounce_protection detect(void *ctx)
{
	(void)ctx;
	return bounce_s390_query();
}

void cpu_arch(struct bounce_arch *arch)
{
	*arch = bounce_arch_s390_uv;
	arch->detect = detect;
}

/* ---- past the library ---- */

static bool ask_page(uint16_t command, uint64_t gpa)
{
	struct uvc_share block = {
		.header = { .length = sizeof(block), .command = command },
		.page = gpa,
	};

	return ask(&block) == UVC_EXECUTED;
}

bool cpu_share(uint64_t gpa)
{
	return ask_page(UVC_SET_SHARED, gpa);
}

bool cpu_unshare(uint64_t gpa)
{
	return ask_page(UVC_REMOVE_SHARED, gpa);
}
