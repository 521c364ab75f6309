/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * stage.h - what the two images of a boot both know.
 *
 * The first image (handover.c) has used a pool. It reads the second, an ELF
 * file of its own, from the output disk through that pool (loader.c), compares
 * its digest, puts it in private memory, leaves a record beside it, resets its
 * devices and enters it. The second (stage.c) never comes back: it takes the
 * slabs over and goes on.
 *
 *   T1  Record and second image lie in memory that no image shares: the host
 *       cannot change them. What the record says is the first image's word, and
 *       is judged like anyone's.
 *   T2  What plays the monitor is in the first image, and stays: real ones lie
 *       outside of the guest. The second asks it by the CPU's share
 *       instruction; `struct guest_monitor` has what only a test asks (G1), and
 *       the way to it where the instruction is trapped by the guest itself.
 */
#ifndef STAGE_H
#define STAGE_H

#include "report.h"

/*
 * Where the second image is linked, from the beginning of RAM, and how much it
 * may take: configure.py and stage.ld agree. In front of it, the record.
 */
#define STAGE_OFFSET (UINT64_C(128) << 20)
#define STAGE_BYTES (UINT64_C(64) << 20)
#define STAGE_RECORD_BYTES (UINT64_C(64) << 10) /* a granule of its own */

#define STAGE_MAGIC 0x626f756eu /* "boun" */
#define STAGE_VERSION 1u
#define STAGE_RANGES 4u /* more than the first image has slabs */

/* ---- the monitor's model ---- */

/* Defined by each model, for the other image. */
struct guest_monitor {
	bool (*allows)(uint64_t gpa, uint64_t len); /* model_allows() */
	uint64_t (*shared_granules)(void); /* model_shared_granules() */
	uint64_t (*calls)(void); /* model_calls() */
	/* Where no instruction asks the monitor: its backend (mapped.c). */
	void (*arch)(struct bounce_arch *arch);
	/* Z: a trapped UVC's condition code; a stopped function goes on. */
	unsigned (*answer)(void *block);
	bool (*recover)(uint32_t handle);
};
extern const struct guest_monitor guest_monitor;

/* ---- the record ---- */

struct stage_record {
	uint32_t magic;
	uint32_t version;
	uint32_t bytes; /* of this struct */
	uint32_t ranges;
	/* As bounce_ranges() wrote them, in its byte order. */
	struct bounce_range range[STAGE_RANGES];
	/* Shared, and not in the list: what a control looks for. */
	struct bounce_range left_out;
	/* Memory of the first image, which the monitor's model is in. */
	uint64_t resident_gpa;
	uint64_t resident_bytes;
	const struct guest_monitor *monitor; /* T2 */
	struct report_state report; /* how it has gone so far */
};
_Static_assert(sizeof(struct stage_record) <= STAGE_RECORD_BYTES, "T1");

static inline struct stage_record *stage_record(void)
{
	return (struct stage_record *)(uintptr_t)(guest_cpu.ram_gpa +
						  STAGE_OFFSET -
						  STAGE_RECORD_BYTES);
}

/* ---- the second image, as a file ---- */

/* tools/stage.py writes these, from the file that is put on the disk. */
extern const uint32_t stage_file_bytes;
extern const unsigned char stage_file_digest[SHA256_BYTES];

/* Of this image: its link script. */
extern const unsigned char image_begin[];
extern const unsigned char image_end[];

#endif
