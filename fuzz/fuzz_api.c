/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz_api.c - sequences of calls, a hostile device between all of them, and a
 * monitor that fails and lies; the reference model (tests/model.h) judges
 * every byte of the machine after each call. A1 to A4 are in life.h.
 */
#include "life.h"

enum {
	CALLS = 200 /* of one input */
};

/* ---- begin and end ---- */

static void attach(struct life *life, uint32_t i, uint8_t kind)
{
	static const uint64_t masks[] = { 0, 0x3f, 0xfff, 0x3fff };
	struct bounce_device_info info = life->bench.knobs.info;

	info.space = life->bench.space;
	info.owner = (kind & 1) != 0 ? 7 : 0;
	info.min_align_mask = masks[kind >> 1 & 3];
	info.alloc_align_mask = masks[kind >> 3 & 3];
	info.quota = (kind & 0x20) != 0 ? 65536 : 0;
	/* By the bypass window. */
	if (i == 1)
		info.features = BOUNCE_VIRTIO_F_VERSION_1;
	fuzz_check(bounce_device_attach(life->bench.bounce, &info,
					&life->attached[i], NULL) == BOUNCE_OK);
	life->device[i] = (struct model_device) {
		.queue = bounce_device_queue(life->attached[i], 0),
		.owner = (kind & 1) != 0 ? 1 : i + 2,
		.shift = i == 1 ? 0 : life->bench.knobs.shift,
		.align = info.alloc_align_mask,
	};
}

static void begin(struct life *life)
{
	uint8_t kind = fuzz_byte(&life->in);
	struct bench_knobs knobs = bench_usual();

	life->slabs = 1 + (kind & 1);
	knobs.slabs = (uint16_t)life->slabs;
	knobs.chunks = 1;
	knobs.devices = 0;
	knobs.blocks = kind >> 1 & 7;
	knobs.direct = 16;
	knobs.shift = (kind & 0x10) != 0 ? UINT64_C(1) << 40 : 0;
	knobs.private_bytes = PRIVATE;
	bench_power_on(&life->bench, &knobs);
	life->bench.machine.arch.contents = (kind >> 5 & 3) % 3;
	life->bench.machine.tables = (kind & 0x80) != 0;
	bench_set_up(&life->bench);
	for (uint32_t i = 0; i < DEVICES; i++)
		attach(life, i, fuzz_byte(&life->in));
	model_init(&life->model, &life->bench, 1);
}

static void end_one(struct life *life, struct model_mapping *entry)
{
	enum bounce_err err;

	if (entry->kind == MODEL_SHARED) {
		err = bounce_free(entry->device->queue, &entry->handle);
		fuzz_check(err == BOUNCE_OK);
		life_agree(model_free(&life->model, entry));
	} else {
		err = bounce_unmap(entry->device->queue, &entry->handle, 0);
		fuzz_check(err == BOUNCE_OK);
		life_agree(model_unmap(&life->model, entry, 0, err));
	}
}

/* A4. Mappings inside born-shared memory before that memory. */
static void finish(struct life *life)
{
	struct bounce_pool_stats stats;

	life->model.hold = true;
	for (uint32_t i = 0; i < DEVICES; i++)
		if (life->revoked[i])
			life_quiesce(life, i);
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < MODEL_MAPPINGS; i++) {
			struct model_mapping *entry = &life->model.mapping[i];

			if (entry->kind != MODEL_ENDED &&
			    (round == 1 || entry->kind != MODEL_SHARED))
				end_one(life, entry);
		}
	life->model.hold = false;
	if (!life->blind)
		life_agree(model_check(&life->model));
	bounce_block_reclaim(life->bench.bounce);
	bounce_pool_stats(life->bench.pool, &stats);
	fuzz_check(stats.slots_free == stats.slots);
	fuzz_check(bounce_valid(life->bench.bounce));
	for (uint32_t i = 0; i < DEVICES; i++)
		fuzz_check(bounce_device_detach(life->attached[i]) ==
			   BOUNCE_OK);
	model_fini(&life->model);
	memset(life->bench.machine.fault, 0, sizeof(life->bench.machine.fault));
	if (life->lost || life->blind)
		bench_discard(&life->bench);
	else
		bench_fini(&life->bench);
}

static void call_live(struct life *life, uint32_t i)
{
	struct model_mapping *entry = &life->model.mapping[i];

	switch (fuzz_byte(&life->in) % 8) {
	case 0:
	case 1:
	case 2:
		call_end(life, entry);
		break;
	case 3:
	case 4:
		call_sync(life, entry);
		break;
	case 5:
		call_wrong(life, entry);
		break;
	case 6:
		call_find(life, entry);
		break;
	default:
		if (entry->kind == MODEL_SHARED)
			call_born(life, i);
		break;
	}
}

static void call_any(struct life *life)
{
	uint8_t kind = fuzz_byte(&life->in);
	uint32_t i = (uint32_t)life_below(life, MODEL_MAPPINGS);

	if (kind >= 0x80)
		model_scribble(&life->model);
	if (life->model.mapping[i].kind != MODEL_ENDED && kind % 4 != 0) {
		call_live(life, i);
		return;
	}
	switch (kind % 16) {
	case 1:
		call_alloc(life);
		break;
	case 2:
		call_sg(life);
		break;
	case 3:
		call_list(life);
		break;
	case 4:
		call_reserve(life);
		break;
	case 5:
	case 6:
		call_slow(life);
		break;
	case 7:
		call_find(life, &life->model.mapping[i]);
		break;
	default:
		call_map(life);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct life *life = calloc(1, sizeof(*life));

	fuzz_check(life != NULL);
	life->in = (struct fuzz_input) { data, size };
	begin(life);
	for (int calls = 0; calls < CALLS && fuzz_more(&life->in); calls++)
		if (!life->blind)
			call_any(life);
	finish(life);
	free(life);
	return 0;
}
