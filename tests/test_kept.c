/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_kept.c - the record that stays with born-shared memory after a mapping
 * (R7 to R9): who gets it next, and that it is in nobody's way.
 */
#include <criterion/criterion.h>

#include "instance.h"
#include "support.h"

/* Memory of bounce_alloc(), and a table of few direct records. */
#define MEMORIES 5u

struct scene {
	struct bench bench;
	struct bounce_buf buf[MEMORIES];
	struct bounce_mapping memory[MEMORIES];
	uint32_t count;
};

static void begin(struct scene *scene, uint32_t direct, uint32_t count)
{
	struct bench_knobs knobs = bench_usual();

	knobs.direct = direct;
	bench_init(&scene->bench, &knobs);
	scene->count = count;
	for (uint32_t i = 0; i < count; i++)
		cr_assert_eq(bounce_alloc(scene->bench.queue[0], 4096, 0, 0,
					  &scene->buf[i], &scene->memory[i]),
			     BOUNCE_OK);
}

static struct bounce_mapping map_ok(struct scene *scene, uint32_t which)
{
	struct bounce_mapping mapping;

	cr_assert_eq(bounce_map(scene->bench.queue[0], &scene->buf[which],
				BOUNCE_BIDIRECTIONAL, &mapping),
		     BOUNCE_OK);
	return mapping;
}

static enum bounce_err unmap(struct scene *scene,
			     const struct bounce_mapping *mapping)
{
	return bounce_unmap(scene->bench.queue[0], mapping, 0);
}

/* Mapped, and unmapped again. */
static struct bounce_mapping use(struct scene *scene, uint32_t which)
{
	struct bounce_mapping mapping = map_ok(scene, which);

	cr_assert_eq(unmap(scene, &mapping), BOUNCE_OK);
	return mapping;
}

/* A list of two segments, both of them that memory. */
static enum bounce_err map_twice(struct scene *scene, uint32_t which)
{
	struct bounce_segment segment[2];

	for (int i = 0; i < 2; i++)
		segment[i] = (struct bounce_segment) {
			.buf = scene->buf[which],
			.how = BOUNCE_TO_DEVICE,
		};
	return bounce_map_sg(scene->bench.queue[0], segment, 2, 0);
}

static uint64_t word_of(const struct scene *scene, uint32_t record)
{
	return atomic_load_explicit(&scene->bench.bounce->record[record].state,
				    memory_order_relaxed);
}

static enum record_state state_of(const struct scene *scene, uint32_t record)
{
	return (enum record_state)(word_of(scene, record) & RECORD_STATE_MASK);
}

static void set_word(struct scene *scene, uint32_t record, uint64_t word)
{
	atomic_store_explicit(&scene->bench.bounce->record[record].state, word,
			      memory_order_relaxed);
}

static unsigned direct_in_use(const struct scene *scene)
{
	const struct bounce *bounce = scene->bench.bounce;
	unsigned count = 0;

	for (uint32_t i = 0; i < bounce_words(bounce->config.direct); i++)
		count += bounce_count(atomic_load_explicit(
			&bounce->direct_busy[i].bits, memory_order_relaxed));
	return count;
}

static void free_all(struct scene *scene)
{
	for (uint32_t i = 0; i < scene->count; i++)
		cr_expect_eq(bounce_free(scene->bench.queue[0],
					 &scene->memory[i]),
			     BOUNCE_OK);
	scene->count = 0;
}

/* All of it is given back, and nothing is kept for nobody. */
static void end(struct scene *scene)
{
	struct bounce_pool_stats stats;

	free_all(scene);
	bounce_pool_stats(scene->bench.pool, &stats);
	cr_expect_eq(stats.slots_free, 256);
	cr_expect_eq(direct_in_use(scene), 0);
	bench_fini(&scene->bench);
}

Test(kept, memory_that_is_mapped_again_has_the_record_of_the_time_before)
{
	struct bounce_mapping first;
	struct bounce_mapping second;
	struct scene scene;

	begin(&scene, 16, 1);
	first = use(&scene, 0);
	cr_expect_eq(state_of(&scene, first.record), RECORD_KEPT);
	second = use(&scene, 0);
	cr_expect_eq(second.record, first.record);
	cr_expect_neq(second.key, first.key);
	cr_expect_eq(direct_in_use(&scene), 1);
	end(&scene);
}

