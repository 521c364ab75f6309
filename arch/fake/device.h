/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * device.h - a hostile device (and the host behind it) of a fake machine.
 *
 * It reaches exactly the pages that are shared in truth, or all of the arena
 * while the machine's protection is NO, at bus address gpa + offset. It may do
 * so at any time: late, twice, elsewhere than it was told, and it says what it
 * likes about lengths. Same seed, same behaviour.
 */
#ifndef FAKE_DEVICE_H
#define FAKE_DEVICE_H

#include "fake.h"

struct fake_device {
	struct fake_machine *machine;
	uint64_t offset; /* bus address = gpa + offset; the test's [0] */
	uint64_t random; /* state of fake_device_random() */
};

void fake_device_init(struct fake_device *device, struct fake_machine *machine,
		      uint64_t seed);

/*
 * Access of @len bytes at a bus address. False, and nothing is read or
 * written, when a byte of it is out of reach: a correct library never hands
 * out such an address.
 */
bool fake_device_read(struct fake_device *device, uint64_t bus, void *to,
		      uint64_t len);
bool fake_device_write(struct fake_device *device, uint64_t bus,
		       const void *from, uint64_t len);
bool fake_device_fill(struct fake_device *device, uint64_t bus,
		      unsigned char byte, uint64_t len);

/* 64 seeded random bits; and a byte that is never FAKE_SECRET. */
uint64_t fake_device_random(struct fake_device *device);
unsigned char fake_device_byte(struct fake_device *device);

/* A length to report for a buffer of @posted bytes: true, short, 0, one too
 * many, a power of two off, or anything. */
uint64_t fake_device_lie(struct fake_device *device, uint64_t posted);

/* Overwrite with random bytes all that is shared; or what is reached of
 * [gpa, +len). */
void fake_device_scribble(struct fake_device *device);
void fake_device_scribble_range(struct fake_device *device, uint64_t gpa,
				uint64_t len);

/* Copy of the arena as the host sees it, 0 where a page is not shared. @to has
 * machine->bytes bytes. */
void fake_device_snapshot(const struct fake_device *device, void *to);

/* Taint scans of what is shared in truth. */
uint64_t fake_device_count(const struct fake_device *device,
			   unsigned char byte);
bool fake_device_sees_secret(const struct fake_device *device);
/* First gpa of a byte string, which may cross adjacent shared pages; false
 * when it is nowhere. @where may be NULL. */
bool fake_device_finds(const struct fake_device *device, const void *bytes,
		       uint64_t len, uint64_t *where);

#endif
