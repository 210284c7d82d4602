// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a spinlock around the mutexes of two VMs
// File: arch/x86/kvm/svm/snp_migrate.c
// Test: sev_migrate_tests
// Config: debug
// Caught: BUG: sleeping function called from invalid context
// Limit: 60
// Expect: two_vms_lock 5
//
// An order for two kvm->lock; who waits for one of them sleeps in it.

@@
identifier dst, src;
@@
+static spinlock_t two_vms_lock = __SPIN_LOCK_UNLOCKED(two_vms_lock);
+
 snp_lock_two_vms(struct kvm *dst, struct kvm *src)
 {
 ...
 }

@@
expression two, one;
@@
 snp_lock_two_vms(...)
 {
 ...
+spin_lock(&two_vms_lock);
 if (!mutex_lock_killable(...)) {
-if (!mutex_lock_killable_nested(one, two))
+if (!mutex_lock_killable_nested(one, two)) {
+	spin_unlock(&two_vms_lock);
	return 0;
+}
 ...
 }
+spin_unlock(&two_vms_lock);
 ...
 }
