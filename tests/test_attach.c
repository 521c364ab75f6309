/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_attach.c - bounce_device_attach(): arguments, verdict and answer,
 * and the proof that the pool is reached; held to every sentence of device.h.
 *
 * The truth table itself is tested in test_policy.c; here it is what reaches a
 * device: the answer, the address that it is given, and whether bytes move.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "instance.h"
#include "model.h"
#include "support.h"

#define MODERN BOUNCE_VIRTIO_F_VERSION_1
#define PLATFORM (BOUNCE_VIRTIO_F_VERSION_1 | BOUNCE_VIRTIO_F_ACCESS_PLATFORM)

static struct bench_knobs knobs_without_devices(void)
{
	struct bench_knobs knobs = bench_usual();

	knobs.devices = 0;
	knobs.shift = UINT64_C(1) << 40;
	return knobs;
}

static struct bounce_device_info good_info(const struct bench *bench)
{
	return (struct bounce_device_info) {
		.space = bench->space,
		.features = PLATFORM,
	};
}

static struct bounce_device *attach_ok(struct bench *bench,
				       const struct bounce_device_info *info)
{
	struct bounce_device *device = NULL;

	cr_assert_eq(bounce_device_attach(bench->bounce, info, &device, NULL),
		     BOUNCE_OK);
	cr_assert(bounce_device_valid(device));
	return device;
}

/* ---- bounce_device_attach(): arguments ---- */

struct bad_info {
	const char *what;
	struct bounce_device_info info;
};

static const struct bad_info bad_infos[] = {
	{ "dma_mask", { .dma_mask = 0xfffffffe } },
	{ "dma_mask, one bit", { .dma_mask = UINT64_C(1) << 32 } },
	{ "boundary_mask", { .boundary_mask = 0xfff0 } },
	{ "boundary_mask, power of two", { .boundary_mask = 0x10000 } },
	{ "min_align_mask", { .min_align_mask = 0xffe } },
	{ "min_align_mask, power of two", { .min_align_mask = 0x1000 } },
	{ "alloc_align_mask", { .alloc_align_mask = 0xff00 } },
	{ "alloc_align_mask above a chunk", { .alloc_align_mask = 0x7ffff } },
	{ "alloc_align_mask of all", { .alloc_align_mask = UINT64_MAX } },
	{ "unknown flag", { .flags = 0x80000000 } },
	{ "highest flag", { .flags = UINT32_C(1) << 31 } },
	{ "transport", { .transport = BOUNCE_TRANSPORT_MMIO + 1 } },
	{ "owner, of the library's own", { .owner = 0xf000 } },
	{ "reserved0", { .reserved0 = 1 } },
	{ "reserved[0]", { .reserved = { 1 } } },
};

Test(attach, every_bad_argument_is_refused_and_nothing_is_held)
{
	struct bench bench;
	struct bench_knobs knobs = knobs_without_devices();
	struct bounce_device_info info;
	struct bounce_device *none = NULL;
	struct picture before;

	bench_init(&bench, &knobs);
	info = good_info(&bench);
	before = picture_take(&bench);
	cr_expect_eq(bounce_device_attach(NULL, &info, &none, NULL),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_device_attach(bench.bounce, NULL, &none, NULL),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_device_attach(bench.bounce, &info, NULL, NULL),
		     BOUNCE_ERR_ARG);
	info.space = NULL;
	cr_expect_eq(bounce_device_attach(bench.bounce, &info, &none, NULL),
		     BOUNCE_ERR_ARG, "no space");
	for (size_t i = 0; i < sizeof(bad_infos) / sizeof(bad_infos[0]); i++) {
		info = bad_infos[i].info;
		info.space = bench.space;
		info.features = PLATFORM;
		cr_expect_eq(bounce_device_attach(bench.bounce, &info, &none,
						  NULL),
			     BOUNCE_ERR_ARG, "%s", bad_infos[i].what);
	}
	cr_expect_null(none);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	bench_fini(&bench);
}

Test(attach, a_space_of_another_instance_is_refused)
{
	struct bench bench;
	struct bench other;
	struct bench_knobs knobs = knobs_without_devices();
	struct bounce_device_info info;
	struct bounce_device *none = NULL;

	bench_init(&bench, &knobs);
	bench_init(&other, &knobs);
	info = good_info(&other);
	cr_expect_eq(bounce_device_attach(bench.bounce, &info, &none, NULL),
		     BOUNCE_ERR_ARG);
	bench_fini(&bench);
	bench_fini(&other);
}

