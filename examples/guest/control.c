/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * control.c - the controls of guest.h.
 *
 * QEMU answers "success" for what its IOMMU refused: writes are dropped, reads
 * give zeros; or it stops the device, which says nothing of what was done
 * before. So a control puts known bytes where the device must not get, and
 * looks there, or on the disk, afterwards. One descriptor of at most 4 KiB: for
 * a longer one QEMU breaks the whole device instead.
 */
#include "control.h"
#include "image.h"
#include "report.h"

#define CANARY 0x5au
#define PAGE_BYTES GUEST_CONTROL_BYTES

/* A share granule of their own (POWER's, the largest), never shared. */
#define GRANULE_MAX (64u << 10)
static unsigned char page[GRANULE_MAX] __attribute__((aligned(GRANULE_MAX)));

static bool holds_only(const unsigned char *bytes, unsigned char byte)
{
	for (uint32_t i = 0; i < PAGE_BYTES; i++)
		if (bytes[i] != byte)
			return false;
	return true;
}

static void fill_text(unsigned char *bytes, const char *text)
{
	for (uint32_t i = 0; i < PAGE_BYTES; i += GUEST_TEXT_BYTES)
		memcpy(bytes + i, text, GUEST_TEXT_BYTES);
}

/* Does any stretch of the bytes begin as the secret does? */
static bool holds_secret(const unsigned char *bytes)
{
	for (uint32_t i = 0; i + GUEST_TEXT_BYTES <= PAGE_BYTES; i++)
		if (memcmp(bytes + i, GUEST_SECRET_TEXT, GUEST_TEXT_BYTES) == 0)
			return true;
	return false;
}

/*
 * What the device and the driver say counts for two things only: where the
 * model stands in for the hardware, it must have refused; where the bus stops
 * a device, it must have stopped this one.
 */
static bool refused_as_due(const struct blk *blk, enum blk_result result)
{
	if (blk->driver.device.confined == GUEST_CONFINED_MODEL)
		return result == BLK_REFUSED;
	return guest_cpu.iommu_stops ? result == BLK_SILENCE :
				       result != BLK_REFUSED;
}

/* After a raw transfer: a device that was stopped is started again. */
static bool revive(struct blk *blk, enum blk_result result)
{
	return result != BLK_SILENCE ||
	       (blk_stop(blk) && blk_again(blk) == BOUNCE_OK);
}

/* A dead device leaves every canary alone: it must have been alive. */
static bool still_reads(struct blk *blk)
{
	struct blk_io io = {
		.segments = 1,
		.segment = { guest_buffer(page, PAGE_BYTES) },
	};

	return blk_transfer(blk, &io) == BLK_DONE &&
	       image_equals(0, page, PAGE_BYTES);
}

/* Does the IOMMU that confines this device say what it refuses? */
static bool is_told(const struct driver *driver)
{
	return driver->device.confined == GUEST_CONFINED_IOMMU &&
	       guest_extras.refused != NULL;
}

void control_forget(const struct driver *driver)
{
	if (is_told(driver))
		(void)guest_extras.refused((bounce_bus_t) { 0 }, 0);
}

void control_seen(const char *name, const struct driver *driver,
		  bounce_bus_t bus, uint64_t len)
{
	uint32_t requester;

	if (!is_told(driver))
		return;
	requester = guest_extras.refused(bus, len);
	report_seen(name, requester, guest_extras.refused_by);
	report_control(name, "reported", requester == driver->device.requester,
		       "the IOMMU itself told which device it had refused");
}

static enum blk_result forbidden(const char *name, struct blk *blk,
				 const struct blk_raw *raw)
{
	enum blk_result result;

	control_forget(&blk->driver);
	result = blk_raw(blk, raw);
	control_seen(name, &blk->driver, raw->bus, raw->len);
	return result;
}

void control_private_write(const char *name, struct blk *blk)
{
	const struct blk_raw raw = {
		.bus = driver_bus_of(&blk->driver, page),
		.len = PAGE_BYTES,
	};
	enum blk_result result;
	bool intact;

	memset(page, CANARY, sizeof(page));
	result = forbidden(name, blk, &raw);
	intact = revive(blk, result) && holds_only(page, CANARY);
	report_control(name, "private_write",
		       intact && refused_as_due(blk, result) &&
			       still_reads(blk),
		       "told to write to a private page, the device left the "
		       "canary as it was");
}

