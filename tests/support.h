/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * support.h - a bench: everything a test needs, made by one call.
 *
 * A bench is a fake machine with its arena, an instance in memory of its own, a
 * pool with slabs, a space with a window, and devices. No test framework is
 * used in here, so that unit tests, stress programs and benchmarks share it:
 * what cannot be in a correct library is printed and ends the program.
 *
 *	struct bench bench;
 *	struct bench_knobs knobs = bench_usual();
 *
 *	knobs.chunks = 2;
 *	bench_init(&bench, &knobs);
 *	... bench.pool, bench.queue[0], bench_buf(&bench, 0, 100) ...
 *	bench_fini(&bench);
 *
 * The arena begins at gpa knobs.gpa, all of it filled with FAKE_SECRET:
 *
 *	slab 0 | slab 1 | ... | private bytes for buffers
 *
 * Slabs lie side by side, so that a run that leaves its slab is in the next.
 * A bench must not be moved; it is about 100 KiB, for the stack.
 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <bounce/bounce.h>

#include "device.h"
#include "fake.h"

#define BENCH_DEVICES 8u

/* What differs from test to test; bench_usual() in brackets. */
struct bench_knobs {
	/* The pool: slab indices it has, chunks in each, slabs that are grown
	 * by bench_init() [1, 4, 1]. */
	uint16_t slabs;
	uint16_t chunks;
	uint16_t grown;
	/* Attached to the one space by bench_init(), when a slab is grown; and
	 * queues of each [1, 1]. */
	uint16_t devices;
	uint16_t queues;
	/* Room in the instance for what the test makes itself, beyond the
	 * bench's own [0, 0, 0, 0]. */
	uint16_t more_pools;
	uint16_t more_slabs;
	uint16_t more_spaces;
	uint16_t more_devices;
	uint16_t functions; /* of the topology [0] */
	/* bounce_config [16, 16]. */
	uint32_t blocks;
	uint32_t direct;
	/* Of each device; `space` is filled in. With owner 0 each device has
	 * an owner tag of its own [VERSION_1 and ACCESS_PLATFORM offered, no
	 * limits]. */
	struct bounce_device_info info;
	/* The window: all of the arena at bus address gpa + shift, modulo 2^64
	 * [0]. And the bypass window, gpa to gpa [true]. */
	uint64_t shift;
	bool bypass;
	/* The arena: gpa of its first byte [1 GiB], and bytes behind the slabs
	 * for buffers, whole slots [256 KiB]. */
	uint64_t gpa;
	uint64_t private_bytes;
	/* The class of the pool, and of the space [SNOOPED]. */
	enum bounce_coherency coherency;
	/* detect's answer [YES]. */
	enum bounce_protection protection;
};

struct bench {
	struct bench_knobs knobs;
	struct fake_machine machine;
	struct fake_device host; /* sees bus addresses: offset is `shift` */
	void *meta; /* the instance's memory */
	size_t meta_bytes;
	uint64_t slab_bytes;
	struct bounce *bounce;
	struct bounce_pool *pool;
	struct bounce_space *space;
	struct bounce_device *device[BENCH_DEVICES];
	struct bounce_queue *queue[BENCH_DEVICES]; /* each device's lane 0 */
};

struct bench_knobs bench_usual(void);

/* Make all of it; every step must succeed. */
void bench_init(struct bench *bench, const struct bench_knobs *knobs);

/*
 * End all of it, after the test has unmapped and freed what it mapped and
 * ended what it made itself. Every step must succeed, the instance be valid
 * before, every page private after, and nothing wrong on the machine's list.
 */
void bench_fini(struct bench *bench);

/* Free the memory and ask nothing: for tests that lose pages on purpose. */
void bench_discard(struct bench *bench);

/* In two steps: machine and memory, which the test may change (faults, the
 * backend's granule); then the rest. bench_init() is one after the other. */
void bench_power_on(struct bench *bench, const struct bench_knobs *knobs);
void bench_set_up(struct bench *bench);

/* Grow or retire slab @index, 0 .. knobs.slabs - 1, of the bench's pool. */
enum bounce_err bench_grow(struct bench *bench, uint32_t index);
enum bounce_err bench_retire(struct bench *bench, uint32_t index);
bounce_gpa_t bench_slab_gpa(const struct bench *bench, uint32_t index);

/* A second space of the bench's pool, for an IOMMU: all of the arena is at
 * @bus. The test sets the IOMMU, and ends the space. */
struct bounce_space *bench_translated(struct bench *bench, uint64_t bus);

/* Beside the bench's own, from what there is more of: a pool, a space in which
 * a bus address is a gpa, and a device as the bench's are, with its lane 0. */
struct bench_side {
	struct bounce_pool *pool;
	struct bounce_space *space;
	struct bounce_device *device;
	struct bounce_queue *queue;
};

/* The pool has one slab to begin with, of the size of the bench's, at @slab;
 * the device comes last. To end it: all its mappings were ended before. */
void bench_side_init(struct bench *bench, const struct bounce_pool_info *info,
		     bounce_gpa_t slab, struct bench_side *side);
void bench_side_fini(struct bench_side *side);

/* The private byte @offset, 0 .. knobs.private_bytes - 1. */
bounce_gpa_t bench_private_gpa(const struct bench *bench, uint64_t offset);
unsigned char *bench_private(const struct bench *bench, uint64_t offset);

/* A buffer of private bytes; ptr is NULL, for env's linear map. */
struct bounce_buf bench_buf(const struct bench *bench, uint64_t offset,
			    uint64_t len);

/* The CPU's address of what a device reaches at @bus of the window, or NULL
 * when not all of [@bus, +len) is in the arena. Shared or not: not checked. */
unsigned char *bench_at_bus(const struct bench *bench, bounce_bus_t bus,
			    uint64_t len);

/* Each way in which a buffer may be mapped: enum bounce_how. */
#define BENCH_HOWS 6u
extern const uint32_t bench_hows[BENCH_HOWS];

/* 64 pseudo-random bits; @state may begin at any number. */
uint64_t bench_random(uint64_t *state);
/* 0 .. @limit - 1. */
uint64_t bench_below(uint64_t *state, uint64_t limit);

/* Run @body in @count threads at once, each with its own element of @args, an
 * array of elements of @size bytes; returns when all have returned. */
void bench_threads(uint32_t count, void *(*body)(void *), void *args,
		   size_t size);

/* Prints the sentence and ends the program. */
#define bench_check(x) ((x) ? (void)0 : bench_failed(#x, __FILE__, __LINE__))
_Noreturn void bench_failed(const char *what, const char *file, int line);

#endif
