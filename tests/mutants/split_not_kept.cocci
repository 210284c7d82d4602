// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a file's huge page is mapped as one over private pages
// File: arch/x86/mm/rmp_fault_user.c
// Test: rmp_user_test
// Caught: not ok .*(collapse|khugepaged|new_mappings)
// Limit: 60
// Expect: rmp_region_assigned -1

@@
expression e;
@@
 __rmp_keep_split(...)
 {
-return e && rmp_region_assigned(...);
+return false;
 }
