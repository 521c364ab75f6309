/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * warden.c - everything but the I/O path, from one thread: growth, retirement,
 * faults of the monitor, revokes, epochs, and a device that comes and goes.
 */
#include "soak.h"

static uint64_t below(struct soak_warden *warden, uint64_t limit)
{
	return bench_below(&warden->random, limit);
}

/* ---- devices ---- */

static uint64_t any_mask(uint64_t *random, uint32_t from, uint32_t to)
{
	if (bench_below(random, 2) == 0)
		return 0;
	return (UINT64_C(2) << (from + bench_below(random, to - from))) - 1;
}

static bool is_behind(const struct soak *soak, uint32_t device)
{
	return soak->behind != NULL && device % 2 != 0;
}

/* What a device says of itself, to be of the pool's class. */
static const uint32_t class_flag[] = {
	[BOUNCE_SNOOPED] = 0,
	[BOUNCE_NON_COHERENT] = BOUNCE_DEVICE_NON_COHERENT,
	[BOUNCE_NO_SNOOP] = BOUNCE_DEVICE_NO_SNOOP,
};

static uint32_t any_flags(const struct soak *soak, uint64_t *random)
{
	uint32_t flags = class_flag[soak->bench.knobs.coherency];

	if (bench_below(random, 2) != 0)
		flags |= BOUNCE_DEVICE_UNTRUSTED;
	if (bench_below(random, 2) != 0)
		flags |= BOUNCE_DEVICE_FORCE;
	return flags;
}

static struct bounce_device_info any_info(const struct soak *soak,
					  uint64_t *random, uint32_t device)
{
	bool behind = is_behind(soak, device);
	bool platform = behind || bench_below(random, 2) != 0;

	return (struct bounce_device_info) {
		.space = behind ? soak->behind : soak->bench.space,
		.function = device == SOAK_NUMBERED ? soak->endpoint : NULL,
		.features = BOUNCE_VIRTIO_F_VERSION_1 |
			    (platform ? BOUNCE_VIRTIO_F_ACCESS_PLATFORM : 0),
		.dma_mask =
			!behind && bench_below(random, 4) == 0 ? UINT32_MAX : 0,
		.boundary_mask = any_mask(random, 15, 31),
		.min_align_mask = any_mask(random, 3, 12),
		.alloc_align_mask = any_mask(random, 3, 13),
		.segment_bytes = bench_below(random, 4) == 0 ? 8192 : 0,
		.flags = any_flags(soak, random),
		.owner = (uint16_t)bench_below(random, 3),
		.queues = SOAK_WORKERS,
		.quota = bench_below(random, 2) == 0 ? 512 * 1024 : 0,
	};
}

void soak_shift(struct soak *soak, uint32_t device, uint32_t path)
{
	/* The bypass window is gpa to gpa. */
	soak->shift[device] = path != BOUNCE_PATH_BUS ? 0 :
			      is_behind(soak, device) ? SOAK_BEHIND :
							soak->bench.knobs.shift;
}

void soak_attach(struct soak *soak, uint64_t *random, uint32_t device)
{
	struct bounce_negotiation answer;
	enum bounce_err err = BOUNCE_ERR_ARG;

	/* Not every pick can be attached. */
	while (err != BOUNCE_OK) {
		soak->info[device] = any_info(soak, random, device);
		err = bounce_device_attach(soak->bench.bounce,
					   &soak->info[device],
					   &soak->bench.device[device],
					   &answer);
		bench_check(err == BOUNCE_OK || err == BOUNCE_ERR_UNREACHABLE);
	}
	soak_shift(soak, device, answer.verdict.path);
}

/* It comes, makes one mapping, is judged again, and goes. */
static void come_and_go(struct soak_warden *warden)
{
	struct soak *soak = warden->soak;
	struct bounce_device **device = &soak->bench.device[SOAK_TRANSIENT];
	struct bounce_negotiation answer;
	struct bounce_mapping mapping;
	struct bounce_queue *queue;
	struct bounce_buf buf;
	enum bounce_err err;

	soak_attach(soak, &warden->random, SOAK_TRANSIENT);
	queue = bounce_device_queue(*device, 0);
	err = bounce_alloc(queue, 100, 0, 0, &buf, &mapping);
	bounce_device_stop(*device);
	if (err == BOUNCE_OK) {
		soak_check(warden, bounce_device_negotiate(
					   *device, BOUNCE_VIRTIO_F_VERSION_1,
					   &answer) == BOUNCE_ERR_BUSY);
		soak_check(warden,
			   bounce_device_detach(*device) == BOUNCE_ERR_BUSY);
		soak_check(warden, bounce_free(queue, &mapping) == BOUNCE_OK);
	}
	soak_check(warden, bounce_device_start(*device) == BOUNCE_OK);
	if (below(warden, 2) != 0) {
		bounce_device_features_rejected(*device);
		soak_check(warden,
			   bounce_alloc(queue, 100, 0, 0, &buf, &mapping) ==
				   BOUNCE_ERR_REFUSED);
	}
	soak_check(warden, bounce_queue_valid(queue));
	soak_check(warden, bounce_device_detach(*device) == BOUNCE_OK);
	*device = NULL;
	warden->done += 6;
}

