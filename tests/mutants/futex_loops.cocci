// SPDX-License-Identifier: GPL-2.0-only
// Mutant: fixup_user_fault() says that the page can be written to
// File: arch/x86/mm/rmp_fault_user.c
// Test: rmp_user_test
// Caught: no end after
// Limit: 45
// Expect: rmp_user_look -1

@@
expression pfn, address, vma;
@@
 __rmp_fault_fixup(...)
 {
 ...
-pfn = rmp_user_look(&f, vma->vm_mm, address);
+pfn = 0;
 ...
 }
