/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * main.c - one cell of the simulation: so many CPUs on a pool of a size, so
 * much of it in use, by one design.
 *
 *	scale DESIGN CPUS GIB PERCENT NODES AWARE SEED
 *
 * Every CPU holds its part of what is in use, in runs of random sizes. It works
 * on a buffer for as long as a copy would take, gives back a run that is chosen
 * at random (one in FOREIGN is another CPU's, as where completions are
 * steered), and claims another. What is printed is one line, the words of
 * `columns`; the seed is among them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "design.h"
#include "machine.h"

#define FOREIGN 10u
#define ALL_PAIRS 12800u /* that count, of all CPUs; at most of one: */
#define MOST_PAIRS 1600u
#define FULL_PAIRS 3200u /* the same where nearly nothing is free */
#define SETTLE 20u /* before them */
#define CHURN 2u /* times the runs that are held, before all that */
#define THINK_PS 500000u /* beside the copy */
#define COPY_PS 60u /* a byte: 16 GB/s */

static const char columns[] =
	"design cpus gib percent nodes aware seed pairs claim_ns claim_p99_ns "
	"release_ns transfers far retries words waited_ns failed_percent "
	"local_percent held_percent mpairs";

/* ---- requests ---- */

/* Storage and network of a busy guest: mean 42.6 KiB. */
static const struct {
	uint32_t len;
	uint32_t weight; /* percent */
} mix[] = {
	{ 4096, 50 },
	{ 16384, 20 },
	{ 65536, 20 },
	{ 262144, 10 },
};

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint32_t any_len(uint64_t *random)
{
	uint32_t left = (uint32_t)(draw(random) % 100);
	size_t i = 0;

	while (left >= mix[i].weight)
		left -= mix[i++].weight;
	return mix[i].len;
}

/* ---- what CPUs hold ---- */

struct held {
	struct scale_run *run;
	uint32_t count;
	uint32_t room;
	uint64_t bytes; /* asked for */
};

struct sums {
	uint64_t pairs;
	uint64_t failed;
	uint64_t claim_ps;
	uint64_t release_ps;
	uint64_t local;
	uint64_t end_ps;
	struct scale_counts before;
};

static struct {
	struct scale_setup setup;
	const struct scale_design *design;
	uint64_t target; /* bytes of each CPU */
	uint32_t pairs; /* of each CPU, that count */
	struct held held[SCALE_CPUS];
	struct sums sums[SCALE_CPUS];
	uint64_t random[SCALE_CPUS];
	uint32_t *claim_ns; /* one for each claim that counts */
} cell;

unsigned char *scale_reserve(uint64_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED) {
		fprintf(stderr,
			"scale: no %" PRIu64 " bytes of address space\n",
			bytes);
		exit(EXIT_FAILURE);
	}
	return memory;
}

static void keep(struct held *held, const struct scale_run *run)
{
	if (held->count == held->room) {
		held->room = held->room == 0 ? 64 : 2 * held->room;
		held->run = realloc(held->run, held->room * sizeof(*run));
		if (held->run == NULL) {
			fprintf(stderr, "scale: out of memory\n");
			exit(EXIT_FAILURE);
		}
	}
	held->run[held->count++] = *run;
	held->bytes += run->len;
}

static struct scale_run take_any(struct held *held, uint64_t *random)
{
	uint32_t i = (uint32_t)(draw(random) % held->count);
	struct scale_run run = held->run[i];

	held->run[i] = held->run[--held->count];
	held->bytes -= run.len;
	return run;
}

/* ---- a CPU ---- */

/* Of its own, or of one that it picked: somebody's that holds something. */
static struct held *whose(uint32_t cpu)
{
	struct held *other =
		&cell.held[draw(&cell.random[cpu]) % cell.setup.cpus];

	if (draw(&cell.random[cpu]) % FOREIGN == 0 && other->count != 0)
		return other;
	return &cell.held[cpu];
}

/* Make room for @len more under the target. */
static void release_for(uint32_t cpu, uint32_t len)
{
	struct held *mine = &cell.held[cpu];

	while (mine->count != 0 && mine->bytes + len > cell.target) {
		struct held *held = whose(cpu);
		struct scale_run run = take_any(held, &cell.random[cpu]);

		cell.design->release(cpu, &run);
	}
}

static bool claim(uint32_t cpu, uint32_t len)
{
	struct scale_run run;

	if (!cell.design->claim(cpu, len, &run))
		return false;
	keep(&cell.held[cpu], &run);
	cell.sums[cpu].local += run.offset * cell.setup.nodes /
					cell.setup.pool_bytes ==
				machine_node(cpu);
	return true;
}

static void work_on(uint32_t cpu, uint32_t len)
{
	uint64_t mean = THINK_PS + (uint64_t)len * COPY_PS;

	/* Evenly from half of it to one and a half. */
	machine_think(mean / 2 + draw(&cell.random[cpu]) % mean);
}

static void one_pair(uint32_t cpu, bool counts)
{
	struct sums *sums = &cell.sums[cpu];
	uint32_t len = any_len(&cell.random[cpu]);
	uint64_t begin = machine_now();
	uint64_t middle;
	bool good;

	release_for(cpu, len);
	middle = machine_now();
	good = claim(cpu, len);
	if (counts) {
		cell.claim_ns[cpu * cell.pairs + sums->pairs] =
			(uint32_t)((machine_now() - middle) / 1000);
		sums->pairs++;
		sums->failed += !good;
		sums->release_ps += middle - begin;
		sums->claim_ps += machine_now() - middle;
	}
	work_on(cpu, len);
}

