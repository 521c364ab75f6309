/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_guard.c - private buffers against pages that nobody may touch: each call
 * reads and writes the buffer's bytes, and not one more (S2; attacks A13, B01).
 *
 * A buffer ends, or begins, exactly at a PROT_NONE page; one byte too many is
 * a crash of the test.
 */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

#include <bounce/virtio.h>

#include "model.h"
#include "support.h"

enum {
	LONGEST = 130,
	ALIGNMENTS = 64,
	PAGE = 4096
};

/* A page for buffers between two that trap. */
struct guarded {
	unsigned char *all;
	unsigned char *page;
};

static void guarded_begin(struct guarded *guarded)
{
	guarded->all = mmap(NULL, 3 * PAGE, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(guarded->all, MAP_FAILED);
	guarded->page = guarded->all + PAGE;
	cr_assert_eq(mprotect(guarded->page, PAGE, PROT_READ | PROT_WRITE), 0);
}

static void guarded_end(struct guarded *guarded)
{
	munmap(guarded->all, 3 * PAGE);
}

static struct bounce_buf buf_at(unsigned char *ptr, uint64_t len)
{
	/* Far from the arena; only its low bits matter. */
	return (struct bounce_buf) {
		.gpa = { (UINT64_C(1) << 45) + (uintptr_t)ptr % PAGE },
		.ptr = ptr,
		.len = len,
	};
}

/* Map, let the device write, sync all of it, unmap: each byte as it must be. */
static void one_life(struct bench *bench, const struct bounce_buf *buf,
		     uint32_t how)
{
	struct bounce_queue *queue = bench->queue[0];
	unsigned char *private = buf->ptr;
	struct bounce_mapping handle;
	unsigned char *shared;
	bool reads = (how & BOUNCE_TO_DEVICE) != 0;
	bool writes = (how & BOUNCE_FROM_DEVICE) != 0;

	memset(private, 0x5a, buf->len);
	cr_assert_eq(bounce_map(queue, buf, how, &handle), BOUNCE_OK);
	shared = bench_at_bus(bench, handle.bus, buf->len);
	for (uint64_t i = 0; (how & ~2u) != 0 && i < buf->len; i++)
		cr_assert_eq(shared[i], how & BOUNCE_ZERO ? 0 : 0x5a);
	memset(shared, 0x3c, buf->len);
	cr_assert_eq(bounce_sync_for_device(queue, &handle, 0, buf->len),
		     reads ? BOUNCE_OK : BOUNCE_ERR_ARG);
	memset(shared, 0x3c, buf->len);
	cr_assert_eq(bounce_sync_for_cpu(queue, &handle, 0, buf->len),
		     writes ? BOUNCE_OK : BOUNCE_ERR_ARG);
	memset(shared, 0x69, buf->len);
	cr_assert_eq(bounce_unmap(queue, &handle, writes ? buf->len : 0),
		     BOUNCE_OK);
	for (uint64_t i = 0; i < buf->len; i++)
		cr_assert_eq(private[i], writes ? 0x69 : 0x5a, "byte %lu", i);
}

/* Lengths 0 .. 130 at every alignment, against the page behind. */
Test(guard, no_call_touches_a_byte_behind_the_buffer)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct guarded guarded;

	bench_init(&bench, &knobs);
	guarded_begin(&guarded);
	for (uint64_t len = 1; len <= LONGEST; len++)
		for (size_t how = 0; how < BENCH_HOWS; how++) {
			const struct bounce_buf buf =
				buf_at(guarded.page + PAGE - len, len);

			one_life(&bench, &buf, bench_hows[how]);
		}
	guarded_end(&guarded);
	bench_fini(&bench);
}

Test(guard, no_call_touches_a_byte_before_the_buffer)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct guarded guarded;

	bench_init(&bench, &knobs);
	guarded_begin(&guarded);
	for (uint64_t len = 1; len <= LONGEST; len++)
		for (size_t how = 0; how < BENCH_HOWS; how++) {
			const struct bounce_buf buf = buf_at(guarded.page, len);

			one_life(&bench, &buf, bench_hows[how]);
		}
	guarded_end(&guarded);
	bench_fini(&bench);
}

/* Away from the traps the bytes around the buffer are looked at instead. */
Test(guard, every_alignment_and_length_is_exact)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	unsigned char page[512];

	bench_init(&bench, &knobs);
	for (uint64_t at = 0; at < ALIGNMENTS; at++) {
		for (uint64_t len = 1; len <= LONGEST; len++) {
			uint32_t how = bench_hows[(at + len) % BENCH_HOWS];
			const struct bounce_buf buf = buf_at(page + 128 + at,
							     len);

			memset(page, 0xee, sizeof(page));
			one_life(&bench, &buf, how);
			for (uint64_t i = 0; i < 128 + at; i++)
				cr_assert_eq(page[i], 0xee);
			for (uint64_t i = 128 + at + len; i < sizeof(page); i++)
				cr_assert_eq(page[i], 0xee);
		}
	}
	bench_fini(&bench);
}

