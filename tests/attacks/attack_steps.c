/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * attack_steps.c - E01 to E08: another CPU between any two atomic steps of a
 * call; race.h. Each suite is an attack of docs/threats.md.
 */
#include "race.h"

/* ---- E01, E02: who has a slot ---- */

static void one_of_two(struct stage *stage)
{
	cr_expect((stage->victim == BOUNCE_OK) !=
			  (stage->intruder == BOUNCE_OK),
		  "%d and %d", stage->victim, stage->intruder);
	if (stage->victim == BOUNCE_OK)
		unmap_ok(stage->bench.queue[0], &stage->mine, 0);
	if (stage->intruder == BOUNCE_OK)
		unmap_ok(stage->bench.queue[1], &stage->other, 0);
	end_held(stage);
	expect_all_free(stage);
}

Test(e01, of_two_claimers_of_the_last_slot_exactly_one_gets_it)
{
	run(&(struct race) { set_up_full, map_mine, map_other, one_of_two, SLOT,
			     1, false });
}

/* The pool is full; device 1's slot is all OTHER_BYTE. */
static void set_up_hand_off(struct stage *stage)
{
	set_up_full(stage);
	map_other(stage);
	cr_assert_eq(stage->intruder, BOUNCE_OK);
}

static void unmap_other(struct stage *stage)
{
	stage->intruder = bounce_unmap(stage->bench.queue[1], &stage->other, 0);
}

static void receive_mine(struct stage *stage)
{
	struct bounce_buf buf = mine_buf(stage);

	stage->victim = bounce_map(stage->bench.queue[0], &buf,
				   BOUNCE_FROM_DEVICE, &stage->mine);
	if (stage->victim == BOUNCE_OK)
		stage->seen = !all_bytes_are(
			bench_at_bus(&stage->bench, stage->mine.bus, SLOT), 0,
			SLOT);
}

static void clean_or_full(struct stage *stage)
{
	cr_expect_not(stage->seen, "another owner's bytes");
	cr_expect(stage->victim == BOUNCE_OK ||
		  stage->victim == BOUNCE_ERR_FULL ||
		  stage->victim == BOUNCE_ERR_FRAGMENTED);
	cr_expect_eq(stage->intruder, BOUNCE_OK);
	if (stage->victim == BOUNCE_OK)
		unmap_ok(stage->bench.queue[0], &stage->mine, 0);
	end_held(stage);
	expect_all_free(stage);
}

Test(e02, a_slot_that_changes_hands_between_two_steps_is_handed_over_clean)
{
	run(&(struct race) { set_up_hand_off, receive_mine, unmap_other,
			     clean_or_full, SLOT, 1, false });
	run(&(struct race) { set_up_hand_off, unmap_other, receive_mine,
			     clean_or_full, SLOT, 1, false });
}

/* ---- E03 to E05: ends of a mapping ---- */

static void ended_once(struct stage *stage)
{
	cr_expect((stage->victim == BOUNCE_OK &&
		   stage->intruder == BOUNCE_ERR_STALE) ||
			  (stage->victim == BOUNCE_ERR_STALE &&
			   stage->intruder == BOUNCE_OK),
		  "%d and %d", stage->victim, stage->intruder);
	cr_expect(all_bytes_are(bench_private(&stage->bench, 0), DEVICE_BYTE,
				stage->len));
	expect_all_free(stage);
}

Test(e03, of_two_unmaps_at_once_exactly_one_ends_the_mapping)
{
	at_each_length((struct race) { set_up_mine, unmap_mine, unmap_mine_too,
				       ended_once, 0, 1, false });
}

static void sync_and_again(struct stage *stage)
{
	stage->intruder = bounce_sync_for_cpu(stage->bench.queue[0],
					      &stage->mine, 0, stage->len);
}

/* Whoever came first: what is not ended, is in quarantine, and comes back. */
static void revoked(struct stage *stage)
{
	cr_expect(stage->victim == BOUNCE_OK ||
			  stage->victim == BOUNCE_ERR_STALE,
		  "%d", stage->victim);
	expect_own_bytes(stage);
	cr_expect_eq(bounce_unmap(stage->bench.queue[0], &stage->mine, 1),
		     BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_device_quiesced(stage->bench.device[0]), BOUNCE_OK);
	expect_all_free(stage);
}

Test(e04, a_reset_in_the_middle_of_an_unmap_ends_it_once)
{
	at_each_length((struct race) { set_up_mine, unmap_mine, revoke_mine,
				       revoked, 0, 1, false });
	at_each_length((struct race) { set_up_mine, revoke_mine, unmap_mine,
				       revoked, 0, 1, false });
}

Test(e04, a_reset_in_the_middle_of_a_map_leaves_no_mapping)
{
	at_each_length((struct race) { NULL, map_mine, revoke_mine, revoked, 0,
				       1, false });
}

