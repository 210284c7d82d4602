// SPDX-License-Identifier: GPL-2.0-only
// Mutant: the exception fixup is asked before the page is flipped
// File: arch/x86/mm/rmp_fault.c
// Test: rmp_fault_test
// Caught: not ok .*uaccess: copy_from_user\(\) to a private page
// Limit: 60
// Expect: search_exception_tables 1
//
// The fixup of copy_from_user() is there for its user source.

@@ @@
 #include <linux/debugfs.h>
+#include <linux/extable.h>

@@
identifier regs, error_code, address;
@@
 __rmp_fault_kernel(struct pt_regs *regs, unsigned long error_code, unsigned long address)
 {
 ...
 if (!cc_platform_has(...))
	return false;
+if (search_exception_tables(regs->ip))
+	return false;
 ...
 }
