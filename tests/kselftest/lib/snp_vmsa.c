// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VMSA that a guest makes for another vCPU of its own, in a private page: built,
 * then marked, and from then on nobody's but hardware's until the mark is taken off.
 */
#include "snp_vmsa.h"

#define ATTR_CODE	0xa9bul
#define ATTR_DATA	0xc93ul
#define ATTR_LDT	0x082ul
#define ATTR_TSS	0x08bul

void snp_vmsa_set(u64 gva, enum snp_vmsa_field field, u64 value)
{
	*(volatile u64 *)(gva + field) = value;
}

/* Selector, attributes, limit; base */
static void segment(u64 gva, enum snp_vmsa_field field, u64 selector, u64 attr, u64 limit,
		    u64 base)
{
	snp_vmsa_set(gva, field, selector | attr << 16 | limit << 32);
	snp_vmsa_set(gva, field + 8, base);
}

/* As this vCPU, but for RIP and RSP */
void snp_vmsa_build(u64 gva, void (*code)(void), u64 stack_end)
{
	struct desc_ptr gdt = get_gdt(), idt = get_idt();
	int i;

	for (i = 0; i < PAGE_SIZE; i += 8)
		snp_vmsa_set(gva, i, 0);

	segment(gva, VMSA_CS, get_cs(), ATTR_CODE, ~0u, 0);
	segment(gva, VMSA_DS, get_ds(), ATTR_DATA, ~0u, 0);
	segment(gva, VMSA_ES, get_es(), ATTR_DATA, ~0u, 0);
	segment(gva, VMSA_SS, get_ds(), ATTR_DATA, ~0u, 0);
	segment(gva, VMSA_FS, 0, ATTR_DATA, ~0u, 0);
	segment(gva, VMSA_GS, 0, ATTR_DATA, ~0u, 0);
	segment(gva, VMSA_LDTR, 0, ATTR_LDT, 0xffff, 0);
	segment(gva, VMSA_TR, 0, ATTR_TSS, 0xffff, 0);
	segment(gva, VMSA_GDTR, 0, 0, gdt.size, gdt.address);
	segment(gva, VMSA_IDTR, 0, 0, idt.size, idt.address);

	snp_vmsa_set(gva, VMSA_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	snp_vmsa_set(gva, VMSA_CR0, get_cr0());
	snp_vmsa_set(gva, VMSA_CR3, get_cr3());
	snp_vmsa_set(gva, VMSA_CR4, get_cr4());
	snp_vmsa_set(gva, VMSA_DR6, 0xffff0ff0);
	snp_vmsa_set(gva, VMSA_DR7, 0x400);
	snp_vmsa_set(gva, VMSA_RFLAGS, X86_EFLAGS_FIXED);
	snp_vmsa_set(gva, VMSA_RIP, (u64)code);
	snp_vmsa_set(gva, VMSA_RSP, stack_end - 8);
	snp_vmsa_set(gva, VMSA_PAT, rdmsr(MSR_IA32_CR_PAT));
	snp_vmsa_set(gva, VMSA_FEATURES, VMSA_FEATURE_SNP);
	snp_vmsa_set(gva, VMSA_XCR0, 1);
	snp_vmsa_set(gva, VMSA_MXCSR, 0x1f80);
	snp_vmsa_set(gva, VMSA_FCW, 0x37f);
}

/* RMPADJUST for VMPL 1 without rights; returns its result. */
unsigned int snp_vmsa_mark(u64 gva, bool vmsa)
{
	return snp_rmpadjust(gva, SNP_4K, 1 | (vmsa ? SNP_RMPADJUST_VMSA : 0));
}
