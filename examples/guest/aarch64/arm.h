/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * arm.h - what the files of this folder owe each other.
 */
#ifndef ARM_H
#define ARM_H

#include "../guest.h"

/* QEMU docs/system/arm/virt.rst: RAM begins here, with the device tree. */
#define ARM_RAM UINT64_C(0x40000000)
#define ARM_RAM_BYTES (UINT64_C(256) << 20)

/* Pools: behind the image (link.ld), each at a multiple of 2 MiB. */
#define ARM_POOL (ARM_RAM + (UINT64_C(64) << 20))
#define ARM_CONTROL (ARM_RAM + (UINT64_C(72) << 20))
#define ARM_REFUSED (ARM_RAM + (UINT64_C(74) << 20))

/* ---- start.S ---- */

/* Where the second CPU is to be started; code, not a C function. */
extern const unsigned char arm_second_entry[];

/* Called by start.S: on the first CPU, on the second, on either. */
_Noreturn void arm_start(void);
_Noreturn void arm_second(void);
_Noreturn void arm_exception(uint64_t syndrome, uint64_t link, uint64_t fault);

/* arm_firmware() - a firmware call (Arm DEN 0028, SMC Calling Convention). */
int64_t arm_firmware(uint64_t function, uint64_t a, uint64_t b, uint64_t c);

/* arm_semihosting() - ask the emulator (Arm, Semihosting for AArch32 and
 * AArch64, 2.0). */
uint64_t arm_semihosting(uint64_t operation, const void *block);

#endif
