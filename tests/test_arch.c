/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_arch.c - the backends of POWER and Z against scripted instructions:
 * what they ask, to the byte, and what they make of each documented answer.
 *
 * An instruction has no context, so the script is static; each test of
 * Criterion runs in a process of its own.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "instance.h"
#include "share.h"
#include "support.h"
#include "ultravisor.h"
#include "uv.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- POWER: a scripted `sc 2` ---- */

#define UV_SHARE_PAGE 0xf130
#define UV_UNSHARE_PAGE 0xf134

static struct {
	uint64_t msr;
	int64_t r3;
	uint32_t calls;
	uint64_t function, gfn, count; /* of the last one */
	/* With a machine behind it: what is shared becomes zero. */
	struct fake_machine *machine;
	bool refuse; /* does nothing, and says what it always says */
	bool tells; /* a firmware that stores the result into r3 */
} power;

int64_t bounce_power_ucall(uint64_t function, uint64_t gfn, uint64_t count)
{
	uint32_t done = 0;

	power.calls++;
	power.function = function;
	power.gfn = gfn;
	power.count = count;
	if (power.machine == NULL)
		return power.r3;
	if (!power.refuse) {
		const struct bounce_arch *arch = &power.machine->arch;
		bounce_gpa_t gpa = { gfn << 16 };

		if (function == UV_SHARE_PAGE)
			arch->share(power.machine, gpa, (uint32_t)count, &done);
		else
			arch->unshare(power.machine, gpa, (uint32_t)count,
				      &done);
	}
	return power.tells ? 0 : (int64_t)function;
}

uint64_t bounce_power_msr(void)
{
	return power.msr;
}

static const struct {
	const char *name;
	int64_t r3;
	enum bounce_step share;
	enum bounce_step unshare;
} power_codes[] = {
	{ "U_SUCCESS", 0, BOUNCE_STEP_DONE, BOUNCE_STEP_DONE },
	{ "UV_SHARE_PAGE", 0xf130, BOUNCE_STEP_DONE, BOUNCE_STEP_UNKNOWN },
	{ "UV_UNSHARE_PAGE", 0xf134, BOUNCE_STEP_UNKNOWN, BOUNCE_STEP_UNKNOWN },
	{ "UV_UNSHARE_ALL_PAGES", 0xf140, BOUNCE_STEP_UNKNOWN,
	  BOUNCE_STEP_UNKNOWN },
	{ "U_BUSY", 1, BOUNCE_STEP_RETRY, BOUNCE_STEP_RETRY },
	{ "U_FUNCTION", -2, BOUNCE_STEP_RETRY, BOUNCE_STEP_RETRY },
	{ "U_RETRY", -5, BOUNCE_STEP_RETRY, BOUNCE_STEP_RETRY },
	{ "U_PARAMETER", -4, BOUNCE_STEP_UNCHANGED, BOUNCE_STEP_UNCHANGED },
	{ "U_PERMISSION", -11, BOUNCE_STEP_UNCHANGED, BOUNCE_STEP_UNCHANGED },
	{ "U_P2", -55, BOUNCE_STEP_UNCHANGED, BOUNCE_STEP_UNCHANGED },
	{ "U_P3", -56, BOUNCE_STEP_UNKNOWN, BOUNCE_STEP_UNKNOWN },
	{ "U_P4", -57, BOUNCE_STEP_UNKNOWN, BOUNCE_STEP_UNKNOWN },
	{ "U_P5", -58, BOUNCE_STEP_UNKNOWN, BOUNCE_STEP_UNKNOWN },
	{ "U_BAD_MODE", -59, BOUNCE_STEP_UNKNOWN, BOUNCE_STEP_UNKNOWN },
	{ "U_STATE", -75, BOUNCE_STEP_UNKNOWN, BOUNCE_STEP_UNKNOWN },
	{ "U_NOT_AVAILABLE", 3, BOUNCE_STEP_UNKNOWN, BOUNCE_STEP_UNKNOWN },
	{ "nothing named -1", -1, BOUNCE_STEP_UNKNOWN, BOUNCE_STEP_UNKNOWN },
	{ "nothing named 2", 2, BOUNCE_STEP_UNKNOWN, BOUNCE_STEP_UNKNOWN },
	{ "0 in 32 bits", INT64_C(1) << 32, BOUNCE_STEP_UNKNOWN,
	  BOUNCE_STEP_UNKNOWN },
	{ "the function in 32 bits", (INT64_C(1) << 32) + 0xf130,
	  BOUNCE_STEP_UNKNOWN, BOUNCE_STEP_UNKNOWN },
	{ "the least there is", INT64_MIN, BOUNCE_STEP_UNKNOWN,
	  BOUNCE_STEP_UNKNOWN },
};

