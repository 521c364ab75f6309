/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * driver.c - from a device on the bus to one that the library knows.
 *
 * Source: VIRTIO 1.2, section 3.1 (initialisation).
 */
#include "driver.h"

#include <cpu.h>

#define ANSWER_MILLISECONDS 10000u

/* Between two looks at the clock and at the device's status. */
#define POLLS 4096u

void driver_describe(const struct virtio_device *device,
		     struct bounce_space *space,
		     struct bounce_device_info *info)
{
	*info = (struct bounce_device_info) {
		.space = space,
		.features = device->offered,
		.requester = device->requester,
		.transport = guest_cpu.transport,
		.flags = guest_cpu.forced ? BOUNCE_DEVICE_FORCE : 0,
	};
}

/* FEATURES_OK did not stick: the library's verdict says so from now on. */
static enum bounce_err give_up(struct driver *driver)
{
	struct bounce_verdict *verdict = &driver->answer.verdict;

	bounce_device_features_rejected(driver->requester);
	bounce_device_verdict(driver->requester, verdict);
	driver->answer.why = bounce_reason_text(verdict->reason);
	virtio_failed(&driver->device);
	return BOUNCE_ERR_REFUSED;
}

/* Steps 4 - 6: what the library accepts, and what the driver wants. */
static enum bounce_err accept(struct driver *driver, uint64_t features)
{
	features &= driver->device.offered;
	return virtio_accept(&driver->device,
			     driver->answer.accept | features) ?
		       BOUNCE_OK :
		       give_up(driver);
}

enum bounce_err driver_open(struct driver *driver,
			    const struct driver_open *open)
{
	struct bounce_device_info info;
	enum bounce_err err;

	*driver = (struct driver) { .bytes_in_flight = 0 };
	if (!virtio_find(open->role, &driver->device))
		guest_fail("a device is not there");
	driver_describe(&driver->device, open->space, &info);
	info.flags |= open->flags;
	info.owner = open->owner;
	info.function = open->function;
	err = bounce_device_attach(open->bounce, &info, &driver->requester,
				   &driver->answer);
	if (err != BOUNCE_OK) {
		virtio_failed(&driver->device);
		return err;
	}
	driver->queue = bounce_device_queue(driver->requester, 0);
	err = accept(driver, open->features);
	if (err != BOUNCE_OK &&
	    bounce_device_detach(driver->requester) != BOUNCE_OK)
		err = BOUNCE_ERR_BUSY;
	return err;
}

enum bounce_err driver_again(struct driver *driver, uint64_t features)
{
	enum guest_role role = driver->device.role;
	enum bounce_err err;

	if (!virtio_find(role, &driver->device))
		guest_fail("a device is gone");
	err = bounce_device_negotiate(driver->requester, driver->device.offered,
				      &driver->answer);
	if (err != BOUNCE_OK) {
		virtio_failed(&driver->device);
		return err;
	}
	return accept(driver, features);
}

bool driver_may_reach(const struct driver *driver, bounce_bus_t bus,
		      uint64_t len)
{
	return driver->device.confined != GUEST_CONFINED_MODEL ||
	       model_allows(bus.v, len);
}

void driver_ring(const struct driver *driver, uint16_t index,
		 struct vring *ring)
{
	struct virtio_ring place;

	if (vring_init(ring, driver->queue) != BOUNCE_OK ||
	    !driver_may_reach(driver, ring->mapping.bus, ring->memory.len))
		guest_fail("a ring got no shared memory");
	vring_place(ring, &place);
	if (!virtio_queue(&driver->device, index, &place))
		guest_fail("a ring could not be set up");
}

void driver_gone(struct driver *driver, uint32_t bytes)
{
	driver->bytes_in_flight += bytes;
	if (driver->bytes_in_flight > driver->peak_in_flight)
		driver->peak_in_flight = driver->bytes_in_flight;
}

void driver_back(struct driver *driver, uint32_t bytes)
{
	driver->bytes_in_flight -= bytes;
}

enum bounce_err driver_wait(const struct driver *driver, struct vring *ring,
			    struct bounce_completion *done)
{
	uint64_t until = cpu_milliseconds() + ANSWER_MILLISECONDS;

	for (uint32_t poll = 1;; poll++) {
		enum bounce_err err = vring_take(ring, done);

		if (err != BOUNCE_ERR_BUSY)
			return err;
		if (poll % POLLS == 0 && (virtio_broken(&driver->device) ||
					  cpu_milliseconds() > until))
			return err;
		bounce_cpu_relax();
	}
}
