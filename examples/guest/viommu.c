/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * viommu.c - see viommu.h.
 *
 *   V1  One request is under way at a time: descriptor 0 is what the device
 *       reads, descriptor 1 what it writes.
 *   V2  Each descriptor of the event queue is one event, always with the
 *       device but while it is being copied out.
 *
 * What the device writes is copied out once and then looked at. It is part of
 * the machine that confines others; an answer that is none ends the guest.
 */
#include "viommu.h"

#include <cpu.h>

#define ENTRIES 64u
#define ANSWER_MILLISECONDS 5000u

/* Features: 5.13.3. All of them but MMIO are used, if offered. */
#define FEATURE_INPUT_RANGE (UINT64_C(1) << 0)
#define FEATURE_DOMAIN_RANGE (UINT64_C(1) << 1)
#define FEATURE_MAP_UNMAP (UINT64_C(1) << 2)

/* Configuration: 5.13.4. */
#define CONFIG_PAGE_SIZES 0u

/* Requests: 5.13.6.1. A tail follows each; its first byte is the status. */
#define REQUEST_ATTACH 1u
#define REQUEST_DETACH 2u
#define REQUEST_MAP 3u
#define REQUEST_UNMAP 4u

struct head {
	uint8_t type;
	uint8_t reserved[3];
};

struct tail {
	uint8_t status;
	uint8_t reserved[3];
};

/* 5.13.6.3 and 5.13.6.4. */
struct attach {
	struct head head;
	uint32_t domain;
	uint32_t endpoint;
	uint32_t flags;
	uint8_t reserved[4];
};
_Static_assert(sizeof(struct attach) == 20, "virtio_iommu_req_attach");

/* 5.13.6.5. */
struct map {
	struct head head;
	uint32_t domain;
	uint64_t first;
	uint64_t last; /* inclusive */
	uint64_t gpa;
	uint32_t flags;
} __attribute__((packed));
_Static_assert(sizeof(struct map) == 36, "virtio_iommu_req_map");

/* 5.13.6.6. */
struct unmap {
	struct head head;
	uint32_t domain;
	uint64_t first;
	uint64_t last;
	uint8_t reserved[4];
} __attribute__((packed));
_Static_assert(sizeof(struct unmap) == 28, "virtio_iommu_req_unmap");

/* 5.13.6.9. */
struct event {
	uint8_t reason;
	uint8_t reserved[3];
	uint32_t flags;
	uint32_t endpoint;
	uint8_t reserved2[4];
	uint64_t address;
};
_Static_assert(sizeof(struct event) == 24, "virtio_iommu_fault");

/* ---- rings: 2.7.5, 2.7.6, 2.7.8 ---- */

#define DESCRIPTOR_NEXT 1u
#define DESCRIPTOR_WRITE 2u

struct descriptor {
	uint64_t address;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

struct ring {
	struct descriptor descriptor[ENTRIES];
	uint16_t available_flags;
	uint16_t available_index;
	uint16_t available[ENTRIES];
	uint16_t used_event;
	uint16_t padding;
	struct {
		uint16_t flags;
		uint16_t index;
		struct {
			uint32_t id;
			uint32_t len;
		} element[ENTRIES];
	} used;
} __attribute__((aligned(4096)));

enum queue {
	REQUESTS = 0,
	EVENTS = 1,
};

static struct virtio_device device;
static volatile struct ring rings[2];
static uint16_t seen[2]; /* used elements taken */
static union {
	struct attach attach;
	struct map map;
	struct unmap unmap;
} request;
static volatile struct tail tail;
static volatile struct event events[ENTRIES];
static uint64_t count;

static void describe(enum queue queue, uint16_t index, const volatile void *at,
		     uint32_t len, uint16_t flags)
{
	volatile struct descriptor *to = &rings[queue].descriptor[index];

	to->address = guest_le64((uintptr_t)at);
	to->len = guest_le32(len);
	to->flags = guest_le16(flags);
	to->next = guest_le16((uint16_t)(index + 1));
}

static void offer(enum queue queue, uint16_t head)
{
	volatile struct ring *ring = &rings[queue];
	uint16_t index = guest_le16(ring->available_index);

	ring->available[index % ENTRIES] = guest_le16(head);
	bounce_wmb_device();
	ring->available_index = guest_le16((uint16_t)(index + 1));
}

/* The next used descriptor, or false when there is none. */
static bool take(enum queue queue, uint16_t *head)
{
	volatile struct ring *ring = &rings[queue];

	if (guest_le16(ring->used.index) == seen[queue])
		return false;
	bounce_rmb_device();
	*head = (uint16_t)guest_le32(
		ring->used.element[seen[queue] % ENTRIES].id);
	seen[queue]++;
	if (*head >= ENTRIES)
		guest_fail("the IOMMU completed what it was not given");
	return true;
}

static bool set_up(enum queue queue)
{
	const struct virtio_ring place = {
		.entries = ENTRIES,
		.descriptors = { (uintptr_t)rings[queue].descriptor },
		.available = { (uintptr_t)&rings[queue].available_flags },
		.used = { (uintptr_t)&rings[queue].used },
	};

	return virtio_queue(&device, queue, &place);
}

const char *viommu_start(void)
{
	const uint64_t wanted = BOUNCE_VIRTIO_F_VERSION_1 |
				FEATURE_INPUT_RANGE | FEATURE_DOMAIN_RANGE |
				FEATURE_MAP_UNMAP;

	if (!virtio_find(GUEST_IOMMU, &device))
		return "there is no virtio-iommu";
	if ((device.offered & FEATURE_MAP_UNMAP) == 0 ||
	    !virtio_accept(&device, device.offered & wanted))
		return "the virtio-iommu does not take our features";
	if ((virtio_config(&device, CONFIG_PAGE_SIZES) & VIOMMU_PAGE_BYTES) ==
	    0)
		return "the virtio-iommu has no pages of 4 KiB";
	if (!set_up(REQUESTS) || !set_up(EVENTS))
		return "the virtio-iommu has not the queues that are wanted";
	virtio_live(&device);
	for (uint16_t i = 0; i < ENTRIES; i++) {
		describe(EVENTS, i, &events[i], sizeof(events[i]),
			 DESCRIPTOR_WRITE);
		offer(EVENTS, i);
	}
	virtio_notify(&device, EVENTS);
	return NULL;
}

/* ---- requests ---- */

static enum viommu_status ask(uint8_t type, uint32_t len)
{
	uint64_t until = cpu_milliseconds() + ANSWER_MILLISECONDS;
	uint16_t head;

