/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * stage.c - in a second image, what model.c is in the first. `sc 2` comes to
 * that one's vector, which plays the ultravisor: the share calls are the
 * library's own, and this image's.
 */
#include "power.h"

/* The table is the model's. */
bool model_start(void)
{
	return true;
}

/* As in model.c; it was asked for, or there would be no second image. */
static enum bounce_protection detect(void *ctx)
{
	(void)ctx;
	return BOUNCE_PROTECTION_YES;
}

void cpu_arch(struct bounce_arch *arch)
{
	*arch = bounce_arch_power_ultravisor;
	arch->detect = detect;
}
