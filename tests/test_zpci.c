/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_zpci.c - the backend for PCI functions of Z, against a host that
 * remembers what it found in the tables, and stops functions. Z1 to Z4.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "fake_zpci.h"
#include "support.h"
#include "zpci.h"

#define BUS UINT64_C(0x100000000)
#define MIB (UINT64_C(1) << 20)
#define PAGE FAKE_ZPCI_PAGE
#define LEN FAKE_ZPCI_LEN
#define PAGES FAKE_ZPCI_PAGES
#define TABLES_GPA FAKE_ZPCI_TABLES_GPA
#define HANDLE FAKE_ZPCI_HANDLE
#define FUNCTIONS FAKE_ZPCI_FUNCTIONS
#define NEVER FAKE_ZPCI_NEVER
#define ANY FAKE_ZPCI_ANY
#define REGISTER FAKE_ZPCI_REGISTER
#define UNREGISTER FAKE_ZPCI_UNREGISTER
#define RESET FAKE_ZPCI_RESET
#define RPCIT FAKE_ZPCI_RPCIT
#define reach fake_zpci_reach
#define plan fake_zpci_plan

static struct fake_zpci *const host = &fake_zpci;

/* ---- the tables ---- */

struct stand {
	struct bounce_zpci_info info;
	struct bounce_zpci *zpci;
	void *memory;
};

static void stand_at(struct stand *s, uint64_t bus)
{
	size_t bytes;
	void *tables;

	memset(host, 0, sizeof(*host));
	host->base = bus;
	s->info = (struct bounce_zpci_info) {
		.tables_gpa = { TABLES_GPA },
		.bus = { bus },
		.len = LEN,
		.functions = FUNCTIONS,
	};
	bytes = bounce_zpci_tables_size(&s->info);
	cr_assert_eq(posix_memalign(&tables, BOUNCE_ZPCI_TABLES_ALIGN, bytes),
		     0);
	memset(tables, 0xa5, bytes);
	s->info.tables = tables;
	host->tables = tables;
	host->tables_bytes = bytes;
	s->memory = malloc(bounce_zpci_size(&s->info));
	cr_assert_eq(bounce_zpci_init(s->memory, bounce_zpci_size(&s->info),
				      &s->info, &s->zpci),
		     BOUNCE_OK);
}

static void stand_init(struct stand *s)
{
	stand_at(s, BUS);
}

static void attached(struct stand *s)
{
	stand_init(s);
	for (uint32_t i = 0; i < FUNCTIONS; i++)
		cr_assert_eq(bounce_zpci_attach(s->zpci, HANDLE + i),
			     BOUNCE_OK);
	host->rpcits = 0;
}

static void stand_fini(struct stand *s)
{
	cr_expect_eq(host->wrong, 0);
	cr_expect(bounce_zpci_valid(s->zpci));
	free(s->memory);
	free(host->tables);
}

static struct bounce_iommu_run piece(uint64_t page, uint64_t gpa,
				     uint64_t pages)
{
	return (struct bounce_iommu_run) {
		.bus = { BUS + page * PAGE },
		.gpa = { gpa },
		.len = pages * PAGE,
		.access = 3,
	};
}

static enum bounce_step map(struct stand *s, const struct bounce_iommu_run *run,
			    uint32_t count)
{
	uint64_t done = 99;
	enum bounce_step step = bounce_iommu_zpci.map(s->zpci, run, count,
						      &done);
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < count; i++)
		bytes += run[i].len;
	cr_expect_eq(done, step == BOUNCE_STEP_DONE ? bytes : 0);
	return step;
}

/* Both, as lib/iommu.c does. */
static enum bounce_step unmap(struct stand *s,
			      const struct bounce_iommu_run *run,
			      uint32_t count)
{
	uint64_t done;

	cr_expect_eq(bounce_iommu_zpci.unmap(s->zpci, run, count, &done),
		     BOUNCE_STEP_DONE);
	return bounce_iommu_zpci.flush(s->zpci, run, count);
}

/* ---- what is reached ---- */

