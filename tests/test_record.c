/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_record.c - the state word of a mapping: R1 to R6 of lib/record.h.
 *
 * One thread only; what two threads do to one record is in tests/stress/.
 */
#include <criterion/criterion.h>

#include "record.h"

#define LEN 1500u
#define TARGET UINT64_C(0x7fee12345678)

static uint64_t make_state(uint64_t generation, uint64_t busy,
			   enum record_state state)
{
	return generation << RECORD_GENERATION_SHIFT |
	       busy << RECORD_BUSY_SHIFT | (uint64_t)state;
}

static uint64_t state_of(const struct bounce_record *record)
{
	return atomic_load_explicit(&record->state, memory_order_relaxed);
}

static void set_state(struct bounce_record *record, uint64_t state)
{
	atomic_store_explicit(&record->state, state, memory_order_relaxed);
}

static uint64_t some_about(void)
{
	const struct record_about about = {
		.len = LEN,
		.offset = 0x123,
		.how = BOUNCE_FROM_DEVICE,
		.kind = RECORD_RUN,
		.queue = 7,
	};

	return record_pack(&about);
}

static uint64_t publish(struct bounce_record *record)
{
	return bounce_record_publish(record, some_about(), TARGET);
}

/* Each call on a handle must be STALE and leave the record as it is. */
static void expect_stale(struct bounce_record *record, uint64_t generation,
			 const char *when)
{
	uint64_t before = state_of(record);
	uint64_t about = 1;
	uint64_t target = 2;

	cr_expect_eq(bounce_record_pin(record, generation), BOUNCE_ERR_STALE,
		     "pin: %s", when);
	cr_expect_eq(bounce_record_end(record, generation, false),
		     BOUNCE_ERR_STALE, "end: %s", when);
	cr_expect_eq(bounce_record_end(record, generation, true),
		     BOUNCE_ERR_STALE, "idle end: %s", when);
	cr_expect_not(bounce_record_peek(record, generation, &about, &target),
		      "peek: %s", when);
	cr_expect_not(bounce_record_same(record, generation), "same: %s", when);
	cr_expect_not(bounce_record_quarantine(record, generation),
		      "quarantine: %s", when);
	cr_expect_eq(state_of(record), before, "changed: %s", when);
}

/* ---- the pure half ---- */

Test(record_pack, every_field_comes_back_at_both_ends_of_its_range)
{
	static const uint32_t lens[] = { 1, 2, LEN, 1u << 23, 1u << 24 };
	static const uint32_t offsets[] = { 0, 1, 0xfff,
					    BOUNCE_CHUNK_BYTES - 1 };
	static const uint16_t queues[] = { 0, 1, 0x8000, 0xffff };

	for (size_t i = 0; i < 5 * 4 * 4 * 16 * 4; i++) {
		const struct record_about in = {
			.len = lens[i % 5],
			.offset = offsets[i / 5 % 4],
			.queue = queues[i / 20 % 4],
			.how = (uint8_t)(i / 80 % 16),
			.kind = (uint8_t)(i / 1280 % 4),
		};
		struct record_about out = record_unpack(record_pack(&in));

		cr_assert_eq(out.len, in.len, "case %zu", i);
		cr_assert_eq(out.offset, in.offset, "case %zu", i);
		cr_assert_eq(out.queue, in.queue, "case %zu", i);
		cr_assert_eq(out.how, in.how, "case %zu", i);
		cr_assert_eq(out.kind, in.kind, "case %zu", i);
	}
}

Test(record_state, generation_and_busy_count_do_not_overlap)
{
	uint64_t full = make_state(RECORD_GENERATION_MAX, RECORD_BUSY_MAX,
				   RECORD_LIVE);

	cr_expect_eq(record_generation(full), RECORD_GENERATION_MAX);
	cr_expect_eq(record_busy(full), RECORD_BUSY_MAX);
	cr_expect_eq(full & RECORD_STATE_MASK, RECORD_LIVE);
	cr_expect_eq(record_busy(make_state(RECORD_GENERATION_MAX, 0,
					    RECORD_STATE_MASK)),
		     0);
	cr_expect_eq(record_generation(
			     make_state(0, RECORD_BUSY_MAX, RECORD_STATE_MASK)),
		     0);
}

