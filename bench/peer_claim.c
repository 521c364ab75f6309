/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * peer_claim.c - libbounce's allocator alone: a claim and a release of
 * lib/pool.h. What a caller would know beforehand (where a run of this length
 * may start) is worked out once for each length and lane.
 */
#include "ours.h"

#include "quick.h"

/* How a length is claimed: granules, slots or chunks; widest last. */
#define WAYS 3u

struct lane {
	_Alignas(BOUNCE_CACHE_LINE) struct pool_client client;
	struct bounce_pool *pool;
	uint32_t len; /* that the places are for */
	uint32_t ways;
	struct bounce_place place[WAYS];
};

_Static_assert(sizeof(struct bounce_run) <= offsetof(struct handle, number),
	       "a handle holds a run");

static const struct ours *ours;
static struct lane lanes[LANES];

static bool start(const struct setup *setup)
{
	ours = ours_start(setup);
	for (uint32_t i = 0; i < setup->lanes; i++) {
		struct bounce_queue *queue = ours->queue[i];
		struct bounce_device *device = queue->device;

		lanes[i].pool = device->space->pool;
		lanes[i].client = (struct pool_client) {
			.hint = &queue->hint,
			.bus = device->space->bus[0],
			.tenant = bounce_device_tenant(device),
			.lane = quick_lane(queue, 0),
			.content = true,
		};
	}
	return true;
}

static void find_places(struct lane *lane, uint32_t len)
{
	static const uint8_t shifts[WAYS] = {
		BOUNCE_GRANULE_SHIFT,
		BOUNCE_SLOT_SHIFT,
		BOUNCE_CHUNK_SHIFT,
	};
	const struct bounce_limits limits = {
		.last = UINT64_MAX,
		.boundary = UINT64_MAX,
		.segment = UINT64_MAX,
	};

	lane->len = len;
	lane->ways = 0;
	for (uint32_t i = 0; i < WAYS; i++)
		if (bounce_window_place(&limits, 0, len, shifts[i],
					&lane->place[lane->ways]))
			lane->ways++;
}

/* The last resort of bounce_map(): every split slot is looked at. */
static bool claim_anywhere(const struct lane *lane, struct bounce_run *run)
{
	struct pool_client client = lane->client;

	client.content = false;
	return bounce_pool_claim(lane->pool, &lane->place[0], &client, run) ==
	       BOUNCE_OK;
}

static bool map(uint32_t index, const struct request *request,
		struct handle *handle)
{
	struct lane *lane = &lanes[index];
	struct bounce_run *run = (struct bounce_run *)handle;

	if (bounce_unlikely(request->len != lane->len))
		find_places(lane, request->len);
	if (bounce_likely(bounce_pool_claim(lane->pool, &lane->place[0],
					    &lane->client, run) == BOUNCE_OK))
		return true;
	/* Only granules leave the choice: blocks may be used up. */
	return lane->place[0].shift == BOUNCE_GRANULE_SHIFT &&
	       (bounce_pool_claim(lane->pool, &lane->place[1], &lane->client,
				  run) == BOUNCE_OK ||
		claim_anywhere(lane, run));
}

static void unmap(uint32_t index, const struct request *request,
		  const struct handle *handle)
{
	(void)request;
	bounce_pool_give_back(lanes[index].pool, &lanes[index].client,
			      (const struct bounce_run *)handle);
}

static uint64_t footprint(const struct request *request,
			  const struct handle *handle)
{
	const struct bounce_run *run = (const struct bounce_run *)handle;

	(void)request;
	if (run->block != NO_BLOCK)
		return (uint64_t)run->granules << BOUNCE_GRANULE_SHIFT;
	return (uint64_t)run->slots << BOUNCE_SLOT_SHIFT;
}

static uint64_t used(void)
{
	return ours_used(ours);
}

static uint64_t metadata(void)
{
	return ours->meta_bytes;
}

static bool overlooked(const struct request *request)
{
	return ours_overlooked(ours, request);
}

const struct peer peer_claim = {
	.name = "claim",
	.start = start,
	.map = map,
	.unmap = unmap,
	.footprint = footprint,
	.used = used,
	.metadata = metadata,
	.share_calls = ours_share_calls,
	.overlooked = overlooked,
	.most = BOUNCE_SLAB_BYTES,
	.hows = HOW_SET(HOW_NOTHING),
};
