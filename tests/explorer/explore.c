/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * explore.c - the search: every choice of every run, depth first, by running
 * from the start again. See explorer.h.
 *
 *   E1  path[] holds the choices of the run that is under way, as far as they
 *       had an alternative; the next run takes the last one's next alternative.
 *   E2  What a run does is a function of its choices alone: kept memory is put
 *       back before each, and threads have no other.
 *   E3  Where the path ends, new ground begins: a state there that is known is
 *       not gone into (X2).
 */
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "races.h"
#include "regions.h"
#include "search.h"

#define STACK (256u << 10)
#define CHOICES 65536u
#define STEPS 20000u /* of one run: it does not end */

struct choice {
	uint16_t count;
	uint16_t taken;
};

enum thread_state {
	WAITS,
	ENDED,
	FROZEN
};

struct runner {
	jmp_buf start; /* at the bottom of its stack */
	jmp_buf at; /* before its next shared access */
	bool begun;
	enum thread_state state;
};

static const struct scenario *what;
static struct runner runner[EXPLORER_THREADS];
static unsigned threads;
static unsigned current; /* the thread that runs, while `inside` */
static bool inside;
static jmp_buf scheduler;

/* Why a run came back to the scheduler. */
enum verdict {
	GOES_ON,
	WRONG,
	KNOWN_STATE
};
static enum verdict verdict;
/* The run has shown what runs before it did not reckon with (X3). */
static bool news;
static const char *wrong;

static struct choice path[CHOICES];
static uint32_t depth;
static uint32_t taken;
static uint32_t steps;
static unsigned spurious;
static unsigned stale;

/* ---- states that were seen: a set of numbers, 0 is none ---- */

static uint64_t *seen;
static uint64_t seen_size;
static uint64_t seen_count;

static bool seen_put(uint64_t *set, uint64_t size, uint64_t state)
{
	uint64_t slot = state * UINT64_C(0x9e3779b97f4a7c15) >> 20;

	for (;; slot++) {
		uint64_t *entry = &set[slot & (size - 1)];

		if (*entry == state)
			return false;
		if (*entry == 0) {
			*entry = state;
			return true;
		}
	}
}

static void *must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

static void seen_grow(void)
{
	uint64_t size = seen_size == 0 ? 65536 : seen_size * 2;
	uint64_t *set = must(calloc(size, sizeof(*set)));

	for (uint64_t i = 0; i < seen_size; i++)
		if (seen[i] != 0)
			seen_put(set, size, seen[i]);
	free(seen);
	seen = set;
	seen_size = size;
}

/* Is the state new? */
static bool seen_add(uint64_t state)
{
	if (seen_count * 2 >= seen_size)
		seen_grow();
	if (!seen_put(seen, seen_size, state | 1))
		return false;
	seen_count++;
	return true;
}

static void seen_clear(void)
{
	free(seen);
	seen = NULL;
	seen_size = seen_count = 0;
}

/* ---- choices (E1) ---- */

static unsigned choose(unsigned count)
{
	if (count <= 1)
		return 0;
	if (taken == depth) {
		if (depth == CHOICES)
			abort();
		path[depth++] = (struct choice) { (uint16_t)count, 0 };
	}
	return path[taken++].taken;
}

/* Which of the stores that an access may see, the newest first. */
static unsigned choose_store(unsigned count)
{
	unsigned pick;

	if (what->stale != 0 && stale == what->stale)
		return 0;
	pick = choose(count);
	stale += pick != 0;
	return pick;
}

static bool next_path(void)
{
	while (depth > 0 && path[depth - 1].taken + 1 == path[depth - 1].count)
		depth--;
	if (depth == 0)
		return false;
	path[depth - 1].taken++;
	return true;
}

/* ---- threads ---- */

static unsigned thread_now(void)
{
	return current;
}

static _Noreturn void leave(enum verdict why)
{
	verdict = why;
	inside = false;
	_longjmp(scheduler, 1);
}

void explorer_wrong(const char *sentence)
{
	wrong = sentence;
	leave(WRONG);
}

/* Go on with a thread until it stands before its next shared access. */
static void go_on(unsigned thread)
{
	struct runner *r = &runner[thread];

	current = thread;
	if (_setjmp(scheduler) != 0)
		return;
	inside = true;
	if (r->begun)
		_longjmp(r->at, 1);
	r->begun = true;
	_longjmp(r->start, 1);
}

/* A thread stands before a shared access. */
static void stop_here(void)
{
	if (++steps > STEPS)
		explorer_wrong("a thread does not end");
	if (_setjmp(runner[current].at) == 0)
		leave(GOES_ON);
}

