/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_own.c - the caller's own pages in a dynamic window: whole pages where
 * they are, heads and tails in slots, neighbours never. O1 to O3, N4.
 */
#include "behind.h"

static const struct behind_knobs usual = { .open = true };

#define PAGE BEHIND_PAGE

/* Does any translation reach a byte beside a buffer's, in private memory? */
static bool neighbours_hidden(const struct behind *b,
			      const struct bounce_buf *buf)
{
	uint64_t first = bench_private_gpa(&b->bench, 0).v;
	uint64_t end = buf->gpa.v + buf->len;

	return (buf->gpa.v == first ||
		!fake_iommu_exposes(&b->iommu, first, buf->gpa.v - first)) &&
	       !fake_iommu_exposes(&b->iommu, end,
				   first + b->bench.knobs.private_bytes - end);
}

static bool is_own(const struct behind *b, const struct bounce_mapping *mapping)
{
	return mapping->bus.v - b->translation.own_bus.v <
	       b->translation.own_len;
}

/* ---- O3 ---- */

Test(own, whole_pages_are_mapped_where_they_are)
{
	struct bounce_mapping mapping;
	struct bounce_device_stats stats;
	struct bounce_buf buf;
	struct behind b;
	uint64_t gpa;

	behind_init(&b, &usual);
	buf = bench_buf(&b.bench, 3 * PAGE, 4 * PAGE);
	cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_BIDIRECTIONAL, &mapping),
		     BOUNCE_OK);
	cr_expect(is_own(&b, &mapping));
	cr_expect(fake_iommu_reach(&b.iommu, mapping.bus.v, 4 * PAGE, 3, &gpa));
	cr_expect_eq(gpa, buf.gpa.v);
	cr_expect_eq(fake_iommu_mapped(&b.iommu), 4 * PAGE);
	cr_expect(neighbours_hidden(&b, &buf));
	behind_write(&b, mapping.bus.v, (const unsigned char *)"there", 5);
	cr_expect_eq(memcmp(bench_private(&b.bench, 3 * PAGE), "there", 5), 0);
	cr_assert_eq(bounce_unmap(b.queue, &mapping, 5), BOUNCE_OK);
	bounce_device_stats(b.device, &stats);
	cr_expect_eq(stats.bytes_to + stats.bytes_from, 0, "nothing copied");
	cr_expect_eq(fake_iommu_mapped(&b.iommu), 0);
	behind_fini(&b);
}

/* Head and tail go through slots; one request is about all three parts. */
Test(own, the_parts_of_pages_at_the_ends_are_bounced)
{
	enum {
		HEAD = 100,
		LEN = 3 * 4096
	};
	unsigned char seen[LEN];
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct behind b;
	unsigned char *bytes;

	behind_init(&b, &usual);
	buf = bench_buf(&b.bench, 2 * PAGE - HEAD, LEN);
	bytes = bench_private(&b.bench, 2 * PAGE - HEAD);
	for (uint32_t i = 0; i < LEN; i++)
		bytes[i] = (unsigned char)(i * 7);
	cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_BIDIRECTIONAL, &mapping),
		     BOUNCE_OK);
	cr_expect(is_own(&b, &mapping));
	cr_expect_eq(mapping.bus.v % PAGE, buf.gpa.v % PAGE);
	cr_expect_eq(b.iommu.calls[FAKE_IOMMU_MAP], 1);
	cr_expect_eq(b.iommu.runs, 3);
	cr_expect(neighbours_hidden(&b, &buf));
	cr_expect_not(fake_iommu_exposes(&b.iommu, buf.gpa.v, HEAD));
	behind_read(&b, mapping.bus.v, seen, LEN);
	cr_expect_eq(memcmp(seen, bytes, LEN), 0);
	/* What is around the head in its slot is zero. */
	behind_read(&b, mapping.bus.v & ~(PAGE - 1), seen, PAGE - HEAD);
	for (uint32_t i = 0; i < PAGE - HEAD; i++)
		cr_assert_eq(seen[i], 0);
	memset(seen, 0x11, LEN);
	behind_write(&b, mapping.bus.v, seen, LEN);
	cr_assert_eq(bounce_unmap(b.queue, &mapping, LEN), BOUNCE_OK);
	cr_expect_eq(memcmp(seen, bytes, LEN), 0);
	cr_expect_eq(bytes[-1], FAKE_SECRET);
	cr_expect_eq(bytes[LEN], FAKE_SECRET);
	cr_expect_eq(b.iommu.calls[FAKE_IOMMU_UNMAP], 1);
	behind_fini(&b);
}

