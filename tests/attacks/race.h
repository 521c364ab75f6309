/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * race.h - a victim that is interrupted between two of its atomic steps, and an
 * intruder that runs there. Included once by each program of STEPPED.
 *
 * The whole library is compiled with a step before each atomic access
 * (stepped.h). The victim is interrupted at step n, and the intruder then runs
 * from its first instruction to its last; n goes from 0 to the victim's end.
 * That is every interleaving with one preemption, in sequentially consistent
 * order: what a weaker order adds, and more preemptions, is the business of
 * tests/stress and of docs/memory-order.md.
 */
#ifndef TESTS_ATTACKS_RACE_H
#define TESTS_ATTACKS_RACE_H

#include "calls.h"

enum {
	SLOT = 4096,
	DEVICE_BYTE = 0x33, /* what device 0 has written */
	OTHER_BYTE = 0x44, /* what belongs to device 1 */
	MOST_STEPS = 100000,
};

struct stage {
	struct bench bench;
	struct bounce_mapping mine; /* of device 0 */
	struct bounce_mapping other; /* of device 1 */
	struct bounce_mapping held; /* what makes the pool small */
	enum bounce_err victim;
	enum bounce_err intruder;
	uint64_t len; /* of the calls */
	bool seen; /* the host saw a byte that it must not see */
};

struct race {
	void (*set_up)(struct stage *stage);
	void (*victim)(struct stage *stage);
	void (*intruder)(struct stage *stage);
	void (*judge)(struct stage *stage);
	uint64_t len; /* to begin with */
	uint16_t chunks; /* of the pool; 4 when len is long */
	bool lossy; /* of the bench something is left */
};

/* ---- steps ---- */

static uint64_t steps; /* until the intruder comes */
static bool armed;
static void (*act)(struct stage *stage);
static struct stage *now;

/* Of stepped.h. */
void attack_step(void);
void attack_step(void)
{
	if (!armed || steps-- != 0)
		return;
	armed = false;
	act(now);
}

/* Private bytes: device 0's buffer, then a few of one slot each. */
static inline uint64_t home_of(uint64_t len, uint64_t index)
{
	return bounce_round_up(len, SLOT - 1) + index * SLOT;
}

/* One interleaving; false when the victim ended before step @n. */
static inline bool interleave(const struct race *race, uint64_t n)
{
	static struct stage stage;
	struct bench_knobs knobs = bench_usual();
	bool came;

	memset(&stage, 0, sizeof(stage));
	knobs.chunks = race->len > 32 * SLOT ? 4 : race->chunks;
	knobs.slabs = 1;
	knobs.devices = 2;
	knobs.private_bytes = home_of(race->len, 4);
	knobs.blocks = 2;
	bench_init(&stage.bench, &knobs);
	stage.len = race->len;
	memset(bench_private(&stage.bench, home_of(race->len, 1)), OTHER_BYTE,
	       SLOT);
	if (race->set_up != NULL)
		race->set_up(&stage);
	now = &stage;
	steps = n;
	act = race->intruder;
	armed = true;
	race->victim(&stage);
	came = !armed;
	armed = false;
	if (!came) /* after its last step, then */
		race->intruder(&stage);
	race->judge(&stage);
	if (race->lossy)
		bench_discard(&stage.bench);
	else
		bench_fini(&stage.bench);
	return came;
}

static inline void run(const struct race *race)
{
	uint64_t n = 0;

	while (interleave(race, n))
		cr_assert_lt(++n, MOST_STEPS);
	cr_expect_gt(n, 0, "the victim had no step");
}

/* ---- calls ---- */

static inline struct bounce_buf mine_buf(const struct stage *stage)
{
	return bench_buf(&stage->bench, 0, stage->len);
}

static inline struct bounce_buf other_buf(const struct stage *stage)
{
	return bench_buf(&stage->bench, home_of(stage->len, 1), SLOT);
}

static inline void device_writes(struct stage *stage)
{
	memset(bench_at_bus(&stage->bench, stage->mine.bus, stage->len),
	       DEVICE_BYTE, stage->len);
}

static inline void map_mine(struct stage *stage)
{
	struct bounce_buf buf = mine_buf(stage);

	stage->victim = bounce_map(stage->bench.queue[0], &buf,
				   BOUNCE_BIDIRECTIONAL, &stage->mine);
}

static inline void map_other(struct stage *stage)
{
	struct bounce_buf buf = other_buf(stage);

	stage->intruder = bounce_map(stage->bench.queue[1], &buf,
				     BOUNCE_TO_DEVICE, &stage->other);
}

static inline void unmap_mine(struct stage *stage)
{
	stage->victim = bounce_unmap(stage->bench.queue[0], &stage->mine,
				     stage->len);
}

static inline void unmap_mine_too(struct stage *stage)
{
	stage->intruder = bounce_unmap(stage->bench.queue[0], &stage->mine,
				       stage->len);
}

static inline void sync_mine(struct stage *stage)
{
	stage->victim = bounce_sync_for_cpu(stage->bench.queue[0], &stage->mine,
					    0, stage->len);
}

static inline void set_up_mine(struct stage *stage)
{
	map_mine(stage);
	cr_assert_eq(stage->victim, BOUNCE_OK);
	device_writes(stage);
}

/* All but one slot. */
static inline void set_up_full(struct stage *stage)
{
	struct bounce_buf buf = bench_buf(&stage->bench, 0, 1);

	/* Nobody copies from or to it. */
	buf.ptr = bench_private(&stage->bench, 0);
	buf.len = 63 * SLOT;

	cr_assert_eq(bounce_map(stage->bench.queue[1], &buf, BOUNCE_FROM_DEVICE,
				&stage->held),
		     BOUNCE_OK);
}

static inline void end_held(struct stage *stage)
{
	unmap_ok(stage->bench.queue[1], &stage->held, 0);
}

/* Private bytes of device 0's buffer are the old ones or the device's. */
static inline void expect_own_bytes(const struct stage *stage)
{
	const unsigned char *bytes = bench_private(&stage->bench, 0);

	for (uint64_t i = 0; i < stage->len; i++)
		cr_assert(bytes[i] == FAKE_SECRET || bytes[i] == DEVICE_BYTE,
			  "byte %lu is %x", i, bytes[i]);
	cr_expect(all_bytes_are(bytes + stage->len, FAKE_SECRET, SLOT));
}

static inline void expect_all_free(struct stage *stage)
{
	cr_expect_eq(slots_free(&stage->bench),
		     64u * stage->bench.knobs.chunks);
	cr_expect(bounce_valid(stage->bench.bounce));
}

static inline void revoke_mine(struct stage *stage)
{
	bounce_device_revoke(stage->bench.device[0]);
}

static const uint64_t each_len[] = { 64, SLOT, 5000, 65 * SLOT };

static inline void at_each_length(struct race race)
{
	for (size_t i = 0; i < COUNT_OF(each_len); i++) {
		race.len = each_len[i];
		run(&race);
	}
}

#endif
