/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * slabs.c - slabs come and go while others claim and look: growth, retirement,
 * growth of the same range again, growers that meet (P5, P6, G1 to G3).
 */
#include "groups.h"
#include "stand.h"
#include "tree.h"

#define RELAXED memory_order_relaxed

static struct bounce_slab *slab(void)
{
	return &stand.bounce->slab[0];
}

/* ---- growth ---- */

static void setup_no_slab(void)
{
	stand_make(&(struct stand_knobs) { .slabs = 1 });
}

static void grow_0(void)
{
	explorer_check(bounce_pool_grow(stand.pool, stand_slab(0),
					stand_slab_bytes()) == BOUNCE_OK);
}

static void cycle_1(void)
{
	stand_cycle(1, 1);
}

static void cycle_2(void)
{
	stand_cycle(2, 1);
}

/* Look where a gpa lies. */
static void find_2(void)
{
	struct bounce_slab *found = bounce_pool_find(stand.bounce,
						     stand_slab(0));

	explorer_check(found == NULL || found == slab());
}

static void ask_2(void)
{
	struct bounce_pool_stats stats;

	bounce_pool_stats(stand.pool, &stats);
}

static void all_are_free(unsigned frozen)
{
	(void)frozen;
	bounce_tree_seal_all(slab());
	explorer_check(slab()->free_chunks == slab()->all_chunks);
	explorer_check(bounce_valid(stand.bounce));
}