/* Each has a slot of its own, whichever end it is of. */
Test(own, a_tail_alone_is_bounced_in_a_slot_of_its_own)
{
	unsigned char seen[20];
	struct bounce_mapping mapping[2];
	struct behind b;

	behind_init(&b, &usual);
	memset(bench_private(&b.bench, PAGE), 1, 20);
	memset(bench_private(&b.bench, 11 * PAGE), 2, 20);
	for (uint32_t i = 0; i < 2; i++) {
		struct bounce_buf buf = bench_buf(&b.bench, i * 10 * PAGE,
						  PAGE + 20);

		cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE,
					&mapping[i]),
			     BOUNCE_OK);
		cr_expect_eq(behind_free_slots(&b), b.free - i - 1);
	}
	for (uint32_t i = 0; i < 2; i++) {
		behind_read(&b, mapping[i].bus.v + PAGE, seen, 20);
		for (uint32_t j = 0; j < 20; j++)
			cr_assert_eq(seen[j], i + 1);
		cr_assert_eq(bounce_unmap(b.queue, &mapping[i], 0), BOUNCE_OK);
	}
	behind_fini(&b);
}

Test(own, a_part_of_a_page_is_bounced_whole)
{
	static const struct {
		uint64_t offset, len;
	} bufs[] = { { 10, 100 }, { 0, 4095 },	       { 1, 4095 },
		     { 4095, 2 }, { 4000, 4096 + 95 }, { 4095, 4096 } };
	struct behind b;

	behind_init(&b, &usual);
	for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++) {
		struct bounce_buf buf = bench_buf(&b.bench, bufs[i].offset,
						  bufs[i].len);
		struct bounce_mapping mapping;

		cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE,
					&mapping),
			     BOUNCE_OK);
		cr_expect_not(is_own(&b, &mapping), "buffer %zu", i);
		cr_expect_not(fake_iommu_exposes(
			&b.iommu, bench_private_gpa(&b.bench, 0).v,
			b.bench.knobs.private_bytes));
		cr_assert_eq(bounce_unmap(b.queue, &mapping, 0), BOUNCE_OK);
	}
	behind_fini(&b);
}

/* S2: bytes beyond what was written stay, in the ends as between them. */
Test(own, only_what_was_written_comes_back)
{
	static const uint64_t written[] = { 0,	  1,	99,   100, 101,
					    5000, 8292, 8293, 8300 };
	enum {
		HEAD = 100,
		LEN = HEAD + 2 * 4096 + 108
	};
	static unsigned char ones[LEN];
	struct behind b;

	memset(ones, 1, sizeof(ones));
	behind_init(&b, &usual);
	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		struct bounce_buf buf = bench_buf(&b.bench, PAGE - HEAD, LEN);
		unsigned char *bytes = bench_private(&b.bench, PAGE - HEAD);
		struct bounce_mapping mapping;

		memset(bytes, 9, LEN);
		cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_FROM_DEVICE,
					&mapping),
			     BOUNCE_OK);
		behind_write(&b, mapping.bus.v, ones, written[i]);
		cr_assert_eq(bounce_unmap(b.queue, &mapping, written[i]),
			     BOUNCE_OK);
		for (uint64_t j = 0; j < LEN; j++)
			cr_assert_eq(bytes[j], j < written[i] ? 1 : 9,
				     "%lu written, byte %lu",
				     (unsigned long)written[i],
				     (unsigned long)j);
	}
	behind_fini(&b);
}

Test(own, a_lie_about_the_length_copies_nothing)
{
	struct bounce_mapping mapping;
	struct behind b;

	behind_init(&b, &usual);
	mapping = behind_map(&b, PAGE - 8, PAGE + 8, BOUNCE_FROM_DEVICE);
	behind_write(&b, mapping.bus.v, (const unsigned char *)"head", 4);
	cr_expect_eq(bounce_unmap(b.queue, &mapping, mapping.len + 1),
		     BOUNCE_ERR_LENGTH);
	cr_expect_eq(bench_private(&b.bench, PAGE - 8)[0], FAKE_SECRET);
	behind_expect_nothing(&b);
	behind_fini(&b);
}

