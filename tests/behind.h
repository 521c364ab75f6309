/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * behind.h - a device behind a fake IOMMU with a dynamic window, for Criterion
 * tests: what it reaches, it reads and writes through the IOMMU's truth.
 */
#ifndef TESTS_BEHIND_H
#define TESTS_BEHIND_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "fake_cache.h"
#include "fake_iommu.h"
#include "instance.h"
#include "support.h"

#define BEHIND_SHIFT (UINT64_C(1) << 33)
#define BEHIND_PAGE UINT64_C(4096)
/* Bus addresses for own pages: behind what the arena has. */
#define BEHIND_OWN_AT (UINT64_C(32) << 20)
#define BEHIND_OWN_LEN ((uint64_t)BOUNCE_CHUNK_BYTES)

struct behind {
	struct bench bench;
	struct fake_iommu iommu;
	struct fake_cache cache; /* when its device does not snoop */
	struct bounce_space *space;
	struct bounce_translation translation;
	struct bounce_device *device;
	struct bounce_queue *queue;
	uint64_t free; /* slots, before the test began */
};

/* What differs; behind_usual() in brackets. */
struct behind_knobs {
	bool open; /* the guest is not protected [false] */
	bool fixed; /* the window is static [false] */
	uint64_t own_len; /* [BEHIND_OWN_LEN when open] */
	uint64_t private_bytes; /* [1 MiB] */
	uint32_t line_bytes; /* not snooped, with such lines [0: snooped] */
	struct bounce_device_info info; /* [as the bench's] */
};

static inline void behind_make(struct behind *b, const struct behind_knobs *k)
{
	struct bench_knobs knobs = bench_usual();

	knobs.slabs = 1;
	knobs.chunks = 2;
	knobs.devices = 0;
	knobs.more_devices = 2;
	knobs.more_spaces = 1;
	knobs.more_pools = 1;
	knobs.more_slabs = 2;
	knobs.private_bytes = k->private_bytes != 0 ? k->private_bytes :
						      UINT64_C(1) << 20;
	if (k->open)
		knobs.protection = BOUNCE_PROTECTION_NO;
	if (k->line_bytes != 0) {
		knobs.coherency = BOUNCE_NON_COHERENT;
		bench_power_on(&b->bench, &knobs);
		fake_cache_init(&b->cache, &b->bench.machine, k->line_bytes);
		bench_set_up(&b->bench);
	} else {
		bench_init(&b->bench, &knobs);
	}
	fake_iommu_init(&b->iommu, knobs.gpa + BEHIND_SHIFT);
	b->space = bench_translated(&b->bench, knobs.gpa + BEHIND_SHIFT);
	b->translation = fake_iommu_translation(&b->iommu);
	if (!k->fixed)
		b->translation.flags = BOUNCE_TRANSLATION_DYNAMIC;
	if (k->own_len != 0) {
		b->translation.own_bus.v = b->iommu.base + BEHIND_OWN_AT;
		b->translation.own_len = k->own_len;
	}
	cr_assert_eq(bounce_space_set_iommu(b->space, &b->translation, NULL),
		     BOUNCE_OK);
	b->device = NULL;
}

static inline void behind_attach(struct behind *b,
				 const struct bounce_device_info *wanted)
{
	struct bounce_device_info info = *wanted;

	info.space = b->space;
	if (info.features == 0)
		info.features = b->bench.knobs.info.features;
	cr_assert_eq(bounce_device_attach(b->bench.bounce, &info, &b->device,
					  NULL),
		     BOUNCE_OK);
	b->queue = bounce_device_queue(b->device, 0);
}

static inline uint64_t behind_free_slots(const struct behind *b)
{
	struct bounce_pool_stats stats;

	bounce_pool_stats(b->bench.pool, &stats);
	return stats.slots_free;
}

static inline void behind_init(struct behind *b, const struct behind_knobs *k)
{
	struct behind_knobs knobs = *k;

	if (knobs.open && !knobs.fixed && knobs.own_len == 0)
		knobs.own_len = BEHIND_OWN_LEN;
	if (knobs.line_bytes != 0)
		knobs.info.flags |= BOUNCE_DEVICE_NON_COHERENT;
	behind_make(b, &knobs);
	behind_attach(b, &knobs.info);
	b->free = behind_free_slots(b);
}

/* A mapping of @len private bytes from @offset on. */
static inline struct bounce_mapping behind_map(const struct behind *b,
					       uint64_t offset, uint64_t len,
					       uint32_t how)
{
	struct bounce_buf buf = bench_buf(&b->bench, offset, len);
	struct bounce_mapping mapping;

	cr_assert_eq(bounce_map(b->queue, &buf, how, &mapping), BOUNCE_OK);
	return mapping;
}

/* The device reaches nothing, and no slot is held. */
static inline void behind_expect_nothing(const struct behind *b)
{
	cr_expect_eq(fake_iommu_mapped(&b->iommu), 0);
	cr_expect_eq(behind_free_slots(b), b->free);
}

/* Everything has ended, and nothing is left. */
static inline void behind_fini(struct behind *b)
{
	cr_expect(bounce_valid(b->bench.bounce));
	cr_expect_eq(bounce_device_detach(b->device), BOUNCE_OK);
	cr_expect_eq(bounce_space_fini(b->space), BOUNCE_OK);
	cr_expect_eq(fake_iommu_mapped(&b->iommu), 0);
	cr_expect_eq(fake_iommu_wrongs(&b->iommu), 0);
	bench_fini(&b->bench);
	if (b->bench.machine.cache != NULL)
		fake_cache_fini(&b->cache);
}

/* The byte that the device reaches at @bus with @access, or NULL. */
static inline unsigned char *behind_at(const struct behind *b, uint64_t bus,
				       uint32_t access)
{
	uint64_t gpa;

	if (!fake_iommu_reach(&b->iommu, bus, 1, access, &gpa))
		return NULL;
	if (b->bench.machine.cache != NULL)
		return fake_cache_memory(&b->cache, gpa);
	return fake_machine_pointer(&b->bench.machine, gpa, 1);
}

static inline void behind_read(const struct behind *b, uint64_t bus,
			       unsigned char *to, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++) {
		const unsigned char *at = behind_at(b, bus + i,
						    BOUNCE_ACCESS_READ);

		cr_assert_neq(at, NULL, "byte %lu", (unsigned long)i);
		to[i] = *at;
	}
}

static inline void behind_write(const struct behind *b, uint64_t bus,
				const unsigned char *from, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++) {
		unsigned char *at = behind_at(b, bus + i, BOUNCE_ACCESS_WRITE);

		cr_assert_neq(at, NULL, "byte %lu", (unsigned long)i);
		*at = from[i];
	}
}

static inline void behind_plan(struct behind *b, enum fake_verb verb,
			       uint32_t first, enum bounce_step step,
			       uint64_t truth)
{
	const struct fake_iommu_fault fault = {
		.verb = verb,
		/* Counted from now on. */
		.first = b->iommu.calls[verb] + first,
		.times = 1,
		.step = step,
		.truth = truth,
	};

	cr_assert(fake_iommu_fail(&b->iommu, &fault));
}

#endif
