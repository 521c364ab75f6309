/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * bounce.h - everything, in reading order.
 *
 * Conventions. Every call that can fail returns enum bounce_err; on an error
 * nothing is written and nothing is held (types.h names the exceptions).
 * Objects are opaque and live in the memory given to bounce_init(). Addresses
 * come as bounce_gpa_t or bounce_bus_t and are never mixed. Lengths are bytes.
 */
#ifndef BOUNCE_BOUNCE_H
#define BOUNCE_BOUNCE_H

#include <bounce/types.h> /* words: addresses, errors, directions */
#include <bounce/arch.h> /* the contract of a monitor backend */
#include <bounce/env.h> /* what the embedder supplies; init, fini */
#include <bounce/pool.h> /* shared slots */
#include <bounce/iommu.h> /* the contract of an IOMMU's backend */
#include <bounce/space.h> /* windows: what address a device sees */
#include <bounce/fdt.h> /* windows and pools from a device tree */
#include <bounce/tce.h> /* the backend for DMA windows of POWER */
#include <bounce/zpci.h> /* the backend for PCI functions of Z */
#include <bounce/viommu.h> /* the backend for a virtio-iommu */
#include <bounce/policy.h> /* does it bounce, and why */
#include <bounce/virtio.h> /* negotiation, the used-element check */
#include <bounce/topology.h> /* requester IDs behind bridges */
#include <bounce/device.h> /* requesters and their queues */
#include <bounce/map.h> /* the I/O path */

#endif