Test(zpci, a_function_reaches_what_is_mapped_and_nothing_else)
{
	struct bounce_iommu_run run = piece(255, 0x7000, 2);
	struct stand s;

	attached(&s);
	run.access = BOUNCE_ACCESS_READ;
	cr_assert_eq(map(&s, &run, 1), BOUNCE_STEP_DONE);
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		cr_expect_eq(reach(i, BUS + 255 * PAGE), 0x7201, "protected");
		cr_expect_eq(reach(i, BUS + 256 * PAGE), 0x8201);
		cr_expect_eq(reach(i, BUS + 254 * PAGE), 0);
		cr_expect_eq(reach(i, BUS + 257 * PAGE), 0);
	}
	cr_assert_eq(unmap(&s, &run, 1), BOUNCE_STEP_DONE);
	for (unsigned i = 0; i < FUNCTIONS; i++)
		cr_expect_eq(reach(i, BUS + 255 * PAGE), 0);
	run.access = 3;
	cr_assert_eq(map(&s, &run, 1), BOUNCE_STEP_DONE);
	cr_expect_eq(reach(0, BUS + 255 * PAGE), 0x7001);
	stand_fini(&s);
}

/* Z2: what is taken from the tables is reached until RPCIT. */
Test(zpci, it_is_the_flush_that_takes_a_page_out_of_reach)
{
	struct bounce_iommu_run run = piece(0, 0x7000, 1);
	struct stand s;
	uint64_t done;

	attached(&s);
	cr_assert_eq(map(&s, &run, 1), BOUNCE_STEP_DONE);
	cr_expect_eq(bounce_iommu_zpci.unmap(s.zpci, &run, 1, &done),
		     BOUNCE_STEP_DONE);
	cr_expect_neq(reach(0, BUS), 0);
	cr_expect_eq(bounce_iommu_zpci.flush(s.zpci, &run, 1),
		     BOUNCE_STEP_DONE);
	cr_expect_eq(reach(0, BUS), 0);
	stand_fini(&s);
}

Test(zpci, runs_that_follow_each_other_are_one_request_a_function)
{
	struct bounce_iommu_run run[4];
	struct bounce_iommu_info info;
	struct stand s;
	uint64_t before;

	attached(&s);
	bounce_iommu_zpci.info(s.zpci, &info);
	before = info.requests;
	run[0] = piece(0, 0x10000, 1);
	run[1] = piece(1, 0x50000, 3);
	run[2] = piece(4, 0x20000, 1);
	run[3] = piece(9, 0x30000, 2);
	cr_assert_eq(map(&s, run, 4), BOUNCE_STEP_DONE);
	cr_expect_eq(host->rpcits, 2 * FUNCTIONS);
	cr_assert_eq(unmap(&s, run, 4), BOUNCE_STEP_DONE);
	cr_expect_eq(host->rpcits, 4 * FUNCTIONS);
	bounce_iommu_zpci.info(s.zpci, &info);
	cr_expect_eq(info.requests - before, 4 * FUNCTIONS);
	cr_expect_eq(info.first.v, BUS);
	cr_expect_eq(info.last.v, BUS + LEN - 1);
	stand_fini(&s);
}

/* Z1: the window may lie across two regions. */
Test(zpci, tables_lead_to_each_page_of_the_window)
{
	const uint64_t bus = (UINT64_C(7) << 31) - 2 * MIB;
	struct bounce_iommu_run run;
	struct stand s;

	stand_at(&s, bus);
	cr_assert_eq(bounce_zpci_attach(s.zpci, HANDLE), BOUNCE_OK);
	for (uint64_t page = 0; page < PAGES; page += 51) {
		run = piece(0, 0x1000000 + page * PAGE, 1);
		run.bus.v = bus + page * PAGE;
		cr_assert_eq(map(&s, &run, 1), BOUNCE_STEP_DONE);
		cr_expect_eq(reach(0, bus + page * PAGE),
			     (0x1000000 + page * PAGE) | 1);
	}
	cr_expect_eq(reach(0, bus + PAGE), 0);
	stand_fini(&s);
}

