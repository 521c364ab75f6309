/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * topology.h - PCI functions and bridges: which requester ID an IOMMU sees.
 *
 * An IOMMU knows a device by the requester ID of its transactions. Bridges
 * replace that ID, or mask a part of it, so that several devices have one ID
 * and with it one space; and bus numbers, which are a part of it, change when
 * buses are enumerated. So the embedder tells what stands where, once, and the
 * library computes the rest, again after each change:
 *
 *	bounce_function_add()       a bridge or an endpoint is there
 *	bounce_device_attach()      info.function says where the device stands
 *
 *	bounce_device_stop()        each device that the change is about
 *	(the old IDs are taken out of the IOMMU)
 *	bounce_topology_change()    the old IDs are out of use
 *	bounce_topology_number()    as the bridge's registers are written
 *	bounce_topology_settle()    the new IDs hold
 *	bounce_device_start()       each device
 *
 * Any other order is refused. A device without a function is outside of all
 * this: its requester ID is taken for its own.
 */
#ifndef BOUNCE_TOPOLOGY_H
#define BOUNCE_TOPOLOGY_H

#include <bounce/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BOUNCE_TOPOLOGY_DEPTH 16u /* bridges above a function, at most */
#define BOUNCE_REQUESTERS 4u /* IDs that one function may be seen with */

/* What a function does to the requester IDs from the bus beneath it. */
enum bounce_function_kind {
	/* No bus beneath it. */
	BOUNCE_FUNCTION_ENDPOINT = 0,
	/* PCIe root port or port of a switch: passes them through. */
	BOUNCE_FUNCTION_PORT = 1,
	/* PCIe-to-PCI bridge: secondary bus, devfn 0, for all. */
	BOUNCE_FUNCTION_PCIE_TO_PCI = 2,
	/* PCIe-to-PCI-X bridge: passes them through, or takes a transaction
	 * over as its own, secondary bus, devfn 0: both are seen. */
	BOUNCE_FUNCTION_PCIE_TO_PCIX = 3,
	/* One that keeps the bus and masks the devfn. */
	BOUNCE_FUNCTION_PCIX_MASK = 4,
	/* Conventional PCI-to-PCI bridge: its own ID, for all. */
	BOUNCE_FUNCTION_PCI_TO_PCI = 5,
	/* PCI-to-PCIe bridge: its own ID, for all. */
	BOUNCE_FUNCTION_PCI_TO_PCIE = 6,
};

/* A quirk: the function uses the ID of another one of its bus. */
enum bounce_function_flags {
	BOUNCE_FUNCTION_ALIAS = 1, /* also alias_devfn */
	BOUNCE_FUNCTION_ALIAS_ONLY = 2, /* alias_devfn, never its own */
};

/* What stands where. */
struct bounce_function_info {
	struct bounce_function *parent; /* bridge above; NULL: on a root bus */
	uint16_t segment; /* PCI segment group; 0 beneath a bridge */
	uint8_t root_bus; /* number of the root bus; 0 beneath a bridge */
	uint8_t devfn; /* device << 3 | function */
	uint8_t kind; /* enum bounce_function_kind */
	uint8_t flags; /* enum bounce_function_flags */
	uint8_t alias_devfn; /* 0 without a flag */
	/* Bridges: the buses beneath; 0 and 0 while they have no numbers. */
	uint8_t secondary;
	uint8_t subordinate;
	uint8_t reserved[7]; /* zero */
};
BOUNCE_STATIC_ASSERT(sizeof(struct bounce_function_info) == 24,
		     "part of the ABI");

/* Requester IDs: segment << 16 | bus << 8 | devfn. */
struct bounce_requesters {
	uint32_t count; /* 0: a bridge above has no number yet */
	uint32_t id[BOUNCE_REQUESTERS];
};

/**
 * bounce_function_add() - a bridge or an endpoint is there.
 *
 * @bounce: an instance with config.functions.
 * @info: copied.
 * @function: written on success only; lives in the instance's memory.
 *
 * Context: as bounce_device_attach(); pure but for the tables.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG    a pointer is NULL, an unknown kind or flag, a reserved
 *                     byte is set, @parent is no bridge of this instance, its
 *                     place is taken, or numbers that do not nest: a bridge's
 *                     buses are inside its parent's, and no other's.
 *   BOUNCE_ERR_FULL   config.functions are used up.
 *   BOUNCE_ERR_RANGE  more than BOUNCE_TOPOLOGY_DEPTH bridges above it, or
 *                     more than BOUNCE_REQUESTERS IDs.
 *   BOUNCE_ERR_BUSY   a change is under way.
 *
 * Source: PCI-to-PCI Bridge Architecture Specification 1.2, 3.2.5.
 */