static const struct control of_growth[] = {
	{ "open_slab", EXPLORER_STORE, 0, RELAXED },
	{ "bounce_slab_bus", EXPLORER_LOAD, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

static const struct control of_a_look[] = {
	{ "open_slab", EXPLORER_STORE, 0, RELAXED },
	{ "bounce_pool_find", EXPLORER_LOAD, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

static const struct control of_stats[] = {
	{ "put_back", EXPLORER_STORE, 0, RELAXED },
	{ "bounce_pool_stats", EXPLORER_LOAD, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

/* ---- retirement, and the same range again ---- */

/* Thread 0 has a slot of the only chunk. */
static void setup_last_slot(void)
{
	stand_make(&(struct stand_knobs) { 0 });
	stand_claim(0, 1);
}

static void use_and_release_0(void)
{
	stand_use(0);
	stand_release(0);
}

static void use_release_and_seal_0(void)
{
	use_and_release_0();
	bounce_tree_seal_all(slab());
}

static void retire_and_regrow_1(void)
{
	enum bounce_err err = bounce_pool_retire(stand.pool, stand_slab(0));

	explorer_check(err == BOUNCE_OK || err == BOUNCE_ERR_BUSY);
	stand.seen[1] = err == BOUNCE_OK;
	if (err == BOUNCE_OK)
		explorer_check(bounce_pool_grow(stand.pool, stand_slab(0),
						stand_slab_bytes()) ==
			       BOUNCE_OK);
}

static void stale_try_2(void)
{
	int bit = tree_claim(&slab()->chunk[0].bits, 1, UINT64_MAX);

	if (bit < 0)
		return;
	stand.run[2] = (struct bounce_run) {
		.slot = (uint32_t)bit,
		.slots = 1,
		.block = NO_BLOCK,
	};
	/* Nobody's while the slab is private. */
	explorer_check(stand.shared[0] == 1);
	stand_use(2);
	tree_release(&slab()->chunk[0].bits, (unsigned)bit, 1);
}

static const struct control of_retirement[] = {
	{ "seal", EXPLORER_SWAP, 0, RELAXED },
	{ "tree_release", EXPLORER_AND, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

static const struct control of_a_withdrawal[] = {
	{ "bounce_pool_withdraw", EXPLORER_SWAP, 0, RELAXED },
	{ "seal", EXPLORER_SWAP, 0, RELAXED },
	{ "put_chunks", EXPLORER_OR, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

static const struct control of_regrowth[] = {
	{ "bounce_pool_publish", EXPLORER_STORE, 0, RELAXED },
	{ "bounce_tree_take", EXPLORER_SWAP, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

/* ---- a device's first mapping, which asks how far it reaches ---- */

static void setup_device(void)
{
	stand_make(
		&(struct stand_knobs) { .slabs = 2, .grown = 1, .devices = 1 });
}

static void grow_second_0(void)
{
	explorer_check(bounce_pool_grow(stand.pool, stand_slab(1),
					stand_slab_bytes()) == BOUNCE_OK);
}

static void map_1(void)
{
	struct bounce_buf buf = stand_buf(1, 4096);

	explorer_check(bounce_map(stand.queue[0], &buf, BOUNCE_TO_DEVICE,
				  &stand.mapping[1]) == BOUNCE_OK);
}

static const struct control of_reach[] = {
	{ "reach", EXPLORER_LOAD, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

/* ---- growers that meet ---- */

static void setup_two_indices(void)
{
	stand_make(&(struct stand_knobs) { .slabs = 2 });
}

/* The monitor sees when a page is shared twice. */
static void grow_same(unsigned thread)
{
	enum bounce_err err = bounce_pool_grow(stand.pool, stand_slab(0),
					       stand_slab_bytes());

	explorer_check(err == BOUNCE_OK || err == BOUNCE_ERR_ARG);
	stand.seen[thread] = err == BOUNCE_OK;
}

static void grow_same_0(void)
{
	grow_same(0);
}

static void grow_same_1(void)
{
	grow_same(1);
}

static void at_most_one(unsigned frozen)
{
	(void)frozen;
	explorer_check(stand.seen[0] + stand.seen[1] <= 1);
	explorer_check(stand.shared[0] == stand.seen[0] + stand.seen[1]);
	explorer_check(bounce_valid(stand.bounce));
}

static const struct control of_growers[] = {
	{ "announce", EXPLORER_STORE, 0, memory_order_release },
	{ "is_taken", EXPLORER_LOAD, 0, memory_order_acquire },
	{ NULL, 0, 0, 0 },
};

/* Who comes later takes what the other gives up. */
static void grow_any(unsigned thread)
{
	enum bounce_err err = bounce_pool_grow(stand.pool, stand_slab(0),
					       stand_slab_bytes());

	explorer_check(err != BOUNCE_ERR_LOST);
	stand.seen[thread] = err == BOUNCE_OK;
}

/* BUSY: another grower has just announced the same range. */
static void grow_and_retire_0(void)
{
	enum bounce_err err;

	grow_any(0);
	if (stand.seen[0] == 0)
		return;
	err = bounce_pool_retire(stand.pool, stand_slab(0));
	explorer_check(err == BOUNCE_OK || err == BOUNCE_ERR_BUSY);
	stand.seen[0] = err != BOUNCE_OK;
}

static void grow_any_0(void)
{
	grow_any(0);
}

static void grow_any_1(void)
{
	grow_any(1);
}

static void truth_is_known(unsigned frozen)
{
	(void)frozen;
	explorer_check(stand.shared[0] == stand.seen[0] + stand.seen[1]);
	explorer_check(bounce_valid(stand.bounce));
}

static const struct control of_an_index[] = {
	{ "put_back", EXPLORER_STORE, 0, RELAXED },
	{ "is_retired_as", EXPLORER_LOAD, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

static const struct control of_a_range[] = {
	{ "settle", EXPLORER_STORE, 0, RELAXED },
	{ "is_taken", EXPLORER_LOAD, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

/* The monitor refuses whoever asks first. */
static void setup_refusal(void)
{
	setup_no_slab();
	stand.refused = 1;
}

static const struct control of_a_failure[] = {
	{ "hold", EXPLORER_SWAP, 0, RELAXED },
	{ "put_back", EXPLORER_STORE, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

const struct scenario slabs_scenarios[] = {
	{ .name = "a slab grows while another CPU claims from it",
	  .setup = setup_no_slab,
	  .thread = { grow_0, cycle_1 },
	  .check = all_are_free,
	  .controls = of_growth },
	{ .name = "a slab grows while another CPU looks for an address",
	  .setup = setup_no_slab,
	  .thread = { grow_0, find_2 },
	  .check = all_are_free,
	  .controls = of_a_look },
	{ .name = "a slab grows while another CPU asks for statistics",
	  .setup = setup_no_slab,
	  .thread = { grow_0, ask_2 },
	  .check = all_are_free,
	  .controls = of_stats },
	{ .name = "a slab grows while a device is bound",
	  .setup = setup_device,
	  .thread = { grow_second_0, map_1 },
	  .controls = of_reach },
	{ .name = "a slab is retired when its last owner is through",
	  .setup = setup_last_slot,
	  .thread = { use_and_release_0, retire_and_regrow_1 },
	  .check = all_are_free,
	  .controls = of_retirement },
	{ .name = "a slab is retired that another CPU has sealed",
	  .setup = setup_last_slot,
	  .thread = { use_release_and_seal_0, retire_and_regrow_1 },
	  .check = all_are_free,
	  .controls = of_a_withdrawal },
	{ .name = "a slab grows again under a stale try",
	  .setup = setup_last_slot,
	  .thread = { use_and_release_0, retire_and_regrow_1, stale_try_2 },
	  .check = all_are_free,
	  .switches = 3 },
	{ .name = "a slab grows again while another CPU claims from it",
	  .setup = setup_last_slot,
	  .thread = { use_and_release_0, retire_and_regrow_1, cycle_2 },
	  .check = all_are_free,
	  .switches = 2,
	  .controls = of_regrowth },
	{ .name = "two growers of one range never share it twice",
	  .setup = setup_two_indices,
	  .thread = { grow_same_0, grow_same_1 },
	  .check = at_most_one,
	  .switches = 2,
	  .controls = of_growers },
	{ .name = "an index goes from hand to hand with all that was done",
	  .setup = setup_no_slab,
	  .thread = { grow_and_retire_0, grow_any_1 },
	  .check = truth_is_known,
	  .switches = 2,
	  .controls = of_an_index },
	{ .name = "a range is free when its last scrub is over",
	  .setup = setup_two_indices,
	  .thread = { grow_and_retire_0, grow_any_1 },
	  .check = truth_is_known,
	  .switches = 2,
	  .controls = of_a_range },
	{ .name = "an index is free again after a growth that failed",
	  .setup = setup_refusal,
	  .thread = { grow_any_0, grow_any_1 },
	  .check = truth_is_known,
	  .switches = 2,
	  .controls = of_a_failure },
	{ .name = NULL },
};
