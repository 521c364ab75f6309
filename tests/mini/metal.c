/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * metal.c - each test on a bare machine that is as the first one found it.
 *
 * Tests may lean on being alone: they change static objects, end in the middle,
 * and leave memory allocated. So all that is written, .data to .bss, is kept
 * above the stack before the first test, and put back after each; the allocator
 * of the C library is in there, and with it goes the heap.
 *
 * An exception of the CPU is the end of the whole run (on RISC-V picolibc tells
 * of it), which is seen since TAP begins with the number of tests.
 */
#include <picolibc.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mini.h"
#include "support.h"

/* picolibc.ld's; the memory above __stack is nobody's (tools/flags.py). */
extern char __data_start[];
extern char __bss_end[];
extern char __stack[];

const char mini_libc[] = "picolibc " _PICOLIBC_VERSION;

static jmp_buf end_of_test;

void mini_leave(void)
{
	longjmp(end_of_test, 1);
}

/* In place of the C library's: it would end the other tests as well. */
void abort(void)
{
	printf("# aborted\n");
	mini_leave();
}

/* There is one CPU: one after the other. */
void bench_threads(uint32_t count, void *(*body)(void *), void *args,
		   size_t size)
{
	for (uint32_t i = 0; i < count; i++)
		(void)body((char *)args + i * size);
}

/* Called by aarch64.S with what the CPU says of its exception. */
_Noreturn void mini_exception(unsigned long why, unsigned long at,
			      unsigned long address);
_Noreturn void mini_exception(unsigned long why, unsigned long at,
			      unsigned long address)
{
	printf("# exception %#lx at %#lx, address %#lx\n", why, at, address);
	exit(EXIT_FAILURE);
}

static size_t written_bytes(void)
{
	return (size_t)(__bss_end - __data_start);
}

/* In a frame of its own: nothing that it holds changes after setjmp(). */
static bool run(const struct mini_test *test)
{
	return setjmp(end_of_test) == 0 && mini_run(test);
}

bool mini_apart(const struct mini_test *test)
{
	bool good;

	memcpy(__stack, __data_start, written_bytes());
	good = run(test);
	fflush(stdout);
	memcpy(__data_start, __stack, written_bytes());
	return good;
}
