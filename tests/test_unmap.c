/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_unmap.c - bounce_unmap(): the length that the device reports is believed
 * up to the mapping's, and not a byte further (S2, S6; attacks B01, B02, B14,
 * B15).
 */
#include <criterion/criterion.h>
#include <string.h>

#include "support.h"

#define FROM BOUNCE_FROM_DEVICE
#define TO BOUNCE_TO_DEVICE
#define BOTH BOUNCE_BIDIRECTIONAL

static uint64_t slots_free(const struct bench *bench)
{
	struct bounce_pool_stats stats;

	bounce_pool_stats(bench->pool, &stats);
	return stats.slots_free;
}

static struct bounce_mapping map_ok(struct bounce_queue *queue,
				    const struct bounce_buf *buf, uint32_t how)
{
	struct bounce_mapping handle;

	memset(&handle, 0xcc, sizeof(handle));
	cr_assert_eq(bounce_map(queue, buf, how, &handle), BOUNCE_OK,
		     "%lu bytes", buf->len);
	cr_assert_eq(handle.len, buf->len);
	cr_assert_eq(handle.reserved, 0);
	return handle;
}

static bool all_bytes(const unsigned char *at, uint64_t len, unsigned char byte)
{
	for (uint64_t i = 0; i < len; i++)
		if (at[i] != byte)
			return false;
	return true;
}

static const uint32_t all_hows[] = { TO, FROM, BOTH, FROM | BOUNCE_ZERO,
				     FROM | BOUNCE_PRESERVE };

#define HOWS (sizeof(all_hows) / sizeof(all_hows[0]))

/* ---- unmap: the reported length ---- */

static const uint64_t report_lens[] = { 1,   2,	   63,	 64,   65,
					100, 4095, 4096, 4097, 9000 };

Test(unmap, takes_exactly_the_bytes_that_were_reported)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	bench_init(&bench, &knobs);
	for (int i = 0; i < 10; i++) {
		uint64_t len = report_lens[i];
		uint64_t written[] = { 0, len / 3, len / 2, len - 1, len };

		for (int j = 0; j < 10; j++) {
			uint64_t count = written[j % 5];
			const struct bounce_buf buf = bench_buf(&bench, 128,
								len);
			unsigned char *private = bench_private(&bench, 128);
			struct bounce_mapping handle;

			memset(private - 128, 0x2a, len + 256);
			handle = map_ok(bench.queue[0], &buf,
					j < 5 ? FROM : BOTH);
			memset(bench_at_bus(&bench, handle.bus, len), 0x95,
			       len);
			cr_assert_eq(bounce_unmap(bench.queue[0], &handle,
						  count),
				     BOUNCE_OK);
			cr_expect(all_bytes(private, count, 0x95));
			cr_expect(all_bytes(private + count, len - count + 128,
					    0x2a),
				  "%lu of %lu", count, len);
			cr_expect(all_bytes(private - 128, 128, 0x2a));
		}
	}
	bench_fini(&bench);
}

/* With ZERO and PRESERVE all of it comes back, whatever is reported, but 0. */
Test(unmap, with_a_wish_takes_all_of_it)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	bench_init(&bench, &knobs);
	for (int i = 0; i < 40; i++) {
		uint64_t len = report_lens[i / 4];
		bool zero = i % 2 == 0;
		uint64_t written = i % 4 < 2 ? 1 : len;
		const struct bounce_buf buf = bench_buf(&bench, 0, len);
		unsigned char *private = bench_private(&bench, 0);
		struct bounce_mapping handle;

		memset(private, 0x2a, len);
		handle = map_ok(bench.queue[0], &buf,
				FROM | (zero ? BOUNCE_ZERO : BOUNCE_PRESERVE));
		/* The device writes its first byte only. */
		*bench_at_bus(&bench, handle.bus, len) = 0x95;
		cr_assert_eq(bounce_unmap(bench.queue[0], &handle, written),
			     BOUNCE_OK);
		cr_expect_eq(private[0], 0x95);
		cr_expect(all_bytes(private + 1, len - 1, zero ? 0 : 0x2a),
			  "row %d", i);
	}
	bench_fini(&bench);
}

Test(unmap, of_0_ends_it_without_a_copy_in_every_direction)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_device_stats stats;

	bench_init(&bench, &knobs);
	for (size_t how = 0; how < HOWS; how++) {
		const struct bounce_buf buf = bench_buf(&bench, 0, 5000);
		struct bounce_mapping handle;

		memset(bench_private(&bench, 0), 0x2a, 5000);
		handle = map_ok(bench.queue[0], &buf, all_hows[how]);
		fake_device_scribble(&bench.host);
		cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 0),
			     BOUNCE_OK);
		cr_expect(all_bytes(bench_private(&bench, 0), 5000, 0x2a));
	}
	bounce_device_stats(bench.device[0], &stats);
	cr_expect_eq(stats.bytes_from, 0);
	cr_expect_eq(slots_free(&bench), 256);
	bench_fini(&bench);
}

