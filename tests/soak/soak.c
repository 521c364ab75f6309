/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * soak.c - turns: a new machine and a new instance, two phases of threads at
 * work, and the books after each. K1 to K5 are in soak.h.
 *
 *   soak [OPERATIONS [SEED]]
 *
 * Turn n of a run has the seed SEED + n, which is printed when it fails; with
 * `soak 1 THAT` it is done again, as far as threads can be.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "soak.h"

#define TURN 200000u /* operations of a turn, about */
#define USUAL 1000000u
#define THREADS (SOAK_WORKERS + 1u)

static const char *const counter_name[SOAK_COUNTERS] = {
	"maps",	 "unmaps", "bytes_to",	 "bytes_from", "refused_lengths",
	"stale", "full",   "fragmented", "other",
};

/* Both kinds of thread, for bench_threads(). */
struct soak_thread {
	struct soak_worker *worker; /* or */
	struct soak_warden *warden;
};

struct sum {
	uint64_t operations;
	uint64_t faults;
	uint64_t grown;
	uint64_t retired;
	uint64_t revoked;
	uint64_t lost_bytes;
	uint64_t counters; /* compared, and found exact */
};

static uint64_t seed_now; /* for fail() */

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "soak: seed %llu: not so: %s\n",
		(unsigned long long)seed_now, what);
	exit(EXIT_FAILURE);
}

static void demand(bool met, const char *what)
{
	if (!met)
		fail(what);
}

/* ---- a turn ---- */

/* One that keeps bytes, one that zeroes and is verified, one that does not
 * say; with page tables to be changed, or without. */
static void any_monitor(struct soak *soak)
{
	struct fake_machine *machine = &soak->bench.machine;

	machine->arch.contents = (uint8_t)bench_below(&soak->random, 3);
	machine->arch.verify_share = machine->arch.contents ==
				     BOUNCE_CONTENTS_ZERO;
	machine->arch.granule_shift = bench_below(&soak->random, 2) != 0 ? 16 :
									   12;
	machine->tables = bench_below(&soak->random, 2) != 0;
}

/* Device SOAK_NUMBERED stands behind a bridge, whose bus has a number. */
static void make_functions(struct soak *soak)
{
	static const uint8_t kinds[] = { BOUNCE_FUNCTION_PORT,
					 BOUNCE_FUNCTION_PCIE_TO_PCI,
					 BOUNCE_FUNCTION_PCI_TO_PCI };
	struct bounce_function_info info = {
		.kind = kinds[bench_below(&soak->random, 3)],
		.devfn = SOAK_BRIDGE_DEVFN,
		.secondary = 1,
		.subordinate = 1,
	};

	soak->bridge_kind = info.kind;
	demand(bounce_function_add(soak->bench.bounce, &info, &soak->bridge) ==
		       BOUNCE_OK,
	       "a bridge is there");
	info = (struct bounce_function_info) {
		.kind = BOUNCE_FUNCTION_ENDPOINT,
		.parent = soak->bridge,
		.devfn = SOAK_DEVFN,
	};
	demand(bounce_function_add(soak->bench.bounce, &info,
				   &soak->endpoint) == BOUNCE_OK,
	       "a function is there");
}

static void make(struct soak *soak, uint64_t seed)
{
	struct bench_knobs knobs = bench_usual();

	*soak = (struct soak) { .random = seed };
	soak->secure = bench_below(&soak->random, 4) != 0;
	knobs.slabs = SOAK_SLABS;
	knobs.chunks = (uint16_t)(1 + bench_below(&soak->random, 4));
	knobs.queues = SOAK_WORKERS;
	knobs.devices = 0;
	knobs.more_spaces = 1;
	knobs.functions = 2;
	knobs.coherency = (enum bounce_coherency)bench_below(&soak->random, 3);
	knobs.blocks = (uint32_t)bench_below(&soak->random, 32);
	knobs.direct = SOAK_DIRECT;
	knobs.private_bytes = SOAK_PRIVATE;
	knobs.shift = bench_below(&soak->random, 2) << 24;
	knobs.protection = soak->secure ? BOUNCE_PROTECTION_YES :
					  BOUNCE_PROTECTION_NO;
	bench_power_on(&soak->bench, &knobs);
	any_monitor(soak);
	soak_caches(soak);
	bench_set_up(&soak->bench);
	soak_behind(soak);
	make_functions(soak);
	for (uint32_t i = 0; i < SOAK_DEVICES; i++)
		soak_attach(soak, &soak->random, i);
}

static void *run(void *arg)
{
	struct soak_thread *thread = arg;

	return thread->worker != NULL ? soak_work(thread->worker) :
					soak_guard(thread->warden);
}

static void phase(struct soak *soak, struct soak_worker *worker,
		  struct soak_warden *warden, uint64_t operations)
{
	struct soak_thread thread[THREADS];

	atomic_store_explicit(&soak->workers, SOAK_WORKERS,
			      memory_order_relaxed);
	for (uint32_t i = 0; i < SOAK_WORKERS; i++) {
		worker[i].left = worker[i].done + operations / SOAK_WORKERS;
		thread[i] = (struct soak_thread) { .worker = &worker[i] };
	}
	thread[SOAK_WORKERS] = (struct soak_thread) { .warden = warden };
	bench_threads(THREADS, run, thread, sizeof(thread[0]));
}

