/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * oracle.c - the slow pool; O1 to O4 are in oracle.h.
 *
 * user[] holds 0 for a free slot, 1 + index for a run's, and 1 + ORACLE_RUNS +
 * index for a split one.
 */
#include "oracle.h"

#include <string.h>

#define SPLIT_BASE (1 + ORACLE_RUNS)

struct oracle_wish oracle_slots(uint32_t slots)
{
	return (struct oracle_wish) {
		.limits = { .last = UINT64_MAX,
			    .boundary = UINT64_MAX,
			    .segment = UINT64_MAX },
		.len = (uint64_t)slots << BOUNCE_SLOT_SHIFT,
		.shift = slots <= SLOTS_PER_CHUNK ? BOUNCE_SLOT_SHIFT :
						    BOUNCE_CHUNK_SHIFT,
	};
}

struct oracle_wish oracle_granules(uint32_t granules)
{
	struct oracle_wish wish = oracle_slots(1);

	wish.len = (uint64_t)granules << BOUNCE_GRANULE_SHIFT;
	wish.shift = BOUNCE_GRANULE_SHIFT;
	return wish;
}

void oracle_init(struct oracle *oracle, const struct bench *bench)
{
	memset(oracle, 0, sizeof(*oracle));
	oracle->bounce = bench->bounce;
	oracle->pool = bench->pool;
	oracle->queue = (uint16_t)bench->queue[0]->index;
	bench_check(bench->bounce->config.slabs *
			    bench->bounce->slots_per_slab <=
		    ORACLE_SLOTS);
	bench_check(bench->bounce->config.blocks <= ORACLE_BLOCKS);
}

