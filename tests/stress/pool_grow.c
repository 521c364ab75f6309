/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * pool_grow.c - slabs come and go while other CPUs claim from the pool.
 *
 * Two threads grow and retire the same slabs as fast as they can (G1, G2); the
 * others claim runs, mark and check them (P3, P5, P6, E06). Whoever gets a slot
 * before its pages are shared, or keeps one after, finds the scrub's zeros in
 * it or races with it. In every other turn one of them is a mapper, whose
 * buffer lies between the slabs. A turn begins with a new instance, as an index
 * becomes ready for the first time but once.
 *
 * The arena is cut into places for slabs. Place BUFFER is never one and holds
 * the mapper's buffer; place 0 is one from the start for the mapper, as a
 * device wants a pool that it reaches.
 */
#include <stdio.h>
#include <stdlib.h>

#include "instance.h"
#include "support.h"

#define TURNS 6u
#ifdef SLOW_CPU /* an emulated one: tools/flags.py */
#define WORKERS 2u
#define GROWERS 1u
#define ROUNDS 6u
#else
#define WORKERS 5u
#define GROWERS 2u /* the first ones */
#define ROUNDS 40u /* of a grower; the others go on until it is done */
#endif
#define PLACES 5u
#define BUFFER 2u

/*
 * The machine looks at every byte of a slab between its scrub and its use;
 * TSan drops a race whose first half it no longer remembers.
 */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "history_size=7";
}

struct worker {
	struct bench *bench;
	void (*step)(struct worker *worker);
	_Atomic bool *done;
	struct pool_hint hint;
	struct pool_client client;
	uint32_t index; /* 0: the grower */
	uint64_t mark;
	uint64_t random;
	uint64_t runs;
	uint64_t wrong;
	uint64_t grown;
	uint64_t retired;
};

static bool is_shared(const struct worker *worker, const struct bounce_run *run)
{
	const struct bounce_slab *slab =
		&worker->bench->bounce->slab[run->slab];

	return fake_machine_is_shared(&worker->bench->machine,
				      slab->base.v + (uint64_t)run->slot *
							     BOUNCE_SLOT_BYTES);
}

static uint64_t *mark_at(unsigned char *memory, uint32_t slot)
{
	return (uint64_t *)(void *)(memory + (size_t)slot * BOUNCE_SLOT_BYTES);
}

/*
 * The bytes first: the machine's own atomics must not order them for us. Eight
 * at a time: TSan remembers but the last few accesses to a word, and the scrub
 * is followed by a look at each byte.
 */
static void use(struct worker *worker, const struct bounce_run *run)
{
	unsigned char *memory = bounce_pool_memory(worker->bench->bounce, run);

	for (uint32_t i = 0; i < run->slots; i++)
		*mark_at(memory, i) = worker->mark;
	for (uint32_t i = 0; i < run->slots; i++)
		worker->wrong += *mark_at(memory, i) != worker->mark;
	worker->wrong += !is_shared(worker, run);
	worker->runs++;
}

static void claim_and_release(struct worker *worker)
{
	static const struct bounce_limits limits = {
		.last = UINT64_MAX,
		.boundary = UINT64_MAX,
		.segment = UINT64_MAX,
	};
	static const struct {
		uint64_t len;
		uint32_t shift;
	} sizes[] = { { 64, 6 },	 { 2000, 6 },	    { 4096, 12 },
		      { 5 * 4096, 12 },	 { 40 * 4096, 12 }, { 65 * 4096, 18 },
		      { 128 * 4096, 18 } };
	uint64_t pick = bench_below(&worker->random,
				    sizeof(sizes) / sizeof(sizes[0]));
	struct bounce_place place;
	struct bounce_run run;

	bench_check(bounce_window_place(&limits, 0, sizes[pick].len,
					sizes[pick].shift, &place));
	if (bounce_pool_claim(worker->bench->pool, &place, &worker->client,
			      &run) != BOUNCE_OK)
		return;
	use(worker, &run);
	bounce_pool_release(worker->bench->pool, &run);
}

