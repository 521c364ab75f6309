/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * zpci.h - the backend for I/O address translation of PCI functions on IBM Z:
 * tables in memory, which the host walks when an instruction tells it to.
 *
 * In the archive of s390x only. One set of tables serves all functions that
 * are attached to it: it is what a space has, and the ctx of its struct
 * bounce_translation. The embedder lists and enables functions by CLP, and
 * hands over their handles.
 *
 * A function that was refused an access is in the error state: it reaches
 * nothing, and cannot be told of changes, until bounce_zpci_recover() has made
 * it forget all and begin anew. Mappings go on meanwhile.
 *
 * Source: Linux, arch/s390/include/asm/pci_insn.h and pci_dma.h. IBM publishes
 * no document of it.
 */
#ifndef BOUNCE_ZPCI_H
#define BOUNCE_ZPCI_H

#include <bounce/iommu.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Alignment of the memory given to bounce_zpci_init(), bytes. */
#define BOUNCE_ZPCI_ALIGN 8u

/* Alignment of the tables, bytes. */
#define BOUNCE_ZPCI_TABLES_ALIGN 16384u

/* What the window is a multiple of, and what it must lie below. */
#define BOUNCE_ZPCI_WINDOW_ALIGN (UINT64_C(1) << 20)
#define BOUNCE_ZPCI_WINDOW_END (UINT64_C(1) << 42)

/* Tables, and who goes by them; lives in caller-given private memory. */
struct bounce_zpci;

/* Where the tables are, and for which bus addresses. */
struct bounce_zpci_info {
	/*
	 * bounce_zpci_tables_size() bytes that the host can read, aligned to
	 * BOUNCE_ZPCI_TABLES_ALIGN; best from bounce_alloc() in a pool of its
	 * own, so that no function reaches it.
	 */
	unsigned char *tables;
	bounce_gpa_t tables_gpa;
	/* Bus addresses: inside the range that CLP's query function names for
	 * each function. Both multiples of BOUNCE_ZPCI_WINDOW_ALIGN. */
	bounce_bus_t bus;
	uint64_t len; /* bytes, not 0 */
	uint16_t functions; /* attached at the same time, 1 .. */
	uint16_t reserved0[3]; /* zero */
	uint64_t reserved[2]; /* zero */
};

/**
 * bounce_zpci_size() - private memory for a set of tables.
 *
 * @info: read only.
 *
 * Context: any; pure.
 *
 * Return: bytes, or 0 when @info cannot be.
 */
size_t bounce_zpci_size(const struct bounce_zpci_info *info) BOUNCE_MUST_CHECK;

/**
 * bounce_zpci_tables_size() - memory for the tables themselves.
 *
 * Two KiB for each MiB of the window, and 32 KiB or more besides.
 *
 * @info: read only; info.tables may be NULL yet.
 *
 * Context: any; pure.
 *
 * Return: bytes, or 0 when the window cannot be.
 */
size_t bounce_zpci_tables_size(const struct bounce_zpci_info *info)
	BOUNCE_MUST_CHECK;

/**
 * bounce_zpci_init() - write empty tables.
 *
 * @memory: private, aligned to BOUNCE_ZPCI_ALIGN; the caller's, lent.
 * @bytes: its size, at least bounce_zpci_size(@info).
 * @info: copied; info.tables is lent.
 * @zpci: written on success only; the ctx of a struct bounce_translation.
 *
 * Context: any; makes no request.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG    a pointer is NULL or misaligned, or @info cannot be.
 *   BOUNCE_ERR_RANGE  @bytes is too small.
 */
enum bounce_err bounce_zpci_init(void *memory, size_t bytes,
				 const struct bounce_zpci_info *info,
				 struct bounce_zpci **zpci) BOUNCE_MUST_CHECK;

/**
 * bounce_zpci_attach() - from now on the tables confine a function.
 *
 * Before it is set to work: DRIVER_OK of a virtio device starts it.
 *
 * @zpci: the tables.
 * @handle: of a function that is enabled and has no translation yet.
 *
 * Context: serialised by the caller with detach and recover; maps and unmaps
 * may go on. Bounded.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_BUSY     it is attached, or the host was busy for too long.
 *   BOUNCE_ERR_FULL     info.functions are used up.
 *   BOUNCE_ERR_REFUSED  no such function.
 *   BOUNCE_ERR_HOST     the host refused; the function reaches nothing.
 *   BOUNCE_ERR_LOST     it refused halfway: the function is attached, and may
 *                       reach what is mapped: detach it, or recover it.
 */
enum bounce_err bounce_zpci_attach(struct bounce_zpci *zpci, uint32_t handle)
	BOUNCE_MUST_CHECK;

/**
 * bounce_zpci_detach() - a function reaches nothing any more.
 *
 * Also of one in the error state, or that is gone.
 *
 * @zpci: the tables.
 * @handle: as it was attached.
 *
 * Context: as bounce_zpci_attach(); the function is quiesced.
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG   it is not attached.
 *   BOUNCE_ERR_BUSY  the host was busy for too long; it still is attached.
 *   BOUNCE_ERR_HOST  the host refused; it still is attached.
 */
enum bounce_err bounce_zpci_detach(struct bounce_zpci *zpci, uint32_t handle)
	BOUNCE_MUST_CHECK;

/**
 * bounce_zpci_recover() - take a function out of the error state.
 *
 * Its translation is taken from it first, then the error, then it gets the
 * translation again: when the error is gone, nothing old is left. Whatever it
 * was doing has failed: reset the device, and revoke it, before. Harmless for a
 * function without an error.
 *
 * @zpci: the tables.
 * @handle: as it was attached.
 *
 * Context: as bounce_zpci_attach().
 *
 * Return:
 *   BOUNCE_OK
 *   BOUNCE_ERR_ARG   it is not attached.
 *   BOUNCE_ERR_BUSY  the host was busy for too long; try again.
 *   BOUNCE_ERR_REFUSED  no such function any more: detach it.
 *   BOUNCE_ERR_HOST  the host refused, or what the function had begun failed
 *                    once more. It reaches nothing; try again.
 *   BOUNCE_ERR_LOST  its translation could not be taken from it.
 */
enum bounce_err bounce_zpci_recover(struct bounce_zpci *zpci, uint32_t handle)
	BOUNCE_MUST_CHECK;

/**
 * bounce_zpci_valid() - check the invariants.
 *
 * @zpci: the tables.
 *
 * Context: no other call in progress.
 *
 * Return: true when no function is in between two states, or there twice.
 */
bool bounce_zpci_valid(const struct bounce_zpci *zpci) BOUNCE_MUST_CHECK;

/*
 * The backend; its ctx is a struct bounce_zpci. One RPCIT for each function
 * serves as many runs as follow each other on the bus.
 */
extern const struct bounce_iommu bounce_iommu_zpci;

#ifdef __cplusplus
}
#endif

#endif
