/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * loader.h - the second image: from the disk to where it runs.
 */
#ifndef LOADER_H
#define LOADER_H

#include "blk.h"

/* loader_read() - the file, into private memory; false when that failed. */
bool loader_read(struct blk *disk);

/*
 * loader_trusts() - is what was read the file that this image was built with?
 * The disk is the host's: nothing else of it is looked at before.
 */
bool loader_trusts(void);

/* loader_spoil() - change one bit of what was read, or change it back. */
void loader_spoil(void);

/*
 * loader_place() - put its segments where they are linked.
 * @image: written on success only.
 * Return: NULL, or why it cannot be.
 */
const char *loader_place(struct guest_image *image);

#endif
