/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * viommu_stand.h - a virtio-iommu with its queues and one domain, for Criterion
 * tests.
 */
#ifndef TESTS_VIOMMU_STAND_H
#define TESTS_VIOMMU_STAND_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "fake_viommu.h"
#include "instance.h"
#include "support.h"
#include "viommu.h"

#define BUS FAKE_VIOMMU_BUS
#define PAGE UINT64_C(4096)
#define DOMAIN 3u
#define ENDPOINT 0x108u
#define PROBE_SIZE FAKE_VIOMMU_PROBE_SIZE

/* A device, its queues in memory of their own, and one domain. */
struct stand {
	struct fake_viommu device;
	struct bounce_viommu_info info;
	struct bounce_viommu *viommu;
	struct bounce_viommu_domain *domain;
	void *private;
};

static inline void stand_with(struct stand *s, uint16_t entries)
{
	void *shared = NULL;

	memset(s, 0, sizeof(*s));
	s->info = fake_viommu_info(&s->device);
	s->info.entries = entries;
	s->device.bytes = bounce_viommu_shared_size(&s->info);
	cr_assert_eq(posix_memalign(&shared, PAGE, s->device.bytes), 0);
	memset(shared, 0xa5, s->device.bytes);
	cr_assert_eq(posix_memalign(&s->private, BOUNCE_VIOMMU_ALIGN,
				    bounce_viommu_size(&s->info)),
		     0);
	s->info.shared = shared;
	s->device.memory = shared;
	s->device.bus = BUS;
	s->device.fail_at = FAKE_VIOMMU_NEVER;
	s->device.patience = 8;
	s->device.endpoint[0] = ENDPOINT;
	s->device.endpoint[1] = ENDPOINT + 1;
	cr_assert_eq(bounce_viommu_init(s->private,
					bounce_viommu_size(&s->info), &s->info,
					&s->viommu),
		     BOUNCE_OK);
	for (uint32_t i = 0; i < 2; i++)
		bounce_viommu_ring(s->viommu, (enum bounce_viommu_queue)i,
				   &s->device.ring[i]);
	bounce_viommu_start(s->viommu);
	cr_assert_eq(bounce_viommu_domain(s->viommu, DOMAIN, &s->domain),
		     BOUNCE_OK);
}

/* Queues of eight entries: four requests at a time. */
static inline void stand_init(struct stand *s)
{
	stand_with(s, 8);
}

static inline void stand_fini(struct stand *s)
{
	cr_expect_eq(s->device.wrong, 0);
	cr_expect(bounce_viommu_valid(s->viommu));
	free(s->private);
	free(s->device.memory);
}

static inline void attached(struct stand *s)
{
	stand_init(s);
	cr_assert_eq(bounce_viommu_attach(s->domain, ENDPOINT), BOUNCE_OK);
}

/* ---- what PROBE answers ---- */

static inline void put(unsigned char *to, uint64_t value, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		to[i] = (unsigned char)(value >> 8 * i);
}

static inline uint32_t put_reserved(struct stand *s, uint32_t at,
				    uint64_t first, uint64_t last)
{
	unsigned char *p = s->device.property + at;

	put(p, 1, 2);
	put(p + 2, 20, 2);
	put(p + 4, 1, 4);
	put(p + 8, first, 8);
	put(p + 16, last, 8);
	return at + 24;
}

#endif
