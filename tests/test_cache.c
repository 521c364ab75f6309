/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_cache.c - devices that do not snoop, on a machine whose caches are two
 * copies of its memory: H1 to H4 of lib/cache.c.
 */
#include "calls.h"
#include "fake_cache.h"

#define LINE 128u

/* A bench with such caches, and one device. */
struct stand {
	struct bench bench;
	struct fake_cache cache;
	struct bounce_queue *queue;
};

static struct bench_knobs knobs_of(enum bounce_coherency coherency)
{
	struct bench_knobs knobs = bench_usual();

	knobs.coherency = coherency;
	knobs.chunks = 1;
	knobs.private_bytes = 0x8000;
	if (coherency == BOUNCE_NON_COHERENT)
		knobs.info.flags = BOUNCE_DEVICE_NON_COHERENT;
	if (coherency == BOUNCE_NO_SNOOP)
		knobs.info.flags = BOUNCE_DEVICE_NO_SNOOP;
	return knobs;
}

static void stand_init(struct stand *s, const struct bench_knobs *knobs)
{
	bench_power_on(&s->bench, knobs);
	fake_cache_init(&s->cache, &s->bench.machine, LINE);
	bench_set_up(&s->bench);
	s->queue = s->bench.queue[0];
}

static void stand_fini(struct stand *s)
{
	bench_fini(&s->bench);
	fake_cache_fini(&s->cache);
}

static void begin(struct stand *s)
{
	const struct bench_knobs knobs = knobs_of(BOUNCE_NON_COHERENT);

	stand_init(s, &knobs);
}

/* What the device sees at @bus. */
static unsigned char *seen(const struct stand *s, bounce_bus_t bus)
{
	return fake_cache_memory(&s->cache, bus.v - s->bench.knobs.shift);
}

static bool all(const unsigned char *bytes, unsigned char byte, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++)
		if (bytes[i] != byte)
			return false;
	return true;
}

static const uint32_t lengths[] = { 1, 63, 64, 65, 128, 1000, 4096, 9000 };

/* ---- to and fro ---- */

/* The last user's bytes, everywhere. */
static void litter(struct stand *s)
{
	memset(fake_cache_memory(&s->cache, s->bench.knobs.gpa), 0x99,
	       s->bench.slab_bytes);
	fake_cache_stir(&s->cache);
}

/* From the start of the run's line, or slot, to its end. */
static void expect_sent(struct stand *s, uint64_t at, uint32_t len,
			uint32_t unit)
{
	struct bounce_mapping mapping;
	uint64_t head;

	litter(s);
	memset(bench_private(&s->bench, at), 0x5a, len);
	mapping = map_ok(s->queue, bench_buf(&s->bench, at, len),
			 BOUNCE_TO_DEVICE);
	head = mapping.bus.v % unit;
	cr_expect(all(seen(s, mapping.bus), 0x5a, len), "%u", len);
	cr_expect(all(seen(s, mapping.bus) - head, 0, head), "%u", len);
	cr_expect(all(seen(s, mapping.bus) + len, 0, (0u - head - len) % unit),
		  "%u", len);
	cr_expect_eq(s->cache.log[(s->cache.calls - 1) % FAKE_CACHE_LOG].verb,
		     FAKE_CACHE_CLEAN);
	unmap_ok(s->queue, &mapping, 0);
}

Test(cache, what_a_device_reads_is_in_memory_and_zeroes_around_it)
{
	struct bench_knobs knobs = knobs_of(BOUNCE_NON_COHERENT);
	struct stand s;

	begin(&s);
	for (size_t i = 0; i < COUNT_OF(lengths); i++)
		expect_sent(&s, 3, lengths[i], LINE);
	stand_fini(&s);
	knobs.info.min_align_mask = 0xfff;
	stand_init(&s, &knobs);
	for (size_t i = 0; i < COUNT_OF(lengths); i++)
		expect_sent(&s, 777, lengths[i],
			    lengths[i] < 4096 ? LINE : 4096);
	stand_fini(&s);
}

