/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * mixes.c - requests of many sizes; see mixes.h.
 */
#include "mixes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MOST_BYTES (UINT32_C(512) << 10)
#define KIB UINT32_C(1024)

struct share {
	uint32_t percent;
	uint32_t bytes;
};

/* Network: small packets, full ones, and some that were put together. */
static const struct share packets[] = {
	{ 40, 64 },	 { 40, 1500 },	  { 15, 4 * KIB },
	{ 3, 16 * KIB }, { 2, 64 * KIB }, { 0, 0 },
};

/* Disk: pages, and what the block layer makes of neighbours. */
static const struct share blocks[] = {
	{ 50, 4 * KIB },   { 25, 16 * KIB }, { 15, 64 * KIB },
	{ 10, 256 * KIB }, { 0, 0 },
};

/* No real load: every size is asked for equally often. */
static const struct share uniform[] = {
	{ 15, 64 },	  { 14, 512 },	    { 14, 1500 },      { 14, 4 * KIB },
	{ 14, 16 * KIB }, { 14, 64 * KIB }, { 15, 256 * KIB }, { 0, 0 },
};

static uint32_t draw(const struct share *share, uint32_t percent)
{
	for (; share[1].percent != 0 && percent >= share->percent; share++)
		percent -= share->percent;
	return share->bytes;
}

/* low < result <= high, in steps. */
static uint32_t between(uint64_t random, uint32_t low, uint32_t high,
			uint32_t step)
{
	return low + step + (uint32_t)(random % ((high - low) / step)) * step;
}

/*
 * Shaped as block traces are: 57 % up to 2 KiB, 91 % up to 4 KiB, 96 % up to
 * 16 KiB, the rest up to 512 KiB; within a band all lengths are equally likely,
 * but for the first, where all octaves are.
 */
static uint32_t trace(uint32_t percent, uint64_t random)
{
	if (percent < 57)
		return (uint32_t)(64.0 * exp2((double)(random % 5000) / 1000));
	if (percent < 91)
		return between(random, 2 * KIB, 4 * KIB, 512);
	if (percent < 96)
		return between(random, 4 * KIB, 16 * KIB, 512);
	return between(random, 16 * KIB, 512 * KIB, 4 * KIB);
}

bool mix_make(struct mix *mix, const char *name)
{
	static const struct {
		const char *name;
		const struct share *share;
	} mixes[] = {
		{ "packets", packets },
		{ "blocks", blocks },
		{ "uniform", uniform },
		{ "trace", NULL },
	};
	uint64_t random = 12345;

	for (size_t m = 0; m < sizeof(mixes) / sizeof(mixes[0]); m++) {
		if (strcmp(mixes[m].name, name) != 0)
			continue;
		for (uint32_t i = 0; i < SIZES; i++) {
			uint64_t r = next_random(&random) >> 8;
			uint32_t percent = (uint32_t)(r % 100);

			mix->size[i] = mixes[m].share != NULL ?
					       draw(mixes[m].share, percent) :
					       trace(percent, r / 100);
		}
		return true;
	}
	return false;
}

bool load_init(struct load *load, const struct peer *peer,
	       const struct mix *mix, uint32_t lane)
{
	memset(load, 0, sizeof(*load));
	load->peer = peer;
	load->mix = mix;
	load->lane = lane;
	load->random = lane * 7919 + 1;
	load->next = lane * 1021;
	load->live = calloc(MOST_LIVE, sizeof(*load->live));
	load->buffer = mmap(NULL, MOST_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return load->live != NULL && load->buffer != MAP_FAILED;
}

void load_fini(struct load *load)
{
	while (load->count != 0)
		load_unmap(load, load->count - 1);
	munmap(load->buffer, MOST_BYTES);
	free(load->live);
}

/* The piece with number @piece of a request of @len bytes. */
static struct request piece_of(const struct load *load, uint32_t len,
			       uint32_t piece)
{
	uint32_t most = load->peer->most < MOST_BYTES ?
				(uint32_t)load->peer->most :
				MOST_BYTES;
	uint32_t from = piece * most;

	return (struct request) {
		.buffer = load->buffer + from,
		.len = len - from < most ? len - from : most,
		.how = HOW_NOTHING,
	};
}

static uint32_t pieces_of(const struct load *load, uint32_t len)
{
	return len <= load->peer->most ? 1 : PIECES;
}

static void unmap_pieces(struct load *load, const struct live *live,
			 uint32_t pieces)
{
	for (uint32_t i = 0; i < pieces; i++) {
		struct request piece = piece_of(load, live->len, i);

		load->claimed -= load->peer->footprint(&piece,
						       &live->handle[i]);
		load->peer->unmap(load->lane, &piece, &live->handle[i]);
	}
}

bool load_map(struct load *load, uint32_t len)
{
	struct live *live = &load->live[load->count];

	live->len = len;
	live->pieces = pieces_of(load, len);
	for (uint32_t i = 0; i < live->pieces; i++) {
		struct request piece = piece_of(load, len, i);

		if (!load->peer->map(load->lane, &piece, &live->handle[i])) {
			unmap_pieces(load, live, i);
			return false;
		}
		load->claimed += load->peer->footprint(&piece,
						       &live->handle[i]);
	}
	load->asked += len;
	load->count++;
	return true;
}

void load_unmap(struct load *load, uint32_t index)
{
	struct live *live = &load->live[index];

	unmap_pieces(load, live, live->pieces);
	load->asked -= live->len;
	*live = load->live[--load->count];
}

void load_unmap_any(struct load *load)
{
	if (load->count != 0)
		load_unmap(load, (uint32_t)(next_random(&load->random) %
					    load->count));
}

void load_step(struct load *load, bool look)
{
	uint32_t len = load->mix->size[load->next++ % SIZES];

	while (load->count != 0 && (load->claimed + len > load->target ||
				    load->count == MOST_LIVE - 1))
		load_unmap_any(load);
	load->attempts++;
	if (load_map(load, len))
		return;
	load->failures++;
	if (look && load->peer->overlooked != NULL) {
		struct request request = { .len = len };

		load->overlooked += load->peer->overlooked(&request);
	}
	load_unmap_any(load);
}
