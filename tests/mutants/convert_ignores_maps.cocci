// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a conversion does not care who has the page mapped
// File: arch/x86/kvm/svm/snp_range.c
// Test: snp_in_place_vcpus_test
// Args: TEST=nae_request_leaves_a_mapped_page_for_later
// Caught: not ok .*nae_request_leaves_a_mapped_page_for_later
// Limit: 60
// Expect: SNP_HOLD_MAP -1

@@
identifier r, gfn, n;
@@
 try_lock(struct snp_range *r, ...)
 {
 <...
-find(r, gfn, gfn + n - 1, BIT(SNP_HOLD_MAP), NULL)
+false
 ...>
 }
