/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * lies.c - the lying device: a driver with a ring and two mapped buffers, and a
 * device that sees the shared bytes only and reports what it likes.
 *
 * After each lie the driver does what the library's contract says: it resets
 * the device, ends its mappings with nothing written, and begins anew. No
 * private byte may have changed then, and no slot may be missing.
 *
 *   L1  The device's half knows what a device knows: the ring's place and what
 *       lies in shared memory. It shares no variable with the driver's half.
 */
#include "lies.h"
#include "vring.h"

#include <cpu.h>

/* No device has it: slot 29 of PCI, or no subchannel. */
#define REQUESTER 0xe8u

#define CANARY 0x5au /* in the driver's private buffer */
#define LIE 0x66u /* what the device writes */
#define COMMAND_BYTES 16u
#define ANSWER_BYTES 512u

/* ---- the device's half ---- */

/* Offsets: VIRTIO 1.2, 2.7.5, 2.7.6 and 2.7.8. */
#define DESCRIPTOR_BYTES 16u
#define DESCRIPTOR_ADDRESS 0u
#define DESCRIPTOR_LEN 8u
#define DESCRIPTOR_FLAGS 12u
#define DESCRIPTOR_NEXT 14u
#define FLAG_NEXT 1u
#define FLAG_WRITE 2u
#define AVAILABLE_RING 4u
#define USED_INDEX 2u
#define USED_RING 4u
#define USED_BYTES 8u

/* All pointers are to shared memory. */
struct liar {
	unsigned char *descriptors;
	unsigned char *available;
	unsigned char *used;
	/* What turns an address of a descriptor into one of the CPU. */
	uint64_t shift;
	uint16_t seen; /* requests taken */
	uint16_t told; /* elements written */
};

static uint64_t load(const unsigned char *at, uint32_t bytes)
{
	uint64_t value = 0;

	for (uint32_t i = bytes; i-- > 0;)
		value = value << 8 | ((const volatile unsigned char *)at)[i];
	return value;
}

static void store(unsigned char *at, uint32_t bytes, uint64_t value)
{
	for (uint32_t i = 0; i < bytes; i++, value >>= 8)
		((volatile unsigned char *)at)[i] = (unsigned char)value;
}

/* The device and the driver see the ring at the same bytes. */
static struct liar liar_at(const struct vring *ring)
{
	struct virtio_ring place;
	struct liar liar = {
		.shift = (uintptr_t)ring->memory.ptr - ring->mapping.bus.v,
	};

	vring_place(ring, &place);
	liar.descriptors =
		(unsigned char *)(uintptr_t)(place.descriptors.v + liar.shift);
	liar.available =
		(unsigned char *)(uintptr_t)(place.available.v + liar.shift);
	liar.used = (unsigned char *)(uintptr_t)(place.used.v + liar.shift);
	return liar;
}

/* Take the next request and fill what the device may write; its head. */
static uint32_t liar_serve(struct liar *liar)
{
	uint32_t place = liar->seen++ % VRING_ENTRIES;
	uint32_t head =
		(uint32_t)load(liar->available + AVAILABLE_RING + 2 * place, 2);
	uint32_t index = head;
	uint64_t flags;

	do {
		const unsigned char *at = liar->descriptors +
					  index * DESCRIPTOR_BYTES;
		uint64_t address = load(at + DESCRIPTOR_ADDRESS, 8);
		uint64_t len = load(at + DESCRIPTOR_LEN, 4);

		flags = load(at + DESCRIPTOR_FLAGS, 2);
		if ((flags & FLAG_WRITE) != 0)
			memset((void *)(uintptr_t)(address + liar->shift), LIE,
			       len);
		index = (uint32_t)load(at + DESCRIPTOR_NEXT, 2);
	} while ((flags & FLAG_NEXT) != 0);
	return head;
}

/* Say that a chain is done, and move the index by @step. */
static void liar_tell(struct liar *liar, uint32_t id, uint32_t len,
		      uint16_t step)
{
	unsigned char *element = liar->used + USED_RING +
				 liar->told % VRING_ENTRIES * USED_BYTES;

	store(element, 4, id);
	store(element + 4, 4, len);
	liar->told = (uint16_t)(liar->told + step);
	bounce_wmb_device();
	store(liar->used + USED_INDEX, 2, liar->told);
}

/* ---- the driver's half ---- */

#define REQUESTS 2u /* at the same time, at most */

static unsigned char command[COMMAND_BYTES];
static unsigned char answer[REQUESTS][ANSWER_BYTES];

struct bench {
	const struct report_use *use;
	struct driver driver;
	struct vring ring;
	uint32_t requests; /* whose mappings have not ended */
	struct bounce_mapping command[REQUESTS];
	struct bounce_mapping answer[REQUESTS];
	uint64_t slots_free; /* before */
};

static uint64_t slots_free(const struct bench *bench)
{
	struct bounce_pool_stats stats;

	bounce_pool_stats(bench->use->pool, &stats);
	return stats.slots_free;
}