Test(kept, a_handle_of_the_time_before_is_stale)
{
	struct bounce_mapping first;
	struct bounce_mapping second;
	struct scene scene;

	begin(&scene, 16, 1);
	first = use(&scene, 0);
	cr_expect_eq(unmap(&scene, &first), BOUNCE_ERR_STALE);
	second = map_ok(&scene, 0);
	cr_expect_eq(unmap(&scene, &first), BOUNCE_ERR_STALE);
	cr_expect_eq(unmap(&scene, &second), BOUNCE_OK);
	end(&scene);
}

Test(kept, two_mappings_at_once_have_two_records_and_one_stays)
{
	struct bounce_mapping mapping[2];
	struct scene scene;

	for (int last = 0; last < 2; last++) {
		begin(&scene, 16, 1);
		mapping[0] = map_ok(&scene, 0);
		mapping[1] = map_ok(&scene, 0);
		cr_expect_neq(mapping[0].record, mapping[1].record);
		cr_expect_eq(unmap(&scene, &mapping[1 - last]), BOUNCE_OK);
		cr_expect_eq(bounce_free(scene.bench.queue[0],
					 &scene.memory[0]),
			     BOUNCE_ERR_BUSY);
		cr_expect_eq(unmap(&scene, &mapping[last]), BOUNCE_OK);
		cr_expect_eq(direct_in_use(&scene), 1);
		end(&scene);
	}
}

Test(kept, a_full_table_gives_what_is_kept_to_whoever_needs_one)
{
	struct bounce_mapping mapping;
	struct bounce_mapping live[2];
	struct scene scene;

	begin(&scene, 2, MEMORIES);
	for (uint32_t i = 0; i < 3 * MEMORIES; i++) {
		mapping = use(&scene, i % MEMORIES);
		cr_expect_eq(state_of(&scene, mapping.record), RECORD_KEPT);
	}
	for (uint32_t i = 0; i < 2; i++)
		live[i] = map_ok(&scene, i);
	cr_expect_eq(bounce_map(scene.bench.queue[0], &scene.buf[2],
				BOUNCE_BIDIRECTIONAL, &mapping),
		     BOUNCE_ERR_FULL, "what is live stays");
	for (uint32_t i = 0; i < 2; i++)
		cr_expect_eq(unmap(&scene, &live[i]), BOUNCE_OK);
	end(&scene);
}

Test(kept, memory_whose_record_went_to_another_keeps_the_next_one)
{
	struct bounce_mapping live;
	struct bounce_mapping next;
	struct scene scene;
	uint32_t gone;

	begin(&scene, 2, 3);
	gone = use(&scene, 0).record;
	(void)use(&scene, 1);
	live = map_ok(&scene, 2);
	cr_assert_eq(live.record, gone, "the first one's");
	next = use(&scene, 0);
	cr_expect_neq(next.record, gone);
	cr_expect_eq(state_of(&scene, next.record), RECORD_KEPT);
	cr_expect_eq(unmap(&scene, &live), BOUNCE_OK);
	end(&scene);
}

/* A list of two finds one record, so the first segment's goes back. */
Test(kept, a_record_that_was_taken_and_not_mapped_is_kept_again)
{
	struct bounce_mapping mapping;
	struct scene scene;

	begin(&scene, 1, 1);
	mapping = use(&scene, 0);
	cr_expect_eq(map_twice(&scene, 0), BOUNCE_ERR_FULL);
	cr_expect_eq(state_of(&scene, mapping.record), RECORD_KEPT);
	(void)use(&scene, 0);
	end(&scene);
}

Test(kept, a_record_that_was_new_and_not_mapped_goes_back)
{
	struct scene scene;

	begin(&scene, 1, 1);
	cr_expect_eq(map_twice(&scene, 0), BOUNCE_ERR_FULL);
	cr_expect_eq(direct_in_use(&scene), 0);
	end(&scene);
}

/* Taken from one memory for another, and then not needed: it is neither's. */
Test(kept, a_record_that_was_seized_and_not_mapped_is_nobodys)
{
	struct bounce_mapping mapping;
	struct scene scene;

	begin(&scene, 1, 2);
	mapping = use(&scene, 0);
	cr_expect_eq(map_twice(&scene, 1), BOUNCE_ERR_FULL);
	cr_expect_eq(direct_in_use(&scene), 0);
	cr_expect_eq(state_of(&scene, mapping.record), RECORD_FREE);
	end(&scene);
}

