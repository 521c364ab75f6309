/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_taint.c - S1 held against long random sequences of bounce_map_sg(),
 * bounce_map_list(), bounce_reserve() and bounce_commit().
 *
 * All private memory is FAKE_SECRET. A call that shows bytes to the host is
 * given some of a name of its own; after each call all that the host sees is
 * counted, byte value by byte value: of each name there is what the live
 * requests show, and nothing else is there but zeros.
 */
#include "calls.h"

enum {
	NAMES = 24, /* requests at most; byte values from FIRST_NAME */
	FIRST_NAME = 1,
	PARTS = 5,
	PRIVATE = 16 * 1024, /* of each request */
	STEPS = 1000,
};

enum kind {
	NONE,
	SG,
	LIST,
	RESERVED,
	COMMITTED,
};

struct request {
	enum kind kind;
	uint32_t device;
	struct bounce_segment segment[PARTS];
	uint32_t count;
	struct born born;
	uint64_t shown; /* bytes of its name that the host may see */
};

struct life {
	struct bench bench;
	struct request request[NAMES];
	uint64_t random;
	uint32_t made;
	uint32_t failed;
};

static uint64_t below(struct life *life, uint64_t limit)
{
	return bench_below(&life->random, limit);
}

static struct bounce_queue *queue_of(const struct life *life,
				     const struct request *request)
{
	return life->bench.queue[request->device];
}

/* ---- what the host sees ---- */

/* Zero what no live request owns: the next look begins clean. */
static void wipe(struct life *life, const bool *owned)
{
	for (uint64_t at = 0; at < life->bench.slab_bytes; at++)
		if (!owned[at])
			life->bench.machine.memory[at] = 0;
}

static void own(const struct life *life, bool *owned,
		const struct bounce_mapping *mapping)
{
	uint64_t at = mapping->bus.v - life->bench.knobs.gpa;

	memset(owned + at, 1, mapping->len);
}

static void wipe_free(struct life *life)
{
	bool *owned = calloc(life->bench.slab_bytes, sizeof(*owned));

	for (uint32_t i = 0; i < NAMES; i++) {
		const struct request *request = &life->request[i];

		if (request->kind == RESERVED || request->kind == COMMITTED)
			own(life, owned, &request->born.handle);
		for (uint32_t j = 0; j < request->count; j++)
			if (request->kind != NONE &&
			    !request->segment[j].joined)
				own(life, owned, &request->segment[j].mapping);
	}
	wipe(life, owned);
	free(owned);
}

static void expect_only_what_is_shown(const struct life *life, int step)
{
	const unsigned char *slab = life->bench.machine.memory;
	uint64_t count[256] = { 0 };

	for (uint64_t at = 0; at < life->bench.slab_bytes; at++)
		count[slab[at]]++;
	for (uint32_t i = 0; i < NAMES; i++)
		cr_assert_eq(count[FIRST_NAME + i], life->request[i].shown,
			     "step %d, request %u", step, i);
	cr_assert_eq(count[FAKE_SECRET], 0, "step %d", step);
	/* And that is all that the host sees. */
	cr_assert_eq(fake_machine_shared_bytes(&life->bench.machine),
		     life->bench.slab_bytes);
}

/* ---- requests ---- */

static unsigned char name_of(const struct life *life,
			     const struct request *request)
{
	return (unsigned char)(FIRST_NAME + (request - life->request));
}

/* The private bytes of a request. */
static uint64_t home_of(const struct life *life, const struct request *request)
{
	return (uint64_t)(request - life->request) * PRIVATE;
}

static uint32_t random_how(struct life *life)
{
	return bench_hows[below(life, BENCH_HOWS)];
}

/* A buffer: its name if it is to be shown, and secrets if not. */
static uint64_t make_buf(struct life *life, const struct request *request,
			 struct bounce_buf *buf, uint32_t how)
{
	bool shown = (how & (BOUNCE_TO_DEVICE | BOUNCE_PRESERVE)) != 0;
	unsigned char *bytes = fake_machine_pointer(&life->bench.machine,
						    buf->gpa.v, buf->len);

	memset(bytes, shown ? name_of(life, request) : FAKE_SECRET, buf->len);
	return shown ? buf->len : 0;
}

static enum bounce_err make_sg(struct life *life, struct request *request,
			       uint64_t *shown)
{
	uint64_t at = home_of(life, request) + below(life, 64);
	uint32_t how = random_how(life);

	request->count = 1 + (uint32_t)below(life, PARTS);
	for (uint32_t i = 0; i < request->count; i++) {
		uint64_t most = below(life, 2) != 0 ? 100 : 3000;
		struct bounce_segment *segment = &request->segment[i];

		if (below(life, 2) != 0)
			how = random_how(life);
		*segment = (struct bounce_segment) {
			.buf = bench_buf(&life->bench, at,
					 1 + below(life, most)),
			.how = how,
		};
		*shown += make_buf(life, request, &segment->buf, how);
		at += segment->buf.len + (below(life, 2) != 0 ? 0 : 8);
	}
	/* Sometimes the last one cannot be mapped. */
	if (below(life, 4) == 0)
		request->segment[request->count - 1].how = 0;
	return bounce_map_sg(queue_of(life, request), request->segment,
			     request->count,
			     below(life, 2) != 0 ? BOUNCE_SG_JOIN : 0);
}

