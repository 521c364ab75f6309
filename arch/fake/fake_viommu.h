/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fake_viommu.h - a virtio-iommu in a struct: it reads its queues as a device
 * does, by bus addresses, and does what VIRTIO 1.2, 5.13 says; or what a test
 * wants of it.
 */
#ifndef FAKE_VIOMMU_H
#define FAKE_VIOMMU_H

#include <bounce/viommu.h>

#define FAKE_VIOMMU_MAPPINGS 64u
#define FAKE_VIOMMU_ENDPOINTS 8u
#define FAKE_VIOMMU_NEVER UINT32_MAX
#define FAKE_VIOMMU_BUS UINT64_C(0x4000000000) /* where its queues are */
#define FAKE_VIOMMU_PROBE_SIZE 128u

enum fake_viommu_mood {
	FAKE_VIOMMU_HONEST = 0,
	FAKE_VIOMMU_SILENT, /* does it, and says nothing */
	FAKE_VIOMMU_WRONG_ID, /* of the used element */
	FAKE_VIOMMU_WRONG_LENGTH,
	FAKE_VIOMMU_AHEAD, /* the used index runs off */
	FAKE_VIOMMU_TWICE, /* the same element again */
	FAKE_VIOMMU_MOODS,
};

struct fake_viommu_mapping {
	uint32_t domain;
	uint32_t access; /* 0: a free entry */
	uint64_t first;
	uint64_t last;
	uint64_t gpa;
};

struct fake_viommu {
	/* Set by the test. */
	unsigned char *memory; /* what it reaches ... */
	uint64_t bus; /* ... from this bus address on ... */
	uint64_t bytes; /* ... so many bytes */
	enum fake_viommu_mood mood;
	uint32_t fail_at; /* request number that fails; or NEVER */
	uint8_t fail_status; /* with this */
	unsigned char property[256]; /* what PROBE answers */
	uint32_t endpoint[FAKE_VIOMMU_ENDPOINTS]; /* that there are */
	uint32_t patience; /* turns that wait() grants [8] */

	/* Kept. */
	struct bounce_viommu_ring ring[2];
	uint16_t seen[2]; /* available entries taken */
	uint16_t used[2]; /* our used index */
	uint32_t notified[2];
	uint32_t requests;
	uint32_t wrong; /* requests that no driver makes */
	bool bypass;
	uint32_t domain_of[FAKE_VIOMMU_ENDPOINTS]; /* 0: none */
	struct fake_viommu_mapping mapping[FAKE_VIOMMU_MAPPINGS];
};

/* What a driver of it is told, all but `shared`; the hooks are the three
 * below. */
struct bounce_viommu_info fake_viommu_info(struct fake_viommu *viommu);

/* Hooks for struct bounce_viommu_info; ctx is the device. */
void fake_viommu_notify(void *viommu, uint32_t queue);
bool fake_viommu_wait(void *viommu, uint64_t turn);
void fake_viommu_set_bypass(void *viommu, bool on);

/* Where does an endpoint's access at @bus go? False: it is refused. */
bool fake_viommu_reach(const struct fake_viommu *viommu, uint32_t endpoint,
		       uint64_t bus, uint32_t access, uint64_t *gpa);

uint32_t fake_viommu_mappings(const struct fake_viommu *viommu);

/* Report a fault, if there is a buffer for it: @bytes of it, 24 as it should
 * be. */
bool fake_viommu_report(struct fake_viommu *viommu,
			const struct bounce_viommu_fault *fault,
			uint32_t bytes);

#endif
