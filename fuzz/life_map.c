/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * life_map.c - fuzz_api.c: single mappings, and born-shared memory.
 */
#include "life.h"

void call_map(struct life *life)
{
	uint32_t slot = model_slot(&life->model);
	struct model_mapping made = {
		.kind = MODEL_BOUNCED,
		.device = life_any_device(life),
		.how = life_any_how(life),
		.len = life_any_len(life),
	};
	struct bounce_buf buf;
	enum bounce_err err;

	if (slot == MODEL_MAPPINGS ||
	    !life_find_private(life, made.len, &made.private_at))
		return;
	model_secret(&life->model, made.private_at, made.len);
	buf = life_buf_of(life, made.private_at, made.len);
	err = bounce_map(made.device->queue, &buf, made.how, &made.handle);
	made.how &= ~(uint32_t)BOUNCE_URGENT;
	life->model.mapping[slot] = made;
	if (err == BOUNCE_OK) {
		life_agree(model_map(&life->model, &life->model.mapping[slot]));
		return;
	}
	life->model.mapping[slot].kind = MODEL_ENDED;
	life_refused(life, made.device, err);
}

void call_alloc(struct life *life)
{
	uint32_t slot = model_slot(&life->model);
	struct model_mapping made = {
		.device = life_any_device(life),
		.len = life_any_len(life),
	};
	struct bounce_buf buf;
	enum bounce_err err;

	if (slot == MODEL_MAPPINGS)
		return;
	err = bounce_alloc(made.device->queue, made.len, 0, 0, &buf,
			   &made.handle);
	if (err != BOUNCE_OK) {
		life_refused(life, made.device, err);
		return;
	}
	life->model.mapping[slot] = made;
	life_agree(model_alloc(&life->model, &life->model.mapping[slot]));
}

/* A mapping of a part of some born-shared memory. */
void call_born(struct life *life, uint32_t base)
{
	const struct model_mapping *home = &life->model.mapping[base];
	uint32_t slot = model_slot(&life->model);
	uint64_t offset = life_below(life, home->len);
	struct model_mapping made = {
		.kind = MODEL_BORN,
		.base = base,
		.device = home->device,
		.how = life_any_how(life) & BOUNCE_BIDIRECTIONAL,
		.len = 1 + life_below(life, home->len - offset),
		.private_at = home->shared_at + offset,
	};
	struct bounce_buf buf;
	enum bounce_err err;

	if (slot == MODEL_MAPPINGS)
		return;
	buf = life_buf_of(life, made.private_at, made.len);
	err = bounce_map(made.device->queue, &buf, made.how, &made.handle);
	if (err != BOUNCE_OK) {
		life_refused(life, made.device, err);
		return;
	}
	life->model.mapping[slot] = made;
	life_agree(model_map(&life->model, &life->model.mapping[slot]));
}

void call_end(struct life *life, struct model_mapping *entry)
{
	struct bounce_queue *queue = entry->device->queue;
	uint64_t written;
	enum bounce_err err;

	if (entry->kind == MODEL_QUARANTINED) {
		fuzz_check(bounce_unmap(queue, &entry->handle, entry->len) ==
			   BOUNCE_ERR_STALE);
		fuzz_check(bounce_free(queue, &entry->handle) ==
			   BOUNCE_ERR_STALE);
		life_agree(model_check(&life->model));
	} else if (entry->kind == MODEL_SHARED) {
		err = bounce_free(queue, &entry->handle);
		fuzz_check(err ==
			   (entry->born != 0 ? BOUNCE_ERR_BUSY : BOUNCE_OK));
		life_agree(entry->born != 0 ? model_check(&life->model) :
					      model_free(&life->model, entry));
	} else {
		written = life_any_written(life, entry->len);
		err = bounce_unmap(queue, &entry->handle, written);
		fuzz_check(err == BOUNCE_OK || err == BOUNCE_ERR_LENGTH);
		life_agree(model_unmap(&life->model, entry, written, err));
	}
}

void call_sync(struct life *life, struct model_mapping *entry)
{
	struct bounce_queue *queue = entry->device->queue;
	uint8_t kind = fuzz_byte(&life->in);
	bool for_cpu = (kind & 1) != 0;
	bool wide = (kind & 0xf0) == 0xf0;
	uint64_t offset = wide ? fuzz_wide(&life->in) :
				 life_below(life, entry->len + 1);
	uint64_t len = wide ? fuzz_wide(&life->in) :
			      life_below(life, entry->len + 2 - offset);
	uint32_t way = for_cpu ? BOUNCE_FROM_DEVICE : BOUNCE_TO_DEVICE;
	bool good = (entry->how & way) != 0 && len != 0 &&
		    offset <= entry->len && len <= entry->len - offset;
	enum bounce_err err;

	if (entry->kind == MODEL_SHARED || entry->kind == MODEL_QUARANTINED)
		return;
	if (entry->kind == MODEL_BOUNCED && (entry->how & 1) != 0)
		model_secret(&life->model, entry->private_at, entry->len);
	err = for_cpu ?
		      bounce_sync_for_cpu(queue, &entry->handle, offset, len) :
		      bounce_sync_for_device(queue, &entry->handle, offset,
					     len);
	fuzz_check(err == (good ? BOUNCE_OK : BOUNCE_ERR_ARG));
	life_agree(
		good ? model_sync(&life->model, entry, offset, len, for_cpu) :
		       model_check(&life->model));
}

/* A3: some bits of a handle are other ones, or another device has it. */
void call_wrong(struct life *life, struct model_mapping *entry)
{
	struct model_device *device = life_any_device(life);
	struct bounce_mapping bad = entry->handle;
	unsigned char *bytes = (unsigned char *)&bad;
	uint8_t flip = fuzz_byte(&life->in);

	bytes[life_below(life, sizeof(bad))] ^= flip;
	if (flip == 0 && device == entry->device)
		return;
	fuzz_check(bounce_unmap(device->queue, &bad, entry->len) ==
		   BOUNCE_ERR_STALE);
	fuzz_check(bounce_free(device->queue, &bad) == BOUNCE_ERR_STALE);
	fuzz_check(bounce_sync_for_cpu(device->queue, &bad, 0, 1) ==
		   BOUNCE_ERR_STALE);
	fuzz_check(bounce_commit(device->queue, &bad, 1) == BOUNCE_ERR_STALE);
	life_agree(model_check(&life->model));
}

/* A bus address that the device says: none, or a live mapping of its own. */
void call_find(struct life *life, const struct model_mapping *entry)
{
	struct model_device *device = life_any_device(life);
	bounce_bus_t bus = { entry->kind == MODEL_ENDED ?
				     fuzz_wide(&life->in) :
				     entry->handle.bus.v +
					     life_below(life, entry->len + 1) };
	struct bounce_mapping found;
	bool known = false;

	if (bounce_mapping_find(device->queue, bus, &found) != BOUNCE_OK)
		return;
	for (uint32_t i = 0; i < MODEL_MAPPINGS; i++) {
		const struct model_mapping *m = &life->model.mapping[i];

		known |= m->kind != MODEL_ENDED && m->device == device &&
			 m->kind != MODEL_QUARANTINED &&
			 memcmp(&m->handle, &found, sizeof(found)) == 0;
	}
	fuzz_check(known);
	fuzz_check(bus.v - found.bus.v < found.len);
}
