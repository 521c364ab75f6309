/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * memory.c - atomics under RC11, as views; see memory.h.
 *
 *   N1  The stores to a place stand in modification order, with a number that
 *       grows along it; numbers leave room, so that a store can come between.
 *   N2  Nothing comes between an exchange and the store that it saw.
 *   N3  A thread sees no store before the one that its view names.
 *   N4  Real memory holds the last store of each place.
 */
#include "memory.h"

#include <string.h>

#define KNOWN 16384u /* atomics that a scenario touches; a power of two */
#define GAP 256

struct store {
	uint64_t value;
	uint64_t id; /* who made it, as his how-manieth */
	int16_t at; /* N1 */
	bool chained; /* N2: to the one before */
	struct view view; /* what an acquire gets from it */
};

struct place {
	volatile void *memory;
	size_t size;
	uint32_t index;
	uint32_t count;
	uint64_t sum; /* of the order of its stores */
	struct store store[STORES];
};

/* What is known of an atomic from all runs: who touches it (X3). */
struct known {
	const volatile void *memory;
	uint8_t readers;
	uint8_t writers;
	struct place *place;
};

static struct place place[PLACES];
static uint32_t places;
static struct known known[KNOWN];

/* The threads of a run. */
static struct view current[EXPLORER_THREADS];
static struct view fetched[EXPLORER_THREADS]; /* for an acquire fence */
static struct view fenced[EXPLORER_THREADS]; /* by the last release fence */
static struct view common; /* of seq_cst */
static uint64_t history[EXPLORER_THREADS];
static uint64_t made[EXPLORER_THREADS];
static uint64_t order_sum; /* of all places */
static uint64_t common_sum;

struct memory_host memory_host;

/* splitmix64's last step (Steele, Lea, Flood 2014), of two numbers. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t z = (a + 1) * UINT64_C(0x9e3779b97f4a7c15) + b;

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void join(struct view *a, const struct view *b)
{
	for (unsigned i = 0; i < PLACES; i++)
		a->at[i] = b->at[i] > a->at[i] ? b->at[i] : a->at[i];
	for (unsigned i = 0; i < EXPLORER_THREADS; i++)
		if (b->clock[i] > a->clock[i])
			a->clock[i] = b->clock[i];
}

static bool acquires(int order)
{
	return order == memory_order_acquire || order == memory_order_acq_rel ||
	       order == memory_order_seq_cst;
}

static bool releases(int order)
{
	return order == memory_order_release || order == memory_order_acq_rel ||
	       order == memory_order_seq_cst;
}

uint64_t memory_bits(size_t size)
{
	return size == 8 ? UINT64_MAX : (UINT64_C(1) << size * 8) - 1;
}

/* Little-endian, as the explorer's host is. */
static uint64_t peek(const volatile void *memory, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, (const void *)(uintptr_t)memory, size);
	return value;
}

/* ---- places ---- */

void memory_forget(void)
{
	memset(known, 0, sizeof(known));
	places = 0;
}

uint32_t memory_places(void)
{
	return places;
}

static struct known *find_known(const volatile void *memory)
{
	uint64_t slot = mix((uintptr_t)memory, 0);

	for (;; slot++) {
		struct known *k = &known[slot % KNOWN];

		if (k->memory == NULL)
			k->memory = memory;
		if (k->memory == memory)
			return k;
	}
}

struct place *memory_place(const volatile void *memory, size_t size,
			   bool writes, bool *again)
{
	struct known *k = find_known(memory);
	unsigned me = 1u << memory_host.thread();
	unsigned all;

	if (k->place != NULL)
		return k->place->count != 0 ? k->place : NULL;
	k->readers |= me;
	k->writers |= writes ? me : 0;
	all = k->readers | k->writers;
	if (k->writers == 0 || (all & (all - 1)) == 0)
		return NULL;
	*again = true;
	if (places == PLACES) {
		explorer_wrong("too many shared atomics");
		return NULL;
	}
	k->place = &place[places];
	k->place->index = places++;
	k->place->count = 0; /* until the next run begins */
	k->place->memory = (volatile void *)(uintptr_t)memory;
	k->place->size = size;
	return NULL;
}

