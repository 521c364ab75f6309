/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * behind.c - a second space of the same pool, whose window an IOMMU translates:
 * the fake one, or a backend of the library's before a host that keeps the
 * truth. Of zPCI's and of the hypervisor's there is one in a process.
 */
#include "soak.h"

#include "fake_zpci.h"
#include "tce.h"
#include "zpci.h"

#define PAGE UINT64_C(4096)
#define DOMAIN 3u
#define ENDPOINT 0x108u
#define LIOBN 0x80000001u
#define LIST_GPA UINT64_C(0x7000)
#define H_PUT_TCE 0x20
#define H_PUT_TCE_INDIRECT 0x13c

/* ---- the hypervisor of the TCEs ---- */

static struct {
	uint64_t base;
	uint64_t entry[FAKE_ZPCI_PAGES];
	uint32_t wrong;
} table;

static _Alignas(
	BOUNCE_TCE_LIST_BYTES) unsigned char list[BOUNCE_TCE_LIST_BYTES];

int64_t bounce_power_hcall(uint64_t function, uint64_t liobn, uint64_t bus,
			   uint64_t value, uint64_t count)
{
	uint64_t first = (bus - table.base) / PAGE;

	if (function == H_PUT_TCE)
		count = 1;
	if (liobn != LIOBN || bus % PAGE != 0 || first >= FAKE_ZPCI_PAGES ||
	    count > FAKE_ZPCI_PAGES - first) {
		table.wrong++;
		return -4; /* H_Parameter */
	}
	for (uint64_t i = 0; i < count; i++) {
		uint64_t entry = value;

		/* Big-endian, in the list. */
		for (uint32_t k = 0; function == H_PUT_TCE_INDIRECT && k < 8;
		     k++)
			entry = entry << 8 | list[8 * i + k];
		table.entry[first + i] = entry;
	}
	return 0;
}

/* ---- each backend ---- */

static void *memory_of(struct soak *soak, uint32_t index, size_t align,
		       size_t bytes)
{
	bench_check(posix_memalign(&soak->memory[index], align, bytes) == 0);
	memset(soak->memory[index], 0xa5, bytes);
	return soak->memory[index];
}

static void *make_tce(struct soak *soak, uint64_t bus)
{
	static _Alignas(BOUNCE_TCE_ALIGN) unsigned char memory[256];
	const struct bounce_tce_info info = {
		.liobn = LIOBN,
		.bus = { bus },
		.len = FAKE_ZPCI_LEN,
		.flags = bench_below(&soak->random, 2) != 0 ? BOUNCE_TCE_MULTI :
							      0,
		.list = list,
		.list_gpa = { LIST_GPA },
	};
	struct bounce_tce *tce;

	memset(&table, 0, sizeof(table));
	table.base = bus;
	bench_check(bounce_tce_init(memory, sizeof(memory), &info, &tce) ==
		    BOUNCE_OK);
	return tce;
}

static void *make_zpci(struct soak *soak, uint64_t bus)
{
	struct bounce_zpci_info info = {
		.tables_gpa = { FAKE_ZPCI_TABLES_GPA },
		.bus = { bus },
		.len = FAKE_ZPCI_LEN,
		.functions = FAKE_ZPCI_FUNCTIONS,
	};
	size_t bytes = bounce_zpci_tables_size(&info);
	size_t own = bounce_zpci_size(&info);
	struct bounce_zpci *zpci;

	memset(&fake_zpci, 0, sizeof(fake_zpci));
	info.tables = memory_of(soak, 0, BOUNCE_ZPCI_TABLES_ALIGN, bytes);
	fake_zpci.base = bus;
	fake_zpci.tables = info.tables;
	fake_zpci.tables_bytes = bytes;
	bench_check(bounce_zpci_init(memory_of(soak, 1, PAGE, own), own, &info,
				     &zpci) == BOUNCE_OK);
	for (uint32_t i = 0; i < FAKE_ZPCI_FUNCTIONS; i++)
		bench_check(bounce_zpci_attach(zpci, FAKE_ZPCI_HANDLE + i) ==
			    BOUNCE_OK);
	return zpci;
}

static void *make_viommu(struct soak *soak)
{
	struct fake_viommu *device = &soak->viommu;
	struct bounce_viommu_info info = fake_viommu_info(device);
	struct bounce_viommu_domain *domain;
	struct bounce_viommu *viommu;
	size_t own;

	info.entries = 8;
	device->bytes = bounce_viommu_shared_size(&info);
	own = bounce_viommu_size(&info);
	info.shared = memory_of(soak, 0, PAGE, device->bytes);
	device->memory = info.shared;
	device->bus = FAKE_VIOMMU_BUS;
	device->fail_at = FAKE_VIOMMU_NEVER;
	device->patience = 8;
	device->endpoint[0] = ENDPOINT;
	bench_check(bounce_viommu_init(memory_of(soak, 1, PAGE, own), own,
				       &info, &viommu) == BOUNCE_OK);
	for (uint32_t i = 0; i < 2; i++)
		bounce_viommu_ring(viommu, (enum bounce_viommu_queue)i,
				   &device->ring[i]);
	bounce_viommu_start(viommu);
	bench_check(bounce_viommu_domain(viommu, DOMAIN, &domain) ==
			    BOUNCE_OK &&
		    bounce_viommu_attach(domain, ENDPOINT) == BOUNCE_OK);
	return domain;
}

