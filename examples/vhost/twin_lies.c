/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * twin_lies.c - what the twin lies about. liars.c has, by the same names, what
 * must come of each.
 */
#include "host.h"
#include "twin.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define SCRIBBLE 0x66u

static void tell(struct twin *twin, const struct twin_chain *chain)
{
	twin_tell(twin, chain->head, chain->writable, 1);
}

/* ---- lengths ---- */

static void length_one_more(struct twin *twin, const struct twin_chain *chain)
{
	twin_tell(twin, chain->head, chain->writable + 1, 1);
}

static void length_most(struct twin *twin, const struct twin_chain *chain)
{
	twin_tell(twin, chain->head, UINT32_MAX, 1);
}

static void length_swapped(struct twin *twin, const struct twin_chain *chain)
{
	twin_tell(twin, chain->head, __builtin_bswap32(chain->writable), 1);
}

/* Also of several segments: the argument says how many bytes. */
static void length_given(struct twin *twin, const struct twin_chain *chain)
{
	twin_tell(twin, chain->head, (uint32_t)twin->number, 1);
}

/* All is reported, and nothing written but the status. */
static bool unwritten(struct twin *twin, const struct twin_chain *chain)
{
	(void)twin;
	*chain->part[chain->parts - 1].at = 0;
	return false;
}

static void bad_status(struct twin *twin, const struct twin_chain *chain)
{
	*chain->part[chain->parts - 1].at = 77; /* none of VIRTIO 1.2, 5.2.6 */
	tell(twin, chain);
}

/* ---- identities ---- */

static void id_given(struct twin *twin, const struct twin_chain *chain)
{
	twin_tell(twin, (uint32_t)twin->number, chain->writable, 1);
}

static void id_inside(struct twin *twin, const struct twin_chain *chain)
{
	twin_tell(twin, chain->second, chain->writable, 1);
}

static void id_high_bits(struct twin *twin, const struct twin_chain *chain)
{
	twin_tell(twin, chain->head | (uint32_t)twin->number, chain->writable,
		  1);
}

/* The first head is 0, which looks the same. */
static void id_swapped(struct twin *twin, const struct twin_chain *chain)
{
	twin_tell(twin, __builtin_bswap32(chain->head), chain->writable, 1);
}

/* Instead of the second request, so that the index does not tell. */
static void twice(struct twin *twin, const struct twin_chain *chain)
{
	if (twin->seen > 1)
		return;
	tell(twin, chain);
	tell(twin, chain);
}

/* What a device that missed the reset would do: it completes old requests. */
static void unposted(struct twin *twin)
{
	twin_tell(twin, 0, 1, 1);
}

/* ---- the index ---- */

/* Once: two such steps may come to an honest one. */
static void index_step(struct twin *twin, const struct twin_chain *chain)
{
	if (twin->seen == 1)
		twin_tell(twin, chain->head, chain->writable,
			  (uint16_t)twin->number);
}

/* ---- writing where, or when, it may not ---- */

/* Not the device's to write: what it reads, after it has read it. */
static void read_only(struct twin *twin, const struct twin_chain *chain)
{
	for (uint32_t i = 0; i < chain->parts; i++)
		if (!chain->part[i].writable)
			memset(chain->part[i].at, SCRIBBLE, chain->part[i].len);
	tell(twin, chain);
}

static uint64_t draw(struct twin *twin)
{
	/* xorshift64 (Marsaglia, Xorshift RNGs, 2003). */
	twin->random ^= twin->random << 13;
	twin->random ^= twin->random >> 7;
	twin->random ^= twin->random << 17;
	return twin->random;
}

/* For ever, until the front-end ends this process. */
static void *scribble_last(void *context)
{
	struct twin *twin = context;

	for (;;) {
		const struct twin_part *part = &twin->last.part[1];

		if (twin->last.parts > 1)
			for (uint32_t i = 0; i < part->len; i++)
				twin_store(part->at + i, 1, draw(twin));
	}
	return NULL;
}

static void *flip_length(void *context)
{
	struct twin *twin = context;
	unsigned char *element = twin_used(twin) + TWIN_USED_RING;

	for (;;) {
		uint32_t honest = twin->last.writable;

		for (uint32_t i = 0; i < TWIN_ENTRIES; i++)
			twin_store(element + i * TWIN_USED_BYTES + 4, 4,
				   (draw(twin) & 1) != 0 ? honest : UINT32_MAX);
	}
	return NULL;
}

/* All of the slab but the ring's pages; @context says if these, too. */
static void scribble(struct twin *twin, bool ring)
{
	uint64_t at = draw(twin) % twin->region.bytes & ~UINT64_C(7);
	uint64_t first = twin->ring.descriptors - twin->region.guest;
	uint64_t last = twin->ring.used - twin->region.guest +
			BOUNCE_SLOT_BYTES;

	if (ring || at < first || at >= last)
		twin_store(twin->memory + at, 8, draw(twin));
}

static void *scribble_beside(void *context)
{
	for (;;)
		scribble(context, false);
	return NULL;
}

static void *scribble_all(void *context)
{
	for (;;)
		scribble(context, true);
	return NULL;
}

static void start(struct twin *twin, void *(*run)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, twin) != 0)
		exit(EXIT_FAILURE);
}

static void late(struct twin *twin)
{
	start(twin, scribble_last);
}

static void flips(struct twin *twin)
{
	start(twin, flip_length);
}

static void beside(struct twin *twin)
{
	start(twin, scribble_beside);
}

static void everything(struct twin *twin)
{
	start(twin, scribble_all);
}

/* ---- reaching for more than it was given ---- */

