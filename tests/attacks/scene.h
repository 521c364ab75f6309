/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * scene.h - where an attack is played: a bench, and beside it the reference
 * model, with the strongest oracles after every call.
 *
 * Each scene_X() makes one call of the library, and then:
 *
 *   S1  compares every byte of the machine with the model: private ones, and
 *       each shared page is scanned for private bytes (model.h, M1 to M5);
 *   S2  asks bounce_valid();
 *   S3  has every device overwrite every shared page with random bytes, unless
 *       the scene is calm.
 *
 * A call that is refused must have changed nothing: not a byte of the arena,
 * nor of the instance (hints and counters apart). What is not so ends the
 * program with its sentence.
 */
#ifndef TESTS_ATTACKS_SCENE_H
#define TESTS_ATTACKS_SCENE_H

#include "model.h"

struct scene {
	struct bench bench;
	struct model model;
	struct model_device device[BENCH_DEVICES]; /* of the bench's */
	bool calm; /* no device writes between calls */
};

/* What is to be mapped: private bytes [@at, @at + @len). */
struct scene_wish {
	uint32_t device;
	uint32_t how;
	uint64_t at;
	uint64_t len;
};

/* bench_usual() with small memory: one chunk, 64 KiB of private bytes. */
struct bench_knobs scene_usual(void);

/* Every private byte is a secret then. Devices own their bytes, each its own,
 * or all alike where knobs->info.owner says so. */
void scene_init(struct scene *scene, const struct bench_knobs *knobs);

/* Everything was ended: no slot is claimed, and all of bench_fini(). */
void scene_fini(struct scene *scene);

/* S1 to S3. */
void scene_look(struct scene *scene);

/* Is every shared byte in [@at, @at + @len) of the arena zero? */
bool scene_is_zero(const struct scene *scene, uint64_t at, uint64_t len);

/* bounce_map() that must succeed: the mapping. */
struct model_mapping *scene_map(struct scene *scene,
				const struct scene_wish *wish);

/* The same, or NULL when there is no room: FULL or FRAGMENTED. */
struct model_mapping *scene_try(struct scene *scene,
				const struct scene_wish *wish);

/* bounce_map() of any buffer, that must fail. */
enum bounce_err scene_refused(struct scene *scene, uint32_t device,
			      const struct bounce_buf *buf, uint32_t how);

/* OK, or LENGTH as the model says. */
enum bounce_err scene_unmap(struct scene *scene, struct model_mapping *mapping,
			    uint64_t written);

/* A handle that must be refused by unmap, both syncs and free, as @device. */
void scene_forged(struct scene *scene, uint32_t device,
		  const struct bounce_mapping *handle);

/* Any answer; what was refused has changed nothing. */
enum bounce_err scene_sync(struct scene *scene, struct model_mapping *mapping,
			   uint64_t offset, uint64_t len, bool for_cpu);

/* Memory that is born shared, and its end. */
struct model_mapping *scene_alloc(struct scene *scene, uint32_t device,
				  uint64_t len);
void scene_free(struct scene *scene, struct model_mapping *mapping);

/* The private bytes of a mapping, and what the device sees. */
unsigned char *scene_private(const struct scene *scene,
			     const struct model_mapping *mapping);
unsigned char *scene_shared(const struct scene *scene,
			    const struct model_mapping *mapping);

/* Write through the device's or the CPU's eyes, so that the model knows. */
void scene_device_writes(struct scene *scene,
			 const struct model_mapping *mapping,
			 unsigned char byte);

#endif
