/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * net.h - a virtio network driver whose buffers are private: each buffer that
 * waits for a packet, and each packet sent, is mapped by libbounce.
 *
 * Packets that come are shorter than the buffers that wait for them, so that
 * what the device reports as written decides what is copied.
 */
#ifndef NET_H
#define NET_H

#include "driver.h"
#include "packet.h"

#define NET_BUFFERS 8u /* that wait for a packet at the same time */
/* VIRTIO 1.2, 5.1.6: struct virtio_net_hdr, always with num_buffers. */
#define NET_HEADER 12u
#define NET_BUFFER_BYTES 4096u
_Static_assert(NET_HEADER + PACKET_MAX <= NET_BUFFER_BYTES / 2, "net_post()");

/* A buffer that waits. Private. */
struct net_buffer {
	bool posted;
	uint32_t len; /* bytes that the device is offered */
	struct bounce_mapping mapping;
	unsigned char bytes[NET_BUFFER_BYTES];
};

/* A device in use. The caller's memory. */
struct net {
	struct driver driver;
	unsigned char address[VIRTIO_ETHERNET_BYTES];
	struct net_buffer buffer[NET_BUFFERS];
	uint32_t raw_len; /* of net_post_raw()'s buffer */
	unsigned char out[NET_HEADER + PACKET_MAX];
	struct vring receive;
	struct vring transmit;
};

/* A packet that came: in the buffer's private bytes. */
struct net_packet {
	uint32_t index; /* of the buffer, which is no longer posted */
	uint32_t written; /* as the device says, checked by the library */
	const unsigned char *header; /* NET_HEADER bytes */
	const unsigned char *bytes;
	uint32_t len;
};

/* net_open() - find, judge and start a device; errors as driver_open(). */
enum bounce_err net_open(struct net *net, const struct driver_open *open);

/*
 * net_post() - let buffer @index wait for a packet. Even ones offer half of
 * their bytes, so that both small and whole runs of the library are in use.
 * Return: OK, an error of bounce_map(), or ERR_REFUSED: the model.
 */
enum bounce_err net_post(struct net *net, uint32_t index);

/*
 * net_post_raw() - the same at an address that the library did not give out,
 * as a driver would that bypasses it; for a control. Nothing comes back of it
 * but the completion, as buffer NET_BUFFERS.
 */
enum bounce_err net_post_raw(struct net *net, bounce_bus_t bus, uint32_t len);

/* net_send() - send net->out, and wait until it is gone. */
bool net_send(struct net *net, uint32_t packet_bytes);

/*
 * net_receive() - wait for a packet and end its buffer's mapping.
 * Return: false on silence, a lie, a packet shorter than its header, or when a
 * byte behind those written has changed.
 */
bool net_receive(struct net *net, struct net_packet *packet);

/* net_stop() - reset, give back all memory. False when it cannot. */
bool net_stop(struct net *net);

/* net_again() - judge and start a stopped device again, as driver_again(). */
enum bounce_err net_again(struct net *net);

/* net_close() - stop and detach. False when it cannot. */
bool net_close(struct net *net);

#endif