/* Grow what is not there, retire what is; the other grower may be at it. */
static void grow_and_retire(struct worker *worker)
{
	static const uint32_t places[] = { 1, 3, 4 };
	uint32_t place = places[bench_below(&worker->random, 3)];
	enum bounce_err err = bench_grow(worker->bench, place);

	if (err == BOUNCE_OK) {
		worker->grown++;
		return;
	}
	/* The range is the library's; or so is each index, for a moment. */
	worker->wrong += err != BOUNCE_ERR_ARG && err != BOUNCE_ERR_FULL;
	err = bench_retire(worker->bench, place);
	worker->wrong += err != BOUNCE_OK && err != BOUNCE_ERR_BUSY &&
			 err != BOUNCE_ERR_ARG;
	worker->retired += err == BOUNCE_OK;
}

static void map_and_unmap(struct worker *worker)
{
	struct bounce_queue *queue = worker->bench->queue[0];
	const struct bounce_buf buf = {
		.gpa = bench_slab_gpa(worker->bench, BUFFER),
		.len = 1 + bench_below(&worker->random, 2 * BOUNCE_SLOT_BYTES),
	};
	struct bounce_mapping mapping;

	if (bounce_map(queue, &buf, BOUNCE_TO_DEVICE, &mapping) != BOUNCE_OK)
		return;
	worker->runs++;
	worker->wrong += bounce_unmap(queue, &mapping, 0) != BOUNCE_OK;
}

static void *work(void *arg)
{
	struct worker *worker = arg;

	for (uint32_t i = 0; worker->index < GROWERS && i < ROUNDS; i++)
		worker->step(worker);
	if (worker->index < GROWERS)
		/* relaxed, here and below: must order nothing for the pool. */
		atomic_store_explicit(worker->done, true, memory_order_relaxed);
	while (!atomic_load_explicit(worker->done, memory_order_relaxed))
		worker->step(worker);
	return NULL;
}

static void make_workers(struct worker *worker, struct bench *bench,
			 _Atomic bool *done, bool mapper)
{
	for (uint32_t i = 0; i < WORKERS; i++)
		worker[i] = (struct worker) {
			.bench = bench,
			.step = i < GROWERS ? grow_and_retire :
					      claim_and_release,
			.done = done,
			.index = i,
			.mark = i + 1,
			.random = i,
			.client = {
				.hint = &worker[i].hint,
				.bus = bench->space->bus[BOUNCE_PATH_BUS],
				.tenant = 1 + i / 2,
			},
		};
	if (mapper)
		worker[WORKERS - 1].step = map_and_unmap;
}

/* Add up what was done. */
static void add(struct worker *sum, const struct worker *worker)
{
	sum->runs += worker->runs;
	sum->wrong += worker->wrong;
	sum->grown += worker->grown;
	sum->retired += worker->retired;
}

static void turn(bool mapper, struct worker *sum)
{
	static struct worker worker[WORKERS];
	struct bench_knobs knobs = bench_usual();
	_Atomic bool done = false;
	struct bench bench;

	knobs.slabs = PLACES;
	knobs.grown = mapper;
	knobs.chunks = 2;
	knobs.blocks = 4;
	bench_init(&bench, &knobs);
	make_workers(worker, &bench, &done, mapper);
	bench_threads(WORKERS, work, worker, sizeof(worker[0]));
	for (uint32_t i = 0; i < WORKERS; i++)
		add(sum, &worker[i]);
	bench_fini(&bench);
}

int main(void)
{
	struct worker sum = { 0 };

	for (uint32_t i = 0; i < TURNS; i++)
		turn(i % 2 != 0, &sum);
	printf("pool_grow: %llu grown, %llu retired, %llu runs meanwhile, "
	       "%llu wrong\n",
	       (unsigned long long)sum.grown, (unsigned long long)sum.retired,
	       (unsigned long long)sum.runs, (unsigned long long)sum.wrong);
	return sum.wrong == 0 && sum.runs != 0 && sum.retired != 0 ?
		       EXIT_SUCCESS :
		       EXIT_FAILURE;
}
