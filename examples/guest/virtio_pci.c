/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * virtio_pci.c - the transport of guest.h over PCI, polled.
 *
 * Registers are read in their own width and are little-endian. Nothing that a
 * register says is used as an address or a length: offsets into the BAR are
 * checked against the BAR's size.
 *
 * Source: VIRTIO 1.2, section 4.1; PCI Local Bus Specification 3.0, chapter 6.
 */
#include "virtio_pci.h"

#include <cpu.h>

/* PCI configuration space: PCI 3.0, 6.1. */
#define PCI_ID 0x00
#define PCI_CAPABILITIES 0x34
#define PCI_CAPABILITIES_MAX 48u /* of 4 bytes in 192: bounds the walk */
#define PCI_CAPABILITY_MASK 0xfcu
#define PCI_CAPABILITY_VENDOR 0x09u

/* Virtio over PCI: VIRTIO 1.2, 4.1.2 and 4.1.4. */
#define VIRTIO_VENDOR 0x1af4u
#define CAP_TYPE 3
#define CAP_BAR 4
#define CAP_OFFSET 8
#define CAP_MULTIPLIER 16
#define CAP_COMMON 1u
#define CAP_NOTIFY 2u
#define CAP_DEVICE 4u

/* struct virtio_pci_common_cfg: 4.1.4.3. */
#define COMMON_FEATURE_SELECT 0
#define COMMON_FEATURE 4
#define COMMON_ACCEPT_SELECT 8
#define COMMON_ACCEPT 12
#define COMMON_STATUS 20
#define COMMON_QUEUE_SELECT 22
#define COMMON_QUEUE_SIZE 24
#define COMMON_QUEUE_ENABLE 28
#define COMMON_QUEUE_NOTIFY 30
#define COMMON_QUEUE_DESCRIPTORS 32
#define COMMON_QUEUE_AVAILABLE 40
#define COMMON_QUEUE_USED 48
#define COMMON_BYTES 56u

/* Device status: 2.1. */
#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER 2u
#define STATUS_DRIVER_OK 4u
#define STATUS_FEATURES_OK 8u
#define STATUS_NEEDS_RESET 64u
#define STATUS_FAILED 128u

#define RESET_MILLISECONDS 1000u

/* Where a capability's registers are. */
struct place {
	uint32_t bar;
	uint32_t offset;
	uint32_t multiplier; /* CAP_NOTIFY only */
	bool found;
};

/* A device's registers, by the addresses of pci_load() and pci_store(). */
struct port {
	uint64_t bar; /* 0: none, not opened */
	uint64_t common;
	uint64_t device;
	uint64_t notify[VIRTIO_QUEUES];
	struct place notify_place;
};

static struct port ports[GUEST_ROLES];
static uint16_t places[GUEST_ROLES]; /* 0: in the role's slot */

static uint8_t read8(uint64_t at)
{
	return (uint8_t)pci_load(at, 1);
}

static uint16_t read16(uint64_t at)
{
	return guest_le16((uint16_t)pci_load(at, 2));
}

static uint32_t read32(uint64_t at)
{
	return guest_le32(pci_load(at, 4));
}

static void write8(uint64_t at, uint8_t value)
{
	pci_store(at, 1, value);
}

static void write16(uint64_t at, uint16_t value)
{
	pci_store(at, 2, guest_le16(value));
}

static void write32(uint64_t at, uint32_t value)
{
	pci_store(at, 4, guest_le32(value));
}

/* Section 4.1.3.1: 64-bit fields may be accessed as two halves. */
static void write64(uint64_t at, uint64_t value)
{
	write32(at, (uint32_t)value);
	write32(at + 4, (uint32_t)(value >> 32));
}

static void add_status(const struct port *port, uint8_t status)
{
	write8(port->common + COMMON_STATUS,
	       (uint8_t)(read8(port->common + COMMON_STATUS) | status));
}

static struct place find_capability(uint16_t requester, uint32_t type)
{
	struct place place = { .found = false };
	uint32_t at = pci_read(requester, PCI_CAPABILITIES, 1) &
		      PCI_CAPABILITY_MASK;