static enum blk_result public_sectors(struct blk *blk, bool write)
{
	struct blk_io io = {
		.write = write,
		.sector = GUEST_CONTROL_SECTOR,
		.segments = 1,
		.segment = { guest_buffer(page, PAGE_BYTES) },
	};

	return blk_transfer(blk, &io);
}

void control_private_read(const char *name, struct blk *blk)
{
	struct blk_raw raw = {
		.write = true,
		.sector = GUEST_CONTROL_SECTOR,
		.bus = driver_bus_of(&blk->driver, page),
		.len = PAGE_BYTES,
	};
	enum blk_result result;
	bool written;

	fill_text(page, GUEST_PUBLIC_TEXT);
	written = public_sectors(blk, true) == BLK_DONE;
	fill_text(page, GUEST_SECRET_TEXT);
	result = forbidden(name, blk, &raw);
	/* What is on the disk now? The host looks, too. */
	memset(page, CANARY, sizeof(page));
	report_control(name, "private_read",
		       written && refused_as_due(blk, result) &&
			       revive(blk, result) &&
			       public_sectors(blk, false) == BLK_DONE &&
			       !holds_only(page, CANARY) && !holds_secret(page),
		       "told to read a private page, the device brought no "
		       "byte of it to the disk");
}

void control_secret_leaks(const char *name, const char *control,
			  struct blk *blk)
{
	struct blk_raw raw = {
		.write = true,
		.sector = GUEST_CONTROL_SECTOR,
		.bus = driver_bus_of(&blk->driver, page),
		.len = PAGE_BYTES,
	};
	bool leaks;

	fill_text(page, GUEST_SECRET_TEXT);
	leaks = blk_raw(blk, &raw) == BLK_DONE;
	memset(page, CANARY, sizeof(page));
	leaks = leaks && public_sectors(blk, false) == BLK_DONE &&
		holds_secret(page);
	/* The disk is looked at in the end: away with it. */
	fill_text(page, GUEST_PUBLIC_TEXT);
	report_control(name, control,
		       public_sectors(blk, true) == BLK_DONE && leaks,
		       "and read any page: the secret was on the disk, until "
		       "it was written over");
}

void control_canary_breaks(const char *name, struct blk *blk)
{
	struct blk_raw raw = {
		.unchecked = true,
		.bus = driver_bus_of(&blk->driver, page),
		.len = PAGE_BYTES,
	};

	memset(page, CANARY, sizeof(page));
	report_control(name, "canary_breaks",
		       blk_raw(blk, &raw) == BLK_DONE &&
			       image_equals(0, page, PAGE_BYTES),
		       "with neither IOMMU nor model in the way the device "
		       "overwrote the private page: the canary can break");
}

/* ---- a page unshared in mid-run ---- */

struct lent {
	struct bounce_device *requester;
	struct bounce_queue *queue;
	struct bounce_buf buf;
	struct bounce_mapping mapping;
};

static bool lend(struct lent *lent, const struct blk *blk,
		 struct bounce *bounce, struct bounce_space *space)
{
	struct bounce_device_info info;

	driver_describe(&blk->driver.device, space, &info);
	if (bounce_device_attach(bounce, &info, &lent->requester, NULL) !=
	    BOUNCE_OK)
		return false;
	lent->queue = bounce_device_queue(lent->requester, 0);
	return bounce_alloc(lent->queue, GRANULE_MAX, GRANULE_MAX, 0,
			    &lent->buf, &lent->mapping) == BOUNCE_OK;
}

static bool give_back(struct lent *lent)
{
	return bounce_free(lent->queue, &lent->mapping) == BOUNCE_OK &&
	       bounce_device_detach(lent->requester) == BOUNCE_OK;
}

/* Tell the device to write the image's first bytes there, to a lent page. */
static enum blk_result write_lent(struct blk *blk, const struct lent *lent,
				  uint64_t bus)
{
	struct blk_raw raw = { .bus = { bus }, .len = PAGE_BYTES };

	memset(lent->buf.ptr, CANARY, PAGE_BYTES);
	return blk_raw(blk, &raw);
}

/* Did that fail, as it must after the page was taken back? */
static bool out_of_reach(struct blk *blk, const struct lent *lent, uint64_t bus)
{
	enum blk_result result = write_lent(blk, lent, bus);

	/* Looked at when the device has been started again: it is done. */
	return revive(blk, result) && holds_only(lent->buf.ptr, CANARY) &&
	       refused_as_due(blk, result);
}

