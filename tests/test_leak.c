/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_leak.c - S1 and S2 held against long random lives: a hostile device
 * overwrites every shared byte between all calls, and after each call every
 * byte of the machine is compared with the model (attacks A01 to A05, A09 to
 * A12, A14, A17, B02, B03, B14, B15, B18, B19).
 *
 * Every private byte is odd and every device byte even, so that one private
 * byte in a shared page is seen wherever it is. Which bytes may be there, the
 * model says (model.h).
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "instance.h"
#include "model.h"
#include "support.h"

/* The build may ask for less, where it is slow. */
#ifndef LEAK_CALLS
#define LEAK_CALLS 5000
#endif

enum {
	CALLS = LEAK_CALLS,
	MOST_DEVICES = 4
};

/* What differs between the configurations. */
struct setting {
	const char *name;
	uint64_t seed;
	uint16_t slabs;
	uint16_t chunks;
	uint32_t blocks;
	uint32_t direct;
	uint32_t longest; /* bytes of a buffer */
	bool own_bytes; /* each device an owner of its own; else one for all */
	bool direct_device; /* device 0 is let at the caller's own pages */
	uint64_t shift;
	uint64_t match; /* min_align_mask of the last device */
	uint64_t align; /* alloc_align_mask of the last device */
};

struct life {
	const struct setting *setting;
	struct bench bench;
	struct model model;
	struct model_device device[MOST_DEVICES];
	struct bounce_device *attached[MOST_DEVICES];
	uint32_t calls; /* of the library */
	uint32_t made; /* mappings, and memory of bounce_alloc() */
};

static struct bounce_device_info info_of(const struct life *life, uint32_t i)
{
	const struct setting *setting = life->setting;
	struct bounce_device_info info = life->bench.knobs.info;

	info.space = life->bench.space;
	info.owner = setting->own_bytes ? 0 : 7;
	if (i == 0 && setting->direct_device)
		info.flags = BOUNCE_DEVICE_ATTESTED;
	/* One is not offered ACCESS_PLATFORM: it goes by the bypass window. */
	if (i == 1)
		info.features = BOUNCE_VIRTIO_F_VERSION_1;
	if (i == MOST_DEVICES - 1) {
		info.min_align_mask = setting->match;
		info.alloc_align_mask = setting->align;
	}
	return info;
}

static void attach(struct life *life, uint32_t i)
{
	const struct bounce_device_info info = info_of(life, i);

	cr_assert_eq(bounce_device_attach(life->bench.bounce, &info,
					  &life->attached[i], NULL),
		     BOUNCE_OK);
	life->device[i] = (struct model_device) {
		.queue = bounce_device_queue(life->attached[i], 0),
		.owner = life->setting->own_bytes ? i + 1 : 1,
		.shift = i == 1 ? 0 : life->setting->shift,
		.align = info.alloc_align_mask,
	};
}

static void begin(struct life *life, const struct setting *setting)
{
	struct bench_knobs knobs = bench_usual();

	memset(life, 0, sizeof(*life));
	life->setting = setting;
	knobs.slabs = setting->slabs;
	knobs.grown = setting->slabs;
	knobs.chunks = setting->chunks;
	knobs.devices = 0;
	knobs.blocks = setting->blocks;
	knobs.direct = setting->direct;
	knobs.shift = setting->shift;
	knobs.private_bytes = 128 * 1024;
	bench_init(&life->bench, &knobs);
	for (uint32_t i = 0; i < MOST_DEVICES; i++)
		attach(life, i);
	model_init(&life->model, &life->bench, setting->seed);
}

static bool is_direct(const struct life *life, const struct model_device *who)
{
	return life->setting->direct_device && who == &life->device[0];
}

/* ---- one random call each; NULL, or what was wrong ---- */

static uint32_t random_how(struct model *model)
{
	static const uint32_t hows[] = {
		BOUNCE_TO_DEVICE,
		BOUNCE_FROM_DEVICE,
		BOUNCE_FROM_DEVICE,
		BOUNCE_BIDIRECTIONAL,
		BOUNCE_FROM_DEVICE | BOUNCE_ZERO,
		BOUNCE_FROM_DEVICE | BOUNCE_PRESERVE,
	};

	return hows[model_below(model, sizeof(hows) / sizeof(hows[0]))];
}