Test(cache, what_a_device_may_write_is_in_no_cache_meanwhile)
{
	struct bounce_mapping mapping;
	struct fake_cache_call *call;
	struct stand s;

	begin(&s);
	mapping = map_ok(s.queue, bench_buf(&s.bench, 0, 1000),
			 BOUNCE_FROM_DEVICE);
	call = &s.cache.log[0];
	cr_expect_eq(s.cache.calls, 1);
	cr_expect_eq(call->verb, FAKE_CACHE_INVALIDATE);
	cr_expect_eq(call->gpa, mapping.bus.v);
	cr_expect_eq(call->len, 1024);
	unmap_ok(s.queue, &mapping, 300);
	call = &s.cache.log[1];
	cr_expect_eq(s.cache.calls, 2);
	cr_expect_eq(call->verb, FAKE_CACHE_INVALIDATE);
	cr_expect_eq(call->gpa, mapping.bus.v);
	cr_expect_eq(call->len, 300);
	stand_fini(&s);
}

/* Lines come and go as they like, before the device writes and after. */
static void receive(struct stand *s, uint32_t len, uint32_t how)
{
	unsigned char *private = bench_private(&s->bench, 5);
	struct bounce_mapping mapping;

	memset(private, 0x11, len);
	mapping = map_ok(s->queue, bench_buf(&s->bench, 5, len), how);
	fake_cache_stir(&s->cache);
	memset(seen(s, mapping.bus), 0x77, len);
	for (uint64_t at = 0; at < len; at += LINE)
		cr_expect_eq(seen(s, mapping.bus)[at], 0x77);
	unmap_ok(s->queue, &mapping, len);
	cr_expect(all(private, 0x77, len), "%u bytes, how %u", len, how);
}

Test(cache, what_a_device_writes_comes_back_though_a_line_was_loaded_before)
{
	static const uint32_t hows[] = { BOUNCE_FROM_DEVICE,
					 BOUNCE_BIDIRECTIONAL,
					 BOUNCE_FROM_DEVICE | BOUNCE_ZERO,
					 BOUNCE_FROM_DEVICE | BOUNCE_PRESERVE };
	struct stand s;

	begin(&s);
	for (size_t i = 0; i < COUNT_OF(lengths); i++)
		for (size_t j = 0; j < COUNT_OF(hows); j++)
			receive(&s, lengths[i], hows[j]);
	stand_fini(&s);
}

Test(cache, no_line_is_written_back_over_what_a_device_wrote)
{
	struct stand s;

	begin(&s);
	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		uint32_t len = lengths[i];
		unsigned char *private = bench_private(&s.bench, 0);
		struct bounce_mapping mapping;

		mapping = map_ok(s.queue, bench_buf(&s.bench, 0, len),
				 BOUNCE_FROM_DEVICE | BOUNCE_ZERO);
		memset(seen(&s, mapping.bus), 0x77, len);
		fake_cache_stir(&s.cache);
		unmap_ok(s.queue, &mapping, len);
		cr_expect(all(private, 0x77, len), "%u", len);
	}
	stand_fini(&s);
}

Test(cache, small_requests_of_one_slot_share_no_line)
{
	struct stand s;
	struct bounce_mapping first;
	struct bounce_mapping second;
	unsigned char *private;

	begin(&s);
	private = bench_private(&s.bench, 0);
	first = map_ok(s.queue, bench_buf(&s.bench, 0, 16), BOUNCE_FROM_DEVICE);
	memset(seen(&s, first.bus), 0x77, 16);
	/* The neighbour's bytes go through the cache meanwhile. */
	second = map_ok(s.queue, bench_buf(&s.bench, 64, 16), BOUNCE_TO_DEVICE);
	cr_expect_eq(first.bus.v / BOUNCE_SLOT_BYTES,
		     second.bus.v / BOUNCE_SLOT_BYTES);
	cr_expect_neq(first.bus.v / LINE, second.bus.v / LINE);
	cr_expect_eq(second.bus.v % LINE, 0);
	unmap_ok(s.queue, &second, 0);
	unmap_ok(s.queue, &first, 16);
	cr_expect(all(private, 0x77, 16));
	stand_fini(&s);
}

