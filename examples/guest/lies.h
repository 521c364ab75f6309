/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * lies.h - a device that lies: the guest plays it on a ring of its own, since
 * QEMU's devices tell the truth. One row and its controls, device=liar.
 */
#ifndef LIES_H
#define LIES_H

#include "report.h"

/* @use->pool is the pool of @space. */
void lies_run(struct bounce *bounce, struct bounce_space *space,
	      const struct report_use *use);

#endif
