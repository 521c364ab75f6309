/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * space.h - I/O address spaces: through which windows a device sees memory,
 * and which pool its bounce slots come from.
 */
#ifndef BOUNCE_SPACE_H
#define BOUNCE_SPACE_H

#include <bounce/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Attributes of a window. */
enum bounce_window_flags {
	/*
	 * Untranslated access that bypasses the bus's DMA path: what a virtio
	 * device uses that did not offer ACCESS_PLATFORM. Without it the
	 * window is the bus's own path.
	 */
	BOUNCE_WINDOW_BYPASS = 1,
	/* An IOMMU stands in the way: only what it maps is reached. */
	BOUNCE_WINDOW_TRANSLATED = 2,
};

/*
 * A range of bus addresses through which a space reaches guest-physical ones:
 * bus.v .. bus.v + len - 1 reach gpa.v .. gpa.v + len - 1. All three are
 * multiples of a slot's bytes; len 0 stands for 2^64 less both bases' excess,
 * that is "to the end".
 */
struct bounce_window {
	bounce_bus_t bus;
	bounce_gpa_t gpa;
	uint64_t len; /* bytes */
	uint32_t flags; /* enum bounce_window_flags */
	uint32_t reserved; /* zero */
};

/**
 * bounce_space_init() - make a space without windows.
 *
 * @bounce: the instance.
 * @pool: where bounce slots come from, or NULL: no device of it can bounce.
 * @space: written on success only.
 *
 * Context: not from interrupt level; serialised with the other init and fini
 * calls, and with bounce_pool_grow() of @pool, by the caller.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG   a pointer is NULL, or @pool is another instance's.
 *   BOUNCE_ERR_FULL  config.spaces are used up.
 */
enum bounce_err bounce_space_init(struct bounce *bounce,
				  struct bounce_pool *pool,
				  struct bounce_space **space)
	BOUNCE_MUST_CHECK;

/**
 * bounce_space_add_window() - append a window; the first that fits is used.
 *
 * @space: a space that no device is attached to yet.
 * @window: copied.
 *
 * Context: as bounce_space_init().
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG   misaligned, wraps on either side, overlaps a window of
 *                    the same path on the bus side, or a reserved bit is set.
 *   BOUNCE_ERR_FULL  config.windows are used up.
 *   BOUNCE_ERR_BUSY  a device is attached.
 */
enum bounce_err bounce_space_add_window(struct bounce_space *space,
					const struct bounce_window *window)
	BOUNCE_MUST_CHECK;

/**
 * bounce_space_fini() - end a space.
 *
 * @space: the space.
 *
 * Context: as bounce_space_init().
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_BUSY  a device is attached; nothing changed.
 */
enum bounce_err bounce_space_fini(struct bounce_space *space) BOUNCE_MUST_CHECK;

/**
 * bounce_space_valid() - check the space's invariants.
 *
 * @space: the space.
 *
 * Context: no other call in progress.
 *
 * Return: true when the windows are sorted, disjoint and aligned.
 */
bool bounce_space_valid(const struct bounce_space *space) BOUNCE_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
