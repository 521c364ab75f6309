/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * twin.c - the twin's honest half: messages, ring and disk.
 *
 *   twin LIE [NUMBER]    with a listening socket as WIRE_LISTENER
 *
 * It ends when the front-end hangs up.
 */
#include "twin.h"

#include "pattern.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* A kick that is not read is made up for by looking. */
#define POLL_MILLISECONDS 1

/* Offsets: VIRTIO 1.2, 2.7.5 and 2.7.6. */
#define DESCRIPTOR_BYTES 16u
#define DESCRIPTOR_LEN 8u
#define DESCRIPTOR_FLAGS 12u
#define DESCRIPTOR_NEXT 14u
#define FLAG_NEXT 1u
#define FLAG_WRITE 2u
#define AVAILABLE_INDEX 2u
#define AVAILABLE_RING 4u

/* VIRTIO 1.2, 5.2.6. */
#define TYPE_OUT 1u
#define HEADER_SECTOR 8u

uint64_t twin_load(const unsigned char *at, uint32_t bytes)
{
	uint64_t value = 0;

	for (uint32_t i = bytes; i-- > 0;)
		value = value << 8 | ((const volatile unsigned char *)at)[i];
	return value;
}

void twin_store(unsigned char *at, uint32_t bytes, uint64_t value)
{
	for (uint32_t i = 0; i < bytes; i++, value >>= 8)
		((volatile unsigned char *)at)[i] = (unsigned char)value;
}

/* The table has one region. The front-end is honest: no checks. */
static unsigned char *memory_at(const struct twin *twin, uint64_t address)
{
	return twin->memory + (address - twin->region.guest);
}

unsigned char *twin_used(const struct twin *twin)
{
	return memory_at(twin, twin->ring.used);
}

void twin_tell(struct twin *twin, uint32_t id, uint32_t len, uint16_t step)
{
	unsigned char *used = twin_used(twin);
	unsigned char *element = used + TWIN_USED_RING +
				 twin->told % TWIN_ENTRIES * TWIN_USED_BYTES;

	twin_store(element, 4, id);
	twin_store(element + 4, 4, len);
	twin->told = (uint16_t)(twin->told + step);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	twin_store(used + TWIN_USED_INDEX, 2, twin->told);
}

/* ---- requests ---- */

static void read_chain(const struct twin *twin, uint32_t head,
		       struct twin_chain *chain)
{
	const unsigned char *table = memory_at(twin, twin->ring.descriptors);
	uint32_t index = head;
	uint64_t flags = FLAG_NEXT;

	*chain = (struct twin_chain) { .head = head };
	while ((flags & FLAG_NEXT) != 0 && chain->parts < TWIN_PARTS) {
		const unsigned char *at = table + index * DESCRIPTOR_BYTES;
		struct twin_part *part = &chain->part[chain->parts++];

		part->at = memory_at(twin, twin_load(at, 8));
		part->len = (uint32_t)twin_load(at + DESCRIPTOR_LEN, 4);
		flags = twin_load(at + DESCRIPTOR_FLAGS, 2);
		part->writable = (flags & FLAG_WRITE) != 0;
		chain->writable += part->writable ? part->len : 0;
		index = (uint32_t)twin_load(at + DESCRIPTOR_NEXT, 2);
		if (chain->parts == 1)
			chain->second = index;
	}
}

static void serve(struct twin *twin, const struct twin_chain *chain)
{
	const unsigned char *header = chain->part[0].at;
	bool out = twin_load(header, 4) == TYPE_OUT;
	uint64_t sector = twin_load(header + HEADER_SECTOR, 8);
	unsigned char *disk = twin->disk +
			      sector % TWIN_SECTORS * GUEST_SECTOR_BYTES;

	for (uint32_t i = 1; i + 1 < chain->parts; i++) {
		const struct twin_part *part = &chain->part[i];

		memcpy(out ? disk : part->at, out ? part->at : disk, part->len);
		disk += part->len;
	}
	*chain->part[chain->parts - 1].at = 0; /* VIRTIO_BLK_S_OK */
}

static void work(struct twin *twin)
{
	const unsigned char *available = memory_at(twin, twin->ring.available);
	struct twin_chain chain;

	while (twin->seen !=
	       (uint16_t)twin_load(available + AVAILABLE_INDEX, 2)) {
		uint32_t place = twin->seen++ % TWIN_ENTRIES;

		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		read_chain(twin,
			   (uint32_t)twin_load(
				   available + AVAILABLE_RING + 2 * place, 2),
			   &chain);
		if (twin->lie->before == NULL ||
		    twin->lie->before(twin, &chain))
			serve(twin, &chain);
		twin->last = chain;
		if (twin->lie->report != NULL)
			twin->lie->report(twin, &chain);
		else
			twin_tell(twin, chain.head, chain.writable, 1);
	}
}

/* ---- messages ---- */

