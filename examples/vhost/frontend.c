/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * frontend.c - guest.h's transport over vhost-user: the front-end's half.
 *
 *   F1  An answer counts only if it is the answer to what was asked, of the
 *       length that it must have. Anything else, or silence for a second, ends
 *       the channel: it is `dead`, for good.
 *   F2  Descriptors that come with an answer are not asked for: the kernel
 *       drops them, since recv() has no room for them.
 *
 * Source: QEMU 7.2, docs/interop/vhost-user.rst.
 */
#include "host.h"
#include "wire.h"

#include <cpu.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_SECONDS 1
/* A look at the socket is also a moment for the device's process. */
#define PAUSE_NANOSECONDS 20000

/* A device, seen from here. */
struct channel {
	bool open;
	bool dead; /* F1 */
	int process;
	int socket;
	int kick; /* our end; -1: no ring yet */
	uint64_t features;
	uint64_t capacity;
};

static struct channel channels[GUEST_ROLES];

static struct channel *channel_of(const struct virtio_device *device)
{
	return &channels[device->role];
}

/* ---- messages ---- */

/* With one descriptor, or none: -1. */
static bool send_message(const struct channel *channel,
			 struct wire_message *message, int descriptor)
{
	struct iovec bytes = { message, WIRE_HEADER_BYTES + message->bytes };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} extra = { .room = { 0 } };
	struct msghdr all = { .msg_iov = &bytes, .msg_iovlen = 1 };

	if (descriptor >= 0) {
		all.msg_control = &extra;
		all.msg_controllen = sizeof(extra.room);
		extra.header.cmsg_level = SOL_SOCKET;
		extra.header.cmsg_type = SCM_RIGHTS;
		extra.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&extra.header), &descriptor, sizeof(int));
	}
	return sendmsg(channel->socket, &all, MSG_NOSIGNAL) ==
	       (ssize_t)bytes.iov_len;
}

static bool receive(const struct channel *channel, void *to, size_t bytes)
{
	return recv(channel->socket, to, bytes, MSG_WAITALL) == (ssize_t)bytes;
}

/* Send, and take the answer of @bytes in its place (F1). */
static bool exchange(struct channel *channel, struct wire_message *message,
		     int descriptor, uint32_t bytes)
{
	uint32_t request = message->request;
	bool good = !channel->dead &&
		    send_message(channel, message, descriptor) &&
		    receive(channel, message, WIRE_HEADER_BYTES) &&
		    message->request == request &&
		    message->flags == (WIRE_VERSION | WIRE_REPLY) &&
		    message->bytes == bytes &&
		    receive(channel, &message->payload, bytes);

	if (!good)
		channel->dead = true;
	return good;
}

static bool get(struct channel *channel, uint32_t request, uint64_t *number)
{
	struct wire_message message = {
		.request = request,
		.flags = WIRE_VERSION,
	};

	if (!exchange(channel, &message, -1, sizeof(*number)))
		return false;
	*number = message.payload.number;
	return true;
}

/* A request that has no answer of its own: ask for one; 0 is "done". */
static bool set(struct channel *channel, struct wire_message *message,
		uint32_t bytes, int descriptor)
{
	message->flags = WIRE_VERSION | WIRE_NEED_REPLY;
	message->bytes = bytes;
	if (!exchange(channel, message, descriptor, sizeof(uint64_t)))
		return false;
	if (message->payload.number != 0)
		channel->dead = true;
	return !channel->dead;
}

static bool set_number(struct channel *channel, uint32_t request,
		       uint64_t number, int descriptor)
{
	struct wire_message message = {
		.request = request,
		.payload.number = number,
	};

	return set(channel, &message, sizeof(number), descriptor);
}

static bool set_state(struct channel *channel, uint32_t request, uint32_t index,
		      uint32_t number)
{
	struct wire_message message = {
		.request = request,
		.payload.state = { index, number },
	};

	return set(channel, &message, sizeof(message.payload.state), -1);
}

/* ---- from a program to a device ---- */

/* Before REPLY_ACK was agreed on, a request has no answer. */
static bool agree(struct channel *channel)
{
	const uint64_t wanted = WIRE_PROTOCOL_REPLY_ACK | WIRE_PROTOCOL_CONFIG;
	struct wire_message message = {
		.request = WIRE_SET_PROTOCOL_FEATURES,
		.flags = WIRE_VERSION,
		.bytes = sizeof(uint64_t),
		.payload.number = wanted,
	};
	uint64_t offered;

	if (!get(channel, WIRE_GET_FEATURES, &channel->features) ||
	    (channel->features & WIRE_F_PROTOCOL_FEATURES) == 0 ||
	    !get(channel, WIRE_GET_PROTOCOL_FEATURES, &offered) ||
	    (offered & wanted) != wanted)
		return false;
	return send_message(channel, &message, -1);
}

static bool read_capacity(struct channel *channel)
{
	const uint32_t bytes = sizeof(struct wire_config);
	struct wire_message message = {
		.request = WIRE_GET_CONFIG,
		.flags = WIRE_VERSION,
		.bytes = bytes,
		.payload.config = { .bytes = WIRE_CONFIG_BYTES },
	};

	if (!exchange(channel, &message, -1, bytes))
		return false;
	memcpy(&channel->capacity, message.payload.config.data,
	       sizeof(channel->capacity));
	channel->capacity = guest_le64(channel->capacity);
	return true;
}

static bool greet(struct channel *channel)
{
	struct wire_message owner = { .request = WIRE_SET_OWNER };

	return agree(channel) && set(channel, &owner, 0, -1) &&
	       read_capacity(channel);
}

static void end(struct channel *channel)
{
	if (channel->kick >= 0)
		close(channel->kick);
	if (channel->socket >= 0)
		close(channel->socket);
	host_end(channel->process);
	*channel = (struct channel) { .dead = true };
}

