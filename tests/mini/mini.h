/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * mini.h - a small stand-in for Criterion, and who does what in it.
 *
 *   criterion/criterion.h  what tests see
 *   runner.c               which tests there are, and what is said of them: TAP
 *   process.c  metal.c     one test apart from all others: a process of its own
 *                          under Linux, or a bare machine put back as it was
 *   aarch64.S              what that CPU must be told before it runs tests
 */
#ifndef TESTS_MINI_H
#define TESTS_MINI_H

#include <stdbool.h>
#include <stddef.h>

struct mini_test {
	const char *suite;
	const char *name; /* the sentence that it proves */
	void (*body)(void);
};

/* Something is wrong: @text is not so. The message is printf's, and may be
 * empty. The test goes on, or ends with it. */
#define MINI_PRINTF __attribute__((format(printf, 4, 5)))
void mini_note(const char *file, int line, const char *text, const char *format,
	       ...) MINI_PRINTF;
_Noreturn void mini_stop(const char *file, int line, const char *text,
			 const char *format, ...) MINI_PRINTF;

/* Run the test here and now; false when anything was wrong (runner.c). */
bool mini_run(const struct mini_test *test);

/* By process.c and by metal.c: the C library's name and version; run a test by
 * mini_run() so that it leaves nothing behind; and the way out of it. */
extern const char mini_libc[];
bool mini_apart(const struct mini_test *test);
_Noreturn void mini_leave(void);

#endif
