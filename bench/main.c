/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * main.c - the benchmark's program: one kind of measurement, one setup.
 *
 *	bounce-bench fixed peers=bounce,debian sizes=64,4096 hows=to depths=1
 *
 * Every line that it prints is a result, "name=value" throughout. run.py has
 * the list of calls, and makes tables of what comes back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "clock.h"
#include "plan.h"

#define MIB (UINT64_C(1) << 20)
#define PAGE 4096u

static const struct peer *const all_peers[] = {
	&peer_bounce,  &peer_claim, &peer_debian, &peer_plain, &peer_repaired,
	&peer_atomics, &peer_copy,  &peer_floor,  &peer_empty,
};

static const struct {
	const char *name;
	void (*run)(const struct plan *plan);
} kinds[] = {
	{ "fixed", run_fixed }, /* one size, some outstanding */
	{ "cold", run_cold }, /* each call alone, slots out of the caches */
	{ "cross", run_cross }, /* mapped on one CPU, unmapped on another */
	{ "mixed", run_mixed }, /* many sizes, the pool nearly full */
	{ "full", run_full }, /* unmaps while others find no room */
	{ "stopped", run_stopped }, /* a lane that a signal stops */
	{ "noise", run_noise }, /* the machine itself */
	{ "account", run_account }, /* bytes and calls, no time */
	{ "count", run_count }, /* for valgrind: so many, no time */
};

static const char *const how_names[HOWS] = {
	"nothing", "to", "from", "both", "born",
};

static const char *const layout_names[LAYOUTS] = {
	"own", "shared", "queues", "one", "queue",
};

const char *how_name(enum how how)
{
	return how_names[how];
}

const char *layout_name(enum layout layout)
{
	return layout_names[layout];
}

static _Noreturn void usage(const char *what, const char *word)
{
	fprintf(stderr, "bounce-bench: %s '%s'\n", what, word);
	exit(2);
}

void print_key(const struct plan *plan, const char *what,
	       const struct peer *peer)
{
	printf("kind=%s peer=%s layout=%s lanes=%u pool=%llu align=%llu ", what,
	       peer->name, layout_name(plan->setup.layout), plan->setup.lanes,
	       (unsigned long long)(plan->setup.pool_bytes / MIB),
	       (unsigned long long)plan->setup.align);
}

struct request *make_requests(const struct plan *plan, const struct peer *peer,
			      uint32_t lane, const struct request *like,
			      uint32_t count)
{
	uint64_t step = ((uint64_t)like->len + PAGE - 1) / PAGE * PAGE +
			(plan->setup.align != 0 ? PAGE : 0);
	struct request *request = calloc(count, sizeof(*request));
	unsigned char *arena = mmap(NULL, count * step, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				    -1, 0);
	uint64_t random = lane + 1;

	if (request == NULL || arena == MAP_FAILED)
		usage("no memory for", "buffers");
	madvise(arena, count * step, MADV_HUGEPAGE);
	if (like->how != HOW_NOTHING)
		memset(arena, 0x5a, count * step);
	for (uint32_t i = 0; i < count; i++) {
		request[i] = *like;
		request[i].buffer = arena + i * step;
		if (like->how == HOW_BORN && peer->born != NULL)
			request[i].buffer = peer->born(lane, like->len);
		else if (plan->setup.align != 0)
			request[i].buffer += next_random(&random) &
					     plan->setup.align & (PAGE - 64);
	}
	return request;
}

/* ---- the command line ---- */

static uint32_t find(const char *word, const char *const *names, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(word, names[i]) == 0)
			return i;
	usage("no such word:", word);
}

static uint32_t number(const char *word)
{
	char *end;
	unsigned long value = strtoul(word, &end, 10);

	if (*word == 0 || *end != 0 || value > UINT32_MAX)
		usage("not a number:", word);
	return (uint32_t)value;
}

