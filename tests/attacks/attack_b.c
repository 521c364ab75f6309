/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * attack_b.c - B: what a device reports, and which mapping it means, B01 to
 * B15. Each suite is an attack of docs/threats.md.
 */
#include "calls.h"
#include "scene.h"

enum {
	LONGEST = 130
};

static struct model_mapping *map(struct scene *scene, uint32_t device,
				 uint32_t how, uint64_t len)
{
	return scene_map(scene, &(struct scene_wish) {
					.device = device,
					.how = how,
					.at = 4096 * device,
					.len = len,
				});
}

/* Two devices, each an owner; both have a mapping. */
struct pair {
	struct scene scene;
	struct model_mapping *mine;
	struct model_mapping *other;
};

static void pair_init(struct pair *pair, uint64_t len)
{
	struct bench_knobs knobs = scene_usual();

	knobs.devices = 2;
	knobs.private_bytes = 16 * 1024;
	scene_init(&pair->scene, &knobs);
	pair->mine = map(&pair->scene, 0, BOUNCE_BIDIRECTIONAL, len);
	pair->other = map(&pair->scene, 1, BOUNCE_BIDIRECTIONAL, len);
}

static void pair_fini(struct pair *pair)
{
	cr_expect_eq(scene_unmap(&pair->scene, pair->mine, 1), BOUNCE_OK);
	cr_expect_eq(scene_unmap(&pair->scene, pair->other, 1), BOUNCE_OK);
	scene_fini(&pair->scene);
}

/* ---- B01 to B03: how much was written ---- */

Test(b01, a_reported_length_above_the_mapping_copies_nothing)
{
	static const uint64_t more[] = {
		1,
		2,
		63,
		64,
		4096,
		UINT32_MAX,
		INT64_MAX,
		UINT64_C(1) << 31,
		UINT64_C(1) << 32,
		UINT64_MAX,
	};
	struct bench_knobs knobs = scene_usual();
	struct scene scene;

	knobs.private_bytes = 16 * 1024;
	scene_init(&scene, &knobs);
	for (uint64_t len = 1; len <= LONGEST; len++)
		for (size_t i = 0; i < COUNT_OF(more); i++) {
			uint64_t lie = more[i] > UINT64_MAX - len ?
					       UINT64_MAX :
					       len + more[i];

			cr_assert_eq(scene_unmap(&scene,
						 map(&scene, 0,
						     BOUNCE_FROM_DEVICE, len),
						 lie),
				     BOUNCE_ERR_LENGTH);
		}
	scene_fini(&scene);
}

Test(b02, bytes_that_were_not_reported_stay_as_they_were)
{
	struct bench_knobs knobs = scene_usual();
	struct scene scene;

	knobs.private_bytes = 16 * 1024;
	scene_init(&scene, &knobs);
	for (uint64_t len = 1; len <= LONGEST; len++)
		for (uint64_t n = 0; n <= len; n += 1 + n / 7)
			cr_assert_eq(scene_unmap(&scene,
						 map(&scene, 0,
						     BOUNCE_FROM_DEVICE, len),
						 n),
				     BOUNCE_OK);
	scene_fini(&scene);
}

Test(b03, more_reported_than_written_brings_zeros_and_no_other_owners_bytes)
{
	struct bench_knobs knobs = scene_usual();
	struct scene scene;

	knobs.devices = 2;
	scene_init(&scene, &knobs);
	scene.calm = true; /* the device writes nothing at all */
	for (uint64_t len = 16; len <= 8192; len *= 2) {
		struct model_mapping *mapping = map(&scene, 1, BOUNCE_TO_DEVICE,
						    len);

		cr_assert_eq(scene_unmap(&scene, mapping, 0), BOUNCE_OK);
		mapping = map(&scene, 0, BOUNCE_FROM_DEVICE, len);
		cr_expect(scene_is_zero(&scene, mapping->shared_at, len));
		cr_assert_eq(scene_unmap(&scene, mapping, len), BOUNCE_OK);
		cr_expect(scene_is_zero(&scene, model_private(&scene.model),
					len));
		model_secret(&scene.model, model_private(&scene.model), 16384);
	}
	scene_fini(&scene);
}

