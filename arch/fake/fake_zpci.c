/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fake_zpci.c - the fake host of zPCI: see fake_zpci.h.
 */
#include "fake_zpci.h"

#include <string.h>

#include "zpci.h"

struct fake_zpci fake_zpci;

static uint64_t entry_at(uint64_t table, uint64_t index)
{
	uint64_t at = (table & ~UINT64_C(0x7ff)) + 8 * index -
		      FAKE_ZPCI_TABLES_GPA;
	uint64_t entry = 0;

	if (at > fake_zpci.tables_bytes - 8) {
		fake_zpci.wrong++;
		return 0x20;
	}
	for (unsigned i = 0; i < 8; i++)
		entry = entry << 8 | fake_zpci.tables[at + i];
	return entry;
}

/* The page's entry, or 0. */
static uint64_t walk(const struct fake_zpci_function *f, uint64_t bus)
{
	uint64_t entry;

	if ((f->table & 0xfff) != 0x804)
		fake_zpci.wrong++;
	entry = entry_at(f->table & ~UINT64_C(0x3fff), bus >> 31 & 2047);
	if ((entry & 0x20) != 0)
		return 0;
	if ((entry & 0xf) != 7) /* region-third, full length */
		fake_zpci.wrong++;
	entry = entry_at(entry & ~UINT64_C(0x3fff), bus >> 20 & 2047);
	if ((entry & 0x20) != 0)
		return 0;
	entry = entry_at(entry, bus >> 12 & 255);
	return (entry & 0x400) != 0 ? 0 : entry | 1;
}

static bool planned(enum fake_zpci_instruction what)
{
	uint32_t n;

	if (fake_zpci.fail_what != FAKE_ZPCI_ANY && fake_zpci.fail_what != what)
		return false;
	n = fake_zpci.calls++;
	return n >= fake_zpci.fail_at &&
	       n - fake_zpci.fail_at < fake_zpci.fail_times;
}

static struct fake_zpci_function *function_of(uint64_t request)
{
	uint32_t index = (uint32_t)(request >> 32) - FAKE_ZPCI_HANDLE;

	return index < FAKE_ZPCI_FUNCTIONS && !fake_zpci.function[index].gone ?
		       &fake_zpci.function[index] :
		       NULL;
}

static unsigned fault(uint64_t *request, unsigned cc, unsigned status)
{
	*request |= (uint64_t)status << 24;
	return cc;
}

unsigned bounce_s390_mpcifc(uint64_t *request, const void *fib)
{
	struct fake_zpci_function *f = function_of(*request);
	enum fake_zpci_instruction what =
		(enum fake_zpci_instruction)(*request & 0xff);
	uint64_t words[5];

	memcpy(words, fib, sizeof(words));
	if (planned(what))
		return fault(request, fake_zpci.fail_cc, fake_zpci.fail_status);
	if (f == NULL)
		return 3;
	if (what == FAKE_ZPCI_RESET) {
		if (!f->error)
			return fault(request, 1, 24);
		f->error = fake_zpci.falters;
		return 0;
	}
	if ((what == FAKE_ZPCI_REGISTER) == f->registered)
		return fault(request, 1, 24);
	f->registered = what == FAKE_ZPCI_REGISTER;
	memset(f->cached, 0, sizeof(f->cached));
	f->table = words[4];
	if (words[2] != fake_zpci.base ||
	    words[3] != fake_zpci.base + FAKE_ZPCI_LEN - 1)
		fake_zpci.wrong++;
	return 0;
}

unsigned bounce_s390_rpcit(uint64_t *request, uint64_t bus, uint64_t len)
{
	struct fake_zpci_function *f = function_of(*request);

	fake_zpci.rpcits++;
	if (planned(FAKE_ZPCI_RPCIT))
		return fault(request, fake_zpci.fail_cc, fake_zpci.fail_status);
	if (f == NULL)
		return 3;
	if (!f->registered || f->error)
		return fault(request, 1, 40);
	if ((bus | len) % FAKE_ZPCI_PAGE != 0 || len == 0 ||
	    bus < fake_zpci.base ||
	    len > FAKE_ZPCI_LEN - (bus - fake_zpci.base)) {
		fake_zpci.wrong++;
		return fault(request, 1, 8);
	}
	for (uint64_t at = bus; at < bus + len; at += FAKE_ZPCI_PAGE)
		f->cached[(at - fake_zpci.base) / FAKE_ZPCI_PAGE] = walk(f, at);
	return 0;
}

/* What the function reaches there: an entry, or 0. */
uint64_t fake_zpci_reach(unsigned index, uint64_t bus)
{
	const struct fake_zpci_function *f = &fake_zpci.function[index];

	return f->registered && !f->error ?
		       f->cached[(bus - fake_zpci.base) / FAKE_ZPCI_PAGE] :
		       0;
}

void fake_zpci_plan(enum fake_zpci_instruction what, uint32_t times,
		    unsigned cc, unsigned status)
{
	fake_zpci.fail_what = what;
	fake_zpci.fail_times = times;
	fake_zpci.fail_at = 0;
	fake_zpci.calls = 0;
	fake_zpci.fail_cc = cc;
	fake_zpci.fail_status = status;
}
