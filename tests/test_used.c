/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_used.c - the used-element check, against a device that lies (S3, S7).
 *
 * lib/used.c is compiled in here with another door to shared memory: it counts
 * the reads, and changes what was read as soon as it was read. So a number that
 * is fetched twice is two numbers, every time.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "support.h"

static uint16_t watched_le16(const unsigned char *shared);
static void watched_copy_out(void *private, const unsigned char *shared,
			     size_t len);
#define bounce_copy_le16 watched_le16
#define bounce_copy_out watched_copy_out
#include "used.c"
#undef bounce_copy_le16
#undef bounce_copy_out

#define ENTRIES 8u
#define BIG_RING 32768u

/* A ring, the device that writes it, and the check. Found from any address in
 * the ring by alignment. */
#define RIG_ALIGN (UINT64_C(1) << 20)
struct rig {
	uint32_t entries;
	uint32_t idx_reads;
	uint32_t element_reads;
	uint16_t idx; /* the device's own */
	bool flip; /* change what was read */
	struct bounce_used *used;
	void *memory;
	_Alignas(8) unsigned char ring[4 + 8 * BIG_RING];
};

static struct rig *rig_of(const unsigned char *shared)
{
	return (struct rig *)((uintptr_t)shared & ~(RIG_ALIGN - 1));
}

static uint16_t watched_le16(const unsigned char *shared)
{
	struct rig *rig = rig_of(shared);
	uint16_t v = (uint16_t)(shared[0] | shared[1] << 8);

	cr_assert_eq(shared - rig->ring, 2, "only idx is a 16-bit number");
	rig->idx_reads++;
	if (rig->flip)
		rig->ring[3] ^= 0xff;
	return v;
}

static void watched_copy_out(void *private, const unsigned char *shared,
			     size_t len)
{
	struct rig *rig = rig_of(shared);
	size_t at = (size_t)(shared - rig->ring);

	cr_assert(len == 8 && at >= 4 && (at - 4) % 8 == 0 &&
			  (at - 4) / 8 < rig->entries,
		  "copies %zu bytes at %zu", len, at);
	memcpy(private, shared, len);
	rig->element_reads++;
	if (rig->flip)
		memset(rig->ring + at, 0xff, len);
}

static struct rig *rig_make(uint32_t entries)
{
	struct rig *rig = aligned_alloc(RIG_ALIGN, RIG_ALIGN);

	cr_assert_not_null(rig);
	memset(rig, 0, sizeof(*rig));
	rig->entries = entries;
	rig->memory = malloc(bounce_used_size(entries));
	cr_assert_eq(bounce_used_init(rig->memory, bounce_used_size(entries),
				      entries, rig->ring, &rig->used),
		     BOUNCE_OK);
	return rig;
}

static void rig_end(struct rig *rig)
{
	cr_expect(bounce_used_valid(rig->used));
	free(rig->memory);
	free(rig);
}

static void write_idx(struct rig *rig, uint16_t idx)
{
	rig->idx = idx;
	rig->ring[2] = (unsigned char)idx;
	rig->ring[3] = (unsigned char)(idx >> 8);
}

/* The device writes an element, and moves idx past it. */
static void report(struct rig *rig, uint32_t id, uint32_t len)
{
	unsigned char *at = rig->ring + 4 + 8 * (rig->idx % rig->entries);

	for (unsigned i = 0; i < 4; i++) {
		at[i] = (unsigned char)(id >> 8 * i);
		at[4 + i] = (unsigned char)(len >> 8 * i);
	}
	write_idx(rig, (uint16_t)(rig->idx + 1));
}

static void post(struct rig *rig, uint32_t head, uint32_t writable)
{
	cr_assert_eq(bounce_used_post(rig->used, head, writable,
				      UINT64_C(0xc00c1e0000000000) + head),
		     BOUNCE_OK, "head %u", head);
}

static void expect_done(struct rig *rig, uint32_t head, uint32_t written)
{
	struct bounce_completion done;

	cr_assert_eq(bounce_virtio_used(rig->used, &done), BOUNCE_OK);
	cr_assert_eq(done.head, head);
	cr_assert_eq(done.written, written);
	cr_assert_eq(done.cookie, UINT64_C(0xc00c1e0000000000) + head);
	cr_assert_eq(done.reserved, 0);
}

