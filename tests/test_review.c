/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_review.c - faults that were found by reading, one test each; they stay.
 * What another CPU or an interrupt does in the middle of a call is done here
 * by hand, to the word that it would have changed.
 */
#include <setjmp.h>

#include "calls.h"

#define PACKED_ENTRIES 3u /* does not divide 2^16 */

/*
 * A look-up reads kind and target of a record one after the other. In between
 * the mapping may end, and its record serve a DIRECT one, whose target is a bus
 * address; it was used as an index.
 */
Test(handle, looked_up_while_its_record_changes_hands_it_is_refused)
{
	static const uint64_t targets[] = {
		UINT64_C(0x40001000),
		UINT64_C(0xfffff000),
		UINT64_MAX,
		UINT64_C(0x7fff00000000),
	};
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_record *record;
	struct bounce_mapping inside;
	struct born home;
	uint64_t target;

	bench_init(&bench, &knobs);
	home = alloc_ok(bench.queue[0], 4096);
	inside = map_ok(bench.queue[0], home.buf, BOUNCE_TO_DEVICE);
	record = &bench.bounce->record[inside.record];
	target = atomic_load(&record->target);
	for (size_t i = 0; i < COUNT_OF(targets); i++) {
		atomic_store(&record->target, targets[i]);
		cr_expect_not(bounce_mapping_valid(bench.queue[0], &inside));
	}
	atomic_store(&record->target, target);
	unmap_ok(bench.queue[0], &inside, 0);
	free_ok(bench.queue[0], &home);
	bench_fini(&bench);
}

/*
 * A first mapping reads that nothing is bound, and judges; the device refuses
 * the features; the mapping binds what it judged. It must not be able to.
 */
Test(features_rejected, a_mapping_that_began_before_cannot_bind_its_verdict)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	uint64_t unbound;

	bench_init(&bench, &knobs);
	for (int i = 0; i < 3; i++) {
		unbound = atomic_load(&bench.device[0]->binding);
		cr_expect_eq((uint32_t)unbound, 0, "no epoch");
		bounce_device_features_rejected(bench.device[0]);
		cr_expect_neq(atomic_load(&bench.device[0]->binding), unbound,
			      "a compare-and-swap from it must fail");
	}
	bench_fini(&bench);
}

/* A crash in the middle of a share call, when the pages are shared already. */
struct crash {
	struct bench bench; /* first: the machine's hooks get its machine */
	enum bounce_step (*share)(void *ctx, bounce_gpa_t gpa, uint32_t count,
				  uint32_t *done);
	bool armed;
	jmp_buf stopped;
	enum bounce_err err;
	uint64_t shared; /* bytes, in truth */
	uint64_t listed; /* by bounce_ranges() */
};

static void crash_now(struct crash *crash)
{
	struct bounce_range range[64];
	uint32_t count;

	crash->armed = false;
	crash->err = bounce_unshare_all(crash->bench.bounce);
	count = bounce_ranges(crash->bench.bounce, range, COUNT_OF(range));
	cr_assert_leq(count, COUNT_OF(range));
	for (uint32_t i = 0; i < count; i++)
		for (uint64_t at = 0; at < range_len(&range[i]); at += 4096)
			if (fake_machine_is_shared(&crash->bench.machine,
						   range_gpa(&range[i]) + at))
				crash->listed += 4096;
	crash->shared = fake_machine_shared_bytes(&crash->bench.machine);
}

static enum bounce_step crashing_share(void *ctx, bounce_gpa_t gpa,
				       uint32_t count, uint32_t *done)
{
	struct fake_machine *machine = ctx;
	struct crash *crash =
		(void *)((char *)machine - offsetof(struct bench, machine));
	enum bounce_step step = crash->share(ctx, gpa, count, done);

	if (crash->armed) {
		crash_now(crash);
		longjmp(crash->stopped, 1); /* this CPU goes nowhere */
	}
	return step;
}

Test(unshare_all, a_page_that_was_just_being_shared_is_not_called_private)
{
	static struct crash crash;
	struct bench_knobs knobs = bench_usual();

	knobs.slabs = 2;
	bench_power_on(&crash.bench, &knobs);
	crash.share = crash.bench.machine.arch.share;
	crash.bench.machine.arch.share = crashing_share;
	bench_set_up(&crash.bench);
	crash.armed = true;
	if (setjmp(crash.stopped) == 0)
		(void)bench_grow(&crash.bench, 1);
	cr_assert_not(crash.armed);
	cr_expect_eq(crash.err, BOUNCE_ERR_LOST);
	cr_expect_neq(crash.shared, 0, "nobody can know that it is");
	cr_expect_eq(crash.listed, crash.shared);
	bench_discard(&crash.bench);
}

