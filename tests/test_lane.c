/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_lane.c - P8: in a chunk of a queue's lane any start will do, whatever
 * the device asks for.
 */
#include "calls.h"

enum {
	CHUNKS = 16,
	RUNS = 8
};

/* A device that no boundary binds, to fill chunks with. */
static struct bounce_queue *neighbour_of(struct bench *bench,
					 struct bounce_device **device)
{
	const struct bounce_device_info info = {
		.space = bench->space,
		.features = bench->knobs.info.features,
	};

	cr_assert_eq(bounce_device_attach(bench->bounce, &info, device, NULL),
		     BOUNCE_OK);
	return bounce_device_queue(*device, 0);
}

/* Chunks that are given back are found free by the next who wants several. */
static void make_room(struct bounce_queue *queue,
		      const struct bounce_mapping chunk[CHUNKS],
		      const struct bench *bench)
{
	struct bounce_mapping one;

	for (int i = 1; i < CHUNKS; i++)
		unmap_ok(queue, &chunk[i], 0);
	one = map_ok(queue, bench_buf(bench, 0, 2 * BOUNCE_CHUNK_BYTES),
		     BOUNCE_FROM_DEVICE);
	unmap_ok(queue, &one, 0);
}

static bool crosses(const struct bench *bench,
		    const struct bounce_mapping *mapping)
{
	uint64_t boundary = bench->knobs.info.boundary_mask;
	uint64_t last = mapping->bus.v + (mapping->len - 1);

	return (mapping->bus.v & ~boundary) != (last & ~boundary);
}

/*
 * The bug: a chunk that was taken for a slot to be split, which no boundary
 * divides, became the lane of a device whose boundary divides the chunk. Runs
 * come there when no other chunk is left, and go on to when there is plenty.
 */
Test(lane, of_a_chunk_that_a_boundary_divides_is_nobodys)
{
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping run[RUNS];
	struct bounce_mapping chunk[CHUNKS];
	struct bounce_mapping small;
	struct bounce_device *neighbour;
	struct bounce_queue *other;
	struct bench bench;

	knobs.chunks = CHUNKS;
	knobs.private_bytes = 2 * BOUNCE_CHUNK_BYTES;
	knobs.info.boundary_mask = BOUNCE_CHUNK_BYTES / 2 - 1;
	bench_init(&bench, &knobs);
	other = neighbour_of(&bench, &neighbour);
	small = map_ok(bench.queue[0], bench_buf(&bench, 0, 100),
		       BOUNCE_TO_DEVICE);
	for (int i = 1; i < CHUNKS; i++)
		chunk[i] = map_ok(other,
				  bench_buf(&bench, 0, BOUNCE_CHUNK_BYTES),
				  BOUNCE_FROM_DEVICE);
	for (int i = 0; i < RUNS; i++) {
		run[i] = map_ok(bench.queue[0],
				bench_buf(&bench, 0, 5 * BOUNCE_SLOT_BYTES),
				BOUNCE_TO_DEVICE);
		cr_expect_not(crosses(&bench, &run[i]), "run %d at %#lx", i,
			      run[i].bus.v);
		if (i == 0)
			make_room(other, chunk, &bench);
	}
	for (int i = 0; i < RUNS; i++)
		unmap_ok(bench.queue[0], &run[i], 0);
	unmap_ok(bench.queue[0], &small, 0);
	cr_assert_eq(bounce_device_detach(neighbour), BOUNCE_OK);
	bench_fini(&bench);
}
