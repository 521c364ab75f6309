/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * main.c - search scenarios, and prove that each order which they are said to
 * need is needed. Prints TAP.
 *
 *   explorer litmus          the explorer's own test
 *   explorer GROUP           all scenarios of a group, with their controls
 *   explorer GROUP NAME      those whose name has NAME in it
 *   explorer --long GROUP    without controls, and one switch and one stale
 *                            access more than the scenario allows (a large
 *                            one: first the one, then the other)
 *
 * For tools/weaken.py, each order in turn:
 *
 *   explorer --touched       which scenario makes which ordered access
 *   explorer --weaker FUNCTION ACCESS NTH ORDER GROUP NAME
 *                            the scenario NAME, with one order made weaker;
 *                            it is to fail
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "groups.h"

static const struct {
	const char *name;
	const struct scenario *scenarios;
} groups[] = {
	{ "slots", slots_scenarios },	    { "slabs", slabs_scenarios },
	{ "granules", granules_scenarios }, { "frozen", frozen_scenarios },
	{ "devices", devices_scenarios },   { "records", records_scenarios },
	{ "doors", doors_scenarios },
};

/* A scenario that the library has outgrown must not hold up everybody. */
#define STATES 4000000u

static unsigned rows;
static unsigned bad;
static bool longer;

void report(bool good, const char *format, ...)
{
	va_list list;

	rows++;
	bad += !good;
	printf("%s %u - ", good ? "ok" : "not ok", rows);
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	putchar('\n');
	fflush(stdout);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void search_control(const struct scenario *scenario,
			   const struct control *control)
{
	unsigned sites = explorer_weaken(control);
	struct explored result = { 0 };

	if (sites != 0)
		result = explore(scenario);
	explorer_restore();
	report(result.wrong != NULL, "  %s in %s() %s: %s, %llu runs",
	       explorer_access_name(control->access), control->function,
	       control->order == EXPLORER_FAILURE ?
		       "on failure relaxed" :
		       explorer_order_name(control->order),
	       sites == 0	    ? "there is no such access" :
	       result.wrong != NULL ? result.wrong :
				      "nothing was found",
	       (unsigned long long)result.runs);
}

static struct scenario bounded(const struct scenario *scenario, bool switches,
			       bool stale)
{
	struct scenario s = *scenario;

	s.switches += switches && s.switches != 0;
	s.stale += stale && s.stale != 0;
	s.states = longer ? 0 : STATES;
	return s;
}

static void search_bounded(const struct scenario *as_written, bool switches,
			   bool stale)
{
	const struct scenario s = bounded(as_written, switches, stale);
	const struct scenario *scenario = &s;
	double start = seconds();
	struct explored result = explore(scenario);

	report(result.wrong == NULL,
	       "%s: %s%llu runs, %llu states, %u shared atomics, %u steps, "
	       "%.1f s",
	       scenario->name, result.wrong == NULL ? "" : result.wrong,
	       (unsigned long long)result.runs,
	       (unsigned long long)result.states, result.places, result.steps,
	       seconds() - start);
}

static void search(const struct scenario *scenario)
{
	search_bounded(scenario, longer, longer && !scenario->large);
	if (longer && scenario->large)
		search_bounded(scenario, false, true);
	for (const struct control *c = scenario->controls;
	     !longer && c != NULL && c->function != NULL; c++)
		search_control(scenario, c);
}

/* ---- for tools/weaken.py ---- */

static void tell_touched(const char *group, const struct scenario *scenario)
{
	const struct scenario s = bounded(scenario, longer, longer);
	double start = seconds();

	explorer_touch_none();
	(void)explore(&s);
	printf("scenario %s %.2f %s\n", group, seconds() - start, s.name);
	explorer_tell_touched();
	fflush(stdout);
}

static void touched(void)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		for (const struct scenario *s = groups[i].scenarios;
		     s->name != NULL; s++)
			tell_touched(groups[i].name, s);
}

/* An access or an order by its name; -1: "failure". */
static int named(const char *name, const char *(*nth)(int), int count)
{
	int n = 0;

	while (n < count && strcmp(nth(n), name) != 0)
		n++;
	return n < count ? n : -1;
}

static const char *access_name(int access)
{
	return explorer_access_name((enum explorer_access)access);
}

static const struct scenario *find(const char *group, const char *name)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		for (const struct scenario *s = groups[i].scenarios;
		     strcmp(groups[i].name, group) == 0 && s->name != NULL; s++)
			if (strcmp(s->name, name) == 0)
				return s;
	return NULL;
}

static void weaker(char **word)
{
	const struct scenario *scenario = find(word[4], word[5]);
	const struct control control = {
		.function = word[0],
		.access = (enum explorer_access)named(word[1], access_name, 8),
		.nth = (unsigned)strtoul(word[2], NULL, 10),
		.order = named(word[3], explorer_order_name, 6),
	};

	if (scenario == NULL) {
		report(false, "there is no scenario %s of %s", word[5],
		       word[4]);
		return;
	}
	search_control(scenario, &control);
}

static int usage(void)
{
	fputs("explorer: say litmus, or one of:", stderr);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		fprintf(stderr, " %s", groups[i].name);
	fputs("\n", stderr);
	return 2;
}

static bool run_group(const char *group, const char *name)
{
	bool found = false;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		for (const struct scenario *s = groups[i].scenarios;
		     strcmp(groups[i].name, group) == 0 && s->name != NULL; s++)
			if (strstr(s->name, name) != NULL) {
				search(s);
				found = true;
			}
	return found;
}

int main(int argc, char **argv)
{
	longer = argc > 1 && strcmp(argv[1], "--long") == 0;
	argc -= longer;
	argv += longer;
	if (argc < 2)
		return usage();
	if (strcmp(argv[1], "litmus") == 0)
		litmus();
	else if (strcmp(argv[1], "--touched") == 0)
		touched();
	else if (argc == 8 && strcmp(argv[1], "--weaker") == 0)
		weaker(&argv[2]);
	else if (!run_group(argv[1], argc > 2 ? argv[2] : ""))
		return usage();
	printf("1..%u\n", rows);
	return bad == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