static void bottom(int thread)
{
	(void)_setjmp(runner[thread].start);
	if (inside) {
		what->thread[current]();
		runner[current].state = ENDED;
		leave(GOES_ON);
	}
	/* The first time: only the place is wanted. */
	_longjmp(scheduler, 1);
}

static void make_threads(void)
{
	static unsigned char *stack[EXPLORER_THREADS];
	static ucontext_t context;

	for (unsigned i = 0; i < EXPLORER_THREADS; i++) {
		if (stack[i] == NULL)
			stack[i] = must(malloc(STACK));
		getcontext(&context);
		context.uc_stack.ss_sp = stack[i];
		context.uc_stack.ss_size = STACK;
		context.uc_link = NULL;
		makecontext(&context, (void (*)(void))bottom, 1, (int)i);
		inside = false;
		if (_setjmp(scheduler) == 0)
			setcontext(&context);
	}
}

/* A trap or a wild pointer is something wrong like any other. */
static void on_fault(int number)
{
	if (!inside)
		_exit(128 + number);
	explorer_wrong(number == SIGSEGV ? "a wild pointer" : "a trap");
}

static void catch_faults(void)
{
	static unsigned char stack[65536];
	const stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_handler = on_fault,
				    .sa_flags = SA_ONSTACK | SA_NODEFER };

	sigaltstack(&other, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	sigaction(SIGTRAP, &action, NULL);
}

/* ---- one run ---- */

struct turn {
	unsigned last; /* who went last, or EXPLORER_THREADS */
	unsigned switches; /* away from one that could go on */
	unsigned frozen; /* bits */
};

static bool waits(unsigned thread)
{
	return thread < threads && runner[thread].state == WAITS;
}

/* Who may be next: the last one first. */
static unsigned candidates(const struct turn *turn, unsigned *list)
{
	unsigned count = 0;

	if (waits(turn->last))
		list[count++] = turn->last;
	if (count != 0 && what->switches != 0 &&
	    turn->switches == what->switches)
		return count;
	for (unsigned i = 0; i < threads; i++)
		if (i != turn->last && waits(i))
			list[count++] = i;
	return count;
}

/* And who may stop for ever here instead. */
static unsigned freezable(const struct turn *turn, unsigned *list)
{
	unsigned count = 0;

	for (unsigned i = 0; turn->frozen == 0 && i < threads; i++)
		if (waits(i) && (what->freeze >> i & 1) != 0)
			list[count++] = i;
	return count;
}

static bool is_known(const struct turn *turn)
{
	uint64_t state = memory_state() + turn->frozen * UINT64_C(0x9e3779b9) +
			 spurious * UINT64_C(0x85ebca6b);

	if (what->stale != 0)
		state += stale * UINT64_C(0x27d4eb2f165667c5);

	if (what->switches != 0)
		state += (turn->last + 1 + 8 * turn->switches) *
			 UINT64_C(0xc2b2ae3d27d4eb4f);
	return !seen_add(state);
}

/* One step of one thread; false when there is none left. */
static bool step(struct turn *turn)
{
	unsigned list[2 * EXPLORER_THREADS];
	unsigned count = candidates(turn, list);
	unsigned stops;
	unsigned pick;

	if (count == 0)
		return false;
	if (taken == depth && is_known(turn)) {
		verdict = KNOWN_STATE;
		return false;
	}
	if (what->states != 0 && seen_count > what->states) {
		wrong = "more states than it may have: give it bounds";
		verdict = WRONG;
		return false;
	}
	stops = freezable(turn, &list[count]);
	pick = choose(count + stops);
	if (pick >= count) {
		runner[list[pick]].state = FROZEN;
		turn->frozen |= 1u << list[pick];
		return true;
	}
	if (waits(turn->last) && list[pick] != turn->last)
		turn->switches++;
	turn->last = list[pick];
	go_on(turn->last);
	return verdict == GOES_ON;
}

static void check(unsigned frozen)
{
	if (what->check == NULL)
		return;
	if (_setjmp(scheduler) == 0)
		what->check(frozen);
}

static void run(void)
{
	struct turn turn = { .last = EXPLORER_THREADS };

	regions_restore();
	memory_reset();
	races_reset();
	taken = steps = 0;
	spurious = stale = 0;
	verdict = GOES_ON;
	news = false;
	for (unsigned i = 0; i < threads; i++) {
		runner[i].begun = false;
		runner[i].state = WAITS;
	}
	/* Up to the first shared access of each: nobody sees that. */
	for (unsigned i = 0; i < threads && verdict == GOES_ON; i++)
		go_on(i);
	while (verdict == GOES_ON && step(&turn))
		;
	if (verdict == GOES_ON)
		check(turn.frozen);
}

