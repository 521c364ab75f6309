/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * viommu.h - the backend for a virtio-iommu.
 *
 * The embedder's transport finds the device, negotiates and places the queues;
 * everything that goes through them is done here. What the device answers is
 * checked as any device's word is: a lie, or no answer in time, breaks the
 * IOMMU, after which no call is sure of anything.
 *
 * In this order: bounce_viommu_init(); the transport places what
 * bounce_viommu_ring() says of queue 0 and 1, and sets DRIVER_OK;
 * bounce_viommu_start(); bounce_viommu_domain(), bounce_viommu_probe(),
 * bounce_viommu_attach(); and the domain is the ctx of a struct
 * bounce_translation.
 *
 * Source: VIRTIO 1.2 section 5.13.
 */
#ifndef BOUNCE_VIOMMU_H
#define BOUNCE_VIOMMU_H

#include <bounce/iommu.h>

#ifdef __cplusplus
extern "C" {
#endif

/* VIRTIO 1.2 section 5.13.3: what the backend makes use of. */
#define BOUNCE_VIOMMU_F_INPUT_RANGE (UINT64_C(1) << 0)
#define BOUNCE_VIOMMU_F_DOMAIN_RANGE (UINT64_C(1) << 1)
#define BOUNCE_VIOMMU_F_MAP_UNMAP (UINT64_C(1) << 2)
#define BOUNCE_VIOMMU_F_PROBE (UINT64_C(1) << 4)
#define BOUNCE_VIOMMU_F_BYPASS_CONFIG (UINT64_C(1) << 6)
#define BOUNCE_VIOMMU_FEATURES                                        \
	(BOUNCE_VIOMMU_F_INPUT_RANGE | BOUNCE_VIOMMU_F_DOMAIN_RANGE | \
	 BOUNCE_VIOMMU_F_MAP_UNMAP | BOUNCE_VIOMMU_F_PROBE |          \
	 BOUNCE_VIOMMU_F_BYPASS_CONFIG)

/* Alignment of the memory given to bounce_viommu_init(), bytes. */
#define BOUNCE_VIOMMU_ALIGN 8u

/* The device's queues, by their numbers. */
enum bounce_viommu_queue {
	BOUNCE_VIOMMU_REQUESTS = 0,
	BOUNCE_VIOMMU_EVENTS = 1,
};

/* A device; lives in caller-given private memory. And one of its domains. */
struct bounce_viommu;
struct bounce_viommu_domain;

/* What the transport knows of the device, and what it does for us. */
struct bounce_viommu_info {
	void *ctx; /* handed to each hook */

	/* notify() - tell the device of new buffers. Not NULL. */
	void (*notify)(void *ctx, uint32_t queue);

	/*
	 * wait() - between two looks at a queue, number @turn (from 0); false
	 * to give up. By time: another CPU may have to run first. NULL: a bound
	 * on the number of looks is all there is.
	 */
	bool (*wait)(void *ctx, uint64_t turn);

	/* set_bypass() - write the configuration's bypass byte, at offset 36.
	 * NULL where the feature was not accepted. */
	void (*set_bypass)(void *ctx, bool on);

	/*
	 * Memory for the queues: bounce_viommu_shared_size() bytes, aligned to
	 * a slot, of which the device knows the first byte as `bus`.
	 * Within the host's reach, best from bounce_alloc() in a pool of its
	 * own, so that no device behind the IOMMU reaches it.
	 */
	unsigned char *shared;
	bounce_bus_t bus;

	uint64_t features; /* accepted; MAP_UNMAP is needed */
	/* The configuration: VIRTIO 1.2 section 5.13.4. Ranges inclusive;
	 * looked at only with their features. */
	uint64_t page_size_mask;
	bounce_bus_t input_first;
	bounce_bus_t input_last;
	uint32_t domain_first;
	uint32_t domain_last;
	uint32_t probe_size;
	uint16_t entries; /* of each queue: a power of two, 4 .. 256 */
	uint16_t domains; /* that there will be, 1 .. */
	uint16_t endpoints; /* attached at the same time, 1 .. */
	uint16_t reserved; /* zero */
};

/* Where the transport places a queue: bus addresses. */
struct bounce_viommu_ring {
	uint32_t entries;
	uint32_t reserved; /* zero */
	bounce_bus_t descriptors;
	bounce_bus_t available;
	bounce_bus_t used;
};

/* A forbidden access: VIRTIO 1.2 section 5.13.6.9. */
struct bounce_viommu_fault {
	uint8_t reason; /* 0 unknown, 1 no domain, 2 no mapping */
	uint8_t reserved[3]; /* zero */
	uint32_t flags; /* 1 read, 2 write, 4 execute; 256: address is set */
	uint32_t endpoint;
	uint64_t address;
};

/**
 * bounce_viommu_size() - private memory for a device.
 *
 * @info: counts and features; read only.
 *
 * Context: any; pure.
 *
 * Return: bytes, or 0 when @info cannot be.
 */
size_t bounce_viommu_size(const struct bounce_viommu_info *info)
	BOUNCE_MUST_CHECK;

/**
 * bounce_viommu_shared_size() - memory within the device's reach.
 *
 * @info: counts and features; read only.
 *
 * Context: any; pure.
 *
 * Return: bytes, or 0 when @info cannot be.
 */
size_t bounce_viommu_shared_size(const struct bounce_viommu_info *info)
	BOUNCE_MUST_CHECK;

/**
 * bounce_viommu_init() - lay out the queues; again after a device reset.
 *
 * @memory: private, aligned to BOUNCE_VIOMMU_ALIGN; the caller's, lent.
 * @bytes: its size, at least bounce_viommu_size(@info).
 * @info: copied.
 * @viommu: written on success only; points into @memory.
 *
 * Context: before the device is live.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG    a pointer is NULL or misaligned, @info cannot be, or
 *                     MAP_UNMAP was not accepted.
 *   BOUNCE_ERR_RANGE  @bytes is too small.
 */
enum bounce_err bounce_viommu_init(void *memory, size_t bytes,
				   const struct bounce_viommu_info *info,
				   struct bounce_viommu **viommu)
	BOUNCE_MUST_CHECK;

/**
 * bounce_viommu_ring() - where a queue is to be placed.
 *
 * @viommu: the device.
 * @queue: BOUNCE_VIOMMU_REQUESTS or BOUNCE_VIOMMU_EVENTS.
 * @ring: written always.
 *
 * Context: any; pure.
 */
void bounce_viommu_ring(const struct bounce_viommu *viommu,
			enum bounce_viommu_queue queue,
			struct bounce_viommu_ring *ring);

/**
 * bounce_viommu_start() - the device is live: give it buffers for events.
 *
 * @viommu: the device, after DRIVER_OK.
 *
 * Context: once after each init; calls notify().
 */
void bounce_viommu_start(struct bounce_viommu *viommu);

/**
 * bounce_viommu_domain() - a set of translations: what a space has.
 *
 * @viommu: the device.
 * @id: its number: within the device's domain range, and not in use.
 * @domain: written on success only; the ctx of a struct bounce_translation.
 *
 * Context: serialised by the caller with attach and detach.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG   NULL, or @id is out of range or in use.
 *   BOUNCE_ERR_FULL  info.domains are used up.
 */
enum bounce_err bounce_viommu_domain(struct bounce_viommu *viommu, uint32_t id,
				     struct bounce_viommu_domain **domain)
	BOUNCE_MUST_CHECK;

/**
 * bounce_viommu_probe() - which bus addresses an endpoint keeps to itself.
 *
 * They are kept in the domain: no slab is placed there. Before the space's
 * bounce_space_set_iommu(), for each endpoint that will be in the domain. More
 * than the domain has room for are widened into one that holds them.
 *
 * @domain: the domain.
 * @endpoint: a requester ID, as the IOMMU sees it.
 *
 * Context: as bounce_viommu_domain(); waits for the device.
 *
 * Return:
 *   BOUNCE_OK           also where the device cannot be probed.
 *   BOUNCE_ERR_REFUSED  no such endpoint.
 *   BOUNCE_ERR_HOST     the device failed the request, or said what cannot be.
 *   BOUNCE_ERR_LOST     the device is broken.
 *
 * Source: VIRTIO 1.2 section 5.13.6.7.
 */
enum bounce_err bounce_viommu_probe(struct bounce_viommu_domain *domain,
				    uint32_t endpoint) BOUNCE_MUST_CHECK;

/**
 * bounce_viommu_attach() - from now on an endpoint is in a domain.
 *
 * To attach it twice empties some devices' domain, so that is refused.
 *
 * @domain: the domain.
 * @endpoint: a requester ID, as the IOMMU sees it: one for all that alias it.
 *
 * Context: as bounce_viommu_probe().
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_BUSY     it is in this or another domain.
 *   BOUNCE_ERR_FULL     info.endpoints are used up.
 *   BOUNCE_ERR_REFUSED  no such endpoint.
 *   BOUNCE_ERR_HOST     the device failed the request; nothing changed.
 *   BOUNCE_ERR_LOST     the device is broken.
 *
 * Source: VIRTIO 1.2 section 5.13.6.3.
 */
enum bounce_err bounce_viommu_attach(struct bounce_viommu_domain *domain,
				     uint32_t endpoint) BOUNCE_MUST_CHECK;

/**
 * bounce_viommu_detach() - an endpoint reaches nothing any more.
 *
 * What it does then is the bypass configuration's: see
 * bounce_viommu_set_bypass(). Before its ID is given to another device.
 *
 * @domain: the domain that it is in.
 * @endpoint: as it was attached.
 *
 * Context: as bounce_viommu_probe(); the endpoint's device is quiesced.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG   it is not in this domain.
 *   BOUNCE_ERR_HOST  the device failed the request; it may still be attached.
 *   BOUNCE_ERR_LOST  the device is broken.
 *
 * Source: VIRTIO 1.2 section 5.13.6.4.
 */
enum bounce_err bounce_viommu_detach(struct bounce_viommu_domain *domain,
				     uint32_t endpoint) BOUNCE_MUST_CHECK;

/**
 * bounce_viommu_set_bypass() - may endpoints without a domain reach memory?
 *
 * @viommu: the device.
 * @on: true: all of it, untranslated. false: none.
 *
 * Context: as bounce_viommu_domain().
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_REFUSED  BYPASS_CONFIG was not accepted.
 *
 * Source: VIRTIO 1.2 sections 5.13.4, 5.13.5.
 */
enum bounce_err bounce_viommu_set_bypass(struct bounce_viommu *viommu, bool on)
	BOUNCE_MUST_CHECK;

/**
 * bounce_viommu_take_fault() - the next fault that the device reported.
 *
 * Some are lost when they come faster than they are taken.
 *
 * @viommu: the device.
 * @fault: written on success only.
 *
 * Context: one caller at a time; does not wait.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_BUSY  there is none.
 *   BOUNCE_ERR_HOST  what was reported is no fault; take the next.
 *   BOUNCE_ERR_LOST  the queue of events is broken: no more will come.
 *
 * Source: VIRTIO 1.2 section 5.13.6.9.
 */
enum bounce_err bounce_viommu_take_fault(struct bounce_viommu *viommu,
					 struct bounce_viommu_fault *fault)
	BOUNCE_MUST_CHECK;

/**
 * bounce_viommu_valid() - check the device's invariants.
 *
 * @viommu: the device.
 *
 * Context: no other call in progress.
 *
 * Return: true when queues, domains and endpoints agree.
 */
bool bounce_viommu_valid(const struct bounce_viommu *viommu) BOUNCE_MUST_CHECK;

/**
 * bounce_viommu_domain_valid() - check a domain's invariants.
 *
 * @domain: the domain.
 *
 * Context: no other call in progress.
 *
 * Return: true when it is its device's, and its ranges are in order.
 */
bool bounce_viommu_domain_valid(const struct bounce_viommu_domain *domain)
	BOUNCE_MUST_CHECK;

/*
 * The backend; its ctx is a struct bounce_viommu_domain. One request serves a
 * run; runs that go on where the last one ended, on the bus and in memory, are
 * one. As many requests as the queue holds are made with one notification.
 * Its calls exclude each other, and wait for each other within bounds: a map
 * that interrupts another on the same CPU fails.
 */
extern const struct bounce_iommu bounce_iommu_virtio;

#ifdef __cplusplus
}
#endif

#endif