	for (unsigned n = 0; n < PCI_CAPABILITIES_MAX && at != 0; n++) {
		uint32_t id = pci_read(requester, at, 1);

		if (id == PCI_CAPABILITY_VENDOR &&
		    pci_read(requester, at + CAP_TYPE, 1) == type) {
			place.bar = pci_read(requester, at + CAP_BAR, 1);
			place.offset = pci_read(requester, at + CAP_OFFSET, 4);
			place.multiplier = pci_read(requester,
						    at + CAP_MULTIPLIER, 4);
			place.found = true;
			break;
		}
		at = pci_read(requester, at + 1, 1) & PCI_CAPABILITY_MASK;
	}
	return place;
}

/* Fill in the port of a modern device; false when it has none or odd ones. */
static bool open_port(enum guest_role role, uint16_t requester)
{
	struct port *port = &ports[role];
	struct place common = find_capability(requester, CAP_COMMON);
	struct place device = find_capability(requester, CAP_DEVICE);
	struct place notify = find_capability(requester, CAP_NOTIFY);

	if (!common.found || !device.found || !notify.found ||
	    common.bar >= PCI_BARS - 1 || device.bar != common.bar ||
	    notify.bar != common.bar)
		return false;
	if (common.offset > PCI_BAR_BYTES - COMMON_BYTES ||
	    device.offset > PCI_BAR_BYTES - COMMON_BYTES ||
	    notify.offset >= PCI_BAR_BYTES)
		return false;
	port->bar = pci_open_bar(requester, common.bar, false);
	if (port->bar == 0)
		return false;
	port->common = port->bar + common.offset;
	port->device = port->bar + device.offset;
	port->notify_place = notify;
	return true;
}

/*
 * No capabilities of virtio: the features are at the start of BAR 0, which is
 * one of I/O space (4.1.4.10).
 */
static uint64_t legacy_features(uint16_t requester)
{
	return guest_le32(pci_port_load(pci_open_bar(requester, 0, true)));
}

static uint64_t modern_features(const struct port *port)
{
	uint64_t features;

	write32(port->common + COMMON_FEATURE_SELECT, 0);
	features = read32(port->common + COMMON_FEATURE);
	write32(port->common + COMMON_FEATURE_SELECT, 1);
	return features | (uint64_t)read32(port->common + COMMON_FEATURE) << 32;
}

static enum guest_confined confined_by(uint64_t offered)
{
	if ((offered & BOUNCE_VIRTIO_F_VERSION_1) == 0)
		return GUEST_CONFINED_NONE;
	return (offered & BOUNCE_VIRTIO_F_ACCESS_PLATFORM) != 0 &&
			       guest_cpu.iommu_name != NULL ?
		       GUEST_CONFINED_IOMMU :
		       GUEST_CONFINED_MODEL;
}

bool transport_start(struct bounce *bounce, struct bounce_space *space)
{
	(void)bounce;
	(void)space;
	return true;
}

bool transport_stop(void)
{
	return true;
}

uint16_t virtio_requester(enum guest_role role)
{
	return places[role] != 0 ? places[role] :
				   (uint16_t)((unsigned)role << PCI_SLOT_SHIFT);
}

void virtio_place(enum guest_role role, uint16_t requester)
{
	places[role] = requester;
}

bool virtio_find(enum guest_role role, struct virtio_device *device)
{
	uint16_t requester = virtio_requester(role);
	struct virtio_device found = { .role = role, .requester = requester };

	if ((pci_read(requester, PCI_ID, 4) & 0xffff) != VIRTIO_VENDOR)
		return false;
	if (!find_capability(requester, CAP_COMMON).found) {
		found.offered = legacy_features(requester);
	} else {
		if (!open_port(role, requester) || !virtio_reset(&found))
			return false;
		add_status(&ports[role], STATUS_ACKNOWLEDGE);
		add_status(&ports[role], STATUS_DRIVER);
		found.offered = modern_features(&ports[role]);
	}
	found.confined = confined_by(found.offered);
	*device = found;
	return true;
}

