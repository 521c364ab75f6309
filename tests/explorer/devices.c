/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * devices.c - what changes under mappers: verdicts and epochs, buses that are
 * numbered anew, devices that are revoked (D1, C3, R6, V1).
 *
 * "A map that starts after the call returned" is one that happens after it: its
 * thread has seen a flag that the caller sets then, by release and acquire.
 */
#include "groups.h"
#include "stand.h"

#define RELAXED memory_order_relaxed

static _Atomic uint32_t returned;

static void make(const struct stand_knobs *knobs)
{
	stand_make(knobs);
	returned = 0;
	explorer_keep(&returned, sizeof(returned));
}

static void has_returned(void)
{
	atomic_store_explicit(&returned, 1, memory_order_release);
}

static bool starts_after(void)
{
	return atomic_load_explicit(&returned, memory_order_acquire) == 1;
}

static enum bounce_err map(unsigned thread)
{
	struct bounce_buf buf = stand_buf(thread, 4096);

	return bounce_map(stand.queue[thread], &buf, BOUNCE_TO_DEVICE,
			  &stand.mapping[thread]);
}

static bool is_bounced(unsigned thread)
{
	return stand.mapping[thread].bus.v != stand_buf(thread, 4096).gpa.v;
}

/* ---- the guest becomes protected: DIRECT before, BOUNCE after ---- */

static const struct stand_knobs one_device = {
	.devices = 1,
	.queues = 3,
	.direct = 4,
	.protection = BOUNCE_PROTECTION_NO,
};

static void setup_open(void)
{
	make(&one_device);
}

static void protect_0(void)
{
	stand.protection = BOUNCE_PROTECTION_YES;
	bounce_epoch_advance(stand.bounce);
	has_returned();
}

static void map_in_epoch(unsigned thread)
{
	bool after = starts_after();

	if (map(thread) == BOUNCE_OK)
		explorer_check(!after || is_bounced(thread));
}

static void map_in_epoch_1(void)
{
	map_in_epoch(1);
}

static void map_in_epoch_2(void)
{
	map_in_epoch(2);
}

/* Whatever the mappers have bound, it is not kept. */
static void next_is_bounced(unsigned frozen)
{
	(void)frozen;
	explorer_check(map(0) == BOUNCE_OK && is_bounced(0));
	explorer_check(bounce_valid(stand.bounce));
}