Test(attach, every_mask_of_ones_will_do)
{
	struct bench bench;
	struct bench_knobs knobs = knobs_without_devices();

	knobs.shift = 0;
	knobs.gpa = 0x100000;
	bench_init(&bench, &knobs);
	for (unsigned bits = 21; bits <= 64; bits++) {
		struct bounce_device_info info = good_info(&bench);
		struct bounce_device *device;

		info.dma_mask = bounce_low_bits(bits);
		info.boundary_mask = bounce_low_bits(bits);
		device = attach_ok(&bench, &info);
		cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	}
	for (unsigned bits = 0; bits <= 18; bits++) {
		struct bounce_device_info info = good_info(&bench);
		struct bounce_device *device;

		info.min_align_mask = bounce_low_bits(bits);
		info.alloc_align_mask = bounce_low_bits(bits);
		device = attach_ok(&bench, &info);
		cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	}
	bench_fini(&bench);
}

Test(attach, devices_and_queues_can_be_used_up_and_come_back)
{
	struct bench bench;
	struct bench_knobs knobs = knobs_without_devices();
	struct bounce_device *device[BENCH_DEVICES];
	struct bounce_device *none = NULL;
	struct bounce_device_info info;

	bench_init(&bench, &knobs);
	info = good_info(&bench);
	info.queues = BENCH_DEVICES + 1;
	cr_expect_eq(bounce_device_attach(bench.bounce, &info, &none, NULL),
		     BOUNCE_ERR_FULL, "so many queues were never there");
	info.queues = BENCH_DEVICES - 1;
	device[0] = attach_ok(&bench, &info);
	info.queues = 2;
	cr_expect_eq(bounce_device_attach(bench.bounce, &info, &none, NULL),
		     BOUNCE_ERR_FULL, "one queue is left");
	info.queues = 1;
	device[1] = attach_ok(&bench, &info);
	cr_expect_eq(bounce_device_attach(bench.bounce, &info, &none, NULL),
		     BOUNCE_ERR_FULL, "none is left");
	cr_expect_null(none);
	cr_expect_eq(bounce_device_detach(device[0]), BOUNCE_OK);
	cr_expect_eq(bounce_device_detach(device[1]), BOUNCE_OK);
	info.queues = 0;
	for (uint32_t i = 0; i < BENCH_DEVICES; i++)
		device[i] = attach_ok(&bench, &info);
	cr_expect_eq(bounce_device_attach(bench.bounce, &info, &none, NULL),
		     BOUNCE_ERR_FULL);
	for (uint32_t i = 0; i < BENCH_DEVICES; i++)
		cr_expect_eq(bounce_device_detach(device[i]), BOUNCE_OK);
	bench_fini(&bench);
}

Test(attach, a_dead_instance_takes_no_device)
{
	struct bench bench;
	struct bench_knobs knobs = knobs_without_devices();
	struct bounce_device_info info;
	struct bounce_device *none = NULL;

	bench_init(&bench, &knobs);
	info = good_info(&bench);
	bounce_mark_dead(bench.bounce);
	cr_expect_eq(bounce_device_attach(bench.bounce, &info, &none, NULL),
		     BOUNCE_ERR_DEAD);
	cr_expect_null(none);
	bench_fini(&bench);
}

/* ---- verdicts, as attach gives them ---- */

struct outcome {
	const char *what;
	enum bounce_protection protection;
	uint64_t features;
	uint32_t flags;
	uint8_t transport;
	enum bounce_err err;
	enum bounce_reason reason;
	enum bounce_verdict_kind kind;
	uint64_t accept;
	bool bypass; /* the device is told gpas */
};

