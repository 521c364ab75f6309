/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * criterion.h - the names of Criterion that the unit tests use, for CPUs and
 * machines that it is not there for (Debian has it for none but the host's).
 *
 * The test files are the same; this folder comes first in the include path. A
 * test is a static function, listed in a section, from which the linker makes
 * an array: all files of a program may be linked together.
 *
 * As with Criterion, a message is a format in quotes, and may be left out; what
 * cr_assert*() finds wrong ends the test, what cr_expect*() finds does not.
 */
#ifndef TESTS_MINI_CRITERION_H
#define TESTS_MINI_CRITERION_H

#include <string.h>

#include "../mini.h"

#define Test(suite, name)                                           \
	static void suite##_##name(void);                           \
	static const struct mini_test suite##_##name##_test = {     \
		#suite, #name, suite##_##name                       \
	};                                                          \
	static const struct mini_test *const suite##_##name##_entry \
		__attribute__((used, section("mini_tests"))) =      \
			&suite##_##name##_test;                     \
	static void suite##_##name(void)

#define MINI_JUDGE(good, wrong, text, ...) \
	((good) ? (void)0 : wrong(__FILE__, __LINE__, text, " " __VA_ARGS__))
#define MINI_ASSERT(good, text, ...) \
	MINI_JUDGE(good, mini_stop, text, __VA_ARGS__)
#define MINI_EXPECT(good, text, ...) \
	MINI_JUDGE(good, mini_note, text, __VA_ARGS__)

#define cr_log_info(...) ((void)0)
#define cr_assert_fail(...) \
	mini_stop(__FILE__, __LINE__, "fail", " " __VA_ARGS__)

#define cr_assert(x, ...) MINI_ASSERT(x, #x, __VA_ARGS__)
#define cr_assert_not(x, ...) MINI_ASSERT(!(x), "not " #x, __VA_ARGS__)
#define cr_assert_null(x, ...) MINI_ASSERT((x) == NULL, #x " NULL", __VA_ARGS__)
#define cr_assert_not_null(x, ...) \
	MINI_ASSERT((x) != NULL, #x " not NULL", __VA_ARGS__)
#define cr_assert_eq(x, y, ...) \
	MINI_ASSERT((x) == (y), #x " == " #y, __VA_ARGS__)
#define cr_assert_neq(x, y, ...) \
	MINI_ASSERT((x) != (y), #x " != " #y, __VA_ARGS__)
#define cr_assert_lt(x, y, ...) MINI_ASSERT((x) < (y), #x " < " #y, __VA_ARGS__)
#define cr_assert_leq(x, y, ...) \
	MINI_ASSERT((x) <= (y), #x " <= " #y, __VA_ARGS__)
#define cr_assert_gt(x, y, ...) MINI_ASSERT((x) > (y), #x " > " #y, __VA_ARGS__)
#define cr_assert_geq(x, y, ...) \
	MINI_ASSERT((x) >= (y), #x " >= " #y, __VA_ARGS__)
#define cr_assert_str_eq(x, y, ...) \
	MINI_ASSERT(strcmp(x, y) == 0, #x " == " #y, __VA_ARGS__)
#define cr_assert_arr_eq(x, y, bytes, ...) \
	MINI_ASSERT(memcmp(x, y, bytes) == 0, #x " == " #y, __VA_ARGS__)

#define cr_expect(x, ...) MINI_EXPECT(x, #x, __VA_ARGS__)
#define cr_expect_not(x, ...) MINI_EXPECT(!(x), "not " #x, __VA_ARGS__)
#define cr_expect_null(x, ...) MINI_EXPECT((x) == NULL, #x " NULL", __VA_ARGS__)
#define cr_expect_not_null(x, ...) \
	MINI_EXPECT((x) != NULL, #x " not NULL", __VA_ARGS__)
#define cr_expect_eq(x, y, ...) \
	MINI_EXPECT((x) == (y), #x " == " #y, __VA_ARGS__)
#define cr_expect_neq(x, y, ...) \
	MINI_EXPECT((x) != (y), #x " != " #y, __VA_ARGS__)
#define cr_expect_lt(x, y, ...) MINI_EXPECT((x) < (y), #x " < " #y, __VA_ARGS__)
#define cr_expect_leq(x, y, ...) \
	MINI_EXPECT((x) <= (y), #x " <= " #y, __VA_ARGS__)
#define cr_expect_gt(x, y, ...) MINI_EXPECT((x) > (y), #x " > " #y, __VA_ARGS__)
#define cr_expect_geq(x, y, ...) \
	MINI_EXPECT((x) >= (y), #x " >= " #y, __VA_ARGS__)
#define cr_expect_str_eq(x, y, ...) \
	MINI_EXPECT(strcmp(x, y) == 0, #x " == " #y, __VA_ARGS__)
#define cr_expect_str_neq(x, y, ...) \
	MINI_EXPECT(strcmp(x, y) != 0, #x " != " #y, __VA_ARGS__)
#define cr_expect_arr_eq(x, y, bytes, ...) \
	MINI_EXPECT(memcmp(x, y, bytes) == 0, #x " == " #y, __VA_ARGS__)

#endif
