/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * uv.c - IBM Z Secure Execution: share pages by ultravisor call.
 *
 * Source: Linux, arch/s390/include/asm/uv.h and boot/uv.c: blocks, commands,
 * condition codes, the test for a protected guest; arch/s390/kvm/pv.c and
 * intercept.c: which return codes a guest sees.
 *
 *   Z1  UVC is issued only where facility 158 is installed.
 *   Z2  A block is filled once per request. While the condition code is 3 the
 *       same block, untouched, is issued again: it is how the ultravisor knows
 *       where it was. A block filled anew would be a new request. So that loop
 *       is in here, with a bound of its own; condition code 2 before anything
 *       began is an ordinary retry.
 *   Z3  A block is big-endian as the machine is; no byte is swapped.
 */
#include "uv.h"

#define UVC_QUERY 0x0001
#define UVC_SET_SHARED 0x1000
#define UVC_REMOVE_SHARED 0x1001

#define RC_EXECUTED 0x0001
#define RC_COMMAND 0x0002 /* no such command, or a host's */
#define RC_STATE 0x0003
#define RC_LENGTH 0x0005
#define RC_QUERY_MORE \
	0x0100 /* query: the block is shorter than what is known */
#define RC_STORAGE 0x0101 /* share: not in configured storage */

#define CC_EXECUTED 0
#define CC_ERROR 1
#define CC_BUSY 2
#define CC_PARTIAL 3

/* Installed calls, counted from the most significant bit of the first word. */
#define CALL_SET_SHARED (UINT64_C(1) << (63 - 8))
#define CALL_REMOVE_SHARED (UINT64_C(1) << (63 - 9))

#define FACILITY_UV 158
#define FACILITY_WORDS 3

/* A partial call is continued this often, then it is nobody knows what. */
#define CONTINUE_MAX 256u

struct header {
	uint16_t length; /* of the whole block, bytes */
	uint16_t command;
	uint16_t rc;
	uint16_t rrc;
};

struct share_block {
	struct header header;
	uint64_t reserved08[3];
	uint64_t address; /* of the page */
	uint64_t reserved28;
};
_Static_assert(sizeof(struct share_block) == 48, "uv.h: struct uv_cb_share");
_Static_assert(offsetof(struct share_block, address) == 0x20, "uv.h");

/* As short as the ultravisor takes it; the calls are all that we want. */
struct query_block {
	struct header header;
	uint64_t reserved08;
	uint64_t calls[4];
	uint64_t rest[15];
};
_Static_assert(sizeof(struct query_block) == 0xa8, "0xa0 is refused");
_Static_assert(offsetof(struct query_block, calls) == 0x10, "uv.h");

/* ---- requests ---- */

/* How a request ended, once the ultravisor stopped saying "partial". */
struct answer {
	unsigned cc;
	uint16_t rc;
	bool begun; /* it said "partial" before */
};

/* The last cc; 2 and 3 only when the bound is used up, or nothing began. */
static struct answer issue(void *block, const struct header *header)
{
	struct answer answer = { .cc = bounce_s390_uvc(block) };

	for (uint32_t i = 0; i < CONTINUE_MAX; i++) {
		if (answer.cc == CC_PARTIAL)
			answer.begun = true;
		else if (answer.cc != CC_BUSY || !answer.begun)
			break;
		answer.cc = bounce_s390_uvc(block); /* Z2 */
	}
	answer.rc = header->rc;
	return answer;
}

/*
 * cc 1 is an error found before anything was done, as long as the return code
 * is one that says so and nothing was begun.
 */
static enum bounce_step step_of(const struct answer *answer)
{
	if (answer->cc == CC_EXECUTED && answer->rc == RC_EXECUTED)
		return BOUNCE_STEP_DONE;
	if (answer->begun)
		return BOUNCE_STEP_UNKNOWN;
	if (answer->cc == CC_BUSY)
		return BOUNCE_STEP_RETRY;
	if (answer->cc != CC_ERROR)
		return BOUNCE_STEP_UNKNOWN;
	switch (answer->rc) {
	case RC_COMMAND:
	case RC_STATE:
	case RC_LENGTH:
	case RC_STORAGE:
		return BOUNCE_STEP_UNCHANGED;
	default:
		return BOUNCE_STEP_UNKNOWN;
	}
}

/* One page, the only form there is. */
static enum bounce_step ask(uint16_t command, bounce_gpa_t gpa, uint32_t *done)
{
	struct share_block block = {
		.header = { .length = sizeof(block), .command = command },
		.address = gpa.v,
	};
	struct answer answer = issue(&block, &block.header);
	enum bounce_step step = step_of(&answer);

	*done = step == BOUNCE_STEP_DONE;
	return step;
}

/* ---- hooks ---- */

static bool has_facility(unsigned bit)
{
	uint64_t list[FACILITY_WORDS] = { 0 };

	bounce_s390_stfle(list, FACILITY_WORDS);
	return (list[bit / 64] >> (63 - bit % 64) & 1) != 0;
}

enum bounce_protection bounce_s390_query(void)
{
	struct query_block block = {
		.header = { .length = sizeof(block), .command = UVC_QUERY },
	};
	const uint64_t both = CALL_SET_SHARED | CALL_REMOVE_SHARED;
	struct answer answer = issue(&block, &block.header);

	for (uint32_t i = 0; i < CONTINUE_MAX && answer.cc == CC_BUSY; i++)
		answer = issue(&block, &block.header);
	if (!(answer.cc == CC_EXECUTED && answer.rc == RC_EXECUTED) &&
	    !(answer.cc == CC_ERROR && answer.rc == RC_QUERY_MORE))
		return BOUNCE_PROTECTION_UNKNOWN;
	return (block.calls[0] & both) == both ? BOUNCE_PROTECTION_YES :
						 BOUNCE_PROTECTION_NO;
}

/* The host of protected guests has facility 158 too, but not both calls. */
static enum bounce_protection detect(void *ctx)
{
	(void)ctx;
	if (!has_facility(FACILITY_UV)) /* Z1 */
		return BOUNCE_PROTECTION_NO;
	return bounce_s390_query();
}

static enum bounce_step share(void *ctx, bounce_gpa_t gpa, uint32_t count,
			      uint32_t *done)
{
	(void)ctx;
	(void)count; /* 1, by .batch */
	return ask(UVC_SET_SHARED, gpa, done);
}

static enum bounce_step unshare(void *ctx, bounce_gpa_t gpa, uint32_t count,
				uint32_t *done)
{
	(void)ctx;
	(void)count;
	return ask(UVC_REMOVE_SHARED, gpa, done);
}

const struct bounce_arch bounce_arch_s390_uv = {
	.name = "s390/uv",
	.granule_shift = 12,
	.contents = BOUNCE_CONTENTS_KEPT, /* lib/share.c zeroes before */
	.verify_share = false,
	.batch = 1,
	.detect = detect,
	.share = share,
	.unshare = unshare,
};
