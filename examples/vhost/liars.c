/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * liars.c - each lie of the twin: it is called by its name, no private byte
 * changes but those of a buffer that the device may write, and when its process
 * is gone, so are all its slots. The names B01 .. are those of docs/vhost.md.
 */
#include "liar.h"
#include "twin.h"

#include <fcntl.h>
#include <stdio.h>

#define DESCRIPTORS_MOST 256

static struct blk disk;

static uint32_t descriptors(void)
{
	uint32_t count = 0;

	for (int i = 0; i < DESCRIPTORS_MOST; i++)
		count += fcntl(i, F_GETFD) >= 0;
	return count;
}

static void report(const struct world *world, const struct liar *liar,
		   const char *said, bool good)
{
	char text[256];
	uint64_t slots = world_slots(world);

	(void)snprintf(text, sizeof(text), "%s: %s, %llu slots in use",
		       liar->text, said, (unsigned long long)slots);
	report_control("twin", liar->title,
		       good && slots == 0 && bounce_valid(world->bounce), text);
}

/* ---- lies of one request, or of the protocol ---- */

static const struct liar liars[] = {
	{ "none", "none", 0, DONE, 0, SERVED, "an honest device" },
	/* Lengths. */
	{ "B01-one-more", "length_one_more", 0, LIE, BOUNCE_ERR_LENGTH, SERVED,
	  "one byte more than it may write" },
	{ "B01-most", "length_most", 0, LIE, BOUNCE_ERR_LENGTH, SERVED,
	  "4294967295 bytes written" },
	{ "B02-none", "length_given", 0, STATUS, 0, SOME,
	  "no byte written, though all were" },
	{ "B02-short", "length_given", 100, STATUS, 0, SOME,
	  "100 bytes, though all were" },
	{ "B03-unwritten", "unwritten", 0, DONE, 0, ZEROS,
	  "all bytes, though none was" },
	{ "B13-length-swapped", "length_swapped", 0, LIE, BOUNCE_ERR_LENGTH,
	  SERVED, "the length in the other byte order" },
	{ "B20-two-segments", "length_given", 700, STATUS, 0, SOME,
	  "an end inside the second of two segments" },
	{ "bad-status", "bad_status", 0, STATUS, 0, SERVED,
	  "a status that VIRTIO does not have" },
	/* Identities. */
	{ "B04-past-ring", "id_given", VRING_ENTRIES, LIE, BOUNCE_ERR_RANGE,
	  SERVED, "an id behind the ring's last" },
	{ "B04-most", "id_given", UINT32_MAX, LIE, BOUNCE_ERR_RANGE, SERVED,
	  "id 4294967295" },
	{ "B05-idle", "id_given", VRING_ENTRIES - 4, LIE, BOUNCE_ERR_STALE,
	  SERVED, "the id of a free descriptor" },
	{ "B06-inside", "id_inside", 0, LIE, BOUNCE_ERR_STALE, SERVED,
	  "the id of the second descriptor of a chain" },
	{ "B08-twice", "twice", 0, LIE, BOUNCE_ERR_STALE, SERVED,
	  "a request done twice" },
	{ "B11-bit-16", "id_high_bits", UINT64_C(1) << 16, LIE,
	  BOUNCE_ERR_RANGE, SERVED, "the right id, and bit 16 set" },
	{ "B11-bit-31", "id_high_bits", UINT64_C(1) << 31, LIE,
	  BOUNCE_ERR_RANGE, SERVED, "the right id, and bit 31 set" },
	{ "B13-id-swapped", "id_swapped", 0, LIE, BOUNCE_ERR_RANGE, SERVED,
	  "ids in the other byte order" },
	/* The index. */
	{ "B22-back", "index_step", 65535, LIE, BOUNCE_ERR_RANGE, SERVED,
	  "an index that goes back" },
	{ "B22-ahead", "index_step", 3, LIE, BOUNCE_ERR_RANGE, SERVED,
	  "an index ahead of all requests" },
	{ "B22-half", "index_step", 32768, LIE, BOUNCE_ERR_RANGE, SERVED,
	  "an index ahead by half of its range" },
	/* Writing where, or when, it may not. */
	{ "B14-read-only", "read_only", 0, DONE, 0, SERVED,
	  "it writes what it may only read" },
	{ "B17-flips", "flips", 0, ANY, 0, WHATEVER,
	  "all lengths change while they are read" },
	{ "B18-beside", "beside", 0, ANY, 0, WHATEVER,
	  "it writes at random all over the slab, but the ring" },
	/* More than it was given. */
	{ "truncate", "truncate", 0, DONE, 0, SERVED,
	  "it cannot shrink the memfd under our mapping" },
	{ "peek", "peek", 0, DONE, 0, SERVED,
	  "it cannot open our memory by /proc, nor read it" },
	/* What it says of itself. */
	{ "B24-legacy", "features_given", WIRE_F_PROTOCOL_FEATURES, REFUSED, 0,
	  NOTHING, "it offers no VERSION_1" },
	{ "B24-all-features", "features_given", UINT64_MAX, DONE, 0, SERVED,
	  "it offers every feature; one is accepted" },
	{ "B24-no-protocol", "features_given", BOUNCE_VIRTIO_F_VERSION_1,
	  UNANSWERED, 0, NOTHING, "it knows no protocol features" },
	{ "B24-no-capacity", "capacity_given", 0, DONE, 0, SERVED,
	  "a disk of no sector, segments of 4294967295 bytes" },
	{ "B24-all-capacity", "capacity_given", UINT64_MAX, DONE, 0, SERVED,
	  "a disk of 2^64 - 1 sectors" },
	{ "B25-no-memory", "refuse_at", WIRE_SET_MEM_TABLE, REFUSED, 0, NOTHING,
	  "it refuses the memory table" },
	/* The protocol. */
	{ "no-ring", "refuse_at", WIRE_SET_VRING_ADDR, SILENCE, 0, NOTHING,
	  "it refuses the ring" },
	{ "mute", "mute_at", WIRE_GET_FEATURES, UNANSWERED, 0, NOTHING,
	  "it never answers, for a second" },
	{ "mute-ring", "mute_at", WIRE_SET_VRING_NUM, SILENCE, 0, NOTHING,
	  "the same when the ring is set up" },
	{ "other-answer", "other_answer", WIRE_GET_CONFIG, UNANSWERED, 0,
	  NOTHING, "it answers another question" },
	{ "short-answer", "short_answer", WIRE_GET_FEATURES, UNANSWERED, 0,
	  NOTHING, "half an answer" },
	{ "huge-answer", "huge_answer", WIRE_GET_CONFIG, UNANSWERED, 0, NOTHING,
	  "an answer of 4294967295 bytes" },
	{ "descriptors", "descriptors", 0, DONE, 0, SERVED,
	  "a descriptor with each answer: none is left open" },
	{ "hang-up", "hang_up", 0, SILENCE, 0, NOTHING,
	  "it goes away with requests in flight" },
	{ "silent", "nothing", 0, SILENCE, 0, NOTHING,
	  "it never completes a request, for ten seconds" },
};

