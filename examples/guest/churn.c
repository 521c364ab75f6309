/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * churn.c - the pieces of churn.h, and how each kind of them goes.
 *
 * A piece has a seed. What the device is to see is filled with it; where the
 * private buffer is to differ, it is filled with the seed's complement.
 */
#include "churn.h"

#include "pattern.h"

#define SIZES 21u /* 2^0 .. 2^20 bytes */
_Static_assert(CHURN_BYTES == 1u << (SIZES - 1), "the largest is CHURN_BYTES");

/* ---- small words ---- */

static bool is_zero(const unsigned char *bytes, uint32_t len)
{
	for (uint32_t at = 0; at < len; at++)
		if (bytes[at] != 0)
			return false;
	return true;
}

/* The device's bus addresses go through the first window: to a gpa, and memory
 * is where its addresses say. */
unsigned char *churn_view(const struct bounce_mapping *mapping)
{
	const struct bounce_window *window = &guest_cpu.window[0];
	uint64_t gpa = mapping->bus.v - window->bus.v + window->gpa.v;

	return (unsigned char *)(uintptr_t)gpa;
}

/* xorshift64 (Marsaglia, Xorshift RNGs, 2003); the state is never 0. */
static uint64_t draw(struct churn *churn, uint64_t below)
{
	churn->random ^= churn->random << 13;
	churn->random ^= churn->random >> 7;
	churn->random ^= churn->random << 17;
	return churn->random % below;
}

/* Something that must hold; the first that does not is remembered. */
static bool demand(struct churn *churn, bool met, const char *text)
{
	if (!met && churn->failure == NULL)
		churn->failure = text;
	return met;
}

static uint32_t len_of(const struct churn_piece *piece)
{
	return (uint32_t)piece->buf.len;
}

static uint32_t how_of(enum churn_kind kind)
{
	switch (kind) {
	case CHURN_FROM:
		return BOUNCE_FROM_DEVICE;
	case CHURN_BOTH:
		return BOUNCE_BIDIRECTIONAL;
	case CHURN_TO:
	case CHURN_BORN:
	case CHURN_KINDS:
	default:
		return BOUNCE_TO_DEVICE;
	}
}

/* C2; any other error of a map is a failure. */
static bool no_room(struct churn *churn, enum bounce_err err)
{
	bool full = err == BOUNCE_ERR_FULL || err == BOUNCE_ERR_FRAGMENTED;

	churn->full += full;
	return demand(churn, full, "a map failed");
}

/* ---- memory that is born shared ---- */

/* Map the second half of it: nothing is copied, the place is the same. */
static bool map_part(struct churn *churn, struct churn_piece *piece)
{
	uint32_t skip = len_of(piece) / 2;
	struct bounce_buf part = {
		.gpa = { piece->buf.gpa.v + skip },
		.ptr = (unsigned char *)piece->buf.ptr + skip,
		.len = len_of(piece) - skip,
	};
	enum bounce_err err;

	err = bounce_map(piece->queue, &part, BOUNCE_BIDIRECTIONAL,
			 &piece->inner);
	if (!demand(churn, err == BOUNCE_OK,
		    "born-shared memory could not be mapped"))
		return false;
	churn->maps++;
	return demand(churn, piece->inner.bus.v == piece->mapping.bus.v + skip,
		      "born-shared memory was mapped to another place");
}

static bool begin_born(struct churn *churn, struct churn_piece *piece,
		       uint32_t len)
{
	enum bounce_err err = bounce_alloc(piece->queue, len, 0, 0, &piece->buf,
					   &piece->mapping);

	if (err != BOUNCE_OK)
		return no_room(churn, err);
	piece->live = true;
	if (!demand(churn, is_zero(piece->buf.ptr, len),
		    "born-shared memory was not zero"))
		return false;
	pattern_fill(piece->buf.ptr, len, piece->seed);
	return map_part(churn, piece);
}