/* Often small, sometimes around an edge, seldom long. */
static uint64_t random_len(struct life *life)
{
	static const uint64_t edges[] = { 64, 128, 2048, 4096, 8192 };
	struct model *model = &life->model;
	uint64_t longest = life->setting->longest;
	uint64_t len;

	switch (model_below(model, 4)) {
	case 0:
		len = 1 + model_below(model, 130);
		break;
	case 1:
		len = edges[model_below(model, 5)] + model_below(model, 3) - 1;
		break;
	default:
		len = 1 + model_below(model, longest);
		break;
	}
	return len <= longest ? len : longest;
}

/* A stretch of private bytes that no live mapping uses. */
static bool find_private(struct life *life, uint64_t len, uint64_t *at)
{
	struct model *model = &life->model;
	uint64_t first = model_private(model);

	*at = first + model_below(model, model->bytes - first - len + 1);
	for (uint32_t i = 0; i < MODEL_MAPPINGS; i++) {
		const struct model_mapping *m = &model->mapping[i];

		if ((m->kind == MODEL_BOUNCED || m->kind == MODEL_DIRECT) &&
		    bounce_overlaps(*at, len, m->private_at, m->len))
			return false;
	}
	return true;
}

static bool room_error(enum bounce_err err)
{
	return err == BOUNCE_ERR_FULL || err == BOUNCE_ERR_FRAGMENTED;
}

static const char *call_map(struct life *life)
{
	struct model *model = &life->model;
	uint32_t slot = model_slot(model);
	struct model_mapping *entry = &model->mapping[slot];
	struct model_mapping made = { 0 };
	struct bounce_buf buf = { .len = random_len(life) };
	enum bounce_err err;

	if (slot == MODEL_MAPPINGS ||
	    !find_private(life, buf.len, &made.private_at))
		return NULL;
	made.device = &life->device[model_below(model, MOST_DEVICES)];
	made.kind = is_direct(life, made.device) ? MODEL_DIRECT : MODEL_BOUNCED;
	made.how = random_how(model);
	made.len = buf.len;
	model_secret(model, made.private_at, made.len);
	buf.gpa.v = model->base + made.private_at;
	buf.ptr = model_below(model, 2) == 0 ? NULL :
					       model->memory + made.private_at;
	life->calls++;
	err = bounce_map(made.device->queue, &buf, made.how, &made.handle);
	if (room_error(err))
		return model_check(model);
	if (err != BOUNCE_OK)
		return "a good buffer was refused";
	life->made++;
	*entry = made;
	return model_map(model, entry);
}

static const char *call_alloc(struct life *life)
{
	struct model *model = &life->model;
	uint32_t slot = model_slot(model);
	struct model_mapping *entry = &model->mapping[slot];
	struct model_mapping made = { .len = 1 + model_below(model, 9000) };
	struct bounce_buf buf;
	enum bounce_err err;

	/* Not all the memory for ever. */
	if (slot == MODEL_MAPPINGS || model_below(model, 4) != 0)
		return NULL;
	/* The device that sees its own pages would get no shared slot. */
	made.device = &life->device[1 + model_below(model, MOST_DEVICES - 1)];
	life->calls++;
	err = bounce_alloc(made.device->queue, made.len, 0, 0, &buf,
			   &made.handle);
	if (room_error(err))
		return model_check(model);
	if (err != BOUNCE_OK)
		return "good memory was refused";
	life->made++;
	*entry = made;
	return model_alloc(model, entry);
}

