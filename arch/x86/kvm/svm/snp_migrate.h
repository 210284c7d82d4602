/* SPDX-License-Identifier: GPL-2.0-only */
/* A SEV guest's context moves to another VM of this host: see snp_migrate.c. */
#ifndef __SVM_SNP_MIGRATE_H
#define __SVM_SNP_MIGRATE_H

#include <linux/kvm_host.h>

/* sev.c's lock of enc_context_owner, mirror_vms and mirror_entry */
extern struct mutex *const snp_mirror_lock;

#ifdef CONFIG_SNP_PAGE_STATE
int snp_vm_move_enc_context_from(struct kvm *kvm, unsigned int source_fd);
int snp_issue_cmd(int fd, int id, void *data, int *error);
#else
#define snp_issue_cmd			__sev_issue_cmd
#define snp_vm_move_enc_context_from	sev_vm_move_enc_context_from
#endif

#endif /* __SVM_SNP_MIGRATE_H */
