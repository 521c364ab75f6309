/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_batches.c - what a list costs behind each IOMMU that the library drives:
 * one request of the host for many segments, where its interface has one.
 */
#include "fake_zpci.h"
#include "tce.h"
#include "viommu_stand.h"
#include "zpci.h"

#define WINDOW UINT64_C(0x8000000) /* first bus address of POWER's window */
#define SEGMENTS 6u /* of one call: lib/sg_dynamic.c, L2 */

/* A device behind a dynamic window; the bus addresses begin at @bus. */
struct front {
	struct bench bench;
	struct bounce_space *space;
	struct bounce_device *device;
	struct bounce_queue *queue;
};

static void front_init(struct front *f, const struct bounce_iommu *iommu,
		       void *ctx, uint64_t bus)
{
	const struct bounce_translation translation = {
		.iommu = iommu,
		.ctx = ctx,
		.flags = BOUNCE_TRANSLATION_DYNAMIC,
	};
	struct bench_knobs knobs = bench_usual();

	knobs.chunks = 2;
	knobs.devices = 0;
	knobs.more_devices = 1;
	knobs.more_spaces = 1;
	bench_init(&f->bench, &knobs);
	f->space = bench_translated(&f->bench, bus);
	cr_assert_eq(bounce_space_set_iommu(f->space, &translation, NULL),
		     BOUNCE_OK);
	knobs.info.space = f->space;
	cr_assert_eq(bounce_device_attach(f->bench.bounce, &knobs.info,
					  &f->device, NULL),
		     BOUNCE_OK);
	f->queue = bounce_device_queue(f->device, 0);
}

static void front_fini(struct front *f)
{
	cr_expect_eq(bounce_device_detach(f->device), BOUNCE_OK);
	cr_expect_eq(bounce_space_fini(f->space), BOUNCE_OK);
	bench_fini(&f->bench);
}

/* A list of a page each, apart in memory. */
static void map_list(struct front *f, struct bounce_segment *segment,
		     uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		segment[i] = (struct bounce_segment) {
			.buf = bench_buf(&f->bench, 2 * i * PAGE, PAGE),
			.how = BOUNCE_TO_DEVICE,
		};
	cr_assert_eq(bounce_map_sg(f->queue, segment, count, 0), BOUNCE_OK);
	/* They follow each other on the bus, as slots do in an empty pool. */
	for (uint32_t i = 1; i < count; i++)
		cr_assert_eq(segment[i].mapping.bus.v,
			     segment[i - 1].mapping.bus.v + PAGE);
}

static void unmap_list(struct front *f, const struct bounce_segment *segment,
		       uint32_t count)
{
	cr_assert_eq(bounce_unmap_sg(f->queue, segment, count, 0), BOUNCE_OK);
}

/* Calls for a list of @count. */
static uint32_t calls_of(uint32_t count)
{
	return (count + SEGMENTS - 1) / SEGMENTS;
}

/* ---- POWER ---- */

static struct {
	uint32_t calls[3]; /* PUT, STUFF, INDIRECT */
	uint64_t entries; /* that they were about */
} hv;

int64_t bounce_power_hcall(uint64_t function, uint64_t liobn, uint64_t bus,
			   uint64_t value, uint64_t count)
{
	uint32_t kind = function == 0x20 ? 0 : function == 0x138 ? 1 : 2;

	(void)liobn;
	(void)bus;
	(void)value;
	hv.calls[kind]++;
	hv.entries += kind == 0 ? 1 : count;
	return 0;
}

