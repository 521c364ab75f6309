/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * model.c - the reference model of the mapping layer; see model.h.
 *
 * It knows nothing of the library's code but two numbers of a record (how far
 * into its run a mapping begins, and whether the run is of granules or slots):
 * without them nobody could say which bytes must be zero.
 */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "instance.h"

static uint64_t slot_of(uint64_t at)
{
	return at / BOUNCE_SLOT_BYTES;
}

void model_init(struct model *model, const struct bench *bench, uint64_t seed)
{
	uint64_t bytes = bench->machine.bytes;

	*model = (struct model) {
		.bench = bench,
		.memory = bench->machine.memory,
		.base = bench->machine.base,
		.bytes = bytes,
		.expect = malloc(bytes),
		.allowed = calloc(bytes, 1),
		.shared = calloc(slot_of(bytes), sizeof(bool)),
		.owner = calloc(slot_of(bytes), sizeof(uint32_t)),
		.used = calloc(bytes / BOUNCE_GRANULE_BYTES, sizeof(uint16_t)),
		.noise = malloc(MODEL_NOISE),
		.random = seed,
	};
	for (uint64_t i = 0; i < MODEL_NOISE; i++)
		model->noise[i] = (unsigned char)model_random(model) & 0xfe;
	memcpy(model->expect, model->memory, bytes);
	model_learn(model);
	model_secret(model, model_private(model), bytes - model_private(model));
}

void model_fini(struct model *model)
{
	free(model->expect);
	free(model->allowed);
	free(model->shared);
	free(model->owner);
	free(model->used);
	free(model->noise);
}

static bool truth(const struct model *model, uint64_t slot)
{
	return fake_machine_is_shared(&model->bench->machine,
				      model->base + slot * BOUNCE_SLOT_BYTES);
}

void model_learn(struct model *model)
{
	for (uint64_t i = 0; i < slot_of(model->bytes); i++) {
		uint64_t at = i * BOUNCE_SLOT_BYTES;

		if (model->shared[i] == truth(model, i))
			continue;
		model->shared[i] = !model->shared[i];
		memcpy(model->expect + at, model->memory + at,
		       BOUNCE_SLOT_BYTES);
	}
}

uint64_t model_private(const struct model *model)
{
	return bench_private_gpa(model->bench, 0).v - model->base;
}

uint64_t model_random(struct model *model)
{
	return bench_random(&model->random);
}

uint64_t model_below(struct model *model, uint64_t limit)
{
	return bench_below(&model->random, limit);
}

void model_secret(struct model *model, uint64_t at, uint64_t len)
{
	for (uint64_t i = at; i < at + len; i++) {
		model->memory[i] = (unsigned char)(model_random(model) >> 32) |
				   1u;
		model->expect[i] = model->memory[i];
	}
}

void model_scribble(struct model *model)
{
	const uint64_t starts = MODEL_NOISE - BOUNCE_SLOT_BYTES;

	for (uint64_t at = 0; at < model->bytes; at += BOUNCE_SLOT_BYTES) {
		if (!model->shared[slot_of(at)])
			continue;
		memcpy(model->memory + at,
		       model->noise + model_below(model, starts),
		       BOUNCE_SLOT_BYTES);
		memcpy(model->expect + at, model->memory + at,
		       BOUNCE_SLOT_BYTES);
		memset(model->allowed + at, 0, BOUNCE_SLOT_BYTES);
	}
}

uint32_t model_slot(const struct model *model)
{
	for (uint32_t i = 0; i < MODEL_MAPPINGS; i++)
		if (model->mapping[i].kind == MODEL_ENDED)
			return i;
	return MODEL_MAPPINGS;
}

/* ---- what a call may change ---- */

static void expect_zero(struct model *model, uint64_t at, uint64_t len)
{
	memset(model->expect + at, 0, len);
	memset(model->allowed + at, 0, len);
}

static void expect_copy(struct model *model, uint64_t to, uint64_t from,
			uint64_t len)
{
	memcpy(model->expect + to, model->expect + from, len);
}

/* A device that only writes: zero, or what its own owner left there. */
static void expect_left(struct model *model, const struct model_mapping *entry)
{
	for (uint64_t i = 0; i < entry->len; i++) {
		uint64_t at = entry->shared_at + i;

		if (model->owner[slot_of(at)] != entry->device->owner ||
		    model->memory[at] == 0)
			expect_zero(model, at, 1);
	}
}

static void expect_payload(struct model *model,
			   const struct model_mapping *entry)
{
	if (entry->how & (BOUNCE_TO_DEVICE | BOUNCE_PRESERVE)) {
		expect_copy(model, entry->shared_at, entry->private_at,
			    entry->len);
		memset(model->allowed + entry->shared_at, 1, entry->len);
	} else if (entry->how & BOUNCE_ZERO) {
		expect_zero(model, entry->shared_at, entry->len);
	} else {
		expect_left(model, entry);
	}
}

