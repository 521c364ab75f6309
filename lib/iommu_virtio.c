/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * iommu_virtio.c - the backend for a virtio-iommu: domains, endpoints, and the
 * hooks that lib/iommu.c calls.
 *
 *   X1  A MAP request is for one run, also where the next one goes on: it may
 *       be unmapped without that one, and no UNMAP splits what a MAP made. An
 *       UNMAP request is for all runs that follow each other on the bus.
 *   X2  A completed UNMAP is flushed: the device answers when no access of the
 *       endpoints is on its way (5.13.6.6). So there is no flush hook.
 *   X3  An endpoint is in one domain, and attached once.
 *   X4  A domain ends with its last endpoint, and its translations with it. To
 *       unmap what was in one that is gone is no error: nobody is in there.
 *
 * Source: VIRTIO 1.2, 5.13.6.
 */
#include "viommu.h"

#include "base.h"
#include "copy.h"

/* MAP's flags: 5.13.6.5. */
#define MAP_READ 1u
#define MAP_WRITE 2u
_Static_assert((uint32_t)BOUNCE_ACCESS_READ == MAP_READ &&
		       (uint32_t)BOUNCE_ACCESS_WRITE == MAP_WRITE,
	       "access is what MAP calls it");

/* PROBE's properties: 5.13.6.7. */
#define PROPERTY_TYPE 0xfffu
#define PROPERTY_RESERVED 1u
#define PROPERTY_HEAD 4u
#define RESERVED_BYTES 20u /* subtype, reserved, start, end */

static struct viommu_request request_of(enum viommu_type type, uint32_t len)
{
	struct viommu_request request = {
		.len = len,
		.answer = VIOMMU_TAIL_BYTES,
	};

	request.byte[0] = (unsigned char)type;
	return request;
}

/* One request by itself. */
static enum viommu_status ask(struct bounce_viommu *viommu,
			      const struct viommu_request *request)
{
	enum viommu_status status = VIOMMU_S_BROKEN;

	if (!bounce_viommu_lock(viommu))
		return status;
	bounce_viommu_prepare(viommu, 0, request);
	if (bounce_viommu_submit(viommu, 1))
		status = bounce_viommu_status(viommu, 0, request->answer);
	bounce_viommu_unlock(viommu);
	return status;
}

static enum bounce_err error_of(enum viommu_status status)
{
	if (status == VIOMMU_S_OK)
		return BOUNCE_OK;
	if (status == VIOMMU_S_NOENT)
		return BOUNCE_ERR_REFUSED;
	return status == VIOMMU_S_BROKEN ? BOUNCE_ERR_LOST : BOUNCE_ERR_HOST;
}

/* ---- domains ---- */

enum bounce_err bounce_viommu_domain(struct bounce_viommu *viommu, uint32_t id,
				     struct bounce_viommu_domain **domain)
{
	const struct bounce_viommu_info *info = &viommu->info;
	bool ranged = (info->features & BOUNCE_VIOMMU_F_DOMAIN_RANGE) != 0;

	if (domain == NULL ||
	    (ranged && (id < info->domain_first || id > info->domain_last)))
		return BOUNCE_ERR_ARG;
	for (uint32_t i = 0; i < viommu->domains; i++)
		if (viommu->domain[i].id == id)
			return BOUNCE_ERR_ARG;
	if (viommu->domains == info->domains)
		return BOUNCE_ERR_FULL;
	*domain = &viommu->domain[viommu->domains++];
	**domain = (struct bounce_viommu_domain) { .viommu = viommu, .id = id };
	return BOUNCE_OK;
}

/* ---- endpoints: X3 ---- */

/* The entry of an endpoint, or a free one (@free), or NULL. */
static struct viommu_endpoint *entry_of(const struct bounce_viommu *viommu,
					uint32_t endpoint, bool free)
{
	for (uint32_t i = 0; i < viommu->info.endpoints; i++) {
		struct viommu_endpoint *entry = &viommu->endpoint[i];

		if (free ? entry->domain == NULL :
			   entry->domain != NULL && entry->id == endpoint)
			return entry;
	}
	return NULL;
}

