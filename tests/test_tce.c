/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_tce.c - the backend for POWER's DMA windows, against a hypervisor in an
 * array: it keeps the table, reads lists as it is told, and answers well or
 * ill. E1 to E3.
 *
 * An instruction has no context, so the hypervisor is static; each test of
 * Criterion runs in a process of its own.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "support.h"
#include "tce.h"

#define H_PUT_TCE 0x20
#define H_STUFF_TCE 0x138
#define H_PUT_TCE_INDIRECT 0x13c

#define LIOBN 0x80000001u
#define BUS UINT64_C(0x8000000)
#define PAGE UINT64_C(4096)
#define PAGES 2048u
#define LIST_GPA UINT64_C(0x7000)

static unsigned char list[BOUNCE_TCE_LIST_BYTES]
	__attribute__((aligned(BOUNCE_TCE_LIST_BYTES)));
static _Alignas(BOUNCE_TCE_ALIGN) unsigned char memory[256];

static struct {
	uint64_t entry[PAGES];
	uint32_t calls;
	uint32_t calls_of[3]; /* PUT, STUFF, INDIRECT */
	uint32_t fail_at; /* call number; and then: */
	uint32_t fail_times;
	int64_t fail_r3;
	uint64_t fail_done; /* entries that it changes all the same */
	bool no_multi;
	uint32_t wrong;
} hv;

static int64_t change(uint64_t bus, uint64_t count, const unsigned char *from,
		      uint64_t value)
{
	uint64_t first = (bus - BUS) / PAGE;

	if (bus % PAGE != 0 || count == 0 || count > 512 || bus < BUS ||
	    first >= PAGES || count > PAGES - first) {
		hv.wrong++;
		return -4;
	}
	for (uint64_t i = 0; i < count; i++) {
		if (from != NULL) {
			value = 0;
			for (unsigned j = 0; j < 8; j++)
				value = value << 8 | from[8 * i + j];
		}
		hv.entry[first + i] = value;
	}
	return 0;
}

static bool fails(uint32_t call)
{
	return call >= hv.fail_at && call - hv.fail_at < hv.fail_times;
}

/* Is it a call that there is, with what it wants? */
static bool understood(uint64_t function, uint64_t value, uint64_t count)
{
	switch (function) {
	case H_PUT_TCE:
		hv.calls_of[0]++;
		return count == 0;
	case H_STUFF_TCE:
		hv.calls_of[1]++;
		return true;
	case H_PUT_TCE_INDIRECT:
		hv.calls_of[2]++;
		return value == LIST_GPA;
	default:
		return false;
	}
}

int64_t bounce_power_hcall(uint64_t function, uint64_t liobn, uint64_t bus,
			   uint64_t value, uint64_t count)
{
	const unsigned char *from = function == H_PUT_TCE_INDIRECT ? list :
								     NULL;
	bool failing = fails(hv.calls++);

	if (liobn != LIOBN || !understood(function, value, count))
		hv.wrong++;
	if (function == H_PUT_TCE)
		count = 1;
	else if (hv.no_multi)
		return -2;
	if (failing && hv.fail_done < count)
		count = hv.fail_done;
	if (count != 0 && change(bus, count, from, value) != 0)
		return -4;
	return failing ? hv.fail_r3 : 0;
}

static uint64_t entries(void)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < PAGES; i++)
		count += hv.entry[i] != 0;
	return count;
}

static struct bounce_tce_info usual(void)
{
	return (struct bounce_tce_info) {
		.liobn = LIOBN,
		.bus = { BUS },
		.len = PAGES * PAGE,
		.flags = BOUNCE_TCE_MULTI,
		.list = list,
		.list_gpa = { LIST_GPA },
	};
}

static struct bounce_tce *window(const struct bounce_tce_info *info)
{
	struct bounce_tce *tce;

	cr_assert_eq(bounce_tce_init(memory, sizeof(memory), info, &tce),
		     BOUNCE_OK);
	return tce;
}

static struct bounce_tce *usual_window(void)
{
	struct bounce_tce_info info = usual();

