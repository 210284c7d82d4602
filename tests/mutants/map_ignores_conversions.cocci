// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a map does not wait for the conversion of its page
// File: arch/x86/kvm/svm/snp_range.c
// Test: snp_in_place_race_test
// Args: RACE_SECONDS=10 RACES=kvm_vcpu_map_of_any_gfn
// Caught: pages were private while KVM had them mapped
// Limit: 60
// Expect: SNP_HOLD_EXCL -1

@@
identifier r, gfn;
@@
 try_hold(struct snp_range *r, ...)
 {
 <...
-find(r, gfn, gfn, BIT(SNP_HOLD_EXCL), NULL)
+false
 ...>
 }
