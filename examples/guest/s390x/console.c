/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * console.c - text to the SCLP console, by events of type 0x1a (ASCII).
 *
 * Source: the layout of the service-call control block is not published by
 * IBM; Linux drivers/s390/char/sclp.h and QEMU include/hw/s390x/sclp.h agree.
 */
#include "machine.h"

#define SCLP_WRITE_EVENT_MASK UINT64_C(0x00780005)
#define SCLP_WRITE_EVENT_DATA UINT64_C(0x00760005)
#define SCLP_EVENT_ASCII 0x1au
#define SCLP_MASK_ASCII (UINT32_C(1) << (32 - SCLP_EVENT_ASCII))
#define SCLP_TEXT_BYTES 2048u

struct sclp_header {
	uint16_t length;
	uint8_t function; /* 0; anything else is refused */
	uint8_t control[3];
	uint16_t response;
};

struct sclp_mask {
	struct sclp_header header;
	uint16_t reserved;
	uint16_t mask_bytes;
	uint32_t can_receive;
	uint32_t can_send;
	uint32_t answer[2];
};
_Static_assert(sizeof(struct sclp_mask) == 28, "four masks of 4 bytes");

struct sclp_text {
	struct sclp_header header;
	uint16_t length; /* of the event: 6 + text */
	uint8_t type;
	uint8_t flags;
	uint16_t reserved;
	char text[SCLP_TEXT_BYTES];
};
_Static_assert(offsetof(struct sclp_text, text) == 14, "event header");

/* Page-aligned below 2 GiB. */
static union {
	struct sclp_mask mask;
	struct sclp_text text;
} sclp __attribute__((aligned(4096)));

static void console_open(void)
{
	static bool open;

	if (open)
		return;
	open = true;
	memset(&sclp.mask, 0, sizeof(sclp.mask));
	sclp.mask.header.length = sizeof(sclp.mask);
	sclp.mask.mask_bytes = sizeof(sclp.mask.can_send);
	sclp.mask.can_send = SCLP_MASK_ASCII;
	(void)cpu_service_call(SCLP_WRITE_EVENT_MASK, &sclp.mask);
}

/* Send the first @len bytes of the text; nobody could be told of a failure. */
static void console_send(size_t len)
{
	struct sclp_text *block = &sclp.text;

	memset(block, 0, offsetof(struct sclp_text, text));
	block->length = (uint16_t)(offsetof(struct sclp_text, text) -
				   sizeof(block->header) + len);
	block->header.length =
		(uint16_t)(sizeof(block->header) + block->length);
	block->type = SCLP_EVENT_ASCII;
	(void)cpu_service_call(SCLP_WRITE_EVENT_DATA, block);
}

void cpu_console(const char *text, size_t len)
{
	size_t used = 0;

	console_open();
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			sclp.text.text[used++] = '\r';
		sclp.text.text[used++] = text[i];
		if (used + 2 > SCLP_TEXT_BYTES) {
			console_send(used);
			used = 0;
		}
	}
	if (used != 0)
		console_send(used);
}