/* The answer, and that nothing was written. */
static enum bounce_err ask(struct rig *rig)
{
	struct bounce_completion done;
	struct bounce_completion before;
	enum bounce_err err;

	memset(&done, 0x5a, sizeof(done));
	before = done;
	err = bounce_virtio_used(rig->used, &done);
	cr_expect(err == BOUNCE_OK || memcmp(&done, &before, sizeof(done)) == 0,
		  "written on failure");
	return err;
}

/* ---- init and post ---- */

Test(used_size, is_for_powers_of_two_up_to_32768)
{
	cr_expect_gt(bounce_used_size(1), 0);
	cr_expect_gt(bounce_used_size(BIG_RING), 16 * BIG_RING);
	cr_expect_eq(bounce_used_size(0), 0);
	cr_expect_eq(bounce_used_size(3), 0);
	cr_expect_eq(bounce_used_size(65536), 0);
	cr_expect_eq(bounce_used_size(UINT32_C(1) << 31), 0);
	cr_expect_eq(bounce_used_size(UINT32_MAX), 0);
}

Test(used_init, refuses_bad_memory_and_bad_rings_and_writes_nothing)
{
	struct rig *rig = rig_make(ENTRIES);
	size_t need = bounce_used_size(ENTRIES);
	_Alignas(8) unsigned char memory[1024];
	struct bounce_used *used = NULL;

	cr_assert_leq(need + 8, sizeof(memory));
	memset(memory, 0x5a, sizeof(memory));
	cr_expect_eq(bounce_used_init(NULL, need, 8, rig->ring, &used),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_used_init(memory + 4, need, 8, rig->ring, &used),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_used_init(memory, need - 1, 8, rig->ring, &used),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_used_init(memory, 1024, 7, rig->ring, &used),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_used_init(memory, 1024, 0, rig->ring, &used),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_used_init(memory, need, 8, NULL, &used),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_used_init(memory, need, 8, rig->ring + 2, &used),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_used_init(memory, need, 8, rig->ring, NULL),
		     BOUNCE_ERR_ARG);
	cr_expect_null(used);
	for (size_t i = 0; i < sizeof(memory); i++)
		cr_assert_eq(memory[i], 0x5a, "byte %zu", i);
	cr_expect_eq(bounce_used_init(memory, need, 8, rig->ring, &used),
		     BOUNCE_OK);
	cr_expect_eq(memory[need], 0x5a, "more than its size is written");
	rig_end(rig);
}

Test(used_post, refuses_heads_out_of_range_and_outstanding_ones)
{
	struct rig *rig = rig_make(ENTRIES);

	cr_expect_eq(bounce_used_post(rig->used, ENTRIES, 1, 0),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_used_post(rig->used, 65536, 1, 0), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_used_post(rig->used, UINT32_MAX, 1, 0),
		     BOUNCE_ERR_ARG);
	post(rig, 3, 100);
	cr_expect_eq(bounce_used_post(rig->used, 3, 999, 0), BOUNCE_ERR_BUSY);
	cr_expect_eq(bounce_used_outstanding(rig->used), 1);
	/* Nothing changed: cookie and length are those of the first. */
	report(rig, 3, 100);
	expect_done(rig, 3, 100);
	rig_end(rig);
}

/* ---- the honest device ---- */

Test(virtio_used, hands_out_each_completion_once_in_the_devices_order)
{
	struct rig *rig = rig_make(ENTRIES);

	cr_expect_eq(ask(rig), BOUNCE_ERR_BUSY);
	for (uint32_t head = 0; head < ENTRIES; head++)
		post(rig, head, 10 * head);
	cr_expect_eq(ask(rig), BOUNCE_ERR_BUSY);
	for (uint32_t head = ENTRIES; head-- > 0;)
		report(rig, head, 9 * head);
	for (uint32_t head = ENTRIES; head-- > 0;) {
		expect_done(rig, head, 9 * head);
		cr_expect_eq(bounce_used_outstanding(rig->used), head);
	}
	cr_expect_eq(ask(rig), BOUNCE_ERR_BUSY);
	rig_end(rig);
}

