// SPDX-License-Identifier: GPL-2.0-only
// Mutant: the handler sleeps
// File: arch/x86/mm/rmp_fault.c
// Test: rmp_fault_test
// Caught: BUG: scheduling while atomic|not ok .* with IRQs off
// Limit: 60
// Expect: msleep 1

@@ @@
 #include <linux/ptrace.h>
+#include <linux/delay.h>

@@
expression pfn, level, ret;
@@
 rmp_fault_flip(...)
 {
 ...
+msleep(1);
 ret = rmp_flip_shared(pfn, level);
 ...
 }