bool virtio_accept(const struct virtio_device *device, uint64_t features)
{
	const struct port *port = &ports[device->role];

	write32(port->common + COMMON_ACCEPT_SELECT, 0);
	write32(port->common + COMMON_ACCEPT, (uint32_t)features);
	write32(port->common + COMMON_ACCEPT_SELECT, 1);
	write32(port->common + COMMON_ACCEPT, (uint32_t)(features >> 32));
	add_status(port, STATUS_FEATURES_OK);
	return (read8(port->common + COMMON_STATUS) & STATUS_FEATURES_OK) != 0;
}

uint64_t virtio_config(const struct virtio_device *device, uint32_t offset)
{
	uint64_t at = ports[device->role].device + offset;

	return read32(at) | (uint64_t)read32(at + 4) << 32;
}

void virtio_tell(const struct virtio_device *device)
{
	pci_tell(device->requester);
}

void virtio_configure(const struct virtio_device *device, uint32_t offset,
		      uint8_t value)
{
	write8(ports[device->role].device + offset, value);
}

uint64_t virtio_capacity(const struct virtio_device *device)
{
	return virtio_config(device, 0);
}

bool virtio_ethernet(const struct virtio_device *device,
		     unsigned char address[VIRTIO_ETHERNET_BYTES])
{
	const struct port *port = &ports[device->role];

	for (uint32_t i = 0; i < VIRTIO_ETHERNET_BYTES; i++)
		address[i] = read8(port->device + i);
	return true;
}

bool virtio_queue(const struct virtio_device *device, uint16_t index,
		  const struct virtio_ring *ring)
{
	struct port *port = &ports[device->role];
	uint64_t common = port->common;
	uint64_t notify;

	write16(common + COMMON_QUEUE_SELECT, index);
	/* A queue that is not there has size 0. */
	if (index >= VIRTIO_QUEUES ||
	    read16(common + COMMON_QUEUE_SIZE) < ring->entries)
		return false;
	write16(common + COMMON_QUEUE_SIZE, ring->entries);
	write64(common + COMMON_QUEUE_DESCRIPTORS, ring->descriptors.v);
	write64(common + COMMON_QUEUE_AVAILABLE, ring->available.v);
	write64(common + COMMON_QUEUE_USED, ring->used.v);

	/* Section 4.1.4.4: cap.offset + queue_notify_off * multiplier. */
	notify = port->notify_place.offset +
		 (uint64_t)port->notify_place.multiplier *
			 read16(common + COMMON_QUEUE_NOTIFY);
	if (notify > PCI_BAR_BYTES - sizeof(uint16_t))
		return false;
	port->notify[index] = port->bar + notify;
	write16(common + COMMON_QUEUE_ENABLE, 1);
	return true;
}

void virtio_live(const struct virtio_device *device)
{
	bounce_mb_device();
	add_status(&ports[device->role], STATUS_DRIVER_OK);
}

void virtio_notify(const struct virtio_device *device, uint16_t index)
{
	bounce_mb_device();
	write16(ports[device->role].notify[index], index);
}

bool virtio_broken(const struct virtio_device *device)
{
	return (read8(ports[device->role].common + COMMON_STATUS) &
		STATUS_NEEDS_RESET) != 0;
}

void virtio_failed(const struct virtio_device *device)
{
	if (ports[device->role].common != 0)
		add_status(&ports[device->role], STATUS_FAILED);
}

bool virtio_reset(const struct virtio_device *device)
{
	uint64_t status = ports[device->role].common + COMMON_STATUS;
	uint64_t until = cpu_milliseconds() + RESET_MILLISECONDS;

	if (ports[device->role].common == 0)
		return true; /* legacy: never touched */
	/* Section 4.1.4.3.2: the reset is done when 0 is read back. */
	do {
		/* Each time: what was under way may fail until it is reset. */
		if (!pci_recover(device->requester))
			continue;
		write8(status, 0);
		if (read8(status) == 0)
			return true;
	} while (cpu_milliseconds() <= until);
	return false;
}
