/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * start.S - where QEMU enters the image, or another image enters it, the second
 * CPU's way there, and the exception vectors.
 *
 * The first CPU comes in by PVH: 32-bit protected mode without paging, the
 * start info's address in %ebx. The second comes in real mode, in a copy of
 * `trampoline` below 1 MiB (second.c). Both go on in 64-bit mode, in which a
 * second image (stage.h) begins. All have the same identity map: RAM in the
 * first GiB, cacheable; devices from 2 to 4 GiB, not. The image was loaded into
 * zeroed memory: .bss is so.
 *
 * Sources: Xen, docs/misc/pvh.pandoc (x86/HVM direct boot ABI); Intel SDM vol.
 * 3, 4.5 (paging), 6.14 (64-bit interrupts), 8.4 (starting a CPU), 9.8
 * (IA-32e mode).
 */
#define STACK_BYTES 65536
#define TRAMPOLINE 0x8000		/* second.c */

#define CODE 8				/* selectors */
#define DATA 16

#define PRESENT 0x3			/* and writable */
#define BLOCK 0x83			/* a page of 1 GiB */
#define UNCACHED 0x18			/* PWT, PCD */

#define CR0_ON 0x80000001		/* paging, protection */
#define CR4_ON 0x20			/* PAE */
#define EFER 0xc0000080
#define EFER_ON 0x100			/* long mode */

	.section .note.Xen, "a", @note
	.balign	4
	.long	4, 4, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	_start

	/* From protected or real mode with a GDT to 64-bit mode's door. */
	.macro	long_mode
	movl	$CR4_ON, %eax
	movl	%eax, %cr4
	movl	$tables, %eax
	movl	%eax, %cr3
	movl	$EFER, %ecx
	rdmsr
	orl	$EFER_ON, %eax
	wrmsr
	movl	$CR0_ON, %eax
	movl	%eax, %cr0
	.endm

	.macro	segments
	movw	$DATA, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	.endm

	.text
	.code32
	.globl	_start
_start:
	cli
	cld
	movl	%ebx, %edi
	lgdt	gdt_pointer
	long_mode
	ljmp	$CODE, $first
	.code64
first:
	segments
	movq	$first_stack_end, %rsp
	movl	%edi, %edi
	call	x86_start
0:	hlt
	jmp	0b

	/* A second image, from the first one's 64-bit mode: the start info's
	 * address in %rdi. The map is the same, in tables of this image. */
	.globl	stage_entry
stage_entry:
	cli
	cld
	lgdt	gdt_pointer
	movl	$tables, %eax
	movq	%rax, %cr3
	movq	$first_stack_end, %rsp
	pushq	$CODE
	pushq	$first
	lretq

second:
	segments
	movq	$second_stack_end, %rsp
	call	x86_second
	/* The stack is left: the next start begins it anew. */
0:	hlt
	jmp	0b

	/* Copied to TRAMPOLINE; entered there in real mode. */
	.section .rodata
	.code16
	.globl	x86_trampoline, x86_trampoline_end
x86_trampoline:
	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	lgdtl	TRAMPOLINE + (1f - x86_trampoline)
	long_mode
	ljmpl	$CODE, $second
1:	.word	gdt_end - gdt - 1
	.long	gdt
x86_trampoline_end:
	.code64

	/*
	 * An exception is never asked for: x86_exception(vector, error, rip).
	 * Some have an error code on the stack.
	 */
	.text
exception:
	popq	%rdi
	popq	%rsi
	popq	%rdx
	andq	$-16, %rsp
	call	x86_exception

	.set	vector, 0
	.balign	16
	.globl	x86_vectors
x86_vectors:
	.rept	32
	.balign	16
	.if	(0x60227d00 >> vector) & 1
	.else
	pushq	$0
	.endif
	pushq	$vector
	jmp	exception
	.set	vector, vector + 1
	.endr

	.section .rodata
	.balign	8
gdt:
	.quad	0
	.quad	0x00af9a000000ffff	/* 64-bit code */
	.quad	0x00cf92000000ffff	/* data */
gdt_end:
gdt_pointer:				/* 64-bit mode reads all of it */
	.word	gdt_end - gdt - 1
	.quad	gdt

	.data
	.balign	4096
tables:
	.quad	blocks + PRESENT
	.fill	511, 8, 0
blocks:
	.quad	BLOCK
	.quad	0
	.quad	0x80000000 + BLOCK + UNCACHED
	.quad	0xc0000000 + BLOCK + UNCACHED
	.fill	508, 8, 0

	.bss
	.balign	16
	.skip	STACK_BYTES
first_stack_end:
	.skip	STACK_BYTES
second_stack_end:

	.section .note.GNU-stack, "", @progbits
