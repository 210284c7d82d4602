// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a cached mapping becomes valid without asking who has the page
// File: virt/kvm/pfncache.c
// Test: snp_in_place_vcpus_test
// Args: TEST=cached_mapping_of_the_clock_is_revoked
// Caught: not ok .*cached_mapping_of_the_clock
// Limit: 60
// Expect: kvm_in_place_refuses_pfn -1

@@
expression kvm, pfn;
@@
-if (kvm_in_place_refuses_pfn(kvm, pfn)) { ... }
