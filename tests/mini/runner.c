/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * runner.c - which tests there are, and what is said of them, as TAP.
 *
 * Arguments choose: `tests pool_claim/releasing` runs the tests of which
 * "suite/name" begins with that. Without any, all run.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mini.h"

/* The ends of the section that Test() writes to: the linker's. */
extern const struct mini_test *const __start_mini_tests[];
extern const struct mini_test *const __stop_mini_tests[];

static bool wrong; /* the test that runs */

static void say(const char *file, int line, const char *text,
		const char *format, va_list ap)
{
	wrong = true;
	printf("# %s:%d: not so: \"%s\"", file, line, text);
	vprintf(format, ap);
	printf("\n");
	fflush(stdout);
}

void mini_note(const char *file, int line, const char *text, const char *format,
	       ...)
{
	va_list ap;

	va_start(ap, format);
	say(file, line, text, format, ap);
	va_end(ap);
}

void mini_stop(const char *file, int line, const char *text, const char *format,
	       ...)
{
	va_list ap;

	va_start(ap, format);
	say(file, line, text, format, ap);
	va_end(ap);
	mini_leave();
}

bool mini_run(const struct mini_test *test)
{
	wrong = false;
	test->body();
	return !wrong;
}

static bool chosen(const struct mini_test *test, int argc, char **argv)
{
	char full[256];

	snprintf(full, sizeof(full), "%s/%s", test->suite, test->name);
	for (int i = 1; i < argc; i++)
		if (strncmp(full, argv[i], strlen(argv[i])) == 0)
			return true;
	return argc < 2;
}

int main(int argc, char **argv)
{
	const struct mini_test *const *test;
	unsigned count = 0;
	unsigned failed = 0;

	for (test = __start_mini_tests; test != __stop_mini_tests; test++)
		count += chosen(*test, argc, argv);
	printf("# libc: %s\n1..%u\n", mini_libc, count);
	count = 0;
	for (test = __start_mini_tests; test != __stop_mini_tests; test++) {
		bool good;

		if (!chosen(*test, argc, argv))
			continue;
		fflush(stdout);
		good = mini_apart(*test);
		failed += !good;
		printf("%sok %u - %s/%s\n", good ? "" : "not ", ++count,
		       (*test)->suite, (*test)->name);
	}
	fflush(stdout);
	return failed == 0 && count != 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
