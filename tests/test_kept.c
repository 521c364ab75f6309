/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_kept.c - the record that stays with born-shared memory after a mapping
 * (R7 to R9): who gets it next, and that it is in nobody's way.
 */
#include <criterion/criterion.h>

#include "instance.h"
#include "support.h"

struct born {
	struct bounce_buf buf;
	struct bounce_mapping handle;
};

static struct born alloc_ok(struct bench *bench)
{
	struct born born;

	cr_assert_eq(bounce_alloc(bench->queue[0], 4096, 0, 0, &born.buf,
				  &born.handle),
		     BOUNCE_OK);
	return born;
}

static struct bounce_mapping map_ok(struct bench *bench,
				    const struct born *born)
{
	struct bounce_mapping mapping;

	cr_assert_eq(bounce_map(bench->queue[0], &born->buf,
				BOUNCE_BIDIRECTIONAL, &mapping),
		     BOUNCE_OK);
	return mapping;
}

static void unmap_ok(struct bench *bench, const struct bounce_mapping *mapping)
{
	cr_assert_eq(bounce_unmap(bench->queue[0], mapping, 0), BOUNCE_OK);
}

static uint64_t state_of(const struct bench *bench, uint32_t record)
{
	return atomic_load_explicit(&bench->bounce->record[record].state,
				    memory_order_relaxed);
}

static unsigned direct_in_use(const struct bench *bench)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < bounce_words(bench->bounce->config.direct);
	     i++)
		count += bounce_count(atomic_load_explicit(
			&bench->bounce->direct_busy[i].bits,
			memory_order_relaxed));
	return count;
}

static void begin(struct bench *bench, uint32_t direct)
{
	struct bench_knobs knobs = bench_usual();

	knobs.direct = direct;
	bench_init(bench, &knobs);
}

/* All of it was given back. */
static void end(struct bench *bench)
{
	struct bounce_pool_stats stats;

	bounce_pool_stats(bench->pool, &stats);
	cr_expect_eq(stats.slots_free, 256);
	cr_expect_eq(direct_in_use(bench), 0);
	bench_fini(bench);
}

Test(kept, memory_that_is_mapped_again_has_the_record_of_the_time_before)
{
	struct bounce_mapping first;
	struct bounce_mapping second;
	struct bench bench;
	struct born born;

	begin(&bench, 16);
	born = alloc_ok(&bench);
	first = map_ok(&bench, &born);
	unmap_ok(&bench, &first);
	cr_expect_eq(state_of(&bench, first.record) & RECORD_STATE_MASK,
		     RECORD_KEPT);
	second = map_ok(&bench, &born);
	cr_expect_eq(second.record, first.record);
	cr_expect_neq(second.key, first.key);
	cr_expect_eq(direct_in_use(&bench), 1);
	unmap_ok(&bench, &second);
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle), BOUNCE_OK);
	end(&bench);
}

Test(kept, a_handle_of_the_time_before_is_stale)
{
	struct bounce_mapping first;
	struct bounce_mapping second;
	struct bench bench;
	struct born born;

	begin(&bench, 16);
	born = alloc_ok(&bench);
	first = map_ok(&bench, &born);
	unmap_ok(&bench, &first);
	cr_expect_eq(bounce_unmap(bench.queue[0], &first, 0), BOUNCE_ERR_STALE);
	second = map_ok(&bench, &born);
	cr_expect_eq(bounce_unmap(bench.queue[0], &first, 0), BOUNCE_ERR_STALE);
	unmap_ok(&bench, &second);
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle), BOUNCE_OK);
	end(&bench);
}

Test(kept, two_mappings_at_once_have_two_records_and_one_stays)
{
	struct bounce_mapping mapping[2];
	struct bench bench;
	struct born born;

	for (int last = 0; last < 2; last++) {
		begin(&bench, 16);
		born = alloc_ok(&bench);
		mapping[0] = map_ok(&bench, &born);
		mapping[1] = map_ok(&bench, &born);
		cr_expect_neq(mapping[0].record, mapping[1].record);
		unmap_ok(&bench, &mapping[1 - last]);
		cr_expect_eq(bounce_free(bench.queue[0], &born.handle),
			     BOUNCE_ERR_BUSY);
		unmap_ok(&bench, &mapping[last]);
		cr_expect_eq(direct_in_use(&bench), 1);
		cr_expect_eq(bounce_free(bench.queue[0], &born.handle),
			     BOUNCE_OK);
		end(&bench);
	}
}