/* What an IOMMU sees: bus and devfn of the device, or what its bridge makes
 * of them (topology.h, enum bounce_function_kind). */
static uint32_t id_of(const struct soak *soak, uint8_t bus)
{
	switch (soak->bridge_kind) {
	case BOUNCE_FUNCTION_PORT:
		return (uint32_t)bus << 8 | SOAK_DEVFN;
	case BOUNCE_FUNCTION_PCIE_TO_PCI:
		return (uint32_t)bus << 8;
	default:
		return SOAK_BRIDGE_DEVFN;
	}
}

/* Its bus has another number, and it another requester ID. */
static void renumber(struct soak_warden *warden)
{
	struct soak *soak = warden->soak;
	struct bounce_device *device = soak->bench.device[SOAK_NUMBERED];
	uint8_t number = (uint8_t)(1 + below(warden, 255));
	struct bounce_requesters ids;

	bounce_device_stop(device);
	soak_check(warden, bounce_topology_change(soak->bridge) == BOUNCE_OK);
	soak_check(warden, bounce_topology_number(soak->bridge, number,
						  number) == BOUNCE_OK);
	soak_check(warden,
		   bounce_topology_settle(soak->bench.bounce) == BOUNCE_OK);
	soak_check(warden, bounce_device_start(device) == BOUNCE_OK);
	bounce_function_requesters(soak->endpoint, &ids);
	soak_check(warden, ids.count == 1 && ids.id[0] == id_of(soak, number));
	warden->done += 4;
}

/* A CPU's lane is at home somewhere else. */
static void move_home(struct soak_warden *warden)
{
	struct bounce_device *device =
		warden->soak->bench.device[below(warden, SOAK_DEVICES)];

	bounce_queue_set_home(
		bounce_device_queue(device,
				    (uint32_t)below(warden, SOAK_WORKERS)),
		(uint8_t)below(warden, SOAK_NODES));
}

static void advance(struct soak_warden *warden)
{
	bounce_epoch_advance(warden->soak->bench.bounce);
}

static void revoke(struct soak_warden *warden)
{
	uint32_t i = SOAK_STEADY +
		     (uint32_t)below(warden, SOAK_DEVICES - SOAK_STEADY);
	struct soak *soak = warden->soak;
	enum bounce_err err;

	if (!soak->revoked[i]) {
		bounce_device_revoke(soak->bench.device[i]);
		soak->revoked[i] = true;
		warden->revoked++;
		return;
	}
	err = bounce_device_quiesced(soak->bench.device[i]);
	soak_check(warden, err == BOUNCE_OK || err == BOUNCE_ERR_BUSY);
	if (err == BOUNCE_OK)
		soak->revoked[i] = false;
}

/* ---- pages ---- */

/*
 * The next calls of a kind answer anything. What a contract excludes is not
 * planned: UNCHANGED has changed nothing, and an unshare that is said to be
 * done is done.
 */
static void plan_fault(struct soak_warden *warden)
{
	struct fake_machine *machine = &warden->soak->bench.machine;
	struct fake_fault fault = {
		.call = (enum fake_call)(FAKE_SHARE + below(warden, 2)),
		.times = 1 + (uint32_t)below(warden, 20),
		.step = (enum bounce_step)below(warden, 5),
		.done = (uint32_t)below(warden, 40),
		.truth = (uint32_t)below(warden, 18),
	};

	fault.first = machine->calls[fault.call] + (uint32_t)below(warden, 8);
	if (fault.step == BOUNCE_STEP_UNCHANGED)
		fault.truth = 0;
	if (fault.step <= BOUNCE_STEP_RETRY && fault.call == FAKE_UNSHARE &&
	    fault.truth < fault.done)
		fault.truth = fault.done;
	if (fault.step == BOUNCE_STEP_RETRY)
		fault.truth = fault.done;
	if (fake_machine_fail(machine, &fault))
		warden->faults++;
	else
		memset(machine->fault, 0, sizeof(machine->fault));
}

