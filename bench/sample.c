/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * sample.c - histograms and slices; see sample.h.
 */
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

/* The first octaves are exact: a bucket a tick. */
static uint32_t bucket_of(uint64_t duration)
{
	uint32_t octave;

	if (duration < STEPS_PER_OCTAVE)
		return (uint32_t)duration;
	octave = 63 - (uint32_t)__builtin_clzll(duration) - 6;
	if (octave + 1 >= OCTAVES)
		return OCTAVES * STEPS_PER_OCTAVE - 1;
	return (octave + 1) * STEPS_PER_OCTAVE +
	       (uint32_t)(duration >> octave) - STEPS_PER_OCTAVE;
}

static double bucket_middle(uint32_t bucket)
{
	uint32_t octave = bucket / STEPS_PER_OCTAVE;
	uint64_t step = bucket % STEPS_PER_OCTAVE;

	if (octave == 0)
		return (double)step;
	return (double)((STEPS_PER_OCTAVE + step) << (octave - 1)) +
	       (double)(UINT64_C(1) << (octave - 1)) / 2;
}

void histogram_add(struct histogram *histogram, uint64_t duration)
{
	histogram->bucket[bucket_of(duration)]++;
	histogram->count++;
	if (duration > histogram->most)
		histogram->most = duration;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	for (uint32_t i = 0; i < OCTAVES * STEPS_PER_OCTAVE; i++)
		into->bucket[i] += from->bucket[i];
	into->count += from->count;
	if (from->most > into->most)
		into->most = from->most;
}

double histogram_part(const struct histogram *histogram, double part)
{
	double wanted = part * (double)histogram->count;
	uint64_t seen = 0;

	for (uint32_t i = 0; i < OCTAVES * STEPS_PER_OCTAVE; i++) {
		seen += histogram->bucket[i];
		if (seen != 0 && (double)seen >= wanted)
			return bucket_middle(i);
	}
	return 0;
}

void sample_slice(struct sample *sample, uint64_t ticks, uint64_t operations,
		  uint32_t lanes)
{
	double mean;

	if (operations == 0 || sample->slices == SLICES)
		return;
	mean = ticks_to_ns((double)ticks) / (double)operations;
	sample->rate[sample->slices] = 1e3 * lanes / mean;
	sample->mean[sample->slices++] = mean;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a;
	double right = *(const double *)b;

	return (left > right) - (left < right);
}

/* Where in @count sorted numbers, 0 .. 1, between two if need be. */
static double at(const double *sorted, uint32_t count, double part)
{
	double place = part * (count - 1);
	uint32_t low = (uint32_t)place;

	if (low + 1 >= count)
		return sorted[count - 1];
	return sorted[low] + (place - low) * (sorted[low + 1] - sorted[low]);
}

static double part_ns(const struct sample *sample, double part)
{
	return ticks_to_ns(histogram_part(&sample->calls, part)) /
	       sample->batch;
}

void sample_print(const struct sample *sample)
{
	double sorted[SLICES];
	uint32_t n = sample->slices;
	double mean;

	if (n == 0) {
		printf("samples=0");
		return;
	}
	memcpy(sorted, sample->mean, n * sizeof(sorted[0]));
	qsort(sorted, n, sizeof(sorted[0]), compare);
	mean = at(sorted, n, 0.5);
	printf("mean=%.2f best=%.2f spread=%.1f", mean, sorted[0],
	       50 * (at(sorted, n, 0.75) - at(sorted, n, 0.25)) / mean);
	printf(" p50=%.2f p99=%.2f p999=%.2f worst=%.2f", part_ns(sample, 0.5),
	       part_ns(sample, 0.99), part_ns(sample, 0.999),
	       ticks_to_ns((double)sample->calls.most) / sample->batch);
	memcpy(sorted, sample->rate, n * sizeof(sorted[0]));
	qsort(sorted, n, sizeof(sorted[0]), compare);
	printf(" mops=%.3f samples=%llu", at(sorted, n, 0.5),
	       (unsigned long long)sample->calls.count);
}
