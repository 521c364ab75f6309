/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * main.c - the scenario: share a pool, read a disk image through two kinds of
 * device, write it to a second disk, try what must not work, give all back.
 */
#include "control.h"
#include "count.h"
#include "image.h"
#include "lies.h"
#include "monitor_lies.h"
#include "network.h"
#include "report.h"
#include "secure.h"
#include "smp.h"

#define DEVICES 8u
#define META_BYTES (1u << 20)
#define IMAGE_SECTORS (GUEST_IMAGE_BYTES / GUEST_SECTOR_BYTES)

/* Everything that lives as long as the run. */
struct program {
	struct bounce_arch arch;
	struct bounce *bounce;
	struct bounce_pool *pool;
	struct bounce_pool *control_pool;
	struct bounce_space *space;
	struct bounce_space *control_space;
	uint64_t start_calls;
};

static unsigned char meta[META_BYTES]
	__attribute__((aligned(BOUNCE_META_ALIGN)));
static struct blk in0;
static struct blk out0;
static struct blk in1;

/* A step of the set-up that must work for anything else to mean something. */
static void must(enum bounce_err err, const char *text)
{
	if (err != BOUNCE_OK)
		guest_fail(text);
}

/* ---- set-up ---- */

static void make_instance(struct program *program)
{
	const struct bounce_config config = {
		.pools = 2,
		.spaces = 2,
		.windows = 2,
		.devices = DEVICES,
		.queues = DEVICES + SMP_LANES,
		.slabs = 3,
		.slab_chunks = GUEST_POOL_BYTES / BOUNCE_CHUNK_BYTES,
		.blocks = 64,
		.direct = 64,
	};
	const struct bounce_env env = guest_env();
	const struct bounce_monitor monitor = { .arch = &program->arch };

	cpu_arch(&program->arch);
	must(bounce_init(meta, sizeof(meta), &config, &env, &monitor,
			 &program->bounce),
	     "bounce_init()");
	model_watch(program->bounce);
}

static struct bounce_pool *make_pool(struct program *program, uint16_t slabs,
				     uint64_t gpa, uint64_t bytes)
{
	const struct bounce_pool_info info = { .slabs = slabs };
	const bounce_gpa_t at = { gpa };
	struct bounce_pool *pool;

	must(bounce_pool_init(program->bounce, &info, &pool),
	     "bounce_pool_init()");
	must(bounce_pool_grow(pool, at, bytes), "bounce_pool_grow()");
	return pool;
}

static bool has_bypass(void)
{
	return guest_windows() > 1;
}

static struct bounce_space *make_space(struct program *program,
				       struct bounce_pool *pool)
{
	struct bounce_space *space;

	must(bounce_space_init(program->bounce, pool, &space),
	     "bounce_space_init()");
	for (unsigned i = 0; i < guest_windows(); i++)
		must(bounce_space_add_window(space, &guest_cpu.window[i]),
		     "bounce_space_add_window()");
	return space;
}

/* The controls' pool grows against a monitor at its most awkward. */
static void make_control_pool(struct program *program)
{
	model_awkward(true);
	program->control_pool = make_pool(program, 1, guest_cpu.control_gpa,
					  GUEST_CONTROL_POOL_BYTES);
	model_awkward(false);
	if (guest_cpu.forced)
		return;
	report_control("pool", "awkward_answers",
		       model_allows(guest_cpu.control_gpa,
				    GUEST_CONTROL_POOL_BYTES),
		       guest_cpu.awkward_text);
}

static void set_up(struct program *program)
{
	uint64_t before = model_calls();

	make_instance(program);
	program->pool = make_pool(program, 2, guest_cpu.pool_gpa,
				  GUEST_POOL_BYTES);
	make_control_pool(program);
	program->space = make_space(program, program->pool);
	program->control_space = make_space(program, program->control_pool);
	report_space("main", program->space);
	report_space("control", program->control_space);
	program->start_calls = model_calls() - before;
	if (!guest_cpu.forced)
		control_refused_page(program->pool);
	if (!transport_start(program->bounce, program->space))
		guest_fail("the transport does not work");
}

/* ---- devices ---- */

static void open_disk(const struct program *program, enum guest_role role,
		      struct blk *blk)
{
	const struct driver_open open = {
		.bounce = program->bounce,
		.space = program->space,
		.role = role,
	};

	must(blk_open(blk, &open), "a disk was refused");
}

static void refuse_disks(const struct program *program)
{
	struct driver_open open = {
		.bounce = program->bounce,
		.space = program->space,
		.role = GUEST_LEGACY,
	};

	control_refused("legacy", "legacy", &open, BOUNCE_WHY_LEGACY);
	open.role = GUEST_IN1;
	open.flags = BOUNCE_DEVICE_STRICT;
	control_refused("in1-strict", "strict", &open, BOUNCE_WHY_STRICT);
	open.flags = 0;
	if (!has_bypass())
		control_refused("in1", "no_bypass", &open, BOUNCE_WHY_NO_POOL);
	open.role = GUEST_IN0;
	open.flags = BOUNCE_DEVICE_CCW_DECLINE;
	if (guest_cpu.transport == BOUNCE_TRANSPORT_CCW)
		control_refused("in0-decline", "declined", &open,
				BOUNCE_WHY_FEATURES_REJECTED);
}

/* What passes took, of the model and of time. */
struct cost {
	uint64_t calls;
	uint64_t ticks;
};

