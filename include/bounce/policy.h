/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * policy.h - does it bounce? Facts in, verdict and reason out; nothing else.
 *
 * The rules are a table (lib/policy.c); `ninja explain` prints that table.
 */
#ifndef BOUNCE_POLICY_H
#define BOUNCE_POLICY_H

#include <bounce/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is known of a device and a buffer. A set bit is a known fact. */
enum bounce_fact {
	/* Guest memory is protected, or nobody can tell (then: as if it is). */
	BOUNCE_FACT_PROTECTED = 1 << 0,
	/* The device offers VERSION_1: it is not a legacy device. */
	BOUNCE_FACT_VERSION_1 = 1 << 1,
	/* The device offers ACCESS_PLATFORM. */
	BOUNCE_FACT_ACCESS_PLATFORM = 1 << 2,
	/* The device sits on a channel subsystem (ccw). */
	BOUNCE_FACT_CCW = 1 << 3,
	/* The device is attested: it may reach private memory. */
	BOUNCE_FACT_ATTESTED = 1 << 4,
	/* The device's path reaches the buffer where it is. */
	BOUNCE_FACT_REACHABLE = 1 << 5,
	/* The embedder does not trust the device with a page's other bytes. */
	BOUNCE_FACT_UNTRUSTED = 1 << 6,
	/* The buffer does not fill whole pages. */
	BOUNCE_FACT_SUBPAGE = 1 << 7,
	/* The device is passed page numbers, not DMA addresses (balloon). */
	BOUNCE_FACT_PAGE_NUMBERS = 1 << 8,
	/* A pool is there, shared, and the device reaches it. */
	BOUNCE_FACT_POOL = 1 << 9,
	/* A pool of its own was asked for, and could not be set up. */
	BOUNCE_FACT_POOL_FAILED = 1 << 10,
	/* FEATURES_OK did not stick: the device refused our answer. */
	BOUNCE_FACT_FEATURES_REJECTED = 1 << 11,
	/* Embedder: refuse what does not offer ACCESS_PLATFORM. */
	BOUNCE_FACT_STRICT = 1 << 12,
	/* Embedder: decline ACCESS_PLATFORM on ccw (hosts that allow it). */
	BOUNCE_FACT_CCW_DECLINE = 1 << 13,
	/* Embedder: bounce though nothing asks for it (BOUNCE_FORCE). */
	BOUNCE_FACT_FORCE = 1 << 14,
	/* The guest has become secure since the features were negotiated. */
	BOUNCE_FACT_UNNEGOTIATED = 1 << 15,
	/* Its requester ID is also that of a device that it must not share
	 * one with: in another space, attested, or to be alone. */
	BOUNCE_FACT_ALIASED = 1 << 16,
	/* It has no requester ID: a bridge above has no bus number yet. */
	BOUNCE_FACT_UNNUMBERED = 1 << 17,
	/* Its DMA does not meet caches as the class of its space says. */
	BOUNCE_FACT_INCOHERENT = 1 << 18,
};
/* How many facts there are: bits 0 .. 18. */
#define BOUNCE_FACTS 19

/* What is done with a device, or with one of its buffers. */
enum bounce_verdict_kind {
	BOUNCE_VERDICT_REFUSE = 0, /* the device is not used at all */
	BOUNCE_VERDICT_BOUNCE = 1, /* through shared slots */
	BOUNCE_VERDICT_DIRECT = 2, /* at the caller's own pages */
};

/* By which of the space's windows the device is given addresses. */
enum bounce_path {
	BOUNCE_PATH_BUS = 0, /* the bus's own DMA path */
	BOUNCE_PATH_BYPASS = 1, /* untranslated guest-physical addresses */
};

/* Why. Each has a sentence and a source: bounce_reason_text(), _source(). */
enum bounce_reason {
	BOUNCE_WHY_PAGE_NUMBERS,
	BOUNCE_WHY_LEGACY,
	BOUNCE_WHY_FEATURES_REJECTED,
	BOUNCE_WHY_UNNEGOTIATED,
	BOUNCE_WHY_ALIASED,
	BOUNCE_WHY_UNNUMBERED,
	BOUNCE_WHY_INCOHERENT,
	BOUNCE_WHY_POOL_FAILED,
	BOUNCE_WHY_ATTESTED,
	BOUNCE_WHY_DECLINED,
	BOUNCE_WHY_PLATFORM,
	BOUNCE_WHY_STRICT,
	BOUNCE_WHY_NOT_OFFERED,
	BOUNCE_WHY_NO_POOL,
	BOUNCE_WHY_FORCED,
	BOUNCE_WHY_OPEN,
	BOUNCE_WHY_OPEN_PLATFORM,
	BOUNCE_WHY_UNTRUSTED,
	BOUNCE_WHY_UNREACHABLE,
	BOUNCE_WHY_NOWHERE,
	BOUNCE_REASONS,
};

/* What the policy says of a device and a buffer. Plain data, copied freely. */
struct bounce_verdict {
	uint8_t kind; /* enum bounce_verdict_kind */
	uint8_t path; /* enum bounce_path */
	uint8_t reason; /* enum bounce_reason */
	uint8_t accept; /* 1: ACCESS_PLATFORM is accepted when offered */
};

/* One line of the truth table: the first whose facts match decides. */
struct bounce_rule {
	uint32_t mask; /* facts that matter */
	uint32_t facts; /* and what they must be */
	struct bounce_verdict verdict;
};

/**
 * bounce_policy_decide() - facts to verdict.
 *
 * @facts: bits of enum bounce_fact; other bits are ignored.
 *
 * Context: any; pure; wait-free.
 *
 * Return: the verdict; every combination of facts has one.
 *
 * Source: docs/design.md 7; VIRTIO 1.2 section 6.1.
 */
struct bounce_verdict bounce_policy_decide(uint32_t facts) BOUNCE_MUST_CHECK;

/**
 * bounce_policy_rules() - the truth table itself, for people and tests.
 *
 * @count: written: rules in the table.
 *
 * Context: any; pure.
 *
 * Return: the rules in the order in which they are tried; constant data. The
 * last one matches everything.
 */
const struct bounce_rule *bounce_policy_rules(uint32_t *count);

/**
 * bounce_reason_text() - a reason as a sentence.
 *
 * @reason: enum bounce_reason.
 *
 * Context: any; pure.
 *
 * Return: constant text, never NULL; "unknown reason" outside the range.
 */
const char *bounce_reason_text(unsigned reason);

/**
 * bounce_reason_source() - where a rule comes from.
 *
 * @reason: enum bounce_reason.
 *
 * Context: any; pure.
 *
 * Return: document and section, never NULL; "" outside the range.
 */
const char *bounce_reason_source(unsigned reason);

#ifdef __cplusplus
}
#endif

#endif
