/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * share.h - sharing state of pages and its legal moves; the only caller of the
 * arch and of env.set_shared.
 *
 *            grow                      retire
 *   PRIVATE ------> SHARING ---> SHARED ------> UNSHARING ---> PRIVATE
 *      ^               |                            |
 *      '-- unchanged --+--- unknown ---> LOST <-----+--- anything not certain
 *
 *   H1  A state is kept for each slot of a slab, the same for all slots of one
 *       share granule. LOST is for ever.
 *   H2  A page becomes PRIVATE only after a confirmed unshare (or an unchanged
 *       share) and a scrub after it (S5).
 *   H3  A page that is SHARED is never shared again: POWER would zero it.
 *   H4  Numbers that come back from a call are range-checked, retries are
 *       bounded, and each retry either progresses or counts (S6).
 */
#ifndef LIB_SHARE_H
#define LIB_SHARE_H

#include <bounce/arch.h>

struct bounce;
struct bounce_pool;
struct bounce_slab;

enum share_state {
	SHARE_PRIVATE = 0,
	SHARE_SHARING = 1,
	SHARE_SHARED = 2,
	SHARE_UNSHARING = 3,
	SHARE_LOST = 4,
};

/* Retries without progress before a call is given up. */
#define SHARE_RETRIES 64u

/*
 * bounce_share() - make all pages of a slab shared, or none.
 *
 * @pool: counts calls, retries and lost bytes.
 * @slab: base, memory and chunks are set; every page is PRIVATE.
 *
 * Return: OK: all SHARED, all zero. ERR_HOST, ERR_BUSY: all PRIVATE and zero.
 * ERR_LOST: each page is PRIVATE or LOST.
 */
enum bounce_err bounce_share(struct bounce_pool *pool,
			     struct bounce_slab *slab);

/*
 * bounce_unshare() - make all SHARED pages of a slab private.
 *
 * Return: OK: all PRIVATE and zero. ERR_LOST: each page PRIVATE or LOST.
 */
enum bounce_err bounce_unshare(struct bounce_pool *pool,
			       struct bounce_slab *slab);

/*
 * bounce_share_doubt() - a CPU was stopped inside one of the two above.
 *
 * What its last call came to is not known: every page that is on its way,
 * SHARING or UNSHARING, becomes LOST. No other CPU runs.
 */
void bounce_share_doubt(struct bounce_pool *pool, struct bounce_slab *slab);

/* bounce_share_lose() - an IOMMU may still reach the slab: what is SHARED is
 * LOST, and the monitor is not asked. */
void bounce_share_lose(struct bounce_pool *pool, struct bounce_slab *slab);

/* Ask the arch whether memory is protected; once YES, always YES. */
enum bounce_protection bounce_share_detect(struct bounce *bounce);

#endif
