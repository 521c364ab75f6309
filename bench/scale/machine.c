/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * machine.c - see machine.h.
 */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

/*
 * Costs, picoseconds. The first three and the transfer inside a node are what
 * docs/benchmarks.md's machine showed (a load that hits, a locked
 * read-modify-write on a line that is ours, half of a ping-pong between two
 * CPUs); a transfer between nodes is taken to be twice that, and a line that is
 * only read is handed out to the next reader sooner than it arrives.
 */
#define HIT_PS 500u
#define STORE_PS 500u
#define CHANGE_PS 5000u
#define NEAR_PS 150000u
#define FAR_PS 300000u
#define SERVE_PS 20000u

#define STACK_BYTES (64u << 10)
#define LINE_SHIFT 6

struct line {
	uint64_t readers[SCALE_CPUS / 64];
	uint64_t free_at; /* ps: the last transfer has arrived */
	uint16_t owner; /* CPU + 1 that may write; 0: only readers */
	uint16_t from; /* CPU + 1 that had it last; 0: nobody yet */
};

struct cpu {
	ucontext_t context;
	void *stack;
	uint64_t now;
	struct scale_counts counts;
	uint32_t next; /* behind this one for a lock, CPU + 1 */
	bool done;
};

static struct cpu *cpus;
static uint32_t cpu_count;
static uint32_t node_count;
static struct line *lines;
static uintptr_t base_line;
static size_t line_count;
static uint32_t current;
static bool running;
static ucontext_t outside;
static void (*work)(uint32_t cpu);

/* CPUs that can run, by clock: a heap; ties by number, or two runs differ. */
static uint16_t heap[SCALE_CPUS];
static uint32_t heap_count;

/* ---- who runs ---- */

static bool before(uint32_t a, uint32_t b)
{
	return cpus[a].now < cpus[b].now ||
	       (cpus[a].now == cpus[b].now && a < b);
}

static void heap_push(uint32_t cpu)
{
	uint32_t at = heap_count++;

	while (at != 0 && before(cpu, heap[(at - 1) / 2])) {
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = (uint16_t)cpu;
}

static uint32_t heap_pop(void)
{
	uint32_t first = heap[0];
	uint32_t last = heap[--heap_count];
	uint32_t at = 0;

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= heap_count)
			break;
		if (child + 1 < heap_count &&
		    before(heap[child + 1], heap[child]))
			child++;
		if (!before(heap[child], last))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = (uint16_t)last;
	return first;
}

/* To whoever is the furthest behind; nobody is left: back outside. */
static void switch_from(ucontext_t *from)
{
	if (heap_count == 0) {
		swapcontext(from, &outside);
		return;
	}
	current = heap_pop();
	swapcontext(from, &cpus[current].context);
}

/* N1 */
static void wait_turn(void)
{
	uint32_t me = current;

	if (heap_count == 0 || before(me, heap[0]))
		return;
	heap_push(me);
	switch_from(&cpus[me].context);
}

static void start(void)
{
	uint32_t me = current;

	work(me);
	cpus[me].done = true;
	switch_from(&cpus[me].context);
}

void machine_run(void (*body)(uint32_t cpu))
{
	work = body;
	running = true;
	heap_count = 0;
	for (uint32_t i = 0; i < cpu_count; i++) {
		cpus[i].now = 0;
		cpus[i].done = false;
		getcontext(&cpus[i].context);
		cpus[i].context.uc_stack.ss_sp = cpus[i].stack;
		cpus[i].context.uc_stack.ss_size = STACK_BYTES;
		cpus[i].context.uc_link = NULL;
		makecontext(&cpus[i].context, start, 0);
		heap_push(i);
	}
	for (size_t i = 0; i < line_count; i++)
		lines[i].free_at = 0;
	switch_from(&outside);
	running = false;
	for (uint32_t i = 0; i < cpu_count; i++)
		if (!cpus[i].done) {
			fprintf(stderr, "scale: CPU %u waits for ever\n", i);
			exit(EXIT_FAILURE);
		}
}

/* ---- lines (N2) ---- */

static struct line *line_of(const volatile void *word)
{
	/* Without lines there is no machine yet: their count is 0. */
	size_t index = ((uintptr_t)word >> LINE_SHIFT) - base_line;

	return index < line_count ? &lines[index] : NULL;
}

static bool reads(const struct line *line, uint32_t cpu)
{
	return (line->readers[cpu / 64] >> cpu % 64 & 1) != 0;
}

/* Fetch a line from whoever had it last; returns when it has arrived. */
static uint64_t transfer(struct line *line, uint32_t me, bool own)
{
	struct scale_counts *counts = &cpus[me].counts;
	bool far = line->from != 0 &&
		   machine_node(line->from - 1u) != machine_node(me);
	uint64_t begin = cpus[me].now;
	uint64_t end;

	if (begin < line->free_at) {
		counts->waited_ps += line->free_at - begin;
		begin = line->free_at;
	}
	end = begin + (far ? FAR_PS : NEAR_PS);
	line->free_at = own ? end : begin + SERVE_PS;
	counts->transfers++;
	counts->far += far;
	return end;
}

