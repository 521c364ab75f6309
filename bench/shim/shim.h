/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * shim.h - what the adaptor asks of the shim; see kernel.h.
 */
#ifndef SHIM_SHIM_H
#define SHIM_SHIM_H

#include <stddef.h>

/* Bytes that swiotlb.c took and that are not the pool's own. */
extern size_t shim_metadata_bytes;
/* Times that it changed the attributes of pages. */
extern unsigned long shim_share_calls;

/* Linux's boot option swiotlb=, and its late initialisation (DEBUG_FS). */
int shim_boot_option(char *text);
int shim_late_init(void);

#endif
