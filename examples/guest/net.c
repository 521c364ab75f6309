/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * net.c - the network driver. Invariants D1 and D2: driver.h.
 *
 *   N1  A buffer is posted from net_post() until its completion, or until
 *       net_stop(); it has a mapping just as long.
 *   N2  Its bytes are GUARD before it is posted: those that nobody wrote must
 *       come back so.
 *
 * Source: VIRTIO 1.2, section 5.1 (network device).
 */
#include "net.h"

#define QUEUE_RECEIVE 0u /* 5.1.2 */
#define QUEUE_TRANSMIT 1u

#define FEATURE_MAC (UINT64_C(1) << 5) /* 5.1.3 */

#define GUARD 0xa5u

static void start(struct net *net)
{
	if (!virtio_ethernet(&net->driver.device, net->address))
		guest_fail("the network device has no address");
	driver_ring(&net->driver, QUEUE_RECEIVE, &net->receive);
	driver_ring(&net->driver, QUEUE_TRANSMIT, &net->transmit);
	virtio_live(&net->driver.device);
}

enum bounce_err net_open(struct net *net, const struct driver_open *wish)
{
	struct driver_open open = *wish;
	enum bounce_err err;

	memset(net, 0, sizeof(*net));
	open.features |= FEATURE_MAC;
	err = driver_open(&net->driver, &open);
	if (err == BOUNCE_OK)
		start(net);
	return err;
}

enum bounce_err net_again(struct net *net)
{
	enum bounce_err err = driver_again(&net->driver, FEATURE_MAC);

	if (err == BOUNCE_OK)
		start(net);
	return err;
}

/* One part on one ring, and the notification. */
static enum bounce_err post(struct net *net, uint16_t index,
			    const struct vring_part *part, uint64_t cookie)
{
	struct vring *ring = index == QUEUE_RECEIVE ? &net->receive :
						      &net->transmit;

	if (!driver_may_reach(&net->driver, part->bus, part->len))
		return BOUNCE_ERR_REFUSED;
	if (!vring_add(ring, part, 1, cookie))
		return BOUNCE_ERR_BUSY;
	virtio_notify(&net->driver.device, index);
	driver_gone(&net->driver, part->len);
	return BOUNCE_OK;
}

/* ---- receiving ---- */

enum bounce_err net_post(struct net *net, uint32_t index)
{
	struct net_buffer *buffer = &net->buffer[index];
	struct vring_part part = { .device_writes = true };
	struct bounce_buf buf;
	enum bounce_err err;

	memset(buffer->bytes, GUARD, sizeof(buffer->bytes));
	buffer->len = index % 2 == 0 ? NET_BUFFER_BYTES / 2 : NET_BUFFER_BYTES;
	buf = guest_buffer(buffer->bytes, buffer->len);
	err = bounce_map(net->driver.queue, &buf, BOUNCE_FROM_DEVICE,
			 &buffer->mapping);
	if (err != BOUNCE_OK)
		return err;
	part.bus = buffer->mapping.bus;
	part.len = buffer->len;
	err = post(net, QUEUE_RECEIVE, &part, index);
	buffer->posted = err == BOUNCE_OK;
	if (err != BOUNCE_OK &&
	    bounce_unmap(net->driver.queue, &buffer->mapping, 0) != BOUNCE_OK)
		guest_fail("a buffer that was not posted did not end");
	return err;
}

enum bounce_err net_post_raw(struct net *net, bounce_bus_t bus, uint32_t len)
{
	const struct vring_part part = {
		.bus = bus,
		.len = len,
		.device_writes = true,
	};

	net->raw_len = len;
	return post(net, QUEUE_RECEIVE, &part, NET_BUFFERS);
}

/* N2 */
static bool rest_holds(const struct net_buffer *buffer, uint32_t written)
{
	for (uint32_t i = written; i < sizeof(buffer->bytes); i++)
		if (buffer->bytes[i] != GUARD)
			return false;
	return true;
}

bool net_receive(struct net *net, struct net_packet *packet)
{
	struct bounce_completion done;
	struct net_buffer *buffer;

	if (driver_wait(&net->driver, &net->receive, &done) != BOUNCE_OK)
		return false;
	/* The cookie is the library's private record, not the device's word. */
	*packet = (struct net_packet) {
		.index = (uint32_t)done.cookie,
		.written = done.written,
	};
	if (done.cookie == NET_BUFFERS) {
		driver_back(&net->driver, net->raw_len);
		return true;
	}
	buffer = &net->buffer[done.cookie];
	buffer->posted = false;
	driver_back(&net->driver, buffer->len);
	if (bounce_unmap(net->driver.queue, &buffer->mapping, done.written) !=
		    BOUNCE_OK ||
	    done.written < NET_HEADER || !rest_holds(buffer, done.written))
		return false;
	packet->header = buffer->bytes;
	packet->bytes = buffer->bytes + NET_HEADER;
	packet->len = done.written - NET_HEADER;
	return true;
}

/* ---- sending ---- */

bool net_send(struct net *net, uint32_t packet_bytes)
{
	uint32_t len = NET_HEADER + packet_bytes;
	struct bounce_buf buf = guest_buffer(net->out, len);
	struct vring_part part = { .len = len };
	struct bounce_completion done;
	struct bounce_mapping mapping;
	enum bounce_err err;

	/* No offload was accepted: all fields are 0 (5.1.6.2). */
	memset(net->out, 0, NET_HEADER);
	if (bounce_map(net->driver.queue, &buf, BOUNCE_TO_DEVICE, &mapping) !=
	    BOUNCE_OK)
		return false;
	part.bus = mapping.bus;
	err = post(net, QUEUE_TRANSMIT, &part, 0);
	if (err == BOUNCE_OK) {
		err = driver_wait(&net->driver, &net->transmit, &done);
		driver_back(&net->driver, len);
	}
	return bounce_unmap(net->driver.queue, &mapping, 0) == BOUNCE_OK &&
	       err == BOUNCE_OK;
}

bool net_stop(struct net *net)
{
	bool good = virtio_reset(&net->driver.device);

	for (uint32_t i = 0; i < NET_BUFFERS; i++) {
		struct net_buffer *buffer = &net->buffer[i];

		if (buffer->posted &&
		    bounce_unmap(net->driver.queue, &buffer->mapping, 0) !=
			    BOUNCE_OK)
			good = false;
		buffer->posted = false;
	}
	net->driver.bytes_in_flight = 0;
	good &= vring_fini(&net->receive, net->driver.queue) == BOUNCE_OK;
	return vring_fini(&net->transmit, net->driver.queue) == BOUNCE_OK &&
	       good;
}

bool net_close(struct net *net)
{
	bool good = net_stop(net);

	return bounce_device_detach(net->driver.requester) == BOUNCE_OK && good;
}
