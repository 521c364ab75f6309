/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz_negotiate.c - features and facts of any kind, and devices that say
 * anything about themselves: what is accepted was offered, protected memory is
 * never let at, and an address that is handed out keeps to the limits.
 */
#include <string.h>

#include "input.h"
#include "support.h"

#define VERSION_1 BOUNCE_VIRTIO_F_VERSION_1
#define PLATFORM BOUNCE_VIRTIO_F_ACCESS_PLATFORM

static void negotiate(struct fuzz_input *in)
{
	uint64_t offered = fuzz_wide(in) | ((uint64_t)fuzz_byte(in) & 3) << 32;
	uint32_t facts = (uint32_t)fuzz_number(in, 4);
	struct bounce_negotiation answer;
	enum bounce_err err = bounce_virtio_negotiate(offered, facts, &answer);
	bool refused = answer.verdict.kind == BOUNCE_VERDICT_REFUSE;

	fuzz_check(err == (refused ? BOUNCE_ERR_REFUSED : BOUNCE_OK));
	fuzz_check((answer.accept & ~(offered & (VERSION_1 | PLATFORM))) == 0);
	fuzz_check(!refused || answer.accept == 0);
	fuzz_check(answer.why != NULL && answer.why[0] != 0);
	fuzz_check(answer.reserved == 0);
	if ((facts & BOUNCE_FACT_PROTECTED) == 0)
		return;
	fuzz_check(answer.verdict.kind != BOUNCE_VERDICT_DIRECT ||
		   (facts & BOUNCE_FACT_ATTESTED) != 0);
	fuzz_check(refused || (offered & VERSION_1) != 0);
	fuzz_check(answer.verdict.kind != BOUNCE_VERDICT_BOUNCE ||
		   (facts & BOUNCE_FACT_POOL) != 0);
	/* Not for protected memory: by the bypass only what did not accept. */
	fuzz_check(answer.verdict.path != BOUNCE_PATH_BYPASS ||
		   (answer.accept & PLATFORM) == 0);
}

static uint64_t any_mask(struct fuzz_input *in)
{
	uint8_t bits = fuzz_byte(in);

	return bits > 64  ? fuzz_wide(in) :
	       bits == 64 ? UINT64_MAX :
			    (UINT64_C(1) << bits) - 1;
}

static struct bounce_device_info any_info(struct fuzz_input *in)
{
	return (struct bounce_device_info) {
		.features = (uint64_t)fuzz_byte(in) << 32,
		.dma_mask = any_mask(in),
		.boundary_mask = any_mask(in),
		.min_align_mask = any_mask(in),
		.alloc_align_mask = any_mask(in),
		.segment_bytes = fuzz_wide(in),
		.flags = fuzz_byte(in),
		.owner = (uint16_t)fuzz_number(in, 2),
		.transport = fuzz_byte(in) % 4,
		.queues = fuzz_byte(in),
		.quota = (uint32_t)fuzz_wide(in),
	};
}

static bool keeps(const struct bounce_device_info *info,
		  const struct bounce_buf *buf, bounce_bus_t bus)
{
	uint64_t last = bus.v + buf->len - 1;
	uint64_t b = info->boundary_mask;

	return last >= bus.v &&
	       (info->dma_mask == 0 || last <= info->dma_mask) &&
	       (b == 0 || (bus.v | b) == (last | b));
}

static void map_one(struct fuzz_input *in, struct bench *bench,
		    const struct bounce_device_info *info,
		    struct bounce_device *device)
{
	struct bounce_queue *queue = bounce_device_queue(device, 0);
	struct bounce_buf buf = bench_buf(bench, fuzz_below(in, 4096),
					  1 + fuzz_below(in, 60000));
	struct bounce_mapping mapping;
	struct bounce_verdict verdict;
	enum bounce_err err;

	err = bounce_map(queue, &buf, 1 + (uint32_t)fuzz_below(in, 3),
			 &mapping);
	bounce_device_verdict(device, &verdict);
	if (err != BOUNCE_OK)
		return;
	fuzz_check(verdict.kind != BOUNCE_VERDICT_REFUSE);
	fuzz_check(keeps(info, &buf, mapping.bus));
	fuzz_check(info->segment_bytes == 0 || buf.len <= info->segment_bytes);
	if (verdict.kind == BOUNCE_VERDICT_BOUNCE) {
		uint64_t m = info->min_align_mask;

		fuzz_check((mapping.bus.v & m) == (buf.gpa.v & m));
		fuzz_check(
			fake_machine_is_shared(&bench->machine, mapping.bus.v));
	} else {
		/* Protected memory itself: only to what was attested. */
		fuzz_check((info->flags & BOUNCE_DEVICE_ATTESTED) != 0);
	}
	fuzz_check(bounce_unmap(queue, &mapping, 0) == BOUNCE_OK);
}

static void attach(struct fuzz_input *in, struct bench *bench)
{
	struct bounce_device_info info = any_info(in);
	struct bounce_negotiation answer;
	struct bounce_device *device;
	enum bounce_err err;

	info.space = bench->space;
	err = bounce_device_attach(bench->bounce, &info, &device, &answer);
	if (err != BOUNCE_OK)
		return;
	fuzz_check((answer.accept & ~info.features) == 0);
	for (unsigned n = fuzz_byte(in) % 4; n != 0; n--)
		map_one(in, bench, &info, device);
	if (fuzz_byte(in) % 2 != 0) {
		uint64_t features = (uint64_t)fuzz_byte(in) << 32;

		err = bounce_device_negotiate(device, features, &answer);
		fuzz_check(err == BOUNCE_OK || err == BOUNCE_ERR_REFUSED ||
			   err == BOUNCE_ERR_UNREACHABLE);
		map_one(in, bench, &info, device);
	}
	fuzz_check(bounce_device_valid(device));
	fuzz_check(bounce_device_detach(device) == BOUNCE_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct bench_knobs knobs = bench_usual();
	struct bench bench;

	knobs.chunks = 1;
	knobs.devices = 0;
	knobs.private_bytes = 65536;
	bench_init(&bench, &knobs);
	while (fuzz_more(&in)) {
		negotiate(&in);
		attach(&in, &bench);
	}
	bench_fini(&bench);
	return 0;
}