Test(zpci, a_function_that_comes_later_has_what_is_mapped)
{
	struct bounce_iommu_run run = piece(3, 0x7000, 2);
	struct stand s;

	stand_init(&s);
	cr_assert_eq(map(&s, &run, 1), BOUNCE_STEP_DONE);
	cr_assert_eq(bounce_zpci_attach(s.zpci, HANDLE), BOUNCE_OK);
	cr_expect_eq(reach(0, BUS + 4 * PAGE), 0x8001);
	cr_assert_eq(bounce_zpci_detach(s.zpci, HANDLE), BOUNCE_OK);
	cr_expect_eq(reach(0, BUS + 4 * PAGE), 0);
	cr_expect_not(host->function[0].registered);
	stand_fini(&s);
}

/* ---- the error state: Z3 ---- */

static const struct bounce_iommu_run mapped = {
	.bus = { BUS + 3 * PAGE }, .gpa = { 0x7000 }, .len = PAGE, .access = 3
};

/* It is mapped, and the first function falls into the error state. */
static void failed(struct stand *s)
{
	attached(s);
	cr_assert_eq(map(s, &mapped, 1), BOUNCE_STEP_DONE);
	host->function[0].error = true;
}

Test(zpci, a_function_in_the_error_state_holds_nobody_up)
{
	struct bounce_iommu_run new = piece(5, 0x9000, 1);
	struct stand s;

	failed(&s);
	cr_expect_eq(unmap(&s, &mapped, 1), BOUNCE_STEP_DONE);
	cr_expect_eq(reach(1, BUS + 3 * PAGE), 0);
	cr_expect_not(host->function[0].registered, "and it is out of it");
	cr_expect_eq(map(&s, &new, 1), BOUNCE_STEP_DONE);
	cr_expect_eq(reach(1, BUS + 5 * PAGE), 0x9001);
	cr_assert_eq(bounce_zpci_recover(s.zpci, HANDLE), BOUNCE_OK);
	cr_expect_eq(reach(0, BUS + 3 * PAGE), 0, "nothing old is left");
	cr_expect_eq(reach(0, BUS + 5 * PAGE), 0x9001);
	stand_fini(&s);
}

/* Nobody noticed: no page was taken back meanwhile, or it was before. */
Test(zpci, recovery_begins_by_forgetting)
{
	struct stand s;

	failed(&s);
	host->function[0].cached[9] = 0xbad001;
	cr_assert_eq(bounce_zpci_recover(s.zpci, HANDLE), BOUNCE_OK);
	cr_expect_eq(reach(0, BUS + 3 * PAGE), 0x7001);
	cr_expect_eq(reach(0, BUS + 9 * PAGE), 0);
	cr_expect_eq(bounce_zpci_recover(s.zpci, HANDLE), BOUNCE_OK,
		     "harmless without an error");
	cr_expect_eq(reach(0, BUS + 3 * PAGE), 0x7001);
	cr_expect_eq(bounce_zpci_recover(s.zpci, 0x77), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_zpci_recover(s.zpci, 0), BOUNCE_ERR_ARG);
	stand_fini(&s);
}

Test(zpci, a_function_that_fails_once_more_reaches_nothing)
{
	struct stand s;

	failed(&s);
	host->falters = true;
	cr_expect_eq(bounce_zpci_recover(s.zpci, HANDLE), BOUNCE_ERR_HOST);
	cr_expect_not(host->function[0].registered);
	cr_expect(bounce_zpci_valid(s.zpci));
	host->falters = false;
	cr_expect_eq(bounce_zpci_recover(s.zpci, HANDLE), BOUNCE_OK);
	cr_expect_eq(reach(0, BUS + 3 * PAGE), 0x7001);
	stand_fini(&s);
}

Test(zpci_valid, every_damage_is_seen)
{
	struct stand s;
	uint64_t word;

	attached(&s);
	word = s.zpci->function[0].word;
	s.zpci->function[0].word = word - ZPCI_REGISTERED + ZPCI_STOPPED + 1;
	cr_expect_not(bounce_zpci_valid(s.zpci), "no such state");
	s.zpci->function[0].word = word - ZPCI_REGISTERED + ZPCI_FREE;
	cr_expect_not(bounce_zpci_valid(s.zpci), "free, and a function's");
	s.zpci->function[0].word = word;
	s.zpci->function[1].word = word;
	cr_expect_not(bounce_zpci_valid(s.zpci), "twice");
	s.zpci->function[1].word = 0;
	stand_fini(&s);
}