Test(power, each_return_code_has_its_step)
{
	const struct bounce_arch *arch = &bounce_arch_power_ultravisor;

	for (size_t i = 0; i < COUNT(power_codes); i++) {
		bounce_gpa_t gpa = { 0x10000 };
		uint32_t done = 99;
		enum bounce_step step;

		power.r3 = power_codes[i].r3;
		step = arch->share(NULL, gpa, 3, &done);
		cr_expect_eq(step, power_codes[i].share, "share, %s: %d",
			     power_codes[i].name, step);
		cr_expect_eq(done, step == BOUNCE_STEP_DONE ? 3 : 0);
		done = 99;
		step = arch->unshare(NULL, gpa, 2, &done);
		cr_expect_eq(step, power_codes[i].unshare, "unshare, %s: %d",
			     power_codes[i].name, step);
		cr_expect_eq(done, step == BOUNCE_STEP_DONE ? 2 : 0);
	}
	cr_expect_eq(power.calls, 2 * COUNT(power_codes), "one call a hook");
}

/* ultravisor.rst: r4 is the guest's page frame, r5 the number of pages. */
Test(power, a_call_names_frames_of_64_kib)
{
	const struct bounce_arch *arch = &bounce_arch_power_ultravisor;
	bounce_gpa_t gpa = { UINT64_C(0x123456780000) };
	uint32_t done;

	arch->share(NULL, gpa, 4, &done);
	cr_expect_eq(power.function, UV_SHARE_PAGE);
	cr_expect_eq(power.gfn, UINT64_C(0x12345678));
	cr_expect_eq(power.count, 4);
	arch->unshare(NULL, gpa, 1, &done);
	cr_expect_eq(power.function, UV_UNSHARE_PAGE);
	cr_expect_eq(power.gfn, UINT64_C(0x12345678));
	cr_expect_eq(power.count, 1);
	cr_expect_eq(arch->granule_shift, 16);
	cr_expect_eq(arch->batch, 4);
	cr_expect_eq(arch->contents, BOUNCE_CONTENTS_ZERO);
	cr_expect(arch->verify_share);
}

Test(power, bit_41_of_the_msr_says_secure)
{
	const struct bounce_arch *arch = &bounce_arch_power_ultravisor;

	power.msr = UINT64_C(1) << (63 - 41);
	cr_expect_eq(arch->detect(NULL), BOUNCE_PROTECTION_YES);
	power.msr = ~power.msr;
	cr_expect_eq(arch->detect(NULL), BOUNCE_PROTECTION_NO);
	cr_expect_eq(power.calls, 0);
}

/* A slab of the bench, shared by the real backend over the fake machine. */
static struct bounce_slab *power_bench(struct bench *bench)
{
	struct bench_knobs knobs = bench_usual();
	struct bounce_slab *slab;

	knobs.chunks = 1;
	knobs.grown = 0;
	bench_power_on(bench, &knobs);
	bench_set_up(bench);
	bench->machine.arch = bounce_arch_power_ultravisor;
	slab = &bench->bounce->slab[0];
	slab->base = bench_slab_gpa(bench, 0);
	slab->memory = bench->machine.memory;
	slab->chunks = 1;
	return slab;
}

/* Behind the ultracall: frames of 64 KiB that are zeroed. */
static void firmware(struct fake_machine *machine, const struct bench *bench)
{
	fake_machine_init(machine, bench->machine.memory, bench->machine.bytes,
			  bench->machine.base);
	machine->arch.granule_shift = 16;
	machine->arch.contents = BOUNCE_CONTENTS_ZERO;
	machine->arch.verify_share = true;
	power.machine = machine;
	power.msr = UINT64_C(0x400000);
}

