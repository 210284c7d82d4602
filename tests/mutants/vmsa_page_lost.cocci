// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a vCPU's page is forgotten with its memslot
// File: arch/x86/kvm/svm/snp_in_place.c
// Test: snp_in_place_vcpus_test
// Caught: not ok .*vmsa_page_of_a_deleted_slot_comes_back
// Limit: 60
// Expect: snp_return_page -1
//
// A VMM that deletes slots and makes VMSAs takes all memory of the host.

@@ @@
 leave_vmsa(...)
 {
 ...
-if (v->left)
-	snp_return_page(...);
 ...
 }
