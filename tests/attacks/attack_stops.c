/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * attack_stops.c - D06, D07 and C14: the end of a CPU, an interrupt, or the end
 * of everything, between any two atomic steps of a call; race.h. Each suite is
 * an attack of docs/threats.md.
 */
#include <setjmp.h>

#include "race.h"

/* ---- C14 ---- */

static void mark_dead(struct stage *stage)
{
	bounce_mark_dead(stage->bench.bounce);
	stage->intruder = BOUNCE_ERR_DEAD;
}

static void dead(struct stage *stage)
{
	struct bounce_buf buf = mine_buf(stage);
	struct bounce_mapping none;

	cr_expect(stage->victim == BOUNCE_OK ||
		  stage->victim == BOUNCE_ERR_DEAD);
	if (stage->intruder == BOUNCE_ERR_DEAD)
		cr_expect_eq(bounce_map(stage->bench.queue[0], &buf,
					BOUNCE_TO_DEVICE, &none),
			     BOUNCE_ERR_DEAD);
	cr_expect_eq(bounce_unshare_all(stage->bench.bounce), BOUNCE_OK);
	cr_expect_eq(fake_machine_shared_bytes(&stage->bench.machine), 0);
}

Test(c14, whenever_it_is_marked_dead_every_page_can_be_taken_back)
{
	at_each_length(
		(struct race) { NULL, map_mine, mark_dead, dead, 0, 1, true });
	at_each_length((struct race) { set_up_mine, unmap_mine, mark_dead, dead,
				       0, 1, true });
}

/* ---- D06 ---- */

static jmp_buf stopped;
static bool running;

static void stop_for_ever(struct stage *stage)
{
	(void)stage;
	if (running)
		longjmp(stopped, 1);
}

/* Slots that device 1 gets now, each by a call that ends. */
static uint32_t reachable(struct stage *stage)
{
	static struct bounce_mapping handle[4 * 64];
	struct bounce_buf buf = other_buf(stage);
	uint32_t made = 0;

	while (made < 4 * 64 &&
	       bounce_map(stage->bench.queue[1], &buf, BOUNCE_TO_DEVICE,
			  &handle[made]) == BOUNCE_OK)
		made++;
	for (uint32_t i = 0; i < made; i++)
		unmap_ok(stage->bench.queue[1], &handle[i], 0);
	return made;
}

static void (*stopping)(struct stage *stage);

static void victim_stops(struct stage *stage)
{
	running = true;
	if (setjmp(stopped) == 0)
		stopping(stage);
	running = false;
}

static void others_go_on(struct stage *stage)
{
	uint32_t slots = 64u * stage->bench.knobs.chunks;
	uint32_t own = (uint32_t)((stage->len + SLOT - 1) / SLOT);
	/* Of a claim of chunks: those chunks. */
	uint32_t hidden = 64 + (own > 64 ? (own + 63) / 64 * 64 : own);

	cr_expect_geq(reachable(stage) + hidden, slots);
	cr_expect_eq(bounce_device_detach(stage->bench.device[1]), BOUNCE_OK);
}

static void stop_in(void (*call)(struct stage *),
		    void (*set_up)(struct stage *))
{
	static const uint64_t lens[] = { 64, SLOT, 5000, 65 * SLOT,
					 129 * SLOT };

	stopping = call;
	for (size_t i = 0; i < COUNT_OF(lens); i++)
		run(&(struct race) { set_up, victim_stops, stop_for_ever,
				     others_go_on, lens[i], 1, true });
}

Test(d06, a_cpu_that_stops_for_ever_at_any_step_hides_a_chunk_and_its_own_run)
{
	stop_in(map_mine, NULL);
	stop_in(unmap_mine, set_up_mine);
	stop_in(sync_mine, set_up_mine);
	stop_in(revoke_mine, set_up_mine);
}

/* ---- D07 ---- */

/* On the same lane: everything a driver does in a handler. */
static void interrupt(struct stage *stage)
{
	struct bounce_queue *queue = stage->bench.queue[0];

	for (uint64_t len = 64; len <= SLOT; len *= 64) {
		struct bounce_buf buf = bench_buf(&stage->bench,
						  home_of(stage->len, 2), len);
		unsigned char *private = bench_private(&stage->bench,
						       home_of(stage->len, 2));
		struct bounce_mapping handle;
		enum bounce_err err = bounce_map(queue, &buf,
						 BOUNCE_BIDIRECTIONAL, &handle);

		if (err != BOUNCE_OK) { /* the victim holds the chunk */
			cr_expect(err == BOUNCE_ERR_FULL ||
				  err == BOUNCE_ERR_FRAGMENTED ||
				  err == BOUNCE_ERR_STALE);
			continue;
		}
		memset(bench_at_bus(&stage->bench, handle.bus, len), 0x55, len);
		cr_expect_eq(bounce_sync_for_cpu(queue, &handle, 0, 1),
			     BOUNCE_OK);
		cr_expect_eq(private[0], 0x55);
		cr_expect_eq(bounce_unmap(queue, &handle, len), BOUNCE_OK);
		cr_expect(all_bytes_are(private, 0x55, len));
		memset(private, FAKE_SECRET, len);
	}
}

static void whole_again(struct stage *stage)
{
	cr_expect(stage->victim == BOUNCE_OK ||
			  stage->victim == BOUNCE_ERR_FULL ||
			  stage->victim == BOUNCE_ERR_FRAGMENTED,
		  "%d", stage->victim);
	if (stage->victim == BOUNCE_OK)
		expect_own_bytes(stage);
	if (bounce_mapping_valid(stage->bench.queue[0], &stage->mine)) {
		device_writes(stage);
		unmap_ok(stage->bench.queue[0], &stage->mine, stage->len);
		cr_expect(all_bytes_are(bench_private(&stage->bench, 0),
					DEVICE_BYTE, stage->len));
	}
	expect_all_free(stage);
}

Test(d07, an_interrupt_at_any_step_may_use_the_same_lane)
{
	at_each_length((struct race) { NULL, map_mine, interrupt, whole_again,
				       0, 1, false });
	at_each_length((struct race) { set_up_mine, unmap_mine, interrupt,
				       whole_again, 0, 1, false });
	at_each_length((struct race) { set_up_mine, sync_mine, interrupt,
				       whole_again, 0, 1, false });
}