static void add_peer(struct plan *plan, const char *name)
{
	for (size_t i = 0; i < sizeof(all_peers) / sizeof(all_peers[0]); i++)
		if (strcmp(name, all_peers[i]->name) == 0 &&
		    plan->peers < PEERS) {
			plan->peer[plan->peers++] = all_peers[i];
			return;
		}
	usage("no such peer, or too many:", name);
}

/* One word of a list that may have many. */
static bool add_value(struct plan *plan, const char *key, const char *word)
{
	if (strcmp(key, "peers") == 0)
		add_peer(plan, word);
	else if (strcmp(key, "sizes") == 0)
		plan->size[plan->sizes++ % VALUES] = number(word);
	else if (strcmp(key, "depths") == 0)
		plan->depth[plan->depths++ % VALUES] = number(word);
	else if (strcmp(key, "hows") == 0)
		plan->how[plan->hows++ % VALUES] =
			(enum how)find(word, how_names, HOWS);
	else if (strcmp(key, "percents") == 0)
		plan->percent[plan->percents++ % VALUES] = number(word);
	else if (strcmp(key, "mixes") == 0)
		plan->mix[plan->mixes++ % VALUES] = word;
	else
		return false;
	return true;
}

static void set_value(struct plan *plan, const char *key, const char *word)
{
	if (strcmp(key, "layout") == 0)
		plan->setup.layout = (enum layout)find(word, layout_names,
						       LAYOUTS);
	else if (strcmp(key, "lanes") == 0)
		plan->setup.lanes = number(word);
	else if (strcmp(key, "pool") == 0)
		plan->setup.pool_bytes = number(word) * MIB;
	else if (strcmp(key, "align") == 0)
		plan->setup.align = number(word);
	else if (strcmp(key, "monitored") == 0)
		plan->setup.monitored = number(word) != 0;
	else if (strcmp(key, "rounds") == 0)
		plan->rounds = number(word);
	else if (strcmp(key, "ms") == 0)
		plan->ms = number(word);
	else if (strcmp(key, "count") == 0)
		plan->count = number(word);
	else
		usage("no such key:", key);
}

static void parse(struct plan *plan, char *argument)
{
	char *words = strchr(argument, '=');
	char *rest;

	if (words == NULL)
		usage("not key=value:", argument);
	*words++ = 0;
	for (char *word = strtok_r(words, ",", &rest); word != NULL;
	     word = strtok_r(NULL, ",", &rest))
		if (!add_value(plan, argument, word))
			set_value(plan, argument, word);
}

static void check(const struct plan *plan)
{
	if (plan->sizes > VALUES || plan->depths > VALUES ||
	    plan->hows > VALUES || plan->percents > VALUES ||
	    plan->mixes > VALUES)
		usage("too many values:", "16 at most");
	if (plan->setup.lanes == 0 || plan->setup.lanes > LANES)
		usage("lanes:", "1 .. 8");
	if (plan->rounds == 0 || plan->setup.pool_bytes == 0)
		usage("rounds, pool:", "1 or more");
}

static void start_peers(const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->peers; i++)
		if (!plan->peer[i]->start(&plan->setup))
			usage("this setup is refused by", plan->peer[i]->name);
}

int main(int argc, char **argv)
{
	struct plan plan = {
		.setup = { .pool_bytes = 64 * MIB, .lanes = 1 },
		.rounds = 5,
		.ms = 4,
	};

	if (argc < 2)
		usage("no kind of measurement;", "see bench/main.c");
	for (int i = 2; i < argc; i++)
		parse(&plan, argv[i]);
	check(&plan);
	/* Its loop runs for a time: not where instructions are counted. */
	if (strcmp(argv[1], "count") != 0)
		clock_init();
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(argv[1], kinds[i].name) == 0) {
			start_peers(&plan);
			kinds[i].run(&plan);
			return 0;
		}
	usage("no such measurement:", argv[1]);
}
