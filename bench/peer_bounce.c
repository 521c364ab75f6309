/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * peer_bounce.c - libbounce, through its public calls alone. Nothing is
 * protected here, so BOUNCE_DEVICE_FORCE asks for the bouncing; bus address,
 * guest-physical address and pointer are the same number.
 */
#include "ours.h"

#include <bounce/bounce.h>

_Static_assert(sizeof(struct bounce_mapping) <= offsetof(struct handle, number),
	       "a handle holds a mapping");

static const struct ours *ours;

static bool start(const struct setup *setup)
{
	ours = ours_start(setup);
	return true;
}

static uint32_t how_of(enum how how)
{
	static const uint8_t hows[HOWS] = {
		[HOW_NOTHING] = BOUNCE_FROM_DEVICE,
		[HOW_TO] = BOUNCE_TO_DEVICE,
		[HOW_FROM] = BOUNCE_FROM_DEVICE,
		[HOW_BOTH] = BOUNCE_BIDIRECTIONAL,
		[HOW_BORN] = BOUNCE_BIDIRECTIONAL,
	};

	return hows[how];
}

static bool map(uint32_t lane, const struct request *request,
		struct handle *handle)
{
	const struct bounce_buf buf = {
		.gpa = { (uintptr_t)request->buffer },
		.ptr = request->buffer,
		.len = request->len,
	};

	return bounce_map(ours->queue[lane], &buf, how_of(request->how),
			  (struct bounce_mapping *)handle) == BOUNCE_OK;
}

static void unmap(uint32_t lane, const struct request *request,
		  const struct handle *handle)
{
	bool writes = request->how == HOW_FROM || request->how == HOW_BOTH;

	ours_check(bounce_unmap(ours->queue[lane],
				(const struct bounce_mapping *)handle,
				writes ? request->len : 0) == BOUNCE_OK);
}

static unsigned char *bytes(const struct handle *handle)
{
	return (unsigned char *)(uintptr_t)((const struct bounce_mapping *)
						    handle)
		->bus.v;
}

static uint64_t footprint(const struct request *request,
			  const struct handle *handle)
{
	const struct bounce_mapping *mapping =
		(const struct bounce_mapping *)handle;

	return ours_footprint(ours, mapping->record, mapping->bus.v,
			      request->len);
}

static unsigned char *born(uint32_t lane, uint32_t len)
{
	struct bounce_mapping mapping;
	struct bounce_buf buf;

	ours_check(bounce_alloc(ours->queue[lane], len, 0, 0, &buf, &mapping) ==
		   BOUNCE_OK);
	return buf.ptr;
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

const struct peer peer_bounce = {
	.name = "bounce",
	.start = start,
	.map = map,
	.unmap = unmap,
	.bytes = bytes,
	.footprint = footprint,
	.used = used,
	.metadata = metadata,
	.share_calls = ours_share_calls,
	.overlooked = overlooked,
	.born = born,
	.most = BOUNCE_SLAB_BYTES,
	.hows = HOW_SET(HOW_NOTHING) | HOW_COPIES | HOW_SET(HOW_BORN),
};
