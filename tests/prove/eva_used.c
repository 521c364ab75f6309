/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * eva_used.c - for Eva: no byte in a ring, whenever it changes, makes the
 * used-element check read or write outside (S2, S3, S7).
 *
 * The ring is a volatile object: each read of it gives any value at all. What
 * is posted is any choice of heads, and completions are asked for again and
 * again. 0 alarms is the proof.
 */
#include "prove.h"

#include <bounce/virtio.h>

enum {
	ENTRIES = 4,
	ROUNDS = 3
};

static volatile unsigned char split_ring[4 + 8 * ENTRIES];
static volatile unsigned char packed_ring[16 * ENTRIES];
static uint64_t memory[64];

/* Drivers index their requests by what the check hands out. */
static uint64_t request[ENTRIES];

static void use(struct bounce_used *used, bool packed)
{
	struct bounce_completion done;

	for (int i = 0; i < ROUNDS; i++) {
		uint32_t head = any_u32();

		if (packed)
			(void)bounce_used_post_packed(used, head, any_u32(),
						      any_u32(), any_u64());
		else
			(void)bounce_used_post(used, head, any_u32(),
					       any_u64());
	}
	for (int i = 0; i < ROUNDS; i++)
		if (bounce_virtio_used(used, &done) == BOUNCE_OK)
			request[done.head]++;
	(void)bounce_used_valid(used);
}

void main(void)
{
	struct bounce_used *used;

	if (bounce_used_init(memory, sizeof(memory), ENTRIES,
			     (const void *)split_ring, &used) == BOUNCE_OK) {
		if (any_u32() % 2 != 0)
			bounce_used_in_order(used);
		use(used, false);
	}
	if (bounce_used_init_packed(memory, sizeof(memory), ENTRIES,
				    (const void *)packed_ring,
				    &used) == BOUNCE_OK) {
		if (any_u32() % 2 != 0)
			bounce_used_in_order(used);
		use(used, true);
	}
}
