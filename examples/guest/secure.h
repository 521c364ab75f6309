/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * secure.h - the entry scenario: a guest that is not protected uses its devices
 * at its own pages, becomes secure, and goes on with the same devices, bounced.
 * One row and its controls, device=entry: guest.h.
 */
#ifndef SECURE_H
#define SECURE_H

#include "blk.h"

/* What it moves, for report_total(): the image, and a part of it twice. */
#define SECURE_PART_BYTES (1u << 20)
#define SECURE_BYTES (GUEST_IMAGE_BYTES + 2 * SECURE_PART_BYTES)

/*
 * secure_run() - with an instance of its own, which is gone afterwards. Call it
 * first: what comes after it runs in a secure guest.
 */
void secure_run(void);

#endif
