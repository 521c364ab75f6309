/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * hosts.h - two PCI host bridges, each of which is an address space.
 */
#ifndef HOSTS_H
#define HOSTS_H

#include "../guest.h"

/* The table that translates for all devices behind a bridge. */
struct hosts_table {
	uint32_t liobn; /* its name in hypervisor calls */
	uint64_t first; /* bus addresses */
	uint64_t len;
	uint64_t requests;
};

/* tce.c; the context is a struct hosts_table. */
extern const struct bounce_iommu hosts_backend;

/* hosts_run() - guest_cpu.aside. The image is in memory (image.h). */
void hosts_run(void);

#endif