Test(batches, of_power_are_one_indirect_call_and_one_that_clears)
{
	static _Alignas(BOUNCE_TCE_LIST_BYTES) unsigned char
		list[BOUNCE_TCE_LIST_BYTES];
	static _Alignas(BOUNCE_TCE_ALIGN) unsigned char memory[256];
	const struct bounce_tce_info info = {
		.bus = { WINDOW },
		.len = UINT64_C(64) << 20,
		.flags = BOUNCE_TCE_MULTI,
		.list = list,
		.list_gpa = { 0x7000 },
	};
	struct bounce_segment segment[20];
	struct bounce_tce *tce;
	struct front f;

	cr_assert_eq(bounce_tce_init(memory, sizeof(memory), &info, &tce),
		     BOUNCE_OK);
	front_init(&f, &bounce_iommu_tce, tce, WINDOW);
	for (uint32_t count = 1; count <= 20; count++) {
		memset(&hv, 0, sizeof(hv));
		map_list(&f, segment, count);
		cr_expect_eq(hv.calls[2], calls_of(count), "%u", count);
		cr_expect_eq(hv.entries, count);
		unmap_list(&f, segment, count);
		cr_expect_eq(hv.calls[1], calls_of(count), "%u", count);
		cr_expect_eq(hv.entries, 2 * count);
		cr_expect_eq(hv.calls[0], 0);
	}
	front_fini(&f);
}

/* ---- Z ---- */

Test(batches, of_z_are_one_refresh_and_one_more)
{
	struct bounce_zpci_info info = {
		.tables_gpa = { FAKE_ZPCI_TABLES_GPA },
		.bus = { WINDOW },
		.len = FAKE_ZPCI_LEN,
		.functions = 1,
	};
	struct bounce_segment segment[20];
	struct bounce_zpci *zpci;
	void *tables;
	void *memory;
	struct front f;

	memset(&fake_zpci, 0, sizeof(fake_zpci));
	fake_zpci.base = WINDOW;
	fake_zpci.tables_bytes = bounce_zpci_tables_size(&info);
	cr_assert_eq(posix_memalign(&tables, BOUNCE_ZPCI_TABLES_ALIGN,
				    fake_zpci.tables_bytes),
		     0);
	info.tables = tables;
	fake_zpci.tables = tables;
	memory = malloc(bounce_zpci_size(&info));
	cr_assert_eq(bounce_zpci_init(memory, bounce_zpci_size(&info), &info,
				      &zpci),
		     BOUNCE_OK);
	cr_assert_eq(bounce_zpci_attach(zpci, FAKE_ZPCI_HANDLE), BOUNCE_OK);
	front_init(&f, &bounce_iommu_zpci, zpci, WINDOW);
	for (uint32_t count = 1; count <= 20; count++) {
		fake_zpci.rpcits = 0;
		map_list(&f, segment, count);
		cr_expect_eq(fake_zpci.rpcits, calls_of(count), "%u", count);
		unmap_list(&f, segment, count);
		cr_expect_eq(fake_zpci.rpcits, 2 * calls_of(count), "%u",
			     count);
	}
	front_fini(&f);
	cr_expect_eq(fake_zpci.wrong, 0);
	free(memory);
	free(tables);
}

/* ---- virtio ---- */

Test(batches, of_virtio_are_one_notification_and_one_more)
{
	struct bounce_segment segment[20];
	struct front f;
	struct stand s;

	stand_with(&s, 32);
	cr_assert_eq(bounce_viommu_attach(s.domain, ENDPOINT), BOUNCE_OK);
	front_init(&f, &bounce_iommu_virtio, s.domain, WINDOW);
	for (uint32_t count = 1; count <= 20; count++) {
		uint32_t requests = s.device.requests;
		uint32_t kicks = s.device.notified[0];

		map_list(&f, segment, count);
		cr_expect_eq(s.device.requests - requests, count, "MAPs");
		cr_expect_eq(s.device.notified[0] - kicks, calls_of(count));
		requests = s.device.requests;
		kicks = s.device.notified[0];
		unmap_list(&f, segment, count);
		cr_expect_eq(s.device.requests - requests, calls_of(count),
			     "UNMAPs");
		cr_expect_eq(s.device.notified[0] - kicks, calls_of(count));
	}
	cr_expect_eq(fake_viommu_mappings(&s.device), 0);
	front_fini(&f);
	stand_fini(&s);
}