Test(zpci, a_function_that_is_gone_can_be_detached)
{
	struct bounce_iommu_run run = piece(3, 0x7000, 1);
	struct stand s;

	attached(&s);
	cr_assert_eq(map(&s, &run, 1), BOUNCE_STEP_DONE);
	host->function[0].gone = true;
	cr_expect_eq(unmap(&s, &run, 1), BOUNCE_STEP_DONE);
	cr_expect_eq(bounce_zpci_recover(s.zpci, HANDLE), BOUNCE_ERR_REFUSED);
	cr_expect_eq(bounce_zpci_detach(s.zpci, HANDLE), BOUNCE_OK);
	cr_expect_eq(bounce_zpci_detach(s.zpci, HANDLE), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_zpci_attach(s.zpci, HANDLE), BOUNCE_ERR_REFUSED);
	stand_fini(&s);
}

/* It may still reach the page: then nobody says that it does not. */
Test(zpci, a_function_that_cannot_be_stopped_makes_the_unmap_uncertain)
{
	struct stand s;

	failed(&s);
	plan(UNREGISTER, 1, 1, 24);
	cr_expect_eq(unmap(&s, &mapped, 1), BOUNCE_STEP_UNKNOWN);
	plan(UNREGISTER, 1, 1, 24);
	cr_expect_eq(bounce_zpci_recover(s.zpci, HANDLE), BOUNCE_ERR_LOST);
	cr_expect_eq(unmap(&s, &mapped, 1), BOUNCE_STEP_DONE, "asked again");
	stand_fini(&s);
}

/* ---- a busy host ---- */

Test(zpci, one_that_is_busy_or_short_of_room_is_asked_again)
{
	struct bounce_iommu_run run = piece(3, 0x7000, 1);
	struct stand s;

	attached(&s);
	plan(RPCIT, 1, 2, 0);
	cr_expect_eq(map(&s, &run, 1), BOUNCE_STEP_RETRY);
	cr_expect_eq(map(&s, &run, 1), BOUNCE_STEP_DONE);
	plan(RPCIT, 1, 1, 16);
	cr_expect_eq(unmap(&s, &run, 1), BOUNCE_STEP_RETRY);
	cr_expect_eq(bounce_iommu_zpci.flush(s.zpci, &run, 1),
		     BOUNCE_STEP_DONE);
	/* In the error state, and busy with that. */
	host->function[1].error = true;
	plan(UNREGISTER, NEVER, 2, 0);
	cr_expect_eq(unmap(&s, &run, 1), BOUNCE_STEP_RETRY);
	cr_expect_leq(host->calls, 300);
	plan(ANY, 0, 0, 0);
	cr_expect_eq(unmap(&s, &run, 1), BOUNCE_STEP_DONE);
	stand_fini(&s);
}

/* Z4: who changes a function's state is not overtaken. */
Test(zpci, while_a_function_changes_its_translation_others_wait)
{
	struct bounce_iommu_run run = piece(3, 0x7000, 1);
	struct stand s;

	attached(&s);
	atomic_store(&s.zpci->function[1].word,
		     (uint64_t)(HANDLE + 1) << 32 | ZPCI_CHANGING);
	cr_expect_eq(map(&s, &run, 1), BOUNCE_STEP_RETRY);
	cr_expect_eq(bounce_zpci_detach(s.zpci, HANDLE + 1), BOUNCE_ERR_BUSY);
	cr_expect_eq(bounce_zpci_recover(s.zpci, HANDLE + 1), BOUNCE_ERR_BUSY);
	cr_expect_not(bounce_zpci_valid(s.zpci));
	atomic_store(&s.zpci->function[1].word,
		     (uint64_t)(HANDLE + 1) << 32 | ZPCI_REGISTERED);
	stand_fini(&s);
}

