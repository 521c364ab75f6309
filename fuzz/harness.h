/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * harness.h - point a fuzzer at your own driver; docs/fuzzing.md.
 *
 * Describe the driver by five functions in a struct fuzz_driver, and have the
 * fuzzer's entry, LLVMFuzzerTestOneInput(), return fuzz_harness(&driver, data,
 * size). fuzz_vring.c is an example.
 *
 * The harness makes a protected machine, a pool and one device, starts the
 * driver, and then does what the bytes say: the driver's next step, a lie of
 * the device's, bytes written anywhere into shared memory, or all of it
 * scribbled over. After each it looks:
 *
 *   D1  No secret (four bytes in a row) is in a shared page. A buffer is all
 *       FAKE_SECRET when fuzz_harness_lend() lends it; what the driver wants to
 *       send, it writes over. So bytes of a receive buffer that leave are seen.
 *   D2  Buffers that are not lent are as they were.
 *   D3  The instance is valid, and after stop() nothing is left: no slot, no
 *       mapping, and every page private again.
 *   D4  What the sanitizers see: build with ASan and UBSan, and with MSan.
 */
#ifndef FUZZ_HARNESS_H
#define FUZZ_HARNESS_H

#include <bounce/bounce.h>

#include "input.h"
#include "support.h"

#define FUZZ_BUFFERS 16u /* that can be lent at once */
#define FUZZ_BUFFER_BYTES 4096u

/* What a driver is given. */
struct fuzz_harness {
	struct bench bench; /* the machine */
	struct bounce_device *device;
	struct bounce_queue *queue; /* of that device */
	uint32_t lent; /* bit i: buffer i */
};

/* Your driver. @state is zeroed memory of state_bytes. */
struct fuzz_driver {
	size_t state_bytes;
	struct bounce_device_info
		info; /* features, masks; space is filled in */

	/* Set up rings and post what is to be posted. False: it cannot, which
	 * must leave nothing behind. */
	bool (*start)(void *state, struct fuzz_harness *harness);

	/* One thing that the driver does: send a request, look for completions,
	 * time out. Take choices from @in. */
	void (*step)(void *state, struct fuzz_harness *harness,
		     struct fuzz_input *in);

	/* One thing that the device does, mostly plausible, through
	 * harness->bench.host or a pointer into shared memory. */
	void (*lie)(void *state, struct fuzz_harness *harness,
		    struct fuzz_input *in);

	/* The device was reset: end every mapping, free every ring. */
	void (*stop)(void *state, struct fuzz_harness *harness);
};

/* The fuzzer's entry; always 0. */
int fuzz_harness(const struct fuzz_driver *driver, const uint8_t *data,
		 size_t size);

/* Lend a private buffer of FUZZ_BUFFER_BYTES, full of secrets: its index, or
 * FUZZ_BUFFERS when all are lent. And take it back. */
uint32_t fuzz_harness_lend(struct fuzz_harness *harness);
void fuzz_harness_give(struct fuzz_harness *harness, uint32_t index);

/* A part of a lent buffer, for bounce_map(). */
struct bounce_buf fuzz_harness_buf(const struct fuzz_harness *harness,
				   uint32_t index, uint64_t offset,
				   uint64_t len);

#endif