/* Which bytes the run covers, from the private record. */
static void find_run(const struct model *model, struct model_mapping *entry)
{
	uint32_t record = entry->handle.record;
	struct record_about about = record_unpack(atomic_load_explicit(
		&model->bench->bounce->record[record].about,
		memory_order_relaxed));
	uint64_t span = about.offset + entry->len;
	uint64_t unit = record < model->bench->bounce->first_block_record ?
				BOUNCE_SLOT_BYTES :
				BOUNCE_GRANULE_BYTES;

	if (entry->kind == MODEL_BOUNCED)
		span = bounce_round_up(span, entry->device->align);
	entry->run_at = entry->shared_at - about.offset;
	entry->run_len = bounce_round_up(span, unit - 1);
}

static bool all_shared(const struct model *model, uint64_t at, uint64_t len)
{
	if (at >= model->bytes || len > model->bytes - at)
		return false;
	for (uint64_t i = slot_of(at); i <= slot_of(at + len - 1); i++)
		if (!model->shared[i])
			return false;
	return true;
}

/* M4. */
static bool take(struct model *model, const struct model_mapping *entry)
{
	uint16_t name = (uint16_t)(entry - model->mapping + 1);
	uint64_t first = entry->run_at / BOUNCE_GRANULE_BYTES;
	uint64_t count = entry->run_len / BOUNCE_GRANULE_BYTES;

	for (uint64_t i = first; i < first + count; i++) {
		if (model->used[i] != 0)
			return false;
		model->used[i] = name;
	}
	return true;
}

static void give(struct model *model, const struct model_mapping *entry)
{
	memset(model->used + entry->run_at / BOUNCE_GRANULE_BYTES, 0,
	       entry->run_len / BOUNCE_GRANULE_BYTES * sizeof(uint16_t));
}

static void own(struct model *model, const struct model_mapping *entry)
{
	uint64_t last = entry->run_at + entry->run_len - 1;

	for (uint64_t i = slot_of(entry->run_at); i <= slot_of(last); i++)
		model->owner[i] = entry->device->owner;
}

/* A new run: disjoint from all others, in shared pages, its rest zero. */
static const char *claim(struct model *model, struct model_mapping *entry)
{
	uint64_t end;

	entry->shared_at = entry->handle.bus.v - entry->device->shift -
			   model->base;
	if (!all_shared(model, entry->shared_at, entry->len))
		return "the device was given an address outside shared pages";
	find_run(model, entry);
	if (!all_shared(model, entry->run_at, entry->run_len))
		return "a run leaves the shared pages";
	if (!take(model, entry))
		return "two live mappings own the same byte";
	end = entry->shared_at + entry->len;
	expect_payload(model, entry);
	expect_zero(model, entry->run_at, entry->shared_at - entry->run_at);
	expect_zero(model, end, entry->run_at + entry->run_len - end);
	own(model, entry);
	return NULL;
}

const char *model_map(struct model *model, struct model_mapping *entry)
{
	const char *wrong = NULL;
	uint64_t gpa = model->base + entry->private_at;

	if (entry->kind == MODEL_BOUNCED)
		wrong = claim(model, entry);
	else if (entry->handle.bus.v != gpa + entry->device->shift)
		wrong = "memory that is used where it is got another address";
	else
		entry->shared_at = entry->private_at;
	if (wrong == NULL && entry->handle.len != entry->len)
		wrong = "the handle has another length than the buffer";
	if (entry->kind == MODEL_BORN)
		model->mapping[entry->base].born++;
	return wrong != NULL ? wrong : model_check(model);
}

const char *model_alloc(struct model *model, struct model_mapping *entry)
{
	const char *wrong;

	entry->kind = MODEL_SHARED;
	entry->how = BOUNCE_FROM_DEVICE | BOUNCE_ZERO;
	entry->born = 0;
	wrong = claim(model, entry);
	return wrong != NULL ? wrong : model_check(model);
}

const char *model_unmap(struct model *model, struct model_mapping *entry,
			uint64_t written, enum bounce_err err)
{
	bool writes = (entry->how & BOUNCE_FROM_DEVICE) != 0;
	bool lie = written > (writes ? entry->len : 0);

	if (lie != (err == BOUNCE_ERR_LENGTH))
		return lie ? "a length above the mapping was believed" :
			     "an honest length was called a lie";
	if (written != 0 && (entry->how & (BOUNCE_ZERO | BOUNCE_PRESERVE)) != 0)
		written = entry->len;
	if (entry->kind == MODEL_BOUNCED && writes && !lie)
		expect_copy(model, entry->private_at, entry->shared_at,
			    written);
	if (entry->kind == MODEL_BOUNCED)
		give(model, entry);
	if (entry->kind == MODEL_BORN)
		model->mapping[entry->base].born--;
	entry->kind = MODEL_ENDED;
	return model_check(model);
}

