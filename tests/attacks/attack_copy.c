/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * attack_copy.c - what a device does while bytes are copied: A15, B16, B17, and
 * C15, where the copy meets a page that is gone. Each suite is an attack of
 * docs/threats.md.
 *
 * lib/copy.c is compiled in here with a memcpy() that lets the device act
 * before each single byte, so that there is no moment between two of them that
 * the tests do not see.
 */
#include <setjmp.h>

#include "calls.h"
#include "model.h"

static void *stepped_copy(void *restrict to, const void *restrict from,
			  size_t len);

#define memcpy stepped_copy
#include "../lib/copy.c"
#undef memcpy

/* Before byte @index of a copy of @len bytes from @from to @to. */
struct moment {
	const unsigned char *from;
	unsigned char *to;
	size_t index;
	size_t len;
};

/* What happens then; tests are processes of their own. */
static void (*act)(struct moment *moment);
static struct bench *now; /* whose device acts */

static void *stepped_copy(void *restrict to, const void *restrict from,
			  size_t len)
{
	struct moment moment = { .from = from, .to = to, .len = len };
	volatile unsigned char *bytes = to;

	for (; moment.index < len; moment.index++) {
		if (act != NULL)
			act(&moment);
		bytes[moment.index] = moment.from[moment.index];
	}
	return to;
}

static void begin(struct bench *bench, const struct bench_knobs *knobs)
{
	bench_init(bench, knobs);
	now = bench;
}

static struct bench_knobs small(void)
{
	struct bench_knobs knobs = bench_usual();

	knobs.chunks = 1;
	knobs.private_bytes = 32768;
	return knobs;
}

/* ---- A15 ---- */

#define SHOWN 0x11

/* So many bytes were copied: no more may be there, and none of others. */
static void look_at_arena(struct moment *moment)
{
	if (moment->len > 200 && moment->index % 997 != 0)
		return;
	cr_assert_not(fake_device_sees_secret(&now->host));
	cr_assert_leq(fake_device_count(&now->host, SHOWN), moment->index);
}

Test(a15, while_a_copy_is_in_progress_only_bytes_it_names_have_appeared)
{
	static const uint64_t lens[] = { 1, 7, 16, 64, 130, 5000 };
	struct bench_knobs knobs = small();
	struct bounce_mapping handle;
	struct bench bench;

	for (size_t i = 0; i < COUNT_OF(lens); i++) {
		begin(&bench, &knobs);
		memset(bench_private(&bench, 99), SHOWN, lens[i]);
		act = look_at_arena;
		handle = map_ok(bench.queue[0], bench_buf(&bench, 99, lens[i]),
				BOUNCE_BIDIRECTIONAL);
		act = NULL;
		cr_expect_eq(fake_device_count(&bench.host, SHOWN), lens[i]);
		memset(bench.machine.memory, 0, bench.slab_bytes);
		act = look_at_arena;
		cr_expect_eq(bounce_sync_for_device(bench.queue[0], &handle, 0,
						    lens[i]),
			     BOUNCE_OK);
		act = NULL;
		unmap_ok(bench.queue[0], &handle, 0);
		bench_fini(&bench);
	}
}

/* ---- B16 ---- */

static void scribble(struct moment *moment)
{
	if (moment->len < 200 || moment->index % 499 == 0)
		fake_device_scribble(&now->host);
}

/* The caller's bytes are some of the device's, and stay what they are. */
static void stable(struct bench *bench, uint64_t at, uint64_t len)
{
	unsigned char *private = bench_private(bench, at);
	unsigned char *copy = malloc(len);

	memcpy(copy, private, len);
	fake_device_scribble(&bench->host);
	cr_expect_eq(memcmp(copy, private, len), 0);
	cr_expect_null(memchr(copy, FAKE_SECRET, len), "all were copied");
	free(copy);
	cr_expect(all_bytes_are(private - at, FAKE_SECRET, at));
	cr_expect(all_bytes_are(private + len, FAKE_SECRET, 64));
}

Test(b16, a_buffer_written_while_it_is_copied_back_is_torn_but_stays_inside)
{
	static const uint64_t lens[] = { 1, 13, 64, 130, 4096, 9001 };
	struct bench_knobs knobs = small();
	struct bounce_mapping handle;
	struct picture picture;
	struct bench bench;

	for (size_t i = 0; i < COUNT_OF(lens); i++) {
		begin(&bench, &knobs);
		handle = map_ok(bench.queue[0], bench_buf(&bench, 77, lens[i]),
				BOUNCE_FROM_DEVICE);
		picture = picture_take(&bench);
		act = scribble;
		cr_expect_eq(bounce_sync_for_cpu(bench.queue[0], &handle, 0,
						 lens[i]),
			     BOUNCE_OK);
		memcpy(picture.arena, bench.machine.memory,
		       bench.machine.bytes);
		cr_expect(picture_same(&picture), "the instance is");
		picture_drop(&picture);
		stable(&bench, 77, lens[i]);
		unmap_ok(bench.queue[0], &handle, lens[i]);
		act = NULL;
		stable(&bench, 77, lens[i]);
		bench_fini(&bench);
	}
}

