/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * threads.c - the part of support.h that needs threads: not on bare metal.
 */
#include "support.h"

#include <pthread.h>

void bench_threads(uint32_t count, void *(*body)(void *), void *args,
		   size_t size)
{
	pthread_t thread[16];

	bench_check(count <= 16);
	for (uint32_t i = 0; i < count; i++)
		bench_check(pthread_create(&thread[i], NULL, body,
					   (char *)args + i * size) == 0);
	for (uint32_t i = 0; i < count; i++)
		bench_check(pthread_join(thread[i], NULL) == 0);
}
