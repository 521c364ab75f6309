/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fake.c - the fake machine's monitor. F1 to F4 are in fake.h.
 *
 * All atomics are relaxed: page[] and the counters are independent facts, and
 * threads of a test meet in the library or at their end, not in here.
 */
#include "fake.h"

static uint32_t page_bits(const struct fake_machine *machine, uint64_t page)
{
	return atomic_load_explicit(&machine->page[page], memory_order_relaxed);
}

static void count(_Atomic uint32_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static uint64_t granule_bytes(const struct fake_machine *machine)
{
	return UINT64_C(1) << machine->arch.granule_shift;
}

/* Is [gpa, gpa + len) in the arena? */
static bool has_range(const struct fake_machine *machine, uint64_t gpa,
		      uint64_t len)
{
	return gpa >= machine->base && gpa - machine->base <= machine->bytes &&
	       len <= machine->bytes - (gpa - machine->base);
}

static uint64_t page_of(const struct fake_machine *machine, uint64_t gpa)
{
	return (gpa - machine->base) >> FAKE_PAGE_SHIFT;
}

static void fill(unsigned char *memory, uint64_t len, unsigned char byte)
{
	for (uint64_t i = 0; i < len; i++)
		memory[i] = byte;
}

static bool holds_secret(const struct fake_machine *machine,
			 const unsigned char *memory, uint64_t len)
{
	/* A verified share begins with a pattern, else all is zero. */
	bool pattern = machine->arch.verify_share;

	for (uint64_t i = 0; i < len; i++)
		if (pattern ? memory[i] == FAKE_SECRET : memory[i] != 0)
			return true;
	return false;
}

/* ---- plan and log ---- */

static struct fake_event new_event(enum fake_call call, uint64_t gpa,
				   uint32_t granules)
{
	return (struct fake_event) {
		.call = call,
		.count = granules,
		.gpa = gpa,
		.result = BOUNCE_STEP_DONE,
		.done = granules,
	};
}

static void log_event(struct fake_machine *machine,
		      const struct fake_event *event)
{
	uint32_t n = atomic_fetch_add_explicit(&machine->events, 1,
					       memory_order_relaxed);

	machine->event[n % FAKE_EVENTS] = *event;
}

/* The fault that this call meets, or NULL. Counts the call. */
static const struct fake_fault *next_fault(struct fake_machine *machine,
					   enum fake_call call)
{
	uint32_t n = atomic_fetch_add_explicit(&machine->calls[call], 1,
					       memory_order_relaxed);

	for (uint32_t i = 0; i < FAKE_FAULTS; i++) {
		const struct fake_fault *fault = &machine->fault[i];

		if (fault->times != 0 && fault->call == call &&
		    n >= fault->first && n - fault->first < fault->times)
			return fault;
	}
	return NULL;
}

/* ---- the truth ---- */

static void share_granule(struct fake_machine *machine, uint64_t gpa)
{
	uint64_t bytes = granule_bytes(machine);
	uint64_t first = page_of(machine, gpa);
	unsigned char *memory = machine->memory + (gpa - machine->base);

	if ((page_bits(machine, first) & FAKE_PAGE_SHARED) != 0)
		count(&machine->wrong.shared_again);
	if (machine->arch.contents == BOUNCE_CONTENTS_ZERO)
		fill(memory, bytes, 0);
	else if (machine->arch.contents == BOUNCE_CONTENTS_UNDEFINED)
		fill(memory, bytes, (unsigned char)~FAKE_SECRET);
	for (uint64_t i = 0; i < bytes >> FAKE_PAGE_SHIFT; i++)
		atomic_fetch_or_explicit(&machine->page[first + i],
					 FAKE_PAGE_SHARED,
					 memory_order_relaxed);
}

static void unshare_granule(struct fake_machine *machine, uint64_t gpa)
{
	uint64_t first = page_of(machine, gpa);

	if ((page_bits(machine, first) & FAKE_PAGE_SHARED) == 0)
		count(&machine->wrong.unshared_again);
	for (uint64_t i = 0; i < granule_bytes(machine) >> FAKE_PAGE_SHIFT; i++)
		atomic_fetch_and_explicit(&machine->page[first + i],
					  (uint8_t)~FAKE_PAGE_SHARED,
					  memory_order_relaxed);
}

/* F2, and the tables' order: shared before the monitor where it matters. */
static void enter_share(struct fake_machine *machine, uint64_t gpa,
			uint64_t len)
{
	for (uint64_t at = gpa; at - gpa < len; at += FAKE_PAGE_BYTES) {
		uint32_t bits = page_bits(machine, page_of(machine, at));

		if ((bits & FAKE_PAGE_SHARED) == 0 &&
		    holds_secret(machine,
				 machine->memory + (at - machine->base),
				 FAKE_PAGE_BYTES))
			count(&machine->wrong.secrets);
		if (machine->tables &&
		    machine->arch.contents == BOUNCE_CONTENTS_UNDEFINED &&
		    (bits & FAKE_PAGE_TABLE) == 0)
			count(&machine->wrong.tables);
	}
}

/* F3 */
static void enter_unshare(struct fake_machine *machine, uint64_t gpa,
			  uint64_t len)
{
	for (uint64_t at = gpa; at - gpa < len; at += FAKE_PAGE_BYTES)
		if ((page_bits(machine, page_of(machine, at)) &
		     FAKE_PAGE_SHARED) != 0)
			fill(machine->memory + (at - machine->base),
			     FAKE_PAGE_BYTES, FAKE_HOSTILE);
}

static void change(struct fake_machine *machine, bool share, uint64_t gpa,
		   uint32_t granules)
{
	for (uint32_t i = 0; i < granules; i++) {
		uint64_t at = gpa + i * granule_bytes(machine);

		if (share)
			share_granule(machine, at);
		else
			unshare_granule(machine, at);
	}
}

/* ---- the backend's hooks ---- */

static enum bounce_protection detect(void *ctx)
{
	struct fake_machine *machine = ctx;

	(void)next_fault(machine, FAKE_DETECT);
	return machine->protection;
}

/* Calls that no monitor would survive; they change nothing. */
static bool is_wrong_call(struct fake_machine *machine, uint64_t gpa,
			  uint32_t granules)
{
	uint64_t mask = granule_bytes(machine) - 1;

	if (machine->protection != BOUNCE_PROTECTION_YES)
		count(&machine->wrong.unprotected);
	if (granules != 0 && granules <= machine->arch.batch &&
	    (gpa & mask) == 0 &&
	    has_range(machine, gpa, granules * granule_bytes(machine)))
		return false;
	count(&machine->wrong.calls);
	return true;
}

static bool is_refused(const struct fake_machine *machine, uint64_t gpa,
		       uint64_t len)
{
	return machine->refuse_len != 0 &&
	       gpa < machine->refuse_gpa + machine->refuse_len &&
	       machine->refuse_gpa < gpa + len;
}

/* What a call in good order does, and what it says. */
static void perform(struct fake_machine *machine, struct fake_event *event)
{
	bool share = event->call == FAKE_SHARE;
	const struct fake_fault *fault = next_fault(machine, event->call);
	uint64_t len = event->count * granule_bytes(machine);
	uint32_t truth = event->count;

	if (share)
		enter_share(machine, event->gpa, len);
	else
		enter_unshare(machine, event->gpa, len);
	if (fault != NULL) {
		event->result = fault->step;
		event->done = fault->done;
		truth = fault->truth < truth ? fault->truth : truth;
	} else if (share && is_refused(machine, event->gpa, len)) {
		event->result = BOUNCE_STEP_UNCHANGED;
		event->done = truth = 0;
	}
	change(machine, share, event->gpa, truth);
}

static enum bounce_step answer(struct fake_machine *machine,
			       struct fake_event *event, uint32_t *done)
{
	if (is_wrong_call(machine, event->gpa, event->count)) {
		(void)next_fault(machine, event->call);
		event->result = BOUNCE_STEP_UNCHANGED;
		event->done = 0;
	} else {
		perform(machine, event);
	}
	*done = event->done;
	log_event(machine, event);
	return event->result;
}

static enum bounce_step share(void *ctx, bounce_gpa_t gpa, uint32_t granules,
			      uint32_t *done)
{
	struct fake_event event = new_event(FAKE_SHARE, gpa.v, granules);

	return answer(ctx, &event, done);
}

static enum bounce_step unshare(void *ctx, bounce_gpa_t gpa, uint32_t granules,
				uint32_t *done)
{
	struct fake_event event = new_event(FAKE_UNSHARE, gpa.v, granules);

	return answer(ctx, &event, done);
}

/* ---- the embedder's hooks ---- */

static void relax(void *ctx)
{
	struct fake_machine *machine = ctx;

	count(&machine->relaxed);
}

static void set_table(struct fake_machine *machine, uint64_t page, bool shared)
{
	if (shared) {
		atomic_fetch_or_explicit(&machine->page[page], FAKE_PAGE_TABLE,
					 memory_order_relaxed);
		return;
	}
	/* A private mapping of a page that the host still sees. */
	if ((page_bits(machine, page) & FAKE_PAGE_SHARED) != 0)
		count(&machine->wrong.tables);
	atomic_fetch_and_explicit(&machine->page[page],
				  (uint8_t)~FAKE_PAGE_TABLE,
				  memory_order_relaxed);
}

bool fake_machine_set_shared(void *ctx, bounce_gpa_t gpa, void *cpu,
			     uint64_t len, bool shared)
{
	struct fake_machine *machine = ctx;
	enum fake_call call = shared ? FAKE_SET_SHARED : FAKE_SET_PRIVATE;
	struct fake_event event = new_event(call, gpa.v,
					    (uint32_t)(len >> FAKE_PAGE_SHIFT));
	const struct fake_fault *fault = next_fault(machine, call);

	if (fault != NULL)
		event.result = fault->step;
	log_event(machine, &event);
	if (((gpa.v | len) & (granule_bytes(machine) - 1)) != 0 ||
	    !has_range(machine, gpa.v, len) ||
	    cpu != machine->memory + (gpa.v - machine->base)) {
		count(&machine->wrong.calls);
		return false;
	}
	if (event.result != BOUNCE_STEP_DONE)
		return false;
	for (uint64_t i = 0; i < len >> FAKE_PAGE_SHIFT; i++)
		set_table(machine, page_of(machine, gpa.v) + i, shared);
	return true;
}

/* ---- the test's side ---- */

void fake_machine_init(struct fake_machine *machine, void *memory,
		       uint64_t bytes, uint64_t base)
{
	*machine = (struct fake_machine) {
		.protection = BOUNCE_PROTECTION_YES,
		.arch = {
			.name = "fake",
			.granule_shift = FAKE_PAGE_SHIFT,
			.contents = BOUNCE_CONTENTS_KEPT,
			.verify_share = false,
			.batch = 16,
			.detect = detect,
			.share = share,
			.unshare = unshare,
		},
		.memory = memory,
		.bytes = bytes,
		.base = base,
	};
}

struct bounce_monitor fake_machine_monitor(struct fake_machine *machine)
{
	return (struct bounce_monitor) { .arch = &machine->arch,
					 .ctx = machine };
}

struct bounce_env fake_machine_env(struct fake_machine *machine)
{
	return (struct bounce_env) {
		.ctx = machine,
		.linear = { { .gpa = { machine->base },
			      .ptr = machine->memory,
			      .len = machine->bytes } },
		.set_shared = machine->tables ? fake_machine_set_shared : NULL,
		.relax = relax,
		.cache = machine->hooks,
	};
}

bool fake_machine_fail(struct fake_machine *machine,
		       const struct fake_fault *fault)
{
	for (uint32_t i = 0; i < FAKE_FAULTS; i++) {
		if (machine->fault[i].times == 0) {
			machine->fault[i] = *fault;
			return true;
		}
	}
	return false;
}

bool fake_machine_is_shared(const struct fake_machine *machine, uint64_t gpa)
{
	return has_range(machine, gpa, 1) &&
	       (page_bits(machine, page_of(machine, gpa)) & FAKE_PAGE_SHARED) !=
		       0;
}

uint64_t fake_machine_shared_bytes(const struct fake_machine *machine)
{
	uint64_t pages = 0;

	for (uint64_t i = 0; i < machine->bytes >> FAKE_PAGE_SHIFT; i++)
		pages += page_bits(machine, i) & FAKE_PAGE_SHARED;
	return pages << FAKE_PAGE_SHIFT;
}

unsigned char *fake_machine_pointer(const struct fake_machine *machine,
				    uint64_t gpa, uint64_t len)
{
	if (!has_range(machine, gpa, len))
		return NULL;
	return machine->memory + (gpa - machine->base);
}

uint32_t fake_machine_wrongs(const struct fake_machine *machine)
{
	const struct fake_wrong *wrong = &machine->wrong;

	return atomic_load_explicit(&wrong->secrets, memory_order_relaxed) +
	       atomic_load_explicit(&wrong->shared_again,
				    memory_order_relaxed) +
	       atomic_load_explicit(&wrong->unshared_again,
				    memory_order_relaxed) +
	       atomic_load_explicit(&wrong->calls, memory_order_relaxed) +
	       atomic_load_explicit(&wrong->tables, memory_order_relaxed) +
	       atomic_load_explicit(&wrong->unprotected, memory_order_relaxed);
}