Test(own, sync_moves_the_bytes_of_the_ends)
{
	enum {
		HEAD = 10,
		TAIL = 20,
		LEN = HEAD + 4096 + TAIL
	};
	unsigned char seen[LEN];
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct behind b;
	unsigned char *bytes;

	behind_init(&b, &usual);
	buf = bench_buf(&b.bench, PAGE - HEAD, LEN);
	bytes = bench_private(&b.bench, PAGE - HEAD);
	memset(bytes, 2, LEN);
	cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_BIDIRECTIONAL, &mapping),
		     BOUNCE_OK);
	memset(bytes, 3, LEN);
	cr_assert_eq(bounce_sync_for_device(b.queue, &mapping, 4, LEN - 9),
		     BOUNCE_OK);
	behind_read(&b, mapping.bus.v, seen, LEN);
	for (uint32_t i = 0; i < LEN; i++)
		cr_assert_eq(seen[i], i < 4 || i >= LEN - 5 ? 2 : 3, "byte %u",
			     i);
	memset(seen, 4, LEN);
	behind_write(&b, mapping.bus.v, seen, LEN);
	cr_assert_eq(bounce_sync_for_cpu(b.queue, &mapping, 8, 4096 + 4),
		     BOUNCE_OK);
	for (uint32_t i = 0; i < LEN; i++)
		cr_assert_eq(bytes[i], i < 8 || i >= HEAD + 4096 + 2 ? 3 : 4,
			     "byte %u", i);
	cr_expect_eq(bounce_sync_for_cpu(b.queue, &mapping, 1, LEN),
		     BOUNCE_ERR_ARG);
	cr_assert_eq(bounce_unmap(b.queue, &mapping, 0), BOUNCE_OK);
	cr_expect_eq(bounce_sync_for_cpu(b.queue, &mapping, 0, 1),
		     BOUNCE_ERR_STALE);
	behind_fini(&b);
}

/* The bytes of another owner's ends are not left for this one. */
Test(own, the_ends_change_owner_scrubbed)
{
	struct bounce_device_info info = { .owner = 7 };
	struct bounce_mapping mapping;
	struct bounce_device *first;
	struct bounce_queue *queue;
	struct bounce_buf buf;
	unsigned char seen[8];
	struct behind b;

	behind_init(&b, &usual);
	first = b.device;
	queue = b.queue;
	buf = bench_buf(&b.bench, PAGE - 8, PAGE + 8);
	cr_assert_eq(bounce_map(queue, &buf, BOUNCE_TO_DEVICE, &mapping),
		     BOUNCE_OK);
	cr_assert_eq(bounce_unmap(queue, &mapping, 0), BOUNCE_OK);
	behind_attach(&b, &info);
	cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_FROM_DEVICE, &mapping),
		     BOUNCE_OK);
	for (uint32_t i = 0; i < 8; i++) {
		const unsigned char *at = behind_at(&b, mapping.bus.v + i,
						    BOUNCE_ACCESS_WRITE);

		seen[i] = *at;
		cr_expect_eq(seen[i], 0);
	}
	cr_assert_eq(bounce_unmap(b.queue, &mapping, 0), BOUNCE_OK);
	cr_assert_eq(bounce_device_detach(first), BOUNCE_OK);
	behind_fini(&b);
}

/* ---- what is not worth it, or cannot be, bounces ---- */

Test(own, what_cannot_be_mapped_where_it_is_bounces)
{
	static const struct bounce_device_info infos[] = {
		{ .alloc_align_mask = 8191 }, /* runs are not just pages */
		{ .segment_bytes = 4096 + 8 }, /* two pages are longer */
		{ .flags = BOUNCE_DEVICE_FORCE },
	};

	for (size_t i = 0; i < sizeof(infos) / sizeof(infos[0]); i++) {
		struct behind_knobs knobs = usual;
		struct bounce_mapping mapping;
		struct bounce_buf buf;
		struct behind b;

		knobs.info = infos[i];
		behind_init(&b, &knobs);
		buf = bench_buf(&b.bench, PAGE - 8, PAGE + 8);
		cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE,
					&mapping),
			     BOUNCE_OK, "case %zu", i);
		cr_expect_not(is_own(&b, &mapping), "case %zu", i);
		cr_assert_eq(bounce_unmap(b.queue, &mapping, 0), BOUNCE_OK);
		behind_fini(&b);
	}
}

/* Limits hold for own pages, too: W1, W3. */
Test(own, bus_addresses_are_as_the_device_wants_them)
{
	struct behind_knobs knobs = usual;
	struct bounce_mapping mapping[8];
	struct bounce_buf buf;
	struct behind b;

	knobs.info.min_align_mask = 16383;
	knobs.info.boundary_mask = 65535;
	behind_init(&b, &knobs);
	for (uint32_t i = 0; i < 8; i++) {
		buf = bench_buf(&b.bench, i * 3 * PAGE + 100, 2 * PAGE);
		cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE,
					&mapping[i]),
			     BOUNCE_OK);
		cr_expect(is_own(&b, &mapping[i]));
		cr_expect_eq((mapping[i].bus.v ^ buf.gpa.v) & 16383, 0);
		cr_expect_eq(mapping[i].bus.v / 65536,
			     (mapping[i].bus.v + buf.len - 1) / 65536);
	}
	for (uint32_t i = 0; i < 8; i++)
		cr_assert_eq(bounce_unmap(b.queue, &mapping[i], 0), BOUNCE_OK);
	behind_fini(&b);
}