/* B01: a lie ends the mapping, copies nothing, and cannot leak the pool. */
Test(unmap, a_length_above_the_mapping_ends_it_and_copies_nothing)
{
	const uint64_t lens[] = { 1, 100, 4096, 9000, 300000 };
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_device_stats stats;
	uint64_t lies = 0;

	knobs.blocks = 0;
	knobs.private_bytes = 512 * 1024;
	bench_init(&bench, &knobs);
	for (int i = 0; i < 5; i++) {
		const uint64_t len = lens[i];
		const uint64_t written[] = {
			len + 1,	   2 * len + 1,
			0xffff + len,	   UINT32_MAX,
			UINT64_C(1) << 32, (UINT64_C(1) << 32) + len,
			UINT64_C(1) << 63, (UINT64_C(1) << 63) + len,
			UINT64_MAX - len,  UINT64_MAX,
		};

		for (int j = 0; j < 10; j++) {
			for (size_t how = 0; how < HOWS; how++) {
				const struct bounce_buf buf = bench_buf(&bench,
									0, len);
				struct bounce_mapping handle;

				memset(bench_private(&bench, 0), 0x2a, len);
				handle = map_ok(bench.queue[0], &buf,
						all_hows[how]);
				memset(bench_at_bus(&bench, handle.bus, len),
				       0x95, len);
				cr_assert_eq(bounce_unmap(bench.queue[0],
							  &handle, written[j]),
					     BOUNCE_ERR_LENGTH);
				lies++;
				cr_assert(all_bytes(bench_private(&bench, 0),
						    len, 0x2a));
				cr_assert_eq(slots_free(&bench), 256,
					     "the run is free");
				cr_assert_eq(bounce_unmap(bench.queue[0],
							  &handle, 0),
					     BOUNCE_ERR_STALE, "it has ended");
			}
		}
	}
	bounce_device_stats(bench.device[0], &stats);
	cr_expect_eq(stats.refused_lengths, lies);
	cr_expect_eq(stats.bytes_from, 0);
	cr_expect_eq(stats.unmaps, lies);
	bench_fini(&bench);
}

Test(unmap, any_length_for_a_buffer_that_is_only_read_is_a_lie)
{
	const uint64_t written[] = { 1, 99, 100, 101, UINT64_MAX };
	struct bench bench;
	struct bench_knobs knobs = bench_usual();

	bench_init(&bench, &knobs);
	for (int i = 0; i < 5; i++) {
		const struct bounce_buf buf = bench_buf(&bench, 0, 100);
		struct bounce_mapping handle;

		memset(bench_private(&bench, 0), 0x2a, 100);
		handle = map_ok(bench.queue[0], &buf, TO);
		fake_device_scribble(&bench.host);
		cr_expect_eq(bounce_unmap(bench.queue[0], &handle, written[i]),
			     BOUNCE_ERR_LENGTH);
		cr_expect(all_bytes(bench_private(&bench, 0), 100, 0x2a));
		cr_expect_not(bounce_mapping_valid(bench.queue[0], &handle));
	}
	bench_fini(&bench);
}

/* B14. */
Test(unmap, what_a_device_writes_into_a_buffer_to_be_read_stays_there)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct bounce_buf buf;

	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 3000);
	memset(bench_private(&bench, 0), 0x2a, 4096);
	handle = map_ok(bench.queue[0], &buf, TO);
	fake_device_scribble(&bench.host);
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 0), BOUNCE_OK);
	cr_expect(all_bytes(bench_private(&bench, 0), 4096, 0x2a));
	bench_fini(&bench);
}

/* B15: late writes change nothing, and the next mapping starts clean. */
Test(unmap, what_is_written_after_it_reaches_nobody)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct bounce_mapping handle;
	struct bounce_buf buf;

	bench_init(&bench, &knobs);
	buf = bench_buf(&bench, 0, 5000);
	handle = map_ok(bench.queue[0], &buf, FROM);
	memset(bench_at_bus(&bench, handle.bus, 5000), 1, 5000);
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 5000), BOUNCE_OK);
	fake_device_scribble(&bench.host);
	cr_expect(all_bytes(bench_private(&bench, 0), 5000, 1));
	handle = map_ok(bench.queue[0], &buf, FROM | BOUNCE_ZERO);
	cr_expect(all_bytes(bench_at_bus(&bench, handle.bus, 5000), 5000, 0));
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 5000), BOUNCE_OK);
	cr_expect(all_bytes(bench_private(&bench, 0), 5000, 0));
	bench_fini(&bench);
}
