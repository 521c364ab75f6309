/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_dynamic_cache.c - a dynamic window before devices that do not snoop: own
 * pages and their ends go through caches that are two copies of memory, which
 * write lines back and load others whenever they like. H1 to H4, and O3.
 */
#include "behind.h"
#include "calls.h"

#define PAGE BEHIND_PAGE
#define LINE 128u
/* Pages of private memory that buffers lie in; all of it is looked at. */
#define ROOM (8 * PAGE)

struct stand {
	struct behind b;
	uint32_t calls_at_map; /* of the caches' hooks, when it was open */
	uint32_t calls_at_flush; /* and when it was still open */
	struct bounce_mapping mapping; /* live while a flush is made */
	uint32_t len;
	unsigned char late; /* what the device writes until the flush, or 0 */
};

static void opened(void *ctx)
{
	struct stand *s = ctx;

	s->calls_at_map = s->b.cache.calls;
}

/* The last moment: the device writes, and lines come and go. */
static void closing(void *ctx)
{
	struct stand *s = ctx;

	s->calls_at_flush = s->b.cache.calls;
	for (uint32_t i = 0; i < s->len && s->late != 0; i++)
		*behind_at(&s->b, s->mapping.bus.v + i,
			   BOUNCE_ACCESS_WRITE) = s->late;
	fake_cache_stir(&s->b.cache);
}

static void begin(struct stand *s, bool open, uint32_t line_bytes)
{
	const struct behind_knobs knobs = { .open = open,
					    .line_bytes = line_bytes };

	*s = (struct stand) { .late = 0 };
	behind_init(&s->b, &knobs);
	s->b.iommu.at_map = opened;
	s->b.iommu.at_map_ctx = s;
	s->b.iommu.at_flush = closing;
	s->b.iommu.at_flush_ctx = s;
	/* Old bytes, in memory and in no cache. */
	memset(fake_cache_memory(&s->b.cache, s->b.bench.knobs.gpa), 0x99,
	       s->b.bench.slab_bytes);
	fake_cache_stir(&s->b.cache);
}

static void map(struct stand *s, uint64_t at, uint32_t len, uint32_t how)
{
	struct bounce_buf buf = bench_buf(&s->b.bench, at, len);

	s->len = len;
	cr_assert_eq(bounce_map(s->b.queue, &buf, how, &s->mapping), BOUNCE_OK,
		     "%lu bytes at %lu", buf.len, at);
	cr_expect_eq(s->b.cache.calls, s->calls_at_map,
		     "a cache is maintained before the device gets there");
}

static bool is_own(const struct stand *s)
{
	return s->mapping.bus.v - s->b.translation.own_bus.v <
	       s->b.translation.own_len;
}

/* Each line of each call since @from is a slot's, or in the buffer's pages. */
static void expect_own_lines(const struct stand *s, uint32_t from, uint64_t at)
{
	uint64_t base = s->b.bench.knobs.gpa;
	uint64_t first = bench_private_gpa(&s->b.bench, at).v;
	uint64_t mask = s->b.cache.hooks.line_bytes - 1;

	cr_assert_leq(s->b.cache.calls - from, FAKE_CACHE_LOG);
	for (uint32_t i = from; i < s->b.cache.calls; i++) {
		const struct fake_cache_call *call =
			&s->b.cache.log[i % FAKE_CACHE_LOG];
		uint64_t start = call->gpa & ~mask;
		uint64_t end = (call->gpa + call->len + mask) & ~mask;

		cr_expect(end <= base + s->b.bench.slab_bytes ||
				  (start >= first && end <= first + s->len),
			  "a line of a neighbour: %#lx to %#lx", start, end);
	}
}

static void expect_seen(const struct stand *s, const unsigned char *bytes)
{
	for (uint32_t i = 0; i < s->len; i++) {
		const unsigned char *at = behind_at(&s->b, s->mapping.bus.v + i,
						    BOUNCE_ACCESS_READ);

		cr_assert_neq(at, NULL);
		cr_assert_eq(*at, bytes[i], "byte %u of %u", i, s->len);
	}
}

