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

/* The linear map; as -m in tools/demo.py. A multiple of 1 MiB. */
#define MACHINE_RAM_BYTES (UINT64_C(256) << 20)

/* Facts that guest_cpu has on either bus. */
#define MACHINE_AWKWARD "busy (cc 2) and partial (cc 3) come before done"
#define MACHINE_POOL UINT64_C(0xc000000)
#define MACHINE_CONTROL UINT64_C(0xd000000)
#define MACHINE_REFUSED UINT64_C(0xd200000)

/* ---- instructions: start.S ---- */

/* cpu_stop() - load a PSW: to stop, or to go on elsewhere. */
_Noreturn void cpu_stop(uint64_t mask, uint64_t address);
unsigned cpu_service_call(uint64_t command, void *block);
unsigned cpu_channel_modify(uint64_t subchannel, void *block);
unsigned cpu_channel_start(uint64_t subchannel, void *block);
unsigned cpu_channel_store(uint64_t subchannel, void *block);
unsigned cpu_channel_test(uint64_t subchannel, void *block);
int64_t cpu_virtio_notify(uint64_t subchannel, uint64_t queue);
unsigned cpu_signal(uint32_t address, uint64_t order, uint64_t *word);
unsigned cpu_uvc(void *block);
unsigned cpu_clp(void *block);
unsigned cpu_pci_load(uint64_t request, uint64_t offset, uint64_t *value);
unsigned cpu_pci_store(uint64_t request, uint64_t offset, uint64_t value);

/* Entered by hardware and by start.S, never called from C. */
void program_entry(void);
void second_entry(void);
extern unsigned char program_stack_end[];
_Noreturn void cpu_main(void);
_Noreturn void cpu_second(void);
void cpu_program_check(const uint64_t registers[16]);

/* ---- PSWs: chapter 4 ---- */

#define PSW_64BIT UINT64_C(0x180000000) /* EA and BA */
#define PSW_WAIT UINT64_C(0x2000000000000)
#define PSW_CONDITION_SHIFT 44

#define STACK_FRAME 160 /* what a caller leaves free: s390x ELF ABI */

/* ---- the lowcore: chapter 3, "Assigned Storage Locations" ---- */

#define LOWCORE_PROGRAM_LENGTH 0x8d /* u8, bytes of the instruction */
#define LOWCORE_PROGRAM_CODE 0x8e /* u16 */
#define LOWCORE_PROGRAM_OLD_PSW 0x150
#define LOWCORE_RESTART_NEW_PSW 0x1a0
#define LOWCORE_PROGRAM_NEW_PSW 0x1d0
/* Ours, as in start.S: 0x200 .. 0xfff is free. Each CPU has its own lowcore. */
#define LOWCORE_PROGRAM_STACK 0x480
#define LOWCORE_SECOND_STACK 0x488
#define LOWCORE_INSIDE 0x4a0 /* u64, 1 in cpu_program_check() */

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

/* model_is_open() - is the guest not a secure one (model_open())? */
bool model_is_open(void);

/* ---- the bus: ccw.c, or zpci.c and ioat.c ---- */

/* bus_start() - before guest_main(); NULL, or a sentence that says why not. */
const char *bus_start(void);

/* bus_share() - the model's own step: a page of 4 KiB was shared, or taken
 * back; whoever translates for devices must know. */
void bus_share(uint64_t gpa, bool shared);

/* bus_recover() - a function that a violation stopped may go on; as
 * ioat_recover() of zpci.h. */
bool bus_recover(uint32_t handle);

/* bus_open() - the same for all pages at once, but for the lowcore's. */
void bus_open(bool open);

/* ---- second.c ---- */

/* second_stop_others() - leave no CPU but this one running; bounded. */
void second_stop_others(void);

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
