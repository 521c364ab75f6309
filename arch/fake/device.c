/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * device.c - the hostile device of a fake machine.
 *
 * Its accesses race with the library's by design, as a real device's do; they
 * are plain loops of bytes, kept from the thread checker.
 */
#include "device.h"

#define UNCHECKED __attribute__((no_sanitize("thread")))

void fake_device_init(struct fake_device *device, struct fake_machine *machine,
		      uint64_t seed)
{
	*device = (struct fake_device) { .machine = machine, .random = seed };
}

/* SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", OOPSLA 2014. */
uint64_t fake_device_random(struct fake_device *device)
{
	uint64_t x = device->random += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

unsigned char fake_device_byte(struct fake_device *device)
{
	unsigned char byte = (unsigned char)fake_device_random(device);

	return byte == FAKE_SECRET ? FAKE_HOSTILE : byte;
}

uint64_t fake_device_lie(struct fake_device *device, uint64_t posted)
{
	uint64_t random = fake_device_random(device);

	switch (random % 8) {
	case 0:
		return 0;
	case 1:
		return posted + 1;
	case 2:
		return posted + (UINT64_C(1) << (random >> 8) % 64);
	case 3:
		return UINT64_MAX - (random >> 8) % 16;
	case 4:
		return random;
	case 5:
		return (random >> 8) % (posted + 1);
	default:
		return posted;
	}
}

/* ---- access ---- */

static bool page_in_reach(const struct fake_machine *machine, uint64_t gpa)
{
	if (machine->protection == BOUNCE_PROTECTION_NO)
		return fake_machine_pointer(machine, gpa, 1) != NULL;
	return fake_machine_is_shared(machine, gpa);
}

/* The bytes behind a gpa range, or NULL when one is out of reach. */
static unsigned char *reach(const struct fake_machine *machine, uint64_t gpa,
			    uint64_t len)
{
	uint64_t at = gpa;

	if (len == 0 || fake_machine_pointer(machine, gpa, len) == NULL)
		return NULL;
	for (;;) {
		uint64_t left = FAKE_PAGE_BYTES - (at & (FAKE_PAGE_BYTES - 1));

		if (!page_in_reach(machine, at))
			return NULL;
		if (left >= len - (at - gpa))
			break;
		at += left;
	}
	return fake_machine_pointer(machine, gpa, len);
}

UNCHECKED bool fake_device_read(struct fake_device *device, uint64_t bus,
				void *to, uint64_t len)
{
	const unsigned char *memory = reach(device->machine,
					    bus - device->offset, len);
	unsigned char *bytes = to;

	if (memory == NULL)
		return false;
	for (uint64_t i = 0; i < len; i++)
		bytes[i] = memory[i];
	return true;
}

UNCHECKED bool fake_device_write(struct fake_device *device, uint64_t bus,
				 const void *from, uint64_t len)
{
	unsigned char *memory = reach(device->machine, bus - device->offset,
				      len);
	const unsigned char *bytes = from;

	if (memory == NULL)
		return false;
	for (uint64_t i = 0; i < len; i++)
		memory[i] = bytes[i];
	return true;
}

UNCHECKED bool fake_device_fill(struct fake_device *device, uint64_t bus,
				unsigned char byte, uint64_t len)
{
	unsigned char *memory = reach(device->machine, bus - device->offset,
				      len);

	if (memory == NULL)
		return false;
	for (uint64_t i = 0; i < len; i++)
		memory[i] = byte;
	return true;
}

/* ---- all that is shared ---- */

UNCHECKED static void scribble_page(struct fake_device *device,
				    unsigned char *page)
{
	for (uint64_t i = 0; i < FAKE_PAGE_BYTES; i += 8) {
		uint64_t random = fake_device_random(device);

		for (uint64_t j = 0; j < 8; j++, random >>= 8)
			page[i + j] = (unsigned char)random == FAKE_SECRET ?
					      FAKE_HOSTILE :
					      (unsigned char)random;
	}
}

void fake_device_scribble(struct fake_device *device)
{
	const struct fake_machine *machine = device->machine;

	for (uint64_t at = 0; at < machine->bytes; at += FAKE_PAGE_BYTES)
		if (fake_machine_is_shared(machine, machine->base + at))
			scribble_page(device, machine->memory + at);
}

UNCHECKED void fake_device_scribble_range(struct fake_device *device,
					  uint64_t gpa, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++) {
		unsigned char *byte = reach(device->machine, gpa + i, 1);

		if (byte != NULL)
			*byte = fake_device_byte(device);
	}
}

UNCHECKED void fake_device_snapshot(const struct fake_device *device, void *to)
{
	const struct fake_machine *machine = device->machine;
	unsigned char *bytes = to;

	for (uint64_t at = 0; at < machine->bytes; at++) {
		/* One look at the truth a page. */
		if ((at & (FAKE_PAGE_BYTES - 1)) == 0 &&
		    !fake_machine_is_shared(machine, machine->base + at)) {
			for (uint64_t i = 0; i < FAKE_PAGE_BYTES; i++)
				bytes[at + i] = 0;
			at += FAKE_PAGE_BYTES - 1;
			continue;
		}
		bytes[at] = machine->memory[at];
	}
}

UNCHECKED static uint64_t count_page(const unsigned char *page,
				     unsigned char byte)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < FAKE_PAGE_BYTES; i++)
		n += page[i] == byte;
	return n;
}

uint64_t fake_device_count(const struct fake_device *device, unsigned char byte)
{
	const struct fake_machine *machine = device->machine;
	uint64_t n = 0;

	for (uint64_t at = 0; at < machine->bytes; at += FAKE_PAGE_BYTES)
		if (fake_machine_is_shared(machine, machine->base + at))
			n += count_page(machine->memory + at, byte);
	return n;
}

bool fake_device_sees_secret(const struct fake_device *device)
{
	return fake_device_count(device, FAKE_SECRET) != 0;
}

/* Does a byte string begin here? All of it must be shared. */
UNCHECKED static bool is_at(const struct fake_machine *machine, uint64_t at,
			    const unsigned char *bytes, uint64_t len)
{
	if (len > machine->bytes - at)
		return false;
	for (uint64_t i = 0; i < len; i++)
		if (machine->memory[at + i] != bytes[i] ||
		    !fake_machine_is_shared(machine, machine->base + at + i))
			return false;
	return true;
}

bool fake_device_finds(const struct fake_device *device, const void *bytes,
		       uint64_t len, uint64_t *where)
{
	const struct fake_machine *machine = device->machine;

	for (uint64_t at = 0; at < machine->bytes; at++) {
		if ((at & (FAKE_PAGE_BYTES - 1)) == 0 &&
		    !fake_machine_is_shared(machine, machine->base + at)) {
			at += FAKE_PAGE_BYTES - 1;
			continue;
		}
		if (is_at(machine, at, bytes, len)) {
			if (where != NULL)
				*where = machine->base + at;
			return true;
		}
	}
	return false;
}
