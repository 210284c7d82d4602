/* SPDX-License-Identifier: GPL-2.0-only */
/* Beginning and end of what takes its time: see snp_trace.c. */
#ifndef __SVM_SNP_TRACE_H
#define __SVM_SNP_TRACE_H

#include <linux/types.h>

struct kvm;
struct vcpu_svm;

/**
 * struct snp_migration - a migration under way
 * @began: local_clock()
 * @asid: of the guest that moves; 0: there is none
 * @from: process of the VM that it leaves
 */
struct snp_migration {
	u64 began;
	u32 asid;
	pid_t from;
};

#ifdef CONFIG_SNP_PAGE_STATE

void snp_psc_begin(struct vcpu_svm *svm, bool nae);
void snp_psc_end(struct vcpu_svm *svm, bool nae, u64 answer);
struct snp_migration snp_migrate_begin(struct kvm *src);
int snp_migrate_end(const struct snp_migration *m, int ret);

#else

static inline void snp_psc_begin(struct vcpu_svm *svm, bool nae) { }
static inline void snp_psc_end(struct vcpu_svm *svm, bool nae, u64 answer) { }

#endif
#endif /* __SVM_SNP_TRACE_H */
