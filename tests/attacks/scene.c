/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * scene.c - calls under the strongest oracles; S1 to S3 are in scene.h.
 */
#include "scene.h"

#include <string.h>

#include "instance.h"

static void hold(const char *wrong)
{
	if (wrong != NULL)
		bench_failed(wrong, "scene", 0);
}

struct bench_knobs scene_usual(void)
{
	struct bench_knobs knobs = bench_usual();

	knobs.chunks = 1;
	knobs.private_bytes = 64 * 1024;
	return knobs;
}

void scene_init(struct scene *scene, const struct bench_knobs *knobs)
{
	memset(scene, 0, sizeof(*scene));
	bench_init(&scene->bench, knobs);
	model_init(&scene->model, &scene->bench, 1);
	for (uint32_t i = 0; i < knobs->devices; i++)
		scene->device[i] = (struct model_device) {
			.queue = scene->bench.queue[i],
			.owner = knobs->info.owner != 0 ? 1 : i + 1,
			.shift = knobs->shift,
			.align = knobs->info.alloc_align_mask,
		};
}

void scene_fini(struct scene *scene)
{
	struct bounce_pool_stats stats;

	for (uint32_t i = 0; i < MODEL_MAPPINGS; i++)
		bench_check(scene->model.mapping[i].kind == MODEL_ENDED);
	bounce_block_reclaim(scene->bench.bounce);
	bounce_pool_stats(scene->bench.pool, &stats);
	bench_check(stats.slots_free == stats.slots);
	model_fini(&scene->model);
	bench_fini(&scene->bench);
}

void scene_look(struct scene *scene)
{
	hold(model_check(&scene->model));
	bench_check(bounce_valid(scene->bench.bounce));
	if (!scene->calm)
		model_scribble(&scene->model);
}

bool scene_is_zero(const struct scene *scene, uint64_t at, uint64_t len)
{
	const unsigned char *bytes = scene->bench.machine.memory + at;

	return len == 0 ||
	       (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

struct model_mapping *scene_try(struct scene *scene,
				const struct scene_wish *wish)
{
	struct model *model = &scene->model;
	uint32_t slot = model_slot(model);
	struct model_mapping *mapping = &model->mapping[slot];
	const struct bounce_buf buf = bench_buf(&scene->bench, wish->at,
						wish->len);
	struct model_mapping made = {
		.kind = MODEL_BOUNCED,
		.how = wish->how,
		.device = &scene->device[wish->device],
		.private_at = model_private(model) + wish->at,
		.len = wish->len,
	};
	enum bounce_err err;

	bench_check(slot < MODEL_MAPPINGS);
	err = bounce_map(made.device->queue, &buf, wish->how, &made.handle);
	if (err == BOUNCE_ERR_FULL || err == BOUNCE_ERR_FRAGMENTED)
		return NULL;
	bench_check(err == BOUNCE_OK);
	*mapping = made;
	hold(model_map(model, mapping));
	scene_look(scene);
	return mapping;
}

struct model_mapping *scene_map(struct scene *scene,
				const struct scene_wish *wish)
{
	struct model_mapping *mapping = scene_try(scene, wish);

	bench_check(mapping != NULL);
	return mapping;
}

/* What was refused changed nothing. */
static void unchanged(struct scene *scene, struct picture *picture)
{
	bench_check(picture_same(picture));
	picture_drop(picture);
	scene_look(scene);
}

enum bounce_err scene_refused(struct scene *scene, uint32_t device,
			      const struct bounce_buf *buf, uint32_t how)
{
	struct picture picture = picture_take(&scene->bench);
	struct bounce_mapping handle;
	struct bounce_mapping before;
	enum bounce_err err;

	memset(&handle, 0x5a, sizeof(handle));
	before = handle;
	err = bounce_map(scene->device[device].queue, buf, how, &handle);
	bench_check(err != BOUNCE_OK);
	bench_check(memcmp(&handle, &before, sizeof(handle)) == 0);
	unchanged(scene, &picture);
	return err;
}

enum bounce_err scene_unmap(struct scene *scene, struct model_mapping *mapping,
			    uint64_t written)
{
	enum bounce_err err = bounce_unmap(mapping->device->queue,
					   &mapping->handle, written);

	bench_check(err == BOUNCE_OK || err == BOUNCE_ERR_LENGTH);
	hold(model_unmap(&scene->model, mapping, written, err));
	scene_look(scene);
	return err;
}

void scene_forged(struct scene *scene, uint32_t device,
		  const struct bounce_mapping *handle)
{
	struct bounce_queue *queue = scene->device[device].queue;
	struct picture picture = picture_take(&scene->bench);

	bench_check(bounce_unmap(queue, handle, 1) == BOUNCE_ERR_STALE);
	bench_check(bounce_free(queue, handle) == BOUNCE_ERR_STALE);
	bench_check(bounce_sync_for_cpu(queue, handle, 0, 1) ==
		    BOUNCE_ERR_STALE);
	bench_check(bounce_sync_for_device(queue, handle, 0, 1) ==
		    BOUNCE_ERR_STALE);
	unchanged(scene, &picture);
}

enum bounce_err scene_sync(struct scene *scene, struct model_mapping *mapping,
			   uint64_t offset, uint64_t len, bool for_cpu)
{
	struct picture picture = picture_take(&scene->bench);
	enum bounce_err err =
		for_cpu ? bounce_sync_for_cpu(mapping->device->queue,
					      &mapping->handle, offset, len) :
			  bounce_sync_for_device(mapping->device->queue,
						 &mapping->handle, offset, len);

	if (err != BOUNCE_OK) {
		unchanged(scene, &picture);
		return err;
	}
	picture_drop(&picture);
	hold(model_sync(&scene->model, mapping, offset, len, for_cpu));
	scene_look(scene);
	return err;
}

struct model_mapping *scene_alloc(struct scene *scene, uint32_t device,
				  uint64_t len)
{
	struct model *model = &scene->model;
	uint32_t slot = model_slot(model);
	struct model_mapping made = { .device = &scene->device[device],
				      .len = len };
	struct bounce_buf buf;

	bench_check(slot < MODEL_MAPPINGS);
	bench_check(bounce_alloc(made.device->queue, len, 0, 0, &buf,
				 &made.handle) == BOUNCE_OK);
	model->mapping[slot] = made;
	hold(model_alloc(model, &model->mapping[slot]));
	scene_look(scene);
	return &model->mapping[slot];
}

void scene_free(struct scene *scene, struct model_mapping *mapping)
{
	bench_check(bounce_free(mapping->device->queue, &mapping->handle) ==
		    BOUNCE_OK);
	hold(model_free(&scene->model, mapping));
	scene_look(scene);
}

unsigned char *scene_private(const struct scene *scene,
			     const struct model_mapping *mapping)
{
	return scene->bench.machine.memory + mapping->private_at;
}

unsigned char *scene_shared(const struct scene *scene,
			    const struct model_mapping *mapping)
{
	return scene->bench.machine.memory + mapping->shared_at;
}

void scene_device_writes(struct scene *scene,
			 const struct model_mapping *mapping,
			 unsigned char byte)
{
	memset(scene_shared(scene, mapping), byte, mapping->len);
	memset(scene->model.expect + mapping->shared_at, byte, mapping->len);
	memset(scene->model.allowed + mapping->shared_at, 0, mapping->len);
}
