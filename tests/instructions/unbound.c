/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * unbound.c - lib/map.c once more, as it would be if no epoch could move: the
 * verdict is taken out of the binding as it stands. The difference to the
 * archive's is what the check of the epoch costs each mapping.
 */
#include "mapping.h"

static inline struct bounce_verdict unchecked_bind(
	const struct bounce *bounce, const struct bounce_device *device)
{
	(void)bounce;
	/* As in bounce_device_bind(), but for the epoch. */
	return bounce_device_unpack(
		atomic_load_explicit(&device->binding, memory_order_acquire));
}
#define bounce_device_bind unchecked_bind
#include "map.c"