static void run_cpu(uint32_t cpu)
{
	uint64_t began;

	/* Not all at the same moment. */
	machine_think(draw(&cell.random[cpu]) % 4000000);
	for (uint32_t i = 0; i < SETTLE; i++)
		one_pair(cpu, false);
	cell.sums[cpu].local = 0;
	cell.sums[cpu].before = *machine_counts(cpu);
	began = machine_now();
	for (uint32_t i = 0; i < cell.pairs; i++)
		one_pair(cpu, true);
	cell.sums[cpu].end_ps = machine_now() - began;
}

/* Until all hold what they are to hold, and have changed it a few times. */
static void fill(void)
{
	uint64_t turns = (1 + CHURN) * (cell.target / 43622 + 1);

	for (uint64_t turn = 0; turn < turns; turn++)
		for (uint32_t cpu = 0; cpu < cell.setup.cpus; cpu++) {
			uint32_t len = any_len(&cell.random[cpu]);

			machine_pretend(cpu);
			release_for(cpu, len);
			(void)claim(cpu, len);
		}
}

/* ---- the line ---- */

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void print_line(uint64_t seed)
{
	struct sums sum = { .pairs = 0 };
	struct scale_counts counts = { .loads = 0 };
	uint64_t held = 0;
	double pairs;

	for (uint32_t i = 0; i < cell.setup.cpus; i++) {
		const struct sums *one = &cell.sums[i];
		const struct scale_counts *now = machine_counts(i);

		sum.pairs += one->pairs;
		sum.failed += one->failed;
		sum.claim_ps += one->claim_ps;
		sum.release_ps += one->release_ps;
		sum.local += one->local;
		sum.end_ps += one->end_ps / cell.setup.cpus;
		counts.transfers += now->transfers - one->before.transfers;
		counts.far += now->far - one->before.far;
		counts.retries += now->retries - one->before.retries;
		counts.loads += now->loads - one->before.loads;
		counts.waited_ps += now->waited_ps - one->before.waited_ps;
		held += cell.held[i].bytes;
	}
	pairs = (double)sum.pairs;
	qsort(cell.claim_ns, sum.pairs, sizeof(cell.claim_ns[0]), by_value);
	printf("%s %u %" PRIu64 " %" PRIu64 " %u %d %" PRIu64 " %" PRIu64
	       " %.1f %u %.1f %.2f %.2f %.4f %.1f %.1f %.3f %.1f %.1f %.2f\n",
	       cell.design->name, cell.setup.cpus, cell.setup.pool_bytes >> 30,
	       (uint64_t)((double)cell.target * cell.setup.cpus * 100 /
				  (double)cell.setup.pool_bytes +
			  0.5),
	       cell.setup.nodes, cell.setup.aware, seed, sum.pairs,
	       (double)sum.claim_ps / pairs / 1000,
	       cell.claim_ns[sum.pairs * 99 / 100],
	       (double)sum.release_ps / pairs / 1000,
	       (double)counts.transfers / pairs, (double)counts.far / pairs,
	       (double)counts.retries / pairs, (double)counts.loads / pairs,
	       (double)counts.waited_ps / pairs / 1000,
	       100.0 * (double)sum.failed / pairs,
	       100.0 * (double)sum.local /
		       (double)(sum.pairs - sum.failed +
				(sum.pairs == sum.failed)),
	       100.0 * (double)held / (double)cell.setup.pool_bytes,
	       pairs / ((double)sum.end_ps / 1e6));
}

/* ---- the program ---- */

static uint64_t argument(const char *text, uint64_t least, uint64_t most)
{
	char *end;
	uint64_t number = strtoull(text, &end, 10);

	if (*text == '\0' || *end != '\0' || number < least || number > most) {
		fprintf(stderr, "scale: %s is not %" PRIu64 " .. %" PRIu64 "\n",
			text, least, most);
		exit(EXIT_FAILURE);
	}
	return number;
}

static const struct scale_design *design_of(const char *name)
{
	if (strcmp(name, scale_ours.name) == 0)
		return &scale_ours;
	if (strcmp(name, scale_areas.name) == 0)
		return &scale_areas;
	fprintf(stderr, "scale: %s is neither %s nor %s\n", name,
		scale_ours.name, scale_areas.name);
	exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	uint64_t percent;
	uint64_t seed;

	if (argc != 8) {
		printf("%s\n", columns);
		return argc == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	cell.design = design_of(argv[1]);
	cell.setup.cpus = (uint32_t)argument(argv[2], 1, SCALE_CPUS);
	cell.setup.pool_bytes = argument(argv[3], 1, 64) << 30;
	percent = argument(argv[4], 1, 99);
	cell.setup.nodes = (uint32_t)argument(argv[5], 1, cell.setup.cpus);
	cell.setup.aware = argument(argv[6], 0, 1) != 0;
	seed = argument(argv[7], 0, UINT64_MAX);
	cell.target = cell.setup.pool_bytes / 100 * percent / cell.setup.cpus;
	for (uint32_t i = 0; i < cell.setup.cpus; i++)
		cell.random[i] = seed * SCALE_CPUS + i;
	cell.pairs = (percent < 90 ? ALL_PAIRS : FULL_PAIRS) / cell.setup.cpus;
	if (cell.pairs > MOST_PAIRS)
		cell.pairs = MOST_PAIRS;
	cell.claim_ns = calloc((size_t)cell.setup.cpus * cell.pairs,
			       sizeof(*cell.claim_ns));
	if (cell.claim_ns == NULL)
		return EXIT_FAILURE;
	cell.design->start(&cell.setup);
	fill();
	machine_run(run_cpu);
	print_line(seed);
	cell.design->stop();
	free(cell.claim_ns);
	for (uint32_t i = 0; i < cell.setup.cpus; i++)
		free(cell.held[i].run);
	return EXIT_SUCCESS;
}