/* ---- B17 ---- */

/* The device changes each byte as soon as it was read. */
static void flip_behind(struct moment *moment)
{
	unsigned char *shared = now->machine.memory;
	size_t at = (size_t)(moment->from - shared) + moment->index;

	if (moment->index > 0)
		shared[at - 1] = (unsigned char)~shared[at - 1];
}

/* A header as a driver judges it. */
struct header {
	uint8_t kind;
	uint8_t len;
	uint16_t flags;
	uint32_t more;
};

Test(b17, a_number_that_changes_after_it_was_judged_is_judged_in_private)
{
	struct bench_knobs knobs = small();
	const struct header posted = { 2, 100, 0x1234, 0x56789abc };
	struct header seen;
	struct born home;
	struct bench bench;

	begin(&bench, &knobs);
	home = alloc_ok(bench.queue[0], 64);
	for (int round = 0; round < 100; round++) {
		memcpy(home.buf.ptr, &posted, sizeof(posted));
		act = flip_behind;
		bounce_snapshot(&seen, home.buf.ptr, sizeof(seen));
		act = NULL;
		/* Each byte was read once: what was there before the flip. */
		cr_assert_eq(memcmp(&seen, &posted, sizeof(seen)), 0);
		fake_device_scribble(&bench.host);
		cr_assert_eq(seen.len, posted.len);
	}
	free_ok(bench.queue[0], &home);
	bench_fini(&bench);
}

/* ---- C15 ---- */

static jmp_buf fault;
static size_t fault_at;

static void page_is_gone(struct moment *moment)
{
	if (moment->index == fault_at) {
		act = NULL;
		longjmp(fault, 1);
	}
}

enum call {
	CALL_MAP,
	CALL_SYNC,
	CALL_UNMAP,
	CALLS,
};

static void make(struct bench *bench, enum call call,
		 struct bounce_mapping *handle)
{
	const struct bounce_buf buf = bench_buf(bench, 0, 4096);
	struct bounce_queue *queue = bench->queue[0];

	if (call == CALL_MAP)
		(void)!bounce_map(queue, &buf, BOUNCE_BIDIRECTIONAL, handle);
	else if (call == CALL_SYNC)
		(void)!bounce_sync_for_cpu(queue, handle, 0, 4096);
	else
		(void)!bounce_unmap(queue, handle, 4096);
}

/* All but what the call had in its hands goes on, at once. */
static void goes_on(struct bench *bench)
{
	struct bounce_mapping handle[64];
	struct bounce_buf buf = bench_buf(bench, 8192, 4096);
	uint32_t made = 0;

	while (made < 64 && bounce_map(bench->queue[1], &buf, BOUNCE_TO_DEVICE,
				       &handle[made]) == BOUNCE_OK)
		made++;
	cr_expect_eq(made, 63, "all slots but one: %u", made);
	for (uint32_t i = 0; i < made; i++)
		unmap_ok(bench->queue[1], &handle[i], 0);
	cr_expect_eq(bounce_device_detach(bench->device[1]), BOUNCE_OK);
}

Test(c15, a_page_that_is_gone_in_the_middle_of_a_copy_holds_up_nobody_else)
{
	struct bench_knobs knobs = small();

	knobs.devices = 2;
	for (unsigned i = 0; i < 4 * CALLS; i++) {
		enum call call = (enum call)(i % CALLS);
		struct bounce_mapping handle;
		static struct bench bench;

		begin(&bench, &knobs);
		if (call != CALL_MAP)
			make(&bench, CALL_MAP, &handle);
		fault_at = 1365 * (i / CALLS);
		act = page_is_gone;
		if (setjmp(fault) == 0) {
			make(&bench, call, &handle);
			cr_assert_fail("it did not meet the fault");
		}
		goes_on(&bench);
		bench_discard(&bench);
	}
}

/* An embedder whose memcpy() gives up on such a page, as kernels' do: the call
 * then finishes like any other. */
static void skip_rest(struct moment *moment)
{
	if (moment->index >= fault_at)
		moment->index = moment->len - 1;
}

Test(c15, a_memcpy_that_gives_up_at_such_a_page_leaves_everything_whole)
{
	struct bench_knobs knobs = small();
	struct bounce_mapping handle;
	struct bench bench;

	for (unsigned i = 0; i < CALLS; i++) {
		begin(&bench, &knobs);
		fault_at = 1000;
		act = i == CALL_MAP ? skip_rest : NULL;
		make(&bench, CALL_MAP, &handle);
		act = i == CALL_SYNC ? skip_rest : NULL;
		make(&bench, CALL_SYNC, &handle);
		act = i == CALL_UNMAP ? skip_rest : NULL;
		make(&bench, CALL_UNMAP, &handle);
		act = NULL;
		cr_expect_eq(slots_free(&bench), 64);
		bench_fini(&bench);
	}
}