Test(kept, what_is_kept_does_not_stop_a_commit)
{
	struct bounce_mapping *mapping;
	struct scene scene;

	begin(&scene, 16, 1);
	mapping = &scene.memory[0];
	(void)use(&scene, 0);
	cr_assert_eq(bounce_commit(scene.bench.queue[0], mapping, 100),
		     BOUNCE_OK);
	cr_expect_eq(direct_in_use(&scene), 0);
	cr_expect_eq(
		atomic_load_explicit(
			&scene.bench.bounce->record[mapping->record].target,
			memory_order_relaxed),
		0, "a mapping without a private buffer");
	cr_expect_eq(unmap(&scene, mapping), BOUNCE_OK);
	scene.count = 0;
	end(&scene);
}

Test(kept, a_revoked_device_keeps_none)
{
	struct bounce_mapping mapping;
	struct scene scene;

	/* One is mapped still, and one no longer. */
	begin(&scene, 16, 2);
	(void)use(&scene, 0);
	mapping = map_ok(&scene, 1);
	bounce_device_revoke(scene.bench.device[0]);
	cr_expect_eq(unmap(&scene, &mapping), BOUNCE_ERR_STALE);
	cr_expect_eq(bounce_device_quiesced(scene.bench.device[0]), BOUNCE_OK);
	scene.count = 0;
	end(&scene);
}

static void expect_worn(struct scene *scene, uint32_t record)
{
	cr_expect_eq(state_of(scene, record), RECORD_EXHAUSTED);
	free_all(scene);
	cr_expect_eq(direct_in_use(scene), 1, "out of use for ever");
	bench_fini(&scene->bench);
}

Test(kept, a_record_that_wears_out_at_its_first_use_is_not_kept)
{
	struct bounce_mapping mapping;
	struct scene scene;

	begin(&scene, 16, 1);
	mapping = map_ok(&scene, 0);
	mapping.key |= RECORD_GENERATION_MAX;
	set_word(&scene, mapping.record,
		 record_word(RECORD_GENERATION_MAX, RECORD_LIVE));
	cr_expect_eq(unmap(&scene, &mapping), BOUNCE_OK);
	expect_worn(&scene, mapping.record);
}

Test(kept, a_kept_record_that_wears_out_is_kept_no_longer)
{
	struct scene scene;
	uint32_t record;

	begin(&scene, 16, 1);
	record = use(&scene, 0).record;
	set_word(&scene, record,
		 record_word(RECORD_GENERATION_MAX - 1, RECORD_KEPT));
	(void)use(&scene, 0);
	cr_expect_eq(state_of(&scene, use(&scene, 0).record), RECORD_KEPT,
		     "another one instead");
	expect_worn(&scene, record);
}

/* What a memory keeps, for who knows it by @generation. */
static uint32_t take(struct scene *scene, uint32_t which, uint64_t generation)
{
	return bounce_kept_take(scene->bench.bounce,
				scene->memory[which].record, generation);
}

static uint64_t generation_of(const struct scene *scene, uint32_t which)
{
	return scene->memory[which].key & RECORD_GENERATION_MAX;
}

/* A stale name leads to a record that is another memory's by now. */
Test(kept, what_another_memory_keeps_is_left_alone)
{
	struct bounce_record *other;
	struct scene scene;
	uint32_t record;

	begin(&scene, 16, 2);
	record = use(&scene, 0).record;
	other = &scene.bench.bounce->record[scene.memory[1].record];
	atomic_store_explicit(&other->target, (uint64_t)record + 1,
			      memory_order_relaxed);
	cr_expect_eq(take(&scene, 1, generation_of(&scene, 1)), UINT32_MAX);
	cr_expect_eq(state_of(&scene, record), RECORD_KEPT);
	atomic_store_explicit(&other->target, 0, memory_order_relaxed);
	end(&scene);
}

Test(kept, who_has_an_older_memory_in_mind_gets_nothing)
{
	struct scene scene;
	uint32_t record;

	begin(&scene, 16, 1);
	record = use(&scene, 0).record;
	cr_expect_eq(take(&scene, 0, generation_of(&scene, 0) - 1), UINT32_MAX);
	cr_expect_eq(state_of(&scene, record), RECORD_KEPT);
	end(&scene);
}