/* ---- all runs ---- */

struct explored explore(const struct scenario *scenario)
{
	struct explored result = { 0 };
	static bool ready;

	if (!ready)
		catch_faults();
	ready = true;
	what = scenario;
	memory_host = (struct memory_host) { choose_store, thread_now };
	for (threads = 0;
	     threads < EXPLORER_THREADS && scenario->thread[threads] != NULL;
	     threads++)
		;
	make_threads();
	memory_forget();
	races_forget();
	regions_forget();
	scenario->setup();
	regions_save();
	depth = 0;
	do {
		run();
		result.runs++;
		if (steps > result.steps)
			result.steps = steps;
		if (news) {
			depth = 0;
			result.runs = 0;
			seen_clear();
		}
	} while (news || (verdict != WRONG && next_path()));
	result.wrong = verdict == WRONG ? wrong : NULL;
	result.states = seen_count;
	result.places = memory_places();
	seen_clear();
	regions_restore();
	return result;
}

/* ---- accesses ---- */

/* The place of an access in a thread that others share, or NULL. */
static struct place *shared(struct explorer_site *site, const volatile void *p,
			    size_t size, bool writes)
{
	struct place *place;
	bool again = false;

	if (!inside)
		return NULL;
	place = memory_place(p, size, writes, &again);
	news = news || again;
	if (place != NULL) {
		site->touched = true;
		stop_here();
	} else if (writes && (what->freeze >> current & 1) != 0) {
		/* Nobody sees it, but it may be where the thread stops. */
		stop_here();
		memory_step();
	}
	return place;
}

static uint64_t peek(const volatile void *p, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, (const void *)(uintptr_t)p, size);
	return value;
}

static void poke(volatile void *p, size_t size, uint64_t value)
{
	memcpy((void *)(uintptr_t)p, &value, size);
}

uint64_t explorer_load(struct explorer_site *site, const volatile void *p,
		       size_t size)
{
	struct place *place = shared(site, p, size, false);

	return place == NULL ? peek(p, size) : memory_load(place, site->order);
}

void explorer_store(struct explorer_site *site, volatile void *p, size_t size,
		    uint64_t value)
{
	struct place *place = shared(site, p, size, true);

	if (place == NULL)
		poke(p, size, value);
	else
		memory_store(place, value, site->order);
}

uint64_t explorer_change(struct explorer_site *site, volatile void *p,
			 size_t size, uint64_t value)
{
	struct place *place = shared(site, p, size, true);
	uint64_t was;

	if (place != NULL)
		return memory_change(place, site, value);
	was = peek(p, size);
	poke(p, size, memory_applied(site->access, was, value));
	return was;
}

static bool swap(const struct explorer_site *site, struct place *place,
		 volatile void *p, size_t size, uint64_t *old)
{
	uint64_t value = old[1];
	uint64_t was;

	if (place != NULL)
		return memory_swap(place, site, old, value);
	was = peek(p, size);
	if (was != (*old & memory_bits(size))) {
		*old = was;
		return false;
	}
	poke(p, size, value);
	return true;
}

bool explorer_swap(struct explorer_site *site, volatile void *p, size_t size,
		   uint64_t *old, uint64_t value)
{
	uint64_t both[2] = { *old, value };
	bool done = swap(site, shared(site, p, size, true), p, size, both);

	*old = both[0];
	return done;
}

bool explorer_swap_weak(struct explorer_site *site, volatile void *p,
			size_t size, uint64_t *old, uint64_t value)
{
	struct place *place = shared(site, p, size, true);
	uint64_t both[2] = { *old, value };
	bool done;

	if (place != NULL && spurious < what->spurious && choose(2) == 1 &&
	    memory_spurious(place, *old, site->failure)) {
		spurious++;
		return false;
	}
	done = swap(site, place, p, size, both);
	*old = both[0];
	return done;
}

void explorer_fence(struct explorer_site *site)
{
	if (!inside)
		return;
	site->touched = true;
	stop_here();
	memory_fence(site->order);
}

void explorer_plain(const void *p, size_t len, bool writes)
{
	const char *race = NULL;
	enum race_word word;
	unsigned shift;

	if (!inside || !regions_find(p, &shift))
		return;
	word = races_access(p, len, shift, writes, &race);
	if (word == RACE_FOUND)
		explorer_wrong(race);
	news = news || word == RACE_AGAIN;
}
