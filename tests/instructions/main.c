/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * main.c - the ways of a mapping, one at a time and as often as asked, for
 * valgrind to count their instructions: tools/instructions.py.
 *
 *	instructions PATH COUNT
 *
 * It is linked with the archive that is shipped. The bytes of buffers and slots
 * are not moved, so that neither the length nor the CPU's best copy is counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bounce/bounce.h>

#define POOL_BYTES (16u * BOUNCE_CHUNK_BYTES)
#define BUFFER_BYTES (2u << 20)

/* With room to align it: valgrind's loader does not keep so much. */
static unsigned char room[POOL_BYTES + BOUNCE_CHUNK_BYTES];
static unsigned char tables[1 << 18]
	__attribute__((aligned(BOUNCE_META_ALIGN)));
static unsigned char buffer[BUFFER_BYTES] __attribute__((aligned(4096)));

static bool is_data(const unsigned char *at)
{
	return (uintptr_t)at - (uintptr_t)room < sizeof(room) ||
	       (uintptr_t)at - (uintptr_t)buffer < sizeof(buffer);
}

void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
	volatile unsigned char *t = to;
	const unsigned char *f = from;

	if (!is_data(to))
		while (len-- != 0)
			*t++ = *f++;
	return to;
}

/* Slots are zero as they come. */
void *memset(void *to, int byte, size_t len)
{
	volatile unsigned char *t = to;

	if (!is_data(to))
		while (len-- != 0)
			*t++ = (unsigned char)byte;
	return to;
}

static void must(enum bounce_err err)
{
	if (err != BOUNCE_OK) {
		fprintf(stderr, "instructions: error %d\n", (int)err);
		exit(EXIT_FAILURE);
	}
}

/* One instance; @match is the device's min_align_mask. */
static struct bounce_queue *begin(uint64_t match)
{
	unsigned char *pages = room + BOUNCE_CHUNK_BYTES -
			       (uintptr_t)room % BOUNCE_CHUNK_BYTES;
	const struct bounce_config config = {
		.slabs = 1,
		.slab_chunks = POOL_BYTES / BOUNCE_CHUNK_BYTES,
		.blocks = 8,
		.direct = 64,
	};
	const struct bounce_env env = {
		.linear = { { { (uintptr_t)pages }, pages, POOL_BYTES } },
	};
	const struct bounce_monitor monitor = { .arch = &bounce_arch_none };
	const struct bounce_pool_info size = { .slabs = 1 };
	const struct bounce_window all = { .len = 0 };
	struct bounce_device_info info = {
		.features = BOUNCE_VIRTIO_F_VERSION_1 |
			    BOUNCE_VIRTIO_F_ACCESS_PLATFORM,
		.min_align_mask = match,
		.flags = BOUNCE_DEVICE_FORCE,
	};
	struct bounce_device *device;
	struct bounce_pool *pool;
	struct bounce *bounce;

	must(bounce_init(tables, sizeof(tables), &config, &env, &monitor,
			 &bounce));
	must(bounce_pool_init(bounce, &size, &pool));
	must(bounce_pool_grow(pool, env.linear[0].gpa, POOL_BYTES));
	must(bounce_space_init(bounce, pool, &info.space));
	must(bounce_space_add_window(info.space, &all));
	must(bounce_device_attach(bounce, &info, &device, NULL));
	return bounce_device_queue(device, 0);
}

/* ---- the ways ---- */

struct way {
	const char *name;
	uint32_t len;
	uint32_t how; /* enum bounce_how */
	bool written; /* all of it comes back */
	bool born; /* inside memory of bounce_alloc() */
	uint64_t match; /* min_align_mask */
};

static const struct way ways[] = {
	{ .name = "to-64", .len = 64, .how = BOUNCE_TO_DEVICE },
	{ .name = "to-1500", .len = 1500, .how = BOUNCE_TO_DEVICE },
	{ .name = "to-4096", .len = 4096, .how = BOUNCE_TO_DEVICE },
	{ .name = "to-65536", .len = 65536, .how = BOUNCE_TO_DEVICE },
	{ .name = "to-524288", .len = 524288, .how = BOUNCE_TO_DEVICE },
	{ .name = "from-64",
	  .len = 64,
	  .how = BOUNCE_FROM_DEVICE,
	  .written = true },
	{ .name = "from-4096",
	  .len = 4096,
	  .how = BOUNCE_FROM_DEVICE,
	  .written = true },
	{ .name = "nothing-4096", .len = 4096, .how = BOUNCE_FROM_DEVICE },
	{ .name = "both-64",
	  .len = 64,
	  .how = BOUNCE_BIDIRECTIONAL,
	  .written = true },
	{ .name = "nvme-4096",
	  .len = 4096,
	  .how = BOUNCE_TO_DEVICE,
	  .match = 4095 },
	{ .name = "born-4096",
	  .len = 4096,
	  .how = BOUNCE_BIDIRECTIONAL,
	  .born = true },
};

static void run(const struct way *way, unsigned long count)
{
	struct bounce_queue *queue = begin(way->match);
	struct bounce_buf buf = { { (uintptr_t)buffer }, buffer, way->len };
	struct bounce_mapping mapping;
	struct bounce_mapping born;
	struct bounce_buf memory;

	/* It also binds the device, which unbound.c does not. */
	must(bounce_alloc(queue, way->len, 0, 0, &memory, &born));
	if (way->born)
		buf = memory;
	while (count-- != 0) {
		must(bounce_map(queue, &buf, way->how, &mapping));
		must(bounce_unmap(queue, &mapping,
				  way->written ? way->len : 0));
	}
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 3 && i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(argv[1], ways[i].name) == 0) {
			run(&ways[i], strtoul(argv[2], NULL, 10));
			return EXIT_SUCCESS;
		}
	fprintf(stderr, "instructions: PATH COUNT, not so\n");
	return EXIT_FAILURE;
}
