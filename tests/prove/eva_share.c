/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * eva_share.c - for Eva: whatever a monitor answers, step and count, whatever
 * the embedder's page tables do and whatever stands in shared pages, sharing
 * and unsharing a slab read and write inside it and its states (S2, S5; C01 to
 * C08 of docs/threats.md), and ask for 1 to `batch` granules of it.
 *
 * Each answer is any number at all, documented or not. 0 alarms is the proof.
 * That each call ends is not of it (S6: tests/test_share.c).
 */
#include "one_slab.h"

#include "share.h"

#define GRANULE_SHIFT 16 /* POWER's: four in a chunk */

static struct bounce_arch arch;

static enum bounce_protection any_protection(void *ctx)
{
	(void)ctx;
	return (enum bounce_protection)any_u32();
}

static enum bounce_step any_answer(void *ctx, bounce_gpa_t gpa, uint32_t count,
				   uint32_t *done)
{
	(void)ctx;
	/*@ assert BASE <= gpa.v < BASE + BOUNCE_CHUNK_BYTES; */
	/*@ assert 1 <= count <= arch.batch; */
	*done = any_u32();
	return (enum bounce_step)any_u32();
}

static bool any_tables(void *ctx, bounce_gpa_t gpa, void *cpu, uint64_t len,
		       bool to_shared)
{
	(void)ctx;
	(void)gpa;
	(void)cpu;
	(void)len;
	(void)to_shared;
	return any_u32() != 0;
}

static void all_ways(uint32_t batch, bool tables)
{
	arch.batch = batch;
	bounce.env.set_shared = tables ? any_tables : NULL;
	bounce.protection = any_u32();
	if (bounce_share(&pool, &slab) == BOUNCE_OK)
		(void)bounce_unshare(&pool, &slab);
	switch (any_u32()) {
	case 0:
		bounce_share_doubt(&pool, &slab);
		break;
	case 1:
		bounce_share_lose(&pool, &slab);
		break;
	default:
		(void)bounce_unshare(&pool, &slab);
		break;
	}
}

void main(void)
{
	arch.granule_shift = GRANULE_SHIFT;
	arch.detect = any_protection;
	arch.share = any_answer;
	arch.unshare = any_answer;
	set_up();
	bounce.arch.arch = &arch;
	switch (any_u32()) {
	case 0:
		arch.contents = BOUNCE_CONTENTS_KEPT;
		all_ways(1, false);
		break;
	case 1:
		arch.contents = BOUNCE_CONTENTS_ZERO;
		arch.verify_share = true;
		all_ways(3, false);
		break;
	default:
		arch.contents = BOUNCE_CONTENTS_UNDEFINED;
		all_ways(64, true);
		break;
	}
}
