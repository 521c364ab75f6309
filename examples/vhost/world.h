/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * world.h - one instance with one pool of one slab, which is the memory table;
 * and the three things that are done with it.
 */
#ifndef WORLD_H
#define WORLD_H

#include "blk.h"
#include "host.h"
#include "report.h"

struct world {
	struct bounce *bounce;
	struct bounce_pool *pool;
	struct bounce_space *space;
	uint64_t share_calls; /* until it was made */
};

/* world_make() - share the slab. What fails ends the program. */
void world_make(struct world *world);

/* world_end() - give all back; a control of the report. */
void world_end(struct world *world);

/* world_open() - attach the device of an open channel. */
enum bounce_err world_open(const struct world *world, enum guest_role role,
			   struct blk *blk);

/* world_slots() - slots that somebody holds. */
uint64_t world_slots(const struct world *world);

/* The command of a qemu-storage-daemon with a raw image. */
#define WORLD_WORDS 8
#define WORLD_TEXT 512
struct world_daemon {
	char *command[WORLD_WORDS];
	char blockdev[WORLD_TEXT];
	char export_[WORLD_TEXT];
};
void world_daemon(struct world_daemon *daemon, const char *image, bool write);

/* Read one image, write it to another. */
void image_run(struct world *world, const char *from, const char *to);

/* Each lie of the twin, a program. */
void liars_run(struct world *world, const char *twin);

/* Kill the daemon in the middle of its work. */
void kills_run(struct world *world, const char *disk, uint32_t count,
	       uint64_t seed);

#endif
