/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz_used.c - what a device reports in a ring, split or packed, in order or
 * not, held to a list of what was posted.
 *
 * The ring holds whatever the bytes say. For each call the oracle reads the
 * ring itself, and knows what the answer must be; a completion is one that was
 * posted and not completed, with its own cookie, and at most its bytes.
 */
#include <string.h>

#include <bounce/virtio.h>

#include "input.h"

enum {
	MOST = 64
};

struct post {
	bool there;
	uint32_t writable;
	uint64_t cookie;
	uint32_t number; /* of its post */
};

struct rig {
	struct fuzz_input in;
	_Alignas(16) uint8_t ring[16 * MOST];
	_Alignas(BOUNCE_USED_ALIGN) uint8_t memory[8192];
	struct bounce_used *used;
	struct post post[MOST];
	uint32_t entries;
	uint32_t outstanding;
	uint32_t posted;
	uint32_t completed;
	bool packed;
	bool in_order;
	enum bounce_err broken;
};

static bool begin(struct rig *rig)
{
	uint8_t kind = fuzz_byte(&rig->in);
	enum bounce_err err;

	rig->packed = (kind & 1) != 0;
	rig->in_order = (kind & 2) != 0;
	rig->entries = rig->packed ? 1 + kind / 4 % MOST : 1u << kind / 4 % 7;
	err = rig->packed ?
		      bounce_used_init_packed(rig->memory, sizeof(rig->memory),
					      rig->entries, rig->ring,
					      &rig->used) :
		      bounce_used_init(rig->memory, sizeof(rig->memory),
				       rig->entries, rig->ring, &rig->used);
	if (err == BOUNCE_OK && rig->in_order)
		bounce_used_in_order(rig->used);
	return err == BOUNCE_OK;
}

static void post(struct rig *rig)
{
	uint32_t id = fuzz_byte(&rig->in) % (MOST + 2);
	uint32_t writable = (uint32_t)fuzz_wide(&rig->in);
	uint32_t descriptors = 1 + fuzz_byte(&rig->in) % 3;
	uint64_t cookie = rig->posted + UINT64_C(0x100000000);
	enum bounce_err err;

	err = rig->packed ? bounce_used_post_packed(rig->used, id, descriptors,
						    writable, cookie) :
			    bounce_used_post(rig->used, id, writable, cookie);
	if (id >= rig->entries) {
		fuzz_check(err == BOUNCE_ERR_ARG);
		return;
	}
	fuzz_check(!rig->post[id].there || err != BOUNCE_OK);
	if (err != BOUNCE_OK)
		return;
	rig->post[id] = (struct post) {
		.there = true,
		.writable = writable,
		.cookie = cookie,
		.number = rig->posted++,
	};
	rig->outstanding++;
}

/* The device writes: a whole report that may be true, or bytes anywhere. */
static void device(struct rig *rig)
{
	uint32_t size = rig->packed ? 16 * rig->entries : 4 + 8 * rig->entries;
	uint32_t at = (uint32_t)fuzz_below(&rig->in, size);
	uint64_t bits = fuzz_wide(&rig->in);
	uint32_t bytes = 1 + fuzz_byte(&rig->in) % 8;

	for (uint32_t i = 0; i < bytes && at + i < size; i++)
		rig->ring[at + i] = (uint8_t)(bits >> 8 * i);
}

static uint32_t le(const uint8_t *at, unsigned bytes)
{
	uint32_t number = 0;

	for (unsigned i = 0; i < bytes; i++)
		number |= (uint32_t)at[i] << 8 * i;
	return number;
}