static const struct outcome outcomes[] = {
	{ "offered", BOUNCE_PROTECTION_YES, PLATFORM, 0, BOUNCE_TRANSPORT_PCI,
	  BOUNCE_OK, BOUNCE_WHY_PLATFORM, BOUNCE_VERDICT_BOUNCE, PLATFORM,
	  false },
	{ "not offered", BOUNCE_PROTECTION_YES, MODERN, 0, BOUNCE_TRANSPORT_PCI,
	  BOUNCE_OK, BOUNCE_WHY_NOT_OFFERED, BOUNCE_VERDICT_BOUNCE, MODERN,
	  true },
	{ "legacy", BOUNCE_PROTECTION_YES, 0, 0, BOUNCE_TRANSPORT_PCI,
	  BOUNCE_ERR_REFUSED, BOUNCE_WHY_LEGACY, BOUNCE_VERDICT_REFUSE, 0,
	  false },
	{ "strict", BOUNCE_PROTECTION_YES, MODERN, BOUNCE_DEVICE_STRICT,
	  BOUNCE_TRANSPORT_PCI, BOUNCE_ERR_REFUSED, BOUNCE_WHY_STRICT,
	  BOUNCE_VERDICT_REFUSE, 0, false },
	{ "strict, offered", BOUNCE_PROTECTION_YES, PLATFORM,
	  BOUNCE_DEVICE_STRICT, BOUNCE_TRANSPORT_PCI, BOUNCE_OK,
	  BOUNCE_WHY_PLATFORM, BOUNCE_VERDICT_BOUNCE, PLATFORM, false },
	{ "ccw declined", BOUNCE_PROTECTION_YES, PLATFORM,
	  BOUNCE_DEVICE_CCW_DECLINE, BOUNCE_TRANSPORT_CCW, BOUNCE_OK,
	  BOUNCE_WHY_DECLINED, BOUNCE_VERDICT_BOUNCE, MODERN, true },
	{ "declined, but not ccw", BOUNCE_PROTECTION_YES, PLATFORM,
	  BOUNCE_DEVICE_CCW_DECLINE, BOUNCE_TRANSPORT_PCI, BOUNCE_OK,
	  BOUNCE_WHY_PLATFORM, BOUNCE_VERDICT_BOUNCE, PLATFORM, false },
	{ "page numbers", BOUNCE_PROTECTION_YES, PLATFORM,
	  BOUNCE_DEVICE_PAGE_NUMBERS, BOUNCE_TRANSPORT_PCI, BOUNCE_ERR_REFUSED,
	  BOUNCE_WHY_PAGE_NUMBERS, BOUNCE_VERDICT_REFUSE, 0, false },
	{ "pool failed", BOUNCE_PROTECTION_YES, PLATFORM,
	  BOUNCE_DEVICE_POOL_FAILED, BOUNCE_TRANSPORT_PCI, BOUNCE_ERR_REFUSED,
	  BOUNCE_WHY_POOL_FAILED, BOUNCE_VERDICT_REFUSE, 0, false },
	{ "attested", BOUNCE_PROTECTION_YES, PLATFORM, BOUNCE_DEVICE_ATTESTED,
	  BOUNCE_TRANSPORT_PCI, BOUNCE_OK, BOUNCE_WHY_ATTESTED,
	  BOUNCE_VERDICT_DIRECT, PLATFORM, false },
	{ "attested, not offered", BOUNCE_PROTECTION_YES, MODERN,
	  BOUNCE_DEVICE_ATTESTED, BOUNCE_TRANSPORT_PCI, BOUNCE_OK,
	  BOUNCE_WHY_NOT_OFFERED, BOUNCE_VERDICT_BOUNCE, MODERN, true },
	{ "nobody can tell", BOUNCE_PROTECTION_UNKNOWN, PLATFORM, 0,
	  BOUNCE_TRANSPORT_PCI, BOUNCE_ERR_UNREACHABLE, BOUNCE_WHY_NO_POOL,
	  BOUNCE_VERDICT_REFUSE, 0, false },
	{ "open", BOUNCE_PROTECTION_NO, MODERN, 0, BOUNCE_TRANSPORT_PCI,
	  BOUNCE_OK, BOUNCE_WHY_OPEN, BOUNCE_VERDICT_DIRECT, MODERN, true },
	{ "open, offered", BOUNCE_PROTECTION_NO, PLATFORM, 0,
	  BOUNCE_TRANSPORT_PCI, BOUNCE_OK, BOUNCE_WHY_OPEN_PLATFORM,
	  BOUNCE_VERDICT_DIRECT, PLATFORM, false },
	{ "open, legacy", BOUNCE_PROTECTION_NO, 0, 0, BOUNCE_TRANSPORT_PCI,
	  BOUNCE_OK, BOUNCE_WHY_OPEN, BOUNCE_VERDICT_DIRECT, 0, true },
	{ "forced", BOUNCE_PROTECTION_NO, PLATFORM, BOUNCE_DEVICE_FORCE,
	  BOUNCE_TRANSPORT_PCI, BOUNCE_OK, BOUNCE_WHY_FORCED,
	  BOUNCE_VERDICT_BOUNCE, PLATFORM, false },
	{ "open, page numbers", BOUNCE_PROTECTION_NO, PLATFORM,
	  BOUNCE_DEVICE_PAGE_NUMBERS, BOUNCE_TRANSPORT_PCI, BOUNCE_OK,
	  BOUNCE_WHY_OPEN_PLATFORM, BOUNCE_VERDICT_DIRECT, PLATFORM, false },
};