Test(virtio_used, follows_idx_through_its_wrap_at_65536)
{
	struct rig *rig = rig_make(ENTRIES);

	for (uint32_t nth = 0; nth < 3 * 65536; nth++) {
		post(rig, nth % ENTRIES, nth);
		report(rig, nth % ENTRIES, nth);
		expect_done(rig, nth % ENTRIES, nth);
	}
	cr_expect_eq(ask(rig), BOUNCE_ERR_BUSY);
	rig_end(rig);
}

Test(virtio_used, takes_a_ring_of_32768_that_is_full_again_and_again)
{
	struct rig *rig = rig_make(BIG_RING);

	for (uint32_t round = 0; round < 5; round++) {
		for (uint32_t i = 0; i < BIG_RING; i++)
			post(rig, i, i);
		cr_expect(bounce_used_valid(rig->used));
		for (uint32_t i = 0; i < BIG_RING; i++)
			report(rig, i ^ 0x2a5a, 0);
		for (uint32_t i = 0; i < BIG_RING; i++)
			expect_done(rig, i ^ 0x2a5a, 0);
		cr_expect_eq(ask(rig), BOUNCE_ERR_BUSY);
	}
	rig_end(rig);
}

/* ---- the lying device ---- */

/* The answer to a lie; it must stick, whatever the ring says afterwards. */
static void expect_broken(struct rig *rig, enum bounce_err want)
{
	uint32_t outstanding = bounce_used_outstanding(rig->used);
	uint32_t reads;

	cr_expect_eq(ask(rig), want);
	reads = rig->idx_reads + rig->element_reads;
	for (uint16_t idx = 0; idx < 4; idx++) {
		write_idx(rig, idx);
		cr_expect_eq(ask(rig), want, "it does not stick");
	}
	cr_expect_eq(rig->idx_reads + rig->element_reads, reads,
		     "a broken ring is read");
	cr_expect_eq(bounce_used_outstanding(rig->used), outstanding);
	cr_expect(bounce_used_valid(rig->used));
	/* Until the device is reset. */
	write_idx(rig, 0);
	cr_expect_eq(bounce_used_init(rig->memory,
				      bounce_used_size(rig->entries),
				      rig->entries, rig->ring, &rig->used),
		     BOUNCE_OK);
	cr_expect_eq(bounce_used_outstanding(rig->used), 0);
	post(rig, 0, 1);
	report(rig, 0, 1);
	expect_done(rig, 0, 1);
	rig_end(rig);
}

Test(virtio_used, breaks_when_idx_runs_ahead_of_what_is_outstanding)
{
	const uint16_t lies[] = { 3, 8, 9, 0x7fff, 0x8000, 0xffff };

	for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct rig *rig = rig_make(ENTRIES);

		post(rig, 1, 1);
		post(rig, 2, 1);
		write_idx(rig, lies[i]);
		expect_broken(rig, BOUNCE_ERR_RANGE);
	}
}

Test(virtio_used, breaks_when_idx_moves_and_nothing_is_outstanding)
{
	struct rig *rig = rig_make(ENTRIES);

	write_idx(rig, 1);
	expect_broken(rig, BOUNCE_ERR_RANGE);
}

Test(virtio_used, breaks_on_an_id_that_is_not_below_the_ring_size)
{
	const uint32_t lies[] = { ENTRIES,   255,      256 + 1,
				  65536 + 1, 1u << 31, UINT32_MAX };

	for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct rig *rig = rig_make(ENTRIES);

		post(rig, 1, 1);
		report(rig, lies[i], 0);
		expect_broken(rig, BOUNCE_ERR_RANGE);
	}
}

Test(virtio_used, breaks_on_a_head_that_was_never_posted)
{
	struct rig *rig = rig_make(ENTRIES);

	post(rig, 1, 1);
	report(rig, 2, 0);
	expect_broken(rig, BOUNCE_ERR_STALE);
}

