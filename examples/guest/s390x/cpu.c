/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * cpu.c - the s390x machine under the portable program: start, program checks,
 * power-off, clock. What depends on the bus is in ccw.c and zpci.c.
 *
 * DAT is off and interrupts are: addresses are real ones, and every wait polls.
 * In a real protected guest the operands of SERVC and of the channel
 * instructions reach the host through the ultravisor's secure instruction data
 * area (Linux, Documentation/virt/kvm/s390/s390-pv.rst), so that the SCCB,
 * SCHIB, ORB and IRB may stay private.
 */
#include <stdatomic.h>

#include "machine.h"

/* ---- start and program checks ---- */

#define PROGRAM_OPERATION 1 /* chapter 6: no such instruction */
#define OPCODE_UVC 0xb9a4u /* RRF: opcode, masks, R1, R2 */

/*
 * A pointer to the lowcore. Address 0 is a page like any other here; the empty
 * asm keeps the compiler from reasoning that it cannot be.
 */
static volatile void *lowcore(uint64_t offset)
{
	__asm__("" : "+r"(offset));
	return (volatile void *)offset;
}

void cpu_main(void)
{
	volatile uint64_t *psw = lowcore(LOWCORE_PROGRAM_NEW_PSW);
	volatile uint64_t *stack = lowcore(LOWCORE_PROGRAM_STACK);
	const char *why;

	stack[0] = (uint64_t)program_stack_end - STACK_FRAME;
	psw[0] = PSW_64BIT;
	psw[1] = (uint64_t)program_entry;
	why = bus_start();
	if (why != NULL)
		guest_fail(why);
	guest_main();
}

static _Noreturn void unexpected(uint16_t code, uint64_t address)
{
	guest_print("program check %u at %lx\n", (unsigned)code,
		    (unsigned long)address);
	guest_fail("unexpected program check");
}

/* UVC's operands are checked as hardware and ultravisor would. */
static unsigned answer(uint32_t instruction, const uint64_t registers[16])
{
	uint64_t block = registers[instruction & 0xf];

	if (registers[(instruction >> 4) & 0xf] != 0)
		guest_fail("UVC with a first register that is not zero");
	if (block % sizeof(uint64_t) != 0)
		guest_fail("UVC with a misaligned control block");
	if (!model_is_open() && model_allows(block, sizeof(struct uvc_header)))
		guest_fail("UVC with a control block that the host can write");
	return model_answer((struct uvc_header *)block);
}

/*
 * An emulated CPU has no UVC: it ends in an operation exception, with the old
 * PSW already behind it. The model's answer goes where UVC would have put it.
 */
void cpu_program_check(const uint64_t registers[16])
{
	volatile uint64_t *inside = lowcore(LOWCORE_INSIDE);
	volatile uint64_t *psw = lowcore(LOWCORE_PROGRAM_OLD_PSW);
	uint16_t code = *(volatile uint16_t *)lowcore(LOWCORE_PROGRAM_CODE);
	uint8_t bytes = *(volatile uint8_t *)lowcore(LOWCORE_PROGRAM_LENGTH);
	uint32_t instruction;
	uint64_t condition;

	if (*inside != 0)
		guest_fail("program check inside the handler");
	*inside = 1;
	if (code != PROGRAM_OPERATION || bytes != sizeof(instruction))
		unexpected(code, psw[1]);
	memcpy(&instruction, (const void *)(psw[1] - bytes),
	       sizeof(instruction));
	if (instruction >> 16 != OPCODE_UVC)
		unexpected(code, psw[1] - bytes);
	condition = answer(instruction, registers);
	psw[0] = (psw[0] & ~(UINT64_C(3) << PSW_CONDITION_SHIFT)) |
		 condition << PSW_CONDITION_SHIFT;
	*inside = 0;
}

/* Storage that was written is what is fetched (chapter 5, "Conceptual
 * Sequence"): nothing to be done before. */
void cpu_enter(const struct guest_image *image)
{
	cpu_stop(PSW_64BIT, image->entry);
}

/* ---- power-off ---- */

/*
 * A disabled wait is how a Z machine stops. QEMU takes the address 0xfff for
 * an orderly end, and any other for a panic (target/s390x, is_special_wait_psw,
 * and -action panic=exit-failure), as soon as no other CPU runs.
 */
void cpu_exit(bool ok)
{
	static atomic_flag begun = ATOMIC_FLAG_INIT;

	/* Two CPUs that stop each other would be an orderly end, too.
	 * relaxed: the flag is all that is told. */
	while (atomic_flag_test_and_set_explicit(&begun, memory_order_relaxed))
		;
	second_stop_others();
	cpu_stop(PSW_64BIT | PSW_WAIT, ok ? 0xfff : 0xbad);
}

/* ---- clock ---- */

/* Bit 51 of the TOD clock counts microseconds (chapter 4, "TOD Clock"). */
#define TOD_MICROSECOND_SHIFT 12

uint64_t cpu_ticks(void)
{
	uint64_t tod;

	__asm__ volatile("stckf %0" : "=Q"(tod) : : "cc");
	return tod;
}

uint64_t cpu_milliseconds(void)
{
	return (cpu_ticks() >> TOD_MICROSECOND_SHIFT) / 1000;
}
