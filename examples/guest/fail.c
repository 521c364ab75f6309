/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fail.c - the last words of a guest that dies. Either CPU may say them, so
 * they go past the buffers of what prints.
 */
#include "guest.h"

static void say(const char *text)
{
	size_t len = 0;

	while (text[len] != '\0')
		len++;
	cpu_console(text, len);
}

_Noreturn void guest_fail(const char *text)
{
	say("\nfail text=\"");
	say(text);
	say("\"\n");
	cpu_exit(false);
}