Test(guard, a_buffer_of_no_bytes_is_refused_wherever_it_is)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct guarded guarded;
	struct bounce_mapping handle;

	bench_init(&bench, &knobs);
	guarded_begin(&guarded);
	for (uint64_t at = 0; at <= ALIGNMENTS; at++) {
		const struct bounce_buf front = buf_at(guarded.page + at, 0);
		const struct bounce_buf behind =
			buf_at(guarded.page + PAGE - at, 0);

		for (size_t how = 0; how < BENCH_HOWS; how++) {
			cr_expect_eq(bounce_map(bench.queue[0], &front,
						bench_hows[how], &handle),
				     BOUNCE_ERR_ARG);
			cr_expect_eq(bounce_map(bench.queue[0], &behind,
						bench_hows[how], &handle),
				     BOUNCE_ERR_ARG);
		}
	}
	guarded_end(&guarded);
	bench_fini(&bench);
}

/* A FROM_DEVICE buffer need not be readable until something was written. */
Test(guard, a_buffer_that_the_device_only_writes_is_not_read_at_map)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct guarded guarded;
	struct bounce_mapping handle;
	struct bounce_buf buf;

	bench_init(&bench, &knobs);
	guarded_begin(&guarded);
	buf = buf_at(guarded.page, 3000);
	cr_assert_eq(mprotect(guarded.page, PAGE, PROT_NONE), 0);
	cr_assert_eq(bounce_map(bench.queue[0], &buf, BOUNCE_FROM_DEVICE,
				&handle),
		     BOUNCE_OK);
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 0), BOUNCE_OK);
	cr_assert_eq(bounce_map(bench.queue[0], &buf, BOUNCE_FROM_DEVICE,
				&handle),
		     BOUNCE_OK);
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 3001),
		     BOUNCE_ERR_LENGTH);
	guarded_end(&guarded);
	bench_fini(&bench);
}

Test(guard, a_buffer_that_the_device_only_reads_is_never_written)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct guarded guarded;
	struct bounce_mapping handle;
	struct bounce_buf buf;

	bench_init(&bench, &knobs);
	guarded_begin(&guarded);
	buf = buf_at(guarded.page, PAGE);
	memset(guarded.page, 0x11, PAGE);
	cr_assert_eq(mprotect(guarded.page, PAGE, PROT_READ), 0);
	cr_assert_eq(bounce_map(bench.queue[0], &buf, BOUNCE_TO_DEVICE,
				&handle),
		     BOUNCE_OK);
	fake_device_scribble(&bench.host);
	cr_expect_eq(bounce_sync_for_device(bench.queue[0], &handle, 0, PAGE),
		     BOUNCE_OK);
	cr_expect_eq(bounce_unmap(bench.queue[0], &handle, 0), BOUNCE_OK);
	guarded_end(&guarded);
	bench_fini(&bench);
}

/* B01: whatever length is reported, not a byte behind the buffer is written. */
Test(guard, a_reported_length_never_reaches_beyond_the_buffer)
{
	struct bench bench;
	struct bench_knobs knobs = bench_usual();
	struct guarded guarded;

	bench_init(&bench, &knobs);
	guarded_begin(&guarded);
	for (uint64_t len = 1; len <= LONGEST; len++) {
		const struct bounce_buf buf = buf_at(guarded.page + PAGE - len,
						     len);
		uint64_t written[] = {
			len,	    len + 1,	len + 63,	  PAGE,
			UINT32_MAX, UINT64_MAX, UINT64_C(1) << 32
		};

		for (size_t i = 0; i < sizeof(written) / sizeof(written[0]);
		     i++) {
			struct bounce_mapping handle;

			cr_assert_eq(bounce_map(bench.queue[0], &buf,
						BOUNCE_FROM_DEVICE, &handle),
				     BOUNCE_OK);
			cr_expect_eq(bounce_unmap(bench.queue[0], &handle,
						  written[i]),
				     written[i] > len ? BOUNCE_ERR_LENGTH :
							BOUNCE_OK);
		}
	}
	guarded_end(&guarded);
	bench_fini(&bench);
}

/* ---- rings ---- */

/* A ring that ends where a page does, in which buffer 0 was used. */
static void one_completion(const struct guarded *guarded, uint32_t entries,
			   bool packed)
{
	size_t size = packed ? 16 * entries : 4 + 8 * entries;
	unsigned char *ring = guarded->page + PAGE - size;
	_Alignas(BOUNCE_USED_ALIGN) unsigned char memory[512];
	struct bounce_completion done;
	struct bounce_used *used;

	memset(guarded->page, 0, PAGE);
	cr_assert_eq(packed ? bounce_used_init_packed(memory, sizeof(memory),
						      entries, ring, &used) :
			      bounce_used_init(memory, sizeof(memory), entries,
					       ring, &used),
		     BOUNCE_OK);
	for (uint32_t i = 0; i < entries; i++) {
		if (packed) {
			ring[16 * i + 14] = 0x80;
			ring[16 * i + 15] = 0x80;
		} else {
			ring[2] = (unsigned char)(i + 1);
		}
		cr_assert_eq(packed ?
				     bounce_used_post_packed(used, 0, 1, 0, 0) :
				     bounce_used_post(used, 0, 0, 0),
			     BOUNCE_OK);
		cr_expect_eq(bounce_virtio_used(used, &done), BOUNCE_OK);
	}
}

Test(guard, no_byte_behind_a_ring_is_read)
{
	struct guarded guarded;

	guarded_begin(&guarded);
	for (uint32_t entries = 1; entries <= 4; entries *= 2) {
		one_completion(&guarded, entries, false);
		one_completion(&guarded, entries, true);
	}
	guarded_end(&guarded);
}