/* ---- B04 to B07: an address as a handle ---- */

Test(b04, an_address_outside_the_pool_is_nobodys)
{
	struct bench_knobs knobs = scene_usual();
	uint64_t base = knobs.gpa;
	uint64_t end;
	struct scene scene;

	scene_init(&scene, &knobs);
	end = base + scene.bench.slab_bytes;
	const uint64_t wild[] = {
		0,	    1,		base - 1,  end,
		end + 1,    end - 1,	~base,	   base << 32,
		UINT32_MAX, UINT64_MAX, INT64_MAX, base ^ UINT64_C(1) << 63,
	};

	for (size_t i = 0; i < COUNT_OF(wild); i++) {
		struct bounce_mapping handle = { .bus = { wild[i] } };
		bounce_bus_t bus = { wild[i] };

		scene_forged(&scene, 0, &handle);
		cr_expect_eq(bounce_mapping_find(scene.bench.queue[0], bus,
						 &handle),
			     BOUNCE_ERR_STALE, "%lx", wild[i]);
	}
	scene_fini(&scene);
}

Test(b05, the_address_of_a_free_slot_is_nobodys)
{
	struct bounce_mapping old;
	struct bounce_mapping none;
	struct pair pair;

	pair_init(&pair, 5000);
	old = pair.mine->handle;
	cr_assert_eq(scene_unmap(&pair.scene, pair.mine, 0), BOUNCE_OK);
	scene_forged(&pair.scene, 0, &old);
	for (uint64_t at = 0; at < pair.scene.bench.slab_bytes; at += 64) {
		bounce_bus_t bus = { pair.scene.bench.knobs.gpa + at };

		cr_assert_eq(bounce_mapping_find(pair.scene.bench.queue[0], bus,
						 &none),
			     BOUNCE_ERR_STALE, "%lx", at);
	}
	pair.mine = map(&pair.scene, 0, BOUNCE_BIDIRECTIONAL, 5000);
	pair_fini(&pair);
}

Test(b06, an_address_inside_a_mapping_names_all_of_it_and_a_shifted_handle_none)
{
	struct bounce_mapping found;
	struct bounce_mapping shifted;
	struct pair pair;

	pair_init(&pair, 5000);
	for (uint64_t at = 0; at < 5000; at += 7) {
		bounce_bus_t bus = { pair.mine->handle.bus.v + at };

		cr_assert_eq(bounce_mapping_find(pair.scene.bench.queue[0], bus,
						 &found),
			     BOUNCE_OK);
		cr_assert(same_handle(&found, &pair.mine->handle));
	}
	for (uint64_t by = 1; by < 8192; by *= 2) {
		shifted = pair.mine->handle;
		shifted.bus.v += by;
		scene_forged(&pair.scene, 0, &shifted);
		shifted.bus.v -= 2 * by;
		scene_forged(&pair.scene, 0, &shifted);
	}
	pair_fini(&pair);
}

Test(b07, another_devices_mapping_is_out_of_reach)
{
	struct bounce_mapping none;
	struct pair pair;

	pair_init(&pair, 5000);
	scene_forged(&pair.scene, 0, &pair.other->handle);
	scene_forged(&pair.scene, 1, &pair.mine->handle);
	cr_expect_eq(bounce_mapping_find(pair.scene.bench.queue[0],
					 pair.other->handle.bus, &none),
		     BOUNCE_ERR_STALE);
	pair_fini(&pair);
}

/* ---- B08 to B13: handles ---- */

