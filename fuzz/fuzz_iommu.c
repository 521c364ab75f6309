/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz_iommu.c - an IOMMU's backend that fails, gives up half-way and says so
 * in every way, while slabs grow and retire and a device maps through it.
 *
 *   T1  A range that is the caller's again is out of the IOMMU's reach, private
 *       and zero; only LOST ones may be in reach.
 *   T2  What a mapping's device is told, the IOMMU lets it at, all of it.
 *   T3  Each call ends within its bound (S6), and no call is wrong.
 *
 * DONE is true: nothing can stand against an IOMMU that says "unmapped" and did
 * not. Any other answer may have changed any of the pages it was asked for.
 */
#include <string.h>

#include "fake_iommu.h"
#include "input.h"
#include "instance.h"
#include "support.h"

#define SHIFT (UINT64_C(1) << 33)
#define PAGE ((uint64_t)FAKE_IOMMU_PAGE_BYTES)
#define MOST_CALLS 100000u /* T3: of one call of the library's */

enum {
	SLABS = 2,
	MAPPINGS = 6
};

struct scene {
	struct bench bench;
	struct fake_iommu iommu;
	struct bounce_iommu backend; /* the fake's, with an answer chosen */
	struct bounce_space *space;
	struct bounce_device *device;
	struct bounce_queue *queue;
	struct bounce_mapping mapping[MAPPINGS];
	bool live[MAPPINGS];
	bool grown[SLABS];
	bool lost[SLABS]; /* nothing is promised of it any more */
};

/* Hooks have a context of their own; one input runs at a time. */
static struct {
	struct fuzz_input in;
	uint32_t calls;
} now;

/* ---- answers ---- */

static void choose(struct fake_iommu *iommu, enum fake_verb verb)
{
	struct fake_iommu_fault *fault = &iommu->fault[0];
	uint8_t kind = fuzz_byte(&now.in);

	fuzz_check(++now.calls < MOST_CALLS);
	fault->times = 0;
	if (kind < 0x80) /* zero when the input is at its end */
		return;
	*fault = (struct fake_iommu_fault) {
		.verb = verb,
		.first = iommu->calls[verb],
		.times = 1,
		.step = (enum bounce_step)(1 + kind % 4), /* 4: none such */
		.done = fuzz_wide(&now.in),
		.truth = fuzz_below(&now.in, 80) * PAGE,
	};
	/* What it says is done before it gives up, is done. */
	if (fault->step == BOUNCE_STEP_RETRY)
		fault->done = fault->truth;
}

static enum bounce_step map(void *ctx, const struct bounce_iommu_run *run,
			    uint32_t count, uint64_t *done)
{
	struct fake_iommu *iommu = ctx;

	choose(iommu, FAKE_IOMMU_MAP);
	return iommu->iommu.map(ctx, run, count, done);
}

static enum bounce_step unmap(void *ctx, const struct bounce_iommu_run *run,
			      uint32_t count, uint64_t *done)
{
	struct fake_iommu *iommu = ctx;

	choose(iommu, FAKE_IOMMU_UNMAP);
	return iommu->iommu.unmap(ctx, run, count, done);
}

static enum bounce_step flush(void *ctx, const struct bounce_iommu_run *run,
			      uint32_t count)
{
	struct fake_iommu *iommu = ctx;

	choose(iommu, FAKE_IOMMU_FLUSH);
	return iommu->iommu.flush(ctx, run, count);
}

/* ---- the scene ---- */

static void begin(struct scene *scene)
{
	struct bench_knobs knobs = bench_usual();
	struct bounce_translation translation;

	knobs.slabs = SLABS;
	knobs.chunks = 1;
	knobs.grown = 0;
	knobs.devices = 0;
	knobs.more_spaces = 1;
	knobs.private_bytes = 16 * 1024;
	bench_init(&scene->bench, &knobs);
	fake_iommu_init(&scene->iommu, knobs.gpa + SHIFT);
	scene->backend = scene->iommu.iommu;
	scene->backend.map = map;
	scene->backend.unmap = unmap;
	scene->backend.flush = flush;
	scene->space = bench_translated(&scene->bench, knobs.gpa + SHIFT);
	translation = fake_iommu_translation(&scene->iommu);
	translation.iommu = &scene->backend;
	fuzz_check(bounce_space_set_iommu(scene->space, &translation, NULL) ==
		   BOUNCE_OK);
}

static uint64_t gpa_of(const struct scene *scene, uint32_t slab)
{
	return bench_slab_gpa(&scene->bench, slab).v;
}

