/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * mapped.h - for the CPU folders of guests whose devices are behind a
 * virtio-iommu.
 */
#ifndef MAPPED_H
#define MAPPED_H

#include "guest.h"

/* Where devices find memory: a bus address is never a guest-physical one. */
#define MAPPED_BUS (UINT64_C(4) << 30)

/* Bus addresses that no memory is seen at. */
#define MAPPED_OWN (UINT64_C(16) << 30)

/*
 * mapped_start() - start the IOMMU, and attach the devices of @roles, which
 * reach no memory then. Return: NULL, or why it cannot be.
 */
const char *mapped_start(const enum guest_role *roles, uint32_t count);

/* mapped_omit() - guest_extras.omit_flush: leave out the request itself. */
void mapped_omit(bool omit);

/* mapped_forget_faults() - take all that were reported until now. */
void mapped_forget_faults(void);

/* mapped_refused() - guest_extras.refused, by the IOMMU's events. */
uint32_t mapped_refused(bounce_bus_t bus, uint64_t len);

#endif
