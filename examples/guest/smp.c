/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * smp.c - two CPUs map, sync and unmap at once, in one pool and on one device.
 *
 *   disk     CPU 0 reads the image through in0, a real device; the second CPU
 *            churns (churn.h) all the time.
 *   both     both churn, each on a lane of its own and on one that both use.
 *   hot      both map and unmap the same at the same moment, by one lane, so
 *            that they are at the same words of the library.
 *   duel     both end the same mapping at the same moment (duel.h).
 *   growth   the second CPU grows the pool and retires it again, CPU 0 churns.
 */
#include "churn.h"
#include "duel.h"
#include "image.h"
#include "pair.h"
#include "pattern.h"
#include "report.h"
#include "smp.h"

#define LANE_COMMON PAIR_CPUS /* after one for each CPU */
_Static_assert(SMP_LANES == LANE_COMMON + 1, "smp.h");

#define ROUNDS 4000u /* of a scene, each CPU */
#define HOT_ROUNDS 2000u
#define GROWTHS 10u
#define GROWTH_ROUNDS 50u

#define GROWN_BYTES GUEST_REFUSED_BYTES /* at refused_gpa */
#define HALF_SECTORS (GUEST_IMAGE_BYTES / GUEST_SECTOR_BYTES / 2)

static struct {
	struct smp_open what;
	struct driver driver; /* a second requester for the disk's device */
	struct bounce_queue *lane[SMP_LANES];
	struct churn churn[PAIR_CPUS]; /* each CPU's own */
	struct duel_count duels;
	_Atomic uint32_t rounds; /* of the second CPU, beside the disk */
	atomic_bool stop; /* the second CPU, or CPU 0 beside growth, may stop */
	atomic_bool pause; /* CPU 0 is to end its pieces and to meet */
} smp;

static bool churn(unsigned me)
{
	return !pair_failed() && (churn_round(&smp.churn[me]) ||
				  pair_fail(me, smp.churn[me].failure));
}

static void end_churn(unsigned me)
{
	if (!churn_end(&smp.churn[me]))
		(void)pair_fail(me, smp.churn[me].failure);
}

static void churn_rounds(unsigned me, uint32_t count)
{
	for (uint32_t i = 0; i < count && churn(me); i++)
		;
	end_churn(me);
}

/* ---- disk ---- */

static uint32_t rounds(void)
{
	/* relaxed: a count, nothing else is read because of it. */
	return atomic_load_explicit(&smp.rounds, memory_order_relaxed);
}

static bool read_half(unsigned half)
{
	const struct image_pass pass = {
		.from = half * HALF_SECTORS,
		.to = (half + 1) * HALF_SECTORS,
		.seed = UINT64_C(0xd1b54a32d192ed03) + half,
	};

	return image_pass(smp.what.disk, &pass) ||
	       pair_fail(0, "the disk could not be read");
}

/* All of it, and on until the other CPU has done its rounds, too. */
static void first_reads(void)
{
	image_clear();
	for (unsigned half = 0; half < 2 || rounds() < ROUNDS; half++)
		if (pair_failed() || !read_half(half % 2))
			break;
	pair_set(&smp.stop, true);
}

static void second_churns_on(void)
{
	while (!pair_is_set(&smp.stop) && churn(1))
		/* relaxed: as in rounds(). */
		atomic_fetch_add_explicit(&smp.rounds, 1, memory_order_relaxed);
	end_churn(1);
}

/* ---- both ---- */

static void first_churns(void)
{
	churn_rounds(0, ROUNDS);
}

static void second_churns(void)
{
	churn_rounds(1, ROUNDS);
}

/* ---- hot ---- */

/* A buffer: one that shares its slot with others, or one that fills it. */
static bool touch(unsigned me, uint32_t len, uint64_t seed)
{
	static unsigned char bytes[PAIR_CPUS][BOUNCE_SLOT_BYTES];
	struct bounce_buf buf = { { (uintptr_t)bytes[me] }, bytes[me], len };
	struct bounce_queue *lane = smp.lane[LANE_COMMON];
	struct bounce_mapping mapping;
	bool good;

	pattern_fill(bytes[me], len, seed);
	if (bounce_map(lane, &buf, BOUNCE_TO_DEVICE, &mapping) != BOUNCE_OK)
		return pair_fail(me, "a map failed");
	smp.churn[me].maps++;
	good = pattern_holds(churn_view(&mapping), len, seed);
	if (bounce_unmap(lane, &mapping, 0) != BOUNCE_OK)
		return pair_fail(me, "an unmap failed");
	return good || pair_fail(me, "two CPUs were given the same bytes");
}

