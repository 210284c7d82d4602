/* SPDX-License-Identifier: GPL-2.0-only */
/* The lock order, told to lockdep once: see snp_lock_order.c. */
#ifndef __SVM_SNP_LOCK_ORDER_H
#define __SVM_SNP_LOCK_ORDER_H

#include <linux/kvm_host.h>

#if defined(CONFIG_SNP_PAGE_STATE) && defined(CONFIG_PROVE_LOCKING)
void snp_prime_lock_order(struct kvm_vcpu *vcpu);
#else
static inline void snp_prime_lock_order(struct kvm_vcpu *vcpu) { }
#endif

#endif /* __SVM_SNP_LOCK_ORDER_H */
