/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * mixes.h - requests of many sizes, and a pool kept at a given load by them.
 */
#ifndef BENCH_MIXES_H
#define BENCH_MIXES_H

#include "plan.h"

#define PIECES 2u /* of a request that is longer than the peer can map */
#define MOST_LIVE (UINT32_C(1) << 18)
#define SIZES (UINT32_C(1) << 16)

/* Sizes in the order in which they are asked for; the same for all peers. */
struct mix {
	uint32_t size[SIZES];
};

/* False when there is no mix of that name. */
bool mix_make(struct mix *mix, const char *name);

/* A request that is being served. */
struct live {
	uint32_t len;
	uint32_t pieces;
	struct handle handle[PIECES];
};

/* What one lane has mapped, and when it last asked. */
struct load {
	_Alignas(64) const
		struct peer *peer; /* lanes' loads lie side by side */
	const struct mix *mix;
	unsigned char *buffer; /* one for all: no byte of it is used */
	uint32_t lane;
	uint32_t next; /* in the mix */
	uint64_t random;
	uint64_t target; /* pool bytes */
	uint64_t claimed; /* pool bytes */
	uint64_t asked; /* bytes of the live requests */
	uint32_t count;
	struct live *live;
	uint64_t attempts;
	uint64_t failures;
	uint64_t overlooked; /* failures though there was a run */
};

bool load_init(struct load *load, const struct peer *peer,
	       const struct mix *mix, uint32_t lane);
void load_fini(struct load *load);

/* Serve one request, or not; true when it was. */
bool load_map(struct load *load, uint32_t len);

/* End one. */
void load_unmap(struct load *load, uint32_t index);
void load_unmap_any(struct load *load);

/* One step of the churn: room for the next request, and the request. */
void load_step(struct load *load, bool look);

#endif
