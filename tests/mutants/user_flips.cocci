// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a write to a user address takes the page from the guest
// File: arch/x86/mm/rmp_fault_user.c
// Test: rmp_user_test
// Caught: not ok .*user_mode_write_gets_sigbus
// Limit: 60
// Expect: rmp_flip_shared 1

@@
expression pfn, address;
@@
 __rmp_fault_user(...)
 {
 ...
 pfn = rmp_user_look(&f, current->mm, address);
+	if (f.rmp.assigned)
+		return rmp_flip_shared(pfn, f.rmp.level);
 ...
 }
