/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * stage.c - in a second image, what model.c is in the first. UVC is trapped by
 * this image's own handler (cpu.c), which has the first image's model answer.
 */
#include "../stage.h"
#include "machine.h"

unsigned model_answer(struct uvc_header *block)
{
	return stage_record()->monitor->answer(block);
}

bool model_is_open(void)
{
	return false;
}
