/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * model.c - stands in for the ultravisor of IBM Z Secure Execution: answers
 * UVC as the real one does, and keeps the truth of which page is shared.
 *
 * It shows that the library asks rightly, in the right order, with the right
 * block; it does not show how real hardware behaves (G1 of guest.h).
 *
 *   M1  A page is shared only by a Set Shared Access that was executed, and
 *       private again only by a Remove Shared Access that was executed. Both
 *       leave the page's bytes alone.
 *   M2  It runs in the program-check handler, on one CPU at a time. What the
 *       other one may ask meanwhile is atomic, and relaxed: an answer is a
 *       snapshot, and what it is about is ordered by who shares and who asks.
 *   M3  model_open() and cpu_enter_secure() leave every page's bytes alone,
 *       too. They are not UVC's: a Z guest becomes secure by a diagnose 308
 *       that loads it anew, and the model spares it the loading.
 *
 * Source: Linux arch/s390/include/asm/uv.h and kvm-unit-tests s390x/uv-guest.c
 * (the ultravisor's interface is not published otherwise).
 */
#include <stdatomic.h>

#include "../stage.h"
#include "machine.h"

#define PAGE_SHIFT 12
#define PAGE_BYTES (UINT64_C(1) << PAGE_SHIFT)
#define PAGES (MACHINE_RAM_BYTES >> PAGE_SHIFT)
#define WORD_BITS 64u

/* Return codes. */
#define RC_EXECUTED 0x0001u
#define RC_COMMAND 0x0002u /* no such command for a guest */
#define RC_STATE 0x0003u /* not in this state */
#define RC_LENGTH 0x0005u
/*
 * Not in the guest's memory. The model gives it for an address inside a page,
 * too; what the real one gives there is not published.
 */
#define RC_ADDRESS 0x0101u
#define RC_NONSENSE 0x7e57u /* means nothing: model_lie() */

/* As long as model_awkward() holds, a request gets these answers first. */
static const uint8_t not_yet[] = {
	UVC_BUSY, UVC_BUSY, UVC_PARTIAL, UVC_BUSY, UVC_PARTIAL,
};

static struct {
	_Atomic uint64_t shared[PAGES / WORD_BITS]; /* a bit for each page */
	_Atomic uint64_t count; /* pages shared now */
	_Atomic uint64_t calls;
	uint64_t refused; /* a page's address */
	unsigned delays; /* answers of not_yet[] that this request had */
	const struct uvc_share *begun; /* the block of a partial request */
	struct uvc_share copy; /* of it: it must come again untouched */
	bool awkward;
	enum model_lie lie;
	bool refuses;
	bool open; /* not a secure guest: devices reach all pages (M3) */
} model;

static uint64_t page_bit(uint64_t page)
{
	return UINT64_C(1) << (page % WORD_BITS);
}

static bool is_shared(uint64_t page)
{
	/* relaxed: M2. */
	return (atomic_load_explicit(&model.shared[page / WORD_BITS],
				     memory_order_relaxed) &
		page_bit(page)) != 0;
}

static void set_shared(uint64_t page, bool shared)
{
	if (is_shared(page) == shared)
		return;
	/* relaxed: M2. */
	atomic_fetch_xor_explicit(&model.shared[page / WORD_BITS],
				  page_bit(page), memory_order_relaxed);
	atomic_fetch_add_explicit(&model.count, shared ? 1 : UINT64_MAX,
				  memory_order_relaxed);
	bus_share(page << PAGE_SHIFT, shared);
}

static bool is_memory(uint64_t gpa, uint64_t len)
{
	return gpa < MACHINE_RAM_BYTES && len <= MACHINE_RAM_BYTES - gpa;
}

/* ---- the answers ---- */

static unsigned fault(struct uvc_header *header, uint16_t rc)
{
	header->rc = rc;
	return UVC_ERROR;
}

static unsigned executed(struct uvc_header *header)
{
	header->rc = RC_EXECUTED;
	return UVC_EXECUTED;
}

/* A guest may share; that, and only that, says that it is a secure one. */
static unsigned answer_query(struct uvc_query *block)
{
	if (block->header.length < sizeof(*block))
		return fault(&block->header, RC_LENGTH);
	memset(block->installed, 0, sizeof(block->installed));
	memset(block->rest, 0, sizeof(block->rest));
	if (!model.open)
		block->installed[0] = UVC_INSTALLED_SET_SHARED |
				      UVC_INSTALLED_REMOVE_SHARED;
	return executed(&block->header);
}

/* "Not yet", for as long as model_awkward() wants it; else UVC_EXECUTED. */
static unsigned delay(const struct uvc_share *block)
{
	unsigned condition;

	if (!model.awkward || model.delays == sizeof(not_yet)) {
		model.delays = 0;
		model.begun = NULL;
		return UVC_EXECUTED;
	}
	condition = not_yet[model.delays++];
	if (condition == UVC_PARTIAL) {
		model.begun = block;
		model.copy = *block;
	}
	return condition;
}

/* A partial request is continued by issuing the very same block again. */
static void check_continuation(const struct uvc_share *block)
{
	if (model.begun == NULL)
		return;
	if (block != model.begun ||
	    memcmp(block, &model.copy, sizeof(*block)) != 0)
		guest_fail("a partial UVC was not continued with its block");
}

static unsigned lie_about(struct uvc_share *block, bool share)
{
	if (model.lie == MODEL_NEVER_DONE)
		return UVC_BUSY;
	if (share == (model.lie == MODEL_GARBLES))
		set_shared(block->page >> PAGE_SHIFT, share);
	return model.lie == MODEL_GARBLES ? fault(&block->header, RC_NONSENSE) :
					    executed(&block->header);
}

static unsigned answer_share(struct uvc_share *block)
{
	bool share = block->header.command == UVC_SET_SHARED;
	unsigned condition;

	/* relaxed: M2. */
	atomic_fetch_add_explicit(&model.calls, 1, memory_order_relaxed);
	check_continuation(block);
	if (model.open)
		return fault(&block->header, RC_COMMAND);
	if (block->header.length < sizeof(*block))
		return fault(&block->header, RC_LENGTH);
	if (block->page % PAGE_BYTES != 0 ||
	    !is_memory(block->page, PAGE_BYTES))
		return fault(&block->header, RC_ADDRESS);
	if (share && model.refuses && block->page == model.refused)
		return fault(&block->header, RC_STATE);
	if (model.lie != MODEL_HONEST)
		return lie_about(block, share);
	condition = delay(block);
	if (condition != UVC_EXECUTED)
		return condition;
	set_shared(block->page >> PAGE_SHIFT, share);
	return executed(&block->header);
}

unsigned model_answer(struct uvc_header *header)
{
	switch (header->command) {
	case UVC_QUERY:
		return answer_query((struct uvc_query *)header);
	case UVC_SET_SHARED:
	case UVC_REMOVE_SHARED:
		return answer_share((struct uvc_share *)header);
	default:
		return fault(header, RC_COMMAND);
	}
}

/* ---- what the controls ask for, and what is asked of it ---- */

void model_open(void)
{
	model.open = true;
	bus_open(true);
}

bool cpu_enter_secure(void)
{
	if (!model.open)
		return false;
	bus_open(false);
	model.open = false;
	return true;
}

bool model_is_open(void)
{
	return model.open;
}

void model_watch(const struct bounce *bounce)
{
	(void)bounce;
}

void model_refuse(uint64_t gpa)
{
	model.refuses = gpa != MODEL_NO_PAGE;
	model.refused = gpa & ~(PAGE_BYTES - 1);
}

void model_awkward(bool on)
{
	model.awkward = on;
	model.delays = 0;
	model.begun = NULL;
}

void model_lie(enum model_lie lie)
{
	model.lie = lie;
}

uint64_t model_shared_granules(void)
{
	/* relaxed: M2. */
	return atomic_load_explicit(&model.count, memory_order_relaxed);
}

uint64_t model_calls(void)
{
	/* relaxed: M2. */
	return atomic_load_explicit(&model.calls, memory_order_relaxed);
}

bool model_allows(uint64_t gpa, uint64_t len)
{
	if (len == 0 || !is_memory(gpa, len))
		return false;
	for (uint64_t page = gpa >> PAGE_SHIFT;
	     page <= (gpa + len - 1) >> PAGE_SHIFT; page++) {
		if (!is_shared(page) && !model.open)
			return false;
	}
	return true;
}

static unsigned answer(void *block)
{
	return model_answer(block);
}

const struct guest_monitor guest_monitor = {
	.allows = model_allows,
	.shared_granules = model_shared_granules,
	.calls = model_calls,
	.answer = answer,
	.recover = bus_recover,
};