/* The run may be wanted at once by another owner. */
static void unmap_and_map_other(struct stage *stage)
{
	unmap_mine_too(stage);
	cr_expect_eq(stage->intruder, BOUNCE_OK);
	map_other(stage);
}

static void synced(struct stage *stage)
{
	cr_expect(stage->victim == BOUNCE_OK ||
		  stage->victim == BOUNCE_ERR_STALE);
	expect_own_bytes(stage);
	if (stage->intruder == BOUNCE_OK)
		unmap_ok(stage->bench.queue[1], &stage->other, 0);
	expect_all_free(stage);
}

Test(e05, a_sync_under_an_unmap_copies_no_byte_of_the_runs_next_owner)
{
	at_each_length((struct race) { set_up_mine, sync_mine,
				       unmap_and_map_other, synced, 0, 1,
				       false });
}

static void unmapped_under_sync(struct stage *stage)
{
	cr_expect_eq(stage->victim, BOUNCE_OK);
	cr_expect(stage->intruder == BOUNCE_OK ||
		  stage->intruder == BOUNCE_ERR_STALE);
	expect_own_bytes(stage);
	expect_all_free(stage);
}

Test(e05, a_sync_inside_an_unmap_is_done_or_stale)
{
	at_each_length((struct race) { set_up_mine, unmap_mine, sync_and_again,
				       unmapped_under_sync, 0, 1, false });
}

/* ---- E06: the end of a pool ---- */

static void retire(struct stage *stage)
{
	stage->intruder = bench_retire(&stage->bench, 0);
}

/* A mapping was made in a slab that is there, or not at all. */
static void retired(struct stage *stage)
{
	uint64_t gpa = stage->mine.bus.v;

	if (stage->victim == BOUNCE_OK) {
		cr_expect_eq(stage->intruder, BOUNCE_ERR_BUSY);
		for (uint64_t at = 0; at < stage->len; at += SLOT)
			cr_expect(fake_machine_is_shared(&stage->bench.machine,
							 gpa + at));
		unmap_ok(stage->bench.queue[0], &stage->mine, 0);
	} else if (stage->intruder == BOUNCE_OK) {
		cr_expect_eq(fake_machine_shared_bytes(&stage->bench.machine),
			     0);
	} else {
		/* Each saw the other: both may say no. */
		cr_expect_eq(stage->intruder, BOUNCE_ERR_BUSY);
	}
	cr_expect(bounce_valid(stage->bench.bounce));
}

Test(e06, a_pool_that_is_torn_down_under_a_map_has_the_mapping_or_the_slab)
{
	at_each_length(
		(struct race) { NULL, map_mine, retire, retired, 0, 1, false });
	at_each_length(
		(struct race) { NULL, retire, map_mine, retired, 0, 1, false });
}

/* ---- E07, E08 ---- */

static void look_at_stats(struct stage *stage)
{
	struct bounce_pool_stats stats;

	bounce_pool_stats(stage->bench.pool, &stats);
	cr_expect_leq(stats.slots_free, stats.slots);
	cr_expect_leq(stats.chunks_in_use, stats.chunks);
	cr_expect_leq(stats.blocks_free, 2);
	cr_expect_leq(stats.chunks_high_water, stats.chunks);
	cr_expect_eq(stats.lost_bytes, 0);
}

static void unmap_if_there(struct stage *stage)
{
	if (bounce_mapping_valid(stage->bench.queue[0], &stage->mine))
		unmap_ok(stage->bench.queue[0], &stage->mine, 0);
	expect_all_free(stage);
}

Test(e07, no_number_is_ever_below_zero_or_above_what_there_is)
{
	at_each_length((struct race) { NULL, map_mine, look_at_stats,
				       unmap_if_there, 0, 1, false });
	at_each_length((struct race) { set_up_mine, unmap_mine, look_at_stats,
				       unmap_if_there, 0, 1, false });
}

static void apart(struct stage *stage)
{
	cr_expect_eq(stage->intruder, BOUNCE_OK, "there is room for both");
	if (stage->victim == BOUNCE_OK)
		cr_expect_not(bounce_overlaps(stage->mine.bus.v,
					      bounce_round_up(stage->len, 4095),
					      stage->other.bus.v, SLOT));
	else /* it saw the intruder's move: a snapshot */
		cr_expect(stage->victim == BOUNCE_ERR_FULL ||
			  stage->victim == BOUNCE_ERR_FRAGMENTED);
	if (stage->victim == BOUNCE_OK)
		unmap_ok(stage->bench.queue[0], &stage->mine, 0);
	unmap_ok(stage->bench.queue[1], &stage->other, 0);
	expect_all_free(stage);
}

Test(e08, a_claim_of_many_slots_or_chunks_takes_none_that_another_has)
{
	for (uint64_t slots = 2; slots < 190; slots += slots < 8 ? 1 : 61)
		run(&(struct race) { NULL, map_mine, map_other, apart,
				     slots * SLOT, 4, false });
}