/* ---- attach, whichever instruction fails ---- */

Test(zpci, attach_is_all_or_nothing)
{
	static const struct {
		unsigned cc, status;
		enum bounce_err err;
	} answers[] = { { 1, 24, BOUNCE_ERR_HOST },
			{ 3, 0, BOUNCE_ERR_REFUSED } };

	for (uint32_t n = 0; n < 2; n++)
		for (size_t i = 0; i < 2; i++) {
			struct stand s;

			stand_init(&s);
			plan(ANY, 1, answers[i].cc, answers[i].status);
			host->fail_at = n;
			cr_expect_eq(bounce_zpci_attach(s.zpci, HANDLE),
				     n == 0 ? answers[i].err : BOUNCE_ERR_HOST,
				     "instruction %u", n);
			cr_expect_not(host->function[0].registered);
			cr_expect_eq(bounce_zpci_attach(s.zpci, HANDLE),
				     BOUNCE_OK);
			stand_fini(&s);
		}
}

Test(zpci, a_busy_host_is_given_up_within_a_bound)
{
	static const enum fake_zpci_instruction all[] = { REGISTER, RPCIT };

	for (size_t i = 0; i < 2; i++) {
		struct stand s;

		stand_init(&s);
		plan(all[i], NEVER, 2, 0);
		cr_expect_eq(bounce_zpci_attach(s.zpci, HANDLE),
			     BOUNCE_ERR_BUSY);
		cr_expect_leq(host->calls, 300);
		cr_expect_not(host->function[0].registered);
		plan(ANY, 0, 0, 0);
		cr_assert_eq(bounce_zpci_attach(s.zpci, HANDLE), BOUNCE_OK);
		plan(RESET, NEVER, 2, 0);
		cr_expect_eq(bounce_zpci_recover(s.zpci, HANDLE),
			     BOUNCE_ERR_BUSY);
		plan(UNREGISTER, NEVER, 2, 0);
		cr_expect_eq(bounce_zpci_detach(s.zpci, HANDLE), BOUNCE_OK,
			     "it is stopped: nothing to ask");
		stand_fini(&s);
	}
}

Test(zpci, what_is_halfway_and_cannot_be_undone_stays_attached)
{
	struct stand s;

	stand_init(&s);
	plan(ANY, 2, 1, 24);
	host->fail_at = 1; /* RPCIT, and the way back */
	cr_expect_eq(bounce_zpci_attach(s.zpci, HANDLE), BOUNCE_ERR_LOST);
	cr_expect_eq(bounce_zpci_attach(s.zpci, HANDLE), BOUNCE_ERR_BUSY);
	plan(UNREGISTER, 1, 1, 24);
	cr_expect_eq(bounce_zpci_detach(s.zpci, HANDLE), BOUNCE_ERR_HOST);
	cr_expect_eq(bounce_zpci_detach(s.zpci, HANDLE), BOUNCE_OK);
	stand_fini(&s);
}

Test(zpci, an_endpoint_is_attached_once_and_there_is_room_for_so_many)
{
	struct stand s;

	attached(&s);
	cr_expect_eq(bounce_zpci_attach(s.zpci, HANDLE), BOUNCE_ERR_BUSY);
	cr_expect_eq(bounce_zpci_attach(s.zpci, 0), BOUNCE_ERR_REFUSED);
	cr_expect_eq(bounce_zpci_attach(s.zpci, HANDLE + 2), BOUNCE_ERR_FULL);
	stand_fini(&s);
}

/* ---- behind a space ---- */

struct behind {
	struct bench bench;
	struct stand stand;
	struct bounce_space *space;
	struct bounce_translation translation;
};

static void behind_init(struct behind *b)
{
	struct bench_knobs knobs = bench_usual();

	attached(&b->stand);
	knobs.slabs = 2;
	knobs.chunks = 2;
	knobs.grown = 2;
	knobs.devices = 0;
	knobs.more_spaces = 1;
	bench_init(&b->bench, &knobs);
	b->space = bench_translated(&b->bench, BUS);
	b->translation = (struct bounce_translation) {
		.iommu = &bounce_iommu_zpci,
		.ctx = b->stand.zpci,
	};
}

