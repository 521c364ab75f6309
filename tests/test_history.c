/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_history.c - attributes without history: what holds for a device depends
 * on the device and its space, and never on what was attached before.
 *
 * Devices come and go in random order in a machine of several spaces and pools
 * of all classes. Each, as long as it is there, is asked everything that a
 * driver can see: verdict, limits, the pool that its slots come from, and the
 * calls of cache maintenance that each of several mappings makes. The answers
 * are those of the same device in a machine where nothing else ever was.
 */
#include "calls.h"
#include "fake_cache.h"
#include "fake_iommu.h"

#define LINE 128u
#define POOLS 3u /* one of each class */
#define SPACES 7u
#define KINDS 64u /* of devices */
#define PRESENT 8u /* at the same time */
#define STEPS 600u
#define SHIFT (UINT64_C(1) << 33) /* of the space behind the IOMMU */
#define SLAB_BYTES (4 * (uint64_t)BOUNCE_CHUNK_BYTES)

/* Spaces: whose pool, where its window leads. The last forces snooping. */
static const struct {
	uint32_t class;
	uint64_t shift;
} plan[SPACES] = {
	{ BOUNCE_SNOOPED, 0 },	    { BOUNCE_SNOOPED, UINT64_C(1) << 40 },
	{ BOUNCE_NON_COHERENT, 0 }, { BOUNCE_NON_COHERENT, UINT64_C(1) << 41 },
	{ BOUNCE_NO_SNOOP, 0 },	    { BOUNCE_NO_SNOOP, UINT64_C(1) << 42 },
	{ BOUNCE_SNOOPED, SHIFT },
};

struct world {
	struct bench bench;
	struct fake_cache cache;
	struct fake_iommu iommu;
	struct bounce_pool *pool[POOLS];
	uint64_t pool_gpa[POOLS];
	struct bounce_space *space[SPACES];
};

static void add_pool(struct world *w, uint32_t class)
{
	const struct bounce_pool_info info = { .slabs = 1, .coherency = class };
	bounce_gpa_t gpa = bench_private_gpa(&w->bench,
					     (class - 1) * SLAB_BYTES);

	cr_assert_eq(bounce_pool_init(w->bench.bounce, &info, &w->pool[class]),
		     BOUNCE_OK);
	cr_assert_eq(bounce_pool_grow(w->pool[class], gpa, SLAB_BYTES),
		     BOUNCE_OK);
	w->pool_gpa[class] = gpa.v;
}

static void add_space(struct world *w, uint32_t i)
{
	struct bounce_window window = {
		.bus = { w->bench.knobs.gpa + plan[i].shift },
		.gpa = { w->bench.knobs.gpa },
		.len = w->bench.machine.bytes,
	};
	struct bounce_translation translation =
		fake_iommu_translation(&w->iommu);
	uint32_t unhonoured;

	cr_assert_eq(bounce_space_init(w->bench.bounce, w->pool[plan[i].class],
				       &w->space[i]),
		     BOUNCE_OK);
	if (i == SPACES - 1)
		window.flags = BOUNCE_WINDOW_TRANSLATED;
	cr_assert_eq(bounce_space_add_window(w->space[i], &window), BOUNCE_OK);
	if (i < SPACES - 1)
		return;
	translation.attributes = BOUNCE_IOMMU_SNOOP;
	cr_assert_eq(bounce_space_set_iommu(w->space[i], &translation,
					    &unhonoured),
		     BOUNCE_OK);
	cr_assert_eq(unhonoured,
		     w->iommu.attributes == 0 ? BOUNCE_IOMMU_SNOOP : 0);
}

/* @honours: does the IOMMU of the last space do as it is asked? */
static void world_init(struct world *w, bool honours)
{
	struct bench_knobs knobs = bench_usual();

	knobs.devices = 0;
	knobs.more_pools = POOLS - 1;
	knobs.more_slabs = POOLS - 1;
	knobs.more_spaces = SPACES;
	knobs.private_bytes = 3 * SLAB_BYTES;
	bench_power_on(&w->bench, &knobs);
	fake_cache_init(&w->cache, &w->bench.machine, LINE);
	bench_set_up(&w->bench);
	fake_iommu_init(&w->iommu, knobs.gpa + SHIFT);
	if (!honours)
		w->iommu.attributes = 0;
	w->pool[BOUNCE_SNOOPED] = w->bench.pool;
	w->pool_gpa[BOUNCE_SNOOPED] = knobs.gpa;
	for (uint32_t class = 1; class < POOLS; class ++)
		add_pool(w, class);
	for (uint32_t i = 0; i < SPACES; i++)
		add_space(w, i);
}

static void world_fini(struct world *w)
{
	for (uint32_t i = 0; i < SPACES; i++)
		cr_expect_eq(bounce_space_fini(w->space[i]), BOUNCE_OK);
	for (uint32_t class = 1; class < POOLS; class ++)
		cr_expect_eq(bounce_pool_fini(w->pool[class]), BOUNCE_OK);
	bench_fini(&w->bench);
	fake_cache_fini(&w->cache);
}

