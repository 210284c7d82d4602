/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest page that the host took back by a write: see snp_refault.c. */
#ifndef __SVM_SNP_REFAULT_H
#define __SVM_SNP_REFAULT_H

#include <linux/kvm_host.h>

#ifdef CONFIG_SNP_PAGE_STATE
bool snp_refault_page(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, int order);
#else
static inline bool snp_refault_page(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, int order)
{
	return false;
}
#endif

#endif /* __SVM_SNP_REFAULT_H */
