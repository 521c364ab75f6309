/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * twin.h - the malicious twin of qemu-storage-daemon: a vhost-user-blk device
 * with a disk in memory, that tells one lie. It knows what a device knows: the
 * messages, and the memory of the table.
 */
#ifndef TWIN_H
#define TWIN_H

#include "guest.h"
#include "wire.h"

#define TWIN_SECTORS 2048u
#define TWIN_PARTS 16u

/* What sector @sector holds until it is written: for both sides. */
#define TWIN_SEED(sector) (UINT64_C(0x7477696e) + (sector))

/* A request: VIRTIO 1.2, 5.2.6: header, data, status. */
struct twin_chain {
	uint32_t head;
	uint32_t second; /* descriptor behind the head's */
	uint32_t parts;
	uint32_t writable; /* bytes, status included */
	struct twin_part {
		unsigned char *at;
		uint32_t len;
		bool writable;
	} part[TWIN_PARTS];
};

struct twin_lie;

struct twin {
	const struct twin_lie *lie;
	uint64_t number; /* the lie's argument */
	int channel;
	int kick; /* -1: none yet, or not listened to */
	bool live; /* the ring is enabled */
	int memory_fd;
	struct wire_region region;
	unsigned char *memory;
	struct wire_address ring; /* as it was told */
	uint16_t seen; /* requests taken */
	uint16_t told; /* elements written */
	uint64_t random;
	struct twin_chain last; /* the request served last */
	unsigned char disk[TWIN_SECTORS * GUEST_SECTOR_BYTES];
};

/* A lie; NULL: honest there. twin_lies.c has them all. */
struct twin_lie {
	const char *name;
	/* Before an answer is sent; false: it is not. */
	bool (*answer)(struct twin *twin, struct wire_message *message);
	void (*live)(struct twin *twin); /* the ring is enabled */
	/* Before a request is served; false: it is not served. */
	bool (*before)(struct twin *twin, const struct twin_chain *chain);
	/* Instead of the honest report. */
	void (*report)(struct twin *twin, const struct twin_chain *chain);
};

/* twin_lie() - by name; NULL when there is none. */
const struct twin_lie *twin_lie(const char *name);

/* twin_tell() - write a used element, and move the index by @step. */
void twin_tell(struct twin *twin, uint32_t id, uint32_t len, uint16_t step);

/* twin_used() - the used ring: VIRTIO 1.2, 2.7.8. */
unsigned char *twin_used(const struct twin *twin);
#define TWIN_USED_INDEX 2u
#define TWIN_USED_RING 4u
#define TWIN_USED_BYTES 8u
#define TWIN_ENTRIES 64u

/* Little-endian, whatever the alignment. */
uint64_t twin_load(const unsigned char *at, uint32_t bytes);
void twin_store(unsigned char *at, uint32_t bytes, uint64_t value);

#endif