static bool end_born(struct churn *churn, struct churn_piece *piece)
{
	bool held = bounce_free(piece->queue, &piece->mapping) ==
		    BOUNCE_ERR_BUSY;

	return demand(churn, held,
		      "born-shared memory was freed under a live mapping") &&
	       demand(churn,
		      bounce_unmap(piece->queue, &piece->inner, 0) == BOUNCE_OK,
		      "a mapping of born-shared memory did not end") &&
	       demand(churn,
		      pattern_holds(piece->buf.ptr, len_of(piece), piece->seed),
		      "born-shared memory was changed by somebody else") &&
	       demand(churn,
		      bounce_free(piece->queue, &piece->mapping) == BOUNCE_OK,
		      "born-shared memory was not freed");
}

/* ---- private buffers ---- */

static bool begin_mapping(struct churn *churn, struct churn_piece *piece,
			  uint32_t len)
{
	uint64_t index = (uint64_t)(piece - churn->piece);
	unsigned char *bytes = churn->memory[index] + draw(churn, CHURN_SKEW);
	enum bounce_err err;

	piece->buf = (struct bounce_buf) { { (uintptr_t)bytes }, bytes, len };
	pattern_fill(bytes, len,
		     piece->kind == CHURN_FROM ? ~piece->seed : piece->seed);
	err = bounce_map(piece->queue, &piece->buf, how_of(piece->kind),
			 &piece->mapping);
	if (err != BOUNCE_OK)
		return no_room(churn, err);
	piece->live = true;
	churn->maps++;
	if (piece->kind == CHURN_FROM) {
		pattern_fill(churn_view(&piece->mapping), len, piece->seed);
		return true;
	}
	return demand(churn,
		      pattern_holds(churn_view(&piece->mapping), len,
				    piece->seed),
		      "the device would not see the buffer's bytes");
}

/* The device says that it wrote fewer bytes than it did: no more come back. */
static bool end_from(struct churn *churn, struct churn_piece *piece)
{
	const unsigned char *bytes = piece->buf.ptr;
	uint32_t len = len_of(piece);
	uint32_t written = (uint32_t)draw(churn, (uint64_t)len + 1);

	return demand(churn,
		      bounce_unmap(piece->queue, &piece->mapping, written) ==
			      BOUNCE_OK,
		      "a mapping that the device wrote did not end") &&
	       demand(churn, pattern_part_holds(bytes, 0, written, piece->seed),
		      "what came back is not what the device wrote") &&
	       demand(churn,
		      pattern_part_holds(bytes, written, len, ~piece->seed),
		      "a byte came back that the device did not report");
}

static bool end_to(struct churn *churn, struct churn_piece *piece)
{
	return demand(churn,
		      bounce_unmap(piece->queue, &piece->mapping, 0) ==
			      BOUNCE_OK,
		      "a mapping that the device read did not end");
}

static bool end_both(struct churn *churn, struct churn_piece *piece)
{
	uint32_t len = len_of(piece);

	pattern_fill(churn_view(&piece->mapping), len, ~piece->seed);
	return demand(churn,
		      bounce_unmap(piece->queue, &piece->mapping, len) ==
			      BOUNCE_OK,
		      "a mapping of both directions did not end") &&
	       demand(churn, pattern_holds(piece->buf.ptr, len, ~piece->seed),
		      "what came back is not what the device wrote");
}

/* The CPU changes all of its buffer; first a part, then all gets through. */
static bool sync_to(struct churn *churn, struct churn_piece *piece,
		    uint32_t from, uint32_t to)
{
	const unsigned char *view = churn_view(&piece->mapping);
	uint64_t old = piece->seed;
	uint32_t len = len_of(piece);

	piece->seed = ~old;
	pattern_fill(piece->buf.ptr, len, piece->seed);
	return demand(churn,
		      bounce_sync_for_device(piece->queue, &piece->mapping,
					     from, to - from) == BOUNCE_OK,
		      "a sync for the device failed") &&
	       demand(churn,
		      pattern_part_holds(view, 0, from, old) &&
			      pattern_part_holds(view, from, to, piece->seed) &&
			      pattern_part_holds(view, to, len, old),
		      "a sync for the device touched other bytes") &&
	       demand(churn,
		      bounce_sync_for_device(piece->queue, &piece->mapping, 0,
					     len) == BOUNCE_OK,
		      "a sync for the device failed");
}

