/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * attack_ring.c - E09 and E10: the order between a driver and a ring. Each
 * suite is an attack of docs/threats.md.
 *
 * lib/used.c is compiled in here with another door to shared memory, which
 * writes down in which order it reads, and where the barrier is.
 */
#include "calls.h"
#include "copy.h"
#include "fake_viommu.h"
#include "viommu.h"

enum event {
	NOTHING,
	IDX,
	BARRIER,
	ELEMENT,
};

enum {
	EVENTS = 16,
	ENTRIES = 8
};

static enum event event[EVENTS];
static uint32_t events;

static void note(enum event what)
{
	if (events < EVENTS)
		event[events++] = what;
}

static uint16_t noted_le16(const unsigned char *shared)
{
	note(IDX);
	return bounce_copy_le16(shared);
}

static void noted_copy_out(void *private, const unsigned char *shared,
			   size_t len)
{
	note(ELEMENT);
	bounce_copy_out(private, shared, len);
}

#define bounce_copy_le16 noted_le16
#define bounce_copy_out noted_copy_out
#define bounce_rmb_device() note(BARRIER)
#include "used.c"
#undef bounce_copy_le16
#undef bounce_copy_out
#undef bounce_rmb_device

/* ---- E10 ---- */

static void expect_order(struct bounce_used *used, uint32_t head)
{
	struct bounce_completion done;

	events = 0;
	cr_assert_eq(bounce_virtio_used(used, &done), BOUNCE_OK);
	cr_expect_eq(done.head, head);
	cr_expect_eq(events, 3);
	cr_expect_eq(event[0], IDX);
	cr_expect_eq(event[1], BARRIER);
	cr_expect_eq(event[2], ELEMENT);
}

Test(e10, a_split_rings_element_is_read_after_the_index_and_a_barrier)
{
	_Alignas(16) unsigned char ring[4 + 8 * ENTRIES] = { 0 };
	_Alignas(8) unsigned char memory[1024];
	struct bounce_completion done;
	struct bounce_used *used;

	cr_assert_eq(bounce_used_init(memory, sizeof(memory), ENTRIES, ring,
				      &used),
		     BOUNCE_OK);
	cr_assert_eq(bounce_used_post(used, 3, 100, 0), BOUNCE_OK);
	events = 0;
	cr_expect_eq(bounce_virtio_used(used, &done), BOUNCE_ERR_BUSY);
	cr_expect_eq(events, 1, "nothing but the index");
	ring[4] = 3;
	ring[2] = 1;
	expect_order(used, 3);
}

Test(e10, a_packed_descriptor_is_read_after_its_flags_and_a_barrier)
{
	_Alignas(16) unsigned char ring[16 * ENTRIES] = { 0 };
	_Alignas(8) unsigned char memory[1024];
	struct bounce_used *used;

	cr_assert_eq(bounce_used_init_packed(memory, sizeof(memory), ENTRIES,
					     ring, &used),
		     BOUNCE_OK);
	cr_assert_eq(bounce_used_post_packed(used, 5, 1, 100, 0), BOUNCE_OK);
	ring[12] = 5;
	ring[14] = 0x80;
	ring[15] = 0x80;
	expect_order(used, 5);
}

/* ---- E09 ---- */

/*
 * A driver that publishes and then asks the device's flag whether to notify
 * needs a full barrier between. Ours (the virtio-iommu's; the guests' ring
 * does the same) never asks: it notifies whatever the ring says.
 */
Test(e09, the_devices_wish_not_to_be_notified_is_never_read)
{
	struct fake_viommu device = { .fail_at = FAKE_VIOMMU_NEVER,
				      .patience = 8,
				      .endpoint = { 8 },
				      .bus = UINT64_C(1) << 32 };
	struct bounce_viommu_info info = {
		.ctx = &device,
		.notify = fake_viommu_notify,
		.wait = fake_viommu_wait,
		.set_bypass = fake_viommu_set_bypass,
		.bus = { UINT64_C(1) << 32 },
		.features = BOUNCE_VIOMMU_FEATURES,
		.page_size_mask = ~UINT64_C(4095),
		.input_first = { 4096 },
		.input_last = { UINT64_C(1) << 47 },
		.domain_first = 1,
		.domain_last = 15,
		.probe_size = 128,
		.entries = 8,
		.domains = 1,
		.endpoints = 1,
	};
	struct bounce_viommu_domain *domain;
	struct bounce_viommu *viommu;
	unsigned char *flags;
	void *shared = NULL;
	void *private = NULL;

	device.bytes = bounce_viommu_shared_size(&info);
	cr_assert_eq(posix_memalign(&shared, 4096, device.bytes), 0);
	cr_assert_eq(posix_memalign(&private, BOUNCE_VIOMMU_ALIGN,
				    bounce_viommu_size(&info)),
		     0);
	device.memory = info.shared = shared;
	cr_assert_eq(bounce_viommu_init(private, bounce_viommu_size(&info),
					&info, &viommu),
		     BOUNCE_OK);
	for (uint32_t i = 0; i < 2; i++)
		bounce_viommu_ring(viommu, (enum bounce_viommu_queue)i,
				   &device.ring[i]);
	bounce_viommu_start(viommu);
	cr_assert_eq(bounce_viommu_domain(viommu, 3, &domain), BOUNCE_OK);
	cr_assert_eq(bounce_viommu_attach(domain, 8), BOUNCE_OK);
	flags = device.memory + (device.ring[0].used.v - device.bus);
	for (uint64_t i = 0; i < 50; i++) {
		const struct bounce_iommu_run run = { .bus = { (i + 1) << 20 },
						      .gpa = { i << 12 },
						      .len = 4096,
						      .access = 3 };
		uint32_t before = device.notified[0];
		uint64_t done;

		flags[0] = (unsigned char)(i % 2); /* VIRTIO 1.2, 2.7.10 */
		cr_assert_eq(bounce_iommu_virtio.map(domain, &run, 1, &done),
			     BOUNCE_STEP_DONE);
		cr_expect_eq(device.notified[0], before + 1);
	}
	free(private);
	free(shared);
}
