// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a conversion waits for a map inside kvm->srcu
// File: arch/x86/kvm/svm/snp_psc.c
// Test: snp_in_place_vcpus_test
// Caught: not ok .*memslot_can_be_deleted_while_a_request_waits|no end after
// Limit: 60
// Expect: kvm_vcpu_srcu_read_unlock -1
// Expect: kvm_vcpu_srcu_read_lock -1
//
// Who holds the map may have to get through synchronize_srcu() first.

@@
@@
 msr_lock(...)
 {
 ...
-kvm_vcpu_srcu_read_unlock(...);
 ...
-kvm_vcpu_srcu_read_lock(...);
 ...
 }