/* A mapping of a random part of some born-shared memory. */
static const char *call_born(struct life *life, uint32_t base)
{
	struct model *model = &life->model;
	const struct model_mapping *home = &model->mapping[base];
	uint32_t slot = model_slot(model);
	struct model_mapping *entry = &model->mapping[slot];
	struct model_mapping made = { .kind = MODEL_BORN, .base = base };
	struct bounce_buf buf = { .ptr = NULL };
	uint64_t offset = model_below(model, home->len);
	enum bounce_err err;

	if (slot == MODEL_MAPPINGS)
		return NULL;
	made.device = home->device;
	made.how = random_how(model);
	made.len = 1 + model_below(model, home->len - offset);
	made.private_at = home->shared_at + offset;
	buf.gpa.v = model->base + made.private_at;
	buf.len = made.len;
	life->calls++;
	err = bounce_map(made.device->queue, &buf, made.how, &made.handle);
	if (room_error(err))
		return model_check(model);
	if (err != BOUNCE_OK)
		return "a part of born-shared memory was refused";
	life->made++;
	*entry = made;
	return model_map(model, entry);
}

/* Honest, short, nothing, or a lie. */
static uint64_t random_written(struct model *model,
			       const struct model_mapping *entry)
{
	switch (model_below(model, 8)) {
	case 0:
		return 0;
	case 1:
		return entry->len + 1 + model_below(model, 5000);
	case 2:
		return model_random(model);
	case 3:
	case 4:
		return model_below(model, entry->len + 1);
	default:
		return (entry->how & BOUNCE_FROM_DEVICE) != 0 ? entry->len : 0;
	}
}

static const char *call_end(struct life *life, struct model_mapping *entry)
{
	struct model *model = &life->model;
	uint64_t written = random_written(model, entry);
	enum bounce_err err;

	if (entry->kind == MODEL_SHARED) {
		life->calls++;
		err = bounce_free(entry->device->queue, &entry->handle);
		if (entry->born != 0)
			return err == BOUNCE_ERR_BUSY ?
				       model_check(model) :
				       "free under a mapping was not BUSY";
		return err == BOUNCE_OK ? model_free(model, entry) :
					  "memory could not be freed";
	}
	err = bounce_unmap(entry->device->queue, &entry->handle, written);
	if (err != BOUNCE_OK && err != BOUNCE_ERR_LENGTH)
		return "a live mapping could not be ended";
	return model_unmap(model, entry, written, err);
}

static const char *call_sync(struct life *life, struct model_mapping *entry)
{
	struct model *model = &life->model;
	bool for_cpu = model_below(model, 2) != 0;
	uint64_t offset = model_below(model, entry->len + 2);
	uint64_t len = model_below(model, entry->len + 2);
	uint32_t direction = for_cpu ? BOUNCE_FROM_DEVICE : BOUNCE_TO_DEVICE;
	bool good = (entry->how & direction) != 0 && len != 0 &&
		    offset + len <= entry->len;
	enum bounce_err err;

	if (entry->kind == MODEL_SHARED)
		return NULL;
	if ((entry->how & BOUNCE_TO_DEVICE) != 0 &&
	    entry->kind == MODEL_BOUNCED)
		model_secret(model, entry->private_at, entry->len);
	life->calls++;
	err = for_cpu ? bounce_sync_for_cpu(entry->device->queue,
					    &entry->handle, offset, len) :
			bounce_sync_for_device(entry->device->queue,
					       &entry->handle, offset, len);
	if (good != (err == BOUNCE_OK))
		return good ? "a good sync was refused" :
			      "a bad sync was accepted";
	return good ? model_sync(model, entry, offset, len, for_cpu) :
		      model_check(model);
}

/* A handle with a bit flipped, or one that has ended. */
static const char *call_wrong(struct life *life, struct model_mapping *entry)
{
	struct model *model = &life->model;
	struct bounce_mapping bad = entry->handle;
	uint64_t bit = model_below(model, 256);

	((unsigned char *)&bad)[bit / 8] ^= (unsigned char)(1u << bit % 8);
	life->calls++;
	if (bounce_unmap(entry->device->queue, &bad, entry->len) !=
		    BOUNCE_ERR_STALE ||
	    bounce_free(entry->device->queue, &bad) != BOUNCE_ERR_STALE)
		return "a damaged handle was believed";
	return model_check(model);
}

