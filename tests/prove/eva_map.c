/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * eva_map.c - for Eva: whatever a device reports, whenever it writes, and
 * whatever handle comes back, unmap, sync and unmap_sg read and write inside
 * the buffers and the slab (S2, S3, S7; B01 to B13 of docs/threats.md).
 *
 * The slab is a volatile object. Three mappings are live, of three kinds: both
 * ways, to the device, and one that copies all of it back. Each call is tried
 * with any handle, any length and any offset. 0 alarms is the proof.
 */
#include "one_slab.h"

enum {
	LEN = 24,
	LIVE = 3,
	GENERATION = 5
};

/* Objects of their own, so that one byte beyond is an alarm. */
static unsigned char both[LEN];
static unsigned char to[LEN];
static unsigned char full[LEN];

static void live(uint32_t slot, uint8_t how, unsigned char *buffer)
{
	const struct record_about about = {
		.len = LEN,
		.offset = 0,
		.how = how,
		.kind = RECORD_RUN,
		.queue = 0,
	};

	record[slot].state = GENERATION << RECORD_GENERATION_SHIFT |
			     RECORD_LIVE;
	record[slot].about = record_pack(&about);
	record[slot].target = (uint64_t)buffer;
	chunk.bits |= UINT64_C(1) << slot;
}

/* Anything at all, in every word. */
static struct bounce_mapping any_handle(uint32_t record_index)
{
	struct bounce_mapping handle;

	handle.bus.v = any_u64();
	handle.key = any_u64();
	handle.len = any_u32();
	handle.reserved = any_u64();
	handle.record = record_index;
	return handle;
}

static void any_unmap(uint32_t index)
{
	struct bounce_mapping handle = any_handle(index);

	(void)bounce_unmap(&queue, &handle, any_u64());
}

/* Each offset inside by itself, and all others. */
static void any_sync(uint32_t index)
{
	struct bounce_mapping handle = any_handle(index);

	for (uint64_t i = 0; i <= LEN; i++) {
		uint64_t offset = i < LEN ? i :
					    LEN + any_below(UINT64_MAX - LEN);

		(void)bounce_sync_for_cpu(&queue, &handle, offset, any_u64());
		(void)bounce_sync_for_device(&queue, &handle, offset,
					     any_u64());
	}
}

/* Two segments: the second with a handle of record @index. */
static void any_list(uint32_t index)
{
	struct bounce_segment segment[2];

	for (int i = 0; i < 2; i++) {
		segment[i].how = any_u32();
		segment[i].joined = any_u32();
	}
	segment[0].mapping = any_handle(0);
	segment[1].mapping = any_handle(index);
	(void)bounce_unmap_sg(&queue, segment, 2, any_u64());
}

/* Each record by itself: live ones, all free ones, and what is no record. */
static void each_record(void (*call)(uint32_t index))
{
	for (uint32_t i = 0; i < LIVE; i++)
		call(i);
	call(LIVE + any_below(SLOTS - LIVE));
	call(SLOTS);
	call(RECORDS + any_below(UINT32_MAX - RECORDS));
}

void main(void)
{
	uint32_t which = any_u32();

	set_up();
	live(0, RECORD_TO | RECORD_FROM, both);
	live(1, RECORD_TO, to);
	live(2, RECORD_FROM | RECORD_FULL, full);
	if (which == 0)
		each_record(any_unmap);
	else if (which == 1)
		each_record(any_sync);
	else
		each_record(any_list);
}
