/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * virtio_ccw.c - virtio devices behind subchannels: the transport of Z.
 *
 * Every wish is a channel command whose data lies in shared memory
 * (channel.c). Multi-byte fields of commands are big-endian, as the CPU's;
 * features and device configuration are little-endian.
 *
 * Source: VIRTIO 1.2 section 4.3, "Virtio Over Channel I/O".
 */
#include "machine.h"

#include <cpu.h>

/* 4.3.1.1, 4.3.2, 4.3.3: commands. */
#define COMMAND_SET_QUEUE 0x13
#define COMMAND_RESET 0x33
#define COMMAND_WRITE_FEATURES 0x11
#define COMMAND_READ_FEATURES 0x12
#define COMMAND_READ_CONFIG 0x22
#define COMMAND_WRITE_STATUS 0x31
#define COMMAND_READ_STATUS 0x72
#define COMMAND_READ_QUEUE 0x32
#define COMMAND_SET_REVISION 0x83

/* 2.1: device status. */
#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER 2u
#define STATUS_DRIVER_OK 4u
#define STATUS_FEATURES_OK 8u
#define STATUS_NEEDS_RESET 64u
#define STATUS_FAILED 128u

#define REVISION_STATUS 2 /* the first that can read the status */
#define FEATURE_WORDS 2u

/* 4.3.2.1 */
struct revision {
	uint16_t revision;
	uint16_t length; /* of the data that follows: none */
};

/* 4.3.2.4: one word of the features. */
struct features {
	uint32_t word; /* little-endian */
	uint8_t index;
} __attribute__((packed));
_Static_assert(sizeof(struct features) == 5, "virtio_feature_desc");

/* 4.3.2.2 */
struct queue_limit {
	uint16_t index;
	uint16_t entries; /* written by the device */
};

struct queue_place {
	uint64_t descriptors;
	uint32_t reserved;
	uint16_t index;
	uint16_t entries;
	uint64_t available;
	uint64_t used;
};
_Static_assert(sizeof(struct queue_place) == 32, "vq_info_block");

/* What is known of a device beyond struct virtio_device. */
struct state {
	struct channel_device channel;
	uint8_t status; /* as it was last written */
	bool broken; /* a notification was not taken */
};

static struct state states[GUEST_ROLES];

static struct state *state_of(const struct virtio_device *device)
{
	return &states[device->role];
}

static bool set_status(struct state *state, uint8_t status)
{
	state->status = status;
	return channel_run(&state->channel, COMMAND_WRITE_STATUS, &status,
			   sizeof(status));
}

static bool get_status(const struct state *state, uint8_t *status)
{
	*status = 0;
	return channel_run(&state->channel, COMMAND_READ_STATUS, status,
			   sizeof(*status));
}

bool transport_start(struct bounce *bounce, struct bounce_space *space)
{
	return channel_start(bounce, space);
}

bool transport_stop(void)
{
	return channel_stop();
}

void virtio_tell(const struct virtio_device *device)
{
	const struct state *state = &states[device->role];

	guest_print("subchannel 0.0.%04x, device number %04x",
		    (unsigned)(uint16_t)state->channel.subchannel,
		    (unsigned)state->channel.number);
}

/* ---- to step 4 of 3.1.1 ---- */

/*
 * The highest revision that the device takes; -1 when there is none. It holds
 * until the subchannel is disabled.
 */
static int set_revision(const struct state *state)
{
	for (int revision = REVISION_STATUS; revision >= 0; revision--) {
		struct revision wish = { .revision = (uint16_t)revision };

		if (channel_run(&state->channel, COMMAND_SET_REVISION, &wish,
				sizeof(wish)))
			return revision;
	}
	return -1;
}

/* The upper word of a legacy device (revision 0) reads as zero. */
static bool read_features(const struct state *state, uint64_t *offered)
{
	*offered = 0;
	for (uint8_t i = 0; i < FEATURE_WORDS; i++) {
		struct features features = { .index = i };

		if (!channel_run(&state->channel, COMMAND_READ_FEATURES,
				 &features, sizeof(features)))
			return false;
		*offered |= (uint64_t)guest_le32(features.word) << (32 * i);
	}
	return true;
}

