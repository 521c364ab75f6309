/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * disks.h - what is where on the disks that tools/image.py and tools/output.py
 * make.
 */
#ifndef DISKS_H
#define DISKS_H

#define GUEST_SECTOR_BYTES 512u /* VIRTIO 1.2 section 5.2.4: always 512 */
#define GUEST_IMAGE_BYTES (16u << 20)
#define GUEST_OUTPUT_BYTES (17u << 20)

/*
 * Beyond the image the output disk holds the sectors that the controls use.
 * GUEST_PUBLIC_TEXT is written there first, over GUEST_CONTROL_BYTES; then the
 * device is given the address of a private page full of GUEST_SECRET_TEXT.
 * The host checks that the secret is nowhere on the disk. Afterwards these
 * bytes are zero where an IOMMU answers for a page (POWER), or still the
 * public text where it stops the device (zPCI), or the model refuses before
 * the device is told (ccw).
 */
#define GUEST_CONTROL_SECTOR (GUEST_IMAGE_BYTES / GUEST_SECTOR_BYTES)
#define GUEST_CONTROL_BYTES 4096u
#define GUEST_TEXT_BYTES 16u /* both texts, repeated without a gap */
#define GUEST_PUBLIC_TEXT "PUBLIC-BYTES-OK!"
#define GUEST_SECRET_TEXT "SECRET-KEEP-OUT!"

/*
 * Behind them are a text of each of the two images of a hand-over, over
 * GUEST_CONTROL_BYTES, and the second image's file, which tools/demo.py puts
 * there.
 */
#define GUEST_FIRST_SECTOR (GUEST_CONTROL_SECTOR + 16)
#define GUEST_NEXT_SECTOR (GUEST_CONTROL_SECTOR + 32)
#define GUEST_FIRST_TEXT "THE-FIRST-STAGE!"
#define GUEST_NEXT_TEXT "THE-SECOND-STAGE"
#define GUEST_STAGE_SECTOR (GUEST_CONTROL_SECTOR + 512)
#define GUEST_STAGE_BYTES (768u << 10) /* at most */

#endif
