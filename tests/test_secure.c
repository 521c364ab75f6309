/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_secure.c - bounce_enter_secure(): a guest whose memory was open becomes
 * a protected one. The epoch and the ways out are in test_epoch.c.
 */
#include "calls.h"
#include "model.h"

#define PLATFORM (BOUNCE_VIRTIO_F_VERSION_1 | BOUNCE_VIRTIO_F_ACCESS_PLATFORM)
#define SLABS 2u
#define CALLS_PER_SLAB 4u /* 64 pages, 16 at a time */

static struct bench_knobs open_guest(void)
{
	struct bench_knobs knobs = bench_usual();

	knobs.protection = BOUNCE_PROTECTION_NO;
	knobs.slabs = SLABS;
	knobs.grown = SLABS;
	knobs.chunks = 1;
	knobs.devices = 2;
	return knobs;
}

static void become_protected(struct bench *bench)
{
	bench->machine.protection = BOUNCE_PROTECTION_YES;
}

static uint32_t calls(const struct bench *bench, enum fake_call call)
{
	return atomic_load_explicit(&bench->machine.calls[call],
				    memory_order_relaxed);
}

static bool slab_is_shared(const struct bench *bench, uint32_t index)
{
	uint64_t gpa = bench_slab_gpa(bench, index).v;

	for (uint64_t at = 0; at < bench->slab_bytes; at += 4096)
		if (!fake_machine_is_shared(&bench->machine, gpa + at))
			return false;
	return true;
}

static void negotiate(struct bench *bench)
{
	for (uint32_t i = 0; i < bench->knobs.devices; i++)
		cr_assert_eq(bounce_device_negotiate(bench->device[i], PLATFORM,
						     NULL),
			     BOUNCE_OK);
}

/* The device gets the bytes of a buffer through a shared slot. */
static void expect_bounces(struct bench *bench, uint32_t device)
{
	unsigned char seen[100];
	struct bounce_mapping mapping;

	write_bytes(bench_private(bench, 0), 7, 100);
	mapping = map_ok(bench->queue[device], bench_buf(bench, 0, 100),
			 BOUNCE_TO_DEVICE);
	cr_assert(fake_device_read(&bench->host, mapping.bus.v, seen, 100));
	cr_expect_eq(count_bytes(seen, 7, 100), 100);
	unmap_ok(bench->queue[device], &mapping, 0);
}

/* ---- what it does ---- */

Test(enter_secure, direct_mappings_end_and_their_unmap_is_stale)
{
	struct bench bench;
	struct bench_knobs knobs = open_guest();
	struct bounce_mapping mapping[16];
	unsigned char *before;

	bench_init(&bench, &knobs);
	for (uint32_t i = 0; i < 16; i++)
		mapping[i] = map_ok(bench.queue[i % 2],
				    bench_buf(&bench, i * 4096, 100),
				    BOUNCE_FROM_DEVICE);
	become_protected(&bench);
	cr_assert_eq(bounce_enter_secure(bench.bounce), BOUNCE_OK);
	before = malloc(knobs.private_bytes);
	memcpy(before, bench_private(&bench, 0), knobs.private_bytes);
	for (uint32_t i = 0; i < 16; i++) {
		cr_expect_eq(bounce_unmap(bench.queue[i % 2], &mapping[i], 50),
			     BOUNCE_ERR_STALE);
		cr_expect_eq(bounce_sync_for_cpu(bench.queue[i % 2],
						 &mapping[i], 0, 1),
			     BOUNCE_ERR_STALE);
	}
	cr_expect_arr_eq(before, bench_private(&bench, 0), knobs.private_bytes);
	free(before);
	negotiate(&bench);
	bench_fini(&bench);
}

