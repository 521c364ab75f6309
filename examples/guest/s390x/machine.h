/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * machine.h - what the files of the s390x guest owe each other: instructions
 * (start.S), the lowcore, the answer of the monitor's model, channel I/O.
 *
 * Numbers are of the z/Architecture Principles of Operation, SA22-7832-13,
 * given as chapter and name.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include "../guest.h"

/* The linear map; as -m in tools/demo.py. */
#define MACHINE_RAM_BYTES (UINT64_C(256) << 20)

/* ---- instructions: start.S ---- */

_Noreturn void cpu_stop(uint64_t mask, uint64_t address);
unsigned cpu_service_call(uint64_t command, void *block);
unsigned cpu_channel_modify(uint64_t subchannel, void *block);
unsigned cpu_channel_start(uint64_t subchannel, void *block);
unsigned cpu_channel_store(uint64_t subchannel, void *block);
unsigned cpu_channel_test(uint64_t subchannel, void *block);
int64_t cpu_virtio_notify(uint64_t subchannel, uint64_t queue);
unsigned cpu_uvc(void *block);

/* Entered by hardware and by start.S, never called from C. */
void program_entry(void);
extern unsigned char program_stack_end[];
_Noreturn void cpu_main(void);
void cpu_program_check(const uint64_t registers[16]);

/* ---- the lowcore: chapter 3, "Assigned Storage Locations" ---- */

#define LOWCORE_PROGRAM_LENGTH 0x8d /* u8, bytes of the instruction */
#define LOWCORE_PROGRAM_CODE 0x8e /* u16 */
#define LOWCORE_PROGRAM_OLD_PSW 0x150
#define LOWCORE_PROGRAM_NEW_PSW 0x1d0
#define LOWCORE_STACK 0x480 /* ours, as in start.S: 0x200 .. 0xfff is free */

/* ---- the control block of UVC: model.c answers it, cpu.c builds it ---- */

#define UVC_QUERY 0x0001u
#define UVC_SET_SHARED 0x1000u
#define UVC_REMOVE_SHARED 0x1001u

#define UVC_EXECUTED 0u /* condition codes */
#define UVC_ERROR 1u
#define UVC_BUSY 2u
#define UVC_PARTIAL 3u

/* Source: Linux arch/s390/include/asm/uv.h, uv_cb_header and uv_cb_share. */
struct uvc_header {
	uint16_t length; /* of the whole block */
	uint16_t command;
	uint16_t rc; /* written by the ultravisor */
	uint16_t rrc;
};

struct uvc_share {
	struct uvc_header header;
	uint64_t reserved08[3];
	uint64_t page; /* absolute address, 4 KiB aligned */
	uint64_t reserved28;
};
_Static_assert(sizeof(struct uvc_share) == 48, "uv_cb_share");
_Static_assert(offsetof(struct uvc_share, page) == 0x20, "uv_cb_share.paddr");

/* The head of the query's block; more follows, which is zero here. */
struct uvc_query {
	struct uvc_header header;
	uint64_t reserved08;
	uint64_t installed[4]; /* bit n, counted from the left: command n */
	uint64_t rest[15];
};
_Static_assert(sizeof(struct uvc_query) == 0xa8, "the smallest that is taken");

/* Bits of installed[0]. */
#define UVC_INSTALLED_SET_SHARED (UINT64_C(1) << (63 - 8))
#define UVC_INSTALLED_REMOVE_SHARED (UINT64_C(1) << (63 - 9))

/* model_answer() - do what the block asks; returns the condition code. */
unsigned model_answer(struct uvc_header *block);

/* ---- channel I/O: channel.c ---- */

/* The words of a subchannel that a driver needs. */
struct channel_device {
	uint32_t subchannel; /* subsystem identification word */
	uint16_t number; /* device number */
};

/* channel_start(), channel_stop() - shared memory for channel programs. */
bool channel_start(struct bounce *bounce, struct bounce_space *space);
bool channel_stop(void);

/* channel_find() - the device with that number; false when there is none. */
bool channel_find(uint16_t number, struct channel_device *device);

/* channel_enable() - enable, or disable, the subchannel. */
bool channel_enable(const struct channel_device *device, bool on);

/*
 * channel_run() - one command: to the device what @data holds, and back into
 * @data what the device wrote, when the command reads.
 * Return: true when the device ended it without a fault.
 */
bool channel_run(const struct channel_device *device, uint8_t command,
		 void *data, uint16_t len);

#endif