/* Memory that is born shared, and a mapping of it. */
static bool touch_born(unsigned me, uint64_t seed)
{
	struct bounce_queue *lane = smp.lane[LANE_COMMON];
	struct bounce_mapping memory;
	struct bounce_mapping inner;
	struct bounce_buf buf;
	bool good;

	if (bounce_alloc(lane, sizeof(seed), 0, 0, &buf, &memory) != BOUNCE_OK)
		return pair_fail(me, "an alloc failed");
	pattern_fill(buf.ptr, sizeof(seed), seed);
	if (bounce_map(lane, &buf, BOUNCE_TO_DEVICE, &inner) != BOUNCE_OK)
		return pair_fail(me, "a map of born-shared memory failed");
	smp.churn[me].maps++;
	good = pattern_holds(churn_view(&inner), sizeof(seed), seed);
	if (bounce_unmap(lane, &inner, 0) != BOUNCE_OK ||
	    bounce_free(lane, &memory) != BOUNCE_OK)
		return pair_fail(me, "born-shared memory did not end");
	return good || pair_fail(me, "two CPUs were given the same memory");
}

/* Each thing at the same moment as the other CPU. */
static void hurry(unsigned me)
{
	for (uint32_t i = 0; i < HOT_ROUNDS; i++) {
		uint64_t seed = (uint64_t)me << 32 | i;

		if (!pair_meet(me) || !touch(me, sizeof(seed), seed) ||
		    !pair_meet(me) || !touch(me, BOUNCE_SLOT_BYTES, seed) ||
		    !pair_meet(me) || !touch_born(me, seed))
			return;
	}
}

static void first_hurries(void)
{
	hurry(0);
}

static void second_hurries(void)
{
	hurry(1);
}

/* ---- growth ---- */

static bool is_private_again(uint64_t shared_before)
{
	const unsigned char *bytes =
		(const unsigned char *)(uintptr_t)guest_cpu.refused_gpa;

	for (uint32_t i = 0; i < GROWN_BYTES; i++)
		if (bytes[i] != 0)
			return false;
	return model_shared_granules() == shared_before;
}

/* BUSY as long as CPU 0 holds a slot of it: CPU 0 is asked to rest. */
static enum bounce_err retire(bounce_gpa_t gpa)
{
	enum bounce_err err = bounce_pool_retire(smp.what.pool, gpa);

	if (err != BOUNCE_ERR_BUSY)
		return err;
	pair_set(&smp.pause, true);
	if (pair_meet(1))
		err = bounce_pool_retire(smp.what.pool, gpa);
	pair_set(&smp.pause, false);
	(void)pair_meet(1);
	return err;
}

static bool grow_and_retire(void)
{
	bounce_gpa_t gpa = { guest_cpu.refused_gpa };
	uint64_t before = model_shared_granules();

	if (bounce_pool_grow(smp.what.pool, gpa, GROWN_BYTES) != BOUNCE_OK)
		return pair_fail(1, "the pool did not grow");
	churn_rounds(1, GROWTH_ROUNDS);
	if (retire(gpa) != BOUNCE_OK)
		return pair_fail(1, "a slab was not retired");
	return is_private_again(before) ||
	       pair_fail(1, "a retired slab is shared, or not zero");
}

static void second_grows(void)
{
	for (uint32_t i = 0; i < GROWTHS; i++)
		if (pair_failed() || !grow_and_retire())
			break;
	pair_set(&smp.stop, true);
}

static void first_churns_beside(void)
{
	while (!pair_is_set(&smp.stop) && churn(0)) {
		if (!pair_is_set(&smp.pause))
			continue;
		end_churn(0);
		/* The slab is retired between the two. */
		if (!pair_meet(0) || !pair_meet(0))
			break;
	}
	end_churn(0);
}

