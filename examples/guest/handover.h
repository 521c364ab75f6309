/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * handover.h - one stage of a boot uses a pool and ends; the next one knows the
 * list of bounce_ranges(), takes the slabs over and goes on. One row and its
 * controls, device=handover.
 */
#ifndef HANDOVER_H
#define HANDOVER_H

/* Before anything is shared, where there is a monitor. */
void handover_run(void);

#endif