/* ---- one buffer, whatever its shape ---- */

static const struct {
	uint64_t at;
	uint32_t len;
} shapes[] = {
	{ 0, 100 }, /* a part of a page: all of it bounces */
	{ PAGE, 2 * PAGE }, /* pages alone */
	{ PAGE - 1, 2 * PAGE + 1 }, /* a head of one byte */
	{ PAGE, 2 * PAGE + 1 }, /* a tail of one */
	{ PAGE - 100, 2 * PAGE + 300 }, /* all three, lines shared */
	{ PAGE - LINE, PAGE + 2 * LINE }, /* all three, whole lines */
};

static void be_sent(struct stand *s, uint64_t at, uint32_t len)
{
	unsigned char *bytes = bench_private(&s->b.bench, at);
	uint32_t calls = s->b.cache.calls;

	for (uint32_t i = 0; i < len; i++)
		bytes[i] = (unsigned char)(i * 7 + 1);
	map(s, at, len, BOUNCE_TO_DEVICE);
	expect_seen(s, bytes);
	expect_own_lines(s, calls, at);
	for (uint32_t i = calls; i < s->b.cache.calls; i++)
		cr_expect_eq(s->b.cache.log[i % FAKE_CACHE_LOG].verb,
			     FAKE_CACHE_CLEAN);
	calls = s->b.cache.calls;
	cr_assert_eq(bounce_unmap(s->b.queue, &s->mapping, 0), BOUNCE_OK);
	cr_expect_eq(s->b.cache.calls, calls, "nothing came");
}

Test(dynamic_cache, what_a_device_reads_is_in_memory_when_it_gets_there)
{
	struct stand s;

	begin(&s, true, LINE);
	for (size_t i = 0; i < COUNT_OF(shapes); i++) {
		be_sent(&s, shapes[i].at, shapes[i].len);
		cr_expect_eq(is_own(&s), i != 0);
	}
	behind_fini(&s.b);
}

/* The slots' zeroes, too: what was there before is no device's. */
Test(dynamic_cache, nothing_old_is_around_the_ends)
{
	struct stand s;

	begin(&s, true, LINE);
	map(&s, PAGE - 100, 2 * PAGE + 300, BOUNCE_FROM_DEVICE);
	for (uint64_t i = 0; i < 4 * PAGE; i++) {
		const unsigned char *at =
			behind_at(&s.b, (s.mapping.bus.v & ~(PAGE - 1)) + i,
				  BOUNCE_ACCESS_WRITE);

		if (i < PAGE - 100 || i >= 3 * PAGE + 200)
			cr_assert(at != NULL && *at == 0, "byte %lu", i);
	}
	cr_assert_eq(bounce_unmap(s.b.queue, &s.mapping, 0), BOUNCE_OK);
	behind_fini(&s.b);
}

static void receive(struct stand *s, uint64_t at, uint32_t len)
{
	unsigned char *bytes = bench_private(&s->b.bench, at);
	uint32_t calls = s->b.cache.calls;

	memset(bytes, 0x11, len);
	map(s, at, len, BOUNCE_FROM_DEVICE);
	expect_own_lines(s, calls, at);
	fake_cache_stir(&s->b.cache);
	s->late = 0x77;
	cr_assert_eq(bounce_unmap(s->b.queue, &s->mapping, len), BOUNCE_OK);
	s->late = 0;
	cr_expect_gt(s->b.cache.calls, s->calls_at_flush,
		     "lines are dropped after the flush");
	expect_own_lines(s, s->calls_at_flush, at);
	for (uint32_t i = 0; i < len; i++)
		cr_assert_eq(bytes[i], 0x77, "byte %u of %u", i, len);
}

Test(dynamic_cache, what_a_device_writes_until_the_flush_is_what_the_cpu_reads)
{
	struct stand s;

	begin(&s, true, LINE);
	for (size_t i = 0; i < COUNT_OF(shapes); i++)
		receive(&s, shapes[i].at, shapes[i].len);
	behind_fini(&s.b);
}