Test(kept, a_full_table_gives_what_is_kept_to_whoever_needs_one)
{
	enum {
		MEMORIES = 5
	};
	struct born born[MEMORIES];
	struct bounce_mapping mapping;
	struct bounce_mapping live[2];
	struct bench bench;

	begin(&bench, 2);
	for (int i = 0; i < MEMORIES; i++)
		born[i] = alloc_ok(&bench);
	for (int i = 0; i < 3 * MEMORIES; i++) {
		mapping = map_ok(&bench, &born[i % MEMORIES]);
		unmap_ok(&bench, &mapping);
	}
	for (int i = 0; i < 2; i++)
		live[i] = map_ok(&bench, &born[i]);
	cr_expect_eq(bounce_map(bench.queue[0], &born[2].buf,
				BOUNCE_BIDIRECTIONAL, &mapping),
		     BOUNCE_ERR_FULL, "what is live stays");
	for (int i = 0; i < 2; i++)
		unmap_ok(&bench, &live[i]);
	for (int i = 0; i < MEMORIES; i++)
		cr_expect_eq(bounce_free(bench.queue[0], &born[i].handle),
			     BOUNCE_OK);
	end(&bench);
}

Test(kept, a_record_that_was_taken_and_not_mapped_is_kept_again)
{
	struct bounce_segment segment[2];
	struct bounce_mapping mapping;
	struct bench bench;
	struct born born;

	begin(&bench, 1);
	born = alloc_ok(&bench);
	mapping = map_ok(&bench, &born);
	unmap_ok(&bench, &mapping);
	for (int i = 0; i < 2; i++)
		segment[i] = (struct bounce_segment) {
			.buf = born.buf,
			.how = BOUNCE_TO_DEVICE,
		};
	/* The second finds no record, so the first goes back. */
	cr_expect_eq(bounce_map_sg(bench.queue[0], segment, 2, 0),
		     BOUNCE_ERR_FULL);
	cr_expect_eq(state_of(&bench, mapping.record) & RECORD_STATE_MASK,
		     RECORD_KEPT);
	mapping = map_ok(&bench, &born);
	unmap_ok(&bench, &mapping);
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle), BOUNCE_OK);
	end(&bench);
}

Test(kept, a_record_that_was_new_and_not_mapped_goes_back)
{
	struct bounce_segment segment[2];
	struct bench bench;
	struct born born;

	begin(&bench, 1);
	born = alloc_ok(&bench);
	for (int i = 0; i < 2; i++)
		segment[i] = (struct bounce_segment) {
			.buf = born.buf,
			.how = BOUNCE_TO_DEVICE,
		};
	cr_expect_eq(bounce_map_sg(bench.queue[0], segment, 2, 0),
		     BOUNCE_ERR_FULL);
	cr_expect_eq(direct_in_use(&bench), 0);
	cr_expect_eq(bounce_free(bench.queue[0], &born.handle), BOUNCE_OK);
	end(&bench);
}

/* Taken from one memory for another, and then not needed: it is neither's. */
Test(kept, a_record_that_was_seized_and_not_mapped_is_nobodys)
{
	struct bounce_segment segment[2];
	struct bounce_mapping mapping;
	struct bench bench;
	struct born born[2];

	begin(&bench, 1);
	born[0] = alloc_ok(&bench);
	born[1] = alloc_ok(&bench);
	mapping = map_ok(&bench, &born[0]);
	unmap_ok(&bench, &mapping);
	for (int i = 0; i < 2; i++)
		segment[i] = (struct bounce_segment) {
			.buf = born[1].buf,
			.how = BOUNCE_TO_DEVICE,
		};
	cr_expect_eq(bounce_map_sg(bench.queue[0], segment, 2, 0),
		     BOUNCE_ERR_FULL);
	cr_expect_eq(direct_in_use(&bench), 0);
	cr_expect_eq(state_of(&bench, mapping.record) & RECORD_STATE_MASK,
		     RECORD_FREE);
	for (int i = 0; i < 2; i++)
		cr_expect_eq(bounce_free(bench.queue[0], &born[i].handle),
			     BOUNCE_OK);
	end(&bench);
}

