/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * viommu.h - the virtio-iommu of a machine, driven by one request at a time.
 *
 * It is what confines the other devices, so it is itself not confined: its
 * queues are told by guest-physical addresses. An endpoint is a requester ID.
 *
 * Source: VIRTIO 1.2, section 5.13.
 */
#ifndef VIOMMU_H
#define VIOMMU_H

#include "guest.h"

#define VIOMMU_PAGE_BYTES UINT64_C(4096)

/* How a request ended: 5.13.6.2, and what is no status of the device. */
enum viommu_status {
	VIOMMU_OK = 0,
	VIOMMU_IOERR = 1,
	VIOMMU_UNSUPPORTED = 2,
	VIOMMU_DEVERR = 3,
	VIOMMU_INVALID = 4, /* overlaps a mapping */
	VIOMMU_RANGE = 5, /* would split a mapping */
	VIOMMU_NO_ENTRY = 6, /* no such endpoint or domain */
	VIOMMU_FAULT = 7,
	VIOMMU_NO_MEMORY = 8,
	VIOMMU_SILENT = 255, /* no answer in time */
};

/* What a mapping lets a device do: 5.13.6.5.1. */
#define VIOMMU_READ 1u
#define VIOMMU_WRITE 2u
#define VIOMMU_BOTH (VIOMMU_READ | VIOMMU_WRITE)

/* A forbidden access, as the device reports it: 5.13.6.9. */
enum viommu_reason {
	VIOMMU_REASON_UNKNOWN = 0,
	VIOMMU_REASON_DOMAIN = 1, /* the endpoint is attached to none */
	VIOMMU_REASON_MAPPING = 2, /* nothing mapped, or not so */
};
struct viommu_fault {
	uint8_t reason;
	uint32_t endpoint;
	uint64_t address;
};

/*
 * viommu_start() - find the device, and get it to work; before anything else
 * is done with it. From then on no endpoint reaches memory that is not mapped
 * for it.
 * Return: NULL, or why it cannot be.
 */
const char *viommu_start(void);

/*
 * viommu_attach(), viommu_detach() - an endpoint's domain. To attach it to the
 * domain that it is in already may empty that: QEMU does so.
 */
enum viommu_status viommu_attach(uint32_t domain, uint16_t endpoint);
enum viommu_status viommu_detach(uint32_t domain, uint16_t endpoint);

/* viommu_map(), viommu_unmap() - @len bytes of whole pages. */
struct viommu_range {
	uint64_t bus;
	uint64_t gpa; /* viommu_map() only */
	uint64_t len;
	uint32_t access; /* viommu_map() only */
};
enum viommu_status viommu_map(uint32_t domain,
			      const struct viommu_range *range);
enum viommu_status viommu_unmap(uint32_t domain,
				const struct viommu_range *range);

/* Those two for the library; the context is the domain's number, uint32_t. */
extern const struct bounce_iommu viommu_backend;

/*
 * viommu_take_fault() - the next fault that was reported.
 * Return: false when there is none; one may be lost when there were many.
 */
bool viommu_take_fault(struct viommu_fault *fault);

/* viommu_wait_fault() - the same, waited for. */
bool viommu_wait_fault(uint32_t milliseconds, struct viommu_fault *fault);

/* viommu_requests() - requests that were made since the start. */
uint64_t viommu_requests(void);

#endif