/* Two buffers, mapped and on the ring. */
static void submit(struct bench *bench)
{
	struct bounce_queue *queue = bench->driver.queue;
	uint32_t i = bench->requests++;
	struct bounce_buf to = guest_buffer(command, COMMAND_BYTES);
	struct bounce_buf from = guest_buffer(answer[i], ANSWER_BYTES);
	struct vring_part part[2];

	memset(answer[i], CANARY, ANSWER_BYTES);
	if (bounce_map(queue, &to, BOUNCE_TO_DEVICE, &bench->command[i]) !=
		    BOUNCE_OK ||
	    bounce_map(queue, &from, BOUNCE_FROM_DEVICE, &bench->answer[i]) !=
		    BOUNCE_OK)
		guest_fail("no slots for a request to the liar");
	part[0] = (struct vring_part) { .bus = bench->command[i].bus,
					.len = COMMAND_BYTES };
	part[1] = (struct vring_part) { .bus = bench->answer[i].bus,
					.len = ANSWER_BYTES,
					.device_writes = true };
	if (!vring_add(&bench->ring, part, 2, i))
		guest_fail("an empty ring is full");
	driver_gone(&bench->driver, COMMAND_BYTES + ANSWER_BYTES);
}

/* A ring of which the device has taken the first of @requests; its head. */
static uint32_t begin(struct bench *bench, struct liar *liar, uint32_t requests)
{
	bench->slots_free = slots_free(bench);
	if (vring_init(&bench->ring, bench->driver.queue) != BOUNCE_OK)
		guest_fail("no slot for the liar's ring");
	*liar = liar_at(&bench->ring);
	while (bench->requests < requests)
		submit(bench);
	return liar_serve(liar);
}

static bool answer_is(uint32_t i, unsigned char byte)
{
	for (uint32_t at = 0; at < ANSWER_BYTES; at++)
		if (answer[i][at] != byte)
			return false;
	return true;
}

/* End the last request; the answer's mapping has to say @err. */
static bool end(struct bench *bench, uint64_t written, enum bounce_err err)
{
	struct bounce_queue *queue = bench->driver.queue;
	uint32_t i = --bench->requests;

	driver_back(&bench->driver, COMMAND_BYTES + ANSWER_BYTES);
	return bounce_unmap(queue, &bench->command[i], 0) == BOUNCE_OK &&
	       bounce_unmap(queue, &bench->answer[i], written) == err;
}

/* Give the ring back: then nothing is lost. */
static bool finish(struct bench *bench)
{
	return vring_fini(&bench->ring, bench->driver.queue) == BOUNCE_OK &&
	       slots_free(bench) == bench->slots_free &&
	       bounce_pool_valid(bench->use->pool);
}

/*
 * What a lie must come to: the error, again and again; then the driver's reset,
 * which copies nothing and loses nothing.
 */
static bool is_refused(struct bench *bench, enum bounce_err err)
{
	struct bounce_completion done = { .written = CANARY };
	bool good = true;

	for (uint32_t i = 0; i < 3; i++)
		good &= vring_take(&bench->ring, &done) == err;
	good &= done.written == CANARY;
	while (bench->requests > 0)
		good &= end(bench, 0, BOUNCE_OK) &&
			answer_is(bench->requests, CANARY);
	return finish(bench) && good;
}

/* A slot that was split for small buffers stays so when it is empty: have it
 * before slots are counted. */
static void warm_up(struct bench *bench)
{
	struct liar liar;

	(void)begin(bench, &liar, 1);
	if (!end(bench, 0, BOUNCE_OK) ||
	    vring_fini(&bench->ring, bench->driver.queue) != BOUNCE_OK)
		guest_fail("a request to the liar did not end");
}

/* ---- the controls ---- */

/* The control's own control: the same device, honest. */
static void tell_truth(struct bench *bench)
{
	struct bounce_completion done;
	struct liar liar;
	uint32_t head = begin(bench, &liar, 1);
	bool good = vring_take(&bench->ring, &done) == BOUNCE_ERR_BUSY;

	liar_tell(&liar, head, ANSWER_BYTES, 1);
	good &= vring_take(&bench->ring, &done) == BOUNCE_OK &&
		done.head == head && done.written == ANSWER_BYTES;
	good &= end(bench, ANSWER_BYTES, BOUNCE_OK) && answer_is(0, LIE);
	report_control("liar", "lies_none", finish(bench) && good,
		       "as long as the device was honest, its bytes arrived");
}

static void tell_wrong_id(struct bench *bench)
{
	static const uint32_t above[] = { VRING_ENTRIES, 0x10000, 0x80000000 };
	struct liar liar;
	bool good = true;

	for (uint32_t i = 0; i < sizeof(above) / sizeof(above[0]); i++) {
		uint32_t head = begin(bench, &liar, 1);

		liar_tell(&liar, head + above[i], 1, 1);
		good &= is_refused(bench, BOUNCE_ERR_RANGE);
	}
	report_control("liar", "lies_wrong_id", good,
		       "an id that no descriptor has, in all of its 32 bits: "
		       "RANGE");
}