/* V2 of ultravisor.c: the page itself says that it was shared. */
Test(power, firmware_that_forgets_the_result_still_shares)
{
	struct fake_machine machine;
	struct bench bench;
	struct bounce_slab *slab = power_bench(&bench);

	firmware(&machine, &bench);
	cr_expect_eq(bounce_share(bench.pool, slab), BOUNCE_OK);
	cr_expect_eq(fake_machine_shared_bytes(&machine), BOUNCE_CHUNK_BYTES);
	cr_expect_eq(fake_machine_wrongs(&machine), 0);
	/* But nobody can tell whether it unshared. */
	cr_expect_eq(bounce_unshare(bench.pool, slab), BOUNCE_ERR_LOST);
	cr_expect_eq(slab->page[0], SHARE_LOST);
	bench_discard(&bench);
}

Test(power, firmware_that_does_nothing_and_says_the_same_is_found_out)
{
	struct fake_machine machine;
	struct bench bench;
	struct bounce_slab *slab = power_bench(&bench);

	firmware(&machine, &bench);
	power.refuse = true;
	cr_expect_eq(bounce_share(bench.pool, slab), BOUNCE_ERR_LOST);
	cr_expect_eq(slab->page[0], SHARE_LOST);
	bench_discard(&bench);
}

Test(power, firmware_that_tells_the_result_gives_pages_back)
{
	struct fake_machine machine;
	struct bench bench;
	struct bounce_slab *slab = power_bench(&bench);

	firmware(&machine, &bench);
	power.tells = true;
	cr_expect_eq(bounce_share(bench.pool, slab), BOUNCE_OK);
	cr_expect_eq(bounce_unshare(bench.pool, slab), BOUNCE_OK);
	cr_expect_eq(fake_machine_shared_bytes(&machine), 0);
	cr_expect_eq(power.calls, 2, "four frames a call");
	cr_expect_eq(fake_machine_wrongs(&machine), 0);
	bench_discard(&bench);
}

/* ---- Z: a scripted UVC ---- */

#define BLOCK_MAX 0xa8

struct uvc {
	unsigned cc;
	uint16_t rc;
};

static struct {
	struct uvc script[512]; /* call by call; the last one stays */
	uint32_t length; /* of the script */
	uint64_t installed; /* query: first word of the calls */
	uint64_t facility[3];
	uint32_t facilities; /* doublewords that the machine has */
	uint32_t calls;
	void *address; /* of the last block */
	bool moved; /* a block was not the one before */
	unsigned char block[BLOCK_MAX]; /* as it was at the last call */
} uv;

static uint16_t half_at(const void *block, uint32_t offset)
{
	uint16_t value;

	memcpy(&value, (const unsigned char *)block + offset, sizeof(value));
	return value;
}

static uint64_t word_at(const void *block, uint32_t offset)
{
	uint64_t value;

	memcpy(&value, (const unsigned char *)block + offset, sizeof(value));
	return value;
}

unsigned bounce_s390_uvc(void *block)
{
	uint32_t n = uv.calls < uv.length ? uv.calls : uv.length - 1;
	uint16_t length = half_at(block, 0);

	cr_assert_leq(length, BLOCK_MAX);
	uv.moved |= uv.calls != 0 && uv.address != block;
	uv.address = block;
	uv.calls++;
	memcpy(uv.block, block, length);
	memcpy((unsigned char *)block + 4, &uv.script[n].rc, 2);
	if (half_at(block, 2) == 0x0001)
		memcpy((unsigned char *)block + 0x10, &uv.installed, 8);
	return uv.script[n].cc;
}

void bounce_s390_stfle(uint64_t *list, uint32_t count)
{
	for (uint32_t i = 0; i < count && i < uv.facilities; i++)
		list[i] = uv.facility[i];
}

static void answers(const struct uvc *script, uint32_t length)
{
	memcpy(uv.script, script, length * sizeof(*script));
	uv.length = length;
	uv.calls = 0;
	uv.moved = false;
}

static enum bounce_step ask(bool share, uint32_t *done)
{
	const struct bounce_arch *arch = &bounce_arch_s390_uv;
	bounce_gpa_t gpa = { UINT64_C(0x123456789000) };

	*done = 99;
	return share ? arch->share(NULL, gpa, 1, done) :
		       arch->unshare(NULL, gpa, 1, done);
}