static void behind_fini(struct behind *b)
{
	cr_expect_eq(bounce_space_fini(b->space), BOUNCE_OK);
	for (uint32_t i = 0; i < FUNCTIONS; i++)
		cr_expect_eq(reach(i, BUS), 0);
	bench_fini(&b->bench);
	stand_fini(&b->stand);
}

static enum bounce_err set_iommu(struct behind *b)
{
	return bounce_space_set_iommu(b->space, &b->translation, NULL);
}

/* Two slabs, two functions: any of the four may be stopped. */
Test(zpci, whichever_refresh_is_refused_the_others_go_on)
{
	for (uint32_t n = 0; n < 4; n++) {
		struct behind b;

		behind_init(&b);
		plan(RPCIT, 1, 1, 40);
		host->fail_at = n;
		cr_expect_eq(set_iommu(&b), BOUNCE_OK, "refresh %u", n);
		cr_expect_neq(reach(1 - n % 2, BUS), 0);
		cr_expect_eq(reach(n % 2, BUS), 0);
		cr_assert_eq(bounce_zpci_recover(b.stand.zpci, HANDLE + n % 2),
			     BOUNCE_OK);
		cr_expect_neq(reach(n % 2, BUS), 0);
		behind_fini(&b);
	}
}

/* And it cannot be stopped: all is unmapped again, from whoever had it. */
Test(zpci, whichever_function_is_in_doubt_nothing_is_left_mapped)
{
	for (uint32_t n = 0; n < 4; n++) {
		struct behind b;

		behind_init(&b);
		plan(ANY, 2, 1, 24);
		host->fail_at = n;
		cr_expect_eq(set_iommu(&b), BOUNCE_ERR_HOST, "refresh %u", n);
		for (uint32_t i = 0; i < FUNCTIONS; i++)
			cr_expect_eq(reach(i, BUS), 0);
		cr_expect_eq(set_iommu(&b), BOUNCE_OK, "again");
		behind_fini(&b);
	}
}

/* ---- init ---- */

static bool refused(const struct bounce_zpci_info *info)
{
	static _Alignas(8) unsigned char memory[4096];
	struct bounce_zpci *zpci;

	return bounce_zpci_init(memory, sizeof(memory), info, &zpci) ==
	       BOUNCE_ERR_ARG;
}

Test(zpci_init, what_cannot_be_is_refused)
{
	struct bounce_zpci_info info;
	struct bounce_zpci *zpci;
	struct stand s;

	stand_init(&s);
	info = s.info;
	cr_expect_eq(bounce_zpci_init(s.memory, bounce_zpci_size(&info) - 1,
				      &info, &zpci),
		     BOUNCE_ERR_RANGE);
	cr_expect_eq(bounce_zpci_init(NULL, 4096, &info, &zpci),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_zpci_init((char *)s.memory + 1, 4096, &info, &zpci),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_zpci_detach(s.zpci, 0), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_zpci_init(s.memory, 4096, &info, NULL),
		     BOUNCE_ERR_ARG);
	cr_expect(refused(NULL));
	cr_expect_eq(bounce_zpci_size(NULL), 0);
	cr_expect_eq(bounce_zpci_tables_size(NULL), 0);
#define REFUSED(field, value)                                 \
	do {                                                  \
		info = s.info;                                \
		info.field = value;                           \
		cr_expect(refused(&info), #field " " #value); \
	} while (0)
	REFUSED(bus.v, BUS + PAGE);
	REFUSED(bus.v, BOUNCE_ZPCI_WINDOW_END);
	REFUSED(bus.v, BOUNCE_ZPCI_WINDOW_END - LEN + MIB);
	REFUSED(len, 0);
	REFUSED(len, MIB + PAGE);
	REFUSED(functions, 0);
	REFUSED(tables, NULL);
	REFUSED(tables, s.info.tables + 8192);
	REFUSED(tables_gpa.v, TABLES_GPA + 8192);
	REFUSED(reserved0[2], 1);
	REFUSED(reserved[1], 1);
	stand_fini(&s);
}
