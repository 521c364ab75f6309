/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * interrupts.c - an interrupt at every instruction of map, sync and unmap, as
 * they are shipped: its handler calls the library, too (design.md 4: claim and
 * release may be called at any interrupt level). The reference model says what
 * every byte must be afterwards (M1 to M5 of model.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "model.h"
#include "trap.h"

enum {
	SMALL = 300,
	LARGE = 6000,
	OTHER_AT = 65536,
	INSTRUCTIONS = 8192
};

/* What the interrupted call does, and what its interrupt does. */
enum outer {
	MAP,
	SYNC_FOR_CPU,
	SYNC_FOR_DEVICE,
	UNMAP,
	OUTERS
};
enum inner {
	CYCLE,
	KEEP,
	END,
	INNERS
};

static const char *const outer_names[] = { "map", "sync_for_cpu",
					   "sync_for_device", "unmap" };
static const char *const inner_names[] = { "map and unmap", "map",
					   "unmap of the same, and map" };

struct scene {
	struct bench bench;
	struct model model;
	struct model_device device;
	struct model_mapping *mine; /* the interrupted call's */
	struct model_mapping *other; /* the interrupt's */
	uint32_t len;
	enum outer outer;
	enum inner inner;
	enum bounce_err result; /* of the outer call */
	enum bounce_err ended; /* END: of the interrupt's unmap */
	bool told; /* the model knows that `mine` has ended */
	const char *wrong;
};

static void must(struct scene *scene, const char *wrong)
{
	if (scene->wrong == NULL)
		scene->wrong = wrong;
}

static struct bounce_buf buf_at(const struct scene *scene, uint64_t at,
				uint32_t len)
{
	return bench_buf(&scene->bench, at - model_private(&scene->model), len);
}

/* The first two entries of the model are the call's and the interrupt's. */
static struct model_mapping *fresh(struct scene *scene, uint32_t index,
				   uint64_t offset)
{
	struct model_mapping *entry = &scene->model.mapping[index];

	entry->kind = MODEL_BOUNCED;
	entry->how = BOUNCE_BIDIRECTIONAL;
	entry->device = &scene->device;
	entry->private_at = model_private(&scene->model) + offset;
	entry->len = scene->len;
	return entry;
}

static enum bounce_err map(struct scene *scene, struct model_mapping *entry)
{
	struct bounce_buf buf = buf_at(scene, entry->private_at, scene->len);

	return bounce_map(scene->device.queue, &buf, entry->how,
			  &entry->handle);
}

/* ---- the interrupt ---- */

static void map_other(struct scene *scene)
{
	scene->other = fresh(scene, 1, OTHER_AT);
	scene->other->kind = MODEL_ENDED;
	if (map(scene, scene->other) != BOUNCE_OK) {
		must(scene, "there was room, and the interrupt got none");
		scene->other = NULL;
		return;
	}
	scene->other->kind = MODEL_BOUNCED;
	must(scene, model_map(&scene->model, scene->other));
}

static void unmap_other(struct scene *scene)
{
	enum bounce_err err;

	if (scene->other == NULL)
		return;
	err = bounce_unmap(scene->device.queue, &scene->other->handle,
			   scene->len);
	must(scene, err == BOUNCE_OK ? NULL : "the interrupt's own went stale");
	must(scene, model_unmap(&scene->model, scene->other, scene->len, err));
	scene->other = NULL;
}

static void tell_end(struct scene *scene)
{
	must(scene,
	     model_unmap(&scene->model, scene->mine, scene->len, BOUNCE_OK));
	scene->told = true;
}

static void interrupt(void *arg)
{
	struct scene *scene = arg;

	/* It is over for everybody else, and its run may be ours already. */
	if (scene->outer == UNMAP &&
	    !bounce_mapping_valid(scene->device.queue, &scene->mine->handle))
		tell_end(scene);
	if (scene->inner == END) {
		scene->ended = bounce_unmap(scene->device.queue,
					    &scene->mine->handle, scene->len);
		if (scene->ended == BOUNCE_OK)
			tell_end(scene);
	}
	/* After END, too: the run is not to be had while somebody is inside. */
	map_other(scene);
	if (scene->inner == CYCLE)
		unmap_other(scene);
}

/* ---- the call that is interrupted ---- */

static void call(void *arg)
{
	struct scene *scene = arg;
	struct bounce_queue *queue = scene->device.queue;
	const struct bounce_mapping *mine = &scene->mine->handle;

	switch (scene->outer) {
	case MAP:
		scene->result = map(scene, scene->mine);
		break;
	case SYNC_FOR_CPU:
		scene->result = bounce_sync_for_cpu(queue, mine, 0, scene->len);
		break;
	case SYNC_FOR_DEVICE:
		scene->result = bounce_sync_for_device(queue, mine, 0,
						       scene->len);
		break;
	default:
		scene->result = bounce_unmap(queue, mine, scene->len);
		break;
	}
}

static void prepare(struct scene *scene)
{
	scene->wrong = NULL;
	scene->ended = BOUNCE_ERR_STALE;
	scene->told = false;
	scene->other = NULL;
	scene->mine = fresh(scene, 0, 0);
	model_secret(&scene->model, scene->mine->private_at, scene->len);
	model_secret(&scene->model, model_private(&scene->model) + OTHER_AT,
		     scene->len);
	scene->model.hold = true;
	if (scene->outer == MAP)
		return;
	must(scene, map(scene, scene->mine) == BOUNCE_OK ? NULL : "no room");
	must(scene, model_map(&scene->model, scene->mine));
	if (scene->outer != SYNC_FOR_DEVICE)
		model_scribble(&scene->model);
}

/* Tell the model what the outer call did. */
static void tell_outer(struct scene *scene)
{
	struct model *model = &scene->model;
	bool for_cpu = scene->outer == SYNC_FOR_CPU;

	if (scene->outer == UNMAP) {
		must(scene, (scene->result == BOUNCE_OK) !=
					    (scene->ended == BOUNCE_OK) ?
				    NULL :
				    "a mapping must end once");
		scene->ended = BOUNCE_OK;
	} else if (scene->result != BOUNCE_OK) {
		must(scene, scene->outer != MAP && scene->ended == BOUNCE_OK &&
					    scene->result == BOUNCE_ERR_STALE ?
				    NULL :
				    "a call failed that must not");
	} else if (scene->outer == MAP) {
		must(scene, model_map(model, scene->mine));
	} else if (scene->ended != BOUNCE_OK) {
		must(scene,
		     model_sync(model, scene->mine, 0, scene->len, for_cpu));
	}
}

static void finish(struct scene *scene)
{
	tell_outer(scene);
	if (scene->ended != BOUNCE_OK)
		scene->ended = bounce_unmap(scene->device.queue,
					    &scene->mine->handle, scene->len);
	must(scene, scene->ended == BOUNCE_OK ? NULL : "it ended by itself");
	if (!scene->told)
		tell_end(scene);
	unmap_other(scene);
	scene->model.hold = false;
	must(scene, model_check(&scene->model));
	must(scene, bounce_valid(scene->bench.bounce) ? NULL : "not valid");
}

static void check(const struct scene *scene, uint64_t at)
{
	if (scene->wrong == NULL)
		return;
	printf("interrupts: %s of %u bytes, interrupted at its instruction "
	       "%llu by %s: %s\n",
	       outer_names[scene->outer], scene->len, (unsigned long long)at,
	       inner_names[scene->inner], scene->wrong);
	exit(EXIT_FAILURE);
}

/*
 * At every instruction of the call; how many there are. The last few belong to
 * call() itself, and to trap_record().
 */
static uint64_t sweep(struct scene *scene)
{
	static uintptr_t list[INSTRUCTIONS];
	uint64_t reached = 0;
	size_t count;

	prepare(scene);
	count = trap_record(call, scene, list, INSTRUCTIONS);
	finish(scene);
	check(scene, 0);
	for (size_t i = 0; i < count; i++) {
		prepare(scene);
		reached += trap_at(list[i], call, interrupt, scene);
		finish(scene);
		check(scene, i);
	}
	return reached;
}

/*
 * A string instruction traps once a byte, so that a page would take thousands
 * of traps: have the C library copy by vectors.
 */
static void copy_by_vectors(char **argv)
{
	if (getenv("GLIBC_TUNABLES") != NULL)
		return;
	setenv("GLIBC_TUNABLES",
	       "glibc.cpu.x86_rep_movsb_threshold=1048576:"
	       "glibc.cpu.x86_rep_stosb_threshold=1048576",
	       1);
	execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
	static const uint32_t lengths[] = { SMALL, LARGE };
	static struct scene scene;
	struct bench_knobs knobs = bench_usual();
	uint64_t total = 0;

	(void)argc;
	copy_by_vectors(argv);
	knobs.chunks = 1;
	knobs.private_bytes = 128 * 1024;
	bench_init(&scene.bench, &knobs);
	model_init(&scene.model, &scene.bench, 1);
	model_learn(&scene.model);
	scene.device = (struct model_device) { .queue = scene.bench.queue[0] };
	trap_init();
	for (unsigned i = 0; i < 2 * OUTERS * INNERS; i++) {
		uint64_t count;

		scene.len = lengths[i % 2];
		scene.outer = i / 2 % OUTERS;
		scene.inner = i / (2 * OUTERS);
		if (scene.outer == MAP && scene.inner == END)
			continue;
		count = sweep(&scene);
		printf("interrupts: %s of %u bytes, %llu instructions, "
		       "interrupted by %s\n",
		       outer_names[scene.outer], scene.len,
		       (unsigned long long)count, inner_names[scene.inner]);
		fflush(stdout);
		total += count;
	}
	model_fini(&scene.model);
	bench_fini(&scene.bench);
	printf("interrupts: %llu interrupts, each as the model says\n",
	       (unsigned long long)total);
	return EXIT_SUCCESS;
}
