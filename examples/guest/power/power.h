/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * power.h - what the files of this folder owe each other: the hypervisor's and
 * the ultravisor's calls, the device tree, RTAS.
 *
 * Sources: LoPAR (Linux on Power Architecture Reference) 1.1 for hypervisor
 * calls and RTAS, both by the names that it gives them; Power ISA 3.0B.
 */
#ifndef POWER_H
#define POWER_H

#include "../guest.h"
#include "../tree.h"

/* Hypervisor calls: LoPAR, "Hypervisor Call Functions", tokens. */
#define H_GET_TCE 0x1c
#define H_PUT_TERM_CHAR 0x58
#define H_SET_MODE 0x31c
/* QEMU's own, RTAS without firmware: include/hw/ppc/spapr.h. */
#define KVMPPC_H_RTAS 0xf000

#define H_SUCCESS 0

/* TCE: LoPAR, H_PUT_TCE. 4 KiB pages; permissions in the two low bits. */
#define TCE_PAGE_BYTES 4096u
#define TCE_DEVICE_READS 1u
#define TCE_DEVICE_WRITES 2u

/* Ultracalls: Linux Documentation/arch/powerpc/ultravisor.rst; codes:
 * arch/powerpc/include/asm/hvcall.h and ultravisor-api.h. */
#define UV_SHARE_PAGE 0xf130
#define UV_UNSHARE_PAGE 0xf134
#define UV_ESM 0xf110
#define U_SUCCESS 0
#define U_BUSY 1
#define U_NONSENSE 0x7e57 /* means nothing: model_lie() */
#define U_FUNCTION (-2)
#define U_P2 (-55)
#define U_P3 (-56)
#define UV_PAGE_SHIFT 16
#define UV_PAGE_BYTES (1u << UV_PAGE_SHIFT)

/* -m 512. The default TCE window, 1 GiB from 0, covers all of it. */
#define POWER_RAM_BYTES (UINT64_C(512) << 20)

/* The registers of an interrupt, as start.S saves them, for each CPU. */
struct power_frame {
	uint64_t gpr[32];
	uint64_t srr0;
	uint64_t srr1;
	uint64_t lr;
	uint64_t ctr;
	uint64_t cr;
	uint64_t xer;
};
_Static_assert(offsetof(struct power_frame, srr0) == 256, "see start.S");
_Static_assert(offsetof(struct power_frame, xer) == 296, "see start.S");
_Static_assert(sizeof(struct power_frame) == 304, "see start.S");

/* ---- start.S ---- */

int64_t power_hcall(uint64_t op, uint64_t a, uint64_t b, uint64_t c,
		    uint64_t d);
/* The same, for calls with a second result in r4. */
int64_t power_hcall_read(uint64_t op, uint64_t a, uint64_t b, uint64_t c,
			 uint64_t *second);
int64_t power_ultracall(uint64_t function, uint64_t gfn, uint64_t count);

/* On to another image, with what QEMU told this one. */
_Noreturn void power_jump(uint64_t entry, const unsigned char *tree);

/* Where the second CPU is to be started; code, not a C function. */
extern const unsigned char power_second_entry[];

/* Called by start.S: on the first CPU, on the second, on either. */
_Noreturn void power_start(const unsigned char *tree);
_Noreturn void power_second(void);
void power_interrupt(struct power_frame *frame, uint64_t vector);

/* ---- endian.c, one for each byte order ---- */

extern const char power_name[]; /* guest_cpu.name */

/* power_set_endian() - have interrupts in the guest's byte order. */
bool power_set_endian(void);

/* ---- rtas.c ---- */

/* rtas_token() - the number of a service, or RTAS_NO_TOKEN. */
#define RTAS_NO_TOKEN UINT32_MAX
uint32_t rtas_token(const char *service);

/* A call: up to 5 arguments and 2 results. Either CPU may make one. */
struct rtas_call {
	uint32_t token;
	uint32_t arguments;
	uint32_t results;
	uint32_t argument[5];
	uint32_t result[2]; /* written; the first is the status, 0 for good */
};
void rtas_call(struct rtas_call *call);

/* ---- pci.c ---- */

/* pci_start() - find the host bridge in the tree. */
bool pci_start(void);

/* ---- tce.c ---- */

/* A host bridge's DMA window. Any page will do for the list: QEMU's hypervisor
 * reads all of the guest's memory. */
struct tce {
	uint32_t liobn;
	unsigned char list[BOUNCE_TCE_LIST_BYTES]
		__attribute__((aligned(BOUNCE_TCE_LIST_BYTES)));
	unsigned char memory[256] __attribute__((aligned(BOUNCE_TCE_ALIGN)));
};

/* tce_open() - of the (@bridge + 1)-th host bridge of the tree. */
struct bounce_tce *tce_open(struct tce *tce, uint32_t bridge);

/* tce_holds() - is this the entry of a page? Asked, not believed. */
bool tce_holds(const struct tce *tce, uint64_t bus, uint64_t entry);

/* ---- model.c ---- */

/* model_start() - find the host bridge's TCE window; nothing is shared. */
bool model_start(void);

/* model_answer() - an ultracall: r3 in, r3 out. */
uint64_t model_answer(uint64_t function, uint64_t gfn, uint64_t count);

#endif
