/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * life.h - one life of a machine under fuzz_api.c: what its parts share.
 *
 *   A1  Every byte is what the model says (S1, S2), runs are disjoint (S4),
 *       and no page is shared that the model was not told of (M1 to M5).
 *   A2  Growth and retirement: a range that is the caller's again is private
 *       in truth, and holds no hostile byte (S5).
 *   A3  A wrong handle is STALE, a wrong length LENGTH, and nothing changes.
 *   A4  At the end nothing is left: each slot free, each page private, but for
 *       what the monitor took on the way.
 */
#ifndef FUZZ_LIFE_H
#define FUZZ_LIFE_H

#include <string.h>

#include "input.h"
#include "instance.h"
#include "model.h"
#include "support.h"

enum {
	DEVICES = 3,
	PIECES = 5,
	LONGEST = 20000,
	PRIVATE = 64 * 1024,
};

struct life {
	struct fuzz_input in;
	struct bench bench;
	struct model model;
	struct model_device device[DEVICES];
	struct bounce_device *attached[DEVICES];
	bool revoked[DEVICES];
	bool lost; /* pages: not all can end well */
	bool blind; /* the monitor said shared, and it is not so: no more I/O */
	uint32_t slabs;
};

/* ---- choices: life.c ---- */

uint64_t life_below(struct life *life, uint64_t limit);
struct model_device *life_any_device(struct life *life);
uint32_t life_any_how(struct life *life);
uint64_t life_any_len(struct life *life);
uint64_t life_any_written(struct life *life, uint64_t len);

/* A stretch of private bytes that no live mapping uses. */
bool life_find_private(struct life *life, uint64_t len, uint64_t *at);
struct bounce_buf life_buf_of(struct life *life, uint64_t at, uint64_t len);

/* ---- judgement: life.c ---- */

void life_agree(const char *wrong);
bool life_is_revoked(const struct life *life,
		     const struct model_device *device);
/* What a call that was refused may have said; and nothing has changed. */
void life_refused(struct life *life, const struct model_device *device,
		  enum bounce_err err);
/* A revoked device is quiesced. */
void life_quiesce(struct life *life, uint32_t device);

/* ---- one call each ---- */

/* life_map.c */
void call_map(struct life *life);
void call_alloc(struct life *life);
void call_born(struct life *life, uint32_t base);
void call_end(struct life *life, struct model_mapping *entry);
void call_sync(struct life *life, struct model_mapping *entry);
void call_wrong(struct life *life, struct model_mapping *entry);
void call_find(struct life *life, const struct model_mapping *entry);
/* life_list.c */
void call_sg(struct life *life);
void call_list(struct life *life);
void call_reserve(struct life *life);
/* life_slow.c */
void call_slow(struct life *life);

#endif