Test(record_state, only_live_with_the_same_generation_is_live)
{
	for (enum record_state s = RECORD_FREE; s <= RECORD_QUARANTINE; s++) {
		uint64_t state = make_state(5, RECORD_BUSY_MAX, s);

		cr_expect_eq(record_is_live(state, 5), s == RECORD_LIVE,
			     "state %d", (int)s);
		cr_expect_not(record_is_live(state, 4), "state %d", (int)s);
		cr_expect_not(record_is_live(state, 6), "state %d", (int)s);
		cr_expect_not(record_is_live(state,
					     5 + RECORD_GENERATION_MAX + 1),
			      "beyond 48 bits");
	}
}

/* ---- one mapping's life ---- */

Test(record_publish, makes_it_live_with_the_generation_one_up)
{
	struct bounce_record record = { 0 };

	set_state(&record, make_state(41, 0, RECORD_FREE));
	cr_assert_eq(publish(&record), 42);
	cr_expect_eq(state_of(&record), make_state(42, 0, RECORD_LIVE));
}

Test(record_init, the_first_generation_is_one_above_the_seed)
{
	struct bounce_record record;

	bounce_record_init(&record, 0xabcdef);
	cr_expect_eq(state_of(&record), make_state(0xabcdef, 0, RECORD_FREE));
	cr_expect_eq(publish(&record), 0xabcdf0);
}

Test(record_publish, never_hands_out_generation_zero)
{
	struct bounce_record record;

	bounce_record_init(&record, 0);
	cr_expect_eq(publish(&record), 1,
		     "a handle of zeros would name the first mapping");
}

Test(record_peek, gives_the_fields_that_were_published)
{
	struct bounce_record record = { 0 };
	uint64_t generation = publish(&record);
	uint64_t about = 0;
	uint64_t target = 0;

	cr_assert(bounce_record_peek(&record, generation, &about, &target));
	cr_expect_eq(about, some_about());
	cr_expect_eq(target, TARGET);
	cr_expect_eq(state_of(&record), make_state(generation, 0, RECORD_LIVE),
		     "peek holds nothing");
}

Test(record, handles_of_the_past_and_the_future_are_stale_and_change_nothing)
{
	struct bounce_record record = { 0 };
	uint64_t first;
	uint64_t second;

	expect_stale(&record, 0, "never used");
	first = publish(&record);
	for (unsigned bit = 0; bit < 64; bit++)
		expect_stale(&record, first ^ UINT64_C(1) << bit,
			     "one bit of the generation is wrong");
	cr_assert_eq(bounce_record_end(&record, first, false), BOUNCE_OK);
	expect_stale(&record, first, "dying");
	cr_assert(bounce_record_unpin(&record));
	expect_stale(&record, first, "dying, released");
	cr_assert(bounce_record_retire(&record));
	expect_stale(&record, first, "free");
	second = publish(&record);
	cr_expect_neq(second, first);
	expect_stale(&record, first, "the next mapping of the same run");
	cr_expect_eq(bounce_record_end(&record, second, false), BOUNCE_OK);
}

Test(record_end, the_caller_holds_a_dying_record)
{
	struct bounce_record record = { 0 };
	uint64_t generation = publish(&record);

	cr_assert_eq(bounce_record_end(&record, generation, false), BOUNCE_OK);
	cr_expect_eq(state_of(&record),
		     make_state(generation, 1, RECORD_DYING));
}

Test(record_retire, makes_it_free_with_the_generation_kept)
{
	struct bounce_record record = { 0 };
	uint64_t generation = publish(&record);

	cr_assert_eq(bounce_record_end(&record, generation, false), BOUNCE_OK);
	cr_assert(bounce_record_unpin(&record));
	cr_assert(bounce_record_retire(&record));
	cr_expect_eq(state_of(&record), make_state(generation, 0, RECORD_FREE));
	cr_expect_eq(publish(&record), generation + 1);
}

/* ---- R3: whoever is inside ---- */