bool frontend_open(enum guest_role role, char *const command[])
{
	const struct timeval bound = { .tv_sec = ANSWER_SECONDS };
	struct channel *channel = &channels[role];

	*channel = (struct channel) { .open = true, .kick = -1 };
	channel->socket = host_start(command, &channel->process);
	if (channel->socket >= 0 &&
	    setsockopt(channel->socket, SOL_SOCKET, SO_RCVTIMEO, &bound,
		       sizeof(bound)) == 0 &&
	    setsockopt(channel->socket, SOL_SOCKET, SO_SNDTIMEO, &bound,
		       sizeof(bound)) == 0 &&
	    greet(channel))
		return true;
	end(channel);
	return false;
}

void frontend_kill(enum guest_role role)
{
	if (channels[role].open)
		(void)kill(channels[role].process, SIGKILL);
}

/* ---- guest.h: the transport ---- */

bool virtio_find(enum guest_role role, struct virtio_device *device)
{
	const struct channel *channel = &channels[role];

	/* ACCESS_PLATFORM is not passed on: we answer no IOTLB messages. */
	*device = (struct virtio_device) {
		.role = role,
		.confined = GUEST_CONFINED_IOMMU,
		.offered = channel->features & BOUNCE_VIRTIO_F_VERSION_1,
	};
	return channel->open;
}

void virtio_tell(const struct virtio_device *device)
{
	guest_print("process %d", (int)channels[device->role].process);
}

/* H2: the table is what the library says is shared, by bus addresses. */
static bool send_table(struct channel *channel)
{
	const struct bounce_window *window = &guest_cpu.window[0];
	struct wire_message message = { .request = WIRE_SET_MEM_TABLE };
	struct bounce_range range[1];
	struct wire_region region;

	/* One descriptor goes with each region, and one slab is there. */
	if (host_ranges(range, 1) != 1)
		guest_fail("the memory table is made for one slab");
	region = (struct wire_region) {
		.guest = guest_le64(range[0].gpa) - window->gpa.v +
			 window->bus.v,
		.bytes = guest_le64(range[0].len),
		.offset = guest_le64(range[0].gpa) - HOST_POOL_GPA,
	};
	region.user = region.guest;
	message.payload.table.regions = 1;
	message.payload.table.region[0] = region;
	return set(channel, &message, WIRE_TABLE_BYTES(1), host_memory_fd());
}

bool virtio_accept(const struct virtio_device *device, uint64_t features)
{
	struct channel *channel = channel_of(device);

	return set_number(channel, WIRE_SET_FEATURES,
			  features | WIRE_F_PROTOCOL_FEATURES, -1) &&
	       send_table(channel);
}

uint64_t virtio_capacity(const struct virtio_device *device)
{
	return channel_of(device)->capacity;
}

/*
 * H3: the specification wants an eventfd or a pipe for the kick; both can be
 * made to block by who holds the other end, whatever our flags. A socket can
 * be told at each send not to wait, and the device reads eight bytes from it.
 */
static bool send_kick(struct channel *channel)
{
	int pair[2];
	bool good;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		guest_fail("no socket pair for the kick");
	channel->kick = pair[0];
	good = set_number(channel, WIRE_SET_VRING_KICK, 0, pair[1]);
	close(pair[1]);
	return good;
}

/* A channel that dies here is found out by virtio_broken(). */
bool virtio_queue(const struct virtio_device *device, uint16_t index,
		  const struct virtio_ring *ring)
{
	struct channel *channel = channel_of(device);
	struct wire_message address = {
		.request = WIRE_SET_VRING_ADDR,
		.payload.address = {
			.descriptors = ring->descriptors.v,
			.used = ring->used.v,
			.available = ring->available.v,
		},
	};

	if (index != 0)
		return false;
	(void)(set_state(channel, WIRE_SET_VRING_NUM, 0, ring->entries) &&
	       set_state(channel, WIRE_SET_VRING_BASE, 0, 0) &&
	       set(channel, &address, sizeof(address.payload.address), -1) &&
	       set_number(channel, WIRE_SET_VRING_CALL, WIRE_NO_DESCRIPTOR,
			  -1) &&
	       send_kick(channel));
	return true;
}

void virtio_live(const struct virtio_device *device)
{
	(void)set_state(channel_of(device), WIRE_SET_VRING_ENABLE, 0, 1);
}

void virtio_notify(const struct virtio_device *device, uint16_t index)
{
	const struct channel *channel = channel_of(device);
	const uint64_t one = 1;

	(void)index;
	bounce_wmb_device();
	/* Full: kicks are there that the device has not taken. Closed: it is
	 * gone. Neither is an error here. */
	(void)send(channel->kick, &one, sizeof(one),
		   MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool virtio_broken(const struct virtio_device *device)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NANOSECONDS };
	const struct channel *channel = channel_of(device);
	struct pollfd socket = { channel->socket, POLLRDHUP, 0 };

	if (channel->dead || poll(&socket, 1, 0) != 0)
		return true;
	(void)nanosleep(&pause, NULL);
	return false;
}

void virtio_failed(const struct virtio_device *device)
{
	channel_of(device)->dead = true;
}

/* The ring is stopped when it answers; the device, when its process ended. */
bool virtio_reset(const struct virtio_device *device)
{
	struct channel *channel = channel_of(device);
	struct wire_message message = {
		.request = WIRE_GET_VRING_BASE,
		.flags = WIRE_VERSION,
		.bytes = sizeof(struct wire_state),
	};

	if (channel->open) {
		(void)exchange(channel, &message, -1,
			       sizeof(struct wire_state));
		end(channel);
	}
	return true;
}
