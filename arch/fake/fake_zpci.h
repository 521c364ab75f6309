/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fake_zpci.h - a host of zPCI for tests: it walks the tables when RPCIT says
 * so, remembers what it found, and stops functions as QEMU does. It answers the
 * instructions of lib/zpci.h.
 *
 * An instruction has no context, so the host is one, and a test of it has a
 * process of its own.
 */
#ifndef FAKE_ZPCI_H
#define FAKE_ZPCI_H

#include <stdbool.h>
#include <stdint.h>

#define FAKE_ZPCI_PAGE UINT64_C(4096)
#define FAKE_ZPCI_LEN (UINT64_C(4) << 20) /* of the window */
#define FAKE_ZPCI_PAGES (FAKE_ZPCI_LEN / FAKE_ZPCI_PAGE)
#define FAKE_ZPCI_TABLES_GPA UINT64_C(0x40000000)
#define FAKE_ZPCI_HANDLE 0x80000101u /* of function 0; the next has one more */
#define FAKE_ZPCI_FUNCTIONS 2u
#define FAKE_ZPCI_NEVER UINT32_MAX

enum fake_zpci_instruction {
	FAKE_ZPCI_ANY = 0,
	FAKE_ZPCI_REGISTER = 4,
	FAKE_ZPCI_UNREGISTER = 5,
	FAKE_ZPCI_RESET = 7,
	FAKE_ZPCI_RPCIT = 100,
};

struct fake_zpci_function {
	bool gone; /* its handle is not valid */
	bool registered;
	bool error;
	uint64_t table;
	uint64_t cached[FAKE_ZPCI_PAGES]; /* what is remembered; 0: nothing */
};

struct fake_zpci {
	struct fake_zpci_function function[FAKE_ZPCI_FUNCTIONS];
	unsigned char *tables;
	uint64_t tables_bytes;
	uint64_t base; /* first bus address of `cached` */
	uint32_t calls; /* of what is planned */
	uint32_t rpcits;
	uint32_t wrong; /* what no correct library does */
	/* Calls of `fail_what` number fail_at .. are answered so. */
	enum fake_zpci_instruction fail_what;
	uint32_t fail_at;
	uint32_t fail_times;
	unsigned fail_cc;
	unsigned fail_status;
	bool falters; /* after a reset the error comes back */
};
extern struct fake_zpci fake_zpci;

/* From now on the next @times calls of a kind are answered so. */
void fake_zpci_plan(enum fake_zpci_instruction what, uint32_t times,
		    unsigned cc, unsigned status);

/* The entry by which a function reaches a page, bit 0 set; or 0. */
uint64_t fake_zpci_reach(unsigned index, uint64_t bus);

#endif
