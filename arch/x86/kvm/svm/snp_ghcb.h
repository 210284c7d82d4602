/* SPDX-License-Identifier: GPL-2.0-only */
/* Bad requests of SEV guests, and the VMSAs they made: see snp_ghcb.c. */
#ifndef __SVM_SNP_GHCB_H
#define __SVM_SNP_GHCB_H

#include <linux/kvm_host.h>
#include <asm/sev-common.h>

struct vcpu_svm;

#ifdef CONFIG_SNP_PAGE_STATE

__printf(2, 3) void snp_guest_error(struct kvm_vcpu *vcpu, const char *fmt, ...);
int snp_ghcb_refuse(struct vcpu_svm *svm, u64 error);
u64 snp_ghcb_register(struct kvm_vcpu *vcpu, u64 gfn);
int snp_guest_req_answer(struct vcpu_svm *svm, int ret);
bool snp_psc_hdr_bad(u32 reserved);
bool snp_psc_entry_bad(struct psc_entry entry);
bool snp_psc_hits_vmsa(struct kvm_vcpu *vcpu, u8 op, gfn_t gfn, u64 npages);
void snp_psc_count(struct kvm_vcpu *vcpu, bool nae, bool to_private, bool large,
		   gfn_t gfn, u64 npages);
bool snp_vmsa_gpa_bad(struct kvm_vcpu *vcpu, gpa_t gpa);
bool snp_vmsa_claim(struct kvm_vcpu *vcpu, kvm_pfn_t pfn);
void snp_vmsa_release(struct kvm_vcpu *vcpu);
void snp_vmsa_move(struct kvm_vcpu *dst, struct kvm_vcpu *src);
void snp_vmsa_retire(kvm_pfn_t pfn, u64 npages);

/* The hint how to get a GHCB dumped is a line per bad request: the trace has it. */
static inline bool snp_guest_may_dump(bool asked)
{
	return asked;
}

#else

#define snp_guest_error			vcpu_unimpl

static inline bool snp_guest_may_dump(bool asked)
{
	return true;
}

static inline int snp_ghcb_refuse(struct vcpu_svm *svm, u64 error)
{
	return -EINVAL;
}

static inline u64 snp_ghcb_register(struct kvm_vcpu *vcpu, u64 gfn)
{
	return gfn;
}

static inline int snp_guest_req_answer(struct vcpu_svm *svm, int ret)
{
	return ret;
}

static inline bool snp_psc_hdr_bad(u32 reserved)
{
	return false;
}

static inline bool snp_psc_entry_bad(struct psc_entry entry)
{
	return false;
}

static inline bool snp_psc_hits_vmsa(struct kvm_vcpu *vcpu, u8 op, gfn_t gfn, u64 npages)
{
	return false;
}

static inline bool snp_vmsa_gpa_bad(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	return false;
}

static inline bool snp_vmsa_claim(struct kvm_vcpu *vcpu, kvm_pfn_t pfn)
{
	return true;
}

static inline void snp_vmsa_release(struct kvm_vcpu *vcpu) { }
static inline void snp_vmsa_retire(kvm_pfn_t pfn, u64 npages) { }

#endif

#endif /* __SVM_SNP_GHCB_H */