/* Half the image, with the model's calls counted while it moves. */
static bool half_pass(struct blk *blk, bool write, unsigned half,
		      struct cost *cost)
{
	uint64_t before = model_calls();
	uint64_t ticks = cpu_ticks();
	const struct image_pass pass = {
		.write = write,
		.from = half * (IMAGE_SECTORS / 2),
		.to = (half + 1) * (IMAGE_SECTORS / 2),
		.seed = UINT64_C(0x9e3779b97f4a7c15) + 2 * half + write,
	};
	bool good = image_pass(blk, &pass);

	cost->calls += model_calls() - before;
	cost->ticks += cpu_ticks() - ticks;
	return good;
}

static void report_use(const struct program *program, const char *name,
		       const struct blk *blk, const struct cost *cost)
{
	unsigned char digest[SHA256_BYTES];
	const struct report_use use = {
		.pool = program->pool,
		.pool_bytes = GUEST_POOL_BYTES,
		.share_calls_start = program->start_calls,
		.share_calls_io = cost->calls,
		.digest = digest,
		.pass_ticks = cost->ticks,
	};

	image_digest(digest);
	report_row(name, &blk->driver, &use);
	report_demand(cost->calls == 0,
		      "no share call while the device worked");
}

static void run_in0(const struct program *program)
{
	struct cost cost = { 0 };

	report_stage("reading in0");
	report_demand(in0.sectors == IMAGE_SECTORS, "in0 is the image");
	report_demand(half_pass(&in0, false, 0, &cost), "reading in0");
	control_unshared("in0", &in0, program->bounce, program->control_space);
	report_demand(half_pass(&in0, false, 1, &cost), "reading in0");
	control_private_write("in0", &in0);
	report_use(program, "in0", &in0, &cost);
}

static void run_out0(const struct program *program)
{
	struct cost cost = { 0 };

	report_stage("writing out0");
	report_demand(out0.sectors == GUEST_OUTPUT_BYTES / GUEST_SECTOR_BYTES,
		      "out0 is the output disk");
	report_demand(half_pass(&out0, true, 0, &cost) &&
			      half_pass(&out0, true, 1, &cost),
		      "writing out0");
	control_private_read("out0", &out0);
	report_use(program, "out0", &out0, &cost);
}

static void run_in1(const struct program *program)
{
	struct cost cost = { 0 };

	report_stage("reading in1");
	image_clear();
	report_demand(half_pass(&in1, false, 0, &cost) &&
			      half_pass(&in1, false, 1, &cost),
		      "reading in1");
	control_private_write("in1", &in1);
	control_canary_breaks("in1", &in1);
	report_use(program, "in1", &in1, &cost);
}

static void run_smp(const struct program *program)
{
	const struct smp_open open = {
		.bounce = program->bounce,
		.space = program->space,
		.pool = program->pool,
		.disk = &in0,
		.share_calls_start = program->start_calls,
	};

	smp_run(&open);
}

/* ---- in the controls' pool, of which nobody else holds a slot ---- */

static void run_aside(const struct program *program)
{
	const struct network_place place = {
		.bounce = program->bounce,
		.space = program->control_space,
		.use = {
			.pool = program->control_pool,
			.pool_bytes = GUEST_CONTROL_POOL_BYTES,
			.share_calls_start = program->start_calls,
		},
	};

	lies_run(program->bounce, program->control_space, &place.use);
	network_run(&place);
	if (guest_extras.aside != NULL)
		guest_extras.aside();
}

/* ---- the end ---- */

static void tear_down(struct program *program)
{
	bool good = true;

	/* Not &&: whatever fails, the rest is ended, too. */
	good &= blk_close(&in0);
	good &= blk_close(&out0);
	good &= !has_bypass() || blk_close(&in1);
	good &= transport_stop();
	good &= bounce_space_fini(program->space) == BOUNCE_OK;
	good &= bounce_space_fini(program->control_space) == BOUNCE_OK;
	good &= bounce_valid(program->bounce);
	good &= bounce_pool_fini(program->pool) == BOUNCE_OK;
	good &= bounce_pool_fini(program->control_pool) == BOUNCE_OK;
	good &= model_shared_granules() == 0;
	model_watch(NULL);
	good &= bounce_fini(program->bounce) == BOUNCE_OK;
	report_control("pool", "returned", good,
		       "devices reset, pools retired: the model knows of no "
		       "page that is still shared");
}

_Noreturn void guest_main(void)
{
	static struct program program;

	report_total((has_bypass() ? 4 : 3) * (uint64_t)GUEST_IMAGE_BYTES +
		     (guest_cpu.forced ? 0 : SECURE_BYTES) +
		     (guest_extras.next != NULL ? GUEST_IMAGE_BYTES : 0));
	count_run();
	if (!guest_cpu.forced) {
		secure_run();
		monitor_lies_run();
	}
	report_stage("sharing pages");
	set_up(&program);
	if (!guest_cpu.forced)
		refuse_disks(&program);
	open_disk(&program, GUEST_IN0, &in0);
	open_disk(&program, GUEST_OUT0, &out0);
	if (has_bypass())
		open_disk(&program, GUEST_IN1, &in1);
	run_in0(&program);
	run_out0(&program);
	if (has_bypass())
		run_in1(&program);
	run_smp(&program);
	run_aside(&program);
	tear_down(&program);
	if (guest_extras.next != NULL)
		guest_extras.next();
	report_stage("finished");
	cpu_exit(report_done());
}
