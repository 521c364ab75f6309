/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * network.h - the network scenario: find the gateway of QEMU's user network,
 * ping it with packets of every size, and try what must not work. One row and
 * its controls, device=net: guest.h.
 */
#ifndef NETWORK_H
#define NETWORK_H

#include "report.h"

/* Where it works: a small pool of which nobody else holds a slot. */
struct network_place {
	struct bounce *bounce;
	struct bounce_space *space;
	struct report_use use;
};

void network_run(const struct network_place *place);

#endif