Test(b08, of_two_unmaps_exactly_one_succeeds)
{
	struct bounce_mapping old;
	struct pair pair;

	for (uint64_t len = 1; len < 20000; len *= 3) {
		pair_init(&pair, len % 4096 + 1);
		old = pair.mine->handle;
		cr_assert_eq(scene_unmap(&pair.scene, pair.mine, 1), BOUNCE_OK);
		scene_forged(&pair.scene, 0, &old);
		pair.mine = map(&pair.scene, 0, BOUNCE_BIDIRECTIONAL, 100);
		pair_fini(&pair);
	}
}

Test(b09, a_stale_handle_stays_stale_when_its_slot_is_used_again)
{
	static struct bounce_mapping old[200];
	struct pair pair;

	pair_init(&pair, 4096);
	for (size_t i = 0; i < COUNT_OF(old); i++) {
		old[i] = pair.mine->handle;
		cr_assert_eq(scene_unmap(&pair.scene, pair.mine, 4096),
			     BOUNCE_OK);
		pair.mine = map(&pair.scene, 0, BOUNCE_BIDIRECTIONAL, 4096);
		cr_assert_eq(pair.mine->handle.record, old[i].record,
			     "the same slot");
	}
	for (size_t i = 0; i < COUNT_OF(old); i += 9)
		scene_forged(&pair.scene, 0, &old[i]);
	pair_fini(&pair);
}

/* The generation comes from the record's state word: 48 bits from bit 16. */
Test(b10, a_generation_that_would_wrap_retires_its_slot)
{
	struct bench_knobs knobs = scene_usual();
	struct bounce_mapping handle[3];
	struct bounce_record *record;
	struct bench bench;

	bench_init(&bench, &knobs);
	handle[0] = map_ok(bench.queue[0], bench_buf(&bench, 0, 4096),
			   BOUNCE_TO_DEVICE);
	unmap_ok(bench.queue[0], &handle[0], 0);
	record = &bench.bounce->record[handle[0].record];
	atomic_store(&record->state, (RECORD_GENERATION_MAX - 1)
					     << RECORD_GENERATION_SHIFT);
	handle[1] = map_ok(bench.queue[0], bench_buf(&bench, 0, 4096),
			   BOUNCE_TO_DEVICE);
	cr_assert_eq(handle[1].record, handle[0].record);
	unmap_ok(bench.queue[0], &handle[1], 0);
	handle[2] = map_ok(bench.queue[0], bench_buf(&bench, 0, 4096),
			   BOUNCE_TO_DEVICE);
	cr_expect_neq(handle[2].record, handle[0].record);
	for (int i = 0; i < 2; i++)
		cr_expect_eq(bounce_unmap(bench.queue[0], &handle[i], 0),
			     BOUNCE_ERR_STALE);
	unmap_ok(bench.queue[0], &handle[2], 0);
	cr_expect_eq(slots_free(&bench), 63, "one is out of use for ever");
	bench_discard(&bench);
}

Test(b11, no_single_bit_of_a_handle_can_be_flipped)
{
	struct pair pair;

	pair_init(&pair, 300);
	for (unsigned bit = 0; bit < 8 * sizeof(struct bounce_mapping); bit++) {
		struct bounce_mapping bad = pair.mine->handle;

		((unsigned char *)&bad)[bit / 8] ^= (unsigned char)(1u
								    << bit % 8);
		scene_forged(&pair.scene, 0, &bad);
	}
	pair_fini(&pair);
}