/* An attached device gets the address, and the copy, that the verdict says. */
static void map_by_verdict(struct bench *bench, struct bounce_device *device,
			   const struct outcome *outcome)
{
	struct bounce_queue *queue = bounce_device_queue(device, 0);
	const struct bounce_buf buf = bench_buf(bench, 4096, 4096);
	uint64_t shift = outcome->bypass ? 0 : bench->knobs.shift;
	bool direct = outcome->kind == BOUNCE_VERDICT_DIRECT;
	struct bounce_mapping handle;
	bounce_gpa_t gpa;

	memset(bench_private(bench, 4096), 0x21, 4096);
	cr_assert_eq(bounce_map(queue, &buf, BOUNCE_TO_DEVICE, &handle),
		     BOUNCE_OK, "%s", outcome->what);
	gpa.v = handle.bus.v - shift;
	cr_expect_eq(gpa.v == buf.gpa.v, direct, "%s", outcome->what);
	if (!direct) {
		uint64_t last = bench_slab_gpa(bench, 0).v + bench->slab_bytes -
				4096;
		unsigned char *seen = fake_machine_pointer(&bench->machine,
							   gpa.v, 4096);

		cr_expect_geq(gpa.v, bench_slab_gpa(bench, 0).v);
		cr_expect_leq(gpa.v, last);
		cr_expect_eq(seen[0], 0x21);
		cr_expect_eq(seen[4095], 0x21);
	}
	cr_expect_eq(bounce_unmap(queue, &handle, 0), BOUNCE_OK);
}

static void try_outcome(const struct outcome *outcome)
{
	struct bench bench;
	struct bench_knobs knobs = knobs_without_devices();
	struct bounce_negotiation answer;
	struct bounce_device *device = NULL;
	struct bounce_device_info info;
	struct bounce_verdict verdict;

	knobs.protection = outcome->protection;
	/* Who cannot tell cannot share either: the pool stays empty. */
	knobs.grown = outcome->protection != BOUNCE_PROTECTION_UNKNOWN;
	bench_init(&bench, &knobs);
	info = good_info(&bench);
	info.features = outcome->features;
	info.flags = outcome->flags;
	info.transport = outcome->transport;
	memset(&answer, 0xff, sizeof(answer));
	cr_expect_eq(bounce_device_attach(bench.bounce, &info, &device,
					  &answer),
		     outcome->err, "%s", outcome->what);
	cr_expect_eq(answer.verdict.reason, outcome->reason, "%s: %s",
		     outcome->what, answer.why);
	cr_expect_eq(answer.verdict.kind, outcome->kind, "%s", outcome->what);
	cr_expect_eq(answer.accept, outcome->accept, "%s", outcome->what);
	cr_expect_str_eq(answer.why, bounce_reason_text(outcome->reason));
	cr_expect_eq(answer.reserved, 0);
	cr_expect_eq(device != NULL, outcome->err == BOUNCE_OK, "%s",
		     outcome->what);
	if (device != NULL) {
		bounce_device_verdict(device, &verdict);
		cr_expect_eq(verdict.kind, outcome->kind, "%s", outcome->what);
		cr_expect_eq(verdict.reason, outcome->reason);
		cr_expect_eq(verdict.path, outcome->bypass ?
						   BOUNCE_PATH_BYPASS :
						   BOUNCE_PATH_BUS);
		map_by_verdict(&bench, device, outcome);
		cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	}
	bench_fini(&bench);
}

Test(attach, each_verdict_is_answered_and_obeyed)
{
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		try_outcome(&outcomes[i]);
}