void memory_reset(void)
{
	memset(current, 0, sizeof(current));
	memset(fetched, 0, sizeof(fetched));
	memset(fenced, 0, sizeof(fenced));
	memset(&common, 0, sizeof(common));
	memset(history, 0, sizeof(history));
	memset(made, 0, sizeof(made));
	order_sum = common_sum = 0;
	for (uint32_t i = 0; i < places; i++) {
		place[i].count = 1;
		place[i].sum = 0;
		place[i].store[0].value = peek(place[i].memory, place[i].size);
		place[i].store[0].id = 0;
		place[i].store[0].at = 0;
		place[i].store[0].chained = false;
		memset(&place[i].store[0].view, 0, sizeof(struct view));
	}
}

uint64_t memory_state(void)
{
	uint64_t state = mix(order_sum, common_sum);

	for (unsigned i = 0; i < EXPLORER_THREADS; i++)
		state = mix(state, history[i]);
	return state;
}

/* ---- what a thread sees, and where it stores ---- */

static unsigned me(void)
{
	return memory_host.thread();
}

/* N3. A seq_cst access sees no store before the last seq_cst one. */
static int16_t floor_of(const struct place *p, int order)
{
	int16_t own = current[me()].at[p->index];
	int16_t all = common.at[p->index];

	return order == memory_order_seq_cst && all > own ? all : own;
}

static void told(const struct place *p, uint64_t what)
{
	history[me()] = mix(mix(history[me()], p->index), what);
}

static uint64_t see(struct place *p, const struct store *s, int order)
{
	struct view *mine = &current[me()];

	if (mine->at[p->index] < s->at)
		mine->at[p->index] = s->at;
	join(acquires(order) ? mine : &fetched[me()], &s->view);
	told(p, s->id);
	return s->value;
}

/* One of the stores at the indices in @list, the newest first. */
static struct store *choose(struct place *p, const uint8_t *list,
			    unsigned count)
{
	return &p->store[list[memory_host.choose(count)]];
}

static void sum_order(struct place *p)
{
	uint64_t sum = p->index + 1;

	for (uint32_t i = 0; i < p->count; i++)
		sum = mix(sum, p->store[i].id);
	order_sum ^= p->sum ^ sum;
	p->sum = sum;
}

/* A free entry behind store @index, with its number. */
static struct store *insert(struct place *p, uint32_t index)
{
	struct store *s = &p->store[index + 1];
	int16_t before = p->store[index].at;

	if (p->count == STORES) {
		explorer_wrong("too many stores to one atomic");
		return NULL;
	}
	if (index + 1 == p->count) {
		s->at = (int16_t)(before + GAP);
	} else {
		int16_t at = (int16_t)((before + s->at) / 2);

		if (at == before)
			explorer_wrong("no room in a modification order");
		memmove(s + 1, s, (p->count - index - 1) * sizeof(*s));
		s->at = at;
	}
	p->count++;
	return s;
}

static void write_back(const struct place *p)
{
	const uint64_t value = p->store[p->count - 1].value;

	memcpy((void *)(uintptr_t)p->memory, &value, p->size);
}

/* A store behind @index; @seen: of an exchange, what it saw. */
static void put(struct place *p, uint32_t index, uint64_t value, int order,
		bool exchange)
{
	struct view *mine = &current[me()];
	struct store *s = insert(p, index);
	const struct store *seen = &p->store[index];

	s->value = value & memory_bits(p->size);
	s->id = mix(me() + 1, ++made[me()]);
	s->chained = exchange;
	mine->at[p->index] = s->at;
	mine->clock[me()]++;
	s->view = releases(order) ? *mine : fenced[me()];
	s->view.at[p->index] = s->at;
	if (exchange) /* it goes on with the release sequence */
		join(&s->view, &seen->view);
	if (order == memory_order_seq_cst) {
		if (common.at[p->index] < s->at)
			common.at[p->index] = s->at;
		common_sum = mix(common_sum, s->id);
	}
	sum_order(p);
	write_back(p);
}