static enum bounce_err change(enum viommu_type type,
			      const struct bounce_viommu_domain *domain,
			      uint32_t endpoint)
{
	/* {head, le32 domain, le32 endpoint, le32 flags, reserved 4} */
	struct viommu_request request = request_of(type, 20);

	bounce_viommu_put32(request.byte + 4, domain->id);
	bounce_viommu_put32(request.byte + 8, endpoint);
	return error_of(ask(domain->viommu, &request));
}

enum bounce_err bounce_viommu_attach(struct bounce_viommu_domain *domain,
				     uint32_t endpoint)
{
	struct viommu_endpoint *entry = entry_of(domain->viommu, 0, true);
	enum bounce_err err;

	if (entry_of(domain->viommu, endpoint, false) != NULL)
		return BOUNCE_ERR_BUSY;
	if (entry == NULL)
		return BOUNCE_ERR_FULL;
	err = change(VIOMMU_ATTACH, domain, endpoint);
	if (err == BOUNCE_OK)
		*entry = (struct viommu_endpoint) { endpoint, domain };
	return err;
}

enum bounce_err bounce_viommu_detach(struct bounce_viommu_domain *domain,
				     uint32_t endpoint)
{
	struct viommu_endpoint *entry = entry_of(domain->viommu, endpoint,
						 false);
	enum bounce_err err;

	if (entry == NULL || entry->domain != domain)
		return BOUNCE_ERR_ARG;
	err = change(VIOMMU_DETACH, domain, endpoint);
	if (err == BOUNCE_OK)
		entry->domain = NULL;
	return err == BOUNCE_ERR_REFUSED ? BOUNCE_ERR_HOST : err;
}

enum bounce_err bounce_viommu_set_bypass(struct bounce_viommu *viommu, bool on)
{
	if ((viommu->info.features & BOUNCE_VIOMMU_F_BYPASS_CONFIG) == 0 ||
	    viommu->info.set_bypass == NULL)
		return BOUNCE_ERR_REFUSED;
	viommu->info.set_bypass(viommu->info.ctx, on);
	return BOUNCE_OK;
}

/* ---- probe ---- */

/* One more reserved range; the last entry is widened when there is no room. */
static void reserve(struct bounce_viommu_domain *domain, uint64_t first,
		    uint64_t last)
{
	struct bounce_iommu_range *range;

	for (uint32_t i = 0; i < domain->ranges; i++)
		if (domain->range[i].first.v <= first &&
		    domain->range[i].last.v >= last)
			return;
	if (domain->ranges < BOUNCE_IOMMU_RANGES) {
		range = &domain->range[domain->ranges++];
		range->first.v = first;
		range->last.v = last;
		return;
	}
	range = &domain->range[BOUNCE_IOMMU_RANGES - 1];
	range->first.v = bounce_min(range->first.v, first);
	if (range->last.v < last)
		range->last.v = last;
}

/* What PROBE answered: each byte is copied once (Y1). False: it cannot be. */
static bool take_properties(struct bounce_viommu_domain *domain)
{
	const struct bounce_viommu *viommu = domain->viommu;
	uint32_t size = viommu->info.probe_size;
	const unsigned char *from =
		bounce_viommu_answer(viommu, 0, size + VIOMMU_TAIL_BYTES);
	uint32_t at = 0;

	while (size - at >= PROPERTY_HEAD) {
		unsigned char head[PROPERTY_HEAD];
		unsigned char value[RESERVED_BYTES];
		uint32_t word;
		uint32_t len;

		bounce_copy_out(head, from + at, sizeof(head));
		word = bounce_viommu_get32(head);
		len = word >> 16;
		at += PROPERTY_HEAD;
		if ((word & PROPERTY_TYPE) == 0)
			return true;
		if (len > size - at)
			return false;
		if ((word & PROPERTY_TYPE) == PROPERTY_RESERVED) {
			if (len < sizeof(value))
				return false;
			bounce_copy_out(value, from + at, sizeof(value));
			if (bounce_viommu_get64(value + 4) >
			    bounce_viommu_get64(value + 12))
				return false;
			reserve(domain, bounce_viommu_get64(value + 4),
				bounce_viommu_get64(value + 12));
		}
		at += len;
	}
	return true;
}

