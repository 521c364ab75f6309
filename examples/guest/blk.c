/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * blk.c - the block driver: private buffers in, bus addresses out.
 *
 *   B1  A request ends once: by its completion, or by blk_stop().
 *
 * Source: VIRTIO 1.2, section 5.2 (block device).
 */
#include "blk.h"

/* Request types and status: 5.2.6. */
#define TYPE_IN 0u
#define TYPE_OUT 1u
#define STATUS_OK 0u
#define STATUS_NONE 0xffu /* not a value of 5.2.6: nothing was written */

static void start(struct blk *blk)
{
	blk->sectors = virtio_capacity(&blk->driver.device);
	driver_ring(&blk->driver, 0, &blk->ring);
	virtio_live(&blk->driver.device);
}

enum bounce_err blk_open(struct blk *blk, const struct driver_open *open)
{
	enum bounce_err err;

	memset(blk, 0, sizeof(*blk));
	err = driver_open(&blk->driver, open);
	if (err == BOUNCE_OK)
		start(blk);
	return err;
}

enum bounce_err blk_again(struct blk *blk)
{
	enum bounce_err err = driver_again(&blk->driver, 0);

	if (err == BOUNCE_OK)
		start(blk);
	return err;
}

/* ---- one request ---- */

static struct blk_request *take_request(struct blk *blk, uint64_t cookie)
{
	for (uint32_t i = 0; i < BLK_IN_FLIGHT; i++) {
		struct blk_request *request = &blk->request[i];

		if (request->in_use)
			continue;
		*request = (struct blk_request) {
			.in_use = true,
			.status = STATUS_NONE,
			.cookie = cookie,
		};
		return request;
	}
	return NULL;
}

static void add_part(struct blk_request *request, bounce_bus_t bus,
		     uint64_t len, bool device_writes)
{
	request->part[request->parts++] = (struct vring_part) {
		.bus = bus,
		.len = (uint32_t)len,
		.device_writes = device_writes,
	};
}

static enum bounce_err map_part(struct blk *blk, struct blk_request *request,
				const struct bounce_buf *buf,
				bool device_writes)
{
	struct bounce_mapping *mapping = &request->mapping[request->parts];
	uint64_t ticks = cpu_ticks();
	enum bounce_err err;

	err = bounce_map(blk->driver.queue, buf,
			 device_writes ? BOUNCE_FROM_DEVICE : BOUNCE_TO_DEVICE,
			 mapping);
	blk->driver.bounce_ticks += cpu_ticks() - ticks;
	if (err != BOUNCE_OK)
		return err;
	request->mapped |= 1u << request->parts;
	add_part(request, mapping->bus, buf->len, device_writes);
	return BOUNCE_OK;
}

static enum bounce_err map_header(struct blk *blk, struct blk_request *request,
				  bool write, uint64_t sector)
{
	struct bounce_buf buf = guest_buffer(&request->header,
					     sizeof(request->header));

	request->header.type = guest_le32(write ? TYPE_OUT : TYPE_IN);
	request->header.sector = guest_le64(sector);
	return map_part(blk, request, &buf, false);
}

static enum bounce_err map_status(struct blk *blk, struct blk_request *request)
{
	struct bounce_buf buf = guest_buffer(&request->status,
					     sizeof(request->status));

	return map_part(blk, request, &buf, true);
}

/* The @index-th part's mapping ends; the device has written @written. */
static bool end_part(struct blk *blk, struct blk_request *request,
		     uint32_t index, uint64_t written)
{
	struct driver *driver = &blk->driver;
	uint64_t ticks = cpu_ticks();
	enum bounce_err err;

	err = bounce_unmap(driver->queue, &request->mapping[index], written);
	driver->bounce_ticks += cpu_ticks() - ticks;
	driver->moved_in += written;
	if (!request->part[index].device_writes)
		driver->moved_out += request->part[index].len;
	return err == BOUNCE_OK;
}

/*
 * End all mappings of a request (B1). The device fills its writable parts in
 * order (VIRTIO 1.2, 2.7.8.2), so @written is split in order: data first, the
 * status byte gets what is left.
 */
static bool end_request(struct blk *blk, struct blk_request *request,
			uint64_t written)
{
	bool good = true;

	for (uint32_t i = 0; i < request->parts; i++) {
		const struct vring_part *part = &request->part[i];
		uint64_t taken = part->device_writes ? written : 0;

		if (taken > part->len)
			taken = part->len;
		written -= taken;
		if ((request->mapped & 1u << i) != 0 &&
		    !end_part(blk, request, i, taken))
			good = false;
	}
	request->in_use = false;
	return good && written == 0;
}