static bool has_follower(const struct place *p, uint32_t index)
{
	return index + 1 < p->count && p->store[index + 1].chained;
}

void memory_step(void)
{
	history[me()] = mix(history[me()], 2);
}

/* ---- accesses ---- */

uint64_t memory_load(struct place *p, int order)
{
	int16_t least = floor_of(p, order);
	uint8_t list[STORES];
	unsigned count = 0;

	for (uint32_t i = p->count; i-- > 0 && p->store[i].at >= least;)
		list[count++] = (uint8_t)i;
	if (order == memory_order_seq_cst)
		common_sum = mix(common_sum, mix(me() + 1, p->index));
	return see(p, choose(p, list, count), order);
}

void memory_store(struct place *p, uint64_t value, int order)
{
	int16_t least = floor_of(p, order);
	uint8_t list[STORES];
	unsigned count = 0;
	uint32_t index;

	for (uint32_t i = p->count; i-- > 0 && p->store[i].at >= least;)
		if (!has_follower(p, i))
			list[count++] = (uint8_t)i;
	index = (uint32_t)(choose(p, list, count) - p->store);
	put(p, index, value, order, false);
	told(p, 1);
}

uint64_t memory_applied(enum explorer_access access, uint64_t a, uint64_t b)
{
	switch (access) {
	case EXPLORER_AND:
		return a & b;
	case EXPLORER_OR:
		return a | b;
	case EXPLORER_ADD:
		return a + b;
	default:
		return b;
	}
}

uint64_t memory_change(struct place *p, const struct explorer_site *site,
		       uint64_t value)
{
	int16_t least = floor_of(p, site->order);
	uint8_t list[STORES];
	unsigned count = 0;
	uint64_t was;
	uint32_t index;

	for (uint32_t i = p->count; i-- > 0 && p->store[i].at >= least;)
		if (!has_follower(p, i))
			list[count++] = (uint8_t)i;
	index = (uint32_t)(choose(p, list, count) - p->store);
	was = see(p, &p->store[index], site->order);
	put(p, index, memory_applied(site->access, was, value), site->order,
	    true);
	return was;
}

/* What an exchange may see: a store with another value, by the order of
 * failure; or one with this value that nothing is chained to. */
static unsigned swap_list(const struct place *p,
			  const struct explorer_site *site, uint64_t old,
			  uint8_t *list)
{
	int16_t least = floor_of(p, site->order);
	int16_t lost = floor_of(p, site->failure);
	unsigned count = 0;

	for (uint32_t i = p->count; i-- > 0;) {
		const struct store *s = &p->store[i];
		bool fits = s->value == old;

		if (fits ? s->at >= least && !has_follower(p, i) :
			   s->at >= lost)
			list[count++] = (uint8_t)i;
	}
	return count;
}

bool memory_swap(struct place *p, const struct explorer_site *site,
		 uint64_t *old, uint64_t value)
{
	uint64_t want = *old & memory_bits(p->size);
	uint8_t list[STORES];
	unsigned count = swap_list(p, site, want, list);
	uint32_t index = (uint32_t)(choose(p, list, count) - p->store);

	if (p->store[index].value != want) {
		*old = see(p, &p->store[index], site->failure);
		told(p, 2);
		return false;
	}
	see(p, &p->store[index], site->order);
	put(p, index, value, site->order, true);
	return true;
}

bool memory_spurious(struct place *p, uint64_t value, int order)
{
	const struct store *last = &p->store[p->count - 1];

	if (last->value != (value & memory_bits(p->size)))
		return false;
	see(p, last, order);
	told(p, 3);
	return true;
}

void memory_fence(int order)
{
	struct view *mine = &current[me()];

	if (acquires(order))
		join(mine, &fetched[me()]);
	if (order == memory_order_seq_cst) {
		join(mine, &common);
		join(&common, mine);
		common_sum = mix(common_sum, mix(me() + 1, PLACES));
	}
	if (releases(order)) {
		mine->clock[me()]++;
		fenced[me()] = *mine;
	}
	history[me()] = mix(history[me()], (uint64_t)order + 4);
}

const uint16_t *memory_clocks(unsigned thread)
{
	return current[thread].clock;
}