Test(virtio_used, breaks_on_a_head_that_is_completed_twice)
{
	struct rig *rig = rig_make(ENTRIES);

	post(rig, 1, 1);
	post(rig, 2, 1);
	report(rig, 1, 0);
	report(rig, 1, 0);
	expect_done(rig, 1, 0);
	expect_broken(rig, BOUNCE_ERR_STALE);
}

Test(virtio_used, breaks_on_more_bytes_than_the_chain_can_take)
{
	const uint32_t lies[] = { 101, 256 + 100, 65536 + 100, 1u << 31,
				  UINT32_MAX };

	for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct rig *rig = rig_make(ENTRIES);

		post(rig, 5, 100);
		report(rig, 5, lies[i]);
		expect_broken(rig, BOUNCE_ERR_LENGTH);
	}
}

Test(virtio_used, takes_any_length_when_four_gigabytes_less_one_are_posted)
{
	struct rig *rig = rig_make(1);

	post(rig, 0, UINT32_MAX);
	report(rig, 0, UINT32_MAX);
	expect_done(rig, 0, UINT32_MAX);
	post(rig, 0, 0);
	report(rig, 0, 0);
	expect_done(rig, 0, 0);
	rig_end(rig);
}

/* ---- each number is read once ---- */

Test(virtio_used, reads_idx_once_and_the_element_once)
{
	struct rig *rig = rig_make(ENTRIES);

	cr_expect_eq(ask(rig), BOUNCE_ERR_BUSY);
	cr_expect_eq(rig->idx_reads, 1);
	cr_expect_eq(rig->element_reads, 0);
	post(rig, 6, 50);
	report(rig, 6, 50);
	expect_done(rig, 6, 50);
	cr_expect_eq(rig->idx_reads, 2);
	cr_expect_eq(rig->element_reads, 1);
	rig_end(rig);
}

Test(virtio_used, uses_the_numbers_it_checked_when_the_device_changes_them)
{
	struct rig *rig = rig_make(ENTRIES);

	rig->flip = true;
	for (uint32_t nth = 0; nth < 1000; nth++) {
		post(rig, nth % ENTRIES, 50);
		report(rig, nth % ENTRIES, 50);
		expect_done(rig, nth % ENTRIES, 50);
	}
	rig_end(rig);
}

Test(virtio_used, only_reads_the_ring)
{
	struct rig *rig = rig_make(ENTRIES);
	unsigned char before[4 + 8 * ENTRIES];

	memset(rig->ring, 0x77, sizeof(rig->ring));
	write_idx(rig, 0);
	post(rig, 1, 9);
	report(rig, 1, 9);
	memcpy(before, rig->ring, sizeof(before));
	expect_done(rig, 1, 9);
	cr_expect_eq(ask(rig), BOUNCE_ERR_BUSY);
	cr_expect_eq(memcmp(before, rig->ring, sizeof(before)), 0);
	rig_end(rig);
}

/* ---- anything at all, against a model ---- */

struct model_ring {
	bool outstanding[64];
	uint32_t writable[64];
	uint32_t count;
	uint16_t taken;
	enum bounce_err broken;
};

/* What the check must say to the ring as it is; steps the model. */
static enum bounce_err model_answer(struct model_ring *model,
				    const struct rig *rig, uint32_t *id)
{
	const unsigned char *at = rig->ring + 4 +
				  8 * (model->taken % rig->entries);
	uint32_t ahead = (rig->idx - model->taken) & 0xffffu;
	uint32_t len;

	if (model->broken != BOUNCE_OK)
		return model->broken;
	if (ahead == 0)
		return BOUNCE_ERR_BUSY;
	*id = at[0] + at[1] * 0x100u + at[2] * 0x10000u + at[3] * 0x1000000u;
	len = at[4] + at[5] * 0x100u + at[6] * 0x10000u + at[7] * 0x1000000u;
	if (ahead > model->count || *id >= rig->entries)
		model->broken = BOUNCE_ERR_RANGE;
	else if (!model->outstanding[*id])
		model->broken = BOUNCE_ERR_STALE;
	else if (len > model->writable[*id])
		model->broken = BOUNCE_ERR_LENGTH;
	if (model->broken != BOUNCE_OK)
		return model->broken;
	model->outstanding[*id] = false;
	model->count--;
	model->taken++;
	return BOUNCE_OK;
}

