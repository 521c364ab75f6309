/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * trap.c - see trap.h.
 *
 *   T1  The trap flag is set by popf, last before the call, and cleared by popf
 *       after it. A handler is not stepped: the kernel clears the flag for it.
 *   T2  An instruction that is waited for begins with INT3; when it is reached,
 *       its own first byte is put back, and it is run. One step traps for a
 *       long time on some machines, so that all up to it would take too long.
 *   T3  A page that faults is opened for one instruction, which is stepped, and
 *       closed behind it.
 *
 * Source: Intel SDM vol. 3, 17.3.1.4 (single-step exception), 6.15 (INT3); 4.7
 * (the error code of a page fault: bit 1 is a write).
 */
#include "trap.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define TRAP_FLAG 0x100
#define WRITE 2 /* of the page fault's error code */

#define INT3 0xcc
#define PAGE 4096u

static struct {
	uintptr_t *list;
	size_t count;
	size_t most;
} record;

static struct {
	unsigned char *at; /* NULL: nothing is waited for */
	unsigned char byte; /* what was there */
	void (*between)(void *arg);
	void *arg;
} point;

static struct {
	void *memory;
	size_t len;
	uint64_t loads;
	void (*load)(void *arg, uintptr_t address);
	void *arg;
} watch;

static void set_flags(bool traps)
{
	if (traps)
		__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq"
				 :
				 :
				 : "memory", "cc");
	else
		__asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq"
				 :
				 :
				 : "memory", "cc");
}

static void set_byte(unsigned char *at, unsigned char byte)
{
	void *page = (void *)((uintptr_t)at & ~(uintptr_t)(PAGE - 1));

	if (mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
		abort();
	*(volatile unsigned char *)at = byte;
	if (mprotect(page, PAGE, PROT_READ | PROT_EXEC) != 0)
		abort();
}

static void remember(uintptr_t address)
{
	for (size_t i = record.count; i-- > 0;)
		if (record.list[i] == address)
			return;
	if (record.count < record.most)
		record.list[record.count++] = address;
}

static void on_trap(int number, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)number;
	(void)info;
	if (watch.memory != NULL) {
		regs[REG_EFL] &= ~TRAP_FLAG;
		if (mprotect(watch.memory, watch.len, PROT_NONE) != 0)
			abort();
	} else if (point.at != NULL) {
		regs[REG_RIP] = (greg_t)(uintptr_t)point.at;
		set_byte(point.at, point.byte);
		point.at = NULL;
		point.between(point.arg);
	} else {
		remember((uintptr_t)regs[REG_RIP]);
	}
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	uintptr_t address = (uintptr_t)info->si_addr;

	(void)number;
	if (address - (uintptr_t)watch.memory >= watch.len) {
		signal(SIGSEGV, SIG_DFL); /* not ours: again, and for good */
		return;
	}
	if (mprotect(watch.memory, watch.len, PROT_READ | PROT_WRITE) != 0)
		abort();
	if ((regs[REG_ERR] & WRITE) == 0) {
		watch.loads++;
		watch.load(watch.arg, address);
	}
	regs[REG_EFL] |= TRAP_FLAG;
}

void trap_init(void)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO };

	action.sa_sigaction = on_trap;
	sigaction(SIGTRAP, &action, NULL);
	action.sa_sigaction = on_fault;
	sigaction(SIGSEGV, &action, NULL);
}

size_t trap_record(void (*call)(void *arg), void *arg, uintptr_t *list,
		   size_t most)
{
	record.list = list;
	record.count = 0;
	record.most = most;
	set_flags(true);
	call(arg);
	set_flags(false);
	return record.count;
}

bool trap_at(uintptr_t address, void (*call)(void *arg),
	     void (*between)(void *arg), void *arg)
{
	unsigned char *at = (unsigned char *)address;
	bool reached;

	point.between = between;
	point.arg = arg;
	point.byte = *at;
	point.at = at;
	set_byte(at, INT3);
	call(arg);
	reached = point.at == NULL;
	if (!reached) {
		point.at = NULL;
		set_byte(at, point.byte);
	}
	return reached;
}

uint64_t trap_loads(void *memory, size_t len, void (*call)(void *arg),
		    void (*load)(void *arg, uintptr_t address), void *arg)
{
	watch.memory = memory;
	watch.len = len;
	watch.loads = 0;
	watch.load = load;
	watch.arg = arg;
	if (mprotect(memory, len, PROT_NONE) != 0)
		abort();
	call(arg);
	if (mprotect(memory, len, PROT_READ | PROT_WRITE) != 0)
		abort();
	watch.memory = NULL;
	return watch.loads;
}