static uint32_t any_slab(struct soak_warden *warden)
{
	return 1 + (uint32_t)below(warden, SOAK_SLABS - 1);
}

static void grow(struct soak_warden *warden)
{
	const struct bench *bench = &warden->soak->bench;
	bounce_gpa_t gpa = bench_slab_gpa(bench, any_slab(warden));
	enum bounce_err err =
		bounce_pool_grow_home(bench->pool, gpa, bench->slab_bytes,
				      (uint8_t)below(warden, SOAK_NODES));

	warden->grown += err == BOUNCE_OK;
	soak_check(warden,
		   err == BOUNCE_OK || err == BOUNCE_ERR_HOST ||
			   err == BOUNCE_ERR_BUSY || err == BOUNCE_ERR_LOST ||
			   err == BOUNCE_ERR_ARG || err == BOUNCE_ERR_FULL);
}

/* A slab that is the caller's again is private in truth, and zero (S5). */
static bool is_clean(const struct soak *soak, uint32_t slab)
{
	uint64_t gpa = bench_slab_gpa(&soak->bench, slab).v;
	const unsigned char *bytes = soak->bench.machine.memory +
				     slab * soak->bench.slab_bytes;

	for (uint64_t at = 0; at < soak->bench.slab_bytes;
	     at += FAKE_PAGE_BYTES)
		if (fake_machine_is_shared(&soak->bench.machine, gpa + at))
			return false;
	return soak_all_are(bytes, 0, soak->bench.slab_bytes);
}

static void retire(struct soak_warden *warden)
{
	uint32_t slab = any_slab(warden);
	enum bounce_err err = bench_retire(&warden->soak->bench, slab);

	warden->retired += err == BOUNCE_OK;
	soak_check(warden, err == BOUNCE_OK || err == BOUNCE_ERR_BUSY ||
				   err == BOUNCE_ERR_ARG ||
				   err == BOUNCE_ERR_LOST);
	if (err == BOUNCE_OK)
		soak_check(warden, is_clean(warden->soak, slab));
	if (err == BOUNCE_OK && warden->soak->behind != NULL)
		soak_check(warden,
			   !soak_exposes(
				   warden->soak,
				   bench_slab_gpa(&warden->soak->bench, slab).v,
				   warden->soak->bench.slab_bytes));
}

static void ask(struct soak_warden *warden)
{
	const struct bench *bench = &warden->soak->bench;
	struct bounce_range range[SOAK_SLABS * 64];
	struct bounce_space_info info;
	struct bounce_window window;

	(void)bounce_pool_pressure(bench->pool);
	soak_check(warden,
		   bounce_ranges(bench->bounce, range, SOAK_SLABS * 64) >= 1);
	bounce_space_info(bench->space, &info);
	soak_check(warden, bounce_space_window(bench->space, 0, &window));
	warden->done += 3;
}

/* ---- the thread ---- */

/* What may be done next, and how often in 64. */
static const struct {
	uint32_t weight;
	void (*run)(struct soak_warden *warden);
} steps[] = {
	{ 24, revoke }, { 12, grow },	    { 8, retire },
	{ 4, advance }, { 4, renumber },    { 4, move_home },
	{ 4, ask },	{ 3, come_and_go }, { 1, plan_fault },
};

static void any_step(struct soak_warden *warden)
{
	uint64_t at = below(warden, 64);
	uint32_t i = 0;

	for (; at >= steps[i].weight; i++)
		at -= steps[i].weight;
	steps[i].run(warden);
	warden->done++;
}

void *soak_guard(void *arg)
{
	struct soak_warden *warden = arg;

	/* relaxed: must order nothing for the library. */
	while (atomic_load_explicit(&warden->soak->workers,
				    memory_order_relaxed) != 0 &&
	       warden->wrong == NULL) {
		any_step(warden);
		atomic_fetch_add_explicit(&warden->soak->steps, 1,
					  memory_order_relaxed);
	}
	/* Nobody waits for a warden that has given up. */
	if (warden->wrong != NULL)
		atomic_store_explicit(&warden->soak->steps, UINT64_MAX,
				      memory_order_relaxed);
	return NULL;
}