/* A split ring's next report, with idx behind it. */
static void report_split(struct rig *rig)
{
	uint32_t idx = le(rig->ring + 2, 2);
	uint8_t *element = rig->ring + 4 + 8 * (idx % rig->entries);
	uint32_t id = fuzz_byte(&rig->in);
	uint32_t len = (uint32_t)fuzz_wide(&rig->in);

	element[0] = (uint8_t)id;
	memset(element + 1, 0, 3);
	for (unsigned i = 0; i < 4; i++)
		element[4 + i] = (uint8_t)(len >> 8 * i);
	idx++;
	rig->ring[2] = (uint8_t)idx;
	rig->ring[3] = (uint8_t)(idx >> 8);
}

/* One packed descriptor, used by either wrap counter. */
static void report_packed(struct rig *rig)
{
	uint32_t place = (uint32_t)fuzz_below(&rig->in, rig->entries);
	uint8_t *descriptor = rig->ring + 16 * place;
	uint8_t flags = fuzz_byte(&rig->in);
	uint32_t len = (uint32_t)fuzz_wide(&rig->in);

	for (unsigned i = 0; i < 4; i++)
		descriptor[8 + i] = (uint8_t)(len >> 8 * i);
	descriptor[12] = fuzz_byte(&rig->in);
	descriptor[13] = 0;
	descriptor[14] = (uint8_t)((flags & 1) << 7 | (flags & 2));
	descriptor[15] = (uint8_t)((flags & 1) << 7);
}

static bool is_lie(enum bounce_err err)
{
	return err == BOUNCE_ERR_RANGE || err == BOUNCE_ERR_STALE ||
	       err == BOUNCE_ERR_LENGTH;
}

/* What a split ring out of order must say, from the ring as it is. */
static void judge_split(const struct rig *rig, enum bounce_err err)
{
	uint32_t ahead = (le(rig->ring + 2, 2) - rig->completed) & 0xffff;
	const uint8_t *element = rig->ring + 4 +
				 8 * (rig->completed % rig->entries);
	uint32_t id = le(element, 4);

	if (ahead == 0)
		fuzz_check(err == BOUNCE_ERR_BUSY);
	else if (ahead > rig->outstanding || id >= rig->entries)
		fuzz_check(err == BOUNCE_ERR_RANGE);
	else if (!rig->post[id].there)
		fuzz_check(err == BOUNCE_ERR_STALE);
	else if (le(element + 4, 4) > rig->post[id].writable)
		fuzz_check(err == BOUNCE_ERR_LENGTH);
	else
		fuzz_check(err == BOUNCE_OK);
}

static void take(struct rig *rig)
{
	struct bounce_completion done;
	enum bounce_err err = bounce_virtio_used(rig->used, &done);
	struct post *post;

	if (rig->broken != BOUNCE_OK) {
		fuzz_check(err == rig->broken);
		return;
	}
	if (!rig->packed && !rig->in_order)
		judge_split(rig, err);
	if (err != BOUNCE_OK) {
		fuzz_check(err == BOUNCE_ERR_BUSY || is_lie(err));
		rig->broken = is_lie(err) ? err : BOUNCE_OK;
		return;
	}
	fuzz_check(done.head < rig->entries);
	post = &rig->post[done.head];
	fuzz_check(post->there && post->cookie == done.cookie);
	fuzz_check(done.written <= post->writable && done.reserved == 0);
	fuzz_check(!rig->in_order || post->number == rig->completed);
	post->there = false;
	rig->outstanding--;
	rig->completed++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rig rig = { .in = { data, size } };

	if (!begin(&rig))
		return -1;
	while (fuzz_more(&rig.in)) {
		switch (fuzz_byte(&rig.in) % 8) {
		case 0:
		case 1:
			post(&rig);
			break;
		case 2:
			device(&rig);
			break;
		case 3:
		case 4:
			if (rig.packed)
				report_packed(&rig);
			else
				report_split(&rig);
			break;
		default:
			take(&rig);
			break;
		}
		fuzz_check(bounce_used_outstanding(rig.used) ==
			   rig.outstanding);
		fuzz_check(bounce_used_valid(rig.used));
	}
	return 0;
}
