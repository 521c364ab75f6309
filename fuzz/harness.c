/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * harness.c - a driver among a hostile device's bytes; harness.h.
 */
#include "harness.h"

#include <string.h>

static unsigned char *bytes_of(const struct fuzz_harness *harness,
			       uint32_t index)
{
	return bench_private(&harness->bench, index * FUZZ_BUFFER_BYTES);
}

uint32_t fuzz_harness_lend(struct fuzz_harness *harness)
{
	uint32_t index = 0;

	while (index < FUZZ_BUFFERS && (harness->lent >> index & 1) != 0)
		index++;
	if (index < FUZZ_BUFFERS) {
		harness->lent |= 1u << index;
		memset(bytes_of(harness, index), FAKE_SECRET,
		       FUZZ_BUFFER_BYTES);
	}
	return index;
}

void fuzz_harness_give(struct fuzz_harness *harness, uint32_t index)
{
	fuzz_check(index < FUZZ_BUFFERS);
	fuzz_check((harness->lent >> index & 1) != 0);
	harness->lent &= ~(1u << index);
	memset(bytes_of(harness, index), FAKE_SECRET, FUZZ_BUFFER_BYTES);
}

struct bounce_buf fuzz_harness_buf(const struct fuzz_harness *harness,
				   uint32_t index, uint64_t offset,
				   uint64_t len)
{
	fuzz_check(index < FUZZ_BUFFERS);
	fuzz_check(offset <= FUZZ_BUFFER_BYTES &&
		   len <= FUZZ_BUFFER_BYTES - offset);
	return bench_buf(&harness->bench, index * FUZZ_BUFFER_BYTES + offset,
			 len);
}

/* D1: four in a row, since an address or an index may hold one. */
static bool sees_secret(const struct bench *bench)
{
	static const unsigned char secret[] = { FAKE_SECRET, FAKE_SECRET,
						FAKE_SECRET, FAKE_SECRET };

	for (uint64_t at = 0; at < bench->slab_bytes; at += FAKE_PAGE_BYTES) {
		const unsigned char *page = bench->machine.memory + at;

		if (fake_machine_is_shared(&bench->machine,
					   bench->knobs.gpa + at) &&
		    memmem(page, FAKE_PAGE_BYTES, secret, sizeof(secret)) !=
			    NULL)
			return true;
	}
	return false;
}

/* D2: all of it is the one byte; so it equals itself, moved by one. */
static bool is_secret(const unsigned char *bytes)
{
	return bytes[0] == FAKE_SECRET &&
	       memcmp(bytes, bytes + 1, FUZZ_BUFFER_BYTES - 1) == 0;
}

static void look(const struct fuzz_harness *harness)
{
	fuzz_check(!sees_secret(&harness->bench));
	for (uint32_t i = 0; i < FUZZ_BUFFERS; i++)
		fuzz_check((harness->lent >> i & 1) != 0 ||
			   is_secret(bytes_of(harness, i)));
	fuzz_check(bounce_valid(harness->bench.bounce));
}

/* The device writes a few bytes into some shared page. */
static void poke(struct fuzz_harness *harness, struct fuzz_input *in)
{
	struct bench *bench = &harness->bench;
	uint64_t at = fuzz_below(in, bench->slab_bytes);
	uint64_t bits = fuzz_wide(in);
	uint32_t count = 1 + fuzz_byte(in) % 8;
	unsigned char byte;

	for (uint32_t i = 0; i < count; i++) {
		byte = (unsigned char)(bits >> 8 * i);
		if (byte == FAKE_SECRET)
			byte = FAKE_HOSTILE;
		(void)fake_device_write(&bench->host, bench->knobs.gpa + at + i,
					&byte, 1);
	}
}

static void begin(struct fuzz_harness *harness,
		  const struct fuzz_driver *driver)
{
	struct bench_knobs knobs = bench_usual();

	memset(harness, 0, sizeof(*harness));
	knobs.chunks = 1;
	knobs.private_bytes = FUZZ_BUFFERS * FUZZ_BUFFER_BYTES;
	knobs.info = driver->info;
	bench_init(&harness->bench, &knobs);
	harness->device = harness->bench.device[0];
	harness->queue = harness->bench.queue[0];
}

/* D3: bench_fini() ends the program where something is left. */
static void end(struct fuzz_harness *harness)
{
	fuzz_check(harness->lent == 0);
	look(harness);
	bench_fini(&harness->bench);
}

static void run(struct fuzz_harness *harness, const struct fuzz_driver *driver,
		void *state, struct fuzz_input *in)
{
	while (fuzz_more(in)) {
		switch (fuzz_byte(in) % 8) {
		case 0:
			poke(harness, in);
			break;
		case 1:
			fake_device_scribble(&harness->bench.host);
			break;
		case 2:
		case 3:
			driver->lie(state, harness, in);
			break;
		default:
			driver->step(state, harness, in);
			break;
		}
		look(harness);
	}
}

int fuzz_harness(const struct fuzz_driver *driver, const uint8_t *data,
		 size_t size)
{
	struct fuzz_input in = { data, size };
	struct fuzz_harness harness;
	void *state = calloc(1, driver->state_bytes);

	fuzz_check(state != NULL);
	begin(&harness, driver);
	if (driver->start(state, &harness)) {
		run(&harness, driver, state, &in);
		driver->stop(state, &harness);
	}
	end(&harness);
	free(state);
	return 0;
}
