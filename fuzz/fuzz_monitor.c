/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz_monitor.c - the real backends of POWER and Z (arch/) under answers of
 * any kind: r3, condition codes, return codes, what the query says. Behind
 * them stands a machine that keeps the truth.
 *
 *   T1  A range that is the caller's again is private in truth and zero; a
 *       clean failure has changed nothing (S5).
 *   T2  What is shared held no secret (S1).
 *   T3  Each call ends within its bound (S6).
 *
 * The answers keep to what the documents promise: an instruction that says
 * "executed" has done it, one whose code names an error before it began has
 * not. Everything else may or may not have happened.
 */
#include <string.h>

#include "input.h"
#include "instance.h"
#include "share.h"
#include "support.h"
#include "ultravisor.h"
#include "uv.h"

#define UV_SHARE_PAGE 0xf130
#define UVC_QUERY 0x0001
#define UVC_SET_SHARED 0x1000
#define MOST_CALLS 400000u /* T3: a slab's granules times all retries */

/* An instruction has no context; one input runs at a time. */
static struct {
	struct fuzz_input in;
	struct fake_machine *machine;
	uint32_t calls;
} now;

static void change(bool share, uint64_t gpa, uint32_t count)
{
	const struct bounce_arch *arch = &now.machine->arch;
	bounce_gpa_t first = { gpa };
	uint32_t done;

	if (share)
		(void)arch->share(now.machine, first, count, &done);
	else
		(void)arch->unshare(now.machine, first, count, &done);
}

static uint8_t next_answer(void)
{
	fuzz_check(++now.calls < MOST_CALLS);
	/* Zero when the input is at its end: it all works then. */
	return fuzz_byte(&now.in);
}

int64_t bounce_power_ucall(uint64_t function, uint64_t gfn, uint64_t count)
{
	static const int64_t before[] = { 1, -2, -4, -5, -11, -55 };
	bool share = function == UV_SHARE_PAGE;
	uint8_t kind = next_answer();
	bool does = (kind & 1) == 0;

	fuzz_check(count != 0 && count <= 4);
	if (kind < 0xa0) { /* executed */
		change(share, gfn << 16, (uint32_t)count);
		return 0;
	}
	if (kind < 0xd0) /* never began */
		return before[kind % 6];
	if (does)
		change(share, gfn << 16, (uint32_t)count);
	if (kind < 0xe8) /* the result was forgotten */
		return (int64_t)function;
	return (int64_t)(fuzz_wide(&now.in) | 0x100);
}

uint64_t bounce_power_msr(void)
{
	return UINT64_C(1) << 22;
}

/* The head of a block: uv.c has the rest. */
struct block {
	uint16_t length;
	uint16_t command;
	uint16_t rc;
	uint16_t rrc;
	uint64_t more[4]; /* share: the address is the last; query: the calls
			   * are the second */
};

static unsigned query(struct block *block)
{
	block->rc = 1;
	block->more[1] = UINT64_C(3) << 54;
	return 0;
}

unsigned bounce_s390_uvc(void *memory)
{
	static const uint16_t before[] = { 2, 3, 5, 0x101 };
	struct block *block = memory;
	bool share = block->command == UVC_SET_SHARED;
	uint8_t kind = next_answer();

	if (block->command == UVC_QUERY)
		return query(block);
	if (kind < 0x80) { /* executed */
		change(share, block->more[3], 1);
		block->rc = 1;
		return 0;
	}
	if (kind < 0xa0) { /* never began */
		block->rc = before[kind % 4];
		return 1;
	}
	if (kind < 0xc0) /* busy */
		return 2;
	if (kind < 0xe0) /* goes on */
		return 3;
	if ((kind & 1) == 0)
		change(share, block->more[3], 1);
	block->rc = (uint16_t)(fuzz_number(&now.in, 2) | 0x8000);
	return kind & 2 ? 1 : 0;
}

