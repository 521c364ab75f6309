/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * channel.c - channel programs of one command each, started and waited for.
 *
 * A channel program is read by the host, so it lies in born-shared memory of
 * the library, below 2 GiB (a CCW has 31 address bits). The channel subsystem
 * is attached as a requester of its own: programs have to run before anything
 * is known of the device behind a subchannel.
 *
 *   C1  The command and its data are in shared memory, and the model agrees,
 *       or nothing is started.
 *   C2  Data is copied out once, and only then looked at.
 *
 * Source: z/Architecture Principles of Operation, SA22-7832-13, chapters 14
 * (instructions), 15 (channel programs) and 16 (what is stored at the end).
 */
#include "machine.h"

#include <cpu.h>

#define CCW_ADDRESS_LAST UINT64_C(0x7fffffff)
#define CCW_FLAG_SUPPRESS_LENGTH 0x20u /* a short answer is no fault */
#define CCW_IS_READ 2u /* low two bits of the command; 1 writes, 3 controls */

/* Chapter 15, "Channel-Command Word", format 1. */
struct ccw {
	uint8_t command;
	uint8_t flags;
	uint16_t count;
	uint32_t address;
};
_Static_assert(sizeof(struct ccw) == 8, "format-1 CCW");

#define DATA_BYTES 256u

/* What lies in shared memory. */
struct program {
	struct ccw ccw;
	unsigned char data[DATA_BYTES];
};

/* Chapter 15, "Operation-Request Block". */
#define ORB_FORMAT_1 0x00800000u
#define ORB_ALL_PATHS 0x0000ff00u
struct orb {
	uint32_t parameter;
	uint32_t flags;
	uint32_t program;
	uint32_t reserved[5];
} __attribute__((aligned(8)));

/* Chapter 15, "Subchannel-Information Block": the first words of 13. */
#define SCHIB_ENABLED 0x00800000u
#define SCHIB_DEVICE_VALID 0x00010000u
struct schib {
	uint32_t parameter;
	uint32_t flags; /* device number in the right half */
	uint32_t rest[11];
} __attribute__((aligned(8)));

/* Chapter 16, "Interruption-Response Block": the status word, and more. */
#define IRB_FAULTS 0xf3ff0000u /* but for channel end and device end */
struct irb {
	uint32_t flags;
	uint32_t ccw;
	uint32_t status; /* device, subchannel, residual count */
	uint32_t rest[21];
} __attribute__((aligned(8)));

#define SUBCHANNEL_FIRST UINT32_C(0x10000) /* subsystem 0, set 0 */
#define SUBCHANNELS UINT32_C(0x10000)
#define CONDITION_NONE 3u /* there is no such subchannel */

/* Some answer comes at once; this bounds a host that gives none. */
#define WAIT_MILLISECONDS 5000u

/* The channel subsystem's number among the requesters: no subchannel's. */
#define REQUESTER 0xffffu

static struct {
	struct bounce_device *device;
	struct bounce_queue *queue;
	struct bounce_buf memory;
	struct bounce_mapping mapping;
} channel;

bool channel_start(struct bounce *bounce, struct bounce_space *space)
{
	/* No virtio device: it offers nothing, but it is no old one. */
	struct bounce_device_info info = {
		.space = space,
		.features = BOUNCE_VIRTIO_F_VERSION_1,
		.dma_mask = CCW_ADDRESS_LAST,
		.requester = REQUESTER,
		.transport = BOUNCE_TRANSPORT_CCW,
	};

	if (bounce_device_attach(bounce, &info, &channel.device, NULL) !=
	    BOUNCE_OK)
		return false;
	channel.queue = bounce_device_queue(channel.device, 0);
	return bounce_alloc(channel.queue, sizeof(struct program),
			    sizeof(struct ccw), CCW_ADDRESS_LAST,
			    &channel.memory, &channel.mapping) == BOUNCE_OK;
}

bool channel_stop(void)
{
	return bounce_free(channel.queue, &channel.mapping) == BOUNCE_OK &&
	       bounce_device_detach(channel.device) == BOUNCE_OK;
}

bool channel_find(uint16_t number, struct channel_device *device)
{
	struct schib block;

	for (uint32_t i = 0; i < SUBCHANNELS; i++) {
		uint32_t subchannel = SUBCHANNEL_FIRST | i;

		if (cpu_channel_store(subchannel, &block) == CONDITION_NONE)
			return false;
		if ((block.flags & SCHIB_DEVICE_VALID) == 0 ||
		    (uint16_t)block.flags != number)
			continue;
		device->subchannel = subchannel;
		device->number = number;
		return true;
	}
	return false;
}

bool channel_enable(const struct channel_device *device, bool on)
{
	struct schib block;

	if (cpu_channel_store(device->subchannel, &block) != 0)
		return false;
	block.flags &= ~SCHIB_ENABLED;
	if (on)
		block.flags |= SCHIB_ENABLED;
	return cpu_channel_modify(device->subchannel, &block) == 0;
}

/* Wait until the status is there, and judge it. */
static bool finish(const struct channel_device *device)
{
	uint64_t start = cpu_milliseconds();
	struct irb answer;

	while (cpu_channel_test(device->subchannel, &answer) != 0) {
		if (cpu_milliseconds() - start > WAIT_MILLISECONDS)
			return false;
	}
	return (answer.status & IRB_FAULTS) == 0;
}

/* The command, behind its data, where the host finds both. */
static void write_program(struct program *program, uint8_t command,
			  const void *data, uint16_t len)
{
	uint64_t base = channel.mapping.bus.v;

	memset(program->data, 0, sizeof(program->data));
	if (len != 0)
		memcpy(program->data, data, len);
	program->ccw = (struct ccw) {
		.command = command,
		.flags = CCW_FLAG_SUPPRESS_LENGTH,
		.count = len,
		.address = (uint32_t)(base + offsetof(struct program, data)),
	};
	bounce_mb_device();
}

bool channel_run(const struct channel_device *device, uint8_t command,
		 void *data, uint16_t len)
{
	struct program *program = channel.memory.ptr;
	struct orb order = {
		.flags = ORB_FORMAT_1 | ORB_ALL_PATHS,
		.program = (uint32_t)channel.mapping.bus.v,
	};

	if (len > sizeof(program->data) ||
	    !model_allows(channel.mapping.bus.v, sizeof(*program)))
		return false;
	write_program(program, command, data, len);
	if (cpu_channel_start(device->subchannel, &order) != 0 ||
	    !finish(device))
		return false;
	if ((command & 3) == CCW_IS_READ)
		bounce_snapshot(data, program->data, len);
	return true;
}
