/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * wire.h - the messages of vhost-user, as far as a block device needs them.
 *
 * Source: QEMU 7.2, docs/interop/vhost-user.rst, "Message Specification" and
 * "Front-end message types". All numbers are in the machine's own byte order.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdint.h>

enum wire_request {
	WIRE_GET_FEATURES = 1,
	WIRE_SET_FEATURES = 2,
	WIRE_SET_OWNER = 3,
	WIRE_SET_MEM_TABLE = 5,
	WIRE_SET_VRING_NUM = 8,
	WIRE_SET_VRING_ADDR = 9,
	WIRE_SET_VRING_BASE = 10,
	WIRE_GET_VRING_BASE = 11,
	WIRE_SET_VRING_KICK = 12,
	WIRE_SET_VRING_CALL = 13,
	WIRE_GET_PROTOCOL_FEATURES = 15,
	WIRE_SET_PROTOCOL_FEATURES = 16,
	WIRE_SET_VRING_ENABLE = 18,
	WIRE_GET_CONFIG = 24,
};

/* "Header": flags. */
#define WIRE_VERSION 1u
#define WIRE_REPLY 4u
#define WIRE_NEED_REPLY 8u

/* A feature bit that VIRTIO left unused: there are protocol features. */
#define WIRE_F_PROTOCOL_FEATURES (UINT64_C(1) << 30)
/* "Protocol features". */
#define WIRE_PROTOCOL_REPLY_ACK (UINT64_C(1) << 3)
#define WIRE_PROTOCOL_CONFIG (UINT64_C(1) << 9)

/* VHOST_USER_SET_VRING_CALL: no descriptor follows, the driver polls. */
#define WIRE_NO_DESCRIPTOR 0x100u

#define WIRE_REGIONS 8u
/* struct virtio_blk_config (VIRTIO 1.2, 5.2.4) as qemu-storage-daemon has it;
 * it refuses to be asked for more. */
#define WIRE_CONFIG_BYTES 60u

struct wire_state {
	uint32_t index;
	uint32_t number;
};

struct wire_address {
	uint32_t index;
	uint32_t flags;
	uint64_t descriptors; /* these three: user addresses, of the table */
	uint64_t used;
	uint64_t available;
	uint64_t log;
};

struct wire_region {
	uint64_t guest; /* the address in descriptors */
	uint64_t bytes;
	uint64_t user; /* the address in struct wire_address */
	uint64_t offset; /* in the descriptor that comes with it */
};

struct wire_table {
	uint32_t regions;
	uint32_t padding;
	struct wire_region region[WIRE_REGIONS];
};

struct wire_config {
	uint32_t offset;
	uint32_t bytes;
	uint32_t flags;
	unsigned char data[WIRE_CONFIG_BYTES];
} __attribute__((packed));

struct wire_message {
	uint32_t request;
	uint32_t flags;
	uint32_t bytes; /* of the payload */
	union {
		uint64_t number;
		struct wire_state state;
		struct wire_address address;
		struct wire_table table;
		struct wire_config config;
	} payload;
} __attribute__((packed));

#define WIRE_HEADER_BYTES 12u
#define WIRE_TABLE_BYTES(regions) \
	((uint32_t)(8 + (regions) * sizeof(struct wire_region)))

/* The listening socket that a device's program is started with. */
#define WIRE_LISTENER 3

#endif
