/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * lists.c - the I/O path: lists, producers, born-shared memory. Each begins
 * and ends in one operation.
 */
#include "soak.h"

#define PIECES 4u
#define PIECE_BYTES 9000u /* of a segment, at most */

static struct bounce_buf buf_at(const struct soak_worker *worker,
				unsigned char *bytes, uint64_t len)
{
	const struct fake_machine *machine = &worker->soak->bench.machine;

	return (struct bounce_buf) {
		.gpa = { machine->base + (uint64_t)(bytes - machine->memory) },
		.ptr = bytes,
		.len = len,
	};
}

/* A mapping of a list, as far as the books go. */
static struct soak_entry piece_of(struct soak_worker *worker, uint32_t device,
				  const struct bounce_segment *segment)
{
	return (struct soak_entry) {
		.how = segment->how,
		.len = segment->mapping.len,
		.direct = soak_run(worker, device, &segment->mapping) ==
			  segment->buf.ptr,
	};
}

/* K3: of a list that a revoke has met, only this much is known. */
static void maybe(struct soak_ledger *ledger, enum soak_counter counter,
		  uint64_t count)
{
	ledger->high[counter] += count;
}

static void book_list(struct soak_worker *worker, uint32_t device,
		      const struct bounce_segment *segment, uint32_t count)
{
	struct soak_ledger *ledger = &worker->ledger[device];

	for (uint32_t i = 0; i < count; i++) {
		struct soak_entry piece;

		if (segment[i].joined)
			continue;
		piece = piece_of(worker, device, &segment[i]);
		soak_book(ledger, SOAK_MAPS, 1);
		if ((piece.how & (BOUNCE_TO_DEVICE | BOUNCE_PRESERVE)) != 0 &&
		    !piece.direct)
			soak_book(ledger, SOAK_TO, piece.len);
	}
}

/* All have ended, of which @stale by a revoke, if that is known. */
static void book_end(struct soak_worker *worker, uint32_t device,
		     const struct bounce_segment *segment, uint32_t count,
		     uint64_t written)
{
	struct soak_ledger *ledger = &worker->ledger[device];

	for (uint32_t i = 0; i < count; i++) {
		struct soak_entry piece;
		uint64_t part = 0;
		uint64_t back;

		if (segment[i].joined)
			continue;
		piece = piece_of(worker, device, &segment[i]);
		if ((piece.how & BOUNCE_FROM_DEVICE) != 0)
			part = written < piece.len ? written : piece.len;
		written -= part;
		back = soak_back(&piece, part);
		maybe(ledger, SOAK_UNMAPS, 1);
		maybe(ledger, SOAK_FROM, back);
		if (soak_is_steady(device)) {
			ledger->low[SOAK_UNMAPS]++;
			ledger->low[SOAK_FROM] += back;
		} else {
			maybe(ledger, SOAK_STALE, 1);
		}
	}
}

static void end_list(struct soak_worker *worker, uint32_t device,
		     const struct bounce_segment *segment, uint32_t count)
{
	uint64_t sum = 0;
	uint64_t written;
	enum bounce_err err;
	bool lie;

	for (uint32_t i = 0; i < count; i++)
		if (!segment[i].joined &&
		    (segment[i].how & BOUNCE_FROM_DEVICE) != 0)
			sum += segment[i].mapping.len;
	written = soak_below(worker, sum + 2 + sum / 8);
	lie = written > sum;
	err = bounce_unmap_sg(soak_lane(worker, device), segment, count,
			      written);
	if (lie)
		soak_error(worker, device, err);
	soak_check(worker, err == (lie ? BOUNCE_ERR_LENGTH : BOUNCE_OK) ||
				   (err == BOUNCE_ERR_STALE &&
				    !soak_is_steady(device)));
	book_end(worker, device, segment, count, lie ? 0 : written);
}

/* A list that was not made; a revoke may have come while it was. */
static void list_failed(struct soak_worker *worker, uint32_t device,
			enum bounce_err err, uint64_t bytes)
{
	struct soak_ledger *ledger = &worker->ledger[device];

	soak_no_room(worker, device, err);
	if (err == BOUNCE_ERR_STALE) {
		maybe(ledger, SOAK_MAPS, PIECES);
		maybe(ledger, SOAK_UNMAPS, PIECES);
		maybe(ledger, SOAK_STALE, PIECES);
		maybe(ledger, SOAK_TO, bytes);
	}
}

