/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * poison.c - a driver that bypasses the library is caught by an ordinary test
 * run: with BOUNCE_DEVICE_FORCE, BOUNCE_POISON and AddressSanitizer, whatever
 * nobody has mapped traps (lib/poison.h).
 *
 * Each case runs in a child, which must die of it, or must not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

/* What a driver does, and whether it may. */
struct deed {
	const char *name;
	void (*run)(struct bench *bench);
	bool caught;
};

static unsigned char *map(struct bench *bench, uint64_t len,
			  struct bounce_mapping *mapping)
{
	struct bounce_buf buf = bench_buf(bench, 0, len);

	bench_check(bounce_map(bench->queue[0], &buf, BOUNCE_BIDIRECTIONAL,
			       mapping) == BOUNCE_OK);
	return bench_at_bus(bench, mapping->bus, len);
}

static void touch(unsigned char *byte)
{
	*(volatile unsigned char *)byte = 1;
}

static void uses_its_run(struct bench *bench)
{
	static const uint64_t sizes[] = {
		1, 64, 100, 2048, 4096, 9000, 300000
	};
	struct bounce_mapping mapping;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned char *run = map(bench, sizes[i], &mapping);

		memset(run, 1, sizes[i]);
		bench_check(bounce_unmap(bench->queue[0], &mapping, sizes[i]) ==
			    BOUNCE_OK);
	}
}

static void touches_after_unmap(struct bench *bench)
{
	struct bounce_mapping mapping;
	unsigned char *run = map(bench, 4096, &mapping);

	bench_check(bounce_unmap(bench->queue[0], &mapping, 0) == BOUNCE_OK);
	touch(run);
}

static void touches_granules_after_unmap(struct bench *bench)
{
	struct bounce_mapping mapping;
	unsigned char *run = map(bench, 64, &mapping);

	bench_check(bounce_unmap(bench->queue[0], &mapping, 0) == BOUNCE_OK);
	touch(run);
}

static void touches_past_its_end(struct bench *bench)
{
	struct bounce_mapping mapping;
	unsigned char *run = map(bench, 8192, &mapping);

	touch(run + 8192);
}

static void touches_the_neighbour_granule(struct bench *bench)
{
	struct bounce_mapping mapping;
	unsigned char *run = map(bench, 64, &mapping);

	touch(run + 64);
}

static void touches_a_slot_nobody_has(struct bench *bench)
{
	struct bounce_mapping mapping;
	unsigned char *run = map(bench, 4096, &mapping);

	touch(run + 100 * 4096);
}

static void touches_what_commit_gave_back(struct bench *bench)
{
	struct bounce_mapping mapping;
	struct bounce_buf buf;

	bench_check(bounce_reserve(bench->queue[0], 3 * 4096, &buf, &mapping) ==
		    BOUNCE_OK);
	memset(buf.ptr, 1, 3 * 4096);
	bench_check(bounce_commit(bench->queue[0], &mapping, 10) == BOUNCE_OK);
	touch((unsigned char *)buf.ptr + 4096);
}

/* Did a child that does the deed die? */
static bool dies(const struct deed *deed)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		struct bench_knobs knobs = bench_usual();
		static struct bench bench;

		fclose(stderr); /* the report is expected */
		knobs.chunks = 4;
		knobs.private_bytes = 1 << 20;
		knobs.info.flags |= BOUNCE_DEVICE_FORCE;
		bench_init(&bench, &knobs);
		deed->run(&bench);
		_exit(0);
	}
	bench_check(child > 0 && waitpid(child, &status, 0) == child);
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

int main(void)
{
	static const struct deed deeds[] = {
		{ "uses its run", uses_its_run, false },
		{ "after unmap", touches_after_unmap, true },
		{ "granules after unmap", touches_granules_after_unmap, true },
		{ "past its end", touches_past_its_end, true },
		{ "neighbour granule", touches_the_neighbour_granule, true },
		{ "a slot nobody has", touches_a_slot_nobody_has, true },
		{ "behind a commit", touches_what_commit_gave_back, true },
	};
	const size_t count = sizeof(deeds) / sizeof(deeds[0]);
	size_t wrong = 0;

	for (size_t i = 0; i < count; i++) {
		bool died = dies(&deeds[i]);

		if (died == deeds[i].caught)
			continue;
		printf("poison: %s: %s\n", deeds[i].name,
		       died ? "died" : "was not caught");
		wrong++;
	}
	printf("poison: %zu deeds, %zu wrong\n", count, wrong);
	return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
