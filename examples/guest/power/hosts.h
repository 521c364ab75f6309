/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * hosts.h - two PCI host bridges, each of which is an address space.
 */
#ifndef HOSTS_H
#define HOSTS_H

#include "../guest.h"

/* hosts_run() - guest_cpu.aside. The image is in memory (image.h). */
void hosts_run(void);

#endif