Test(kept, what_is_kept_does_not_stop_a_commit)
{
	struct bounce_mapping mapping;
	struct bounce_mapping inside;
	struct bounce_buf buf;
	struct bench bench;

	begin(&bench, 16);
	cr_assert_eq(bounce_reserve(bench.queue[0], 4096, &buf, &mapping),
		     BOUNCE_OK);
	cr_assert_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE,
				&inside),
		     BOUNCE_OK);
	unmap_ok(&bench, &inside);
	cr_assert_eq(bounce_commit(bench.queue[0], &mapping, 100), BOUNCE_OK);
	cr_expect_eq(direct_in_use(&bench), 0);
	cr_expect_eq(atomic_load_explicit(
			     &bench.bounce->record[mapping.record].target,
			     memory_order_relaxed),
		     0, "a mapping without a private buffer");
	unmap_ok(&bench, &mapping);
	end(&bench);
}

Test(kept, a_revoked_device_keeps_none)
{
	struct bounce_mapping mapping;
	struct bench bench;
	struct born born[2];

	begin(&bench, 16);
	for (int i = 0; i < 2; i++)
		born[i] = alloc_ok(&bench);
	/* One is mapped still, and one no longer. */
	mapping = map_ok(&bench, &born[0]);
	unmap_ok(&bench, &mapping);
	mapping = map_ok(&bench, &born[1]);
	bounce_device_revoke(bench.device[0]);
	cr_expect_eq(bounce_unmap(bench.queue[0], &mapping, 0),
		     BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_device_quiesced(bench.device[0]), BOUNCE_OK);
	end(&bench);
}

Test(kept, a_record_without_a_generation_left_is_not_kept)
{
	struct bounce_mapping mapping;
	struct bench bench;
	struct born born;

	for (int before = 0; before < 2; before++) {
		begin(&bench, 16);
		born = alloc_ok(&bench);
		mapping = map_ok(&bench, &born);
		/* Named by its memory already, or not. */
		if (before != 0) {
			unmap_ok(&bench, &mapping);
			atomic_store_explicit(
				&bench.bounce->record[mapping.record].state,
				record_word(RECORD_GENERATION_MAX - 1,
					    RECORD_KEPT),
				memory_order_relaxed);
			mapping = map_ok(&bench, &born);
		} else {
			mapping.key += RECORD_GENERATION_MAX -
				       (mapping.key & RECORD_GENERATION_MAX);
			atomic_store_explicit(
				&bench.bounce->record[mapping.record].state,
				RECORD_GENERATION_MAX
						<< RECORD_GENERATION_SHIFT |
					RECORD_LIVE,
				memory_order_relaxed);
		}
		unmap_ok(&bench, &mapping);
		cr_expect_eq(state_of(&bench, mapping.record) &
				     RECORD_STATE_MASK,
			     RECORD_EXHAUSTED);
		cr_expect_eq(bounce_free(bench.queue[0], &born.handle),
			     BOUNCE_OK);
		cr_expect_eq(direct_in_use(&bench), 1, "out of use for ever");
		bench_fini(&bench);
	}
}

/* A stale hint names a record that is another memory's by now. */
Test(kept, what_another_memory_keeps_is_left_alone)
{
	struct bounce_mapping mapping;
	struct bench bench;
	struct born born[2];
	struct bounce_record *record;

	begin(&bench, 16);
	for (int i = 0; i < 2; i++)
		born[i] = alloc_ok(&bench);
	mapping = map_ok(&bench, &born[0]);
	unmap_ok(&bench, &mapping);
	record = &bench.bounce->record[born[1].handle.record];
	atomic_store_explicit(&record->target, (uint64_t)mapping.record + 1,
			      memory_order_relaxed);
	cr_expect_eq(bounce_kept_take(bench.bounce, born[1].handle.record,
				      born[1].handle.key &
					      RECORD_GENERATION_MAX),
		     UINT32_MAX);
	cr_expect_eq(state_of(&bench, mapping.record) & RECORD_STATE_MASK,
		     RECORD_KEPT);
	atomic_store_explicit(&record->target, 0, memory_order_relaxed);
	/* Nor is it for who has an older generation of its memory in mind. */
	cr_expect_eq(bounce_kept_take(
			     bench.bounce, born[0].handle.record,
			     (born[0].handle.key & RECORD_GENERATION_MAX) - 1),
		     UINT32_MAX);
	cr_expect_eq(state_of(&bench, mapping.record) & RECORD_STATE_MASK,
		     RECORD_KEPT);
	for (int i = 0; i < 2; i++)
		cr_expect_eq(bounce_free(bench.queue[0], &born[i].handle),
			     BOUNCE_OK);
	end(&bench);
}
