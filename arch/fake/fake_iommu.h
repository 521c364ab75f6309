/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fake_iommu.h - an IOMMU in a struct, for tests: the truth of what is reached,
 * kept apart from what its backend answers.
 *
 *   T1  page[] is the truth, cached translations included: an entry that was
 *       unmapped and not flushed is STALE, and still reached.
 *   T2  Wrong calls are counted in `wrong`, and change nothing.
 *   T3  The plan makes a call fail, lie, or never end, as its fields say.
 *
 * Hooks may run at once on several threads.
 */
#ifndef FAKE_IOMMU_H
#define FAKE_IOMMU_H

#include <bounce/iommu.h>

#include <stdatomic.h>

#define FAKE_IOMMU_PAGES 16384u /* largest aperture: 64 MiB */
#define FAKE_IOMMU_PAGE_BYTES 4096u
#define FAKE_IOMMU_FAULTS 4u
#define FAKE_IOMMU_ALL UINT64_MAX

enum fake_verb {
	FAKE_IOMMU_MAP = 0,
	FAKE_IOMMU_UNMAP = 1,
	FAKE_IOMMU_FLUSH = 2,
	FAKE_IOMMU_VERBS = 3,
};

/* Calls number @first .. @first + @times - 1 of a kind answer @step and write
 * @done; the truth changes for their first @truth bytes. */
struct fake_iommu_fault {
	enum fake_verb verb;
	uint32_t first; /* from 0 */
	uint32_t times; /* 0: not a fault */
	enum bounce_step step;
	uint64_t done; /* may be a lie */
	uint64_t truth; /* FAKE_IOMMU_ALL: all that was asked for */
};

/* What no correct library does. */
struct fake_iommu_wrong {
	_Atomic uint32_t calls; /* misaligned, outside, empty, no access */
	_Atomic uint32_t
		mapped_again; /* over a page that is mapped, or STALE */
	_Atomic uint32_t calls_while_off; /* after the test said: no call */
};

struct fake_iommu {
	/* Set by the test; defaults in brackets. */
	uint64_t base; /* first bus address [as given] */
	uint32_t attributes; /* [READ_ONLY, WRITE_ONLY, SNOOP] */
	bool has_flush; /* else unmap flushes [true] */
	uint32_t ranges; /* reserved ones [0] */
	struct bounce_iommu_range range[BOUNCE_IOMMU_RANGES];
	struct fake_iommu_fault fault[FAKE_IOMMU_FAULTS];
	bool off; /* calls are wrong from now on [false] */
	/* Called before a flush changes anything [NULL]. */
	void (*at_flush)(void *ctx);
	void *at_flush_ctx;
	/* Called when a map has changed what it changes [NULL]. */
	void (*at_map)(void *ctx);
	void *at_map_ctx;
	struct bounce_iommu iommu; /* the backend */

	/* Kept: gpa | access, and STALE; 0: nothing (T1). */
	_Atomic uint64_t page[FAKE_IOMMU_PAGES];
	_Atomic uint32_t calls[FAKE_IOMMU_VERBS];
	_Atomic uint32_t runs; /* in all map calls */
	struct fake_iommu_wrong wrong;
};

#define FAKE_IOMMU_STALE UINT64_C(4) /* beside the bits of enum bounce_access */

/* An IOMMU that translates @pages pages from bus address @base. */
void fake_iommu_init(struct fake_iommu *iommu, uint64_t base);

/* What bounce_space_set_iommu() wants, without flags. */
struct bounce_translation fake_iommu_translation(struct fake_iommu *iommu);

/* Plan one more fault; false when there is no entry left. */
bool fake_iommu_fail(struct fake_iommu *iommu,
		     const struct fake_iommu_fault *fault);

/* Does a device reach all of [@bus, +@len) with @access? Then *@gpa is where
 * the first byte lies. Pages need not be adjacent in memory. */
bool fake_iommu_reach(const struct fake_iommu *iommu, uint64_t bus,
		      uint64_t len, uint32_t access, uint64_t *gpa);

/* Bytes reached, STALE ones included. */
uint64_t fake_iommu_mapped(const struct fake_iommu *iommu);

/* Does any translation reach a byte of [@gpa, +@len)? */
bool fake_iommu_exposes(const struct fake_iommu *iommu, uint64_t gpa,
			uint64_t len);

/* The sum of everything in `wrong`. */
uint32_t fake_iommu_wrongs(const struct fake_iommu *iommu);

#endif
