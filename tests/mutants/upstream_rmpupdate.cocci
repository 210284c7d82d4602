// SPDX-License-Identifier: GPL-2.0-only
// Mutant: the repair calls upstream's rmp_make_shared()
// File: arch/x86/mm/rmp_fault.c
// Test: rmp_fault_test
// Caught: Call Trace:|WARNING: |BUG: |no end after
// Limit: 60
// Expect: rmp_make_shared 1
//
// It splits, repeats without bound, and dumps the stack when it is refused.

@@ @@
 #include <asm/rmp_fault.h>
+#include <asm/sev.h>

@@
expression pfn, level, ret;
@@
 rmp_fault_flip(...)
 {
 ...
-ret = rmp_flip_shared(pfn, level);
+ret = rmp_make_shared(pfn, level);
 ...
 }
