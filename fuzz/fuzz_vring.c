/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz_vring.c - the guests' ring driver (examples/guest/vring.c) on a ring
 * that the device controls. It is also the example of harness.h: what an
 * embedder writes for a driver of his own.
 *
 * A request is a header that the device reads and a buffer that it writes; the
 * driver believes a completion only through vring_take(), resets the device at
 * the first lie, and starts again.
 */
#include <string.h>

#include "harness.h"
#include "vring.h"

enum {
	REQUESTS = 12,
	HEADER = 16
};

struct request {
	bool there;
	uint32_t buffer; /* of the harness */
	struct bounce_segment segment[2];
};

struct driver {
	struct vring ring;
	struct request request[REQUESTS];
	uint16_t used; /* the device's own idx */
};

/* Of guest.h, which has none of the guest's own here. */
void guest_fail(const char *why)
{
	fuzz_failed(why, __FILE__, __LINE__);
}

static bool start(void *state, struct fuzz_harness *harness)
{
	struct driver *driver = state;

	driver->used = 0;
	return vring_init(&driver->ring, harness->queue) == BOUNCE_OK;
}

static void end_request(struct driver *driver, struct fuzz_harness *harness,
			struct request *request, uint64_t written)
{
	fuzz_check(bounce_unmap_sg(harness->queue, request->segment, 2,
				   written) == BOUNCE_OK);
	fuzz_harness_give(harness, request->buffer);
	request->there = false;
	(void)driver;
}

static void stop(void *state, struct fuzz_harness *harness)
{
	struct driver *driver = state;

	for (uint32_t i = 0; i < REQUESTS; i++)
		if (driver->request[i].there)
			end_request(driver, harness, &driver->request[i], 0);
	fuzz_check(vring_fini(&driver->ring, harness->queue) == BOUNCE_OK);
}

static void submit(struct driver *driver, struct fuzz_harness *harness,
		   struct fuzz_input *in)
{
	uint32_t index = (uint32_t)fuzz_below(in, REQUESTS);
	struct request *request = &driver->request[index];
	uint64_t len = 1 + fuzz_below(in, FUZZ_BUFFER_BYTES - HEADER);
	struct vring_part part[2];

	if (request->there)
		return;
	request->buffer = fuzz_harness_lend(harness);
	if (request->buffer == FUZZ_BUFFERS)
		return;
	request->segment[0] = (struct bounce_segment) {
		.buf = fuzz_harness_buf(harness, request->buffer, 0, HEADER),
		.how = BOUNCE_TO_DEVICE,
	};
	request->segment[1] = (struct bounce_segment) {
		.buf = fuzz_harness_buf(harness, request->buffer, HEADER, len),
		.how = BOUNCE_FROM_DEVICE,
	};
	memset(bench_private(&harness->bench,
			     request->buffer * FUZZ_BUFFER_BYTES),
	       (int)index, HEADER);
	if (bounce_map_sg(harness->queue, request->segment, 2, 0) !=
	    BOUNCE_OK) {
		fuzz_harness_give(harness, request->buffer);
		return;
	}
	for (int i = 0; i < 2; i++)
		part[i] = (struct vring_part) {
			.bus = request->segment[i].mapping.bus,
			.len = request->segment[i].mapping.len,
			.device_writes = i == 1,
		};
	request->there = true;
	if (!vring_add(&driver->ring, part, 2, index))
		end_request(driver, harness, request, 0);
}

static void poll(struct driver *driver, struct fuzz_harness *harness)
{
	struct bounce_completion done;
	enum bounce_err err = vring_take(&driver->ring, &done);

	if (err == BOUNCE_ERR_BUSY)
		return;
	if (err != BOUNCE_OK) {
		/* A lie: reset, give everything back, start again. */
		stop(driver, harness);
		fuzz_check(start(driver, harness));
		return;
	}
	fuzz_check(done.cookie < REQUESTS);
	fuzz_check(driver->request[done.cookie].there);
	end_request(driver, harness, &driver->request[done.cookie],
		    done.written);
}

static void step(void *state, struct fuzz_harness *harness,
		 struct fuzz_input *in)
{
	if (fuzz_byte(in) % 2 == 0)
		submit(state, harness, in);
	else
		poll(state, harness);
}

/* A used element and idx behind it; the id is an even one most of the time, as
 * chains of two have. */
static void lie(void *state, struct fuzz_harness *harness,
		struct fuzz_input *in)
{
	struct driver *driver = state;
	struct virtio_ring place;
	unsigned char element[8] = { 0 };
	unsigned char idx[2];
	uint32_t len = (uint32_t)fuzz_wide(in);

	vring_place(&driver->ring, &place);
	element[0] = fuzz_byte(in);
	for (unsigned i = 0; i < 4; i++)
		element[4 + i] = (unsigned char)(len >> 8 * i);
	if (memchr(element, FAKE_SECRET, sizeof(element)) != NULL)
		return;
	(void)fake_device_write(&harness->bench.host,
				place.used.v + 4 +
					8 * (driver->used % VRING_ENTRIES),
				element, sizeof(element));
	driver->used++;
	idx[0] = (unsigned char)driver->used;
	idx[1] = (unsigned char)(driver->used >> 8);
	if (idx[0] != FAKE_SECRET && idx[1] != FAKE_SECRET)
		(void)fake_device_write(&harness->bench.host, place.used.v + 2,
					idx, sizeof(idx));
}

static const struct fuzz_driver vring_driver = {
	.state_bytes = sizeof(struct driver),
	.info = {
		.features = BOUNCE_VIRTIO_F_VERSION_1 |
			    BOUNCE_VIRTIO_F_ACCESS_PLATFORM,
	},
	.start = start,
	.step = step,
	.lie = lie,
	.stop = stop,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_harness(&vring_driver, data, size);
}
