/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_space.c - spaces and their windows, held to every sentence of space.h.
 *
 * What addresses a device gets through a window is in test_map.c.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "instance.h"

enum {
	SPACES = 3,
	WINDOWS = 4
};

struct rig {
	struct fake_machine machine;
	unsigned char *memory;
	unsigned char *meta;
	size_t bytes;
	struct bounce *bounce;
	struct bounce_pool *pool;
};

static void rig_begin(struct rig *rig)
{
	const struct bounce_config config = {
		.spaces = SPACES,
		.windows = WINDOWS,
		.slabs = 1,
		.slab_chunks = 1,
		.direct = 4,
	};
	const struct bounce_pool_info info = { .slabs = 1 };
	struct bounce_monitor monitor;
	struct bounce_env env;

	rig->memory = aligned_alloc(BOUNCE_CHUNK_BYTES, BOUNCE_CHUNK_BYTES);
	fake_machine_init(&rig->machine, rig->memory, BOUNCE_CHUNK_BYTES,
			  0x40000000);
	monitor = fake_machine_monitor(&rig->machine);
	env = fake_machine_env(&rig->machine);
	rig->bytes = bounce_meta_size(&config);
	rig->meta = aligned_alloc(BOUNCE_META_ALIGN, rig->bytes);
	cr_assert_eq(bounce_init(rig->meta, rig->bytes, &config, &env, &monitor,
				 &rig->bounce),
		     BOUNCE_OK);
	cr_assert_eq(bounce_pool_init(rig->bounce, &info, &rig->pool),
		     BOUNCE_OK);
	cr_assert_eq(bounce_pool_grow(rig->pool, (bounce_gpa_t) { 0x40000000 },
				      BOUNCE_CHUNK_BYTES),
		     BOUNCE_OK);
}

static void rig_end(struct rig *rig)
{
	cr_expect(bounce_valid(rig->bounce));
	cr_expect_eq(fake_machine_wrongs(&rig->machine), 0);
	free(rig->meta);
	free(rig->memory);
}

static struct bounce_space *space_ok(struct rig *rig)
{
	struct bounce_space *space = NULL;

	cr_assert_eq(bounce_space_init(rig->bounce, rig->pool, &space),
		     BOUNCE_OK);
	return space;
}

static struct bounce_window window(uint64_t bus, uint64_t gpa, uint64_t len,
				   uint32_t flags)
{
	return (struct bounce_window) {
		.bus = { bus },
		.gpa = { gpa },
		.len = len,
		.flags = flags,
	};
}

static enum bounce_err add(struct bounce_space *space, uint64_t bus,
			   uint64_t gpa, uint64_t len, uint32_t flags)
{
	const struct bounce_window w = window(bus, gpa, len, flags);

	return bounce_space_add_window(space, &w);
}

static struct bounce_device *device_ok(struct rig *rig,
				       struct bounce_space *space)
{
	const struct bounce_device_info info = {
		.space = space,
		.features = BOUNCE_VIRTIO_F_VERSION_1 |
			    BOUNCE_VIRTIO_F_ACCESS_PLATFORM,
	};
	struct bounce_device *device = NULL;

	cr_assert_eq(bounce_device_attach(rig->bounce, &info, &device, NULL),
		     BOUNCE_OK);
	return device;
}

/* ---- bounce_space_init() ---- */

Test(space_init, every_bad_argument_is_refused)
{
	struct rig rig;
	struct rig other;
	struct bounce_space *none = NULL;

	rig_begin(&rig);
	rig_begin(&other);
	cr_expect_eq(bounce_space_init(NULL, rig.pool, &none), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_space_init(rig.bounce, rig.pool, NULL),
		     BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_space_init(rig.bounce, other.pool, &none),
		     BOUNCE_ERR_ARG, "another instance's pool");
	cr_expect_null(none);
	rig_end(&rig);
	rig_end(&other);
}

Test(space_init, a_space_may_be_without_a_pool)
{
	struct rig rig;
	struct bounce_space *space = NULL;

	rig_begin(&rig);
	cr_expect_eq(bounce_space_init(rig.bounce, NULL, &space), BOUNCE_OK);
	cr_expect(bounce_space_valid(space));
	cr_expect_eq(bounce_pool_fini(rig.pool), BOUNCE_OK,
		     "the pool has no user");
	rig_end(&rig);
}

