/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * arch.h - the contract of a monitor backend: who asks the ultravisor (POWER,
 * Z), the paravisor or the hypervisor to share pages.
 *
 * A backend says what one call does; lib/share.c alone calls it and keeps the
 * state machine, the order, the bounds and the retries. docs/design.md 8.
 */
#ifndef BOUNCE_ARCH_H
#define BOUNCE_ARCH_H

#include <bounce/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Is guest memory kept from the host? Once YES, the library keeps it so. */
enum bounce_protection {
	BOUNCE_PROTECTION_UNKNOWN = 0, /* forbids DIRECT; never shares */
	BOUNCE_PROTECTION_NO = 1,
	BOUNCE_PROTECTION_YES = 2,
};

/* What one share or unshare call came to. There is no fifth result. */
enum bounce_step {
	/* Done for the first `*done` granules (at least one). */
	BOUNCE_STEP_DONE = 0,
	/* Ask again; `*done` granules (0 or more) are done. */
	BOUNCE_STEP_RETRY = 1,
	/* Failed, and no granule of this call has changed. */
	BOUNCE_STEP_UNCHANGED = 2,
	/* Failed or unclear: any granule of this call may be either. LOST. */
	BOUNCE_STEP_UNKNOWN = 3,
};

/* What a page holds after a successful share. */
enum bounce_contents {
	BOUNCE_CONTENTS_KEPT = 0, /* Z, pKVM: the bytes stay and are public */
	BOUNCE_CONTENTS_ZERO = 1, /* POWER: the ABI zeroes */
	BOUNCE_CONTENTS_UNDEFINED = 2, /* SNP, TDX, CCA */
};

/*
 * A backend. Constant data, one per monitor; several may be linked, the
 * embedder names one. Hooks are called in the context of bounce_pool_grow,
 * _retire and _fini, bounce_enter_secure() and bounce_unshare_all(); detect()
 * also in that of bounce_init() and of what moves the epoch. Never on the I/O
 * path, never twice at once for one range; at interrupt level only when
 * bounce_unshare_all() is called there, by a crash handler.
 */
struct bounce_arch {
	const char *name; /* "power/ultravisor" */
	uint8_t granule_shift; /* log2 of the share granule: 16 POWER, 12 Z */
	uint8_t contents; /* enum bounce_contents */
	/*
	 * The status of a share cannot be trusted: share.c proves each granule
	 * by content (a pattern before, zero after). Needs CONTENTS_ZERO.
	 */
	bool verify_share;
	uint32_t batch; /* granules per call at most, 1 or more */

	/* detect() - is guest memory protected now? Changes nothing. */
	enum bounce_protection (*detect)(void *ctx);

	/*
	 * share(), unshare() - ask once for [@gpa, @gpa + @count granules).
	 * @count: 1 .. batch. @done: granules done from the first, written
	 * always, at most @count; it is checked, as is progress. One request
	 * to the monitor per call: share.c bounds the retries.
	 */
	enum bounce_step (*share)(void *ctx, bounce_gpa_t gpa, uint32_t count,
				  uint32_t *done);
	enum bounce_step (*unshare)(void *ctx, bounce_gpa_t gpa, uint32_t count,
				    uint32_t *done);
};

/* A backend and the context its hooks get: what bounce_init() is given. */
struct bounce_monitor {
	const struct bounce_arch *arch;
	void *ctx; /* NULL for the real ones; a machine for arch/fake */
};

/* IBM POWER Protected Execution Facility: ultracalls by `sc 2`. */
extern const struct bounce_arch bounce_arch_power_ultravisor;
/* IBM Z Secure Execution: the UVC instruction. */
extern const struct bounce_arch bounce_arch_s390_uv;
/* No monitor: guest memory is not protected, sharing is a no-op. */
extern const struct bounce_arch bounce_arch_none;

#ifdef __cplusplus
}
#endif

#endif
