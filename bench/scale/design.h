/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * design.h - an allocator on trial: libbounce's (ours.c), or locked areas as
 * swiotlb has them (areas.c). Memory is address space only: no byte of a pool
 * is touched, and only the allocator's own words are simulated.
 */
#ifndef SCALE_DESIGN_H
#define SCALE_DESIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scale_setup {
	uint32_t cpus;
	uint32_t nodes; /* of memory and CPUs */
	uint64_t pool_bytes; /* whole slabs of 16 MiB */
	bool aware; /* the allocator is told of the nodes */
};

/* A run: what a design needs to give it back, and where it is. */
struct scale_run {
	uint32_t word[6];
	uint64_t offset; /* in the pool, bytes */
	uint32_t bytes; /* what it takes of the pool */
	uint32_t len; /* what was asked for */
};

struct scale_design {
	const char *name;
	uint32_t most; /* bytes of a request, at most */
	/* Make it, and the machine with its words watched. */
	void (*start)(const struct scale_setup *setup);
	bool (*claim)(uint32_t cpu, uint32_t len, struct scale_run *run);
	void (*release)(uint32_t cpu, const struct scale_run *run);
	void (*stop)(void);
};

extern const struct scale_design scale_ours;
extern const struct scale_design scale_areas;

/* Address space without memory behind it; or the program ends. */
unsigned char *scale_reserve(uint64_t bytes);

#endif
