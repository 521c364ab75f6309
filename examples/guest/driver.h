/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * driver.h - what the drivers of this guest have in common: a device that was
 * found, judged by the library, and given rings.
 *
 *   D1  The device is told bus addresses of bounce_map() and bounce_alloc()
 *       only, but for what is called raw.
 *   D2  Where no IOMMU confines the device, the model is asked for every part
 *       before the device can see it. There bus addresses are guest-physical:
 *       the space's windows for such devices are the identity.
 */
#ifndef DRIVER_H
#define DRIVER_H

#include "vring.h"

/* A device in use. Part of a driver's own struct. */
struct driver {
	struct virtio_device device;
	struct bounce_device *requester;
	struct bounce_queue *queue;
	struct bounce_negotiation answer;
	uint32_t bytes_in_flight; /* with the device, all parts */
	uint32_t peak_in_flight; /* most bytes at once */
	uint64_t moved_in; /* bytes the device reported to have written ... */
	uint64_t moved_out; /* ... and was given to read, in mapped buffers */
	uint64_t bounce_ticks; /* spent in bounce_map() and bounce_unmap() */
};

/* What is wanted of a device. */
struct driver_open {
	struct bounce *bounce;
	struct bounce_space *space;
	enum guest_role role;
	uint32_t flags; /* enum bounce_device_flags */
	uint16_t owner; /* 0: the device's own tag */
	uint64_t features; /* to accept besides the library's, when offered */
	struct bounce_function *function; /* where it stands, or NULL */
};

/* Who the device is for the library, from what the transport found. */
void driver_describe(const struct virtio_device *device,
		     struct bounce_space *space,
		     struct bounce_device_info *info);

/*
 * driver_open() - find and judge a device, and accept its features.
 * Return: OK; ERR_REFUSED: the policy, or the device refused our features,
 * driver->answer says which. Ends the guest when the device is not there.
 */
enum bounce_err driver_open(struct driver *driver,
			    const struct driver_open *open);

/*
 * driver_again() - the same once more for a device that is attached: it was
 * reset, and has no mapping.
 * Return: as driver_open(), but the device stays attached.
 */
enum bounce_err driver_again(struct driver *driver, uint64_t features);

/* driver_ring() - give a queue of the device a ring; else ends the guest. */
void driver_ring(const struct driver *driver, uint16_t index,
		 struct vring *ring);

/* D2: false when the device must not be told of it. */
bool driver_may_reach(const struct driver *driver, bounce_bus_t bus,
		      uint64_t len);

/* Count bytes that go to the device, or come back from it. */
void driver_gone(struct driver *driver, uint32_t bytes);
void driver_back(struct driver *driver, uint32_t bytes);

/*
 * driver_wait() - poll for a ring's next completion, with a bound in time: the
 * device may never answer.
 * Return: OK; ERR_BUSY: silence, or NEEDS_RESET; else a lie.
 */
enum bounce_err driver_wait(const struct driver *driver, struct vring *ring,
			    struct bounce_completion *done);

/* Windows of guest_cpu: the bus's own path, and a bypass where there is one. */
static inline unsigned guest_windows(void)
{
	return (guest_cpu.window[1].flags & BOUNCE_WINDOW_BYPASS) != 0 ? 2 : 1;
}

/* What a device would use for private memory, if it could reach it. */
static inline bounce_bus_t driver_bus_of(const struct driver *driver,
					 const void *bytes)
{
	bool bypass = driver->answer.verdict.path == BOUNCE_PATH_BYPASS;
	const struct bounce_window *window = &guest_cpu.window[bypass];

	return (bounce_bus_t) { window->bus.v + (uintptr_t)bytes -
				window->gpa.v };
}

/*
 * What the library is told of the guest: memory is where its addresses say. A
 * first page at 0 is left out: a pointer to it would be NULL.
 */
#define GUEST_NULL_BYTES 4096u
static inline struct bounce_env guest_env(void)
{
	uint64_t end = guest_cpu.ram_gpa + guest_cpu.ram_bytes;
	uint64_t gpa = guest_cpu.ram_gpa != 0 ? guest_cpu.ram_gpa :
						GUEST_NULL_BYTES;

	return (struct bounce_env) {
		.linear = { {
			.gpa = { gpa },
			.ptr = (unsigned char *)(uintptr_t)gpa,
			.len = end - gpa,
		} },
	};
}

/* A private buffer of this guest: its linear map is the identity. */
static inline struct bounce_buf guest_buffer(void *ptr, uint64_t len)
{
	return (struct bounce_buf) { { (uintptr_t)ptr }, ptr, len };
}

#endif