static void tell_idle_id(struct bench *bench)
{
	struct liar liar;
	uint32_t head = begin(bench, &liar, 1);

	liar_tell(&liar, head + 1, 1, 1); /* inside the chain: no head */
	report_control("liar", "lies_idle_id",
		       is_refused(bench, BOUNCE_ERR_STALE),
		       "an id that is no head of a request: STALE");
}

/* Of two requests the first is completed twice. */
static void tell_repeated_id(struct bench *bench)
{
	struct bounce_completion done;
	struct liar liar;
	uint32_t head = begin(bench, &liar, 2);
	bool good;

	liar_tell(&liar, head, ANSWER_BYTES, 1);
	liar_tell(&liar, head, ANSWER_BYTES, 1);
	good = vring_take(&bench->ring, &done) == BOUNCE_OK &&
	       done.head == head;
	report_control("liar", "lies_repeated_id",
		       is_refused(bench, BOUNCE_ERR_STALE) && good,
		       "an id that was completed before: STALE");
}

static void tell_length(struct bench *bench)
{
	static const uint32_t len[] = { ANSWER_BYTES + 1, UINT32_MAX };
	struct liar liar;
	bool good = true;

	for (uint32_t i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
		uint32_t head = begin(bench, &liar, 1);

		liar_tell(&liar, head, len[i], 1);
		good &= is_refused(bench, BOUNCE_ERR_LENGTH);
	}
	report_control("liar", "lies_length", good,
		       "more bytes than the request let it write: LENGTH");
}

/* The control's own control: a driver that copies as much as the ring says. */
static void believe_length(struct bench *bench)
{
	static unsigned char believed[ANSWER_BYTES + COMMAND_BYTES];
	struct liar liar;
	uint32_t head = begin(bench, &liar, 1);
	bool good;

	memset(believed, CANARY, sizeof(believed));
	liar_tell(&liar, head, sizeof(believed), 1);
	memcpy(believed,
	       (const void *)(uintptr_t)(bench->answer[0].bus.v + liar.shift),
	       load(liar.used + USED_RING + USED_BYTES / 2, 4));
	good = believed[ANSWER_BYTES - 1] == LIE &&
	       believed[ANSWER_BYTES] != CANARY;
	report_control("liar", "lies_believed",
		       is_refused(bench, BOUNCE_ERR_LENGTH) && good,
		       "a driver that believed the ring wrote behind its "
		       "buffer: the check is what keeps the bytes there");
}

static void tell_index(struct bench *bench)
{
	struct liar liar;
	uint32_t head = begin(bench, &liar, 1);

	liar_tell(&liar, head, 1, 2);
	report_control("liar", "lies_index",
		       is_refused(bench, BOUNCE_ERR_RANGE),
		       "an index ahead of all requests: RANGE");
}

/* A driver that does not check, and hands the lie to unmap. */
static void tell_unmap(struct bench *bench)
{
	struct bounce_device_stats before;
	struct bounce_device_stats after;
	struct bounce_mapping ended;
	struct liar liar;
	bool good;

	(void)begin(bench, &liar, 1);
	bounce_device_stats(bench->driver.requester, &before);
	ended = bench->answer[0];
	good = end(bench, ANSWER_BYTES + 1, BOUNCE_ERR_LENGTH) &&
	       bounce_unmap(bench->driver.queue, &ended, 0) == BOUNCE_ERR_STALE;
	bounce_device_stats(bench->driver.requester, &after);
	good &= finish(bench);
	good &= answer_is(0, CANARY) && after.bytes_from == before.bytes_from &&
		after.refused_lengths == before.refused_lengths + 1;
	report_control("liar", "lies_unmap", good,
		       "a length beyond the mapping at unmap: LENGTH, nothing "
		       "copied, nothing lost");
}

void lies_run(struct bounce *bounce, struct bounce_space *space,
	      const struct report_use *use)
{
	static struct bench bench;
	struct bounce_device_info info;
	struct report_use row = *use;

	/* Nobody confines it: the device is this file. */
	bench = (struct bench) { .use = use };
	bench.driver.device.requester = REQUESTER;
	bench.driver.device.offered = BOUNCE_VIRTIO_F_VERSION_1 |
				      BOUNCE_VIRTIO_F_ACCESS_PLATFORM;
	driver_describe(&bench.driver.device, space, &info);
	if (bounce_device_attach(bounce, &info, &bench.driver.requester,
				 &bench.driver.answer) != BOUNCE_OK)
		guest_fail("the liar was refused");
	bench.driver.queue = bounce_device_queue(bench.driver.requester, 0);
	row.share_calls_io = model_calls();
	warm_up(&bench);
	tell_truth(&bench);
	tell_wrong_id(&bench);
	tell_idle_id(&bench);
	tell_repeated_id(&bench);
	tell_length(&bench);
	believe_length(&bench);
	tell_index(&bench);
	tell_unmap(&bench);
	row.share_calls_io = model_calls() - row.share_calls_io;
	report_row("liar", &bench.driver, &row);
	report_demand(bounce_device_detach(bench.driver.requester) == BOUNCE_OK,
		      "the liar gave all back");
}