static const struct control of_an_epoch[] = {
	{ "bounce_epoch_advance", EXPLORER_ADD, 0, RELAXED },
	{ "bounce_device_bind", EXPLORER_LOAD, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

/* ---- FEATURES_OK did not stick: refused from then on ---- */

static void setup_bounced(void)
{
	struct stand_knobs knobs = one_device;

	knobs.protection = BOUNCE_PROTECTION_YES;
	make(&knobs);
}

static void reject_0(void)
{
	bounce_device_features_rejected(stand.device[0]);
	has_returned();
}

static void map_rejected(unsigned thread)
{
	bool after = starts_after();
	enum bounce_err err = map(thread);

	/* Before, it may also be told FULL: the other opens the only chunk. */
	explorer_check(err == BOUNCE_ERR_REFUSED || !after);
}

static void map_rejected_1(void)
{
	map_rejected(1);
}

static void map_rejected_2(void)
{
	map_rejected(2);
}

static void next_is_refused(unsigned frozen)
{
	(void)frozen;
	explorer_check(map(0) == BOUNCE_ERR_REFUSED);
	explorer_check(bounce_valid(stand.bounce));
}

static const struct control of_a_rejection[] = {
	{ "unbind", EXPLORER_STORE, 0, RELAXED },
	{ "bounce_device_bind", EXPLORER_LOAD, 1, RELAXED },
	{ NULL, 0, 0, 0 },
};

/* ---- a bus is numbered anew ---- */

static struct bounce_function *bridge;

/* The device's function is behind a bridge, as bus 1. */
static void setup_numbered(void)
{
	struct stand_knobs knobs = one_device;
	struct bounce_function *function;
	struct bounce_function_info info = {
		.kind = BOUNCE_FUNCTION_PORT,
		.devfn = 8,
		.secondary = 1,
		.subordinate = 1,
	};

	knobs.protection = BOUNCE_PROTECTION_YES;
	knobs.functions = 2;
	make(&knobs);
	explorer_check(bounce_function_add(stand.bounce, &info, &bridge) ==
		       BOUNCE_OK);
	info = (struct bounce_function_info) {
		.kind = BOUNCE_FUNCTION_ENDPOINT,
		.parent = bridge,
	};
	explorer_check(bounce_function_add(stand.bounce, &info, &function) ==
		       BOUNCE_OK);
	stand_attach(function);
}

/* The bus loses its number: the device has no requester ID until it has one. */
static void renumber_0(void)
{
	bounce_device_stop(stand.device[0]);
	explorer_check(bounce_topology_change(bridge) == BOUNCE_OK);
	explorer_check(bounce_topology_number(bridge, 0, 0) == BOUNCE_OK);
	explorer_check(bounce_topology_settle(stand.bounce) == BOUNCE_OK);
	has_returned();
}

/* ---- revoke ---- */

static void setup_revoke(void)
{
	setup_bounced();
}

static void map_0(void)
{
	enum bounce_err err = map(0);

	explorer_check(err == BOUNCE_OK || err == BOUNCE_ERR_STALE);
	stand.seen[0] = err == BOUNCE_OK;
}

static void revoke_1(void)
{
	bounce_device_revoke(stand.device[0]);
}

/* Whatever it has left behind is in quarantine, and goes with quiesced. */
static void none_is_live(unsigned frozen)
{
	(void)frozen;
	explorer_check(!bounce_device_has(stand.device[0], 1u << RECORD_LIVE));
	if (stand.seen[0] == 1)
		explorer_check(bounce_unmap(stand.queue[0], &stand.mapping[0],
					    0) == BOUNCE_ERR_STALE);
	explorer_check(bounce_device_quiesced(stand.device[0]) == BOUNCE_OK);
	explorer_check(
		!bounce_device_has(stand.device[0], 1u << RECORD_QUARANTINE));
	explorer_check(bounce_valid(stand.bounce));
}

static const struct control of_a_revoke[] = {
	{ "queue_count", EXPLORER_ADD, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

/* A mapping of thread 0's; another device's thread waits for its run. */
static void setup_revoked_mapping(void)
{
	make(&(struct stand_knobs) { .devices = 2, .queues = 2 });
	explorer_check(map(0) == BOUNCE_OK);
	stand.queue[2]->hint = stand.queue[0]->hint;
}

static void sync_0(void)
{
	enum bounce_err err = bounce_sync_for_device(stand.queue[0],
						     &stand.mapping[0], 0, 64);

	explorer_check(err == BOUNCE_OK || err == BOUNCE_ERR_STALE);
}

static void revoke_and_quiesce_1(void)
{
	enum bounce_err err;

	bounce_device_revoke(stand.device[0]);
	err = bounce_device_quiesced(stand.device[0]);
	explorer_check(err == BOUNCE_OK || err == BOUNCE_ERR_BUSY);
}

static void map_and_unmap_2(void)
{
	if (map(2) == BOUNCE_OK)
		explorer_check(bounce_unmap(stand.queue[2], &stand.mapping[2],
					    0) == BOUNCE_OK);
}

static void quarantine_ends(unsigned frozen)
{
	(void)frozen;
	if (bounce_device_has(stand.device[0], 1u << RECORD_QUARANTINE))
		explorer_check(bounce_device_quiesced(stand.device[0]) ==
			       BOUNCE_OK);
	explorer_check(!bounce_device_has(
		stand.device[0], 1u << RECORD_LIVE | 1u << RECORD_DYING |
					 1u << RECORD_QUARANTINE));
	explorer_check(bounce_valid(stand.bounce));
}

static const struct control of_a_quarantine[] = {
	{ "bounce_record_unpin", EXPLORER_ADD, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

/* Three CPUs: one maps, where a shorter mapping was; two revoke, and one of
 * them hears that the device is quiet. */
static void setup_shorter(void)
{
	struct stand_knobs knobs = one_device;

	/* A revoke looks at each queue. */
	knobs.queues = 1;
	knobs.protection = BOUNCE_PROTECTION_YES;
	make(&knobs);
	explorer_check(map(0) == BOUNCE_OK);
	explorer_check(bounce_unmap(stand.queue[0], &stand.mapping[0], 0) ==
		       BOUNCE_OK);
	stand.seen[3] = (uint32_t)stand_free();
}

static void map_two_slots_0(void)
{
	struct bounce_buf buf = stand_buf(0, 8192);
	enum bounce_err err = bounce_map(stand.queue[0], &buf, BOUNCE_TO_DEVICE,
					 &stand.mapping[0]);

	explorer_check(err == BOUNCE_OK || err == BOUNCE_ERR_STALE);
}

static void revoke_and_quiesce_2(void)
{
	bounce_device_revoke(stand.device[0]);
	(void)bounce_device_quiesced(stand.device[0]);
}

static void all_is_released(unsigned frozen)
{
	/* The other revoke may have come after all that. */
	bounce_device_revoke(stand.device[0]);
	quarantine_ends(frozen);
	explorer_check(stand_free() == stand.seen[3]);
}

static const struct control of_a_release[] = {
	{ "let_go", EXPLORER_LOAD, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

const struct scenario devices_scenarios[] = {
	{ .name = "no map after an epoch goes by what held before",
	  .setup = setup_open,
	  .thread = { protect_0, map_in_epoch_1 },
	  .switches = 3,
	  .stale = 3,
	  .check = next_is_bounced },
	{ .name = "two mappers leave no old verdict beside a new epoch",
	  .setup = setup_open,
	  .thread = { protect_0, map_in_epoch_1, map_in_epoch_2 },
	  .check = next_is_bounced,
	  .switches = 2,
	  .stale = 2 },
	{ .name = "no map after a rejection goes by what held before",
	  .setup = setup_bounced,
	  .thread = { reject_0, map_rejected_1 },
	  .switches = 3,
	  .stale = 3,
	  .check = next_is_refused,
	  .controls = of_a_rejection },
	{ .name = "two mappers leave no old verdict after a rejection",
	  .setup = setup_bounced,
	  .thread = { reject_0, map_rejected_1, map_rejected_2 },
	  .check = next_is_refused,
	  .switches = 2,
	  .stale = 2 },
	{ .name = "no map after a renumbering uses an old binding",
	  .setup = setup_numbered,
	  .thread = { renumber_0, map_rejected_1 },
	  .switches = 3,
	  .stale = 3,
	  .check = next_is_refused,
	  .controls = of_an_epoch },
	{ .name = "two mappers keep no old binding after a renumbering",
	  .setup = setup_numbered,
	  .thread = { renumber_0, map_rejected_1, map_rejected_2 },
	  .check = next_is_refused,
	  .switches = 2,
	  .stale = 2,
	  .controls = of_an_epoch },
	{ .name = "no mapping survives a revoke",
	  .setup = setup_revoke,
	  .thread = { map_0, revoke_1 },
	  .check = none_is_live,
	  .switches = 3,
	  .stale = 2,
	  .controls = of_a_revoke },
	{ .name = "a quarantined run is released whole",
	  .setup = setup_shorter,
	  .thread = { map_two_slots_0, revoke_1, revoke_and_quiesce_2 },
	  .check = all_is_released,
	  .switches = 2,
	  .stale = 1,
	  .large = true,
	  .controls = of_a_release },
	{ .name = "a quarantined run is nobody's while somebody is inside",
	  .setup = setup_revoked_mapping,
	  .thread = { sync_0, revoke_and_quiesce_1, map_and_unmap_2 },
	  .check = quarantine_ends,
	  .switches = 2,
	  .stale = 2,
	  .controls = of_a_quarantine },
	{ .name = NULL },
};