/* ---- sync ---- */

Test(dynamic_cache, parts_of_all_pieces_come_and_go)
{
	static const struct {
		uint32_t at, len;
	} part[] = { { 0, 100 },    { 50, 200 },    { 100, 4096 },
		     { 150, 1000 }, { 4100, 4300 }, { 8292, 200 },
		     { 0, 8492 },   { 8491, 1 },    { 99, 2 } };
	const uint32_t len = 2 * PAGE + 300;
	unsigned char *bytes;
	struct stand s;

	begin(&s, true, LINE);
	bytes = bench_private(&s.b.bench, PAGE - 100);
	memset(bytes, 1, len);
	map(&s, PAGE - 100, len, BOUNCE_BIDIRECTIONAL);
	for (uint32_t i = 0; i < COUNT_OF(part); i++) {
		unsigned char out = (unsigned char)(0x20 + i);
		unsigned char in = (unsigned char)(0x40 + i);
		uint64_t bus = s.mapping.bus.v + part[i].at;

		memset(bytes + part[i].at, out, part[i].len);
		cr_assert_eq(bounce_sync_for_device(s.b.queue, &s.mapping,
						    part[i].at, part[i].len),
			     BOUNCE_OK);
		for (uint32_t j = 0; j < part[i].len; j++)
			cr_assert_eq(*behind_at(&s.b, bus + j, 1), out);
		fake_cache_stir(&s.b.cache);
		for (uint32_t j = 0; j < part[i].len; j++)
			*behind_at(&s.b, bus + j, 2) = in;
		cr_assert_eq(bounce_sync_for_cpu(s.b.queue, &s.mapping,
						 part[i].at, part[i].len),
			     BOUNCE_OK);
		for (uint32_t j = 0; j < part[i].len; j++)
			cr_assert_eq(bytes[part[i].at + j], in, "part %u", i);
	}
	cr_assert_eq(bounce_unmap(s.b.queue, &s.mapping, 0), BOUNCE_OK);
	behind_fini(&s.b);
}

/* ---- neighbours ---- */

/* The CPU uses what is beside the buffer, byte by byte, while it is mapped. */
static void scribble(struct stand *s, uint64_t at, unsigned char byte)
{
	memset(bench_private(&s->b.bench, 0), byte, at);
	memset(bench_private(&s->b.bench, at + s->len), byte,
	       ROOM - at - s->len);
}

static void expect_scribbled(struct stand *s, uint64_t at, unsigned char byte)
{
	const unsigned char *room = bench_private(&s->b.bench, 0);

	for (uint64_t i = 0; i < ROOM; i++)
		if (i < at || i >= at + s->len)
			cr_assert_eq(room[i], byte, "byte %lu", i);
}

/* Random buffers, ways and moments; what the device has is what it was given,
 * what the CPU gets is what the device wrote, and neighbours never notice. */
