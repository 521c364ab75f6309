/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * model.h - the mapping layer as it should be: obvious, slow, byte by byte.
 *
 * It keeps a second copy of the machine's memory. Each call that succeeded is
 * told to the model, which writes down what that call may have changed; then
 * model_check() compares every byte:
 *
 *   M1  A byte of a private page is what the model says.
 *   M2  A byte of a shared page is what the model says, or it became zero
 *       while no live mapping owned it (the library may scrub when it likes).
 *   M3  Private bytes are odd and device bytes even. An odd byte in a shared
 *       page lies where a call that was asked to has put it (S1).
 *   M4  The runs of live mappings share no byte (S4).
 *   M5  The pages that the host sees are those that the model was told of.
 *
 * Every call returns NULL, or the sentence that turned out to be false.
 */
#ifndef TESTS_MODEL_H
#define TESTS_MODEL_H

#include <bounce/bounce.h>

#include "support.h"

#define MODEL_MAPPINGS 48u
#define MODEL_NOISE 65536u

enum model_kind {
	MODEL_ENDED,
	MODEL_BOUNCED, /* through a run of shared slots */
	MODEL_DIRECT, /* at the caller's own pages */
	MODEL_SHARED, /* memory of bounce_alloc() */
	MODEL_BORN, /* a mapping of a part of such memory */
	MODEL_QUARANTINED, /* of a revoked device: its run is nobody's yet */
};

/* A device, as far as the model goes. */
struct model_device {
	struct bounce_queue *queue;
	uint32_t owner; /* equal for devices that may see each other's bytes */
	uint64_t shift; /* bus address less gpa */
	uint64_t align; /* alloc_align_mask */
};

/* Positions are bytes from the start of the machine's memory. */
struct model_mapping {
	enum model_kind kind;
	uint32_t how;
	const struct model_device *device;
	struct bounce_mapping handle;
	uint64_t private_at; /* the buffer; unused for MODEL_SHARED */
	uint64_t shared_at; /* what the device sees */
	uint64_t len;
	uint64_t run_at; /* BOUNCED, SHARED: all that it owns */
	uint64_t run_len;
	uint32_t base; /* BORN: the mapping whose memory it is in */
	uint32_t born; /* SHARED: live mappings of its memory */
};

struct model {
	const struct bench *bench; /* the truth; and how long a run is */
	unsigned char *memory; /* the machine's, all of it */
	uint64_t base; /* gpa of its first byte */
	uint64_t bytes;
	unsigned char *expect; /* M1, M2 */
	unsigned char *allowed; /* M3: 1 where an odd byte may be */
	bool *shared; /* by slot: what the model was told about the page */
	uint32_t *owner; /* by slot: who had it last */
	uint16_t *used; /* by granule: mapping + 1 */
	unsigned char *noise; /* even bytes, MODEL_NOISE of them */
	struct model_mapping mapping[MODEL_MAPPINGS];
	uint64_t random;
	bool hold; /* the test's: look only when the last part is told */
};

void model_init(struct model *model, const struct bench *bench, uint64_t seed);
void model_fini(struct model *model);

/* The pool has grown or shrunk: pages are shared or not, and their bytes are
 * what the library made of them. */
void model_learn(struct model *model);

/* The next pseudo-random number; the same for the same seed. */
uint64_t model_random(struct model *model);
uint64_t model_below(struct model *model, uint64_t limit);

/* Where the private bytes for buffers begin. */
uint64_t model_private(const struct model *model);

/* The CPU writes secrets into its buffer: odd bytes. */
void model_secret(struct model *model, uint64_t at, uint64_t len);

/* Every device at once writes even bytes into every shared page. */
void model_scribble(struct model *model);

/* An ended entry, or MODEL_MAPPINGS. */
uint32_t model_slot(const struct model *model);

/* bounce_map() was OK. @entry: ended; kind, how, device, handle, private_at
 * and len are filled in by the caller. */
const char *model_map(struct model *model, struct model_mapping *entry);

/* bounce_alloc() was OK: device, handle and len are filled in. */
const char *model_alloc(struct model *model, struct model_mapping *entry);

/* bounce_unmap() was OK, or said ERR_LENGTH: @err. */
const char *model_unmap(struct model *model, struct model_mapping *entry,
			uint64_t written, enum bounce_err err);

/* bounce_free() was OK. */
const char *model_free(struct model *model, struct model_mapping *entry);

/* bounce_sync_for_device(), bounce_sync_for_cpu() was OK. */
const char *model_sync(struct model *model, struct model_mapping *entry,
		       uint64_t offset, uint64_t len, bool for_cpu);

/* bounce_device_revoke() has ended all that @device had; or then
 * bounce_device_quiesced() was OK. */
const char *model_revoke(struct model *model,
			 const struct model_device *device);
const char *model_quiesced(struct model *model,
			   const struct model_device *device);

/* M1 to M3, M5. */
const char *model_check(struct model *model);

/*
 * A picture of the instance's memory (counters and hints of the queues left
 * out) and of the whole arena: "nothing changed" is two equal pictures.
 */
struct picture {
	const struct bench *bench;
	unsigned char *meta;
	unsigned char *arena;
};

struct picture picture_take(const struct bench *bench);
/* Is everything as it was? */
bool picture_same(const struct picture *picture);
void picture_drop(struct picture *picture);

#endif
