/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * account.c - what is counted and not timed: metadata, pool bytes of one
 * mapping of each size, calls to the monitor while a gigabyte is moved; and the
 * bare loop that valgrind counts instructions of.
 */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "plan.h"

#define GB UINT64_C(1000000000)

static void one(const struct peer *peer, const struct request *request)
{
	struct handle handle = { .number = 0 };

	if (!peer->map(0, request, &handle))
		exit(1);
	peer->unmap(0, request, &handle);
}

static void account_size(const struct plan *plan, const struct peer *peer,
			 uint32_t len)
{
	const struct request like = { .len = len, .how = HOW_TO };
	struct request *request = make_requests(plan, peer, 0, &like, 1);
	struct handle handle = { .number = 0 };

	if (len > peer->most || !peer->map(0, request, &handle))
		return;
	print_key(plan, "footprint", peer);
	printf("size=%u bytes=%llu\n", len,
	       (unsigned long long)peer->footprint(request, &handle));
	peer->unmap(0, request, &handle);
}

/* Move @plan->count GB, half of it each way, in 64 KiB pieces. */
static void account_calls(const struct plan *plan, const struct peer *peer)
{
	const struct request like = { .len = 64 << 10, .how = HOW_BOTH };
	struct request *request = make_requests(plan, peer, 0, &like, 1);
	uint64_t before = peer->share_calls();

	for (uint64_t moved = 0; moved < plan->count * GB;
	     moved += 2 * like.len)
		one(peer, request);
	print_key(plan, "monitor", peer);
	printf("gigabytes=%llu at_start=%llu calls=%llu\n",
	       (unsigned long long)plan->count, (unsigned long long)before,
	       (unsigned long long)(peer->share_calls() - before));
}

void run_account(const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->peers; i++) {
		const struct peer *peer = plan->peer[i];

		if (peer->metadata != NULL) {
			print_key(plan, "metadata", peer);
			printf("bytes=%llu percent=%.3f\n",
			       (unsigned long long)peer->metadata(),
			       100.0 * (double)peer->metadata() /
				       (double)plan->setup.pool_bytes);
		}
		for (uint32_t s = 0; s < plan->sizes; s++)
			account_size(plan, peer, plan->size[s]);
		if (peer->share_calls != NULL && plan->count != 0)
			account_calls(plan, peer);
	}
}

/* The first size and direction, plan->count times; and nothing printed. */
void run_count(const struct plan *plan)
{
	const struct request like = {
		.len = plan->size[0],
		.how = plan->how[0],
	};
	struct request *request = make_requests(plan, plan->peer[0], 0, &like,
						1);

	for (uint64_t i = 0; i < plan->count; i++)
		one(plan->peer[0], request);
}