void soak_sg(struct soak_worker *worker, struct soak_entry *entry)
{
	uint32_t device = (uint32_t)soak_below(worker, SOAK_DEVICES);
	uint32_t count = 1 + (uint32_t)soak_below(worker, PIECES);
	uint32_t how = soak_how(worker);
	struct bounce_segment segment[PIECES] = { 0 };
	unsigned char *at = entry->area;
	enum bounce_err err;

	memset(entry->area, 1, PIECES * (PIECE_BYTES + 1));
	for (uint32_t i = 0; i < count; i++) {
		uint64_t len = 1 + soak_below(worker, PIECE_BYTES);

		if (soak_below(worker, 3) == 0)
			how = soak_how(worker);
		segment[i].how = how;
		segment[i].buf = buf_at(worker, at, len);
		at += len + soak_below(worker, 2);
	}
	err = bounce_map_sg(soak_lane(worker, device), segment, count,
			    soak_below(worker, 2) != 0 ? BOUNCE_SG_JOIN : 0);
	if (err != BOUNCE_OK) {
		list_failed(worker, device, err, PIECES * PIECE_BYTES);
		return;
	}
	book_list(worker, device, segment, count);
	end_list(worker, device, segment, count);
	worker->done++;
}

void soak_list(struct soak_worker *worker, struct soak_entry *entry)
{
	uint32_t device = (uint32_t)soak_below(worker, SOAK_DEVICES);
	uint32_t count = 1 + (uint32_t)soak_below(worker, PIECES);
	uint64_t len = 1 + soak_below(worker, SOAK_AREA);
	struct bounce_segment segment[PIECES];
	struct bounce_buf buf = buf_at(worker, entry->area, len);
	enum bounce_err err;

	memset(entry->area, 1, len);
	err = bounce_map_list(soak_lane(worker, device), &buf, soak_how(worker),
			      segment, &count);
	if (err != BOUNCE_OK) {
		list_failed(worker, device, err, len);
		return;
	}
	book_list(worker, device, segment, count);
	end_list(worker, device, segment, count);
	worker->done++;
}

/* A producer writes in place; it commits a part, or gives up. */
void soak_reserve(struct soak_worker *worker, struct soak_entry *unused)
{
	uint32_t device = (uint32_t)soak_below(worker, SOAK_DEVICES);
	struct soak_ledger *ledger = &worker->ledger[device];
	uint64_t len = 1 + soak_below(worker, SOAK_LONGEST);
	struct bounce_queue *queue = soak_lane(worker, device);
	struct bounce_mapping mapping;
	struct bounce_buf buf;
	enum bounce_err err = bounce_reserve(queue, len, &buf, &mapping);

	(void)unused;
	if (err != BOUNCE_OK) {
		soak_no_room(worker, device, err);
		return;
	}
	worker->done += 2;
	if (soak_is_steady(device))
		memset(buf.ptr, 1, len);
	if (soak_below(worker, 4) == 0) {
		err = bounce_free(queue, &mapping);
		soak_error(worker, device, err);
	} else {
		uint64_t made = 1 + soak_below(worker, len);

		err = bounce_commit(queue, &mapping, made);
		soak_error(worker, device, err);
		if (err == BOUNCE_OK) {
			soak_book(ledger, SOAK_MAPS, 1);
			soak_book(ledger, SOAK_TO, made);
			if (soak_is_steady(device))
				soak_check(worker,
					   soak_all_are(buf.ptr, 1, made));
			err = bounce_unmap(queue, &mapping, 0);
			soak_error(worker, device, err);
			if (err == BOUNCE_OK)
				soak_book(ledger, SOAK_UNMAPS, 1);
		}
	}
	soak_check(worker, err == BOUNCE_OK || (err == BOUNCE_ERR_STALE &&
						!soak_is_steady(device)));
}

/* A mapping inside memory that is born shared, which it keeps. */
void soak_inside(struct soak_worker *worker, struct soak_entry *unused)
{
	uint32_t device = (uint32_t)soak_below(worker, SOAK_STEADY);
	struct soak_ledger *ledger = &worker->ledger[device];
	struct bounce_queue *queue = soak_lane(worker, device);
	uint64_t len = 1 + soak_below(worker, SOAK_LONGEST);
	struct bounce_mapping home;
	struct bounce_mapping inside;
	struct bounce_buf buf;
	enum bounce_err err = bounce_alloc(queue, len, 0, 0, &buf, &home);

	(void)unused;
	if (err != BOUNCE_OK) {
		soak_no_room(worker, device, err);
		return;
	}
	worker->done += 4;
	buf.len = 1 + soak_below(worker, len);
	err = bounce_map(queue, &buf, BOUNCE_BIDIRECTIONAL, &inside);
	soak_error(worker, device, err);
	if (err == BOUNCE_OK) {
		soak_book(ledger, SOAK_MAPS, 1);
		err = bounce_free(queue, &home);
		soak_error(worker, device, err);
		soak_check(worker, err == BOUNCE_ERR_BUSY);
		soak_check(worker,
			   bounce_unmap(queue, &inside, buf.len) == BOUNCE_OK);
		soak_book(ledger, SOAK_UNMAPS, 1);
	} else {
		/* No record is left for it; or the limits forbid its place. */
		soak_check(worker, err == BOUNCE_ERR_FULL ||
					   err == BOUNCE_ERR_UNREACHABLE ||
					   err == BOUNCE_ERR_RANGE);
	}
	soak_check(worker, bounce_free(queue, &home) == BOUNCE_OK);
}
