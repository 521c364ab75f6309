/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * ucall.S - ultracall, hypervisor call and MSR, for ELFv2 (little endian) and
 * ELFv1 (big endian, function descriptors).
 *
 * An ultracall takes its function in r3 and its arguments from r4 on, and
 * answers in r3 (Linux, Documentation/arch/powerpc/ultravisor.rst, "Ultracalls
 * used by SVMs"): just where the C ABI has them. What it may change (r0, r3 to
 * r12, CTR, XER) a C call may change too; LR, CR and r14 to r31 survive. No
 * TOC is used, so one entry point will do. A hypervisor call has its function
 * in r3, its arguments from r4 on, and its result in r3, too, and what it may
 * change is the same (LoPAR 1.1, "Register Usage").
 */

#if defined(_CALL_ELF) && _CALL_ELF == 2

	.abiversion 2

#define FUNCTION(name)                                                        \
	.globl name;                                                          \
	.type name, @function;                                                \
name:

#define END(name) .size name, . - name

#else

#define FUNCTION(name)                                                        \
	.section ".opd", "aw";                                                \
	.align 3;                                                             \
	.globl name;                                                          \
	.type name, @function;                                                \
name:                                                                         \
	.quad .L.name, .TOC.@tocbase, 0;                                      \
	.text;                                                                \
.L.name:

#define END(name) .size name, . - .L.name

#endif

	.text
	.align 2

FUNCTION(bounce_power_ucall)
	.long 0x44000042	/* sc 2; older assemblers know no LEV 2 */
	blr
END(bounce_power_ucall)

FUNCTION(bounce_power_hcall)
	sc	1
	blr
END(bounce_power_hcall)

FUNCTION(bounce_power_msr)
	mfmsr 3
	blr
END(bounce_power_msr)

	.section .note.GNU-stack, "", @progbits
