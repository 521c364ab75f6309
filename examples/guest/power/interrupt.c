/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * interrupt.c - what arrives at the vectors: the ultravisor's calls, of this
 * image and of a second one.
 */
#include "power.h"

#define VECTOR_SYSTEM_CALL 0xc00
#define INSTRUCTION_SC_2 0x44000042u

/*
 * LEV of a system call is not reported: the instruction before SRR0 tells.
 * Everything else that arrives here is the end.
 */
void power_interrupt(struct power_frame *frame, uint64_t vector)
{
	uint32_t instruction = 0;

	if (vector == VECTOR_SYSTEM_CALL)
		memcpy(&instruction, (void *)(uintptr_t)(frame->srr0 - 4),
		       sizeof(instruction));
	if (instruction == INSTRUCTION_SC_2) {
		frame->gpr[3] = model_answer(frame->gpr[3], frame->gpr[4],
					     frame->gpr[5]);
		return;
	}
	guest_print("interrupt %lx at %lx, msr %lx, lr %lx\n", vector,
		    frame->srr0, frame->srr1, frame->lr);
	guest_fail("an interrupt that nobody asked for");
}