/* A part comes to the CPU; the buffer is put back as it was. */
static bool sync_from(struct churn *churn, struct churn_piece *piece,
		      uint32_t from, uint32_t to)
{
	unsigned char *bytes = piece->buf.ptr;
	bool good;

	good = demand(churn,
		      bounce_sync_for_cpu(piece->queue, &piece->mapping, from,
					  to - from) == BOUNCE_OK,
		      "a sync for the CPU failed") &&
	       demand(churn,
		      pattern_part_holds(bytes, 0, from, ~piece->seed) &&
			      pattern_part_holds(bytes, from, to,
						 piece->seed) &&
			      pattern_part_holds(bytes, to, len_of(piece),
						 ~piece->seed),
		      "a sync for the CPU touched other bytes");
	pattern_fill_part(bytes, from, to, ~piece->seed);
	return good;
}

/* ---- pieces ---- */

static bool begin(struct churn *churn, struct churn_piece *piece)
{
	uint64_t most = UINT64_C(1) << draw(churn, SIZES);
	uint32_t len = 1 + (uint32_t)draw(churn, most);

	*piece = (struct churn_piece) {
		.kind = (enum churn_kind)draw(churn, CHURN_KINDS),
		.queue = churn->lane[draw(churn, CHURN_LANES)],
	};
	piece->seed = draw(churn, UINT64_MAX);
	return piece->kind == CHURN_BORN ? begin_born(churn, piece, len) :
					   begin_mapping(churn, piece, len);
}

/* C1: nobody but this CPU has touched what the device sees. */
static bool is_untouched(struct churn *churn, const struct churn_piece *piece)
{
	return demand(churn,
		      pattern_holds(churn_view(&piece->mapping), len_of(piece),
				    piece->seed),
		      "shared bytes of a live mapping were changed");
}

static bool sync(struct churn *churn, struct churn_piece *piece)
{
	uint32_t len = len_of(piece);
	uint32_t from = (uint32_t)draw(churn, len);
	uint32_t to = from + 1 + (uint32_t)draw(churn, len - from);

	if (!is_untouched(churn, piece))
		return false;
	switch (piece->kind) {
	case CHURN_TO:
	case CHURN_BOTH:
		return sync_to(churn, piece, from, to);
	case CHURN_FROM:
		return sync_from(churn, piece, from, to);
	case CHURN_BORN:
	case CHURN_KINDS:
	default:
		return true;
	}
}

static bool end(struct churn *churn, struct churn_piece *piece)
{
	if (!is_untouched(churn, piece))
		return false;
	piece->live = false;
	switch (piece->kind) {
	case CHURN_TO:
		return end_to(churn, piece);
	case CHURN_FROM:
		return end_from(churn, piece);
	case CHURN_BOTH:
		return end_both(churn, piece);
	case CHURN_BORN:
	case CHURN_KINDS:
	default:
		return end_born(churn, piece);
	}
}

void churn_init(struct churn *churn, struct bounce_queue *own,
		struct bounce_queue *common, uint64_t seed)
{
	memset(churn, 0, sizeof(*churn));
	churn->lane[0] = own;
	churn->lane[1] = common;
	churn->random = seed | 1;
}

bool churn_round(struct churn *churn)
{
	struct churn_piece *piece = &churn->piece[draw(churn, CHURN_PIECES)];

	if (churn->failure != NULL)
		return false;
	if (!piece->live)
		return begin(churn, piece);
	return draw(churn, 4) == 0 ? sync(churn, piece) : end(churn, piece);
}

bool churn_end(struct churn *churn)
{
	for (uint32_t i = 0; i < CHURN_PIECES; i++)
		if (churn->piece[i].live && !end(churn, &churn->piece[i]))
			return false;
	return churn->failure == NULL;
}
