/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * life.c - choices and judgement of fuzz_api.c; life.h.
 */
#include "life.h"

uint64_t life_below(struct life *life, uint64_t limit)
{
	return fuzz_below(&life->in, limit);
}

void life_agree(const char *wrong)
{
	if (wrong != NULL)
		fuzz_failed(wrong, __FILE__, __LINE__);
}

struct model_device *life_any_device(struct life *life)
{
	return &life->device[life_below(life, DEVICES)];
}

static uint32_t number_of(const struct life *life,
			  const struct model_device *device)
{
	return (uint32_t)(device - life->device);
}

bool life_is_revoked(const struct life *life, const struct model_device *device)
{
	return life->revoked[number_of(life, device)];
}

uint32_t life_any_how(struct life *life)
{
	return bench_hows[life_below(life, BENCH_HOWS)];
}

uint64_t life_any_len(struct life *life)
{
	uint8_t kind = fuzz_byte(&life->in);

	return kind < 0x80 ? 1 + kind % 130u :
	       kind < 0xc0 ? (64u << kind % 8) + kind / 8 % 3 - 1 :
			     1 + life_below(life, LONGEST);
}

/* A stretch of private bytes that no live mapping uses. */
bool life_find_private(struct life *life, uint64_t len, uint64_t *at)
{
	*at = model_private(&life->model) + life_below(life, PRIVATE - len + 1);
	for (uint32_t i = 0; i < MODEL_MAPPINGS; i++) {
		const struct model_mapping *m = &life->model.mapping[i];

		if (m->kind == MODEL_BOUNCED &&
		    bounce_overlaps(*at, len, m->private_at, m->len))
			return false;
	}
	return true;
}

static bool no_room(enum bounce_err err)
{
	return err == BOUNCE_ERR_FULL || err == BOUNCE_ERR_FRAGMENTED ||
	       err == BOUNCE_ERR_UNREACHABLE || err == BOUNCE_ERR_RANGE;
}

/* What a call that was refused may have said. */
void life_refused(struct life *life, const struct model_device *device,
		  enum bounce_err err)
{
	fuzz_check(life_is_revoked(life, device) ? err == BOUNCE_ERR_STALE :
						   no_room(err));
	life_agree(model_check(&life->model));
}

struct bounce_buf life_buf_of(struct life *life, uint64_t at, uint64_t len)
{
	return (struct bounce_buf) {
		.gpa = { life->model.base + at },
		.ptr = life_below(life, 2) != 0 ? life->model.memory + at :
						  NULL,
		.len = len,
	};
}

uint64_t life_any_written(struct life *life, uint64_t len)
{
	uint8_t kind = fuzz_byte(&life->in);

	return kind < 0x40 ? 0 :
	       kind < 0x80 ? len :
	       kind < 0xc0 ? life_below(life, len + 1) :
			     fuzz_wide(&life->in);
}

void life_quiesce(struct life *life, uint32_t i)
{
	fuzz_check(bounce_device_quiesced(life->attached[i]) == BOUNCE_OK);
	life->revoked[i] = false;
	life_agree(model_quiesced(&life->model, &life->device[i]));
}
