/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * handover.h - the end of a first image: a second one takes its slabs over, and
 * goes on (stage.h).
 */
#ifndef HANDOVER_H
#define HANDOVER_H

/*
 * handover_run() - guest_extras.next: when nothing is shared, and no device is
 * at work.
 */
_Noreturn void handover_run(void);

#endif