Test(enter_secure, every_slab_is_shared_afresh_in_truth)
{
	struct bench bench;
	struct bench_knobs knobs = open_guest();

	bench_init(&bench, &knobs);
	cr_expect_eq(calls(&bench, FAKE_SHARE), 0);
	/* What the guest left there in the open is not shown. */
	memset(bench.machine.memory, FAKE_SECRET, SLABS * bench.slab_bytes);
	become_protected(&bench);
	cr_assert_eq(bounce_enter_secure(bench.bounce), BOUNCE_OK);
	cr_expect_eq(calls(&bench, FAKE_SHARE), SLABS * CALLS_PER_SLAB);
	cr_expect_eq(calls(&bench, FAKE_UNSHARE), 0, "they were never shared");
	cr_expect_eq(fake_machine_shared_bytes(&bench.machine),
		     SLABS * bench.slab_bytes, "and nothing else is");
	for (uint32_t i = 0; i < SLABS; i++)
		cr_expect(slab_is_shared(&bench, i));
	cr_expect(all_bytes_are(bench.machine.memory, 0,
				SLABS * bench.slab_bytes));
	cr_expect(bounce_valid(bench.bounce));
	negotiate(&bench);
	for (uint32_t i = 0; i < 2; i++)
		expect_bounces(&bench, i);
	cr_expect_eq(slots_free(&bench), SLABS * 64);
	bench_fini(&bench);
}

Test(enter_secure, every_device_is_refused_until_it_has_negotiated)
{
	struct bench bench;
	struct bench_knobs knobs = open_guest();
	struct bounce_device_info info;
	struct bounce_device *late;
	struct bounce_mapping mapping;
	struct bounce_verdict verdict;
	struct bounce_buf buf;

	knobs.more_devices = 1;
	bench_init(&bench, &knobs);
	become_protected(&bench);
	cr_assert_eq(bounce_enter_secure(bench.bounce), BOUNCE_OK);
	buf = bench_buf(&bench, 0, 100);
	for (uint32_t i = 0; i < 2; i++) {
		cr_expect_eq(bounce_map(bench.queue[i], &buf, BOUNCE_TO_DEVICE,
					&mapping),
			     BOUNCE_ERR_REFUSED);
		bounce_device_verdict(bench.device[i], &verdict);
		cr_expect_eq(verdict.reason, BOUNCE_WHY_UNNEGOTIATED);
	}
	cr_assert_eq(bounce_device_negotiate(bench.device[0], PLATFORM, NULL),
		     BOUNCE_OK);
	expect_bounces(&bench, 0);
	cr_expect_eq(bounce_map(bench.queue[1], &buf, BOUNCE_TO_DEVICE,
				&mapping),
		     BOUNCE_ERR_REFUSED, "each for itself");
	/* One that comes now has negotiated when it is attached. */
	info = knobs.info;
	info.space = bench.space;
	cr_assert_eq(bounce_device_attach(bench.bounce, &info, &late, NULL),
		     BOUNCE_OK);
	mapping = map_ok(bounce_device_queue(late, 0), buf, BOUNCE_TO_DEVICE);
	unmap_ok(bounce_device_queue(late, 0), &mapping, 0);
	cr_expect_eq(bounce_device_detach(late), BOUNCE_OK);
	bench_fini(&bench);
}

Test(enter_secure, a_second_time_shares_no_page_that_is_shared)
{
	struct bench bench;
	struct bench_knobs knobs = open_guest();

	bench_init(&bench, &knobs);
	become_protected(&bench);
	for (uint32_t round = 1; round <= 3; round++) {
		cr_assert_eq(bounce_enter_secure(bench.bounce), BOUNCE_OK);
		cr_expect_eq(calls(&bench, FAKE_SHARE),
			     round * SLABS * CALLS_PER_SLAB);
		cr_expect_eq(calls(&bench, FAKE_UNSHARE),
			     (round - 1) * SLABS * CALLS_PER_SLAB);
		cr_expect_eq(fake_machine_shared_bytes(&bench.machine),
			     SLABS * bench.slab_bytes);
		negotiate(&bench);
		expect_bounces(&bench, 0);
	}
	bench_fini(&bench); /* looks at what the machine thought wrong */
}

