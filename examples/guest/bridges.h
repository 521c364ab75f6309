/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * bridges.h - devices behind bridges, and buses that change their numbers.
 */
#ifndef BRIDGES_H
#define BRIDGES_H

#include "guest.h"

/*
 * bridges_start() - give the buses their first numbers; before the IOMMU is
 * asked for anything. QEMU looks for an endpoint's bus by its number, and keeps
 * what it found: buses that have none yet are all bus 0.
 */
void bridges_start(void);

/*
 * bridges_run() - guest_cpu.aside. The image is in memory (image.h); all of the
 * IOMMU's domains but the first are free.
 */
void bridges_run(void);

#endif
