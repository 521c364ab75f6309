/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * blk.h - a virtio block driver whose buffers are private: header, data and
 * status of each request are mapped by libbounce.
 */
#ifndef BLK_H
#define BLK_H

#include "driver.h"

#define BLK_IN_FLIGHT 8u /* requests at the same time */
#define BLK_SEGMENTS 4u /* data buffers of a request */
#define BLK_PARTS (BLK_SEGMENTS + 2) /* and header and status */
_Static_assert(BLK_IN_FLIGHT *BLK_PARTS <= VRING_ENTRIES,
	       "a free request has free descriptors");

/* How a request ended. */
enum blk_result {
	BLK_DONE = 0,
	BLK_STATUS = 1, /* the device reports an error */
	BLK_LIE = 2, /* bounce_virtio_used() or bounce_unmap() refused */
	BLK_SILENCE = 3, /* no answer, or NEEDS_RESET */
	BLK_REFUSED = 4, /* the model: a part is not shared; never notified */
};

/* The header of a request: VIRTIO 1.2, 5.2.6. */
struct blk_header {
	uint32_t type;
	uint32_t reserved;
	uint64_t sector;
};
_Static_assert(sizeof(struct blk_header) == 16, "VIRTIO 1.2, 5.2.6");

/* A request on its way. Private. */
struct blk_request {
	bool in_use;
	uint8_t status; /* 5.2.6; where the status byte is copied to */
	uint32_t parts;
	uint32_t mapped; /* bit i: part i has a mapping */
	uint64_t cookie;
	struct blk_header header;
	struct vring_part part[BLK_PARTS];
	struct bounce_mapping mapping[BLK_PARTS];
};

/* A device in use. The caller's memory. */
struct blk {
	struct driver driver;
	uint64_t sectors;
	uint32_t in_flight; /* requests */
	struct blk_request request[BLK_IN_FLIGHT];
	struct vring ring;
};

/* A transfer of whole sectors in up to BLK_SEGMENTS private buffers. */
struct blk_io {
	bool write; /* to the disk */
	uint64_t sector;
	uint32_t segments;
	struct bounce_buf segment[BLK_SEGMENTS];
	uint64_t cookie; /* comes back from blk_reap() */
};

/*
 * A transfer with an address that the library did not give out: what a driver
 * that bypasses it would do. For controls.
 */
struct blk_raw {
	bool write;
	bool unchecked; /* past the model as well */
	uint64_t sector;
	bounce_bus_t bus;
	uint32_t len;
};

/* blk_open() - find, judge and start a device; errors as driver_open(). */
enum bounce_err blk_open(struct blk *blk, const struct driver_open *open);

/* blk_stop() - reset, give back all memory. False when it cannot. */
bool blk_stop(struct blk *blk);

/* blk_again() - judge and start a stopped device again, as driver_again(). */
enum bounce_err blk_again(struct blk *blk);

/*
 * blk_submit() - map and post a request.
 * Return: OK; ERR_BUSY, ERR_FULL, ERR_FRAGMENTED: reap one and try again;
 * ERR_REFUSED: the model, see BLK_REFUSED.
 */
enum bounce_err blk_submit(struct blk *blk, const struct blk_io *io);

/* blk_reap() - wait for one request, end its mappings. */
enum blk_result blk_reap(struct blk *blk, uint64_t *cookie);

/* blk_transfer() - submit and reap; nothing else is in flight. */
enum blk_result blk_transfer(struct blk *blk, const struct blk_io *io);

/* blk_raw() - the same for a raw address. */
enum blk_result blk_raw(struct blk *blk, const struct blk_raw *raw);

/* blk_close() - stop and detach. False when it cannot. */
bool blk_close(struct blk *blk);

#endif
