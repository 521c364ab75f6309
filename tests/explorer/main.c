/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * main.c - search scenarios, and prove that each order which they are said to
 * need is needed. Prints TAP.
 *
 *   explorer litmus          the explorer's own test
 *   explorer GROUP           all scenarios of a group, with their controls
 *   explorer GROUP NAME      those whose name has NAME in it
 *   explorer --long GROUP    without controls, and one switch and one stale
 *                            access more than the scenario allows
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
	       explorer_order_name(control->order),
	       sites == 0	    ? "there is no such access" :
	       result.wrong != NULL ? result.wrong :
				      "nothing was found",
	       (unsigned long long)result.runs);
}

static struct scenario bounded(const struct scenario *scenario)
{
	struct scenario s = *scenario;

	s.switches += longer && s.switches != 0;
	s.stale += longer && s.stale != 0;
	s.states = longer ? 0 : STATES;
	return s;
}

static void search(const struct scenario *as_written)
{
	const struct scenario s = bounded(as_written);
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
	for (const struct control *c = scenario->controls;
	     !longer && c != NULL && c->function != NULL; c++)
		search_control(scenario, c);
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
	else if (!run_group(argv[1], argc > 2 ? argv[2] : ""))
		return usage();
	printf("1..%u\n", rows);
	return bad == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