/* Nothing is held: all of a quota is there to be taken. */
static bool quota_is_whole(const struct soak *soak, uint32_t index)
{
	struct bounce_device *device = soak->bench.device[index];
	int64_t sum = atomic_load_explicit(&device->credits,
					   memory_order_relaxed);

	for (uint32_t i = 0; i < SOAK_WORKERS; i++)
		sum += atomic_load_explicit(
			&bounce_device_queue(device, i)->credits,
			memory_order_relaxed);
	return !device->limited || sum == device->quota;
}

/* K1: a device's counters, and its ledgers. */
static void balance(const struct soak *soak, const struct soak_worker *worker,
		    uint32_t device, struct sum *sum)
{
	struct bounce_device_stats stats;
	const uint64_t *counter = &stats.maps;

	bounce_device_stats(soak->bench.device[device], &stats);
	for (uint32_t i = 0; i < SOAK_COUNTERS; i++) {
		uint64_t low = 0;
		uint64_t high = 0;

		for (uint32_t k = 0; k < SOAK_WORKERS; k++) {
			low += worker[k].ledger[device].low[i];
			high += worker[k].ledger[device].high[i];
		}
		if (counter[i] < low || counter[i] > high) {
			fprintf(stderr,
				"soak: device %u: %s is %llu, booked %llu "
				"to %llu\n",
				device, counter_name[i],
				(unsigned long long)counter[i],
				(unsigned long long)low,
				(unsigned long long)high);
			fail("a counter is what was booked");
		}
		sum->counters += low == high;
		demand(low == high || !soak_is_steady(device),
		       "a steady device's books are exact");
	}
	demand(quota_is_whole(soak, device), "every credit is back");
	if (soak_is_steady(device))
		demand(stats.maps == stats.unmaps,
		       "a steady device's mappings all ended by unmap");
}

/* K4, as far as it goes while devices are attached. */
static void settle(struct soak *soak, const struct soak_worker *worker,
		   const struct soak_warden *warden, struct sum *sum)
{
	for (uint32_t i = 0; i < SOAK_WORKERS; i++)
		demand(worker[i].wrong == NULL, worker[i].wrong);
	demand(warden->wrong == NULL, warden->wrong);
	for (uint32_t i = SOAK_STEADY; i < SOAK_DEVICES; i++) {
		if (soak->revoked[i])
			demand(bounce_device_quiesced(soak->bench.device[i]) ==
				       BOUNCE_OK,
			       "a revoked device is quiesced when none works");
		soak->revoked[i] = false;
	}
	memset(soak->bench.machine.fault, 0, sizeof(soak->bench.machine.fault));
	demand(bounce_valid(soak->bench.bounce) &&
		       bounce_topology_valid(soak->bench.bounce),
	       "bounce_valid(), bounce_topology_valid()");
	demand(soak_caches_hold(soak), "caches are kept for those who need it");
	demand(soak->backend == SOAK_NONE || soak->backend == SOAK_DYNAMIC ||
		       soak_behind_holds(soak),
	       "an IOMMU reaches each page of a slab, at its place");
	for (uint32_t i = 0; i < SOAK_DEVICES; i++)
		balance(soak, worker, i, sum);
}

/* The guest becomes a secure one, once, between the phases. */
static void enter_secure(struct soak *soak)
{
	struct bounce_negotiation answer;

	if (soak->secure)
		return;
	soak->bench.machine.protection = BOUNCE_PROTECTION_YES;
	demand(bounce_enter_secure(soak->bench.bounce) == BOUNCE_OK,
	       "bounce_enter_secure()");
	soak->secure = true;
	for (uint32_t i = 0; i < SOAK_DEVICES; i++) {
		demand(bounce_device_negotiate(soak->bench.device[i],
					       soak->info[i].features,
					       &answer) == BOUNCE_OK,
		       "bounce_device_negotiate()");
		soak_shift(soak, i, answer.verdict.path);
	}
}

/* Nothing is claimed: K4. */
static void all_is_free(const struct soak *soak)
{
	struct bounce_pool_stats stats;

	bounce_block_reclaim(soak->bench.bounce);
	bounce_pool_stats(soak->bench.pool, &stats);
	demand(stats.slots_free == stats.slots, "every slot is free");
	demand(stats.chunks_in_use == 0, "every chunk is");
	demand(stats.blocks_free == soak->bench.knobs.blocks, "every block is");
}