/* ---- the whole ---- */

static void attach(void)
{
	struct driver *driver = &smp.driver;
	struct bounce_device_info info;

	driver->device = smp.what.disk->driver.device;
	driver_describe(&driver->device, smp.what.space, &info);
	info.queues = SMP_LANES;
	if (bounce_device_attach(smp.what.bounce, &info, &driver->requester,
				 &driver->answer) != BOUNCE_OK)
		guest_fail("a second requester was refused");
	for (uint32_t i = 0; i < SMP_LANES; i++)
		smp.lane[i] = bounce_device_queue(driver->requester, i);
	for (unsigned cpu = 0; cpu < PAIR_CPUS; cpu++)
		churn_init(&smp.churn[cpu], smp.lane[cpu],
			   smp.lane[LANE_COMMON],
			   UINT64_C(0x94d049bb133111eb) << cpu);
}

static void run_scenes(void)
{
	const struct duel_open duels = {
		.lane = { smp.lane[0], smp.lane[1] },
		.wrong = smp.what.disk->driver.queue,
	};

	pair_scene("reading in0 beside a CPU", first_reads, second_churns_on);
	pair_report("beside_disk", "while CPU 0 read in0, the second CPU "
				   "mapped and unmapped in the same pool");
	pair_scene("mapping on two CPUs", first_churns, second_churns);
	pair_report("both_cpus", "thousands of mappings on each CPU, by lanes "
				 "of its own and a common one");
	pair_scene("mapping at the same moment", first_hurries, second_hurries);
	pair_report("same_words", "both mapped at the same moments, by one "
				  "lane: no two mappings got the same bytes");
	duel_run(&duels, &smp.duels);
}

static void run_growth(void)
{
	pair_set(&smp.stop, false);
	pair_scene("growing beside a CPU", first_churns_beside, second_grows);
	pair_report("grown_beside",
		    "the second CPU grew the pool ten times and "
		    "retired it, while CPU 0 mapped");
}

/*
 * Everything is counted, and as free as it was. A slot that was split for small
 * requests stays so until somebody wants it, and is not counted as free.
 */
static void check_pool(const struct bounce_pool_stats *before)
{
	uint64_t maps = smp.duels.maps + smp.churn[0].maps + smp.churn[1].maps;
	struct bounce_device_stats device;
	struct bounce_pool_stats now;

	bounce_device_stats(smp.driver.requester, &device);
	bounce_pool_stats(smp.what.pool, &now);
	report_control("smp", "pool_whole",
		       bounce_valid(smp.what.bounce) &&
			       now.slots_free - now.blocks_free ==
				       before->slots_free -
					       before->blocks_free &&
			       device.maps == maps && device.unmaps == maps,
		       "with both CPUs at rest the pool was valid, as free as "
		       "before, and every mapping was counted once");
}

static void say_row(uint64_t share_calls)
{
	unsigned char digest[SHA256_BYTES];
	const struct report_use use = {
		.pool = smp.what.pool,
		.pool_bytes = GUEST_POOL_BYTES,
		.share_calls_start = smp.what.share_calls_start,
		.share_calls_io = share_calls,
		.digest = digest,
		.mappings_second = smp.churn[1].maps,
	};

	image_digest(digest);
	smp.driver.peak_in_flight = smp.what.disk->driver.peak_in_flight;
	report_row("smp", &smp.driver, &use);
	report_demand(share_calls == 0, "no share call while both CPUs worked");
	guest_print("two CPUs: %lu and %lu mappings; no room %lu and %lu "
		    "times; %lu and %lu duels won\n",
		    smp.churn[0].maps, smp.churn[1].maps, smp.churn[0].full,
		    smp.churn[1].full, smp.duels.won[0], smp.duels.won[1]);
}

void smp_run(const struct smp_open *what)
{
	struct bounce_pool_stats before;
	uint64_t calls = model_calls();

	smp.what = *what;
	bounce_pool_stats(what->pool, &before);
	attach();
	run_scenes();
	calls = model_calls() - calls;
	run_growth();
	check_pool(&before);
	say_row(calls);
	report_demand(bounce_device_detach(smp.driver.requester) == BOUNCE_OK,
		      "the second requester went away");
}