/* ---- devices ---- */

struct kind {
	uint32_t space;
	struct bounce_device_info info;
};

static uint64_t low_mask(uint64_t *random, uint32_t from, uint32_t to)
{
	uint64_t bits = from + bench_below(random, to - from + 1);

	return bits == from ? 0 : (UINT64_C(1) << bits) - 1;
}

static struct kind any_kind(uint64_t *random)
{
	static const uint32_t flags[] = { 0, BOUNCE_DEVICE_NON_COHERENT,
					  BOUNCE_DEVICE_NO_SNOOP };
	struct kind kind = {
		.space = (uint32_t)bench_below(random, SPACES),
		.info = {
			.features = BOUNCE_VIRTIO_F_VERSION_1 |
				    BOUNCE_VIRTIO_F_ACCESS_PLATFORM,
			.min_align_mask = low_mask(random, 5, 12),
			.alloc_align_mask = low_mask(random, 5, 13),
			.boundary_mask = low_mask(random, 12, 17),
		},
	};

	/* Mostly of the right class; and some that reach nothing. */
	kind.info.flags = flags[plan[kind.space].class];
	if (bench_below(random, 4) == 0)
		kind.info.flags = flags[bench_below(random, 3)];
	if (bench_below(random, 8) == 0)
		kind.info.dma_mask = 0xfffff;
	return kind;
}

/* All that can be seen of a device; plain numbers, compared as bytes. */
#define MAPPINGS 12u
struct sight {
	uint64_t accepts; /* as the errors are numbered */
	uint64_t attach;
	struct bounce_verdict verdict;
	uint32_t line_bytes;
	uint64_t coherency;
	uint64_t map_max;
	struct {
		uint64_t err;
		uint64_t pool; /* whose slot it is */
		uint64_t low_bits; /* of the address that the device is told */
		uint64_t calls; /* of env.cache, and which: */
		uint64_t verb[3];
		uint64_t offset[3]; /* from the mapping's first byte */
		uint64_t len[3];
	} mapping[MAPPINGS];
};

static uint64_t pool_of(const struct world *w, uint64_t gpa)
{
	for (uint32_t i = 0; i < POOLS; i++)
		if (gpa - w->pool_gpa[i] < SLAB_BYTES)
			return i;
	return POOLS;
}

/* Map, sync and unmap; what was seen of it. */
static void look_at_one(struct world *w, const struct kind *kind,
			struct bounce_queue *queue, struct sight *sight,
			uint32_t index)
{
	static const uint64_t lengths[] = { 40, 200, 5000 };
	static const uint32_t hows[] = { BOUNCE_TO_DEVICE, BOUNCE_FROM_DEVICE,
					 BOUNCE_BIDIRECTIONAL,
					 BOUNCE_FROM_DEVICE | BOUNCE_ZERO };
	uint64_t len = lengths[index % 3];
	uint32_t how = hows[index / 3];
	struct bounce_buf buf = bench_buf(&w->bench, 2 * SLAB_BYTES + 12, len);
	uint32_t before = w->cache.calls;
	struct bounce_mapping mapping;
	uint64_t gpa;

	sight->mapping[index].err = (uint64_t)bounce_map(queue, &buf, how,
							 &mapping);
	if (sight->mapping[index].err != BOUNCE_OK)
		return;
	gpa = mapping.bus.v - plan[kind->space].shift;
	sight->mapping[index].pool = pool_of(w, gpa);
	sight->mapping[index].low_bits = mapping.bus.v % 64;
	if ((how & BOUNCE_TO_DEVICE) != 0)
		cr_expect_eq(bounce_sync_for_device(queue, &mapping, 0, len),
			     BOUNCE_OK);
	unmap_ok(queue, &mapping, (how & BOUNCE_FROM_DEVICE) != 0 ? len : 0);
	sight->mapping[index].calls = w->cache.calls - before;
	cr_assert_leq(w->cache.calls - before, 3);
	for (uint32_t i = before; i < w->cache.calls; i++) {
		const struct fake_cache_call *call =
			&w->cache.log[i % FAKE_CACHE_LOG];

		sight->mapping[index].verb[i - before] = call->verb;
		sight->mapping[index].offset[i - before] = call->gpa - gpa;
		sight->mapping[index].len[i - before] = call->len;
	}
}

static struct bounce_device *attach(struct world *w, const struct kind *kind,
				    struct sight *sight)
{
	struct bounce_device_info info = kind->info;
	struct bounce_device *device = NULL;
	struct bounce_negotiation answer = { .why = NULL };