Test(record_unpin, of_a_live_record_never_releases)
{
	struct bounce_record record = { 0 };
	uint64_t generation = publish(&record);

	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(bounce_record_pin(&record, generation), BOUNCE_OK);
	cr_expect_eq(state_of(&record), make_state(generation, 3, RECORD_LIVE));
	for (unsigned i = 0; i < 3; i++)
		cr_expect_not(bounce_record_unpin(&record), "unpin %u", i);
	cr_expect_eq(state_of(&record), make_state(generation, 0, RECORD_LIVE));
}

/* Whoever leaves last, exactly one of them is told to release. */
Test(record_unpin, the_last_one_out_of_a_dying_record_releases)
{
	for (unsigned pins = 0; pins <= 5; pins++) {
		struct bounce_record record = { 0 };
		uint64_t generation = publish(&record);

		for (unsigned i = 0; i < pins; i++)
			cr_assert_eq(bounce_record_pin(&record, generation),
				     BOUNCE_OK);
		cr_assert_eq(bounce_record_end(&record, generation, false),
			     BOUNCE_OK);
		cr_expect_eq(state_of(&record),
			     make_state(generation, pins + 1, RECORD_DYING));
		for (unsigned i = 0; i < pins; i++)
			cr_expect_not(bounce_record_unpin(&record), "%u of %u",
				      i, pins);
		cr_expect(bounce_record_unpin(&record), "of %u", pins);
	}
}

Test(record_end, an_idle_end_of_a_held_record_is_busy_and_changes_nothing)
{
	struct bounce_record record = { 0 };
	uint64_t generation = publish(&record);

	cr_assert_eq(bounce_record_pin(&record, generation), BOUNCE_OK);
	cr_expect_eq(bounce_record_end(&record, generation, true),
		     BOUNCE_ERR_BUSY);
	cr_expect_eq(state_of(&record), make_state(generation, 1, RECORD_LIVE));
	cr_expect_not(bounce_record_unpin(&record));
	cr_expect_eq(bounce_record_end(&record, generation, true), BOUNCE_OK);
	cr_expect_eq(state_of(&record),
		     make_state(generation, 1, RECORD_DYING));
}

/* 8191 inside at once, and ending it still cannot overflow the count. */
Test(record_pin, a_full_busy_count_is_busy_and_never_overflows)
{
	struct bounce_record record = { 0 };
	uint64_t generation = publish(&record);
	uint64_t pins = 0;
	uint64_t out = 0;

	while (pins <= RECORD_BUSY_MAX &&
	       bounce_record_pin(&record, generation) == BOUNCE_OK)
		pins++;
	cr_assert_leq(pins, RECORD_BUSY_MAX);
	cr_assert_geq(pins, RECORD_BUSY_MAX - 1);
	cr_expect_eq(bounce_record_pin(&record, generation), BOUNCE_ERR_BUSY);
	cr_expect_eq(state_of(&record),
		     make_state(generation, pins, RECORD_LIVE));

	cr_assert_eq(bounce_record_end(&record, generation, false), BOUNCE_OK);
	cr_expect_eq(record_generation(state_of(&record)), generation);
	cr_expect_eq(state_of(&record) & RECORD_STATE_MASK, RECORD_DYING);
	while (out <= pins && !bounce_record_unpin(&record))
		out++;
	cr_expect_eq(out, pins, "the last of %llu + 1 releases",
		     (unsigned long long)pins);
}

/* ---- R5: the generation ---- */

Test(record_retire, a_generation_that_would_wrap_retires_the_record)
{
	struct bounce_record record = { 0 };

	set_state(&record,
		  make_state(RECORD_GENERATION_MAX - 1, 0, RECORD_FREE));
	cr_assert_eq(publish(&record), RECORD_GENERATION_MAX);
	cr_assert_eq(bounce_record_end(&record, RECORD_GENERATION_MAX, false),
		     BOUNCE_OK);
	cr_assert(bounce_record_unpin(&record));
	cr_expect_not(bounce_record_retire(&record),
		      "its run must not be released");
	cr_expect_eq(state_of(&record) & RECORD_STATE_MASK, RECORD_EXHAUSTED);
	expect_stale(&record, RECORD_GENERATION_MAX, "exhausted");
	expect_stale(&record, 0, "exhausted, generation 0");
}