	return window(&info);
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

static enum bounce_step map(struct bounce_tce *tce,
			    const struct bounce_iommu_run *run, uint32_t count,
			    uint64_t *done)
{
	return bounce_iommu_tce.map(tce, run, count, done);
}

static enum bounce_step unmap(struct bounce_tce *tce,
			      const struct bounce_iommu_run *run,
			      uint32_t count, uint64_t *done)
{
	return bounce_iommu_tce.unmap(tce, run, count, done);
}

/* ---- how many calls ---- */

Test(tce, runs_that_follow_each_other_are_one_request)
{
	struct bounce_tce *tce = usual_window();
	struct bounce_iommu_run run[4];
	struct bounce_iommu_info info;
	uint64_t done;

	/* Three that follow each other on the bus, from anywhere in memory and
	 * with different rights; one that does not. */
	run[0] = piece(0, 0x10000, 1);
	run[1] = piece(1, 0x50000, 3);
	run[2] = piece(4, 0x20000, 1);
	run[2].access = BOUNCE_ACCESS_READ;
	run[3] = piece(9, 0x30000, 2);
	cr_assert_eq(map(tce, run, 4, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(done, 7 * PAGE);
	cr_expect_eq(hv.calls_of[2], 2, "one for three, one for the fourth");
	cr_expect_eq(hv.entry[0], 0x10003);
	cr_expect_eq(hv.entry[3], 0x52003);
	cr_expect_eq(hv.entry[4], 0x20001, "read-only");
	cr_expect_eq(hv.entry[5], 0);
	cr_expect_eq(hv.entry[10], 0x31003);
	cr_assert_eq(unmap(tce, run, 4, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(done, 7 * PAGE);
	cr_expect_eq(hv.calls_of[1], 2);
	cr_expect_eq(hv.calls, 4);
	cr_expect_eq(entries(), 0);
	bounce_iommu_tce.info(tce, &info);
	cr_expect_eq(info.requests, 4);
	cr_expect_eq(hv.wrong, 0);
	cr_expect(bounce_tce_valid(tce));
}

Test(tce, a_call_takes_512_entries)
{
	struct bounce_iommu_run run = piece(0, 0x100000, 1100);
	struct bounce_tce *tce = usual_window();
	uint64_t done;

	cr_assert_eq(map(tce, &run, 1, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(hv.calls, 3);
	cr_expect_eq(entries(), 1100);
	cr_expect_eq(hv.entry[1099], (0x100000 + 1099 * PAGE) | 3);
	cr_assert_eq(unmap(tce, &run, 1, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(hv.calls, 6);
	cr_expect_eq(entries(), 0);
	cr_expect_eq(hv.wrong, 0);
}

Test(tce, without_a_list_or_the_calls_each_page_is_a_call)
{
	struct bounce_iommu_run run = piece(3, 0x100000, 5);
	struct bounce_tce_info info = usual();
	struct bounce_tce *tce;
	uint64_t done;

	info.list = NULL;
	info.list_gpa.v = 0;
	tce = window(&info);
	cr_assert_eq(map(tce, &run, 1, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(hv.calls_of[0], 5);
	cr_assert_eq(unmap(tce, &run, 1, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(hv.calls_of[1], 1, "to clear takes no list");
	info.flags = 0;
	tce = window(&info);
	cr_assert_eq(map(tce, &run, 1, &done), BOUNCE_STEP_DONE);
	cr_assert_eq(unmap(tce, &run, 1, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(hv.calls_of[0], 15);
	cr_expect_eq(entries(), 0);
	cr_expect_eq(hv.wrong, 0);
}

Test(tce, a_hypervisor_without_the_calls_is_asked_for_them_once)
{
	struct bounce_iommu_run run = piece(3, 0x100000, 5);
	struct bounce_tce *tce = usual_window();
	uint64_t done;

	hv.no_multi = true;
	cr_assert_eq(map(tce, &run, 1, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(done, 5 * PAGE);
	cr_expect_eq(entries(), 5);
	cr_assert_eq(unmap(tce, &run, 1, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(hv.calls_of[2], 1);
	cr_expect_eq(hv.calls_of[1], 0);
	cr_expect_eq(hv.calls_of[0], 10);
	cr_expect_eq(entries(), 0);
	/* The same, found out while clearing. */
	tce = usual_window();
	cr_assert_eq(unmap(tce, &run, 1, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(hv.calls_of[1], 1);
	cr_expect_eq(hv.wrong, 0);
}

/* E2: somebody else writes the list just now. */
Test(tce, nobody_waits_for_the_list)
{
	struct bounce_iommu_run run = piece(0, 0x100000, 2);
	struct bounce_tce *tce = usual_window();
	uint64_t done;

	atomic_store(&tce->list_taken, 1);
	memset(list, 0x5a, sizeof(list));
	cr_assert_eq(map(tce, &run, 1, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(hv.calls_of[0], 2);
	cr_expect_eq(list[0], 0x5a);
	cr_expect_not(bounce_tce_valid(tce));
	atomic_store(&tce->list_taken, 0);
	cr_assert_eq(map(tce, &run, 1, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(hv.calls_of[2], 1);
	cr_expect(bounce_tce_valid(tce), "and it is given back");
}

Test(tce_valid, every_damage_is_seen)
{
	struct bounce_tce *tce = usual_window();

	cr_assert(bounce_tce_valid(tce));
	tce->info.page_shift = 0;
	cr_expect_not(bounce_tce_valid(tce), "the default, not filled in");
	tce->info.page_shift = 12;
	tce->info.len++;
	cr_expect_not(bounce_tce_valid(tce), "half a page");
	tce->info.len--;
	cr_expect(bounce_tce_valid(tce));
}

/* ---- answers ---- */

static const struct {
	const char *name;
	int64_t r3;
	enum bounce_step step;
} codes[] = {
	{ "H_BUSY", 1, BOUNCE_STEP_RETRY },
	{ "H_RESOURCE", -16, BOUNCE_STEP_RETRY },
	{ "H_LONG_BUSY_ORDER_1_MSEC", 9900, BOUNCE_STEP_RETRY },
	{ "H_LONG_BUSY_ORDER_100_SEC", 9905, BOUNCE_STEP_RETRY },
	{ "H_PARAMETER", -4, BOUNCE_STEP_UNCHANGED },
	{ "H_PERMISSION", -11, BOUNCE_STEP_UNCHANGED },
	{ "H_HARDWARE", -1, BOUNCE_STEP_UNKNOWN },
	{ "nothing named 9906", 9906, BOUNCE_STEP_UNKNOWN },
	{ "nothing named 9899", 9899, BOUNCE_STEP_UNKNOWN },
	{ "0 in 32 bits", INT64_C(1) << 32, BOUNCE_STEP_UNKNOWN },
	{ "the least there is", INT64_MIN, BOUNCE_STEP_UNKNOWN },
};

Test(tce, each_return_code_has_its_step)
{
	struct bounce_iommu_run run = piece(0, 0x100000, 2);
	struct bounce_tce *tce = usual_window();

	hv.fail_times = UINT32_MAX;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		uint64_t done = 99;

		hv.fail_r3 = codes[i].r3;
		cr_expect_eq(map(tce, &run, 1, &done), codes[i].step, "map, %s",
			     codes[i].name);
		cr_expect_eq(done, 0);
		done = 99;
		cr_expect_eq(unmap(tce, &run, 1, &done), codes[i].step,
			     "unmap, %s", codes[i].name);
		cr_expect_eq(done, 0);
	}
	/* H_FUNCTION of the call that is always there. */
	tce->multi = 0;
	hv.fail_r3 = -2;
	cr_expect_eq(map(tce, &run, 1, &(uint64_t) { 0 }),
		     BOUNCE_STEP_UNCHANGED);
}

Test(tce, what_was_done_before_it_failed_is_told)
{
	struct bounce_iommu_run run = piece(0, 0x100000, 1100);
	struct bounce_tce *tce = usual_window();
	uint64_t done;

	hv.fail_at = 1;
	hv.fail_times = 1;
	hv.fail_r3 = 1;
	cr_expect_eq(map(tce, &run, 1, &done), BOUNCE_STEP_RETRY);
	cr_expect_eq(done, 512 * PAGE);
	hv.fail_at = 3;
	cr_expect_eq(unmap(tce, &run, 1, &done), BOUNCE_STEP_RETRY);
	cr_expect_eq(done, 512 * PAGE);
}

/* ---- behind a space ---- */

struct stand {
	struct bench bench;
	struct bounce_space *space;
	struct bounce_translation translation;
};

static void stand_init(struct stand *s)
{
	struct bench_knobs knobs = bench_usual();

	knobs.slabs = 2;
	knobs.chunks = 2; /* 128 pages each */
	knobs.grown = 2;
	knobs.devices = 0;
	knobs.more_spaces = 1;
	bench_init(&s->bench, &knobs);
	s->space = bench_translated(&s->bench, BUS);
	s->translation = (struct bounce_translation) {
		.iommu = &bounce_iommu_tce,
		.ctx = usual_window(),
	};
}

static enum bounce_err set(struct stand *s)
{
	return bounce_space_set_iommu(s->space, &s->translation, NULL);
}

/* E1: whichever call fails, and however much it did. */
Test(tce, whichever_call_fails_no_entry_is_left)
{
	for (uint32_t n = 0; n < 2; n++)
		for (uint64_t done = 0; done < 128; done += 50) {
			struct stand s;

			memset(&hv, 0, sizeof(hv));
			stand_init(&s);
			hv.fail_at = n;
			hv.fail_times = 1;
			hv.fail_r3 = -1;
			hv.fail_done = done;
			cr_expect_eq(set(&s), BOUNCE_ERR_HOST, "call %u", n);
			cr_expect_eq(entries(), 0, "call %u, %lu done", n,
				     (unsigned long)done);
			cr_expect_eq(set(&s), BOUNCE_OK, "again");
			cr_expect_eq(entries(), 256);
			cr_expect_eq(bounce_space_fini(s.space), BOUNCE_OK);
			cr_expect_eq(entries(), 0);
			cr_expect_eq(hv.wrong, 0);
			bench_fini(&s.bench);
		}
}

Test(tce, one_that_is_busy_is_asked_again_within_a_bound)
{
	struct stand s;

	stand_init(&s);
	hv.fail_r3 = 9901;
	hv.fail_times = 3;
	cr_expect_eq(set(&s), BOUNCE_OK);
	cr_expect_eq(hv.calls, 2 + 3);
	cr_expect_eq(bounce_space_fini(s.space), BOUNCE_OK);
	bench_fini(&s.bench);
}

Test(tce, an_entry_that_is_not_removed_for_certain_is_lost)
{
	struct stand s;

	stand_init(&s);
	cr_assert_eq(set(&s), BOUNCE_OK);
	hv.fail_at = hv.calls;
	hv.fail_times = 1;
	hv.fail_r3 = -1;
	cr_expect_eq(bounce_space_fini(s.space), BOUNCE_ERR_LOST);
	cr_expect_eq(bench_retire(&s.bench, 1), BOUNCE_ERR_LOST);
	cr_expect_eq(bench_retire(&s.bench, 0), BOUNCE_OK);
	bench_discard(&s.bench);
}

/* ---- init ---- */

Test(tce_init, pages_are_as_large_as_the_window_says)
{
	struct bounce_tce_info info = usual();
	struct bounce_iommu_info about;

	info.page_shift = 16;
	bounce_iommu_tce.info(window(&info), &about);
	cr_expect_eq(about.page_bytes, 65536);
	info.page_shift = 0;
	bounce_iommu_tce.info(window(&info), &about);
	cr_expect_eq(about.page_bytes, 4096);
	cr_expect_eq(about.first.v, BUS);
	cr_expect_eq(about.last.v, BUS + PAGES * PAGE - 1);
}

static bool refused(const struct bounce_tce_info *info)
{
	struct bounce_tce *tce;

	return bounce_tce_init(memory, sizeof(memory), info, &tce) ==
	       BOUNCE_ERR_ARG;
}

Test(tce_init, what_cannot_be_is_refused)
{
	struct bounce_tce_info info = usual();
	struct bounce_tce *tce;

	cr_expect_eq(bounce_tce_init(memory, bounce_tce_size() - 1, &info,
				     &tce),
		     BOUNCE_ERR_RANGE);
	cr_expect_eq(bounce_tce_init(NULL, 256, &info, &tce), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_tce_init(memory + 1, 255, &info, &tce),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_tce_init(memory, 256, &info, NULL), BOUNCE_ERR_ARG);
	cr_expect(refused(NULL));
#define REFUSED(field, value)                                 \
	do {                                                  \
		info = usual();                               \
		info.field = value;                           \
		cr_expect(refused(&info), #field " " #value); \
	} while (0)
	REFUSED(page_shift, 11);
	REFUSED(page_shift, 19);
	REFUSED(bus.v, BUS + 2048);
	REFUSED(bus.v, UINT64_MAX - 4095 - 4096);
	REFUSED(len, 0);
	REFUSED(len, 4097);
	REFUSED(flags, 2);
	REFUSED(reserved0, 1);
	REFUSED(reserved[0], 1);
	REFUSED(reserved[1], 1);
	REFUSED(list, list + 8);
	REFUSED(list, NULL);
	REFUSED(list_gpa.v, LIST_GPA + 8);
}