static bool within_reach(struct blk *blk, const struct lent *lent)
{
	return write_lent(blk, lent, lent->mapping.bus.v) == BLK_DONE &&
	       image_equals(0, lent->buf.ptr, PAGE_BYTES);
}

/* A shared page is not at its guest-physical address, for a device. */
static void control_offset(const char *name, struct blk *blk,
			   const struct lent *lent)
{
	report_control(name, "offset",
		       out_of_reach(blk, lent, lent->buf.gpa.v) &&
			       within_reach(blk, lent),
		       "told a shared page's guest-physical address, the "
		       "device did not reach it; at its bus address it did");
}

/* The control of "unshared": what it looks for can be seen. */
static void control_unflushed(const char *name, struct blk *blk,
			      const struct lent *lent)
{
	bool gone;

	guest_extras.omit_flush(true);
	gone = cpu_unshare(lent->buf.gpa.v);
	guest_extras.omit_flush(false);
	report_control(name, "unflushed",
		       gone && !out_of_reach(blk, lent, lent->mapping.bus.v) &&
			       image_equals(0, lent->buf.ptr, PAGE_BYTES),
		       "as long as the IOMMU is not told, the page is still "
		       "written: that is what confines");
	report_demand(cpu_share(lent->buf.gpa.v), "the page is shared again");
}

/* Taken back while the bus has stopped the device, which is told of nothing. */
static void control_stopped(const char *name, struct blk *blk,
			    const struct lent *lent)
{
	enum blk_result result;
	bool gone;

	result = write_lent(blk, lent, driver_bus_of(&blk->driver, page).v);
	gone = cpu_unshare(lent->buf.gpa.v);
	report_control(name, "unshared_stopped",
		       result == BLK_SILENCE && gone && revive(blk, result) &&
			       out_of_reach(blk, lent, lent->mapping.bus.v),
		       "a page taken back while the device was stopped was out "
		       "of its reach when it went on");
	report_demand(cpu_share(lent->buf.gpa.v), "the page is shared again");
}

void control_unshared(const char *name, struct blk *blk, struct bounce *bounce,
		      struct bounce_space *space)
{
	struct lent lent;
	bool done;

	if (!lend(&lent, blk, bounce, space))
		guest_fail("the controls got no shared memory");
	if (lent.mapping.bus.v != lent.buf.gpa.v)
		control_offset(name, blk, &lent);
	if (guest_extras.omit_flush != NULL)
		control_unflushed(name, blk, &lent);
	if (guest_cpu.iommu_stops)
		control_stopped(name, blk, &lent);

	done = cpu_unshare(lent.buf.gpa.v);
	report_control(name, "unshared",
		       done && out_of_reach(blk, &lent, lent.mapping.bus.v),
		       "a page taken back in mid-run was out of the device's "
		       "reach");

	done = cpu_share(lent.buf.gpa.v);
	report_control(name, "shared_again", done && within_reach(blk, &lent),
		       "shared once more, it was within reach");
	report_demand(give_back(&lent), "the controls gave their page back");
}

/* ---- growth and refusals ---- */

void control_refused_page(struct bounce_pool *pool)
{
	bounce_gpa_t gpa = { guest_cpu.refused_gpa };
	uint64_t before = model_shared_granules();
	enum bounce_err err;

	/* The last one: all that came before must be taken back. */
	model_refuse(gpa.v + GUEST_REFUSED_BYTES - 1);
	err = bounce_pool_grow(pool, gpa, GUEST_REFUSED_BYTES);
	model_refuse(MODEL_NO_PAGE);
	report_control("pool", "refused_page",
		       err == BOUNCE_ERR_HOST &&
			       model_shared_granules() == before,
		       "a monitor that refused the last page of a slab: growth "
		       "failed, and no page of it stayed shared");
}

void control_refused(const char *device, const char *name,
		     const struct driver_open *open, unsigned reason)
{
	static struct blk blk;
	enum bounce_err err = blk_open(&blk, open);
	/* There is a pool; "none that it reaches" has a code of its own. */
	enum bounce_err due = reason == BOUNCE_WHY_NO_POOL ?
				      BOUNCE_ERR_UNREACHABLE :
				      BOUNCE_ERR_REFUSED;

	report_row(device, &blk.driver, NULL);
	report_control(device, name,
		       err == due &&
			       blk.driver.answer.verdict.reason == reason &&
			       virtio_reset(&blk.driver.device),
		       blk.driver.answer.why);
}