/* If it works, the request is never answered. */
static void truncate_memory(struct twin *twin, const struct twin_chain *chain)
{
	if (ftruncate(twin->memory_fd, 0) != 0 && errno == EPERM)
		tell(twin, chain);
}

/* By process_vm_readv(2), and by /proc. */
static bool is_kept_out(pid_t process)
{
	unsigned char stolen[8];
	struct iovec here = { stolen, sizeof(stolen) };
	struct iovec there = { (void *)HOST_POOL_GPA, sizeof(stolen) };
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)process);
	return process_vm_readv(process, &here, 1, &there, 1, 0) < 0 &&
	       errno == EPERM && open(path, O_RDWR) < 0 && errno == EACCES;
}

static void peek(struct twin *twin, const struct twin_chain *chain)
{
	if (is_kept_out(getppid()))
		tell(twin, chain);
}

/* ---- silence ---- */

static void nothing(struct twin *twin, const struct twin_chain *chain)
{
	(void)twin;
	(void)chain;
}

static void hang_up(struct twin *twin, const struct twin_chain *chain)
{
	(void)twin;
	(void)chain;
	exit(EXIT_SUCCESS);
}

/* The kick is never read again; the ring is polled. */
static void deaf(struct twin *twin)
{
	twin->kick = -1;
}

/* ---- messages: the argument is the request that is answered so ---- */

static bool is_the_one(const struct twin *twin,
		       const struct wire_message *message)
{
	return message->request == twin->number;
}

static bool hang_up_at(struct twin *twin, struct wire_message *message)
{
	if (is_the_one(twin, message))
		exit(EXIT_SUCCESS);
	return true;
}

static bool mute_at(struct twin *twin, struct wire_message *message)
{
	return !is_the_one(twin, message);
}

static bool refuse_at(struct twin *twin, struct wire_message *message)
{
	if (is_the_one(twin, message))
		message->payload.number = 1;
	return true;
}

static bool other_answer(struct twin *twin, struct wire_message *message)
{
	if (is_the_one(twin, message))
		message->request++;
	return true;
}

static bool short_answer(struct twin *twin, struct wire_message *message)
{
	if (is_the_one(twin, message))
		message->bytes = 4;
	return true;
}

/* The length alone; what follows is as it should be. */
static bool huge_answer(struct twin *twin, struct wire_message *message)
{
	uint32_t bytes = message->bytes;

	if (!is_the_one(twin, message))
		return true;
	message->bytes = UINT32_MAX;
	(void)send(twin->channel, message, WIRE_HEADER_BYTES + bytes,
		   MSG_NOSIGNAL);
	return false;
}

/* A descriptor with each answer: of which there are not endlessly many. */
static bool descriptors(struct twin *twin, struct wire_message *message)
{
	struct iovec bytes = { message, WIRE_HEADER_BYTES + message->bytes };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} extra = { .room = { 0 } };
	struct msghdr all = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &extra,
		.msg_controllen = sizeof(extra.room),
	};

	if (message->request == WIRE_SET_PROTOCOL_FEATURES)
		return true; /* it has no answer */
	extra.header.cmsg_level = SOL_SOCKET;
	extra.header.cmsg_type = SCM_RIGHTS;
	extra.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&extra.header), &twin->channel, sizeof(int));
	(void)sendmsg(twin->channel, &all, MSG_NOSIGNAL);
	return false;
}

static bool features_given(struct twin *twin, struct wire_message *message)
{
	if (message->request == WIRE_GET_FEATURES)
		message->payload.number = twin->number;
	return true;
}

static bool capacity_given(struct twin *twin, struct wire_message *message)
{
	if (message->request == WIRE_GET_CONFIG) {
		memset(message->payload.config.data, 0xff, WIRE_CONFIG_BYTES);
		memcpy(message->payload.config.data, &twin->number,
		       sizeof(twin->number));
	}
	return true;
}

static const struct twin_lie lies[] = {
	{ .name = "none" },
	{ .name = "length_one_more", .report = length_one_more },
	{ .name = "length_most", .report = length_most },
	{ .name = "length_given", .report = length_given },
	{ .name = "length_swapped", .report = length_swapped },
	{ .name = "unwritten", .before = unwritten },
	{ .name = "bad_status", .report = bad_status },
	{ .name = "id_given", .report = id_given },
	{ .name = "id_inside", .report = id_inside },
	{ .name = "id_high_bits", .report = id_high_bits },
	{ .name = "id_swapped", .report = id_swapped },
	{ .name = "twice", .report = twice },
	{ .name = "unposted", .live = unposted },
	{ .name = "index_step", .report = index_step },
	{ .name = "read_only", .report = read_only },
	{ .name = "late", .live = late },
	{ .name = "flips", .live = flips },
	{ .name = "beside", .live = beside },
	{ .name = "everything", .live = everything },
	{ .name = "truncate", .report = truncate_memory },
	{ .name = "peek", .report = peek },
	{ .name = "nothing", .report = nothing },
	{ .name = "hang_up", .report = hang_up },
	{ .name = "deaf", .live = deaf },
	{ .name = "hang_up_at", .answer = hang_up_at },
	{ .name = "mute_at", .answer = mute_at },
	{ .name = "refuse_at", .answer = refuse_at },
	{ .name = "other_answer", .answer = other_answer },
	{ .name = "short_answer", .answer = short_answer },
	{ .name = "huge_answer", .answer = huge_answer },
	{ .name = "descriptors", .answer = descriptors },
	{ .name = "features_given", .answer = features_given },
	{ .name = "capacity_given", .answer = capacity_given },
};

const struct twin_lie *twin_lie(const char *name)
{
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		if (strcmp(lies[i].name, name) == 0)
			return &lies[i];
	return NULL;
}