Test(enter_secure, keeps_the_order_of_every_kind_of_monitor)
{
	static const struct {
		uint8_t contents;
		uint8_t shift;
		bool verify;
		bool tables;
	} kinds[] = {
		{ BOUNCE_CONTENTS_KEPT, 12, false, false },
		{ BOUNCE_CONTENTS_ZERO, 16, true, false },
		{ BOUNCE_CONTENTS_UNDEFINED, 12, false, true },
		{ BOUNCE_CONTENTS_UNDEFINED, 16, false, true },
	};

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct bench bench;
		struct bench_knobs knobs = open_guest();

		bench_power_on(&bench, &knobs);
		bench.machine.arch.contents = kinds[i].contents;
		bench.machine.arch.granule_shift = kinds[i].shift;
		bench.machine.arch.verify_share = kinds[i].verify;
		bench.machine.tables = kinds[i].tables;
		bench_set_up(&bench);
		become_protected(&bench);
		for (int round = 0; round < 2; round++) {
			cr_assert_eq(bounce_enter_secure(bench.bounce),
				     BOUNCE_OK);
			cr_expect_eq(fake_machine_shared_bytes(&bench.machine),
				     SLABS * bench.slab_bytes);
			cr_expect(all_bytes_are(bench.machine.memory, 0,
						SLABS * bench.slab_bytes));
		}
		negotiate(&bench);
		expect_bounces(&bench, 1);
		bench_fini(&bench);
	}
}

/* ---- BUSY: nothing has changed ---- */

static void expect_busy(struct bench *bench)
{
	struct picture before = picture_take(bench);

	cr_expect_eq(bounce_enter_secure(bench->bounce), BOUNCE_ERR_BUSY);
	cr_expect(picture_same(&before));
	picture_drop(&before);
}

Test(enter_secure, with_a_bounced_mapping_is_busy)
{
	static const uint64_t lens[] = { 64, 4096, 9000, 262144 };
	struct bench bench;
	struct bench_knobs knobs = open_guest();

	knobs.info.flags = BOUNCE_DEVICE_FORCE;
	bench_init(&bench, &knobs);
	become_protected(&bench);
	for (size_t i = 0; i < COUNT_OF(lens); i++) {
		struct bounce_mapping mapping =
			map_ok(bench.queue[0], bench_buf(&bench, 0, lens[i]),
			       BOUNCE_TO_DEVICE);

		expect_busy(&bench);
		unmap_ok(bench.queue[0], &mapping, 0);
	}
	cr_expect_eq(bounce_enter_secure(bench.bounce), BOUNCE_OK);
	negotiate(&bench);
	bench_fini(&bench);
}

Test(enter_secure, with_born_shared_memory_is_busy)
{
	struct bench bench;
	struct bench_knobs knobs = open_guest();
	struct bounce_mapping inside;
	struct bounce_mapping direct;
	struct born born;

	bench_init(&bench, &knobs);
	become_protected(&bench);
	direct = map_ok(bench.queue[1], bench_buf(&bench, 0, 4096),
			BOUNCE_FROM_DEVICE);
	born = alloc_ok(bench.queue[0], 4096);
	expect_busy(&bench);
	inside = map_ok(bench.queue[0], born.buf, BOUNCE_TO_DEVICE);
	expect_busy(&bench);
	unmap_ok(bench.queue[0], &inside, 0);
	free_ok(bench.queue[0], &born);
	unmap_ok(bench.queue[1], &direct, 4096); /* it was left alone */
	cr_expect_eq(bounce_enter_secure(bench.bounce), BOUNCE_OK);
	negotiate(&bench);
	bench_fini(&bench);
}