static void live(struct stand *s, uint64_t *random)
{
	static const uint32_t hows[] = { BOUNCE_TO_DEVICE, BOUNCE_FROM_DEVICE,
					 BOUNCE_BIDIRECTIONAL,
					 BOUNCE_FROM_DEVICE | BOUNCE_ZERO,
					 BOUNCE_FROM_DEVICE | BOUNCE_PRESERVE };
	uint64_t at = bench_below(random, 3 * PAGE);
	uint32_t len = (uint32_t)(1 + bench_below(random, 4 * PAGE));
	uint32_t how = hows[bench_below(random, COUNT_OF(hows))];
	unsigned char byte = (unsigned char)(1 + bench_below(random, 200));
	unsigned char *bytes = bench_private(&s->b.bench, at);
	bool writes = (how & BOUNCE_FROM_DEVICE) != 0;
	uint32_t calls = s->b.cache.calls;

	if (bench_below(random, 2) == 0) {
		at &= ~(PAGE - 1);
		bytes = bench_private(&s->b.bench, at);
	}
	memset(bytes, byte, len);
	map(s, at, len, how);
	expect_own_lines(s, calls, at);
	if ((how & BOUNCE_TO_DEVICE) != 0)
		expect_seen(s, bytes);
	scribble(s, at, (unsigned char)(byte + 1));
	if (bench_below(random, 2) == 0)
		fake_cache_stir(&s->b.cache);
	scribble(s, at, (unsigned char)(byte + 2));
	s->late = writes ? (unsigned char)(byte + 3) : 0;
	cr_assert_eq(bounce_unmap(s->b.queue, &s->mapping, writes ? len : 0),
		     BOUNCE_OK);
	s->late = 0;
	for (uint32_t i = 0; i < len; i++)
		cr_assert_eq(bytes[i], writes ? byte + 3 : byte,
			     "byte %u of %u, how %u", i, len, how);
	expect_scribbled(s, at, (unsigned char)(byte + 2));
	fake_cache_stir(&s->b.cache);
	expect_scribbled(s, at, (unsigned char)(byte + 2));
}

Test(dynamic_cache, neighbours_of_a_buffer_never_notice)
{
	static const uint32_t lines[] = { 64, LINE, 256, 4096 };

	for (uint32_t i = 0; i < 2 * COUNT_OF(lines); i++) {
		uint64_t random = i;
		struct stand s;

		/* In a protected guest all of it bounces. */
		begin(&s, i % 2 == 0, lines[i / 2]);
		for (uint32_t turn = 0; turn < 40; turn++)
			live(&s, &random);
		behind_expect_nothing(&s.b);
		behind_fini(&s.b);
	}
}

/* Without a pointer to its bytes, nothing can be written back. */
Test(dynamic_cache, pages_outside_of_the_linear_map_are_not_mapped)
{
	struct bounce_buf buf = { .gpa = { UINT64_C(1) << 40 },
				  .len = 2 * PAGE };
	struct stand s;

	begin(&s, true, LINE);
	cr_expect_eq(bounce_map(s.b.queue, &buf, BOUNCE_TO_DEVICE, &s.mapping),
		     BOUNCE_ERR_ARG);
	behind_expect_nothing(&s.b);
	behind_fini(&s.b);
}

/* Nor used where they are, in a window that is wider than that map. */
Test(cache, a_buffer_outside_of_the_linear_map_is_bounced)
{
	const struct bounce_window wide = { .flags = 0 };
	struct bounce_device_info info = { .flags =
						   BOUNCE_DEVICE_NON_COHERENT };
	struct bounce_buf buf;
	struct stand s;

	begin(&s, true, LINE);
	cr_assert_eq(bounce_device_detach(s.b.device), BOUNCE_OK);
	cr_assert_eq(bounce_space_fini(s.b.space), BOUNCE_OK);
	cr_assert_eq(bounce_space_init(s.b.bench.bounce, s.b.bench.pool,
				       &s.b.space),
		     BOUNCE_OK);
	cr_assert_eq(bounce_space_add_window(s.b.space, &wide), BOUNCE_OK);
	behind_attach(&s.b, &info);
	buf = bench_buf(&s.b.bench, 0, PAGE);
	memset(bench_private(&s.b.bench, 0), 0x44, PAGE);
	/* One page, and again under an address that the map has not. */
	for (int outside = 0; outside < 2; outside++) {
		s.mapping = map_ok(s.b.queue, buf, BOUNCE_TO_DEVICE);
		cr_expect_eq(s.mapping.bus.v == buf.gpa.v, !outside);
		for (uint64_t i = 0; i < PAGE; i++)
			cr_assert_eq(fake_cache_memory(&s.b.cache,
						       s.mapping.bus.v)[i],
				     0x44);
		unmap_ok(s.b.queue, &s.mapping, 0);
		buf.gpa.v = UINT64_C(1) << 40;
		buf.ptr = bench_private(&s.b.bench, 0);
	}
	behind_fini(&s.b);
}
