/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * topology.h - functions and bridges, as the tables hold them. All cold; the
 * calls are serialised by the embedder.
 *
 *   T1  Above a function stand at most BOUNCE_TOPOLOGY_DEPTH bridges, and it
 *       has at most BOUNCE_REQUESTERS IDs, whatever the numbers are: both are
 *       judged when it is added, so that every walk ends and every set fits.
 *   T2  Outside of a change the numbers nest: the buses of a bridge are inside
 *       its parent's, above its own bus, and no other's.
 *   T3  `requesters` is what the numbers were when they were last settled.
 */
#ifndef LIB_TOPOLOGY_H
#define LIB_TOPOLOGY_H

#include <bounce/topology.h>

struct bounce_function {
	struct bounce *bounce; /* constant from bounce_init() */
	bool in_use; /* this entry is given out */
	bool changing; /* it, and all beneath, are in a change */
	uint32_t children; /* functions right beneath it */
	uint32_t devices; /* attached */
	struct bounce_function_info info; /* with the numbers of now */
	struct bounce_requesters requesters; /* T3 */
};

/* Is @function in a change, by itself or by a bridge above? */
bool bounce_function_changes(const struct bounce_function *function);

/* Do two functions share an ID? */
bool bounce_function_alias(const struct bounce_function *a,
			   const struct bounce_function *b);

/* Compute all IDs anew (T3). */
void bounce_topology_compute(struct bounce *bounce);

/* T2. */
bool bounce_topology_nests(const struct bounce *bounce);

#endif
