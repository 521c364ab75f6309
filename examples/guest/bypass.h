/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * bypass.h - a disk in no domain, and the virtio-iommu's bypass byte.
 */
#ifndef BYPASS_H
#define BYPASS_H

#include "guest.h"

/* A disk that nobody uses, and that is in no domain. */
struct bypass_place {
	const char *name; /* of its row */
	enum guest_role role;
	uint16_t requester; /* as the IOMMU sees it */
};

/* bypass_run() - the image is in memory (image.h). The byte is 0 before and
 * after. */
void bypass_run(const struct bypass_place *place);

#endif