Test(cache, a_report_of_nothing_written_and_a_lie_drop_nothing)
{
	struct stand s;
	struct bounce_mapping mapping;
	uint32_t calls;

	begin(&s);
	mapping = map_ok(s.queue, bench_buf(&s.bench, 0, 64),
			 BOUNCE_FROM_DEVICE);
	calls = s.cache.calls;
	unmap_ok(s.queue, &mapping, 0);
	mapping = map_ok(s.queue, bench_buf(&s.bench, 0, 64),
			 BOUNCE_FROM_DEVICE);
	cr_expect_eq(bounce_unmap(s.queue, &mapping, 65), BOUNCE_ERR_LENGTH);
	cr_expect_eq(s.cache.calls, calls + 1);
	stand_fini(&s);
}

/* ---- sync ---- */

Test(cache, parts_go_to_a_device_and_come_from_it)
{
	struct stand s;
	struct bounce_mapping mapping;
	unsigned char *private;

	begin(&s);
	private = bench_private(&s.bench, 0);
	memset(private, 0x11, 8192);
	mapping = map_ok(s.queue, bench_buf(&s.bench, 0, 8192),
			 BOUNCE_BIDIRECTIONAL);
	memset(private + 100, 0x22, 1000);
	cr_assert_eq(bounce_sync_for_device(s.queue, &mapping, 100, 1000),
		     BOUNCE_OK);
	cr_expect(all(seen(&s, mapping.bus) + 100, 0x22, 1000));
	fake_cache_stir(&s.cache);
	memset(seen(&s, mapping.bus) + 4000, 0x33, 200);
	cr_assert_eq(bounce_sync_for_cpu(s.queue, &mapping, 4000, 200),
		     BOUNCE_OK);
	cr_expect(all(private + 4000, 0x33, 200));
	cr_expect(all(private + 3000, 0x11, 1000));
	unmap_ok(s.queue, &mapping, 0);
	stand_fini(&s);
}

/* ---- where nothing is copied ---- */

static void use_in_place(struct stand *s, struct bounce_buf buf,
			 unsigned char *cpu)
{
	struct bounce_mapping mapping = map_ok(s->queue, buf,
					       BOUNCE_BIDIRECTIONAL);

	cr_expect_eq(seen(s, mapping.bus),
		     fake_cache_memory(&s->cache, buf.gpa.v));
	cr_expect(all(seen(s, mapping.bus), 0x44, buf.len));
	fake_cache_stir(&s->cache);
	memset(seen(s, mapping.bus), 0x55, buf.len);
	cr_assert_eq(bounce_sync_for_cpu(s->queue, &mapping, 0, 256),
		     BOUNCE_OK);
	cr_expect(all(cpu, 0x55, 256));
	memset(cpu, 0x66, 256);
	cr_assert_eq(bounce_sync_for_device(s->queue, &mapping, 0, 256),
		     BOUNCE_OK);
	cr_expect(all(seen(s, mapping.bus), 0x66, 256));
	fake_cache_stir(&s->cache);
	memset(seen(s, mapping.bus), 0x77, buf.len);
	unmap_ok(s->queue, &mapping, buf.len);
	cr_expect(all(cpu, 0x77, buf.len));
}

Test(cache, memory_that_is_born_shared_is_maintained_where_it_is)
{
	struct stand s;
	struct born born;

	begin(&s);
	born = alloc_ok(s.queue, 8192);
	cr_expect(all(fake_cache_memory(&s.cache, born.buf.gpa.v), 0, 8192));
	memset(born.buf.ptr, 0x44, 8192);
	born.buf.gpa.v += 4096;
	born.buf.len = 4096;
	use_in_place(&s, born.buf, (unsigned char *)born.buf.ptr + 4096);
	free_ok(s.queue, &born);
	stand_fini(&s);
}