Test(enter_secure, with_a_quarantine_is_busy)
{
	struct bench bench;
	struct bench_knobs knobs = open_guest();
	struct born born;

	bench_init(&bench, &knobs);
	become_protected(&bench);
	born = alloc_ok(bench.queue[0], 4096);
	bounce_device_revoke(bench.device[0]);
	expect_busy(&bench);
	cr_assert_eq(bounce_device_quiesced(bench.device[0]), BOUNCE_OK);
	cr_expect_not(bounce_mapping_valid(bench.queue[0], &born.handle));
	cr_expect_eq(bounce_enter_secure(bench.bounce), BOUNCE_OK);
	negotiate(&bench);
	bench_fini(&bench);
}

/* M1: the unmap left it to the sync. */
Test(enter_secure, with_a_run_that_a_sync_still_holds_is_busy)
{
	struct bench bench;
	struct bench_knobs knobs = open_guest();
	struct bounce_mapping mapping;
	struct bounce_record *record;
	struct record_about about;

	knobs.info.flags = BOUNCE_DEVICE_FORCE;
	bench_init(&bench, &knobs);
	become_protected(&bench);
	mapping = map_ok(bench.queue[0], bench_buf(&bench, 0, 5000),
			 BOUNCE_TO_DEVICE);
	record = &bench.bounce->record[mapping.record];
	about = record_unpack(
		atomic_load_explicit(&record->about, memory_order_relaxed));
	cr_assert_eq(bounce_record_pin(record,
				       mapping.key & RECORD_GENERATION_MAX),
		     BOUNCE_OK);
	unmap_ok(bench.queue[0], &mapping, 0);
	expect_busy(&bench);
	bounce_mapping_leave(bench.bounce, mapping.record, &about, 0);
	cr_expect_eq(bounce_enter_secure(bench.bounce), BOUNCE_OK);
	negotiate(&bench);
	bench_fini(&bench);
}

Test(enter_secure, shares_no_slab_that_was_not_grown)
{
	struct bench bench;
	struct bench_knobs knobs = open_guest();

	knobs.grown = 1;
	bench_init(&bench, &knobs);
	become_protected(&bench);
	cr_expect_eq(bounce_enter_secure(bench.bounce), BOUNCE_OK);
	cr_expect(slab_is_shared(&bench, 0));
	cr_expect_eq(fake_machine_shared_bytes(&bench.machine),
		     bench.slab_bytes);
	negotiate(&bench);
	bench_fini(&bench);
}

/* ---- HOST and LOST ---- */

Test(enter_secure, of_a_guest_that_is_not_protected_changes_nothing)
{
	struct bench bench;
	struct bench_knobs knobs = open_guest();
	struct bounce_mapping mapping;
	struct picture before;

	bench_init(&bench, &knobs);
	mapping = map_ok(bench.queue[0], bench_buf(&bench, 0, 100),
			 BOUNCE_FROM_DEVICE);
	before = picture_take(&bench);
	cr_expect_eq(bounce_enter_secure(bench.bounce), BOUNCE_ERR_HOST);
	cr_expect(picture_same(&before));
	picture_drop(&before);
	bench.machine.protection = BOUNCE_PROTECTION_UNKNOWN;
	cr_expect_eq(bounce_enter_secure(bench.bounce), BOUNCE_ERR_HOST);
	cr_expect_eq(calls(&bench, FAKE_SHARE), 0);
	unmap_ok(bench.queue[0], &mapping, 100);
	bench.machine.protection = BOUNCE_PROTECTION_NO;
	bounce_epoch_advance(bench.bounce);
	bench_fini(&bench);
}

/* The @n-th call of a kind goes wrong on the way. */
static void fail_at(struct bench *bench, enum fake_call call, uint32_t n,
		    enum bounce_step step)
{
	const struct fake_fault fault = {
		.call = call,
		.first = n,
		.times = step == BOUNCE_STEP_RETRY ? 65 : 1,
		.step = step,
		.truth = step == BOUNCE_STEP_UNKNOWN ? 3 : 0,
	};

	cr_assert(fake_machine_fail(&bench->machine, &fault));
}

