/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * main.c - libbounce against devices that are other processes.
 *
 *   vhost image FROM TO          copy a disk image through two daemons
 *   vhost lies TWIN              meet each lie of the twin
 *   vhost kills DISK COUNT SEED  kill the daemon COUNT times while it works
 *
 * It prints the lines that examples/guest/report.h describes; tools/vhost.py
 * runs it, and checks on the disks what it says of them.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES 2u
#define META_BYTES (1u << 20)

static unsigned char meta[META_BYTES]
	__attribute__((aligned(BOUNCE_META_ALIGN)));

static void must(enum bounce_err err, const char *text)
{
	if (err != BOUNCE_OK)
		guest_fail(text);
}

void world_make(struct world *world)
{
	static struct bounce_arch arch;
	const struct bounce_config config = {
		.devices = DEVICES,
		.slabs = 1,
		.slab_chunks = HOST_POOL_BYTES / BOUNCE_CHUNK_BYTES,
		.blocks = 64,
	};
	const struct bounce_env env = guest_env();
	const struct bounce_monitor monitor = { .arch = &arch };
	const struct bounce_pool_info info = { .slabs = 1 };
	const bounce_gpa_t at = { guest_cpu.pool_gpa };

	host_memory();
	cpu_arch(&arch);
	must(bounce_init(meta, sizeof(meta), &config, &env, &monitor,
			 &world->bounce),
	     "bounce_init()");
	must(bounce_pool_init(world->bounce, &info, &world->pool),
	     "bounce_pool_init()");
	must(bounce_pool_grow(world->pool, at, HOST_POOL_BYTES),
	     "bounce_pool_grow()");
	must(bounce_space_init(world->bounce, world->pool, &world->space),
	     "bounce_space_init()");
	must(bounce_space_add_window(world->space, &guest_cpu.window[0]),
	     "bounce_space_add_window()");
	model_watch(world->bounce);
	world->share_calls = model_calls();
}

void world_end(struct world *world)
{
	bool good = bounce_valid(world->bounce);

	good &= bounce_space_fini(world->space) == BOUNCE_OK;
	good &= bounce_pool_fini(world->pool) == BOUNCE_OK;
	good &= model_shared_granules() == 0;
	model_watch(NULL);
	good &= bounce_fini(world->bounce) == BOUNCE_OK;
	report_control("pool", "returned", good,
		       "devices detached, the slab retired: no page is mapped "
		       "from the memfd any more");
}

enum bounce_err world_open(const struct world *world, enum guest_role role,
			   struct blk *blk)
{
	const struct driver_open open = {
		.bounce = world->bounce,
		.space = world->space,
		.role = role,
	};

	return blk_open(blk, &open);
}

uint64_t world_slots(const struct world *world)
{
	struct bounce_pool_stats stats;

	bounce_pool_stats(world->pool, &stats);
	return stats.slots - stats.slots_free;
}

void world_daemon(struct world_daemon *daemon, const char *image, bool write)
{
	const char *onoff = write ? "on" : "off";
	int used = snprintf(daemon->blockdev, WORLD_TEXT,
			    "driver=file,node-name=disk,filename=%s,"
			    "read-only=%s",
			    image, write ? "off" : "on");

	if (used < 0 || used >= WORLD_TEXT)
		guest_fail("the image's path is too long");
	(void)snprintf(daemon->export_, WORLD_TEXT,
		       "type=vhost-user-blk,id=export,node-name=disk,"
		       "addr.type=fd,addr.str=3,writable=%s",
		       onoff);
	daemon->command[0] = (char *)(uintptr_t) "qemu-storage-daemon";
	daemon->command[1] = (char *)(uintptr_t) "--blockdev";
	daemon->command[2] = daemon->blockdev;
	daemon->command[3] = (char *)(uintptr_t) "--export";
	daemon->command[4] = daemon->export_;
	daemon->command[5] = NULL;
}

static bool run(struct world *world, int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "image") == 0)
		image_run(world, argv[2], argv[3]);
	else if (argc == 3 && strcmp(argv[1], "lies") == 0)
		liars_run(world, argv[2]);
	else if (argc == 5 && strcmp(argv[1], "kills") == 0)
		kills_run(world, argv[2], (uint32_t)strtoul(argv[3], NULL, 10),
			  strtoull(argv[4], NULL, 10));
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	struct world world;

	world_make(&world);
	if (!run(&world, argc, argv)) {
		fprintf(stderr, "usage: vhost image FROM TO | lies TWIN | "
				"kills DISK COUNT SEED\n");
		return EXIT_FAILURE;
	}
	world_end(&world);
	cpu_exit(report_done());
}