static void tell(struct world *world, const char *program,
		 const struct liar *liar)
{
	uint32_t open = descriptors();
	enum bounce_err err;
	enum outcome outcome = liar_meet(world, program, liar, &err);

	report(world, liar, liar_name(outcome, err),
	       liar_was(liar, outcome, err) && liar_left_intact(liar) &&
		       descriptors() == open);
}

/* The same lie with many numbers: all must come out alike. */
static void tell_many(struct world *world, const char *program,
		      struct liar liar, const uint64_t *number, uint32_t count)
{
	enum bounce_err err = BOUNCE_OK;
	enum outcome outcome = DONE;
	bool good = true;

	for (uint32_t i = 0; i < count; i++) {
		liar.number = number[i];
		outcome = liar_meet(world, program, &liar, &err);
		good = good && liar_was(&liar, outcome, err) &&
		       liar_left_intact(&liar) && world_slots(world) == 0;
	}
	report(world, &liar, liar_name(outcome, err), good);
}

/* ---- lies that take more than one device, or one request ---- */

/* Another owner's bytes in every slot, before B03 claims to have written. */
static void leave_secrets(struct world *world, const char *program)
{
	static unsigned char secret[TWIN_SECTORS * GUEST_SECTOR_BYTES / 2];
	const struct blk_io io = {
		.write = true,
		.segments = 1,
		.segment = { guest_buffer(secret, sizeof(secret)) },
	};
	static struct blk other;

	memset(secret, 'S', sizeof(secret));
	report_demand(liar_start(GUEST_IN1, program, "none", 0) &&
			      world_open(world, GUEST_IN1, &other) ==
				      BOUNCE_OK &&
			      blk_transfer(&other, &io) == BLK_DONE &&
			      blk_close(&other),
		      "an honest twin takes what is written");
}

