/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * readme.c - the example of the README, made to run: an ordinary program plays
 * the guest and the device. Guest-physical and bus addresses are its own
 * pointers, and nothing is protected, so FORCE asks for the bouncing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bounce/bounce.h>

static unsigned char pages[BOUNCE_CHUNK_BYTES]
	__attribute__((aligned(BOUNCE_CHUNK_BYTES)));
static unsigned char tables[1 << 16]
	__attribute__((aligned(BOUNCE_META_ALIGN)));

static void must(enum bounce_err err)
{
	if (err != BOUNCE_OK)
		exit(EXIT_FAILURE);
}

/* The device knows bus addresses only; here they are pointers. */
static unsigned device_answers(bounce_bus_t question, bounce_bus_t answer)
{
	char *to = (char *)(uintptr_t)answer.v;
	const char *from = (const char *)(uintptr_t)question.v;

	return (unsigned)sprintf(to, "you asked: %s", from) + 1;
}

/* README */
static void example(const struct bounce_env *env, char *question, char *answer)
{
	struct bounce_config config = { .slabs = 1, .slab_chunks = 1 };
	struct bounce_monitor monitor = { .arch = &bounce_arch_none };
	struct bounce_pool_info size = { .slabs = 1 };
	struct bounce_window all = { .flags = BOUNCE_WINDOW_BYPASS };
	struct bounce_device_info info = {
		.features = BOUNCE_VIRTIO_F_VERSION_1,
		.flags = BOUNCE_DEVICE_FORCE,
	};
	struct bounce_mapping out, in;
	struct bounce_device *device;
	struct bounce_pool *pool;
	struct bounce *bounce;

	/* Once: an instance, a pool of shared pages, a space, a device. */
	must(bounce_init(tables, sizeof(tables), &config, env, &monitor,
			 &bounce));
	must(bounce_pool_init(bounce, &size, &pool));
	must(bounce_pool_grow(pool, env->linear[0].gpa, sizeof(pages)));
	must(bounce_space_init(bounce, pool, &info.space));
	must(bounce_space_add_window(info.space, &all));
	must(bounce_device_attach(bounce, &info, &device, NULL));

	/* For each request: map, let the device work, unmap what it wrote. */
	struct bounce_queue *queue = bounce_device_queue(device, 0);
	struct bounce_buf ask = { { (uintptr_t)question }, question, 14 };
	struct bounce_buf get = { { (uintptr_t)answer }, answer, 64 };

	must(bounce_map(queue, &ask, BOUNCE_TO_DEVICE, &out));
	must(bounce_map(queue, &get, BOUNCE_FROM_DEVICE, &in));
	unsigned written = device_answers(out.bus, in.bus);
	must(bounce_unmap(queue, &out, 0));
	must(bounce_unmap(queue, &in, written));
}
/* README */

int main(void)
{
	struct bounce_env env = {
		.linear = { { { (uintptr_t)pages }, pages, sizeof(pages) } },
	};
	char question[] = "who is there?";
	char answer[64] = "";

	example(&env, question, answer);
	puts(answer);
	return strcmp(answer, "you asked: who is there?") != 0;
}
