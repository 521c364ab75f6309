/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * open.c - buffers of devices whose verdict is DIRECT: used where they are, by
 * themselves or (own.c) behind a dynamic window; or bounced after all.
 */
#include "mapping.h"

static enum bounce_err prepare_direct(const struct bounce_request *request,
				      uint64_t bus,
				      struct bounce_prepared *prepared)
{
	uint32_t record = bounce_direct_take(request->queue);

	if (record == UINT32_MAX)
		return BOUNCE_ERR_FULL;
	*prepared = (struct bounce_prepared) {
		.record = record,
		.target = bus,
		.about = {
			.len = (uint32_t)request->buf.len,
			.how = mapping_how(request),
			.kind = RECORD_DIRECT,
			.queue = (uint16_t)request->queue->index,
		},
		.bus = bus,
	};
	return BOUNCE_OK;
}

static bool fills_pages(const struct bounce_buf *buf)
{
	return (buf->gpa.v | buf->len) % BOUNCE_SLOT_BYTES == 0;
}

/* Does the device see the buffer where it is, with nobody's doing? */
static bool is_open(const struct bounce_request *request, bounce_bus_t *bus)
{
	const struct bounce_device *device = request->queue->device;
	const struct bounce_space *space = device->space;
	const struct bounce_buf *buf = &request->buf;
	const struct bounce_window *window = bounce_window_find(
		&space->windows, request->path, buf->gpa, buf->len);

	/* What the library drives an IOMMU for, it maps, and nobody else. */
	if (window == NULL || (space->translation.iommu != NULL &&
			       (window->flags & BOUNCE_WINDOW_TRANSLATED) != 0))
		return false;
	return bounce_window_bus(&space->windows, request->path, buf->gpa,
				 buf->len, bus) &&
	       bounce_window_fits(&device->limits, bus->v, buf->len) &&
	       (!device->maintained || bounce_cache_reaches(device, buf));
}

enum bounce_err bounce_open_prepare(struct bounce_request *request,
				    struct bounce_prepared *prepared)
{
	const struct bounce_device *device = request->queue->device;
	const struct bounce_buf *buf = &request->buf;
	struct bounce_verdict verdict;
	bounce_bus_t bus = { 0 };
	bool reached = is_open(request, &bus);

	if (device->dynamic && request->path == BOUNCE_PATH_BUS &&
	    bounce_own_prepare(request, mapping_pointer(device->bounce, buf),
			       mapping_how(request), prepared) == BOUNCE_OK)
		return BOUNCE_OK;
	verdict = bounce_device_judge(
		device, fills_pages(buf) ? 0 : BOUNCE_FACT_SUBPAGE,
		reached ? 0 : BOUNCE_FACT_REACHABLE);
	if (verdict.kind == BOUNCE_VERDICT_DIRECT)
		return prepare_direct(request, bus.v, prepared);
	if (verdict.kind == BOUNCE_VERDICT_REFUSE)
		return BOUNCE_ERR_UNREACHABLE;
	request->path = verdict.path;
	return bounce_map_bounced(request, prepared);
}
