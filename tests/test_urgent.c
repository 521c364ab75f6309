/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_urgent.c - BOUNCE_URGENT and pool_info.urgent_chunks: the last chunks of
 * each slab are kept for mappings that say so.
 */
#include "calls.h"
#include "model.h"

#define CHUNKS 4u /* of a slab; the last one is kept */
#define KEPT_SLOTS 64u
#define MOST 2048u

/* A bench, and a pool of its memory that keeps chunks. */
struct kept {
	struct bench bench;
	struct bench_side side;
	struct bounce_mapping mapping[MOST];
	uint32_t count;
};

static void begin(struct kept *kept, uint16_t slabs, uint32_t blocks)
{
	const struct bounce_pool_info info = {
		.slabs = slabs,
		.urgent_chunks = 1,
	};
	struct bench_knobs knobs = bench_usual();

	knobs.slabs = slabs;
	knobs.chunks = CHUNKS;
	knobs.grown = 0;
	knobs.blocks = blocks;
	knobs.more_pools = 1;
	knobs.more_slabs = slabs;
	knobs.more_spaces = 1;
	knobs.private_bytes = 2 << 20;
	bench_init(&kept->bench, &knobs);
	kept->count = 0;
	bench_side_init(&kept->bench, &info, bench_slab_gpa(&kept->bench, 0),
			&kept->side);
	for (uint32_t i = 1; i < slabs; i++)
		cr_assert_eq(bounce_pool_grow(kept->side.pool,
					      bench_slab_gpa(&kept->bench, i),
					      kept->bench.slab_bytes),
			     BOUNCE_OK);
}

static void end(struct kept *kept)
{
	cr_expect(bounce_valid(kept->bench.bounce));
	bench_side_fini(&kept->side);
	bench_fini(&kept->bench);
}

/* Does any byte of a mapping lie in a chunk that is kept? */
static bool in_kept(const struct kept *kept, const struct bounce_mapping *m)
{
	uint64_t chunk = (m->bus.v + m->len - 1 - kept->bench.knobs.gpa) >>
			 BOUNCE_CHUNK_SHIFT;

	return chunk % CHUNKS == CHUNKS - 1;
}

static enum bounce_err map(struct kept *kept, uint64_t len, uint32_t how)
{
	struct bounce_buf buf = bench_buf(&kept->bench, 0, len);
	enum bounce_err err;

	cr_assert_lt(kept->count, MOST);
	err = bounce_map(kept->side.queue, &buf, how,
			 &kept->mapping[kept->count]);
	kept->count += err == BOUNCE_OK;
	return err;
}

static void unmap_all(struct kept *kept)
{
	while (kept->count > 0)
		unmap_ok(kept->side.queue, &kept->mapping[--kept->count], 0);
}

/* Ordinary mappings until there is no more; how many. */
static uint32_t fill_up(struct kept *kept, uint64_t len)
{
	uint32_t before = kept->count;
	enum bounce_err err;

	while ((err = map(kept, len, BOUNCE_FROM_DEVICE)) == BOUNCE_OK)
		cr_assert_not(in_kept(kept, &kept->mapping[kept->count - 1]),
			      "%lu bytes, number %u", len, kept->count);
	cr_expect_eq(err,
		     pool_free(kept->side.pool) * 4096 <
				     len + kept->bench.knobs.slabs *
						     KEPT_SLOTS *
						     UINT64_C(4096) ?
			     BOUNCE_ERR_FULL :
			     BOUNCE_ERR_FRAGMENTED,
		     "%lu bytes: kept slots do not count as free", len);
	return kept->count - before;
}

/* ---- who may use them ---- */