	memset(sight, 0, sizeof(*sight));
	sight->accepts = (uint64_t)bounce_space_accepts(w->space[kind->space],
							&info, &answer);
	info.space = w->space[kind->space];
	sight->attach = (uint64_t)bounce_device_attach(w->bench.bounce, &info,
						       &device, &answer);
	sight->verdict = answer.verdict;
	cr_expect_eq(sight->accepts, sight->attach);
	return device;
}

static void look(struct world *w, const struct kind *kind,
		 struct bounce_device *device, struct sight *sight)
{
	struct bounce_space_info info;

	bounce_space_info(w->space[kind->space], &info);
	sight->coherency = info.coherency;
	sight->line_bytes = info.line_bytes;
	sight->map_max = bounce_map_max(device);
	bounce_device_verdict(device, &sight->verdict);
	for (uint32_t i = 0; i < MAPPINGS; i++)
		look_at_one(w, kind, bounce_device_queue(device, 0), sight, i);
}

/* The device where nothing else ever was. */
static void look_alone(const struct kind *kind, bool honours,
		       struct sight *sight)
{
	struct bounce_device *device;
	struct world w;

	world_init(&w, honours);
	device = attach(&w, kind, sight);
	if (device != NULL) {
		look(&w, kind, device, sight);
		cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	}
	world_fini(&w);
}

/* ---- the property ---- */

struct present {
	uint32_t kind;
	struct bounce_device *device;
};

static void expect_same(struct world *w, const struct kind *kind,
			struct bounce_device *device, const struct sight *alone,
			struct sight *now)
{
	if (device != NULL)
		look(w, kind, device, now);
	cr_assert_eq(memcmp(now, alone, sizeof(*now)), 0,
		     "space %u, flags %#x: attach %ld and %ld, map_max %lu and "
		     "%lu",
		     kind->space, kind->info.flags, (long)now->attach,
		     (long)alone->attach, now->map_max, alone->map_max);
}

static void come_or_go(struct world *w, const struct kind *kinds,
		       const struct sight *alone, struct present *slot,
		       uint64_t *random)
{
	struct sight now;

	if (slot->device != NULL) {
		/* It has seen others come and go since it was looked at. */
		now = alone[slot->kind];
		expect_same(w, &kinds[slot->kind], slot->device,
			    &alone[slot->kind], &now);
		cr_assert_eq(bounce_device_detach(slot->device), BOUNCE_OK);
		slot->device = NULL;
		return;
	}
	slot->kind = (uint32_t)bench_below(random, KINDS);
	slot->device = attach(w, &kinds[slot->kind], &now);
	expect_same(w, &kinds[slot->kind], slot->device, &alone[slot->kind],
		    &now);
}

static void come_and_go(bool honours, uint64_t seed)
{
	static struct sight alone[KINDS];
	struct present present[PRESENT] = { { .device = NULL } };
	struct kind kinds[KINDS];
	uint64_t random = seed;
	struct world w;

	for (uint32_t i = 0; i < KINDS; i++) {
		kinds[i] = any_kind(&random);
		look_alone(&kinds[i], honours, &alone[i]);
	}
	world_init(&w, honours);
	for (uint32_t i = 0; i < STEPS; i++)
		come_or_go(&w, kinds, alone,
			   &present[bench_below(&random, PRESENT)], &random);
	for (uint32_t i = 0; i < PRESENT; i++)
		if (present[i].device != NULL)
			come_or_go(&w, kinds, alone, &present[i], &random);
	world_fini(&w);
}

Test(history, is_no_factor_in_what_holds_for_a_device)
{
	come_and_go(true, 1);
	come_and_go(false, 2);
}

Test(space_accepts, a_device_that_may_not_snoop_where_the_iommu_forces_it)
{
	const struct bounce_device_info info = {
		.features = BOUNCE_VIRTIO_F_VERSION_1 |
			    BOUNCE_VIRTIO_F_ACCESS_PLATFORM,
		.flags = BOUNCE_DEVICE_NO_SNOOP,
	};

	for (int honours = 0; honours <= 1; honours++) {
		struct bounce_space_info said;
		struct bounce_negotiation why;
		enum bounce_err want = honours ? BOUNCE_OK : BOUNCE_ERR_REFUSED;
		struct world w;

		world_init(&w, honours != 0);
		cr_expect_eq(bounce_space_accepts(w.space[SPACES - 1], &info,
						  &why),
			     want);
		/* What is not honoured comes back, and stays to be asked. */
		bounce_space_info(w.space[SPACES - 1], &said);
		cr_expect_eq(said.unhonoured, honours ? 0 : BOUNCE_IOMMU_SNOOP);
		/* Nobody forces anything in a space without an IOMMU. */
		cr_expect_eq(bounce_space_accepts(w.space[0], &info, &why),
			     BOUNCE_ERR_REFUSED);
		cr_expect_eq(why.verdict.reason, BOUNCE_WHY_INCOHERENT);
		world_fini(&w);
	}
}