static uint64_t fetch(struct line *line, uint32_t me, enum scale_kind kind)
{
	uint64_t end = cpus[me].now;

	if (kind == SCALE_LOAD) {
		if (reads(line, me))
			return end;
		end = transfer(line, me, false);
		line->owner = 0;
	} else {
		if (line->owner == me + 1)
			return end;
		end = transfer(line, me, true);
		memset(line->readers, 0, sizeof(line->readers));
		line->owner = (uint16_t)(me + 1);
	}
	line->readers[me / 64] |= UINT64_C(1) << me % 64;
	line->from = (uint16_t)(me + 1);
	return end;
}

/* Before the clocks start: who has a line, and nothing else. */
static void own(struct line *line, enum scale_kind kind)
{
	if (kind != SCALE_LOAD)
		memset(line->readers, 0, sizeof(line->readers));
	line->owner = kind == SCALE_LOAD && line->owner != current + 1 ?
			      0 :
			      (uint16_t)(current + 1);
	line->readers[current / 64] |= UINT64_C(1) << current % 64;
	line->from = (uint16_t)(current + 1);
}

void scale_access(const volatile void *word, enum scale_kind kind)
{
	static const uint32_t cost[] = { HIT_PS, STORE_PS, CHANGE_PS };
	struct line *line = line_of(word);
	struct cpu *me = &cpus[current];

	if (line == NULL)
		return;
	if (!running) {
		own(line, kind);
		return;
	}
	me->counts.accesses++;
	me->counts.loads += kind == SCALE_LOAD;
	me->now = fetch(line, current, kind) + cost[kind];
	if (line->free_at < me->now && kind != SCALE_LOAD)
		line->free_at = me->now;
	wait_turn();
}

bool scale_swapped(bool done)
{
	if (running && !done)
		cpus[current].counts.retries++;
	return done;
}

/* ---- locks ---- */

void machine_lock(struct scale_lock *lock)
{
	uint32_t me = current;

	scale_access(lock, SCALE_CHANGE);
	if (!running)
		return;
	if (lock->holder == 0) {
		lock->holder = me + 1;
		return;
	}
	cpus[me].next = 0;
	if (lock->last == 0)
		lock->first = me + 1;
	else
		cpus[lock->last - 1].next = me + 1;
	lock->last = me + 1;
	/* Asleep until it is handed the lock: it spins on a line of its own. */
	switch_from(&cpus[me].context);
}

void machine_unlock(struct scale_lock *lock)
{
	uint32_t next;
	uint64_t then;

	scale_access(lock, SCALE_STORE);
	if (!running)
		return;
	next = lock->first;
	lock->holder = next;
	if (next == 0)
		return;
	lock->first = cpus[next - 1].next;
	if (lock->first == 0)
		lock->last = 0;
	then = cpus[current].now +
	       (machine_node(next - 1) == machine_node(current) ? NEAR_PS :
								  FAR_PS);
	cpus[next - 1].counts.waited_ps += then - cpus[next - 1].now;
	cpus[next - 1].counts.transfers++;
	cpus[next - 1].now = then;
	heap_push(next - 1);
}

/* ---- the rest ---- */

static void *get(size_t count, size_t bytes)
{
	void *memory = calloc(count, bytes);

	if (memory == NULL) {
		fprintf(stderr, "scale: out of memory\n");
		exit(EXIT_FAILURE);
	}
	return memory;
}

void machine_init(uint32_t count, uint32_t nodes, const void *base,
		  size_t bytes)
{
	cpu_count = count;
	node_count = nodes;
	base_line = (uintptr_t)base >> LINE_SHIFT;
	line_count = (bytes >> LINE_SHIFT) + 1;
	lines = get(line_count, sizeof(*lines));
	cpus = get(count, sizeof(*cpus));
	for (uint32_t i = 0; i < count; i++)
		cpus[i].stack = get(1, STACK_BYTES);
	current = 0;
	running = false;
}

void machine_fini(void)
{
	for (uint32_t i = 0; i < cpu_count; i++)
		free(cpus[i].stack);
	free(cpus);
	free(lines);
}

uint32_t machine_cpu(void)
{
	return current;
}

/* In turn, as firmware likes to number them. */
uint32_t machine_node(uint32_t cpu)
{
	return cpu % node_count;
}

uint64_t machine_now(void)
{
	return cpus[current].now;
}

void machine_think(uint64_t ps)
{
	cpus[current].now += ps;
	wait_turn();
}

const struct scale_counts *machine_counts(uint32_t cpu)
{
	return &cpus[cpu].counts;
}

void machine_pretend(uint32_t cpu)
{
	current = cpu;
}