enum bounce_err bounce_viommu_probe(struct bounce_viommu_domain *domain,
				    uint32_t endpoint)
{
	struct bounce_viommu *viommu = domain->viommu;
	/* {head, le32 endpoint, reserved 64} */
	struct viommu_request request = request_of(VIOMMU_PROBE, 72);
	enum viommu_status status = VIOMMU_S_BROKEN;
	enum bounce_err err;

	if ((viommu->info.features & BOUNCE_VIOMMU_F_PROBE) == 0)
		return BOUNCE_OK;
	bounce_viommu_put32(request.byte + 4, endpoint);
	request.answer = viommu->info.probe_size + VIOMMU_TAIL_BYTES;
	if (!bounce_viommu_lock(viommu))
		return BOUNCE_ERR_LOST;
	bounce_viommu_prepare(viommu, 0, &request);
	if (bounce_viommu_submit(viommu, 1))
		status = bounce_viommu_status(viommu, 0, request.answer);
	err = error_of(status);
	if (err == BOUNCE_OK && !take_properties(domain))
		err = BOUNCE_ERR_HOST;
	bounce_viommu_unlock(viommu);
	return err;
}

/* ---- the hooks ---- */

static void info(void *ctx, struct bounce_iommu_info *info)
{
	const struct bounce_viommu_domain *domain = ctx;
	const struct bounce_viommu *viommu = domain->viommu;
	bool ranged = (viommu->info.features & BOUNCE_VIOMMU_F_INPUT_RANGE) !=
		      0;
	uint64_t mask = viommu->info.page_size_mask;

	*info = (struct bounce_iommu_info) {
		.page_bytes = mask & (~mask + 1),
		.last = { UINT64_MAX },
		.attributes = BOUNCE_IOMMU_READ_ONLY | BOUNCE_IOMMU_WRITE_ONLY,
		.ranges = domain->ranges,
		/* relaxed: a counter. */
		.requests = atomic_load_explicit(&viommu->requests,
						 memory_order_relaxed),
	};
	if (ranged) {
		info->first = viommu->info.input_first;
		info->last = viommu->info.input_last;
	}
	for (uint32_t i = 0; i < domain->ranges; i++)
		info->range[i] = domain->range[i];
}

/* Runs from @run on that are one request (X1); *@len is its length. */
static uint32_t stretch(enum viommu_type type,
			const struct bounce_iommu_run *run, uint32_t count,
			uint64_t *len)
{
	uint32_t n = 1;

	*len = run->len;
	while (type == VIOMMU_UNMAP && n < count &&
	       run[n].bus.v == run->bus.v + *len) {
		*len += run[n].len;
		n++;
	}
	return n;
}

static struct viommu_request translation(
	enum viommu_type type, const struct bounce_viommu_domain *domain,
	const struct bounce_iommu_run *run, uint64_t len)
{
	/* {head, le32 domain, le64 first, le64 last, le64 gpa, le32 flags}, or
	 * {head, le32 domain, le64 first, le64 last, reserved 4} */
	struct viommu_request request =
		request_of(type, type == VIOMMU_MAP ? 36 : 28);

	bounce_viommu_put32(request.byte + 4, domain->id);
	bounce_viommu_put64(request.byte + 8, run->bus.v);
	bounce_viommu_put64(request.byte + 16, run->bus.v + (len - 1));
	if (type == VIOMMU_MAP) {
		bounce_viommu_put64(request.byte + 24, run->gpa.v);
		bounce_viommu_put32(request.byte + 32, run->access);
	}
	return request;
}

/* NOENT: there is no such domain, 5.13.6.5 and 5.13.6.6 (X4). */
static bool is_good(enum viommu_type type, enum viommu_status status)
{
	return status == VIOMMU_S_OK ||
	       (type == VIOMMU_UNMAP && status == VIOMMU_S_NOENT);
}

