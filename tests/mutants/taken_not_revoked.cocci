// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a page that the host had taken is given back with KVM's caches on it
// File: arch/x86/kvm/svm/snp_convert.c
// Test: snp_in_place_vcpus_test
// Caught: not ok .*cached_mapping_of_a_taken_page_ends
// Limit: 60
// Expect: nr -1
//
// Shared in the RMP, it may have been mapped meanwhile.

@@ @@
 convert_unit(...)
 {
 <...
-nr++;
 atomic64_inc(&snp_counts.refaulted);
 ...>
 }
