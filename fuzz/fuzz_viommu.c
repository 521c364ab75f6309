/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz_viommu.c - a virtio-iommu that answers anything: used elements, indices,
 * statuses, properties, faults, at any moment, in memory that it shares with
 * the driver (lib/viommu.c, lib/iommu_virtio.c).
 *
 *   V1  The driver and its domain stay valid; nothing is read or written
 *       outside (ASan), and nothing unset (MSan).
 *   V2  Each call ends: so many looks and notifications, and no more (S6).
 *   V3  What info() says is sane, whatever a probe answered.
 */
#include <string.h>

#include "fake_viommu.h"
#include "input.h"
#include "viommu.h"

#define BUS FAKE_VIOMMU_BUS
#define PAGE UINT64_C(4096)
#define MOST_TURNS 100000u

struct scene {
	struct fake_viommu device; /* first: the hooks get it */
	struct fuzz_input *in;
	struct bounce_viommu *viommu;
	struct bounce_viommu_domain *domain;
	uint32_t turns; /* of the call in progress */
};

/* Bytes anywhere in what both see, at best in what the device writes. */
static void poke(struct scene *scene)
{
	struct fake_viommu *device = &scene->device;
	uint8_t what = fuzz_byte(scene->in);
	uint64_t at = fuzz_below(scene->in, device->bytes);
	uint64_t bits = fuzz_wide(scene->in);

	if (what < 0x60) /* a used ring: flags, idx, elements */
		at = device->ring[what % 2].used.v - BUS + at % 40;
	else if (what < 0x80) /* the tail of a request: its status */
		at = at & ~UINT64_C(3);
	for (unsigned i = 0; i < 1 + what % 8 && at + i < device->bytes; i++)
		device->memory[at + i] = (unsigned char)(bits >> 8 * i);
}

static void notify(void *ctx, uint32_t queue)
{
	struct scene *scene = ctx;
	uint8_t what = fuzz_byte(scene->in);

	fuzz_check(++scene->turns < MOST_TURNS);
	scene->device.mood =
		what < 0xa0 ? FAKE_VIOMMU_HONEST :
			      (enum fake_viommu_mood)(what % FAKE_VIOMMU_MOODS);
	scene->device.fail_at = what % 32 == 31 ? scene->device.requests :
						  FAKE_VIOMMU_NEVER;
	scene->device.fail_status = what >> 5;
	/* A device that was spoiled reads what is not there: leave it then. */
	if (what < 0xf0)
		fake_viommu_notify(&scene->device, queue);
	if (what % 4 == 3)
		poke(scene);
}

static bool wait_turn(void *ctx, uint64_t turn)
{
	struct scene *scene = ctx;

	fuzz_check(++scene->turns < MOST_TURNS);
	if (fuzz_byte(scene->in) % 2 != 0)
		poke(scene);
	return fake_viommu_wait(&scene->device, turn);
}

static void set_bypass(void *ctx, bool on)
{
	struct scene *scene = ctx;

	fake_viommu_set_bypass(&scene->device, on);
}

static void look_at_info(struct scene *scene)
{
	struct bounce_iommu_info info;

	bounce_iommu_virtio.info(scene->domain, &info);
	fuzz_check(info.page_bytes != 0 &&
		   (info.page_bytes & (info.page_bytes - 1)) == 0);
	fuzz_check(info.ranges <= BOUNCE_IOMMU_RANGES);
	fuzz_check(info.first.v <= info.last.v);
	for (uint32_t i = 0; i < info.ranges; i++)
		fuzz_check(info.range[i].first.v <= info.range[i].last.v);
}

static void map_or_unmap(struct scene *scene, bool map)
{
	struct bounce_iommu_run run[3];
	uint32_t count = 1 + fuzz_byte(scene->in) % 3;
	uint64_t done = 0;

	for (uint32_t i = 0; i < count; i++)
		run[i] = (struct bounce_iommu_run) {
			.bus = { (1 + fuzz_below(scene->in, 64)) * PAGE },
			.gpa = { fuzz_below(scene->in, 64) * PAGE },
			.len = (1 + fuzz_below(scene->in, 8)) * PAGE,
			.access = 1 + fuzz_byte(scene->in) % 3,
		};
	if (map)
		(void)bounce_iommu_virtio.map(scene->domain, run, count, &done);
	else
		(void)bounce_iommu_virtio.unmap(scene->domain, run, count,
						&done);
}

static void probe(struct scene *scene, uint32_t endpoint)
{
	for (unsigned i = 0; i < sizeof(scene->device.property); i++)
		scene->device.property[i] = fuzz_more(scene->in) ?
						    fuzz_byte(scene->in) :
						    0;
	(void)bounce_viommu_probe(scene->domain, endpoint);
	look_at_info(scene);
}

static void step(struct scene *scene)
{
	uint8_t what = fuzz_byte(scene->in);
	uint32_t endpoint = 8 + what % 3;
	struct bounce_viommu_fault fault;

	scene->turns = 0;
	switch (what >> 5) {
	case 0:
		(void)bounce_viommu_attach(scene->domain, endpoint);
		break;
	case 1:
		(void)bounce_viommu_detach(scene->domain, endpoint);
		break;
	case 2:
		probe(scene, endpoint);
		break;
	case 3:
		(void)bounce_viommu_take_fault(scene->viommu, &fault);
		break;
	case 4:
		(void)bounce_viommu_set_bypass(scene->viommu, what % 2 != 0);
		break;
	case 5:
		poke(scene);
		break;
	default:
		map_or_unmap(scene, what % 2 != 0);
		break;
	}
	fuzz_check(bounce_viommu_valid(scene->viommu));
	fuzz_check(bounce_viommu_domain_valid(scene->domain));
}

static void *aligned(size_t align, size_t bytes)
{
	void *memory = NULL;

	fuzz_check(posix_memalign(&memory, align, bytes) == 0);
	memset(memory, 0xa5, bytes);
	return memory;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { NULL, 0 };
	struct scene *scene = calloc(1, sizeof(*scene));
	struct bounce_viommu_info info;
	void *private;

	fuzz_check(scene != NULL);
	info = fake_viommu_info(&scene->device);
	info.ctx = scene;
	info.notify = notify;
	info.wait = wait_turn;
	info.set_bypass = set_bypass;
	scene->in = &in;
	scene->device.bytes = bounce_viommu_shared_size(&info);
	info.shared = aligned(PAGE, scene->device.bytes);
	scene->device.memory = info.shared;
	scene->device.bus = BUS;
	scene->device.fail_at = FAKE_VIOMMU_NEVER;
	scene->device.patience = 4;
	scene->device.endpoint[0] = 8;
	scene->device.endpoint[1] = 9;
	private = aligned(BOUNCE_VIOMMU_ALIGN, bounce_viommu_size(&info));
	fuzz_check(bounce_viommu_init(private, bounce_viommu_size(&info), &info,
				      &scene->viommu) == BOUNCE_OK);
	for (uint32_t i = 0; i < 2; i++)
		bounce_viommu_ring(scene->viommu, (enum bounce_viommu_queue)i,
				   &scene->device.ring[i]);
	bounce_viommu_start(scene->viommu);
	fuzz_check(bounce_viommu_domain(scene->viommu, 3, &scene->domain) ==
		   BOUNCE_OK);
	in = (struct fuzz_input) { data, size };
	while (fuzz_more(&in))
		step(scene);
	free(private);
	free(info.shared);
	free(scene);
	return 0;
}