Test(cache, what_was_written_in_place_is_in_memory_when_committed)
{
	struct stand s;
	struct born born;
	struct bounce_mapping mapping;

	begin(&s);
	born = reserve_ok(s.queue, 4096);
	memset(born.buf.ptr, 0x44, 4096);
	mapping = born.handle;
	cr_assert_eq(bounce_commit(s.queue, &mapping, 1000), BOUNCE_OK);
	cr_expect(all(seen(&s, mapping.bus), 0x44, 1000));
	cr_expect(all(seen(&s, mapping.bus) + 1000, 0, 3096));
	unmap_ok(s.queue, &mapping, 0);
	stand_fini(&s);
}

static void open_stand(struct stand *s)
{
	struct bench_knobs knobs = knobs_of(BOUNCE_NO_SNOOP);

	knobs.protection = BOUNCE_PROTECTION_NO;
	knobs.shift = UINT64_C(1) << 40;
	stand_init(s, &knobs);
}

Test(cache, a_buffer_that_is_used_where_it_is_is_maintained_there)
{
	struct stand s;
	unsigned char *private;

	open_stand(&s);
	private = bench_private(&s.bench, 4096);
	memset(private, 0x44, 8192);
	use_in_place(&s, bench_buf(&s.bench, 4096, 8192), private);
	stand_fini(&s);
}

/* Its lines were not dropped, and no byte of it has changed. */
Test(cache, the_end_of_what_a_device_only_read_where_it_is_drops_nothing)
{
	struct bounce_mapping mapping;
	struct stand s;
	uint64_t calls;

	open_stand(&s);
	mapping = map_ok(s.queue, bench_buf(&s.bench, 4096, 8192),
			 BOUNCE_TO_DEVICE);
	calls = s.cache.calls;
	unmap_ok(s.queue, &mapping, 0);
	cr_expect_eq(s.cache.calls, calls);
	stand_fini(&s);
}

Test(cache, a_buffer_of_parts_of_lines_is_bounced)
{
	static const uint32_t odd[][2] = { { 64, 4096 }, { 0, 4096 + 64 } };
	struct stand s;

	open_stand(&s);
	for (size_t i = 0; i < COUNT_OF(odd); i++) {
		struct bounce_buf buf = bench_buf(&s.bench, odd[i][0],
						  odd[i][1]);
		struct bounce_mapping mapping = map_ok(s.queue, buf,
						       BOUNCE_TO_DEVICE);

		cr_expect_neq(mapping.bus.v - s.bench.knobs.shift, buf.gpa.v);
		unmap_ok(s.queue, &mapping, 0);
	}
	stand_fini(&s);
}

/* ---- classes ---- */

Test(cache, a_snooped_space_never_calls)
{
	const struct bench_knobs knobs = knobs_of(BOUNCE_SNOOPED);
	struct bounce_space_info info;
	struct bounce_mapping mapping;
	struct stand s;
	struct born born;

	stand_init(&s, &knobs);
	mapping = map_ok(s.queue, bench_buf(&s.bench, 0, 100),
			 BOUNCE_BIDIRECTIONAL);
	cr_expect_eq(bounce_sync_for_cpu(s.queue, &mapping, 0, 100), BOUNCE_OK);
	unmap_ok(s.queue, &mapping, 100);
	born = alloc_ok(s.queue, 100);
	free_ok(s.queue, &born);
	cr_expect_eq(s.cache.calls, 0);
	bounce_space_info(s.bench.space, &info);
	cr_expect_eq(info.coherency, BOUNCE_SNOOPED);
	cr_expect_eq(info.line_bytes, 0);
	stand_fini(&s);
}