void bounce_s390_stfle(uint64_t *list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		list[i] = UINT64_MAX;
}

/* ---- a life ---- */

static bool all_is(const struct bench *bench, bool shared)
{
	for (uint64_t at = 0; at < bench->slab_bytes; at += FAKE_PAGE_BYTES)
		if (fake_machine_is_shared(&bench->machine,
					   bench->knobs.gpa + at) != shared)
			return false;
	return true;
}

static bool all_zero(const struct bench *bench)
{
	const unsigned char *bytes = bench->machine.memory;

	return bytes[0] == 0 &&
	       memcmp(bytes, bytes + 1, bench->slab_bytes - 1) == 0;
}

static struct bounce *begin(struct bench *bench, bool power,
			    struct bounce_pool **pool)
{
	const struct bounce_config config = { .slabs = 1, .slab_chunks = 1 };
	const struct bounce_pool_info info = { .slabs = 1 };
	struct bench_knobs knobs = bench_usual();
	struct bounce_env env;
	struct bounce_monitor monitor = {
		.arch = power ? &bounce_arch_power_ultravisor :
				&bounce_arch_s390_uv,
	};
	struct bounce *bounce;

	knobs.chunks = 1;
	knobs.private_bytes = BOUNCE_SLOT_BYTES;
	bench_power_on(bench, &knobs);
	bench->machine.arch.granule_shift = monitor.arch->granule_shift;
	bench->machine.arch.contents = monitor.arch->contents;
	bench->machine.arch.verify_share = monitor.arch->verify_share;
	env = fake_machine_env(&bench->machine);
	bench->meta_bytes = bounce_meta_size(&config);
	fuzz_check(posix_memalign(&bench->meta, BOUNCE_META_ALIGN,
				  bench->meta_bytes) == 0);
	fuzz_check(bounce_init(bench->meta, bench->meta_bytes, &config, &env,
			       &monitor, &bounce) == BOUNCE_OK);
	fuzz_check(bounce_pool_init(bounce, &info, pool) == BOUNCE_OK);
	return bounce;
}

/* T1, T2 of each call; false when pages are lost. */
static bool grow_and_retire(struct bench *bench, struct bounce_pool *pool)
{
	bounce_gpa_t gpa = { bench->knobs.gpa };
	enum bounce_err err = bounce_pool_grow(pool, gpa, bench->slab_bytes);

	fuzz_check(bench->machine.wrong.secrets == 0);
	fuzz_check(bench->machine.wrong.calls == 0);
	if (err == BOUNCE_ERR_LOST)
		return false;
	if (err != BOUNCE_OK) {
		fuzz_check(err == BOUNCE_ERR_HOST || err == BOUNCE_ERR_BUSY);
		fuzz_check(all_is(bench, false));
		return true;
	}
	fuzz_check(all_is(bench, true));
	memset(bench->machine.memory, FAKE_HOSTILE, bench->slab_bytes);
	err = bounce_pool_retire(pool, gpa);
	if (err == BOUNCE_ERR_LOST)
		return false;
	fuzz_check(err == BOUNCE_OK);
	fuzz_check(all_is(bench, false) && all_zero(bench));
	memset(bench->machine.memory, FAKE_SECRET, bench->slab_bytes);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	bool power = (fuzz_byte(&in) & 1) != 0;
	struct bench *bench = calloc(1, sizeof(*bench));
	struct bounce_pool *pool;
	struct bounce *bounce;

	fuzz_check(bench != NULL);
	now.in = (struct fuzz_input) { 0 };
	now.calls = 0;
	bounce = begin(bench, power, &pool);
	now.in = in;
	now.machine = &bench->machine;
	for (int round = 0; round < 3; round++) {
		now.calls = 0;
		if (!grow_and_retire(bench, pool))
			break;
	}
	fuzz_check(bounce_valid(bounce));
	bench_discard(bench);
	free(bench);
	return 0;
}
