// SPDX-License-Identifier: GPL-2.0-only
// Mutant: cached mappings of the destination are not revoked when a guest arrives
// File: arch/x86/kvm/svm/snp_migrate_pages.c
// Test: snp_migrate_test
// Caught: not ok .*destinations_own_caches_are_revoked
// Limit: 60
// Expect: snp_revoke_all -1
//
// The source's conversion did not know of them: KVM writes to a private page.

@@
identifier dst;
@@
 snp_pages_move(struct kvm *dst, ...)
 {
 <...
-snp_revoke_all(dst);
 ...>
 }