static enum bounce_err make_list(struct life *life, struct request *request,
				 uint64_t *shown)
{
	uint32_t how = random_how(life);
	struct bounce_buf buf = bench_buf(
		&life->bench, home_of(life, request) + below(life, 64),
		1 + below(life, PRIVATE - 64));

	request->count = 1 + (uint32_t)below(life, PARTS);
	*shown = make_buf(life, request, &buf, how);
	return bounce_map_list(queue_of(life, request), &buf, how,
			       request->segment, &request->count);
}

/* The producer writes behind what it will commit, too. */
static enum bounce_err make_reserve(struct life *life, struct request *request,
				    uint64_t *shown)
{
	uint64_t len = 1 + below(life, 12000);
	enum bounce_err err;

	request->count = 0;
	err = bounce_reserve(queue_of(life, request), len, &request->born.buf,
			     &request->born.handle);
	if (err == BOUNCE_OK)
		memset(request->born.buf.ptr, name_of(life, request), len);
	*shown = len;
	return err;
}

static void make(struct life *life, struct request *request)
{
	static enum bounce_err (*const makers[])(
		struct life *, struct request *,
		uint64_t *) = { make_sg, make_list, make_reserve };
	uint64_t which = below(life, 3);
	uint64_t shown = 0;
	enum bounce_err err;

	request->device = (uint32_t)below(life, 2);
	err = makers[which](life, request, &shown);
	if (err == BOUNCE_OK) {
		request->kind = (enum kind)(SG + which);
		request->shown = shown;
		life->made++;
	} else {
		life->failed++;
	}
}

/* ---- and their ends ---- */

static void commit(struct life *life, struct request *request)
{
	uint64_t len = 1 + below(life, request->born.handle.len);

	cr_assert_eq(bounce_commit(queue_of(life, request),
				   &request->born.handle, len),
		     BOUNCE_OK);
	request->kind = COMMITTED;
	/* The slots behind were shown already: nothing is added. */
	wipe_free(life);
	request->shown = len;
}

static void end(struct life *life, struct request *request)
{
	struct bounce_queue *queue = queue_of(life, request);

	if (request->kind == RESERVED)
		free_ok(queue, &request->born);
	else if (request->kind == COMMITTED)
		unmap_ok(queue, &request->born.handle, 0);
	else
		cr_assert_eq(bounce_unmap_sg(queue, request->segment,
					     request->count, 0),
			     BOUNCE_OK);
	request->kind = NONE;
	request->shown = 0;
	wipe_free(life);
}

static void live(struct life *life)
{
	for (int step = 0; step < STEPS; step++) {
		struct request *request = &life->request[below(life, NAMES)];

		/* All the rest is secret, the last request's too. */
		if (request->kind == NONE)
			memset(bench_private(&life->bench,
					     home_of(life, request)),
			       FAKE_SECRET, PRIVATE);
		if (request->kind == NONE)
			make(life, request);
		else if (request->kind == RESERVED && below(life, 3) != 0)
			commit(life, request);
		else
			end(life, request);
		expect_only_what_is_shown(life, step);
	}
	for (uint32_t i = 0; i < NAMES; i++)
		if (life->request[i].kind != NONE)
			end(life, &life->request[i]);
}

/* Owners alike or apart, blocks or none, masks or none. */
static void run(uint64_t seed, uint16_t owner, uint32_t blocks, uint64_t mask)
{
	static struct life life;
	struct bench_knobs knobs = bench_usual();

	memset(&life, 0, sizeof(life));
	knobs.devices = 2;
	knobs.chunks = 1;
	knobs.blocks = blocks;
	knobs.info.owner = owner;
	knobs.info.min_align_mask = mask;
	knobs.private_bytes = NAMES * PRIVATE;
	bench_init(&life.bench, &knobs);
	life.random = seed;
	live(&life);
	cr_expect_gt(life.made, STEPS / 5);
	cr_expect_gt(life.failed, 10);
	bench_fini(&life.bench);
}

Test(taint, sg_list_and_reserve_show_nothing_but_what_they_name)
{
	run(1, 0, 16, 0);
}

Test(taint, nor_do_they_between_devices_of_one_owner)
{
	run(2, 7, 16, 0);
}

Test(taint, nor_without_split_slots_and_with_alignment)
{
	run(3, 0, 0, 0);
	run(4, 0, 4, 0xfff);
}
