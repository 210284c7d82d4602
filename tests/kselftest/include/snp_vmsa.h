/* SPDX-License-Identifier: GPL-2.0-only */
/* A VMSA that a guest makes for another vCPU of its own. See lib/snp_vmsa.c. */
#ifndef SELFTEST_SNP_VMSA_H
#define SELFTEST_SNP_VMSA_H

#include "snp.h"

/* APM vol. 2, table B-4: offsets */
enum snp_vmsa_field {
	VMSA_ES = 0x000, VMSA_CS = 0x010, VMSA_SS = 0x020, VMSA_DS = 0x030,
	VMSA_FS = 0x040, VMSA_GS = 0x050, VMSA_GDTR = 0x060,
	VMSA_LDTR = 0x070, VMSA_IDTR = 0x080, VMSA_TR = 0x090,
	VMSA_VMPL_CPL = 0x0c8, VMSA_EFER = 0x0d0, VMSA_CR4 = 0x148,
	VMSA_CR3 = 0x150, VMSA_CR0 = 0x158, VMSA_DR7 = 0x160,
	VMSA_DR6 = 0x168, VMSA_RFLAGS = 0x170, VMSA_RIP = 0x178,
	VMSA_RSP = 0x1d8, VMSA_PAT = 0x268, VMSA_FEATURES = 0x3b0,
	VMSA_XCR0 = 0x3e8, VMSA_MXCSR = 0x408, VMSA_FCW = 0x410,
};

#define VMSA_FEATURE_SNP	1ul

void snp_vmsa_set(u64 gva, enum snp_vmsa_field field, u64 value);
void snp_vmsa_build(u64 gva, void (*code)(void), u64 stack_end);
unsigned int snp_vmsa_mark(u64 gva, bool vmsa);

#endif /* SELFTEST_SNP_VMSA_H */
