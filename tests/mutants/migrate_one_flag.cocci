// SPDX-License-Identifier: GPL-2.0-only
// Mutant: migration with a flag on the destination only
// File: arch/x86/kvm/svm/snp_migrate.c
// Test: sev_migrate_stress_test
// Caught: not ok .*(two_that_refuse_each_other|of_two_that_want_each_other|rings_of_vms)|no end after
// Limit: 60
// Expect: snp_try_flag -1
//
// Both get theirs: A from B and B from A then hold one kvm->lock each.

@@
identifier dst, src, first, second;
@@
 snp_lock_two_vms(struct kvm *dst, struct kvm *src)
 {
 ...
-if (!snp_try_flag(first))
+if (!snp_try_flag(dst))
	return -EBUSY;
-if (!snp_try_flag(second)) {
+if (!second) {
 ...
 }
 ...
-snp_clear_flag(second);
-snp_clear_flag(first);
+snp_clear_flag(dst);
 ...
 }

@@
identifier dst, src;
@@
 snp_unlock_two_vms(struct kvm *dst, struct kvm *src)
 {
 ...
-snp_clear_flag(src);
 ...
 }
