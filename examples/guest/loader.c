/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * loader.c - see loader.h.
 *
 * Source: System V Application Binary Interface, chapters 4 and 5, ELF-64.
 */
#include "loader.h"
#include "stage.h"

#define READ_BYTES (128u << 10) /* of a request */
#define SPOILT_BYTE 4321u /* of the file: some instruction */

/* Chapter 4, "ELF Header". */
#define IDENT_BYTES 16u
#define ELF_64 2u
#define ELF_LITTLE 1u
#define ELF_BIG 2u
static const unsigned char ident[] = {
	0x7f, 'E', 'L', 'F', ELF_64, GUEST_IS_LITTLE ? ELF_LITTLE : ELF_BIG,
};

struct elf {
	unsigned char ident[IDENT_BYTES];
	uint16_t type;
	uint16_t machine;
	uint32_t version;
	uint64_t entry;
	uint64_t segments; /* offset in the file */
	uint64_t sections;
	uint32_t flags;
	uint16_t bytes; /* of this header */
	uint16_t segment_bytes;
	uint16_t segment_count;
	uint16_t rest[3];
};
_Static_assert(sizeof(struct elf) == 64, "Elf64_Ehdr");

/* Chapter 5, "Program Header". */
#define SEGMENT_LOAD 1u
struct segment {
	uint32_t type;
	uint32_t flags;
	uint64_t offset; /* in the file */
	uint64_t address;
	uint64_t gpa; /* the physical address */
	uint64_t file_bytes;
	uint64_t memory_bytes; /* what the file does not have of it is zero */
	uint64_t align;
};
_Static_assert(sizeof(struct segment) == 56, "Elf64_Phdr");

static unsigned char file[GUEST_STAGE_BYTES];

static uint64_t first_gpa(void)
{
	return guest_cpu.ram_gpa + STAGE_OFFSET;
}

bool loader_read(struct blk *disk)
{
	if (stage_file_bytes > sizeof(file))
		return false;
	for (uint32_t at = 0; at < stage_file_bytes; at += READ_BYTES) {
		const struct blk_io io = {
			.sector = GUEST_STAGE_SECTOR + at / GUEST_SECTOR_BYTES,
			.segments = 1,
			.segment = { guest_buffer(file + at, READ_BYTES) },
		};

		if (blk_transfer(disk, &io) != BLK_DONE)
			return false;
	}
	return true;
}
_Static_assert(GUEST_STAGE_BYTES % READ_BYTES == 0, "whole requests");

bool loader_trusts(void)
{
	unsigned char digest[SHA256_BYTES];

	sha256(file, stage_file_bytes, digest);
	return memcmp(digest, stage_file_digest, SHA256_BYTES) == 0;
}

void loader_spoil(void)
{
	file[SPOILT_BYTE] ^= 1;
}

static bool inside(uint64_t at, uint64_t len, uint64_t bytes)
{
	return at <= bytes && len <= bytes - at;
}

static const char *place(const struct segment *segment, uint64_t *end)
{
	unsigned char *to = (unsigned char *)(uintptr_t)segment->gpa;

	if (!inside(segment->offset, segment->file_bytes, stage_file_bytes) ||
	    segment->file_bytes > segment->memory_bytes)
		return "a segment of the second image is not in its file";
	if (segment->gpa < first_gpa() ||
	    !inside(segment->gpa - first_gpa(), segment->memory_bytes,
		    STAGE_BYTES))
		return "a segment of the second image is not where it may be";
	memcpy(to, file + segment->offset, segment->file_bytes);
	memset(to + segment->file_bytes, 0,
	       segment->memory_bytes - segment->file_bytes);
	if (*end < segment->gpa + segment->file_bytes)
		*end = segment->gpa + segment->file_bytes;
	return NULL;
}

/* @end: behind the last byte that came from the file. */
static const char *place_all(const struct elf *elf, uint64_t *end)
{
	struct segment segment;
	const char *why = NULL;

	if (elf->segment_bytes != sizeof(segment) ||
	    !inside(elf->segments,
		    (uint64_t)elf->segment_count * sizeof(segment),
		    stage_file_bytes))
		return "the second image has no program headers";
	for (uint64_t i = 0; i < elf->segment_count && why == NULL; i++) {
		memcpy(&segment, file + elf->segments + i * sizeof(segment),
		       sizeof(segment));
		if (segment.type == SEGMENT_LOAD && segment.memory_bytes != 0)
			why = place(&segment, end);
	}
	return why;
}

const char *loader_place(struct guest_image *image)
{
	uint64_t end = first_gpa();
	struct elf elf;
	const char *why;

	memcpy(&elf, file, sizeof(elf));
	if (memcmp(elf.ident, ident, sizeof(ident)) != 0)
		return "the second image is no ELF file of this CPU's";
	why = place_all(&elf, &end);
	if (why == NULL)
		*image = (struct guest_image) {
			.entry = elf.entry,
			.gpa = first_gpa(),
			.len = end - first_gpa(),
		};
	return why;
}
