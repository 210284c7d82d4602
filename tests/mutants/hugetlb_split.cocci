// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a hugetlb mapping is split like any other
// File: arch/x86/mm/rmp_fault_user.c
// Test: rmp_user_test
// Caught: kernel BUG at mm/hugetlb.c
// Limit: 60
// Expect: is_vm_hugetlb_page -1

@@
expression vma;
@@
 rmp_user_split(...)
 {
 ...
-if (is_vm_hugetlb_page(vma))
-	return -EINVAL;
 ...
 }
