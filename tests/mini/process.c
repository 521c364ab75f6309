/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * process.c - each test in a process of its own, under Linux: whatever it does
 * to itself, the others do not see it. A crash, or a test that does not end, is
 * a test that failed.
 */
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mini.h"

#define SECONDS 600u /* for one test, on an emulated CPU that others use */

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

const char mini_libc[] = "glibc " TEXT(__GLIBC__) "." TEXT(__GLIBC_MINOR__);

void mini_leave(void)
{
	fflush(stdout);
	_exit(EXIT_FAILURE);
}

static _Noreturn void be_the_test(const struct mini_test *test)
{
	bool good;

	alarm(SECONDS);
	good = mini_run(test);
	fflush(stdout);
	_exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
}

bool mini_apart(const struct mini_test *test)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		be_the_test(test);
	if (child < 0 || waitpid(child, &status, 0) != child) {
		printf("# no process for the test\n");
		return false;
	}
	if (WIFSIGNALED(status))
		printf("# ended by a signal: %s\n",
		       strsignal(WTERMSIG(status)));
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}
