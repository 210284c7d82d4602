// SPDX-License-Identifier: GPL-2.0-only
// Mutant: KVM does not give the guest back the page that the host took
// File: arch/x86/kvm/svm/snp_refault.c
// Test: snp_host_write_test
// Caught: no end after|not ok .*page_is_flipped_write_completes
// Limit: 60
// Expect: kvm_zap_gfn_range -1
//
// The guest faults on it for ever.

@@
@@
 snp_refault_page(...)
 {
 ...
-kvm_zap_gfn_range(...);
+return false;
 ...
 }
