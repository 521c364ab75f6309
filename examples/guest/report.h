/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * report.h - the lines of guest.h that the host's tool reads, and the one
 * memory of whether all went well.
 */
#ifndef REPORT_H
#define REPORT_H

#include "driver.h"
#include "sha256.h"

/* What a row says of a device that was used. */
struct report_use {
	const struct bounce_pool *pool;
	uint64_t pool_bytes;
	uint64_t share_calls_start;
	uint64_t share_calls_io;
	const unsigned char *digest; /* of the image moved; NULL: of none */
	uint64_t mappings_second; /* of the second CPU; 0: it had no part */
	/* Of a window that the library fills: its kind, or NULL; bytes that
	 * were moved through it, and calls of the IOMMU meanwhile. */
	const char *window;
	uint64_t io_bytes;
	uint64_t window_calls_io;
	uint64_t pass_ticks; /* cpu_ticks() of all passes; 0: not counted */
};

/* One line about a device; @use is NULL for a refused one. */
void report_row(const char *name, const struct driver *driver,
		const struct report_use *use);

/* What a space is, as the library says: one line, and one for each window. */
void report_space(const char *name, const struct bounce_space *space);

/* One line about a control. */
void report_control(const char *device, const char *name, bool ok,
		    const char *text);

/* A demand that has no line of its own: when it is not met, say so. */
void report_demand(bool met, const char *text);

/* Progress: what is to be moved in all, what is going on, what was moved. */
void report_total(uint64_t bytes);
void report_stage(const char *text);
void report_moved(uint64_t bytes);

/* The last line; has everything been as demanded? */
bool report_done(void);

/* What of all this a second image goes on with. */
struct report_state {
	uint64_t all_good;
	uint64_t total;
	uint64_t moved;
};
void report_pass_on(struct report_state *state);
void report_go_on(const struct report_state *state);

#endif