Test(attach, without_a_pool_a_protected_device_is_refused)
{
	struct bench bench;
	struct bench_knobs knobs = knobs_without_devices();
	struct bounce_negotiation answer;
	struct bounce_device *none = NULL;
	struct bounce_space *space;
	struct bounce_device_info info;
	const struct bounce_window all = { .len = 0 };

	knobs.more_spaces = 1;
	bench_init(&bench, &knobs);
	cr_assert_eq(bounce_space_init(bench.bounce, NULL, &space), BOUNCE_OK);
	cr_assert_eq(bounce_space_add_window(space, &all), BOUNCE_OK);
	info = good_info(&bench);
	info.space = space;
	cr_expect_eq(bounce_device_attach(bench.bounce, &info, &none, &answer),
		     BOUNCE_ERR_REFUSED);
	cr_expect_eq(answer.verdict.reason, BOUNCE_WHY_NO_POOL);
	cr_expect_null(none);
	cr_expect_eq(bounce_space_fini(space), BOUNCE_OK);
	bench_fini(&bench);
}

/* ---- reach (B25): what attach must prove ---- */

struct reach {
	const char *what;
	uint64_t features;
	uint64_t dma_mask;
	bool window; /* the bus's own path reaches the pool */
	bool bypass; /* so does the bypass */
	enum bounce_err err;
};

static const struct reach reaches[] = {
	{ "by the bus", PLATFORM, 0, true, false, BOUNCE_OK },
	{ "no bus window", PLATFORM, 0, false, true, BOUNCE_ERR_UNREACHABLE },
	{ "by the bypass", MODERN, 0, false, true, BOUNCE_OK },
	{ "no bypass window", MODERN, 0, true, false, BOUNCE_ERR_UNREACHABLE },
	{ "mask just above", PLATFORM, 0x7fffffff, true, true, BOUNCE_OK },
	{ "mask just below", PLATFORM, 0x3fffffff, true, true,
	  BOUNCE_ERR_UNREACHABLE },
	{ "small mask", PLATFORM, 1, true, true, BOUNCE_ERR_UNREACHABLE },
	{ "ISA's mask", MODERN, 0xffffff, true, true, BOUNCE_ERR_UNREACHABLE },
};

Test(attach, proves_that_the_pool_is_reached)
{
	for (size_t i = 0; i < sizeof(reaches) / sizeof(reaches[0]); i++) {
		const struct reach *row = &reaches[i];
		struct bench bench;
		struct bench_knobs knobs = knobs_without_devices();
		struct bounce_device *device = NULL;
		struct bounce_space *space;
		struct bounce_device_info info;
		struct bounce_window window = { .len = 0 };

		knobs.more_spaces = 1;
		knobs.gpa = 0x40000000;
		bench_init(&bench, &knobs);
		cr_assert_eq(bounce_space_init(bench.bounce, bench.pool,
					       &space),
			     BOUNCE_OK);
		if (row->window)
			cr_assert_eq(bounce_space_add_window(space, &window),
				     BOUNCE_OK);
		window.flags = BOUNCE_WINDOW_BYPASS;
		if (row->bypass)
			cr_assert_eq(bounce_space_add_window(space, &window),
				     BOUNCE_OK);
		info = good_info(&bench);
		info.space = space;
		info.features = row->features;
		info.dma_mask = row->dma_mask;
		cr_expect_eq(bounce_device_attach(bench.bounce, &info, &device,
						  NULL),
			     row->err, "%s", row->what);
		cr_expect_eq(device != NULL, row->err == BOUNCE_OK, "%s",
			     row->what);
		if (device != NULL)
			cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
		cr_expect_eq(bounce_space_fini(space), BOUNCE_OK);
		bench_fini(&bench);
	}
}

/* A window that ends inside the slab does not reach the slab. */
Test(attach, a_window_smaller_than_the_slab_does_not_reach_it)
{
	struct bench bench;
	struct bench_knobs knobs = knobs_without_devices();
	struct bounce_device *none = NULL;
	struct bounce_space *space;
	struct bounce_device_info info;
	struct bounce_window window = { .len = 0 };

	knobs.more_spaces = 1;
	bench_init(&bench, &knobs);
	cr_assert_eq(bounce_space_init(bench.bounce, bench.pool, &space),
		     BOUNCE_OK);
	window.gpa = bench_slab_gpa(&bench, 0);
	window.len = bench.slab_bytes - BOUNCE_SLOT_BYTES;
	cr_assert_eq(bounce_space_add_window(space, &window), BOUNCE_OK);
	info = good_info(&bench);
	info.space = space;
	cr_expect_eq(bounce_device_attach(bench.bounce, &info, &none, NULL),
		     BOUNCE_ERR_UNREACHABLE);
	cr_expect_null(none);
	cr_expect_eq(bounce_space_fini(space), BOUNCE_OK);
	bench_fini(&bench);
}