Test(space_init, spaces_can_be_used_up_and_come_back)
{
	struct rig rig;
	struct bounce_space *space[SPACES];
	struct bounce_space *none = NULL;

	rig_begin(&rig);
	for (int i = 0; i < SPACES; i++)
		space[i] = space_ok(&rig);
	cr_expect_eq(bounce_space_init(rig.bounce, rig.pool, &none),
		     BOUNCE_ERR_FULL);
	cr_expect_null(none);
	cr_expect_eq(add(space[1], 0, 0, 0, 0), BOUNCE_OK);
	cr_expect_eq(bounce_space_fini(space[1]), BOUNCE_OK);
	space[1] = space_ok(&rig);
	/* It has no windows left from its former life. */
	cr_expect_eq(add(space[1], 0, 0, 0, 0), BOUNCE_OK);
	rig_end(&rig);
}

/* ---- bounce_space_add_window() ---- */

Test(add_window, every_bad_window_is_refused)
{
	const uint64_t top = UINT64_MAX - BOUNCE_SLOT_BYTES + 1;
	const uint64_t slot = BOUNCE_SLOT_BYTES;
	const struct {
		const char *what;
		struct bounce_window window;
	} bad[] = {
		{ "bus misaligned", window(1, 0, slot, 0) },
		{ "bus half aligned", window(slot / 2, 0, slot, 0) },
		{ "gpa misaligned", window(0, slot / 2, slot, 0) },
		{ "length misaligned", window(0, 0, slot + 1, 0) },
		{ "length below a slot", window(0, 0, slot / 2, 0) },
		{ "bus wraps", window(top, 0, 2 * slot, 0) },
		{ "gpa wraps", window(0, top, 2 * slot, 0) },
		{ "unknown flag", window(0, 0, slot, 4) },
		{ "highest flag", window(0, 0, slot, UINT32_C(1) << 31) },
		{ "reserved", { .len = slot, .reserved = 1 } },
	};
	struct rig rig;
	struct bounce_space *space;

	rig_begin(&rig);
	space = space_ok(&rig);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(bounce_space_add_window(space, &bad[i].window),
			     BOUNCE_ERR_ARG, "%s", bad[i].what);
	cr_expect_eq(bounce_space_add_window(space, NULL), BOUNCE_ERR_ARG);
	cr_expect_eq(bounce_space_add_window(NULL, &bad[0].window),
		     BOUNCE_ERR_ARG);
	/* None of them has taken a place. */
	for (uint64_t i = 0; i < WINDOWS; i++)
		cr_expect_eq(add(space, i * slot, 0, slot, 0), BOUNCE_OK);
	rig_end(&rig);
}

Test(add_window, overlap_counts_on_the_bus_side_of_one_path)
{
	const uint64_t bus = 0x80000000;
	const uint64_t len = 0x10000;
	const uint64_t slot = BOUNCE_SLOT_BYTES;
	struct rig rig;
	struct bounce_space *space;

	rig_begin(&rig);
	space = space_ok(&rig);
	cr_assert_eq(add(space, bus, 0, len, 0), BOUNCE_OK);
	cr_expect_eq(add(space, bus, 0x1000000, len, 0), BOUNCE_ERR_ARG,
		     "the same");
	cr_expect_eq(add(space, bus + len - slot, 0x1000000, len, 0),
		     BOUNCE_ERR_ARG, "its last slot");
	cr_expect_eq(add(space, bus - len + slot, 0x1000000, len, 0),
		     BOUNCE_ERR_ARG, "its first slot");
	cr_expect_eq(add(space, bus + slot, 0x1000000, slot, 0), BOUNCE_ERR_ARG,
		     "inside");
	cr_expect_eq(add(space, 0, 0x1000000, 0, 0), BOUNCE_ERR_ARG,
		     "around, to the end");
	cr_expect_eq(add(space, bus, 0x1000000, len, BOUNCE_WINDOW_TRANSLATED),
		     BOUNCE_ERR_ARG, "TRANSLATED is the bus's path too");
	/* The other path, neighbours, and the same gpa twice are fine. */
	cr_expect_eq(add(space, bus, 0, len, BOUNCE_WINDOW_BYPASS), BOUNCE_OK);
	cr_expect_eq(add(space, bus + len, 0, len, 0), BOUNCE_OK);
	cr_expect_eq(add(space, bus - len, 0, len, 0), BOUNCE_OK);
	cr_expect(bounce_space_valid(space));
	rig_end(&rig);
}