/* No page is shared but those that are lost, and counted. */
static void pages_return(struct soak *soak, bool suddenly, struct sum *sum)
{
	struct bench *bench = &soak->bench;
	struct bounce_pool_stats stats;
	enum bounce_err err = BOUNCE_OK;

	if (suddenly) {
		bounce_mark_dead(bench->bounce);
		demand(bench_grow(bench, 1) == BOUNCE_ERR_DEAD ||
			       bench_grow(bench, 1) == BOUNCE_ERR_ARG,
		       "nothing grows that is dead");
		err = bounce_unshare_all(bench->bounce);
		demand(err == BOUNCE_OK || err == BOUNCE_ERR_LOST,
		       "bounce_unshare_all()");
	}
	bounce_pool_stats(bench->pool, &stats);
	demand(soak->behind == NULL || soak_behind_ends(soak),
	       "nothing is reached through the IOMMU, and it was asked well");
	demand(bounce_space_fini(bench->space) == BOUNCE_OK,
	       "bounce_space_fini()");
	err = bounce_pool_fini(bench->pool);
	demand(err == (stats.lost_bytes != 0 ? BOUNCE_ERR_LOST : BOUNCE_OK),
	       "bounce_pool_fini()");
	demand(fake_machine_shared_bytes(&bench->machine) <= stats.lost_bytes,
	       "no page is shared but the lost ones");
	demand(bench->machine.wrong.secrets == 0, "no secret was shared");
	demand(bench->machine.wrong.calls == 0, "the monitor was asked well");
	demand(bounce_fini(bench->bounce) == BOUNCE_OK, "bounce_fini()");
	sum->lost_bytes += stats.lost_bytes;
}

static void finish(struct soak *soak, struct sum *sum)
{
	bool suddenly = bench_below(&soak->random, 4) == 0;

	for (uint32_t i = 0; i < SOAK_DEVICES; i++) {
		demand(bounce_device_valid(soak->bench.device[i]),
		       "bounce_device_valid()");
		demand(bounce_device_detach(soak->bench.device[i]) == BOUNCE_OK,
		       "a device without a mapping is detached");
	}
	demand(bounce_function_remove(soak->endpoint) == BOUNCE_OK &&
		       bounce_function_remove(soak->bridge) == BOUNCE_OK,
	       "a function without a device goes");
	all_is_free(soak);
	pages_return(soak, suddenly, sum);
	bench_discard(&soak->bench);
}

static void turn(uint64_t seed, struct sum *sum)
{
	static struct soak_worker worker[SOAK_WORKERS];
	static struct soak soak;
	struct soak_warden warden = { .soak = &soak, .random = ~seed };

	make(&soak, seed);
	memset(worker, 0, sizeof(worker));
	for (uint32_t i = 0; i < SOAK_WORKERS; i++) {
		worker[i].soak = &soak;
		worker[i].index = i;
		worker[i].random = seed * SOAK_WORKERS + i;
		for (uint32_t k = 0; k < SOAK_ENTRIES; k++)
			worker[i].entry[k].area = bench_private(
				&soak.bench,
				(uint64_t)(i * SOAK_ENTRIES + k) * SOAK_AREA);
	}
	phase(&soak, worker, &warden, TURN / 2);
	settle(&soak, worker, &warden, sum);
	enter_secure(&soak);
	phase(&soak, worker, &warden, TURN / 2);
	settle(&soak, worker, &warden, sum);
	for (uint32_t i = 0; i < SOAK_WORKERS; i++)
		sum->operations += worker[i].done;
	sum->operations += warden.done;
	sum->faults += warden.faults;
	sum->grown += warden.grown;
	sum->retired += warden.retired;
	sum->revoked += warden.revoked;
	finish(&soak, sum);
}

/* ---- the run ---- */

static uint64_t milliseconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* In place on a terminal, else a line each tenth. */
static void progress(const struct sum *sum, uint64_t operations, uint64_t begun)
{
	static uint64_t said;
	bool terminal = isatty(STDOUT_FILENO);
	uint64_t percent = sum->operations * 100 / operations;

	if (percent > 100)
		percent = 100;
	if (!terminal && percent / 10 == said / 10)
		return;
	said = percent;
	printf("%ssoak: %3llu %%, %llu operations in %llu s%s",
	       terminal ? "\r" : "", (unsigned long long)percent,
	       (unsigned long long)sum->operations,
	       (unsigned long long)(milliseconds() - begun) / 1000,
	       terminal && percent < 100 ? "" : "\n");
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	uint64_t operations = argc > 1 ? strtoull(argv[1], NULL, 10) : USUAL;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t begun = milliseconds();
	struct sum sum = { 0 };

	if (argc > 3 || operations == 0) {
		fprintf(stderr, "usage: soak [OPERATIONS [SEED]]\n");
		return EXIT_FAILURE;
	}
	printf("soak: seed %llu\n", (unsigned long long)seed);
	for (seed_now = seed; sum.operations < operations; seed_now++) {
		turn(seed_now, &sum);
		progress(&sum, operations, begun);
	}
	printf("soak: %llu operations, %llu revokes, %llu slabs grown, %llu "
	       "retired, %llu faults, %llu bytes lost; %llu counters exact, "
	       "nothing leaked\n",
	       (unsigned long long)sum.operations,
	       (unsigned long long)sum.revoked, (unsigned long long)sum.grown,
	       (unsigned long long)sum.retired, (unsigned long long)sum.faults,
	       (unsigned long long)sum.lost_bytes,
	       (unsigned long long)sum.counters);
	return EXIT_SUCCESS;
}
