/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fake.h - a protected machine in a struct, for tests: its memory, its monitor
 * and what the host can really see.
 *
 * The monitor does what the fault plan says and keeps the truth apart from its
 * answers, so that a test can hold the library's belief against it:
 *
 *   F1  page[] is the truth: what the host sees and what the guest's page
 *       tables say. Only the monitor's calls and the test change it.
 *   F2  At share entry the pages are looked at for secrets (A06, S1).
 *   F3  At unshare entry shared pages are filled with hostile bytes, and they
 *       stay: whoever gets such a page unscrubbed can tell (C07, C08, S5).
 *   F4  Nothing in here stops the test; wrong calls are counted in `wrong`.
 *
 * A machine is a plain struct of the test's; two of them know nothing of each
 * other. Hooks may run at once on several threads; the test's own settings
 * must not change meanwhile.
 */
#ifndef FAKE_FAKE_H
#define FAKE_FAKE_H

#include <bounce/arch.h>
#include <bounce/env.h>

#include <stdatomic.h>

#define FAKE_PAGE_SHIFT 12
#define FAKE_PAGE_BYTES (1u << FAKE_PAGE_SHIFT)
#define FAKE_PAGES 16384u /* largest arena: 64 MiB */
#define FAKE_EVENTS 512u /* the log keeps the last ones */
#define FAKE_FAULTS 8u
#define FAKE_ALWAYS UINT32_MAX

/*
 * Every byte of private memory that must not leak, by convention. Neither the
 * monitor's nor the device's random bytes ever have this value, so a single
 * leaked byte is found (the data that a test hands out should avoid it too).
 */
#define FAKE_SECRET 0x5e
/* What unshare leaves behind (F3). */
#define FAKE_HOSTILE 0xa7

enum fake_call {
	FAKE_DETECT = 0,
	FAKE_SHARE = 1,
	FAKE_UNSHARE = 2,
	FAKE_SET_SHARED = 3, /* env.set_shared(true) */
	FAKE_SET_PRIVATE = 4, /* env.set_shared(false) */
	FAKE_CALLS = 5,
};

/* Bits of page[]. */
enum fake_page {
	FAKE_PAGE_SHARED = 1, /* the host sees it */
	FAKE_PAGE_TABLE = 2, /* the guest's page tables say shared */
};

/*
 * One planned fault: calls number @first .. @first + @times - 1 of a kind
 * answer @step and write @done, whatever was asked; the truth changes for
 * their first @truth granules (at most those asked for). For set_shared any
 * step but DONE is false.
 */
struct fake_fault {
	enum fake_call call;
	uint32_t first; /* from 0 */
	uint32_t times; /* 0: not a fault; FAKE_ALWAYS: for ever */
	enum bounce_step step;
	uint32_t done; /* may be a lie */
	uint32_t truth; /* FAKE_ALWAYS: all that was asked for */
};

struct fake_event {
	enum fake_call call;
	uint32_t count; /* granules; pages for set_shared */
	uint64_t gpa;
	enum bounce_step result;
	uint32_t done;
};

/* What no correct library does. All zero at the end of a good test. */
struct fake_wrong {
	_Atomic uint32_t secrets; /* pages shared with secrets in them (F2) */
	_Atomic uint32_t shared_again; /* granules shared while shared (C09) */
	_Atomic uint32_t unshared_again; /* granules unshared while private */
	_Atomic uint32_t calls; /* misaligned, outside the arena, bad count */
	_Atomic uint32_t tables; /* a private mapping of a shared page */
	_Atomic uint32_t unprotected; /* asked though protection is not YES */
};

struct fake_machine {
	/* Set by the test; defaults of fake_machine_init() in brackets. */
	enum bounce_protection protection; /* detect's answer [YES] */
	struct fake_fault fault[FAKE_FAULTS]; /* first match counts [none] */
	uint64_t refuse_gpa; /* share of these pages is UNCHANGED ... */
	uint64_t refuse_len; /* ... [0: none] */
	/* The embedder has page tables to change: the env has set_shared, and
	 * the order is judged (TDX: never a private mapping of a shared page).
	 * [false] */
	bool tables;
	/* Its caches do not see DMA: fake_cache_init() sets both. [NULL] */
	struct fake_cache *cache;
	const struct bounce_cache *hooks;
	/*
	 * The backend. granule_shift [12], contents [KEPT], batch [16] and
	 * verify_share [false] may be changed before bounce_init().
	 */
	struct bounce_arch arch;

	/* The arena; the test's. */
	unsigned char *memory;
	uint64_t bytes;
	uint64_t base; /* gpa of memory[0] */

	/* Kept by the machine. */
	/* enum fake_page (F1); words, as RISC-V has no atomics on bytes. */
	_Atomic uint32_t page[FAKE_PAGES];
	_Atomic uint32_t calls[FAKE_CALLS];
	_Atomic uint32_t relaxed; /* calls of env.relax */
	struct fake_wrong wrong;
	_Atomic uint32_t events; /* ever logged */
	struct fake_event event[FAKE_EVENTS]; /* number n at n % EVENTS */
};

/*
 * A machine of @bytes (a multiple of 4 KiB, at most FAKE_PAGES pages) at
 * @memory (aligned to 4 KiB), guest-physical address @base. All private. The
 * memory's bytes are left alone: fill them with FAKE_SECRET or not.
 */
void fake_machine_init(struct fake_machine *machine, void *memory,
		       uint64_t bytes, uint64_t base);

/* What bounce_init() wants: the machine's backend. */
struct bounce_monitor fake_machine_monitor(struct fake_machine *machine);

/* An env with the arena as its only linear range, relax() counted, and
 * fake_machine_set_shared() when machine->tables says so. */
struct bounce_env fake_machine_env(struct fake_machine *machine);
bool fake_machine_set_shared(void *machine, bounce_gpa_t gpa, void *cpu,
			     uint64_t len, bool shared);

/* Plan one more fault in the first free entry; false when there is none. */
bool fake_machine_fail(struct fake_machine *machine,
		       const struct fake_fault *fault);

/* The truth. */
bool fake_machine_is_shared(const struct fake_machine *machine, uint64_t gpa);
uint64_t fake_machine_shared_bytes(const struct fake_machine *machine);

/* The CPU's address of a gpa, or NULL when not all of it is in the arena. */
unsigned char *fake_machine_pointer(const struct fake_machine *machine,
				    uint64_t gpa, uint64_t len);

/* The sum of everything in `wrong`. */
uint32_t fake_machine_wrongs(const struct fake_machine *machine);

#endif