bool virtio_find(enum guest_role role, struct virtio_device *device)
{
	struct state *state = &states[role];
	uint64_t offered;

	*state = (struct state) { .broken = false };
	if (!channel_find((uint16_t)role, &state->channel) ||
	    !channel_enable(&state->channel, false) ||
	    !channel_enable(&state->channel, true))
		return false;
	if (set_revision(state) < 0 ||
	    !channel_run(&state->channel, COMMAND_RESET, NULL, 0) ||
	    !set_status(state, STATUS_ACKNOWLEDGE) ||
	    !set_status(state, STATUS_ACKNOWLEDGE | STATUS_DRIVER) ||
	    !read_features(state, &offered))
		return false;
	*device = (struct virtio_device) {
		.role = role,
		.confined = GUEST_CONFINED_MODEL,
		.requester = (uint16_t)state->channel.subchannel,
		.offered = offered,
	};
	return true;
}

/* ---- to step 8 ---- */

static bool write_features(const struct state *state, uint64_t accept)
{
	for (uint8_t i = 0; i < FEATURE_WORDS; i++) {
		struct features features = {
			.word = guest_le32((uint32_t)(accept >> (32 * i))),
			.index = i,
		};

		if (!channel_run(&state->channel, COMMAND_WRITE_FEATURES,
				 &features, sizeof(features)))
			return false;
	}
	return true;
}

bool virtio_accept(const struct virtio_device *device, uint64_t features)
{
	struct state *state = state_of(device);
	uint8_t status;

	if (write_features(state, features) &&
	    set_status(state, state->status | STATUS_FEATURES_OK) &&
	    get_status(state, &status) && (status & STATUS_FEATURES_OK) != 0)
		return true;
	/* Or the device would not take FAILED either. */
	state->status &= (uint8_t)~STATUS_FEATURES_OK;
	return false;
}

uint64_t virtio_capacity(const struct virtio_device *device)
{
	uint64_t sectors = 0; /* the first field of 5.2.4 */

	if (!channel_run(&state_of(device)->channel, COMMAND_READ_CONFIG,
			 &sectors, sizeof(sectors)))
		return 0;
	return guest_le64(sectors);
}

bool virtio_ethernet(const struct virtio_device *device,
		     unsigned char address[VIRTIO_ETHERNET_BYTES])
{
	return channel_run(&state_of(device)->channel, COMMAND_READ_CONFIG,
			   address, VIRTIO_ETHERNET_BYTES);
}

bool virtio_queue(const struct virtio_device *device, uint16_t index,
		  const struct virtio_ring *ring)
{
	const struct state *state = state_of(device);
	struct queue_limit limit = { .index = index };
	struct queue_place place = {
		.index = index,
		.descriptors = ring->descriptors.v,
		.entries = ring->entries,
		.available = ring->available.v,
		.used = ring->used.v,
	};

	return channel_run(&state->channel, COMMAND_READ_QUEUE, &limit,
			   sizeof(limit)) &&
	       ring->entries <= limit.entries &&
	       channel_run(&state->channel, COMMAND_SET_QUEUE, &place,
			   sizeof(place));
}

void virtio_live(const struct virtio_device *device)
{
	struct state *state = state_of(device);

	if (!set_status(state, state->status | STATUS_DRIVER_OK))
		guest_fail("the device did not take DRIVER_OK");
}

/* ---- in use ---- */

/* 4.3.3.2: a negative answer says that the device took no notice. */
void virtio_notify(const struct virtio_device *device, uint16_t index)
{
	struct state *state = state_of(device);

	bounce_mb_device();
	if (cpu_virtio_notify(state->channel.subchannel, index) < 0)
		state->broken = true;
}

bool virtio_broken(const struct virtio_device *device)
{
	const struct state *state = state_of(device);
	uint8_t status;

	return state->broken || !get_status(state, &status) ||
	       (status & STATUS_NEEDS_RESET) != 0;
}

/* Nothing is left to do when the host does not even take that. */
void virtio_failed(const struct virtio_device *device)
{
	struct state *state = state_of(device);

	(void)set_status(state, state->status | STATUS_FAILED);
}

/* The command ends when the reset is done (4.3.2.6); nothing to poll. */
bool virtio_reset(const struct virtio_device *device)
{
	struct state *state = state_of(device);

	state->status = 0;
	return channel_run(&state->channel, COMMAND_RESET, NULL, 0);
}
