/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * windows.h - one disk behind one IOMMU, with a static window and then with a
 * dynamic one: a flag of one struct is all that is different.
 */
#ifndef WINDOWS_H
#define WINDOWS_H

#include "guest.h"

/* Bus addresses for own pages. */
#define WINDOWS_OWN_BYTES BOUNCE_CHUNK_BYTES

/* A disk that nobody else uses, and what translates for it. */
struct windows_place {
	enum guest_role role;
	const struct bounce_iommu *iommu;
	void *ctx;
	/* Where the device sees all of memory, if it is mapped. */
	struct bounce_window window;
	bounce_bus_t own; /* WINDOWS_OWN_BYTES that are not in the window */
};

/* windows_run() - the image is in memory (image.h). */
void windows_run(const struct windows_place *place);

#endif
