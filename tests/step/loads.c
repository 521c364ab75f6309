/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * loads.c - the calls of the I/O path, one after another, for tools/lackey.py,
 * which reads of this program's symbols where shared memory is (`shared_pages`,
 * `shared_ring`) and looks at who touches it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bounce/bounce.h>

enum {
	ENTRIES = 8,
	ROUNDS = 8,
	LONG = 6000
};

/* Found by their names: not static. */
extern unsigned char shared_pages[BOUNCE_CHUNK_BYTES];
extern unsigned char shared_ring[4096];
unsigned char shared_pages[BOUNCE_CHUNK_BYTES]
	__attribute__((aligned(BOUNCE_CHUNK_BYTES)));
unsigned char shared_ring[4096] __attribute__((aligned(4096)));

static unsigned char tables[1 << 17]
	__attribute__((aligned(BOUNCE_META_ALIGN)));
static unsigned char private_bytes[8192] __attribute__((aligned(4096)));
static unsigned char ring_check[4096] __attribute__((aligned(256)));

static void must(enum bounce_err err)
{
	if (err != BOUNCE_OK)
		exit(EXIT_FAILURE);
}

static struct bounce_queue *begin(void)
{
	const struct bounce_env env = {
		.linear = { { { (uintptr_t)shared_pages },
			      shared_pages,
			      sizeof(shared_pages) } },
	};
	const struct bounce_config config = {
		.slabs = 1, .slab_chunks = 1, .blocks = 4, .direct = 4
	};
	const struct bounce_monitor monitor = { .arch = &bounce_arch_none };
	const struct bounce_pool_info size = { .slabs = 1 };
	const struct bounce_window all = { .flags = BOUNCE_WINDOW_BYPASS };
	struct bounce_device_info info = {
		.features = BOUNCE_VIRTIO_F_VERSION_1,
		.flags = BOUNCE_DEVICE_FORCE,
	};
	struct bounce_device *device;
	struct bounce_pool *pool;
	struct bounce *bounce;

	must(bounce_init(tables, sizeof(tables), &config, &env, &monitor,
			 &bounce));
	must(bounce_pool_init(bounce, &size, &pool));
	must(bounce_pool_grow(pool, env.linear[0].gpa, sizeof(shared_pages)));
	must(bounce_space_init(bounce, pool, &info.space));
	must(bounce_space_add_window(info.space, &all));
	must(bounce_device_attach(bounce, &info, &device, NULL));
	return bounce_device_queue(device, 0);
}

static void use_mapping(struct bounce_queue *queue, uint32_t how, uint64_t len)
{
	const struct bounce_buf buf = { { (uintptr_t)private_bytes },
					private_bytes,
					len };
	struct bounce_mapping mapping;

	must(bounce_map(queue, &buf, how, &mapping));
	if ((how & BOUNCE_TO_DEVICE) != 0)
		must(bounce_sync_for_device(queue, &mapping, 0, len));
	if ((how & BOUNCE_FROM_DEVICE) != 0)
		must(bounce_sync_for_cpu(queue, &mapping, 0, len));
	must(bounce_unmap(queue, &mapping,
			  (how & BOUNCE_FROM_DEVICE) != 0 ? len : 0));
}

static void use_ring(void)
{
	struct bounce_completion done;
	struct bounce_used *used;

	must(bounce_used_init(ring_check, sizeof(ring_check), ENTRIES,
			      shared_ring, &used));
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned char *entry = &shared_ring[4 + 8 * (i % ENTRIES)];

		must(bounce_used_post(used, i % ENTRIES, 100, i));
		/* The device; the index moves last. */
		memset(entry, 0, 8);
		entry[0] = (unsigned char)(i % ENTRIES);
		entry[4] = 100;
		shared_ring[2] = (unsigned char)(i + 1);
		must(bounce_virtio_used(used, &done));
	}
}

int main(void)
{
	struct bounce_queue *queue = begin();

	for (uint32_t how = 1; how <= 3; how++) {
		use_mapping(queue, how, 100);
		use_mapping(queue, how, LONG);
	}
	use_ring();
	return EXIT_SUCCESS;
}