static const char *call_any(struct life *life)
{
	struct model *model = &life->model;
	uint32_t i = (uint32_t)model_below(model, MODEL_MAPPINGS);
	struct model_mapping *entry = &model->mapping[i];

	if (entry->kind == MODEL_ENDED)
		return model_below(model, 6) == 0 ? call_alloc(life) :
						    call_map(life);
	switch (model_below(model, 8)) {
	case 0:
	case 1:
	case 2:
		return call_end(life, entry);
	case 3:
	case 4:
	case 5:
		return call_sync(life, entry);
	case 6:
		return call_wrong(life, entry);
	default:
		return entry->kind == MODEL_SHARED ? call_born(life, i) :
						     call_map(life);
	}
}

/* What is left, children before their memory. */
static void end_all(struct life *life)
{
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < MODEL_MAPPINGS; i++) {
			struct model_mapping *entry = &life->model.mapping[i];
			const char *wrong;

			if (entry->kind == MODEL_ENDED ||
			    (round == 0 && entry->kind == MODEL_SHARED))
				continue;
			wrong = call_end(life, entry);
			cr_assert_null(wrong, "%s", wrong);
		}
	}
}

static void live(const struct setting *setting)
{
	struct life *life = malloc(sizeof(*life));
	struct bounce_pool_stats stats;

	begin(life, setting);
	while (life->calls < CALLS) {
		const char *wrong;

		/* Not each time, so that bytes left by the library are seen. */
		if (model_below(&life->model, 4) != 0)
			model_scribble(&life->model);
		wrong = call_any(life);
		cr_assert_null(wrong, "%s, call %u: %s", setting->name,
			       life->calls, wrong);
	}
	end_all(life);
	cr_expect_gt(life->made, CALLS / 10, "the calls did something");
	bounce_block_reclaim(life->bench.bounce);
	bounce_pool_stats(life->bench.pool, &stats);
	cr_expect_eq(stats.slots_free, stats.slots, "and nothing is left");
	for (uint32_t i = 0; i < MOST_DEVICES; i++)
		cr_expect_eq(bounce_device_detach(life->attached[i]),
			     BOUNCE_OK);
	model_fini(&life->model);
	bench_fini(&life->bench);
	free(life);
}

Test(leak, no_byte_is_astray_between_four_owners_with_granules)
{
	live(&(struct setting) {
		.name = "owners",
		.seed = 1,
		.slabs = 1,
		.chunks = 1,
		.blocks = 8,
		.direct = 32,
		.longest = 20000,
		.own_bytes = true,
	});
}

Test(leak, no_byte_is_astray_with_one_owner_and_no_granules)
{
	live(&(struct setting) {
		.name = "slots",
		.seed = 2,
		.slabs = 1,
		.chunks = 1,
		.blocks = 0,
		.direct = 32,
		.longest = 12000,
	});
}

Test(leak, no_byte_is_astray_in_several_slabs_behind_an_offset)
{
	live(&(struct setting) {
		.name = "slabs",
		.seed = 3,
		.slabs = 3,
		.chunks = 1,
		.blocks = 3,
		.direct = 8,
		.longest = 60000,
		.own_bytes = true,
		.shift = UINT64_C(1) << 40,
	});
}

Test(leak, no_byte_is_astray_with_alignment_masks)
{
	live(&(struct setting) {
		.name = "masks",
		.seed = 4,
		.slabs = 1,
		.chunks = 2,
		.blocks = 4,
		.direct = 8,
		.longest = 9000,
		.own_bytes = true,
		.match = 0xfff,
		.align = 0x3ff,
	});
}

Test(leak, no_byte_is_astray_beside_a_direct_device)
{
	live(&(struct setting) {
		.name = "direct",
		.seed = 5,
		.slabs = 1,
		.chunks = 1,
		.blocks = 8,
		.direct = 32,
		.longest = 5000,
		.own_bytes = true,
		.direct_device = true,
		.shift = (uint64_t)0 - 0x10000000,
		.match = 0x7fff,
	});
}

Test(leak, no_byte_is_astray_in_runs_of_many_chunks)
{
	live(&(struct setting) {
		.name = "large",
		.seed = 6,
		.slabs = 1,
		.chunks = 4,
		.blocks = 2,
		.direct = 4,
		.longest = 100000,
		.own_bytes = true,
		.match = 0xfff,
		.align = 0xffff,
	});
}
