// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a cached mapping becomes valid without asking who has the page
// File: virt/kvm/pfncache.c
// Test: snp_in_place_vcpus_test
// Caught: not ok .*(kvm_does_not_write_to_private_pages|cached_mapping_of_the_clock)
// Limit: 60
// Expect: kvm_in_place_refuses_pfn -1

@@
expression kvm, pfn;
@@
-if (kvm_in_place_refuses_pfn(kvm, pfn)) { ... }