/* B07: the id is that of a request in flight, at another device. */
static void id_of_other(struct world *world, const char *program)
{
	/* The other's chains begin at 0, 4, 8 .. ; ours at 0 and 4. */
	static const struct liar liar = { "B07-other-device",
					  "id_given",
					  8,
					  LIE,
					  BOUNCE_ERR_STALE,
					  SERVED,
					  "the id of another device's "
					  "request" };
	static struct blk other;
	enum outcome outcome;
	enum bounce_err err;
	bool good;

	if (!liar_start(GUEST_IN1, program, "nothing", 0) ||
	    world_open(world, GUEST_IN1, &other) != BOUNCE_OK)
		guest_fail("the other twin does not answer");
	for (uint32_t i = 0; i < BLK_IN_FLIGHT; i++)
		liar_submit(&other, i % LIAR_REQUESTS);
	outcome = liar_meet(world, program, &liar, &err);
	good = liar_was(&liar, outcome, err) && liar_left_intact(&liar);
	frontend_kill(GUEST_IN1);
	good &= blk_close(&other);
	report(world, &liar, liar_name(outcome, err), good);
}

#define LOOKS 1000u

/* B09: a completion is there before anything was posted: of an older life. */
static void unposted(struct world *world, const char *program)
{
	static const struct liar liar = {
		"B09-unposted",
		"unposted",
		0,
		LIE,
		BOUNCE_ERR_RANGE,
		NOTHING,
		"a request done that was posted before the reset"
	};
	enum bounce_err err = BOUNCE_ERR_BUSY;
	struct bounce_completion done;
	bool good = liar_open(world, program, &liar, &disk);

	for (uint32_t i = 0; good && err == BOUNCE_ERR_BUSY && i < LOOKS; i++) {
		err = vring_take(&disk.ring, &done);
		(void)virtio_broken(&disk.driver.device); /* a pause */
	}
	good = good && err == liar.err && blk_close(&disk);
	report(world, &liar, liar_name(LIE, err), good);
}

/* What is done with it from attach to detach: did it come out as it should? */
static void employ(struct world *world, const char *program,
		   const struct liar *liar,
		   bool (*work)(const struct liar *liar, enum outcome *outcome))
{
	enum outcome outcome = DONE;
	bool good = liar_open(world, program, liar, &disk) &&
		    work(liar, &outcome) && blk_close(&disk);

	report(world, liar, liar_name(outcome, BOUNCE_OK), good);
}

#define LATE_ROUNDS 500u

/* B15, B16: it writes on after it has said that it is done. */
static const struct liar late = { "B15-B16-late",
				  "late",
				  0,
				  DONE,
				  0,
				  WHATEVER,
				  "it writes on where it has written before" };

/* The slots are used again: a status byte may be hit, too. */
static bool work_on(const struct liar *liar, enum outcome *outcome)
{
	for (uint32_t i = 0; i < LATE_ROUNDS; i++) {
		*outcome = liar_work(&disk);
		if ((*outcome != DONE && *outcome != STATUS) ||
		    !liar_left_intact(liar))
			return false;
		liar_drain(&disk);
	}
	return true;
}

#define KICKS 10000u

/* The kick is a socket: what is not read must not make us wait. */
static const struct liar deaf = {
	"deaf",
	"deaf",
	0,
	DONE,
	0,
	SERVED,
	"it does not read the kick; ours is sent without waiting"
};

static bool kick_and_work(const struct liar *liar, enum outcome *outcome)
{
	for (uint32_t i = 0; i < KICKS; i++)
		virtio_notify(&disk.driver.device, 0);
	*outcome = liar_work(&disk);
	return *outcome == DONE && liar_left_intact(liar);
}

#define SCRAMBLES 20u

