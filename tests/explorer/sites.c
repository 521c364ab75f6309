/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * sites.c - the accesses of the library that the explorer was linked with, and
 * their orders.
 */
#include <stdio.h>
#include <string.h>

#include "explorer.h"

/* The linker's names for the section that atomics.h fills. */
extern struct explorer_site __start_explorer_sites[];
extern struct explorer_site __stop_explorer_sites[];

#define ALTERED 64u

/* What explorer_weaken() has changed: a site in a header is there once for each
 * file that includes it. */
static struct {
	struct explorer_site *site;
	int order;
	int failure;
} altered[ALTERED];
static unsigned altered_count;

const char *explorer_access_name(enum explorer_access access)
{
	static const char *const names[] = {
		"load", "store",    "and",  "or",
		"add",	"exchange", "swap", "fence",
	};

	return names[access];
}

const char *explorer_order_name(int order)
{
	static const char *const names[] = {
		"relaxed", "consume", "acquire",
		"release", "acq_rel", "seq_cst",
	};

	return names[order];
}

int explorer_weaker(enum explorer_access access, int order)
{
	if (order == memory_order_seq_cst && access == EXPLORER_LOAD)
		return memory_order_acquire;
	if (order == memory_order_seq_cst && access == EXPLORER_STORE)
		return memory_order_release;
	if (order == memory_order_seq_cst)
		return memory_order_acq_rel;
	return order == memory_order_relaxed ? -1 : memory_order_relaxed;
}

static bool is_meant(const struct explorer_site *site,
		     const struct control *control)
{
	return site->access == control->access &&
	       (site->order != memory_order_relaxed ||
		site->failure != memory_order_relaxed) &&
	       strcmp(site->function, control->function) == 0;
}

/* The line of the @nth of those that are meant, or 0. */
static int line_of(const struct control *control)
{
	int line = 0;

	for (unsigned n = 0; n <= control->nth; n++) {
		int next = 0;

		for (struct explorer_site *s = __start_explorer_sites;
		     s < __stop_explorer_sites; s++)
			if (is_meant(s, control) && s->line > line &&
			    (next == 0 || s->line < next))
				next = s->line;
		if (next == 0)
			return 0;
		line = next;
	}
	return line;
}

static void weaken(struct explorer_site *site, int order)
{
	altered[altered_count].site = site;
	altered[altered_count].order = site->order;
	altered[altered_count].failure = site->failure;
	altered_count++;
	if (order != EXPLORER_FAILURE)
		site->order = order;
	if (order == memory_order_relaxed || order == EXPLORER_FAILURE)
		site->failure = memory_order_relaxed;
}

void explorer_tell_touched(void)
{
	for (struct explorer_site *s = __start_explorer_sites;
	     s < __stop_explorer_sites; s++)
		if (s->touched && (s->order != memory_order_relaxed ||
				   s->failure != memory_order_relaxed))
			printf("touched %s %s:%d\n",
			       explorer_access_name(s->access), s->file,
			       s->line);
}

void explorer_touch_none(void)
{
	for (struct explorer_site *s = __start_explorer_sites;
	     s < __stop_explorer_sites; s++)
		s->touched = false;
}

unsigned explorer_weaken(const struct control *control)
{
	int line = line_of(control);

	explorer_restore();
	for (struct explorer_site *s = __start_explorer_sites;
	     line != 0 && s < __stop_explorer_sites; s++)
		if (altered_count < ALTERED && s->line == line &&
		    is_meant(s, control))
			weaken(s, control->order);
	return altered_count;
}

void explorer_restore(void)
{
	while (altered_count > 0) {
		altered_count--;
		altered[altered_count].site->order =
			altered[altered_count].order;
		altered[altered_count].site->failure =
			altered[altered_count].failure;
	}
}
