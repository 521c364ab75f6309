/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * control.c - the controls of guest.h.
 *
 * QEMU answers "success" for what its IOMMU refused: writes are dropped, reads
 * give zeros. So a control puts known bytes where the device must not get, and
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
 * What the device and the driver say counts for one thing only: where the model
 * stands in for the hardware, it must have refused.
 */
static bool refused_as_due(const struct blk *blk, enum blk_result result)
{
	return blk->device.confined == GUEST_CONFINED_MODEL ?
		       result == BLK_REFUSED :
		       result != BLK_REFUSED;
}

/* A dead device leaves every canary alone: it must have been alive. */
static bool still_reads(struct blk *blk)
{
	struct blk_io io = {
		.segments = 1,
		.segment = { blk_buffer(page, PAGE_BYTES) },
	};

	return blk_transfer(blk, &io) == BLK_DONE &&
	       image_equals(0, page, PAGE_BYTES);
}

void control_private_write(const char *name, struct blk *blk)
{
	struct blk_raw raw = { .bus = { (uintptr_t)page }, .len = PAGE_BYTES };
	enum blk_result result;
	bool intact;

	memset(page, CANARY, sizeof(page));
	result = blk_raw(blk, &raw);
	intact = holds_only(page, CANARY);
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
		.segment = { blk_buffer(page, PAGE_BYTES) },
	};

	return blk_transfer(blk, &io);
}

void control_private_read(const char *name, struct blk *blk)
{
	struct blk_raw raw = {
		.write = true,
		.sector = GUEST_CONTROL_SECTOR,
		.bus = { (uintptr_t)page },
		.len = PAGE_BYTES,
	};
	enum blk_result result;
	bool written;

	fill_text(page, GUEST_PUBLIC_TEXT);
	written = public_sectors(blk, true) == BLK_DONE;
	fill_text(page, GUEST_SECRET_TEXT);
	result = blk_raw(blk, &raw);
	/* What is on the disk now? The host looks, too. */
	memset(page, CANARY, sizeof(page));
	report_control(name, "private_read",
		       written && refused_as_due(blk, result) &&
			       public_sectors(blk, false) == BLK_DONE &&
			       !holds_only(page, CANARY) && !holds_secret(page),
		       "told to read a private page, the device brought no "
		       "byte of it to the disk");
}

void control_canary_breaks(const char *name, struct blk *blk)
{
	struct blk_raw raw = {
		.unchecked = true,
		.bus = { (uintptr_t)page },
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

	blk_describe(&blk->device, space, &info);
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

void control_unshared(const char *name, struct blk *blk, struct bounce *bounce,
		      struct bounce_space *space)
{
	struct blk_raw raw = { .len = PAGE_BYTES };
	enum blk_result result;
	struct lent lent;
	bool gone;

	if (!lend(&lent, blk, bounce, space))
		guest_fail("the controls got no shared memory");
	raw.bus = lent.mapping.bus;

	gone = cpu_unshare(lent.buf.gpa.v);
	memset(lent.buf.ptr, CANARY, PAGE_BYTES);
	result = blk_raw(blk, &raw);
	report_control(name, "unshared",
		       gone && holds_only(lent.buf.ptr, CANARY) &&
			       refused_as_due(blk, result),
		       "a page taken back in mid-run was out of the device's "
		       "reach");

	gone = !cpu_share(lent.buf.gpa.v);
	result = blk_raw(blk, &raw);
	report_control(name, "shared_again",
		       !gone && result == BLK_DONE &&
			       image_equals(0, lent.buf.ptr, PAGE_BYTES),
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
		     const struct blk_open *open, unsigned reason)
{
	static struct blk blk;
	enum bounce_err err = blk_open(&blk, open);

	report_row(device, &blk, NULL);
	report_control(device, name,
		       err == BOUNCE_ERR_REFUSED &&
			       blk.answer.verdict.reason == reason &&
			       virtio_reset(&blk.device),
		       blk.answer.why);
}
