/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What svm.c calls (by its hooks) to run a vCPU on the software platform. On
 * a kernel or a machine without the platform each call is a static branch.
 */
#ifndef __KVM_X86_SVM_SNP_SOFT_RUN_H
#define __KVM_X86_SVM_SNP_SOFT_RUN_H

#include <linux/types.h>
#include <asm/snp_soft.h>

struct kvm_vcpu;
struct snp_soft_vcpu;

#ifdef CONFIG_SNP_SOFT

int __snp_soft_vcpu_prepare(struct kvm_vcpu *vcpu);
void snp_soft_vcpu_free(struct kvm_vcpu *vcpu);
bool __snp_soft_vmrun_begin(struct kvm_vcpu *vcpu);
bool __snp_soft_vmrun_end(struct kvm_vcpu *vcpu);

#else

static inline int __snp_soft_vcpu_prepare(struct kvm_vcpu *vcpu) { return 1; }
static inline void snp_soft_vcpu_free(struct kvm_vcpu *vcpu) { }
static inline bool __snp_soft_vmrun_begin(struct kvm_vcpu *vcpu) { return true; }
static inline bool __snp_soft_vmrun_end(struct kvm_vcpu *vcpu) { return false; }

#endif

/* svm_vcpu_pre_run(): 1 = go on, or -ENOMEM */
static __always_inline int snp_soft_vcpu_prepare(struct kvm_vcpu *vcpu)
{
	return snp_soft_enabled() ? __snp_soft_vcpu_prepare(vcpu) : 1;
}

/* Before VMRUN: false = the VMRUN ends at once, do not execute it */
static __always_inline bool snp_soft_vmrun_begin(struct kvm_vcpu *vcpu)
{
	return snp_soft_enabled() ? __snp_soft_vmrun_begin(vcpu) : true;
}

/* After it: true = silicon would still be in the guest, VMRUN again */
static __always_inline bool snp_soft_vmrun_end(struct kvm_vcpu *vcpu)
{
	return snp_soft_enabled() && __snp_soft_vmrun_end(vcpu);
}

#endif /* __KVM_X86_SVM_SNP_SOFT_RUN_H */
