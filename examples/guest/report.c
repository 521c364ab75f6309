/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * report.c - what the guest says, in the words of report.h.
 */
#include "report.h"

#define PROGRESS_STEP_PERCENT 5u

static bool all_good = true;
static const char *stage = "";
static uint64_t total;
static uint64_t moved;
static uint64_t next_percent;

/* ---- progress ---- */

static void say_progress(void)
{
	uint64_t percent = total == 0 ? 0 : moved * 100 / total;

	guest_print("progress percent=%lu text=\"%s\"\n", percent, stage);
	next_percent = percent + PROGRESS_STEP_PERCENT;
}

void report_total(uint64_t bytes)
{
	total = bytes;
}

void report_stage(const char *text)
{
	stage = text;
	say_progress();
}

void report_moved(uint64_t bytes)
{
	moved += bytes;
	/* Beside another CPU a disk is read longer than was planned. */
	if (moved > total)
		moved = total;
	if (moved * 100 / total >= next_percent)
		say_progress();
}

/* ---- rows ---- */

static const char *verdict_name(uint8_t kind)
{
	switch (kind) {
	case BOUNCE_VERDICT_BOUNCE:
		return "bounce";
	case BOUNCE_VERDICT_DIRECT:
		return "direct";
	default:
		return "refuse";
	}
}

static const char *confined_name(const struct driver *driver, bool used)
{
	if (!used)
		return "none";
	switch (driver->device.confined) {
	case GUEST_CONFINED_IOMMU:
		return guest_cpu.iommu_name;
	case GUEST_CONFINED_MODEL:
		return "model";
	case GUEST_CONFINED_NONE:
	default:
		return "none";
	}
}

static void say_digest(const unsigned char *digest)
{
	guest_print(" digest=");
	if (digest == NULL)
		guest_print("-");
	for (unsigned i = 0; digest != NULL && i < SHA256_BYTES; i++)
		guest_print("%02x", digest[i]);
}

static void say_counts(const struct driver *driver,
		       const struct report_use *use)
{
	struct bounce_device_stats device = { 0 };
	struct bounce_pool_stats pool = { 0 };
	struct report_use none = { 0 };

	if (use != NULL) {
		bounce_device_stats(driver->requester, &device);
		bounce_pool_stats(use->pool, &pool);
	}
	guest_print(" pages_shared=%lu",
		    use != NULL ? model_shared_granules() : 0);
	if (use == NULL)
		use = &none;
	guest_print(" share_calls_start=%lu share_calls_io=%lu",
		    use->share_calls_start, use->share_calls_io);
	guest_print(" mappings=%lu bytes_in=%lu bytes_out=%lu", device.maps,
		    device.bytes_from, device.bytes_to);
	guest_print(" high_water_chunks=%u pool_bytes=%lu peak_in_flight=%u",
		    pool.chunks_high_water, use->pool_bytes,
		    driver->peak_in_flight);
	guest_print(" moved_in=%lu moved_out=%lu bounce_ticks=%lu "
		    "pass_ticks=%lu",
		    driver->moved_in, driver->moved_out,
		    use->pass_ticks != 0 ? driver->bounce_ticks : 0,
		    use->pass_ticks);
}

/* The liar is none of the machine's. */
static void say_place(const struct virtio_device *device)
{
	guest_print(" place=\"");
	if (device->role != 0)
		virtio_tell(device);
	guest_print("\"");
}

void report_row(const char *name, const struct driver *driver,
		const struct report_use *use)
{
	guest_print("row device=%s cpu=%s transport=%s", name, guest_cpu.name,
		    guest_cpu.transport_name);
	guest_print(" verdict=%s reason=\"%s\" confined=%s requester=%x",
		    verdict_name(driver->answer.verdict.kind),
		    driver->answer.why, confined_name(driver, use != NULL),
		    (unsigned)driver->device.requester);
	say_place(&driver->device);
	say_counts(driver, use);
	say_digest(use != NULL ? use->digest : NULL);
	if (use != NULL && use->mappings_second != 0)
		guest_print(" mappings_second=%lu", use->mappings_second);
	if (use != NULL && use->window != NULL)
		guest_print(" window=%s io_bytes=%lu window_calls_io=%lu",
			    use->window, use->io_bytes, use->window_calls_io);
	guest_print(" libc=%s\n", guest_libc);
}

void report_seen(const char *name, uint32_t requester, const char *by)
{
	guest_print("seen device=%s requester=%x by=\"%s\"\n", name,
		    (unsigned)requester, by);
}

/* ---- spaces ---- */

static const char *class_name(uint32_t coherency)
{
	switch (coherency) {
	case BOUNCE_NON_COHERENT:
		return "non-coherent";
	case BOUNCE_NO_SNOOP:
		return "no-snoop";
	default:
		return "snooped";
	}
}

/* Who fills the tables of a window that an IOMMU stands behind. */
static const char *filled_by(const struct bounce_space_info *info,
			     uint32_t flags)
{
	if ((flags & BOUNCE_WINDOW_TRANSLATED) == 0)
		return "nobody";
	return info->translated != 0 ? "library" : "monitor";
}

void report_space(const char *name, const struct bounce_space *space)
{
	struct bounce_space_info info;
	struct bounce_window window;

	bounce_space_info(space, &info);
	guest_print("space name=%s class=%s windows=%u\n", name,
		    class_name(info.coherency), info.windows);
	for (uint32_t i = 0; bounce_space_window(space, i, &window); i++) {
		bool bypass = (window.flags & BOUNCE_WINDOW_BYPASS) != 0;
		bool iommu = (window.flags & BOUNCE_WINDOW_TRANSLATED) != 0;

		guest_print("window space=%s path=%s bus=%lx gpa=%lx len=%lx",
			    name, bypass ? "bypass" : "bus", window.bus.v,
			    window.gpa.v, window.len);
		guest_print(" iommu=%s filled_by=%s\n",
			    iommu && guest_cpu.iommu_name != NULL ?
				    guest_cpu.iommu_name :
				    "none",
			    filled_by(&info, window.flags));
	}
}

/* ---- controls and the end ---- */

void report_control(const char *device, const char *name, bool ok,
		    const char *text)
{
	guest_print("control device=%s name=%s ok=%u text=\"%s\"\n", device,
		    name, ok ? 1u : 0u, text);
	all_good = all_good && ok;
}

void report_demand(bool met, const char *text)
{
	if (!met)
		guest_print("demand not met: %s\n", text);
	all_good = all_good && met;
}

void report_pass_on(struct report_state *state)
{
	*state = (struct report_state) { all_good ? 1 : 0, total, moved };
}

void report_go_on(const struct report_state *state)
{
	all_good = state->all_good == 1;
	total = state->total;
	moved = state->moved;
}

bool report_done(void)
{
	guest_print("done ok=%u\n", all_good ? 1u : 0u);
	return all_good;
}
