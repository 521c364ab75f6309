/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * viommu.h - the transport of a machine's virtio-iommu; the library drives it.
 *
 * It is what confines the other devices, so it is itself not confined: its
 * queues are told by guest-physical addresses. An endpoint is a requester ID.
 *
 * Source: VIRTIO 1.2, section 5.13.
 */
#ifndef VIOMMU_H
#define VIOMMU_H

#include "guest.h"

/* Why an access was forbidden: VIRTIO 1.2, 5.13.6.9. */
#define VIOMMU_REASON_MAPPING 2u /* the endpoint's domain has no such mapping */

/*
 * viommu_start() - find the device, and get it to work; before anything else
 * is done with it. From then on no endpoint reaches memory that is not mapped
 * for it.
 * Return: NULL, or why it cannot be.
 */
const char *viommu_start(void);

/* viommu_domain() - a domain that is not there yet: 1, 2 .. in this order. */
struct bounce_viommu_domain *viommu_domain(void);

/*
 * viommu_attach() - what an endpoint keeps to itself is kept in the domain, and
 * the endpoint is in it.
 */
enum bounce_err viommu_attach(struct bounce_viommu_domain *domain,
			      uint16_t endpoint);

/*
 * viommu_bypass() - write the bypass byte, and read it back: does an endpoint
 * that is in no domain reach all of memory? After viommu_start() it does not.
 * Return: false when it is not what was written.
 */
bool viommu_bypass(bool on);

/*
 * viommu_take_fault() - the next fault that was reported.
 * Return: false when there is none; one may be lost when there were many.
 */
bool viommu_take_fault(struct bounce_viommu_fault *fault);

/* viommu_wait_fault() - the same, waited for. */
bool viommu_wait_fault(uint32_t milliseconds,
		       struct bounce_viommu_fault *fault);

/* viommu_requests() - requests that were made since the start. */
uint64_t viommu_requests(void);

#endif