/* As many as the queue holds, with one notification. How many runs: *@taken. */
static enum bounce_step batch(enum viommu_type type,
			      const struct bounce_viommu_domain *domain,
			      const struct bounce_iommu_run *run,
			      uint32_t count, uint32_t *taken)
{
	struct bounce_viommu *viommu = domain->viommu;
	uint32_t entries = 0;
	uint32_t at = 0;

	while (at < count && entries < viommu_entries(viommu)) {
		uint64_t len;
		uint32_t n = stretch(type, run + at, count - at, &len);
		struct viommu_request request = translation(type, domain,
							    run + at, len);

		bounce_viommu_prepare(viommu, entries++, &request);
		at += n;
	}
	if (!bounce_viommu_submit(viommu, entries))
		return BOUNCE_STEP_UNKNOWN;
	*taken = at;
	for (uint32_t i = 0; i < entries; i++)
		if (!is_good(type, bounce_viommu_status(viommu, i,
							VIOMMU_TAIL_BYTES)))
			return BOUNCE_STEP_UNCHANGED;
	return BOUNCE_STEP_DONE;
}

static enum bounce_step all(enum viommu_type type, void *ctx,
			    const struct bounce_iommu_run *run, uint32_t count,
			    uint64_t *done)
{
	const struct bounce_viommu_domain *domain = ctx;
	enum bounce_step step = BOUNCE_STEP_DONE;

	*done = 0;
	if (!bounce_viommu_lock(domain->viommu))
		return BOUNCE_STEP_UNCHANGED;
	for (uint32_t at = 0; at < count && step == BOUNCE_STEP_DONE;) {
		uint32_t taken = 0;

		step = batch(type, domain, run + at, count - at, &taken);
		for (uint32_t i = at;
		     step == BOUNCE_STEP_DONE && i < at + taken; i++)
			*done += run[i].len;
		at += taken;
	}
	bounce_viommu_unlock(domain->viommu);
	return step;
}

static enum bounce_step map(void *ctx, const struct bounce_iommu_run *run,
			    uint32_t count, uint64_t *done)
{
	return all(VIOMMU_MAP, ctx, run, count, done);
}

static enum bounce_step unmap(void *ctx, const struct bounce_iommu_run *run,
			      uint32_t count, uint64_t *done)
{
	return all(VIOMMU_UNMAP, ctx, run, count, done);
}

/* An endpoint's ID is its requester ID (5.13.6). What is detached has been
 * flushed: the device answers when no access is on its way. */
static bool holds(void *ctx, uint32_t requester)
{
	const struct bounce_viommu_domain *domain = ctx;
	const struct viommu_endpoint *entry = entry_of(domain->viommu,
						       requester, false);

	return entry != NULL && entry->domain == domain;
}

const struct bounce_iommu bounce_iommu_virtio = {
	.name = "virtio",
	.info = info,
	.map = map,
	.unmap = unmap,
	.holds = holds,
};

bool bounce_viommu_domain_valid(const struct bounce_viommu_domain *domain)
{
	const struct bounce_viommu *viommu = domain->viommu;

	if (domain->ranges > BOUNCE_IOMMU_RANGES || domain < viommu->domain ||
	    domain >= viommu->domain + viommu->domains)
		return false;
	for (uint32_t i = 0; i < domain->ranges; i++)
		if (domain->range[i].first.v > domain->range[i].last.v)
			return false;
	return true;
}

bool bounce_viommu_valid(const struct bounce_viommu *viommu)
{
	for (uint32_t i = 0; i < 2; i++)
		if (!bounce_used_valid(viommu->ring[i].used))
			return false;
	for (uint32_t i = 0; i < viommu->domains; i++)
		if (!bounce_viommu_domain_valid(&viommu->domain[i]))
			return false;
	for (uint32_t i = 0; i < viommu->info.endpoints; i++)
		if (viommu->endpoint[i].domain != NULL &&
		    !bounce_viommu_domain_valid(viommu->endpoint[i].domain))
			return false;
	return viommu->domains <= viommu->info.domains;
}