/* T1: of a slab that is the caller's. */
static void look_at_slab(const struct scene *scene, uint32_t slab)
{
	const struct bench *bench = &scene->bench;
	const unsigned char *bytes = bench->machine.memory +
				     slab * bench->slab_bytes;

	if (scene->grown[slab] || scene->lost[slab])
		return;
	fuzz_check(!fake_iommu_exposes(&scene->iommu, gpa_of(scene, slab),
				       bench->slab_bytes));
	for (uint64_t at = 0; at < bench->slab_bytes; at += PAGE)
		fuzz_check(!fake_machine_is_shared(&bench->machine,
						   gpa_of(scene, slab) + at));
	fuzz_check(bytes[0] == FAKE_SECRET ||
		   memcmp(bytes, bytes + 1, bench->slab_bytes - 1) == 0);
}

static void look(const struct scene *scene)
{
	for (uint32_t i = 0; i < SLABS; i++)
		look_at_slab(scene, i);
	/* A page that may be in reach still is not mapped over. */
	fuzz_check(scene->iommu.wrong.calls == 0);
	fuzz_check(fake_machine_wrongs(&scene->bench.machine) == 0);
	fuzz_check(bounce_valid(scene->bench.bounce));
}

/* ---- what the bytes choose ---- */

static void grow(struct scene *scene, uint32_t slab)
{
	enum bounce_err err;

	if (scene->grown[slab] || scene->lost[slab])
		return;
	err = bench_grow(&scene->bench, slab);
	scene->grown[slab] = err == BOUNCE_OK;
	scene->lost[slab] = err == BOUNCE_ERR_LOST;
	fuzz_check(err == BOUNCE_OK || err == BOUNCE_ERR_LOST ||
		   err == BOUNCE_ERR_HOST || err == BOUNCE_ERR_BUSY ||
		   err == BOUNCE_ERR_FULL);
}

static void retire(struct scene *scene, uint32_t slab)
{
	enum bounce_err err;

	if (!scene->grown[slab])
		return;
	err = bench_retire(&scene->bench, slab);
	if (err == BOUNCE_ERR_BUSY)
		return;
	fuzz_check(err == BOUNCE_OK || err == BOUNCE_ERR_LOST);
	scene->grown[slab] = false;
	scene->lost[slab] = err == BOUNCE_ERR_LOST;
}

static void attach(struct scene *scene)
{
	struct bounce_device_info info = scene->bench.knobs.info;

	info.space = scene->space;
	if (scene->device == NULL &&
	    bounce_device_attach(scene->bench.bounce, &info, &scene->device,
				 NULL) == BOUNCE_OK)
		scene->queue = bounce_device_queue(scene->device, 0);
}

static void map_one(struct scene *scene, uint32_t i)
{
	struct bounce_buf buf = bench_buf(&scene->bench, 0, 1);
	uint64_t gpa;

	attach(scene);
	if (scene->device == NULL || scene->live[i])
		return;
	buf.len = 1 + fuzz_below(&now.in, 16 * 1024);
	scene->live[i] = bounce_map(scene->queue, &buf, BOUNCE_BIDIRECTIONAL,
				    &scene->mapping[i]) == BOUNCE_OK;
	/* T2 */
	if (scene->live[i])
		fuzz_check(fake_iommu_reach(
			&scene->iommu, scene->mapping[i].bus.v, buf.len,
			BOUNCE_ACCESS_READ | BOUNCE_ACCESS_WRITE, &gpa));
}

static void unmap_one(struct scene *scene, uint32_t i)
{
	if (scene->live[i])
		fuzz_check(bounce_unmap(scene->queue, &scene->mapping[i], 0) ==
			   BOUNCE_OK);
	scene->live[i] = false;
}

static void step(struct scene *scene)
{
	uint8_t what = fuzz_byte(&now.in);

	now.calls = 0;
	if (what < 0x40)
		grow(scene, what % SLABS);
	else if (what < 0x80)
		retire(scene, what % SLABS);
	else if (what < 0xc0)
		map_one(scene, what % MAPPINGS);
	else
		unmap_one(scene, what % MAPPINGS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	fuzz_check(scene != NULL);
	now.in = (struct fuzz_input) { 0 };
	now.calls = 0;
	begin(scene);
	now.in = (struct fuzz_input) { data, size };
	while (fuzz_more(&now.in)) {
		step(scene);
		look(scene);
	}
	bench_discard(&scene->bench);
	free(scene);
	return 0;
}