/* B19: ring and all; only L1 and L2 are left to be demanded. */
static void everything(struct world *world, const char *program)
{
	static const struct liar liar = { "B19-everything",
					  "everything",
					  0,
					  ANY,
					  0,
					  WHATEVER,
					  "it writes at random all over the "
					  "slab, 20 times" };
	enum outcome outcome = DONE;
	enum bounce_err err = BOUNCE_OK;
	bool good = true;

	for (uint32_t i = 0; i < SCRAMBLES && good; i++) {
		outcome = liar_meet(world, program, &liar, &err);
		good = liar_was(&liar, outcome, err) && liar_left_intact(&liar);
	}
	report(world, &liar, "any answer", good);
}

/* B27: nothing in the slab looks like an address of ours. */
static void pointers(struct world *world)
{
	static const struct liar liar = {
		.title = "B27-pointers",
		.text = "no address of ours is in the slab",
	};
	const uint64_t *word = (const void *)(uintptr_t)HOST_POOL_GPA;
	const uint64_t ours[] = { (uintptr_t)&disk, (uintptr_t)&word,
				  HOST_POOL_GPA };
	bool good = true;

	for (uint32_t i = 0; i < HOST_POOL_BYTES / sizeof(*word); i++)
		for (uint32_t k = 0; k < sizeof(ours) / sizeof(ours[0]); k++)
			if (word[i] >> 32 == ours[k] >> 32)
				good = false;
	report(world, &liar, "none", good);
}

#define RANDOM_IDS 200u

static void random_ids(struct world *world, const char *program)
{
	static const struct liar liar = {
		"B12-random-ids", "id_given",	      0, LIE, BOUNCE_ERR_RANGE,
		SERVED,		  "200 ids at random"
	};
	uint64_t number[RANDOM_IDS];
	uint64_t random = 0x7477696e;

	for (uint32_t i = 0; i < RANDOM_IDS; i++) {
		/* The generator of Knuth's MMIX; its upper half. */
		random = random * UINT64_C(6364136223846793005) +
			 UINT64_C(1442695040888963407);
		number[i] = random >> 32 | VRING_ENTRIES;
	}
	tell_many(world, program, liar, number, RANDOM_IDS);
}

static void hang_up_early(struct world *world, const char *program)
{
	static const struct liar greeting = {
		"hang-up-greeting",
		"hang_up_at",
		0,
		UNANSWERED,
		0,
		NOTHING,
		"it goes away at each question of the greeting"
	};
	static const struct liar verdict = {
		"hang-up-features",
		"hang_up_at",
		0,
		REFUSED,
		0,
		NOTHING,
		"it goes away at the features, and at the memory"
	};
	static const struct liar ring = {
		"hang-up-ring",
		"hang_up_at",
		0,
		SILENCE,
		0,
		NOTHING,
		"it goes away at each step of the ring"
	};
	static const uint64_t first[] = { WIRE_GET_FEATURES,
					  WIRE_GET_PROTOCOL_FEATURES,
					  WIRE_SET_PROTOCOL_FEATURES,
					  WIRE_SET_OWNER, WIRE_GET_CONFIG };
	static const uint64_t second[] = { WIRE_SET_FEATURES,
					   WIRE_SET_MEM_TABLE };
	static const uint64_t third[] = {
		WIRE_SET_VRING_NUM,  WIRE_SET_VRING_BASE, WIRE_SET_VRING_ADDR,
		WIRE_SET_VRING_CALL, WIRE_SET_VRING_KICK, WIRE_SET_VRING_ENABLE
	};

	tell_many(world, program, greeting, first,
		  sizeof(first) / sizeof(first[0]));
	tell_many(world, program, verdict, second,
		  sizeof(second) / sizeof(second[0]));
	tell_many(world, program, ring, third,
		  sizeof(third) / sizeof(third[0]));
}

void liars_run(struct world *world, const char *program)
{
	const uint32_t count = sizeof(liars) / sizeof(liars[0]);

	report_total(count);
	report_stage("meeting the twin");
	for (uint32_t i = 0; i < count; i++) {
		if (liars[i].content == ZEROS)
			leave_secrets(world, program);
		tell(world, program, &liars[i]);
		if (i == 0)
			pointers(world);
		report_moved(1);
	}
	id_of_other(world, program);
	unposted(world, program);
	random_ids(world, program);
	employ(world, program, &late, work_on);
	everything(world, program);
	employ(world, program, &deaf, kick_and_work);
	hang_up_early(world, program);
}