static bool receive(struct twin *twin, struct wire_message *message,
		    int *descriptor)
{
	struct iovec header = { message, WIRE_HEADER_BYTES };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} extra = { .room = { 0 } };
	struct msghdr all = {
		.msg_iov = &header,
		.msg_iovlen = 1,
		.msg_control = &extra,
		.msg_controllen = sizeof(extra.room),
	};

	*descriptor = -1;
	if (recvmsg(twin->channel, &all, 0) != WIRE_HEADER_BYTES)
		return false;
	if (all.msg_controllen >= CMSG_LEN(sizeof(int)))
		memcpy(descriptor, CMSG_DATA(&extra.header), sizeof(int));
	return message->bytes == 0 ||
	       recv(twin->channel, &message->payload, message->bytes,
		    MSG_WAITALL) == (ssize_t)message->bytes;
}

static void take_memory(struct twin *twin, const struct wire_message *message,
			int descriptor)
{
	void *memory;

	twin->region = message->payload.table.region[0];
	twin->memory_fd = descriptor;
	memory = mmap(NULL, twin->region.bytes, PROT_READ | PROT_WRITE,
		      MAP_SHARED, descriptor, (off_t)twin->region.offset);
	if (memory == MAP_FAILED)
		exit(EXIT_FAILURE);
	twin->memory = memory;
}

/* What an honest device does; the answer's payload is left in @message. */
static void obey(struct twin *twin, struct wire_message *message,
		 int descriptor)
{
	uint64_t capacity = guest_le64(TWIN_SECTORS);
	uint64_t answer = 0;

	switch (message->request) {
	case WIRE_GET_FEATURES:
		answer = BOUNCE_VIRTIO_F_VERSION_1 | WIRE_F_PROTOCOL_FEATURES;
		break;
	case WIRE_GET_PROTOCOL_FEATURES:
		answer = WIRE_PROTOCOL_REPLY_ACK | WIRE_PROTOCOL_CONFIG;
		break;
	case WIRE_GET_CONFIG:
		memcpy(message->payload.config.data, &capacity,
		       sizeof(capacity));
		return;
	case WIRE_SET_MEM_TABLE:
		take_memory(twin, message, descriptor);
		break;
	case WIRE_SET_VRING_ADDR:
		twin->ring = message->payload.address;
		break;
	case WIRE_SET_VRING_KICK:
		twin->kick = descriptor;
		break;
	case WIRE_GET_VRING_BASE:
		message->payload.state.number = twin->seen;
		return;
	default:
		break;
	}
	message->payload.number = answer;
	message->bytes = sizeof(answer);
}

static bool is_question(const struct wire_message *message)
{
	return (message->flags & WIRE_NEED_REPLY) != 0 ||
	       message->request == WIRE_GET_FEATURES ||
	       message->request == WIRE_GET_PROTOCOL_FEATURES ||
	       message->request == WIRE_GET_CONFIG ||
	       message->request == WIRE_GET_VRING_BASE;
}

static void answer(struct twin *twin)
{
	struct wire_message message;
	bool asked;
	int descriptor;

	if (!receive(twin, &message, &descriptor))
		exit(EXIT_SUCCESS);
	asked = is_question(&message);
	obey(twin, &message, descriptor);
	if (message.request == WIRE_SET_VRING_ENABLE) {
		twin->live = true;
		if (twin->lie->live != NULL)
			twin->lie->live(twin);
	}
	message.flags = WIRE_VERSION | WIRE_REPLY;
	if (twin->lie->answer != NULL && !twin->lie->answer(twin, &message))
		return;
	if (asked && send(twin->channel, &message,
			  WIRE_HEADER_BYTES + message.bytes, MSG_NOSIGNAL) < 0)
		exit(EXIT_SUCCESS);
}

int main(int argc, char **argv)
{
	static struct twin twin = { .kick = -1, .random = 0x7477696e };

	if (argc < 2 || (twin.lie = twin_lie(argv[1])) == NULL) {
		fprintf(stderr, "twin: no lie of that name\n");
		return EXIT_FAILURE;
	}
	twin.number = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
	for (uint32_t i = 0; i < TWIN_SECTORS; i++)
		pattern_fill(twin.disk + i * GUEST_SECTOR_BYTES,
			     GUEST_SECTOR_BYTES, TWIN_SEED(i));
	twin.channel = accept(WIRE_LISTENER, NULL, NULL);
	while (twin.channel >= 0) {
		struct pollfd wait[2] = {
			{ twin.channel, POLLIN, 0 },
			{ twin.kick, POLLIN, 0 },
		};
		uint64_t kicks;

		if (poll(wait, 2, POLL_MILLISECONDS) < 0)
			break;
		if (wait[0].revents != 0)
			answer(&twin);
		if (wait[1].revents != 0 &&
		    read(twin.kick, &kicks, sizeof(kicks)) < 0)
			break;
		if (twin.live)
			work(&twin);
	}
	return EXIT_FAILURE;
}
