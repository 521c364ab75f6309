/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * records.c - mappings: who ends one, who is inside while it ends, who looks it
 * up, and what the next one in its place is taken for (R1 to R5).
 */
#include "groups.h"
#include "stand.h"

#define RELAXED memory_order_relaxed

enum {
	SHORT = 100,
	LONG = 300
}; /* bytes of mappings, in one slot each */

static const struct stand_knobs one_device = {
	.devices = 1,
	.queues = 3,
	.direct = 1,
};

static enum bounce_err map(unsigned thread, uint64_t len, uint32_t how)
{
	struct bounce_buf buf = stand_buf(thread, len);

	return bounce_map(stand.queue[thread], &buf, how,
			  &stand.mapping[thread]);
}

static enum bounce_err unmap(unsigned thread, unsigned whose)
{
	return bounce_unmap(stand.queue[thread], &stand.mapping[whose], SHORT);
}

static void map_and_unmap(unsigned thread, uint64_t len)
{
	if (map(thread, len, BOUNCE_FROM_DEVICE) != BOUNCE_OK)
		return;
	explorer_check(unmap(thread, thread) == BOUNCE_OK);
}

static void map_and_unmap_2(void)
{
	map_and_unmap(2, LONG);
}

/* A mapping of thread 0's buffer, whose handle others have, too. */
static void make(const struct stand_knobs *knobs)
{
	stand_make(knobs);
	explorer_check(map(0, SHORT, BOUNCE_BIDIRECTIONAL) == BOUNCE_OK);
	/* So that the next mapping looks in the same chunk first. */
	for (unsigned i = 1; i < 3; i++)
		stand.queue[i]->hint = stand.queue[0]->hint;
}

static void setup_mapped(void)
{
	make(&one_device);
}

static void end(unsigned thread)
{
	enum bounce_err err = unmap(thread, 0);

	explorer_check(err == BOUNCE_OK || err == BOUNCE_ERR_STALE);
	stand.seen[thread] = err == BOUNCE_OK;
}

static void end_0(void)
{
	end(0);
}

static void end_1(void)
{
	end(1);
}

static void ended_once(unsigned frozen)
{
	(void)frozen;
	explorer_check(stand.seen[0] + stand.seen[1] == 1);
	explorer_check(!bounce_device_has(stand.device[0], 1u << RECORD_LIVE));
	explorer_check(bounce_valid(stand.bounce));
}

