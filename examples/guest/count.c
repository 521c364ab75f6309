/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * count.c - map and unmap buffers of a sector, and nothing else, between two
 * looks at the clock. No device works on them: what is counted is the library,
 * and the guest's memcpy.
 */
#include "count.h"

#define META_BYTES (64u << 10)
#define REQUESTER 0xe8u /* nobody's: slot 29 of PCI, no subchannel */

#define SECTORS 1024u
#define WARM_UP 16u
#define ROUNDS 2u /* which must be alike */

static unsigned char meta[META_BYTES]
	__attribute__((aligned(BOUNCE_META_ALIGN)));
static unsigned char sector[GUEST_SECTOR_BYTES];

struct count {
	struct bounce_arch arch;
	struct bounce *bounce;
	struct bounce_pool *pool;
	struct bounce_space *space;
	struct bounce_device *device;
};

static void must(enum bounce_err err)
{
	if (err != BOUNCE_OK)
		guest_fail("nothing to count with");
}

static void make_pool(struct count *count)
{
	const struct bounce_config config = { .slabs = 1,
					      .slab_chunks = 1,
					      .blocks = 4 };
	const struct bounce_pool_info info = { .slabs = 1 };
	const struct bounce_env env = guest_env();
	const struct bounce_monitor monitor = { .arch = &count->arch };
	const bounce_gpa_t at = { guest_cpu.control_gpa };

	cpu_arch(&count->arch);
	must(bounce_init(meta, sizeof(meta), &config, &env, &monitor,
			 &count->bounce));
	must(bounce_pool_init(count->bounce, &info, &count->pool));
	must(bounce_pool_grow(count->pool, at, BOUNCE_CHUNK_BYTES));
	must(bounce_space_init(count->bounce, count->pool, &count->space));
	for (unsigned i = 0; i < guest_windows(); i++)
		must(bounce_space_add_window(count->space,
					     &guest_cpu.window[i]));
}

static void attach(struct count *count)
{
	const struct virtio_device nobody = {
		.requester = REQUESTER,
		.offered = BOUNCE_VIRTIO_F_VERSION_1 |
			   BOUNCE_VIRTIO_F_ACCESS_PLATFORM,
	};
	struct bounce_device_info info;

	driver_describe(&nobody, count->space, &info);
	must(bounce_device_attach(count->bounce, &info, &count->device, NULL));
}

/* Ticks for @count sectors, all of each moved. */
static uint64_t bounce(struct bounce_queue *queue, uint32_t how, uint32_t count)
{
	const struct bounce_buf buf = guest_buffer(sector, sizeof(sector));
	uint64_t written = how == BOUNCE_FROM_DEVICE ? sizeof(sector) : 0;
	uint64_t before = cpu_ticks();
	struct bounce_mapping mapping;

	for (uint32_t i = 0; i < count; i++)
		if (bounce_map(queue, &buf, how, &mapping) != BOUNCE_OK ||
		    bounce_unmap(queue, &mapping, written) != BOUNCE_OK)
			guest_fail("a sector was not bounced");
	return cpu_ticks() - before;
}

static void end(struct count *count)
{
	must(bounce_device_detach(count->device));
	must(bounce_space_fini(count->space));
	must(bounce_pool_fini(count->pool));
	must(bounce_fini(count->bounce));
}

void count_run(void)
{
	static struct count count;
	struct bounce_queue *queue;

	make_pool(&count);
	attach(&count);
	queue = bounce_device_queue(count.device, 0);
	(void)bounce(queue, BOUNCE_FROM_DEVICE, WARM_UP);
	(void)bounce(queue, BOUNCE_TO_DEVICE, WARM_UP);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint64_t in = bounce(queue, BOUNCE_FROM_DEVICE, SECTORS);
		uint64_t out = bounce(queue, BOUNCE_TO_DEVICE, SECTORS);

		guest_print("count sectors=%u in=%lu out=%lu\n", SECTORS, in,
			    out);
	}
	end(&count);
}