/* Header, data and status, at most a few MiB. */
static uint32_t bytes_of(const struct blk_request *request)
{
	uint32_t bytes = 0;

	for (uint32_t i = 0; i < request->parts; i++)
		bytes += request->part[i].len;
	return bytes;
}

/* Make it available and notify; @unchecked: past D2 of driver.h. */
static enum bounce_err post(struct blk *blk, struct blk_request *request,
			    bool unchecked)
{
	for (uint32_t i = 0; i < request->parts && !unchecked; i++)
		if (!driver_may_reach(&blk->driver, request->part[i].bus,
				      request->part[i].len))
			return BOUNCE_ERR_REFUSED;
	if (!vring_add(&blk->ring, request->part, request->parts,
		       (uint64_t)(request - blk->request)))
		return BOUNCE_ERR_BUSY;
	virtio_notify(&blk->driver.device, 0);
	blk->in_flight++;
	driver_gone(&blk->driver, bytes_of(request));
	return BOUNCE_OK;
}

enum bounce_err blk_submit(struct blk *blk, const struct blk_io *io)
{
	struct blk_request *request = take_request(blk, io->cookie);
	enum bounce_err err;

	if (request == NULL)
		return BOUNCE_ERR_BUSY;
	err = map_header(blk, request, io->write, io->sector);
	for (uint32_t i = 0; i < io->segments && err == BOUNCE_OK; i++)
		err = map_part(blk, request, &io->segment[i], !io->write);
	if (err == BOUNCE_OK)
		err = map_status(blk, request);
	if (err == BOUNCE_OK)
		err = post(blk, request, false);
	if (err != BOUNCE_OK && !end_request(blk, request, 0))
		guest_fail("a mapping of a request that failed did not end");
	return err;
}

/* ---- completions ---- */

static enum blk_result wait(struct blk *blk, struct bounce_completion *done)
{
	enum bounce_err err = driver_wait(&blk->driver, &blk->ring, done);

	if (err == BOUNCE_OK)
		return BLK_DONE;
	return err == BOUNCE_ERR_BUSY ? BLK_SILENCE : BLK_LIE;
}

enum blk_result blk_reap(struct blk *blk, uint64_t *cookie)
{
	struct bounce_completion done;
	struct blk_request *request;
	enum blk_result result = wait(blk, &done);

	if (result != BLK_DONE)
		return result;
	/* The cookie is the library's private record, not the device's word. */
	request = &blk->request[done.cookie];
	*cookie = request->cookie;
	blk->in_flight--;
	driver_back(&blk->driver, bytes_of(request));
	if (!end_request(blk, request, done.written))
		return BLK_LIE;
	return request->status == STATUS_OK ? BLK_DONE : BLK_STATUS;
}

enum blk_result blk_transfer(struct blk *blk, const struct blk_io *io)
{
	uint64_t cookie;
	enum bounce_err err = blk_submit(blk, io);

	if (err == BOUNCE_ERR_REFUSED)
		return BLK_REFUSED;
	return err == BOUNCE_OK ? blk_reap(blk, &cookie) : BLK_SILENCE;
}

enum blk_result blk_raw(struct blk *blk, const struct blk_raw *raw)
{
	struct blk_request *request = take_request(blk, 0);
	enum bounce_err err;
	uint64_t cookie;

	if (request == NULL)
		return BLK_SILENCE;
	err = map_header(blk, request, raw->write, raw->sector);
	if (err == BOUNCE_OK) {
		add_part(request, raw->bus, raw->len, !raw->write);
		err = map_status(blk, request);
	}
	if (err == BOUNCE_OK)
		err = post(blk, request, raw->unchecked);
	if (err == BOUNCE_OK)
		return blk_reap(blk, &cookie);
	if (!end_request(blk, request, 0))
		return BLK_LIE;
	return err == BOUNCE_ERR_REFUSED ? BLK_REFUSED : BLK_SILENCE;
}

bool blk_stop(struct blk *blk)
{
	bool good = virtio_reset(&blk->driver.device);

	for (uint32_t i = 0; i < BLK_IN_FLIGHT; i++)
		if (blk->request[i].in_use &&
		    !end_request(blk, &blk->request[i], 0))
			good = false;
	blk->in_flight = 0;
	blk->driver.bytes_in_flight = 0;
	return vring_fini(&blk->ring, blk->driver.queue) == BOUNCE_OK && good;
}

bool blk_close(struct blk *blk)
{
	bool good = blk_stop(blk);

	return bounce_device_detach(blk->driver.requester) == BOUNCE_OK && good;
}
