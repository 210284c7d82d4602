/* SPDX-License-Identifier: GPL-2.0-only */
/* What tests of KVM_CAP_VM_MOVE_ENC_CONTEXT_FROM share: the move, and who pays. */
#ifndef SELFTEST_SEV_MOVE_H
#define SELFTEST_SEV_MOVE_H

#define CGROUPS		"/sys/fs/cgroup"

int sev_move(int dst_fd, int src_fd);
void cgroup_write(const char *dir, const char *file, const char *text);
void cgroup_enter(const char *dir);
void cgroup_remove(const char *dir);
long cgroup_charged(const char *dir, const char *type);

#endif /* SELFTEST_SEV_MOVE_H */
