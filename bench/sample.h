/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * sample.h - what was measured: a histogram of durations, and the mean of each
 * slice of time, whose spread tells how sure the mean is.
 */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include <stdint.h>

#define OCTAVES 40u
#define STEPS_PER_OCTAVE 64u /* 1.6 % */
#define SLICES 64u

/* Durations in ticks, up to 2^40. */
struct histogram {
	uint64_t count;
	uint64_t most; /* the longest */
	uint32_t bucket[OCTAVES * STEPS_PER_OCTAVE];
};

struct sample {
	struct histogram calls; /* of @batch operations each */
	uint32_t batch;
	uint32_t slices;
	double mean[SLICES]; /* ns an operation */
	double rate[SLICES]; /* operations a microsecond, all lanes */
};

void histogram_add(struct histogram *histogram, uint64_t duration);
void histogram_merge(struct histogram *into, const struct histogram *from);

/* Ticks that a share @part (0 .. 1) of the durations do not exceed. */
double histogram_part(const struct histogram *histogram, double part);

/* A slice of @ticks thread-time with @operations of @lanes lanes. */
void sample_slice(struct sample *sample, uint64_t ticks, uint64_t operations,
		  uint32_t lanes);

/* mean= p50= p99= p999= worst= mops= spread= samples=, without a newline. The
 * mean is the slices' median, the spread half their inner 50 %, in %. */
void sample_print(const struct sample *sample);

#endif