Test(cache, classes_never_share_a_pool)
{
	struct bounce_space_info info;
	struct bounce_space *space;
	struct bench_knobs knobs = knobs_of(BOUNCE_NON_COHERENT);
	struct stand s;

	knobs.more_spaces = 2;
	stand_init(&s, &knobs);
	cr_assert_eq(bounce_space_init(s.bench.bounce, s.bench.pool, &space),
		     BOUNCE_OK);
	bounce_space_info(space, &info);
	cr_expect_eq(info.coherency, BOUNCE_NON_COHERENT);
	cr_expect_eq(info.line_bytes, LINE);
	for (uint32_t class = 0; class <= 2; class ++)
		cr_expect_eq(bounce_space_set_coherency(space, class),
			     class == BOUNCE_NON_COHERENT ? BOUNCE_OK :
							    BOUNCE_ERR_REFUSED);
	cr_expect_eq(bounce_space_set_coherency(space, 3), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_space_set_coherency(NULL, 0), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_space_set_coherency(s.bench.space, 1),
		     BOUNCE_ERR_BUSY);
	cr_expect_eq(bounce_space_fini(space), BOUNCE_OK);
	/* Without a pool it is the embedder's word alone. */
	cr_assert_eq(bounce_space_init(s.bench.bounce, NULL, &space),
		     BOUNCE_OK);
	for (uint32_t class = 3; class -- > 0;) {
		cr_expect_eq(bounce_space_set_coherency(space, class),
			     BOUNCE_OK);
		bounce_space_info(space, &info);
		cr_expect_eq(info.coherency, class);
	}
	cr_expect_eq(bounce_space_fini(space), BOUNCE_OK);
	stand_fini(&s);
}

Test(cache, a_class_that_needs_hooks_is_refused_without_them)
{
	struct bounce_pool_info info = { .slabs = 1 };
	struct bench_knobs knobs = bench_usual();
	struct bounce_space *space;
	struct bounce_pool *pool;
	struct bench bench;

	knobs.more_pools = 1;
	knobs.more_slabs = 1;
	knobs.more_spaces = 1;
	bench_init(&bench, &knobs);
	cr_assert_eq(bounce_space_init(bench.bounce, NULL, &space), BOUNCE_OK);
	for (info.coherency = 1; info.coherency <= 3; info.coherency++) {
		cr_expect_eq(bounce_pool_init(bench.bounce, &info, &pool),
			     BOUNCE_ERR_ARG);
		cr_expect_eq(bounce_space_set_coherency(space, info.coherency),
			     BOUNCE_ERR_ARG);
	}
	cr_expect_eq(bounce_space_fini(space), BOUNCE_OK);
	bench_fini(&bench);
}

Test(cache, hooks_that_will_not_do_are_refused_at_the_start)
{
	static const struct {
		uint32_t line_bytes, reserved;
		bool clean, invalidate;
		enum bounce_err err;
	} row[] = {
		{ 1, 0, true, true, BOUNCE_OK },
		{ 4096, 0, true, true, BOUNCE_OK },
		{ 0, 0, true, true, BOUNCE_ERR_ARG },
		{ 96, 0, true, true, BOUNCE_ERR_ARG },
		{ 8192, 0, true, true, BOUNCE_ERR_ARG },
		{ 64, 1, true, true, BOUNCE_ERR_ARG },
		{ 64, 0, false, true, BOUNCE_ERR_ARG },
		{ 64, 0, true, false, BOUNCE_ERR_ARG },
	};
	const struct bounce_config config = { .slabs = 1, .slab_chunks = 1 };
	struct bounce_env env;
	struct stand s;
	void *memory;

	begin(&s);
	env = fake_machine_env(&s.bench.machine);
	memory = aligned_alloc(BOUNCE_META_ALIGN,
			       (bounce_meta_size(&config) + 255) / 256 * 256);
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		const struct bounce_monitor monitor =
			fake_machine_monitor(&s.bench.machine);
		const struct bounce_cache cache = {
			.line_bytes = row[i].line_bytes,
			.reserved = row[i].reserved,
			.clean = row[i].clean ? s.cache.hooks.clean : NULL,
			.invalidate = row[i].invalidate ?
					      s.cache.hooks.invalidate :
					      NULL,
		};
		struct bounce *bounce;

		env.cache = &cache;
		cr_expect_eq(bounce_init(memory, bounce_meta_size(&config),
					 &config, &env, &monitor, &bounce),
			     row[i].err, "row %zu", i);
	}
	free(memory);
	stand_fini(&s);
}