const char *model_free(struct model *model, struct model_mapping *entry)
{
	if (entry->born != 0)
		return "memory was freed under a live mapping";
	give(model, entry);
	entry->kind = MODEL_ENDED;
	return model_check(model);
}

const char *model_sync(struct model *model, struct model_mapping *entry,
		       uint64_t offset, uint64_t len, bool for_cpu)
{
	uint64_t private_at = entry->private_at + offset;
	uint64_t shared_at = entry->shared_at + offset;

	if (entry->kind != MODEL_BOUNCED)
		return model_check(model);
	if (for_cpu) {
		expect_copy(model, private_at, shared_at, len);
	} else {
		expect_copy(model, shared_at, private_at, len);
		memset(model->allowed + shared_at, 1, len);
	}
	return model_check(model);
}

const char *model_revoke(struct model *model, const struct model_device *device)
{
	for (uint32_t i = 0; i < MODEL_MAPPINGS; i++) {
		struct model_mapping *entry = &model->mapping[i];

		if (entry->device != device || entry->kind == MODEL_ENDED)
			continue;
		if (entry->kind == MODEL_BORN)
			model->mapping[entry->base].born--;
		if (entry->kind == MODEL_BOUNCED || entry->kind == MODEL_SHARED)
			entry->kind = MODEL_QUARANTINED;
		else if (entry->kind != MODEL_QUARANTINED)
			entry->kind = MODEL_ENDED;
	}
	return model_check(model);
}

const char *model_quiesced(struct model *model,
			   const struct model_device *device)
{
	for (uint32_t i = 0; i < MODEL_MAPPINGS; i++) {
		struct model_mapping *entry = &model->mapping[i];

		if (entry->device != device || entry->kind != MODEL_QUARANTINED)
			continue;
		give(model, entry);
		entry->kind = MODEL_ENDED;
	}
	return model_check(model);
}

/* ---- the comparison ---- */

/* M2: a byte that nobody owns may have become zero. */
static const char *check_shared(struct model *model, uint64_t at)
{
	for (uint64_t i = at; i < at + BOUNCE_SLOT_BYTES; i++) {
		if (model->memory[i] == model->expect[i])
			continue;
		if (model->memory[i] != 0 ||
		    model->used[i / BOUNCE_GRANULE_BYTES] != 0)
			return "a shared byte is not what it should be";
		expect_zero(model, i, 1);
	}
	return NULL;
}

/* M3, eight bytes at a time. */
static bool tainted(const struct model *model, uint64_t at)
{
	uint64_t bytes[BOUNCE_SLOT_BYTES / sizeof(uint64_t)];
	uint64_t allowed[BOUNCE_SLOT_BYTES / sizeof(uint64_t)];
	uint64_t odd = 0;

	memcpy(bytes, model->memory + at, sizeof(bytes));
	memcpy(allowed, model->allowed + at, sizeof(allowed));
	for (unsigned i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++)
		odd |= bytes[i] & ~allowed[i];
	return (odd & UINT64_C(0x0101010101010101)) != 0;
}

const char *model_check(struct model *model)
{
	if (model->hold)
		return NULL;
	for (uint64_t at = 0; at < model->bytes; at += BOUNCE_SLOT_BYTES) {
		const char *wrong = NULL;
		bool shared = model->shared[slot_of(at)];

		if (shared != truth(model, slot_of(at)))
			return "a page is shared, or not, behind our back";
		if (shared && tainted(model, at))
			return "a private byte is in a shared page";
		if (memcmp(model->memory + at, model->expect + at,
			   BOUNCE_SLOT_BYTES) == 0)
			continue;
		if (!shared)
			return "a private byte changed";
		wrong = check_shared(model, at);
		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}

/* ---- pictures ---- */

static void copy_meta(const struct bench *bench, unsigned char *to)
{
	const struct bounce *bounce = bench->bounce;
	size_t queues = (size_t)((unsigned char *)bounce->queue -
				 (unsigned char *)bench->meta);

	memcpy(to, bench->meta, bench->meta_bytes);
	memset(to + queues, 0,
	       bounce->config.queues * sizeof(struct bounce_queue));
}

struct picture picture_take(const struct bench *bench)
{
	struct picture picture = {
		.bench = bench,
		.meta = malloc(bench->meta_bytes),
		.arena = malloc(bench->machine.bytes),
	};

	copy_meta(bench, picture.meta);
	memcpy(picture.arena, bench->machine.memory, bench->machine.bytes);
	return picture;
}

bool picture_same(const struct picture *picture)
{
	const struct bench *bench = picture->bench;
	unsigned char *meta = malloc(bench->meta_bytes);
	bool same;

	copy_meta(bench, meta);
	same = memcmp(meta, picture->meta, bench->meta_bytes) == 0 &&
	       memcmp(bench->machine.memory, picture->arena,
		      bench->machine.bytes) == 0;
	free(meta);
	return same;
}

void picture_drop(struct picture *picture)
{
	free(picture->meta);
	free(picture->arena);
}
