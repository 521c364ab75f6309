/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * viommu.c - see viommu.h.
 */
#include "viommu.h"
#include "virtio_pci.h"

#include <cpu.h>

#define ENTRIES 64u /* of each queue */
#define DOMAINS 8u
#define ENDPOINTS 16u
#define ANSWER_MILLISECONDS 5000u
#define POLLS 4096u /* between two looks at the clock */

/* Offsets of the configuration, 64 bits each: VIRTIO 1.2, 5.13.4. */
#define CONFIG_PAGE_SIZES 0u
#define CONFIG_INPUT_FIRST 8u
#define CONFIG_INPUT_LAST 16u
#define CONFIG_DOMAINS 24u /* first, last */
#define CONFIG_PROBE_SIZE 32u /* and the bypass byte, and three reserved */
#define CONFIG_BYPASS 36u

static unsigned char private[16384]
	__attribute__((aligned(BOUNCE_VIOMMU_ALIGN)));
static unsigned char shared[32768] __attribute__((aligned(BOUNCE_SLOT_BYTES)));
static struct virtio_device device;
static struct bounce_viommu *viommu;
static struct bounce_viommu_domain *first_domain;
static uint32_t domains;

static void notify(void *ctx, uint32_t queue)
{
	(void)ctx;
	virtio_notify(&device, (uint16_t)queue);
}

static bool wait(void *ctx, uint64_t turn)
{
	static uint64_t until;

	(void)ctx;
	if (turn == 0)
		until = cpu_milliseconds() + ANSWER_MILLISECONDS;
	bounce_cpu_relax();
	return turn % POLLS != POLLS - 1 || cpu_milliseconds() <= until;
}

static void set_bypass(void *ctx, bool on)
{
	(void)ctx;
	virtio_configure(&device, CONFIG_BYPASS, on ? 1 : 0);
}

static struct bounce_viommu_info describe(uint64_t features)
{
	uint64_t ids = virtio_config(&device, CONFIG_DOMAINS);

	return (struct bounce_viommu_info) {
		.notify = notify,
		.wait = wait,
		.set_bypass = set_bypass,
		.shared = shared,
		.bus = { (uintptr_t)shared },
		.features = features,
		.page_size_mask = virtio_config(&device, CONFIG_PAGE_SIZES),
		.input_first = { virtio_config(&device, CONFIG_INPUT_FIRST) },
		.input_last = { virtio_config(&device, CONFIG_INPUT_LAST) },
		.domain_first = (uint32_t)ids,
		.domain_last = (uint32_t)(ids >> 32),
		.probe_size = (uint32_t)virtio_config(&device,
						      CONFIG_PROBE_SIZE),
		.entries = ENTRIES,
		.domains = DOMAINS,
		.endpoints = ENDPOINTS,
	};
}

static bool place(enum bounce_viommu_queue queue)
{
	struct bounce_viommu_ring ring;
	struct virtio_ring where;

	bounce_viommu_ring(viommu, queue, &ring);
	where = (struct virtio_ring) {
		.entries = (uint16_t)ring.entries,
		.descriptors = ring.descriptors,
		.available = ring.available,
		.used = ring.used,
	};
	return virtio_queue(&device, (uint16_t)queue, &where);
}

const char *viommu_start(void)
{
	const uint64_t wanted = BOUNCE_VIOMMU_FEATURES |
				BOUNCE_VIRTIO_F_VERSION_1;
	struct bounce_viommu_info info;

	if (!virtio_find(GUEST_IOMMU, &device))
		return "there is no virtio-iommu";
	if (!virtio_accept(&device, device.offered & wanted))
		return "the virtio-iommu does not take our features";
	info = describe(device.offered & wanted);
	if (bounce_viommu_shared_size(&info) > sizeof(shared) ||
	    bounce_viommu_init(private, sizeof(private), &info, &viommu) !=
		    BOUNCE_OK)
		return "the virtio-iommu is not one that the library drives";
	if (!place(BOUNCE_VIOMMU_REQUESTS) || !place(BOUNCE_VIOMMU_EVENTS))
		return "the virtio-iommu has not the queues that are wanted";
	virtio_live(&device);
	bounce_viommu_start(viommu);
	/* What it is at the start is the machine's choice. */
	return viommu_bypass(false) ? NULL : "the bypass byte does not stay 0";
}

struct bounce_viommu_domain *viommu_domain(void)
{
	struct bounce_viommu_domain *domain;

	if (bounce_viommu_domain(viommu, ++domains, &domain) != BOUNCE_OK)
		guest_fail("the virtio-iommu has no domain left");
	if (first_domain == NULL)
		first_domain = domain;
	return domain;
}

enum bounce_err viommu_attach(struct bounce_viommu_domain *domain,
			      uint16_t endpoint)
{
	enum bounce_err err = bounce_viommu_probe(domain, endpoint);

	return err == BOUNCE_OK ? bounce_viommu_attach(domain, endpoint) : err;
}

bool viommu_bypass(bool on)
{
	uint64_t bypass;

	if (bounce_viommu_set_bypass(viommu, on) != BOUNCE_OK)
		return false;
	bypass = virtio_config(&device, CONFIG_PROBE_SIZE) >> 32 & UINT8_MAX;
	return bypass == (on ? 1 : 0);
}

uint64_t viommu_requests(void)
{
	struct bounce_iommu_info info;

	bounce_iommu_virtio.info(first_domain, &info);
	return info.requests;
}

/* ---- faults ---- */

bool viommu_take_fault(struct bounce_viommu_fault *fault)
{
	enum bounce_err err = bounce_viommu_take_fault(viommu, fault);

	if (err != BOUNCE_OK && err != BOUNCE_ERR_BUSY)
		guest_fail("the virtio-iommu reports what is no fault");
	return err == BOUNCE_OK;
}

bool viommu_wait_fault(uint32_t milliseconds, struct bounce_viommu_fault *fault)
{
	uint64_t until = cpu_milliseconds() + milliseconds;

	while (!viommu_take_fault(fault)) {
		if (cpu_milliseconds() > until)
			return false;
		bounce_cpu_relax();
	}
	return true;
}
