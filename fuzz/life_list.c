/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * life_list.c - fuzz_api.c: several mappings at once, and producers that
 * write in place.
 */
#include "life.h"

/* The mappings of a list are told to the model together; how many. */
static uint32_t tell(struct life *life, const struct model_device *device,
		     const struct bounce_segment *segment, uint32_t count,
		     struct model_mapping **entry)
{
	uint32_t told = 0;

	life->model.hold = true;
	for (uint32_t i = 0; i < count; i++) {
		struct model_mapping *m;

		if (segment[i].joined)
			continue;
		m = &life->model.mapping[model_slot(&life->model)];
		*m = (struct model_mapping) {
			.kind = MODEL_BOUNCED,
			.device = device,
			.how = segment[i].how,
			.handle = segment[i].mapping,
			.private_at = segment[i].buf.gpa.v - life->model.base,
			.len = segment[i].mapping.len,
		};
		life_agree(model_map(&life->model, m));
		entry[told++] = m;
	}
	life->model.hold = false;
	life_agree(model_check(&life->model));
	return told;
}

/* The device writes, reports a total, and all of them end. */
static void end_list(struct life *life, const struct model_device *device,
		     const struct bounce_segment *segment, uint32_t count)
{
	struct model_mapping *entry[PIECES];
	uint32_t told = tell(life, device, segment, count, entry);
	uint64_t sum = 0;
	uint64_t written;
	enum bounce_err err;
	bool lie;

	for (uint32_t i = 0; i < told; i++)
		sum += (entry[i]->how & BOUNCE_FROM_DEVICE) != 0 ?
			       entry[i]->len :
			       0;
	if (life_below(life, 2) != 0)
		model_scribble(&life->model);
	written = life_any_written(life, sum);
	lie = written > sum;
	err = bounce_unmap_sg(device->queue, segment, count, written);
	fuzz_check(err == (lie ? BOUNCE_ERR_LENGTH : BOUNCE_OK));
	life->model.hold = true;
	for (uint32_t i = 0; i < told; i++) {
		bool writes = (entry[i]->how & BOUNCE_FROM_DEVICE) != 0;
		uint64_t part = !writes || lie		? 0 :
				written < entry[i]->len ? written :
							  entry[i]->len;

		written -= part;
		life_agree(
			model_unmap(&life->model, entry[i], part, BOUNCE_OK));
	}
	life->model.hold = false;
	life_agree(model_check(&life->model));
}

static uint32_t entries_free(const struct model *model)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < MODEL_MAPPINGS; i++)
		count += model->mapping[i].kind == MODEL_ENDED;
	return count;
}

void call_sg(struct life *life)
{
	struct model_device *device = life_any_device(life);
	struct bounce_segment segment[PIECES] = { 0 };
	uint32_t count = 1 + (uint32_t)life_below(life, PIECES);
	uint32_t how = life_any_how(life) & 15;
	uint64_t at;
	uint64_t end;
	enum bounce_err err;

	if (entries_free(&life->model) < PIECES ||
	    !life_find_private(life, PIECES * 3000, &at))
		return;
	model_secret(&life->model, at, PIECES * 3000);
	for (uint32_t i = 0; i < count; i++) {
		uint8_t kind = fuzz_byte(&life->in);

		if ((kind & 1) != 0)
			how = life_any_how(life) & 15;
		segment[i].how = how;
		segment[i].buf = life_buf_of(life, at,
					     1 + life_below(life, 2900));
		segment[i].buf.ptr = NULL;
		end = at + segment[i].buf.len;
		at = (kind & 2) != 0 ? end : end + (kind >> 2);
	}
	err = bounce_map_sg(device->queue, segment, count,
			    (uint32_t)life_below(life, 2) * BOUNCE_SG_JOIN);
	if (err == BOUNCE_OK)
		end_list(life, device, segment, count);
	else
		life_refused(life, device, err);
}

void call_list(struct life *life)
{
	struct model_device *device = life_any_device(life);
	struct bounce_segment segment[PIECES];
	uint32_t count = 1 + (uint32_t)life_below(life, PIECES);
	uint64_t len = 1 + life_below(life, 3 * LONGEST);
	uint32_t how = life_any_how(life) & 15;
	struct bounce_buf buf;
	uint64_t at;
	enum bounce_err err;

	if (entries_free(&life->model) < PIECES ||
	    !life_find_private(life, len, &at))
		return;
	model_secret(&life->model, at, len);
	buf = life_buf_of(life, at, len);
	err = bounce_map_list(device->queue, &buf, how, segment, &count);
	if (err == BOUNCE_OK)
		end_list(life, device, segment, count);
	else
		life_refused(life, device, err);
}

/* A producer writes in place, commits less than it reserved, and unmaps. */
void call_reserve(struct life *life)
{
	uint32_t slot = model_slot(&life->model);
	struct model *model = &life->model;
	struct model_mapping made = {
		.device = life_any_device(life),
		.len = life_any_len(life),
	};
	struct model_mapping *entry = &model->mapping[slot];
	struct bounce_buf buf;
	uint64_t len;
	enum bounce_err err;

	if (slot == MODEL_MAPPINGS)
		return;
	err = bounce_reserve(made.device->queue, made.len, &buf, &made.handle);
	if (err != BOUNCE_OK) {
		life_refused(life, made.device, err);
		return;
	}
	*entry = made;
	life_agree(model_alloc(model, entry));
	len = 1 + life_below(life, made.len);
	model_secret(model, entry->shared_at, made.len);
	memset(model->allowed + entry->shared_at, 1, made.len);
	err = bounce_commit(made.device->queue, &entry->handle, len);
	fuzz_check(err == BOUNCE_OK);
	/* What lies behind is zero, and the device may read what is not. */
	memset(model->expect + entry->shared_at + len, 0, made.len - len);
	memset(model->allowed + entry->shared_at + len, 0, made.len - len);
	life_agree(model_check(model));
	err = bounce_unmap(made.device->queue, &entry->handle,
			   fuzz_byte(&life->in) < 0xc0 ? 0 : len);
	fuzz_check(err == BOUNCE_OK || err == BOUNCE_ERR_LENGTH);
	life_agree(model_free(model, entry));
}