enum bounce_err bounce_function_add(struct bounce *bounce,
				    const struct bounce_function_info *info,
				    struct bounce_function **function)
	BOUNCE_MUST_CHECK;

/**
 * bounce_function_remove() - a function is gone.
 *
 * @function: the function; gone on success.
 *
 * Context: as bounce_device_attach().
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG   NULL, or it is gone already.
 *   BOUNCE_ERR_BUSY  a device or a function beneath is there, or a change is
 *                    under way.
 */
enum bounce_err bounce_function_remove(struct bounce_function *function)
	BOUNCE_MUST_CHECK;

/**
 * bounce_function_requesters() - the IDs that an IOMMU may see it with.
 *
 * As they were when the topology was last settled. What programs the IOMMU
 * gives each of them the same space.
 *
 * @function: the function.
 * @requesters: written always; count 0 while a bridge above has no number.
 *
 * Context: as bounce_device_attach().
 *
 * Source: PCI Express to PCI/PCI-X Bridge Specification 1.0, 2.3.
 */
void bounce_function_requesters(const struct bounce_function *function,
				struct bounce_requesters *requesters);

/**
 * bounce_topology_change() - a function, and all beneath, are about to change.
 *
 * Before it: bounce_device_stop() for each device there, and their IDs are
 * taken out of the IOMMU (bounce_viommu_detach()): that is checked where the
 * IOMMU of their space knows IDs (struct bounce_iommu, holds()). After it the
 * old IDs are out of use, and may be given to others.
 *
 * @function: the highest of those that change; several calls, one for each,
 *            make one change.
 *
 * Context: as bounce_device_attach(); beside the I/O path, also of the devices
 * concerned: a mapping that is made meanwhile is made in the old space.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_BUSY  a device there is not stopped, or its IOMMU still holds an
 *                    ID of it that no device outside of the change has; nothing
 *                    changed.
 */
enum bounce_err bounce_topology_change(struct bounce_function *function)
	BOUNCE_MUST_CHECK;

/**
 * bounce_topology_number() - a bridge's buses have other numbers.
 *
 * @bridge: a bridge inside a change.
 * @secondary: the bus beneath it; 0: none.
 * @subordinate: the last bus beneath it.
 *
 * Context: as bounce_topology_change().
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG   no bridge, or @subordinate below @secondary.
 *   BOUNCE_ERR_BUSY  not in a change: bounce_topology_change() first.
 */
enum bounce_err bounce_topology_number(struct bounce_function *bridge,
				       uint8_t secondary, uint8_t subordinate)
	BOUNCE_MUST_CHECK;

/**
 * bounce_topology_settle() - the change is over: what holds from now on?
 *
 * Computes all IDs, looks which devices share one, and moves the epoch. A
 * device that has no ID, or one that another space has, is refused from now
 * on, until a later change mends it: bounce_device_verdict() says which.
 *
 * @bounce: the instance.
 *
 * Context: as bounce_topology_change(). Cost: compares all devices that have
 * a function with each other.
 *
 * Ordering: no map that starts after it returned uses an older binding.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG  numbers do not nest; the change goes on.
 */
enum bounce_err bounce_topology_settle(struct bounce *bounce) BOUNCE_MUST_CHECK;

/**
 * bounce_function_valid() - check a function's invariants.
 *
 * @function: the function, as bounce_function_add() wrote it.
 *
 * Context: no other call in progress.
 *
 * Return: true when its IDs are those that its bridges give it.
 */
bool bounce_function_valid(const struct bounce_function *function)
	BOUNCE_MUST_CHECK;

/**
 * bounce_topology_valid() - check the topology's invariants.
 *
 * @bounce: the instance.
 *
 * Context: no other call in progress.
 *
 * Return: true when T1 .. of lib/topology.h hold.
 */
bool bounce_topology_valid(const struct bounce *bounce) BOUNCE_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