static const struct {
	struct uvc answer;
	enum bounce_step step;
} uv_codes[] = {
	{ { 0, 0x0001 }, BOUNCE_STEP_DONE },
	{ { 0, 0x0000 }, BOUNCE_STEP_UNKNOWN },
	{ { 0, 0x0101 }, BOUNCE_STEP_UNKNOWN },
	{ { 0, 0x0100 }, BOUNCE_STEP_UNKNOWN },
	{ { 1, 0x0002 }, BOUNCE_STEP_UNCHANGED },
	{ { 1, 0x0003 }, BOUNCE_STEP_UNCHANGED },
	{ { 1, 0x0005 }, BOUNCE_STEP_UNCHANGED },
	{ { 1, 0x0101 }, BOUNCE_STEP_UNCHANGED },
	{ { 1, 0x0001 }, BOUNCE_STEP_UNKNOWN },
	{ { 1, 0x0000 }, BOUNCE_STEP_UNKNOWN },
	{ { 1, 0x0007 }, BOUNCE_STEP_UNKNOWN },
	{ { 1, 0x0100 }, BOUNCE_STEP_UNKNOWN },
	{ { 1, 0x0102 }, BOUNCE_STEP_UNKNOWN },
	{ { 1, 0xffff }, BOUNCE_STEP_UNKNOWN },
	{ { 2, 0x0000 }, BOUNCE_STEP_RETRY },
	{ { 2, 0x0001 }, BOUNCE_STEP_RETRY },
	{ { 4, 0x0001 }, BOUNCE_STEP_UNKNOWN },
};

Test(s390, each_condition_and_return_code_has_its_step)
{
	for (int share = 0; share < 2; share++) {
		for (size_t i = 0; i < COUNT(uv_codes); i++) {
			const struct uvc *answer = &uv_codes[i].answer;
			enum bounce_step step;
			uint32_t done;

			answers(answer, 1);
			step = ask(share != 0, &done);
			cr_expect_eq(step, uv_codes[i].step, "cc %u rc %x: %d",
				     answer->cc, answer->rc, step);
			cr_expect_eq(done, step == BOUNCE_STEP_DONE);
			cr_expect_eq(uv.calls, 1);
		}
	}
}

/* Linux, struct uv_cb_share: 48 bytes, the address at 0x20, else zero. */
Test(s390, the_block_is_the_documented_one_to_the_byte)
{
	const struct uvc good = { 0, 1 };

	for (int share = 0; share < 2; share++) {
		uint32_t done;

		answers(&good, 1);
		memset(uv.block, 0xff, sizeof(uv.block));
		cr_expect_eq(ask(share != 0, &done), BOUNCE_STEP_DONE);
		cr_expect_eq((uintptr_t)uv.address % 8, 0);
		cr_expect_eq(half_at(uv.block, 0), 48);
		cr_expect_eq(half_at(uv.block, 2), share ? 0x1000 : 0x1001);
		cr_expect_eq(half_at(uv.block, 4), 0);
		cr_expect_eq(half_at(uv.block, 6), 0);
		for (uint32_t at = 8; at < 48; at += 8)
			cr_expect_eq(word_at(uv.block, at),
				     at == 0x20 ? UINT64_C(0x123456789000) : 0,
				     "offset %u", at);
		cr_expect_eq(uv.block[48], 0xff);
	}
	cr_expect_eq(bounce_arch_s390_uv.batch, 1);
	cr_expect_eq(bounce_arch_s390_uv.granule_shift, 12);
	cr_expect_eq(bounce_arch_s390_uv.contents, BOUNCE_CONTENTS_KEPT);
}

