// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a reset unmaps the GHCB to which the VMM will answer
// File: arch/x86/kvm/svm/snp_in_place.c
// Test: snp_in_place_vcpus_test
// Caught: not ok .*ghcb_stays_mapped_over_a_reset
// Limit: 60
// Expect: complete_userspace_io -1
//
// The answer then goes to a page that may be somebody else's.

@@ @@
 snp_vcpu_reload(...)
 {
 ...
-if (!vcpu->arch.complete_userspace_io)
-	drop_ghcb(to_svm(vcpu));
+drop_ghcb(to_svm(vcpu));
 ...
 }
