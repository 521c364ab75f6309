/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * island.h - spaces that are to be isolated from each other: each has a pool of
 * its own, which the library maps in its IOMMU, and nothing else there.
 *
 * The instance is the caller's: unprotected, so that the IOMMU alone counts,
 * and devices are attached with FORCE.
 */
#ifndef ISLAND_H
#define ISLAND_H

#include "blk.h"

#define ISLAND_BYTES BOUNCE_CHUNK_BYTES /* of a pool */
#define ISLAND_PART_BYTES (32u << 10) /* most that island_read() takes */

struct island {
	struct bounce_pool *pool;
	struct bounce_space *space;
	bounce_gpa_t gpa; /* of the pool */
};

/* island_instance() - for @count islands, and devices and functions. */
struct island_config {
	uint16_t islands;
	uint16_t devices;
	uint16_t functions;
};
struct bounce *island_instance(const struct island_config *config);

/*
 * island_make() - pool, space and translation, by the first window of
 * guest_cpu. The domain must be there, if the IOMMU has such.
 * @memory: ISLAND_BYTES, a multiple of it.
 * island_end() - all of it back; its devices are detached.
 */
void island_make(struct bounce *bounce, unsigned char *memory,
		 const struct bounce_translation *translation,
		 struct island *island);
bool island_end(const struct island *island);

/* island_sink(), island_rise() - retire the pool, which the IOMMU forgets, and
 * grow it again. No slot of it is in use. */
void island_sink(const struct island *island);
void island_rise(const struct island *island);

/* island_read() - from the disk; are they the image's bytes (image.h)? */
bool island_read(struct blk *blk, uint64_t sector, uint32_t bytes);

/*
 * island_lend() - take a page of the disk's space and fill it with a canary.
 * island_reached() - tell a disk of another space to write there: did it?
 * island_give_back() - the page.
 */
struct island_page {
	struct bounce_buf buf;
	struct bounce_mapping mapping;
};
void island_lend(struct blk *owner, struct island_page *page);
bool island_reached(struct blk *stranger, const struct island_page *page);
void island_give_back(struct blk *owner, const struct island_page *page);

#endif