Test(urgent, no_ordinary_mapping_of_any_size_uses_what_is_kept)
{
	static const struct {
		uint64_t len;
		uint32_t fit; /* of 3 chunks, 192 slots, 16 split ones */
	} cases[] = {
		{ 64, 1024 + 176 },
		{ 2048, 32 + 176 },
		{ 4096, 192 },
		{ 3 * 4096, 63 },
		{ 8 * 4096, 24 },
		{ 60 * 4096, 3 },
		{ BOUNCE_CHUNK_BYTES, 3 },
		{ 65 * 4096, 1 },
		{ 192 * 4096, 1 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct kept kept;

		begin(&kept, 1, 16);
		cr_expect_eq(fill_up(&kept, cases[i].len), cases[i].fit,
			     "%lu bytes", cases[i].len);
		/* The kept ones are still all there. */
		if (cases[i].len <= BOUNCE_CHUNK_BYTES) {
			cr_expect_eq(map(&kept, BOUNCE_CHUNK_BYTES,
					 BOUNCE_TO_DEVICE | BOUNCE_URGENT),
				     BOUNCE_OK);
			cr_expect(
				in_kept(&kept, &kept.mapping[kept.count - 1]));
		}
		unmap_all(&kept);
		end(&kept);
	}
}

Test(urgent, an_urgent_mapping_of_any_size_uses_them_when_all_else_is_full)
{
	static const struct {
		uint64_t len;
		uint32_t fit; /* of one chunk, without a split slot */
	} cases[] = {
		{ 64, 64 },
		{ 2048, 64 },
		{ 4096, 64 },
		{ 3 * 4096, 21 },
		{ 8 * 4096, 8 },
		{ 60 * 4096, 1 },
		{ BOUNCE_CHUNK_BYTES, 1 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct kept kept;
		uint32_t fit = 0;

		begin(&kept, 1, 0);
		fill_up(&kept, 4096);
		while (map(&kept, cases[i].len,
			   BOUNCE_BIDIRECTIONAL | BOUNCE_URGENT) == BOUNCE_OK) {
			cr_assert(
				in_kept(&kept, &kept.mapping[kept.count - 1]));
			fit++;
		}
		cr_expect_eq(fit, cases[i].fit, "%lu bytes", cases[i].len);
		cr_expect_eq(map(&kept, cases[i].len, BOUNCE_TO_DEVICE),
			     BOUNCE_ERR_FULL);
		unmap_all(&kept);
		end(&kept);
	}
}

Test(urgent, an_urgent_mapping_may_be_as_long_as_the_whole_slab)
{
	struct kept kept;

	begin(&kept, 1, 16);
	cr_expect_eq(bounce_map_max(kept.side.device), 3 * BOUNCE_CHUNK_BYTES,
		     "of an ordinary one");
	cr_expect_eq(map(&kept, 3 * BOUNCE_CHUNK_BYTES + 1, BOUNCE_TO_DEVICE),
		     BOUNCE_ERR_RANGE);
	cr_expect_eq(map(&kept, 4 * BOUNCE_CHUNK_BYTES,
			 BOUNCE_TO_DEVICE | BOUNCE_URGENT),
		     BOUNCE_OK);
	unmap_all(&kept);
	cr_expect_eq(map(&kept, 3 * BOUNCE_CHUNK_BYTES, BOUNCE_TO_DEVICE),
		     BOUNCE_OK);
	unmap_all(&kept);
	end(&kept);
}

Test(urgent, a_slot_split_for_an_urgent_mapping_serves_no_ordinary_one)
{
	struct kept kept;
	uint32_t first;

	begin(&kept, 1, 16);
	fill_up(&kept, 4096);
	first = kept.count;
	cr_assert_eq(map(&kept, 64, BOUNCE_TO_DEVICE | BOUNCE_URGENT),
		     BOUNCE_OK);
	cr_expect(in_kept(&kept, &kept.mapping[first]));
	cr_expect_eq(map(&kept, 64, BOUNCE_TO_DEVICE), BOUNCE_ERR_FULL);
	/* An urgent one is served from it. */
	cr_assert_eq(map(&kept, 64, BOUNCE_TO_DEVICE | BOUNCE_URGENT),
		     BOUNCE_OK);
	cr_expect_eq(kept.mapping[first + 1].bus.v / 4096,
		     kept.mapping[first].bus.v / 4096);
	unmap_all(&kept);
	end(&kept);
}

Test(urgent, born_shared_memory_is_never_of_what_is_kept)
{
	struct kept kept;
	struct born born[193];
	struct born more;

	begin(&kept, 1, 16);
	for (uint32_t i = 0; i < 192; i++)
		born[i] = alloc_ok(kept.side.queue, 4096);
	cr_expect_eq(bounce_alloc(kept.side.queue, 1, 0, 0, &more.buf,
				  &more.handle),
		     BOUNCE_ERR_FULL);
	cr_expect_eq(bounce_reserve(kept.side.queue, 1, &more.buf,
				    &more.handle),
		     BOUNCE_ERR_FULL);
	for (uint32_t i = 0; i < 192; i++) {
		cr_expect_not(in_kept(&kept, &born[i].handle));
		free_ok(kept.side.queue, &born[i]);
	}
	end(&kept);
}

Test(urgent, each_slab_keeps_its_own_and_freed_ones_are_kept_again)
{
	struct kept kept;

	begin(&kept, 2, 16);
	for (int round = 0; round < 3; round++) {
		cr_expect_eq(fill_up(&kept, 4096), 384);
		for (uint32_t i = 0; i < 2 * KEPT_SLOTS; i++)
			cr_assert_eq(map(&kept, 4096,
					 BOUNCE_TO_DEVICE | BOUNCE_URGENT),
				     BOUNCE_OK);
		cr_expect_eq(map(&kept, 4096, BOUNCE_TO_DEVICE | BOUNCE_URGENT),
			     BOUNCE_ERR_FULL);
		/* Half of the urgent ones end: no ordinary one gets in. */
		for (uint32_t i = 0; i < KEPT_SLOTS; i++)
			unmap_ok(kept.side.queue, &kept.mapping[--kept.count],
				 0);
		cr_expect_eq(map(&kept, 4096, BOUNCE_TO_DEVICE),
			     BOUNCE_ERR_FULL);
		unmap_all(&kept);
	}
	end(&kept);
}

Test(urgent, a_list_of_pieces_may_be_urgent_too)
{
	struct kept kept;
	struct bounce_segment piece[4];
	struct bounce_buf buf;
	uint32_t count = 4;

	begin(&kept, 1, 16);
	buf = bench_buf(&kept.bench, 0, 4 * BOUNCE_CHUNK_BYTES);
	cr_expect_eq(bounce_map_list(kept.side.queue, &buf, BOUNCE_TO_DEVICE,
				     piece, &count),
		     BOUNCE_ERR_FULL);
	cr_assert_eq(bounce_map_list(kept.side.queue, &buf,
				     BOUNCE_TO_DEVICE | BOUNCE_URGENT, piece,
				     &count),
		     BOUNCE_OK);
	cr_expect_eq(pool_free(kept.side.pool), 0);
	cr_expect_eq(bounce_unmap_sg(kept.side.queue, piece, count, 0),
		     BOUNCE_OK);
	end(&kept);
}

/* ---- pool_info.urgent_chunks ---- */

Test(urgent, a_slab_that_would_be_kept_as_a_whole_does_not_grow)
{
	for (uint16_t chunks = 0; chunks < 70; chunks++) {
		struct bench bench;
		struct bench_knobs knobs = bench_usual();
		const struct bounce_pool_info info = {
			.slabs = 1,
			.urgent_chunks = chunks,
		};
		struct bounce_pool *pool;

		knobs.grown = 0;
		knobs.more_pools = 1;
		knobs.more_slabs = 1;
		bench_init(&bench, &knobs);
		if (chunks >= CHUNKS_PER_SLAB) {
			cr_expect_eq(bounce_pool_init(bench.bounce, &info,
						      &pool),
				     BOUNCE_ERR_ARG);
			bench_fini(&bench);
			continue;
		}
		cr_assert_eq(bounce_pool_init(bench.bounce, &info, &pool),
			     BOUNCE_OK);
		cr_expect_eq(bounce_pool_grow(pool, bench_slab_gpa(&bench, 0),
					      bench.slab_bytes),
			     chunks < 4 ? BOUNCE_OK : BOUNCE_ERR_ARG, "%u of 4",
			     chunks);
		cr_expect_eq(bounce_pool_fini(pool), BOUNCE_OK);
		bench_fini(&bench);
	}
}

/* It was the last of its size, and where it is, is not for everybody. */
Test(urgent, an_ordinary_mapping_does_not_follow_an_urgent_one)
{
	struct bounce_mapping last;
	static struct kept kept;

	begin(&kept, 1, 0);
	(void)fill_up(&kept, BOUNCE_CHUNK_BYTES);
	cr_assert_eq(map(&kept, 4096, BOUNCE_TO_DEVICE | BOUNCE_URGENT),
		     BOUNCE_OK);
	last = kept.mapping[--kept.count];
	cr_expect(in_kept(&kept, &last));
	unmap_all(&kept);
	cr_assert_eq(map(&kept, 4096, BOUNCE_TO_DEVICE), BOUNCE_OK);
	cr_expect_not(in_kept(&kept, &kept.mapping[0]));
	unmap_all(&kept);
	unmap_ok(kept.side.queue, &last, 0);
	end(&kept);
}