Test(own, zero_is_bounced_and_preserve_is_not)
{
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct behind b;
	unsigned char *bytes;

	behind_init(&b, &usual);
	buf = bench_buf(&b.bench, PAGE - 8, PAGE + 8);
	bytes = bench_private(&b.bench, PAGE - 8);
	memset(bytes, 6, buf.len);
	cr_assert_eq(bounce_map(b.queue, &buf,
				BOUNCE_FROM_DEVICE | BOUNCE_PRESERVE, &mapping),
		     BOUNCE_OK);
	cr_expect(is_own(&b, &mapping));
	behind_write(&b, mapping.bus.v, (const unsigned char *)"x", 1);
	cr_assert_eq(bounce_unmap(b.queue, &mapping, 1), BOUNCE_OK);
	cr_expect_eq(bytes[0], 'x');
	for (uint32_t i = 1; i < buf.len; i++)
		cr_assert_eq(bytes[i], 6);
	cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_FROM_DEVICE | BOUNCE_ZERO,
				&mapping),
		     BOUNCE_OK);
	cr_expect_not(is_own(&b, &mapping));
	cr_assert_eq(bounce_unmap(b.queue, &mapping, 1), BOUNCE_OK);
	for (uint32_t i = 0; i < buf.len; i++)
		cr_assert_eq(bytes[i], 0);
	behind_fini(&b);
}

Test(own, without_bus_addresses_left_buffers_bounce)
{
	struct bounce_mapping mapping[65];
	struct bounce_buf buf;
	struct behind b;

	behind_init(&b, &usual);
	buf = bench_buf(&b.bench, 0, PAGE);
	for (uint32_t i = 0; i < 65; i++) {
		cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE,
					&mapping[i]),
			     BOUNCE_OK);
		cr_expect_eq(is_own(&b, &mapping[i]), i < 64, "mapping %u", i);
	}
	for (uint32_t i = 0; i < 65; i++)
		cr_assert_eq(bounce_unmap(b.queue, &mapping[i], 0), BOUNCE_OK);
	behind_fini(&b);
}

/* Where a static window is, only the pool is mapped: nothing is DIRECT. */
Test(own, the_same_guest_with_a_static_window_bounces)
{
	struct behind_knobs knobs = usual;
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	struct behind b;
	uint64_t gpa;

	knobs.fixed = true;
	behind_init(&b, &knobs);
	b.iommu.off = true; /* no call on the way of a mapping */
	buf = bench_buf(&b.bench, 0, 4 * PAGE);
	cr_assert_eq(bounce_map(b.queue, &buf, BOUNCE_TO_DEVICE, &mapping),
		     BOUNCE_OK);
	cr_expect(fake_iommu_reach(&b.iommu, mapping.bus.v, buf.len, 1, &gpa));
	cr_expect_neq(gpa, buf.gpa.v);
	cr_expect_not(fake_iommu_exposes(&b.iommu, buf.gpa.v, buf.len));
	cr_assert_eq(bounce_unmap(b.queue, &mapping, 0), BOUNCE_OK);
	b.iommu.off = false;
	behind_fini(&b);
}

/* ---- at random: every byte, and every neighbour ---- */

Test(own, random_buffers_show_the_device_their_bytes_and_nothing_else)
{
	enum {
		MOST = 6 * 4096
	};
	static unsigned char seen[MOST];
	static unsigned char now[MOST];
	uint64_t state = 1;
	struct behind b;

	behind_init(&b, &usual);
	for (uint32_t round = 0; round < 300; round++) {
		uint64_t offset = bench_below(&state, 5 * PAGE);
		uint64_t len = 1 + bench_below(&state, MOST);
		uint32_t how = 1 + (uint32_t)bench_below(&state, 3);
		uint64_t written = bench_below(&state, len + 1);
		struct bounce_buf buf = bench_buf(&b.bench, offset, len);
		unsigned char *bytes = bench_private(&b.bench, offset);
		struct bounce_mapping mapping;

		for (uint64_t i = 0; i < len; i++)
			bytes[i] = (unsigned char)bench_random(&state);
		memcpy(now, bytes, len);
		cr_assert_eq(bounce_map(b.queue, &buf, how, &mapping),
			     BOUNCE_OK);
		cr_assert(neighbours_hidden(&b, &buf));
		if ((how & BOUNCE_TO_DEVICE) != 0) {
			behind_read(&b, mapping.bus.v, seen, len);
			cr_assert_eq(memcmp(seen, now, len), 0);
		}
		if ((how & BOUNCE_FROM_DEVICE) == 0)
			written = 0;
		for (uint64_t i = 0; i < written; i++)
			now[i] = (unsigned char)bench_random(&state);
		if (written != 0)
			behind_write(&b, mapping.bus.v, now, written);
		cr_assert_eq(bounce_unmap(b.queue, &mapping, written),
			     BOUNCE_OK);
		cr_assert_eq(memcmp(bytes, now, len), 0, "round %u", round);
		cr_assert_eq(fake_iommu_mapped(&b.iommu), 0);
	}
	behind_fini(&b);
}