/* Mostly honest, so that it lives long enough to be interesting. */
static void device_step(struct rig *rig, const struct model_ring *model,
			uint64_t *seed)
{
	uint32_t id = (uint32_t)bench_below(seed, rig->entries);
	uint32_t fair = (uint32_t)bench_below(seed, model->writable[id] + 1);

	switch (bench_below(seed, 200)) {
	case 0:
		report(rig, id + (rig->entries << bench_below(seed, 26)), fair);
		break;
	case 1:
		write_idx(rig, (uint16_t)bench_random(seed));
		break;
	case 2:
		rig->ring[4 + bench_below(seed, 8 * rig->entries)] ^= 0x10;
		break;
	case 3:
		report(rig, id, (uint32_t)bench_random(seed));
		break;
	case 4:
		report(rig, id, fair);
		break;
	default:
		if (model->outstanding[id] && rig->idx == model->taken)
			report(rig, id, fair);
	}
}

Test(virtio_used, agrees_with_a_model_whatever_stands_in_the_ring)
{
	struct rig *rig = rig_make(64);
	struct model_ring model = { .broken = BOUNCE_OK };
	uint64_t seed = 1;
	uint32_t taken = 0;
	uint32_t lies = 0;

	for (uint32_t step = 0; step < 100000; step++) {
		uint32_t head = (uint32_t)bench_below(&seed, 64);
		struct bounce_completion done;
		enum bounce_err want;
		uint32_t id = 0;

		if (!model.outstanding[head]) {
			model.outstanding[head] = true;
			model.writable[head] = (uint32_t)bench_below(&seed,
								     70000);
			model.count++;
			post(rig, head, model.writable[head]);
		}
		device_step(rig, &model, &seed);
		want = model_answer(&model, rig, &id);
		cr_assert_eq(bounce_virtio_used(rig->used, &done), want,
			     "step %u", step);
		cr_assert(want != BOUNCE_OK || done.head == id, "step %u",
			  step);
		cr_assert_eq(bounce_used_outstanding(rig->used), model.count);
		taken += want == BOUNCE_OK;
		if (model.broken == BOUNCE_OK)
			continue;
		lies++;
		model = (struct model_ring) { .broken = BOUNCE_OK };
		write_idx(rig, 0);
		cr_assert_eq(bounce_used_init(rig->memory, bounce_used_size(64),
					      64, rig->ring, &rig->used),
			     BOUNCE_OK);
	}
	cr_expect_gt(taken, 10000);
	cr_expect_gt(lies, 100);
	rig_end(rig);
}

/* ---- bounce_used_valid() ---- */

Test(used_valid, every_damage_is_seen)
{
	struct rig *rig = rig_make(ENTRIES);
	struct bounce_used good;

	post(rig, 3, 100);
	memcpy(&good, rig->used, sizeof(good));
	rig->used->entries = 0;
	cr_expect_not(bounce_used_valid(rig->used), "no ring");
	rig->used->entries = ENTRIES_MAX + 1;
	cr_expect_not(bounce_used_valid(rig->used), "too large");
	memcpy(rig->used, &good, sizeof(good));
	rig->used->ring = NULL;
	cr_expect_not(bounce_used_valid(rig->used), "a ring nowhere");
	memcpy(rig->used, &good, sizeof(good));
	rig->used->outstanding = 2;
	cr_expect_not(bounce_used_valid(rig->used), "one too many");
	memcpy(rig->used, &good, sizeof(good));
	rig->used->batch = 1;
	cr_expect_not(bounce_used_valid(rig->used), "a batch, not in order");
	rig->used->in_order = true;
	cr_expect(bounce_used_valid(rig->used));
	rig->used->batch = 2;
	cr_expect_not(bounce_used_valid(rig->used), "more than outstanding");
	memcpy(rig->used, &good, sizeof(good));
	rig->used->packed = true;
	rig->used->free = ENTRIES - 1;
	cr_expect(bounce_used_valid(rig->used));
	rig->used->free = ENTRIES;
	cr_expect_not(bounce_used_valid(rig->used), "a descriptor too many");
	memcpy(rig->used, &good, sizeof(good));
	rig_end(rig);
}
