/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * start.S - entry, the program-check frame, and one function for each
 * instruction that C has no word for.
 *
 * Numbers are of the z/Architecture Principles of Operation, SA22-7832-13:
 * control registers in chapter 4, interruptions in 6, channel I/O in 14.
 * Convention: s390x ELF ABI; arguments from %r2, result in %r2. A function
 * that runs an instruction returns its condition code.
 */

	.set FRAME, 160			/* register save area the ABI wants */
	.set LOWCORE_REGISTERS, 0x400	/* words free for software, machine.h */
	.set LOWCORE_PROGRAM_STACK, 0x480
	.set LOWCORE_SECOND_STACK, 0x488
	.set LOWCORE_PSW, 0x490
	.set PROGRAM_OLD_PSW, 0x150

	/*
	 * IPM puts zeros and the condition code in bits 32-35 (chapter 7); the
	 * left half of the register stays, so it is cleared.
	 */
	.macro CONDITION_CODE
	ipm	%r2
	srl	%r2, 28
	llgfr	%r2, %r2
	br	%r14
	.endm

	.section .text.start, "ax"
	.globl	_start
_start:
	/* A second image is entered there, too. */
	.globl	stage_entry
stage_entry:
	/*
	 * AFP and vector registers on (CR0 bits 45 and 46, chapter 4): the
	 * guest is compiled without both, but a library that was not must
	 * still run. The image was loaded into zeroed memory: .bss is so.
	 */
	larl	%r1, control_zero
	lctlg	%c0, %c0, 0(%r1)
	larl	%r15, stack_end - FRAME
	brasl	%r14, cpu_main
	lghi	%r2, 0
	lghi	%r3, 0xbad
	brasl	%r14, cpu_stop

	/* The second CPU comes in here by its restart PSW (second.c). */
	.globl	second_entry
second_entry:
	larl	%r1, control_zero
	lctlg	%c0, %c0, 0(%r1)
	lg	%r15, LOWCORE_SECOND_STACK(%r0)
	brasl	%r14, cpu_second

	.section .rodata
	.balign	8
control_zero:
	.quad	0x60000

	.section .bss
	.balign	16
	.skip	65536
stack_end:
	.skip	16384
	.globl	program_stack_end
program_stack_end:

	.text

	/*
	 * A program check: registers to the lowcore, C on a stack of its own,
	 * and back to the old PSW, in which the handler may have set the
	 * condition code. Each CPU has a lowcore of its own. Not re-entrant: a
	 * check inside it loses the frame, which cpu_program_check() notices.
	 */
	.globl	program_entry
program_entry:
	stmg	%r0, %r15, LOWCORE_REGISTERS(%r0)
	lg	%r15, LOWCORE_PROGRAM_STACK(%r0)
	lghi	%r2, LOWCORE_REGISTERS
	brasl	%r14, cpu_program_check
	lmg	%r0, %r15, LOWCORE_REGISTERS(%r0)
	lpswe	PROGRAM_OLD_PSW(%r0)

	/* cpu_stop(mask, address): load a PSW and never come back. */
	.globl	cpu_stop
cpu_stop:
	stmg	%r2, %r3, LOWCORE_PSW(%r0)
	lpswe	LOWCORE_PSW(%r0)

	/* cpu_service_call(command, sccb): SERVC. */
	.globl	cpu_service_call
cpu_service_call:
	.insn	rre, 0xb2200000, %r2, %r3
	CONDITION_CODE

	/* cpu_channel_*(subchannel, block): named below (chapter 14). */
	.macro CHANNEL name, opcode
	.globl	\name
\name:
	lgr	%r1, %r2
	.insn	s, \opcode, 0(%r3)
	CONDITION_CODE
	.endm
	CHANNEL cpu_channel_modify, 0xb2320000	/* MSCH, SCHIB */
	CHANNEL cpu_channel_start, 0xb2330000	/* SSCH, ORB */
	CHANNEL cpu_channel_store, 0xb2340000	/* STSCH, SCHIB */
	CHANNEL cpu_channel_test, 0xb2350000	/* TSCH, IRB */

	/*
	 * cpu_virtio_notify(subchannel, queue): DIAG 2,4,0x500 with subcode 3
	 * in %r1, subchannel in %r2, queue in %r3, no cookie in %r4
	 * (VIRTIO 1.2, 4.3.3.2). The host's answer comes in %r2.
	 */
	.globl	cpu_virtio_notify
cpu_virtio_notify:
	lghi	%r1, 3
	lghi	%r4, 0
	.long	0x83240500
	br	%r14

	/*
	 * cpu_signal(address, order, word): SIGP; the word is the parameter
	 * first, and the status afterwards, if the condition code says so.
	 */
	.globl	cpu_signal
cpu_signal:
	lg	%r1, 0(%r4)
	sigp	%r1, %r2, 0(%r3)
	stg	%r1, 0(%r4)
	CONDITION_CODE

	/* cpu_uvc(block): UVC with zero in its first register. */
	.globl	cpu_uvc
cpu_uvc:
	lghi	%r0, 0
	.insn	rrf, 0xb9a40000, %r0, %r2, 0, 0
	CONDITION_CODE

	/*
	 * The instructions of zPCI, which the Principles of Operation leave
	 * out. Source: Linux arch/s390/include/asm/pci_insn.h, pci/pci_insn.c
	 * and pci/pci_clp.c. Requests and addresses come in an even-odd pair.
	 */

	/* cpu_clp(block): CLP to the logical processor for PCI, which is 2. */
	.globl	cpu_clp
cpu_clp:
	.insn	rrf, 0xb9a00000, %r0, %r2, 0, 2
	CONDITION_CODE

	/* cpu_pci_load(request, offset, value): PCILG. */
	.globl	cpu_pci_load
cpu_pci_load:
	.insn	rre, 0xb9d20000, %r0, %r2
	stg	%r0, 0(%r4)
	CONDITION_CODE

	/* cpu_pci_store(request, offset, value): PCISTG. */
	.globl	cpu_pci_store
cpu_pci_store:
	.insn	rre, 0xb9d00000, %r4, %r2
	CONDITION_CODE

	.section .note.GNU-stack, "", @progbits