/* Its own slab is private and retired; the other is shared; all refused. */
static void expect_one_retired(struct bench *bench, uint32_t slab)
{
	struct bounce_pool_stats stats;
	struct bounce_mapping mapping;
	struct bounce_buf buf = bench_buf(bench, 0, 100);

	cr_expect(bounce_valid(bench->bounce));
	cr_expect_not(slab_is_shared(bench, slab));
	cr_expect(slab_is_shared(bench, 1 - slab));
	cr_expect_eq(fake_machine_shared_bytes(&bench->machine),
		     bench->slab_bytes);
	bounce_pool_stats(bench->pool, &stats);
	cr_expect_eq(stats.slabs, 1);
	cr_expect_eq(stats.lost_bytes, 0);
	for (uint32_t i = 0; i < 2; i++)
		cr_expect_eq(bounce_map(bench->queue[i], &buf, BOUNCE_TO_DEVICE,
					&mapping),
			     BOUNCE_ERR_REFUSED);
	negotiate(bench);
	expect_bounces(bench, 0);
	/* It may be grown again. */
	cr_expect_eq(bench_grow(bench, slab), BOUNCE_OK);
}

Test(enter_secure, a_slab_that_cannot_be_shared_is_retired)
{
	for (uint32_t n = 0; n < SLABS * CALLS_PER_SLAB; n++)
		for (uint32_t retry = 0; retry < 2; retry++) {
			struct bench bench;
			struct bench_knobs knobs = open_guest();
			struct bounce_mapping direct;

			bench_init(&bench, &knobs);
			direct = map_ok(bench.queue[0],
					bench_buf(&bench, 0, 100),
					BOUNCE_FROM_DEVICE);
			become_protected(&bench);
			fail_at(&bench, FAKE_SHARE, n,
				retry != 0 ? BOUNCE_STEP_RETRY :
					     BOUNCE_STEP_UNCHANGED);
			cr_expect_eq(bounce_enter_secure(bench.bounce),
				     BOUNCE_ERR_HOST, "call %u", n);
			cr_expect_not(
				bounce_mapping_valid(bench.queue[0], &direct));
			expect_one_retired(&bench, n / CALLS_PER_SLAB);
			bench_fini(&bench);
		}
}

/* Pages that are shared in truth and not the pool's are all counted. */
static void expect_lost_but_counted(struct bench *bench)
{
	struct bounce_pool_stats stats;
	uint64_t believed;

	bounce_pool_stats(bench->pool, &stats);
	cr_expect_geq(stats.lost_bytes, 4096);
	believed = stats.slots * 4096 + stats.lost_bytes;
	cr_expect_leq(fake_machine_shared_bytes(&bench->machine), believed);
	cr_expect_eq(fake_machine_wrongs(&bench->machine), 0);
	cr_expect(bounce_valid(bench->bounce));
}

Test(enter_secure, a_page_of_unknown_state_is_lost_and_the_slab_with_it)
{
	for (uint32_t n = 0; n < SLABS * CALLS_PER_SLAB; n++) {
		struct bench bench;
		struct bench_knobs knobs = open_guest();

		bench_init(&bench, &knobs);
		become_protected(&bench);
		fail_at(&bench, FAKE_SHARE, n, BOUNCE_STEP_UNKNOWN);
		cr_expect_eq(bounce_enter_secure(bench.bounce), BOUNCE_ERR_LOST,
			     "call %u", n);
		expect_lost_but_counted(&bench);
		cr_expect(slab_is_shared(&bench, 1 - n / CALLS_PER_SLAB));
		negotiate(&bench);
		expect_bounces(&bench, 0);
		cr_expect_eq(slots_free(&bench), 64);
		bench_discard(&bench);
	}
}