/* ---- who is accepted ---- */

/* A device by its flags, at a space: attach and accepts say the same. */
static enum bounce_err offer(struct stand *s, uint32_t flags)
{
	struct bounce_device_info info = s->bench.knobs.info;
	struct bounce_negotiation asked = { .why = NULL };
	struct bounce_negotiation told = { .why = NULL };
	struct bounce_device *device;
	enum bounce_err err;

	info.space = s->bench.space;
	info.flags = flags;
	err = bounce_space_accepts(s->bench.space, &info, &asked);
	cr_expect_eq(bounce_device_attach(s->bench.bounce, &info, &device,
					  &told),
		     err);
	cr_expect_eq(bounce_space_accepts(s->bench.space, &info, NULL), err);
	if (err == BOUNCE_OK)
		cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	cr_expect_eq(asked.why, told.why);
	cr_expect_eq(memcmp(&asked.verdict, &told.verdict,
			    sizeof(asked.verdict)),
		     0);
	if (err == BOUNCE_ERR_REFUSED)
		cr_expect_eq(asked.verdict.reason, BOUNCE_WHY_INCOHERENT);
	return err;
}

Test(space_accepts, devices_of_its_class_and_says_why_of_the_others)
{
	static const uint32_t flags[] = { 0, BOUNCE_DEVICE_NON_COHERENT,
					  BOUNCE_DEVICE_NO_SNOOP };

	for (uint32_t class = 0; class <= 2; class ++) {
		const struct bench_knobs knobs =
			knobs_of((enum bounce_coherency) class);
		struct stand s;

		stand_init(&s, &knobs);
		for (uint32_t kind = 0; kind <= 2; kind++)
			cr_expect_eq(offer(&s, flags[kind]),
				     kind == class ? BOUNCE_OK :
						     BOUNCE_ERR_REFUSED,
				     "class %u, device %u", class, kind);
		cr_expect_eq(offer(&s, BOUNCE_DEVICE_NON_COHERENT |
					       BOUNCE_DEVICE_NO_SNOOP),
			     BOUNCE_ERR_ARG);
		stand_fini(&s);
	}
}

Test(space_accepts, says_what_attach_would_whatever_it_is)
{
	const struct bench_knobs knobs = knobs_of(BOUNCE_SNOOPED);
	struct bounce_device_info info = knobs.info;
	struct bounce_negotiation why;
	struct stand s;

	stand_init(&s, &knobs);
	cr_expect_eq(bounce_space_accepts(NULL, &info, &why), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_space_accepts(s.bench.space, NULL, &why),
		     BOUNCE_ERR_ARG);
	info.dma_mask = 0xffff;
	cr_expect_eq(bounce_space_accepts(s.bench.space, &info, &why),
		     BOUNCE_ERR_UNREACHABLE);
	cr_expect_eq(why.verdict.reason, BOUNCE_WHY_NO_POOL);
	info = knobs.info;
	info.features = 0;
	cr_expect_eq(bounce_space_accepts(s.bench.space, &info, &why),
		     BOUNCE_ERR_REFUSED);
	cr_expect_eq(why.verdict.reason, BOUNCE_WHY_LEGACY);
	info.reserved[0] = 1;
	cr_expect_eq(bounce_space_accepts(s.bench.space, &info, &why),
		     BOUNCE_ERR_ARG);
	stand_fini(&s);
}
