/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * life_slow.c - fuzz_api.c: the slow path: the monitor, revoke, epochs.
 */
#include "life.h"

/*
 * The next calls of a kind answer anything. What a contract excludes is not
 * planned: UNCHANGED has changed nothing, and an unshare that is said to be
 * done is done.
 */
static void plan_fault(struct life *life)
{
	struct fake_machine *machine = &life->bench.machine;
	struct fake_fault fault = {
		.call = (enum fake_call)(FAKE_SHARE + life_below(life, 4)),
		.times = 1 + (uint32_t)life_below(life, 20),
		.step = (enum bounce_step)life_below(life, 5),
		.done = (uint32_t)fuzz_wide(&life->in),
		.truth = (uint32_t)life_below(life, 18),
	};

	fault.first = machine->calls[fault.call] +
		      (uint32_t)life_below(life, 8);
	if (fault.step == BOUNCE_STEP_UNCHANGED)
		fault.truth = 0;
	if (fault.step <= BOUNCE_STEP_RETRY && fault.call == FAKE_UNSHARE)
		fault.truth = fault.truth > fault.done ? fault.truth :
							 fault.done;
	if (fault.step == BOUNCE_STEP_RETRY)
		fault.truth = fault.done;
	if (!fake_machine_fail(machine, &fault))
		memset(machine->fault, 0, sizeof(machine->fault));
}

static bool all_is(const struct life *life, uint32_t slab, bool shared)
{
	uint64_t gpa = bench_slab_gpa(&life->bench, slab).v;

	for (uint64_t at = 0; at < life->bench.slab_bytes;
	     at += FAKE_PAGE_BYTES)
		if (fake_machine_is_shared(&life->bench.machine, gpa + at) !=
		    shared)
			return false;
	return true;
}

static bool all_zero(const struct life *life, uint32_t slab)
{
	const unsigned char *bytes = life->bench.machine.memory +
				     slab * life->bench.slab_bytes;

	return bytes[0] == 0 &&
	       memcmp(bytes, bytes + 1, life->bench.slab_bytes - 1) == 0;
}

/* The bytes of a range that is the library's, private or not: as they are. */
static void learn_slab(struct life *life, uint32_t slab)
{
	uint64_t at = slab * life->bench.slab_bytes;

	memcpy(life->model.expect + at, life->model.memory + at,
	       life->bench.slab_bytes);
}

/* A2. */
static void call_grow(struct life *life)
{
	uint32_t slab = (uint32_t)life_below(life, life->slabs);
	enum bounce_err err = bench_grow(&life->bench, slab);

	switch (err) {
	case BOUNCE_OK:
		life->blind = !all_is(life, slab, true);
		break;
	case BOUNCE_ERR_HOST:
	case BOUNCE_ERR_BUSY:
		fuzz_check(all_is(life, slab, false));
		break;
	case BOUNCE_ERR_LOST:
		life->lost = true;
		/* Scrubbed before it was shared, and what the monitor left
		 * there since: for ever. */
		learn_slab(life, slab);
		memset(life->model.allowed + slab * life->bench.slab_bytes, 1,
		       life->bench.slab_bytes);
		break;
	default:
		fuzz_check(err == BOUNCE_ERR_ARG || err == BOUNCE_ERR_FULL);
		break;
	}
	fuzz_check(life->bench.machine.wrong.secrets == 0);
	model_learn(&life->model);
}

static void call_retire(struct life *life)
{
	uint32_t slab = (uint32_t)life_below(life, life->slabs);
	enum bounce_err err = bench_retire(&life->bench, slab);

	if (err == BOUNCE_OK) {
		fuzz_check(all_is(life, slab, false));
		fuzz_check(all_zero(life, slab));
	}
	life->lost |= err == BOUNCE_ERR_LOST;
	fuzz_check(err == BOUNCE_OK || err == BOUNCE_ERR_LOST ||
		   err == BOUNCE_ERR_ARG || err == BOUNCE_ERR_BUSY);
	model_learn(&life->model);
	/* What is private again is zero; what was said is learnt. */
	if (err == BOUNCE_OK || err == BOUNCE_ERR_LOST)
		learn_slab(life, slab);
}

static void call_revoke(struct life *life)
{
	uint32_t i = (uint32_t)life_below(life, DEVICES);

	if (life->revoked[i]) {
		life_quiesce(life, i);
		return;
	}
	fuzz_check(bounce_device_quiesced(life->attached[i]) == BOUNCE_ERR_ARG);
	bounce_device_revoke(life->attached[i]);
	life->revoked[i] = true;
	life_agree(model_revoke(&life->model, &life->device[i]));
}

void call_slow(struct life *life)
{
	switch (fuzz_byte(&life->in) % 8) {
	case 0:
	case 1:
		plan_fault(life);
		break;
	case 2:
		call_grow(life);
		break;
	case 3:
		call_retire(life);
		break;
	case 4:
	case 5:
		call_revoke(life);
		break;
	case 6:
		bounce_epoch_advance(life->bench.bounce);
		break;
	default:
		fuzz_check(bounce_valid(life->bench.bounce));
		break;
	}
	if (!life->blind)
		life_agree(model_check(&life->model));
}
