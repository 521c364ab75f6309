/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * monitor_lies.h - the lying ultravisor: growth and retirement against a
 * monitor that says what is not so. Controls of the pool: guest.h.
 */
#ifndef MONITOR_LIES_H
#define MONITOR_LIES_H

/*
 * monitor_lies_run() - with instances of its own at refused_gpa, which are gone
 * afterwards. In a secure guest that has shared nothing.
 */
void monitor_lies_run(void);

#endif
