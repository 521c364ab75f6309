/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * door.c - guest.h's model in a second image: the first image's, which stays
 * (T2 of stage.h).
 */
#include "stage.h"

bool model_allows(uint64_t gpa, uint64_t len)
{
	return stage_record()->monitor->allows(gpa, len);
}

uint64_t model_shared_granules(void)
{
	return stage_record()->monitor->shared_granules();
}

uint64_t model_calls(void)
{
	return stage_record()->monitor->calls();
}