Test(record_retire, one_generation_before_the_last_is_still_good)
{
	struct bounce_record record = { 0 };

	set_state(&record,
		  make_state(RECORD_GENERATION_MAX - 2, 0, RECORD_FREE));
	cr_assert_eq(publish(&record), RECORD_GENERATION_MAX - 1);
	cr_assert_eq(bounce_record_end(&record, RECORD_GENERATION_MAX - 1,
				       false),
		     BOUNCE_OK);
	cr_assert(bounce_record_unpin(&record));
	cr_expect(bounce_record_retire(&record));
}

/* ---- R6: quarantine ---- */

Test(record_quarantine, ends_the_mapping_and_keeps_its_run)
{
	struct bounce_record record = { 0 };
	uint64_t generation = publish(&record);

	cr_assert(bounce_record_quarantine(&record, generation));
	cr_expect_eq(state_of(&record),
		     make_state(generation, 0, RECORD_QUARANTINE));
	expect_stale(&record, generation, "in quarantine");
	cr_expect_eq(bounce_record_live(&record), 0);
}

/* Whoever was inside when it ended leaves, and must not release. */
Test(record_quarantine, whoever_leaves_it_never_releases)
{
	struct bounce_record record = { 0 };
	uint64_t generation = publish(&record);

	cr_assert_eq(bounce_record_pin(&record, generation), BOUNCE_OK);
	cr_assert_eq(bounce_record_pin(&record, generation), BOUNCE_OK);
	cr_assert(bounce_record_quarantine(&record, generation));
	for (unsigned i = 0; i < 2; i++) {
		cr_expect_eq(bounce_record_reclaim(&record), BOUNCE_ERR_BUSY);
		cr_expect_not(bounce_record_unpin(&record), "unpin %u", i);
	}
	cr_expect_eq(state_of(&record),
		     make_state(generation, 0, RECORD_QUARANTINE));
	cr_expect_eq(bounce_record_reclaim(&record), BOUNCE_OK);
}

Test(record_reclaim, takes_it_out_of_quarantine_once)
{
	struct bounce_record record = { 0 };
	uint64_t generation = publish(&record);

	cr_assert(bounce_record_quarantine(&record, generation));
	cr_assert_eq(bounce_record_reclaim(&record), BOUNCE_OK);
	cr_expect_eq(state_of(&record),
		     make_state(generation, 1, RECORD_DYING));
	cr_expect_eq(bounce_record_reclaim(&record), BOUNCE_ERR_STALE);
	cr_expect(bounce_record_unpin(&record));
	cr_expect(bounce_record_retire(&record));
	cr_expect_eq(publish(&record), generation + 1);
}

Test(record_reclaim, of_anything_else_is_stale_and_changes_nothing)
{
	for (enum record_state s = RECORD_FREE; s < RECORD_QUARANTINE; s++) {
		struct bounce_record record = { 0 };
		uint64_t before = make_state(9, s == RECORD_DYING, s);

		set_state(&record, before);
		cr_expect_eq(bounce_record_reclaim(&record), BOUNCE_ERR_STALE,
			     "state %d", (int)s);
		cr_expect_eq(state_of(&record), before, "state %d", (int)s);
	}
}

/* ---- looking ---- */

Test(record_live, tells_the_generation_of_live_records_only)
{
	for (enum record_state s = RECORD_FREE; s <= RECORD_QUARANTINE; s++) {
		struct bounce_record record = { 0 };

		set_state(&record, make_state(9, 3, s));
		cr_expect_eq(bounce_record_live(&record),
			     s == RECORD_LIVE ? 9 : 0, "state %d", (int)s);
	}
}

/* Somebody going in or out is no other mapping. */
Test(record_same, is_true_while_the_mapping_lives)
{
	struct bounce_record record = { 0 };
	uint64_t generation = publish(&record);

	cr_expect(bounce_record_same(&record, generation));
	cr_assert_eq(bounce_record_pin(&record, generation), BOUNCE_OK);
	cr_expect(bounce_record_same(&record, generation));
	cr_expect_not(bounce_record_unpin(&record));
	cr_assert_eq(bounce_record_end(&record, generation, false), BOUNCE_OK);
	cr_expect_not(bounce_record_same(&record, generation));
}
