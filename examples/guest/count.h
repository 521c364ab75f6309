/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * count.h - what a bounced sector costs, in ticks: the `count` lines.
 */
#ifndef COUNT_H
#define COUNT_H

#include "report.h"

/* Before anything else: tools/demo.py also boots the guest for this alone. */
void count_run(void);

#endif