	request.attach.head = (struct head) { .type = type };
	tail.status = VIOMMU_SILENT;
	describe(REQUESTS, 0, &request, len, DESCRIPTOR_NEXT);
	describe(REQUESTS, 1, &tail, sizeof(tail), DESCRIPTOR_WRITE);
	offer(REQUESTS, 0);
	virtio_notify(&device, REQUESTS);
	count++;
	while (!take(REQUESTS, &head)) {
		if (cpu_milliseconds() > until)
			return VIOMMU_SILENT;
		bounce_cpu_relax();
	}
	return (enum viommu_status)tail.status;
}

static enum viommu_status attachment(uint8_t type, uint32_t domain,
				     uint16_t endpoint)
{
	request.attach = (struct attach) {
		.domain = guest_le32(domain),
		.endpoint = guest_le32(endpoint),
	};
	return ask(type, sizeof(request.attach));
}

enum viommu_status viommu_attach(uint32_t domain, uint16_t endpoint)
{
	return attachment(REQUEST_ATTACH, domain, endpoint);
}

enum viommu_status viommu_detach(uint32_t domain, uint16_t endpoint)
{
	return attachment(REQUEST_DETACH, domain, endpoint);
}

enum viommu_status viommu_map(uint32_t domain, const struct viommu_range *range)
{
	request.map = (struct map) {
		.domain = guest_le32(domain),
		.first = guest_le64(range->bus),
		.last = guest_le64(range->bus + range->len - 1),
		.gpa = guest_le64(range->gpa),
		.flags = guest_le32(range->access),
	};
	return ask(REQUEST_MAP, sizeof(request.map));
}

enum viommu_status viommu_unmap(uint32_t domain,
				const struct viommu_range *range)
{
	request.unmap = (struct unmap) {
		.domain = guest_le32(domain),
		.first = guest_le64(range->bus),
		.last = guest_le64(range->bus + range->len - 1),
	};
	return ask(REQUEST_UNMAP, sizeof(request.unmap));
}

uint64_t viommu_requests(void)
{
	return count;
}

/* ---- for the library ---- */

static void info(void *ctx, struct bounce_iommu_info *info)
{
	(void)ctx;
	*info = (struct bounce_iommu_info) {
		.page_bytes = VIOMMU_PAGE_BYTES,
		.last = { UINT64_MAX },
		.attributes = BOUNCE_IOMMU_READ_ONLY,
		.requests = count,
	};
}

/* One run after the other; each is all or nothing. */
static enum bounce_step each(const uint32_t *domain,
			     const struct bounce_iommu_run *run, uint32_t runs,
			     bool map, uint64_t *done)
{
	*done = 0;
	for (uint32_t i = 0; i < runs; i++) {
		const struct viommu_range range = {
			.bus = run[i].bus.v,
			.gpa = run[i].gpa.v,
			.len = run[i].len,
			.access = run[i].access, /* the same bits */
		};

		if ((map ? viommu_map(*domain, &range) :
			   viommu_unmap(*domain, &range)) != VIOMMU_OK)
			return BOUNCE_STEP_UNKNOWN;
		*done += run[i].len;
	}
	return BOUNCE_STEP_DONE;
}

static enum bounce_step map(void *ctx, const struct bounce_iommu_run *run,
			    uint32_t runs, uint64_t *done)
{
	return each(ctx, run, runs, true, done);
}

static enum bounce_step unmap(void *ctx, const struct bounce_iommu_run *run,
			      uint32_t runs, uint64_t *done)
{
	return each(ctx, run, runs, false, done);
}

/* No flush: an UNMAP that was answered is in effect (5.13.6.6). */
const struct bounce_iommu viommu_backend = {
	.name = "guest/viommu",
	.info = info,
	.map = map,
	.unmap = unmap,
};

/* ---- faults ---- */

bool viommu_take_fault(struct viommu_fault *fault)
{
	uint16_t head;

	if (!take(EVENTS, &head))
		return false;
	*fault = (struct viommu_fault) {
		.reason = events[head].reason,
		.endpoint = guest_le32(events[head].endpoint),
		.address = guest_le64(events[head].address),
	};
	offer(EVENTS, head);
	virtio_notify(&device, EVENTS);
	return true;
}

bool viommu_wait_fault(uint32_t milliseconds, struct viommu_fault *fault)
{
	uint64_t until = cpu_milliseconds() + milliseconds;

	while (!viommu_take_fault(fault)) {
		if (cpu_milliseconds() > until)
			return false;
		bounce_cpu_relax();
	}
	return true;
}
