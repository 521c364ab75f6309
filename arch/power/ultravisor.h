/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * ultravisor.h - the two instructions of ultravisor.c that C does not have;
 * ucall.S, or a test's own.
 */
#ifndef POWER_ULTRAVISOR_H
#define POWER_ULTRAVISOR_H

#include <stdint.h>

/*
 * One ultracall: `sc 2` with r3 = @function, r4 = @gfn, r5 = @count.
 * Return: r3.
 */
int64_t bounce_power_ucall(uint64_t function, uint64_t gfn, uint64_t count);

/* The machine state register. Privileged: not in problem state. */
uint64_t bounce_power_msr(void);

#endif
