// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a vCPU that leaves its VMSA keeps others, and itself, off it
// File: arch/x86/kvm/svm/snp_ghcb.c
// Test: snp_cpu_test
// Caught: not ok .*destroyed_vcpu_stops_and_can_be_created_again|BUG: unable to handle page fault
// Limit: 60
// Expect: xa_cmpxchg -1

@@ @@
 snp_vmsa_release(...)
 {
 <...
-xa_cmpxchg(...);
+;
 ...>
 }