Test(enter_secure, a_page_that_cannot_be_unshared_is_lost)
{
	for (uint32_t n = 0; n < SLABS * CALLS_PER_SLAB; n++) {
		struct bench bench;
		struct bench_knobs knobs = open_guest();

		bench_init(&bench, &knobs);
		become_protected(&bench);
		cr_assert_eq(bounce_enter_secure(bench.bounce), BOUNCE_OK);
		fail_at(&bench, FAKE_UNSHARE, n, BOUNCE_STEP_UNCHANGED);
		cr_expect_eq(bounce_enter_secure(bench.bounce), BOUNCE_ERR_LOST,
			     "call %u", n);
		expect_lost_but_counted(&bench);
		cr_expect(slab_is_shared(&bench, 1 - n / CALLS_PER_SLAB));
		bench_discard(&bench);
	}
}

Test(enter_secure, lost_is_said_also_when_another_slab_was_only_refused)
{
	for (uint32_t first = 0; first < 2; first++) {
		struct bench bench;
		struct bench_knobs knobs = open_guest();

		bench_init(&bench, &knobs);
		become_protected(&bench);
		fail_at(&bench, FAKE_SHARE, 0,
			first == 0 ? BOUNCE_STEP_UNKNOWN :
				     BOUNCE_STEP_UNCHANGED);
		fail_at(&bench, FAKE_SHARE, 1,
			first == 0 ? BOUNCE_STEP_UNCHANGED :
				     BOUNCE_STEP_UNKNOWN);
		cr_expect_eq(bounce_enter_secure(bench.bounce),
			     BOUNCE_ERR_LOST);
		expect_lost_but_counted(&bench);
		bench_discard(&bench);
	}
}

/* R5: the last generation of its record has ended, and it stays claimed. */
static void wear_out_a_slot(struct bench *bench)
{
	const struct bounce_buf buf = bench_buf(bench, 0, 4096);
	struct bounce_mapping mapping;

	mapping = map_ok(bench->queue[0], buf, BOUNCE_TO_DEVICE);
	unmap_ok(bench->queue[0], &mapping, 0);
	atomic_store(&bench->bounce->record[mapping.record].state,
		     record_word(RECORD_GENERATION_MAX - 1, RECORD_FREE));
	mapping = map_ok(bench->queue[0], buf, BOUNCE_TO_DEVICE);
	unmap_ok(bench->queue[0], &mapping, 0);
	cr_assert_eq(slots_free(bench), SLABS * 64 - 1);
}

/* Nothing of it would be shared, and slots be handed out. */
Test(enter_secure, a_slab_with_a_slot_that_never_comes_back_is_not_used_on)
{
	struct bench bench;
	struct bench_knobs knobs = open_guest();
	struct bounce_pool_stats stats;

	knobs.info.flags = BOUNCE_DEVICE_FORCE;
	bench_init(&bench, &knobs);
	wear_out_a_slot(&bench);
	become_protected(&bench);
	cr_expect_eq(bounce_enter_secure(bench.bounce), BOUNCE_ERR_LOST);
	cr_expect_not(slab_is_shared(&bench, 0));
	cr_expect(slab_is_shared(&bench, 1));
	bounce_pool_stats(bench.pool, &stats);
	cr_expect_eq(stats.slabs, 1);
	cr_expect(bounce_valid(bench.bounce));
	cr_expect_eq(bench_grow(&bench, 0), BOUNCE_ERR_ARG, "it is kept");
	negotiate(&bench);
	expect_bounces(&bench, 0);
	cr_expect_eq(fake_machine_wrongs(&bench.machine), 0);
	bench_discard(&bench);
}

Test(enter_secure, of_a_dead_instance_changes_nothing)
{
	struct bench bench;
	struct bench_knobs knobs = open_guest();
	struct bounce_pool_stats stats;

	bench_init(&bench, &knobs);
	become_protected(&bench);
	bounce_mark_dead(bench.bounce);
	cr_expect_eq(bounce_enter_secure(bench.bounce), BOUNCE_ERR_DEAD);
	bounce_pool_stats(bench.pool, &stats);
	cr_expect_eq(stats.slabs, SLABS);
	bench_fini(&bench);
}
