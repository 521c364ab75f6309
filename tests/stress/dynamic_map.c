/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * dynamic_map.c - CPUs map and unmap behind one dynamic window at once (N1 to
 * N4, O1 to O3).
 *
 * Each has private memory of its own, and plays the device on what it mapped:
 * every byte is read and written through the IOMMU's truth. No translation of
 * one may lead to the memory of another; when a mapping has ended none leads to
 * its buffer; and the bytes are right, in whole pages as in heads and tails.
 * Bus addresses and slots go from one CPU to the next all the time, and all the
 * order there is comes from the pool and the records.
 */
#include <stdio.h>
#include <string.h>

#include "fake_iommu.h"
#include "support.h"

#ifdef SLOW_CPU /* an emulated one: tools/flags.py */
#define THREADS 2u
#define ROUNDS 300u
#else
#define THREADS 4u
#define ROUNDS 6000u
#endif
#define PAGE UINT64_C(4096)
#define AREA (8 * PAGE) /* private memory of each */
#define LONGEST (4 * PAGE)
#define OWN_BYTES ((uint64_t)BOUNCE_CHUNK_BYTES)

static struct bench bench;
static struct fake_iommu iommu;

struct cpu {
	struct bounce_queue *queue;
	uint32_t number;
	uint32_t in_place; /* mappings with pages of their own */
	uint64_t state;
};

static uint64_t own_bus(void)
{
	return iommu.base + (UINT64_C(32) << 20);
}

/* The byte that the device reaches there; it must be the pool's, or ours. */
static unsigned char *reach(const struct cpu *cpu, uint64_t bus,
			    uint32_t access)
{
	uint64_t area = bench_private_gpa(&bench, cpu->number * AREA).v;
	uint64_t gpa;

	bench_check(fake_iommu_reach(&iommu, bus, 1, access, &gpa));
	bench_check(gpa - bench.knobs.gpa < bench.slab_bytes ||
		    gpa - area < AREA);
	return fake_machine_pointer(&bench.machine, gpa, 1);
}

/* When it has ended: who has these bus addresses now, has other memory. */
static void look_back(const struct bounce_buf *buf, uint64_t bus)
{
	for (uint64_t at = 0; at < buf->len; at += PAGE) {
		uint64_t gpa;

		if (fake_iommu_reach(&iommu, bus + at, 1, 0, &gpa))
			bench_check(gpa - buf->gpa.v >= buf->len);
	}
}

static void one(struct cpu *cpu)
{
	uint64_t offset = bench_below(&cpu->state, AREA - LONGEST);
	uint64_t len = 1 + bench_below(&cpu->state, LONGEST);
	struct bounce_buf buf = bench_buf(&bench, cpu->number * AREA + offset,
					  len);
	unsigned char *bytes = bench_private(&bench,
					     cpu->number * AREA + offset);
	unsigned char mark = (unsigned char)(1 + bench_below(&cpu->state, 100));
	struct bounce_mapping mapping;
	enum bounce_err err;

	memset(bytes, mark, len);
	err = bounce_map(cpu->queue, &buf, BOUNCE_BIDIRECTIONAL, &mapping);
	if (err == BOUNCE_ERR_FULL || err == BOUNCE_ERR_FRAGMENTED)
		return;
	bench_check(err == BOUNCE_OK);
	cpu->in_place += mapping.bus.v - own_bus() < OWN_BYTES;
	for (uint64_t i = 0; i < len; i += 1 + i % 97) {
		unsigned char *at = reach(cpu, mapping.bus.v + i, 3);

		bench_check(*at == mark);
		*at = (unsigned char)(mark + 1);
	}
	bench_check(bounce_unmap(cpu->queue, &mapping, len) == BOUNCE_OK);
	look_back(&buf, mapping.bus.v);
	for (uint64_t i = 0; i < len; i += 1 + i % 97)
		bench_check(bytes[i] == (unsigned char)(mark + 1));
}

static void *work(void *arg)
{
	struct cpu *cpu = arg;

	for (uint32_t i = 0; i < ROUNDS; i++)
		one(cpu);
	return NULL;
}

static struct bounce_device *set_up(struct cpu cpu[THREADS],
				    struct bounce_space **made)
{
	struct bench_knobs knobs = bench_usual();
	struct bounce_translation translation;
	struct bounce_device_info info;
	struct bounce_device *device;
	struct bounce_space *space;

	knobs.chunks = 2;
	knobs.devices = 0;
	knobs.more_devices = 1;
	knobs.queues = THREADS;
	knobs.more_spaces = 1;
	knobs.more_pools = 1;
	knobs.more_slabs = 1;
	knobs.private_bytes = THREADS * AREA;
	knobs.protection = BOUNCE_PROTECTION_NO;
	bench_init(&bench, &knobs);
	fake_iommu_init(&iommu, knobs.gpa + (UINT64_C(1) << 33));
	space = bench_translated(&bench, iommu.base);
	translation = fake_iommu_translation(&iommu);
	translation.flags = BOUNCE_TRANSLATION_DYNAMIC;
	translation.own_bus.v = own_bus();
	translation.own_len = OWN_BYTES;
	bench_check(bounce_space_set_iommu(space, &translation, NULL) ==
		    BOUNCE_OK);
	info = bench.knobs.info;
	info.space = space;
	info.queues = THREADS;
	bench_check(bounce_device_attach(bench.bounce, &info, &device, NULL) ==
		    BOUNCE_OK);
	for (uint32_t i = 0; i < THREADS; i++)
		cpu[i] = (struct cpu) {
			.queue = bounce_device_queue(device, i),
			.number = i,
			.state = i + 1,
		};
	*made = space;
	return device;
}

int main(void)
{
	struct cpu cpu[THREADS];
	struct bounce_space *space;
	struct bounce_device *device = set_up(cpu, &space);
	uint32_t in_place = 0;

	bench_threads(THREADS, work, cpu, sizeof(cpu[0]));
	for (uint32_t i = 0; i < THREADS; i++)
		in_place += cpu[i].in_place;
	bench_check(in_place != 0);
	bench_check(bounce_valid(bench.bounce));
	bench_check(fake_iommu_mapped(&iommu) == 0);
	bench_check(fake_iommu_wrongs(&iommu) == 0);
	bench_check(bounce_device_detach(device) == BOUNCE_OK);
	bench_check(bounce_space_fini(space) == BOUNCE_OK);
	bench_fini(&bench);
	printf("dynamic_map: %u CPUs, %u rounds each, %u mapped in place\n",
	       THREADS, ROUNDS, in_place);
	return 0;
}