/* Z2 */
Test(s390, a_partial_call_goes_on_in_the_same_block)
{
	static const struct uvc script[] = {
		{ 3, 0 }, { 3, 7 }, { 2, 7 }, { 3, 7 }, { 0, 1 }
	};
	uint32_t done;

	answers(script, COUNT(script));
	cr_expect_eq(ask(true, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(uv.calls, COUNT(script));
	cr_expect(!uv.moved);
	cr_expect_eq(half_at(uv.block, 4), 7, "as the ultravisor left it");
}

Test(s390, a_partial_call_that_fails_or_never_ends_is_unknown)
{
	static const struct uvc fails[] = { { 3, 0 }, { 1, 0x0101 } };
	static const struct uvc busy[] = { { 3, 0 }, { 2, 0 } };
	static const struct uvc never[] = { { 3, 0 } };
	uint32_t done;

	answers(fails, COUNT(fails));
	cr_expect_eq(ask(true, &done), BOUNCE_STEP_UNKNOWN);
	cr_expect_eq(uv.calls, 2);
	answers(busy, COUNT(busy));
	cr_expect_eq(ask(false, &done), BOUNCE_STEP_UNKNOWN);
	cr_expect_lt(uv.calls, 1000);
	answers(never, COUNT(never));
	cr_expect_eq(ask(true, &done), BOUNCE_STEP_UNKNOWN);
	cr_expect_eq(done, 0);
	cr_expect_lt(uv.calls, 1000);
}

/* Bits from the left: set shared is 8, remove shared is 9. */
#define BOTH UINT64_C(0x00c0000000000000)
#define SET UINT64_C(0x0080000000000000)
#define REMOVE UINT64_C(0x0040000000000000)

Test(s390, both_calls_and_a_query_that_works_mean_protected)
{
	static const struct {
		struct uvc answer;
		uint64_t installed;
		enum bounce_protection protection;
	} vector[] = {
		{ { 0, 0x0001 }, BOTH, BOUNCE_PROTECTION_YES },
		{ { 1, 0x0100 }, BOTH, BOUNCE_PROTECTION_YES },
		{ { 0, 0x0001 }, UINT64_MAX, BOUNCE_PROTECTION_YES },
		{ { 0, 0x0001 }, SET, BOUNCE_PROTECTION_NO },
		{ { 0, 0x0001 }, REMOVE, BOUNCE_PROTECTION_NO },
		{ { 0, 0x0001 }, ~BOTH, BOUNCE_PROTECTION_NO },
		{ { 1, 0x0100 }, 0, BOUNCE_PROTECTION_NO },
		{ { 1, 0x0002 }, BOTH, BOUNCE_PROTECTION_UNKNOWN },
		{ { 1, 0x0005 }, BOTH, BOUNCE_PROTECTION_UNKNOWN },
		{ { 0, 0x0100 }, BOTH, BOUNCE_PROTECTION_UNKNOWN },
		{ { 1, 0x0001 }, BOTH, BOUNCE_PROTECTION_UNKNOWN },
		{ { 2, 0x0001 }, BOTH, BOUNCE_PROTECTION_UNKNOWN },
		{ { 3, 0x0001 }, BOTH, BOUNCE_PROTECTION_UNKNOWN },
	};

	for (size_t i = 0; i < COUNT(vector); i++) {
		answers(&vector[i].answer, 1);
		uv.installed = vector[i].installed;
		cr_expect_eq(bounce_s390_query(), vector[i].protection,
			     "vector %zu", i);
		cr_expect_lt(uv.calls, 1000);
	}
}

/* 0xa0 bytes are refused, 0xa8 are the least. */
Test(s390, the_query_is_as_short_as_the_ultravisor_takes_it)
{
	static const struct uvc busy[] = { { 2, 0 }, { 2, 0 }, { 0, 1 } };

	answers(busy, COUNT(busy));
	uv.installed = BOTH;
	cr_expect_eq(bounce_s390_query(), BOUNCE_PROTECTION_YES);
	cr_expect_eq(uv.calls, 3);
	cr_expect_eq(half_at(uv.block, 0), 0xa8);
	cr_expect_eq(half_at(uv.block, 2), 0x0001);
	for (uint32_t at = 24; at < 0xa8; at += 8)
		cr_expect_eq(word_at(uv.block, at), 0);
}

Test(s390, no_call_is_issued_without_facility_158)
{
	const struct bounce_arch *arch = &bounce_arch_s390_uv;
	const struct uvc good = { 0, 1 };
	const uint64_t bit = UINT64_C(1) << (63 - 158 % 64);

	answers(&good, 1);
	uv.installed = BOTH;
	uv.facilities = 3;
	uv.facility[0] = uv.facility[1] = UINT64_MAX;
	uv.facility[2] = ~bit;
	cr_expect_eq(arch->detect(NULL), BOUNCE_PROTECTION_NO);
	cr_expect_eq(uv.calls, 0);
	uv.facility[2] = bit;
	uv.facilities = 2; /* an old machine: its list is shorter */
	cr_expect_eq(arch->detect(NULL), BOUNCE_PROTECTION_NO);
	cr_expect_eq(uv.calls, 0);
	uv.facilities = 3;
	cr_expect_eq(arch->detect(NULL), BOUNCE_PROTECTION_YES);
	cr_expect_eq(uv.calls, 1);
	uv.installed = SET; /* a host of protected guests */
	cr_expect_eq(arch->detect(NULL), BOUNCE_PROTECTION_NO);
}

/* ---- no monitor ---- */

Test(none, sharing_is_nothing_and_memory_is_not_protected)
{
	const struct bounce_arch *arch = &bounce_arch_none;
	bounce_gpa_t gpa = { 0 };
	uint32_t done = 0;

	cr_expect_eq(arch->detect(NULL), BOUNCE_PROTECTION_NO);
	cr_expect_eq(arch->share(NULL, gpa, 5, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(done, 5);
	cr_expect_eq(arch->unshare(NULL, gpa, 7, &done), BOUNCE_STEP_DONE);
	cr_expect_eq(done, 7);
}

/* ---- the fake machine: who watches the watchman ---- */

Test(fake, the_device_reaches_exactly_what_is_shared)
{
	struct bench_knobs knobs = bench_usual();
	unsigned char bytes[8192];
	struct fake_device *host;
	struct bench bench;
	uint64_t end;

	knobs.chunks = 1;
	bench_init(&bench, &knobs);
	host = &bench.host;
	end = knobs.gpa + BOUNCE_CHUNK_BYTES;
	cr_expect(fake_device_read(host, end - 8192, bytes, 8192));
	cr_expect(!fake_device_read(host, end - 8191, bytes, 8192));
	cr_expect(!fake_device_read(host, end, bytes, 1));
	cr_expect(!fake_device_write(host, end - 1, "ab", 2));
	cr_expect(!fake_device_write(host, knobs.gpa - 1, "ab", 2));
	cr_expect(!fake_device_fill(host, UINT64_MAX, 1, 2));
	cr_expect(fake_device_write(host, end - 4097, "ab", 2));
	cr_expect_eq(bench.machine.memory[BOUNCE_CHUNK_BYTES - 4096], 'b');
	bench_fini(&bench);
}

Test(fake, one_secret_byte_in_shared_memory_is_seen)
{
	struct bench_knobs knobs = bench_usual();
	uint64_t where = 0;
	struct bench bench;

	knobs.chunks = 1;
	bench_init(&bench, &knobs);
	for (int i = 0; i < 4; i++)
		fake_device_scribble(&bench.host);
	cr_expect(!fake_device_sees_secret(&bench.host));
	bench.machine.memory[5000] = FAKE_SECRET;
	cr_expect(fake_device_sees_secret(&bench.host));
	cr_expect_eq(fake_device_count(&bench.host, FAKE_SECRET), 1);
	memcpy(bench.machine.memory + 4094, "tag!", 4);
	cr_expect(fake_device_finds(&bench.host, "tag!", 4, &where));
	cr_expect_eq(where, knobs.gpa + 4094);
	bench_fini(&bench);
}

Test(fake, what_no_library_should_do_is_counted)
{
	struct bench_knobs knobs = bench_usual();
	struct bench bench;
	struct fake_machine *machine = &bench.machine;
	bounce_gpa_t gpa;
	uint32_t done;

	knobs.grown = 0;
	bench_power_on(&bench, &knobs);
	bench_set_up(&bench);
	gpa = bench_slab_gpa(&bench, 0);
	machine->arch.share(machine, gpa, 1, &done);
	cr_expect_eq(machine->wrong.secrets, 1);
	machine->arch.share(machine, gpa, 1, &done);
	cr_expect_eq(machine->wrong.shared_again, 1);
	machine->arch.unshare(machine, gpa, 1, &done);
	cr_expect_eq(machine->wrong.unshared_again, 0);
	machine->arch.unshare(machine, gpa, 1, &done);
	cr_expect_eq(machine->wrong.unshared_again, 1);
	gpa.v++;
	cr_expect_eq(machine->arch.share(machine, gpa, 1, &done),
		     BOUNCE_STEP_UNCHANGED);
	cr_expect_eq(machine->wrong.calls, 1);
	cr_expect_eq(fake_machine_wrongs(machine), 4);
	cr_expect_eq(machine->memory[0], FAKE_HOSTILE);
	bench_discard(&bench);
}
