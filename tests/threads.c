/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * threads.c - the part of support.h that needs threads: not on bare metal.
 */
#include "support.h"

#include <pthread.h>
#include <stdio.h>

struct start {
	pthread_barrier_t *barrier;
	void *(*body)(void *);
	void *arg;
};

static void *begin(void *arg)
{
	const struct start *start = arg;

	/* Or the first would be done before the last is there. */
	pthread_barrier_wait(start->barrier);
	return start->body(start->arg);
}

void bench_threads(uint32_t count, void *(*body)(void *), void *args,
		   size_t size)
{
	pthread_barrier_t barrier;
	struct start start[16];
	pthread_t thread[16];

	bench_check(count <= 16);
	printf("# threads: %u\n", count); /* for tools/cross.py */
	bench_check(pthread_barrier_init(&barrier, NULL, count) == 0);
	for (uint32_t i = 0; i < count; i++) {
		start[i] = (struct start) { &barrier, body,
					    (char *)args + i * size };
		bench_check(pthread_create(&thread[i], NULL, begin,
					   &start[i]) == 0);
	}
	for (uint32_t i = 0; i < count; i++)
		bench_check(pthread_join(thread[i], NULL) == 0);
	pthread_barrier_destroy(&barrier);
}
