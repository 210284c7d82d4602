// SPDX-License-Identifier: GPL-2.0-only
// Mutant: halves of two hugetlb pages pass for 2M
// File: arch/x86/kvm/svm/snp_convert.c
// Test: snp_in_place_test
// Caught: not ok .*two_halves_of_hugetlb_pages_are_no_2m
// Limit: 60
// Expect: fits_2m -1
//
// They become 4K entries, and the VMM's own writes beside them fault for ever.

@@ @@
 hugetlb_in_the_way(...)
 {
 ...
-if (fits_2m(u, s))
+if (u->large)
	return false;
 ...
 }
