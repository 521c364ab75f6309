/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_dynamic_sweep.c - a life behind a dynamic window, in which the n-th call
 * of a hook fails, for every hook and every n, in each way: what may still be
 * reached is counted and never used again, and nothing else is left. S1 to S6.
 */
#include "behind.h"

#define PAGE BEHIND_PAGE
#define PARTS 3u

/* What came of a life. */
struct tale {
	uint32_t calls[FAKE_IOMMU_VERBS];
	uint32_t list; /* number of the unmap of all segments, and the flush */
	bool lost; /* some call said so */
};

static bool went_well(struct tale *tale, enum bounce_err err)
{
	tale->lost |= err == BOUNCE_ERR_LOST;
	cr_assert(err == BOUNCE_OK || err == BOUNCE_ERR_HOST ||
			  err == BOUNCE_ERR_BUSY || err == BOUNCE_ERR_LOST,
		  "error %d", (int)err);
	return err == BOUNCE_OK;
}

static void live_with_buffers(struct behind *b, struct tale *tale)
{
	static const struct {
		uint64_t offset, len;
	} bufs[] = { { 10, 100 },
		     { 0, 2 * 4096 },
		     { 4096 - 8, 2 * 4096 + 16 } };

	for (uint32_t i = 0; i < PARTS; i++) {
		struct bounce_buf buf = bench_buf(&b->bench, bufs[i].offset,
						  bufs[i].len);
		struct bounce_mapping mapping;

		if (went_well(tale, bounce_map(b->queue, &buf,
					       BOUNCE_BIDIRECTIONAL, &mapping)))
			went_well(tale, bounce_unmap(b->queue, &mapping, 50));
	}
}

static void live_with_lists(struct behind *b, struct tale *tale)
{
	struct bounce_segment segment[PARTS];

	for (uint32_t i = 0; i < PARTS; i++)
		segment[i] = (struct bounce_segment) {
			.buf = bench_buf(&b->bench, (10 + 5 * i) * PAGE - i,
					 2 * PAGE),
			.how = BOUNCE_FROM_DEVICE,
		};
	if (!went_well(tale, bounce_map_sg(b->queue, segment, PARTS, 0)))
		return;
	tale->list = b->iommu.calls[FAKE_IOMMU_UNMAP];
	went_well(tale, bounce_unmap_sg(b->queue, segment, PARTS, 5000));
}

static void live_with_born(struct behind *b, struct tale *tale)
{
	struct bounce_mapping memory;
	struct bounce_mapping mapping;
	struct bounce_buf buf;

	if (went_well(tale, bounce_alloc(b->queue, 5000, 0, 0, &buf, &memory)))
		went_well(tale, bounce_free(b->queue, &memory));
	if (!went_well(tale, bounce_reserve(b->queue, 9000, &buf, &mapping)))
		return;
	if (went_well(tale, bounce_commit(b->queue, &mapping, 100)))
		went_well(tale, bounce_unmap(b->queue, &mapping, 0));
}

static void be_revoked(struct behind *b, struct tale *tale)
{
	struct bounce_mapping mapping[2];
	struct bounce_buf buf = bench_buf(&b->bench, PAGE - 8, PAGE + 8);

	went_well(tale,
		  bounce_map(b->queue, &buf, BOUNCE_FROM_DEVICE, &mapping[0]));
	buf.len = 8;
	went_well(tale,
		  bounce_map(b->queue, &buf, BOUNCE_TO_DEVICE, &mapping[1]));
	bounce_device_revoke(b->device);
	went_well(tale, bounce_device_quiesced(b->device));
}

static void live(struct behind *b, struct tale *tale)
{
	live_with_buffers(b, tale);
	live_with_lists(b, tale);
	live_with_born(b, tale);
	be_revoked(b, tale);
	/* Once more, beside what may have been buried. */
	live_with_buffers(b, tale);
	for (uint32_t i = 0; i < FAKE_IOMMU_VERBS; i++)
		tale->calls[i] = b->iommu.calls[i];
}

/*
 * A page that is reached though it was given back would be mapped again under
 * another buffer: that is counted as wrong.
 */
static void judge(struct behind *b, const struct tale *tale, uint64_t free)
{
	struct bounce_space_info info;
	uint64_t kept = free - behind_free_slots(b);

	memset(b->iommu.fault, 0, sizeof(b->iommu.fault));
	bounce_space_info(b->space, &info);
	cr_assert(bounce_valid(b->bench.bounce));
	cr_assert_eq(fake_iommu_wrongs(&b->iommu), 0);
	cr_assert_eq(info.lost_bytes != 0, tale->lost);
	cr_assert_leq(fake_iommu_mapped(&b->iommu), info.lost_bytes);
	cr_assert_leq(kept * PAGE, info.lost_bytes);
	if (!tale->lost)
		cr_assert_eq(kept, 0);
	cr_assert_eq(bounce_device_detach(b->device), BOUNCE_OK);
	cr_assert_eq(bounce_space_fini(b->space), BOUNCE_OK);
	bench_discard(&b->bench);
}

static const struct {
	const char *name;
	enum bounce_step step;
	uint64_t truth;
	uint32_t times;
} ways[] = {
	{ "refused", BOUNCE_STEP_UNCHANGED, 0, 1 },
	{ "halfway", BOUNCE_STEP_UNKNOWN, 4096, 1 },
	{ "done, and unclear", BOUNCE_STEP_UNKNOWN, FAKE_IOMMU_ALL, 1 },
	{ "busy for ever", BOUNCE_STEP_RETRY, 0, 200 },
	{ "refused, and the next", BOUNCE_STEP_UNCHANGED, 0, 2 },
};

static struct tale one_life(bool open, const struct fake_iommu_fault *fault)
{
	const struct behind_knobs knobs = { .open = open };
	struct tale tale = { .lost = false };
	struct behind b;
	uint64_t free;

	behind_init(&b, &knobs);
	free = behind_free_slots(&b);
	if (fault != NULL)
		cr_assert(fake_iommu_fail(&b.iommu, fault));
	live(&b, &tale);
	judge(&b, &tale, free);
	return tale;
}

static void sweep(bool open, enum fake_verb verb)
{
	struct tale usual = one_life(open, NULL);

	cr_expect_not(usual.lost);
	cr_expect_gt(usual.calls[verb], 8);
	for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++)
		for (uint32_t n = 0; n < usual.calls[verb]; n++) {
			const struct fake_iommu_fault fault = {
				.verb = verb,
				.first = n,
				.times = ways[way].times,
				.step = ways[way].step,
				.truth = ways[way].truth,
			};
			struct tale tale = one_life(open, &fault);

			/* A map by itself is taken back, and loses nothing;
			 * segments are asked for once more, one by one. */
			cr_assert_eq(tale.lost,
				     verb != FAKE_IOMMU_MAP &&
					     (n != usual.list ||
					      ways[way].times > 1),
				     "%s, call %u", ways[way].name, n);
		}
}

Test(dynamic_sweep, whichever_map_fails_nothing_is_left)
{
	sweep(false, FAKE_IOMMU_MAP);
	sweep(true, FAKE_IOMMU_MAP);
}

Test(dynamic_sweep, whichever_unmap_fails_what_is_left_is_never_used_again)
{
	sweep(false, FAKE_IOMMU_UNMAP);
	sweep(true, FAKE_IOMMU_UNMAP);
}

Test(dynamic_sweep, whichever_flush_fails_what_is_left_is_never_used_again)
{
	sweep(false, FAKE_IOMMU_FLUSH);
	sweep(true, FAKE_IOMMU_FLUSH);
}
