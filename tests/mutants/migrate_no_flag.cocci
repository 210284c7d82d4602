// SPDX-License-Identifier: GPL-2.0-only
// Mutant: migration without a flag
// File: arch/x86/kvm/svm/snp_migrate.c
// Test: sev_migrate_stress_test
// Caught: not ok .*(two_that_refuse_each_other|of_two_that_want_each_other|rings_of_vms)|no end after
// Limit: 60
// Expect: atomic_cmpxchg_acquire -1
//
// A from B and B from A each hold one kvm->lock and want the other.

@@
identifier kvm;
@@
 snp_try_flag(struct kvm *kvm)
 {
-return ...;
+return true;
 }
