/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * tce.h - the backend for the DMA windows of POWER: tables of translation
 * control entries, which the hypervisor keeps and hypervisor calls change.
 *
 * In the archives of POWER only. bounce_tce_init() makes a table's ctx of what
 * the device tree says of the window (bounce_fdt_dma_window()); one window, and
 * so one space, serves all devices behind a host bridge.
 *
 * Source: LoPAR 1.1, "TCE Access Hypervisor Calls": H_PUT_TCE, H_STUFF_TCE,
 * H_PUT_TCE_INDIRECT; the same sections of PAPR.
 */
#ifndef BOUNCE_TCE_H
#define BOUNCE_TCE_H

#include <bounce/iommu.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Alignment of the memory given to bounce_tce_init(), bytes. */
#define BOUNCE_TCE_ALIGN 8u

/* A page of entries for H_PUT_TCE_INDIRECT, bytes; and its alignment. */
#define BOUNCE_TCE_LIST_BYTES 4096u

/* What the hypervisor offers beside single entries. */
enum bounce_tce_flags {
	/*
	 * H_STUFF_TCE and H_PUT_TCE_INDIRECT are there: "hcall-multi-tce" in
	 * /rtas/ibm,hypertas-functions. Where the hypervisor says no, single
	 * calls take their place.
	 */
	BOUNCE_TCE_MULTI = 1,
};

/* A window; lives in caller-given private memory. */
struct bounce_tce;

/* What there is to know of a window. */
struct bounce_tce_info {
	uint32_t liobn; /* its name in hypervisor calls */
	uint32_t page_shift; /* log2 of its page's bytes, 12 .. 18; 0: 12 */
	bounce_bus_t bus; /* its first bus address, whole pages */
	uint64_t len; /* bytes, whole pages, not 0 */
	uint32_t flags; /* enum bounce_tce_flags */
	uint32_t reserved0; /* zero */
	/*
	 * For H_PUT_TCE_INDIRECT: BOUNCE_TCE_LIST_BYTES that the hypervisor can
	 * read, aligned to as many. In a secure guest it must be shared, and
	 * best is bounce_alloc()'s; what is written to it is what the table
	 * has anyway. NULL: only H_PUT_TCE makes entries.
	 */
	unsigned char *list;
	bounce_gpa_t list_gpa;
	uint64_t reserved[2]; /* zero */
};

/**
 * bounce_tce_size() - private memory for a window.
 *
 * Context: any; pure.
 *
 * Return: bytes.
 */
size_t bounce_tce_size(void) BOUNCE_MUST_CHECK;

/**
 * bounce_tce_init() - describe a window; its table is left as it is.
 *
 * The table must be empty where the space's windows are: the library unmaps
 * only what it has mapped.
 *
 * @memory: private, aligned to BOUNCE_TCE_ALIGN; the caller's, lent.
 * @bytes: its size, at least bounce_tce_size().
 * @info: copied; info.list is lent.
 * @tce: written on success only: the ctx of a struct bounce_translation.
 *
 * Context: any; makes no call.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG    a pointer is NULL or misaligned, or @info cannot be.
 *   BOUNCE_ERR_RANGE  @bytes is too small.
 */
enum bounce_err bounce_tce_init(void *memory, size_t bytes,
				const struct bounce_tce_info *info,
				struct bounce_tce **tce) BOUNCE_MUST_CHECK;

/**
 * bounce_tce_valid() - check the window's invariants.
 *
 * @tce: the window.
 *
 * Context: no other call in progress.
 *
 * Return: true when it is as bounce_tce_init() made it.
 */
bool bounce_tce_valid(const struct bounce_tce *tce) BOUNCE_MUST_CHECK;

/*
 * The backend; its ctx is a struct bounce_tce. With a list one call makes up to
 * 512 entries, for as many runs as follow each other on the bus, and one call
 * clears as many; else each page is a call. Nobody waits for the list: who
 * finds it taken makes single calls. There is no flush: an entry that was
 * removed counts from the call's return.
 */
extern const struct bounce_iommu bounce_iommu_tce;

#ifdef __cplusplus
}
#endif

#endif
