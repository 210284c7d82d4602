// SPDX-License-Identifier: GPL-2.0-only
// Mutant: the handler prints by itself instead of by irq_work
// File: arch/x86/mm/rmp_fault.c
// Test: rmp_fault_test
// Caught: no end after
// Limit: 45
// Expect: irq_work_queue -1
// Expect: rmp_fault_print 1
//
// The interrupted code holds the lock of the console's port.

@@
identifier l;
@@
 rmp_fault_log(...)
 {
 ...
-irq_work_queue(&l->work);
+rmp_fault_print(&l->work);
 }