static const struct control of_an_end[] = {
	{ "tree_release", EXPLORER_AND, 0, RELAXED },
	{ "tree_claim", EXPLORER_SWAP, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

/* ---- a handle that is passed on without any order ---- */

static _Atomic uint64_t passed[4]; /* bus, key, record and length; is there */

static void setup_unmapped(void)
{
	stand_make(&one_device);
	memset(passed, 0, sizeof(passed));
	explorer_keep(passed, sizeof(passed));
}

static void map_and_pass_0(void)
{
	const struct bounce_mapping *m = &stand.mapping[0];

	if (map(0, SHORT, BOUNCE_BIDIRECTIONAL) != BOUNCE_OK)
		return;
	atomic_store_explicit(&passed[0], m->bus.v, memory_order_relaxed);
	atomic_store_explicit(&passed[1], m->key, memory_order_relaxed);
	atomic_store_explicit(&passed[2], (uint64_t)m->len << 32 | m->record,
			      memory_order_relaxed);
}

static bool take_passed(struct bounce_mapping *m)
{
	uint64_t last = atomic_load_explicit(&passed[2], memory_order_relaxed);

	m->bus.v = atomic_load_explicit(&passed[0], memory_order_relaxed);
	m->key = atomic_load_explicit(&passed[1], memory_order_relaxed);
	m->record = (uint32_t)last;
	m->len = (uint32_t)(last >> 32);
	m->reserved = 0;
	return last != 0;
}

static void sync_passed_1(void)
{
	struct bounce_mapping m;
	enum bounce_err err;

	if (!take_passed(&m))
		return;
	err = bounce_sync_for_device(stand.queue[1], &m, 0, SHORT);
	explorer_check(err == BOUNCE_OK || err == BOUNCE_ERR_STALE);
}

static void end_passed_1(void)
{
	struct bounce_mapping m;
	enum bounce_err err;

	if (!take_passed(&m))
		return;
	err = bounce_unmap(stand.queue[1], &m, SHORT);
	explorer_check(err == BOUNCE_OK || err == BOUNCE_ERR_STALE);
}

static void is_valid(unsigned frozen)
{
	(void)frozen;
	explorer_check(bounce_valid(stand.bounce));
}

/* Each of peek and pin gives the order alone; see memory-order.md. */
static const struct control of_a_publish[] = {
	{ "bounce_record_publish", EXPLORER_STORE, 2, RELAXED },
	{ NULL, 0, 0, 0 },
};

/* ---- sync against the end ---- */

/* Nothing comes back: the buffer is being read. */
static void end_without_bytes_0(void)
{
	stand.seen[0] = bounce_unmap(stand.queue[0], &stand.mapping[0], 0) ==
			BOUNCE_OK;
}

static void sync_1(void)
{
	enum bounce_err err = bounce_sync_for_device(
		stand.queue[1], &stand.mapping[0], 0, SHORT);

	explorer_check(err == BOUNCE_OK || err == BOUNCE_ERR_STALE);
}

static void ended_by_0(unsigned frozen)
{
	(void)frozen;
	explorer_check(stand.seen[0] == 1);
	explorer_check(!bounce_device_has(stand.device[0], 1u << RECORD_LIVE));
	explorer_check(bounce_valid(stand.bounce));
}

static const struct control of_a_sync[] = {
	{ "bounce_record_unpin", EXPLORER_LOAD, 0, RELAXED },
	{ "bounce_record_unpin", EXPLORER_ADD, 0, RELAXED },
	{ "bounce_record_unpin", EXPLORER_ADD, 0, memory_order_acquire },
	{ "bounce_record_unpin", EXPLORER_ADD, 0, memory_order_release },
	{ NULL, 0, 0, 0 },
};

/* ---- look-up by address ---- */

/* End the mapping and make a longer one in its place. */
static void end_and_map_longer_0(void)
{
	end(0);
	if (map(0, LONG, BOUNCE_BIDIRECTIONAL) == BOUNCE_OK)
		stand.seen[2] = 1;
}

static void find_1(void)
{
	const struct bounce_mapping first = stand.mapping[0];
	const uint64_t generation = first.key & RECORD_GENERATION_MAX;
	struct bounce_mapping m;
	uint32_t len;

	if (bounce_mapping_find(stand.queue[1], first.bus, &m) != BOUNCE_OK)
		return;
	len = (m.key & RECORD_GENERATION_MAX) == generation ? SHORT : LONG;
	explorer_check(m.record != first.record || m.len == len);
}

static const struct control of_a_look_up[] = {
	{ "bounce_record_publish", EXPLORER_STORE, 0, RELAXED },
	{ "bounce_record_same", EXPLORER_FENCE, 0, RELAXED },
	{ "bounce_record_peek", EXPLORER_LOAD, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

/* ---- the direct table ---- */

#define PAGE BOUNCE_SLOT_BYTES

static void setup_direct(void)
{
	struct stand_knobs knobs = one_device;

	knobs.protection = BOUNCE_PROTECTION_NO;
	stand_make(&knobs);
}

static void map_direct(unsigned thread)
{
	if (map(thread, PAGE, BOUNCE_BIDIRECTIONAL) != BOUNCE_OK)
		return;
	explorer_check(unmap(thread, thread) == BOUNCE_OK);
}

/* A page of thread 0's buffer, whose handle thread 1 has, too. */
static void setup_first_page(void)
{
	setup_direct();
	explorer_check(map(0, PAGE, BOUNCE_BIDIRECTIONAL) == BOUNCE_OK);
}

/* End it and map the second page in its place. */
static void end_and_map_second_page_0(void)
{
	struct bounce_buf buf = stand_buf(0, PAGE);
	struct bounce_mapping second;

	end(0);
	buf.gpa.v += PAGE;
	(void)bounce_map(stand.queue[0], &buf, BOUNCE_BIDIRECTIONAL, &second);
}

/* The mapping of the first page is nowhere in the second. */
static void find_second_page_1(void)
{
	const struct bounce_mapping first = stand.mapping[0];
	struct bounce_mapping m;

	if (bounce_mapping_find(stand.queue[1],
				(bounce_bus_t) { first.bus.v + PAGE },
				&m) == BOUNCE_OK)
		explorer_check(m.key != first.key);
}

static const struct control of_a_direct_look_up[] = {
	{ "bounce_record_publish", EXPLORER_STORE, 1, RELAXED },
	{ "bounce_record_same", EXPLORER_FENCE, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

static void map_direct_0(void)
{
	map_direct(0);
}

static void map_direct_1(void)
{
	map_direct(1);
}

static const struct control of_the_direct_table[] = {
	{ "bounce_direct_take", EXPLORER_SWAP, 0, RELAXED },
	{ "bounce_direct_give", EXPLORER_AND, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

/* ---- what stays with born-shared memory (R7 to R9) ---- */

enum {
	MEMORIES = 3
};

static struct memory {
	struct bounce_buf buf;
	struct bounce_mapping handle;
} memory[MEMORIES];

/* @count of them, and @direct records; the first one keeps one. */
static void make_memories(uint32_t direct, unsigned count)
{
	struct stand_knobs knobs = one_device;
	struct bounce_mapping m;

	knobs.direct = direct;
	stand_make(&knobs);
	memset(memory, 0, sizeof(memory));
	for (unsigned i = 0; i < count; i++)
		explorer_check(bounce_alloc(stand.queue[0], 4096, 0, 0,
					    &memory[i].buf,
					    &memory[i].handle) == BOUNCE_OK);
	explorer_check(bounce_map(stand.queue[0], &memory[0].buf,
				  BOUNCE_TO_DEVICE, &m) == BOUNCE_OK);
	explorer_check(bounce_unmap(stand.queue[0], &m, 0) == BOUNCE_OK);
	explorer_keep(memory, sizeof(memory));
}

static void setup_one_memory(void)
{
	make_memories(2, 1);
}

static void setup_scarce(void)
{
	make_memories(1, MEMORIES);
}

static void map_memory(unsigned thread, unsigned which)
{
	struct bounce_mapping *m = &stand.mapping[thread];
	enum bounce_err err = bounce_map(
		stand.queue[thread], &memory[which].buf, BOUNCE_TO_DEVICE, m);

	if (err == BOUNCE_OK) {
		explorer_check(bounce_mapping_valid(stand.queue[0],
						    &memory[which].handle));
		explorer_check(bounce_unmap(stand.queue[thread], m, 0) ==
			       BOUNCE_OK);
	} else {
		/* It was freed, or every record is in use. */
		explorer_check(err == BOUNCE_ERR_ARG || err == BOUNCE_ERR_FULL);
	}
}

static void map_memory_0(void)
{
	map_memory(0, 0);
}

static void map_memory_1(void)
{
	map_memory(1, 0);
}

static void free_memory_2(void)
{
	enum bounce_err err = bounce_free(stand.queue[2], &memory[0].handle);

	explorer_check(err == BOUNCE_OK || err == BOUNCE_ERR_BUSY);
}

static void map_second_1(void)
{
	map_memory(1, 1);
}

static void map_third_2(void)
{
	map_memory(2, 2);
}

/* Each memory is held by what it names, and by nothing else. */
static void each_holds_its_own(unsigned frozen)
{
	const struct bounce *bounce = stand.bounce;
	unsigned kept = 0;

	(void)frozen;
	for (unsigned i = 0; i < MEMORIES; i++) {
		const struct bounce_mapping *m = &memory[i].handle;
		const struct bounce_record *home = &bounce->record[m->record];
		uint64_t named = atomic_load_explicit(&home->target,
						      memory_order_relaxed);

		if (m->len == 0 || !bounce_mapping_valid(stand.queue[0], m))
			continue;
		explorer_check(bounce_record_holds(home) == (named != 0));
		if (named == 0)
			continue;
		kept++;
		explorer_check((uint32_t)atomic_load_explicit(
				       &bounce->record[named - 1].target,
				       memory_order_relaxed) == m->record);
	}
	explorer_check(bounce_count(atomic_load_explicit(
			       &bounce->direct_busy[0].bits,
			       memory_order_relaxed)) == kept);
	explorer_check(bounce_valid(bounce));
}

static const struct control of_what_is_kept[] = {
	{ "bounce_record_take", EXPLORER_SWAP, 0, RELAXED },
	{ "bounce_record_put", EXPLORER_STORE, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

const struct scenario records_scenarios[] = {
	{ .name = "of two who end a mapping one does",
	  .setup = setup_mapped,
	  .thread = { end_0, end_1 },
	  .check = ended_once },
	{ .name = "of two who end a mapping one does, while its run is mapped",
	  .setup = setup_mapped,
	  .thread = { end_0, end_1, map_and_unmap_2 },
	  .check = ended_once,
	  .switches = 2,
	  .stale = 2,
	  .controls = of_an_end },
	{ .name = "who was told of a mapping finds it whole, and syncs it",
	  .setup = setup_unmapped,
	  .thread = { map_and_pass_0, sync_passed_1 },
	  .check = is_valid,
	  .controls = of_a_publish },
	{ .name = "who was told of a mapping finds it whole, and ends it",
	  .setup = setup_unmapped,
	  .thread = { map_and_pass_0, end_passed_1 },
	  .check = is_valid,
	  .controls = of_a_publish },
	{ .name = "the last one out of a mapping releases it",
	  .setup = setup_mapped,
	  .thread = { end_without_bytes_0, sync_1, map_and_unmap_2 },
	  .check = ended_by_0,
	  .switches = 2,
	  .stale = 2,
	  .controls = of_a_sync },
	{ .name = "who looks a mapping up by its address finds one, and whole",
	  .setup = setup_mapped,
	  .thread = { end_and_map_longer_0, find_1 },
	  .check = is_valid,
	  .stale = 4,
	  .controls = of_a_look_up },
	{ .name = "who looks up a mapping without a run finds its own address",
	  .setup = setup_first_page,
	  .thread = { end_and_map_second_page_0, find_second_page_1 },
	  .check = is_valid,
	  .stale = 4,
	  .controls = of_a_direct_look_up },
	{ .name = "a record without a run is free before it is taken",
	  .setup = setup_direct,
	  .thread = { map_direct_0, map_direct_1 },
	  .check = is_valid,
	  .controls = of_the_direct_table },
	{ .name = "memory is not freed under a mapping in it",
	  .setup = setup_one_memory,
	  .thread = { map_memory_0, free_memory_2 },
	  .check = each_holds_its_own },
	{ .name = "memory is not freed under two mappings in it",
	  .setup = setup_one_memory,
	  .thread = { map_memory_0, map_memory_1, free_memory_2 },
	  .check = each_holds_its_own,
	  .switches = 2,
	  .stale = 2 },
	{ .name = "what one memory keeps another may have",
	  .setup = setup_scarce,
	  .thread = { map_memory_0, map_second_1, map_third_2 },
	  .check = each_holds_its_own,
	  .switches = 3,
	  .stale = 2,
	  .controls = of_what_is_kept },
	{ .name = NULL },
};