/* Post all of a packed ring; the device reports the last of it. */
static void packed_round(struct bounce_used *used, unsigned char *ring,
			 uint32_t round)
{
	unsigned char *report = ring; /* a round takes all of it */
	struct bounce_completion done;

	for (uint32_t i = 0; i < PACKED_ENTRIES; i++)
		cr_assert_eq(bounce_used_post_packed(
				     used, (round + i) % PACKED_ENTRIES, 1, 100,
				     round + i),
			     BOUNCE_OK);
	report[8] = 7; /* bytes */
	report[12] =
		(unsigned char)((round + PACKED_ENTRIES - 1) % PACKED_ENTRIES);
	report[14] = round % 2 == 0 ? 0x82 : 0x02; /* AVAIL, WRITE */
	report[15] = round % 2 == 0 ? 0x80 : 0x00; /* USED */
	for (uint32_t i = 0; i < PACKED_ENTRIES; i++) {
		cr_assert_eq(bounce_virtio_used(used, &done), BOUNCE_OK);
		cr_assert_eq(done.head, (round + i) % PACKED_ENTRIES,
			     "round %u", round);
		cr_assert_eq(done.cookie, round + i, "round %u", round);
	}
}

Test(virtio_used, keeps_a_packed_rings_order_past_65536_posts)
{
	_Alignas(16) unsigned char ring[16 * PACKED_ENTRIES] = { 0 };
	_Alignas(8) unsigned char memory[512];
	struct bounce_used *used;

	cr_assert_eq(bounce_used_init_packed(memory, sizeof(memory),
					     PACKED_ENTRIES, ring, &used),
		     BOUNCE_OK);
	bounce_used_in_order(used);
	for (uint32_t round = 0; round < 70000 / PACKED_ENTRIES; round++)
		packed_round(used, ring, round);
	cr_expect(bounce_used_valid(used));
}

Test(commit, what_is_given_back_of_a_reservation_is_zero_too)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct born born;

	bench_init(&bench, &knobs);
	born = reserve_ok(bench.queue[0], 3 * 4096);
	memset(born.buf.ptr, FAKE_SECRET, 3 * 4096);
	cr_assert_eq(bounce_commit(bench.queue[0], &born.handle, 100),
		     BOUNCE_OK);
	cr_expect_eq(fake_device_count(&bench.host, FAKE_SECRET), 100);
	unmap_ok(bench.queue[0], &born.handle, 0);
	bench_fini(&bench);
}

Test(born, more_mappings_inside_than_are_counted_are_full)
{
	enum {
		MOST = 8190
	};
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping *inside = calloc(MOST, sizeof(*inside));
	struct bounce_mapping none;
	struct born home;

	cr_assert_not_null(inside);
	knobs.direct = MOST + 1;
	bench_init(&bench, &knobs);
	home = alloc_ok(bench.queue[0], 4096);
	for (int i = 0; i < MOST; i++)
		inside[i] = map_ok(bench.queue[0], home.buf, BOUNCE_TO_DEVICE);
	cr_expect_eq(bounce_map(bench.queue[0], &home.buf, BOUNCE_TO_DEVICE,
				&none),
		     BOUNCE_ERR_FULL);
	for (int i = 0; i < MOST; i++)
		unmap_ok(bench.queue[0], &inside[i], 0);
	free_ok(bench.queue[0], &home);
	bench_fini(&bench);
	free(inside);
}

/* Another tenant's claimant holds a granule for a moment, while its split slot
 * should go back: between its claim and its second look at the tag. */
Test(detach, a_split_slot_that_could_not_go_back_is_not_the_successors)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_device_info info;
	struct bounce_mapping mapping;
	struct bounce_negotiation answer;
	struct bounce_run old;
	struct bounce_run new;

	bench_init(&bench, &knobs);
	mapping = map_ok(bench.queue[0], bench_buf(&bench, 0, 64),
			 BOUNCE_TO_DEVICE);
	bounce_pool_run_of(bench.bounce, mapping.record, 64, &old);
	unmap_ok(bench.queue[0], &mapping, 0);
	atomic_fetch_or(&bench.bounce->block[old.block].word, UINT64_C(1)
								      << 63);
	cr_assert_eq(bounce_device_detach(bench.device[0]), BOUNCE_OK);
	atomic_fetch_and(&bench.bounce->block[old.block].word,
			 ~(UINT64_C(1) << 63));
	info = knobs.info;
	info.space = bench.space;
	cr_assert_eq(bounce_device_attach(bench.bounce, &info, &bench.device[0],
					  &answer),
		     BOUNCE_OK);
	bench.queue[0] = bounce_device_queue(bench.device[0], 0);
	mapping = map_ok(bench.queue[0], bench_buf(&bench, 0, 64),
			 BOUNCE_FROM_DEVICE);
	bounce_pool_run_of(bench.bounce, mapping.record, 64, &new);
	cr_expect(old.slab != new.slab || old.slot != new.slot);
	unmap_ok(bench.queue[0], &mapping, 0);
	bench_fini(&bench);
}

Test(map_sg, one_that_fails_leaves_no_private_address_in_a_bus_address)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_segment segment[3];

	bench_init(&bench, &knobs);
	memset(segment, 0, sizeof(segment));
	for (uint32_t i = 0; i < 3; i++) {
		segment[i].buf = bench_buf(&bench, i * 8192, 4096);
		segment[i].how = BOUNCE_TO_DEVICE;
	}
	segment[2].buf.len = 0;
	cr_expect_eq(bounce_map_sg(bench.queue[0], segment, 3, 0),
		     BOUNCE_ERR_ARG);
	for (uint32_t i = 0; i < 3; i++)
		cr_expect_eq(segment[i].mapping.bus.v, 0, "segment %u", i);
	bench_fini(&bench);
}