Test(b12, no_forged_handle_is_believed)
{
	struct bounce_mapping bad;
	struct bounce_device_stats stats;
	struct picture picture;
	struct pair pair;
	uint64_t seed = 1;

	pair_init(&pair, 300);
	picture = picture_take(&pair.scene.bench);
	for (uint32_t i = 0; i < 65536; i++) {
		bad = pair.mine->handle;
		bad.record = i;
		if (i == pair.mine->handle.record)
			continue;
		cr_assert_eq(bounce_unmap(pair.scene.bench.queue[0], &bad, 0),
			     BOUNCE_ERR_STALE, "record %u", i);
	}
	for (uint32_t i = 0; i < 65536; i++) {
		for (size_t j = 0; j < sizeof(bad); j += 8)
			memcpy((char *)&bad + j,
			       &(uint64_t) { bench_random(&seed) }, 8);
		if (i % 2 != 0)
			bad.reserved = 0;
		cr_assert_eq(bounce_unmap(pair.scene.bench.queue[0], &bad, 0),
			     BOUNCE_ERR_STALE);
	}
	cr_expect(picture_same(&picture));
	picture_drop(&picture);
	stats = stats_of(pair.scene.bench.device[0]);
	cr_expect_eq(stats.stale, 2 * 65536 - 1);
	pair_fini(&pair);
}

Test(b13, a_byte_swapped_handle_or_length_is_refused)
{
	struct bounce_mapping bad;
	struct pair pair;

	pair_init(&pair, 300);
	bad = pair.mine->handle;
	bad.bus.v = __builtin_bswap64(bad.bus.v);
	scene_forged(&pair.scene, 0, &bad);
	bad = pair.mine->handle;
	bad.key = __builtin_bswap64(bad.key);
	scene_forged(&pair.scene, 0, &bad);
	bad = pair.mine->handle;
	bad.len = __builtin_bswap32(bad.len);
	scene_forged(&pair.scene, 0, &bad);
	cr_expect_eq(scene_unmap(&pair.scene, pair.mine,
				 __builtin_bswap64(300)),
		     BOUNCE_ERR_LENGTH);
	pair.mine = map(&pair.scene, 0, BOUNCE_BIDIRECTIONAL, 300);
	pair_fini(&pair);
}

/* ---- B14, B15: writes that nobody asked for ---- */

Test(b14, what_a_device_writes_into_a_buffer_to_be_read_stays_there)
{
	struct bench_knobs knobs = scene_usual();
	struct scene scene;

	scene_init(&scene, &knobs);
	for (uint64_t len = 1; len < 20000; len = len * 3 + 1) {
		struct model_mapping *mapping = map(&scene, 0, BOUNCE_TO_DEVICE,
						    len);

		scene_device_writes(&scene, mapping, 0x44);
		cr_expect_eq(scene_unmap(&scene, mapping, 0), BOUNCE_OK);
		mapping = map(&scene, 0, BOUNCE_TO_DEVICE, len);
		scene_device_writes(&scene, mapping, 0x44);
		cr_expect_eq(scene_unmap(&scene, mapping, len),
			     BOUNCE_ERR_LENGTH);
	}
	scene_fini(&scene);
}

Test(b15, a_write_after_unmap_reaches_nobody)
{
	struct bench_knobs knobs = scene_usual();
	struct model_mapping *mapping;
	struct model_mapping late;
	struct scene scene;

	knobs.devices = 2;
	scene_init(&scene, &knobs);
	scene.calm = true;
	for (uint32_t i = 0; i < 20; i++) {
		mapping = map(&scene, 0, BOUNCE_FROM_DEVICE, 4096);
		late = *mapping;
		cr_expect_eq(scene_unmap(&scene, mapping, 0), BOUNCE_OK);
		/* Before the slot is used again: the next owner gets zeros. */
		scene_device_writes(&scene, &late, 0x66);
		scene_look(&scene);
		mapping = map(&scene, 1, BOUNCE_FROM_DEVICE, 4096);
		cr_expect_eq(mapping->shared_at, late.shared_at);
		cr_expect(scene_is_zero(&scene, mapping->shared_at, 4096));
		/* And while it is: that is the data of the one who has it, and
		 * no private byte beside his. */
		scene_device_writes(&scene, &late, 0x68);
		cr_expect_eq(scene_unmap(&scene, mapping, 100), BOUNCE_OK);
	}
	scene_fini(&scene);
}
