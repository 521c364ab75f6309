/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * host.h - an ordinary process that plays the guest: its memory is private
 * because the operating system keeps other processes out, and shared where it
 * has mapped a memfd. Devices are other processes, spoken to by vhost-user.
 *
 *   H1  A device's process gets the listening socket, the memfd and one end of
 *       the kick's socket pair, and nothing else of ours.
 *   H2  The memory table names the ranges of bounce_ranges(), by addresses of
 *       the space's window: no pointer of ours leaves this process.
 *   H3  Whatever a device does to what we share with it, no call of ours waits
 *       for ever: sockets have bounds in time, the kick is sent without
 *       waiting, and the memfd is sealed against truncation.
 *   H4  A device is quiesced when its process has been waited for.
 *
 * The contract of the guests (examples/guest/guest.h) is met by monitor.c,
 * host.c and frontend.c; the drivers are theirs.
 */
#ifndef HOST_H
#define HOST_H

#include "driver.h"

/* Pages of the pool; nobody else's addresses begin there on Linux. */
#define HOST_POOL_GPA UINT64_C(0x2000000000)
#define HOST_POOL_BYTES (4u << 20)
/* Where a device finds them. */
#define HOST_POOL_BUS UINT64_C(0x40000000)

/* host_memory() - map the pool's pages, private. Ends the program if not. */
void host_memory(void);

/* host_memory_fd() - what a device is given to map the shared pages. */
int host_memory_fd(void);

/* host_ranges() - what the library says is shared, at most @max of them. */
uint32_t host_ranges(struct bounce_range *range, uint32_t max);

/* host_start() - run a program with a listening socket as WIRE_LISTENER, and
 * connect to it. @process is its number. Return: the socket, or -1. */
int host_start(char *const command[], int *process);

/* host_end() - kill a program (SIGKILL) and wait for it. */
void host_end(int process);

/* ---- frontend.c: devices by role ---- */

/*
 * frontend_open() - start a device's program and ask it what it is.
 * Return: false when it does not answer as the protocol demands; it is ended.
 */
bool frontend_open(enum guest_role role, char *const command[]);

/* frontend_kill() - SIGKILL, without waiting: virtio_reset() does. */
void frontend_kill(enum guest_role role);

#endif