static struct bounce_translation translation_of(struct soak *soak, uint64_t bus)
{
	struct bounce_translation translation = { 0 };

	switch (soak->backend) {
	case SOAK_TCE:
		translation.iommu = &bounce_iommu_tce;
		translation.ctx = make_tce(soak, bus);
		break;
	case SOAK_ZPCI:
		translation.iommu = &bounce_iommu_zpci;
		translation.ctx = make_zpci(soak, bus);
		break;
	case SOAK_VIOMMU:
		translation.iommu = &bounce_iommu_virtio;
		translation.ctx = make_viommu(soak);
		break;
	default:
		fake_iommu_init(&soak->iommu, bus);
		translation = fake_iommu_translation(&soak->iommu);
		if (soak->backend == SOAK_DYNAMIC)
			translation.flags = BOUNCE_TRANSLATION_DYNAMIC;
	}
	return translation;
}

void soak_behind(struct soak *soak)
{
	const struct bench *bench = &soak->bench;
	const struct bounce_window window = {
		.bus = { bench->knobs.gpa + SOAK_BEHIND },
		.gpa = { bench->knobs.gpa },
		.len = SOAK_SLABS * bench->slab_bytes,
		.flags = BOUNCE_WINDOW_TRANSLATED,
	};
	struct bounce_translation translation;

	soak->backend = (enum soak_backend)bench_below(&soak->random,
						       SOAK_BACKENDS);
	if (soak->backend == SOAK_NONE)
		return;
	translation = translation_of(soak, window.bus.v);
	bench_check(
		bounce_space_init(bench->bounce, bench->pool, &soak->behind) ==
			BOUNCE_OK &&
		bounce_space_add_window(soak->behind, &window) == BOUNCE_OK &&
		bounce_space_set_iommu(soak->behind, &translation, NULL) ==
			BOUNCE_OK);
}

/* ---- the truth ---- */

bool soak_reaches(const struct soak *soak, uint64_t bus, uint64_t len,
		  uint64_t *gpa)
{
	uint64_t page = (bus - soak->bench.knobs.gpa - SOAK_BEHIND) / PAGE;
	uint64_t entry = 0;

	switch (soak->backend) {
	case SOAK_TCE:
		entry = page < FAKE_ZPCI_PAGES ? table.entry[page] : 0;
		break;
	case SOAK_ZPCI:
		entry = page < FAKE_ZPCI_PAGES ? fake_zpci_reach(0, bus) : 0;
		break;
	case SOAK_VIOMMU:
		return fake_viommu_reach(&soak->viommu, ENDPOINT, bus,
					 BOUNCE_ACCESS_READ, gpa);
	default:
		return fake_iommu_reach(&soak->iommu, bus, len,
					BOUNCE_ACCESS_READ, gpa) ||
		       fake_iommu_reach(&soak->iommu, bus, len,
					BOUNCE_ACCESS_WRITE, gpa);
	}
	*gpa = (entry & ~(PAGE - 1)) + bus % PAGE;
	return entry != 0;
}

bool soak_exposes(const struct soak *soak, uint64_t gpa, uint64_t len)
{
	uint64_t bus = soak->bench.knobs.gpa + SOAK_BEHIND;

	for (uint64_t at = 0; at < SOAK_SLABS * soak->bench.slab_bytes;
	     at += PAGE) {
		uint64_t to;

		if (soak_reaches(soak, bus + at, 1, &to) && to - gpa < len)
			return true;
	}
	return false;
}

/* Slab 0 is there (K5): where a window says, if each page has one. */
bool soak_behind_holds(const struct soak *soak)
{
	uint64_t gpa = soak->bench.knobs.gpa;

	for (uint64_t at = 0; at < soak->bench.slab_bytes; at += PAGE) {
		uint64_t to;

		if (!soak_reaches(soak, gpa + SOAK_BEHIND + at, 1, &to) ||
		    to != gpa + at)
			return false;
	}
	return true;
}

bool soak_behind_ends(struct soak *soak)
{
	bool good = bounce_space_valid(soak->behind) &&
		    bounce_space_fini(soak->behind) == BOUNCE_OK &&
		    !soak_exposes(soak, 0, UINT64_MAX) &&
		    fake_iommu_wrongs(&soak->iommu) == 0 && table.wrong == 0 &&
		    fake_zpci.wrong == 0 && soak->viommu.wrong == 0;

	for (int i = 0; i < 2; i++)
		free(soak->memory[i]);
	return good;
}
