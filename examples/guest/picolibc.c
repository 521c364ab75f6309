/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * picolibc.c - formatted output by picolibc, a line at a time, for guests that
 * link it. The four mem*() functions are picolibc's, too.
 *
 * One line buffer: only the first CPU prints.
 */
#include <picolibc.h>
#include <stdarg.h>
#include <stdio.h>

#include "guest.h"

const char guest_libc[] = "picolibc-" _PICOLIBC_VERSION;

static char line[160];
static size_t used;

static int put(char c, FILE *file)
{
	(void)file;
	line[used++] = c;
	if (c == '\n' || used == sizeof(line)) {
		cpu_console(line, used);
		used = 0;
	}
	return 0;
}

static FILE console = FDEV_SETUP_STREAM(put, NULL, NULL, _FDEV_SETUP_WRITE);

void guest_print(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vfprintf(&console, format, ap);
	va_end(ap);
}
