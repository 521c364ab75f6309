/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * uv.h - the two instructions of uv.c that C does not have (uvc.S, or a test's
 * own), and the query by itself.
 */
#ifndef S390_UV_H
#define S390_UV_H

#include <bounce/arch.h>

/*
 * Ultravisor call on a control block of private memory, aligned to 8. Only
 * where facility 158 is installed: elsewhere an operation exception.
 * Return: the condition code, 0 .. 3.
 */
unsigned bounce_s390_uvc(void *block);

/* Store the first @count (1 .. 32) doublewords of the facility list; those
 * that the machine does not have are left alone. */
void bounce_s390_stfle(uint64_t *list, uint32_t count);

/*
 * bounce_s390_query() - what the Query UV Information call alone says.
 *
 * Needs facility 158; the backend's detect asks for that first.
 *
 * Return: YES when both share calls are there, NO when not, UNKNOWN when the
 * query itself did not work.
 */
enum bounce_protection bounce_s390_query(void);

#endif