Test(add_window, the_last_slot_of_the_address_space_can_be_in_a_window)
{
	const uint64_t slot = BOUNCE_SLOT_BYTES;
	const uint64_t top = UINT64_MAX - slot + 1;
	struct rig rig;
	struct bounce_space *space;

	rig_begin(&rig);
	space = space_ok(&rig);
	cr_expect_eq(add(space, top, 0, slot, 0), BOUNCE_OK);
	cr_expect_eq(add(space, 0, top, slot, 0), BOUNCE_OK);
	cr_expect_eq(add(space, top, top, 0, BOUNCE_WINDOW_BYPASS), BOUNCE_OK,
		     "length 0 goes to the end");
	cr_expect_eq(add(space, top - slot, 0, 0, 0), BOUNCE_ERR_ARG,
		     "and so overlaps what is there");
	rig_end(&rig);
}

Test(add_window, windows_can_be_used_up)
{
	struct rig rig;
	struct bounce_space *space;

	rig_begin(&rig);
	space = space_ok(&rig);
	for (uint64_t i = 0; i < WINDOWS; i++)
		cr_assert_eq(add(space, i << 20, 0, 1 << 20, 0), BOUNCE_OK);
	cr_expect_eq(add(space, UINT64_C(1) << 40, 0, 1 << 20, 0),
		     BOUNCE_ERR_FULL);
	rig_end(&rig);
}

Test(add_window, a_space_with_a_device_is_busy_until_it_is_detached)
{
	struct rig rig;
	struct bounce_space *space;
	struct bounce_device *device;

	rig_begin(&rig);
	space = space_ok(&rig);
	cr_assert_eq(add(space, 0, 0, UINT64_C(1) << 40, 0), BOUNCE_OK);
	device = device_ok(&rig, space);
	cr_expect_eq(add(space, UINT64_C(1) << 40, 0, 1 << 20, 0),
		     BOUNCE_ERR_BUSY);
	cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	cr_expect_eq(add(space, UINT64_C(1) << 40, 0, 1 << 20, 0), BOUNCE_OK);
	rig_end(&rig);
}

/* ---- bounce_space_fini() ---- */

Test(space_fini, a_space_with_a_device_is_busy_and_so_is_its_pool)
{
	struct rig rig;
	struct bounce_space *space;
	struct bounce_device *device;

	rig_begin(&rig);
	space = space_ok(&rig);
	cr_assert_eq(add(space, 0, 0, 0, 0), BOUNCE_OK);
	device = device_ok(&rig, space);
	cr_expect_eq(bounce_space_fini(space), BOUNCE_ERR_BUSY);
	cr_expect_eq(bounce_pool_fini(rig.pool), BOUNCE_ERR_BUSY);
	cr_expect_eq(bounce_device_detach(device), BOUNCE_OK);
	cr_expect_eq(bounce_space_fini(space), BOUNCE_OK);
	cr_expect_eq(bounce_pool_fini(rig.pool), BOUNCE_OK);
	rig_end(&rig);
}

/* ---- bounce_space_valid() ---- */

Test(space_valid, a_damaged_window_is_seen)
{
	struct rig rig;
	struct bounce_space *space;

	rig_begin(&rig);
	space = space_ok(&rig);
	cr_assert_eq(add(space, 0, 0, 1 << 20, 0), BOUNCE_OK);
	cr_assert_eq(add(space, 1 << 20, 0, 1 << 20, 0), BOUNCE_OK);
	cr_assert(bounce_space_valid(space));
	space->windows.window[1].bus.v -= BOUNCE_SLOT_BYTES;
	cr_expect_not(bounce_space_valid(space), "overlap");
	space->windows.window[1].bus.v += BOUNCE_SLOT_BYTES + 1;
	cr_expect_not(bounce_space_valid(space), "misaligned");
	space->windows.window[1].bus.v -= 1;
	cr_expect(bounce_space_valid(space));
	rig_end(&rig);
}
