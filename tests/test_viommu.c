/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_viommu.c - the backend for a virtio-iommu, against a device that reads
 * its queues as devices do, and answers well or ill. Y1 to Y4, X1 to X3.
 */
#include "viommu_stand.h"

/* ---- the hooks, as lib/iommu.c calls them ---- */

static enum bounce_step map(struct stand *s, const struct bounce_iommu_run *run,
			    uint32_t count, uint64_t *done)
{
	return bounce_iommu_virtio.map(s->domain, run, count, done);
}

static enum bounce_step unmap(struct stand *s,
			      const struct bounce_iommu_run *run,
			      uint32_t count, uint64_t *done)
{
	return bounce_iommu_virtio.unmap(s->domain, run, count, done);
}

static struct bounce_iommu_run piece(uint64_t bus, uint64_t gpa, uint64_t pages)
{
	return (struct bounce_iommu_run) {
		.bus = { bus },
		.gpa = { gpa },
		.len = pages * PAGE,
		.access = 3,
	};
}

Test(viommu, an_endpoint_reaches_what_is_mapped_and_nothing_else)
{
	struct bounce_iommu_run run = piece(0x100000, 0x7000, 2);
	uint64_t done;
	uint64_t gpa;
	struct stand s;

	attached(&s);
	run.access = BOUNCE_ACCESS_READ;
	cr_assert_eq(map(&s, &run, 1, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(done, 2 * PAGE);
	cr_expect(fake_viommu_reach(&s.device, ENDPOINT, 0x101fff, 1, &gpa));
	cr_expect_eq(gpa, 0x8fff);
	cr_expect_not(fake_viommu_reach(&s.device, ENDPOINT, 0x101fff, 2, &gpa),
		      "read-only");
	cr_expect_not(
		fake_viommu_reach(&s.device, ENDPOINT, 0x102000, 1, &gpa));
	cr_expect_not(fake_viommu_reach(&s.device, ENDPOINT + 1, 0x100000, 1,
					&gpa),
		      "not attached");
	cr_assert_eq(unmap(&s, &run, 1, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(done, 2 * PAGE);
	cr_expect_not(
		fake_viommu_reach(&s.device, ENDPOINT, 0x100000, 1, &gpa));
	stand_fini(&s);
}

Test(viommu, an_unmap_that_the_device_fails_is_not_done)
{
	struct bounce_iommu_run run = piece(0x100000, 0x7000, 2);
	uint64_t done;
	struct stand s;

	attached(&s);
	cr_assert_eq(map(&s, &run, 1, &done), BOUNCE_STEP_DONE);
	s.device.fail_at = s.device.requests;
	s.device.fail_status = 5;
	cr_expect_eq(unmap(&s, &run, 1, &done), BOUNCE_STEP_UNCHANGED);
	cr_expect_eq(fake_viommu_mappings(&s.device), 1);
	cr_expect_eq(unmap(&s, &run, 1, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(fake_viommu_mappings(&s.device), 0);
	stand_fini(&s);
}

/* X1, and as many requests as the queue holds with one notification. */
Test(viommu, an_array_takes_one_notification_and_each_run_goes_by_itself)
{
	struct bounce_iommu_run run[4];
	uint32_t notified;
	uint64_t done;
	struct stand s;

	attached(&s);
	/* Two that go on, one apart in memory, one apart on the bus. */
	run[0] = piece(0x100000, 0x10000, 1);
	run[1] = piece(0x101000, 0x11000, 2);
	run[2] = piece(0x103000, 0x20000, 1);
	run[3] = piece(0x200000, 0x21000, 1);
	notified = s.device.notified[0];
	cr_assert_eq(map(&s, run, 4, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(done, 5 * PAGE);
	cr_expect_eq(s.device.notified[0] - notified, 1);
	cr_expect_eq(s.device.requests, 1 + 4, "attach, and four MAPs");
	cr_expect_eq(fake_viommu_mappings(&s.device), 4);
	/* One that others go on from, and then it is mapped again. */
	cr_assert_eq(unmap(&s, &run[0], 1, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(fake_viommu_mappings(&s.device), 3);
	cr_assert_eq(map(&s, &run[0], 1, &done), BOUNCE_STEP_DONE);
	notified = s.device.notified[0];
	cr_assert_eq(unmap(&s, run, 4, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(done, 5 * PAGE);
	cr_expect_eq(s.device.notified[0] - notified, 1);
	cr_expect_eq(s.device.requests, 1 + 4 + 2 + 2, "two UNMAPs at once");
	cr_expect_eq(fake_viommu_mappings(&s.device), 0);
	stand_fini(&s);
}

Test(viommu, more_than_the_queue_holds_goes_in_several_rounds)
{
	struct bounce_iommu_run run[11];
	uint64_t done;
	struct stand s;

	attached(&s);
	for (uint32_t i = 0; i < 11; i++)
		run[i] = piece(0x100000 + 2 * i * PAGE, 0x10000 + i * PAGE, 1);
	cr_assert_eq(map(&s, run, 11, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(done, 11 * PAGE);
	cr_expect_eq(s.device.notified[0], 1 + 3, "8 entries: 4 at a time");
	cr_expect_eq(fake_viommu_mappings(&s.device), 11);
	/* As often as the ring's index needs to wrap many times. */
	for (uint32_t i = 0; i < 100; i++) {
		cr_assert_eq(unmap(&s, run, 11, &done), BOUNCE_STEP_DONE);
		cr_assert_eq(map(&s, run, 11, &done), BOUNCE_STEP_DONE);
	}
	stand_fini(&s);
}

Test(viommu, unmapping_what_is_not_mapped_is_no_error)
{
	struct bounce_iommu_run run = piece(0x100000, 0x10000, 4);
	uint64_t done;
	struct stand s;

	attached(&s);
	cr_expect_eq(unmap(&s, &run, 1, &done), BOUNCE_STEP_DONE);
	stand_fini(&s);
}

/* ---- the way back, through lib/iommu.c ---- */

Test(viommu, whichever_request_fails_the_slabs_are_unmapped_again)
{
	for (uint32_t n = 0; n < 3; n++) {
		struct bench_knobs knobs = bench_usual();
		struct bounce_space *space;
		struct bench bench;
		struct stand s;
		struct bounce_translation translation;

		attached(&s);
		knobs.slabs = 3;
		knobs.chunks = 1;
		knobs.grown = 3;
		knobs.devices = 0;
		knobs.more_spaces = 1;
		bench_init(&bench, &knobs);
		space = bench_translated(&bench, UINT64_C(1) << 36);
		translation = (struct bounce_translation) {
			.iommu = &bounce_iommu_virtio,
			.ctx = s.domain,
		};
		s.device.fail_at = 1 + n;
		s.device.fail_status = 5;
		cr_expect_eq(bounce_space_set_iommu(space, &translation, NULL),
			     BOUNCE_ERR_HOST, "request %u", n);
		cr_expect_eq(fake_viommu_mappings(&s.device), 0);
		cr_expect_eq(bounce_space_set_iommu(space, &translation, NULL),
			     BOUNCE_OK);
		cr_expect_eq(fake_viommu_mappings(&s.device), 3);
		cr_expect_eq(bounce_space_fini(space), BOUNCE_OK);
		cr_expect_eq(fake_viommu_mappings(&s.device), 0);
		bench_fini(&bench);
		stand_fini(&s);
	}
}

/* ---- a hostile one ---- */

Test(viommu, a_lie_or_no_answer_breaks_it_and_nothing_is_sure_any_more)
{
	for (uint32_t mood = FAKE_VIOMMU_SILENT; mood < FAKE_VIOMMU_MOODS;
	     mood++) {
		struct bounce_iommu_run run = piece(0x100000, 0x10000, 1);
		uint32_t requests;
		uint64_t done;
		struct stand s;

		attached(&s);
		s.device.mood = (enum fake_viommu_mood)mood;
		/* "Twice" is seen with the next request at the latest. */
		if (map(&s, &run, 1, &done) == BOUNCE_STEP_DONE)
			cr_expect_eq(unmap(&s, &run, 1, &done),
				     BOUNCE_STEP_UNKNOWN, "mood %u", mood);
		s.device.mood = FAKE_VIOMMU_HONEST;
		requests = s.device.requests;
		cr_expect_neq(unmap(&s, &run, 1, &done), BOUNCE_STEP_DONE,
			      "mood %u", mood);
		cr_expect_eq(bounce_viommu_attach(s.domain, ENDPOINT + 1),
			     BOUNCE_ERR_LOST, "mood %u", mood);
		cr_expect_eq(s.device.requests, requests, "nothing is asked");
		stand_fini(&s);
	}
}

/*
 * Y1: were the index of the available ring read back, a device that had spoilt
 * it would be given entries that nobody posted.
 */
Test(viommu, what_the_device_spoils_is_written_anew_and_never_read_back)
{
	struct bounce_iommu_run run = piece(0x100000, 0x10000, 1);
	unsigned char *available;
	uint64_t done;
	struct stand s;

	attached(&s);
	available = s.device.memory + (s.device.ring[0].available.v - BUS);
	memset(s.device.memory, 0xff, 16 * 8);
	memset(available, 0xff, 4 + 2 * 8);
	cr_expect_eq(map(&s, &run, 1, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(available[2], 2, "the second request ever");
	cr_expect_eq(available[3], 0);
	stand_fini(&s);
}

/* ---- endpoints and domains ---- */

Test(viommu, an_endpoint_is_attached_once)
{
	struct bounce_viommu_domain *other;
	struct stand s;

	attached(&s);
	cr_expect_eq(bounce_viommu_attach(s.domain, ENDPOINT), BOUNCE_ERR_BUSY);
	cr_assert_eq(bounce_viommu_domain(s.viommu, 4, &other), BOUNCE_OK);
	cr_expect_eq(bounce_viommu_attach(other, ENDPOINT), BOUNCE_ERR_BUSY);
	cr_expect_eq(bounce_viommu_detach(other, ENDPOINT), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_viommu_detach(s.domain, ENDPOINT), BOUNCE_OK);
	cr_expect_eq(bounce_viommu_attach(other, ENDPOINT), BOUNCE_OK);
	cr_expect_eq(bounce_viommu_attach(s.domain, 0x999), BOUNCE_ERR_REFUSED,
		     "no such endpoint");
	cr_expect_eq(bounce_viommu_attach(s.domain, ENDPOINT + 1), BOUNCE_OK);
	cr_expect_eq(bounce_viommu_attach(s.domain, 0x555), BOUNCE_ERR_FULL);
	stand_fini(&s);
}

Test(viommu, what_the_device_fails_changes_nothing_and_a_broken_one_is_lost)
{
	struct stand s;

	stand_init(&s);
	s.device.fail_at = 0;
	s.device.fail_status = 5;
	cr_expect_eq(bounce_viommu_attach(s.domain, ENDPOINT), BOUNCE_ERR_HOST);
	cr_assert_eq(bounce_viommu_attach(s.domain, ENDPOINT), BOUNCE_OK);
	s.device.fail_at = s.device.requests;
	cr_expect_eq(bounce_viommu_detach(s.domain, ENDPOINT), BOUNCE_ERR_HOST);
	s.device.mood = FAKE_VIOMMU_SILENT;
	s.device.fail_at = FAKE_VIOMMU_NEVER;
	cr_expect_eq(bounce_viommu_probe(s.domain, ENDPOINT), BOUNCE_ERR_LOST);
	cr_expect_eq(bounce_viommu_detach(s.domain, ENDPOINT), BOUNCE_ERR_LOST);
	cr_expect_eq(bounce_viommu_attach(s.domain, ENDPOINT + 1),
		     BOUNCE_ERR_LOST);
	cr_expect_eq(bounce_viommu_probe(s.domain, ENDPOINT), BOUNCE_ERR_LOST);
	stand_fini(&s);
}

Test(viommu, a_domain_is_in_range_and_given_out_once)
{
	struct bounce_viommu_domain *other;
	struct stand s;

	stand_init(&s);
	cr_expect_eq(bounce_viommu_domain(s.viommu, 0, &other), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_viommu_domain(s.viommu, 16, &other),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_viommu_domain(s.viommu, DOMAIN, &other),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_viommu_domain(s.viommu, 15, &other), BOUNCE_OK);
	cr_expect_eq(bounce_viommu_domain(s.viommu, 14, &other),
		     BOUNCE_ERR_FULL);
	cr_expect_eq(bounce_viommu_domain(s.viommu, 13, NULL), BOUNCE_ERR_ARG);
	stand_fini(&s);
}

Test(viommu, a_device_that_names_no_range_has_all_domains)
{
	struct bounce_viommu_domain *other;
	struct stand s;

	stand_init(&s);
	s.viommu->info.features &= ~BOUNCE_VIOMMU_F_DOMAIN_RANGE;
	cr_expect_eq(bounce_viommu_domain(s.viommu, 16, &other), BOUNCE_OK);
	stand_fini(&s);
}

Test(viommu, an_endpoint_is_detached_from_where_it_is)
{
	struct bounce_viommu_domain *other;
	struct stand s;

	attached(&s);
	cr_assert_eq(bounce_viommu_domain(s.viommu, 15, &other), BOUNCE_OK);
	cr_expect_eq(bounce_viommu_detach(other, ENDPOINT), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_viommu_detach(s.domain, ENDPOINT + 1),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_viommu_detach(s.domain, ENDPOINT), BOUNCE_OK);
	stand_fini(&s);
}

Test(viommu, bypass_is_what_the_configuration_says)
{
	uint64_t gpa;
	struct stand s;

	stand_init(&s);
	cr_assert_eq(bounce_viommu_set_bypass(s.viommu, true), BOUNCE_OK);
	cr_expect(fake_viommu_reach(&s.device, ENDPOINT, 0x1234, 1, &gpa));
	cr_expect_eq(gpa, 0x1234);
	cr_assert_eq(bounce_viommu_set_bypass(s.viommu, false), BOUNCE_OK);
	cr_expect_not(fake_viommu_reach(&s.device, ENDPOINT, 0x1234, 1, &gpa));
	s.viommu->info.set_bypass = NULL;
	cr_expect_eq(bounce_viommu_set_bypass(s.viommu, true),
		     BOUNCE_ERR_REFUSED);
	s.viommu->info.set_bypass = fake_viommu_set_bypass;
	s.viommu->info.features &= ~BOUNCE_VIOMMU_F_BYPASS_CONFIG;
	cr_expect_eq(bounce_viommu_set_bypass(s.viommu, true),
		     BOUNCE_ERR_REFUSED);
	stand_fini(&s);
}

/* ---- probe ---- */

Test(viommu, probe_tells_what_an_endpoint_keeps_to_itself)
{
	struct bounce_iommu_info info;
	uint32_t at = 0;
	struct stand s;

	stand_init(&s);
	at = put_reserved(&s, at, 0x8020000, 0x8020fff);
	put(s.device.property + at, 7, 2); /* a property we do not know */
	put(s.device.property + at + 2, 4, 2);
	put_reserved(&s, at + 8, 0xfee00000, 0xfeefffff);
	cr_assert_eq(bounce_viommu_probe(s.domain, ENDPOINT), BOUNCE_OK);
	cr_assert_eq(bounce_viommu_probe(s.domain, ENDPOINT + 1), BOUNCE_OK);
	bounce_iommu_virtio.info(s.domain, &info);
	cr_expect_eq(info.page_bytes, PAGE);
	cr_expect_eq(info.first.v, PAGE);
	cr_expect_eq(info.last.v, (UINT64_C(1) << 48) - 1);
	cr_expect_eq(info.ranges, 2, "each once");
	cr_expect_eq(info.range[0].first.v, 0x8020000);
	cr_expect_eq(info.range[1].last.v, 0xfeefffff);
	cr_expect_eq(info.requests, 2);
	cr_expect_eq(bounce_viommu_probe(s.domain, 0x999), BOUNCE_ERR_REFUSED);
	stand_fini(&s);
}

Test(viommu, more_ranges_than_there_is_room_for_are_widened_into_one)
{
	struct bounce_iommu_info info;
	uint32_t at = 0;
	struct stand s;

	stand_init(&s);
	for (uint64_t i = 0; i < 5; i++)
		at = put_reserved(&s, at, (i + 1) << 20,
				  ((i + 1) << 20) + 0xfff);
	cr_assert_eq(bounce_viommu_probe(s.domain, ENDPOINT), BOUNCE_OK);
	bounce_iommu_virtio.info(s.domain, &info);
	cr_expect_eq(info.ranges, 4);
	cr_expect_eq(info.range[3].first.v, 4 << 20);
	cr_expect_eq(info.range[3].last.v, (5 << 20) + 0xfff);
	stand_fini(&s);
}

Test(viommu, properties_that_cannot_be_are_an_error_and_never_overread)
{
	static const struct {
		uint32_t at;
		uint32_t word;
	} bad[] = {
		{ 0, 1 | 0xffffu << 16 }, /* longer than the buffer */
		{ 0, 1 | 19u << 16 }, /* too short for its type */
		{ 0, 7 | 125u << 16 }, /* one byte too long */
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct stand s;

		stand_init(&s);
		put(s.device.property + bad[i].at, bad[i].word, 4);
		cr_expect_eq(bounce_viommu_probe(s.domain, ENDPOINT),
			     BOUNCE_ERR_HOST, "case %zu", i);
		stand_fini(&s);
	}
}

Test(viommu, random_properties_never_hang_or_overread)
{
	uint64_t random = 1;
	struct stand s;

	stand_init(&s);
	for (uint32_t i = 0; i < 2000; i++) {
		for (uint32_t k = 0; k < PROBE_SIZE; k++)
			s.device.property[k] =
				(unsigned char)bench_below(&random, 8);
		(void)!bounce_viommu_probe(s.domain, ENDPOINT);
	}
	stand_fini(&s);
}

/* ---- faults ---- */

Test(viommu, faults_are_handed_out_as_they_came_and_buffers_go_back)
{
	struct bounce_viommu_fault in = { .reason = 2,
					  .flags = 0x102,
					  .endpoint = ENDPOINT };
	struct bounce_viommu_fault out;
	struct stand s;

	stand_init(&s);
	cr_expect_eq(bounce_viommu_take_fault(s.viommu, &out), BOUNCE_ERR_BUSY);
	for (uint64_t i = 0; i < 100; i++) {
		in.address = i << 40 | 0x123;
		cr_assert(fake_viommu_report(&s.device, &in, 24));
		cr_assert_eq(bounce_viommu_take_fault(s.viommu, &out),
			     BOUNCE_OK);
		cr_expect_eq(out.address, in.address);
		cr_expect_eq(out.endpoint, ENDPOINT);
		cr_expect_eq(out.reason, 2);
		cr_expect_eq(out.flags, 0x102);
	}
	/* A queue full of them; the rest is lost on the device's side. */
	for (uint32_t i = 0; i < 8; i++)
		cr_expect(fake_viommu_report(&s.device, &in, 24));
	cr_expect_not(fake_viommu_report(&s.device, &in, 24));
	for (uint32_t i = 0; i < 8; i++)
		cr_expect_eq(bounce_viommu_take_fault(s.viommu, &out),
			     BOUNCE_OK);
	stand_fini(&s);
}

Test(viommu, half_a_fault_is_none)
{
	struct bounce_viommu_fault fault = { .reason = 1 };
	struct stand s;

	stand_init(&s);
	cr_assert(fake_viommu_report(&s.device, &fault, 8));
	cr_expect_eq(bounce_viommu_take_fault(s.viommu, &fault),
		     BOUNCE_ERR_HOST);
	cr_expect_eq(bounce_viommu_take_fault(s.viommu, &fault),
		     BOUNCE_ERR_BUSY);
	cr_assert(fake_viommu_report(&s.device, &fault, 25));
	cr_expect_eq(bounce_viommu_take_fault(s.viommu, &fault),
		     BOUNCE_ERR_LOST);
	cr_expect_eq(bounce_viommu_take_fault(s.viommu, &fault),
		     BOUNCE_ERR_LOST);
	stand_fini(&s);
}

/* ---- what is refused ---- */

Test(viommu, what_cannot_be_is_refused)
{
	struct bounce_viommu_info info;
	struct stand s;

	stand_init(&s);
#define REFUSED(change)                                                     \
	do {                                                                \
		info = s.info;                                              \
		change;                                                     \
		cr_expect_eq(bounce_viommu_init(s.private, SIZE_MAX, &info, \
						&s.viommu),                 \
			     BOUNCE_ERR_ARG, #change);                      \
	} while (0)
	REFUSED(info.entries = 7);
	REFUSED(info.entries = 2);
	REFUSED(info.entries = 512);
	REFUSED(info.domains = 0);
	REFUSED(info.endpoints = 0);
	REFUSED(info.reserved = 1);
	REFUSED(info.notify = NULL);
	REFUSED(info.shared = NULL);
	REFUSED(info.shared++);
	REFUSED(info.bus.v += 64);
	REFUSED(info.features = 0);
	REFUSED(info.page_size_mask = 0);
	REFUSED(info.probe_size = UINT32_MAX - 2);
#undef REFUSED
	cr_expect_eq(bounce_viommu_init(NULL, SIZE_MAX, &s.info, &s.viommu),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_viommu_init((char *)s.private + 1, SIZE_MAX,
					&s.info, &s.viommu),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_viommu_init(s.private, SIZE_MAX, NULL, &s.viommu),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_viommu_init(s.private, SIZE_MAX, &s.info, NULL),
		     BOUNCE_ERR_ARG);
	info = s.info;
	info.entries = 7;
	cr_expect_eq(bounce_viommu_size(&info), 0);
	cr_expect_eq(bounce_viommu_shared_size(&info), 0);
	cr_expect_eq(bounce_viommu_init(s.private,
					bounce_viommu_size(&s.info) - 1,
					&s.info, &s.viommu),
		     BOUNCE_ERR_RANGE);
	stand_fini(&s);
}