static uint64_t load(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static uint32_t first_slot(const struct oracle *oracle, uint32_t slab)
{
	return slab * oracle->bounce->slots_per_slab;
}

static uint32_t slots_of(const struct oracle *oracle, uint32_t slab)
{
	return oracle->bounce->slab[slab].chunks * SLOTS_PER_CHUNK;
}

static struct oracle_split *split_of(struct oracle *oracle, uint32_t slot)
{
	uint32_t user = oracle->user[slot];

	return user < SPLIT_BASE ? NULL : &oracle->split[user - SPLIT_BASE];
}

/* Free, or split and empty: then it is free as soon as somebody wants it. */
static bool is_free(const struct oracle *oracle, uint32_t slot)
{
	uint32_t user = oracle->user[slot];

	return user == 0 || (user >= SPLIT_BASE &&
			     oracle->split[user - SPLIT_BASE].busy == 0);
}

/* Do slots or granules @first .. @first + @count - 1 satisfy W1 to W4 in
 * that slab? @bus: of the first one's first byte. */
static bool good(const struct oracle_wish *wish, uint64_t bus)
{
	const struct bounce_limits *l = &wish->limits;
	uint64_t unit = (uint64_t)1
			<< bounce_min(wish->shift, BOUNCE_SLOT_SHIFT);
	struct bounce_place place;
	uint64_t end;

	if (!bounce_window_place(l, wish->p, wish->len, wish->shift, &place))
		return false;
	end = bus + (place.span - 1);
	return ((bus + place.offset) & l->match) == (wish->p & l->match) &&
	       (bus & l->align) == 0 && bus % unit == 0 &&
	       (bus & ~l->boundary) == (end & ~l->boundary) && end >= bus &&
	       end <= l->last;
}

/* ---- what would fit ---- */

enum fit {
	FIT_NOW, /* in what is free now */
	FIT_EMPTY, /* in an empty pool */
};

/* A slab that was ready once stays in the reckoning, without free slots. */
static bool was_ready(const struct oracle *oracle, uint32_t slab)
{
	return atomic_load_explicit(&oracle->bounce->slab[slab].ready,
				    memory_order_relaxed) != 0;
}

static bool is_ready(const struct oracle *oracle, uint32_t slab)
{
	return atomic_load_explicit(&oracle->bounce->slab[slab].phase,
				    memory_order_relaxed) == SLAB_READY;
}

static bool slots_fit(const struct oracle *oracle, uint32_t slab, uint32_t slot,
		      uint32_t slots, enum fit fit)
{
	if (slot + slots > slots_of(oracle, slab))
		return false;
	if (fit == FIT_EMPTY)
		return true;
	if (!is_ready(oracle, slab))
		return false;
	for (uint32_t i = 0; i < slots; i++)
		if (!is_free(oracle, first_slot(oracle, slab) + slot + i))
			return false;
	return true;
}

/* Runs of up to 64 slots lie in a chunk; others take whole chunks. */
static bool fits_slab(const struct oracle *oracle,
		      const struct oracle_wish *wish, uint32_t slab,
		      uint64_t bus, enum fit fit)
{
	bool large = wish->shift == BOUNCE_CHUNK_SHIFT;
	uint32_t step = large ? SLOTS_PER_CHUNK : 1;
	struct bounce_place place;
	uint32_t slots;

	if (!bounce_window_place(&wish->limits, wish->p, wish->len, wish->shift,
				 &place))
		return false;
	slots = large ? place.units * SLOTS_PER_CHUNK : place.units;
	for (uint32_t slot = 0; slot < slots_of(oracle, slab); slot += step) {
		if (!large && slot % SLOTS_PER_CHUNK + slots > SLOTS_PER_CHUNK)
			continue;
		if (good(wish, bus + ((uint64_t)slot << BOUNCE_SLOT_SHIFT)) &&
		    slots_fit(oracle, slab, slot, slots, fit))
			return true;
	}
	return false;
}

static uint64_t free_slots(const struct oracle *oracle, uint32_t slab)
{
	uint64_t count = 0;

	for (uint32_t i = 0;
	     is_ready(oracle, slab) && i < slots_of(oracle, slab); i++)
		count += is_free(oracle, first_slot(oracle, slab) + i);
	return count;
}

/* O2 for slots and chunks. OK: there is room. */
static enum bounce_err expect_slots(const struct oracle *oracle,
				    const struct oracle_wish *wish,
				    const struct pool_client *client)
{
	enum bounce_err err = BOUNCE_ERR_UNREACHABLE;
	struct bounce_place place;
	uint64_t count = 0;

	if (!bounce_window_place(&wish->limits, wish->p, wish->len, wish->shift,
				 &place))
		return BOUNCE_ERR_RANGE;
	for (uint32_t i = 0; i < oracle->pool->slab_count; i++) {
		uint32_t slab = oracle->pool->first_slab + i;
		uint64_t bus = client->bus[slab];

		if (!was_ready(oracle, slab) || bus == NO_BUS ||
		    !fits_slab(oracle, wish, slab, bus, FIT_EMPTY))
			continue;
		if (fits_slab(oracle, wish, slab, bus, FIT_NOW))
			return BOUNCE_OK;
		err = BOUNCE_ERR_FULL;
		count += free_slots(oracle, slab);
	}
	if (err == BOUNCE_ERR_FULL && count << BOUNCE_SLOT_SHIFT >= place.span)
		return BOUNCE_ERR_FRAGMENTED;
	return err;
}

/* Is there a slot split for this tenant with room? */
static bool granules_fit(const struct oracle *oracle,
			 const struct oracle_wish *wish,
			 const struct pool_client *client)
{
	struct bounce_place place;

	if (!bounce_window_place(&wish->limits, wish->p, wish->len, wish->shift,
				 &place))
		return false;
	for (uint32_t b = 0; b < ORACLE_BLOCKS; b++) {
		const struct oracle_split *split = &oracle->split[b];
		uint32_t slab = split->slot / oracle->bounce->slots_per_slab;
		uint64_t bus = client->bus[slab];

		if (!split->there || split->tenant != client->tenant ||
		    bus == NO_BUS)
			continue;
		bus += (uint64_t)(split->slot - first_slot(oracle, slab))
		       << BOUNCE_SLOT_SHIFT;
		for (uint32_t g = 0; g + place.units <= 64; g++)
			if ((split->busy >> g & bounce_low_bits(place.units)) ==
				    0 &&
			    good(wish, bus + g * BOUNCE_GRANULE_BYTES))
				return true;
	}
	return false;
}

static enum bounce_err expect(const struct oracle *oracle,
			      const struct oracle_wish *wish,
			      const struct pool_client *client)
{
	struct oracle_wish whole = oracle_slots(1);
	uint32_t splits = 0;

	if (wish->shift != BOUNCE_GRANULE_SHIFT)
		return expect_slots(oracle, wish, client);
	if (granules_fit(oracle, wish, client))
		return BOUNCE_OK;
	for (uint32_t b = 0; b < ORACLE_BLOCKS; b++)
		splits += oracle->split[b].there && oracle->split[b].busy != 0;
	if (splits == oracle->bounce->config.blocks)
		return BOUNCE_ERR_FULL;
	whole.limits.last = wish->limits.last;
	return expect_slots(oracle, &whole, client);
}

/* ---- following the pool's splits ---- */

static bool still_split(const struct oracle *oracle, uint32_t block)
{
	const struct bounce *bounce = oracle->bounce;
	const struct oracle_split *split = &oracle->split[block];
	struct bounce_run run = { .block = block };

	if ((load(&bounce->block_busy[block / 64].bits) >> block % 64 & 1) == 0)
		return false;
	bounce_block_locate(bounce, &run);
	return first_slot(oracle, run.slab) + run.slot == split->slot &&
	       load(&bounce->block[block].tag) >> 32 == split->tenant;
}

/* A call may have given empty split slots back; never others. */
static const char *drop_reclaimed(struct oracle *oracle)
{
	for (uint32_t b = 0; b < oracle->bounce->config.blocks; b++) {
		struct oracle_split *split = &oracle->split[b];

		if (!split->there || still_split(oracle, b))
			continue;
		if (split->busy != 0)
			return "a split slot went away under its granules";
		oracle->user[split->slot] = 0;
		split->there = false;
	}
	return NULL;
}

/* ---- claims ---- */

static const char *note_granules(struct oracle *oracle,
				 const struct bounce_run *run, uint32_t tenant)
{
	uint32_t slot = first_slot(oracle, run->slab) + run->slot;
	uint64_t mask = bounce_low_bits(run->granules) << run->granule;
	struct oracle_split *split = split_of(oracle, slot);

	if (run->block >= oracle->bounce->config.blocks)
		return "there is no such block";
	if (run->granule + run->granules > GRANULES_PER_SLOT)
		return "granules leave their slot";
	if (split == NULL) {
		if (oracle->user[slot] != 0)
			return "a claimed slot was split";
		split = &oracle->split[run->block];
		if (split->there)
			return "a block splits two slots";
		*split = (struct oracle_split) {
			.slot = slot,
			.tenant = tenant,
			.there = true,
		};
		oracle->user[slot] = (uint16_t)(SPLIT_BASE + run->block);
	}
	if (split != &oracle->split[run->block])
		return "a slot is split by two blocks";
	if (split->tenant != tenant)
		return "two tenants share a split slot (O4)";
	if ((split->busy & mask) != 0)
		return "granules were claimed twice";
	split->busy |= mask;
	return NULL;
}

static const char *note_slots(struct oracle *oracle,
			      const struct bounce_run *run, uint32_t index)
{
	uint32_t in_chunk = run->slot % SLOTS_PER_CHUNK;

	if (run->slots == 0 ||
	    run->slot + run->slots > slots_of(oracle, run->slab))
		return "a run leaves its slab";
	if (in_chunk != 0 && in_chunk + run->slots > SLOTS_PER_CHUNK)
		return "a run crosses a chunk it does not begin at";
	for (uint32_t i = 0; i < run->slots; i++) {
		uint16_t *user = &oracle->user[first_slot(oracle, run->slab) +
					       run->slot + i];

		if (*user != 0)
			return "a slot was claimed twice";
		*user = (uint16_t)(1 + index);
	}
	return NULL;
}

/* The record that speaks for the run leads back to it, and nobody has it. */
static const char *publish(struct oracle *oracle, struct oracle_run *entry,
			   const struct bounce_place *place)
{
	struct bounce *bounce = oracle->bounce;
	uint32_t index = bounce_pool_record_of(bounce, &entry->run);
	struct bounce_record *record = &bounce->record[index];
	struct bounce_run back;
	const struct record_about about = {
		.len = (uint32_t)place->span,
		.kind = RECORD_SHARED,
		.how = RECORD_TO,
		.queue = oracle->queue,
	};

	if (index >= bounce->first_direct_record)
		return "a run's record is not in its table";
	bounce_pool_run_of(bounce, index, about.len, &back);
	if (back.slab != entry->run.slab || back.slot != entry->run.slot ||
	    back.slots != entry->run.slots || back.block != entry->run.block ||
	    back.granule != entry->run.granule ||
	    back.granules != entry->run.granules)
		return "a run's record leads to another run";
	if ((load(&record->state) & RECORD_STATE_MASK) != RECORD_FREE)
		return "a run's record is in use";
	entry->generation = bounce_record_publish(record, record_pack(&about),
						  0);
	entry->live = true;
	oracle->live++;
	return NULL;
}

static const char *judge(struct oracle *oracle, const struct oracle_wish *wish,
			 const struct pool_client *client, uint32_t index)
{
	struct oracle_run *entry = &oracle->run[index];
	const struct bounce_run *run = &entry->run;
	struct bounce_place place;
	const char *wrong;
	uint64_t bus;

	if (run->slab - oracle->pool->first_slab >= oracle->pool->slab_count)
		return "a run is not in its pool";
	bus = client->bus[run->slab];
	if (bus == NO_BUS)
		return "a run is where the client does not reach";
	bus += ((uint64_t)run->slot << BOUNCE_SLOT_SHIFT) +
	       ((uint64_t)run->granule << BOUNCE_GRANULE_SHIFT);
	if (!bounce_window_place(&wish->limits, wish->p, wish->len, wish->shift,
				 &place) ||
	    !good(wish, bus))
		return "a run starts where it must not (W1 .. W4)";
	if (wish->shift == BOUNCE_GRANULE_SHIFT) {
		if (run->granules != place.units || run->slots != 1)
			return "a run has not the granules that it was to have";
		wrong = note_granules(oracle, run, client->tenant);
	} else {
		if (run->block != NO_BLOCK || run->granule != 0 ||
		    run->slots != (place.span + BOUNCE_SLOT_BYTES - 1) /
					  BOUNCE_SLOT_BYTES)
			return "a run has not the slots that it was to have";
		wrong = note_slots(oracle, run, index);
	}
	return wrong != NULL ? wrong : publish(oracle, entry, &place);
}

/* An entry of run[] that is not live. */
static uint32_t spare(const struct oracle *oracle)
{
	uint32_t index = 0;

	while (oracle->run[index].live)
		index++;
	bench_check(index < ORACLE_RUNS);
	return index;
}

static const char *why_failed(enum bounce_err expected, enum bounce_err err)
{
	if (expected == BOUNCE_OK)
		return "a run that fits was not found";
	if (err == BOUNCE_OK)
		return "a run was found where none fits";
	return "a claim failed with the wrong error";
}

const char *oracle_claim(struct oracle *oracle, const struct oracle_wish *wish,
			 const struct pool_client *client, enum bounce_err *err,
			 uint32_t *index)
{
	enum bounce_err expected = expect(oracle, wish, client);
	enum bounce_err got = BOUNCE_ERR_RANGE;
	uint32_t entry = spare(oracle);
	struct bounce_place place;
	const char *wrong;

	if (bounce_window_place(&wish->limits, wish->p, wish->len, wish->shift,
				&place))
		got = bounce_pool_claim(oracle->pool, &place, client,
					&oracle->run[entry].run);
	if (err != NULL)
		*err = got;
	if (index != NULL)
		*index = entry;
	wrong = drop_reclaimed(oracle);
	if (wrong != NULL)
		return wrong;
	if (got != expected)
		return why_failed(expected, got);
	return got == BOUNCE_OK ? judge(oracle, wish, client, entry) : NULL;
}

/* ---- releases ---- */

static const char *end_record(const struct oracle *oracle,
			      const struct oracle_run *entry)
{
	struct bounce_record *record =
		&oracle->bounce->record[bounce_pool_record_of(oracle->bounce,
							      &entry->run)];

	if (bounce_record_end(record, entry->generation, true) != BOUNCE_OK ||
	    !bounce_record_unpin(record) || !bounce_record_retire(record))
		return "a run's record was changed by somebody";
	return NULL;
}

static void forget(struct oracle *oracle, const struct bounce_run *run)
{
	uint32_t slot = first_slot(oracle, run->slab) + run->slot;

	if (run->block != NO_BLOCK)
		oracle->split[run->block].busy &=
			~(bounce_low_bits(run->granules) << run->granule);
	else
		memset(&oracle->user[slot], 0,
		       run->slots * sizeof(oracle->user[0]));
}

const char *oracle_release(struct oracle *oracle, uint32_t index)
{
	struct oracle_run *entry = &oracle->run[index];
	const char *wrong = end_record(oracle, entry);

	if (wrong != NULL)
		return wrong;
	bounce_pool_release(oracle->pool, &entry->run);
	forget(oracle, &entry->run);
	entry->live = false;
	oracle->live--;
	return NULL;
}

const char *oracle_release_all(struct oracle *oracle)
{
	const char *wrong = NULL;

	for (uint32_t i = 0; wrong == NULL && i < ORACLE_RUNS; i++)
		if (oracle->run[i].live)
			wrong = oracle_release(oracle, i);
	return wrong;
}

/* ---- O3 ---- */

/* The word that a chunk should have while it is active. */
static uint64_t chunk_word(const struct oracle *oracle, uint32_t slab,
			   uint32_t chunk)
{
	const uint16_t *user = &oracle->user[first_slot(oracle, slab) +
					     chunk * SLOTS_PER_CHUNK];
	uint64_t word = 0;

	for (uint32_t i = 0; i < SLOTS_PER_CHUNK; i++)
		word |= (uint64_t)(user[i] != 0) << i;
	return word;
}

static const char *check_slab(const struct oracle *oracle, uint32_t index)
{
	const struct bounce_slab *slab = &oracle->bounce->slab[index];
	uint64_t sealed = load(&slab->free_chunks);

	for (uint32_t chunk = 0;
	     is_ready(oracle, index) && chunk < slab->chunks; chunk++) {
		uint64_t expected = chunk_word(oracle, index, chunk);
		uint64_t word = load(&slab->chunk[chunk].bits);

		if ((sealed >> chunk & 1) == 0) {
			if (word != expected)
				return "a chunk's word is not its runs";
			continue;
		}
		if (word != UINT64_MAX)
			return "a free chunk is not sealed (P4)";
		if (expected != 0)
			return "a chunk with a run in it counts as free";
	}
	return NULL;
}

static const char *check_blocks(const struct oracle *oracle)
{
	const struct bounce *bounce = oracle->bounce;

	for (uint32_t b = 0; b < bounce->config.blocks; b++) {
		const struct oracle_split *split = &oracle->split[b];
		uint64_t word = load(&bounce->block[b].word);
		bool busy = (load(&bounce->block_busy[b / 64].bits) >> b % 64 &
			     1) != 0;

		if (busy != split->there)
			return "a block is in use, and splits nothing";
		if (word != (busy ? split->busy : UINT64_MAX))
			return "a block's word is not its runs";
	}
	return NULL;
}

const char *oracle_check(struct oracle *oracle)
{
	const char *wrong = drop_reclaimed(oracle);

	for (uint32_t i = 0; wrong == NULL && i < oracle->pool->slab_count; i++)
		wrong = check_slab(oracle, oracle->pool->first_slab + i);
	if (wrong == NULL)
		wrong = check_blocks(oracle);
	if (wrong == NULL && !bounce_pool_valid(oracle->pool))
		wrong = "bounce_pool_valid() says no";
	return wrong;
}

bool oracle_is_empty(const struct oracle *oracle, uint32_t slab)
{
	for (uint32_t i = 0; i < slots_of(oracle, slab); i++)
		if (!is_free(oracle, first_slot(oracle, slab) + i))
			return false;
	return true;
}
